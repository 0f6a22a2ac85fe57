import { failure } from '../../shared/errors.ts';
import { sameName } from '../../shared/same-name.ts';
import { chinaDate } from '../../shared/time.ts';
import { num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { TOO_MANY } from '../fleet/status.ts';
import type { Desk } from './desk.ts';
import { unknown } from './rows.ts';
import type { RefundBudget } from './types.ts';

/** A kiosk sells some hundred times on a busy day, and hands one or two payments back. */
export const REFUND_BUDGET: RefundBudget = { refunds: 20, fen: 500_000 };

/** Money that a terminal wants handed back, under a number of its own. */
export interface HandBack {
  readonly terminalId: string;
  readonly number: string;
  readonly outTradeNo: string;
  readonly fen: number;
}
/** Under which number a reversal is counted: no refund's number has a colon. */
export const reversalNo = (outTradeNo: string): string => `reverse:${outTradeNo}`;

/** The answer beyond the budget: never refused, never lost; asked again, it goes when it may. */
export const patience = () =>
  unknown(failure('PAY-0205', 'beyond the terminal’s refunds of a day: a person lets it go'));

/**
 * Spends the terminal's budget for a hand-back; false: it is beyond, and waits, with an alarm. A
 * thief with the terminal's key has no more handed back than this in a day. Once for each
 * hand-back, in the transaction that stores it.
 */
export async function mayHandBack(tx: Sql, desk: Desk, back: HandBack): Promise<boolean> {
  const { terminalId, number, outTradeNo, fen } = back;
  const place = [terminalId, number];
  const waits = await tx.query<{ allowed_ms: unknown; out_trade_no: string; fen: unknown }>(
    'SELECT allowed_ms, out_trade_no, fen FROM refund_waits WHERE terminal_id = $1 AND number = $2',
    place,
  );
  const [asked] = waits;
  // What a person was shown under this number, or is, and nothing else.
  if (asked !== undefined && (asked.out_trade_no !== outTradeNo || num(asked.fen) !== fen))
    return false;
  if (asked !== undefined && asked.allowed_ms !== null) return true;
  const budget = desk.refundBudget ?? REFUND_BUDGET;
  const within = budget.refunds >= 1 && fen <= budget.fen;
  const spent = !within
    ? []
    : await tx.query(
        `INSERT INTO refund_days (terminal_id, day, refunds, fen) VALUES ($1, $2, 1, $3)
         ON CONFLICT (terminal_id, day) DO UPDATE
           SET refunds = refund_days.refunds + 1, fen = refund_days.fen + EXCLUDED.fen
           WHERE refund_days.refunds + 1 <= $4 AND refund_days.fen + EXCLUDED.fen <= $5
         RETURNING day`,
        [terminalId, chinaDate(desk.now()), fen, budget.refunds, budget.fen],
      );
  if (spent.length > 0) {
    // One that waited since another day.
    if (waits.length > 0)
      await tx.query('DELETE FROM refund_waits WHERE terminal_id = $1 AND number = $2', place);
    return true;
  }
  if (waits.length > 0) return false;
  await tx.query(
    `INSERT INTO refund_waits (terminal_id, number, out_trade_no, fen, since_ms)
     VALUES ($1, $2, $3, $4, $5)`,
    [...place, outTradeNo, fen, desk.now()],
  );
  await tx.query('UPDATE terminals SET alarm = $2 WHERE terminal_id = $1 AND alarm IS NULL', [
    terminalId,
    `${TOO_MANY}refund`,
  ]);
  return false;
}

/** Counts money that went back with a reversal, when it was not known to be there before. */
export const countHandBack = (
  sql: Sql,
  desk: Pick<Desk, 'now'>,
  terminalId: string,
  fen: number,
): Promise<unknown> =>
  sql.query(
    `INSERT INTO refund_days (terminal_id, day, refunds, fen) VALUES ($1, $2, 1, $3)
     ON CONFLICT (terminal_id, day) DO UPDATE
       SET refunds = refund_days.refunds + 1, fen = refund_days.fen + EXCLUDED.fen`,
    [terminalId, chinaDate(desk.now()), fen],
  );

/** Is nothing left of the terminal's budget of today? */
export async function isSpent(desk: Desk, terminalId: string): Promise<boolean> {
  const budget = desk.refundBudget ?? REFUND_BUDGET;
  const rows = await desk
    .db()
    .query<{ refunds: unknown; fen: unknown }>(
      'SELECT refunds, fen FROM refund_days WHERE terminal_id = $1 AND day = $2',
      [terminalId, chinaDate(desk.now())],
    );
  return num(rows[0]?.refunds ?? 0) >= budget.refunds || num(rows[0]?.fen ?? 0) >= budget.fen;
}

/** Does this hand-back wait for a person? */
export const waitsForPerson = async (
  sql: Sql,
  terminalId: string,
  number: string,
): Promise<boolean> =>
  (
    await sql.query(
      `SELECT 1 FROM refund_waits
       WHERE terminal_id = $1 AND number = $2 AND allowed_ms IS NULL`,
      [terminalId, number],
    )
  ).length > 0;

/** A person's word on one. */
export interface LetGo {
  readonly terminalId: string;
  readonly number: string;
  readonly who: string;
  readonly why: string;
}
/** What became of a person's word. `asked`: a second one says the same, then it goes. */
export type LetGone = 'done' | 'asked' | 'same-person' | 'gone';
/**
 * A hand-back that waits beyond the budget goes when two persons say so: one alone, whose friend
 * has a terminal's key, would end the budget. The terminal asks again by itself.
 */
export const letGo = (db: Db, told: LetGo, nowMs: number): Promise<LetGone> =>
  db.transaction(async (tx) => {
    const place = [told.terminalId, told.number];
    const [row] = await tx.query<{ asked_who: string | null }>(
      `SELECT asked_who FROM refund_waits
       WHERE terminal_id = $1 AND number = $2 AND allowed_ms IS NULL FOR UPDATE`,
      place,
    );
    if (row === undefined) return 'gone';
    if (row.asked_who === null) {
      await tx.query(
        `UPDATE refund_waits SET asked_who = $3, asked_why = $4
         WHERE terminal_id = $1 AND number = $2`,
        [...place, told.who, told.why],
      );
      return 'asked';
    }
    if (sameName(row.asked_who, told.who)) return 'same-person';
    await tx.query(
      `UPDATE refund_waits SET allowed_ms = $3, who = $4, why = $5
       WHERE terminal_id = $1 AND number = $2`,
      [...place, nowMs, told.who, told.why],
    );
    return 'done';
  });

/** One hand-back beyond its terminal's budget. */
export interface RefundWait extends HandBack {
  readonly sinceMs: number;
  /** Who asked that it goes, which waits for another one's word; null: nobody. */
  readonly asked: { readonly who: string; readonly why: string } | null;
}
/** Those that wait, oldest first, at most 20 of each terminal. */
export async function refundWaits(sql: Sql): Promise<readonly RefundWait[]> {
  const rows = await sql.query<{
    terminal_id: string;
    number: string;
    out_trade_no: string;
    fen: unknown;
    since_ms: unknown;
    asked_who: string | null;
    asked_why: string | null;
  }>(
    `SELECT * FROM (SELECT w.*, ROW_NUMBER() OVER
       (PARTITION BY terminal_id ORDER BY since_ms, number) AS place
       FROM refund_waits w WHERE allowed_ms IS NULL) p
     WHERE p.place <= 20 ORDER BY p.since_ms, p.number LIMIT 2000`,
  );
  return rows.map((r) => ({
    terminalId: r.terminal_id,
    number: r.number,
    outTradeNo: r.out_trade_no,
    fen: num(r.fen),
    sinceMs: num(r.since_ms),
    asked: r.asked_who === null ? null : { who: r.asked_who, why: r.asked_why ?? '' },
  }));
}
