import { concatBytes, equalBytes, toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { checkTries, openSle4442, readMain, verifyCode, writeChanged } from '../families/sle4442.ts';
import type { KeyProvider } from '../keys/types.ts';
import type { CardChannel, CardLayout, CardReading, Classification, MemoryCardPort, Purchase, WritePlan } from '../types.ts';
import { crc16 } from './crc16.ts';
import { allBytes, bcd, damaged, decodeMeter, KINDS, METER_LENGTH, nextPurchase, putU16, putU32, u16, u32, UNITS } from './fields.ts';

/** All offsets, lengths and rules: layouts.md, "PL-4442". */

/** Factory area of an SLE4442 begins so. */
const FACTORY = Uint8Array.of(0xa2, 0x13, 0x10, 0x91);
const IDENTITY_AT = 0x20;
const IDENTITY_LENGTH = 16;
const BLOCK_LENGTH = 16;
/** The image: identity 20–2F, blocks A and B 30–4F. */
const IMAGE_LENGTH = IDENTITY_LENGTH + 2 * BLOCK_LENGTH;
const METER_AT = 0x60;
/** Factory area to the meter's area, read in one go. */
const READ_LENGTH = METER_AT + METER_LENGTH;
const MARK = 0x50;
/** Marks from here on are staff and tool cards (as PL-CPU's application types); 00 and FF: nothing was issued. */
const STAFF_MARK_FROM = 0x80;
const LAYOUT_VERSION = 0x01;
/** Within a block. */
const TAG_AT = 10;
const CRC_AT = 14;
/** seq is 01–FE; 00 and FF say "not valid", whatever the crc says. */
const SEQ_NONE = 0x00;
const SEQ_ERASED = 0xff;

interface Block {
  /** 0: A, 1: B. */
  readonly slot: 0 | 1;
  readonly bytes: Uint8Array;
  readonly seq: number;
  readonly count: number;
  readonly quantity: number;
  readonly cumulative: number;
  readonly tag: Uint8Array;
}

function slotAt(slot: 0 | 1): number {
  return IDENTITY_LENGTH + slot * BLOCK_LENGTH;
}

function blockOf(image: Uint8Array, slot: 0 | 1): Uint8Array {
  return image.subarray(slotAt(slot), slotAt(slot) + BLOCK_LENGTH);
}

function validBlock(image: Uint8Array, slot: 0 | 1): Block | null {
  const bytes = blockOf(image, slot);
  const seq = bytes[0] as number;
  if (seq === SEQ_NONE || seq === SEQ_ERASED || crc16(bytes.subarray(0, CRC_AT)) !== u16(bytes, CRC_AT)) return null;
  return { slot, bytes, seq, count: u16(bytes, 1), quantity: u16(bytes, 3) * 0x100 + (bytes[5] as number), cumulative: u32(bytes, 6), tag: bytes.subarray(TAG_AT, CRC_AT) };
}

function successor(seq: number): number {
  return seq === 0xfe ? 0x01 : seq + 1;
}

/** The newest purchase. CARD-0104: no valid block, unrelated ones, or broken sums. */
function newest(image: Uint8Array): Result<Block, Failure> {
  const a = validBlock(image, 0);
  const b = validBlock(image, 1);
  if (a === null || b === null) {
    const only = a ?? b;
    if (only === null) return damaged('no valid purchase block');
    return sums(only, null);
  }
  if (b.seq === successor(a.seq)) return sums(b, a);
  if (a.seq === successor(b.seq)) return sums(a, b);
  return damaged(`seq ${a.seq} and ${b.seq} do not follow one another`);
}

function sums(block: Block, older: Block | null): Result<Block, Failure> {
  if (block.count === 0xffff) return damaged('count FFFF');
  if (block.cumulative < block.quantity || (block.count === 0 && block.cumulative !== 0)) return damaged('cumulative and quantity disagree');
  if (older !== null && (block.count !== older.count + 1 || block.cumulative !== older.cumulative + block.quantity)) return damaged('the two blocks’ count or cumulative disagree');
  return ok(block);
}

/** What was read of a card, as far as its mark and identity allow it to be a customer's of this layout. */
function checkCustomersCard(bytes: Uint8Array): Result<void, Failure> {
  const identity = bytes.subarray(IDENTITY_AT, IDENTITY_AT + IDENTITY_LENGTH);
  if (!equalBytes(bytes.subarray(0, FACTORY.length), FACTORY)) return err(failure('CARD-0103', `factory area ${toHex(bytes.subarray(0, FACTORY.length))}`));
  if (allBytes(identity, 0x00) || allBytes(identity, 0xff)) return err(failure('CARD-0105', 'bytes 20–2F blank'));
  const mark = identity[0] as number;
  if (mark !== MARK) {
    const staff = mark >= STAFF_MARK_FROM && mark !== 0xff;
    return err(failure(staff ? 'CARD-0109' : 'CARD-0103', `mark ${toHex(identity.subarray(0, 1))}`));
  }
  const xor = identity.reduce((sum, b) => sum ^ b, 0);
  if (xor !== 0) return damaged('bytes 20–2F: XOR');
  return identity[14] === LAYOUT_VERSION ? ok(undefined) : err(failure('CARD-0103', `layout version ${String(identity[14])}`));
}

/** A block that is not valid, and not as a new card has it either. */
function begunIn(image: Uint8Array, slot: 0 | 1): boolean {
  const bytes = blockOf(image, slot);
  return validBlock(image, slot) === null && !allBytes(bytes, 0x00) && !allBytes(bytes, 0xff);
}

interface Read {
  readonly port: MemoryCardPort;
  readonly image: Uint8Array;
  readonly meter: Uint8Array;
}

async function readCard(channel: CardChannel): Promise<Result<Read, Failure>> {
  const opened = await openSle4442(channel);
  if (!opened.ok) return opened;
  const bytes = await readMain(opened.value, 0, READ_LENGTH);
  if (!bytes.ok) return bytes;
  const customers = checkCustomersCard(bytes.value);
  if (!customers.ok) return customers;
  return ok({ port: opened.value, image: bytes.value.slice(IDENTITY_AT, IDENTITY_AT + IMAGE_LENGTH), meter: bytes.value.slice(METER_AT, METER_AT + METER_LENGTH) });
}

function decode({ image, meter: meterBytes }: Read): Result<CardReading, Failure> {
  const cardNo = bcd(image.subarray(1, 6));
  const userNo = bcd(image.subarray(6, 11));
  if (cardNo === null || userNo === null) return damaged('card or user number: not BCD');
  const kind = KINDS[image[11] as number];
  const unit = UNITS[image[12] as number];
  if (kind === undefined || unit === undefined) return damaged(`kind ${String(image[11])}, unit ${String(image[12])}`);
  const block = newest(image);
  if (!block.ok) return block;
  const { count, quantity, cumulative, tag } = block.value;
  const meter = decodeMeter(meterBytes, count);
  if (!meter.ok) return meter;
  return ok({
    layout: PL_4442,
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
    unfinished: begunIn(image, block.value.slot === 0 ? 1 : 0),
    image,
  });
}

/** Quantity has three bytes on this card. */
const MAX_QUANTITY = 0xff_ffff;

function plan(reading: CardReading, purchase: Purchase): Result<WritePlan, Failure> {
  const { image: before } = reading;
  const current = newest(before);
  if (!current.ok) return current;
  const next = nextPurchase(reading, purchase);
  if (!next.ok) return next;
  const { count, quantity, cumulative, tag } = next.value;
  if (quantity > MAX_QUANTITY) return damaged(`quantity ${quantity}`);
  const target: 0 | 1 = current.value.slot === 0 ? 1 : 0;
  const seq = successor(current.value.seq);
  const body = concatBytes(Uint8Array.of(seq), putU16(count), putU32(quantity).subarray(1), putU32(cumulative), tag);
  const after = before.slice();
  after.set(concatBytes(body, putU16(crc16(body))), slotAt(target));
  const name = target === 0 ? 'A' : 'B';
  return ok({
    cardNo: reading.cardNo,
    before,
    after,
    tag,
    count,
    quantity,
    cumulative,
    steps: ['re-read 00–7F', 'present the code', `block ${name}: seq 00`, `block ${name}: count ${count}, quantity ${quantity}, cumulative ${cumulative}, tag, crc`, `block ${name}: seq ${seq}`],
  });
}

/** The block that a plan writes: the one that differs between its images. */
function targetOf(write: Pick<WritePlan, 'before' | 'after'>): 0 | 1 {
  return equalBytes(blockOf(write.before, 0), blockOf(write.after, 0)) ? 1 : 0;
}

/**
 * The other block is whole at every instant. The target is not valid from the first byte to the last: its seq is 00
 * meanwhile, and while seq itself is in flight one byte is wrong, which a crc16 finds.
 */
async function apply(keys: KeyProvider, channel: CardChannel, write: WritePlan): Promise<Result<void, Failure>> {
  const read = await readCard(channel);
  if (!read.ok) return read;
  const { port, image } = read.value;
  const verdict = classify(write, image);
  if (verdict === 'after') return ok(undefined);
  if (verdict === 'foreign') return err(failure('CARD-0205', sameCard(image, write.before) ? 'the purchase blocks are not the before-image' : 'identity differs'));
  const code = await keys.cardCode('SLE4442', write.before.slice(1, 6));
  if (!code.ok) return code;
  const verified = await verifyCode(port, code.value);
  if (!verified.ok) return verified;

  const slot = targetOf(write);
  const at = IDENTITY_AT + slotAt(slot);
  const have = blockOf(image, slot);
  const want = blockOf(write.after, slot);
  const none = Uint8Array.of(SEQ_NONE);
  let begun = false;
  for (const [from, old, now] of [
    [at, have.subarray(0, 1), none],
    [at + 1, have.subarray(1), want.subarray(1)],
    [at, none, want.subarray(0, 1)],
  ] as const) {
    const written = await writeChanged(port, from, old, now);
    if (!written.ok) return begun ? err(failure('CARD-0203', written.error.detail, written.error)) : written;
    begun ||= written.value > 0;
  }
  return ok(undefined);
}

function sameCard(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === IMAGE_LENGTH && b.length === IMAGE_LENGTH && equalBytes(a.subarray(0, IDENTITY_LENGTH), b.subarray(0, IDENTITY_LENGTH));
}

function classify(write: Pick<WritePlan, 'before' | 'after' | 'tag'>, current: Uint8Array): Classification {
  if (!sameCard(write.before, current)) return 'foreign';
  // Ours in a valid block, even when a newer one stands behind it.
  for (const slot of [0, 1] as const) {
    const block = validBlock(current, slot);
    if (block !== null && equalBytes(block.tag, write.tag)) return 'after';
  }
  if (equalBytes(current, write.before)) return 'before';
  const target = targetOf(write);
  const other: 0 | 1 = target === 0 ? 1 : 0;
  return validBlock(current, target) === null && equalBytes(blockOf(current, other), blockOf(write.before, other)) ? 'torn' : 'foreign';
}

export const PL_4442 = 'PL-4442';

/** The reference SLE4442 card (layouts.md, "PL-4442"). Acceptance rule: count exact. */
export function pl4442Layout(keys: KeyProvider): CardLayout {
  return {
    id: PL_4442,
    // Readers give an SLE4442 the ATR that PC/SC part 3 makes of its four bytes (cards.md 1.1).
    mayBe: (atr) => equalBytes(atr, Uint8Array.of(0x3b, 0x04, ...FACTORY)),
    read: async (channel) => {
      const read = await readCard(channel);
      if (!read.ok) return read;
      // A card that could not be written to is said before anybody pays.
      const tries = await checkTries(read.value.port);
      return tries.ok ? decode(read.value) : tries;
    },
    readImage: async (channel) => {
      const read = await readCard(channel);
      return read.ok ? ok(read.value.image) : read;
    },
    proveAuthority: async (reading) => {
      const code = await keys.cardCode('SLE4442', reading.image.slice(1, 6));
      return code.ok ? ok(undefined) : code;
    },
    plan,
    apply: (channel, write) => apply(keys, channel, write),
    classify,
    sameCard,
  };
}
