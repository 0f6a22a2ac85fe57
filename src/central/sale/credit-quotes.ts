import { canonicalJson } from '../../shared/canonical-json.ts';
import type { CreditQuoteRequest } from '../../shared/central-api/index.ts';
import type { CreditTerms } from '../../shared/grants.ts';
import { momentOf } from '../../shared/periods.ts';
import type { CreditPolicy } from '../../shared/policy-credit.ts';
import { isIntoBalance } from '../../shared/sale.ts';
import type { CreditLine } from '../../shared/sale.ts';
import { linesOf, loadPosting, principalOf } from '../books/load-credit.ts';
import { makeVoid } from '../books/postings.ts';
import type { Trust } from '../books/trust.ts';
import { write } from '../books/write.ts';
import { columnsOf, keepRows, read, select } from '../db/sets.ts';
import type { Db, Sql } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { creditPolicy, isPrepaid, isSold, isToppedUp } from './credit-accounts.ts';
import { BALANCE_ITEM, CREDIT_ITEMS, POSTINGS } from './credit-tables.ts';
import type { CreditAccountRow, CreditItemRow, DueText, PostingRow } from './credit-tables.ts';
import { dueText, hasConsent } from './credit-rules.ts';
import { partOf, termsAt } from './credit-terms.ts';
import { QUOTE_CLAIM_MS, refuseOthersNumber } from './quotes.ts';

/** The most that one order takes, fen. */
const MAX_ORDER_FEN = 10_000_000;

/** What is asked for, with what it is judged by. */
export interface CreditAsked {
  readonly terminalId: string;
  readonly request: CreditQuoteRequest;
  readonly credit: CreditPolicy | undefined;
  readonly nowMs: number;
  readonly trust: Pick<Trust, 'collectorOf'>;
}

/**
 * A firm quote: terms as of the moment that the customer was told them, all its items kept for the
 * order, or none. Asked again with the same request it gives the same answer; with another one, or
 * once it is over, it is refused. What was quoted is what is posted.
 *
 * @throws Refusal unknown-user · item-taken (paid, reserved, or another sum is due) ·
 *   contract-changed · over-limit and too-small for a top-up · bad-request
 */
export async function creditQuote(db: Db, asked: CreditAsked): Promise<CreditTerms> {
  const { terminalId, request } = asked;
  const policy = creditPolicy(asked.credit);
  refuseOthersNumber(terminalId, request.orderId);
  const items = request.lines.map((line) => line.item);
  if (new Set(items).size < items.length) throw bad('one item twice');
  if (!policy.payees.some((p) => p.id === request.payee)) throw bad('nobody is paid so here');
  await giveOlderUp(db, asked);
  return db.transaction(async (tx) => {
    const { orderId, userNo } = request;
    const books = await loadPosting(tx, orderId, { userNo, items });
    const known = books.postings.get(orderId);
    if (known !== undefined) return again(known, asked);
    const account = books.creditAccounts.get(userNo);
    if (account === undefined || account.state !== 'normal')
      throw new Refusal('unknown-user', 'no account has this user number');
    const asOfMs = momentOf(request.asOfMs, asked.nowMs);
    const lines = request.lines.map((line) =>
      line.item === BALANCE_ITEM
        ? balanceLine(policy, account, request, line.amountFen)
        : billLine(policy, books.creditItems.get(line.item), request, line, asOfMs),
    );
    const posting = opened(asked, lines, textsOf(policy, request, books.creditItems.all()));
    // Its posting would be refused: that is said before anything is paid.
    if (
      request.consent !== undefined &&
      !hasConsent({ ...posting, consent: JSON.stringify(request.consent) })
    )
      throw new Refusal('contract-changed', 'what was agreed to is not the text that holds now');
    await keepRows(tx, POSTINGS, [posting]);
    const [kept] = await select(tx, POSTINGS, 'order_id = $1', [orderId]);
    // Given up, or used for another account, at this very moment.
    if (kept?.request !== posting.request) throw bad('the order id was used meanwhile');
    await reserve(tx, posting, asked.nowMs, asOfMs);
    return termsOf(posting);
  });
}

