import { NEW_RUN } from '../state/order.ts';
import type { AttemptRun, OpenOrder } from '../state/order.ts';

/** How long and how often an attempt to be paid is asked about, and what is known of it meanwhile. */

/** So many tries to pay one order; then it is closed and the customer starts over. */
export const MAX_ATTEMPTS = 8;
/** How often a waiting payment is asked about. */
export const POLL_MS = 2_000;
/** After so long without a believable answer the card is given back with a slip; the asking goes on. */
export const UNKNOWN_GIVE_UP_MS = 60_000;
/**
 * A customer who is "paying" is waited for past the window's end for this long; then the attempt is
 * closed like any other.
 */
export const PAYING_GRACE_MS = 60_000;
/**
 * A payment about which nobody answers is asked about, and not closed, until so long after its end:
 * the first answer tells whether it was made.
 */
export const ASK_FIRST_MS = 600_000;
/**
 * A code payment is waited for this long after the code was sent (WeChat withdraws it by itself
 * then, payments.md section A); then it is reversed.
 */
export const CODE_WAIT_MS = 45_000;
/**
 * After a charge without an answer the provider is first asked after this (both providers' error
 * tables: 5 s).
 */
export const CODE_FIRST_QUERY_MS = 5_000;
/** Reversals of a payment that still reads as paid; then it is refunded under its own number. */
export const MAX_REVERSES = 5;

/** Back-off after `fails` failed answers: 1, 2, 4 … 60 s. */
export function backoffMs(fails: number): number {
  return Math.min(60_000, 1_000 * 2 ** Math.min(fails, 6));
}

/**
 * Closed attempts are asked about ever more seldom, for as long as the provider could still take
 * them: money that comes after all is found within half of the time that has passed, and within ten
 * minutes.
 */
export function closedPollMs(ageMs: number): number {
  return Math.min(600_000, Math.max(5_000, Math.round(ageMs / 2)));
}

/** What this process knows of an attempt of the order. */
export function runOf(open: OpenOrder, attemptId: string): AttemptRun {
  return open.runs.get(attemptId) ?? NEW_RUN;
}

/**
 * Its money waits at the gateway for staff, or for the next day: the terminal handed back as much
 * as it may in one. Asked again by itself; lost at a restart, and heard again then.
 */
export const isBeyondTheDay = ({ attempts, runs }: OpenOrder): boolean =>
  attempts.some(
    (a) => a.state === 'refunding' && runs.get(a.attemptId)?.lastFailure?.code === 'PAY-0205',
  );

/** The order, with this change to what is known of an attempt. */
export function withRun(
  open: OpenOrder,
  attemptId: string,
  change: Partial<AttemptRun>,
): OpenOrder {
  return {
    ...open,
    runs: new Map(open.runs).set(attemptId, { ...runOf(open, attemptId), ...change }),
  };
}
