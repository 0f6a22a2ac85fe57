import { EVENTS } from '../../shared/facts/catalogue.ts';
import { num } from '../db/sql.ts';
import type { Db } from '../db/sql.ts';
import { prove, takeEvidence } from './evidence.ts';
import { loadWaiting } from './load.ts';
import type { Poster } from './post.ts';
import { write } from './write.ts';

/** So many are looked at in one go: a person, or the next start, goes on with the rest. */
const AT_ONCE = 500;

/** An order that stands on its terminal's word alone. */
export interface UnprovenOrder {
  readonly orderId: string;
  readonly terminalId: string;
  /** Of a sale without a card: its user number. */
  readonly cardNo: string;
  readonly amountFen: number;
  readonly sinceMs: number;
}

/** Those that are longest so, for staff. */
export async function unprovenOrders(sql: Pick<Db, 'query'>): Promise<readonly UnprovenOrder[]> {
  const rows = await sql.query<Record<string, unknown>>(
    `SELECT order_id, terminal_id, CASE WHEN sale = 'credit' THEN user_no ELSE card_no END AS card_no,
       amount_fen, created_ms FROM orders
     WHERE unproven AND state NOT IN ('closed', 'refunded')
     ORDER BY created_ms, order_id LIMIT ${AT_ONCE}`,
  );
  return rows.map((r) => ({
    orderId: String(r['order_id']),
    terminalId: String(r['terminal_id']),
    cardNo: String(r['card_no']),
    amountFen: num(r['amount_fen']),
    sinceMs: num(r['created_ms']),
  }));
}

/**
 * Looks once more at the evidence of orders that had none: a wallet's key was not known here when
 * it came, or the gateway saw the capture since. What is proven now is whole from here on.
 *
 * @returns how many are
 */
export async function proveAgain(
  db: Db,
  { nowMs, trust }: Pick<Poster, 'nowMs' | 'trust'>,
): Promise<number> {
  let proven = 0;
  for (const { orderId, terminalId } of await unprovenOrders(db))
    proven += await db.transaction(async (tx) => {
      await tx.query('SELECT 1 FROM terminals WHERE terminal_id = $1 FOR NO KEY UPDATE', [
        terminalId,
      ]);
      const { books } = await loadWaiting(tx, orderId);
      const order = books.orders.get(orderId);
      if (order?.unproven !== true) return 0;
      const facts = await tx.query<{
        epoch: unknown;
        seq: unknown;
        wall_ms: unknown;
        body: string;
      }>(
        `SELECT epoch, seq, wall_ms, body FROM journal_events
         WHERE terminal_id = $1 AND order_id = $2 AND kind = 'attempt-paid' ORDER BY epoch, seq`,
        [terminalId, orderId],
      );
      for (const fact of facts) {
        const told = EVENTS['attempt-paid'].safeParse(JSON.parse(fact.body));
        if (!told.success) continue;
        const at = {
          terminalId,
          epoch: num(fact.epoch),
          seq: num(fact.seq),
          wallMs: num(fact.wall_ms),
          nowMs,
          trust,
        };
        books.judge(orderId, terminalId, () => {
          takeEvidence(books, at, order, told.data);
          prove(books, at, order);
        });
      }
      await write(tx, terminalId, books);
      return books.orders.get(orderId)?.unproven === false ? 1 : 0;
    });
  return proven;
}
