/**
 * What a terminal may still do, who decided it, and what a revoked one told afterwards: no fact of
 * the books, but evidence.
 */
export const terminalStatus = `
ALTER TABLE terminals ADD COLUMN status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'revoked'));
CREATE TABLE status_changes (
  change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  terminal_id text NOT NULL REFERENCES terminals,
  status text NOT NULL,
  who text NOT NULL,
  why text NOT NULL,
  at_ms bigint NOT NULL
);
CREATE TABLE revoked_uploads (
  upload_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  terminal_id text NOT NULL,
  body text NOT NULL,
  chars bigint NOT NULL,
  at_ms bigint NOT NULL
);
CREATE INDEX revoked_uploads_terminal ON revoked_uploads (terminal_id);
CREATE INDEX key_uses_order ON key_uses (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX claims_terminal ON claims (terminal_id)`;
