import type { Failure } from '../shared/errors.ts';
import type { PaymentEvidence, WalletAnswer } from '../shared/evidence.ts';
import type { Result } from '../shared/result.ts';
import type { ProviderKind } from '../shared/contract/index.ts';

/**
 * Our number for one attempt to collect an order's money; made and stored before the first request
 * that carries it.
 */
export interface AttemptRef {
  readonly outTradeNo: string;
  readonly amountFen: number;
  /**
   * Absent: the customer scans our QR code. `code`: we scanned the customer's; a failed payment is
   * then the trade's end, since a code is good for one try.
   */
  readonly method?: 'code';
  /**
   * As it was given to `create`: some providers know a trade by its number and its day only. Left
   * out: it is looked for in the last days.
   */
  readonly expiresAtMs?: number;
}
/** What a QR code, or an order in the wallet's own browser, is made for. */
export interface CreateRequest extends AttemptRef {
  /** The order that it pays, for whoever keeps it (the gateway); wallets are not told. */
  readonly orderId?: string;
  /** Whose money it is, for the gateway that collects for several; left out: the house's. */
  readonly payee?: string;
  /** At most 127 characters, shown in the customer's wallet; no personal data. */
  readonly description: string;
  /** Wall-clock end of the payment window. */
  readonly expiresAtMs: number;
  /** What the gateway's page names, so that a code shown elsewhere is seen for what it is. */
  readonly page?: PageWords;
}
/** Whose machine asks, and for which card. */
export interface PageWords {
  /** The hall's name and the machine's. */
  readonly hall: string;
  /** Masked; null: the sale is to no card. */
  readonly card: string | null;
}
/** unknown: ask again (same number, same parameters), never treat as refused. */
export type CreateResult =
  | { readonly kind: 'pending'; readonly qrText: string }
  | { readonly kind: 'paid' }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'unknown'; readonly failure: Failure };

export interface ChargeRequest extends AttemptRef {
  /** As in {@link CreateRequest}; so is the payee. */
  readonly orderId?: string;
  readonly payee?: string;
  readonly method: 'code';
  /** The digits of the customer's payment code. Never stored, logged or shown; sent once. */
  readonly authCode: string;
  /** At most 127 characters, shown in the customer's wallet; no personal data. */
  readonly description: string;
}
/** Captured, with the amount that the provider states. */
export interface Paid {
  readonly kind: 'paid';
  readonly transactionId: string;
  readonly amountFen: number;
  readonly paidAtMs: number | null;
  /** By which central believes it; left out: this provider's answers prove nothing to others. */
  readonly evidence?: PaymentEvidence;
}

/**
 * paid: captured · paying: the customer types a password · refused: definite, by a verified answer:
 * this request took nothing (PAY-04xx says why in words for the customer) · unknown: never sent
 * again, the query tells.
 */
export type ChargeResult =
  | Paid
  | { readonly kind: 'paying' }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'unknown'; readonly failure: Failure };

/**
 * The end of a code payment that must not count any more: an unpaid one is closed, a paid one is
 * handed back whole. reversed: accepted (still query afterwards), `refunded` where the provider
 * says whether money went back · not-found: the provider has no such number · refused: cannot be
 * reversed any more; if it was paid, refund it.
 */
export type ReverseResult =
  | { readonly kind: 'reversed'; readonly refunded: boolean | null }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'refused' | 'unknown'; readonly failure: Failure };

/** What a provider that takes the customer's payment code offers beside the QR code. */
export interface CodePay {
  readonly charge: (request: ChargeRequest) => Promise<ChargeResult>;
  readonly reverse: (attempt: AttemptRef) => Promise<ReverseResult>;
  /** A reversal earlier than this after the charge is refused by the provider's rules. */
  readonly reverseAfterMs: number;
}

/**
 * Payment inside the wallet's own browser, where a link to a QR code opens nothing: the order is
 * made for one payer, and the page hands it to the wallet.
 */
export interface BrowserPay {
  /**
   * Where the browser goes so that the wallet tells who pays, without asking him. It comes back to
   * `returnUrl` with a `code` and the `state` (letters and digits, at most 128).
   */
  readonly authorizeUrl: (returnUrl: string, state: string) => string;
  /**
   * Who pays, as the wallet calls him to this merchant; a code is good for one question. It is
   * told to the wallet again, and to nobody else. Failed: the customer begins again.
   */
  readonly payerOf: (code: string) => Promise<Result<string, Failure>>;
  /** As `create`, for one payer: nobody else can pay it. */
  readonly create: (request: CreateRequest, payer: string) => Promise<BrowserCreateResult>;
}
/** `invoke`: what the page hands to the wallet's bridge, signed by the merchant. */
export type BrowserCreateResult =
  | { readonly kind: 'pending'; readonly invoke: Readonly<Record<string, string>> }
  | Exclude<CreateResult, { readonly kind: 'pending' }>;

/** One line of a provider's daily bill. `reversal`: a code payment that was taken back. */
export interface BillRow {
  readonly kind: 'payment' | 'refund' | 'reversal';
  readonly outTradeNo: string;
  readonly transactionId: string;
  /** Of a refund: our number; empty otherwise. */
  readonly outRefundNo: string;
  /** Taken, or handed back; always positive. */
  readonly amountFen: number;
  readonly atMs: number;
  /**
   * Of money that was to go back. Left out: it went back · pending: under way · failed: it did not
   * reach the customer, who is still owed it.
   */
  readonly outcome?: 'pending' | 'failed';
}
/**
 * not-ready: the provider makes it later in the day · none: it has none of that day, since nothing
 * happened or since it is late: against money that is known here, ask again.
 */
