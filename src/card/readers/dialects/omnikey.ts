import { concatBytes } from '../../../shared/bytes.ts';
import type { MemoryDialect } from '../memory.ts';

/**
 * HID OMNIKEY contact readers (3x21 and kin): SLE4442 by pseudo-APDUs. Write, change and the
 * protection bits are told by cards.md 2.1. The rest is as ISO 7816-4 has it and unconfirmed: to be
 * tried on the real reader before it is used for money. What it gets wrong shows as an error before
 * anybody pays, since the tries are read with the card.
 */

/** ISO 7816-4: a VERIFY without data tells the tries left in 63Cx and spends none. */
const ASK_TRIES = Uint8Array.of(0xff, 0x20, 0x00, 0x00);
const SW_OK = 0x9000;
const SW_TRIES = 0x63c0;
const SW_BLOCKED = 0x6983;
const FULL = 0x07;

/**
 * Tries left, as the chip's counter would have them: one bit each. Null: neither an answer about
 * tries nor a success.
 */
function counterOf(sw: number): number | null {
  if (sw === SW_OK) return FULL;
  if (sw === SW_BLOCKED) return 0;
  return (sw & 0xfff0) === SW_TRIES ? (1 << (sw & 0x0f)) - 1 : null;
}

export const OMNIKEY: MemoryDialect = {
  id: 'omnikey',
  names: /omnikey/i,
  maxBytes: 128,
  read: (chip, area, at, length) => {
    if (chip !== 'SLE4442') return null;
    return area === 'main'
      ? { apdu: Uint8Array.of(0xff, 0xb0, 0x00, at, length), expects: length }
      : { apdu: Uint8Array.of(0xff, 0x3a, 0x00, at, length), expects: length };
  },
  write: (chip, area, at, bytes) =>
    chip === 'SLE4442' && area === 'main'
      ? { apdu: concatBytes(Uint8Array.of(0xff, 0xd6, 0x00, at, bytes.length), bytes), expects: 0 }
      : null,
  counter: (chip) => (chip === 'SLE4442' ? { apdu: ASK_TRIES, expects: 0 } : null),
  counterOf,
  present: (chip, code) =>
    chip === 'SLE4442' && code.length === 3
      ? concatBytes(Uint8Array.of(0xff, 0x20, 0x00, 0x00, code.length), code)
      : null,
  presented: (_chip, sw) => {
    const counter = counterOf(sw);
    return counter === null ? null : { verified: sw === SW_OK, counter };
  },
};
