import { accountFixtures, typed } from './account-fixtures.ts';
import { closedDaybook, daybookView } from './daybook-fixtures.ts';
import {
  logsView,
  readinessShown,
  systemView,
  troubledSystem,
  warningsView,
} from './system-fixtures.ts';
import { myAccountFixtures } from './my-account-fixtures.ts';
import { actionsOf, tabsOf } from '../../src/kiosk/maintenance/roles.ts';
import { DEMO_POLICY } from '../../src/demo/central-data.ts';
import { DEMO_REQUESTS } from '../../src/demo/requests-data.ts';
import { INFO_TOPICS, PLAIN_ACCESS } from '../../src/shared/contract/index.ts';
import type {
  Access,
  CardView,
  DeviceView,
  Header,
  Locale,
  OrderStory,
  QuoteView,
  Screen,
  Snapshot,
  SnapshotOf,
} from '../../src/shared/contract/index.ts';

/**
 * One picture: a screen in one of its states. `keys` are pressed on the keypad, which is opened
 * first.
 */
/** As long as a policy's address may be. */
const RECEIPT_URL = `https://${'gas-receipts.'.repeat(4)}cn/r/000000000311-1-0042-1234.${'Aa0_'.repeat(21)}Aa`;

export interface ScreenFixture {
  readonly screen: Screen;
  readonly variant: string;
  readonly snapshot: Snapshot;
  readonly keys?: string;
  /** Pressed in order before the picture: selectors. */
  readonly taps?: readonly string[];
  /** Left out of the committed pictures; still drawn and checked. */
  readonly checkOnly?: true;
}

const NOW_MS = Date.UTC(2026, 10, 22, 1, 26, 0);
const ORDER = '0311 2209 2641';

export const header: Header = {
  brand: { zh: '阜城燃气 自助服务', en: 'Fucheng Gas Self-service' },
  site: { zh: '市民中心24小时服务厅', en: 'Civic Centre 24-hour hall' },
  terminalName: { zh: '03号机', en: 'No. 3' },
  terminalId: 'FC-0003',
  hotline: '0558-5550110',
  panel: { widthMm: 268, heightMm: 476, bottomMm: 850 },
};

export const card: CardView = {
  holderMasked: '张*明',
  cardMasked: '8800 **** 3921',
  kind: 'gas',
  unit: 'volume',
  count: 41,
  pendingQuantity: 0,
  remainingQuantity: 1_842,
  yearQuantity: 21_450,
  tierPriceE4: 26_500,
  tierUptoQuantity: 36_000,
  tierNumber: 1,
};

export const quote: QuoteView = {
  amountFen: 10_000,
  quantity: 3_773,
  shares: [{ tier: 1, priceE4: 26_500, quantity: 3_773 }],
  carriedUsedMicro: 0,
  carriedAfterMicro: 15_500,
  offline: false,
};
const tieredQuote: QuoteView = {
  amountFen: 100_000,
  quantity: 33_210,
  shares: [
    { tier: 1, priceE4: 26_500, quantity: 14_550 },
    { tier: 2, priceE4: 31_800, quantity: 18_000 },
    { tier: 3, priceE4: 39_750, quantity: 660 },
  ],
  carriedUsedMicro: 4_200,
  carriedAfterMicro: 12_345,
  offline: false,
};

/** Fields every snapshot has. */
export function base(
  locale: Locale = 'zh-CN',
  access: Access = PLAIN_ACCESS,
): {
  revision: number;
  locale: Locale;
  access: Access;
  header: Header;
  nowMs: number;
  demo: boolean;
} {
  return { revision: 7, locale, access, header, nowMs: NOW_MS, demo: false };
}

const inSeconds = (seconds: number): number => NOW_MS + seconds * 1000 - 400;

const device = (
  id: string,
  zh: string,
  en: string,
  state: DeviceView['state'],
  detail: [string, string],
  more: Partial<DeviceView> = {},
): DeviceView => ({
  id,
  name: { zh, en },
  state,
  detail: { zh: detail[0], en: detail[1] },
  lastError: null,
  sinceMs: null,
  test: 'none',
  testDetail: null,
  ...more,
});
const DEVICES: DeviceView[] = [
  device(
    'reader',
    '读卡器',
    'Card reader',
    'online',
    ['ACS ACR39U ICC Reader 00 00 · 卡座空', 'ACS ACR39U ICC Reader 00 00 · no card'],
    {
      test: 'passed',
      testDetail: { zh: '卡座空，读卡器应答正常', en: 'no card, the reader answers' },
    },
  ),
  device(
    'printer',
    '凭条打印机',
    'Receipt printer',
    'user-error',
    ['纸将尽，请换纸', 'paper is low, please refill'],
    {
      lastError: 'DEV-0101',
      sinceMs: NOW_MS - 5_400_000,
      test: 'failed',
      testDetail: { zh: '测试凭条没有打出来', en: 'the test slip was not printed' },
    },
  ),
  device('scanner', '扫码器', 'Code scanner', 'online', [
    '线路通，付款时才看码',
    'ready; looks while paying',
  ]),
  device(
    'line-wechat',
    '微信支付线路',
    'WeChat Pay line',
    'online',
    ['应答已验签', 'answers are verified'],
    { test: 'running' },
  ),
  device(
    'line-alipay',
    '支付宝线路',
    'Alipay line',
    'offline',
    ['线路不通，自动重试中', 'the line is down, retrying by itself'],
    { lastError: 'PAY-0202' },
  ),
  device(
    'central',
    '中心计费接口',
    'Central billing',
    'offline',
    ['待上传 37 条 · 自动重试中', '37 events wait · retrying by itself'],
    { lastError: 'BILL-0101', sinceMs: NOW_MS - 720_000 },
  ),
  device('journal', '账本', 'Journal', 'online', [
    '纪元 1 · 序号 184220',
    'epoch 1 · sequence 184220',
  ]),
  device('disk', '磁盘', 'Disk', 'online', ['剩余 41.2 GB', '41.2 GB free']),
  device('clock', '时钟', 'Clock', 'online', ['与中心相差 +0.2 秒', '+0.2 s from central']),
];
const story = (count: number): OrderStory['story'] =>
  [
    { zh: '报价 ¥100.00，37.73 m³，第 42 次', en: 'quoted ¥100.00 for 37.73 m³, purchase 42' },
    {
      zh: '开始向微信收款，商户单号 PL1-0042-7391-1',
      en: 'collecting by WeChat Pay, number PL1-0042-7391-1',
    },
    { zh: '等待付款', en: 'waiting for the payment' },
    { zh: '微信确认收款 ¥100.00', en: 'WeChat Pay confirms ¥100.00' },
    { zh: '订单已付款', en: 'the order is paid' },
    { zh: '开始第 1 次写卡', en: 'write 1 begins' },
    { zh: '写卡存疑：CARD-0203 写卡中断', en: 'in doubt: CARD-0203 interrupted' },
    {
      zh: '卡拒绝写入，开始退款：CARD-0202',
      en: 'the card refused the write, refunding: CARD-0202',
    },
    {
      zh: '这笔款待处理：退款被支付平台拒绝，HTTP 403 RULE_LIMIT',
      en: 'this payment is parked: the provider refused the refund; HTTP 403 RULE_LIMIT',
    },
    { zh: '订单转人工处理：退款被拒', en: 'the order is parked: refund refused' },
  ]
    .slice(0, count)
    .map((text, at) => ({ atMs: NOW_MS - 900_000 + at * 7_000, text }));
