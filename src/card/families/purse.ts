import { concatBytes, toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { TYPE_LOAD } from '../keys/purse-mac.ts';
import type { LoadAnswer, LoadLeave } from '../keys/types.ts';
import type { CardChannel } from '../types.ts';
import { exchange, formatSw } from './fmcos.ts';
import { LEAST_TRIES, spendBlindTry } from './pin-notes.ts';
import type { BlindCard } from './pin-notes.ts';

/**
 * The electronic purse (EP) of a PBOC card: loading it, and what it says of past transactions
 * (cards.md 3.1).
 */

/**
 * What cards.md has as background knowledge only ([K]): one place to change for cards that do it
 * otherwise.
 */
export interface PurseSettings {
  /**
   * VERIFY without data is answered with 63Cx and costs no try (ISO 7816-4). False: the cards do
   * not tell, the PIN is presented blind, and its tries are counted here (pin-notes.ts).
   */
  readonly asksTries: boolean;
  /** GET TRANSACTION PROVE takes the sequence number as it was before the load. */
  readonly proveBefore: boolean;
  /** The transaction log: a cyclic file, record 1 the newest. */
  readonly logSfi: number;
  /** So many records it has at most. */
  readonly logRecords: number;
}
/** The reference card of layouts.md, which tells its tries. */
export const REFERENCE_PURSE: PurseSettings = {
  asksTries: true,
  proveBefore: true,
  logSfi: 0x18,
  logRecords: 10,
};

/** Of the load key within the card (layouts.md, sample keys). */
const LOAD_KEY_INDEX = 0x01;
/** 93xx and 94xx: what PBOC cards say to refuse a transaction (cards.md 2.3). */
const SW_MAC2 = 0x9302;

/** One record of the log: seq2 overdraft3 amount4 type1 terminal6 date4 time3. */
export const LOG_RECORD_LENGTH = 23;
export interface LogRecord {
  readonly seq: number;
  readonly amount: number;
  readonly type: number;
  readonly terminal: Uint8Array;
  readonly when: Uint8Array;
}
export function parseLogRecord(r: Uint8Array): LogRecord {
  const v = new DataView(r.buffer, r.byteOffset);
  return {
    seq: v.getUint16(0),
    amount: v.getUint32(5),
    type: r[9] as number,
    terminal: r.subarray(10, 16),
    when: r.subarray(16, 23),
  };
}

function u32Bytes(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/**
 * INITIALIZE FOR LOAD of the purse: `80 50 00 02 0B` key amount4 terminal6 (no Le under T=0). It
 * changes nothing on the card.
 */
export function initializeForLoad(amount: number, terminal: Uint8Array): Uint8Array {
  return concatBytes(
    Uint8Array.of(0x80, 0x50, 0x00, 0x02, 0x0b, LOAD_KEY_INDEX),
    u32Bytes(amount),
    terminal,
  );
}

/** CREDIT FOR LOAD: `80 52 00 00 0B` date4 time3 MAC2. */
export function creditForLoad({ when, mac2 }: LoadLeave): Uint8Array {
  return concatBytes(Uint8Array.of(0x80, 0x52, 0x00, 0x00, 0x0b), when, mac2);
}

/**
 * Presents the PIN once. CARD-0110: fewer than two tries are left, or may be, and it was not
 * presented; CARD-0201: the card refused it. A card whose PIN holds already is left alone where it
 * can be asked. That it is a card of this company, the caller has read over this channel since its
 * last reset: the PIN goes to that card.
 *
 * @param card whose tries are counted where it does not tell them
 */
export async function verifyPin(
  channel: CardChannel,
  pin: Uint8Array,
  settings: PurseSettings,
  card: BlindCard,
): Promise<Result<void, Failure>> {
  if (settings.asksTries) {
    const asked = await exchange(channel, Uint8Array.of(0x00, 0x20, 0x00, 0x00), 'session');
    if (!asked.ok) return asked;
    const { sw } = asked.value;
    if (sw === 0x9000) return ok(undefined);
    if (sw === 0x6983) return err(failure('CARD-0110', 'PIN locked'));
    if ((sw & 0xfff0) !== 0x63c0)
      return err(failure('CARD-0106', `VERIFY without data: ${formatSw(sw)}`));
    if ((sw & 0x0f) < LEAST_TRIES)
      return err(failure('CARD-0110', `PIN: ${sw & 0x0f} tries left, not presented`));
  }
  const blind = settings.asksTries ? null : spendBlindTry(card);
  if (blind !== null && !blind.ok) return blind;
  const verified = await exchange(
    channel,
    concatBytes(Uint8Array.of(0x00, 0x20, 0x00, 0x00, pin.length), pin),
    'session',
  );
  if (!verified.ok) return verified;
  const { sw } = verified.value;
  const told = triesTold(sw);
  if (told !== undefined) blind?.value(told);
  if (told === null) return ok(undefined);
  if (told === 0) return err(failure('CARD-0110', 'PIN locked'));
  return err(failure(told === undefined ? 'CARD-0106' : 'CARD-0201', `VERIFY ${formatSw(sw)}`));
}

/** Tries that are left by the answer to VERIFY; null: the PIN holds; undefined: it does not say. */
function triesTold(sw: number): number | null | undefined {
  if (sw === 0x9000) return null;
  // 63Cx: x are left (ISO 7816-4); 6983: none.
  if ((sw & 0xfff0) === 0x63c0) return sw & 0x0f;
  return sw === 0x6983 ? 0 : undefined;
}

/**
 * Begins a load. CARD-0202: the card does not begin one (94xx, 69xx …); nothing is changed either
 * way.
 */
export async function beginLoad(
  channel: CardChannel,
  amount: number,
  terminal: Uint8Array,
): Promise<Result<LoadAnswer, Failure>> {
  const answer = await exchange(channel, initializeForLoad(amount, terminal), 'session');
  if (!answer.ok) return answer;
  const { data, sw } = answer.value;
  if (sw === 0x9303) return err(failure('CARD-0110', 'INITIALIZE FOR LOAD 9303'));
  if (sw !== 0x9000) return err(failure('CARD-0202', `INITIALIZE FOR LOAD ${formatSw(sw)}`));
  if (data.length !== 16)
    return err(failure('CARD-0106', `INITIALIZE FOR LOAD: ${data.length} bytes`));
  const v = new DataView(data.buffer, data.byteOffset);
  return ok({
    balance: v.getUint32(0),
    seq: v.getUint16(4),
    random: data.slice(8, 12),
    mac1: data.slice(12, 16),
    amount,
    terminal,
  });
}

/**
 * Credits. CARD-0202: the card refused, and nothing changed; CARD-0203: it may have.
 *
 * @returns the card's TAC, empty where it gave none
 */
export async function credit(
  channel: CardChannel,
  leave: LoadLeave,
): Promise<Result<Uint8Array, Failure>> {
  const answer = await exchange(channel, creditForLoad(leave));
  if (!answer.ok)
    return err(
      failure(
        'CARD-0203',
        `CREDIT FOR LOAD: ${answer.error.code} ${answer.error.detail ?? ''}`.trimEnd(),
        answer.error,
      ),
    );
  const { data, sw } = answer.value;
  if (sw === 0x9000) return ok(data.length === 4 ? data : new Uint8Array(0));
  const sw1 = sw >>> 8;
  // Checking errors of ISO 7816-4, and PBOC's own refusals.
  const refused =
    sw === SW_MAC2 || sw1 === 0x93 || sw1 === 0x94 || (sw1 >= 0x67 && sw1 <= 0x6e && sw1 !== 0x6c);
  return err(failure(refused ? 'CARD-0202' : 'CARD-0203', `CREDIT FOR LOAD ${formatSw(sw)}`));
}

/**
 * MAC and TAC of the last load, as the card kept them; null: it tells none (an older number, or it
 * does not know the command).
 */
export async function provenLoad(
  channel: CardChannel,
  seqBefore: number,
  settings: PurseSettings,
): Promise<Result<Uint8Array | null, Failure>> {
  const seq = settings.proveBefore ? seqBefore : seqBefore + 1;
  const answer = await exchange(
    channel,
    Uint8Array.of(0x80, 0x5a, 0x00, TYPE_LOAD, 0x02, seq >>> 8, seq & 0xff),
    'session',
  );
  if (!answer.ok) return answer;
  const { data, sw } = answer.value;
  return ok(sw === 0x9000 && data.length === 8 ? data : null);
}

/**
 * The newest records of the log, newest first, until `enough` says so. Records of another length
 * are not told.
 */
export async function readLog(
  channel: CardChannel,
  settings: PurseSettings,
  enough: (records: readonly Uint8Array[]) => boolean,
): Promise<Result<readonly Uint8Array[], Failure>> {
  const records: Uint8Array[] = [];
  for (let n = 1; n <= settings.logRecords && !enough(records); n++) {
    const answer = await exchange(
      channel,
      Uint8Array.of(0x00, 0xb2, n, (settings.logSfi << 3) | 0x04, LOG_RECORD_LENGTH),
    );
    if (!answer.ok) return answer;
    const { data, sw } = answer.value;
    // 6A83: no more records; anything else is a card that shows no log.
    if (sw !== 0x9000) break;
    if (data.length !== LOG_RECORD_LENGTH)
      return err(failure('CARD-0104', `log record ${n}: ${toHex(data)}`));
    records.push(data.slice());
  }
  return ok(records);
}
