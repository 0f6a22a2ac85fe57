import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../../src/journal/journal.ts';
import { readMoneyDay } from '../../../src/journal/money-day.ts';
import { reconcileDay } from '../../../src/kiosk/reconcile/day.ts';
import type { DayReport } from '../../../src/kiosk/reconcile/report.ts';
import { createAlipayProvider } from '../../../src/payment/alipay/provider.ts';
import type { PaymentProvider } from '../../../src/payment/types.ts';
import { createWechatProvider } from '../../../src/payment/wechat/provider.ts';
import type { HttpSend } from '../../../src/shared/http.ts';
import { ok } from '../../../src/shared/result.ts';
import { rsaSha256Signer, rsaSha256Verifier } from '../../../src/shared/signing.ts';
import { chinaDate, DAY_MS } from '../../../src/shared/time.ts';
import { createAlipaySandbox } from '../../../src/simulator/alipay/sandbox.ts';
import type { AlipaySandbox } from '../../../src/simulator/alipay/sandbox.ts';
import { memoryBooks } from '../../../src/simulator/payment-books.ts';
import type { Books } from '../../../src/simulator/payment-books.ts';
import { createWechatSandbox, generateSandboxKeys } from '../../../src/simulator/wechat/sandbox.ts';
import type { WechatSandbox } from '../../../src/simulator/wechat/sandbox.ts';
import { T0, World } from '../../support/kiosk-world.ts';

/**
 * A kiosk sells for a day over both gateways; then the day is compared, from the journal's file, as
 * the command does.
 */
const TERMINAL = '000000000311';
const TODAY = chinaDate(T0);
let keys: ReturnType<typeof generateSandboxKeys>;
let w: World;
let wechat: WechatSandbox;
let alipay: AlipaySandbox;
let books: { readonly wechat: Books; readonly alipay: Books };
let providers: PaymentProvider[];

/** The adapters' port into a sandbox of the same process. */
const into =
  (sandbox: Pick<WechatSandbox, 'handle'>): HttpSend =>
  async ({ method, target, headers, body }) => {
    await Promise.resolve();
    const lower = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]));
    const answer = sandbox
      .handle({ method, target, headers: lower, body: Buffer.from(body ?? new Uint8Array(0)) })
      .answer(true);
    if (answer.dropped) throw new Error('socket hang up');
    const told = new Map(Object.entries(answer.headers).map(([k, v]) => [k.toLowerCase(), v]));
    return { status: answer.status, header: (name) => told.get(name) ?? null, body: answer.body };
  };

beforeAll(() => {
  keys = generateSandboxKeys();
});
beforeEach(async () => {
  w = new World(['golden', 'good', 'water']);
  books = { wechat: memoryBooks(), alipay: memoryBooks() };
  const common = {
    port: 0,
    dataDir: null,
    now: () => w.clock.nowMs(),
    randomBytes: (n: number) => new Uint8Array(randomBytes(n)),
  };
  wechat = createWechatSandbox({
    ...common,
    books: books.wechat,
    publicUrl: () => 'https://wechat.example',
    merchantPublicKeyPem: keys.merchantPublicKeyPem,
    platformPrivateKeyPem: keys.platformPrivateKeyPem,
    platformSerial: keys.platformSerial,
    mchid: '1900000109',
    appid: 'wxd678efh567hg6787',
  });
  alipay = createAlipaySandbox({
    ...common,
    books: books.alipay,
    publicUrl: () => 'https://alipay.example',
    appPublicKeyPem: keys.merchantPublicKeyPem,
    alipayPrivateKeyPem: keys.platformPrivateKeyPem,
    appId: '2021000000000311',
  });
  const ports = {
    clock: w.clock,
    random: { bytes: (n: number) => new Uint8Array(randomBytes(n)) },
    timeoutMs: 8_000,
  };
  providers = [
    createWechatProvider(
      {
        baseUrl: 'https://wechat.example',
        mchid: '1900000109',
        appid: 'wxd678efh567hg6787',
        merchantSerial: keys.merchantSerial,
        merchantSigner: rsaSha256Signer(keys.merchantPrivateKeyPem),
        platformKeys: new Map([
          [keys.platformSerial, rsaSha256Verifier(keys.platformPublicKeyPem)],
        ]),
        notifyUrl: 'https://pay.example.com/notify',
        storeOutId: '0311',
      },
      { ...ports, send: into(wechat) },
    ),
    createAlipayProvider(
      {
        baseUrl: 'https://alipay.example',
        appId: '2021000000000311',
        appSigner: rsaSha256Signer(keys.merchantPrivateKeyPem),
        alipayKey: rsaSha256Verifier(keys.platformPublicKeyPem),
        protocol: 'v3',
        storeId: '0311',
      },
      { ...ports, send: into(alipay) },
    ),
  ];
  w.providers = providers;
  await w.start();
});
afterEach(async () => {
  await w.close();
});

