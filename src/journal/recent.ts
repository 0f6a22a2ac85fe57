import type Database from 'better-sqlite3';
import type { OrderRow } from './fold.ts';
import type { Place } from './records.ts';
import { statementsOf } from './statements.ts';

/** Facts that are read at a time when the newest orders are looked for. */
const AT_A_TIME = 1_000;
/** And at the most: beyond that the list is shorter, and the core goes on. */
const MOST_READ = 20_000;

/**
 * Parked and not settled orders first, then open ones, then those that changed last: `limit` at the
 * most. It is asked every two seconds while maintenance mode is open, so it reads no table whole:
 * who waits and what is open have their indexes, and what changed last is told by the last facts.
 */
export function recentOrders(db: Database.Database, head: Place, limit: number): OrderRow[] {
  const st = statementsOf(db);
  const found = new Map<string, OrderRow>();
  const add = (text: string): void => {
    const row = JSON.parse(text) as OrderRow;
    if (found.size < limit && !found.has(row.orderId)) found.set(row.orderId, row);
  };
  st.recentWaiting.all(limit).forEach(add);
  st.recentOpen.all(limit).forEach(add);
  const seen = new Set<string>();
  let before: Place | null = { epoch: head.epoch, seq: head.seq + 1 };
  for (let read = 0; before !== null && found.size < limit && read < MOST_READ; read += AT_A_TIME) {
    const facts = st.ordersBack.all(before.epoch, before.seq, AT_A_TIME);
    for (const { order_id: orderId } of facts) {
      if (orderId === null || seen.has(orderId)) continue;
      seen.add(orderId);
      // Another machine's order, finished here, has no row.
      const row = st.order.get(orderId);
      if (row !== undefined) add(row);
    }
    before = facts.length < AT_A_TIME ? null : (facts.at(-1) ?? null);
  }
  return [...found.values()];
}
