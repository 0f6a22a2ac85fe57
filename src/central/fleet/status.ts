import type { TerminalStatus } from '../../shared/trust.ts';
import { num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';

/** What a person decides about a terminal. */
export interface StatusChange {
  readonly terminalId: string;
  readonly status: TerminalStatus;
  readonly who: string;
  readonly why: string;
}

/**
 * Changes what a terminal may do; it is asked for at each request, so it holds from the next one
 * on. A revoked terminal stays so: its key may be in somebody else's hands.
 *
 * @returns false: there is no such terminal, it has this status, or it was revoked
 */
export async function setStatus(db: Db, change: StatusChange, nowMs: number): Promise<boolean> {
  const { terminalId, status, who, why } = change;
  return db.transaction(async (tx) => {
    const changed = await tx.query(
      `UPDATE terminals SET status = $2
       WHERE terminal_id = $1 AND status <> $2 AND status <> 'revoked' RETURNING terminal_id`,
      [terminalId, status],
    );
    if (changed.length === 0) return false;
    await tx.query(
      `INSERT INTO status_changes (terminal_id, status, who, why, at_ms)
       VALUES ($1, $2, $3, $4, $5)`,
      [terminalId, status, who, why, nowMs],
    );
    return true;
  });
}

/** So many uploads of one revoked terminal are kept: whoever has its key may send any number. */
const MAX_KEPT = 1_000;

/** Keeps what a revoked terminal still tells, beside the books. */
export async function keepEvidence(
  sql: Sql,
  terminalId: string,
  body: string,
  nowMs: number,
): Promise<void> {
  const kept = await sql.query<{ n: unknown }>(
    'SELECT COUNT(*) AS n FROM revoked_uploads WHERE terminal_id = $1',
    [terminalId],
  );
  if (num(kept[0]?.n) >= MAX_KEPT) return;
  await sql.query('INSERT INTO revoked_uploads (terminal_id, body, at_ms) VALUES ($1, $2, $3)', [
    terminalId,
    body,
    nowMs,
  ]);
}
