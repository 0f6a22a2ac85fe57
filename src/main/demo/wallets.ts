import { createAlipaySandbox } from '../../simulator/alipay/sandbox.ts';
import type { AlipaySandboxOptions } from '../../simulator/alipay/sandbox.ts';
import type { Books } from '../../simulator/payment-books.ts';
import type { WalletName, Wallets } from '../../simulator/pay-town.ts';
import { createUnionpaySandbox } from '../../simulator/unionpay/sandbox.ts';
import { createWechatSandbox } from '../../simulator/wechat/sandbox.ts';
import { DEMO_ALIPAY_APP, DEMO_APPID, DEMO_MCHID, DEMO_UNIONPAY } from './setup.ts';
import type { HallKeys } from './setup.ts';

/**
 * The gateways of the demo's wallets, under the demo's contracts with them. One pair of keys serves WeChat and Alipay.
 * @param books a wallet's, instead of those in `dataDir`
 */
export function demoWallets({ sandbox: keys, unionpayKey }: HallKeys, common: Pick<AlipaySandboxOptions, 'port' | 'dataDir' | 'publicUrl' | 'now' | 'randomBytes'>, books: { readonly [K in WalletName]?: Books } = {}): Wallets {
  const own = (wallet: WalletName) => (books[wallet] === undefined ? {} : { books: books[wallet] });
  return {
    wechat: createWechatSandbox({ ...common, ...own('wechat'), merchantPublicKeyPem: keys.merchantPublicKeyPem, platformPrivateKeyPem: keys.platformPrivateKeyPem, platformSerial: keys.platformSerial, mchid: DEMO_MCHID, appid: DEMO_APPID }),
    alipay: createAlipaySandbox({ ...common, ...own('alipay'), appPublicKeyPem: keys.merchantPublicKeyPem, alipayPrivateKeyPem: keys.platformPrivateKeyPem, appId: DEMO_ALIPAY_APP }),
    unionpay: createUnionpaySandbox({ ...common, ...own('unionpay'), ...DEMO_UNIONPAY, appKey: unionpayKey }),
  };
}
