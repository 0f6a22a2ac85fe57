import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isPeriodRule,
  MONTHLY,
  momentOf,
  periodStart,
  versionAt,
  VISIT_MS,
  yearRuleSchema,
} from '../../../src/shared/periods.ts';
import { chinaDate, chinaTime, DAY_MS } from '../../../src/shared/time.ts';

const china = (text: string): number => Date.parse(`${text}+08:00`);
const two = (n: number): string => String(n).padStart(2, '0');
const rule = fc.oneof(
  fc.constant(MONTHLY),
  fc
    .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 31 }))
    .map(([m, d]) => `${two(m)}-${two(d)}`)
    .filter(isPeriodRule),
);
const moment = fc.integer({ min: china('1995-01-01T00:00'), max: china('2190-01-01T00:00') });

describe('periods', () => {
  it('hold every moment exactly once: each lies in the one that began last', () => {
    fc.assert(
      fc.property(rule, moment, (r, ms) => {
        const start = periodStart(r, ms);
        expect(start).toBeLessThanOrEqual(ms);
        expect(periodStart(r, start)).toBe(start);
        expect(periodStart(r, start - 1)).toBeLessThan(start);
        // A year is 365 or 366 days, a month 28 to 31: never two of them at once.
        expect(ms - start).toBeLessThan((r === MONTHLY ? 31 : 366) * DAY_MS);
      }),
    );
  });
  it('begin at midnight in China, on the day that the rule names', () => {
    fc.assert(
      fc.property(rule, moment, (r, ms) => {
        const [date = '', time] = chinaTime(periodStart(r, ms)).split(' ');
        expect(time).toBe('00:00:00');
        expect(r === MONTHLY ? date.slice(8) : date.slice(5)).toBe(r === MONTHLY ? '01' : r);
      }),
    );
  });
  it('never go back as time goes on', () => {
    fc.assert(
      fc.property(rule, moment, fc.integer({ min: 0, max: 1_000 * DAY_MS }), (r, ms, later) => {
        expect(periodStart(r, ms + later)).toBeGreaterThanOrEqual(periodStart(r, ms));
      }),
    );
  });
  it.each([
    ['01-01', '2026-12-31T23:59:59.999', '2026-01-01'],
    ['01-01', '2027-01-01T00:00:00', '2027-01-01'],
    ['07-01', '2027-06-30T23:59:59.999', '2026-07-01'],
    ['07-01', '2027-07-01T00:00:00', '2027-07-01'],
    [MONTHLY, '2028-02-29T23:59:59.999', '2028-02-01'],
    [MONTHLY, '2028-03-01T00:00:00', '2028-03-01'],
  ])('%s at %s', (r, at, begun) => expect(chinaDate(periodStart(r, china(at)))).toBe(begun));
  it('of a clock that is dead begin somewhere all the same', () => {
    for (const ms of [0, -1, Number.NaN, 8e15]) expect(periodStart('01-01', ms)).not.toBeNaN();
  });
  it('follow rules that every year has', () => {
    expect(['month', '01-01', '12-31', '02-28'].every(isPeriodRule)).toBe(true);
    for (const r of ['02-29', '13-01', '04-31', '00-10', '1-1', 'year', ''])
      expect(isPeriodRule(r)).toBe(false);
    expect(yearRuleSchema.safeParse(MONTHLY).success).toBe(false);
  });
});

it('a visit is priced as of the moment it was told, while it may last', () => {
  const told = china('2026-12-31T23:59:50');
  expect(momentOf(told, told + VISIT_MS)).toBe(told);
  expect(momentOf(told, told - VISIT_MS)).toBe(told);
  expect(momentOf(told, told + VISIT_MS + 1)).toBe(told + VISIT_MS + 1);
  expect(momentOf(undefined, told)).toBe(told);
});

it('of a tariff the last version holds whose day has come; without a day, only where it is named', () => {
  const versions = [
    { version: 1, fromMs: null },
    { version: 2, fromMs: 200 },
    { version: 3, fromMs: 300 },
    { version: 4, fromMs: null },
  ];
  const at = (from: number, ms: number) => versionAt(versions, from, ms)?.version;
  expect([at(1, 199), at(1, 200), at(1, 299), at(1, 300)]).toEqual([1, 2, 2, 3]);
  expect([at(3, 0), at(4, 300), at(9, 300)]).toEqual([3, 4, undefined]);
});
