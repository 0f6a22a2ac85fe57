import type { RequestStatus } from '../../shared/central-api/index.ts';
import type { ErrorCode, Failure } from '../../shared/errors.ts';
import type { RequestStep, Slot } from '../../shared/requests.ts';
import type { Result } from '../../shared/result.ts';

/** How the paper goes; `none`: there is no printer. */
export type SlipState = 'none' | 'printing' | 'printed' | 'partly' | 'failed';

/** What the customer has told so far. `phone` is in no log, no fact and no snapshot. */
export interface RequestForm {
  /** The policy's id; null: not chosen yet. */
  readonly category: string | null;
  /** The id of one of its choices. */
  readonly choice: string | null;
  readonly slot: Slot | null;
  readonly phone: string;
  /** Null: not told. */
  readonly userNo: string | null;
}

/** One that was made in this visit: durable. */
export interface MadeRequest {
  readonly number: string;
  readonly dueMs: number;
  readonly slip: SlipState;
}

/** The request that was asked about, and what central said. */
export interface RequestLook {
  readonly ref: string;
  /** The digits that were told with it. */
  readonly last4: string;
  readonly answer: 'asking' | 'known' | 'not-found' | 'no-answer';
  readonly found: RequestStatus | null;
}

/** A customer asks for something, or how something stands. */
export interface RequestSession {
  readonly at: 'request';
  readonly step: RequestStep | 'made' | 'find' | 'status';
  /** Of the menu. */
  readonly page: number;
  readonly form: RequestForm;
  /** Half days that central says are full; null: it has not said. */
  readonly full: readonly Slot[] | null;
  /** The card that tells the user number is being read. */
  readonly reading: boolean;
  /** Why it does not go on. */
  readonly problem: ErrorCode | null;
  /** How many were made in this visit. */
  readonly count: number;
  readonly made: MadeRequest | null;
  readonly look: RequestLook | null;
  readonly deadlineMono: number;
}

/** What is asked of the world for a request. */
export type RequestOp =
  | { readonly op: 'ask-slots'; readonly category: string }
  /** Durable before its answer. */
  | { readonly op: 'make'; readonly form: RequestForm; readonly count: number }
  | {
      readonly op: 'print';
      readonly number: string;
      readonly dueMs: number;
      readonly form: RequestForm;
    }
  | { readonly op: 'look'; readonly ref: string; readonly last4: string };

/** What came of it. */
export type RequestNews =
  | {
      readonly news: 'slots';
      readonly category: string;
      readonly full: Result<readonly Slot[], Failure>;
    }
  | { readonly news: 'made'; readonly number: string; readonly dueMs: number }
  | { readonly news: 'refused'; readonly code: ErrorCode }
  | { readonly news: 'printed'; readonly number: string; readonly slip: SlipState }
  | {
      readonly news: 'looked';
      readonly ref: string;
      readonly last4: string;
      readonly result: Result<RequestStatus | null, Failure>;
    };
