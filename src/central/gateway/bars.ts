import { select } from '../db/sets.ts';
import { bool } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { attemptOf } from '../../shared/order-id.ts';
import { isCounterClaimed, isDelivered, isRefundClaimed } from '../sale/orders.ts';
import { ORDERS } from '../sale/tables.ts';
import type { Trade } from './rows.ts';

/** See {@link refundBar}. */
export type Bar = 'delivered' | 'claimed-not' | 'by-hand';
/**
 * Why the money of a trade must not go back. `delivered`: its order is on the card · `claimed-not`:
 * a write has begun, and no refund claim stands, or is not told yet, or a person's word on it waits
 * for a second one: asked again later · `by-hand`: two persons settled it · null: it may.
 *
 * Only the payment that the order took is barred: a late or second one goes back whatever became of
 * the order. What the books do not know yet bars nothing; a kiosk refunds by its own journal then.
 */
export async function refundBar(sql: Sql, trade: Trade): Promise<Bar | null> {
  if (trade.order_id === null) return null;
  const order = (await select(sql, ORDERS, 'order_id = $1', [trade.order_id]))[0];
  const attempt = attemptOf(trade.order_id, trade.out_trade_no);
  if (order === undefined || attempt === null) return null;
  const byHand = await sql.query<{ state: string; how: string }>(
    `SELECT state, how FROM hand_requests WHERE order_id = $1 AND attempt_id = $2
       AND state <> 'refused' AND how <> 'nothing-due'`,
    [order.order_id, attempt],
  );
  // What a person says became of it: a second one looks first, and then it is over.
  if (byHand[0] !== undefined) return byHand[0].state === 'waiting' ? 'claimed-not' : 'by-hand';
  const [known] = await sql.query<{ taken: unknown; keys: unknown }>(
    `SELECT EXISTS (SELECT 1 FROM ledger WHERE order_id = $1 AND attempt_id = $2
       AND kind = 'captured') AS taken,
     EXISTS (SELECT 1 FROM key_uses WHERE order_id = $1 AND granted) AS keys`,
    [order.order_id, attempt],
  );
  if (!bool(known?.taken)) return null;
  if (isDelivered(order)) return 'delivered';
  // A card's key was given: the card may be written, whatever was told of it since.
  const begun = order.state === 'delivering' || order.state === 'in-doubt' || bool(known?.keys);
  return begun && (!isRefundClaimed(order) || isCounterClaimed(order)) ? 'claimed-not' : null;
}
