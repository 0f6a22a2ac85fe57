import { createHash } from 'node:crypto';
import { attemptOf } from '../../shared/order-id.ts';
import { bool, num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { markReturned } from './receipts.ts';
import { legOf, tradeOf } from './rows.ts';

/**
 * Orders that their terminal ends no more: all that a revoked one left open, since its key is in
 * strange hands; of any other one what a technician asked for and the second person refused, since
 * the kiosk said its word and does nothing more about it. Their customers' money must not be
 * stranded. Central adopts them; two persons decide on each (books/hand-requests.ts).
 */

/** One payment that nobody has settled, and its terminal will not. */
export interface Stranded {
  readonly terminalId: string;
  /** Null: the terminal told no order with it. */
  readonly orderId: string | null;
  /** The trade's own number where no attempt of an order is known. */
  readonly attemptId: string;
  /** The terminal's number at the gateway; null: it was not taken there. */
  readonly outTradeNo: string | null;
  readonly amountFen: number;
  /** As the books have the order; null: they do not know it. */
  readonly state: string | null;
  /** Its order is one without a card that central may yet post. */
  readonly creditable: boolean;
  /** Central computed the card's keys for its order: the gas may be on the card, whatever is told. */
  readonly keyed: boolean;
}

interface Captured {
  readonly order_id: string;
  readonly attempt_id: string;
  readonly amount_fen: unknown;
  readonly state: string;
  readonly posting: string | null;
  readonly keyed: unknown;
}
interface Paid {
  readonly out_trade_no: string;
  readonly order_id: string | null;
  readonly amount_fen: unknown;
  readonly state: string | null;
  readonly delivered: unknown;
  readonly taken: string | null;
  readonly posting: string | null;
  /** The attempt that was credited; null: none was. */
  readonly credited: string | null;
  readonly keyed: unknown;
}

const KEYED = (orderId: string): string =>
  `EXISTS (SELECT 1 FROM key_uses k WHERE k.order_id = ${orderId} AND k.granted) AS keyed`;

/** What a terminal captured, did not deliver, and will not settle itself. */
export async function strandedOf(sql: Sql, terminalId: string): Promise<readonly Stranded[]> {
  const revoked = await sql.query(
    `SELECT 1 FROM terminals WHERE terminal_id = $1 AND status = 'revoked'`,
    [terminalId],
  );
  const mayBe = revoked.length > 0 ? () => true : piecesIn(await refusedPieces(sql, terminalId));
  const inBooks = await sql.query<Captured>(
    `SELECT o.order_id, l.attempt_id, l.amount_fen, o.state,
       (SELECT state FROM postings p WHERE p.order_id = o.order_id) AS posting, ${KEYED('o.order_id')}
     FROM orders o
       JOIN ledger l ON l.order_id = o.order_id AND l.kind = 'captured'
     WHERE o.terminal_id = $1 AND o.state NOT IN ('delivered', 'refunded')
       AND o.delivered_by IS NULL AND NOT EXISTS (SELECT 1 FROM ledger r
         WHERE r.order_id = o.order_id AND r.attempt_id = l.attempt_id AND r.kind = 'refunded')
       AND NOT EXISTS (SELECT 1 FROM postings p WHERE p.order_id = o.order_id
         AND p.state = 'posted' AND p.attempt_id = l.attempt_id)
     ORDER BY o.created_ms, o.order_id LIMIT 500`,
    [terminalId],
  );
  const atGateway = await sql.query<Paid>(
    `SELECT t.out_trade_no, t.order_id, t.amount_fen, o.state,
       o.state = 'delivered' OR o.delivered_by IS NOT NULL AS delivered,
       (SELECT attempt_id FROM ledger l WHERE l.order_id = t.order_id AND l.kind = 'captured') AS taken,
       (SELECT state FROM postings p WHERE p.order_id = t.order_id) AS posting,
       (SELECT attempt_id FROM postings p WHERE p.order_id = t.order_id
         AND p.state = 'posted') AS credited,
       ${KEYED('t.order_id')}
     FROM gateway_trades t JOIN gateway_legs g ON g.leg = t.leg
       LEFT JOIN orders o ON o.order_id = t.order_id AND o.terminal_id = t.terminal_id
     WHERE t.terminal_id = $1 AND g.state = 'paid' AND NOT EXISTS
       (SELECT 1 FROM gateway_refunds r WHERE r.leg = g.leg AND r.state <> 'refused')
     ORDER BY t.created_ms, t.out_trade_no LIMIT 500`,
    [terminalId],
  );
  const settled = await settledPieces(sql, terminalId);
  return together(terminalId, inBooks, atGateway).filter(
    (s) => !settled.has(pieceOf(s.orderId, s.attemptId)) && mayBe(s),
  );
}

const piecesIn =
  (pieces: ReadonlySet<string>) =>
  ({ orderId, attemptId, state }: Stranded): boolean =>
    pieces.has(pieceOf(orderId, attemptId)) && (state === 'parked' || state === 'closed');
/** What a second person refused to confirm. */
async function refusedPieces(sql: Sql, terminalId: string): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ order_id: string; attempt_id: string }>(
    `SELECT order_id, attempt_id FROM hand_requests WHERE terminal_id = $1 AND state = 'refused'`,
    [terminalId],
  );
  return new Set(rows.map((r) => pieceOf(r.order_id, r.attempt_id)));
}

