import type { z } from 'zod';
import type { Failure } from '../../shared/errors.ts';
import type { refundSchema } from '../../shared/gateway-api.ts';
import { num } from '../db/sql.ts';
import { holdPosting, refundBar, voidReturned } from './bars.ts';
import { countHandBack } from './budgets.ts';
import type { Desk } from './desk.ts';
import { markReturned } from './receipts.ts';
import { isForgetful, recover } from './recovery.ts';
import { gone, legOf, refOf, refundOf, tradeOf } from './rows.ts';

/**
 * A refund that may have been sent before a backup was put back: the wallet is asked under the
 * number that it then had, and what it knows is stored again, and counted. It is nobody's to bar or
 * to let go any more. Under the trade's turn.
 *
 * @returns why it cannot be told yet; null: the rows know it, or no wallet does
 */
export async function refundAgain(
  desk: Desk,
  terminalId: string,
  request: z.infer<typeof refundSchema>,
): Promise<Failure | null> {
  const { db, now, numbers, walletOf } = desk;
  const lost = await recover(desk, terminalId, request, 'ask');
  if (lost !== null || !isForgetful(await desk.life(), now())) return lost;
  const { outTradeNo, outRefundNo, refundFen, reason } = request;
  if ((await refundOf(db(), terminalId, outRefundNo)) !== null) return null;
  const trade = await tradeOf(db(), terminalId, outTradeNo);
  const leg = await legOf(db(), trade?.leg ?? null);
  // Never paid: nothing of it can have gone back.
  if (trade === null || leg === null || refundFen > num(leg.amount_fen)) return null;
  const wallet = walletOf(leg);
  if (wallet === undefined) return gone(leg);
  const number = numbers.refund(terminalId, outRefundNo);
  const told = await wallet.queryRefund({
    ...refOf(leg),
    outRefundNo: number,
    refundFen,
    reason,
  });
  if (told.kind === 'unknown') return told.failure;
  if (told.kind === 'not-found') return null;
  await db().transaction(async (tx) => {
    await holdPosting(tx, terminalId, outTradeNo);
    const barred = await refundBar(tx, trade);
    const stored = await tx.query(
      `INSERT INTO gateway_refunds
       (terminal_id, out_refund_no, out_trade_no, leg, wallet_refund_no, refund_fen, reason,
       state, created_ms, look_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL)
       ON CONFLICT DO NOTHING RETURNING leg`,
      [
        terminalId,
        outRefundNo,
        outTradeNo,
        leg.leg,
        number,
        refundFen,
        reason,
        told.kind === 'done' ? 'done' : 'accepted',
        now(),
      ],
    );
    if (stored.length === 0) return;
    await markReturned(tx, trade, now());
    if (barred === null) await voidReturned(tx, trade, now());
    await countHandBack(tx, desk, terminalId, refundFen);
  });
  return null;
}
