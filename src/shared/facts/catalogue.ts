import { z } from 'zod';
import { DEVICE_STATES } from '../contract/maintenance.ts';
import { RATINGS } from '../ratings.ts';
import { evidenceSchema } from '../evidence.ts';
import { cardQuoteSchema, creditQuoteSchema } from '../sale.ts';
import { HALVES, REQUEST_KINDS } from '../requests.ts';
import { tokenSchema } from '../sealed-text.ts';
import { shiftSchema } from '../shift.ts';
import { UNWRITTEN } from '../trust.ts';
import { CARD_REFUSALS } from './card-refusals.ts';
import { counter, fen, hex, natural, units } from './bounds.ts';

const sum = z.object({ count: natural, fen: natural });
/** A name out of the policy. */
const requestName = z.object({ zh: z.string().max(40), en: z.string().max(80) });
const failureBody = z.object({ code: z.string(), detail: z.string().optional() });

/**
 * Every kind of fact with its body: the journal's catalogue. Facts are appended and uploaded to
 * central in order; a kind's meaning never changes, a new meaning is a new kind. No full names, no
 * secrets, no payment codes.
 */
export const EVENTS = {
  /** The core came up on this journal. */
  'core-started': z.object({ version: z.string(), node: z.string(), recoveredOrders: natural }),
  /** An order with a firm quote; online, central then holds a claim and a reserve for it. */
  'order-quoted': cardQuoteSchema,
  /** An order for a posting to an account: firm, with its frozen terms, items of one payee. */
  'credit-quoted': creditQuoteSchema,
  /** Before the request that posts it; the order id is the idempotency key. */
  'credit-posting': z.object({ attemptId: z.string() }),
  /** Central's word that it is posted. `reference`: the posting's number in the account book. */
  'credit-posted': z.object({
    reference: z.string(),
    postedMs: natural,
    /** Central's token for it. */
    grant: tokenSchema.optional(),
  }),
  /** Before the first request that carries these numbers. */
  'attempt-creating': z.object({
    attemptId: z.string(),
    provider: z.string(),
    outTradeNo: z.string(),
    outRefundNo: z.string(),
    amountFen: fen,
    expiresAtMs: natural,
    /**
     * Absent: a QR code on the screen. `code`: the customer's payment code was scanned; the code
     * itself is in no fact.
     */
    method: z.literal('code').optional(),
  }),
  'attempt-pending': z.object({ attemptId: z.string() }),
  /** The provider says, under its signature, that this attempt was captured. */
  'attempt-paid': z.object({
    attemptId: z.string(),
    transactionId: z.string(),
    amountFen: fen,
    /** false: the order could not take it; it refunds itself. */
    taken: z.boolean(),
    /** By which central believes it: what the provider gave. */
    evidence: evidenceSchema.optional(),
  }),
  'attempt-closing': z.object({
    attemptId: z.string(),
    /**
     * `switched`: the customer pays another way. `declined`: the provider refused the customer's
     * code.
     */
    why: z.enum([
      'customer',
      'expired',
      'card-removed',
      'recovery',
      'create-refused',
      'switched',
      'declined',
    ]),
  }),
  'attempt-closed': z.object({
    attemptId: z.string(),
    /** A code payment that was paid and taken back whole by the provider, before any order took it. */
    reversed: z.boolean().optional(),
  }),
  'attempt-refunding': z.object({
    attemptId: z.string(),
    outRefundNo: z.string(),
    amountFen: fen,
    why: z.string(),
  }),
  'attempt-refunded': z.object({ attemptId: z.string(), refundId: z.string(), amountFen: fen }),
  'attempt-parked': z.object({
    attemptId: z.string(),
    reason: z.string(),
    failure: failureBody,
    /**
     * What the provider says it captured, where that is not the attempt's sum and no `attempt-paid`
     * says it.
     */
    amountFen: fen.optional(),
  }),
  'order-paid': z.object({ attemptId: z.string(), amountFen: fen }),
  /** Before the first byte: what the card held, what it shall hold, by which steps. */
  'order-delivering': z.object({
    insertion: natural,
    before: hex,
    after: hex,
    cumulative: units,
    plan: z.array(z.string()),
  }),
  /**
   * What the card (or the key provider) said in the middle of the write, before the write went on:
   * by it the order's layout knows the write again.
   */
  'order-kept': z.object({ insertion: natural, record: hex }),
  /**
   * `wants: refund`: the last read showed that nothing was written, and the money shall go back
   * once central grants the refund claim. `wants: counter`: a technician said that the card will
   * not come back; nothing is written any more, and a person ends it once central grants the
   * counter claim.
   */
  'order-in-doubt': z.object({
    failure: failureBody,
    wants: z.enum(['write', 'refund', 'counter']).optional(),
    /** With `wants: refund`: how sure the last read was; left out: it was the reader's word only. */
    unwritten: z.enum(UNWRITTEN).optional(),
  }),
  /**
   * Seen on the card by read-back or by a later read: our tag. `elsewhere`: central says that
   * another kiosk saw it.
   */
  'order-delivered': z.object({
    by: z.enum(['read-back', 'later-read', 'elsewhere']),
    count: counter,
    quantity: units,
    cumulative: units,
    /** What the card gave as proof: a purse's TAC. */
    proof: hex.optional(),
  }),
  'order-closed': z.object({ why: z.string() }),
  'order-refunding': z.object({
    attemptId: z.string(),
    failure: failureBody,
    /**
     * Central's refund claim or counter claim under which it begins; of a credit order its final
     * word that it is not credited.
     */
    grant: tokenSchema.optional(),
  }),
  'order-refunded': z.object({ attemptId: z.string() }),
  'order-parked': z.object({
    reason: z.string(),
    nextStep: z.string(),
    failure: failureBody.optional(),
  }),
  /**
   * Another kiosk's order (its id is the event's) is finished here under central's write claim:
   * before the first byte.
   */
  'assist-writing': z.object({
    origin: z.string(),
    cardNo: z.string(),
    insertion: natural,
    before: hex,
    after: hex,
    count: counter,
    quantity: units,
    cumulative: units,
    /** The write claim under which it is written; so for the two below. */
    grant: tokenSchema.optional(),
  }),
  /** As `order-kept`, of another kiosk's order. */
  'assist-kept': z.object({
    origin: z.string(),
    cardNo: z.string(),
    insertion: natural,
    record: hex,
    grant: tokenSchema.optional(),
  }),
  /**
   * What a card in this kiosk says of another kiosk's order. `superseded`: the card holds another
   * purchase under the same count, so that one can never be delivered.
   */
  'assist-ended': z.object({
    origin: z.string(),
    cardNo: z.string(),
    verdict: z.enum(['after', 'before', 'torn', 'superseded', 'foreign']),
    written: z.boolean(),
    count: counter,
    quantity: units,
    cumulative: units,
    /**
     * Central's time in the answer that granted the claim which this ends: `before` speaks of no
     * later one.
     */
    claimMs: natural.optional(),
    grant: tokenSchema.optional(),
    /** superseded: the tag of the purchase that the card holds. */
    tag: hex.optional(),
  }),
  /** First event of a new epoch: where the last one ended on this disk. */
  'epoch-began': z.object({
    previousEpoch: natural,
    previousSeq: natural,
    previousHash: z.string(),
    why: z.string(),
  }),
  /**
   * The journal was damaged: the file was set aside whole and the facts came back from backup and
   * second log. `lostAfterSeq`: what is known to be missing begins after it; null: nothing is known
   * to be.
   */
  'journal-restored': z.object({
    aside: z.string(),
    why: z.string(),
    backupSeq: natural,
    secondLogSeq: natural,
    restoredSeq: natural,
    lostAfterSeq: natural.nullable(),
  }),
  /**
   * An order's rows as this kiosk holds them, said again in a new epoch because central never took
   * some of its facts: a person compares.
   */
  'order-restated': z.object({ order: z.unknown(), attempts: z.array(z.unknown()) }),
  'damage-accepted': z.object({ who: z.string(), why: z.string() }),
  /**
   * Facts up to here were acknowledged by central and older than policy keeps; the chain goes on
   * from this anchor.
   */
  'journal-pruned': z.object({
    epoch: natural,
    uptoSeq: natural,
    uptoHash: z.string(),
    events: natural,
    orders: natural,
  }),
  /**
   * A device stands otherwise than told last, and has for a moment: the door, the mains, a printer
   * without paper. One that changes again and again is told of seldom.
   */
  'device-changed': z.object({
    device: z.string().max(32),
    state: z.enum(DEVICE_STATES),
    /** It does its work. */
    usable: z.boolean(),
    /** Why not, or what it stops the machine by. */
    code: z.string().max(16).nullable(),
    /** Changes before this one that were not told, of a device that changed too often. */
    untold: natural.optional(),
  }),
  'maintenance-entered': z.object({
    who: z.string(),
    /** Absent: by the corner and the PIN. */
    by: z.literal('card').optional(),
  }),
  'maintenance-left': z.object({
    who: z.string(),
    why: z.enum([
      'exit',
      'idle',
      'restart',
      /** The card that opened it was taken out. */
      'card-out',
    ]),
  }),
  'maintenance-refused': z.object({
    fails: natural,
    lockedMs: natural,
    /** The person whose card was in, and what came of it: see {@link CARD_REFUSALS}. */
    card: z.object({ who: z.string(), why: z.enum(CARD_REFUSALS) }).optional(),
  }),
  'maintenance-action': z.object({
    who: z.string(),
    action: z.string(),
    why: z.string(),
    detail: z.string().optional(),
  }),
  /** A technician lets a parked refund be asked for again, under its own number. */
  'attempt-refund-retried': z.object({ attemptId: z.string(), who: z.string(), why: z.string() }),
  /**
   * A technician settled parked money by hand: what was done, under which reference. The order (and
   * the attempt, where named) stays parked and is no longer open to anybody.
   */
  'parked-settled': z.object({
    attemptId: z.string().nullable(),
    how: z.enum(['refunded-by-hand', 'delivered-by-hand', 'nothing-due']),
    reference: z.string(),
    who: z.string(),
    why: z.string(),
  }),
  /**
   * What a card showed when it was put in, where this kiosk had not told the same of it before;
   * `tag`: of the newest purchase, empty where the card has none. The last three are the meter's;
   * left out: none has written to it.
   */
  'card-seen': z.object({
    cardNo: z.string().regex(/^\d{10}$/),
    layout: z.string().max(60),
    count: counter,
    cumulative: units,
    tag: hex.max(32),
    taken: counter.optional(),
    remaining: units.optional(),
    used: units.optional(),
    /** When the meter wrote that, by its clock: `YYMMDDhhmm`. Left out by older programs. */
    visit: z
      .string()
      .regex(/^\d{10}$/)
      .optional(),
  }),
  /**
   * A card did not take our key or code while the named order was written, and a try was spent.
   * `left`: so many the card has; null: it does not tell.
   */
  'card-refused': z.object({
    cardNo: z.string().regex(/^\d{10}$/),
    layout: z.string().max(60),
    left: z.number().int().min(0).max(15).nullable(),
  }),
  /**
   * A card that nobody took after its visit. `capturing`: a motor reader is told to take it into
   * its bin (it counts as in there from then on); `not-captured`: it did not (`code`: why);
   * `called`: there is no bin, or its order may yet be written, so staff are called; `taken`: after
   * a call it is gone. `cardNo` null: it was not read.
   */
  'card-left': z.object({
    cardNo: z
      .string()
      .regex(/^\d{10}$/)
      .nullable(),
    outcome: z.enum(['capturing', 'not-captured', 'called', 'taken']),
    code: z.string().max(20).optional(),
  }),
  /** How the customer found it, by one touch on the thanks screen; once an order. */
  'visit-rated': z.object({ rating: z.enum(RATINGS) }),
  /**
   * A customer asked for something. His telephone number is not in it: it is sealed to central's
   * key beside the facts, and `sealedHash` is the SHA-256 of that text, in hex. Told again in a new
   * epoch where central never took the first; one number is one request.
   */
  'request-made': z.object({
    number: z.string().regex(/^RQ-[0-9A-Za-z]{1,32}-\d{1,10}-\d{4,12}-\d{4}$/),
    category: z.string().max(24),
    kind: z.enum(REQUEST_KINDS),
    /** As the policy called it then. */
    name: requestName,
    choice: requestName.extend({ id: z.string().max(24) }).nullable(),
    slot: z.object({ date: z.string().max(10), half: z.enum(HALVES) }).nullable(),
    userNo: z
      .string()
      .regex(/^\d{6,16}$/)
      .nullable(),
    madeMs: natural,
    /** What was promised: by then it is answered. */
    dueMs: natural,
    sealedHash: z.string().regex(/^[0-9a-f]{64}$/),
    policyVersion: natural,
  }),
  'slip-printed': z.object({
    what: z.enum(['receipt', 'in-doubt', 'refund', 'parked']),
    ok: z.boolean(),
    /** A part of it may be on the paper. */
    partly: z.literal(true).optional(),
  }),
  'clock-step': z.object({ stepMs: z.number().int() }),
  'policy-taken': z.object({ version: natural }),
  /**
   * A day's bill of one provider was compared with this journal and central's ledger
   * (docs/reconciliation.md). Sums of this terminal's rows of the bill; `differences` by type;
   * `persons`: those that somebody must look at.
   */
  reconciled: z.object({
    date: z.string(),
    provider: z.string(),
    payments: sum,
    refunds: sum,
    reversals: sum,
    differences: z.record(z.string(), natural),
    persons: natural,
  }),
  /**
   * A shift was settled (docs/settlement.md): its statement, and the SHA-256 of that in hex. `who`:
   * `core` where old facts were about to go and nobody had closed it. `why`: what he said to what
   * was not as it should be; empty: nothing.
   */
  'shift-closed': z.object({
    shift: shiftSchema,
    hash: z.string().regex(/^[0-9a-f]{64}$/),
    who: z.string().max(40),
    why: z.string().max(300),
  }),
} as const;
/** The name of a kind of fact. */
export type EventKind = keyof typeof EVENTS;
/** What a fact of this kind says. */
export type EventBody<K extends EventKind> = z.infer<(typeof EVENTS)[K]>;
/** A fact: its kind, the order it is about, its body. */
export type JournalEvent = {
  [K in EventKind]: {
    readonly kind: K;
    readonly orderId: string | null;
    readonly body: EventBody<K>;
  };
}[EventKind];
