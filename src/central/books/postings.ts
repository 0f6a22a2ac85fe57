import { HOUSE_MERCHANT } from '../../payment/merchants.ts';
import type { CreditRefusal } from '../../shared/central-api/index.ts';
import { POSTING_FROM } from '../../shared/order-rules.ts';
import type { PostingState } from '../../shared/order-rules.ts';
import { terminalOf } from '../../shared/order-id.ts';
import { isIntoBalance } from '../../shared/sale.ts';
import type { CreditLine } from '../../shared/sale.ts';
import { chinaDate } from '../../shared/time.ts';
import { QUOTE_CLAIM_MS } from '../sale/quotes.ts';
import type { CreditAccountRow, CreditItemRow, PostingRow } from '../sale/credit-tables.ts';
import { isKeptFor } from '../sale/credit-terms.ts';
import { Alarming, Unusable } from './books.ts';
import type { Books } from './books.ts';
import { linesOf, principalOf } from './load-credit.ts';

/**
 * What becomes of a credit sale in central's own account book, whoever asks: its terminal, its
 * journal, the gateway or a person. The caller has the locks (`load-credit.ts`).
 */

/** Another state, by the one table of steps. @throws Error where it is no step: a defect */
export function movePosting(
  books: Books,
  posting: PostingRow,
  state: PostingState,
  more: Partial<PostingRow> = {},
): void {
  if (!POSTING_FROM[state].includes(posting.state))
    throw new Error(`${posting.state} → ${state} is not a step of a posting`);
  books.postings.change(posting.order_id, { ...more, state });
}

/** A posting of which central knows no more than that it never will be. */
export const tombstone = (orderId: string, nowMs: number): PostingRow => ({
  order_id: orderId,
  terminal_id: terminalOf(orderId),
  user_no: '',
  payee: '',
  merchant: HOUSE_MERCHANT,
  amount_fen: 0,
  lines: '[]',
  request: null,
  texts: '[]',
  expires_ms: 0,
  state: 'void',
  attempt_id: null,
  wallet_number: null,
  paid_ms: null,
  reference: null,
  why: null,
  consent: null,
  opened_ms: nowMs,
  posting_ms: null,
  ended_ms: nowMs,
});

/** The order keeps its items no longer. */
function freeItems(books: Books, orderId: string): void {
  for (const item of books.creditItems.all())
    if (item.order_id === orderId && item.state !== 'paid')
      books.creditItems.change(item.item, { order_id: null, reserved_until_ms: null });
}

/**
 * Central's final word that an order is not credited, and never will be. One that is over already
 * stays as it is; one that is being posted does too.
 *
 * @returns the state that it has from here on
 */
export function makeVoid(books: Books, orderId: string, nowMs: number): PostingState {
  const posting = books.postings.get(orderId);
  if (posting === undefined) {
    books.postings.insert(tombstone(orderId, nowMs));
    return 'void';
  }
  if (posting.state !== 'open') return posting.state;
  movePosting(books, posting, 'void', { ended_ms: nowMs });
  freeItems(books, orderId);
  return 'void';
}

/** It is not credited, for this reason, and never will be. */
export function refusePosting(
  books: Books,
  orderId: string,
  why: CreditRefusal,
  nowMs: number,
): void {
  begin(books, orderId, nowMs);
  const posting = books.postings.get(orderId) as PostingRow;
  movePosting(books, posting, 'refused', { why, ended_ms: nowMs });
  freeItems(books, orderId);
}

/** Under way: in central's own book for the length of one transaction. */
function begin(books: Books, orderId: string, nowMs: number): void {
  const posting = books.postings.get(orderId);
  if (posting?.state === 'open') movePosting(books, posting, 'posting', { posting_ms: nowMs });
}

/**
 * Why the account book cannot take a posting; null: it can. What was quoted is posted, however
 * late: only what has become of account and items since can bar it.
 */
export function barOf(books: Books, posting: PostingRow, nowMs: number): CreditRefusal | null {
  const account = books.creditAccounts.get(posting.user_no);
  if (account?.state !== 'normal') return 'account';
  for (const line of linesOf(posting)) {
    if (isIntoBalance(line.kind)) {
      const metered = account.meter_no !== null;
      if (metered !== (line.kind === 'balance') || account.top_up_payee !== posting.payee)
        return 'account';
      if (!Number.isSafeInteger(account.balance_fen + line.amountFen)) return 'account';
      continue;
    }
    const item = books.creditItems.get(line.item);
    if (item === undefined || item.user_no !== posting.user_no || item.payee !== posting.payee)
      return 'account';
    if (item.state !== 'open' || isKeptFor(item, (o) => o !== posting.order_id, nowMs))
      return 'item-taken';
    // The bill itself was corrected, or paid in part meanwhile: another sum is due.
    if (item.principal_fen !== principalOf(line)) return 'account';
  }
  return null;
}

/** Nothing else may have an item for as long as the book outside has not spoken. */
const UNTIL_SAID = Number.MAX_SAFE_INTEGER;

/**
 * A posting leaves for an account book outside, under this reference: durable before it is sent,
 * and no way back until the book has said what became of it. {@link barOf} is asked before.
 */
