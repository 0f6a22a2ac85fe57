/**
 * Accounts that a company's own billing system keeps (docs/external-accounts.md): what it said last
 * of each card, the purchases that it is told of, and what it said that cannot be. `told_no` of an
 * account: how many of its purchases were given a number so far; null: central's own account.
 */
export const companyAccounts = `
ALTER TABLE accounts ADD COLUMN told_no bigint;
CREATE TABLE company_cards (
  card_no text PRIMARY KEY,
  etag text,
  -- JSON of the account as it was told last.
  answer text NOT NULL,
  as_of_ms bigint NOT NULL,
  heard_ms bigint NOT NULL
);
CREATE TABLE company_purchases (
  user_no text NOT NULL,
  tell_no bigint NOT NULL,
  order_id text NOT NULL,
  -- JSON of what is told.
  body text NOT NULL,
  -- What of it counts: 1 and the quantity of a delivered one.
  counts bigint NOT NULL,
  quantity bigint NOT NULL,
  year_start_ms bigint NOT NULL,
  priced_ms bigint NOT NULL,
  state text NOT NULL DEFAULT 'waiting'
    CHECK (state IN ('waiting', 'booked', 'refused', 'settled')),
  made_ms bigint NOT NULL,
  look_ms bigint NOT NULL DEFAULT 0,
  tries bigint NOT NULL DEFAULT 0,
  said text,
  voucher text,
  settled_who text,
  settled_why text,
  PRIMARY KEY (user_no, tell_no),
  UNIQUE (user_no, order_id)
);
CREATE INDEX company_purchases_look ON company_purchases (look_ms) WHERE state = 'waiting';
CREATE INDEX company_purchases_refused ON company_purchases (made_ms) WHERE state = 'refused';
CREATE TABLE company_findings (
  about text NOT NULL,
  kind text NOT NULL,
  detail text NOT NULL,
  first_ms bigint NOT NULL,
  last_ms bigint NOT NULL,
  PRIMARY KEY (about, kind)
)`;
