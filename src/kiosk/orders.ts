import { cardSaleOf } from '../shared/sale.ts';
import type { CardLayout, CardReading, Judged, WritePlan } from '../card/types.ts';
import { wantsCounter } from '../journal/fold.ts';
import type { OrderRow } from '../journal/fold.ts';
import { fromHex, toHex } from '../shared/bytes.ts';
import { CLAIM_USE_MS } from '../shared/central-api/index.ts';
import type { ClaimKind, Command } from '../shared/central-api/index.ts';
import type { ProviderKind } from '../shared/contract/index.ts';
import { failure } from '../shared/errors.ts';
import type { Failure } from '../shared/errors.ts';
import type { JournalEvent } from '../shared/facts/catalogue.ts';
import { never } from '../shared/result.ts';
import type { Result } from '../shared/result.ts';
import { failureBody, journal } from './order/advance.ts';
import type { Advance, AdvanceContext } from './order/advance.ts';
import { CODE_WAIT_MS, advanceAttempt, attemptRests, withRun } from './order/attempts.ts';
import type { Effect, KioskEvent } from './state/kiosk.ts';
import type { NextAttempt, Now, OpenOrder } from './state/order.ts';

/**
 * How every order moves on. {@link advance} looks at the durable rows and says what to do next; it
 * is the same at start-up after a cut as in a quiet sale, so recovery is no second program.
 * {@link onWritten}, {@link onClaimed} and {@link onCommand} turn the world's answers into events. All
 * are pure. Its attempts to be paid: attempts.ts.
 */

/**
 * A paid card that is gone before anything was written is waited for this long; then the money goes
 * back.
 */
export const WAIT_CARD_MS = 120_000;
/** So many tries to pay one order; then it is closed and the customer starts over. */
export const MAX_ATTEMPTS = 8;
/**
 * A write that provably stored nothing is begun again, at most so often in all; then the money goes
 * back.
 */
export const MAX_WRITES = 3;

/**
 * An inherited order waits so long for central to say whether another life of this journal is known
 * to it.
 */
export const HOLD_MS = 30_000;
/**
 * … and this long where central is not reached: a line needs a moment to come up after the power
 * did.
 */
export const HOLD_AWAY_MS = 10_000;

/** So many refusals of a claim (some four minutes) are not an upload that is still on its way. */
const CLAIM_TRIES = 12;

/**
 * An ended order whose attempts wait: until when, null for ever. Undefined: {@link advance} has to
 * look. A kiosk holds many such for a day.
 */
export function restsUntil(open: OpenOrder, monoMs: number): number | null | undefined {
  const { state } = open.order;
  if (state !== 'closed' && state !== 'delivered' && state !== 'refunded' && state !== 'parked')
    return undefined;
  let wake: number | null = null;
  for (const attempt of open.attempts) {
    const at = attemptRests(open, attempt, monoMs);
    if (at === undefined) return undefined;
    if (at !== null) wake = wake === null ? at : Math.min(wake, at);
  }
  return wake;
}

/**
 * What this order needs next. At most one durable change a call: the caller appends it and asks
 * again.
 */
export function advance(open: OpenOrder, ctx: AdvanceContext): Advance {
  let wake: number | null = null;
  const wakeAt = (mono: number): void => {
    wake = wake === null ? mono : Math.min(wake, mono);
  };
  let current = open;
  const effects: Effect[] = [];
  for (const attempt of open.attempts) {
    const next = advanceAttempt(current, attempt, ctx);
    current = next.open;
    if (next.wakeAtMono !== null) wakeAt(next.wakeAtMono);
    effects.push(...next.effects);
    if (next.effects.some((e) => e.do === 'journal'))
      return { open: current, effects, wakeAtMono: ctx.monoMs };
  }
  const own = advanceOrder(current, ctx);
  if (own.wakeAtMono !== null) wakeAt(own.wakeAtMono);
  return { open: own.open, effects: [...effects, ...own.effects], wakeAtMono: wake };
}

/**
 * How this order's money is asked for again, after the attempts so far ended without any: the way
 * that the customer chose, or, after a code payment that came to nothing, the first way of this
 * order. Null: not again.
 */
