/** What the staff's first page counts at each look, in a company's whole books. */
export const staffIndexes = `
CREATE INDEX orders_parked ON orders (changed_ms) WHERE state = 'parked';
CREATE INDEX terminals_alarm ON terminals (terminal_id) WHERE alarm IS NOT NULL;
CREATE INDEX gateway_legs_parked ON gateway_legs (changed_ms) WHERE state = 'parked';
CREATE INDEX terminal_heartbeats_level ON terminal_heartbeats (level, at_ms)`;