const orderStory = (
  counter: number,
  state: string,
  more: Partial<OrderStory> = {},
): OrderStory => ({
  orderId: `PL-000000000311-1-${String(counter).padStart(4, '0')}-7391`,
  orderRef: `0311 ${String(counter).padStart(4, '0')} 7391`,
  state,
  amountFen: 10_000,
  cardMasked: '8800 **** 3921',
  createdMs: NOW_MS - 900_000 - counter * 61_000,
  reason: { zh: '', en: '' },
  nextStep: { zh: '', en: '' },
  actions: ['print-story'],
  story: [],
  ...more,
});
const PARKED = orderStory(42, 'parked', {
  reason: { zh: '退款被支付平台拒绝', en: 'The provider refused the refund' },
  nextStep: {
    zh: '查清原因（超过退款期限、商户账户受限等），处理后按“重新退款”；或人工退给客户后登记。',
    en: 'Find out why (too late for a refund, the merchant’s account restricted), mend it and refund again; or hand it back and record it.',
  },
  actions: ['retry-refund', 'settle-refunded-by-hand', 'print-story'],
  story: story(10),
});
const DOUBT = orderStory(41, 'in-doubt', {
  amountFen: 20_000,
  reason: { zh: '写卡没有做完', en: 'The write was not finished' },
  nextStep: {
    zh: '退出维护后，客户插入同一张卡，机器自动接着写或退款。卡真的找不回来才按“卡找不回来”。',
    en: 'After maintenance, the customer inserts the same card and the machine finishes or refunds it by itself. Only if the card is gone for good: “Card is gone”.',
  },
  actions: ['card-lost', 'print-story'],
  story: story(7),
});
const LOST_SAID: OrderStory = {
  ...DOUBT,
  reason: {
    zh: '卡找不回来，等中心确认后转人工',
    en: 'The card will not come back: waits for central, then goes to a person',
  },
  nextStep: {
    zh: '不用处理，连上中心后自动转人工。卡若又回来，插卡即按卡上内容了结。',
    en: 'Nothing to do: handed to a person once central answers. If the card comes back after all, insert it and what it holds decides.',
  },
  actions: ['print-story'],
  story: [
    ...DOUBT.story,
    {
      atMs: NOW_MS - 60_000,
      text: {
        zh: '李工 操作：卡找不回来，客户的卡已遗失或被盗',
        en: '李工 did card-lost: Lost or stolen',
      },
    },
    {
      atMs: NOW_MS - 60_000,
      text: {
        zh: '卡找不回来，等中心确认后转人工：CARD-0203 写卡中断 (客户的卡已遗失或被盗)',
        en: 'the card will not come back, goes to a person once central confirms: CARD-0203 interrupted (Lost or stolen)',
      },
    },
  ],
};
const LOST: OrderStory = {
  ...LOST_SAID,
  state: 'parked',
  reason: {
    zh: '卡找不回来，不知道是否写上',
    en: 'The card will not come back: whether it was written is not known',
  },
  nextStep: {
    zh: '先在中心和表上查气是否到账：没到就补气、换卡写入或退款；然后登记，新卡随即可用。',
    en: 'First look at central and on the meter whether the gas arrived: deliver or refund by hand if not, then record it; a new card works from then on.',
  },
  actions: ['settle-delivered-by-hand', 'settle-refunded-by-hand', 'print-story'],
  story: [
    ...LOST_SAID.story,
    {
      atMs: NOW_MS - 50_000,
      text: {
        zh: '订单待人工处理：卡找不回来，不知道是否写上',
        en: 'the order is parked: The card will not come back: whether it was written is not known',
      },
    },
  ],
};
const STORIES: OrderStory[] = [
  PARKED,
  orderStory(40, 'parked', {
    amountFen: 5_000,
    reason: { zh: '卡内是另一笔购气', en: 'The card holds another purchase' },
    nextStep: { zh: '到柜台核对卡。', en: 'Check the card at a counter.' },
    actions: ['settle-delivered-by-hand', 'settle-refunded-by-hand', 'print-story'],
  }),
  DOUBT,
  ...[39, 38, 37, 36, 35, 34, 33, 32, 31, 30].map((n) =>
    orderStory(n, n % 4 === 0 ? 'closed' : n % 5 === 0 ? 'refunded' : 'delivered', {
      amountFen: n * 500,
    }),
  ),
  orderStory(29, 'settled'),
];
const MAINTENANCE: Omit<
  SnapshotOf<'maintenance'>,
  'revision' | 'locale' | 'access' | 'header' | 'nowMs' | 'demo'
> = {
  screen: 'maintenance',
  who: '李工',
  role: 'technician',
  tabs: tabsOf('technician'),
  may: actionsOf('technician'),
  tab: 'devices',
  outOfService: false,
  blocked: null,
  version: '0.3.0',
  devices: DEVICES,
  orders: STORIES,
  openOrderId: null,
  search: null,
  daybook: null,
  logs: null,
  system: null,
  sync: {
    centralUp: true,
    unsentEvents: 37,
    unsentFen: 45_000,
    oldestUnsentMs: NOW_MS - 720_000,
    epoch: 1,
    headSeq: 184_220,
    headHash: '3fa9c1d27be04c55a1b2',
    freeBytes: 41_200_000_000,
    backupAtMs: NOW_MS - 660_000,
    clockSkewMs: 212,
    reconciled: {
      date: '2026-11-21',
      atMs: NOW_MS - 3_600_000,
      providers: ['wechat', 'alipay'],
      payments: 148,
      paidFen: 1_284_000,
      refunds: 3,
      refundedFen: 15_000,
      persons: 0,
      differences: 1,
    },
    damage: null,
    verify: { state: 'none', problems: [], atMs: null },
  },
  message: null,
  deadlineMs: inSeconds(172),
};

type Start = Pick<SnapshotOf<'start'>, 'screen' | 'selling' | 'word' | 'emergency'> &
  ReturnType<typeof base>;

/** As long as a policy may have it, in Chinese and in English. */
const long = (zh: number, en: number, n = 0) => ({
  zh: `${n}清河路以东、中南路以西各小区`.repeat(15).slice(0, zh),
  en: `${n} Renewal of the gas risers; `.repeat(12).slice(0, en),
});
const chips = (count: number, zh: number, en: number) =>
  Array.from({ length: count }, (_, n) => long(zh, en, n));
const site = (name: number, detail: number) => (n: number) => ({
  name: long(name, 0, n).zh,
  detail: long(detail, 0, n).zh,
  metres: 99_000,
  hours: { from: '08:00', to: '20:00' },
  openNow: n > 0,
});
/** What the longest policy tells fits with every access mode, too. */
const LONGEST: readonly (readonly [string, SnapshotOf<'info'>['shown']])[] = [
  ['sites', { topic: 'sites', page: 0, pages: 9, sites: [0, 1, 2, 3].map(site(20, 30)) }],
  ['far-sites', { topic: 'sites', page: 0, pages: 9, sites: [0, 1].map(site(40, 80)) }],
  [
    'outages',
    {
      topic: 'outages',
      page: 0,
      pages: 25,
      outages: [0, 1].map((n) => ({
        area: long(60, 120, n),
        reason: long(30, 60),
        fromMs: NOW_MS,
        toMs: NOW_MS + 86_400_000,
      })),
    },
  ],
  [
    'prices',
    {
      topic: 'prices',
      page: 0,
      pages: 4,
      names: chips(4, 10, 24),
      list: {
        name: long(10, 24),
        unit: long(6, 12),
        document: long(30, 60),
        since: '2026-01-01',
        tiers: [1, 2, 3, null].map((n) => ({
          uptoQuantity: n === null ? null : n * 30_000_000,
          priceE4: 9_999_999,
        })),
      },
    },
  ],
  [
    'papers',
    {
      topic: 'papers',
      page: 0,
      pages: 7,
      names: chips(7, 8, 20),
      papers: {
        title: long(8, 20),
        bring: chips(4, 32, 64),
        where: long(48, 100),
        takes: long(12, 24),
      },
      url: `https://${'pay.example.com/'.repeat(4).slice(0, 52)}/p/${'a'.repeat(24)}`,
      code: false,
    },
  ],
  [
    'stewards',
    {
      topic: 'stewards',
      page: 0,
      pages: 9,
      names: chips(6, 8, 16),
      group: 1,
      stewards: [0, 1].map((n) => ({
        district: long(8, 16),
        area: long(24, 48, n),
        name: long(8, 20),
        phone: '+86 138 0558 0101 0000 0',
        hours: long(12, 24),
      })),
    },
  ],
  [
    'stations',
    {
      topic: 'stations',
      page: 0,
      pages: 10,
      stations: [0, 1, 2].map((n) => ({
        name: long(16, 32, n),
        address: long(30, 60),
        does: long(24, 48),
        metres: 99_000,
        hours: { from: '08:00', to: '20:00' },
        openNow: n > 0,
      })),
    },
  ],
];

