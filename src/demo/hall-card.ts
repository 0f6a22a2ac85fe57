import { At24 } from '../simulator/card/at24.ts';
import type { At24State } from '../simulator/card/at24.ts';
import { At88Sc102 } from '../simulator/card/at88sc102.ts';
import type { At88Sc102State } from '../simulator/card/at88sc102.ts';
import { At88Sc1608 } from '../simulator/card/at88sc1608.ts';
import type { At88Sc1608State } from '../simulator/card/at88sc1608.ts';
import { CATALOGUE_4442 } from '../simulator/card/catalogue-4442.ts';
import {
  CATALOGUE_102,
  CATALOGUE_1608,
  CATALOGUE_24,
  CATALOGUE_4428,
  CATALOGUE_M1,
} from '../simulator/card/catalogue-blocks.ts';
import { CATALOGUE_FUEL, CATALOGUE_PURSE } from '../simulator/card/catalogue-purse.ts';
import { CATALOGUE, CATALOGUE_RF } from '../simulator/card/catalogue.ts';
import type { SampleCard } from '../simulator/card/catalogue.ts';
import type { MemoryChip } from '../simulator/card/chip.ts';
import { CpuCard } from '../simulator/card/cpu-card.ts';
import type { CpuCardState } from '../simulator/card/cpu-card.ts';
import { MifareClassic } from '../simulator/card/mifare-classic.ts';
import type { MifareClassicState } from '../simulator/card/mifare-classic.ts';
import { Sle4428 } from '../simulator/card/sle4428.ts';
import type { Sle4428State } from '../simulator/card/sle4428.ts';
import { Sle4442 } from '../simulator/card/sle4442.ts';
import type { Sle4442State } from '../simulator/card/sle4442.ts';
import { BlockMeter, purchaseOn } from '../simulator/meter/block-meter.ts';
import type { CardInMeter } from '../simulator/meter/block-meter.ts';
import { PurseMeter } from '../simulator/meter/meter-purse.ts';
import { Meter } from '../simulator/meter/meter.ts';
import { Pump } from '../simulator/meter/pump.ts';
import type { MeterState } from '../simulator/meter/meter.ts';
import { in102, in1608, in24, in4428, in4442, inM1 } from '../simulator/meter/slots.ts';
import { AcsReader } from '../simulator/reader/acs.ts';
import { ContactlessCpu, ContactlessReader } from '../simulator/reader/contactless.ts';
import type { ReaderSlot } from '../simulator/reader/slot.ts';
import type { SlotCard } from '../simulator/vpcd/client.ts';
import type { Random } from '../shared/ports.ts';

const CEILING = 100_000;

/** What a meter did with a card. */
export interface HallVisit {
  readonly accepted: boolean;
  readonly reason?: string;
  readonly credited: number;
}
export interface HallMeter {
  visit(now: string): HallVisit;
  consume(quantity: number): void;
  state(): MeterState;
}
export interface Purchase {
  readonly count: number;
  readonly quantity: number;
  readonly cumulative: number;
}

/** A card of the hall's drawer, whatever chip it has. */
export interface HallCard {
  readonly slot: SlotCard;
  /** Null: none has written to it yet. */
  readonly meter: HallMeter | null;
  readonly transcript: readonly string[];
  /**
   * Leaves the slot before or after the n-th command from now; `lie`: the next write is answered
   * well and not stored.
   */
  arm(
    fault:
      | { readonly kind: 'tear'; readonly at: number; readonly when: 'before' | 'after' }
      | { readonly kind: 'lie' },
  ): void;
  /** The newest purchase on it; null: none can be told. */
  purchase(): Purchase | null;
  /** What it keeps without power, as JSON. */
  toJSON(): unknown;
  onChange(listener: () => void): void;
}

/** What the drawer offers. */
export interface HallSample {
  readonly id: string;
  /** Layout and chip, for people. */
  readonly family: string;
  readonly titleZh: string;
  readonly titleEn: string;
  readonly cardNo: string | null;
  readonly expectedCode: string | null;
  /** From what it kept, or as issued. */
  readonly make: (kept: unknown, random: Random) => HallCard;
}

