import { fileURLToPath } from 'node:url';
import {
  pl102Layout,
  pl1608Layout,
  pl24Layout,
  pl4428Layout,
  pl4442Layout,
  plCpuLayout,
  plM1Layout,
  plFuelLayout,
  plPurseLayout,
  processLayout,
} from '../../src/card/index.ts';
import type { Acceptance, CardLayout } from '../../src/card/index.ts';
import {
  sample102,
  sample1608,
  sample24,
  sample4428,
  sampleM1,
} from '../../src/simulator/card/catalogue-blocks.ts';
import { sampleCard4442 } from '../../src/simulator/card/catalogue-4442.ts';
import { sampleCard } from '../../src/simulator/card/catalogue.ts';
import { IN_FLIGHT } from '../../src/simulator/card/chip.ts';
import type { ChipFault, MemoryChip } from '../../src/simulator/card/chip.ts';
import { CpuCard, counterRandom } from '../../src/simulator/card/cpu-card.ts';
import { blank4442 } from '../../src/simulator/card/sle4442.ts';
import { Sle4442 } from '../../src/simulator/card/sle4442.ts';
import type { At24 } from '../../src/simulator/card/at24.ts';
import type { At88Sc102 } from '../../src/simulator/card/at88sc102.ts';
import type { At88Sc1608 } from '../../src/simulator/card/at88sc1608.ts';
import { issueM1 } from '../../src/simulator/card/issue-m1.ts';
import { MifareClassic } from '../../src/simulator/card/mifare-classic.ts';
import type { Sle4428 } from '../../src/simulator/card/sle4428.ts';
import { BlockMeter } from '../../src/simulator/meter/block-meter.ts';
import type { CardInMeter } from '../../src/simulator/meter/block-meter.ts';
import { issueFuel, issuePurse } from '../../src/simulator/card/issue-purse.ts';
import type { PurseMaking } from '../../src/simulator/card/issue-purse.ts';
import { PurseMeter } from '../../src/simulator/meter/meter-purse.ts';
import { Meter } from '../../src/simulator/meter/meter.ts';
import { Pump } from '../../src/simulator/meter/pump.ts';
import { in102, in1608, in24, in4428, in4442, inM1 } from '../../src/simulator/meter/slots.ts';
import { ContactlessCpu, ContactlessReader } from '../../src/simulator/reader/contactless.ts';
import { crtAt24, crtSle4428, crtSle4442 } from '../../src/simulator/reader/crt-memory.ts';
import type { CrtCard } from '../../src/simulator/reader/crt.ts';
import type { SlotCard } from '../../src/simulator/vpcd/client.ts';
import { systemClock } from '../support/clock.ts';
import { acs, golden4442 } from '../unit/card/chips.ts';
import { demoKeys } from '../unit/card/rig.ts';

/** A card under test: what the reader has, and what the world may do to it. */
export interface Specimen {
  readonly slot: SlotCard;
  /** The same card for a motor reader; absent: no such reader takes it. */
  readonly crt?: CrtCard;
  /** All it keeps without power. */
  readonly keeps: () => string;
  /** Changes of silicon so far. */
  readonly changes: () => number;
  /** Cuts inside the chip, counted from arming; none where the chip knows no half. */
  readonly cut: ((fault: ChipFault) => void) | null;
  /** The next writes are answered well and not stored. */
  readonly lie: () => void;
  readonly disarm: () => void;
  /** Its meter, as it stands at the customer's home. @returns what was credited, 0.01 units */
  readonly meter: (() => { readonly accepted: boolean; readonly credited: number }) | null;
  /** The rule by which that meter takes a purchase. */
  readonly rule: Acceptance;
}

export interface LayoutCase {
  /** Too slow for the suite in this process, unless it is asked for by name. */
  readonly slow?: true;
  /**
   * Number, count and quantity are all that is told of a card: what else the suite asks for is left
   * out, and what cannot be told apart may go to a person.
   */
  readonly blackBox?: true;
  readonly layout: CardLayout;
  /** Card 8800003921, user 1002203344, count 41, cumulative 2 050.00, visited, 12.34 left. */
  readonly golden: () => Specimen;
  /** Another card of the layout that sells. */
  readonly other: () => Specimen;
  /** Left out: gas by volume, 2 050.00 in all. */
  readonly kind?: 'fuel';
  readonly unit?: 'money';
  readonly cumulative?: number;
  /** Cards that are not sold to, with the code of reading them. */
  readonly refused: readonly {
    readonly what: string;
    readonly make: () => Specimen;
    readonly code: string;
  }[];
}

const NOW = '2611221200';

function ofCpu(card: CpuCard): Specimen {
  const meter = PurseMeter.ofCard(card, 1_000_000) ?? Meter.ofCard(card, 1_000_000);
  let changes = 0;
  card.onChange(() => {
    changes++;
  });
  return {
    slot: card,
    crt: { kind: 'cpu', card },
    keeps: () => JSON.stringify(card),
    changes: () => changes,
    cut: null,
    lie: () => card.arm({ kind: 'lie' }),
    disarm: () => card.disarm(),
    meter: meter === null ? null : () => meter.visit(card, NOW),
    rule: meter instanceof PurseMeter ? 'purse' : 'count-exact',
  };
}

