import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { consoleData } from '../../../src/central/console/data.ts';
import { anybody } from '../../../src/central/console/html.ts';
import { consolePage } from '../../../src/central/console/pages.ts';
import { migrate } from '../../../src/central/db/migrate.ts';
import { MIGRATIONS } from '../../../src/central/db/migrations/index.ts';
import { createPaymentGateway } from '../../../src/central/gateway/gateway.ts';
import type { Opened } from '../../../src/central/gateway/types.ts';
import { DEMO_DATA } from '../../../src/demo/central-data.ts';
import { createCentral } from '../../../src/central/central.ts';
import { createGatewayProvider } from '../../../src/payment/gateway/provider.ts';
import { ANSWER_KEY } from '../../../src/shared/signed-request.ts';
import type { HttpSend } from '../../../src/shared/http.ts';
import type { BillResult, PaymentProvider } from '../../../src/payment/types.ts';
import { failure } from '../../../src/shared/errors.ts';
import { chinaDate } from '../../../src/shared/time.ts';
import { Keyring } from '../../../src/shared/signatures.ts';
import { ENGINES, into, openDb, quickSigner } from './harness.ts';
import { T, Town, random } from './gateway-town.ts';

let town: Town;
let serial = 0;
afterEach(() => town.close());
const ref = (amountFen = 10_000) => ({
  outTradeNo: `P311E1N${String(++serial).padStart(6, '0')}`,
  amountFen,
});
const request = (r: ReturnType<typeof ref>) => ({
  ...r,
  description: '燃气充值 100.00 元',
  expiresAtMs: town.clock.nowMs() + 120_000,
});
const refundOf = (r: ReturnType<typeof ref>) => ({
  ...r,
  outRefundNo: `R${r.outTradeNo}`,
  refundFen: r.amountFen,
  reason: '原路退回',
});
const tokenOf = (qrText: string): string => qrText.slice(qrText.lastIndexOf('/') + 1);
async function made(r: ReturnType<typeof ref>): Promise<string> {
  const answer = await town.gateway.create(T, request(r));
  if (answer.kind !== 'pending') throw new Error(JSON.stringify(answer));
  return tokenOf(answer.qrText);
}
const open = (token: string, wallet: string | null, agent = ''): Promise<Opened> =>
  town.gateway.openPage(token, wallet, agent);
async function code(token: string, wallet: string): Promise<string> {
  const opened = await open(token, wallet);
  if (opened.kind !== 'go') throw new Error(JSON.stringify(opened));
  return opened.url;
}

