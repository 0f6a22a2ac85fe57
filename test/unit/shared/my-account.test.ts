import { describe, expect, it } from 'vitest';
import { monthsOfReadings, visitMs } from '../../../src/central/use/readings.ts';
import {
  abnormalMonth,
  lastMonths,
  monthAfter,
  standsOf,
  tierStanding,
} from '../../../src/shared/my-account.ts';
import type { MonthUse } from '../../../src/shared/my-account.ts';
import { chinaDayMs, DAY_MS } from '../../../src/shared/time.ts';

const month = (
  quantity: number | null,
  yearBefore: number | null,
  estimated = false,
): MonthUse => ({
  month: '2026-11',
  quantity,
  yearBefore,
  estimated,
});
const RULE = { abnormalPercent: 200, abnormalAbove: 500 };

describe('months', () => {
  it('follow each other over the year, by China’s calendar', () => {
    expect(monthAfter('2026-11', 2)).toBe('2027-01');
    expect(monthAfter('2026-01', -1)).toBe('2025-12');
    expect(monthAfter('2026-11', -12)).toBe('2025-11');
    // Half past midnight in China is still the day before in UTC.
    const newYear = chinaDayMs('2027-01-01') + 30 * 60_000;
    expect(lastMonths(newYear, 3)).toEqual(['2026-11', '2026-12', '2027-01']);
    expect(lastMonths(newYear - 3_600_000, 3)).toEqual(['2026-10', '2026-11', '2026-12']);
  });
});

describe('abnormal use', () => {
  const of = (...months: MonthUse[]) => abnormalMonth(months, RULE)?.quantity ?? null;

  it('is the policy’s factor above the same month of last year, to the hundredth', () => {
    expect(of(month(4_000, 2_000))).toBe(4_000);
    expect(of(month(3_999, 2_000))).toBeNull();
  });

  it('is no first cubic metre of a holiday home, and no year that is not known', () => {
    expect(of(month(600, 200))).toBeNull();
    expect(of(month(700, 200))).toBe(700);
    expect(of(month(9_000, 0))).toBeNull();
    expect(of(month(9_000, null))).toBeNull();
    expect(of(month(null, 2_000))).toBeNull();
  });

  it('is never said of an estimate', () => {
    expect(of(month(9_000, 2_000, true))).toBeNull();
  });

  it('is looked for in this month, then in the last whole one, and no further back', () => {
    expect(of(month(8_000, 2_000), month(9_000, 2_000), month(100, 2_000))).toBe(9_000);
    expect(of(month(9_000, 2_000), month(2_000, 2_000), month(100, 2_000))).toBeNull();
    expect(of(month(9_000, 2_000), month(6_000, 2_000))).toBe(6_000);
  });
});

describe('tiers', () => {
  const TIERS = [{ uptoQuantity: 36_000 }, { uptoQuantity: 60_000 }, { uptoQuantity: null }];

  it('say where the year stands, and how much is left of the tier', () => {
    expect(tierStanding(21_450, TIERS)).toEqual({ tier: 1, left: 14_550 });
    expect(tierStanding(35_999, TIERS)).toEqual({ tier: 1, left: 1 });
    // Used up to the last: the next unit costs the next tier's price.
    expect(tierStanding(36_000, TIERS)).toEqual({ tier: 2, left: 24_000 });
    expect(tierStanding(60_000, TIERS)).toEqual({ tier: 3, left: null });
    expect(tierStanding(0, [])).toBeNull();
  });
});

describe('a purchase stands', () => {
  it('as its money and its goods do; what was not paid is none', () => {
    expect(standsOf('delivered', false)).toBe('written');
    expect(standsOf('delivered', true)).toBe('credited');
    expect(standsOf('in-doubt', false)).toBe('going-on');
    expect(standsOf('parked', false)).toBe('staff');
    expect(standsOf('refunding', true)).toBe('refunding');
    for (const state of ['quoted', 'collecting', 'closed'] as const)
      expect(standsOf(state, false)).toBeNull();
  });
});

describe('what cards bring back', () => {
  const at = (date: string): number => chinaDayMs(date);
  const NOW = at('2026-11-20');

  it('is dated by the meter’s clock', () => {
    expect(visitMs('2611150830')).toBe(at('2026-11-15') + 8.5 * 3_600_000);
    expect(visitMs('0000000000')).toBeNull();
    expect(visitMs('2602300830')).toBeNull();
    expect(visitMs('2611152560')).toBeNull();
  });

  it('gives whole months between two looks at the meter, evenly', () => {
    // 61 days from 15 September to 15 November: 6 100.
    const months = monthsOfReadings(
      [
        { visitMs: at('2026-11-15'), used: 16_100 },
        { visitMs: at('2026-09-15'), used: 10_000 },
      ],
      NOW,
    );
    expect(Object.fromEntries(months)).toEqual({ '2026-10': 3_100, '2026-11': 1_400 });
  });

  it('says nothing of a month that was not read to its end, but of the one that goes on', () => {
    const readings = [
      { visitMs: at('2026-07-01'), used: 0 },
      { visitMs: at('2026-09-15'), used: 7_600 },
    ];
    expect([...monthsOfReadings(readings, NOW).keys()]).toEqual(['2026-07', '2026-08']);
    expect(monthsOfReadings(readings.slice(0, 1), NOW).size).toBe(0);
  });

  it('says nothing across a meter that was changed', () => {
    const months = monthsOfReadings(
      [
        { visitMs: at('2026-08-01'), used: 900_000 },
        { visitMs: at('2026-09-01'), used: 903_100 },
        { visitMs: at('2026-10-01'), used: 10 },
        { visitMs: at('2026-11-01'), used: 3_110 },
        { visitMs: at('2026-11-01') + 10 * DAY_MS, used: 4_110 },
      ],
      NOW,
    );
    expect(Object.fromEntries(months)).toEqual({
      '2026-08': 3_100,
      '2026-10': 3_100,
      '2026-11': 1_000,
    });
  });
});
