import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { createBillingClient } from '../../src/billing/client.ts';
import type { BillingClient } from '../../src/billing/types.ts';
import { createCentral } from '../../src/central/central.ts';
import type { Central, CentralOptions } from '../../src/central/central.ts';
import type { RefundBudget } from '../../src/central/sale/budgets.ts';
import { systemClock, systemRandom } from '../../src/main/ports.ts';
import { openPostgres } from '../../src/central/db/postgres.ts';
import type { Db, Script } from '../../src/central/db/sql.ts';
import type { SeedAccount, SeedCreditAccount } from '../../src/central/fleet/seed.ts';
import { DEMO_ACCOUNTS, DEMO_DATA } from '../../src/demo/central-data.ts';
import type { Quote } from '../../src/shared/central-api/index.ts';
import { priceAmount } from '../../src/shared/money.ts';
import type { Clock } from '../../src/shared/ports.ts';
import { Keyring } from '../../src/shared/signatures.ts';
import type { Cluster } from '../support/postgres.ts';
import { ANY_REFUND, into, quickSigner, TestJournal } from '../unit/central/harness.ts';

/** What is carried on each account when a company opens, micro-yuan. */
export const CARRIED = 15_500;
/** The count that each card has; the next sale is for one more. */
export const COUNT = 41;
/** Accounts of one card each, and then accounts of two cards. */
export function accountsOf(single: number, double = 0): readonly SeedAccount[] {
  const model = DEMO_ACCOUNTS[1] as SeedAccount;
  const one = (user: number, card: number): SeedAccount => ({
    ...model,
    cardNo: String(8_810_000_000 + card),
    userNo: String(2_000_000_000 + user),
    state: 'normal',
    unit: 'volume',
    count: COUNT,
    cumulative: 205_000,
    yearQuantity: 0,
    carriedMicro: CARRIED,
    perPurchaseQuantity: null,
    periodLeftQuantity: null,
    ceilingQuantity: 1_000_000,
  });
  return [
    ...Array.from({ length: single }, (_, i) => one(i, i)),
    ...Array.from({ length: 2 * double }, (_, i) => one(single + (i >> 1), single + i)),
  ];
}

/** The `n`-th purchase of an account's card (1, 2, …) for ¥100, priced while the line was down. */
export function soldOffline(account: SeedAccount, n: number, orderId: string): Quote {
  const { tariffId, tariffVersion, cardNo } = account;
  const tariff = DEMO_DATA.tariffs.find((t) => t.tariffId === tariffId);
  const priced = priceAmount(10_000, 0, 0, tariff?.tiers ?? []);
  return {
    orderId,
    cardNo,
    nextCount: COUNT + n,
    amountFen: 10_000,
    quantity: priced.quantity,
    shares: [...priced.shares],
    carriedUsedMicro: 0,
    carriedAfterMicro: priced.remainderMicro,
    tariffId,
    tariffVersion,
    expiresAtMs: 0,
  };
}

