import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whosePin } from '../../../src/kiosk/maintenance/pin.ts';
import type { MaintenanceUser } from '../../../src/kiosk/maintenance/pin.ts';
import { runCli } from '../../../src/main/cli/run.ts';
import { loadConfig } from '../../../src/main/config.ts';
import { machinePorts } from '../../../src/main/core/maintenance.ts';
import { systemClock, systemRandom } from '../../../src/main/ports.ts';
import { DEMO_USER } from '../../../src/demo/technician.ts';

/** The command that makes a PIN's line, and the configuration that takes it. */
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-pin-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function pin(
  args: readonly string[],
  answers: readonly string[],
): Promise<{ code: number; out: string; err: string; asked: number }> {
  let out = '';
  let err = '';
  let asked = 0;
  const code = await runCli(['pin', ...args], {
    cwd: folder,
    out: (text) => (out += text),
    err: (text) => (err += text),
    clock: systemClock,
    random: systemRandom,
    pcsc: () => Promise.resolve({ kind: 'loads' }),
    readers: () => null,
    secret: { typed: true, secret: () => Promise.resolve(answers[asked++] ?? null) },
  });
  return { code, out, err, asked };
}
const example = JSON.parse(
  readFileSync(new URL('../../../resources/terminal.example.json', import.meta.url), 'utf8'),
) as object;
function load(change: Record<string, unknown>): string {
  const file = join(folder, 'terminal.json');
  writeFileSync(file, JSON.stringify({ ...example, ...change }));
  const loaded = loadConfig(file);
  return loaded.ok
    ? JSON.stringify(loaded.value.config.maintenance.users.map((u) => u.name))
    : `${loaded.error.code} ${loaded.error.detail ?? ''}`;
}

describe('pilotlight pin', () => {
  it('prints a line that the configuration takes and that opens with this PIN only; the PIN is nowhere in it', async () => {
    const made = await pin(['--name', '王工'], ['835172', '835172']);
    expect([made.code, made.asked, made.err]).toEqual([0, 2, '']);
    const user = JSON.parse(made.out) as MaintenanceUser;
    expect([await whosePin([user], '835172'), await whosePin([user], '835173')]).toEqual([
      '王工',
      null,
    ]);
    expect(made.out).not.toContain('835172');
    expect(load({ mode: 'demo', maintenance: { users: [user] } })).toBe('["王工"]');
    const again = JSON.parse(
      (await pin(['--name', '王工'], ['835172', '835172'])).out,
    ) as MaintenanceUser;
    expect([again.salt === user.salt, again.hash === user.hash]).toEqual([false, false]);
  });

  it.each([
    [['83517', '83517'], 'at least 6 digits'],
    [['111111', '111111'], 'first that anybody tries'],
    [['123456', '123456'], 'first that anybody tries'],
    [['83517a', '83517a'], 'digits only'],
    [['835172', '835173'], 'not the same'],
    [[], 'no PIN was given'],
  ])('refuses %j: %s', async (answers, why) => {
    const refused = await pin(['--name', 'x'], answers);
    expect([refused.code, refused.out]).toEqual([1, '']);
    expect(refused.err).toContain(why);
  });

  it('needs a name, and takes nothing else', async () => {
    expect((await pin([], ['835172', '835172'])).code).toBe(2);
    expect((await pin(['--name', 'x', '--json'], [])).code).toBe(2);
  });

  it('reads one line from a pipe', async () => {
    const run = spawnSync(
      process.execPath,
      [
        fileURLToPath(new URL('../../../src/main/cli/main.ts', import.meta.url)),
        'pin',
        '--name',
        '赵工',
      ],
      { input: '904417\n', encoding: 'utf8' },
    );
    expect([run.status, run.stderr]).toEqual([0, '']);
    expect(await whosePin([JSON.parse(run.stdout) as MaintenanceUser], '904417')).toBe('赵工');
  });
});

describe('terminal.json', () => {
  const demo = { name: DEMO_USER.name, salt: DEMO_USER.salt, hash: DEMO_USER.hash };
  it('takes the demo’s technician in demo mode only, whatever he is called', () => {
    expect(load({ mode: 'demo', maintenance: { users: [demo] } })).toBe('["李工"]');
    expect(load({ mode: 'production', maintenance: { users: [{ ...demo, name: 'x' }] } })).toMatch(
      /^CONF-0103 .*maintenance\.users\[0\]: the demo's PIN is refused/,
    );
  });
  it('names nobody where it says nothing, and refuses what is no hash', () => {
    expect(load({ mode: 'demo' })).toBe('[]');
    expect(load({ mode: 'demo', maintenance: { users: [{ ...demo, hash: 'd8' }] } })).toMatch(
      /^CONF-0101 .*maintenance\.users\[0\]\.hash/,
    );
    expect(load({ mode: 'demo', maintenance: { users: [{ ...demo, pin: '2580' }] } })).toMatch(
      /^CONF-0101 .*pin/,
    );
  });
});

describe('technicians’ cards', () => {
  const demo = {
    name: DEMO_USER.name,
    salt: DEMO_USER.salt,
    hash: DEMO_USER.hash,
    card: DEMO_USER.card,
  };
  it('one card is one user’s, who has his name for himself', () => {
    expect(
      load({
        mode: 'demo',
        maintenance: { users: [demo, { ...demo, name: 'x', card: '8800009102' }] },
      }),
    ).toBe('["李工","x"]');
    for (const other of [
      { ...demo, name: 'x' },
      { ...demo, card: undefined },
      { ...demo, card: '8800009102' },
    ])
      expect(load({ mode: 'demo', maintenance: { users: [demo, other] } })).toMatch(
        /^CONF-0101 .*maintenance\.users: a user with a card/,
      );
    expect(
      load({ mode: 'demo', maintenance: { users: [{ ...demo, card: '880000910' }] } }),
    ).toMatch(/^CONF-0101 .*card/);
  });

  it('the machine knows whose card it is, and judges the named user’s PIN alone', async () => {
    const other = await pin(['--name', '王工'], ['835172', '835172']);
    const ports = machinePorts({
      users: [demo, JSON.parse(other.out) as MaintenanceUser],
      dataDir: folder,
      secondPath: folder,
      clock: systemClock,
    });
    expect([...(ports.cards ?? [])]).toEqual([[DEMO_USER.card, DEMO_USER.name]]);
    expect(
      await Promise.all([
        ports.checkPin('835172'),
        ports.checkPin('835172', DEMO_USER.name),
        ports.checkPin(DEMO_USER.pin, DEMO_USER.name),
      ]),
    ).toEqual(['王工', null, DEMO_USER.name]);
  });
});

describe('the machine’s part', () => {
  it('the disk’s test is a real one and leaves nothing; a folder that is not there does not pass', async () => {
    const ports = (dataDir: string) =>
      machinePorts({
        users: [],
        dataDir,
        secondPath: dataDir,
        clock: systemClock,
      });
    expect(await ports(folder).scratch()).toBeGreaterThan(0);
    expect(spawnSync('ls', [folder], { encoding: 'utf8' }).stdout).not.toContain('self-test');
    await expect(ports(join(folder, 'absent')).scratch()).rejects.toThrow('ENOENT');
    expect(ports(folder).enabled).toBe(false);
  });

  it('a journal that is not there is not whole, and is told so without an end of the kiosk', async () => {
    const { ok, problems } = await machinePorts({
      users: [],
      dataDir: join(folder, 'none'),
      secondPath: join(folder, 'none'),
      clock: systemClock,
    }).verify();
    expect(ok).toBe(false);
    expect(problems[0]).toContain('no journal');
  });
});
