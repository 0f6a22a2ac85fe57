/**
 * An order need not be a card's: its row has a `sale`, the card number may be absent, and the
 * account is a column. Rows are made anew from the events, by `migrate`, in the same transaction.
 */
export const sales = {
  version: 4,
  name: '0004-sales',
  sql: `
DROP TABLE attempts;
DROP TABLE orders;
CREATE TABLE orders (
  order_id TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('quoted','collecting','paid','delivering','in-doubt','delivered','closed','refunding','refunded','parked')),
  account TEXT NOT NULL,
  card_no TEXT,
  amount_fen INTEGER NOT NULL CHECK (amount_fen >= 0),
  waits INTEGER NOT NULL CHECK (waits IN (0, 1)),
  last_epoch INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  row TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_by_card ON orders (card_no, state) WHERE card_no IS NOT NULL;
CREATE INDEX orders_by_account ON orders (account);
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
`,
} as const;
