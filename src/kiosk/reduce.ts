import { never } from '../shared/result.ts';
import { cardSaleOf } from '../shared/sale.ts';
import { afterWrite, refusalFact } from './delivery/card-refusals.ts';
import { maintenanceStep, settleVisitor } from './maintenance/mode.ts';
import type { AdvanceContext } from './order/advance.ts';
import { onCall } from './order/answers.ts';
import { advance, HOLD_AWAY_MS, restsUntil } from './orders.ts';
import { onClaimed, onCommand } from './order/claims.ts';
import { cardDelivery, orderKept } from './delivery/card.ts';
import { creditDelivery } from './delivery/credit.ts';
import { putOrder } from './state/context.ts';
import type { ReduceContext } from './state/context.ts';
import type { Effect, KioskEvent, KioskState, Step } from './state/kiosk.ts';
import type { OpenOrder } from './state/order.ts';
import { assistKept } from './visit/card-assist.ts';
import { onCaptured, settleLeft } from './visit/left-card.ts';
import { headphonesSet } from './visit/manner.ts';
import { visitStep } from './visit/visit.ts';
import { halted } from './watch/selling.ts';

/** One event: what it does to the orders, then to the session. Pure. */
export function reduce(state: KioskState, event: KioskEvent, ctx: ReduceContext): Step {
  const technician = maintenanceStep(state, event, ctx);
  if (technician !== null) return technician;
  switch (event.type) {
    case 'called': {
      const open = state.orders.get(event.orderId);
      if (open === undefined) return { state, effects: [] };
      const next = onCall(open, event.attemptId, event.call, ctx);
      return { state: putOrder(state, next.open), effects: next.effects };
    }
    case 'written':
      return onOrderWritten(state, event, ctx);
    case 'progress':
      return onProgress(state, event);
    case 'keep':
      return onKeep(state, event);
    case 'claimed': {
      const open = state.orders.get(event.orderId);
      if (open === undefined) return { state, effects: [] };
      const next = onClaimed(open, event, ctx);
      return { state: putOrder(state, next.open), effects: next.effects };
    }
    case 'posted': {
      const open = state.orders.get(event.orderId);
      if (open === undefined) return { state, effects: [] };
      const next = creditDelivery.ended(open, { result: event.result }, ctx);
      return { state: putOrder(state, next.open), effects: next.effects };
    }
    case 'command': {
      const open = state.orders.get(event.command.orderId);
      if (open === undefined) return { state, effects: [] };
      const next = onCommand(open, event.command);
      return { state: putOrder(state, next.open), effects: next.effects };
    }
    case 'captured':
      return onCaptured(state, event);
    case 'headphones':
      return {
        state: { ...headphonesSet(state, event.plugged, ctx), pluggedByKey: false },
        effects: [],
      };
    case 'device-changed': {
      const fact = { kind: 'device-changed', orderId: null, body: event.change } as const;
      return { state, effects: [{ do: 'journal', events: [fact] }] };
    }
    case 'speaker-level':
      return { state: { ...state, speakerLevel: event.level }, effects: [] };
    case 'heard':
      return onHeard(state, event);
    case 'service':
      return { state: { ...state, service: { ...state.service, ...event.change } }, effects: [] };
    case 'reader':
    case 'card-read':
    case 'account':
    case 'preview':
    case 'order-begun':
    case 'order-not-begun':
    case 'order-found':
    case 'request':
    case 'my-account':
    case 'credit-account':
    case 'credit-begun':
    case 'credit-not-begun':
    case 'printed':
    case 'scanned':
    case 'intent':
    case 'assist-claimed':
    case 'assist-written':
      return visitStep(state, event, ctx);
    case 'maintenance':
    case 'tick':
      return { state, effects: [] };
    default:
      return never(event);
  }
}

/** The write of an order ended; the card says how. */
function onOrderWritten(
  state: KioskState,
  event: Extract<KioskEvent, { type: 'written' }>,
  ctx: ReduceContext,
): Step {
  const open = state.orders.get(event.orderId);
  const layout = open === undefined ? undefined : ctx.layout(cardSaleOf(open.order).layout);
  if (open === undefined || layout === undefined)
    return { state: { ...state, cardBusy: false }, effects: [] };
  const { applied, image, unwritten, lookedMono } = event;
  const end = { layout, applied, image, unwritten, lookedMono };
  const next = cardDelivery.ended(open, end, ctx);
  const { cardNo } = cardSaleOf(open.order);
  const refusals = afterWrite(state.refusals, { layout: layout.id, cardNo }, applied, ctx.monoMs);
  // What was read before the write is no longer true: the card is read again if it is still
  // there.
  const present = state.reader.state === 'present';
  const reread: Effect[] = present ? [{ do: 'read-card', insertion: state.reader.insertion }] : [];
  return {
    state: { ...putOrder(state, next.open), card: null, cardBusy: present, refusals },
    effects: [...refusalFact(open.order.orderId, event.refused), ...next.effects, ...reread],
  };
}

