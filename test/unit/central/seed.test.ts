import { describe, expect, it } from 'vitest';
import { checkSeed } from '../../../src/central/fleet/seed.ts';
import type { Seed, SeedAccount } from '../../../src/central/fleet/seed.ts';
import type { SeedHousehold } from '../../../src/central/use/households.ts';
import { DEMO_DATA } from '../../../src/demo/central-data.ts';
import { demoHouseholds } from '../../../src/demo/household-data.ts';

const DEMO: Seed = { ...DEMO_DATA, terminals: [] };
const one = DEMO.accounts[1] as SeedAccount;
const two = DEMO.accounts[2] as SeedAccount;

/** `ON CONFLICT` would drop the second row without a word, and its card could never buy. */
describe('a seed', () => {
  it('of the demo hall collides nowhere', () => {
    expect(() => checkSeed(DEMO)).not.toThrow();
  });

  it('whose second account has the first one’s user number is refused', () => {
    const accounts = [one, { ...two, userNo: one.userNo }];
    expect(() => checkSeed({ ...DEMO, accounts })).toThrow(`user number ${one.userNo}`);
  });

  it('may give an account a second card', () => {
    const accounts = [one, { ...one, cardNo: two.cardNo }];
    expect(() => checkSeed({ ...DEMO, accounts })).not.toThrow();
  });

  it('with one card, tariff, claim or terminal twice is refused', () => {
    const again = <T>(rows: readonly T[]): T[] => [...rows, rows[0] as T];
    const terminals = [{ terminalId: '000000000311', publicKeyPem: '' }];
    for (const seed of [
      { ...DEMO, accounts: [one, { ...two, cardNo: one.cardNo }] },
      { ...DEMO, tariffs: again(DEMO.tariffs) },
      { ...DEMO, claims: again(DEMO.claims) },
      { ...DEMO, terminals: again(terminals) },
    ])
      expect(() => checkSeed(seed)).toThrow('twice');
  });

  it('of households: the demo’s collide nowhere; what is no month, no digits, or there twice is refused', () => {
    const households = demoHouseholds('2026-11-22');
    expect(() => checkSeed({ ...DEMO, households })).not.toThrow();
    const home = (over: Partial<SeedHousehold>): SeedHousehold => ({
      userNo: '2002203301',
      uses: [],
      ...over,
    });
    const gas = (month: string, quantity: number): SeedHousehold['uses'] => [
      { kind: 'gas', unit: 'm3', months: [{ month, quantity }] },
    ];
    for (const [wrong, why] of [
      [[home({}), home({})], 'twice'],
      [[home({ phoneLast4: '62125' })], 'last four'],
      [[home({ uses: gas('2026-13', 1) })], 'no use'],
      [[home({ uses: gas('2026-11', -1) })], 'no use'],
      [[home({ uses: [...gas('2026-11', 1), ...gas('2026-10', 1)] })], 'utility twice'],
    ] as const)
      expect(() => checkSeed({ ...DEMO, households: wrong })).toThrow(why);
  });
});
