import { concatBytes, fromHex, toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { pad80 } from './des-mac.ts';
import {
  badLoad,
  CODES,
  isBlockProof,
  isLoadAnswer,
  isProof,
  leaveUnder,
  MAC_TAIL,
} from './master.ts';
import { TECHNICIAN } from './types.ts';
import type { KeyProvider, LoadAnswer } from './types.ts';

/**
 * Keys in a PSAM: a card of the company's that computes with its keys and never tells them. The
 * command set is that of the PSAM specification which FMCOS and its like implement: DELIVERY KEY
 * `80 1A` makes a card's key of a master key and keeps it in a register (P1 usage, P2 id, 8 bytes
 * of diversification for each level: bbs.21ic.com/icview-2941598-1-1), CIPHER DATA `80 FA` computes
 * with it (shuzhiduo.com/A/Ae5RynM3JQ: usages, and `80 FA 00 00 08`).
 */

/**
 * A way to a card: one exchange in flight, its whole answer with SW1 SW2; 61xx is handled below. A
 * card channel is one; so is a SAM slot.
 */
export interface ApduPort {
  readonly transmit: (apdu: Uint8Array) => Promise<Result<Uint8Array, Failure>>;
  /** Powers the card anew; everything selected and computed is gone. */
  readonly reset: () => Promise<Result<Uint8Array, Failure>>;
}

/**
 * Where a PSAM keeps a key. `usage`: low 5 bits the type (8: MAC and encryption), high 3 bits how
 * often it is diversified.
 */
export interface PsamKey {
  readonly usage: number;
  readonly id: number;
}

/** What differs between companies' PSAMs, and what no source confirms ([K]). */
export interface PsamSettings {
  /** SELECT before anything else: by name where it has more than 2 bytes, else by file id. */
  readonly application: Uint8Array;
  readonly auth: PsamKey;
  readonly mac: PsamKey;
  /**
   * Absent: this PSAM loads no purses, as it should be (cards.md 3.2: the load key belongs to
   * central).
   */
  readonly load?: PsamKey;
  /** Not diversified: a code is the number's own cryptogram. */
  readonly psc: PsamKey;
  /** CIPHER DATA, P1: encrypts one block, nothing follows. */
  readonly encrypt: number;
  /** CIPHER DATA, P1: MAC over all of the data, whose first 8 bytes are the start value. [K] */
  readonly macWithStart: number;
  /**
   * CIPHER DATA, P1: the same, and all 8 bytes of it. No published command set has such an
   * operation (they give 4 bytes); absent, this PSAM neither makes nor judges proofs of blocks.
   */
  readonly wholeMac?: number;
}
/** The profile that a PSAM follows where the company says nothing else. */
export const REFERENCE_PSAM: PsamSettings = {
  application: fromHex('DF01'),
  auth: { usage: 0x28, id: 0x01 },
  mac: { usage: 0x28, id: 0x02 },
  load: { usage: 0x28, id: 0x03 },
  psc: { usage: 0x08, id: 0x01 },
  encrypt: 0x00,
  macWithStart: 0x05,
};

/** cards.md 3.2: the ICV of a 4-byte challenge is the challenge ‖ 00000000. */
const ICV_TAIL = new Uint8Array(4);
/** The proof of a block starts from nothing (docs/layouts/pl-24.md). */
const ZERO_START = new Uint8Array(8);
const SESSION_TAIL = fromHex('8000');
/** DELIVERY KEY takes no more than a byte says. */
const MAX_DATA = 0xff;

/**
 * A provider over a PSAM. It holds its state (what is selected, which key is in the register) only
 * within one request, and requests go one at a time, so a PSAM that was pulled or reset in between
 * is found as it is. A broken exchange is tried once more after a reset: computing twice changes
 * nothing. CARD-0206: no answer, a refusal, or a key that it has not.
 */
export function psamKeyProvider(
  port: ApduPort,
  settings: PsamSettings = REFERENCE_PSAM,
): KeyProvider {
  let turn: Promise<unknown> = Promise.resolve();

  async function command(what: string, apdu: Uint8Array): Promise<Result<Uint8Array, Failure>> {
    const answer = await port.transmit(apdu);
    if (!answer.ok) return answer;
    const { value } = answer;
    const sw = value.subarray(-2);
    if (value.length < 2 || sw[0] !== 0x90 || sw[1] !== 0x00)
      return err(failure('CARD-0206', `PSAM: ${what} ${toHex(sw)}`));
    return ok(value.subarray(0, -2));
  }
  const withData = (header: readonly number[], data: Uint8Array): Uint8Array =>
    concatBytes(Uint8Array.from(header), Uint8Array.of(data.length), data);

  /** The register holds the key afterwards. */
  async function deliver(key: PsamKey, factor: Uint8Array): Promise<Result<Uint8Array, Failure>> {
    const { application } = settings;
    const selected = await command(
      'SELECT',
      withData([0x00, 0xa4, application.length > 2 ? 0x04 : 0x00, 0x00], application),
    );
    if (!selected.ok) return selected;
    return command(
      `DELIVERY KEY ${toHex(Uint8Array.of(key.usage, key.id))}`,
      withData([0x80, 0x1a, key.usage, key.id], factor),
    );
  }

  /** What the PSAM computes with a key; `bytes` of it are wanted. */
  function compute(
    key: PsamKey,
    factor: Uint8Array,
    mode: number,
    data: Uint8Array,
    bytes: number,
  ): Promise<Result<Uint8Array, Failure>> {
    return queued(async () => {
      const delivered = await deliver(key, factor);
      if (!delivered.ok) return delivered;
      const answer = await command('CIPHER DATA', withData([0x80, 0xfa, mode, 0x00], data));
      if (!answer.ok) return answer;
      return answer.value.length >= bytes
        ? ok(answer.value.slice(0, bytes))
        : err(failure('CARD-0206', `PSAM: CIPHER DATA gave ${answer.value.length} bytes`));
    });
  }

  /**
   * One request at a time, once more after a reset where an exchange broke. Whatever breaks is the
   * provider's failure, never the card's that is being written.
   */
  function queued<T>(work: () => Promise<Result<T, Failure>>): Promise<Result<T, Failure>> {
    const attempt = async (): Promise<Result<T, Failure>> => {
      let last = await work();
      if (!last.ok && last.error.code !== 'CARD-0206') {
        const atr = await port.reset();
        last = atr.ok ? await work() : atr;
      }
      if (last.ok || last.error.code === 'CARD-0206') return last;
      return err(
        failure(
          'CARD-0206',
          `PSAM: ${last.error.code} ${last.error.detail ?? ''}`.trimEnd(),
          last.error,
        ),
      );
    };
    const mine = turn.then(attempt);
    // One that fails out of its way must not fail all that come after.
    turn = mine.catch(() => undefined);
    return mine;
  }

  /** The key is there and may be used. */
  async function has(key: PsamKey, factor: Uint8Array): Promise<Result<void, Failure>> {
    const delivered = await queued(() => deliver(key, factor));
    return delivered.ok ? ok(undefined) : delivered;
  }
  const wrong = (what: string): Promise<{ readonly ok: false; readonly error: Failure }> =>
    Promise.resolve(err(failure('CARD-0206', `PSAM: ${what}`)));
  const noLoad = 'no key for loading purses';
  const noProofs = (): Promise<{ readonly ok: false; readonly error: Failure }> =>
    wrong('CIPHER DATA gives 4 bytes of a MAC, a proof has 8 (keys.profile.wholeMac)');
  /**
   * The key of this one load leaves the PSAM, and is of no use for any other: the card's random is
   * in it.
   */
  function sessionKey(
    s8: Uint8Array,
    { random, seq }: LoadAnswer,
  ): Promise<Result<Uint8Array, Failure>> {
    if (settings.load === undefined) return wrong(noLoad);
    const of = concatBytes(random, Uint8Array.of(seq >>> 8, seq & 0xff), SESSION_TAIL);
    return compute(settings.load, s8, settings.encrypt, of, 8);
  }
  function blockMac(cardNo: Uint8Array, data: Uint8Array): Promise<Result<Uint8Array, Failure>> {
    const message = concatBytes(ZERO_START, pad80(data));
    if (settings.wholeMac === undefined) return noProofs();
    if (cardNo.length !== 5 || message.length > MAX_DATA) return wrong('card number or block');
    return compute(settings.mac, concatBytes(cardNo, MAC_TAIL), settings.wholeMac, message, 8);
  }

  return {
    id: 'psam',
    prove: async (s8, use = 'file') => {
      if (s8.length !== 8) return wrong('diversification data');
      if (use === 'purse')
        return settings.load === undefined ? wrong(noLoad) : has(settings.load, s8);
      const auth = await has(settings.auth, s8);
      return auth.ok ? has(settings.mac, s8) : auth;
    },
    proveCode: (_code, cardNo) =>
      cardNo.length === 5 ? has(settings.psc, new Uint8Array(0)) : wrong('card number'),
    cardCode: (code, cardNo) =>
      cardNo.length === 5
        ? compute(
            settings.psc,
            new Uint8Array(0),
            settings.encrypt,
            concatBytes(cardNo, CODES[code].tail),
            CODES[code].bytes,
          )
        : wrong('card number'),
    blockMac,
    checkBlocks: async (cardNo, blocks) => {
      const verdicts: boolean[] = [];
      for (const { data, mac } of blocks) {
        const right = await blockMac(cardNo, data);
        if (!right.ok) return right;
        verdicts.push(isBlockProof(right.value, mac));
      }
      return ok(verdicts);
    },
    proveBlock: async (cardNo) =>
      settings.wholeMac === undefined || cardNo.length !== 5
        ? noProofs()
        : has(settings.mac, concatBytes(cardNo, MAC_TAIL)),
    proveSector: () => has(settings.psc, new Uint8Array(0)),
    sectorKey: (uid, sector, which) =>
      uid.length === 4
        ? compute(
            settings.psc,
            new Uint8Array(0),
            settings.encrypt,
            concatBytes(uid, Uint8Array.of(0x4d, sector, which.charCodeAt(0), 0x00)),
            6,
          )
        : wrong('UID'),
    externalAuth: (s8, challenge) =>
      s8.length === 8 && challenge.length === 8
        ? compute(settings.auth, s8, settings.encrypt, challenge, 8)
        : wrong('challenge'),
    checkTechnician: async (cardNo, challenge, answer) => {
      if (cardNo.length !== 5 || challenge.length !== 8) return wrong('challenge');
      const right = await compute(
        settings.auth,
        concatBytes(TECHNICIAN, cardNo),
        settings.encrypt,
        challenge,
        8,
      );
      return right.ok ? isProof(right.value, answer) : right;
    },
    updateMac: (s8, challenge, header5, data) => {
      const message = concatBytes(challenge, ICV_TAIL, pad80(concatBytes(header5, data)));
      if (s8.length !== 8 || challenge.length !== 4 || message.length > MAX_DATA)
        return wrong('challenge or record');
      return compute(settings.mac, s8, settings.macWithStart, message, 4);
    },
    loadLeave: async (s8, answer, when) => {
      const bad = badLoad(s8, answer, when);
      if (bad !== null) return err(bad);
      const session = await sessionKey(s8, answer);
      return session.ok ? leaveUnder(session.value, answer, when) : session;
    },
    checkLoad: async (s8, answer) => {
      const bad = badLoad(s8, answer);
      if (bad !== null) return err(bad);
      const session = await sessionKey(s8, answer);
      return session.ok ? isLoadAnswer(session.value, answer) : session;
    },
  };
}
