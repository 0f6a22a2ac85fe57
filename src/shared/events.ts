import { z } from 'zod';

/**
 * The event catalogue: the facts of the journal. Append-only and uploaded to central in order; a kind's meaning
 * never changes, a new meaning is a new kind. No full names, no secrets, no payment codes.
 */
const natural = z.number().int().nonnegative();
const hex = z.string().regex(/^([0-9A-F]{2})*$/);
const share = z.object({ tier: natural, priceE4: natural, quantity: natural, costMicro: natural });
const failureBody = z.object({ code: z.string(), detail: z.string().optional() });

export const EVENTS = {
  /** The core came up on this journal. */
  'core-started': z.object({ version: z.string(), node: z.string(), recoveredOrders: natural }),
  /** An order with a firm quote; the claim and the carried reserve at central (if online) are its. */
  'order-quoted': z.object({
    cardNo: z.string(),
    userNo: z.string(),
    layout: z.string(),
    unit: z.enum(['volume', 'money']),
    nextCount: natural,
    amountFen: natural,
    quantity: natural,
    shares: z.array(share),
    carriedUsedMicro: natural,
    carriedAfterMicro: natural,
    tariffId: z.string(),
    tariffVersion: natural,
    offline: z.boolean(),
    tag: hex,
  }),
  /** Before the first request that carries these numbers. */
  'attempt-creating': z.object({ attemptId: z.string(), provider: z.string(), outTradeNo: z.string(), outRefundNo: z.string(), amountFen: natural, expiresAtMs: natural }),
  'attempt-pending': z.object({ attemptId: z.string() }),
  /** The provider says, under its signature, that this attempt was captured. */
  'attempt-paid': z.object({ attemptId: z.string(), transactionId: z.string(), amountFen: natural, /** false: the order could not take it; it refunds itself. */ taken: z.boolean() }),
  'attempt-closing': z.object({ attemptId: z.string(), why: z.enum(['customer', 'expired', 'card-removed', 'recovery', 'create-refused']) }),
  'attempt-closed': z.object({ attemptId: z.string() }),
  'attempt-refunding': z.object({ attemptId: z.string(), outRefundNo: z.string(), amountFen: natural, why: z.string() }),
  'attempt-refunded': z.object({ attemptId: z.string(), refundId: z.string(), amountFen: natural }),
  'attempt-parked': z.object({ attemptId: z.string(), reason: z.string(), failure: failureBody }),
  'order-paid': z.object({ attemptId: z.string(), amountFen: natural }),
  /** Before the first byte: what the card held, what it shall hold, by which steps. */
  'order-delivering': z.object({ insertion: natural, before: hex, after: hex, cumulative: natural, plan: z.array(z.string()) }),
  'order-in-doubt': z.object({ failure: failureBody }),
  /** Seen on the card by read-back or by a later read: our tag. */
  'order-delivered': z.object({ by: z.enum(['read-back', 'later-read']), count: natural, quantity: natural, cumulative: natural }),
  'order-closed': z.object({ why: z.string() }),
  'order-refunding': z.object({ attemptId: z.string(), failure: failureBody }),
  'order-refunded': z.object({ attemptId: z.string() }),
  'order-parked': z.object({ reason: z.string(), nextStep: z.string(), failure: failureBody.optional() }),
  'slip-printed': z.object({ what: z.enum(['receipt', 'in-doubt', 'refund', 'parked']), ok: z.boolean() }),
  'clock-step': z.object({ stepMs: z.number().int() }),
  'policy-taken': z.object({ version: natural }),
} as const;
export type EventKind = keyof typeof EVENTS;
export type EventBody<K extends EventKind> = z.infer<(typeof EVENTS)[K]>;
export type JournalEvent = { [K in EventKind]: { readonly kind: K; readonly orderId: string | null; readonly body: EventBody<K> } }[EventKind];

export const ORDER_STATES = ['quoted', 'collecting', 'paid', 'delivering', 'in-doubt', 'delivered', 'closed', 'refunding', 'refunded', 'parked'] as const;
export type OrderState = (typeof ORDER_STATES)[number];
export const ATTEMPT_STATES = ['creating', 'pending', 'closing', 'closed', 'paid', 'refunding', 'refunded', 'parked'] as const;
export type AttemptState = (typeof ATTEMPT_STATES)[number];
