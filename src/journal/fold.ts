import type { EventBody, EventKind, JournalEvent } from '../shared/facts/catalogue.ts';
import { ATTEMPT_FROM, IllegalTransition, mayBeTaken, ORDER_FROM } from '../shared/order-rules.ts';
import type { AttemptState, OrderState } from '../shared/order-rules.ts';
import { cardSale } from '../shared/sale.ts';
import type { CardSale, Sale } from '../shared/sale.ts';
import type { Unwritten } from '../shared/trust.ts';

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
  /** With it, how sure that read was; left out: it was the reader's word only. */
  readonly unwritten?: Unwritten;
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

/** The rows that one event is about, and how they move. All of it throws IllegalTransition. */
interface Rows {
  readonly wallMs: number;
  readonly ledger: Ledger;
  /** The event's order. */
  readonly order: () => OrderRow;
  /** An attempt of the event's order. */
  readonly attempt: (attemptId: string) => AttemptRow;
  readonly begun: (sale: Sale) => OrderRow;
  readonly moveOrder: (to: OrderState, change?: Partial<OrderRow>) => OrderRow;
  readonly moveAttempt: (
    attemptId: string,
    to: AttemptState,
    change?: Partial<AttemptRow>,
  ) => AttemptRow;
}

function rowsOf(ledger: Ledger, event: JournalEvent, wallMs: number): Rows {
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
  return {
    wallMs,
    ledger,
    order,
    attempt,
    begun: (sale) => {
      if (event.orderId === null || ledger.order(event.orderId) !== undefined)
        throw new IllegalTransition(`${event.kind} twice`);
      return newOrder(event.orderId, sale, wallMs);
    },
    moveOrder: (to, change = {}) => {
      const row = order();
      if (!ORDER_FROM[to].includes(row.state))
        throw new IllegalTransition(`order ${row.orderId}: ${row.state} → ${to}`);
      return { ...row, ...change, state: to, updatedMs: wallMs };
    },
    moveAttempt: (attemptId, to, change = {}) => {
      const row = attempt(attemptId);
      if (!ATTEMPT_FROM[to].includes(row.state))
        throw new IllegalTransition(`attempt ${attemptId}: ${row.state} → ${to}`);
      return { ...row, ...change, state: to, updatedMs: wallMs };
    },
  };
}

const newOrder = (orderId: string, sale: Sale, wallMs: number): OrderRow => ({
  orderId,
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
});

/**
 * What a person was to do with a parked order stays on record; of one in doubt the card has
 * answered before a person came.
 */
const unsaid = (order: OrderRow): Partial<OrderRow> =>
  order.state === 'in-doubt' ? { nextStep: null } : {};

function creating(
  { order, ledger, moveOrder, wallMs }: Rows,
  b: EventBody<'attempt-creating'>,
): Folded {
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

function captured(
  { order, attempt, moveAttempt }: Rows,
  { attemptId, transactionId, amountFen, taken }: EventBody<'attempt-paid'>,
): Folded {
  const before = attempt(attemptId);
  if (taken && !mayBeTaken(before))
    throw new IllegalTransition(
      `an attempt that is ${before.state} (${before.reason ?? ''}) cannot be taken`,
    );
  // One capture pays an order; the order is no longer collecting once it has it.
  const { state } = order();
  if (taken && state !== 'collecting')
    throw new IllegalTransition(`an order that is ${state} takes no capture`);
  if (amountFen !== before.amountFen)
    throw new IllegalTransition('captured amount differs from the attempt’s');
  // One that is taken is not being closed any more.
  const reason = taken ? null : before.reason;
  return { attempt: moveAttempt(attemptId, 'paid', { transactionId, taken, reason }) };
}

function orderPaid({ attempt, moveOrder }: Rows, { attemptId }: EventBody<'order-paid'>): Folded {
  const a = attempt(attemptId);
  if (a.state !== 'paid' || a.taken !== true)
    throw new IllegalTransition('order-paid by an attempt that is not taken');
  return { order: moveOrder('paid', { paidBy: a.attemptId }) };
}

function delivering({ order, moveOrder }: Rows, body: EventBody<'order-delivering'>): Folded {
  const { insertion, before, after, cumulative, plan } = body;
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
      // Whatever was proven, was proven before this write.
      ...(row.unwritten === undefined ? {} : { unwritten: 'unproven' }),
    }),
  };
}

function kept({ order, wallMs }: Rows, { record }: EventBody<'order-kept'>): Folded {
  const row = order();
  if (row.state !== 'delivering')
    throw new IllegalTransition(`a card's answer is kept for an order that is ${row.state}`);
  return { order: { ...row, kept: [...(row.kept ?? []), record], updatedMs: wallMs } };
}

/** A card's order has a witness of its own. */
function refuseCard(order: OrderRow): void {
  if (order.sale.kind !== 'credit')
    throw new IllegalTransition('a card sale is not posted to an account');
}

function posting({ order, moveOrder }: Rows): Folded {
  refuseCard(order());
  return { order: moveOrder('delivering', { writes: order().writes + 1 }) };
}

function posted({ order, moveOrder }: Rows): Folded {
  refuseCard(order());
  return { order: moveOrder('delivered', { reason: null, ...unsaid(order()) }) };
}