function nextAttempt(open: OpenOrder, ctx: AdvanceContext): NextAttempt | null {
  const first = open.attempts[0];
  const last = open.attempts.at(-1);
  // Money that came after all goes back, and nothing more is taken for this order.
  if (
    !ctx.wanted ||
    first === undefined ||
    last === undefined ||
    open.attempts.some((a) => a.state !== 'closed') ||
    open.attempts.length >= MAX_ATTEMPTS
  )
    return null;
  if (open.next !== null && ctx.hasProvider(open.next.provider)) return open.next;
  const failed =
    last.method === 'code' && (last.reason === 'declined' || last.reason === 'expired');
  const shows = open.attempts.find((a) => a.method === undefined) ?? first;
  return failed && ctx.hasProvider(shows.provider)
    ? { provider: shows.provider as ProviderKind, authCode: null }
    : null;
}

function advanceOrder(open: OpenOrder, ctx: AdvanceContext): Advance {
  const { order } = open;
  const same = (wakeAtMono: number | null = null): Advance => ({ open, effects: [], wakeAtMono });
  const write = (
    ...events: Parameters<typeof journal> extends [OrderRow, ...infer R] ? R : never
  ): Advance => ({ open, effects: [journal(order, ...events)], wakeAtMono: ctx.monoMs });
  const paid = open.attempts.find((a) => a.attemptId === order.paidBy);
  const ofThisCard =
    ctx.card !== null && ctx.card.reading.cardNo === cardSaleOf(order).cardNo ? ctx.card : null;

  switch (order.state) {
    case 'quoted':
      return write({ kind: 'order-closed', body: { why: 'recovery' } });
    case 'collecting': {
      const live = open.attempts.some(
        (a) => a.state === 'creating' || a.state === 'pending' || a.state === 'closing',
      );
      if (live) return same();
      const last = open.attempts.at(-1);
      const again = nextAttempt(open, ctx);
      if (again !== null) {
        const { provider, authCode } = again;
        const byCode = authCode !== null;
        const body = {
          ...ctx.attemptIds(order.orderId, open.attempts.length + 1),
          provider,
          amountFen: order.sale.amountFen,
          expiresAtMs: ctx.nowMs + (byCode ? CODE_WAIT_MS : ctx.payWindowMs),
          ...(byCode ? { method: 'code' as const } : {}),
        };
        return {
          ...write({ kind: 'attempt-creating', body }),
          open: { ...withRun(open, body.attemptId, { authCode }), next: null },
        };
      }
      if (last?.state === 'parked')
        return write({
          kind: 'order-parked',
          body: { reason: last.reason ?? 'payment', nextStep: 'counter' },
        });
      return write({
        kind: 'order-closed',
        body: {
          why:
            last === undefined || last.state === 'closed'
              ? (last?.reason ?? 'expired')
              : 'late-capture',
        },
      });
    }
    case 'paid': {
      if (open.writing || !ctx.cardFree) return same();
      // In a life that is not on this disk it was written and its card lost: nobody writes, and
      // what is on the card is not known.
      if (open.claim.failure?.code === 'BILL-0110') return parkLost(open);
      if (ofThisCard === null) {
        if (open.waitCardUntilMono === null)
          return {
            open: { ...open, waitCardUntilMono: ctx.monoMs + WAIT_CARD_MS },
            effects: [],
            wakeAtMono: ctx.monoMs + WAIT_CARD_MS,
          };
        if (ctx.monoMs < open.waitCardUntilMono) return same(open.waitCardUntilMono);
        return refundUnlessTold(
          open,
          failure('CARD-0203', 'the card did not come back; nothing was written'),
          ctx,
        );
      }
      const { reading, insertion } = ofThisCard;
      const layout = ctx.layout(cardSaleOf(order).layout);
      if (layout === undefined || reading.layout !== cardSaleOf(order).layout)
        return refundUnlessTold(
          open,
          failure('CARD-0205', 'the layout differs from the order’s'),
          ctx,
        );
      if (reading.count !== cardSaleOf(order).nextCount - 1 || reading.userNo !== order.sale.userNo)
        return refundUnlessTold(
          open,
          failure(
            'CARD-0205',
            `count ${reading.count}, the order makes ${cardSaleOf(order).nextCount}`,
          ),
          ctx,
        );
      const plan = layout.plan(reading, {
        orderId: order.orderId,
        quantity: cardSaleOf(order).quantity,
        date: ctx.businessDate(),
      });
      if (!plan.ok) return refundUnlessTold(open, plan.error, ctx);
      if (ctx.mayBeReported(order.orderId) && !mayWrite(open, ctx)) {
        // Our own refund claim, of a life that is not on this disk or asked for while the card was
        // away: nothing is written any more.
        if (open.claim.held?.kind === 'refund' || open.claim.failure?.code === 'BILL-0107')
          return refundUnlessTold(open, failure('BILL-0107'), ctx);
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
    case 'delivering':
      if (open.writing) return same();
      return write({
        kind: 'order-in-doubt',
        body: { failure: { code: 'CORE-0101', detail: 'restarted during the write' } },
      });
    case 'in-doubt':
      return advanceDoubt(open, ctx, ofThisCard);
    case 'refunding': {
      if (paid?.state === 'refunded')
        return write({ kind: 'order-refunded', body: { attemptId: paid.attemptId } });
      if (paid?.state === 'parked')
        return write({
          kind: 'order-parked',
          body: { reason: paid.reason ?? 'refund', nextStep: 'refund-by-hand' },
        });
      return same();
    }
    case 'delivered':
    case 'closed':
    case 'refunded':
    case 'parked':
      return same();
    default:
      return never(order.state);
  }
}

/**
 * A write was begun and its end is not known. Only the card can tell; until it comes back there is
 * nothing to do, except to ask for the refund claim where the last read showed that nothing was
 * written, and for the counter claim where a technician said that it will not come back.
 */
function advanceDoubt(open: OpenOrder, ctx: AdvanceContext, here: AdvanceContext['card']): Advance {
  const { order } = open;
  const { delivery } = order;
  const lost = wantsCounter(order);
  const { held } = open.claim;
  const refusal = open.claim.failure?.code;
  const same = (wakeAtMono: number | null = null): Advance => ({ open, effects: [], wakeAtMono });
  const write = (
    ...events: Parameters<typeof journal> extends [OrderRow, ...infer R] ? R : never
  ): Advance => ({ open, effects: [journal(order, ...events)], wakeAtMono: ctx.monoMs });
  if (open.writing) return same();
  if (delivery === null)
    return write({ kind: 'order-parked', body: { reason: 'no-plan', nextStep: 'counter' } });
  const before = fromHex(delivery.before);

  if (here !== null && ctx.cardFree && open.judgedInsertion !== here.insertion) {
    const { reading, insertion } = here;
    const layout = ctx.layout(cardSaleOf(order).layout);
    if (layout === undefined)
      return write({ kind: 'order-parked', body: { reason: 'no-layout', nextStep: 'counter' } });
    const by = judgedBy(open, delivery);
    const verdict = layout.classify(by, reading.image);
    const judged: OpenOrder = { ...open, judgedInsertion: insertion };
    switch (verdict) {
      case 'after':
        return write({
          kind: 'order-delivered',
          body: {
            by: 'later-read',
            count: cardSaleOf(order).nextCount,
            quantity: cardSaleOf(order).quantity,
            cumulative: delivery.cumulative,
            ...proofOf(layout, by, reading.image),
          },
        });
      case 'foreign': {
        const whose = foreignCard(cardSaleOf(order), layout, before, reading);
        // The card's proof is not of a write that was kept here: another kiosk may have finished
        // it, and central has what that one kept.
        if (
          whose === 'parked' &&
          layout.proof !== undefined &&
          ctx.mayBeReported(order.orderId) &&
          held === null &&
          !order.wantsRefund &&
          !lost
        )
          return askClaim(open, 'write', ctx);
        if (whose === 'parked')
          return write({
            kind: 'order-parked',
            body: { reason: 'card-foreign', nextStep: 'counter', failure: { code: 'CARD-0104' } },
          });
        if (whose === 'superseded' && !order.wantsRefund)
          return wantRefund(
            judged,
            failure('CARD-0104', 'another purchase has this count on the card'),
          );
        // A later purchase is on the card: central knows by which order this count was taken, and
        // tells.
        return { open: judged, effects: [], wakeAtMono: ctx.monoMs };
      }
      case 'before':
      case 'torn': {
        if (verdict === 'before' && held?.kind === 'counter') {
          // It is here unwritten, and by that claim nobody can have been writing since: the money
          // goes back after all.
          return refund(open, failure('CARD-0204', 'the card came back unwritten'));
        }
        // The card came back, and the last look at it counts.
        if (lost && verdict === 'before')
          return wantRefund(open, failure('CARD-0204', 'the card came back unwritten'));
        if (order.wantsRefund && verdict === 'before') {
          // Another kiosk was allowed to write and never told what came of it. The card is here now
          // and tells: under our own write claim nobody else goes on.
          if (refusal === 'BILL-0105') return askClaim(open, 'write', ctx);
          if (refusal === 'BILL-0110') return askClaim(open, 'counter', ctx);
          if (held?.kind === 'write') return askClaim(open, 'refund', ctx, held.grantedMs);
          break;
        }
        // Half of another kiosk's write is on the card: giving the money back would leave the
        // customer a card that no meter takes. But under a final claim nothing is written.
        if (held !== null && held.kind !== 'write') break;
        if ((order.wantsRefund || lost) && (refusal === 'BILL-0107' || refusal === 'BILL-0110'))
          break;
        if (verdict === 'before' && order.writes >= MAX_WRITES)
          return wantRefund(
            judged,
            failure('CARD-0204', `nothing was written in ${order.writes} tries`),
          );
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
        // Once the money was to go back, or a person to decide, only central knows whether it still
        // may be written.
        if (
          mayWrite(open, ctx) ||
          (!order.wantsRefund && !lost && (leased || !ctx.mayBeReported(order.orderId)))
        )
          return beginWrite(open, planOf(open, delivery), insertion);
        return askClaim(open, 'write', ctx);
      }
      default:
        return never(verdict);
    }
  }
  if (order.wantsRefund) {
    if (held?.kind === 'refund')
      return refund(open, failure((order.reason ?? 'CARD-0204') as Failure['code']));
    // Our own counter claim stands, of before that look at the card, and the card is gone again: a
    // person finds out.
    if (refusal === 'BILL-0110') return wantCounter(open, failure('BILL-0110'));
    return askClaim(open, 'refund', ctx);
  }
  if (!lost) return same();
  // The refund claim was asked for first, and granted only because nothing is on the card.
  if (held?.kind === 'refund') return wantRefund(open, failure('BILL-0107'));
  if (held?.kind === 'counter') return parkLost(open);
  return askClaim(open, 'counter', ctx);
}

function mayWrite(open: OpenOrder, ctx: AdvanceContext): boolean {
  const { held } = open.claim;
  return held !== null && held.kind === 'write' && ctx.monoMs < held.untilMono;
}

/**
 * An order that never began its write is certain not to be on a card, unless this journal was
 * restored or forked: then a life of it that is not here may have delivered, and central is asked
 * like after a write.
 */
function refundUnlessTold(open: OpenOrder, why: Failure, ctx: AdvanceContext): Advance {
  if (ctx.heldUntilMono !== null && open.claim.held?.kind !== 'refund')
    return { open, effects: [], wakeAtMono: ctx.heldUntilMono };
  if (!ctx.mayBeReported(open.order.orderId) || open.claim.held?.kind === 'refund')
    return refund(open, why);
  return askClaim(open, 'refund', ctx);
}

function askClaim(
  open: OpenOrder,
  kind: ClaimKind,
  ctx: AdvanceContext,
  claimMs: number | null = null,
): Advance {
  const { claim, order } = open;
  if (claim.asking) return { open, effects: [], wakeAtMono: null };
  if (ctx.monoMs < claim.retryAtMono) return { open, effects: [], wakeAtMono: claim.retryAtMono };
  return {
    open: { ...open, claim: { ...claim, asking: true } },
    effects: [
      { do: 'claim', orderId: order.orderId, kind, cardNo: cardSaleOf(order).cardNo, claimMs },
    ],
    wakeAtMono: null,
  };
}

/**
 * Nothing is on the card, and the money shall go back: said durably before central is asked, so
 * that nothing is written any more whatever becomes of the answer.
 */
function wantRefund(open: OpenOrder, why: Failure): Advance {
  return {
    open,
    effects: [
      journal(open.order, {
        kind: 'order-in-doubt',
        body: { failure: failureBody(why), wants: 'refund' },
      }),
    ],
    wakeAtMono: null,
  };
}

/**
 * The card will not come back: said durably before central is asked, so that nothing is written any
 * more whatever becomes of the answer.
 */
function wantCounter(open: OpenOrder, why: Failure): Advance {
  return {
    open,
    effects: [
      journal(open.order, {
        kind: 'order-in-doubt',
        body: { failure: failureBody(why), wants: 'counter' },
      }),
    ],
    wakeAtMono: null,
  };
}

/**
 * Nobody writes any more, and what is on the card is not known: a person ends it, and no money
 * moves until then.
 */
function parkLost(open: OpenOrder): Advance {
  return {
    open,
    effects: [
      journal(open.order, {
        kind: 'order-parked',
        body: { reason: 'card-lost', nextStep: 'counter' },
      }),
    ],
    wakeAtMono: null,
  };
}

/**
 * What a card says that is neither before nor after. `superseded`: whole, the same card, and
 * another purchase stands under this order's count, made by a kiosk that could not know of it: so
 * this one was not on the card then and its count is used up. `later`: purchases beyond it.
 * `parked`: anything else.
 */
export function foreignCard(
  sale: { readonly nextCount: number; readonly tag: string },
  layout: CardLayout,
  before: Uint8Array,
  reading: CardReading,
): 'superseded' | 'later' | 'parked' {
  if (!layout.sameCard(before, reading.image)) return 'parked';
  if (reading.count > sale.nextCount) return 'later';
  // A card without tags does not name the purchase that has this count: it may be this very one.
  if (reading.tag.length === 0) return 'parked';
  return reading.count === sale.nextCount && toHex(reading.tag) !== sale.tag
    ? 'superseded'
    : 'parked';
}

/** Central's answer to a claim, or none. */
export function onClaimed(
  open: OpenOrder,
  event: Extract<KioskEvent, { type: 'claimed' }>,
  now: Now,
): { open: OpenOrder; effects: readonly Effect[] } {
  const { order } = open;
  const { result, kind, askedMono, told } = event;
  if (result.ok)
    return {
      open: {
        ...open,
        claim: {
          held: {
            kind,
            untilMono: kind === 'write' ? askedMono + CLAIM_USE_MS : Number.POSITIVE_INFINITY,
            grantedMs: result.value.serverTimeMs,
            kept: result.value.order?.kept ?? [],
          },
          asking: false,
          retryAtMono: 0,
          fails: 0,
          failure: null,
        },
      },
      effects: [],
    };
  const fails = open.claim.fails + 1;
  // Central may just not have our facts yet; another kiosk's claim runs out.
  const retryAtMono = now.monoMs + Math.min(30_000, 500 * 2 ** Math.min(open.claim.fails, 6));
  const next: OpenOrder = {
    ...open,
    claim: { held: null, asking: false, retryAtMono, fails, failure: result.error },
  };
  // Our own refund claim of an earlier life: nothing is written any more.
  if (
    result.error.code === 'BILL-0107' &&
    kind !== 'refund' &&
    order.state === 'in-doubt' &&
    !open.writing &&
    !order.wantsRefund
  )
    return { open: next, effects: wantRefund(next, result.error).effects };
  // Our own counter claim of an earlier life: nothing is written either, and the card is asked no
  // more.
  if (
    result.error.code === 'BILL-0110' &&
    kind === 'write' &&
    order.state === 'in-doubt' &&
    !open.writing &&
    !order.wantsRefund &&
    !wantsCounter(order)
  )
    return { open: next, effects: wantCounter(next, result.error).effects };
  // Central told the same for minutes, and no command came: what it knows is of a life of this
  // journal that is not on this disk, or it would not take this one.
  if (
    fails >= CLAIM_TRIES &&
    !open.writing &&
    (order.state === 'paid' || order.state === 'in-doubt')
  ) {
    if (result.error.code === 'BILL-0106')
      return {
        open: next,
        effects: [
          journal(order, {
            kind: 'order-parked',
            body: {
              reason: 'delivered-before',
              nextStep: 'compare',
              failure: failureBody(result.error),
            },
          }),
        ],
      };
    if (result.error.code === 'BILL-0108' && told)
      return {
        open: next,
        effects: [
          journal(order, {
            kind: 'order-parked',
            body: {
              reason: 'not-at-central',
              nextStep: 'compare',
              failure: failureBody(result.error),
            },
          }),
        ],
      };
  }
  return { open: next, effects: [] };
}

/**
 * What central tells of an order of ours that another kiosk saw. Repeated until our journal shows
 * it, so what does not fit now is left.
 */
export function onCommand(
  open: OpenOrder,
  command: Command,
): { open: OpenOrder; effects: readonly Effect[] } {
  const { order } = open;
  if (open.writing) return { open, effects: [] };
  const paid = open.attempts.find((a) => a.attemptId === order.paidBy);
  // Parked over what the card showed here (or since it is gone), its money still taken and not
  // handed back: what central knows ends it.
  const parkedOpen =
    order.state === 'parked' &&
    (order.settled === null || order.settled.how === 'delivered-by-hand') &&
    paid?.state === 'paid';
  if (order.state !== 'in-doubt' && !parkedOpen) return { open, effects: [] };
  switch (command.kind) {
    case 'delivered-elsewhere': {
      const { count, quantity, cumulative } = command;
      if (
        count !== cardSaleOf(order).nextCount ||
        quantity !== cardSaleOf(order).quantity ||
        cumulative !== order.delivery?.cumulative
      )
        return { open, effects: [] };
      return {
        open,
        effects: [
          journal(order, {
            kind: 'order-delivered',
            body: { by: 'elsewhere', count, quantity, cumulative },
          }),
        ],
      };
    }
    case 'superseded':
      return order.wantsRefund || order.state !== 'in-doubt'
        ? { open, effects: [] }
        : {
            open,
            effects: wantRefund(
              open,
              failure(
                'CARD-0104',
                `terminal ${command.terminalId}: another purchase has this count on the card`,
              ),
            ).effects,
          };
    default:
      return never(command);
  }
}

/**
 * By what a read of the order's card is judged: its images, and what was kept of its writes here
 * and, as central told, elsewhere.
 */
function judgedBy(
  { order, claim }: OpenOrder,
  delivery: NonNullable<OrderRow['delivery']>,
): Judged {
  const kept = [...(claim.held?.kept ?? []), ...(order.kept ?? [])].map(fromHex);
  return {
    before: fromHex(delivery.before),
    after: fromHex(delivery.after),
    tag: fromHex(cardSaleOf(order).tag),
    kept,
  };
}

function proofOf(layout: CardLayout, by: Judged, image: Uint8Array): { proof?: string } {
  const proof = layout.proof?.(by, image) ?? null;
  return proof === null ? {} : { proof: toHex(proof) };
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

function planOf(open: OpenOrder, delivery: NonNullable<OrderRow['delivery']>): WritePlan {
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

/** The intent and the before- and after-image are durable before the first byte. */
function beginWrite(open: OpenOrder, plan: WritePlan, insertion: number): Advance {
  const { order } = open;
  return {
    open: { ...open, writing: true, waitCardUntilMono: null, judgedInsertion: insertion },
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

/** Only where it is certain that nothing was written: order and attempt begin to refund in one step. */
function refund(open: OpenOrder, why: Failure): Advance {
  const { order } = open;
  const paid = open.attempts.find((a) => a.attemptId === order.paidBy);
  if (paid === undefined)
    return {
      open,
      effects: [
        journal(order, {
          kind: 'order-parked',
          body: { reason: 'no-attempt', nextStep: 'counter', failure: failureBody(why) },
        }),
      ],
      wakeAtMono: null,
    };
  return {
    open,
    effects: [
      journal(
        order,
        { kind: 'order-refunding', body: { attemptId: paid.attemptId, failure: failureBody(why) } },
        {
          kind: 'attempt-refunding',
          body: {
            attemptId: paid.attemptId,
            outRefundNo: paid.outRefundNo,
            amountFen: paid.amountFen,
            why: why.code,
          },
        },
      ),
    ],
    wakeAtMono: null,
  };
}

/** The end of a write: what the card says on a fresh read decides; what the commands said does not. */
export function onWritten(
  open: OpenOrder,
  layout: CardLayout,
  applied: Result<void, Failure>,
  image: Result<Uint8Array, Failure>,
): { open: OpenOrder; effects: readonly Effect[] } {
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
        why.code === 'CARD-0201' || why.code === 'CARD-0202' || why.code === 'CARD-0206';
      if (refused || order.writes >= MAX_WRITES)
        return { open: rest, effects: wantRefund(rest, why).effects };
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
