import { z } from 'zod';
import { evidenceSchema } from '../evidence.ts';
import { fen } from '../facts/bounds.ts';
import { BILL_KINDS, consentSchema, creditLineSchema, creditQuoteSchema } from '../sale.ts';
import { tokenSchema } from '../sealed-text.ts';
import { natural } from './base.ts';

/** A customer's number, as his bill has it: text, leading zeros count. */
export const USER_NO = /^[0-9A-Za-z]{4,20}$/;

/** A line on a kiosk's screen. */
const words = z.object({ zh: z.string().max(24), en: z.string().max(48) });
/** Money that may be owed: fen, below zero where it is. */
const balance = z.number().int().min(-1_000_000_000).max(1_000_000_000);

/**
 * One thing that an account owes, with its terms at the answer's `asOfMs`. `dueFen` = principal +
 * late fee − discount, and all of it is paid or none.
 */
export const creditItemSchema = z.object({
  item: z.string().min(1).max(64),
  kind: z.enum(BILL_KINDS),
  payee: z.string().min(1).max(32),
  period: z.string().max(24),
  principalFen: fen,
  lateFeeFen: fen,
  discountFen: fen,
  dueFen: fen,
  /** The last day without a late fee, `YYYY-MM-DD`; null: it has none. */
  dueDate: z.string().nullable(),
  /** Days behind it; 0: not yet. */
  overdueDays: natural,
  /**
   * What stands on the bill: readings, quantity and tiers; then sewage and resource fees. A kiosk
   * shows the first two.
   */
  details: z.array(words).max(8),
  /** The text of the signed policy that is agreed to before it is paid; null: none. */
  consentText: z.string().max(40).nullable(),
});
export type CreditItem = z.infer<typeof creditItemSchema>;

/**
 * What two persons of the company changed at an account. `moved-in`, `moved-out`: a payment that
 * was made for a wrong account · `granted`: what stood in a meter that was changed.
 */
export const correctionSchema = z.object({
  what: z.enum(['moved-in', 'moved-out', 'granted']),
  amountFen: fen,
  atMs: natural,
});
export type Correction = z.infer<typeof correctionSchema>;

/** What central tells of the account behind a user number: masked, and no more than is needed. */
export const creditAccountSchema = z.object({
  userNo: z.string(),
  /** As `王*强`. */
  holderName: z.string(),
  /** The first part of the address only. */
  address: z.string(),
  /** An IoT meter's account that is topped up; null: it has none. */
  topUp: z
    .object({
      payee: z.string(),
      meterNo: z.string(),
      /** At the company, not in the meter; below zero: owed. */
      balanceFen: balance,
      /** What was paid and the meter has not confirmed yet, fen. */
      onTheWayFen: fen,
    })
    .nullable(),
  /** Money may be paid ahead into this account, for its bills to come; left out: it may not. */
  prepay: z.object({ payee: z.string(), balanceFen: balance }).optional(),
  /** Oldest first. */
  items: z.array(creditItemSchema).max(24),
  /** Items that are being paid at this moment, by a bank's debit or at another machine. */
  underWay: natural,
  /** Of the last three months, the newest first; left out: none, or an older central. */
  corrections: z.array(correctionSchema).max(3).optional(),
  /** Central's clock: the terms are this moment's. */
  asOfMs: natural,
});
export type CreditAccount = z.infer<typeof creditAccountSchema>;
/** The account, and central's clock. */
export const creditAccountAnswerSchema = z.object({
  account: creditAccountSchema,
  serverTimeMs: natural,
});

/**
 * A firm quote: reserves all lines for the order, or none. `amountFen` of a bill is what its
 * `dueFen` was at `asOfMs`; of `balance` what the customer chose.
 */
export const creditQuoteRequestSchema = z.object({
  orderId: z.string().min(1).max(64),
  userNo: z.string().regex(USER_NO),
  payee: z.string().min(1).max(32),
  lines: z
    .array(
      z.object({
        item: z.string().min(1).max(64),
        amountFen: fen,
        /** A part of the bill, on purpose: another sum than is due is refused without it. */
        part: z.literal(true).optional(),
      }),
    )
    .min(1)
    .max(24),
  /** The `asOfMs` by which the customer was told the sums; central goes by it while a visit lasts. */
  asOfMs: natural,
  /**
   * What was agreed to, where one of the items asks for it: words that central would refuse are
   * refused before anything is paid.
   */
  consent: consentSchema.optional(),
});
export type CreditQuoteRequest = z.infer<typeof creditQuoteRequestSchema>;
/** What the order's first fact repeats, with central's token. */
export const creditQuoteAnswerSchema = z.object({
  quote: z.object({
    orderId: z.string(),
    userNo: z.string(),
    payee: z.string(),
    amountFen: fen,
    lines: z.array(creditLineSchema).min(1).max(24),
    expiresAtMs: natural,
    grant: tokenSchema,
  }),
  serverTimeMs: natural,
});
export type FirmCredit = z.infer<typeof creditQuoteAnswerSchema>['quote'];

/**
 * Asks that a paid order be posted. The order id is the idempotency key: asked again, whatever
 * became of the first answer, it gives the same. It carries all that central needs, so that one
 * that lost its memory can judge it by its own signatures.
 */
export const creditPostRequestSchema = z.object({
  sale: creditQuoteSchema,
  attemptId: z.string().min(1).max(64),
  /** The wallet's number of the payment. */
  transactionId: z.string().min(1).max(64),
  /** Null: the payment's provider gives none, and nothing is posted by it. */
  evidence: evidenceSchema.nullable(),
});
export type CreditPostRequest = z.infer<typeof creditPostRequestSchema>;

/** Why an order is not credited, and never will be. Stable. */
export const CREDIT_REFUSALS = [
  /** One of the items was paid, debited or reserved otherwise meanwhile. */
  'item-taken',
  /** The wallet took the money behind the quote's end. */
  'too-late',
  /** The account book does not take it: closed, barred, or another sum is due. */
  'account',
] as const;
export type CreditRefusal = (typeof CREDIT_REFUSALS)[number];

/**
 * Central's word on an order. `posting`: it is being posted and its end is not known yet: asked
 * again. `posted`, `refused` and `void` are final and never change; on the last two the money goes
 * back. `void` stands for an order that central never heard of too.
 */
export const creditWordSchema = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('posted'),
    /** The posting's number in the account book. */
    reference: z.string().min(1).max(64),
    postedMs: natural,
    grant: tokenSchema,
    serverTimeMs: natural,
  }),
  z.object({
    state: z.literal('refused'),
    why: z.enum(CREDIT_REFUSALS),
    grant: tokenSchema,
    serverTimeMs: natural,
  }),
  z.object({ state: z.literal('void'), grant: tokenSchema, serverTimeMs: natural }),
  z.object({ state: z.literal('posting'), serverTimeMs: natural }),
]);
export type CreditWord = z.infer<typeof creditWordSchema>;