const qr = (): string => w.shown('pay').qrText ?? '';
async function leave(id: string): Promise<void> {
  await w.remove();
  await w.untilScreen('start');
  w.visitMeter(id);
}
async function sale(id: string, pay: (code: string) => void): Promise<void> {
  await w.toPay(id);
  pay(qr());
  await w.untilScreen('done');
  await leave(id);
}
/** Sold by the customer's code. */
async function codeSale(id: string, code: string): Promise<void> {
  await w.toPay(id);
  await w.scan(code);
  await w.untilScreen('done');
  await leave(id);
}
/**
 * The password is typed while the line is dead: by the time it is back the kiosk wants the payment
 * no more, and takes it back.
 */
async function reversal(id: string): Promise<string> {
  await w.toPay(id);
  wechat.control.faults({ askPassword: 1 });
  await w.scan('134567890123456789');
  await w.until('asked', () => w.shown('pay').state === 'paying');
  const no = w.attempt().outTradeNo;
  wechat.control.faults({ dropRequest: 1_000 });
  wechat.control.pay({ codeUrl: 'auth:134567890123456789' });
  await w.until('closing', () => w.attempt().state === 'closing');
  wechat.control.faults({ reset: true });
  await w.until('taken back', () =>
    w.journal
      .attemptsOf(w.order().orderId)
      .some((a) => a.outTradeNo === no && a.state === 'closed'),
  );
  await w.until('the QR code again', () => w.screen !== 'pay' || w.shown('pay').cancelOffered);
  if (w.screen === 'pay') await w.tap('cancel');
  await w.remove();
  await w.untilScreen('start');
  return no;
}
/** Cancelled, and then paid all the same. */
async function lateCapture(id: string): Promise<void> {
  await w.toPay(id);
  const code = qr();
  await w.tap('cancel');
  await w.remove();
  await w.until('closed', () => w.attempt().state === 'closed');
  wechat.control.pay({ codeUrl: code, late: true });
  await w.until('refunded', () => w.attempt().state === 'refunded', 900_000);
  await w.untilScreen('start');
}

/** The next day at 11:00 in China. */
const morningAfter = (date = TODAY): number => Date.parse(`${date}T11:00:00+08:00`) + DAY_MS;
async function compare(date = TODAY, over: { readonly nowMs?: number } = {}): Promise<DayReport> {
  await w.until('uploaded', () => w.journal.unsent(1) === null);
  const shift = (over.nowMs ?? morningAfter(date)) - w.clock.nowMs();
  w.clock.step(shift);
  const db = new Database(Journal.file(join(w.folder, 'data')), {
    readonly: true,
    fileMustExist: true,
  });
  try {
    const report = await reconcileDay(date, {
      terminalId: TERMINAL,
      providers,
      money: (q) => readMoneyDay(db, q),
      ledger: (day) => Promise.resolve(ok(w.central.ledger(day))),
      nowMs: () => w.clock.nowMs(),
    });
    if (!report.ok) throw new Error(report.error);
    return report.value;
  } finally {
    db.close();
    w.clock.step(-shift);
  }
}
const told = (r: DayReport): string[] =>
  r.differences.map((d) => `${d.provider} ${d.type}${d.person ? '' : ' (nobody)'}`);

