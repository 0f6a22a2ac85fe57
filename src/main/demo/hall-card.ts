import { CATALOGUE_4442 } from '../../simulator/card/catalogue-4442.ts';
import { CATALOGUE } from '../../simulator/card/catalogue.ts';
import { CpuCard } from '../../simulator/card/cpu-card.ts';
import type { CpuCardState } from '../../simulator/card/cpu-card.ts';
import { Sle4442 } from '../../simulator/card/sle4442.ts';
import type { Sle4442State } from '../../simulator/card/sle4442.ts';
import { Meter4442 } from '../../simulator/meter/meter-4442.ts';
import { Meter } from '../../simulator/meter/meter.ts';
import type { MeterState } from '../../simulator/meter/meter.ts';
import { AcsReader } from '../../simulator/reader/acs.ts';
import type { SlotCard } from '../../simulator/vpcd/client.ts';
import type { Random } from '../../shared/ports.ts';

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
  /** Leaves the slot before or after the n-th command from now; `lie`: the next write is answered well and not stored. */
  arm(fault: { readonly kind: 'tear'; readonly at: number; readonly when: 'before' | 'after' } | { readonly kind: 'lie' }): void;
  /** The newest purchase on it; null: none can be told. */
  purchase(): Purchase | null;
  /** What it keeps without power, as JSON. */
  toJSON(): unknown;
  onChange(listener: () => void): void;
}

/** What the drawer offers. */
export interface HallSample {
  readonly id: string;
  readonly titleZh: string;
  readonly titleEn: string;
  readonly cardNo: string | null;
  readonly expectedCode: string | null;
  /** From what it kept, or as issued. */
  readonly make: (kept: unknown, random: Random) => HallCard;
}

/** All cards of the hall. */
export const HALL_CARDS: readonly HallSample[] = [
  ...CATALOGUE.map((c): HallSample => ({ ...c, make: (kept, random) => cpuCard(kept === null ? c.make(random) : CpuCard.fromJSON(kept as CpuCardState, random)) })),
  // The golden one has the number of its CPU card: two chips with one account would only confuse.
  ...CATALOGUE_4442.filter((c) => c.id !== '4442-golden').map((c): HallSample => ({ ...c, make: (kept) => sle4442Card(kept === null ? c.make() : new Sle4442(kept as Sle4442State)) })),
];

function cpuCard(card: CpuCard): HallCard {
  const meter = Meter.ofCard(card, CEILING);
  return {
    slot: card,
    meter: meter === null ? null : { visit: (now) => meter.visit(card, now), consume: (q) => meter.consume(q), state: () => meter.state() },
    get transcript() {
      return card.transcript;
    },
    arm: (fault) => card.arm(fault.kind === 'tear' ? { ...fault, from: 'arming' } : fault),
    purchase: () => {
      const record = card.peek('17');
      return record === null ? null : { count: number(record, 0, 2), quantity: number(record, 2, 4), cumulative: number(record, 6, 4) };
    },
    toJSON: () => card.toJSON(),
    onChange: (listener) => card.onChange(listener),
  };
}

function sle4442Card(chip: Sle4442): HallCard {
  const reader = new AcsReader(chip);
  const meter = Meter4442.ofCard(chip, CEILING);
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
    meter: meter === null ? null : { visit: (now) => meter.visit(chip, now), consume: (q) => meter.consume(q), state: () => meter.state() },
    get transcript() {
      return reader.transcript;
    },
    arm: (fault) => {
      if (fault.kind === 'lie') chip.arm({ lie: 1 });
      else tear = { at: fault.at, when: fault.when };
    },
    purchase: () => {
      const main = chip.peek();
      const blocks = [0x30, 0x40].map((at) => main.subarray(at, at + 16)).filter((b) => b[0] !== 0x00 && b[0] !== 0xff);
      const found = blocks.map((b) => ({ count: number(b, 1, 2), quantity: number(b, 3, 3), cumulative: number(b, 6, 4) })).toSorted((a, b) => b.count - a.count);
      return found[0] ?? null;
    },
    toJSON: () => chip.toJSON(),
    onChange: (listener) => chip.onChange(listener),
  };
}

function number(bytes: Uint8Array, at: number, length: number): number {
  return bytes.subarray(at, at + length).reduce((n, b) => n * 256 + b, 0);
}
