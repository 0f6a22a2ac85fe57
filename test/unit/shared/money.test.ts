import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MICRO_PER_FEN,
  checkTariff,
  formatMicroYuan,
  formatPrice,
  formatQuantity,
  formatYuan,
  priceAmount,
} from '../../../src/shared/money.ts';
import type { TariffTier } from '../../../src/shared/money.ts';

const GAS: readonly TariffTier[] = [
  { uptoQuantity: 36_000, priceE4: 26_500 },
  { uptoQuantity: 60_000, priceE4: 31_800 },
  { uptoQuantity: null, priceE4: 39_750 },
];
const price = fc.integer({ min: 1, max: 2_000_000 });
const tariff = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 100_000 }), price), { maxLength: 4 })
  .chain((steps) =>
    price.map((last): readonly TariffTier[] => {
      let upto = 0;
      return [
        ...steps.map(([width, priceE4]) => ({ uptoQuantity: (upto += width), priceE4 })),
        { uptoQuantity: null, priceE4: last },
      ];
    }),
  );
const amount = fc.integer({ min: 0, max: 10_000_000 });
const carried = fc.integer({ min: 0, max: 5_000_000 });
const year = fc.integer({ min: 0, max: 500_000 });
const tierAt = (tiers: readonly TariffTier[], bought: number): TariffTier =>
  tiers.find((t) => t.uptoQuantity === null || bought < t.uptoQuantity) as TariffTier;

describe('pricing', () => {
  it('loses and invents nothing: amount + carried = cost + remainder, exactly', () => {
    fc.assert(
      fc.property(amount, carried, year, tariff, (a, c, y, tiers) => {
        const p = priceAmount(a, c, y, tiers);
        expect(p.costMicro + p.remainderMicro).toBe(a * MICRO_PER_FEN + c);
        expect(p.remainderMicro).toBeGreaterThanOrEqual(0);
        expect(p.shares.reduce((s, x) => s + x.quantity, 0)).toBe(p.quantity);
        expect(p.shares.reduce((s, x) => s + x.costMicro, 0)).toBe(p.costMicro);
        for (const s of p.shares) expect(s.costMicro).toBe(s.quantity * s.priceE4);
      }),
    );
  });
  it('buys as much as it can: the remainder is less than the next 0.01 unit costs', () => {
    fc.assert(
      fc.property(amount, carried, year, tariff, (a, c, y, tiers) => {
        const p = priceAmount(a, c, y, tiers);
        expect(p.remainderMicro).toBeLessThan(tierAt(tiers, y + p.quantity).priceE4);
      }),
    );
  });
  it('agrees with buying one 0.01 unit after another', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 3_000 }),
        carried,
        fc.integer({ min: 0, max: 70_000 }),
        (a, c, y) => {
          let left = a * MICRO_PER_FEN + c;
          let bought = 0;
          for (let tier = tierAt(GAS, y); left >= tier.priceE4; tier = tierAt(GAS, y + bought)) {
            left -= tier.priceE4;
            bought++;
          }
          expect(priceAmount(a, c, y, GAS)).toMatchObject({
            quantity: bought,
            remainderMicro: left,
          });
        },
      ),
    );
  });
  it('two purchases with the remainder carried buy what one would', () => {
    fc.assert(
      fc.property(amount, amount, year, tariff, (a, b, y, tiers) => {
        const first = priceAmount(a, 0, y, tiers);
        const second = priceAmount(b, first.remainderMicro, y + first.quantity, tiers);
        const whole = priceAmount(a + b, 0, y, tiers);
        expect(first.quantity + second.quantity).toBe(whole.quantity);
        expect(second.remainderMicro).toBe(whole.remainderMicro);
      }),
    );
  });
  it('golden: ¥100.00 at 2.65, and a purchase over a tier’s edge', () => {
    expect(priceAmount(10_000, 0, 21_450, GAS)).toMatchObject({
      quantity: 3773,
      remainderMicro: 15_500,
    });
    const edge = priceAmount(10_000, 0, 35_000, GAS);
    expect(edge.shares).toEqual([
      { tier: 1, priceE4: 26_500, quantity: 1000, costMicro: 26_500_000 },
      { tier: 2, priceE4: 31_800, quantity: 2311, costMicro: 73_489_800 },
    ]);
    expect(edge.remainderMicro).toBe(10_200);
    expect(priceAmount(10_000, 0, 36_000, GAS).shares[0]?.tier).toBe(2);
  });
  it('refuses what is not money or not a tariff', () => {
    for (const bad of [-1, 1.5, Number.NaN, 2 ** 53])
      expect(() => priceAmount(bad, 0, 0, GAS)).toThrow(RangeError);
    expect(() => checkTariff([])).toThrow(RangeError);
    expect(() => checkTariff([{ uptoQuantity: 5, priceE4: 1 }])).toThrow(RangeError);
    expect(() => checkTariff([{ uptoQuantity: null, priceE4: 0 }])).toThrow(RangeError);
    expect(() =>
      checkTariff([
        { uptoQuantity: 5, priceE4: 1 },
        { uptoQuantity: 5, priceE4: 1 },
        { uptoQuantity: null, priceE4: 1 },
      ]),
    ).toThrow(RangeError);
  });
});

describe('text', () => {
  it('writes money, quantity, price and remainder', () => {
    expect([
      formatYuan(10_000),
      formatYuan(-5),
      formatQuantity(3773),
      formatPrice(26_500),
      formatMicroYuan(15_500),
      formatMicroYuan(0),
      formatMicroYuan(1),
    ]).toEqual(['100.00', '-0.05', '37.73', '2.65', '0.0155', '0.00', '0.000001']);
  });
  it('every text reads back as the same number', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(10 ** 12), max: 10 ** 12 }), (n) => {
        expect(Math.round(Number(formatYuan(n)) * 100)).toBe(n);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 9 }), (n) => {
        expect(Math.round(Number(formatMicroYuan(n)) * 1e6)).toBe(n);
      }),
    );
  });
});
