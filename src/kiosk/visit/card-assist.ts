import type { CardReading, WritePlan } from '../../card/types.ts';
import type { ClaimedOrder } from '../../shared/central-api/index.ts';
import { CLAIM_USE_MS } from '../../shared/central-api/index.ts';
import { fromHex } from '../../shared/bytes.ts';
import type { EventBody, JournalEvent } from '../../shared/facts/catalogue.ts';
import { never } from '../../shared/result.ts';
import { MAX_WRITES, foreignCard } from '../orders.ts';
import type { ReduceContext } from '../state/context.ts';
import { SCREEN_MS, cannotSell } from './visit.ts';
import type { AssistSession, Effect, KioskEvent, KioskState, Step } from '../state/kiosk.ts';

/**
 * Finishing another kiosk's order, whose card is in this reader. Central's write claim allows it
 * for a while; the intent is durable here before the first byte; what the card says on a fresh read
 * is reported, and central tells the kiosk that sold it. Nothing of it needs recovery here: cut at
 * any instant, the next reader of the card asks central again, and the same image written twice is
 * one purchase.
 */

const fact = (
  s: AssistSession,
  order: ClaimedOrder,
  verdict: EventBody<'assist-ended'>['verdict'],
  written: boolean,
): Effect => told(s.orderId, order, verdict, written, s.claimMs);

function told(
  orderId: string,
  order: ClaimedOrder,
  verdict: EventBody<'assist-ended'>['verdict'],
  written: boolean,
  claimMs: number,
): Effect {
  const { nextCount: count, quantity, cumulative, cardNo, terminalId: origin } = order;
  return {
    do: 'journal',
    events: [
      {
        kind: 'assist-ended',
        orderId,
        body: { origin, cardNo, verdict, written, count, quantity, cumulative, claimMs },
      },
    ],
  };
}

function ended(
  state: KioskState,
  s: AssistSession,
  stage: 'delivered' | 'superseded',
  ctx: ReduceContext,
  ...effects: Effect[]
): Step {
  return {
    state: { ...state, session: { ...s, stage, deadlineMono: ctx.monoMs + SCREEN_MS.refunded } },
    effects,
  };
}

/** Central's answer to our asking for the order's write claim. */
export function assistClaimed(
  state: KioskState,
  event: Extract<KioskEvent, { type: 'assist-claimed' }>,
  ctx: ReduceContext,
): Step {
  const s = state.session;
  const { result } = event;
  if (
    s.at !== 'assist' ||
    s.stage !== 'asking' ||
    s.insertion !== event.insertion ||
    s.orderId !== event.orderId
  ) {
    // The card is gone and we hold a claim that we do nothing with: said, so that nobody waits for
    // what we might have written. Not where a write of ours has no known end: then only the card
    // can tell.
    const unused = result.ok && !ctx.assistOpen(event.orderId) ? result.value : null;
    return {
      state,
      effects:
        unused?.order == null
          ? []
          : [told(event.orderId, unused.order, 'before', false, unused.serverTimeMs)],
    };
  }
  if (!result.ok)
    return cannotSell(
      state,
      ctx,
      result.error.code === 'BILL-0101' ? 'SALE-0116' : result.error.code,
      s.reading,
    );
  const { order, serverTimeMs: claimMs } = result.value;
  // Nobody but the order's own kiosk is given a claim without the plan.
  if (order === null || order.orderId !== s.orderId || order.cardNo !== s.reading.cardNo)
    return cannotSell(state, ctx, 'BILL-0102', s.reading);
  return judge(
    state,
    { ...s, order, claimMs, untilMono: event.askedMono + CLAIM_USE_MS },
    order,
    s.reading,
    ctx,
  );
}

/**
 * What a card said in the middle of a write of ours: with the order from now on. Null: no such
 * write is going on, and nothing may be written.
 */
export function assistKept(
  state: KioskState,
  event: Extract<KioskEvent, { type: 'keep' }>,
): { readonly event: JournalEvent; readonly state: KioskState } | null {
  const s = state.session;
  if (
    s.at !== 'assist' ||
    s.stage !== 'writing' ||
    s.orderId !== event.orderId ||
    s.insertion !== event.insertion ||
    s.order === null
  )
    return null;
  const { terminalId: origin, cardNo } = s.order;
  const order: ClaimedOrder = { ...s.order, kept: [...(s.order.kept ?? []), event.record] };
  return {
    event: {
      kind: 'assist-kept',
      orderId: event.orderId,
      body: { origin, cardNo, insertion: event.insertion, record: event.record },
    },
    state: { ...state, session: { ...s, order } },
  };
}

