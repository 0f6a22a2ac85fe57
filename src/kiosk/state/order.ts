import type { AttemptRow, OrderRow } from '../../journal/fold.ts';
import type { PayStage } from '../../payment/pace.ts';
import type {
  ChargeResult,
  CloseResult,
  CreateResult,
  QueryResult,
  RefundQueryResult,
  RefundResult,
  ReverseResult,
} from '../../payment/types.ts';
import type { ClaimKind } from '../../shared/central-api/index.ts';
import type { ProviderKind } from '../../shared/contract/index.ts';
import type { ErrorCode, Failure } from '../../shared/errors.ts';

/**
 * Both clocks at the moment of a transition. Deadlines are monotonic; only what people see is wall
 * time.
 */
export interface Now {
  readonly nowMs: number;
  readonly monoMs: number;
  /** This kiosk's own. */
  readonly terminalId: string;
}

/** What a provider is asked about an attempt. */
export type Verb = 'create' | 'charge' | 'query' | 'close' | 'reverse' | 'refund' | 'query-refund';

/** What is known of an attempt in this process only; lost at a restart, and nothing depends on it. */
export interface AttemptRun {
  readonly op: Verb | null;
  readonly retryAtMono: number;
  readonly fails: number;
  readonly qrText: string | null;
  readonly paying: boolean;
  /** It was asked about once more, since there is a reason to close it. */
  readonly askedLast: boolean;
  /** The provider accepted our close: ask whether it holds. */
  readonly closeAccepted: boolean;
  /**
   * A close was sent, or may have been by an earlier process, that found no payment: it may still
   * be under way.
   */
  readonly closeUnderWay: boolean;
  /** The provider accepted our refund: ask how it goes. */
  readonly refundAccepted: boolean;
  readonly lastFailure: Failure | null;
  /** Why the provider would not make it; told to the customer once it is closed. */
  readonly refusal: Failure | null;
  /** Since when no answer could be believed; null: the last one was. */
  readonly unknownSinceMono: number | null;
  readonly answers: number;
  /** Calls that came to an end, answered or not. */
  readonly asked: number;
  readonly startedMono: number;
  /** The customer's payment code, until it is sent; then it is forgotten. */
  readonly authCode: string | null;
  /**
   * When the code was sent; in a later process, when this attempt was first seen: a reversal keeps
   * its distance from it.
   */
  readonly chargedMono: number | null;
  /** Reversals that the provider accepted. */
  readonly reverses: number;
  /** What the provider said of an accepted reversal. */
  readonly reversedPaid: boolean;
  /** The provider does not reverse it any more: a capture is refunded like any other. */
  readonly noReverse: boolean;
  /**
   * The question under way is one that the gateway holds: nothing waits for it, and whatever is
   * asked instead takes its place.
   */
  readonly held: HeldCall | null;
  /** Questions that were to be held so far; tells the one under way from those before it. */
  readonly holds: number;
  /** For how long the next one is to be held, ms. */
  readonly holdMs: number;
  /** The next one is held from then on, at the earliest. */
  readonly holdAtMono: number;
  /**
   * The next question is a plain one, at once: the last that was held came to nothing, or the
   * customer asks himself.
   */
  readonly plainNext: boolean;
  /** How far the payment has come, and since when; null: no answer told. */
  readonly pace: { readonly stage: PayStage; readonly sinceMono: number } | null;
  /** The provider did not answer every question (too many, perhaps): it is not asked faster again. */
  readonly steady: boolean;
}

/** A question that is answered when there is news, or after `waitMs`. */
export interface HeldCall {
  readonly no: number;
  readonly sinceMono: number;
  readonly waitMs: number;
  /** What is no news. */
  readonly known: 'pending' | 'paying';
}

/**
 * For how long a question is to be held. Less than a gateway would: one that is lost on the way is
 * missed so much later.
 */
const HOLD_MS = 10_000;

/** An attempt of which this process knows nothing yet. */
export const NEW_RUN: AttemptRun = {
  op: null,
  retryAtMono: 0,
  fails: 0,
  qrText: null,
  paying: false,
  askedLast: false,
  closeAccepted: false,
  closeUnderWay: true,
  refundAccepted: false,
  lastFailure: null,
  refusal: null,
  unknownSinceMono: null,
  answers: 0,
  asked: 0,
  startedMono: 0,
  authCode: null,
  chargedMono: null,
  reverses: 0,
  reversedPaid: false,
  noReverse: false,
  held: null,
  holds: 0,
  holdMs: HOLD_MS,
  holdAtMono: 0,
  plainNext: false,
  pace: null,
  steady: false,
};

