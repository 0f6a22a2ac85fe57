import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../src/main/ports.ts';
import { openPostgres } from '../../src/central/db/postgres.ts';
import { quickSigner } from '../unit/central/harness.ts';
import type { Db } from '../../src/central/db/sql.ts';
import type { Clock } from '../../src/shared/ports.ts';
import { createPaymentGateway } from '../../src/central/gateway/gateway.ts';
import type { PaymentGateway } from '../../src/central/gateway/types.ts';
import type { PaymentProvider } from '../../src/payment/types.ts';
import { Cluster } from '../support/postgres.ts';
import { random, T, Town } from '../unit/central/gateway-town.ts';

/** Two processes of the gateway on one database, before the same wallets. */
let cluster: Cluster;
let town: Town;
let gateways: readonly [PaymentGateway, PaymentGateway];
let dbs: readonly Db[] = [];
/** Requests to wallets, in order: `0 wechat.query`. */
let asked: string[];
/** How many requests about one leg were on their way at once, at most. */
let most: number;
/** The next request of this kind stands here before it leaves, until it is let go. */
let hold: { readonly verb: string; arrived: () => void; readonly let: Promise<void> } | null;
let serial = 0;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster.stop());
afterEach(async () => {
  await Promise.all(dbs.map((db) => db.close()));
});

/** @param clock rings no timer where not given: what is held is woken by a bell only */
async function start(clock?: Clock): Promise<void> {
  const url = cluster.url(await cluster.create());
  dbs = [
    await openPostgres({ clock: systemClock, random: systemRandom, url }),
    await openPostgres({ clock: systemClock, random: systemRandom, url }),
  ];
  town = await Town.on(dbs[0] as Db);
  asked = [];
  most = 0;
  hold = null;
  const under = new Map<string, number>();
  const watched =
    (process: number) =>
    (wallet: PaymentProvider): PaymentProvider => {
      const call =
        <A extends { readonly outTradeNo: string }, R>(verb: string, ask: (a: A) => Promise<R>) =>
        async (a: A): Promise<R> => {
          asked.push(`${process} ${wallet.kind}.${verb}`);
          const n = (under.get(a.outTradeNo) ?? 0) + 1;
          under.set(a.outTradeNo, n);
          most = Math.max(most, n);
          try {
            const stop = hold?.verb === verb ? hold : null;
            if (stop !== null) {
              hold = null;
              stop.arrived();
              await stop.let;
            }
            return await ask(a);
          } finally {
            under.set(a.outTradeNo, (under.get(a.outTradeNo) ?? 1) - 1);
          }
        };
      return {
        ...wallet,
        create: call('create', wallet.create),
        query: call('query', wallet.query),
        close: call('close', wallet.close),
        refund: call('refund', wallet.refund),
        queryRefund: call('queryRefund', wallet.queryRefund),
        ...(wallet.code === undefined
          ? {}
          : {
              code: {
                ...wallet.code,
                charge: call('charge', wallet.code.charge),
                reverse: call('reverse', wallet.code.reverse),
              },
            }),
      };
    };
  const gateway = (process: number): PaymentGateway =>
    createPaymentGateway(() => dbs[process] as Db, {
      wallets: town.wallets.map(watched(process)),
      publicUrl: 'https://pay.example.com',
      receipts: quickSigner('gateway'),
      clock: clock ?? {
        nowMs: () => town.clock.nowMs(),
        monoMs: () => 0,
        after: () => () => undefined,
      },
      random,
    });
  gateways = [gateway(0), gateway(1)];
}
const ref = () => ({
  outTradeNo: `P311E1C${String(++serial).padStart(6, '0')}`,
  amountFen: 10_000,
});
async function made(r: ReturnType<typeof ref>, process: 0 | 1 = 0): Promise<string> {
  const answer = await gateways[process].create(T, {
    ...r,
    description: '燃气充值',
    expiresAtMs: town.clock.nowMs() + 120_000,
  });
  if (answer.kind !== 'pending') throw new Error(JSON.stringify(answer));
  return answer.qrText.slice(answer.qrText.lastIndexOf('/') + 1);
}
/** Stops the next request of a kind; `arrived` once it stands there. */
function stopAt(verb: string): { readonly arrived: Promise<void>; readonly go: () => void } {
  let go: () => void = () => undefined;
  let arrived: () => void = () => undefined;
  const there = new Promise<void>((resolve) => (arrived = resolve));
  hold = { verb, arrived, let: new Promise<void>((resolve) => (go = resolve)) };
  return { arrived: there, go };
}
const times = (request: string): number => asked.filter((a) => a.endsWith(request)).length;

