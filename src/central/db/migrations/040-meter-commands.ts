/**
 * What IoT meters are told after a top-up: how often they were, and how much in all. One row for
 * each posting; the newest of a meter says all that the ones before it did.
 */
export const meterCommands = `
ALTER TABLE credit_accounts ADD COLUMN topped_count bigint NOT NULL DEFAULT 0;
ALTER TABLE credit_accounts ADD COLUMN topped_fen bigint NOT NULL DEFAULT 0;
CREATE TABLE meter_commands (
  meter_no text NOT NULL,
  -- Which top-up of the meter it is, from 1; with it the meter knows one that it has already.
  count bigint NOT NULL,
  -- All that was ever topped up, with this one, fen.
  total_fen bigint NOT NULL,
  amount_fen bigint NOT NULL,
  user_no text NOT NULL,
  order_id text NOT NULL UNIQUE,
  state text NOT NULL CHECK (state IN ('waiting', 'sent', 'done')),
  made_ms bigint NOT NULL,
  sent_ms bigint,
  done_ms bigint,
  look_ms bigint NOT NULL,
  said text,
  -- Somebody has been told to repair it.
  repair_who text,
  repair_why text,
  PRIMARY KEY (meter_no, count)
);
CREATE INDEX meter_commands_look ON meter_commands (look_ms) WHERE state <> 'done'`;
