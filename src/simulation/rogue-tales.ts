import { toHex } from '../shared/bytes.ts';
import type { PaymentEvidence } from '../shared/evidence.ts';
import { orderTag } from '../shared/order-tag.ts';
import { UNWRITTEN } from '../shared/trust.ts';
import type { Dice } from './dice.ts';
import type { Deal } from './loot.ts';
import type { RogueJournal } from './rogue-journal.ts';
import type { Town } from './town.ts';

/** What a card of his had bought when the town began, 0.01 units. */
export const CUMULATIVE = 205_000;

/** A sale of the thief's, and what he has of it. */
export interface HisDeal extends Deal {
  readonly attemptId: string;
  readonly outRefundNo: string;
  /** What the gateway gave him; null: nothing yet. */
  evidence: PaymentEvidence | null;
  created: boolean;
}
interface HisAccount {
  readonly cardNo: string;
  readonly userNo: string;
  readonly unit: 'volume' | 'money';
}

/** How a fact about a sale is bent: more than was sold, or sold without central. */
interface Bent {
  readonly more: number;
  readonly offline: boolean;
  readonly grant: string | undefined;
}

/** What the thief's terminal tells of his sales. */
export class Tales {
  readonly #world: Town;
  readonly #journal: RogueJournal;
  readonly #dice: Dice;
  readonly #accounts: readonly HisAccount[];

  readonly #bought: (cardNo: string) => number;

  /** @param bought all that a card of his holds as bought, 0.01 units */
  constructor(
    world: Town,
    journal: RogueJournal,
    dice: Dice,
    accounts: readonly HisAccount[],
    bought: (cardNo: string) => number,
  ) {
    this.#bought = bought;
    this.#world = world;
    this.#journal = journal;
    this.#dice = dice;
    this.#accounts = accounts;
  }

  #accountOf(deal: Deal): HisAccount | undefined {
    return this.#accounts.find((a) => a.cardNo === deal.quote.cardNo);
  }

  /** As an honest kiosk has it, from quote to card; `until` the write, or the money only. */
  sale(deal: HisDeal, until: 'paid' | 'delivering' | 'delivered' = 'delivered'): void {
    if (this.#accountOf(deal) === undefined) return;
    this.#quoted(deal, { more: 0, offline: false, grant: deal.quote.grant });
    this.#creating(deal);
    this.#paid(deal, deal.evidence, 0);
    if (until !== 'paid') this.#delivering(deal);
    if (until === 'delivered') this.#delivered(deal, 0);
  }

  /**
   * As he would like it to have been: some of its facts, some of them bent. Of another's card he
   * tells quotes only: a sale of his own invention would move its count, twenty times a terminal
   * (test/attacks/word-of-a-terminal.test.ts).
   */
  of(deal: HisDeal, proof: () => PaymentEvidence | null, accountGrant: string | undefined): void {
    const dice = this.#dice;
    const more = dice.chance(0.2) ? dice.below(100_000) : 0;
    const offline = dice.chance(deal.created ? 0.1 : 0.4);
    const grant = offline ? accountGrant : deal.quote.grant;
    const some = (p: number, tell: () => void): void => {
      if (dice.chance(p)) tell();
    };
    some(0.7, () => this.#quoted(deal, { more, offline, grant }));
    if (this.#accountOf(deal) !== undefined) {
      some(0.7, () => this.#creating(deal));
      some(0.7, () => this.#paid(deal, proof(), more));
      some(0.3, () => this.#delivering(deal));
      some(0.3, () =>
        this.#journal.tell('order-in-doubt', deal.orderId, {
          failure: { code: 'CARD-0203' },
          wants: dice.pick(['write', 'refund', 'counter'] as const),
          unwritten: dice.pick(UNWRITTEN),
        }),
      );
      some(0.25, () => this.#delivered(deal, more));
    }
    some(0.2, () => this.#end(deal));
  }

  #quoted(deal: HisDeal, { more, offline, grant }: Bent): void {
    const { orderId, quote: q } = deal;
    const { userNo, unit } = this.#accountOf(deal) ?? {
      userNo: '1002001000',
      unit: 'volume' as const,
    };
    this.#journal.tell('order-quoted', orderId, {
      cardNo: q.cardNo,
      userNo,
      layout: unit === 'money' ? 'PL-PURSE' : 'PL-CPU',
      unit,
      nextCount: q.nextCount,
      amountFen: q.amountFen,
      quantity: q.quantity + more,
      shares: q.shares,
      carriedUsedMicro: q.carriedUsedMicro,
      carriedAfterMicro: q.carriedAfterMicro + more,
      tariffId: q.tariffId,
      tariffVersion: q.tariffVersion,
      offline,
      tag: toHex(orderTag(orderId)),
      ...(grant === undefined ? {} : { grant }),
    });
  }
  #creating({ orderId, attemptId, outTradeNo, outRefundNo, quote }: HisDeal): void {
    this.#journal.tell('attempt-creating', orderId, {
      attemptId,
      provider: 'gateway',
      outTradeNo,
      outRefundNo,
      amountFen: quote.amountFen,
      expiresAtMs: this.#world.nowMs + 60_000,
    });
  }
  #paid(deal: HisDeal, evidence: PaymentEvidence | null, more: number): void {
    const { orderId, attemptId, quote } = deal;
    const { amountFen } = quote;
    this.#journal.tell('attempt-paid', orderId, {
      attemptId,
      transactionId: '4200',
      amountFen: amountFen + more,
      taken: true,
      ...(evidence === null ? {} : { evidence }),
    });
    this.#journal.tell('order-paid', orderId, { attemptId, amountFen });
  }
  #delivering({ orderId, quote }: HisDeal): void {
    this.#journal.tell('order-delivering', orderId, {
      insertion: 1,
      before: 'AA00',
      after: `BB${toHex(orderTag(orderId))}`,
      cumulative: this.#bought(quote.cardNo),
      plan: ['00D6'],
    });
  }
  #delivered({ orderId, quote }: HisDeal, more: number): void {
    this.#journal.tell('order-delivered', orderId, {
      by: 'read-back',
      count: quote.nextCount,
      quantity: quote.quantity + more,
      cumulative: this.#bought(quote.cardNo),
    });
  }

  #end({ orderId, attemptId, outRefundNo, quote: { amountFen } }: HisDeal): void {
    const journal = this.#journal;
    const why = '客户要求';
    switch (this.#dice.below(6)) {
      case 0:
        return journal.tell('order-closed', orderId, { why });
      case 1:
        return journal.tell('attempt-refunding', orderId, {
          attemptId,
          outRefundNo,
          amountFen,
          why,
        });
      case 2:
        return journal.tell('attempt-refunded', orderId, { attemptId, refundId: '1', amountFen });
      case 3:
        return journal.tell('order-refunded', orderId, { attemptId });
      case 4:
        return journal.tell('order-parked', orderId, {
          reason: 'refund-refused',
          nextStep: 'counter',
        });
      default:
        return journal.tell('parked-settled', orderId, {
          attemptId: null,
          how: this.#dice.pick(['refunded-by-hand', 'delivered-by-hand', 'nothing-due'] as const),
          reference: 'CASH',
          who: '技术员',
          why,
        });
    }
  }
}
