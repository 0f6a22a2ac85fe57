import { describe, expect, it } from 'vitest';
import {
  AT88SC1608_SETTINGS,
  At88Sc1608,
  blank1608,
} from '../../../src/simulator/card/at88sc1608.ts';
import type { At88Sc1608State } from '../../../src/simulator/card/at88sc1608.ts';
import { IN_FLIGHT, cleared, updated } from '../../../src/simulator/card/chip.ts';
import { bytesOf, hexOf } from '../../../src/simulator/card/codec.ts';
import { GOOD_FAULTS, faultsOf, tornBy } from './chips.ts';

const SECURE = bytesOf('5EC0DE');
const WRITE = bytesOf('010203');
const READ = bytesOf('0A0B0C');
const { accessAt, passwordsAt } = AT88SC1608_SETTINGS;
/** Write and read password of set 3 wanted. */
const SHUT = (0xff & ~0xc0 & ~(7 << 2)) | (3 << 2);

/**
 * Zone 1 shut by set 3; zone 2 written with set 3 only; zone 3 wants authentication; zone 4 can't
 * be changed; zone 5 clears only.
 */
function chipWith(): At88Sc1608 {
  const chip = new At88Sc1608(blank1608('5EC0DE'));
  chip.pokeConfig(accessAt, Uint8Array.of(0xff, SHUT, SHUT | 0x40, 0xdf, 0xfd, 0xfe));
  chip.pokeConfig(passwordsAt + 24, bytesOf('FF010203FF0A0B0C'));
  chip.powerOn();
  return chip;
}