describe('a day of sales over both gateways', () => {
  it('all agree: QR and code, a late capture, a refund, a reversal, an unpaid end', async () => {
    await sale('golden', (code) => wechat.control.pay({ codeUrl: code }));
    await codeSale('good', '101112131415161718');
    await codeSale('water', '2867890123456789');
    await lateCapture('golden');
    const taken = await reversal('golden');
    const report = await compare();
    expect(report.differences).toEqual([]);
    expect(report).toMatchObject({ complete: true, persons: 0, ledger: 'compared' });
    expect(
      report.providers.map((p) => [
        p.provider,
        p.payments.count,
        p.refunds.count,
        p.reversals.count,
        p.others.count,
      ]),
    ).toEqual([
      ['wechat', 4, 1, 1, 0],
      ['alipay', 1, 0, 0, 0],
    ]);
    expect(books.wechat.orders.get(taken)?.reversedAtMs).toBeDefined();
  });

  it('a capture one second before midnight, told after it, is right on both days', async () => {
    await w.run(4 * 3_600_000 - 60_000 - (w.clock.nowMs() - T0), 60_000);
    await w.toPay('golden');
    // Paid in the day's last moment, while nobody is told.
    while (chinaDate(w.clock.nowMs() + 500) === TODAY) await w.run(250);
    wechat.control.pay({ codeUrl: qr() });
    await w.untilScreen('done');
    const next = chinaDate(w.clock.nowMs());
    expect(next).not.toBe(TODAY);
    expect(told(await compare())).toEqual([]);
    expect((await compare()).providers[0]?.payments.count).toBe(1);
    const after = await compare(next);
    expect(told(after)).toEqual([]);
    expect(after.providers[0]?.payments.count).toBe(0);
    expect(after.complete).toBe(true);
  });

  it('finds each difference that is made on purpose', async () => {
    await sale('golden', (code) => wechat.control.pay({ codeUrl: code }));
    await codeSale('water', '2867890123456789');
    await lateCapture('golden');
    const [sold, paidByCode, late] = w
      .attempts()
      .filter((a) => a.state === 'paid' || a.state === 'refunded')
      .toSorted((a, b) => a.createdMs - b.createdMs);
    if (sold === undefined || paidByCode === undefined || late === undefined)
      throw new Error('three were sold');
    const order = books.wechat.orders.get(sold.outTradeNo);
    const refund = books.wechat.refunds.get(late.outRefundNo);
    const code = books.alipay.orders.get(paidByCode.outTradeNo);
    if (order === undefined || refund === undefined || code === undefined)
      throw new Error('not in the books');
    const put = async (change: () => void, undo: () => void): Promise<string[]> => {
      change();
      const found = told(await compare());
      undo();
      return found;
    };
    const same = (): void => books.wechat.putOrder(order);
    expect(await put(() => books.wechat.putOrder({ ...order, total: 9_999 }), same)).toEqual([
      'wechat amount-differs',
    ]);
    expect(await put(() => books.wechat.putOrder({ ...order, paidAtMs: null }), same)).toEqual([
      'wechat order-not-captured',
    ]);
    expect(
      await put(
        () => books.wechat.putOrder({ ...order, paidAtMs: (order.paidAtMs ?? 0) - 3 * DAY_MS }),
        same,
      ),
    ).toEqual(['wechat order-not-captured']);
    expect(
      await put(() => books.wechat.putOrder({ ...order, reversedAtMs: order.paidAtMs ?? 0 }), same),
    ).toEqual(['wechat refund-unknown']);
    expect(
      await put(
        () => books.alipay.putOrder({ ...code, reversedAtMs: code.paidAtMs ?? 0 }),
        () => books.alipay.putOrder(code),
      ),
    ).toEqual(['alipay refund-unknown']);
    expect(
      await put(
        () => books.wechat.putRefund({ ...refund, createdAtMs: refund.createdAtMs - 3 * DAY_MS }),
        () => books.wechat.putRefund(refund),
      ),
    ).toEqual(['wechat refund-missing']);
    expect(
      await put(
        () => books.wechat.putRefund({ ...refund, refund: 1 }),
        () => books.wechat.putRefund(refund),
      ),
    ).toEqual(['wechat amount-differs']);
    expect(
      await put(
        () => books.wechat.putOrder({ ...order, outTradeNo: `P${TERMINAL}E1N0099A1XABCDE` }),
        () =>
          books.wechat.putOrder({
            ...order,
            outTradeNo: `P${TERMINAL}E1N0099A1XABCDE`,
            paidAtMs: null,
          }),
      ),
    ).toEqual(['wechat captured-no-order']);
    // A shop's own trades and another terminal's are nobody's business here.
    expect(
      await put(
        () => books.wechat.putOrder({ ...order, outTradeNo: 'P000000000312E1N0001A1XABCDE' }),
        () => undefined,
      ),
    ).toEqual([]);
    // Back as it was.
    expect(told(await compare())).toEqual([]);
    // Central lost one, has one more, and has another sum.
    const all = w.central.ledger(TODAY);
    const first = all[0];
    if (first === undefined) throw new Error('an empty ledger');
    w.central.ledgerSays = all.slice(1);
    expect(told(await compare())).toEqual(['wechat ledger-missing']);
    w.central.ledgerSays = [{ ...first, amountFen: 1 }, ...all.slice(1)];
    expect(told(await compare())).toEqual(['wechat ledger-differs']);
    w.central.ledgerSays = [...all, { ...first, orderId: 'another', attemptId: 'another/1' }];
    expect((await compare()).differences.map((d) => d.type)).toEqual(['ledger-differs']);
  });

  it('a bill that was cut short, is not made yet, or does not come: nobody is accused', async () => {
    await sale('golden', (code) => wechat.control.pay({ codeUrl: code }));
    expect(await compare(TODAY, { nowMs: w.clock.nowMs() })).toMatchObject({
      complete: false,
      differences: [],
      providers: [{ bill: 'not-ready' }, { bill: 'not-ready' }],
    });
    for (const fault of ['billHash', 'tamperBody', 'dropAnswer', 'unsigned'] as const) {
      wechat.control.faults({ [fault]: 1 });
      expect(await compare()).toMatchObject({
        complete: false,
        persons: 0,
        providers: [{ bill: 'unknown' }, { bill: 'nothing' }],
      });
    }
    expect(await compare()).toMatchObject({ complete: true, persons: 0, differences: [] });
  });

  it('“no bill” of a day with sales is asked for again, of either platform', async () => {
    await sale('golden', (code) => wechat.control.pay({ codeUrl: code }));
    await codeSale('water', '2867890123456789');
    wechat.control.faults({ billNone: 1 });
    alipay.control.faults({ billNone: 1 });
    expect(await compare()).toMatchObject({
      complete: false,
      persons: 0,
      providers: [
        { bill: 'not-ready', complete: false },
        { bill: 'not-ready', complete: false },
      ],
    });
    expect(await compare()).toMatchObject({ complete: true, persons: 0, differences: [] });
    // Four days later somebody looks for it.
    wechat.control.faults({ billNone: 1 });
    expect(told(await compare(TODAY, { nowMs: morningAfter() + 3 * DAY_MS }))).toEqual([
      'wechat not-yet (nobody)',
      'wechat bill-missing',
    ]);
  });

  it('other shops’ rows, whatever they hold, are nobody’s business', async () => {
    await codeSale('water', '2867890123456789');
    alipay.control.faults({ billShops: 1 });
    const report = await compare();
    expect(report).toMatchObject({ complete: true, differences: [] });
    expect(report.providers[1]).toMatchObject({
      payments: { count: 1, fen: 10_000 },
      others: { count: 3, fen: 2_970 },
    });
  });

  it('a refund that did not reach the customer is told as that, not as gone back', async () => {
    wechat.control.faults({ refundAbnormal: 1 });
    await w.toPay('golden');
    const code = qr();
    await w.tap('cancel');
    await w.remove();
    await w.until('closed', () => w.attempt().state === 'closed');
    wechat.control.pay({ codeUrl: code, late: true });
    await w.until('parked', () => w.attempt().state === 'parked', 900_000);
    const report = await compare();
    expect(told(report)).toEqual(['wechat refund-failed']);
    expect(report.differences[0]).toMatchObject({ did: 'parked', billFen: 10_000 });
    expect(report.providers[0]?.refunds.count).toBe(0);
  });
});
