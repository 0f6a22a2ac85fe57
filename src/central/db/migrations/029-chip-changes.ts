/** Whose word it was that a card number stands for another chip from now on. */
export const chipChanges = `
CREATE TABLE chip_changes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  card_no text NOT NULL,
  uid text NOT NULL,
  who text NOT NULL,
  why text NOT NULL,
  at_ms bigint NOT NULL
)`;
