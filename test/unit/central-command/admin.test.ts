import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock, systemRandom } from '../../../src/main/ports.ts';
import { askAdmin, adminSocket, serveAdmin } from '../../../src/main/central/admin.ts';
import type { AdminTalk } from '../../../src/main/central/admin.ts';
import { runCentral } from '../../../src/main/central/run.ts';
import { freePorts } from '../../support/ports.ts';

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
      expect(await askAdmin(path, { args: [], who: 'x' }, talk)).toBe(1);
      expect(heard[0]).toBe('begun');
      expect(heard[1]).toMatch(/^! central ended before the command did/);
      // Nobody listens any more: whoever asks does it himself.
      expect(await askAdmin(path, { args: [], who: 'x' }, talk)).toBeNull();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
