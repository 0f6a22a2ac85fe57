/**
 * Which chip a card number was sold to under: the key that writes a Mifare card is given for that
 * chip only.
 */
export const cardUids = `
CREATE TABLE card_uids (
  card_no text PRIMARY KEY,
  uid text NOT NULL UNIQUE,
  order_id text NOT NULL,
  at_ms bigint NOT NULL
)`;