/** Only the screen follows: of a write that is over, or another's, nothing is shown. */
function onProgress(
  state: KioskState,
  { orderId, insertion, progress }: Extract<KioskEvent, { type: 'progress' }>,
): Step {
  const open = state.orders.get(orderId);
  if (open?.writing === true && open.judgedInsertion === insertion)
    return { state: putOrder(state, { ...open, progress }), effects: [] };
  const s = state.session;
  const shown = s.at === 'assist' && s.orderId === orderId && s.stage === 'writing';
  return { state: shown ? { ...state, session: { ...s, progress } } : state, effects: [] };
}

/** What a card said in the middle of a write is durable before the write goes on. */
function onKeep(state: KioskState, event: Extract<KioskEvent, { type: 'keep' }>): Step {
  const { orderId, assist } = event;
  const fact = assist ? assistKept(state, event) : orderKept(state.orders.get(orderId), event);
  if (fact === null) return { state, effects: [{ do: 'kept', orderId, ok: false }] };
  return {
    state: fact.state ?? state,
    effects: [
      { do: 'journal', events: [fact.event] },
      { do: 'kept', orderId, ok: true },
    ],
  };
}

/** Central was heard, or is away: what was held back for its word goes on at once, or sooner. */
function onHeard(state: KioskState, event: Extract<KioskEvent, { type: 'heard' }>): Step {
  const { hold } = state;
  if (hold === null) return { state, effects: [] };
  return {
    state: {
      ...state,
      hold:
        event.how === 'answered'
          ? null
          : { ...hold, untilMono: Math.min(hold.untilMono, hold.sinceMono + HOLD_AWAY_MS) },
    },
    effects: [],
  };
}

/**
 * After an event, until nothing moves: every order asks for its next step, then the session
 * settles. One step a call; the caller carries out the effects (the journal first), refreshes the
 * rows and calls again.
 */
export function settle(
  state: KioskState,
  ctx: ReduceContext,
): Step & { readonly wakeAtMono: number | null } {
  let wake: number | null = null;
  const note = (at: number | null): void => {
    if (at !== null) wake = wake === null ? at : Math.min(wake, at);
  };
  let current = state;
  const effects: Effect[] = [];
  for (const open of state.orders.values()) {
    const rests = restsUntil(open, ctx.monoMs);
    if (rests !== undefined) {
      note(rests);
      continue;
    }
    const next = advance(open, advanceContext(current, open, ctx));
    if (next.open !== open) current = putOrder(current, next.open);
    if (next.effects.some((e) => e.do === 'write')) current = { ...current, cardBusy: true };
    // Looked at anew: what was read before counts no more.
    if (next.effects.some((e) => e.do === 'read-card'))
      current = { ...current, card: null, cardBusy: true };
    effects.push(...next.effects);
    note(next.wakeAtMono);
  }
  if (effects.some((e) => e.do === 'journal'))
    return { state: current, effects, wakeAtMono: ctx.monoMs };
  const settled = settleVisitor(current, ctx);
  note(settled.wakeAtMono);
  const left = settleLeft(settled.state, ctx);
  note(left.wakeAtMono);
  return {
    state: left.state,
    effects: [...effects, ...settled.effects, ...left.effects],
    wakeAtMono: wake,
  };
}

/** What an order's next step may look at: the world, and the visit that is about this order. */
function advanceContext(
  state: KioskState,
  { order, inherited }: OpenOrder,
  ctx: ReduceContext,
): AdvanceContext {
  const { session, card, reader } = state;
  const mine = session.at === 'order' && session.orderId === order.orderId ? session : null;
  return {
    ...ctx,
    wanted: mine !== null && mine.closeWhy === null && !mine.gaveUp && !mine.found,
    closeWhy: mine?.closeWhy ?? (mine?.gaveUp === true ? 'expired' : 'recovery'),
    mayAskAgain: halted(state) === null,
    card:
      card !== null &&
      card.result.ok &&
      reader.state === 'present' &&
      card.insertion === reader.insertion
        ? { insertion: card.insertion, reading: card.result.value, begunMono: card.begunMono }
        : null,
    cardFree: !state.cardBusy,
    payWindowMs: state.service.policy?.payWindowMs ?? 0,
    hasProvider: (kind) => state.providers.some((p) => p === kind),
    heldUntilMono:
      inherited && state.hold !== null && ctx.monoMs < state.hold.untilMono
        ? state.hold.untilMono
        : null,
  };
}
