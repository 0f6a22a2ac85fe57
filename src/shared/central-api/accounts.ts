import { z } from 'zod';
import { ORDER_STATES } from '../order-rules.ts';
import { periodRuleSchema, yearRuleSchema } from '../periods.ts';
import { tokenSchema } from '../sealed-text.ts';
import { cardNo, natural } from './base.ts';

/** A tariff: its tiers, rising; the last has no end. Prices in 10⁻⁴ yuan for one unit. */
export const tariffSchema = z.object({
  tariffId: z.string(),
  version: natural,
  tiers: z
    .array(z.object({ uptoQuantity: natural.nullable(), priceE4: z.number().int().positive() }))
    .min(1),
  /** With which day its year begins, `MM-DD`; left out: the calendar year. */
  yearBegins: yearRuleSchema.optional(),
});
export type Tariff = z.infer<typeof tariffSchema>;
/** Versions that will hold from a moment on, for who has an earlier one of the same tariff. */
export const announcedSchema = z.array(z.object({ fromMs: natural, tariff: tariffSchema }));
export type Announced = z.infer<typeof announcedSchema>[number];

/**
 * Why central itself would not sell to this card; the card's own reasons are judged by the kiosk's
 * layout.
 */
export const ACCOUNT_STATES = ['normal', 'hot-listed', 'debt'] as const;

/** What central tells of the account behind a card. */
export const accountSchema = z.object({
  cardNo,
  userNo: z.string(),
  holderName: z.string(),
  meterNo: z.string(),
  kind: z.enum(['gas', 'water', 'heat', 'fuel']),
  unit: z.enum(['volume', 'money']),
  state: z.enum(ACCOUNT_STATES),
  /** Purchases that central knows were delivered (or opened with). */
  count: natural,
  /** 0.01 units, all time. */
  cumulative: natural,
  /** 0.01 units bought in the current tariff year. */
  yearQuantity: natural,
  /**
   * Exact remainder of earlier purchases, micro-yuan, free to use now (reserved ones are not in
   * it).
   */
  carriedMicro: natural,
  /** The meter's ceiling, 0.01 units. */
  ceilingQuantity: natural,
  /** At most this much in one purchase, 0.01 units; null: no limit. */
  perPurchaseQuantity: natural.nullable(),
  /** What may still be bought in the limit period, 0.01 units; null: no limit. */
  periodLeftQuantity: natural.nullable(),
  tariff: tariffSchema,
  /**
   * Central's clock: the tariff, the year's quantity and what is left of the limit are this
   * moment's. Left out by a central that tells no periods.
   */
  asOfMs: natural.optional(),
  /** The limit as each of its periods begins with it, 0.01 units. Left out: none is told. */
  limit: z.object({ quantity: natural, every: periodRuleSchema }).optional(),
  /** Versions of the tariff that will hold from a moment on, the next one first. */
  announced: announcedSchema.max(8).optional(),
  /**
   * An order of any terminal that holds the claim on this card's next count; null: none. `state`:
   * as central knows it; null: only quoted.
   */
  claim: z
    .object({
      orderId: z.string(),
      terminalId: z.string(),
      nextCount: natural,
      state: z.enum(ORDER_STATES).nullable(),
    })
    .nullable(),
  /**
   * The newest purchase, where only another kiosk than its own says that it is on this card: a card
   * that shows it unwritten is written after all. Left out: there is none.
   */
  unread: z.object({ orderId: z.string(), terminalId: z.string(), nextCount: natural }).optional(),
  /**
   * What the company granted lately after a change of the meter, 0.01 units; `waits`: the next
   * purchase writes it with its own, since its worth is carried. Left out: nothing.
   */
  granted: z.object({ quantity: natural, atMs: natural, waits: z.boolean() }).optional(),
  /**
   * The card refused a kiosk's key, and nobody at central has looked yet: `left` tries, null where
   * the card does not tell. Nothing is sold to it, nor finished on it. Left out: it did not.
   */
  refusedKey: z.object({ left: natural.nullable() }).optional(),
  /**
   * When such a refusal was last done with at central: a person looked, or the card took a key.
   * Left out: none ever was, so what a kiosk noted of one stands.
   */
  keyLookedMs: natural.optional(),
  /** Central's token for this answer, which an offline sale names; see shared/grants.ts. */
  grant: tokenSchema.optional(),
});
export type Account = z.infer<typeof accountSchema>;
/** The account, and central’s clock. */
export const accountAnswerSchema = z.object({ account: accountSchema, serverTimeMs: natural });
export type AccountAnswer = z.infer<typeof accountAnswerSchema>;

/**
 * Preview when `orderId` is null; else firm: reserves the carried remainder and claims (card,
 * nextCount) for the order.
 */
export const quoteRequestSchema = z.object({
  orderId: z.string().max(64).nullable(),
  cardNo,
  /** The card's count after this purchase. */
  nextCount: natural,
  amountFen: natural,
  /**
   * As of which moment the customer was told prices and counters (`Account.asOfMs`, or that of the
   * preview). Central prices by that moment while the visit may last ({@link VISIT_MS}), so that
   * the turn of a year changes no sum between screen and payment; else by its own clock. Left out:
   * by its own clock, and the quote names no moment.
   */
  asOfMs: natural.optional(),
});
export type QuoteRequest = z.infer<typeof quoteRequestSchema>;

/** What one purchase costs and gives; firm where it names an order. */
export const quoteSchema = z.object({
  orderId: z.string().nullable(),
  cardNo: z.string(),
  nextCount: natural,
  amountFen: natural,
  quantity: natural,
  shares: z.array(
    z.object({ tier: natural, priceE4: natural, quantity: natural, costMicro: natural }),
  ),
  /** Micro-yuan taken from the account's carried remainder. */
  carriedUsedMicro: natural,
  /** Micro-yuan that the account will carry after this purchase. */
  carriedAfterMicro: natural,
  tariffId: z.string(),
  tariffVersion: natural,
  /** As of which moment it is priced; in whose periods it counts. Where the request named one. */
  asOfMs: natural.optional(),
  expiresAtMs: natural,
  /** Central's token for a firm one, which its sale names. */
  grant: tokenSchema.optional(),
});
export type Quote = z.infer<typeof quoteSchema>;
/** The quote, and central’s clock. */
export const quoteAnswerSchema = z.object({ quote: quoteSchema, serverTimeMs: natural });
