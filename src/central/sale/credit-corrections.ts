import type { Correction } from '../../shared/central-api/index.ts';
import { chinaDayMs, DAY_MS } from '../../shared/time.ts';
import { anyOf, list, select } from '../db/sets.ts';
import type { Sql } from '../db/sql.ts';
import { CREDIT_ACTS } from './credit-tables.ts';
import type { CreditActRow } from './credit-tables.ts';

/** What is told of acts of two persons (`credit-acts.ts`): to staff, and to customers. */

/** Acts that wait for a second person, oldest first; one by its number, whatever became of it. */
export const waitingActs = (sql: Sql): Promise<readonly CreditActRow[]> =>
  select(sql, CREDIT_ACTS, `state = 'asked' ORDER BY asked_ms, id LIMIT 200`, []);
export const actOf = async (sql: Sql, id: number): Promise<CreditActRow | null> =>
  (await select(sql, CREDIT_ACTS, 'id = $1', [id]))[0] ?? null;
/** What was done for an account or taken from it, newest first. */
export const actsOf = (sql: Sql, userNo: string): Promise<readonly CreditActRow[]> =>
  select(sql, CREDIT_ACTS, '(to_user = $1 OR from_user = $1) ORDER BY id DESC LIMIT 50', [userNo]);
/**
 * What counts since a China day. A move changes no payee's sum: that stands on the day of its
 * posting. A grant is nobody's money.
 */
export function actsOn(sql: Sql, date: string): Promise<readonly CreditActRow[]> {
  const fromMs = chinaDayMs(date);
  return select(
    sql,
    CREDIT_ACTS,
    `state = 'done' AND decided_ms >= $1 AND decided_ms < $2 ORDER BY decided_ms, id`,
    [fromMs, fromMs + DAY_MS],
  );
}

/** For so long the customer is told at the machine. */
const TOLD_MS = 90 * DAY_MS;
const MAX_TOLD = 3;

/** What the company corrected at an account lately, in what the customer is told: newest first. */
export async function correctionsOf(
  sql: Sql,
  userNo: string,
  nowMs: number,
): Promise<readonly Correction[]> {
  const acts = await select(
    sql,
    CREDIT_ACTS,
    `state = 'done' AND (to_user = $1 OR from_user = $1) AND decided_ms > $2
     ORDER BY decided_ms DESC, id DESC LIMIT ${MAX_TOLD}`,
    [userNo, nowMs - TOLD_MS],
  );
  return acts.map(({ kind, to_user, amount_fen: amountFen, decided_ms }) => ({
    what: kind === 'grant' ? 'granted' : to_user === userNo ? 'moved-in' : 'moved-out',
    amountFen,
    atMs: decided_ms ?? 0,
  }));
}

/** Of these orders those whose credit was moved, and not back again. */
export async function movedOrders(
  sql: Sql,
  orders: readonly { readonly orderId: string; readonly userNo: string | null }[],
): Promise<ReadonlySet<string>> {
  if (orders.length === 0) return new Set();
  const moves = await select(
    sql,
    CREDIT_ACTS,
    `order_id ${anyOf('$1')} AND kind = 'move' AND state = 'done' ORDER BY id`,
    [list(orders.map((o) => o.orderId))],
  );
  const stands = new Map(moves.map((m) => [m.order_id, m.to_user]));
  return new Set(
    orders.flatMap(({ orderId, userNo }) =>
      (stands.get(orderId) ?? userNo) === userNo ? [] : [orderId],
    ),
  );
}
