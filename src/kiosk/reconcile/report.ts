import type { BillResult } from '../../payment/types.ts';

/** What in bill, journal and ledger may not agree. `bill-missing`: a bill that never came. */
export const DIFFERENCES = [
  'captured-no-order',
  'order-not-captured',
  'amount-differs',
  'refund-missing',
  'refund-unknown',
  'refund-failed',
  'reversed-but-paid',
  'ledger-missing',
  'ledger-differs',
  'bill-missing',
  'not-yet',
] as const;
export type DifferenceType = (typeof DIFFERENCES)[number];

/**
 * What the system does about it by itself. nothing: it cannot · asks-again: the provider is asked
 * about this attempt for as long as it could still take money · refunding: the money is going back
 * · parked: held for a person, in plain sight · settled: a person ended it in maintenance mode ·
 * uploads: the fact waits to be sent · waits: a later bill will tell.
 */
export const DEEDS = [
  'nothing',
  'asks-again',
  'refunding',
  'parked',
  'settled',
  'uploads',
  'waits',
] as const;
export type Deed = (typeof DEEDS)[number];

/** One thing in which bill, journal and ledger do not agree. */
export interface Difference {
  readonly type: DifferenceType;
  readonly provider: string;
  readonly outTradeNo: string;
  /** Null: no order of this journal. */
  readonly orderId: string | null;
  readonly attemptId: string | null;
  readonly journalFen: number | null;
  readonly billFen: number | null;
  readonly ledgerFen: number | null;
  readonly did: Deed;
  /** Somebody must look: it does not go away by itself. */
  readonly person: boolean;
}

export interface Sum {
  readonly count: number;
  readonly fen: number;
}
/**
 * compared: there was a bill · nothing: the provider says that nothing happened, and nothing here
 * gainsays it · not-ready, unknown: ask again later · not-offered: this provider has no bill ·
 * not-configured: money of this day went through a provider that is no longer configured.
 */
export type BillState =
  | 'compared'
  | 'nothing'
  | 'not-ready'
  | 'unknown'
  | 'not-offered'
  | 'not-configured';
export interface ProviderDay {
  readonly provider: string;
  readonly bill: BillState;
  /**
   * Everything that this provider's bills are compared with was there, or what was not is handed to
   * a person (`bill-missing`).
   */
  readonly complete: boolean;
  /** Why there is no bill, for a technician. */
  readonly detail: string | null;
  /** This terminal's rows of the bill. */
  readonly payments: Sum;
  readonly refunds: Sum;
  readonly reversals: Sum;
  /** Rows under the same merchant number that are not this terminal's. */
  readonly others: Sum;
}
export type LedgerState = 'compared' | 'away';
/** A day of one provider, compared. */
export interface DayReport {
  readonly date: string;
  readonly terminalId: string;
  readonly providers: readonly ProviderDay[];
  readonly ledger: LedgerState;
  /** Why central's ledger is not there, for a technician. */
  readonly ledgerDetail: string | null;
  readonly differences: readonly Difference[];
  /** All that there is to compare was compared. False: ask again later. */
  readonly complete: boolean;
  /** Differences that a person must look at. */
  readonly persons: number;
}

/**
 * A provider's bill of a day: as downloaded, or `later`: that day is not over, or its bill was not
 * asked for.
 */
export type BillOf =
  | BillResult
  | { readonly kind: 'later' }
  | { readonly kind: 'not-offered' }
  | { readonly kind: 'not-configured' };
