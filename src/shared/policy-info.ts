import { z } from 'zod';

/** No machine shows so much; a policy is kept in the journal and sent to thousands of them. */
const MAX_ENTRIES = 50;
/**
 * No longer than fits on any panel with every access mode on: nothing on a kiosk scrolls, and what
 * overflows covers the buttons. The screens are drawn with all of it as long as it may be
 * (test/support/screens-fixtures.ts).
 */
export const words = (zh: number, en: number) =>
  z.object({ zh: z.string().min(1).max(zh), en: z.string().min(1).max(en) });
const phone = z.string().regex(/^[0-9+][0-9 -]{2,23}$/, 'a telephone number');
const instant = z.number().int().nonnegative();

/**
 * A planned interruption of supply (停气公告). Companies announce it 48 hours ahead at least; it is
 * shown from when central has it until it is over.
 */
export const outageSchema = z
  .object({
    area: words(60, 120),
    reason: words(30, 60),
    fromMs: instant,
    toMs: instant,
    /** Areas (choices of the category `outage-sms`) whose subscribers are told by SMS. */
    smsAreas: z.array(z.string().min(1).max(24)).max(6).exactOptional(),
    /** Not planned: it is told at night, too. */
    sudden: z.boolean().exactOptional(),
  })
  .refine((o) => o.fromMs < o.toMs, { path: ['toMs'], error: 'not after fromMs' });

/** One line of the public price list. It only tells: sales are priced by the account's own tariff. */
export const priceListSchema = z.object({
  /** Whom it is for: 居民, 非居民. */
  name: words(10, 24),
  /** What a price is for: 元/m³. */
  unit: words(6, 12),
  /** The authority's document that sets it (文号), and its first day, `2026-01-01`. */
  document: words(30, 60),
  since: z.string().regex(/^\d{4}-\d\d-\d\d$/),
  /** Up to how much of a year, 0.01 of the unit, at which price, 10⁻⁴ yuan; null: without an end. */
  tiers: z
    .array(
      z.object({
        uptoQuantity: z.number().int().positive().max(100_000_000).nullable(),
        priceE4: z.number().int().nonnegative().max(9_999_999),
      }),
    )
    .min(1)
    .max(4),
});

/** What one brings, and where one goes, for what no machine does (一次性告知). */
export const papersSchema = z.object({
  title: words(8, 20),
  bring: z.array(words(32, 64)).min(1).max(5),
  where: words(48, 100),
});

/** What the hall tells beside selling; each part is shown only where it is there. */
export const infoSchema = z.object({
  /** Gas smells, a pipe leaks: answered day and night. */
  emergency: phone.optional(),
  complaints: phone.optional(),
  outages: z.array(outageSchema).max(MAX_ENTRIES).default([]),
  prices: z.array(priceListSchema).max(4).default([]),
  papers: z.array(papersSchema).max(6).default([]),
});
export type PolicyInfo = z.infer<typeof infoSchema>;
export type Outage = z.infer<typeof outageSchema>;
