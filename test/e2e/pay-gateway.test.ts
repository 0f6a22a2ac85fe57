import { payCases } from '../support/paying.ts';

/** One code at the kiosk, the company's gateway behind it, and every wallet behind that. */
const by = (wallet: 'wechat' | 'alipay' | 'unionpay') => ({ provider: 'gateway', wallet }) as const;

payCases('gateway', [
  ['cut', by('unionpay')],
  ['late', by('alipay')],
  ['declined', by('wechat')],
  ['password', by('alipay'), 'full'],
  ['not-taken', by('unionpay'), 'full'],
  ['qr', by('wechat'), 'full'],
  ['qr', by('alipay'), 'full'],
  ['qr', by('unionpay'), 'full'],
  ['cut', by('wechat'), 'full'],
  ['cut', by('alipay'), 'full'],
  ['late', by('wechat'), 'full'],
  ['late', by('unionpay'), 'full'],
  ['declined', by('alipay'), 'full'],
  ['password', by('wechat'), 'full'],
  ['both', by('wechat'), 'full'],
  ['both', by('alipay'), 'full'],
]);
