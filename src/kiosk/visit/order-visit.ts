import type { Rating } from '../../shared/ratings.ts';
import { isUsable } from '../../device/device.ts';
import { never } from '../../shared/result.ts';
import { cardNoOf } from '../../shared/sale.ts';
import { isBeyondTheDay, UNKNOWN_GIVE_UP_MS } from '../order/attempt-run.ts';
import type { ReduceContext } from '../state/context.ts';
import type { Effect, KioskEvent, KioskState, Step } from '../state/kiosk.ts';
import type { Now, OpenOrder } from '../state/order.ts';
import type {
  OrderEnding,
  OrderScreen,
  OrderSession,
  ReadingSession,
  Session,
} from '../state/visit.ts';
import { accountAgain, NO_CARD } from './account-sale/account-sale.ts';
import { cardIn } from './card-in.ts';
import {
  askingFirst,
  doubtOf,
  heldBack,
  mayRecharge,
  orderScreen,
  unfinishedState,
  waitsForPerson,
} from './order-screen.ts';
import { orderView } from './order-view.ts';
import {
  againOffered,
  cancelOffered,
  checkPayment,
  newCode,
  onScanned,
  payWith,
  scanOffered,
} from './paying.ts';
import { GIVE_CARD_BACK, KEEP_CARD } from './service.ts';
import type { Needs, Service, VisitEvent } from './service.ts';
import { leave, readCard, rest, step } from './step.ts';
import type { Settled } from './step.ts';
import { moreTimeMs, screenMs } from './times.ts';

/**
 * The visit of an order, whichever service sold it: it is paid for, delivered, and its end is told.
 * Orders move by themselves (orders.ts); this is what the customer sees of it, and may do.
 */
export const orderVisit: Service<'order'> = {
  order: {
    on: onOrder,
    outcome: (state, event) => (event.type === 'printed' ? onPrinted(state, event) : null),
    settle: settleOrder,
    givesWay: false,
    view: (state, s, base, ctx) => {
      if (maybeAnothers(state, s)) return { ...base, screen: 'reading', stage: 'card' };
      const open = state.orders.get(s.orderId);
      return open === undefined
        ? { ...base, screen: 'reading', stage: 'account' }
        : orderView(state, s, open, base, ctx);
    },
    needs: (state, s) => {
      const open = state.orders.get(s.orderId);
      if (open === undefined || maybeAnothers(state, s)) return KEEP_CARD;
      const needs = orderNeeds(state, s, open);
      return hasPaper(s) ? { ...needs, printer: true } : needs;
    },
  },
};

function onOrder(
  state: KioskState,
  s: OrderSession,
  event: VisitEvent,
  ctx: ReduceContext,
): Step | null {
  if (event.type === 'reader') return onReader(state, s, event, ctx);
  if (event.type === 'card-read') return onCardRead(state, s, event, ctx);
  if (event.type === 'scanned') return onScanned(state, event);
  return event.type === 'intent' ? onIntent(state, s, event.intent, ctx) : null;
}

function onReader(
  state: KioskState,
  s: OrderSession,
  event: Extract<KioskEvent, { type: 'reader' }>,
  now: Now,
): Step | null {
  if (s.insertion === NO_CARD) return onOtherCard(state, s, event);
  switch (event.state) {
    case 'present': {
      // Only an order that waits for a card keeps the screen; one whose payment is asked about in
      // the background lets the next visit begin.
      const paymentInDoubt = s.gaveUp && s.ending !== null;
      if (paymentInDoubt || (s.ending !== null && s.ending.screen !== 'in-doubt')) return null;
      return step({ ...state, cardBusy: true }, s, { do: 'read-card', insertion: event.insertion });
    }
    case 'mute':
      return s.ending === null ? { state, effects: [] } : null;
    case 'leaving':
      return null;
    case 'empty':
    case 'offline':
      return step(state, cardLeft(state, s, now));
    default:
      return never(event.state);
  }
}

