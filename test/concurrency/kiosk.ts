import { setTimeout as pause } from 'node:timers/promises';
import type { BillingClient } from '../../src/billing/types.ts';
import { CLAIM_MS } from '../../src/shared/central-api/index.ts';
import type { Quote } from '../../src/shared/central-api/index.ts';
import { toHex } from '../../src/shared/bytes.ts';
import { orderTag } from '../../src/shared/order-tag.ts';
import type { Failure } from '../../src/shared/errors.ts';
import type { Result } from '../../src/shared/result.ts';
import type { TestJournal } from '../unit/central/harness.ts';
import type { Company } from './company.ts';
import { COUNT } from './company.ts';

/** A chip: what it would tell any kiosk. */
interface Card {
  count: number;
  /** The order that was written last. */
  last: string | null;
  /** In somebody's reader. */
  taken: boolean;
}
interface Order {
  readonly id: string;
  readonly account: number;
  readonly q: Quote;
}

/** What kiosks ask of a company. */
export interface Behind {
  now: number;
  /** So many lines lead to it. */
  readonly offices: { readonly length: number };
  readonly accounts: Company['accounts'];
  readonly client: (terminal: number, office: number) => BillingClient;
  readonly journal: (terminal: number) => TestJournal;
  readonly account: Company['account'];
  readonly orderId: (terminal: number) => string;
}

/** The street: cards, orders in doubt that any kiosk may finish, and chance. */
export class Street {
  readonly company: Behind;
  readonly cards: readonly Card[];
  /** Torn in the write, by kiosk. */
  readonly doubts: (Order & { readonly kiosk: number })[] = [];
  /** What happened, for a run that should not have been empty. */
  readonly seen: Record<string, number> = {};
  #state: number;
  constructor(company: Behind, seed: number) {
    this.company = company;
    this.#state = seed >>> 0;
    this.cards = company.accounts.map(() => ({ count: COUNT, last: null, taken: false }));
  }
  /** 0 ≤ n < limit (mulberry32). */
  random(limit: number): number {
    this.#state = (this.#state + 0x6d_2b_79_f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  }
  saw(what: string): void {
    this.seen[what] = (this.seen[what] ?? 0) + 1;
  }
}

/** An honest kiosk: it sells, tells, asks again until it is heard, and ends what it began. */
export class Kiosk {
  readonly #street: Street;
  readonly #index: number;
  /** Up to which number central said that it holds the journal. */
  #acked = 0;
  constructor(street: Street, index: number) {
    this.#street = street;
    this.#index = index;
  }

  get #journal(): TestJournal {
    return this.#street.company.journal(this.#index);
  }
  /** Any of the offices: they are behind one address. */
  get #client(): BillingClient {
    const { company } = this.#street;
    return company.client(this.#index, this.#street.random(company.offices.length));
  }

