import type { Random } from '../../shared/ports.ts';
import { bytesOf, hexOf, numberHex, sealed } from './codec.ts';
import { AUTH_TRIES, CpuCard, METER_AID, REFERENCE_ATR, counterRandom } from './cpu-card.ts';
import type { CpuCardState, TechnicianState } from './cpu-card.ts';
import { cardKey } from './des.ts';

/**
 * The sample cards. Central's demo data holds the accounts to match.
 *
 * | id            | card no    | user no    | meter no   | card count | taken | why it is here                                  | code      |
 * | ------------- | ---------- | ---------- | ---------- | ---------: | ----: | ----------------------------------------------- | --------- |
 * | golden        | 8800003921 | 1002203344 | 0260001577 | 41         | 41    | sells; the bytes of layouts.md                  | –         |
 * | not-visited   | 8800003922 | 1002203322 | 0000157722 | 41         | 40    | last purchase not yet in the meter              | SALE-0101 |
 * | count-differs | 8800003923 | 1002203323 | 0000157723 | 41         | 41    | central has another count                       | SALE-0102 |
 * | unknown       | 8800003924 | 1002203324 | 0000157724 | 41         | 41    | central has no such card                        | SALE-0103 |
 * | hot-listed    | 8800003925 | 1002203325 | 0000157725 | 41         | 41    | account state hot-listed                        | SALE-0104 |
 * | over-limit    | 8800003926 | 1002203326 | 0000157726 | 41         | 41    | nothing left in the limit period                | SALE-0105 |
 * | full-meter    | 8800003927 | 1002203327 | 0000157727 | 41         | 41    | remaining 999.99, ceiling 1 000.00              | SALE-0106 |
 * | claimed       | 8800003928 | 1002203328 | 0000157728 | 41         | 41    | unfinished purchase at another terminal         | SALE-0107 |
 * | debt          | 8800003929 | 1002203329 | 0000157729 | 41         | 41    | account state debt                              | SALE-0108 |
 * | other-meter   | 8800003930 | 1002203330 | 0000157799 | 41         | 41    | central has meter 0000157730                    | SALE-0109 |
 * | bad-crc       | 8800003931 | 1002203331 | 0000157731 | 41         | 41    | meter area's crc is wrong                       | CARD-0104 |
 * | fresh         | 8800003932 | 1002203332 | (none)     | 0          | –     | new card, no meter wrote to it                  | CARD-0105 |
 * | meter-fault   | 8800003933 | 1002203333 | 0000157733 | 41         | 41    | meter reports bits 1 (magnet) and 2 (leak)      | SALE-0112 |
 * | good          | 8800003934 | 1002203334 | 0000157734 | 41         | 41    | sells                                           | –         |
 * | water         | 8800003935 | 1002203335 | 0000157735 | 41         | 41    | sells; kind water                               | –         |
 * | foreign       | –          | –          | –          | –          | –     | another application: SELECT answers 6A82        | CARD-0103 |
 * | staff         | 8800009001 | –          | –          | –          | –     | application type 80                             | CARD-0109 |
 * | technician    | 8800009101 | –          | –          | –          | –     | application type 81, PIN 2580 (the demo's user) | CARD-0109 |
 * | locked        | 8800009002 | 1002209002 | –          | –          | –     | SELECT answers 6283                             | CARD-0110 |
 * | mute          | –          | –          | –          | –          | –     | no ATR (in upside down)                         | CARD-0101 |
 *
 * All but the fresh one: last purchase 50.00 of cumulative 2 050.00 on 2025-10-10; remaining 12.34
 * and used 2 037.66 at the last visit of 2025-11-15 08:30 (full-meter: remaining 999.99, used 1
 * 050.01; not-visited: remaining 12.34, used 1 987.66). Region 03.
 */
export interface SampleCard {
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
  readonly make: (random?: Random) => CpuCard;
}

/** layouts.md, "sample key" table. */
const MASTER_AUTH = bytesOf('0F1E2D3C4B5A69788796A5B4C3D2E1F0');
const MASTER_MAC = bytesOf('1032547698BADCFE0123456789ABCDEF');
const ISSUER = '504C303053414D50';
const VALIDITY = '2024010120440101';

