import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { systemCode } from './disk-cause.ts';

/** A journal's file open for reading, and what ends that. */
export interface OpenToRead {
  readonly db: Database.Database;
  readonly close: () => void;
}

/**
 * Opens a journal for reading only, beside whoever has it open. SQLite wants to write a small file
 * beside a database in WAL mode even to read it (https://sqlite.org/wal.html#readonly); where that
 * cannot be, as on a disk that turned read-only, a copy of the database and its WAL is read
 * instead. What a bad disk still holds is then wanted most.
 *
 * @throws SQLite's error, or the system's
 */
export function openToRead(file: string): OpenToRead {
  const options = { readonly: true, fileMustExist: true } as const;
  const open = (path: string): Database.Database => {
    const db = new Database(path, options);
    try {
      db.prepare('SELECT count(*) FROM sqlite_schema').get();
      return db;
    } catch (cause) {
      db.close();
      throw cause;
    }
  };
  try {
    const db = open(file);
    return { db, close: () => db.close() };
  } catch (cause) {
    if (!/^SQLITE_(CANTOPEN|READONLY)/.test(systemCode(cause) ?? '')) throw cause;
    const folder = mkdtempSync(join(tmpdir(), 'pilotlight-read-'));
    const close = (): void => rmSync(folder, { recursive: true, force: true });
    try {
      const copy = join(folder, 'journal.db');
      copyFileSync(file, copy);
      if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
      const db = open(copy);
      return {
        db,
        close: () => {
          db.close();
          close();
        },
      };
    } catch (again) {
      close();
      throw again;
    }
  }
}
