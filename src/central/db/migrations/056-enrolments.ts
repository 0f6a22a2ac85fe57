/**
 * Where terminals stand and what they are called, and how one is let in: by a code of which only
 * what checks it is kept (shared/enrolment.ts). A terminal has one code at a time. Wrong codes are
 * counted by where they come from, for all processes together.
 */
export const enrolments = `
ALTER TABLE terminals ADD COLUMN site text;
ALTER TABLE terminals ADD COLUMN name text;
CREATE TABLE enrolments (
  terminal_id text PRIMARY KEY,
  purpose text NOT NULL CHECK (purpose IN ('add', 'rotate')),
  site text NOT NULL,
  name text NOT NULL,
  handle text NOT NULL UNIQUE,
  code_key text NOT NULL,
  answer_secret text NOT NULL,
  until_ms bigint NOT NULL,
  confirm boolean NOT NULL,
  -- For how long the old key counts beside the next one.
  overlap_ms bigint NOT NULL,
  -- open: nobody used the code · keyed: a key waits for a person's word · done
  state text NOT NULL CHECK (state IN ('open', 'keyed', 'done')),
  public_key text,
  wrong bigint NOT NULL DEFAULT 0,
  made_ms bigint NOT NULL,
  used_ms bigint,
  who text NOT NULL
);
CREATE TABLE enrol_tries (
  source text NOT NULL,
  minute bigint NOT NULL,
  n bigint NOT NULL,
  PRIMARY KEY (source, minute)
)`;
