/**
 * Claims on orders in doubt, cursors for each epoch of a terminal, requests for a new epoch, forked
 * facts, and what a person did about a quarantined fact. Orders that are there already get from
 * their facts what is kept on them now.
 */
export const claimsAndEpochs = `
CREATE TABLE cursors (
  terminal_id text NOT NULL REFERENCES terminals,
  epoch bigint NOT NULL,
  last_seq bigint NOT NULL,
  last_hash text NOT NULL,
  PRIMARY KEY (terminal_id, epoch)
);
INSERT INTO cursors (terminal_id, epoch, last_seq, last_hash) SELECT terminal_id, epoch, last_seq, last_hash FROM terminals;
ALTER TABLE terminals DROP COLUMN last_seq;
ALTER TABLE terminals DROP COLUMN last_hash;
-- The last asking of each terminal; granted_ms null: waits for a person.
CREATE TABLE epoch_requests (
  terminal_id text PRIMARY KEY REFERENCES terminals,
  epoch bigint NOT NULL,
  last_seq bigint NOT NULL,
  last_hash text NOT NULL,
  why text NOT NULL,
  at_ms bigint NOT NULL,
  granted_ms bigint
);
-- Facts told under numbers that central holds otherwise: kept as told, bounded for each terminal.
CREATE TABLE forked_events (
  terminal_id text NOT NULL,
  epoch bigint NOT NULL,
  seq bigint NOT NULL,
  hash text NOT NULL,
  kind text NOT NULL,
  wall_ms bigint NOT NULL,
  order_id text,
  body text NOT NULL,
  received_ms bigint NOT NULL,
  PRIMARY KEY (terminal_id, epoch, seq, hash)
);
-- What a terminal said about its own journal, for staff.
CREATE TABLE terminal_notes (
  terminal_id text NOT NULL,
  epoch bigint NOT NULL,
  seq bigint NOT NULL,
  kind text NOT NULL,
  body text NOT NULL,
  at_ms bigint NOT NULL,
  PRIMARY KEY (terminal_id, epoch, seq)
);
ALTER TABLE orders ADD COLUMN ref text;
ALTER TABLE orders ADD COLUMN layout text;
ALTER TABLE orders ADD COLUMN unit text;
-- The newest plan of the write.
ALTER TABLE orders ADD COLUMN before_image text;
ALTER TABLE orders ADD COLUMN after_image text;
ALTER TABLE orders ADD COLUMN cumulative bigint;
ALTER TABLE orders ADD COLUMN plan text;
-- Who may write, until when (central's clock); a refund claim stands for ever.
ALTER TABLE orders ADD COLUMN write_terminal text;
ALTER TABLE orders ADD COLUMN write_until_ms bigint;
-- Another terminal that was granted the write and has not told that it left the card as it was: what it did is not known.
ALTER TABLE orders ADD COLUMN write_open text;
ALTER TABLE orders ADD COLUMN refund_claimed_ms bigint;
-- Whose report put the delivery into the books; whether the order's own journal has it too.
ALTER TABLE orders ADD COLUMN delivered_by text;
ALTER TABLE orders ADD COLUMN origin_delivered boolean NOT NULL DEFAULT false;
ALTER TABLE orders ADD COLUMN superseded_by text;
UPDATE orders SET ref = right(split_part(order_id, '-', 2), 4) || split_part(order_id, '-', 4) || split_part(order_id, '-', 5);
UPDATE orders SET delivered_by = terminal_id, origin_delivered = true WHERE state = 'delivered';
UPDATE orders o SET layout = e.body::jsonb ->> 'layout', unit = e.body::jsonb ->> 'unit' FROM journal_events e WHERE e.terminal_id = o.terminal_id AND e.order_id = o.order_id AND e.kind = 'order-quoted';
UPDATE orders o SET before_image = d.body::jsonb ->> 'before', after_image = d.body::jsonb ->> 'after', cumulative = (d.body::jsonb ->> 'cumulative')::bigint, plan = (d.body::jsonb -> 'plan')::text
  FROM (SELECT DISTINCT ON (terminal_id, order_id) terminal_id, order_id, body FROM journal_events WHERE kind = 'order-delivering' ORDER BY terminal_id, order_id, epoch DESC, seq DESC) d
  WHERE d.terminal_id = o.terminal_id AND d.order_id = o.order_id;
CREATE INDEX orders_ref ON orders (ref);
-- What a terminal is told again and again.
CREATE INDEX orders_told ON orders (terminal_id) WHERE (delivered_by IS NOT NULL AND NOT origin_delivered) OR superseded_by IS NOT NULL;
ALTER TABLE ledger DROP CONSTRAINT ledger_kind_check, ADD CONSTRAINT ledger_kind_check CHECK (kind IN ('captured', 'captured-extra', 'delivered', 'refunded', 'carried', 'carried-used', 'parked', 'adjustment'));
ALTER TABLE quarantine ADD COLUMN settled_who text;
ALTER TABLE quarantine ADD COLUMN settled_why text`;