export interface Making {
  readonly cardNo: string;
  readonly userNo: string;
  readonly meterNo: string | null;
  readonly type?: string;
  readonly kind?: string;
  readonly count?: number;
  readonly taken?: number;
  readonly remaining?: number;
  readonly used?: number;
  readonly faults?: string;
  readonly breakCrc?: boolean;
}

/** The state of a card as its issuer hands it out, its meter having written its area. */
export function issue(m: Making): CpuCardState {
  const serial = `1000000000${m.cardNo}`;
  const tail = bytesOf(serial.slice(-16));
  const count = m.count ?? 41;
  const purchase =
    count === 0 ? '00'.repeat(17) : `${numberHex(count, 2)}00001388000320C825101000000000`;
  let area = '00'.repeat(32);
  if (m.meterNo !== null) {
    area = sealed(
      `58${numberHex(m.taken ?? count, 2)}${numberHex(m.remaining ?? 1234, 4)}${numberHex(m.used ?? 203_766, 4)}251115083000${m.faults ?? '00'}${m.meterNo}${'00'.repeat(7)}`,
    );
    if (m.breakCrc === true)
      area = area.slice(0, -4) + numberHex(Number.parseInt(area.slice(-4), 16) ^ 0x0001, 2);
  }
  return {
    kind: 'pl-cpu',
    atr: REFERENCE_ATR,
    aid: METER_AID,
    files: {
      '15': `${ISSUER}${m.type ?? '01'}01${serial}${VALIDITY}0000`,
      '16': `${m.userNo}${m.kind ?? '01'}01030103E801F4000000`,
      '17': purchase,
      '1A': area,
    },
    authKey: hexOf(cardKey(MASTER_AUTH, tail)),
    macKey: hexOf(cardKey(MASTER_MAC, tail)),
    authTries: AUTH_TRIES,
  };
}

export const TECHNICIAN_TRIES = 3;
/**
 * What makes a technician's card of one: his PIN in packed BCD, and the card's key of its number
 * behind `MNT`.
 */
export function issueTechnician(cardNo: string, pin: string): TechnicianState {
  return {
    pin: pin.length % 2 === 0 ? pin : `${pin}F`,
    tries: TECHNICIAN_TRIES,
    maxTries: TECHNICIAN_TRIES,
    key: hexOf(cardKey(MASTER_AUTH, bytesOf(`4D4E54${cardNo}`))),
  };
}

function sample(
  id: string,
  titles: readonly [string, string],
  expectedCode: string | null,
  making: Making,
  change: Partial<CpuCardState> = {},
  anonymous = false,
): SampleCard {
  return {
    id,
    titleZh: titles[0],
    titleEn: titles[1],
    cardNo: anonymous ? null : making.cardNo,
    userNo: anonymous ? null : making.userNo,
    meterNo: anonymous ? null : making.meterNo,
    count: making.count ?? 41,
    expectedCode,
    make: (random) =>
      new CpuCard(
        { ...issue(making), ...change },
        random ?? counterRandom(Number(making.cardNo) % 1_000_000),
      ),
  };
}

/** An ordinary card: user and meter numbers end like the card's. */
function ordinary(nn: string, more: Partial<Making> = {}): Making {
  return { cardNo: `88000039${nn}`, userNo: `10022033${nn}`, meterNo: `00001577${nn}`, ...more };
}

