import type { Quote } from '../../shared/central-api/index.ts';
import type { EventBody } from '../../shared/facts/catalogue.ts';
import { claimDigest, quoteDigest, termsText } from '../../shared/grants.ts';
import { MICRO_PER_FEN } from '../../shared/money.ts';
import { otherHolder } from '../sale/accounts.ts';
import { awaitsEcho, isDelivered, writer } from '../sale/orders.ts';
import { pricedMs, QUOTE_CLAIM_MS } from '../sale/quotes.ts';
import type { ClaimRow, OrderRow } from '../sale/tables.ts';
import { storable } from '../db/sql.ts';
import { capturedBy, enter, giveBack, move, note, orderOf, requireId, Unusable } from './books.ts';
import type { Apply, Books, Place } from './books.ts';
import { markIfSuperseded } from './card-delivery.ts';
import { takeVoid } from './credit-delivery.ts';
import { takeEvidence, takeMoney } from './evidence.ts';
import { judgeOffline, yearStartOf } from './offline-sales.ts';
import type { Judged } from './offline-sales.ts';
import { untouched } from './new-order.ts';
import { endUnpaid, refuseCredited } from './postings.ts';

/** A sale to a card begins. */
export const orderQuoted: Apply<'order-quoted'> = (books, at, fact) => {
  const orderId = requireId(fact.orderId);
  const { body } = fact;
  refuseBadSums(body);
  const userNo = books.cards.get(body.cardNo);
  if (userNo === undefined) throw new Unusable(`no account has card ${body.cardNo}`);
  if (userNo !== body.userNo) throw new Unusable('the card belongs to another user');
  if (books.orders.get(orderId) !== undefined)
    throw new Unusable(`order ${orderId} is known already`);
  const terms = judgeTerms(books, at, orderId, body);
  books.orders.insert(newOrder(orderId, at, body, terms, yearStartOf(books, body, terms.asOfMs)));
  if (!body.offline) return;
  const holder = takeClaim(
    books,
    {
      card_no: body.cardNo,
      next_count: body.nextCount,
      order_id: orderId,
      terminal_id: at.terminalId,
      expires_ms: at.nowMs + QUOTE_CLAIM_MS,
    },
    at.nowMs,
  );
  if (holder !== null)
    books.orders.change(orderId, { note: `离线成交时次数已被订单 ${holder.order_id} 占用` });
};

/**
 * The sale is what central's quote promised: as central remembers it, or by its own token. One that
 * was made while the line was down names the account answer that it was priced by.
 *
 * @returns as of which moment it was priced, and what its delivery will be held to
 */
function judgeTerms(
  books: Books,
  at: Place,
  orderId: string,
  body: EventBody<'order-quoted'>,
): { readonly asOfMs: number; readonly judged?: Judged } {
  const quote = books.quotes.get(orderId);
  if (quote !== undefined && quote.terminal_id !== at.terminalId)
    throw new Unusable(`the quote is terminal ${quote.terminal_id}’s`);
  if (body.offline) return judgeOffline(books, at, body);
  const told = { ...body, orderId };
  if (quote !== undefined && quote.answer !== null) {
    const promised = JSON.parse(quote.answer) as Quote;
    if (termsText(told) !== termsText(promised))
      throw new Unusable('the sale is not what was quoted');
    return { asOfMs: pricedMs(promised) };
  }
  const { terminalId } = at;
  const what = { kind: 'quote', terminalId, orderId, digest: quoteDigest(told) } as const;
  const grantedMs = at.trust.granted(body.grant, what);
  if (grantedMs === null) throw new Unusable('central granted no such quote');
  return { asOfMs: body.asOfMs ?? grantedMs };
}

/** An order as it begins. */
function newOrder(
  orderId: string,
  at: Place,
  body: EventBody<'order-quoted'>,
  { asOfMs, judged = {} }: { readonly asOfMs: number; readonly judged?: Judged },
  yearStartMs: number,
): OrderRow {
  return {
    ...untouched(orderId, at),
    sale: 'card',
    card_no: body.cardNo,
    user_no: body.userNo,
    next_count: body.nextCount,
    amount_fen: body.amountFen,
    quantity: body.quantity,
    carried_used_micro: body.carriedUsedMicro,
    carried_after_micro: body.carriedAfterMicro,
    offline: body.offline,
    tag: body.tag,
    layout: storable(body.layout),
    unit: body.unit,
    as_of_ms: asOfMs,
    year_start_ms: yearStartMs,
    judged: Object.keys(judged).length === 0 ? null : JSON.stringify(judged),
  };
}

/** @returns the holder when another order has the claim */
function takeClaim(books: Books, claim: ClaimRow, nowMs: number): ClaimRow | null {
  const holder = otherHolder(books.claims.get(claim.card_no), claim, nowMs);
  if (holder === null) books.claims.put(claim);
  return holder;
}

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
export const attemptCreating: Apply<'attempt-creating'> = (books, at, { orderId }) => {
  const order = orderOf(books, at, orderId);
  if (order.state === 'quoted') move(books, at, order, 'collecting');
};

/** Money was captured. */
export const attemptPaid: Apply<'attempt-paid'> = (books, at, { orderId, body }) => {
  const order = orderOf(books, at, orderId);
  takeEvidence(books, at, order, body);
  // A taken one is entered by order-paid, which follows it in the same journal transaction.
  if (!body.taken)
    enter(books, at, order, 'captured-extra', {
      attemptId: body.attemptId,
      amountFen: body.amountFen,
      reference: body.transactionId,
    });
};

