import { wantsCounter } from '../../journal/fold.ts';
import type { OrderRow } from '../../journal/fold.ts';
import { toHex } from '../../shared/bytes.ts';
import { CLAIM_USE_MS } from '../../shared/central-api/index.ts';
import type { ClaimKind, Command, RefundTold } from '../../shared/central-api/index.ts';
import { failure } from '../../shared/errors.ts';
import type { ErrorCode, Failure } from '../../shared/errors.ts';
import { never } from '../../shared/result.ts';
import { cardSaleOf } from '../../shared/sale.ts';
import type { Unwritten } from '../../shared/trust.ts';
import type { KioskEvent } from '../state/kiosk.ts';
import type { Now, OpenOrder, OrderClaim } from '../state/order.ts';
import { failureBody, journal } from './advance.ts';
import type { Advance, AdvanceContext, Outcome } from './advance.ts';

/**
 * What central alone can allow for a paid order: to write on, to give the money back, or to leave
 * it to a person. Asking, the answers, and what central tells by itself. Pure.
 */

/**
 * After so many refusals of a claim (some four minutes) the reason is no longer that our upload is
 * still on its way.
 */
const CLAIM_TRIES = 12;

/** Central knows of no evidence of the payment yet, and so computes no key for its card. */
export const NOT_KNOWN_YET = 'BILL-0112';

/** A refund that waits for a person is asked for again so often: his word is found by it. */
const NOT_PROVEN_RETRY_MS = 600_000;

/** Does this kiosk hold a write claim that still runs? */
export function mayWrite(open: OpenOrder, ctx: AdvanceContext): boolean {
  const { held } = open.claim;
  return held !== null && held.kind === 'write' && ctx.monoMs < held.untilMono;
}

/**
 * An order that never began its write is certain not to be on a card, unless this journal was
 * restored or forked: then another copy of it, which is not on this disk, may have delivered, and
 * central is asked as it is after a write.
 */
export function refundUnlessTold(
  open: OpenOrder,
  why: Failure,
  ctx: AdvanceContext,
  unwritten: Unwritten,
): Advance {
  if (ctx.heldUntilMono !== null && open.claim.held?.kind !== 'refund')
    return { open, effects: [], wakeAtMono: ctx.heldUntilMono };
  const ours =
    unwritten === 'unexposed' && open.order.writes === 0 && !ctx.mayBeReported(open.order.orderId);
  if (ours || open.claim.held?.kind === 'refund') return refund(open, why);
  return askClaim(open, 'refund', ctx);
}

/**
 * Asks central for a claim, unless an answer is awaited or the back-off has not run out. The refund
 * claim names the last look at the card under a claim of ours: central knows whether that one runs.
 */
export function askClaim(open: OpenOrder, kind: ClaimKind, ctx: AdvanceContext): Advance {
  const { claim, order } = open;
  if (claim.asking) return { open, effects: [], wakeAtMono: null };
  // What a person has to look at waits long; to write on is another question.
  const waits = claim.failure?.code === 'BILL-0111' && kind !== 'refund' ? 0 : claim.retryAtMono;
  if (ctx.monoMs < waits) return { open, effects: [], wakeAtMono: waits };
  const { orderId } = order;
  const { cardNo } = cardSaleOf(order);
  const sure: RefundTold | null = kind === 'refund' ? refundTold(open, ctx) : null;
  const claimMs = kind === 'refund' ? (open.saw?.claimMs ?? null) : null;
  return {
    open: { ...open, claim: { ...claim, asking: true } },
    effects: [{ do: 'claim', orderId, kind, cardNo, claimMs, sure }],
    wakeAtMono: null,
  };
}

/**
 * How sure it is that a card's order is not on its card. It is exposed once its write was begun;
 * from then on only the last write's own end says more.
 */
export function unwrittenOf(order: OrderRow): Unwritten {
  return order.writes === 0 ? 'unexposed' : (order.unwritten ?? 'unproven');
}

