/**
 * From when a version of a tariff holds for all who have an earlier one (null: only where an
 * account names it), and with which day (`MM-DD`) its year begins.
 */
export const tariffDays = `
ALTER TABLE tariffs ADD COLUMN from_ms bigint;
ALTER TABLE tariffs ADD COLUMN year_begins text NOT NULL DEFAULT '01-01'`;
