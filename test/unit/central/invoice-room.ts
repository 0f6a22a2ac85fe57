import type { CentralOptions } from '../../../src/central/central.ts';
import type { SeedCreditAccount } from '../../../src/central/fleet/seed.ts';
import type { CentralAnswer } from '../../../src/central/http/request.ts';
import { INVOICES as INVOICE_ROWS } from '../../../src/central/invoices/rows.ts';
import type { InvoiceRow } from '../../../src/central/invoices/rows.ts';
import { select } from '../../../src/central/db/sets.ts';
import { DEMO_POLICY } from '../../../src/demo/central-data.ts';
import type { Quote } from '../../../src/shared/central-api/index.ts';
import { makeReceiptToken } from '../../../src/shared/receipt-link.ts';
import { CreditTerminal, paidSale, receiptOf, saleOf } from '../../support/credit.ts';
import { FakeProvider, INVOICES } from '../../support/invoices.ts';
import { attemptOfOrder, openRoom, quickSigner, walletNumberOf } from './harness.ts';
import type { Engine, Room, Terminal } from './harness.ts';

const CARD = '8800003921';
const USER = '1002203344';
export const T = '000000000311';

const ACCOUNTS: readonly SeedCreditAccount[] = [
  {
    userNo: '3000000001',
    holderName: '王国强',
    address: '清河路 12 号',
    topUp: { meterNo: 'M1', payee: 'house' },
    items: [
      { item: 'G1', kind: 'gas', payee: 'house', period: '2026-04', principalFen: 5_000 },
      { item: 'G2', kind: 'gas', payee: 'house', period: '2026-05', principalFen: 3_000 },
      { item: 'X1', kind: 'water', payee: 'house', period: '2026-05', principalFen: 1_000 },
      { item: 'W1', kind: 'water', payee: 'water', period: '2026-05', principalFen: 2_000 },
    ],
  },
];

/** A page as a phone has it. */
export type Shown = CentralAnswer;

/** Central with invoices, its provider, and a customer's phone. */
export class InvoiceRoom {
  readonly room: Room;
  readonly provider: FakeProvider;
  readonly #quotes = new Map<string, Quote>();
  #orders = 0;
  private constructor(room: Room, provider: FakeProvider) {
    this.room = room;
    this.provider = provider;
  }

  static async open(engine: Engine, over: Partial<CentralOptions> = {}): Promise<InvoiceRoom> {
    const provider = new FakeProvider();
    const room = await openRoom(engine, 2, {
      creditAccounts: ACCOUNTS,
      invoices: { provider, config: INVOICES },
      policy: {
        ...DEMO_POLICY,
        receipts: { url: 'https://r.example.com', invoice: true },
      },
      ...over,
    });
    return new InvoiceRoom(room, provider);
  }
  close = (): Promise<void> => this.room.close();

  get terminal(): Terminal {
    return this.room.terminals[0] as Terminal;
  }

