import { DAY_MS, chinaDate, chinaDayMs, chinaTime } from './time.ts';

/**
 * Which days the company works: Monday to Friday, but for holidays, and with the weekend days that
 * are worked for them (调休). The State Council announces a year's days in the autumn before.
 */
export interface WorkCalendar {
  /** Days off besides Saturdays and Sundays, `YYYY-MM-DD`. */
  readonly off: readonly string[];
  /** Saturdays and Sundays that are worked. */
  readonly on: readonly string[];
}

/** What is promised: so many minutes, or so many whole working days. */
export type Promised = { readonly minutes: number } | { readonly workingDays: number };

/** Does the company work on this day (`YYYY-MM-DD` of China's calendar)? */
export function isWorkingDay(date: string, { off, on }: WorkCalendar): boolean {
  if (on.includes(date)) return true;
  if (off.includes(date)) return false;
  const startMs = chinaDayMs(date);
  if (Number.isNaN(startMs)) return false;
  // Its noon: the same day of the week in China and in Greenwich.
  const weekday = new Date(startMs + DAY_MS / 2).getUTCDay();
  return weekday !== 0 && weekday !== 6;
}

/** No table of holidays makes a year without a working day: so far it is looked, in days. */
const FURTHEST_DAYS = 400;

/**
 * The end (24:00 in China) of the `days`-th working day after the day of `fromMs`, which itself
 * does not count. With 0 the end of that day.
 */
export function afterWorkingDays(fromMs: number, days: number, calendar: WorkCalendar): number {
  let startMs = chinaDayMs(chinaDate(fromMs));
  let left = days;
  for (let n = 0; left > 0 && n < FURTHEST_DAYS; n++) {
    startMs += DAY_MS;
    if (isWorkingDay(chinaDate(startMs), calendar)) left -= 1;
  }
  return startMs + DAY_MS;
}

/** By when what was promised at `fromMs` is due, ms. */
export function dueAt(fromMs: number, promise: Promised, calendar: WorkCalendar): number {
  return 'minutes' in promise
    ? fromMs + promise.minutes * 60_000
    : afterWorkingDays(fromMs, promise.workingDays, calendar);
}

/**
 * When something is due, as people read it: the minute, or of what is due at the end of a day that
 * day.
 */
export const dueText = (dueMs: number): string =>
  chinaTime(dueMs).endsWith(' 00:00:00') ? chinaDate(dueMs - 1) : chinaTime(dueMs).slice(0, 16);
