// npm test: lint, types, then every suite; the last line sums them up. `--full` runs the long
// counts.
// Usage: node scripts/test.mjs [--full] [--limit=SECONDS] [suite …]   (a suite that is not over by
// then has failed; suites: lint types unit screens simulate integration powercut concurrency
// conformance kill e2e install;
// conformance and install only with --full or by name)
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTANTS } from '../test/mutants/catalogue.mjs';
import { unnamed } from '../test/mutants/names.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const args = process.argv.slice(2);
const full = args.includes('--full');
/**
 * A suite that takes longer hangs: it is ended and counts as failed, so that a run always has an
 * end and a last line.
 */
const limitMs =
  1000 *
  Number(
    args.find((a) => a.startsWith('--limit='))?.slice('--limit='.length) ?? (full ? 4 * 3600 : 720),
  );
const wanted = args.filter((a) => !a.startsWith('--'));
const folder = mkdtempSync(path.join(tmpdir(), 'pilotlight-test-'));
const totals = { passed: 0, failed: 0, skipped: 0 };
const rows = [];
/** What failed, said once more at the end: a log that is cut keeps its end. */
const failures = [];

const env = {
  ...process.env,
  // The demo's processes are many and the same: what one compiled the others load.
  NODE_COMPILE_CACHE: path.join(folder, 'compile-cache'),
  PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH}`,
  ...(full
    ? {
        PILOTLIGHT_FULL: '1',
        PILOTLIGHT_HOURS: process.env.PILOTLIGHT_HOURS ?? '60',
        PILOTLIGHT_KILLS: process.env.PILOTLIGHT_KILLS ?? '200',
      }
    : {}),
};

async function timed(name, suite) {
  if (wanted.length > 0 && !wanted.includes(name)) return;
  const began = Date.now();
  process.stdout.write(`\n=== ${name}\n`);
  const r = await suite();
  const seconds = Math.round((Date.now() - began) / 1000);
  totals.passed += r.passed;
  totals.failed += r.failed;
  totals.skipped += r.skipped;
  rows.push(
    `${name.padEnd(12)} ${String(r.passed).padStart(4)} passed ${String(r.failed).padStart(3)} failed ${String(r.skipped).padStart(3)} skipped ${String(seconds).padStart(4)} s`,
  );
}

const groups = new Set();
/** Ends what a suite has left running; its processes are a group of their own. */
function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
  groups.delete(pid);
}
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    for (const pid of groups) endGroup(pid);
    process.exit(1);
  });
}

/**
 * Lets a suite compute only when nobody else wants to: what runs in virtual time may wait, and what
 * has a watchdog beside it may not. Linux weighs sessions before it weighs processes (sched(7),
 * autogroup), and each suite is a session.
 */
function yieldToOthers(pid) {
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
    writeFileSync(`/proc/${pid}/autogroup`, '19');
  } catch {
    // Another system, or one that weighs processes alone.
  }
}

/** How long a suite may take to go after its report is written, ms. */
const GOING_MS = 60_000;

/**
 * Runs one suite's program; true where it ended well and in time. Decided by its exit and not by
 * the close of its pipes: a process that a failed test has left behind holds those open for ever,
 * and vitest itself waits for them.
 */
async function run(name, argv, { buffered = false, report, patient = false } = {}) {
  const child = spawn(process.execPath, argv, {
    cwd: root,
    stdio: ['ignore', buffered ? 'pipe' : 'inherit', buffered ? 'pipe' : 'inherit'],
    env,
    detached: true,
  });
  groups.add(child.pid);
  if (patient) yieldToOthers(child.pid);
  const said = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => said.push(chunk));
  const closed = once(child, 'close');
  let late = null;
  const end = (why) => {
    late = why;
    endGroup(child.pid);
  };
  const timer = setTimeout(end, limitMs, `not over after ${limitMs / 1000} s, ended`);
  let going;
  const watch = setInterval(() => {
    if (report !== undefined && existsSync(report))
      going ??= setTimeout(
        end,
        GOING_MS,
        'over, but its program does not end: a test has left a process behind',
      );
  }, 1000);
  const [code] = await once(child, 'exit');
  clearTimeout(timer);
  clearTimeout(going);
  clearInterval(watch);
  endGroup(child.pid);
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 2000))]);
  process.stdout.write(Buffer.concat(said));
  if (late !== null) process.stdout.write(`${name}: ${late}\n`);
  return code === 0;
}

/** A step that is right or wrong as a whole. */
function step(name, argv, how = {}) {
  return async () => {
    const good = await run(name, argv, how);
    return { passed: good ? 1 : 0, failed: good ? 0 : 1, skipped: 0 };
  };
}

/** Lines of a failure's message that are said again: what was expected, and what came. */
const SAID_LINES = 12;

/** The failed tests of a report, and files that could not be run at all. */
function failuresOf(project, report) {
  return report.testResults.flatMap((file) => {
    const where = `${project} · ${path.relative(root, file.name)}`;
    const failed = file.assertionResults
      .filter((t) => t.status === 'failed')
      .map((t) => ({ what: `${where} · ${t.fullName}`, why: t.failureMessages.join('\n') }));
    return failed.length > 0 || file.status !== 'failed'
      ? failed
      : [{ what: where, why: file.message }];
  });
}

/** A test that was renamed leaves the sabotage that it was to catch to nobody. */
function lostMutants(project, report) {
  const tests = new Map(
    report.testResults.map((file) => [
      path.relative(root, file.name).replaceAll(path.sep, '/'),
      file.assertionResults.map((t) => t.fullName),
    ]),
  );
  return unnamed(MUTANTS, project, (file) => tests.get(file)).map((what) => ({
    what: `${project} · mutants`,
    why: what,
  }));
}

/** A vitest project; what it counted is read from its report, and a run without a report has failed. */
function vitest(project, how = {}) {
  return async () => {
    const report = path.join(folder, `${project}.json`);
    const good = await run(
      project,
      [
        path.join(root, 'node_modules/vitest/vitest.mjs'),
        'run',
        '--project',
        project,
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${report}`,
      ],
      { ...how, report },
    );
    if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
    const r = JSON.parse(readFileSync(report, 'utf8'));
    const lost = lostMutants(project, r);
    failures.push(...failuresOf(project, r), ...lost);
    return {
      passed: r.numPassedTests,
      failed: r.numFailedTests + (r.numFailedTests === 0 && !good ? 1 : 0) + lost.length,
      skipped: r.numPendingTests + (r.numTodoTests ?? 0),
    };
  };
}

