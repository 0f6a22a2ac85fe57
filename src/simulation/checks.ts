import { cardNoOf, cardSaleOf } from '../shared/sale.ts';
import type { AttemptRow, OrderRow } from '../journal/fold.ts';
import type { Journal } from '../journal/journal.ts';
import type { JournalEvent } from '../shared/facts/catalogue.ts';
import { MICRO_PER_FEN } from '../shared/money.ts';
import { orderTag } from '../shared/order-tag.ts';
import { toHex } from '../shared/bytes.ts';
import type { Content, SimCard } from './card.ts';
import { Cheats } from './cheats.ts';
import { CreditChecks } from './credit-checks.ts';
import { RequestChecks } from './request-checks.ts';
import { ShiftChecks } from './shift-checks.ts';
import type { Books, SandboxOrder } from '../simulator/payment-books.ts';
import type { Site } from './site.ts';
import type { WatchedLeg } from './gateway-watch.ts';
import { ownNumber, WATER_MERCHANT } from './providers.ts';
import { grantedToCards } from './office-acts.ts';
import type { Town } from './town.ts';

interface Opening {
  readonly cardNo: string;
  readonly count: number;
  readonly cumulative: number;
  readonly carriedMicro: number;
}
/** A durable intent to write a card. */
interface Intent {
  readonly orderId: string;
}

const SETTLED_ORDERS = new Set(['delivered', 'closed', 'refunded', 'parked']);
/**
 * What may still be parked once faults cease and every card came back: only what the provider
 * itself refuses.
 */
export const MAY_PARK: ReadonlySet<string> = new Set(['refund-refused', 'refund-abnormal']);

/**
 * Watches the one promise. Every change of money, card or journal is looked at when it happens; at
 * the quiet end all books are compared.
 */
export class Checks {
  readonly #world: Town;
  readonly #openings = new Map<string, Opening>();
  readonly #purses = new Map<string, Content>();
  readonly #intents = new Map<string, Intent>();
  /** Refund numbers whose intent was durable, with their trade. */
  readonly #refunds = new Map<string, string>();
  readonly #attempts = new Map<
    string,
    { readonly site: Site; readonly attemptId: string; readonly orderId: string }
  >();
  /** Attempts whose closing was begun. */
  readonly #closing = new Set<string>();
  readonly #orders = new Map<string, Site>();
  readonly #written = new Map<string, number>();
  readonly #metered = new Map<string, number>();
  readonly #capturedFor = new Map<string, Set<string>>();
  readonly #lastWriteClaim = new Map<string, string>();
  /** The wallets' trades by our number: a kiosk's, or the gateway's. */
  readonly #trades = new Map<string, SandboxOrder>();

  /** What went through a chip between card and reader. */
  readonly cheats: Cheats;
  /** What is posted to accounts. */
  readonly credit: CreditChecks;
  readonly requests: RequestChecks;
  readonly shifts: ShiftChecks;

  constructor(world: Town) {
    this.#world = world;
    this.cheats = new Cheats(world);
    this.credit = new CreditChecks(world);
    this.requests = new RequestChecks(world);
    this.shifts = new ShiftChecks(world);
  }

  opening(accounts: readonly Opening[]): void {
    for (const a of accounts) this.#openings.set(a.cardNo, a);
  }

