import { DEMO_CREDIT } from './credit-data.ts';
import type { SeedAccount, SeedClaim, SeedTariff } from '../central/fleet/seed.ts';
import { DEMO_REQUESTS } from './requests-data.ts';
import type { PolicyInfo } from '../shared/policy-info.ts';
import type { Policy } from '../shared/policy.ts';

/** The demo hall's prices; each of its accounts names one of them. */
export const DEMO_TARIFFS: readonly SeedTariff[] = [
  {
    tariffId: 'gas-residential',
    version: 1,
    tiers: [
      { uptoQuantity: 36_000, priceE4: 26_500 },
      { uptoQuantity: 60_000, priceE4: 31_800 },
      { uptoQuantity: null, priceE4: 39_750 },
    ],
  },
  // A purse's unit is fen: a yuan paid is a yuan on the card, and its meter prices the gas.
  { tariffId: 'purse', version: 1, tiers: [{ uptoQuantity: null, priceE4: 10_000 }] },
  { tariffId: 'water-residential', version: 1, tiers: [{ uptoQuantity: null, priceE4: 28_500 }] },
  // Households' water bills: the year's tiers, as such cities have them.
  {
    tariffId: 'water-household',
    version: 1,
    tiers: [
      { uptoQuantity: 18_000, priceE4: 28_500 },
      { uptoQuantity: 30_000, priceE4: 37_700 },
      { uptoQuantity: null, priceE4: 65_500 },
    ],
  },
];

function account(nn: string, holderName: string, over: Partial<SeedAccount> = {}): SeedAccount {
  return {
    cardNo: `88000039${nn}`,
    userNo: `10022033${nn}`,
    holderName,
    meterNo: `00001577${nn}`,
    kind: 'gas',
    unit: 'volume',
    state: 'normal',
    count: 41,
    cumulative: 205_000,
    yearQuantity: 21_450,
    carriedMicro: 0,
    ceilingQuantity: 100_000,
    perPurchaseQuantity: null,
    periodLeftQuantity: null,
    tariffId: 'gas-residential',
    tariffVersion: 1,
    ...over,
  };
}

const fuel = (nn: string, holderName: string, over: Partial<SeedAccount> = {}): SeedAccount =>
  account(nn, holderName, {
    kind: 'fuel',
    unit: 'money',
    tariffId: 'purse',
    meterNo: '0000000000',
    ...over,
  });

/**
 * One account for every answer a customer can meet; 8800003924 is absent on purpose. The first is
 * the golden card of docs/layouts.
 */
export const DEMO_ACCOUNTS: readonly SeedAccount[] = [
  account('21', '张小明', { userNo: '1002203344', meterNo: '0260001577' }),
  account('22', '李建国'),
  account('23', '陈秀兰', { count: 40, cumulative: 200_000 }),
  account('25', '赵志强', { state: 'hot-listed' }),
  // Used up, and open again with the next month.
  account('26', '孙丽华', { periodLeftQuantity: 0, limit: { quantity: 3_000, every: 'month' } }),
  account('27', '周海涛'),
  account('28', '吴桂芳'),
  account('29', '郑永红', { state: 'debt' }),
  account('30', '冯国庆'),
  account('31', '褚雪梅'),
  account('32', '卫东升', { count: 0, cumulative: 0, yearQuantity: 0 }),
  account('33', '蒋文静'),
  account('34', '王秀英'),
  account('35', '沈玉珍', { kind: 'water', tariffId: 'water-residential' }),
  // Cards of layout PL-4442.
  account('36', '韩淑珍', { count: 40, cumulative: 200_000 }),
  account('37', '杨立新'),
  account('38', '朱凤英'),
  account('39', '秦世昌'),
  account('40', '尤桂兰'),
  account('41', '许文彬'),
  account('42', '何素芬'),
  account('43', '吕长顺', { count: 0, cumulative: 0, yearQuantity: 0 }),
  // PL-4428, PL-M1, PL-102, PL-1608, PL-24, and PL-CPU without contacts.
  // No 44: its user number would be the golden card's.
  account('57', '施桂英'),
  account('45', '张国强'),
  account('46', '孔祥云'),
  account('47', '曹玉兰'),
  account('48', '严志明'),
  account('49', '华建军'),
  account('50', '金秀珍'),
  account('51', '魏东明'),
  account('52', '陶淑芳'),
  account('53', '姜海燕'),
  account('54', '戚永福'),
  account('55', '谢玉梅'),
  account('56', '邹德胜'),
  account('58', '喻春花'),
  account('59', '柏长青'),
  account('60', '水文博'),
  account('61', '窦晓红'),
  account('62', '章志远'),
  account('63', '云秀兰'),
  // PL-PURSE: everything in fen.
  account('64', '苏建平', { unit: 'money', tariffId: 'purse' }),
  account('65', '潘玉珍', { unit: 'money', tariffId: 'purse' }),
  account('66', '葛长海', { unit: 'money', tariffId: 'purse' }),
  // PL-FUEL: no meter, and the ceiling is what a card without a name may hold.
  fuel('71', '马建设'),
  fuel('72', '邵志军', { count: 0, cumulative: 0, yearQuantity: 0 }),
  fuel('73', '汪大勇'),
  fuel('74', '范国强'),
];

