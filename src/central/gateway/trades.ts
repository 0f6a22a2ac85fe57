import type { z } from 'zod';
import { whoTakes } from '../../payment/codes.ts';
import type { ChargeResult, CloseResult, CreateResult, QueryResult } from '../../payment/types.ts';
import { failure } from '../../shared/errors.ts';
import type { attemptSchema, chargeSchema, createSchema } from '../../shared/gateway-api.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { ALONE_AFTER_MS } from './desk.ts';
import type { Desk } from './desk.ts';
import {
  backByClose,
  captured,
  endLeg,
  insertLeg,
  mayBeHandedBack,
  STILL_CLOSING,
} from './legs.ts';
import { collectorOf } from './collector.ts';
import type { Collector } from './collector.ts';
import { codeEnds, quoteIsOver } from './quote-over.ts';
import { withReceipt } from './receipts.ts';
import { recover } from './recovery.ts';
import { gone, insertTrade, legOf, refOf, tradeOf, unknown } from './rows.ts';
import type { Leg, NewTrade, Trade } from './rows.ts';
import type { Wallet } from './types.ts';

/** A number that ended before it began: whatever of it is still on its way comes too late. */
export const tombstone = (
  desk: Desk,
  tx: Sql,
  terminalId: string,
  a: z.infer<typeof attemptSchema>,
  life: string,
): Promise<boolean> =>
  insertTrade(
    tx,
    {
      terminalId,
      outTradeNo: a.outTradeNo,
      token: null,
      method: a.method ?? 'qr',
      amountFen: a.amountFen,
      description: '',
      expiresMs: 0,
      state: 'closed',
      orderId: null,
      life,
    },
    desk.now(),
  );

/** The number was used for another order. Rows of before terminals told the order are anybody's. */
const isAnothers = (trade: Trade, orderId: string | undefined): boolean =>
  trade.order_id !== null && orderId !== undefined && trade.order_id !== orderId;

const tooLate = (): Extract<CreateResult & ChargeResult, { kind: 'refused' }> => ({
  kind: 'refused',
  failure: failure('PAY-0102', 'the order’s quote is over'),
});

/** See `PaymentGateway.create`; so for the others here. */
export function create(
  desk: Desk,
  terminalId: string,
  request: z.infer<typeof createSchema>,
): Promise<CreateResult> {
  const { db, now, alone, numbers, publicUrl, merchants } = desk;
  const { outTradeNo } = request;
  return alone(terminalId, outTradeNo, async () => {
    const lost = await recover(desk, terminalId, request, 'open');
    if (lost !== null) return unknown(lost);
    const { name: life } = await desk.life();
    return db().transaction(async (tx): Promise<CreateResult> => {
      const known = await tradeOf(tx, terminalId, request.outTradeNo);
      if (known === null && (await quoteIsOver(tx, request.orderId, now()))) return tooLate();
      await insertTrade(
        tx,
        {
          terminalId,
          outTradeNo: request.outTradeNo,
          token: numbers.token({ terminalId, outTradeNo }),
          method: 'qr',
          amountFen: request.amountFen,
          description: request.description,
          expiresMs: await codeEnds(tx, request.orderId, request.expiresAtMs, now()),
          state: 'open',
          orderId: request.orderId ?? null,
          collector: await collectorOf(tx, merchants, request.orderId, request.payee),
          hall: request.hall,
          card: request.card,
          life,
        },
        now(),
      );
      const trade = (await tradeOf(tx, terminalId, request.outTradeNo)) as Trade;
      const leg = await legOf(tx, trade.leg);
      if (
        num(trade.amount_fen) !== request.amountFen ||
        trade.method !== 'qr' ||
        isAnothers(trade, request.orderId)
      )
        return {
          kind: 'refused',
          failure: failure('PAY-0102', 'this number stands for another payment'),
        };
      if (leg?.state === 'paid') return { kind: 'paid' };
      if (trade.state === 'closed' || trade.token === null)
        return { kind: 'refused', failure: failure('PAY-0102', 'this payment is closed') };
      return { kind: 'pending', qrText: `${publicUrl}/q/${trade.token}` };
    });
  });
}