/** The same card behind ISO 14443-4: no motor reader that we drive takes it. */
function contactless(card: CpuCard): Specimen {
  const { crt: _crt, ...rest } = ofCpu(card);
  return { ...rest, slot: new ContactlessCpu(card, '08112233') };
}

const CEILING = 1_000_000;

function ofChip(
  chip: MemoryChip & { toJSON(): unknown },
  slot: SlotCard,
  inMeter: CardInMeter,
  crt?: CrtCard,
): Specimen {
  const meter = BlockMeter.ofCard(inMeter, CEILING);
  return {
    slot,
    ...(crt === undefined ? {} : { crt }),
    meter: meter === null ? null : () => meter.visit(inMeter, NOW),
    rule: inMeter.rule,
    keeps: () => JSON.stringify(chip.toJSON()),
    changes: () => chip.ops,
    cut: (fault) => chip.arm(fault),
    lie: () => chip.arm({ lie: 1_000 }),
    disarm: () => chip.disarm(),
  };
}

const of4442 = (chip: Sle4442): Specimen =>
  ofChip(chip, acs(chip), in4442(chip), { kind: 'memory', card: crtSle4442(chip) });
const of4428 = (chip: Sle4428): Specimen =>
  ofChip(chip, acs(chip), in4428(chip), { kind: 'memory', card: crtSle4428(chip) });
const ofM1 = (chip: MifareClassic): Specimen =>
  ofChip(chip, new ContactlessReader(chip), inM1(chip));
const of102 = (chip: At88Sc102): Specimen => ofChip(chip, acs(chip), in102(chip));
const of1608 = (chip: At88Sc1608): Specimen => ofChip(chip, acs(chip), in1608(chip));
const of24 = (chip: At24): Specimen =>
  ofChip(chip, acs(chip), in24(chip), { kind: 'memory', card: crtAt24(chip) });

/** A layout's refused cards of a catalogue, by their ids. */
function refused<C>(
  sample: (id: string) => { readonly make: () => C; readonly expectedCode: string | null },
  of: (chip: C) => Specimen,
  ...ids: readonly string[]
): LayoutCase['refused'] {
  return ids.map((id) => ({
    what: id,
    make: () => of(sample(id).make()),
    code: sample(id).expectedCode as string,
  }));
}

/** Of 2026-11-22 09:26:41 in China, as in layouts.md's golden values. */
const PURSE_NOW = Date.UTC(2026, 10, 22, 1, 26, 41);
const ofPurse = (more: Partial<PurseMaking> = {}): Specimen =>
  ofCpu(
    new CpuCard(
      issuePurse({ cardNo: '8800003921', userNo: '1002203344', meterNo: '0260001577', ...more }),
      counterRandom(3921),
    ),
  );

/** The golden refuelling card: whoever loaded it drives to the pump, and takes just that. */
const ofFuel = (more: Partial<PurseMaking> = {}): Specimen => {
  const card = new CpuCard(
    issueFuel({ cardNo: '8800003921', userNo: '1002203344', balance: 1234, ...more }),
    counterRandom(3921),
  );
  const pump = new Pump(card);
  const before = card.purse?.state.balance ?? 0;
  return {
    ...ofCpu(card),
    meter: () => pump.visit(NOW, (card.purse?.state.balance ?? 0) - before),
    rule: 'purse',
  };
};

/**
 * Every layout that the kiosk has, by name; `PL-CPU-RF` is PL-CPU in a contactless reader. A new
 * one adds itself here and passes the suite.
 */
