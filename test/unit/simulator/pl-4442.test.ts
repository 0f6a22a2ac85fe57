import { describe, expect, it } from 'vitest';
import { CATALOGUE_4442, sampleCard4442 } from '../../../src/simulator/card/catalogue-4442.ts';
import { IN_FLIGHT } from '../../../src/simulator/card/chip.ts';
import { bytesOf, hexOf } from '../../../src/simulator/card/codec.ts';
import {
  codeOf4442,
  issue4442,
  purchaseHex,
  tagHex,
} from '../../../src/simulator/card/issue-4442.ts';
import {
  COMPARE,
  Sle4442,
  UPDATE_MAIN,
  UPDATE_SECURITY,
} from '../../../src/simulator/card/sle4442.ts';
import { Meter4442 } from '../../../src/simulator/meter/meter-4442.ts';
import type { MeterState } from '../../../src/simulator/meter/meter.ts';
import { tornBy } from './chips.ts';

/** layouts.md, "Golden image". */
const GOLDEN = `
50 88 00 00 39 21 10 02 20 33 44 01 01 03 01 87
29 00 29 00 13 88 00 03 20 C8 A1 B2 C3 D4 79 7A
28 00 28 00 13 88 00 03 0D 40 0B AD CA FE 88 E7
03 E8 01 F4 00 01 86 A0 00 00 7A 7F`;
const GOLDEN_AREA =
  '58 00 29 00 00 04 D2 00 03 1B F6 25 11 15 08 30 00 00 02 60 00 15 77 00 00 00 00 00 00 00 C3 8B';
const GOLDEN_B = '2A 00 2A 00 0E BD 00 03 2F 85 AD E6 78 8A 2F C4';
const clean = (hex: string): string => hexOf(bytesOf(hex));
const part = (chip: Sle4442, from: number, to: number): string =>
  hexOf(chip.peek().subarray(from, to));

const NOW = '2611230915';
const METER: MeterState = {
  meterNo: '0260001577',
  count: 41,
  remaining: 1234,
  used: 203_766,
  ceiling: 100_000,
  valveClosed: false,
  faults: 0,
};
/** The golden card after the golden purchase. */
function after(): Sle4442 {
  const chip = sampleCard4442('4442-golden').make();
  chip.poke(0x40, bytesOf(GOLDEN_B));
  return chip;
}
const CREDITED = clean('58 00 2A 00 00 13 8F');

describe('a PL-4442 card', () => {
  it('has the golden bytes', () => {
    const chip = sampleCard4442('4442-golden').make();
    expect(part(chip, 0x20, 0x5c)).toBe(clean(GOLDEN));
    expect(part(chip, 0x60, 0x80)).toBe(clean(GOLDEN_AREA));
    expect(part(chip, 0x00, 0x04)).toBe('A2131091');
    expect(chip.toJSON().security).toBe('07116806');
    expect(chip.toJSON().protection).toBe('00000000');
    expect(hexOf(codeOf4442('8800003921'))).toBe('116806');
  });

  it('has the golden purchase and the golden new block', () => {
    expect(tagHex('PL-000000000311-1-0042')).toBe('ADE6788A');
    expect(
      purchaseHex({
        seq: 0x2a,
        count: 42,
        quantity: 3773,
        cumulative: 208_773,
        tag: tagHex('PL-000000000311-1-0042'),
      }),
    ).toBe(clean(GOLDEN_B));
    const fresh = new Sle4442(issue4442({ cardNo: '8800003932', userNo: '1002203332' }));
    expect(part(fresh, 0x30, 0x40)).toBe('0100000000000000000000000000D20B');
    expect(part(fresh, 0x40, 0x50)).toBe('FF'.repeat(16));
  });

  it('comes in kinds, each with its own id and what its table says', () => {
    expect(new Set(CATALOGUE_4442.map((c) => c.id)).size).toBe(CATALOGUE_4442.length);
    const tries = (id: string): string => sampleCard4442(id).make().toJSON().security.slice(0, 2);
    expect([tries('4442-last-try'), tries('4442-locked'), tries('4442-golden')]).toEqual([
      '01',
      '00',
      '07',
    ]);
    expect(sampleCard4442('4442-staff').make().peek()[0x20]).toBe(0x80);
    expect(sampleCard4442('4442-torn').make().peek()[0x40]).toBe(0x00);
    expect(sampleCard4442('4442-other-key').make().toJSON().security).not.toBe(
      `07${hexOf(codeOf4442('8800003939'))}`,
    );
    expect(sampleCard4442('4442-blank').make().toJSON().security).toBe('07FFFFFF');
    expect(() => sampleCard4442('none')).toThrow(RangeError);
  });
});

