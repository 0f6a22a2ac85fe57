import { hash } from 'node:crypto';
import { z } from 'zod';
import { ERRORS } from './errors.ts';
import type { ErrorCode, Failure } from './errors.ts';
import { evidenceSchema } from './evidence.ts';

/**
 * The payment gateway's contract (docs/payment-gateway.md): `POST /v1/payments/<verb>`, JSON both
 * ways, requests signed like every other one of a terminal (central-api/index.ts). A 200 answer
 * carries a result; it is signed with the gateway's own key ({@link answerText}), so that nobody on
 * the way can say "paid". Every other status means "outcome unknown", or, 400 to 403, that the line
 * is set up wrongly.
 */
export const GATEWAY_VERBS = [
  'create',
  'query',
  'close',
  'refund',
  'query-refund',
  'charge',
  'reverse',
  'bill',
] as const;
export type GatewayVerb = (typeof GATEWAY_VERBS)[number];
/** Where the verbs stand, each as the last part of the path. */
export const GATEWAY_PATH = '/v1/payments/';
/**
 * What an answer's signature covers. The first line keeps it apart from everything else that this
 * key signs; terminal and nonce bind it to one request, so an answer that was kept cannot be given
 * to another.
 */
export function answerText(
  terminalId: string,
  method: string,
  target: string,
  nonce: string,
  status: number,
  body: Uint8Array,
): string {
  return `PILOTLIGHT-PAYMENT-ANSWER\n${terminalId}\n${method}\n${target}\n${nonce}\n${status}\n${hash('sha256', body, 'hex')}\n`;
}

/** Terminals' own numbers: what every wallet takes. */
export const GATEWAY_TRADE_NO = /^[0-9A-Za-z_]{6,32}$/;
/** What a refund number at the gateway looks like. */
export const GATEWAY_REFUND_NO = /^[0-9A-Za-z_]{1,64}$/;

/** The longest name of a hall and its machine. */
export const MAX_HALL = 60;

const fen = z.number().int().nonnegative();
const outTradeNo = z.string().regex(GATEWAY_TRADE_NO);
const method = z.literal('code').optional();
const line = z
  .string()
  .max(127)
  .regex(/^\P{Cc}*$/u);

/** Names a payment by the terminal’s own trade number. */
export const attemptSchema = z.object({ outTradeNo, amountFen: fen, method });
/** No query is held for longer, ms, however long its asker would wait. */
export const MAX_WAIT_MS = 20_000;
/**
 * Asks where a payment stands. With `waitMs` the answer may be held so long, until it says
 * something else than `known`; a gateway of before knows neither, and answers at once.
 */
export const querySchema = attemptSchema.extend({
  waitMs: z.number().int().min(0).max(600_000).optional(),
  known: z.enum(['pending', 'paying']).optional(),
});
/** The order that is paid; left out by terminals of before. */
const orderId = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[0-9A-Za-z-]+$/)
  .optional();
/**
 * Whose money it is, by the quote that central signed; believed only where central knows no such
 * order. Left out: the house's, or a terminal of before.
 */
const payee = z.string().min(1).max(32).optional();
/** A masked number as `maskCardNo` makes it: nothing longer passes for one. */
const MASKED = /^[0-9A-Za-z]{0,4} ?\*{4} ?[0-9A-Za-z]{0,4}$/;
/**
 * Asks for a code that takes this sum until then. `hall` (the machine's name and place) and `card`
 * (masked) are what the customer's page names; left out by terminals of before.
 */
export const createSchema = z.object({
  outTradeNo,
  orderId,
  payee,
  amountFen: fen.positive(),
  description: line,
  expiresAtMs: fen,
  hall: line.max(MAX_HALL).optional(),
  card: z.string().regex(MASKED).optional(),
});
/** Asks to collect this sum with the customer’s payment code. */
export const chargeSchema = z.object({
  outTradeNo,
  orderId,
  payee,
  amountFen: fen.positive(),
  description: line,
  authCode: z.string().regex(/^[0-9]{10,32}$/),
});
/** Asks to hand money of a trade back, under a refund number of the terminal’s. */
export const refundSchema = z.object({
  outTradeNo,
  amountFen: fen.positive(),
  method,
  outRefundNo: z.string().regex(GATEWAY_REFUND_NO),
  refundFen: fen.positive(),
  reason: z.string().max(200),
});
/** Names a China day, `YYYY-MM-DD`. */
export const billSchema = z.object({ date: z.string().regex(/^\d{4}-\d\d-\d\d$/) });

