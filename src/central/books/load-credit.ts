import type { CreditLine } from '../../shared/sale.ts';
import { CREDIT_ACCOUNTS, CREDIT_ITEMS, POSTINGS } from '../sale/credit-tables.ts';
import type { PostingRow } from '../sale/credit-tables.ts';
import { anyOf, list, select } from '../db/sets.ts';
import type { Sql } from '../db/sql.ts';
import { Books } from './books.ts';

/** Of whom a sale that is told may be, and what it pays. */
export interface CreditedSale {
  readonly userNo: string;
  readonly items: readonly string[];
}

/** The lines of a posting, as they were quoted. */
export const linesOf = (posting: PostingRow): readonly CreditLine[] =>
  JSON.parse(posting.lines) as CreditLine[];

/** The principal that a bill had when this line was quoted. */
export const principalOf = ({ terms, restFen = 0 }: CreditLine): number =>
  terms.principalFen + restFen;

/**
 * Locks the credit accounts behind these orders, before the orders themselves. Nearly always there
 * are none: that is asked first.
 *
 * @param ids See `list`
 * @returns what loads postings and items, once the orders are locked
 */
export async function lockCredit(
  tx: Sql,
  books: Books,
  ids: string,
  credited: readonly CreditedSale[],
): Promise<() => Promise<void>> {
  const known = await tx.query<{ user_no: string }>(
    `SELECT user_no FROM postings WHERE order_id ${anyOf('$1')}`,
    [ids],
  );
  if (known.length === 0 && credited.length === 0) return () => Promise.resolve();
  const users = new Set([...known.map((k) => k.user_no), ...credited.map((c) => c.userNo)]);
  books.creditAccounts.load(
    await select(tx, CREDIT_ACCOUNTS, `user_no ${anyOf('$1')} ORDER BY user_no FOR NO KEY UPDATE`, [
      list(users),
    ]),
  );
  return async () => {
    books.postings.load(
      await select(tx, POSTINGS, `order_id ${anyOf('$1')} ORDER BY order_id FOR NO KEY UPDATE`, [
        ids,
      ]),
    );
    const items = new Set([
      ...credited.flatMap((c) => c.items),
      ...books.postings.all().flatMap((p) => linesOf(p).map((line) => line.item)),
    ]);
    books.creditItems.load(
      await select(tx, CREDIT_ITEMS, `item ${anyOf('$1')} ORDER BY item FOR NO KEY UPDATE`, [
        list(items),
      ]),
    );
  };
}

/**
 * One posting with its account and items, known or not, locked in central's one order.
 *
 * @param sale What is told of it, where its own row may be lost
 */
export async function loadPosting(tx: Sql, orderId: string, sale?: CreditedSale): Promise<Books> {
  const books = new Books();
  const loadRest = await lockCredit(tx, books, list([orderId]), sale === undefined ? [] : [sale]);
  await loadRest();
  return books;
}
