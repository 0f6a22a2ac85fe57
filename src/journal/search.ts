import type Database from 'better-sqlite3';
import { ATTEMPT_STATES } from '../shared/order-rules.ts';
import type { OrderRow } from './fold.ts';

/**
 * What orders are searched for. `ref`: digits of a slip, blanks left out, the whole or its last
 * four or eight · `tail`: how a card's or account's number ends · `fen`: sums from … to … · `made`:
 * paid for, or tried to be, in that span of wall time.
 */
export type OrderQuery =
  | { readonly by: 'ref'; readonly digits: string }
  | { readonly by: 'tail'; readonly digits: string }
  | {
      readonly by: 'fen';
      readonly fromFen: number;
      readonly toFen: number;
      /** Not further back, ms: a sum has no index. */
      readonly sinceMs: number;
    }
  | { readonly by: 'made'; readonly fromMs: number; readonly toMs: number };

/** Each state by itself, so that the index over state and time serves. */
const EACH_STATE = ATTEMPT_STATES.map((state) => `'${state}'`).join();

/** Which orders, as a condition and its values. */
function whereOf(query: OrderQuery): {
  readonly sql: string;
  readonly values: (string | number)[];
} {
  switch (query.by) {
    case 'ref': {
      const { digits } = query;
      const end = digits.slice(-4);
      const counter = digits.length >= 12 ? digits.slice(4, -4) : digits.slice(0, -4);
      const terminal = digits.length >= 12 ? digits.slice(0, 4) : '';
      // Four digits: the counter or the random ones.
      return counter === ''
        ? {
            sql: 'order_id LIKE ? OR order_id LIKE ?',
            values: [`PL-%-%-%-${end}`, `PL-%-%-${end}-%`],
          }
        : { sql: 'order_id LIKE ?', values: [`PL-%${terminal}-%-${counter}-${end}`] };
    }
    case 'tail': {
      const like = `%${query.digits}`;
      return {
        sql: `order_id IN (SELECT order_id FROM orders WHERE card_no LIKE ?)
          OR order_id IN (SELECT order_id FROM orders WHERE account LIKE ?)`,
        values: [like, like],
      };
    }
    case 'fen':
      return {
        sql: `order_id IN (SELECT order_id FROM attempts WHERE state IN (${EACH_STATE})
          AND created_ms >= ? AND amount_fen BETWEEN ? AND ?)`,
        values: [query.sinceMs, query.fromFen, query.toFen],
      };
    case 'made':
      return {
        sql: `order_id IN (SELECT order_id FROM attempts WHERE state IN (${EACH_STATE})
          AND created_ms >= ? AND created_ms < ?)`,
        values: [query.fromMs, query.toMs],
      };
  }
}

/** The orders that are searched for, what changed last first. Digits are digits only. */
export function searchOrders(db: Database.Database, query: OrderQuery, most: number): OrderRow[] {
  const { sql, values } = whereOf(query);
  return db
    .prepare<unknown[], string>(
      `SELECT row FROM orders WHERE ${sql} ORDER BY last_epoch DESC, last_seq DESC LIMIT ?`,
    )
    .pluck()
    .all(...values, most)
    .map((row) => JSON.parse(row) as OrderRow);
}
