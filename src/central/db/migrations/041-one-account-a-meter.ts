/**
 * A meter's top-ups are counted by its account, and told to it by that count: two accounts with one
 * meter would each begin at 1.
 */
export const oneAccountAMeter = `
CREATE UNIQUE INDEX credit_accounts_meter ON credit_accounts (meter_no) WHERE meter_no IS NOT NULL`;
