/**
 * E-invoices of delivered orders. A blue one is the invoice, a red one takes it back whole. Each
 * row is one request to the provider, under an id of ours that is stored before anything is sent.
 * What identifies a buyer is deleted by the configuration's days.
 */
export const invoices = `
CREATE TABLE invoices (
  request_id text PRIMARY KEY,
  order_id text NOT NULL,
  -- The payment that it is for.
  attempt_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('blue', 'red')),
  -- A red one's: the blue that it takes back.
  of_request text,
  -- waiting: a red one, for the end of its blue. void: there was nothing to take back.
  state text NOT NULL CHECK (state IN ('waiting', 'asked', 'pending', 'issued', 'refused', 'reversed', 'void')),
  amount_fen bigint NOT NULL CHECK (amount_fen > 0),
  -- JSON of what is asked for beside the buyer.
  body text NOT NULL,
  buyer_kind text CHECK (buyer_kind IN ('person', 'company')),
  buyer_name text,
  buyer_tax_no text,
  number text UNIQUE,
  issued_ms bigint,
  url text,
  -- What the provider said last, where it is not issued.
  said text,
  made_ms bigint NOT NULL,
  -- Before the first request that carried it.
  sent_ms bigint,
  ended_ms bigint,
  look_ms bigint,
  -- A red one's: who wanted it, and the second person; 'central': the money had gone back.
  who text,
  why text,
  second_who text,
  -- A blue one's: what the first of two persons asks for.
  asked_who text,
  asked_why text,
  asked_ms bigint,
  CHECK ((kind = 'red') = (of_request IS NOT NULL))
);
CREATE UNIQUE INDEX invoices_one_blue ON invoices (order_id) WHERE kind = 'blue' AND state NOT IN ('refused', 'reversed');
CREATE UNIQUE INDEX invoices_one_red ON invoices (of_request) WHERE kind = 'red' AND state NOT IN ('refused', 'void');
CREATE INDEX invoices_order ON invoices (order_id);
CREATE INDEX invoices_look ON invoices (look_ms) WHERE look_ms IS NOT NULL;
CREATE INDEX invoices_open ON invoices (made_ms) WHERE state IN ('waiting', 'asked', 'pending');
CREATE INDEX invoices_refused ON invoices (ended_ms) WHERE state = 'refused';
CREATE INDEX invoices_asked ON invoices (asked_ms) WHERE asked_who IS NOT NULL;
CREATE INDEX invoices_buyer ON invoices (ended_ms) WHERE buyer_name IS NOT NULL`;
