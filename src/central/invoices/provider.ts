import type { Buyer } from './title.ts';

/**
 * Who issues invoices: a tax service of the company's, behind one port. Every request has an id of
 * ours; under one id at most one invoice is ever issued, however often it is asked for.
 */

/** One line of an invoice; sums with tax in them, fen. */
export interface InvoiceLine {
  readonly classCode: string;
  readonly name: string;
  /** What it is for, e.g. a bill's period; empty: nothing. */
  readonly spec: string;
  /** Both or neither. Decimal, as a meter counts it. */
  readonly quantity: string | null;
  readonly unit: string | null;
  readonly amountFen: number;
  readonly tax:
    | { readonly kind: 'taxed'; readonly rateE4: number }
    | { readonly kind: 'exempt' | 'not-taxed' };
}

/** What stands on an invoice beside its buyer. Kept with the request. */
export interface InvoiceBody {
  readonly seller: {
    readonly name: string;
    readonly taxNo: string;
    readonly issuer?: string | undefined;
  };
  readonly lines: readonly InvoiceLine[];
  readonly remark: string;
}
/** A blue invoice that is wanted. */
export interface BlueRequest extends InvoiceBody {
  readonly requestId: string;
  readonly amountFen: number;
  /** When it was asked for, by central's clock. */
  readonly askedMs: number;
  readonly buyer: Buyer;
}
/** The tax office's reasons to take one back: `title`: it was made out wrong · `money-back`. */
export type RedReason = 'title' | 'money-back';
/** A red one: takes a blue one back, whole. */
export interface RedRequest {
  readonly requestId: string;
  /** The blue one's request and number. */
  readonly ofRequest: string;
  readonly number: string;
  readonly amountFen: number;
  /** When it was asked for, by central's clock. */
  readonly askedMs: number;
  readonly reason: RedReason;
}

/** What stands on the provider's side of one request. */
export type InvoiceAnswer =
  | {
      readonly kind: 'issued';
      /** Twenty digits. */
      readonly number: string;
      readonly issuedMs: number;
      /** Where its picture (PDF) is. */
      readonly url: string;
      /** Whose title it has: of a request that was known already, the first one's. */
      readonly buyerName: string;
    }
  | { readonly kind: 'pending'; readonly detail: string }
  /** Not issued, and under this id it never will be. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The provider knows no such id (yet). Said to a question only. */
  | { readonly kind: 'unheard' }
  | { readonly kind: 'unknown'; readonly detail: string };

/** The port. Nothing here rejects. */
export interface InvoiceProvider {
  readonly blue: (request: BlueRequest) => Promise<InvoiceAnswer>;
  readonly red: (request: RedRequest) => Promise<InvoiceAnswer>;
  /** What became of a request; asks for nothing. `issued` is said of its very sum only. */
  readonly query: (asked: Pick<BlueRequest, 'requestId' | 'amountFen'>) => Promise<InvoiceAnswer>;
}
