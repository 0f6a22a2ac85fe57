import type Database from 'better-sqlite3';
import { SETTLED_ORDER } from '../shared/order-rules.ts';
import type { OrderState } from '../shared/order-rules.ts';
import type { Anchor, Place } from './records.ts';

/** A place as one number that sorts as places do: 2⁴⁰ facts an epoch are out of reach. */
const AT = 'epoch * 1099511627776 + seq';
/** As row values SQLite walks the index; as an OR it reads every fact there is. */
const WITHIN = '(epoch, seq) <= (@epoch, @seq)';

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
  let found = lastPrunable(db, head, openIds, beforeMs, OLDEST_LOOKED_AT);
  for (let most = OLDEST_LOOKED_AT; found === 'look further';) {
    most *= 2;
    found = lastPrunable(db, head, openIds, beforeMs, most);
  }
  if (found === null) return null;
  const upto = found;
  const hash = db
    .prepare<[Place], string>('SELECT hash FROM events WHERE epoch = @epoch AND seq = @seq')
    .pluck()
    .get(upto);
  if (hash === undefined) return null;
  const orderIds = db
    .prepare<[Place], string>(
      `SELECT order_id FROM orders
       WHERE order_id IN (SELECT order_id FROM events WHERE ${WITHIN})
         AND (last_epoch, last_seq) <= (@epoch, @seq)`,
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
  readonly waits: number;
  readonly state: OrderState | null;
}

/**
 * So many of the oldest facts are looked at in one go, and no more of them go at once: a fraction
 * of a second, however long the journal is. What is older than it should be is gone within days.
 */
const OLDEST_LOOKED_AT = 5_000;

/**
 * The last fact that may go, of the `most` oldest. Null: none may. Further is looked only where an
 * order that is over reaches beyond what was looked at.
 */
function lastPrunable(
  db: Database.Database,
  head: Anchor,
  openIds: ReadonlySet<string>,
  beforeMs: number,
  most: number,
): Place | null | 'look further' {
  const stays = Math.min(firstToStay(db, beforeMs, most), head.epoch * 2 ** 40 + head.seq);
  const seen = placeBehind(db, most);
  let end = Math.min(stays, seen);
  const spans = spansBefore(db, end, most);
  let further = false;
  // From the newest back: an order that reaches past the end moves the end before its first fact.
  for (let moved = true; moved;) {
    moved = false;
    for (const s of spans) {
      if (s.first >= end) continue;
      const done =
        s.state === null || (SETTLED_ORDER.has(s.state) && s.waits === 0 && !openIds.has(s.id));
      if (!done || s.last >= end) {
        further ||= done && s.last >= seen;
        end = s.first;
        moved = true;
      }
    }
  }
  const upto = db
    .prepare<[Place], Place>(
      `SELECT epoch, seq FROM events
       WHERE (epoch, seq) < (@epoch, @seq)
       ORDER BY epoch DESC, seq DESC LIMIT 1`,
    )
    .get(placeAt(end));
  return upto ?? (further ? 'look further' : null);
}

const placeAt = (at: number): Place => ({ epoch: Math.floor(at / 2 ** 40), seq: at % 2 ** 40 });

/** The first of the oldest facts that central has not, or that is young enough. */
function firstToStay(db: Database.Database, beforeMs: number, most: number): number {
  const first = db
    .prepare<[number, number], number | null>(
      `SELECT min(p) FROM (
         SELECT * FROM (SELECT ${AT} p FROM outbox ORDER BY epoch, seq LIMIT 1)
         UNION ALL SELECT * FROM (SELECT ${AT} p FROM stranded ORDER BY epoch, seq LIMIT 1)
         UNION ALL SELECT min(${AT}) FROM
           (SELECT epoch, seq, wall_ms FROM events ORDER BY epoch, seq LIMIT ?) WHERE wall_ms > ?)`,
    )
    .pluck()
    .get(most, beforeMs);
  return first ?? Infinity;
}

/** Where the facts behind the `most` oldest begin. */
function placeBehind(db: Database.Database, most: number): number {
  const at = db
    .prepare<[number], number>(`SELECT ${AT} p FROM events ORDER BY epoch, seq LIMIT 1 OFFSET ?`)
    .pluck()
    .get(most);
  return at ?? Infinity;
}

/** The orders with a fact before that, the newest first. */
function spansBefore(db: Database.Database, end: number, most: number): Span[] {
  return db
    .prepare<[Place & { readonly most: number }], Span>(
      `SELECT e.order_id id, min(${AT}) first,
         (SELECT max(${AT}) FROM events l WHERE l.order_id = e.order_id) last, o.state,
         coalesce(max(o.waits), 0)
           + (SELECT count(*) FROM attempts a WHERE a.order_id = e.order_id AND a.waits = 1) waits
       FROM (SELECT * FROM events WHERE (epoch, seq) < (@epoch, @seq)
             ORDER BY epoch, seq LIMIT @most) e
       LEFT JOIN orders o ON o.order_id = e.order_id
       WHERE e.order_id IS NOT NULL GROUP BY e.order_id ORDER BY first DESC`,
    )
    .all({ ...placeAt(end), most });
}
