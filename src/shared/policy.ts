import { z } from 'zod';

const natural = z.number().int().nonnegative();
const text = z.object({ zh: z.string(), en: z.string() });

/** Digits and simple classes only, so that a table from outside cannot make the core hang. */
function isPattern(text: string): boolean {
  return /^[\d[\]|(){},^$?:-]+$/.test(text) && !/[)\]}]\{.*\{/.test(text) && compiles(text);
}
function compiles(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

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
   * Whose a customer's payment code is, by its digits; the first line that fits decides. Left out:
   * the table of payment/codes.ts.
   */
  paymentCodes: z
    .array(
      z.object({
        pattern: z.string().max(100).refine(isPattern, 'no regular expression'),
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
