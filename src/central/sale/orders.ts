import type { OrderStatus } from '../../shared/central-api/index.ts';
import { isOrderRef } from '../../shared/order-id.ts';
import { anyOf, list, select } from '../db/sets.ts';
import type { Sql } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { METER_COMMANDS } from './credit-tables.ts';
import { movedOrders } from './credit-corrections.ts';
import { ORDERS } from './tables.ts';
import type { OrderRow } from './tables.ts';

/** The order, locked for the transaction. */
export async function lockOrder(tx: Sql, orderId: string): Promise<OrderRow | null> {
  return (await select(tx, ORDERS, 'order_id = $1 FOR NO KEY UPDATE', [orderId]))[0] ?? null;
}

/**
 * What was promised for the order, locked for the transaction, after the order itself: it is there
 * where the books do not have the order yet.
 */
export async function lockQuote(tx: Sql, orderId: string): Promise<void> {
  await tx.query('SELECT 1 FROM quotes WHERE order_id = $1 FOR NO KEY UPDATE', [orderId]);
}

/** The terminal that may write now; null: nobody. */
export function writer(order: OrderRow, nowMs: number): string | null {
  return order.write_terminal !== null && (order.write_until_ms ?? 0) > nowMs
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
  return order.counter_claim;
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
    !order.origin_delivered
  );
}

/** That it is on its card another kiosk than its own told. */
export function saidByAnother(order: OrderRow): boolean {
  return order.delivered_by !== null && order.delivered_by !== order.terminal_id;
}

/** What kiosks kept of its writes, oldest first. */
export function keptOf(o: OrderRow): readonly string[] {
  return o.kept === null ? [] : (JSON.parse(o.kept) as string[]);
}

/**
 * Orders under the digits of a slip: mostly one.
 *
 * @param meters a platform tells meters of top-ups
 */
export async function ordersByRef(
  sql: Sql,
  ref: string,
  meters: boolean,
): Promise<readonly OrderStatus[]> {
  if (!isOrderRef(ref)) throw new Refusal('bad-request', 'a reference has twelve digits');
  const rows = await select(sql, ORDERS, 'ref = $1 ORDER BY created_ms DESC, order_id LIMIT 20', [
    ref,
  ]);
  const confirmed = meters ? await metersTold(sql, rows) : new Map<string, boolean>();
  const moved = await movedOrders(
    sql,
    rows.flatMap((o) => (o.sale === 'credit' ? [{ orderId: o.order_id, userNo: o.user_no }] : [])),
  );
  return rows.map((o) => ({
    ...meterOf(confirmed.get(o.order_id)),
    orderId: o.order_id,
    terminalId: o.terminal_id,
    state: o.state,
    sale: o.sale === 'credit' ? 'credit' : 'card',
    amountFen: o.amount_fen,
    // What a credit order is for is its sum.
    quantity: o.sale === 'credit' ? o.amount_fen : o.quantity,
    unit: o.sale === 'credit' ? 'money' : (o.unit ?? 'volume'),
    ...(moved.has(o.order_id) ? { moved: true } : {}),
  }));
}

/** Of these orders those that a meter is told of, and whether it has confirmed them. */
async function metersTold(
  sql: Sql,
  rows: readonly OrderRow[],
): Promise<ReadonlyMap<string, boolean>> {
  const credited = rows.filter((o) => o.sale === 'credit').map((o) => o.order_id);
  if (credited.length === 0) return new Map();
  const told = await select(sql, METER_COMMANDS, `order_id ${anyOf('$1')}`, [list(credited)]);
  return new Map(told.map((c) => [c.order_id, c.state === 'done']));
}

const meterOf = (confirmed: boolean | undefined): Pick<OrderStatus, 'meter'> =>
  confirmed === undefined ? {} : { meter: confirmed ? 'confirmed' : 'on-the-way' };
