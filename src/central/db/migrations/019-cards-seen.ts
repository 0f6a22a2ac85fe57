/** What kiosks read on cards, and the cards that are stopped for it. */
export const cardsSeen = `
CREATE TABLE cards_seen (
  card_no text PRIMARY KEY,
  terminal_id text NOT NULL,
  wall_ms bigint NOT NULL,
  body text NOT NULL,
  -- What meter and card had more than was bought, when that could first be said.
  base bigint
);
CREATE TABLE card_stops (
  card_no text NOT NULL,
  reason text NOT NULL,
  terminal_id text NOT NULL,
  at_ms bigint NOT NULL,
  settled_ms bigint,
  who text,
  why text,
  PRIMARY KEY (card_no, reason)
);
CREATE INDEX orders_card_tag ON orders (card_no, tag)`;