describe.each(ENGINES)('one code for every wallet on %s', (engine) => {
  it('the browser tells the wallet, or a person does; nothing is begun at any wallet before', async () => {
    town = await Town.open(engine);
    const token = await made(ref());
    expect(await open(token, null, 'Mozilla/5.0')).toEqual({
      kind: 'choose',
      wallets: ['wechat', 'alipay'],
    });
    expect(await open(token, 'paypal')).toMatchObject({ kind: 'choose' });
    expect(town.asked).toEqual([]);
    expect(await open(token, null, 'Mozilla/5.0 MicroMessenger/8.0.50')).toMatchObject({
      kind: 'go',
      url: expect.stringMatching(/^weixin:/) as string,
    });
    expect(await open(token, null, 'Mozilla/5.0 AlipayClient/10.6')).toMatchObject({
      kind: 'go',
      url: expect.stringMatching(/^https:\/\/qr\.alipay\.com\//) as string,
    });
    expect(await open('nothing', null)).toEqual({ kind: 'no-such-trade' });
  });

  it('another wallet: the first is closed and confirmed before the second begins', async () => {
    town = await Town.open(engine);
    const r = ref();
    const token = await made(r);
    const first = await code(token, 'wechat');
    const second = await code(token, 'alipay');
    expect(town.asked).toEqual(['wechat.create', 'wechat.close', 'wechat.query', 'alipay.create']);
    expect(town.pay(first)).toBe(false);
    expect(town.pay(second)).toBe(true);
    expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid', amountFen: 10_000 });
    expect(await open(token, 'wechat')).toEqual({ kind: 'paid' });
    expect(town.kept()).toBe(10_000);
  });

  it('a close that is not confirmed begins nothing; a payment that is found then counts', async () => {
    town = await Town.open(engine);
    const r = ref();
    const token = await made(r);
    const first = await code(token, 'wechat');
    for (const [only, fault] of [
      ['close', 'dropRequest'],
      ['close', 'dropAnswer'],
      ['query', 'dropAnswer'],
      ['query', 'tamperSignature'],
    ] as const) {
      town.wechat.control.faults({ reset: true, [fault]: 1, only: [only] });
      expect(await open(token, 'alipay')).toEqual({ kind: 'wait' });
    }
    expect(town.alipay.control.books().orders).toEqual([]);
    town.wechat.control.faults({ reset: true });
    // A wallet that does not know what it had shown: nothing is built on that.
    town.forgets = true;
    expect(await open(token, 'alipay')).toEqual({ kind: 'wait' });
    town.forgets = false;
    town.pay(first, true);
    expect(await open(token, 'alipay')).toEqual({ kind: 'paid' });
    expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid' });
    expect(town.alipay.control.books().orders).toEqual([]);
  });

  describe('a close that is a cancel, and that nobody answered', () => {
    /** Alipay's code was left for another wallet, its cancel is on its way, and it is paid. */
    async function paidMeanwhile(): Promise<{
      readonly r: ReturnType<typeof ref>;
      readonly token: string;
    }> {
      town = await Town.open(engine);
      const r = ref();
      const token = await made(r);
      const first = await code(token, 'alipay');
      town.alipay.control.faults({ reset: true, dropRequest: 1, only: ['cancel'] });
      expect(await open(token, 'wechat')).toEqual({ kind: 'wait' });
      expect(town.pay(first)).toBe(true);
      expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'unknown' });
      // Another tap finds the payment, and sends no second cancel; the first one may yet land.
      expect(await open(token, 'wechat')).toEqual({ kind: 'wait' });
      expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'unknown' });
      return { r, token };
    }

    it('lets the payment count once it cannot land any more', async () => {
      const { r } = await paidMeanwhile();
      town.clock.advance(60_000);
      expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid', amountFen: 10_000 });
      expect(town.kept()).toBe(10_000);
    });

    /** Alipay's code is left while its close does this; then it is paid. */
    async function closedBy(close: PaymentProvider['close']): Promise<ReturnType<typeof ref>> {
      town = await Town.open(engine);
      const r = ref();
      const token = await made(r);
      const first = await code(token, 'alipay');
      const alipay = town.wallets.find((one) => one.kind === 'alipay');
      if (alipay === undefined) throw new Error('no Alipay');
      Object.assign(alipay, { close });
      town.start();
      await open(token, 'wechat').catch(() => null);
      expect(town.pay(first)).toBe(true);
      return r;
    }

    it('is waited for from when its answer was given up, however long that took', async () => {
      const r = await closedBy(() => {
        town.clock.advance(50_000);
        return Promise.resolve({ kind: 'unknown', failure: failure('PAY-0202') });
      });
      town.clock.advance(59_999);
      expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'unknown' });
      town.clock.advance(1);
      expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid' });
    });

    it('is waited for by the next process, where the one that sent it came no further', async () => {
      const r = await closedBy(() => Promise.reject(new Error('killed')));
      town.start();
      expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'unknown' });
      town.clock.advance(60_000);
      expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid' });
    });

    it('also where the gateway looks by itself', async () => {
      const { r } = await paidMeanwhile();
      town.clock.advance(60_000);
      await town.gateway.sweep();
      expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid' });
    });

    it('lands: nothing was ever said to be paid, and the customer has the money', async () => {
      const { r } = await paidMeanwhile();
      const alipay = town.wallets.find((one) => one.kind === 'alipay');
      const leg = town.alipay.control.books().orders[0]?.outTradeNo ?? '';
      expect(await alipay?.code?.reverse({ outTradeNo: leg, amountFen: 10_000 })).toMatchObject({
        kind: 'reversed',
      });
      town.clock.advance(60_000);
      for (let i = 0; i < 3; i++) await town.gateway.sweep();
      town.clock.advance(120_000);
      expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'refunded', whole: true });
      expect(town.kept()).toBe(0);
    });

    it('lands before the terminal asks: the payment goes on by the wallet that was chosen instead', async () => {
      const { r, token } = await paidMeanwhile();
      const alipay = town.wallets.find((one) => one.kind === 'alipay');
      const leg = town.alipay.control.books().orders[0]?.outTradeNo ?? '';
      await alipay?.code?.reverse({ outTradeNo: leg, amountFen: 10_000 });
      // Its code takes money still, so it is not over.
      expect(await town.gateway.query(T, r)).toEqual({ kind: 'pending' });
      expect(town.pay(await code(token, 'wechat'))).toBe(true);
      expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid', amountFen: 10_000 });
      expect(town.kept()).toBe(10_000);
    });
  });

  it('one wallet’s end is not the payment’s: closed is said when no other can begin any more', async () => {
    town = await Town.open(engine);
    const r = ref();
    const token = await made(r);
    await code(token, 'wechat');
    // A second phone's request breaks off when the first wallet has closed: no leg is open, and the
    // next scan begins one.
    town.wechat.control.faults({ dropAnswer: 1, only: ['query'] });
    expect(await open(token, 'alipay')).toEqual({ kind: 'wait' });
    expect((await town.gateway.query(T, r)).kind).toBe('pending');
    town.pay(await code(token, 'alipay'));
    expect((await town.gateway.query(T, r)).kind).toBe('paid');

    const other = ref();
    const page = await made(other);
    town.alipay.control.scan({ codeUrl: await code(page, 'alipay') });
    town.clock.step(121_000);
    expect((await town.gateway.query(T, other)).kind).toBe('closed');
    // What was said holds, also if the clock is set back.
    town.clock.step(-121_000);
    expect(await open(page, 'wechat')).toEqual({ kind: 'over-begun' });
  });

  it.each(['before', 'after'] as const)(
    'a wallet that was left is captured late, %s the other one is paid: that capture goes back, once, by itself',
    async (when) => {
      town = await Town.open(engine);
      const r = ref();
      const token = await made(r);
      const first = await code(token, 'alipay');
      const second = await code(token, 'wechat');
      if (when === 'before') expect(town.pay(first, true)).toBe(true);
      expect(town.pay(second)).toBe(true);
      expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid' });
      if (when === 'after') expect(town.pay(first, true)).toBe(true);
      expect(town.kept()).toBe(20_000);
      await town.sweepFor(120_000);
      expect(town.kept()).toBe(10_000);
      expect(town.refunds()).toHaveLength(1);
      expect((await town.legs()).map((l) => `${l.wallet} ${l.state}`).toSorted()).toEqual([
        'alipay refunded',
        'wechat paid',
      ]);
      // The terminal's own refund is of the one that counts.
      expect(await town.gateway.refund(T, refundOf(r))).toMatchObject({ kind: 'accepted' });
      expect(await town.gateway.queryRefund(T, refundOf(r))).toMatchObject({
        kind: 'done',
        refundFen: 10_000,
      });
      expect(town.kept()).toBe(0);
    },
  );

  it('a late capture of another sum, and one whose hand-back is refused, wait for a person', async () => {
    town = await Town.open(engine);
    for (const fault of ['wrongAmount', 'refundRefused'] as const) {
      const token = await made(ref());
      const first = await code(token, 'alipay');
      await code(token, 'wechat');
      town.pay(first, true);
      town.alipay.control.faults({ [fault]: 1 });
      await town.sweepFor(120_000);
      expect((await town.legs()).filter((l) => l.state === 'parked')).toHaveLength(
        fault === 'wrongAmount' ? 1 : 2,
      );
    }
    expect(town.refunds()).toHaveLength(0);
    // In plain sight, with the number by which the merchant's platform finds it.
    const data = await consoleData(town.db, town.clock.nowMs());
    expect(data.parkedCaptures).toEqual([
      expect.objectContaining({ terminalId: T, wallet: 'alipay', capturedFen: 10_000 }),
      expect.objectContaining({ capturedFen: 10_001 }),
    ]);
    for (const p of data.parkedCaptures)
      expect(consolePage(data, town.clock.nowMs(), anybody('x'))).toContain(p.leg);
  });

  it('the bill names the payments of a wallet that makes none, for a while, and no other terminal’s', async () => {
    town = await Town.open(engine);
    const [wechat, alipay] = town.wallets as [PaymentProvider, PaymentProvider];
    const { downloadBill: _none, ...silent } = alipay;
    const gateway = createPaymentGateway(() => town.db, {
      wallets: [wechat, silent],
      publicUrl: 'https://pay.example.com',
      receipts: quickSigner('gateway'),
      clock: town.clock,
      random,
    });
    const sold = [ref(), ref()] as const;
    for (const [i, r] of sold.entries())
      expect(town.pay(await code(await made(r), i === 0 ? 'wechat' : 'alipay'))).toBe(true);
    for (const r of sold) expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid' });
    const after = async (days: number): Promise<unknown> => {
      town.clock.advance(days * 86_400_000);
      return gateway.bill(T, chinaDate(town.clock.nowMs() - 86_400_000));
    };
    expect(await after(1)).toMatchObject({
      kind: 'bill',
      rows: [{ outTradeNo: sold[0].outTradeNo }],
      unlisted: [sold[1].outTradeNo],
    });
    expect(await gateway.bill('000000000312', chinaDate(town.clock.nowMs() - 86_400_000))).toEqual({
      kind: 'none',
    });
    expect(await after(8)).toEqual({ kind: 'none' });
    // A refund long after brings it back.
    expect(await gateway.refund(T, refundOf(sold[1]))).toMatchObject({ kind: 'done' });
    expect(await after(1)).toEqual({ kind: 'bill', rows: [], unlisted: [sold[1].outTradeNo] });
  });

  it('one wallet’s bill that is bad, late or none hides no other’s, and accuses nobody', async () => {
    town = await Town.open(engine);
    const [wechat, alipay] = town.wallets as [PaymentProvider, PaymentProvider];
    let says: BillResult = { kind: 'none' };
    const gateway = createPaymentGateway(() => town.db, {
      wallets: [{ ...alipay, downloadBill: () => Promise.resolve(says) }, wechat],
      publicUrl: 'https://pay.example.com',
      receipts: quickSigner('gateway'),
      clock: town.clock,
      random,
    });
    const sold = [ref(), ref()] as const;
    for (const [i, r] of sold.entries())
      expect(town.pay(await code(await made(r), i === 0 ? 'wechat' : 'alipay'))).toBe(true);
    for (const r of sold) expect(await town.gateway.query(T, r)).toMatchObject({ kind: 'paid' });
    const date = chinaDate(town.clock.nowMs());
    const [, alipayNo] = sold.map((r) => r.outTradeNo) as [string, string];
    const rows = [{ outTradeNo: sold[0].outTradeNo }];
    const ask = async (answer: BillResult): Promise<unknown> => {
      says = answer;
      town.clock.advance(86_400_000);
      return gateway.bill(T, date);
    };
    const known = { kind: 'bill', rows, awaited: [alipayNo], unlisted: [alipayNo] };
    for (const kind of ['unknown', 'not-ready'] as const) {
      const f = failure('PAY-0203', 'late');
      expect(await ask({ kind, failure: f })).toMatchObject({
        ...known,
        failure: { detail: 'late' },
      });
      // Nothing of this terminal went through that wallet: its bill is not waited for.
      expect(await gateway.bill('000000000312', date)).toEqual({ kind: 'none' });
    }
    const none = await ask({ kind: 'none' });
    expect(none).toMatchObject(known);
    expect(none).not.toHaveProperty('failure');
    const [leg] = (await town.legs()).filter((l) => l.wallet === 'alipay');
    const unread = { kind: 'bill', rows: [], awaited: [leg?.leg ?? ''] } as const;
    expect(await ask({ ...unread, failure: failure('PAY-0201', 'row') })).toMatchObject({
      ...known,
      failure: { detail: 'row' },
    });
  });

  it('closed by the terminal: no wallet begins, and what was never made is closed for good', async () => {
    town = await Town.open(engine);
    const r = ref();
    const token = await made(r);
    expect(await town.gateway.close(T, r)).toEqual({ kind: 'closed' });
    expect(await open(token, 'wechat')).toEqual({ kind: 'over' });
    const never = ref();
    expect(await town.gateway.close(T, never)).toEqual({ kind: 'closed' });
    // The request that was on its way comes after the close.
    expect((await town.gateway.create(T, request(never))).kind).toBe('refused');
    const charge = ref();
    expect(await town.gateway.reverse(T, { ...charge, method: 'code' })).toEqual({
      kind: 'reversed',
      refunded: false,
    });
    expect(
      (
        await town.gateway.charge(T, {
          ...charge,
          authCode: '134567890123456789',
          description: 'x',
        })
      ).kind,
    ).toBe('unknown');
    expect(town.asked).toEqual([]);
    // After its time no wallet begins either.
    const late = await made(ref());
    town.clock.advance(121_000);
    expect(await open(late, 'wechat')).toEqual({ kind: 'over' });
  });

  it('a code goes to its wallet, once; policy’s table decides whose it is', async () => {
    town = await Town.open(engine);
    const w = ref();
    expect(
      (await town.gateway.charge(T, { ...w, authCode: '134567890123456780', description: 'x' }))
        .kind,
    ).toBe('paid');
    expect(
      (await town.gateway.charge(T, { ...w, authCode: '134567890123456781', description: 'x' }))
        .kind,
    ).toBe('unknown');
    expect(
      (await town.gateway.charge(T, { ...ref(), authCode: '281234567890123456', description: 'x' }))
        .kind,
    ).toBe('paid');
    expect(
      await town.gateway.charge(T, { ...ref(), authCode: '6212345678901234567', description: 'x' }),
    ).toMatchObject({ kind: 'refused', failure: { code: 'PAY-0404' } });
    expect(town.asked).toEqual(['wechat.charge', 'alipay.charge']);
    const other = createPaymentGateway(() => town.db, {
      wallets: town.wallets,
      publicUrl: '',
      receipts: quickSigner('gateway'),
      clock: town.clock,
      random,
      paymentCodes: () =>
        Promise.resolve([{ prefixes: ['62'], digits: [19, 19], wallet: 'alipay' }]),
    });
    expect(
      await other.charge(T, { ...ref(), authCode: '134567890123456782', description: 'x' }),
    ).toMatchObject({ kind: 'refused', failure: { code: 'PAY-0404' } });
    // No code is kept anywhere.
    const rows = JSON.stringify(
      await Promise.all(
        ['gateway_trades', 'gateway_legs', 'gateway_refunds'].map((t) =>
          town.db.query(`SELECT * FROM ${t}`),
        ),
      ),
    );
    expect(rows).not.toMatch(/134567890123456|281234567890123456/);
  });

  it('an order is not paid for when its quote is over: given back, or run out long ago', async () => {
    town = await Town.open(engine);
    const orderId = 'PL-000000000311-1-0003-1234';
    const quoted = (state: string, expiresAtMs: number): Promise<unknown> =>
      town.db.query(
        `INSERT INTO quotes (order_id, terminal_id, request, answer, state)
         VALUES ($1, $2, '{}', $3, $4) ON CONFLICT (order_id)
         DO UPDATE SET answer = EXCLUDED.answer, state = EXCLUDED.state`,
        [orderId, T, JSON.stringify({ expiresAtMs }), state],
      );
    const begin = async (): Promise<readonly string[]> => {
      const made = await town.gateway.create(T, { ...request(ref()), orderId });
      const { expiresAtMs: _, ...coded } = request(ref());
      const charged = await town.gateway.charge(T, {
        ...coded,
        orderId,
        authCode: '130000000000000009',
      });
      return [made.kind, charged.kind].map((kind) => (kind === 'refused' ? kind : 'begun'));
    };
    const now = town.clock.nowMs();
    await quoted('live', now - 3_600_000);
    expect(await begin()).toEqual(['begun', 'begun']);
    const mine = { ...request(ref()), orderId };
    const made = await town.gateway.create(T, mine);
    await quoted('live', now - 3_600_001);
    expect(await begin()).toEqual(['refused', 'refused']);
    // What was begun in time is told as it stands.
    expect(await town.gateway.create(T, mine)).toEqual(made);
    await quoted('released', now + 1_800_000);
    expect(await begin()).toEqual(['refused', 'refused']);
  });

  it('a code takes money for an hour at most, whatever the terminal asks for', async () => {
    town = await Town.open(engine);
    const now = town.clock.nowMs();
    const long = { ...request(ref()), expiresAtMs: now + 365 * 86_400_000 };
    await town.gateway.create(T, long);
    const [row] = await town.db.query<{ expires_ms: unknown }>(
      'SELECT expires_ms FROM gateway_trades WHERE out_trade_no = $1',
      [long.outTradeNo],
    );
    expect(Number(row?.expires_ms)).toBe(now + 3_600_000);
  });

  it('a trade is one order’s: under its number no other order is paid', async () => {
    town = await Town.open(engine);
    const orderOf = async (outTradeNo: string): Promise<unknown> =>
      (
        await town.db.query<{ order_id: string | null }>(
          'SELECT order_id FROM gateway_trades WHERE out_trade_no = $1',
          [outTradeNo],
        )
      )[0]?.order_id;
    const mine = { ...request(ref()), orderId: 'PL-000000000311-1-0001-1234' };
    const made = await town.gateway.create(T, mine);
    expect(made.kind).toBe('pending');
    expect(await orderOf(mine.outTradeNo)).toBe(mine.orderId);
    // Asked again it is the same; by a kiosk of before, too.
    expect(await town.gateway.create(T, mine)).toEqual(made);
    expect(await town.gateway.create(T, { ...mine, orderId: undefined })).toEqual(made);
    const another = { orderId: 'PL-000000000311-1-0002-1234' };
    const refused = { kind: 'refused', failure: { code: 'PAY-0102' } };
    expect(await town.gateway.create(T, { ...mine, ...another })).toMatchObject(refused);

    const { expiresAtMs: _, ...coded } = request(ref());
    const card = { ...coded, orderId: mine.orderId, authCode: '130000000000000009' };
    await town.gateway.charge(T, card);
    const asked = town.asked.length;
    expect(await town.gateway.charge(T, { ...card, ...another })).toMatchObject(refused);
    expect(await town.gateway.charge(T, card)).toMatchObject({ kind: 'unknown' });
    expect(town.asked).toHaveLength(asked);
    expect(await orderOf(card.outTradeNo)).toBe(mine.orderId);

    // A trade that was begun without is anybody's.
    const old = request(ref());
    await town.gateway.create(T, old);
    expect(await orderOf(old.outTradeNo)).toBeNull();
    expect((await town.gateway.create(T, { ...old, ...another })).kind).toBe('pending');
  });

  it('refunds: not more than was paid, whatever their numbers; a number stands for one refund', async () => {
    town = await Town.open(engine);
    const r = ref();
    const k = {
      ...r,
      authCode: `13${randomBytes(8).readBigUInt64BE().toString().padStart(16, '0').slice(-16)}`,
      description: 'x',
    };
    await town.gateway.charge(T, k);
    const part = (n: string, refundFen: number) =>
      town.gateway.refund(T, { ...refundOf(r), method: 'code', outRefundNo: n, refundFen });
    expect(['accepted', 'done']).toContain((await part('A', 6_000)).kind);
    expect((await part('A', 5_000)).kind).toBe('refused');
    expect((await part('B', 4_001)).kind).toBe('refused');
    expect(['accepted', 'done']).toContain((await part('A', 6_000)).kind);
    expect((await town.gateway.refund('000000000312', refundOf(r))).kind).toBe('refused');
    expect(town.refunds()).toHaveLength(1);
    // Nor is a wallet asked that might take it.
    expect(town.asked.filter((a) => a.endsWith('.refund'))).toHaveLength(2);
  });

  it('a refund that was refused and is asked for again counts again, under its number', async () => {
    town = await Town.open(engine);
    const r = ref();
    town.pay(await code(await made(r), 'alipay'));
    const ask = (n: string) => town.gateway.refund(T, { ...refundOf(r), outRefundNo: n });
    town.alipay.control.faults({ refundRefused: 1 });
    expect((await ask('A')).kind).toBe('refused');
    // Carried out, and never heard of.
    town.alipay.control.faults({ dropAnswer: 1, only: ['refund'] });
    expect((await ask('A')).kind).toBe('unknown');
    const asked = town.asked.length;
    expect(await ask('B')).toMatchObject({
      kind: 'refused',
      failure: { detail: '10000 fen are handed back already' },
    });
    // The wallet is not asked for what would be twice.
    expect(town.asked).toHaveLength(asked);
    await town.sweepFor(120_000);
    expect(await town.gateway.queryRefund(T, { ...refundOf(r), outRefundNo: 'A' })).toMatchObject({
      kind: 'done',
    });
    expect(town.kept()).toBe(0);

    // Where another refund took its place it stays refused.
    const s = ref();
    town.pay(await code(await made(s), 'alipay'));
    town.alipay.control.faults({ refundRefused: 1 });
    expect((await town.gateway.refund(T, { ...refundOf(s), outRefundNo: 'C' })).kind).toBe(
      'refused',
    );
    expect((await town.gateway.refund(T, { ...refundOf(s), outRefundNo: 'D' })).kind).toBe('done');
    const before = town.asked.length;
    expect((await town.gateway.refund(T, { ...refundOf(s), outRefundNo: 'C' })).kind).toBe(
      'refused',
    );
    expect(town.asked).toHaveLength(before);
  });

  it('money goes back one way: after a refund nothing is reversed, by the terminal or alone', async () => {
    town = await Town.open(engine);
    const k = ref();
    await town.gateway.charge(T, { ...k, authCode: '134567890123456784', description: 'x' });
    town.clock.advance(20_000);
    // Asked for and never heard of: the gateway would go on with it.
    town.wechat.control.faults({ dropRequest: 1, only: ['reverse'] });
    expect((await town.gateway.reverse(T, { ...k, method: 'code' })).kind).toBe('unknown');
    expect(['accepted', 'done']).toContain(
      (await town.gateway.refund(T, { ...refundOf(k), method: 'code' })).kind,
    );
    await town.sweepFor(600_000);
    expect(await town.gateway.reverse(T, { ...k, method: 'code' })).toMatchObject({
      kind: 'refused',
      failure: { detail: 'a refund was asked for' },
    });
    expect(town.asked.filter((a) => a === 'wechat.reverse')).toHaveLength(1);
    expect(town.kept()).toBe(0);
    expect(town.refunds()).toHaveLength(1);
    expect(town.orders().some((o) => o.reversedAtMs !== undefined)).toBe(false);
  });

  it('a refund and a reversal that a terminal asked for and never heard of go on by themselves', async () => {
    town = await Town.open(engine);
    const r = ref();
    town.pay(await code(await made(r), 'wechat'));
    town.wechat.control.faults({ dropRequest: 1, only: ['refund'] });
    expect((await town.gateway.refund(T, refundOf(r))).kind).toBe('unknown');
    const k = ref();
    await town.gateway.charge(T, { ...k, authCode: '281234567890123459', description: 'x' });
    town.alipay.control.faults({ dropRequest: 1, only: ['cancel'] });
    expect((await town.gateway.reverse(T, { ...k, method: 'code' })).kind).toBe('unknown');
    expect(town.kept()).toBe(20_000);
    await town.sweepFor(120_000);
    expect(town.kept()).toBe(0);
  });
});

