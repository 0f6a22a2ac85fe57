import type { BillResult, BillRow, PaymentProvider } from '../../payment/types.ts';
import { chinaDayMs, DAY_MS } from '../../shared/time.ts';
import type { Db } from '../db/sql.ts';

const BILLS_KEPT_MS = 600_000;
/**
 * Payment and refund of one comparison lie no further apart (kiosk/reconcile/compare.ts looks
 * through as many days).
 */
const DAYS_JUDGED = 8;

/**
 * A terminal's bill of a day, out of the wallets' bills of the whole merchant, under the terminal's
 * own numbers.
 */
export function gatewayBills(
  db: () => Db,
  wallets: readonly PaymentProvider[],
  now: () => number,
): (terminalId: string, date: string) => Promise<BillResult> {
  const bills = new Map<
    string,
    { readonly untilMs: number; readonly result: Promise<BillResult> }
  >();
  /** A wallet's bill is the whole merchant's: one download serves every terminal for a while. */
  async function walletBill(wallet: PaymentProvider, date: string): Promise<BillResult> {
    for (const [key, kept] of bills) if (kept.untilMs < now()) bills.delete(key);
    const key = `${wallet.kind} ${date}`;
    const kept = bills.get(key);
    if (kept !== undefined) return kept.result;
    const result = wallet.downloadBill?.(date) ?? Promise.resolve<BillResult>({ kind: 'none' });
    bills.set(key, { untilMs: now() + BILLS_KEPT_MS, result });
    const told = await result;
    if (told.kind !== 'bill' && told.kind !== 'none') bills.delete(key);
    return told;
  }

  /** Payments and refunds of the last days of which no bill tells: nobody is to miss them there. */
  async function withoutBill(terminalId: string, date: string): Promise<readonly string[]> {
    const silent = wallets.filter((w) => w.downloadBill === undefined).map((w): string => w.kind);
    const toMs = chinaDayMs(date) + DAY_MS;
    if (silent.length === 0 || Number.isNaN(toMs)) return [];
    const rows = await db().query<{ out_trade_no: string; wallet: string }>(
      `SELECT l.out_trade_no, l.wallet FROM gateway_legs l JOIN gateway_trades t ON t.leg = l.leg
       WHERE l.terminal_id = $1 AND l.created_ms < $3
         AND (l.created_ms >= $2 OR EXISTS (SELECT 1 FROM gateway_refunds r WHERE r.leg = l.leg
         AND r.created_ms >= $2 AND r.created_ms < $3))`,
      [terminalId, toMs - DAYS_JUDGED * DAY_MS, toMs],
    );
    return rows.filter((r) => silent.includes(r.wallet)).map((r) => r.out_trade_no);
  }

  return async (terminalId, date) => {
    const rows: BillRow[] = [];
    let any = false;
    const trades = new Map(
      (
        await db().query<{ leg: string; out_trade_no: string }>(
          'SELECT leg, out_trade_no FROM gateway_trades WHERE terminal_id = $1 AND leg IS NOT NULL',
          [terminalId],
        )
      ).map((r) => [r.leg, r.out_trade_no]),
    );
    const refunds = new Map(
      (
        await db().query<{ wallet_refund_no: string; out_refund_no: string }>(
          'SELECT wallet_refund_no, out_refund_no FROM gateway_refunds WHERE terminal_id = $1',
          [terminalId],
        )
      ).map((r) => [r.wallet_refund_no, r.out_refund_no]),
    );
    for (const wallet of wallets) {
      const told = await walletBill(wallet, date);
      if (told.kind === 'unknown' || told.kind === 'not-ready') return told;
      if (told.kind === 'none') continue;
      for (const row of told.rows) {
        // A leg that was left, and its hand-back, are the gateway's own affair
        // (docs/payment-gateway.md).
        const outTradeNo = trades.get(row.outTradeNo);
        if (outTradeNo === undefined) continue;
        any = true;
        rows.push({
          ...row,
          outTradeNo,
          outRefundNo:
            row.outRefundNo === '' ? '' : (refunds.get(row.outRefundNo) ?? row.outRefundNo),
        });
      }
    }
    const unlisted = await withoutBill(terminalId, date);
    return any || unlisted.length > 0
      ? {
          kind: 'bill',
          rows: rows.toSorted((a, b) => a.atMs - b.atMs),
          ...(unlisted.length > 0 ? { unlisted } : {}),
        }
      : { kind: 'none' };
  };
}
