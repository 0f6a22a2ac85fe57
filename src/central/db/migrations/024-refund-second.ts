/**
 * Who asked, of two persons, that a refund on a reader's word goes back, or that an account has its
 * budget again.
 */
export const refundSecond = `
ALTER TABLE unproven_refunds ADD COLUMN asked text;
ALTER TABLE unproven_refunds ADD COLUMN asked_who text;
ALTER TABLE unproven_refunds ADD COLUMN asked_why text`;
