import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import {
  PARTS,
  demandRoom,
  freeIn,
  holdAlone,
  journalFile,
  listed,
  look,
  syncFile,
  syncFolder,
} from './disk.ts';
import { systemCode } from './disk-cause.ts';

/** Backups of the database, each named `journal-<epoch>-<seq>.db` after its head. */
export interface BackupStore {
  /** Newest first. */
  list(): string[];
  /**
   * A read-only look at one.
   *
   * @throws when it cannot be opened.
   */
  look<T>(name: string, fn: (db: Database.Database) => T): T;
  /**
   * Copies the open database while it goes on being used; the copy is durable and goes by the name
   * that `judge` gives it, or is dropped when that throws.
   */
  make(db: Database.Database, judge: (copy: Database.Database) => string): Promise<string>;
  remove(name: string): void;
}

/** Backups as files beside the database. */
export interface FileBackups extends BackupStore {
  /**
   * As `make`, in a process of its own beside whoever has the database open. One read transaction
   * holds from the first page to the last: what is written meanwhile is not in the copy, and does
   * not make SQLite begin it again, as another connection's writes otherwise do, without end beside
   * a busy core.
   */
  makeBeside(judge: (copy: Database.Database) => string): Promise<string>;
}

const BACKUP_NAME = /^journal-(\d+)-(\d+)\.db$/;

/** Pages that are copied before they are put on the disk: 16 MB. */
const PAGES_AT_ONCE = 4096;

/** Where the backups of a journal are. */
export const backupFolder = (dataDir: string): string => join(dataDir, 'backup');

/** The backups of a journal. `free`: free bytes where a folder lives. */
export function fileBackups(
  dataDir: string,
  free: (folder: string) => number = freeIn,
): FileBackups {
  const folder = backupFolder(dataDir);
  // No name of a backup: what was cut is never taken for one.
  const fresh = join(folder, 'new.db');
  const clear = (): void => {
    for (const part of PARTS) rmSync(fresh + part, { force: true });
  };
  const judged = (judge: (copy: Database.Database) => string): string => {
    // Out of WAL: a backup is one file, and a reader needs to write nothing beside it.
    const copy = new Database(fresh);
    try {
      copy.pragma('synchronous = FULL');
      copy.pragma('journal_mode = DELETE');
    } finally {
      copy.close();
    }
    syncFile(fresh);
    const name = look(fresh, judge);
    renameSync(fresh, join(folder, name));
    syncFolder(folder);
    return name;
  };
  const make = async (
    from: Database.Database,
    copied: () => Promise<unknown>,
    judge: (copy: Database.Database) => string,
  ): Promise<string> => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    syncFolder(dataDir);
    const turn = takeTurn(join(dataDir, 'backup.lock'));
    try {
      // One that was killed may have left it, and it takes room.
      clear();
      demandRoom(bytesOf(from), free(folder));
      await copied();
      return judged(judge);
    } catch (cause) {
      clear();
      throw cause;
    } finally {
      turn.close();
    }
  };

  return {
    list: () =>
      listed(folder)
        .flatMap((name) => {
          const m = BACKUP_NAME.exec(name);
          return m === null ? [] : [{ name, epoch: Number(m[1]), seq: Number(m[2]) }];
        })
        .toSorted((a, b) => b.epoch - a.epoch || b.seq - a.seq)
        .map((b) => b.name),
    look: (name, fn) => look(join(folder, name), fn),
    make: (from, judge) => make(from, () => from.backup(fresh), judge),
    async makeBeside(judge) {
      const from = new Database(journalFile(dataDir), { readonly: true, fileMustExist: true });
      try {
        return await make(from, () => copyOneState(from, fresh), judge);
      } finally {
        from.close();
      }
    },
    remove(name) {
      rmSync(join(folder, name), { force: true });
    },
  };
}

/** Two backups at once would write one file, and take the room of two: the second is refused. */
function takeTurn(path: string): Database.Database {
  try {
    return holdAlone(path);
  } catch (cause) {
    if (systemCode(cause)?.startsWith('SQLITE_BUSY') !== true) throw cause;
    throw new Error('another one is being made', { cause });
  }
}

const bytesOf = (db: Database.Database): number =>
  Number(db.pragma('page_count', { simple: true })) *
  Number(db.pragma('page_size', { simple: true }));

/** The database as it is in this moment, whoever writes meanwhile. */
async function copyOneState(from: Database.Database, to: string): Promise<void> {
  const fd = openSync(to, 'wx', 0o600);
  try {
    from.exec('BEGIN');
    from.prepare('SELECT count(*) FROM sqlite_schema').get();
    await from.backup(to, {
      progress: () => {
        // Bit by bit: at the end it would be the whole copy at once, and whoever else syncs a file
        // on this disk, as a core does with each fact, would wait for it.
        fsyncSync(fd);
        return PAGES_AT_ONCE;
      },
    });
    // Over before the copy is judged: the core's WAL cannot be begun anew as long as this lasts.
    from.exec('COMMIT');
  } finally {
    closeSync(fd);
  }
}
