import { randomBytes } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createWechatProvider } from '../../../src/payment/wechat/provider.ts';
import { parseTradeBill } from '../../../src/payment/wechat/bill.ts';
import type { ChargeResult, CodePay, PaymentProvider } from '../../../src/payment/types.ts';
import { rsaSha256Signer, rsaSha256Verifier } from '../../../src/shared/signing.ts';
import { createWechatSandbox, generateSandboxKeys } from '../../../src/simulator/wechat/sandbox.ts';
import type { SandboxFaults, WechatSandbox } from '../../../src/simulator/wechat/sandbox.ts';
import { ManualClock } from '../../support/clock.ts';

/** The customer's code, reversals and bills, against the gateway's own rules; time is the test's. */
const T0 = Date.parse('2026-11-22T12:00:00+08:00');
const keys = generateSandboxKeys();
let clock: ManualClock;
let sandbox: WechatSandbox;
let provider: PaymentProvider;
let code: CodePay;
let serial = 0;
let origin = '';

beforeEach(async () => {
  await sandbox?.close();
  clock = new ManualClock(T0);
  sandbox = createWechatSandbox({
    port: 0,
    dataDir: null,
    merchantPublicKeyPem: keys.merchantPublicKeyPem,
    platformPrivateKeyPem: keys.platformPrivateKeyPem,
    platformSerial: keys.platformSerial,
    mchid: '1900000109',
    appid: 'wxd678efh567hg6787',
    now: () => clock.nowMs(),
    randomBytes,
  });
  origin = (await sandbox.start()).baseUrl;
  provider = createWechatProvider(
    {
      baseUrl: origin,
      mchid: '1900000109',
      appid: 'wxd678efh567hg6787',
      merchantSerial: keys.merchantSerial,
      merchantSigner: rsaSha256Signer(keys.merchantPrivateKeyPem),
      platformKeys: new Map([[keys.platformSerial, rsaSha256Verifier(keys.platformPublicKeyPem)]]),
      notifyUrl: 'https://pay.example.com/notify',
      storeOutId: '0311',
    },
    { clock, random: { bytes: (n) => randomBytes(n) }, timeoutMs: 5_000 },
  );
  if (provider.code === undefined) throw new Error('no code pay');
  code = provider.code;
});
afterAll(async () => {
  await sandbox.close();
});

const faults = (f: SandboxFaults): void => sandbox.control.faults(f);
const next = (): { outTradeNo: string; amountFen: number; method: 'code' } => ({
  outTradeNo: `PL0311CODE${String(++serial).padStart(8, '0')}`,
  amountFen: 10_000,
  method: 'code',
});
const authCode = (): string => `13${String(++serial).padStart(16, '0')}`;
const charge = (ref = next(), auth = authCode()): Promise<ChargeResult> =>
  code.charge({ ...ref, authCode: auth, description: '燃气充值' });

