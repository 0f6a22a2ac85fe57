/**
 * Facts that wait for another terminal's; the index by which an order's claims are found, which
 * each batch of facts looks for; and the histories of the database.
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
CREATE INDEX claims_order ON claims (order_id);
-- Histories of this database, and since when it goes on in each; 0: from its beginning.
CREATE TABLE database_lives (
  life text PRIMARY KEY,
  since_ms bigint NOT NULL
)`;
