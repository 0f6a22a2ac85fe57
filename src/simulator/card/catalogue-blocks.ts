import { meterAreaHex } from '../meter/meter.ts';
import { At24, blankAt24 } from './at24.ts';
import type { At24Type } from './at24.ts';
import { At88Sc102, AT88SC102_SETTINGS, blank102 } from './at88sc102.ts';
import { At88Sc1608, AT88SC1608_SETTINGS, blank1608 } from './at88sc1608.ts';
import { bytesOf, checksum, numberHex } from './codec.ts';
import { issue102, issue1608, issue24, issue4428 } from './issue-blocks.ts';
import type { IssueBlocks } from './issue-blocks.ts';
import { issueM1 } from './issue-m1.ts';
import { blankMifare, MifareClassic } from './mifare-classic.ts';
import { Sle4428, blank4428 } from './sle4428.ts';

/**
 * The sample cards of the layouts on SLE4428, Mifare Classic, AT88SC102, AT88SC1608 and AT24. Each
 * has its own account in central's demo data, but the golden ones, which have the number of the
 * golden CPU card. All that sell: count 41, last purchase 50.00 of cumulative 2 050.00, 12.34 left
 * in the meter.
 *
 * | id              | card no    | why it is here                                             | code      |
 * | --------------- | ---------- | ---------------------------------------------------------- | --------- |
 * | *-golden        | 8800003921 | the bytes of docs/layouts                                  | –         |
 * | 4428-good       | 8800003957 | sells                                                      | –         |
 * | 4428-locked     | 8800003945 | error counter 00                                           | CARD-0110 |
 * | 4428-other-key  | 8800003946 | a code that is not ours: refunded once the card refuses it | –         |
 * | 4428-blank      | –          | as the factory delivers it                                 | CARD-0105 |
 * | m1-good         | 8800003947 | sells                                                      | –         |
 * | m1-damaged      | 8800003948 | meter area's crc is wrong                                  | CARD-0104 |
 * | m1-blank        | –          | factory keys                                               | CARD-0103 |
 * | 102-good        | 8800003949 | sells                                                      | –         |
 * | 102-not-visited | 8800003958 | last purchase not yet in the meter                         | SALE-0101 |
 * | 102-locked      | 8800003950 | no try left                                                | CARD-0110 |
 * | 102-other-key   | 8800003951 | a security code that is not ours                           | –         |
 * | 102-blank       | –          | as the factory delivers it                                 | CARD-0105 |
 * | 1608-good       | 8800003952 | sells                                                      | –         |
 * | 1608-locked     | 8800003953 | no try left for the password that writes                   | CARD-0110 |
 * | 1608-other-key  | 8800003954 | a password that is not ours                                | –         |
 * | 1608-blank      | –          | as the factory delivers it                                 | CARD-0105 |
 * | 24-good         | 8800003955 | sells; an AT24C02                                          | –         |
 * | 24-big          | 8800003959 | sells; an AT24C64                                          | –         |
 * | 24-edited       | 8800003956 | quantity changed by somebody, with a crc that holds        | CARD-0104 |
 * | 24-copied       | 8800003960 | the blocks of another card                                 | CARD-0104 |
 * | 24-blank        | –          | as the factory delivers it                                 | CARD-0105 |
 */
export type BlockChip = Sle4428 | MifareClassic | At88Sc102 | At88Sc1608 | At24;

export interface SampleBlocks<C extends BlockChip = BlockChip> {
  readonly id: string;
  readonly titleZh: string;
  readonly titleEn: string;
  /** Null where the card tells none. */
  readonly cardNo: string | null;
  readonly userNo: string | null;
  readonly count: number;
  /** Why the kiosk will not sell to it; null: it sells. */
  readonly expectedCode: string | null;
  /** A new card, as issued. */
  readonly make: () => C;
}

const LAST_VISIT = '2511150830';
const GOLDEN = { cardNo: '8800003921', userNo: '1002203344', meterNo: '0260001577' } as const;