export const LAYOUT_CASES: Readonly<Record<string, LayoutCase>> = {
  'PL-CPU': {
    layout: plCpuLayout(demoKeys),
    golden: () => ofCpu(sampleCard('golden').make()),
    other: () => ofCpu(sampleCard('good').make()),
    refused: (['foreign', 'staff', 'locked', 'bad-crc'] as const).map((id) => ({
      what: id,
      make: () => ofCpu(sampleCard(id).make()),
      code: sampleCard(id).expectedCode as string,
    })),
  },
  'PL-CPU-RF': {
    layout: plCpuLayout(demoKeys),
    golden: () => contactless(sampleCard('golden').make()),
    other: () => contactless(sampleCard('good').make()),
    refused: (['foreign', 'staff', 'locked', 'bad-crc'] as const).map((id) => ({
      what: id,
      make: () => contactless(sampleCard(id).make()),
      code: sampleCard(id).expectedCode as string,
    })),
  },
  'PL-PURSE': {
    layout: plPurseLayout(demoKeys, { terminalId: '000000000311', nowMs: () => PURSE_NOW }),
    unit: 'money',
    golden: () => ofPurse(),
    other: () => ofPurse({ cardNo: '8800003934', userNo: '1002203334' }),
    refused: [
      { what: 'a refuelling card', make: () => ofFuel(), code: 'CARD-0103' },
      {
        what: 'a card of mode file',
        make: () => ofCpu(sampleCard('golden').make()),
        code: 'CARD-0103',
      },
      { what: 'staff', make: () => ofPurse({ type: '80' }), code: 'CARD-0109' },
      {
        what: 'a PIN with one try left',
        make: () => ofPurse({ purse: { pinTries: 1 } }),
        code: 'CARD-0110',
      },
      { what: 'a locked PIN', make: () => ofPurse({ purse: { pinTries: 0 } }), code: 'CARD-0110' },
      {
        what: 'a purse that was loaded for the last time',
        make: () => ofPurse({ purse: { onlineSeq: 0xffff } }),
        code: 'CARD-0202',
      },
    ],
  },
  'PL-FUEL': {
    layout: plFuelLayout(demoKeys, { terminalId: '000000000311', nowMs: () => PURSE_NOW }),
    kind: 'fuel',
    unit: 'money',
    // What pumps took is on no card.
    cumulative: 1234,
    golden: () => ofFuel(),
    other: () => ofFuel({ cardNo: '8800003934', userNo: '1002203334' }),
    refused: [
      { what: 'a household’s purse', make: () => ofPurse(), code: 'CARD-0103' },
      { what: 'staff', make: () => ofFuel({ type: '80' }), code: 'CARD-0109' },
      { what: 'a card of gas', make: () => ofFuel({ kind: '01' }), code: 'CARD-0104' },
      { what: 'a locked PIN', make: () => ofFuel({ purse: { pinTries: 0 } }), code: 'CARD-0110' },
    ],
  },
  'PL-4442': {
    layout: pl4442Layout(demoKeys),
    golden: () => of4442(golden4442()),
    other: () => of4442(sampleCard4442('4442-good').make()),
    refused: [
      ...(['4442-staff', '4442-locked', '4442-last-try', '4442-bad-crc'] as const).map((id) => ({
        what: id,
        make: () => of4442(sampleCard4442(id).make()),
        code: sampleCard4442(id).expectedCode as string,
      })),
      { what: 'blank', make: () => of4442(new Sle4442(blank4442())), code: 'CARD-0105' },
    ],
  },
  /** The same cards by the sample adapter, a program of its own. */
  'PL-4442-process': {
    slow: true,
    layout: processLayout({
      id: 'PL-4442',
      command: [
        process.execPath,
        fileURLToPath(new URL('../../src/demo/adapters/pl-4442.ts', import.meta.url)),
      ],
      cwd: process.cwd(),
      atrs: ['3B04A2131091'],
      acceptance: 'count-exact',
      keys: demoKeys,
      clock: systemClock,
      log: () => undefined,
    }),
    golden: () => of4442(golden4442()),
    other: () => of4442(sampleCard4442('4442-good').make()),
    refused: (['4442-staff', '4442-last-try', '4442-bad-crc'] as const).map((id) => ({
      what: id,
      make: () => of4442(sampleCard4442(id).make()),
      code: sampleCard4442(id).expectedCode as string,
    })),
  },
  'PL-4428': {
    layout: pl4428Layout(demoKeys),
    golden: () => of4428(sample4428('4428-golden').make()),
    other: () => of4428(sample4428('4428-good').make()),
    refused: [
      ...refused(sample4428, of4428, '4428-locked', '4428-blank'),
      { what: 'another chip', make: () => of4442(golden4442()), code: 'CARD-0103' },
    ],
  },
  'PL-M1': {
    layout: plM1Layout(demoKeys),
    golden: () => ofM1(sampleM1('m1-golden').make()),
    other: () => ofM1(sampleM1('m1-good').make()),
    refused: [
      ...refused(sampleM1, ofM1, 'm1-damaged', 'm1-blank'),
      {
        what: 'staff',
        make: () =>
          ofM1(
            new MifareClassic(
              issueM1({
                uid: '0A1B2C3D',
                cardNo: '8800009001',
                userNo: '1002203344',
                mark: '80',
                a: null,
                b: null,
              }),
            ),
          ),
        code: 'CARD-0109',
      },
    ],
  },
  'PL-102': {
    layout: pl102Layout(demoKeys),
    golden: () => of102(sample102('102-golden').make()),
    other: () => of102(sample102('102-good').make()),
    refused: [
      ...refused(sample102, of102, '102-locked', '102-blank'),
      {
        what: 'another chip',
        make: () => of1608(sample1608('1608-good').make()),
        code: 'CARD-0103',
      },
    ],
  },
  'PL-1608': {
    layout: pl1608Layout(demoKeys),
    golden: () => of1608(sample1608('1608-golden').make()),
    other: () => of1608(sample1608('1608-good').make()),
    refused: [
      ...refused(sample1608, of1608, '1608-locked', '1608-blank'),
      { what: 'another chip', make: () => of24(sample24('24-good').make()), code: 'CARD-0103' },
    ],
  },
  'PL-24': {
    layout: pl24Layout(demoKeys),
    golden: () => of24(sample24('24-golden').make()),
    other: () => of24(sample24('24-big').make()),
    refused: [
      ...refused(sample24, of24, '24-edited', '24-copied', '24-blank'),
      { what: 'another chip', make: () => of4442(golden4442()), code: 'CARD-0103' },
    ],
  },
};

export { IN_FLIGHT };
