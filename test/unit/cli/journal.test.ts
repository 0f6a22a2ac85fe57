import { spawnSync } from 'node:child_process';
import {
  chownSync,
  mkdirSync,
  symlinkSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Journal } from '../../../src/journal/journal.ts';
import { systemClock, systemRandom } from '../../../src/main/ports.ts';
import { TERMINAL, cli, temporaryFolder, writeJournal } from './fixtures.ts';

let folder = '';
let remove: () => void;
beforeEach(() => {
  ({ folder, remove } = temporaryFolder());
  writeJournal(join(folder, 'kiosk'), join(folder, 'kiosk-second'));
});
afterEach(() => remove());

const verify = (...args: string[]) =>
  cli(
    [
      'journal',
      'verify',
      '--data',
      join(folder, 'kiosk'),
      '--second',
      join(folder, 'kiosk-second'),
      '--json',
      ...args,
    ],
    folder,
  );
/** Changes the database behind the journal's back. */
function tamper(...sql: string[]): void {
  const db = new Database(Journal.file(join(folder, 'kiosk')));
  for (const statement of sql) db.exec(statement);
  db.close();
}

describe('journal verify', () => {
  test('a good journal: 0, beside the core that holds its lock', async () => {
    const core = Journal.open({
      dataDir: join(folder, 'kiosk'),
      secondPath: join(folder, 'kiosk-second'),
      terminalId: TERMINAL,
      clock: systemClock,
      random: systemRandom,
      onFatal: () => undefined,
    });
    expect(core.ok).toBe(true);
    const { code, out } = await verify();
    if (core.ok) core.value.close();
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      terminalId: TERMINAL,
      events: 18,
      orders: 2,
      attempts: 3,
      problems: [],
    });
  });

  test('the folder of a terminal.json stands for the folders that it names, even when it is not valid', async () => {
    writeFileSync(
      join(folder, 'terminal.json'),
      JSON.stringify({ dataDir: 'kiosk', secondPath: 'kiosk-second', other: true }),
    );
    const { code, out } = await cli(['journal', 'verify', '--data', '.'], folder);
    expect(out).toContain('OK: schema, hash chain, rows and second log agree');
    expect(code).toBe(0);
  });

  test('a changed body: 1, the event named', async () => {
    tamper(
      'DROP TRIGGER events_append_only_update',
      `UPDATE events SET body = replace(body, '10000', '10001') WHERE seq = 1`,
    );
    const { code, out } = await verify();
    expect(code).toBe(1);
    expect((JSON.parse(out) as { problems: string[] }).problems).toEqual(
      expect.arrayContaining([
        expect.stringContaining('event 1: the hash chain breaks here'),
        'the schema was altered',
      ]),
    );
  });

  test('a changed row: 1, the order named', async () => {
    tamper(`UPDATE orders SET state = 'delivered' WHERE order_id LIKE '%43'`);
    const { code, out } = await verify();
    expect(code).toBe(1);
    expect(out).toContain('orders PL-000000000311-1-0043: the row is not what its events say');
  });

  test('a changed second log: 1', async () => {
    const log = join(folder, 'kiosk-second', 'second-1.log');
    writeFileSync(log, readFileSync(log, 'utf8').split('\n').slice(0, 4).join('\n'));
    const { code, out } = await verify();
    expect(code).toBe(1);
    expect(out).toContain('second log: ends at');
  });

  test('no journal: 1; text says so', async () => {
    const { code, out } = await cli(['journal', 'verify', '--data', 'nowhere'], folder);
    expect(code).toBe(1);
    expect(out).toContain('no journal at');
  });
});

describe('journal verify over epochs', () => {
  test('the anchor, the epoch and what central refused are told', async () => {
    // Two days on: a closed attempt is no longer asked about.
    const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + 2 * 86_400_000 };
    const opened = Journal.open({
      dataDir: join(folder, 'kiosk'),
      secondPath: join(folder, 'kiosk-second'),
      terminalId: TERMINAL,
      clock,
      random: systemRandom,
      onFatal: () => undefined,
    });
    if (!opened.ok) throw new Error(opened.error.code);
    const journal = opened.value;
    const hashAt = (seq: number): string =>
      journal.unsent(100)?.events.find((e) => e.seq === seq)?.hash ?? '';
    journal.acknowledge(1, 11, hashAt(11));
    expect(journal.prune(0)).toEqual({ events: 11, orders: 1 });
    journal.strand(1, 12);
    journal.beginEpoch(2, 'test');
    journal.close();
    const { code, out } = await cli(
      ['journal', 'verify', '--data', 'kiosk', '--second', 'kiosk-second'],
      folder,
    );
    expect(out).toContain('after event 11 of epoch 1: older ones were pruned');
    expect(out).toContain('epoch 2');
    expect(out).toContain('9 that central refused for good');
    expect(code).toBe(0);
    tamper(
      'DROP TRIGGER events_append_only_update',
      `UPDATE events SET wall_ms = 5 WHERE epoch = 2 AND seq = 1`,
    );
    const bad = await verify();
    expect(bad.code).toBe(1);
    expect((JSON.parse(bad.out) as { problems: string[] }).problems).toContain(
      'event 1 of epoch 2: the hash chain breaks here',
    );
  });
});

