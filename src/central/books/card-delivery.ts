import { CLAIM_MS } from '../../shared/central-api/index.ts';
import {
  awaitsEcho,
  isCounterClaimed,
  isDelivered,
  isRefundClaimed,
  keptOf,
  writer,
} from '../sale/orders.ts';
import type { OrderRow } from '../sale/tables.ts';
import {
  add,
  dropClaims,
  enter,
  move,
  OnTheCard,
  orderOf,
  othersOrder,
  storable,
  TooEarly,
  Unusable,
} from './books.ts';
import type { Apply, Books, Place } from './books.ts';

/** The write begins: before, after and plan are what another kiosk could finish it by. */
export const orderDelivering: Apply<'order-delivering'> = (books, at, { orderId, body }) => {
  const order = orderOf(books, at, orderId);
  // Written down before another kiosk's report reached it: no news.
  if (awaitsEcho(order)) return;
  move(books, at, order, 'delivering');
  const { before, after, cumulative, plan } = body;
  books.orders.change(order.order_id, {
    before_image: before,
    after_image: after,
    cumulative,
    plan: storable(JSON.stringify(plan)),
  });
  markIfSuperseded(books, order);
  keepWriteClaim(books, order, at.nowMs);
};

/** What the card holds is not known. */
export const orderInDoubt: Apply<'order-in-doubt'> = (books, at, { orderId }) => {
  const order = orderOf(books, at, orderId);
  if (awaitsEcho(order)) return;
  move(books, at, order, 'in-doubt');
  markIfSuperseded(books, order);
  keepWriteClaim(books, order, at.nowMs);
};

/** What the order's own terminal says of its delivery; once another kiosk told it before, an echo. */
export const orderDelivered: Apply<'order-delivered'> = (books, at, { orderId, body }) => {
  const order = orderOf(books, at, orderId);
  if (awaitsEcho(order)) {
    checkDelivered(order, body);
    books.orders.change(order.order_id, { origin_delivered: true });
    return;
  }
  refuseAfterRefund(order);
  if (body.by === 'elsewhere' && !isDelivered(order))
    throw new TooEarly('delivered elsewhere, it says; no other kiosk has told so yet');
  deliver(books, at, order, body);
  books.orders.change(order.order_id, { origin_delivered: true });
};

