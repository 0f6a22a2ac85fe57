import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { systemCode } from './disk-cause.ts';
import { SecondLog, scanSecondLog, secondLogFacts, syncFolder } from './second-log.ts';
import type { SecondLogWriter, SecondScan, ShorterLog } from './second-log.ts';
import { shorterLog } from './shorter-log.ts';
import type { LogAnchor, LoggedEvent } from './records.ts';

/** Free space below which selling stops. */
export const MIN_FREE_BYTES = 128 * 1024 * 1024;
/** Free space below which the ballast is given up, so that what is in flight can be finished. */
export const FULL_FREE_BYTES = 16 * 1024 * 1024;
export const BALLAST_BYTES = 64 * 1024 * 1024;

/** The second logs of a journal, one for each epoch. */
export interface SecondStore {
  /** Epochs that have a log, rising. */
  epochs(): number[];
  /** What a start has to know of it, whatever its length. */
  scan(epoch: number): SecondScan;
  /** Its facts one after the other: up to the first bad line, or (`beyond`) all that can be read. */
  facts(epoch: number, beyond?: boolean): Iterable<LoggedEvent>;
  /** For appending; what stands behind `goodBytes` is cut off. */
  open(epoch: number, goodBytes: number): SecondLogWriter;
  /** A whole new log in the old one's place; safe to kill. */
  rewrite(epoch: number, anchor: LogAnchor | null, events: Iterable<LoggedEvent>): void;
  /**
   * A copy of a log without the facts up to `anchor`, made while the log goes on being appended to.
   * Rejects with the system's error and leaves nothing.
   */
  shorter(epoch: number, anchor: LogAnchor): Promise<ShorterLog>;
  /** Of an epoch that was pruned whole. */
  remove(epoch: number): void;
  /** Keeps the log as it is under `name`, never deleted by the journal. */
  setAside(epoch: number, name: string): void;
}

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

/**
 * Where a journal lives: the database, the second logs, the backups, and the space for them. Real
 * files in production; in the simulation memory that outlives the process that it plays. Everything
 * throws the system's error.
 */
export interface JournalStorage {
  /** True: real files. WAL and FULL are demanded, and file and chain are checked at each open. */
  readonly durable: boolean;
  /**
   * Keeps every other core away until {@link close}.
   *
   * @throws when another one has it, or nothing can be written.
   */
  lock(): void;
  /** Ends this use: connection and lock are given up, the data stays. Any number of times. */
  close(): void;
  /** Is there a database? */
  exists(): boolean;
  /** A look that changes nothing on the disk, but for taking back a transaction that was cut. */
  look<T>(fn: (db: Database.Database) => T): T;
  /** The connection to write with; makes the database when there is none. */
  open(): Database.Database;
  /** Called inside each transaction that writes facts, last; a throw takes it back. */
  readonly beforeCommit: (() => void) | null;
  readonly second: SecondStore;
  readonly backups: BackupStore;
  /**
   * Makes a new database beside the present one, from a backup or from nothing, and fills it;
   * durable when it returns.
   */
  build(base: string | null, fill: (db: Database.Database) => void): void;
  /**
   * Keeps the present database whole under `aside` and puts the built one in its place; cut
   * anywhere, {@link finishSwap} ends it.
   */
  swap(aside: string): void;
  /**
   * Ends a swap that was cut, and drops what was made beside database and logs and not put in
   * place.
   */
  finishSwap(): void;
  /** The folders that {@link swap} kept, for a person. */
  asidePath(aside: string): string;
  /** Free bytes where the database lives or where the second log lives, whichever has less. */
  freeBytes(): number;
  readonly ballast: {
    held(): boolean;
    /**
     * Really takes the space, so that giving it up helps: `block` is written again and again, bytes
     * that no file system folds away.
     */
    make(bytes: number, block: Uint8Array): void;
    drop(): void;
  };
}

export function journalFile(dataDir: string): string {
  return join(dataDir, 'journal.db');
}
const BACKUP_NAME = /^journal-(\d+)-(\d+)\.db$/;
const LOG_NAME = /^second-(\d+)\.log$/;
/** See {@link freshPath}. */
const CUT_LOG_NAME = /^second-\d+\.log\.new$/;
const PARTS = ['', '-wal', '-shm', '-journal'] as const;

