import { z } from 'zod';
import { ERRORS } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { CARD_REFUSALS } from '../facts/catalogue.ts';

/**
 * The contract between core and renderer. The core pushes whole snapshots; the renderer mirrors the
 * last one and sends intents that name the screen and revision they were made on.
 */
const errorCode = z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]);
const natural = z.number().int().nonnegative();

export const LOCALES = ['zh-CN', 'en'] as const;
export type Locale = (typeof LOCALES)[number];
export const TEXT_SIZES = ['normal', 'large'] as const;
export const PROVIDER_KINDS = ['wechat', 'alipay', 'unionpay', 'gateway'] as const;
export type ProviderKind = (typeof PROVIDER_KINDS)[number];
/** Tiles of the start screen; a tile is present only where its service works. */
export const TILES = ['query', 'unfinished'] as const;
export type Tile = (typeof TILES)[number];

export const headerSchema = z.object({
  /** Company and product name, e.g. 阜城燃气 自助服务. */
  brand: z.object({ zh: z.string(), en: z.string() }),
  site: z.object({ zh: z.string(), en: z.string() }),
  /** Short name of the machine at its site, e.g. 03号机. */
  terminalName: z.object({ zh: z.string(), en: z.string() }),
  terminalId: z.string(),
  hotline: z.string(),
});
export type Header = z.infer<typeof headerSchema>;

/** Masked for the screen: the renderer never sees the whole number or name. */
export const cardViewSchema = z.object({
  holderMasked: z.string(),
  cardMasked: z.string(),
  kind: z.enum(['gas', 'water', 'heat']),
  /** 01 = m³ (quantity in 0.01 m³), 02 = money on the card (quantity in fen). */
  unit: z.enum(['volume', 'money']),
  count: natural,
  /** Bought but not yet taken by the meter, 0.01 units. */
  pendingQuantity: natural,
  /** Left in the meter at its last visit, 0.01 units. */
  remainingQuantity: natural,
  /** Bought this tariff year, 0.01 units; null when central has not been asked or is away. */
  yearQuantity: natural.nullable(),
  tierPriceE4: natural.nullable(),
  tierUptoQuantity: natural.nullable(),
  tierNumber: natural.nullable(),
});
export type CardView = z.infer<typeof cardViewSchema>;

export const quoteViewSchema = z.object({
  amountFen: natural,
  quantity: natural,
  shares: z.array(z.object({ tier: natural, priceE4: natural, quantity: natural })),
  carriedUsedMicro: natural,
  carriedAfterMicro: natural,
  /**
   * Made from the cache while central is away: a tier difference is settled next time, and the
   * customer is told.
   */
  offline: z.boolean(),
});
export type QuoteView = z.infer<typeof quoteViewSchema>;

/** Where the receipt is. `none`: no printer, the screen says how to keep the number. */
const receipt = z.enum(['none', 'printing', 'printed', 'failed']);

const base = {
  revision: natural,
  locale: z.enum(LOCALES),
  textSize: z.enum(TEXT_SIZES),
  header: headerSchema,
  /**
   * Core's wall clock when this snapshot was made; the renderer shows time and counts deadlines
   * relative to it.
   */
  nowMs: natural,
  /** True in demo mode: the renderer says so in a corner. */
  demo: z.boolean(),
};
/** Wall-clock instant at which the core leaves the screen by itself; null: it will not. */
const deadlineMs = natural.nullable();

