import type { SlipLine } from '../../device/printer/types.ts';
import { formatMicroYuan, formatYuan } from '../../shared/money.ts';
import { orderRef } from '../../shared/order-id.ts';
import { SETTLED_HOW, shiftRef } from '../../shared/shift.ts';
import type {
  ClosedShift,
  Shift,
  ShiftDoubt,
  ShiftLine,
  ShiftService,
  ShiftSum,
} from '../../shared/shift.ts';
import { chinaTime } from '../../shared/time.ts';
import { RULE, head, pair, place, words } from './slip-base.ts';
import type { SlipAt } from './slip-base.ts';

/** The paper of a settlement: for staff and accountants, in Chinese whatever the visit spoke. */

const SERVICES: Readonly<Record<ShiftService, string>> = {
  'card-gas': '燃气卡',
  'card-water': '水卡',
  'card-heat': '热力卡',
  'card-fuel': '加气卡',
  'credit-balance': '物联网表充值',
  'credit-prepay': '预存',
  'credit-gas': '燃气账单',
  'credit-water': '水费账单',
  'credit-heat': '采暖费',
};
const PROVIDERS: Readonly<Record<string, string>> = {
  wechat: '微信',
  alipay: '支付宝',
  unionpay: '云闪付',
  gateway: '聚合支付',
};
const SETTLED: Readonly<Record<(typeof SETTLED_HOW)[number], string>> = {
  'refunded-by-hand': '人工退款',
  'delivered-by-hand': '人工补写',
  'nothing-due': '无需处理',
};
/** What is wrong with a shift, as its papers and tables say it. */
export const SHIFT_DOUBT_WORDS: Readonly<Record<ShiftDoubt, string>> = {
  books: '账不平',
  parked: '有待处理的款',
  unknown: '有金额不明的款',
  bill: '与支付账单有差异',
};

/** A service or a way to pay as the tables of a settlement call it. */
export function shiftLineName(key: string): string {
  if (Object.hasOwn(SERVICES, key)) return SERVICES[key as ShiftService];
  const [provider = '', method = ''] = key.split('/');
  return `${PROVIDERS[provider] ?? provider}${method === 'code' ? '付款码' : '扫码'}`;
}

const fen = (value: number): string => (value < 0 ? `-${formatYuan(-value)}` : formatYuan(value));
const sum = (label: string, { count, fen: value }: ShiftSum): SlipLine =>
  pair(`${label} ${count}笔`, fen(value));
const isNothing = ({ count, fen: value }: ShiftSum): boolean => count === 0 && value === 0;
const some = (label: string, of: ShiftSum): SlipLine[] => (isNothing(of) ? [] : [sum(label, of)]);

function table(title: string, lines: readonly ShiftLine[]): SlipLine[] {
  return lines.length === 0
    ? []
    : [
        words(title),
        ...lines.flatMap((line) => [
          sum(shiftLineName(line.key), line.captured),
          ...some('  其中到账', line.delivered),
          ...some('  退款', line.refunded),
        ]),
        RULE,
      ];
}

const micro = (value: number): string =>
  value < 0 ? `-${formatMicroYuan(-value)}` : formatMicroYuan(value);

/** The sums of a shift, in the order in which they make the identity. */
function sums(s: Shift): SlipLine[] {
  const { transitFen, parkedFen } = s.difference;
  return [
    sum('上班在途', s.opening.transit),
    sum('加 收款', s.captured),
    ...some('  其中自动退回', s.extra),
    sum('减 到账', s.delivered),
    ...some('  其中上班收的', s.olderDelivered),
    sum('减 退款', s.refunded),
    ...some('  其中上班收的', s.olderRefunded),
    sum('减 转待处理', s.parked),
    sum('本班在途', s.closing.transit),
    RULE,
    sum('待处理 上班', s.opening.parked),
    ...SETTLED_HOW.flatMap((how) => some(`  ${SETTLED[how]}`, s.settled[how])),
    sum('待处理 本班', s.closing.parked),
    ...(s.unknown === 0 ? [] : [pair('金额不明', `${s.unknown}笔`)]),
    ...some('付款码冲正', s.reversed),
    pair('差额', fen(transitFen + parkedFen)),
  ];
}

/** What the next shift looks after. */
function watched({ open, more }: Shift): SlipLine[] {
  if (open.length === 0) return [];
  return [
    words('请下一班留意：'),
    ...open
      .slice(0, 12)
      .map((o) =>
        pair(`${orderRef(o.orderId)} ${o.place === 'parked' ? '待处理' : '在途'}`, fen(o.fen)),
      ),
    ...(open.length > 12 || more > 0 ? [words(`另有 ${open.length - 12 + more} 笔，见机器`)] : []),
    RULE,
  ];
}

/** The slip of a closed shift, to be signed by who hands over and who takes over. */
export function shiftSlip(
  { shift: s, hash, who, why, closedMs }: ClosedShift,
  isCopy: boolean,
  compared: string,
  at: Omit<SlipAt, 'locale'>,
): SlipLine[] {
  const zh: SlipAt = { ...at, locale: 'zh-CN' };
  const { carried } = s;
  return [
    ...head(zh, isCopy ? '交接班日结单（补打）' : '交接班日结单'),
    pair('班次', shiftRef(s)),
    pair('起', s.firstMs === null ? '-' : chinaTime(s.firstMs)),
    pair('止', chinaTime(closedMs)),
    pair('账本序号', `${s.from.epoch}/${s.from.seq + 1} - ${s.to.epoch}/${s.to.seq}`),
    pair('开单', `${s.orders.begun}单，取消 ${s.orders.closed}单`),
    ...place(zh),
    RULE,
    ...sums(s),
    RULE,
    ...table('按业务', s.services),
    ...table('按付款方式', s.payments),
    ...(carried.usedMicro === 0 && carried.afterMicro === 0
      ? []
      : [
          pair('卡上商品', `${micro(carried.goodsMicro)}元`),
          pair('用余款', `${micro(carried.usedMicro)}元`),
          pair('记余款', `${micro(carried.afterMicro)}元`),
          RULE,
        ]),
    ...watched(s),
    pair('支付账单', compared),
    pair('结班', who),
    ...(why === '' ? [] : [words(`说明：${why}`)]),
    words(`校验 ${hash.slice(0, 16)}`),
    RULE,
    words('交班人：'),
    words(' '),
    words('接班人：'),
    words(' '),
    ...(isCopy ? [words('补打件，以首次打印并签字的为准。')] : []),
  ];
}
