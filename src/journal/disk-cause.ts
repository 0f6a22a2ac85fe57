import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from '../shared/errors.ts';
import type { Failure } from '../shared/errors.ts';

/** What a disk that cannot be written any more answers: to the system (errno), and through SQLite. */
const MEANS: readonly (readonly [RegExp, string])[] = [
  [/^(EROFS|SQLITE_READONLY)/, 'the disk is read-only'],
  [/^(EIO|SQLITE_IOERR)/, 'the disk fails'],
  [/^(ENOSPC|EDQUOT|SQLITE_FULL)/, 'the disk is full'],
  [/^(EACCES|EPERM|SQLITE_PERM|SQLITE_AUTH)/, 'this user may not write there'],
];
/** Of these no program's restart helps: a person must see to the disk. */
const DISK = /^(EROFS|EIO|SQLITE_READONLY|SQLITE_IOERR)/;

/** The system's own code of an error, SQLite's included; null: it has none. */
export function systemCode(cause: unknown): string | null {
  const code: unknown =
    typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : null;
  return typeof code === 'string' && code !== '' ? code : null;
}

/** What failed and why, in one line, with the system's code and what it means for a disk. */
export function tellCause(what: string, cause: unknown): string {
  const code = systemCode(cause);
  const meaning = code === null ? undefined : MEANS.find(([pattern]) => pattern.test(code))?.[1];
  const said = cause instanceof Error ? cause.message : String(cause);
  return [what, meaning, code !== null && !said.includes(code) ? `${code}: ${said}` : said]
    .filter((part) => part !== undefined && part !== '')
    .join(': ');
}

/**
 * Writes a small file, has it on the disk, and takes it away again. Null: all that went well; else
 * what the system answered.
 */
export function tryToWrite(folder: string): unknown {
  const file = join(folder, `.write-test-${process.pid}`);
  try {
    const fd = openSync(file, 'w', 0o600);
    try {
      writeSync(fd, 'test');
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    rmSync(file, { force: true });
    return null;
  } catch (cause) {
    return cause;
  }
}

/**
 * As {@link journalFailure}; where SQLite says no more than that it cannot open a file
 * (SQLITE_CANTOPEN, as on a read-only disk), the folders are asked why.
 */
export function diskFailure(what: string, cause: unknown, folders: readonly string[]): Failure {
  if (systemCode(cause)?.startsWith('SQLITE_CANTOPEN') === true)
    for (const folder of folders) {
      const why = tryToWrite(folder);
      if (why !== null) return journalFailure(what, why);
    }
  return journalFailure(what, cause);
}

/**
 * The failure of the journal that an error of the disk or of SQLite means: JRNL-0108 for a disk
 * that is read-only or failing, JRNL-0101 for everything else (in use, no permission, full, …).
 */
export function journalFailure(what: string, cause: unknown): Failure {
  const code = systemCode(cause);
  return failure(
    code !== null && DISK.test(code) ? 'JRNL-0108' : 'JRNL-0101',
    tellCause(what, cause),
    cause,
  );
}