/** Where a trade stands, by the wallet's word of now, and the leg that counts. */
export function lookAt(
  desk: Desk,
  terminalId: string,
  asked: z.infer<typeof attemptSchema>,
): Promise<{ readonly told: QueryResult; readonly leg: Leg | null }> {
  const { db } = desk;
  const { outTradeNo } = asked;
  return desk.alone(terminalId, outTradeNo, async () => {
    const lost = await recover(desk, terminalId, asked, 'ask');
    if (lost !== null) return { told: unknown(lost), leg: null };
    const trade = await tradeOf(db(), terminalId, outTradeNo);
    if (trade === null) return { told: { kind: 'not-found' }, leg: null };
    const leg = await legOf(db(), trade.leg);
    return { told: await standing(desk, trade, leg), leg };
  });
}

async function standing(desk: Desk, trade: Trade, leg: Leg | null): Promise<QueryResult> {
  const { db, now, walletOf } = desk;
  if (leg === null) return trade.state === 'closed' ? { kind: 'closed' } : { kind: 'pending' };
  const wallet = walletOf(leg);
  if (wallet === undefined) return unknown(gone(leg));
  const told = await wallet.query(refOf(leg));
  if (told.kind === 'paid') {
    if (leg.state === 'closing' && mayBeHandedBack(desk, leg)) return unknown(STILL_CLOSING);
    await captured(desk, leg, told);
    return withReceipt(desk, trade, leg, told);
  }
  // A code was sent once: whether the wallet has it, the terminal judges.
  if (leg.method === 'code') return told;
  const handedBack = told.kind === 'refunded' && (await backByClose(desk, leg, told));
  // A QR code's trade exists here, whatever the wallet has of it.
  if (told.kind === 'not-found' && leg.state !== 'closed') return { kind: 'pending' };
  if (told.kind !== 'closed' && told.kind !== 'not-found' && !handedBack) return told;
  // This wallet's trade is over. The payment is only where no other wallet can begin any more:
  // that is stored before it is said.
  if (trade.state === 'open') {
    if (now() < num(trade.expires_ms)) return { kind: 'pending' };
    await db().query(
      `UPDATE gateway_trades SET state = 'closed' WHERE terminal_id = $1 AND out_trade_no = $2`,
      [trade.terminal_id, trade.out_trade_no],
    );
  }
  return handedBack ? told : { kind: 'closed' };
}

/** See `PaymentGateway.close`. */
export function close(
  desk: Desk,
  terminalId: string,
  attempt: z.infer<typeof attemptSchema>,
): Promise<CloseResult> {
  const { db, now, moving, move } = desk;
  return moving(terminalId, attempt.outTradeNo, async (): Promise<CloseResult> => {
    const lost = await recover(desk, terminalId, attempt, 'end');
    if (lost !== null) return unknown(lost);
    const { name: life } = await desk.life();
    const leg = await db().transaction(async (tx): Promise<Leg | 'code' | null> => {
      await tombstone(desk, tx, terminalId, attempt, life);
      const trade = (await tradeOf(tx, terminalId, attempt.outTradeNo, true)) as Trade;
      if (trade.method === 'code' && trade.leg !== null) return 'code';
      // No wallet begins anything for it any more.
      await tx.query(
        `UPDATE gateway_trades SET state = 'closed' WHERE terminal_id = $1 AND out_trade_no = $2`,
        [terminalId, attempt.outTradeNo],
      );
      if (trade.leg === null) return null;
      await move(tx, trade.leg, 'closing', ['creating', 'open'], now() + ALONE_AFTER_MS);
      return legOf(tx, trade.leg);
    });
    // What was sent may be paid at this moment: only a reversal hands it back.
    if (leg === 'code')
      return unknown(failure('PAY-0204', 'a payment by code is reversed, not closed'));
    if (leg === null || leg.state === 'closed' || leg.state === 'refunded')
      return { kind: 'closed' };
    if (leg.state === 'paid') return { kind: 'paid' };
    const ended = await endLeg(desk, leg);
    return typeof ended === 'string' ? { kind: ended } : unknown(ended);
  });
}

