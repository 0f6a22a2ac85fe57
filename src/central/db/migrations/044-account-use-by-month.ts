/**
 * What a household uses: its meters with the tariff they count by, each month's use, what its
 * meters report, and by which digits it is known again. All of it is the company's own systems'
 * word, as accounts are; `card_readings` is what cards brought back from their meters, the last of
 * each month.
 */
export const accountUseByMonth = `
CREATE TABLE account_phones (
  user_no text PRIMARY KEY,
  -- A keyed hash of the last four digits: with the database alone nobody reads them.
  last4 text NOT NULL,
  wrong_day text,
  wrong_count bigint NOT NULL DEFAULT 0
);
CREATE TABLE account_meters (
  user_no text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('gas', 'water', 'heat')),
  unit text NOT NULL CHECK (unit IN ('m3', 'GJ', 'kWh', 'yuan')),
  -- By whose tiers it counts; null: a card's account says it, or it has none.
  tariff_id text,
  tariff_version bigint,
  PRIMARY KEY (user_no, kind)
);
CREATE TABLE account_months (
  user_no text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('gas', 'water', 'heat')),
  -- YYYY-MM by China's calendar.
  month text NOT NULL,
  quantity bigint NOT NULL CHECK (quantity >= 0),
  source text NOT NULL CHECK (source IN ('meter', 'bill', 'card')),
  PRIMARY KEY (user_no, kind, month)
);
CREATE TABLE meter_faults (
  user_no text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('gas', 'water', 'heat')),
  fault text NOT NULL,
  since_ms bigint NOT NULL,
  PRIMARY KEY (user_no, kind, fault)
);
CREATE TABLE card_readings (
  card_no text NOT NULL,
  month text NOT NULL,
  -- When the meter wrote it, by the meter's clock.
  visit_ms bigint NOT NULL,
  used bigint NOT NULL,
  remaining bigint NOT NULL,
  terminal_id text NOT NULL,
  PRIMARY KEY (card_no, month)
);
CREATE INDEX orders_user ON orders (user_no, created_ms)`;
