import type { CardReading } from '../../card/types.ts';
import { never } from '../../shared/result.ts';
import { cardNoOf } from '../../shared/sale.ts';
import { refusedLately } from '../delivery/card-refusals.ts';
import type { ReduceContext } from '../state/context.ts';
import type { KioskEvent, KioskState, Step } from '../state/kiosk.ts';
import type { Now } from '../state/order.ts';
import type { InsertCardSession, Purpose, ReadingSession } from '../state/visit.ts';
import { showCard } from './card-query.ts';
import { offerSale } from './card-sale/card-sale.ts';
import { judgeCard } from './card-sale/sellable.ts';
import { isOpenByNumber, openByCard, openByNumber } from './my-account/my-account.ts';
import { findOrder } from './order-status.ts';
import { GIVE_CARD_BACK, KEEP_CARD } from './service.ts';
import type { Service } from './service.ts';
import {
  IDLE,
  active,
  cannotSell,
  moreTime,
  orderSession,
  readCard,
  rest,
  step,
  untilDeadline,
} from './step.ts';
import { screenMs } from './times.ts';
import { wallMs } from './view-base.ts';

/**
 * A card is asked for and read, and its account asked for: so every visit begins that a card is put
 * in for. What for, `purpose` says, and so which service goes on with it ({@link onAccount}).
 */
export const cardIn: Service<'insert-card' | 'reading'> = {
  'insert-card': {
    on: (state, s, event, ctx) => {
      if (event.type === 'reader') {
        if (event.state === 'present') return readCard(state, event.insertion, s.purpose);
        return event.state === 'empty' ? { state, effects: [] } : null;
      }
      if (event.type !== 'intent') return null;
      const { intent } = event;
      if (intent.type === 'exit') return step(state, IDLE);
      if (intent.type === 'more-time') return moreTime(state, s, ctx);
      if (intent.type === 'activity') return active(state, s, screenMs(state, 'insert-card'), ctx);
      if (intent.type === 'my-number' && s.purpose === 'query') return openByNumber(state, ctx);
      return intent.type === 'find-order' && s.purpose === 'unfinished'
        ? findOrder(state, intent.value, ctx)
        : null;
    },
    settle: untilDeadline,
    givesWay: true,
    view: (state, s, base, ctx) => ({
      ...base,
      screen: 'insert-card',
      purpose: s.purpose,
      ...(s.purpose === 'query' && isOpenByNumber(state) ? { byNumber: true as const } : {}),
      deadlineMs: wallMs(ctx, s.deadlineMono),
    }),
    needs: () => GIVE_CARD_BACK,
  },
  reading: {
    on: (state, s, event, ctx) => {
      if (event.type === 'card-read') return onCardRead(state, s, event, ctx);
      return event.type === 'account' ? onAccount(state, s, event, ctx) : null;
    },
    settle: (state, s) => rest(state, s, null),
    givesWay: true,
    view: (_state, s, base) => ({ ...base, screen: 'reading', stage: s.stage }),
    needs: () => KEEP_CARD,
  },
};

/** A tile of the start screen was chosen that a card is needed for. */
export function askForCard(
  state: KioskState,
  purpose: InsertCardSession['purpose'],
  now: Now,
): Step {
  return step(state, {
    at: 'insert-card',
    purpose,
    deadlineMono: now.monoMs + screenMs(state, 'insert-card'),
  });
}

function onCardRead(
  state: KioskState,
  s: ReadingSession,
  event: Extract<KioskEvent, { type: 'card-read' }>,
  now: Now,
): Step | null {
  if (s.insertion !== event.insertion) return null;
  if (!event.result.ok) return cannotSell(state, now, event.result.error.code, null);
  const reading = event.result.value;
  const order = orderFirst(state, event.insertion, reading, s.purpose, now);
  if (order !== null) return order;
  const reason = judgeCard(reading);
  if (reason !== null && s.purpose !== 'query') return cannotSell(state, now, reason, reading);
  if (s.purpose === 'buy' && refusedLately(state.refusals, reading, now.monoMs))
    return cannotSell(state, now, 'CARD-0201', reading);
  return step(
    state,
    { ...s, stage: 'account', reading },
    { do: 'ask-account', insertion: event.insertion, reading },
  );
}

/**
 * An order of this card, or of another card of its account, comes before anything that the card was
 * put in for. Null: there is none.
 */
function orderFirst(
  state: KioskState,
  insertion: number,
  reading: CardReading,
  purpose: Purpose,
  now: Now,
): Step | null {
  for (const { order } of state.orders.values()) {
    if (cardNoOf(order) !== reading.cardNo) continue;
    if (order.state === 'paid' || order.state === 'delivering' || order.state === 'in-doubt')
      return step(state, orderSession(order.orderId, insertion, true));
    if ((order.state === 'quoted' || order.state === 'collecting') && purpose !== 'query')
      return cannotSell(state, now, 'SALE-0114', reading);
    if (order.state === 'refunding' && purpose === 'unfinished')
      return step(state, orderSession(order.orderId, insertion, true));
  }
  if (purpose === 'query') return null;
  // Another card of the same account: its next count may be the other order's.
  for (const { order } of state.orders.values()) {
    if (order.sale.userNo !== reading.userNo || cardNoOf(order) === reading.cardNo) continue;
    // What is posted to the account has no count.
    if (order.sale.kind !== 'card') continue;
    if (order.state === 'paid' || order.state === 'delivering' || order.state === 'in-doubt')
      return cannotSell(state, now, 'SALE-0107', reading);
    if (order.state === 'quoted' || order.state === 'collecting')
      return cannotSell(state, now, 'SALE-0114', reading);
  }
  return null;
}

/** Where the policy shows accounts it is the customer's, else the card alone. */
function lookAt(
  state: KioskState,
  insertion: number,
  reading: CardReading,
  result: Extract<KioskEvent, { type: 'account' }>['result'],
  now: Now,
): Step {
  const account = result.ok ? result.value.account : null;
  if (state.service.policy?.myAccount === undefined) return showCard(state, reading, account, now);
  // A card that central does not know was answered all the same.
  const offline = result.ok ? result.value.offline : result.error.code !== 'SALE-0103';
  return openByCard(state, { insertion, reading, account, offline }, now);
}

/** Everything is known that a service goes on with. */
function onAccount(
  state: KioskState,
  s: ReadingSession,
  event: Extract<KioskEvent, { type: 'account' }>,
  ctx: ReduceContext,
): Step | null {
  const { reading, purpose } = s;
  if (s.insertion !== event.insertion || reading === null) return null;
  switch (purpose) {
    case 'query':
      return lookAt(state, s.insertion, reading, event.result, ctx);
    case 'buy':
    case 'unfinished':
      return offerSale(state, { reading, purpose }, event, ctx);
    default:
      return never(purpose);
  }
}
