import { orderRefDigits } from '../../shared/order-id.ts';
import type { OrderRow } from '../sale/tables.ts';
import type { Place } from './books.ts';

/** What every order begins with, whatever is sold: no money, nothing delivered, nothing claimed. */
export const untouched = (orderId: string, at: Place) =>
  ({
    order_id: orderId,
    terminal_id: at.terminalId,
    ref: orderRefDigits(orderId),
    state: 'quoted',
    money_taken: false,
    note: null,
    created_ms: at.wallMs,
    changed_ms: at.wallMs,
    before_image: null,
    after_image: null,
    cumulative: null,
    plan: null,
    kept: null,
    write_terminal: null,
    write_until_ms: null,
    write_open: null,
    write_open_ms: null,
    refund_claimed_ms: null,
    refund_granted: false,
    counter_claim: false,
    delivered_by: null,
    origin_delivered: false,
    superseded_by: null,
    unproven: false,
  }) as const satisfies Partial<OrderRow>;
