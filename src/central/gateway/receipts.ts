import { HOUSE_MERCHANT } from '../../payment/merchants.ts';
import type { Paid } from '../../payment/types.ts';
import { receiptToken } from '../../shared/evidence.ts';
import { attemptOf } from '../../shared/order-id.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import type { Desk } from './desk.ts';
import type { Leg, Trade } from './rows.ts';

/**
 * The capture as a terminal is told it: with the gateway's receipt in the place of the wallet's own
 * words, which name the payer. A trade without an order has none.
 */
export function withReceipt({ receipts }: Desk, trade: Trade, leg: Leg, told: Paid): Paid {
  const { kind, transactionId, amountFen, paidAtMs } = told;
  const paid = { kind, transactionId, amountFen, paidAtMs };
  const { order_id: orderId, terminal_id: terminalId, out_trade_no: outTradeNo } = trade;
  if (orderId === null) return paid;
  const token = receiptToken(receipts, {
    terminalId,
    orderId,
    outTradeNo,
    amountFen,
    wallet: leg.wallet,
    walletNumber: transactionId,
    paidMs: paidAtMs,
    ...(leg.merchant === HOUSE_MERCHANT ? {} : { merchant: leg.merchant }),
  });
  return { ...paid, evidence: { kind: 'receipt', token } };
}

/**
 * What the gateway itself saw captured for an order stands in the books as evidence. One whose
 * refund or reversal was asked for before anybody here heard that it was paid is on its way back.
 */
export async function keepCapture(
  tx: Sql,
  trade: Trade,
  leg: Leg,
  told: Paid,
  nowMs: number,
): Promise<void> {
  const { order_id: orderId } = trade;
  const attemptId = orderId === null ? null : attemptOf(orderId, trade.out_trade_no);
  if (attemptId === null || told.amountFen !== num(trade.amount_fen)) return;
  await tx.query(
    `INSERT INTO payment_evidence
       (wallet, wallet_number, order_id, attempt_id, terminal_id, amount_fen, at_ms, paid_ms,
       returned_ms, merchant)
     SELECT $1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint, $7::bigint, $9::bigint,
       CASE WHEN EXISTS (SELECT 1 FROM gateway_refunds r
           WHERE r.leg = $8::text AND r.state <> 'refused')
         OR EXISTS (SELECT 1 FROM gateway_legs g
           WHERE g.leg = $8::text AND g.method = 'code' AND g.state = 'closing')
       THEN $7::bigint END, $10::text
     ON CONFLICT DO NOTHING`,
    [
      leg.wallet,
      told.transactionId,
      orderId,
      attemptId,
      trade.terminal_id,
      told.amountFen,
      nowMs,
      leg.leg,
      told.paidAtMs,
      leg.merchant,
    ],
  );
}

/** From here on the trade's money is on its way back: it pays for nothing any more. */
export async function markReturned(tx: Sql, trade: Trade, nowMs: number): Promise<void> {
  const { order_id: orderId } = trade;
  const attemptId = orderId === null ? null : attemptOf(orderId, trade.out_trade_no);
  if (attemptId === null) return;
  await tx.query(
    `UPDATE payment_evidence SET returned_ms = $3
     WHERE order_id = $1 AND attempt_id = $2 AND returned_ms IS NULL`,
    [orderId, attemptId, nowMs],
  );
}
