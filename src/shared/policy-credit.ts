import { z } from 'zod';
import { BILL_KINDS } from './sale.ts';

/** The most that one order may take, whatever an operator types. */
const MAX_FEN = 10_000_000;
const natural = z.number().int().nonnegative();
const fen = z.number().int().positive().max(MAX_FEN);
const words = (max: number) =>
  z.object({
    zh: z.string().min(1).max(max),
    en: z
      .string()
      .min(1)
      .max(2 * max),
  });

/** What a customer may choose to pay. */
const sums = z
  .object({ presetsFen: z.array(fen).min(1).max(6), minFen: fen, maxFen: fen })
  .refine((t) => t.minFen <= t.maxFen, { path: ['maxFen'], error: 'less than minFen' });

/**
 * What is sold without a card: the policy's `credit`. A service that is left out has no tile. All
 * of it is sold only while central answers.
 */
export const creditPolicySchema = z
  .object({
    /** Whose money it is; each item at central names one of them. */
    payees: z
      .array(z.object({ id: z.string().regex(/^[a-z0-9-]{1,32}$/), company: words(12) }))
      .min(1)
      .max(8),
    /** What a user number looks like: so many digits at the most, and where a customer finds it. */
    userNo: z.object({ digits: z.number().int().min(4).max(20), hint: words(40) }),
    /** So many different user numbers may be looked up at one machine within two minutes. */
    lookUps: z.number().int().min(1).max(20),
    /** IoT meters are topped up. */
    topUp: sums.optional(),
    /** Bills of these utilities are paid. */
    bills: z
      .object({
        kinds: z.array(z.enum(BILL_KINDS)).min(1).max(3),
        /** The oldest bill may be paid in parts, none of them smaller; left out: whole bills only. */
        part: z.object({ minFen: fen }).optional(),
        /** Who owes nothing may pay ahead, where his account takes it; left out: nobody. */
        prepay: sums.optional(),
      })
      .optional(),
    /** Texts that central's items name, which a customer agrees to before he pays. */
    texts: z
      .array(
        z.object({
          id: z.string().regex(/^[a-z0-9-]{1,40}$/),
          version: natural,
          title: words(20),
          /** A paragraph each: as much as fits any panel in large text. */
          points: z.array(words(40)).min(1).max(4),
        }),
      )
      .max(4)
      .default([]),
  })
  .refine((c) => new Set(c.payees.map((p) => p.id)).size === c.payees.length, {
    path: ['payees'],
    error: 'one id twice',
  });
/** See {@link creditPolicySchema}. */
export type CreditPolicy = z.infer<typeof creditPolicySchema>;
/** A text that is agreed to. */
export type ConsentText = CreditPolicy['texts'][number];