/** One payment of an order, or of none. */
const pieceOf = (orderId: string | null, attemptId: string): string =>
  `${orderId ?? ''} ${attemptId}`;
/** What is asked about already. */
async function settledPieces(sql: Sql, terminalId: string): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ order_id: string; attempt_id: string }>(
    `SELECT order_id, attempt_id FROM hand_requests
     WHERE terminal_id = $1 AND state <> 'refused'`,
    [terminalId],
  );
  return new Set(rows.map((r) => pieceOf(r.order_id, r.attempt_id)));
}

function together(
  terminalId: string,
  inBooks: readonly Captured[],
  atGateway: readonly Paid[],
): readonly Stranded[] {
  const found = new Map<string, Stranded>();
  for (const c of inBooks) {
    const { order_id: orderId, attempt_id: attemptId, state } = c;
    const amountFen = num(c.amount_fen);
    const keyed = bool(c.keyed);
    const creditable = c.posting === 'open';
    const known = { terminalId, orderId, attemptId, amountFen, state, creditable, keyed };
    found.set(attemptId, { ...known, outTradeNo: null });
  }
  for (const p of atGateway) {
    const { out_trade_no: outTradeNo, order_id: orderId, state } = p;
    const attempt = orderId === null ? null : attemptOf(orderId, outTradeNo);
    const attemptId = attempt ?? outTradeNo;
    // The order that this very payment bought is on the card: it is owed to nobody.
    if (bool(p.delivered) && p.taken === attemptId) continue;
    if (p.credited === attemptId) continue;
    const amountFen = num(p.amount_fen);
    const keyed = bool(p.keyed);
    const creditable = p.posting === 'open' && attempt !== null;
    const known = { terminalId, orderId, attemptId, amountFen, state, creditable, keyed };
    found.set(attemptId, { ...known, outTradeNo });
  }
  return [...found.values()];
}

/**
 * Central's own refund number for an adopted payment: asked for again it is the same. No terminal's
 * number has a colon, so none stands in its way, or under it.
 */
export const adoptedRefundNo = (outTradeNo: string): string => `:${outTradeNo}`;
/** The trade of an adopted refund's number. */
export const tradeNoOf = (refundNo: string): string => refundNo.slice(1);

/**
 * Stores the refund of an adopted payment, in the transaction that decides on it; the sweep sends
 * it.
 *
 * @returns null, or why it cannot be
 */
export async function handBackAdopted(
  tx: Sql,
  terminalId: string,
  refundNo: string,
  nowMs: number,
): Promise<string | null> {
  const trade = await tradeOf(tx, terminalId, tradeNoOf(refundNo), true);
  const leg = await legOf(tx, trade?.leg ?? null);
  if (trade === null || leg?.state !== 'paid') return 'the gateway has no such payment';
  const begun = await tx.query(
    `SELECT 1 FROM gateway_refunds WHERE leg = $1 AND state <> 'refused'`,
    [leg.leg],
  );
  if (begun.length > 0) return 'it is on its way back already';
  const digest = createHash('sha256').update(`${terminalId}/${refundNo}`).digest('hex');
  await markReturned(tx, trade, nowMs);
  await tx.query(
    `INSERT INTO gateway_refunds
       (terminal_id, out_refund_no, out_trade_no, leg, wallet_refund_no, refund_fen, reason,
       state, created_ms, look_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, 'asked', $8, $8)
     ON CONFLICT (terminal_id, out_refund_no) DO UPDATE SET state = 'asked', look_ms = $8`,
    [
      terminalId,
      refundNo,
      trade.out_trade_no,
      leg.leg,
      `H${digest.slice(0, 26).toUpperCase()}`,
      num(trade.amount_fen),
      '充值未完成，原路退回',
      nowMs,
    ],
  );
  return null;
}
