/**
 * Facts keyed by (epoch, seq): the chain begins anew with each epoch. `stranded` holds what central
 * refused for good and what is therefore kept here only. Rows are made anew from the events (they
 * carry fields that version 1 did not know), by `migrate`, in the same transaction.
 */
export const epochs = {
  version: 2,
  name: '0002-epochs',
  sql: `
CREATE TABLE facts (
  epoch INTEGER NOT NULL CHECK (epoch > 0),
  seq INTEGER NOT NULL CHECK (seq > 0),
  kind TEXT NOT NULL,
  wall_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  order_id TEXT,
  body TEXT NOT NULL,
  prev_hash TEXT NOT NULL CHECK (length(prev_hash) = 64),
  hash TEXT NOT NULL CHECK (length(hash) = 64),
  PRIMARY KEY (epoch, seq)
) STRICT;
INSERT INTO facts SELECT epoch, seq, kind, wall_ms, mono_ms, boot_id, order_id, body, prev_hash, hash FROM events ORDER BY seq;
CREATE TABLE unsent (epoch INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;
INSERT INTO unsent SELECT e.epoch, e.seq FROM outbox o JOIN events e USING (seq);
DROP TABLE outbox;
DROP TABLE attempts;
DROP TABLE orders;
DROP TABLE events;
ALTER TABLE facts RENAME TO events;
CREATE INDEX events_by_order ON events (order_id) WHERE order_id IS NOT NULL;
CREATE TRIGGER events_append_only_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_append_only_delete BEFORE DELETE ON events WHEN NOT EXISTS (SELECT 1 FROM meta WHERE key = 'pruning') BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TABLE orders (
  order_id TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('quoted','collecting','paid','delivering','in-doubt','delivered','closed','refunding','refunded','parked')),
  card_no TEXT NOT NULL,
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  waits INTEGER NOT NULL CHECK (waits IN (0, 1)),
  last_epoch INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  row TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_by_card ON orders (card_no, state);
CREATE INDEX orders_open ON orders (state) WHERE state NOT IN ('delivered','closed','refunded','parked');
CREATE INDEX orders_waiting ON orders (waits) WHERE waits = 1;
CREATE TABLE attempts (
  attempt_id TEXT PRIMARY KEY,
  order_id TEXT NOT NULL REFERENCES orders (order_id),
  state TEXT NOT NULL CHECK (state IN ('creating','pending','closing','closed','paid','refunding','refunded','parked')),
  out_trade_no TEXT NOT NULL UNIQUE,
  out_refund_no TEXT NOT NULL UNIQUE,
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  waits INTEGER NOT NULL CHECK (waits IN (0, 1)),
  created_ms INTEGER NOT NULL,
  last_epoch INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  row TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_by_order ON attempts (order_id);
CREATE INDEX attempts_open ON attempts (state, created_ms);
CREATE INDEX attempts_waiting ON attempts (waits) WHERE waits = 1;
CREATE TABLE outbox (epoch INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (epoch, seq), FOREIGN KEY (epoch, seq) REFERENCES events (epoch, seq)) STRICT, WITHOUT ROWID;
INSERT INTO outbox SELECT epoch, seq FROM unsent;
DROP TABLE unsent;
CREATE TABLE stranded (epoch INTEGER NOT NULL, seq INTEGER NOT NULL, restated INTEGER NOT NULL CHECK (restated IN (0, 1)), PRIMARY KEY (epoch, seq), FOREIGN KEY (epoch, seq) REFERENCES events (epoch, seq)) STRICT, WITHOUT ROWID;
`,
} as const;