describe('cut at every point', () => {
  /** A visit as the terminal and two phones make it; each step may be the last. */
  const VISITS: Readonly<
    Record<
      string,
      (w: { r: ReturnType<typeof ref>; k: ReturnType<typeof ref>; urls: string[] }) => Promise<void>
    >
  > = {
    'two wallets, both paid': async ({ r, urls }) => {
      const token = await made(r);
      urls.push(await code(token, 'alipay'));
      urls.push(await code(token, 'wechat'));
      town.pay(urls[1] as string);
      town.pay(urls[0] as string, true);
      await town.gateway.query(T, r);
      town.clock.advance(60_000);
      await town.gateway.sweep();
    },
    'switched back and forth': async ({ r, urls }) => {
      const token = await made(r);
      for (const wallet of ['wechat', 'alipay', 'wechat']) urls.push(await code(token, wallet));
      town.pay(urls[0] as string, true);
      town.pay(urls[2] as string);
      await town.gateway.query(T, r);
    },
    'closed by the terminal': async ({ r, urls }) => {
      urls.push(await code(await made(r), 'wechat'));
      await town.gateway.close(T, r);
      town.pay(urls[0] as string, true);
      await town.gateway.query(T, r);
      await town.gateway.refund(T, refundOf(r));
    },
    'charged and reversed': async ({ k }) => {
      await town.gateway.charge(T, {
        ...k,
        authCode: `28${String(++serial).padStart(16, '0')}`,
        description: 'x',
      });
      await town.gateway.reverse(T, { ...k, method: 'code' });
      await town.gateway.query(T, { ...k, method: 'code' });
    },
  };

  /** The terminal after the restart: it asks until it knows, and hands everything back. */
  async function settle(r: ReturnType<typeof ref>, byCode: boolean): Promise<string> {
    const a = byCode ? { ...r, method: 'code' as const } : r;
    for (let n = 0; n < 20; n++) {
      if (byCode) await town.gateway.reverse(T, a);
      else await town.gateway.close(T, a);
      const told = await town.gateway.query(T, a);
      if (told.kind === 'paid' && !byCode) {
        await town.gateway.refund(T, refundOf(r));
        if ((await town.gateway.queryRefund(T, refundOf(r))).kind === 'done') return 'refunded';
      } else if (['closed', 'not-found', 'refunded'].includes(told.kind)) return told.kind;
      town.clock.advance(5_000);
    }
    return 'not settled';
  }

  for (const [name, visit] of Object.entries(VISITS)) {
    it(name, { timeout: 60_000 }, async () => {
      let tried = 0;
      for (const paidAnyway of [false, true]) {
        for (let at = 1; ; at++) {
          town = await Town.open();
          const w = { r: ref(), k: ref(), urls: [] as string[] };
          town.cut.at = at;
          const { cut } = town;
          let ended = false;
          const done = visit(w).then(() => (ended = true));
          // A gateway that was killed never answers: the visit hangs, and everything that could run
          // has run.
          const whole = await Promise.race([done, idle(() => cut.dead || ended).then(() => ended)]);
          cut.at = null;
          if (!whole) {
            tried += 1;
            town.start();
            // Everything that a phone has seen may still be paid, late.
            if (paidAnyway) for (const url of w.urls) town.pay(url, true);
            await town.gateway.sweep();
          }
          const byCode = name === 'charged and reversed';
          expect(await settle(byCode ? w.k : w.r, byCode), `cut ${at}`).not.toBe('not settled');
          await town.sweepFor(600_000, 60_000);
          expect(town.kept(), `cut ${at}: kept`).toBe(0);
          for (const order of town.orders())
            expect(
              town.refunds().filter((x) => x.outTradeNo === order.outTradeNo).length,
              `cut ${at}`,
            ).toBeLessThanOrEqual(1);
          expect(
            (await town.legs()).filter((l) => l.state === 'parked'),
            `cut ${at}`,
          ).toEqual([]);
          if (whole) break;
          await town.close();
        }
        if (!paidAnyway) await town.close();
      }
      console.log(`gateway, cut points tried, ${name}: ${tried}`);
      expect(tried).toBeGreaterThan(10);
    });
  }
});

