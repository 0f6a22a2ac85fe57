import { monthAfter } from '../../shared/my-account.ts';
import { chinaDate, chinaDayMs, DAY_MS } from '../../shared/time.ts';
import type { Sql } from '../db/sql.ts';

/** What a card brought back from its meter: how much was used in all, and when that was. */
export interface Reading {
  readonly visitMs: number;
  /** 0.01 units since the meter began to count. */
  readonly used: number;
}

/** A meter's clock that is ahead by more is not believed, nor a read-back that is older. */
const AHEAD_MS = 2 * DAY_MS;
const OLDEST_MS = 3 * 366 * DAY_MS;

/** `2511150830` as a moment, by China's calendar; null: it is none. */
export function visitMs(visit: string): number | null {
  const d = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(visit);
  if (d === null) return null;
  const day = chinaDayMs(`20${d[1]}-${d[2]}-${d[3]}`);
  const [hours, minutes] = [Number(d[4]), Number(d[5])];
  return Number.isNaN(day) || hours > 23 || minutes > 59
    ? null
    : day + (hours * 60 + minutes) * 60_000;
}

/** What a terminal told of a card that was put in. */
export interface CardReading {
  readonly cardNo: string;
  readonly terminalId: string;
  readonly visit: string | undefined;
  readonly used: number | undefined;
  readonly remaining: number | undefined;
}

/**
 * Keeps the last read-back of each month and card: a row a month, however often the card is put in.
 * A meter's word that lies in the future, or years back, is no reading.
 */
export async function keepReading(tx: Sql, told: CardReading, nowMs: number): Promise<void> {
  const { visit, used, remaining } = told;
  if (visit === undefined || used === undefined || remaining === undefined) return;
  const at = visitMs(visit);
  if (at === null || at > nowMs + AHEAD_MS || at < nowMs - OLDEST_MS) return;
  await tx.query(
    `INSERT INTO card_readings (card_no, month, visit_ms, used, remaining, terminal_id)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (card_no, month) DO UPDATE SET visit_ms = EXCLUDED.visit_ms, used = EXCLUDED.used,
       remaining = EXCLUDED.remaining, terminal_id = EXCLUDED.terminal_id
     WHERE EXCLUDED.visit_ms >= card_readings.visit_ms`,
    [told.cardNo, chinaDate(at).slice(0, 7), at, used, remaining, told.terminalId],
  );
}

const monthStart = (month: string): number => chinaDayMs(`${month}-01`);

/**
 * Each whole month’s use between the first and the last reading, evenly between two of them: an
 * estimate, since nobody looked at the month’s end. The month that goes on is told as far as it was
 * read. A meter that counts from the beginning again was changed: nothing is said across that.
 *
 * @returns 0.01 units by month (`2026-11`)
 */
export function monthsOfReadings(
  readings: readonly Reading[],
  nowMs: number,
): ReadonlyMap<string, number> {
  const months = new Map<string, number>();
  const sorted = readings.toSorted((a, b) => a.visitMs - b.visitMs);
  const now = chinaDate(nowMs).slice(0, 7);
  for (const run of runsOf(sorted)) {
    const [first, last] = [run[0], run.at(-1)];
    if (first === undefined || last === undefined || first === last) continue;
    for (
      let month = chinaDate(first.visitMs).slice(0, 7);
      monthStart(month) <= last.visitMs;
      month = monthAfter(month, 1)
    ) {
      const from = monthStart(month);
      const to = monthStart(monthAfter(month, 1));
      if (from < first.visitMs || (to > last.visitMs && month !== now)) continue;
      const used = usedAt(run, Math.min(to, last.visitMs)) - usedAt(run, from);
      months.set(month, Math.max(0, Math.round(used)));
    }
  }
  return months;
}

/** Readings of one meter, which only counts up. */
function runsOf(sorted: readonly Reading[]): readonly (readonly Reading[])[] {
  const runs: Reading[][] = [];
  let before: Reading | undefined;
  for (const reading of sorted) {
    if (before === undefined || reading.used < before.used) runs.push([]);
    runs.at(-1)?.push(reading);
    before = reading;
  }
  return runs;
}

function usedAt(run: readonly Reading[], ms: number): number {
  const after = run.findIndex((r) => r.visitMs >= ms);
  const [a, b] = [run[after - 1], run[after]];
  if (a === undefined || b === undefined) return (b ?? run.at(-1))?.used ?? 0;
  return a.used + ((b.used - a.used) * (ms - a.visitMs)) / (b.visitMs - a.visitMs);
}
