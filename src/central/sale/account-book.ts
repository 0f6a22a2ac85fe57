import type { CreditLine } from '../../shared/sale.ts';

/**
 * What an account book promises of a posting that is sent to it under a reference.
 *
 * - `idempotent`: sent again, it posts once, and says what it said.
 * - `queryable`: sent again, it posts again; but it tells what became of a reference.
 * - `file-only`: it takes a day's file, and tells nothing; a person says what became of it.
 */
export const BOOK_MANNERS = ['idempotent', 'queryable', 'file-only'] as const;
export type BookManner = (typeof BOOK_MANNERS)[number];

/** One posting as an account book takes it. */
export interface BookPosting {
  /** Its number in the book; made once, stored before anything is sent. */
  readonly reference: string;
  readonly orderId: string;
  readonly userNo: string;
  readonly payee: string;
  readonly amountFen: number;
  readonly lines: readonly CreditLine[];
  /** When the wallet took the money, and its number of the payment. */
  readonly paidMs: number;
  readonly walletNumber: string;
}

/** What a book says of a posting. `unheard`: it does not know the reference (yet). */
export type BookAnswer =
  | { readonly kind: 'posted'; /** The book's own number for it. */ readonly voucher: string }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'unheard' }
  | { readonly kind: 'unknown'; readonly detail: string };

/**
 * The account book that credit is posted in, where that is not central's own database: the port of
 * a company's system. Nothing here rejects.
 */
export interface AccountBook {
  /** What it declares of itself; null: it does not answer, and nothing is sent to it. */
  readonly manner: () => Promise<BookManner | null>;
  /** Sends it, once for each call. Not called of a `file-only` book. */
  readonly send: (posting: BookPosting) => Promise<BookAnswer>;
  /**
   * What became of a posting, by its reference; never posts anything. `posted` is said of its very
   * sum only.
   */
  readonly ask: (posting: Pick<BookPosting, 'reference' | 'amountFen'>) => Promise<BookAnswer>;
}
