import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAlipayProvider } from '../../../src/payment/alipay/provider.ts';
import type { CodePay, PaymentProvider, RefundRequest } from '../../../src/payment/types.ts';
import { createWechatProvider } from '../../../src/payment/wechat/provider.ts';
import { rsaSha256Signer, rsaSha256Verifier } from '../../../src/shared/signing.ts';
import { createAlipaySandbox } from '../../../src/simulator/alipay/sandbox.ts';
import type { SandboxOrder, SandboxRefund } from '../../../src/simulator/payment-books.ts';
import { createWechatSandbox, generateSandboxKeys } from '../../../src/simulator/wechat/sandbox.ts';
import { ManualClock } from '../../support/clock.ts';

/**
 * What every provider must do, asked of each through its own gateway over HTTP. A provider that passes may be put
 * before the kiosk: the kiosk knows nothing else of it.
 */
interface Rig {
  readonly provider: PaymentProvider;
  readonly clock: ManualClock;
  /** The customer pays a QR code, or confirms a code payment. */
  readonly pay: (codeUrl: string, late?: boolean) => boolean;
  readonly fault: (fault: Fault, times?: number) => void;
  readonly clear: () => void;
  readonly freshCode: () => string;
  readonly books: () => { readonly orders: readonly SandboxOrder[]; readonly refunds: readonly SandboxRefund[] };
  readonly close: () => Promise<void>;
}
/** Faults that every gateway knows. */
type Fault = 'dropRequest' | 'dropAnswer' | 'error500' | 'error500Before' | 'rateLimit' | 'tamperBody' | 'tamperSignature' | 'tamperTimestamp' | 'tamperNonce' | 'unsigned' | 'notEnough' | 'refundStuck' | 'wrongAmount' | 'wrongOrder' | 'askPassword' | 'balanceShort' | 'riskRefused' | 'codeExpired';
/** No answer, or one that must not be believed, whatever was asked. */
const UNBELIEVED: readonly Fault[] = ['dropRequest', 'dropAnswer', 'error500', 'error500Before', 'rateLimit', 'tamperBody', 'tamperSignature', 'tamperTimestamp', 'tamperNonce', 'unsigned'];

const T0 = Date.parse('2026-11-22T12:00:00+08:00');
const keys = generateSandboxKeys();
let serial = 0;

async function wechat(): Promise<Rig> {
  const clock = new ManualClock(T0);
  const sandbox = createWechatSandbox({ port: 0, dataDir: null, merchantPublicKeyPem: keys.merchantPublicKeyPem, platformPrivateKeyPem: keys.platformPrivateKeyPem, platformSerial: keys.platformSerial, mchid: '1900000109', appid: 'wxd678efh567hg6787', now: () => clock.nowMs(), randomBytes });
  const { baseUrl } = await sandbox.start();
  const provider = createWechatProvider(
    { baseUrl, mchid: '1900000109', appid: 'wxd678efh567hg6787', merchantSerial: keys.merchantSerial, merchantSigner: rsaSha256Signer(keys.merchantPrivateKeyPem), platformKeys: new Map([[keys.platformSerial, rsaSha256Verifier(keys.platformPublicKeyPem)]]), notifyUrl: 'https://pay.example.com/notify', storeOutId: '0311' },
    { clock, random: { bytes: (n) => randomBytes(n) }, timeoutMs: 5_000 },
  );
  return { provider, clock, pay: (codeUrl, late = false) => sandbox.control.pay({ codeUrl, late }).paid, fault: (fault, times = 1) => sandbox.control.faults({ [fault]: times }), clear: () => sandbox.control.faults({ reset: true }), freshCode: () => `13${String(++serial).padStart(16, '0')}`, books: () => sandbox.control.books(), close: () => sandbox.close() };
}
async function alipay(protocol: 'v3' | 'v2'): Promise<Rig> {
  const clock = new ManualClock(T0);
  const sandbox = createAlipaySandbox({ port: 0, dataDir: null, appPublicKeyPem: keys.merchantPublicKeyPem, alipayPrivateKeyPem: keys.platformPrivateKeyPem, appId: '2021000000000311', now: () => clock.nowMs(), randomBytes });
  const { baseUrl } = await sandbox.start();
  const provider = createAlipayProvider({ baseUrl, appId: '2021000000000311', appSigner: rsaSha256Signer(keys.merchantPrivateKeyPem), alipayKey: rsaSha256Verifier(keys.platformPublicKeyPem), protocol, storeId: '0311' }, { clock, random: { bytes: (n) => randomBytes(n) }, timeoutMs: 5_000 });
  return { provider, clock, pay: (codeUrl, late = false) => sandbox.control.pay({ codeUrl, late }).paid, fault: (fault, times = 1) => sandbox.control.faults({ [fault]: times }), clear: () => sandbox.control.faults({ reset: true }), freshCode: () => `28${String(++serial).padStart(16, '0')}`, books: () => sandbox.control.books(), close: () => sandbox.close() };
}

