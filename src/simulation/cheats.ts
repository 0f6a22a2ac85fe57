import { REFUND_BUDGET } from '../central/sale/budgets.ts';
import type { OrderRow } from '../journal/fold.ts';
import { cardSaleOf } from '../shared/sale.ts';
import { DAY_MS } from '../shared/time.ts';
import type { Town } from './town.ts';

/**
 * Purchases that went through a chip, and what the town lost by them: on their cards, and refunded.
 * Under honest customers there is no such thing; here it stays within central's budget.
 */
export class Cheats {
  readonly #world: Town;
  readonly #written = new Set<string>();
  readonly #stolen = new Map<string, OrderRow>();

  constructor(world: Town) {
    this.#world = world;
  }

  /** An order is written to a card behind a chip. */
  wrote(orderId: string): void {
    this.#written.add(orderId);
  }

  /** Both on its card and refunded: a loss where a chip stood between, else a broken promise. */
  lost(order: OrderRow | undefined): boolean {
    if (order === undefined || !this.#written.has(order.orderId)) return false;
    this.#stolen.set(order.orderId, order);
    return true;
  }

  /** What is on the card and nobody paid for. */
  onCard(cardNo: string): { readonly count: number; readonly quantity: number } {
    const orders = this.#of(cardNo);
    return {
      count: orders.length,
      quantity: orders.reduce((n, o) => n + cardSaleOf(o).quantity, 0),
    };
  }

  /**
   * A cheat's second purchase under the count of one that he has for nothing: his money waits for a
   * person, who has the card in his hand then.
   */
  held(order: OrderRow): boolean {
    return (
      order.sale.kind === 'card' &&
      order.state === 'in-doubt' &&
      order.wantsRefund &&
      this.#of(cardSaleOf(order).cardNo).some(
        (o) => cardSaleOf(o).nextCount === cardSaleOf(order).nextCount,
      )
    );
  }

  #of(cardNo: string): readonly OrderRow[] {
    return [...this.#stolen.values()].filter((o) => cardSaleOf(o).cardNo === cardNo);
  }

  /** The losses against the budget's own words. */
  async final(row: (orderId: string) => OrderRow | undefined): Promise<void> {
    const say = (text: string): void => this.#world.problem(text);
    const fen = (orders: readonly OrderRow[]): number =>
      orders.reduce((n, o) => n + o.sale.amountFen, 0);
    const all = [...this.#stolen.values()];
    this.#world.count('stolen', all.length);
    for (const { cardNo, card } of this.#world.cards) {
      const of = this.#of(cardNo);
      if (of.length > REFUND_BUDGET.accountOrders || fen(of) > REFUND_BUDGET.accountFen)
        say(`card ${cardNo}: ${of.length} purchases of ${fen(of)} fen for nothing`);
      if (card.chip === 'purse' && of.length > 0) say(`purse ${cardNo} was loaded for nothing`);
    }
    const days = all.map((o) => Math.floor(o.updatedMs / DAY_MS));
    const span = all.length === 0 ? 1 : Math.max(...days) - Math.min(...days) + 2;
    if (fen(all) > REFUND_BUDGET.dayFen * span) say(`${fen(all)} fen were stolen in ${span} days`);
    // Whoever waited for a person did so because a reader said “unwritten”; his card came back, and
    // it was written after all, or had been. Or another purchase turned out to have its count on the
    // card, which as much was paid for: then nothing is left to decide, and the money goes back.
    const waiting = await this.#world.db.query<{
      order_id: string;
      state: string;
      settled: boolean;
    }>(
      `SELECT u.order_id, o.state, o.state = 'refunded' AND EXISTS (SELECT 1 FROM orders p
         WHERE p.card_no = o.card_no AND p.next_count = o.next_count AND p.order_id <> o.order_id
           AND p.delivered_by IS NOT NULL AND p.money_taken AND NOT p.unproven
           AND p.amount_fen >= o.amount_fen) AS settled FROM unproven_refunds u JOIN orders o ON o.order_id = u.order_id
       WHERE u.state = 'waiting' AND u.terminal_id <> $1`,
      [this.#world.thief ?? ''],
    );
    this.#world.count('refund-waited', waiting.length);
    for (const w of waiting) {
      const order = row(w.order_id);
      if (w.state !== 'delivered' && !w.settled && (order === undefined || !this.held(order)))
        say(`${w.order_id} waited for a person, and is ${w.state}`);
    }
  }
}
