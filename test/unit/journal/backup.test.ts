import Database from 'better-sqlite3';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { backupBeside } from '../../../src/journal/backup.ts';
import type { BackupMade } from '../../../src/journal/backup.ts';
import { Journal } from '../../../src/journal/journal.ts';
import { fileBackups } from '../../../src/journal/backup-files.ts';
import { MIN_FREE_BYTES } from '../../../src/journal/disk.ts';
import { failure } from '../../../src/shared/errors.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { scratchFolder, seededRandom } from '../../support/kiosk-world.ts';
import { Rig, TERMINAL, sale } from './rig.ts';

/** Backups made beside the core that has the journal open: what `journal backup` does. */
let folder: string;
let rig: Rig;
beforeEach(() => {
  folder = scratchFolder();
  rig = new Rig(folder);
});
afterEach(() => {
  vi.restoreAllMocks();
  rig.close();
  rmSync(folder, { recursive: true, force: true });
});
const inFolder = (): string[] => readdirSync(join(rig.dataDir, 'backup')).toSorted();
const beside = (): Promise<BackupMade> => backupBeside(rig.dataDir, TERMINAL);
const why = (made: BackupMade): string => (made.ok ? '' : (made.error.detail ?? ''));
const facts = (name: string): unknown => {
  const copy = new Database(join(rig.dataDir, 'backup', name), { readonly: true });
  try {
    return copy.prepare('SELECT count(*) FROM events').pluck().get();
  } finally {
    copy.close();
  }
};
/** How a copy goes on: `at` is called between any two bits of `pages` pages. */
function between(pages: number, at: (remaining: number, total: number) => void): void {
  const { backup } = Database.prototype as {
    readonly backup: (
      this: Database.Database,
      to: string,
      options?: Database.BackupOptions,
    ) => Promise<Database.BackupMetadata>;
  };
  vi.spyOn(Database.prototype, 'backup').mockImplementation(function (
    this: Database.Database,
    to,
    options,
  ) {
    return backup.call(this, to, {
      ...options,
      progress: (info) => {
        options?.progress(info);
        at(info.remainingPages, info.totalPages);
        return pages;
      },
    });
  });
}

describe('a backup beside the core', () => {
  it('is named after its head, verified, in one file, and the newest two are kept', async () => {
    const j = rig.open();
    for (const n of [1, 2, 3]) {
      j.append(sale(n));
      expect(await beside()).toEqual(ok({ name: `journal-1-${7 * n}.db` }));
    }
    expect(inFolder()).toEqual(['journal-1-14.db', 'journal-1-21.db']);
    expect(facts('journal-1-21.db')).toBe(21);
    j.append(sale(4));
    expect(rig.verify()).toEqual([]);
  });

  it('what the core writes meanwhile makes the copy neither begin again nor change', async () => {
    const j = rig.open();
    for (let n = 1; n <= 60; n += 1) j.append(sale(n));
    let n = 60;
    const left: number[] = [];
    const totals = new Set<number>();
    between(5, (remaining, total) => {
      left.push(remaining);
      totals.add(total);
      j.append(sale((n += 1)));
    });
    expect(await beside()).toEqual(ok({ name: 'journal-1-420.db' }));
    expect(left.length).toBeGreaterThan(10);
    expect(left).toEqual([...new Set(left)].toSorted((a, b) => b - a));
    expect(totals.size).toBe(1);
    expect(facts('journal-1-420.db')).toBe(420);
    expect([j.head.seq, rig.verify()]).toEqual([7 * n, []]);
  });

  it('lets the core begin its WAL anew as soon as the copy is made, before it is judged', async () => {
    rig.open().append(sale(1));
    const named = await fileBackups(rig.dataDir).makeBeside(() => {
      const core = new Database(Journal.file(rig.dataDir));
      try {
        expect(core.pragma('wal_checkpoint(RESTART)')).toMatchObject([{ busy: 0 }]);
      } finally {
        core.close();
      }
      return 'journal-1-7.db';
    });
    expect(inFolder()).toEqual([named]);
  });

  it('holds what is in the WAL of a core that was killed, and of one that is not there', async () => {
    rig.open().append(sale(1));
    const killed = join(folder, 'killed');
    mkdirSync(killed);
    // Taken while the core has it open: what a kill leaves.
    for (const part of ['', '-wal'])
      copyFileSync(Journal.file(rig.dataDir) + part, Journal.file(killed) + part);
    expect(await backupBeside(killed, null)).toEqual(ok({ name: 'journal-1-7.db' }));
    rig.close();
    expect(await beside()).toEqual(ok({ name: 'journal-1-7.db' }));
  });

  it('two at once: the second is refused, and spoils nothing of the first', async () => {
    const j = rig.open();
    j.append(sale(1));
    const second: Promise<BackupMade>[] = [];
    between(1, () => {
      if (second.length === 0) second.push(beside(), j.backup());
    });
    expect(await beside()).toEqual(ok({ name: 'journal-1-7.db' }));
    expect((await Promise.all(second)).map(why)).toEqual([
      'the backup failed: another one is being made',
      'the backup failed: another one is being made',
    ]);
    expect(inFolder()).toEqual(['journal-1-7.db']);
    expect(facts('journal-1-7.db')).toBe(7);
    vi.restoreAllMocks();
    j.append(sale(2));
    expect(await beside()).toEqual(ok({ name: 'journal-1-14.db' }));
  });

  it('what a killed one left is no backup, and gone with the next, whose room it is', async () => {
    rig.open().append(sale(1));
    const backups = join(rig.dataDir, 'backup');
    mkdirSync(backups);
    for (const part of ['', '-journal', '-wal', '-shm'])
      writeFileSync(join(backups, `new.db${part}`), 'half a copy');
    expect(rig.files().backups.list()).toEqual([]);
    const roomless = fileBackups(rig.dataDir, () =>
      existsSync(join(backups, 'new.db')) ? 0 : Infinity,
    );
    expect(await backupBeside(rig.dataDir, TERMINAL, roomless)).toEqual(
      ok({ name: 'journal-1-7.db' }),
    );
    expect(inFolder()).toEqual(['journal-1-7.db']);
  });

  it('of a broken chain or of another terminal is none, and leaves nothing but why', async () => {
    const j = rig.open();
    j.append(sale(1));
    expect(why(await backupBeside(rig.dataDir, '000000000999'))).toBe(
      `the backup failed: it belongs to terminal ${TERMINAL}`,
    );
    between(1, () => {
      throw new Error('the disk is gone');
    });
    expect(why(await beside())).toBe('the backup failed: the disk is gone');
    vi.restoreAllMocks();
    const other = new Database(Journal.file(rig.dataDir));
    const trigger = other
      .prepare("SELECT sql FROM sqlite_schema WHERE name = 'events_append_only_update'")
      .pluck()
      .get() as string;
    other.exec(
      `DROP TRIGGER events_append_only_update; UPDATE events SET wall_ms = 1 WHERE seq = 3; ${trigger}`,
    );
    other.close();
    expect(why(await beside())).toContain('event 3: the hash chain breaks here');
    expect(inFolder()).toEqual([]);
  });
});

