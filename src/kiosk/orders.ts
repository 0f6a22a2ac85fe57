import type { ProviderKind } from '../shared/contract/index.ts';
import { isParkReason } from '../shared/park-reasons.ts';
import { never } from '../shared/result.ts';
import type { Sale } from '../shared/sale.ts';
import { cardDelivery } from './delivery/card.ts';
import { creditDelivery } from './delivery/credit.ts';
import type { Delivery } from './delivery/delivery.ts';
import { movesOf } from './order/advance.ts';
import type { Advance, AdvanceContext } from './order/advance.ts';
import { CODE_WAIT_MS, MAX_ATTEMPTS, withRun } from './order/attempt-run.ts';
import { advanceAttempt, attemptRests } from './order/attempts.ts';
import type { Effect } from './state/kiosk.ts';
import type { NextAttempt, Now, OpenOrder } from './state/order.ts';

/**
 * The spine: how every order moves on, whatever it sells. {@link advance} looks at the durable rows
 * and says what to do next; it is the same at start-up after a cut as in a quiet sale, so recovery
 * is no second program. What the world answers is turned into facts by order/answers.ts (payment),
 * order/claims.ts (central) and each sale's delivery. All are pure.
 */

/**
 * An inherited order waits so long for central to say whether another life of this journal is known
 * to it.
 */
export const HOLD_MS = 30_000;
/**
 * The same wait where central cannot be reached: a line needs a moment to come up after the power
 * did.
 */
export const HOLD_AWAY_MS = 10_000;

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
 * order. Null: not again, for one that was chosen before the machine was halted neither.
 */
function nextAttempt(open: OpenOrder, ctx: AdvanceContext): NextAttempt | null {
  const first = open.attempts[0];
  const last = open.attempts.at(-1);
  // Money that came after all goes back, and nothing more is taken for this order.
  if (
    !ctx.wanted ||
    !ctx.mayAskAgain ||
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

/**
 * How each kind of sale is delivered. A kind without a row comes from a journal that a newer
 * program wrote; see {@link undeliverable}.
 */
const DELIVERIES: { readonly [K in Sale['kind']]?: Delivery<K> } = {
  card: cardDelivery,
  credit: creditDelivery,
};

/**
 * Paid for something that only a newer program delivers, whose journal this one was given: it
 * cannot be taken further here, and a person decides.
 */
function undeliverable(open: OpenOrder, now: Now): Advance {
  return movesOf(open, now).write({
    kind: 'order-parked',
    body: { reason: 'no-delivery', nextStep: 'counter' },
  });
}

/** What the order itself needs, besides its attempts. */
function advanceOrder(open: OpenOrder, ctx: AdvanceContext): Advance {
  const { order } = open;
  const { same, write } = movesOf(open, ctx);
  const delivery = DELIVERIES[order.sale.kind];
  switch (order.state) {
    case 'quoted':
      return write({ kind: 'order-closed', body: { why: 'recovery' } });
    case 'collecting':
      return collect(open, ctx);
    case 'paid':
      return delivery?.begin(open, ctx) ?? undeliverable(open, ctx);
    case 'delivering':
      if (open.writing) return same();
      return write({
        kind: 'order-in-doubt',
        body: { failure: { code: 'CORE-0101', detail: 'restarted during the write' } },
      });
    case 'in-doubt':
      return delivery?.doubt(open, ctx) ?? undeliverable(open, ctx);
    case 'refunding':
      return refunding(open, ctx);
    case 'delivered':
    case 'closed':
    case 'refunded':
    case 'parked':
      return same();
    default:
      return never(order.state);
  }
}

/** The money is being collected: once more, or the order ends without any. */
function collect(open: OpenOrder, ctx: AdvanceContext): Advance {
  const { order } = open;
  const { same, write } = movesOf(open, ctx);
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
      body: {
        reason: isParkReason(last.reason) ? last.reason : 'payment',
        nextStep: 'counter',
      },
    });
  const closed = last === undefined || last.state === 'closed';
  return write({
    kind: 'order-closed',
    body: { why: closed ? (last?.reason ?? 'expired') : 'late-capture' },
  });
}

/** The order follows the refund of the attempt that paid it. */
function refunding(open: OpenOrder, ctx: AdvanceContext): Advance {
  const { same, write } = movesOf(open, ctx);
  const paid = open.attempts.find((a) => a.attemptId === open.order.paidBy);
  if (paid?.state === 'refunded')
    return write({ kind: 'order-refunded', body: { attemptId: paid.attemptId } });
  if (paid?.state === 'parked')
    return write({
      kind: 'order-parked',
      body: {
        reason: isParkReason(paid.reason) ? paid.reason : 'refund',
        nextStep: 'refund-by-hand',
      },
    });
  return same();
}
