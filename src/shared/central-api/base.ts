import { z } from 'zod';

/**
 * The version of this API that a program speaks, in the header `Pilotlight-Api` of each request. A
 * change that an older program would misread raises it. A request without it is version 1; central
 * refuses versions beyond its own with problem(api-version), whose detail names its own.
 */
export const API_VERSION = 1;
/** The header that carries {@link API_VERSION}, as HTTP libraries spell it. */
export const API_VERSION_HEADER = 'pilotlight-api';

/** A number that counts something: whole, not negative, safe. */
export const natural = z.number().int().nonnegative();
/** A card number: ten digits. */
export const CARD_NO = /^\d{10}$/;
/** A card number in a body. */
export const cardNo = z.string().regex(CARD_NO);

/** Why central refuses, as the last part of a problem’s `type`; stable. */
export const PROBLEMS = [
  'unknown-card',
  'unknown-user',
  'item-taken',
  'contract-changed',
  'unknown-terminal',
  'bad-signature',
  'replayed',
  'suspended',
  'revoked',
  'too-many',
  'bad-request',
  'api-version',
  'hot-listed',
  'debt',
  'count-mismatch',
  'claimed',
  'over-limit',
  'too-small',
  'unit-mismatch',
  'gap',
  'fork',
  'old-epoch',
  'already-delivered',
  'refund-claimed',
  'counter-claimed',
  'not-proven',
  'not-in-doubt',
  'key-refused',
  'not-yet',
  'card-refused',
  'unknown-request',
  'sealed-mismatch',
  'code-refused',
  'no-policy',
  'internal',
] as const;
/** One of {@link PROBLEMS}. */
export type ProblemType = (typeof PROBLEMS)[number];
/** What stands before a problem's name in its `type`. */
export const PROBLEM_PREFIX = 'about:pilotlight/';
/** The status that goes with each; `bad-request` comes with 404, 409, 413 and 415 too. */
export const PROBLEM_STATUS: Readonly<Record<ProblemType, number>> = {
  'unknown-card': 404,
  'unknown-user': 404,
  'item-taken': 409,
  'contract-changed': 409,
  'unknown-terminal': 401,
  'bad-signature': 401,
  replayed: 409,
  suspended: 403,
  revoked: 403,
  'too-many': 429,
  'bad-request': 400,
  'api-version': 400,
  'hot-listed': 409,
  debt: 409,
  'count-mismatch': 409,
  claimed: 409,
  'over-limit': 409,
  'too-small': 409,
  'unit-mismatch': 409,
  gap: 409,
  fork: 409,
  'old-epoch': 409,
  'already-delivered': 409,
  'refund-claimed': 409,
  'counter-claimed': 409,
  'not-proven': 409,
  'not-in-doubt': 409,
  'key-refused': 409,
  'not-yet': 409,
  'card-refused': 409,
  'unknown-request': 404,
  'sealed-mismatch': 409,
  'code-refused': 403,
  'no-policy': 503,
  internal: 500,
};
/** RFC 9457; `type` is `about:pilotlight/<one of PROBLEMS>`. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: natural,
  detail: z.string().optional(),
  expectedSeq: natural.optional(),
});
export type Problem = z.infer<typeof problemSchema>;
