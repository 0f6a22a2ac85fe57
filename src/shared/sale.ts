import { z } from 'zod';
import { counter, fen, hex, micro, natural, units } from './facts/bounds.ts';
import { tokenSchema } from './sealed-text.ts';

const share = z.object({
  tier: natural,
  priceE4: natural,
  quantity: units,
  costMicro: micro,
});

/**
 * Whose money a sale is, in facts and policy: `house`, or a short name of the operator's own. Gas,
 * water and heat of one hall are often three companies: each may have its own merchant account at
 * the wallets (`payment/merchants.ts`) and its own tax identity on invoices. An order pays one of
 * them.
 */
export type PayeeId = string;
/** The company whose hall it is. Every card sale of the old kind `order-quoted` was its. */
export const HOUSE_PAYEE: PayeeId = 'house';

/**
 * What `order-quoted` says of a sale to a card, and always said. Bytes are upper-case hex; money is
 * fen, remainders 10⁻⁶ yuan, quantities 0.01 of the layout's unit.
 */
export const cardQuoteSchema = z.object({
  cardNo: z.string(),
  userNo: z.string(),
  layout: z.string(),
  unit: z.enum(['volume', 'money']),
  /** What the card is for; left out: gas, and by older programs. */
  cardKind: z.enum(['water', 'heat', 'fuel']).optional(),
  nextCount: counter,
  amountFen: fen,
  quantity: units,
  shares: z.array(share).max(100),
  carriedUsedMicro: micro,
  carriedAfterMicro: micro,
  tariffId: z.string(),
  tariffVersion: natural,
  /**
   * As of which moment it is priced, ms: the tariff that held then, and the periods of year and
   * limit that it counts into. Left out by older programs: when the fact was made.
   */
  asOfMs: natural.optional(),
  offline: z.boolean(),
  tag: hex,
  /** What central granted for it: its quote, or, offline, the account answer that it is priced by. */
  grant: tokenSchema.optional(),
});
/** A sale to a card as its fact has it. */
export type CardQuote = z.infer<typeof cardQuoteSchema>;

/** What is owed: bills of one of the utilities. */
export const BILL_KINDS = ['gas', 'water', 'heat'] as const;
/**
 * What a credit sale's item is: the balance of an IoT meter's account, money paid ahead into an
 * account that gets bills, or a bill.
 */
export const CREDIT_KINDS = ['balance', 'prepay', ...BILL_KINDS] as const;
/** See {@link CREDIT_KINDS}. */
export type CreditKind = (typeof CREDIT_KINDS)[number];
/** Does a line of this kind go into the account's own balance? */
export const isIntoBalance = (kind: CreditKind): boolean => kind === 'balance' || kind === 'prepay';

/**
 * One item of a credit sale: an open bill, a season's fee, a top-up. Its terms are frozen when it
 * is quoted: what was due then is what is posted, however late the posting is.
 */
export const creditLineSchema = z.object({
  /** The item at central: a bill's or season's number; `balance` is the account's own balance. */
  item: z.string().min(1).max(64),
  kind: z.enum(CREDIT_KINDS),
  /** As the bill calls it: `2026-10`, `2026-09/2026-10`, a season `2026/2027`; empty: none. */
  period: z.string().max(24),
  amountFen: fen,
  /** What the sum is made of, as it was quoted; all in fen: principal + late fee − discount. */
  terms: z.object({ principalFen: fen, lateFeeFen: fen, discountFen: fen }),
  /**
   * A part of a bill: so much of its principal stays owed, fen. Its whole late fee is paid with the
   * part, and a discount is not given for one. Left out: all of it is paid.
   */
  restFen: fen.optional(),
});
/** See {@link creditLineSchema}. */
export type CreditLine = z.infer<typeof creditLineSchema>;

/** That a customer read a text and agreed to it before anything was asked of him. */
export const consentSchema = z.object({
  /** The text in the signed policy, and which version of it. */
  textId: z.string().max(40),
  version: natural,
  /** Over the text in the language in which it was shown, UTF-8, in hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  locale: z.enum(['zh-CN', 'en']),
  atMs: natural,
});
/** See {@link consentSchema}. */
export type Consent = z.infer<typeof consentSchema>;

/** What a credit order's first fact says. Items of one payee only. */
export const creditQuoteSchema = z.object({
  userNo: z.string().min(1).max(32),
  payee: z.string().min(1).max(32),
  amountFen: fen,
  lines: z.array(creditLineSchema).min(1).max(24),
  /** Until when the wallet may take the money for these terms, by central's clock. */
  expiresAtMs: natural,
  /** Where one of the items asks for it. */
  consent: consentSchema.optional(),
  /** Central's token for the quote. */
  grant: tokenSchema.optional(),
});
/** A sale to an account as its fact has it. */
export type CreditQuote = z.infer<typeof creditQuoteSchema>;

/** A write to a card. */
export interface CardSale extends CardQuote {
  readonly kind: 'card';
  readonly payee: PayeeId;
}
/** A posting to an account or to bills at central. */
export interface CreditSale extends CreditQuote {
  readonly kind: 'credit';
}
/** What cards are for. */
export const CARD_KINDS = ['gas', 'water', 'heat', 'fuel'] as const;
/** See {@link CARD_KINDS}. */
export type CardKind = (typeof CARD_KINDS)[number];

/** What an order sells. Attempts, late captures and refunds know nothing of the difference. */
export type Sale = CardSale | CreditSale;

/** The sale that an `order-quoted` tells of. */
export const cardSale = (quote: CardQuote): CardSale => ({
  kind: 'card',
  payee: HOUSE_PAYEE,
  ...quote,
});

/** The number of the card that a sale writes to; null: it writes to none. */
export const cardNoOf = (order: { readonly sale: Sale }): string | null =>
  order.sale.kind === 'card' ? order.sale.cardNo : null;

/**
 * The card sale of an order whose delivery is a card.
 *
 * @throws Error for another sale: a defect, since each delivery is asked about its own orders only
 */
export function cardSaleOf(order: { readonly orderId: string; readonly sale: Sale }): CardSale {
  if (order.sale.kind === 'card') return order.sale;
  throw new Error(`order ${order.orderId} sells no card write`);
}

/**
 * The credit sale of an order whose delivery is a posting.
 *
 * @throws Error for another sale: a defect, since each delivery is asked about its own orders only
 */
export function creditSaleOf(order: { readonly orderId: string; readonly sale: Sale }): CreditSale {
  if (order.sale.kind === 'credit') return order.sale;
  throw new Error(`order ${order.orderId} is posted to no account`);
}
