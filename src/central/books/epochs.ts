import type { EpochRequest } from '../../shared/central-api/index.ts';
import { genesisHash } from '../../shared/journal-hash.ts';
import { num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';

/**
 * Where central stands in one epoch of a terminal's journal; nothing held: before number 1 stands
 * the genesis hash.
 */
export interface Cursor {
  readonly lastSeq: number;
  readonly lastHash: string;
}
export async function cursorOf(sql: Sql, terminalId: string, epoch: number): Promise<Cursor> {
  const row = (
    await sql.query<{ last_seq: unknown; last_hash: string }>(
      'SELECT last_seq, last_hash FROM cursors WHERE terminal_id = $1 AND epoch = $2',
      [terminalId, epoch],
    )
  )[0];
  return row === undefined
    ? { lastSeq: 0, lastHash: genesisHash(terminalId, epoch) }
    : { lastSeq: num(row.last_seq), lastHash: row.last_hash };
}
export async function moveCursor(
  tx: Sql,
  terminalId: string,
  epoch: number,
  to: Cursor,
): Promise<void> {
  await tx.query(
    `INSERT INTO cursors (terminal_id, epoch, last_seq, last_hash) VALUES ($1, $2, $3, $4)
     ON CONFLICT (terminal_id, epoch) DO UPDATE SET last_seq = EXCLUDED.last_seq,
     last_hash = EXCLUDED.last_hash`,
    [terminalId, epoch, to.lastSeq, to.lastHash],
  );
}

/**
 * A terminal asks for a new epoch. A grant counts for whoever asks from before it, until the first
 * fact of the new epoch is here; who asks after that (the same disk restored again, a second clone)
 * waits for another grant. Where two clones begin the same granted epoch, the second one's upload
 * is a fork.
 *
 * @returns the granted epoch, null: a person has to grant it first
 */
export async function askEpoch(
  db: Db,
  terminalId: string,
  request: EpochRequest,
  nowMs: number,
): Promise<number | null> {
  return db.transaction(async (tx) => {
    const current = await grantedEpoch(tx, terminalId, true);
    if (request.epoch < current && (await cursorOf(tx, terminalId, current)).lastSeq === 0)
      return current;
    await tx.query(
      `INSERT INTO epoch_requests
         (terminal_id, epoch, last_seq, last_hash, why, at_ms, granted_ms)
         VALUES ($1, $2, $3, $4, $5, $6, NULL)
       ON CONFLICT (terminal_id) DO UPDATE SET epoch = EXCLUDED.epoch,
         last_seq = EXCLUDED.last_seq, last_hash = EXCLUDED.last_hash, why = EXCLUDED.why,
         at_ms = EXCLUDED.at_ms, granted_ms = NULL`,
      [
        terminalId,
        request.epoch,
        request.lastSeq,
        request.lastHash.replaceAll('\0', '\uFFFD').slice(0, 100),
        request.why.replaceAll('\0', '\uFFFD'),
        nowMs,
      ],
    );
    return null;
  });
}

/** What a terminal asks for, as a person saw it: where its disk stands. */
export const epochAsked = (asked: Pick<EpochRequest, 'epoch' | 'lastSeq' | 'lastHash'>): string =>
  `${asked.epoch}/${asked.lastSeq} ${asked.lastHash.slice(0, 16)}`;

/**
 * A person grants what a terminal asks for; its alarm ends.
 *
 * @param seen what he saw ({@link epochAsked}): another request since is not the one that he meant;
 *   left out: whichever it is
 * @returns the new epoch, null: it asks for nothing, or for something else than was seen
 */
export async function grantEpoch(
  db: Db,
  terminalId: string,
  nowMs: number,
  seen?: string,
): Promise<number | null> {
  return db.transaction(async (tx) => {
    const current = await grantedEpoch(tx, terminalId, true);
    const asked = (
      await tx.query<{ epoch: unknown; last_seq: unknown; last_hash: string }>(
        `SELECT epoch, last_seq, last_hash FROM epoch_requests
         WHERE terminal_id = $1 AND granted_ms IS NULL`,
        [terminalId],
      )
    )[0];
    if (asked === undefined) return null;
    const is = epochAsked({
      epoch: num(asked.epoch),
      lastSeq: num(asked.last_seq),
      lastHash: asked.last_hash,
    });
    if (seen !== undefined && seen !== is) return null;
    const next = Math.max(current, num(asked.epoch)) + 1;
    await tx.query('UPDATE terminals SET epoch = $2, alarm = NULL WHERE terminal_id = $1', [
      terminalId,
      next,
    ]);
    await moveCursor(tx, terminalId, next, { lastSeq: 0, lastHash: genesisHash(terminalId, next) });
    await tx.query('UPDATE epoch_requests SET granted_ms = $2 WHERE terminal_id = $1', [
      terminalId,
      nowMs,
    ]);
    return next;
  });
}

/** The epoch that this terminal may write. */
export async function grantedEpoch(sql: Sql, terminalId: string, lock: boolean): Promise<number> {
  const row = (
    await sql.query<{ epoch: unknown }>(
      `SELECT epoch FROM terminals WHERE terminal_id = $1${lock ? ' FOR NO KEY UPDATE' : ''}`,
      [terminalId],
    )
  )[0];
  if (row === undefined) throw new Refusal('unknown-terminal', 'not registered');
  return num(row.epoch);
}
