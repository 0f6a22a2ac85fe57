import { quickSigner } from '../central/harness.ts';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPaymentGateway } from '../../../src/central/gateway/gateway.ts';
import { migrate } from '../../../src/central/db/migrate.ts';
import { loadPayments } from '../../../src/payment/load.ts';
import type { PaymentProvider } from '../../../src/payment/types.ts';
import { createUnionpayProvider } from '../../../src/payment/unionpay/provider.ts';
import { openBodySig } from '../../../src/payment/unionpay/sign.ts';
import type { HttpRequest } from '../../../src/shared/http.ts';
import { terminalConfigSchema } from '../../../src/shared/config/terminal.ts';
import { createUnionpaySandbox } from '../../../src/simulator/unionpay/sandbox.ts';
import type { UnionpaySandbox } from '../../../src/simulator/unionpay/sandbox.ts';
import { ManualClock } from '../../support/clock.ts';
import { sandboxSend } from '../../support/sandbox-send.ts';
import { edKeys, openDb } from '../central/harness.ts';

const T0 = Date.parse('2026-11-22T12:00:00+08:00');
const KEY = 'key of the application'.replaceAll(' ', '-');
const NAMES = {
  appId: 'ums01',
  mid: '898340149000005',
  tid: '00000001',
  msgSrcId: '3194',
} as const;
const random = { bytes: (n: number) => randomBytes(n) };
const no = { outTradeNo: 'P311E1N0001A1', amountFen: 10_000 };
const refund = { ...no, outRefundNo: 'R311E1N0001A1', refundFen: 10_000, reason: '退款' };

let clock: ManualClock;
let sandbox: UnionpaySandbox;
let sent: HttpRequest[];
let p: PaymentProvider;
const provider = (answers: 'signed' | 'tls' = 'signed'): PaymentProvider => {
  const send = sandboxSend(sandbox);
  return createUnionpayProvider(
    {
      baseUrl: 'http://ums',
      ...NAMES,
      rule: openBodySig(NAMES.appId, Buffer.from(KEY), answers),
      notifyUrl: 'https://pay.example.com/n',
      refundQueryPath: '/v1/netpay/bills/refund-query',
    },
    {
      clock,
      random,
      timeoutMs: 5_000,
      send: (request) => {
        sent.push(request);
        return send(request);
      },
    },
  );
};
beforeEach(() => {
  clock = new ManualClock(T0);
  sandbox = createUnionpaySandbox({
    port: 0,
    ...NAMES,
    appKey: KEY,
    now: () => clock.nowMs(),
    randomBytes,
  });
  sent = [];
  p = provider();
});
const create = (over: Partial<{ expiresAtMs: number; amountFen: number }> = {}) =>
  p.create({ ...no, description: '燃气充值', expiresAtMs: clock.nowMs() + 120_000, ...over });
const bodyOf = (r: HttpRequest | undefined) =>
  JSON.parse(Buffer.from(r?.body ?? []).toString('utf8')) as Record<string, unknown>;

