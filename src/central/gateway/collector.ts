import { HOUSE_MERCHANT } from '../../payment/merchants.ts';
import type { Merchants } from '../../payment/merchants.ts';
import { HOUSE_PAYEE } from '../../shared/sale.ts';
import { select } from '../db/sets.ts';
import type { Sql } from '../db/sql.ts';
import { POSTINGS } from '../sale/credit-tables.ts';

/** Whose money a trade is, and which merchant account collects it. */
export interface Collector {
  readonly payee: string | null;
  readonly merchant: string;
}

/**
 * Who collects for an order. By central's own posting where there is one: the merchant was fixed
 * with the quote. A card's order is the house's. The terminal's word on the payee counts only where
 * central knows no such order (its database went on from a backup): it gains nobody anything, since
 * a capture of another merchant's than the payee's pays for nothing ({@link provenBy} of
 * sale/credit-posting.ts).
 */
export async function collectorOf(
  sql: Sql,
  merchants: Pick<Merchants, 'collectorOf'>,
  orderId: string | undefined,
  told: string | undefined,
): Promise<Collector> {
  if (orderId === undefined) return { payee: null, merchant: HOUSE_MERCHANT };
  const [posting] = await select(sql, POSTINGS, `order_id = $1 AND user_no <> ''`, [orderId]);
  if (posting !== undefined) return { payee: posting.payee, merchant: posting.merchant };
  const card = await sql.query(
    `SELECT 1 FROM quotes WHERE order_id = $1 UNION ALL SELECT 1 FROM claims WHERE order_id = $1
     UNION ALL SELECT 1 FROM orders WHERE order_id = $1 AND sale = 'card' LIMIT 1`,
    [orderId],
  );
  const payee = card.length > 0 ? HOUSE_PAYEE : (told ?? HOUSE_PAYEE);
  return { payee, merchant: merchants.collectorOf(payee) };
}
