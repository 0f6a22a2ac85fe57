import { cardSaleOf } from '../shared/sale.ts';
import type { CardReading } from '../card/types.ts';
import type { Account, Quote } from '../shared/central-api/index.ts';
import { PROVIDER_KINDS } from '../shared/contract/index.ts';
import type {
  CardView,
  Header,
  ProviderKind,
  QuoteView,
  Snapshot,
  SnapshotOf,
} from '../shared/contract/index.ts';
import { ERRORS } from '../shared/errors.ts';
import type { ErrorCode } from '../shared/errors.ts';
import type { OrderState } from '../shared/order-rules.ts';
import { maskCardNo, maskName } from '../shared/mask.ts';
import { never } from '../shared/result.ts';
import { sameMembers } from '../shared/same.ts';
import { maintenanceView } from './maintenance/mode.ts';
import { mostFen } from './visit/card-sale/sellable.ts';
import {
  cancelOffered,
  declinedFor,
  orderScreen,
  payAway,
  payChoices,
  takers,
} from './visit/visit.ts';
import { orderRef } from '../shared/order-id.ts';
import type { KioskState, OrderSession } from './state/kiosk.ts';
import type { Now, OpenOrder } from './state/order.ts';

export interface ViewContext extends Now {
  readonly header: Omit<Header, 'hotline'>;
  readonly demo: boolean;
  /** Hotline of the last policy, or of the configuration's fallback. */
  readonly hotline: string;
}

/** The meter's `YYMMDDhhmm` as a date that a person reads: `2511150830` → `2025-11-15`. */
export function dateOf(visit: string): string {
  const d = /^(\d\d)(\d\d)(\d\d)/.exec(visit);
  return d === null ? visit : `20${d[1]}-${d[2]}-${d[3]}`;
}

/** Why the kiosk as a whole cannot serve now; null: it can. */
export function outOfService(state: KioskState): ErrorCode | null {
  if (state.service.blocked?.code.startsWith('JRNL') === true) return state.service.blocked.code;
  if (
    state.service.blocked?.code === 'CONF-0103' ||
    state.service.blocked?.code === 'BILL-0104' ||
    state.service.blocked?.code === 'BILL-0109' ||
    state.service.blocked?.code === 'MNT-0103'
  )
    return state.service.blocked.code;
  if (state.reader.state === 'offline') return state.reader.failure?.code ?? 'CARD-0107';
  return null;
}

/** Why nothing can be sold now though the kiosk serves; null: selling works. */
export function notSelling(state: KioskState): ErrorCode | null {
  if (state.service.blocked !== null) return state.service.blocked.code;
  if (state.service.policy === null) return 'SALE-0110';
  if (state.service.lineUp === false) return 'SALE-0111';
  return null;
}

/** What moves without anybody seeing a new screen. */
const MOVING: ReadonlySet<string> = new Set(['nowMs', 'revision', 'deadlineMs']);

/**
 * Would a person see no difference? A new revision drops taps made on the one before, so nothing
 * that cannot be seen may make one; a screen's end may move by less than a second.
 */
export function looksSame(a: Snapshot, b: Snapshot): boolean {
  const [endA, endB] = [a, b].map((s) => ('deadlineMs' in s ? s.deadlineMs : null));
  const sameEnd = endA === endB || (endA != null && endB != null && Math.abs(endA - endB) < 1_000);
  return sameEnd && sameMembers(a, b, MOVING);
}

