// npm test: lint, types, then every suite; the last line sums them up. `--full` runs the long counts.
// Usage: node scripts/test.mjs [--full] [suite …]   (suites: lint types unit simulate integration powercut conformance kill e2e; conformance only with --full or by name)
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const args = process.argv.slice(2);
const full = args.includes('--full');
const wanted = args.filter((a) => !a.startsWith('--'));
const folder = mkdtempSync(path.join(tmpdir(), 'pilotlight-test-'));
const totals = { passed: 0, failed: 0, skipped: 0 };
const rows = [];

const env = { ...process.env, PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH}`, ...(full ? { PILOTLIGHT_FULL: '1', PILOTLIGHT_HOURS: process.env.PILOTLIGHT_HOURS ?? '60', PILOTLIGHT_KILLS: process.env.PILOTLIGHT_KILLS ?? '200' } : {}) };

async function timed(name, run) {
  if (wanted.length > 0 && !wanted.includes(name)) return;
  const began = Date.now();
  process.stdout.write(`\n=== ${name}\n`);
  const r = await run();
  const seconds = Math.round((Date.now() - began) / 1000);
  totals.passed += r.passed;
  totals.failed += r.failed;
  totals.skipped += r.skipped;
  rows.push(`${name.padEnd(12)} ${String(r.passed).padStart(4)} passed ${String(r.failed).padStart(3)} failed ${String(r.skipped).padStart(3)} skipped ${String(seconds).padStart(4)} s`);
}

/** A step that is right or wrong as a whole. */
function step(command, argv) {
  return () => {
    const r = spawnSync(command, argv, { cwd: root, stdio: 'inherit', env });
    return { passed: r.status === 0 ? 1 : 0, failed: r.status === 0 ? 0 : 1, skipped: 0 };
  };
}

/** A vitest project; what it counted is read from its report, and a run without a report has failed. */
function vitest(project, buffered = false) {
  return () =>
    new Promise((resolve) => {
      const report = path.join(folder, `${project}.json`);
      const child = spawn(process.execPath, [path.join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`], { cwd: root, stdio: ['ignore', buffered ? 'pipe' : 'inherit', buffered ? 'pipe' : 'inherit'], env });
      const said = [];
      for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => said.push(chunk));
      child.on('close', (code) => {
        process.stdout.write(Buffer.concat(said));
        if (!existsSync(report)) return resolve({ passed: 0, failed: 1, skipped: 0 });
        const r = JSON.parse(readFileSync(report, 'utf8'));
        const failed = r.numFailedTests + (r.numFailedTests === 0 && code !== 0 ? 1 : 0);
        return resolve({ passed: r.numPassedTests, failed, skipped: r.numPendingTests + (r.numTodoTests ?? 0) });
      });
    });
}

await timed('lint', step(process.execPath, ['scripts/lint.mjs']));
await timed('types', step(process.execPath, [path.join('node_modules', 'typescript', 'bin', 'tsc'), '-p', '.']));
await timed('unit', vitest('unit'));
// Worlds of 20 sessions, one of them (full: eight) on the real engines.
await timed('simulate', step(process.execPath, ['src/main/demo/simulate/main.ts', '--jobs', '2', ...(full ? ['--seeds', '2000'] : ['--seeds', '60', '--real-every', '60'])]));
// One waits for a card service, one computes, one waits for what it killed: side by side, the words of the last two after the first's.
await Promise.all([timed('integration', vitest('integration')), timed('powercut', vitest('powercut', true)), timed('kill', vitest('kill', true))]);
if (full || wanted.includes('conformance')) await timed('conformance', vitest('conformance'));
await timed('e2e', vitest('e2e'));
rmSync(folder, { recursive: true, force: true });
console.log(`\n${rows.join('\n')}\n`);
console.log(`${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`);
process.exit(totals.failed > 0 || totals.passed === 0 ? 1 : 0);
