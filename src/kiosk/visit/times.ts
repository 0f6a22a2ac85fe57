import type { KioskState } from '../state/kiosk.ts';

/** How long each screen waits for a person. */
export const SCREEN_MS = {
  'insert-card': 60_000,
  'cannot-sell': 60_000,
  'card-info': 60_000,
  /** A page to read; each tap begins it anew. */
  info: 90_000,
  /** A user number, then four digits; each begins it anew. */
  'my-account-no': 90_000,
  /** A year to look at; each tap begins it anew. */
  'my-account': 90_000,
  /** A question to answer; each tap and each digit begins it anew. */
  request: 90_000,
  amount: 120_000,
  /** A large sum to read over; the amount's own time, where more of it is left. */
  'confirm-sum': 90_000,
  /** No slip can be printed: what there is instead. */
  'no-slip': 90_000,
  'user-no': 90_000,
  account: 120_000,
  /** Thanks, once the card is out. */
  thanks: 30_000,
  /** … with a code on it: time to get the phone out. */
  'thanks-with-code': 45_000,
  /** … and once its customer has said how it was. */
  rated: 5_000,
  cancelled: 8_000,
  /** A code that ran out: long enough to have been looking at the phone. */
  again: 60_000,
  'in-doubt': 120_000,
  refunded: 30_000,
  'take-card': 20_000,
} as const;
/** How long a word stays on the start screen: for who stands there, not for the next one. */
export const WORD_MS = {
  'card-taken': 10_000,
  'card-too-soon': 10_000,
  /** Time for a phone that was just paying, and to put the card in again. */
  restarted: 180_000,
} as const;
/**
 * A customer's language and text size outlive the visit by this much: time to begin again, not to
 * greet the next one.
 */
export const PLAIN_AGAIN_MS = 30_000;
/** Each "more time" gives a minute, as often as WCAG 2.2.1 asks. */
export const MORE_TIME_MS = 60_000;
export const MORE_TIME_MAX = 10;

/**
 * How long a person needs for what others read at a glance, and press at once: so many times as
 * long.
 */
const PACE = { plain: 1, access: 1.5, spoken: 3 } as const;
/** How the customer has screen and voice, as far as it takes time. */
type Manner = Pick<KioskState, 'access' | 'spoken'>;

/** By how much all of a screen's times are longer for this customer: see {@link PACE}. */
export const paceOf = ({ access, spoken }: Manner): number =>
  spoken ? PACE.spoken : Object.values(access).includes(true) ? PACE.access : PACE.plain;

/** How long a screen waits for this customer. */
export const screenMs = (manner: Manner, screen: keyof typeof SCREEN_MS): number =>
  SCREEN_MS[screen] * paceOf(manner);

/** How much longer a "more time" gives him. */
export const moreTimeMs = (manner: Manner): number => MORE_TIME_MS * paceOf(manner);