describe('journal restore', () => {
  const restore = (...args: string[]) =>
    cli(['journal', 'restore', '--data', 'kiosk', '--second', 'kiosk-second', ...args], folder);
  const damage = (): void => {
    const file = Journal.file(join(folder, 'kiosk'));
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0x5a, 4096));
  };

  test('a whole journal: 0, nothing to do, also with --yes', async () => {
    for (const args of [[], ['--yes']]) {
      const { code, out } = await restore(...args);
      expect(out).toContain('The journal is whole: there is nothing to restore.');
      expect(code).toBe(0);
    }
    expect((await verify()).code).toBe(0);
  });

  test('damage: 1 and what could be had; with --yes 0, done, and where the old file lies', async () => {
    damage();
    const shown = await restore();
    expect(shown.code).toBe(1);
    expect(shown.out).toMatch(/second log second-1\.log +18 +18 of epoch 1 +whole/);
    expect(shown.out).toContain('A restore gives everything up to event 18 of epoch 1');
    expect(shown.out).toContain('Nothing is missing.');
    expect(shown.out).toContain('Nothing was changed.');
    expect((await verify()).code).toBe(1);
    const done = JSON.parse((await restore('--yes', '--json')).out) as {
      aside: string;
      result: { seq: number; lostAfterSeq: number | null };
    };
    expect(done).toMatchObject({
      terminalId: TERMINAL,
      result: { seq: 18, lostAfterSeq: null, certain: true },
    });
    expect(
      readFileSync(join(done.aside, 'journal.db'))
        .subarray(4096)
        .every((b) => b === 0x5a),
    ).toBe(true);
    const checked = await verify();
    expect(JSON.parse(checked.out)).toMatchObject({ ok: true, events: 19, orders: 2, attempts: 3 });
    expect((await restore()).code).toBe(0);
  });

  test('a core that holds the journal: 1, nothing is touched', async () => {
    const core = Journal.open({
      dataDir: join(folder, 'kiosk'),
      secondPath: join(folder, 'kiosk-second'),
      terminalId: TERMINAL,
      clock: systemClock,
      random: systemRandom,
      onFatal: () => undefined,
    });
    const { code, err } = await restore('--yes');
    if (core.ok) core.value.close();
    expect(code).toBe(1);
    expect(err).toContain('stop the kiosk first');
  });

  // Only root gives files away, and only root needs to.
  test.runIf(process.getuid?.() === 0)(
    'as root: whatever it makes is the folder’s owner’s',
    async () => {
      const OWNER = 65_534;
      const own = (place: string): void => {
        chownSync(place, OWNER, OWNER);
        for (const name of readdirSync(place, { recursive: true, encoding: 'utf8' }))
          chownSync(join(place, name), OWNER, OWNER);
      };
      const places = [join(folder, 'kiosk'), join(folder, 'kiosk-second')];
      const strangers = (): string[] =>
        places.flatMap((place) =>
          readdirSync(place, { recursive: true, encoding: 'utf8' }).filter(
            (name) => !name.startsWith('x') && statSync(join(place, name)).uid !== OWNER,
          ),
        );
      writeFileSync(Journal.file(join(folder, 'kiosk')), 'not a database at all');
      for (const place of places) own(place);
      // A link that the kiosk's user put there: what lies behind it stays root's.
      const outside = join(folder, 'outside');
      mkdirSync(outside);
      writeFileSync(join(outside, 'shadow'), 'root only');
      symlinkSync(outside, join(folder, 'kiosk', 'x'));
      // A look makes the lock beside the journal, if nothing else.
      expect((await restore()).code).toBe(1);
      expect(strangers()).toEqual([]);
      expect((await restore('--yes')).code).toBe(0);
      expect(strangers()).toEqual([]);
      expect([statSync(outside).uid, statSync(join(outside, 'shadow')).uid]).toEqual([0, 0]);
    },
  );

  test('nothing left to restore from: 1, JRNL-0107', async () => {
    damage();
    rmSync(join(folder, 'kiosk-second'), { recursive: true });
    writeFileSync(
      join(folder, 'terminal.json'),
      JSON.stringify({ dataDir: 'kiosk', secondPath: 'kiosk-second', terminalId: TERMINAL }),
    );
    const { code, err } = await cli(['journal', 'restore', '--data', '.', '--yes'], folder);
    expect(code).toBe(1);
    expect(err).toContain('JRNL-0107');
  });

  test('a folder without a journal: 1', async () => {
    const { code, err } = await cli(
      ['journal', 'restore', '--data', '.', '--second', 'nowhere'],
      folder,
    );
    expect(code).toBe(1);
    expect(err).toContain('JRNL-010');
  });

  test('without a second log’s folder: 1, and asks for it', async () => {
    const { code, err } = await cli(['journal', 'restore', '--data', 'kiosk'], folder);
    expect(code).toBe(1);
    expect(err).toContain('--second');
  });
});

