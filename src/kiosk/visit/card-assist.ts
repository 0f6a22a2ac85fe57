import type { CardReading, WritePlan } from '../../card/types.ts';
import type { Account, ClaimedOrder } from '../../shared/central-api/index.ts';
import { CLAIM_USE_MS } from '../../shared/central-api/index.ts';
import { fromHex, toHex } from '../../shared/bytes.ts';
import type { Snapshot } from '../../shared/contract/index.ts';
import type { EventBody, JournalEvent } from '../../shared/facts/catalogue.ts';
import { orderRef } from '../../shared/order-id.ts';
import { never } from '../../shared/result.ts';
import { refusalFact } from '../delivery/card-refusals.ts';
import { foreignCard } from '../delivery/card-looks.ts';
import { begun, MAX_WRITES } from '../delivery/card.ts';
import type { ReduceContext } from '../state/context.ts';
import type { Effect, KioskEvent, KioskState, Step } from '../state/kiosk.ts';
import type { Now } from '../state/order.ts';
import type { AssistSession } from '../state/visit.ts';
import { GIVE_CARD_BACK, KEEP_CARD } from './service.ts';
import type { Service, VisitEvent } from './service.ts';
import { cannotSell, leave, readCard, rest, step, untilDeadline } from './step.ts';
import { progressOf } from './order-screen.ts';
import { screenMs } from './times.ts';
import { wallMs } from './view-base.ts';
import type { Base, ViewContext } from './view-base.ts';

/**
 * Finishing another kiosk's order, whose card is in this reader. Central's write claim allows it
 * for a while; the intent is durable here before the first byte; what the card says on a fresh read
 * is reported, and central tells the kiosk that sold it. Nothing of it needs recovery here: cut at
 * any instant, the next reader of the card asks central again, and the same image written twice is
 * one purchase.
 */

/** The stage: asks central, writes, and tells how it ended. */
export const cardAssist: Service<'assist'> = {
  assist: {
    on: onAssist,
    outcome: (state, event, ctx) => {
      if (event.type === 'assist-claimed') return assistClaimed(state, event, ctx);
      return event.type === 'assist-written' ? assistWritten(state, event, ctx) : null;
    },
    settle: (state, s, ctx) => (underWay(s) ? rest(state, s, null) : untilDeadline(state, s, ctx)),
    givesWay: true,
    view: (_state, s, base, ctx) => assistView(s, base, ctx),
    needs: (_state, s) => (underWay(s) ? KEEP_CARD : GIVE_CARD_BACK),
  },
};

/** Central is asked, or the card is written: nothing but their answers ends that. */
function underWay({ stage }: AssistSession): boolean {
  return stage === 'asking' || stage === 'writing';
}

/**
 * The card's account names another kiosk's order that was begun on this card and not finished, or
 * one that is said to be on it and is not: this kiosk asks to finish it. Null: there is none.
 */
export function assistOrder(
  state: KioskState,
  insertion: number,
  reading: CardReading,
  { claim, unread, refusedKey }: Account,
  now: Now,
): Step | null {
  const begun =
    claim !== null &&
    claim.terminalId !== now.terminalId &&
    (claim.state === 'delivering' || claim.state === 'in-doubt');
  const unwritten = unread !== undefined && reading.count === unread.nextCount - 1;
  const order = begun ? claim : unwritten ? unread : null;
  if (order === null) return null;
  // The next try may be its last, and a person at central has not looked yet.
  if (refusedKey !== undefined) return cannotSell(state, now, 'CARD-0201', reading);
  // What this kiosk would tell of it central does not take now: another one finishes it.
  const untold = state.maintenance.blocked?.code;
  if (untold === 'BILL-0104' || untold === 'BILL-0109' || untold === 'JRNL-0106')
    return cannotSell(state, now, untold, reading);
  const { orderId, terminalId: origin } = order;
  return step(
    state,
    {
      at: 'assist',
      insertion,
      reading,
      orderId,
      origin,
      stage: 'asking',
      order: null,
      claimMs: 0,
      grant: null,
      untilMono: now.monoMs,
      writes: 0,
      progress: null,
      deadlineMono: now.monoMs,
    },
    { do: 'assist-claim', insertion, orderId, cardNo: reading.cardNo, finish: !begun },
  );
}

function onAssist(state: KioskState, s: AssistSession, event: VisitEvent, now: Now): Step | null {
  if (event.type === 'reader') {
    // A write under another kiosk's claim is on its way, maybe to a card that is gone: its end is
    // waited for.
    if (s.stage === 'writing') return { state, effects: [] };
    const gone = event.state === 'empty' || event.state === 'offline';
    return gone && s.stage === 'pulled' ? { state, effects: [] } : null;
  }
  if (event.type !== 'intent') return null;
  if (event.intent.type === 'exit') return underWay(s) ? null : step(state, leave(state, now));
  return event.intent.type === 'leave' && s.stage === 'pulled'
    ? step(state, leave(state, now))
    : null;
}

