import type { EventBody } from '../../shared/facts/catalogue.ts';
import { creditDigest, notCreditedDigest, postedDigest } from '../../shared/grants.ts';
import { lostPosting } from '../sale/credit-posting.ts';
import { termsOf } from '../sale/credit-quotes.ts';
import type { OrderRow } from '../sale/tables.ts';
import { Alarming, capturedBy, enter, move, note, orderOf, requireId, Unusable } from './books.ts';
import type { Apply, Books, Place } from './books.ts';
import { barOf, enterPosting, makeVoid, refuseCredited } from './postings.ts';
import { untouched } from './new-order.ts';

/** A sale to an account begins. */
export const creditQuoted: Apply<'credit-quoted'> = (books, at, fact) => {
  const orderId = requireId(fact.orderId);
  const { body } = fact;
  refuseBadSums(body);
  if (books.orders.get(orderId) !== undefined)
    throw new Unusable(`order ${orderId} is known already`);
  refuseUnquoted(books, at, orderId, body);
  books.orders.insert(newOrder(orderId, at, body));
  // For whoever posts it in its terminal's place.
  if (body.consent !== undefined)
    books.postings.change(orderId, { consent: JSON.stringify(body.consent) });
};

/** The sale's own arithmetic, which anybody can check. */
function refuseBadSums({ amountFen, lines }: EventBody<'credit-quoted'>): void {
  if (lines.reduce((sum, line) => sum + line.amountFen, 0) !== amountFen)
    throw new Unusable('the lines do not add up to the sum');
  for (const { amountFen: fen, terms } of lines)
    if (terms.principalFen + terms.lateFeeFen - terms.discountFen !== fen)
      throw new Unusable('principal + late fee − discount is not the line’s sum');
}

/** The sale is what central's quote promised: as central remembers it, or by its own token. */
function refuseUnquoted(
  books: Books,
  at: Place,
  orderId: string,
  body: EventBody<'credit-quoted'>,
): void {
  const posting = books.postings.get(orderId);
  if (posting !== undefined && posting.terminal_id !== at.terminalId)
    throw new Unusable(`the quote is terminal ${posting.terminal_id}’s`);
  // What was given up before it was quoted holds no terms: then the token tells them.
  if (posting !== undefined && posting.user_no !== '') {
    if (creditDigest(termsOf(posting)) !== creditDigest(body))
      throw new Unusable('the sale is not what was quoted');
    return;
  }
  const { terminalId } = at;
  const what = { kind: 'quote', terminalId, orderId, digest: creditDigest(body) } as const;
  if (at.trust.granted(body.grant, what) === null)
    throw new Unusable('central granted no such quote');
  if (posting === undefined)
    books.postings.insert(lostPosting(orderId, terminalId, body, at.nowMs, at.trust));
}

/** A credit order as it begins: without card, count and quantity. */
const newOrder = (orderId: string, at: Place, body: EventBody<'credit-quoted'>): OrderRow => ({
  ...untouched(orderId, at),
  sale: 'credit',
  card_no: '',
  user_no: body.userNo,
  next_count: 0,
  amount_fen: body.amountFen,
  quantity: 0,
  carried_used_micro: 0,
  carried_after_micro: 0,
  offline: false,
  tag: '',
  layout: null,
  unit: null,
  as_of_ms: at.nowMs,
  year_start_ms: 0,
  judged: null,
});

/** @throws Unusable where the order is a card's */
function creditOrder(books: Books, at: Place, orderId: string | null): OrderRow {
  const order = orderOf(books, at, orderId);
  if (order.sale !== 'credit') throw new Unusable('the order is posted to no account');
  return order;
}

/** Central is asked to post it. What becomes of that central knows better than the asking. */
export const creditPosting: Apply<'credit-posting'> = (books, at, { orderId }) => {
  move(books, at, creditOrder(books, at, orderId), 'delivering');
};

/**
 * Its terminal heard that it is posted: as central remembers, or by its own token. Where the
 * account book forgot it (a database that went on from a backup) the token posts it again.
 */
export const creditPosted: Apply<'credit-posted'> = (books, at, { orderId, body }) => {
  const order = creditOrder(books, at, orderId);
  if (!order.money_taken) throw new Unusable('posted before it was paid');
  if (books.postings.get(order.order_id)?.state !== 'posted') postAgain(books, at, order, body);
  if (books.postings.get(order.order_id)?.reference !== body.reference)
    throw new Alarming(`POSTED OTHERWISE: order ${order.order_id} has another reference`);
  move(books, at, order, 'delivered');
  books.orders.change(order.order_id, { delivered_by: at.terminalId, origin_delivered: true });
  enter(books, at, order, 'delivered', {
    amountFen: order.amount_fen,
    reference: body.reference,
  });
};

function postAgain(
  books: Books,
  at: Place,
  order: OrderRow,
  body: EventBody<'credit-posted'>,
): void {
  const { terminalId } = at;
  const { order_id: orderId } = order;
  const what = { kind: 'credit', terminalId, orderId, digest: postedDigest(body) } as const;
  if (at.trust.granted(body.grant, what) === null)
    throw new Unusable('central posted no such order');
  const posting = books.postings.get(orderId);
  if (posting === undefined || posting.state === 'void' || posting.state === 'refused')
    throw new Alarming(`POSTED AND GIVEN UP: the posting of order ${orderId} is ${posting?.state}`);
  const barred = barOf(books, posting, at.nowMs);
  // The payment that it was posted for: the gateway hands that one back no more.
  const attempt_id = posting.attempt_id ?? capturedBy(books, order)?.attemptId ?? null;
  books.postings.change(orderId, { attempt_id });
  enterPosting(books, orderId, body);
  if (barred !== null) note(books, order, `账本恢复后补记时：${barred}，请核对是否重复缴费`);
}

/** Central's own token that this order is not credited, and never will be, makes it so. */
export function takeVoid(
  books: Books,
  at: Place,
  order: OrderRow,
  grant: string | undefined,
): void {
  const { terminalId } = at;
  const { order_id: orderId } = order;
  const what = { kind: 'void', terminalId, orderId, digest: notCreditedDigest(orderId) } as const;
  if (at.trust.granted(grant, what) !== null) makeVoid(books, orderId, at.nowMs);
  refuseCredited(books, orderId);
}
