/**
 * Up to which timestamp a terminal's nonces were let go: an older request of its is refused, since
 * nobody could tell whether it comes again.
 */
export const nonceMarks = `
CREATE TABLE nonce_marks (
  terminal_id text PRIMARY KEY,
  from_ms bigint NOT NULL
)`;
