import { HOUSE_PAYEE } from '../shared/sale.ts';
import type { PayeeId } from '../shared/sale.ts';
import type { PaymentProvider } from './types.ts';

/** Names a merchant account at the wallets. */
export type MerchantId = string;
/** The company whose hall it is: it collects for every payee that has no account of its own. */
export const HOUSE_MERCHANT: MerchantId = 'house';

/** One merchant account at one wallet. */
export interface MerchantWallet {
  readonly merchant: MerchantId;
  readonly provider: PaymentProvider;
}
/** What collects which payee's money. */
export interface MerchantOptions {
  /** The wallets with their merchants' keys; one alone is the house's. */
  readonly wallets: readonly (MerchantWallet | PaymentProvider)[];
  /** Payees with a merchant account of their own; `house` collects for every other one. */
  readonly payees?: Readonly<Record<PayeeId, MerchantId>> | undefined;
}

/** The merchant accounts, checked. */
export interface Merchants {
  readonly wallets: readonly MerchantWallet[];
  /** Those of one merchant, in the order in which they were given. */
  readonly of: (merchant: MerchantId) => readonly PaymentProvider[];
  /** Undefined: this merchant has no such wallet (any more). */
  readonly find: (
    merchant: MerchantId,
    kind: PaymentProvider['kind'],
  ) => PaymentProvider | undefined;
  /** Who collects for a payee. */
  readonly collectorOf: (payee: PayeeId) => MerchantId;
}

/** Part of a callback's path and of a receipt. */
const MERCHANT_NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

/**
 * Checks merchants and payees against each other.
 *
 * @throws Error with one sentence, at the first thing that is wrong
 */
export function merchantsIn({ wallets: given, payees = {} }: MerchantOptions): Merchants {
  const wallets = given.map((one) =>
    'provider' in one ? one : { merchant: HOUSE_MERCHANT, provider: one },
  );
  const seen = new Set<string>();
  for (const { merchant, provider } of wallets) {
    if (!MERCHANT_NAME.test(merchant))
      throw new Error(
        `merchant “${merchant}”: a name is 1 to 32 small letters, digits and hyphens`,
      );
    const one = `${merchant} ${provider.kind}`;
    if (seen.has(one)) throw new Error(`merchant “${merchant}” has two wallets ${provider.kind}`);
    if (provider.kind === 'gateway')
      throw new Error(`merchant “${merchant}”: a gateway is no wallet`);
    seen.add(one);
  }
  for (const [payee, merchant] of Object.entries(payees)) {
    if (payee === HOUSE_PAYEE && merchant !== HOUSE_MERCHANT)
      throw new Error(`payee “house” is collected for by merchant “house”, not “${merchant}”`);
    if (merchant !== HOUSE_MERCHANT && !wallets.some((w) => w.merchant === merchant))
      throw new Error(
        `payee “${payee}” is collected for by merchant “${merchant}”: it has no wallet`,
      );
  }
  return {
    wallets,
    of: (merchant) => wallets.filter((w) => w.merchant === merchant).map((w) => w.provider),
    find: (merchant, kind) =>
      wallets.find((w) => w.merchant === merchant && w.provider.kind === kind)?.provider,
    collectorOf: (payee) =>
      Object.hasOwn(payees, payee) ? (payees[payee] as MerchantId) : HOUSE_MERCHANT,
  };
}
