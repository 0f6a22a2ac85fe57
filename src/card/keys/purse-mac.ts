import { concatBytes, fromHex } from '../../shared/bytes.ts';
import { cbcMac, desEncrypt, pad80 } from './des-mac.ts';

/**
 * Session keys, MACs and TACs of a PBOC purse (cards.md 3.2): a load of the electronic purse unless
 * a name says otherwise.
 */

const BLOCK = 8;
const MAC_BYTES = 4;
const SESSION_TAIL = fromHex('8000');
/** Transaction type: load of the purse (EP). */
export const TYPE_LOAD = 0x02;

/** Numbers and texts of one load, as they go into its MACs. */
export interface LoadTerms {
  /** Fen. */
  readonly amount: number;
  /** 6 bytes BCD: the terminal's number. */
  readonly terminal: Uint8Array;
}

const number4 = (value: number): Uint8Array =>
  Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);

/**
 * The 8-byte session key of a load: 3DES under the card's load key of random ‖ online sequence
 * number ‖ 8000.
 */
export function loadSessionKey(loadKey: Uint8Array, random: Uint8Array, seq: number): Uint8Array {
  return desEncrypt(
    loadKey,
    concatBytes(random, Uint8Array.of(seq >>> 8, seq & 0xff), SESSION_TAIL),
  );
}

/**
 * The session key of a purchase: the last two bytes of the terminal's own transaction number take
 * the place of 8000.
 */
export function purchaseSessionKey(
  purchaseKey: Uint8Array,
  random: Uint8Array,
  offlineSeq: number,
  terminalSeq: Uint8Array,
): Uint8Array {
  return desEncrypt(
    purchaseKey,
    concatBytes(
      random,
      Uint8Array.of(offlineSeq >>> 8, offlineSeq & 0xff),
      terminalSeq.subarray(-2),
    ),
  );
}

/** Single-DES CBC MAC with start value 0 and padding 80…, its first 4 bytes. */
export function purseMac(key8: Uint8Array, data: Uint8Array): Uint8Array {
  return cbcMac(key8, new Uint8Array(BLOCK), pad80(data)).subarray(0, MAC_BYTES);
}

/**
 * What the card signs with MAC1 when a load is initialized.
 *
 * @param balance fen, before the load
 */
export function loadMac1Data(
  balance: number,
  { amount, terminal }: LoadTerms,
  type = TYPE_LOAD,
): Uint8Array {
  return concatBytes(number4(balance), number4(amount), Uint8Array.of(type), terminal);
}

/**
 * What MAC2 covers.
 *
 * @param when 7 bytes BCD: YYYYMMDD hhmmss
 */
export function loadMac2Data(
  { amount, terminal }: LoadTerms,
  when: Uint8Array,
  type = TYPE_LOAD,
): Uint8Array {
  return concatBytes(number4(amount), Uint8Array.of(type), terminal, when);
}

/** The key of every TAC: the left half of the card's TAC key XOR the right. */
export function tacKey(key16: Uint8Array): Uint8Array {
  return key16.slice(0, BLOCK).map((b, i) => b ^ (key16[BLOCK + i] as number));
}

/**
 * What the TAC of a load covers.
 *
 * @param newBalance fen, with the load
 * @param seq the online sequence number before it rose
 */
export function loadTacData(
  newBalance: number,
  seq: number,
  terms: LoadTerms,
  when: Uint8Array,
  type = TYPE_LOAD,
): Uint8Array {
  return concatBytes(
    number4(newBalance),
    Uint8Array.of(seq >>> 8, seq & 0xff),
    loadMac2Data(terms, when, type),
  );
}
