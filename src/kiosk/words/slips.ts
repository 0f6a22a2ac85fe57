import { cardSaleOf } from '../../shared/sale.ts';
import type { CardKind } from '../../shared/sale.ts';
import type { SlipLine } from '../../device/printer/types.ts';
import type { Header } from '../../shared/contract/index.ts';
import type { EventBody } from '../../shared/facts/catalogue.ts';
import { formatMicroYuan, formatPrice, formatQuantity, formatYuan } from '../../shared/money.ts';
import { chinaTime } from '../../shared/time.ts';
import { maskCardNo } from '../../shared/mask.ts';
import { orderRef } from '../../shared/order-id.ts';
import { isBeyondTheDay } from '../order/attempt-run.ts';
import type { OpenOrder } from '../state/order.ts';
import { creditSlip } from './credit-slip.ts';
import type { CompanyOf } from './credit-slip.ts';

/** The paper of a card that was left and taken in. */
export function keptSlip(
  cardNo: string | null,
  header: Omit<Header, 'hotline'>,
  hotline: string,
  nowMs: number,
): SlipLine[] {
  return [
    { kind: 'text', text: '卡已收进机器', align: 'center', size: 'double' },
    { kind: 'rule' },
    { kind: 'pair', label: '卡号', value: cardNo === null ? '没有读到' : maskCardNo(cardNo) },
    { kind: 'pair', label: '终端', value: header.terminalId },
    { kind: 'pair', label: '时间', value: chinaTime(nowMs) },
    { kind: 'rule' },
    { kind: 'text', text: '卡留在卡口没有取走，已收进机器保管。' },
    { kind: 'text', text: `请拨打热线 ${hotline} 领取。` },
  ];
}

/** The paper of an order: masked, with everything the hotline needs. */
export function slipLines(
  open: OpenOrder,
  what: EventBody<'slip-printed'>['what'],
  header: Omit<Header, 'hotline'>,
  hotline: string,
  nowMs: number,
  companyOf: CompanyOf = () => '',
): SlipLine[] {
  const { order } = open;
  if (order.sale.kind === 'credit')
    return creditSlip(open, order.sale, what, { header, hotline, nowMs, companyOf });
  const q = cardSaleOf(order);
  const unit = q.unit === 'volume' ? 'm³' : '元';
  const goods = `${formatQuantity(q.quantity)} ${unit === 'm³' ? '立方米' : '元'}`;
  const paid = open.attempts.find((a) => a.transactionId !== null) ?? open.attempts.at(-1);
  const lines: SlipLine[] = [
    ...header.brand.zh
      .split(' ')
      .map((text): SlipLine => ({ kind: 'text', text, align: 'center', size: 'double' })),
    { kind: 'text', text: TITLES[what], align: 'center' },
    { kind: 'rule' },
    { kind: 'pair', label: '订单号', value: orderRef(order.orderId) },
    { kind: 'pair', label: '卡号', value: maskCardNo(q.cardNo) },
    { kind: 'pair', label: '终端', value: header.terminalId },
    { kind: 'pair', label: '时间', value: chinaTime(nowMs) },
    { kind: 'rule' },
  ];
  if (what === 'receipt') {
    lines.push(
      { kind: 'pair', label: '实付', value: `${formatYuan(q.amountFen)} 元` },
      { kind: 'pair', label: '已写入卡', value: goods },
    );
    // Money bought for money has no price.
    for (const s of q.unit === 'money' ? [] : q.shares)
      lines.push({
        kind: 'pair',
        label: `第${s.tier}档 ${formatPrice(s.priceE4)}元`,
        value: formatQuantity(s.quantity),
      });
    lines.push({ kind: 'pair', label: COUNTS[q.cardKind ?? 'gas'], value: String(q.nextCount) });
    if (q.carriedUsedMicro > 0)
      lines.push({
        kind: 'pair',
        label: '用账户余款',
        value: `${formatMicroYuan(q.carriedUsedMicro)} 元`,
      });
    if (q.unit === 'volume')
      lines.push({
        kind: 'pair',
        label: '余款记入账户',
        value: `${formatMicroYuan(q.carriedAfterMicro)} 元`,
      });
    lines.push({ kind: 'rule' }, { kind: 'text', text: AFTER[q.cardKind ?? 'gas'] });
  } else {
    const collecting =
      order.state === 'collecting' || order.state === 'quoted' || order.state === 'closed';
    lines.push({
      kind: 'pair',
      label: collecting ? '金额(付款待核实)' : '已付款',
      value: `${formatYuan(q.amountFen)} 元`,
    });
    if (paid !== undefined) lines.push({ kind: 'text', text: `商户单号 ${paid.outTradeNo}` });
    lines.push(
      { kind: 'rule' },
      {
        kind: 'text',
        text:
          what === 'in-doubt' && collecting
            ? '付款结果正在核实，请勿重复付款。若已扣款：卡在机内（或及时插回本机）自动写卡，否则自动原路退回。'
            : what === 'in-doubt' && order.state === 'paid'
              ? '已收到付款，还没有写卡。请马上把同一张卡插回本机，自动写卡；两分钟内没有插回，钱自动原路退回。请勿再次付款。'
              : open.notProven && what === 'parked'
                ? '卡片要由工作人员核对后退款，您的钱是安全的。请带卡和本凭证到营业厅，或拨打热线；也可以重新插卡，机器会再写一次。'
                : isBeyondTheDay(open) && what === 'parked'
                  ? '退款要等工作人员核对，之后原路退回付款账户，您的钱是安全的。请保留本凭证，有疑问请拨打热线。'
                  : ADVICE[what],
      },
    );
  }
  lines.push({ kind: 'text', text: `24小时服务热线 ${hotline}` });
  return lines;
}

const COUNTS: Readonly<Record<CardKind, string>> = {
  gas: '第几次购气',
  water: '第几次购水',
  heat: '第几次购热',
  fuel: '第几次充值',
};
const AFTER: Readonly<Record<CardKind, string>> = {
  gas: '请回家后将卡插入表，听到提示音再拔出。',
  water: '请回家后将卡插入水表，听到提示音再拔出。',
  heat: '请回家后将卡插入热量表，听到提示音再拔出。',
  fuel: '钱已经在卡里，到加气站就能用；余额以加气机显示为准。',
};
const TITLES: Record<EventBody<'slip-printed'>['what'], string> = {
  receipt: '购气凭条',
  'in-doubt': '未完成订单凭证',
  refund: '退款凭证',
  parked: '待处理订单凭证',
};
const ADVICE: Record<EventBody<'slip-printed'>['what'], string> = {
  receipt: '',
  'in-doubt': '您的钱是安全的。请重新插入同一张卡，机器会接着写完。不要再次付款。',
  refund: '款项将原路退回付款账户，一般几分钟内到账，最迟以支付平台为准。',
  parked: '此订单已登记由人工处理。请凭本凭证到营业厅或拨打热线。',
};
