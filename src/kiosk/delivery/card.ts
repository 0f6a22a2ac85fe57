import type { CardLayout, WritePlan } from '../../card/types.ts';
import { wantsCounter } from '../../journal/fold.ts';
import { toHex } from '../../shared/bytes.ts';
import { CLAIM_USE_MS } from '../../shared/central-api/index.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { JournalEvent } from '../../shared/facts/catalogue.ts';
import { never } from '../../shared/result.ts';
import { cardSaleOf } from '../../shared/sale.ts';
import type { Unwritten } from '../../shared/trust.ts';
import { failureBody, journal, movesOf } from '../order/advance.ts';
import type { Advance, AdvanceContext, Outcome } from '../order/advance.ts';
import {
  askClaim,
  mayWrite,
  NOT_KNOWN_YET,
  parkLost,
  refund,
  refundUnlessTold,
  unwrittenOf,
  wantCounter,
  wantRefund,
} from '../order/claims.ts';
import type { KioskEvent } from '../state/kiosk.ts';
import type { OpenOrder, WriteProgress } from '../state/order.ts';
import {
  claimedLook,
  foreignCard,
  isUnseen,
  judgedBy,
  looksAgain,
  proofOf,
  refundSeen,
} from './card-looks.ts';
import type { CardHere, Plan } from './card-looks.ts';
import type { Delivery, DeliveryEnds } from './delivery.ts';

/**
 * A paid card that is gone before anything was written is waited for this long; then the money goes
 * back.
 */
export const WAIT_CARD_MS = 120_000;

/**
 * A write that provably stored nothing is begun again, at most so often in all; then the money goes
 * back.
 */
export const MAX_WRITES = 3;

/** The order's own card in the reader; null: another one, or none. */
type Here = CardHere | null;

function ownCard({ order }: OpenOrder, ctx: AdvanceContext): Here {
  const here = ctx.card;
  return here !== null && here.reading.cardNo === cardSaleOf(order).cardNo ? here : null;
}

/** A paid order: its card is waited for, and written once all is as it was quoted. */
function begin(open: OpenOrder, ctx: AdvanceContext): Advance {
  const { order } = open;
  const { same } = movesOf(open, ctx);
  const giveBack = (why: Failure): Advance =>
    refundUnlessTold(open, why, ctx, certainlyNothing(open));
  if (open.writing || !ctx.cardFree) return same();
  // In a life that is not on this disk it was written and its card lost: nobody writes, and what is
  // on the card is not known.
  if (open.claim.failure?.code === 'BILL-0110') return parkLost(open);
  const here = ownCard(open, ctx);
  if (here === null) return awaitCard(open, ctx, giveBack);
  const { reading, insertion } = here;
  const sale = cardSaleOf(order);
  const layout = ctx.layout(sale.layout);
  if (layout === undefined || reading.layout !== sale.layout)
    return giveBack(failure('CARD-0205', 'the layout differs from the order’s'));
  if (reading.count !== sale.nextCount - 1 || reading.userNo !== sale.userNo)
    return giveBack(
      failure('CARD-0205', `count ${reading.count}, the order makes ${sale.nextCount}`),
    );
  const { orderId } = order;
  const plan = layout.plan(reading, { orderId, quantity: sale.quantity, date: ctx.businessDate() });
  if (!plan.ok) return giveBack(plan.error);
  if (ctx.mayBeReported(orderId) && !mayWrite(open, ctx)) {
    // Our own refund claim, of a life that is not on this disk or asked for while the card was
    // away: nothing is written any more.
    if (open.claim.held?.kind === 'refund' || open.claim.failure?.code === 'BILL-0107')
      return giveBack(failure('BILL-0107'));
    return askClaim(open, 'write', ctx);
  }
  // The card is here: its wait begins anew should it leave.
  if (ctx.heldUntilMono !== null && !mayWrite(open, ctx))
    return {
      open: open.waitCardUntilMono === null ? open : { ...open, waitCardUntilMono: null },
      effects: [],
      wakeAtMono: ctx.heldUntilMono,
    };
  return beginWrite(open, plan.value, insertion);
}

