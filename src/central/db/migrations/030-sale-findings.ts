/**
 * What the books knew of an offline sale when it was told (JSON), for its delivery; and what they
 * found of delivered sales that a person should see. `accuses`: the kiosk could know better.
 */
export const saleFindings = `
ALTER TABLE orders ADD COLUMN judged text;
CREATE TABLE sale_findings (
  order_id text NOT NULL,
  reason text NOT NULL,
  terminal_id text NOT NULL,
  user_no text NOT NULL,
  detail text NOT NULL,
  accuses boolean NOT NULL,
  at_ms bigint NOT NULL,
  settled_ms bigint,
  settled_who text,
  settled_why text,
  PRIMARY KEY (order_id, reason)
);
CREATE INDEX sale_findings_open ON sale_findings (at_ms) WHERE settled_ms IS NULL`;
