import { createAlipayProvider } from '../payment/alipay/provider.ts';
import { createGatewayProvider } from '../payment/gateway/provider.ts';
import type { PaymentProvider } from '../payment/types.ts';
import { openBodySig } from '../payment/unionpay/sign.ts';
import { createUnionpayProvider } from '../payment/unionpay/provider.ts';
import { createWechatProvider } from '../payment/wechat/provider.ts';
import type { HttpSend } from '../shared/http.ts';
import type { Clock, KeyId, Random, Signer, Verifier } from '../shared/ports.ts';
import type { Keyring } from '../shared/signatures.ts';
import { createAlipaySandbox } from '../simulator/alipay/sandbox.ts';
import { walletOfCode, walletOfPath } from '../simulator/pay-town.ts';
import type { Wallets } from '../simulator/pay-town.ts';
import type { Books } from '../simulator/payment-books.ts';
import type { SandboxAnswer } from '../simulator/sandbox-http.ts';
import { createUnionpaySandbox } from '../simulator/unionpay/sandbox.ts';
import { createWechatSandbox } from '../simulator/wechat/sandbox.ts';
import { Dice } from './dice.ts';
import type { Service } from './net.ts';

/**
 * How a town is paid: its wallets at the kiosk · one gateway at central, every wallet behind it ·
 * the gateway with UnionPay's bills alone: its answers prove nothing to who did not ask.
 */
export type PaySet = 'direct' | 'gateway' | 'unionpay';
/** A town's own draw, apart from all else that happens there. */
export const paySetOf = (seed: number): PaySet =>
  new Dice(seed, 1).pick(['direct', 'direct', 'gateway', 'unionpay'] as const);

/** The merchant's names at the wallets. */
const MERCHANT = {
  mchid: '1900000109',
  appid: 'wxd678efh567hg6787',
  merchantSerial: 'SIMMERCHANT',
  storeOutId: 'SIM',
  alipayApp: '2021000000000311',
  platformSerial: 'PUB_KEY_ID_SIM',
  notifyUrl: 'https://pay.example/notify',
} as const;
const BILLS = {
  appId: 'SIMUMS',
  mid: '898310000000311',
  tid: '00000001',
  msgSrcId: '3194',
} as const;
const BILLS_KEY = 'a key of the simulation';
/** Where phones find the gateway's pages. */
export const PAGES = 'https://pay.sim';

export interface WalletKeys {
  readonly merchant: { readonly signer: Signer; readonly verifier: Verifier };
  readonly platform: { readonly signer: Signer; readonly verifier: Verifier };
}
interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly send: HttpSend;
  readonly timeoutMs: number;
}

/** The wallets' own adapters: a kiosk's, or the gateway's. */
export function walletProviders(
  keys: WalletKeys,
  ports: Ports,
): {
  readonly wechat: PaymentProvider;
  readonly alipay: PaymentProvider;
  readonly unionpay: PaymentProvider;
} {
  const { mchid, appid, merchantSerial, storeOutId, notifyUrl } = MERCHANT;
  return {
    wechat: createWechatProvider(
      {
        baseUrl: PAGES,
        mchid,
        appid,
        merchantSerial,
        storeOutId,
        merchantSigner: keys.merchant.signer,
        platformKeys: new Map([[MERCHANT.platformSerial, keys.platform.verifier]]),
        notifyUrl,
      },
      ports,
    ),
    alipay: createAlipayProvider(
      {
        baseUrl: 'https://alipay.sim',
        appId: MERCHANT.alipayApp,
        appSigner: keys.merchant.signer,
        alipayKey: keys.platform.verifier,
        protocol: 'v3',
        storeId: storeOutId,
      },
      ports,
    ),
    unionpay: createUnionpayProvider(
      {
        baseUrl: 'https://ums.sim',
        rule: openBodySig(BILLS.appId, Buffer.from(BILLS_KEY, 'utf8'), 'signed'),
        mid: BILLS.mid,
        tid: BILLS.tid,
        msgSrcId: BILLS.msgSrcId,
        notifyUrl,
        refundQueryPath: '/v1/netpay/bills/refund-query',
      },
      ports,
    ),
  };
}

/** What a kiosk of a town has. */
export function kioskProviders(
  set: PaySet,
  keys: WalletKeys,
  terminal: {
    readonly terminalId: string;
    readonly signer: Signer & KeyId;
    readonly gatewayKeys: Keyring;
  },
  ports: Ports,
): readonly PaymentProvider[] {
  if (set !== 'direct')
    return [
      createGatewayProvider(
        {
          baseUrl: 'https://central.sim',
          terminalId: terminal.terminalId,
          signer: terminal.signer,
          answerKeys: terminal.gatewayKeys,
        },
        ports,
      ),
    ];
  const { wechat, alipay } = walletProviders(keys, ports);
  return [wechat, alipay];
}

/** The wallets themselves, with one set of books: no number is used at two. */
export function townWallets(
  keys: WalletKeys,
  books: Books,
  now: () => number,
  randomBytes: (n: number) => Uint8Array,
): Wallets {
  const common = { port: 0, dataDir: null, books, now, randomBytes };
  return {
    wechat: createWechatSandbox({
      ...common,
      merchantPublicKeyPem: '',
      platformPrivateKeyPem: '',
      platformSerial: MERCHANT.platformSerial,
      mchid: MERCHANT.mchid,
      appid: MERCHANT.appid,
      crypto: { merchantVerifier: keys.merchant.verifier, platformSigner: keys.platform.signer },
    }),
    alipay: createAlipaySandbox({
      ...common,
      appPublicKeyPem: '',
      alipayPrivateKeyPem: '',
      appId: MERCHANT.alipayApp,
      crypto: { appVerifier: keys.merchant.verifier, alipaySigner: keys.platform.signer },
    }),
    unionpay: createUnionpaySandbox({ ...common, ...BILLS, appKey: BILLS_KEY }),
  };
}

/** The wallets as one end of a line. */
export function walletService(wallets: () => Wallets): Service {
  return async ({ method, path, headers, body }) => {
    const lower: Record<string, string> = {};
    for (const name in headers) lower[name.toLowerCase()] = headers[name] as string;
    const { delayMs, answer } = wallets()[walletOfPath(path)].handle({
      method,
      target: path,
      headers: lower,
      body,
    });
    const said: SandboxAnswer = answer(true);
    return said.dropped
      ? null
      : { status: said.status, headers: said.headers, body: said.body, delayMs };
  };
}

/** A payer's wallet takes the money for a code. */
export function payWith(
  wallets: Wallets,
  codeUrl: string,
  late: boolean,
): { readonly paid: true } | { readonly paid: false; readonly reason: string } {
  const request = { codeUrl, ...(late ? { late: true } : {}) };
  return wallets[walletOfCode(codeUrl)].control.pay(request);
}
/** A payer's wallet looks at a code; the acquirer is told nothing of that. */
export function scanWith(wallets: Wallets, codeUrl: string): void {
  const wallet = walletOfCode(codeUrl);
  if (wallet !== 'unionpay') wallets[wallet].control.scan({ codeUrl });
}
/**
 * A number of ours as the acquirer's bills have it, without their source and day; any other number
 * as it is.
 */
export const ownNumber = (no: string): string =>
  no.startsWith(BILLS.msgSrcId) ? no.slice(BILLS.msgSrcId.length).replace(/@.*$/, '') : no;
