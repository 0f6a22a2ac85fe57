import { formatPrice, formatQuantity, formatYuan } from '../../shared/money.ts';
import { orderRef } from '../../shared/order-id.ts';
import type { Policy } from '../../shared/policy.ts';
import type { CreditKind } from '../../shared/sale.ts';
import { chinaTime } from '../../shared/time.ts';
import { escapeHtml } from '../http/escape.ts';
import type { CentralAnswer } from '../http/request.ts';
import type { Receipt, SeenReceipt } from './receipt.ts';
import { orderStands } from './words.ts';
import type { Both } from './words.ts';

/** Which of both languages, as an index of {@link Both}. */
export type Locale = 0 | 1;
type Row = readonly [label: Both, value: string];

const KIND: Readonly<Record<CreditKind, Both>> = {
  balance: ['物联表充值', 'Meter top-up'],
  gas: ['燃气费', 'Gas'],
  water: ['水费', 'Water'],
  heat: ['暖气费', 'Heating'],
};
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const STYLE =
  'body{font:1.2rem/1.55 sans-serif;margin:1.25rem;color:#1b2536;max-width:34rem}h1{font-size:1.9rem;line-height:1.25;margin:.3rem 0}' +
  '.sum{font-size:2.4rem;font-weight:700;margin:.4rem 0}.next{background:#eef3fb;border-radius:.6rem;padding:.8rem 1rem}' +
  'dl{margin:1rem 0}dt{color:#5a6780;font-size:1rem}dd{margin:0 0 .6rem;font-weight:600;overflow-wrap:anywhere}' +
  'a{color:#12305c}.call{font-weight:700}';

/** Chinese, unless the phone asks for English before it. */
export function localeOf(accepts: string): Locale {
  const wanted = accepts
    .split(',')
    .map((part) => {
      const [tag = '', ...rest] = part.trim().toLowerCase().split(';');
      const q = rest.map((p) => /^\s*q=([\d.]+)\s*$/.exec(p)?.[1]).find((v) => v !== undefined);
      return { tag: tag.split('-', 1)[0], q: q === undefined ? 1 : Number(q) };
    })
    .filter(({ tag, q }) => q > 0 && (tag === 'zh' || tag === 'en'))
    .toSorted((a, b) => b.q - a.q);
  return wanted[0]?.tag === 'en' ? 1 : 0;
}

/** What a phone gets that opened a slip's code. */
export function receiptPage(
  seen: SeenReceipt,
  policy: Pick<Policy, 'hotline' | 'credit'>,
  locale: Locale,
): CentralAnswer {
  const { hotline } = policy;
  if (seen.kind === 'none')
    return say(404, locale, hotline, [
      ['没有这张凭条', 'There is no such receipt'],
      ['请重新扫凭条上的码，或拨打热线。', 'Scan the code on your slip again, or call us.'],
    ]);
  if (seen.kind === 'not-arrived')
    return say(
      200,
      locale,
      hotline,
      [
        ['还没有收到这笔订单', 'This order has not arrived yet'],
        [
          '机器联网后就会显示，请过几分钟再试。请保留凭条。',
          'It is shown once the machine is online: try again in a few minutes. Keep your slip.',
        ],
      ],
      seen.orderId,
    );
  return receipt(seen.receipt, policy, locale);
}

/** Too many came for this page, or from one place. */
export const tooOften = (locale: Locale, hotline: string): CentralAnswer =>
  say(429, locale, hotline, [
    ['打开的人太多', 'Too many visits'],
    ['请过一分钟再试。', 'Please try again in a minute.'],
  ]);

function receipt(
  r: Receipt,
  policy: Pick<Policy, 'hotline' | 'credit'>,
  locale: Locale,
): CentralAnswer {
  const { title, next } = orderStands(r);
  const rows = [...goodsRows(r, policy, locale), ...moneyRows(r), ...orderRows(r)];
  return page(
    200,
    locale,
    `<h1>${escapeHtml(title[locale])}</h1><p class="sum">¥${formatYuan(r.money.amountFen)}</p>` +
      `<p class="next">${escapeHtml(next[locale])}</p>${list(rows, locale)}${call(policy.hotline, locale)}`,
  );
}