describe('journal backup', () => {
  const backups = (): string[] => readdirSync(join(folder, 'kiosk', 'backup'));
  const backup = (...args: string[]) => cli(['journal', 'backup', ...args], folder);

  test('0 and its name, beside the core that holds the journal; others go first', async () => {
    const core = Journal.open({
      dataDir: join(folder, 'kiosk'),
      secondPath: join(folder, 'kiosk-second'),
      terminalId: TERMINAL,
      clock: systemClock,
      random: systemRandom,
      onFatal: () => undefined,
    });
    let given = 0;
    const { code, out } = await cli(['journal', 'backup', '--data', 'kiosk'], folder, {
      giveWay: () => (given += 1),
    });
    expect([code, out, given]).toEqual([0, 'journal-1-18.db\n', 1]);
    if (core.ok) core.value.close();
    writeFileSync(
      join(folder, 'terminal.json'),
      JSON.stringify({ dataDir: 'kiosk', secondPath: 'kiosk-second', terminalId: TERMINAL }),
    );
    const named = await backup('--config', 'terminal.json', '--json');
    expect(JSON.parse(named.out)).toEqual({ ok: true, name: 'journal-1-18.db' });
    expect(backups()).toEqual(['journal-1-18.db']);
  });

  test('1 and why: another terminal’s, a broken chain, no journal', async () => {
    writeFileSync(
      join(folder, 'terminal.json'),
      JSON.stringify({ dataDir: 'kiosk', secondPath: 'kiosk-second', terminalId: '000000000999' }),
    );
    const other = await backup('--config', 'terminal.json', '--json');
    expect([other.code, JSON.parse(other.out)]).toEqual([
      1,
      {
        ok: false,
        code: 'JRNL-0101',
        detail: `the backup failed: it belongs to terminal ${TERMINAL}`,
      },
    ]);
    tamper('DROP TRIGGER events_append_only_update', 'UPDATE events SET wall_ms = 5 WHERE seq = 1');
    const broken = await backup('--data', 'kiosk');
    expect([broken.code, broken.out]).toEqual([1, '']);
    expect(broken.err).toContain('the backup failed');
    expect(backups()).toEqual([]);
    const none = await backup('--data', 'nowhere');
    expect([none.code, none.err]).toEqual([1, expect.stringContaining('no journal at')]);
  });

  // Only root becomes somebody else, and only root needs to.
  test.runIf(process.getuid?.() === 0)('as root: all of it is the folder’s owner’s', () => {
    const OWNER = 65_534;
    const places = ['kiosk', 'kiosk-second'].map((name) => join(folder, name));
    chownSync(folder, OWNER, OWNER);
    for (const place of places) {
      chownSync(place, OWNER, OWNER);
      for (const name of readdirSync(place)) chownSync(join(place, name), OWNER, OWNER);
    }
    const main = fileURLToPath(new URL('../../../src/main/cli/main.ts', import.meta.url));
    const run = spawnSync(process.execPath, [main, 'journal', 'backup', '--data', 'kiosk'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect([run.status, run.stdout]).toEqual([0, 'journal-1-18.db\n']);
    const owners = readdirSync(join(folder, 'kiosk'), { recursive: true, encoding: 'utf8' }).map(
      (name) => statSync(join(folder, 'kiosk', name)).uid,
    );
    expect(new Set(owners)).toEqual(new Set([OWNER]));
  });
});

describe('journal orders', () => {
  test('--json gives every order with its attempts', async () => {
    const { code, out } = await cli(['journal', 'orders', '--data', 'kiosk', '--json'], folder);
    expect(code).toBe(0);
    const { orders } = JSON.parse(out) as {
      orders: {
        orderId: string;
        state: string;
        attempts: { attemptId: string; state: string }[];
      }[];
    };
    expect(
      orders.map((o) => [o.orderId, o.state, o.attempts.map((a) => `${a.attemptId} ${a.state}`)]),
    ).toEqual([
      ['PL-000000000311-1-0042', 'delivered', ['a1 closed', 'a2 paid']],
      ['PL-000000000311-1-0043', 'parked', ['a3 paid']],
    ]);
  });

  test('the text is a table, with the card number in part only', async () => {
    const { code, out } = await cli(['journal', 'orders', '--data', 'kiosk'], folder);
    expect(code).toBe(0);
    expect(out).not.toContain('8800003921');
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(6);
    const column = (lines[0] as string).indexOf('state');
    expect(lines.slice(1).map((line) => line.slice(column).split(' ')[0])).toEqual([
      'delivered',
      'closed',
      'paid',
      'parked',
      'paid',
    ]);
    expect(lines[4]).toContain('foreign card image; service hall checks the card');
  });

  test('no journal: 1', async () => {
    const { code, err } = await cli(['journal', 'orders', '--data', 'nowhere'], folder);
    expect(code).toBe(1);
    expect(err).toContain('JRNL-0101');
  });
});

describe('usage', () => {
  test.each([
    [[]],
    [['nonsense']],
    [['journal']],
    [['doctor', '--nonsense']],
    [['doctor', '--data', 'x']],
    [['journal', 'orders', '--second', 'x']],
    [['journal', 'verify', '--yes']],
    [['journal', 'backup', '--second', 'x']],
  ])('%j: 2, and says how', async (args) => {
    const { code, err } = await cli(args, folder);
    expect(code).toBe(2);
    expect(err).toContain('usage: pilotlight doctor');
  });

  test('--help: 0', async () => {
    expect((await cli(['--help'], folder)).code).toBe(0);
  });
});

describe('a journal by its terminal.json', () => {
  test('by --config: both folders, in any command', async () => {
    writeFileSync(
      join(folder, 'other.json'),
      JSON.stringify({ dataDir: 'kiosk', secondPath: 'kiosk-second', terminalId: TERMINAL }),
    );
    const named = ['--config', 'other.json', '--json'];
    const verified = await cli(['journal', 'verify', ...named], folder);
    expect(verified.code).toBe(0);
    expect(JSON.parse(verified.out)).toMatchObject({
      ok: true,
      dataDir: join(folder, 'kiosk'),
      secondPath: join(folder, 'kiosk-second'),
    });
    const orders = await cli(['journal', 'orders', ...named], folder);
    expect((JSON.parse(orders.out) as { orders: unknown[] }).orders).toHaveLength(2);
    expect((await cli(['journal', 'restore', ...named], folder)).code).toBe(0);
  });

  test('one that is not there, and one beside --data', async () => {
    const none = await cli(['journal', 'verify', '--config', 'none.json'], folder);
    expect([none.code, none.err]).toEqual([1, expect.stringContaining('CONF-0101')]);
    const both = await cli(['journal', 'orders', '--config', 'x', '--data', 'kiosk'], folder);
    expect([both.code, both.err]).toEqual([2, expect.stringContaining('not both')]);
  });
});

describe('a disk that turned read-only', () => {
  test('what it holds is read all the same, from a copy, and nothing is left behind', async () => {
    // SQLite cannot make its file beside the database, as on a read-only disk.
    for (const part of ['-shm', '-wal'])
      rmSync(`${Journal.file(join(folder, 'kiosk'))}${part}`, { force: true });
    symlinkSync('/nowhere/at/all', `${Journal.file(join(folder, 'kiosk'))}-shm`);
    const copies = (): string[] =>
      readdirSync(tmpdir()).filter((name) => name.startsWith('pilotlight-read-'));
    const before = copies();
    expect((await verify()).code).toBe(0);
    const orders = await cli(['journal', 'orders', '--data', 'kiosk', '--json'], folder);
    expect((JSON.parse(orders.out) as { orders: unknown[] }).orders).toHaveLength(2);
    expect(copies()).toEqual(before);
  });
});