/** Resolves when `dead` says so and everything that was to run because of it has run. */
async function idle(dead: () => boolean): Promise<void> {
  for (let quiet = 0; quiet < 20;) {
    await new Promise((resolve) => setImmediate(resolve));
    quiet = dead() ? quiet + 1 : 0;
  }
}

describe('answers about money', () => {
  it('are believed under central’s signature only, and only by the one request that they answer', async () => {
    town = await Town.open();
    const central = createCentral({
      db: town.db,
      ...DEMO_DATA,
      policySigner: quickSigner('policy'),
      answerSigner: quickSigner('answers'),
      gatewaySigner: quickSigner('gateway'),
      verifierOf: quickSigner,
      now: () => town.clock.nowMs(),
      terminals: [T, '000000000312'].map((terminalId) => ({
        terminalId,
        publicKeyPem: terminalId,
      })),
      payments: {
        wallets: town.wallets,
        publicUrl: 'https://pay.example.com',
        clock: {
          ...town.clock,
          nowMs: () => town.clock.nowMs(),
          monoMs: () => 0,
          after: () => () => undefined,
        },
        random,
      },
    });
    await central.open();
    let line: HttpSend = into(central);
    const provider = createGatewayProvider(
      {
        baseUrl: 'http://central',
        terminalId: T,
        signer: quickSigner(T),
        answerKeys: new Keyring(quickSigner('gateway')),
      },
      { clock: town.clock, random, timeoutMs: 5_000, send: (x) => line(x) },
    );
    const r = ref();
    const orderId = 'PL-000000000311-1-0001-1234';
    const words = { hall: `${'城'.repeat(59)}南03号机`, card: '8800 **** 3921' };
    const answer = await provider.create({ ...request(r), orderId, page: words });
    if (answer.kind !== 'pending') throw new Error(JSON.stringify(answer));
    expect(await town.db.query('SELECT order_id, hall, card FROM gateway_trades')).toEqual([
      { order_id: orderId, hall: `${'城'.repeat(59)}南`, card: words.card },
    ]);
    const page = await central.handle({
      method: 'POST',
      target: new URL(answer.qrText).pathname,
      headers: {},
      body: Buffer.from('wallet=wechat'),
    });
    expect(page.status).toBe(303);
    town.pay(page.headers['location'] ?? '');
    expect((await provider.query(r)).kind).toBe('paid');

    // Yesterday's "paid", kept on the way and given to today's question.
    const whole = into(central);
    let kept: Awaited<ReturnType<HttpSend>> | null = null;
    line = async (x) => (kept = await whole(x));
    await provider.query(r);
    line = () => Promise.resolve(kept as unknown as Awaited<ReturnType<HttpSend>>);
    expect(await provider.query(r)).toMatchObject({
      kind: 'unknown',
      failure: { code: 'PAY-0201' },
    });
    // One bit anywhere.
    const bend = (
      how: (a: Awaited<ReturnType<HttpSend>>) => Awaited<ReturnType<HttpSend>>,
    ): void => {
      line = async (x) => how(await whole(x));
    };
    for (const at of [0, 10, 40]) {
      bend((a) => ({
        ...a,
        body: Buffer.from(a.body ?? []).map((b, i) => (i === at ? b ^ 1 : b)),
      }));
      expect(await provider.query(r)).toMatchObject({
        kind: 'unknown',
        failure: { code: 'PAY-0201' },
      });
    }
    // Another key's name; without any it is the answer of a central of before key ids.
    const named = (keyId: string | null) =>
      bend((a) => ({ ...a, header: (n) => (n === ANSWER_KEY ? keyId : a.header(n)) }));
    named('0123456789abcdef');
    expect(await provider.query(r)).toMatchObject({
      kind: 'unknown',
      failure: { code: 'PAY-0201' },
    });
    named(null);
    expect((await provider.query(r)).kind).toBe('paid');
    bend((a) => ({ ...a, status: 202 }));
    expect(await provider.query(r)).toMatchObject({
      kind: 'unknown',
      failure: { code: 'PAY-0201' },
    });
    // Central's, but another terminal's; the policy's own signature is none of an answer.
    const other = createGatewayProvider(
      {
        baseUrl: 'http://central',
        terminalId: '000000000312',
        signer: quickSigner('000000000312'),
        answerKeys: new Keyring(quickSigner('gateway')),
      },
      { clock: town.clock, random, timeoutMs: 5_000, send: whole },
    );
    expect((await other.query(r)).kind).toBe('not-found');
    // Something on the way answers for central.
    for (const status of [200, 301, 400, 403, 404, 409, 429, 500, 502]) {
      line = () =>
        Promise.resolve({
          status,
          header: () => null,
          body: Buffer.from(
            JSON.stringify({
              outTradeNo: r.outTradeNo,
              result: { kind: 'paid', transactionId: '1', amountFen: r.amountFen, paidAtMs: null },
            }),
          ),
        });
      for (const told of [
        await provider.query(r),
        await provider.close(r),
        await provider.refund(refundOf(r)),
        await provider.queryRefund(refundOf(r)),
        await provider.create(request(r)),
      ])
        expect(told.kind, String(status)).toBe('unknown');
    }
    // A central without a gateway says nothing about money.
    await central.close();
  });
});

