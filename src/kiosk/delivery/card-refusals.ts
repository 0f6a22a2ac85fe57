import type { Failure } from '../../shared/errors.ts';
import type { Result } from '../../shared/result.ts';
import type { Effect, KeyRefused, Refusal, Refusals } from '../state/kiosk.ts';

/**
 * Cards that refused our key. What a card says concerns that card alone: two forged ones must not
 * switch off sales for everybody else. So the card is left alone for a while, and staff are told
 * where several say the same; whether a key works at all, its provider says (CARD-0206).
 */

/** So long a card that refused the key is not sold to again: its tries are few. */
const REFUSED_MS = 600_000;
/** So many are remembered, the newest. */
const REMEMBERED = 50;
/** So many different cards of a layout: then staff should look at the key. */
const WORTH_A_LOOK = 2;

/** What a write says of the card's key. */
export function afterWrite(
  refusals: Refusals,
  card: { readonly layout: string; readonly cardNo: string },
  applied: Result<void, Failure>,
  monoMs: number,
): Refusals {
  const refused = !applied.ok && applied.error.code === 'CARD-0201';
  if (!refused && !applied.ok) return refusals;
  const others = refusals.filter((r) => !isOf(r, card) && monoMs < r.untilMono);
  if (refused) return [...others, { ...card, untilMono: monoMs + REFUSED_MS }].slice(-REMEMBERED);
  return others.length === refusals.length ? refusals : others;
}

/** The fact of it, by which no restart and no other kiosk spends the next try unawares. */
export function refusalFact(orderId: string, refused: KeyRefused | null): readonly Effect[] {
  if (refused === null) return [];
  return [{ do: 'journal', events: [{ kind: 'card-refused', orderId, body: refused }] }];
}

/** Did this very card refuse the key lately? */
export function refusedLately(
  refusals: Refusals,
  card: { readonly layout: string; readonly cardNo: string },
  monoMs: number,
): boolean {
  return refusals.some((r) => isOf(r, card) && monoMs < r.untilMono);
}

/** Layouts whose key several cards refused lately: for staff, nothing is blocked by it. */
export function keysInDoubt(refusals: Refusals, monoMs: number): readonly string[] {
  const counts = new Map<string, number>();
  for (const { layout, untilMono } of refusals)
    if (monoMs < untilMono) counts.set(layout, (counts.get(layout) ?? 0) + 1);
  return [...counts].filter(([, n]) => n >= WORTH_A_LOOK).map(([layout]) => layout);
}

function isOf(r: Refusal, card: { readonly layout: string; readonly cardNo: string }): boolean {
  return r.layout === card.layout && r.cardNo === card.cardNo;
}
