import type { CardReading } from '../../card/types.ts';
import { toHex } from '../../shared/bytes.ts';
import type { EventBody } from '../../shared/facts/catalogue.ts';
import type { Effect, KioskState, SeenCards } from '../state/kiosk.ts';

/**
 * What a card shows is told to central once an insertion: there a refunded purchase, or more gas
 * than was bought, is found (card-seen.ts of central’s books). Not again where this kiosk told the
 * very same of this card before.
 */

/** So many cards are remembered, the newest; of any other one the same is told once more. */
const REMEMBERED = 200;

/** The fact, and what is remembered of it. Null: nothing new, or nothing may be journaled now. */
export function cardSeen(
  state: KioskState,
  insertion: number,
  reading: CardReading,
): { readonly seen: SeenCards; readonly effect: Effect } | null {
  const { seen, service } = state;
  // A journal that is full or put back has no room for what is only good to know.
  if (service.blocked !== null || seen.insertion === insertion) return null;
  const body = bodyOf(reading);
  const said = JSON.stringify(body);
  if (seen.cards.get(reading.cardNo) === said) return null;
  const cards = new Map(seen.cards);
  cards.delete(reading.cardNo);
  cards.set(reading.cardNo, said);
  for (const oldest of cards.keys()) {
    if (cards.size <= REMEMBERED) break;
    cards.delete(oldest);
  }
  return {
    seen: { insertion, cards },
    effect: { do: 'journal', events: [{ kind: 'card-seen', orderId: null, body }] },
  };
}

function bodyOf(r: CardReading): EventBody<'card-seen'> {
  const { countTaken, remainingQuantity, cumulativeUsed, lastVisit } = r.meter;
  return {
    cardNo: r.cardNo,
    layout: r.layout,
    count: r.count,
    cumulative: r.cumulative,
    tag: toHex(r.tag),
    // A card that no meter has written to tells nothing of one.
    ...(r.fresh
      ? {}
      : {
          taken: countTaken,
          remaining: remainingQuantity,
          used: cumulativeUsed,
          visit: lastVisit,
        }),
  };
}
