import type { KioskState } from '../state/kiosk.ts';
import type { Now } from '../state/order.ts';
import type { AccountSession, AmountSession } from '../state/visit.ts';
import { screenMs } from './times.ts';

/**
 * A large sum is read over before money is asked for: a step of the visit in front of the order, on
 * which nothing is reserved yet (decision 0047).
 */

/** Is the customer asked once more before this sum? */
export function isLargeSum(
  { service: { policy } }: Pick<KioskState, 'service'>,
  amountFen: number,
): boolean {
  const above = policy?.confirmAboveFen ?? null;
  return above !== null && amountFen > above;
}

/** The same visit, with the question before it and the time to read it. */
export function confirming<S extends AmountSession | AccountSession>(
  state: KioskState,
  s: S,
  now: Now,
): S {
  const deadlineMono = Math.max(s.deadlineMono, now.monoMs + screenMs(state, 'confirm-sum'));
  return { ...s, confirming: true, problem: null, deadlineMono };
}
