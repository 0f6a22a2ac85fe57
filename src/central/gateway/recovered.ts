import type { MerchantWallet } from '../../payment/merchants.ts';
import type { Paid, QueryResult } from '../../payment/types.ts';
import { attemptOf } from '../../shared/order-id.ts';
import type { Life } from '../db/lives.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { collectorOf } from './collector.ts';
import { FIRST_LOOK_MS } from './desk.ts';
import type { Desk } from './desk.ts';
import { codeEnds, quoteIsOver } from './quote-over.ts';
import { keepCapture, markReturned } from './receipts.ts';
import { insertTrade, legOf, tradeOf } from './rows.ts';
import type { Leg, Trade } from './rows.ts';

/** A payment as it is asked about. */
export interface Asked {
  readonly outTradeNo: string;
  /** 0: not told. */
  readonly amountFen: number;
  readonly method?: 'code' | undefined;
  readonly orderId?: string | undefined;
  readonly payee?: string | undefined;
  readonly description?: string;
  readonly expiresAtMs?: number | undefined;
  readonly hall?: string | undefined;
  readonly card?: string | undefined;
}
/**
 * Why. `ask`: only to be told · `end`: nothing may be paid under it any more · `open`: a wallet may
 * begin for it.
 */
export type Wish = 'ask' | 'end' | 'open';

/** One number at one wallet, and what became of it. */
export interface Found {
  readonly leg: string;
  readonly merchant: string;
  readonly wallet: Leg['wallet'];
  readonly provider: MerchantWallet['provider'];
  readonly told: QueryResult;
  /** As the database has it; null: it does not. */
  readonly row: Leg | null;
  /** The wallet knows no such trade, and was told to take no payment for it. */
  readonly ended: boolean;
  /** The gateway itself handed it back in the lost time, so it was not the one that counts. */
  readonly handedBack: 'done' | 'going' | null;
}

/** What the wallets know of a payment, and the database does not yet. */
export interface Recovered {
  readonly terminalId: string;
  readonly asked: Asked;
  readonly wish: Wish;
  /** As the database has it; null: it does not. */
  readonly trade: Trade | null;
  readonly orderId: string | null;
  readonly life: Life;
  readonly found: readonly Found[];
}

/**
 * Of two captures one goes back, and a terminal may have been told of the other: until so long
 * after they were found its facts may come and say so.
 */
const HAND_BACK_AFTER_MS = 3_600_000;

type Captured = Found & { readonly told: Extract<QueryResult, { kind: 'paid' | 'refunded' }> };
const isCaptured = (f: Found): f is Captured =>
  f.told.kind === 'paid' || f.told.kind === 'refunded';
/** What a wallet tells of a capture whose whole word is not known any more. */
const asPaid = ({ told }: Captured): Paid =>
  told.kind === 'paid' ? told : { ...told, kind: 'paid', paidAtMs: null };
const paidAt = (f: Captured): number => asPaid(f).paidAtMs ?? Number.MAX_SAFE_INTEGER;

/** Stores it in one transaction: one leg counts, and every other capture is on its way back. */
export async function keepFound(desk: Desk, r: Recovered): Promise<void> {
  const { db, now } = desk;
  const { terminalId, asked, found, life, orderId } = r;
  const { outTradeNo } = asked;
  await db().transaction(async (tx) => {
    const counts = await countsOf(tx, r);
    if (r.trade === null) await insertTrade(tx, await newTrade(desk, tx, r, counts), life.sinceMs);
    const trade = (await tradeOf(tx, terminalId, outTradeNo, true)) as Trade;
    for (const f of found) {
      if (f.row === null && (f.ended || f.told.kind !== 'not-found'))
        await insertFound(tx, trade, f, life.sinceMs);
    }
    await tx.query(
      `UPDATE gateway_trades SET life = $3, leg = $4, order_id = COALESCE(order_id, $5)
       WHERE terminal_id = $1 AND out_trade_no = $2`,
      [terminalId, outTradeNo, life.name, counts?.leg ?? trade.leg, orderId],
    );
    const whole = (await tradeOf(tx, terminalId, outTradeNo)) as Trade;
    for (const f of found) {
      if (f.leg === whole.leg) await setCounting(tx, whole, f, now());
      else if (f.row !== null || f.told.kind !== 'not-found') await setOther(tx, whole, f, now());
    }
  });
}

