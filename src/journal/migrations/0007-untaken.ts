/**
 * What was paid and not taken by its order is looked for at every start, prune and key of a card:
 * without reading all that was ever paid.
 */
export const untaken = {
  version: 7,
  name: '0007-untaken',
  sql: `
CREATE INDEX attempts_untaken ON attempts (order_id)
  WHERE state = 'paid' AND json_extract(row, '$.taken') = 0;
`,
} as const;