const bad = (detail: string): Refusal => new Refusal('bad-request', detail, { status: 409 });
const taken = (detail: string): Refusal => new Refusal('item-taken', detail);

/** What a posting was promised. */
export const termsOf = (posting: PostingRow): CreditTerms => ({
  userNo: posting.user_no,
  payee: posting.payee,
  amountFen: posting.amount_fen,
  lines: [...linesOf(posting)],
  expiresAtMs: posting.expires_ms,
});

/** The same answer to the same request, while the quote counts. */
function again(known: PostingRow, { terminalId, request, nowMs }: CreditAsked): CreditTerms {
  if (known.terminal_id !== terminalId) throw bad('the order id belongs to another terminal');
  if (known.state !== 'open') throw bad(`the order is ${known.state}`);
  if (known.request !== canonicalJson(request))
    throw bad('the order id was used with another request');
  if (nowMs > known.expires_ms) throw bad('the quote ran out');
  return termsOf(known);
}

function opened(
  { terminalId, request, nowMs, trust }: CreditAsked,
  lines: readonly CreditLine[],
  texts: readonly DueText[],
): PostingRow {
  const amountFen = lines.reduce((sum, line) => sum + line.amountFen, 0);
  if (amountFen > MAX_ORDER_FEN) throw new Refusal('over-limit', `at most ${MAX_ORDER_FEN} fen`);
  return {
    order_id: request.orderId,
    terminal_id: terminalId,
    user_no: request.userNo,
    payee: request.payee,
    merchant: trust.collectorOf(request.payee),
    amount_fen: amountFen,
    lines: JSON.stringify(lines),
    request: canonicalJson(request),
    texts: JSON.stringify(texts),
    expires_ms: nowMs + QUOTE_CLAIM_MS,
    state: 'open',
    attempt_id: null,
    wallet_number: null,
    paid_ms: null,
    reference: null,
    why: null,
    consent: null,
    opened_ms: nowMs,
    posting_ms: null,
    ended_ms: null,
  };
}

function balanceLine(
  policy: CreditPolicy,
  account: CreditAccountRow,
  { payee }: CreditQuoteRequest,
  amountFen: number,
): CreditLine {
  const kind = account.meter_no === null ? 'prepay' : 'balance';
  const sums = kind === 'balance' ? policy.topUp : policy.bills?.prepay;
  const may = kind === 'balance' ? isToppedUp : isPrepaid;
  if (sums === undefined || !may(policy, account) || account.top_up_payee !== payee)
    throw bad('nothing is paid into a balance of this account and payee');
  if (amountFen < sums.minFen) throw new Refusal('too-small', `at least ${sums.minFen} fen`);
  if (amountFen > sums.maxFen) throw new Refusal('over-limit', `at most ${sums.maxFen} fen`);
  return {
    item: BALANCE_ITEM,
    kind,
    period: '',
    amountFen,
    terms: { principalFen: amountFen, lateFeeFen: 0, discountFen: 0 },
  };
}

function billLine(
  policy: CreditPolicy,
  item: CreditItemRow | undefined,
  { userNo, payee }: CreditQuoteRequest,
  { amountFen, part }: CreditQuoteRequest['lines'][number],
  asOfMs: number,
): CreditLine {
  // Another household's item is told from none at all to nobody.
  if (item === undefined || item.user_no !== userNo || !isSold(policy, item))
    throw taken('no such item is open for this user number');
  if (item.payee !== payee) throw bad('the item is paid to somebody else');
  const terms = termsAt(item, asOfMs);
  const { principalFen, lateFeeFen, discountFen, dueFen } = terms;
  const { kind, period } = item;
  const line = { item: item.item, kind, period, amountFen };
  if (part === undefined) {
    if (amountFen !== dueFen) throw taken(`another sum is due: ${dueFen} fen`);
    return { ...line, terms: { principalFen, lateFeeFen, discountFen } };
  }
  const minFen = policy.bills?.part?.minFen;
  if (minFen === undefined) throw bad('bills are paid whole here');
  const paid = partOf(terms, amountFen);
  if (paid === null) throw taken(`no part of what is due: ${dueFen} fen`);
  if (paid.principalFen < minFen) throw new Refusal('too-small', `at least ${minFen} fen of it`);
  return {
    ...line,
    terms: { principalFen: paid.principalFen, lateFeeFen, discountFen: 0 },
    restFen: paid.restFen,
  };
}