/**
 * The one that counts: what its terminal was told, as far as anybody knows; else the first that was
 * captured, and not left before; else the one that may yet be paid. Null: none does.
 */
async function countsOf(
  sql: Sql,
  { trade, orderId, asked, found }: Recovered,
): Promise<Found | null> {
  const captured = found.filter(isCaptured).filter((f) => f.handedBack === null);
  const attempt = orderId === null ? null : attemptOf(orderId, asked.outTradeNo);
  const told = await sql.query<{ wallet: string; wallet_number: string; merchant: string }>(
    `SELECT wallet, wallet_number, merchant FROM payment_evidence
     WHERE order_id = $1 AND attempt_id = $2`,
    [orderId, attempt],
  );
  const proven = captured.find((f) =>
    told.some(
      (e) =>
        e.wallet === f.wallet &&
        e.merchant === f.merchant &&
        e.wallet_number === f.told.transactionId,
    ),
  );
  const own = (f: Found): boolean => f.leg === trade?.leg;
  // One that was left before never counts again: no terminal was told of it.
  const last = (f: Captured): number =>
    (f.told.kind === 'paid' ? 0 : 1) + (f.row !== null && !own(f) ? 2 : 0);
  const first = captured
    .toSorted((a, b) => paidAt(a) - paidAt(b))
    .toSorted((a, b) => last(a) - last(b))[0];
  const open = found.filter((f) => f.told.kind === 'pending' || f.told.kind === 'paying');
  return (
    proven ??
    first ??
    open.find(own) ??
    open[0] ??
    found.find(own) ??
    found.findLast((f) => f.told.kind === 'closed') ??
    null
  );
}

async function newTrade(
  desk: Desk,
  tx: Sql,
  { terminalId, asked, wish, orderId, life, found }: Recovered,
  counts: Found | null,
) {
  const { outTradeNo, expiresAtMs, method } = asked;
  const wished = await collectorOf(tx, desk.merchants, orderId ?? undefined, asked.payee);
  const merchant = counts?.merchant ?? wished.merchant;
  const over = await quoteIsOver(tx, asked.orderId, desk.now());
  return {
    terminalId,
    outTradeNo,
    token: method === 'code' ? null : desk.numbers.token({ terminalId, outTradeNo }),
    method: method ?? 'qr',
    amountFen: asked.amountFen === 0 ? (sumOf(found) ?? 0) : asked.amountFen,
    description: asked.description ?? '',
    // 0: nobody knows it any more.
    expiresMs:
      expiresAtMs === undefined
        ? 0
        : await codeEnds(tx, orderId ?? undefined, expiresAtMs, desk.now()),
    // Who only asks, or ends it, begins no other wallet under it.
    state: method === 'code' || (wish === 'open' && !over) ? 'open' : 'closed',
    orderId,
    life: life.name,
    collector: { merchant, payee: merchant === wished.merchant ? wished.payee : null },
    hall: asked.hall,
    card: asked.card,
  } as const;
}
const sumOf = (found: readonly Found[]): number | undefined =>
  found.find(isCaptured)?.told.amountFen;