function area(meterNo: string, taken: number): string {
  return meterAreaHex(
    {
      meterNo,
      count: taken,
      remaining: 1234,
      used: taken === 41 ? 203_766 : 198_766,
      ceiling: 0,
      valveClosed: false,
      faults: 0,
    },
    LAST_VISIT,
  );
}

/** Last purchase 50.00 of 2 050.00, in block A, and the meter has taken it, or the one before it. */
function bought(
  who: { readonly cardNo: string; readonly userNo: string; readonly meterNo: string },
  taken = 41,
): IssueBlocks & {
  readonly a: NonNullable<IssueBlocks['a']>;
  readonly b: NonNullable<IssueBlocks['b']>;
  readonly meterArea: string;
} {
  return {
    cardNo: who.cardNo,
    userNo: who.userNo,
    a: { seq: 0x29, count: 41, quantity: 5000, cumulative: 205_000, tag: 'A1B2C3D4' },
    b: { seq: 0x28, count: 40, quantity: 5000, cumulative: 200_000, tag: '0BADCAFE' },
    meterArea: area(who.meterNo, taken),
  };
}

/** User and meter number end like the card's. */
const ordinary = (
  nn: string,
): { readonly cardNo: string; readonly userNo: string; readonly meterNo: string } => ({
  cardNo: `88000039${nn}`,
  userNo: `10022033${nn}`,
  meterNo: `00001577${nn}`,
});

/** On PL-102 the answer stands behind the block that it answers. */
function bought102(who: typeof GOLDEN | ReturnType<typeof ordinary>, taken = 41): IssueBlocks {
  return {
    ...bought(who),
    meterArea: taken === 41 ? area(who.meterNo, 41) : null,
    meterAreaB: taken === 40 ? area(who.meterNo, 40) : null,
  };
}

function sold<C extends BlockChip>(
  id: string,
  titles: readonly [string, string],
  expectedCode: string | null,
  nn: string,
  make: (who: ReturnType<typeof ordinary>) => C,
): SampleBlocks<C> {
  const who = ordinary(nn);
  return {
    id,
    titleZh: titles[0],
    titleEn: titles[1],
    cardNo: who.cardNo,
    userNo: who.userNo,
    count: 41,
    expectedCode,
    make: () => make(who),
  };
}
function golden<C extends BlockChip>(
  id: string,
  titles: readonly [string, string],
  make: () => C,
): SampleBlocks<C> {
  return {
    id,
    titleZh: titles[0],
    titleEn: titles[1],
    cardNo: GOLDEN.cardNo,
    userNo: GOLDEN.userNo,
    count: 41,
    expectedCode: null,
    make,
  };
}
/** A staff card: the layout's identity under another mark, and nothing bought. */
function staff<C extends BlockChip>(
  id: string,
  family: string,
  nn: string,
  make: (card: IssueBlocks) => C,
): SampleBlocks<C> {
  const cardNo = `88000090${nn}`;
  return {
    id,
    titleZh: `${family} 工作卡`,
    titleEn: `${family}, staff card`,
    cardNo,
    userNo: '0000000000',
    count: 0,
    expectedCode: 'CARD-0109',
    make: () => make({ cardNo, userNo: '0000000000', mark: '80' }),
  };
}
function blank<C extends BlockChip>(
  id: string,
  titles: readonly [string, string],
  make: () => C,
  expectedCode = 'CARD-0105',
): SampleBlocks<C> {
  return {
    id,
    titleZh: titles[0],
    titleEn: titles[1],
    cardNo: null,
    userNo: null,
    count: 0,
    expectedCode,
    make,
  };
}

/** The card after something was done to its bytes. */
function after<C>(chip: C, act: (chip: C) => void): C {
  act(chip);
  return chip;
}

const m1 = (
  uid: string,
  who: { readonly cardNo: string; readonly userNo: string; readonly meterNo: string },
): MifareClassic => new MifareClassic(issueM1({ uid, ...bought(who) }));
const chip24 = (
  who: { readonly cardNo: string; readonly userNo: string; readonly meterNo: string },
  type: At24Type = 'c02',
): At24 => new At24(issue24(bought(who), type));
const { map } = AT88SC102_SETTINGS;

