import { z } from 'zod';
import { PROVIDER_KINDS, errorCode, natural } from './base.ts';

/** The tabs of maintenance mode. */
export const MAINTENANCE_TABS = ['devices', 'orders', 'sync'] as const;
export type MaintenanceTab = (typeof MAINTENANCE_TABS)[number];
/** What a technician may do; each is journaled. */
export const MAINTENANCE_ACTIONS = [
  'self-test',
  'verify-journal',
  'accept-damage',
  'upload-now',
  'out-of-service',
  'back-in-service',
  'retry-refund',
  'settle-refunded-by-hand',
  'settle-delivered-by-hand',
  'settle-nothing-due',
  'card-lost',
  'print-story',
  'empty-bin',
] as const;
export type MaintenanceAction = (typeof MAINTENANCE_ACTIONS)[number];
const both = z.object({ zh: z.string(), en: z.string() });
/** How a device stands, in the terms of CEN/XFS's device status. */
export const DEVICE_STATES = [
  'online',
  'offline',
  'busy',
  'hardware-error',
  'user-error',
  'no-device',
] as const;
/** One device: what it is, how it is, and what its self-test said. */
export const deviceViewSchema = z.object({
  id: z.string(),
  name: both,
  state: z.enum(DEVICE_STATES),
  detail: both,
  lastError: errorCode.nullable(),
  sinceMs: natural.nullable(),
  test: z.enum(['none', 'running', 'passed', 'failed']),
  testDetail: both.nullable(),
});
export type DeviceView = z.infer<typeof deviceViewSchema>;
/** One order for a technician: its story and what takes it on. */
export const orderStorySchema = z.object({
  orderId: z.string(),
  orderRef: z.string(),
  state: z.string(),
  amountFen: natural,
  cardMasked: z.string(),
  createdMs: natural,
  /** Why it is where it is, and the next step, for a person. */
  reason: both,
  nextStep: both,
  actions: z.array(z.enum(MAINTENANCE_ACTIONS)),
  /** Newest last; only for the order that is open. */
  story: z.array(z.object({ atMs: natural, text: both })),
});
export type OrderStory = z.infer<typeof orderStorySchema>;
/** Maintenance mode: who is in it, what the devices, orders and the journal are. */
export const maintenanceShape = {
  who: z.string(),
  tab: z.enum(MAINTENANCE_TABS),
  /** Taken out of service by a technician; the customers see so. */
  outOfService: z.boolean(),
  /** Why nothing may be sold now, besides that; null: all is well. */
  blocked: errorCode.nullable(),
  version: z.string(),
  devices: z.array(deviceViewSchema),
  /** Cards in the reader's bin. Left out: none. */
  binCards: natural.optional(),
  /** Parked ones first, then open ones, then the newest. */
  orders: z.array(orderStorySchema),
  openOrderId: z.string().nullable(),
  sync: z.object({
    centralUp: z.boolean().nullable(),
    unsentEvents: natural,
    unsentFen: natural,
    oldestUnsentMs: natural.nullable(),
    epoch: natural,
    headSeq: natural,
    headHash: z.string(),
    freeBytes: natural,
    backupAtMs: natural.nullable(),
    clockSkewMs: z.number().int().nullable(),
    /** The last day whose bills were compared with the journal and central's ledger; null: none yet. */
    reconciled: z
      .object({
        date: z.string(),
        atMs: natural,
        providers: z.array(z.enum(PROVIDER_KINDS)),
        payments: natural,
        paidFen: natural,
        refunds: natural,
        refundedFen: natural,
        persons: natural,
        differences: natural,
      })
      .nullable(),
    /** The journal was restored and waits for a technician, or for central. */
    damage: z
      .object({
        atMs: natural,
        why: z.string(),
        aside: z.string(),
        restoredSeq: natural,
        lostAfterSeq: natural.nullable(),
        accepted: z.boolean(),
        epochGranted: z.boolean(),
      })
      .nullable(),
    verify: z.object({
      state: z.enum(['none', 'running', 'ok', 'failed']),
      problems: z.array(z.string()),
      atMs: natural.nullable(),
    }),
  }),
  /** The last action's outcome, for a moment. */
  message: both.nullable(),
};
