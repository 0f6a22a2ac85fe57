import { z } from 'zod';
import { enrolAnswerSchema, enrolRequestSchema } from '../enrolment.ts';
import { signedPolicySchema } from '../policy.ts';
import { accountAnswerSchema, quoteAnswerSchema, quoteRequestSchema } from './accounts.ts';
import { cardNo, natural } from './base.ts';
import type { ProblemType } from './base.ts';
import { cardKeyAnswerSchema, cardKeyBodySchema } from './card-keys.ts';
import {
  claimAnswerSchema,
  claimRequestSchema,
  commandsAnswerSchema,
  orderStatusAnswerSchema,
} from './claims.ts';
import {
  creditAccountAnswerSchema,
  creditPostRequestSchema,
  creditQuoteAnswerSchema,
  creditQuoteRequestSchema,
  creditWordSchema,
  USER_NO,
} from './credit.ts';
import { heartbeatAnswerSchema, heartbeatSchema } from './heartbeat.ts';
import { myAccountAnswerSchema, myAccountRequestSchema } from './my-account.ts';
import {
  requestSlotsAnswerSchema,
  requestStatusAnswerSchema,
  sealedPartSchema,
  sealedTakenSchema,
} from './requests.ts';
import {
  epochAnswerSchema,
  epochRequestSchema,
  ledgerAnswerSchema,
  uploadAnswerSchema,
  uploadRequestSchema,
} from './upload.ts';

/** One request of an API, as its OpenAPI document and its conformance suite read it. */
export interface ApiRoute {
  readonly method: 'GET' | 'POST';
  /** A part that begins with a colon stands for what {@link parts} says of it. */
  readonly path: string;
  readonly summary: string;
  /** What it promises, for whoever builds the other side. */
  readonly says: string;
  /** The schema of its body; null: it has none. */
  readonly request: z.ZodType | null;
  /** The schema of an answer with status 200. */
  readonly answer: z.ZodType;
  /** What stands for the path's colons. */
  readonly parts?: Readonly<Record<string, ApiValue>>;
  readonly query?: Readonly<Record<string, ApiValue>>;
  /** Why it may be refused, beside what every request may be refused for. */
  readonly problems?: readonly ProblemType[];
  /** A suspended terminal is refused it: problem(suspended). */
  readonly sells?: true;
  /** Counted by terminal and minute: problem(too-many). */
  readonly counted?: true;
  /** Answered without a signature too. */
  readonly open?: true;
}
/** A value in the path or the query. */
export interface ApiValue {
  readonly schema: z.ZodType;
  readonly says: string;
}

/** Central's clock. */
export const timeAnswerSchema = z.object({ serverTimeMs: natural });
const order: ApiValue = {
  schema: z.string().min(1).max(64),
  says: 'The order: `PL-<terminal>-<epoch>-<number>`. Its number carries its terminal.',
};

/**
 * Every request of the terminal API but the payment gateway's, with its schemas. A test compares it
 * with central's router; docs/api/terminal.openapi.json is made of it.
 */
