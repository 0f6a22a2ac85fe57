import type { CardLayout } from '../../card/types.ts';
import type { CreditWord } from '../../shared/central-api/index.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Result } from '../../shared/result.ts';
import type { Sale } from '../../shared/sale.ts';
import type { Unwritten } from '../../shared/trust.ts';
import type { Advance, AdvanceContext, Outcome } from '../order/advance.ts';
import type { Now, OpenOrder } from '../state/order.ts';

/** The end of what a delivery began, by the kind of its sale. */
export interface DeliveryEnds {
  /**
   * A card write: what the commands said, and what a fresh read of the card shows. The read
   * decides.
   */
  readonly card: {
    readonly layout: CardLayout;
    readonly applied: Result<void, Failure>;
    readonly image: Result<Uint8Array, Failure>;
    /** Of a read that shows the card as it was: how sure that is. */
    readonly unwritten: Unwritten;
    /** When that read was begun, on the monotonic clock. */
    readonly lookedMono: number;
  };
  /** A posting: central's word, or that none was heard. */
  readonly credit: { readonly result: Result<CreditWord, Failure> };
}

/**
 * How one kind of sale is delivered. Orders, their attempts, late captures and refunds know nothing
 * of it. All functions are pure; what they return is appended, and then carried out.
 *
 * One rule holds for each: **exposed is durable before a secret leaves the machine.** The fact that
 * a delivery began (`order-delivering` for a card) is on disk, twice, before the first code, MAC or
 * posting goes anywhere, so that whatever is cut, nobody ever takes a begun delivery for one that
 * was not.
 */
export interface Delivery<K extends keyof DeliveryEnds & Sale['kind']> {
  /** A paid order, while nothing is being written: begins its delivery, waits, or gives it up. */
  readonly begin: (open: OpenOrder, ctx: AdvanceContext) => Advance;
  /** Begun, and its end is not known: what settles that, or what is asked for it. */
  readonly doubt: (open: OpenOrder, ctx: AdvanceContext) => Advance;
  /** What the end of what was begun makes of the order. */
  readonly ended: (open: OpenOrder, end: DeliveryEnds[K], now: Now) => Outcome;
  /** How sure it is that the customer got nothing of it. */
  readonly certainlyNothing: (open: OpenOrder) => Unwritten;
}
