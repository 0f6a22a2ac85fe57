import type { z } from 'zod';
import type { RefundQueryResult, RefundResult } from '../../payment/types.ts';
import { failure } from '../../shared/errors.ts';
import type { refundSchema } from '../../shared/gateway-api.ts';
import { num } from '../db/sql.ts';
import { holdPosting, redFirst, refundBar, voidReturned } from './bars.ts';
import { mayHandBack, patience, waitsForPerson } from './budgets.ts';
import { markReturned } from './receipts.ts';
import { refundAgain } from './refund-again.ts';
import { ALONE_AFTER_MS } from './desk.ts';
import type { Desk } from './desk.ts';
import { gone, legOf, refOf, refundOf, tradeOf, unknown } from './rows.ts';
import type { Leg, Refund } from './rows.ts';

/** See `PaymentGateway.refund`. */
export function refund(
  desk: Desk,
  terminalId: string,
  request: z.infer<typeof refundSchema>,
): Promise<RefundResult> {
  const { db, now, alone, numbers, move } = desk;
  return alone(terminalId, request.outTradeNo, async (): Promise<RefundResult> => {
    const lost = await refundAgain(desk, terminalId, request);
    if (lost !== null) return unknown(lost);
    const no = (why: string): RefundResult => ({
      kind: 'refused',
      failure: failure('PAY-0301', why),
    });
    const asked = await db().transaction(
      async (tx): Promise<{ readonly leg: Leg; readonly refund: Refund } | RefundResult> => {
        await holdPosting(tx, terminalId, request.outTradeNo);
        const trade = await tradeOf(tx, terminalId, request.outTradeNo, true);
        const leg = await legOf(tx, trade?.leg ?? null);
        if (trade === null || leg === null) return no('nothing was ever paid under this number');
        if (request.amountFen !== num(trade.amount_fen) || request.refundFen > request.amountFen)
          return no('not the amount of this payment');
        const rows = await tx.query<Refund>(
          `SELECT * FROM gateway_refunds WHERE terminal_id = $1
           AND (out_refund_no = $2 OR leg = $3)`,
          [terminalId, request.outRefundNo, leg.leg],
        );
        const old = rows.find((r) => r.out_refund_no === request.outRefundNo);
        if (old !== undefined && (old.leg !== leg.leg || num(old.refund_fen) !== request.refundFen))
          return no('this refund number stands for another refund');
        if (old !== undefined && old.state !== 'refused') return { leg, refund: old };
        const asFar = rows
          .filter((r) => r.state !== 'refused')
          .reduce((sum, r) => sum + num(r.refund_fen), 0);
        const bar = await refundBar(tx, trade);
        if (bar === 'delivered') return no('the order of this payment was delivered');
        if (bar === 'by-hand') return no('two persons settled this payment by hand');
        if (bar === 'invoiced') {
          await redFirst(tx, trade, now());
          return unknown(failure('INV-0101'));
        }
        if (bar === 'claimed-not')
          return unknown(failure('PAY-0204', 'no refund claim on its order is known here yet'));
        if (asFar + request.refundFen > num(trade.amount_fen))
          return no(`${asFar} fen are handed back already`);
        const { outRefundNo: number, outTradeNo, refundFen: fen } = request;
        if (!(await mayHandBack(tx, desk, { terminalId, number, outTradeNo, fen })))
          return patience();
        // Money goes back one way: a reversal that was never heard of is not gone on with beside
        // it.
        if (leg.captured_fen !== null)
          await move(tx, leg.leg, 'paid', ['closing'], null, 'refunded instead of reversed');
        await markReturned(tx, trade, now());
        await voidReturned(tx, trade, now());
        if (old !== undefined) {
          // Refused before: from here it may succeed, and counts again.
          await tx.query(
            `UPDATE gateway_refunds SET state = 'asked', look_ms = $3 WHERE terminal_id = $1
             AND out_refund_no = $2`,
            [terminalId, request.outRefundNo, now() + ALONE_AFTER_MS],
          );
          return { leg, refund: { ...old, state: 'asked' } };
        }
        await tx.query(
          `INSERT INTO gateway_refunds
           (terminal_id, out_refund_no, out_trade_no, leg, wallet_refund_no, refund_fen, reason,
           state, created_ms, look_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, 'asked', $8, $9)`,
          [
            terminalId,
            request.outRefundNo,
            request.outTradeNo,
            leg.leg,
            numbers.refund(terminalId, request.outRefundNo),
            request.refundFen,
            request.reason,
            now(),
            now() + ALONE_AFTER_MS,
          ],
        );
        return { leg, refund: (await refundOf(tx, terminalId, request.outRefundNo)) as Refund };
      },
    );
    return 'kind' in asked ? asked : sendRefund(desk, asked.leg, asked.refund);
  });
}

const walletRefund = (leg: Leg, r: Refund) => ({
  ...refOf(leg),
  outRefundNo: r.wallet_refund_no,
  refundFen: num(r.refund_fen),
  reason: r.reason,
});
/**
 * What became of a refund.
 *
 * @param lookMs when it is sent again by itself; null: never
 */
export const setRefund = (
  desk: Desk,
  r: Refund,
  state: Refund['state'],
  lookMs: number | null,
): Promise<unknown> =>
  desk.db().query(
    `UPDATE gateway_refunds SET state = $3, look_ms = $4 WHERE terminal_id = $1
       AND out_refund_no = $2`,
    [r.terminal_id, r.out_refund_no, state, lookMs],
  );

/** Sends a refund that is stored, under its one number at the wallet. */
export async function sendRefund(desk: Desk, leg: Leg, r: Refund): Promise<RefundResult> {
  const { walletOf } = desk;
  const wallet = walletOf(leg);
  if (wallet === undefined) return unknown(gone(leg));
  const told = await wallet.refund(walletRefund(leg, r));
  if (told.kind === 'done') await setRefund(desk, r, 'done', null);
  else if (told.kind === 'accepted') await setRefund(desk, r, 'accepted', null);
  // What was accepted once is not refused by a later answer: its query tells.
  else if (told.kind === 'refused' && r.state === 'asked')
    await setRefund(desk, r, 'refused', null);
  return told;
}

/** See `PaymentGateway.queryRefund`. */
export function refundStanding(
  desk: Desk,
  terminalId: string,
  request: z.infer<typeof refundSchema>,
): Promise<RefundQueryResult> {
  const { db, alone, walletOf } = desk;
  return alone(terminalId, request.outTradeNo, async (): Promise<RefundQueryResult> => {
    const lost = await refundAgain(desk, terminalId, request);
    if (lost !== null) return unknown(lost);
    const r = await refundOf(db(), terminalId, request.outRefundNo);
    const leg = await legOf(db(), r?.leg ?? null);
    if (r === null && (await waitsForPerson(db(), terminalId, request.outRefundNo)))
      return patience();
    if (r === null || leg === null) return { kind: 'not-found' };
    if (r.out_trade_no !== request.outTradeNo || num(r.refund_fen) !== request.refundFen)
      return unknown(failure('PAY-0201', 'this refund number stands for another refund'));
    const wallet = walletOf(leg);
    if (wallet === undefined) return unknown(gone(leg));
    const told = await wallet.queryRefund(walletRefund(leg, r));
    if (told.kind === 'done') await setRefund(desk, r, 'done', null);
    return told;
  });
}
