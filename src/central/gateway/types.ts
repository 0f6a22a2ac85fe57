import type { z } from 'zod';
import type { PaymentCodes } from '../../payment/codes.ts';
import type { MerchantOptions } from '../../payment/merchants.ts';
import type {
  BillResult,
  ChargeResult,
  CloseResult,
  CreateResult,
  PaymentProvider,
  QueryResult,
  RefundQueryResult,
  RefundResult,
  ReverseResult,
} from '../../payment/types.ts';
import type { Failure } from '../../shared/errors.ts';
import type {
  attemptSchema,
  chargeSchema,
  createSchema,
  querySchema,
  refundSchema,
} from '../../shared/gateway-api.ts';
import type { Clock, KeyId, LogFn, Random, Signer } from '../../shared/ports.ts';
import type { Result } from '../../shared/result.ts';

/** What one terminal may have handed back on one day of China's calendar. */
export interface RefundBudget {
  readonly refunds: number;
  readonly fen: number;
}

/** What the gateway works with. */
export interface GatewayOptions extends MerchantOptions {
  /** Where customers' phones reach this service, without a slash at the end. */
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Whose a code is at this terminal; left out, or undefined: by the table of payment/codes.ts. */
  readonly paymentCodes?: (terminalId: string) => Promise<PaymentCodes | undefined>;
  readonly log?: LogFn;
  /** What one terminal may have handed back in a day; `REFUND_BUDGET` where not given. */
  readonly refundBudget?: RefundBudget;
  /** A payee's name as customers read it; left out, or undefined: it is not told. */
  readonly companyOf?: (payee: string, terminalId: string) => Promise<Company | undefined>;
  /** Signs receipts of what was captured. */
  readonly receipts: Signer & KeyId;
}

/** A company's name in both languages. */
export interface Company {
  readonly zh: string;
  readonly en: string;
}

/**
 * What the page behind a trade's code does. `go`: the wallet's own code · `authorize`: the wallet's
 * browser first tells who pays, and comes back with `state` · `invoke`: the page hands this to the
 * wallet around it · `choose`: nobody knows which wallet this is · `wait`: not known yet, look
 * again · `spent`: it was opened with this wallet as often as it may be.
 */
export type Opened =
  | { readonly kind: 'go'; readonly url: string }
  | { readonly kind: 'authorize'; readonly url: string; readonly state: string }
  | { readonly kind: 'invoke'; readonly params: Readonly<Record<string, string>> }
  | { readonly kind: 'choose'; readonly wallets: readonly Wallet[] }
  | { readonly kind: 'paid' | Over | 'wait' | 'refused' | 'spent' | 'no-such-trade' };
/** A code that is over. `over-begun`: somebody tapped, and whether that was paid is not known. */
export type Over = 'over' | 'over-begun';
/**
 * What a trade's page shows before anything is begun: `hall` by the terminal's word, `card`
 * (masked) by central's where it knows the order; null: not told. `wallets`: what may be tapped.
 */
export type Seen =
  | {
      readonly kind: 'trade';
      readonly terminalId: string;
      readonly amountFen: number;
      readonly hall: string | null;
      /** Whose money it is; null: not told. */
      readonly company: Company | null;
      readonly card: string | null;
      readonly wallets: readonly Wallet[];
      /** With which the code is scanned, where this is no wallet's browser. */
      readonly scanWith: readonly Wallet[];
    }
  | { readonly kind: 'paid' | Over | 'no-such-trade' };
/** A wallet's kind. */
export type Wallet = PaymentProvider['kind'];

/**
 * What a terminal asks for, in words of src/payment/types.ts. No call rejects for what a wallet
 * does; a database that fails makes it reject.
 */
export interface PaymentGateway {
  readonly create: (
    terminalId: string,
    request: z.infer<typeof createSchema>,
  ) => Promise<CreateResult>;
  /** Held for as long as it is asked to, and what it says is known already (holds.ts). */
  readonly query: (terminalId: string, asked: z.infer<typeof querySchema>) => Promise<QueryResult>;
  /** Answers every request that is held, and holds none from now on: this process ends. */
  readonly endHolds: () => void;
  readonly close: (
    terminalId: string,
    attempt: z.infer<typeof attemptSchema>,
  ) => Promise<CloseResult>;
  readonly refund: (
    terminalId: string,
    request: z.infer<typeof refundSchema>,
  ) => Promise<RefundResult>;
  readonly queryRefund: (
    terminalId: string,
    request: z.infer<typeof refundSchema>,
  ) => Promise<RefundQueryResult>;
  readonly charge: (
    terminalId: string,
    request: z.infer<typeof chargeSchema>,
  ) => Promise<ChargeResult>;
  readonly reverse: (
    terminalId: string,
    attempt: z.infer<typeof attemptSchema>,
  ) => Promise<ReverseResult>;
  readonly bill: (terminalId: string, date: string) => Promise<BillResult>;
  /**
   * Somebody, or something that looks ahead for him, opened a trade's page. Changes nothing.
   *
   * @param wallet null: tell from the browser
   */
  readonly lookPage: (token: string, wallet: string | null, userAgent: string) => Promise<Seen>;
  /**
   * Somebody tapped there to pay: the wallet's own trade begins, and another wallet's ends first.
   *
   * @param wallet null: tell from the browser
   */
  readonly openPage: (token: string, wallet: string | null, userAgent: string) => Promise<Opened>;
  /**
   * The wallet's browser came back from telling who pays: the trade is made for him.
   *
   * @param code what the wallet gave it, for one question
   */
  readonly returned: (token: string, wallet: string, code: string) => Promise<Opened>;
  /**
   * A wallet's callback: believed only whole, and then no more than a reason to ask that wallet at
   * once, which goes on after this has answered. `none`: this wallet takes none.
   *
   * @param merchant whose wallet it is; left out: the house's
   */
  readonly hear: (
    wallet: string,
    header: (name: string) => string | null,
    body: Uint8Array,
    merchant?: string,
  ) => Promise<Result<void, Failure> | 'none'>;
  /**
   * Looks once at everything that is due: closes, late captures, hand-backs. Never rejects for one
   * of them.
   */
  readonly sweep: () => Promise<void>;
}