  /** A purchase onto the card that is paid, and told. */
  async paid(): Promise<string> {
    const orderId = `PL-${T}-1-${String(++this.#orders).padStart(4, '0')}-7391`;
    const nextCount = 41 + this.#orders;
    const said = await this.terminal.client.quote({
      orderId,
      cardNo: CARD,
      nextCount,
      amountFen: 10_000,
    });
    if (!said.ok) throw new Error(said.error.code);
    this.#quotes.set(orderId, said.value);
    const { journal } = this.terminal;
    journal.quoted(orderId, said.value, USER);
    journal.paid(orderId, 10_000);
    await this.terminal.upload();
    return orderId;
  }
  /** … and delivered. */
  async sold(): Promise<string> {
    const orderId = await this.paid();
    await this.deliver(orderId);
    return orderId;
  }
  async deliver(orderId: string): Promise<void> {
    this.terminal.journal.delivered(orderId, this.#quotes.get(orderId) as Quote);
    await this.terminal.upload();
  }

  /** A sale without a card, posted, and told. */
  async credited(lines: readonly (readonly [string, number])[], payee = 'house'): Promise<string> {
    const orderId = `PL-${T}-1-${String(++this.#orders).padStart(4, '0')}-7391`;
    const k = new CreditTerminal(
      T,
      () => this.room.central,
      () => this.room.now,
    );
    const said = await k.quote({
      orderId,
      userNo: '3000000001',
      payee,
      lines: lines.map(([item, amountFen]) => ({ item, amountFen })),
      asOfMs: this.room.now,
    });
    if (!said.ok) throw new Error(said.detail);
    const sale = saleOf(said.value.quote);
    const posted = await k.post(orderId, paidSale(T, orderId, sale));
    if (!posted.ok || posted.value.state !== 'posted') throw new Error(JSON.stringify(posted));
    const { journal } = this.terminal;
    const { amountFen } = sale;
    journal.add('credit-quoted', orderId, sale);
    journal.add('attempt-creating', orderId, {
      ...attemptOfOrder(orderId),
      provider: 'gateway',
      amountFen,
      expiresAtMs: 1_780_000_120_000,
    });
    journal.add('attempt-paid', orderId, {
      attemptId: `${orderId}/1`,
      transactionId: walletNumberOf(orderId),
      amountFen,
      taken: true,
      evidence: receiptOf(T, orderId, amountFen),
    });
    journal.add('order-paid', orderId, { attemptId: `${orderId}/1`, amountFen });
    journal.add('credit-posting', orderId, { attemptId: `${orderId}/1` });
    journal.add('credit-posted', orderId, {
      reference: posted.value.reference,
      postedMs: posted.value.postedMs,
    });
    const aside = await this.terminal.upload();
    if (aside.length > 0) throw new Error(`set aside: ${aside.join()}`);
    return orderId;
  }

  /** Another payment of the order, which it does not take. */
  async paidTwice(orderId: string): Promise<void> {
    const { attemptId } = attemptOfOrder(orderId, 2);
    this.terminal.journal.add('attempt-paid', orderId, {
      attemptId,
      transactionId: walletNumberOf(orderId, 2),
      amountFen: 10_000,
      taken: false,
      evidence: this.terminal.journal.receipt(orderId, 10_000, 2),
    });
    await this.terminal.upload();
  }
  /** Its kiosk tells that a payment went back. */
  async refunded(orderId: string, amountFen = 10_000, n = 1): Promise<void> {
    const { attemptId } = attemptOfOrder(orderId, n);
    this.terminal.journal.add('attempt-refunded', orderId, {
      attemptId,
      refundId: `F${n}`,
      amountFen,
    });
    await this.terminal.upload();
  }

  /** Time goes on, and central looks. */
  async later(ms = 3_700_000): Promise<void> {
    this.room.now += ms;
    await this.room.central.sweepPayments();
  }

  token = (orderId: string, signer = T): string => makeReceiptToken(quickSigner(signer), orderId);
  receipt = (orderId: string): Promise<Shown> => this.#get(`/r/${this.token(orderId)}`);
  page = (orderId: string, token = this.token(orderId), accepts = 'zh-CN'): Promise<Shown> =>
    this.#get(`/r/${token}/invoice`, accepts);
  #get(target: string, accepts = 'zh-CN'): Promise<Shown> {
    return this.room.central.handle({
      method: 'GET',
      target,
      headers: { 'accept-language': accepts },
      body: new Uint8Array(0),
    });
  }
  /** A form of the page. */
  post(
    orderId: string,
    form: Readonly<Record<string, string>>,
    token = this.token(orderId),
  ): Promise<Shown> {
    return this.room.central.handle({
      method: 'POST',
      target: `/r/${token}/invoice`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: Buffer.from(new URLSearchParams(form).toString()),
    });
  }
  /** The customer's last tap. */
  make = (orderId: string, name = '张小明'): Promise<Shown> =>
    this.post(orderId, { step: 'make', kind: 'person', name, tax: '' });

  /** A page of the console, or a form of it. */
  async staff(target: string, form?: Readonly<Record<string, string>>): Promise<Shown> {
    const headers = { host: '127.0.0.1:1' };
    if (form === undefined)
      return this.room.central.staff({ method: 'GET', target, headers, body: new Uint8Array(0) });
    const shown = await this.staff('/console/evidence');
    const token = /name="token" value="([^"]+)"/.exec(shown.body)?.[1] ?? '';
    return this.room.central.staff({
      method: 'POST',
      target,
      headers,
      body: Buffer.from(new URLSearchParams({ token, ...form }).toString()),
    });
  }
  reverse = (requestId: string, who: string, verdict = 'reverse'): Promise<Shown> =>
    this.staff('/console/invoice', { request: requestId, who, why: '抬头写错', verdict });
  /** Two persons take an invoice back. */
  async reversed(requestId: string): Promise<void> {
    await this.reverse(requestId, '王芳');
    await this.reverse(requestId, '李主管');
    await this.later();
  }

  rows = (): Promise<readonly InvoiceRow[]> =>
    select(this.room.db, INVOICE_ROWS, 'order_id IS NOT NULL ORDER BY made_ms, request_id', []);
  /** `B1 issued`, in their order. */
  states = async (): Promise<readonly string[]> =>
    (await this.rows()).map((r) => `${r.request_id.split('-').at(-1)} ${r.state}`);
}
