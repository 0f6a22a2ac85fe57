import type { SlipLine } from '../../device/printer/types.ts';
import type { Purchase, UtilityUse } from '../../shared/central-api/index.ts';
import { formatQuantity } from '../../shared/money.ts';
import { tierStanding } from '../../shared/my-account.ts';
import type { PurchaseStands, UseUnit } from '../../shared/my-account.ts';
import { orderRef } from '../../shared/order-id.ts';
import { chinaTime } from '../../shared/time.ts';
import type { SlipPurchase } from '../state/my-account.ts';
import { head, hotlineLine, pair, place, RULE, sayIn, words, yuan } from './slip-base.ts';
import type { Say, SlipAt } from './slip-base.ts';

const UNIT: Readonly<Record<UseUnit, (say: Say) => string>> = {
  m3: (say) => say('立方米', 'm³'),
  GJ: (say) => say('吉焦', 'GJ'),
  kWh: (say) => say('千瓦时', 'kWh'),
  yuan: (say) => say('元', 'yuan'),
};
const USED: Readonly<Record<UtilityUse['kind'], (say: Say) => string>> = {
  gas: (say) => say('近 12 个月用气', 'Gas, the last 12 months'),
  water: (say) => say('近 12 个月用水', 'Water, the last 12 months'),
  heat: (say) => say('近 12 个月用热', 'Heat, the last 12 months'),
};
const STANDS: Readonly<Record<PurchaseStands, (say: Say) => string>> = {
  written: (say) => say('已写入卡', 'on the card'),
  credited: (say) => say('已入账', 'credited'),
  'at-meter': (say) => say('已入账，表已收到', 'credited, at the meter'),
  'going-on': (say) => say('已付款，正在办理', 'paid, going on'),
  refunding: (say) => say('正在退款', 'being refunded'),
  refunded: (say) => say('已退款', 'refunded'),
  staff: (say) => say('由工作人员处理', 'handled by staff'),
};
const KINDS: Readonly<Record<Purchase['kinds'][number], (say: Say) => string>> = {
  card: (say) => say('卡充值', 'card recharge'),
  balance: (say) => say('物联表充值', 'IoT meter top-up'),
  prepay: (say) => say('预存', 'paid ahead'),
  gas: (say) => say('燃气费', 'gas'),
  water: (say) => say('水费', 'water'),
  heat: (say) => say('暖气费', 'heating'),
};

/** Twelve months and where the tariff's year stands, on paper. */
export function useSlip(
  shown: {
    readonly holderMasked: string;
    readonly numberMasked: string;
    readonly use: UtilityUse;
  },
  at: SlipAt,
): SlipLine[] {
  const { holderMasked, numberMasked, use } = shown;
  const say = sayIn(at);
  const unit = UNIT[use.unit](say);
  const estimated = use.months.some((m) => m.estimated && m.quantity !== null);
  return [
    ...head(at, USED[use.kind](say)),
    ...(holderMasked === '' ? [] : [pair(say('户名', 'Name'), holderMasked)]),
    pair(say('号码', 'Number'), numberMasked),
    RULE,
    pair(say('月份', 'Month'), unit),
    ...use.months.map((m) =>
      pair(m.month, m.quantity === null ? say('无记录', 'no record') : formatQuantity(m.quantity)),
    ),
    RULE,
    ...yearLines(use, unit, say),
    ...(estimated
      ? [
          words(
            say(
              '部分月份按卡上读数估算，以抄表为准。',
              'Some months are reckoned from the card; what the meter reader reads counts.',
            ),
          ),
        ]
      : []),
    ...place(at),
    hotlineLine(at),
  ];
}

function yearLines({ year }: UtilityUse, unit: string, say: Say): SlipLine[] {
  if (year === null) return [];
  const standing = tierStanding(year.quantity, year.tiers);
  const did =
    year.counted === 'bought'
      ? say(`本年已购(${year.since}起)`, `Bought since ${year.since}`)
      : say(`本年已用(${year.since}起)`, `Used since ${year.since}`);
  const tiers =
    standing === null
      ? []
      : [pair(say('现在是', 'Now in'), say(`第${standing.tier}档`, `tier ${standing.tier}`))];
  const left = standing?.left ?? null;
  return [
    pair(did, formatQuantity(year.quantity)),
    ...tiers,
    ...(left === null
      ? []
      : [pair(say('离下一档还有', 'To the next tier'), `${formatQuantity(left)} ${unit}`)]),
    RULE,
  ];
}

/**
 * A slip once more, marked as a copy: it tells what was bought and how that stands now, and is
 * worth nothing by itself. No order begins by it.
 *
 * @param numberMasked the card's or the user's number, masked; empty: not known here
 */
export function copySlip(p: SlipPurchase, numberMasked: string, at: SlipAt): SlipLine[] {
  const say = sayIn(at);
  const unit = p.unit === 'volume' ? say('立方米', 'm³') : say('元', 'yuan');
  const kinds = p.kinds.map((k) => KINDS[k](say)).join(say('、', ', '));
  const got = p.stands === 'written' ? say('已写入卡', 'On the card') : say('购买', 'Bought');
  return [
    ...head(at, say('补打凭条 COPY', 'COPY')),
    pair(say('订单号', 'Order'), orderRef(p.orderId)),
    ...(numberMasked === '' ? [] : [pair(say('号码', 'Number'), numberMasked)]),
    ...(kinds === '' ? [] : [pair(say('项目', 'What'), kinds)]),
    pair(say('购买机器', 'Bought at'), p.terminalId),
    ...(p.atMs === null ? [] : [pair(say('购买时间', 'Bought on'), chinaTime(p.atMs))]),
    RULE,
    pair(say('金额', 'Sum'), yuan(p.amountFen, say)),
    ...(p.quantity === null ? [] : [pair(got, `${formatQuantity(p.quantity)} ${unit}`)]),
    ...(p.count === null ? [] : [pair(say('第几次购气', 'Purchase number'), String(p.count))]),
    pair(say('现在', 'Now'), STANDS[p.stands](say)),
    RULE,
    words(
      say(
        '补打件，仅供核对，不能再次充值或退款。',
        'A copy, for comparing: it buys nothing and refunds nothing.',
      ),
    ),
    ...place(at),
    hotlineLine(at),
  ];
}
