import type { EventBody, EventKind } from '../../shared/facts/catalogue.ts';
import { booksFrom } from '../../shared/order-rules.ts';
import type { OrderState } from '../../shared/order-rules.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { lockOrder } from '../sale/orders.ts';
import type { OrderRow } from '../sale/orders.ts';

/** Where an event stands, for the ledger and the quarantine. */
export interface Place {
  readonly terminalId: string;
  readonly epoch: number;
  readonly seq: number;
  readonly wallMs: number;
  readonly nowMs: number;
}

/** Central cannot use this event; it is set aside and acknowledged. */
export class Unusable extends Error {}
/**
 * The books cannot take it, but another kiosk has read the purchase on the card: it is delivered,
 * and never refunded, whatever the books say.
 */
export class OnTheCard extends Unusable {}

/** One fact of a kind, as its terminal told it. */
export interface Told<K extends EventKind> {
  readonly orderId: string | null;
  readonly body: EventBody<K>;
}
/**
 * What a fact does to the books, in the batch's transaction.
 *
 * @throws Unusable where the books cannot take it: then it changes nothing
 */
export type Apply<K extends EventKind> = (tx: Sql, at: Place, fact: Told<K>) => Promise<void>;

/** PostgreSQL text cannot hold NUL; the hash still covers the original. */
export function storable<T extends string | null>(text: T): T {
  return (text === null ? null : text.replaceAll('\0', '\uFFFD')) as T;
}

/**
 * SQLSTATE classes 22 (data) and 23 (constraint) are the event's fault; anything else is ours and
 * fails the batch.
 */
export function unusableReason(cause: unknown): string | null {
  if (cause instanceof Unusable) return cause.message;
  const state = (cause as { code?: unknown } | null)?.code;
  return typeof state === 'string' && /^2[23]/.test(state)
    ? `${state}: ${cause instanceof Error ? cause.message : ''}`.slice(0, 300)
    : null;
}

/**
 * The captured money of an order's attempt as the ledger has it; without `attemptId` the one that
 * the order took.
 */
export async function capturedBy(
  tx: Sql,
  order: OrderRow,
  attemptId?: string,
): Promise<{ attemptId: string; amountFen: number } | null> {
  const rows = await tx.query<{ attempt_id: string; amount_fen: unknown; kind: string }>(
    `SELECT attempt_id, amount_fen, kind FROM ledger
     WHERE order_id = $1 AND kind IN ('captured', 'captured-extra')`,
    [order.order_id],
  );
  const row = rows.find((r) =>
    attemptId === undefined ? r.kind === 'captured' : r.attempt_id === attemptId,
  );
  return row === undefined ? null : { attemptId: row.attempt_id, amountFen: num(row.amount_fen) };
}

/** Shown on the console: what a terminal tells of its own journal. */
export async function tell(tx: Sql, at: Place, kind: EventKind, body: unknown): Promise<void> {
  await tx.query(
    `INSERT INTO terminal_notes (terminal_id, epoch, seq, kind, body, at_ms)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [at.terminalId, at.epoch, at.seq, kind, storable(JSON.stringify(body)), at.wallMs],
  );
}

/**
 * The order, whoever's it is, locked.
 *
 * @throws Unusable where it is not known
 */
export async function anyOrder(tx: Sql, orderId: string | null): Promise<OrderRow> {
  const id = requireId(orderId);
  const order = await lockOrder(tx, id);
  if (order === null) throw new Unusable(`order ${id} is not known`);
  return order;
}

/** @throws Unusable where there is none */
export function requireId(orderId: string | null): string {
  if (orderId === null || orderId === '') throw new Unusable('an order event without an order id');
  return orderId;
}

/**
 * The terminal's own order, locked.
 *
 * @throws Unusable where it is not known, or another's
 */
export async function orderOf(tx: Sql, at: Place, orderId: string | null): Promise<OrderRow> {
  const order = await anyOrder(tx, orderId);
  if (order.terminal_id !== at.terminalId)
    throw new Unusable(`order ${order.order_id} is terminal ${order.terminal_id}’s`);
  return order;
}

/**
 * The order's next state.
 *
 * @throws Unusable where the books allow no such step
 */
export async function move(tx: Sql, at: Place, order: OrderRow, state: OrderState): Promise<void> {
  if (!booksFrom(state).includes(order.state))
    throw new Unusable(`${order.state} → ${state} is not a step of an order`);
  await tx.query('UPDATE orders SET state = $2, changed_ms = $3 WHERE order_id = $1', [
    order.order_id,
    state,
    at.wallMs,
  ]);
}

/** Says something about the order to staff. */
export async function note(tx: Sql, order: OrderRow, text: string): Promise<void> {
  await tx.query('UPDATE orders SET note = $2 WHERE order_id = $1', [
    order.order_id,
    storable(text),
  ]);
}

/** One line of the ledger; what is left out is 0 or nothing. */
export interface Entry {
  readonly attemptId?: string;
  readonly amountFen?: number;
  readonly quantity?: number;
  readonly micro?: number;
  readonly reference?: string;
}
/** Enters one line under the fact's place. The same kind twice for one attempt violates a key. */
export async function enter(
  tx: Sql,
  at: Place,
  order: OrderRow,
  kind: string,
  entry: Entry,
): Promise<void> {
  await tx.query(
    `INSERT INTO ledger (terminal_id, epoch, seq, order_id, attempt_id, user_no, kind, amount_fen,
       quantity, micro, reference, at_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      at.terminalId,
      at.epoch,
      at.seq,
      order.order_id,
      entry.attemptId ?? '',
      order.user_no,
      kind,
      entry.amountFen ?? 0,
      entry.quantity ?? 0,
      entry.micro ?? 0,
      entry.reference ?? null,
      at.wallMs,
    ],
  );
}
