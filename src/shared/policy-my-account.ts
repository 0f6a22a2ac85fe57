import { z } from 'zod';

/**
 * 我的用气: what a customer sees of his own use. The policy's `myAccount`; left out, the machine shows
 * what is on the card and nothing more.
 */
export const myAccountPolicySchema = z.object({
  /**
   * Use is called abnormal from so many percent of the same month of the year before; 200: twice
   * as much.
   */
  abnormalPercent: z.number().int().min(120).max(1_000).default(200),
  /** … and from so much above it, 0.01 units. */
  abnormalAbove: z.number().int().nonnegative().max(1_000_000).default(500),
  /**
   * Also without a card, by user number and the last four digits of the telephone on record, while
   * central answers. False: the card alone opens it.
   */
  byNumber: z.boolean().default(false),
  /** So many different numbers may be tried at one machine within two minutes. */
  lookUps: z.number().int().min(1).max(20).default(3),
});
export type MyAccountPolicy = z.infer<typeof myAccountPolicySchema>;