export const TERMINAL_API: readonly ApiRoute[] = [
  {
    method: 'GET',
    path: '/v1/time',
    summary: 'Central’s clock',
    says: 'A terminal whose clock is wrong cannot sign: it asks here first. One that names its terminal and a nonce gets a signed answer like any other.',
    request: null,
    answer: timeAnswerSchema,
    open: true,
  },
  {
    method: 'POST',
    path: '/v1/enrol',
    summary: 'A machine brings its key under a one-time code',
    says: 'Signed by the code’s key and by the new one, not as other requests are: the code itself is never sent. The answer is proven by the code, too. Asked again with the same key it is answered the same. docs/fleet.md has the steps.',
    request: enrolRequestSchema,
    answer: enrolAnswerSchema,
    problems: ['code-refused'],
    counted: true,
    open: true,
  },
  {
    method: 'GET',
    path: '/v1/policy',
    summary: 'The policy, signed',
    says: '`body` is the exact JSON text that `signature` (base64, Ed25519) by the policy key covers; the policy key signs nothing else.',
    request: null,
    answer: signedPolicySchema,
  },
  {
    method: 'GET',
    path: '/v1/accounts/by-card/:cardNo',
    summary: 'The account behind a card',
    says: 'The holder’s name is masked. What is unknown is not told as something else: where the answer would be a guess, answer 503, and the kiosk goes by its own rules for a central that is away.',
    request: null,
    answer: accountAnswerSchema,
    parts: { cardNo: { schema: cardNo, says: 'The card’s number.' } },
    problems: ['unknown-card'],
    counted: true,
  },
  {
    method: 'POST',
    path: '/v1/quotes',
    summary: 'What a purchase costs and gives',
    says: 'With `orderId` null a preview, which changes nothing. Else firm: the order claims the card’s next count and the carried remainder. The order id is the idempotency key: asked again with the same body, the same is answered; with another body it is refused. An unpaid order’s claim runs out at `expiresAtMs`.',
    request: quoteRequestSchema,
    answer: quoteAnswerSchema,
    problems: [
      'unknown-card',
      'hot-listed',
      'debt',
      'count-mismatch',
      'claimed',
      'over-limit',
      'too-small',
      'unit-mismatch',
      'card-refused',
    ],
    sells: true,
    counted: true,
  },
  {
    method: 'POST',
    path: '/v1/quotes/:orderId/release',
    summary: 'Gives a quote back',
    says: 'Idempotent. Gives claim and reserve back where the order took no money. One that overtakes its own quote is kept: the late quote is refused. A credit order is made void by it.',
    request: null,
    answer: z.object({}),
    parts: { orderId: order },
    problems: ['claimed'],
  },
  {
    method: 'POST',
    path: '/v1/orders/:orderId/claim',
    summary: 'Claims the write, the refund or the counter’s decision of an order',
    says: '`write`: whoever has the card in its reader may write for 180 s, nobody else meanwhile; asked again by its holder it is renewed, and once it ran out whoever asks gets it. `refund`: the order’s own terminal only; final, and refused while another terminal may write or has not told what it wrote. `counter`: a person decides. After a refund or counter claim nobody gets a write claim.',
    request: claimRequestSchema,
    answer: claimAnswerSchema,
    parts: { orderId: order },
    problems: [
      'claimed',
      'already-delivered',
      'refund-claimed',
      'counter-claimed',
      'not-in-doubt',
      'not-proven',
      'not-yet',
    ],
    counted: true,
  },
  {
    method: 'GET',
    path: '/v1/credit/accounts/:userNo',
    summary: 'The account behind a user number, with what it owes',
    says: 'Masked, and no more than a sale needs.',
    request: null,
    answer: creditAccountAnswerSchema,
    parts: { userNo: { schema: z.string().regex(USER_NO), says: 'As the bill has it.' } },
    problems: ['unknown-user'],
    counted: true,
  },
  {
    method: 'POST',
    path: '/v1/credit/quotes',
    summary: 'Keeps bills, or a top-up, for an order',
    says: 'All lines or none. The order id is the idempotency key.',
    request: creditQuoteRequestSchema,
    answer: creditQuoteAnswerSchema,
    problems: ['unknown-user', 'item-taken', 'contract-changed', 'over-limit', 'too-small'],
    sells: true,
    counted: true,
  },
  {
    method: 'POST',
    path: '/v1/credit/orders/:orderId/post',
    summary: 'Posts a paid order to its account',
    says: 'Posted once, whoever asks how often: `posted`, `refused` and `void` are final and always answered alike, reference, time and token too. `posting` is asked again. 409 `not-proven`: the payment’s evidence is missing or not believed; nothing changed.',
    request: creditPostRequestSchema,
    answer: creditWordSchema,
    parts: { orderId: order },
    problems: ['not-proven'],
  },
  {
    method: 'POST',
    path: '/v1/credit/orders/:orderId/void',
    summary: 'Gives a credit order up for good',
    says: 'Answers what holds: `void` where it was not posted (also where it was never heard of: a quote or posting that comes late finds it void), else what it was before.',
    request: null,
    answer: creditWordSchema,
    parts: { orderId: order },
  },
  {
    method: 'POST',
    path: '/v1/keys',
    summary: 'Computes with the company’s card keys',
    says: 'Only for a card on which the terminal has a sale under way, and only what that sale writes. A central without card keys answers 409 `key-refused`; `not-yet` where no evidence of the payment is known yet: it is asked again.',
    request: cardKeyBodySchema,
    answer: cardKeyAnswerSchema,
    problems: ['key-refused', 'card-refused', 'not-yet'],
    sells: true,
    counted: true,
  },
  {
    method: 'GET',
    path: '/v1/orders/by-ref/:ref',
    summary: 'Orders by the twelve digits of a slip',
    says: 'Nothing of it is personal.',
    request: null,
    answer: orderStatusAnswerSchema,
    parts: { ref: { schema: z.string(), says: 'The digits.' } },
    counted: true,
  },
  {
    method: 'GET',
    path: '/v1/ledger',
    summary: 'The terminal’s own money of a day',
    says: 'By which the kiosk reconciles.',
    request: null,
    answer: ledgerAnswerSchema,
    query: { date: { schema: z.iso.date(), says: 'A day of China’s calendar.' } },
  },
  {
    method: 'GET',
    path: '/v1/request-slots',
    summary: 'Half days of a category of requests that are full',
    says: 'An unknown category has none.',
    request: null,
    answer: requestSlotsAnswerSchema,
    query: { category: { schema: z.string(), says: 'The category’s id in the policy.' } },
    counted: true,
  },
  {
    method: 'GET',
    path: '/v1/requests/:ref',
    summary: 'How a request stands',
    says: 'Null for whatever does not fit, so that digits cannot be tried out.',
    request: null,
    answer: requestStatusAnswerSchema,
    parts: { ref: { schema: z.string().regex(/^\d{12,16}$/), says: 'The digits of the slip.' } },
    query: {
      last4: { schema: z.string().regex(/^\d{4}$/), says: 'The end of the telephone number.' },
    },
    counted: true,
  },
  {
    method: 'POST',
    path: '/v1/requests/:number/sealed',
    summary: 'What identifies a request’s customer, sealed',
    says: 'Idempotent. Its fact comes with the journal and holds the hash of it.',
    request: sealedPartSchema,
    answer: sealedTakenSchema,
    parts: { number: { schema: z.string(), says: 'The request’s number.' } },
    problems: ['unknown-request', 'sealed-mismatch'],
  },
  {
    method: 'POST',
    path: '/v1/my-account',
    summary: 'What a customer used and bought',
    says: 'Null: no such account, or not those digits; which, nobody is told.',
    request: myAccountRequestSchema,
    answer: myAccountAnswerSchema,
    counted: true,
  },
  {
    method: 'POST',
    path: '/v1/heartbeat',
    summary: 'How the machine stands',
    says: 'Once a minute. A central that does not know it answers 404.',
    request: heartbeatSchema,
    answer: heartbeatAnswerSchema,
  },
  {
    method: 'GET',
    path: '/v1/commands',
    summary: 'What the terminal is to know, and its epoch',
    says: 'Each command is repeated until the terminal’s journal shows that it was done.',
    request: null,
    answer: commandsAnswerSchema,
  },
  {
    method: 'POST',
    path: '/v1/epochs',
    summary: 'Asks for a new epoch of the journal',
    says: 'After a restore or a fork. Null until a person granted it; asked again and again.',
    request: epochRequestSchema,
    answer: epochAnswerSchema,
  },
  {
    method: 'POST',
    path: '/v1/journal',
    summary: 'Uploads facts',
    says: 'Exactly once, in order. A batch that is held already is acknowledged again. `gap` names `expectedSeq`, from which to send. `fork`: another hash stands under a number; everything is kept, and the terminal stops until a person grants a new epoch. Facts that cannot be used are acknowledged and named in `quarantined`.',
    request: uploadRequestSchema,
    answer: uploadAnswerSchema,
    problems: ['gap', 'fork', 'old-epoch'],
  },
];
