/**
 * China has one time zone, UTC+8, and no summer time; a machine's own zone setting must not change
 * a slip or a card.
 */
const CHINA_OFFSET_MS = 8 * 3_600_000;

/** The last moment with a year of four digits. */
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59) - CHINA_OFFSET_MS;

/**
 * `2026-11-22 09:26:41` in China's time. A moment that no clock can mean is the last one that can
 * be written: a number that somebody made up must not make its reader fail.
 */
export function chinaTime(ms: number): string {
  if (!(ms >= 0 && ms <= LAST_MS)) return '9999-12-31 23:59:59';
  return new Date(ms + CHINA_OFFSET_MS).toISOString().slice(0, 19).replace('T', ' ');
}

/** The hall's calendar date, `2026-11-22`. */
export function chinaDate(ms: number): string {
  return chinaTime(ms).slice(0, 10);
}

/** A day without leap seconds, ms. */
export const DAY_MS = 86_400_000;

/** When that date (`YYYY-MM-DD`) begins in China. NaN: no such date. */
export function chinaDayMs(date: string): number {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) return Number.NaN;
  const ms = Date.parse(`${date}T00:00:00+08:00`);
  // 2026-02-30 is read as a day of March by some.
  return Number.isNaN(ms) || chinaDate(ms) !== date ? Number.NaN : ms;
}
