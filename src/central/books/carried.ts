import { GRANTED_MICRO } from '../sale/card-grant-rows.ts';
import type { OrderRow } from '../sale/tables.ts';
import { add, enter, TooEarly, Unusable } from './books.ts';
import type { Books, Place } from './books.ts';

/** What a delivered order leaves over is carried. */
export function keepRemainder(books: Books, at: Place, order: OrderRow): void {
  const remainder = order.carried_after_micro;
  if (remainder === 0) return;
  add(books, order.user_no, { carried_micro: remainder });
  enter(books, at, order, 'carried', { micro: remainder });
}

/** What was carried and reserved for the order is spent. */
export function consumeReserve(books: Books, at: Place, order: OrderRow): void {
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

/**
 * Carried money whose quote was forgotten; it came with a delivery that may not be told yet. A
 * grant comes with none: where central signed the quote it had it then, and what two persons said
 * is forgotten with it.
 */
function takeUnreserved(books: Books, at: Place, order: OrderRow): void {
  const { order_id, user_no, carried_used_micro: used } = order;
  const there = books.accounts.get(user_no)?.carried_micro ?? 0;
  if (there < used && used - there < GRANTED_MICRO)
    throw new TooEarly('the carried money that it spends is not known yet');
  const taken = Math.min(used, there);
  add(books, user_no, { carried_micro: -taken });
  books.reserves.insert({ order_id, user_no, micro: used, state: 'consumed' });
  enter(books, at, order, 'carried-used', { micro: -taken });
}
