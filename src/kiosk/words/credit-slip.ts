import type { SlipLine } from '../../device/printer/types.ts';
import type { Header } from '../../shared/contract/index.ts';
import type { EventBody } from '../../shared/facts/catalogue.ts';
import { formatYuan } from '../../shared/money.ts';
import { orderRef } from '../../shared/order-id.ts';
import type { CreditKind, CreditSale } from '../../shared/sale.ts';
import { chinaTime } from '../../shared/time.ts';
import { isBeyondTheDay } from '../order/attempt-run.ts';
import type { OpenOrder } from '../state/order.ts';

/** A payee's name as slips have it. */
export type CompanyOf = (payee: string) => string;

type What = EventBody<'slip-printed'>['what'];

const KIND: Readonly<Record<CreditKind, string>> = {
  balance: '物联表充值',
  prepay: '预存',
  gas: '燃气费',
  water: '水费',
  heat: '暖气费',
};
const TITLES: Readonly<Record<What, string>> = {
  receipt: '缴费凭条',
  'in-doubt': '未完成订单凭证',
  refund: '退款凭证',
  parked: '待处理订单凭证',
};

/**
 * The paper of an order without a card: whose money it is, what it paid line by line, and how to
 * ask. Of the customer it has the last four digits of his number.
 */
export function creditSlip(
  open: OpenOrder,
  sale: CreditSale,
  what: What,
  at: {
    readonly header: Omit<Header, 'hotline'>;
    readonly hotline: string;
    readonly nowMs: number;
    readonly companyOf: CompanyOf;
  },
): SlipLine[] {
  const { order } = open;
  const company = at.companyOf(sale.payee);
  return [
    ...at.header.brand.zh
      .split(' ')
      .map((text): SlipLine => ({ kind: 'text', text, align: 'center', size: 'double' })),
    { kind: 'text', text: TITLES[what], align: 'center' },
    { kind: 'rule' },
    { kind: 'pair', label: '订单号', value: orderRef(order.orderId) },
    { kind: 'pair', label: '户号尾号', value: sale.userNo.slice(-4) },
    ...(company === '' ? [] : [{ kind: 'pair', label: '收款单位', value: company } as const]),
    { kind: 'pair', label: '终端', value: at.header.terminalId },
    { kind: 'pair', label: '时间', value: chinaTime(at.nowMs) },
    { kind: 'rule' },
    ...(what === 'receipt' ? paidLines(sale) : standingLines(open, what)),
    { kind: 'text', text: `24小时服务热线 ${at.hotline}` },
  ];
}

/** What was paid, with what each bill's sum is made of. */
function paidLines(sale: CreditSale): SlipLine[] {
  const topUp = sale.lines.some((line) => line.kind === 'balance');
  return [
    ...sale.lines.flatMap((line): SlipLine[] => [
      {
        kind: 'pair',
        label: `${KIND[line.kind]} ${line.period}`.trim(),
        value: `${formatYuan(line.amountFen)} 元`,
      },
      ...(line.terms.lateFeeFen === 0 ? [] : [pair('  其中违约金', line.terms.lateFeeFen)]),
      ...(line.restFen === undefined ? [] : [pair('  本次交一部分，还欠', line.restFen)]),
      ...(line.terms.discountFen === 0 ? [] : [pair('  已优惠', line.terms.discountFen)]),
    ]),
    pair('实付', sale.amountFen),
    { kind: 'rule' },
    {
      kind: 'text',
      text: topUp
        ? '已充入账户余额。表端要等下次联网才更新：请先关好灶具，再按表上的按键。'
        : sale.lines.some((line) => line.kind === 'prepay')
          ? '已存入账户余额，以后出账时自动扣。'
          : '已入账，无需再到柜台。',
    },
  ];
}

const pair = (label: string, fen: number): SlipLine => ({
  kind: 'pair',
  label,
  value: `${formatYuan(fen)} 元`,
});

/** How the money stands, and what to do: nothing, or to ask. */
function standingLines(open: OpenOrder, what: Exclude<What, 'receipt'>): SlipLine[] {
  const { order } = open;
  const paid = open.attempts.find((a) => a.transactionId !== null) ?? open.attempts.at(-1);
  const collecting =
    order.state === 'collecting' || order.state === 'quoted' || order.state === 'closed';
  return [
    pair(collecting ? '金额(付款待核实)' : '已付款', order.sale.amountFen),
    ...(paid === undefined ? [] : [{ kind: 'text', text: `商户单号 ${paid.outTradeNo}` } as const]),
    { kind: 'rule' },
    { kind: 'text', text: adviceOf(open, what, collecting) },
  ];
}

function adviceOf(open: OpenOrder, what: Exclude<What, 'receipt'>, collecting: boolean): string {
  if (what === 'in-doubt')
    return collecting
      ? '付款结果正在核实，请勿重复付款。若已扣款，会自动入账或原路退回。'
      : '已收到付款，正在入账，请勿再次付款。系统确认后自动入账；没有入账的，钱自动原路退回。凭订单号可在本机“未完成订单”查询。';
  if (what === 'refund')
    return '没有入账，款项将原路退回付款账户，一般几分钟内到账，最迟以支付平台为准。账单没有变动。';
  return isBeyondTheDay(open)
    ? '退款要等工作人员核对，之后原路退回付款账户，您的钱是安全的。请保留本凭证，有疑问请拨打热线。'
    : '此订单已登记由人工处理。请凭本凭证到营业厅或拨打热线。';
}
