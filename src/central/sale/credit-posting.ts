import type { CreditPostRequest, CreditRefusal } from '../../shared/central-api/index.ts';
import { creditDigest } from '../../shared/grants.ts';
import { attemptOf } from '../../shared/order-id.ts';
import type { CreditPolicy } from '../../shared/policy-credit.ts';
import type { CreditQuote } from '../../shared/sale.ts';
import type { Books } from '../books/books.ts';
import { loadPosting } from '../books/load-credit.ts';
import { barOf, enterPosting, makeVoid, refusePosting, sendPosting } from '../books/postings.ts';
import { PAYMENT_EVIDENCE } from '../books/tables.ts';
import type { EvidenceRow } from '../books/tables.ts';
import type { Trust } from '../books/trust.ts';
import { write } from '../books/write.ts';
import { keepRows, select } from '../db/sets.ts';
import type { Db, Sql } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { isPaidAt, POSTINGS } from './credit-tables.ts';
import type { PostingRow } from './credit-tables.ts';
import { dueText, hasConsent, isLate, referenceOf } from './credit-rules.ts';
import { termsOf } from './credit-quotes.ts';
import { refuseOthersNumber } from './quotes.ts';

/** Central's word on an order, before it is signed. `atMs`: since when it stands. */
export type Word =
  | { readonly state: 'posted'; readonly reference: string; readonly atMs: number }
  | { readonly state: 'refused'; readonly why: CreditRefusal; readonly atMs: number }
  | { readonly state: 'void'; readonly atMs: number }
  | { readonly state: 'posting' };

/** What a posting is judged by. */
export interface PostingParts {
  readonly trust: Trust;
  readonly credit: CreditPolicy | undefined;
  readonly nowMs: number;
  /** The account book is another's system (`credit-sender.ts`), and not central's own database. */
  readonly outside: boolean;
}

/**
 * Posts a paid order, once, in central's own account book: under the locks of account and posting
 * it is posted, refused for good, or stays as it was. Asked again it says the same.
 *
 * @throws Refusal(not-proven) where the payment is not proven, or nothing of ours quoted the sale:
 *   nothing was changed
 */
export function postCredit(
  db: Db,
  terminalId: string,
  orderId: string,
  request: CreditPostRequest,
  parts: PostingParts,
): Promise<Word> {
  refuseOthersNumber(terminalId, orderId);
  return db.transaction(async (tx) => {
    const { sale } = request;
    const books = await loadPosting(tx, orderId, {
      userNo: sale.userNo,
      items: sale.lines.map((line) => line.item),
    });
    const over = wordOf(books.postings.get(orderId));
    if (over !== null) return over;
    await keepIfLost(tx, books, { terminalId, orderId, sale }, parts);
    const posting = books.postings.get(orderId) as PostingRow;
    if (creditDigest(sale) !== creditDigest(termsOf(posting)))
      throw notProven('the sale is not what was quoted');
    const paid = await provenBy(tx, posting, request, parts);
    books.postings.change(orderId, {
      attempt_id: request.attemptId,
      wallet_number: paid.wallet_number,
      paid_ms: paid.paid_ms ?? paid.at_ms,
      consent: sale.consent === undefined ? null : JSON.stringify(sale.consent),
    });
    decide(books, orderId, paid, parts);
    await write(tx, terminalId, books);
    return wordOf(books.postings.get(orderId)) ?? { state: 'posting' };
  });
}

/** What becomes of a proven order. */
function decide(
  books: Books,
  orderId: string,
  paid: EvidenceRow,
  { nowMs, outside }: PostingParts,
): void {
  const posting = books.postings.get(orderId) as PostingRow;
  // Its money is on its way back: nothing is credited for it.
  if (paid.returned_ms !== null) return void makeVoid(books, orderId, nowMs);
  // A row that a token made anew may be in the book outside already, by bills as they were then:
  // what became of it only that book knows.
  const maybeSent = outside && posting.request === null;
  const why = isLate(posting)
    ? 'too-late'
    : hasConsent(posting)
      ? maybeSent
        ? null
        : barOf(books, posting, nowMs)
      : 'account';
  if (why !== null) return refusePosting(books, orderId, why, nowMs);
  const reference = referenceOf(posting);
  if (outside) sendPosting(books, orderId, reference, nowMs);
  else enterPosting(books, orderId, { reference, postedMs: nowMs });
}

const notProven = (detail: string): Refusal => new Refusal('not-proven', detail);

interface Told {
  readonly terminalId: string;
  readonly orderId: string;
  readonly sale: CreditQuote;
}
/**
 * A database that went on from a backup may have lost the quote: central's own token stands for it.
 *
 * @throws Refusal(not-proven) where there is none
 */
async function keepIfLost(
  tx: Sql,
  books: Books,
  { terminalId, orderId, sale }: Told,
  { trust, credit, nowMs }: PostingParts,
): Promise<void> {
  if (books.postings.get(orderId) !== undefined) return;
  const what = { kind: 'quote', terminalId, orderId, digest: creditDigest(sale) } as const;
  if (trust.granted(sale.grant, what) === null) throw notProven('central quoted no such sale');
  await keepRows(tx, POSTINGS, [lostPosting(orderId, terminalId, sale, nowMs, trust)]);
  const [kept] = await select(tx, POSTINGS, 'order_id = $1', [orderId]);
  if (kept?.state !== 'open' || kept.user_no !== sale.userNo)
    throw notProven('the order was given up at this moment');
  books.postings.load([kept]);
  const lines = new Set(sale.lines.map((line) => line.item));
  const ids = new Set(
    books.creditItems
      .all()
      .filter((item) => lines.has(item.item))
      .flatMap((item) => item.consent_text ?? []),
  );
  const texts = (credit?.texts ?? []).filter((text) => ids.has(text.id)).map(dueText);
  books.postings.change(orderId, { texts: JSON.stringify(texts) });
}

