import { describe, expect, it } from 'vitest';
import { IN_FLIGHT, cleared, updated } from '../../../src/simulator/card/chip.ts';
import { hexOf } from '../../../src/simulator/card/codec.ts';
import {
  CODE_ADDRESS,
  COUNTER_ADDRESS,
  PROTECT,
  READ,
  READ_WITH_BITS,
  Sle4428,
  UPDATE,
  UPDATE_AND_PROTECT,
  VERIFY,
  WRITE_COUNTER,
  blank4428,
} from '../../../src/simulator/card/sle4428.ts';
import type { Sle4428State } from '../../../src/simulator/card/sle4428.ts';
import { GOOD_FAULTS, faultsOf, tornBy } from './chips.ts';

const CODE = [0x12, 0x34] as const;

/** An issued chip: its code set, its counter as told. */
function chipWith(counter = 0xff): Sle4428 {
  const chip = new Sle4428(blank4428());
  chip.poke(COUNTER_ADDRESS, Uint8Array.of(counter, ...CODE));
  chip.powerOn();
  return chip;
}

const counterOf = (chip: Sle4428): number => chip.peek()[COUNTER_ADDRESS] as number;
const byteAt = (chip: Sle4428, address: number): number => chip.peek()[address] as number;

function present(chip: Sle4428, code: readonly number[] = CODE): number {
  const counter = chip.send(READ, COUNTER_ADDRESS)[0] as number;
  if (counter === 0) return 0;
  chip.send(WRITE_COUNTER, COUNTER_ADDRESS, counter & (counter - 1));
  for (const [i, byte] of code.entries()) chip.send(VERIFY, CODE_ADDRESS + i, byte);
  chip.send(UPDATE, COUNTER_ADDRESS, 0xff);
  return chip.send(READ, COUNTER_ADDRESS)[0] as number;
}

