import { describe, expect, it } from 'vitest';
import { IN_FLIGHT, cleared, erased, updated } from '../../../src/simulator/card/chip.ts';
import type { InFlight } from '../../../src/simulator/card/chip.ts';
import { hexOf } from '../../../src/simulator/card/codec.ts';
import {
  COMPARE,
  READ_MAIN,
  READ_PROTECTION,
  READ_SECURITY,
  Sle4442,
  UPDATE_MAIN,
  UPDATE_SECURITY,
  WRITE_PROTECTION,
  blank4442,
} from '../../../src/simulator/card/sle4442.ts';
import type { Sle4442State } from '../../../src/simulator/card/sle4442.ts';
import { GOOD_FAULTS, faultsOf, tornBy } from './chips.ts';

const PSC = [0x11, 0x68, 0x06] as const;
const WRONG = [0x11, 0x68, 0x07] as const;

function chipWith(state: Partial<Sle4442State> = {}): Sle4442 {
  const chip = new Sle4442({ ...blank4442(), security: '07116806', ...state });
  chip.powerOn();
  return chip;
}

const security = (chip: Sle4442): string => hexOf(chip.send(READ_SECURITY, 0));
const counterOf = (chip: Sle4442): number =>
  Number.parseInt(chip.toJSON().security.slice(0, 2), 16);
const byteAt = (chip: Sle4442, address: number): number => chip.peek()[address] as number;
const lowestBit = (counter: number): number => counter & -counter;

/** The whole procedure of a reader: read the counter, clear one bit, compare, erase, read it again. */
function present(chip: Sle4442, code: readonly number[]): number {
  const counter = chip.send(READ_SECURITY, 0)[0] as number;
  if (counter === 0) return 0;
  chip.send(UPDATE_SECURITY, 0, counter & ~lowestBit(counter));
  for (const [i, byte] of code.entries()) chip.send(COMPARE, i + 1, byte);
  chip.send(UPDATE_SECURITY, 0, 0xff);
  return chip.send(READ_SECURITY, 0)[0] as number;
}

describe('what a cut leaves of a cell', () => {
  it.each<[InFlight, number, number, number]>([
    ['old', 0x12, 0x06, 0x02],
    ['ff', 0xff, 0x06, 0x07],
    ['partial', 0xbe, 0x04, 0x03],
    ['new', 0x3c, 0x00, 0x07],
  ])('%s', (left, byte, bits, counter) => {
    expect(updated(0x12, 0x3c, left)).toBe(byte);
    expect(cleared(0x06, 0x00, left)).toBe(bits);
    expect(erased(0x02, 0x07, left)).toBe(counter);
  });

  it('a partly written byte has all its ones, and some of its zeros', () => {
    for (let next = 0; next < 256; next++) {
      const left = updated(0x00, next, 'partial');
      expect(left & next).toBe(next);
      if (next !== 0xff) expect(left).not.toBe(0xff);
    }
  });
});

