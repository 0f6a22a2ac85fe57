import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';

/**
 * What the kiosk's package may not hold: neither the demo's parts nor a sample key
 * (docs/layouts/pl-cpu.md).
 */
const root = fileURLToPath(new URL('../../..', import.meta.url));
const SAMPLE_KEYS = [
  '0F1E2D3C4B5A69788796A5B4C3D2E1F0',
  '1032547698BADCFE0123456789ABCDEF',
  '00112233445566778899AABBCCDDEEFF',
  '11223344556677888877665544332211',
];

/** Names that the simulator's and central's modules export, read from their sources. */
function exportedNames(room: string): string[] {
  return readdirSync(join(root, 'src', room), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) =>
      [
        ...readFileSync(join(root, 'src', room, file), 'utf8').matchAll(
          /^export (?:async )?(?:class|function) (\w+)/gm,
        ),
      ].map((m) => m[1] as string),
    )
    .filter((name) => name.length > 8);
}

beforeAll(() => {
  const built = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs'), 'core', 'cli'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(`${built.stdout}${built.stderr}`);
}, 60_000);

describe.each(['dist/core/core.mjs', 'dist/cli/cli.mjs'])('%s', (file) => {
  const text = (): string => readFileSync(join(root, file), 'utf8');

  test('holds no sample key, and refuses in its place', () => {
    const upper = text().toUpperCase();
    expect(SAMPLE_KEYS.filter((key) => upper.includes(key))).toEqual([]);
    expect(text()).toContain('this build carries no sample keys');
  });

  test('holds nothing of the simulator or of central', () => {
    const names = [...exportedNames('simulator'), ...exportedNames('central')];
    expect(names).toContain('createWechatSandbox');
    expect(names).toContain('createCentral');
    expect(
      names.filter((name) => new RegExp(`\\b(?:class|function) ${name}\\b`).test(text())),
    ).toEqual([]);
    expect(/\b(?:simulator|central)\/\w+\.ts/.test(text())).toBe(false);
  });
});

test('the PC/SC process is built with the core, and finds its addon', async () => {
  const file = join(root, 'dist/pcsc/pcsc.mjs');
  const upper = readFileSync(file, 'utf8').toUpperCase();
  expect(SAMPLE_KEYS.filter((key) => upper.includes(key))).toEqual([]);
  const child = fork(file, [], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { PATH: process.env['PATH'] ?? '', PCSCLITE_CSOCK_NAME: join(root, 'no-such-socket') },
  });
  const ended = once(child, 'exit');
  expect(((await once(child, 'message')) as [unknown])[0]).toMatchObject({
    say: 'over',
    message: expect.stringMatching(/0x8010001d/i) as string,
  });
  child.disconnect();
  expect(await ended).toEqual([null, 'SIGKILL']);
});
