import { numOrNull } from '../db/sql.ts';
import type { Db, Script } from '../db/sql.ts';
import type { Disbelief, Keyring } from '../../shared/signatures.ts';

/** A terminal's keys as its row has them; read at each request. */
export interface KeyColumns {
  readonly public_key: string;
  /** The key that takes its place; null: it is not being changed. */
  readonly next_key: string | null;
  /** Until when the old one counts beside it. */
  readonly old_until_ms: unknown;
}
/** The columns of {@link KeyColumns}. */
export const KEY_COLUMNS = 'public_key, next_key, old_until_ms';

/** The public keys that count at this time. */
export function liveKeys(row: KeyColumns, nowMs: number): readonly string[] {
  const { public_key: current, next_key: next } = row;
  if (next === null) return [current];
  return nowMs < (numOrNull(row.old_until_ms) ?? 0) ? [current, next] : [next];
}

/**
 * Null: one of the terminal's live keys made the signature. Terminals do not name the key that they
 * sign with: it is one of two at the most.
 */
export function terminalDisbelief(
  row: KeyColumns,
  { keysOf, nowMs }: { readonly keysOf: (publicKeyPem: string) => Keyring; readonly nowMs: number },
  text: string,
  signature: string,
): Disbelief | null {
  const told = liveKeys(row, nowMs).map((key) => keysOf(key).disbelief(text, { signature }));
  return told.includes(null) ? null : (told[0] ?? 'signature does not match');
}

/**
 * Is this key another terminal's, or was it? One key is one terminal's: a request names its
 * terminal outside of what is signed, so with one key one machine's word would be two's. Until the
 * commit nobody else takes a key.
 */
export async function isAnothers(tx: Script, key: string, terminalId: string): Promise<boolean> {
  await tx.query('UPDATE policy_head SET version = version WHERE head = 1');
  const rows = await tx.query(
    `SELECT 1 AS n FROM terminals WHERE (public_key = $1 OR next_key = $1) AND terminal_id <> $2
     UNION ALL SELECT 1 FROM earlier_keys WHERE public_key = $1 AND terminal_id <> $2 LIMIT 1`,
    [key, terminalId],
  );
  return rows.length > 0;
}

/** A terminal's next key, and how long the old one counts beside it. */
export interface KeyChange {
  readonly terminalId: string;
  /** PEM (SPKI). */
  readonly nextKey: string;
  /** 0: the old one is refused from now on. */
  readonly overlapMs: number;
  readonly who: string;
  readonly why: string;
}
/**
 * Registers a terminal's next key, or ends the overlap of the same one sooner.
 *
 * @returns false: no such terminal, a revoked one, its own key, another terminal's, or another change
 *   is not over yet
 */
export async function changeKey(db: Db, change: KeyChange, nowMs: number): Promise<boolean> {
  return db.transaction((tx) => changeKeyIn(tx, change, nowMs));
}

/** As {@link changeKey}, within a transaction. */
export async function changeKeyIn(tx: Script, change: KeyChange, nowMs: number): Promise<boolean> {
  const { terminalId, nextKey, overlapMs, who, why } = change;
  const rows = await tx.query<KeyColumns & { status: string }>(
    `SELECT ${KEY_COLUMNS}, status FROM terminals
       WHERE terminal_id = $1 AND status <> 'revoked' FOR NO KEY UPDATE`,
    [terminalId],
  );
  const [row] = rows;
  if (row === undefined) return false;
  const live = liveKeys(row, nowMs);
  const same = row.next_key === nextKey;
  if (!same && (live.length > 1 || live[0] === nextKey)) return false;
  if (await isAnothers(tx, nextKey, terminalId)) return false;
  // A change that is over: its key is the old one now.
  const old = same ? row.public_key : live[0];
  // Receipts that it signed are in customers' hands.
  if (!same && row.next_key !== null)
    await tx.query(
      `INSERT INTO earlier_keys (terminal_id, public_key, until_ms) VALUES ($1, $2, $3)
         ON CONFLICT (terminal_id, public_key) DO UPDATE SET until_ms = EXCLUDED.until_ms`,
      [terminalId, row.public_key, numOrNull(row.old_until_ms) ?? nowMs],
    );
  await tx.query(
    `UPDATE terminals SET public_key = $2, next_key = $3, old_until_ms = $4
       WHERE terminal_id = $1`,
    [terminalId, old, nextKey, untilOf(row, same, nowMs + overlapMs)],
  );
  await tx.query(
    `INSERT INTO status_changes (terminal_id, status, who, why, at_ms)
       VALUES ($1, $2, $3, $4, $5)`,
    [terminalId, row.status, who, `KEY: ${why}`, nowMs],
  );
  return true;
}

/** The end of an overlap comes sooner than it was said, never later. */
const untilOf = (row: KeyColumns, same: boolean, wantedMs: number): number =>
  same ? Math.min(wantedMs, numOrNull(row.old_until_ms) ?? wantedMs) : wantedMs;
