import type { Failure } from '../../shared/errors.ts';
import type { Result } from '../../shared/result.ts';
import type { Refusals } from '../state/kiosk.ts';

/** So many different cards in a row: then the key is wrong, not the cards (layouts.md, "Code"). */
const CARDS_IN_A_ROW = 2;

/** What a write says of the layout's key. */
export function afterWrite(
  refusals: Refusals,
  layout: string,
  cardNo: string,
  applied: Result<void, Failure>,
): Refusals {
  const known = refusals.get(layout) ?? [];
  if (applied.ok) return known.length === 0 ? refusals : new Map(refusals).set(layout, []);
  if (applied.error.code !== 'CARD-0201' || known.includes(cardNo)) return refusals;
  return new Map(refusals).set(layout, [...known, cardNo]);
}

/** Nothing is sold to cards of this layout any more, until the core starts again with other keys. */
export function keyIsWrong(refusals: Refusals, layout: string): boolean {
  return (refusals.get(layout)?.length ?? 0) >= CARDS_IN_A_ROW;
}