// ---- answers ----
const failureSchema = z
  .object({ code: z.string(), detail: z.string().max(500).optional() })
  .transform(({ code, detail }): Failure => ({
    code: Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'PAY-0201',
    ...(detail === undefined ? {} : { detail }),
  }));
const only = <const K extends string>(...kinds: readonly [K, ...K[]]) =>
  z.object({ kind: z.enum(kinds) });
const failed = <const K extends string>(...kinds: readonly [K, ...K[]]) =>
  z.object({ kind: z.enum(kinds), failure: failureSchema });
const paid = z
  .object({
    kind: z.literal('paid'),
    transactionId: z.string().min(1),
    amountFen: fen,
    paidAtMs: fen.nullable(),
    /** The gateway's receipt; left out by one of before receipts, or for a trade without an order. */
    evidence: evidenceSchema.optional(),
  })
  .transform(({ evidence, ...r }) => ({ ...r, ...(evidence === undefined ? {} : { evidence }) }));
const refunded = z
  .object({
    kind: z.literal('refunded'),
    transactionId: z.string(),
    amountFen: fen,
    whole: z.boolean().optional(),
  })
  .transform(({ whole, ...r }) => ({ ...r, ...(whole === undefined ? {} : { whole }) }));
const refundId = z.string();

/** Each 200 answer names what it is about, so that an answer in the wrong place is not believed. */
const about = <T extends z.ZodType>(result: T) => z.object({ outTradeNo: z.string(), result });

/** To create: the code to show. */
export const createAnswer = about(
  z.union([
    z.object({ kind: z.literal('pending'), qrText: z.string().min(1).max(512) }),
    only('paid'),
    failed('refused', 'unknown'),
  ]),
);
/** To query: where the trade stands. */
export const queryAnswer = about(
  z.union([paid, refunded, only('paying', 'pending', 'closed', 'not-found'), failed('unknown')]),
);
/** To close: it takes no money any more, or it has. */
export const closeAnswer = about(z.union([only('closed', 'paid', 'not-found'), failed('unknown')]));
/** To refund: accepted, done or refused. */
export const refundAnswer = about(
  z.union([
    z.object({ kind: z.enum(['accepted', 'done']), refundId }),
    failed('refused', 'unknown'),
  ]),
);
/** To query-refund: where the refund stands. */
export const queryRefundAnswer = about(
  z.union([
    z.object({ kind: z.literal('done'), refundId, refundFen: fen }),
    z.object({ kind: z.literal('processing'), refundId }),
    only('not-found'),
    failed('abnormal', 'unknown'),
  ]),
);
/** To charge: where the code payment stands. */
export const chargeAnswer = about(z.union([paid, only('paying'), failed('refused', 'unknown')]));
/** To reverse: it took no money, or gave it back. */
export const reverseAnswer = about(
  z.union([
    z.object({ kind: z.literal('reversed'), refunded: z.boolean().nullable() }),
    only('not-found'),
    failed('refused', 'unknown'),
  ]),
);
const billRow = z
  .object({
    kind: z.enum(['payment', 'refund', 'reversal']),
    outTradeNo: z.string(),
    transactionId: z.string(),
    outRefundNo: z.string(),
    amountFen: fen,
    atMs: z.number().int(),
    outcome: z.enum(['pending', 'failed']).optional(),
  })
  .transform(({ outcome, ...row }) => ({ ...row, ...(outcome === undefined ? {} : { outcome }) }));
const bill = z
  .object({
    kind: z.literal('bill'),
    rows: z.array(billRow),
    unlisted: z.array(outTradeNo).optional(),
    awaited: z.array(outTradeNo).optional(),
    failure: failureSchema.optional(),
  })
  .transform(({ unlisted, awaited, failure, ...b }) => ({
    ...b,
    ...(unlisted === undefined ? {} : { unlisted }),
    ...(awaited === undefined ? {} : { awaited }),
    ...(failure === undefined ? {} : { failure }),
  }));
/** To bill: the day’s rows of this terminal. */
export const billAnswer = about(z.union([bill, only('none'), failed('not-ready', 'unknown')]));