/** What a card in another kiosk says of an order. */
export const assistEnded: Apply<'assist-ended'> = (books, at, fact) => {
  const order = othersOrder(books, fact);
  const { body } = fact;
  switch (body.verdict) {
    case 'before':
      // Told of an earlier claim, and overtaken by the asking for this one: what is written under
      // this one is not known yet.
      if (
        order.write_open === at.terminalId &&
        (order.write_open_ms === null || (body.claimMs ?? 0) >= order.write_open_ms)
      )
        books.orders.change(order.order_id, { write_open: null });
      return;
    case 'torn':
    case 'foreign':
      return;
    case 'superseded':
      // The card has moved on: whatever anybody wrote for this order is not on it.
      if (!isDelivered(order) && !isRefundClaimed(order))
        books.orders.change(order.order_id, { superseded_by: at.terminalId, write_open: null });
      return;
    case 'after': {
      checkDelivered(order, body);
      if (order.cumulative === null) throw unknownWrite(order);
      if (body.cumulative !== order.cumulative)
        throw new Unusable(
          `delivered cumulative ${body.cumulative}, the order’s is ${order.cumulative}`,
        );
      if (isDelivered(order)) return;
      refuseAfterRefund(order);
      try {
        deliver(books, at, order, body);
      } catch (cause) {
        throw cause instanceof Unusable
          ? new OnTheCard(`ON THE CARD, but the books cannot take it: ${cause.message}`)
          : cause;
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
  if (body.count !== order.next_count || body.quantity !== order.quantity)
    throw new Unusable(
      `delivered count ${body.count}, quantity ${body.quantity}; the order is ${order.next_count}, ${order.quantity}`,
    );
}

/**
 * The payment and the beginning of the write stand in the order's own journal, where they may yet
 * come.
 */
function unknownWrite(order: OrderRow): Unusable | TooEarly {
  refuseAfterRefund(order);
  const why = 'read on the card, but no write of it is known';
  return ['quoted', 'collecting', 'paid'].includes(order.state)
    ? new TooEarly(why)
    : new Unusable(why);
}

function refuseAfterRefund(order: OrderRow): void {
  if (isRefundClaimed(order))
    throw new Unusable(
      'DELIVERED AND REFUNDED: the purchase is on the card although a refund claim stands',
    );
}

/** The one way into the books for a delivery, whoever told it. */
function deliver(
  books: Books,
  at: Place,
  order: OrderRow,
  body: { readonly count: number; readonly quantity: number },
): void {
  if (!order.money_taken) throw new Unusable('delivered before it was paid');
  checkDelivered(order, body);
  refuseAfterRefund(order);
  const account = books.accounts.get(order.user_no);
  if (account === undefined) throw new Unusable('the account is gone');
  move(books, at, order, 'delivered');
  // Sold while a line was down: the purchase before it stands in another kiosk's journal.
  if (account.count < body.count - 1)
    throw new TooEarly(`the account’s count is ${account.count}, delivered was ${body.count}`);
  if (account.count !== body.count - 1)
    throw new Unusable(`the account’s count is ${account.count}, delivered was ${body.count}`);
  books.orders.change(order.order_id, { delivered_by: at.terminalId });
  // One count of a card is one purchase: another order that took money for it (sold while a line
  // was down) was not on the card, and never can be.
  for (const rival of books.rivals(order))
    if (
      rival.superseded_by === null &&
      rival.delivered_by === null &&
      ['paid', 'delivering', 'in-doubt'].includes(rival.state)
    )
      books.orders.change(rival.order_id, { superseded_by: at.terminalId });
  consumeReserve(books, at, order);
  const remainder = order.carried_after_micro;
  add(books, order.user_no, {
    count: 1,
    cumulative: body.quantity,
    year_quantity: body.quantity,
    carried_micro: remainder,
  });
  if (account.period_left_quantity !== null)
    books.accounts.change(order.user_no, {
      period_left_quantity: Math.max(account.period_left_quantity - body.quantity, 0),
    });
  enter(books, at, order, 'delivered', { amountFen: order.amount_fen, quantity: body.quantity });
  if (remainder > 0) enter(books, at, order, 'carried', { micro: remainder });
  dropClaims(books, order.order_id);
}

/** What was carried and reserved for the order is spent. */
function consumeReserve(books: Books, at: Place, order: OrderRow): void {
  const used = order.carried_used_micro;
  const reserve = books.reserves.get(order.order_id);
  if (used === 0) {
    if (reserve?.state === 'held' && reserve.micro === 0)
      books.reserves.change(order.order_id, { state: 'consumed' });
    return;
  }
  if (reserve === undefined) return takeUnreserved(books, at, order);
  if (reserve.state === 'consumed') throw new Unusable('its carried reserve was used before');
  // A reserve that was given back is taken again from what is free; where that is gone a person
  // settles it.
  if (reserve.state === 'released') add(books, order.user_no, { carried_micro: -used });
  books.reserves.change(order.order_id, { state: 'consumed' });
  enter(books, at, order, 'carried-used', { micro: -used });
}

/** Carried money whose quote was forgotten; it came with a delivery that may not be told yet. */
function takeUnreserved(books: Books, at: Place, order: OrderRow): void {
  const { order_id, user_no, carried_used_micro: used } = order;
  if ((books.accounts.get(user_no)?.carried_micro ?? 0) < used)
    throw new TooEarly('the carried money that it spends is not known yet');
  add(books, user_no, { carried_micro: -used });
  books.reserves.insert({ order_id, user_no, micro: used, state: 'consumed' });
  enter(books, at, order, 'carried-used', { micro: -used });
}

/**
 * The order's own terminal told that it is writing or in doubt: it has the card's story in hand and
 * keeps the write claim, unless somebody else has a claim.
 */
function keepWriteClaim(books: Books, order: OrderRow, nowMs: number): void {
  const holder = writer(order, nowMs);
  if (
    isRefundClaimed(order) ||
    isCounterClaimed(order) ||
    isDelivered(order) ||
    (holder !== null && holder !== order.terminal_id)
  )
    return;
  books.orders.change(order.order_id, {
    write_terminal: order.terminal_id,
    write_until_ms: nowMs + CLAIM_MS,
  });
}

/**
 * The count that this order was for is another order's, delivered: seen when the later of the two
 * is told.
 */
export function markIfSuperseded(books: Books, order: OrderRow): void {
  if (order.superseded_by !== null || isDelivered(order)) return;
  const by = books.rivals(order).find((o) => o.delivered_by !== null);
  if (by !== undefined) books.orders.change(order.order_id, { superseded_by: by.delivered_by });
}

/** What the order's own kiosk kept of its writes. */
export const orderKept: Apply<'order-kept'> = (books, at, { orderId, body }) =>
  keepRecord(books, orderOf(books, at, orderId), body.record);

/** So many writes of one order are kept, and so much of each: all travel with every claim. */
const MAX_KEPT = 16;
const MAX_KEPT_CHARS = 8_192;

/** With the order: whoever finishes it next judges the card by it. */
function keepRecord(books: Books, order: OrderRow, record: string): void {
  if (keptOf(order).length >= MAX_KEPT || record.length > MAX_KEPT_CHARS)
    throw new Unusable(`more of its writes than can be kept: ${MAX_KEPT}`);
  books.orders.change(order.order_id, { kept: JSON.stringify([...keptOf(order), record]) });
}

/** Another kiosk began to write for an order under its claim. */
export const assistWriting: Apply<'assist-writing'> = (books, at, fact) => {
  const order = othersOrder(books, fact);
  // Under a claim that stands no longer: it stays open until its end is told, whichever claim
  // that names.
  if (
    !isDelivered(order) &&
    at.terminalId !== order.terminal_id &&
    order.write_open !== at.terminalId
  )
    books.orders.change(order.order_id, { write_open: at.terminalId, write_open_ms: null });
};

/** What another kiosk kept of its writes for an order. */
export const assistKept: Apply<'assist-kept'> = (books, _at, fact) =>
  keepRecord(books, othersOrder(books, fact), fact.body.record);
