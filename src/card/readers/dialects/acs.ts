import { concatBytes } from '../../../shared/bytes.ts';
import { AT88SC102 } from '../../families/at88sc102.ts';
import { AT88SC1608 } from '../../families/at88sc1608.ts';
import type { MemoryArea, MemoryChip } from '../../types.ts';
import type { MemoryCommand, MemoryDialect } from '../memory.ts';

/**
 * ACS readers' pseudo-APDUs for memory cards: cards.md 2.1 (manuals of ACR38, ACR39x, ACR3801,
 * ACR1281U).
 */

/** Card type byte of SELECT_CARD_TYPE. */
const TYPES: Readonly<Partial<Record<MemoryChip, number>>> = {
  AT24C01: 0x01,
  AT24C02: 0x01,
  AT24C04: 0x01,
  AT24C08: 0x01,
  AT24C16: 0x01,
  // Unconfirmed (cards.md marks 02 and 09 [K]).
  AT24C32: 0x02,
  AT24C64: 0x02,
  AT88SC1608: 0x04,
  SLE4428: 0x05,
  SLE4442: 0x06,
  AT88SC102: 0x09,
};
const READ = 0xb0;
/** AT88SC1608: its configuration zone. */
const READ_CONFIG = 0xb1;
const COUNTER = 0xb1;
const PROTECTION = 0xb2;
const WRITE = 0xd0;
const PRESENT = 0x20;
/**
 * SW1 of a code's answer; SW2 is the error counter, so that a plain look for 9000 would take a
 * locked card for success.
 */
const SW1_CODE = 0x90;

const high = (at: number): number => at >>> 8;
const low = (at: number): number => at & 0xff;

function read(
  chip: MemoryChip,
  area: MemoryArea,
  at: number,
  length: number,
): MemoryCommand | null {
  if (area === 'main')
    return { apdu: Uint8Array.of(0xff, READ, high(at), low(at), length & 0xff), expects: length };
  if (area === 'config')
    return chip === 'AT88SC1608'
      ? { apdu: Uint8Array.of(0xff, READ_CONFIG, 0x00, low(at), length), expects: length }
      : null;
  if (chip === 'SLE4442')
    return at === 0 && length === 4
      ? { apdu: Uint8Array.of(0xff, PROTECTION, 0, 0, 4), expects: 4 }
      : null;
  return chip === 'SLE4428'
    ? { apdu: Uint8Array.of(0xff, PROTECTION, high(at), low(at), length), expects: length }
    : null;
}

/** Tries left are the ones of the counter; the last success of each chip. */
const FULL: Readonly<Partial<Record<MemoryChip, number>>> = { SLE4442: 0x07, SLE4428: 0xff };
const CODE_LENGTH: Readonly<Partial<Record<MemoryChip, number>>> = {
  SLE4442: 3,
  SLE4428: 2,
  AT88SC102: 2,
  AT88SC1608: 3,
};
/**
 * AT88SC102, in P1 of PRESENT: the length of the counter that goes with the code, in bits; none for
 * a key that only erases. The card type is unconfirmed (cards.md marks 09 [K]), and so is this.
 */
const COUNTER_BITS = 0x08;
const NO_COUNTER = 0x00;
/**
 * Where the answer to a code says nothing that holds for every model: AT88SC102 readers answer 9000
 * (or 6300, all tries spent) to any code, old ACR38 to any AT88SC1608 password.
 */
const SW_NO_TRY = 0x6300;
const ASKS: ReadonlySet<MemoryChip> = new Set<MemoryChip>(['AT88SC102', 'AT88SC1608']);

function acs(id: string, names: RegExp, counterLe: (chip: MemoryChip) => number): MemoryDialect {
  return {
    id,
    names,
    // An answer of 256 bytes has its length as 00; old firmwares take no more in one write either.
    maxBytes: 128,
    select: (chip) => {
      const type = TYPES[chip];
      return type === undefined ? null : Uint8Array.of(0xff, 0xa4, 0x00, 0x00, 0x01, type);
    },
    read,
    write: (_chip, area, at, bytes) =>
      area === 'main'
        ? {
            apdu: concatBytes(Uint8Array.of(0xff, WRITE, high(at), low(at), bytes.length), bytes),
            expects: 0,
          }
        : null,
    counter: (chip, set) => {
      if (chip === 'AT88SC102')
        return { apdu: Uint8Array.of(0xff, READ, 0x00, AT88SC102.counterAt, 1), expects: 1 };
      if (chip === 'AT88SC1608')
        return read(chip, 'config', AT88SC1608.countersAt + AT88SC1608.setLength * set, 1);
      const length = CODE_LENGTH[chip];
      return length === undefined
        ? null
        : { apdu: Uint8Array.of(0xff, COUNTER, 0x00, 0x00, counterLe(chip)), expects: 1 };
    },
    present: (chip, code, set) => {
      if (code.length !== CODE_LENGTH[chip]) return null;
      if (chip === 'AT88SC102')
        return concatBytes(
          Uint8Array.of(0xff, PRESENT, COUNTER_BITS, AT88SC102.codeAt, code.length),
          code,
        );
      // The set's write password; bit 3 would name its read password.
      if (chip === 'AT88SC1608')
        return concatBytes(Uint8Array.of(0xff, PRESENT, 0x00, 0x00, code.length + 1, set), code);
      return concatBytes(Uint8Array.of(0xff, PRESENT, 0x00, 0x00, code.length), code);
    },
    eraseZone: (chip, zone, key) =>
      chip === 'AT88SC102' && key.length === AT88SC102.eraseKeyLength[zone]
        ? concatBytes(
            Uint8Array.of(0xff, PRESENT, NO_COUNTER, AT88SC102.eraseKeyAt[zone], key.length),
            key,
          )
        : null,
    presented: (chip, sw) => {
      if (ASKS.has(chip)) return sw >>> 8 === SW1_CODE || sw === SW_NO_TRY ? 'ask' : null;
      if (sw >>> 8 !== SW1_CODE) return null;
      const counter = sw & 0xff;
      return { verified: counter === FULL[chip], counter };
    },
  };
}

/** CCID models (ACR38U-CCID, ACR39, ACR3801, ACR1281 …). */
export const ACS_CCID = acs('acs', /\bacs\b|\bacr\d/i, (chip) => (chip === 'SLE4442' ? 4 : 3));
/**
 * The old ACR38 firmware: SELECT_CARD_TYPE answers the ATR too, reads append the protection bytes,
 * the counter's Le is 00. Only by configuration: its name is that of the CCID models.
 */
export const ACS_ACR38 = acs('acr38', /(?!)/, () => 0);
