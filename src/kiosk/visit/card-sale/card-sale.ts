import { isUsable } from '../../../device/device.ts';
import type { CardReading } from '../../../card/types.ts';
import type { Quote } from '../../../shared/central-api/index.ts';
import type { QuoteView, Snapshot } from '../../../shared/contract/index.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import type { KioskEvent, KioskState, Step } from '../../state/kiosk.ts';
import type { Now } from '../../state/order.ts';
import type { AmountSession, Purpose } from '../../state/visit.ts';
import { assistOrder } from '../card-assist.ts';
import { cardView } from '../card-view.ts';
import { halted } from '../../watch/selling.ts';
import { payChoices } from '../paying.ts';
import { KEEP_CARD } from '../service.ts';
import type { Service, VisitEvent } from '../service.ts';
import {
  active,
  cannotSell,
  leave,
  orderSession,
  rest,
  someMoreTime,
  step,
  untilDeadline,
} from '../step.ts';
import { confirming, isLargeSum } from '../large-sum.ts';
import { askingNoSlip, mustAgreeToNoSlip, noSlipView } from '../no-slip.ts';
import { screenMs } from '../times.ts';
import { wallMs } from '../view-base.ts';
import type { Base, ViewContext } from '../view-base.ts';
import { judgeAccount, mostFen, roomQuantity, tooMuch } from './sellable.ts';

/**
 * Gas onto the card: the customer chooses an amount, sees what it buys, and agrees. From then on
 * the order has the visit (order-visit.ts).
 */
export const cardSale: Service<'amount'> = {
  amount: {
    on: (state, s, event, ctx) => {
      if (event.type === 'intent') return onIntent(state, s, event.intent, ctx);
      if (event.type === 'preview') return onPreview(state, s, event);
      if (event.type !== 'order-not-begun' || s.insertion !== event.insertion) return null;
      const problem = event.failure.code;
      return step(state, { ...s, busy: null, confirming: false, slipless: false, problem });
    },
    outcome: (state, event, ctx) =>
      event.type === 'order-begun' ? onBegun(state, event, ctx) : null,
    settle: (state, s, ctx) =>
      s.busy === 'paying' && ctx.monoMs >= s.deadlineMono
        ? rest(state, s, null)
        : untilDeadline(state, s, ctx),
    givesWay: false,
    view: (state, s, base, ctx) => amountView(state, s, base, ctx),
    needs: () => KEEP_CARD,
  },
};

/**
 * Card and account are known, and the card was put in to buy, or for what may be unfinished: a sale
 * is offered if nothing stands against it.
 */
export function offerSale(
  state: KioskState,
  {
    reading,
    purpose,
  }: { readonly reading: CardReading; readonly purpose: Exclude<Purpose, 'query'> },
  event: Extract<KioskEvent, { type: 'account' }>,
  now: Now,
): Step {
  const { insertion, result, parked } = event;
  if (!result.ok) return cannotSell(state, now, result.error.code, reading);
  const { account, offline } = result.value;
  // Another kiosk's order was begun on this card and not finished: it is finished here, before
  // anything else is sold.
  const assisted = assistOrder(state, insertion, reading, account, now);
  if (assisted !== null) return assisted;
  if (parked !== null) {
    const { orderId } = parked.order;
    return step(
      { ...state, orders: new Map(state.orders).set(orderId, parked) },
      orderSession(orderId, insertion, true),
    );
  }
  const { policy } = state.service;
  if (policy === null) return cannotSell(state, now, 'SALE-0110', reading, account);
  const reason = judgeAccount(reading, account, policy);
  // Who looks for stuck money is told that there is none, and is not led to pay again.
  if (purpose === 'unfinished' && reason !== 'SALE-0107')
    return cannotSell(state, now, 'SALE-0115', reading, account);
  if (reason !== null) return cannotSell(state, now, reason, reading, account);
  // Whose purchase that is, and whether it still counts, only central could tell.
  if (offline && reading.unfinished) return cannotSell(state, now, 'SALE-0107', reading, account);
  if (state.service.lineUp === false) return cannotSell(state, now, 'SALE-0111', reading, account);
  if (state.service.blocked !== null)
    return cannotSell(state, now, state.service.blocked.code, reading, account);
  const halt = halted(state);
  if (halt !== null) return cannotSell(state, now, halt, reading, account);
  return step(state, {
    at: 'amount',
    insertion,
    reading,
    account,
    offline,
    chosenFen: null,
    quote: null,
    problem: null,
    busy: null,
    confirming: false,
    slipless: false,
    asked: 0,
    extended: 0,
    deadlineMono: now.monoMs + screenMs(state, 'amount'),
  });
}

function onIntent(
  state: KioskState,
  s: AmountSession,
  intent: Extract<VisitEvent, { type: 'intent' }>['intent'],
  now: Now,
): Step | null {
  if (intent.type === 'more-time') return someMoreTime(state, s, now);
  if (intent.type === 'activity') return active(state, s, screenMs(state, 'amount'), now);
  // The order is being begun: neither the amount nor the visit can be changed until that is known.
  if (s.busy === 'paying') return null;
  if (intent.type === 'exit') return step(state, leave(state, now));
  if (intent.type === 'pay') return pay(state, s, intent.value, now);
  if (s.confirming || s.slipless)
    return intent.type === 'back'
      ? step(state, { ...s, confirming: false, slipless: false })
      : null;
  return intent.type === 'choose-amount' ? chooseAmount(state, s, intent.value, now) : null;
}

