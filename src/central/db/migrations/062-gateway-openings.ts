/**
 * How a wallet's trade was opened: '' by its link, else for one payer in the wallet's own browser
 * (a hash of what the wallet calls him; src/central/gateway/opening.ts).
 */
export const gatewayOpenings = `ALTER TABLE gateway_legs ADD COLUMN opened text NOT NULL DEFAULT '';`;
