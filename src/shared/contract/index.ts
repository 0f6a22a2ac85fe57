import { z } from 'zod';
import { outageSchema } from '../policy-info.ts';
import { CARD_REFUSALS } from '../facts/card-refusals.ts';
import { RATINGS } from '../ratings.ts';
import { ACCESS_MODES } from './access.ts';
import {
  LOCALES,
  NEAR_SITES,
  PROVIDER_KINDS,
  TILES,
  base,
  deadlineMs,
  errorCode,
  natural,
  nearSiteSchema,
  receipt,
} from './base.ts';
import {
  billsShape,
  contractShape,
  confirmShape,
  noSlipShape,
  creditGoods,
  writeProgress,
  isItYouShape,
  topUpShape,
  userNoShape,
} from './account-sale.ts';
import { cardKind, cardViewSchema, quoteViewSchema } from './card-sale.ts';
import { INFO_TOPICS, infoShape } from './info.ts';
import {
  LOG_FILTERS,
  LOG_FROM,
  MAINTENANCE_ACTIONS,
  MAINTENANCE_TABS,
  ORDER_SEARCHES,
  maintenanceShape,
} from './maintenance.ts';
import { REQUEST_STEPS } from '../requests.ts';
import { myAccountNoShape, myAccountShape } from './my-account.ts';
import { MY_PAGES } from './my-pages.ts';
import { requestShape } from './request.ts';
import { volumeStep } from './voice.ts';

/**
 * The contract between core and renderer. The core pushes whole snapshots; the renderer mirrors the
 * last one and sends intents that name the screen and revision they were made on.
 */
export * from './access.ts';
export * from './account-sale.ts';
export * from './base.ts';
export * from './card-sale.ts';
export * from './info.ts';
export * from './maintenance.ts';
export * from './my-account.ts';
export * from './my-pages.ts';
export * from './request.ts';
export * from './voice.ts';

