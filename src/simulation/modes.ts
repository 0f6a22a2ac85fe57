import { Dice } from './dice.ts';
import { paySetOf } from './providers.ts';
import type { PaySet } from './providers.ts';
import type { Mode } from './town.ts';

/** How a town is equipped. */
export interface Equipment {
  readonly paySet: PaySet;
  /** Where the card keys are: in each kiosk, or at central alone. */
  readonly keysAt: 'kiosk' | 'central';
  /** Honest customers' cards. */
  readonly cards: number;
}

/** The cards of a town in which nobody locks any. */
const CARDS = 4;
/** A thief keeps three from everybody else without paying, and the customers want some too. */
const CARDS_BESIDE_A_THIEF = 8;
/**
 * Of all sessions so many end delivered or refunded, whoever cheats; without a cheat it is 0.45.
 * One town alone may have had its lines down for all its minutes.
 */
export const LEAST_SERVED = 0.25;
/** From so many towns on {@link LEAST_SERVED} is asked for. */
export const SERVED_FROM = 12;
/** A stream of its own: what is drawn for a mode moves no other draw. */
const STREAM = 12;

/**
 * A town's equipment, by its seed. Where a thief or a listener is, three of four towns have what is
 * strongest, the gateway and keys at central; the fourth has anything.
 */
export function equipmentOf(seed: number, mode: Mode): Equipment {
  if (mode === 'none' || mode === 'interposer')
    return { paySet: paySetOf(seed), keysAt: 'kiosk', cards: CARDS };
  const cards = mode === 'rogue' ? CARDS_BESIDE_A_THIEF : CARDS;
  if (seed % 4 !== 0) return { paySet: 'gateway', keysAt: 'central', cards };
  const dice = new Dice(seed, STREAM);
  return {
    paySet: dice.pick(['direct', 'gateway', 'unionpay'] as const),
    keysAt: dice.pick(['kiosk', 'central'] as const),
    cards,
  };
}
