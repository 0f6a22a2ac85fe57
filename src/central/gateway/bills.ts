import type { Merchants, MerchantWallet } from '../../payment/merchants.ts';
import type { BillResult, BillRow } from '../../payment/types.ts';
import type { Failure } from '../../shared/errors.ts';
import { chinaDayMs, DAY_MS } from '../../shared/time.ts';
import type { Db } from '../db/sql.ts';
import { keepStrangers } from './bill-strangers.ts';

const BILLS_KEPT_MS = 600_000;
/**
 * Payment and refund of one comparison lie no further apart (kiosk/reconcile/compare.ts looks
 * through as many days).
 */
const DAYS_JUDGED = 8;

/** A terminal's own numbers for what the wallets' bills list. */
interface OwnNumbers {
  /** Null: no trade of this terminal. */
  readonly trade: (leg: string) => string | null;
  readonly refund: (walletRefundNo: string) => string;
}

/**
 * A terminal's bill of a day, out of the bills of every merchant at every wallet, under the
 * terminal's own numbers. Where one wallet's is not there, what it would tell of is `awaited`.
 */
export function gatewayBills(
  db: () => Db,
  merchants: Merchants,
  now: () => number,
): (terminalId: string, date: string) => Promise<BillResult> {
  const bills = new Map<
    string,
    { readonly untilMs: number; readonly result: Promise<BillResult> }
  >();
  /** A wallet's bill is the whole merchant's: one download serves every terminal for a while. */
  async function walletBill(
    { merchant, provider: wallet }: MerchantWallet,
    date: string,
  ): Promise<BillResult> {
    for (const [key, kept] of bills) if (kept.untilMs < now()) bills.delete(key);
    const key = `${merchant} ${wallet.kind} ${date}`;
    const kept = bills.get(key);
    if (kept !== undefined) return kept.result;
    const result = wallet.downloadBill?.(date) ?? Promise.resolve<BillResult>({ kind: 'none' });
    bills.set(key, { untilMs: now() + BILLS_KEPT_MS, result });
    const told = await result;
    if (told.kind !== 'bill' && told.kind !== 'none') bills.delete(key);
    if (told.kind === 'bill')
      await keepStrangers(db(), { merchant, wallet: wallet.kind }, date, told.rows, now());
    return told;
  }

  /** Payments and refunds of the last days, by the wallet whose bill would tell of them. */
  async function recent(
    terminalId: string,
    date: string,
  ): Promise<readonly { readonly no: string; readonly at: string }[]> {
    const toMs = chinaDayMs(date) + DAY_MS;
    if (Number.isNaN(toMs)) return [];
    const rows = await db().query<{ out_trade_no: string; wallet: string; merchant: string }>(
      `SELECT l.out_trade_no, l.wallet, l.merchant FROM gateway_legs l JOIN gateway_trades t ON t.leg = l.leg
       WHERE l.terminal_id = $1 AND l.created_ms < $3
         AND (l.created_ms >= $2 OR EXISTS (SELECT 1 FROM gateway_refunds r WHERE r.leg = l.leg
         AND r.created_ms >= $2 AND r.created_ms < $3))`,
      [terminalId, toMs - DAYS_JUDGED * DAY_MS, toMs],
    );
    return rows.map((r) => ({ no: r.out_trade_no, at: `${r.merchant} ${r.wallet}` }));
  }

  /** A terminal's own numbers for what the wallets' bills list. */
  async function ownNumbers(terminalId: string): Promise<OwnNumbers> {
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
    return {
      trade: (leg) => trades.get(leg) ?? null,
      refund: (no) => (no === '' ? '' : (refunds.get(no) ?? no)),
    };
  }

  return async (terminalId, date) => {
    const own = await ownNumbers(terminalId);
    let last: Awaited<ReturnType<typeof recent>> | null = null;
    /** Looked up only where a bill does not tell everything. */
    const numbersOf = async ({ merchant, provider }: MerchantWallet): Promise<string[]> => {
      last ??= await recent(terminalId, date);
      return last.filter((l) => l.at === `${merchant} ${provider.kind}`).map((l) => l.no);
    };
    const rows: BillRow[] = [];
    const unlisted: string[] = [];
    // One wallet's bill that is late or bad takes nothing from the others': its own payments are
    // named, so that nobody misses them, and the day is asked for again.
    const awaited: string[] = [];
    let bad: Exclude<BillResult, { readonly kind: 'bill' | 'none' }> | null = null;
    let partly: Failure | null = null;
    for (const wallet of merchants.wallets) {
      if (wallet.provider.downloadBill === undefined) {
        unlisted.push(...(await numbersOf(wallet)));
        continue;
      }
      const told = await walletBill(wallet, date);
      if (told.kind === 'none') awaited.push(...(await numbersOf(wallet)));
      else if (told.kind === 'bill') {
        for (const row of told.rows) {
          // A leg that was left, and its hand-back, are the gateway's own affair
          // (docs/payment-gateway.md).
          const outTradeNo = own.trade(row.outTradeNo);
          if (outTradeNo === null) continue;
          rows.push({ ...row, outTradeNo, outRefundNo: own.refund(row.outRefundNo) });
        }
        const unread = (told.awaited ?? []).flatMap((leg) => own.trade(leg) ?? []);
        awaited.push(...unread);
        if (unread.length > 0) partly ??= told.failure ?? null;
      } else {
        const numbers = await numbersOf(wallet);
        awaited.push(...numbers);
        if (numbers.length > 0) bad ??= told;
      }
    }
    if (rows.length === 0 && unlisted.length === 0 && partly === null)
      return bad ?? { kind: 'none' };
    const failure = partly ?? bad?.failure;
    return {
      kind: 'bill',
      rows: rows.toSorted((a, b) => a.atMs - b.atMs),
      // Kiosks that do not know `awaited` accuse nobody of it either.
      ...(unlisted.length + awaited.length > 0 ? { unlisted: [...unlisted, ...awaited] } : {}),
      ...(awaited.length > 0 ? { awaited } : {}),
      ...(failure === undefined ? {} : { failure }),
    };
  };
}
