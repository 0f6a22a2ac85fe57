/** Events, the rows folded from them, the outbox and what is kept of central's answers. */
export const initial = {
  version: 1,
  name: '0001-initial',
  sql: `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE events (
  seq INTEGER PRIMARY KEY CHECK (seq > 0),
  epoch INTEGER NOT NULL,
  kind TEXT NOT NULL,
  wall_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  order_id TEXT,
  body TEXT NOT NULL,
  prev_hash TEXT NOT NULL CHECK (length(prev_hash) = 64),
  hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64)
) STRICT;
CREATE INDEX events_by_order ON events (order_id) WHERE order_id IS NOT NULL;
CREATE TRIGGER events_append_only_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TABLE orders (
  order_id TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('quoted','collecting','paid','delivering','in-doubt','delivered','closed','refunding','refunded','parked')),
  card_no TEXT NOT NULL,
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  last_seq INTEGER NOT NULL REFERENCES events (seq),
  row TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_by_card ON orders (card_no, state);
CREATE INDEX orders_open ON orders (state) WHERE state NOT IN ('delivered','closed','refunded','parked');
CREATE TABLE attempts (
  attempt_id TEXT PRIMARY KEY,
  order_id TEXT NOT NULL REFERENCES orders (order_id),
  state TEXT NOT NULL CHECK (state IN ('creating','pending','closing','closed','paid','refunding','refunded','parked')),
  out_trade_no TEXT NOT NULL UNIQUE,
  out_refund_no TEXT NOT NULL UNIQUE,
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  created_ms INTEGER NOT NULL,
  last_seq INTEGER NOT NULL REFERENCES events (seq),
  row TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_by_order ON attempts (order_id);
CREATE INDEX attempts_open ON attempts (state, created_ms);
CREATE TABLE outbox (seq INTEGER PRIMARY KEY REFERENCES events (seq)) STRICT;
CREATE TABLE account_cache (card_no TEXT PRIMARY KEY, fetched_ms INTEGER NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
`,
} as const;
