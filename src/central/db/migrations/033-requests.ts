/**
 * What customers asked for at the machines. `sealed`: what identifies them, readable with central's
 * key only, until it is forgotten; its hash stands in the fact. `wrong_*`: how often a day somebody
 * gave the wrong end of the telephone number.
 */
export const requests = `
CREATE TABLE requests (
  number text PRIMARY KEY,
  ref text NOT NULL,
  terminal_id text NOT NULL REFERENCES terminals,
  epoch bigint NOT NULL,
  seq bigint NOT NULL,
  category text NOT NULL,
  kind text NOT NULL,
  name_zh text NOT NULL,
  name_en text NOT NULL,
  choice_id text,
  choice_zh text,
  choice_en text,
  slot_date text,
  slot_half text,
  user_no text,
  made_ms bigint NOT NULL,
  taken_ms bigint NOT NULL,
  due_ms bigint NOT NULL,
  sealed_hash text NOT NULL,
  sealed text,
  sealed_ms bigint,
  forgotten_ms bigint,
  state text NOT NULL CHECK (state IN ('accepted', 'scheduled', 'done', 'declined')),
  reply text,
  changed_ms bigint NOT NULL,
  closed_ms bigint,
  acts integer NOT NULL,
  wrong_day text,
  wrong_count integer NOT NULL
);
CREATE INDEX requests_ref ON requests (ref);
CREATE INDEX requests_open ON requests (due_ms) WHERE closed_ms IS NULL;
CREATE INDEX requests_closed ON requests (closed_ms) WHERE closed_ms IS NOT NULL;
CREATE INDEX requests_slots ON requests (category, slot_date) WHERE slot_date IS NOT NULL;
CREATE TABLE request_acts (
  number text NOT NULL REFERENCES requests,
  n integer NOT NULL,
  state text NOT NULL,
  reply text NOT NULL,
  who text NOT NULL,
  at_ms bigint NOT NULL,
  PRIMARY KEY (number, n)
)`;
