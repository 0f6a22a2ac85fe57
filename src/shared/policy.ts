import { z } from 'zod';

const natural = z.number().int().nonnegative();
const text = z.object({ zh: z.string(), en: z.string() });

/**
 * Limits, notices, hotlines and switches, from central: signed, versioned, the last good one kept
 * by the kiosk.
 */
export const policySchema = z.object({
  version: natural,
  hotline: z.string(),
  presetsFen: z.array(natural).min(1),
  minFen: natural,
  maxFen: natural,
  /** How long a QR code waits for the customer. */
  payWindowMs: natural,
  offline: z.object({
    /** A cached account older than this is not sold to while central is away. */
    accountMaxAgeMs: natural,
    /** The most that may be sold from the cache and not yet uploaded, in fen. */
    capFen: natural,
  }),
  /** Selling stops when more than this is not uploaded. */
  unsynced: z.object({ maxEvents: natural, maxFen: natural, maxAgeMs: natural }),
  /** Facts that central holds are kept on the machine for so long. */
  retentionDays: z.number().int().positive().default(400),
  /** A clock further from central's than this stops selling. */
  maxClockSkewMs: natural,
  /**
   * Whose a customer's payment code is, by its first digits and their number; the first line that
   * fits decides. No patterns: a table from outside must not make the core hang. Left out:
   * the table of payment/codes.ts.
   */
  paymentCodes: z
    .array(
      z.object({
        /** What it begins with, any of these. */
        prefixes: z
          .array(z.string().regex(/^\d{1,6}$/))
          .min(1)
          .max(100),
        /** How many digits it has, from and to. */
        digits: z.tuple([natural, natural]).refine(([from, to]) => from <= to && to <= 32),
        wallet: z.enum(['wechat', 'alipay', 'unionpay']),
      }),
    )
    .optional(),
  notices: z.array(z.object({ title: text, body: text })),
  sites: z.array(z.object({ name: z.string(), detail: z.string() })),
});
export type Policy = z.infer<typeof policySchema>;

/**
 * The policy as sent: `body` is the exact JSON text that `signature` (base64, Ed25519 by central's
 * policy key) covers; `keyId` names that key, and is left out by a central of before key ids.
 */
export const signedPolicySchema = z.object({
  body: z.string(),
  signature: z.string(),
  keyId: z.string().optional(),
});
export type SignedPolicy = z.infer<typeof signedPolicySchema>;
