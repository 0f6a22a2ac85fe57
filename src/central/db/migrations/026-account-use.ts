/**
 * What an account bought, by the period in which it was sold: `year` is the tariff's year, `limit`
 * the period of the account's limit; `start_ms` is when the period began.
 *
 * What one figure held until now: where purchases of an earlier year are in the ledger, this year's
 * are exactly those that are there, else all of it is taken for this year's. A limit was what is
 * left of one that nobody knows the period of: it is taken for a calendar month's.
 */
export const accountUse = `
CREATE TABLE account_use (
  user_no text NOT NULL REFERENCES accounts,
  counter text NOT NULL CHECK (counter IN ('year', 'limit')),
  start_ms bigint NOT NULL,
  quantity bigint NOT NULL CHECK (quantity >= 0),
  PRIMARY KEY (user_no, counter, start_ms)
);
ALTER TABLE accounts ADD COLUMN limit_quantity bigint CHECK (limit_quantity >= 0);
ALTER TABLE accounts ADD COLUMN limit_every text NOT NULL DEFAULT 'month';
INSERT INTO account_use
SELECT a.user_no, 'year', y.start_ms, CASE WHEN EXISTS (SELECT 1 FROM ledger l
    WHERE l.user_no = a.user_no AND l.kind = 'delivered' AND l.at_ms < y.start_ms)
  THEN (SELECT COALESCE(SUM(l.quantity), 0) FROM ledger l WHERE l.user_no = a.user_no
    AND l.kind = 'delivered' AND l.at_ms >= y.start_ms)::bigint
  ELSE a.year_quantity END
FROM accounts a, (SELECT (EXTRACT(EPOCH FROM date_trunc('year', now() AT TIME ZONE 'UTC'
  + INTERVAL '8 hours') - INTERVAL '8 hours') * 1000)::bigint AS start_ms) y;
INSERT INTO account_use
SELECT a.user_no, 'limit', m.start_ms, (SELECT COALESCE(SUM(l.quantity), 0) FROM ledger l
  WHERE l.user_no = a.user_no AND l.kind = 'delivered' AND l.at_ms >= m.start_ms)::bigint
FROM accounts a, (SELECT (EXTRACT(EPOCH FROM date_trunc('month', now() AT TIME ZONE 'UTC'
  + INTERVAL '8 hours') - INTERVAL '8 hours') * 1000)::bigint AS start_ms) m
WHERE a.period_left_quantity IS NOT NULL;
UPDATE accounts SET limit_quantity = period_left_quantity + (SELECT SUM(u.quantity)
  FROM account_use u WHERE u.user_no = accounts.user_no AND u.counter = 'limit')
WHERE period_left_quantity IS NOT NULL;
ALTER TABLE accounts DROP COLUMN year_quantity;
ALTER TABLE accounts DROP COLUMN period_left_quantity`;
