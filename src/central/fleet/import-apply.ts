import { hash } from 'node:crypto';
import { canonicalJson } from '../../shared/canonical-json.ts';
import { insertRows, table, text } from '../db/sets.ts';
import type { Random } from '../../shared/ports.ts';
import type { Script } from '../db/sql.ts';
import type { ImportCode, ImportProblem } from './import-file.ts';

/** What an import does, or would do. */
export interface ImportPlan {
  readonly problems: readonly ImportProblem[];
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  /** Rows that are not the file's to change any more: a bill that somebody pays. */
  readonly kept: number;
  /** What changes of what is there: only the company's own columns. */
  readonly changes: readonly SubjectChange[];
  /** Carries it out; called where there are no problems. */
  readonly apply: (tx: Script) => Promise<void>;
}
/** One account or bill as the file changes it. */
export interface SubjectChange {
  readonly subject: string;
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
}

/** Names what is wrong. */
export type Say = (line: number, column: string, code: ImportCode, detail: string) => void;
/** What is said goes into this list. */
export const into =
  (problems: ImportProblem[]): Say =>
  (line, column, code, detail) =>
    void problems.push({ line, column, code, detail });

/** Rows of one statement: its parameter stays a few megabytes. */
const CHUNK = 5_000;

/** Cuts a list for statements over sets. */
export function* chunks<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let i = 0; i < all.length; i += CHUNK) yield all.slice(i, i + CHUNK);
}

const ACCOUNT_CHANGES = table('account_changes', ['subject', 'import_id'], {
  import_id: text(),
  subject: text(),
  before: text(),
  after: text(),
});

/** Where a file came from, for what is kept of it. */
export interface ImportSource {
  readonly kind: string;
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly who: string;
}

/** The columns of a row that an import owns. */
export const narrowed = <T extends Readonly<Record<string, unknown>>>(
  names: Readonly<Record<string, unknown>>,
  row: T,
): T => Object.fromEntries(Object.keys(names).map((name) => [name, row[name]])) as T;

/** What of two records differs; null: nothing. */
export function differing<T extends Readonly<Record<string, unknown>>>(
  before: T,
  after: T,
): Pick<SubjectChange, 'before' | 'after'> | null {
  const names = Object.keys(after).filter((name) => before[name] !== after[name]);
  if (names.length === 0) return null;
  const of = (row: T): Record<string, unknown> =>
    Object.fromEntries(names.map((name) => [name, row[name]]));
  return { before: of(before), after: of(after) };
}

/** Keeps what an import did: by its number, and each account that it changed. @returns its number */
export async function keepImport(
  tx: Script,
  plan: ImportPlan,
  { kind, file, bytes, who }: ImportSource,
  random: Random,
  nowMs: number,
): Promise<string> {
  const sha256 = hash('sha256', bytes, 'hex');
  const importId = `${nowMs}-${Buffer.from(random.bytes(6)).toString('hex')}`;
  await tx.query(
    `INSERT INTO account_imports
       (import_id, kind, file, sha256, who, at_ms, added, changed, unchanged)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [importId, kind, file, sha256, who, nowMs, plan.added, plan.changed, plan.unchanged],
  );
  for (const some of chunks(plan.changes))
    await insertRows(
      tx,
      ACCOUNT_CHANGES,
      some.map(({ subject, before, after }) => ({
        import_id: importId,
        subject,
        before: canonicalJson(before),
        after: canonicalJson(after),
      })),
    );
  return importId;
}
