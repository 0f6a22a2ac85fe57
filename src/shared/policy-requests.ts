import { z } from 'zod';
import { words } from './policy-info.ts';
import { HALVES, REQUEST_KINDS, smsOf } from './requests.ts';
import type { Half, Slot } from './requests.ts';
import { DAY_MS, chinaDate, chinaDayMs } from './time.ts';
import { isWorkingDay } from './working-days.ts';
import type { WorkCalendar } from './working-days.ts';

const date = z
  .string()
  .refine((text) => !Number.isNaN(chinaDayMs(text)), { error: 'a date is YYYY-MM-DD' });
const id = z.string().regex(/^[a-z0-9][a-z0-9-]{0,23}$/);
/** No longer than a button of any panel takes in large text. */
const name = words(8, 20);

/** So many days may what identifies the customer of a closed request be kept at central. */
export const MAX_KEEP_DAYS = 1_100;

/** By when it is answered. */
const promiseSchema = z.union([
  z.strictObject({
    minutes: z
      .number()
      .int()
      .min(1)
      .max(7 * 1_440),
  }),
  z.strictObject({ workingDays: z.number().int().min(1).max(60) }),
]);

/** Days that may be booked, each in halves. */
const slotsSchema = z.object({
  /** The first of them is so many days from today. */
  fromDays: z.number().int().min(0).max(30).default(1),
  /** So many are offered. */
  days: z.number().int().min(1).max(6),
  /** So many requests are taken for half a day; central counts. */
  perHalfDay: z.number().int().min(1).max(10_000),
  /** Only days on which the company works. */
  workingDays: z.boolean().default(true),
});

/** One thing that can be asked for. */
export const categorySchema = z.object({
  id,
  kind: z.enum(REQUEST_KINDS),
  name,
  /** What is wrong, or which of several; left out: there is nothing to choose. */
  choices: z.array(z.object({ id, name })).max(6).default([]),
  /** Left out: nobody comes, or no day is agreed here. */
  slots: slotsSchema.optional(),
  /** The user number (户号): has to be told, may be told, is not asked for. */
  userNo: z.enum(['required', 'optional', 'none']).default('optional'),
  promise: promiseSchema,
  /** It can be asked for on these days only, both included: 报停 ends before the season begins. */
  window: z
    .object({ from: date, to: date })
    .refine((w) => w.from <= w.to, { path: ['to'], error: 'before from' })
    .optional(),
});
export type RequestCategory = z.infer<typeof categorySchema>;

const unique = (list: readonly { readonly id: string }[]): boolean =>
  new Set(list.map((one) => one.id)).size === list.length;

/**
 * Messages of interruptions are told by area, which is a choice; nobody comes, and no user number
 * says where a mobile is. Stopping them stops all of them.
 */
function isSmsWhole({ kind, choices, slots, userNo }: RequestCategory): boolean {
  const sms = smsOf(kind);
  if (sms === null) return true;
  const areas = sms === 'subscribe' ? choices.length > 0 : choices.length === 0;
  return areas && slots === undefined && userNo === 'none';
}

/** Everything of the signed policy that is about requests. */
export const requestsSchema = z.object({
  categories: z
    .array(
      categorySchema
        .refine((c) => unique(c.choices), { error: 'a choice twice' })
        .refine(isSmsWhole, { error: 'messages are for areas (choices), and for no day or user' }),
    )
    .max(14)
    .refine(unique, { error: 'a category twice' }),
  /** See {@link WorkCalendar}. */
  calendar: z
    .object({ off: z.array(date).max(400), on: z.array(date).max(400) })
    .default({ off: [], on: [] }),
  /** At most so many a visit, and a machine's in an hour. */
  perVisit: z.number().int().min(1).max(20).default(3),
  perHour: z.number().int().min(1).max(1_000).default(20),
  /**
   * For how many days what identifies the customer (sealed to central's key) is kept: on the kiosk
   * after central has it, at central after the request was closed.
   */
  keepDays: z
    .object({
      kiosk: z.number().int().min(0).max(30).default(7),
      central: z.number().int().min(1).max(MAX_KEEP_DAYS).default(30),
    })
    .default({ kiosk: 7, central: 30 }),
});
export type PolicyRequests = z.infer<typeof requestsSchema>;

/** May it be asked for today? */
export function isInWindow({ window }: Pick<RequestCategory, 'window'>, nowMs: number): boolean {
  const today = chinaDate(nowMs);
  return window === undefined || (window.from <= today && today <= window.to);
}

/** A half cannot be booked any more once it has begun: at half past eight, and at half past one. */
const BEGINS_MS: Readonly<Record<Half, number>> = { am: 8.5 * 3_600_000, pm: 13.5 * 3_600_000 };

/** A day that is offered; `gone`: its halves that have begun. */
export interface OfferedDay {
  readonly date: string;
  readonly gone: readonly Half[];
}

/** The days that may be booked now, the first first; empty where the category has none. */
export function offeredDays(
  { slots }: Pick<RequestCategory, 'slots'>,
  calendar: WorkCalendar,
  nowMs: number,
): readonly OfferedDay[] {
  if (slots === undefined) return [];
  const days: OfferedDay[] = [];
  const today = chinaDayMs(chinaDate(nowMs));
  // Two months on: no holidays are longer.
  for (let n = slots.fromDays; days.length < slots.days && n < slots.fromDays + 60; n++) {
    const startMs = today + n * DAY_MS;
    const day = chinaDate(startMs);
    if (slots.workingDays && !isWorkingDay(day, calendar)) continue;
    const gone = HALVES.filter((half) => nowMs >= startMs + BEGINS_MS[half]);
    if (gone.length < HALVES.length) days.push({ date: day, gone });
  }
  return days;
}

/** Is this one of them, and not begun? */
export const isOffered = (days: readonly OfferedDay[], slot: Slot): boolean =>
  days.some((day) => day.date === slot.date && !day.gone.includes(slot.half));
