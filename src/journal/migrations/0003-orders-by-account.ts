/**
 * Orders are found by the account too: two cards of one account share its count. Rows stay as they
 * are.
 */
export const ordersByAccount = {
  version: 3,
  name: '0003-orders-by-account',
  sql: `
CREATE INDEX orders_by_account ON orders (json_extract(row, '$.quote.userNo'));
`,
} as const;
