/**
 * Whether the final claim in `refund_claimed_ms` is a counter claim that no refund followed: then
 * the purchase may still turn out to be on the card.
 */
export const counterClaims = `
ALTER TABLE orders ADD COLUMN counter_claim boolean NOT NULL DEFAULT false`;
