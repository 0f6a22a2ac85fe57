import { randomBytes } from 'node:crypto';
import { migrate } from '../../../src/central/db/migrate.ts';
import type { Db, Script } from '../../../src/central/db/sql.ts';
import { createPaymentGateway } from '../../../src/central/gateway/gateway.ts';
import type { PaymentGateway } from '../../../src/central/gateway/types.ts';
import { createAlipayProvider } from '../../../src/payment/alipay/provider.ts';
import type { BrowserPay, CreateRequest, PaymentProvider } from '../../../src/payment/types.ts';
import { createWechatProvider } from '../../../src/payment/wechat/provider.ts';
import { createAlipaySandbox } from '../../../src/simulator/alipay/sandbox.ts';
import type { AlipaySandbox } from '../../../src/simulator/alipay/sandbox.ts';
import type { SandboxOrder, SandboxRefund } from '../../../src/simulator/payment-books.ts';
import type { Callback } from '../../../src/simulator/wechat/callback.ts';
import { createWechatSandbox } from '../../../src/simulator/wechat/sandbox.ts';
import type { WechatSandbox } from '../../../src/simulator/wechat/sandbox.ts';
import { ManualClock } from '../../support/clock.ts';
import { sandboxSend } from '../../support/sandbox-send.ts';
import { openDb, quickSigner } from './harness.ts';
import type { Engine } from './harness.ts';

export const T0 = Date.parse('2026-11-22T12:00:00+08:00');
export const T = '000000000311';
export const KEYS = {
  merchantPublicKeyPem: '',
  platformPrivateKeyPem: '',
  platformSerial: 'PUB_KEY_ID_01',
};
const APP_SECRET = 'official-account-secret';
const API_V3_KEY = '0123456789abcdef0123456789ABCDEF';
export const random = { bytes: (n: number) => randomBytes(n) };

/** Where everything stops: at the n-th thing the gateway asks of the world. */
export class Cut {
  at: number | null = null;
  points = 0;
  dead = false;
  /** @param after the world has done it, and the gateway never hears */
  async point<T>(work: () => Promise<T>, after: boolean): Promise<T> {
    if (this.dead) return new Promise<T>(() => undefined);
    this.points += 1;
    const die = this.points === this.at;
    if (die) this.dead = true;
    if (die && !after) return new Promise<T>(() => undefined);
    const value = await work();
    return this.dead ? new Promise<T>(() => undefined) : value;
  }
}

/** What the gateway knows, parents first. */
const BACKED_UP = [
  'database_lives',
  'gateway_trades',
  'gateway_legs',
  'gateway_refunds',
  'gateway_unseen_closes',
  'payment_evidence',
  'refund_days',
  'refund_waits',
] as const;
type Row = Readonly<Record<string, unknown>>;
/** The rows of the gateway's tables at one moment. */
export type Backup = Readonly<Record<string, readonly Row[]>>;

/** Both wallets' sandboxes, a database, and a gateway that may be killed and started again. */
export class Town {
  readonly clock = new ManualClock(T0);
  readonly db: Db;
  readonly wechat: WechatSandbox;
  readonly alipay: AlipaySandbox;
  readonly wallets: readonly PaymentProvider[];
  cut = new Cut();
  gateway: PaymentGateway;
  /** Wallet requests in order: `alipay.create`. */
  readonly asked: string[] = [];
  /** What WeChat would have posted to the gateway, oldest first. */
  readonly callbacks: Callback[] = [];
  /** What Alipay would have. */
  readonly notifications: Callback[] = [];
  /** The history that the database says it is in; null: its own word. */
  life: string | null = null;
  /** The wallets answer as if they had lost their books. */
  forgets = false;
  readonly engine: Engine;

