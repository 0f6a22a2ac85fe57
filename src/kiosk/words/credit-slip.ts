import type { SlipLine } from '../../device/printer/types.ts';
import type { EventBody } from '../../shared/facts/catalogue.ts';
import { orderRef } from '../../shared/order-id.ts';
import type { CreditKind, CreditSale } from '../../shared/sale.ts';
import { isBeyondTheDay } from '../order/attempt-run.ts';
import type { OpenOrder } from '../state/order.ts';
import { HANDLED, PATIENCE, payment, standing, TITLES } from './order-slips.ts';
import type { Paper } from './order-slips.ts';
import { head, hotlineLine, pair, place, RULE, sayIn, thanks, words, yuan } from './slip-base.ts';
import type { Say, SlipAt } from './slip-base.ts';

/** A payee's name as slips have it. */
export type CompanyOf = (payee: string) => string;

const KIND: Readonly<Record<CreditKind, (say: Say) => string>> = {
  balance: (say) => say('物联表充值', 'IoT meter top-up'),
  prepay: (say) => say('预存', 'Paid ahead'),
  gas: (say) => say('燃气费', 'Gas'),
  water: (say) => say('水费', 'Water'),
  heat: (say) => say('暖气费', 'Heating'),
};

/**
 * The paper of an order without a card: whose money it is, what it paid line by line, and how to
 * ask. Of the customer it has the last four digits of his number.
 */
export function creditSlip(
  open: OpenOrder,
  sale: CreditSale,
  what: EventBody<'slip-printed'>['what'],
  at: SlipAt & { readonly companyOf: CompanyOf },
): SlipLine[] {
  const { order } = open;
  const say = sayIn(at);
  const company = at.companyOf(sale.payee);
  return [
    ...head(at, what === 'receipt' ? say('缴费凭条', 'Receipt') : TITLES[what](say)),
    pair(say('订单号', 'Order'), orderRef(order.orderId)),
    pair(say('用户号尾号', 'Account ends in'), sale.userNo.slice(-4)),
    ...(company === '' ? [] : [pair(say('收款单位', 'Paid to'), company)]),
    ...place(at),
    RULE,
    ...(what === 'receipt'
      ? paidLines(open, sale, say)
      : standing(open, (collecting) => adviceOf(open, what, collecting, say), say)),
    hotlineLine(at),
    ...(what === 'receipt' ? [thanks(at)] : []),
  ];
}

/** What was paid, with what each bill's sum is made of. */
function paidLines(open: OpenOrder, sale: CreditSale, say: Say): SlipLine[] {
  const sum = (label: string, fen: number): SlipLine => pair(label, yuan(fen, say));
  return [
    ...sale.lines.flatMap((line): SlipLine[] => [
      sum(`${KIND[line.kind](say)} ${line.period}`.trim(), line.amountFen),
      ...(line.terms.lateFeeFen === 0
        ? []
        : [sum(say('  其中违约金', '  late fee in it'), line.terms.lateFeeFen)]),
      ...(line.restFen === undefined
        ? []
        : [sum(say('  本次交一部分，还欠', '  a part; still owed'), line.restFen)]),
      ...(line.terms.discountFen === 0
        ? []
        : [sum(say('  已优惠', '  discount'), line.terms.discountFen)]),
    ]),
    sum(say('实付', 'Paid'), sale.amountFen),
    ...payment(open, say),
    RULE,
    words(after(sale, say)),
  ];
}

function after({ lines }: CreditSale, say: Say): string {
  if (lines.some((line) => line.kind === 'balance'))
    return say(
      '已充入账户余额。表上要等下次联网才更新：请先关好灶具，再按表上的按键。',
      "It is in the account. The meter shows it when it connects next: close the stove first, then press the meter's key.",
    );
  if (lines.some((line) => line.kind === 'prepay'))
    return say(
      '已存入账户余额，以后出账时自动扣。',
      'It is in the account, and pays the next bills by itself.',
    );
  return say('已入账，不用再到营业厅。', 'It is credited; there is nothing more to do.');
}

function adviceOf(open: OpenOrder, what: Paper, collecting: boolean, say: Say): string {
  if (what === 'in-doubt')
    return collecting
      ? say(
          '付款结果正在核实，请勿重复付款。若已扣款，会自动入账或原路退回。',
          'The payment is being checked. Please do not pay again. If it was taken it is credited, or goes back by itself.',
        )
      : say(
          '已收到付款，正在入账，请勿再次付款。确认后自动入账；没有入账的，钱自动原路退回。在任何一台机器点“未完成订单”，输入订单号可以查询。',
          'Paid, and being credited. Please do not pay again. It is credited by itself, or goes back the way it came. Any machine tells how it stands: "Unfinished", then the order number.',
        );
  if (what === 'refund')
    return say(
      '没有入账，款项将原路退回付款账户，一般几分钟内到账，最迟以支付平台为准。账单没有变动。',
      'It was not credited. The money goes back the way it came, mostly within minutes; at the latest when the payment platform says. The bill is unchanged.',
    );
  return isBeyondTheDay(open) ? PATIENCE(say) : HANDLED(say);
}
