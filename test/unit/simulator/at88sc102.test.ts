import { describe, expect, it } from 'vitest';
import { AT88SC102_SETTINGS, At88Sc102, blank102 } from '../../../src/simulator/card/at88sc102.ts';
import type { At88Sc102Settings, At88Sc102State } from '../../../src/simulator/card/at88sc102.ts';
import { IN_FLIGHT } from '../../../src/simulator/card/chip.ts';
import { bytesOf, hexOf } from '../../../src/simulator/card/codec.ts';
import { GOOD_FAULTS, faultsOf, tornBy } from './chips.ts';

const SC = 'C0DE';
const EZ1 = '112233445566';
const EZ2 = 'A1A2A3A4';
const { map, fuses } = AT88SC102_SETTINGS;
const EIGHT: At88Sc102Settings = { ...AT88SC102_SETTINGS, tries: 8 };

function chipWith(change: Partial<At88Sc102State> = {}, settings = AT88SC102_SETTINGS): At88Sc102 {
  const chip = new At88Sc102({ ...blank102(SC, settings), ...change }, settings);
  chip.poke(map.ez1.at / 8, bytesOf(EZ1));
  chip.poke(map.ez2.at / 8, bytesOf(EZ2));
  chip.powerOn();
  return chip;
}
/** Personalised, as customers hold it. */
const issued = (change: Partial<At88Sc102State> = {}): At88Sc102 =>
  chipWith({ issuerFuse: false, ...change });

const zone = (chip: At88Sc102, name: keyof typeof map): string =>
  hexOf(chip.peek().subarray(map[name].at / 8, (map[name].at + map[name].bits) / 8));

/**
 * What a reader does: compare, write the first 1 of the counter's `length` bits, erase the counter.
 * False: no 1 left.
 */
function present(chip: At88Sc102, code = SC, length = 8): boolean {
  chip.compare(map.sc.at, bytesOf(code));
  const tries = chip.read(map.scac.at / 8, 2);
  const bit = Array.from({ length }, (_, i) => i).find(
    (i) => ((tries[i >> 3] as number) & (0x80 >> (i & 7))) !== 0,
  );
  if (bit === undefined) return false;
  chip.write(map.scac.at + bit);
  chip.erase(map.scac.at);
  return true;
}

/** Writes the zeros of these bytes. */
function put(chip: At88Sc102, bit: number, hex: string): void {
  for (const [i, byte] of bytesOf(hex).entries()) {
    for (let b = 0; b < 8; b++) if ((byte & (0x80 >> b)) === 0) chip.write(bit + 8 * i + b);
  }
}