/** Every sample card by name. */
export const CATALOGUE: readonly SampleCard[] = [
  sample('golden', ['正常卡（示例）', 'Good card (reference)'], null, {
    cardNo: '8800003921',
    userNo: '1002203344',
    meterNo: '0260001577',
  }),
  sample(
    'not-visited',
    ['上次购气未输表', 'Last purchase not yet in the meter'],
    'SALE-0101',
    ordinary('22', { taken: 40, used: 198_766 }),
  ),
  sample(
    'count-differs',
    ['次数与系统不一致', 'Count differs from central'],
    'SALE-0102',
    ordinary('23'),
  ),
  sample('unknown', ['系统中无此卡', 'Unknown at central'], 'SALE-0103', ordinary('24')),
  sample('hot-listed', ['已挂失', 'Reported lost'], 'SALE-0104', ordinary('25')),
  sample('over-limit', ['已到限购量', 'Over the period limit'], 'SALE-0105', ordinary('26')),
  sample(
    'full-meter',
    ['表内余量接近上限', 'Meter near its ceiling'],
    'SALE-0106',
    ordinary('27', { remaining: 99_999, used: 105_001 }),
  ),
  sample(
    'claimed',
    ['另有未完成购气', 'Unfinished purchase elsewhere'],
    'SALE-0107',
    ordinary('28'),
  ),
  sample('debt', ['账户欠费', 'Account in debt'], 'SALE-0108', ordinary('29')),
  sample(
    'other-meter',
    ['表号不一致', 'Other meter number'],
    'SALE-0109',
    ordinary('30', { meterNo: '0000157799' }),
  ),
  sample(
    'bad-crc',
    ['回写区校验错', 'Bad checksum in the meter area'],
    'CARD-0104',
    ordinary('31', { breakCrc: true }),
  ),
  sample('fresh', ['新卡', 'New card'], 'CARD-0105', ordinary('32', { count: 0, meterNo: null })),
  sample(
    'meter-fault',
    ['表有故障', 'Meter reports a fault'],
    'SALE-0112',
    ordinary('33', { faults: '06' }),
  ),
  sample('good', ['正常卡二', 'Second good card'], null, ordinary('34')),
  sample('water', ['水卡', 'Water card'], null, ordinary('35', { kind: '02' })),
  sample(
    'foreign',
    ['外来卡', 'Foreign card'],
    'CARD-0103',
    { cardNo: '7700000001', userNo: '0000000000', meterNo: null },
    { aid: 'A000000333010101' },
    true,
  ),
  sample('staff', ['工作卡', 'Staff card'], 'CARD-0109', {
    cardNo: '8800009001',
    userNo: '0000000000',
    meterNo: null,
    type: '80',
  }),
  sample(
    'technician',
    ['技术员卡', 'Technician’s card'],
    'CARD-0109',
    { cardNo: '8800009101', userNo: '0000000000', meterNo: null, type: '81' },
    { technician: issueTechnician('8800009101', '2580') },
  ),
  sample(
    'locked',
    ['已锁定的卡', 'Locked card'],
    'CARD-0110',
    { cardNo: '8800009002', userNo: '1002209002', meterNo: null },
    { selectSw: '6283' },
  ),
  sample(
    'mute',
    ['插反的卡', 'Card in upside down'],
    'CARD-0101',
    { cardNo: '7700000002', userNo: '0000000000', meterNo: null },
    { mute: true },
    true,
  ),
];

/**
 * CPU cards that are held to a contactless reader's antenna: one that sells, one not yet taken to
 * its meter, one that was locked, one of another application.
 */
export const CATALOGUE_RF: readonly SampleCard[] = [
  sample('rf-good', ['非接触 CPU 正常卡', 'Contactless CPU, good card'], null, ordinary('61')),
  sample(
    'rf-not-visited',
    ['非接触 CPU 上次购气未输表', 'Contactless CPU, last purchase not yet in the meter'],
    'SALE-0101',
    ordinary('62', { taken: 40, used: 198_766 }),
  ),
  sample(
    'rf-locked',
    ['非接触 CPU 已锁定', 'Contactless CPU, locked'],
    'CARD-0110',
    ordinary('63'),
    { selectSw: '6283' },
  ),
  sample(
    'rf-foreign',
    ['非接触 CPU 外来卡', 'Contactless CPU, foreign card'],
    'CARD-0103',
    { cardNo: '7700000003', userNo: '0000000000', meterNo: null },
    { aid: 'A000000333010101' },
    true,
  ),
];

/**
 * A sample card by id.
 *
 * @throws RangeError when there is none.
 */
export function sampleCard(id: string): SampleCard {
  const found = CATALOGUE.find((c) => c.id === id);
  if (found === undefined) throw new RangeError(`no sample card ${id}`);
  return found;
}
