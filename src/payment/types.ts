import type { Failure } from '../shared/errors.ts';
import type { ProviderKind } from '../shared/contract.ts';

/** Our number for one attempt to collect an order's money; made and stored before the first request that carries it. */
export interface AttemptRef {
  readonly outTradeNo: string;
  readonly amountFen: number;
}
export interface CreateRequest extends AttemptRef {
  /** At most 127 characters, shown in the customer's wallet; no personal data. */
  readonly description: string;
  /** Wall-clock end of the payment window. */
  readonly expiresAtMs: number;
}
/** unknown: ask again (same number, same parameters), never treat as refused. */
export type CreateResult =
  | { readonly kind: 'pending'; readonly qrText: string }
  | { readonly kind: 'paid' }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'unknown'; readonly failure: Failure };

/**
 * paid: captured, with the amount that the provider states · paying: the customer is paying now · pending: nothing
 * yet (also: no such trade before the first scan, where the provider works so) · closed: can never be paid any more ·
 * refunded: was paid, and a refund exists · not-found: the provider has no such number.
 */
export type QueryResult =
  | { readonly kind: 'paid'; readonly transactionId: string; readonly amountFen: number; readonly paidAtMs: number | null }
  | { readonly kind: 'refunded'; readonly transactionId: string; readonly amountFen: number }
  | { readonly kind: 'paying' }
  | { readonly kind: 'pending' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'unknown'; readonly failure: Failure };

/** closed: the provider accepted the close (still query afterwards) · paid: too late, it is paid. */
export type CloseResult = { readonly kind: 'closed' } | { readonly kind: 'paid' } | { readonly kind: 'not-found' } | { readonly kind: 'unknown'; readonly failure: Failure };

export interface RefundRequest extends AttemptRef {
  /** The refund's own number, the same on every retry: one number, at most one refund. */
  readonly outRefundNo: string;
  readonly refundFen: number;
  readonly reason: string;
}
/** accepted: on its way, ask {@link PaymentProvider.queryRefund} · refused: definite, park it. */
export type RefundResult = { readonly kind: 'accepted' | 'done'; readonly refundId: string } | { readonly kind: 'refused'; readonly failure: Failure } | { readonly kind: 'unknown'; readonly failure: Failure };
/** abnormal: the provider cannot hand it back by itself (closed, abnormal account): park it. */
export type RefundQueryResult =
  | { readonly kind: 'done'; readonly refundId: string; readonly refundFen: number }
  | { readonly kind: 'processing'; readonly refundId: string }
  | { readonly kind: 'abnormal'; readonly failure: Failure }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'unknown'; readonly failure: Failure };

/** A payment provider. No call throws; none is retried inside: the kiosk asks again. Every answer is verified before it is believed. */
export interface PaymentProvider {
  readonly kind: ProviderKind;
  readonly create: (request: CreateRequest) => Promise<CreateResult>;
  readonly query: (attempt: AttemptRef) => Promise<QueryResult>;
  readonly close: (attempt: AttemptRef) => Promise<CloseResult>;
  readonly refund: (request: RefundRequest) => Promise<RefundResult>;
  readonly queryRefund: (request: RefundRequest) => Promise<RefundQueryResult>;
}
