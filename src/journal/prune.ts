import type Database from 'better-sqlite3';
import { SETTLED_ORDER } from '../shared/order-rules.ts';
import type { OrderState } from '../shared/order-rules.ts';
import type { Anchor, Place } from './records.ts';

/** A place as one number that sorts as places do: 2⁴⁰ facts an epoch are out of reach. */
const AT = 'epoch * 1099511627776 + seq';
const WITHIN = '(epoch < @epoch OR (epoch = @epoch AND seq <= @seq))';

/** What is to be deleted: all facts up to a place, and the orders that are wholly among them. */
export interface PrunePlan {
  readonly anchor: Anchor;
  readonly events: number;
  readonly orderIds: readonly string[];
}

/**
 * The oldest facts that may go: acknowledged by central, from before `beforeMs`, of orders that
 * need nothing from anybody and are wholly among them. Null: none.
 *
 * @param head the last fact, which always stays: the chain needs a last link
 * @param openIds orders that the kiosk still has to bring to an end
 */
export function planPrune(
  db: Database.Database,
  head: Anchor,
  openIds: ReadonlySet<string>,
  beforeMs: number,
): PrunePlan | null {
  const upto = lastPrunable(db, head, openIds, beforeMs);
  if (upto === null) return null;
  const hash = db
    .prepare<[Place], string>('SELECT hash FROM events WHERE epoch = @epoch AND seq = @seq')
    .pluck()
    .get(upto);
  if (hash === undefined) return null;
  const orderIds = db
    .prepare<[Place], string>(
      `SELECT order_id FROM orders
       WHERE (last_epoch < @epoch OR (last_epoch = @epoch AND last_seq <= @seq))`,
    )
    .pluck()
    .all(upto);
  const events =
    db.prepare<[Place], number>(`SELECT count(*) FROM events WHERE ${WITHIN}`).pluck().get(upto) ??
    0;
  return { anchor: { ...upto, hash }, events, orderIds };
}

/** Deletes what was planned, inside the caller's transaction; the trigger lets it while told so. */
export function deletePruned(
  db: Database.Database,
  { anchor, orderIds }: PrunePlan,
  whilePruning: (work: () => void) => void,
): void {
  const attempts = db.prepare<[string]>('DELETE FROM attempts WHERE order_id = ?');
  const orders = db.prepare<[string]>('DELETE FROM orders WHERE order_id = ?');
  for (const orderId of orderIds) {
    attempts.run(orderId);
    orders.run(orderId);
  }
  whilePruning(() => {
    const { epoch, seq } = anchor;
    db.prepare<[Place]>(`DELETE FROM events WHERE ${WITHIN}`).run({ epoch, seq });
  });
}

/** Where an order's facts begin and end, and whether anybody still waits for it. */
interface Span {
  readonly id: string;
  readonly first: number;
  readonly last: number;
  readonly waits: number | null;
  readonly state: OrderState | null;
}

function lastPrunable(
  db: Database.Database,
  head: Anchor,
  openIds: ReadonlySet<string>,
  beforeMs: number,
): Place | null {
  const firstKept = db
    .prepare<[number], number | null>(
      `SELECT min(p) FROM (SELECT min(${AT}) p FROM outbox UNION ALL SELECT min(${AT}) FROM stranded
         UNION ALL SELECT min(${AT}) FROM events WHERE wall_ms > ?)`,
    )
    .pluck()
    .get(beforeMs);
  let end = Math.min(firstKept ?? Infinity, head.epoch * 2 ** 40 + head.seq);
  const spans = db
    .prepare<[], Span>(
      `SELECT e.order_id id, min(e.epoch * 1099511627776 + e.seq) first,
         max(e.epoch * 1099511627776 + e.seq) last, o.state, coalesce(max(o.waits), 0)
           + (SELECT count(*) FROM attempts a WHERE a.order_id = e.order_id AND a.waits = 1) waits
       FROM events e LEFT JOIN orders o ON o.order_id = e.order_id
       WHERE e.order_id IS NOT NULL GROUP BY e.order_id ORDER BY first DESC`,
    )
    .all();
  // From the newest back: an order that reaches past the end moves the end before its first fact.
  for (let moved = true; moved;) {
    moved = false;
    for (const s of spans) {
      if (s.first >= end) continue;
      const done =
        s.state === null || (SETTLED_ORDER.has(s.state) && s.waits === 0 && !openIds.has(s.id));
      if (!done || s.last >= end) {
        end = s.first;
        moved = true;
      }
    }
  }
  return (
    db
      .prepare<[number], Place>(
        `SELECT epoch, seq FROM events WHERE ${AT} < ? ORDER BY epoch DESC, seq DESC LIMIT 1`,
      )
      .get(end) ?? null
  );
}
