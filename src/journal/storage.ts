import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { backupFolder, fileBackups } from './backup-files.ts';
import type { BackupStore } from './backup-files.ts';
import {
  PARTS,
  copyDurably,
  demandRoom,
  freeIn,
  holdAlone,
  journalFile,
  listed,
  look,
  syncFile,
  syncFolder,
} from './disk.ts';
import { SecondLog, scanSecondLog, secondLogFacts } from './second-log.ts';
import type { SecondLogWriter, SecondScan, ShorterLog } from './second-log.ts';
import { shorterLog } from './shorter-log.ts';
import type { LogAnchor, LoggedEvent } from './records.ts';

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

const LOG_NAME = /^second-(\d+)\.log$/;
/** See {@link freshPath}. */
const CUT_LOG_NAME = /^second-\d+\.log\.new$/;

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

/** What every connection that writes is set to. */
export function guard(db: Database.Database): void {
  db.pragma('foreign_keys = ON');
  db.pragma('trusted_schema = OFF');
  db.pragma('cell_size_check = ON');
}
