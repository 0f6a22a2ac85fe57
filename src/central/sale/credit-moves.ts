import { topUp } from '../books/postings.ts';
import type { Books } from '../books/books.ts';
import type { Held } from './credit-held.ts';
import { BALANCE_ITEM } from './credit-tables.ts';
import type { CreditItemRow, HeldLine, PostingRow } from './credit-tables.ts';
import { isKeptFor, termsAt } from './credit-terms.ts';

/**
 * The credit of an order that was paid for a wrong account, moved to the account that was meant.
 * The order, its payment and its posting stay as they are: only at which account they count
 * changes.
 */

/** Why an order's credit cannot be moved so. Stable: docs/credit.md names each. */
export const MOVE_BARS = [
  /** No such order, or it is not posted. */
  'not-posted',
  /** It stands at another account than the one that was meant. */
  'moved-meanwhile',
  'same-account',
  /** The account that it would go to is not there, or closed. */
  'no-account',
  /** That account has no balance that this payee tops up. */
  'no-balance',
  /** The balance that it stands in holds less by now. */
  'spent',
  /** A bill that it paid is not paid by it any more, or only in part. */
  'built-on',
  /** A bill that it would pay is not open, is being paid or debited, or is another household's. */
  'item-taken',
  /** The bills that it would pay are another payee's. */
  'other-payee',
  /** … or come to another sum, as of the moment of the payment. */
  'other-sum',
  /** … or ask for a contract that the customer did not agree to. */
  'needs-consent',
  /** An invoice stands on it, or another paper: that is taken back first. */
  'papers',
] as const;
export type MoveBar = (typeof MOVE_BARS)[number];

/** What is to be moved, and to where. `items` empty: into the balance. */
export interface Move {
  readonly orderId: string;
  readonly from: Held;
  readonly toUser: string;
  readonly items: readonly string[];
}
/** The lines as they stand at the new account, or why it cannot be. */
export type Planned =
  | { readonly ok: true; readonly lines: readonly HeldLine[] }
  | { readonly ok: false; readonly bar: MoveBar };

/** Judges a move; the caller holds the locks of both accounts, the posting and all the items. */
export function planMove(books: Books, move: Move, nowMs: number): Planned {
  const posting = books.postings.get(move.orderId);
  if (posting?.state !== 'posted') return no('not-posted');
  if (move.toUser === move.from.userNo) return no('same-account');
  const bar = takingBar(books, move);
  if (bar !== null) return no(bar);
  const account = books.creditAccounts.get(move.toUser);
  if (account?.state !== 'normal') return no('no-account');
  if (move.items.length > 0) return billsPaid(books, posting, move, nowMs);
  // An IoT meter's, or what is paid ahead for bills.
  if (account.top_up_payee !== posting.payee) return no('no-balance');
  if (!Number.isSafeInteger(account.balance_fen + posting.amount_fen)) return no('no-balance');
  return { ok: true, lines: [{ item: BALANCE_ITEM, amountFen: posting.amount_fen }] };
}
const no = (bar: MoveBar): Planned => ({ ok: false, bar });

/** Why it cannot be taken from where it stands; null: it can. */
function takingBar(books: Books, { orderId, from }: Move): MoveBar | null {
  for (const { item, amountFen } of from.lines) {
    if (item === BALANCE_ITEM) {
      const account = books.creditAccounts.get(from.userNo);
      // A meter that was changed began anew: it is never told of less than nothing.
      const metered = account !== undefined && account.meter_no !== null;
      if ((account?.balance_fen ?? 0) < amountFen) return 'spent';
      if (metered && account.topped_fen < amountFen) return 'spent';
      continue;
    }
    const bill = books.creditItems.get(item);
    if (bill?.state !== 'paid' || bill.paid_by !== orderId) return 'built-on';
  }
  return null;
}

/** The named bills, whole, and for the very sum that they came to when the wallet took it. */
function billsPaid(books: Books, posting: PostingRow, move: Move, nowMs: number): Planned {
  const bills = move.items.map((name) => books.creditItems.get(name));
  const free = (bill: CreditItemRow | undefined): bill is CreditItemRow =>
    bill?.user_no === move.toUser &&
    bill.state === 'open' &&
    !isKeptFor(bill, (orderId) => orderId !== move.orderId, nowMs);
  if (!bills.every(free) || new Set(move.items).size < bills.length) return no('item-taken');
  if (bills.some((bill) => bill.payee !== posting.payee)) return no('other-payee');
  const agreed =
    posting.consent === null ? null : (JSON.parse(posting.consent) as { textId: string }).textId;
  if (bills.some((bill) => bill.consent_text !== null && bill.consent_text !== agreed))
    return no('needs-consent');
  const paidMs = posting.paid_ms ?? posting.ended_ms ?? nowMs;
  const lines = bills.map((bill) => ({ item: bill.item, amountFen: termsAt(bill, paidMs).dueFen }));
  if (lines.reduce((sum, line) => sum + line.amountFen, 0) !== posting.amount_fen)
    return no('other-sum');
  return { ok: true, lines };
}

/** Takes it off one account and enters it for the other. {@link planMove} is asked before. */
export function enterMove(
  books: Books,
  move: Move,
  act: { readonly id: number; readonly lines: readonly HeldLine[]; readonly nowMs: number },
): void {
  const { orderId, from, toUser } = move;
  const { nowMs } = act;
  for (const { item, amountFen } of from.lines)
    if (item === BALANCE_ITEM)
      change(books, from.userNo, { cause: `A${act.id}-out`, amountFen: -amountFen, nowMs });
    else
      books.creditItems.change(item, {
        state: 'open',
        order_id: null,
        reserved_until_ms: null,
        paid_by: null,
        paid_ms: null,
      });
  const paidMs = books.postings.get(orderId)?.paid_ms ?? nowMs;
  for (const { item, amountFen } of act.lines)
    if (item === BALANCE_ITEM) change(books, toUser, { cause: `A${act.id}-in`, amountFen, nowMs });
    else
      books.creditItems.change(item, {
        state: 'paid',
        order_id: null,
        reserved_until_ms: null,
        paid_by: orderId,
        paid_ms: paidMs,
      });
}

function change(books: Books, userNo: string, by: Parameters<typeof topUp>[2]): void {
  const account = books.creditAccounts.get(userNo);
  if (account === undefined) throw new Error(`account ${userNo} is not loaded`);
  topUp(books, account, by);
}