/** What is agreed to before these items are paid, in the words that hold now. */
function textsOf(
  policy: CreditPolicy,
  request: CreditQuoteRequest,
  items: readonly CreditItemRow[],
): readonly DueText[] {
  const asked = new Set(request.lines.map((line) => line.item));
  const ids = new Set(items.filter((i) => asked.has(i.item)).flatMap((i) => i.consent_text ?? []));
  if (ids.size > 1) throw bad('two texts are agreed to: two orders');
  return policy.texts.filter((text) => ids.has(text.id)).map(dueText);
}

/**
 * Keeps all the bills of a posting for its order, by one statement that asks for their state and
 * for the sums that they were quoted by: one that moved meanwhile, and none is kept.
 */
async function reserve(tx: Sql, posting: PostingRow, nowMs: number, asOfMs: number): Promise<void> {
  const bills = linesOf(posting).filter((line) => !isIntoBalance(line.kind));
  if (bills.length === 0) return;
  const kept = await tx.query<Record<string, unknown>>(
    `UPDATE credit_items SET order_id = $2, reserved_until_ms = $3
     FROM json_to_recordset($1::json) AS x(bill text, quoted_fen bigint)
     WHERE item = x.bill AND principal_fen = x.quoted_fen
       AND user_no = $4 AND state = 'open'
       AND (order_id IS NULL OR reserved_until_ms <= $5)
     RETURNING ${columnsOf(CREDIT_ITEMS)}`,
    [
      JSON.stringify(bills.map((b) => ({ bill: b.item, quoted_fen: principalOf(b) }))),
      posting.order_id,
      posting.expires_ms,
      posting.user_no,
      nowMs,
    ],
  );
  const rows = new Map(kept.map((row) => [String(row['item']), read(CREDIT_ITEMS, row)]));
  const asQuoted = bills.every((b) => {
    const row = rows.get(b.item);
    if (row === undefined) return false;
    const { dueFen, lateFeeFen } = termsAt(row, asOfMs);
    return b.restFen === undefined ? dueFen === b.amountFen : lateFeeFen === b.terms.lateFeeFen;
  });
  if (!asQuoted) throw taken('an item was paid or reserved meanwhile, or another sum is due');
}

/** So many unpaid orders of one terminal keep items from everybody else; see `UNPAID_CLAIMS`. */
const UNPAID_OPEN = 3;

/** A terminal that asks for account after account gives the oldest up: nobody locks a town's bills. */
async function giveOlderUp(db: Db, { terminalId, request, nowMs }: CreditAsked): Promise<void> {
  const unpaid = await db.query<{ order_id: string }>(
    `SELECT p.order_id FROM postings p WHERE p.terminal_id = $1 AND p.state = 'open'
       AND p.order_id <> $2
       AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.order_id = p.order_id AND o.money_taken)
       AND NOT EXISTS (SELECT 1 FROM payment_evidence e WHERE e.order_id = p.order_id
         AND e.returned_ms IS NULL)
     ORDER BY p.opened_ms DESC, p.order_id DESC`,
    [terminalId, request.orderId],
  );
  for (const { order_id } of unpaid.slice(UNPAID_OPEN - 1))
    await db.transaction(async (tx) => {
      const books = await loadPosting(tx, order_id);
      if (await isPaid(tx, order_id)) return;
      makeVoid(books, order_id, nowMs);
      await write(tx, terminalId, books);
    });
}

/** Somebody who can know it says that the order was paid, or its terminal does. */
const isPaid = async (tx: Sql, orderId: string): Promise<boolean> =>
  (
    await tx.query(
      `SELECT 1 FROM orders WHERE order_id = $1 AND money_taken
       UNION ALL SELECT 1 FROM payment_evidence WHERE order_id = $1 AND returned_ms IS NULL`,
      [orderId],
    )
  ).length > 0;