/** See `PaymentGateway.charge`. */
export function charge(
  desk: Desk,
  terminalId: string,
  request: z.infer<typeof chargeSchema>,
): Promise<ChargeResult> {
  const { db, moving, move, merchants } = desk;
  return moving(terminalId, request.outTradeNo, async (): Promise<ChargeResult> => {
    const lost = await recover(desk, terminalId, { ...request, method: 'code' }, 'open');
    if (lost !== null) return unknown(lost);
    const collector = await collectorOf(db(), merchants, request.orderId, request.payee);
    const own = merchants.of(collector.merchant).filter((w) => w.code !== undefined);
    const kinds = own.map((w) => w.kind);
    const kind = whoTakes(request.authCode, await desk.paymentCodes?.(terminalId), kinds);
    const wallet = own.find((w) => w.kind === kind);
    if (kind === null || wallet?.code === undefined)
      return {
        kind: 'refused',
        failure: failure('PAY-0404', 'no wallet here takes such a code'),
      };
    const leg = await beginCharge(desk, terminalId, request, { kind, collector });
    if (leg === 'quote-over') return tooLate();
    if (leg === 'another-order')
      return {
        kind: 'refused',
        failure: failure('PAY-0102', 'this number stands for another payment'),
      };
    if (leg === null)
      return unknown(failure('PAY-0101', 'this number was used before; its query tells'));
    const told = await wallet.code.charge({
      outTradeNo: leg.leg,
      amountFen: request.amountFen,
      method: 'code',
      authCode: request.authCode,
      description: request.description,
    });
    switch (told.kind) {
      case 'paid': {
        await captured(desk, leg, told);
        const trade = await tradeOf(db(), terminalId, request.outTradeNo);
        return trade === null ? told : withReceipt(desk, trade, leg, told);
      }
      case 'paying':
        await move(db(), leg.leg, 'open', ['creating'], null);
        break;
      case 'refused':
        await move(db(), leg.leg, 'closed', ['creating'], null, told.failure.code);
        break;
      case 'unknown':
        break;
      default:
        told satisfies never;
    }
    return told;
  });
}

/** Null: the number was used before, for the same order. */
async function beginCharge(
  desk: Desk,
  terminalId: string,
  request: z.infer<typeof chargeSchema>,
  { kind, collector }: { readonly kind: Wallet; readonly collector: Collector },
): Promise<Leg | 'another-order' | 'quote-over' | null> {
  const { outTradeNo, amountFen, description, orderId } = request;
  const { name: life } = await desk.life();
  return desk.db().transaction(async (tx) => {
    const trade: NewTrade = {
      terminalId,
      outTradeNo,
      token: null,
      method: 'code',
      amountFen,
      description,
      expiresMs: desk.now(),
      state: 'open',
      orderId: orderId ?? null,
      life,
      collector,
    };
    const known = await tradeOf(tx, terminalId, outTradeNo);
    if (known === null && (await quoteIsOver(tx, orderId, desk.now()))) return 'quote-over';
    const fresh = await insertTrade(tx, trade, desk.now());
    const row = (await tradeOf(tx, terminalId, outTradeNo)) as Trade;
    if (isAnothers(row, orderId)) return 'another-order';
    // A code is sent once: under a number that is here already nothing is sent, and the query
    // tells what became of it.
    if (!fresh) return null;
    return insertLeg(desk, tx, row, kind);
  });
}
