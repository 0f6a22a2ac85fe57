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
/** RFC 9457; `type` is `about:pilotlight/<one of PROBLEMS>`. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: natural,
  detail: z.string().optional(),
  expectedSeq: natural.optional(),
});
export type Problem = z.infer<typeof problemSchema>;
