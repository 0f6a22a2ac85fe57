/**
 * Since when another kiosk's write claim stands whose end was not told: what it told of an earlier
 * one does not end it.
 */
export const openWrites = `
ALTER TABLE orders ADD COLUMN write_open_ms bigint`;
