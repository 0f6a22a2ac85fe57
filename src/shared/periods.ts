import { z } from 'zod';
import { chinaDate, chinaDayMs } from './time.ts';

/**
 * How the periods of a counter follow each other by China's calendar: `month` is the calendar
 * month; `MM-DD` is a year that begins with that day (`01-01`: the calendar year, `07-01`: a gas
 * year). A period begins at 00:00:00 (UTC+8) of its first day, and that instant is its name.
 */
export type PeriodRule = string;

/** The period that is a calendar month. */
export const MONTHLY: PeriodRule = 'month';
/** The year of whoever names no other. */
export const CALENDAR_YEAR: PeriodRule = '01-01';

/** Names periods that each moment has exactly one of: 29 February begins no year. */
export const isPeriodRule = (rule: string): boolean =>
  rule === MONTHLY || (/^\d{2}-\d{2}$/.test(rule) && !Number.isNaN(chinaDayMs(`2025-${rule}`)));

/** A {@link PeriodRule} in a body. */
export const periodRuleSchema = z.string().refine(isPeriodRule, 'no rule of periods');
/** Where a tariff's year begins; a month is none. */
export const yearRuleSchema = periodRuleSchema.refine((rule) => rule !== MONTHLY, 'no year');

/** No clock that is right shows a moment before: what a dead one says has a period all the same. */
const FIRST_MS = Date.UTC(1972, 0, 1);

/** When the period began that a moment lies in, ms. */
export function periodStart(rule: PeriodRule, ms: number): number {
  const date = chinaDate(Math.max(ms, FIRST_MS));
  if (rule === MONTHLY) return chinaDayMs(`${date.slice(0, 7)}-01`);
  const year = Number(date.slice(0, 4));
  const begun = chinaDayMs(`${date.slice(0, 4)}-${rule}`);
  return begun <= Math.max(ms, FIRST_MS)
    ? begun
    : chinaDayMs(`${String(year - 1).padStart(4, '0')}-${rule}`);
}

/**
 * So long may pass between the moment as of which a visit was told prices and counters, and its
 * quote: what the customer saw on the screen is what is sold, over the turn of a year too. It holds
 * clocks that differ as far as policy lets them (5 min) and the visit itself.
 */
export const VISIT_MS = 10 * 60_000;

/** As of which moment a visit is priced: the one it was told, or, where that is long ago, now. */
export const momentOf = (toldMs: number | undefined, nowMs: number): number =>
  toldMs !== undefined && Math.abs(nowMs - toldMs) <= VISIT_MS ? toldMs : nowMs;

/** A version of a tariff: `fromMs` is when an announced one begins; null: where it is named. */
export interface Dated {
  readonly version: number;
  readonly fromMs: number | null;
}
/**
 * The version that holds at a moment for who is on version `from`: that one, or the last later one
 * whose day has come. What has no day holds only where it is named.
 */
export function versionAt<T extends Dated>(
  versions: readonly T[],
  from: number,
  ms: number,
): T | undefined {
  let holds = versions.find((v) => v.version === from);
  for (const v of versions)
    if (
      v.version > from &&
      v.fromMs !== null &&
      v.fromMs <= ms &&
      v.version > (holds?.version ?? from)
    )
      holds = v;
  return holds;
}
