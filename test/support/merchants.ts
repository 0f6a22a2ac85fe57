import { randomBytes } from 'node:crypto';
import type { MerchantWallet } from '../../src/payment/merchants.ts';
import { createAlipayProvider } from '../../src/payment/alipay/provider.ts';
import { createWechatProvider } from '../../src/payment/wechat/provider.ts';
import type { Clock } from '../../src/shared/ports.ts';
import type { AlipaySandbox } from '../../src/simulator/alipay/sandbox.ts';
import { createAlipaySandbox } from '../../src/simulator/alipay/sandbox.ts';
import { joinAlipay, joinWechat } from '../../src/simulator/merchants.ts';
import type { Callback } from '../../src/simulator/wechat/callback.ts';
import { createWechatSandbox } from '../../src/simulator/wechat/sandbox.ts';
import type { WechatSandbox } from '../../src/simulator/wechat/sandbox.ts';
import { quickSigner } from '../unit/central/harness.ts';
import { sandboxSend } from './sandbox-send.ts';

const API_V3_KEY = '0123456789abcdef0123456789ABCDEF';
const MERCHANTS = [
  { merchant: 'house', mchid: '1900000109', appid: 'wx1', app: '2021000000000311', keys: '' },
  { merchant: 'water-co', mchid: '1900000222', appid: 'wx2', app: '2021000000000222', keys: '-w' },
] as const;

/** Two companies' merchant accounts at two wallets, each with keys and books of its own. */
export interface MerchantTown {
  /** Each wallet as the platform has it: one address for both. */
  readonly wechat: WechatSandbox;
  readonly alipay: AlipaySandbox;
  readonly wallets: readonly MerchantWallet[];
  readonly callbacks: { readonly url: string; readonly callback: Callback }[];
  /** What a merchant took and did not hand back, fen. */
  readonly kept: (merchant: string) => number;
  readonly pay: (codeUrl: string) => boolean;
}

/** The water company's WeChat and Alipay beside the house's. */
export function merchantTown(clock: Clock): MerchantTown {
  const now = () => clock.nowMs();
  const callbacks: { readonly url: string; readonly callback: Callback }[] = [];
  const own = MERCHANTS.map(({ mchid, appid, app, keys }, n) => ({
    wechat: createWechatSandbox({
      port: 0,
      dataDir: null,
      publicUrl: () => 'http://wechat',
      merchantPublicKeyPem: '',
      platformPrivateKeyPem: '',
      platformSerial: `PUB_KEY_ID_0${n + 1}`,
      mchid,
      appid,
      now,
      randomBytes,
      crypto: {
        merchantVerifier: quickSigner(`m${keys}`),
        platformSigner: quickSigner(`p${keys}`),
      },
      callbacks: {
        apiV3Key: API_V3_KEY,
        post: (url, callback) => callbacks.push({ url, callback }),
      },
    }),
    alipay: createAlipaySandbox({
      port: 0,
      dataDir: null,
      publicUrl: () => 'http://alipay',
      linkSuffix: `&m=${n}`,
      appPublicKeyPem: '',
      alipayPrivateKeyPem: '',
      appId: app,
      now,
      randomBytes,
      crypto: { appVerifier: quickSigner(`m${keys}`), alipaySigner: quickSigner(`a${keys}`) },
    }),
  }));
  const wechat = joinWechat(
    Object.fromEntries(MERCHANTS.map((m, n) => [m.mchid, own[n]?.wechat as WechatSandbox])),
  );
  const alipay = joinAlipay(
    Object.fromEntries(MERCHANTS.map((m, n) => [m.app, own[n]?.alipay as AlipaySandbox])),
  );
  const random = { bytes: (n: number) => randomBytes(n) };
  const ports = (sandbox: WechatSandbox | AlipaySandbox) => ({
    clock,
    random,
    timeoutMs: 5_000,
    send: sandboxSend(sandbox),
  });
  const wallets = MERCHANTS.flatMap(({ merchant, mchid, appid, app, keys }, n) => [
    {
      merchant,
      provider: createWechatProvider(
        {
          baseUrl: 'http://wechat',
          mchid,
          appid,
          merchantSerial: 'M',
          merchantSigner: quickSigner(`m${keys}`),
          platformKeys: new Map([[`PUB_KEY_ID_0${n + 1}`, quickSigner(`p${keys}`)]]),
          notifyUrl: `https://pay.example.com/pay/notify/wechat${n === 0 ? '' : `/${merchant}`}`,
          storeOutId: '1',
          apiV3Key: Buffer.from(API_V3_KEY),
        },
        ports(wechat),
      ),
    },
    {
      merchant,
      provider: createAlipayProvider(
        {
          baseUrl: 'http://alipay',
          appId: app,
          appSigner: quickSigner(`m${keys}`),
          alipayKey: quickSigner(`a${keys}`),
          protocol: 'v3',
          storeId: '1',
        },
        ports(alipay),
      ),
    },
  ]);
  return {
    wechat,
    alipay,
    wallets,
    callbacks,
    kept: (merchant) => {
      const at = own[MERCHANTS.findIndex((m) => m.merchant === merchant)];
      const books = [at?.wechat, at?.alipay].flatMap((one) => one?.control.books() ?? []);
      const took = books.flatMap((b) => b.orders).reduce((sum, o) => sum + o.captures * o.total, 0);
      const reversed = books
        .flatMap((b) => b.orders)
        .reduce((sum, o) => sum + (o.reversedAtMs === undefined ? 0 : o.total), 0);
      return took - reversed - books.flatMap((b) => b.refunds).reduce((s, r) => s + r.refund, 0);
    },
    pay: (codeUrl) =>
      codeUrl.startsWith('https://qr.alipay.com/') || /^auth:(2[5-9]|30)/.test(codeUrl)
        ? alipay.control.pay({ codeUrl }).paid
        : wechat.control.pay({ codeUrl }).paid,
  };
}
