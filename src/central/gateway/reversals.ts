import type { z } from 'zod';
import type { ReverseResult } from '../../payment/types.ts';
import { failure } from '../../shared/errors.ts';
import type { attemptSchema } from '../../shared/gateway-api.ts';
import { num } from '../db/sql.ts';
import { holdPosting, redFirst, refundBar } from './bars.ts';
import type { Bar } from './bars.ts';
import { countHandBack, isSpent, mayHandBack, patience, reversalNo } from './budgets.ts';
import { ALONE_AFTER_MS } from './desk.ts';
import type { Desk } from './desk.ts';
import { captured, sendReverse } from './legs.ts';
import { markReturned } from './receipts.ts';
import { recover } from './recovery.ts';
import { legOf, refOf, tradeOf, unknown } from './rows.ts';
import type { Leg, Trade } from './rows.ts';
import { tombstone } from './trades.ts';

/** A charge of which the gateway has heard nothing more; null: another payment. */
async function unheard(desk: Desk, terminalId: string, outTradeNo: string): Promise<Leg | null> {
  const trade = await tradeOf(desk.db(), terminalId, outTradeNo);
  const leg = await legOf(desk.db(), trade?.leg ?? null);
  return leg?.method === 'code' && (leg.state === 'creating' || leg.state === 'open') ? leg : null;
}

/**
 * Beyond the budget a charge that was never asked about is asked about first: it may be paid by
 * now, and taking it back hands money back. Null: it may be taken back, as far as that is known.
 */
async function lookFirst(desk: Desk, terminalId: string, leg: Leg): Promise<ReverseResult | null> {
  if (!(await isSpent(desk, terminalId))) return null;
  const told = await desk.walletOf(leg)?.query(refOf(leg));
  if (told?.kind === 'unknown') return told;
  if (told?.kind === 'paid') await captured(desk, leg, told);
  return null;
}

/** Takes a payment back, and counts it where it turns out that money went back with it. */
async function sendCounted(desk: Desk, leg: Leg, counted: boolean): Promise<ReverseResult> {
  const result = await sendReverse(desk, leg);
  if (counted || result.kind !== 'reversed' || result.refunded === false) return result;
  const told = result.refunded === true ? null : await desk.walletOf(leg)?.query(refOf(leg));
  if (result.refunded === true || told?.kind === 'refunded')
    await countHandBack(desk.db(), desk, leg.terminal_id, num(leg.amount_fen));
  return result;
}

/** See `PaymentGateway.reverse`. */
export function reverse(
  desk: Desk,
  terminalId: string,
  attempt: z.infer<typeof attemptSchema>,
): Promise<ReverseResult> {
  const { db, now, moving, move } = desk;
  return moving(terminalId, attempt.outTradeNo, async (): Promise<ReverseResult> => {
    const lost = await recover(desk, terminalId, { ...attempt, method: 'code' }, 'end');
    if (lost !== null) return unknown(lost);
    const { name: life } = await desk.life();
    const fresh = await unheard(desk, terminalId, attempt.outTradeNo);
    const early = fresh === null ? null : await lookFirst(desk, terminalId, fresh);
    if (early !== null) return early;
    const found = await db().transaction(async (tx): Promise<Leg | NotSent> => {
      await holdPosting(tx, terminalId, attempt.outTradeNo);
      await tombstone(desk, tx, terminalId, { ...attempt, method: 'code' }, life);
      const trade = (await tradeOf(tx, terminalId, attempt.outTradeNo, true)) as Trade;
      if (trade.method !== 'code') return 'qr';
      const bar = await refundBar(tx, trade);
      if (bar === 'invoiced') await redFirst(tx, trade, now());
      if (bar !== null) return bar;
      await tx.query(
        `UPDATE gateway_trades SET state = 'closed' WHERE terminal_id = $1 AND out_trade_no = $2`,
        [terminalId, attempt.outTradeNo],
      );
      if (trade.leg === null) return 'none';
      if (
        (
          await tx.query(`SELECT 1 FROM gateway_refunds WHERE leg = $1 AND state <> 'refused'`, [
            trade.leg,
          ])
        ).length > 0
      )
        return 'refund';
      const { outTradeNo } = attempt;
      const fen = num(trade.amount_fen);
      const back = { terminalId, number: reversalNo(outTradeNo), outTradeNo, fen };
      const paid = (await legOf(tx, trade.leg))?.state === 'paid';
      if (paid && !(await mayHandBack(tx, desk, back))) return 'too-much';
      await markReturned(tx, trade, now());
      await move(
        tx,
        trade.leg,
        'closing',
        ['creating', 'open', 'paid', 'closed'],
        now() + ALONE_AFTER_MS,
      );
      return (await legOf(tx, trade.leg)) ?? 'none';
    });
    return typeof found === 'string'
      ? notSent(found)
      : sendCounted(desk, found, found.captured_fen !== null);
  });
}

type NotSent = 'none' | 'qr' | 'refund' | 'too-much' | Bar;
/** What is told of a reversal that is not sent. */
function notSent(why: NotSent): ReverseResult {
  const no = (detail: string): ReverseResult => ({
    kind: 'refused',
    failure: failure('PAY-0301', detail),
  });
  switch (why) {
    case 'none':
      // Nothing was sent under this number, and nothing will be.
      return { kind: 'reversed', refunded: false };
    case 'qr':
      return no('only a payment by code is reversed');
    case 'delivered':
      return no('the order of this payment was delivered');
    case 'by-hand':
      return no('two persons settled this payment by hand');
    case 'invoiced':
      return unknown(failure('INV-0101'));
    case 'refund':
      return no('a refund was asked for');
    case 'claimed-not':
      return unknown(failure('PAY-0204', 'no refund claim on its order is known here yet'));
    case 'too-much':
      return patience();
    default:
      return why satisfies never;
  }
}
