import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEMO_DATA } from '../../../src/demo/central-data.ts';
import { createCentral } from '../../../src/central/central.ts';
import { createAlipayProvider } from '../../../src/payment/alipay/provider.ts';
import { createGatewayProvider } from '../../../src/payment/gateway/provider.ts';
import type { CodePay, PaymentProvider, RefundRequest } from '../../../src/payment/types.ts';
import { openBodySig } from '../../../src/payment/unionpay/sign.ts';
import { createUnionpayProvider } from '../../../src/payment/unionpay/provider.ts';
import { createWechatProvider } from '../../../src/payment/wechat/provider.ts';
import type { HttpAnswer, HttpSend } from '../../../src/shared/http.ts';
import { Keyring } from '../../../src/shared/signatures.ts';
import { rsaSha256Signer, rsaSha256Verifier } from '../../../src/shared/signing.ts';
import { createAlipaySandbox } from '../../../src/simulator/alipay/sandbox.ts';
import type { SandboxOrder, SandboxRefund } from '../../../src/simulator/payment-books.ts';
import { createWechatSandbox, generateSandboxKeys } from '../../../src/simulator/wechat/sandbox.ts';
import { createUnionpaySandbox } from '../../../src/simulator/unionpay/sandbox.ts';
import { ManualClock } from '../../support/clock.ts';
import { into, openDb, quickSigner } from '../central/harness.ts';
import { sandboxSend } from '../../support/sandbox-send.ts';
import { forged } from '../../support/forged.ts';

/**
 * What every provider must do, asked of each through its own gateway over HTTP. A provider that
 * passes may be put before the kiosk: the kiosk knows nothing else of it.
 */
interface Rig {
  readonly provider: PaymentProvider;
  readonly clock: ManualClock;
  /** The customer pays a QR code, or confirms a code payment. */
  readonly pay: (codeUrl: string, late?: boolean) => boolean | Promise<boolean>;
  /** The same of a code whose page was looked at, while the gateway is busy with its trade. */
  readonly payLooked?: (codeUrl: string) => boolean | Promise<boolean>;
  /**
   * Somebody looks at a new code: the gateway's code is a page, and the wallet's trade begins
   * there.
   */
  readonly look?: (codeUrl: string) => Promise<void>;
  /** Faults are the wallet's behind the gateway: `create` does not get there. */
  readonly behind?: true;
  readonly fault: (fault: Fault, times?: number) => void;
  readonly clear: () => void;
  readonly freshCode: () => string;
  readonly books: () => Books | Promise<Books>;
  /** A close is answered without a body, and nothing else is asked: there is nothing to bend. */
  readonly closeIsEmpty?: true;
  readonly close: () => Promise<void>;
}
interface Books {
  readonly orders: readonly SandboxOrder[];
  readonly refunds: readonly SandboxRefund[];
}
/** Faults that every gateway knows. */
type Fault =
  | 'dropRequest'
  | 'dropAnswer'
  | 'error500'
  | 'error500Before'
  | 'rateLimit'
  | 'tamperBody'
  | 'tamperSignature'
  | 'tamperTimestamp'
  | 'tamperNonce'
  | 'unsigned'
  | 'notEnough'
  | 'refundStuck'
  | 'wrongAmount'
  | 'wrongOrder'
  | 'askPassword'
  | 'balanceShort'
  | 'riskRefused'
  | 'codeExpired';
/** No answer, or one that must not be believed, whatever was asked. */
const UNBELIEVED: readonly Fault[] = [
  'dropRequest',
  'dropAnswer',
  'error500',
  'error500Before',
  'rateLimit',
  'tamperBody',
  'tamperSignature',
  'tamperTimestamp',
  'tamperNonce',
  'unsigned',
];

/** Before each request to a wallet in the same process. */
let beforeSend: (() => void) | null = null;
const heard =
  (send: HttpSend): HttpSend =>
  (request) => {
    beforeSend?.();
    return send(request);
  };

const T0 = Date.parse('2026-11-22T12:00:00+08:00');
const keys = generateSandboxKeys();
let serial = 0;

