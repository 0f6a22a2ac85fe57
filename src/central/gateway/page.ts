import { hash } from 'node:crypto';
import { formatYuan } from '../../shared/money.ts';
import { escapeHtml } from '../http/escape.ts';
import type { CentralAnswer } from '../http/request.ts';
import type { Opened, Seen, Wallet } from './types.ts';

type Words = readonly [status: number, zh: string, en: string];
type Leads = 'go' | 'choose' | 'authorize' | 'invoke';
const WORDS: Readonly<Record<Exclude<Opened['kind'], Leads>, Words>> = {
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
  'over-begun': [
    410,
    '付款码已失效，请不要再付。如果您已经付了，请看机器屏幕；没有充上的会原路退回。',
    'This code is over: please do not pay any more. If you have paid, please look at the machine’s screen; what was not recharged goes back the way it came.',
  ],
  wait: [503, '正在准备，请稍等片刻再点一次。', 'Getting ready. Please tap again in a moment.'],
  refused: [
    502,
    '支付平台没有接受，没有收您的钱。请稍后再试，或换一种钱包。',
    'The payment platform did not accept it. You have not been charged. Please try again later or use another wallet.',
  ],
  spent: [
    410,
    '这个付款码在这种钱包里不能再打开。请换一种钱包，或在机器上重新操作。如果您已经付了，请看机器屏幕；没有充上的会原路退回。',
    'This code does not open in this wallet any more. Please use another wallet, or begin again at the machine. If you have paid, please look at the machine’s screen; what was not recharged goes back the way it came.',
  ],
  'no-such-trade': [404, '没有这笔付款。', 'There is no such payment.'],
};
const NAMES: Readonly<Record<Wallet, readonly [zh: string, en: string]>> = {
  wechat: ['微信支付', 'WeChat Pay'],
  alipay: ['支付宝', 'Alipay'],
  unionpay: ['云闪付', 'UnionPay'],
  gateway: ['', ''],
};

/** How soon it is worth coming again, seconds. */
const RETRY_AFTER_S: Readonly<Record<number, string>> = { 429: '60', 503: '3' };
/** No `form-action` in the policy: browsers hold it against the redirect into the wallet, too. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
const STYLE =
  'body{font:1.25rem/1.6 sans-serif;margin:1.5rem;color:#1b2536}small{display:block;font-size:.8rem;color:#5a6780}' +
  '.sum{font-size:2.6rem;font-weight:700;margin:.5rem 0}dl{margin:0}dt{color:#5a6780;font-size:1rem}dt small{display:inline}' +
  'dd{margin:0 0 .6rem;font-weight:600;overflow-wrap:anywhere}button{display:block;width:100%;margin:1rem 0;padding:.8rem;border:0;' +
  'border-radius:.6rem;background:#12305c;color:#fff;font:inherit;font-weight:600}button small{color:#dde6f5}';

/**
 * What a phone gets that opened a trade's code: whose machine asks for how much and for which card,
 * and a button. Without script, for the wallets' own browsers.
 */
export function lookedAt(seen: Seen): CentralAnswer {
  if (seen.kind !== 'trade') return said(WORDS[seen.kind]);
  const { hall, card, company, amountFen, terminalId, wallets, scanWith } = seen;
  const rows: readonly (readonly [zh: string, en: string, value: string | null])[] = [
    ['收款单位', 'Paid to', company === null ? null : `${company.zh} ${company.en}`],
    ['营业厅', 'Where', hall],
    ['卡号/户号', 'Card or account', card],
    ['机器编号', 'Machine', terminalId],
  ];
  const facts = rows
    .filter(([, , value]) => value !== null && value !== '')
    .map(([zh, en, value]) => `<dt>${zh} <small>${en}</small></dt><dd>${escapeHtml(value)}</dd>`)
    .join('');
  const check =
    card === null
      ? ['您正在这台机器前付款吗？不是请关闭本页。', 'Only pay if you stand at this machine.']
      : [
          '请核对：与您面前机器上的号码、金额一致吗？不一致请不要付款。',
          'Only pay if the machine before you shows the same number and sum.',
        ];
  const buttons = wallets.map((wallet) => {
    const [zh, en] = NAMES[wallet];
    return `<button name="wallet" value="${wallet}">用${zh}付款<small>${en}</small></button>`;
  });
  const names = scanWith.map((wallet) => NAMES[wallet]);
  const scan =
    names.length === 0
      ? ''
      : `<p>请打开${names.map(([zh]) => zh).join('或')}，用里面的“扫一扫”扫机器上的码。<small>Open ${names.map(([, en]) => en).join(' or ')} and scan the machine’s code with it.</small></p>`;
  return page(
    200,
    `<p class="sum">¥${formatYuan(amountFen)}</p><dl>${facts}</dl><p>${check.join('<small>')}</small></p>${scan}${buttons.length === 0 ? '' : `<form method="post">${buttons.join('')}</form>`}`,
  );
}

