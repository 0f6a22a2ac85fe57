/**
 * When a close that may hand back what it meets left for the wallet, and was not answered “paid”.
 * Null: none did, or each was.
 */
export const closeSent = `
ALTER TABLE gateway_legs ADD COLUMN close_sent_ms bigint`;
