import type { Clock } from '../shared/ports.ts';

/** What was found is not what is promised; its message says what came. */
export class NotKept extends Error {}

/** One thing that a contract promises, asked of a running system. `W` is what it asks with. */
export interface Check<W> {
  /** Stable: `SIG-03`. Its first part names its group. */
  readonly id: string;
  /** What is promised, in one sentence. */
  readonly says: string;
  /** What it needs that not everybody offers; without it the check is skipped, and says so. */
  readonly needs?: readonly string[];
  /** @throws NotKept where the promise is not kept */
  readonly run: (world: W) => Promise<void>;
}

/** What became of one check. */
export interface Outcome {
  readonly id: string;
  readonly group: string;
  readonly says: string;
  readonly result: 'passed' | 'failed' | 'skipped';
  /** What came instead, or why it was skipped; empty where it passed. */
  readonly came: string;
  readonly tookMs: number;
}

/** @throws NotKept with `came` where the condition does not hold */
export function must(holds: boolean, came: string | (() => string)): asserts holds {
  if (!holds) throw new NotKept(typeof came === 'string' ? came : came());
}

/**
 * Runs checks one after another: later ones build on what earlier ones left behind, never on their
 * success. A check that cannot go on (an answer of no form at all) has failed.
 *
 * @param offered what of {@link Check.needs} is there
 */
export async function runChecks<W>(
  checks: readonly Check<W>[],
  world: W,
  offered: ReadonlySet<string>,
  clock: Clock,
  heard: (outcome: Outcome) => void = () => undefined,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const check of checks) {
    const missing = (check.needs ?? []).filter((need) => !offered.has(need));
    const began = clock.monoMs();
    const [result, came] =
      missing.length > 0
        ? (['skipped', `not offered: ${missing.join(', ')}`] as const)
        : await keptBy(check, world);
    const outcome = {
      id: check.id,
      group: check.id.split('-', 1)[0] ?? check.id,
      says: check.says,
      result,
      came,
      tookMs: Math.round(clock.monoMs() - began),
    };
    outcomes.push(outcome);
    heard(outcome);
  }
  return outcomes;
}

async function keptBy<W>(
  check: Check<W>,
  world: W,
): Promise<readonly ['passed' | 'failed', string]> {
  try {
    await check.run(world);
    return ['passed', ''];
  } catch (cause) {
    return ['failed', (cause instanceof Error ? cause.message : String(cause)).slice(0, 600)];
  }
}
