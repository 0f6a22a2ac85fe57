import type { SlipLine } from '../../device/printer/types.ts';
import type { ProviderKind } from '../../shared/contract/index.ts';
import type { EventBody } from '../../shared/facts/catalogue.ts';
import type { OpenOrder } from '../state/order.ts';
import { pair, RULE, words, yuan } from './slip-base.ts';
import type { Say } from './slip-base.ts';

/** What the papers of every order have in common. */

/** Papers that tell how an order stands. */
export type Paper = Exclude<EventBody<'slip-printed'>['what'], 'receipt'>;
export const TITLES: Readonly<Record<Paper, (say: Say) => string>> = {
  'in-doubt': (say) => say('未完成订单凭条', 'Unfinished order'),
  refund: (say) => say('退款凭条', 'Refund'),
  parked: (say) => say('待处理订单凭条', 'Order handled by staff'),
};

const WAYS: Readonly<Record<ProviderKind, (say: Say) => string>> = {
  wechat: (say) => say('微信支付', 'WeChat Pay'),
  alipay: (say) => say('支付宝', 'Alipay'),
  unionpay: (say) => say('云闪付', 'UnionPay'),
  gateway: (say) => say('手机扫码', 'phone, by code'),
};
const isWay = (kind: string): kind is ProviderKind => Object.hasOwn(WAYS, kind);

/**
 * How an order was paid, with the numbers by which the payment is found: the platform's own, once
 * it has one, and ours.
 */
export function payment(open: OpenOrder, say: Say): SlipLine[] {
  const { paidBy } = open.order;
  const paid =
    open.attempts.find((a) => a.attemptId === paidBy) ??
    open.attempts.find((a) => a.transactionId !== null) ??
    open.attempts.at(-1);
  if (paid === undefined) return [];
  const { provider, transactionId, outTradeNo } = paid;
  return [
    ...(isWay(provider) ? [pair(say('付款方式', 'Paid with'), WAYS[provider](say))] : []),
    ...(transactionId === null
      ? []
      : [words(`${say('支付平台单号', 'Platform number')} ${transactionId}`)]),
    words(`${say('商户单号', 'Merchant number')} ${outTradeNo}`),
  ];
}

/** How an order's money stands, and what its customer is advised to do. */
export function standing(
  open: OpenOrder,
  adviceOf: (collecting: boolean) => string,
  say: Say,
): SlipLine[] {
  const { state, sale } = open.order;
  const collecting = state === 'collecting' || state === 'quoted' || state === 'closed';
  return [
    pair(
      collecting ? say('金额(付款待核实)', 'Sum (being checked)') : say('已付款', 'Paid'),
      yuan(sale.amountFen, say),
    ),
    ...payment(open, say),
    RULE,
    words(adviceOf(collecting)),
  ];
}

/** A refund that waits for staff. */
export const PATIENCE = (say: Say): string =>
  say(
    '退款要等工作人员核对，之后原路退回付款账户，您的钱是安全的。请保留这张凭条，有疑问请拨打热线。',
    'Staff look at this refund first; then it goes back the way it came. Your money is safe. Please keep this slip, and call the hotline with questions.',
  );
/** An order that staff takes care of. */
export const HANDLED = (say: Say): string =>
  say(
    '此订单已登记由工作人员处理。请凭这张凭条到营业厅或拨打热线。',
    'Staff take care of this order. Please show this slip at a service hall, or call the hotline.',
  );
