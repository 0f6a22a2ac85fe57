import type { CardLayout, CardReading } from '../../card/types.ts';
import type { OrderRow } from '../../journal/fold.ts';
import type { Failure } from '../../shared/errors.ts';
import type { EventBody, JournalEvent } from '../../shared/facts/catalogue.ts';
import type { Effect, Now, OpenOrder } from '../state/kiosk.ts';

/** What an order’s next step may look at besides its rows. */
export interface AdvanceContext extends Now {
  /** A session waits for this order's payment; otherwise it is to be closed, for this reason. */
  readonly wanted: boolean;
  readonly closeWhy: EventBody<'attempt-closing'>['why'];
  /** The card in the reader now, when it could be read whole. */
  readonly card: { readonly insertion: number; readonly reading: CardReading } | null;
  /** No card operation is going on. */
  readonly cardFree: boolean;
  readonly layout: (id: string) => CardLayout | undefined;
  /** The business date for the card, `YYYY-MM-DD`. */
  readonly businessDate: () => string;
  /** May central have heard that the order's write was begun, and so let another kiosk finish it? */
  readonly mayBeReported: (orderId: string) => boolean;
  /** Until then this order begins no refund and no write but under central's claim; null: it may. */
  readonly heldUntilMono: number | null;
  /** Numbers of an order's `n`-th attempt; drawn anew at each call. */
  readonly attemptIds: (
    orderId: string,
    n: number,
  ) => Pick<EventBody<'attempt-creating'>, 'attemptId' | 'outTradeNo' | 'outRefundNo'>;
  /** How long a QR code waits for the customer. */
  readonly payWindowMs: number;
  /** How long after a charge this provider takes a reversal. */
  readonly reverseAfterMs: (kind: string) => number;
  /** Can the provider of this name be asked? False: it was taken out of the configuration. */
  readonly hasProvider: (kind: string) => boolean;
}

/** An order’s next step. */
export interface Advance {
  readonly open: OpenOrder;
  readonly effects: readonly Effect[];
  /** When to look again even if nothing happens; null: nothing is waited for. */
  readonly wakeAtMono: number | null;
}

export function journal(
  order: OrderRow,
  ...events: {
    [K in JournalEvent['kind']]: { kind: K; body: EventBody<K> };
  }[JournalEvent['kind']][]
): Effect {
  return {
    do: 'journal',
    events: events.map((e) => ({ ...e, orderId: order.orderId }) as JournalEvent),
  };
}

/** A failure as facts keep it. */
export function failureBody(f: Failure): { code: string; detail?: string } {
  return { code: f.code, ...(f.detail === undefined ? {} : { detail: f.detail.slice(0, 300) }) };
}
