import type { EventKind } from '../../shared/facts/catalogue.ts';
import type { Sql } from '../db/sql.ts';
import { Unusable } from './books.ts';
import type { Apply, Place, Told } from './books.ts';
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
import { damageAccepted, epochBegan, journalRestored } from './journal-facts.ts';
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
import { keepBillDay } from './reconcile.ts';

/** Kept in the journal, and changes nothing in the books. */
const kept = null;

const noAccountBook = (): Promise<never> =>
  Promise.reject(new Unusable('no account book for credit sales stands behind this central'));

/** What each kind of fact does to the books. */
const FACTS: { readonly [K in EventKind]: Apply<K> | typeof kept } = {
  // A sale.
  'order-quoted': orderQuoted,
  'order-paid': orderPaid,
  'order-closed': orderClosed,
  'order-refunding': orderRefunding,
  'order-refunded': orderRefunded,
  'order-parked': orderParked,
  'order-restated': () => Promise.reject(new Unusable('restated after a fork or restore: compare')),
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
  'credit-quoted': noAccountBook,
  'credit-posting': noAccountBook,
  'credit-posted': noAccountBook,
  // The terminal and its journal.
  'epoch-began': epochBegan,
  'journal-restored': journalRestored,
  'damage-accepted': damageAccepted,
  'journal-pruned': kept,
  reconciled: (tx, at, { body }) => keepBillDay(tx, at.terminalId, body, at.wallMs),
  'policy-taken': kept,
  'slip-printed': kept,
  'clock-step': kept,
  'core-started': kept,
  'maintenance-entered': kept,
  'maintenance-left': kept,
  'maintenance-refused': kept,
  'maintenance-action': kept,
};

/** Does this kind of fact change the books? */
export const changesBooks = (kind: EventKind): boolean => FACTS[kind] !== kept;

/** @throws Unusable and what the database refuses; nothing of the fact counts then */
export function apply<K extends EventKind>(
  tx: Sql,
  at: Place,
  kind: K,
  fact: Told<K>,
): Promise<void> {
  const one = FACTS[kind];
  return one === kept ? Promise.resolve() : one(tx, at, fact);
}
