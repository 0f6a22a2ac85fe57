import { cardNoOf, cardSaleOf } from '../../src/shared/sale.ts';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AttemptRow, OrderRow } from '../../src/journal/fold.ts';
import { SecondLog } from '../../src/journal/second-log.ts';
import { MICRO_PER_FEN } from '../../src/shared/money.ts';
import type { GatewayBooks, Hall } from '../support/hall.ts';
import { until } from '../support/hall.ts';

/** The cards that are sold to, and what is printed on them. */
export const CARD_NO: Readonly<Record<string, string>> = {
  golden: '8800003921',
  good: '8800003934',
  water: '8800003935',
};
/**
 * What only a person can end, because the provider itself refuses; no fault that is played here may
 * park for another reason.
 */
const MAY_PARK: ReadonlySet<string> = new Set(['refund-refused', 'refund-abnormal']);

interface Trade {
  readonly outTradeNo: string;
  readonly total: number;
  readonly captures: number;
  /** A code payment that was taken back whole. */
  readonly reversedAtMs?: number;
}
interface Refund {
  readonly outTradeNo: string;
  readonly outRefundNo: string;
  readonly status: string;
  readonly refund: number;
}
interface Console {
  readonly accounts: readonly {
    readonly cardNo: string;
    readonly count: number;
    readonly cumulative: number;
    readonly carriedMicro: number;
    readonly reservedMicro: number;
    readonly claim: string | null;
  }[];
  readonly quarantine: readonly {
    readonly kind: string;
    readonly orderId: string | null;
    readonly reason: string;
  }[];
  readonly ledger: readonly { readonly kind: string; readonly amountFen: number }[];
  readonly terminals: readonly { readonly alarm: string | null; readonly forked: number }[];
}
/** A card and its account before the first sale. */
export interface Opening {
  readonly count: number;
  readonly cumulative: number;
  readonly carriedMicro: number;
}
/** Fen. */
export interface Sums {
  readonly captured: number;
  readonly delivered: number;
  readonly refunded: number;
  readonly parked: number;
}

export const secondLog = (hall: Hall): string =>
  SecondLog.path(join(hall.dataDir, 'kiosk-second'), 1);
/** Of every wallet; no number is used at two. */
export const booksFiles = (hall: Hall): string[] =>
  ['wechat', 'alipay', 'unionpay'].map((name) =>
    join(hall.dataDir, 'sandbox', `${name}-books.jsonl`),
  );
/** What a customer is without for this trade, before any refund. */
export const capturedFen = (trade: Trade | undefined): number =>
  trade === undefined || trade.reversedAtMs !== undefined ? 0 : trade.captures * trade.total;
export const cardFile = (hall: Hall, id: string): string =>
  join(hall.dataDir, 'cards', `${id}.json`);

/** A number of ours as an acquirer's bill has it, without its source and day. */
const bare = (no: string): string => no.replace(/^3194(?=[GHPRX])/, '').replace(/@.*$/, '');

/**
 * The provider's books as they stand on its disk, also while its process is dead: the last line of
 * a number counts. What the gateway has at the wallets stands under the terminal's numbers; `left`:
 * another wallet took its place.
 */
export function providerBooks(
  hall: Hall,
  gateway: GatewayBooks,
): {
  trades: ReadonlyMap<string, Trade>;
  refunds: readonly Refund[];
  left: readonly {
    readonly leg: string;
    readonly state: string;
    readonly captured: number;
    readonly refunded: number;
  }[];
} {
  const trades = new Map<string, Trade>();
  const refunds = new Map<string, Refund>();
  for (const file of booksFiles(hall)) {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    // What stands behind the last newline was never finished, and nobody was told of it.
    for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
      if (line === '') continue;
      const row = JSON.parse(line) as { order?: Trade; refund?: Refund };
      if (row.order !== undefined) trades.set(row.order.outTradeNo, row.order);
      if (row.refund !== undefined) refunds.set(row.refund.outRefundNo, row.refund);
    }
  }
  const own = new Map(
    [...trades.values()]
      .map((t) => ({ ...t, outTradeNo: bare(t.outTradeNo) }))
      .map((t) => [t.outTradeNo, t]),
  );
  const back = [...refunds.values()].map((r) => ({
    ...r,
    outTradeNo: bare(r.outTradeNo),
    outRefundNo: bare(r.outRefundNo),
  }));
  const legs = new Map(gateway.legs.map((l) => [l.leg, l]));
  const refundNo = new Map(gateway.refunds.map((r) => [r.walletRefundNo, r.outRefundNo]));
  const counts = (no: string): string | null => {
    const leg = legs.get(no);
    return leg === undefined ? no : leg.counts ? leg.outTradeNo : null;
  };
  return {
    trades: new Map(
      [...own].flatMap(([no, t]) => (counts(no) === null ? [] : [[counts(no) as string, t]])),
    ),
    refunds: back.flatMap((r) =>
      counts(r.outTradeNo) === null
        ? []
        : [
            {
              ...r,
              outTradeNo: counts(r.outTradeNo) as string,
              outRefundNo: refundNo.get(r.outRefundNo) ?? r.outRefundNo,
            },
          ],
    ),
    left: gateway.legs
      .filter((l) => !l.counts)
      .map((l) => ({
        leg: l.leg,
        state: l.state,
        captured: capturedFen(own.get(l.leg)),
        refunded: back
          .filter((r) => r.outTradeNo === l.leg && r.status === 'SUCCESS')
          .reduce((n, r) => n + r.refund, 0),
      })),
  };
}

