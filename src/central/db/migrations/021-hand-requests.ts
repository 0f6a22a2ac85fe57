/**
 * What somebody says became of parked money by hand: a request, until a second person has looked.
 * `epoch` 0: asked at the console. An attempt of an order has one that is not refused.
 */
export const handRequests = `
CREATE TABLE hand_requests (
  terminal_id text NOT NULL,
  epoch bigint NOT NULL,
  seq bigint NOT NULL,
  order_id text NOT NULL,
  attempt_id text NOT NULL,
  whole_order boolean NOT NULL,
  how text NOT NULL CHECK (how IN ('refunded-by-hand', 'delivered-by-hand', 'nothing-due', 'refund-by-gateway')),
  reference text NOT NULL,
  who text NOT NULL,
  why text NOT NULL,
  asked_ms bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'confirmed', 'refused')),
  decided_who text,
  decided_why text,
  transaction_no text,
  route text,
  decided_ms bigint,
  PRIMARY KEY (terminal_id, epoch, seq)
);
CREATE UNIQUE INDEX hand_requests_piece ON hand_requests (order_id, attempt_id) WHERE state <> 'refused';
CREATE INDEX hand_requests_waiting ON hand_requests (asked_ms) WHERE state = 'waiting'`;