describe('SLE4442', () => {
  it('answers to reset and reads, the code excepted', () => {
    const chip = chipWith();
    expect(hexOf(chip.powerOn() as Uint8Array)).toBe('A2131091');
    expect(chip.send(READ_MAIN, 0)).toHaveLength(256);
    expect(chip.send(READ_MAIN, 0xf0)).toHaveLength(16);
    expect(hexOf(chip.send(READ_PROTECTION, 0))).toBe('F0FFFFFF');
    expect(security(chip)).toBe('07000000');
    expect(present(chip, PSC)).toBe(0x07);
    expect(security(chip)).toBe('07116806');
    expect(hexOf(chip.send(0x77, 0))).toBe('');
  });

  it('is delivered with code FFFFFF', () => {
    const chip = new Sle4442(blank4442());
    chip.powerOn();
    expect(present(chip, [0xff, 0xff, 0xff])).toBe(0x07);
    expect(chip.verified).toBe(true);
  });

  it('writes nothing before the code', () => {
    const chip = chipWith();
    chip.send(UPDATE_MAIN, 0x40, 0x55);
    chip.send(UPDATE_SECURITY, 1, 0x55);
    chip.send(WRITE_PROTECTION, 0x05, 0xff);
    expect(chip.ops).toBe(0);
    expect(chip.toJSON()).toEqual({ ...blank4442(), security: '07116806' });
  });

  it('writes after the code, until power off or reset', () => {
    const chip = chipWith();
    present(chip, PSC);
    chip.send(UPDATE_MAIN, 0x40, 0x55);
    expect(byteAt(chip, 0x40)).toBe(0x55);
    chip.powerOn();
    chip.send(UPDATE_MAIN, 0x40, 0x66);
    expect(byteAt(chip, 0x40)).toBe(0x55);
    expect(security(chip)).toBe('07000000');
  });

  it('counts wrong codes down and is dead at 00, even for the right one', () => {
    const chip = chipWith();
    expect(present(chip, WRONG)).toBe(0x06);
    expect(present(chip, WRONG)).toBe(0x04);
    expect(present(chip, WRONG)).toBe(0x00);
    expect(chip.verified).toBe(false);
    for (let i = 0; i < 2; i++) {
      chip.send(UPDATE_SECURITY, 0, 0x00);
      for (const [n, byte] of PSC.entries()) chip.send(COMPARE, n + 1, byte);
      chip.send(UPDATE_SECURITY, 0, 0xff);
      chip.send(UPDATE_MAIN, 0x40, 0x55);
      expect(security(chip)).toBe('00000000');
      expect(byteAt(chip, 0x40)).toBe(0xff);
      chip.powerOn();
    }
  });

  it('the right code restores the counter, the last try included', () => {
    const chip = chipWith({ security: '01116806' });
    expect(present(chip, PSC)).toBe(0x07);
  });

  it('a wrong code after the right one takes a try, and what was known', () => {
    const chip = chipWith();
    present(chip, PSC);
    expect(present(chip, WRONG)).toBe(0x06);
    chip.send(UPDATE_MAIN, 0x40, 0x55);
    expect(byteAt(chip, 0x40)).toBe(0xff);
  });

  it.each<[string, (chip: Sle4442) => void]>([
    ['no bit was cleared', (chip) => PSC.forEach((byte, i) => chip.send(COMPARE, i + 1, byte))],
    [
      'the bit was clear already',
      (chip) => {
        chip.send(UPDATE_SECURITY, 0, 0x07);
        PSC.forEach((byte, i) => chip.send(COMPARE, i + 1, byte));
      },
    ],
    [
      'only two bytes compared',
      (chip) => {
        chip.send(UPDATE_SECURITY, 0, 0x03);
        chip.send(COMPARE, 1, PSC[0]);
        chip.send(COMPARE, 2, PSC[1]);
      },
    ],
    [
      'one byte was wrong first and right then',
      (chip) => {
        chip.send(UPDATE_SECURITY, 0, 0x03);
        chip.send(COMPARE, 1, PSC[0]);
        chip.send(COMPARE, 2, 0x00);
        chip.send(COMPARE, 2, PSC[1]);
        chip.send(COMPARE, 3, PSC[2]);
      },
    ],
    [
      'power went in between',
      (chip) => {
        chip.send(UPDATE_SECURITY, 0, 0x03);
        chip.send(COMPARE, 1, PSC[0]);
        chip.powerOn();
        chip.send(COMPARE, 2, PSC[1]);
        chip.send(COMPARE, 3, PSC[2]);
      },
    ],
  ])('is not verified when %s', (_, act) => {
    const chip = chipWith();
    act(chip);
    expect(chip.verified).toBe(false);
    const counter = counterOf(chip);
    chip.send(UPDATE_SECURITY, 0, 0xff);
    expect(counterOf(chip)).toBe(counter);
  });

  it('changes its code byte by byte', () => {
    const chip = chipWith();
    present(chip, PSC);
    for (const [i, byte] of [1, 2, 3].entries()) chip.send(UPDATE_SECURITY, i + 1, byte);
    chip.powerOn();
    expect(present(chip, PSC)).toBe(0x06);
    expect(present(chip, [1, 2, 3])).toBe(0x07);
  });

  it('protects a byte for ever, and only one that is as told', () => {
    const chip = chipWith();
    present(chip, PSC);
    chip.send(UPDATE_MAIN, 0x08, 0x5a);
    chip.send(WRITE_PROTECTION, 0x08, 0x5b);
    expect(hexOf(chip.send(READ_PROTECTION, 0))).toBe('F0FFFFFF');
    chip.send(WRITE_PROTECTION, 0x08, 0x5a);
    expect(hexOf(chip.send(READ_PROTECTION, 0))).toBe('F0FEFFFF');
    const ops = chip.ops;
    chip.send(WRITE_PROTECTION, 0x08, 0x5a);
    chip.send(WRITE_PROTECTION, 0x28, 0xff);
    chip.send(UPDATE_MAIN, 0x08, 0x00);
    chip.send(UPDATE_MAIN, 0x00, 0x00);
    expect(chip.ops).toBe(ops);
    expect(hexOf(chip.peek().subarray(0, 9))).toBe('A2131091FFFFFFFF5A');
  });

  it('takes 5 ms for a byte and 2.5 for a bit', () => {
    const chip = chipWith();
    present(chip, PSC);
    expect(chip.busyMs).toBe(5);
    chip.send(UPDATE_MAIN, 0x40, 0x55);
    expect(chip.busyMs).toBe(10);
  });

  it('has the faults that every chip has', () => {
    expect(
      faultsOf(
        chipWith,
        (c) => void present(c, PSC),
        (c) => void c.send(UPDATE_MAIN, 0x50, 0x12),
        (c) => void c.send(READ_MAIN, 0),
      ),
    ).toEqual(GOOD_FAULTS);
  });

  it('lies about as many bytes as it is told, and never about its counter', () => {
    const chip = chipWith();
    chip.arm({ lie: 2 });
    expect(present(chip, PSC)).toBe(0x07);
    for (const address of [0x40, 0x41, 0x42]) chip.send(UPDATE_MAIN, address, 0x11);
    expect(hexOf(chip.peek().subarray(0x40, 0x43))).toBe('FFFF11');
  });

  it('survives JSON', () => {
    const chip = chipWith();
    present(chip, WRONG);
    expect(new Sle4442(JSON.parse(JSON.stringify(chip)) as Sle4442State).toJSON()).toEqual(
      chip.toJSON(),
    );
  });

  it('refuses a state that is no SLE4442', () => {
    expect(() => new Sle4442({ ...blank4442(), main: '00' })).toThrow(RangeError);
  });
});

