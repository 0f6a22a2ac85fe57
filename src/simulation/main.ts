import { fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import { CONSEQUENCES } from './faults.ts';
import { LEAST_SERVED, SERVED_FROM } from './modes.ts';
import { FAULTS, MODES } from './town.ts';
import { simulate } from './run.ts';
import type { Mode, SimResult } from './town.ts';

const USAGE = `usage: pilotlight simulate --seeds N [--seed S] [--sessions M] [--jobs J] [--real-every K] [--mode M] [--story] [--json]
  --seeds N       so many worlds, each from its own seed (default 200)
  --seed S        the first seed (default 1); with --seeds 1 a seed is replayed
  --sessions M    customers in each world (default 20)
  --jobs J        processes side by side (default 1)
  --real-every K  each K-th world runs on the real engines: PostgreSQL, RSA and Ed25519 (default 250; 0: none)
  --mode M        who cheats: none (default), interposer (a chip between card and reader), rogue (a terminal's key
                  in a thief's hands), line (somebody between the kiosks and central, TLS broken)
  --story         tells what happened, for --seeds 1
  --json          one JSON document instead of text
exit code: 0 no violation; 1 violations, or (from 300 worlds on) a kind of fault that never came; 2 wrong usage`;

/** From so many worlds on, every kind of fault must have been met. */
const ALL_FAULTS_FROM = 300;

interface Totals {
  seeds: number;
  sessions: number;
  real: number;
  faults: Record<string, number>;
  captured: number;
  delivered: number;
  refunded: number;
  parked: Record<string, number>;
  ends: Record<string, number>;
  violations: { seed: number; sessions: number; problems: readonly string[] }[];
}
const none = (): Totals => ({
  seeds: 0,
  sessions: 0,
  real: 0,
  faults: {},
  captured: 0,
  delivered: 0,
  refunded: 0,
  parked: {},
  ends: {},
  violations: [],
});

function addUp(into: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [k, n] of Object.entries(more)) into[k] = (into[k] ?? 0) + n;
}
function addResult(t: Totals, r: SimResult, real: boolean): void {
  t.seeds += 1;
  t.sessions += r.sessions;
  t.real += real ? 1 : 0;
  addUp(t.faults, r.faults);
  t.captured += r.captured;
  t.delivered += r.delivered;
  t.refunded += r.refunded;
  addUp(t.parked, r.parked);
  addUp(t.ends, r.ends);
  if (r.violations.length > 0)
    t.violations.push({ seed: r.seed, sessions: r.sessions, problems: r.violations });
}
function addTotals(t: Totals, o: Totals): void {
  t.seeds += o.seeds;
  t.sessions += o.sessions;
  t.real += o.real;
  addUp(t.faults, o.faults);
  t.captured += o.captured;
  t.delivered += o.delivered;
  t.refunded += o.refunded;
  addUp(t.parked, o.parked);
  addUp(t.ends, o.ends);
  t.violations.push(...o.violations);
}

/** How often is told how far it is, ms. */
const TELL_EVERY_MS = 10_000;

/** Every `jobs`-th seed from `first` on. */
async function seeds(
  from: number,
  to: number,
  step: number,
  sessions: number,
  realEvery: number,
  mode: Mode,
  progress: (t: Totals) => void,
): Promise<Totals> {
  const totals = none();
  for (let seed = from; seed <= to; seed += step) {
    const real = realEvery > 0 && seed % realEvery === 0;
    addResult(totals, await simulate(seed, sessions, real, null, mode), real);
    progress(totals);
    // A defect that shows in every world need not be shown a thousand times.
    if (totals.violations.length >= 10) break;
  }
  return totals;
}

/**
 * A process that works off its part of the seeds.
 *
 * @param heard its sums so far, now and then, and in the end the last
 */
function child(args: readonly string[], heard: (t: Totals) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    // A young generation of some sessions' size: what they leave behind is not copied about first.
    const worker = fork(import.meta.filename, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [...process.execArgv, '--max-semi-space-size=64'],
    });
    let newest: Totals | null = null;
    worker.on('message', (m) => {
      newest = m as Totals;
      heard(newest);
    });
    worker.on('exit', (code) => {
      if (code === 0 && newest !== null) resolve();
      else reject(new Error(`a worker ended with ${String(code)}`));
    });
  });
}

const yuan = (fen: number): string =>
  `${Math.trunc(fen / 100)}.${String(fen % 100).padStart(2, '0')}`;
const list = (o: Readonly<Record<string, number>>): string =>
  Object.entries(o)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([k, n]) => `  ${k.padEnd(32)} ${String(n).padStart(9)}`)
    .join('\n');

