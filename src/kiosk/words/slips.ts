import { cardSaleOf } from '../../shared/sale.ts';
import type { CardKind, CardSale } from '../../shared/sale.ts';
import type { SlipLine } from '../../device/printer/types.ts';
import type { EventBody } from '../../shared/facts/catalogue.ts';
import { formatMicroYuan, formatPrice, formatQuantity } from '../../shared/money.ts';
import { maskCardNo } from '../../shared/mask.ts';
import { orderRef } from '../../shared/order-id.ts';
import { isBeyondTheDay } from '../order/attempt-run.ts';
import type { OpenOrder } from '../state/order.ts';
import { creditSlip } from './credit-slip.ts';
import type { CompanyOf } from './credit-slip.ts';
import { HANDLED, PATIENCE, payment, standing, TITLES } from './order-slips.ts';
import type { Paper } from './order-slips.ts';
import { head, hotlineLine, pair, place, RULE, sayIn, thanks, words, yuan } from './slip-base.ts';
import type { Say, SlipAt } from './slip-base.ts';

/** The paper of a card that was left and taken in. */
export function keptSlip(cardNo: string | null, at: SlipAt): SlipLine[] {
  const say = sayIn(at);
  return [
    ...head(at, say('卡已收进机器', 'Your card is kept in the machine')),
    pair(say('卡号', 'Card'), cardNo === null ? say('没有读到', 'not read') : maskCardNo(cardNo)),
    ...place(at),
    RULE,
    words(
      say(
        '卡留在卡口没有取走，已收进机器保管。',
        'The card was left in the slot. The machine keeps it safe.',
      ),
    ),
    words(say(`请拨打热线 ${at.hotline} 领取。`, `Please call ${at.hotline} to have it back.`)),
  ];
}

/** The paper of an order: masked, with everything the hotline needs. */
export function slipLines(
  open: OpenOrder,
  what: EventBody<'slip-printed'>['what'],
  at: SlipAt,
  companyOf: CompanyOf = () => '',
): SlipLine[] {
  const { order } = open;
  if (order.sale.kind === 'credit') return creditSlip(open, order.sale, what, { ...at, companyOf });
  const sale = cardSaleOf(order);
  const say = sayIn(at);
  return [
    ...head(at, what === 'receipt' ? RECEIPTS[sale.cardKind ?? 'gas'](say) : TITLES[what](say)),
    pair(say('订单号', 'Order'), orderRef(order.orderId)),
    pair(say('卡号', 'Card'), maskCardNo(sale.cardNo)),
    ...place(at),
    RULE,
    ...(what === 'receipt'
      ? bought(open, sale, say)
      : standing(open, (collecting) => adviceOf(open, what, collecting, say), say)),
    hotlineLine(at),
    ...(what === 'receipt' ? [thanks(at)] : []),
  ];
}

/** What was paid, and what is on the card for it. */
function bought(open: OpenOrder, sale: CardSale, say: Say): SlipLine[] {
  const kind = sale.cardKind ?? 'gas';
  const { carriedUsedMicro: used, carriedAfterMicro: after } = sale;
  const unit = sale.unit === 'volume' ? say('立方米', 'm³') : say('元', 'yuan');
  const micro = (value: number): string => `${formatMicroYuan(value)} ${say('元', 'yuan')}`;
  return [
    pair(say('实付', 'Paid'), yuan(sale.amountFen, say)),
    ...payment(open, say),
    pair(say('已写入卡', 'On the card'), `${formatQuantity(sale.quantity)} ${unit}`),
    // Money bought for money has no price.
    ...(sale.unit === 'money' ? [] : sale.shares).map((s) =>
      pair(
        say(
          `第${s.tier}档 ${formatPrice(s.priceE4)}元`,
          `Tier ${s.tier}, ${formatPrice(s.priceE4)}`,
        ),
        formatQuantity(s.quantity),
      ),
    ),
    pair(COUNTS[kind](say), String(sale.nextCount)),
    ...(used > 0 ? [pair(say('用账户余款', 'Carried, used'), micro(used))] : []),
    ...(sale.unit === 'volume'
      ? [pair(say('余款记入账户', 'Carried to the next'), micro(after))]
      : []),
    RULE,
    words(AFTER[kind](say)),
  ];
}

function adviceOf(open: OpenOrder, what: Paper, collecting: boolean, say: Say): string {
  if (what === 'in-doubt' && collecting)
    return say(
      '付款结果正在核实，请勿重复付款。若已扣款：卡在机器里（或及时放回这台机器）自动写卡，否则自动原路退回。',
      'The payment is being checked. Please do not pay again. If it was taken: with the card in this machine it is written, else it goes back by itself.',
    );
  if (what === 'in-doubt' && open.order.state === 'paid')
    return say(
      '已收到付款，还没有写卡。请马上把同一张卡放回这台机器，自动写卡；两分钟内没有放回，钱自动原路退回。请勿再次付款。',
      'Paid, and not on the card yet. Put the same card back to this machine now and it is written; after two minutes the money goes back by itself. Please do not pay again.',
    );
  if (what === 'parked' && open.notProven)
    return say(
      '卡片要由工作人员核对后退款，您的钱是安全的。请带卡和这张凭条到营业厅，或拨打热线；也可以带卡到任何一台机器，机器会再写一次。',
      'Staff look at the card first; then the money goes back. Your money is safe. Please take card and slip to a service hall, or call the hotline; or bring the card to any machine, and it is written once more.',
    );
  if (what === 'parked' && isBeyondTheDay(open)) return PATIENCE(say);
  return ADVICE[what](say);
}

const RECEIPTS: Readonly<Record<CardKind, (say: Say) => string>> = {
  gas: (say) => say('购气凭条', 'Receipt'),
  water: (say) => say('购水凭条', 'Receipt'),
  heat: (say) => say('购热凭条', 'Receipt'),
  fuel: (say) => say('加气卡充值凭条', 'Receipt'),
};
const COUNTS: Readonly<Record<CardKind, (say: Say) => string>> = {
  gas: (say) => say('第几次购气', 'Purchase number'),
  water: (say) => say('第几次购水', 'Purchase number'),
  heat: (say) => say('第几次购热', 'Purchase number'),
  fuel: (say) => say('第几次充值', 'Purchase number'),
};
const insertAt = (zh: string, en: string) => (say: Say) =>
  say(
    `请回家后将卡插入${zh}，听到提示音再拔出。`,
    `At home, insert the card into the ${en} until it beeps.`,
  );
const AFTER: Readonly<Record<CardKind, (say: Say) => string>> = {
  gas: insertAt('表', 'meter'),
  water: insertAt('水表', 'water meter'),
  heat: insertAt('热量表', 'heat meter'),
  fuel: (say) =>
    say(
      '钱已经在卡里，到加气站就能用；余额以加气机显示为准。',
      'The money is on the card and can be used at a filling station; the pump shows what is left.',
    ),
};
const ADVICE: Readonly<Record<Paper, (say: Say) => string>> = {
  'in-doubt': (say) =>
    say(
      '您的钱是安全的。请把同一张卡放回机器，任何一台都行，会接着写完。不要再次付款。',
      'Your money is safe. Give the same card to this or any other machine, and it is finished. Please do not pay again.',
    ),
  refund: (say) =>
    say(
      '款项将原路退回付款账户，一般几分钟内到账，最迟以支付平台为准。',
      'The money goes back the way it came, mostly within minutes; at the latest when the payment platform says.',
    ),
  parked: HANDLED,
};
