import { concatBytes } from '../../../shared/bytes.ts';
import type { MemoryDialect } from '../memory.ts';

/**
 * HID OMNIKEY contact readers (3x21 and kin): SLE4442 by pseudo-APDUs. Select, read, write, verify and the protection
 * bits are told by cards.md 2.1 and public samples; what stands in UNCONFIRMED is not, and is to be tried on the real
 * reader before it is used for money.
 */
const UNCONFIRMED = {
  /** Asks for the security memory, as ACS readers do. */
  counter: Uint8Array.of(0xff, 0xb1, 0x00, 0x00, 0x04),
  /** SW1 of an answered code; its SW2 is taken for the error counter, as ACS readers give it. */
  codeSw1: 0x90,
  full: 0x07,
} as const;
/** ISO 7816-4: verification failed, no further information; and with the tries left in the low digit. */
const SW_WRONG = 0x6300;
const SW_TRIES = 0x63c0;

export const OMNIKEY: MemoryDialect = {
  id: 'omnikey',
  names: /omnikey/i,
  maxBytes: 128,
  select: (chip) => (chip === 'SLE4442' ? Uint8Array.of(0xff, 0xa4, 0x00, 0x00, 0x01, 0x06) : null),
  read: (chip, area, at, length) => {
    if (chip !== 'SLE4442') return null;
    return area === 'main' ? { apdu: Uint8Array.of(0xff, 0xb0, 0x00, at, length), expects: length } : { apdu: Uint8Array.of(0xff, 0x3a, 0x00, at, length), expects: length };
  },
  write: (chip, area, at, bytes) => (chip === 'SLE4442' && area === 'main' ? { apdu: concatBytes(Uint8Array.of(0xff, 0xd6, 0x00, at, bytes.length), bytes), expects: 0 } : null),
  counter: (chip) => (chip === 'SLE4442' ? { apdu: UNCONFIRMED.counter, expects: 1 } : null),
  present: (chip, code) => (chip === 'SLE4442' && code.length === 3 ? concatBytes(Uint8Array.of(0xff, 0x20, 0x00, 0x00, code.length), code) : null),
  presented: (_chip, sw) => {
    if (sw >>> 8 === UNCONFIRMED.codeSw1) return { verified: (sw & 0xff) === UNCONFIRMED.full, counter: sw & 0xff };
    if (sw === SW_WRONG || (sw & 0xfff0) === SW_TRIES) return { verified: false, counter: sw & 0x0f };
    return null;
  },
};