let cases = 0;
afterAll(() => {
  console.log(`payment conformance: ${cases} cases`);
});

/** @param skips faults that this protocol cannot have: v2 answers carry neither time nor nonce. */
function suite(name: string, open: () => Promise<Rig>, skips: readonly Fault[] = []): void {
  describe(`${name} as every provider`, () => {
    let rig: Rig;
    let p: PaymentProvider;
    let code: CodePay;
    beforeEach(async () => {
      rig = await open();
      p = rig.provider;
      if (p.code === undefined) throw new Error('no code pay');
      code = p.code;
    });
    afterEach(async () => {
      cases += expect.getState().assertionCalls;
      await rig.close();
    });
    const ref = (amountFen = 10_000): { outTradeNo: string; amountFen: number } => ({ outTradeNo: `PL0311CONF${String(++serial).padStart(8, '0')}`, amountFen });
    const made = async (r: ReturnType<typeof ref>, seconds = 120): Promise<string> => {
      const made_ = await p.create({ ...r, description: '燃气充值 100.00 元', expiresAtMs: rig.clock.nowMs() + seconds * 1_000 });
      if (made_.kind !== 'pending') throw new Error(JSON.stringify(made_));
      return made_.qrText;
    };
    const unpaid = (kind: string): boolean => kind === 'pending' || kind === 'not-found';
    const refundOf = (r: ReturnType<typeof ref>): RefundRequest => ({ ...r, outRefundNo: `R${r.outTradeNo}`, refundFen: r.amountFen, reason: '充值未完成，原路退回' });
    const faults = UNBELIEVED.filter((f) => !skips.includes(f));

    it('a QR code: unpaid, paid once, known by amount and number', async () => {
      const r = ref();
      const qr = await made(r);
      expect(unpaid((await p.query(r)).kind)).toBe(true);
      expect(rig.pay(qr)).toBe(true);
      const paid = await p.query(r);
      expect(paid).toMatchObject({ kind: 'paid', amountFen: 10_000 });
      expect(paid.kind === 'paid' && paid.transactionId.length > 10 && Math.abs((paid.paidAtMs ?? 0) - T0) < 2_000).toBe(true);
      expect(rig.pay(qr)).toBe(false);
      // Asked for again, it is not a second one.
      expect((await p.create({ ...r, description: '燃气充值 100.00 元', expiresAtMs: rig.clock.nowMs() + 120_000 })).kind).toBe('paid');
    });
    it('asked for again before it is paid: a code of the same trade; with another sum: refused', async () => {
      const r = ref();
      const first = await made(r);
      const second = await made(r);
      rig.pay(second);
      expect(rig.pay(first)).toBe(false);
      const other = ref();
      await made(other);
      expect((await p.create({ ...other, amountFen: 1, description: '燃气充值 100.00 元', expiresAtMs: rig.clock.nowMs() + 120_000 })).kind).toBe('refused');
    });
    it('closed: cannot be paid, says so, may be closed again; a late capture is still seen', async () => {
      const r = ref();
      const qr = await made(r);
      expect((await p.close(r)).kind).toBe('closed');
      expect(['closed', 'not-found']).toContain((await p.query(r)).kind);
      expect(rig.pay(qr)).toBe(false);
      expect(['closed', 'not-found']).toContain((await p.close(r)).kind);
      expect((await p.create({ ...r, description: '燃气充值 100.00 元', expiresAtMs: rig.clock.nowMs() + 120_000 })).kind).toBe('refused');
      expect(rig.pay(qr, true)).toBe(true);
      expect(await p.query(r)).toMatchObject({ kind: 'paid', amountFen: 10_000 });
    });
    it('a close that comes too late says paid, and takes nothing back', async () => {
      const r = ref();
      rig.pay(await made(r));
      expect((await p.close(r)).kind).toBe('paid');
      expect((await p.query(r)).kind).toBe('paid');
    });
    it('after its time it cannot be paid', async () => {
      const r = ref();
      const qr = await made(r, 120);
      rig.clock.advance(121_000);
      expect(rig.pay(qr)).toBe(false);
      expect((await p.query(r)).kind).not.toBe('paid');
    });
    it('numbers that were never used', async () => {
      expect((await p.query(ref())).kind).toBe('not-found');
      expect(['not-found', 'closed']).toContain((await p.close(ref())).kind);
      expect((await p.queryRefund(refundOf(ref()))).kind).toBe('not-found');
      expect((await p.refund(refundOf(ref()))).kind).toBe('refused');
      expect(['not-found', 'reversed']).toContain((await code.reverse({ ...ref(), method: 'code' })).kind);
    });
    it('a refund goes back once under one number, however often it is asked for', async () => {
      const r = ref();
      rig.pay(await made(r));
      for (let n = 0; n < 3; n++) expect(['accepted', 'done']).toContain((await p.refund(refundOf(r))).kind);
      expect(await p.queryRefund(refundOf(r))).toMatchObject({ kind: 'done', refundFen: 10_000 });
      expect(rig.books().refunds).toHaveLength(1);
      expect((await p.refund({ ...refundOf(r), outRefundNo: `X${r.outTradeNo}` })).kind).toBe('refused');
      expect((await p.query(r)).kind).toBe('refunded');
    });
    it('a refund that waits, and one for which the merchant has no money', async () => {
      const r = ref();
      rig.pay(await made(r));
      rig.fault('notEnough');
      expect((await p.refund(refundOf(r))).kind).toBe('unknown');
      rig.fault('refundStuck');
      expect((await p.refund(refundOf(r))).kind).toBe('accepted');
      expect(['processing', 'not-found']).toContain((await p.queryRefund(refundOf(r))).kind);
      expect(['accepted', 'done']).toContain((await p.refund(refundOf(r))).kind);
      expect(rig.books().refunds).toHaveLength(1);
    });
    it('refunds that cannot be are not sent', async () => {
      const r = ref();
      rig.pay(await made(r));
      for (const refundFen of [0, -1, 0.5, 10_001]) expect((await p.refund({ ...refundOf(r), refundFen })).kind).toBe('refused');
      for (const amountFen of [0, -1, 0.5]) expect((await p.create({ ...r, amountFen, description: 'x', expiresAtMs: rig.clock.nowMs() + 60_000 })).kind).toBe('refused');
      expect((await p.create({ outTradeNo: '坏', amountFen: 1, description: 'x', expiresAtMs: rig.clock.nowMs() + 60_000 })).kind).toBe('refused');
    });
    it('an answer about another trade is not ours; another captured sum is told as it is', async () => {
      const r = ref();
      const qr = await made(r);
      rig.pay(qr);
      rig.fault('wrongOrder');
      expect((await p.query(r)).kind).toBe('unknown');
      rig.fault('wrongAmount');
      expect(await p.query(r)).toMatchObject({ kind: 'paid', amountFen: 10_001 });
    });
    for (const fault of faults) {
      it(`${fault}: unknown from every verb, and everything may be asked again`, async () => {
        const r = ref();
        rig.fault(fault);
        expect((await p.create({ ...r, description: '燃气充值 100.00 元', expiresAtMs: rig.clock.nowMs() + 120_000 })).kind).toBe('unknown');
        const qr = await made(r);
        rig.fault(fault);
        expect((await p.query(r)).kind).toBe('unknown');
        rig.pay(qr);
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
        expect((await p.close(c)).kind).toBe(fault === 'tamperBody' && p.kind === 'wechat' ? 'closed' : 'unknown');
        expect(['closed', 'not-found']).toContain((await p.close(c)).kind);
        const k = { ...ref(), method: 'code' as const };
        rig.fault(fault);
        expect((await code.charge({ ...k, authCode: rig.freshCode(), description: 'x' })).kind).toBe('unknown');
        rig.clock.advance(code.reverseAfterMs + 1_000);
        rig.fault(fault);
        expect((await code.reverse(k)).kind).toBe('unknown');
        expect(['reversed', 'not-found']).toContain((await code.reverse(k)).kind);
        expect(['closed', 'not-found', 'refunded']).toContain((await p.query(k)).kind);
        rig.fault(fault);
        expect((await p.downloadBill?.('2026-11-22'))?.kind).toBe('unknown');
      });
    }
    it('a customer’s code is charged once', async () => {
      const k = { ...ref(), method: 'code' as const };
      const auth = rig.freshCode();
      expect(await code.charge({ ...k, authCode: auth, description: 'x' })).toMatchObject({ kind: 'paid', amountFen: 10_000 });
      expect((await p.query(k)).kind).toBe('paid');
      expect(await code.charge({ ...ref(), method: 'code', authCode: auth, description: 'x' })).toMatchObject({ kind: 'refused', failure: { code: 'PAY-0403' } });
      // The same number again: what it is, the query says.
      expect((await code.charge({ ...k, authCode: rig.freshCode(), description: 'x' })).kind).toBe('unknown');
    });
    it('a password: paying until it is typed', async () => {
      const k = { ...ref(), method: 'code' as const };
      const auth = rig.freshCode();
      rig.fault('askPassword');
      expect((await code.charge({ ...k, authCode: auth, description: 'x' })).kind).toBe('paying');
      expect((await p.query(k)).kind).toBe('paying');
      rig.pay(`auth:${auth}`);
      expect(await p.query(k)).toMatchObject({ kind: 'paid', amountFen: 10_000 });
      const above = { ...ref(100_001), method: 'code' as const };
      expect((await code.charge({ ...above, authCode: rig.freshCode(), description: 'x' })).kind).toBe('paying');
    });
    for (const [fault, expected] of [['balanceShort', 'PAY-0401'], ['riskRefused', 'PAY-0402'], ['codeExpired', 'PAY-0403']] as const) {
      it(`${fault}: a definite no with its own sentence, and nothing to take back`, async () => {
        const k = { ...ref(), method: 'code' as const };
        rig.fault(fault);
        expect(await code.charge({ ...k, authCode: rig.freshCode(), description: 'x' })).toMatchObject({ kind: 'refused', failure: { code: expected } });
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
      expect(rig.pay(`auth:${auth}`)).toBe(false);
      expect(rig.books().orders.filter((o) => o.reversedAtMs !== undefined).map((o) => o.outTradeNo)).toEqual([paid.outTradeNo]);
      expect((await p.refund(refundOf(paid))).kind).toBe('refused');
    });
    it('the bill of a day has every capture, refund and reversal', async () => {
      const a = ref(10_000);
      const b = ref(5_005);
      const c = { ...ref(7_000), method: 'code' as const };
      rig.pay(await made(a));
      rig.pay(await made(b));
      await p.refund(refundOf(b));
      await p.queryRefund(refundOf(b));
      await code.charge({ ...c, authCode: rig.freshCode(), description: 'x' });
      rig.clock.advance(code.reverseAfterMs + 1_000);
      await code.reverse(c);
      expect((await p.downloadBill?.('2026-11-22'))?.kind).toBe('not-ready');
      rig.clock.step(86_400_000);
      const bill = await p.downloadBill?.('2026-11-22');
      if (bill?.kind !== 'bill') throw new Error(JSON.stringify(bill));
      const rows = bill.rows.map((r) => `${r.kind} ${r.outTradeNo} ${r.amountFen} ${r.outRefundNo}`).toSorted();
      expect(rows).toEqual([`payment ${a.outTradeNo} 10000 `, `payment ${b.outTradeNo} 5005 `, `payment ${c.outTradeNo} 7000 `, `refund ${b.outTradeNo} 5005 R${b.outTradeNo}`, `reversal ${c.outTradeNo} 7000 `].toSorted());
      expect((await p.downloadBill?.('2026-11-19'))?.kind).toBe('none');
    });
    it('nobody listens: unknown', async () => {
      await rig.close();
      const r = ref();
      expect((await p.create({ ...r, description: 'x', expiresAtMs: rig.clock.nowMs() + 60_000 })).kind).toBe('unknown');
      expect((await p.query(r)).kind).toBe('unknown');
      rig = await open();
    });
  });
}

suite('WeChat Pay v3', wechat);
suite('Alipay v3', () => alipay('v3'));
suite('Alipay v2', () => alipay('v2'), ['tamperTimestamp', 'tamperNonce']);
