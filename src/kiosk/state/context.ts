import type { CardLayout } from '../../card/types.ts';
import type { EventBody } from '../../shared/facts/catalogue.ts';
import type { KioskState } from './kiosk.ts';
import type { Now, OpenOrder } from './order.ts';

/** What a transition may ask of the world; nothing that it asks changes anything. */
export interface ReduceContext extends Now {
  /** May central have heard that the order's write was begun, and so let another kiosk finish it? */
  readonly mayBeReported: (orderId: string) => boolean;
  /** Did this kiosk begin a write of another kiosk's order whose end it never saw? */
  readonly assistOpen: (orderId: string) => boolean;
  readonly layout: (id: string) => CardLayout | undefined;
  /** The business date for the card, `YYYY-MM-DD`. */
  readonly businessDate: () => string;
  /** Numbers of an order's `n`-th attempt; drawn anew at each call. */
  readonly attemptIds: (
    orderId: string,
    n: number,
  ) => Pick<EventBody<'attempt-creating'>, 'attemptId' | 'outTradeNo' | 'outRefundNo'>;
  /** How long after a charge this provider takes a reversal. */
  readonly reverseAfterMs: (kind: string) => number;
  /** May this provider's close hand back what it meets (`PaymentProvider.closeMayHandBack`)? */
  readonly closeMayHandBack: (kind: string) => boolean;
  /** Does this provider hold a question until there is news (`PaymentProvider.hold`)? */
  readonly holds: (kind: string) => boolean;
}

/** The state with this order as it is now. */
export function putOrder(state: KioskState, open: OpenOrder): KioskState {
  return { ...state, orders: new Map(state.orders).set(open.order.orderId, open) };
}
