/**
 * What is sold without a card: accounts with their balance, what they owe, and the posting of each
 * credit order. `orders.sale` tells the two kinds of orders apart; a credit order has no card, no
 * count and no quantity. Evidence of a payment says when the wallet took it.
 */
export const credit = `
CREATE TABLE credit_accounts (
  user_no text PRIMARY KEY,
  holder_name text NOT NULL,
  address text NOT NULL,
  state text NOT NULL DEFAULT 'normal' CHECK (state IN ('normal', 'closed')),
  -- An IoT meter's, which is topped up for this payee; null: it has none.
  meter_no text,
  top_up_payee text,
  balance_fen bigint NOT NULL,
  -- Paid, and not confirmed by the meter yet.
  on_the_way_fen bigint NOT NULL DEFAULT 0 CHECK (on_the_way_fen >= 0)
);
CREATE TABLE credit_items (
  item text PRIMARY KEY,
  user_no text NOT NULL REFERENCES credit_accounts,
  kind text NOT NULL CHECK (kind IN ('gas', 'water', 'heat')),
  payee text NOT NULL,
  period text NOT NULL,
  principal_fen bigint NOT NULL CHECK (principal_fen > 0),
  -- For each day behind due_date, 1/100 000 of the principal; never more than the cap.
  late_fee_e5 bigint NOT NULL DEFAULT 0 CHECK (late_fee_e5 >= 0),
  late_fee_cap_fen bigint NOT NULL DEFAULT 0 CHECK (late_fee_cap_fen >= 0),
  due_date text,
  -- Given to who pays on or before this day.
  discount_fen bigint NOT NULL DEFAULT 0 CHECK (discount_fen >= 0),
  discount_until text,
  details text NOT NULL,
  consent_text text,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid', 'debited', 'withdrawn')),
  -- The order that it is kept for, and until when.
  order_id text,
  reserved_until_ms bigint,
  -- An order, or elsewhere.
  paid_by text,
  paid_ms bigint,
  CHECK (late_fee_cap_fen <= principal_fen AND discount_fen < principal_fen)
);
CREATE INDEX credit_items_user ON credit_items (user_no);
CREATE INDEX credit_items_order ON credit_items (order_id) WHERE order_id IS NOT NULL;
CREATE TABLE postings (
  order_id text PRIMARY KEY,
  terminal_id text NOT NULL,
  -- Empty: given up before central heard of it.
  user_no text NOT NULL,
  payee text NOT NULL,
  amount_fen bigint NOT NULL,
  -- JSON of the lines as they were quoted.
  lines text NOT NULL,
  -- JSON of what is asked for, by which the same request is known again; null: lost.
  request text,
  -- JSON of the texts that are agreed to before it is posted.
  texts text NOT NULL DEFAULT '[]',
  expires_ms bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'posting', 'posted', 'refused', 'void')),
  attempt_id text,
  wallet_number text,
  -- When the wallet took the money.
  paid_ms bigint,
  reference text UNIQUE,
  why text,
  consent text,
  opened_ms bigint NOT NULL,
  posting_ms bigint,
  -- When its last state began.
  ended_ms bigint
);
CREATE INDEX postings_open ON postings (terminal_id) WHERE state IN ('open', 'posting');
CREATE INDEX postings_user ON postings (user_no);
CREATE INDEX postings_ended ON postings (ended_ms);
ALTER TABLE orders ADD COLUMN sale text NOT NULL DEFAULT 'card';
ALTER TABLE payment_evidence ADD COLUMN paid_ms bigint`;
