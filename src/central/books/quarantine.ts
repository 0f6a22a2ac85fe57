import { lookAtInvoices } from '../invoices/bar.ts';
import { num } from '../db/sql.ts';
import type { Db } from '../db/sql.ts';

/** What a person says about a fact that central could not use. */
export interface Settlement {
  readonly terminalId: string;
  readonly epoch: number;
  readonly seq: number;
  readonly who: string;
  readonly why: string;
  /**
   * Money that the books lack or have too much, entered under its own reference; null: the books
   * are right as they are.
   */
  readonly adjustment: { readonly amountFen: number; readonly reference: string } | null;
}

/**
 * Settles a quarantined fact: it is no longer counted as open. The ledger is never changed for it;
 * an adjustment is one more entry, once for each fact.
 *
 * @returns false: there is no such open fact
 */
export async function settleQuarantined(db: Db, s: Settlement, nowMs: number): Promise<boolean> {
  return db.transaction(async (tx) => {
    const place = [s.terminalId, s.epoch, s.seq];
    const row = (
      await tx.query<{ order_id: string | null }>(
        `UPDATE quarantine SET settled_ms = $4, settled_who = $5, settled_why = $6
         WHERE terminal_id = $1 AND epoch = $2 AND seq = $3 AND settled_ms IS NULL
         RETURNING order_id`,
        [...place, nowMs, s.who, s.why],
      )
    )[0];
    if (row === undefined) return false;
    if (s.adjustment !== null) {
      const userNo =
        row.order_id === null
          ? null
          : ((
              await tx.query<{ user_no: string }>(
                'SELECT user_no FROM orders WHERE order_id = $1',
                [row.order_id],
              )
            )[0]?.user_no ?? null);
      await tx.query(
        `INSERT INTO ledger
         (terminal_id, epoch, seq, order_id, attempt_id, user_no, kind, amount_fen, reference,
         at_ms) VALUES ($1, $2, $3, $4, $5, $6, 'adjustment', $7, $8, $9)`,
        [
          ...place,
          row.order_id ?? '',
          `${s.terminalId}:${s.epoch}:${s.seq}`,
          userNo,
          num(s.adjustment.amountFen),
          s.adjustment.reference,
          nowMs,
        ],
      );
      if (row.order_id !== null) await lookAtInvoices(tx, [row.order_id]);
    }
    return true;
  });
}
