import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fitSchema } from '../../../src/central/db/migrate.ts';
import { MIGRATIONS } from '../../../src/central/db/migrations/index.ts';
import { systemClock, systemRandom } from '../../../src/main/ports.ts';
import { askAdmin, adminSocket, serveAdmin } from '../../../src/main/central/admin.ts';
import type { AdminTalk } from '../../../src/main/central/admin.ts';
import { runCentral } from '../../../src/main/central/run.ts';
import { freePorts } from '../../support/ports.ts';
import { openDb } from '../central/harness.ts';

/** Commands while central serves from its embedded database, which is one process's own. */
describe('a command beside a central that serves', () => {
  let folder: string;
  let stop: () => void;
  let served: Promise<number>;
  const log: string[] = [];
  const run = async (...args: string[]) => {
    const out: string[] = [];
    const err: string[] = [];
    const exit = await runCentral(args, {
      cwd: join(folder, 'office'),
      out: (line) => out.push(line),
      err: (line) => err.push(line),
      clock: systemClock,
      random: systemRandom,
      log: (_level, _room, message) => log.push(message),
      stdin: () => Promise.resolve(new Uint8Array()),
      user: 'tester',
      told: new Promise((done) => {
        if (args.length === 2) stop = done;
      }),
    });
    return { exit, out: out.join('\n'), err: err.join('\n') };
  };
  const config = (): string => join(folder, 'central.json');

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pilotlight-admin-'));
    mkdirSync(join(folder, 'office'));
    const port = await freePorts(3);
    writeFileSync(
      config(),
      JSON.stringify({
        mode: 'demo',
        dataDir: 'data',
        database: { kind: 'embedded' },
        keys: { policy: 'k/p.key', answers: 'k/a.key', gateway: 'k/g.key' },
        listen: {
          terminals: { port },
          pages: { port: port + 1 },
          staff: { port: port + 2 },
        },
      }),
    );
    expect((await run('init', '--config', config())).exit).toBe(0);
    served = run('--config', config()).then((r) => r.exit);
    const until = systemClock.monoMs() + 30_000;
    while (systemClock.monoMs() < until && log.filter((m) => m === 'listening').length < 3)
      await new Promise<void>((done) => void systemClock.after(20, done));
  }, 60_000);
  afterAll(async () => {
    stop();
    expect(await served).toBe(0);
    rmSync(folder, { recursive: true, force: true });
  });

  test('is carried out by it, with files of whoever typed it, and under his name', async () => {
    const tiers = [{ upto: null, price: '2.65' }];
    writeFileSync(
      join(folder, 'office', 'home.json'),
      JSON.stringify({ tariffId: 'home', version: 1, tiers }),
    );
    const at = ['--config', config()];
    expect(await run('tariff', 'add', 'home.json', '--by', '李雷', ...at)).toMatchObject({
      exit: 0,
    });
    expect((await run('tariff', 'list', ...at)).out).toContain('2.6500');
    const missing = await run('tariff', 'add', 'nobody.json', ...at);
    expect(missing.exit).not.toBe(0);
    expect(missing.err).toContain('nobody.json');
    expect((await run('tariff', 'nothing', ...at)).exit).toBe(2);
  });

  test('comes by a socket that is its owner’s alone', () => {
    expect(statSync(adminSocket(join(folder, 'data'))).mode & 0o777).toBe(0o600);
  });
});

