/**
 * A terminal's key is changed with an overlap that ends: until `old_until_ms` by central's clock
 * both keys count, and from then on the next one alone.
 */
export const terminalKeys = `
ALTER TABLE terminals ADD COLUMN next_key text;
ALTER TABLE terminals ADD COLUMN old_until_ms bigint`;
