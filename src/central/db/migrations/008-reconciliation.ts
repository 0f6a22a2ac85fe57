/**
 * What a terminal found in a provider's bill of a day, as it told last; and the day's money by
 * time.
 */
export const reconciliation = `
CREATE TABLE bill_days (
  terminal_id text NOT NULL REFERENCES terminals,
  provider text NOT NULL,
  date text NOT NULL,
  payments bigint NOT NULL,
  paid_fen bigint NOT NULL,
  refunds bigint NOT NULL,
  refunded_fen bigint NOT NULL,
  reversals bigint NOT NULL,
  reversed_fen bigint NOT NULL,
  differences text NOT NULL,
  persons bigint NOT NULL,
  told_ms bigint NOT NULL,
  PRIMARY KEY (terminal_id, provider, date)
);
CREATE INDEX bill_days_date ON bill_days (date);
CREATE INDEX ledger_by_time ON ledger (at_ms);
CREATE INDEX journal_money_by_time ON journal_events (wall_ms) WHERE kind IN ('attempt-paid', 'attempt-refunded')`;
