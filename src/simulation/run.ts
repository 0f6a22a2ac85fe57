import { QUICK, REAL } from './engines.ts';
import { PowerCut } from './site.ts';
import { World } from './world.ts';
import type { Mode, SimResult } from './town.ts';

/**
 * What went on after the power was cut is nobody's: a promise of a dead process may end in
 * {@link PowerCut}. Anything else is a defect.
 */
const INJECTED = new Set([
  'the journal is closed after a write error',
  'EIO: i/o error, fsync',
  'disk I/O error',
  'database or disk is full',
]);
let current: World | null = null;
process.on('unhandledRejection', (error) => {
  // A machine ends in onFatal, before the failed write's own error goes anywhere.
  if (error instanceof PowerCut || (error instanceof Error && INJECTED.has(error.message))) return;
  if (current === null) throw error;
  current.problem(
    `defect: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
});

/**
 * One seed, start to quiet end. The same seed and number of sessions give the same run, to the last
 * byte.
 */
export async function simulate(
  seed: number,
  sessions: number,
  real: boolean,
  story: string[] | null,
  mode: Mode = 'none',
): Promise<SimResult> {
  const world = new World({ seed, sessions, engines: real ? REAL : QUICK, story, mode });
  current = world;
  try {
    return await world.run();
  } catch (error) {
    world.problem(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return {
      seed,
      sessions,
      faults: Object.fromEntries(world.counts),
      captured: 0,
      delivered: 0,
      refunded: 0,
      parked: {},
      ends: {},
      violations: world.problems,
    };
  } finally {
    current = null;
  }
}
