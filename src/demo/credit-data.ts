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
  lookUps: 10,
  topUp: {
    presetsFen: [5_000, 10_000, 20_000, 30_000, 50_000],
    minFen: 1_000,
    maxFen: 100_000,
  },
  bills: {
    kinds: ['gas', 'water', 'heat'],
    part: { minFen: 1_000 },
    prepay: { presetsFen: [5_000, 10_000, 20_000], minFen: 1_000, maxFen: 100_000 },
  },
  texts: [
    {
      id: 'heat-contract',
      version: 1,
      title: { zh: '供用热合同', en: 'Heating supply contract' },
      points: [
        {
          zh: '供热期 11 月 15 日至次年 3 月 15 日，室温不低于 18℃。',
          en: 'Heat from 15 November to 15 March; rooms at 18 °C or more.',
        },
        {
          zh: '暖气费按供热面积计收，供热前缴清。',
          en: 'The fee goes by heated area and is paid before the season.',
        },
        {
          zh: '停暖须在 10 月 31 日前申请，停暖期收 30% 基础费。',
          en: 'Stopping: apply by 31 October; 30% is charged while stopped.',
        },
        {
          zh: '室温不达标可申请测温，按实际天数退费。',
          en: 'Too cold? Ask for a check; days below are paid back.',
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
  dueDate: `${monthsAfter(month, 2)}-20`,
  quantity: (to - from) * 100,
  details: [
    { zh: `读数 ${from} → ${to}，${to - from} m³`, en: `${from} → ${to}, ${to - from} m³` },
    { zh: '第一档 2.65 元/m³', en: 'tier 1 at 2.65 yuan/m³' },
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
  dueDate: `${monthsAfter(month, 2)}-25`,
  quantity: used * 100,
  details: [
    { zh: `用水 ${used} m³`, en: `${used} m³` },
    { zh: '含污水费 0.95、资源费 0.05 元/m³', en: 'sewage 0.95, resource fee 0.05 yuan/m³' },
  ],
});

/** `2026-11` and 2: `2027-01`. */
function monthsAfter(month: string, months: number): string {
  const [year = 0, m = 1] = month.split('-').map(Number);
  const at = year * 12 + m - 1 + months;
  return `${Math.floor(at / 12)}-${String((at % 12) + 1).padStart(2, '0')}`;
}

/**
 * One account for each thing that a customer can owe or top up, as the last months' bills stand on
 * a day; 2002203399 is absent on purpose.
 *
 * @param today `YYYY-MM-DD`, by China's calendar
 */
export function demoCreditAccounts(today: string): readonly SeedCreditAccount[] {
  const month = today.slice(0, 7);
  const [last, before, longAgo] = [-1, -2, -3].map((n) => monthsAfter(month, n)) as [
    string,
    string,
    string,
  ];
  // The season that is paid for: from July on the coming one.
  const year = Number(today.slice(0, 4)) - (today.slice(5, 7) < '07' ? 1 : 0);
  return [
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
        gasBill('2002203303', longAgo, 4_770, [1_204, 1_222]),
        gasBill('2002203303', last, 5_300, [1_222, 1_242]),
      ],
    },
    // A card's account that is in debt: paid here, its card works again.
    {
      userNo: '1002203329',
      holderName: '郑永红',
      address: '颍河东路 18 号 2 栋 302',
      items: [gasBill('1002203329', longAgo, 2_650, [311, 321])],
    },
    // Two bills, the older of which is paid in parts.
    {
      userNo: '2002203309',
      holderName: '钱桂芳',
      address: '颍河西路 58 号 1 栋 602',
      items: [
        gasBill('2002203309', longAgo, 4_770, [905, 923]),
        gasBill('2002203309', last, 5_300, [923, 943]),
      ],
    },
    // Nothing is due: money is paid ahead.
    {
      userNo: '2002203304',
      holderName: '刘芳',
      address: '颍州南路 201 号',
      prepay: { payee: 'house' },
    },
    // A bank's debit is under way for one of two bills.
    {
      userNo: '2002203305',
      holderName: '周建平',
      address: '清河路 9 号 4 栋 603',
      items: [
        gasBill('2002203305', before, 3_180, [880, 892], { state: 'debited' }),
        gasBill('2002203305', last, 3_445, [892, 905]),
      ],
    },
    {
      userNo: '2002203306',
      holderName: '吴桂英',
      address: '人民路 88 号 5 栋 204',
      items: [waterBill('2002203306', last, 12)],
    },
    // The season's heat, cheaper for who pays early, and only after the contract.
    {
      userNo: '2002203307',
      holderName: '郑永安',
      address: '颍东区北京东路 66 号 7 栋 402',
      items: [
        {
          item: `H2002203307-${year}`,
          kind: 'heat',
          payee: 'heat',
          period: `${year}/${year + 1}`,
          principalFen: 207_900,
          dueDate: `${year + 1}-03-15`,
          lateFee: late(207_900),
          discount: { fen: 10_395, until: `${year}-10-31` },
          details: [
            { zh: '面积 94.50 m²，22.00 元/m²', en: '94.50 m² at 22.00 yuan/m²' },
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
        gasBill('2002203308', last, 6_095, [402, 425]),
        waterBill('2002203308', before, 9),
        waterBill('2002203308', last, 10),
      ],
    },
  ];
}
