import { z } from 'zod';
import { SHIFT_DOUBTS, shiftSchema } from '../shift.ts';
import { PROVIDER_KINDS, errorCode, natural } from './base.ts';

/**
 * Who works in maintenance mode. `staff`: of the hall (大厅人员) · `technician` (技术员) · `auditor`
 * (审计员): sees and exports, changes nothing. What each may: `kiosk/maintenance/roles.ts`.
 */
export const MAINTENANCE_ROLES = ['staff', 'technician', 'auditor'] as const;
/** See {@link MAINTENANCE_ROLES}. */
export type MaintenanceRole = (typeof MAINTENANCE_ROLES)[number];
/** The tabs of maintenance mode. */
export const MAINTENANCE_TABS = ['devices', 'orders', 'daybook', 'sync'] as const;
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
  'print-copy',
  'close-shift',
  'print-shift',
  'export',
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
/** By what orders are searched: the digits of a slip, of a card or account, whole yuan, a day. */
export const ORDER_SEARCHES = ['ref', 'card', 'sum', 'day'] as const;
/** See {@link ORDER_SEARCHES}. */
export type OrderSearch = (typeof ORDER_SEARCHES)[number];
/** Fewest and most digits of a search. `day`: `MMDD`, the last there was, or `YYYYMMDD`. */
export const SEARCH_DIGITS: Readonly<Record<OrderSearch, readonly [number, number]>> = {
  ref: [4, 16],
  card: [4, 16],
  sum: [1, 6],
  day: [4, 8],
};
const search = z.object({ by: z.enum(ORDER_SEARCHES), text: z.string().regex(/^\d{1,16}$/) });

/** Whether the wallets' bills of a shift's days were compared, and what was found. */
const comparedSchema = z.object({
  /** `none`: no money moved · `waits`: a day of it is not compared yet. */
  state: z.enum(['none', 'waits', 'agrees', 'differs']),
  /** Differences for a person, of all its days. */
  persons: natural,
});
const closedShiftSchema = z.object({
  ref: z.string(),
  number: natural,
  who: z.string(),
  why: z.string(),
  closedMs: natural,
  capturedFen: z.number().int(),
  refundedFen: z.number().int(),
  doubts: z.array(z.enum(SHIFT_DOUBTS)),
  compared: comparedSchema,
});
/** A closed shift in the list of the last ones. */
export type ClosedShiftView = z.infer<typeof closedShiftSchema>;
/** A place that an export may go to. */
const stickSchema = z.object({
  /** `none`: no stick is in · `several`: more than one is · `full`, `read-only`: it cannot be used. */
  state: z.enum(['none', 'several', 'ready', 'full', 'read-only']),
  name: z.string(),
  freeBytes: natural,
});
/** What of an export is settled before it begins. */
export type StickView = z.infer<typeof stickSchema>;
/** The settlements. `shift` null: the open one is still being counted. */
const daybookSchema = z.object({
  /** The one that is shown: the open one, or the closed one that was chosen. */
  shift: shiftSchema.nullable(),
  /** Of the chosen one; null: the open one is shown. */
  closed: closedShiftSchema.nullable(),
  /** Why closing the shown one needs a word; of a closed one what was so. */
  doubts: z.array(z.enum(SHIFT_DOUBTS)),
  compared: comparedSchema,
  /** The newest first. */
  last: z.array(closedShiftSchema),
  /** Null: this machine exports nothing. */
  stick: stickSchema.nullable(),
  exporting: z.boolean(),
  /** Personal data may leave, sealed to the company's key; false: the settlements only. */
  sealed: z.boolean(),
});
/** See {@link daybookSchema}. */
export type DaybookView = z.infer<typeof daybookSchema>;

/** Maintenance mode: who is in it, what the devices, orders and the journal are. */
export const maintenanceShape = {
  who: z.string(),
  role: z.enum(MAINTENANCE_ROLES),
  /** Which tabs and acts his role has; of an order's acts only these are offered. */
  tabs: z.array(z.enum(MAINTENANCE_TABS)),
  may: z.array(z.enum(MAINTENANCE_ACTIONS)),
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
  /** What `orders` was searched for; null: they are the newest. `more`: not all that was found. */
  search: search.extend({ more: z.boolean() }).nullable(),
  /** Null: another tab is shown, or it was not looked at yet. */
  daybook: daybookSchema.nullable(),
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
