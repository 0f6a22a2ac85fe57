import { describe, expect, it } from 'vitest';
import { IN_FLIGHT } from '../../../src/simulator/card/chip.ts';
import { bytesOf, hexOf } from '../../../src/simulator/card/codec.ts';
import {
  MifareClassic,
  accessHex,
  blankMifare,
  valueBlock,
  valueOf,
} from '../../../src/simulator/card/mifare-classic.ts';
import type { MifareClassicState, MifareKey } from '../../../src/simulator/card/mifare-classic.ts';
import { GOOD_FAULTS, faultsOf, tornBy } from './chips.ts';

const A = bytesOf('A0A1A2A3A4A5');
const B = bytesOf('B0B1B2B3B4B5');
const FF = bytesOf('FFFFFFFFFFFF');

/**
 * Sector 1 with keys A and B and these conditions (C1 C2 C3) for its blocks; block 4 holds the
 * value 1000.
 */
function card(blocks: readonly [number, number, number, number] = [6, 0, 0, 3]): MifareClassic {
  const chip = new MifareClassic(blankMifare('DEADBEEF'));
  chip.poke(4, valueBlock(1000, 4));
  chip.poke(7, bytesOf(`${hexOf(A)}${accessHex(blocks)}69${hexOf(B)}`));
  chip.powerOn();
  return chip;
}
const key = { A, B } as const;
function opened(
  which: MifareKey,
  blocks?: readonly [number, number, number, number],
): MifareClassic {
  const chip = card(blocks);
  expect(chip.authenticate(4, which, key[which])).toBe(true);
  return chip;
}