/** A chip whose state `S` is JSON. */
type Keeping<S> = MemoryChip & { toJSON(): S };

interface Family<S, C extends Keeping<S>> {
  readonly family: string;
  readonly catalogue: readonly (Omit<HallSample, 'make' | 'family'> & { readonly make: () => C })[];
  readonly from: (kept: S) => C;
  /** The reader that takes it. */
  readonly reader: (chip: C) => ReaderSlot;
  readonly inMeter: (chip: C) => CardInMeter;
}

/**
 * The golden cards have the number of the golden CPU card: several chips with one account would
 * only confuse.
 */
function drawer<S, C extends Keeping<S>>({
  family,
  catalogue,
  from,
  reader,
  inMeter,
}: Family<S, C>): readonly HallSample[] {
  return catalogue
    .filter((c) => !c.id.endsWith('-golden'))
    .map((c) => ({
      ...c,
      family,
      make: (kept) => {
        const chip = kept === null ? c.make() : from(kept as S);
        return chipCard(chip, reader(chip), inMeter(chip));
      },
    }));
}

/** All cards of the hall. */
export const HALL_CARDS: readonly HallSample[] = [
  ...CATALOGUE.map((c): HallSample => ({
    ...c,
    family: 'PL-CPU',
    make: (kept, random) => cpuCard(cpuOf(c, kept, random)),
  })),
  ...CATALOGUE_RF.map((c): HallSample => ({
    ...c,
    family: 'PL-CPU · 非接触 contactless',
    make: (kept, random) => {
      const card = cpuOf(c, kept, random);
      return cpuCard(card, new ContactlessCpu(card, `08${(c.cardNo ?? '000000').slice(-6)}`));
    },
  })),
  ...CATALOGUE_PURSE.map((c): HallSample => ({
    ...c,
    family: 'PL-PURSE · 电子钱包 purse',
    make: (kept, random) => purseCard(cpuOf(c, kept, random)),
  })),
  ...CATALOGUE_FUEL.map((c): HallSample => ({
    ...c,
    family: 'PL-FUEL · 加气卡 refuelling',
    make: (kept, random) => fuelCard(cpuOf(c, kept, random)),
  })),
  ...drawer({
    family: 'PL-4442 · SLE4442',
    catalogue: CATALOGUE_4442,
    from: (kept: Sle4442State) => new Sle4442(kept),
    reader: (chip) => new AcsReader(chip),
    inMeter: in4442,
  }),
  ...drawer({
    family: 'PL-4428 · SLE4428',
    catalogue: CATALOGUE_4428,
    from: (kept: Sle4428State) => new Sle4428(kept),
    reader: (chip) => new AcsReader(chip),
    inMeter: in4428,
  }),
  ...drawer({
    family: 'PL-M1 · Mifare Classic',
    catalogue: CATALOGUE_M1,
    from: (kept: MifareClassicState) => new MifareClassic(kept),
    reader: (chip) => new ContactlessReader(chip),
    inMeter: inM1,
  }),
  ...drawer({
    family: 'PL-102 · AT88SC102',
    catalogue: CATALOGUE_102,
    from: (kept: At88Sc102State) => new At88Sc102(kept),
    reader: (chip) => new AcsReader(chip),
    inMeter: in102,
  }),
  ...drawer({
    family: 'PL-1608 · AT88SC1608',
    catalogue: CATALOGUE_1608,
    from: (kept: At88Sc1608State) => new At88Sc1608(kept),
    reader: (chip) => new AcsReader(chip),
    inMeter: in1608,
  }),
  ...drawer({
    family: 'PL-24 · AT24',
    catalogue: CATALOGUE_24,
    from: (kept: At24State) => new At24(kept),
    reader: (chip) => new AcsReader(chip),
    inMeter: in24,
  }),
];

function cpuOf(sample: SampleCard, kept: unknown, random: Random): CpuCard {
  return kept === null ? sample.make(random) : CpuCard.fromJSON(kept as CpuCardState, random);
}

