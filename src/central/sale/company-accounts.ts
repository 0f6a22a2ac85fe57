import type {
  CompanyAccount,
  CompanyCreditAccount,
  CompanyPurchase,
} from '../../shared/company-accounts.ts';
import type { companyPurchaseAnswerSchema } from '../../shared/company-accounts.ts';
import type { z } from 'zod';

/** What a company's system says to a question; `unknown`: nothing that counts, and why. */
export type CompanySays<T> =
  | { readonly kind: 'known'; readonly account: T; readonly etag: string | null }
  | { readonly kind: 'nobody' }
  /** What was said under this ETag still stands, now. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'unknown'; readonly detail: string };

/** What a company's system says of a purchase. */
export type CompanyBooks =
  | z.infer<typeof companyPurchaseAnswerSchema>
  | { readonly state: 'unknown'; readonly detail: string };

/**
 * A company's own billing system, which keeps the accounts: the port. Nothing here rejects; what is
 * not a whole answer about the very thing that was asked is `unknown`.
 */
export interface CompanyAccounts {
  /** It answers for accounts without a card too, as it was set up. */
  readonly credit: boolean;
  /** @param etag of the answer that is kept; null: none is */
  readonly byCard: (cardNo: string, etag: string | null) => Promise<CompanySays<CompanyAccount>>;
  readonly byUser: (userNo: string) => Promise<CompanySays<CompanyCreditAccount>>;
  /** Tells it of a purchase that is over; told again, it says the same. */
  readonly book: (purchase: CompanyPurchase) => Promise<CompanyBooks>;
}

/**
 * Where the accounts that central sells to come from. What central holds is brought to what the
 * source says, before anything is told or quoted of it; from there on central sells as ever.
 */
export interface AccountSource {
  /** @throws Refusal(internal, 503) where the source does not say, or says what cannot be */
  readonly card: (cardNo: string) => Promise<void>;
  readonly user: (userNo: string) => Promise<void>;
  /**
   * Tells it of the purchases that are due, and never rejects for one of them. Left out: nobody is
   * told.
   */
  readonly sweep?: () => Promise<void>;
}

/** Central's own tables: what is in them is what there is. */
export const ownAccounts: AccountSource = {
  card: () => Promise.resolve(),
  user: () => Promise.resolve(),
};