/**
 * @param quick in the same process, with keyed hashes for signatures: where the wallet itself is
 *   not examined
 */
async function wechat(quick = false): Promise<Rig> {
  const clock = new ManualClock(T0);
  const sandbox = createWechatSandbox({
    port: 0,
    dataDir: null,
    merchantPublicKeyPem: keys.merchantPublicKeyPem,
    platformPrivateKeyPem: keys.platformPrivateKeyPem,
    platformSerial: keys.platformSerial,
    mchid: '1900000109',
    appid: 'wxd678efh567hg6787',
    now: () => clock.nowMs(),
    randomBytes,
    ...(quick
      ? {
          publicUrl: () => 'http://wallet',
          crypto: { merchantVerifier: quickSigner('m'), platformSigner: quickSigner('p') },
        }
      : {}),
  });
  const { baseUrl } = quick ? { baseUrl: 'http://wallet' } : await sandbox.start();
  const provider = createWechatProvider(
    {
      baseUrl,
      mchid: '1900000109',
      appid: 'wxd678efh567hg6787',
      merchantSerial: keys.merchantSerial,
      merchantSigner: quick ? quickSigner('m') : rsaSha256Signer(keys.merchantPrivateKeyPem),
      platformKeys: new Map([
        [
          keys.platformSerial,
          quick ? quickSigner('p') : rsaSha256Verifier(keys.platformPublicKeyPem),
        ],
      ]),
      notifyUrl: 'https://pay.example.com/notify',
      storeOutId: '0311',
    },
    {
      clock,
      random: { bytes: (n) => randomBytes(n) },
      timeoutMs: 5_000,
      ...(quick ? { send: heard(sandboxSend(sandbox)) } : {}),
    },
  );
  return {
    provider,
    clock,
    closeIsEmpty: true,
    pay: (codeUrl, late = false) => sandbox.control.pay({ codeUrl, late }).paid,
    fault: (fault, times = 1) => sandbox.control.faults({ [fault]: times }),
    clear: () => sandbox.control.faults({ reset: true }),
    freshCode: () => `13${String(++serial).padStart(16, '0')}`,
    books: () => sandbox.control.books(),
    close: () => (quick ? Promise.resolve() : sandbox.close()),
  };
}
async function alipay(protocol: 'v3' | 'v2', quick = false): Promise<Rig> {
  const clock = new ManualClock(T0);
  const sandbox = createAlipaySandbox({
    port: 0,
    dataDir: null,
    appPublicKeyPem: keys.merchantPublicKeyPem,
    alipayPrivateKeyPem: keys.platformPrivateKeyPem,
    appId: '2021000000000311',
    now: () => clock.nowMs(),
    randomBytes,
    ...(quick
      ? {
          publicUrl: () => 'http://wallet',
          crypto: { appVerifier: quickSigner('m'), alipaySigner: quickSigner('p') },
        }
      : {}),
  });
  const { baseUrl } = quick ? { baseUrl: 'http://wallet' } : await sandbox.start();
  const provider = createAlipayProvider(
    {
      baseUrl,
      appId: '2021000000000311',
      appSigner: quick ? quickSigner('m') : rsaSha256Signer(keys.merchantPrivateKeyPem),
      alipayKey: quick ? quickSigner('p') : rsaSha256Verifier(keys.platformPublicKeyPem),
      protocol,
      storeId: '0311',
    },
    {
      clock,
      random: { bytes: (n) => randomBytes(n) },
      timeoutMs: 5_000,
      ...(quick ? { send: heard(sandboxSend(sandbox)) } : {}),
    },
  );
  return {
    provider,
    clock,
    pay: (codeUrl, late = false) => sandbox.control.pay({ codeUrl, late }).paid,
    fault: (fault, times = 1) => sandbox.control.faults({ [fault]: times }),
    clear: () => sandbox.control.faults({ reset: true }),
    freshCode: () => `28${String(++serial).padStart(16, '0')}`,
    books: () => sandbox.control.books(),
    close: () => (quick ? Promise.resolve() : sandbox.close()),
  };
}

