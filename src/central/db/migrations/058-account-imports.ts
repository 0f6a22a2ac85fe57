/** Files of accounts that were imported, and what each changed of accounts that were there. */
export const accountImports = `
CREATE TABLE account_imports (
  import_id text PRIMARY KEY,
  kind text NOT NULL,
  file text NOT NULL,
  sha256 text NOT NULL,
  who text NOT NULL,
  at_ms bigint NOT NULL,
  added bigint NOT NULL,
  changed bigint NOT NULL,
  unchanged bigint NOT NULL
);
CREATE TABLE account_changes (
  import_id text NOT NULL,
  subject text NOT NULL,
  before text,
  after text NOT NULL,
  PRIMARY KEY (subject, import_id)
)`;