/** Sample SLE4428 cards by name. */
export const CATALOGUE_4428: readonly SampleBlocks<Sle4428>[] = [
  golden(
    '4428-golden',
    ['4428 正常卡（示例）', '4428, good card (reference)'],
    () => new Sle4428(issue4428(bought(GOLDEN))),
  ),
  sold(
    '4428-good',
    ['4428 正常卡', '4428, good card'],
    null,
    '57',
    (who) => new Sle4428(issue4428(bought(who))),
  ),
  sold(
    '4428-locked',
    ['4428 密码已锁死', '4428, code locked'],
    'CARD-0110',
    '45',
    (who) => new Sle4428(issue4428(bought(who), 0)),
  ),
  sold('4428-other-key', ['4428 密码不符', '4428, another code'], null, '46', (who) =>
    after(new Sle4428(issue4428(bought(who))), (c) => c.poke(1022, bytesOf('0102'))),
  ),
  staff('4428-staff', '4428', '10', (card) => new Sle4428(issue4428(card))),
  blank('4428-blank', ['4428 空白卡', '4428, blank card'], () => new Sle4428(blank4428())),
];

/** Sample Mifare Classic cards by name. */
export const CATALOGUE_M1: readonly SampleBlocks<MifareClassic>[] = [
  golden('m1-golden', ['M1 正常卡（示例）', 'M1, good card (reference)'], () =>
    m1('0A1B2C3D', GOLDEN),
  ),
  sold('m1-good', ['M1 正常卡', 'M1, good card'], null, '47', (who) => m1('0A1B2C47', who)),
  sold(
    'm1-damaged',
    ['M1 回写区校验错', 'M1, bad checksum in the meter area'],
    'CARD-0104',
    '48',
    (who) => after(m1('0A1B2C48', who), (c) => c.poke(9, new Uint8Array(16))),
  ),
  staff(
    'm1-staff',
    'M1',
    '11',
    (card) =>
      new MifareClassic(
        issueM1({
          uid: '0A1B2C11',
          cardNo: card.cardNo,
          userNo: card.userNo,
          mark: '80',
          a: null,
          b: null,
        }),
      ),
  ),
  blank(
    'm1-blank',
    ['M1 空白卡', 'M1, blank card'],
    () => new MifareClassic(blankMifare('0A1B2C00')),
    'CARD-0103',
  ),
];

/** Sample AT88SC102 cards by name. */
export const CATALOGUE_102: readonly SampleBlocks<At88Sc102>[] = [
  golden(
    '102-golden',
    ['102 正常卡（示例）', '102, good card (reference)'],
    () => new At88Sc102(issue102(bought102(GOLDEN))),
  ),
  sold(
    '102-good',
    ['102 正常卡', '102, good card'],
    null,
    '49',
    (who) => new At88Sc102(issue102(bought102(who))),
  ),
  sold(
    '102-not-visited',
    ['102 上次购气未输表', '102, last purchase not yet in the meter'],
    'SALE-0101',
    '58',
    (who) => new At88Sc102(issue102(bought102(who, 40))),
  ),
  sold('102-locked', ['102 密码已锁死', '102, code locked'], 'CARD-0110', '50', (who) =>
    after(new At88Sc102(issue102(bought102(who))), (c) =>
      c.poke(map.scac.at >> 3, Uint8Array.of(0x00)),
    ),
  ),
  sold('102-other-key', ['102 密码不符', '102, another code'], null, '51', (who) =>
    after(new At88Sc102(issue102(bought102(who))), (c) => c.poke(map.sc.at >> 3, bytesOf('0102'))),
  ),
  staff('102-staff', '102', '12', (card) => new At88Sc102(issue102(card))),
  blank('102-blank', ['102 空白卡', '102, blank card'], () => new At88Sc102(blank102('F0F0'))),
];