export function sendPosting(books: Books, orderId: string, reference: string, nowMs: number): void {
  begin(books, orderId, nowMs);
  books.postings.change(orderId, { reference });
  for (const line of linesOf(books.postings.get(orderId) as PostingRow))
    if (books.creditItems.get(line.item) !== undefined)
      books.creditItems.change(line.item, {
        order_id: orderId,
        reserved_until_ms: UNTIL_SAID,
      });
}

/** Enters a posting into account and items; asked for before is {@link barOf}. */
export function enterPosting(
  books: Books,
  orderId: string,
  done: { readonly reference: string; readonly postedMs: number },
): void {
  begin(books, orderId, done.postedMs);
  const posting = books.postings.get(orderId) as PostingRow;
  movePosting(books, posting, 'posted', { reference: done.reference, ended_ms: done.postedMs });
  const paid = {
    state: 'paid',
    order_id: null,
    reserved_until_ms: null,
    paid_by: orderId,
    paid_ms: posting.paid_ms ?? done.postedMs,
  } as const;
  for (const line of linesOf(posting)) {
    const account = books.creditAccounts.get(posting.user_no);
    if (isIntoBalance(line.kind) && account !== undefined)
      topUp(books, account, {
        cause: orderId,
        amountFen: line.amountFen,
        nowMs: done.postedMs,
      });
    // What another paid meanwhile stays that one's: a person sees both.
    const item = books.creditItems.get(line.item);
    if (item === undefined || item.state === 'paid') continue;
    const rest = line.restFen === undefined ? null : restOf(item, line, posting);
    books.creditItems.change(item.item, rest ?? paid);
  }
}

/**
 * What a bill is once a part of it was paid; null: nothing is left. What is taken off is what was
 * paid, so that parts told again to a database that forgot them come to the same in any order.
 */
function restOf(
  item: CreditItemRow,
  { terms }: CreditLine,
  { expires_ms }: PostingRow,
): Partial<CreditItemRow> | null {
  const principal_fen = item.principal_fen - terms.principalFen;
  if (principal_fen <= 0) return null;
  // The day of the quote, whatever a restored database thinks that it was.
  const day = chinaDate(expires_ms - QUOTE_CLAIM_MS);
  const since = item.late_since;
  return {
    principal_fen,
    late_fee_cap_fen: Math.min(
      principal_fen,
      Math.max(0, item.late_fee_cap_fen - terms.lateFeeFen),
    ),
    late_since: since !== null && since > day ? since : day,
    discount_fen: 0,
    discount_until: null,
    order_id: null,
    reserved_until_ms: null,
  };
}

/** What a balance is changed by. */
export interface TopUp {
  /** The order, or the act of two persons (`credit-acts.ts`). */
  readonly cause: string;
  /** Below zero: taken back. */
  readonly amountFen: number;
  readonly nowMs: number;
}
/** Into the balance, and on its way to the meter: by what it has in all, never by what is added. */
export function topUp(
  books: Books,
  account: CreditAccountRow,
  { cause, amountFen, nowMs }: TopUp,
): void {
  const count = account.topped_count + 1;
  const total_fen = account.topped_fen + amountFen;
  books.creditAccounts.change(account.user_no, {
    balance_fen: account.balance_fen + amountFen,
    ...(account.meter_no === null
      ? {}
      : {
          topped_count: count,
          topped_fen: total_fen,
          on_the_way_fen: account.on_the_way_fen + amountFen,
        }),
  });
  if (account.meter_no === null) return;
  books.meterCommands.insert({
    meter_no: account.meter_no,
    count,
    total_fen,
    amount_fen: amountFen,
    user_no: account.user_no,
    order_id: cause,
    state: 'waiting',
    made_ms: nowMs,
    sent_ms: null,
    done_ms: null,
    look_ms: nowMs,
    said: null,
    repair_who: null,
    repair_why: null,
  });
}

/**
 * The money of an order goes back, or a person settles it: nothing of it may be credited from here
 * on. Another payment of the order's than the one that was credited bars nothing.
 *
 * @throws Unusable where it was credited, or is being
 */
export function endForMoney(
  books: Books,
  orderId: string,
  attemptId: string | null,
  nowMs: number,
): void {
  const posting = books.postings.get(orderId);
  if (posting === undefined) return;
  const { state } = posting;
  if (state !== 'posted' && state !== 'posting') return void makeVoid(books, orderId, nowMs);
  if (attemptId !== null && posting.attempt_id !== null && posting.attempt_id !== attemptId) return;
  throw new Unusable(
    state === 'posted'
      ? 'REFUNDED AND DELIVERED: the order is credited to its account'
      : 'the order is being posted at this moment',
  );
}

/** An order ended without money. @throws Alarming where it was credited all the same */
export function endUnpaid(books: Books, orderId: string, nowMs: number): void {
  const state = makeVoid(books, orderId, nowMs);
  if (state === 'posted' || state === 'posting')
    throw new Alarming(`CLOSED AND POSTED: order ${orderId} is credited to its account`);
}

/** @throws Alarming unless central's final word is that the order is not credited */
export function refuseCredited(books: Books, orderId: string): void {
  const state = books.postings.get(orderId)?.state;
  if (state !== 'void' && state !== 'refused')
    throw new Alarming(
      `REFUNDED WITHOUT CENTRAL’S WORD: the posting of order ${orderId} is ${state ?? 'not known'}`,
    );
}
