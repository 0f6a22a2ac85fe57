import {
  accountAnswerSchema,
  CLAIM_MS,
  quoteAnswerSchema,
} from '../../shared/central-api/index.ts';
import type { Account, Quote } from '../../shared/central-api/index.ts';
import { toHex } from '../../shared/bytes.ts';
import { receiptToken } from '../../shared/evidence.ts';
import type { PaymentEvidence, Receipt } from '../../shared/evidence.ts';
import { priceAmount } from '../../shared/money.ts';
import { makeAttemptIds, makeOrderId } from '../../shared/order-id.ts';
import { orderTag } from '../../shared/order-tag.ts';
import { sleep } from '../../shared/ports.ts';
import type { Clock, KeyId, Random, Signer } from '../../shared/ports.ts';
import type { Keyring } from '../../shared/signatures.ts';
import { must } from '../check.ts';
import { Terminal } from './asking.ts';
import type { Answer, AskParts, Heard } from './asking.ts';
import type { CentralSuiteConfig, SuiteCard } from './config.ts';
import { Journal } from './journal.ts';

/** So many checks need one. */
const STALE = 4;

/** With what the suite is run. Keys are read, and nothing else is. */
export interface CentralSuiteParts extends Omit<AskParts, 'heard'> {
  readonly config: CentralSuiteConfig;
  readonly policyKeys: Keyring;
  /** Signs receipts of payments; null: nothing is paid. */
  readonly receipts: (Signer & KeyId) | null;
  /** In the order of the config's `terminals`. */
  readonly signers: readonly (Signer & KeyId)[];
  readonly suspended: (Signer & KeyId) | null;
  readonly revoked: (Signer & KeyId) | null;
  /** Where central's public pages are; null: not looked at. */
  readonly pages: string | null;
}

/** A terminal with its journal. */
export interface Machine {
  readonly terminal: Terminal;
  readonly journal: Journal;
}

/** A sale as far as it came. */
export interface Sale {
  readonly orderId: string;
  readonly card: SuiteCard;
  readonly quote: Quote;
  readonly machine: Machine;
  readonly attemptId: string;
}

/** What every check asks with: a run's terminals, cards and clock. */
export class World {
  readonly parts: CentralSuiteParts;
  readonly config: CentralSuiteConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly heard: Heard = { unsigned: [], misformed: [], answers: 0 };
  readonly seller: Machine;
  readonly helper: Machine;
  readonly forked: Machine;
  readonly suspended: Machine | null;
  readonly revoked: Machine | null;
  #counter: number;
  #card = 0;
  #looks = 0;
  #stale: Sale[] = [];
  readonly #kept = new Set<string>();

  constructor(parts: CentralSuiteParts) {
    this.parts = parts;
    this.config = parts.config;
    this.clock = parts.clock;
    this.random = parts.random;
    const machine = (
      of: { readonly terminalId: string; readonly epoch: number } | undefined,
      signer: (Signer & KeyId) | null | undefined,
    ): Machine | null => {
      if (of === undefined || signer === null || signer === undefined) return null;
      const terminal = new Terminal(of.terminalId, of.epoch, signer, {
        ...parts,
        heard: this.heard,
      });
      return { terminal, journal: new Journal(terminal, parts.clock) };
    };
    const [seller, helper, forked] = parts.config.terminals.map((t, i) =>
      machine(t, parts.signers[i]),
    );
    if (!seller || !helper || !forked) throw new RangeError('three terminals with their keys');
    this.seller = seller;
    this.helper = helper;
    this.forked = forked;
    this.suspended = machine(parts.config.suspended, parts.suspended);
    this.revoked = machine(parts.config.revoked, parts.revoked);
    // Of another run it has no number: nothing that was prepared for one answers another.
    this.#counter = this.upTo(9_000_000) + 1;
  }

  /** A run before this one may have left orders on some cards: they are not sold to. */
  async survey(): Promise<void> {
    for (const card of this.config.cards)
      if ((await this.account(card)).claim !== null) this.#kept.add(card.cardNo);
  }

