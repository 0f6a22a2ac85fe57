import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readSync,
  readdirSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** Free space below which selling stops. */
export const MIN_FREE_BYTES = 128 * 1024 * 1024;
/** A journal's database in its folder. */
export function journalFile(dataDir: string): string {
  return join(dataDir, 'journal.db');
}
/** The files that SQLite makes beside a database, by what their names have more. */
export const PARTS = ['', '-wal', '-shm', '-journal'] as const;

/** The names in a folder; none where there is no folder. */
export const listed = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** Free bytes where a folder lives. */
export function freeIn(folder: string): number {
  const s = statfsSync(folder);
  return s.bavail * s.bsize;
}

/**
 * Holds a file against every other process, and every other connection of this one, until it is
 * closed. The lock is the operating system's and dies with the process.
 *
 * @throws SQLITE_BUSY where another one holds it.
 */
export function holdAlone(path: string): Database.Database {
  const held = new Database(path, { timeout: 0 });
  try {
    held.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    return held;
  } catch (cause) {
    held.close();
    throw cause;
  }
}

/** No copy takes the room that keeps the machine selling. */
export function demandRoom(size: number, free: number): void {
  if (free >= size + MIN_FREE_BYTES) return;
  const mb = (bytes: number): string => (bytes / (1 << 20)).toFixed(0);
  throw new Error(
    `too little room: the copy takes ${mb(size)} MB, ${mb(free)} MB are free and ${mb(MIN_FREE_BYTES)} MB of them stay so`,
  );
}

/** What is in a file is on the disk when it returns. */
export function syncFile(path: string): void {
  const fd = openSync(path, 'r+');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * A look at a database that changes nothing, but for taking back a transaction that was cut.
 *
 * @throws when it cannot be opened.
 */
export function look<T>(path: string, fn: (db: Database.Database) => T): T {
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
export function copyDurably(from: string, to: string): void {
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

/**
 * Makes a new directory entry durable. Not every system can open a folder: there the entry is
 * durable with the file.
 */
export function syncFolder(folder: string): void {
  let fd: number;
  try {
    fd = openSync(folder, 'r');
  } catch {
    return;
  }
  try {
    fsyncSync(fd);
  } catch {
    // EINVAL / EPERM on systems that cannot fsync a folder (Windows)
  } finally {
    closeSync(fd);
  }
}
