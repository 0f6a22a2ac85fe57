import { z } from 'zod';
import { ORDER_STATES } from '../order-rules.ts';
import { tokenSchema } from '../sealed-text.ts';
import { UNWRITTEN } from '../trust.ts';
import type { Unwritten } from '../trust.ts';
import { cardNo, natural } from './base.ts';

/**
 * The claim on an order whose card write was begun (architecture.md, section 4). `write`: this
 * terminal, which has the card in its reader, may finish the write for {@link CLAIM_MS}; granted
 * again to whoever asks once that is over. `refund`: only to the order's own terminal; final, and
 * refused while another terminal holds a write claim, or has not told what it wrote under one,
 * unless the order's terminal saw the card as before the write under a write claim of its own that
 * still runs, by a read that was begun after it was granted (the read-back of its own write is
 * one): `claimMs` is the `serverTimeMs` with which central granted that one. `counter`: the
 * card will not come back and a person decides; like `refund`, but what another terminal never told
 * does not stand in its way, since no money moves by it. Every uploaded order-delivering and
 * order-in-doubt renews the order's own terminal's write claim. Asking again gives the same.
 */
export const claimRequestSchema = z.object({
  kind: z.enum(['write', 'refund', 'counter']),
  cardNo,
  claimMs: natural.optional(),
  /**
   * Of a write claim: the card is here and shows the purchase unwritten, though another kiosk said
   * that it is on it. The same record is written again; no meter takes a count twice.
   */
  finish: z.literal(true).optional(),
  /**
   * Of a refund claim: how sure it is that nothing is on the card; left out: not at all
   * (`unproven`). What is not sure is granted within a budget (docs/decisions/0032), beyond it
   * problem(not-proven): the order waits, until its count is taken by another purchase as large, or
   * a person decides.
   */
  unwritten: z.enum(UNWRITTEN).optional(),
  /**
   * Of a refund claim with `claimMs`: the card itself proved what that look saw. So it speaks of
   * every kiosk's write until then; `unwritten` alone is of the terminal's own.
   */
  proven: z.literal(true).optional(),
  /** How many writes of it the terminal's journal knows of. */
  writes: natural.optional(),
  /** The image that was read last, hex: kept with what waits. */
  read: z
    .string()
    .max(8_192)
    .regex(/^([0-9A-F]{2})*$/)
    .optional(),
});
/** What a refund claim tells of the card. */
export interface RefundTold {
  readonly unwritten: Unwritten;
  readonly writes: number;
  /** The card proved it under the claim that `claimMs` names. */
  readonly proven?: true;
  readonly read?: string;
}
/** What is told with a claim that is asked for. */
export type ClaimTold = RefundTold | { readonly finish: true };
export type ClaimRequest = z.infer<typeof claimRequestSchema>;
/** What a claim is for. */
export type ClaimKind = ClaimRequest['kind'];
/** How long central keeps a write claim for its holder. */
export const CLAIM_MS = 180_000;
/**
 * How long its holder may begin a write under it, counted on the holder's own monotonic clock from
 * before it asked: shorter, so that no skew and no slow answer makes two holders.
 */
export const CLAIM_USE_MS = 120_000;
/** What another kiosk needs to finish an order. Images in upper-case hex. */
export const claimedOrderSchema = z.object({
  orderId: z.string(),
  terminalId: z.string(),
  cardNo: z.string(),
  userNo: z.string(),
  layout: z.string(),
  unit: z.enum(['volume', 'money']),
  nextCount: natural,
  amountFen: natural,
  quantity: natural,
  cumulative: natural,
  carriedAfterMicro: natural,
  tag: z.string(),
  before: z.string(),
  after: z.string(),
  plan: z.array(z.string()),
  /** What kiosks kept of the order's writes, oldest first: cards without tags are judged by it. */
  kept: z.array(z.string()).optional(),
});
export type ClaimedOrder = z.infer<typeof claimedOrderSchema>;
/**
 * `order` is null for a refund or counter claim, and for a write claim of the order's own terminal
 * whose plan central does not hold yet.
 */
export const claimAnswerSchema = z.object({
  kind: z.enum(['write', 'refund', 'counter']),
  ttlMs: natural,
  order: claimedOrderSchema.nullable(),
  serverTimeMs: natural,
  /** Central's token for it, which the facts under this claim name. */
  grant: tokenSchema.optional(),
});
export type ClaimAnswer = z.infer<typeof claimAnswerSchema>;

/**
 * What central wants a terminal to know; each is repeated until the terminal's journal shows that
 * it was done.
 */
export const commandSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('delivered-elsewhere'),
    orderId: z.string(),
    terminalId: z.string(),
    count: natural,
    quantity: natural,
    cumulative: natural,
  }),
  z.object({ kind: z.literal('superseded'), orderId: z.string(), terminalId: z.string() }),
]);
export type Command = z.infer<typeof commandSchema>;
/** What is to be done, and which epoch is this terminal’s. */
export const commandsAnswerSchema = z.object({
  commands: z.array(commandSchema),
  /** The epoch that this terminal may write. */
  epoch: natural,
  serverTimeMs: natural,
});
export type CommandsAnswer = z.infer<typeof commandsAnswerSchema>;

/** An order by its reference, for a customer with a slip: nothing personal. */
export const orderStatusSchema = z.object({
  orderId: z.string(),
  terminalId: z.string(),
  state: z.enum(ORDER_STATES),
  amountFen: natural,
  quantity: natural,
  unit: z.enum(['volume', 'money']),
  /** Left out: a card's, or told by an older central. */
  sale: z.enum(['card', 'credit']).optional(),
  /** Of a top-up whose meter is told of it: has the meter confirmed it? Left out: no meter is told. */
  meter: z.enum(['on-the-way', 'confirmed']).optional(),
  /** Its credit was moved to the account that was meant (docs/credit.md); left out: it was not. */
  moved: z.boolean().optional(),
});
export type OrderStatus = z.infer<typeof orderStatusSchema>;
/** Orders under one reference: mostly one. */
export const orderStatusAnswerSchema = z.object({
  orders: z.array(orderStatusSchema),
  serverTimeMs: natural,
});