/**
 * What goes wrong on the line between a terminal and the gateway; everything else goes wrong at the
 * wallet.
 */
const LINE: readonly Fault[] = UNBELIEVED;

/** Real central in the same process, one wallet behind it. @param at where the faults are */
async function gateway(behind: () => Promise<Rig>, at: 'line' | 'wallet'): Promise<Rig> {
  const wallet = await behind();
  const { clock } = wallet;
  const db = await openDb('sqlite');
  const terminalId = '000000000311';
  const still = {
    nowMs: () => clock.nowMs(),
    monoMs: () => clock.monoMs(),
    after: () => () => undefined,
  };
  const random = { bytes: (n: number) => randomBytes(n) };
  const central = createCentral({
    db,
    ...DEMO_DATA,
    policySigner: quickSigner('policy'),
    answerSigner: quickSigner('answers'),
    gatewaySigner: quickSigner('gateway'),
    verifierOf: quickSigner,
    now: () => clock.nowMs(),
    terminals: [{ terminalId, publicKeyPem: terminalId }],
    payments: {
      wallets: [wallet.provider],
      publicUrl: 'https://pay.example.com',
      clock: still,
      random,
    },
  });
  await central.open();
  const faults = new Map<Fault, number>();
  let ended = false;
  const take = (fault: Fault): boolean => {
    const left = faults.get(fault) ?? 0;
    faults.set(fault, Math.max(0, left - 1));
    return left > 0;
  };
  const html = (status: number): HttpAnswer => ({
    status,
    header: () => null,
    body: Buffer.from('<html>'),
  });
  const line: HttpSend = async (request) => {
    if (ended || take('dropRequest')) throw new Error('cut');
    if (take('rateLimit')) return html(429);
    if (take('error500Before')) return html(500);
    const change = (
      name: string,
      fault: Fault,
      to: (v: string) => string,
    ): Record<string, string> => (take(fault) ? { [name]: to(request.headers[name] ?? '') } : {});
    const headers = {
      ...request.headers,
      ...change('Pilotlight-Timestamp', 'tamperTimestamp', (v) => String(Number(v) - 1)),
      ...change('Pilotlight-Nonce', 'tamperNonce', (v) => `${v}0`),
    };
    const answer = await into(central)({ ...request, headers });
    if (take('dropAnswer')) throw new Error('cut');
    if (take('error500')) return html(502);
    if (take('tamperBody'))
      return {
        ...answer,
        body: Buffer.from(
          Buffer.from(answer.body ?? [])
            .toString('utf8')
            .replace('"', ' "'),
        ),
      };
    if (take('unsigned'))
      return {
        ...answer,
        header: (name) => (name === 'pilotlight-signature' ? null : answer.header(name)),
      };
    if (take('tamperSignature'))
      return {
        ...answer,
        header: (name) =>
          name === 'pilotlight-signature' ? forged(answer.header(name) ?? '') : answer.header(name),
      };
    return answer;
  };
  const provider = createGatewayProvider(
    {
      baseUrl: 'http://central',
      terminalId,
      signer: quickSigner(terminalId),
      answerKeys: new Keyring(quickSigner('gateway')),
    },
    { clock, random, timeoutMs: 5_000, send: line },
  );
  const seen = new Map<string, string>();
  const page = async (url: string): Promise<string | null> => {
    const answer = await central.handle({
      method: 'POST',
      target: new URL(url).pathname,
      headers: {},
      body: new Uint8Array(0),
    });
    return answer.status === 303 ? (answer.headers['location'] ?? null) : null;
  };
  const look = async (url: string): Promise<void> => {
    const code = await page(url);
    if (code !== null) seen.set(url, code);
  };
  return {
    provider,
    clock,
    look,
    ...(at === 'wallet' ? { behind: true } : {}),
    pay: async (url, late = false) => {
      if (url.startsWith('auth:')) return wallet.pay(url, late);
      const code = (await page(url)) ?? (late ? seen.get(url) : null);
      return code === null || code === undefined ? false : wallet.pay(code, late);
    },
    payLooked: (url) => wallet.pay(seen.get(url) ?? ''),
    fault: (fault, times = 1) =>
      at === 'line' && LINE.includes(fault)
        ? void faults.set(fault, times)
        : wallet.fault(fault, times),
    clear: () => (faults.clear(), wallet.clear()),
    freshCode: wallet.freshCode,
    books: async () => {
      const { orders, refunds } = await wallet.books();
      const names = new Map(
        (
          await db.query<{ leg: string; out_trade_no: string }>(
            'SELECT leg, out_trade_no FROM gateway_legs',
          )
        ).map((l) => [l.leg, l.out_trade_no]),
      );
      return {
        orders: orders.map((o) => ({ ...o, outTradeNo: names.get(o.outTradeNo) ?? o.outTradeNo })),
        refunds,
      };
    },
    close: async () => {
      ended = true;
      await central.close();
      await db.close();
      await wallet.close();
    },
  };
}