describe('two processes of the gateway', () => {
  it('a refund is asked of one while the other takes the payment back: one after the other', async () => {
    await start();
    const k = ref();
    const charged = await gateways[0].charge(T, {
      ...k,
      authCode: '281234567890123456',
      description: 'x',
    });
    expect(charged.kind).toBe('paid');
    const stop = stopAt('reverse');
    const back = gateways[0].reverse(T, { ...k, method: 'code' });
    await stop.arrived;
    const refund = gateways[1].refund(T, {
      ...k,
      method: 'code',
      outRefundNo: 'R1',
      refundFen: k.amountFen,
      reason: 'x',
    });
    // Other trades do not wait; meanwhile it would long have been sent.
    for (let n = 0; n < 12; n++) await made(ref(), 1);
    stop.go();
    expect(await back).toMatchObject({ kind: 'reversed' });
    await refund;
    expect(most).toBe(1);
    expect(town.kept()).toBe(0);
  });

  it('both look at what is due: it is looked at once', async () => {
    await start();
    const token = await made(ref());
    const left = await gateways[0].openPage(token, 'alipay', '');
    const used = await gateways[1].openPage(token, 'wechat', '');
    expect([left.kind, used.kind]).toEqual(['go', 'go']);
    town.clock.advance(60_000);
    asked.length = 0;
    const stop = stopAt('query');
    const first = gateways[0].sweep();
    await stop.arrived;
    const second = gateways[1].sweep();
    // It has read what is due, and waits for its turn.
    await expect
      .poll(async () => (await gateways[1].query(T, { outTradeNo: 'none', amountFen: 1 })).kind)
      .toBe('not-found');
    stop.go();
    await Promise.all([first, second]);
    expect(times('alipay.query')).toBe(1);
  });

  it('the same code comes to both: it is sent once', async () => {
    await start();
    const k = { ...ref(), authCode: '281234567890123457', description: 'x' };
    const stop = stopAt('charge');
    const first = gateways[0].charge(T, k);
    await stop.arrived;
    const second = gateways[1].charge(T, k);
    stop.go();
    expect((await Promise.all([first, second])).map((a) => a.kind).toSorted()).toEqual([
      'paid',
      'unknown',
    ]);
    expect(times('alipay.charge')).toBe(1);
    expect(town.kept()).toBe(k.amountFen);
  });

  it('two phones open the page with two wallets, and both pay: one of them is handed back', async () => {
    await start();
    const r = ref();
    const token = await made(r);
    const pages = await Promise.all([
      gateways[0].openPage(token, 'alipay', ''),
      gateways[1].openPage(token, 'wechat', ''),
    ]);
    for (const page of pages) if (page.kind === 'go') town.pay(page.url, true);
    await Promise.all(gateways.map((g) => g.query(T, r)));
    for (let i = 0; i < 8; i++) {
      town.clock.advance(30_000);
      await Promise.all(gateways.map((g) => g.sweep()));
    }
    expect((await gateways[1].query(T, r)).kind).toBe('paid');
    expect(town.kept()).toBe(r.amountFen);
    expect(most).toBe(1);
  });

  it('both are asked for the same refund: it is made once', async () => {
    await start();
    const r = ref();
    const page = await gateways[0].openPage(await made(r), 'wechat', '');
    if (page.kind !== 'go') throw new Error(page.kind);
    town.pay(page.url);
    expect((await gateways[0].query(T, r)).kind).toBe('paid');
    const refund = { ...r, outRefundNo: 'R2', refundFen: r.amountFen, reason: 'x' };
    const stop = stopAt('refund');
    const first = gateways[0].refund(T, refund);
    await stop.arrived;
    const second = gateways[1].refund(T, refund);
    stop.go();
    await Promise.all([first, second]);
    expect(most).toBe(1);
    expect(town.refunds()).toHaveLength(1);
    expect(town.kept()).toBe(0);
  });
});

