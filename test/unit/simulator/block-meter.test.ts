import { describe, expect, it } from 'vitest';
import { bytesOf, hexOf } from '../../../src/simulator/card/codec.ts';
import {
  sample102,
  sample1608,
  sample24,
  sample4428,
  sampleM1,
} from '../../../src/simulator/card/catalogue-blocks.ts';
import { IN_FLIGHT } from '../../../src/simulator/card/chip.ts';
import type { MemoryChip } from '../../../src/simulator/card/chip.ts';
import { proofOf } from '../../../src/simulator/card/issue-blocks.ts';
import { purchaseHex } from '../../../src/simulator/card/issue-4442.ts';
import type { Purchase4442 } from '../../../src/simulator/card/issue-4442.ts';
import { BlockMeter, purchaseOn } from '../../../src/simulator/meter/block-meter.ts';
import type { CardInMeter } from '../../../src/simulator/meter/block-meter.ts';
import { in102, in1608, in24, in4428, inM1 } from '../../../src/simulator/meter/slots.ts';
import type { MeterState } from '../../../src/simulator/meter/meter.ts';

const NOW = '2611230915';
const LATER = '2611240915';
const METER: MeterState = {
  meterNo: '0260001577',
  count: 41,
  remaining: 1234,
  used: 203_766,
  ceiling: 100_000,
  valveClosed: false,
  faults: 0,
};
const NEXT: Purchase4442 = {
  seq: 0x2a,
  count: 42,
  quantity: 3773,
  cumulative: 208_773,
  tag: 'ADE6788A',
};
const AFTER_NEXT: Purchase4442 = {
  seq: 0x2b,
  count: 43,
  quantity: 1000,
  cumulative: 209_773,
  tag: '00000001',
};

/**
 * A card in its meter, and how its blocks come on it (by magic: what a kiosk writes is the layouts'
 * tests').
 */
interface Held {
  readonly chip: MemoryChip & { toJSON(): unknown };
  readonly card: CardInMeter;
  readonly put: (slot: 0 | 1, purchase: Purchase4442) => void;
  readonly mark: (byte: number) => void;
}

const HELD: Readonly<Record<string, () => Held>> = {
  'PL-4428': () => {
    const chip = sample4428('4428-golden').make();
    return {
      chip,
      card: in4428(chip),
      put: (slot, p) => chip.poke(0x30 + 16 * slot, bytesOf(purchaseHex(p))),
      mark: (byte) => chip.poke(0x20, Uint8Array.of(byte)),
    };
  },
  'PL-M1': () => {
    const chip = sampleM1('m1-golden').make();
    return {
      chip,
      card: inM1(chip),
      put: (slot, p) => chip.poke(5 + slot, bytesOf(purchaseHex(p))),
      mark: (byte) => chip.poke(4, Uint8Array.of(byte)),
    };
  },
  'PL-102': () => {
    const chip = sample102('102-golden').make();
    // A new purchase comes into a zone that was erased.
    return {
      chip,
      card: in102(chip),
      put: (slot, p) =>
        chip.poke([0x26, 0x6c][slot] as number, bytesOf(purchaseHex(p) + 'FF'.repeat(32))),
      mark: (byte) => chip.poke(0x02, Uint8Array.of(byte)),
    };
  },
  'PL-1608': () => {
    const chip = sample1608('1608-golden').make();
    return {
      chip,
      card: in1608(chip),
      put: (slot, p) => chip.poke(1, 16 * slot, bytesOf(purchaseHex(p))),
      mark: (byte) => chip.poke(0, 0, Uint8Array.of(byte)),
    };
  },
  'PL-24': () => {
    const chip = sample24('24-golden').make();
    return {
      chip,
      card: in24(chip),
      put: (slot, p) =>
        chip.poke(
          0x20 + 32 * slot,
          bytesOf(
            purchaseHex(p) +
              proofOf('8800003921', chip.peek().subarray(0, 16), bytesOf(purchaseHex(p))),
          ),
        ),
      mark: (byte) => chip.poke(0, Uint8Array.of(byte)),
    };
  },
};
const NAMES = Object.keys(HELD);
const bought = (name: string): Held => {
  const held = (HELD[name] as () => Held)();
  held.put(1, NEXT);
  return held;
};

