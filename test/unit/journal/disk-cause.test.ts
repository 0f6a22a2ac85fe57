import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { journalFailure, systemCode, tellCause } from '../../../src/journal/disk-cause.ts';

const system = (code: string, message: string): Error =>
  Object.assign(new Error(`${code}: ${message}`), { code });

describe('what a disk answers is said, with its own code', () => {
  test.each<[string, unknown, string, string]>([
    [
      'a read-only mount',
      system('EROFS', "read-only file system, open '/data/second-1.log'"),
      'JRNL-0108',
      "writing: the disk is read-only: EROFS: read-only file system, open '/data/second-1.log'",
    ],
    [
      'the same through SQLite',
      new Database.SqliteError('attempt to write a readonly database', 'SQLITE_READONLY'),
      'JRNL-0108',
      'writing: the disk is read-only: SQLITE_READONLY: attempt to write a readonly database',
    ],
    [
      'a disk that fails',
      system('EIO', 'i/o error, fsync'),
      'JRNL-0108',
      'writing: the disk fails: EIO: i/o error, fsync',
    ],
    [
      'the same through SQLite',
      new Database.SqliteError('disk I/O error', 'SQLITE_IOERR_FSYNC'),
      'JRNL-0108',
      'writing: the disk fails: SQLITE_IOERR_FSYNC: disk I/O error',
    ],
    [
      'a full disk',
      system('ENOSPC', 'no space left on device, write'),
      'JRNL-0101',
      'writing: the disk is full: ENOSPC: no space left on device, write',
    ],
    [
      'another user’s folder',
      system('EACCES', 'permission denied'),
      'JRNL-0101',
      'writing: this user may not write there: EACCES: permission denied',
    ],
    ['no code at all', new Error('odd'), 'JRNL-0101', 'writing: odd'],
    ['no error at all', 'odd', 'JRNL-0101', 'writing: odd'],
  ])('%s', (_what, cause, code, detail) => {
    expect(journalFailure('writing', cause)).toMatchObject({ code, detail });
  });

  test('without a word before it', () => {
    expect(tellCause('', system('EIO', 'x'))).toBe('the disk fails: EIO: x');
    expect(systemCode({ code: 7 })).toBeNull();
  });
});