describe('the customer’s code', () => {
  it('is charged at once, and the query says the same', async () => {
    const ref = next();
    const paid = await charge(ref);
    expect(paid).toMatchObject({ kind: 'paid', amountFen: 10_000 });
    expect(await provider.query(ref)).toMatchObject({
      kind: 'paid',
      amountFen: 10_000,
      transactionId: (paid as { transactionId: string }).transactionId,
    });
  });

  it('202 is an answer: paying, then paid; above ¥1,000 always', async () => {
    const ref = { ...next(), amountFen: 100_001 };
    const auth = authCode();
    expect(await charge(ref, auth)).toEqual({ kind: 'paying' });
    expect(await provider.query(ref)).toEqual({ kind: 'paying' });
    expect(sandbox.control.pay({ codeUrl: `auth:${auth}` })).toMatchObject({ paid: true });
    expect(await provider.query(ref)).toMatchObject({ kind: 'paid', amountFen: 100_001 });
  });

  const declined: readonly (readonly [SandboxFaults, string])[] = [
    [{ balanceShort: 1 }, 'PAY-0401'],
    [{ riskRefused: 1 }, 'PAY-0402'],
    [{ codeDead: 1 }, 'PAY-0402'],
    [{ codeExpired: 1 }, 'PAY-0403'],
  ];
  for (const [fault, expected] of declined) {
    it(`${Object.keys(fault)[0]} is a definite no, and there is nothing to take back`, async () => {
      const ref = next();
      faults(fault);
      expect(await charge(ref)).toMatchObject({ kind: 'refused', failure: { code: expected } });
      expect(['closed', 'not-found']).toContain((await provider.query(ref)).kind);
    });
  }

  it('a code that was used, and one that is none', async () => {
    const auth = authCode();
    await charge(next(), auth);
    expect(await charge(next(), auth)).toMatchObject({
      kind: 'refused',
      failure: { code: 'PAY-0403' },
    });
    expect(await charge(next(), '2812345678901234')).toMatchObject({
      kind: 'refused',
      failure: { code: 'PAY-0403' },
    });
  });

  it('whatever is lost, late, broken or unsigned is unknown, never a no', async () => {
    for (const fault of [
      'dropRequest',
      'dropAnswer',
      'error500',
      'error500Before',
      'rateLimit',
      'tamperBody',
      'tamperSignature',
      'tamperTimestamp',
      'tamperNonce',
      'wrongSerial',
      'unsigned',
      'signTest',
    ] as const) {
      faults({ reset: true, [fault]: 1 });
      expect([fault, (await charge()).kind]).toEqual([fault, 'unknown']);
      const ref = next();
      await charge(ref);
      clock.advance(16_000);
      faults({ reset: true, [fault]: 1 });
      expect([fault, (await code.reverse(ref)).kind]).toEqual([fault, 'unknown']);
    }
  });

  it('a number that was there before is for the query to judge', async () => {
    const ref = next();
    await charge(ref);
    expect((await charge(ref)).kind).toBe('unknown');
    expect((await provider.query(ref)).kind).toBe('paid');
  });

  it('is reversed after fifteen seconds: a paid one goes back whole, an unpaid one is closed', async () => {
    const paid = next();
    await charge(paid);
    expect((await code.reverse(paid)).kind).toBe('unknown');
    clock.advance(15_001);
    expect(await code.reverse(paid)).toEqual({ kind: 'reversed', refunded: null });
    expect(await provider.query(paid)).toEqual({ kind: 'closed' });
    expect(
      sandbox.control.books().orders.find((o) => o.outTradeNo === paid.outTradeNo)?.reversedAtMs,
    ).toBeDefined();
    // Once more changes nothing.
    expect((await code.reverse(paid)).kind).toBe('reversed');
    const waiting = next();
    faults({ askPassword: 1 });
    await charge(waiting);
    clock.advance(15_001);
    expect((await code.reverse(waiting)).kind).toBe('reversed');
    expect(await provider.query(waiting)).toEqual({ kind: 'closed' });
    expect(await code.reverse(next())).toEqual({ kind: 'not-found' });
    // Reversed is handed back: a refund on top of it is refused.
    expect(
      await provider.refund({ ...paid, outRefundNo: 'R1', refundFen: 10_000, reason: 'x' }),
    ).toMatchObject({ kind: 'refused' });
  });

  it('too old, or refunded already: not reversed any more', async () => {
    const ref = next();
    await charge(ref);
    await provider.refund({ ...ref, outRefundNo: 'R2', refundFen: 10_000, reason: 'x' });
    clock.advance(16_000);
    expect((await code.reverse(ref)).kind).toBe('refused');
    const old = next();
    await charge(old);
    clock.step(8 * 86_400_000);
    expect((await code.reverse(old)).kind).toBe('refused');
  });

  it('nobody confirms it: the platform withdraws it by itself', async () => {
    const ref = next();
    faults({ askPassword: 1 });
    await charge(ref);
    clock.advance(46_000);
    expect(await provider.query(ref)).toEqual({ kind: 'closed' });
  });
});

