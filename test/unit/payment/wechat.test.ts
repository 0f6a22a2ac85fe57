import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import wechatpay from 'wechatpay-axios-plugin';
import { loadPayments } from '../../../src/payment/load.ts';
import type { PaymentProvider, RefundRequest } from '../../../src/payment/types.ts';
import { createWechatProvider } from '../../../src/payment/wechat/provider.ts';
import type { WechatProviderConfig } from '../../../src/payment/wechat/provider.ts';
import type { HttpSend } from '../../../src/shared/http.ts';
import type { Clock, Random } from '../../../src/shared/ports.ts';
import { rsaSha256Signer, rsaSha256Verifier } from '../../../src/shared/signing.ts';
import { createWechatSandbox, generateSandboxKeys } from '../../../src/simulator/wechat/sandbox.ts';
import type { SandboxFaults, WechatSandbox } from '../../../src/simulator/wechat/sandbox.ts';
import { quickSigner } from '../central/harness.ts';

const MCHID = '1900000001';
const APPID = 'wxd678efh567hg6787';
const NOTIFY = 'https://pay.example.com/wechat/notify';
const clock: Clock = {
  nowMs: () => Date.now(),
  monoMs: () => performance.now(),
  after: (ms, fn) => {
    const t = setTimeout(fn, ms);
    return () => clearTimeout(t);
  },
};
const random: Random = { bytes: (n) => randomBytes(n) };
const keys = generateSandboxKeys();
const hexKeys = generateSandboxKeys('hex');

let dir: string;
let sandbox: WechatSandbox;
let baseUrl: string;
let provider: PaymentProvider;
let skew = 0;
let serial = 0;

const sandboxOn = (dataDir: string, k = keys): WechatSandbox =>
  createWechatSandbox({
    port: 0,
    dataDir,
    merchantPublicKeyPem: k.merchantPublicKeyPem,
    platformPrivateKeyPem: k.platformPrivateKeyPem,
    platformSerial: k.platformSerial,
    mchid: MCHID,
    appid: APPID,
    now: () => Date.now() + skew,
    randomBytes,
  });
const configFor = (url: string, k = keys): WechatProviderConfig => ({
  baseUrl: url,
  mchid: MCHID,
  appid: APPID,
  merchantSerial: k.merchantSerial,
  merchantSigner: rsaSha256Signer(k.merchantPrivateKeyPem),
  platformKeys: new Map([[k.platformSerial, rsaSha256Verifier(k.platformPublicKeyPem)]]),
  notifyUrl: NOTIFY,
  storeOutId: '0311',
});
const providerAt = (url: string, k = keys, timeoutMs = 5000): PaymentProvider =>
  createWechatProvider(configFor(url, k), { clock, random, timeoutMs });
const nextNo = (): string => `PL0311TEST${String(++serial).padStart(8, '0')}`;
const faults = (f: SandboxFaults): void => sandbox.control.faults(f);

async function created(outTradeNo: string, amountFen = 10_000): Promise<string> {
  const result = await provider.create({
    outTradeNo,
    amountFen,
    description: '燃气充值',
    expiresAtMs: Date.now() + 120_000,
  });
  if (result.kind !== 'pending') throw new Error(JSON.stringify(result));
  return result.qrText;
}
async function paid(
  amountFen = 10_000,
): Promise<{ outTradeNo: string; amountFen: number; codeUrl: string }> {
  const outTradeNo = nextNo();
  const codeUrl = await created(outTradeNo, amountFen);
  expect(sandbox.control.pay({ codeUrl })).toMatchObject({ paid: true });
  return { outTradeNo, amountFen, codeUrl };
}
const refundOf = (a: { outTradeNo: string; amountFen: number }, suffix = 'R'): RefundRequest => ({
  outTradeNo: a.outTradeNo,
  amountFen: a.amountFen,
  outRefundNo: `${a.outTradeNo}${suffix}`,
  refundFen: a.amountFen,
  reason: '写卡未成功',
});

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'pl-wechat-'));
  sandbox = sandboxOn(dir);
  ({ baseUrl } = await sandbox.start());
  provider = providerAt(baseUrl);
});
afterAll(async () => {
  await sandbox.close();
  rmSync(dir, { recursive: true, force: true });
});
afterEach(() => {
  faults({ reset: true });
  skew = 0;
});

