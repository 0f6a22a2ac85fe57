import { select } from '../db/sets.ts';
import { bool } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { attemptOf } from '../../shared/order-id.ts';
import { loadPosting } from '../books/load-credit.ts';
import { makeVoid } from '../books/postings.ts';
import { wantRed } from '../invoices/ask.ts';
import { isInvoiced } from '../invoices/bar.ts';
import { lockInvoices } from '../invoices/rows.ts';
import { write } from '../books/write.ts';
import { POSTINGS } from '../sale/credit-tables.ts';
import type { PostingRow } from '../sale/credit-tables.ts';
import { isDelivered } from '../sale/orders.ts';
import { ORDERS } from '../sale/tables.ts';
import type { Trade } from './rows.ts';

/** See {@link refundBar}. */
export type Bar = 'delivered' | 'claimed-not' | 'by-hand' | 'invoiced';
/**
 * Why the money of a trade must not go back. `delivered`: its order is on the card · `claimed-not`:
 * a write has begun, and central's refund claim stands not, or is not told yet, or a person's word
 * on it waits for a second one: asked again later · `by-hand`: two persons settled it · `invoiced`:
 * its invoice stands, and is taken back first · null: it may.
 *
 * Only the payment that the order took is barred: a late or second one goes back whatever became of
 * the order, as long as nobody doubts the one that it took. What the books do not know yet bars
 * nothing, but for a card whose key was given: a kiosk refunds by its own journal then.
 */
export async function refundBar(sql: Sql, trade: Trade): Promise<Bar | null> {
  const { order_id: orderId } = trade;
  const attempt = orderId === null ? null : attemptOf(orderId, trade.out_trade_no);
  if (orderId === null || attempt === null) return null;
  const bar = await orderBar(sql, orderId, attempt);
  if (bar !== null) return bar;
  return (await isInvoiced(sql, orderId, attempt)) ? 'invoiced' : null;
}

/** Its invoice is to be taken back, so that its money may go when it is asked for again. */
export async function redFirst(
  tx: Sql,
  { order_id: orderId, out_trade_no: no }: Trade,
  nowMs: number,
): Promise<void> {
  if (orderId === null) return;
  await lockInvoices(tx, orderId);
  const wanted = { who: 'central', second: null, why: `退款 ${no}`, reason: 'money-back' } as const;
  await wantRed(tx, orderId, wanted, nowMs);
}

async function orderBar(sql: Sql, orderId: string, attempt: string): Promise<Bar | null> {
  const posting = await lockPosting(sql, orderId);
  // The evidence's row is what a card's key is given over: one of the two waits for the other.
  await sql.query('SELECT 1 FROM payment_evidence WHERE order_id = $1 FOR NO KEY UPDATE', [
    orderId,
  ]);
  const byHand = await sql.query<{ state: string }>(
    `SELECT state FROM hand_requests WHERE order_id = $1 AND attempt_id = $2
       AND state <> 'refused' AND how <> 'nothing-due'`,
    [orderId, attempt],
  );
  // What a person says became of it: a second one looks first, and then it is over.
  if (byHand[0] !== undefined) return byHand[0].state === 'waiting' ? 'claimed-not' : 'by-hand';
  if (posting !== null) return postingBar(posting, attempt);
  const order = (await select(sql, ORDERS, 'order_id = $1', [orderId]))[0];
  const [known] = await sql.query<Record<'told' | 'taken' | 'returned' | 'keys', unknown>>(
    `SELECT EXISTS (SELECT 1 FROM ledger WHERE order_id = $1 AND kind = 'captured') AS told,
     EXISTS (SELECT 1 FROM ledger WHERE order_id = $1 AND attempt_id = $2
       AND kind = 'captured') AS taken,
     EXISTS (SELECT 1 FROM ledger l JOIN payment_evidence e ON e.order_id = l.order_id
       AND e.attempt_id = l.attempt_id WHERE l.order_id = $1 AND l.kind = 'captured'
       AND e.returned_ms IS NOT NULL) AS returned,
     EXISTS (SELECT 1 FROM key_uses WHERE order_id = $1 AND granted) AS keys`,
    [orderId, attempt],
  );
  const keys = bool(known?.keys);
  // A card's key was given over a payment of this order's, and which one it took is not told yet.
  if (keys && !bool(known?.told)) return 'claimed-not';
  if (order === undefined) return null;
  const begun = order.state === 'delivering' || order.state === 'in-doubt' || keys;
  const open = begun && !order.refund_granted;
  if (!bool(known?.taken)) {
    // The one that the order took is its terminal's word only, or went back: then it lives by this.
    const doubted = order.unproven || bool(known?.returned);
    return doubted && (isDelivered(order) || open) ? 'claimed-not' : null;
  }
  if (isDelivered(order)) return 'delivered';
  return open ? 'claimed-not' : null;
}

