/** Which order of the terminal's a trade pays; NULL: of before terminals told it. */
export const gatewayOrders = `
ALTER TABLE gateway_trades ADD COLUMN order_id text`;