/** @param lostMs when the wallet does not say: the end of the lost time */
const insertFound = (tx: Sql, trade: Trade, f: Found, lostMs: number): Promise<unknown> =>
  tx.query(
    `INSERT INTO gateway_legs
     (leg, terminal_id, out_trade_no, wallet, method, amount_fen, expires_ms, state, shown,
     created_ms, changed_ms, merchant, opened, reason)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'closed', $8, $9, $9, $10, $11, $12)
     ON CONFLICT DO NOTHING`,
    [
      f.leg,
      trade.terminal_id,
      trade.out_trade_no,
      f.wallet,
      trade.method,
      num(trade.amount_fen),
      num(trade.expires_ms),
      f.told.kind !== 'not-found',
      (f.told.kind === 'paid' ? f.told.paidAtMs : null) ?? lostMs,
      f.merchant,
      // For whom it was opened nobody knows: it is nobody's by its link either, so whoever taps
      // again has it closed, and gets one of his own.
      FOUND_AGAIN,
      f.ended ? 'closed unseen after a backup was put back' : 'found after a backup was put back',
    ],
  );
/** How such a leg was opened; no payer's hash (opening.ts) looks like this. */
const FOUND_AGAIN = 'found';

async function set(
  tx: Sql,
  f: Found,
  to: Leg['state'],
  at: { readonly nowMs: number; readonly lookMs: number | null },
  reason: string | null = null,
): Promise<void> {
  await tx.query(
    `UPDATE gateway_legs SET state = $2, changed_ms = $3, look_ms = $4,
       reason = COALESCE($5, reason), transaction_id = COALESCE($6, transaction_id),
       captured_fen = COALESCE($7, captured_fen) WHERE leg = $1`,
    [
      f.leg,
      to,
      at.nowMs,
      at.lookMs,
      reason,
      isCaptured(f) ? f.told.transactionId : null,
      isCaptured(f) ? f.told.amountFen : null,
    ],
  );
}

/** What the row of a leg that counts says; one that was known goes its usual way from here. */
async function setCounting(tx: Sql, trade: Trade, f: Found, nowMs: number): Promise<void> {
  if (f.row !== null) return;
  const at = { nowMs, lookMs: null };
  if (isCaptured(f)) {
    await set(tx, f, 'paid', at);
    const leg = (await legOf(tx, f.leg)) as Leg;
    await keepCapture(tx, trade, leg, asPaid(f), nowMs);
    if (f.told.kind === 'refunded') await markReturned(tx, trade, nowMs);
  } else if (f.told.kind === 'pending' || f.told.kind === 'paying') await set(tx, f, 'open', at);
}

/** One that does not count: closed, or on its way back, and looked at until it is. */
async function setOther(tx: Sql, trade: Trade, f: Found, nowMs: number): Promise<void> {
  const { told } = f;
  switch (told.kind) {
    case 'paid':
      return told.amountFen === num(trade.amount_fen)
        ? set(
            tx,
            f,
            'refunding',
            { nowMs, lookMs: nowMs + HAND_BACK_AFTER_MS },
            'captured-after-another-wallet',
          )
        : set(
            tx,
            f,
            'parked',
            { nowMs, lookMs: null },
            `captured ${told.amountFen} of ${num(trade.amount_fen)} fen`,
          );
    case 'refunded':
      if (f.handedBack === 'going')
        return set(tx, f, 'refunding', { nowMs, lookMs: nowMs }, 'captured-after-another-wallet');
      return f.handedBack === 'done' || told.whole === true
        ? set(tx, f, 'refunded', { nowMs, lookMs: null })
        : set(tx, f, 'parked', { nowMs, lookMs: null }, 'handed back by somebody else');
    case 'pending':
    case 'paying':
      return set(tx, f, 'closing', { nowMs, lookMs: nowMs });
    case 'closed':
    case 'not-found':
      // A code that nobody has scanned yet is none to its wallet: it is closed there first.
      if (f.row !== null && f.row.state !== 'closed' && told.kind === 'not-found')
        return set(tx, f, 'closing', { nowMs, lookMs: nowMs });
      return set(tx, f, 'closed', { nowMs, lookMs: nowMs + FIRST_LOOK_MS });
    case 'unknown':
      return;
    default:
      return told satisfies never;
  }
}
