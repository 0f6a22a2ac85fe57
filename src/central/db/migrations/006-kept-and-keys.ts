/**
 * What kiosks kept of an order's writes; and which card keys' cryptograms were given, to whom, for
 * which order.
 */
export const keptAndKeys = `
ALTER TABLE orders ADD COLUMN kept text;
-- Never the cryptogram itself, nor a code.
CREATE TABLE key_uses (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  terminal_id text NOT NULL,
  order_id text,
  card_no text NOT NULL,
  verb text NOT NULL,
  granted boolean NOT NULL,
  why text,
  at_ms bigint NOT NULL
);
CREATE INDEX key_uses_card ON key_uses (card_no, at_ms)`;
