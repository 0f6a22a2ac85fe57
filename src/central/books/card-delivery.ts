import { CLAIM_MS } from '../../shared/central-api/index.ts';
import { claimDigest } from '../../shared/grants.ts';
import { periodStart } from '../../shared/periods.ts';
import {
  awaitsEcho,
  isCounterClaimed,
  isDelivered,
  isRefundClaimed,
  keptOf,
  writer,
} from '../sale/orders.ts';
import type { AccountRow, OrderRow } from '../sale/tables.ts';
import { storable } from '../db/sql.ts';
import {
  add,
  countUse,
  dropClaims,
  enter,
  move,
  OnTheCard,
  orderOf,
  othersOrder,
  TooEarly,
  Unusable,
} from './books.ts';
import type { Apply, Assist, Books, Place } from './books.ts';
import { consumeReserve, keepRemainder } from './carried.ts';
import { refuseReturned } from './evidence.ts';
import { findOf } from './findings.ts';

/** @throws Unusable where nothing of the order is written to a card */
function cardOrder(books: Books, at: Place, orderId: string | null): OrderRow {
  const order = orderOf(books, at, orderId);
  if (order.sale !== 'card') throw new Unusable('the order is on no card');
  return order;
}

/** The write begins: before, after and plan are what another kiosk could finish it by. */
export const orderDelivering: Apply<'order-delivering'> = (books, at, { orderId, body }) => {
  const order = cardOrder(books, at, orderId);
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
  if (order.sale !== 'card') return;
  markIfSuperseded(books, order);
  keepWriteClaim(books, order, at.nowMs);
};

/** What the order's own terminal says of its delivery; once another kiosk told it before, an echo. */
export const orderDelivered: Apply<'order-delivered'> = (books, at, { orderId, body }) => {
  const order = cardOrder(books, at, orderId);
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

/**
 * Another terminal's order, of which only somebody tells who was granted its write: by central's
 * own token, or as central remembers.
 */
function claimedOrder(books: Books, at: Place, fact: Assist): OrderRow {
  const order = othersOrder(books, fact);
  const { terminalId } = at;
  if (order.write_terminal === terminalId || order.write_open === terminalId) return order;
  const digest = claimDigest(order.card_no);
  const what = { kind: 'write-claim', terminalId, orderId: order.order_id, digest } as const;
  if (at.trust.granted(fact.body.grant, what) === null)
    throw new Unusable('told of another terminal’s order without its write claim');
  return order;
}

/** What a card in another kiosk says of an order. */
export const assistEnded: Apply<'assist-ended'> = (books, at, fact) => {
  const order = claimedOrder(books, at, fact);
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
      if (isDelivered(order) || isRefundClaimed(order)) return;
      refuseUnsupported(books, order, body.tag);
      // The card has moved on: whatever anybody wrote for this order is not on it.
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

/**
 * Another purchase has this count only where one is known that was paid for, and by its tag: it may
 * yet be told by the kiosk that sold it.
 */
function refuseUnsupported(books: Books, order: OrderRow, tag: string | undefined): void {
  if (tag === undefined) throw new Unusable('superseded, it says, and not by which purchase');
  if (!books.rivals(order).some((o) => o.tag === tag && o.money_taken && !o.unproven))
    throw new TooEarly('superseded by a purchase that is not known yet');
}

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
  refuseReturned(books, order);
  const account = books.accounts.get(order.user_no);
  if (account === undefined) throw new Unusable('the account is gone');
  move(books, at, order, 'delivered');
  // Sold while a line was down: the purchase before it stands in another kiosk's journal.
  if (account.count < body.count - 1)
    throw new TooEarly(`the account’s count is ${account.count}, delivered was ${body.count}`);
  if (account.count !== body.count - 1)
    throw new Unusable(`the account’s count is ${account.count}, delivered was ${body.count}`);
  // Whoever may still have been writing has written, or is granted it anew.
  books.orders.change(order.order_id, {
    delivered_by: at.terminalId,
    write_terminal: null,
    write_until_ms: null,
  });
  // One count of a card is one purchase: another order that took money for it (sold while a line
  // was down) was not on the card, and never can be.
  for (const rival of books.rivals(order))
    if (
      rival.superseded_by === null &&
      rival.delivered_by === null &&
      ['paid', 'delivering', 'in-doubt'].includes(rival.state)
    )
      books.orders.change(rival.order_id, { superseded_by: at.terminalId });
  // A count moves by a terminal's word, so that no customer is locked out; money does not.
  if (!order.unproven) consumeReserve(books, at, order);
  add(books, order.user_no, {
    count: 1,
    cumulative: body.quantity,
  });
  findOf(books, at, order, account, countSold(books, order, account));
  enter(books, at, order, 'delivered', { amountFen: order.amount_fen, quantity: body.quantity });
  if (!order.unproven) keepRemainder(books, at, order);
  dropClaims(books, order.order_id);
}

/**
 * Into the year and the limit's period that it was sold in.
 *
 * @returns what was bought in that period, with it; null: there is no limit
 */
function countSold(books: Books, order: OrderRow, account: AccountRow): number | null {
  const { user_no, quantity } = order;
  countUse(books, { user_no, counter: 'year', start_ms: order.year_start_ms, quantity });
  if (account.limit_quantity === null) return null;
  const start_ms = periodStart(account.limit_every, order.as_of_ms);
  return countUse(books, { user_no, counter: 'limit', start_ms, quantity });
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
  keepRecord(books, cardOrder(books, at, orderId), body.record);

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
  const order = claimedOrder(books, at, fact);
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
export const assistKept: Apply<'assist-kept'> = (books, at, fact) =>
  keepRecord(books, claimedOrder(books, at, fact), fact.body.record);
