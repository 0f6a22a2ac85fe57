import type { BillRow } from '../../payment/types.ts';
import { DAY_MS } from '../../shared/time.ts';
import { anyOf, list } from '../db/sets.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { OWN_NUMBER } from './numbers.ts';
import type { Leg } from './rows.ts';

/** A line of a wallet's bill under a number of the gateway's own form that no row here has. */
export interface BillStranger extends Pick<Leg, 'merchant' | 'wallet'> {
  /** The number at the wallet. */
  readonly number: string;
  /** Of a refund: its number there; else empty. */
  readonly refundNo: string;
  readonly kind: BillRow['kind'];
  readonly amountFen: number;
  readonly atMs: number;
}

/** So long they are shown; what nobody has looked at by then is in the bill itself. */
const SHOWN_MS = 8 * DAY_MS;
/** The gateway's own hand-back of a leg goes under `X` and its number. */
const UNKNOWN = `(NOT EXISTS (SELECT 1 FROM gateway_legs l WHERE l.leg = u.number)
  OR (u.kind = 'refund' AND u.refund_no <> '' AND u.refund_no <> 'X' || u.number
    AND NOT EXISTS (SELECT 1 FROM gateway_refunds r WHERE r.wallet_refund_no = u.refund_no)))`;

/**
 * Keeps what a merchant's bill lists and the gateway does not know: money that moved in a time that
 * its database lost, and that nobody asked about since. Numbers of another form are another
 * system's of the same merchant.
 */
export async function keepStrangers(
  sql: Sql,
  at: Pick<Leg, 'merchant' | 'wallet'>,
  date: string,
  rows: readonly BillRow[],
  nowMs: number,
): Promise<void> {
  const ours = rows.filter((r) => OWN_NUMBER.test(r.outTradeNo));
  if (ours.length === 0) return;
  const legs = await sql.query<{ leg: string }>(
    `SELECT leg FROM gateway_legs WHERE leg ${anyOf('$1')}`,
    [list(new Set(ours.map((r) => r.outTradeNo)))],
  );
  const refunds = await sql.query<{ no: string }>(
    `SELECT wallet_refund_no AS no FROM gateway_refunds WHERE wallet_refund_no ${anyOf('$1')}`,
    [list(new Set(ours.map((r) => r.outRefundNo)))],
  );
  const known = new Set(legs.map((r) => r.leg));
  const knownBack = new Set(refunds.map((r) => r.no));
  for (const r of ours) {
    const back =
      r.kind !== 'refund' ||
      r.outRefundNo === '' ||
      r.outRefundNo === `X${r.outTradeNo}` ||
      knownBack.has(r.outRefundNo);
    if (known.has(r.outTradeNo) && back) continue;
    await sql.query(
      `INSERT INTO gateway_unknown
       (merchant, wallet, number, refund_no, kind, amount_fen, at_ms, date, found_ms)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
      [
        at.merchant,
        at.wallet,
        r.outTradeNo,
        r.outRefundNo,
        r.kind,
        r.amountFen,
        r.atMs,
        date,
        nowMs,
      ],
    );
  }
}

/** Those that are not known by now either, newest first, at most 100. */
export async function strangersOf(sql: Sql, nowMs: number): Promise<readonly BillStranger[]> {
  const rows = await sql.query<
    Record<'merchant' | 'number' | 'refund_no', string> & {
      wallet: BillStranger['wallet'];
      kind: BillStranger['kind'];
      amount_fen: unknown;
      at_ms: unknown;
    }
  >(
    `SELECT * FROM gateway_unknown u WHERE found_ms >= $1 AND ${UNKNOWN}
     ORDER BY at_ms DESC, number LIMIT 100`,
    [nowMs - SHOWN_MS],
  );
  return rows.map((r) => ({
    merchant: r.merchant,
    wallet: r.wallet,
    number: r.number,
    refundNo: r.refund_no,
    kind: r.kind,
    amountFen: num(r.amount_fen),
    atMs: num(r.at_ms),
  }));
}

/** How many there are, as a scalar subquery; the parameter is the earliest moment that counts. */
export const strangersCount = (param: string): string =>
  `(SELECT COUNT(*) FROM gateway_unknown u WHERE found_ms >= ${param} AND ${UNKNOWN})`;
