import type { ClaimedOrder, OrderStatus } from '../../shared/central-api/index.ts';
import { isOrderRef } from '../../shared/order-id.ts';
import type { OrderState } from '../../shared/order-rules.ts';
import { bool, num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';

/** One order as central's books have it. */
export interface OrderRow {
  readonly order_id: string;
  readonly terminal_id: string;
  readonly card_no: string;
  readonly user_no: string;
  readonly next_count: unknown;
  readonly amount_fen: unknown;
  readonly quantity: unknown;
  readonly carried_used_micro: unknown;
  readonly carried_after_micro: unknown;
  readonly tag: string;
  readonly state: OrderState;
  readonly money_taken: unknown;
  readonly layout: string | null;
  readonly unit: ClaimedOrder['unit'] | null;
  readonly before_image: string | null;
  readonly after_image: string | null;
  readonly cumulative: unknown;
  readonly plan: string | null;
  /** JSON: what kiosks kept of its writes; null: nothing. */
  readonly kept: string | null;
  readonly write_terminal: string | null;
  readonly write_until_ms: unknown;
  readonly write_open: string | null;
  readonly write_open_ms: unknown;
  readonly refund_claimed_ms: unknown;
  /** The claim in `refund_claimed_ms` is a counter claim, and no refund followed it. */
  readonly counter_claim: unknown;
  readonly delivered_by: string | null;
  readonly origin_delivered: unknown;
  readonly superseded_by: string | null;
}

/** The order, locked for the transaction. */
export async function lockOrder(tx: Sql, orderId: string): Promise<OrderRow | null> {
  return (
    (
      await tx.query<OrderRow>('SELECT * FROM orders WHERE order_id = $1 FOR UPDATE', [orderId])
    )[0] ?? null
  );
}

/** The terminal that may write now; null: nobody. */
export function writer(order: OrderRow, nowMs: number): string | null {
  return order.write_terminal !== null && num(order.write_until_ms) > nowMs
    ? order.write_terminal
    : null;
}

/**
 * A refund claim was granted, the order's terminal began a refund by itself, or a person handed the
 * money back: nothing may be written any more, and what is on the card is not sold.
 */
export function isRefundClaimed(order: OrderRow): boolean {
  return (
    (order.refund_claimed_ms !== null && !isCounterClaimed(order)) ||
    order.state === 'refunding' ||
    order.state === 'refunded'
  );
}

/**
 * Its card will not come back and a person decides: nothing may be written any more, but whether it
 * was written is not known.
 */
export function isCounterClaimed(order: OrderRow): boolean {
  return bool(order.counter_claim);
}

/** In the books, or told by another kiosk that read it on the card. */
export function isDelivered(order: OrderRow): boolean {
  return order.state === 'delivered' || order.delivered_by !== null;
}

/** Another kiosk told of the delivery, and the order's own journal does not have it yet. */
export function awaitsEcho(order: OrderRow): boolean {
  return (
    order.delivered_by !== null &&
    order.delivered_by !== order.terminal_id &&
    !bool(order.origin_delivered)
  );
}

/** What kiosks kept of its writes, oldest first. */
export function keptOf(o: OrderRow): readonly string[] {
  return o.kept === null ? [] : (JSON.parse(o.kept) as string[]);
}

/** Orders under the digits of a slip: mostly one. */
export async function ordersByRef(sql: Sql, ref: string): Promise<readonly OrderStatus[]> {
  if (!isOrderRef(ref)) throw new Refusal('bad-request', 'a reference has twelve digits');
  const rows = await sql.query<OrderRow>(
    'SELECT * FROM orders WHERE ref = $1 ORDER BY created_ms DESC, order_id LIMIT 20',
    [ref],
  );
  return rows.map((o) => ({
    orderId: o.order_id,
    terminalId: o.terminal_id,
    state: o.state,
    amountFen: num(o.amount_fen),
    quantity: num(o.quantity),
    unit: o.unit ?? 'volume',
  }));
}
