/**
 * What terminals had handed back by the gateway, by day of China's calendar; and what waits beyond
 * their budget until a person, or the next day, lets it go.
 */
export const refundBudgets = `
CREATE TABLE refund_days (
  terminal_id text NOT NULL,
  day text NOT NULL,
  refunds bigint NOT NULL,
  fen bigint NOT NULL,
  PRIMARY KEY (terminal_id, day)
);
CREATE TABLE refund_waits (
  terminal_id text NOT NULL,
  number text NOT NULL,
  out_trade_no text NOT NULL,
  fen bigint NOT NULL,
  since_ms bigint NOT NULL,
  allowed_ms bigint,
  who text,
  why text,
  PRIMARY KEY (terminal_id, number)
);
CREATE INDEX refund_waits_open ON refund_waits (since_ms) WHERE allowed_ms IS NULL`;