describe('the socket', () => {
  test('a file that is too large for it is refused in words, and central goes on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pilotlight-admin-'));
    const path = join(folder, 'admin.sock');
    const server = await serveAdmin(path, async (_ask, { readFile }) => {
      await readFile('one');
      return 0;
    });
    const errs: string[] = [];
    const talk = (bytes: number): AdminTalk => ({
      out: () => undefined,
      err: (line) => errs.push(line),
      readFile: () => Promise.resolve(new Uint8Array(bytes)),
      writeFile: () => Promise.resolve(),
    });
    try {
      expect(await askAdmin(path, { args: ['one'], who: 'x' }, talk(48 << 20))).toBe(1);
      expect(errs).toEqual([expect.stringContaining('more than central takes while it serves')]);
      expect(await askAdmin(path, { args: ['one'], who: 'x' }, talk(1_000))).toBe(0);
    } finally {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('takes only a socket that nobody has for nobody who listens', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pilotlight-admin-'));
    const heard: string[] = [];
    const talk: AdminTalk = {
      out: (line) => heard.push(line),
      err: (line) => heard.push(`! ${line}`),
      readFile: () => Promise.resolve(new Uint8Array(0)),
      writeFile: () => Promise.resolve(),
    };
    const ask = (path: string) => askAdmin(path, { args: [], who: 'x' }, talk);
    try {
      expect(await ask(join(folder, 'none.sock'))).toBeNull();
      const file = join(folder, 'file');
      writeFileSync(file, '');
      expect(await ask(file)).toBeNull();
      expect(heard).toEqual([]);
      expect(await ask(join(file, 'admin.sock'))).toBe(1);
      expect(heard).toEqual([expect.stringMatching(/^! .*cannot be asked \(.*ENOTDIR/)]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('says so when the service goes before the command has ended', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pilotlight-admin-'));
    const path = join(folder, 'admin.sock');
    try {
      const server = await serveAdmin(path, async (_ask, talk) => {
        talk.out('begun');
        await talk.readFile('one');
        return 0;
      });
      const heard: string[] = [];
      const talk: AdminTalk = {
        out: (line) => heard.push(line),
        err: (line) => heard.push(`! ${line}`),
        readFile: async () => {
          await server.close();
          return new Uint8Array(0);
        },
        writeFile: () => Promise.resolve(),
      };
      expect(await askAdmin(path, { args: ['one'], who: 'x' }, talk)).toBe(1);
      expect(heard[0]).toBe('begun');
      expect(heard[1]).toMatch(/^! central ended before the command did/);
      // Nobody listens any more: whoever asks does it himself.
      expect(await askAdmin(path, { args: [], who: 'x' }, talk)).toBeNull();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a service asks for no file that was not named', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pilotlight-admin-'));
    const path = join(folder, 'admin.sock');
    const touched: string[] = [];
    const talk: AdminTalk = {
      out: () => undefined,
      err: () => undefined,
      readFile: (file) => {
        touched.push(`read ${file}`);
        return Promise.resolve(new Uint8Array([1]));
      },
      writeFile: (file) => {
        touched.push(`write ${file}`);
        return Promise.resolve();
      },
    };
    const told: string[] = [];
    const say = (work: Promise<unknown>): Promise<void> =>
      work.then(
        () => void told.push('given'),
        (cause: unknown) => void told.push((cause as Error).message),
      );
    const server = await serveAdmin(path, async (_ask, service) => {
      for (const file of ['/etc/shadow', './home.json', 'tariff/../home.json', 'json', ''])
        await say(service.readFile(file));
      await say(service.writeFile('/etc/cron.d/x', 'x'));
      await say(service.readFile('home.json'));
      await say(service.writeFile('out.txt', 'x'));
      return 0;
    });
    try {
      const args = ['tariff', 'add', 'home.json', '--to=out.txt'];
      expect(await askAdmin(path, { args, who: 'x' }, talk)).toBe(0);
      expect(touched).toEqual(['read home.json', 'write out.txt']);
      expect(told.slice(-2)).toEqual(['given', 'given']);
      expect(told.slice(0, -2).every((why) => why.endsWith('the command does not name it'))).toBe(
        true,
      );
      expect(told).toHaveLength(8);
    } finally {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a command that waits for a file ends with whoever typed it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pilotlight-admin-'));
    const path = join(folder, 'admin.sock');
    let ended: (why: string) => void = () => undefined;
    const why = new Promise<string>((done) => (ended = done));
    const server = await serveAdmin(path, async (_ask, service) => {
      const first = service.readFile('one').catch((cause: unknown) => (cause as Error).message);
      ended(`${String(await first)}, ${await service.readFile('two').catch(() => 'and again')}`);
      return 1;
    });
    try {
      const socket = connect(path);
      socket.write(`${JSON.stringify({ ask: { args: ['one'], who: 'x' } })}\n`);
      socket.once('data', () => socket.destroy());
      expect(await why).toBe('whoever typed the command is gone, and again');
    } finally {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('the schema as a command finds it', () => {
  test('is made where there is none, and is not changed under services that serve', async () => {
    const db = await openDb('postgres');
    const at = async (): Promise<number | undefined> =>
      (
        await db.query<{ number: number }>(
          'SELECT number FROM schema_migrations ORDER BY number DESC LIMIT 1',
        )
      )[0]?.number;
    const look = { alone: false, make: false };
    const command = { alone: false, make: true };
    try {
      expect(await fitSchema(db, look)).toBe(0);
      await expect(at()).rejects.toThrow();
      expect(await fitSchema(db, command)).toBe(MIGRATIONS.length);
      expect(await at()).toBe(MIGRATIONS.length);
      expect(await fitSchema(db, look)).toBe(MIGRATIONS.length);
      // The program was upgraded, and the service not restarted yet.
      await db.query('DELETE FROM schema_migrations WHERE number = $1', [MIGRATIONS.length]);
      for (const how of [look, command])
        await expect(fitSchema(db, how)).rejects.toThrow(/restart the service/);
      expect(await at()).toBe(MIGRATIONS.length - 1);
    } finally {
      await db.close();
    }
  });
});