/** What a refund claim tells: how sure it is, of how many writes, and what the card showed. */
function refundTold({ order, saw }: OpenOrder, ctx: AdvanceContext): RefundTold {
  const here = ctx.card?.reading.cardNo === cardSaleOf(order).cardNo ? ctx.card.reading : null;
  return {
    unwritten: unwrittenOf(order),
    writes: order.writes,
    ...(saw?.proven === true ? { proven: true as const } : {}),
    ...(here === null ? {} : { read: toHex(here.image) }),
  };
}

/**
 * Nothing is on the card, and the money shall go back: said durably before central is asked, so
 * that nothing is written any more whatever becomes of the answer.
 *
 * @param unwritten how sure that is; left out: the reader's word
 */
export function wantRefund(open: OpenOrder, why: Failure, unwritten?: Unwritten): Advance {
  return {
    open,
    effects: [
      journal(open.order, {
        kind: 'order-in-doubt',
        body: {
          failure: failureBody(why),
          wants: 'refund',
          ...(unwritten === undefined || unwritten === 'unproven' ? {} : { unwritten }),
        },
      }),
    ],
    wakeAtMono: null,
  };
}

/**
 * The card will not come back: said durably before central is asked, so that nothing is written any
 * more whatever becomes of the answer.
 */
export function wantCounter(open: OpenOrder, why: Failure): Advance {
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
export function parkLost(open: OpenOrder): Advance {
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
 * Only where it is certain that nothing was delivered: order and attempt begin to refund in one
 * step.
 *
 * @param word central's token for its final word on a credit order; left out: that of the claim
 */
export function refund(open: OpenOrder, why: Failure, word: string | null = null): Advance {
  const { order } = open;
  const paid = open.attempts.find((a) => a.attemptId === order.paidBy);
  const { held } = open.claim;
  const claimed = held === null || held.kind === 'write' ? null : (held.grant ?? null);
  const grant = word ?? claimed;
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
        {
          kind: 'order-refunding',
          body: {
            attemptId: paid.attemptId,
            failure: failureBody(why),
            ...(grant === null ? {} : { grant }),
          },
        },
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

/** What central is asked again about, but not for ever. */
const ENDING: ReadonlySet<ErrorCode> = new Set(['BILL-0106', 'BILL-0108', 'BILL-0111']);

/** See `OrderClaim.refused`. */
export function refusedAgain({ refused }: OrderClaim, code: ErrorCode): OrderClaim['refused'] {
  if (!ENDING.has(code)) return refused;
  return { code, times: refused?.code === code ? refused.times + 1 : 1 };
}

/** Central's answer to a claim, or none. */
export function onClaimed(
  open: OpenOrder,
  event: Extract<KioskEvent, { type: 'claimed' }>,
  now: Now,
): Outcome {
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
            heardMono: now.monoMs,
            kept: result.value.order?.kept ?? [],
            grant: result.value.grant ?? null,
          },
          asking: false,
          retryAtMono: 0,
          // Granted so that the card may be seen, and refused the refund again: each round waits
          // longer than the last.
          fails: kind === 'write' && order.wantsRefund ? open.claim.fails : 0,
          failure: null,
          refused: kind === 'write' && order.wantsRefund ? open.claim.refused : null,
        },
      },
      effects: [],
    };
  const { fails } = open.claim;
  // Central may just not have our facts yet; another kiosk's claim runs out.
  const waits = result.error.code === 'BILL-0111';
  const retryAtMono =
    now.monoMs + (waits ? NOT_PROVEN_RETRY_MS : Math.min(30_000, 500 * 2 ** Math.min(fails, 6)));
  const refused = refusedAgain(open.claim, result.error.code);
  const next: OpenOrder = {
    ...open,
    ...(waits ? { notProven: true } : {}),
    claim: {
      held: null,
      asking: false,
      retryAtMono,
      fails: fails + 1,
      failure: result.error,
      refused,
    },
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
    refused !== null &&
    refused.times >= CLAIM_TRIES &&
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
export function onCommand(open: OpenOrder, command: Command): Outcome {
  const { order } = open;
  // Commands speak of what another kiosk read on a card.
  if (open.writing || order.sale.kind !== 'card') return { open, effects: [] };
  const { sale } = order;
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
        count !== sale.nextCount ||
        quantity !== sale.quantity ||
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