/** Pages that are copied before they are put on the disk: 16 MB. */
const PAGES_AT_ONCE = 4096;

const backupFolder = (dataDir: string): string => join(dataDir, 'backup');

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

/** The journal's place on real disks. `free`: free bytes where a folder lives. */
export function fileStorage(
  dataDir: string,
  secondPath: string,
  free: (folder: string) => number = freeIn,
): JournalStorage {
  const file = journalFile(dataDir);
  const built = join(dataDir, 'restored.db');
  const plan = join(dataDir, 'restore.json');
  const ballastFile = join(dataDir, 'ballast');
  let lock: Database.Database | null = null;
  let db: Database.Database | null = null;

  const moveAside = (aside: string): void => {
    const folder = join(dataDir, aside);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    syncFolder(dataDir);
    for (const part of PARTS)
      if (existsSync(file + part)) renameSync(file + part, join(folder, `journal.db${part}`));
    // The old files must be away for good before the new one comes: a new database beside an old
    // WAL would be a wrong one.
    syncFolder(folder);
    syncFolder(dataDir);
  };
  const putInPlace = (): void => {
    renameSync(built, file);
    syncFolder(dataDir);
    rmSync(plan, { force: true });
    syncFolder(dataDir);
  };

  return {
    durable: true,
    beforeCommit: null,
    lock() {
      mkdirSync(dataDir, { recursive: true, mode: 0o700 });
      lock = holdAlone(join(dataDir, 'core.lock'));
    },
    close() {
      db?.close();
      lock?.close();
      db = null;
      lock = null;
    },
    exists: () => existsSync(file),
    look: (fn) => look(file, fn),
    open() {
      const fresh = !existsSync(file);
      db = new Database(file);
      db.pragma('journal_mode = WAL');
      db.pragma('synchronous = FULL');
      guard(db);
      if (fresh) syncFolder(dataDir);
      return db;
    },
    second: {
      epochs: () =>
        listed(secondPath)
          .flatMap((name) => LOG_NAME.exec(name)?.[1] ?? [])
          .map(Number)
          .toSorted((a, b) => a - b),
      scan: (epoch) => scanSecondLog(SecondLog.path(secondPath, epoch)),
      facts: (epoch, beyond) => secondLogFacts(SecondLog.path(secondPath, epoch), beyond),
      async shorter(epoch, anchor) {
        const path = SecondLog.path(secondPath, epoch);
        return await shorterLog(path, anchor, (bytes) => demandRoom(bytes, free(secondPath)));
      },
      open: (epoch, goodBytes) => SecondLog.open(secondPath, epoch, goodBytes),
      rewrite: (epoch, anchor, events) => {
        SecondLog.rewrite(secondPath, epoch, anchor, events);
      },
      remove(epoch) {
        rmSync(SecondLog.path(secondPath, epoch), { force: true });
        syncFolder(secondPath);
      },
      setAside(epoch, name) {
        const folder = join(secondPath, name);
        mkdirSync(folder, { recursive: true });
        // A copy: the log itself stays until the new one takes its place, so that no cut leaves
        // none.
        const to = join(folder, `second-${epoch}.log`);
        copyDurably(SecondLog.path(secondPath, epoch), to);
        syncFolder(folder);
        syncFolder(secondPath);
      },
    },
    backups: fileBackups(dataDir),
    build(base, fill) {
      for (const part of PARTS) rmSync(built + part, { force: true });
      if (base !== null) copyDurably(join(backupFolder(dataDir), base), built);
      const fresh = new Database(built);
      try {
        fresh.pragma('journal_mode = DELETE');
        fresh.pragma('synchronous = FULL');
        fill(fresh);
      } finally {
        fresh.close();
      }
      syncFile(built);
      syncFolder(dataDir);
    },
    swap(aside) {
      const fd = openSync(plan, 'w', 0o600);
      try {
        writeSync(fd, JSON.stringify({ aside }));
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      syncFolder(dataDir);
      moveAside(aside);
      putInPlace();
    },
    finishSwap() {
      // A copy of a log that was cut: as large as the log, and of no use.
      for (const name of listed(secondPath))
        if (CUT_LOG_NAME.test(name)) rmSync(join(secondPath, name), { force: true });
      const aside = existsSync(plan) ? planned(readFileSync(plan, 'utf8')) : null;
      if (aside !== null && existsSync(built)) {
        moveAside(aside);
        putInPlace();
        return;
      }
      // Either nothing was moved yet, and the restore begins anew, or all was and only the plan is
      // left over.
      const left = [plan, ...PARTS.map((part) => built + part)].filter((path) => existsSync(path));
      for (const path of left) rmSync(path, { force: true });
      if (left.length > 0) syncFolder(dataDir);
    },
    asidePath: (aside) => join(dataDir, aside),
    freeBytes: () =>
      existsSync(secondPath) ? Math.min(free(dataDir), free(secondPath)) : free(dataDir),
    ballast: {
      held: () => existsSync(ballastFile),
      make(bytes, block) {
        const fresh = `${ballastFile}.new`;
        const fd = openSync(fresh, 'w', 0o600);
        try {
          for (let left = bytes; left > 0;)
            left -= writeSync(fd, block, 0, Math.min(left, block.length));
          fsyncSync(fd);
        } catch (error) {
          rmSync(fresh, { force: true });
          throw error;
        } finally {
          closeSync(fd);
        }
        renameSync(fresh, ballastFile);
        syncFolder(dataDir);
      },
      drop() {
        for (const path of [ballastFile, `${ballastFile}.new`]) rmSync(path, { force: true });
        syncFolder(dataDir);
      },
    },
  };
}

/** The plan is written before anything is moved: one that was torn moved nothing. */
function planned(text: string): string | null {
  try {
    const { aside } = JSON.parse(text) as { aside?: unknown };
    return typeof aside === 'string' && /^[\w-]+$/.test(aside) ? aside : null;
  } catch {
    return null;
  }
}

const listed = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

function freeIn(folder: string): number {
  const s = statfsSync(folder);
  return s.bavail * s.bsize;
}

/**
 * Holds a file against every other process, and every other connection of this one, until it is
 * closed. The lock is the operating system's and dies with the process.
 *
 * @throws SQLITE_BUSY where another one holds it.
 */
function holdAlone(path: string): Database.Database {
  const held = new Database(path, { timeout: 0 });
  try {
    held.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    return held;
  } catch (cause) {
    held.close();
    throw cause;
  }
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

/** No copy takes the room that keeps the machine selling. */
function demandRoom(size: number, free: number): void {
  if (free >= size + MIN_FREE_BYTES) return;
  const mb = (bytes: number): string => (bytes / (1 << 20)).toFixed(0);
  throw new Error(
    `too little room: the copy takes ${mb(size)} MB, ${mb(free)} MB are free and ${mb(MIN_FREE_BYTES)} MB of them stay so`,
  );
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

function syncFile(path: string): void {
  const fd = openSync(path, 'r+');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function look<T>(path: string, fn: (db: Database.Database) => T): T {
  try {
    return lookWith({ readonly: true, fileMustExist: true }, path, fn);
  } catch (cause) {
    // A transaction that was cut has to be taken back first, by SQLite and with the right to
    // write.
    if (!(cause instanceof Database.SqliteError) || !cause.code.startsWith('SQLITE_READONLY'))
      throw cause;
    return lookWith({ fileMustExist: true }, path, fn);
  }
}

function lookWith<T>(options: Database.Options, path: string, fn: (db: Database.Database) => T): T {
  const reader = new Database(path, options);
  try {
    return fn(reader);
  } finally {
    reader.close();
  }
}

/** The same bytes under another name, on disk when it returns (its folder entry is the caller's). */
function copyDurably(from: string, to: string): void {
  const source = openSync(from, 'r');
  try {
    const target = openSync(to, 'w', 0o600);
    try {
      const block = new Uint8Array(1 << 20);
      for (;;) {
        const length = readSync(source, block);
        if (length === 0) break;
        for (let at = 0; at < length;) at += writeSync(target, block, at, length - at);
      }
      fsyncSync(target);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** What every connection that writes is set to. */
export function guard(db: Database.Database): void {
  db.pragma('foreign_keys = ON');
  db.pragma('trusted_schema = OFF');
  db.pragma('cell_size_check = ON');
}
