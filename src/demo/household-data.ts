import type { SeedHousehold, SeedUse } from '../central/use/households.ts';
import { monthAfter } from '../shared/my-account.ts';
import { chinaDayMs, DAY_MS } from '../shared/time.ts';

/** A year of heating with gas, from January on, 0.01 m³. */
const GAS = [5_210, 4_860, 3_940, 2_310, 1_640, 1_380, 1_250, 1_290, 1_480, 2_020, 3_450, 4_770];
const WATER = [980, 1_020, 960, 1_040, 1_110, 1_260, 1_380, 1_410, 1_190, 1_060, 990, 970];
/** Heat goes from the middle of November to the middle of March, 0.01 GJ. */
const HEAT = [1_240, 1_060, 480, 0, 0, 0, 0, 0, 0, 0, 510, 1_130];

/**
 * Two years up to the month of a day, each a little below the one after it.
 *
 * @param factor of the month that goes on, for a household whose use is abnormal
 */
function twoYears(yearly: readonly number[], today: string, factor = 1): SeedUse['months'] {
  const now = today.slice(0, 7);
  return Array.from({ length: 24 }, (_, i) => {
    const month = monthAfter(now, i - 23);
    const usual = yearly[Number(month.slice(5)) - 1] ?? 0;
    const grown = Math.round(i < 12 ? usual * 0.94 : usual);
    return { month, quantity: i === 23 ? Math.round(grown * factor) : grown };
  });
}

/**
 * What some of the demo's households use: a card's that doubled, a card's whose meter has reported
 * a leak (its own read-back says so too), an IoT meter's with a low battery, bills for gas and
 * water, a season's heat. The digits open them at a machine without a card.
 *
 * @param today `YYYY-MM-DD`, by China's calendar
 */
export function demoHouseholds(today: string): readonly SeedHousehold[] {
  const now = chinaDayMs(today);
  const gas = (over: Partial<SeedUse> = {}): SeedUse => ({
    kind: 'gas',
    unit: 'm3',
    months: twoYears(GAS, today),
    ...over,
  });
  const water: SeedUse = {
    kind: 'water',
    unit: 'm3',
    tariff: { id: 'water-household', version: 1 },
    months: twoYears(WATER, today),
  };
  const tariff = { id: 'gas-residential', version: 1 };
  return [
    {
      userNo: '1002203344',
      phoneLast4: '3344',
      uses: [gas({ months: twoYears(GAS, today, 2.2) })],
    },
    {
      userNo: '1002203333',
      phoneLast4: '3333',
      uses: [gas({ faults: [{ fault: 'leak', sinceMs: now - 3 * DAY_MS }] })],
    },
    {
      userNo: '1002203335',
      phoneLast4: '3335',
      uses: [{ ...water, months: twoYears(WATER, today, 2.5) }],
    },
    {
      userNo: '2002203301',
      phoneLast4: '6212',
      uses: [gas({ tariff, faults: [{ fault: 'battery', sinceMs: now - 9 * DAY_MS }] })],
    },
    {
      userNo: '2002203302',
      phoneLast4: '6213',
      uses: [
        gas({
          tariff,
          months: twoYears(GAS, today, 2.4),
          faults: [{ fault: 'flow', sinceMs: now - DAY_MS }],
        }),
      ],
    },
    // Nothing but its bills says what it used.
    { userNo: '2002203303', phoneLast4: '6214', uses: [] },
    { userNo: '2002203306', phoneLast4: '6216', uses: [water] },
    {
      userNo: '2002203307',
      phoneLast4: '6217',
      uses: [{ kind: 'heat', unit: 'GJ', months: twoYears(HEAT, today) }],
    },
    { userNo: '2002203308', phoneLast4: '6218', uses: [gas({ tariff }), water] },
  ];
}