function inDoubt(
  { order, moveOrder }: Rows,
  { failure, wants, unwritten }: EventBody<'order-in-doubt'>,
): Folded {
  const known = unwritten ?? order().unwritten;
  return {
    order: moveOrder('in-doubt', {
      ...(known === undefined ? {} : { unwritten: known }),
      reason: failure.code,
      wantsRefund: wants === 'refund',
      nextStep: wants === 'counter' ? 'counter' : null,
    }),
  };
}

function refundRetried(rows: Rows, { attemptId }: EventBody<'attempt-refund-retried'>): Folded {
  const { order, attempt, moveOrder, moveAttempt } = rows;
  const row = order();
  const a = attempt(attemptId);
  if (a.state !== 'parked' || a.settled !== null)
    throw new IllegalTransition(`a refund that is ${a.state} is not asked for again`);
  return {
    ...(row.state === 'parked' && row.paidBy === a.attemptId
      ? { order: moveOrder('refunding', { nextStep: null }) }
      : {}),
    attempt: moveAttempt(a.attemptId, 'refunding'),
  };
}

function settledByHand(
  { order, attempt, wallMs }: Rows,
  { attemptId, how, reference, who }: EventBody<'parked-settled'>,
): Folded {
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
    row.state === 'parked' && row.settled === null && (a === null || row.paidBy === a.attemptId);
  return {
    ...(ofOrder ? { order: { ...row, settled, updatedMs: wallMs } } : {}),
    ...(a === null ? {} : { attempt: { ...a, settled, updatedMs: wallMs } }),
  };
}

/** It is on record, and no row changes by it. */
const onRecord = (): Folded => ({});

/** What each kind of fact does to the rows. */
const FOLDS: { readonly [K in EventKind]: (rows: Rows, body: EventBody<K>) => Folded } = {
  'order-quoted': (rows, quote) => ({ order: rows.begun(cardSale(quote)) }),
  'credit-quoted': (rows, quote) => ({ order: rows.begun({ kind: 'credit', ...quote }) }),
  'attempt-creating': creating,
  'attempt-pending': ({ moveAttempt }, { attemptId }) => ({
    attempt: moveAttempt(attemptId, 'pending', { shown: true }),
  }),
  'attempt-closing': ({ moveAttempt }, { attemptId, why }) => ({
    attempt: moveAttempt(attemptId, 'closing', { reason: why }),
  }),
  'attempt-closed': ({ moveAttempt }, { attemptId }) => ({
    attempt: moveAttempt(attemptId, 'closed'),
  }),
  'attempt-paid': captured,
  'attempt-refunding': ({ moveAttempt }, { attemptId, why }) => ({
    attempt: moveAttempt(attemptId, 'refunding', { reason: why }),
  }),
  'attempt-refunded': ({ moveAttempt }, { attemptId, refundId }) => ({
    attempt: moveAttempt(attemptId, 'refunded', { refundId }),
  }),
  'attempt-parked': ({ moveAttempt }, { attemptId, reason }) => ({
    attempt: moveAttempt(attemptId, 'parked', { reason }),
  }),
  'attempt-refund-retried': refundRetried,
  'order-paid': orderPaid,
  'order-delivering': delivering,
  'order-kept': kept,
  'credit-posting': posting,
  'credit-posted': posted,
  'order-in-doubt': inDoubt,
  'order-delivered': ({ order, moveOrder }) => ({
    order: moveOrder('delivered', { reason: null, ...unsaid(order()) }),
  }),
  'order-closed': ({ moveOrder }, { why }) => ({ order: moveOrder('closed', { reason: why }) }),
  'order-refunding': ({ order, moveOrder }, { failure }) => ({
    order: moveOrder('refunding', { reason: failure.code, ...unsaid(order()) }),
  }),
  'order-refunded': ({ moveOrder }) => ({ order: moveOrder('refunded') }),
  'order-parked': ({ moveOrder }, { reason, nextStep }) => ({
    order: moveOrder('parked', { reason, nextStep }),
  }),
  'parked-settled': settledByHand,
  'assist-writing': onRecord,
  'assist-kept': onRecord,
  'assist-ended': onRecord,
  'epoch-began': onRecord,
  'journal-restored': onRecord,
  'order-restated': onRecord,
  'damage-accepted': onRecord,
  'journal-pruned': onRecord,
  'device-changed': onRecord,
  'maintenance-entered': onRecord,
  'maintenance-left': onRecord,
  'maintenance-refused': onRecord,
  'maintenance-action': onRecord,
  'core-started': onRecord,
  'card-seen': onRecord,
  'card-refused': onRecord,
  'card-left': onRecord,
  'visit-rated': onRecord,
  'request-made': onRecord,
  'slip-printed': onRecord,
  'clock-step': onRecord,
  'policy-taken': onRecord,
  reconciled: onRecord,
  'shift-closed': onRecord,
};

/**
 * The meaning of one event for the rows: pure, and the only place where rows change, so that
 * `journal verify` can rebuild every row from the events and compare.
 *
 * @throws IllegalTransition when the event does not follow from the rows' state.
 */
export function fold(ledger: Ledger, event: JournalEvent, wallMs: number): Folded {
  const one = FOLDS[event.kind] as (rows: Rows, body: unknown) => Folded;
  return one(rowsOf(ledger, event, wallMs), event.body);
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