describe('a meter for PL-4442', () => {
  it('writes the golden area back when it takes nothing new', () => {
    const chip = sampleCard4442('4442-golden').make();
    chip.poke(0x60, new Uint8Array(32));
    const meter = new Meter4442(METER);
    expect(meter.visit(chip, '2511150830')).toEqual({ accepted: true, credited: 0, written: true });
    expect(part(chip, 0x60, 0x80)).toBe(clean(GOLDEN_AREA));
    expect(meter.state()).toEqual(METER);
  });

  it('is known from the card that it wrote', () => {
    expect(Meter4442.ofCard(sampleCard4442('4442-golden').make(), 100_000)?.state()).toEqual(METER);
    expect(Meter4442.ofCard(sampleCard4442('4442-fresh').make(), 100_000)).toBeNull();
    expect(Meter4442.ofCard(sampleCard4442('4442-bad-crc').make(), 100_000)).toBeNull();
  });

  it('takes the next count, credits it once, and writes its area and nothing else', () => {
    const chip = after();
    const before = chip.peek();
    const meter = new Meter4442(METER);
    expect(meter.visit(chip, NOW)).toEqual({ accepted: true, credited: 3773, written: true });
    expect(meter.state()).toEqual({ ...METER, count: 42, remaining: 5007 });
    expect(part(chip, 0x60, 0x67)).toBe(CREDITED);
    expect(part(chip, 0x00, 0x60)).toBe(hexOf(before.subarray(0, 0x60)));
    expect(part(chip, 0x80, 0x100)).toBe(hexOf(before.subarray(0x80)));
    expect(meter.visit(chip, NOW)).toEqual({ accepted: true, credited: 0, written: true });
    expect(meter.state().remaining).toBe(5007);
    meter.consume(10_000);
    expect(meter.state()).toMatchObject({ remaining: 0, used: 208_773 });
    expect(chip.toJSON().security).toBe('07116806');
  });

  it('takes the first purchase of a new card', () => {
    const chip = sampleCard4442('4442-fresh').make();
    chip.poke(
      0x40,
      bytesOf(purchaseHex({ seq: 2, count: 1, quantity: 1000, cumulative: 1000, tag: '12345678' })),
    );
    expect(new Meter4442({ ...METER, count: 0 }).visit(chip, NOW)).toMatchObject({
      accepted: true,
      credited: 1000,
    });
  });

  it.each<[string, (chip: Sle4442) => void, Partial<MeterState>, string]>([
    ['a card whose count is two further', () => undefined, { count: 40 }, 'count'],
    ['a card whose count is behind', () => undefined, { count: 43 }, 'count'],
    ['more than its ceiling holds', () => undefined, { remaining: 96_228 }, 'ceiling'],
    ['another meter’s card', () => undefined, { meterNo: '0260001578' }, 'other meter'],
    ['another mark', (c) => c.poke(0x20, Uint8Array.of(0x80)), {}, 'no application'],
    ['a broken issuer area', (c) => c.poke(0x23, Uint8Array.of(0x01)), {}, 'no application'],
    ['another chip', (c) => c.poke(0x00, Uint8Array.of(0x00)), {}, 'no application'],
    ['a mute card', (c) => c.arm({ mute: true }), {}, 'no application'],
    [
      'no valid block',
      (c) => [0x30, 0x40].forEach((at) => c.poke(at, Uint8Array.of(0xff))),
      {},
      'unreadable',
    ],
    [
      'two blocks that do not follow',
      (c) =>
        c.poke(
          0x40,
          bytesOf(
            purchaseHex({
              seq: 0x2b,
              count: 42,
              quantity: 3773,
              cumulative: 208_773,
              tag: '00000001',
            }),
          ),
        ),
      {},
      'unreadable',
    ],
    [
      'blocks whose sums differ',
      (c) =>
        c.poke(
          0x40,
          bytesOf(
            purchaseHex({
              seq: 0x2a,
              count: 42,
              quantity: 3773,
              cumulative: 208_774,
              tag: '00000001',
            }),
          ),
        ),
      {},
      'unreadable',
    ],
    [
      'blocks whose counts differ',
      (c) =>
        c.poke(
          0x40,
          bytesOf(
            purchaseHex({
              seq: 0x2a,
              count: 43,
              quantity: 3773,
              cumulative: 208_773,
              tag: '00000001',
            }),
          ),
        ),
      {},
      'unreadable',
    ],
    [
      'count FFFF',
      (c) => {
        c.poke(0x30, Uint8Array.of(0x00));
        c.poke(
          0x40,
          bytesOf(
            purchaseHex({ seq: 1, count: 0xffff, quantity: 1, cumulative: 1, tag: '00000001' }),
          ),
        );
      },
      { count: 0xfffe },
      'unreadable',
    ],
  ])('refuses %s, and changes neither itself nor the card', (_, spoil, change, reason) => {
    const chip = after();
    spoil(chip);
    const before = JSON.stringify(chip);
    const meter = new Meter4442({ ...METER, ...change });
    expect(meter.visit(chip, NOW)).toEqual({
      accepted: false,
      reason,
      credited: 0,
      written: false,
    });
    expect(meter.state()).toEqual({ ...METER, ...change });
    expect(JSON.stringify(chip)).toBe(before);
  });

  it.each([
    ['locked', '00116806', '00116806'],
    ['of another code', '07010203', '06010203'],
  ])('takes nothing from a card that is %s', (_, security, left) => {
    const chip = new Sle4442({ ...after().toJSON(), security });
    const meter = new Meter4442(METER);
    expect(meter.visit(chip, NOW)).toEqual({
      accepted: false,
      reason: 'code',
      credited: 0,
      written: false,
    });
    expect(meter.state()).toEqual(METER);
    expect(chip.toJSON()).toEqual({ ...after().toJSON(), security: left });
  });

  it('fills up to its ceiling exactly', () => {
    expect(new Meter4442({ ...METER, remaining: 96_227 }).visit(after(), NOW)).toMatchObject({
      accepted: true,
      credited: 3773,
    });
  });

  it('takes the older block while the newer is torn, and the newer once it is whole', () => {
    const meter = new Meter4442(METER);
    const chip = after();
    chip.poke(0x40, Uint8Array.of(0x00));
    expect(meter.visit(chip, NOW)).toMatchObject({ accepted: true, credited: 0 });
    chip.poke(0x40, Uint8Array.of(0x2a));
    expect(meter.visit(chip, NOW)).toMatchObject({ accepted: true, credited: 3773 });
  });

  it('knows that 01 follows FE', () => {
    const chip = sampleCard4442('4442-golden').make();
    chip.poke(
      0x30,
      bytesOf(
        purchaseHex({
          seq: 0xfe,
          count: 41,
          quantity: 5000,
          cumulative: 205_000,
          tag: '00000001',
        }) +
          purchaseHex({
            seq: 0x01,
            count: 42,
            quantity: 3773,
            cumulative: 208_773,
            tag: '00000002',
          }),
      ),
    );
    expect(new Meter4442(METER).visit(chip, NOW)).toMatchObject({ credited: 3773 });
  });

  it('takes no block numbered 00 or FF, whatever its crc', () => {
    for (const [older, seq] of [
      [0xfe, 0xff],
      [0xff, 0x00],
    ] as const) {
      const chip = sampleCard4442('4442-golden').make();
      chip.poke(
        0x30,
        bytesOf(
          purchaseHex({
            seq: older,
            count: 41,
            quantity: 5000,
            cumulative: 205_000,
            tag: '00000001',
          }) +
            purchaseHex({ seq, count: 42, quantity: 3773, cumulative: 208_773, tag: '00000002' }),
        ),
      );
      expect(new Meter4442(METER).visit(chip, NOW)).toMatchObject(
        older === 0xfe
          ? { accepted: true, credited: 0 }
          : { accepted: false, reason: 'unreadable' },
      );
    }
  });

  it('a visit that is cut anywhere credits once, and ends with the next one', () => {
    const whole = after();
    new Meter4442(METER).visit(whole, NOW);
    const total = whole.ops;
    let partly = 0;
    expect(total).toBeGreaterThan(8);
    for (let n = 1; n <= total; n++) {
      for (const inFlight of IN_FLIGHT) {
        const chip = after();
        const meter = new Meter4442(METER);
        chip.arm({ afterOps: n, inFlight });
        const first = meter.visit(chip, NOW);
        expect(first).toEqual(
          n <= 2
            ? { accepted: false, reason: 'torn', credited: 0, written: false }
            : { accepted: true, credited: 3773, written: false },
        );
        if (first.accepted && !first.written) partly++;
        const second = meter.visit(chip, NOW);
        expect(second).toMatchObject({
          accepted: true,
          written: true,
          credited: 3773 - first.credited,
        });
        expect(meter.state().remaining).toBe(5007);
        expect(chip.peek()).toEqual(whole.peek());
      }
    }
    expect(partly).toBe((total - 2) * IN_FLIGHT.length);
  });
});