/**
 * Nothing is bought for a card here: one that comes or goes while it is paid for changes nothing,
 * and begins a visit of its own once the end of this one is told.
 */
function onOtherCard(
  state: KioskState,
  s: OrderSession,
  event: Extract<KioskEvent, { type: 'reader' }>,
): Step | null {
  return event.state === 'present' && s.ending !== null ? null : { state, effects: [] };
}

/** The card was taken while this order has the visit. */
function cardLeft(state: KioskState, s: OrderSession, now: Now): Session {
  const open = state.orders.get(s.orderId);
  if (s.ending?.screen === 'done')
    return {
      ...s,
      cardOut: true,
      ending: { ...s.ending, deadlineMono: now.monoMs + thanksMs(state) },
    };
  if (open?.order.state === 'collecting' && s.closeWhy === null && !s.gaveUp)
    return { ...s, cardOut: true, closeWhy: 'card-removed' };
  return { ...s, cardOut: true };
}

/**
 * A card is in that was not there when the visit was last known to be its own customer's: until it
 * is read nobody knows whose it is, and no sum and no order number is shown to him.
 */
function maybeAnothers({ reader, card }: KioskState, s: OrderSession): boolean {
  return (
    s.insertion !== NO_CARD &&
    reader.state === 'present' &&
    reader.insertion !== s.insertion &&
    card?.insertion !== reader.insertion
  );
}

/**
 * A card was put in while this order has the visit. The order's own: the visit goes on. Any other
 * card, or one that cannot be read, is somebody else's visit; the order waits for its own.
 */
function onCardRead(
  state: KioskState,
  s: OrderSession,
  event: Extract<KioskEvent, { type: 'card-read' }>,
  ctx: ReduceContext,
): Step | null {
  const { insertion, result } = event;
  if (s.insertion === NO_CARD) return { state, effects: [] };
  const open = state.orders.get(s.orderId);
  // A write has to end first; then the card is read once more.
  if (insertion === s.insertion || open === undefined || open.writing) return step(state, s);
  if (result.ok && result.value.cardNo === cardNoOf(open.order))
    return step(state, { ...s, insertion });
  // Nobody was seen to take the card out while he pays.
  if (!result.ok && s.ending === null && s.closeWhy === null) return step(state, s);
  const own: ReadingSession = {
    at: 'reading',
    insertion,
    stage: 'card',
    purpose: 'buy',
    reading: null,
  };
  return cardIn.reading.on({ ...state, session: own }, own, event, ctx);
}

/** A paper came out, or did not: a fact of its order, and of the visit if that is still about it. */
function onPrinted(state: KioskState, event: Extract<KioskEvent, { type: 'printed' }>): Step {
  const { orderId, what, paper } = event;
  const ok = paper === 'printed';
  const body = paper === 'partly' ? { what, ok, partly: true as const } : { what, ok };
  const fact: Effect = {
    do: 'journal',
    events: [{ kind: 'slip-printed', orderId, body }],
  };
  const counted = { ...state, papers: onePaperMore(state.papers, orderId) };
  const s = state.session;
  if (s.at !== 'order' || s.orderId !== orderId) return { state: counted, effects: [fact] };
  return step(counted, what === 'receipt' ? { ...s, receipt: paper } : { ...s, slip: paper }, fact);
}