/** The card is gone before anything was written: it is waited for, and then the money goes back. */
function awaitCard(
  open: OpenOrder,
  ctx: AdvanceContext,
  giveBack: (why: Failure) => Advance,
): Advance {
  if (open.waitCardUntilMono === null)
    return {
      open: { ...open, waitCardUntilMono: ctx.monoMs + WAIT_CARD_MS },
      effects: [],
      wakeAtMono: ctx.monoMs + WAIT_CARD_MS,
    };
  if (ctx.monoMs < open.waitCardUntilMono)
    return { open, effects: [], wakeAtMono: open.waitCardUntilMono };
  return giveBack(failure('CARD-0203', 'the card did not come back; nothing was written'));
}

/**
 * A write was begun and its end is not known. Only the card can tell; until it comes back there is
 * nothing to do, except to ask for the refund claim where the last read showed that nothing was
 * written, and for the counter claim where a technician said that it will not come back.
 */
function doubt(open: OpenOrder, ctx: AdvanceContext): Advance {
  const { delivery } = open.order;
  const { same, write } = movesOf(open, ctx);
  if (open.writing) return same();
  if (delivery === null)
    return write({ kind: 'order-parked', body: { reason: 'no-plan', nextStep: 'counter' } });
  const here = ownCard(open, ctx);
  const judged = here !== null && open.judgedInsertion === here.insertion;
  if (here !== null && ctx.cardFree && (!judged || looksAgain(open, ctx, delivery, here))) {
    const seen = judge(open, ctx, delivery, here);
    if (seen !== null) return seen;
  }
  // The card that is being read may be the one that central wants seen.
  if (!ctx.cardFree && isUnseen(open)) return same();
  return askForDoubt(open, ctx);
}

/** What the card shows settles it. Null: it does not; central is to be asked. */
function judge(
  open: OpenOrder,
  ctx: AdvanceContext,
  delivery: Plan,
  here: CardHere,
): Advance | null {
  const { write } = movesOf(open, ctx);
  const sale = cardSaleOf(open.order);
  const { reading } = here;
  const layout = ctx.layout(sale.layout);
  if (layout === undefined)
    return write({ kind: 'order-parked', body: { reason: 'no-layout', nextStep: 'counter' } });
  const by = judgedBy(open, delivery);
  const verdict = layout.classify(by, reading.image);
  switch (verdict) {
    case 'after':
      return write({
        kind: 'order-delivered',
        body: {
          by: 'later-read',
          count: sale.nextCount,
          quantity: sale.quantity,
          cumulative: delivery.cumulative,
          ...proofOf(layout, by, reading.image),
        },
      });
    case 'foreign':
      return onForeign(open, ctx, layout, by.before, here);
    case 'before':
    case 'torn':
      return onUnfinished(open, ctx, delivery, here, verdict);
    default:
      return never(verdict);
  }
}

function onForeign(
  open: OpenOrder,
  ctx: AdvanceContext,
  layout: CardLayout,
  before: Uint8Array,
  { reading, insertion }: CardHere,
): Advance {
  const { order } = open;
  const judged: OpenOrder = { ...open, judgedInsertion: insertion };
  const whose = foreignCard(cardSaleOf(order), layout, before, reading);
  // The card's proof is not of a write that was kept here: another kiosk may have finished it, and
  // central has what that one kept.
  if (
    whose === 'parked' &&
    layout.proof !== undefined &&
    ctx.mayBeReported(order.orderId) &&
    open.claim.held === null &&
    !order.wantsRefund &&
    !wantsCounter(order)
  )
    return askClaim(open, 'write', ctx);
  if (whose === 'parked')
    return movesOf(open, ctx).write({
      kind: 'order-parked',
      body: { reason: 'card-foreign', nextStep: 'counter', failure: { code: 'CARD-0104' } },
    });
  if (whose === 'superseded' && !order.wantsRefund)
    return wantRefund(judged, failure('CARD-0104', 'another purchase has this count on the card'));
  // A later purchase is on the card: central knows by which order this count was taken, and tells.
  return { open: judged, effects: [], wakeAtMono: ctx.monoMs };
}

/** The card holds nothing of the write, or half of it. Null: what stands is settled with central. */
function onUnfinished(
  open: OpenOrder,
  ctx: AdvanceContext,
  delivery: Plan,
  here: CardHere,
  verdict: 'before' | 'torn',
): Advance | null {
  const { order } = open;
  const { insertion } = here;
  const { held } = open.claim;
  const refusal = open.claim.failure?.code;
  const lost = wantsCounter(order);
  if (verdict === 'before') {
    const wished = onBefore(open, ctx, delivery, here);
    if (wished !== undefined) return wished;
  }
  // Half of another kiosk's write is on the card: giving the money back would leave the customer a
  // card that no meter takes. But under a final claim nothing is written.
  if (held !== null && held.kind !== 'write') return null;
  if ((order.wantsRefund || lost) && (refusal === 'BILL-0107' || refusal === 'BILL-0110'))
    return null;
  if (verdict === 'before' && order.writes >= MAX_WRITES && order.reason !== NOT_KNOWN_YET)
    return wantRefund(
      { ...open, judgedInsertion: insertion },
      failure('CARD-0204', `nothing was written in ${order.writes} tries`),
    );
  return writeAgain(open, ctx, delivery, insertion);
}