function goodsRows(r: Receipt, policy: Pick<Policy, 'credit'>, locale: Locale): readonly Row[] {
  const { goods } = r;
  if (goods.kind === 'credit') {
    const payee = policy.credit?.payees.find((p) => p.id === goods.payee)?.company;
    return [
      [['户号尾号', 'User number ends in'], goods.userTail],
      ...(payee === undefined
        ? []
        : [[['收款单位', 'Paid to'], locale === 1 ? payee.en : payee.zh] as const]),
      ...goods.lines.map((line): Row => [
        [`${KIND[line.kind][0]} ${line.period}`, `${KIND[line.kind][1]} ${line.period}`],
        `¥${formatYuan(line.amountFen)}`,
      ]),
    ];
  }
  const unit: Both = goods.unit === 'volume' ? ['立方米', 'm³'] : ['元', 'yuan'];
  const quantity = `${formatQuantity(goods.quantity)} ${unit[locale]}`;
  return [
    [['卡号', 'Card'], goods.cardMasked],
    [r.state === 'delivered' ? ['已写入卡', 'Written'] : ['购买', 'Bought'], quantity],
    ...goods.shares.map((s): Row => [
      [`第${s.tier}档 ${formatPrice(s.priceE4)}元`, `Tier ${s.tier}, ¥${formatPrice(s.priceE4)}`],
      `${formatQuantity(s.quantity)} ${unit[locale]}`,
    ]),
    [['第几次购气', 'Purchase no.'], String(goods.count)],
  ];
}

/** Only what the books have: a sum that nobody took is not called paid. */
function moneyRows({ money }: Receipt): readonly Row[] {
  const { takenFen, backFen, walletNumber } = money;
  return [
    ...(takenFen === 0 ? [] : [[['已付款', 'Paid'], `¥${formatYuan(takenFen)}`] as const]),
    ...(backFen === 0 ? [] : [[['已退回', 'Given back'], `¥${formatYuan(backFen)}`] as const]),
    ...(walletNumber === null ? [] : [[['支付交易号', 'Wallet’s number'], walletNumber] as const]),
  ];
}

const orderRows = ({ orderId, terminalId, createdMs }: Receipt): readonly Row[] => [
  [['订单号', 'Order'], orderRef(orderId)],
  [['时间', 'Time'], chinaTime(createdMs)],
  [['机器编号', 'Machine'], terminalId],
];

const list = (rows: readonly Row[], locale: Locale): string =>
  `<dl>${rows.map(([label, value]) => `<dt>${escapeHtml(label[locale].trim())}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>`;

/** The line to call; empty where there is none. */
export function call(hotline: string, locale: Locale): string {
  if (hotline === '') return '';
  const label: Both = ['24小时服务热线', 'Call us, day and night'];
  const dial = hotline.replaceAll(/[^\d+]/g, '');
  return `<p class="call">${label[locale]} <a href="tel:${dial}">${escapeHtml(hotline)}</a></p>`;
}

function say(
  status: number,
  locale: Locale,
  hotline: string,
  [title, lead]: readonly [Both, Both],
  orderId?: string,
): CentralAnswer {
  const again: Both = ['再看一次', 'Look again'];
  const ref: Row = [['订单号', 'Order'], orderId === undefined ? '' : orderRef(orderId)];
  return page(
    status,
    locale,
    `<h1>${title[locale]}</h1><p class="next">${lead[locale]}</p>` +
      (orderId === undefined
        ? ''
        : `${list([ref], locale)}<p><a href="">${again[locale]}</a></p>`) +
      call(hotline, locale),
  );
}

/** A page for phones: no script, nothing from elsewhere, kept by nobody. */
export function page(
  status: number,
  locale: Locale,
  body: string,
  title: Both = ['电子凭条', 'Receipt'],
): CentralAnswer {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': POLICY,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-robots-tag': 'noindex',
      vary: 'accept-language',
      ...(status === 429 ? { 'retry-after': '60' } : {}),
    },
    body: `<!doctype html><html lang="${locale === 1 ? 'en' : 'zh-CN'}"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escapeHtml(title[locale])}</title><style>${STYLE}</style>${body}</html>`,
  };
}
