import type {
  BillView,
  CreditGoods,
  Snapshot,
  SnapshotOf,
} from '../../src/shared/contract/index.ts';
import type { ScreenFixture, base } from './screens-fixtures.ts';

/** The keys of a number, one after the other. */
export const typed = (digits: string): readonly string[] =>
  [...digits].map((key) => `[data-key="${key}"]`);

type Drawn = readonly [string, Snapshot, Partial<ScreenFixture>?];

const company = { zh: '阜城燃气', en: 'Fucheng Gas' };
const holder = { holderMasked: '李*华', userNo: '1002200331' };
const credit = {
  userTail: '0331',
  company,
  kinds: ['gas' as const],
  period: '2026-10',
};

const bill = (item: string, more: Partial<BillView>): BillView => ({
  item,
  kind: 'gas',
  period: '2026-10',
  dueFen: 9_010,
  lateFeeFen: 0,
  discountFen: 0,
  overdueDays: 0,
  details: [{ zh: '读数 1,204 → 1,238 · 34 m³ · 第一档', en: '1,204 → 1,238 · 34 m³ · tier 1' }],
  ticked: true,
  ...more,
});
const LATE = bill('G-09', {
  period: '2026-09',
  dueFen: 5_070,
  lateFeeFen: 58,
  overdueDays: 12,
  details: [{ zh: '19 m³', en: '19 m³' }],
});
const WATER = bill('W-10', {
  kind: 'water',
  period: '2026-09/2026-10',
  dueFen: 4_560,
  ticked: false,
  details: [{ zh: '12 吨 · 含污水处理费 ¥11.40', en: '12 t · sewage ¥11.40 included' }],
});
/** As long as central may tell it. */
const LONG = (n: number, kind: BillView['kind']): BillView =>
  bill(`L-${n}`, {
    kind,
    period: '2026-09/2026-10',
    dueFen: 99_999_999,
    lateFeeFen: 1_234_567,
    discountFen: 1_234_567,
    overdueDays: 1_234,
    ticked: n % 2 === 0,
    details: [
      { zh: '读数 123,456→123,999，543 m³', en: '123,456 → 123,999 · 543 m³ · tier 1 and tier 2' },
      {
        zh: '含污水处理费 ¥1,234.50 和水资源税',
        en: 'sewage fee ¥1,234.50 and resource tax included',
      },
    ],
  });

