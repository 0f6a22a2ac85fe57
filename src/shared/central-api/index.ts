import { z } from 'zod';
import { ORDER_STATES } from '../order-rules.ts';

/**
 * The central billing API, as JSON over HTTP. Each request is signed with the terminal's Ed25519
 * key: headers `Pilotlight-Terminal`, `Pilotlight-Timestamp` (ms), `Pilotlight-Nonce`,
 * `Pilotlight-Signature` = base64 of the signature over
 * `METHOD\nPATH?QUERY\nTIMESTAMP\nNONCE\nhex(SHA-256(body))\n`. Each request has a nonce of its own
 * (1–64 visible characters): one that comes a second time is not carried out again, 409
 * problem(replayed).
 *
 * GET /v1/time → timeAnswer (unsigned requests allowed) GET /v1/policy → signedPolicy GET
 * /v1/accounts/by-card/:cardNo → accountAnswer | 404 problem(unknown-card) POST /v1/quotes →
 * quoteAnswer | 409 problem POST /v1/quotes/:orderId/release → {} (idempotent; gives the carried
 * reserve and the claim back if the order took no money) POST /v1/orders/:orderId/claim →
 * claimAnswer | 409 problem(claimed|already-delivered|refund-claimed|counter-claimed|not-in-doubt)
 * POST /v1/keys → cardKeyAnswer | 409 problem(key-refused|card-refused) GET /v1/orders/by-ref/:ref
 * → orderStatusAnswer (the twelve digits on a slip) GET /v1/ledger?date=YYYY-MM-DD → ledgerAnswer
 * (the terminal's own money of a China day) GET /v1/commands → commandsAnswer POST /v1/epochs →
 * epochAnswer (asks for a new epoch; again and again until it is granted) POST /v1/journal →
 * uploadAnswer | 409 problem(gap|fork|old-epoch) Bodies may be gzip (`Content-Encoding: gzip`); the
 * signature covers the bytes as sent. Errors are RFC 9457 problem+json with a stable `type`.
 */
const natural = z.number().int().nonnegative();
export const CARD_NO = /^\d{10}$/;

export const tariffSchema = z.object({
  tariffId: z.string(),
  version: natural,
  tiers: z
    .array(z.object({ uptoQuantity: natural.nullable(), priceE4: z.number().int().positive() }))
    .min(1),
});

/**
 * Why central itself would not sell to this card; the card's own reasons are judged by the kiosk's
 * layout.
 */
export const ACCOUNT_STATES = ['normal', 'hot-listed', 'debt'] as const;

export const accountSchema = z.object({
  cardNo: z.string().regex(CARD_NO),
  userNo: z.string(),
  holderName: z.string(),
  meterNo: z.string(),
  kind: z.enum(['gas', 'water', 'heat']),
  unit: z.enum(['volume', 'money']),
  state: z.enum(ACCOUNT_STATES),
  /** Purchases that central knows were delivered (or opened with). */
  count: natural,
  /** 0.01 units, all time. */
  cumulative: natural,
  /** 0.01 units bought in the current tariff year. */
  yearQuantity: natural,
  /**
   * Exact remainder of earlier purchases, micro-yuan, free to use now (reserved ones are not in
   * it).
   */
  carriedMicro: natural,
  /** The meter's ceiling, 0.01 units. */
  ceilingQuantity: natural,
  /** At most this much in one purchase, 0.01 units; null: no limit. */
  perPurchaseQuantity: natural.nullable(),
  /** What may still be bought in the limit period, 0.01 units; null: no limit. */
  periodLeftQuantity: natural.nullable(),
  tariff: tariffSchema,
  /**
   * An order of any terminal that holds the claim on this card's next count; null: none. `state`:
   * as central knows it; null: only quoted.
   */
  claim: z
    .object({
      orderId: z.string(),
      terminalId: z.string(),
      nextCount: natural,
      state: z.enum(ORDER_STATES).nullable(),
    })
    .nullable(),
});
export type Account = z.infer<typeof accountSchema>;
export const accountAnswerSchema = z.object({ account: accountSchema, serverTimeMs: natural });
export type AccountAnswer = z.infer<typeof accountAnswerSchema>;

/**
 * Preview when `orderId` is null; else firm: reserves the carried remainder and claims (card,
 * nextCount) for the order.
 */
export const quoteRequestSchema = z.object({
  orderId: z.string().max(64).nullable(),
  cardNo: z.string().regex(CARD_NO),
  /** The card's count after this purchase. */
  nextCount: natural,
  amountFen: natural,
});
export type QuoteRequest = z.infer<typeof quoteRequestSchema>;

