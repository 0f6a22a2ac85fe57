import type { Sql } from '../db/sql.ts';
import { giveBack } from '../sale/accounts.ts';
import { storable, tell } from './books.ts';
import type { Apply, Place } from './books.ts';
import { cursorOf } from './epochs.ts';

/** The terminal goes on in an epoch that a person granted. */
export const epochBegan: Apply<'epoch-began'> = async (tx, at, { body }) => {
  await releaseForgotten(tx, at);
  const held = await cursorOf(tx, at.terminalId, body.previousEpoch);
  return tell(tx, at, 'epoch-began', { ...body, centralSeq: held.lastSeq });
};

/** Its journal was damaged and put together again: an alarm until a technician has looked. */
export const journalRestored: Apply<'journal-restored'> = async (tx, at, { body }) => {
  await tx.query('UPDATE terminals SET alarm = $2 WHERE terminal_id = $1', [
    at.terminalId,
    storable(
      `RESTORED: ${body.why}${body.lostAfterSeq === null ? '' : `; lost after ${body.lostAfterSeq}`}`,
    ),
  ]);
  return tell(tx, at, 'journal-restored', body);
};

/** A technician has looked. */
export const damageAccepted: Apply<'damage-accepted'> = async (tx, at, { body }) => {
  await tx.query(
    `UPDATE terminals SET alarm = NULL WHERE terminal_id = $1 AND alarm LIKE 'RESTORED:%'`,
    [at.terminalId],
  );
  return tell(tx, at, 'damage-accepted', body);
};

/**
 * A terminal begins a new epoch, its earlier facts told: a quote of before that no order came of is
 * forgotten on its disk, and nobody else would ever give back what it reserved.
 */
async function releaseForgotten(tx: Sql, at: Place): Promise<void> {
  const live = await tx.query<{ order_id: string }>(
    `SELECT q.order_id FROM quotes q WHERE q.terminal_id = $1 AND q.state = 'live'
       AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.order_id = q.order_id)`,
    [at.terminalId],
  );
  for (const { order_id } of live) {
    if (Number(order_id.split('-')[2] ?? at.epoch) >= at.epoch) continue;
    await tx.query(`UPDATE quotes SET state = 'released' WHERE order_id = $1`, [order_id]);
    await giveBack(tx, order_id);
  }
}
