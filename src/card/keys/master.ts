import { timingSafeEqual } from 'node:crypto';
import { concatBytes, equalBytes, fromHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { desEncrypt, diversify, retailMac } from './des-mac.ts';
import { loadMac1Data, loadMac2Data, loadSessionKey, purseMac } from './purse-mac.ts';
import { TECHNICIAN } from './types.ts';
import type { CardCode, KeyProvider, LoadAnswer, LoadLeave } from './types.ts';

/** A company's master keys, 16 bytes each; each card's own come of them. */
export interface MasterKeys {
  /** Codes of memory cards. */
  readonly psc: Uint8Array;
  /** External authentication of CPU cards. */
  readonly auth: Uint8Array;
  /** Secure messaging of CPU cards, and the proofs of cards without a code. */
  readonly mac: Uint8Array;
  /**
   * Loading of purses. Left out: this company has none, or keeps the key at central, where it
   * belongs.
   */
  readonly load?: Uint8Array;
}

/**
 * Diversification of a memory card's codes: what stands behind the card number (`PSC`, `EZ1`,
 * `EZ2`, `PW1`), and how many bytes of the cryptogram the chip takes (docs/layouts).
 */
export const CODES: Readonly<
  Record<CardCode, { readonly tail: Uint8Array; readonly bytes: number }>
> = {
  SLE4442: { tail: fromHex('505343'), bytes: 3 },
  SLE4428: { tail: fromHex('505343'), bytes: 2 },
  AT88SC102: { tail: fromHex('505343'), bytes: 2 },
  'AT88SC102-EZ1': { tail: fromHex('455A31'), bytes: 6 },
  'AT88SC102-EZ2': { tail: fromHex('455A32'), bytes: 4 },
  AT88SC1608: { tail: fromHex('505731'), bytes: 3 },
};
/**
 * Diversification of the proofs: `MAC` behind the card number. No CPU card's serial ends so, as 4D
 * is not BCD.
 */
export const MAC_TAIL = fromHex('4D4143');
const ZERO_ICV = new Uint8Array(8);
/** cards.md 3.2: the ICV of a 4-byte challenge is the challenge ‖ 00000000. */
const ICV_TAIL = new Uint8Array(4);

function badLength(what: string, got: number): Failure {
  return failure('CARD-0206', `${what}: ${got} bytes`);
}

/**
 * MAC2 for an answer whose MAC1 holds under this session key; CARD-0201 where it does not: not our
 * card, or not our key.
 */
export function leaveUnder(
  sessionKey: Uint8Array,
  answer: LoadAnswer,
  when: Uint8Array,
): Result<LoadLeave, Failure> {
  const judged = isLoadAnswer(sessionKey, answer);
  return judged.ok ? ok({ when, mac2: purseMac(sessionKey, loadMac2Data(answer, when)) }) : judged;
}

/** MAC1 of an answer under its session key. CARD-0201: not our card, or not our key. */
export function isLoadAnswer(sessionKey: Uint8Array, answer: LoadAnswer): Result<void, Failure> {
  return equalBytes(purseMac(sessionKey, loadMac1Data(answer.balance, answer)), answer.mac1)
    ? ok(undefined)
    : err(failure('CARD-0201', 'MAC1 of INITIALIZE FOR LOAD does not hold'));
}

/** A technician's card's answer against the one that it must give. CARD-0201: another. */
export function isProof(right: Uint8Array, answer: Uint8Array): Result<void, Failure> {
  return right.length === answer.length && timingSafeEqual(right, answer)
    ? ok(undefined)
    : err(failure('CARD-0201', 'INTERNAL AUTHENTICATE: the answer is not this card’s'));
}

/** A block's proof against the one that it must have. */
export function isBlockProof(right: Uint8Array, mac: Uint8Array): boolean {
  return right.length === mac.length && timingSafeEqual(right, mac);
}

/** Lengths of everything that goes into a load's MACs; null: as they must be. */
export function badLoad(s8: Uint8Array, answer: LoadAnswer, when?: Uint8Array): Failure | null {
  if (s8.length !== 8) return badLength('diversification data', s8.length);
  if (answer.random.length !== 4 || answer.mac1.length !== 4)
    return badLength('random or MAC1', answer.random.length);
  if (answer.terminal.length !== 6) return badLength('terminal number', answer.terminal.length);
  return when === undefined || when.length === 7 ? null : badLength('date and time', when.length);
}

/** A provider that holds the master keys in this process and diversifies by layouts.md. */
export function masterKeyProvider(id: string, keys: MasterKeys): KeyProvider {
  const noLoad = failure('CARD-0206', 'no key for loading purses');
  const blockMac = (cardNo: Uint8Array, data: Uint8Array): Uint8Array =>
    retailMac(diversify(keys.mac, concatBytes(cardNo, MAC_TAIL)), ZERO_ICV, data);
  return {
    id,
    prove: (s8, use = 'file') => {
      if (s8.length !== 8)
        return Promise.resolve(err(badLength('diversification data', s8.length)));
      return Promise.resolve(
        use === 'purse' && keys.load === undefined ? err(noLoad) : ok(undefined),
      );
    },
    proveCode: (_code, cardNo) =>
      Promise.resolve(
        cardNo.length === 5 ? ok(undefined) : err(badLength('card number', cardNo.length)),
      ),
    cardCode: (code, cardNo) =>
      Promise.resolve(
        cardNo.length === 5
          ? ok(
              desEncrypt(keys.psc, concatBytes(cardNo, CODES[code].tail)).subarray(
                0,
                CODES[code].bytes,
              ),
            )
          : err(badLength('card number', cardNo.length)),
      ),
    blockMac: (cardNo, data) =>
      Promise.resolve(
        cardNo.length === 5
          ? ok(blockMac(cardNo, data))
          : err(badLength('card number', cardNo.length)),
      ),
    checkBlocks: (cardNo, blocks) =>
      Promise.resolve(
        cardNo.length === 5
          ? ok(blocks.map(({ data, mac }) => isBlockProof(blockMac(cardNo, data), mac)))
          : err(badLength('card number', cardNo.length)),
      ),
    proveBlock: (cardNo) =>
      Promise.resolve(
        cardNo.length === 5 ? ok(undefined) : err(badLength('card number', cardNo.length)),
      ),
    proveSector: () => Promise.resolve(ok(undefined)),
    sectorKey: (uid, sector, which) =>
      Promise.resolve(
        uid.length === 4
          ? ok(
              desEncrypt(
                keys.psc,
                concatBytes(uid, Uint8Array.of(0x4d, sector, which.charCodeAt(0), 0x00)),
              ).subarray(0, 6),
            )
          : err(badLength('UID', uid.length)),
      ),
    externalAuth: (s8, challenge) => {
      if (s8.length !== 8 || challenge.length !== 8)
        return Promise.resolve(err(badLength('challenge', challenge.length)));
      return Promise.resolve(ok(desEncrypt(diversify(keys.auth, s8), challenge)));
    },
    checkTechnician: (cardNo, challenge, answer) => {
      if (cardNo.length !== 5 || challenge.length !== 8)
        return Promise.resolve(err(badLength('challenge', challenge.length)));
      return Promise.resolve(
        isProof(
          desEncrypt(diversify(keys.auth, concatBytes(TECHNICIAN, cardNo)), challenge),
          answer,
        ),
      );
    },
    updateMac: (s8, challenge, header5, data) => {
      if (s8.length !== 8 || challenge.length !== 4)
        return Promise.resolve(err(badLength('challenge', challenge.length)));
      const mac = retailMac(
        diversify(keys.mac, s8),
        concatBytes(challenge, ICV_TAIL),
        concatBytes(header5, data),
      );
      return Promise.resolve(ok(mac.subarray(0, 4)));
    },
    loadLeave: (s8, answer, when) => {
      const bad = badLoad(s8, answer, when);
      if (bad !== null) return Promise.resolve(err(bad));
      if (keys.load === undefined) return Promise.resolve(err(noLoad));
      return Promise.resolve(
        leaveUnder(
          loadSessionKey(diversify(keys.load, s8), answer.random, answer.seq),
          answer,
          when,
        ),
      );
    },
    checkLoad: (s8, answer) => {
      const bad = badLoad(s8, answer);
      if (bad !== null) return Promise.resolve(err(bad));
      if (keys.load === undefined) return Promise.resolve(err(noLoad));
      const session = loadSessionKey(diversify(keys.load, s8), answer.random, answer.seq);
      return Promise.resolve(isLoadAnswer(session, answer));
    },
  };
}
