/**
 * When a number that no row has was closed at its wallet, after a backup was put back, where that
 * is a cancel: it may hand back what it meets a while later (gateway/recovery.ts). A few rows for
 * each payment of the lost time.
 */
export const gatewayUnseenCloses = `
CREATE TABLE gateway_unseen_closes (leg text PRIMARY KEY, sent_ms bigint NOT NULL);`;
