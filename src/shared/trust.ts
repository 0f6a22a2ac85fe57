/**
 * What a fact is believed by: grants and evidence stand beside the facts that use them, so that
 * central believes its own signature, and whoever took the money, and never a terminal's word.
 */

/** What central can grant, each by a token that it signs and that the facts using it name. */
export const GRANT_KINDS = [
  'account',
  'quote',
  'write-claim',
  'refund-claim',
  'counter-claim',
  'key',
  'credit',
  'void',
] as const;
/** See {@link GRANT_KINDS}. */
export type GrantKind = (typeof GRANT_KINDS)[number];

/**
 * What an account answer told besides its tariff: by this the books judge, however late, what a
 * kiosk could know when it sold offline.
 */
export interface ToldAccount {
  /** The moment that the answer stands for. */
  readonly asOfMs: number;
  readonly count: number;
  /** What was bought in the tariff year of `asOfMs`, 0.01 units; left out: no grant was made lately. */
  readonly year?: number;
  /** The limit of each period and what was left of the one of `asOfMs`, 0.01 units. */
  readonly limit?: { readonly every: string; readonly quantity: number; readonly left: number };
  /** At most so much in one purchase, 0.01 units. */
  readonly perPurchase?: number;
  /** Versions of the tariff that were announced with it. */
  readonly announced?: readonly { readonly version: number; readonly fromMs: number }[];
}

/** What a grant's token says (`shared/grants.ts`). */
export interface Grant {
  readonly kind: GrantKind;
  /** Names it to people; made of all the rest. */
  readonly id: string;
  readonly terminalId: string;
  /** Empty: it is for no order. */
  readonly orderId: string;
  /** SHA-256 over the canonical JSON of what it is for, in hex. */
  readonly digest: string;
  /** Central's clock, ms. */
  readonly grantedMs: number;
  /** With an account's: what bounds a sale by it. Left out: nothing does, or an older central's. */
  readonly told?: ToldAccount;
}

/** That an order's money was taken: by whoever can know it. One wallet number, one order, ever. */
export interface Evidence {
  readonly orderId: string;
  readonly attemptId: string;
  readonly wallet: string;
  readonly walletNumber: string;
  readonly amountFen: number;
}

/** What a terminal may still do: revoked ones are refused, and their uploads kept as evidence. */
export type TerminalStatus = 'active' | 'suspended' | 'revoked';

/**
 * How sure it is that a begun write is not on its card. `unexposed`: nothing by which it could be
 * written ever left the machine. `proven`: the card's MAC over its content and over a challenge of
 * ours says so. `disproven`: the card could prove it, and what answered did not. `unproven`: all
 * else, also a read that shows the card as it was before.
 */
export const UNWRITTEN = ['unexposed', 'proven', 'disproven', 'unproven'] as const;
/** See {@link UNWRITTEN}. */
export type Unwritten = (typeof UNWRITTEN)[number];

/** Over what a budget of unproven refunds is counted. */
export type BudgetScope = 'account' | 'terminal' | 'day';