describe('the migration to the gateway', () => {
  it('comes upon a service that runs', async () => {
    town = await Town.open();
    const db = await openDb('postgres');
    await db.exec(
      'CREATE TABLE schema_migrations (number integer PRIMARY KEY, name text NOT NULL)',
    );
    const mine = MIGRATIONS.findIndex((m) => m.name === 'gateway');
    for (const [i, { name, sql }] of MIGRATIONS.slice(0, mine).entries())
      await db.exec(
        `BEGIN; ${sql}; INSERT INTO schema_migrations VALUES (${i + 1}, '${name}'); COMMIT;`,
      );
    await db.query(`INSERT INTO terminals (terminal_id, public_key, epoch) VALUES ('a', 'k', 1)`);
    await migrate(db);
    const trade = (no: string, token: string | null, state = 'open') =>
      db.query(
        `INSERT INTO gateway_trades (terminal_id, out_trade_no, token, method, amount_fen, description, expires_ms, state, created_ms) VALUES ('a', $1, $2, 'qr', 1, '', 0, $3, 0)`,
        [no, token, state],
      );
    await trade('1', 't');
    await trade('2', null);
    await trade('3', null);
    await expect(trade('1', 'u')).rejects.toMatchObject({ code: '23505' });
    await expect(trade('4', 't')).rejects.toMatchObject({ code: '23505' });
    await expect(trade('5', 'v', 'paid')).rejects.toMatchObject({ code: '23514' });
    await expect(migrate(db)).resolves.toBeUndefined();
    await db.close();
  }, 60_000);
});
