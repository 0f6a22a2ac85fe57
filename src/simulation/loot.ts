import { REFUND_BUDGET } from '../central/sale/budgets.ts';
import type { Quote } from '../shared/central-api/index.ts';
import { toHex } from '../shared/bytes.ts';
import { MICRO_PER_FEN } from '../shared/money.ts';
import { orderTag } from '../shared/order-tag.ts';
import type { Content, SimCard } from './card.ts';
import { ownNumber } from './providers.ts';
import type { Town } from './town.ts';

/** A sale that the thief began, on his own card or on another's. */
export interface Deal {
  readonly orderId: string;
  readonly outTradeNo: string;
  readonly quote: Quote;
}

/**
 * One of the thief's cards and its meter. His gas is counted where it can be burnt, and held
 * against what his wallet paid and did not get back.
 */
export class Loot {
  readonly #world: Town;
  readonly #cardNo: string;
  readonly #userNo: string;
  readonly card: SimCard;
  readonly #carriedMicro: number;
  readonly #deals: readonly Deal[];
  #before: Content;
  /** The sale whose record is on the card; null: none of his. */
  #onCard: Deal | null = null;
  #burntMicro = 0;
  #visits = 0;

  constructor(
    world: Town,
    card: SimCard,
    account: {
      readonly cardNo: string;
      readonly userNo: string;
      readonly cumulative: number;
      readonly carriedMicro: number;
    },
    deals: readonly Deal[],
  ) {
    this.#world = world;
    this.card = card;
    this.#cardNo = account.cardNo;
    this.#userNo = account.userNo;
    this.#carriedMicro = account.carriedMicro;
    this.#deals = deals;
    this.#before = card.content(account, null);
    card.onChange(() => this.#changed(card.content(account, this.#before)));
  }

  get bought(): number {
    return this.#before.cumulative;
  }
  get count(): number {
    return this.#before.count;
  }

  /** Whatever keys he got: on his card is only what one of his sales writes. */
  #changed(now: Content): void {
    const before = this.#before;
    if (
      now.tag === before.tag &&
      now.count === before.count &&
      now.cumulative === before.cumulative
    )
      return;
    this.#before = now;
    const { chip } = this.card;
    const deal = this.#deals.find(
      ({ orderId, quote: q }) =>
        q.cardNo === this.#cardNo &&
        q.nextCount === now.count &&
        q.quantity === now.quantity &&
        (chip === 'purse' || toHex(orderTag(orderId)) === now.tag),
    );
    this.#world.tell(`THIEF's card: count ${now.count}, quantity ${now.quantity}`);
    this.#world.count('thief-wrote');
    if (deal === undefined || now.cumulative > before.cumulative + now.quantity)
      this.#world.problem(
        `the thief’s card: count ${before.count} → ${now.count}, cumulative ${before.cumulative} → ${now.cumulative}, which is no sale of his`,
      );
    this.#onCard = deal ?? null;
  }

  /** At his meter; it burns all that it has. */
  visit(): void {
    const { meter, chip } = this.card;
    const { credited } = meter.visit(`26112212${String(this.#visits++ % 60).padStart(2, '0')}`);
    meter.consume(meter.state().remaining);
    meter.visit(`26112213${String(this.#visits % 60).padStart(2, '0')}`);
    if (credited === 0) return;
    // A meter credits what the card was last written with; a purse is money, fen for fen.
    const cost =
      chip === 'purse'
        ? credited * MICRO_PER_FEN
        : (this.#onCard?.quote.shares ?? []).reduce((n, s) => n + s.costMicro, 0);
    if (chip !== 'purse' && credited !== this.#onCard?.quote.quantity)
      this.#world.problem(`the thief’s meter took ${credited}, which is no sale of his`);
    this.#burntMicro += cost;
  }

  /** His gas is paid for, to the fen; where central let money go back unproven, within its budget. */
  async final(): Promise<void> {
    this.visit();
    const { gateway, books, db } = this.#world;
    const own = this.#deals.filter((d) => d.quote.cardNo === this.#cardNo);
    const numbers = new Set(own.map((d) => d.outTradeNo));
    let paidFen = 0;
    for (const trade of books.orders.values()) {
      if (!numbers.has(gateway.his.get(ownNumber(trade.outTradeNo)) ?? '')) continue;
      if (trade.reversedAtMs === undefined) paidFen += trade.captures * trade.total;
      for (const r of books.refundsOf(trade.outTradeNo))
        if (r.status === 'SUCCESS' || r.status === 'PROCESSING') paidFen -= r.refund;
    }
    const unproven = await db.query<{ fen: unknown }>(
      `SELECT COALESCE(SUM(open_fen), 0) AS fen FROM unproven_refunds
       WHERE user_no = $1 AND state = 'granted'`,
      [this.#userNo],
    );
    // A purse proves itself to its terminal, which may lie: what that one may hand back in a day.
    const { accountFen, terminalDayFen } = REFUND_BUDGET;
    const most = this.card.chip === 'purse' ? terminalDayFen : accountFen;
    const budgetFen = Math.min(Number(unproven[0]?.fen), most);
    const freeMicro = this.#burntMicro - this.#carriedMicro - paidFen * MICRO_PER_FEN;
    if (freeMicro > 0) this.#world.count('thief-gained-fen', Math.ceil(freeMicro / MICRO_PER_FEN));
    if (freeMicro > budgetFen * MICRO_PER_FEN)
      this.#world.problem(
        `the thief burnt on ${this.#cardNo} gas of ${this.#burntMicro} micro-yuan and paid ${paidFen} fen; ${budgetFen} fen went back unproven`,
      );
  }
}
