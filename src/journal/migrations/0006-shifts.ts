/**
 * Closed shifts, so that a statement stays when the facts under it, and its own, are pruned; and
 * which days' bills were compared. Both only repeat facts (`shift-closed`, `reconciled`); a bill
 * compared again counts as it was found last.
 */
export const shifts = {
  version: 6,
  name: '0006-shifts',
  sql: `
CREATE TABLE shifts (
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  wall_ms INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE compared (
  date TEXT NOT NULL,
  provider TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (date, provider)
) STRICT, WITHOUT ROWID;
INSERT OR REPLACE INTO compared SELECT json_extract(body, '$.date'), json_extract(body, '$.provider'), body
  FROM events WHERE kind = 'reconciled' ORDER BY epoch, seq;
`,
} as const;
