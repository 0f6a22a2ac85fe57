import { z } from 'zod';
import { CREDIT_KINDS } from '../sale.ts';
import { errorCode, natural } from './base.ts';

/** Screens of a sale without a card. */

const words = z.object({ zh: z.string(), en: z.string() });
const kind = z.enum(CREDIT_KINDS);
/** Money that may be owed. */
const owed = z.number().int();

/**
 * How far a write has come, as it tells by itself. `preparing`: nothing of it is begun. `steps`: of
 * its plan, with the check of what is on the card as the last one; left out where nobody counts
 * them (a sale without a card, a maker's own program before its first word).
 */
export const writeProgress = {
  stage: z.enum(['preparing', 'writing', 'checking']),
  steps: z.object({ done: natural, of: natural }).optional(),
};

/** What an order's screens say of a sale without a card; left out: it is a card's. */
export const creditGoods = z
  .object({
    /** The last digits of the user number. */
    userTail: z.string(),
    company: words,
    kinds: z.array(kind).min(1),
    /** The one bill's period; empty: several, or a balance. */
    period: z.string(),
  })
  .exactOptional();
/** See {@link creditGoods}. */
export type CreditGoods = NonNullable<z.infer<typeof creditGoods>>;

/** The members of the `user-no` screen. */
export const userNoShape = {
  service: z.enum(['top-up', 'bills']),
  /** So many digits at the most. */
  digits: natural,
  /** Where it is found. */
  hint: words,
  /** A barcode is read, too. */
  scanner: z.boolean(),
  busy: z.boolean(),
  /** A card is read, which tells the number. */
  reading: z.boolean(),
  problem: errorCode.nullable(),
};
/**
 * What the company corrected at the account lately; left out: nothing. `moved-in`, `moved-out`: a
 * payment for a wrong account · `granted`: what stood in a meter that was changed.
 */
const corrected = z
  .object({
    what: z.enum(['moved-in', 'moved-out', 'granted']),
    amountFen: natural,
    atMs: natural,
  })
  .exactOptional();
/** See {@link corrected}. */
export type Corrected = NonNullable<z.infer<typeof corrected>>;
const holder = { holderMasked: z.string(), userNo: z.string(), corrected };
/** The members of the `is-it-you` screen. */
export const isItYouShape = {
  ...holder,
  service: z.enum(['top-up', 'bills']),
  address: z.string(),
};
/** The members of the `top-up` screen. */
export const topUpShape = {
  ...holder,
  company: words,
  /** Paid ahead for bills to come; left out: an IoT meter's. */
  prepay: z.literal(true).exactOptional(),
  meterNo: z.string(),
  balanceFen: owed,
  /** Paid, and not confirmed by the meter yet. */
  onTheWayFen: natural,
  presetsFen: z.array(natural),
  minFen: natural,
  maxFen: natural,
  chosenFen: natural.nullable(),
  busy: z.boolean(),
  problem: errorCode.nullable(),
};
/** One bill as it is listed. */
export const billView = z.object({
  item: z.string(),
  kind,
  period: z.string(),
  dueFen: natural,
  lateFeeFen: natural,
  discountFen: natural,
  overdueDays: natural,
  details: z.array(words),
  ticked: z.boolean(),
});
export type BillView = z.infer<typeof billView>;
/** The members of the `bills` screen. */
export const billsShape = {
  ...holder,
  /** By whose money it is; each is paid by itself. */
  groups: z.array(z.object({ payee: z.string(), company: words, bills: z.array(billView) })),
  /** Being paid elsewhere at this moment. */
  underWay: natural,
  /** Of all that is owed, shown here or not. */
  totalFen: natural,
  totalCount: natural,
  /** What is ticked, or the part of it that was chosen. */
  chosenFen: natural,
  /** The one bill that is ticked may be paid in part; left out: it may not. */
  part: z
    .object({
      minFen: natural,
      maxFen: natural,
      /** What is owed of it after the part that was chosen; null: it is paid whole. */
      restFen: natural.nullable(),
    })
    .exactOptional(),
  /** Money may be paid ahead. */
  prepay: z.literal(true).exactOptional(),
  busy: z.boolean(),
  problem: errorCode.nullable(),
};
/** The members of the `contract` screen: read and agreed to before anything is asked for. */
export const contractShape = {
  ...holder,
  title: words,
  version: natural,
  points: z.array(words),
  agreed: z.boolean(),
  amountFen: natural,
  busy: z.boolean(),
  problem: errorCode.nullable(),
};

/** The members of the `no-slip` screen: no slip can be printed, before money is asked for. */
export const noSlipShape = {
  amountFen: natural,
  /** A card is in. */
  card: z.boolean(),
  /** There is a receipt's page, with a code for it on the screen after paying. */
  code: z.boolean(),
  busy: z.boolean(),
};

/** The members of the `confirm-sum` screen: a large sum, before money is asked for. */
export const confirmShape = {
  holderMasked: z.string(),
  /** Of the card, masked; of a sale without one the end of the user number. */
  number: z.string(),
  amountFen: natural,
  /** What is written to the card; left out: `credit` says what is paid. */
  goods: z.object({ quantity: natural, unit: z.enum(['volume', 'money']) }).exactOptional(),
  credit: creditGoods,
  busy: z.boolean(),
};
