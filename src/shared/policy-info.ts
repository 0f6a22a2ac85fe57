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

const MAX_WITH_PAGE = 4;
/** What one brings, and where one goes, for what no machine does (一次性告知). */
export const papersSchema = z
  .object({
    title: words(8, 20),
    bring: z.array(words(32, 64)).min(1).max(5),
    where: words(48, 100),
    /** How long it takes: 当场办好, 5 个工作日. */
    takes: words(12, 24).exactOptional(),
    /**
     * Its page for phones, `<receipts.url>/p/<id>`: the screen has a code of it, and the list goes
     * home with the customer. Left out: there is none.
     */
    id: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,23}$/)
      .exactOptional(),
  })
  // The button of its page takes the room of one more thing.
  .refine(({ id, bring }) => id === undefined || bring.length <= MAX_WITH_PAGE, {
    path: ['bring'],
    error: `at most ${MAX_WITH_PAGE} with a page for phones`,
  });

const hourMinute = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/);
const line = z.string().min(1).max(40);

/** A station that a car or a tradesman goes to: gas for cars (CNG), bottles, repair. */
export const stationSchema = z.object({
  name: words(16, 32),
  address: words(30, 60),
  /** What it does: 加气、换瓶. */
  does: words(24, 48),
  hours: z.object({ from: hourMinute, to: hourMinute }).exactOptional(),
  /** How far it is, by the site (in Chinese) from which one goes; metres. */
  metresFrom: z.record(line, z.number().int().nonnegative()).exactOptional(),
});

/** Who looks after the heating of some homes (供暖管家). */
export const stewardSchema = z.object({
  /** By it one finds him: each is a button. */
  district: words(8, 16),
  /** The homes: 幸福小区、和平里. */
  area: words(24, 48),
  name: words(8, 20),
  phone,
  /** When he answers. */
  hours: words(12, 24),
});
/** So many buttons of districts stand on a screen. */
const MAX_DISTRICTS = 6;

const unique = (list: readonly string[]): boolean => new Set(list).size === list.length;

/** What the hall tells beside selling; each part is shown only where it is there. */
export const infoSchema = z.object({
  /** Gas smells, a pipe leaks: answered day and night. */
  emergency: phone.optional(),
  complaints: phone.optional(),
  outages: z.array(outageSchema).max(MAX_ENTRIES).default([]),
  prices: z.array(priceListSchema).max(4).default([]),
  papers: z
    .array(papersSchema)
    .max(7)
    .refine((all) => unique(all.flatMap(({ id }) => id ?? [])), { error: 'an id twice' })
    .default([]),
  stations: z.array(stationSchema).max(30).exactOptional(),
  stewards: z
    .array(stewardSchema)
    .max(60)
    .refine((all) => new Set(all.map((s) => s.district.zh)).size <= MAX_DISTRICTS, {
      error: `more than ${MAX_DISTRICTS} districts`,
    })
    .exactOptional(),
});
export type PolicyInfo = z.infer<typeof infoSchema>;
export type Outage = z.infer<typeof outageSchema>;
export type Papers = z.infer<typeof papersSchema>;
export type Steward = z.infer<typeof stewardSchema>;
export type Station = z.infer<typeof stationSchema>;
