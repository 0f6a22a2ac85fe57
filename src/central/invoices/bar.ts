import { anyOf, list } from '../db/sets.ts';
import type { Sql } from '../db/sql.ts';
import { wantRed } from './ask.ts';
import type { RedWanted } from './ask.ts';
import { invoicesOf, standingBlue } from './rows.ts';

/**
 * Money and its invoice: what was invoiced goes back only once its invoice was taken back, and
 * where it went back all the same the books take the invoice back. A late or second payment of the
 * order is none that was invoiced: it goes back as ever.
 */

/** Does an invoice stand, or may yet come to stand, of this very payment? The caller locks. */
export async function isInvoiced(sql: Sql, orderId: string, attemptId: string): Promise<boolean> {
  return standingBlue(await invoicesOf(sql, orderId))?.attempt_id === attemptId;
}

/**
 * Two persons hand a payment back: if it was invoiced, the red one is wanted first, and nothing
 * goes back until it was issued. The caller has the order's lock.
 *
 * @returns true: the money stays for now
 */
export const barredByInvoice = async (
  tx: Sql,
  payment: { readonly orderId: string; readonly attemptId: string },
  wanted: Omit<RedWanted, 'reason'>,
  nowMs: number,
): Promise<boolean> =>
  (await isInvoiced(tx, payment.orderId, payment.attemptId)) &&
  wantRed(tx, payment.orderId, { ...wanted, reason: 'money-back' }, nowMs);

/**
 * Money of these orders is told to have gone back: whether of what was invoiced, the worker looks
 * (`sender.ts`). One that is not issued yet is looked at when it is.
 */
export async function lookAtInvoices(tx: Sql, orderIds: readonly string[]): Promise<void> {
  if (orderIds.length === 0) return;
  await tx.query(
    `UPDATE invoices SET look_ms = 0
     WHERE order_id ${anyOf('$1')} AND kind = 'blue' AND state = 'issued'`,
    [list(new Set(orderIds))],
  );
}