/** The kiosk's own writing as the layout orders it: seq 00, the body, seq last. Only what differs. */
function buy(chip: Sle4442): void {
  chip.powerOn();
  const counter = 0x07;
  chip.send(UPDATE_SECURITY, 0, counter & (counter - 1));
  for (const [i, byte] of codeOf4442('8800003921').entries()) chip.send(COMPARE, i + 1, byte);
  chip.send(UPDATE_SECURITY, 0, 0xff);
  const target = bytesOf(GOLDEN_B);
  chip.send(UPDATE_MAIN, 0x40, 0x00);
  for (let i = 1; i < 16; i++)
    if (chip.peek()[0x40 + i] !== target[i]) chip.send(UPDATE_MAIN, 0x40 + i, target[i]);
  chip.send(UPDATE_MAIN, 0x40, target[0]);
}

describe('a purchase cut at every change, taken to the meter', () => {
  it('is credited whole or not at all, and never before its last byte', () => {
    const whole = sampleCard4442('4442-golden').make();
    buy(whole);
    expect(part(whole, 0x40, 0x50)).toBe(clean(GOLDEN_B));
    const total = whole.ops;
    for (let n = 1; n <= total; n++) {
      for (const inFlight of IN_FLIGHT) {
        const chip = sampleCard4442('4442-golden').make();
        chip.arm({ afterOps: n, inFlight });
        expect(tornBy(() => buy(chip))).toBe(true);
        const visit = new Meter4442(METER).visit(chip, NOW);
        const isWhole = part(chip, 0x40, 0x50) === clean(GOLDEN_B);
        expect(visit).toMatchObject({ accepted: true, credited: isWhole ? 3773 : 0 });
        expect(isWhole && n < total).toBe(false);
        expect(chip.toJSON().security).toBe('07116806');
      }
    }
  });
});