describe('every verb against the sandbox', () => {
  it('creates, waits, sees the customer pay, and knows the money', async () => {
    const outTradeNo = nextNo();
    const codeUrl = await created(outTradeNo);
    expect(codeUrl).toMatch(/^weixin:\/\/wxpay\/bizpayurl\?pr=/);
    const attempt = { outTradeNo, amountFen: 10_000 };
    expect(await provider.query(attempt)).toEqual({ kind: 'pending' });
    expect(sandbox.control.scan({ codeUrl })).toEqual({ scanned: true });
    expect(await provider.query(attempt)).toEqual({ kind: 'paying' });
    expect(sandbox.control.pay({ codeUrl })).toMatchObject({ paid: true });
    const q = await provider.query(attempt);
    expect(q).toMatchObject({ kind: 'paid', amountFen: 10_000 });
    if (q.kind === 'paid') {
      expect(q.transactionId).toMatch(/^420000\d{22}$/);
      expect(Math.abs((q.paidAtMs ?? 0) - Date.now())).toBeLessThan(5000);
    }
    expect(await provider.close(attempt)).toEqual({ kind: 'paid' });
    expect(
      await provider.create({
        ...attempt,
        description: '燃气充值',
        expiresAtMs: Date.now() + 120_000,
      }),
    ).toEqual({ kind: 'paid' });
    expect(sandbox.control.pay({ codeUrl })).toEqual({ paid: false, reason: 'already-paid' });
  });

  it('asks again with the same number: a fresh code, the same order; other parameters are refused', async () => {
    const outTradeNo = nextNo();
    const first = await created(outTradeNo);
    const second = await created(outTradeNo);
    expect(second).not.toBe(first);
    expect(sandbox.control.pay({ codeUrl: first })).toMatchObject({ paid: true });
    expect(sandbox.control.pay({ codeUrl: second })).toEqual({
      paid: false,
      reason: 'already-paid',
    });
    const other = nextNo();
    await created(other);
    expect(
      await provider.create({
        outTradeNo: other,
        amountFen: 20_000,
        description: '燃气充值',
        expiresAtMs: Date.now() + 120_000,
      }),
    ).toMatchObject({
      kind: 'refused',
      failure: { code: 'PAY-0102', detail: expect.stringContaining('OUT_TRADE_NO_USED') as string },
    });
  });

  it('closes; closing again is closed; a closed number is refused; a late payment is still seen', async () => {
    const outTradeNo = nextNo();
    const codeUrl = await created(outTradeNo);
    const attempt = { outTradeNo, amountFen: 10_000 };
    expect(await provider.close(attempt)).toEqual({ kind: 'closed' });
    expect(await provider.close(attempt)).toEqual({ kind: 'closed' });
    expect(await provider.query(attempt)).toEqual({ kind: 'closed' });
    expect(
      await provider.create({
        ...attempt,
        description: '燃气充值',
        expiresAtMs: Date.now() + 120_000,
      }),
    ).toMatchObject({ kind: 'refused', failure: { code: 'PAY-0102' } });
    expect(sandbox.control.pay({ codeUrl })).toEqual({ paid: false, reason: 'closed' });
    expect(sandbox.control.pay({ codeUrl, late: true })).toMatchObject({ paid: true });
    expect(await provider.query(attempt)).toMatchObject({ kind: 'paid' });
  });

  it('knows numbers that do not exist', async () => {
    const attempt = { outTradeNo: nextNo(), amountFen: 100 };
    expect(await provider.query(attempt)).toEqual({ kind: 'not-found' });
    expect(await provider.close(attempt)).toEqual({ kind: 'not-found' });
    expect(await provider.queryRefund(refundOf(attempt))).toEqual({ kind: 'not-found' });
    expect(await provider.refund(refundOf(attempt))).toMatchObject({
      kind: 'refused',
      failure: { code: 'PAY-0301' },
    });
  });

  it('a failed try of the customer leaves the order open', async () => {
    const outTradeNo = nextNo();
    const codeUrl = await created(outTradeNo);
    sandbox.control.pay({ codeUrl, fail: true });
    expect(await provider.query({ outTradeNo, amountFen: 10_000 })).toEqual({ kind: 'pending' });
    expect(sandbox.control.pay({ codeUrl })).toMatchObject({ paid: true });
  });

  it('time_expire stops payment, and only payment', async () => {
    const outTradeNo = nextNo();
    const codeUrl = await created(outTradeNo);
    skew = 200_000;
    expect(sandbox.control.pay({ codeUrl })).toEqual({ paid: false, reason: 'expired' });
    expect(await provider.query({ outTradeNo, amountFen: 10_000 })).toEqual({ kind: 'pending' });
    expect(await provider.close({ outTradeNo, amountFen: 10_000 })).toEqual({ kind: 'closed' });
  });

  it('refunds once under one number, whatever is asked again', async () => {
    const a = await paid();
    const r = refundOf(a);
    faults({ refundDelayMs: 60_000 });
    const first = await provider.refund(r);
    expect(first).toMatchObject({ kind: 'accepted' });
    expect(await provider.refund(r)).toEqual(first);
    expect(await provider.queryRefund(r)).toMatchObject({ kind: 'processing' });
    skew = 61_000;
    expect(await provider.queryRefund(r)).toMatchObject({ kind: 'done', refundFen: 10_000 });
    expect(await provider.refund(r)).toMatchObject({ kind: 'done' });
    expect(await provider.query(a)).toMatchObject({ kind: 'refunded', amountFen: 10_000 });
    expect(await provider.refund(refundOf(a, 'R2'))).toMatchObject({ kind: 'refused' });
    expect(
      sandbox.control.books().refunds.filter((x) => x.outTradeNo === a.outTradeNo),
    ).toHaveLength(1);
  });

  it('stuck, abnormal and unfunded refunds', async () => {
    const a = await paid();
    faults({ refundStuck: 1 });
    expect(await provider.refund(refundOf(a))).toMatchObject({ kind: 'accepted' });
    expect(await provider.queryRefund(refundOf(a))).toMatchObject({ kind: 'processing' });
    sandbox.control.releaseRefunds();
    expect(await provider.queryRefund(refundOf(a))).toMatchObject({ kind: 'done' });
    const b = await paid();
    faults({ refundAbnormal: 1 });
    expect(await provider.refund(refundOf(b))).toMatchObject({
      kind: 'refused',
      failure: { code: 'PAY-0301' },
    });
    expect(await provider.queryRefund(refundOf(b))).toMatchObject({
      kind: 'abnormal',
      failure: { code: 'PAY-0301' },
    });
    const c = await paid();
    faults({ notEnough: 1 });
    expect(await provider.refund(refundOf(c))).toMatchObject({
      kind: 'unknown',
      failure: { code: 'PAY-0301' },
    });
    expect(await provider.refund(refundOf(c))).toMatchObject({ kind: 'accepted' });
  });

  it('certificate serials work as public-key ids do', async () => {
    const d = mkdtempSync(join(tmpdir(), 'pl-wechat-hex-'));
    const other = sandboxOn(d, hexKeys);
    try {
      const p = providerAt((await other.start()).baseUrl, hexKeys);
      expect(
        await p.create({
          outTradeNo: nextNo(),
          amountFen: 1,
          description: 'x',
          expiresAtMs: Date.now() + 90_000,
        }),
      ).toMatchObject({ kind: 'pending' });
    } finally {
      await other.close();
      rmSync(d, { recursive: true, force: true });
    }
  });

  it('refuses to send numbers and amounts that cannot be', async () => {
    const base = { description: 'x', expiresAtMs: Date.now() + 90_000 };
    expect(await provider.create({ ...base, outTradeNo: 'short', amountFen: 1 })).toMatchObject({
      kind: 'refused',
      failure: { code: 'PAY-0204' },
    });
    expect(await provider.create({ ...base, outTradeNo: nextNo(), amountFen: 0 })).toMatchObject({
      kind: 'refused',
      failure: { code: 'PAY-0204' },
    });
    expect(
      await provider.refund({
        ...refundOf({ outTradeNo: nextNo(), amountFen: 100 }),
        refundFen: 101,
      }),
    ).toMatchObject({ kind: 'refused' });
  });

  it('cuts long texts where the provider would refuse them, never in half a character', async () => {
    const outTradeNo = nextNo();
    expect(
      await provider.create({
        outTradeNo,
        amountFen: 1,
        description: `${'气'.repeat(126)}😀`,
        expiresAtMs: Date.now() + 90_000,
      }),
    ).toMatchObject({ kind: 'pending' });
    expect(
      sandbox.control.books().orders.find((o) => o.outTradeNo === outTradeNo)?.description,
    ).toBe('气'.repeat(126));
  });
});

