import type { Journal } from '../../journal/journal.ts';
import type { OrderStory } from '../../shared/contract/index.ts';
import { maskCardNo } from '../../shared/mask.ts';
import { orderRef } from '../../shared/order-id.ts';
import { cardNoOf } from '../../shared/sale.ts';
import { lastReconciled } from '../reconcile/daily.ts';
import type { MaintenanceFacts } from '../state/maintenance.ts';
import { storyOf } from '../words/facts.ts';
import { standingOf } from '../words/standing.ts';

/** Parked and open orders come first among these. */
const ORDERS_SHOWN = 60;

/**
 * What the open screen shows of the journal and the machine. The story is told of the order
 * `openOrderId` alone.
 */
export function lookAround(
  journal: Journal,
  hasPrinter: boolean,
  openOrderId: string | null,
  nowMs: number,
): MaintenanceFacts {
  return {
    orders: ordersOf(journal, hasPrinter, openOrderId),
    space: journal.space(),
    sync: syncOf(journal, nowMs),
  };
}

function ordersOf(
  journal: Journal,
  hasPrinter: boolean,
  openOrderId: string | null,
): readonly OrderStory[] {
  const orders = journal.recentOrders(ORDERS_SHOWN).map((order): OrderStory => {
    const cardNo = cardNoOf(order);
    const standing = standingOf(order, journal.attemptsOf(order.orderId), hasPrinter);
    return {
      orderId: order.orderId,
      orderRef: orderRef(order.orderId),
      ...standing,
      actions: [...standing.actions],
      amountFen: order.sale.amountFen,
      cardMasked: cardNo === null ? '' : maskCardNo(cardNo),
      createdMs: order.createdMs,
      story:
        order.orderId === openOrderId
          ? journal
              .story(order.orderId)
              .map((e) => ({ atMs: e.atMs, text: storyOf(e.kind, e.body) }))
          : [],
    };
  });
  const first = (o: OrderStory): number => (o.state === 'parked' ? 0 : 1);
  return orders.toSorted((a, b) => first(a) - first(b));
}

function syncOf(journal: Journal, nowMs: number): MaintenanceFacts['sync'] {
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
