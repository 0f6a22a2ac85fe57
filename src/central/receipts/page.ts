import { formatPrice, formatQuantity, formatYuan } from '../../shared/money.ts';
import { orderRef } from '../../shared/order-id.ts';
import type { Policy } from '../../shared/policy.ts';
import type { CreditKind } from '../../shared/sale.ts';
import { chinaTime } from '../../shared/time.ts';
import { escapeHtml } from '../http/escape.ts';
import type { CentralAnswer } from '../http/request.ts';
import type { Receipt, SeenReceipt } from './receipt.ts';
import { call, list, page } from './shell.ts';
import type { Locale, Row } from './shell.ts';
import { orderStands } from './words.ts';
import type { Both } from './words.ts';

const KIND: Readonly<Record<CreditKind, Both>> = {
  balance: ['物联表充值', 'Meter top-up'],
  prepay: ['预存', 'Paid ahead'],
  gas: ['燃气费', 'Gas'],
  water: ['水费', 'Water'],
  heat: ['暖气费', 'Heating'],
};
/** How an order stands with its invoice, as its receipt tells: `offer`: it may be asked for. */
export type InvoiceHint = 'offer' | 'refused' | 'under-way' | 'issued' | 'reversing' | 'too-late';
const INVOICE: Readonly<Record<InvoiceHint, Both>> = {
  offer: ['开发票', 'Make out an invoice'],
  refused: ['发票没有开成，再试一次', 'No invoice was made: try again'],
  'under-way': ['正在开发票', 'Your invoice is being made'],
  issued: ['看发票', 'See the invoice'],
  reversing: ['正在红冲原发票', 'The invoice is being taken back'],
  'too-late': ['开发票', 'Make out an invoice'],
};

/** What a phone gets that opened a slip's code. @param invoice null: this central makes none */
export function receiptPage(
  seen: SeenReceipt,
  policy: Pick<Policy, 'hotline' | 'credit'>,
  locale: Locale,
  invoice: { readonly token: string; readonly hint: InvoiceHint | null } | null = null,
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
  // By its own address: where a front server adds a path, it stays.
  const way =
    invoice === null || invoice.hint === null
      ? ''
      : `<p><a class="button" href="${encodeURIComponent(invoice.token)}/invoice">${INVOICE[invoice.hint][locale]}</a></p>`;
  return receipt(seen.receipt, policy, locale, way);
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
  way: string,
): CentralAnswer {
  const { title, next } = orderStands(r);
  const rows = [...goodsRows(r, policy, locale), ...moneyRows(r), ...orderRows(r)];
  return page(
    200,
    locale,
    `<h1>${escapeHtml(title[locale])}</h1><p class="sum">¥${formatYuan(r.money.amountFen)}</p>` +
      `<p class="next">${escapeHtml(next[locale])}</p>${way}${list(rows, locale)}${call(policy.hotline, locale)}`,
  );
}

function goodsRows(r: Receipt, policy: Pick<Policy, 'credit'>, locale: Locale): readonly Row[] {
  const { goods } = r;
  if (goods.kind === 'credit') {
    const payee = policy.credit?.payees.find((p) => p.id === goods.payee)?.company;
    return [
      [['用户号尾号', 'User number ends in'], goods.userTail],
      ...(payee === undefined
        ? []
        : [[['收款单位', 'Paid to'], locale === 1 ? payee.en : payee.zh] as const]),
      ...goods.lines.map((line): Row => [
        [`${KIND[line.kind][0]} ${line.period}`, `${KIND[line.kind][1]} ${line.period}`],
        line.restFen === undefined
          ? `¥${formatYuan(line.amountFen)}`
          : `¥${formatYuan(line.amountFen)} ${locale === 1 ? `(¥${formatYuan(line.restFen)} still owed)` : `（还欠 ¥${formatYuan(line.restFen)}）`}`,
      ]),
    ];
  }
  const unit: Both = goods.unit === 'volume' ? ['立方米', 'm³'] : ['元', 'yuan'];
  const quantity = `${formatQuantity(goods.quantity)} ${unit[locale]}`;
  return [
    [['卡号', 'Card'], goods.cardMasked],
    [r.state === 'delivered' ? ['已写入卡', 'Written'] : ['购买', 'Bought'], quantity],
    // Money bought for money has no price.
    ...(goods.unit === 'money' ? [] : goods.shares).map((s): Row => [
      [`第${s.tier}档 ${formatPrice(s.priceE4)}元`, `Tier ${s.tier}, ¥${formatPrice(s.priceE4)}`],
      `${formatQuantity(s.quantity)} ${unit[locale]}`,
    ]),
    [['第几次购买', 'Purchase no.'], String(goods.count)],
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
