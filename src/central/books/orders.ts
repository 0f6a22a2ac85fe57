import type { EventBody } from '../../shared/facts/catalogue.ts';
import { MICRO_PER_FEN } from '../../shared/money.ts';
import { orderRefDigits } from '../../shared/order-id.ts';
import { bool, num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { giveBack, takeClaim } from '../sale/accounts.ts';
import { awaitsEcho, isDelivered, writer } from '../sale/orders.ts';
import type { OrderRow } from '../sale/orders.ts';
import { QUOTE_CLAIM_MS } from '../sale/quotes.ts';
import { capturedBy, enter, move, note, orderOf, requireId, storable, Unusable } from './books.ts';
import type { Apply, Place } from './books.ts';
import { markIfSuperseded } from './card-delivery.ts';

/** A sale to a card begins. */
export const orderQuoted: Apply<'order-quoted'> = async (tx, at, fact) => {
  const orderId = requireId(fact.orderId);
  const { body } = fact;
  refuseBadSums(body);
  const card = (
    await tx.query<{ user_no: string }>('SELECT user_no FROM cards WHERE card_no = $1', [
      body.cardNo,
    ])
  )[0];
  if (card === undefined) throw new Unusable(`no account has card ${body.cardNo}`);
  if (card.user_no !== body.userNo) throw new Unusable('the card belongs to another user');
  if (body.carriedUsedMicro > 0) {
    const reserve = (
      await tx.query<{ micro: unknown }>(
        `SELECT micro FROM reserves WHERE order_id = $1 AND user_no = $2`,
        [orderId, card.user_no],
      )
    )[0];
    if (reserve === undefined || num(reserve.micro) !== body.carriedUsedMicro)
      throw new Unusable('no reserve of that size stands behind the carried money');
  }
  await tx.query(
    `INSERT INTO orders (order_id, terminal_id, card_no, user_no, next_count, amount_fen, quantity,
       carried_used_micro, carried_after_micro, offline, tag, state, created_ms, changed_ms, ref,
       layout, unit)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'quoted', $12, $12, $13, $14, $15)`,
    [
      orderId,
      at.terminalId,
      body.cardNo,
      body.userNo,
      body.nextCount,
      body.amountFen,
      body.quantity,
      body.carriedUsedMicro,
      body.carriedAfterMicro,
      body.offline,
      body.tag,
      at.wallMs,
      orderRefDigits(orderId),
      storable(body.layout),
      body.unit,
    ],
  );
  if (body.offline) {
    const holder = await takeClaim(
      tx,
      {
        cardNo: body.cardNo,
        nextCount: body.nextCount,
        orderId,
        terminalId: at.terminalId,
        expiresMs: at.nowMs + QUOTE_CLAIM_MS,
      },
      at.nowMs,
    );
    if (holder !== null)
      await tx.query('UPDATE orders SET note = $2 WHERE order_id = $1', [
        orderId,
        `离线成交时次数已被订单 ${holder.order_id} 占用`,
      ]);
  }
};

/** The sale's own arithmetic, which anybody can check. */
function refuseBadSums(body: EventBody<'order-quoted'>): void {
  const cost = body.shares.reduce((sum, s) => sum + s.costMicro, 0);
  const bought = body.shares.reduce((sum, s) => sum + s.quantity, 0);
  if (bought !== body.quantity) throw new Unusable('the shares do not add up to the quantity');
  if (body.shares.some((s) => s.costMicro !== s.priceE4 * s.quantity))
    throw new Unusable('a share’s cost is not price × quantity');
  if (body.amountFen * MICRO_PER_FEN + body.carriedUsedMicro - cost !== body.carriedAfterMicro)
    throw new Unusable('amount + carried − cost is not the remainder');
  if (body.offline && body.carriedUsedMicro !== 0)
    throw new Unusable('carried money is never spent offline');
}

/** Money is asked for. */
export const attemptCreating: Apply<'attempt-creating'> = async (tx, at, { orderId }) => {
  const order = await orderOf(tx, at, orderId);
  if (order.state === 'quoted') await move(tx, at, order, 'collecting');
};

/** Money was captured. */
export const attemptPaid: Apply<'attempt-paid'> = async (tx, at, { orderId, body }) => {
  const order = await orderOf(tx, at, orderId);
  // A taken one is entered by order-paid, which follows it in the same journal transaction.
  if (!body.taken)
    await enter(tx, at, order, 'captured-extra', {
      attemptId: body.attemptId,
      amountFen: body.amountFen,
      reference: body.transactionId,
    });
};

/** Money went back. */
export const attemptRefunded: Apply<'attempt-refunded'> = async (tx, at, { orderId, body }) => {
  const order = await orderOf(tx, at, orderId);
  await enter(tx, at, order, 'refunded', {
    attemptId: body.attemptId,
    amountFen: body.amountFen,
    reference: body.refundId,
  });
};

/** Money, or the question whether there is any, is left to a person. */
export const attemptParked: Apply<'attempt-parked'> = async (tx, at, { orderId, body }) => {
  const order = await orderOf(tx, at, orderId);
  const { attemptId, amountFen } = body;
  // Another sum than the order's: captured all the same, and a person will hand it back.
  if (amountFen !== undefined && (await capturedBy(tx, order, attemptId)) === null)
    await enter(tx, at, order, 'captured-extra', {
      attemptId,
      amountFen,
      reference: body.reason,
    });
  await enter(tx, at, order, 'parked', { attemptId, reference: body.reason });
  await note(tx, order, `付款 ${body.attemptId} 已挂起：${body.reason}`);
};

/** A refund that was parked begins again. */
export const refundRetried: Apply<'attempt-refund-retried'> = async (tx, at, { orderId, body }) => {
  const order = await orderOf(tx, at, orderId);
  if (order.state === 'parked' && (await capturedBy(tx, order))?.attemptId === body.attemptId)
    await refunding(tx, at, order);
};

/** The order has its money; its count is its own until its end. */
export const orderPaid: Apply<'order-paid'> = async (tx, at, { orderId, body }) => {
  const order = await orderOf(tx, at, orderId);
  if (body.amountFen !== num(order.amount_fen))
    throw new Unusable(`paid ${body.amountFen} fen, the order is ${num(order.amount_fen)}`);
  await move(tx, at, order, 'paid');
  await tx.query('UPDATE orders SET money_taken = true WHERE order_id = $1', [order.order_id]);
  await enter(tx, at, order, 'captured', {
    attemptId: body.attemptId,
    amountFen: body.amountFen,
  });
  const holder = await takeClaim(
    tx,
    {
      cardNo: order.card_no,
      nextCount: num(order.next_count),
      orderId: order.order_id,
      terminalId: at.terminalId,
      expiresMs: null,
    },
    at.nowMs,
  );
  // Both took money for one count (offline sales): both stand in the books, and a person sees
  // it here.
  if (holder !== null) await note(tx, order, `次数已被订单 ${holder.order_id} 占用`);
  return markIfSuperseded(tx, order);
};

/** It ended without money. */
export const orderClosed: Apply<'order-closed'> = async (tx, at, { orderId }) => {
  const order = await orderOf(tx, at, orderId);
  if (bool(order.money_taken)) throw new Unusable('closed although it took money');
  await move(tx, at, order, 'closed');
  await giveBack(tx, order.order_id);
};

/** Its money goes back. */
export const orderRefunding: Apply<'order-refunding'> = async (tx, at, { orderId }) =>
  refunding(tx, at, await orderOf(tx, at, orderId));

/** Its money went back. */
export const orderRefunded: Apply<'order-refunded'> = async (tx, at, { orderId }) => {
  const order = await orderOf(tx, at, orderId);
  await move(tx, at, order, 'refunded');
  await giveBack(tx, order.order_id);
};

/** It is left to a person. */
export const orderParked: Apply<'order-parked'> = async (tx, at, { orderId, body }) => {
  const order = await orderOf(tx, at, orderId);
  if (awaitsEcho(order)) return;
  await move(tx, at, order, 'parked');
  await note(tx, order, `${body.reason}；${body.nextStep}`);
};

/**
 * From here on nothing may be written for the order, whether the terminal asked for the refund
 * claim or was certain without.
 */
async function refunding(tx: Sql, at: Place, order: OrderRow): Promise<void> {
  if (isDelivered(order))
    throw new Unusable(
      'REFUNDED AND DELIVERED: refunding began although the purchase is on the card',
    );
  await move(tx, at, order, 'refunding');
  const holder = writer(order, at.nowMs);
  if (holder !== null && holder !== order.terminal_id)
    await note(tx, order, `开始退款时终端 ${holder} 持有写卡授权`);
  // A counter claim ends here: the terminal read the card as unwritten while it stood.
  await tx.query(
    `UPDATE orders SET refund_claimed_ms = COALESCE(refund_claimed_ms, $2), counter_claim = false
     WHERE order_id = $1`,
    [order.order_id, at.nowMs],
  );
}