/** Where one is served while this machine serves nobody. */
const NEAR: SnapshotOf<'out-of-service'>['nearestSites'] = [
  {
    name: { zh: '人民路营业厅', en: 'Renmin Road counter' },
    detail: { zh: '人民路 128 号', en: '128 Renmin Road' },
    metres: 800,
    hours: { from: '08:30', to: '17:30' },
  },
  {
    name: { zh: '颍河西路自助厅', en: 'Yinghe Road self-service hall' },
    detail: { zh: '颍河西路 56 号，地铁口旁', en: '56 Yinghe Road West, beside the metro' },
    metres: 1_600,
  },
  {
    name: { zh: '建设银行 颍州支行', en: 'CCB Yingzhou branch' },
    detail: { zh: '颍州南路 201 号', en: '201 Yingzhou Road South' },
    metres: 5_200,
  },
];

/** The start screen while nobody is there: as it usually is, with the most that it says, and unwell. */
function attractFixtures(
  start: Start,
): readonly (
  | readonly [string, Snapshot]
  | readonly [string, Snapshot, { readonly checkOnly: true }]
)[] {
  const attract = {
    ...start,
    tiles: ['my-account', 'unfinished'],
    providers: ['wechat', 'alipay', 'unionpay'],
    payAway: [],
    degraded: [],
    outage: null,
    notices: [],
    attractAfterMs: 0,
  } satisfies SnapshotOf<'start'>;
  const { info, notices } = DEMO_POLICY;
  return [
    ['attract', attract],
    [
      'attract-services',
      {
        ...attract,
        tiles: ['top-up', 'bills', 'my-account', 'unfinished', 'request', 'info'],
        outage: info?.outages[0] ?? null,
        payAway: ['unionpay'],
        providers: ['wechat', 'alipay'],
        notices: [...notices],
      },
      { checkOnly: true },
    ],
    [
      'attract-degraded',
      { ...attract, selling: false, degraded: ['DEV-0101', 'SALE-0111'], keptCards: 1 },
    ],
  ];
}

/** What the hall tells, by the demo's own policy. */
function infoFixtures(
  b: ReturnType<typeof base>,
  start: Start,
): readonly (readonly [string, Snapshot])[] {
  const { info, sites } = DEMO_POLICY;
  const [outage, later] = info?.outages ?? [];
  const [prices] = info?.prices ?? [];
  const [papers] = info?.papers ?? [];
  const { stewards = [], stations = [] } = info ?? {};
  if (info === undefined || outage === undefined || later === undefined) return [];
  if (prices === undefined || papers === undefined) return [];
  const screen = {
    ...b,
    screen: 'info',
    topics: INFO_TOPICS,
    emergency: info.emergency ?? null,
    complaints: info.complaints ?? null,
    deadlineMs: inSeconds(82),
  } as const;
  const siteViews = sites.map((site, index) => ({
    name: site.name,
    detail: site.detail,
    metres: Object.values(site.metresFrom ?? {})[0] ?? null,
    hours: site.hours ?? null,
    openNow: index !== 2,
  }));
  const named = (all: readonly { readonly name: { zh: string; en: string } }[]) =>
    all.map(({ name }) => name);
  return [
    [
      'info',
      {
        ...start,
        tiles: ['top-up', 'bills', 'my-account', 'unfinished', 'request', 'info'],
        providers: ['wechat', 'alipay'],
        payAway: [],
        degraded: [],
        outage,
        notices: [],
      },
    ],
    ['menu', { ...screen, topics: [...screen.topics], shown: { topic: 'menu' } }],
    ...LONGEST.map(([name, shown]): readonly [string, Snapshot] => [
      `${name}-longest`,
      { ...screen, topics: [...screen.topics], shown },
    ]),
    [
      'sites',
      {
        ...screen,
        topics: [...screen.topics],
        shown: { topic: 'sites', page: 0, pages: 2, sites: siteViews.slice(0, 4) },
      },
    ],
    [
      'outages',
      {
        ...screen,
        topics: [...screen.topics],
        shown: { topic: 'outages', page: 0, pages: 1, outages: [outage, later] },
      },
    ],
    [
      'prices',
      {
        ...screen,
        topics: [...screen.topics],
        shown: { topic: 'prices', page: 0, pages: 2, names: named(info.prices), list: prices },
      },
    ],
    [
      'papers',
      {
        ...screen,
        topics: [...screen.topics],
        shown: {
          topic: 'papers',
          page: 0,
          pages: info.papers.length,
          names: info.papers.map(({ title }) => title),
          papers,
          url: `https://pay.example.com/p/${papers.id}`,
          code: false,
        },
      },
    ],
    [
      'papers-code',
      {
        ...screen,
        topics: [...screen.topics],
        shown: {
          topic: 'papers',
          page: 0,
          pages: info.papers.length,
          names: info.papers.map(({ title }) => title),
          papers,
          url: `https://pay.example.com/p/${papers.id}`,
          code: true,
        },
      },
    ],
    [
      'stewards',
      {
        ...screen,
        topics: [...screen.topics],
        shown: {
          topic: 'stewards',
          page: 0,
          pages: 1,
          names: [...new Map(stewards.map((s) => [s.district.zh, s.district])).values()],
          group: 0,
          stewards: stewards.slice(0, 2),
        },
      },
    ],
    [
      'stations',
      {
        ...screen,
        topics: [...screen.topics],
        shown: {
          topic: 'stations',
          page: 0,
          pages: 1,
          stations: [1, 0, 2]
            .flatMap((n) => stations[n] ?? [])
            .map(({ hours, metresFrom, ...one }, n) => ({
              ...one,
              metres: Object.values(metresFrom ?? {})[0] ?? null,
              hours: hours ?? null,
              openNow: n !== 1,
            })),
        },
      },
    ],
  ];
}