/** The customer agrees to the quote that is shown; to a large sum, and to no slip, once more. */
function pay(state: KioskState, s: AmountSession, amountFen: number, now: Now): Step | null {
  if (
    s.busy !== null ||
    s.quote === null ||
    s.chosenFen !== amountFen ||
    s.quote.amountFen !== amountFen
  )
    return null;
  if (!s.confirming && isLargeSum(state, amountFen)) return step(state, confirming(state, s, now));
  if (mustAgreeToNoSlip(state, s)) return step(state, askingNoSlip(state, s, now));
  return step(
    state,
    { ...s, busy: 'paying', problem: null },
    { do: 'begin-order', session: s, amountFen },
  );
}

function chooseAmount(
  state: KioskState,
  s: AmountSession,
  amountFen: number,
  now: Now,
): Step | null {
  const { policy } = state.service;
  if (policy === null) return null;
  const asked = s.asked + 1;
  const chosen: AmountSession = {
    ...s,
    asked,
    chosenFen: null,
    quote: null,
    busy: null,
    confirming: false,
    slipless: false,
    problem: null,
    deadlineMono: Math.max(s.deadlineMono, now.monoMs + screenMs(state, 'amount') / 2),
  };
  const refused = (problem: ErrorCode): Step => step(state, { ...chosen, problem });
  if (amountFen < policy.minFen || amountFen > policy.maxFen) return refused('SALE-0105');
  if (amountFen > mostFen(s.reading, s.account, policy))
    return refused(tooMuch(s.reading, s.account));
  return step(
    state,
    { ...chosen, chosenFen: amountFen, busy: 'quoting' },
    { do: 'preview', asked, reading: s.reading, account: s.account, offline: s.offline, amountFen },
  );
}

function onPreview(
  state: KioskState,
  s: AmountSession,
  event: Extract<KioskEvent, { type: 'preview' }>,
): Step | null {
  if (s.asked !== event.asked || s.busy !== 'quoting') return null;
  const refused = (problem: ErrorCode): Step =>
    step(state, { ...s, busy: null, quote: null, problem });
  if (!event.result.ok) return refused(event.result.error.code);
  const { quote, offline } = event.result.value;
  if (quote.quantity > roomQuantity(s.reading, s.account))
    return refused(tooMuch(s.reading, s.account));
  return step(state, { ...s, busy: null, quote, offline, problem: null });
}

/** All is at hand to make the order. Where the customer went away meanwhile, none is made. */
function onBegun(
  state: KioskState,
  event: Extract<KioskEvent, { type: 'order-begun' }>,
  now: Now,
): Step {
  const s = state.session;
  if (
    s.at !== 'amount' ||
    halted(state) !== null ||
    s.insertion !== event.insertion ||
    s.busy !== 'paying'
  )
    return step(state, s, { do: 'release', orderId: event.orderId });
  // The printer was well when he agreed.
  if (mustAgreeToNoSlip(state, s))
    return step(state, askingNoSlip(state, { ...s, busy: null }, now), {
      do: 'release',
      orderId: event.orderId,
    });
  return step(state, orderSession(event.orderId, event.insertion, false), {
    do: 'journal',
    events: event.events,
  });
}

function amountView(state: KioskState, s: AmountSession, base: Base, ctx: ViewContext): Snapshot {
  const { policy } = state.service;
  if (s.slipless && s.quote !== null) {
    const { amountFen } = s.quote;
    const shown = { busy: s.busy !== null, deadlineMono: s.deadlineMono };
    return noSlipView(state, shown, { amountFen, card: true }, base, ctx);
  }
  if (s.confirming && s.quote !== null) return confirmView(s, s.quote, base, ctx);
  const maxFen = policy === null ? 0 : mostFen(s.reading, s.account, policy);
  return {
    ...base,
    screen: 'amount',
    card: cardView(s.reading, s.account),
    // Only what can be had: a preset over the meter's room or the account's limit would be answered
    // with a refusal.
    presetsFen: policy === null ? [] : policy.presetsFen.filter((fen) => fen <= maxFen),
    minFen: policy?.minFen ?? 0,
    maxFen,
    limited: policy !== null && maxFen < policy.maxFen,
    chosenFen: s.chosenFen,
    quote: s.quote === null ? null : quoteView(s.quote, s.offline),
    problem: s.problem,
    busy: s.busy !== null,
    providers: [...payChoices(state)],
    printerReady: isUsable(state.service.devices, 'printer'),
    deadlineMs: wallMs(ctx, s.deadlineMono),
  };
}

function quoteView(q: Quote, offline: boolean): QuoteView {
  return {
    amountFen: q.amountFen,
    quantity: q.quantity,
    shares: q.shares.map(({ tier, priceE4, quantity }) => ({ tier, priceE4, quantity })),
    carriedUsedMicro: q.carriedUsedMicro,
    carriedAfterMicro: q.carriedAfterMicro,
    offline,
  };
}

function confirmView(s: AmountSession, quote: Quote, base: Base, ctx: ViewContext): Snapshot {
  const { holderMasked, cardMasked, unit } = cardView(s.reading, s.account);
  return {
    ...base,
    screen: 'confirm-sum',
    holderMasked,
    number: cardMasked,
    amountFen: quote.amountFen,
    goods: { quantity: quote.quantity, unit },
    busy: s.busy !== null,
    deadlineMs: wallMs(ctx, s.deadlineMono),
  };
}
