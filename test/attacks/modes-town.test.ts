import { describe, expect, it } from 'vitest';
import { LEAST_SERVED } from '../../src/simulation/modes.ts';
import { simulate } from '../../src/simulation/run.ts';
import type { Mode } from '../../src/simulation/town.ts';

/**
 * Whole towns beside which somebody cheats all the time, under all the other faults. What is
 * checked in each is in src/simulation: no honest customer's money is lost or doubled, no honest
 * fact is set aside or left waiting, every order ends, and a thief's gas is paid for.
 */
async function towns(mode: Mode, seeds: readonly number[]): Promise<Record<string, number>> {
  const all: Record<string, number> = {};
  const add = (counts: Readonly<Record<string, number>>): void => {
    for (const [name, n] of Object.entries(counts)) all[name] = (all[name] ?? 0) + n;
  };
  for (const seed of seeds) {
    const town = await simulate(seed, 20, false, null, mode);
    expect(town.violations, `seed ${seed}`).toEqual([]);
    add(town.faults);
    add({ sessions: town.sessions, served: 0 });
    add({ served: (town.ends['order delivered'] ?? 0) + (town.ends['order refunded'] ?? 0) });
  }
  expect(all['served']).toBeGreaterThan(LEAST_SERVED * (all['sessions'] ?? 0));
  return all;
}

describe('towns in which somebody cheats', () => {
  it('a thief with a terminal’s key burns no gas that he did not pay for', async () => {
    const all = await towns('rogue', [1, 18, 19, 25]);
    expect(all['thief-wrote']).toBeGreaterThan(1);
    expect(all['thief-heist']).toBeGreaterThan(3);
    expect(all['thief-claims-refund']).toBeGreaterThan(5);
    expect(all['thief-writes-more']).toBeGreaterThan(5);
  }, 120_000);

  it('who sits on the line, TLS broken, changes no sale and ends no order', async () => {
    const all = await towns('line', [10, 14, 17, 21]);
    for (const trick of ['alters-answer', 'grants', 'refuses', 'replays-answer', 'swaps-answers'])
      expect(all[`line-${trick}`], trick).toBeGreaterThan(2);
  }, 120_000);
});
