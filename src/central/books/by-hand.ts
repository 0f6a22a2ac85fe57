import { bool, num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { giveBack } from '../sale/accounts.ts';
import { isDelivered } from '../sale/orders.ts';
import type { OrderRow } from '../sale/orders.ts';
import { capturedBy, enter, note, orderOf, Unusable } from './books.ts';
import type { Apply, Place } from './books.ts';

/**
 * A technician settled parked money by hand. Money handed back is in the ledger like any refund:
 * once for each attempt.
 */
export const settledByHand: Apply<'parked-settled'> = async (tx, at, { orderId, body }) => {
  const order = await orderOf(tx, at, orderId);
  const captured = await capturedBy(tx, order);
  const ofOrder =
    order.state === 'parked' && (body.attemptId === null || body.attemptId === captured?.attemptId);
  const how = {
    'refunded-by-hand': '人工退款',
    'delivered-by-hand': '人工补气',
    'nothing-due': '无需处理',
  }[body.how];
  if (body.how === 'refunded-by-hand') {
    const ownMoney = body.attemptId === null || body.attemptId === captured?.attemptId;
    const money = ownMoney
      ? captured
      : ((await capturedBy(tx, order, body.attemptId ?? undefined)) ??
        (await foundByHand(tx, at, order, body.attemptId, body.reference)));
    // An order that took no money itself: what was handed back is entered with its attempt.
    const nothingTaken = body.attemptId === null && ofOrder && !bool(order.money_taken);
    if (money === null && !nothingTaken)
      throw new Unusable('refunded by hand, but no such money stands in the books');
    if (
      (ofOrder || (captured !== null && money?.attemptId === captured.attemptId)) &&
      isDelivered(order)
    )
      throw new Unusable(
        'REFUNDED AND DELIVERED: refunded by hand although the purchase is on the card',
      );
    if (money !== null)
      await enter(tx, at, order, 'refunded', {
        attemptId: money.attemptId,
        amountFen: money.amountFen,
        reference: body.reference,
      });
    if (ofOrder)
      await tx.query(
        `UPDATE orders SET refund_claimed_ms = COALESCE(refund_claimed_ms, $2), counter_claim = false
         WHERE order_id = $1`,
        [order.order_id, at.nowMs],
      );
  }
  // The next count is free again: what was delivered by hand shows in the account, which staff set
  // right.
  if (ofOrder && body.how !== 'delivered-by-hand') await giveBack(tx, order.order_id);
  else if (ofOrder) await tx.query('DELETE FROM claims WHERE order_id = $1', [order.order_id]);
  await note(tx, order, `${how}（${body.who}）：${body.reference}；${body.why}`);
};

/**
 * An attempt that was parked before anything was known to be captured, and a person found its money
 * and handed it back: what was asked for is what was taken. Null: no such attempt was parked.
 */
async function foundByHand(
  tx: Sql,
  at: Place,
  order: OrderRow,
  attemptId: string | null,
  reference: string,
): Promise<{ attemptId: string; amountFen: number } | null> {
  if (
    attemptId === null ||
    (
      await tx.query(
        `SELECT 1 FROM ledger
         WHERE order_id = $1 AND attempt_id = $2 AND kind = 'parked'`,
        [order.order_id, attemptId],
      )
    ).length === 0
  )
    return null;
  const money = { attemptId, amountFen: num(order.amount_fen) };
  await enter(tx, at, order, 'captured-extra', { ...money, reference });
  return money;
}
