/**
 * What card keys may compute for an order: one record, fixed at its first grant, a number of times.
 * And whether central itself granted its refund: what a terminal only tells is no grant.
 */
export const orderRecords = `
CREATE TABLE order_records (
  order_id text PRIMARY KEY,
  record text,
  dated text,
  challenges bigint NOT NULL
);
ALTER TABLE orders ADD COLUMN refund_granted boolean NOT NULL DEFAULT false;
UPDATE orders SET refund_granted = true WHERE refund_claimed_ms IS NOT NULL AND NOT counter_claim`;