function assistView(s: AssistSession, base: Base, ctx: ViewContext): Snapshot {
  if (s.order === null) return { ...base, screen: 'reading', stage: 'account' };
  const what = {
    orderRef: orderRef(s.orderId),
    amountFen: s.order.amountFen,
    quantity: s.order.quantity,
    unit: s.order.unit,
  };
  const deadlineMs = wallMs(ctx, s.deadlineMono);
  if (s.stage === 'pulled')
    return { ...base, screen: 'in-doubt', reason: 'card', ...what, slip: 'none', deadlineMs };
  const going = underWay(s);
  return {
    ...base,
    screen: 'unfinished',
    state: going ? 'finishing' : s.stage === 'delivered' ? 'delivered' : 'refunding',
    ...what,
    ...(s.stage === 'writing' ? { progress: progressOf(true, s.progress) } : {}),
    deadlineMs: going ? null : deadlineMs,
  };
}

const fact = (
  s: AssistSession,
  order: ClaimedOrder,
  verdict: EventBody<'assist-ended'>['verdict'],
  written: boolean,
): Effect => told(s.orderId, order, verdict, written, s);

/** Under which claim an end is told, and which tag the card holds. */
interface Told {
  readonly claimMs: number;
  readonly grant: string | null;
  readonly tag?: string;
}
/** Central's token for the write claim, which every fact under it names. */
const granted = (grant: string | null) => (grant === null ? {} : { grant });

function told(
  orderId: string,
  order: ClaimedOrder,
  verdict: EventBody<'assist-ended'>['verdict'],
  written: boolean,
  { claimMs, grant, tag }: Told,
): Effect {
  const { nextCount: count, quantity, cumulative, cardNo, terminalId: origin } = order;
  return {
    do: 'journal',
    events: [
      {
        kind: 'assist-ended',
        orderId,
        body: {
          origin,
          cardNo,
          verdict,
          written,
          count,
          quantity,
          cumulative,
          claimMs,
          ...granted(grant),
          ...(verdict === 'superseded' && tag !== undefined ? { tag } : {}),
        },
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
    state: {
      ...state,
      session: { ...s, stage, deadlineMono: ctx.monoMs + screenMs(state, 'refunded') },
    },
    effects,
  };
}

/** Central's answer to our asking for the order's write claim. */
function assistClaimed(
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
          : [
              told(event.orderId, unused.order, 'before', false, {
                claimMs: unused.serverTimeMs,
                grant: unused.grant ?? null,
              }),
            ],
    };
  }
  if (!result.ok)
    return cannotSell(
      state,
      ctx,
      result.error.code === 'BILL-0101' ? 'SALE-0116' : result.error.code,
      s.reading,
    );
  const { order, serverTimeMs: claimMs, grant = null } = result.value;
  // Nobody but the order's own kiosk is given a claim without the plan.
  if (order === null || order.orderId !== s.orderId || order.cardNo !== s.reading.cardNo)
    return cannotSell(state, ctx, 'BILL-0102', s.reading);
  return judge(
    state,
    { ...s, order, claimMs, grant, untilMono: event.askedMono + CLAIM_USE_MS },
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
      body: {
        origin,
        cardNo,
        insertion: event.insertion,
        record: event.record,
        ...granted(s.grant),
      },
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
        return ended(
          state,
          s,
          'superseded',
          ctx,
          told(s.orderId, order, 'superseded', false, { ...s, tag: toHex(reading.tag) }),
        );
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
      return beginWrite(state, s, order, kept);
    }
    default:
      return never(verdict);
  }
}

/** The intent is durable, then the card is written. `kept`: what it said in earlier writes. */
function beginWrite(
  state: KioskState,
  s: AssistSession,
  order: ClaimedOrder,
  kept: readonly Uint8Array[],
): Step {
  const { orderId, insertion } = s;
  const { cardNo, layout, before, after, nextCount: count, quantity, cumulative } = order;
  const plan: WritePlan = {
    cardNo,
    before: fromHex(before),
    after: fromHex(after),
    tag: fromHex(order.tag),
    count,
    quantity,
    cumulative,
    steps: order.plan,
    kept,
  };
  const intent: Effect = {
    do: 'journal',
    events: [
      {
        kind: 'assist-writing',
        orderId,
        body: {
          origin: order.terminalId,
          cardNo,
          insertion,
          before,
          after,
          count,
          quantity,
          cumulative,
          ...granted(s.grant),
        },
      },
    ],
  };
  return {
    state: {
      ...state,
      cardBusy: true,
      session: { ...s, stage: 'writing', writes: s.writes + 1, progress: begun(plan) },
    },
    effects: [intent, { do: 'assist-write', insertion, orderId, layout, plan }],
  };
}

/** The end of a write: what the card says on a fresh read decides. */
function assistWritten(
  state: KioskState,
  event: Extract<KioskEvent, { type: 'assist-written' }>,
  ctx: ReduceContext,
): Step {
  const told = refusalFact(event.orderId, event.refused);
  const end = writeEnded(state, event, ctx);
  const next: Step = { ...end, effects: [...told, ...end.effects] };
  const { reader } = state;
  if (reader.state !== 'present' || reader.insertion === event.insertion) return next;
  // A card was put in while the write was still ending: it is in the slot already, so nobody is
  // asked for it.
  const again = readCard(next.state, reader.insertion, 'buy');
  return { state: again.state, effects: [...next.effects, ...again.effects] };
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
      deadlineMono: ctx.monoMs + screenMs(state, 'in-doubt'),
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
