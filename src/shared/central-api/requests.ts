import { z } from 'zod';
import { HALVES, REQUEST_STATES } from '../requests.ts';
import { MAX_SEALED } from '../sealed-box.ts';
import { natural } from './base.ts';

const name = z.object({ zh: z.string(), en: z.string() });
const slot = z.object({ date: z.string(), half: z.enum(HALVES) });

/** How a request stands: what the kiosk shows, without anything of whose it is. */
export const requestStatusSchema = z.object({
  /** The digits of the slip. */
  ref: z.string(),
  name,
  choice: name.nullable(),
  slot: slot.nullable(),
  state: z.enum(REQUEST_STATES),
  /** What staff answered; null: nothing yet. */
  reply: z.string().nullable(),
  dueMs: natural,
});
export type RequestStatus = z.infer<typeof requestStatusSchema>;
/** null: no request has this number with a telephone number that ends so. */
export const requestStatusAnswerSchema = z.object({
  request: requestStatusSchema.nullable(),
  serverTimeMs: natural,
});
/** Half days of a category that are full. */
export const requestSlotsAnswerSchema = z.object({
  full: z.array(slot).max(200),
  serverTimeMs: natural,
});
/** What identifies a request's customer, sealed to central's key (`shared/sealed-box.ts`). */
export const sealedPartSchema = z.object({ sealed: z.string().min(1).max(MAX_SEALED) });
/** It is kept, or was before. */
export const sealedTakenSchema = z.object({ taken: z.literal(true), serverTimeMs: natural });
