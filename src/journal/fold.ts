import type { EventBody, JournalEvent } from '../shared/facts/catalogue.ts';
import { ATTEMPT_FROM, IllegalTransition, ORDER_FROM } from '../shared/order-rules.ts';
import type { AttemptState, OrderState } from '../shared/order-rules.ts';
import { never } from '../shared/result.ts';
import { cardSale } from '../shared/sale.ts';
import type { CardSale, Sale } from '../shared/sale.ts';

/** How a person ended what was parked. */
export interface Settled {
  readonly how: EventBody<'parked-settled'>['how'];
  readonly reference: string;
  readonly who: string;
  readonly atMs: number;
}

/** One sale: the fold of its events. All bytes are upper-case hex. */
export interface OrderRow<S extends Sale = Sale> {
  readonly orderId: string;
  readonly state: OrderState;
  readonly sale: S;
  /** The attempt whose money the order took; null: none yet. */
  readonly paidBy: string | null;
  /** The durable plan of a card's write; null before `delivering`, and for other sales. */
  readonly delivery: {
    readonly insertion: number;
    readonly before: string;
    readonly after: string;
    readonly cumulative: number;
    readonly plan: readonly string[];
  } | null;
  /** What was kept of its writes, oldest first; left out: nothing. */
  readonly kept?: readonly string[];
  /** How often a write was begun. */
  readonly writes: number;
  readonly reason: string | null;
  /**
   * What a person is to do: of a parked order, and `counter` of one in doubt whose card will not
   * come back ({@link wantsCounter}).
   */
  readonly nextStep: string | null;
  /**
   * In doubt and provably not written at the last read: the money shall go back, once central
   * grants it.
   */
  readonly wantsRefund: boolean;
  /** Parked, and settled by a person. */
  readonly settled: Settled | null;
  readonly createdMs: number;
  readonly updatedMs: number;
}

/** An order that is delivered to a card. */
export type CardOrder = OrderRow<CardSale>;

/** One try to collect an order's money, with its own provider number and refund number. */
export interface AttemptRow {
  readonly attemptId: string;
  readonly orderId: string;
  readonly state: AttemptState;
  readonly provider: string;
  /** Absent: a QR code. `code`: the customer's payment code. */
  readonly method?: 'code';
  readonly outTradeNo: string;
  readonly outRefundNo: string;
  readonly amountFen: number;
  readonly expiresAtMs: number;
  /** Was the QR code ever shown? Before, nobody can have paid it. */
  readonly shown: boolean;
  readonly transactionId: string | null;
  /** True: the order took it. False: captured but not taken; it refunds itself. Null: not captured. */
  readonly taken: boolean | null;
  readonly refundId: string | null;
  readonly reason: string | null;
  readonly settled: Settled | null;
  readonly createdMs: number;
  readonly updatedMs: number;
}

export interface Ledger {
  readonly order: (orderId: string) => OrderRow | undefined;
  readonly attempt: (attemptId: string) => AttemptRow | undefined;
}
export interface Folded {
  readonly order?: OrderRow;
  readonly attempt?: AttemptRow;
}

/**
 * The meaning of one event for the rows: pure, and the only place where rows change, so that
 * `journal verify` can rebuild every row from the events and compare.
 *
 * @throws IllegalTransition when the event does not follow from the rows' state.
 */
