/**
 * Refunds of begun writes that only a reader's word calls unwritten: what was granted within the
 * budget, what waits for a person, and what he decided.
 */
export const unprovenRefunds = `
CREATE TABLE unproven_refunds (
  order_id text PRIMARY KEY,
  terminal_id text NOT NULL,
  user_no text NOT NULL,
  card_no text NOT NULL,
  next_count bigint NOT NULL,
  amount_fen bigint NOT NULL,
  -- What stands open of it: the sum, less a purchase that took its count before.
  open_fen bigint NOT NULL,
  unwritten text NOT NULL,
  -- What the terminal says that it read, hex.
  read_image text,
  state text NOT NULL CHECK (state IN ('waiting', 'granted', 'allowed', 'refused')),
  reason text NOT NULL,
  first_ms bigint NOT NULL,
  changed_ms bigint NOT NULL,
  -- The China day of the grant.
  day text,
  -- The account may have another: a person looked at the card and the meter.
  cleared_ms bigint,
  who text,
  why text
);
CREATE INDEX unproven_refunds_user ON unproven_refunds (user_no);
CREATE INDEX unproven_refunds_day ON unproven_refunds (day);
CREATE INDEX unproven_refunds_state ON unproven_refunds (state);
-- One row that whoever spends of a budget locks: sums are read and added to by one at a time.
CREATE TABLE refund_budget_turn (turn bigint PRIMARY KEY);
INSERT INTO refund_budget_turn VALUES (1)`;