export const quoteSchema = z.object({
  orderId: z.string().nullable(),
  cardNo: z.string(),
  nextCount: natural,
  amountFen: natural,
  quantity: natural,
  shares: z.array(
    z.object({ tier: natural, priceE4: natural, quantity: natural, costMicro: natural }),
  ),
  /** Micro-yuan taken from the account's carried remainder. */
  carriedUsedMicro: natural,
  /** Micro-yuan that the account will carry after this purchase. */
  carriedAfterMicro: natural,
  tariffId: z.string(),
  tariffVersion: natural,
  expiresAtMs: natural,
});
export type Quote = z.infer<typeof quoteSchema>;
export const quoteAnswerSchema = z.object({ quote: quoteSchema, serverTimeMs: natural });

/**
 * The claim on an order whose card write was begun (architecture.md, section 4). `write`: this
 * terminal, which has the card in its reader, may finish the write for {@link CLAIM_MS}; granted
 * again to whoever asks once that is over. `refund`: only to the order's own terminal; final, and
 * refused while another terminal holds a write claim, or has not told what it wrote under one,
 * unless the order's terminal read the card as before the write under a write claim of its own that
 * still runs: `claimMs` is the `serverTimeMs` with which central granted that one. `counter`: the
 * card will not come back and a person decides; like `refund`, but what another terminal never told
 * does not stand in its way, since no money moves by it. Every uploaded order-delivering and
 * order-in-doubt renews the order's own terminal's write claim. Asking again gives the same.
 */
export const claimRequestSchema = z.object({
  kind: z.enum(['write', 'refund', 'counter']),
  cardNo: z.string().regex(CARD_NO),
  claimMs: natural.optional(),
});
export type ClaimRequest = z.infer<typeof claimRequestSchema>;
export type ClaimKind = ClaimRequest['kind'];
/** How long central keeps a write claim for its holder. */
export const CLAIM_MS = 180_000;
/**
 * How long its holder may begin a write under it, counted on the holder's own monotonic clock from
 * before it asked: shorter, so that no skew and no slow answer makes two holders.
 */
export const CLAIM_USE_MS = 120_000;
/** What another kiosk needs to finish an order. Images in upper-case hex. */
export const claimedOrderSchema = z.object({
  orderId: z.string(),
  terminalId: z.string(),
  cardNo: z.string(),
  userNo: z.string(),
  layout: z.string(),
  unit: z.enum(['volume', 'money']),
  nextCount: natural,
  amountFen: natural,
  quantity: natural,
  cumulative: natural,
  carriedAfterMicro: natural,
  tag: z.string(),
  before: z.string(),
  after: z.string(),
  plan: z.array(z.string()),
  /** What kiosks kept of the order's writes, oldest first: cards without tags are judged by it. */
  kept: z.array(z.string()).optional(),
});
export type ClaimedOrder = z.infer<typeof claimedOrderSchema>;
/**
 * `order` is null for a refund or counter claim, and for a write claim of the order's own terminal
 * whose plan central does not hold yet.
 */
export const claimAnswerSchema = z.object({
  kind: z.enum(['write', 'refund', 'counter']),
  ttlMs: natural,
  order: claimedOrderSchema.nullable(),
  serverTimeMs: natural,
});
export type ClaimAnswer = z.infer<typeof claimAnswerSchema>;

const hexBytes = (bytes: number) => z.string().regex(new RegExp(`^[0-9A-F]{${2 * bytes}}$`));
const someHex = z.string().regex(/^([0-9A-F]{2}){1,200}$/);
/** Diversification data: the last 8 bytes of a CPU card's serial, whose last 5 are the card number. */
const s8 = hexBytes(8);
const cardNo = z.string().regex(CARD_NO);
/** What opens a memory card: a chip's code, or an AT88SC102's erase key. */
const codeChip = z.enum([
  'SLE4442',
  'SLE4428',
  'AT88SC102',
  'AT88SC102-EZ1',
  'AT88SC102-EZ2',
  'AT88SC1608',
]);
export type CodeChip = z.infer<typeof codeChip>;
/**
 * What a terminal without card keys asks central to compute with them. The `prove` and `check`
 * verbs compute nothing; every other one, but for a Mifare sector's key A, is granted only for a
 * card on which this terminal has a sale under way (its quote's claim, or a write claim), and only
 * for what that sale writes. Central keeps who asked, for which order, never what was answered.
 */
