import type { Rating } from '../../shared/ratings.ts';
import { DAY_MS } from '../../shared/time.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';

/** What customers said of their visits. It moves no money, and is only a terminal's word. */
export interface RatedVisit {
  readonly orderId: string;
  readonly terminalId: string;
  readonly wallMs: number;
  readonly rating: Rating;
}

/** So far back the console counts. */
const DAYS_SHOWN = 30;

/**
 * Takes ratings into the books, in the batch's transaction: the first of an order counts, and none
 * is of a time to come, whatever a terminal's clock says.
 */
export async function rateVisits(
  tx: Sql,
  rated: readonly RatedVisit[],
  nowMs: number,
): Promise<void> {
  for (const { orderId, terminalId, wallMs, rating } of rated)
    await tx.query(
      `INSERT INTO ratings (order_id, terminal_id, rating, at_ms) VALUES ($1, $2, $3, $4)
       ON CONFLICT (order_id) DO NOTHING`,
      [orderId, terminalId, rating, Math.min(wallMs, nowMs)],
    );
}

/** One terminal's ratings of the last thirty days. */
export type TerminalRatings = { readonly terminalId: string } & Readonly<Record<Rating, number>>;

/** By terminal; those of which the most were not satisfied first. */
export async function ratingsOf(sql: Sql, nowMs: number): Promise<readonly TerminalRatings[]> {
  const rows = await sql.query<Record<Rating, unknown> & { terminal_id: string }>(
    `SELECT terminal_id,
       COUNT(*) FILTER (WHERE rating = 'good') AS good,
       COUNT(*) FILTER (WHERE rating = 'fair') AS fair,
       COUNT(*) FILTER (WHERE rating = 'poor') AS poor
     FROM ratings WHERE at_ms > $1 GROUP BY terminal_id
     ORDER BY COUNT(*) FILTER (WHERE rating = 'poor') DESC, terminal_id LIMIT 500`,
    [nowMs - DAYS_SHOWN * DAY_MS],
  );
  return rows.map((r) => ({
    terminalId: r.terminal_id,
    good: num(r.good),
    fair: num(r.fair),
    poor: num(r.poor),
  }));
}