export async function openings(hall: Hall): Promise<Map<string, Opening>> {
  const out = new Map<string, Opening>();
  // A card comes out of the drawer when it is first asked for.
  for (const id of Object.keys(CARD_NO)) await hall.dock({ do: 'meter', id });
  const { accounts } = (await hall.central()) as unknown as Console;
  for (const [id, cardNo] of Object.entries(CARD_NO)) {
    const card = await hall.card(id);
    out.set(id, {
      count: card.count,
      cumulative: card.cumulative,
      carriedMicro: accounts.find((a) => a.cardNo === cardNo)?.carriedMicro ?? 0,
    });
  }
  return out;
}

/** One line for each order that is not over, or for all. */
export function states(hall: Hall, openOnly = false): string[] {
  const { orders, attempts } = hall.rows();
  return orders
    .map((o) => ({ o, of: attempts.filter((a) => a.orderId === o.orderId) }))
    .filter(({ o, of }) => !openOnly || !isOver(o, of))
    .map(
      ({ o, of }) =>
        `${o.orderId} ${o.state}${o.reason === null ? '' : ` (${o.reason}${o.wantsRefund ? ', wants refund' : ''})`} ${of.map((a) => a.state).join()}`,
    );
}

/** Does nobody have to do anything for this order any more? */
export function isOver(order: OrderRow, of: readonly AttemptRow[]): boolean {
  return (
    ['delivered', 'refunded', 'closed', 'parked'].includes(order.state) &&
    of.every(
      (a) =>
        ['closed', 'refunded', 'parked'].includes(a.state) ||
        (a.state === 'paid' && a.taken === true),
    )
  );
}

/** Orders that are not over, or whose closed attempts hold money that nobody has seen yet. */
export function openOrders(hall: Hall, gateway: GatewayBooks): OrderRow[] {
  const { orders, attempts } = hall.rows();
  const { trades } = providerBooks(hall, gateway);
  const byOrder = Map.groupBy(attempts, (a) => a.orderId);
  return orders.filter((o) => {
    const of = byOrder.get(o.orderId) ?? [];
    return (
      !isOver(o, of) ||
      of.some((a) => a.state === 'closed' && capturedFen(trades.get(a.outTradeNo)) > 0)
    );
  });
}

/**
 * Waits until nothing is left to do and everything is uploaded. @throws Error with what is still
 * open
 */
export async function settled(hall: Hall, timeoutMs = 40_000): Promise<void> {
  await until(
    'all settled and uploaded',
    async () => hall.rows().outbox === 0 && openOrders(hall, await hall.gateway()).length === 0,
    timeoutMs,
  ).catch((error: unknown) => {
    throw new Error(
      `${String(error)}: ${states(hall, true).join('; ')}; outbox ${hall.rows().outbox}`,
    );
  });
}

/**
 * Compares the books of everybody at a quiet moment: provider, journal, second log, cards, central.
 * Each problem is one line; none: all agree to the fen.
 */
