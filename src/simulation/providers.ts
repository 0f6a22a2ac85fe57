import { HOUSE_MERCHANT } from '../payment/merchants.ts';
import type { MerchantWallet } from '../payment/merchants.ts';
import { joinAlipay, joinWechat } from '../simulator/merchants.ts';
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
type Names = { readonly [K in keyof typeof MERCHANT]: string };
/** The water company's own, in towns of two merchants. */
const WATER: Names = {
  ...MERCHANT,
  mchid: '1900000222',
  appid: 'wxd678efh567hg6222',
  alipayApp: '2021000000000222',
};

/** In a town of the gateway's the water company may have merchant accounts of its own. */
export const hasTwoMerchants = (seed: number, set: PaySet): boolean =>
  set === 'gateway' && new Dice(seed, 9).chance(0.5);
/** As central knows them there. */
export const WATER_MERCHANT = 'water-co';
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
  names: Names = MERCHANT,
): {
  readonly wechat: PaymentProvider;
  readonly alipay: PaymentProvider;
  readonly unionpay: PaymentProvider;
} {
  const { mchid, appid, merchantSerial, storeOutId, notifyUrl } = names;
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
        appId: names.alipayApp,
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

/** What the gateway of a town has. */
export function townMerchants(
  two: boolean,
  keys: WalletKeys,
  ports: Ports,
): {
  readonly wallets: readonly MerchantWallet[];
  readonly payees: Readonly<Record<string, string>>;
} {
  const { wechat, alipay, unionpay } = walletProviders(keys, ports);
  const wallets = [wechat, alipay, unionpay].map((provider) => ({
    merchant: HOUSE_MERCHANT,
    provider,
  }));
  if (!two) return { wallets, payees: {} };
  const water = walletProviders(keys, ports, WATER);
  const theirs = [water.wechat, water.alipay].map((provider) => ({
    merchant: WATER_MERCHANT,
    provider,
  }));
  return { wallets: [...wallets, ...theirs], payees: { water: WATER_MERCHANT } };
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

/**
 * The wallets themselves, with one set of books for each merchant: no number is used at two.
 *
 * @param water the water company's books; null: it has no merchant of its own
 */
export function townWallets(
  keys: WalletKeys,
  books: Books,
  water: Books | null,
  now: () => number,
  randomBytes: (n: number) => Uint8Array,
): Wallets {
  const pair = (names: Names, own: Books, linkSuffix: string) => {
    const common = { port: 0, dataDir: null, books: own, now, randomBytes };
    return {
      wechat: createWechatSandbox({
        ...common,
        merchantPublicKeyPem: '',
        platformPrivateKeyPem: '',
        platformSerial: names.platformSerial,
        mchid: names.mchid,
        appid: names.appid,
        crypto: { merchantVerifier: keys.merchant.verifier, platformSigner: keys.platform.signer },
      }),
      alipay: createAlipaySandbox({
        ...common,
        linkSuffix,
        appPublicKeyPem: '',
        alipayPrivateKeyPem: '',
        appId: names.alipayApp,
        crypto: { appVerifier: keys.merchant.verifier, alipaySigner: keys.platform.signer },
      }),
    };
  };
  const house = pair(MERCHANT, books, '');
  const common = { port: 0, dataDir: null, books, now, randomBytes };
  const unionpay = createUnionpaySandbox({ ...common, ...BILLS, appKey: BILLS_KEY });
  if (water === null) return { ...house, unionpay };
  const theirs = pair(WATER, water, '&m=1');
  return {
    wechat: joinWechat({ [MERCHANT.mchid]: house.wechat, [WATER.mchid]: theirs.wechat }),
    alipay: joinAlipay({ [MERCHANT.alipayApp]: house.alipay, [WATER.alipayApp]: theirs.alipay }),
    unionpay,
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