describe('the trade bill', () => {
  it('has every capture, refund and reversal, in fen', async () => {
    const a = next();
    const b = next();
    const c = { outTradeNo: `PL0311QR${String(++serial).padStart(8, '0')}`, amountFen: 5_005 };
    await charge(a);
    await charge(b);
    const qr = await provider.create({
      ...c,
      description: '燃气充值',
      expiresAtMs: clock.nowMs() + 120_000,
    });
    if (qr.kind !== 'pending') throw new Error(qr.kind);
    sandbox.control.pay({ codeUrl: qr.qrText });
    await provider.refund({ ...c, outRefundNo: 'RC', refundFen: 5_005, reason: 'x' });
    clock.advance(16_000);
    await code.reverse(b);
    const date = '2026-11-22';
    expect(await provider.downloadBill?.(date)).toMatchObject({ kind: 'not-ready' });
    clock.step(86_400_000);
    const bill = await provider.downloadBill?.(date);
    if (bill?.kind !== 'bill') throw new Error(JSON.stringify(bill));
    expect(bill.rows.map((r) => [r.kind, r.outTradeNo, r.amountFen, r.outRefundNo])).toEqual([
      ['payment', a.outTradeNo, 10_000, ''],
      ['payment', b.outTradeNo, 10_000, ''],
      ['payment', c.outTradeNo, 5_005, ''],
      ['refund', c.outTradeNo, 5_005, 'RC'],
      ['reversal', b.outTradeNo, 10_000, ''],
    ]);
    faults({ billHash: 1 });
    expect(await provider.downloadBill?.(date)).toMatchObject({
      kind: 'unknown',
      failure: { code: 'PAY-0201' },
    });
    expect(await provider.downloadBill?.('2026-11-20')).toEqual({ kind: 'none' });
    faults({ tamperBody: 1 });
    expect(await provider.downloadBill?.(date)).toMatchObject({ kind: 'unknown' });
  });

  it('counts a payment with a coupon, and its refund, with the whole sum', async () => {
    const c = { outTradeNo: `PL0311QR${String(++serial).padStart(8, '0')}`, amountFen: 10_000 };
    const qr = await provider.create({
      ...c,
      description: '燃气充值',
      expiresAtMs: clock.nowMs() + 120_000,
    });
    if (qr.kind !== 'pending') throw new Error(qr.kind);
    sandbox.control.pay({ codeUrl: qr.qrText, couponFen: 1_000 });
    expect(await provider.query(c)).toMatchObject({ kind: 'paid', amountFen: 10_000 });
    await provider.refund({ ...c, outRefundNo: 'RC', refundFen: 10_000, reason: 'x' });
    const date = new Date(clock.nowMs() + 8 * 3_600_000).toISOString().slice(0, 10);
    clock.step(86_400_000);
    const bill = await provider.downloadBill?.(date);
    if (bill?.kind !== 'bill') throw new Error(JSON.stringify(bill));
    expect(
      bill.rows.filter((r) => r.outTradeNo === c.outTradeNo).map((r) => [r.kind, r.amountFen]),
    ).toEqual([
      ['payment', 10_000],
      ['refund', 10_000],
    ]);
  });

  it('that is cut short is no bill', () => {
    const head =
      '交易时间,微信订单号,商户订单号,交易状态,商户退款单号,退款金额,退款状态,订单金额,申请退款金额';
    const row = '`2026-11-22 10:00:00,`T1,`P1,`SUCCESS,`0,`0.00,`,`100.00,`0.00';
    const totals = '总交易单数,x\r\n`1,`100.00';
    expect(parseTradeBill(`${head}\r\n${row}\r\n${totals}`)).toMatchObject({
      kind: 'bill',
      rows: [{ amountFen: 10_000 }],
    });
    for (const text of [
      `${head}\r\n${row}`,
      `${head}\r\n${totals}`,
      `${head.replace(',订单金额', ',金额')}\r\n${row}\r\n${totals}`,
      `${head.replace('申请退款金额', '金额')}\r\n${row}\r\n${totals}`,
      row,
      '',
    ]) {
      expect(parseTradeBill(text).kind).toBe('unknown');
    }
  });
});