/** A whole screen, pushed by the core at each change. */
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
    /** So many cards that were left are in the machine's bin. Left out: none. */
    keptCards: natural.optional(),
    /** False: a card can be read but not recharged. */
    selling: z.boolean(),
    /**
     * A word to whoever stands there just now. card-taken: he took the card before he bought
     * anything; card-too-soon: before it was read; restarted: the machine began anew while an order
     * was being paid for.
     */
    word: z.enum(['card-taken', 'card-too-soon', 'restarted']).nullable(),
    /** An interruption of supply that goes on, or is announced for the next two days. */
    outage: outageSchema.nullable(),
    /** The number to call for a smell of gas, from outside. */
    emergency: z.string(),
    /** Untouched for so long it attracts and warns, ms. Left out: the page's own measure. */
    attractAfterMs: natural.exactOptional(),
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
    /** The account can be looked at without its card. Left out: it cannot. */
    byNumber: z.literal(true).exactOptional(),
    deadlineMs,
  }),
  z.object({ ...base, screen: z.literal('info'), ...infoShape, deadlineMs }),
  z.object({ ...base, screen: z.literal('request'), ...requestShape, deadlineMs }),
  z.object({ ...base, screen: z.literal('my-account-no'), ...myAccountNoShape, deadlineMs }),
  z.object({ ...base, screen: z.literal('my-account'), ...myAccountShape, deadlineMs }),
  z.object({ ...base, screen: z.literal('reading'), stage: z.enum(['card', 'account']) }),
  z.object({
    ...base,
    screen: z.literal('cannot-sell'),
    reason: errorCode,
    reference: z.string(),
    card: cardViewSchema.nullable(),
    /** What is owed can be paid here, and the card be recharged then. */
    payDebt: z.literal(true).exactOptional(),
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
    /** `maxFen` is what the meter or a limit of the account leaves, less than is sold at most. */
    limited: z.boolean(),
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
  z.object({ ...base, screen: z.literal('user-no'), ...userNoShape, deadlineMs }),
  z.object({ ...base, screen: z.literal('is-it-you'), ...isItYouShape, deadlineMs }),
  z.object({ ...base, screen: z.literal('top-up'), ...topUpShape, deadlineMs }),
  z.object({ ...base, screen: z.literal('bills'), ...billsShape, deadlineMs }),
  z.object({ ...base, screen: z.literal('contract'), ...contractShape, deadlineMs }),
  z.object({ ...base, screen: z.literal('confirm-sum'), ...confirmShape, deadlineMs }),
  z.object({ ...base, screen: z.literal('no-slip'), ...noSlipShape, deadlineMs }),
  z.object({
    ...base,
    screen: z.literal('pay'),
    orderRef: z.string(),
    amountFen: natural,
    quantity: natural,
    unit: z.enum(['volume', 'money']),
    credit: creditGoods,
    provider: z.enum(PROVIDER_KINDS),
    /** With which wallets the gateway's one code is paid; left out: it is not known here. */
    wallets: z.array(z.enum(PROVIDER_KINDS)).optional(),
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
     * · closing: being cancelled, the provider is confirming · card-out: the same, since the card
     * was taken out; whoever has paid puts it back · switching: one way to pay is being ended
     * before the next begins · unknown: the line is down, asking on.
     */
    state: z.enum(['creating', 'waiting', 'paying', 'closing', 'card-out', 'switching', 'unknown']),
    cancelOffered: z.boolean(),
    /** Near the code's end `more-time` is answered by a new one. */
    newCodeOffered: z.boolean(),
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
    credit: creditGoods,
    ...writeProgress,
  }),
  z.object({
    ...base,
    screen: z.literal('done'),
    orderRef: z.string(),
    amountFen: natural,
    quantity: natural,
    unit: z.enum(['volume', 'money']),
    credit: creditGoods,
    cardKind,
    /** What else is owed, fen; left out: nothing, or nobody asked. */
    restFen: natural.exactOptional(),
    /** The card that is in can be recharged now: its debt is paid. */
    recharge: z.literal(true).exactOptional(),
    count: natural,
    carriedAfterMicro: natural,
    /** False: "take your card"; true: "thank you". */
    cardOut: z.boolean(),
    /** What the customer said of the visit; null: nothing yet. */
    rated: z.enum(RATINGS).nullable(),
    receipt,
    /** The receipt's page for a phone, as a QR code; left out: there is none. */
    receiptUrl: z.string().exactOptional(),
    /** That page makes the order's invoice too. */
    invoice: z.literal(true).exactOptional(),
    deadlineMs,
  }),
  z.object({
    ...base,
    screen: z.literal('in-doubt'),
    /**
     * card: insert the same card again · paid: the same, the payment has arrived and nothing was
     * written yet; without the card the money goes back at the deadline · payment: the payment's
     * outcome is not known yet, the card can be taken · central: the order can only be finished
     * once central answers; the card can be taken · posting: paid, and central has not said yet
     * that it is credited; nothing has to be done. Another card than the order's begins a visit of
     * its own.
     */
    reason: z.enum(['card', 'paid', 'payment', 'central', 'posting']),
    /** Of `posting`: central has said that it has the payment and is crediting it. */
    taken: z.literal(true).optional(),
    orderRef: z.string(),
    amountFen: natural,
    quantity: natural,
    unit: z.enum(['volume', 'money']),
    credit: creditGoods,
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
    credit: creditGoods,
    /** Of `finishing`. */
    progress: z.object(writeProgress).optional(),
    cardKind,
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
    /** It is posted to an account; left out: written to a card. */
    credit: z.literal(true).exactOptional(),
    /** Whether the meter has confirmed a top-up; left out: no meter is told of it. */
    meter: z.enum(['on-the-way', 'confirmed']).exactOptional(),
    /** Its slip can be had once more, marked as a copy; left out: nothing was bought. */
    copy: z.object({ slip: receipt, can: z.boolean() }).exactOptional(),
    /** The receipt's page for a phone; left out: there is none. */
    receiptUrl: z.string().exactOptional(),
    /** The company moved it to the account that was meant. */
    moved: z.literal(true).exactOptional(),
    deadlineMs,
  }),
  /** Corner gesture: who are you? */
  z.object({
    ...base,
    screen: z.literal('maintenance-pin'),
    /** Whose card is in, and what became of the last PIN at it; null: the corner was tapped. */
    card: z
      .object({
        who: z.string(),
        /** The card judges its own PIN; false: his maintenance PIN is asked for. */
        ownPin: z.boolean(),
        problem: z.enum(CARD_REFUSALS).nullable(),
      })
      .nullable(),
    /** The last PIN was wrong. */
    wrong: z.boolean(),
    busy: z.boolean(),
    /** No PIN is taken before this wall-clock instant. */
    lockedUntilMs: natural.nullable(),
    deadlineMs,
  }),
  z.object({ ...base, screen: z.literal('maintenance'), ...maintenanceShape, deadlineMs }),
  /** The visit is over and the card is still inside: take it. */
  z.object({ ...base, screen: z.literal('take-card'), deadlineMs }),
  z.object({
    ...base,
    screen: z.literal('cancelled'),
    amountFen: natural,
    /** Its code ran out, and the card is still in: it can be bought again at once (`more-time`). */
    again: z.boolean(),
    deadlineMs,
  }),
  z.object({
    ...base,
    screen: z.literal('out-of-service'),
    reason: errorCode,
    reference: z.string(),
    /** Where one is served now, the nearest first. */
    nearestSites: z.array(nearSiteSchema).max(NEAR_SITES),
    /** Since when, wall clock. Left out: nobody knows. */
    sinceMs: natural.exactOptional(),
    /**
     * What somebody may have left in the machine as it stopped, and is safe: a card in the reader,
     * an order that was paid and has not ended.
     */
    held: z.array(z.enum(['card', 'money'])),
  }),
]);
export type Snapshot = z.infer<typeof snapshotSchema>;
/** The screens, by name. */
export type Screen = Snapshot['screen'];
/** The snapshot of one screen. */
export type SnapshotOf<S extends Screen> = Extract<Snapshot, { screen: S }>;

