/**
 * Messages of interruptions: who asked for them, what was said to whom, and who does not want any
 * more. A telephone number is here sealed only, and by a tag that central's key alone makes.
 */
export const outageSms = `
CREATE TABLE sms_subscriptions (
  -- Of the telephone number: a keyed hash.
  tag text NOT NULL,
  -- A choice of the policy's category.
  area text NOT NULL,
  -- The request whose sealed part the number is in.
  number text NOT NULL,
  sealed text NOT NULL,
  since_ms bigint NOT NULL,
  PRIMARY KEY (tag, area)
);
CREATE INDEX sms_subscriptions_area ON sms_subscriptions (area);
CREATE TABLE sms_stops (
  tag text PRIMARY KEY,
  -- What was asked for before that is over, however late it comes.
  at_ms bigint NOT NULL
);
CREATE TABLE sms_messages (
  message_id text PRIMARY KEY,
  tag text NOT NULL,
  outage text NOT NULL,
  body text NOT NULL,
  number text NOT NULL,
  -- Null once nothing is sent any more.
  sealed text,
  sudden boolean NOT NULL,
  -- waiting: never sent · sent: what became of it is not known
  state text NOT NULL CHECK (state IN ('waiting', 'sent', 'accepted', 'refused', 'dropped')),
  made_ms bigint NOT NULL,
  sent_ms bigint,
  look_ms bigint NOT NULL,
  -- When the interruption is over: nothing is sent any more.
  until_ms bigint NOT NULL,
  said text,
  UNIQUE (tag, outage)
);
CREATE INDEX sms_messages_look ON sms_messages (look_ms) WHERE state IN ('waiting', 'sent');
CREATE TABLE sms_replies (
  one integer PRIMARY KEY CHECK (one = 1),
  -- The last that was heard.
  seq bigint NOT NULL
);
CREATE INDEX requests_sms ON requests (made_ms)
  WHERE closed_ms IS NULL AND kind IN ('outage-sms', 'outage-sms-stop');`;
