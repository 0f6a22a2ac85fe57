import { DAY_MS } from '../../shared/time.ts';
import { nullable, select, table, text, whole } from '../db/sets.ts';
import type { RowOf } from '../db/sets.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';

/** One grant; changed only where its state is `asked`. */
export const CARD_GRANTS = table('card_grants', ['id'], {
  id: whole,
  user_no: text(),
  /** 0.01 units. */
  quantity: whole,
  /** What they cost the account, 10⁻⁶ yuan: when it was asked for, then when it was confirmed. */
  micro: whole,
  reference: text(),
  state: text<'asked' | 'done' | 'refused'>(),
  asked_who: text(),
  asked_why: text(),
  asked_ms: whole,
  decided_who: nullable(text()),
  decided_why: nullable(text()),
  decided_ms: nullable(whole),
});
export type CardGrantRow = RowOf<typeof CARD_GRANTS>;

/** Grants that wait for a second person, oldest first. */
export const waitingCardGrants = (sql: Sql): Promise<readonly CardGrantRow[]> =>
  select(sql, CARD_GRANTS, `state = 'asked' ORDER BY asked_ms, id LIMIT 200`, []);
/** One by its number, whatever became of it; null: there is none. */
export const cardGrant = async (sql: Sql, id: number): Promise<CardGrantRow | null> =>
  (await select(sql, CARD_GRANTS, 'id = $1', [id]))[0] ?? null;

/** Carried money that is worth so much was granted: no remainder is (10⁻⁶ yuan). */
export const GRANTED_MICRO = 100_000;

/**
 * Of `reserves`: it holds a grant, and its quote ran out at `nowMs` unpaid, as far as anybody told.
 * The next quote has it; so whoever asks before is told of it too.
 */
export const forgotten = (nowMs: string): string =>
  `reserves.state = 'held' AND reserves.micro >= ${GRANTED_MICRO}
     AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.order_id = reserves.order_id AND o.money_taken)
     AND NOT EXISTS (SELECT 1 FROM claims c WHERE c.order_id = reserves.order_id
       AND (c.expires_ms IS NULL OR c.expires_ms > ${nowMs}))`;

/** What of a household's carried money lies in forgotten reserves (10⁻⁶ yuan). */
export async function forgottenMicro(sql: Sql, userNo: string, nowMs: number): Promise<number> {
  const [row] = await sql.query<{ micro: unknown }>(
    `SELECT COALESCE(SUM(micro), 0) AS micro FROM reserves
     WHERE user_no = $1 AND ${forgotten('$2')}`,
    [userNo, nowMs],
  );
  return num(row?.micro ?? 0);
}

/** For so long the customer is told at the machine. */
const TOLD_MS = 90 * DAY_MS;

/**
 * The newest grant of a household, in what its customer is told; null: none lately. It waits while
 * more than a remainder is carried: a purchase may have spent a part of it.
 */
export async function grantTold(
  sql: Sql,
  userNo: string,
  nowMs: number,
): Promise<{ readonly quantity: number; readonly atMs: number; readonly waits: boolean } | null> {
  const [row] = await sql.query<Record<'quantity' | 'at_ms' | 'carried', unknown>>(
    `SELECT g.quantity, g.decided_ms AS at_ms, (SELECT a.carried_micro FROM accounts a
       WHERE a.user_no = g.user_no) + (SELECT COALESCE(SUM(r.micro), 0) FROM reserves r
       WHERE r.user_no = g.user_no AND r.state = 'held') AS carried
     FROM card_grants g WHERE g.user_no = $1 AND g.state = 'done' AND g.decided_ms > $2
     ORDER BY g.decided_ms DESC, g.id DESC LIMIT 1`,
    [userNo, nowMs - TOLD_MS],
  );
  return row === undefined
    ? null
    : {
        quantity: num(row.quantity),
        atMs: num(row.at_ms),
        waits: num(row.carried) >= GRANTED_MICRO,
      };
}