/** The whole screen as data; the renderer adds nothing but looks. */
export function viewOf(state: KioskState, ctx: ViewContext, revision: number): Snapshot {
  const base = {
    revision,
    locale: state.locale,
    textSize: state.textSize,
    header: { ...ctx.header, hotline: ctx.hotline },
    nowMs: ctx.nowMs,
    demo: ctx.demo,
  };
  const technician = maintenanceView(state, base, ctx);
  if (technician !== null) return technician;
  const wall = (mono: number): number => Math.max(0, Math.round(ctx.nowMs + (mono - ctx.monoMs)));
  const s = state.session;
  const { policy } = state.service;
  switch (s.at) {
    case 'idle': {
      const down = outOfService(state);
      if (down !== null) {
        return {
          ...base,
          screen: 'out-of-service',
          reason: down,
          reference: `${down} · ${ctx.header.terminalId.slice(-4)}`,
          nearestSite: policy?.sites[0] ?? null,
        };
      }
      const reason = notSelling(state);
      const degraded: ErrorCode[] = [];
      if (reason !== null) degraded.push(reason);
      if (!state.service.printer.ready) degraded.push('DEV-0101');
      if (state.service.centralUp === false && reason === null) degraded.push('BILL-0101');
      return {
        ...base,
        screen: 'start',
        tiles: ['query', 'unfinished'],
        providers: [...payChoices(state)],
        payAway: [...payAway(state)],
        degraded,
        selling: reason === null,
        notices: policy?.notices ?? [],
      };
    }
    case 'insert-card':
      return {
        ...base,
        screen: 'insert-card',
        purpose: s.purpose,
        deadlineMs: wall(s.deadlineMono),
      };
    case 'reading':
      return { ...base, screen: 'reading', stage: s.stage };
    case 'cannot-sell':
      return {
        ...base,
        screen: 'cannot-sell',
        reason: s.reason,
        reference: `${s.reason} · ${ctx.header.terminalId.slice(-4)}`,
        card: s.reading === null ? null : cardView(s.reading, s.account),
        deadlineMs: wall(s.deadlineMono),
      };
    case 'card-info':
      return {
        ...base,
        screen: 'card-info',
        card: cardView(s.reading, s.account),
        lastVisit: s.reading.meter.visited ? dateOf(s.reading.meter.lastVisit) : null,
        deadlineMs: wall(s.deadlineMono),
      };
    case 'amount':
      return {
        ...base,
        screen: 'amount',
        card: cardView(s.reading, s.account),
        // Only what can be had: a preset over the meter's room or the account's limit would be
        // answered with a refusal.
        presetsFen:
          policy === null
            ? []
            : policy.presetsFen.filter((fen) => fen <= mostFen(s.reading, s.account, policy)),
        minFen: policy?.minFen ?? 0,
        maxFen: policy === null ? 0 : mostFen(s.reading, s.account, policy),
        chosenFen: s.chosenFen,
        quote: s.quote === null ? null : quoteView(s.quote, s.offline),
        problem: s.problem,
        busy: s.busy !== null,
        providers: [...payChoices(state)],
        printerReady: state.service.printer.ready,
        deadlineMs: wall(s.deadlineMono),
      };
    case 'take-card':
      return { ...base, screen: 'take-card', deadlineMs: wall(s.deadlineMono) };
    case 'assist': {
      if (s.order === null) return { ...base, screen: 'reading', stage: 'account' };
      const what = {
        orderRef: orderRef(s.orderId),
        amountFen: s.order.amountFen,
        quantity: s.order.quantity,
        unit: s.order.unit,
      };
      if (s.stage === 'pulled')
        return {
          ...base,
          screen: 'in-doubt',
          reason: 'card',
          ...what,
          slip: 'none',
          deadlineMs: wall(s.deadlineMono),
        };
      const going = s.stage === 'asking' || s.stage === 'writing';
      return {
        ...base,
        screen: 'unfinished',
        state: going ? 'finishing' : s.stage === 'delivered' ? 'delivered' : 'refunding',
        ...what,
        deadlineMs: going ? null : wall(s.deadlineMono),
      };
    }
    case 'order-status': {
      const found = s.found;
      const state =
        s.answer !== 'known' || found === null
          ? s.answer === 'known'
            ? 'not-found'
            : s.answer
          : STATUS_OF[found.state];
      const amounts =
        found === null
          ? { amountFen: null, quantity: null, unit: null }
          : { amountFen: found.amountFen, quantity: found.quantity, unit: found.unit };
      return {
        ...base,
        screen: 'order-status',
        state,
        orderRef: groupRef(s.ref),
        ...amounts,
        deadlineMs: wall(s.deadlineMono),
      };
    }
    case 'order': {
      const open = state.orders.get(s.orderId);
      if (open === undefined) return { ...base, screen: 'reading', stage: 'account' };
      return orderView(
        base,
        s,
        open,
        wall,
        payChoices(state),
        state.service.scanner && takers(state).length > 0,
      );
    }
    default:
      return never(s);
  }
}

