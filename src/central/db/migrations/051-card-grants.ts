/**
 * What stood in a changed meter of a card household, granted by two persons: its worth is carried
 * money, which the next purchase writes to the card.
 */
export const cardGrants = `
CREATE TABLE card_grants (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_no text NOT NULL REFERENCES accounts,
  -- 0.01 units of the account, and what they cost it, 10⁻⁶ yuan: as asked, then as confirmed.
  quantity bigint NOT NULL CHECK (quantity > 0),
  micro bigint NOT NULL CHECK (micro > 0),
  -- The work order of the meter's change.
  reference text NOT NULL,
  state text NOT NULL CHECK (state IN ('asked', 'done', 'refused')),
  asked_who text NOT NULL,
  asked_why text NOT NULL,
  asked_ms bigint NOT NULL,
  decided_who text,
  decided_why text,
  decided_ms bigint
);
CREATE UNIQUE INDEX card_grants_reference ON card_grants (reference) WHERE state <> 'refused';
CREATE INDEX card_grants_user ON card_grants (user_no);
CREATE INDEX card_grants_asked ON card_grants (asked_ms) WHERE state = 'asked';`;
