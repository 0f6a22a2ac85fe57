import { z } from 'zod';

/**
 * The central billing API, as JSON over HTTP. Each request is signed with the terminal's Ed25519 key: headers
 * `Pilotlight-Terminal`, `Pilotlight-Timestamp` (ms), `Pilotlight-Nonce`, `Pilotlight-Signature` = base64 of the
 * signature over `METHOD\nPATH?QUERY\nTIMESTAMP\nNONCE\nhex(SHA-256(body))\n`.
 *
 *   GET  /v1/time                        → timeAnswer (unsigned requests allowed)
 *   GET  /v1/policy                      → signedPolicy
 *   GET  /v1/accounts/by-card/:cardNo    → accountAnswer | 404 problem(unknown-card)
 *   POST /v1/quotes                      → quoteAnswer | 409 problem
 *   POST /v1/quotes/:orderId/release     → {} (idempotent; gives the carried reserve and the claim back if the order took no money)
 *   POST /v1/journal                     → uploadAnswer | 409 problem(gap|fork)
 * Errors are RFC 9457 problem+json with a stable `type`.
 */
const natural = z.number().int().nonnegative();
export const CARD_NO = /^\d{10}$/;

export const tariffSchema = z.object({
  tariffId: z.string(),
  version: natural,
  tiers: z.array(z.object({ uptoQuantity: natural.nullable(), priceE4: z.number().int().positive() })).min(1),
});

/** Why central itself would not sell to this card; the card's own reasons are judged by the kiosk's layout. */
export const ACCOUNT_STATES = ['normal', 'hot-listed', 'debt'] as const;

export const accountSchema = z.object({
  cardNo: z.string().regex(CARD_NO),
  userNo: z.string(),
  holderName: z.string(),
  meterNo: z.string(),
  kind: z.enum(['gas', 'water', 'heat']),
  unit: z.enum(['volume', 'money']),
  state: z.enum(ACCOUNT_STATES),
  /** Purchases that central knows were delivered (or opened with). */
  count: natural,
  /** 0.01 units, all time. */
  cumulative: natural,
  /** 0.01 units bought in the current tariff year. */
  yearQuantity: natural,
  /** Exact remainder of earlier purchases, micro-yuan, free to use now (reserved ones are not in it). */
  carriedMicro: natural,
  /** The meter's ceiling, 0.01 units. */
  ceilingQuantity: natural,
  /** At most this much in one purchase, 0.01 units; null: no limit. */
  perPurchaseQuantity: natural.nullable(),
  /** What may still be bought in the limit period, 0.01 units; null: no limit. */
  periodLeftQuantity: natural.nullable(),
  tariff: tariffSchema,
  /** An order of any terminal that holds the claim on this card's next count; null: none. */
  claim: z.object({ orderId: z.string(), terminalId: z.string() }).nullable(),
});
export type Account = z.infer<typeof accountSchema>;
export const accountAnswerSchema = z.object({ account: accountSchema, serverTimeMs: natural });
export type AccountAnswer = z.infer<typeof accountAnswerSchema>;

/** Preview when `orderId` is null; else firm: reserves the carried remainder and claims (card, nextCount) for the order. */
export const quoteRequestSchema = z.object({
  orderId: z.string().max(64).nullable(),
  cardNo: z.string().regex(CARD_NO),
  /** The card's count after this purchase. */
  nextCount: natural,
  amountFen: natural,
});
export type QuoteRequest = z.infer<typeof quoteRequestSchema>;

export const quoteSchema = z.object({
  orderId: z.string().nullable(),
  cardNo: z.string(),
  nextCount: natural,
  amountFen: natural,
  quantity: natural,
  shares: z.array(z.object({ tier: natural, priceE4: natural, quantity: natural, costMicro: natural })),
  /** Micro-yuan taken from the account's carried remainder. */
  carriedUsedMicro: natural,
  /** Micro-yuan that the account will carry after this purchase. */
  carriedAfterMicro: natural,
  tariffId: z.string(),
  tariffVersion: natural,
  expiresAtMs: natural,
});
export type Quote = z.infer<typeof quoteSchema>;
export const quoteAnswerSchema = z.object({ quote: quoteSchema, serverTimeMs: natural });

/** One journal fact as uploaded. `hash` = hex SHA-256 over `prevHash` (hex) ‖ canonical JSON of {epoch, seq, kind, wallMs, orderId, body}. */
export const uploadEventSchema = z.object({
  seq: natural,
  kind: z.string(),
  wallMs: natural,
  orderId: z.string().nullable(),
  body: z.unknown(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});
export type UploadEvent = z.infer<typeof uploadEventSchema>;
export const uploadRequestSchema = z.object({
  epoch: natural,
  fromSeq: natural,
  prevHash: z.string().regex(/^[0-9a-f]{64}$/),
  events: z.array(uploadEventSchema).min(1).max(200),
  /** base64 Ed25519 over `epoch:lastSeq:lastHash` by the terminal's key. */
  headSig: z.string(),
});
export type UploadRequest = z.infer<typeof uploadRequestSchema>;
export const uploadAnswerSchema = z.object({
  /** The highest contiguous sequence number that central holds. */
  ackSeq: natural,
  ackHash: z.string(),
  serverTimeMs: natural,
  nextUploadAfterMs: natural,
  /** Taken but not usable: set aside until a person settles it. */
  quarantined: z.array(natural),
});
export type UploadAnswer = z.infer<typeof uploadAnswerSchema>;

export const PROBLEMS = ['unknown-card', 'unknown-terminal', 'bad-signature', 'bad-request', 'hot-listed', 'debt', 'count-mismatch', 'claimed', 'over-limit', 'too-small', 'unit-mismatch', 'gap', 'fork', 'old-epoch', 'internal'] as const;
export type ProblemType = (typeof PROBLEMS)[number];
/** RFC 9457; `type` is `about:pilotlight/<one of PROBLEMS>`. */
export const problemSchema = z.object({ type: z.string(), title: z.string(), status: natural, detail: z.string().optional(), expectedSeq: natural.optional() });
export type Problem = z.infer<typeof problemSchema>;

/** Canonical JSON: keys sorted, no white space, only JSON values; the form that hashes and signatures cover. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new RangeError('canonical JSON has finite numbers only');
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(',')}}`;
  }
  throw new RangeError(`canonical JSON cannot hold a ${typeof value}`);
}