describe('a query that one process holds', () => {
  const asking = { waitMs: 20_000, known: 'pending' as const };
  const hear = (process: 0 | 1) => {
    const c = town.callbacks.at(-1);
    if (c === undefined) throw new Error('no callback');
    return gateways[process].hear('wechat', (name) => c.headers[name] ?? null, c.body);
  };
  /** No timer rings here: what nobody wakes is never answered. */
  const soon = async <T>(answer: Promise<T>): Promise<T> => {
    let told: T | null = null;
    void answer.then((value) => (told = value));
    await expect.poll(() => told, { timeout: 10_000 }).not.toBeNull();
    return answer;
  };
  /** Its first look is over: it waits. */
  const held = (n: number) => expect.poll(() => times('wechat.query')).toBeGreaterThanOrEqual(n);
  async function shown(process: 0 | 1) {
    const r = ref();
    const page = await gateways[process].openPage(await made(r), 'wechat', '');
    if (page.kind !== 'go') throw new Error(page.kind);
    return { r, url: page.url };
  }

  it('is answered by the callback that came to the other one, and by a close there', async () => {
    await start();
    const { r, url } = await shown(0);
    const first = gateways[0].query(T, { ...r, ...asking });
    await held(1);
    town.pay(url);
    await hear(1);
    expect(await soon(first)).toMatchObject({ kind: 'paid', amountFen: r.amountFen });
    const other = await shown(1);
    asked.length = 0;
    const second = gateways[0].query(T, { ...other.r, ...asking });
    await held(1);
    expect(await gateways[1].close(T, other.r)).toEqual({ kind: 'closed' });
    expect(await soon(second)).toEqual({ kind: 'closed' });
  });

  it('occupies no connection: a hundred are held over eight, and everybody else is served', async () => {
    await start();
    const machines = Array.from({ length: 100 }, (_, n) => `H${n}`);
    const r = ref();
    for (const terminal of machines) {
      await town.db.query(
        'INSERT INTO terminals (terminal_id, public_key, epoch) VALUES ($1, $1, 1)',
        [terminal],
      );
      await gateways[0].create(terminal, {
        ...r,
        description: 'x',
        expiresAtMs: town.clock.nowMs() + 120_000,
      });
    }
    const holds = machines.map((terminal) => gateways[0].query(terminal, { ...r, ...asking }));
    const busy = async (): Promise<number> => {
      const [row] = await (dbs[1] as Db).query<{ n: number }>(
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database()
         AND state <> 'idle' AND pid <> pg_backend_pid()`,
      );
      return row?.n ?? -1;
    };
    await expect.poll(busy).toBe(0);
    for (let n = 0; n < 12; n++) await made(ref(), 0);
    expect(await busy()).toBe(0);
    gateways[0].endHolds();
    for (const held of holds) expect(await held).toEqual({ kind: 'pending' });
  });

  it('hears nothing once its line is cut, and finds the payment at its next look', async () => {
    await start({ ...systemClock, nowMs: () => town.clock.nowMs() });
    const { r, url } = await shown(0);
    const first = gateways[0].query(T, { ...r, ...asking });
    await held(1);
    const cut = await (dbs[1] as Db).query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
       AND application_name = 'pilotlight central turns'`,
    );
    expect(cut.length).toBeGreaterThan(0);
    town.pay(url);
    expect(await first).toMatchObject({ kind: 'paid' });
  });
});
