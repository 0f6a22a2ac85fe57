/**
 * Facts that wait for another terminal's, and the index by which an order's claims are found: a
 * batch of facts looks for them.
 */
export const heldFacts = `
CREATE TABLE held_facts (
  held_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  terminal_id text NOT NULL,
  epoch bigint NOT NULL,
  seq bigint NOT NULL,
  order_id text NOT NULL,
  user_no text,
  reason text NOT NULL,
  held_ms bigint NOT NULL,
  UNIQUE (terminal_id, epoch, seq)
);
CREATE INDEX held_facts_order ON held_facts (order_id);
CREATE INDEX held_facts_user ON held_facts (user_no);
CREATE INDEX claims_order ON claims (order_id)`;
