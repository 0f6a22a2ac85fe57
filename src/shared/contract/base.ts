import { z } from 'zod';
import { ERRORS } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';

/** A stable error code. */
export const errorCode = z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]);
/** A number that counts something. */
export const natural = z.number().int().nonnegative();

/** Languages of the screen. */
export const LOCALES = ['zh-CN', 'en'] as const;
export type Locale = (typeof LOCALES)[number];
/** Sizes of its text. */
export const TEXT_SIZES = ['normal', 'large'] as const;
/** Ways to be paid. */
export const PROVIDER_KINDS = ['wechat', 'alipay', 'unionpay', 'gateway'] as const;
export type ProviderKind = (typeof PROVIDER_KINDS)[number];
/** Tiles of the start screen; a tile is present only where its service works. */
export const TILES = ['query', 'unfinished'] as const;
export type Tile = (typeof TILES)[number];

/** Whose machine it is and where it stands: on every screen. */
export const headerSchema = z.object({
  /** Company and product name, e.g. 阜城燃气 自助服务. */
  brand: z.object({ zh: z.string(), en: z.string() }),
  site: z.object({ zh: z.string(), en: z.string() }),
  /** Short name of the machine at its site, e.g. 03号机. */
  terminalName: z.object({ zh: z.string(), en: z.string() }),
  terminalId: z.string(),
  hotline: z.string(),
});
export type Header = z.infer<typeof headerSchema>;

/** Where the receipt is. `none`: no printer, the screen says how to keep the number. */
export const receipt = z.enum(['none', 'printing', 'printed', 'failed']);

/** What every snapshot carries. */
export const base = {
  revision: natural,
  locale: z.enum(LOCALES),
  textSize: z.enum(TEXT_SIZES),
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
