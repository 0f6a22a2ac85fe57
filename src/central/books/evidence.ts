import { isPaidAt } from '../sale/credit-tables.ts';
import { HOUSE_MERCHANT } from '../../payment/merchants.ts';
import type { PaymentEvidence } from '../../shared/evidence.ts';
import { attemptOf } from '../../shared/order-id.ts';
import type { OrderRow } from '../sale/tables.ts';
import { TooEarly, Unusable } from './books.ts';
import type { Books, Place } from './books.ts';
import { consumeReserve, keepRemainder } from './carried.ts';
import type { EvidenceRow } from './tables.ts';

/**
 * So many orders of one terminal may have told of money that nobody else knows of: their counts
 * move, so that no customer is locked out, and nothing else does. What is more waits.
 */
const MAX_UNPROVEN = 20;

/** A capture as its terminal told it. */
interface ToldCapture {
  readonly attemptId: string;
  readonly transactionId: string;
  readonly amountFen: number;
  readonly evidence?: PaymentEvidence | undefined;
}

/**
 * What a capture's fact brings as evidence: kept, once for each number of a wallet.
 *
 * @throws Unusable where it is no evidence, of another payment, or pays another order already
 */
export function takeEvidence(books: Books, at: Place, order: OrderRow, told: ToldCapture): void {
  if (told.evidence === undefined) return;
  const read = at.trust.proof(told.evidence);
  if (!read.ok) {
    // The key may yet be told here: then it is looked at once more.
    if (read.error === 'unknown-key') return;
    throw new Unusable('its evidence of payment proves nothing');
  }
  const { wallet, walletNumber, outTradeNo, amountFen, paidMs, issuedTo, merchant } = read.value;
  if (
    attemptOf(order.order_id, outTradeNo) !== told.attemptId ||
    walletNumber !== told.transactionId ||
    amountFen !== told.amountFen ||
    (issuedTo !== null &&
      (issuedTo.terminalId !== order.terminal_id || issuedTo.orderId !== order.order_id))
  )
    throw new Unusable('its evidence is of another payment');
  keepEvidence(books, {
    wallet,
    wallet_number: walletNumber,
    order_id: order.order_id,
    attempt_id: told.attemptId,
    terminal_id: order.terminal_id,
    amount_fen: amountFen,
    at_ms: at.nowMs,
    paid_ms: paidMs,
    returned_ms: null,
    merchant,
  });
  prove(books, at, order);
}

/** @throws Unusable where the wallet's number pays another order */
function keepEvidence(books: Books, row: EvidenceRow): void {
  const known = books.evidence.get(`${row.wallet}\n${row.wallet_number}`);
  if (known === undefined) books.evidence.insert(row);
  else if (known.order_id !== row.order_id || known.attempt_id !== row.attempt_id)
    throw new Unusable(
      `${row.wallet} number ${row.wallet_number} pays order ${known.order_id} already`,
    );
}

const paymentOf = (books: Books, order: OrderRow, attemptId: string): EvidenceRow | undefined =>
  books.evidence.all().find((e) => e.order_id === order.order_id && e.attempt_id === attemptId);

/** Is it this merchant that collects for the order? For a card the house's. */
function collects(books: Books, order: OrderRow, merchant: string): boolean {
  const posting = order.sale === 'credit' ? books.postings.get(order.order_id) : undefined;
  return posting === undefined ? merchant === HOUSE_MERCHANT : isPaidAt(posting, merchant);
}

/**
 * What is known of the attempt's payment by whoever took it. What another company's merchant has is
 * nobody's evidence for this order.
 */
export function evidenceOf(
  books: Books,
  order: OrderRow,
  attemptId: string,
): EvidenceRow | undefined {
  const known = paymentOf(books, order, attemptId);
  return known !== undefined && collects(books, order, known.merchant) ? known : undefined;
}

/**
 * The order has its money: by evidence, or by its terminal's word alone.
 *
 * @throws TooEarly where too many of the terminal's have nothing else
 */
export function takeMoney(books: Books, order: OrderRow, attemptId: string): void {
  const unproven = evidenceOf(books, order, attemptId)?.amount_fen !== order.amount_fen;
  if (unproven) {
    const others = books.unprovenOf(order.terminal_id);
    if (others >= MAX_UNPROVEN)
      throw new TooEarly(`no evidence of its payment; ${MAX_UNPROVEN} orders wait for theirs`);
    books.tellUnproven(order.terminal_id, others + 1);
  }
  books.orders.change(order.order_id, { money_taken: true, unproven });
}

/** Evidence came for an order that stood on its terminal's word: it is whole from here on. */
export function prove(books: Books, at: Place, { order_id }: OrderRow): void {
  const order = books.orders.get(order_id);
  if (order?.unproven !== true) return;
  const taken = books.ledger.all().find((r) => r.order_id === order_id && r.kind === 'captured');
  const known = taken === undefined ? undefined : evidenceOf(books, order, taken.attempt_id);
  if (known?.amount_fen !== order.amount_fen) return;
  books.orders.change(order_id, { unproven: false });
  if (order.state !== 'delivered') return;
  consumeReserve(books, at, order);
  keepRemainder(books, at, order);
}

/**
 * Money goes back by whoever has it, another company too.
 *
 * @throws TooEarly where nobody but its terminal says that the order was paid
 */
export function refuseUnproven(books: Books, order: OrderRow, attemptId: string | null): void {
  if (!order.unproven) return;
  const known = attemptId === null ? undefined : paymentOf(books, order, attemptId);
  if (known?.amount_fen !== order.amount_fen)
    throw new TooEarly('no evidence of its payment is known here yet');
}

/** @throws Unusable where the gateway handed the order's money back */
export function refuseReturned(books: Books, order: OrderRow): void {
  const taken = books.ledger
    .all()
    .find((r) => r.order_id === order.order_id && r.kind === 'captured');
  if (taken === undefined) return;
  if ((paymentOf(books, order, taken.attempt_id)?.returned_ms ?? null) !== null)
    throw new Unusable('DELIVERED AND REFUNDED: the gateway handed its payment back');
}
