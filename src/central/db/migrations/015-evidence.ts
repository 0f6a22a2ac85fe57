/**
 * What is known of payments by whoever took them: a wallet's number pays one order, ever. An order
 * whose payment only its terminal told of is unproven.
 */
export const evidence = `
CREATE TABLE payment_evidence (
  wallet text NOT NULL,
  wallet_number text NOT NULL,
  order_id text NOT NULL,
  attempt_id text NOT NULL,
  terminal_id text NOT NULL,
  amount_fen bigint NOT NULL,
  at_ms bigint NOT NULL,
  returned_ms bigint,
  PRIMARY KEY (wallet, wallet_number)
);
CREATE INDEX payment_evidence_order ON payment_evidence (order_id);
ALTER TABLE orders ADD COLUMN unproven boolean NOT NULL DEFAULT false;
CREATE INDEX orders_unproven ON orders (terminal_id) WHERE unproven`;