  /** A whole number below `n`, of this run alone. */
  upTo(n: number): number {
    return Buffer.from(this.random.bytes(6)).readUIntBE(0, 6) % n;
  }
  orderId({ terminal }: Machine): string {
    return makeOrderId(terminal.id, terminal.epoch, this.#counter++, this.random);
  }
  /** A sum that no other run names, between 10 and 40 yuan. */
  amountFen(): number {
    return 1_000 + this.upTo(3_000);
  }
  /** The next throw-away card. */
  card(): SuiteCard {
    const { cards } = this.config;
    const free = cards.filter((card) => !this.#kept.has(card.cardNo));
    must(
      free.length > 0,
      'every card is held by an order of an earlier check: more cards are needed',
    );
    return free[this.#card++ % free.length] as SuiteCard;
  }
  wait(ms: number): Promise<void> {
    return sleep(this.clock, ms);
  }

  /** Whose turn it is to look something up: a central counts look-ups by terminal and minute. */
  looker(): Machine {
    const all = [this.seller, this.helper, this.forked];
    return all[this.#looks++ % all.length] as Machine;
  }

  /** @throws NotKept where the account is not told */
  async account(card: SuiteCard, by = this.looker()): Promise<Account> {
    const answer = await by.terminal.get(`/v1/accounts/by-card/${card.cardNo}`);
    const said = accountAnswerSchema.safeParse(answer.json);
    must(answer.status === 200 && said.success, `card ${card.cardNo}: ${answer.told}`);
    return said.data.account;
  }

  /** Asks for a firm quote of a card's next purchase; null for a preview. */
  async askQuote(
    machine: Machine,
    card: SuiteCard,
    orderId: string | null,
    amountFen: number,
    nextCount?: number,
  ): Promise<Answer> {
    const count = nextCount ?? (await this.account(card)).count + 1;
    return machine.terminal.post('/v1/quotes', {
      orderId,
      cardNo: card.cardNo,
      nextCount: count,
      amountFen,
    });
  }

  /** What an answer quotes. @throws NotKept where it is none */
  quoteOf(answer: Answer): Quote {
    const said = quoteAnswerSchema.safeParse(answer.json);
    must(answer.status === 200 && said.success, `no quote: ${answer.told}`);
    return said.data.quote;
  }

  /** What a purchase gives by the tariff as it was set up: never by what central says of it. */
  priced(
    card: SuiteCard,
    account: Account,
    amountFen: number,
  ): Omit<ReturnType<typeof priceAmount>, 'costMicro'> {
    return priceAmount(amountFen, account.carriedMicro, account.yearQuantity, card.tariff.tiers);
  }

  /** A sale with a firm quote, in the seller's journal. */
  async quoted(card = this.card(), machine = this.seller): Promise<Sale> {
    const orderId = this.orderId(machine);
    const quote = this.quoteOf(await this.askQuote(machine, card, orderId, this.amountFen()));
    const { grant } = quote;
    machine.journal.add('order-quoted', orderId, {
      cardNo: card.cardNo,
      userNo: card.userNo,
      layout: 'pl-4442',
      unit: card.unit,
      nextCount: quote.nextCount,
      amountFen: quote.amountFen,
      quantity: quote.quantity,
      shares: quote.shares,
      carriedUsedMicro: quote.carriedUsedMicro,
      carriedAfterMicro: quote.carriedAfterMicro,
      tariffId: quote.tariffId,
      tariffVersion: quote.tariffVersion,
      ...(quote.asOfMs === undefined ? {} : { asOfMs: quote.asOfMs }),
      offline: false,
      tag: toHex(orderTag(orderId)),
      ...(grant === undefined ? {} : { grant }),
    });
    return { orderId, card, quote, machine, attemptId: `${orderId}/1` };
  }

  /** Its payment, in the journal. */
  pay({ orderId, quote: { amountFen }, machine, attemptId }: Sale): void {
    const { journal } = machine;
    const ids = makeAttemptIds(orderId, 1, this.random);
    const walletNumber = this.walletNumber();
    const evidence = this.receipt(machine, orderId, {
      outTradeNo: ids.outTradeNo,
      amountFen,
      walletNumber,
    });
    journal.add('attempt-creating', orderId, {
      ...ids,
      provider: 'gateway',
      amountFen,
      expiresAtMs: Math.floor(this.clock.nowMs()) + 120_000,
    });
    journal.add('attempt-paid', orderId, {
      attemptId,
      transactionId: walletNumber,
      amountFen,
      taken: true,
      ...(evidence === null ? {} : { evidence }),
    });
    journal.add('order-paid', orderId, { attemptId, amountFen });
  }
  walletNumber(): string {
    return `SUITE${toHex(this.random.bytes(10))}`;
  }
  /** The gateway's receipt of a payment; null: this run pays nothing. */
  receipt(
    { terminal }: Machine,
    orderId: string,
    of: Pick<Receipt, 'outTradeNo' | 'amountFen' | 'walletNumber'>,
  ): PaymentEvidence | null {
    const { receipts } = this.parts;
    if (receipts === null) return null;
    const token = receiptToken(receipts, {
      terminalId: terminal.id,
      orderId,
      wallet: 'wechat',
      paidMs: Math.floor(this.clock.nowMs()),
      ...of,
    });
    return { kind: 'receipt', token };
  }

  /** Its write begins. */
  begin({ orderId, quote, machine }: Sale, cumulative: number): void {
    machine.journal.add('order-delivering', orderId, {
      insertion: 1,
      before: 'AA00',
      after: `BB${toHex(orderTag(orderId))}`,
      cumulative: cumulative + quote.quantity,
      plan: ['00D6'],
    });
  }
  /** … and is read back. */
  deliver({ orderId, quote, machine }: Sale, cumulative: number): void {
    machine.journal.add('order-delivered', orderId, {
      by: 'read-back',
      count: quote.nextCount,
      quantity: quote.quantity,
      cumulative: cumulative + quote.quantity,
    });
  }

  /** A whole sale, told and counted. @throws NotKept where a fact of it is not taken */
  async sold(card = this.card(), machine = this.seller): Promise<Sale> {
    const { cumulative } = await this.account(card);
    const sale = await this.quoted(card, machine);
    this.pay(sale);
    this.begin(sale, cumulative);
    this.deliver(sale, cumulative);
    const aside = await machine.journal.flush();
    must(aside.length === 0, `facts of an honest sale were set aside: ${aside.join(', ')}`);
    return sale;
  }

  /** A paid sale whose write was cut, told. */
  async inDoubt(card = this.card()): Promise<Sale> {
    const { cumulative } = await this.account(card);
    const sale = await this.quoted(card);
    this.pay(sale);
    this.begin(sale, cumulative);
    sale.machine.journal.add('order-in-doubt', sale.orderId, { failure: { code: 'CARD-0203' } });
    const aside = await sale.machine.journal.flush();
    must(aside.length === 0, `facts of a sale in doubt were set aside: ${aside.join(', ')}`);
    // Its card is not sold to again in this run, whatever becomes of it.
    this.#kept.add(card.cardNo);
    return sale;
  }

  /**
   * A sale in doubt whose terminal's own lease is over. Made several at once, since each waits for
   * minutes.
   */
  async stale(): Promise<Sale> {
    if (this.#stale.length === 0) {
      for (let i = 0; i < STALE; i++) this.#stale.push(await this.inDoubt());
      await this.wait(CLAIM_MS + 1_000);
    }
    return this.#stale.shift() as Sale;
  }

  /** Asks for a claim on an order. */
  claim(
    { terminal }: Machine,
    { orderId, card }: Pick<Sale, 'orderId' | 'card'>,
    kind: 'write' | 'refund' | 'counter',
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<Answer> {
    return terminal.post(`/v1/orders/${orderId}/claim`, { kind, cardNo: card.cardNo, ...more });
  }
}

/** @throws NotKept unless it is this refusal */
export function refused(answer: Answer, ...types: readonly Answer['problem'][]): void {
  must(
    answer.status !== 200 && types.includes(answer.problem),
    `expected ${types.join(' or ')}, came ${answer.told}`,
  );
}
/** @throws NotKept unless it is an answer */
export function answered(answer: Answer): void {
  must(answer.status === 200, `expected 200, came ${answer.told}`);
}
/** An answer without what each answer has of its own. */
export function lasting(json: unknown): string {
  if (typeof json !== 'object' || json === null) return JSON.stringify(json);
  return JSON.stringify({ ...json, serverTimeMs: 0 });
}
