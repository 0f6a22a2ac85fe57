import { HOUSE_MERCHANT } from '../../payment/merchants.ts';
import type { AttemptRef } from '../../payment/types.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import type { Collector } from './collector.ts';
import type { Wallet } from './types.ts';

/** What a terminal asked for under its own number. */
export interface Trade {
  readonly terminal_id: string;
  readonly out_trade_no: string;
  readonly token: string | null;
  readonly method: 'qr' | 'code';
  readonly amount_fen: unknown;
  readonly description: string;
  readonly expires_ms: unknown;
  readonly state: 'open' | 'closed';
  readonly leg: string | null;
  /** The terminal's order that it pays; null: of before terminals told it. */
  readonly order_id: string | null;
  /** What its page names: the terminal's words; null: it told none. */
  readonly hall: string | null;
  readonly card: string | null;
  /** Which merchant account collects it, for whatever happens to it later. */
  readonly merchant: string;
  /** Whose money it is; null: of before payees. */
  readonly payee: string | null;
  /** The database's history in which its wallets' trades are all known; empty: of before. */
  readonly life: string;
}
/** One wallet's trade for it, under the gateway's number. */
export interface Leg {
  readonly leg: string;
  readonly terminal_id: string;
  readonly out_trade_no: string;
  readonly wallet: Wallet;
  /** The trade's. */
  readonly merchant: string;
  readonly method: 'qr' | 'code';
  /** For whom it was opened in his wallet's browser, hashed; empty: by its link. */
  readonly opened: string;
  readonly amount_fen: unknown;
  readonly expires_ms: unknown;
  readonly state:
    | 'creating'
    | 'open'
    | 'closing'
    | 'closed'
    | 'paid'
    | 'refunding'
    | 'refunded'
    | 'parked';
  readonly shown: unknown;
  readonly transaction_id: string | null;
  readonly captured_fen: unknown;
  readonly created_ms: unknown;
  readonly changed_ms: unknown;
  /** When the gateway looks at it by itself; null: only when it is asked. */
  readonly look_ms: unknown;
  /** See migration 31. */
  readonly close_sent_ms: unknown;
}
/** A refund that a terminal asked for. */
export interface Refund {
  readonly terminal_id: string;
  readonly out_refund_no: string;
  readonly out_trade_no: string;
  readonly leg: string;
  readonly wallet_refund_no: string;
  readonly refund_fen: unknown;
  readonly reason: string;
  readonly state: 'asked' | 'accepted' | 'done' | 'refused';
  readonly created_ms: unknown;
  /** When it is sent again by itself; null: never. */
  readonly look_ms: unknown;
}

/** The outcome is not known. */
export const unknown = (f: Failure): { readonly kind: 'unknown'; readonly failure: Failure } => ({
  kind: 'unknown',
  failure: f,
});
/** A wallet of which rows tell is configured no more. */
export const gone = ({ merchant, wallet }: Pick<Leg, 'merchant' | 'wallet'>): Failure =>
  failure(
    'PAY-0204',
    `${wallet}${merchant === HOUSE_MERCHANT ? '' : ` of merchant ${merchant}`} is not configured at the gateway`,
  );
/** How the wallet knows a leg. */
export const refOf = (leg: Leg): AttemptRef => ({
  outTradeNo: leg.leg,
  amountFen: num(leg.amount_fen),
  // 0: it was found again, and its end is not known.
  ...(num(leg.expires_ms) === 0 ? {} : { expiresAtMs: num(leg.expires_ms) }),
  ...(leg.method === 'code' ? { method: 'code' } : {}),
});

/**
 * Null: no such trade.
 *
 * @param lock for the transaction
 */
export const tradeOf = async (
  sql: Sql,
  terminalId: string,
  outTradeNo: string,
  lock = false,
): Promise<Trade | null> =>
  (
    await sql.query<Trade>(
      `SELECT * FROM gateway_trades WHERE terminal_id = $1
       AND out_trade_no = $2${lock ? ' FOR NO KEY UPDATE' : ''}`,
      [terminalId, outTradeNo],
    )
  )[0] ?? null;
/** Null: no such leg. */
export const legOf = async (sql: Sql, leg: string | null): Promise<Leg | null> =>
  leg === null
    ? null
    : ((await sql.query<Leg>('SELECT * FROM gateway_legs WHERE leg = $1', [leg]))[0] ?? null);
/** Null: no such refund. */
export const refundOf = async (
  sql: Sql,
  terminalId: string,
  outRefundNo: string,
): Promise<Refund | null> =>
  (
    await sql.query<Refund>(
      'SELECT * FROM gateway_refunds WHERE terminal_id = $1 AND out_refund_no = $2',
      [terminalId, outRefundNo],
    )
  )[0] ?? null;

/** A trade that begins. */
export interface NewTrade {
  readonly terminalId: string;
  readonly outTradeNo: string;
  readonly token: string | null;
  readonly method: 'qr' | 'code';
  readonly amountFen: number;
  readonly description: string;
  readonly expiresMs: number;
  readonly state: 'open' | 'closed';
  readonly orderId: string | null;
  /** The database's present history. */
  readonly life: string;
  /** Left out: the house. */
  readonly collector?: Collector;
  /** What its page names; left out: nothing. */
  readonly hall?: string | undefined;
  readonly card?: string | undefined;
}
/** False: there is a trade under this number already; it stays as it is. */
export const insertTrade = async (tx: Sql, t: NewTrade, nowMs: number): Promise<boolean> =>
  (
    await tx.query(
      `INSERT INTO gateway_trades (terminal_id, out_trade_no, token, method, amount_fen,
         description, expires_ms, state, created_ms, order_id, hall, card, merchant, payee, life)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING
         RETURNING out_trade_no`,
      [
        t.terminalId,
        t.outTradeNo,
        t.token,
        t.method,
        t.amountFen,
        t.description,
        t.expiresMs,
        t.state,
        nowMs,
        t.orderId,
        t.hall ?? null,
        t.card ?? null,
        t.collector?.merchant ?? HOUSE_MERCHANT,
        t.collector?.payee ?? null,
        t.life,
      ],
    )
  ).length > 0;