describe('UnionPay’s bills', () => {
  it('the request as the contract has it', async () => {
    await create();
    expect(sent[0]).toMatchObject({ method: 'POST', target: '/v1/netpay/bills/get-qrcode' });
    expect(bodyOf(sent[0])).toMatchObject({
      mid: NAMES.mid,
      tid: NAMES.tid,
      instMid: 'QRPAYDEFAULT',
      billNo: `3194${no.outTradeNo}`,
      billDate: '2026-11-22',
      totalAmount: 10_000,
      expireTime: '2026-11-22 12:02:00',
      requestTimestamp: '2026-11-22 12:00:00',
    });
  });

  it('midnight: one bill whichever day it is asked for, found on its day, closed and refunded there', async () => {
    clock.step(Date.parse('2026-11-22T23:59:30+08:00') - T0);
    const end = clock.nowMs() + 120_000;
    const first = await create({ expiresAtMs: end });
    clock.advance(60_000);
    const again = await create({ expiresAtMs: end });
    expect(again).toEqual(first);
    expect(sandbox.control.books().orders).toHaveLength(1);
    if (first.kind !== 'pending') throw new Error(JSON.stringify(first));
    sandbox.control.pay({ codeUrl: first.qrText });
    expect(await p.query(no)).toMatchObject({ kind: 'paid', amountFen: 10_000 });
    // A kiosk that was dark for weeks still finds what it was paid, as long as it tells the bill's
    // end.
    clock.step(20 * 86_400_000);
    const told = { ...no, expiresAtMs: end };
    expect(await p.query(told)).toMatchObject({ kind: 'paid', amountFen: 10_000 });
    expect(await p.close(told)).toEqual({ kind: 'paid' });
    expect(await p.refund({ ...refund, expiresAtMs: end })).toMatchObject({ kind: 'done' });
    expect(await p.queryRefund({ ...refund, expiresAtMs: end })).toMatchObject({
      kind: 'done',
      refundFen: 10_000,
    });
  });

  it('a bill on which the line breaks while its days are looked through is unknown, not absent', async () => {
    sandbox.control.faults({ dropRequest: 1 });
    expect((await p.query(no)).kind).toBe('unknown');
    expect((await p.query(no)).kind).toBe('not-found');
    expect(sent.slice(-3).map((r) => bodyOf(r)['billDate'])).toEqual([
      '2026-11-22',
      '2026-11-21',
      '2026-11-20',
    ]);
  });

  it('a refund that failed, one not sure, and a bill not sure', async () => {
    const made = await create();
    if (made.kind !== 'pending') throw new Error(JSON.stringify(made));
    sandbox.control.faults({ notSure: 1 });
    expect(await p.query(no)).toMatchObject({ kind: 'unknown', failure: { code: 'PAY-0203' } });
    sandbox.control.pay({ codeUrl: made.qrText });
    sandbox.control.faults({ refundFails: 1 });
    expect(await p.refund(refund)).toMatchObject({
      kind: 'refused',
      failure: { code: 'PAY-0301' },
    });
    expect(await p.queryRefund(refund)).toMatchObject({
      kind: 'abnormal',
      failure: { code: 'PAY-0301' },
    });
  });

  it('answers: old ones and unsigned ones are not believed; over TLS alone they may be', async () => {
    await create();
    for (const fault of ['skew', 'unsigned', 'tamperSignature'] as const) {
      sandbox.control.faults({ reset: true, [fault]: 1 });
      expect(await p.query(no), fault).toMatchObject({
        kind: 'unknown',
        failure: { code: 'PAY-0201' },
      });
    }
    sandbox.control.faults({ reset: true, unsigned: 1 });
    expect((await provider('tls').query(no)).kind).toBe('pending');
  });

  it('one wallet of the gateway', async () => {
    const db = await openDb('sqlite');
    await migrate(db);
    await db.query(`INSERT INTO terminals (terminal_id, public_key, epoch) VALUES ('1', 'k', 1)`);
    const gateway = createPaymentGateway(() => db, {
      wallets: [p],
      publicUrl: 'https://pay.example.com',
      receipts: quickSigner('gateway'),
      clock,
      random,
    });
    const made = await gateway.create('1', {
      ...no,
      description: 'x',
      expiresAtMs: clock.nowMs() + 120_000,
    });
    if (made.kind !== 'pending') throw new Error(JSON.stringify(made));
    const opened = await gateway.openPage(
      made.qrText.slice(made.qrText.lastIndexOf('/') + 1),
      null,
      'Mozilla/5.0 UnionPay/1.0',
    );
    if (opened.kind !== 'go') throw new Error(JSON.stringify(opened));
    sandbox.control.pay({ codeUrl: opened.url });
    expect(await gateway.query('1', no)).toMatchObject({ kind: 'paid' });
    expect(
      (
        await gateway.charge('1', {
          outTradeNo: 'P311E1N0002A1',
          amountFen: 1,
          authCode: '6212345678901234567',
          description: 'x',
        })
      ).kind,
    ).toBe('refused');
    await db.close();
  });
});

