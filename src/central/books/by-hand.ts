import { isDelivered } from '../sale/orders.ts';
import type { OrderRow } from '../sale/tables.ts';
import { capturedBy, dropClaims, enter, giveBack, note, orderOf, Unusable } from './books.ts';
import type { Apply, Books, Place } from './books.ts';
import { refuseUnproven } from './evidence.ts';

/**
 * A technician settled parked money by hand. Money handed back is in the ledger like any refund:
 * once for each attempt.
 */
export const settledByHand: Apply<'parked-settled'> = (books, at, { orderId, body }) => {
  const order = orderOf(books, at, orderId);
  const captured = capturedBy(books, order);
  const ofOrder =
    order.state === 'parked' && (body.attemptId === null || body.attemptId === captured?.attemptId);
  const how = {
    'refunded-by-hand': '人工退款',
    'delivered-by-hand': '人工补气',
    'nothing-due': '无需处理',
  }[body.how];
  if (body.how === 'refunded-by-hand') {
    refuseUnproven(order);
    const ownMoney = body.attemptId === null || body.attemptId === captured?.attemptId;
    const money = ownMoney
      ? captured
      : (capturedBy(books, order, body.attemptId ?? undefined) ??
        foundByHand(books, at, order, body.attemptId, body.reference));
    // An order that took no money itself: what was handed back is entered with its attempt.
    const nothingTaken = body.attemptId === null && ofOrder && !order.money_taken;
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
      enter(books, at, order, 'refunded', {
        attemptId: money.attemptId,
        amountFen: money.amountFen,
        reference: body.reference,
      });
    if (ofOrder)
      books.orders.change(order.order_id, {
        refund_claimed_ms: order.refund_claimed_ms ?? at.nowMs,
        counter_claim: false,
      });
  }
  // The next count is free again: what was delivered by hand shows in the account, which staff set
  // right.
  if (ofOrder && body.how !== 'delivered-by-hand') giveBack(books, order.order_id);
  else if (ofOrder) dropClaims(books, order.order_id);
  note(books, order, `${how}（${body.who}）：${body.reference}；${body.why}`);
};

/**
 * An attempt that was parked before anything was known to be captured, and a person found its money
 * and handed it back: what was asked for is what was taken. Null: no such attempt was parked.
 */
function foundByHand(
  books: Books,
  at: Place,
  order: OrderRow,
  attemptId: string | null,
  reference: string,
): { attemptId: string; amountFen: number } | null {
  const parked = books.ledger
    .all()
    .some(
      (r) => r.order_id === order.order_id && r.attempt_id === attemptId && r.kind === 'parked',
    );
  if (attemptId === null || !parked) return null;
  const money = { attemptId, amountFen: order.amount_fen };
  enter(books, at, order, 'captured-extra', { ...money, reference });
  return money;
}
