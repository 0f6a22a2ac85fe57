import { meterAreaHex } from '../meter/meter.ts';
import { numberHex } from './codec.ts';
import { issue4442 } from './issue-4442.ts';
import type { Issue4442 } from './issue-4442.ts';
import { Sle4442, blank4442 } from './sle4442.ts';

/**
 * The sample cards of layout PL-4442. Each has its own account in central's demo data, but the
 * golden one, which has the number of its CPU card.
 *
 * | id               | card no    | card count | taken | why it is here                                             | code      |
 * | ---------------- | ---------- | ---------: | ----: | ---------------------------------------------------------- | --------- |
 * | 4442-golden      | 8800003921 | 41         | 41    | sells; the bytes of layouts.md                             | –         |
 * | 4442-good        | 8800003940 | 41         | 41    | sells                                                      | –         |
 * | 4442-not-visited | 8800003941 | 41         | 40    | last purchase not yet in the meter                         | SALE-0101 |
 * | 4442-bad-crc     | 8800003942 | 41         | 41    | meter area's crc is wrong                                  | CARD-0104 |
 * | 4442-fresh       | 8800003943 | 0          | –     | new card, no meter wrote to it                             | CARD-0105 |
 * | 4442-torn        | 8800003936 | 40         | 40    | block B left with seq 00 by a kiosk that nobody knows      | –         |
 * | 4442-last-try    | 8800003937 | 41         | 41    | one try left: its code must not be presented               | CARD-0110 |
 * | 4442-locked      | 8800003938 | 41         | 41    | error counter 00                                           | CARD-0110 |
 * | 4442-other-key   | 8800003939 | 41         | 41    | a code that is not ours: refunded once the card refuses it | –         |
 * | 4442-staff       | 8800009004 | 0          | –     | another mark (80)                                          | CARD-0109 |
 * | 4442-blank       | –          | –          | –     | as the factory delivers it                                 | CARD-0105 |
 */
export interface SampleCard4442 {
  readonly id: string;
  readonly titleZh: string;
  readonly titleEn: string;
  /** Null where the card tells none. */
  readonly cardNo: string | null;
  readonly userNo: string | null;
  readonly meterNo: string | null;
  readonly count: number;
  /** Why the kiosk will not sell to it; null: it sells. */
  readonly expectedCode: string | null;
  /** A new card, as issued. */
  readonly make: () => Sle4442;
}

interface Making extends Issue4442 {
  readonly meterNo: string | null;
  readonly count: number;
}

const LAST_VISIT = '2511150830';

/**
 * A card whose last purchase is 50.00 of 2 050.00, in block A, and whose meter has taken it: 12.34
 * left, 2 037.66 used.
 */
function bought(cardNo: string, userNo: string, meterNo: string, taken = 41): Making {
  const used = taken === 41 ? 203_766 : 198_766;
  return {
    cardNo,
    userNo,
    meterNo,
    count: 41,
    a: { seq: 0x29, count: 41, quantity: 5000, cumulative: 205_000, tag: 'A1B2C3D4' },
    b: { seq: 0x28, count: 40, quantity: 5000, cumulative: 200_000, tag: '0BADCAFE' },
    meterArea: meterAreaHex(
      { meterNo, count: taken, remaining: 1234, used, ceiling: 0, valveClosed: false, faults: 0 },
      LAST_VISIT,
    ),
  };
}

function sample(
  id: string,
  titles: readonly [string, string],
  expectedCode: string | null,
  making: Making,
  make: () => Sle4442 = () => new Sle4442(issue4442(making)),
): SampleCard4442 {
  return {
    id,
    titleZh: titles[0],
    titleEn: titles[1],
    cardNo: making.cardNo,
    userNo: making.userNo,
    meterNo: making.meterNo,
    count: making.count,
    expectedCode,
    make,
  };
}

/** An ordinary card: user and meter numbers end like the card's. */
const ordinary = (nn: string, taken = 41): Making =>
  bought(`88000039${nn}`, `10022033${nn}`, `00001577${nn}`, taken);

/** The card after something was done to its bytes. */
function spoilt(making: Making, address: number, bytes: readonly number[]): () => Sle4442 {
  return () => {
    const chip = new Sle4442(issue4442(making));
    chip.poke(address, Uint8Array.from(bytes));
    return chip;
  };
}

const fresh: Making = { cardNo: '8800003943', userNo: '1002203343', meterNo: null, count: 0 };
const torn: Making = { ...ordinary('36', 40), count: 40 };
const broken: Making = ordinary('42');

/** Sample SLE4442 cards by name. */
export const CATALOGUE_4442: readonly SampleCard4442[] = [
  sample(
    '4442-golden',
    ['4442 正常卡（示例）', '4442, good card (reference)'],
    null,
    bought('8800003921', '1002203344', '0260001577'),
  ),
  sample('4442-good', ['4442 正常卡', '4442, good card'], null, ordinary('40')),
  sample(
    '4442-not-visited',
    ['4442 上次购气未输表', '4442, last purchase not yet in the meter'],
    'SALE-0101',
    ordinary('41', 40),
  ),
  sample(
    '4442-bad-crc',
    ['4442 回写区校验错', '4442, bad checksum in the meter area'],
    'CARD-0104',
    broken,
    spoilt(broken, 0x7f, [0x00]),
  ),
  sample('4442-fresh', ['4442 新卡', '4442, new card'], 'CARD-0105', fresh),
  // A holds count 40 here, B was to become 41.
  sample(
    '4442-torn',
    ['4442 上次写卡中断', '4442, last write was cut'],
    null,
    torn,
    () =>
      new Sle4442(
        issue4442({
          ...torn,
          a: { seq: 0x28, count: 40, quantity: 5000, cumulative: 200_000, tag: '0BADCAFE' },
          b: { seq: 0x00, count: 41, quantity: 5000, cumulative: 200_000, tag: '00000000' },
        }),
      ),
  ),
  sample(
    '4442-last-try',
    ['4442 密码只剩一次', '4442, one try left'],
    'CARD-0110',
    ordinary('37'),
    () => new Sle4442(issue4442({ ...ordinary('37'), tries: 1 })),
  ),
  sample(
    '4442-locked',
    ['4442 密码已锁死', '4442, code locked'],
    'CARD-0110',
    ordinary('38'),
    () => new Sle4442(issue4442({ ...ordinary('38'), tries: 0 })),
  ),
  sample(
    '4442-other-key',
    ['4442 密码不符', '4442, another code'],
    null,
    ordinary('39'),
    () => new Sle4442({ ...issue4442(ordinary('39')), security: `${numberHex(7, 1)}010203` }),
  ),
  sample('4442-staff', ['4442 工作卡', '4442, staff card'], 'CARD-0109', {
    cardNo: '8800009004',
    userNo: '0000000000',
    meterNo: null,
    count: 0,
    mark: '80',
  }),
  {
    id: '4442-blank',
    titleZh: '4442 空白卡',
    titleEn: '4442, blank card',
    cardNo: null,
    userNo: null,
    meterNo: null,
    count: 0,
    expectedCode: 'CARD-0105',
    make: () => new Sle4442(blank4442()),
  },
];

/**
 * A sample PL-4442 card by id.
 *
 * @throws RangeError when there is none.
 */
export function sampleCard4442(id: string): SampleCard4442 {
  const found = CATALOGUE_4442.find((c) => c.id === id);
  if (found === undefined) throw new RangeError(`no sample card ${id}`);
  return found;
}
