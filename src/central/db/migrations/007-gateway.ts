/**
 * The payment gateway. A trade is what a terminal asked for under its own number; a leg is one
 * wallet's trade for it, under the gateway's number. `gateway_trades.leg` is the only leg whose
 * capture counts: every other one is closed and confirmed, and a capture that comes all the same is
 * handed back.
 */
export const gateway = `
CREATE TABLE gateway_trades (
  terminal_id text NOT NULL REFERENCES terminals,
  out_trade_no text NOT NULL,
  -- Opens the trade's page; null: it never had one.
  token text UNIQUE,
  method text NOT NULL CHECK (method IN ('qr', 'code')),
  amount_fen bigint NOT NULL CHECK (amount_fen >= 0),
  description text NOT NULL,
  expires_ms bigint NOT NULL,
  -- closed: takes no new leg.
  state text NOT NULL CHECK (state IN ('open', 'closed')),
  leg text,
  created_ms bigint NOT NULL,
  PRIMARY KEY (terminal_id, out_trade_no)
);
CREATE TABLE gateway_legs (
  leg text PRIMARY KEY,
  terminal_id text NOT NULL,
  out_trade_no text NOT NULL,
  wallet text NOT NULL,
  method text NOT NULL CHECK (method IN ('qr', 'code')),
  amount_fen bigint NOT NULL,
  -- The trade's, as the wallet was told.
  expires_ms bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('creating', 'open', 'closing', 'closed', 'paid', 'refunding', 'refunded', 'parked')),
  -- Its code may have been seen by somebody.
  shown boolean NOT NULL,
  transaction_id text,
  captured_fen bigint,
  reason text,
  created_ms bigint NOT NULL,
  changed_ms bigint NOT NULL,
  -- When the gateway looks at it by itself; null: only when it is asked.
  look_ms bigint,
  FOREIGN KEY (terminal_id, out_trade_no) REFERENCES gateway_trades
);
CREATE INDEX gateway_legs_look ON gateway_legs (look_ms) WHERE look_ms IS NOT NULL;
CREATE INDEX gateway_legs_trade ON gateway_legs (terminal_id, out_trade_no);
CREATE TABLE gateway_refunds (
  terminal_id text NOT NULL,
  out_refund_no text NOT NULL,
  out_trade_no text NOT NULL,
  leg text NOT NULL REFERENCES gateway_legs,
  -- The number at the wallet.
  wallet_refund_no text NOT NULL UNIQUE,
  refund_fen bigint NOT NULL CHECK (refund_fen > 0),
  reason text NOT NULL,
  state text NOT NULL CHECK (state IN ('asked', 'accepted', 'done', 'refused')),
  created_ms bigint NOT NULL,
  look_ms bigint,
  PRIMARY KEY (terminal_id, out_refund_no)
);
CREATE INDEX gateway_refunds_look ON gateway_refunds (look_ms) WHERE look_ms IS NOT NULL`;
