import { z } from 'zod';
import { ACCESS_MODES } from './access.ts';
import { ERRORS } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { voiceView } from './voice.ts';

/** A stable error code. */
export const errorCode = z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]);
/** A number that counts something. */
export const natural = z.number().int().nonnegative();

/** Languages of the screen. */
export const LOCALES = ['zh-CN', 'en'] as const;
export type Locale = (typeof LOCALES)[number];
/** See access.ts. */
export const accessSchema = z.record(z.enum(ACCESS_MODES), z.boolean());
/**
 * The touch panel as it is mounted, in millimetres: what it shows, without its frame, and how high
 * above the floor its lower edge is. Sizes and reach are measured by it.
 */
export const panelSchema = z.object({
  widthMm: z.number().int().min(100).max(2_000),
  heightMm: z.number().int().min(100).max(2_000),
  bottomMm: z.number().int().min(0).max(1_800),
});
export type Panel = z.infer<typeof panelSchema>;
/**
 * How a card gets to this machine's reader, for the picture and its words. `insert`: into a slot
 * by hand, chip end first · `motor`: the reader draws it in · `place`: it is laid on a reader
 * without contacts.
 */
export const CARD_WAYS = ['insert', 'motor', 'place'] as const;
/** To which side its chip faces. */
export const CHIP_SIDES = ['up', 'down'] as const;
export const cardEntrySchema = z.object({
  way: z.enum(CARD_WAYS),
  chip: z.enum(CHIP_SIDES),
});
export type CardEntry = z.infer<typeof cardEntrySchema>;
/**
 * Which keys of this machine's keypad do what, beside digits, arrows, Enter, Escape and Backspace:
 * each by its name (`key`) or place (`code`) of UI Events, e.g. `*`, `F1`, `NumpadMultiply`.
 * `plugged`, `unplugged`: what the keypad's own jack sends.
 */
export const KEY_USES = [
  'spoken',
  'repeat',
  'louder',
  'softer',
  'up',
  'down',
  'confirm',
  'cancel',
  'delete',
  'plugged',
  'unplugged',
] as const;
export const keypadSchema = z.partialRecord(
  z.enum(KEY_USES),
  z.array(z.string().regex(/^[!-~]{1,24}$/, 'a key’s name or code')).max(8),
);
export type KeyUse = (typeof KEY_USES)[number];
/** See {@link keypadSchema}. */
export type Keypad = z.infer<typeof keypadSchema>;
/** Ways to be paid. */
export const PROVIDER_KINDS = ['wechat', 'alipay', 'unionpay', 'gateway'] as const;
export type ProviderKind = (typeof PROVIDER_KINDS)[number];
/** Tiles of the start screen; a tile is present only where its service works. */
export const TILES = [
  'top-up',
  'bills',
  'query',
  'my-account',
  'unfinished',
  'request',
  'info',
] as const;
export type Tile = (typeof TILES)[number];

/** A time of day as clocks show it, `24:00` for the day's end. */
const hourMinute = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/);
const textOf = (zh: number, en: number) =>
  z.strictObject({ zh: z.string().max(zh), en: z.string().max(en) });
/** So much of a site fits beside two others and the hotline, in large text. */
export const NEAR_SITE_WORDS = { name: { zh: 24, en: 48 }, detail: { zh: 30, en: 60 } } as const;
/** Where one is served while this machine serves nobody. */
export const nearSiteSchema = z.object({
  name: textOf(NEAR_SITE_WORDS.name.zh, NEAR_SITE_WORDS.name.en),
  /** Its address, or the way there. */
  detail: textOf(NEAR_SITE_WORDS.detail.zh, NEAR_SITE_WORDS.detail.en),
  /** From here, metres. Left out: nobody measured it. */
  metres: natural.exactOptional(),
  /** Each day, by China's clock; `to` before `from` is past midnight. Left out: day and night. */
  hours: z.strictObject({ from: hourMinute, to: hourMinute }).exactOptional(),
});
export type NearSite = z.infer<typeof nearSiteSchema>;
/** So many of them are named. */
export const NEAR_SITES = 3;

/** Whose machine it is and where it stands: on every screen. */
export const headerSchema = z.object({
  /** Company and product name, e.g. 阜城燃气 自助服务. */
  brand: z.object({ zh: z.string(), en: z.string() }),
  site: z.object({ zh: z.string(), en: z.string() }),
  /** Short name of the machine at its site, e.g. 03号机. */
  terminalName: z.object({ zh: z.string(), en: z.string() }),
  terminalId: z.string(),
  hotline: z.string(),
  /** Null: nobody measured it; the renderer takes a usual one. */
  panel: panelSchema.nullable(),
  /** Left out: inserted by hand, chip up. */
  cardEntry: cardEntrySchema.optional(),
  /** Left out, and each use: the page's usual keys. */
  keypad: keypadSchema.exactOptional(),
  /** As its operator wrote them into terminal.json, for when nobody else can say. Left out: none. */
  nearestSites: z.array(nearSiteSchema).max(NEAR_SITES).exactOptional(),
});
export type Header = z.infer<typeof headerSchema>;

/**
 * Where the receipt is. `none`: no printer, the screen says how to keep the number; `partly`: a
 * part of it may be on the paper.
 */
export const receipt = z.enum(['none', 'printing', 'printed', 'partly', 'failed']);

/** What every snapshot carries. */
export const base = {
  revision: natural,
  locale: z.enum(LOCALES),
  access: accessSchema,
  voice: voiceView,
  header: headerSchema,
  /**
   * Core's wall clock when this snapshot was made; the renderer shows time and counts deadlines
   * relative to it.
   */
  nowMs: natural,
  /** True in demo mode: the renderer says so in a corner. */
  demo: z.boolean(),
};
/** Wall-clock instant at which the core leaves the screen by itself; null: it will not. */
export const deadlineMs = natural.nullable();