/** Money went back. */
export const attemptRefunded: Apply<'attempt-refunded'> = (books, at, { orderId, body }) => {
  const order = orderOf(books, at, orderId);
  const captured = capturedBy(books, order, body.attemptId)?.amountFen ?? 0;
  if (body.amountFen > captured)
    throw new Unusable(`refunded ${body.amountFen} fen, captured were ${captured}`);
  enter(books, at, order, 'refunded', {
    attemptId: body.attemptId,
    amountFen: body.amountFen,
    reference: body.refundId,
  });
};

/** Money, or the question whether there is any, is left to a person. */
export const attemptParked: Apply<'attempt-parked'> = (books, at, { orderId, body }) => {
  const order = orderOf(books, at, orderId);
  const { attemptId, amountFen } = body;
  // Another sum than the order's: captured all the same, and a person will hand it back.
  if (amountFen !== undefined && capturedBy(books, order, attemptId) === null)
    enter(books, at, order, 'captured-extra', {
      attemptId,
      amountFen,
      reference: body.reason,
    });
  enter(books, at, order, 'parked', { attemptId, reference: body.reason });
  note(books, order, `付款 ${body.attemptId} 已挂起：${body.reason}`);
};

/** A refund that was parked begins again. */
export const refundRetried: Apply<'attempt-refund-retried'> = (books, at, { orderId, body }) => {
  const order = orderOf(books, at, orderId);
  if (order.state === 'parked' && capturedBy(books, order)?.attemptId === body.attemptId)
    refunding(books, at, order);
};

/** The order has its money; its count is its own until its end. */
export const orderPaid: Apply<'order-paid'> = (books, at, { orderId, body }) => {
  const order = orderOf(books, at, orderId);
  if (body.amountFen !== order.amount_fen)
    throw new Unusable(`paid ${body.amountFen} fen, the order is ${order.amount_fen}`);
  move(books, at, order, 'paid');
  takeMoney(books, order, body.attemptId);
  enter(books, at, order, 'captured', {
    attemptId: body.attemptId,
    amountFen: body.amountFen,
  });
  if (order.sale !== 'card') return;
  const holder = takeClaim(
    books,
    {
      card_no: order.card_no,
      next_count: order.next_count,
      order_id: order.order_id,
      terminal_id: at.terminalId,
      expires_ms: null,
    },
    at.nowMs,
  );
  // Both took money for one count (offline sales): both stand in the books, and a person sees
  // it here.
  if (holder !== null) note(books, order, `次数已被订单 ${holder.order_id} 占用`);
  markIfSuperseded(books, order);
};

/** It ended without money. */
export const orderClosed: Apply<'order-closed'> = (books, at, { orderId }) => {
  const order = orderOf(books, at, orderId);
  if (order.money_taken) throw new Unusable('closed although it took money');
  if (order.sale === 'credit') endUnpaid(books, order.order_id, at.nowMs);
  move(books, at, order, 'closed');
  giveBack(books, order.order_id);
};

/** Its money goes back. */
export const orderRefunding: Apply<'order-refunding'> = (books, at, { orderId, body }) => {
  const order = orderOf(books, at, orderId);
  if (order.sale === 'credit') {
    takeVoid(books, at, order, body.grant);
    return refunding(books, at, order);
  }
  const granted = order.refund_granted || refundToken(at, order, body.grant);
  // Once a write was begun nobody but central ends it: the purchase may be on the card.
  if (!granted && (order.state === 'delivering' || order.state === 'in-doubt'))
    throw new Unusable('refunding began after the write, without central’s refund claim');
  refunding(books, at, order);
  if (granted) books.orders.change(order.order_id, { refund_granted: true });
};

/** Central's own token for this order's refund claim. */
function refundToken(at: Place, order: OrderRow, grant: string | undefined): boolean {
  const { terminalId } = at;
  const digest = claimDigest(order.card_no);
  const what = { kind: 'refund-claim', terminalId, orderId: order.order_id, digest } as const;
  return at.trust.granted(grant, what) !== null;
}

/** Its money went back. */
export const orderRefunded: Apply<'order-refunded'> = (books, at, { orderId }) => {
  const order = orderOf(books, at, orderId);
  if (order.sale === 'credit') refuseCredited(books, order.order_id);
  move(books, at, order, 'refunded');
  giveBack(books, order.order_id);
};

/** It is left to a person. */
export const orderParked: Apply<'order-parked'> = (books, at, { orderId, body }) => {
  const order = orderOf(books, at, orderId);
  if (awaitsEcho(order)) return;
  move(books, at, order, 'parked');
  note(books, order, `${body.reason}；${body.nextStep}`);
};

/**
 * From here on nothing may be written for the order, whether the terminal asked for the refund
 * claim or was certain without.
 */
function refunding(books: Books, at: Place, order: OrderRow): void {
  if (isDelivered(order))
    throw new Unusable(
      'REFUNDED AND DELIVERED: refunding began although the purchase is on the card',
    );
  if (order.sale === 'credit') refuseCredited(books, order.order_id);
  move(books, at, order, 'refunding');
  const holder = writer(order, at.nowMs);
  if (holder !== null && holder !== order.terminal_id)
    note(books, order, `开始退款时终端 ${holder} 持有写卡授权`);
  // A counter claim ends here: the terminal read the card as unwritten while it stood.
  books.orders.change(order.order_id, {
    refund_claimed_ms: order.refund_claimed_ms ?? at.nowMs,
    counter_claim: false,
  });
}