describe('a meter for cards with two blocks', () => {
  it.each(NAMES)(
    '%s: is known from its card; takes the next purchase once and writes its area',
    (name) => {
      const { chip, card } = bought(name);
      const meter = BlockMeter.ofCard(card, METER.ceiling) as BlockMeter;
      expect(meter.state()).toEqual(METER);
      expect(purchaseOn(card)).toEqual({ count: 42, quantity: 3773, cumulative: 208_773 });
      expect(meter.visit(card, NOW)).toEqual({ accepted: true, credited: 3773, written: true });
      expect(meter.state()).toEqual({ ...METER, count: 42, remaining: 5007 });
      expect(BlockMeter.ofCard(card, METER.ceiling)?.state()).toEqual(meter.state());
      const kept = JSON.stringify(chip);
      expect(meter.visit(card, NOW)).toEqual({ accepted: true, credited: 0, written: true });
      expect(JSON.stringify(chip)).toBe(kept);
      expect(meter.state().remaining).toBe(5007);
    },
  );

  it.each(NAMES)(
    '%s: refuses what its rule does not take, and changes neither itself nor the card',
    (name) => {
      const refused = (
        act: (held: Held) => void,
        change: Partial<MeterState>,
      ): string | undefined => {
        const held = bought(name);
        act(held);
        const before = JSON.stringify(held.chip);
        const meter = new BlockMeter({ ...METER, ...change });
        const visit = meter.visit(held.card, NOW);
        expect(visit).toMatchObject({ accepted: false, credited: 0, written: false });
        expect(meter.state()).toEqual({ ...METER, ...change });
        expect(JSON.stringify(held.chip)).toBe(before);
        return visit.reason;
      };
      const nothing = (): void => undefined;
      expect(refused(nothing, { remaining: 96_228, used: 108_772 })).toBe('ceiling');
      expect(refused(nothing, { meterNo: '0260001578' })).toBe('other meter');
      expect(refused((h) => h.mark(0x80), {})).toBe('no application');
      expect(refused((h) => h.chip.arm({ mute: true }), {})).toBe('no application');
      expect(refused((h) => h.put(1, { ...NEXT, cumulative: 208_774 }), {})).toBe('unreadable');
      // Behind: the meter has more than the card.
      expect(refused(nothing, { count: 43, remaining: 6007 })).toBe('count');
    },
  );

  it.each(NAMES)(
    '%s: a visit that is cut anywhere credits once, and ends with the next one',
    (name) => {
      const whole = bought(name);
      new BlockMeter(METER).visit(whole.card, NOW);
      const total = whole.chip.ops;
      for (let n = 1; n <= total; n++) {
        for (const inFlight of IN_FLIGHT) {
          const { chip, card } = bought(name);
          const meter = new BlockMeter(METER);
          chip.arm({ afterOps: n, inFlight });
          const first = meter.visit(card, NOW);
          // The same card again, later: nothing is taken twice, and its area ends whole.
          const second = meter.visit(card, name === 'PL-102' ? LATER : NOW);
          expect(first.credited + second.credited, JSON.stringify({ n, inFlight })).toBe(3773);
          expect(second).toMatchObject({ accepted: true, written: true });
          expect(meter.state().remaining).toBe(5007);
          expect(BlockMeter.ofCard(card, METER.ceiling)?.state()).toEqual(meter.state());
        }
      }
      expect(total).toBeGreaterThan(1);
    },
  );
});

/**
 * What a meter that stood at count 41 adds from a card with the purchases 42 (37.73) and 43
 * (10.00), the first of which it never saw.
 */
describe('a purchase that the meter never saw', () => {
  const visit = (name: string): { readonly visit: unknown; readonly state: MeterState } => {
    const held = bought(name);
    held.put(0, AFTER_NEXT);
    // Its own area is gone with block A on PL-102, where each block has its own.
    const meter = new BlockMeter(METER);
    return { visit: meter.visit(held.card, NOW), state: meter.state() };
  };

  it.each(['PL-4428', 'PL-M1', 'PL-24'])('count exact (%s): refused', (name) => {
    expect(visit(name).visit).toMatchObject({ accepted: false, reason: 'count' });
  });
  it('count greater (PL-102): the newest is added, the other is lost, which is why no kiosk sells before the visit', () => {
    expect(visit('PL-102')).toMatchObject({
      visit: { accepted: true, credited: 1000 },
      state: { count: 43, remaining: 2234 },
    });
  });
  it('cumulative (PL-1608): both are added', () => {
    expect(visit('PL-1608')).toMatchObject({
      visit: { accepted: true, credited: 4773 },
      state: { count: 43, remaining: 6007 },
    });
  });
});

describe('codes in the meter', () => {
  it.each([
    ['PL-4428', () => in4428(sample4428('4428-locked').make())],
    ['PL-102', () => in102(sample102('102-locked').make())],
    ['PL-102, another code', () => in102(sample102('102-other-key').make())],
  ] as const)('%s: nothing is taken from a card that does not open', (_, make) => {
    const card = make();
    const meter = BlockMeter.ofCard(card, METER.ceiling) as BlockMeter;
    const before = meter.state();
    expect(meter.visit(card, NOW)).toEqual({
      accepted: false,
      reason: 'code',
      credited: 0,
      written: false,
    });
    expect(meter.state()).toEqual(before);
  });

  it('PL-102: its answer is written once for each purchase: what it burns until the next visit does not spoil it', () => {
    const { chip, card } = bought('PL-102');
    const meter = new BlockMeter(METER);
    meter.visit(card, NOW);
    const kept = hexOf(chip.powerOn() ?? new Uint8Array(0)) + JSON.stringify(chip);
    meter.consume(500);
    expect(meter.visit(card, LATER)).toMatchObject({ accepted: true, credited: 0, written: true });
    expect(JSON.stringify(chip)).toBe(kept);
    // A meter put up anew knows from the card what stands there.
    const anew = BlockMeter.ofCard(card, METER.ceiling) as BlockMeter;
    expect(anew.visit(card, LATER)).toMatchObject({ accepted: true, credited: 0 });
    expect(JSON.stringify(chip)).toBe(kept);
  });
});
