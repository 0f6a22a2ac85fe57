import { storable } from '../db/sql.ts';
import { giveBack, tell } from './books.ts';
import type { Apply, Books, Place } from './books.ts';

/** The terminal goes on in an epoch that a person granted. */
export const epochBegan: Apply<'epoch-began'> = (books, at, { body }) => {
  releaseForgotten(books, at);
  const centralSeq = books.heldSeq.get(body.previousEpoch) ?? 0;
  tell(books, at, 'epoch-began', { ...body, centralSeq });
};

/** Its journal was damaged and put together again: an alarm until a technician has looked. */
export const journalRestored: Apply<'journal-restored'> = (books, at, { body }) => {
  const lost = body.lostAfterSeq === null ? '' : `; lost after ${body.lostAfterSeq}`;
  books.alarm = storable(`RESTORED: ${body.why}${lost}`);
  tell(books, at, 'journal-restored', body);
};

const CARD_LEFT = 'CARD LEFT';

/** A card blocks a slot and no bin took it: an alarm until it is gone. */
export const cardLeft: Apply<'card-left'> = (books, _at, { body }) => {
  const { outcome } = body;
  // Taken in after a call the slot is free as well; where it did not go, that is told next.
  if ((outcome === 'taken' || outcome === 'capturing') && books.alarm === CARD_LEFT)
    books.alarm = null;
  if (outcome === 'called' || outcome === 'not-captured') books.alarm ??= CARD_LEFT;
};

/** A technician has looked. */
export const damageAccepted: Apply<'damage-accepted'> = (books, at, { body }) => {
  if (books.alarm?.startsWith('RESTORED:') === true) books.alarm = null;
  tell(books, at, 'damage-accepted', body);
};

/**
 * A terminal begins a new epoch, its earlier facts told: a quote of before that no order came of is
 * forgotten on its disk, and nobody else would ever give back what it reserved.
 */
function releaseForgotten(books: Books, at: Place): void {
  const forgotten = Array.from(books.liveQuotes).filter(
    (orderId) =>
      Number(orderId.split('-')[2] ?? at.epoch) < at.epoch &&
      books.orders.get(orderId) === undefined,
  );
  for (const orderId of forgotten) giveBack(books, orderId);
  for (const orderId of forgotten) books.releasedQuotes.add(orderId);
}