  // ---- cards and meters ----
  watchCard(held: { readonly cardNo: string; readonly card: SimCard }): void {
    const { cardNo, card } = held;
    this.#purses.set(cardNo, card.content(this.#openings.get(cardNo) as Opening, null));
    card.onChange(() => {
      const before = this.#purses.get(cardNo) as Content;
      const now = card.content(this.#openings.get(cardNo) as Opening, before);
      if (
        now.count === before.count &&
        now.tag === before.tag &&
        now.cumulative === before.cumulative
      )
        return;
      this.#purses.set(cardNo, now);
      this.#world.tell(
        `card ${cardNo}: count ${now.count}, cumulative ${now.cumulative}, tag ${now.tag}`,
      );
      const site = this.#world.sites.find((s) => s.slot.card === card);
      const chip = site?.slot.chip?.card === card;
      if (site === undefined) return this.#world.problem(`card ${cardNo} changed in nobody's slot`);
      if (now.count !== before.count + 1 || now.cumulative !== before.cumulative + now.quantity)
        this.#world.problem(
          `card ${cardNo}: count ${before.count} → ${now.count}, cumulative ${before.cumulative} → ${now.cumulative}, quantity ${now.quantity}`,
        );
      const intent = this.#intents.get(`${site.terminalId} ${now.tag}`);
      if (intent === undefined)
        return this.#world.problem(
          `card ${cardNo}: written without a durable intent at ${site.terminalId} (tag ${now.tag})`,
        );
      if (chip) this.cheats.wrote(intent.orderId);
      this.#written.set(intent.orderId, (this.#written.get(intent.orderId) ?? 0) + 1);
      if (this.#written.get(intent.orderId) !== 1)
        this.#world.problem(`order ${intent.orderId} is on its card twice`);
      const row = this.row(intent.orderId);
      if (row !== undefined && ['refunding', 'refunded', 'closed'].includes(row.state))
        this.#world.problem(`order ${intent.orderId} is ${row.state} and was written`);
    });
  }
  metered(cardNo: string, credited: number): void {
    const opening = this.#openings.get(cardNo) as Opening;
    const all = (this.#metered.get(cardNo) ?? 0) + credited;
    this.#metered.set(cardNo, all);
    const now = this.#purses.get(cardNo) as Content;
    if (all > now.cumulative - opening.cumulative)
      this.#world.problem(
        `the meter of ${cardNo} took ${all}, the card has had ${now.cumulative - opening.cumulative}`,
      );
  }

  // ---- the provider's books ----
  watchBooks(books: Books): Books {
    return {
      ...books,
      orderByCode: (code) => books.orderByCode(code),
      refundsOf: (no) => books.refundsOf(no),
      putOrder: (order) => {
        const old = books.orders.get(order.outTradeNo);
        books.putOrder(order);
        this.#trade(old, order);
      },
      putRefund: (refund) => {
        const old = books.refunds.get(refund.outRefundNo);
        books.putRefund(refund);
        if (old !== undefined || this.#world.gateway.his.has(ownNumber(refund.outTradeNo))) return;
        if (books.refundsOf(refund.outTradeNo).length > 1)
          this.#world.problem(`trade ${refund.outTradeNo} has two refunds`);
        const asked = this.#askedBy(ownNumber(refund.outTradeNo), ownNumber(refund.outRefundNo));
        if (asked === null) return;
        const { known, outTradeNo, outRefundNo } = asked;
        const row = known?.site.journal?.attempt(known.attemptId);
        if (known === undefined)
          return this.#world.problem(`refund ${refund.outRefundNo} of a trade that no journal has`);
        if (row === undefined) {
          // A request that was under way while its machine lost power and database: what was
          // durable then counts.
          if (known.site.alive || this.#refunds.get(outRefundNo) !== outTradeNo)
            this.#world.problem(`refund ${refund.outRefundNo} of an attempt that no journal has`);
          return;
        }
        if (row.state !== 'refunding' && row.state !== 'refunded')
          this.#world.problem(
            `refund ${refund.outRefundNo} was asked for while its attempt was ${row.state}`,
          );
        if (row.outRefundNo !== outRefundNo)
          this.#world.problem(`attempt ${row.attemptId} refunded under another number`);
        const order = this.row(known.orderId);
        if (
          (this.#written.get(known.orderId) ?? 0) > 0 &&
          order?.paidBy === known.attemptId &&
          !this.cheats.lost(order)
        )
          this.#world.problem(`order ${known.orderId} is on its card and is being refunded`);
      },
    };
  }
  /**
   * Whose refund a wallet hears of: a terminal's, under that one's numbers, or the gateway's own
   * (null, and judged here).
   */
  #askedBy(
    trade: string,
    refund: string,
  ): {
    readonly known:
      | { readonly site: Site; readonly attemptId: string; readonly orderId: string }
      | undefined;
    readonly outTradeNo: string;
    readonly outRefundNo: string;
  } | null {
    const { gateway } = this.#world;
    const mine = gateway.of(trade);
    if (mine === null)
      return { known: this.#attempts.get(trade), outTradeNo: trade, outRefundNo: refund };
    const asked = gateway.refunds.get(refund);
    if (asked !== undefined) {
      if (!mine.counts || asked.outTradeNo !== mine.leg.outTradeNo)
        this.#world.problem(
          `refund ${refund} is of ${asked.outTradeNo}, and went to a trade that does not count for it`,
        );
      return { known: this.#attempts.get(asked.outTradeNo), ...asked };
    }
    this.#world.count('handed-back');
    if (mine.counts || mine.leg.state !== 'refunding')
      this.#world.problem(
        `the gateway handed back ${trade}, which ${mine.counts ? 'counts' : `is ${mine.leg.state}`}`,
      );
    return null;
  }
  #trade(old: SandboxOrder | undefined, now: SandboxOrder): void {
    const { gateway } = this.#world;
    const own = ownNumber(now.outTradeNo);
    if (gateway.his.has(own)) return;
    if (old === undefined && this.#trades.has(own)) this.#world.problem(`${own} has two trades`);
    this.#trades.set(own, now);
    const mine = gateway.of(own);
    const known = this.#attempts.get(mine?.leg.outTradeNo ?? own);
    if (old === undefined && known === undefined)
      this.#world.problem(`trade ${now.outTradeNo} was made before its attempt was durable`);
    if (known === undefined) return;
    // Past its time a trade closes by itself.
    if (
      now.state === 'CLOSED' &&
      old?.state !== 'CLOSED' &&
      !(old !== undefined && this.#world.nowMs > old.expiresAtMs)
    ) {
      const row = known.site.journal?.attempt(known.attemptId);
      // The gateway ends one wallet's trade where another wallet is to begin.
      if (mine !== null) {
        if (mine.leg.state !== 'closing')
          this.#world.problem(
            `trade ${own} was closed while it was ${mine.leg.state} at the gateway`,
          );
      } else if (row?.state === 'creating' || row?.state === 'pending')
        this.#world.problem(
          `trade ${now.outTradeNo} was closed while its attempt was ${row.state}`,
        );
    }
    if (now.reversedAtMs !== undefined && old?.reversedAtMs === undefined) {
      this.#world.count('reversed-capture');
      const row = known.site.journal?.attempt(known.attemptId);
      // Alipay's cancel of a QR code may meet the payment on its way.
      if (mine !== null && mine.leg.state !== 'closing')
        this.#world.problem(
          `trade ${own} was reversed while it was ${mine.leg.state} at the gateway`,
        );
      if (mine === null && row !== undefined && row.state !== 'closing' && row.state !== 'closed')
        this.#world.problem(
          `trade ${now.outTradeNo} was reversed while its attempt was ${row.state}`,
        );
    }
    if (now.captures > 1)
      this.#world.problem(`trade ${now.outTradeNo} was captured ${now.captures} times`);
    if (now.captures === 1 && (old?.captures ?? 0) === 0) {
      const order = this.row(known.orderId);
      const cardNo = (order === undefined ? null : cardNoOf(order)) ?? '';
      const paid = this.#capturedFor.get(cardNo) ?? new Set<string>();
      this.#capturedFor.set(cardNo, paid);
      // The customer had called this one off and has since paid for another.
      if (
        order !== undefined &&
        order.state !== 'collecting' &&
        [...paid].some((id) => id !== known.orderId)
      )
        this.#world.count('second-capture');
      paid.add(known.orderId);
    }
  }

  // ---- journals ----
  durable(site: Site, events: readonly JournalEvent[]): void {
    const touched = new Set<string>();
    for (const e of events) {
      if (e.orderId !== null) touched.add(e.orderId);
      if (e.kind === 'order-quoted' || e.kind === 'credit-quoted') {
        if (this.#orders.has(e.orderId ?? ''))
          this.#world.problem(`order number ${String(e.orderId)} was given twice`);
        this.#orders.set(e.orderId ?? '', site);
      } else if (e.kind === 'attempt-creating') {
        if (this.#attempts.has(e.body.outTradeNo))
          this.#world.problem(`trade number ${e.body.outTradeNo} was given twice`);
        this.#attempts.set(e.body.outTradeNo, {
          site,
          attemptId: e.body.attemptId,
          orderId: e.orderId ?? '',
        });
      } else if (e.kind === 'attempt-closing') {
        if (e.body.why === 'switched') this.#world.count('switched');
        this.#closing.add(e.body.attemptId);
      } else if (e.kind === 'attempt-paid') {
        if (e.body.taken && this.#closing.has(e.body.attemptId)) this.#world.count('taken-closing');
      } else if (e.kind === 'order-paid') {
        if (site.journal?.attempt(e.body.attemptId)?.method === 'code')
          this.#world.count('code-paid');
      } else if (e.kind === 'attempt-refunding') {
        const trade = [...this.#attempts].find(([, a]) => a.attemptId === e.body.attemptId)?.[0];
        if (trade !== undefined) this.#refunds.set(e.body.outRefundNo, trade);
      } else if (e.kind === 'order-delivering' || e.kind === 'assist-writing') {
        this.#intents.set(`${site.terminalId} ${toHex(orderTag(e.orderId ?? ''))}`, {
          orderId: e.orderId ?? '',
        });
        if (e.kind === 'assist-writing') {
          if (this.#lastWriteClaim.get(e.orderId ?? '') !== site.terminalId)
            this.#world.count('claim-expired');
          this.#lastWriteClaim.set(e.orderId ?? '', site.terminalId);
        }
      } else if (e.kind === 'order-kept' || e.kind === 'assist-kept') {
        this.#leave(site, e.orderId ?? '', e.body.record);
      }
    }
    for (const orderId of touched) this.#order(orderId);
  }

  /** A process found facts on its disk whose write it did not live to see. */
  opened(site: Site, journal: Journal): void {
    for (const order of journal.orders()) {
      this.#orders.set(order.orderId, site);
      const { delivery } = order;
      if (delivery !== null)
        this.#intents.set(`${site.terminalId} ${cardSaleOf(order).tag}`, {
          orderId: order.orderId,
        });
      for (const record of order.kept ?? []) this.#leave(site, order.orderId, record);
      for (const a of journal.attemptsOf(order.orderId))
        this.#attempts.set(a.outTradeNo, { site, attemptId: a.attemptId, orderId: order.orderId });
    }
  }

  /**
   * The leave to credit a purse, by its MAC2: only under a durable one a purse may be loaded
   * (docs/layouts/pl-purse.md).
   */
  #leave(site: Site, orderId: string, record: string): void {
    if (record.startsWith('02'))
      this.#intents.set(`${site.terminalId} ${record.slice(-8)}`, { orderId });
  }

  row(orderId: string): OrderRow | undefined {
    return this.#orders.get(orderId)?.journal?.order(orderId);
  }

  /** One order against everybody's books, at any instant. */
  #order(orderId: string): void {
    const site = this.#orders.get(orderId);
    const order = site?.journal?.order(orderId);
    if (site?.journal == null || order === undefined) return;
    const sum = { captured: 0, delivered: 0, refunded: 0, parked: 0, open: 0 };
    const say = (text: string): void => this.#world.problem(`${orderId} (${order.state}): ${text}`);
    const taken = site.journal.attemptsOf(orderId).filter((a) => a.taken === true);
    if (taken.length > 1 || taken.some((a) => a.attemptId !== order.paidBy))
      say(
        `takes ${taken.map((a) => a.attemptId).join()}, and is paid by ${order.paidBy ?? 'none'}`,
      );
    for (const a of site.journal.attemptsOf(orderId)) {
      const { captured, refunds, refunded } = this.#money(a);
      if (!this.#atItsMerchant(a, order.sale.payee))
        say(`${a.attemptId} is ${order.sale.payee}’s, and another merchant took it`);
      if (refunded > captured) say(`refunded ${refunded} of ${captured}`);
      if (a.state === 'paid' && captured === 0)
        say(`${a.attemptId} is paid and nothing was captured`);
      if (order.state === 'delivered' && order.paidBy === a.attemptId && refunds > 0)
        say('delivered and refunded');
      sum.captured += captured;
      if (a.state === 'refunded') {
        if (refunded !== captured)
          say(`${a.attemptId} is refunded, the provider gave back ${refunded} of ${captured}`);
        sum.refunded += captured;
      } else if (a.state === 'parked' || (order.state === 'parked' && order.paidBy === a.attemptId))
        sum.parked += captured;
      else if (order.state === 'delivered' && order.paidBy === a.attemptId)
        sum.delivered += captured;
      else sum.open += captured;
    }
    if (sum.captured !== sum.delivered + sum.refunded + sum.parked + sum.open)
      say(JSON.stringify(sum));
    if (order.state === 'delivered') {
      if (sum.delivered !== order.sale.amountFen)
        say(`delivered for ${sum.delivered} of ${order.sale.amountFen} fen`);
      if (order.sale.kind === 'card' && this.#written.get(orderId) !== 1)
        say(`delivered, and on its card ${this.#written.get(orderId) ?? 0} times`);
    }
    if (
      (order.state === 'refunding' || order.state === 'refunded') &&
      (this.#written.get(orderId) ?? 0) > 0 &&
      !this.cheats.lost(order)
    )
      say('on its card and refunded');
  }
  #money(a: AttemptRow): { captured: number; refunds: number; refunded: number } {
    return this.#taken(this.#world.gateway.current.get(a.outTradeNo) ?? a.outTradeNo);
  }
  /**
   * To the fen: what each merchant took and did not hand back is what its payees' orders keep, and
   * what of left wallets' trades waits for a person; and what central posted for a payee of its own
   * merchant is no more than that.
   */
  async #merchants(keeps: Readonly<Record<'house' | 'water', number>>): Promise<void> {
    const { books, waterBooks, gateway, db } = this.#world;
    if (waterBooks === null) return;
    const left = new Set(this.#left().map(({ no }) => no));
    for (const [payee, own] of [
      ['house', books],
      ['water', waterBooks],
    ] as const) {
      let kept = 0;
      for (const no of own.orders.keys()) {
        if (gateway.his.has(ownNumber(no)) || left.has(ownNumber(no))) continue;
        const { captured, refunded } = this.#taken(ownNumber(no));
        kept += captured - refunded;
      }
      if (kept !== keeps[payee])
        this.#world.problem(`${payee}’s merchant keeps ${kept} fen, its orders ${keeps[payee]}`);
    }
    const [posted] = await db.query<{ fen: unknown }>(
      `SELECT COALESCE(SUM(amount_fen), 0) AS fen FROM postings
       WHERE payee = 'water' AND state = 'posted' AND merchant = '${WATER_MERCHANT}'`,
    );
    if (Number(posted?.fen ?? 0) > keeps.water)
      this.#world.problem(`${String(posted?.fen)} fen are posted for water, of ${keeps.water}`);
  }
  /** The merchant's books in which a wallet's trade stands. */
  #holding(no: string): Books {
    const { books, waterBooks } = this.#world;
    return waterBooks?.orders.has(no) === true ? waterBooks : books;
  }
  /** Each payee's money is with its own merchant, and with no other. */
  #atItsMerchant(a: AttemptRow, payee: string): boolean {
    const { books, waterBooks, gateway } = this.#world;
    const no = gateway.current.get(a.outTradeNo) ?? a.outTradeNo;
    const trade = this.#trades.get(no);
    if (trade === undefined || waterBooks === null) return true;
    return this.#holding(trade.outTradeNo) === (payee === 'water' ? waterBooks : books);
  }
  /** What a wallet took and gave back under one number of ours. */
  #taken(no: string): { captured: number; refunds: number; refunded: number } {
    const trade = this.#trades.get(no);
    const refunds =
      trade === undefined ? [] : this.#holding(trade.outTradeNo).refundsOf(trade.outTradeNo);
    return {
      captured:
        trade?.reversedAtMs === undefined ? (trade?.captures ?? 0) * (trade?.total ?? 0) : 0,
      refunds: refunds.length,
      refunded: refunds.filter((r) => r.status === 'SUCCESS').reduce((n, r) => n + r.refund, 0),
    };
  }

  // ---- the quiet end ----
  #rows(): { site: Site; order: OrderRow; attempts: AttemptRow[] }[] {
    return this.#world.sites.flatMap((site) =>
      (site.journal?.orders() ?? []).map((order) => ({
        site,
        order,
        attempts: site.journal?.attemptsOf(order.orderId) ?? [],
      })),
    );
  }
  #over({ order, attempts }: { order: OrderRow; attempts: readonly AttemptRow[] }): boolean {
    return (
      (SETTLED_ORDERS.has(order.state) || this.cheats.held(order)) &&
      attempts.every(
        (a) =>
          ['closed', 'refunded', 'parked'].includes(a.state) ||
          (a.state === 'paid' && a.taken === true),
      )
    );
  }
  settled(): boolean {
    return (
      this.#world.sites.every(
        (s) => s.alive && s.journal?.unsent(1) === null && s.journal.unsentParts(1).length === 0,
      ) &&
      this.#rows().every(
        (r) =>
          this.#over(r) &&
          r.attempts.every((a) => this.#money(a).captured === 0 || a.state !== 'closed'),
      ) &&
      this.#left().every(
        ({ leg, no }) =>
          this.#taken(no).captured === 0 || leg.state === 'parked' || leg.state === 'refunded',
      )
    );
  }
  /** The wallets' trades that do not count for any payment: another wallet took their place. */
  #left(): { readonly no: string; readonly leg: WatchedLeg }[] {
    const { gateway } = this.#world;
    return [...gateway.legs]
      .filter(([no, leg]) => gateway.current.get(leg.outTradeNo) !== no)
      .map(([no, leg]) => ({ no, leg }));
  }
  cardSettled(cardNo: string): boolean {
    return this.#rows().every((r) => cardNoOf(r.order) !== cardNo || this.#over(r));
  }

  async final(): Promise<{
    captured: number;
    delivered: number;
    refunded: number;
    parked: Record<string, number>;
    ends: Record<string, number>;
  }> {
    const world = this.#world;
    const say = (text: string): void => world.problem(text);
    const sums = { captured: 0, delivered: 0, refunded: 0, parkedFen: 0 };
    const parked: Record<string, number> = {};
    const keeps = { house: 0, water: 0 };
    const ends: Record<string, number> = {};
    const own = new Map<
      string,
      { count: number; quantity: number; paidFen: number; costMicro: number }
    >();
    const held = new Map<string, number>();
    this.shifts.final();
    for (const site of world.sites) {
      if (!site.alive) say(`${site.terminalId} is dark at the quiet end`);
      if (site.snapshot?.screen !== 'start')
        say(`${site.terminalId} shows ${site.snapshot?.screen ?? 'nothing'} at the quiet end`);
      if (site.snapshot?.screen === 'start' && !site.snapshot.selling)
        say(`${site.terminalId} does not sell at the quiet end: ${site.snapshot.degraded.join()}`);
      if (site.journal?.unsent(1) !== null)
        say(`${site.terminalId} has unsent facts at the quiet end`);
      const verified = site.journal?.verify();
      if (verified !== undefined && !verified.ok)
        say(`${site.terminalId}: ${verified.problems.join('; ')}`);
    }
    for (const row of this.#rows()) {
      const { order, attempts } = row;
      this.#order(order.orderId);
      ends[`order ${order.state}`] = (ends[`order ${order.state}`] ?? 0) + 1;
      if (!this.#over(row))
        say(
          `${order.orderId} is ${order.state} (${order.reason ?? ''}${order.wantsRefund ? ', wants refund' : ''}), attempts ${attempts.map((a) => a.state).join()}, at the quiet end`,
        );
      if (order.state === 'parked') {
        parked[order.reason ?? ''] = (parked[order.reason ?? ''] ?? 0) + 1;
        if (!MAY_PARK.has(order.reason ?? ''))
          say(`${order.orderId} is parked: ${order.reason ?? ''}`);
      }
      for (const a of attempts) {
        ends[`attempt ${a.state}`] = (ends[`attempt ${a.state}`] ?? 0) + 1;
        const { captured } = this.#money(a);
        sums.captured += captured;
        const payee = order.sale.payee === 'water' ? 'water' : 'house';
        if (a.state !== 'refunded') keeps[payee] += captured;
        if (a.state === 'refunded') sums.refunded += captured;
        else if (order.state === 'delivered' && order.paidBy === a.attemptId)
          sums.delivered += captured;
        else if (this.cheats.held(order)) sums.parkedFen += captured;
        else if (a.state === 'parked') {
          sums.parkedFen += captured;
          if (order.state !== 'parked') parked[a.reason ?? ''] = (parked[a.reason ?? ''] ?? 0) + 1;
          if (!MAY_PARK.has(a.reason ?? '')) say(`${a.attemptId} is parked: ${a.reason ?? ''}`);
        } else if (captured !== 0)
          say(`${a.attemptId}: ${captured} fen were captured, and it is ${a.state}`);
      }
      // What is parked keeps the remainder that it reserved, until a person settles it.
      if (order.sale.kind === 'credit') continue;
      if (order.state === 'parked' || this.cheats.held(order))
        held.set(
          cardSaleOf(order).cardNo,
          (held.get(cardSaleOf(order).cardNo) ?? 0) + cardSaleOf(order).carriedUsedMicro,
        );
      if (order.state === 'delivered') {
        const o = own.get(cardSaleOf(order).cardNo) ?? {
          count: 0,
          quantity: 0,
          paidFen: 0,
          costMicro: 0,
        };
        own.set(cardSaleOf(order).cardNo, {
          count: o.count + 1,
          quantity: o.quantity + cardSaleOf(order).quantity,
          paidFen: o.paidFen + order.sale.amountFen,
          costMicro: o.costMicro + cardSaleOf(order).shares.reduce((n, s) => n + s.costMicro, 0),
        });
      }
    }
    for (const no of this.#trades.keys())
      if (!this.#attempts.has(world.gateway.of(no)?.leg.outTradeNo ?? no))
        say(`the provider has ${no}, no journal has`);
    await this.#leftOver(parked);
    await this.#merchants(keeps);
    await this.requests.final();
    await this.credit.final(
      this.#rows().flatMap(({ order }) => (order.sale.kind === 'credit' ? [order] : [])),
    );
    if (sums.captured !== sums.delivered + sums.refunded + sums.parkedFen)
      say(`captured ${sums.captured} ≠ ${JSON.stringify(sums)}`);
    await this.#centralAgrees(own, held, sums);
    if (this.#world.mode !== 'none') await this.cheats.final((orderId) => this.row(orderId));
    return {
      captured: sums.captured,
      delivered: sums.delivered,
      refunded: sums.refunded,
      parked,
      ends,
    };
  }

  /**
   * What was taken for a wallet that was left: all of it went back, or is parked where the wallet
   * itself refused.
   */
  async #leftOver(parked: Record<string, number>): Promise<void> {
    for (const { no, leg } of this.#left()) {
      const { captured, refunded } = this.#taken(no);
      if (leg.state !== 'parked' ? refunded !== captured : refunded > 0)
        this.#world.problem(
          `${no} was left (${leg.state}): ${captured} fen captured, ${refunded} given back`,
        );
      if (leg.state === 'parked') parked['gateway'] = (parked['gateway'] ?? 0) + 1;
    }
    if (this.#world.paySet === 'direct') return;
    const rows = await this.#world.db.query<{ leg: string; state: string; reason: string | null }>(
      'SELECT leg, state, reason FROM gateway_legs',
    );
    for (const { leg, state, reason } of rows)
      if (!this.#world.gateway.his.has(leg) && this.#world.gateway.of(leg)?.leg.state !== state)
        this.#world.problem(
          `${leg} is ${state} (${reason ?? ''}), and was seen as ${this.#world.gateway.of(leg)?.leg.state ?? 'nothing'}`,
        );
  }

  /** Central's ledger and accounts against the journals, and the cards against both. */
  async #centralAgrees(
    own: ReadonlyMap<
      string,
      { count: number; quantity: number; paidFen: number; costMicro: number }
    >,
    parkedMicro: ReadonlyMap<string, number>,
    sums: { captured: number; delivered: number; refunded: number },
  ): Promise<void> {
    const { db } = this.#world;
    const say = (text: string): void => this.#world.problem(text);
    // What a thief told of orders of his own is nobody's loss but by the gas that he got for them.
    const his = `PL-${this.#world.thief ?? ''}-%`;
    const ledger = await db.query<{ kind: string; fen: unknown; n: unknown }>(
      `SELECT kind, sum(amount_fen) AS fen, count(*) AS n FROM ledger
       WHERE order_id NOT LIKE $1 GROUP BY kind`,
      [his],
    );
    const fen = (...kinds: string[]): number =>
      ledger.filter((l) => kinds.includes(l.kind)).reduce((n, l) => n + Number(l.fen), 0);
    if (fen('captured', 'captured-extra') !== sums.captured)
      say(
        `central has ${fen('captured', 'captured-extra')} fen captured, the provider ${sums.captured}`,
      );
    if (fen('delivered') !== sums.delivered)
      say(`central has ${fen('delivered')} fen delivered, the journals ${sums.delivered}`);
    if (fen('refunded') !== sums.refunded)
      say(`central has ${fen('refunded')} fen refunded, the journals ${sums.refunded}`);
    const quarantine = await db.query<{ kind: string; reason: string; order_id: string }>(
      'SELECT kind, reason, order_id FROM quarantine WHERE terminal_id <> $1',
      [this.#world.thief ?? ''],
    );
    const unproven = await db.query<{ order_id: string }>(
      'SELECT order_id FROM orders WHERE unproven AND order_id NOT LIKE $1',
      [his],
    );
    for (const o of unproven) say(`central knows no evidence that ${o.order_id} was paid`);
    const waiting = await db.query<{ order_id: string; reason: string }>(
      'SELECT order_id, reason FROM held_facts WHERE terminal_id <> $1',
      [this.#world.thief ?? ''],
    );
    for (const h of waiting) say(`central still holds a fact of ${h.order_id}: ${h.reason}`);
    const accused = await db.query<{ order_id: string; reason: string; detail: string }>(
      'SELECT order_id, reason, detail FROM sale_findings WHERE accuses AND terminal_id <> $1',
      [this.#world.thief ?? ''],
    );
    for (const f of accused) say(`central accuses ${f.order_id} of ${f.reason}: ${f.detail}`);
    for (const q of quarantine) say(`central quarantined ${q.kind} of ${q.order_id}: ${q.reason}`);
    const accounts = await db.query<{
      card_no: string;
      user_no: string;
      count: unknown;
      cumulative: unknown;
      carried_micro: unknown;
    }>(
      // Less than one unit stays reserved for a quote that a thief never pays.
      `SELECT c.card_no, c.user_no, a.count, a.cumulative, a.carried_micro + (SELECT COALESCE(SUM(r.micro), 0)
         FROM reserves r WHERE r.user_no = a.user_no AND r.state = 'held' AND r.order_id LIKE $1)
         AS carried_micro
       FROM cards c JOIN accounts a ON a.user_no = c.user_no`,
      [his],
    );
    const granted = await grantedToCards(this.#world);
    for (const [cardNo, opening] of this.#openings) {
      const o = own.get(cardNo) ?? { count: 0, quantity: 0, paidFen: 0, costMicro: 0 };
      const card = this.#purses.get(cardNo) as Content;
      const stolen = this.cheats.onCard(cardNo);
      if (
        card.count !== opening.count + o.count + stolen.count ||
        card.cumulative !== opening.cumulative + o.quantity + stolen.quantity
      )
        say(
          `card ${cardNo}: count ${card.count}, cumulative ${card.cumulative}; delivered ${o.count} times, ${o.quantity}`,
        );
      const meter = this.#world.cards.find((c) => c.cardNo === cardNo);
      const balance = meter?.card.balance();
      // A purse's money is in it, in its meter, or used up.
      if (
        meter !== undefined &&
        balance != null &&
        balance + meter.card.meter.state().remaining + meter.card.meter.state().used !==
          card.cumulative
      )
        say(
          `purse ${cardNo}: ${balance} in it, its meter has ${JSON.stringify(meter.card.meter.state())}, loaded ${card.cumulative}`,
        );
      const a = accounts.find((x) => x.card_no === cardNo);
      if (
        Number(a?.count) !== card.count - stolen.count ||
        Number(a?.cumulative) !== card.cumulative - stolen.quantity
      )
        say(
          `account of ${cardNo}: count ${String(a?.count)}, cumulative ${String(a?.cumulative)}; the card ${card.count}, ${card.cumulative}`,
        );
      const carried =
        opening.carriedMicro +
        (granted.get(a?.user_no ?? '') ?? 0) +
        o.paidFen * MICRO_PER_FEN -
        o.costMicro -
        (parkedMicro.get(cardNo) ?? 0);
      if (Number(a?.carried_micro) !== carried)
        say(
          `account of ${cardNo} carries ${String(a?.carried_micro)} micro-yuan, ${carried} are due`,
        );
    }
    const claims = await db.query<{ card_no: string; order_id: string }>(
      `SELECT card_no, order_id FROM claims WHERE (expires_ms IS NULL OR expires_ms > $1)
       AND order_id NOT LIKE $2`,
      [this.#world.nowMs, his],
    );
    for (const c of claims) {
      const row = this.row(c.order_id);
      if (row === undefined || (row.state !== 'parked' && !this.cheats.held(row)))
        say(
          `card ${c.card_no} is still claimed by ${c.order_id} (${row?.state ?? 'unknown'}) at the quiet end`,
        );
    }
    const held = await db.query<{ order_id: string; micro: unknown }>(
      "SELECT order_id, micro FROM reserves WHERE state = 'held' AND order_id NOT LIKE $1",
      [his],
    );
    for (const r of held) {
      const row = this.row(r.order_id);
      const waits = row?.state === 'parked' || (row !== undefined && this.cheats.held(row));
      if (Number(r.micro) > 0 && !waits)
        say(
          `the remainder reserved by ${r.order_id} (${this.row(r.order_id)?.state ?? 'unknown'}) was never given back`,
        );
    }
  }
}