export type BillResult =
  | {
      readonly kind: 'bill';
      readonly rows: readonly BillRow[];
      /**
       * Our numbers of these days that no bill lists, whatever became of them: their wallet makes
       * none.
       */
      readonly unlisted?: readonly string[];
      /**
       * Our numbers that this bill cannot tell of yet: their row is not readable, or their wallet's
       * bill is not there. Nobody is accused of them; ask again. They may also be `unlisted`, for
       * those who do not know this.
       */
      readonly awaited?: readonly string[];
      /** Why they are awaited. Left out: their wallet says that nothing happened on that day. */
      readonly failure?: Failure;
    }
  | { readonly kind: 'none' }
  | { readonly kind: 'not-ready'; readonly failure: Failure }
  | { readonly kind: 'unknown'; readonly failure: Failure };

/**
 * paid: captured, with the amount that the provider states · paying: the customer is paying now ·
 * pending: nothing yet (also: no such trade before the first scan, where the provider works so) ·
 * closed: can never be paid any more · refunded: was paid, and a refund exists · not-found: the
 * provider has no such number.
 */
export type QueryResult =
  | Paid
  | {
      readonly kind: 'refunded';
      readonly transactionId: string;
      readonly amountFen: number;
      /** The provider says that all of it went back. */
      readonly whole?: boolean;
    }
  | { readonly kind: 'paying' }
  | { readonly kind: 'pending' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'unknown'; readonly failure: Failure };

/** closed: the provider accepted the close (still query afterwards) · paid: too late, it is paid. */
export type CloseResult =
  | { readonly kind: 'closed' }
  | { readonly kind: 'paid' }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'unknown'; readonly failure: Failure };

export interface RefundRequest extends AttemptRef {
  /** The refund's own number, the same on every retry: one number, at most one refund. */
  readonly outRefundNo: string;
  readonly refundFen: number;
  readonly reason: string;
}
/** accepted: on its way, ask {@link PaymentProvider.queryRefund} · refused: definite, park it. */
export type RefundResult =
  | { readonly kind: 'accepted' | 'done'; readonly refundId: string }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'unknown'; readonly failure: Failure };
/** abnormal: the provider cannot hand it back by itself (closed, abnormal account): park it. */
export type RefundQueryResult =
  | { readonly kind: 'done'; readonly refundId: string; readonly refundFen: number }
  | { readonly kind: 'processing'; readonly refundId: string }
  | { readonly kind: 'abnormal'; readonly failure: Failure }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'unknown'; readonly failure: Failure };

/**
 * A payment provider. No call throws; none is retried inside: the kiosk asks again. Every answer is
 * verified before it is believed.
 */
export interface PaymentProvider {
  readonly kind: ProviderKind;
  readonly create: (request: CreateRequest) => Promise<CreateResult>;
  readonly query: (attempt: AttemptRef) => Promise<QueryResult>;
  /**
   * A query whose answer may be held until it says something else than is known, for at most
   * `waitMs`. What is held stands in nobody's way: the same payment may be asked about, closed or
   * reversed meanwhile. One that is not held is answered at once. Absent: nothing is held here.
   */
  readonly hold?: (
    attempt: AttemptRef,
    hold: { readonly waitMs: number; readonly known: 'pending' | 'paying' },
  ) => Promise<QueryResult>;
  readonly close: (attempt: AttemptRef) => Promise<CloseResult>;
  readonly refund: (request: RefundRequest) => Promise<RefundResult>;
  readonly queryRefund: (request: RefundRequest) => Promise<RefundQueryResult>;
  /** Absent: it only shows QR codes. */
  readonly code?: CodePay;
  /** Absent: in its own browser, too, it is paid by a link. */
  readonly browser?: BrowserPay;
  /**
   * A close may hand back a payment that it meets on its way, and may do so after its answer was
   * given up: once one was sent that was not answered by "it is paid", a capture that shows is not
   * to be built on. Absent: a close never moves money.
   */
  readonly closeMayHandBack?: true;
  /**
   * What was made for a QR code is no trade until somebody scans it: a query says not-found, and
   * the code may be paid all the same. A close marks the number, so that it is not. Absent: what
   * was made is known at once.
   */
  readonly unseenBeforeScan?: true;
  /**
   * The bill of a day (`YYYY-MM-DD`, China's), checked against its hash where the provider gives
   * one.
   */
  readonly downloadBill?: (date: string) => Promise<BillResult>;
  /**
   * Which payment a callback speaks of, once all of it holds. Absent: none is taken. It is a hint
   * and no answer: the provider is asked about that payment all the same.
   *
   * @param header a request header by its lower-case name
   */
  readonly readCallback?: (
    header: (name: string) => string | null,
    body: Uint8Array,
  ) => Result<{ readonly outTradeNo: string }, Failure>;
  /**
   * What one of this provider's answers proves, whenever it is looked at: its signature, merchant
   * and form hold, and it says that the money was taken. `unknown-key`: it may be true; the key is
   * not known here (yet). Absent: its answers prove nothing to who did not ask.
   */
  /**
   * Its answers prove a capture to nobody else: what central believes by evidence only is not sold
   * by it. Left out: they do.
   */
  readonly provesNothing?: true;
  readonly readEvidence?: (evidence: WalletAnswer) => Result<Capture, 'unknown-key' | 'not-proven'>;
}

/** What a wallet's signed answer says was captured. */
export interface Capture {
  readonly outTradeNo: string;
  readonly transactionId: string;
  readonly amountFen: number;
  /** When the wallet took it; null: it does not say. */
  readonly paidMs: number | null;
}
