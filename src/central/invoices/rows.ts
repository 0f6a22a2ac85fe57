import { nullable, select, table, text, whole } from '../db/sets.ts';
import type { RowOf } from '../db/sets.ts';
import type { Sql } from '../db/sql.ts';

/**
 * How a request stands. asked: what became of it is not known · pending: the provider has it ·
 * issued · refused: never will be · reversed: a blue one that a red one took back · waiting, void:
 * a red one whose blue has no end yet, or came to nothing.
 */
export type InvoiceState =
  | 'waiting'
  | 'asked'
  | 'pending'
  | 'issued'
  | 'refused'
  | 'reversed'
  | 'void';

/** One request for an invoice each. Changed only under its order's lock. */
export const INVOICES = table('invoices', ['request_id'], {
  request_id: text(),
  order_id: text(),
  /** The payment that it is for. */
  attempt_id: text(),
  kind: text<'blue' | 'red'>(),
  /** A red one's: the blue that it takes back. */
  of_request: nullable(text()),
  state: text<InvoiceState>(),
  amount_fen: whole,
  /** JSON of an {@link InvoiceBody}; of a red one its {@link RedReason}. */
  body: text(),
  buyer_kind: nullable(text<'person' | 'company'>()),
  /** Null: deleted by the configuration's days, or a red one's. */
  buyer_name: nullable(text()),
  buyer_tax_no: nullable(text()),
  number: nullable(text()),
  issued_ms: nullable(whole),
  url: nullable(text()),
  said: nullable(text()),
  made_ms: whole,
  sent_ms: nullable(whole),
  ended_ms: nullable(whole),
  /** When the worker looks at it; null: it does not. */
  look_ms: nullable(whole),
  who: nullable(text()),
  why: nullable(text()),
  second_who: nullable(text()),
  asked_who: nullable(text()),
  asked_why: nullable(text()),
  asked_ms: nullable(whole),
});
/** See {@link INVOICES}. */
export type InvoiceRow = RowOf<typeof INVOICES>;

/** A blue one that is none any more, or never became one. */
export const isOver = ({ state }: InvoiceRow): boolean =>
  state === 'refused' || state === 'reversed' || state === 'void';

/** All requests for an order, oldest first. */
export const invoicesOf = (sql: Sql, orderId: string): Promise<readonly InvoiceRow[]> =>
  select(sql, INVOICES, 'order_id = $1 ORDER BY made_ms, request_id', [orderId]);

/** The order is one's own until the transaction ends: everything about its invoices waits for it. */
export const lockInvoices = (tx: Sql, orderId: string): Promise<unknown> =>
  tx.query('SELECT 1 FROM orders WHERE order_id = $1 FOR NO KEY UPDATE', [orderId]);

/** The blue one that stands, or may yet come to stand; null: none. */
export const standingBlue = (rows: readonly InvoiceRow[]): InvoiceRow | null =>
  rows.find((row) => row.kind === 'blue' && !isOver(row)) ?? null;

/** The red one that takes a blue one back, or was the last to try; null: none. */
export const redOf = (rows: readonly InvoiceRow[], blue: InvoiceRow): InvoiceRow | null =>
  rows.findLast((row) => row.of_request === blue.request_id && row.state !== 'void') ?? null;
