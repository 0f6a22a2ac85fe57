import type { EventBody } from '../../shared/facts/catalogue.ts';
import { num, numOrNull } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { TOO_MANY } from '../fleet/status.ts';
import { UNTOLD_TRIES } from '../sale/accounts.ts';
import { stopsTooMany } from './card-seen.ts';

/**
 * Cards that refused a kiosk's key or code: a try was spent, and the last one would lock the card.
 * No kiosk sells to such a card until it took a key after all, or a person has looked at it and set
 * its counter back at a counter (console).
 */

const REASON = 'the card refused its key';

/** A refusal as a terminal told it, in the write of an order. */
export interface KeyRefusal {
  readonly terminalId: string;
  readonly wallMs: number;
  readonly orderId: string | null;
  readonly body: EventBody<'card-refused'>;
}

/** Stops the cards, in the batch's transaction, after what the same batch tells was paid. */
export async function stopRefused(
  tx: Sql,
  refusals: readonly KeyRefusal[],
  nowMs: number,
): Promise<void> {
  for (const { terminalId, wallMs, orderId, body } of refusals) {
    const { cardNo, left } = body;
    const [known] = await tx.query<{ paid: unknown }>(
      `SELECT (SELECT COUNT(*) FROM orders o WHERE o.order_id = $2 AND o.card_no = $1
         AND o.terminal_id = $3 AND o.money_taken AND NOT o.unproven) AS paid
       FROM cards WHERE card_no = $1`,
      [cardNo, orderId ?? '', terminalId],
    );
    // A number that is nobody's is no card of this company.
    if (known === undefined) continue;
    // Who has one terminal's key pays for each card that he stops, by an order of that terminal: the
    // number of another's is told to whoever asks about its card. What nobody paid for is bounded.
    if (num(known.paid) === 0 && (await stopsTooMany(tx, cardNo, terminalId, nowMs, true))) {
      await tx.query('UPDATE terminals SET alarm = $2 WHERE terminal_id = $1 AND alarm IS NULL', [
        terminalId,
        `${TOO_MANY}card-stop`,
      ]);
      continue;
    }
    await tx.query(
      `INSERT INTO card_stops (card_no, reason, terminal_id, at_ms, key_tries, wall_ms)
       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (card_no, reason) DO UPDATE SET
         terminal_id = EXCLUDED.terminal_id, at_ms = EXCLUDED.at_ms, settled_ms = NULL,
         key_tries = CASE WHEN card_stops.settled_ms IS NULL
           AND card_stops.key_tries < EXCLUDED.key_tries THEN card_stops.key_tries
           ELSE EXCLUDED.key_tries END,
         wall_ms = CASE WHEN card_stops.wall_ms > EXCLUDED.wall_ms THEN card_stops.wall_ms
           ELSE EXCLUDED.wall_ms END`,
      [cardNo, REASON, terminalId, nowMs, left ?? UNTOLD_TRIES, wallMs],
    );
  }
}

/** A write that was read back: the card took our key, and its counter is whole again. */
export interface KeyTaken {
  readonly orderId: string;
  readonly wallMs: number;
}

/** Lets cards be sold to again that took a key after they had refused one. */
export async function resetTaken(
  tx: Sql,
  taken: readonly KeyTaken[],
  nowMs: number,
): Promise<void> {
  if (taken.length === 0) return;
  const ids = taken.map((t) => t.orderId);
  const stopped = await tx.query<{ order_id: string; card_no: string; wall_ms: unknown }>(
    `SELECT o.order_id, s.card_no, s.wall_ms FROM card_stops s JOIN orders o ON o.card_no = s.card_no
     WHERE s.key_tries IS NOT NULL AND s.settled_ms IS NULL AND o.state = 'delivered'
       AND o.order_id IN (${ids.map((_, i) => `$${i + 1}`).join(', ')})`,
    ids,
  );
  for (const row of stopped) {
    const at = taken.find((t) => t.orderId === row.order_id)?.wallMs ?? 0;
    if (at <= (numOrNull(row.wall_ms) ?? 0)) continue;
    await tx.query(
      `UPDATE card_stops SET settled_ms = $2, who = '', why = 'the card took its key'
       WHERE card_no = $1 AND reason = $3 AND settled_ms IS NULL`,
      [row.card_no, nowMs, REASON],
    );
  }
}
