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
export const MAINTENANCE_TABS = ['devices', 'orders', 'daybook', 'sync', 'logs', 'system'] as const;
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
  'restart-core',
  'restart-machine',
  'touch-test',
  'volume',
  'brightness',
  'print-readiness',
  'show-readiness',
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

/** What of the log is shown: all facts, those of one matter, or what the programs warned of. */
export const LOG_FILTERS = ['all', 'money', 'card', 'device', 'people', 'line', 'program'] as const;
/** See {@link LOG_FILTERS}. */
export type LogFilter = (typeof LOG_FILTERS)[number];
/**
 * From where the log is read backwards: before this fact (`epoch-seq`), or from the end of this
 * day; empty: from now.
 */
export const LOG_FROM = /^(?:\d{1,12}-\d{1,15}|\d{4}-\d{2}-\d{2})?$/;
const logLineSchema = z.object({
  atMs: natural,
  text: both,
  tone: z.enum(['none', 'wait', 'bad']),
  /** Its story can be opened; null: it is of no order of this machine's. */
  orderId: z.string().nullable(),
});
/** A fact as a sentence, or a line that a program said. */
export type LogLine = z.infer<typeof logLineSchema>;
const logsSchema = z.object({
  filter: z.enum(LOG_FILTERS),
  from: z.string(),
  /** The newest first. */
  lines: z.array(logLineSchema),
  /** Where the next ones begin; null: there are none, or they are still being looked for. */
  older: z.string().nullable(),
  /** Older ones are looked for, and it is so far back; null: it is done. */
  searchingMs: natural.nullable(),
});
/** See {@link logsSchema}. */
export type LogsView = z.infer<typeof logsSchema>;

const machineSchema = z.object({
  /** Of the operating system and the programs, by name: `Debian GNU/Linux`, `Node`, … */
  versions: z.array(z.object({ name: z.string(), version: z.string() })),
  /** Ours as it is installed on disk, where that is another one than runs; null: the same. */
  installed: z.string().nullable(),
  /** Since the machine was switched on, ms. */
  uptimeMs: natural,
  /** Since the core was started, ms. */
  coreUptimeMs: natural,
  /** Network interfaces that have an address, without loopback. */
  addresses: z.array(z.object({ name: z.string(), address: z.string() })),
  /** The clock is kept by a time service; null: the system does not tell. */
  clockKept: z.boolean().nullable(),
  /** The panel's light, 1 to 100; null: it cannot be set from here. */
  brightness: natural.nullable(),
});
/** How the machine under the kiosk stands, as a technician looks at it. */
export type SystemFacts = z.infer<typeof machineSchema>;
const systemSchema = z.object({
  /** Null: it was not looked at yet, or cannot be. */
  machine: machineSchema.nullable(),
  policyVersion: natural.nullable(),
  speaker: z.object({
    /** As it was set here; null: as the policy has it. */
    level: natural.nullable(),
    /** As the policy has it at this hour; null: silent. */
    policy: natural.nullable(),
    /** Samples that were asked for: a new one is said aloud. */
    samples: natural,
  }),
  /** The touch panel's last test. */
  touch: z.object({
    state: z.enum(['none', 'running', 'passed', 'failed']),
    detail: both.nullable(),
  }),
  /** The readiness report for a code on the screen; null: it was not asked for. */
  readiness: z.string().nullable(),
});
/** The machine under the kiosk, as it is looked at. */
export type SystemView = z.infer<typeof systemSchema>;

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
  /** As `daybook`. */
  logs: logsSchema.nullable(),
  /** Null: another tab is shown. */
  system: systemSchema.nullable(),
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
