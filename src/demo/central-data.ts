import type { SeedAccount, SeedClaim, SeedTariff } from '../central/fleet/seed.ts';
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

/**
 * One account for every answer a customer can meet; 8800003924 is absent on purpose. The first is
 * the golden card of docs/layouts.
 */
export const DEMO_ACCOUNTS: readonly SeedAccount[] = [
  account('21', '张小明', { userNo: '1002203344', meterNo: '0260001577' }),
  account('22', '李建国'),
  account('23', '陈秀兰', { count: 40, cumulative: 200_000 }),
  account('25', '赵志强', { state: 'hot-listed' }),
  account('26', '孙丽华', { periodLeftQuantity: 0 }),
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

/** What the demo's kiosks are allowed, and what they show. */
export const DEMO_POLICY: Policy = {
  version: 1,
  hotline: '0558-5550110',
  presetsFen: [5_000, 10_000, 20_000, 30_000, 50_000],
  minFen: 1_000,
  maxFen: 100_000,
  payWindowMs: 120_000,
  offline: { accountMaxAgeMs: 24 * 3_600_000, capFen: 200_000 },
  unsynced: { maxEvents: 5_000, maxFen: 2_000_000, maxAgeMs: 72 * 3_600_000 },
  retentionDays: 400,
  maxClockSkewMs: 300_000,
  notices: [
    {
      title: { zh: '安全提示', en: 'Gas safety' },
      body: {
        zh: '闻到异味：勿开关电器、勿用明火，先关阀开窗，到室外再打抢修电话。',
        en: 'If you smell gas: touch no switch and no flame, close the valve, open the windows, and call the emergency line from outside.',
      },
    },
  ],
  sites: [
    {
      name: '阜城燃气 人民路营业厅',
      detail: '人民路 128 号 · 8:30–17:30 · 约 0.8 公里',
      hours: { from: '08:30', to: '17:30' },
    },
    { name: '阜城燃气 颍河西路自助厅', detail: '颍河西路 56 号 · 24 小时 · 约 1.6 公里' },
  ],
};

/** All that the demo's central begins with, beside its terminals. */
export const DEMO_DATA = {
  accounts: DEMO_ACCOUNTS,
  tariffs: DEMO_TARIFFS,
  claims: DEMO_CLAIMS,
  policy: DEMO_POLICY,
} as const;
