import type { SlipLine } from '../../device/printer/types.ts';
import type { Purchase, UtilityUse } from '../../shared/central-api/index.ts';
import type { Header } from '../../shared/contract/index.ts';
import { formatQuantity, formatYuan } from '../../shared/money.ts';
import { tierStanding } from '../../shared/my-account.ts';
import type { PurchaseStands, UseUnit } from '../../shared/my-account.ts';
import { orderRef } from '../../shared/order-id.ts';
import { chinaTime } from '../../shared/time.ts';

import type { SlipPurchase } from '../state/my-account.ts';

interface At {
  readonly header: Omit<Header, 'hotline'>;
  readonly hotline: string;
  readonly nowMs: number;
}

const UNIT: Readonly<Record<UseUnit, string>> = {
  m3: '立方米',
  GJ: '吉焦',
  kWh: '千瓦时',
  yuan: '元',
};
const USED: Readonly<Record<UtilityUse['kind'], string>> = {
  gas: '用气',
  water: '用水',
  heat: '用热',
};
const STANDS: Readonly<Record<PurchaseStands, string>> = {
  written: '已写入卡',
  credited: '已入账',
  'at-meter': '已入账，表端已生效',
  'going-on': '已付款，正在办理',
  refunding: '正在退款',
  refunded: '已退款',
  staff: '由工作人员处理',
};
const KINDS: Readonly<Record<Purchase['kinds'][number], string>> = {
  card: '卡充值',
  balance: '物联表充值',
  prepay: '预存',
  gas: '燃气费',
  water: '水费',
  heat: '暖气费',
};

const head = ({ header }: At, title: string): SlipLine[] => [
  ...header.brand.zh
    .split(' ')
    .map((text): SlipLine => ({ kind: 'text', text, align: 'center', size: 'double' })),
  { kind: 'text', text: title, align: 'center' },
  { kind: 'rule' },
];
const foot = ({ header, hotline, nowMs }: At): SlipLine[] => [
  { kind: 'pair', label: '打印终端', value: header.terminalId },
  { kind: 'pair', label: '打印时间', value: chinaTime(nowMs) },
  { kind: 'text', text: `24小时服务热线 ${hotline}` },
];

/** Twelve months and where the tariff's year stands, on paper. */
export function useSlip(
  shown: {
    readonly holderMasked: string;
    readonly numberMasked: string;
    readonly use: UtilityUse;
  },
  at: At,
): SlipLine[] {
  const { holderMasked, numberMasked, use } = shown;
  const unit = UNIT[use.unit];
  const estimated = use.months.some((m) => m.estimated && m.quantity !== null);
  return [
    ...head(at, `近 12 个月${USED[use.kind]}`),
    ...(holderMasked === '' ? [] : [{ kind: 'pair', label: '户名', value: holderMasked } as const]),
    { kind: 'pair', label: '号码', value: numberMasked },
    { kind: 'rule' },
    { kind: 'pair', label: '月份', value: unit },
    ...use.months.map((m): SlipLine => ({
      kind: 'pair',
      label: m.month,
      value: m.quantity === null ? '无记录' : formatQuantity(m.quantity),
    })),
    { kind: 'rule' },
    ...yearLines(use, unit),
    ...(estimated ? [{ kind: 'text', text: '部分月份按卡上读数估算，以抄表为准。' } as const] : []),
    ...foot(at),
  ];
}

function yearLines({ year }: UtilityUse, unit: string): SlipLine[] {
  if (year === null) return [];
  const standing = tierStanding(year.quantity, year.tiers);
  const did = year.counted === 'bought' ? '已购' : '已用';
  return [
    { kind: 'pair', label: `本年${did}(${year.since}起)`, value: formatQuantity(year.quantity) },
    ...(standing === null
      ? []
      : [
          { kind: 'pair', label: '现在是', value: `第${standing.tier}档` } as const,
          ...(standing.left === null
            ? []
            : [
                {
                  kind: 'pair',
                  label: '离下一档还有',
                  value: `${formatQuantity(standing.left)} ${unit}`,
                } as const,
              ]),
        ]),
    { kind: 'rule' },
  ];
}

/**
 * A slip once more, marked as a copy: it tells what was bought and how that stands now, and is
 * worth nothing by itself. No order begins by it.
 *
 * @param numberMasked the card's or the user's number, masked; empty: not known here
 */
export function copySlip(p: SlipPurchase, numberMasked: string, at: At): SlipLine[] {
  const unit = p.unit === 'volume' ? '立方米' : '元';
  return [
    ...head(at, '补打凭条 COPY'),
    { kind: 'pair', label: '订单号', value: orderRef(p.orderId) },
    ...(numberMasked === '' ? [] : [{ kind: 'pair', label: '号码', value: numberMasked } as const]),
    ...(p.kinds.length === 0
      ? []
      : [{ kind: 'pair', label: '项目', value: p.kinds.map((k) => KINDS[k]).join('、') } as const]),
    { kind: 'pair', label: '购买终端', value: p.terminalId },
    ...(p.atMs === null
      ? []
      : [{ kind: 'pair', label: '购买时间', value: chinaTime(p.atMs) } as const]),
    { kind: 'rule' },
    { kind: 'pair', label: '金额', value: `${formatYuan(p.amountFen)} 元` },
    ...(p.quantity === null
      ? []
      : [
          {
            kind: 'pair',
            label: p.stands === 'written' ? '已写入卡' : '购买',
            value: `${formatQuantity(p.quantity)} ${unit}`,
          } as const,
        ]),
    ...(p.count === null
      ? []
      : [{ kind: 'pair', label: '第几次购气', value: String(p.count) } as const]),
    { kind: 'pair', label: '现在', value: STANDS[p.stands] },
    { kind: 'rule' },
    { kind: 'text', text: '补打件，仅供核对，不能再次充值或退款。' },
    ...foot(at),
  ];
}
