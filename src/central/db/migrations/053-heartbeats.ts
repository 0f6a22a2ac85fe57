/** How each terminal stood when it was heard last; only the last one is kept. */
export const heartbeats = `
CREATE TABLE terminal_heartbeats (
  terminal_id text PRIMARY KEY REFERENCES terminals,
  at_ms bigint NOT NULL,
  level text NOT NULL CHECK (level IN ('in-service', 'degraded', 'out-of-service', 'maintenance')),
  body text NOT NULL
)`;
