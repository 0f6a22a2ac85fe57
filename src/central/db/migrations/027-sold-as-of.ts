/**
 * As of which moment an order was priced, and when the tariff year began that it counts into. Of
 * orders from before: when they were made, and the calendar year of that.
 */
export const soldAsOf = `
ALTER TABLE orders ADD COLUMN as_of_ms bigint NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN year_start_ms bigint NOT NULL DEFAULT 0;
UPDATE orders SET as_of_ms = created_ms, year_start_ms = (EXTRACT(EPOCH FROM
  date_trunc('year', to_timestamp(created_ms / 1000) AT TIME ZONE 'UTC' + INTERVAL '8 hours')
  - INTERVAL '8 hours') * 1000)::bigint`;