/**
 * The credit order behind a trade, locked before the trade itself: of a hand-back and a posting
 * that are asked for at once one waits for the other. In central's one order: its account first.
 */
export async function holdPosting(tx: Sql, terminalId: string, outTradeNo: string): Promise<void> {
  const [trade] = await tx.query<{ order_id: string | null }>(
    'SELECT order_id FROM gateway_trades WHERE terminal_id = $1 AND out_trade_no = $2',
    [terminalId, outTradeNo],
  );
  await lockPosting(tx, trade?.order_id ?? null);
}

/** Null: it is no credit order, as far as is known here. */
async function lockPosting(tx: Sql, orderId: string | null): Promise<PostingRow | null> {
  if (orderId === null) return null;
  const [known] = await tx.query<{ user_no: string }>(
    'SELECT user_no FROM postings WHERE order_id = $1',
    [orderId],
  );
  if (known === undefined) return null;
  await tx.query('SELECT 1 FROM credit_accounts WHERE user_no = $1 FOR NO KEY UPDATE', [
    known.user_no,
  ]);
  return (await select(tx, POSTINGS, 'order_id = $1 FOR NO KEY UPDATE', [orderId]))[0] ?? null;
}

/**
 * A payment that was credited stays; one whose posting's end is not known yet is asked about again,
 * and so is one of an order that was credited for a payment that nobody remembers.
 */
function postingBar({ state, attempt_id }: PostingRow, attempt: string): Bar | null {
  if (state !== 'posted' && state !== 'posting') return null;
  if (attempt_id === null) return 'claimed-not';
  if (attempt_id !== attempt) return null;
  return state === 'posted' ? 'delivered' : 'claimed-not';
}

/**
 * From here on nothing is credited for an order whose own payment goes back. A second payment, or
 * one beside a code that may yet be paid, leaves it as it is: its own evidence counts no more, and
 * that is enough. The caller holds the posting.
 */
export async function voidReturned(tx: Sql, trade: Trade, nowMs: number): Promise<void> {
  const { order_id: orderId, terminal_id: terminalId } = trade;
  const attempt = orderId === null ? null : attemptOf(orderId, trade.out_trade_no);
  if (orderId === null || attempt === null) return;
  const [other] = await tx.query<Record<'taken' | 'lives', unknown>>(
    `SELECT (SELECT attempt_id FROM ledger WHERE order_id = $1 AND kind = 'captured') AS taken,
     EXISTS (SELECT 1 FROM gateway_trades t LEFT JOIN gateway_legs g ON g.leg = t.leg
       WHERE t.order_id = $1 AND t.terminal_id = $2 AND t.out_trade_no <> $3
         AND (t.state = 'open' OR g.state IN ('creating', 'open', 'closing', 'paid'))) AS lives`,
    [orderId, terminalId, trade.out_trade_no],
  );
  const taken = other?.taken ?? null;
  if (taken === null ? bool(other?.lives) : taken !== attempt) return;
  const books = await loadPosting(tx, orderId);
  if (books.postings.get(orderId) === undefined) return;
  makeVoid(books, orderId, nowMs);
  await write(tx, terminalId, books);
}
