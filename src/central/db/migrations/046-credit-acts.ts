/**
 * What two persons of the company do to accounts: the credit of an order moved to the account that
 * was meant, and what is granted after a change of the meter. What is taken back may be more than a
 * meter still has to confirm.
 */
export const creditActs = `
CREATE TABLE credit_acts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('move', 'grant')),
  -- Of a move: the order whose credit it is, from whom, and what of it stood there.
  order_id text,
  from_user text,
  from_lines text,
  to_user text NOT NULL REFERENCES credit_accounts,
  to_lines text NOT NULL,
  payee text NOT NULL,
  amount_fen bigint NOT NULL CHECK (amount_fen > 0),
  -- Of a grant: the work order of the meter's change.
  reference text NOT NULL,
  state text NOT NULL CHECK (state IN ('asked', 'done', 'refused')),
  asked_who text NOT NULL,
  asked_why text NOT NULL,
  asked_ms bigint NOT NULL,
  decided_who text,
  decided_why text,
  decided_ms bigint
);
CREATE UNIQUE INDEX credit_acts_move ON credit_acts (order_id) WHERE kind = 'move' AND state = 'asked';
CREATE UNIQUE INDEX credit_acts_grant ON credit_acts (reference) WHERE kind = 'grant' AND state <> 'refused';
CREATE INDEX credit_acts_order ON credit_acts (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX credit_acts_from ON credit_acts (from_user) WHERE from_user IS NOT NULL;
CREATE INDEX credit_acts_to ON credit_acts (to_user);
CREATE INDEX credit_acts_decided ON credit_acts (decided_ms) WHERE decided_ms IS NOT NULL;
CREATE TABLE credit_grant_days (
  -- China's.
  day text PRIMARY KEY,
  granted_fen bigint NOT NULL
);
ALTER TABLE credit_accounts DROP CONSTRAINT credit_accounts_on_the_way_fen_check;`;