function onIntent(
  state: KioskState,
  s: OrderSession,
  intent: Extract<VisitEvent, { type: 'intent' }>['intent'],
  now: Now,
): Step | null {
  if (intent.type === 'pay-with') return payWith(state, intent.value);
  if (intent.type === 'exit') return mayExit(s) ? step(state, leave(state, now)) : null;
  // From a screen that says how it ended; thanks end by themselves.
  if (intent.type === 'leave')
    return s.ending !== null && s.ending.screen !== 'done' ? step(state, leave(state, now)) : null;
  const open = state.orders.get(s.orderId);
  if (intent.type === 'more-time')
    return newCode(state, now) ?? buyAgain(state, s, open) ?? longer(state, s, open, now);
  if (intent.type === 'activity') return longer(state, s, open, now);
  if (open === undefined) return null;
  if (intent.type === 'cancel')
    return cancelOffered(s, open) ? step(state, { ...s, closeWhy: 'customer' }) : null;
  if (intent.type === 'rate') return rate(state, s, intent.value, now);
  if (intent.type === 'pay-next')
    return s.account !== null && s.account.restFen > 0 && s.ending?.screen === 'done'
      ? accountAgain(state, s.account, now)
      : null;
  if (intent.type === 'recharge')
    return mayRecharge(state, s) ? readCard(state, state.reader.insertion, 'buy') : null;
  if (intent.type === 'check-payment') return checkPayment(state, s, open, now);
  return intent.type === 'print' ? printAgain(state, s, open) : null;
}

/** One touch on the thanks screen, once a visit; whoever rates is still there. */
function rate(state: KioskState, s: OrderSession, rating: Rating, now: Now): Step | null {
  if (s.ending?.screen !== 'done' || s.rated !== null) return null;
  const deadlineMono = Math.max(s.ending.deadlineMono, now.monoMs + screenMs(state, 'rated'));
  return step(
    state,
    { ...s, rated: rating, ending: { ...s.ending, deadlineMono } },
    { do: 'journal', events: [{ kind: 'visit-rated', orderId: s.orderId, body: { rating } }] },
  );
}

/** Not while the order goes on, nor before its card is taken. */
function mayExit({ ending, cardOut }: OrderSession): boolean {
  return ending !== null && (ending.screen !== 'done' || cardOut);
}

/** The same card once more, from the beginning: its account may have changed. */
function buyAgain(state: KioskState, s: OrderSession, open: OpenOrder | undefined): Step | null {
  return open !== undefined && s.ending?.screen === 'cancelled' && againOffered(state, s, open)
    ? readCard(state, s.insertion, 'buy')
    : null;
}

/**
 * More time for a card to be put back, or to read how it ended and photograph the number. The wait
 * for a paid order's card is the order's own.
 */
function longer(
  state: KioskState,
  s: OrderSession,
  open: OpenOrder | undefined,
  now: Now,
): Step | null {
  const { ending } = s;
  if (ending === null || ending.screen === 'cancelled' || !mayExit(s)) return null;
  if (ending.screen === 'in-doubt' && open?.order.state === 'paid') return null;
  const more = ending.screen === 'in-doubt' ? screenMs(state, 'in-doubt') : moreTimeMs(state);
  const deadlineMono = Math.max(ending.deadlineMono, now.monoMs + more);
  return step(state, { ...s, ending: { ...ending, deadlineMono } });
}

/**
 * A receipt, the slips of an order in doubt, and some that did not come out. A card that is put in
 * again and again, or a finger on the button, does not take the roll: the screen shows the number.
 */
const MAX_PAPERS = 8;
/** Orders whose papers are remembered. */
const MAX_COUNTED = 1_000;

function mayPrint({ papers }: Pick<KioskState, 'papers'>, orderId: string): boolean {
  return (papers.get(orderId) ?? 0) < MAX_PAPERS;
}

function onePaperMore(papers: KioskState['papers'], orderId: string): KioskState['papers'] {
  const counted = new Map(papers);
  counted.delete(orderId);
  counted.set(orderId, (papers.get(orderId) ?? 0) + 1);
  for (const oldest of counted.keys()) {
    if (counted.size <= MAX_COUNTED) break;
    counted.delete(oldest);
  }
  return counted;
}

/** The customer wants the paper of an order that is over: a receipt, or a slip of how it stands. */
function printAgain(state: KioskState, s: OrderSession, open: OpenOrder): Step | null {
  const { orderId } = s;
  if (!mayPrint(state, orderId)) return null;
  if (open.order.state === 'delivered')
    return s.receipt === 'printing'
      ? null
      : step(state, { ...s, receipt: 'printing' }, { do: 'print', orderId, what: 'receipt' });
  return s.slip === 'printing' || s.ending === null
    ? null
    : step(state, { ...s, slip: 'printing' }, { do: 'print', orderId, what: slipOf(open) });
}

