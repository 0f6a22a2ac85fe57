import { offersInvoice } from '../words/receipt-code.ts';
import { isUsable } from '../../device/device.ts';
import { PROVIDER_KINDS } from '../../shared/contract/index.ts';
import type { Snapshot, SnapshotOf } from '../../shared/contract/index.ts';
import { ERRORS } from '../../shared/errors.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { orderRef } from '../../shared/order-id.ts';
import { never } from '../../shared/result.ts';
import type { CardKind } from '../../shared/sale.ts';
import { isBeyondTheDay } from '../order/attempt-run.ts';
import type { KioskState } from '../state/kiosk.ts';
import type { AttemptRun, OpenOrder } from '../state/order.ts';
import type { OrderSession } from '../state/visit.ts';
import { creditGoodsOf } from './account-sale/view.ts';
import {
  doubtOf,
  heldBack,
  isTakenAtCentral,
  mayRecharge,
  orderScreen,
  progressOf,
  unfinishedState,
  waitsForPerson,
} from './order-screen.ts';
import {
  againOffered,
  cancelOffered,
  choicesFor,
  declinedFor,
  newCodeOffered,
  takersFor,
} from './paying.ts';
import { wallMs } from './view-base.ts';
import type { Base, ViewContext } from './view-base.ts';

/** Why the money waits for a person, though nothing is decided; null: it does not. */
function whyStaffLook(open: OpenOrder): 'BILL-0111' | 'PAY-0205' | null {
  if (waitsForPerson(open)) return 'BILL-0111';
  return isBeyondTheDay(open) ? 'PAY-0205' : null;
}

/** What was bought: what a card gets, or the money that an account gets. */
function goodsOf({ sale }: Pick<OpenOrder['order'], 'sale'>) {
  return sale.kind === 'card'
    ? sale
    : { quantity: sale.amountFen, unit: 'money' as const, nextCount: 0, carriedAfterMicro: 0 };
}

/** Where the customer goes with his card; left out: there is none. */
const cardKindOf = ({ sale }: Pick<OpenOrder['order'], 'sale'>): { cardKind?: CardKind } =>
  sale.kind === 'card' ? { cardKind: sale.cardKind ?? 'gas' } : {};

/** The screen of an order, from paying to its end. */
export function orderView(
  state: KioskState,
  s: OrderSession,
  open: OpenOrder,
  base: Base,
  ctx: ViewContext,
): Snapshot {
  const { order } = open;
  const { amountFen } = order.sale;
  const { quantity, unit, nextCount, carriedAfterMicro } = goodsOf(order);
  const what = { orderRef: orderRef(order.orderId), amountFen };
  const goods = {
    quantity,
    unit,
    ...(order.sale.kind === 'card'
      ? {}
      : { credit: creditGoodsOf(order.sale, state.service.policy?.credit) }),
  };
  const deadlineMs = s.ending === null ? null : wallMs(ctx, s.ending.deadlineMono);
  const screen = orderScreen(s, open);
  switch (screen) {
    case 'pay':
      return { ...base, screen, ...what, ...goods, ...payView(state, s, open) };
    case 'writing':
      return {
        ...base,
        screen,
        ...what,
        ...goods,
        ...progressOf(open.writing, open.progress),
      };
    case 'done':
      return {
        ...base,
        screen,
        ...what,
        ...goods,
        ...(s.account === null || s.account.restFen === 0 ? {} : { restFen: s.account.restFen }),
        ...(mayRecharge(state, s) ? { recharge: true as const } : {}),
        count: nextCount,
        carriedAfterMicro,
        ...cardKindOf(order),
        cardOut: s.cardOut,
        rated: s.rated,
        receipt: s.receipt,
        ...receiptOf(state, s, order, ctx),
        deadlineMs: s.cardOut ? deadlineMs : null,
      };
    case 'in-doubt':
      return {
        ...base,
        screen,
        reason: doubtOf(s, open),
        ...(isTakenAtCentral(open) ? { taken: true as const } : {}),
        ...what,
        ...goods,
        slip: s.slip,
        deadlineMs,
      };
    case 'unfinished':
      return {
        ...base,
        screen,
        state: unfinishedState(open),
        ...what,
        ...goods,
        ...(open.writing ? { progress: progressOf(true, open.progress) } : {}),
        ...cardKindOf(order),
        deadlineMs,
      };
    case 'refunding': {
      const of = order.state === 'closed' ? heldBack(open)?.state : order.state;
      const waits = whyStaffLook(open);
      return {
        ...base,
        screen,
        state: waits !== null ? 'parked' : of === 'refunded' || of === 'parked' ? of : 'refunding',
        reason: waits ?? (order.state === 'closed' ? null : reasonCode(order.reason)),
        ...what,
        slip: s.slip,
        deadlineMs,
      };
    }
    case 'cancelled': {
      if (order.reason !== 'create-refused')
        return { ...base, screen, amountFen, again: againOffered(state, s, open), deadlineMs };
      const reason = lastRun(open)?.refusal?.code ?? 'PAY-0102';
      return {
        ...base,
        screen: 'cannot-sell',
        reason,
        reference: `${reason} · ${what.orderRef}`,
        card: null,
        deadlineMs,
      };
    }
    default:
      return never(screen);
  }
}