export async function compare(
  hall: Hall,
  opening: ReadonlyMap<string, Opening>,
): Promise<{ problems: string[]; sums: Sums }> {
  const problems: string[] = [];
  const { orders, attempts } = hall.rows();
  const { trades, refunds, left } = providerBooks(hall, await hall.gateway());
  for (const l of left)
    if (l.refunded !== l.captured)
      problems.push(
        `${l.leg} was left (${l.state}): captured ${l.captured}, refunded ${l.refunded}`,
      );
  const byId = new Map(orders.map((o) => [o.orderId, o]));
  const refundsOf = Map.groupBy(refunds, (r) => r.outTradeNo);
  const sums = { captured: 0, delivered: 0, refunded: 0, parked: 0 };
  for (const a of attempts) {
    const order = byId.get(a.orderId) as OrderRow;
    const trade = trades.get(a.outTradeNo);
    const captured = capturedFen(trade);
    const back = refundsOf.get(a.outTradeNo) ?? [];
    const refunded = back.filter((r) => r.status === 'SUCCESS').reduce((n, r) => n + r.refund, 0);
    const isDelivered = order.state === 'delivered' && order.paidBy === a.attemptId;
    const say = (text: string): void =>
      void problems.push(`${a.attemptId} (${a.state}; order ${order.state}): ${text}`);
    if (trade?.reversedAtMs !== undefined && (a.state !== 'closed' || back.length > 0))
      say(`reversed, with ${back.length} refunds`);
    if ((trade?.captures ?? 0) > 1) say(`captured ${trade?.captures} times`);
    if (back.length > 1) say(`${back.length} refunds`);
    if (back.some((r) => r.outRefundNo !== a.outRefundNo)) say('refunded under another number');
    sums.captured += captured;
    sums.refunded += refunded;
    if (isDelivered) {
      if (captured !== a.amountFen || back.length > 0)
        say(`delivered; captured ${captured} of ${a.amountFen}, ${back.length} refunds`);
      sums.delivered += captured;
    } else if (a.state === 'refunded') {
      if (captured !== a.amountFen || refunded !== a.amountFen)
        say(`captured ${captured}, refunded ${refunded} of ${a.amountFen}`);
    } else if (a.state === 'parked') {
      sums.parked += captured - refunded;
      if (!MAY_PARK.has(a.reason ?? '')) say(`parked: ${a.reason ?? ''}`);
    } else if (captured !== 0) say(`captured ${captured} and neither delivered nor refunded`);
  }
  for (const o of orders)
    if (o.state === 'parked' && !MAY_PARK.has(o.reason ?? ''))
      problems.push(`${o.orderId} is parked: ${o.reason ?? ''}`);
  if (sums.captured !== sums.delivered + sums.refunded + sums.parked)
    problems.push(`captured ≠ delivered + refunded + parked: ${JSON.stringify(sums)}`);
  const known = new Set(attempts.map((a) => a.outTradeNo));
  for (const no of trades.keys())
    if (!known.has(no)) problems.push(`the provider has ${no}, the journal has not`);
  for (const r of refunds)
    if (!known.has(r.outTradeNo))
      problems.push(`the provider refunded ${r.outTradeNo}, which the journal has not`);

  // Central may still be told of a quote that came to nothing; what it holds after a while is what
  // counts.
  const central = async (): Promise<string[]> => {
    const said: string[] = [];
    const data = (await hall.central()) as unknown as Console;
    const entered = (...kinds: string[]): number =>
      data.ledger.filter((l) => kinds.includes(l.kind)).reduce((n, l) => n + l.amountFen, 0);
    const held = {
      captured: entered('captured', 'captured-extra'),
      delivered: entered('delivered'),
      refunded: entered('refunded'),
    };
    for (const key of ['captured', 'delivered', 'refunded'] as const)
      if (held[key] !== sums[key])
        said.push(
          `central's ledger has ${held[key]} fen ${key}, the provider and the journal ${sums[key]}`,
        );
    for (const q of data.quarantine)
      said.push(`central quarantined ${q.kind} of ${q.orderId ?? '-'}: ${q.reason}`);
    for (const t of data.terminals)
      if (t.alarm !== null || t.forked > 0)
        said.push(`central's alarm: ${t.alarm ?? ''}, ${t.forked} forked`);
    const { cards } = await hall.state();
    for (const [id, before] of opening) {
      const mine = orders.filter((o) => cardNoOf(o) === CARD_NO[id] && o.state === 'delivered');
      const due = {
        count: before.count + mine.length,
        cumulative: before.cumulative + mine.reduce((n, o) => n + cardSaleOf(o).quantity, 0),
      };
      const card = cards.find((c) => c.id === id)?.purchase;
      if (card?.count !== due.count || card.cumulative !== due.cumulative)
        said.push(
          `card ${id}: count ${card?.count}, cumulative ${card?.cumulative}; delivered ${JSON.stringify(due)}`,
        );
      const account = data.accounts.find((a) => a.cardNo === CARD_NO[id]);
      const carriedMicro =
        before.carriedMicro +
        mine.reduce(
          (n, o) =>
            n +
            o.sale.amountFen * MICRO_PER_FEN -
            cardSaleOf(o).shares.reduce((c, s) => c + s.costMicro, 0),
          0,
        );
      const stands = {
        count: account?.count,
        cumulative: account?.cumulative,
        carriedMicro: account?.carriedMicro,
        reservedMicro: account?.reservedMicro,
        claim: account?.claim,
      };
      const should = { ...due, carriedMicro, reservedMicro: 0, claim: null };
      if (JSON.stringify(stands) !== JSON.stringify(should))
        said.push(`account of ${id}: ${JSON.stringify(stands)}; due ${JSON.stringify(should)}`);
    }
    return said;
  };
  let said: string[] = [];
  await until('central to agree', async () => (said = await central()).length === 0, 30_000).catch(
    (error: unknown) => {
      if (said.length === 0) said = [String(error)];
    },
  );
  problems.push(...said);
  const verified = hall.verify();
  if (!verified.ok)
    problems.push(
      ...(verified.problems.length > 0 ? verified.problems : ['the journal does not verify']),
    );
  return { problems, sums };
}
