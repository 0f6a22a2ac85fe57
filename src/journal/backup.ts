import type Database from 'better-sqlite3';
import type { Failure } from '../shared/errors.ts';
import { err, ok } from '../shared/result.ts';
import type { Result } from '../shared/result.ts';
import { journalFailure } from './disk-cause.ts';
import { judgeCopy } from './inspect.ts';
import { fileBackups } from './backup-files.ts';
import type { BackupStore, FileBackups } from './backup-files.ts';

const BACKUPS_KEPT = 2;

/** What came of a backup: its name, after its head. */
export type BackupMade = Result<{ readonly name: string }, Failure>;

/**
 * Names a copy after its head, once it is whole and this terminal's (null: whichever it says).
 *
 * @throws when it is not.
 */
export function judgeFor(terminalId: string | null): (copy: Database.Database) => string {
  return (copy) => {
    const owner =
      terminalId ??
      copy.prepare<[], string>("SELECT value FROM meta WHERE key = 'terminal_id'").pluck().get();
    const judged = judgeCopy(copy, owner ?? '');
    if (!judged.ok) throw new Error(judged.error);
    return `journal-${judged.value.head.epoch}-${judged.value.head.seq}.db`;
  };
}

/** Makes one and keeps the newest of all. Never rejects. */
export async function makeBackup(
  backups: BackupStore,
  make: () => Promise<string>,
): Promise<BackupMade> {
  try {
    const name = await make();
    for (const old of backups.list().slice(BACKUPS_KEPT)) backups.remove(old);
    return ok({ name });
  } catch (cause) {
    return err(journalFailure('the backup failed', cause));
  }
}

/** A backup of the journal in a folder, made beside whoever has it open. Never rejects. */
export function backupBeside(
  dataDir: string,
  terminalId: string | null,
  backups: FileBackups = fileBackups(dataDir),
): Promise<BackupMade> {
  return makeBackup(backups, () => backups.makeBeside(judgeFor(terminalId)));
}