/** Presents the code and writes 8 bytes from 0x40 on. */
const BYTES = [0x2a, 0x00, 0x2a, 0x00, 0x0e, 0xbd, 0xff, 0x03];
function purchase(chip: Sle4442): void {
  present(chip, PSC);
  for (const [i, byte] of BYTES.entries()) chip.send(UPDATE_MAIN, 0x40 + i, byte);
}

describe('an SLE4442 cut at every change', () => {
  const whole = chipWith();
  purchase(whole);
  const total = whole.ops;

  it('counts the changes: a bit, the erasing, each byte', () => {
    expect(total).toBe(2 + BYTES.length);
  });

  it.each(IN_FLIGHT)(
    '%s: all earlier bytes are new, all later ones old, the one in flight is as told',
    (inFlight) => {
      for (let n = 1; n <= total; n++) {
        const chip = chipWith();
        chip.poke(0x40, new Uint8Array(8).fill(0x18));
        chip.arm({ afterOps: n, inFlight });
        expect(tornBy(() => purchase(chip))).toBe(true);
        expect(chip.ops).toBe(n);
        const written = Math.max(0, n - 3);
        const expected = BYTES.map((byte, i) =>
          i < written ? byte : i > written || n < 3 ? 0x18 : updated(0x18, byte, inFlight),
        );
        expect([...chip.peek().subarray(0x40, 0x48)]).toEqual(expected);
        // The counter: whole again only once it was erased.
        const counter =
          n === 1 ? cleared(0x07, 0x06, inFlight) : n === 2 ? erased(0x06, 0x07, inFlight) : 0x07;
        expect(counterOf(chip)).toBe(counter);
        // And the card goes on.
        chip.powerOn();
        expect(chip.verified).toBe(false);
        expect(present(chip, PSC)).toBe(0x07);
        purchase(chip);
        expect([...chip.peek().subarray(0x40, 0x48)]).toEqual(BYTES);
      }
    },
  );

  it('two cuts inside the verification leave one try, three none: dead, with the right code', () => {
    const chip = chipWith();
    for (const left of [0x06, 0x04, 0x00]) {
      chip.arm({ afterOps: 2, inFlight: 'old' });
      expect(tornBy(() => present(chip, PSC))).toBe(true);
      chip.powerOn();
      expect(security(chip)).toBe(`0${left}000000`);
    }
    expect(present(chip, PSC)).toBe(0);
  });

  it('a cut inside a change of the code leaves the byte in flight as told', () => {
    for (const inFlight of IN_FLIGHT) {
      const chip = chipWith();
      present(chip, PSC);
      chip.arm({ afterOps: 2, inFlight });
      expect(
        tornBy(() => [1, 2, 3].forEach((byte, i) => chip.send(UPDATE_SECURITY, i + 1, byte))),
      ).toBe(true);
      chip.powerOn();
      expect(present(chip, [0x01, updated(0x68, 0x02, inFlight), 0x06])).toBe(0x07);
    }
  });

  it('a cut protection bit is set or not', () => {
    for (const [inFlight, bits] of [
      ['old', 'F0FFFFFF'],
      ['ff', 'F0FFFFFF'],
      ['partial', 'F0FEFFFF'],
      ['new', 'F0FEFFFF'],
    ] as const) {
      const chip = chipWith();
      present(chip, PSC);
      chip.arm({ afterOps: 1, inFlight });
      expect(tornBy(() => chip.send(WRITE_PROTECTION, 0x08, 0xff))).toBe(true);
      expect(chip.toJSON().protection).toBe(bits);
    }
  });
});
