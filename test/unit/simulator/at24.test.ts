import { describe, expect, it } from 'vitest';
import { IN_FLIGHT, updated } from '../../../src/simulator/card/chip.ts';
import { AT24_SIZES, At24, blankAt24 } from '../../../src/simulator/card/at24.ts';
import type { At24State, At24Type } from '../../../src/simulator/card/at24.ts';
import { bytesOf, hexOf } from '../../../src/simulator/card/codec.ts';
import { GOOD_FAULTS, faultsOf, tornBy } from './chips.ts';

function chipOf(type: At24Type): At24 {
  const chip = new At24(blankAt24(type));
  chip.powerOn();
  return chip;
}
const TYPES = Object.keys(AT24_SIZES) as At24Type[];

describe('AT24Cxx', () => {
  it.each(TYPES)('%s: no answer to reset; writes wrap in the page, reads at the end', (type) => {
    const chip = chipOf(type);
    const { size, page } = AT24_SIZES[type];
    expect(chip.powerOn()).toEqual(new Uint8Array(0));
    chip.write(size - 2, bytesOf('A1A2A3'));
    expect(hexOf(chip.read(size - page, page))).toBe(`A3${'FF'.repeat(page - 3)}A1A2`);
    expect(hexOf(chip.read(size - 1, 3))).toBe('A2FFFF');
    chip.write(
      0,
      Uint8Array.from({ length: page + 2 }, (_, i) => i),
    );
    expect([...chip.read(0, page)]).toEqual(
      Array.from({ length: page }, (_, i) => (i < 2 ? page + i : i)),
    );
    expect(chip.read(page, 1)[0]).toBe(page === size ? 0 : 0xff);
  });

  it('takes as long for a page as for a byte, and nothing for nothing', () => {
    const chip = chipOf('c16');
    chip.write(0, new Uint8Array(16));
    expect([chip.ops, chip.busyMs]).toEqual([16, 5]);
  });

  it.each(IN_FLIGHT)('a cut leaves any mix of the page: %s in flight', (inFlight) => {
    const around = Array.from({ length: 8 }, () => 0x18);
    for (const rest of ['old', 'ff', 'new'] as const) {
      for (let n = 1; n <= 8; n++) {
        const chip = chipOf('c02');
        chip.poke(0, new Uint8Array(24).fill(0x18));
        chip.arm({ afterOps: n, inFlight, rest });
        // From the middle of the page: the cells are programmed side by side, so the page's order
        // counts.
        expect(tornBy(() => chip.write(12, Uint8Array.of(4, 5, 6, 7, 0, 1, 2, 3)))).toBe(true);
        const behind = (byte: number): number =>
          rest === 'old' ? 0x18 : rest === 'ff' ? 0xff : byte;
        const page = Array.from({ length: 8 }, (_, i) =>
          i < n - 1 ? i : i === n - 1 ? updated(0x18, i, inFlight) : behind(i),
        );
        expect([...chip.peek().subarray(0, 24)]).toEqual([...around, ...page, ...around]);
        chip.powerOn();
        chip.write(8, Uint8Array.of(1));
        expect(chip.read(8, 1)[0]).toBe(1);
      }
    }
  });

  it('a cut may leave noise in all of the page, and nowhere else', () => {
    const chip = chipOf('c64');
    chip.poke(0, new Uint8Array(96).fill(0x18));
    chip.arm({ afterOps: 1, inFlight: 'new', rest: 'garbage' });
    expect(tornBy(() => chip.write(32 + 8, Uint8Array.of(1)))).toBe(true);
    const left = [...chip.peek().subarray(0, 96)];
    expect(left.slice(0, 32).every((b) => b === 0x18)).toBe(true);
    expect(left.slice(64).every((b) => b === 0x18)).toBe(true);
    expect(new Set(left.slice(32, 64)).size).toBeGreaterThan(16);
  });

  it('has the faults that every chip has, and survives JSON', () => {
    expect(
      faultsOf(
        () => chipOf('c04'),
        () => undefined,
        (c) => c.write(3, Uint8Array.of(1)),
        (c) => void c.read(0, 1),
      ),
    ).toEqual(GOOD_FAULTS);
    const chip = chipOf('c01');
    chip.write(1, Uint8Array.of(9));
    expect(new At24(JSON.parse(JSON.stringify(chip)) as At24State).toJSON()).toEqual(chip.toJSON());
    expect(() => new At24({ ...blankAt24('c01'), type: 'c02' })).toThrow(RangeError);
  });
});
