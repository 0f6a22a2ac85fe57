import { isPaidAt } from '../sale/credit-tables.ts';
import { hasConsent, isLate, referenceOf } from '../sale/credit-rules.ts';
import type { OrderRow } from '../sale/tables.ts';
import { capturedBy, enter, move, Unusable } from './books.ts';
import type { Books, Place } from './books.ts';
import { prove, takeMoney } from './evidence.ts';
import { barOf, enterPosting, sendPosting } from './postings.ts';
import type { HandRequest } from './tables.ts';

/**
 * Central posts what a dead kiosk left open, by the evidence of who took the money, under the terms
 * that its customer was quoted. Two persons decide; what cannot be posted is handed back.
 *
 * @throws Unusable where it cannot be posted, or is over already
 */
export function creditAdopted(books: Books, at: Place, asked: HandRequest): void {
  const { order_id: orderId, attempt_id: attemptId } = asked;
  const posting = books.postings.get(orderId);
  if (posting?.state !== 'open')
    throw new Unusable(`the posting is ${posting?.state ?? 'not known'}`);
  const paid = books.evidence
    .all()
    .find((e) => e.order_id === orderId && e.attempt_id === attemptId);
  if (paid?.amount_fen !== posting.amount_fen)
    throw new Unusable('no evidence of its payment is known here');
  if (!isPaidAt(posting, paid.merchant))
    throw new Unusable(`merchant ${paid.merchant} has its money, not its payee’s: hand it back`);
  if (paid.returned_ms !== null) throw new Unusable('its money is on its way back');
  const paid_ms = paid.paid_ms ?? paid.at_ms;
  if (isLate({ ...posting, paid_ms })) throw new Unusable('too-late: hand it back');
  if (!hasConsent(posting)) throw new Unusable('nobody is known to have agreed: hand it back');
  // A row that a token made anew may be in the book outside already: that book judges it.
  const maybeSent = at.trust.outside && posting.request === null;
  const barred = maybeSent ? null : barOf(books, posting, at.nowMs);
  if (barred !== null) throw new Unusable(`${barred}: hand it back`);
  const order = books.orders.get(orderId);
  books.postings.change(orderId, {
    attempt_id: attemptId,
    wallet_number: paid.wallet_number,
    paid_ms,
  });
  const reference = referenceOf(posting);
  // The book outside has the last word; until then the posting is under way (credit-sender.ts).
  if (at.trust.outside) return sendPosting(books, orderId, reference, at.nowMs);
  if (order !== undefined) deliver(books, at, order, attemptId, reference);
  enterPosting(books, orderId, { reference, postedMs: at.nowMs });
}

/** The order as its terminal left it, up to its end. @throws Unusable where it has another payment */
function deliver(
  books: Books,
  at: Place,
  order: OrderRow,
  attemptId: string,
  reference: string,
): void {
  const { order_id: orderId, amount_fen: amountFen } = order;
  const taken = capturedBy(books, order);
  if (taken !== null && taken.attemptId !== attemptId)
    throw new Unusable('the order took another payment: hand this one back');
  if (taken === null) {
    move(books, at, order, 'paid');
    takeMoney(books, order, attemptId);
    enter(books, at, order, 'captured', { attemptId, amountFen });
  }
  // Its terminal told of the money before anybody else had seen it.
  prove(books, at, order);
  move(books, at, books.orders.get(orderId) as OrderRow, 'delivered');
  books.orders.change(orderId, { delivered_by: at.terminalId });
  enter(books, at, order, 'delivered', { amountFen, reference });
}