export function fold(ledger: Ledger, event: JournalEvent, wallMs: number): Folded {
  const order = (): OrderRow => {
    const row = event.orderId === null ? undefined : ledger.order(event.orderId);
    if (row === undefined) throw new IllegalTransition(`${event.kind} without its order`);
    return row;
  };
  const attempt = (attemptId: string): AttemptRow => {
    const row = ledger.attempt(attemptId);
    if (row === undefined || row.orderId !== event.orderId)
      throw new IllegalTransition(`${event.kind} without its attempt`);
    return row;
  };
  const begun = (sale: Sale): OrderRow => {
    if (event.orderId === null || ledger.order(event.orderId) !== undefined)
      throw new IllegalTransition(`${event.kind} twice`);
    return {
      orderId: event.orderId,
      state: 'quoted',
      sale,
      paidBy: null,
      delivery: null,
      writes: 0,
      reason: null,
      nextStep: null,
      wantsRefund: false,
      settled: null,
      createdMs: wallMs,
      updatedMs: wallMs,
    };
  };
  const moveOrder = (to: OrderState, change: Partial<OrderRow> = {}): OrderRow => {
    const row = order();
    if (!ORDER_FROM[to].includes(row.state))
      throw new IllegalTransition(`order ${row.orderId}: ${row.state} → ${to}`);
    return { ...row, ...change, state: to, updatedMs: wallMs };
  };
  // What a person was to do with a parked order stays on record; of one in doubt the card has
  // answered before a person came.
  const unsaid = (): Partial<OrderRow> => (order().state === 'in-doubt' ? { nextStep: null } : {});
  const moveAttempt = (
    attemptId: string,
    to: AttemptState,
    change: Partial<AttemptRow> = {},
  ): AttemptRow => {
    const row = attempt(attemptId);
    if (!ATTEMPT_FROM[to].includes(row.state))
      throw new IllegalTransition(`attempt ${attemptId}: ${row.state} → ${to}`);
    return { ...row, ...change, state: to, updatedMs: wallMs };
  };

  switch (event.kind) {
    case 'order-quoted':
      return { order: begun(cardSale(event.body)) };
    case 'credit-quoted':
      return { order: begun({ kind: 'credit', ...event.body }) };
    case 'attempt-creating': {
      const b = event.body;
      const row = order();
      if (ledger.attempt(b.attemptId) !== undefined)
        throw new IllegalTransition('attempt-creating twice');
      if (row.state !== 'quoted' && row.state !== 'collecting')
        throw new IllegalTransition(`attempt on an order that is ${row.state}`);
      return {
        order: row.state === 'quoted' ? moveOrder('collecting') : row,
        attempt: {
          attemptId: b.attemptId,
          orderId: row.orderId,
          state: 'creating',
          provider: b.provider,
          ...(b.method === undefined ? {} : { method: b.method }),
          outTradeNo: b.outTradeNo,
          outRefundNo: b.outRefundNo,
          amountFen: b.amountFen,
          expiresAtMs: b.expiresAtMs,
          shown: false,
          transactionId: null,
          taken: null,
          refundId: null,
          reason: null,
          settled: null,
          createdMs: wallMs,
          updatedMs: wallMs,
        },
      };
    }
    case 'attempt-pending':
      return { attempt: moveAttempt(event.body.attemptId, 'pending', { shown: true }) };
    case 'attempt-closing':
      return { attempt: moveAttempt(event.body.attemptId, 'closing', { reason: event.body.why }) };
    case 'attempt-closed':
      return { attempt: moveAttempt(event.body.attemptId, 'closed') };
    case 'attempt-paid': {
      const before = attempt(event.body.attemptId);
      if (event.body.taken && before.state !== 'pending')
        throw new IllegalTransition(`an attempt that is ${before.state} cannot be taken`);
      if (event.body.amountFen !== before.amountFen)
        throw new IllegalTransition('captured amount differs from the attempt’s');
      return {
        attempt: moveAttempt(event.body.attemptId, 'paid', {
          transactionId: event.body.transactionId,
          taken: event.body.taken,
        }),
      };
    }
    case 'attempt-refunding':
      return {
        attempt: moveAttempt(event.body.attemptId, 'refunding', { reason: event.body.why }),
      };
    case 'attempt-refunded':
      return {
        attempt: moveAttempt(event.body.attemptId, 'refunded', { refundId: event.body.refundId }),
      };
    case 'attempt-parked':
      return {
        attempt: moveAttempt(event.body.attemptId, 'parked', { reason: event.body.reason }),
      };
    case 'order-paid': {
      const a = attempt(event.body.attemptId);
      if (a.state !== 'paid' || a.taken !== true)
        throw new IllegalTransition('order-paid by an attempt that is not taken');
      return { order: moveOrder('paid', { paidBy: a.attemptId }) };
    }
    case 'order-delivering': {
      const { insertion, before, after, cumulative, plan } = event.body;
      const row = order();
      if (row.sale.kind !== 'card')
        throw new IllegalTransition('nothing is written to a card for a credit sale');
      if (row.delivery !== null && row.delivery.after !== after && row.state !== 'in-doubt')
        throw new IllegalTransition('a second plan while the first is open');
      return {
        order: moveOrder('delivering', {
          delivery: { insertion, before, after, cumulative, plan },
          writes: row.writes + 1,
          wantsRefund: false,
          nextStep: null,
        }),
      };
    }
    case 'credit-posting':
      if (order().sale.kind !== 'credit')
        throw new IllegalTransition('a card sale is not posted to an account');
      return { order: moveOrder('delivering', { writes: order().writes + 1 }) };
    case 'credit-posted':
      if (order().sale.kind !== 'credit')
        throw new IllegalTransition('a card sale is not posted to an account');
      return { order: moveOrder('delivered', { reason: null, ...unsaid() }) };
    case 'order-kept': {
      const row = order();
      if (row.state !== 'delivering')
        throw new IllegalTransition(`a card's answer is kept for an order that is ${row.state}`);
      return {
        order: { ...row, kept: [...(row.kept ?? []), event.body.record], updatedMs: wallMs },
      };
    }
    case 'order-in-doubt':
      return {
        order: moveOrder('in-doubt', {
          reason: event.body.failure.code,
          wantsRefund: event.body.wants === 'refund',
          nextStep: event.body.wants === 'counter' ? 'counter' : null,
        }),
      };
    case 'order-delivered':
      return { order: moveOrder('delivered', { reason: null, ...unsaid() }) };
    case 'order-closed':
      return { order: moveOrder('closed', { reason: event.body.why }) };
    case 'order-refunding':
      return { order: moveOrder('refunding', { reason: event.body.failure.code, ...unsaid() }) };
    case 'order-refunded':
      return { order: moveOrder('refunded') };
    case 'order-parked':
      return {
        order: moveOrder('parked', { reason: event.body.reason, nextStep: event.body.nextStep }),
      };
    case 'attempt-refund-retried': {
      const row = order();
      const a = attempt(event.body.attemptId);
      if (a.state !== 'parked' || a.settled !== null)
        throw new IllegalTransition(`a refund that is ${a.state} is not asked for again`);
      return {
        ...(row.state === 'parked' && row.paidBy === a.attemptId
          ? { order: moveOrder('refunding', { nextStep: null }) }
          : {}),
        attempt: moveAttempt(a.attemptId, 'refunding'),
      };
    }
    case 'parked-settled': {
      const { attemptId, how, reference, who } = event.body;
      const settled: Settled = { how, reference, who, atMs: wallMs };
      const row = order();
      const a = attemptId === null ? null : attempt(attemptId);
      if (
        a === null
          ? row.state !== 'parked' || row.settled !== null
          : a.state !== 'parked' || a.settled !== null
      )
        throw new IllegalTransition('only what is parked and open is settled by hand');
      const ofOrder =
        row.state === 'parked' &&
        row.settled === null &&
        (a === null || row.paidBy === a.attemptId);
      return {
        ...(ofOrder ? { order: { ...row, settled, updatedMs: wallMs } } : {}),
        ...(a === null ? {} : { attempt: { ...a, settled, updatedMs: wallMs } }),
      };
    }
    case 'assist-writing':
    case 'assist-kept':
    case 'assist-ended':
    case 'epoch-began':
    case 'journal-restored':
    case 'order-restated':
    case 'damage-accepted':
    case 'journal-pruned':
    case 'maintenance-entered':
    case 'maintenance-left':
    case 'maintenance-refused':
    case 'maintenance-action':
    case 'core-started':
    case 'slip-printed':
    case 'clock-step':
    case 'policy-taken':
    case 'reconciled':
      return {};
    default:
      return never(event);
  }
}

/**
 * What `order-restated` says: the rows, a card's sale as the quote of its first fact, as this kind
 * always said it.
 */
export function restatement(
  order: OrderRow | undefined,
  attempts: readonly AttemptRow[],
): EventBody<'order-restated'> {
  if (order?.sale.kind !== 'card') return { order, attempts: [...attempts] };
  const { orderId, state, sale, ...rest } = order;
  const { kind: _kind, payee: _payee, ...quote } = sale;
  return { order: { orderId, state, quote, ...rest }, attempts: [...attempts] };
}

/**
 * In doubt, and a technician said that its card will not come back: nothing is written any more,
 * and a person ends it once central grants the counter claim.
 */
export function wantsCounter(order: OrderRow): boolean {
  return order.state === 'in-doubt' && order.nextStep === 'counter';
}
