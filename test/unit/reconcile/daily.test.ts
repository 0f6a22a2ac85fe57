import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BillingClient } from '../../../src/billing/types.ts';
import { DeviceRegistry } from '../../../src/device/device.ts';
import { lastReconciled, reconcileDaily } from '../../../src/kiosk/reconcile/daily.ts';
import type { DailyOptions } from '../../../src/kiosk/reconcile/daily.ts';
import { Monitor } from '../../../src/kiosk/watch/monitor.ts';
import type { BillResult, BillRow, PaymentProvider } from '../../../src/payment/types.ts';
import { failure } from '../../../src/shared/errors.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { chinaDate } from '../../../src/shared/time.ts';
import { T0, World } from '../../support/kiosk-world.ts';

/** Once a day, by itself: what it writes down, when, and when it tries again. */
const TODAY = chinaDate(T0);
let w: World;
let asked: string[];
let bills: Map<string, BillResult>;
let logged: string[];
let kicks: number;
let daily: DailyOptions;
const NOT_READY: BillResult = {
  kind: 'not-ready',
  failure: failure('PAY-0203', 'STATEMENT_CREATING'),
};

beforeEach(async () => {
  w = new World();
  await w.start();
  asked = [];
  logged = [];
  kicks = 0;
  bills = new Map();
  const provider = (kind: PaymentProvider['kind']): PaymentProvider => ({
    ...w.pay.provider(w, { alive: true }, kind),
    downloadBill: (date) => {
      asked.push(`${date}/${kind}`);
      return Promise.resolve(bills.get(`${date}/${kind}`) ?? { kind: 'none' });
    },
  });
  daily = {
    journal: w.journal,
    billing: { ledger: (date) => Promise.resolve(ok(w.central.ledger(date))) },
    providers: [provider('wechat'), provider('alipay')],
    clock: w.clock,
    log: (level, _where, text) => logged.push(`${level} ${text}`),
    onJournaled: () => kicks++,
  };
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

const run = (over: Partial<DailyOptions> = {}): Promise<boolean> =>
  reconcileDaily({ ...daily, ...over }, () => false);
/** From 20:00 of the first day to this hour of the next. */
const nextDay = (hours: number): void => w.clock.step(4 * 3_600_000 + hours * 3_600_000);
const told = (): {
  date: string;
  provider: string;
  persons: number;
  differences: Record<string, number>;
  payments: { count: number };
}[] =>
  [...w.central.events, ...(w.journal.unsent(200)?.events ?? [])]
    .filter((e) => e.kind === 'reconciled')
    .map((e) => e.body as ReturnType<typeof told>[number]);

async function sale(): Promise<BillRow> {
  await w.toPay();
  w.pay.pay();
  await w.untilScreen('done');
  await w.remove();
  await w.untilScreen('start');
  await w.until('uploaded', () => w.journal.unsent(1) === null);
  const a = w.attempt();
  return {
    kind: 'payment',
    outTradeNo: a.outTradeNo,
    transactionId: a.transactionId ?? '',
    outRefundNo: '',
    amountFen: a.amountFen,
    atMs: w.clock.nowMs(),
  };
}

describe('once a day', () => {
  it('a clock that is put right is followed at once', async () => {
    const away = () => Promise.resolve(err(failure('BILL-0101')));
    w.journal.setMeta('backup_ms', String(w.clock.nowMs()));
    const monitor = new Monitor({
      ...daily,
      billing: {
        ...daily.billing,
        time: away,
        policy: away,
        commands: away,
      } as unknown as BillingClient,
      devices: new DeviceRegistry([]),
      probeTradeNo: 'PROBE',
      onChange: () => undefined,
      onCentralUp: () => undefined,
      onCentralTime: () => undefined,
      onCommand: () => undefined,
      onEpoch: () => undefined,
    });
    monitor.start();
    await w.run(70_000);
    asked = [];
    // The time service's own corrections are none of it; what is due is due in an hour.
    w.clock.step(30_000);
    await w.run(20_000);
    expect(asked).toEqual([]);
    nextDay(11);
    await w.run(20_000);
    monitor.stop();
    expect(asked).toEqual([`${TODAY}/wechat`, `${TODAY}/alipay`]);
  });

  it('not before 10:30 in China', async () => {
    nextDay(10.4);
    expect(await run()).toBe(true);
    expect(asked).toEqual([]);
    w.clock.step(0.2 * 3_600_000);
    expect(await run()).toBe(true);
    expect(asked).toEqual([`${TODAY}/wechat`, `${TODAY}/alipay`]);
  });

  it('one fact for each provider, told to central; the same day is not compared again', async () => {
    const row = await sale();
    bills.set(`${TODAY}/wechat`, { kind: 'bill', rows: [row] });
    nextDay(11);
    expect(await run()).toBe(true);
    expect(told()).toEqual([
      {
        date: TODAY,
        provider: 'wechat',
        payments: { count: 1, fen: 10_000 },
        refunds: { count: 0, fen: 0 },
        reversals: { count: 0, fen: 0 },
        differences: {},
        persons: 0,
      },
      {
        date: TODAY,
        provider: 'alipay',
        payments: { count: 0, fen: 0 },
        refunds: { count: 0, fen: 0 },
        reversals: { count: 0, fen: 0 },
        differences: {},
        persons: 0,
      },
    ]);
    expect(kicks).toBe(1);
    expect(lastReconciled(w.journal)).toMatchObject({
      date: TODAY,
      providers: ['wechat', 'alipay'],
      payments: 1,
      paidFen: 10_000,
      refunds: 0,
      persons: 0,
      differences: 0,
    });
    asked = [];
    w.clock.step(3_600_000);
    expect(await run()).toBe(true);
    expect(asked.filter((a) => a.startsWith(TODAY))).toEqual([]);
    expect(told()).toHaveLength(2);
  });

  it('a difference is counted, told, and logged as an error', async () => {
    await sale();
    bills.set(`${TODAY}/wechat`, { kind: 'bill', rows: [] });
    nextDay(11);
    await run();
    expect(told()[0]).toMatchObject({
      provider: 'wechat',
      persons: 1,
      differences: { 'order-not-captured': 1 },
    });
    expect(lastReconciled(w.journal)).toMatchObject({ persons: 1, differences: 1 });
    expect(logged).toEqual([
      `error ${TODAY}: 1 differences for a person; pilotlight reconcile --date ${TODAY} names them`,
    ]);
  });

  it('a bill that is not ready is tried again; the other provider’s counts at once', async () => {
    bills.set(`${TODAY}/alipay`, NOT_READY);
    nextDay(11);
    expect(await run()).toBe(false);
    expect(await run()).toBe(false);
    expect(told().map((t) => t.provider)).toEqual(['wechat']);
    bills.delete(`${TODAY}/alipay`);
    expect(await run()).toBe(true);
    expect(told().map((t) => t.provider)).toEqual(['wechat', 'alipay']);
    expect(lastReconciled(w.journal)?.providers).toEqual(['wechat', 'alipay']);
  });

  it.each([
    ['not ready', NOT_READY],
    ['none, against a sale', { kind: 'none' } as const],
  ])('a bill that stays %s is asked for on three days, then it is a person’s', async (_w, of) => {
    if (of.kind === 'none') await sale();
    bills.set(`${TODAY}/wechat`, of);
    nextDay(11);
    for (let n = 0; n < 3; n++) {
      expect(await run()).toBe(false);
      expect(told().filter((t) => t.date === TODAY && t.provider === 'wechat')).toEqual([]);
      w.clock.step(86_400_000);
    }
    expect(logged).toEqual([]);
    expect(await run()).toBe(true);
    expect(told().filter((t) => t.date === TODAY && t.provider === 'wechat')).toMatchObject([
      { persons: 1, differences: { 'bill-missing': 1 } },
    ]);
    expect(logged).toHaveLength(1);
    asked = [];
    await run();
    expect(asked.filter((a) => a.startsWith(TODAY))).toEqual([]);
  });

  it('a kiosk that was off for a week compares the days it missed', async () => {
    nextDay(11);
    await run();
    const missed = chinaDate(w.clock.nowMs());
    w.clock.step(7 * 86_400_000);
    expect(await run()).toBe(true);
    expect(told().filter((t) => t.date === missed)).toHaveLength(2);
  });

  it('central away: nothing is written down, and it is tried again', async () => {
    nextDay(11);
    expect(
      await run({ billing: { ledger: () => Promise.resolve(err(failure('BILL-0101'))) } }),
    ).toBe(false);
    expect(lastReconciled(w.journal)).toBeNull();
    expect(await run()).toBe(true);
    expect(told()).toHaveLength(2);
  });

  it('a journal that waits for central’s word says nothing', async () => {
    w.onFork = () => undefined;
    w.journal.needEpoch('forked');
    nextDay(11);
    expect(await run()).toBe(true);
    expect(asked).toEqual([]);
  });
});
