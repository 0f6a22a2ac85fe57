/** Who did what, with before and after: appended, and never changed. */
export const audit = `
CREATE TABLE audit (
  audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at_ms bigint NOT NULL,
  who text NOT NULL,
  via text NOT NULL CHECK (via IN ('console', 'api', 'command')),
  act text NOT NULL,
  subject text NOT NULL,
  before text,
  after text
);
CREATE INDEX audit_at ON audit (at_ms);
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''the audit is append-only''; END';
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()`;
