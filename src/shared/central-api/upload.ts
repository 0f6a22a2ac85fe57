import { z } from 'zod';
import { natural } from './base.ts';

/**
 * One entry of central's ledger: money that a terminal's fact of that day says was captured or
 * handed back.
 */
export const ledgerRowSchema = z.object({
  kind: z.enum(['captured', 'captured-extra', 'refunded']),
  orderId: z.string(),
  attemptId: z.string(),
  amountFen: z.number().int(),
  /** The fact it came from. */
  epoch: natural,
  seq: natural,
  /** The terminal's time of that fact. */
  atMs: natural,
});
export type LedgerRow = z.infer<typeof ledgerRowSchema>;
/** A terminal's own ledger rows of one China day. */
export const ledgerAnswerSchema = z.object({
  date: z.string(),
  rows: z.array(ledgerRowSchema),
  serverTimeMs: natural,
});

/**
 * One journal fact as uploaded. `hash` = hex SHA-256 over `prevHash` (hex) ‖ canonical JSON of
 * {epoch, seq, kind, wallMs, orderId, body}.
 */
export const uploadEventSchema = z.object({
  seq: natural,
  kind: z.string(),
  wallMs: natural,
  orderId: z.string().nullable(),
  body: z.unknown(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});
export type UploadEvent = z.infer<typeof uploadEventSchema>;
/**
 * Without events the batch only says where the journal stands: `fromSeq` − 1 is its last number,
 * `prevHash` that one's hash.
 */
export const uploadRequestSchema = z.object({
  epoch: natural,
  fromSeq: natural,
  prevHash: z.string().regex(/^[0-9a-f]{64}$/),
  events: z.array(uploadEventSchema).max(200),
  /**
   * base64 Ed25519 over `epoch:lastSeq:lastHash` by the terminal's key, of the last event or,
   * without events, of `fromSeq` − 1 and `prevHash`.
   */
  headSig: z.string(),
});
export type UploadRequest = z.infer<typeof uploadRequestSchema>;
/** What central holds now. */
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

/**
 * A restored, forked or cloned journal asks for a new epoch. Where its disk stands is told, so that
 * a person can judge.
 */
export const epochRequestSchema = z.object({
  epoch: natural,
  lastSeq: natural,
  lastHash: z.string(),
  why: z.string().max(300),
});
export type EpochRequest = z.infer<typeof epochRequestSchema>;
/** null: a person at central has not granted it yet. */
export const epochAnswerSchema = z.object({ granted: natural.nullable(), serverTimeMs: natural });
