import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventBody } from '../../../src/shared/facts/catalogue.ts';
import { chinaDate } from '../../../src/shared/time.ts';
import { attemptOfOrder, ENGINES, openRoom } from './harness.ts';
import type { Room, Terminal } from './harness.ts';

describe.each(ENGINES)('a day’s books at central, on %s', (engine) => {
  let room: Room;
  const t = (n = 0): Terminal => room.terminals[n] as Terminal;
  beforeEach(async () => {
    room = await openRoom(engine, 2);
  }, 60_000);
  afterEach(() => room.close());
  /** The time that the harness gives its facts. */
  const DAY = chinaDate(1_780_000_000_000);
  const get = (target: string) =>
    room.central.staff({ method: 'GET', target, headers: {}, body: new Uint8Array(0) });

  async function sold(orderId: string): Promise<void> {
    const q = await t().client.quote({
      orderId,
      cardNo: '8800003934',
      nextCount: 42,
      amountFen: 10_000,
    });
    if (!q.ok) throw new Error(q.error.code);
    t().journal.quoted(orderId, q.value, '1002203334');
    t().journal.paid(orderId, 10_000);
    t().journal.add('attempt-creating', orderId, {
      provider: 'alipay',
      ...attemptOfOrder(orderId, 2),
      amountFen: 10_000,
      expiresAtMs: 1,
    });
    t().journal.add('attempt-paid', orderId, {
      attemptId: `${orderId}/2`,
      transactionId: '43',
      amountFen: 10_000,
      taken: false,
    });
    t().journal.add('attempt-refunded', orderId, {
      attemptId: `${orderId}/2`,
      refundId: 'F',
      amountFen: 10_000,
    });
    expect(await t().upload()).toEqual([]);
  }
  const found = (over: Partial<EventBody<'reconciled'>> = {}): EventBody<'reconciled'> => ({
    date: DAY,
    provider: 'wechat',
    payments: { count: 2, fen: 20_000 },
    refunds: { count: 1, fen: 10_000 },
    reversals: { count: 0, fen: 0 },
    differences: {},
    persons: 0,
    ...over,
  });

  it('a terminal gets its own captures and refunds of a day, and nobody else’s', async () => {
    await sold('PL-000000000311-1-0001-0001');
    const rows = await t().client.ledger(DAY);
    if (!rows.ok) throw new Error(rows.error.code);
    expect(rows.value.map((r) => [r.kind, r.attemptId, r.amountFen])).toEqual([
      ['captured', 'PL-000000000311-1-0001-0001/1', 10_000],
      ['captured-extra', 'PL-000000000311-1-0001-0001/2', 10_000],
      ['refunded', 'PL-000000000311-1-0001-0001/2', 10_000],
    ]);
    expect(rows.value[0]).toMatchObject({
      epoch: 1,
      orderId: 'PL-000000000311-1-0001-0001',
      atMs: 1_780_000_000_004,
    });
    expect(await t(1).client.ledger(DAY)).toEqual({ ok: true, value: [] });
    expect(await t().client.ledger(chinaDate(1_780_000_000_000 + 86_400_000))).toEqual({
      ok: true,
      value: [],
    });
    expect(await t().client.ledger('2026-02-30')).toMatchObject({
      ok: false,
      error: { code: 'BILL-0102' },
    });
    const bare = { method: 'GET', headers: {}, body: new Uint8Array(0) };
    const unsigned = { ...bare, target: `/v1/ledger?date=${DAY}` };
    expect((await room.central.handle(unsigned)).status).toBe(401);
  });

  it('what a terminal found in a bill is kept once for each provider and date, and the last counts', async () => {
    t().journal.add(
      'reconciled',
      null,
      found({ persons: 3, differences: { 'captured-no-order': 3 } }),
    );
    t().journal.add('reconciled', null, found());
    t().journal.add('reconciled', null, found({ provider: 'alipay' }));
    t().journal.add('reconciled', null, found({ date: '2026-01-01' }));
    expect(await t().upload()).toEqual([]);
    const rows = await room.db.query<{ provider: string; date: string; persons: unknown }>(
      'SELECT provider, date, persons FROM bill_days ORDER BY date, provider',
    );
    expect(rows.map((r) => `${r.date} ${r.provider} ${Number(r.persons)}`)).toEqual([
      `2026-01-01 wechat 0`,
      `${DAY} alipay 0`,
      `${DAY} wechat 0`,
    ]);
  });

  it('the console shows journal, ledger and bills side by side, and what is wrong', async () => {
    await sold('PL-000000000311-1-0001-0001');
    const page = async (): Promise<string> => (await get(`/console/reconcile?date=${DAY}`)).body;
    const line = (html: string, id: string): string =>
      new RegExp(`<tr><td>${id}</td>.*?</tr>`).exec(html)?.[0] ?? '';
    expect(line(await page(), t().id)).toContain('账单未核对');
    t().journal.add('reconciled', null, found());
    await t().upload();
    expect(line(await page(), t().id)).toBe(
      `<tr><td>${t().id}</td><td>2 笔 200.00</td><td>1 笔 100.00</td><td>2 笔 200.00</td><td>1 笔 100.00</td><td>wechat 2 笔 200.00</td><td>wechat 1 笔 100.00</td><td>—</td><td><span class="tag good">相符</span></td></tr>`,
    );
    t().journal.add(
      'reconciled',
      null,
      found({ persons: 1, differences: { 'refund-missing': 1, 'not-yet': 2 } }),
    );
    await t().upload();
    expect(line(await page(), t().id)).toContain(
      'wechat 账本已退、账单没有 1；wechat 尚未结束 2</td><td><span class="tag warn">1 笔需人工处理</span>',
    );
    // A fact that the ledger could not take.
    t().journal.add('attempt-refunded', 'PL-000000000311-1-0001-0001', {
      attemptId: 'PL-000000000311-1-0001-0001/2',
      refundId: 'F',
      amountFen: 10_000,
    });
    expect(await t().upload()).toHaveLength(1);
    expect(line(await page(), t().id)).toContain('账本与总账不一致');
    expect(line(await page(), t(1).id)).toContain('0 笔 0.00');
  });

  it('yesterday where no day is named; a day that is none, and a strange host, are refused', async () => {
    expect((await get('/console/reconcile')).body).toContain(
      `对账 ${chinaDate(room.now - 86_400_000)}`,
    );
    expect((await get('/console/reconcile?date=%3Cscript%3E')).status).toBe(400);
    expect(
      (
        await room.central.staff({
          method: 'GET',
          target: '/console/reconcile',
          headers: { host: 'evil.example' },
          body: new Uint8Array(0),
        })
      ).status,
    ).toBe(403);
    expect((await get('/')).body).toContain('href="/console/reconcile"');
  });
});
