import type { TerminalStatus } from '../../shared/trust.ts';
import { num } from '../db/sql.ts';
import type { Db, Script, Sql } from '../db/sql.ts';

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
  const done = await db.transaction((tx) => setStatusIn(tx, change, nowMs));
  if (done) db.ring(terminalBell(change.terminalId));
  return done;
}

/**
 * What the bell is rung by when a terminal's status changed: what is held for it is looked at again
 * (gateway/holds.ts).
 */
export const terminalBell = (terminalId: string): string => `terminal ${terminalId}`;

/** As {@link setStatus}, within a transaction; whoever commits it rings {@link terminalBell}. */
export async function setStatusIn(
  tx: Script,
  change: StatusChange,
  nowMs: number,
): Promise<boolean> {
  const { terminalId, status, who, why } = change;
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
}

/**
 * So many uploads of one revoked terminal are kept, and so many characters of them: whoever has its
 * key may send any number, each of some megabytes.
 */
const MAX_KEPT = 1_000;
const MAX_KEPT_CHARS = 64 << 20;

/** Keeps what a revoked terminal still tells, beside the books, as long as there is room for it. */
export async function keepEvidence(
  sql: Sql,
  terminalId: string,
  body: string,
  nowMs: number,
): Promise<void> {
  const kept = await sql.query<{ n: unknown; chars: unknown }>(
    `SELECT COUNT(*) AS n, COALESCE(SUM(chars), 0)::bigint AS chars FROM revoked_uploads
     WHERE terminal_id = $1`,
    [terminalId],
  );
  const { n = 0, chars = 0 } = kept[0] ?? {};
  if (num(n) >= MAX_KEPT || num(chars) + body.length > MAX_KEPT_CHARS) return;
  await sql.query(
    'INSERT INTO revoked_uploads (terminal_id, body, chars, at_ms) VALUES ($1, $2, $3, $4)',
    [terminalId, body, body.length, nowMs],
  );
}

/** What a terminal's alarm begins with that asked for too much; only a person ends it. */
export const TOO_MANY = 'TOO MANY: ';

/**
 * A person has looked into why a terminal asked for too much. Any other alarm ends with what it is
 * for: a new epoch, a technician's word.
 *
 * @returns false: it has no such alarm
 */
export async function settleAlarm(
  db: Db,
  { terminalId, who, why }: Omit<StatusChange, 'status'>,
  nowMs: number,
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const settled = await tx.query<{ status: string }>(
      `UPDATE terminals SET alarm = NULL WHERE terminal_id = $1 AND alarm LIKE $2
       RETURNING status`,
      [terminalId, `${TOO_MANY}%`],
    );
    if (settled[0] === undefined) return false;
    await tx.query(
      `INSERT INTO status_changes (terminal_id, status, who, why, at_ms)
       VALUES ($1, $2, $3, $4, $5)`,
      [terminalId, settled[0].status, who, `${TOO_MANY}${why}`, nowMs],
    );
    return true;
  });
}
