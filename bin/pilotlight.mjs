#!/usr/bin/env node
// `npx pilotlight …`: finds the pinned Node and runs the command line on it. Plain JavaScript for Node 18 and later, no dependencies.
import { spawnSync } from 'node:child_process';
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
// The sources where they are, else the bundle made from them.
const simulate = process.argv[2] === 'simulate';
// Asks somebody else's central, or billing system: a tool of whoever builds one.
const conformance = process.argv[2] === 'conformance';
const fromSources = simulate ? 'simulation' : conformance ? 'conformance' : null;
const entry =
  fromSources !== null
    ? [path.join(root, 'src', fromSources, 'main.ts')].find((file) => existsSync(file))
    : [
        ['src', 'main', 'cli', 'main.ts'],
        ['dist', 'cli', 'cli.mjs'],
      ]
        .map((parts) => path.join(root, ...parts))
        .find((file) => existsSync(file));
if (entry === undefined && fromSources !== null) {
  console.error(
    `pilotlight: the ${fromSources} is not part of an installed kiosk; run it from the sources`,
  );
  process.exit(1);
}
if (entry === undefined) {
  console.error(
    'pilotlight: neither src/main/cli/main.ts nor dist/cli/cli.mjs is here; the installation is not whole',
  );
  process.exit(1);
}
// Loopback traffic never goes through a proxy.
const noProxy = [process.env.NO_PROXY ?? process.env.no_proxy ?? '', '127.0.0.1', 'localhost']
  .filter(Boolean)
  .join(',');
const run = spawnSync(node, [entry, ...process.argv.slice(fromSources === null ? 2 : 3)], {
  stdio: 'inherit',
  env: { ...process.env, NO_PROXY: noProxy, no_proxy: noProxy },
});
if (run.error !== undefined) {
  console.error(`pilotlight: the pinned Node could not be started: ${run.error.message}`);
  process.exit(1);
}
process.exit(run.status ?? 1);
