import type { PayeeId } from './sale.ts';

/**
 * What a fact is believed by. Today central believes a terminal's own word, checked against its own
 * memory; these are the names under which grants and evidence will stand beside the facts, so that
 * what is built for it is called the same everywhere. Nothing here is on a wire yet.
 */

/** What central can grant, each by a token that it signs and that the facts using it name. */
export type GrantKind =
  | 'account'
  | 'quote'
  | 'write-claim'
  | 'refund-claim'
  | 'counter-claim'
  | 'key'
  | 'credit'
  | 'void';

/** A grant as a kiosk journals it, and uploads it with the facts that use it. */
export interface Grant {
  readonly kind: GrantKind;
  readonly id: string;
  readonly terminalId: string;
  readonly orderId: string;
  /** SHA-256 over the canonical JSON of the sale that it is for. */
  readonly saleDigest: string;
  /** Central's clock, ms. */
  readonly grantedMs: number;
  readonly keyId: string;
  readonly signature: string;
}

/** That an order's money was taken: by whoever can know it. One wallet number, one order, ever. */
export interface Evidence {
  readonly kind: 'gateway-capture' | 'gateway-receipt' | 'wallet-answer';
  readonly orderId: string;
  readonly payee: PayeeId;
  readonly walletNumber: string;
  readonly amountFen: number;
  readonly paidMs: number;
}

/** What a terminal may still do: revoked ones are refused, and their uploads kept as evidence. */
export type TerminalStatus = 'active' | 'suspended' | 'revoked';

/**
 * How sure it is that a begun write is not on its card. `unexposed`: nothing by which it could be
 * written ever left the machine. `proven`: the card's MAC over its content and over a challenge of
 * ours says so. `disproven`: the card could prove it, and what answered could not. `unproven`: all
 * else, also a read that shows the card as it was before.
 */
export const UNWRITTEN = ['unexposed', 'proven', 'disproven', 'unproven'] as const;
/** See {@link UNWRITTEN}. */
export type Unwritten = (typeof UNWRITTEN)[number];

/** Over what a budget of unproven refunds is counted. */
export type BudgetScope = 'account' | 'terminal' | 'day';

/**
 * Kinds of facts that are spoken for, and mean nothing yet: a customer's consent to a text, and
 * central's final word that an order was never credited.
 */
export const RESERVED_FACTS = ['consent-given', 'credit-voided'] as const;