describe('a wrong or missing answer is never believed and never rounded', () => {
  const untrusted = [
    'tamperBody',
    'tamperSignature',
    'tamperTimestamp',
    'tamperNonce',
    'wrongSerial',
    'unsigned',
    'signTest',
  ] as const;
  it.each(untrusted)('%s: unknown on every verb, for good and for bad news', async (fault) => {
    const a = await paid();
    const open = nextNo();
    await created(open);
    const openAttempt = { outTradeNo: open, amountFen: 10_000 };
    const missing = { outTradeNo: nextNo(), amountFen: 100 };
    const r = refundOf(a);
    expect(await provider.refund(r)).toMatchObject({ kind: 'accepted' });
    const once = async (call: () => Promise<{ kind: string }>): Promise<void> => {
      faults({ [fault]: 1 });
      expect(await call()).toMatchObject({ kind: 'unknown', failure: { code: 'PAY-0201' } });
    };
    await once(() => provider.query(a));
    await once(() => provider.query(missing));
    await once(() =>
      provider.create({
        ...openAttempt,
        description: '燃气充值',
        expiresAtMs: Date.now() + 120_000,
      }),
    );
    await once(() =>
      provider.create({
        ...openAttempt,
        amountFen: 1,
        description: '燃气充值',
        expiresAtMs: Date.now() + 120_000,
      }),
    );
    await once(() => provider.refund(r));
    await once(() => provider.refund(refundOf(missing)));
    await once(() => provider.queryRefund(r));
    await once(() => provider.queryRefund(refundOf(missing)));
    await once(() => provider.close(missing));
    await once(() => provider.close(a));
    // A 204 has no body to tamper with on the wire.
    if (fault !== 'tamperBody') await once(() => provider.close(openAttempt));
  });

  it('a clock more than five minutes away, either way, is refused; a smaller difference is not', async () => {
    const a = await paid();
    for (const skewMs of [302_000, -302_000]) {
      faults({ skew: 1, skewMs });
      expect(await provider.query(a)).toMatchObject({
        kind: 'unknown',
        failure: { code: 'PAY-0201' },
      });
    }
    for (const skewMs of [290_000, -290_000]) {
      faults({ skew: 1, skewMs });
      expect(await provider.query(a)).toMatchObject({ kind: 'paid' });
    }
  });

  it.each(['dropRequest', 'dropAnswer'] as const)(
    '%s: unknown, and asking again finds one effect',
    async (fault) => {
      const outTradeNo = nextNo();
      const request = {
        outTradeNo,
        amountFen: 10_000,
        description: '燃气充值',
        expiresAtMs: Date.now() + 120_000,
      };
      faults({ [fault]: 1 });
      expect(await provider.create(request)).toMatchObject({
        kind: 'unknown',
        failure: { code: 'PAY-0101' },
      });
      const again = await provider.create(request);
      if (again.kind !== 'pending') throw new Error(again.kind);
      sandbox.control.pay({ codeUrl: again.qrText });
      faults({ [fault]: 1 });
      expect(await provider.query(request)).toMatchObject({
        kind: 'unknown',
        failure: { code: 'PAY-0202' },
      });
      const r = refundOf(request);
      faults({ [fault]: 1 });
      expect(await provider.refund(r)).toMatchObject({
        kind: 'unknown',
        failure: { code: 'PAY-0202' },
      });
      expect(await provider.refund(r)).toMatchObject({ kind: /accepted|done/ });
      expect(
        sandbox.control.books().refunds.filter((x) => x.outTradeNo === outTradeNo),
      ).toHaveLength(1);
      expect(
        sandbox.control.books().orders.find((o) => o.outTradeNo === outTradeNo)?.captures,
      ).toBe(1);
    },
  );

  it('500 after the effect, 500 before it and 429 are all unknown', async () => {
    const a = await paid();
    for (const f of [
      { error500: 1 },
      { error500Before: 1 },
      { rateLimit: 1 },
      { error500: 1, unsigned: 1 },
    ] as SandboxFaults[]) {
      faults({ reset: true, ...f });
      expect(await provider.refund(refundOf(a))).toMatchObject({
        kind: 'unknown',
        failure: { code: 'PAY-0203' },
      });
    }
    faults({ reset: true });
    expect(await provider.refund(refundOf(a))).toMatchObject({ kind: /accepted|done/ });
    expect(
      sandbox.control.books().refunds.filter((x) => x.outTradeNo === a.outTradeNo),
    ).toHaveLength(1);
  });

  it('waits no longer than its time-out, on its own clock', async () => {
    const a = await paid();
    faults({ delay: 1, delayMs: 3000 });
    const begin = performance.now();
    expect(await providerAt(baseUrl, keys, 150).query(a)).toMatchObject({
      kind: 'unknown',
      failure: { code: 'PAY-0202', detail: expect.stringContaining('150 ms') as string },
    });
    expect(performance.now() - begin).toBeLessThan(2000);
  });

  it('a signed answer about another order is not ours; another captured amount is passed on as it is', async () => {
    const a = await paid();
    faults({ wrongAmount: 1 });
    const other = await provider.query(a);
    expect(other).toMatchObject({ kind: 'paid' });
    expect(other.kind === 'paid' && other.amountFen).not.toBe(a.amountFen);
    faults({ wrongOrder: 1 });
    expect(await provider.query(a)).toMatchObject({
      kind: 'unknown',
      failure: { code: 'PAY-0201' },
    });
    expect(await provider.query({ ...a, amountFen: 9_999 })).toMatchObject({
      kind: 'paid',
      amountFen: a.amountFen,
    });
    expect(await provider.query(a)).toMatchObject({ kind: 'paid' });
    expect(await provider.refund(refundOf(a))).toMatchObject({ kind: 'accepted' });
    expect(await provider.queryRefund({ ...refundOf(a), refundFen: 1 })).toMatchObject({
      kind: 'unknown',
    });
    expect(
      await provider.queryRefund({ ...refundOf(a), outTradeNo: `${a.outTradeNo.slice(0, -1)}_` }),
    ).toMatchObject({ kind: 'unknown', failure: { code: 'PAY-0201' } });
    expect(await provider.queryRefund(refundOf(a))).toMatchObject({
      kind: expect.stringMatching(/^(?:done|processing)$/) as string,
    });
  });

  it('a wrong merchant key is a named misconfiguration; on a refund it stays open', async () => {
    const wrong = createWechatProvider(
      {
        ...configFor(baseUrl),
        merchantSigner: rsaSha256Signer(generateSandboxKeys().merchantPrivateKeyPem),
      },
      { clock, random, timeoutMs: 5000 },
    );
    const a = await paid();
    expect(
      await wrong.create({
        outTradeNo: nextNo(),
        amountFen: 1,
        description: 'x',
        expiresAtMs: Date.now() + 90_000,
      }),
    ).toMatchObject({
      kind: 'refused',
      failure: { code: 'PAY-0204', detail: expect.stringContaining('SIGN_ERROR') as string },
    });
    expect(await wrong.query(a)).toMatchObject({ kind: 'unknown', failure: { code: 'PAY-0204' } });
    expect(await wrong.close(a)).toMatchObject({ kind: 'unknown', failure: { code: 'PAY-0204' } });
    expect(await wrong.refund(refundOf(a))).toMatchObject({
      kind: 'unknown',
      failure: { code: 'PAY-0204' },
    });
  });

  it('a wrong platform key under the right name believes nothing', async () => {
    const config = configFor(baseUrl);
    const p = createWechatProvider(
      {
        ...config,
        platformKeys: new Map([
          [keys.platformSerial, rsaSha256Verifier(hexKeys.platformPublicKeyPem)],
        ]),
      },
      { clock, random, timeoutMs: 5000 },
    );
    expect(await p.query(await paid())).toMatchObject({
      kind: 'unknown',
      failure: { code: 'PAY-0201' },
    });
  });

  it('nobody listening, a redirect, a page of HTML: unknown', async () => {
    const a = { outTradeNo: nextNo(), amountFen: 1 };
    const server = createServer((req, res) =>
      req.url?.includes('/close')
        ? res.writeHead(302, { Location: '/elsewhere' }).end()
        : res.writeHead(404, { 'Content-Type': 'text/html' }).end('<h1>404</h1>'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const p = providerAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(await p.query(a)).toMatchObject({ kind: 'unknown' });
    expect(await p.close(a)).toMatchObject({ kind: 'unknown' });
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
    expect(await p.query(a)).toMatchObject({ kind: 'unknown', failure: { code: 'PAY-0202' } });
  });

  it('any single changed character of a signed answer is noticed', async () => {
    const a = await paid();
    const recorded = { status: 0, headers: new Headers(), body: '' };
    const base = { clock, random, timeoutMs: 5000 };
    await createWechatProvider(configFor(baseUrl), {
      ...base,
      fetch: async (input, init) => {
        const res = await fetch(input, init);
        recorded.status = res.status;
        recorded.headers = new Headers(res.headers);
        recorded.body = await res.clone().text();
        return res;
      },
    }).query(a);
    const replay = (headers: Headers, body: string): PaymentProvider =>
      createWechatProvider(configFor(baseUrl), {
        ...base,
        fetch: () => Promise.resolve(new Response(body, { status: recorded.status, headers })),
      });
    expect(await replay(recorded.headers, recorded.body).query(a)).toMatchObject({ kind: 'paid' });
    const flip = (text: string, at: number): string =>
      text.slice(0, at) +
      (text[at] === 'A' ? 'B' : text[at] === '0' ? '1' : text[at] === 'a' ? 'b' : 'A') +
      text.slice(at + 1);
    for (let i = 0; i < recorded.body.length; i++)
      expect(
        (await replay(recorded.headers, flip(recorded.body, i)).query(a)).kind,
        `body ${i}`,
      ).toBe('unknown');
    for (const name of [
      'wechatpay-signature',
      'wechatpay-serial',
      'wechatpay-timestamp',
      'wechatpay-nonce',
    ]) {
      const value = recorded.headers.get(name) ?? '';
      for (let i = 0; i < value.length; i++) {
        const headers = new Headers(recorded.headers);
        headers.set(name, flip(value, i));
        expect((await replay(headers, recorded.body).query(a)).kind, `${name} ${i}`).toBe(
          'unknown',
        );
      }
      const without = new Headers(recorded.headers);
      without.delete(name);
      expect((await replay(without, recorded.body).query(a)).kind).toBe('unknown');
    }
  });
});

describe('the sandbox', () => {
  it('keeps its books over a restart, a half-written line included', async () => {
    const d = mkdtempSync(join(tmpdir(), 'pl-wechat-books-'));
    try {
      const one = sandboxOn(d);
      const p1 = providerAt((await one.start()).baseUrl);
      const outTradeNo = nextNo();
      const made = await p1.create({
        outTradeNo,
        amountFen: 500,
        description: 'x',
        expiresAtMs: Date.now() + 90_000,
      });
      if (made.kind !== 'pending') throw new Error(made.kind);
      one.control.pay({ codeUrl: made.qrText });
      await one.close();
      writeFileSync(join(d, 'wechat-books.jsonl'), '{"order":{"outTra', { flag: 'a' });
      const two = sandboxOn(d);
      const p2 = providerAt((await two.start()).baseUrl);
      expect(await p2.query({ outTradeNo, amountFen: 500 })).toMatchObject({ kind: 'paid' });
      expect(await p2.refund(refundOf({ outTradeNo, amountFen: 500 }))).toMatchObject({
        kind: 'accepted',
      });
      await two.close();
      const three = sandboxOn(d);
      expect(three.control.books().refunds).toHaveLength(1);
      await three.start();
      await three.close();
    } finally {
      rmSync(d, { recursive: true, force: true });
    }
  });

  it('answers without HTTP, on books in memory, under other keys: faults and delays are told, not suffered', async () => {
    const quick = quickSigner('both');
    const box = createWechatSandbox({
      port: 0,
      dataDir: null,
      merchantPublicKeyPem: '',
      platformPrivateKeyPem: '',
      platformSerial: 'PUB_KEY_ID_1',
      mchid: MCHID,
      appid: APPID,
      now: () => clock.nowMs(),
      randomBytes,
      crypto: { merchantVerifier: quick, platformSigner: quick },
    });
    const delays: number[] = [];
    let heard = true;
    const send: HttpSend = async ({ method, target, headers, body }) => {
      const exchange = box.handle({
        method,
        target,
        headers: Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v])),
        body: body ?? new Uint8Array(0),
      });
      delays.push(exchange.delayMs);
      const answer = exchange.answer(heard);
      if (answer.dropped) throw new Error('dropped');
      return {
        status: answer.status,
        header: (name) => answer.headers[name] ?? null,
        body: answer.body,
      };
    };
    const p = createWechatProvider(
      {
        ...configFor('http://sandbox'),
        merchantSigner: quick,
        platformKeys: new Map([['PUB_KEY_ID_1', quick]]),
      },
      { clock, random, timeoutMs: 5_000, send },
    );
    const a = { outTradeNo: nextNo(), amountFen: 700 };
    const make = () => p.create({ ...a, description: '气', expiresAtMs: Date.now() + 90_000 });
    box.control.faults({ dropRequest: 1 });
    expect(await make()).toMatchObject({ kind: 'unknown' });
    expect(await p.query(a)).toMatchObject({ kind: 'not-found' });
    box.control.faults({ dropAnswer: 1 });
    expect(await make()).toMatchObject({ kind: 'unknown' });
    expect(await p.query(a)).toMatchObject({ kind: 'pending' });
    const made = await make();
    if (made.kind !== 'pending') throw new Error(made.kind);
    box.control.faults({ delay: 1, delayMs: 9_000, tamperBody: 1 });
    heard = false;
    expect(await p.query(a)).toMatchObject({ kind: 'unknown', failure: { code: 'PAY-0202' } });
    heard = true;
    // Nobody heard that answer, so the fault is still to come.
    expect(await p.query(a)).toMatchObject({ kind: 'unknown', failure: { code: 'PAY-0201' } });
    expect(delays).toEqual([0, 0, 0, 0, 0, 9_000, 0]);
    box.control.pay({ codeUrl: made.qrText });
    expect(await p.query(a)).toMatchObject({ kind: 'paid', amountFen: 700 });
    expect(await p.refund(refundOf(a))).toMatchObject({ kind: 'accepted' });
    expect(await p.refund({ ...refundOf(a), outRefundNo: `${a.outTradeNo}Z` })).toMatchObject({
      kind: 'refused',
    });
    box.control.faults({ tamperSignature: 1 });
    expect(await p.query(a)).toMatchObject({ kind: 'unknown', failure: { code: 'PAY-0201' } });
    const wrong = createWechatProvider(
      {
        ...configFor('http://sandbox'),
        merchantSigner: { sign: () => new Uint8Array(32) },
        platformKeys: new Map([['PUB_KEY_ID_1', quick]]),
      },
      { clock, random, timeoutMs: 5_000, send },
    );
    expect(await wrong.query(a)).toMatchObject({ kind: 'unknown', failure: { code: 'PAY-0204' } });
    expect(box.control.books()).toMatchObject({
      orders: [{ outTradeNo: a.outTradeNo, captures: 1 }],
      refunds: [{ refund: 700 }],
    });
  });

  it('a transport that never answers and cannot be aborted still ends at the time-out', async () => {
    let fire: () => void = () => undefined;
    const stopped: Clock = { ...clock, after: (_ms, fn) => ((fire = fn), () => undefined) };
    const p = createWechatProvider(configFor('http://sandbox'), {
      clock: stopped,
      random,
      timeoutMs: 8_000,
      send: () => new Promise(() => undefined),
    });
    const asked = p.query({ outTradeNo: nextNo(), amountFen: 1 });
    fire();
    expect(await asked).toMatchObject({
      kind: 'unknown',
      failure: { code: 'PAY-0202', detail: 'no answer within 8000 ms' },
    });
  });

  it('gives its controls over HTTP', async () => {
    const outTradeNo = nextNo();
    const codeUrl = await created(outTradeNo);
    const post = async (path: string, body: unknown): Promise<unknown> =>
      (
        await fetch(`${baseUrl}/_control${path}`, { method: 'POST', body: JSON.stringify(body) })
      ).json();
    expect(await post('/scan', { codeUrl })).toEqual({ scanned: true });
    expect(await post('/faults', { down: true })).toEqual({});
    expect(await provider.query({ outTradeNo, amountFen: 10_000 })).toMatchObject({
      kind: 'unknown',
    });
    expect(await post('/faults', { down: false })).toEqual({});
    expect(await post('/pay', { codeUrl })).toMatchObject({ paid: true });
    const books = (await (await fetch(`${baseUrl}/_control/books`)).json()) as {
      orders: { outTradeNo: string; state: string }[];
    };
    expect(books.orders.find((o) => o.outTradeNo === outTradeNo)?.state).toBe('SUCCESS');
  });

  it('serves an independent client: wechatpay-axios-plugin creates, queries, closes, refunds', async () => {
    const wx = new wechatpay.Wechatpay({
      mchid: MCHID,
      serial: keys.merchantSerial,
      privateKey: keys.merchantPrivateKeyPem,
      certs: { [keys.platformSerial]: keys.platformPublicKeyPem },
      baseURL: baseUrl,
      proxy: false,
    } as never) as unknown as {
      chain: (path: string) => {
        get: (c?: unknown) => Promise<{ status: number; data: Record<string, unknown> }>;
        post: (
          d: unknown,
          c?: unknown,
        ) => Promise<{ status: number; data: Record<string, unknown> }>;
      };
    };
    const outTradeNo = nextNo();
    const make = await wx.chain('v3/pay/transactions/native').post({
      appid: APPID,
      mchid: MCHID,
      description: '气',
      out_trade_no: outTradeNo,
      notify_url: NOTIFY,
      amount: { total: 300, currency: 'CNY' },
    });
    expect(make.status).toBe(200);
    const codeUrl = String(make.data['code_url']);
    const path = `v3/pay/transactions/out-trade-no/${outTradeNo}`;
    const params = { params: { mchid: MCHID } };
    expect((await wx.chain(path).get(params)).data['trade_state']).toBe('NOTPAY');
    sandbox.control.pay({ codeUrl });
    expect((await wx.chain(path).get(params)).data).toMatchObject({
      trade_state: 'SUCCESS',
      amount: { total: 300 },
    });
    expect(
      (
        await wx.chain('v3/refund/domestic/refunds').post({
          out_trade_no: outTradeNo,
          out_refund_no: `${outTradeNo}R`,
          amount: { refund: 300, total: 300, currency: 'CNY' },
        })
      ).data['status'],
    ).toBe('PROCESSING');
    expect((await wx.chain(`v3/refund/domestic/refunds/${outTradeNo}R`).get()).data['status']).toBe(
      'SUCCESS',
    );
    const second = nextNo();
    await wx.chain('v3/pay/transactions/native').post({
      appid: APPID,
      mchid: MCHID,
      description: '气',
      out_trade_no: second,
      notify_url: NOTIFY,
      amount: { total: 300, currency: 'CNY' },
    });
    expect(
      (await wx.chain(`v3/pay/transactions/out-trade-no/${second}/close`).post({ mchid: MCHID }))
        .status,
    ).toBe(204);
    for (const fault of ['tamperSignature', 'wrongSerial', 'unsigned'] as const) {
      faults({ [fault]: 1 });
      await expect(wx.chain(path).get(params)).rejects.toThrow();
    }
  });
});