async function unionpay(quick = false): Promise<Rig> {
  const clock = new ManualClock(T0);
  const names = { appId: 'ums01', mid: '898340149000005', tid: '00000001', msgSrcId: '3194' };
  const sandbox = createUnionpaySandbox({
    port: 0,
    ...names,
    appKey: 'key of the application',
    now: () => clock.nowMs(),
    randomBytes,
  });
  const { baseUrl } = quick ? { baseUrl: 'http://wallet' } : await sandbox.start();
  const provider = createUnionpayProvider(
    {
      baseUrl,
      ...names,
      rule: openBodySig(names.appId, Buffer.from('key of the application'), 'signed'),
      notifyUrl: 'https://pay.example.com/notify',
      refundQueryPath: '/v1/netpay/bills/refund-query',
    },
    {
      clock,
      random: { bytes: (n) => randomBytes(n) },
      timeoutMs: 5_000,
      ...(quick ? { send: heard(sandboxSend(sandbox)) } : {}),
    },
  );
  return {
    provider,
    clock,
    pay: (codeUrl, late = false) => sandbox.control.pay({ codeUrl, late }).paid,
    fault: (fault, times = 1) => sandbox.control.faults({ [fault]: times }),
    clear: () => sandbox.control.faults({ reset: true }),
    freshCode: () => `62${String(++serial).padStart(17, '0')}`,
    books: () => sandbox.control.books(),
    close: () => (quick ? Promise.resolve() : sandbox.close()),
  };
}

let cases = 0;
afterAll(() => {
  console.log(`payment conformance: ${cases} cases`);
});

/**
 * @param skips faults that this protocol cannot have: v2 answers carry neither time nor nonce
 * @param qrOnly it takes no code, and has no bill to download
 */
