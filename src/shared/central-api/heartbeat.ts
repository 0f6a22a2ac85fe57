import { z } from 'zod';
import { DEVICE_STATES } from '../contract/maintenance.ts';
import { natural } from './base.ts';

/** A stable error code; a later program has others. */
const code = z.string().max(16);

/**
 * How a machine stands, once a minute: nothing of it is about a customer or an order, and nothing
 * is decided by it but where a technician goes.
 */
export const heartbeatSchema = z.object({
  /** The kiosk's version. */
  version: z.string().max(40),
  atMs: natural,
  level: z.enum(['in-service', 'degraded', 'out-of-service', 'maintenance']),
  /** Why it is out of service, or what it goes on without. */
  codes: z.array(code).max(40),
  devices: z
    .array(
      z.object({
        device: z.string().max(32),
        state: z.enum(DEVICE_STATES),
        usable: z.boolean(),
        sinceMs: natural.nullable(),
        lastError: code.nullable(),
        media: z.string().max(16).nullable(),
        consumables: z
          .array(z.object({ name: z.string().max(40), level: z.string().max(16) }))
          .max(10),
      }),
    )
    .max(40),
  freeBytes: natural,
  /** This machine's clock less central's; null: not compared yet. */
  clockSkewMs: z.number().int().nullable(),
  unsent: z.object({ events: natural, oldestMs: natural.nullable() }),
  /** The version of the policy that it goes by; null: it has none. Left out by older kiosks. */
  policyVersion: natural.nullable().optional(),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;
/** It was heard. */
export const heartbeatAnswerSchema = z.object({ serverTimeMs: natural });