describe('SLE4428', () => {
  it('answers to reset and reads, the code excepted', () => {
    const chip = chipWith();
    expect(hexOf(chip.powerOn() as Uint8Array)).toBe('92231091');
    expect(chip.send(READ, 0)).toHaveLength(1024);
    expect(hexOf(chip.send(READ, 1021))).toBe('FF0000');
    expect(hexOf(chip.send(READ_WITH_BITS, 1020))).toBe('FF01FF0100010001');
    expect(hexOf(chip.send(READ_WITH_BITS, 0).subarray(12, 22))).toBe('FF00FF00FF01FF01FF01');
    expect(present(chip)).toBe(0xff);
    expect(hexOf(chip.send(READ, 1021))).toBe('FF1234');
  });

  it('is delivered with code FFFF and fixed bytes', () => {
    const chip = new Sle4428(blank4428());
    chip.powerOn();
    expect(present(chip, [0xff, 0xff])).toBe(0xff);
    for (const address of [0, 7, 21, 26]) chip.send(UPDATE, address, 0x11);
    for (const address of [8, 20, 27]) chip.send(UPDATE, address, 0x11);
    expect([0, 7, 21, 26, 8, 20, 27].map((a) => byteAt(chip, a))).toEqual([
      0x92, 0xff, 0xff, 0xff, 0x11, 0x11, 0x11,
    ]);
  });

  it('changes nothing before the code, nor after power went', () => {
    const chip = chipWith();
    for (const control of [UPDATE, UPDATE_AND_PROTECT, PROTECT]) chip.send(control, 100, 0xff);
    chip.send(UPDATE, COUNTER_ADDRESS, 0xff);
    chip.send(UPDATE, CODE_ADDRESS, 0x00);
    expect(chip.ops).toBe(0);
    present(chip);
    expect(chip.verified).toBe(true);
    chip.powerOn();
    expect(chip.verified).toBe(false);
    const ops = chip.ops;
    chip.send(UPDATE, 100, 0x11);
    expect(chip.ops).toBe(ops);
  });

  it('has eight tries, and none after them', () => {
    const chip = chipWith();
    for (let tries = 7; tries >= 0; tries--)
      expect(present(chip, [0x12, 0x35]).toString(2).replaceAll('0', '')).toHaveLength(tries);
    expect(present(chip)).toBe(0);
    chip.send(WRITE_COUNTER, COUNTER_ADDRESS, 0);
    for (const [i, byte] of CODE.entries()) chip.send(VERIFY, CODE_ADDRESS + i, byte);
    expect(chip.verified).toBe(false);
  });

  it('wants a cleared bit, and both bytes right', () => {
    const chip = chipWith();
    for (const [i, byte] of CODE.entries()) chip.send(VERIFY, CODE_ADDRESS + i, byte);
    expect(chip.verified).toBe(false);
    chip.send(WRITE_COUNTER, COUNTER_ADDRESS, 0xfe);
    chip.send(VERIFY, CODE_ADDRESS, 0x13);
    for (const [i, byte] of CODE.entries()) chip.send(VERIFY, CODE_ADDRESS + i, byte);
    expect(chip.verified).toBe(false);
    expect(counterOf(chip)).toBe(0xfe);
    expect(present(chip)).toBe(0xff);
  });

  it('a wrong code after the right one takes a try, and what was known', () => {
    const chip = chipWith();
    present(chip);
    expect(present(chip, [0x12, 0x35])).toBe(0xfe);
    chip.send(UPDATE, 100, 0x11);
    expect(byteAt(chip, 100)).toBe(0xff);
  });

  it('protects any of its bytes for ever, only as told, and neither counter nor code', () => {
    const chip = chipWith();
    present(chip);
    chip.send(UPDATE_AND_PROTECT, 500, 0x5a);
    chip.send(PROTECT, 501, 0x00);
    chip.send(PROTECT, 502, 0xff);
    chip.send(UPDATE_AND_PROTECT, COUNTER_ADDRESS, 0xff);
    for (const address of [500, 501, 502]) chip.send(UPDATE, address, 0x77);
    expect([500, 501, 502].map((a) => byteAt(chip, a))).toEqual([0x5a, 0x77, 0xff]);
    expect([...chip.send(READ_WITH_BITS, 1021)].filter((_, i) => i % 2 === 1)).toEqual([1, 1, 1]);
  });

  it('changes its code', () => {
    const chip = chipWith();
    present(chip);
    chip.send(UPDATE, CODE_ADDRESS, 0x56);
    chip.send(UPDATE, CODE_ADDRESS + 1, 0x78);
    chip.powerOn();
    expect(present(chip)).toBe(0xfe);
    expect(present(chip, [0x56, 0x78])).toBe(0xff);
  });

  it('has the faults that every chip has, and survives JSON', () => {
    expect(
      faultsOf(
        chipWith,
        (c) => void present(c),
        (c) => void c.send(UPDATE, 0x200, 0x12),
        (c) => void c.send(READ, 0),
      ),
    ).toEqual(GOOD_FAULTS);
    const chip = chipWith(0x7f);
    expect(new Sle4428(JSON.parse(JSON.stringify(chip)) as Sle4428State).toJSON()).toEqual(
      chip.toJSON(),
    );
    expect(() => new Sle4428({ ...blank4428(), main: '' })).toThrow(RangeError);
  });

  it.each(IN_FLIGHT)('cut at every change, %s in flight', (inFlight) => {
    const bytes = [0x01, 0x02, 0x03];
    const act = (chip: Sle4428): void => {
      present(chip);
      bytes.forEach((byte, i) => chip.send(i === 2 ? UPDATE_AND_PROTECT : UPDATE, 0x200 + i, byte));
    };
    const whole = chipWith();
    act(whole);
    expect(whole.ops).toBe(2 + 3 + 1);
    for (let n = 1; n <= whole.ops; n++) {
      const chip = chipWith();
      chip.arm({ afterOps: n, inFlight });
      expect(tornBy(() => act(chip))).toBe(true);
      expect(counterOf(chip)).toBe(
        n === 1 ? cleared(0xff, 0xfe, inFlight) : n === 2 ? updated(0xfe, 0xff, inFlight) : 0xff,
      );
      expect([...chip.peek().subarray(0x200, 0x203)]).toEqual(
        bytes.map((byte, i) =>
          i < n - 3 ? byte : i === n - 3 ? updated(0xff, byte, inFlight) : 0xff,
        ),
      );
      chip.powerOn();
      const isSet = chip.send(READ_WITH_BITS, 0x202)[1] === 0;
      expect(isSet).toBe(n === 6 && (inFlight === 'partial' || inFlight === 'new'));
      act(chip);
      if (n < 6) expect([...chip.peek().subarray(0x200, 0x203)]).toEqual(bytes);
    }
  });
});