function suite(
  name: string,
  open: () => Promise<Rig>,
  skips: readonly Fault[] = [],
  qrOnly = false,
): void {
  describe(`${name} as every provider`, () => {
    let rig: Rig;
    let p: PaymentProvider;
    let code: CodePay;
    beforeEach(async () => {
      rig = await open();
      p = rig.provider;
      expect(p.code === undefined && p.downloadBill === undefined).toBe(qrOnly);
      if (p.code !== undefined) code = p.code;
    });
    afterEach(async () => {
      cases += expect.getState().assertionCalls;
      await rig.close();
    });
    const ref = (amountFen = 10_000): { outTradeNo: string; amountFen: number } => ({
      outTradeNo: `PL0311CONF${String(++serial).padStart(8, '0')}`,
      amountFen,
    });
    const made = async (r: ReturnType<typeof ref>, seconds = 120): Promise<string> => {
      const made_ = await p.create({
        ...r,
        description: '燃气充值 100.00 元',
        expiresAtMs: rig.clock.nowMs() + seconds * 1_000,
      });
      if (made_.kind !== 'pending') throw new Error(JSON.stringify(made_));
      await rig.look?.(made_.qrText);
      return made_.qrText;
    };
    const unpaid = (kind: string): boolean => kind === 'pending' || kind === 'not-found';
    const refundOf = (r: ReturnType<typeof ref>): RefundRequest => ({
      ...r,
      outRefundNo: `R${r.outTradeNo}`,
      refundFen: r.amountFen,
      reason: '充值未完成，原路退回',
    });
    const faults = UNBELIEVED.filter((f) => !skips.includes(f));

    it('a QR code: unpaid, paid once, known by amount and number', async () => {
      const r = ref();
      const qr = await made(r);
      expect(unpaid((await p.query(r)).kind)).toBe(true);
      expect(await rig.pay(qr)).toBe(true);
      const paid = await p.query(r);
      expect(paid).toMatchObject({ kind: 'paid', amountFen: 10_000 });
      expect(
        paid.kind === 'paid' &&
          paid.transactionId.length > 10 &&
          Math.abs((paid.paidAtMs ?? 0) - T0) < 2_000,
      ).toBe(true);
      expect(await rig.pay(qr)).toBe(false);
      // Asked for again, it is not a second one.
      expect(
        (
          await p.create({
            ...r,
            description: '燃气充值 100.00 元',
            expiresAtMs: rig.clock.nowMs() + 120_000,
          })
        ).kind,
      ).toBe('paid');
    });
    it('asked for again before it is paid: a code of the same trade; with another sum: refused', async () => {
      const r = ref();
      const first = await made(r);
      const second = await made(r);
      await rig.pay(second);
      expect(await rig.pay(first)).toBe(false);
      const other = ref();
      await made(other);
      expect(
        (
          await p.create({
            ...other,
            amountFen: 1,
            description: '燃气充值 100.00 元',
            expiresAtMs: rig.clock.nowMs() + 120_000,
          })
        ).kind,
      ).toBe('refused');
    });
    it('closed: cannot be paid, says so, may be closed again; a late capture is still seen', async () => {
      const r = ref();
      const qr = await made(r);
      expect((await p.close(r)).kind).toBe('closed');
      expect(['closed', 'not-found']).toContain((await p.query(r)).kind);
      expect(await rig.pay(qr)).toBe(false);
      expect(['closed', 'not-found']).toContain((await p.close(r)).kind);
      expect(
        (
          await p.create({
            ...r,
            description: '燃气充值 100.00 元',
            expiresAtMs: rig.clock.nowMs() + 120_000,
          })
        ).kind,
      ).toBe('refused');
      expect(await rig.pay(qr, true)).toBe(true);
      expect(await p.query(r)).toMatchObject({ kind: 'paid', amountFen: 10_000 });
    });
    it('a close that comes too late says paid, and takes nothing back', async () => {
      const r = ref();
      await rig.pay(await made(r));
      expect((await p.close(r)).kind).toBe('paid');
      expect((await p.query(r)).kind).toBe('paid');
    });
    it('after its time it cannot be paid', async () => {
      const r = ref();
      const qr = await made(r, 120);
      rig.clock.advance(121_000);
      expect(await rig.pay(qr)).toBe(false);
      expect((await p.query(r)).kind).not.toBe('paid');
    });
    it('numbers that were never used', async () => {
      expect((await p.query(ref())).kind).toBe('not-found');
      expect(['not-found', 'closed']).toContain((await p.close(ref())).kind);
      expect((await p.queryRefund(refundOf(ref()))).kind).toBe('not-found');
      expect((await p.refund(refundOf(ref()))).kind).toBe('refused');
      if (!qrOnly)
        expect(['not-found', 'reversed']).toContain(
          (await code.reverse({ ...ref(), method: 'code' })).kind,
        );
    });
    it('a refund goes back once under one number, however often it is asked for', async () => {
      const r = ref();
      await rig.pay(await made(r));
      for (let n = 0; n < 3; n++)
        expect(['accepted', 'done']).toContain((await p.refund(refundOf(r))).kind);
      expect(await p.queryRefund(refundOf(r))).toMatchObject({ kind: 'done', refundFen: 10_000 });
      expect((await rig.books()).refunds).toHaveLength(1);
      expect((await p.refund({ ...refundOf(r), outRefundNo: `X${r.outTradeNo}` })).kind).toBe(
        'refused',
      );
      expect((await p.query(r)).kind).toBe('refunded');
    });
    it('a refund that waits, and one for which the merchant has no money', async () => {
      const r = ref();
      await rig.pay(await made(r));
      rig.fault('notEnough');
      expect((await p.refund(refundOf(r))).kind).toBe('unknown');
      rig.fault('refundStuck');
      expect((await p.refund(refundOf(r))).kind).toBe('accepted');
      expect(['processing', 'not-found']).toContain((await p.queryRefund(refundOf(r))).kind);
      expect(['accepted', 'done']).toContain((await p.refund(refundOf(r))).kind);
      expect((await rig.books()).refunds).toHaveLength(1);
    });
    it('refunds that cannot be are not sent', async () => {
      const r = ref();
      await rig.pay(await made(r));
      for (const refundFen of [0, -1, 0.5, 10_001])
        expect((await p.refund({ ...refundOf(r), refundFen })).kind).toBe('refused');
      for (const amountFen of [0, -1, 0.5])
        expect(
          (
            await p.create({
              ...r,
              amountFen,
              description: 'x',
              expiresAtMs: rig.clock.nowMs() + 60_000,
            })
          ).kind,
        ).toBe('refused');
      expect(
        (
          await p.create({
            outTradeNo: '坏',
            amountFen: 1,
            description: 'x',
            expiresAtMs: rig.clock.nowMs() + 60_000,
          })
        ).kind,
      ).toBe('refused');
    });
    it('an answer about another trade is not ours; another captured sum is told as it is', async () => {
      const r = ref();
      const qr = await made(r);
      await rig.pay(qr);
      rig.fault('wrongOrder');
      expect((await p.query(r)).kind).toBe('unknown');
      rig.fault('wrongAmount');
      expect(await p.query(r)).toMatchObject({ kind: 'paid', amountFen: 10_001 });
    });
    for (const fault of faults) {
      it(`${fault}: unknown from every verb, and everything may be asked again`, async () => {
        const r = ref();
        if (rig.behind === undefined) {
          rig.fault(fault);
          expect(
            (
              await p.create({
                ...r,
                description: '燃气充值 100.00 元',
                expiresAtMs: rig.clock.nowMs() + 120_000,
              })
            ).kind,
          ).toBe('unknown');
        }
        const qr = await made(r);
        rig.fault(fault);
        expect((await p.query(r)).kind).toBe('unknown');
        await rig.pay(qr);
        rig.fault(fault);
        expect((await p.refund(refundOf(r))).kind).toBe('unknown');
        rig.fault(fault);
        expect((await p.queryRefund(refundOf(r))).kind).toBe('unknown');
        expect(['accepted', 'done']).toContain((await p.refund(refundOf(r))).kind);
        expect((await p.queryRefund(refundOf(r))).kind).toBe('done');
        const c = ref();
        await made(c);
        rig.fault(fault);
        // WeChat answers a close with 204: there is no body to bend.
        expect((await p.close(c)).kind).toBe(
          fault === 'tamperBody' && rig.closeIsEmpty === true ? 'closed' : 'unknown',
        );
        expect(['closed', 'not-found']).toContain((await p.close(c)).kind);
        if (qrOnly) return;
        const k = { ...ref(), method: 'code' as const };
        rig.fault(fault);
        expect(
          (await code.charge({ ...k, authCode: rig.freshCode(), description: 'x' })).kind,
        ).toBe('unknown');
        rig.clock.advance(code.reverseAfterMs + 1_000);
        rig.fault(fault);
        expect((await code.reverse(k)).kind).toBe('unknown');
        expect(['reversed', 'not-found']).toContain((await code.reverse(k)).kind);
        expect(['closed', 'not-found', 'refunded']).toContain((await p.query(k)).kind);
        rig.fault(fault);
        expect((await p.downloadBill?.('2026-11-22'))?.kind).toBe('unknown');
      });
    }
    it('nobody listens: unknown', async () => {
      await rig.close();
      const r = ref();
      expect(
        (await p.create({ ...r, description: 'x', expiresAtMs: rig.clock.nowMs() + 60_000 })).kind,
      ).toBe('unknown');
      expect((await p.query(r)).kind).toBe('unknown');
      rig = await open();
    });
    if (qrOnly) return;
    it('a customer’s code is charged once', async () => {
      const k = { ...ref(), method: 'code' as const };
      const auth = rig.freshCode();
      expect(await code.charge({ ...k, authCode: auth, description: 'x' })).toMatchObject({
        kind: 'paid',
        amountFen: 10_000,
      });
      expect((await p.query(k)).kind).toBe('paid');
      expect(
        await code.charge({ ...ref(), method: 'code', authCode: auth, description: 'x' }),
      ).toMatchObject({ kind: 'refused', failure: { code: 'PAY-0403' } });
      // The same number again: what it is, the query says.
      expect((await code.charge({ ...k, authCode: rig.freshCode(), description: 'x' })).kind).toBe(
        'unknown',
      );
    });
    it('a password: paying until it is typed', async () => {
      const k = { ...ref(), method: 'code' as const };
      const auth = rig.freshCode();
      rig.fault('askPassword');
      expect((await code.charge({ ...k, authCode: auth, description: 'x' })).kind).toBe('paying');
      expect((await p.query(k)).kind).toBe('paying');
      await rig.pay(`auth:${auth}`);
      expect(await p.query(k)).toMatchObject({ kind: 'paid', amountFen: 10_000 });
      const above = { ...ref(100_001), method: 'code' as const };
      expect(
        (await code.charge({ ...above, authCode: rig.freshCode(), description: 'x' })).kind,
      ).toBe('paying');
    });
    for (const [fault, expected] of [
      ['balanceShort', 'PAY-0401'],
      ['riskRefused', 'PAY-0402'],
      ['codeExpired', 'PAY-0403'],
    ] as const) {
      it(`${fault}: a definite no with its own sentence, and nothing to take back`, async () => {
        const k = { ...ref(), method: 'code' as const };
        rig.fault(fault);
        expect(
          await code.charge({ ...k, authCode: rig.freshCode(), description: 'x' }),
        ).toMatchObject({ kind: 'refused', failure: { code: expected } });
        expect(['closed', 'not-found']).toContain((await p.query(k)).kind);
      });
    }
    it('a reversal hands a paid one back whole and ends an unpaid one; twice is once', async () => {
      const paid = { ...ref(), method: 'code' as const };
      await code.charge({ ...paid, authCode: rig.freshCode(), description: 'x' });
      const open_ = { ...ref(), method: 'code' as const };
      const auth = rig.freshCode();
      rig.fault('askPassword');
      await code.charge({ ...open_, authCode: auth, description: 'x' });
      rig.clock.advance(code.reverseAfterMs + 1_000);
      for (let n = 0; n < 2; n++) {
        expect((await code.reverse(paid)).kind).toBe('reversed');
        expect((await code.reverse(open_)).kind).toBe('reversed');
      }
      expect(['closed', 'refunded']).toContain((await p.query(paid)).kind);
      expect((await p.query(open_)).kind).toBe('closed');
      expect(await rig.pay(`auth:${auth}`)).toBe(false);
      expect(
        (await rig.books()).orders
          .filter((o) => o.reversedAtMs !== undefined)
          .map((o) => o.outTradeNo),
      ).toEqual([paid.outTradeNo]);
      expect((await p.refund(refundOf(paid))).kind).toBe('refused');
    });
    it('the bill of a day has every capture, refund and reversal', async () => {
      const a = ref(10_000);
      const b = ref(5_005);
      const c = { ...ref(7_000), method: 'code' as const };
      await rig.pay(await made(a));
      await rig.pay(await made(b));
      await p.refund(refundOf(b));
      await p.queryRefund(refundOf(b));
      await code.charge({ ...c, authCode: rig.freshCode(), description: 'x' });
      rig.clock.advance(code.reverseAfterMs + 1_000);
      await code.reverse(c);
      expect((await p.downloadBill?.('2026-11-22'))?.kind).toBe('not-ready');
      rig.clock.step(86_400_000);
      const bill = await p.downloadBill?.('2026-11-22');
      if (bill?.kind !== 'bill') throw new Error(JSON.stringify(bill));
      const rows = bill.rows
        .map((r) => `${r.kind} ${r.outTradeNo} ${r.amountFen} ${r.outRefundNo}`)
        .toSorted();
      expect(rows).toEqual(
        [
          `payment ${a.outTradeNo} 10000 `,
          `payment ${b.outTradeNo} 5005 `,
          `payment ${c.outTradeNo} 7000 `,
          `refund ${b.outTradeNo} 5005 R${b.outTradeNo}`,
          `reversal ${c.outTradeNo} 7000 `,
        ].toSorted(),
      );
      expect((await p.downloadBill?.('2026-11-19'))?.kind).toBe('none');
    });
  });
}