/** What is asked for, by the demo's own policy; the longest that a policy may have too. */
function requestFixtures(
  b: ReturnType<typeof base>,
): readonly (readonly [
  string,
  SnapshotOf<'request'>,
  Pick<ScreenFixture, 'checkOnly' | 'taps'>,
])[] {
  const all = DEMO_REQUESTS.categories;
  const name = { zh: '报修', en: 'Repair' };
  const longName = { zh: '八个字的最长名字', en: 'Twenty letters long!' };
  const screen = {
    ...b,
    screen: 'request',
    emergency: '0558-2197777',
    subject: name,
    problem: null,
    deadlineMs: inSeconds(82),
  } as const;
  const option = (c: (typeof all)[number]) => ({
    id: c.id,
    kind: c.kind,
    name: c.name,
    promise: c.promise,
    open: true,
    window: null,
  });
  const menu = (from: number) => ({
    step: 'menu' as const,
    page: from / 4,
    pages: 3,
    categories: all.slice(from, from + 4).map(option),
  });
  const halves = (am: 'free' | 'full' | 'gone') => [
    { half: 'am' as const, state: am },
    { half: 'pm' as const, state: 'free' as const },
  ];
  const days = ['2026-11-23', '2026-11-24', '2026-11-25', '2026-11-26', '2026-11-27', '2026-11-30'];
  const slot = { date: '2026-11-24', half: 'am' } as const;
  const dueMs = b.nowMs + 40 * 60_000;
  const confirm = {
    step: 'confirm',
    choice: { zh: '灶具打不着火', en: 'Stove does not light' },
    slot,
    phone: '138 **** 6212',
    userNo: '1002 **** 44',
    promise: { minutes: 40 },
    dueMs,
  } as const;
  const status = {
    step: 'status',
    ref: '0311 2209 2641',
    name,
    choice: confirm.choice,
    slot,
    reply: null,
    dueMs,
  } as const;
  const none = { name: null, choice: null, slot: null, reply: null, dueMs: null };
  const longest = all.slice(0, 4).map((c) => ({
    ...option(c),
    name: longName,
    open: false,
    window: { from: '2026-09-01', to: '2026-10-31' },
  }));
  const choices = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ id: String(n), name: longName }));
  const drawn: readonly (readonly [string, SnapshotOf<'request'>])[] = [
    ['menu', { ...screen, subject: null, shown: menu(0) }],
    [
      'menu-window',
      {
        ...screen,
        subject: null,
        shown: {
          ...menu(8),
          categories: menu(8).categories.map((c) =>
            c.id === 'stop-heating'
              ? { ...c, open: false, window: { from: '2026-09-01', to: '2026-10-31' } }
              : c,
          ),
        },
      },
    ],
    [
      'menu-longest',
      {
        ...screen,
        subject: null,
        problem: 'REQ-0101',
        shown: { ...menu(0), categories: longest },
      },
    ],
    ['choice', { ...screen, shown: { step: 'choice', choices: all[0]?.choices ?? [] } }],
    ['choice-longest', { ...screen, shown: { step: 'choice', choices: choices(6) } }],
    [
      'slot',
      {
        ...screen,
        subject: { zh: '点火', en: 'First lighting' },
        shown: {
          step: 'slot',
          sure: true,
          days: days
            .slice(0, 4)
            .map((date, n) => ({ date, halves: halves(n === 0 ? 'full' : 'free') })),
        },
      },
    ],
    [
      'slot-longest',
      {
        ...screen,
        shown: {
          step: 'slot',
          sure: false,
          days: days.map((date) => ({ date, halves: halves('gone') })),
        },
      },
    ],
    ['phone', { ...screen, shown: { step: 'phone' } }],
    ['user', { ...screen, shown: { step: 'user', optional: true, reading: false } }],
    [
      'user-card-longest',
      {
        ...screen,
        problem: 'CARD-0104',
        shown: { step: 'user', optional: false, reading: false },
      },
    ],
    ['user-typed-longest', { ...screen, shown: { step: 'user', optional: true, reading: false } }],
    ['confirm', { ...screen, shown: confirm }],
    [
      'confirm-longest',
      {
        ...screen,
        subject: longName,
        shown: { ...confirm, choice: longName, promise: { workingDays: 60 } },
      },
    ],
    ['menu-sms', { ...screen, subject: null, shown: menu(8) }],
    ['sms-phone', { ...screen, shown: { step: 'phone', mobile: true } }],
    ...(['subscribe', 'stop'] as const).flatMap(
      (sms): readonly (readonly [string, SnapshotOf<'request'>])[] => [
        [
          `sms-${sms}`,
          {
            ...screen,
            subject: sms === 'stop' ? longName : { zh: '停气短信', en: 'SMS before outages' },
            shown: {
              ...confirm,
              choice: sms === 'stop' ? null : { zh: '清河路片区', en: 'Qinghe Road area' },
              slot: null,
              userNo: null,
              sms,
            },
          },
        ],
        [
          `sms-${sms}-made`,
          { ...screen, shown: { step: 'made', ref: status.ref, dueMs, slip: 'none', sms } },
        ],
      ],
    ),
    ['making', { ...screen, shown: { step: 'making' } }],
    ['made', { ...screen, shown: { step: 'made', ref: status.ref, dueMs, slip: 'printed' } }],
    ['made-no-slip', { ...screen, shown: { step: 'made', ref: status.ref, dueMs, slip: 'none' } }],
    ['find', { ...screen, subject: null, shown: { step: 'find' } }],
    [
      'status-scheduled',
      {
        ...screen,
        subject: null,
        shown: { ...status, state: 'scheduled', reply: '王师傅明天上午到，会先打电话' },
      },
    ],
    [
      'status-longest',
      {
        ...screen,
        subject: null,
        shown: {
          ...status,
          name: longName,
          choice: longName,
          state: 'declined',
          reply: '答'.repeat(60),
        },
      },
    ],
    ...(['asking', 'not-found', 'no-answer'] as const).map(
      (state): readonly [string, SnapshotOf<'request'>] => [
        `status-${state}`,
        { ...screen, subject: null, shown: { ...status, ...none, state } },
      ],
    ),
  ];
  // A picture of each question would teach nobody more.
  const kept = ['menu', 'slot', 'phone', 'confirm', 'made', 'status-scheduled', 'sms-subscribe'];
  return drawn.map(([variant, s]) => [
    variant,
    s,
    {
      ...(kept.includes(variant) ? {} : { checkOnly: true }),
      ...(variant === 'user-typed-longest' ? { taps: typed('1002203344556677') } : {}),
    },
  ]);
}

