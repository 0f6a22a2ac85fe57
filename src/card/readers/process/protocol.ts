import { z } from 'zod';
import { fromHex } from '../../../shared/bytes.ts';

/**
 * The protocol between the kiosk and a program that drives a reader through its maker's library:
 * JSON, one message to the line, on the program's standard input and output
 * (docs/adding-a-reader.md has every message). Bytes are hex.
 */
export const READER_PROTOCOL = 1;

const hex = z
  .string()
  .regex(/^(?:[0-9A-F]{2})*$/i)
  .max(4_096)
  .transform((text) => fromHex(text));
const atr = hex.refine((bytes) => bytes.length >= 2 && bytes.length <= 33, 'an ATR');

/** What the program says of itself and of the reader, first after its start. */
export const helloSchema = z.strictObject({
  version: z.literal(READER_PROTOCOL),
  /** The reader's name and firmware, for people. */
  name: z.string().min(1).max(100),
  /** It speaks to memory cards (which, `select` tells). */
  memory: z.boolean(),
  /** It has an antenna and speaks to Mifare Classic. */
  mifare: z.boolean(),
  /** A motor moves the card. */
  gate: z.boolean(),
  /** SAM slots, told from 0. */
  sams: z.number().int().min(0).max(8),
});
export type Hello = z.infer<typeof helloSchema>;

const card = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
/**
 * How the slot stands. `card` is the program's number of the card that is in: another one for each
 * card that came in, and for the same card when it came in again.
 */
export const slotSchema = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('empty') }),
  z.strictObject({ state: z.literal('leaving') }),
  z.strictObject({ state: z.literal('mute'), card, detail: z.string().max(200).optional() }),
  z.strictObject({ state: z.literal('present'), card, atr }),
]);
export type Slot = z.infer<typeof slotSchema>;

export const doneSchema = z.strictObject({});
export const bytesSchema = z.strictObject({ bytes: hex });
export const atrSchema = z.strictObject({ atr });
export const counterSchema = z.strictObject({ counter: z.number().int().min(0).max(255) });
export const codeSchema = z.strictObject({
  verified: z.boolean(),
  counter: z.number().int().min(0).max(255),
});
export const openedSchema = z.strictObject({ opened: z.boolean() });

/** What a program may say of a job that it could not do. */
export const READER_CODES = [
  'CARD-0101',
  'CARD-0102',
  'CARD-0103',
  'CARD-0106',
  'CARD-0107',
  'CARD-0108',
  'CARD-0111',
  'CARD-0202',
  'CARD-0203',
] as const;
export const failSchema = z.strictObject({
  code: z.enum(READER_CODES),
  detail: z.string().max(500).optional(),
});

/** A line of the program: it answers job `id`. */
export const lineSchema = z.union([
  z.strictObject({ id: z.number().int(), ok: z.unknown() }),
  z.strictObject({ id: z.number().int(), fail: failSchema }),
]);
