import type { SpentTry } from '../../card/index.ts';
import type { Journal } from '../../journal/journal.ts';
import type { JournalEvent } from '../../shared/facts/catalogue.ts';
import { cardNoOf } from '../../shared/sale.ts';

/**
 * Cards that refused our key, with the tries that they have left: a note beside the facts, so that
 * no restart lets the next sale spend another one. Central has the fact and refuses the card at
 * every kiosk, until it took a key after all or a person at central has looked.
 */

/** The note of one card. */
export interface KeyNote extends SpentTry {
  /** The order whose write it was, by which its fact is found. */
  readonly orderId: string;
  /** What central had said before of an earlier refusal (`keyLookedMs`); left out: nothing. */
  readonly lookedMs?: number;
}

/** So many cards are remembered, the newest; central has them all. */
const REMEMBERED = 200;

/** What the notes need of the journal. */
type Ports = Pick<Journal, 'meta' | 'setMeta' | 'order' | 'cachedAccount'>;

/** Oldest first. */
function notes(journal: Pick<Journal, 'meta'>): readonly (readonly [string, KeyNote])[] {
  const text = journal.meta('refused_keys');
  return text === null ? [] : (JSON.parse(text) as [string, KeyNote][]);
}

/** What this kiosk knows of a card's refusal; null: nothing, or it took its key since. */
export function keyNoteOf(journal: Pick<Journal, 'meta'>, cardNo: string): KeyNote | null {
  return notes(journal).find(([of]) => of === cardNo)?.[1] ?? null;
}

/** Keeps, or drops, what facts tell of cards' keys. Durable when it returns: before the facts are. */
export function noteKeys(journal: Ports, events: readonly JournalEvent[]): void {
  for (const e of events) {
    if (e.kind === 'card-refused' && e.orderId !== null) {
      const lookedMs = journal.cachedAccount(e.body.cardNo)?.account.keyLookedMs;
      put(journal, e.body.cardNo, {
        left: e.body.left,
        orderId: e.orderId,
        ...(lookedMs === undefined ? {} : { lookedMs }),
      });
    }
    const wrote = writtenTo(journal, e);
    if (wrote !== null && keyNoteOf(journal, wrote) !== null) put(journal, wrote, null);
  }
}

/** A person at central has looked, or the card took its key elsewhere. */
export function dropKeyNote(journal: Pick<Journal, 'meta' | 'setMeta'>, cardNo: string): void {
  put(journal, cardNo, null);
}

/** The card that has just been written to, and so took our key; null: none was. */
function writtenTo(journal: Pick<Journal, 'order'>, e: JournalEvent): string | null {
  if (e.kind === 'assist-ended')
    return e.body.written && e.body.verdict === 'after' ? e.body.cardNo : null;
  if (e.kind !== 'order-delivered' || e.body.by !== 'read-back' || e.orderId === null) return null;
  const order = journal.order(e.orderId);
  return order === undefined ? null : cardNoOf(order);
}

function put(
  journal: Pick<Journal, 'meta' | 'setMeta'>,
  cardNo: string,
  note: KeyNote | null,
): void {
  const others = notes(journal).filter(([of]) => of !== cardNo);
  const all = note === null ? others : [...others, [cardNo, note] as const];
  journal.setMeta('refused_keys', JSON.stringify(all.slice(-REMEMBERED)));
}
