import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { probePcsc } from '../../../src/main/cli/pcsc-probe.ts';
import { temporaryFolder } from './fixtures.ts';

const bin = fileURLToPath(new URL('../../../bin/pilotlight.mjs', import.meta.url));

test('bin/pilotlight.mjs runs the command line and hands its exit code on', () => {
  const good = spawnSync(process.execPath, [bin, '--help'], { encoding: 'utf8' });
  expect([good.status, good.stdout.split('\n')[0]]).toEqual([
    0,
    'usage: pilotlight doctor [--config FILE] [--as USER] [--lang zh|en] [--json]',
  ]);
  expect(spawnSync(process.execPath, [bin, 'nonsense'], { encoding: 'utf8' }).status).toBe(2);
});

test('without set-up it says what to do', () => {
  const { folder, remove } = temporaryFolder();
  mkdirSync(join(folder, 'bin'));
  cpSync(bin, join(folder, 'bin', 'pilotlight.mjs'));
  const run = spawnSync(process.execPath, [join(folder, 'bin', 'pilotlight.mjs'), 'doctor'], {
    encoding: 'utf8',
  });
  remove();
  expect([run.status, run.stderr]).toEqual([
    1,
    'pilotlight: the pinned Node is not installed; run `npm start` once (or `npm ci`) in the project folder\n',
  ]);
});

test('the PC/SC probe answers without asking the service', async () => {
  expect(['loads', 'no-addon']).toContain((await probePcsc(false)).kind);
});
