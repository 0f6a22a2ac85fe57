import { fileURLToPath } from 'node:url';
import { pl4428Layout, pl4442Layout, plCpuLayout, plM1Layout, processLayout } from '../../src/card/index.ts';
import type { CardLayout } from '../../src/card/index.ts';
import { toHex } from '../../src/shared/bytes.ts';
import { sampleCard4442 } from '../../src/simulator/card/catalogue-4442.ts';
import { sampleCard } from '../../src/simulator/card/catalogue.ts';
import { IN_FLIGHT } from '../../src/simulator/card/chip.ts';
import type { ChipFault, MemoryChip } from '../../src/simulator/card/chip.ts';
import type { CpuCard } from '../../src/simulator/card/cpu-card.ts';
import { blank4442 } from '../../src/simulator/card/sle4442.ts';
import { Sle4442 } from '../../src/simulator/card/sle4442.ts';
import { issueM1 } from '../../src/simulator/card/issue-m1.ts';
import { MifareClassic, blankMifare } from '../../src/simulator/card/mifare-classic.ts';
import { Meter4442 } from '../../src/simulator/meter/meter-4442.ts';
import { Meter } from '../../src/simulator/meter/meter.ts';
import { ContactlessReader } from '../../src/simulator/reader/contactless.ts';
import { crtSle4442 } from '../../src/simulator/reader/crt-memory.ts';
import type { CrtCard } from '../../src/simulator/reader/crt.ts';
import type { SlotCard } from '../../src/simulator/vpcd/client.ts';
import { systemClock } from '../support/clock.ts';
import { acs, golden4428, golden4442 } from '../unit/card/chips.ts';
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
}

export interface LayoutCase {
  /** Too slow for the suite in this process, unless it is asked for by name. */
  readonly slow?: true;
  readonly layout: CardLayout;
  /** Card 8800003921, user 1002203344, count 41, cumulative 2 050.00, visited, 12.34 left. */
  readonly golden: () => Specimen;
  /** Another card of the layout that sells. */
  readonly other: () => Specimen;
  /** Cards that are not sold to, with the code of reading them. */
  readonly refused: readonly { readonly what: string; readonly make: () => Specimen; readonly code: string }[];
}

const NOW = '2611221200';

function ofCpu(card: CpuCard): Specimen {
  const meter = Meter.ofCard(card, 1_000_000);
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
  };
}

function ofChip(chip: MemoryChip & { toJSON(): unknown }, slot: SlotCard, more: Pick<Specimen, 'crt' | 'meter'>): Specimen {
  return {
    slot,
    ...more,
    keeps: () => JSON.stringify(chip.toJSON()),
    changes: () => chip.ops,
    cut: (fault) => chip.arm(fault),
    lie: () => chip.arm({ lie: 1_000 }),
    disarm: () => chip.disarm(),
  };
}

function of4442(chip: Sle4442): Specimen {
  const meter = Meter4442.ofCard(chip, 1_000_000);
  return ofChip(chip, acs(chip), { crt: { kind: 'memory', card: crtSle4442(chip) }, meter: meter === null ? null : () => meter.visit(chip, NOW) });
}
function of4428(): Specimen {
  const chip = golden4428();
  return ofChip(chip, acs(chip), { meter: null });
}
function other4428(): Specimen {
  const chip = golden4428();
  const identity = chip.peek().slice(0x20, 0x30);
  // Another card number, and the XOR again.
  identity[5] = (identity[5] as number) ^ 0x02;
  identity[15] = (identity[15] as number) ^ 0x02;
  chip.poke(0x20, identity);
  return ofChip(chip, acs(chip), { meter: null });
}

const PURCHASES = { a: { seq: 0x29, count: 41, quantity: 5000, cumulative: 205_000, tag: 'A1B2C3D4' }, b: { seq: 0x28, count: 40, quantity: 5000, cumulative: 200_000, tag: '0BADCAFE' } } as const;
function ofM1(uid: string, cardNo: string, mark = '52'): Specimen {
  const chip = new MifareClassic(issueM1({ uid, cardNo, userNo: '1002203344', mark, ...PURCHASES, meterArea: toHex(golden4442().peek().subarray(0x60, 0x80)) }));
  return ofChip(chip, new ContactlessReader(chip), { meter: null });
}

/** Every layout that the kiosk has, by name. A new one adds itself here and passes the suite. */
export const LAYOUT_CASES: Readonly<Record<string, LayoutCase>> = {
  'PL-CPU': {
    layout: plCpuLayout(demoKeys),
    golden: () => ofCpu(sampleCard('golden').make()),
    other: () => ofCpu(sampleCard('good').make()),
    refused: (['foreign', 'staff', 'locked', 'bad-crc'] as const).map((id) => ({ what: id, make: () => ofCpu(sampleCard(id).make()), code: sampleCard(id).expectedCode as string })),
  },
  'PL-4442': {
    layout: pl4442Layout(demoKeys),
    golden: () => of4442(golden4442()),
    other: () => of4442(sampleCard4442('4442-good').make()),
    refused: [
      ...(['4442-staff', '4442-locked', '4442-last-try', '4442-bad-crc'] as const).map((id) => ({ what: id, make: () => of4442(sampleCard4442(id).make()), code: sampleCard4442(id).expectedCode as string })),
      { what: 'blank', make: () => of4442(new Sle4442(blank4442())), code: 'CARD-0105' },
    ],
  },
  /** The same cards by the sample adapter, a program of its own. */
  'PL-4442-process': {
    slow: true,
    layout: processLayout({ id: 'PL-4442', command: [process.execPath, fileURLToPath(new URL('../../src/main/demo/adapters/pl-4442.ts', import.meta.url))], cwd: process.cwd(), atrs: ['3B04A2131091'], keys: demoKeys, clock: systemClock, log: () => undefined }),
    golden: () => of4442(golden4442()),
    other: () => of4442(sampleCard4442('4442-good').make()),
    refused: (['4442-staff', '4442-last-try', '4442-bad-crc'] as const).map((id) => ({ what: id, make: () => of4442(sampleCard4442(id).make()), code: sampleCard4442(id).expectedCode as string })),
  },
  'PL-4428': {
    layout: pl4428Layout(demoKeys),
    golden: of4428,
    other: other4428,
    refused: [{ what: 'another chip', make: () => of4442(golden4442()), code: 'CARD-0103' }],
  },
  'PL-M1': {
    layout: plM1Layout(demoKeys),
    golden: () => ofM1('0A1B2C3D', '8800003921'),
    other: () => ofM1('0A1B2C3E', '8800003934'),
    refused: [
      { what: 'staff', make: () => ofM1('0A1B2C3D', '8800009001', '80'), code: 'CARD-0109' },
      { what: 'a factory card', make: () => { const chip = new MifareClassic(blankMifare('01020304')); return ofChip(chip, new ContactlessReader(chip), { meter: null }); }, code: 'CARD-0103' },
    ],
  },
};

export { IN_FLIGHT };