export const cardKeyRequestSchema = z.discriminatedUnion('verb', [
  z.object({ verb: z.literal('prove'), s8, use: z.enum(['file', 'purse']) }),
  z.object({ verb: z.literal('prove-code'), chip: codeChip, cardNo }),
  /**
   * A memory card's code: it has to come down. Nobody logs, journals or stores it; on the way only
   * TLS hides it.
   */
  z.object({ verb: z.literal('code'), chip: codeChip, cardNo }),
  z.object({ verb: z.literal('external-auth'), s8, challenge: hexBytes(8) }),
  /**
   * What a technician's card answered to a challenge: judged, never computed for anybody.
   * card-refused: it is not this card's.
   */
  z.object({
    verb: z.literal('check-technician'),
    cardNo,
    challenge: hexBytes(8),
    answer: hexBytes(8),
  }),
  /**
   * Whether these bytes of a card without a code are an issuer's or a kiosk's: judged, one byte
   * (01, 00) for each.
   */
  z.object({
    verb: z.literal('check-blocks'),
    cardNo,
    blocks: z
      .array(z.object({ data: hexBytes(32), mac: hexBytes(8) }))
      .min(1)
      .max(2),
  }),
  z.object({ verb: z.literal('prove-block'), cardNo }),
  /** The proof of a block: identity of the card (16) ‖ block of this sale (16). */
  z.object({ verb: z.literal('block-mac'), cardNo, data: hexBytes(32) }),
  z.object({ verb: z.literal('prove-sector') }),
  /**
   * A Mifare sector's key. A reads, and is given for any card; B writes sector 1, for the card of a
   * sale, whose number was read with A.
   */
  z.object({
    verb: z.literal('sector-key'),
    uid: hexBytes(4),
    sector: natural,
    which: z.enum(['A', 'B']),
    cardNo: cardNo.optional(),
  }),
  z.object({
    verb: z.literal('update-mac'),
    s8,
    challenge: hexBytes(4),
    header: hexBytes(5),
    record: someHex,
  }),
  z.object({
    verb: z.literal('load-leave'),
    s8,
    balance: natural,
    amount: natural,
    seq: natural,
    random: hexBytes(4),
    terminal: hexBytes(6),
    mac1: hexBytes(4),
  }),
]);
export type CardKeyRequest = z.infer<typeof cardKeyRequestSchema>;
/**
 * `bytes`: cryptogram, MAC, code; empty for a proof. `when`: date and time that MAC2 covers, by
 * central's clock.
 */
export const cardKeyAnswerSchema = z.object({
  bytes: z.string().regex(/^([0-9A-F]{2})*$/),
  when: hexBytes(7).optional(),
  serverTimeMs: natural,
});
export type CardKeyAnswer = z.infer<typeof cardKeyAnswerSchema>;

/**
 * What central wants a terminal to know; each is repeated until the terminal's journal shows that
 * it was done.
 */
export const commandSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('delivered-elsewhere'),
    orderId: z.string(),
    terminalId: z.string(),
    count: natural,
    quantity: natural,
    cumulative: natural,
  }),
  z.object({ kind: z.literal('superseded'), orderId: z.string(), terminalId: z.string() }),
]);
export type Command = z.infer<typeof commandSchema>;
export const commandsAnswerSchema = z.object({
  commands: z.array(commandSchema),
  /** The epoch that this terminal may write. */ epoch: natural,
  serverTimeMs: natural,
});
export type CommandsAnswer = z.infer<typeof commandsAnswerSchema>;

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

/** An order by its reference, for a customer with a slip: nothing personal. */
export const orderStatusSchema = z.object({
  orderId: z.string(),
  terminalId: z.string(),
  state: z.enum(ORDER_STATES),
  amountFen: natural,
  quantity: natural,
  unit: z.enum(['volume', 'money']),
});
export type OrderStatus = z.infer<typeof orderStatusSchema>;
export const orderStatusAnswerSchema = z.object({
  orders: z.array(orderStatusSchema),
  serverTimeMs: natural,
});

/**
 * One entry of central's ledger: money that a terminal's fact of that day says was captured or
 * handed back.
 */
export const ledgerRowSchema = z.object({
  kind: z.enum(['captured', 'captured-extra', 'refunded']),
  orderId: z.string(),
  attemptId: z.string(),
  amountFen: z.number().int(),
  /** The fact it came from. */ epoch: natural,
  seq: natural,
  /** The terminal's time of that fact. */ atMs: natural,
});
export type LedgerRow = z.infer<typeof ledgerRowSchema>;
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
   * base64 Ed25519 over `epoch:lastSeq:lastHash` by the terminal's key, of the last event or of
   * what is said.
   */
  headSig: z.string(),
});
export type UploadRequest = z.infer<typeof uploadRequestSchema>;
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

export const PROBLEMS = [
  'unknown-card',
  'unknown-terminal',
  'bad-signature',
  'replayed',
  'bad-request',
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
  'not-in-doubt',
  'key-refused',
  'card-refused',
  'internal',
] as const;
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
