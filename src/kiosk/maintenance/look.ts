import type { Journal } from '../../journal/journal.ts';
import type { OrderRow } from '../../journal/fold.ts';
import type { OrderQuery } from '../../journal/search.ts';
import type { MaintenanceAction, OrderStory, StickView } from '../../shared/contract/index.ts';
import { maskCardNo } from '../../shared/mask.ts';
import { orderRef } from '../../shared/order-id.ts';
import { never } from '../../shared/result.ts';
import { cardNoOf } from '../../shared/sale.ts';
import { chinaDate, chinaDayMs, DAY_MS } from '../../shared/time.ts';
import { lastReconciled } from '../reconcile/daily.ts';
import type { MaintenanceFacts, Search, Wanted } from '../state/maintenance.ts';
import { storyOf } from '../words/facts.ts';
import { standingOf } from '../words/standing.ts';
import { daybookOf } from './daybook.ts';
import type { LogReader } from './logs.ts';

/** Parked and open orders come first among these. */
const ORDERS_SHOWN = 60;

/** What is known of an export before one is made. */
export interface Exports {
  readonly stick: () => StickView;
  /** See {@link DaybookView}'s `sealed`. */
  readonly sealed: boolean;
}

/**
 * What the open screen shows of the journal and the machine. The story is told of the open
 * order alone.
 */
export function lookAround(
  journal: Journal,
  hasPrinter: boolean,
  wanted: Wanted,
  nowMs: number,
  exports: Exports | null,
  logs: LogReader,
): MaintenanceFacts {
  if (wanted.tab !== 'logs') logs.forget();
  const found =
    wanted.search === null ? null : journal.search(queryOf(wanted.search, nowMs), ORDERS_SHOWN + 1);
  const shown = found?.slice(0, ORDERS_SHOWN) ?? journal.recentOrders(ORDERS_SHOWN);
  const { openOrderId } = wanted;
  // One that was opened from the log may be older than all that are listed.
  const isListed = shown.some((order) => order.orderId === openOrderId);
  const opened = openOrderId === null || isListed ? undefined : journal.order(openOrderId);
  const orders = [...shown, ...(opened === undefined ? [] : [opened])].map((order) =>
    storyView(journal, order, hasPrinter, openOrderId),
  );
  return {
    orders: found === null ? orders.toSorted((a, b) => rank(a) - rank(b)) : orders,
    more: (found?.length ?? 0) > ORDERS_SHOWN,
    daybook:
      wanted.tab === 'daybook'
        ? daybookOf(journal, wanted.shiftRef, exports?.stick() ?? null, exports?.sealed ?? false)
        : null,
    logs: wanted.tab === 'logs' ? logs.look(wanted.log.filter, wanted.log.from) : null,
    space: journal.space(),
    sync: syncOf(journal, nowMs),
  };
}

/** Orders that had a receipt at their end; another's paper says how it stands, and is its story. */
const HAS_RECEIPT: ReadonlySet<string> = new Set(['delivered', 'refunded']);

const rank = (o: OrderStory): number => (o.state === 'parked' ? 0 : 1);

function storyView(
  journal: Journal,
  order: OrderRow,
  hasPrinter: boolean,
  openOrderId: string | null,
): OrderStory {
  const cardNo = cardNoOf(order);
  const standing = standingOf(order, journal.attemptsOf(order.orderId), hasPrinter);
  const copies: readonly MaintenanceAction[] =
    hasPrinter && HAS_RECEIPT.has(order.state) ? ['print-copy'] : [];
  return {
    orderId: order.orderId,
    orderRef: orderRef(order.orderId),
    ...standing,
    actions: [...standing.actions, ...copies],
    amountFen: order.sale.amountFen,
    cardMasked: maskCardNo(cardNo ?? order.sale.userNo),
    createdMs: order.createdMs,
    story:
      order.orderId === openOrderId
        ? journal.story(order.orderId).map((e) => ({ atMs: e.atMs, text: storyOf(e.kind, e.body) }))
        : [],
  };
}

/** A sum is looked for among the payments of the last three months. */
const SUM_SINCE_MS = 92 * DAY_MS;

/** What was keyed in, as the journal is asked. */
export function queryOf({ by, text }: Search, nowMs: number): OrderQuery {
  switch (by) {
    case 'ref':
      return { by: 'ref', digits: text };
    case 'card':
      return { by: 'tail', digits: text };
    case 'sum': {
      const fromFen = Number(text) * 100;
      return { by: 'fen', fromFen, toFen: fromFen + 99, sinceMs: nowMs - SUM_SINCE_MS };
    }
    case 'day': {
      const fromMs = dayOf(text, nowMs);
      return { by: 'made', fromMs, toMs: fromMs + DAY_MS };
    }
    default:
      return never(by);
  }
}

/** `20261122`, or `1122`: the last such day. A day that no calendar has has no orders. */
function dayOf(text: string, nowMs: number): number {
  const at = (digits: string): number =>
    chinaDayMs(`${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`);
  if (text.length !== 4) return at(text) || 0;
  const year = Number(chinaDate(nowMs).slice(0, 4));
  // A 29th of February may be years ago.
  for (let back = 0; back <= 8; back += 1) {
    const ms = at(`${year - back}${text}`);
    if (ms <= nowMs) return ms;
  }
  return 0;
}

/** How the journal stands, and the line behind it. */
export function syncOf(journal: Journal, nowMs: number): MaintenanceFacts['sync'] {
  const { events, oldestMs, soldFen } = journal.unsynced();
  const backupMs = Number(journal.meta('backup_ms') ?? '0');
  const free = journal.freeBytes();
  const { seq, hash } = journal.head;
  return {
    unsentEvents: events,
    unsentFen: soldFen,
    oldestUnsentMs: oldestMs,
    epoch: journal.epoch,
    headSeq: seq,
    headHash: hash,
    // Coarse, so that another program's file makes no new screen.
    freeBytes: free >= 1e9 ? Math.floor(free / 1e8) * 1e8 : Math.floor(free / 1e7) * 1e7,
    backupAtMs: backupMs > 0 && backupMs <= nowMs ? backupMs : null,
    reconciled: lastReconciled(journal),
    damage: damageOf(journal),
  };
}

function damageOf(journal: Journal): MaintenanceFacts['sync']['damage'] {
  const condition = journal.condition();
  if (condition.kind === 'good') return null;
  const { atMs, why, epochGranted } = condition;
  if (condition.kind === 'restored') {
    const { aside, restoredSeq, lostAfterSeq, accepted } = condition;
    return { atMs, why, aside, restoredSeq, lostAfterSeq, accepted, epochGranted };
  }
  // Nothing was damaged: central holds other facts, and only central can let it go on.
  return {
    atMs,
    why,
    aside: '',
    restoredSeq: journal.head.seq,
    lostAfterSeq: null,
    accepted: true,
    epochGranted,
  };
}
