/**
 * What of a request identifies its customer, sealed to central's key: beside the facts, which hold
 * only its hash, so that it can be deleted. `epoch`, `seq`: the fact. `acked_ms`: central has it.
 */
export const requestParts = {
  version: 5,
  name: '0005-request-parts',
  sql: `
CREATE TABLE request_parts (
  number TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  made_ms INTEGER NOT NULL,
  sealed TEXT NOT NULL,
  acked_ms INTEGER
) STRICT, WITHOUT ROWID;
`,
} as const;