describe('the room for a backup', () => {
  it('is as much as the database, and what keeps the machine selling stays free', async () => {
    const j = rig.open();
    for (let n = 1; n <= 150; n += 1) j.append(sale(n));
    const look = new Database(Journal.file(rig.dataDir), { readonly: true });
    const size =
      Number(look.pragma('page_count', { simple: true })) *
      Number(look.pragma('page_size', { simple: true }));
    look.close();
    const at = (free: number): Promise<BackupMade> =>
      backupBeside(
        rig.dataDir,
        TERMINAL,
        fileBackups(rig.dataDir, () => free),
      );
    expect(why(await at(size + MIN_FREE_BYTES - 1))).toMatch(
      /^the backup failed: too little room: the copy takes \d+ MB, \d+ MB are free and 128 MB of them stay so$/,
    );
    expect(inFolder()).toEqual([]);
    expect((await at(size + MIN_FREE_BYTES)).ok).toBe(true);
  });
});

describe('a core that has its backups made apart', () => {
  const opened = (backupApart: () => Promise<BackupMade>): Journal => {
    const journal = Journal.open({
      dataDir: rig.dataDir,
      secondPath: rig.secondPath,
      terminalId: TERMINAL,
      clock: rig.clock,
      random: seededRandom('apart'),
      onFatal: () => undefined,
      backupApart,
    });
    if (!journal.ok) throw new Error(journal.error.code);
    return journal.value;
  };

  it('waits for the answer and does nothing else for it: it copies, opens and judges nothing', async () => {
    const asked: ((made: BackupMade) => void)[] = [];
    const j = opened(() => new Promise((done) => asked.push(done)));
    const copied = vi.spyOn(Database.prototype, 'backup');
    const running = j.backup();
    // Asked for again meanwhile, as after a clock that was set: the same.
    expect(j.backup()).toBe(running);
    j.append(sale(1));
    expect([asked.length, copied.mock.calls.length]).toEqual([1, 0]);
    expect(existsSync(join(rig.dataDir, 'backup'))).toBe(false);
    asked[0]?.(ok({ name: 'journal-1-0.db' }));
    expect(await running).toEqual(ok({ name: 'journal-1-0.db' }));
    const next = j.backup();
    expect(asked).toHaveLength(2);
    asked[1]?.(err(failure('JRNL-0101', 'no command line')));
    expect(why(await next)).toBe('no command line');
    expect(j.append(sale(2))).toBeUndefined();
    j.close();
  });
});