/** A card whose next count an order of another terminal holds. */
export const DEMO_CLAIMS: readonly SeedClaim[] = [
  {
    cardNo: '8800003928',
    nextCount: 42,
    orderId: 'PL-000000000399-1-0007',
    terminalId: '000000000399',
  },
];

/** The hall in which the demo's kiosk stands. */
export const DEMO_SITE = '市民中心24小时服务厅';

/** What the demo's halls tell beside selling, as such companies publish it. */
const DEMO_INFO: PolicyInfo = {
  emergency: '0558-2197777',
  complaints: '0558-5550119',
  outages: [
    {
      area: { zh: '清河路以东、颍河路以北', en: 'East of Qinghe Road, north of Yinghe Road' },
      reason: { zh: '管道检修', en: 'Repair of pipes' },
      fromMs: Date.parse('2026-11-24T08:00:00+08:00'),
      toMs: Date.parse('2026-11-24T16:00:00+08:00'),
    },
    {
      area: { zh: '人民西路 120 号至 188 号', en: "People's Road West, 120 to 188" },
      reason: {
        zh: '旧管更换，恢复供气前请关好阀门',
        en: 'New pipes: keep your valve shut until gas is back',
      },
      fromMs: Date.parse('2036-12-01T22:00:00+08:00'),
      toMs: Date.parse('2036-12-02T05:00:00+08:00'),
    },
  ],
  prices: [
    {
      name: { zh: '居民', en: 'Households' },
      unit: { zh: '元/m³', en: 'yuan/m³' },
      document: { zh: '示例发改价〔2025〕12号', en: 'Sample price order 2025-12' },
      since: '2025-07-01',
      tiers: [
        { uptoQuantity: 36_000, priceE4: 26_500 },
        { uptoQuantity: 54_000, priceE4: 31_800 },
        { uptoQuantity: null, priceE4: 39_750 },
      ],
    },
    {
      name: { zh: '非居民', en: 'Businesses' },
      unit: { zh: '元/m³', en: 'yuan/m³' },
      document: { zh: '示例发改价〔2025〕13号', en: 'Sample price order 2025-13' },
      since: '2025-11-01',
      tiers: [{ uptoQuantity: null, priceE4: 37_200 }],
    },
  ],
  papers: [
    {
      id: 'new-owner',
      title: { zh: '过户', en: 'New owner' },
      bring: [
        { zh: '新、旧户主身份证', en: 'Identity cards of the old and the new owner' },
        { zh: '不动产权证或购房合同', en: 'Title to the home, or the contract of sale' },
        { zh: '燃气卡；欠费先结清', en: 'The gas card; pay what is owed first' },
      ],
      where: { zh: '任一营业厅窗口，当场办好', en: 'Any counter, done at once' },
    },
    {
      id: 'lost-card',
      title: { zh: '补卡', en: 'Lost card' },
      bring: [
        {
          zh: '户主身份证；代办另带代办人身份证',
          en: "The owner's identity card; also yours, if you come for him",
        },
        { zh: '补卡工本费', en: 'The fee for a card' },
      ],
      where: { zh: '任一营业厅窗口，旧卡当场作废', en: 'Any counter; the old card ends at once' },
    },
    {
      id: 'new-meter',
      title: { zh: '换表', en: 'New meter' },
      bring: [
        { zh: '燃气卡', en: 'The gas card' },
        { zh: '换表单（师傅上门时留的）', en: 'The slip that the fitter left' },
      ],
      where: { zh: '人民路营业厅 3 号窗', en: "People's Road, counter 3" },
    },
    {
      id: 'new-supply',
      title: { zh: '开户', en: 'New supply' },
      bring: [
        { zh: '户主身份证', en: "The owner's identity card" },
        { zh: '不动产权证或购房合同', en: 'Title to the home, or the contract of sale' },
        { zh: '手机号，点火前会联系您', en: 'A phone number: we call before the gas is lit' },
      ],
      where: {
        zh: '任一营业厅窗口；点火另约',
        en: 'Any counter; the lighting is a date of its own',
      },
    },
    {
      id: 'end-supply',
      title: { zh: '销户', en: 'Ending supply' },
      bring: [
        { zh: '户主身份证、燃气卡', en: "The owner's identity card and the gas card" },
        { zh: '退款用的银行卡', en: 'A bank card for what is left' },
      ],
      where: {
        zh: '人民路营业厅；先预约上门拆表',
        en: "People's Road; the meter is taken off before",
      },
    },
    {
      id: 'heated-area',
      title: { zh: '面积核准', en: 'Heated area' },
      bring: [
        {
          zh: '不动产权证或购房合同（看面积那一页）',
          en: 'Title or contract: the page with the area',
        },
        { zh: '户主身份证', en: "The owner's identity card" },
        { zh: '改过房屋结构的，带图纸', en: 'Plans, where the home was rebuilt' },
      ],
      where: {
        zh: '热力营业厅 2 号窗；有疑问的上门量',
        en: 'Heat counter 2; we measure where in doubt',
      },
      takes: { zh: '3 个工作日', en: '3 working days' },
    },
    {
      id: 'direct-debit',
      title: { zh: '银行代扣', en: 'Direct debit' },
      bring: [
        { zh: '户主身份证', en: "The owner's identity card" },
        { zh: '户主本人的银行卡或存折', en: "The owner's own bank card or book" },
        { zh: '缴费单或用户号', en: 'A bill, or the user number' },
      ],
      where: { zh: '任一营业厅窗口，或开户银行的柜台', en: 'Any counter of ours, or of your bank' },
      takes: { zh: '当场办好，下月起扣', en: 'minutes' },
    },
  ],
  stewards: [
    {
      district: { zh: '清河路', en: 'Qinghe Road' },
      area: { zh: '幸福小区 1–12 栋', en: 'Xingfu Homes 1–12' },
      name: { zh: '王师傅', en: 'Mr Wang' },
      phone: '138 0558 0101',
      hours: { zh: '每天 8–20 点', en: 'Daily 8–20' },
    },
    {
      district: { zh: '清河路', en: 'Qinghe Road' },
      area: { zh: '和平里、清河花园', en: 'Hepingli, Qinghe Garden' },
      name: { zh: '赵师傅', en: 'Mr Zhao' },
      phone: '138 0558 0102',
      hours: { zh: '每天 8–20 点', en: 'Daily 8–20' },
    },
    {
      district: { zh: '人民西路', en: 'Renmin Rd W' },
      area: { zh: '人民西路 100–188 号', en: "People's Road West 100–188" },
      name: { zh: '孙师傅', en: 'Ms Sun' },
      phone: '138 0558 0103',
      hours: { zh: '每天 8–20 点', en: 'Daily 8–20' },
    },
  ],
  stations: [
    {
      name: { zh: '城东加气站', en: 'East station' },
      address: { zh: '北京东路 366 号', en: '366 Beijing Road East' },
      does: { zh: 'CNG 加气、卡充值', en: 'CNG, cards recharged' },
      hours: { from: '06:00', to: '22:00' },
      metresFrom: { 市民中心24小时服务厅: 4_200 },
    },
    {
      name: { zh: '清河路服务站', en: 'Qinghe Road service' },
      address: { zh: '清河路 20 号', en: '20 Qinghe Road' },
      does: { zh: '维修、换软管、安检预约', en: 'Repairs, hoses, safety checks' },
      hours: { from: '08:00', to: '18:00' },
      metresFrom: { 市民中心24小时服务厅: 900 },
    },
    {
      name: { zh: '环城加气站', en: 'Ring road station' },
      address: { zh: '环城南路 8 号', en: '8 Ring Road South' },
      does: { zh: 'CNG 加气', en: 'CNG' },
    },
  ],
};

