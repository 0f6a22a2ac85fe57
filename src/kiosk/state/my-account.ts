import type { CardReading } from '../../card/types.ts';
import type {
  Account,
  MyAccount,
  MyAccountRequest,
  Purchase,
  UtilityUse,
} from '../../shared/central-api/index.ts';
import type { MyPage } from '../../shared/contract/index.ts';
import type { ErrorCode, Failure } from '../../shared/errors.ts';
import type { Result } from '../../shared/result.ts';
import type { SlipState } from './requests.ts';

/** A customer looks at his own account. All of it is gone with the visit. */
export interface MyAccountSession {
  readonly at: 'my-account';
  /** `number`: the user number and its digits are typed · `asking`: central's answer is waited for. */
  readonly stage: 'number' | 'asking' | 'shown';
  /** The card in the reader; null: it was asked for by number. */
  readonly card: {
    readonly insertion: number;
    readonly reading: CardReading;
    /** Null: central could not be asked, and nothing of it is kept here. */
    readonly account: Account | null;
  } | null;
  /** Number of the last question: an older answer is dropped. */
  readonly asked: number;
  /** Why the number that was typed shows nothing. */
  readonly problem: ErrorCode | null;
  /** Central's word; null: it knows no such account, or was not heard (`away`). */
  readonly found: MyAccount | null;
  readonly away: boolean;
  /** The newest first: central's, and this machine's own. */
  readonly purchases: readonly Purchase[];
  readonly page: MyPage | null;
  /** Which of the utilities. */
  readonly kind: number;
  /** The purchase that is open. */
  readonly order: string | null;
  /** So many papers were asked for in this visit. */
  readonly papers: number;
  readonly slip: SlipState;
  readonly deadlineMono: number;
}

/** A purchase as its copy has it; when it was made is not always known. */
export type SlipPurchase = Omit<Purchase, 'atMs'> & { readonly atMs: number | null };

/** What is asked of the world for it. */
export type MyAccountOp =
  | {
      readonly op: 'look';
      readonly asked: number;
      /** Null: central is not asked, for it is away. */
      readonly who: MyAccountRequest | null;
      /** The card that is in, whose orders at this machine are its own. */
      readonly cardNo: string | null;
    }
  | {
      readonly op: 'print-use';
      readonly asked: number;
      readonly holderMasked: string;
      readonly numberMasked: string;
      readonly use: UtilityUse;
    }
  | {
      readonly op: 'print-copy';
      readonly asked: number;
      readonly purchase: SlipPurchase;
      /** Empty: not known here. */
      readonly numberMasked: string;
    };

/** What came of it. */
export type MyAccountNews =
  | {
      readonly news: 'looked';
      readonly asked: number;
      /** Null: central was not asked. */
      readonly result: Result<MyAccount | null, Failure> | null;
      readonly own: readonly Purchase[];
    }
  | { readonly news: 'printed'; readonly asked: number; readonly slip: SlipState };
