import type { SeedCreditAccount, SeedCreditItem } from '../central/fleet/seed.ts';
import type { CreditPolicy } from '../shared/policy-credit.ts';

/** What the demo's halls sell without a card. */
export const DEMO_CREDIT: CreditPolicy = {
  payees: [
    { id: 'house', company: { zh: '阜城燃气有限公司', en: 'Fucheng Gas' } },
    { id: 'water', company: { zh: '阜城供水有限公司', en: 'Fucheng Water' } },
    { id: 'heat', company: { zh: '阜城热力有限公司', en: 'Fucheng Heating' } },
  ],
  userNo: {
    digits: 10,
    hint: { zh: '在缴费单或燃气表的标签上', en: 'On your bill, or the label of your meter' },
  },
  lookUps: 5,
  topUp: {
    presetsFen: [5_000, 10_000, 20_000, 30_000, 50_000],
    minFen: 1_000,
    maxFen: 100_000,
  },
  bills: { kinds: ['gas', 'water', 'heat'] },
  texts: [
    {
      id: 'heat-contract',
      version: 1,
      title: { zh: '供用热合同', en: 'Heating supply contract' },
      points: [
        {
          zh: '供热期：每年11月15日至次年3月15日。',
          en: 'Heat is supplied from 15 November to 15 March.',
        },
        {
          zh: '供热期内卧室、起居室温度不低于18℃。',
          en: 'Bedrooms and living rooms are at 18 °C or more.',
        },
        {
          zh: '暖气费按供热面积计收，供热前缴清。',
          en: 'The fee goes by heated area, and is paid before the season.',
        },
        {
          zh: '停暖须在10月31日前申请，停暖期收取30%的基础费。',
          en: 'Stopping is applied for by 31 October; 30% is charged while stopped.',
        },
        {
          zh: '温度不达标可申请测温，按实际天数退费。',
          en: 'If it is too cold, ask for a check; days below are paid back.',
        },
        {
          zh: '请勿私自放水、改动暖气管道。',
          en: 'Do not drain water from the system or change its pipes.',
        },
      ],
    },
  ],
};

/** 0.5‰ a day, never above the bill itself. */
const late = (principalFen: number) => ({ e5: 50, capFen: principalFen });
const gasBill = (
  userNo: string,
  month: string,
  principalFen: number,
  [from, to]: readonly [number, number],
  over: Partial<SeedCreditItem> = {},
): SeedCreditItem => ({
  item: `G${userNo}-${month.replace('-', '')}`,
  kind: 'gas',
  payee: 'house',
  period: month,
  principalFen,
  lateFee: late(principalFen),
  dueDate: nextMonth(month, '20'),
  details: [
    { zh: `表读数 ${from} → ${to}`, en: `Reading ${from} → ${to}` },
    { zh: `用气量 ${to - from} m³`, en: `Gas used ${to - from} m³` },
    { zh: `第一档 2.65 元/m³`, en: 'Tier 1 at 2.65 yuan/m³' },
  ],
  ...over,
});
const waterBill = (userNo: string, month: string, used: number): SeedCreditItem => ({
  item: `W${userNo}-${month.replace('-', '')}`,
  kind: 'water',
  payee: 'water',
  period: month,
  // Water 1.85, sewage 0.95, resource fee 0.05 yuan/m³.
  principalFen: used * 285,
  lateFee: late(used * 285),
  dueDate: nextMonth(month, '25'),
  details: [
    { zh: `用水量 ${used} m³`, en: `Water used ${used} m³` },
    { zh: `水费 1.85 元/m³`, en: 'Water at 1.85 yuan/m³' },
    { zh: `污水处理费 0.95 元/m³`, en: 'Sewage at 0.95 yuan/m³' },
    { zh: `水资源费 0.05 元/m³`, en: 'Resource fee at 0.05 yuan/m³' },
  ],
});
function nextMonth(month: string, day: string): string {
  const [year = 0, m = 0] = month.split('-').map(Number);
  return m === 12 ? `${year + 1}-01-${day}` : `${year}-${String(m + 1).padStart(2, '0')}-${day}`;
}

/** One account for each thing that a customer can owe or top up; 2002203399 is absent on purpose. */
export const DEMO_CREDIT_ACCOUNTS: readonly SeedCreditAccount[] = [
  // IoT meters: with a balance, and in arrears.
  {
    userNo: '2002203301',
    holderName: '王国强',
    address: '清河路 12 号幸福小区 3 栋 502',
    topUp: { meterNo: '0270004401', payee: 'house' },
    balanceFen: 1_860,
  },
  {
    userNo: '2002203302',
    holderName: '李秀梅',
    address: '人民西路 120 号 1 单元 301',
    topUp: { meterNo: '0270004402', payee: 'house' },
    balanceFen: -4_275,
  },
  // Ordinary meters: paid by bill, one of them late.
  {
    userNo: '2002203303',
    holderName: '陈志远',
    address: '颍河西路 56 号 2 栋 101',
    items: [
      gasBill('2002203303', '2026-09', 4_770, [1_204, 1_222]),
      gasBill('2002203303', '2036-10', 5_300, [1_222, 1_242]),
    ],
  },
  // Nothing is due.
  { userNo: '2002203304', holderName: '刘芳', address: '颍州南路 201 号' },
  // A bank's debit is under way for one of two bills.
  {
    userNo: '2002203305',
    holderName: '周建平',
    address: '清河路 9 号 4 栋 603',
    items: [
      gasBill('2002203305', '2036-09', 3_180, [880, 892], { state: 'debited' }),
      gasBill('2002203305', '2036-10', 3_445, [892, 905]),
    ],
  },
  {
    userNo: '2002203306',
    holderName: '吴桂英',
    address: '人民路 88 号 5 栋 204',
    items: [waterBill('2002203306', '2036-10', 12)],
  },
  // The season's heat, cheaper for who pays early, and only after the contract.
  {
    userNo: '2002203307',
    holderName: '郑永安',
    address: '颍东区北京东路 66 号 7 栋 402',
    items: [
      {
        item: 'H2002203307-2036',
        kind: 'heat',
        payee: 'heat',
        period: '2036/2037',
        principalFen: 207_900,
        dueDate: '2036-11-15',
        lateFee: { e5: 50, capFen: 207_900 },
        discount: { fen: 10_395, until: '2036-10-31' },
        details: [
          { zh: '供热面积 94.50 m²', en: 'Heated area 94.50 m²' },
          { zh: '单价 22.00 元/m²', en: '22.00 yuan/m²' },
          { zh: '10月31日前缴清优惠 5%', en: '5% less if paid by 31 October' },
        ],
        consentText: 'heat-contract',
      },
    ],
  },
  // Gas and water under one number: two companies, two orders.
  {
    userNo: '2002203308',
    holderName: '孙小红',
    address: '幸福小区 8 栋 1101',
    items: [
      gasBill('2002203308', '2036-10', 6_095, [402, 425]),
      waterBill('2002203308', '2036-09', 9),
      waterBill('2002203308', '2036-10', 10),
    ],
  },
];
