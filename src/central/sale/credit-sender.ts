import type { LogFn } from '../../shared/ports.ts';
import { linesOf, loadPosting } from '../books/load-credit.ts';
import { enterPosting, refusePosting } from '../books/postings.ts';
import { write } from '../books/write.ts';
import { lifeSince } from '../db/lives.ts';
import { select } from '../db/sets.ts';
import { numOrNull } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { inTurn } from '../db/turns.ts';
import type { AccountBook, BookAnswer, BookManner, BookPosting } from './account-book.ts';
import { POSTINGS } from './credit-tables.ts';
import type { PostingRow } from './credit-tables.ts';

/** Takes postings to an account book outside, and hears what became of them. */
export interface BookSender {
  /** Goes one step on with a posting that is under way; one step at a time, whoever calls. */
  readonly deliver: (orderId: string) => Promise<void>;
  /** … with each that is due. Never rejects for one of them. */
  readonly sweep: () => Promise<void>;
}

const FIRST_LOOK_MS = 5_000;
const MAX_LOOK_MS = 3_600_000;
const SWEEP_ROWS = 50;

/**
 * The reference is stored before the one request that carries it. A second one is sent only to a
 * book that promised, then and now, to post once; another one is asked; and where asking tells
 * nothing, a person decides. A row that a restored database made anew may have been sent before: it
 * is asked about first, or left to a person.
 */
export function bookSender(
  db: () => Db,
  book: AccountBook,
  now: () => number,
  log?: LogFn,
): BookSender {
  const turn = inTurn(db);
  const deliver = (orderId: string): Promise<void> =>
    turn(`posting ${orderId}`, () => step(orderId));

  async function step(orderId: string): Promise<void> {
    const manner = await book.manner();
    const { sinceMs } = await lifeSince(db(), now());
    const next = await db().transaction((tx) => nextOf(tx, orderId, { manner, sinceMs }, now()));
    if (next === null) return;
    if (next.do === 'send') return end(orderId, await book.send(next.posting));
    const told = await book.ask(next.posting);
    if (told.kind !== 'unheard' || !next.first) return end(orderId, told);
    // Never sent, as the book says itself: from here on it may have been.
    await markSent(db(), orderId, 'queryable', now());
    await end(orderId, await book.send(next.posting));
  }

  /** What the book said counts, once. */
  const end = (orderId: string, told: BookAnswer): Promise<void> =>
    db().transaction(async (tx) => {
      const books = await loadPosting(tx, orderId);
      const posting = books.postings.get(orderId);
      if (posting?.state !== 'posting') return;
      if (told.kind === 'posted' || told.kind === 'refused') {
        if (told.kind === 'refused') refusePosting(books, orderId, 'account', now());
        else
          enterPosting(books, orderId, {
            reference: posting.reference ?? '',
            postedMs: now(),
          });
        await write(tx, posting.terminal_id, books);
      }
      await tx.query(
        `UPDATE postings SET book_said = $2, voucher = $3, book_look_ms = $4 WHERE order_id = $1`,
        [
          orderId,
          told.kind === 'unknown' || told.kind === 'refused'
            ? `${told.kind}: ${told.detail}`.slice(0, 300)
            : told.kind,
          told.kind === 'posted' ? told.voucher : null,
          told.kind === 'posted' || told.kind === 'refused' ? null : later(posting, now()),
        ],
      );
    });

  const sweep = async (): Promise<void> => {
    const due = await db().query<{ order_id: string }>(
      `SELECT order_id FROM postings WHERE state = 'posting' AND COALESCE(book_look_ms, 0) <= $1
       ORDER BY COALESCE(book_look_ms, 0), order_id LIMIT ${SWEEP_ROWS}`,
      [now()],
    );
    for (const { order_id } of due)
      await deliver(order_id).catch((cause: unknown) =>
        log?.('error', 'central', cause instanceof Error ? cause.message : String(cause), cause),
      );
  };
  return { deliver, sweep };
}

/** As far away as it has stood still, within bounds. */
const later = ({ posting_ms }: PostingRow, nowMs: number): number =>
  nowMs + Math.min(MAX_LOOK_MS, Math.max(FIRST_LOOK_MS, nowMs - (posting_ms ?? nowMs)));

type Next =
  | { readonly do: 'send'; readonly posting: BookPosting }
  /** `first`: of a posting that this database never sent, as far as it knows. */
  | { readonly do: 'ask'; readonly first: boolean; readonly posting: BookPosting };

/** What may be done with it now; null: nothing, or not by a program. */
async function nextOf(
  tx: Sql,
  orderId: string,
  { manner, sinceMs }: { readonly manner: BookManner | null; readonly sinceMs: number },
  nowMs: number,
): Promise<Next | null> {
  const [row] = await select(tx, POSTINGS, 'order_id = $1 FOR NO KEY UPDATE', [orderId]);
  if (row?.state !== 'posting') return null;
  const [sent] = await tx.query<{ book_manner: BookManner | null; book_sent_ms: unknown }>(
    'SELECT book_manner, book_sent_ms FROM postings WHERE order_id = $1',
    [orderId],
  );
  await tx.query('UPDATE postings SET book_look_ms = $2 WHERE order_id = $1', [
    orderId,
    later(row, nowMs),
  ]);
  if (manner === null) return null;
  const posting = bookPosting(row);
  if (numOrNull(sent?.book_sent_ms) === null) {
    if (isRemade(row, sinceMs) && manner === 'queryable')
      return { do: 'ask', first: true, posting };
    await markSent(tx, orderId, manner, nowMs);
    return manner === 'file-only' ? null : { do: 'send', posting };
  }
  if (manner === 'file-only') return null;
  const again = manner === 'idempotent' && sent?.book_manner === 'idempotent';
  return again ? { do: 'send', posting } : { do: 'ask', first: false, posting };
}

/**
 * Its row came back by a token, or with a backup: whether it was sent since, only the book knows.
 *
 * @param sinceMs when this life of the database began
 */
export const isRemade = (
  row: Pick<PostingRow, 'request' | 'opened_ms'>,
  sinceMs: number,
): boolean => row.request === null || row.opened_ms < sinceMs;

const markSent = (sql: Sql, orderId: string, manner: BookManner, nowMs: number) =>
  sql.query(
    `UPDATE postings SET book_manner = $2, book_sent_ms = $3
     WHERE order_id = $1 AND book_sent_ms IS NULL`,
    [orderId, manner, nowMs],
  );

/** As it goes out. */
export const bookPosting = (row: PostingRow): BookPosting => ({
  reference: row.reference ?? '',
  orderId: row.order_id,
  userNo: row.user_no,
  payee: row.payee,
  amountFen: row.amount_fen,
  lines: linesOf(row),
  paidMs: row.paid_ms ?? 0,
  walletNumber: row.wallet_number ?? '',
});
