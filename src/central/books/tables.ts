import { flag, nullable, table, text, whole } from '../db/sets.ts';
import type { RowOf } from '../db/sets.ts';

/** What a line of the ledger says. */
export type LedgerKind =
  | 'captured'
  | 'captured-extra'
  | 'delivered'
  | 'refunded'
  | 'carried'
  | 'carried-used'
  | 'parked'
  | 'adjustment';
/** Append-only: one order's attempt can be captured, refunded and so on once each. */
export const LEDGER = table('ledger', ['order_id', 'attempt_id', 'kind'], {
  terminal_id: text(),
  epoch: whole,
  seq: whole,
  order_id: text(),
  attempt_id: text(),
  user_no: nullable(text()),
  kind: text<LedgerKind>(),
  amount_fen: whole,
  quantity: whole,
  micro: whole,
  reference: nullable(text()),
  at_ms: whole,
});
export type LedgerEntry = RowOf<typeof LEDGER>;

/** What the books find of a delivered sale; stable, for people and programs. */
export type FindingReason = 'over-known-limit' | 'over-limit-since' | 'tariff-announced-since';
/** Counted like every sale; somebody should know of it. */
export const SALE_FINDINGS = table('sale_findings', ['order_id', 'reason'], {
  order_id: text(),
  reason: text<FindingReason>(),
  terminal_id: text(),
  user_no: text(),
  /** For staff, in Chinese. */
  detail: text(),
  /** Its kiosk could know better: a person is to find out why it did not. */
  accuses: flag,
  at_ms: whole,
});

/**
 * What somebody says became of parked money; `refund-by-gateway`: what the gateway is to do ·
 * `credited`: central is to post it to its account.
 */
export type Settled =
  | 'credited'
  | 'refunded-by-hand'
  | 'delivered-by-hand'
  | 'nothing-due'
  | 'refund-by-gateway';
/** Requests about parked money, and what a second person decided. `epoch` 0: asked at the console. */
export const HAND_REQUESTS = table('hand_requests', ['terminal_id', 'epoch', 'seq'], {
  terminal_id: text(),
  epoch: whole,
  seq: whole,
  order_id: text(),
  /** Whose money; empty: an order that took none. */
  attempt_id: text(),
  /** The order was meant, and not one attempt of it. */
  whole_order: flag,
  how: text<Settled>(),
  reference: text(),
  who: text(),
  why: text(),
  asked_ms: whole,
  state: text<'waiting' | 'confirmed' | 'refused'>(),
  decided_who: nullable(text()),
  decided_why: nullable(text()),
  /** The payer's, at the wallet. */
  transaction_no: nullable(text()),
  route: nullable(text()),
  decided_ms: nullable(whole),
});
export type HandRequest = RowOf<typeof HAND_REQUESTS>;

/** What was captured by the word of whoever took it: one number of a wallet, one order, ever. */
export const PAYMENT_EVIDENCE = table('payment_evidence', ['wallet', 'wallet_number'], {
  wallet: text(),
  wallet_number: text(),
  order_id: text(),
  attempt_id: text(),
  terminal_id: text(),
  amount_fen: whole,
  at_ms: whole,
  /** When the wallet took it; null: nobody who can know it said so. */
  paid_ms: nullable(whole),
  /** Since when the gateway has been handing it back; null: it has not. */
  returned_ms: nullable(whole),
  /** The merchant account that has it. */
  merchant: text(),
});
export type EvidenceRow = RowOf<typeof PAYMENT_EVIDENCE>;

/** The facts as they were told. */
export const JOURNAL_EVENTS = table('journal_events', ['terminal_id', 'epoch', 'seq'], {
  terminal_id: text(),
  epoch: whole,
  seq: whole,
  kind: text(),
  wall_ms: whole,
  order_id: nullable(text()),
  body: text(),
  hash: text(),
  received_ms: whole,
});

/** Facts that central could not use, until a person settles them. */
export const QUARANTINE = table('quarantine', ['terminal_id', 'epoch', 'seq'], {
  terminal_id: text(),
  epoch: whole,
  seq: whole,
  kind: text(),
  order_id: nullable(text()),
  reason: text(),
  at_ms: whole,
});

/** Facts that came too early, in the order in which they came (`held_no`, the database's). */
export const HELD_FACTS = table('held_facts', ['terminal_id', 'epoch', 'seq'], {
  terminal_id: text(),
  epoch: whole,
  seq: whole,
  order_id: text(),
  /** Whose account it may wait for; null: its order is not known yet. */
  user_no: nullable(text()),
  reason: text(),
  held_ms: whole,
});

/** Facts told under numbers that central holds otherwise. */
export const FORKED_EVENTS = table('forked_events', ['terminal_id', 'epoch', 'seq', 'hash'], {
  terminal_id: text(),
  epoch: whole,
  seq: whole,
  hash: text(),
  kind: text(),
  wall_ms: whole,
  order_id: nullable(text()),
  body: text(),
  received_ms: whole,
});

/** What a terminal said about its own journal, for staff. */
export const TERMINAL_NOTES = table('terminal_notes', ['terminal_id', 'epoch', 'seq'], {
  terminal_id: text(),
  epoch: whole,
  seq: whole,
  kind: text(),
  body: text(),
  at_ms: whole,
});

/** What a terminal found in a provider's bill of a day; told again, the last counts. */
export const BILL_DAYS = table('bill_days', ['terminal_id', 'provider', 'date'], {
  terminal_id: text(),
  provider: text(),
  date: text(),
  payments: whole,
  paid_fen: whole,
  refunds: whole,
  refunded_fen: whole,
  reversals: whole,
  reversed_fen: whole,
  differences: text(),
  persons: whole,
  told_ms: whole,
});
export type BillDay = RowOf<typeof BILL_DAYS>;