function slipOf(open: OpenOrder): 'in-doubt' | 'refund' | 'parked' {
  if (waitsForPerson(open) || isBeyondTheDay(open)) return 'parked';
  if (open.order.state === 'in-doubt' && open.order.wantsRefund) return 'refund';
  if (open.order.state === 'refunding' || open.order.state === 'refunded') return 'refund';
  return open.order.state === 'parked' ? 'parked' : 'in-doubt';
}

/** Something was printed in this visit, or is being so. */
const hasPaper = ({ receipt, slip }: OrderSession): boolean =>
  [receipt, slip].some((paper) => paper === 'printing' || paper === 'printed');

function orderNeeds(state: KioskState, s: OrderSession, open: OpenOrder): Needs {
  const screen = orderScreen(s, open);
  if (s.insertion === NO_CARD)
    return {
      card:
        s.account?.card != null ? 'in' : screen === 'pay' || screen === 'writing' ? 'shut' : 'out',
      scanner: screen === 'pay' && scanOffered(s, open),
    };
  switch (screen) {
    case 'pay':
      return { card: 'in', scanner: scanOffered(s, open) };
    case 'writing':
      return KEEP_CARD;
    case 'unfinished': {
      const stands = unfinishedState(open);
      return stands === 'found' || stands === 'finishing' ? KEEP_CARD : GIVE_CARD_BACK;
    }
    case 'in-doubt':
      // Central's word is waited for, and then the same card is written. One that waits for its
      // payment's evidence is written when it is put in again.
      return doubtOf(s, open) === 'central' && open.claim.failure !== null
        ? KEEP_CARD
        : GIVE_CARD_BACK;
    case 'cancelled':
      return againOffered(state, s, open) ? KEEP_CARD : GIVE_CARD_BACK;
    case 'done':
    case 'refunding':
      return GIVE_CARD_BACK;
    default:
      return never(screen);
  }
}

function settleOrder(state: KioskState, s: OrderSession, now: Now): Settled {
  const open = state.orders.get(s.orderId);
  if (open === undefined) return rest(state, leave(state, now), now.monoMs);
  // The card's read ends that, and no time does.
  if (maybeAnothers(state, s)) return rest(state, s, null);
  const waited = giveUp(answered(s, open), open, now);
  const screen = orderScreen(waited.session, open);
  const { session, effects } = isOver(screen, open)
    ? endAs(screen, state, waited.session, open, now)
    : { session: { ...waited.session, ending: null }, effects: [] };
  const { ending } = session;
  // Thanks are said until the card is out.
  if (ending === null || (screen === 'done' && !session.cardOut))
    return rest(state, session, waited.wakeAtMono, ...effects);
  const waitsForCard = open.order.state === 'paid' && open.waitCardUntilMono !== null;
  if (now.monoMs >= ending.deadlineMono && !waitsForCard)
    return rest(state, leave(state, now), now.monoMs, ...effects);
  return rest(
    state,
    session,
    Math.min(waited.wakeAtMono ?? ending.deadlineMono, ending.deadlineMono),
    ...effects,
  );
}

/** "I have paid" was tapped, and the provider answered since. */
function answered(s: OrderSession, open: OpenOrder): OrderSession {
  if (s.lastCheck !== 'asking') return s;
  const attempt = open.attempts.at(-1);
  // Another way of paying has begun: the question is void.
  if (s.checked?.attemptId !== attempt?.attemptId) return { ...s, lastCheck: null };
  const run = attempt === undefined ? undefined : open.runs.get(attempt.attemptId);
  return run !== undefined && run.asked > (s.checked?.asked ?? 0)
    ? { ...s, lastCheck: run.lastFailure === null ? 'not-paid' : 'line-down' }
    : s;
}