type Base = Pick<Snapshot, 'revision' | 'locale' | 'textSize' | 'header' | 'nowMs' | 'demo'>;

function orderView(
  base: Base,
  s: OrderSession,
  open: OpenOrder,
  wall: (mono: number) => number,
  choices: readonly ProviderKind[],
  scanner: boolean,
): Snapshot {
  const { order } = open;
  const what = { orderRef: orderRef(order.orderId), amountFen: order.sale.amountFen };
  const goods = { quantity: cardSaleOf(order).quantity, unit: cardSaleOf(order).unit };
  const deadlineMs = s.ending === null ? null : wall(s.ending.deadlineMono);
  const attempt = open.attempts.at(-1);
  const run = attempt === undefined ? undefined : open.runs.get(attempt.attemptId);
  const screen = orderScreen(s, open);
  switch (screen) {
    case 'pay': {
      const unknown = run?.unknownSinceMono != null && run.fails > 1;
      const byCode = attempt?.method === 'code';
      const over = attempt?.state === 'closing' || attempt?.state === 'closed';
      // One way to pay ends so that another can begin; anything else that ends here ends the order.
      const switching =
        s.closeWhy === null &&
        (open.next !== null ||
          (over &&
            (attempt.reason === 'switched' ||
              (byCode && (attempt.reason === 'declined' || attempt.reason === 'expired')))));
      const closing = !switching && (s.closeWhy !== null || attempt === undefined || over);
      const state = switching
        ? 'switching'
        : closing || attempt === undefined
          ? 'closing'
          : run?.paying === true
            ? 'paying'
            : attempt.state === 'creating'
              ? unknown
                ? 'unknown'
                : 'creating'
              : unknown
                ? 'unknown'
                : 'waiting';
      return {
        ...base,
        screen: 'pay',
        ...what,
        ...goods,
        provider: PROVIDER_KINDS.find((kind) => kind === attempt?.provider) ?? 'gateway',
        choices:
          attempt === undefined || byCode || choices.some((kind) => kind === attempt.provider)
            ? [...choices]
            : PROVIDER_KINDS.filter((kind) => kind === attempt.provider || choices.includes(kind)),
        scanner,
        byCode,
        problem: s.scanProblem ?? declinedFor(open),
        qrText: state === 'waiting' || state === 'unknown' ? (run?.qrText ?? null) : null,
        state,
        cancelOffered: cancelOffered(s, open),
        // "Not paid" was true when it was asked; once the customer pays, or nobody knows, it is not
        // said any more.
        lastCheck:
          s.lastCheck === 'asking' ||
          (s.lastCheck === 'not-paid' && state === 'waiting') ||
          (s.lastCheck === 'line-down' && unknown)
            ? s.lastCheck
            : null,
        deadlineMs: attempt === undefined || closing || switching ? null : attempt.expiresAtMs,
      };
    }
    case 'writing':
      return {
        ...base,
        screen: 'writing',
        ...what,
        ...goods,
        stage: open.writing ? 'writing' : 'preparing',
      };
    case 'done':
      return {
        ...base,
        screen: 'done',
        ...what,
        ...goods,
        count: cardSaleOf(order).nextCount,
        carriedAfterMicro: cardSaleOf(order).carriedAfterMicro,
        cardOut: s.cardOut,
        receipt: s.receipt,
        deadlineMs: s.cardOut ? deadlineMs : null,
      };
    case 'in-doubt': {
      const paying =
        order.state === 'collecting' || order.state === 'closed' || order.state === 'quoted';
      return {
        ...base,
        screen: 'in-doubt',
        reason: paying
          ? 'payment'
          : s.wrongCard
            ? 'wrong-card'
            : !s.cardOut && open.claim.failure !== null
              ? 'central'
              : 'card',
        ...what,
        ...goods,
        slip: s.slip,
        deadlineMs,
      };
    }
    case 'unfinished': {
      const state =
        order.state === 'refunding' || order.state === 'refunded' || order.state === 'parked'
          ? order.state
          : open.writing
            ? 'finishing'
            : 'found';
      return { ...base, screen: 'unfinished', state, ...what, ...goods, deadlineMs };
    }
    case 'refunding': {
      const held = open.attempts.find((a) => a.taken === false);
      const of = order.state === 'closed' ? held?.state : order.state;
      return {
        ...base,
        screen: 'refunding',
        state: of === 'refunded' ? 'refunded' : of === 'parked' ? 'parked' : 'refunding',
        reason: order.state === 'closed' ? null : reasonCode(order.reason),
        ...what,
        slip: s.slip,
        deadlineMs,
      };
    }
    case 'cancelled':
      if (order.reason === 'create-refused') {
        const code = run?.refusal?.code ?? 'PAY-0102';
        return {
          ...base,
          screen: 'cannot-sell',
          reason: code,
          reference: `${code} · ${what.orderRef}`,
          card: null,
          deadlineMs,
        };
      }
      return { ...base, screen: 'cancelled', amountFen: order.sale.amountFen, deadlineMs };
    default:
      return never(screen);
  }
}

