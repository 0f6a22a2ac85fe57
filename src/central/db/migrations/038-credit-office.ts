/**
 * What staff said of items that were paid, debited or taken back elsewhere; and two persons may say
 * that central credits what a dead kiosk left open.
 */
export const creditOffice = `
CREATE TABLE credit_item_changes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  item text NOT NULL REFERENCES credit_items,
  was text NOT NULL,
  state text NOT NULL,
  reference text NOT NULL,
  who text NOT NULL,
  why text NOT NULL,
  at_ms bigint NOT NULL
);
CREATE INDEX credit_item_changes_item ON credit_item_changes (item);
ALTER TABLE hand_requests DROP CONSTRAINT hand_requests_how_check, ADD CONSTRAINT hand_requests_how_check CHECK (how IN ('refunded-by-hand', 'delivered-by-hand', 'nothing-due', 'refund-by-gateway', 'credited'))`;
