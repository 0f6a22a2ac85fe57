import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBillingClient } from '../../src/billing/client.ts';
import type { BillingClient } from '../../src/billing/types.ts';
import { createCentral } from '../../src/central/central.ts';
import type { Central, DoorName } from '../../src/central/central.ts';
import { openPostgres } from '../../src/central/db/postgres.ts';
import type { Db } from '../../src/central/db/sql.ts';
import type { OpenDoor } from '../../src/central/http/listen.ts';
import { DEMO_DATA } from '../../src/demo/central-data.ts';
import { systemClock, systemRandom } from '../../src/main/ports.ts';
import { createGatewayProvider } from '../../src/payment/gateway/provider.ts';
import type { Paid, PaymentProvider } from '../../src/payment/types.ts';
import type { Quote } from '../../src/shared/central-api/index.ts';
import { fetchSend } from '../../src/shared/http.ts';
import { Keyring } from '../../src/shared/signatures.ts';
import { ManualClock } from '../support/clock.ts';
import { merchantTown } from '../support/merchants.ts';
import { Cluster } from '../support/postgres.ts';
import { attemptOfOrder, quickSigner, TestJournal } from '../unit/central/harness.ts';
import { accountsOf, COUNT } from './company.ts';
import { faults, open as openFacts } from './invariants.ts';

/**
 * Central's database is dropped and put back from a dump of an hour ago, over HTTP, on a server:
 * kiosks tell again what is missing, the gateway's payments are found at the wallets, and the books
 * are whole.
 */
const FEN = 10_000;
const KIOSKS = 3;
let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster.stop());

interface Sale {
  readonly id: string;
  readonly q: Quote;
  readonly no: string;
  /** What the phone pays by. */
  url: string;
}

/** Central's service, which may be stopped, and started on another database. */
class Service {
  readonly clock = new ManualClock(1_780_000_000_000);
  readonly wallets = merchantTown(this.clock);
  readonly accounts = accountsOf(KIOSKS * 8);
  readonly ids = Array.from({ length: KIOSKS }, (_, i) => String(311 + i).padStart(12, '0'));
  readonly database: string;
  db!: Db;
  central!: Central;
  doors!: Readonly<Record<DoorName, OpenDoor>>;
  constructor(database: string) {
    this.database = database;
  }
  async start(): Promise<void> {
    this.db = await openPostgres({
      clock: systemClock,
      random: systemRandom,
      url: cluster.url(this.database),
    });
    this.central = createCentral({
      db: this.db,
      ...DEMO_DATA,
      accounts: this.accounts,
      claims: [],
      policySigner: quickSigner('policy'),
      answerSigner: quickSigner('answers'),
      gatewaySigner: quickSigner('gateway'),
      verifierOf: quickSigner,
      now: () => this.clock.nowMs(),
      terminals: this.ids.map((terminalId) => ({ terminalId, publicKeyPem: terminalId })),
      payments: {
        wallets: this.wallets.wallets.filter((w) => w.merchant === 'house'),
        publicUrl: 'https://pay.example.com',
        clock: this.clock,
        random: { bytes: (n) => randomBytes(n) },
      },
    });
    this.doors = await this.central.start();
  }
  async stop(): Promise<void> {
    await this.central.close();
    await this.db.close();
  }
  rows<R extends Record<string, unknown>>(sql: string, params: readonly unknown[] = []) {
    return cluster.ask<R>(sql, params, this.database);
  }
}

