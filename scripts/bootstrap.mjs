// The way in: sets up what is missing, builds what changed, then runs the script on the pinned Node
// 24.
// Usage: node scripts/bootstrap.mjs start|test|test-full|<file> [arguments]. Runs on Node 18 to 26.
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { ensureSetup, pinnedNode, root } from './lib/setup.mjs';

const [what = '', ...args] = process.argv.slice(2);
const ENTRIES = {
  start: ['src/demo/main.ts'],
  test: ['scripts/test.mjs'],
  'test-full': ['scripts/test.mjs', '--full'],
};
const entry = ENTRIES[what] ?? [what];
if (entry[0] === '') {
  console.error('usage: node scripts/bootstrap.mjs start|test|test-full|FILE');
  process.exit(2);
}
ensureSetup({ test: what.startsWith('test') });
const built = spawnSync(
  pinnedNode,
  ['scripts/build.mjs', ...(what === 'start' ? ['renderer', 'voice', 'electron'] : [])],
  { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' },
);
if (built.status !== 0) {
  process.stdout.write(built.stdout ?? '');
  process.exit(1);
}
// Loopback traffic never goes through a proxy.
const noProxy = [process.env.NO_PROXY ?? process.env.no_proxy ?? '', '127.0.0.1', 'localhost']
  .filter(Boolean)
  .join(',');
const child = spawn(
  pinnedNode,
  [...entry.map((e, i) => (i === 0 ? path.join(root, e) : e)), ...args],
  { cwd: root, stdio: 'inherit', env: { ...process.env, NO_PROXY: noProxy, no_proxy: noProxy } },
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => child.kill(signal === 'SIGINT' && process.stdin.isTTY ? 0 : signal));
// npm's shell does not pass signals on: when it is gone, so is whoever wanted this.
if (process.env.npm_lifecycle_event !== undefined) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM');
  }, 1_000).unref();
}
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