/**
 * Nothing is on the card, and somebody wants it to stay so. Undefined: nobody does; null: central
 * is asked as ever.
 */
function onBefore(
  open: OpenOrder,
  ctx: AdvanceContext,
  delivery: Plan,
  here: CardHere,
): Advance | null | undefined {
  const { order } = open;
  const { insertion } = here;
  const { held } = open.claim;
  const refusal = open.claim.failure?.code;
  // It is here unwritten, and by that claim nobody can have been writing since: central may let the
  // money go back after all, or a person looks at the card.
  if (held?.kind === 'counter')
    return open.notProven ? parkLost(open) : refundSeen(open, ctx, here, held);
  // The money waits, and the card was put in anew: it is written after all, once an insertion.
  if (open.notProven && order.wantsRefund && delivery.insertion !== insertion)
    return writeAgain(open, ctx, delivery, insertion);
  // The card came back, and the last look at it counts.
  if (wantsCounter(order))
    return wantRefund(open, failure('CARD-0204', 'the card came back unwritten'));
  if (!order.wantsRefund) return undefined;
  // Another kiosk was allowed to write and never told what came of it. The card is here now and
  // tells: under our own write claim nobody else goes on.
  if (refusal === 'BILL-0105') return askClaim(open, 'write', ctx);
  if (refusal === 'BILL-0110') return askClaim(open, 'counter', ctx);
  if (held?.kind === 'write') return refundSeen(open, ctx, here, held);
  return null;
}

/** The write is finished, or made once more, as far as this kiosk alone may still decide that. */
function writeAgain(
  open: OpenOrder,
  ctx: AdvanceContext,
  delivery: Plan,
  insertion: number,
): Advance {
  const { order } = open;
  const { same } = movesOf(open, ctx);
  const lost = wantsCounter(order);
  const leased = open.leaseMono !== null && ctx.monoMs - open.leaseMono < CLAIM_USE_MS;
  // Central may be granting a claim that ends all writing: its answer is waited for.
  if (open.claim.asking) return same();
  if (
    ctx.heldUntilMono !== null &&
    !mayWrite(open, ctx) &&
    !leased &&
    !order.wantsRefund &&
    !lost &&
    !ctx.mayBeReported(order.orderId)
  )
    return same(ctx.heldUntilMono);
  // Once the money was to go back, or a person to decide, only central knows whether it still may
  // be written.
  if (
    mayWrite(open, ctx) ||
    (!order.wantsRefund && !lost && (leased || !ctx.mayBeReported(order.orderId)))
  )
    return beginWrite(open, planOf(open, delivery), insertion);
  return askClaim(open, 'write', ctx);
}

/** No card tells: what was wished for is asked of central. */
function askForDoubt(open: OpenOrder, ctx: AdvanceContext): Advance {
  const { order } = open;
  const { held } = open.claim;
  if (order.wantsRefund) {
    if (held?.kind === 'refund')
      return refund(open, failure((order.reason ?? 'CARD-0204') as Failure['code']));
    // Our own counter claim stands, of before that look at the card, and the card is gone again: a
    // person finds out.
    if (open.claim.failure?.code === 'BILL-0110') return wantCounter(open, failure('BILL-0110'));
    return askClaim(open, 'refund', ctx);
  }
  if (!wantsCounter(order)) return movesOf(open, ctx).same();
  // The refund claim was asked for first, and granted only because nothing is on the card.
  if (held?.kind === 'refund') return wantRefund(open, failure('BILL-0107'));
  if (held?.kind === 'counter') return parkLost(open);
  return askClaim(open, 'counter', ctx);
}

/**
 * What a card said in the middle of the order's write. Null: no such write is going on, and nothing
 * may be written.
 */
