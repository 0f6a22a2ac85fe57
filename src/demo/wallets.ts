import { createAlipaySandbox } from '../simulator/alipay/sandbox.ts';
import type { AlipaySandboxOptions } from '../simulator/alipay/sandbox.ts';
import type { Books } from '../simulator/payment-books.ts';
import type { WalletName, Wallets } from '../simulator/pay-town.ts';
import { createUnionpaySandbox } from '../simulator/unionpay/sandbox.ts';
import type { Callback } from '../simulator/wechat/callback.ts';
import { createWechatSandbox } from '../simulator/wechat/sandbox.ts';
import { joinAlipay, joinWechat } from '../simulator/merchants.ts';
import type { SandboxKeys } from '../simulator/wechat/sandbox.ts';
import { DEMO_ALIPAY_APP, DEMO_APPID, DEMO_MCHID, DEMO_UNIONPAY, DEMO_WATER } from './setup.ts';
import type { HallKeys } from './setup.ts';

/**
 * Callbacks stay in the hall: the kiosk's own wallets name an address that is nobody's. One that is
 * not taken is not repeated.
 */
function postToHall(url: string, { headers, body }: Callback): void {
  if (new URL(url).hostname === '127.0.0.1')
    fetch(url, { method: 'POST', headers: { ...headers }, body: Buffer.from(body) }).catch(
      () => undefined,
    );
}

/**
 * The gateways of the demo's wallets, under the demo's contracts with them. One pair of keys serves
 * WeChat and Alipay.
 *
 * @param books a wallet's, instead of those in `dataDir`
 * @param water the water company's keys, where it has merchant accounts of its own
 */
export function demoWallets(
  { sandbox: keys, unionpayKey, apiV3Key, appSecret }: HallKeys,
  common: Pick<AlipaySandboxOptions, 'port' | 'dataDir' | 'publicUrl' | 'now' | 'randomBytes'>,
  books: { readonly [K in WalletName]?: Books } = {},
  water: SandboxKeys | null = null,
): Wallets {
  const own = (wallet: WalletName) => (books[wallet] === undefined ? {} : { books: books[wallet] });
  const house: Wallets = {
    wechat: createWechatSandbox({
      ...common,
      ...own('wechat'),
      merchantPublicKeyPem: keys.merchantPublicKeyPem,
      platformPrivateKeyPem: keys.platformPrivateKeyPem,
      platformSerial: keys.platformSerial,
      mchid: DEMO_MCHID,
      appid: DEMO_APPID,
      appSecret,
      callbacks: { apiV3Key, post: postToHall },
    }),
    alipay: createAlipaySandbox({
      ...common,
      ...own('alipay'),
      appPublicKeyPem: keys.merchantPublicKeyPem,
      alipayPrivateKeyPem: keys.platformPrivateKeyPem,
      appId: DEMO_ALIPAY_APP,
      notify: postToHall,
    }),
    unionpay: createUnionpaySandbox({
      ...common,
      ...own('unionpay'),
      ...DEMO_UNIONPAY,
      appKey: unionpayKey,
    }),
  };
  if (water === null) return house;
  const theirs = {
    ...common,
    dataDir: common.dataDir === null ? null : `${common.dataDir}/${DEMO_WATER.merchant}`,
  };
  return {
    ...house,
    wechat: joinWechat({
      [DEMO_MCHID]: house.wechat,
      [DEMO_WATER.mchid]: createWechatSandbox({
        ...theirs,
        merchantPublicKeyPem: water.merchantPublicKeyPem,
        platformPrivateKeyPem: water.platformPrivateKeyPem,
        platformSerial: water.platformSerial,
        mchid: DEMO_WATER.mchid,
        appid: DEMO_WATER.appid,
        appSecret,
        callbacks: { apiV3Key, post: postToHall },
      }),
    }),
    alipay: joinAlipay({
      [DEMO_ALIPAY_APP]: house.alipay,
      [DEMO_WATER.alipayApp]: createAlipaySandbox({
        ...theirs,
        linkSuffix: '&m=1',
        appPublicKeyPem: water.merchantPublicKeyPem,
        alipayPrivateKeyPem: water.platformPrivateKeyPem,
        appId: DEMO_WATER.alipayApp,
        notify: postToHall,
      }),
    }),
  };
}
