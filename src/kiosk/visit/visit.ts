import type { Snapshot } from '../../shared/contract/index.ts';
import type { ReduceContext } from '../state/context.ts';
import type { KioskEvent, KioskState, Step } from '../state/kiosk.ts';
import type { Now } from '../state/order.ts';
import { cardSeen } from './card-seen.ts';
import { haltVisit } from './halt.ts';
import { mannerSet } from './manner.ts';
import { KEEP_CARD } from './service.ts';
import type { Needs, VisitEvent } from './service.ts';
import { OUTCOMES, stageOf } from './services.ts';
import { IDLE, cannotSell, leave, orderSession, readCard, step } from './step.ts';
import type { Settled } from './step.ts';
import { WORD_MS } from './times.ts';
import type { Base, ViewContext } from './view-base.ts';

/**
 * What holds for every visit, whatever it is about: words and text size, a card that comes or goes,
 * and a paid order that begins to be written. Everything else its stage says (services.ts). Orders
 * move by themselves (orders.ts).
 */

/** The visit's answer to one event. */
export function visitStep(state: KioskState, event: VisitEvent, ctx: ReduceContext): Step {
  if (event.type === 'reader') return onReader(state, event, ctx);
  if (event.type === 'card-read') return onCardRead(state, event, ctx);
  if (event.type === 'intent') {
    const set = mannerSet(state, event.intent, ctx);
    if (set !== null) return { state: set, effects: [] };
  }
  return atStage(state, event, ctx) ?? outcomeOf(state, event, ctx) ?? { state, effects: [] };
}

function atStage(state: KioskState, event: VisitEvent, ctx: ReduceContext): Step | null {
  return stageOf(state.session).on(state, state.session, event, ctx);
}

function outcomeOf(state: KioskState, event: VisitEvent, ctx: ReduceContext): Step | null {
  for (const outcome of OUTCOMES) {
    const told = outcome(state, event, ctx);
    if (told !== null) return told;
  }
  return null;
}

function onReader(
  state: KioskState,
  event: Extract<KioskEvent, { type: 'reader' }>,
  ctx: ReduceContext,
): Step {
  const fresh = event.insertion !== state.reader.insertion;
  const next: KioskState = {
    ...state,
    reader: {
      state: event.state,
      insertion: event.insertion,
      failure: event.failure,
      sinceMs: event.state === state.reader.state ? state.reader.sinceMs : ctx.nowMs,
    },
    card: fresh || event.state !== 'present' ? null : state.card,
    word: event.state === 'present' ? null : state.word,
  };
  if (event.state === 'present' && !fresh && state.card !== null)
    return { state: next, effects: [] };
  // A motor reader holds it out: the screen stays until it is taken. Where no visit knows of it
  // (held out before this process began, or pushed in half) it is asked for all the same.
  if (event.state === 'leaving')
    return next.session.at === 'idle' ? step(next, leave(next, ctx)) : { state: next, effects: [] };
  const own = atStage(next, event, ctx);
  if (own !== null) return own;
  if (event.state === 'present') return readCard(next, event.insertion, 'buy');
  if (event.state === 'mute')
    return cannotSell(next, ctx, event.failure?.code ?? 'CARD-0101', null);
  // The card is gone, and with it whoever had put it in.
  return step({ ...next, word: wordOfTaken(state, event.state, ctx) ?? next.word }, IDLE);
}

/** A card that was taken before its time is answered in words. Null: taken as it was asked for. */
function wordOfTaken(
  { session, reader }: KioskState,
  now: KioskState['reader']['state'],
  { monoMs }: Now,
): KioskState['word'] {
  if (now !== 'empty' || reader.state !== 'present') return null;
  const kind =
    session.at === 'reading'
      ? 'card-too-soon'
      : session.at === 'amount' || session.at === 'card-info' || session.at === 'my-account'
        ? 'card-taken'
        : null;
  return kind === null ? null : { kind, untilMono: monoMs + WORD_MS[kind] };
}

function onCardRead(
  state: KioskState,
  event: Extract<KioskEvent, { type: 'card-read' }>,
  ctx: ReduceContext,
): Step {
  if (event.insertion !== state.reader.insertion || state.reader.state !== 'present')
    return { state: { ...state, cardBusy: false }, effects: [] };
  const { insertion, result, begunMono } = event;
  const told = result.ok ? cardSeen(state, insertion, result.value) : null;
  const next: KioskState = {
    ...state,
    cardBusy: false,
    card: { insertion, result, begunMono },
    ...(told === null ? {} : { seen: told.seen }),
  };
  const then = atStage(next, event, ctx) ?? { state: next, effects: [] };
  return told === null ? then : { ...then, effects: [told.effect, ...then.effects] };
}

/**
 * What time and the orders' progress do to the visit: endings, give-ups, prints, and orders found.
 * Called after every change.
 */
export function settleVisit(before: KioskState, now: Now): Settled {
  const { session } = before;
  const state =
    session.at === 'idle' || before.plainAtMono === null
      ? before
      : { ...before, plainAtMono: null };
  const stage = stageOf(session);
  // A paid order of the card in the reader goes on by itself: the customer watches it.
  const writing = stage.givesWay ? [...state.orders.values()].find((o) => o.writing) : undefined;
  if (writing !== undefined)
    return {
      ...step(state, orderSession(writing.order.orderId, state.reader.insertion, true)),
      wakeAtMono: now.monoMs,
    };
  const halt = haltVisit(state, now);
  if (halt !== null) return { ...halt, wakeAtMono: now.monoMs };
  return stage.settle(state, session, now);
}

/** The visit's screen as data. */
export function visitView(state: KioskState, base: Base, ctx: ViewContext): Snapshot {
  return stageOf(state.session).view(state, state.session, base, ctx);
}

/**
 * What hardware is wanted now. While a technician is there (or about to say who he is) the card is
 * his, and nothing is paid for.
 */
export function needsOf(state: KioskState): Needs {
  return state.maintenance.mode.at === 'idle'
    ? stageOf(state.session).needs(state, state.session)
    : KEEP_CARD;
}
