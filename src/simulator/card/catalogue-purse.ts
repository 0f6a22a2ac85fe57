import type { Random } from '../../shared/ports.ts';
import { CpuCard, counterRandom } from './cpu-card.ts';
import { issueFuel, issuePurse } from './issue-purse.ts';
import type { PurseMaking } from './issue-purse.ts';
import type { SampleCard } from './catalogue.ts';

/**
 * The sample PL-PURSE cards (docs/layouts/pl-purse.md): 41 loads, the last of 50.00. Central's demo
 * data holds the accounts.
 *
 * | id                | card no    | why it is here                                | code      |
 * | ----------------- | ---------- | --------------------------------------------- | --------- |
 * | purse-good        | 8800003964 | sells                                         | –         |
 * | purse-not-visited | 8800003965 | the last load, 50.00, is not yet in the meter | SALE-0101 |
 * | purse-last-try    | 8800003966 | one try of its PIN is left, and is not spent  | CARD-0110 |
 * | purse-staff       | 8800009007 | application type 80                           | CARD-0109 |
 */
function sample(
  id: string,
  titles: readonly [string, string],
  expectedCode: string | null,
  making: PurseMaking,
): SampleCard {
  return {
    id,
    titleZh: titles[0],
    titleEn: titles[1],
    cardNo: making.cardNo,
    userNo: making.userNo,
    meterNo: making.meterNo,
    count: 41,
    expectedCode,
    make: (random?: Random) =>
      new CpuCard(issuePurse(making), random ?? counterRandom(Number(making.cardNo) % 1_000_000)),
  };
}
/** The log's record of the load that the meter has not taken. */
const LOAD = '0028000000000013880200000000030120251010101500';
const ordinary = (nn: string, more: Partial<PurseMaking> = {}): PurseMaking => ({
  cardNo: `88000039${nn}`,
  userNo: `10022033${nn}`,
  meterNo: `00001577${nn}`,
  ...more,
});

/** Sample purse cards by name. */
export const CATALOGUE_PURSE: readonly SampleCard[] = [
  sample('purse-good', ['电子钱包正常卡', 'Purse, good card'], null, ordinary('64')),
  sample(
    'purse-not-visited',
    ['电子钱包上次充值未输表', 'Purse, last load not yet in the meter'],
    'SALE-0101',
    ordinary('65', {
      taken: 40,
      used: 198_766,
      balance: 5_000,
      purse: { offlineSeq: 40, log: [LOAD] },
    }),
  ),
  sample(
    'purse-last-try',
    ['电子钱包密码只剩一次', 'Purse, one try of its PIN left'],
    'CARD-0110',
    ordinary('66', { purse: { pinTries: 1 } }),
  ),
  sample('purse-staff', ['电子钱包工作卡', 'Purse, staff card'], 'CARD-0109', {
    cardNo: '8800009007',
    userNo: '0000000000',
    meterNo: null,
    type: '80',
  }),
];

function fuel(
  id: string,
  titles: readonly [string, string],
  expectedCode: string | null,
  making: Omit<PurseMaking, 'meterNo'>,
): SampleCard {
  const { cardNo, userNo } = making;
  return {
    id,
    titleZh: titles[0],
    titleEn: titles[1],
    cardNo,
    userNo,
    meterNo: null,
    count: making.count ?? 41,
    expectedCode,
    make: (random?: Random) =>
      new CpuCard(issueFuel(making), random ?? counterRandom(Number(cardNo) % 1_000_000)),
  };
}

/**
 * The sample PL-FUEL cards (docs/layouts/pl-fuel.md).
 *
 * | id            | card no    | why it is here                               | code      |
 * | ------------- | ---------- | -------------------------------------------- | --------- |
 * | fuel-good     | 8800003971 | sells; 35.00 left                            | –         |
 * | fuel-new      | 8800003972 | was never loaded; sells                      | –         |
 * | fuel-full     | 8800003973 | 999.00 of the 1 000.00 that it may hold      | SALE-0106 |
 * | fuel-last-try | 8800003974 | one try of its PIN is left, and is not spent | CARD-0110 |
 */
export const CATALOGUE_FUEL: readonly SampleCard[] = [
  fuel('fuel-good', ['加气卡', 'Refuelling card'], null, {
    cardNo: '8800003971',
    userNo: '1002203371',
  }),
  fuel('fuel-new', ['加气卡，新卡', 'Refuelling card, new'], null, {
    cardNo: '8800003972',
    userNo: '1002203372',
    count: 0,
    balance: 0,
  }),
  fuel('fuel-full', ['加气卡，余额已到上限', 'Refuelling card, full'], 'SALE-0106', {
    cardNo: '8800003973',
    userNo: '1002203373',
    balance: 99_900,
  }),
  fuel(
    'fuel-last-try',
    ['加气卡，密码只剩一次', 'Refuelling card, one try of its PIN left'],
    'CARD-0110',
    {
      cardNo: '8800003974',
      userNo: '1002203374',
      purse: { pinTries: 1 },
    },
  ),
];