// ---- the code table ----
const VERBS = ['create', 'query', 'close', 'refund', 'queryRefund'] as const;
const BUSY = VERBS.map(() => 'unknown PAY-0203');
const CONFIG = ['refused PAY-0204', ...VERBS.slice(1).map(() => 'unknown PAY-0204')];
const TABLE: readonly (readonly [codes: readonly string[], ...results: readonly string[]])[] = [
  [
    ['NO_ORDER', 'NO_BILL', 'BILL_NOT_EXIST', 'ORDER_NOT_EXIST'],
    'unknown PAY-0201',
    'not-found',
    'not-found',
    'refused PAY-0301',
    'not-found',
  ],
  // Whatever stands under the number its query tells: here that is not told either.
  [
    ['DUP_ORDER', 'ORDER_DUPLICATE', 'DUP_BILL'],
    'unknown PAY-0201',
    'unknown PAY-0201',
    'unknown PAY-0201',
    'unknown PAY-0201',
    'unknown PAY-0201',
  ],
  [
    ['INTERNAL_ERROR', 'NO_SERVICE', 'NET_ERROR', 'TIMEOUT', 'ORDER_PROCESSING', 'SYSTEM_ERROR'],
    ...BUSY,
  ],
  [
    [
      'BAD_REQUEST',
      'INVALID_PARAMETER',
      'NO_MERCHANT',
      'INACTIVE_MERCHANT',
      'ABNORMAL_REQUEST_TIME',
      'SIGN_ERROR',
      'AUTH_ERROR',
    ],
    ...CONFIG,
  ],
  [
    [
      'OPERATION_NOT_ALLOWED',
      'INVALID_ORDER',
      'TARGET_FAIL',
      'REFUND_EXCEED',
      'ORDER_EXPIRED',
      'LIMIT_ERROR',
    ],
    'refused PAY-0102',
    'unknown PAY-0201',
    'unknown PAY-0201',
    'unknown PAY-0201',
    'unknown PAY-0201',
  ],
  [
    ['BALANCE_NOT_ENOUGH'],
    'unknown PAY-0201',
    'unknown PAY-0201',
    'unknown PAY-0201',
    'unknown PAY-0201',
    'unknown PAY-0201',
  ],
  [['SOMETHING_NEW'], ...VERBS.map(() => 'unknown PAY-0201')],
];
let cases = 0;
afterAll(() => {
  console.log(`UnionPay code table: ${cases} cases`);
});
describe('UnionPay’s code table', () => {
  const says = (code: string, status = 200): PaymentProvider => {
    const body = Buffer.from(JSON.stringify({ errCode: code, errMsg: '…' }));
    return createUnionpayProvider(
      {
        baseUrl: 'http://ums',
        ...NAMES,
        rule: openBodySig(NAMES.appId, Buffer.from(KEY), 'signed'),
        notifyUrl: 'https://pay.example.com/n',
        refundQueryPath: '/v1/netpay/bills/refund-query',
      },
      {
        clock,
        random,
        timeoutMs: 5_000,
        send: () =>
          Promise.resolve({
            status,
            header: () =>
              openBodySig(NAMES.appId, Buffer.from(KEY), 'signed').authorization(
                body,
                clock.nowMs(),
                'N',
              ),
            body,
          }),
      },
    );
  };
  const told = async (q: PaymentProvider, verb: (typeof VERBS)[number]): Promise<string> => {
    const r = await {
      create: () => q.create({ ...no, description: 'x', expiresAtMs: clock.nowMs() + 120_000 }),
      query: () => q.query(no),
      close: () => q.close(no),
      refund: () => q.refund(refund),
      queryRefund: () => q.queryRefund(refund),
    }[verb]();
    return 'failure' in r ? `${r.kind} ${r.failure.code}` : r.kind;
  };
  for (const [codes, ...results] of TABLE) {
    for (const code of codes) {
      it(code, async () => {
        for (const [i, verb] of VERBS.entries()) {
          expect(await told(says(code), verb), verb).toBe(results[i]);
          cases += 1;
        }
      });
    }
  }
  it('whatever the code, 429 and 5xx mean that nobody knows', async () => {
    for (const status of [429, 500, 503])
      for (const verb of VERBS)
        expect(await told(says('OPERATION_NOT_ALLOWED', status), verb)).toBe('unknown PAY-0203');
  });
  it('a refund that the acquirer itself refuses, defers, or has had before', async () => {
    const made = await create();
    if (made.kind !== 'pending') throw new Error(JSON.stringify(made));
    expect(await p.refund(refund)).toMatchObject({ kind: 'refused' });
    sandbox.control.pay({ codeUrl: made.qrText });
    sandbox.control.faults({ notEnough: 1 });
    expect(await p.refund(refund)).toMatchObject({
      kind: 'unknown',
      failure: { code: 'PAY-0301' },
    });
    expect(await p.refund(refund)).toMatchObject({ kind: 'done' });
    expect(await p.refund(refund)).toMatchObject({ kind: 'accepted' });
    expect(await p.refund({ ...refund, outRefundNo: 'R2' })).toMatchObject({ kind: 'refused' });
  });
});

