import { isDelivered } from '../sale/orders.ts';
import type { OrderRow } from '../sale/tables.ts';
import { capturedBy, dropClaims, enter, giveBack, note, orderOf, Unusable } from './books.ts';
import type { Apply, Books, Place } from './books.ts';
import { refuseUnproven } from './evidence.ts';
import { endForMoney } from './postings.ts';
import type { HandRequest, Settled } from './tables.ts';

/** What became of the money, in a person's words. */
export const HOW_WORDS: Readonly<Record<Settled, string>> = {
  'refunded-by-hand': '人工退款',
  'delivered-by-hand': '人工补气',
  'nothing-due': '无需处理',
  'refund-by-gateway': '网关原路退款',
  credited: '补记入账',
};

/**
 * A technician says what became of parked money. Alone he is believed nothing: it is a request,
 * which a second person looks at (`hand-requests.ts`). Until then no money counts as handed back
 * and the order keeps its claim. What could never count is set aside at once.
 */
export const settledByHand: Apply<'parked-settled'> = (books, at, { orderId, body }) => {
  const order = orderOf(books, at, orderId);
  const { how, reference, who, why } = body;
  request(books, at, order, { attemptId: body.attemptId, how, reference, who, why });
};

/** What somebody asks for. `attemptId` null: the order, and the money that it took. */
export interface Asked {
  readonly attemptId: string | null;
  readonly how: Settled;
  readonly reference: string;
  readonly who: string;
  readonly why: string;
}

/**
 * Puts a request down under its place.
 *
 * @throws Unusable where it could not count, or one for the same money waits or was confirmed
 */
export function request(books: Books, at: Place, order: OrderRow, asked: Asked): void {
  const { how, reference, who, why } = asked;
  const attempt = asked.attemptId ?? capturedBy(books, order)?.attemptId ?? '';
  const known = books.ledger
    .all()
    .some((r) => r.order_id === order.order_id && r.attempt_id === attempt);
  if (attempt !== '' && !known) throw new Unusable(`no money of attempt ${attempt} is known`);
  const row = requestRow(at, order.order_id, attempt, asked);
  const same = pieceRequested(books, row);
  if (same !== null)
    throw new Unusable(`asked for already, by ${same.who}: ${HOW_WORDS[same.how]}`);
  books.trial(() => settle(books, at, row));
  books.requests.insert(row);
  note(books, order, `${HOW_WORDS[how]}（${who}）：${reference}；${why}；待第二人核准`);
}

/** A request that waits, under its place. */
export const requestRow = (
  at: Place,
  orderId: string,
  attempt: string,
  { attemptId, how, reference, who, why }: Asked,
): HandRequest => ({
  terminal_id: at.terminalId,
  epoch: at.epoch,
  seq: at.seq,
  order_id: orderId,
  attempt_id: attempt,
  whole_order: attemptId === null,
  how,
  reference,
  who,
  why,
  asked_ms: at.nowMs,
  state: 'waiting',
  decided_who: null,
  decided_why: null,
  transaction_no: null,
  route: null,
  decided_ms: null,
});

/** What was said of the same money and not refused; null: nothing. */
export const pieceRequested = (books: Books, row: HandRequest): HandRequest | null =>
  books.requests
    .all()
    .find(
      (r) =>
        r.order_id === row.order_id && r.attempt_id === row.attempt_id && r.state !== 'refused',
    ) ?? null;

/**
 * What a request does to the books once it counts. Money handed back is in the ledger like any
 * refund: once for each attempt.
 *
 * @throws Unusable where it cannot
 */
export function settle(books: Books, at: Place, asked: HandRequest): void {
  const order = orderOf(books, at, asked.order_id);
  const attemptId = asked.whole_order ? null : asked.attempt_id;
  const captured = capturedBy(books, order);
  const ofOrder =
    order.state === 'parked' && (attemptId === null || attemptId === captured?.attemptId);
  // What a person settles is credited to nobody any more.
  const back = asked.how === 'refunded-by-hand' || asked.how === 'refund-by-gateway';
  const stays = !back && books.postings.get(order.order_id)?.state === 'posted';
  if (order.sale === 'credit' && !stays && (ofOrder || attemptId === captured?.attemptId))
    endForMoney(books, order.order_id, captured?.attemptId ?? null, at.nowMs);
  if (back) {
    const ownMoney = attemptId === null || attemptId === captured?.attemptId;
    refuseUnproven(books, order, captured?.attemptId ?? null);
    const money = ownMoney
      ? captured
      : (capturedBy(books, order, attemptId) ??
        foundByHand(books, at, order, attemptId, asked.reference));
    // An order that took no money itself: what was handed back is entered with its attempt.
    const nothingTaken = attemptId === null && ofOrder && !order.money_taken;
    if (money === null && !nothingTaken)
      throw new Unusable('refunded by hand, but no such money stands in the books');
    if (
      (ofOrder || (captured !== null && money?.attemptId === captured.attemptId)) &&
      isDelivered(order)
    )
      throw new Unusable(
        'REFUNDED AND DELIVERED: refunded by hand although the purchase is on the card',
      );
    if (money !== null)
      enter(books, at, order, 'refunded', {
        attemptId: money.attemptId,
        amountFen: money.amountFen,
        reference: asked.reference,
      });
    if (ofOrder)
      books.orders.change(order.order_id, {
        refund_claimed_ms: order.refund_claimed_ms ?? at.nowMs,
        counter_claim: false,
      });
  }
  // The next count is free again: what was delivered by hand shows in the account, which staff set
  // right.
  if (ofOrder && asked.how !== 'delivered-by-hand') giveBack(books, order.order_id);
  else if (ofOrder) dropClaims(books, order.order_id);
  note(books, order, `${HOW_WORDS[asked.how]}（${asked.who}）：${asked.reference}；${asked.why}`);
}

/**
 * An attempt that was parked before anything was known to be captured, and a person found its money
 * and handed it back: what was asked for is what was taken. Null: no such attempt was parked.
 */
function foundByHand(
  books: Books,
  at: Place,
  order: OrderRow,
  attemptId: string,
  reference: string,
): { attemptId: string; amountFen: number } | null {
  const parked = books.ledger
    .all()
    .some(
      (r) => r.order_id === order.order_id && r.attempt_id === attemptId && r.kind === 'parked',
    );
  if (!parked) return null;
  const money = { attemptId, amountFen: order.amount_fen };
  enter(books, at, order, 'captured-extra', { ...money, reference });
  return money;
}
