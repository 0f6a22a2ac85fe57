import type { Screen, Snapshot } from '../../shared/contract/index.ts';

/** Screens whose time the core extends. A payment code is replaced by a new one instead. */
const EXTENDABLE: ReadonlySet<Screen> = new Set<Screen>([
  'insert-card',
  'info',
  'request',
  'my-account-no',
  'my-account',
  'cannot-sell',
  'card-info',
  'amount',
  'user-no',
  'is-it-you',
  'top-up',
  'bills',
  'contract',
  'confirm-sum',
  'no-slip',
  'in-doubt',
  'unfinished',
  'refunding',
  'done',
  'order-status',
  'maintenance',
]);

/** A paid order that waits for its card: its time is not the screen's, and is shown to its end. */
export const isPaidWait = (snapshot: Snapshot): boolean =>
  snapshot.screen === 'in-doubt' && snapshot.reason === 'paid';

/** Is there more time for the asking? The card comes out first, and a paid order's wait is its own. */
const isExtendable = (snapshot: Snapshot): boolean =>
  EXTENDABLE.has(snapshot.screen) &&
  !isPaidWait(snapshot) &&
  (snapshot.screen !== 'done' || snapshot.cardOut);

/**
 * What a customer is offered when the screen's time runs out: more of it, or a new code. Null:
 * nothing.
 */
export function offeredAtEnd(snapshot: Snapshot): 'more' | 'code' | null {
  if (isExtendable(snapshot)) return 'more';
  return snapshot.screen === 'pay' && snapshot.newCodeOffered ? 'code' : null;
}
