import type { BackupMade } from '../../journal/backup.ts';
import { failure, isErrorCode } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import { runBeside } from './beside.ts';
import type { BesideOptions } from './beside.ts';

/** 700 MB take a slow disk and a slow processor some minutes; one that hangs is not waited for. */
const BACKUP_MS = 3_600_000;

/** What `pilotlight journal backup --json` says. */
type BackupAnswer =
  | { readonly ok: true; readonly name: string }
  | { readonly ok: false; readonly code: string; readonly detail?: string };

/**
 * `pilotlight journal backup` in a process of its own: a journal of years is copied and judged
 * while customers are served. Never rejects.
 */
export async function backupApart(
  dataDir: string,
  options: Omit<BesideOptions, 'limitMs'>,
): Promise<BackupMade> {
  const said = await runBeside(['journal', 'backup', '--data', dataDir, '--json'], {
    ...options,
    limitMs: BACKUP_MS,
  });
  switch (said.kind) {
    case 'not-begun':
      return err(failed(String(said.cause), said.cause));
    case 'given-up':
      return err(failed('it had no end'));
    case 'ended':
      return answered(said.out) ?? err(failed(`no answer (${said.how}) ${said.err.slice(0, 200)}`));
  }
}

const failed = (why: string, cause?: unknown): Failure =>
  failure('JRNL-0101', `the backup failed: ${why.trim()}`, cause);

/** Null: this is no answer. */
function answered(out: string): BackupMade | null {
  let answer: BackupAnswer;
  try {
    answer = JSON.parse(out) as BackupAnswer;
  } catch {
    return null;
  }
  if (answer.ok) return ok({ name: answer.name });
  const { code, detail } = answer;
  return err(isErrorCode(code) ? failure(code, detail ?? code) : failed(detail ?? code));
}
