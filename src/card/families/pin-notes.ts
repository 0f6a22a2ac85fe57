import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';

/**
 * A PIN that is presented without asking first how many tries are left (_blind_): what is known of
 * a card's tries is what its own answers said. The count is kept before the PIN leaves, so that no
 * pulled card, no cut and no restart lets a machine spend more than it knows of.
 */

/** The last try is never spent by a machine: one more mistake would end the card. */
export const LEAST_TRIES = 2;

/** PBOC cards are issued with three tries at the least (cards.md 3.1, [K]). */
export const BLIND_TRIES = 3;

/** What is kept of cards that did not take their PIN, by their number. */
export interface PinNotes {
  /** So many tries are left at the least; null: nothing is kept, the card took its PIN last. */
  readonly left: (cardNo: string) => number | null;
  /**
   * Keeps it, or drops it (null). Durable when it returns.
   *
   * @returns false: it could not be kept
   */
  readonly keep: (cardNo: string, left: number | null) => boolean;
}

/** Whose PIN is presented blind, and where that is kept. */
export interface BlindCard {
  readonly cardNo: string;
  /** Null: nowhere, and so nothing is presented. */
  readonly notes: PinNotes | null;
}

/**
 * Before a PIN is presented blind: counts the try as spent. CARD-0110: the card may have one try
 * left only, or the count cannot be kept, and the PIN is not to be presented.
 *
 * @returns what is to be said once the card has answered: the tries that it told, or null where it
 *   took the PIN. Without an answer the try stays spent.
 */
export function spendBlindTry({
  cardNo,
  notes,
}: BlindCard): Result<(left: number | null) => void, Failure> {
  if (notes === null)
    return err(failure('CARD-0110', 'PIN: not presented, its tries would be kept nowhere'));
  const left = notes.left(cardNo) ?? BLIND_TRIES;
  if (left < LEAST_TRIES)
    return err(failure('CARD-0110', `PIN: ${left} tries left at the least, not presented`));
  if (!notes.keep(cardNo, left - 1))
    return err(failure('CARD-0110', 'PIN: not presented, its tries could not be kept'));
  return ok((told) => void notes.keep(cardNo, told));
}
