import type Database from 'better-sqlite3';
import { EVENT_COLUMNS } from './records.ts';
import type { Anchor, EventRecord, Place, ShiftRecord, ToldRecord } from './records.ts';

/**
 * A bound value that the query planner does not look at. Ours is built with STAT4 and compiles a
 * statement anew at every binding where a bare `?` might change the plan (a limit, beside a partial
 * or an expression index): ten times what such a small query costs.
 */
export const UNSEEN = 'coalesce(?, NULL)';

/** As of which moment an order `r` was priced: as its sale says, else when that fact was made. */
const SOLD_MS = `coalesce(json_extract(r.row, '$.sale.asOfMs'), (SELECT q.wall_ms FROM events q
  WHERE q.order_id = r.order_id AND q.kind = 'order-quoted'))`;

/**
 * Each is made when it is first looked for: a process that starts, or a backup that is judged, uses
 * few of them.
 */
function lazily<T extends Record<string, () => unknown>>(
  makers: T,
): { readonly [K in keyof T]: ReturnType<T[K]> } {
  const all = {} as { [K in keyof T]: ReturnType<T[K]> };
  for (const name of Object.keys(makers) as (keyof T)[]) {
    Object.defineProperty(all, name, {
      configurable: true,
      get: () => {
        const value = makers[name]?.() as ReturnType<T[typeof name]>;
        Object.defineProperty(all, name, { value });
        return value;
      },
    });
  }
  return all;
}

