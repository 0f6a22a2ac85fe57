/**
 * In which history of the database a trade's wallets were all known (database_lives). Another one
 * than the present: the wallets are asked first, since a backup knows less than they do.
 *
 * And what a wallet's bill lists under a number of the gateway's own form that no row has.
 */
export const gatewayLives = `
ALTER TABLE gateway_trades ADD COLUMN life text NOT NULL DEFAULT '';
CREATE TABLE gateway_unknown (
  merchant text NOT NULL,
  wallet text NOT NULL,
  number text NOT NULL,
  -- Empty: the payment itself.
  refund_no text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('payment', 'refund', 'reversal')),
  amount_fen bigint NOT NULL,
  at_ms bigint NOT NULL,
  -- The bill's day, and when it was read.
  date text NOT NULL,
  found_ms bigint NOT NULL,
  PRIMARY KEY (merchant, wallet, number, refund_no, kind)
);`;