describe('AT88SC1608', () => {
  it('answers to reset; open zones read and write, wrapping in page and zone', () => {
    const chip = chipWith();
    expect(hexOf(chip.powerOn() as Uint8Array)).toBe('2CAA55A0');
    chip.writeUser(0, 0x1e, bytesOf('A1A2A3'));
    expect(hexOf(chip.readUser(0, 0x10, 16))).toBe(`A3${'FF'.repeat(13)}A1A2`);
    chip.poke(0, 0, Uint8Array.of(0x77));
    expect(hexOf(chip.readUser(0, 0xff, 2))).toBe('FF77');
  });

  it('reads a shut zone with either password of its set, writes with the write one only', () => {
    const may = (act: (chip: At88Sc1608) => void): string => {
      const chip = chipWith();
      act(chip);
      chip.writeUser(1, 0, Uint8Array.of(0x11));
      chip.poke(1, 1, Uint8Array.of(0x22));
      return `${hexOf(chip.readUser(1, 1, 1))} ${hexOf(chip.peek(1).subarray(0, 1))}`;
    };
    expect(may(() => undefined)).toBe('00 FF');
    expect(may((c) => expect(c.verify(3, 'read', READ)).toBe(true))).toBe('22 FF');
    expect(may((c) => expect(c.verify(3, 'write', WRITE)).toBe(true))).toBe('22 11');
    expect(may((c) => expect(c.verify(3, 'write', READ)).toBe(false))).toBe('00 FF');
    expect(may((c) => expect(c.verify(7, 'write', SECURE)).toBe(true))).toBe('00 FF');
    expect(
      may((c) => {
        c.verify(3, 'write', WRITE);
        c.powerOn();
      }),
    ).toBe('00 FF');
  });

  it('keeps what the other bits of its access registers say', () => {
    const chip = chipWith();
    for (const zone of [2, 3, 4, 5]) {
      chip.poke(zone, 0, Uint8Array.of(0x3c));
      chip.writeUser(zone, 0, Uint8Array.of(0xf0));
    }
    expect([2, 3, 4, 5].map((zone) => hexOf(chip.readUser(zone, 0, 1)))).toEqual([
      '3C',
      '00',
      '3C',
      '30',
    ]);
    chip.verify(3, 'write', WRITE);
    chip.writeUser(2, 0, Uint8Array.of(0xf0));
    expect(chip.readUser(2, 0, 1)[0]).toBe(0xf0);
  });

  it('has eight tries for each password, and none after them', () => {
    const chip = chipWith();
    for (let i = 0; i < 8; i++) {
      expect(chip.tries(3, 'write')).toBe((0xff << i) & 0xff);
      expect(chip.verify(3, 'write', READ)).toBe(false);
    }
    expect(chip.tries(3, 'write')).toBe(0);
    expect(chip.verify(3, 'write', WRITE)).toBe(false);
    expect(chip.tries(3, 'read')).toBe(0xff);
    expect(chip.verify(3, 'read', READ)).toBe(true);
  });

  it('a right password restores its counter; a wrong one takes what was known', () => {
    const chip = chipWith();
    chip.verify(3, 'write', READ);
    expect(chip.verify(3, 'write', WRITE)).toBe(true);
    expect(chip.tries(3, 'write')).toBe(0xff);
    chip.verify(3, 'write', READ);
    chip.writeUser(1, 0, Uint8Array.of(0x11));
    expect(chip.peek(1)[0]).toBe(0xff);
  });

  it('shows and changes passwords to whoever may, its counters to nobody’s hand', () => {
    const chip = chipWith();
    expect(hexOf(chip.readConfig(passwordsAt + 24, 8))).toBe('FF000000FF000000');
    chip.writeConfig(passwordsAt + 25, bytesOf('999999'));
    chip.writeConfig(accessAt, Uint8Array.of(0x00));
    expect(chip.ops).toBe(0);
    chip.verify(3, 'write', WRITE);
    expect(hexOf(chip.readConfig(passwordsAt + 24, 8))).toBe('FF010203FF0A0B0C');
    chip.writeConfig(passwordsAt + 24, bytesOf('00'));
    chip.writeConfig(passwordsAt + 24, bytesOf('FF999999'));
    chip.writeConfig(passwordsAt + 25, bytesOf('999999'));
    chip.writeConfig(accessAt, Uint8Array.of(0x00));
    expect(hexOf(chip.readConfig(passwordsAt + 24, 4))).toBe('FF999999');
    expect(chip.readConfig(accessAt, 1)[0]).toBe(0xff);
  });

  it('lets the secure code set access registers until personalisation is over', () => {
    const chip = chipWith();
    chip.personalise();
    expect(chip.toJSON().personalised).toBe(false);
    chip.verify(7, 'write', SECURE);
    chip.writeConfig(accessAt, Uint8Array.of(SHUT));
    chip.personalise();
    chip.writeConfig(accessAt, Uint8Array.of(0xff));
    expect(chip.readConfig(accessAt, 1)[0]).toBe(SHUT);
    expect(chip.toJSON().personalised).toBe(true);
  });

  it('has the faults that every chip has, and survives JSON', () => {
    expect(
      faultsOf(
        chipWith,
        (c) => void c.verify(3, 'write', WRITE),
        (c) => c.writeUser(1, 0, Uint8Array.of(1)),
        (c) => void c.readUser(0, 0, 1),
      ),
    ).toEqual(GOOD_FAULTS);
    const chip = chipWith();
    expect(new At88Sc1608(JSON.parse(JSON.stringify(chip)) as At88Sc1608State).toJSON()).toEqual(
      chip.toJSON(),
    );
    expect(() => new At88Sc1608({ ...blank1608('000000'), user: '' })).toThrow(RangeError);
  });

  it.each(IN_FLIGHT)('cut at every change of verify and a page: %s in flight', (inFlight) => {
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => i);
    for (const rest of ['old', 'ff', 'new'] as const) {
      for (let n = 1; n <= 18; n++) {
        const chip = chipWith();
        chip.poke(1, 0x20, new Uint8Array(16).fill(0x18));
        chip.arm({ afterOps: n, inFlight, rest });
        expect(
          tornBy(() => {
            chip.verify(3, 'write', WRITE);
            chip.writeUser(1, 0x20, bytes);
          }),
        ).toBe(true);
        expect(chip.peekConfig()[passwordsAt + 24]).toBe(
          n === 1 ? cleared(0xff, 0xfe, inFlight) : n === 2 ? updated(0xfe, 0xff, inFlight) : 0xff,
        );
        const behind = (byte: number): number =>
          n < 3 || rest === 'old' ? 0x18 : rest === 'ff' ? 0xff : byte;
        const page = [...bytes].map((byte, i) =>
          i < n - 3 ? byte : i === n - 3 ? updated(0x18, byte, inFlight) : behind(byte),
        );
        expect([...chip.peek(1).subarray(0x20, 0x30)]).toEqual(page);
        chip.powerOn();
        expect(chip.verify(3, 'write', WRITE)).toBe(true);
        expect(chip.tries(3, 'write')).toBe(0xff);
      }
    }
  });
});