  /** @param browser payments in WeChat's own browser are configured, and Alipay's callbacks */
  static async open(engine: Engine = 'sqlite', browser = false): Promise<Town> {
    return Town.on(await openDb(engine, 'made'), engine, browser);
  }
  /** In an empty database. */
  static async on(db: Db, engine: Engine = 'postgres', browser = false): Promise<Town> {
    await migrate(db);
    await db.query('INSERT INTO terminals (terminal_id, public_key, epoch) VALUES ($1, $1, 1)', [
      T,
    ]);
    return new Town(db, engine, browser);
  }
  private constructor(db: Db, engine: Engine, browser: boolean) {
    this.db = db;
    this.engine = engine;
    const { clock } = this;
    const now = () => clock.nowMs();
    this.wechat = createWechatSandbox({
      port: 0,
      dataDir: null,
      publicUrl: () => 'http://wechat',
      ...KEYS,
      mchid: '1900000109',
      appid: 'wx1',
      now,
      randomBytes,
      crypto: { merchantVerifier: quickSigner('m'), platformSigner: quickSigner('p') },
      appSecret: APP_SECRET,
      callbacks: { apiV3Key: API_V3_KEY, post: (_url, callback) => this.callbacks.push(callback) },
    });
    this.alipay = createAlipaySandbox({
      port: 0,
      dataDir: null,
      publicUrl: () => 'http://alipay',
      appPublicKeyPem: '',
      alipayPrivateKeyPem: '',
      appId: '2021000000000311',
      now,
      randomBytes,
      crypto: { appVerifier: quickSigner('m'), alipaySigner: quickSigner('p') },
      notify: (_url, notification) => this.notifications.push(notification),
    });
    const ports = (sandbox: WechatSandbox | AlipaySandbox) => ({
      clock,
      random,
      timeoutMs: 5_000,
      send: sandboxSend(sandbox),
    });
    this.wallets = [
      createWechatProvider(
        {
          baseUrl: 'http://wechat',
          mchid: '1900000109',
          appid: 'wx1',
          merchantSerial: 'M',
          merchantSigner: quickSigner('m'),
          platformKeys: new Map([['PUB_KEY_ID_01', quickSigner('p')]]),
          notifyUrl: 'https://pay.example.com/n',
          storeOutId: '1',
          apiV3Key: Buffer.from(API_V3_KEY),
          ...(browser
            ? {
                browser: {
                  appSecret: APP_SECRET,
                  authorizeUrl: 'http://wechat',
                  apiUrl: 'http://wechat',
                },
              }
            : {}),
        },
        ports(this.wechat),
      ),
      createAlipayProvider(
        {
          baseUrl: 'http://alipay',
          appId: '2021000000000311',
          appSigner: quickSigner('m'),
          alipayKey: quickSigner('p'),
          protocol: 'v3',
          storeId: '1',
          ...(browser ? { notifyUrl: 'https://pay.example.com/pay/notify/alipay' } : {}),
        },
        ports(this.alipay),
      ),
    ];
    this.gateway = this.start();
  }
  /** A new life of the gateway over the same database. */
  start(): PaymentGateway {
    const cut = (this.cut = new Cut());
    const watched = (w: PaymentProvider): PaymentProvider => {
      const call =
        <A, R>(verb: string, fn: (a: A) => Promise<R>) =>
        (a: A): Promise<R> => {
          // Before it leaves, and after it arrived: what was done is done either way.
          return cut.point(async () => {
            this.asked.push(`${w.kind}.${verb}`);
            if (this.forgets) return { kind: 'not-found' } as R;
            return cut.point(() => fn(a), true);
          }, false);
        };
      return {
        ...w,
        create: call('create', w.create),
        query: call('query', w.query),
        close: call('close', w.close),
        refund: call('refund', w.refund),
        queryRefund: call('queryRefund', w.queryRefund),
        ...(w.browser === undefined
          ? {}
          : {
              browser: {
                ...w.browser,
                create: (request: CreateRequest, payer: string) =>
                  call('jsapi', (r: CreateRequest) => (w.browser as BrowserPay).create(r, payer))(
                    request,
                  ),
              },
            }),
        ...(w.code === undefined
          ? {}
          : {
              code: {
                ...w.code,
                charge: call('charge', w.code.charge),
                reverse: call('reverse', w.code.reverse),
              },
            }),
      };
    };
    const sql = (s: Script): Script => ({
      query: (text, params) => s.query(text, params),
      exec: (text) => s.exec(text),
    });
    const { db } = this;
    // A transaction is one point: it is there whole, or not at all.
    const cuttable: Db = {
      ...db,
      query: (text, params) => cut.point(() => db.query(text, params), true),
      life: () => (this.life === null ? db.life() : Promise.resolve(this.life)),
      transaction: (run) => cut.point(() => db.transaction((tx) => run(sql(tx))), true),
    };
    const still = {
      nowMs: () => this.clock.nowMs(),
      monoMs: () => this.clock.monoMs(),
      after: () => () => undefined,
    };
    this.gateway = createPaymentGateway(() => cuttable, {
      wallets: this.wallets.map(watched),
      publicUrl: 'https://pay.example.com',
      receipts: quickSigner('gateway'),
      clock: still,
      random,
    });
    return this.gateway;
  }
  /** What a backup of the gateway's tables holds now (SQLite). */
  async backup(): Promise<Backup> {
    const rows: Record<string, readonly Row[]> = {};
    for (const table of BACKED_UP) rows[table] = await this.db.query<Row>(`SELECT * FROM ${table}`);
    return rows;
  }
  /** Puts it back: the database goes on from there, and so does a new gateway. */
  async restore(backup: Backup): Promise<void> {
    for (const table of BACKED_UP.toReversed()) await this.db.query(`DELETE FROM ${table}`);
    for (const table of BACKED_UP)
      for (const row of backup[table] ?? []) {
        const columns = Object.keys(row);
        await this.db.query(
          `INSERT INTO ${table} (${columns.join(', ')})
           VALUES (${columns.map((_, i) => `$${i + 1}`).join(', ')})`,
          Object.values(row),
        );
      }
    this.#lives += 1;
    this.life = `restored ${this.#lives}`;
    this.start();
  }
  #lives = 0;
  orders(): readonly SandboxOrder[] {
    return [...this.wechat.control.books().orders, ...this.alipay.control.books().orders];
  }
  refunds(): readonly SandboxRefund[] {
    return [...this.wechat.control.books().refunds, ...this.alipay.control.books().refunds];
  }
  /** What the merchants took and did not hand back, or begin to, in fen. */
  kept(): number {
    const back = this.refunds().reduce((n, r) => n + r.refund, 0);
    return (
      this.orders().reduce(
        (n, o) => n + o.captures * o.total - (o.reversedAtMs === undefined ? 0 : o.total),
        0,
      ) - back
    );
  }
  pay(url: string, late = false): boolean {
    return url.startsWith('https://qr.alipay.com/') || /^auth:(2[5-9]|30)/.test(url)
      ? this.alipay.control.pay({ codeUrl: url, late }).paid
      : this.wechat.control.pay({ codeUrl: url, late }).paid;
  }
  async sweepFor(ms: number, every = 30_000): Promise<void> {
    for (let gone = 0; gone < ms; gone += every) {
      this.clock.advance(every);
      await this.gateway.sweep();
    }
  }
  legs(): Promise<
    readonly { leg: string; wallet: string; state: string; reason: string | null }[]
  > {
    return this.db.query(
      'SELECT leg, wallet, state, reason FROM gateway_legs ORDER BY created_ms, changed_ms',
    );
  }
  close(): Promise<void> {
    return this.db.close();
  }
}