/** Nobody knows whether it was paid: after a while the customer is let go, and the asking goes on. */
function giveUp(
  s: OrderSession,
  open: OpenOrder,
  now: Now,
): { readonly session: OrderSession; readonly wakeAtMono: number | null } {
  const attempt = open.attempts.at(-1);
  const run = attempt === undefined ? undefined : open.runs.get(attempt.attemptId);
  if (open.order.state !== 'collecting' || s.gaveUp || run?.unknownSinceMono == null)
    return { session: s, wakeAtMono: null };
  const at = run.unknownSinceMono + UNKNOWN_GIVE_UP_MS;
  return now.monoMs >= at
    ? { session: { ...s, gaveUp: true, closeWhy: s.closeWhy ?? 'expired' }, wakeAtMono: null }
    : { session: s, wakeAtMono: at };
}

/** Does this screen end by itself? */
function isOver(screen: OrderScreen, open: OpenOrder): screen is OrderEnding['screen'] {
  if (screen === 'unfinished')
    return !(open.writing || open.order.state === 'paid' || askingFirst(open));
  return screen !== 'pay' && screen !== 'writing';
}

/** The order came to a screen that ends by itself: its time begins, and its paper is printed. */
function endAs(
  screen: OrderEnding['screen'],
  state: KioskState,
  s: OrderSession,
  open: OpenOrder,
  now: Now,
): { readonly session: OrderSession; readonly effects: readonly Effect[] } {
  const money = moneyTold(screen, open);
  if (s.ending?.screen === screen && s.ending.money === money) return { session: s, effects: [] };
  const inside = state.reader.state === 'present' || state.reader.state === 'leaving';
  const session: OrderSession = {
    ...s,
    ending: {
      screen,
      money,
      deadlineMono:
        (screen === 'in-doubt' ? open.waitCardUntilMono : null) ??
        now.monoMs +
          (screen === 'cancelled' && againOffered(state, s, open)
            ? screenMs(state, 'again')
            : endMs(state, screen)),
    },
    cardOut: screen === 'done' && s.insertion !== NO_CARD ? !inside : s.cardOut,
  };
  const { orderId } = s;
  if (
    !isUsable(state.service.devices, 'printer') ||
    screen === 'cancelled' ||
    !mayPrint(state, orderId)
  )
    return { session, effects: [] };
  if (screen === 'done')
    return session.receipt === 'none'
      ? {
          session: { ...session, receipt: 'printing' },
          effects: [{ do: 'print', orderId, what: 'receipt' }],
        }
      : { session, effects: [] };
  // What was in doubt is known now: another slip.
  return s.slip === 'none' ||
    waitsForPerson(open) ||
    isBeyondTheDay(open) ||
    (s.ending?.screen === 'in-doubt' && screen !== 'in-doubt')
    ? {
        session: { ...session, slip: 'printing' },
        effects: [{ do: 'print', orderId, what: slipOf(open) }],
      }
    : { session, effects: [] };
}

/** Thanks with a code to scan stay longer. */
const thanksMs = (state: KioskState): number =>
  screenMs(state, state.service.policy?.receipts === undefined ? 'thanks' : 'thanks-with-code');

function endMs(state: KioskState, screen: OrderEnding['screen']): number {
  if (screen === 'done') return thanksMs(state);
  if (screen === 'cancelled') return screenMs(state, 'cancelled');
  return screen === 'in-doubt' ? screenMs(state, 'in-doubt') : screenMs(state, 'refunded');
}

/** How the money stands that this screen tells of. */
function moneyTold(screen: OrderEnding['screen'], open: OpenOrder): OrderEnding['money'] {
  if (screen !== 'refunding' && screen !== 'unfinished') return null;
  const { state } = open.order;
  if (waitsForPerson(open) || isBeyondTheDay(open)) return 'parked';
  return state === 'closed' ? (heldBack(open)?.state ?? null) : state;
}
