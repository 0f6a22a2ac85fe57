import { z } from 'zod';

/** No machine shows so much; a policy is kept in the journal and sent to thousands of them. */
const MAX_ENTRIES = 50;
const short = z.object({ zh: z.string().min(1).max(60), en: z.string().min(1).max(120) });
const sentence = z.object({ zh: z.string().min(1).max(200), en: z.string().min(1).max(300) });
const phone = z.string().regex(/^[0-9+][0-9 -]{2,23}$/, 'a telephone number');
const instant = z.number().int().nonnegative();

/**
 * A planned interruption of supply (停气公告). Companies announce it 48 hours ahead at least; it is
 * shown from when central has it until it is over.
 */
export const outageSchema = z
  .object({ area: sentence, reason: sentence, fromMs: instant, toMs: instant })
  .refine((o) => o.fromMs < o.toMs, { path: ['toMs'], error: 'not after fromMs' });

/** One line of the public price list. It only tells: sales are priced by the account's own tariff. */
export const priceListSchema = z.object({
  /** Whom it is for: 居民, 非居民. */
  name: short,
  /** What a price is for: 元/m³. */
  unit: short,
  /** The authority's document that sets it (文号), and its first day, `2026-01-01`. */
  document: short,
  since: z.string().regex(/^\d{4}-\d\d-\d\d$/),
  /** Up to how much of a year, 0.01 of the unit, at which price, 10⁻⁴ yuan; null: without an end. */
  tiers: z
    .array(z.object({ uptoQuantity: z.number().int().positive().nullable(), priceE4: instant }))
    .min(1)
    .max(5),
});

/** What one brings, and where one goes, for what no machine does (一次性告知). */
export const papersSchema = z.object({
  title: short,
  bring: z.array(sentence).min(1).max(8),
  where: sentence,
});

/** What the hall tells beside selling; each part is shown only where it is there. */
export const infoSchema = z.object({
  /** Gas smells, a pipe leaks: answered day and night. */
  emergency: phone.optional(),
  complaints: phone.optional(),
  outages: z.array(outageSchema).max(MAX_ENTRIES).default([]),
  prices: z.array(priceListSchema).max(6).default([]),
  papers: z.array(papersSchema).max(8).default([]),
});
export type PolicyInfo = z.infer<typeof infoSchema>;
export type Outage = z.infer<typeof outageSchema>;