function judge(
  state: KioskState,
  s: AssistSession,
  order: ClaimedOrder,
  reading: CardReading,
  ctx: ReduceContext,
): Step {
  const layout = ctx.layout(order.layout);
  if (layout === undefined || reading.layout !== order.layout)
    return cannotSell(state, ctx, 'CARD-0103', reading);
  const before = fromHex(order.before);
  const after = fromHex(order.after);
  const kept = (order.kept ?? []).map(fromHex);
  const verdict = layout.classify({ before, after, tag: fromHex(order.tag), kept }, reading.image);
  switch (verdict) {
    case 'after':
      return ended(state, s, 'delivered', ctx, fact(s, order, 'after', false));
    case 'foreign':
      if (foreignCard(order, layout, before, reading) === 'superseded')
        return ended(state, s, 'superseded', ctx, fact(s, order, 'superseded', false));
      return {
        ...cannotSell(state, ctx, 'CARD-0104', reading),
        effects: [fact(s, order, 'foreign', false)],
      };
    case 'before':
    case 'torn': {
      if (s.writes >= MAX_WRITES)
        return {
          ...cannotSell(state, ctx, 'CARD-0202', reading),
          effects: [fact(s, order, verdict, true)],
        };
      if (
        ctx.monoMs >= s.untilMono ||
        state.reader.state !== 'present' ||
        state.reader.insertion !== s.insertion
      ) {
        // Of our own writes this read tells too: the card is as it is now.
        return {
          ...cannotSell(state, ctx, 'BILL-0105', reading),
          effects: [fact(s, order, verdict, s.writes > 0)],
        };
      }
      const plan: WritePlan = {
        cardNo: order.cardNo,
        before,
        after,
        tag: fromHex(order.tag),
        count: order.nextCount,
        quantity: order.quantity,
        cumulative: order.cumulative,
        steps: order.plan,
        kept,
      };
      const intent: Effect = {
        do: 'journal',
        events: [
          {
            kind: 'assist-writing',
            orderId: s.orderId,
            body: {
              origin: order.terminalId,
              cardNo: order.cardNo,
              insertion: s.insertion,
              before: order.before,
              after: order.after,
              count: order.nextCount,
              quantity: order.quantity,
              cumulative: order.cumulative,
            },
          },
        ],
      };
      return {
        state: {
          ...state,
          cardBusy: true,
          session: { ...s, stage: 'writing', writes: s.writes + 1 },
        },
        effects: [
          intent,
          {
            do: 'assist-write',
            insertion: s.insertion,
            orderId: s.orderId,
            layout: order.layout,
            plan,
          },
        ],
      };
    }
    default:
      return never(verdict);
  }
}

/** The end of a write: what the card says on a fresh read decides. */
export function assistWritten(
  state: KioskState,
  event: Extract<KioskEvent, { type: 'assist-written' }>,
  ctx: ReduceContext,
): Step {
  const next = writeEnded(state, event, ctx);
  const { reader } = state;
  if (reader.state !== 'present' || reader.insertion === event.insertion) return next;
  // A card was put in while the write was still ending: it is in the slot already, so nobody is
  // asked for it.
  const session: KioskState['session'] = {
    at: 'reading',
    insertion: reader.insertion,
    stage: 'card',
    purpose: 'buy',
    reading: null,
  };
  return {
    state: { ...next.state, cardBusy: true, session },
    effects: [...next.effects, { do: 'read-card', insertion: reader.insertion }],
  };
}

function writeEnded(
  state: KioskState,
  event: Extract<KioskEvent, { type: 'assist-written' }>,
  ctx: ReduceContext,
): Step {
  const free: KioskState = { ...state, cardBusy: false, card: null };
  const s = state.session;
  if (s.at !== 'assist' || s.orderId !== event.orderId || s.order === null)
    return { state: free, effects: [] };
  const here = state.reader.state === 'present' && state.reader.insertion === event.insertion;
  if (!event.image.ok) {
    const gone: AssistSession = {
      ...s,
      stage: 'pulled',
      deadlineMono: ctx.monoMs + SCREEN_MS['in-doubt'],
    };
    return here
      ? cannotSell(free, ctx, 'CARD-0203', s.reading)
      : { state: { ...free, session: gone }, effects: [] };
  }
  const next = judge(free, s, s.order, { ...s.reading, image: event.image.value }, ctx);
  const after = next.state.session;
  if (after.at !== 'assist' || after.stage !== 'delivered') return next;
  // Read back after our own write.
  return ended(
    free,
    { ...s, stage: 'delivered' },
    'delivered',
    ctx,
    fact(s, s.order, 'after', true),
  );
}
