import type { CardLayout, CardReading, Judged } from '../../card/types.ts';
import type { OrderRow } from '../../journal/fold.ts';
import { fromHex, toHex } from '../../shared/bytes.ts';
import { cardSaleOf } from '../../shared/sale.ts';
import type { Unwritten } from '../../shared/trust.ts';
import type { Advance, AdvanceContext } from '../order/advance.ts';
import { askClaim } from '../order/claims.ts';
import type { ClaimedLook, OpenOrder, OrderClaim } from '../state/order.ts';

/**
 * Looks at an order's card: by what they are judged, and which of them count for central, which
 * lets money go back only where the card was seen since nobody else may write.
 */

/** The order's own card in the reader. */
export type CardHere = NonNullable<AdvanceContext['card']>;
/** What the write was to make of the card. */
export type Plan = NonNullable<OrderRow['delivery']>;
type Held = NonNullable<OrderClaim['held']>;

/**
 * Its card was judged unwritten in this insertion, and central wants it seen under a claim of ours
 * before the money goes back: it lies in the slot still, and nobody has to put it in once more.
 */
export function looksAgain(
  open: OpenOrder,
  ctx: AdvanceContext,
  delivery: Plan,
  { reading }: CardHere,
): boolean {
  const { held, failure: refused } = open.claim;
  const wanted =
    held === null
      ? refused?.code === 'BILL-0105' || refused?.code === 'BILL-0110'
      : held.kind !== 'refund';
  if (!wanted || !open.order.wantsRefund) return false;
  const layout = ctx.layout(cardSaleOf(open.order).layout);
  return layout?.classify(judgedBy(open, delivery), reading.image) === 'before';
}

/** A claim was granted so that the card may be seen under it, and it was not seen yet. */
export function isUnseen({ order, claim: { held }, saw }: OpenOrder): boolean {
  return (
    order.wantsRefund && held !== null && held.kind !== 'refund' && saw?.claimMs !== held.grantedMs
  );
}

/**
 * The money may go back on a look at the card that is later than the claim which keeps all others
 * from it. What was read before that claim is read again.
 */
export function refundSeen(
  open: OpenOrder,
  ctx: AdvanceContext,
  { insertion, begunMono }: CardHere,
  { grantedMs, heardMono }: Held,
): Advance {
  if (begunMono < heardMono)
    return { open, effects: [{ do: 'read-card', insertion }], wakeAtMono: null };
  // A proof under that same claim is worth more than another read under it.
  const seen =
    open.saw?.claimMs === grantedMs
      ? open
      : { ...open, saw: { claimMs: grantedMs, proven: false } };
  return askClaim(seen, 'refund', ctx);
}

/** The read-back of our own write was a look under the write claim by which it was begun. */
export function claimedLook(
  { claim: { held } }: OpenOrder,
  lookedMono: number,
  unwritten: Unwritten,
): ClaimedLook | null {
  return held?.kind === 'write' && lookedMono >= held.heardMono
    ? { claimMs: held.grantedMs, proven: unwritten === 'proven' }
    : null;
}

/**
 * What a card says that is neither before nor after. `superseded`: whole, the same card, and
 * another purchase stands under this order's count, made by a kiosk that could not know of it: so
 * this one was not on the card then and its count is used up. `later`: purchases beyond it.
 * `parked`: anything else.
 */
export function foreignCard(
  sale: { readonly nextCount: number; readonly tag: string },
  layout: CardLayout,
  before: Uint8Array,
  reading: CardReading,
): 'superseded' | 'later' | 'parked' {
  if (!layout.sameCard(before, reading.image)) return 'parked';
  if (reading.count > sale.nextCount) return 'later';
  // A card without tags does not name the purchase that has this count: it may be this very one.
  if (reading.tag.length === 0) return 'parked';
  return reading.count === sale.nextCount && toHex(reading.tag) !== sale.tag
    ? 'superseded'
    : 'parked';
}

/**
 * By what a read of the order's card is judged: its images, and what was kept of its writes here
 * and, as central told, elsewhere.
 */
export function judgedBy({ order, claim }: OpenOrder, delivery: Plan): Judged {
  const kept = [...(claim.held?.kept ?? []), ...(order.kept ?? [])].map(fromHex);
  return {
    before: fromHex(delivery.before),
    after: fromHex(delivery.after),
    tag: fromHex(cardSaleOf(order).tag),
    kept,
  };
}

/** What the card proves its purchase by, as the fact of its delivery keeps it. */
export function proofOf(layout: CardLayout, by: Judged, image: Uint8Array): { proof?: string } {
  const proof = layout.proof?.(by, image) ?? null;
  return proof === null ? {} : { proof: toHex(proof) };
}
