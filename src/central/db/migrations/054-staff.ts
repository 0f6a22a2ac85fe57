/**
 * Who works at central, what each of them did, what waits for a second person, and what staff is
 * told of by mail. No password, token or session is here in clear: hashes only. A TOTP secret must
 * be, since codes are computed from it (docs/decisions/0061).
 */
export const staff = `
CREATE TABLE audit (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at_ms bigint NOT NULL,
  who text NOT NULL,
  via text NOT NULL CHECK (via IN ('console', 'api', 'command')),
  act text NOT NULL,
  subject text NOT NULL,
  -- Canonical JSON; null: nothing.
  before text,
  after text
);
CREATE INDEX audit_time ON audit (at_ms);
CREATE INDEX audit_who ON audit (who, n);
CREATE INDEX audit_subject ON audit (subject, n);
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''the audit is append-only''; END';
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TABLE staff (
  name text PRIMARY KEY,
  -- The name as people type it: two that differ in case or width only are one person.
  folded text NOT NULL UNIQUE,
  -- Parted by commas.
  roles text NOT NULL,
  -- scrypt, with its parameters; null: not set yet, and nobody logs in.
  password text,
  -- RFC 6238, base32; null: not enrolled yet.
  totp_secret text,
  -- The last step whose code was taken: no code counts twice.
  totp_step bigint NOT NULL,
  -- The one-time code of the first log-in; null: none is out.
  set_up_hash text,
  set_up_until_ms bigint,
  -- What that page shows, until a code of it was typed.
  set_up_secret text,
  disabled_ms bigint,
  created_ms bigint NOT NULL,
  changed_ms bigint NOT NULL
);
CREATE TABLE staff_sessions (
  token_hash text PRIMARY KEY,
  name text NOT NULL REFERENCES staff,
  -- set-up: of the one-time code, good for the page of the first log-in only.
  kind text NOT NULL CHECK (kind IN ('full', 'set-up')),
  created_ms bigint NOT NULL,
  seen_ms bigint NOT NULL,
  ends_ms bigint NOT NULL
);
CREATE INDEX staff_sessions_name ON staff_sessions (name);
CREATE TABLE staff_tokens (
  token_hash text PRIMARY KEY,
  name text NOT NULL REFERENCES staff,
  -- What it may at the most; never more than its owner may at that time.
  roles text NOT NULL,
  made_by text NOT NULL,
  created_ms bigint NOT NULL,
  ends_ms bigint NOT NULL
);
CREATE TABLE staff_tries (
  -- Whom or where from: "name …" or "source …".
  what text NOT NULL,
  -- A quarter of an hour, counted from 1970.
  span bigint NOT NULL,
  n integer NOT NULL,
  PRIMARY KEY (what, span)
);
CREATE INDEX staff_tries_span ON staff_tries (span);
CREATE TABLE staff_proposals (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- The console's path that carries it out, and the form as it was filled in.
  path text NOT NULL,
  form text NOT NULL,
  -- Of path and form but its reason: what is open is not proposed twice.
  digest text NOT NULL,
  subject text NOT NULL,
  who text NOT NULL,
  via text NOT NULL CHECK (via IN ('console', 'api')),
  asked_ms bigint NOT NULL,
  lapses_ms bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'approved', 'refused', 'lapsed')),
  decided_who text,
  decided_why text,
  decided_ms bigint
);
CREATE UNIQUE INDEX staff_proposals_open ON staff_proposals (digest) WHERE state = 'open';
CREATE TABLE alarms (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- Stable, as in staff/alarms/rules.ts.
  code text NOT NULL,
  -- What it is of: a terminal; empty: central as a whole.
  subject text NOT NULL,
  -- How bad, by the rule's own measure (a count, minutes).
  measure bigint NOT NULL,
  -- The measure that was told of last.
  told_measure bigint NOT NULL,
  detail text NOT NULL,
  raised_ms bigint NOT NULL,
  changed_ms bigint NOT NULL,
  cleared_ms bigint
);
CREATE UNIQUE INDEX alarms_standing ON alarms (code, subject) WHERE cleared_ms IS NULL;
CREATE INDEX alarms_raised ON alarms (raised_ms);
CREATE TABLE alarm_messages (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  alarm_id bigint NOT NULL REFERENCES alarms (id),
  channel text NOT NULL CHECK (channel IN ('mail', 'webhook')),
  what text NOT NULL CHECK (what IN ('raised', 'worse', 'cleared')),
  -- Canonical JSON: what is told.
  body text NOT NULL,
  made_ms bigint NOT NULL,
  due_ms bigint NOT NULL,
  tries integer NOT NULL,
  delivered_ms bigint,
  said text
);
CREATE INDEX alarm_messages_due ON alarm_messages (due_ms) WHERE delivered_ms IS NULL;`;