/** Holds up whoever comes to a statement first, until it is opened. */
export class Gate {
  readonly #at: RegExp;
  #used = false;
  #arrive: () => void = () => undefined;
  #open: () => void = () => undefined;
  /** Somebody stands at it. */
  readonly reached = new Promise<void>((resolve) => (this.#arrive = resolve));
  readonly #opened = new Promise<void>((resolve) => (this.#open = resolve));
  constructor(at: RegExp) {
    this.#at = at;
  }
  async pass(sql: string): Promise<void> {
    if (this.#used || !this.#at.test(sql)) return;
    this.#used = true;
    this.#arrive();
    await this.#opened;
  }
  open(): void {
    this.#open();
  }
}

/** A database whose statements meet the gates that were set up. */
export interface Gated {
  readonly db: Db;
  /** The next statement of a transaction that looks like this waits there. */
  readonly gate: (at: RegExp) => Gate;
  readonly openAll: () => void;
}
export function gated(db: Db): Gated {
  const gates: Gate[] = [];
  return {
    gate: (at) => {
      const gate = new Gate(at);
      gates.push(gate);
      return gate;
    },
    openAll: () => {
      for (const gate of gates) gate.open();
    },
    db: {
      ...db,
      transaction: (run) =>
        db.transaction((tx) => {
          const slow: Script = {
            query: async (sql, params) => {
              for (const gate of gates) await gate.pass(sql);
              return tx.query(sql, params);
            },
            exec: tx.exec,
          };
          return run(slow);
        }),
    },
  };
}

/** One process of the company's: its own connections, its own central. */
export interface Office extends Gated {
  readonly central: Central;
}

export interface CompanyOptions {
  readonly offices?: number;
  readonly terminals?: number;
  readonly accounts?: readonly SeedAccount[];
  /** Sold to without a card; none where not given. */
  readonly creditAccounts?: readonly SeedCreditAccount[];
  readonly connections?: number;
  /** What goes back on a reader's word; any sum where not given. */
  readonly refundBudget?: RefundBudget;
  /** What its centrals have besides. */
  readonly over?: Partial<CentralOptions>;
  /** Where its database is; a new one of the cluster where not given. */
  readonly database?: string;
}

/** Several centrals on one database, and the kiosks that ask any of them. */
export class Company {
  cluster: Cluster;
  readonly database: string;
  readonly offices: Office[] = [];
  readonly journals: readonly TestJournal[];
  readonly accounts: readonly SeedAccount[];
  /** What the drivers said beside any caller. */
  readonly said: string[] = [];
  /** Milliseconds; the test moves it. */
  now = 1_780_000_000_000;
  readonly #clients = new Map<string, BillingClient>();
  readonly #connections: number;
  readonly #refundBudget: RefundBudget;
  readonly #creditAccounts: readonly SeedCreditAccount[];
  readonly #over: Partial<CentralOptions>;

  private constructor(cluster: Cluster, database: string, options: CompanyOptions) {
    this.cluster = cluster;
    this.database = database;
    this.accounts = options.accounts ?? accountsOf(20, 4);
    this.#creditAccounts = options.creditAccounts ?? [];
    this.#over = options.over ?? {};
    this.#refundBudget = options.refundBudget ?? ANY_REFUND;
    this.#connections = options.connections ?? 8;
    this.journals = Array.from(
      { length: options.terminals ?? 3 },
      (_, i) => new TestJournal(String(311 + i).padStart(12, '0')),
    );
  }

  static async open(cluster: Cluster, options: CompanyOptions = {}): Promise<Company> {
    const company = new Company(cluster, options.database ?? (await cluster.create()), options);
    for (let i = 0; i < (options.offices ?? 2); i++) await company.addOffice();
    return company;
  }

  /** One more process; its central is open. */
  async addOffice(over?: Db): Promise<Office> {
    const front = gated(over ?? (await this.connect()));
    const { db } = front;
    const central = createCentral({
      db,
      ...DEMO_DATA,
      accounts: this.accounts,
      creditAccounts: this.#creditAccounts,
      claims: [],
      policySigner: quickSigner('policy'),
      answerSigner: quickSigner('answers'),
      gatewaySigner: quickSigner('gateway'),
      verifierOf: quickSigner,
      now: () => this.now,
      refundBudget: this.#refundBudget,
      terminals: this.journals.map(({ terminalId }) => ({ terminalId, publicKeyPem: terminalId })),
      ...this.#over,
    });
    const office = { ...front, central };
    this.offices.push(office);
    await central.open();
    return office;
  }

  /** The offices go over to another server with the same database. */
  async move(to: Cluster): Promise<void> {
    const offices = this.offices.length;
    await this.close();
    this.cluster = to;
    for (let i = 0; i < offices; i++) await this.addOffice();
  }

  connect(): Promise<Db> {
    return openPostgres({
      clock: systemClock,
      random: systemRandom,
      url: this.cluster.url(this.database),
      connections: this.#connections,
      log: (message) => this.said.push(message),
    });
  }

  /** A terminal's line to one of the offices. */
  client(terminal: number, office = 0): BillingClient {
    const key = `${terminal} ${office}`;
    const clock: Clock = {
      nowMs: () => this.now,
      monoMs: () => this.now,
      after: () => () => undefined,
    };
    const id = this.journal(terminal).terminalId;
    let client = this.#clients.get(key);
    if (client === undefined) {
      client = createBillingClient({
        baseUrl: 'http://central',
        terminalId: id,
        signer: quickSigner(id),
        policyKeys: new Keyring(quickSigner('policy')),
        answerKeys: new Keyring(quickSigner('answers')),
        clock,
        random: { bytes: (n) => randomBytes(n) },
        timeoutMs: 60_000,
        send: (request) => into((this.offices[office] as Office).central)(request),
      });
      this.#clients.set(key, client);
    }
    return client;
  }

  journal(terminal: number): TestJournal {
    return this.journals[terminal] as TestJournal;
  }
  account(i: number): SeedAccount {
    return this.accounts[i] as SeedAccount;
  }

  #orders = 0;
  /** An order id of a terminal's. */
  orderId(terminal: number): string {
    const n = String(++this.#orders).padStart(4, '0');
    return `PL-${this.journal(terminal).terminalId}-1-${n}-7000`;
  }

  /** A firm quote, or why not. */
  quote(terminal: number, account: number, orderId: string, office = 0, next = COUNT + 1) {
    return this.client(terminal, office).quote({
      orderId,
      cardNo: this.account(account).cardNo,
      nextCount: next,
      amountFen: 10_000,
    });
  }
  /** … that is given. */
  async quoted(terminal: number, account: number, orderId: string, office = 0): Promise<Quote> {
    const answer = await this.quote(terminal, account, orderId, office);
    if (!answer.ok) throw new Error(JSON.stringify(answer.error));
    return answer.value;
  }

  /** All that a terminal has to tell, from the beginning: what is held is skipped. */
  async upload(terminal: number, office = 0, from = 1): Promise<readonly number[]> {
    const journal = this.journal(terminal);
    const result = await journal.send(this.client(terminal, office), from);
    if (result.kind !== 'acked') throw new Error(JSON.stringify(result));
    return result.answer.quarantined;
  }

  /** A sale that is paid, and told. */
  async paid(terminal: number, account: number): Promise<{ id: string; q: Quote }> {
    const id = this.orderId(terminal);
    const q = await this.quoted(terminal, account, id);
    const journal = this.journal(terminal);
    journal.quoted(id, q, this.account(account).userNo);
    journal.paid(id, q.amountFen);
    await this.upload(terminal);
    return { id, q };
  }
  /** … and torn in the write. */
  async inDoubt(terminal: number, account: number): Promise<{ id: string; q: Quote }> {
    const sale = await this.paid(terminal, account);
    const journal = this.journal(terminal);
    journal.delivering(sale.id, sale.q);
    journal.inDoubt(sale.id);
    await this.upload(terminal);
    return sale;
  }

  /** The `n`-th purchase of account 0 (1, 2, …), sold and paid while the line was down. */
  sellOffline(terminal: number, n: number): { id: string; q: Quote } {
    const id = this.orderId(terminal);
    const q = soldOffline(this.account(0), n, id);
    const journal = this.journal(terminal);
    journal.quoted(id, q, this.account(0).userNo, { offline: true });
    journal.paid(id, q.amountFen);
    return { id, q };
  }

  /** Facts that wait, oldest first. */
  held() {
    return this.rows<{ terminal_id: string; reason: string }>(
      'SELECT terminal_id, reason FROM held_facts ORDER BY held_no',
    );
  }

  /** Rows as the database has them now. */
  rows<R extends Record<string, unknown>>(sql: string, params: readonly unknown[] = []) {
    return this.cluster.ask<R>(sql, params, this.database);
  }

  /** Resolves once somebody waits for another one's lock, or once `work` is over without. */
  async blocked(work: Promise<unknown>): Promise<boolean> {
    let over = false;
    const end = (): void => void (over = true);
    void work.then(end, end);
    for (let tries = 0; tries < 1_000; tries++) {
      if (over) return false;
      const [row] = await this.rows<{ n: string }>(
        `SELECT COUNT(*) AS n FROM pg_stat_activity
         WHERE datname = $1 AND wait_event_type = 'Lock'`,
        [this.database],
      );
      if (Number(row?.n) > 0) return true;
      await pause(5);
    }
    throw new Error('neither over nor waiting');
  }

  async close(): Promise<void> {
    for (const { central, db, openAll } of this.offices.splice(0)) {
      // A test that failed has left somebody standing there.
      openAll();
      await central.close();
      await db.close();
    }
  }
}
