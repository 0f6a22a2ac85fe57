import { sameName } from '../../shared/same-name.ts';
import { chinaDayMs, DAY_MS } from '../../shared/time.ts';
import { loadPosting } from '../books/load-credit.ts';
import { enterPosting, refusePosting } from '../books/postings.ts';
import { write } from '../books/write.ts';
import { lifeSince } from '../db/lives.ts';
import { select } from '../db/sets.ts';
import { numOrNull } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import type { BookManner, BookPosting } from './account-book.ts';
import { bookPosting, isRemade } from './credit-sender.ts';
import { POSTINGS } from './credit-tables.ts';
import type { PostingRow } from './credit-tables.ts';

/** How a posting stands with the account book outside. */
export interface UnderWay {
  readonly posting: PostingRow;
  readonly manner: BookManner | null;
  /** Null: it was not sent yet. */
  readonly sentMs: number | null;
  /** What the book said last; null: nothing. */
  readonly said: string | null;
  /** What the first of two persons says of it; null: nobody did. */
  readonly asked: {
    readonly word: BookWord;
    readonly voucher: string;
    readonly who: string;
  } | null;
}
/** What became of a posting, as the company's own books show. */
export const BOOK_WORDS = ['posted', 'refused'] as const;
export type BookWord = (typeof BOOK_WORDS)[number];

/** Null: it is not under way. */
export async function underWay(sql: Sql, orderId: string): Promise<UnderWay | null> {
  const [posting] = await select(sql, POSTINGS, `order_id = $1 AND state = 'posting'`, [orderId]);
  if (posting === undefined) return null;
  const [row] = await sql.query<Record<string, unknown>>(
    'SELECT * FROM postings WHERE order_id = $1',
    [orderId],
  );
  const text = (name: string): string | null =>
    typeof row?.[name] === 'string' ? row[name] : null;
  const word = text('asked') as BookWord | null;
  return {
    posting,
    manner: text('book_manner') as BookManner | null,
    sentMs: numOrNull(row?.['book_sent_ms']),
    said: text('book_said'),
    asked:
      word === null
        ? null
        : { word, voucher: text('asked_voucher') ?? '', who: text('asked_who') ?? '' },
  };
}

/** A person's word on a posting that no program can find out about. */
export interface BookDecision {
  readonly orderId: string;
  readonly word: BookWord;
  /** The book's own number; of `posted` it is never empty. */
  readonly voucher: string;
  readonly who: string;
  readonly why: string;
}
/** `asked`: a second one says the same, then it counts. `other`: he said something else. */
export type BookDecided = 'done' | 'asked' | 'same-person' | 'other' | 'gone';

/**
 * Two persons who looked into the company's books say what became of a posting: it is as final as
 * the book's own word, and the money stays or goes back by it. One alone decides nothing; two who
 * say different things begin anew.
 */
export const decideBook = (db: Db, told: BookDecision, nowMs: number): Promise<BookDecided> =>
  db.transaction(async (tx) => {
    const { orderId, word, voucher, who, why } = told;
    const books = await loadPosting(tx, orderId);
    const waits = await underWay(tx, orderId);
    if (waits === null) return 'gone';
    const { asked, posting } = waits;
    if (asked !== null && sameName(asked.who, who)) return 'same-person';
    if (asked?.word !== word || asked.voucher !== voucher) {
      await tx.query(
        `UPDATE postings SET asked = $2, asked_voucher = $3, asked_who = $4, asked_why = $5
         WHERE order_id = $1`,
        asked === null ? [orderId, word, voucher, who, why] : [orderId, null, null, null, null],
      );
      return asked === null ? 'asked' : 'other';
    }
    if (word === 'refused') refusePosting(books, orderId, 'account', nowMs);
    else enterPosting(books, orderId, { reference: posting.reference ?? '', postedMs: nowMs });
    await write(tx, posting.terminal_id, books);
    await tx.query(
      'UPDATE postings SET voucher = $2, decided_who = $3, decided_why = $4 WHERE order_id = $1',
      [orderId, word === 'posted' ? voucher : null, who, why],
    );
    return 'done';
  });

/** What was marked for the account book's file on a China day, oldest first; whatever became of it. */
export async function sentOn(
  db: Db,
  date: string,
  nowMs: number,
): Promise<readonly { readonly posting: BookPosting; readonly again: boolean }[]> {
  const fromMs = chinaDayMs(date);
  const { sinceMs } = await lifeSince(db, nowMs);
  const rows = await select(
    db,
    POSTINGS,
    `book_manner = 'file-only' AND book_sent_ms >= $1 AND book_sent_ms < $2
     ORDER BY book_sent_ms, order_id`,
    [fromMs, fromMs + DAY_MS],
  );
  return rows.map((row) => ({ posting: bookPosting(row), again: isRemade(row, sinceMs) }));
}
