import type { Account } from '../../shared/central-api/index.ts';
import type { OrderState } from '../../shared/order-rules.ts';
import type { TariffTier } from '../../shared/money.ts';
import { num, numOrNull } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';

interface AccountRow {
  user_no: string;
  holder_name: string;
  meter_no: string;
  kind: Account['kind'];
  unit: Account['unit'];
  state: Account['state'];
  count: unknown;
  cumulative: unknown;
  year_quantity: unknown;
  carried_micro: unknown;
  ceiling_quantity: unknown;
  per_purchase_quantity: unknown;
  period_left_quantity: unknown;
  tariff_id: string;
  tariff_version: unknown;
  tiers: string;
}
export interface ClaimRow {
  card_no: string;
  next_count: unknown;
  order_id: string;
  terminal_id: string;
  expires_ms: unknown;
  /** The order's state as far as its terminal has told; null: only quoted. */
  state: OrderState | null;
}

/**
 * The account behind a card, locked for the transaction where `lock` is set; its claim only while
 * it holds.
 */
export async function accountByCard(
  sql: Sql,
  cardNo: string,
  nowMs: number,
  lock: boolean,
): Promise<Account | null> {
  const rows = await sql.query<AccountRow>(
    `SELECT a.*,
     (SELECT tiers FROM tariffs t WHERE t.tariff_id = a.tariff_id
     AND t.version = a.tariff_version) AS tiers FROM accounts a
     WHERE a.user_no = (SELECT user_no FROM cards
     WHERE card_no = $1)${lock ? ' FOR UPDATE OF a' : ''}`,
    [cardNo],
  );
  const r = rows[0];
  if (r === undefined) return null;
  const claim = await liveClaim(sql, cardNo, nowMs);
  return {
    cardNo,
    userNo: r.user_no,
    holderName: r.holder_name,
    meterNo: r.meter_no,
    kind: r.kind,
    unit: r.unit,
    state: r.state,
    count: num(r.count),
    cumulative: num(r.cumulative),
    yearQuantity: num(r.year_quantity),
    carriedMicro: num(r.carried_micro),
    ceilingQuantity: num(r.ceiling_quantity),
    perPurchaseQuantity: numOrNull(r.per_purchase_quantity),
    periodLeftQuantity: numOrNull(r.period_left_quantity),
    tariff: {
      tariffId: r.tariff_id,
      version: num(r.tariff_version),
      tiers: JSON.parse(r.tiers) as TariffTier[],
    },
    claim:
      claim === null
        ? null
        : {
            orderId: claim.order_id,
            terminalId: claim.terminal_id,
            nextCount: num(claim.next_count),
            state: claim.state,
          },
  };
}

export async function liveClaim(sql: Sql, cardNo: string, nowMs: number): Promise<ClaimRow | null> {
  const rows = await sql.query<ClaimRow>(
    `SELECT c.*, (SELECT state FROM orders o WHERE o.order_id = c.order_id) AS state FROM claims c
     WHERE c.card_no = $1 AND (c.expires_ms IS NULL OR c.expires_ms > $2)`,
    [cardNo, nowMs],
  );
  return rows[0] ?? null;
}

/**
 * Takes or renews the claim for an order, over nothing or over a claim that ran out.
 *
 * @returns the holder when another order has it
 */
export async function takeClaim(
  sql: Sql,
  claim: {
    cardNo: string;
    nextCount: number;
    orderId: string;
    terminalId: string;
    expiresMs: number | null;
  },
  nowMs: number,
): Promise<ClaimRow | null> {
  const held = await liveClaim(sql, claim.cardNo, nowMs);
  if (held !== null && held.order_id !== claim.orderId) return held;
  await sql.query(
    `INSERT INTO claims (card_no, next_count, order_id, terminal_id, expires_ms)
       VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (card_no) DO UPDATE SET next_count = EXCLUDED.next_count,
       order_id = EXCLUDED.order_id, terminal_id = EXCLUDED.terminal_id,
       expires_ms = EXCLUDED.expires_ms`,
    [claim.cardNo, claim.nextCount, claim.orderId, claim.terminalId, claim.expiresMs],
  );
  return null;
}

/** Gives claim and reserve of an order back; again and again does nothing more. */
export async function giveBack(sql: Sql, orderId: string): Promise<void> {
  await sql.query('DELETE FROM claims WHERE order_id = $1', [orderId]);
  const reserve = (
    await sql.query<{ user_no: string; micro: unknown }>(
      `UPDATE reserves SET state = 'released' WHERE order_id = $1 AND state = 'held'
       RETURNING user_no, micro`,
      [orderId],
    )
  )[0];
  if (reserve !== undefined)
    await sql.query('UPDATE accounts SET carried_micro = carried_micro + $2 WHERE user_no = $1', [
      reserve.user_no,
      reserve.micro,
    ]);
}