export const MAINTENANCE_TABS = ['devices', 'orders', 'sync'] as const;
export type MaintenanceTab = (typeof MAINTENANCE_TABS)[number];
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
] as const;
export type MaintenanceAction = (typeof MAINTENANCE_ACTIONS)[number];
const both = z.object({ zh: z.string(), en: z.string() });
/** One device: what it is, how it is, and what its self-test said. */
export const deviceViewSchema = z.object({
  id: z.string(),
  name: both,
  state: z.enum(['online', 'offline', 'busy', 'hardware-error', 'user-error', 'no-device']),
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
const maintenanceShape = {
  who: z.string(),
  tab: z.enum(MAINTENANCE_TABS),
  /** Taken out of service by a technician; the customers see so. */
  outOfService: z.boolean(),
  /** Why nothing may be sold now, besides that; null: all is well. */
  blocked: errorCode.nullable(),
  version: z.string(),
  devices: z.array(deviceViewSchema),
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

export const snapshotSchema = z.discriminatedUnion('screen', [
  z.object({
    ...base,
    screen: z.literal('start'),
    tiles: z.array(z.enum(TILES)),
    /** Those whose line is up. */
    providers: z.array(z.enum(PROVIDER_KINDS)),
    /** Wallets whose line is down while others can be paid with. */
    payAway: z.array(z.enum(PROVIDER_KINDS)),
    /** Abilities lost now, each said on the screen. */
    degraded: z.array(errorCode),
    /** False: a card can be read but not recharged. */
    selling: z.boolean(),
    notices: z.array(
      z.object({
        title: z.object({ zh: z.string(), en: z.string() }),
        body: z.object({ zh: z.string(), en: z.string() }),
      }),
    ),
  }),
  z.object({
    ...base,
    screen: z.literal('insert-card'),
    purpose: z.enum(['query', 'unfinished']),
    deadlineMs,
  }),
  z.object({ ...base, screen: z.literal('reading'), stage: z.enum(['card', 'account']) }),
  z.object({
    ...base,
    screen: z.literal('cannot-sell'),
    reason: errorCode,
    reference: z.string(),
    card: cardViewSchema.nullable(),
    deadlineMs,
  }),
  z.object({
    ...base,
    screen: z.literal('card-info'),
    card: cardViewSchema,
    lastVisit: z.string().nullable(),
    deadlineMs,
  }),
  z.object({
    ...base,
    screen: z.literal('amount'),
    card: cardViewSchema,
    presetsFen: z.array(natural),
    minFen: natural,
    maxFen: natural,
    /** The amount chosen, with its quote once it is there. */
    chosenFen: natural.nullable(),
    quote: quoteViewSchema.nullable(),
    /** Why the chosen amount cannot be had. */
    problem: errorCode.nullable(),
    /** The core is asking central, or preparing the payment. */
    busy: z.boolean(),
    providers: z.array(z.enum(PROVIDER_KINDS)),
    printerReady: z.boolean(),
    deadlineMs,
  }),
  z.object({
    ...base,
    screen: z.literal('pay'),
    orderRef: z.string(),
    amountFen: natural,
    quantity: natural,
    unit: z.enum(['volume', 'money']),
    provider: z.enum(PROVIDER_KINDS),
    /** Other ways to pay by QR code; the one shown is among them. One: there is nothing to choose. */
    choices: z.array(z.enum(PROVIDER_KINDS)),
    /** The kiosk scans the customer's payment code too. */
    scanner: z.boolean(),
    /** The customer's own code is being charged, not ours shown. */
    byCode: z.boolean(),
    /** Why the last code came to nothing. */
    problem: errorCode.nullable(),
    /** Text of the QR code; null while it is being made or after it must not be scanned any more. */
    qrText: z.string().nullable(),
    /**
     * creating: no code yet · waiting: scan now · paying: the provider says the customer is paying
     * · closing: being cancelled, the provider is confirming · switching: one way to pay is being
     * ended before the next begins · unknown: the line is down, asking on.
     */
    state: z.enum(['creating', 'waiting', 'paying', 'closing', 'switching', 'unknown']),
    cancelOffered: z.boolean(),
    /** What the last "已付款但没有反应?" found; null: not asked. */
    lastCheck: z.enum(['asking', 'not-paid', 'line-down']).nullable(),
    deadlineMs,
  }),
  z.object({
    ...base,
    screen: z.literal('writing'),
    orderRef: z.string(),
    amountFen: natural,
    quantity: natural,
    unit: z.enum(['volume', 'money']),
    stage: z.enum(['preparing', 'writing', 'checking']),
  }),
  z.object({
    ...base,
    screen: z.literal('done'),
    orderRef: z.string(),
    amountFen: natural,
    quantity: natural,
    unit: z.enum(['volume', 'money']),
    count: natural,
    carriedAfterMicro: natural,
    /** False: "take your card"; true: "thank you". */
    cardOut: z.boolean(),
    receipt,
    deadlineMs,
  }),
  z.object({
    ...base,
    screen: z.literal('in-doubt'),
    /**
     * card: insert the same card again · payment: the payment's outcome is not known yet, the card
     * can be taken · wrong-card: the card inserted is not the order's · central: the order can only
     * be finished once central answers; the card can be taken.
     */
    reason: z.enum(['card', 'payment', 'wrong-card', 'central']),
    orderRef: z.string(),
    amountFen: natural,
    quantity: natural,
    unit: z.enum(['volume', 'money']),
    slip: receipt,
    deadlineMs,
  }),
  z.object({
    ...base,
    screen: z.literal('unfinished'),
    /**
     * found: this card has a paid order not yet on it; finishing starts by itself ·
     * refunded/parked: how it ended earlier.
     */
    state: z.enum(['found', 'finishing', 'delivered', 'refunding', 'refunded', 'parked']),
    orderRef: z.string(),
    amountFen: natural,
    quantity: natural,
    unit: z.enum(['volume', 'money']),
    deadlineMs,
  }),
  z.object({
    ...base,
    screen: z.literal('refunding'),
    state: z.enum(['refunding', 'refunded', 'parked']),
    /** Why the money goes back. */
    reason: errorCode.nullable(),
    orderRef: z.string(),
    amountFen: natural,
    slip: receipt,
    deadlineMs,
  }),
  /** An order looked up by the reference on a slip. `state` null: none found. */
  z.object({
    ...base,
    screen: z.literal('order-status'),
    state: z.enum([
      'paying',
      'writing',
      'in-doubt',
      'delivered',
      'refunding',
      'refunded',
      'parked',
      'closed',
      'asking',
      'not-found',
      'no-answer',
    ]),
    orderRef: z.string(),
    amountFen: natural.nullable(),
    quantity: natural.nullable(),
    unit: z.enum(['volume', 'money']).nullable(),
    deadlineMs,
  }),
  /** Corner gesture: who are you? */
  z.object({
    ...base,
    screen: z.literal('maintenance-pin'),
    /** Whose card is in, and what became of the last PIN at it; null: the corner was tapped. */ card: z
      .object({
        who: z.string(),
        /** The card judges its own PIN; false: his maintenance PIN is asked for. */ ownPin:
          z.boolean(),
        problem: z.enum(CARD_REFUSALS).nullable(),
      })
      .nullable(),
    /** The last PIN was wrong. */ wrong: z.boolean(),
    busy: z.boolean(),
    /** No PIN is taken before this wall-clock instant. */ lockedUntilMs: natural.nullable(),
    deadlineMs,
  }),
  z.object({ ...base, screen: z.literal('maintenance'), ...maintenanceShape, deadlineMs }),
  /** The visit is over and the card is still inside: take it. */
  z.object({ ...base, screen: z.literal('take-card'), deadlineMs }),
  z.object({ ...base, screen: z.literal('cancelled'), amountFen: natural, deadlineMs }),
  z.object({
    ...base,
    screen: z.literal('out-of-service'),
    reason: errorCode,
    reference: z.string(),
    nearestSite: z.object({ name: z.string(), detail: z.string() }).nullable(),
  }),
]);
export type Snapshot = z.infer<typeof snapshotSchema>;
export type Screen = Snapshot['screen'];
export type SnapshotOf<S extends Screen> = Extract<Snapshot, { screen: S }>;

const intentBase = { screen: z.string().max(32), revision: natural };
/**
 * What a person did. `data-intent` in the DOM carries the `type`; `data-value` the argument
 * (amounts in fen).
 */
export const intentSchema = z.discriminatedUnion('type', [
  z.object({ ...intentBase, type: z.literal('set-locale'), value: z.enum(LOCALES) }),
  z.object({ ...intentBase, type: z.literal('set-text-size'), value: z.enum(TEXT_SIZES) }),
  z.object({ ...intentBase, type: z.literal('open'), value: z.enum(TILES) }),
  /** start over: back to the start screen (the card, if any, is to be taken). */
  z.object({ ...intentBase, type: z.literal('exit') }),
  /** amount screen: this amount, from a preset or the keypad. */
  z.object({ ...intentBase, type: z.literal('choose-amount'), value: natural.max(100_000_00) }),
  /**
   * amount screen: pay the chosen amount; `value` repeats it so that a stale tap cannot pay another
   * sum.
   */
  z.object({ ...intentBase, type: z.literal('pay'), value: natural.max(100_000_00) }),
  z.object({ ...intentBase, type: z.literal('cancel') }),
  /** pay screen: show another provider's QR code. */
  z.object({ ...intentBase, type: z.literal('pay-with'), value: z.enum(PROVIDER_KINDS) }),
  /** A code from a scanner that types like a keyboard. Never logged, never journaled. */
  z.object({ ...intentBase, type: z.literal('scan'), value: z.string().regex(/^[!-~]{6,256}$/) }),
  /** pay screen: 已付款但没有反应? */
  z.object({ ...intentBase, type: z.literal('check-payment') }),
  z.object({ ...intentBase, type: z.literal('more-time') }),
  z.object({ ...intentBase, type: z.literal('print') }),
  /** unfinished, by the reference on a slip: twelve digits. */
  z.object({ ...intentBase, type: z.literal('find-order'), value: z.string().regex(/^\d{1,16}$/) }),
  /** The corner gesture. */
  z.object({ ...intentBase, type: z.literal('open-maintenance') }),
  /** Never logged, never journaled. */
  z.object({ ...intentBase, type: z.literal('enter-pin'), value: z.string().regex(/^\d{4,12}$/) }),
  z.object({ ...intentBase, type: z.literal('maintenance-tab'), value: z.enum(MAINTENANCE_TABS) }),
  /** Shows one order's story; an empty value closes it. */
  z.object({ ...intentBase, type: z.literal('maintenance-order'), value: z.string().max(64) }),
  /** `target`: a device's or an order's id. `why` and `reference` are what the technician keyed in. */
  z.object({
    ...intentBase,
    type: z.literal('maintenance-do'),
    value: z.enum(MAINTENANCE_ACTIONS),
    target: z.string().max(64).optional(),
    why: z.string().max(100).optional(),
    reference: z.string().max(64).optional(),
  }),
  /** in-doubt: print the slip and leave. */
  z.object({ ...intentBase, type: z.literal('leave') }),
]);
export type Intent = z.infer<typeof intentSchema>;
export type IntentType = Intent['type'];

// ---- shell ↔ core (child process 'ipc' channel) ----
export const coreToShellSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('snapshot'), snapshot: snapshotSchema }),
  z.object({ type: z.literal('heartbeat') }),
]);
export type CoreToShell = z.infer<typeof coreToShellSchema>;
export const shellToCoreSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello') }),
  z.object({ type: z.literal('intent'), intent: intentSchema }),
  z.object({ type: z.literal('shutdown') }),
]);
export type ShellToCore = z.infer<typeof shellToCoreSchema>;