/** A kiosk with its journal, which nothing of this happens to. */
class Machine {
  readonly journal: TestJournal;
  readonly #service: Service;
  readonly #index: number;
  #orders = 0;
  acked = 0;
  toldAgain = 0;
  constructor(service: Service, index: number) {
    this.#service = service;
    this.#index = index;
    this.journal = new TestJournal(service.ids[index] as string);
  }
  get #line() {
    const id = this.journal.terminalId;
    return {
      baseUrl: this.#service.doors.terminals.baseUrl,
      terminalId: id,
      signer: quickSigner(id),
      answerKeys: new Keyring(quickSigner(this.#isGateway ? 'gateway' : 'answers')),
    };
  }
  #isGateway = false;
  get #ports() {
    const { clock } = this.#service;
    const random = { bytes: (n: number) => randomBytes(n) };
    return { clock, random, timeoutMs: 60_000, send: fetchSend(fetch) };
  }
  get client(): BillingClient {
    this.#isGateway = false;
    return createBillingClient({
      ...this.#line,
      ...this.#ports,
      policyKeys: new Keyring(quickSigner('policy')),
    });
  }
  get gateway(): PaymentProvider {
    this.#isGateway = true;
    return createGatewayProvider(this.#line, this.#ports);
  }
  /** A sale up to the code on the customer's phone. */
  async shown(wallet: 'wechat' | 'alipay'): Promise<Sale> {
    const { journal } = this;
    const n = this.#orders++;
    const account = this.#service.accounts[this.#index * 8 + n];
    const id = `PL-${journal.terminalId}-1-${String(n + 1).padStart(4, '0')}-7000`;
    if (account === undefined) throw new Error('no account');
    const quoted = await this.client.quote({
      orderId: id,
      cardNo: account.cardNo,
      nextCount: COUNT + 1,
      amountFen: FEN,
    });
    if (!quoted.ok) throw new Error(JSON.stringify(quoted.error));
    const q = quoted.value;
    journal.quoted(id, q, account.userNo);
    const ids = attemptOfOrder(id);
    const expiresAtMs = this.#service.clock.nowMs() + 120_000;
    const provider = 'gateway';
    journal.add('attempt-creating', id, { ...ids, provider, amountFen: FEN, expiresAtMs });
    const no = ids.outTradeNo;
    const made = await this.gateway.create({
      outTradeNo: no,
      orderId: id,
      amountFen: FEN,
      description: '燃气充值',
      expiresAtMs,
    });
    if (made.kind !== 'pending') throw new Error(JSON.stringify(made));
    journal.add('attempt-pending', id, { attemptId: `${id}/1` });
    const page = await fetch(
      `${this.#service.doors.pages.baseUrl}${new URL(made.qrText).pathname}`,
      { method: 'POST', body: `wallet=${wallet}`, redirect: 'manual' },
    );
    return { id, q, no, url: page.headers.get('location') ?? '' };
  }
  /** Asks until it is told of the payment. */
  async paid(sale: Sale): Promise<Paid> {
    for (let tries = 0; tries < 30; tries++) {
      const told = await this.gateway.query({ outTradeNo: sale.no, amountFen: FEN });
      if (told.kind === 'paid') {
        const { transactionId, amountFen, evidence } = told;
        expect(evidence?.kind).toBe('receipt');
        const attemptId = `${sale.id}/1`;
        this.journal.add('attempt-paid', sale.id, {
          attemptId,
          transactionId,
          amountFen,
          taken: true,
          ...(evidence === undefined ? {} : { evidence }),
        });
        this.journal.add('order-paid', sale.id, { attemptId, amountFen });
        return told;
      }
      if (told.kind !== 'unknown' && told.kind !== 'pending') throw new Error(told.kind);
      this.#service.clock.advance(5_000);
    }
    throw new Error('never paid');
  }
  async sell(wallet: 'wechat' | 'alipay'): Promise<Sale> {
    const sale = await this.shown(wallet);
    expect(this.#service.wallets.pay(sale.url)).toBe(true);
    await this.paid(sale);
    this.deliver(sale);
    return sale;
  }
  deliver({ id, q }: Sale): void {
    this.journal.delivering(id, q);
    this.journal.add('order-delivered', id, {
      by: 'read-back',
      count: q.nextCount,
      quantity: q.quantity,
      cumulative: 205_000 + q.quantity,
    });
  }
  /** The customer goes before the card was written. */
  refunding({ id }: Sale): void {
    const attemptId = `${id}/1`;
    this.journal.add('order-refunding', id, { attemptId, failure: { code: 'CARD-0203' } });
  }
  refund({ no }: Sale) {
    return this.gateway.refund(this.#refundOf(no));
  }
  #refundOf(no: string) {
    const outRefundNo = `R${no.slice(1)}`;
    return { outTradeNo: no, amountFen: FEN, outRefundNo, refundFen: FEN, reason: '原路退回' };
  }
  async refunded(sale: Sale): Promise<void> {
    for (let tries = 0; tries < 30; tries++) {
      await this.refund(sale);
      const told = await this.gateway.queryRefund(this.#refundOf(sale.no));
      if (told.kind === 'done') {
        const attemptId = `${sale.id}/1`;
        const { refundId, refundFen: amountFen } = told;
        this.journal.add('attempt-refunded', sale.id, { attemptId, refundId, amountFen });
        this.journal.add('order-refunded', sale.id, { attemptId });
        return;
      }
      this.#service.clock.advance(5_000);
    }
    throw new Error('never refunded');
  }
  async tell(): Promise<void> {
    const { journal } = this;
    for (let said = false; !said || this.acked < journal.events.length;) {
      const told = await journal.send(this.client, this.acked + 1);
      said = true;
      if (told.kind === 'acked') this.acked = told.answer.ackSeq;
      else if (told.kind === 'gap') {
        this.toldAgain += this.acked - (told.expectedSeq - 1);
        this.acked = told.expectedSeq - 1;
      } else throw new Error(JSON.stringify(told));
    }
  }
}

it('a backup of an hour ago is put back: kiosks tell again, payments are found, the books are whole', async () => {
  const service = new Service(await cluster.create());
  await service.start();
  const { clock, wallets } = service;
  const machines = service.ids.map((_, i) => new Machine(service, i)) as [
    Machine,
    Machine,
    Machine,
  ];
  const [first, second, third] = machines;
  for (const m of machines) {
    await m.sell('wechat');
    await m.sell('alipay');
    await m.tell();
  }
  // Begun before the backup: not opened, opened, paid.
  const opened = await first.shown('wechat');
  const bought = await second.shown('wechat');
  wallets.pay(bought.url);
  await second.paid(bought);
  await second.tell();

  const dump = `${cluster.dataDir}/hour-ago.dump`;
  cluster.run('pg_dump', ['-Fc', '-f', dump, cluster.url(service.database)]);

  // The hour that will be lost.
  clock.advance(60_000);
  wallets.pay(opened.url);
  second.refunding(bought);
  // Handed back, and nobody heard of it.
  expect((await second.refund(bought)).kind).toBe('accepted');
  await third.sell('wechat');
  await third.sell('alipay');
  await third.tell();
  const back = await third.shown('alipay');
  wallets.pay(back.url);
  await third.paid(back);
  third.refunding(back);
  await third.refunded(back);
  await third.tell();
  // Told as paid, delivered, and not told to central yet.
  await first.sell('alipay');
  // Paid, and nobody was told.
  const unheard = await third.shown('wechat');
  wallets.pay(unheard.url);
  clock.advance(20 * 60_000);

  await service.stop();
  await cluster.ask(`DROP DATABASE ${service.database}`);
  await cluster.ask(`CREATE DATABASE ${service.database}`);
  cluster.run('pg_restore', ['-d', cluster.url(service.database), dump]);
  await service.start();
  clock.advance(60_000);

  // They go on: ask, deliver, hand back, tell what is missing.
  const asked = await third.gateway.query({ outTradeNo: unheard.no, amountFen: FEN });
  // Its order is not told again yet, so no receipt can name it.
  expect(asked.kind).toBe('unknown');
  for (const m of machines) await m.tell();
  await first.paid(opened);
  first.deliver(opened);
  await second.refunded(bought);
  await third.paid(unheard);
  third.deliver(unheard);
  await first.sell('wechat');
  for (const m of machines) await m.tell();
  for (let n = 0; n < 4; n++) {
    clock.advance(61_000);
    await service.central.sweepPayments();
  }
  for (const m of machines) await m.tell();
  expect(third.toldAgain).toBeGreaterThan(10);

  // To the fen: at the wallets, in the ledger, in the journals, at the gateway.
  const told = machines.flatMap((m) => m.journal.events);
  const times = (kind: string) => told.filter((e) => e.kind === kind).length;
  expect(times('attempt-paid')).toBe(14);
  expect(wallets.kept('house')).toBe(times('order-delivered') * FEN);
  const ledger = await service.rows<{ kind: string; fen: string }>(
    `SELECT kind, SUM(amount_fen) AS fen FROM ledger WHERE amount_fen IS NOT NULL GROUP BY kind`,
  );
  const booked = Object.fromEntries(ledger.map((l) => [l.kind, Number(l.fen)]));
  expect(booked).toMatchObject({
    captured: times('attempt-paid') * FEN,
    delivered: times('order-delivered') * FEN,
    refunded: times('attempt-refunded') * FEN,
  });
  expect(booked['captured']).toBe((booked['delivered'] ?? 0) + (booked['refunded'] ?? 0));
  expect(
    await service.rows(
      `SELECT g.state, COUNT(*)::int AS n FROM gateway_trades t JOIN gateway_legs g ON g.leg = t.leg
       WHERE t.order_id IS NOT NULL GROUP BY g.state`,
    ),
  ).toEqual([{ state: 'paid', n: 14 }]);
  expect(
    await service.rows('SELECT state, COUNT(*)::int AS n FROM gateway_refunds GROUP BY state'),
  ).toEqual([{ state: 'done', n: 2 }]);
  expect(
    await service.rows(`SELECT 1 FROM gateway_legs WHERE state IN ('parked', 'refunding')`),
  ).toEqual([]);
  expect(await faults(service)).toEqual([]);
  expect(await openFacts(service)).toEqual([]);
  expect(await service.rows('SELECT order_id FROM orders WHERE unproven')).toEqual([]);
  await service.stop();
});
