import type { Quote } from '../../shared/central-api/index.ts';
import { select } from '../db/sets.ts';
import type { Sql } from '../db/sql.ts';
import { POSTINGS } from '../sale/credit-tables.ts';
import { QUOTES } from '../sale/tables.ts';

/**
 * A customer pays within minutes of his quote; a few codes one after another, and a kiosk's clock
 * that is off, take no longer than this behind its end.
 */
const PAID_WITHIN_MS = 3_600_000;
/** No policy shows a code for so long. */
const LONGEST_CODE_MS = 3_600_000;

/**
 * Whether a payment of this order may not begin any more: its firm quote was given back, or ran out
 * long ago. Whoever has one terminal's key could else keep quotes, and pay by them when the price
 * has risen. A sale without a quote (the line was down) is judged by the books.
 */
export async function quoteIsOver(
  sql: Sql,
  orderId: string | undefined,
  nowMs: number,
): Promise<boolean> {
  if (orderId === undefined) return false;
  const [posting] = await select(sql, POSTINGS, 'order_id = $1', [orderId]);
  // What the wallet took behind the end of a credit quote would only be handed back again.
  if (posting !== undefined) return posting.state !== 'open' || nowMs > posting.expires_ms;
  const quote = (await select(sql, QUOTES, 'order_id = $1', [orderId]))[0];
  if (quote === undefined) return false;
  if (quote.state === 'released' || quote.answer === null) return true;
  const { expiresAtMs } = JSON.parse(quote.answer) as Quote;
  return nowMs > expiresAtMs + PAID_WITHIN_MS;
}

/**
 * Until when a code takes money: as the terminal wishes, not for months, and of a credit order not
 * behind the end of its quote.
 */
export async function codeEnds(
  sql: Sql,
  orderId: string | undefined,
  wishedMs: number,
  nowMs: number,
): Promise<number> {
  const [posting] =
    orderId === undefined ? [] : await select(sql, POSTINGS, 'order_id = $1', [orderId]);
  return Math.min(wishedMs, nowMs + LONGEST_CODE_MS, posting?.expires_ms ?? wishedMs);
}