describe('loading UnionPay and the gateway from terminal.json', () => {
  const dir = mkdtempSync(join(tmpdir(), 'pilotlight-load-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const write = (name: string, text: string, mode = 0o600): void => {
    writeFileSync(join(dir, name), text);
    chmodSync(join(dir, name), mode);
  };
  afterEach(() => {
    for (const name of ['ums.key', 'terminal.pem', 'gateway.pub.pem'])
      rmSync(join(dir, name), { force: true });
  });
  const central = {
    baseUrl: 'https://central.example.com',
    keyFile: 'terminal.pem',
    policyKeyFile: 'policy.pub.pem',
    answerKeyFile: 'answers.pub.pem',
    gatewayKeyFile: 'gateway.pub.pem',
  };
  const load = (payment: Record<string, unknown>, mode: 'production' | 'demo' = 'production') => {
    const payments = terminalConfigSchema.shape.payments.parse([payment]);
    return loadPayments({ mode, terminalId: '000000000311', central, payments }, dir, {
      clock: new ManualClock(T0),
      random,
      timeoutMs: 1,
    });
  };
  const ums = {
    kind: 'unionpay',
    baseUrl: 'https://api-mop.chinaums.com',
    appId: 'a',
    appKeyFile: 'ums.key',
    mid: '1',
    tid: '2',
    msgSrcId: '3194',
    notifyUrl: 'https://pay.example.com/n',
  };

  it('UnionPay: the key alone in its file, closed to others', () => {
    write('ums.key', `${KEY}\n`);
    expect(load(ums)).toMatchObject({ ok: true, value: [{ kind: 'unionpay' }] });
    write('ums.key', `${KEY}\n`, 0o640);
    expect(load(ums)).toMatchObject({
      ok: false,
      error: {
        code: 'CONF-0101',
        detail: expect.stringContaining('payments[0].appKeyFile') as string,
      },
    });
    expect(load(ums, 'demo').ok).toBe(true);
    write('ums.key', 'short');
    expect(load(ums)).toMatchObject({
      ok: false,
      error: { detail: expect.stringContaining('payments[0].appKeyFile') as string },
    });
  });
  it('UnionPay: without signatures only over https', () => {
    write('ums.key', KEY);
    expect(load({ ...ums, answers: 'tls' }).ok).toBe(true);
    expect(load({ ...ums, answers: 'tls', baseUrl: 'http://127.0.0.1:1' }, 'demo')).toMatchObject({
      ok: false,
      error: { detail: expect.stringContaining('payments[0].answers') as string },
    });
  });
  it('the gateway: central’s address and keys unless told otherwise, and both Ed25519', () => {
    const keys = edKeys();
    write('terminal.pem', keys.privateKeyPem);
    write('gateway.pub.pem', keys.publicKeyPem, 0o644);
    expect(load({ kind: 'gateway' })).toMatchObject({ ok: true, value: [{ kind: 'gateway' }] });
    expect(load({ kind: 'gateway', answerKeyFile: 'none.pem' })).toMatchObject({
      ok: false,
      error: { detail: expect.stringContaining('payments[0].answerKeyFile') as string },
    });
    expect(load({ kind: 'gateway', baseUrl: 'http://pay.example.com' })).toMatchObject({
      ok: false,
      error: { detail: expect.stringContaining('payments[0].baseUrl') as string },
    });
    write('terminal.pem', keys.privateKeyPem, 0o640);
    expect(load({ kind: 'gateway' })).toMatchObject({
      ok: false,
      error: { detail: expect.stringContaining('central.keyFile') as string },
    });
    write('terminal.pem', keys.publicKeyPem);
    expect(load({ kind: 'gateway' })).toMatchObject({
      ok: false,
      error: { detail: expect.stringContaining('central.keyFile') as string },
    });
  });
});