/** A posting of which only its sale is known, under central's token. */
export const lostPosting = (
  orderId: string,
  terminalId: string,
  sale: CreditQuote,
  nowMs: number,
  trust: Pick<Trust, 'collectorOf'>,
): PostingRow => ({
  order_id: orderId,
  terminal_id: terminalId,
  user_no: sale.userNo,
  payee: sale.payee,
  merchant: trust.collectorOf(sale.payee),
  amount_fen: sale.amountFen,
  lines: JSON.stringify(sale.lines),
  request: null,
  texts: '[]',
  expires_ms: sale.expiresAtMs,
  state: 'open',
  attempt_id: null,
  wallet_number: null,
  paid_ms: null,
  reference: null,
  why: null,
  consent: sale.consent === undefined ? null : JSON.stringify(sale.consent),
  opened_ms: nowMs,
  posting_ms: null,
  ended_ms: null,
});

/**
 * Who can know it says that this attempt paid this sum. Kept: a wallet's number pays one order,
 * ever.
 *
 * @throws Refusal(not-proven)
 */
async function provenBy(
  tx: Sql,
  posting: PostingRow,
  { attemptId, transactionId, evidence }: CreditPostRequest,
  { trust, nowMs }: PostingParts,
): Promise<EvidenceRow> {
  if (evidence === null) throw notProven('nothing proves the payment');
  const read = trust.proof(evidence);
  if (!read.ok) throw notProven(`the evidence of payment proves nothing: ${read.error}`);
  const { wallet, walletNumber, outTradeNo, amountFen, paidMs, issuedTo, merchant } = read.value;
  if (
    attemptOf(posting.order_id, outTradeNo) !== attemptId ||
    walletNumber !== transactionId ||
    amountFen !== posting.amount_fen ||
    (issuedTo !== null &&
      (issuedTo.terminalId !== posting.terminal_id || issuedTo.orderId !== posting.order_id))
  )
    throw notProven('the evidence is of another payment');
  // Another company has the money: it pays nothing of this one's, and goes back.
  if (!isPaidAt(posting, merchant))
    throw notProven(`merchant ${merchant} has the money; ${posting.merchant} collects for it`);
  await keepRows(tx, PAYMENT_EVIDENCE, [
    {
      wallet,
      wallet_number: walletNumber,
      order_id: posting.order_id,
      attempt_id: attemptId,
      terminal_id: posting.terminal_id,
      amount_fen: amountFen,
      at_ms: nowMs,
      paid_ms: paidMs,
      returned_ms: null,
      merchant,
    },
  ]);
  const [known] = await select(
    tx,
    PAYMENT_EVIDENCE,
    'wallet = $1 AND wallet_number = $2 FOR NO KEY UPDATE',
    [wallet, walletNumber],
  );
  if (known?.order_id !== posting.order_id || known.attempt_id !== attemptId)
    throw notProven(`the wallet’s number pays order ${known?.order_id ?? ''} already`);
  return { ...known, paid_ms: paidMs ?? known.paid_ms };
}

/**
 * Central's final word that an order is not credited, and never will be; one that is over says what
 * it is. Of an order that was never heard of it is kept too: what comes late is refused.
 */
export function voidCredit(
  db: Db,
  terminalId: string,
  orderId: string,
  nowMs: number,
): Promise<Word> {
  refuseOthersNumber(terminalId, orderId);
  return db.transaction(async (tx) => {
    // Before anything is read: it waits for a quote that is being given at this moment.
    await tx.query(
      `INSERT INTO postings (order_id, terminal_id, user_no, payee, amount_fen, lines, expires_ms,
         state, opened_ms, ended_ms) VALUES ($1, $2, '', '', 0, '[]', 0, 'void', $3, $3)
       ON CONFLICT DO NOTHING`,
      [orderId, terminalId, nowMs],
    );
    const books = await loadPosting(tx, orderId);
    makeVoid(books, orderId, nowMs);
    await write(tx, terminalId, books);
    return wordOf(books.postings.get(orderId)) ?? { state: 'posting' };
  });
}

/** What a posting says; null: it is still open, or there is none. */
export function wordOf(posting: PostingRow | undefined): Word | null {
  if (posting === undefined) return null;
  const atMs = posting.ended_ms ?? 0;
  const { state } = posting;
  switch (state) {
    case 'open':
      return null;
    case 'posting':
      return { state: 'posting' };
    case 'posted':
      return { state: 'posted', reference: posting.reference ?? '', atMs };
    case 'refused':
      return { state: 'refused', why: (posting.why ?? 'account') as CreditRefusal, atMs };
    case 'void':
      return { state: 'void', atMs };
    default:
      return state satisfies never;
  }
}

/** Central's word on an order as it stands. */
export async function creditWord(sql: Sql, orderId: string): Promise<Word> {
  const [posting] = await select(sql, POSTINGS, 'order_id = $1', [orderId]);
  return wordOf(posting) ?? { state: 'posting' };
}
