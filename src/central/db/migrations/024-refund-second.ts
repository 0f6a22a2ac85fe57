/**
 * Who asked, of two persons, that a refund on a reader's word goes back, that an account has its
 * budget again, or that a payment goes back beyond its terminal's day.
 */
export const refundSecond = `
ALTER TABLE unproven_refunds ADD COLUMN asked text;
ALTER TABLE unproven_refunds ADD COLUMN asked_who text;
ALTER TABLE unproven_refunds ADD COLUMN asked_why text;
ALTER TABLE refund_waits ADD COLUMN asked_who text;
ALTER TABLE refund_waits ADD COLUMN asked_why text`;
