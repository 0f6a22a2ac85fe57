import { concatBytes, equalBytes, fromHex, toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { chinaTime } from '../../shared/time.ts';
import {
  beginLoad,
  credit,
  LOG_RECORD_LENGTH,
  parseLogRecord,
  provenLoad,
  readLog,
  REFERENCE_PURSE,
  verifyPin,
} from '../families/purse.ts';
import type { LogRecord, PurseSettings } from '../families/purse.ts';
import type { PinNotes } from '../families/pin-notes.ts';
import { TYPE_LOAD } from '../keys/purse-mac.ts';
import type { KeyProvider, LoadAnswer, LoadLeave } from '../keys/types.ts';
import { UNSEEN } from '../types.ts';
import type {
  CardChannel,
  CardLayout,
  CardReading,
  Classification,
  Judged,
  Keep,
  Purchase,
  StepsDone,
  WritePlan,
} from '../types.ts';
import {
  allBytes,
  damaged,
  decodeMeter,
  MAX_COUNT,
  METER_LENGTH,
  nextPurchase,
  putU16,
  putU32,
  u16,
  u32,
} from './fields.ts';
import {
  checkCustomersCard,
  decodeIdentity,
  HOLDER_LENGTH,
  IDENTITY_LENGTH,
  mayBeCpu,
  PUBLIC_LENGTH,
  readFile,
  s8Of,
  selectMeter,
  APPLICATION_TYPES,
  SFI_HOLDER,
  SFI_METER,
  SFI_PUBLIC,
} from './pl-cpu.ts';
import type { PurseType } from './pl-cpu.ts';

/**
 * PL-CPU in mode _purse_ (docs/layouts/pl-purse.md). A purchase is a load of the PBOC purse: count
 * = the card's online sequence number, which rises with each load, in one step with the balance.
 * The card keeps no order tag, so whose a load is only its own proof says, against what was kept
 * while it was made.
 *
 * Image: identity (SFI 15, 16), online sequence number (2), the card's proof of the last load (1:
 * told or not, MAC 4, TAC 4), the two newest loads of its log (23 each). Nothing in it moves when
 * the meter debits the purse; the balance is not in it, since it proves nothing.
 */

export const PL_PURSE = 'PL-PURSE';

const SEQ_AT = IDENTITY_LENGTH;
const PROOF_AT = SEQ_AT + 2;
const PROOF_LENGTH = 9;
const LOG_AT = PROOF_AT + PROOF_LENGTH;
const LOADS_KEPT = 2;
const IMAGE_LENGTH = LOG_AT + LOADS_KEPT * LOG_RECORD_LENGTH;
/**
 * What INITIALIZE is asked with where nothing is to be loaded: a purse may refuse a load of
 * nothing.
 */
const LOOK_FEN = 1;

/**
 * Kept of a write, oldest first: the answer to INITIALIZE (01), the leave to credit (02), the TAC
 * (03). Each begins with the sequence number before the load (2), the amount (4) and the terminal
 * (6); 02 and 03 go on with date and time (7) and MAC2 (4), 03 with the TAC (4).
 */
const STEP = { answered: 0x01, leave: 0x02, credited: 0x03 } as const;
const TERMS_LENGTH = 13;

function answeredRecord(a: LoadAnswer): Uint8Array {
  return concatBytes(terms(STEP.answered, a), putU32(a.balance), a.random, a.mac1);
}
function leaveRecord(a: LoadAnswer, leave: LoadLeave): Uint8Array {
  return concatBytes(terms(STEP.leave, a), leave.when, leave.mac2);
}
function creditedRecord(a: LoadAnswer, leave: LoadLeave, tac: Uint8Array): Uint8Array {
  return concatBytes(terms(STEP.credited, a), leave.when, leave.mac2, tac);
}
function terms(step: number, a: LoadAnswer): Uint8Array {
  return concatBytes(Uint8Array.of(step), putU16(a.seq), putU32(a.amount), a.terminal);
}

/** What cards with a purse need of the machine that they are in. */
export interface PurseOptions {
  /** Twelve digits: they go into the card's transaction data. */
  readonly terminalId: string;
  readonly nowMs: () => number;
  /**
   * Presented before a load; null: cards of this company ask for none. 123456 where not given
   * (layouts.md).
   */
  readonly pin?: Uint8Array | null;
  readonly settings?: PurseSettings;
  /** Where tries at the PIN are kept that cards do not tell; left out: nowhere. */
  readonly pinNotes?: PinNotes;
}

interface Read {
  readonly image: Uint8Array;
  readonly money: PurseMoney;
}

/** A purse's money as its card tells it. */
export interface PurseMoney {
  readonly count: number;
  /** Fen. */
  readonly balance: number;
  /** The newest transaction of the log is a debit. */
  readonly debited: boolean;
  /** The newest debit of the log that was read; null: there was none. */
  readonly debit: LogRecord | null;
}

/** What became of the money that was loaded: half of a reading. */
export type Spent = Pick<CardReading, 'cumulative' | 'meter' | 'visited' | 'fresh'>;

/** Who takes the money out of the purse: a household's meter here, a pump with PL-FUEL. */
export interface PurseUse {
  readonly id: string;
  readonly applicationType: PurseType;
  /** By the byte in SFI 16; left out: a household's. */
  readonly kinds?: readonly (CardReading['kind'] | undefined)[];
  readonly spent: (channel: CardChannel, money: PurseMoney) => Promise<Result<Spent, Failure>>;
}

/** 7 bytes BCD in China's time, as a card's transaction data has it. */
function whenOf(ms: number): Uint8Array {
  return fromHex(chinaTime(ms).replaceAll(/\D/g, ''));
}

/** A terminal number that is nobody's, of twelve digits, and a small sum. */
function challengeOf(random: Uint8Array): { amount: number; terminal: Uint8Array } {
  const digits = random.slice(0, 6).map((b) => (((b >>> 4) % 10) << 4) | ((b & 0x0f) % 10));
  return { amount: LOOK_FEN + ((random[6] ?? 0) % 100), terminal: digits };
}

class Purse {
  readonly #keys: KeyProvider;
  readonly #options: PurseOptions;
  readonly #terminal: Uint8Array;
  readonly #pin: Uint8Array | null;
  readonly #settings: PurseSettings;
  readonly #use: PurseUse;

  constructor(keys: KeyProvider, options: PurseOptions, use: PurseUse) {
    this.#use = use;
    this.#keys = keys;
    this.#options = options;
    this.#terminal = fromHex(options.terminalId);
    this.#pin = options.pin === undefined ? fromHex('123456') : options.pin;
    this.#settings = options.settings ?? REFERENCE_PURSE;
  }

  /** Selects, reads the identity, presents the PIN: a card of this layout that would begin a load. */
  async #open(channel: CardChannel): Promise<Result<Uint8Array, Failure>> {
    const selected = await selectMeter(channel);
    if (!selected.ok) return selected;
    const pub = await readFile(channel, SFI_PUBLIC, PUBLIC_LENGTH);
    if (!pub.ok) return pub;
    const customers = checkCustomersCard(pub.value, this.#use.applicationType);
    if (!customers.ok) return customers;
    const holder = await readFile(channel, SFI_HOLDER, HOLDER_LENGTH);
    if (!holder.ok) return holder;
    if (this.#pin !== null) {
      const verified = await verifyPin(channel, this.#pin, this.#settings, {
        cardNo: toHex(s8Of(pub.value)).slice(-10),
        notes: this.#options.pinNotes ?? null,
      });
      if (!verified.ok) return verified;
    }
    return ok(concatBytes(pub.value, holder.value));
  }

  /** What the card says of its loads, once a load was begun and with it the sequence number told. */
  async #loads(
    channel: CardChannel,
    identity: Uint8Array,
    answer: LoadAnswer,
  ): Promise<Result<Read, Failure>> {
    const { seq, balance } = answer;
    const image = new Uint8Array(IMAGE_LENGTH);
    image.set(identity);
    image.set(putU16(seq), SEQ_AT);
    if (seq > 0) {
      const proof = await provenLoad(channel, seq - 1, this.#settings);
      if (!proof.ok) return proof;
      if (proof.value !== null) image.set(concatBytes(Uint8Array.of(1), proof.value), PROOF_AT);
    }
    const loadsOf = (records: readonly Uint8Array[]): Uint8Array[] =>
      records.filter((r) => parseLogRecord(r).type === TYPE_LOAD);
    const log = await readLog(
      channel,
      this.#settings,
      (records) => loadsOf(records).length >= LOADS_KEPT,
    );
    if (!log.ok) return log;
    for (const [i, r] of loadsOf(log.value).slice(0, LOADS_KEPT).entries())
      image.set(r, LOG_AT + i * LOG_RECORD_LENGTH);
    const debits = log.value.map((r) => parseLogRecord(r).type !== TYPE_LOAD);
    const newest = log.value[debits.indexOf(true)];
    return ok({
      image,
      money: {
        count: seq,
        balance,
        debited: debits[0] === true,
        debit: newest === undefined ? null : parseLogRecord(newest),
      },
    });
  }

  async look(channel: CardChannel): Promise<Result<Read, Failure>> {
    const identity = await this.#open(channel);
    if (!identity.ok) return identity;
    const answer = await beginLoad(channel, LOOK_FEN, this.#terminal);
    return answer.ok ? this.#loads(channel, identity.value, answer.value) : answer;
  }

  /**
   * The same over a challenge: as terminal and amount, which MAC1 covers with balance and sequence
   * number. The card's new random ends the session of every MAC2 that was made before.
   */
  async prove(channel: CardChannel, challenge: Uint8Array): Promise<Result<Uint8Array, Failure>> {
    const identity = await this.#open(channel);
    if (!identity.ok) return identity;
    const { amount, terminal } = challengeOf(challenge);
    const answer = await beginLoad(channel, amount, terminal);
    if (!answer.ok) return answer;
    const judged = await this.#keys.checkLoad(s8Of(identity.value), answer.value);
    if (!judged.ok) return judged;
    const read = await this.#loads(channel, identity.value, answer.value);
    return read.ok ? ok(read.value.image) : read;
  }

  async read(channel: CardChannel): Promise<Result<CardReading, Failure>> {
    const looked = await this.look(channel);
    if (!looked.ok) return looked;
    const { image, money } = looked.value;
    const identity = decodeIdentity(image, this.#use.kinds);
    if (!identity.ok) return identity;
    if (identity.value.unit !== 'money') return damaged('a purse whose unit is not money');
    const { count } = money;
    if (count > MAX_COUNT) return damaged('online sequence number FFFF');
    const spent = await this.#use.spent(channel, money);
    if (!spent.ok) return spent;
    const last = parseLogRecord(image.subarray(LOG_AT, LOG_AT + LOG_RECORD_LENGTH));
    return ok({
      layout: this.#use.id,
      ...identity.value,
      ...spent.value,
      count,
      lastQuantity:
        count > 0 && last.type === TYPE_LOAD && sameSeq(last.seq, count - 1) ? last.amount : 0,
      tag: new Uint8Array(0),
      // Balance and sequence number change together or not at all.
      unfinished: false,
      image,
    });
  }

  async apply(
    channel: CardChannel,
    write: WritePlan,
    keep: Keep | undefined,
    done: StepsDone = UNSEEN,
  ): Promise<Result<void, Failure>> {
    if (keep === undefined) return err(failure('CARD-0206', 'nobody keeps the purse’s answers'));
    const identity = await this.#open(channel);
    if (!identity.ok) return identity;
    if (!equalBytes(identity.value, write.before.subarray(0, IDENTITY_LENGTH)))
      return err(failure('CARD-0205', 'identity differs'));
    done(2);
    const begun = await beginLoad(channel, write.quantity, this.#terminal);
    if (!begun.ok) return begun;
    const answer = begun.value;
    if (answer.seq !== u16(write.before, SEQ_AT)) {
      const now = await this.#loads(channel, identity.value, answer);
      if (!now.ok) return now;
      return classify(write, now.value.image) === 'after'
        ? ok(undefined)
        : err(failure('CARD-0205', `online sequence number ${answer.seq}`));
    }
    done(3);
    const answered = await keep(answeredRecord(answer));
    if (!answered.ok) return answered;
    done(4);
    const leave = await this.#keys.loadLeave(
      s8Of(write.before),
      answer,
      whenOf(this.#options.nowMs()),
    );
    if (!leave.ok) return leave;
    // By date, time and MAC2 the load is known again: durable before the card can carry it out.
    const left = await keep(leaveRecord(answer, leave.value));
    if (!left.ok) return left;
    done(5);
    const credited = await credit(channel, leave.value);
    if (!credited.ok) return credited;
    done(6);
    // What comes back from here on is read from the card; the TAC is evidence, and kept for the
    // delivery's record.
    if (credited.value.length > 0) await keep(creditedRecord(answer, leave.value, credited.value));
    return ok(undefined);
  }
}

/**
 * Whether a log's number is that of the load which began at `seqBefore`: cards differ in whether
 * they write it before or after it rose ([K]). Terminal and time tell the load apart anyway.
 */
function sameSeq(logged: number, seqBefore: number): boolean {
  return logged === seqBefore || logged === seqBefore + 1;
}

function plan(reading: CardReading, purchase: Purchase): Result<WritePlan, Failure> {
  const next = nextPurchase(reading, purchase);
  if (!next.ok) return next;
  const { count, quantity, cumulative, tag } = next.value;
  const { image: before } = reading;
  const after = new Uint8Array(IMAGE_LENGTH);
  after.set(before.subarray(0, IDENTITY_LENGTH));
  after.set(putU16(count), SEQ_AT);
  // As the card will log it; its terminal and time are not known before the write, and no proof
  // stands here.
  after.set(
    concatBytes(putU16(count - 1), new Uint8Array(3), putU32(quantity), Uint8Array.of(TYPE_LOAD)),
    LOG_AT,
  );
  return ok({
    cardNo: reading.cardNo,
    before,
    after,
    tag,
    count,
    quantity,
    cumulative,
    steps: [
      'SELECT PL.METER, re-read SFI 15 16',
      'VERIFY PIN',
      `INITIALIZE FOR LOAD: ${quantity} fen, online sequence number ${count - 1}`,
      'keep the answer',
      'MAC2, date and time from the key provider, kept',
      'CREDIT FOR LOAD',
    ],
  });
}

function sameCard(a: Uint8Array, b: Uint8Array): boolean {
  return (
    a.length === IMAGE_LENGTH &&
    b.length === IMAGE_LENGTH &&
    equalBytes(a.subarray(0, IDENTITY_LENGTH), b.subarray(0, IDENTITY_LENGTH))
  );
}

/**
 * The record kept of the write that the card proves to hold; null: none. The card's own proof (80
 * 5A) names the last load only, the log also the one before it.
 */
function provenBy(write: Judged, current: Uint8Array): Uint8Array | null {
  const seqBefore = u16(write.before, SEQ_AT);
  const proof = current.subarray(PROOF_AT, PROOF_AT + PROOF_LENGTH);
  const proves = proof[0] === 1 && u16(current, SEQ_AT) === seqBefore + 1;
  const ours = (r: Uint8Array): boolean => {
    if (((r[0] as number) !== STEP.leave && r[0] !== STEP.credited) || u16(r, 1) !== seqBefore)
      return false;
    if (proves && equalBytes(proof.subarray(1, 5), r.subarray(TERMS_LENGTH + 7, TERMS_LENGTH + 11)))
      return true;
    if (
      proves &&
      r[0] === STEP.credited &&
      equalBytes(proof.subarray(5, 9), r.subarray(TERMS_LENGTH + 11, TERMS_LENGTH + 15))
    )
      return true;
    for (let i = 0; i < LOADS_KEPT; i++) {
      const record = current.subarray(
        LOG_AT + i * LOG_RECORD_LENGTH,
        LOG_AT + (i + 1) * LOG_RECORD_LENGTH,
      );
      const logged = parseLogRecord(record);
      if (
        logged.type === TYPE_LOAD &&
        sameSeq(logged.seq, seqBefore) &&
        logged.amount === u32(r, 3) &&
        equalBytes(logged.terminal, r.subarray(7, TERMS_LENGTH)) &&
        equalBytes(logged.when, r.subarray(TERMS_LENGTH, TERMS_LENGTH + 7))
      )
        return true;
    }
    return false;
  };
  return (write.kept ?? []).findLast(ours) ?? null;
}

/**
 * The load is whole or not there, so `torn` never comes out. The sequence number alone says only
 * that nothing was loaded.
 */
function classify(write: Judged, current: Uint8Array): Classification {
  if (!sameCard(write.before, current)) return 'foreign';
  const was = u16(write.before, SEQ_AT);
  const now = u16(current, SEQ_AT);
  if (now === was) return 'before';
  return now > was && provenBy(write, current) !== null ? 'after' : 'foreign';
}

/** The TAC: the card's own proof where it tells one, else what its answer to CREDIT was. */
function proof(write: Judged, current: Uint8Array): Uint8Array | null {
  const record = provenBy(write, current);
  if (record === null) return null;
  const told = current.subarray(PROOF_AT, PROOF_AT + PROOF_LENGTH);
  if (
    told[0] === 1 &&
    u16(current, SEQ_AT) === u16(write.before, SEQ_AT) + 1 &&
    !allBytes(told.subarray(5), 0)
  )
    return told.slice(5);
  return record[0] === STEP.credited ? record.slice(TERMS_LENGTH + 11) : null;
}

/** A household's purse: the meter takes all that is in it, and tells in SFI 1A what it has. */
const HOUSEHOLD: PurseUse = {
  id: PL_PURSE,
  applicationType: APPLICATION_TYPES.purse,
  spent: async (channel, { count, balance, debited }) => {
    const bytes = await readFile(channel, SFI_METER, METER_LENGTH);
    if (!bytes.ok) return bytes;
    const meter = decodeMeter(bytes.value, count);
    if (!meter.ok) return meter;
    const { area, written } = meter.value;
    return ok({
      // All that was ever loaded: in the purse, in the meter, used up.
      cumulative: balance + area.remainingQuantity + area.cumulativeUsed,
      meter: area,
      // A meter that took the money and was cut before it wrote its area has been visited all the
      // same.
      visited: area.visited || (written && debited),
      fresh: !written,
    });
  },
};

/** The reference CPU card in mode _purse_. Acceptance rule: the meter takes what is in the purse. */
export const plPurseLayout = (keys: KeyProvider, options: PurseOptions): CardLayout =>
  purseLayout(keys, options, HOUSEHOLD);

/** A purse of the PBOC application, whoever takes the money out of it. */
export function purseLayout(keys: KeyProvider, options: PurseOptions, use: PurseUse): CardLayout {
  const purse = new Purse(keys, options, use);
  return {
    id: use.id,
    acceptance: 'purse',
    mayBe: mayBeCpu,
    read: (channel) => purse.read(channel),
    readImage: async (channel) => {
      const looked = await purse.look(channel);
      return looked.ok ? ok(looked.value.image) : looked;
    },
    proveAuthority: (reading) => keys.prove(s8Of(reading.image), 'purse'),
    plan,
    apply: (channel, write, keep, done) => purse.apply(channel, write, keep, done),
    classify,
    proof,
    provenImage: (channel, challenge) => purse.prove(channel, challenge),
    // By MAC2 alone a purse is loaded, and the leave is kept before it leaves for the card.
    exposed: (kept) => kept.some((record) => record[0] === STEP.leave),
    sameCard,
  };
}