  /** Asks until central is there. */
  async #ask<T>(
    call: (client: BillingClient) => Promise<Result<T, Failure>>,
  ): Promise<Result<T, Failure>> {
    for (let tries = 0; tries < 2_000; tries++) {
      const answer = await call(this.#client);
      if (answer.ok || answer.error.code !== 'BILL-0101') return answer;
      this.#street.saw('asked again');
      await pause(10 + this.#street.random(20));
    }
    throw new Error('central was away for too long');
  }

  /**
   * Tells central what it has not acknowledged, in batches of any size.
   *
   * @param hello also where there is nothing to tell, as kiosks do once an hour
   */
  async tell(hello = false): Promise<void> {
    const journal = this.#journal;
    let said = !hello;
    for (let tries = 0; !said || this.#acked < journal.events.length; tries++) {
      if (tries > 2_000) throw new Error('central was away for too long');
      const to = Math.min(journal.events.length, this.#acked + 1 + this.#street.random(12));
      const told = await journal.send(this.#client, this.#acked + 1, to);
      switch (told.kind) {
        case 'acked':
          said = true;
          this.#acked = Math.max(this.#acked, told.answer.ackSeq);
          break;
        case 'gap':
          this.#street.saw('told what is missing');
          this.#acked = told.expectedSeq - 1;
          break;
        case 'away':
          this.#street.saw('told again');
          await pause(10 + this.#street.random(20));
          break;
        case 'fork':
        case 'refused':
          throw new Error(JSON.stringify(told));
        default:
          told satisfies never;
      }
    }
  }

  /** A customer comes with a card. */
  async visit(): Promise<void> {
    const street = this.#street;
    street.company.now += street.random(5_000);
    const account = street.random(street.cards.length);
    const card = street.cards[account] as Card;
    if (card.taken) return street.saw('card elsewhere');
    card.taken = true;
    try {
      await this.#sale(account, card);
    } finally {
      card.taken = false;
    }
    if (street.random(3) === 0) await this.tell();
  }

  async #sale(account: number, card: Card): Promise<void> {
    const street = this.#street;
    const { company } = street;
    const id = company.orderId(this.#index);
    const request = {
      orderId: id,
      cardNo: company.account(account).cardNo,
      nextCount: card.count + 1,
      amountFen: 1_000 * (1 + street.random(30)),
    };
    const journal = this.#journal;
    // Twice at once, over two lines, as a kiosk does that is unsure.
    const answers = await Promise.all(
      Array.from({ length: 1 + street.random(2) }, () => this.#ask((c) => c.quote(request))),
    );
    const answer = answers[0] as Result<Quote, Failure>;
    if (!answer.ok) return street.saw(answer.error.code);
    const q = answer.value;
    const order = { id, account, q };
    const what = street.random(10);
    if (what === 0) {
      street.saw('given back');
      await this.#ask((c) => c.release(id));
      return;
    }
    journal.quoted(id, q, company.account(account).userNo);
    if (what <= 2) {
      street.saw('closed');
      journal.add('order-closed', id, { why: 'customer' });
      await this.#ask((c) => c.release(id));
      return;
    }
    journal.paid(id, q.amountFen);
    // A payment is told at once: its claim runs out half an hour after the quote.
    await this.tell();
    journal.delivering(id, q);
    if (what <= 6) {
      card.count += 1;
      card.last = id;
      street.saw('delivered');
      this.#delivered(order, 'read-back');
      return;
    }
    street.saw('torn');
    if (street.random(2) === 0) {
      card.count += 1;
      card.last = id;
    }
    journal.inDoubt(id);
    await this.tell();
    street.doubts.push({ ...order, kiosk: this.#index });
  }

  #delivered({ id, q }: Order, by: 'read-back' | 'elsewhere'): void {
    this.#journal.add('order-delivered', id, {
      by,
      count: q.nextCount,
      quantity: q.quantity,
      cumulative: 205_000 + q.quantity,
    });
  }

  #refunded({ id, q }: Order): void {
    const journal = this.#journal;
    const attemptId = `${id}/1`;
    const failure = { code: 'CARD-0203' };
    journal.add('order-refunding', id, { attemptId, failure });
    journal.add('attempt-refunded', id, { attemptId, refundId: '503', amountFen: q.amountFen });
    journal.add('order-refunded', id, { attemptId });
    this.#street.saw('refunded');
  }

  /** Another kiosk's order, whose card came here. */
  async assist(): Promise<void> {
    const street = this.#street;
    const order = street.doubts[street.random(Math.max(1, street.doubts.length))];
    if (order === undefined || order.kiosk === this.#index) return;
    const card = street.cards[order.account] as Card;
    if (card.taken) return;
    card.taken = true;
    try {
      const claim = await this.#ask((c) => c.claim(order.id, 'write', order.q.cardNo));
      if (!claim.ok) {
        // The lease of whoever tore the card runs; in a while it is over.
        if (claim.error.code === 'BILL-0105' && street.random(2) === 0)
          street.company.now += CLAIM_MS;
        return street.saw(`write ${claim.error.code}`);
      }
      const journal = this.#journal;
      const origin = street.company.journal(order.kiosk).terminalId;
      if (card.last !== order.id && card.count !== order.q.nextCount - 1) {
        // Sold once more by a kiosk whose central had forgotten this sale.
        street.saw('superseded');
        const tag = toHex(orderTag(card.last ?? ''));
        journal.assisted(origin, order.id, order.q, 'superseded', { tag });
        return;
      }
      if (card.last !== order.id) {
        journal.add('assist-writing', order.id, {
          origin,
          cardNo: order.q.cardNo,
          insertion: 1,
          before: '',
          after: '',
          count: order.q.nextCount,
          quantity: order.q.quantity,
          cumulative: 205_000 + order.q.quantity,
          grant: journal.writeClaim(order.id, order.q.cardNo),
        });
        card.count += 1;
        card.last = order.id;
      }
      journal.assisted(origin, order.id, order.q, 'after');
      street.saw('finished elsewhere');
    } finally {
      card.taken = false;
    }
    if (street.random(2) === 0) await this.tell();
  }

  /** Ends what is in doubt here, the customer having come back with the card. */
  async settle(): Promise<void> {
    const street = this.#street;
    await this.tell(true);
    for (const order of street.doubts.filter((d) => d.kiosk === this.#index)) {
      await this.tell();
      if (!(await this.#settled(order))) continue;
      street.doubts.splice(street.doubts.indexOf(order), 1);
    }
    await this.tell();
  }

  async #settled(order: Order): Promise<boolean> {
    const street = this.#street;
    const told = await this.#ask((c) => c.commands());
    if (!told.ok) throw new Error(told.error.code);
    const command = told.value.commands.find((c) => c.orderId === order.id);
    if (command?.kind === 'delivered-elsewhere') {
      this.#delivered(order, 'elsewhere');
      return true;
    }
    const claim = await this.#ask((c) => c.claim(order.id, 'write', order.q.cardNo));
    if (!claim.ok) {
      // Another kiosk has it, or has told meanwhile.
      street.saw(`own ${claim.error.code}`);
      street.company.now += CLAIM_MS;
      return false;
    }
    const card = street.cards[order.account] as Card;
    if (card.last === order.id) this.#delivered(order, 'read-back');
    else if (card.count === order.q.nextCount - 1 && street.random(2) === 0) {
      card.count += 1;
      card.last = order.id;
      this.#delivered(order, 'read-back');
    } else {
      const { serverTimeMs } = claim.value;
      const refund = await this.#ask((c) =>
        c.claim(order.id, 'refund', order.q.cardNo, serverTimeMs),
      );
      if (!refund.ok) {
        street.saw(`refund ${refund.error.code} ${refund.error.detail}`);
        street.company.now += CLAIM_MS;
        return false;
      }
      this.#refunded(order);
    }
    return true;
  }
}

/** All of them at once: so many customers each, and all is told. */
export async function business(kiosks: readonly Kiosk[], visits: number): Promise<void> {
  await Promise.all(
    kiosks.map(async (kiosk) => {
      for (let n = 0; n < visits; n++) {
        await kiosk.visit();
        await kiosk.assist();
      }
      await kiosk.tell();
    }),
  );
}

/** Every kiosk ends what it began. */
export async function settleAll(street: Street, kiosks: readonly Kiosk[]): Promise<void> {
  for (let rounds = 0; street.doubts.length > 0 || rounds < 2; rounds++) {
    if (rounds > 50)
      throw new Error(`not settled: ${JSON.stringify([street.doubts, street.seen])}`);
    for (const kiosk of kiosks) await kiosk.settle();
  }
}