export function orderKept(
  open: OpenOrder | undefined,
  event: Extract<KioskEvent, { type: 'keep' }>,
): { readonly event: JournalEvent; readonly state?: undefined } | null {
  if (
    open === undefined ||
    !open.writing ||
    open.order.state !== 'delivering' ||
    open.order.delivery?.insertion !== event.insertion
  )
    return null;
  return {
    event: {
      kind: 'order-kept',
      orderId: event.orderId,
      body: { insertion: event.insertion, record: event.record },
    },
  };
}

function planOf(open: OpenOrder, delivery: Plan): WritePlan {
  const { order } = open;
  return {
    ...judgedBy(open, delivery),
    cardNo: cardSaleOf(order).cardNo,
    count: cardSaleOf(order).nextCount,
    quantity: cardSaleOf(order).quantity,
    cumulative: delivery.cumulative,
    steps: delivery.plan,
  };
}

/** A write of which no step is done yet, as the screen is told. */
export const begun = ({ steps }: Pick<WritePlan, 'steps'>): WriteProgress => ({
  stage: 'writing',
  done: 0,
  of: steps.length + 1,
});

/** The intent and the before- and after-image are durable before the first byte. */
function beginWrite(open: OpenOrder, plan: WritePlan, insertion: number): Advance {
  const { order } = open;
  return {
    open: {
      ...open,
      writing: true,
      progress: begun(plan),
      waitCardUntilMono: null,
      judgedInsertion: insertion,
      saw: null,
    },
    effects: [
      journal(order, {
        kind: 'order-delivering',
        body: {
          insertion,
          before: toHex(plan.before),
          after: toHex(plan.after),
          cumulative: plan.cumulative,
          plan: [...plan.steps],
        },
      }),
      { do: 'write', orderId: order.orderId, insertion, plan },
    ],
    wakeAtMono: null,
  };
}

/** The end of a write: what the card says on a fresh read decides; what the commands said does not. */
function ended(
  open: OpenOrder,
  { layout, applied, image, unwritten, lookedMono }: DeliveryEnds['card'],
): Outcome {
  const { order } = open;
  const rest: OpenOrder = { ...open, writing: false };
  const delivery = order.delivery;
  if (order.state !== 'delivering' || delivery === null) return { open: rest, effects: [] };
  const doubt = (f: Failure, judgeAgain: boolean) => ({
    open: { ...rest, judgedInsertion: judgeAgain ? null : rest.judgedInsertion },
    effects: [journal(order, { kind: 'order-in-doubt', body: { failure: failureBody(f) } })],
  });
  if (!image.ok) return doubt(applied.ok ? image.error : applied.error, true);
  const by = judgedBy(open, delivery);
  const verdict = layout.classify(by, image.value);
  switch (verdict) {
    case 'after':
      return {
        open: rest,
        effects: [
          journal(order, {
            kind: 'order-delivered',
            body: {
              by: 'read-back',
              count: cardSaleOf(order).nextCount,
              quantity: cardSaleOf(order).quantity,
              cumulative: delivery.cumulative,
              ...proofOf(layout, by, image.value),
            },
          }),
        ],
      };
    case 'before': {
      const why = applied.ok
        ? failure('CARD-0204', 'the card answered 9000 and stored nothing')
        : applied.error;
      const refused =
        why.code === 'CARD-0110' ||
        why.code === 'CARD-0201' ||
        why.code === 'CARD-0202' ||
        why.code === 'CARD-0206';
      // Asked again, at the next insertion at the latest, and no reason to give money back.
      if (why.code === NOT_KNOWN_YET) return doubt(why, order.writes % MAX_WRITES !== 0);
      if (refused || order.writes >= MAX_WRITES)
        return {
          open: { ...rest, saw: claimedLook(open, lookedMono, unwritten) },
          effects: wantRefund(rest, why, unwritten).effects,
        };
      return doubt(why, true);
    }
    case 'torn':
      return doubt(
        applied.ok ? failure('CARD-0204', 'torn') : applied.error,
        order.writes < 2 * MAX_WRITES,
      );
    case 'foreign':
      return doubt(failure('CARD-0204', 'neither before nor after'), true);
    default:
      return never(verdict);
  }
}

/** Keys and codes leave only after the fact that the write began. */
function certainlyNothing({ order }: OpenOrder): Unwritten {
  return unwrittenOf(order);
}

/** Delivery by a write to the customer's card; the card is its witness. */
export const cardDelivery: Delivery<'card'> = { begin, doubt, ended, certainlyNothing };
