import type { CardReading } from '../../card/types.ts';
import type { OrderRow } from '../../journal/fold.ts';
import type { Failure } from '../../shared/errors.ts';
import type { ParkReason } from '../../shared/park-reasons.ts';
import type { EventBody, JournalEvent } from '../../shared/facts/catalogue.ts';
import type { ReduceContext } from '../state/context.ts';
import type { Effect } from '../state/kiosk.ts';
import type { Now, OpenOrder } from '../state/order.ts';

/** What an order’s next step may look at besides its rows. */
export interface AdvanceContext
  extends
    Now,
    Pick<
      ReduceContext,
      'layout' | 'businessDate' | 'mayBeReported' | 'attemptIds' | 'reverseAfterMs' | 'holds'
    > {
  /** A session waits for this order's payment; otherwise it is to be closed, for this reason. */
  readonly wanted: boolean;
  readonly closeWhy: EventBody<'attempt-closing'>['why'];
  /** No device halts the machine: a payment that ended may be followed by another. */
  readonly mayAskAgain: boolean;
  /** The card in the reader now, when it could be read whole. */
  readonly card: {
    readonly insertion: number;
    readonly reading: CardReading;
    /** When that read was begun, on the monotonic clock. */
    readonly begunMono: number;
  } | null;
  /** No card operation is going on. */
  readonly cardFree: boolean;
  /** Until then this order begins no refund and no write but under central's claim; null: it may. */
  readonly heldUntilMono: number | null;
  /** How long a QR code waits for the customer. */
  readonly payWindowMs: number;
  /** Can the provider of this name be asked? False: it was taken out of the configuration. */
  readonly hasProvider: (kind: string) => boolean;
}

/** What an answer of the world makes of an order. */
export interface Outcome {
  readonly open: OpenOrder;
  readonly effects: readonly Effect[];
}

/** An order’s next step. */
export interface Advance extends Outcome {
  /** When to look again even if nothing happens; null: nothing is waited for. */
  readonly wakeAtMono: number | null;
}

/** A fact of an order as the functions here write it: whose it is they know. */
export type OrderFact = {
  [K in JournalEvent['kind']]: {
    kind: K;
    body: K extends 'order-parked' | 'attempt-parked'
      ? EventBody<K> & { readonly reason: ParkReason }
      : EventBody<K>;
  };
}[JournalEvent['kind']];

/** The two answers that most looks at an order come to. */
export interface Moves {
  /** Nothing to do, before `wakeAtMono` at least. */
  readonly same: (wakeAtMono?: number | null) => Advance;
  /** These facts, together; then the order is looked at again. */
  readonly write: (...facts: OrderFact[]) => Advance;
}

/** See {@link Moves}. */
export function movesOf(open: OpenOrder, now: Now): Moves {
  return {
    same: (wakeAtMono = null) => ({ open, effects: [], wakeAtMono }),
    write: (...facts) => ({
      open,
      effects: [journal(open.order, ...facts)],
      wakeAtMono: now.monoMs,
    }),
  };
}

/** Facts of an order, appended together or not at all. */
export function journal(order: OrderRow, ...facts: OrderFact[]): Effect {
  return {
    do: 'journal',
    events: facts.map((fact) => ({ ...fact, orderId: order.orderId })),
  };
}

/** A failure as facts keep it. */
export function failureBody(f: Failure): { code: string; detail?: string } {
  return { code: f.code, ...(f.detail === undefined ? {} : { detail: f.detail.slice(0, 300) }) };
}
