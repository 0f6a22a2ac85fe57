import { canonicalJson } from '../../shared/canonical-json.ts';
import type { Sql } from '../db/sql.ts';

/**
 * Appends what somebody did to the audit, in the transaction that does it. `before` and `after` are
 * kept as canonical JSON; null: there was, or is, nothing.
 */
export async function audited(
  sql: Sql,
  entry: {
    readonly atMs: number;
    readonly who: string;
    readonly via: 'console' | 'api' | 'command';
    readonly act: string;
    readonly subject: string;
    readonly before: unknown;
    readonly after: unknown;
  },
): Promise<void> {
  const text = (value: unknown): string | null =>
    value === null || value === undefined ? null : canonicalJson(value);
  await sql.query(
    `INSERT INTO audit (at_ms, who, via, act, subject, before, after)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      entry.atMs,
      entry.who,
      entry.via,
      entry.act,
      entry.subject,
      text(entry.before),
      text(entry.after),
    ],
  );
}
