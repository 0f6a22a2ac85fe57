/**
 * Pages of receipts: keys that terminals had, by which the codes on their old slips count on, and
 * what an order sold, found by its number.
 */
export const receipts = `
CREATE TABLE earlier_keys (
  terminal_id text NOT NULL REFERENCES terminals,
  public_key text NOT NULL,
  -- Orders that began before; none that began later is told of by this key.
  until_ms bigint NOT NULL,
  PRIMARY KEY (terminal_id, public_key)
);
CREATE INDEX journal_quotes ON journal_events (order_id) WHERE kind = 'order-quoted'`;