/** An order's state in a customer's terms. */
const STATUS_OF: Readonly<Record<OrderState, SnapshotOf<'order-status'>['state']>> = {
  quoted: 'paying',
  collecting: 'paying',
  paid: 'writing',
  delivering: 'writing',
  'in-doubt': 'in-doubt',
  delivered: 'delivered',
  closed: 'closed',
  refunding: 'refunding',
  refunded: 'refunded',
  parked: 'parked',
};

/** `031100427391` → `0311 0042 7391`, as on the slip. */
function groupRef(ref: string): string {
  return ref.length > 8 ? `${ref.slice(0, 4)} ${ref.slice(4, -4)} ${ref.slice(-4)}` : ref;
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

function cardView(reading: CardReading, account: Account | null): CardView {
  const tiers = account?.tariff.tiers ?? [];
  const index =
    account === null
      ? -1
      : tiers.findIndex((t) => t.uptoQuantity === null || account.yearQuantity < t.uptoQuantity);
  const tier = tiers[index];
  return {
    holderMasked: account === null ? '' : maskName(account.holderName),
    cardMasked: maskCardNo(reading.cardNo),
    kind: reading.kind,
    unit: reading.unit,
    count: reading.count,
    pendingQuantity: reading.visited ? 0 : reading.lastQuantity,
    remainingQuantity: reading.meter.remainingQuantity,
    yearQuantity: account?.yearQuantity ?? null,
    tierPriceE4: tier?.priceE4 ?? null,
    tierUptoQuantity: tier?.uptoQuantity ?? null,
    tierNumber: tier === undefined ? null : index + 1,
  };
}

function quoteView(q: Quote, offline: boolean): QuoteView {
  return {
    amountFen: q.amountFen,
    quantity: q.quantity,
    shares: q.shares.map(({ tier, priceE4, quantity }) => ({ tier, priceE4, quantity })),
    carriedUsedMicro: q.carriedUsedMicro,
    carriedAfterMicro: q.carriedAfterMicro,
    offline,
  };
}
