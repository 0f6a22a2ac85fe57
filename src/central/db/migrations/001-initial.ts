/**
 * Money in fen, quantities in 0.01 units, remainders in micro-yuan, times in ms since 1970: all
 * bigint.
 */
export const initial = `
CREATE TABLE terminals (
  terminal_id text PRIMARY KEY,
  public_key text NOT NULL,
  epoch bigint NOT NULL,
  last_seq bigint NOT NULL,
  last_hash text NOT NULL,
  last_upload_ms bigint,
  alarm text
);
CREATE TABLE tariffs (
  tariff_id text NOT NULL,
  version bigint NOT NULL,
  tiers text NOT NULL,
  PRIMARY KEY (tariff_id, version)
);
CREATE TABLE accounts (
  user_no text PRIMARY KEY,
  holder_name text NOT NULL,
  meter_no text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('gas', 'water', 'heat')),
  unit text NOT NULL CHECK (unit IN ('volume', 'money')),
  state text NOT NULL CHECK (state IN ('normal', 'hot-listed', 'debt')),
  count bigint NOT NULL CHECK (count >= 0),
  cumulative bigint NOT NULL CHECK (cumulative >= 0),
  year_quantity bigint NOT NULL CHECK (year_quantity >= 0),
  carried_micro bigint NOT NULL CHECK (carried_micro >= 0),
  ceiling_quantity bigint NOT NULL,
  per_purchase_quantity bigint,
  period_left_quantity bigint CHECK (period_left_quantity >= 0),
  tariff_id text NOT NULL,
  tariff_version bigint NOT NULL,
  FOREIGN KEY (tariff_id, tariff_version) REFERENCES tariffs
);
CREATE TABLE cards (
  card_no text PRIMARY KEY,
  user_no text NOT NULL REFERENCES accounts
);
-- A firm quote's answer, kept so that asking again gives the same. 'released' without an answer: given back before it was asked for.
CREATE TABLE quotes (
  order_id text PRIMARY KEY,
  terminal_id text NOT NULL REFERENCES terminals,
  request text,
  answer text,
  state text NOT NULL CHECK (state IN ('live', 'released'))
);
CREATE TABLE claims (
  card_no text PRIMARY KEY,
  next_count bigint NOT NULL,
  order_id text NOT NULL,
  terminal_id text NOT NULL,
  -- null: never by itself (the order took money)
  expires_ms bigint
);
CREATE TABLE reserves (
  order_id text PRIMARY KEY,
  user_no text NOT NULL REFERENCES accounts,
  micro bigint NOT NULL CHECK (micro >= 0),
  state text NOT NULL CHECK (state IN ('held', 'consumed', 'released'))
);
CREATE TABLE orders (
  order_id text PRIMARY KEY,
  terminal_id text NOT NULL,
  card_no text NOT NULL,
  user_no text NOT NULL,
  next_count bigint NOT NULL,
  amount_fen bigint NOT NULL,
  quantity bigint NOT NULL,
  carried_used_micro bigint NOT NULL,
  carried_after_micro bigint NOT NULL,
  offline boolean NOT NULL,
  tag text NOT NULL,
  state text NOT NULL,
  money_taken boolean NOT NULL DEFAULT false,
  note text,
  created_ms bigint NOT NULL,
  changed_ms bigint NOT NULL
);
CREATE INDEX orders_card ON orders (card_no);
CREATE TABLE journal_events (
  terminal_id text NOT NULL,
  epoch bigint NOT NULL,
  seq bigint NOT NULL,
  kind text NOT NULL,
  wall_ms bigint NOT NULL,
  order_id text,
  body text NOT NULL,
  hash text NOT NULL,
  received_ms bigint NOT NULL,
  PRIMARY KEY (terminal_id, epoch, seq)
);
-- Append-only. One order's attempt can be captured, refunded, delivered and so on once each.
CREATE TABLE ledger (
  entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  terminal_id text NOT NULL,
  epoch bigint NOT NULL,
  seq bigint NOT NULL,
  order_id text NOT NULL,
  attempt_id text NOT NULL DEFAULT '',
  user_no text,
  kind text NOT NULL CHECK (kind IN ('captured', 'captured-extra', 'delivered', 'refunded', 'carried', 'carried-used', 'parked')),
  amount_fen bigint NOT NULL DEFAULT 0,
  quantity bigint NOT NULL DEFAULT 0,
  micro bigint NOT NULL DEFAULT 0,
  reference text,
  at_ms bigint NOT NULL,
  UNIQUE (order_id, attempt_id, kind)
);
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''the ledger is append-only''; END';
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
CREATE TABLE quarantine (
  terminal_id text NOT NULL,
  epoch bigint NOT NULL,
  seq bigint NOT NULL,
  kind text NOT NULL,
  order_id text,
  reason text NOT NULL,
  at_ms bigint NOT NULL,
  settled_ms bigint,
  PRIMARY KEY (terminal_id, epoch, seq)
);
CREATE TABLE policy (
  version bigint PRIMARY KEY,
  body text NOT NULL,
  signature text NOT NULL
)`;