/** Every screen in the states a customer can meet. */
export function screenFixtures(
  locale: Locale,
  access: Access = PLAIN_ACCESS,
): readonly ScreenFixture[] {
  const b = base(locale, access);
  const amount = {
    ...b,
    screen: 'amount',
    card,
    presetsFen: [5_000, 10_000, 20_000, 30_000, 50_000],
    minFen: 1_000,
    maxFen: 100_000,
    limited: false,
    chosenFen: 10_000,
    quote,
    problem: null,
    busy: false,
    providers: ['wechat'],
    printerReady: true,
    deadlineMs: inSeconds(96),
  } as const;
  const money = { orderRef: ORDER, amountFen: 10_000, quantity: 3_773, unit: 'volume' } as const;
  const slipless: SnapshotOf<'no-slip'> = {
    ...b,
    screen: 'no-slip',
    amountFen: 10_000,
    card: true,
    code: true,
    busy: false,
    deadlineMs: inSeconds(82),
  };
  const confirm: SnapshotOf<'confirm-sum'> = {
    ...b,
    screen: 'confirm-sum',
    holderMasked: '张*明',
    number: '8800 **** 3921',
    amountFen: 100_000,
    goods: { quantity: 37_735, unit: 'volume' },
    busy: false,
    deadlineMs: inSeconds(82),
  };
  const pay = {
    ...b,
    screen: 'pay',
    ...money,
    provider: 'wechat',
    choices: ['wechat'] as ('wechat' | 'alipay')[],
    scanner: false,
    byCode: false,
    problem: null,
    qrText: 'weixin://wxpay/bizpayurl?pr=p4lpSuKzz',
    state: 'waiting',
    cancelOffered: true,
    newCodeOffered: true,
    lastCheck: null,
    deadlineMs: inSeconds(118),
  } as const;
  const start = {
    ...b,
    screen: 'start',
    tiles: ['my-account', 'unfinished'],
    providers: ['wechat', 'alipay'],
    payAway: [],
    degraded: [],
    selling: true,
    word: null,
    emergency: '0558-5550119',
    notices: [],
  } as const;
  const all: (readonly [string, Snapshot, Partial<ScreenFixture>?])[] = [
    // Read aloud: the banner, and the numbers of what can be chosen.
    [
      'spoken',
      {
        ...start,
        providers: [...start.providers],
        payAway: [],
        degraded: [],
        outage: null,
        notices: [],
        tiles: ['top-up', 'bills', 'my-account', 'unfinished', 'request', 'info'],
        voice: { spoken: true },
      },
      { checkOnly: true },
    ],
    [
      'spoken',
      {
        ...amount,
        presetsFen: [...amount.presetsFen],
        providers: ['wechat'],
        voice: { spoken: true, headphones: true },
      },
      { checkOnly: true },
    ],
    [
      'spoken',
      { ...pay, choices: ['wechat', 'alipay'], scanner: true, voice: { spoken: true } },
      { checkOnly: true },
    ],
    [
      'word-restarted',
      {
        ...start,
        tiles: [...start.tiles],
        providers: [...start.providers],
        payAway: [],
        degraded: [],
        outage: null,
        notices: [],
        word: 'restarted',
      },
    ],
    [
      'word-card-taken',
      {
        ...start,
        tiles: [...start.tiles],
        providers: [...start.providers],
        payAway: [],
        degraded: [],
        outage: null,
        notices: [],
        word: 'card-taken',
      },
    ],
    [
      'word-card-too-soon',
      {
        ...start,
        tiles: [...start.tiles],
        providers: [...start.providers],
        payAway: [],
        degraded: [],
        outage: null,
        notices: [],
        word: 'card-too-soon',
      },
    ],
    ...(['motor', 'place'] as const).map((way): readonly [string, Snapshot] => [
      `reader-${way}`,
      {
        ...start,
        header: { ...header, cardEntry: { way, chip: 'down' } },
        tiles: [...start.tiles],
        providers: [...start.providers],
        payAway: [],
        degraded: [],
        outage: null,
        notices: [],
      },
    ]),
    [
      'ready',
      {
        ...start,
        tiles: [...start.tiles],
        providers: [...start.providers],
        payAway: [],
        degraded: [],
        outage: null,
        notices: [],
      },
    ],
    [
      'one-line',
      {
        ...start,
        tiles: [...start.tiles],
        providers: ['alipay'],
        payAway: ['wechat'],
        degraded: [],
        outage: null,
        notices: [],
      },
    ],
    [
      'kept-card',
      {
        ...start,
        tiles: [...start.tiles],
        providers: [...start.providers],
        payAway: [],
        degraded: [],
        keptCards: 1,
        outage: null,
        notices: [],
      },
    ],
    [
      'degraded',
      {
        ...start,
        tiles: [...start.tiles],
        providers: ['wechat'],
        payAway: [],
        degraded: ['DEV-0101', 'SALE-0111'],
        selling: false,
        outage: null,
        notices: [
          {
            title: { zh: '停气公告', en: 'Notice' },
            body: {
              zh: '沙河路 11月24日 9:00–17:00 检修停气，请提前准备。',
              en: 'Shahe Road: no gas on 24 Nov from 9:00 to 17:00 for maintenance.',
            },
          },
        ],
      },
    ],
    [
      'demo',
      {
        ...start,
        demo: true,
        tiles: [...start.tiles],
        providers: ['gateway'],
        payAway: [],
        degraded: [],
        outage: null,
        notices: [],
      },
      { checkOnly: true },
    ],
    ...attractFixtures(start),
    ...requestFixtures(b),
    ...infoFixtures(b, start),
    ...accountFixtures(
      b,
      {
        ...start,
        tiles: [...start.tiles],
        providers: [...start.providers],
        payAway: [],
        degraded: [],
        outage: null,
        notices: [],
      },
      inSeconds,
    ),
    ...myAccountFixtures(b, card, inSeconds),
    ['query', { ...b, screen: 'insert-card', purpose: 'query', deadlineMs: inSeconds(52) }],
    [
      'unfinished-leaving',
      { ...b, screen: 'insert-card', purpose: 'unfinished', deadlineMs: inSeconds(14) },
    ],
    ['card', { ...b, screen: 'reading', stage: 'card' }],
    ['account', { ...b, screen: 'reading', stage: 'account' }, { checkOnly: true }],
    [
      'not-visited',
      {
        ...b,
        screen: 'cannot-sell',
        reason: 'SALE-0101',
        reference: 'SALE-0101 · 0311',
        card: { ...card, pendingQuantity: 3_773 },
        deadlineMs: inSeconds(45),
      },
    ],
    [
      'foreign',
      {
        ...b,
        screen: 'cannot-sell',
        reason: 'CARD-0103',
        reference: 'CARD-0103 · 0311',
        card: null,
        deadlineMs: inSeconds(45),
      },
    ],
    [
      'damaged',
      {
        ...b,
        screen: 'cannot-sell',
        reason: 'CARD-0104',
        reference: '',
        card: null,
        deadlineMs: inSeconds(45),
      },
      { checkOnly: true },
    ],
    [
      'checking',
      {
        ...b,
        screen: 'cannot-sell',
        reason: 'SALE-0114',
        reference: 'SALE-0114 · 0311',
        card,
        deadlineMs: inSeconds(45),
      },
      { checkOnly: true },
    ],
    ...(
      [
        'SALE-0102',
        'SALE-0103',
        'SALE-0104',
        'SALE-0105',
        'SALE-0106',
        'SALE-0107',
        'SALE-0108',
        'SALE-0109',
        'SALE-0111',
        'SALE-0112',
        'SALE-0113',
        'SALE-0115',
        'CARD-0101',
        'CARD-0105',
        'CARD-0109',
        'CARD-0110',
        'CARD-0111',
        'CARD-0206',
        'BILL-0110',
      ] as const
    ).map((reason): readonly [string, Snapshot] => [
      reason.toLowerCase(),
      {
        ...b,
        screen: 'cannot-sell',
        reason,
        reference: `${reason} · 0311`,
        card: reason.startsWith('SALE') ? card : null,
        deadlineMs: inSeconds(45),
      },
    ]),
    ...(['DEV-0302', 'DEV-0401'] as const).map(
      (reason): readonly [string, Snapshot, Partial<ScreenFixture>?] => [
        `halted-${reason.toLowerCase()}`,
        {
          ...b,
          screen: 'cannot-sell',
          reason,
          reference: `${reason} · 0311`,
          card: null,
          deadlineMs: inSeconds(45),
        },
        { checkOnly: true },
      ],
    ),
    [
      'policy-over',
      {
        ...b,
        screen: 'cannot-sell',
        reason: 'SALE-0118',
        reference: 'SALE-0118 · 0311',
        card,
        deadlineMs: inSeconds(45),
      },
      { checkOnly: true },
    ],
    [
      'central-away',
      {
        ...b,
        screen: 'cannot-sell',
        reason: 'SALE-0110',
        reference: 'SALE-0110 · 0311',
        card,
        deadlineMs: inSeconds(12),
      },
    ],
    [
      'online',
      { ...b, screen: 'card-info', card, lastVisit: '2026-11-18', deadlineMs: inSeconds(58) },
    ],
    [
      'granted',
      {
        ...b,
        screen: 'card-info',
        card: { ...card, granted: { quantity: 1_230, waits: true } },
        lastVisit: '2026-11-18',
        deadlineMs: inSeconds(58),
      },
      { checkOnly: true },
    ],
    [
      'offline',
      {
        ...b,
        screen: 'card-info',
        card: {
          ...card,
          yearQuantity: null,
          tierPriceE4: null,
          tierUptoQuantity: null,
          tierNumber: null,
        },
        lastVisit: null,
        deadlineMs: inSeconds(58),
      },
      { checkOnly: true },
    ],
    [
      'choose',
      {
        ...amount,
        maxFen: 26_540,
        limited: true,
        providers: ['wechat'],
        presetsFen: [5_000, 10_000, 20_000],
        chosenFen: null,
        quote: null,
      },
    ],
    ['quoted', { ...amount, providers: ['wechat'], presetsFen: [...amount.presetsFen] }],
    [
      'granted',
      {
        ...amount,
        card: { ...card, granted: { quantity: 1_230, waits: true } },
        providers: ['wechat'],
        presetsFen: [...amount.presetsFen],
        chosenFen: 100_000,
        quote: { ...tieredQuote, carriedUsedMicro: 32_600_000 },
        printerReady: false,
      },
      { checkOnly: true },
    ],
    [
      'tiers',
      {
        ...amount,
        providers: ['wechat'],
        presetsFen: [...amount.presetsFen],
        chosenFen: 100_000,
        quote: tieredQuote,
        printerReady: false,
      },
    ],
    [
      'offline',
      {
        ...amount,
        providers: ['wechat'],
        presetsFen: [...amount.presetsFen],
        quote: { ...quote, offline: true, carriedAfterMicro: 0 },
        printerReady: false,
      },
      { checkOnly: true },
    ],
    [
      'busy',
      {
        ...amount,
        providers: ['wechat'],
        presetsFen: [...amount.presetsFen],
        quote: null,
        busy: true,
      },
      { checkOnly: true },
    ],
    [
      'problem',
      {
        ...amount,
        providers: ['wechat'],
        presetsFen: [5_000, 10_000, 20_000],
        chosenFen: 27_000,
        quote: null,
        problem: 'SALE-0106',
        maxFen: 26_540,
        limited: true,
        deadlineMs: inSeconds(16),
      },
    ],
    [
      'keypad',
      {
        ...amount,
        providers: ['wechat'],
        presetsFen: [...amount.presetsFen],
        chosenFen: null,
        quote: null,
      },
      { keys: '128' },
    ],
    [
      'keypad-too-much',
      {
        ...amount,
        providers: ['wechat'],
        presetsFen: [...amount.presetsFen],
        chosenFen: null,
        quote: null,
      },
      { keys: '1280', checkOnly: true },
    ],
    ['card', confirm, { checkOnly: true }],
    ['slipless', slipless, { checkOnly: true }],
    ['slipless-photo', { ...slipless, code: false, card: false }, { checkOnly: true }],
    ['slipless-busy', { ...slipless, busy: true }, { checkOnly: true }],
    ['preparing', { ...confirm, busy: true }, { checkOnly: true }],
    [
      'card-longest',
      {
        ...confirm,
        holderMasked: '买*************江',
        amountFen: 8_765_432,
        goods: { quantity: 3_307_710, unit: 'volume' },
        deadlineMs: inSeconds(14),
      },
      { checkOnly: true },
    ],
    ['waiting', pay],
    ['code-ends', { ...pay, deadlineMs: inSeconds(16) }],
    [
      'not-paid',
      {
        ...pay,
        provider: 'alipay',
        qrText: 'https://qr.alipay.com/bax03431ljhokirwl38f00a7',
        lastCheck: 'not-paid',
      },
    ],
    [
      'gateway',
      {
        ...pay,
        provider: 'gateway',
        choices: ['gateway'],
        wallets: ['wechat', 'alipay', 'unionpay'],
      },
    ],
    ['choose-way', { ...pay, choices: ['wechat', 'alipay'], scanner: true }],
    [
      'code-declined',
      { ...pay, choices: ['wechat', 'alipay'], scanner: true, problem: 'PAY-0401' },
    ],
    [
      'code-charging',
      {
        ...pay,
        scanner: true,
        byCode: true,
        qrText: null,
        state: 'creating',
        cancelOffered: false,
        newCodeOffered: false,
        deadlineMs: inSeconds(44),
      },
      { checkOnly: true },
    ],
    [
      'code-confirm',
      {
        ...pay,
        scanner: true,
        byCode: true,
        qrText: null,
        state: 'paying',
        cancelOffered: false,
        newCodeOffered: false,
        deadlineMs: inSeconds(40),
      },
    ],
    [
      'switching',
      {
        ...pay,
        scanner: true,
        qrText: null,
        state: 'switching',
        cancelOffered: false,
        newCodeOffered: false,
        deadlineMs: null,
      },
    ],
    [
      'creating',
      { ...pay, provider: 'gateway', qrText: null, state: 'creating', deadlineMs: null },
      { checkOnly: true },
    ],
    [
      'paying',
      { ...pay, qrText: null, state: 'paying', cancelOffered: false, deadlineMs: inSeconds(62) },
    ],
    [
      'closing',
      { ...pay, qrText: null, state: 'closing', cancelOffered: false, deadlineMs: null },
      { checkOnly: true },
    ],
    [
      'card-out',
      { ...pay, qrText: null, state: 'card-out', cancelOffered: false, deadlineMs: null },
      { checkOnly: true },
    ],
    [
      'unknown',
      {
        ...pay,
        qrText: null,
        state: 'unknown',
        cancelOffered: true,
        newCodeOffered: true,
        lastCheck: 'line-down',
        deadlineMs: inSeconds(40),
      },
    ],
    ['writing', { ...b, screen: 'writing', ...money, stage: 'writing', steps: { done: 2, of: 4 } }],
    [
      'checking',
      { ...b, screen: 'writing', ...money, stage: 'checking', steps: { done: 3, of: 4 } },
      { checkOnly: true },
    ],
    [
      'take-card',
      {
        ...b,
        screen: 'done',
        ...money,
        count: 42,
        carriedAfterMicro: 15_500,
        cardOut: false,
        rated: null,
        receipt: 'printing',
        deadlineMs: null,
      },
    ],
    [
      'thanks',
      {
        ...b,
        screen: 'done',
        ...money,
        count: 42,
        carriedAfterMicro: 15_500,
        cardOut: true,
        rated: null,
        receipt: 'printed',
        receiptUrl: RECEIPT_URL,
        invoice: true,
        deadlineMs: inSeconds(10),
      },
    ],
    [
      'rated',
      {
        ...b,
        screen: 'done',
        ...money,
        count: 42,
        carriedAfterMicro: 15_500,
        cardOut: true,
        rated: 'good',
        receipt: 'printed',
        deadlineMs: inSeconds(5),
      },
      { checkOnly: true },
    ],
    [
      'no-receipt',
      {
        ...b,
        screen: 'done',
        ...money,
        count: 42,
        carriedAfterMicro: 15_500,
        cardOut: true,
        rated: null,
        receipt: 'failed',
        receiptUrl: RECEIPT_URL,
        invoice: true,
        deadlineMs: inSeconds(10),
      },
      { checkOnly: true },
    ],
    [
      'partly',
      {
        ...b,
        screen: 'done',
        ...money,
        count: 42,
        carriedAfterMicro: 15_500,
        cardOut: true,
        rated: null,
        receipt: 'partly',
        receiptUrl: RECEIPT_URL,
        invoice: true,
        deadlineMs: inSeconds(10),
      },
      { checkOnly: true },
    ],
    [
      'partly',
      {
        ...b,
        screen: 'in-doubt',
        reason: 'payment',
        ...money,
        slip: 'partly',
        deadlineMs: inSeconds(18),
      },
      { checkOnly: true },
    ],
    [
      'card',
      {
        ...b,
        screen: 'in-doubt',
        reason: 'card',
        ...money,
        slip: 'printed',
        deadlineMs: inSeconds(100),
      },
    ],
    [
      'paid',
      {
        ...b,
        screen: 'in-doubt',
        reason: 'paid',
        ...money,
        slip: 'printed',
        deadlineMs: inSeconds(100),
      },
    ],
    [
      'payment',
      {
        ...b,
        screen: 'in-doubt',
        reason: 'payment',
        ...money,
        slip: 'failed',
        deadlineMs: inSeconds(18),
      },
    ],
    ['found', { ...b, screen: 'unfinished', state: 'found', ...money, deadlineMs: null }],
    [
      'finishing',
      {
        ...b,
        screen: 'unfinished',
        state: 'finishing',
        ...money,
        progress: { stage: 'checking', steps: { done: 3, of: 4 } },
        deadlineMs: null,
      },
      { checkOnly: true },
    ],
    [
      'refunding',
      { ...b, screen: 'unfinished', state: 'refunding', ...money, deadlineMs: null },
      { checkOnly: true },
    ],
    [
      'refunded',
      { ...b, screen: 'unfinished', state: 'refunded', ...money, deadlineMs: inSeconds(30) },
      { checkOnly: true },
    ],
    [
      'parked',
      { ...b, screen: 'unfinished', state: 'parked', ...money, deadlineMs: inSeconds(30) },
    ],
    [
      'refunding',
      {
        ...b,
        screen: 'refunding',
        state: 'refunding',
        reason: 'CARD-0202',
        orderRef: ORDER,
        amountFen: 10_000,
        slip: 'printing',
        deadlineMs: null,
      },
    ],
    [
      'refunded',
      {
        ...b,
        screen: 'refunding',
        state: 'refunded',
        reason: 'CARD-0202',
        orderRef: ORDER,
        amountFen: 10_000,
        slip: 'printed',
        deadlineMs: inSeconds(30),
      },
    ],
    [
      'parked',
      {
        ...b,
        screen: 'refunding',
        state: 'parked',
        reason: 'PAY-0301',
        orderRef: ORDER,
        amountFen: 10_000,
        slip: 'failed',
        deadlineMs: inSeconds(30),
      },
      { checkOnly: true },
    ],
    [
      'not-proven',
      {
        ...b,
        screen: 'refunding',
        state: 'parked',
        reason: 'BILL-0111',
        orderRef: ORDER,
        amountFen: 10_000,
        slip: 'printed',
        deadlineMs: inSeconds(30),
      },
      { checkOnly: true },
    ],
    [
      'beyond-day',
      {
        ...b,
        screen: 'refunding',
        state: 'parked',
        reason: 'PAY-0205',
        orderRef: ORDER,
        amountFen: 10_000,
        slip: 'printed',
        deadlineMs: inSeconds(30),
      },
      { checkOnly: true },
    ],
    [
      'central',
      {
        ...b,
        screen: 'in-doubt',
        reason: 'central',
        ...money,
        slip: 'printed',
        deadlineMs: inSeconds(100),
      },
    ],
    [
      'delivered',
      { ...b, screen: 'unfinished', state: 'delivered', ...money, deadlineMs: inSeconds(30) },
    ],
    [
      'unfinished',
      { ...b, screen: 'insert-card', purpose: 'unfinished', deadlineMs: inSeconds(52) },
    ],
    [
      'reference',
      { ...b, screen: 'insert-card', purpose: 'unfinished', deadlineMs: inSeconds(52) },
      { keys: '0311220' },
    ],
    [
      'reference-whole',
      { ...b, screen: 'insert-card', purpose: 'unfinished', deadlineMs: inSeconds(12) },
      { keys: '031122092641', checkOnly: true },
    ],
    ...(
      [
        'paying',
        'writing',
        'in-doubt',
        'delivered',
        'refunding',
        'refunded',
        'parked',
        'closed',
        'asking',
        'not-found',
        'no-answer',
      ] as const
    ).map((state): readonly [string, Snapshot, Partial<ScreenFixture>?] => {
      const known = state !== 'asking' && state !== 'not-found' && state !== 'no-answer';
      const shown = ['in-doubt', 'refunded', 'parked', 'not-found'].includes(state);
      return [
        state,
        {
          ...b,
          screen: 'order-status',
          state,
          orderRef: ORDER,
          amountFen: known ? 10_000 : null,
          quantity: known ? 3_773 : null,
          unit: known ? 'volume' : null,
          deadlineMs: inSeconds(50),
        },
        shown ? {} : { checkOnly: true },
      ];
    }),
    [
      'ask',
      {
        ...b,
        screen: 'maintenance-pin',
        card: null,
        wrong: false,
        busy: false,
        lockedUntilMs: null,
        deadlineMs: inSeconds(55),
      },
      { taps: ['1', '2', '3', '4'].map((key) => `[data-key="${key}"]`) },
    ],
    [
      'wrong',
      {
        ...b,
        screen: 'maintenance-pin',
        card: null,
        wrong: true,
        busy: false,
        lockedUntilMs: null,
        deadlineMs: inSeconds(55),
      },
      { checkOnly: true },
    ],
    [
      'locked',
      {
        ...b,
        screen: 'maintenance-pin',
        card: null,
        wrong: true,
        busy: false,
        lockedUntilMs: inSeconds(112),
        deadlineMs: inSeconds(55),
      },
    ],
    [
      'card',
      {
        ...b,
        screen: 'maintenance-pin',
        card: { who: '李工', ownPin: true, problem: null },
        wrong: false,
        busy: false,
        lockedUntilMs: null,
        deadlineMs: inSeconds(55),
      },
    ],
    [
      'card-locked',
      {
        ...b,
        screen: 'maintenance-pin',
        card: { who: '李工', ownPin: true, problem: 'locked' },
        wrong: true,
        busy: false,
        lockedUntilMs: null,
        deadlineMs: inSeconds(55),
      },
    ],
    [
      'card-memory',
      {
        ...b,
        screen: 'maintenance-pin',
        card: { who: '李工', ownPin: false, problem: null },
        wrong: false,
        busy: false,
        lockedUntilMs: null,
        deadlineMs: inSeconds(55),
      },
      { checkOnly: true },
    ],
    [
      'card-no-answer',
      {
        ...b,
        screen: 'maintenance-pin',
        card: { who: '李工', ownPin: true, problem: 'no-answer' },
        wrong: true,
        busy: false,
        lockedUntilMs: null,
        deadlineMs: inSeconds(55),
      },
      { checkOnly: true },
    ],
    [
      'card-not-ours',
      {
        ...b,
        screen: 'maintenance-pin',
        card: { who: '李工', ownPin: true, problem: 'not-ours' },
        wrong: true,
        busy: false,
        lockedUntilMs: null,
        deadlineMs: inSeconds(55),
      },
      { checkOnly: true },
    ],
    [
      'busy',
      {
        ...b,
        screen: 'maintenance-pin',
        card: null,
        wrong: false,
        busy: true,
        lockedUntilMs: null,
        deadlineMs: null,
      },
      { checkOnly: true },
    ],
    ['devices', { ...b, ...MAINTENANCE }],
    [
      'devices-stopped',
      { ...b, ...MAINTENANCE, outOfService: true, blocked: 'JRNL-0106', deadlineMs: inSeconds(15) },
    ],
    ['devices-bin', { ...b, ...MAINTENANCE, binCards: 2 }, { checkOnly: true }],
    ['orders', { ...b, ...MAINTENANCE, tab: 'orders' }],
    ['no-orders', { ...b, ...MAINTENANCE, tab: 'orders', orders: [] }, { checkOnly: true }],
    ['order', { ...b, ...MAINTENANCE, tab: 'orders', openOrderId: PARKED.orderId }],
    [
      'devices-card-out',
      {
        ...b,
        ...MAINTENANCE,
        message: {
          zh: '技术员卡已取出，即将退出维护；再插卡可重新进入',
          en: 'your card is out: maintenance is about to close; put it in again to come back',
        },
        deadlineMs: inSeconds(9),
      },
      { checkOnly: true },
    ],
    [
      'orders-found',
      {
        ...b,
        ...MAINTENANCE,
        tab: 'orders',
        orders: STORIES.slice(3, 6),
        search: { by: 'card', text: '3921', more: false },
      },
      { checkOnly: true },
    ],
    [
      'orders-none',
      {
        ...b,
        ...MAINTENANCE,
        tab: 'orders',
        orders: [],
        search: { by: 'sum', text: '250', more: false },
      },
      { checkOnly: true },
    ],
    [
      'search',
      { ...b, ...MAINTENANCE, tab: 'orders' },
      {
        taps: [
          '[data-local="search"]',
          '[data-local="by-card"]',
          ...['3', '9', '2', '1'].map((key) => `[data-key="${key}"]`),
        ],
      },
    ],
    ['daybook', { ...b, ...MAINTENANCE, tab: 'daybook', daybook: daybookView(NOW_MS) }],
    [
      'daybook-services',
      { ...b, ...MAINTENANCE, tab: 'daybook', daybook: daybookView(NOW_MS) },
      { taps: ['[data-local="day-services"]'], checkOnly: true },
    ],
    [
      'daybook-shifts',
      {
        ...b,
        ...MAINTENANCE,
        tab: 'daybook',
        daybook: daybookView(NOW_MS, {
          stick: { state: 'several', name: '', freeBytes: 0 },
        }),
      },
      { taps: ['[data-local="day-shifts"]'], checkOnly: true },
    ],
    [
      'daybook-closed',
      { ...b, ...MAINTENANCE, tab: 'daybook', daybook: closedDaybook(NOW_MS) },
      { checkOnly: true },
    ],
    [
      'daybook-close',
      { ...b, ...MAINTENANCE, tab: 'daybook', daybook: daybookView(NOW_MS) },
      { taps: ['[data-local="close-shift"]', '[data-local="why-1"]'], checkOnly: true },
    ],
    [
      'daybook-auditor',
      {
        ...b,
        ...MAINTENANCE,
        role: 'auditor',
        who: '赵会计',
        tabs: tabsOf('auditor'),
        may: actionsOf('auditor'),
        tab: 'daybook',
        daybook: daybookView(NOW_MS, { sealed: false }),
      },
      { checkOnly: true },
    ],
    ['logs', { ...b, ...MAINTENANCE, tab: 'logs', logs: logsView(NOW_MS) }],
    [
      'logs-searching',
      {
        ...b,
        ...MAINTENANCE,
        tab: 'logs',
        logs: logsView(NOW_MS, {
          filter: 'line',
          lines: logsView(NOW_MS).lines.slice(11, 13),
          older: null,
          searchingMs: NOW_MS - 9 * 86_400_000,
        }),
      },
      { checkOnly: true },
    ],
    [
      'logs-warnings',
      { ...b, ...MAINTENANCE, tab: 'logs', logs: warningsView(NOW_MS) },
      { checkOnly: true },
    ],
    ['system', { ...b, ...MAINTENANCE, tab: 'system', system: systemView() }, { checkOnly: true }],
    [
      'system-troubled',
      {
        ...b,
        ...MAINTENANCE,
        role: 'staff',
        who: '王芳',
        tabs: tabsOf('staff'),
        may: actionsOf('staff'),
        tab: 'system',
        system: troubledSystem(),
      },
      { checkOnly: true },
    ],
    [
      'system-code',
      { ...b, ...MAINTENANCE, tab: 'system', system: readinessShown(NOW_MS) },
      { checkOnly: true },
    ],
    [
      'system-touch',
      { ...b, ...MAINTENANCE, tab: 'system', system: systemView() },
      { taps: ['[data-local="touch-test"]'], checkOnly: true },
    ],
    [
      'system-restart',
      { ...b, ...MAINTENANCE, tab: 'system', system: systemView() },
      { taps: ['[data-local="restart-machine"]', '[data-local="why-2"]'], checkOnly: true },
    ],
    [
      'order-told',
      {
        ...b,
        ...MAINTENANCE,
        tab: 'orders',
        openOrderId: PARKED.orderId,
        message: {
          zh: '已按原退款单号重新退款',
          en: 'The refund was asked for again under its own number',
        },
      },
      { checkOnly: true },
    ],
    [
      'retry',
      { ...b, ...MAINTENANCE, tab: 'orders', openOrderId: PARKED.orderId },
      { taps: ['[data-local="retry-refund"]', '[data-local="why-1"]'] },
    ],
    [
      'settle',
      { ...b, ...MAINTENANCE, tab: 'orders', openOrderId: PARKED.orderId },
      {
        taps: [
          '[data-local="settle-refunded-by-hand"]',
          '[data-local="why-2"]',
          ...['4', '2', '0', '0', '7', '1', '9'].map((key) => `[data-key="${key}"]`),
        ],
      },
    ],
    ['doubt', { ...b, ...MAINTENANCE, tab: 'orders', openOrderId: DOUBT.orderId }],
    [
      'card-lost',
      { ...b, ...MAINTENANCE, tab: 'orders', openOrderId: DOUBT.orderId },
      { taps: ['[data-local="card-lost"]', '[data-local="why-1"]'] },
    ],
    [
      'card-lost-said',
      {
        ...b,
        ...MAINTENANCE,
        tab: 'orders',
        orders: [LOST_SAID],
        openOrderId: DOUBT.orderId,
        message: {
          zh: '已登记，中心确认后转人工处理',
          en: 'recorded: goes to a person once central confirms',
        },
      },
      { checkOnly: true },
    ],
    [
      'card-lost-parked',
      { ...b, ...MAINTENANCE, tab: 'orders', orders: [LOST], openOrderId: DOUBT.orderId },
      { checkOnly: true },
    ],
    [
      'stop',
      { ...b, ...MAINTENANCE },
      { taps: ['[data-local="out-of-service"]'], checkOnly: true },
    ],
    [
      'sync',
      {
        ...b,
        ...MAINTENANCE,
        tab: 'sync',
        sync: { ...MAINTENANCE.sync, verify: { state: 'ok', problems: [], atMs: NOW_MS - 20_000 } },
      },
    ],
    [
      'damage',
      {
        ...b,
        ...MAINTENANCE,
        tab: 'sync',
        blocked: 'JRNL-0106',
        sync: {
          ...MAINTENANCE.sync,
          centralUp: false,
          backupAtMs: null,
          oldestUnsentMs: null,
          damage: {
            atMs: NOW_MS - 3_600_000,
            why: 'quick_check: row 17 missing from index events_by_order',
            aside: 'damaged-1795310760000',
            restoredSeq: 184_190,
            lostAfterSeq: 184_190,
            accepted: false,
            epochGranted: false,
          },
          verify: {
            state: 'failed',
            problems: [
              'event 184191: the hash chain breaks here',
              'second log: ends at 184190, the journal at 184220',
            ],
            atMs: NOW_MS - 60_000,
          },
        },
      },
    ],
    ['visit-over', { ...b, screen: 'take-card', deadlineMs: inSeconds(18) }],
    [
      'cancelled',
      { ...b, screen: 'cancelled', amountFen: 10_000, again: false, deadlineMs: inSeconds(15) },
    ],
    [
      'code-ran-out',
      { ...b, screen: 'cancelled', amountFen: 10_000, again: true, deadlineMs: inSeconds(50) },
    ],
    [
      'reader',
      {
        ...b,
        screen: 'out-of-service',
        reason: 'CARD-0107',
        reference: 'CARD-0107 · 0311',
        nearestSites: NEAR,
        sinceMs: NOW_MS - 3_900_000,
        held: [],
      },
    ],
    ...(
      [
        'JRNL-0103',
        'JRNL-0104',
        'JRNL-0106',
        'JRNL-0107',
        'BILL-0104',
        'BILL-0109',
        'MNT-0103',
        'DEV-0302',
        'DEV-0303',
        'DEV-0401',
      ] as const
    ).map((reason): readonly [string, Snapshot, Partial<ScreenFixture>?] => [
      reason.toLowerCase(),
      {
        ...b,
        screen: 'out-of-service',
        reason,
        reference: `${reason} · 0311`,
        nearestSites: NEAR,
        sinceMs: NOW_MS - 3_900_000,
        held: [],
      },
      ['JRNL-0104', 'JRNL-0106', 'MNT-0103'].includes(reason) ? {} : { checkOnly: true },
    ]),
    [
      'core-down',
      {
        ...b,
        screen: 'out-of-service',
        reason: 'CORE-0101',
        reference: '',
        nearestSites: [],
        sinceMs: NOW_MS - 60_000,
        held: ['card', 'money'],
      },
    ],
    [
      'longest',
      {
        ...b,
        screen: 'out-of-service',
        reason: 'JRNL-0104',
        reference: 'JRNL-0104 · 0311',
        nearestSites: [0, 1, 2].map((n) => ({
          name: long(24, 48, n),
          detail: long(30, 60, n),
          metres: 99_000,
          hours: { from: '08:00', to: '20:00' },
        })),
        sinceMs: NOW_MS - 90_000_000,
        held: ['card', 'money'],
      },
      { checkOnly: true },
    ],
  ];
  return all.map(([variant, snapshot, more]) => ({
    screen: snapshot.screen,
    variant,
    snapshot,
    ...more,
  }));
}
