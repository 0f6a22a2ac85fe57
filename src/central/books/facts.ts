import type { EventKind } from '../../shared/facts/catalogue.ts';
import { terminalOf } from '../../shared/order-id.ts';
import { Unusable } from './books.ts';
import type { Apply, Books, Place, Told } from './books.ts';
import { settledByHand } from './by-hand.ts';
import {
  assistEnded,
  assistKept,
  assistWriting,
  orderDelivered,
  orderDelivering,
  orderInDoubt,
  orderKept,
} from './card-delivery.ts';
import { creditPosted, creditPosting, creditQuoted } from './credit-delivery.ts';
import { cardLeft, damageAccepted, epochBegan, journalRestored } from './journal-facts.ts';
import {
  attemptCreating,
  attemptPaid,
  attemptParked,
  attemptRefunded,
  orderClosed,
  orderPaid,
  orderParked,
  orderQuoted,
  orderRefunded,
  orderRefunding,
  refundRetried,
} from './orders.ts';
import { billReconciled } from './reconcile.ts';

/** Kept in the journal, and changes nothing in the books. */
const kept = null;

const restated = (): never => {
  throw new Unusable('restated after a fork or restore: compare');
};

/** What each kind of fact does to the books. */
const FACTS: { readonly [K in EventKind]: Apply<K> | typeof kept } = {
  // A sale.
  'order-quoted': orderQuoted,
  'order-paid': orderPaid,
  'order-closed': orderClosed,
  'order-refunding': orderRefunding,
  'order-refunded': orderRefunded,
  'order-parked': orderParked,
  'order-restated': restated,
  // Its money.
  'attempt-creating': attemptCreating,
  'attempt-pending': kept,
  'attempt-closing': kept,
  'attempt-closed': kept,
  'attempt-paid': attemptPaid,
  'attempt-refunding': kept,
  'attempt-refunded': attemptRefunded,
  'attempt-refund-retried': refundRetried,
  'attempt-parked': attemptParked,
  'parked-settled': settledByHand,
  // Its delivery to a card.
  'order-delivering': orderDelivering,
  'order-kept': orderKept,
  'order-in-doubt': orderInDoubt,
  'order-delivered': orderDelivered,
  'assist-writing': assistWriting,
  'assist-kept': assistKept,
  'assist-ended': assistEnded,
  // Its posting to an account.
  'credit-quoted': creditQuoted,
  'credit-posting': creditPosting,
  'credit-posted': creditPosted,
  // The terminal and its journal.
  'epoch-began': epochBegan,
  'journal-restored': journalRestored,
  'damage-accepted': damageAccepted,
  'journal-pruned': kept,
  reconciled: billReconciled,
  // Kept as it was told; the day's page shows it (reconcile.ts).
  'shift-closed': kept,
  'policy-taken': kept,
  // Judged beside the books (card-seen.ts): no order's rows change by it.
  'card-seen': kept,
  'card-refused': kept,
  'card-left': cardLeft,
  // Counted beside the books (ratings.ts).
  'visit-rated': kept,
  // Taken beside the books (requests/requests.ts).
  'request-made': kept,
  'slip-printed': kept,
  'clock-step': kept,
  'core-started': kept,
  'device-changed': kept,
  'maintenance-entered': kept,
  'maintenance-left': kept,
  'maintenance-refused': kept,
  'maintenance-action': kept,
};

/** What a kiosk tells of another one's order; all else it tells of its own. */
const ASSISTS: ReadonlySet<EventKind> = new Set(['assist-writing', 'assist-kept', 'assist-ended']);

/** An order's number carries its terminal, and means nothing under another one's name. */
function refuseOthersNumber(at: Place, orderId: string | null): void {
  if (orderId !== null && terminalOf(orderId) !== at.terminalId)
    throw new Unusable(`order ${orderId} is not terminal ${at.terminalId}’s`);
}

/** Does this kind of fact change the books? */
export const changesBooks = (kind: EventKind): boolean => FACTS[kind] !== kept;

/** @throws Unusable; nothing of the fact counts then */
export function apply<K extends EventKind>(books: Books, at: Place, kind: K, fact: Told<K>): void {
  const one = FACTS[kind];
  if (one === kept) return;
  if (!ASSISTS.has(kind)) refuseOthersNumber(at, fact.orderId);
  one(books, at, fact);
}
