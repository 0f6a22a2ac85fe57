/**
 * Signed requests that were carried out, by their nonce: the same one again is refused for as long
 * as its timestamp would be taken.
 */
export const nonces = `
CREATE TABLE nonces (
  terminal_id text NOT NULL,
  nonce text NOT NULL,
  until_ms bigint NOT NULL,
  PRIMARY KEY (terminal_id, nonce)
);
CREATE INDEX nonces_until ON nonces (until_ms)`;