/** @param slot the card as its reader shows it; itself, where it has contacts */
function cpuCard(card: CpuCard, slot: SlotCard = card): HallCard {
  const meter = Meter.ofCard(card, CEILING);
  return {
    slot,
    meter:
      meter === null
        ? null
        : {
            visit: (now) => meter.visit(card, now),
            consume: (q) => meter.consume(q),
            state: () => meter.state(),
          },
    get transcript() {
      return card.transcript;
    },
    arm: (fault) => card.arm(fault.kind === 'tear' ? { ...fault, from: 'arming' } : fault),
    purchase: () => {
      const record = card.peek('17');
      return record === null
        ? null
        : {
            count: number(record, 0, 2),
            quantity: number(record, 2, 4),
            cumulative: number(record, 6, 4),
          };
    },
    toJSON: () => card.toJSON(),
    onChange: (listener) => card.onChange(listener),
  };
}

/** A card in mode _purse_: what it has in all is in the purse, in the meter, and used. */
function purseCard(card: CpuCard): HallCard {
  const meter = PurseMeter.ofCard(card, CEILING);
  return {
    ...cpuCard(card),
    get transcript() {
      return card.transcript;
    },
    meter:
      meter === null
        ? null
        : {
            visit: (now) => meter.visit(card, now),
            consume: (q) => meter.consume(q),
            state: () => meter.state(),
          },
    purchase: () => {
      const onCard = PurseMeter.ofCard(card, CEILING)?.state();
      if (card.purse === null || onCard === undefined) return null;
      return purseLoad(card, card.purse.state.balance + onCard.remaining + onCard.used);
    },
  };
}

/** What is loaded stays in the purse until a pump takes some of it. */
function fuelCard(card: CpuCard): HallCard {
  const pump = new Pump(card);
  return {
    ...cpuCard(card),
    get transcript() {
      return card.transcript;
    },
    meter: {
      visit: (now) => pump.visit(now),
      consume: () => undefined,
      state: () => pump.state(),
    },
    purchase: () => purseLoad(card, card.purse?.state.balance ?? 0),
  };
}

/** The newest load, as the purse's log has it. */
function purseLoad(card: CpuCard, cumulative: number): Purchase | null {
  if (card.purse === null) return null;
  const { onlineSeq, log } = card.purse.state;
  const load = log.find((record) => record.slice(18, 20) === '02');
  return {
    count: onlineSeq,
    quantity: load === undefined ? 0 : Number.parseInt(load.slice(10, 18), 16),
    cumulative,
  };
}

function chipCard(chip: Keeping<unknown>, reader: ReaderSlot, inMeter: CardInMeter): HallCard {
  const meter = BlockMeter.ofCard(inMeter, CEILING);
  let tear: { at: number; readonly when: 'before' | 'after' } | null = null;
  return {
    slot: {
      insert: () => reader.insert(),
      remove: () => reader.remove(),
      reset: () => reader.reset(),
      answerToReset: () => reader.answerToReset(),
      powerOff: () => reader.powerOff(),
      process: (apdu) => {
        if (tear === null || --tear.at > 0) return reader.process(apdu);
        if (tear.when === 'after') reader.process(apdu);
        tear = null;
        return { kind: 'torn' };
      },
    },
    meter:
      meter === null
        ? null
        : {
            visit: (now) => meter.visit(inMeter, now),
            consume: (q) => meter.consume(q),
            state: () => meter.state(),
          },
    get transcript() {
      return reader.transcript;
    },
    arm: (fault) => {
      if (fault.kind === 'lie') chip.arm({ lie: 1 });
      else tear = { at: fault.at, when: fault.when };
    },
    purchase: () => purchaseOn(inMeter),
    toJSON: () => chip.toJSON(),
    onChange: (listener) => chip.onChange(listener),
  };
}

function number(bytes: Uint8Array, at: number, length: number): number {
  return bytes.subarray(at, at + length).reduce((n, b) => n * 256 + b, 0);
}
