import type { z } from 'zod';
import type {
  AccountAnswer,
  CardKeyAnswer,
  CardKeyRequest,
  ClaimAnswer,
  ClaimKind,
  CommandsAnswer,
  CreditAccount,
  CreditPostRequest,
  CreditQuoteRequest,
  CreditWord,
  EpochRequest,
  Heartbeat,
  FirmCredit,
  LedgerRow,
  MyAccount,
  MyAccountRequest,
  OrderStatus,
  ClaimTold,
  Quote,
  QuoteRequest,
  RequestStatus,
  UploadAnswer,
  UploadRequest,
} from '../shared/central-api/index.ts';
import type { Failure } from '../shared/errors.ts';
import type { Slot } from '../shared/requests.ts';
import type { IssuedPolicy } from '../shared/policy.ts';
import type { Result } from '../shared/result.ts';

export type UploadResult =
  | { readonly kind: 'acked'; readonly answer: UploadAnswer }
  | { readonly kind: 'gap'; readonly expectedSeq: number }
  | { readonly kind: 'fork'; readonly failure: Failure }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'away'; readonly failure: Failure };

/**
 * Card keys at central. Nothing is retried, kept or logged. CARD-0206: central refuses; CARD-0201:
 * the card's own MAC does not hold; BILL-0101: away.
 */
export interface CardKeyClient {
  readonly cardKey: (request: CardKeyRequest) => Promise<Result<CardKeyAnswer, Failure>>;
}

/** What is asked and told of requests; as {@link BillingClient}. */
export interface RequestClient {
  /** Half days of a category that are full. */
  readonly fullSlots: (category: string) => Promise<Result<readonly Slot[], Failure>>;
  /** How a request stands, by the digits of its slip and the end of its telephone number. */
  readonly status: (ref: string, last4: string) => Promise<Result<RequestStatus | null, Failure>>;
  /** What was sealed for it; idempotent. REQ-0103: central does not take it. */
  readonly sendSealed: (number: string, sealed: string) => Promise<Result<void, Failure>>;
}

/**
 * Client of the central billing API. No call throws or retries. BILL-0101 = away (ask again); a
 * SALE code = central's own refusal.
 */
export interface BillingClient {
  readonly requests: RequestClient;
  readonly account: (cardNo: string) => Promise<Result<AccountAnswer, Failure>>;
  readonly quote: (request: QuoteRequest) => Promise<Result<Quote, Failure>>;
  /** Gives a firm quote back; idempotent. */
  readonly release: (orderId: string) => Promise<Result<void, Failure>>;
  /**
   * The claim to finish or refund an order in doubt. `claimMs`: of a refund claim, see
   * `claimRequestSchema`. BILL-0101 away, 0105 another holder, 0106 delivered already, 0107 being
   * refunded, 0108 not in doubt, 0110 left to a person, 0111 not proven. Idempotent.
   *
   * @param sure of a refund claim: how sure it is that nothing was written; of a write claim: that a
   *   delivered order is unwritten
   */
  readonly claim: (
    orderId: string,
    kind: ClaimKind,
    cardNo: string,
    claimMs?: number | null,
    sure?: ClaimTold | null,
  ) => Promise<Result<ClaimAnswer, Failure>>;
  /**
   * What the holder of the card in the reader, or of a user number with its telephone's last four
   * digits, is told of his account. null: no such account, or not those digits.
   */
  readonly myAccount: (asked: MyAccountRequest) => Promise<Result<MyAccount | null, Failure>>;
  /** The account behind a user number. SALE-0119: there is none. */
  readonly creditAccount: (userNo: string) => Promise<Result<CreditAccount, Failure>>;
  /** A firm quote for items of it, all or none. SALE-0120: one of them is not to be had so. */
  readonly creditQuote: (request: CreditQuoteRequest) => Promise<Result<FirmCredit, Failure>>;
  /**
   * Asks that a paid order be posted; asked again it gives the same. BILL-0111: its payment is not
   * proven at central (yet). No failure says that it was not posted: only the words `refused` and
   * `void` do.
   */
  readonly creditPost: (
    orderId: string,
    request: CreditPostRequest,
  ) => Promise<Result<CreditWord, Failure>>;
  /** Asks that an order be never posted; the answer says what it is. */
  readonly creditVoid: (orderId: string) => Promise<Result<CreditWord, Failure>>;
  /** How the machine stands. A central that does not know of heartbeats refuses it: BILL-0102. */
  readonly heartbeat: (beat: Heartbeat) => Promise<Result<void, Failure>>;
  /** What central wants this terminal to know, and its granted epoch. */
  readonly commands: () => Promise<Result<CommandsAnswer, Failure>>;
  /** Asks for a new epoch. null: not granted yet, ask again. */
  readonly requestEpoch: (request: EpochRequest) => Promise<Result<number | null, Failure>>;
  /** Orders under the twelve digits of a slip. */
  readonly ordersByRef: (ref: string) => Promise<Result<readonly OrderStatus[], Failure>>;
  /** Central's entries of this terminal's captures and refunds of a China day (`YYYY-MM-DD`). */
  readonly ledger: (date: string) => Promise<Result<readonly LedgerRow[], Failure>>;
  /** Without events: says where the journal stands, `fromSeq` − 1 with `prevHash`. */
  readonly upload: (request: Omit<UploadRequest, 'headSig'>) => Promise<UploadResult>;
  /** The policy, its signature verified; `raw` is the signed form to keep. */
  readonly policy: () => Promise<Result<{ policy: IssuedPolicy; raw: string }, Failure>>;
  /** Checks a kept policy again (after a restart). */
  readonly verifyPolicy: (raw: string) => Result<IssuedPolicy, Failure>;
  readonly time: () => Promise<Result<{ serverTimeMs: number; roundTripMs: number }, Failure>>;
}

/** One signed exchange with central, its answer as the schema has it. */
export type Ask = <T>(
  method: 'GET' | 'POST',
  path: string,
  schema: z.ZodType<T>,
  body?: unknown,
) => Promise<Result<T, Failure>>;