async function main(): Promise<number> {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        seeds: { type: 'string' },
        seed: { type: 'string' },
        sessions: { type: 'string' },
        jobs: { type: 'string' },
        'real-every': { type: 'string' },
        'every-from': { type: 'string' },
        mode: { type: 'string' },
        story: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (cause) {
    console.error(
      `pilotlight simulate: ${cause instanceof Error ? cause.message : String(cause)}\n${USAGE}`,
    );
    return 2;
  }
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const number = (
    name: 'seeds' | 'seed' | 'sessions' | 'jobs' | 'real-every',
    fallback: number,
    least: number,
  ): number | null => {
    const text = values[name];
    if (text === undefined) return fallback;
    const n = Number(text);
    return /^\d+$/.test(text) && Number.isSafeInteger(n) && n >= least ? n : null;
  };
  const count = number('seeds', 200, 1);
  const first = number('seed', 1, 1);
  const sessions = number('sessions', 20, 1);
  const jobs = number('jobs', 1, 1);
  const realEvery = number('real-every', 250, 0);
  if (
    count === null ||
    first === null ||
    sessions === null ||
    jobs === null ||
    realEvery === null
  ) {
    console.error(`pilotlight simulate: numbers are whole and positive\n${USAGE}`);
    return 2;
  }
  const to = first + count - 1;
  const mode = MODES.find((m) => m === (values.mode ?? 'none'));
  if (mode === undefined) {
    console.error(`pilotlight simulate: no such mode\n${USAGE}`);
    return 2;
  }

  // As a worker: every so many-th seed, the sums go back to the parent.
  if (values['every-from'] !== undefined) {
    const say = (t: Totals): Promise<void> =>
      new Promise((done) => process.send?.(t, () => done()) ?? done());
    let saidMs = performance.now();
    const totals = await seeds(
      Number(values['every-from']),
      to,
      jobs,
      sessions,
      realEvery,
      mode,
      (t) => {
        if (performance.now() - saidMs < TELL_EVERY_MS) return;
        saidMs = performance.now();
        void say(t);
      },
    );
    await say(totals);
    return 0;
  }
  if (count === 1) {
    const story: string[] = [];
    const real = realEvery > 0 && first % realEvery === 0;
    const result = await simulate(first, sessions, real, story, mode);
    if (values.story === true || result.violations.length > 0) console.log(story.join('\n'));
    console.log(JSON.stringify(result, null, 2));
    return result.violations.length === 0 ? 0 : 1;
  }
  const began = performance.now();
  let toldMs = began;
  const parts: Totals[] = Array.from({ length: jobs }, none);
  const sum = (): Totals => {
    const totals = none();
    for (const part of parts) addTotals(totals, part);
    return totals;
  };
  await Promise.all(
    parts.map(async (_part, i) => {
      await child(
        [
          '--seeds',
          String(count),
          '--seed',
          String(first),
          '--sessions',
          String(sessions),
          '--jobs',
          String(jobs),
          '--real-every',
          String(realEvery),
          '--mode',
          mode,
          '--every-from',
          String(first + i),
        ],
        (part) => {
          parts[i] = part;
          if (performance.now() - toldMs < TELL_EVERY_MS) return;
          toldMs = performance.now();
          const t = sum();
          console.error(
            `${t.seeds} worlds, ${t.sessions} sessions, ${t.violations.length} violations, ${Math.round((t.sessions / (performance.now() - began)) * 60_000)} sessions a minute`,
          );
        },
      );
    }),
  );
  const totals = sum();
  const seconds = (performance.now() - began) / 1000;
  const missing = [...FAULTS, ...CONSEQUENCES].filter((kind) => (totals.faults[kind] ?? 0) === 0);
  const served = (totals.ends['order delivered'] ?? 0) + (totals.ends['order refunded'] ?? 0);
  const unserved =
    mode !== 'none' && count >= SERVED_FROM && served < LEAST_SERVED * totals.sessions;
  const summary = {
    ...totals,
    faultKindsNotMet: missing,
    seconds: Math.round(seconds * 10) / 10,
    sessionsPerMinute: Math.round((totals.sessions / seconds) * 60),
  };
  if (values.json === true) console.log(JSON.stringify(summary, null, 2));
  else {
    console.log(
      `${totals.seeds} worlds (${totals.real} on the real engines), ${totals.sessions} sessions in ${seconds.toFixed(1)} s: ${summary.sessionsPerMinute} a minute`,
    );
    console.log(
      `captured ${yuan(totals.captured)}, delivered ${yuan(totals.delivered)}, refunded ${yuan(totals.refunded)} yuan`,
    );
    console.log(
      `faults\n${list(totals.faults)}\nends\n${list(totals.ends)}\nparked\n${list(totals.parked)}`,
    );
    if (missing.length > 0) console.log(`not met: ${missing.join(', ')}`);
    if (unserved) console.log(`of ${totals.sessions} sessions only ${served} were served`);
    for (const v of totals.violations)
      console.log(
        `VIOLATION in seed ${v.seed}; replay: npx pilotlight simulate --seeds 1 --seed ${v.seed} --sessions ${sessions}${mode === 'none' ? '' : ` --mode ${mode}`} --story\n${v.problems.map((p) => `  ${p}`).join('\n')}`,
      );
    console.log(
      totals.violations.length === 0
        ? 'no violation'
        : `${totals.violations.length} worlds with violations`,
    );
  }
  // A large run that never met some fault proves nothing about it.
  return totals.violations.length === 0 &&
    !unserved &&
    (missing.length === 0 || count < ALL_FAULTS_FROM)
    ? 0
    : 1;
}

process.exitCode = await main();
if (process.send !== undefined) process.disconnect();
