/** What the page behind a trade's code names beside the sum: the terminal's own words, masked. */
export const gatewayPages = `
ALTER TABLE gateway_trades ADD COLUMN hall text;
ALTER TABLE gateway_trades ADD COLUMN card text`;
