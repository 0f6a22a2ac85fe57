import { equalBytes, toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { ErrorCode, Failure } from '../../shared/errors.ts';
import { orderTag } from '../../shared/order-tag.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { CardReading, MeterArea, Purchase } from '../types.ts';
import { crc16 } from './crc16.ts';

/**
 * What the reference layouts share: numbers, the meter's area, the sums of a purchase (layouts.md).
 * All numbers are big-endian.
 */

export const MAX_COUNT = 0xfffe;
export const MAX_U32 = 0xffff_ffff;
/** Meter area: the flag after a visit. */
const FLAG_VISITED = 0x58;
export const METER_LENGTH = 32;

/**
 * The failure codes with which reading tells that a card is not of this layout at all, so that
 * another may try.
 */
export const NOT_THIS_LAYOUT: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['CARD-0103']);

export function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

export function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x1_0000 + u16(bytes, at + 2);
}

export function putU16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff);
}

export function putU32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** Packed BCD as digits; null when a nibble is no digit. */
export function bcd(bytes: Uint8Array): string | null {
  const text = toHex(bytes);
  return /^\d*$/.test(text) ? text : null;
}

export function allBytes(bytes: Uint8Array, value: number): boolean {
  return bytes.every((b) => b === value);
}

export function damaged(detail: string): { readonly ok: false; readonly error: Failure } {
  return err(failure('CARD-0104', detail));
}

export interface DecodedMeter {
  readonly area: MeterArea;
  readonly written: boolean;
}

/** Whether a meter area is whole and a meter wrote it. */
export function holdsVisit(bytes: Uint8Array): boolean {
  return (
    bytes[0] === FLAG_VISITED &&
    crc16(bytes.subarray(0, METER_LENGTH - 2)) === u16(bytes, METER_LENGTH - 2)
  );
}

export function decodeMeter(bytes: Uint8Array, count: number): Result<DecodedMeter, Failure> {
  if (allBytes(bytes, 0x00) || allBytes(bytes, 0xff)) {
    return ok({
      written: false,
      area: {
        visited: false,
        countTaken: 0,
        remainingQuantity: 0,
        cumulativeUsed: 0,
        lastVisit: '0000000000',
        valveClosed: false,
        faults: 0,
        meterNo: '0000000000',
      },
    });
  }
  if (crc16(bytes.subarray(0, METER_LENGTH - 2)) !== u16(bytes, METER_LENGTH - 2))
    return damaged('meter area: crc16');
  const lastVisit = bcd(bytes.subarray(11, 16));
  const meterNo = bcd(bytes.subarray(18, 23));
  if (lastVisit === null || meterNo === null) return damaged('meter area: not BCD');
  const written = bytes[0] === FLAG_VISITED;
  const countTaken = u16(bytes, 1);
  if (written && countTaken > count)
    return damaged(`meter took count ${countTaken}, the card has ${count}`);
  return ok({
    written,
    area: {
      visited: written && countTaken === count,
      countTaken,
      remainingQuantity: u32(bytes, 3),
      cumulativeUsed: u32(bytes, 7),
      lastVisit,
      valveClosed: bytes[16] !== 0,
      faults: bytes[17] as number,
      meterNo,
    },
  });
}

export const KINDS: readonly (CardReading['kind'] | undefined)[] = [
  undefined,
  'gas',
  'water',
  'heat',
];
export const UNITS: readonly (CardReading['unit'] | undefined)[] = [undefined, 'volume', 'money'];

/**
 * Count, cumulative and tag of one more purchase. CARD-0104 where they would overflow, or the
 * order's tag is none or the last one's.
 */
export function nextPurchase(
  reading: CardReading,
  purchase: Purchase,
): Result<
  {
    readonly count: number;
    readonly quantity: number;
    readonly cumulative: number;
    readonly tag: Uint8Array;
  },
  Failure
> {
  const { quantity } = purchase;
  if (!Number.isSafeInteger(quantity) || quantity <= 0 || quantity > MAX_U32)
    return damaged(`quantity ${quantity}`);
  const count = reading.count + 1;
  const cumulative = reading.cumulative + quantity;
  if (count > MAX_COUNT) return damaged('count would overflow');
  if (cumulative > MAX_U32) return damaged('cumulative would overflow');
  const tag = orderTag(purchase.orderId);
  if (allBytes(tag, 0) || equalBytes(tag, reading.tag))
    return damaged(`order tag ${toHex(tag)} is taken`);
  return ok({ count, quantity, cumulative, tag });
}
