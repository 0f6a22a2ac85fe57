import { canonicalJson } from '../../shared/canonical-json.ts';
import { num } from '../db/sql.ts';
import type { Db, Script, Sql } from '../db/sql.ts';

/** Where a decision was made. */
export type Via = 'console' | 'api' | 'command';

/** What a person did. */
export interface AuditEntry {
  readonly atMs: number;
  readonly who: string;
  readonly via: Via;
  /** Stable, in English: `terminal-status`. */
  readonly act: string;
  /** What it was done to: a terminal, an order, a name. */
  readonly subject: string;
  /** JSON values; null: nothing. No personal data and no secret. */
  readonly before: unknown;
  readonly after: unknown;
}

/**
 * Writes down what a person did, in the transaction that does it: one is never there without the
 * other. Never changed afterwards.
 */
export async function audited(sql: Sql, entry: AuditEntry): Promise<void> {
  await sql.query(
    `INSERT INTO audit (at_ms, who, via, act, subject, before, after)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      entry.atMs,
      entry.who,
      entry.via,
      entry.act,
      entry.subject,
      asText(entry.before),
      asText(entry.after),
    ],
  );
}

const asText = (value: unknown): string | null =>
  value === null || value === undefined ? null : canonicalJson(value);

/**
 * A database on which each transaction that changes a thing also says who changed it.
 *
 * @param written called for each line that it writes
 */
export function auditing(
  db: Db,
  entry: Omit<AuditEntry, 'before' | 'after'>,
  stateOf: (sql: Sql) => Promise<unknown>,
  written: () => void = () => undefined,
): Db {
  const transaction = <T>(run: (tx: Script) => Promise<T>): Promise<T> =>
    db.transaction(async (tx) => {
      const before = asText(await stateOf(tx));
      const result = await run(tx);
      const after = asText(await stateOf(tx));
      if (before !== after) {
        await audited(tx, { ...entry, before: parsed(before), after: parsed(after) });
        written();
      }
      return result;
    });
  return {
    ...db,
    query: (sql, params) => transaction((tx) => tx.query(sql, params)),
    transaction,
  };
}

/**
 * A database that is a transaction: what is done on it counts with that one, or not at all. For
 * work that opens transactions of its own and has to be one piece with something else.
 */
export const within = (db: Db, tx: Script): Db => ({
  ...db,
  query: (sql, params) => tx.query(sql, params),
  exec: (sql) => tx.exec(sql),
  transaction: (run) => run(tx),
});

/** One line of the audit as it is read. */
export interface AuditRow extends AuditEntry {
  readonly n: number;
}

/** What is looked for; each left out: all. */
export interface AuditFilter {
  readonly who?: string | undefined;
  readonly subject?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Only lines before this number: the next page. */
  readonly beforeN?: number | undefined;
}

/** The newest first, at most `limit`. */
export async function auditOf(
  sql: Sql,
  filter: AuditFilter,
  limit: number,
): Promise<readonly AuditRow[]> {
  const params: unknown[] = [];
  const asked = (value: unknown, text: (n: string) => string): string[] => {
    if (value === undefined) return [];
    params.push(value);
    return [text(`$${params.length}`)];
  };
  const where = [
    ...asked(filter.who, (p) => `who = ${p}`),
    ...asked(filter.subject, (p) => `subject = ${p}`),
    ...asked(filter.fromMs, (p) => `at_ms >= ${p}`),
    ...asked(filter.toMs, (p) => `at_ms < ${p}`),
    ...asked(filter.beforeN, (p) => `n < ${p}`),
  ];
  const rows = await sql.query<{
    n: unknown;
    at_ms: unknown;
    who: string;
    via: Via;
    act: string;
    subject: string;
    before: string | null;
    after: string | null;
  }>(
    `SELECT * FROM audit ${where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`}
     ORDER BY n DESC LIMIT ${Math.trunc(limit)}`,
    params,
  );
  return rows.map((r) => ({
    n: num(r.n),
    atMs: num(r.at_ms),
    who: r.who,
    via: r.via,
    act: r.act,
    subject: r.subject,
    before: parsed(r.before),
    after: parsed(r.after),
  }));
}

const parsed = (text: string | null): unknown => (text === null ? null : JSON.parse(text));
