import type { KioskState, Step } from '../state/kiosk.ts';
import type { Now, OpenOrder } from '../state/order.ts';
import type { OrderSession, Session } from '../state/visit.ts';
import { halted } from '../watch/selling.ts';
import { cancelOffered } from './paying.ts';
import { IDLE, cannotSell, cardToTake, step } from './step.ts';

/**
 * The door was opened, or the mains failed, while somebody is here: what has no money in it ends
 * gently, with the reason and the card back; a payment that nobody made yet is called off; what is
 * paid, or being written, goes on to its end.
 */

/** Stages that end by themselves, or have money or another kiosk's order in their hands. */
const GOES_ON: ReadonlySet<Session['at']> = new Set<Session['at']>([
  'idle',
  'take-card',
  'cannot-sell',
  'order',
  'assist',
]);

/**
 * What a halt does to the visit now; null: nothing (more). A card that is being read is waited for:
 * it may be a technician's.
 */
export function haltVisit(state: KioskState, now: Now): Step | null {
  const reason = halted(state);
  if (reason === null) return null;
  const { session } = state;
  if (session.at === 'order') return haltOrder(state, session, now);
  if (GOES_ON.has(session.at) || state.cardBusy) return null;
  if (session.at === 'reading' && session.stage === 'card') return null;
  return cardToTake(state) ? cannotSell(state, now, reason, null) : step(state, IDLE);
}

function haltOrder(state: KioskState, s: OrderSession, now: Now): Step | null {
  const open = state.orders.get(s.orderId);
  if (open === undefined) return null;
  // Asked about before it is closed, and taken where it turns out to be paid: as after a cut.
  if (cancelOffered(s, open) || isChanging(s, open))
    return step(state, { ...s, closeWhy: 'recovery' });
  const reason = halted(state);
  if (reason === null || s.ending?.screen !== 'cancelled' || s.closeWhy !== 'recovery') return null;
  return cardToTake(state) ? cannotSell(state, now, reason, null) : step(state, IDLE);
}

/** One way of paying is being ended, and another was to be begun. */
const isChanging = (s: OrderSession, { order, next }: OpenOrder): boolean =>
  order.state === 'collecting' && next !== null && s.closeWhy === null && !s.gaveUp;
