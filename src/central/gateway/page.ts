import type { CentralAnswer } from '../http/request.ts';
import type { Opened, Wallet } from './types.ts';

const WORDS: Readonly<
  Record<
    Exclude<Opened['kind'], 'go' | 'choose'>,
    readonly [status: number, zh: string, en: string]
  >
> = {
  paid: [
    200,
    '这笔款已经付过了，请看机器屏幕。',
    'This has been paid. Please look at the machine’s screen.',
  ],
  over: [
    410,
    '付款码已失效，没有收您的钱。请在机器上重新操作。',
    'This code is over. You have not been charged. Please begin again at the machine.',
  ],
  wait: [503, '正在准备，请稍等片刻再扫一次。', 'Getting ready. Please scan again in a moment.'],
  refused: [
    502,
    '支付平台没有接受，没有收您的钱。请稍后再扫，或换一种钱包。',
    'The payment platform did not accept it. You have not been charged. Please scan again later or use another wallet.',
  ],
  'no-such-trade': [404, '没有这笔付款。', 'There is no such payment.'],
};
const NAMES: Readonly<Record<Wallet, string>> = {
  wechat: '微信支付 WeChat Pay',
  alipay: '支付宝 Alipay',
  unionpay: '云闪付 UnionPay',
  gateway: '',
};

/** What a phone gets that opened a trade's code: the way on into its wallet, or a few words. */
export function payPage(opened: Opened): CentralAnswer {
  if (opened.kind === 'go')
    return {
      status: 303,
      headers: { location: opened.url, 'cache-control': 'no-store' },
      body: '',
    };
  if (opened.kind === 'choose')
    return page(
      200,
      `<p>请选择付款方式<br>Choose how to pay</p>${opened.wallets.map((w) => `<p><a href="?wallet=${w}">${NAMES[w]}</a></p>`).join('')}`,
    );
  const [status, zh, en] = WORDS[opened.kind];
  return page(status, `<p>${zh}</p><p>${en}</p>`);
}

function page(status: number, body: string): CentralAnswer {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      ...(status === 503 ? { 'retry-after': '3' } : {}),
    },
    body: `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>付款</title><style>body{font:1.25rem/1.6 sans-serif;margin:2rem}</style>${body}</html>`,
  };
}
