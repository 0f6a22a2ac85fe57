import { select } from '../db/sets.ts';
import type { Life } from '../db/lives.ts';
import { numOrNull } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { orderPrefixOf } from '../../shared/order-id.ts';
import { POSTINGS } from '../sale/credit-tables.ts';
import { QUOTE_CLAIM_MS } from '../sale/quotes.ts';
import { QUOTES } from '../sale/tables.ts';

/** What central knows of the orders behind payments, after a backup was put back. */

/**
 * Was the order's price given in this history of the database? Then no payment of it can have been
 * forgotten. False: it was before, or nobody knows.
 */
export async function madeHere(
  sql: Sql,
  orderId: string | undefined,
  { sinceMs }: Life,
): Promise<boolean> {
  if (orderId === undefined) return false;
  const [posting] = await select(sql, POSTINGS, 'order_id = $1', [orderId]);
  if (posting !== undefined) return posting.expires_ms - QUOTE_CLAIM_MS >= sinceMs;
  const [quote] = await select(sql, QUOTES, 'order_id = $1', [orderId]);
  if (quote?.answer == null) return false;
  const { expiresAtMs } = JSON.parse(quote.answer) as { readonly expiresAtMs?: unknown };
  return typeof expiresAtMs === 'number' && expiresAtMs - QUOTE_CLAIM_MS >= sinceMs;
}

/** The order that a terminal's number pays, where central knows it; null: it does not (yet). */
export async function orderOf(
  sql: Sql,
  terminalId: string,
  outTradeNo: string,
): Promise<string | null> {
  const prefix = orderPrefixOf(outTradeNo);
  if (prefix === null) return null;
  const [row] = await sql.query<{ order_id: string }>(
    `SELECT order_id FROM orders WHERE terminal_id = $1 AND substr(order_id, 1, $3) = $2
     UNION SELECT order_id FROM postings WHERE terminal_id = $1 AND substr(order_id, 1, $3) = $2
     UNION SELECT order_id FROM quotes WHERE terminal_id = $1 AND substr(order_id, 1, $3) = $2
     LIMIT 1`,
    [terminalId, prefix, prefix.length],
  );
  return row?.order_id ?? null;
}

/**
 * Is the order of a number still to be told? A kiosk tells its facts as soon as it hears that they
 * are missing; a capture that is told before has no receipt, since that names the order.
 */
export async function isTooSoon(
  sql: Sql,
  terminalId: string,
  outTradeNo: string,
  { sinceMs }: Life,
): Promise<boolean> {
  if (orderPrefixOf(outTradeNo) === null) return false;
  const [row] = await sql.query<{ last_upload_ms: unknown }>(
    'SELECT last_upload_ms FROM terminals WHERE terminal_id = $1',
    [terminalId],
  );
  return (numOrNull(row?.last_upload_ms) ?? 0) < sinceMs;
}