describe('loading from terminal.json', () => {
  const write = (name: string, text: string, mode = 0o600): string => {
    const file = join(dir, name);
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  };
  const payments = (over: Record<string, unknown> = {}) => [
    {
      kind: 'wechat' as const,
      baseUrl,
      mchid: MCHID,
      appid: APPID,
      merchantSerial: keys.merchantSerial,
      merchantKeyFile: 'merchant.pem',
      platformKeys: { [keys.platformSerial]: 'platform.pem' },
      notifyUrl: NOTIFY,
      ...over,
    },
  ];
  const ports = { clock, random, timeoutMs: 5000 };
  const central = {
    baseUrl: 'http://127.0.0.1:1',
    keyFile: 'terminal.pem',
    policyKeyFile: 'policy.pub.pem',
    answerKeyFile: 'answers.pub.pem',
    gatewayKeyFile: 'gateway.pub.pem',
  };
  it('reads the keys and works', async () => {
    write('merchant.pem', keys.merchantPrivateKeyPem);
    write('platform.pem', keys.platformPublicKeyPem, 0o644);
    const loaded = loadPayments(
      { mode: 'production', terminalId: '000000000311', central, payments: payments() },
      dir,
      ports,
    );
    if (!loaded.ok) throw new Error(loaded.error.detail);
    expect(await loaded.value[0]?.query(await paid())).toMatchObject({ kind: 'paid' });
  });
  it('refuses an open private key in production only, and names the key', () => {
    write('merchant.pem', keys.merchantPrivateKeyPem, 0o640);
    write('platform.pem', keys.platformPublicKeyPem);
    expect(
      loadPayments(
        { mode: 'production', terminalId: '000000000311', central, payments: payments() },
        dir,
        ports,
      ),
    ).toMatchObject({
      ok: false,
      error: {
        code: 'CONF-0101',
        detail: expect.stringContaining('payments[0].merchantKeyFile') as string,
      },
    });
    expect(
      loadPayments(
        { mode: 'demo', terminalId: '000000000311', central, payments: payments() },
        dir,
        ports,
      ).ok,
    ).toBe(true);
  });
  it('refuses a public key that others may change, in production: they would say what is paid', () => {
    write('merchant.pem', keys.merchantPrivateKeyPem);
    for (const mode of [0o664, 0o646]) {
      write('platform.pem', keys.platformPublicKeyPem, mode);
      const load = (kind: 'production' | 'demo') =>
        loadPayments(
          { mode: kind, terminalId: '000000000311', central, payments: payments() },
          dir,
          ports,
        );
      const refused = load('production');
      expect(refused).toMatchObject({ ok: false, error: { code: 'CONF-0101' } });
      if (!refused.ok) expect(refused.error.detail).toContain('platformKeys');
      expect(load('demo').ok).toBe(true);
    }
  });
  it('names every problem: missing, swapped, not RSA, plain http', () => {
    write('merchant.pem', keys.merchantPrivateKeyPem);
    write('swapped.pem', keys.merchantPrivateKeyPem);
    const result = loadPayments(
      {
        mode: 'production',
        terminalId: '000000000311',
        central,
        payments: payments({
          merchantKeyFile: 'none.pem',
          baseUrl: 'http://pay.example.com',
          platformKeys: { A: 'swapped.pem' },
        }),
      },
      dir,
      ports,
    );
    expect(result).toMatchObject({ ok: false });
    if (!result.ok)
      for (const part of [
        'payments[0].merchantKeyFile',
        'payments[0].baseUrl',
        'payments[0].platformKeys.A',
      ])
        expect(result.error.detail).toContain(part);
  });
});