/**
 * How the customer wants to go on paying, once the attempt before it is over. Lost at a restart:
 * then the order is closed.
 */
export interface NextAttempt {
  readonly provider: ProviderKind;
  /** Null: by a QR code. */
  readonly authCode: string | null;
}

/** An order that this process still has something to do for: its rows, and what this process knows. */
export interface OpenOrder {
  readonly order: OrderRow;
  readonly attempts: readonly AttemptRow[];
  readonly runs: ReadonlyMap<string, AttemptRun>;
  readonly next: NextAttempt | null;
  /** A write is going on. */
  readonly writing: boolean;
  /** How far a write to a card has come, for the screen alone; null: there was none. */
  readonly progress: WriteProgress | null;
  /** Paid, and the card is not there: until when it is waited for before the money goes back. */
  readonly waitCardUntilMono: number | null;
  /**
   * The insertion that a later read of this order's card was already judged on, so that it is
   * judged once.
   */
  readonly judgedInsertion: number | null;
  /**
   * When this process began its first write; null: an earlier process did, or none was. Central's
   * lease to us begins there at the earliest.
   */
  readonly leaseMono: number | null;
  readonly claim: OrderClaim;
  /**
   * The last look at this order's card that showed it as it was before the write and was begun
   * under a claim of ours: a refund claim names it while that claim runs, however often it has to
   * be asked for. Over with the next write. Lost at a restart: then the card is looked at again.
   */
  readonly saw: ClaimedLook | null;
  /**
   * Central does not let the money go back on the reader's word: it waits for a person, or for the
   * card to be written after all. Lost at a restart: then central is asked again, and says so
   * again.
   */
  readonly notProven: boolean;
  /** Open before this process began: another life of this disk may have gone on with it. */
  readonly inherited: boolean;
}

/** What a write has done so far. `checking`: the card is read back, and compared. */
export interface WriteProgress {
  readonly stage: 'writing' | 'checking';
  /** Of the steps of its plan; the check is one more. */
  readonly done: number;
  readonly of: number;
}

/** A card seen as it was before the write, while nobody but this kiosk might write. */
export interface ClaimedLook {
  /** Central's time of the grant of the claim under which the read was begun. */
  readonly claimMs: number;
  /** The card itself proved it then (shared/trust.ts), which a read alone does not. */
  readonly proven: boolean;
}

/**
 * What central allows for an order in doubt. Lost at a restart: then it is asked again, and central
 * gives the same.
 */
export interface OrderClaim {
  readonly held: {
    readonly kind: ClaimKind;
    readonly untilMono: number;
    /** Central's time of the grant. */
    readonly grantedMs: number;
    /** When it was heard here: a card is seen under it by a read that was begun since. */
    readonly heardMono: number;
    /** What every kiosk kept of the order's writes, as far as central knows. */
    readonly kept?: readonly string[];
    /** Central's token for it; null: none was given. */
    readonly grant?: string | null;
  } | null;
  readonly asking: boolean;
  readonly retryAtMono: number;
  readonly fails: number;
  readonly failure: Failure | null;
  /**
   * The newest of central's refusals that end the waiting once they were said often enough, and how
   * often it was. An outage between says nothing of it, and counts neither way.
   */
  readonly refused: { readonly code: ErrorCode; readonly times: number } | null;
}

/** Nothing was asked of central yet. */
export const NO_CLAIM: OrderClaim = {
  held: null,
  asking: false,
  retryAtMono: 0,
  fails: 0,
  failure: null,
  refused: null,
};

/** What a provider answered, or that it did not. */
export type CallResult =
  | { readonly verb: 'create'; readonly result: CreateResult }
  | { readonly verb: 'charge'; readonly result: ChargeResult }
  | { readonly verb: 'reverse'; readonly result: ReverseResult }
  | {
      readonly verb: 'query';
      readonly result: QueryResult;
      /** Which held question it answers; left out: a plain one. */
      readonly hold?: number;
    }
  | { readonly verb: 'close'; readonly result: CloseResult }
  | { readonly verb: 'refund'; readonly result: RefundResult }
  | { readonly verb: 'query-refund'; readonly result: RefundQueryResult };
