/** What customers said of their visits, by order. */
export const ratings = `
CREATE TABLE ratings (
  order_id text PRIMARY KEY,
  terminal_id text NOT NULL REFERENCES terminals,
  rating text NOT NULL CHECK (rating IN ('good', 'fair', 'poor')),
  at_ms bigint NOT NULL
);
CREATE INDEX ratings_time ON ratings (at_ms)`;
