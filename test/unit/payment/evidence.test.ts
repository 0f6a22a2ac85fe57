import { describe, expect, it } from 'vitest';
import { createAlipayProvider } from '../../../src/payment/alipay/provider.ts';
import type { PaymentProvider } from '../../../src/payment/types.ts';
import { createWechatProvider } from '../../../src/payment/wechat/provider.ts';
import type { WalletAnswer } from '../../../src/shared/evidence.ts';
import { quickSigner } from '../central/harness.ts';

/** What a wallet's own answer proves to who did not ask: forms of payments.md, signed as they are. */
const wallet = quickSigner('wallet');
const ports = {
  clock: { nowMs: () => 0, monoMs: () => 0, after: () => () => undefined },
  random: { bytes: (n: number) => new Uint8Array(n) },
  timeoutMs: 1,
  send: () => Promise.reject(new Error('nothing is asked')),
};
const wechat = createWechatProvider(
  {
    baseUrl: 'https://wechat.example',
    mchid: '1900000109',
    appid: 'wx1',
    merchantSerial: 'S',
    merchantSigner: quickSigner('merchant'),
    platformKeys: new Map([['PUB_KEY_ID_1', wallet]]),
    notifyUrl: '',
    storeOutId: '',
  },
  ports,
);
const alipay = (protocol: 'v2' | 'v3'): PaymentProvider =>
  createAlipayProvider(
    {
      baseUrl: 'https://alipay.example',
      appId: '2021',
      appSigner: quickSigner('merchant'),
      alipayKey: wallet,
      protocol,
      storeId: '',
    },
    ports,
  );
const signed = (
  name: WalletAnswer['wallet'],
  covered: string,
  over: Partial<WalletAnswer> = {},
): WalletAnswer => ({
  kind: 'wallet-answer',
  wallet: name,
  key: name === 'wechat' ? 'PUB_KEY_ID_1' : '',
  covered,
  signature: Buffer.from(wallet.sign(Buffer.from(covered, 'utf8'))).toString('base64'),
  ...over,
});
const body = (value: unknown): string => `1780000000\nN0NCE\n${JSON.stringify(value)}\n`;
const read = (p: PaymentProvider, e: WalletAnswer) => p.readEvidence?.(e);
const NOON = Date.parse('2026-11-28T12:00:00+08:00');
const capture = { outTradeNo: 'P1', transactionId: '4200', amountFen: 10_000, paidMs: NOON };

describe('WeChat Pay', () => {
  const trade = {
    mchid: '1900000109',
    appid: 'wx1',
    out_trade_no: 'P1',
    transaction_id: '4200',
    trade_state: 'SUCCESS',
    success_time: '2026-11-28T12:00:00+08:00',
    amount: { total: 10_000, currency: 'CNY' },
    payer: { openid: 'o' },
  };
  const said = (over: Record<string, unknown> = {}) =>
    read(wechat, signed('wechat', body({ ...trade, ...over })));
  it('a trade that was paid', () => {
    expect(said()).toEqual({ ok: true, value: capture });
    expect(said({ success_time: undefined })).toEqual({
      ok: true,
      value: { ...capture, paidMs: null },
    });
  });
  it.each([
    { trade_state: 'NOTPAY' },
    { trade_state: 'USERPAYING' },
    { trade_state: 'REFUND' },
    { trade_state: 'CLOSED' },
    { mchid: '1900000110' },
    { appid: 'wx2' },
    { amount: { total: 10_000, currency: 'HKD' } },
    { amount: undefined },
    { transaction_id: undefined },
  ])('%j is none', (over) => {
    expect(said(over)).toEqual({ ok: false, error: 'not-proven' });
  });
  it('nor is what nobody signed, another form, or a text beside it', () => {
    const good = signed('wechat', body(trade));
    for (const bad of [
      { ...good, covered: good.covered.replace('10000', '90000') },
      { ...good, signature: '' },
      { ...good, signature: `${good.signature}=` },
      signed('wechat', JSON.stringify(trade)),
      signed('wechat', body([trade])),
      signed('wechat', '1780000000\nN0NCE\n{\n'),
    ])
      expect(read(wechat, bad)).toEqual({ ok: false, error: 'not-proven' });
    expect(read(wechat, { ...good, key: 'PUB_KEY_ID_2' })).toEqual({
      ok: false,
      error: 'unknown-key',
    });
  });
});

describe('Alipay', () => {
  const query = {
    out_trade_no: 'P1',
    trade_no: '4200',
    trade_status: 'TRADE_SUCCESS',
    total_amount: '100.00',
    send_pay_date: '2026-11-28 12:00:00',
  };
  const pay = {
    out_trade_no: 'P1',
    trade_no: '4200',
    total_amount: '100.00',
    gmt_payment: '2026-11-28 12:00:00',
  };
  /** As each protocol signs it. */
  const forms = {
    v3: (value: object) => signed('alipay', body(value)),
    v2: (value: object) =>
      signed('alipay', JSON.stringify({ code: '10000', msg: 'Success', ...value })),
  } as const;
  describe.each(['v3', 'v2'] as const)('%s', (protocol) => {
    const said = (value: object) => read(alipay(protocol), forms[protocol](value));
    it('a trade that was paid, by its query or by its code', () => {
      expect(said(query)).toEqual({ ok: true, value: capture });
      expect(said({ ...query, trade_status: 'TRADE_FINISHED' })).toMatchObject({ ok: true });
      expect(said(pay)).toEqual({ ok: true, value: capture });
    });
    it.each([
      { ...query, trade_status: 'WAIT_BUYER_PAY' },
      { ...query, trade_status: 'TRADE_CLOSED' },
      // A code payment whose payer types a password: no time of the payment yet.
      { ...pay, gmt_payment: undefined },
      { ...pay, trade_status: 'WAIT_BUYER_PAY' },
      { ...query, total_amount: undefined },
      { out_trade_no: 'P1', qr_code: 'https://qr.example' },
      { out_trade_no: 'P1', trade_no: '4200', fund_change: 'Y', refund_fee: '100.00' },
    ])('%j is none', (value) => {
      expect(said(value)).toEqual({ ok: false, error: 'not-proven' });
    });
  });
  it('nor is what nobody signed, the other protocol’s form, or an answer that is no success', () => {
    const good = forms.v3(query);
    const changed = { ...good, covered: good.covered.replace('100.00', '900.00') };
    expect(read(alipay('v3'), changed)).toMatchObject({ ok: false });
    expect(read(alipay('v2'), good)).toMatchObject({ ok: false });
    expect(read(alipay('v3'), forms.v2(query))).toMatchObject({ ok: false });
    const going = signed('alipay', JSON.stringify({ code: '10003', ...pay }));
    expect(read(alipay('v2'), going)).toMatchObject({ ok: false });
  });
});