describe.each<[string, () => Promise<Rig>]>([
  ['WeChat Pay v3', () => wechat(true)],
  ['Alipay v3', () => alipay('v3', true)],
  ['Alipay v2', () => alipay('v2', true)],
  ['UnionPay', () => unionpay(true)],
  ['The gateway before WeChat Pay', () => gateway(() => wechat(true), 'line')],
  ['The gateway before Alipay', () => gateway(() => alipay('v3', true), 'line')],
])('%s, paid while it is being closed', (_name, begin) => {
  afterEach(() => {
    beforeSend = null;
  });
  /** How it stands when the customer paid before the n-th request of a close; null: there is none. */
  async function paidAt(n: number): Promise<{ kind: string; saysSo: boolean } | null> {
    const rig = await begin();
    try {
      const { provider: p } = rig;
      const r = { outTradeNo: `PL0311CONF${String(++serial).padStart(8, '0')}`, amountFen: 10_000 };
      const expiresAtMs = rig.clock.nowMs() + 120_000;
      const made = await p.create({ ...r, description: '燃气充值', expiresAtMs });
      if (made.kind !== 'pending') throw new Error(made.kind);
      await rig.look?.(made.qrText);
      let requests = 0;
      beforeSend = () => {
        if (++requests === n) void (rig.payLooked ?? rig.pay)(made.qrText);
      };
      await p.close({ ...r, expiresAtMs });
      beforeSend = null;
      if (requests < n) return null;
      const { kind } = await p.query({ ...r, expiresAtMs });
      return { kind, saysSo: p.closeMayHandBack === true };
    } finally {
      beforeSend = null;
      await rig.close();
    }
  }

  it('says so where its close may hand back what it meets, and leaves it alone elsewhere', async () => {
    const kinds: string[] = [];
    for (let n = 1; ; n++) {
      const told = await paidAt(n);
      if (told === null) break;
      kinds.push(told.kind);
      if (told.kind === 'refunded') expect(told.saysSo).toBe(true);
      // Before the wallet has closed it, it is paid; afterwards it cannot be.
      else expect(['paid', 'closed']).toContain(told.kind);
    }
    expect(kinds[0]).toBe('paid');
  });
});

suite('WeChat Pay v3', () => wechat());
suite('Alipay v3', () => alipay('v3'));
suite('Alipay v2', () => alipay('v2'), ['tamperTimestamp', 'tamperNonce']);
suite('UnionPay', () => unionpay(), [], true);
suite('The gateway before WeChat Pay', () => gateway(() => wechat(true), 'line'));
suite('The gateway before Alipay', () => gateway(() => alipay('v3', true), 'line'));
// Behind the gateway a close is confirmed by a query of its own: also an answer without a body has
// one that can be bent.
suite('The gateway with a bad line to WeChat Pay', () => gateway(() => wechat(true), 'wallet'), [
  'tamperBody',
]);
suite('The gateway with a bad line to Alipay', () => gateway(() => alipay('v3', true), 'wallet'));