describe('AT88SC102', () => {
  it('gives no answer to reset; its zones follow one another', () => {
    expect(chipWith().powerOn()).toEqual(new Uint8Array(0));
    let at = 0;
    for (const range of Object.values(map)) {
      expect(range.at).toBe(at);
      at += range.bits;
    }
    expect(at).toBe(1424);
  });

  it('verifies: compared, a bit written, the counter erased', () => {
    const chip = issued();
    present(chip);
    expect(chip.verified).toBe(true);
    expect(zone(chip, 'scac')).toBe('FFFF');
    chip.powerOn();
    expect(chip.verified).toBe(false);
  });

  it.each<[string, (chip: At88Sc102) => void]>([
    ['nothing compared', (chip) => chip.write(map.scac.at)],
    ['the wrong code compared', (chip) => void present(chip, 'C0DF')],
    ['no bit was written', (chip) => chip.compare(map.sc.at, bytesOf(SC))],
    [
      'the bit was written already',
      (chip) => {
        chip.write(map.scac.at);
        chip.compare(map.sc.at, bytesOf(SC));
        chip.write(map.scac.at);
      },
    ],
    [
      'the bit is none of the tries',
      (chip) => {
        chip.compare(map.sc.at, bytesOf(SC));
        chip.write(map.scac.at + 4);
      },
    ],
    [
      'power went in between',
      (chip) => {
        chip.compare(map.sc.at, bytesOf(SC));
        chip.powerOn();
        chip.write(map.scac.at);
      },
    ],
  ])('is not verified when %s', (_, act) => {
    const chip = issued();
    act(chip);
    expect(chip.verified).toBe(false);
    const tries = zone(chip, 'scac');
    chip.erase(map.scac.at);
    expect(zone(chip, 'scac')).toBe(tries);
  });

  it.each([
    [4, AT88SC102_SETTINGS],
    [8, EIGHT],
  ] as const)('has %i tries, and none after them', (tries, settings) => {
    const chip = chipWith({ issuerFuse: false }, settings);
    for (let i = 0; i < tries; i++) expect(present(chip, '0000', tries)).toBe(true);
    expect(present(chip, SC, tries)).toBe(false);
    expect(chip.verified).toBe(false);
    // A reader that knows of eight bits goes on in vain.
    present(chip, SC, 16);
    expect(chip.verified).toBe(false);
  });

  it('the last try restores the counter', () => {
    const chip = issued();
    for (let i = 0; i < 3; i++) present(chip, '0000');
    present(chip);
    expect(zone(chip, 'scac')).toBe('FFFF');
  });

  it('hides code and keys from everybody, once personalised', () => {
    const chip = issued();
    present(chip);
    for (const name of ['sc', 'ez1', 'ez2'] as const)
      expect(hexOf(chip.read(map[name].at / 8, 2))).toBe('FFFF');
    const young = chipWith();
    expect(hexOf(young.read(map.ez1.at / 8, 6))).toBe('FFFFFFFFFFFF');
    present(young);
    expect(hexOf(young.read(map.ez1.at / 8, 6))).toBe(EZ1);
    expect(hexOf(young.read(map.sc.at / 8, 2))).toBe(SC);
  });

  it('writes its zones when it may, and only then', () => {
    const free = ['scac', 'mtz'];
    const coded = ['scac', 'mtz', 'sc', 'cpz', 'az1', 'az2'];
    const all = Object.keys(map) as (keyof typeof map)[];
    const writable = (make: () => At88Sc102): readonly string[] =>
      all.filter((name) => {
        const chip = make();
        const before = zone(chip, name);
        const bits = map[name].bits;
        for (let i = 0; i < bits; i++) chip.write(map[name].at + i);
        return zone(chip, name) !== before;
      });
    const withCode = (chip: At88Sc102): At88Sc102 => {
      present(chip);
      return chip;
    };
    expect(writable(issued)).toEqual(all.filter((n) => free.includes(n)));
    expect(writable(() => withCode(issued()))).toEqual(all.filter((n) => coded.includes(n)));
    expect(writable(() => withCode(chipWith()))).toEqual(all.filter((n) => n !== 'fz'));
    const closed = issued();
    closed.poke(map.az1.at / 8, Uint8Array.of(0x7f));
    present(closed);
    closed.write(map.az1.at + 100);
    expect(closed.peek()[(map.az1.at + 96) / 8]).toBe(0xff);
  });

  it('shows a closed application zone to whoever knows the code', () => {
    const chip = issued();
    chip.poke(map.az2.at / 8, bytesOf('BF1234'));
    expect(hexOf(chip.read(map.az2.at / 8, 3))).toBe('FFFFFF');
    expect(hexOf(chip.read(map.az1.at / 8, 1))).toBe('FF');
    present(chip);
    expect(hexOf(chip.read(map.az2.at / 8, 3))).toBe('BF1234');
  });

  it('erases words, not in the application zones of a personalised card', () => {
    const chip = issued();
    present(chip);
    for (const name of ['cpz', 'az1', 'mtz'] as const) put(chip, map[name].at + 16, '12');
    put(chip, map.cpz.at, '34');
    chip.erase(map.cpz.at + 20);
    expect(zone(chip, 'cpz')).toBe('34FFFFFFFFFFFFFF');
    chip.erase(map.az1.at + 16);
    expect(zone(chip, 'az1').slice(4, 6)).toBe('12');
    const young = chipWith();
    present(young);
    put(young, map.az1.at + 16, '12');
    put(young, map.az1.at + 32, '34');
    young.erase(map.az1.at + 17);
    expect(zone(young, 'az1').slice(0, 12)).toBe('FFFFFFFF34FF');
  });

  it('erases application zone 1 whole, with its key and the code', () => {
    const prepared = (): At88Sc102 => {
      const chip = issued();
      chip.poke(map.az1.at / 8, new Uint8Array(64).fill(0xc5));
      return chip;
    };
    const without = prepared();
    present(without);
    without.erase(map.az1.at);
    without.compare(map.ez1.at, bytesOf('112233445567'));
    without.erase(map.az1.at);
    without.compare(map.ez2.at, bytesOf(EZ2));
    without.erase(map.az1.at);
    expect(zone(without, 'az1')).toBe('C5'.repeat(64));
    const keyOnly = prepared();
    keyOnly.compare(map.ez1.at, bytesOf(EZ1));
    keyOnly.erase(map.az1.at);
    expect(zone(keyOnly, 'az1')).toBe('C5'.repeat(64));
    const both = prepared();
    present(both);
    both.compare(map.ez1.at, bytesOf(EZ1));
    both.erase(map.az1.at + 300);
    expect(zone(both, 'az1')).toBe('FF'.repeat(64));
    // The key counts once.
    both.write(map.az1.at + 300);
    both.erase(map.az1.at);
    expect(zone(both, 'az1')).not.toBe('FF'.repeat(64));
  });

  it('erases application zone 2 128 times and never again; uncounted once that fuse is blown', () => {
    const chip = issued();
    present(chip);
    let used = 0;
    const erase = (count: boolean): boolean => {
      chip.write(map.az2.at + 100);
      chip.compare(map.ez2.at, bytesOf(EZ2));
      if (count) chip.write(map.ec2.at + used++);
      chip.erase(map.az2.at);
      return zone(chip, 'az2') === 'FF'.repeat(64);
    };
    expect(erase(false)).toBe(false);
    for (let i = 0; i < 128; i++) expect(erase(true)).toBe(true);
    expect(zone(chip, 'ec2')).toBe('00'.repeat(16));
    expect(erase(true)).toBe(false);
    chip.erase(map.ec2.at);
    expect(zone(chip, 'ec2')).toBe('00'.repeat(16));

    const free = issued({ ec2Fuse: false });
    present(free);
    free.write(map.az2.at + 100);
    free.compare(map.ez2.at, bytesOf(EZ2));
    free.erase(map.az2.at);
    expect(zone(free, 'az2')).toBe('FF'.repeat(64));
  });

  it('blows its fuses once, with the code', () => {
    const chip = chipWith();
    chip.blow(fuses.issuer);
    expect(chip.toJSON().issuerFuse).toBe(true);
    present(chip);
    chip.blow(1);
    chip.blow(fuses.ec2en);
    chip.blow(fuses.issuer);
    expect(chip.toJSON()).toMatchObject({ issuerFuse: false, ec2Fuse: false });
    chip.write(map.iz.at);
    expect(zone(chip, 'iz')).toBe('FF'.repeat(8));
    const late = issued();
    present(late);
    late.blow(fuses.ec2en);
    expect(late.toJSON().ec2Fuse).toBe(true);
    for (const [inFlight, intact] of [
      ['old', true],
      ['ff', true],
      ['partial', false],
      ['new', false],
    ] as const) {
      const cut = chipWith();
      present(cut);
      cut.arm({ afterOps: 1, inFlight });
      expect(tornBy(() => cut.blow(fuses.issuer))).toBe(true);
      expect(cut.toJSON().issuerFuse).toBe(intact);
    }
  });

  it('has the faults that every chip has, and survives JSON', () => {
    expect(
      faultsOf(
        issued,
        (c) => void present(c),
        (c) => c.write(map.az1.at + 50),
        (c) => void c.read(0, 2),
      ),
    ).toEqual(GOOD_FAULTS);
    const chip = issued();
    expect(new At88Sc102(JSON.parse(JSON.stringify(chip)) as At88Sc102State).toJSON()).toEqual(
      chip.toJSON(),
    );
    expect(() => new At88Sc102({ ...blank102(SC), memory: '00' })).toThrow(RangeError);
  });

  it.each(IN_FLIGHT)(
    'cut at every change of verify, erase zone 1, write a byte: %s in flight',
    (inFlight) => {
      const act = (chip: At88Sc102): void => {
        present(chip);
        chip.compare(map.ez1.at, bytesOf(EZ1));
        chip.erase(map.az1.at);
        put(chip, map.az1.at + 16, 'C3');
      };
      const prepared = (): At88Sc102 => {
        const chip = issued();
        chip.poke(map.az1.at / 8, new Uint8Array(64).fill(0xe7));
        return chip;
      };
      const whole = prepared();
      act(whole);
      expect(whole.ops).toBe(2 + 1 + 4);
      for (let n = 1; n <= whole.ops; n++) {
        const chip = prepared();
        chip.arm({ afterOps: n, inFlight });
        expect(tornBy(() => act(chip))).toBe(true);
        const took = inFlight === 'new' || inFlight === 'partial';
        const erasedTook = inFlight === 'new' || inFlight === 'ff';
        const scac =
          n === 1
            ? took
              ? '7FFF'
              : 'FFFF'
            : n === 2 && !erasedTook && inFlight !== 'partial'
              ? '7FFF'
              : 'FFFF';
        expect(zone(chip, 'scac')).toBe(scac);
        // A half erased zone: every other byte whole, between them something between.
        const az1 =
          n < 3 || (n === 3 && inFlight === 'old')
            ? 'E7'.repeat(64)
            : n === 3 && inFlight === 'partial'
              ? 'EFFF'.repeat(32)
              : null;
        if (az1 !== null) expect(zone(chip, 'az1')).toBe(az1);
        else {
          const zeros = n - 4 + (n > 3 && took ? 1 : 0);
          const byte = [0xff, 0xdf, 0xdf & 0xef, 0xdf & 0xef & 0xf7, 0xc3][
            Math.max(0, zeros)
          ] as number;
          expect(zone(chip, 'az1')).toBe(`FFFF${hexOf(Uint8Array.of(byte))}${'FF'.repeat(61)}`);
        }
        chip.powerOn();
        act(chip);
        expect(zone(chip, 'az1')).toBe(`FFFFC3${'FF'.repeat(61)}`);
        expect(zone(chip, 'scac')).toBe('FFFF');
      }
    },
  );
});