await Promise.all([
  timed('lint', step('lint', ['scripts/lint.mjs'])),
  timed('types', step('types', [path.join('node_modules', 'typescript', 'bin', 'tsc'), '-p', '.'])),
]);
await timed('unit', vitest('unit'));
// The races wait for each other most of the time: every screen once beside them, by turns in all
// formats, languages and modes (full: in each of them, alone).
const screens = (...how) =>
  timed('screens', step('screens', ['scripts/screens.mjs', '--axe', ...how]));
await Promise.all([
  timed('concurrency', vitest('concurrency')),
  ...(full ? [] : [screens('--once')]),
]);
if (full) await screens('--check');
// One waits for a card service, two compute, one waits for what it killed: side by side, the words
// of the others after the first's. The towns have 20 sessions each, one of them (full: eight) is on
// the real engines; with the full counts they have the machine to themselves.
const towns = (...more) =>
  step('simulate', ['src/simulation/main.ts', '--jobs', '2', ...more], { patient: true });
const simulate = () =>
  timed('simulate', async () => {
    const sum = { passed: 0, failed: 0, skipped: 0 };
    for (const run of [
      towns(...(full ? ['--seeds', '2000'] : ['--seeds', '60', '--real-every', '60'])),
      // Where somebody cheats: test/attacks has a few more of them.
      ...['interposer', 'rogue', 'line'].map((mode) =>
        towns('--mode', mode, '--seeds', full ? '150' : '4', '--real-every', full ? '75' : '0'),
      ),
    ]) {
      const { passed, failed } = await run();
      sum.passed += passed;
      sum.failed += failed;
    }
    return sum;
  });
if (full) await simulate();
await Promise.all([
  timed('integration', vitest('integration')),
  timed('powercut', vitest('powercut', { buffered: true, patient: true })),
  timed('kill', vitest('kill', { buffered: true })),
  ...(full ? [] : [simulate()]),
]);
if (full || wanted.includes('conformance')) await timed('conformance', vitest('conformance'));
await timed('e2e', vitest('e2e'));
if (full || wanted.includes('install'))
  await timed('install', step('install', ['scripts/install-test.mjs']));
rmSync(folder, { recursive: true, force: true });
for (const { what, why } of failures)
  console.log(`\nFAILED ${what}\n${why.split('\n').slice(0, SAID_LINES).join('\n')}`);
console.log(`\n${rows.join('\n')}\n`);
console.log(
  `${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`,
);
process.exit(totals.failed > 0 || totals.passed === 0 ? 1 : 0);
