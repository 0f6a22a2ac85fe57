/**
 * Merchant accounts by payee. Which one collects is fixed with the quote and with the trade, and
 * stays whatever is configured later; all of before is the house's.
 */
export const merchants = `
ALTER TABLE gateway_trades ADD COLUMN merchant text NOT NULL DEFAULT 'house';
-- Whose money it is; null: of before, or without an order.
ALTER TABLE gateway_trades ADD COLUMN payee text;
ALTER TABLE gateway_legs ADD COLUMN merchant text NOT NULL DEFAULT 'house';
ALTER TABLE payment_evidence ADD COLUMN merchant text NOT NULL DEFAULT 'house';
ALTER TABLE postings ADD COLUMN merchant text NOT NULL DEFAULT 'house'`;