/** The screens of sales without a card. */
export function accountFixtures(
  b: ReturnType<typeof base>,
  start: SnapshotOf<'start'>,
  inSeconds: (seconds: number) => number,
): readonly Drawn[] {
  const deadlineMs = inSeconds(96);
  const userNo: SnapshotOf<'user-no'> = {
    ...b,
    screen: 'user-no',
    service: 'top-up',
    digits: 10,
    hint: { zh: '印在缴费单右上角，10 位数字。', en: 'Ten digits, at the top right of the bill.' },
    scanner: true,
    busy: false,
    reading: false,
    problem: null,
    deadlineMs,
  };
  const topUp: SnapshotOf<'top-up'> = {
    ...b,
    screen: 'top-up',
    ...holder,
    company,
    meterNo: '0000157733',
    balanceFen: 2_310,
    onTheWayFen: 0,
    presetsFen: [5_000, 10_000, 20_000, 30_000, 50_000],
    minFen: 1_000,
    maxFen: 100_000,
    chosenFen: 10_000,
    busy: false,
    problem: null,
    deadlineMs,
  };
  const bills: SnapshotOf<'bills'> = {
    ...b,
    screen: 'bills',
    ...holder,
    groups: [
      { payee: 'house', company, bills: [LATE, bill('G-10', {})] },
      { payee: 'water', company: { zh: '阜城水务', en: 'Fucheng Water' }, bills: [WATER] },
    ],
    underWay: 0,
    totalFen: 18_640,
    totalCount: 3,
    chosenFen: 14_080,
    busy: false,
    problem: null,
    deadlineMs,
  };
  const confirmed: CreditGoods = {
    userTail: '0331',
    company: { zh: '阜城热力', en: 'Fucheng Heat' },
    kinds: ['heat'],
    period: '2026-2027',
  };
  const confirm: SnapshotOf<'confirm-sum'> = {
    ...b,
    screen: 'confirm-sum',
    holderMasked: '李*华',
    number: '0331',
    amountFen: 241_250,
    credit: confirmed,
    busy: false,
    deadlineMs: inSeconds(82),
  };
  const contract: SnapshotOf<'contract'> = {
    ...b,
    screen: 'contract',
    ...holder,
    title: { zh: '供用热合同要点', en: 'Heat supply contract' },
    version: 3,
    points: [
      {
        zh: '供热期 11 月 15 日至次年 3 月 15 日，节假日不间断。',
        en: 'From 15 November to 15 March, holidays included.',
      },
      {
        zh: '室温低于规定可申请测温，供暖管家当日联系您。',
        en: 'Rooms too cold are measured on request.',
      },
      {
        zh: '申请报停须在 10 月 31 日前，7 个工作日内关阀。',
        en: 'Ask for suspension by 31 October.',
      },
    ],
    agreed: false,
    amountFen: 241_250,
    busy: false,
    problem: null,
    deadlineMs,
  };
  const long = (n: number): string =>
    `第${n}条 供热期间室温不低于规定温度并按合同约定执行`.repeat(4).slice(0, 40);
  const money = {
    orderRef: '0311 2209 2641',
    amountFen: 9_010,
    quantity: 9_010,
    unit: 'money',
    credit,
  } as const;
  const pay: SnapshotOf<'pay'> = {
    ...b,
    screen: 'pay',
    ...money,
    provider: 'wechat',
    choices: ['wechat', 'alipay'],
    scanner: true,
    byCode: false,
    problem: null,
    qrText: 'weixin://wxpay/bizpayurl?pr=p4lpSuKzz',
    state: 'waiting',
    cancelOffered: true,
    newCodeOffered: true,
    lastCheck: null,
    deadlineMs: inSeconds(118),
  };
  const done: SnapshotOf<'done'> = {
    ...b,
    screen: 'done',
    ...money,
    restFen: 4_560,
    count: 0,
    carriedAfterMicro: 0,
    cardOut: true,
    rated: null,
    receipt: 'printed',
    deadlineMs: inSeconds(12),
  };
  const { restFen: _rest, ...whole } = done;
  return [
    ['services', { ...start, tiles: ['top-up', 'bills', 'query', 'unfinished', 'info'] }],
    ['typed', userNo, { taps: typed('100220') }],
    [
      'typed-longest',
      { ...userNo, digits: 20 },
      { taps: typed('10022033445566778899'), checkOnly: true },
    ],
    ['unknown', { ...userNo, service: 'bills', problem: 'SALE-0119', scanner: false }],
    ['too-many', { ...userNo, problem: 'SALE-0121' }, { checkOnly: true }],
    ['no-meter', { ...userNo, problem: 'SALE-0123' }, { checkOnly: true }],
    ['asking', { ...userNo, busy: true }, { checkOnly: true }],
    [
      'asked',
      {
        ...b,
        screen: 'is-it-you',
        service: 'bills',
        ...holder,
        address: '清河路***号',
        deadlineMs,
      },
    ],
    [
      'long',
      {
        ...b,
        screen: 'is-it-you',
        service: 'bills',
        holderMasked: '阜*********司',
        userNo: '12345678901234567890',
        address: '阜城市经济技术开发区清河路以东中南路以西***号',
        deadlineMs,
      },
      { checkOnly: true },
    ],
    ['chosen', topUp],
    ['owed', { ...topUp, balanceFen: -1_234, onTheWayFen: 5_000, chosenFen: null }],
    [
      'corrected',
      { ...topUp, corrected: { what: 'moved-in', amountFen: 5_000, atMs: inSeconds(-86_400) } },
    ],
    [
      'corrected-longest',
      {
        ...topUp,
        balanceFen: -99_999_999,
        onTheWayFen: 99_999_999,
        corrected: { what: 'moved-in', amountFen: 99_999_999, atMs: inSeconds(-86_400) },
      },
      { checkOnly: true },
    ],
    ['refused', { ...topUp, problem: 'SALE-0105', chosenFen: null }, { checkOnly: true }],
    ['other-company', { ...topUp, problem: 'SALE-0125' }, { checkOnly: true }],
    ['keypad', { ...topUp, chosenFen: null }, { keys: '128', checkOnly: true }],
    ['several', bills],
    ['changed', { ...bills, problem: 'SALE-0120', underWay: 1 }, { checkOnly: true }],
    ['other-company', { ...bills, problem: 'SALE-0125' }, { checkOnly: true }],
    [
      'longest',
      {
        ...bills,
        groups: [
          { payee: 'house', company, bills: [LONG(1, 'gas')] },
          { payee: 'water', company, bills: [LONG(2, 'water')] },
          { payee: 'heat', company, bills: [LONG(3, 'heat')] },
        ],
        totalCount: 24,
        totalFen: 999_999_999,
        chosenFen: 99_999_999,
        underWay: 3,
        corrected: { what: 'moved-out', amountFen: 99_999_999, atMs: inSeconds(-86_400) },
      },
    ],
    [
      'part',
      {
        ...bills,
        groups: [
          { payee: 'house', company, bills: [LATE, bill('G-10', { ticked: false })] },
          { payee: 'water', company: { zh: '阜城水务', en: 'Fucheng Water' }, bills: [WATER] },
        ],
        chosenFen: 3_000,
        part: { minFen: 1_058, maxFen: 5_069, restFen: 2_070 },
      },
    ],
    [
      'part-longest',
      {
        ...bills,
        groups: [
          { payee: 'house', company, bills: [LONG(2, 'gas')] },
          { payee: 'water', company, bills: [LONG(1, 'water')] },
          { payee: 'heat', company, bills: [LONG(3, 'heat')] },
        ],
        totalCount: 24,
        totalFen: 999_999_999,
        chosenFen: 99_999_999,
        underWay: 3,
        part: { minFen: 1_234_567, maxFen: 99_999_998, restFen: 9_999_999 },
      },
      { checkOnly: true },
    ],
    [
      'ahead',
      {
        ...bills,
        groups: [],
        totalFen: 0,
        totalCount: 0,
        chosenFen: 0,
        prepay: true,
      },
      { checkOnly: true },
    ],
    ['ahead', { ...topUp, prepay: true, meterNo: '', balanceFen: 0 }],
    ['none', { ...bills, groups: [], totalFen: 0, totalCount: 0, chosenFen: 0, underWay: 1 }],
    ['bill', confirm, { checkOnly: true }],
    [
      'top-up',
      { ...confirm, amountFen: 60_050, credit: { ...confirmed, kinds: ['balance'], period: '' } },
      { checkOnly: true },
    ],
    [
      'bills-longest',
      {
        ...confirm,
        holderMasked: '买*************江',
        amountFen: 8_765_432,
        credit: {
          ...confirmed,
          company: {
            zh: '阜城市城乡供水排水一体化运营管理集团有限责任公司',
            en: 'Fucheng City Urban and Rural Water Supply and Drainage Operation Group Co., Ltd.',
          },
          kinds: ['gas', 'water', 'heat'],
          period: '',
        },
      },
      { checkOnly: true },
    ],
    ['read', contract],
    ['agreed', { ...contract, agreed: true }, { checkOnly: true }],
    [
      'longest',
      {
        ...contract,
        points: Array.from({ length: 4 }, (_, n) => ({ zh: long(n), en: long(n).repeat(2) })),
      },
    ],
    [
      'debt-payable',
      {
        ...b,
        screen: 'cannot-sell',
        reason: 'SALE-0108',
        reference: 'SALE-0108 · 0311',
        card: null,
        payDebt: true,
        deadlineMs,
      },
    ],
    ['debt-paid', { ...whole, recharge: true }, { checkOnly: true }],
    ['bill', pay],
    ['crediting', { ...b, screen: 'writing', ...money, stage: 'writing' }],
    ['bill-next', done],
    [
      'top-up',
      { ...whole, credit: { ...credit, kinds: ['balance'], period: '' }, receipt: 'failed' },
    ],
    [
      'posting-taken',
      {
        ...b,
        screen: 'in-doubt',
        reason: 'posting',
        taken: true,
        ...money,
        slip: 'printed',
        deadlineMs: inSeconds(110),
      },
      { checkOnly: true },
    ],
    [
      'posting',
      {
        ...b,
        screen: 'in-doubt',
        reason: 'posting',
        ...money,
        slip: 'printed',
        deadlineMs: inSeconds(110),
      },
    ],
    [
      'credit-payment',
      {
        ...b,
        screen: 'in-doubt',
        reason: 'payment',
        ...money,
        slip: 'printed',
        deadlineMs: inSeconds(110),
      },
      { checkOnly: true },
    ],
    [
      'not-credited',
      {
        ...b,
        screen: 'refunding',
        state: 'refunded',
        reason: 'SALE-0122',
        orderRef: money.orderRef,
        amountFen: 9_010,
        slip: 'printed',
        deadlineMs: inSeconds(28),
      },
    ],
    [
      'credit-posting',
      {
        ...b,
        screen: 'order-status',
        state: 'in-doubt',
        credit: true,
        orderRef: money.orderRef,
        amountFen: 9_010,
        quantity: 9_010,
        unit: 'money',
        deadlineMs,
      },
    ],
    [
      'meter-confirmed',
      {
        ...b,
        screen: 'order-status',
        state: 'delivered',
        credit: true,
        meter: 'confirmed',
        orderRef: money.orderRef,
        amountFen: 10_000,
        quantity: 10_000,
        unit: 'money',
        deadlineMs,
      },
      { checkOnly: true },
    ],
    [
      'credit-moved',
      {
        ...b,
        screen: 'order-status',
        state: 'delivered',
        credit: true,
        moved: true,
        orderRef: money.orderRef,
        amountFen: 9_010,
        quantity: 9_010,
        unit: 'money',
        deadlineMs,
      },
    ],
    [
      'credit-finishing',
      { ...b, screen: 'unfinished', state: 'finishing', ...money, deadlineMs: null },
      { checkOnly: true },
    ],
  ];
}