/** `CROSS JOIN` is SQLite's word for: in this order. The outbox is short, the journal long. */
function prepare(db: Database.Database) {
  return lazily({
    insertEvent: () =>
      db.prepare<
        [number, number, string, number, number, string, string | null, string, string, string]
      >(
        `INSERT INTO events (epoch, seq, kind, wall_ms, mono_ms, boot_id, order_id, body,
         prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
    insertOutbox: () =>
      db.prepare<[number, number]>('INSERT INTO outbox (epoch, seq) VALUES (?, ?)'),
    putOrder: () =>
      db.prepare<[string, string, string, string | null, number, number, number, number, string]>(
        `INSERT INTO orders (order_id, state, account, card_no, amount_fen, waits, last_epoch, last_seq, row)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id) DO UPDATE SET state = excluded.state,
         waits = excluded.waits, last_epoch = excluded.last_epoch, last_seq = excluded.last_seq, row = excluded.row`,
      ),
    putAttempt: () =>
      db.prepare<
        [string, string, string, string, string, number, number, number, number, number, string]
      >(
        `INSERT INTO attempts (attempt_id, order_id, state, out_trade_no, out_refund_no,
         amount_fen, waits, created_ms, last_epoch, last_seq, row) VALUES (?, ?, ?, ?, ?, ?, ?,
         ?, ?, ?, ?) ON CONFLICT (attempt_id) DO UPDATE SET state = excluded.state, waits =
         excluded.waits, last_epoch = excluded.last_epoch, last_seq = excluded.last_seq, row =
         excluded.row`,
      ),
    order: () => db.prepare<[string], string>('SELECT row FROM orders WHERE order_id = ?').pluck(),
    attempt: () =>
      db.prepare<[string], string>('SELECT row FROM attempts WHERE attempt_id = ?').pluck(),
    attemptsOf: () =>
      db
        .prepare<[string], string>(
          `SELECT row FROM attempts WHERE order_id = ${UNSEEN} ORDER BY created_ms, attempt_id`,
        )
        .pluck(),
    openOrders: () =>
      db
        .prepare<[number], string>(
          `SELECT row FROM orders WHERE order_id IN (
             SELECT order_id FROM orders WHERE state NOT IN ('delivered','closed','refunded','parked')
             UNION ALL SELECT order_id FROM attempts WHERE state IN ('creating','pending','closing','refunding')
             UNION ALL SELECT order_id FROM attempts INDEXED BY attempts_untaken
               WHERE state = 'paid' AND json_extract(row, '$.taken') = 0
             UNION ALL SELECT order_id FROM attempts WHERE state = 'closed' AND created_ms > ?)
           ORDER BY order_id`,
        )
        .pluck(),
    orderIds: () => db.prepare<[], string>('SELECT order_id FROM orders').pluck(),
    orders: () =>
      db.prepare<[], string>('SELECT row FROM orders ORDER BY last_epoch, last_seq').pluck(),
    recentWaiting: () =>
      db
        .prepare<[number], string>(
          `SELECT row FROM orders WHERE order_id IN (SELECT order_id FROM orders WHERE waits = 1
             UNION SELECT order_id FROM attempts WHERE waits = 1)
           ORDER BY last_epoch DESC, last_seq DESC LIMIT ${UNSEEN}`,
        )
        .pluck(),
    recentOpen: () =>
      db
        .prepare<[number], string>(
          `SELECT row FROM orders WHERE order_id IN (SELECT order_id FROM orders INDEXED BY orders_open
               WHERE state NOT IN ('delivered','closed','refunded','parked')
             UNION SELECT order_id FROM attempts WHERE state IN ('creating','pending','closing','refunding'))
           ORDER BY last_epoch DESC, last_seq DESC LIMIT ${UNSEEN}`,
        )
        .pluck(),
    ordersBack: () =>
      db.prepare<[number, number, number], Place & { order_id: string | null }>(
        `SELECT epoch, seq, order_id FROM events WHERE (epoch, seq) < (?, ?)
         ORDER BY epoch DESC, seq DESC LIMIT ${UNSEEN}`,
      ),
    policyTaken: () =>
      db
        .prepare<[], number>(
          `SELECT json_extract(body, '$.version') FROM events WHERE kind = 'policy-taken'
           ORDER BY epoch DESC, seq DESC LIMIT 1`,
        )
        .pluck(),
    lastOfAccount: () =>
      db
        .prepare<[string, number], string>(
          `SELECT row FROM orders WHERE account = ${UNSEEN} ORDER BY last_epoch DESC, last_seq DESC
           LIMIT ${UNSEEN}`,
        )
        .pluck(),
    lastOfCard: () =>
      db
        .prepare<[string, number], string>(
          `SELECT row FROM orders WHERE card_no = ${UNSEEN} ORDER BY last_epoch DESC, last_seq DESC
           LIMIT ${UNSEEN}`,
        )
        .pluck(),
    byRef: () =>
      db
        .prepare<[string], string>(
          `SELECT row FROM orders WHERE order_id LIKE ? ORDER BY last_epoch DESC, last_seq DESC
           LIMIT 1`,
        )
        .pluck(),
    story: () =>
      db.prepare<[string], EventRecord>(
        `SELECT ${EVENT_COLUMNS} FROM events WHERE order_id = ${UNSEEN} ORDER BY epoch, seq`,
      ),
    stretchBack: () =>
      db.prepare<[number, number, number], Place>(
        `SELECT epoch, seq FROM events WHERE (epoch, seq) < (?, ?) ORDER BY epoch DESC, seq DESC
         LIMIT 1 OFFSET ${UNSEEN}`,
      ),
    firstPlace: () =>
      db.prepare<[], Place>('SELECT epoch, seq FROM events ORDER BY epoch, seq LIMIT 1'),
    readBack: () =>
      db.prepare<[number, number, number, number, string, number], ToldRecord>(
        `SELECT epoch, seq, kind, wall_ms, order_id, body FROM events
         WHERE (epoch, seq) < (?, ?) AND (epoch, seq) >= (?, ?)
           AND instr(${UNSEEN}, '/' || kind || '/') > 0
         ORDER BY epoch DESC, seq DESC LIMIT ${UNSEEN}`,
      ),
    wallAt: () =>
      db
        .prepare<[number, number], number>('SELECT wall_ms FROM events WHERE epoch = ? AND seq = ?')
        .pluck(),
    edges: () =>
      db.prepare<[number, number], { first: number | null; last: number | null }>(
        `SELECT (SELECT min(seq) FROM events WHERE epoch = ?) first,
           (SELECT max(seq) FROM events WHERE epoch = ?) last`,
      ),
    inDoubtWrites: () =>
      db.prepare<[string], Place>(
        "SELECT epoch, seq FROM events WHERE order_id = ? AND kind IN ('order-delivering', 'order-in-doubt')",
      ),
    firstOf: () =>
      db.prepare<[string], Place>(
        `SELECT epoch, seq FROM events WHERE order_id = ${UNSEEN} ORDER BY epoch, seq LIMIT 1`,
      ),
    unsent: () =>
      db.prepare<[number], EventRecord>(
        `SELECT ${EVENT_COLUMNS} FROM outbox CROSS JOIN events USING (epoch, seq) ORDER BY epoch,
         seq LIMIT ${UNSEEN}`,
      ),
    hashAt: () =>
      db
        .prepare<[number, number], string>('SELECT hash FROM events WHERE epoch = ? AND seq = ?')
        .pluck(),
    acked: () => db.prepare<[number, number]>('DELETE FROM outbox WHERE epoch = ? AND seq <= ?'),
    resend: () =>
      db.prepare<[number, number]>(
        `INSERT OR IGNORE INTO outbox (epoch, seq) SELECT epoch, seq FROM events e WHERE epoch =
         ? AND seq >= ? AND NOT EXISTS (SELECT 1 FROM stranded s WHERE s.epoch = e.epoch AND
         s.seq = e.seq)`,
      ),
    waiting: () =>
      db
        .prepare<[string], 1>(
          `SELECT 1 FROM outbox CROSS JOIN events USING (epoch, seq) WHERE order_id = ${UNSEEN}
           LIMIT 1`,
        )
        .pluck(),
    queued: () =>
      db.prepare<[number, number], 1>('SELECT 1 FROM outbox WHERE epoch = ? AND seq = ?').pluck(),
    strand: () =>
      db.prepare<[number, number]>(
        `INSERT OR IGNORE INTO stranded (epoch, seq, restated) SELECT epoch, seq, 0 FROM outbox
         WHERE epoch = ? AND seq >= ?`,
      ),
    unqueue: () => db.prepare<[number, number]>('DELETE FROM outbox WHERE epoch = ? AND seq >= ?'),
    stranded: () =>
      db.prepare<[], { events: number; orders: number }>(
        `SELECT count(*) events, count(DISTINCT e.order_id) orders FROM stranded CROSS JOIN
         events e USING (epoch, seq)`,
      ),
    toRestate: () =>
      db
        .prepare<[number], string>(
          `SELECT DISTINCT e.order_id FROM stranded s CROSS JOIN events e USING (epoch, seq)
           WHERE s.restated = 0 AND s.epoch < ? AND e.order_id IN (SELECT order_id FROM orders)
           ORDER BY e.order_id`,
        )
        .pluck(),
    restated: () =>
      db.prepare<[number, string]>(
        `UPDATE stranded SET restated = 1 WHERE epoch < ? AND EXISTS (SELECT 1 FROM events e
         WHERE e.epoch = stranded.epoch AND e.seq = stranded.seq AND e.order_id = ?)`,
      ),
    requestsToRestate: () =>
      db
        .prepare<[number], string>(
          `SELECT e.body FROM stranded s CROSS JOIN events e USING (epoch, seq)
           WHERE s.restated = 0 AND s.epoch < ? AND e.kind = 'request-made' ORDER BY e.epoch, e.seq`,
        )
        .pluck(),
    requestRestated: () =>
      db.prepare<[number, string]>(
        `UPDATE stranded SET restated = 1 WHERE epoch < ? AND EXISTS (SELECT 1 FROM events e
         WHERE e.epoch = stranded.epoch AND e.seq = stranded.seq AND e.kind = 'request-made'
           AND json_extract(e.body, '$.number') = ?)`,
      ),
    putPart: () =>
      db.prepare<[string, number, number, number, string]>(
        `INSERT INTO request_parts (number, epoch, seq, made_ms, sealed) VALUES (?, ?, ?, ?, ?)`,
      ),
    movePart: () =>
      db.prepare<[number, number, string]>(
        'UPDATE request_parts SET epoch = ?, seq = ?, acked_ms = NULL WHERE number = ?',
      ),
    partsSince: () =>
      db.prepare<[number], number>('SELECT count(*) FROM request_parts WHERE made_ms > ?').pluck(),
    unsentParts: () =>
      db.prepare<[number], { number: string; sealed: string }>(
        `SELECT number, sealed FROM request_parts p WHERE acked_ms IS NULL
           AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.epoch = p.epoch AND o.seq = p.seq)
           AND NOT EXISTS (SELECT 1 FROM stranded s WHERE s.epoch = p.epoch AND s.seq = p.seq)
         ORDER BY epoch, seq LIMIT ${UNSEEN}`,
      ),
    ackPart: () =>
      db.prepare<[number, string]>('UPDATE request_parts SET acked_ms = ? WHERE number = ?'),
    resendParts: () =>
      db.prepare<[number, number]>(
        'UPDATE request_parts SET acked_ms = NULL WHERE epoch = ? AND seq >= ?',
      ),
    forgetParts: () =>
      db.prepare<[number, number]>('DELETE FROM request_parts WHERE acked_ms <= ? OR made_ms <= ?'),
    unsynced: () =>
      db.prepare<[], { n: number; oldest: number | null }>(
        `SELECT count(*) n, min(e.wall_ms) oldest FROM outbox CROSS JOIN events e USING (epoch,
         seq)`,
      ),
    unsyncedFen: () =>
      db
        .prepare<[], number>(
          "SELECT coalesce(sum(json_extract(e.body, '$.amountFen')), 0) FROM outbox CROSS JOIN events e USING (epoch, seq) WHERE e.kind = 'order-paid'",
        )
        .pluck(),
    unfinishedOfOtherCard: () =>
      db
        .prepare<[string, string], string>(
          `SELECT row FROM orders WHERE account = ${UNSEEN} AND card_no <> ${UNSEEN}
           AND (state IN ('paid','delivering','in-doubt') OR (waits = 1 AND json_extract(row, '$.paidBy') IS NOT NULL)) ORDER BY order_id LIMIT 1`,
        )
        .pluck(),
    deliveriesAll: () =>
      db.prepare<[string, number], { count: number; quantity: number; soldMs: number }>(
        `SELECT json_extract(e.body, '$.count') count, json_extract(e.body, '$.quantity') quantity,
           ${SOLD_MS} soldMs
         FROM orders r JOIN events e ON e.order_id = r.order_id
         WHERE r.account = ${UNSEEN} AND e.kind = 'order-delivered'
           AND json_extract(e.body, '$.count') > ${UNSEEN} ORDER BY count`,
      ),
    deliveriesUnacknowledged: () =>
      db.prepare<[string, number], { count: number; quantity: number; soldMs: number }>(
        `SELECT json_extract(e.body, '$.count') count, json_extract(e.body, '$.quantity') quantity,
           ${SOLD_MS} soldMs
         FROM orders r JOIN events e ON e.order_id = r.order_id JOIN outbox USING (epoch, seq)
         WHERE r.account = ${UNSEEN} AND e.kind = 'order-delivered'
           AND json_extract(e.body, '$.count') > ${UNSEEN} ORDER BY count`,
      ),
    soldOffline: () =>
      db
        .prepare<[string], 1>(
          `SELECT 1 FROM orders r JOIN events e ON e.order_id = r.order_id JOIN outbox USING (epoch, seq)
           WHERE r.account = ${UNSEEN} AND e.kind = 'order-delivered'
             AND json_extract(r.row, '$.sale.offline') LIMIT 1`,
        )
        .pluck(),
    putShift: () =>
      db.prepare<[number, number, number, string]>(
        'INSERT OR REPLACE INTO shifts (epoch, seq, wall_ms, body) VALUES (?, ?, ?, ?)',
      ),
    putCompared: () =>
      db.prepare<[string, string, string]>(
        'INSERT OR REPLACE INTO compared (date, provider, body) VALUES (?, ?, ?)',
      ),
    shifts: () =>
      db.prepare<[number], ShiftRecord>(
        'SELECT epoch, seq, wall_ms, body FROM shifts ORDER BY epoch DESC, seq DESC LIMIT ?',
      ),
    compared: () =>
      db
        .prepare<[string], string>('SELECT body FROM compared WHERE date = ? ORDER BY provider')
        .pluck(),
    cacheAccount: () =>
      db.prepare<[string, number, string]>(
        `INSERT INTO account_cache (card_no, fetched_ms, body) VALUES (?, ?, ?) ON CONFLICT
         (card_no) DO UPDATE SET fetched_ms = excluded.fetched_ms, body = excluded.body`,
      ),
    cachedAccount: () =>
      db.prepare<[string], { fetched_ms: number; body: string }>(
        'SELECT fetched_ms, body FROM account_cache WHERE card_no = ?',
      ),
    getMeta: () => db.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck(),
    setMeta: () =>
      db.prepare<[string, string]>(
        `INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value =
         excluded.value`,
      ),
    dropMeta: () => db.prepare<[string]>('DELETE FROM meta WHERE key = ?'),
    begin: () => db.prepare('BEGIN IMMEDIATE'),
    commit: () => db.prepare('COMMIT'),
    rollback: () => db.prepare('ROLLBACK'),
    head: () =>
      db.prepare<[], Anchor>(
        'SELECT epoch, seq, hash FROM events ORDER BY epoch DESC, seq DESC LIMIT 1',
      ),
    nextEpoch: () =>
      db.prepare<[number], number | null>('SELECT min(epoch) FROM events WHERE epoch > ?').pluck(),
    lastOf: () =>
      db.prepare<[number], number | null>('SELECT max(seq) FROM events WHERE epoch = ?').pluck(),
    missing: () =>
      db.prepare<[number, number], EventRecord>(
        `SELECT ${EVENT_COLUMNS} FROM events WHERE epoch = ? AND seq > ? ORDER BY seq`,
      ),
  });
}
/** Every statement of a journal, ready to run. */
export type Statements = ReturnType<typeof prepare>;

/**
 * Statements live as long as their connection: a journal opened again on the simulation's disk
 * finds them ready.
 */
const prepared = new WeakMap<Database.Database, Statements>();

/** The statements of a connection. */
export function statementsOf(db: Database.Database): Statements {
  let st = prepared.get(db);
  if (st === undefined) {
    st = prepare(db);
    prepared.set(db, st);
  }
  return st;
}
