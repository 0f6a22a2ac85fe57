import { bool, num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { keepWriteClaim } from '../sale/claims.ts';
import { awaitsEcho, isDelivered, isRefundClaimed, keptOf } from '../sale/orders.ts';
import type { OrderRow } from '../sale/orders.ts';
import {
  anyOrder,
  enter,
  move,
  orderOf,
  OnTheCard,
  storable,
  Unusable,
  unusableReason,
} from './books.ts';
import type { Apply, Place } from './books.ts';

/** The write begins: before, after and plan are what another kiosk could finish it by. */
export const orderDelivering: Apply<'order-delivering'> = async (tx, at, { orderId, body }) => {
  const order = await orderOf(tx, at, orderId);
  // Written down before another kiosk's report reached it: no news.
  if (awaitsEcho(order)) return;
  await move(tx, at, order, 'delivering');
  const { before, after, cumulative, plan } = body;
  await tx.query(
    `UPDATE orders SET before_image = $2, after_image = $3, cumulative = $4, plan = $5
     WHERE order_id = $1`,
    [order.order_id, before, after, cumulative, storable(JSON.stringify(plan))],
  );
  await markIfSuperseded(tx, order);
  return keepWriteClaim(tx, order, at.nowMs);
};

/** What the card holds is not known. */
export const orderInDoubt: Apply<'order-in-doubt'> = async (tx, at, { orderId }) => {
  const order = await orderOf(tx, at, orderId);
  if (awaitsEcho(order)) return;
  await move(tx, at, order, 'in-doubt');
  await markIfSuperseded(tx, order);
  return keepWriteClaim(tx, order, at.nowMs);
};

/** What the order's own terminal says of its delivery; once another kiosk told it before, an echo. */
export const orderDelivered: Apply<'order-delivered'> = async (tx, at, { orderId, body }) => {
  const order = await orderOf(tx, at, orderId);
  if (awaitsEcho(order)) {
    checkDelivered(order, body);
    await tx.query('UPDATE orders SET origin_delivered = true WHERE order_id = $1', [
      order.order_id,
    ]);
    return;
  }
  if (body.by === 'elsewhere' && !isDelivered(order))
    throw new Unusable('delivered elsewhere, it says, but no other kiosk told so');
  await deliver(tx, at, order, body);
  await tx.query('UPDATE orders SET origin_delivered = true WHERE order_id = $1', [order.order_id]);
};

/** What a card in another kiosk says of an order. */
export const assistEnded: Apply<'assist-ended'> = async (tx, at, { orderId, body }) => {
  const order = await anyOrder(tx, orderId);
  if (body.origin !== order.terminal_id || body.cardNo !== order.card_no)
    throw new Unusable(
      `told of terminal ${body.origin}, card ${body.cardNo}; the order is terminal ${order.terminal_id}’s, card ${order.card_no}`,
    );
  switch (body.verdict) {
    case 'before':
      // Told of an earlier claim, and overtaken by the asking for this one: what is written under
      // this one is not known yet.
      if (
        order.write_open === at.terminalId &&
        (order.write_open_ms === null || (body.claimMs ?? 0) >= num(order.write_open_ms))
      )
        await tx.query('UPDATE orders SET write_open = NULL WHERE order_id = $1', [order.order_id]);
      return;
    case 'torn':
    case 'foreign':
      return;
    case 'superseded':
      // The card has moved on: whatever anybody wrote for this order is not on it.
      if (!isDelivered(order) && !isRefundClaimed(order))
        await tx.query(
          'UPDATE orders SET superseded_by = $2, write_open = NULL WHERE order_id = $1',
          [order.order_id, at.terminalId],
        );
      return;
    case 'after': {
      checkDelivered(order, body);
      if (order.cumulative === null || body.cumulative !== num(order.cumulative))
        throw new Unusable(
          `delivered cumulative ${body.cumulative}, the order’s is ${
            order.cumulative === null ? 'not known' : num(order.cumulative)
          }`,
        );
      if (isDelivered(order)) return;
      refuseAfterRefund(order);
      if (!bool(order.money_taken)) throw new Unusable('delivered before it was paid');
      try {
        await deliver(tx, at, order, body);
      } catch (cause) {
        const reason = unusableReason(cause);
        throw reason === null
          ? cause
          : new OnTheCard(`ON THE CARD, but the books cannot take it: ${reason}`);
      }
      return;
    }
    default:
      return body.verdict satisfies never;
  }
};

function checkDelivered(
  order: OrderRow,
  body: { readonly count: number; readonly quantity: number },
): void {
  if (body.count !== num(order.next_count) || body.quantity !== num(order.quantity))
    throw new Unusable(
      `delivered count ${body.count}, quantity ${body.quantity}; the order is ${num(order.next_count)}, ${num(order.quantity)}`,
    );
}

function refuseAfterRefund(order: OrderRow): void {
  if (isRefundClaimed(order))
    throw new Unusable(
      'DELIVERED AND REFUNDED: the purchase is on the card although a refund claim stands',
    );
}

/** The one way into the books for a delivery, whoever told it. */
async function deliver(
  tx: Sql,
  at: Place,
  order: OrderRow,
  body: { readonly count: number; readonly quantity: number },
): Promise<void> {
  if (!bool(order.money_taken)) throw new Unusable('delivered before it was paid');
  checkDelivered(order, body);
  refuseAfterRefund(order);
  const account = (
    await tx.query<{ count: unknown }>('SELECT count FROM accounts WHERE user_no = $1 FOR UPDATE', [
      order.user_no,
    ])
  )[0];
  if (account === undefined) throw new Unusable('the account is gone');
  if (num(account.count) !== body.count - 1)
    throw new Unusable(`the account’s count is ${num(account.count)}, delivered was ${body.count}`);
  await move(tx, at, order, 'delivered');
  await tx.query('UPDATE orders SET delivered_by = $2 WHERE order_id = $1', [
    order.order_id,
    at.terminalId,
  ]);
  // One count of a card is one purchase: another order that took money for it (sold while a line
  // was down) was not on the card, and never can be.
  await tx.query(
    `UPDATE orders SET superseded_by = $4
     WHERE card_no = $1 AND next_count = $2 AND order_id <> $3 AND superseded_by IS NULL
       AND delivered_by IS NULL AND state IN ('paid', 'delivering', 'in-doubt')`,
    [order.card_no, num(order.next_count), order.order_id, at.terminalId],
  );
  await consumeReserve(tx, at, order);
  const remainder = num(order.carried_after_micro);
  await tx.query(
    `UPDATE accounts SET count = count + 1, cumulative = cumulative + $2,
       year_quantity = year_quantity + $2, carried_micro = carried_micro + $3,
       period_left_quantity = CASE WHEN period_left_quantity IS NULL THEN NULL
         ELSE GREATEST(period_left_quantity - $2, 0) END
     WHERE user_no = $1`,
    [order.user_no, body.quantity, remainder],
  );
  await enter(tx, at, order, 'delivered', {
    amountFen: num(order.amount_fen),
    quantity: body.quantity,
  });
  if (remainder > 0) await enter(tx, at, order, 'carried', { micro: remainder });
  await tx.query('DELETE FROM claims WHERE order_id = $1', [order.order_id]);
}

/** What was carried and reserved for the order is spent. */
async function consumeReserve(tx: Sql, at: Place, order: OrderRow): Promise<void> {
  const used = num(order.carried_used_micro);
  if (used > 0) {
    // A reserve that was given back is taken again from what is free; where that is gone the check
    // on the account refuses, and a person settles it.
    await tx.query(
      `UPDATE accounts SET carried_micro = carried_micro - $3
       WHERE user_no = $2
         AND EXISTS (SELECT 1 FROM reserves WHERE order_id = $1 AND state = 'released')`,
      [order.order_id, order.user_no, used],
    );
    const consumed = await tx.query(
      `UPDATE reserves SET state = 'consumed'
       WHERE order_id = $1 AND state <> 'consumed' RETURNING micro`,
      [order.order_id],
    );
    if (consumed.length !== 1) throw new Unusable('its carried reserve was used before');
    await enter(tx, at, order, 'carried-used', { micro: -used });
  } else {
    await tx.query(
      `UPDATE reserves SET state = 'consumed'
       WHERE order_id = $1 AND state = 'held' AND micro = 0`,
      [order.order_id],
    );
  }
}

/**
 * The count that this order was for is another order's, delivered: seen when the later of the two
 * is told.
 */
export async function markIfSuperseded(tx: Sql, order: OrderRow): Promise<void> {
  if (order.superseded_by !== null || isDelivered(order)) return;
  const by = (
    await tx.query<{ delivered_by: string }>(
      `SELECT delivered_by FROM orders
       WHERE card_no = $1 AND next_count = $2 AND order_id <> $3 AND delivered_by IS NOT NULL
       LIMIT 1`,
      [order.card_no, num(order.next_count), order.order_id],
    )
  )[0];
  if (by !== undefined)
    await tx.query('UPDATE orders SET superseded_by = $2 WHERE order_id = $1', [
      order.order_id,
      by.delivered_by,
    ]);
}

/** What the order's own kiosk kept of its writes. */
export const orderKept: Apply<'order-kept'> = async (tx, at, { orderId, body }) =>
  keepRecord(tx, await orderOf(tx, at, orderId), body.record);

/** With the order: whoever finishes it next judges the card by it. */
async function keepRecord(tx: Sql, order: OrderRow, record: string): Promise<void> {
  await tx.query('UPDATE orders SET kept = $2 WHERE order_id = $1', [
    order.order_id,
    JSON.stringify([...keptOf(order), record]),
  ]);
}

/** Another kiosk began to write for an order under its claim. */
export const assistWriting: Apply<'assist-writing'> = async (tx, at, { orderId }) => {
  const order = await anyOrder(tx, orderId);
  // Under a claim that stands no longer: it stays open until its end is told, whichever claim
  // that names.
  if (
    !isDelivered(order) &&
    at.terminalId !== order.terminal_id &&
    order.write_open !== at.terminalId
  )
    await tx.query('UPDATE orders SET write_open = $2, write_open_ms = NULL WHERE order_id = $1', [
      order.order_id,
      at.terminalId,
    ]);
};

/** What another kiosk kept of its writes for an order. */
export const assistKept: Apply<'assist-kept'> = async (tx, _at, { orderId, body }) => {
  const order = await anyOrder(tx, orderId);
  if (body.origin !== order.terminal_id || body.cardNo !== order.card_no)
    throw new Unusable('kept of another order');
  return keepRecord(tx, order, body.record);
};
