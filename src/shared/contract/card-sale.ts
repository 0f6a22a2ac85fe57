import { z } from 'zod';
import { CARD_KINDS } from '../sale.ts';
import { natural } from './base.ts';

/** Where the customer goes with his card after a sale; left out: there is none, or nobody knows. */
export const cardKind = z.enum(CARD_KINDS).exactOptional();

/** Masked for the screen: the renderer never sees the whole number or name. */
export const cardViewSchema = z.object({
  holderMasked: z.string(),
  cardMasked: z.string(),
  kind: z.enum(CARD_KINDS),
  /** 01 = m³ (quantity in 0.01 m³), 02 = money on the card (quantity in fen). */
  unit: z.enum(['volume', 'money']),
  count: natural,
  /** Bought but not yet taken by the meter, 0.01 units. */
  pendingQuantity: natural,
  /** Left in the meter at its last visit, 0.01 units. */
  remainingQuantity: natural,
  /** Bought this tariff year, 0.01 units; null when central has not been asked or is away. */
  yearQuantity: natural.nullable(),
  tierPriceE4: natural.nullable(),
  tierUptoQuantity: natural.nullable(),
  tierNumber: natural.nullable(),
  /**
   * What the company granted after a change of the meter, 0.01 units; `waits`: the next purchase
   * writes it. Left out: nothing lately.
   */
  granted: z.object({ quantity: natural, waits: z.boolean() }).optional(),
});
export type CardView = z.infer<typeof cardViewSchema>;

/** What a purchase gives, as the amount screen shows it. */
export const quoteViewSchema = z.object({
  amountFen: natural,
  quantity: natural,
  shares: z.array(z.object({ tier: natural, priceE4: natural, quantity: natural })),
  carriedUsedMicro: natural,
  carriedAfterMicro: natural,
  /**
   * Made from the cache while central is away: a tier difference is settled next time, and the
   * customer is told.
   */
  offline: z.boolean(),
});
export type QuoteView = z.infer<typeof quoteViewSchema>;
