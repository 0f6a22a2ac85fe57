import type { AccountAnswer, Quote, QuoteRequest, UploadAnswer, UploadRequest } from '../shared/central-api.ts';
import type { Failure } from '../shared/errors.ts';
import type { Policy } from '../shared/policy.ts';
import type { Result } from '../shared/result.ts';

export type UploadResult =
  | { readonly kind: 'acked'; readonly answer: UploadAnswer }
  | { readonly kind: 'gap'; readonly expectedSeq: number }
  | { readonly kind: 'fork'; readonly failure: Failure }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'away'; readonly failure: Failure };

/** Client of the central billing API. No call throws or retries. BILL-0101 = away (ask again); a SALE code = central's own refusal. */
export interface BillingClient {
  readonly account: (cardNo: string) => Promise<Result<AccountAnswer, Failure>>;
  readonly quote: (request: QuoteRequest) => Promise<Result<Quote, Failure>>;
  /** Gives a firm quote back; idempotent. */
  readonly release: (orderId: string) => Promise<Result<void, Failure>>;
  readonly upload: (request: Omit<UploadRequest, 'headSig'>) => Promise<UploadResult>;
  /** The policy, its signature verified; `raw` is the signed form to keep. */
  readonly policy: () => Promise<Result<{ policy: Policy; raw: string }, Failure>>;
  /** Checks a kept policy again (after a restart). */
  readonly verifyPolicy: (raw: string) => Result<Policy, Failure>;
  readonly time: () => Promise<Result<{ serverTimeMs: number; roundTripMs: number }, Failure>>;
}