/** Sample AT88SC1608 cards by name. */
export const CATALOGUE_1608: readonly SampleBlocks<At88Sc1608>[] = [
  golden(
    '1608-golden',
    ['1608 正常卡（示例）', '1608, good card (reference)'],
    () => new At88Sc1608(issue1608(bought(GOLDEN))),
  ),
  sold(
    '1608-good',
    ['1608 正常卡', '1608, good card'],
    null,
    '52',
    (who) => new At88Sc1608(issue1608(bought(who))),
  ),
  sold('1608-locked', ['1608 密码已锁死', '1608, code locked'], 'CARD-0110', '53', (who) =>
    after(new At88Sc1608(issue1608(bought(who))), (c) =>
      c.pokeConfig(AT88SC1608_SETTINGS.passwordsAt + 8, Uint8Array.of(0x00)),
    ),
  ),
  sold('1608-other-key', ['1608 密码不符', '1608, another code'], null, '54', (who) =>
    after(new At88Sc1608(issue1608(bought(who))), (c) =>
      c.pokeConfig(AT88SC1608_SETTINGS.passwordsAt + 9, bytesOf('010203')),
    ),
  ),
  staff('1608-staff', '1608', '13', (card) => new At88Sc1608(issue1608(card))),
  blank(
    '1608-blank',
    ['1608 空白卡', '1608, blank card'],
    () => new At88Sc1608(blank1608('123456')),
  ),
];

/**
 * Somebody wrote another quantity and cumulative quantity into the newest block, and made its crc
 * hold.
 */
function edited(chip: At24): At24 {
  const block = chip.peek().slice(0x20, 0x30);
  block.set(bytesOf(numberHex(9000, 3)), 3);
  block.set(bytesOf(numberHex(209_000, 4)), 6);
  block.set(bytesOf(numberHex(checksum(block.subarray(0, 14)), 2)), 14);
  chip.poke(0x20, block);
  return chip;
}

/** Sample AT24 cards by name. */
export const CATALOGUE_24: readonly SampleBlocks<At24>[] = [
  golden('24-golden', ['AT24 正常卡（示例）', 'AT24, good card (reference)'], () => chip24(GOLDEN)),
  sold('24-good', ['AT24 正常卡', 'AT24, good card'], null, '55', (who) => chip24(who)),
  sold('24-big', ['AT24C64 正常卡', 'AT24C64, good card'], null, '59', (who) => chip24(who, 'c64')),
  sold('24-edited', ['AT24 被改写的卡', 'AT24, edited by somebody'], 'CARD-0104', '56', (who) =>
    edited(chip24(who)),
  ),
  sold('24-copied', ['AT24 抄来的数据', 'AT24, another card’s blocks'], 'CARD-0104', '60', (who) =>
    after(chip24(who), (c) => c.poke(0x20, chip24(GOLDEN).peek().slice(0x20, 0x60))),
  ),
  staff('24-staff', 'AT24', '14', (card) => new At24(issue24(card))),
  blank('24-blank', ['AT24 空白卡', 'AT24, blank card'], () => new At24(blankAt24('c02'))),
];

export const CATALOGUE_BLOCKS: readonly SampleBlocks[] = [
  ...CATALOGUE_4428,
  ...CATALOGUE_M1,
  ...CATALOGUE_102,
  ...CATALOGUE_1608,
  ...CATALOGUE_24,
];

function byId<C extends BlockChip>(
  catalogue: readonly SampleBlocks<C>[],
  id: string,
): SampleBlocks<C> {
  const found = catalogue.find((c) => c.id === id);
  if (found === undefined) throw new RangeError(`no sample card ${id}`);
  return found;
}

/**
 * A sample card by id.
 *
 * @throws RangeError when there is none
 */
export const sample4428 = (id: string): SampleBlocks<Sle4428> => byId(CATALOGUE_4428, id);
export const sampleM1 = (id: string): SampleBlocks<MifareClassic> => byId(CATALOGUE_M1, id);
export const sample102 = (id: string): SampleBlocks<At88Sc102> => byId(CATALOGUE_102, id);
export const sample1608 = (id: string): SampleBlocks<At88Sc1608> => byId(CATALOGUE_1608, id);
export const sample24 = (id: string): SampleBlocks<At24> => byId(CATALOGUE_24, id);