describe('Mifare Classic', () => {
  it('is delivered with FF078069, which is condition 000 for data and 001 for the trailer', () => {
    expect(accessHex([0, 0, 0, 1])).toBe('FF0780');
    const chip = new MifareClassic(blankMifare('DEADBEEF'));
    expect(chip.powerOn()).toEqual(new Uint8Array(0));
    expect(hexOf(chip.uid)).toBe('DEADBEEF');
    expect(chip.authenticate(0, 'A', FF)).toBe(true);
    expect(hexOf(chip.read(0) as Uint8Array).slice(0, 10)).toBe('DEADBEEF22');
    expect(hexOf(chip.read(3) as Uint8Array)).toBe('000000000000FF078069FFFFFFFFFFFF');
    expect(chip.write(1, valueBlock(5, 1))).toBe(true);
    expect(chip.write(0, new Uint8Array(16))).toBe(false);
    // Key B can be read there, so that it opens nothing.
    expect(chip.authenticate(1, 'B', FF)).toBe(true);
    expect(chip.read(1)).toBeNull();
  });

  it('a value block is a value, its inverse, itself, and the address four times', () => {
    expect(hexOf(valueBlock(1000, 4))).toBe('E803000017FCFFFFE803000004FB04FB');
    expect(valueOf(valueBlock(-7, 9))).toEqual({ value: -7, address: 9 });
    for (let i = 0; i < 16; i++) {
      const broken = valueBlock(1000, 4);
      broken[i] = (broken[i] as number) ^ 0x10;
      expect(valueOf(broken)).toBeNull();
    }
  });

  it('opens one sector, with the right key, until anything fails', () => {
    const chip = card();
    expect(chip.read(4)).toBeNull();
    expect(chip.authenticate(4, 'A', B)).toBe(false);
    expect(chip.authenticate(64, 'A', FF)).toBe(false);
    expect(chip.authenticate(5, 'A', A)).toBe(true);
    expect(chip.read(4)).not.toBeNull();
    expect(chip.read(8)).toBeNull();
    expect(chip.read(4)).toBeNull();
    expect(chip.authenticate(4, 'A', A)).toBe(true);
    expect(chip.authenticate(4, 'A', B)).toBe(false);
    expect(chip.read(4)).toBeNull();
    chip.authenticate(4, 'A', A);
    chip.powerOn();
    expect(chip.read(4)).toBeNull();
    for (let i = 0; i < 100; i++) chip.authenticate(4, 'A', B);
    expect(chip.authenticate(4, 'A', A)).toBe(true);
  });

  /** r, w, i, d: what a key may do with a data block, in order of C1 C2 C3. */
  it.each([
    [0, 'rwid', 'rwid'],
    [1, 'rd', 'rd'],
    [2, 'r', 'r'],
    [3, '', 'rw'],
    [4, 'r', 'rw'],
    [5, '', 'r'],
    [6, 'rd', 'rwid'],
    [7, '', ''],
  ] as const)('condition %i: key A %s, key B %s', (condition, byA, byB) => {
    const may = (which: MifareKey): string => {
      const act: Readonly<Record<string, (chip: MifareClassic) => boolean>> = {
        r: (c) => c.read(4) !== null,
        w: (c) => c.write(4, valueBlock(1, 4)),
        i: (c) => c.add(4, 'increment', 5) && c.transfer(4),
        d: (c) => c.add(4, 'decrement', 5) && c.transfer(4),
      };
      return Object.entries(act)
        .filter(([, run]) => {
          const chip = opened(which, [condition, 0, 0, 3]);
          const ok = run(chip);
          if (!ok) expect(hexOf(chip.peek(4))).toBe(hexOf(valueBlock(1000, 4)));
          return ok;
        })
        .map(([name]) => name)
        .join('');
    };
    expect([may('A'), may('B')]).toEqual([byA, byB]);
  });

  /**
   * What each key may change of a trailer, and read beside: a, c(ondition), b in capitals when
   * read.
   */
  it.each([
    [0, 'abCB', ''],
    [1, 'acbCB', ''],
    [2, 'CB', ''],
    [3, 'C', 'acbC'],
    [4, 'C', 'abC'],
    [5, 'C', 'cC'],
    [6, 'C', 'C'],
    [7, 'C', 'C'],
  ] as const)('trailer condition %i: key A %s, key B %s', (condition, byA, byB) => {
    const may = (which: MifareKey): string => {
      const chip = opened(which, [0, 0, 0, condition]);
      const seen = chip.read(7);
      const next = bytesOf(`111111111111${accessHex([0, 0, 0, 7])}42222222222222`);
      if (seen !== null) {
        const before = hexOf(chip.peek(7));
        expect(chip.write(7, next)).toBe(hexOf(chip.peek(7)) !== before);
      }
      const now = hexOf(chip.peek(7));
      return [
        now.startsWith('11') ? 'a' : '',
        now.slice(12, 18) === accessHex([0, 0, 0, 7]) && condition !== 7 ? 'c' : '',
        now.endsWith('22') ? 'b' : '',
        seen !== null && seen[9] === 0x69 ? 'C' : '',
        seen !== null && hexOf(seen).endsWith(hexOf(B)) ? 'B' : '',
      ].join('');
    };
    expect([may('A'), may('B')]).toEqual([byA, byB]);
  });

  it('a sector whose access bits do not agree is shut for ever', () => {
    const chip = opened('B');
    expect(chip.write(7, bytesOf(`${hexOf(A)}00000069${hexOf(B)}`))).toBe(true);
    for (const which of ['A', 'B'] as const) {
      chip.authenticate(4, which, key[which]);
      expect(chip.read(4)).toBeNull();
      chip.authenticate(4, which, key[which]);
      expect(chip.write(7, bytesOf(`${hexOf(A)}FF078069${hexOf(B)}`))).toBe(false);
    }
    expect(chip.authenticate(8, 'A', FF)).toBe(true);
    expect(chip.read(8)).not.toBeNull();
  });

  it('adds, takes away and copies values; nothing is stored before the transfer', () => {
    const chip = opened('B', [6, 6, 0, 3]);
    expect(chip.add(4, 'increment', 250)).toBe(true);
    expect(valueOf(chip.peek(4))).toEqual({ value: 1000, address: 4 });
    expect(chip.transfer(4)).toBe(true);
    expect(chip.add(4, 'decrement', 2000) && chip.transfer(4)).toBe(true);
    expect(valueOf(chip.peek(4))).toEqual({ value: -750, address: 4 });
    expect(chip.restore(4) && chip.transfer(5)).toBe(true);
    expect(valueOf(chip.peek(5))).toEqual({ value: -750, address: 4 });
  });

  it.each<[string, (chip: MifareClassic) => boolean]>([
    ['a block that holds no value', (c) => c.add(5, 'increment', 1)],
    ['restoring one', (c) => c.restore(5)],
    [
      'going past 32 bits',
      (c) => c.write(4, valueBlock(0x7fff_ffff, 4)) && c.add(4, 'increment', 1),
    ],
    [
      'going below them',
      (c) => c.write(4, valueBlock(-0x8000_0000, 4)) && c.add(4, 'decrement', 1),
    ],
    ['a negative amount', (c) => c.add(4, 'increment', -1)],
    ['a transfer of nothing', (c) => c.transfer(4)],
    ['a transfer into another sector', (c) => c.add(4, 'increment', 1) && c.transfer(8)],
    ['a transfer into the trailer', (c) => c.add(4, 'increment', 1) && c.transfer(7)],
    ['values in the trailer', (c) => c.add(7, 'increment', 1)],
    ['half a block', (c) => c.write(5, new Uint8Array(8))],
  ])('refuses %s, and is shut then', (_, act) => {
    const chip = opened('B', [0, 0, 0, 3]);
    expect(act(chip)).toBe(false);
    expect(chip.read(5)).toBeNull();
  });

  it('has the faults that every chip has, and survives JSON', () => {
    expect(
      faultsOf(
        card,
        (c) => void c.authenticate(4, 'B', B),
        (c) => void c.write(5, valueBlock(1, 1)),
        (c) => void c.read(5),
      ),
    ).toEqual(GOOD_FAULTS);
    expect(
      new MifareClassic(JSON.parse(JSON.stringify(card())) as MifareClassicState).toJSON(),
    ).toEqual(card().toJSON());
    expect(() => new MifareClassic({ kind: 'mifare-classic', blocks: '00' })).toThrow(RangeError);
  });

  it.each(IN_FLIGHT)('a cut in a transfer leaves the block %s', (inFlight) => {
    const chip = opened('B');
    chip.arm({ afterOps: 1, inFlight });
    expect(tornBy(() => chip.add(4, 'increment', 1) && chip.transfer(4))).toBe(true);
    const next = hexOf(valueBlock(1001, 4));
    const expected = {
      old: hexOf(valueBlock(1000, 4)),
      ff: 'FF'.repeat(16),
      partial: next.slice(0, 16) + 'FF'.repeat(8),
      new: next,
    }[inFlight];
    expect(hexOf(chip.peek(4))).toBe(expected);
    chip.powerOn();
    expect(chip.read(4)).toBeNull();
    chip.authenticate(4, 'B', B);
    expect(chip.write(4, valueBlock(1001, 4))).toBe(true);
  });
});