/** What the demo's kiosks are allowed, and what they show. */
export const DEMO_POLICY: Policy = {
  version: 1,
  hotline: '0558-5550110',
  presetsFen: [5_000, 10_000, 20_000, 30_000, 50_000],
  minFen: 1_000,
  maxFen: 100_000,
  confirmAboveFen: 50_000,
  payWindowMs: 120_000,
  offline: { accountMaxAgeMs: 24 * 3_600_000, capFen: 200_000 },
  unsynced: { maxEvents: 5_000, maxFen: 2_000_000, maxAgeMs: 72 * 3_600_000 },
  retentionDays: 400,
  maxClockSkewMs: 300_000,
  notices: [
    {
      title: { zh: '安全提示', en: 'Gas safety' },
      body: {
        zh: '闻到燃气味：不开关电器，不用明火，先关阀开窗，到室外再打抢修电话 0558-2197777。',
        en: 'If you smell gas: touch no switch and no flame, close the valve, open the windows, and call 0558-2197777 from outside.',
      },
    },
  ],
  sites: [
    {
      name: '阜城燃气 人民路营业厅',
      detail: '人民路 128 号',
      hours: { from: '08:30', to: '17:30' },
      metresFrom: { [DEMO_SITE]: 800 },
    },
    {
      name: '阜城燃气 颍河西路自助厅',
      detail: '颍河西路 56 号',
      metresFrom: { [DEMO_SITE]: 1_600 },
    },
    {
      name: '阜城燃气 清河路营业厅',
      detail: '清河路 9 号',
      hours: { from: '09:00', to: '17:00' },
      metresFrom: { [DEMO_SITE]: 2_300 },
    },
    {
      name: '颍东政务服务大厅 燃气窗口',
      detail: '颍东区北京东路 88 号 一楼',
      hours: { from: '08:30', to: '17:30' },
      metresFrom: { [DEMO_SITE]: 4_100 },
    },
    {
      name: '建设银行 颍州支行 自助区',
      detail: '颍州南路 201 号',
      metresFrom: { [DEMO_SITE]: 5_200 },
    },
  ],
  info: DEMO_INFO,
  requests: DEMO_REQUESTS,
  credit: DEMO_CREDIT,
  myAccount: { abnormalPercent: 200, abnormalAbove: 500, byNumber: true, lookUps: 3 },
};

/** All that the demo's central begins with, beside its terminals. */
export const DEMO_DATA = {
  accounts: DEMO_ACCOUNTS,
  tariffs: DEMO_TARIFFS,
  claims: DEMO_CLAIMS,
  policy: DEMO_POLICY,
} as const;
