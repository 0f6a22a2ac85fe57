import { postWaiting } from './post.ts';
import type { Poster } from './post.ts';
import { QUARANTINE } from './tables.ts';
import { insertRows } from '../db/sets.ts';
import { storable } from '../db/sql.ts';
import type { Db } from '../db/sql.ts';
import { terminalOf } from '../../shared/order-id.ts';

/** A person decides that a fact waits in vain. */
export interface GivenUp {
  readonly terminalId: string;
  readonly epoch: number;
  readonly seq: number;
  readonly who: string;
  readonly why: string;
}

/**
 * A fact that waits for what will not come any more (another kiosk's disk is lost) goes to the
 * quarantine, where it is settled like any other that central cannot use. What waited behind it is
 * judged again: nobody else may come who would.
 *
 * @returns false: it does not wait, or does no longer
 */
export async function giveUpWaiting(
  db: Db,
  fact: GivenUp,
  { nowMs, trust }: Pick<Poster, 'nowMs' | 'trust'>,
): Promise<boolean> {
  const { terminalId, epoch, seq } = fact;
  const place = [terminalId, epoch, seq];
  return db.transaction(async (tx) => {
    const held = (
      await tx.query<{ order_id: string; user_no: string | null }>(
        `SELECT order_id, user_no FROM held_facts
         WHERE terminal_id = $1 AND epoch = $2 AND seq = $3`,
        place,
      )
    )[0];
    if (held === undefined) return false;
    // Under the locks under which it would be judged again: it is one or the other.
    await tx.query(
      'SELECT 1 FROM terminals WHERE terminal_id IN ($1, $2) ORDER BY terminal_id FOR NO KEY UPDATE',
      [terminalId, terminalOf(held.order_id)],
    );
    await tx.query('SELECT 1 FROM accounts WHERE user_no = $1 FOR NO KEY UPDATE', [held.user_no]);
    const gone = (
      await tx.query<{ order_id: string; reason: string }>(
        `DELETE FROM held_facts WHERE terminal_id = $1 AND epoch = $2 AND seq = $3
         RETURNING order_id, reason`,
        place,
      )
    )[0];
    if (gone === undefined) return false;
    const told = await tx.query<{ kind: string }>(
      'SELECT kind FROM journal_events WHERE terminal_id = $1 AND epoch = $2 AND seq = $3',
      place,
    );
    await insertRows(tx, QUARANTINE, [
      {
        terminal_id: terminalId,
        epoch,
        seq,
        kind: told[0]?.kind ?? '',
        order_id: gone.order_id,
        reason: storable(`${gone.reason}; given up by ${fact.who}: ${fact.why}`),
        at_ms: nowMs,
      },
    ]);
    await postWaiting(tx, { terminalId, epoch, nowMs, trust }, gone.order_id);
    return true;
  });
}
