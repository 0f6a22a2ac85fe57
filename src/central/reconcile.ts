import type { LedgerRow } from '../shared/central-api.ts';
import { DAY_MS, chinaDayMs } from '../shared/time.ts';
import { num } from './accounts.ts';
import type { Sql } from './db.ts';

/** What stands in the ledger of a terminal's captures and refunds of a China day, by the time of its facts. */
export async function ledgerOfDay(sql: Sql, terminalId: string, date: string): Promise<readonly LedgerRow[]> {
  const fromMs = chinaDayMs(date);
  const rows = await sql.query<Record<string, unknown>>(
    `SELECT kind, order_id, attempt_id, amount_fen, epoch, seq, at_ms FROM ledger
     WHERE terminal_id = $1 AND at_ms >= $2 AND at_ms < $3 AND kind IN ('captured', 'captured-extra', 'refunded') ORDER BY entry_id`,
    [terminalId, fromMs, fromMs + DAY_MS],
  );
  return rows.map((r) => ({ kind: r['kind'] as LedgerRow['kind'], orderId: String(r['order_id']), attemptId: String(r['attempt_id']), amountFen: num(r['amount_fen']), epoch: num(r['epoch']), seq: num(r['seq']), atMs: num(r['at_ms']) }));
}