/** The receipt's code, once the card is out: before, nothing takes the eye off it. */
function receiptOf(
  state: KioskState,
  s: OrderSession,
  order: OpenOrder['order'],
  ctx: ViewContext,
): Pick<SnapshotOf<'done'>, 'receiptUrl' | 'invoice'> {
  const receiptUrl = s.cardOut ? ctx.receiptUrl(s.orderId) : null;
  if (receiptUrl === null) return {};
  return offersInvoice(state.service.policy, order)
    ? { receiptUrl, invoice: true }
    : { receiptUrl };
}

type PayView = SnapshotOf<'pay'>;

/** What the pay screen says of the payment, besides what is bought. */
function payView(
  state: KioskState,
  s: OrderSession,
  open: OpenOrder,
): Omit<
  PayView,
  keyof Base | 'screen' | 'orderRef' | 'amountFen' | 'quantity' | 'unit' | 'credit'
> {
  const attempt = open.attempts.at(-1);
  const run = lastRun(open);
  const paying = payState(state, s, open);
  const byCode = attempt?.method === 'code';
  const choices = choicesFor(state, open);
  const wallets = state.service.policy?.wallets?.[open.order.sale.payee];
  return {
    provider: PROVIDER_KINDS.find((kind) => kind === attempt?.provider) ?? 'gateway',
    choices:
      attempt === undefined || byCode || choices.some((kind) => kind === attempt.provider)
        ? [...choices]
        : PROVIDER_KINDS.filter((kind) => kind === attempt.provider || choices.includes(kind)),
    scanner: isUsable(state.service.devices, 'scanner') && takersFor(state, open).length > 0,
    byCode,
    problem: s.scanProblem ?? declinedFor(open),
    qrText: paying === 'waiting' || paying === 'unknown' ? (run?.qrText ?? null) : null,
    state: paying,
    ...(attempt?.provider === 'gateway' && wallets !== undefined ? { wallets } : {}),
    cancelOffered: cancelOffered(s, open),
    newCodeOffered: newCodeOffered(s, open),
    // "Not paid" was true when it was asked; once the customer pays, or nobody knows, it is not said
    // any more.
    lastCheck:
      s.lastCheck === 'asking' ||
      (s.lastCheck === 'not-paid' && paying === 'waiting') ||
      (s.lastCheck === 'line-down' && nobodyKnows(run))
        ? s.lastCheck
        : null,
    deadlineMs:
      attempt === undefined ||
      paying === 'closing' ||
      paying === 'card-out' ||
      paying === 'switching'
        ? null
        : attempt.expiresAtMs,
  };
}

/** How the payment stands in the words of the pay screen. */
function payState({ reader }: KioskState, s: OrderSession, open: OpenOrder): PayView['state'] {
  const attempt = open.attempts.at(-1);
  const over = attempt?.state === 'closing' || attempt?.state === 'closed';
  // One way to pay ends so that another can begin; anything else that ends here ends the order.
  const failed =
    attempt?.method === 'code' && (attempt.reason === 'declined' || attempt.reason === 'expired');
  if (
    s.closeWhy === null &&
    (open.next !== null || (over && (attempt.reason === 'switched' || failed)))
  )
    return 'switching';
  const back = reader.state === 'present' && reader.insertion === s.insertion;
  // A code payment that is being taken back is not waited for.
  const reversed = over && attempt?.method === 'code';
  if (s.closeWhy === 'card-removed' && !back && !reversed) return 'card-out';
  if (s.closeWhy !== null || attempt === undefined || over) return 'closing';
  const run = lastRun(open);
  if (run?.paying === true) return 'paying';
  if (nobodyKnows(run)) return 'unknown';
  return attempt.state === 'creating' ? 'creating' : 'waiting';
}

function lastRun(open: OpenOrder): AttemptRun | undefined {
  const attempt = open.attempts.at(-1);
  return attempt === undefined ? undefined : open.runs.get(attempt.attemptId);
}

/** The provider was asked more than once and gave no answer that could be believed. */
function nobodyKnows(run: AttemptRun | undefined): boolean {
  return run?.unknownSinceMono != null && run.fails > 1;
}
/** What an order was parked for, as a sentence that a customer can be shown. */
const PARKED_FOR: Readonly<Record<string, ErrorCode>> = {
  'amount-differs': 'PAY-0201',
  'refund-refused': 'PAY-0301',
  'refund-abnormal': 'PAY-0301',
  'refunded-elsewhere': 'PAY-0301',
  'card-foreign': 'CARD-0104',
  'delivered-before': 'BILL-0106',
  'not-at-central': 'BILL-0104',
  'card-lost': 'BILL-0110',
};

/**
 * The code behind an order's reason: a snapshot with anything else breaks the contract, and the
 * shell would drop it.
 */
function reasonCode(reason: string | null): ErrorCode | null {
  if (reason === null) return null;
  return Object.hasOwn(ERRORS, reason) ? (reason as ErrorCode) : (PARKED_FOR[reason] ?? null);
}