/** How long the wallet's browser may take to tell who pays, s. */
const AUTHORIZE_S = 300;
/** Its name in the browser: what it went away with, and must come back with. */
const STATE_COOKIE = 'pilotlight-pay';

/**
 * What a tap leads to: on into the wallet, or a few words.
 *
 * @param secure the pages are reached over HTTPS
 */
export function tapped(
  opened: Exclude<Opened, { readonly kind: 'choose' }>,
  secure: boolean,
): CentralAnswer {
  if (opened.kind === 'invoke') return invoking(opened.params);
  if (opened.kind !== 'go' && opened.kind !== 'authorize') return said(WORDS[opened.kind]);
  return {
    status: 303,
    headers: {
      location: opened.url,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      ...(opened.kind === 'go'
        ? {}
        : {
            'set-cookie': `${STATE_COOKIE}=${opened.state}; Path=/q/; Max-Age=${AUTHORIZE_S}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`,
          }),
    },
    body: '',
  };
}

/** Did this very browser go away with the state that it comes back with? */
export function sameState(cookies: string | null, state: string | null): boolean {
  const kept = (cookies ?? '')
    .split(';')
    .map((one) => one.trim().split('='))
    .find(([name]) => name === STATE_COOKIE)?.[1];
  return kept !== undefined && kept !== '' && kept === state;
}

/**
 * Hands the order to the wallet around the page (pay.weixin.qq.com doc 4012791857). The wallet's
 * word of how it ended only chooses what the page says: the machine hears of it from the wallet
 * itself. “Not charged” is said to whoever turned back himself; a wallet that failed may have been
 * paid all the same. The one script of these pages; the policy names it by its hash.
 */
const INVOKE = `(function () {
  var box = document.getElementById('invoke');
  var params = JSON.parse(box.getAttribute('data-params'));
  var show = function (which) {
    ['opening', 'done', 'again', 'unsure'].forEach(function (id) {
      document.getElementById(id).hidden = id !== which;
    });
  };
  var pay = function () {
    WeixinJSBridge.invoke('getBrandWCPayRequest', params, function (res) {
      var how = String(res.err_msg).split(':')[1];
      show(how === 'ok' ? 'done' : how === 'cancel' ? 'again' : 'unsure');
    });
  };
  if (typeof WeixinJSBridge === 'undefined')
    document.addEventListener('WeixinJSBridgeReady', pay, false);
  else pay();
})();`;
const INVOKE_HASH = `'sha256-${hash('sha256', INVOKE, 'base64')}'`;

const invoking = (params: Readonly<Record<string, string>>): CentralAnswer =>
  page(
    200,
    `<div id="invoke" data-params="${escapeHtml(JSON.stringify(params))}"><p id="opening">正在打开微信支付…<small>Opening WeChat Pay…</small></p><p id="done" hidden>已提交付款，请看机器屏幕。<small>Sent. Please look at the machine’s screen.</small></p><p id="again" hidden>没有付款，没有收您的钱。要付款，请在机器前再扫一次码。<small>Not paid: you have not been charged. To pay, scan the machine’s code again.</small></p><p id="unsure" hidden>没有办完。如果您已经付了，请看机器屏幕；还没有付，请在机器前再扫一次码。<small>This did not finish. If you have paid, please look at the machine’s screen; if not, scan its code again.</small></p></div><script>${INVOKE}</script>`,
    `${POLICY}; script-src ${INVOKE_HASH}`,
  );

const said = ([status, zh, en]: Words): CentralAnswer =>
  page(
    status,
    `<p>${zh}<small>${en}</small></p>${status === 503 ? '<p><a href="">返回 Back</a></p>' : ''}`,
  );

/** Too many came for this code, or from one place. Whether it was paid this page does not know. */
export const TOO_OFTEN: CentralAnswer = said([
  429,
  '打开的人太多，请过一分钟再试。是否已付款，以机器屏幕为准。',
  'Too many visits. Please try again in a minute. The machine’s screen tells whether you have paid.',
]);

function page(status: number, body: string, policy = POLICY): CentralAnswer {
  const retry = RETRY_AFTER_S[status];
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-robots-tag': 'noindex',
      ...(retry === undefined ? {} : { 'retry-after': retry }),
    },
    body: `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>付款</title><style>${STYLE}</style>${body}</html>`,
  };
}
