import { never } from '../../shared/result.ts';
import type { AttemptRow } from '../../journal/fold.ts';
import type { KioskState } from '../state/kiosk.ts';
import type { OpenOrder, WriteProgress } from '../state/order.ts';
import type { SnapshotOf } from '../../shared/contract/index.ts';
import { isBeyondTheDay } from '../order/attempt-run.ts';
import { NOT_KNOWN_YET } from '../order/claims.ts';
import type { OrderScreen, OrderSession } from '../state/visit.ts';

/** Which screen an order's visit shows now. */
export function orderScreen(s: OrderSession, open: OpenOrder): OrderScreen {
  const { order } = open;
  switch (order.state) {
    case 'quoted':
    case 'collecting':
      return s.gaveUp ? 'in-doubt' : 'pay';
    case 'paid':
    case 'delivering':
    case 'in-doubt':
      if (open.writing || askingFirst(open)) return s.found ? 'unfinished' : 'writing';
      if (order.state === 'in-doubt' && order.wantsRefund)
        return s.found ? 'unfinished' : 'refunding';
      if (order.state === 'paid' && open.waitCardUntilMono === null)
        return s.found ? 'unfinished' : 'writing';
      return 'in-doubt';
    case 'delivered':
      return 'done';
    case 'refunding':
    case 'refunded':
    case 'parked':
      return s.found ? 'unfinished' : 'refunding';
    case 'closed':
      return heldBack(open) !== undefined ? 'refunding' : 'cancelled';
    default:
      return never(order.state);
  }
}

/**
 * The card is back, and central is asked for the first time whether it may be finished: a moment,
 * not worth a screen of its own.
 */
export function askingFirst(open: OpenOrder): boolean {
  return (
    open.order.state === 'in-doubt' &&
    !open.order.wantsRefund &&
    open.claim.asking &&
    open.claim.failure === null
  );
}

/**
 * What a customer waits for on the screen of an order in doubt. `paid`: for the card too, and
 * nothing was written yet.
 */
export function doubtOf(
  s: OrderSession,
  open: OpenOrder,
): 'payment' | 'central' | 'card' | 'paid' | 'posting' {
  const { state, sale } = open.order;
  if (state === 'collecting' || state === 'closed' || state === 'quoted') return 'payment';
  if (sale.kind === 'credit') return 'posting';
  // The card's key waits for the payment's evidence at central: nobody pulled the card out.
  if (open.order.reason === NOT_KNOWN_YET) return 'central';
  if (!s.cardOut && open.claim.failure !== null) return 'central';
  return state === 'paid' ? 'paid' : 'card';
}

/**
 * Its money goes back once a person has looked at the card: nothing is on it by the reader's word
 * only, and that was not enough.
 */
export function waitsForPerson({ order, claim, notProven, writing }: OpenOrder): boolean {
  return (
    notProven &&
    order.state === 'in-doubt' &&
    order.wantsRefund &&
    !writing &&
    claim.failure?.code === 'BILL-0111'
  );
}

/** How an unfinished order that was found by its card goes on. */
export function unfinishedState(
  open: OpenOrder,
): 'refunding' | 'refunded' | 'parked' | 'finishing' | 'found' {
  const { order, writing } = open;
  if (waitsForPerson(open) || (order.state === 'refunding' && isBeyondTheDay(open)))
    return 'parked';
  if (order.state === 'refunding' || order.state === 'refunded' || order.state === 'parked')
    return order.state;
  return writing ? 'finishing' : 'found';
}

/** Money that came besides what the order took, or after its end: it goes back by itself. */
export function heldBack(open: OpenOrder): AttemptRow | undefined {
  return open.attempts.find((a) => a.taken === false);
}

/** A debt is paid, and the card that it stood against is still in: it is recharged now. */
export function mayRecharge({ reader }: Pick<KioskState, 'reader'>, s: OrderSession): boolean {
  return (
    s.account?.card != null &&
    s.ending?.screen === 'done' &&
    s.account.restFen === 0 &&
    reader.state === 'present' &&
    reader.insertion === s.account.card
  );
}

/** What a write has told of itself, for whichever screen shows it. */
export function progressOf(
  writing: boolean,
  told: WriteProgress | null,
): Pick<SnapshotOf<'writing'>, 'stage' | 'steps'> {
  if (!writing) return { stage: 'preparing' };
  if (told === null) return { stage: 'writing' };
  const { stage, done, of } = told;
  return { stage, steps: { done, of } };
}

/** Central has the payment of this order and is crediting it, by its own last word. */
export const isTakenAtCentral = ({ order, claim }: OpenOrder): boolean =>
  order.sale.kind === 'credit' && claim.failure?.code === 'BILL-0113';
