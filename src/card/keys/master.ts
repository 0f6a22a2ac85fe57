import { concatBytes, fromHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import { desEncrypt, diversify, retailMac } from './des-mac.ts';
import type { CardCode, KeyProvider } from './types.ts';

/** A company's master keys, 16 bytes each; each card's own come of them. */
export interface MasterKeys {
  /** Codes of memory cards. */
  readonly psc: Uint8Array;
  /** External authentication of CPU cards. */
  readonly auth: Uint8Array;
  /** Secure messaging of CPU cards, and the proofs of cards without a code. */
  readonly mac: Uint8Array;
}

/** Diversification of a memory card's codes: what stands behind the card number (`PSC`, `EZ1`, `EZ2`, `PW1`), and how many bytes of the cryptogram the chip takes (docs/layouts). */
const CODES: Readonly<Record<CardCode, { readonly tail: Uint8Array; readonly bytes: number }>> = {
  SLE4442: { tail: fromHex('505343'), bytes: 3 },
  SLE4428: { tail: fromHex('505343'), bytes: 2 },
  AT88SC102: { tail: fromHex('505343'), bytes: 2 },
  'AT88SC102-EZ1': { tail: fromHex('455A31'), bytes: 6 },
  'AT88SC102-EZ2': { tail: fromHex('455A32'), bytes: 4 },
  AT88SC1608: { tail: fromHex('505731'), bytes: 3 },
};
/** Diversification of the proofs: `MAC` behind the card number. No CPU card's serial ends so, as 4D is not BCD. */
const MAC_TAIL = fromHex('4D4143');
const ZERO_ICV = new Uint8Array(8);
/** cards.md 3.2: the ICV of a 4-byte challenge is the challenge ‖ 00000000. */
const ICV_TAIL = new Uint8Array(4);

function badLength(what: string, got: number): Failure {
  return failure('CARD-0206', `${what}: ${got} bytes`);
}

/** A provider that holds the master keys in this process and diversifies by layouts.md. */
export function masterKeyProvider(id: string, keys: MasterKeys): KeyProvider {
  return {
    id,
    prove: (s8) => Promise.resolve(s8.length === 8 ? ok(undefined) : err(badLength('diversification data', s8.length))),
    cardCode: (code, cardNo) => Promise.resolve(cardNo.length === 5 ? ok(desEncrypt(keys.psc, concatBytes(cardNo, CODES[code].tail)).subarray(0, CODES[code].bytes)) : err(badLength('card number', cardNo.length))),
    blockMac: (cardNo, data) => Promise.resolve(cardNo.length === 5 ? ok(retailMac(diversify(keys.mac, concatBytes(cardNo, MAC_TAIL)), ZERO_ICV, data)) : err(badLength('card number', cardNo.length))),
    sectorKey: (uid, sector, which) => Promise.resolve(uid.length === 4 ? ok(desEncrypt(keys.psc, concatBytes(uid, Uint8Array.of(0x4d, sector, which.charCodeAt(0), 0x00))).subarray(0, 6)) : err(badLength('UID', uid.length))),
    externalAuth: (s8, challenge) => {
      if (s8.length !== 8 || challenge.length !== 8) return Promise.resolve(err(badLength('challenge', challenge.length)));
      return Promise.resolve(ok(desEncrypt(diversify(keys.auth, s8), challenge)));
    },
    updateMac: (s8, challenge, header5, data) => {
      if (s8.length !== 8 || challenge.length !== 4) return Promise.resolve(err(badLength('challenge', challenge.length)));
      const mac = retailMac(diversify(keys.mac, s8), concatBytes(challenge, ICV_TAIL), concatBytes(header5, data));
      return Promise.resolve(ok(mac.subarray(0, 4)));
    },
  };
}
