import { num, storable } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { isDelivered } from '../sale/orders.ts';
import { pieceRequested, requestRow, settle } from './by-hand.ts';
import { capturedBy, giveBack, move, Unusable } from './books.ts';
import { creditAdopted } from './credit-adopted.ts';
import type { Books, Place } from './books.ts';
import { loadRequests, loadWaiting } from './load.ts';
import { endForMoney } from './postings.ts';
import type { HandRequest, Settled } from './tables.ts';
import type { Trust } from './trust.ts';
import { write } from './write.ts';

/** What the first of two persons says about a payment that its terminal ends no more. */
export interface Adoption {
  readonly terminalId: string;
  /** Empty: the terminal told no order with it. */
  readonly orderId: string;
  /** The trade's number at the gateway where no attempt of an order is known. */
  readonly attemptId: string;
  readonly how: Settled;
  /** `refund-by-gateway`: central's own refund number · `credited`: the posting's. */
  readonly reference: string;
  readonly who: string;
  readonly why: string;
}

/**
 * Puts a request down at the console, for a second person to confirm. Only for a revoked terminal,
 * or where a technician's request was refused: else the terminal settles its orders itself.
 *
 * @returns null, or why it cannot be asked
 */
export async function askAdopted(
  db: Db,
  a: Adoption,
  by: { readonly nowMs: number; readonly trust: Trust },
): Promise<string | null> {
  return db.transaction(async (tx) => {
    const [terminal] = await tx.query<{ status: string }>(
      'SELECT status FROM terminals WHERE terminal_id = $1 FOR NO KEY UPDATE',
      [a.terminalId],
    );
    if (terminal?.status !== 'revoked' && !(await wasRefused(tx, a)))
      return 'the terminal is not revoked';
    const { books } = await loadWaiting(tx, a.orderId);
    await loadRequests(tx, books, a.orderId);
    const last = await tx.query<{ seq: unknown }>(
      `SELECT MAX(seq) AS seq FROM hand_requests WHERE terminal_id = $1 AND epoch = 0`,
      [a.terminalId],
    );
    const seq = num(last[0]?.seq ?? 0) + 1;
    const at: Place = { terminalId: a.terminalId, epoch: 0, seq, wallMs: by.nowMs, ...by };
    const row = requestRow(at, a.orderId, a.attemptId, {
      attemptId: a.attemptId,
      how: a.how,
      reference: storable(a.reference),
      who: storable(a.who),
      why: storable(a.why),
    });
    const told = books.judge(null, a.terminalId, () => {
      if (pieceRequested(books, row)) throw new Unusable('asked for already');
      books.trial(() => settleAdopted(books, at, row));
      books.requests.insert(row);
    });
    if (told.kind !== 'applied') return told.reason;
    await write(tx, a.terminalId, books);
    return null;
  });
}

/** A technician's word on it was refused, and his kiosk does nothing more about it. */
async function wasRefused(tx: Sql, { terminalId, orderId, attemptId }: Adoption): Promise<boolean> {
  const refused = await tx.query(
    `SELECT 1 FROM hand_requests h JOIN orders o ON o.order_id = h.order_id
     WHERE h.terminal_id = $1 AND h.order_id = $2 AND h.attempt_id = $3 AND h.state = 'refused'
       AND o.state IN ('parked', 'closed') LIMIT 1`,
    [terminalId, orderId, attemptId],
  );
  return refused.length > 0;
}

/**
 * What a confirmed request does to the books: the order becomes central's to settle, wherever its
 * terminal left it. What the books do not know changes nothing there.
 *
 * @throws Unusable where it cannot be settled so
 */
export function settleAdopted(books: Books, at: Place, asked: HandRequest): void {
  if (asked.how === 'credited') return creditAdopted(books, at, asked);
  const order = books.orders.get(asked.order_id);
  const taken = order === undefined ? null : capturedBy(books, order);
  // A second payment goes back beside the order; its own ends it.
  if (taken === null || taken.attemptId === asked.attempt_id)
    endForMoney(books, asked.order_id, asked.attempt_id, at.nowMs);
  if (order === undefined) {
    if (asked.how !== 'refund-by-gateway') throw new Unusable('the books do not know this order');
    return;
  }
  if (order.write_until_ms !== null && order.write_until_ms > at.nowMs)
    throw new Unusable('a kiosk may be writing it at this moment');
  if (capturedBy(books, order)?.attemptId === asked.attempt_id) {
    if (order.state !== 'parked') move(books, at, order, 'parked');
    return settle(books, at, asked);
  }
  if (asked.how !== 'refund-by-gateway') return settle(books, at, asked);
  // Captured at the gateway, and its terminal never told of it: nothing of it stands in the books,
  // and the order has no other money that it could wait for.
  if (!order.money_taken && !isDelivered(order)) giveBack(books, order.order_id);
}
