import { concatBytes, equalBytes, toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { WriteStep } from '../families/memory-card.ts';
import { TechnicianCard } from '../types.ts';
import type { CardReading, Classification, Purchase, WritePlan } from '../types.ts';
import { crc16 } from './crc16.ts';
import {
  allBytes,
  bcd,
  damaged,
  decodeMeter,
  KINDS,
  nextPurchase,
  putU16,
  putU32,
  u16,
  u32,
  UNITS,
} from './fields.ts';
import { TECHNICIAN_TYPE } from './technician.ts';

/**
 * Cards with two purchase blocks that are written in turn (docs/layouts/pl-4442.md): identity,
 * block A, block B, 16 bytes each, which together are the image. Whatever is cut, the block that is
 * not in work is whole. How the bytes get on the chip is the layout's own.
 */

export const IDENTITY_LENGTH = 16;
export const BLOCK_LENGTH = 16;
export const IMAGE_LENGTH = IDENTITY_LENGTH + 2 * BLOCK_LENGTH;
/** Marks from here on are staff and tool cards (as PL-CPU's application types). */
const STAFF_MARK_FROM = 0x80;
const LAYOUT_VERSION = 0x01;
/** Within a block. */
const TAG_AT = 10;
const CRC_AT = 14;
/** seq is 01–FE; 00 and FF say "not valid", whatever the crc says. */
const SEQ_NONE = 0x00;
const SEQ_ERASED = 0xff;
/** Quantity has three bytes. */
const MAX_QUANTITY = 0xff_ffff;

export type BlockSlot = 0 | 1;

interface Block {
  readonly slot: BlockSlot;
  readonly seq: number;
  readonly count: number;
  readonly quantity: number;
  readonly cumulative: number;
  readonly tag: Uint8Array;
}

/** Where a block is within the image. */
export function blockAt(slot: BlockSlot): number {
  return IDENTITY_LENGTH + slot * BLOCK_LENGTH;
}

export function blockOf(image: Uint8Array, slot: BlockSlot): Uint8Array {
  return image.subarray(blockAt(slot), blockAt(slot) + BLOCK_LENGTH);
}

function validBlock(image: Uint8Array, slot: BlockSlot): Block | null {
  const bytes = blockOf(image, slot);
  const seq = bytes[0] as number;
  if (
    seq === SEQ_NONE ||
    seq === SEQ_ERASED ||
    crc16(bytes.subarray(0, CRC_AT)) !== u16(bytes, CRC_AT)
  )
    return null;
  return {
    slot,
    seq,
    count: u16(bytes, 1),
    quantity: u16(bytes, 3) * 0x100 + (bytes[5] as number),
    cumulative: u32(bytes, 6),
    tag: bytes.subarray(TAG_AT, CRC_AT),
  };
}

function successor(seq: number): number {
  return seq === 0xfe ? 0x01 : seq + 1;
}

const other = (slot: BlockSlot): BlockSlot => (slot === 0 ? 1 : 0);

/** The newest purchase. CARD-0104: no valid block, unrelated ones, or broken sums. */
function newest(image: Uint8Array): Result<Block, Failure> {
  const a = validBlock(image, 0);
  const b = validBlock(image, 1);
  if (a === null || b === null) {
    const only = a ?? b;
    return only === null ? damaged('no valid purchase block') : sums(only, null);
  }
  if (b.seq === successor(a.seq)) return sums(b, a);
  if (a.seq === successor(b.seq)) return sums(a, b);
  return damaged(`seq ${a.seq} and ${b.seq} do not follow one another`);
}

function sums(block: Block, older: Block | null): Result<Block, Failure> {
  if (block.count === 0xffff) return damaged('count FFFF');
  if (block.cumulative < block.quantity || (block.count === 0 && block.cumulative !== 0))
    return damaged('cumulative and quantity disagree');
  if (
    older !== null &&
    (block.count !== older.count + 1 || block.cumulative !== older.cumulative + block.quantity)
  )
    return damaged('the two blocks’ count or cumulative disagree');
  return ok(block);
}

/** The slot of the newest purchase. CARD-0104 as reading it. */
export function newestSlot(image: Uint8Array): Result<BlockSlot, Failure> {
  const block = newest(image);
  return block.ok ? ok(block.value.slot) : block;
}

/** Whether the block in a slot counts by its own bytes: seq and crc. */
export function isValidBlock(image: Uint8Array, slot: BlockSlot): boolean {
  return validBlock(image, slot) !== null;
}

/**
 * The order in which a block gets onto a chip that writes byte after byte: seq := 00, the rest,
 * seq. So it is not valid from the first byte to the last: its seq is 00 meanwhile, and while seq
 * itself is in flight one byte is wrong, which a crc16 finds. What stands behind the block and
 * belongs to it may be part of `have` and `want`.
 */
export function blockSteps(at: number, have: Uint8Array, want: Uint8Array): readonly WriteStep[] {
  const none = Uint8Array.of(SEQ_NONE);
  return [
    { at, have: have.subarray(0, 1), want: none },
    { at: at + 1, have: have.subarray(1), want: want.subarray(1) },
    { at, have: none, want: want.subarray(0, 1) },
  ];
}

/** A block as it is while it is not valid: what a layout makes of one that it does not believe. */
export function withoutSeq(block: Uint8Array): Uint8Array {
  const out = block.slice();
  out[0] = SEQ_NONE;
  return out;
}

/** A block that is not valid, and not as a new card has it either. */
function begunIn(image: Uint8Array, slot: BlockSlot): boolean {
  const bytes = blockOf(image, slot);
  return validBlock(image, slot) === null && !allBytes(bytes, 0x00) && !allBytes(bytes, 0xff);
}

/**
 * Whether an identity block is a customer's card of the layout with this mark. CARD-0105 blank,
 * 0109 staff, 0103 another's, 0104 broken.
 */
export function checkIdentity(identity: Uint8Array, mark: number): Result<void, Failure> {
  if (allBytes(identity, 0x00) || allBytes(identity, 0xff))
    return err(failure('CARD-0105', 'the identity is blank'));
  const found = identity[0] as number;
  const whole = identity.reduce((sum, b) => sum ^ b, 0) === 0;
  if (found !== mark) {
    const cardNo =
      found === TECHNICIAN_TYPE && whole && identity[14] === LAYOUT_VERSION
        ? bcd(cardNoOf(identity))
        : null;
    return err(
      failure(
        found >= STAFF_MARK_FROM && found !== 0xff ? 'CARD-0109' : 'CARD-0103',
        `mark ${toHex(identity.subarray(0, 1))}`,
        cardNo === null ? undefined : new TechnicianCard(cardNo, null),
      ),
    );
  }
  if (!whole) return damaged('identity: XOR');
  return identity[14] === LAYOUT_VERSION
    ? ok(undefined)
    : err(failure('CARD-0103', `layout version ${String(identity[14])}`));
}

/** The card number as it stands on the card: 5 bytes BCD. */
export function cardNoOf(image: Uint8Array): Uint8Array {
  return image.slice(1, 6);
}

/** A reading of image and meter area, both as they were on the card. */
export function decodeTwoBlock(
  layout: string,
  image: Uint8Array,
  meterBytes: Uint8Array,
): Result<CardReading, Failure> {
  const cardNo = bcd(cardNoOf(image));
  const userNo = bcd(image.subarray(6, 11));
  if (cardNo === null || userNo === null) return damaged('card or user number: not BCD');
  const kind = KINDS[image[11] as number];
  const unit = UNITS[image[12] as number];
  if (kind === undefined || unit === undefined)
    return damaged(`kind ${String(image[11])}, unit ${String(image[12])}`);
  const block = newest(image);
  if (!block.ok) return block;
  const { count, quantity, cumulative, tag } = block.value;
  const meter = decodeMeter(meterBytes, count);
  if (!meter.ok) return meter;
  return ok({
    layout,
    cardNo,
    userNo,
    kind,
    unit,
    region: image[13] as number,
    count,
    lastQuantity: quantity,
    cumulative,
    tag: tag.slice(),
    meter: meter.value.area,
    visited: meter.value.area.visited,
    fresh: !meter.value.written,
    unfinished: begunIn(image, other(block.value.slot)),
    image,
  });
}

/**
 * One more purchase into the block that is not the newest.
 *
 * @param stepsOf for people: what the layout does with the block `A` or `B` and its seq
 */
export function planTwoBlock(
  reading: CardReading,
  purchase: Purchase,
  stepsOf: (block: string, seq: number, what: string) => readonly string[],
): Result<WritePlan, Failure> {
  const { image: before } = reading;
  const current = newest(before);
  if (!current.ok) return current;
  const next = nextPurchase(reading, purchase);
  if (!next.ok) return next;
  const { count, quantity, cumulative, tag } = next.value;
  if (quantity > MAX_QUANTITY) return damaged(`quantity ${quantity}`);
  const target = other(current.value.slot);
  const seq = successor(current.value.seq);
  const body = concatBytes(
    Uint8Array.of(seq),
    putU16(count),
    putU32(quantity).subarray(1),
    putU32(cumulative),
    tag,
  );
  const after = before.slice();
  after.set(concatBytes(body, putU16(crc16(body))), blockAt(target));
  return ok({
    cardNo: reading.cardNo,
    before,
    after,
    tag,
    count,
    quantity,
    cumulative,
    steps: stepsOf(
      target === 0 ? 'A' : 'B',
      seq,
      `count ${count}, quantity ${quantity}, cumulative ${cumulative}`,
    ),
  });
}

/** The block that a plan writes: the one that differs between its images. */
export function targetOf(write: Pick<WritePlan, 'before' | 'after'>): BlockSlot {
  return equalBytes(blockOf(write.before, 0), blockOf(write.after, 0)) ? 1 : 0;
}

export function sameTwoBlockCard(a: Uint8Array, b: Uint8Array): boolean {
  return (
    a.length === IMAGE_LENGTH &&
    b.length === IMAGE_LENGTH &&
    equalBytes(a.subarray(0, IDENTITY_LENGTH), b.subarray(0, IDENTITY_LENGTH))
  );
}

export function classifyTwoBlock(
  write: Pick<WritePlan, 'before' | 'after' | 'tag'>,
  current: Uint8Array,
): Classification {
  if (!sameTwoBlockCard(write.before, current)) return 'foreign';
  // Ours in a valid block, even when a newer one stands behind it.
  for (const slot of [0, 1] as const) {
    const block = validBlock(current, slot);
    if (block !== null && equalBytes(block.tag, write.tag)) return 'after';
  }
  if (equalBytes(current, write.before)) return 'before';
  const target = targetOf(write);
  return validBlock(current, target) === null &&
    equalBytes(blockOf(current, other(target)), blockOf(write.before, other(target)))
    ? 'torn'
    : 'foreign';
}

/**
 * Whether a write may begin or go on over what is on the card now. `done`: it is there already.
 * CARD-0205: neither; nothing may be written.
 */
export function mayGoOn(write: WritePlan, current: Uint8Array): Result<'go' | 'done', Failure> {
  const verdict = classifyTwoBlock(write, current);
  if (verdict === 'after') return ok('done');
  if (verdict === 'foreign')
    return err(
      failure(
        'CARD-0205',
        sameTwoBlockCard(current, write.before)
          ? 'the purchase blocks are not the before-image'
          : 'identity differs',
      ),
    );
  return ok('go');
}
