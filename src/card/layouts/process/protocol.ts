import { z } from 'zod';
import { fromHex, toHex } from '../../../shared/bytes.ts';
import type { CardReading, WritePlan } from '../../types.ts';

/**
 * The protocol between the kiosk and a meter maker's program: JSON, one message to the line, on the
 * program's standard input and output (docs/adding-a-meter-maker.md has every message). Bytes are
 * hex.
 */
export const PROTOCOL_VERSION = 1;
/**
 * Given to the program for one question about images alone: it answers one line with one line, and
 * ends.
 */
export const ONCE = '--once';

const hex = z
  .string()
  .regex(/^(?:[0-9A-F]{2})*$/i)
  .max(4_096)
  .transform((text) => fromHex(text));
const u32 = z.number().int().min(0).max(0xffff_ffff);
const u16 = z.number().int().min(0).max(0xffff);
const digits = z.string().regex(/^\d{1,20}$/);
const meter = z.strictObject({
  visited: z.boolean(),
  countTaken: u16,
  remainingQuantity: u32,
  cumulativeUsed: u32,
  lastVisit: z.string().regex(/^\d{10}$/),
  valveClosed: z.boolean(),
  faults: z.number().int().min(0).max(255),
  meterNo: digits,
});

/** A card as the program read it; the kiosk adds the layout's name. */
export const readingSchema = z.strictObject({
  cardNo: digits,
  userNo: digits,
  kind: z.enum(['gas', 'water', 'heat', 'fuel']),
  unit: z.enum(['volume', 'money']),
  region: z.number().int().min(0).max(255),
  count: u16,
  lastQuantity: u32,
  cumulative: u32,
  tag: hex,
  meter,
  visited: z.boolean(),
  fresh: z.boolean(),
  unfinished: z.boolean(),
  image: hex,
});
export const imageSchema = z.strictObject({ image: hex });
export const doneSchema = z.strictObject({});
export const helloSchema = z.strictObject({
  version: z.literal(PROTOCOL_VERSION),
  layout: z.string(),
});
/** Of a plan the program decides the bytes and the words; count, sums and tag are the kiosk's. */
export const planSchema = z.strictObject({
  after: hex,
  steps: z.array(z.string().max(200)).max(50),
});
export const classifySchema = z.strictObject({
  verdict: z.enum(['after', 'before', 'torn', 'foreign']),
});
export const sameSchema = z.strictObject({ same: z.boolean() });

/** What a program may say of a card: it was not read, or not written. */
const CODES = [
  'CARD-0101',
  'CARD-0102',
  'CARD-0103',
  'CARD-0104',
  'CARD-0105',
  'CARD-0106',
  'CARD-0107',
  'CARD-0108',
  'CARD-0109',
  'CARD-0110',
  'CARD-0201',
  'CARD-0202',
  'CARD-0203',
  'CARD-0205',
  'CARD-0206',
] as const;
export const failSchema = z.strictObject({
  code: z.enum(CODES),
  detail: z.string().max(500).optional(),
});

const chip = z.enum([
  'SLE4442',
  'SLE4428',
  'AT24C01',
  'AT24C02',
  'AT24C04',
  'AT24C08',
  'AT24C16',
  'AT24C32',
  'AT24C64',
  'AT88SC102',
  'AT88SC1608',
]);
const area = z.enum(['main', 'protection']);
const sle = z.enum(['SLE4442', 'SLE4428']);
const at = z.number().int().min(0).max(0xffff);
/**
 * What a program asks of the card in the reader, and of the keys. Codes and keys stay with the
 * kiosk.
 */
export const askSchema = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('transmit'), apdu: hex }),
  z.strictObject({ op: z.literal('reset') }),
  z.strictObject({ op: z.literal('select'), chip }),
  z.strictObject({
    op: z.literal('read'),
    chip,
    area,
    at,
    length: z.number().int().min(1).max(1_024),
  }),
  z.strictObject({ op: z.literal('write'), chip, area, at, bytes: hex }),
  z.strictObject({ op: z.literal('counter'), chip }),
  z.strictObject({ op: z.literal('verify'), chip: sle, cardNo: hex }),
  z.strictObject({ op: z.literal('has-code'), chip: sle, cardNo: hex }),
  z.strictObject({ op: z.literal('prove'), s8: hex }),
  z.strictObject({ op: z.literal('external-auth'), s8: hex, challenge: hex }),
  z.strictObject({ op: z.literal('update-mac'), s8: hex, challenge: hex, header: hex, data: hex }),
]);
export type Ask = z.infer<typeof askSchema>;

/** A line of the program: it answers job `id`, or asks something for it. */
export const lineSchema = z.union([
  z.strictObject({ id: z.number().int(), ok: z.unknown() }),
  z.strictObject({ id: z.number().int(), fail: failSchema }),
  z.strictObject({ id: z.number().int(), ask: askSchema }),
]);

export type Wire = Readonly<Record<string, unknown>>;

export function readingToWire(r: CardReading): Wire {
  const { layout: _, tag, image, ...rest } = r;
  return { ...rest, tag: toHex(tag), image: toHex(image) };
}
export function planToWire(p: WritePlan): Wire {
  return { ...p, before: toHex(p.before), after: toHex(p.after), tag: toHex(p.tag) };
}
