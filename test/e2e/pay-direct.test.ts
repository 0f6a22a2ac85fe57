import { payCases } from '../support/paying.ts';

/** The wallets directly at the kiosk, a tab for each. */
const wechat = { provider: 'wechat', wallet: 'wechat' } as const;
const alipay = { provider: 'alipay', wallet: 'alipay' } as const;
const unionpay = { provider: 'unionpay', wallet: 'unionpay' } as const;

payCases('wechat,alipay,unionpay', [
  ['cut', wechat],
  ['declined', alipay],
  ['late', alipay],
  ['not-taken', unionpay],
  ['late', unionpay, 'full'],
  ['cut', unionpay, 'full'],
  // Others of these are in purchase.test.ts too.
  ['cut', alipay, 'full'],
  ['qr', wechat, 'full'],
  ['late', wechat, 'full'],
  ['declined', wechat, 'full'],
  ['password', wechat, 'full'],
  ['qr', alipay, 'full'],
  ['password', alipay, 'full'],
  ['qr', unionpay, 'full'],
]);