const intentBase = { screen: z.string().max(32), revision: natural };
/**
 * What a person did. `data-intent` in the DOM carries the `type`; `data-value` the argument
 * (amounts in fen).
 */
export const intentSchema = z.discriminatedUnion('type', [
  z.object({ ...intentBase, type: z.literal('set-locale'), value: z.enum(LOCALES) }),
  /** The access bar: one of the modes on or off. */
  z.object({
    ...intentBase,
    type: z.literal('set-access'),
    value: z.enum(ACCESS_MODES),
    on: z.boolean(),
  }),
  /** The access bar: the voice is off for this visit, or on again. */
  z.object({ ...intentBase, type: z.literal('set-mute'), value: z.boolean() }),
  /** The keypad's key: the screen is read aloud and worked by keys, or not any more. */
  z.object({ ...intentBase, type: z.literal('set-spoken'), value: z.boolean() }),
  z.object({ ...intentBase, type: z.literal('set-volume'), value: volumeStep }),
  /** The keypad's own jack: headphones were plugged in, or pulled. */
  z.object({ ...intentBase, type: z.literal('set-headphones'), value: z.boolean() }),
  z.object({ ...intentBase, type: z.literal('open'), value: z.enum(TILES) }),
  /** start over: back to the start screen (the card, if any, is to be taken). */
  z.object({ ...intentBase, type: z.literal('exit') }),
  /** amount screen: this amount, from a preset or the keypad. */
  z.object({ ...intentBase, type: z.literal('choose-amount'), value: natural.max(100_000_00) }),
  /**
   * amount screen, and the question before a large sum: pay the chosen amount; `value` repeats it
   * so that a stale tap cannot pay another sum.
   */
  z.object({ ...intentBase, type: z.literal('pay'), value: natural.max(100_000_00) }),
  /** user-no screen: as it stands on the bill. */
  z.object({
    ...intentBase,
    type: z.literal('enter-user-no'),
    value: z.string().regex(/^[0-9A-Za-z]{1,20}$/),
  }),
  /** is-it-you screen: whose account it is. */
  z.object({ ...intentBase, type: z.literal('its-me') }),
  z.object({ ...intentBase, type: z.literal('not-me') }),
  /** bills screen: a bill's tick on, or off. */
  /** Money is paid ahead, for bills to come. */
  z.object({ ...intentBase, type: z.literal('prepay') }),
  z.object({ ...intentBase, type: z.literal('choose-bill'), value: z.string().max(64) }),
  /** contract screen: read and agreed to, or not any more. */
  z.object({ ...intentBase, type: z.literal('agree'), value: z.boolean() }),
  z.object({ ...intentBase, type: z.literal('back') }),
  /** cannot-sell screen: what the card's account owes is paid first. */
  z.object({ ...intentBase, type: z.literal('pay-debt') }),
  /** done screen: the card whose debt was paid is recharged. */
  z.object({ ...intentBase, type: z.literal('recharge') }),
  /** done screen: what else is owed is paid next. */
  z.object({ ...intentBase, type: z.literal('pay-next') }),
  /** info screen: a topic, or the menu again. */
  z.object({
    ...intentBase,
    type: z.literal('info-topic'),
    value: z.enum([...INFO_TOPICS, 'menu']),
  }),
  /** info screen: this page of the topic. */
  z.object({ ...intentBase, type: z.literal('info-page'), value: natural.max(100) }),
  /** info screen: a district of the topic. */
  z.object({ ...intentBase, type: z.literal('info-group'), value: natural.max(100) }),
  /** request screen: what is asked for, which of several, or a half day (`2026-11-30 am`). */
  z.object({
    ...intentBase,
    type: z.literal('request-pick'),
    step: z.enum(REQUEST_STEPS),
    value: z.string().max(40),
  }),
  /** request screen: a telephone or user number; empty: not told. Never logged. */
  z.object({
    ...intentBase,
    type: z.literal('request-digits'),
    step: z.enum(REQUEST_STEPS),
    value: z.string().regex(/^\d{0,16}$/),
  }),
  z.object({ ...intentBase, type: z.literal('request-page'), value: natural.max(100) }),
  z.object({ ...intentBase, type: z.literal('request-back') }),
  z.object({ ...intentBase, type: z.literal('request-submit') }),
  /** request screen: how does one stand? Then its number, and the end of the telephone number. */
  z.object({ ...intentBase, type: z.literal('request-find') }),
  z.object({
    ...intentBase,
    type: z.literal('request-look'),
    value: z.string().regex(/^\d{12,16}$/),
    last4: z.string().regex(/^\d{4}$/),
  }),
  /** insert-card screen: the account without its card. */
  z.object({ ...intentBase, type: z.literal('my-number') }),
  /** my-account-no screen: whose account, and the end of its telephone number. Never logged. */
  z.object({
    ...intentBase,
    type: z.literal('my-look'),
    value: z.string().regex(/^\d{4,20}$/),
    last4: z.string().regex(/^\d{4}$/),
  }),
  /** my-account screen: this page, this utility, this purchase. */
  z.object({ ...intentBase, type: z.literal('my-page'), value: z.enum(MY_PAGES) }),
  z.object({ ...intentBase, type: z.literal('my-kind'), value: natural.max(2) }),
  z.object({ ...intentBase, type: z.literal('my-order'), value: natural.max(9) }),
  /** done screen: how it was. */
  z.object({ ...intentBase, type: z.literal('rate'), value: z.enum(RATINGS) }),
  z.object({ ...intentBase, type: z.literal('cancel') }),
  /** pay screen: show another provider's QR code. */
  z.object({ ...intentBase, type: z.literal('pay-with'), value: z.enum(PROVIDER_KINDS) }),
  /** A code from a scanner that types like a keyboard. Never logged, never journaled. */
  z.object({ ...intentBase, type: z.literal('scan'), value: z.string().regex(/^[!-~]{6,256}$/) }),
  /** pay screen: 已付款但没有反应? */
  z.object({ ...intentBase, type: z.literal('check-payment') }),
  z.object({ ...intentBase, type: z.literal('more-time') }),
  /** Somebody types on a pad: the screen's time begins again. What is typed is not told. */
  z.object({ ...intentBase, type: z.literal('activity') }),
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
  /** Searches the orders; an empty value shows the newest again. */
  z.object({
    ...intentBase,
    type: z.literal('maintenance-search'),
    value: z.string().regex(/^\d{0,16}$/),
    by: z.enum(ORDER_SEARCHES),
  }),
  /** Shows a closed shift by its name; an empty value the open one. */
  z.object({ ...intentBase, type: z.literal('maintenance-shift'), value: z.string().max(24) }),
  /** Shows what of the log, and from where backwards: see {@link LOG_FROM}. */
  z.object({
    ...intentBase,
    type: z.literal('maintenance-log'),
    value: z.enum(LOG_FILTERS),
    from: z.string().regex(LOG_FROM),
  }),
  /**
   * `target`: a device's or an order's id, a shift's name, or how an act is meant (a level, what a
   * test came to). `why` and `reference` are what the
   * technician keyed in.
   */
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

// ---- page → shell ----
/**
 * A frame was painted with this revision on it (-1: no screen at all). `hidden`: nobody can see the
 * page, so that it paints nothing, and says this instead.
 */
export const paintedSchema = z.object({
  revision: z.number().int().min(-1),
  hidden: z.boolean(),
});
export type Painted = z.infer<typeof paintedSchema>;

// ---- shell ↔ core (child process 'ipc' channel) ----
/** What the core tells its shell. */
export const coreToShellSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('snapshot'), snapshot: snapshotSchema }),
  z.object({ type: z.literal('heartbeat') }),
  /** A clip of a text that came by policy: a WAV file in base64, and what the screen names it by. */
  z.object({
    type: z.literal('clip'),
    id: z.string().regex(/^[0-9a-f]{16}$/),
    wav: z.string().max(6_000_000),
    /** Not a policy's: a text of the person's who listens now. */
    own: z.literal(true).exactOptional(),
  }),
]);
export type CoreToShell = z.infer<typeof coreToShellSchema>;
/** What the shell tells its core. */
export const shellToCoreSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello') }),
  z.object({ type: z.literal('intent'), intent: intentSchema }),
  z.object({ type: z.literal('shutdown') }),
]);
export type ShellToCore = z.infer<typeof shellToCoreSchema>;
