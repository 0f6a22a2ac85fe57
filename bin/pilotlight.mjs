#!/usr/bin/env node
// `npx pilotlight …`: finds the pinned Node and runs the command line on it. Plain JavaScript for Node 18 and later, no dependencies.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const node = path.join(
  root,
  'node_modules',
  'node',
  'bin',
  process.platform === 'win32' ? 'node.exe' : 'node',
);
if (!existsSync(node)) {
  console.error(
    'pilotlight: the pinned Node is not installed; run `npm start` once (or `npm ci`) in the project folder',
  );
  process.exit(1);
}
/** What is no part of a kiosk: its sources, else its bundle, and what to say where neither is. */
const APART = {
  simulate: {
    files: ['src/simulation/main.ts'],
    missing: 'the simulation is not part of an installed kiosk; run it from the sources',
  },
  // Asks somebody else's central, or billing system: a tool of whoever builds one.
  conformance: {
    files: ['src/conformance/main.ts'],
    missing: 'the conformance suite is not part of an installed kiosk; run it from the sources',
  },
  central: {
    files: ['src/main/central/main.ts', 'dist/central/central.mjs'],
    missing:
      'central is not part of an installed kiosk; install pilotlight-central, or run it from the sources',
  },
};
const apart = Object.hasOwn(APART, process.argv[2] ?? '') ? APART[process.argv[2]] : undefined;
// The sources where they are, else the bundle made from them.
const entry = (apart?.files ?? ['src/main/cli/main.ts', 'dist/cli/cli.mjs'])
  .map((file) => path.join(root, ...file.split('/')))
  .find((file) => existsSync(file));
if (entry === undefined) {
  console.error(
    `pilotlight: ${apart?.missing ?? 'neither src/main/cli/main.ts nor dist/cli/cli.mjs is here; the installation is not whole'}`,
  );
  process.exit(1);
}
// Loopback traffic never goes through a proxy.
const noProxy = [process.env.NO_PROXY ?? process.env.no_proxy ?? '', '127.0.0.1', 'localhost']
  .filter(Boolean)
  .join(',');
const run = spawn(node, [entry, ...process.argv.slice(apart === undefined ? 2 : 3)], {
  stdio: 'inherit',
  env: { ...process.env, NO_PROXY: noProxy, no_proxy: noProxy },
});
// A service is told to end by its process number, which is this one's. What a terminal sends goes
// to both anyway: a second SIGINT would cut an orderly stop short.
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => run.kill(signal));
process.on('SIGINT', () => {
  if (!process.stdin.isTTY) run.kill('SIGINT');
});
run.on('error', (error) => {
  console.error(`pilotlight: the pinned Node could not be started: ${error.message}`);
  process.exit(1);
});
run.on('exit', (code) => process.exit(code ?? 1));
