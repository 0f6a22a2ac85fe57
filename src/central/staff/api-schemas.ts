import { z } from 'zod';
import { ACCESS } from './roles.ts';
import type { Role } from './roles.ts';

/**
 * The staff API, as programs see it: JSON on the staff's door, by the same roles as the pages. From
 * this table its OpenAPI description is made, and its routes.
 */

const line = z
  .string()
  .trim()
  .regex(/^\P{Cc}*$/u);
const fen = z.number().int();
/** Milliseconds since 1970 UTC, by central's clock. */
const atMs = z.number().int();
const why = line.min(1).max(300);
const status = z.enum(['active', 'suspended', 'revoked']);

const terminal = z.object({
  terminalId: z.string(),
  status,
  epoch: z.number().int(),
  lastSeq: z.number().int(),
  lastUploadMs: atMs.nullable(),
  /** Why somebody has to look at it; null: nothing. */
  alarm: z.string().nullable(),
  /** Asks for a new epoch, which two persons grant at the console. */
  asksEpoch: z.boolean(),
  oldKeyUntilMs: atMs.nullable(),
  /** As its last heartbeat told; null: none was heard that can be read. */
  heartbeat: z
    .object({
      atMs,
      version: z.string(),
      level: z.enum(['in-service', 'degraded', 'out-of-service', 'maintenance']),
      codes: z.array(z.string()),
      unsentFacts: z.number().int(),
      freeBytes: z.number(),
      clockSkewMs: z.number().nullable(),
    })
    .nullable(),
});
const order = z.object({
  orderId: z.string(),
  terminalId: z.string(),
  /** Masked where it is a card's. */
  soldTo: z.string(),
  amountFen: fen,
  quantity: z.number().int(),
  state: z.string(),
  offline: z.boolean(),
  changedMs: atMs,
  deliveredBy: z.string().nullable(),
});
const request = z.object({
  number: z.string(),
  ref: z.string(),
  terminalId: z.string(),
  kind: z.string(),
  state: z.string(),
  madeMs: atMs,
  dueMs: atMs,
  closedMs: atMs.nullable(),
});
/** What became of a person's word: it counts, or a second person has to say the same. */
const outcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('done') }),
  z.object({ outcome: z.literal('proposed'), proposal: z.number().int() }),
]);

/** One call of the staff API. */
export interface StaffCall {
  readonly method: 'GET' | 'POST';
  /** A part that begins with a colon stands for anything. */
  readonly path: string;
  readonly summary: string;
  readonly roles: readonly Role[];
  /** Of the query (GET), by name; each is text. Null: none is read. */
  readonly query: z.ZodType | null;
  /** Of the JSON body (POST); null: none. */
  readonly request: z.ZodType | null;
  readonly answer: z.ZodType;
}
const call = <const C extends Omit<StaffCall, 'roles'>>(c: C): C & Pick<StaffCall, 'roles'> => ({
  ...c,
  roles: ACCESS[`${c.method} ${c.path}`] ?? [],
});

/** Every call of the staff API, by a name of its own. */
export const STAFF_CALLS = {
  session: call({
    method: 'GET',
    path: '/api/v1/session',
    summary: 'Who asks, with which roles; for a browser, what its changes have to carry',
    query: null,
    request: null,
    answer: z.object({
      who: z.string(),
      roles: z.array(z.string()),
      /** Sent back as X-Pilotlight-CSRF with every POST; null for a bearer token. */
      csrf: z.string().nullable(),
    }),
  }),
  terminals: call({
    method: 'GET',
    path: '/api/v1/terminals',
    summary: 'Terminals by number, 100 at a time',
    query: z.object({ after: line.max(64).optional(), status: status.optional() }),
    request: null,
    answer: z.object({
      terminals: z.array(terminal),
      /** `after` of the next page; null: there is none. */
      next: z.string().nullable(),
    }),
  }),
  terminal: call({
    method: 'GET',
    path: '/api/v1/terminals/:terminal',
    summary: 'One terminal',
    query: null,
    request: null,
    answer: terminal,
  }),
  terminalStatus: call({
    method: 'POST',
    path: '/api/v1/terminals/:terminal/status',
    summary: 'Suspend or revoke at once; to activate again is proposed for a second person',
    query: null,
    request: z.strictObject({ status, why }),
    answer: outcome,
  }),
  order: call({
    method: 'GET',
    path: '/api/v1/orders/:order',
    summary: 'One order by its id',
    query: null,
    request: null,
    answer: order,
  }),
  orders: call({
    method: 'GET',
    path: '/api/v1/orders',
    summary: 'Orders by a slip’s reference, a card or an account number, newest first; at most 100',
    query: z
      .object({
        /** The twelve digits of a slip. */
        ref: z
          .string()
          .regex(/^\d{12}$/)
          .optional(),
        card: line.min(1).max(20).optional(),
        user: line.min(1).max(20).optional(),
      })
      .refine((q) => [q.ref, q.card, q.user].filter((v) => v !== undefined).length === 1, {
        message: 'one of ref, card, user',
      }),
    request: null,
    answer: z.object({ orders: z.array(order) }),
  }),
  requests: call({
    method: 'GET',
    path: '/api/v1/requests',
    summary: 'What customers asked for: open ones by when they are due, then 50 closed ones',
    query: null,
    request: null,
    answer: z.object({ requests: z.array(request) }),
  }),
  answerRequest: call({
    method: 'POST',
    path: '/api/v1/requests/:number/answer',
    summary: 'Answers a request; the customer reads the reply at the kiosk',
    query: null,
    request: z.strictObject({
      state: z.enum(['scheduled', 'done', 'declined']),
      reply: line.min(1).max(60),
    }),
    answer: outcome,
  }),
  parked: call({
    method: 'GET',
    path: '/api/v1/money/parked',
    summary: 'Parked orders, and captures that the gateway could not hand back',
    query: null,
    request: null,
    answer: z.object({
      orders: z.array(order),
      captures: z.array(
        z.object({
          leg: z.string(),
          terminalId: z.string(),
          wallet: z.string(),
          amountFen: fen,
          capturedFen: fen.nullable(),
          reason: z.string(),
          atMs,
        }),
      ),
    }),
  }),
  held: call({
    method: 'GET',
    path: '/api/v1/money/held',
    summary: 'Facts set aside, and facts that wait for another terminal’s',
    query: null,
    request: null,
    answer: z.object({
      quarantined: z.number().int(),
      held: z.number().int(),
      facts: z.array(
        z.object({
          state: z.enum(['quarantined', 'held']),
          terminalId: z.string(),
          epoch: z.number().int(),
          seq: z.number().int(),
          kind: z.string(),
          orderId: z.string().nullable(),
          reason: z.string(),
          atMs,
        }),
      ),
    }),
  }),
  refunds: call({
    method: 'GET',
    path: '/api/v1/refunds',
    summary: 'Refunds that wait for persons: beyond a day’s budget, or on a reader’s word',
    query: null,
    request: null,
    answer: z.object({
      beyondBudget: z.array(
        z.object({
          terminalId: z.string(),
          number: z.string(),
          outTradeNo: z.string(),
          fen,
          sinceMs: atMs,
          askedBy: z.string().nullable(),
        }),
      ),
      unproven: z.array(
        z.object({
          orderId: z.string(),
          terminalId: z.string(),
          amountFen: fen,
          state: z.string(),
          reason: z.string(),
          firstMs: atMs,
          askedBy: z.string().nullable(),
        }),
      ),
    }),
  }),
  proposals: call({
    method: 'GET',
    path: '/api/v1/proposals',
    summary: 'What waits for a second person, who approves it at the console',
    query: null,
    request: null,
    answer: z.object({
      proposals: z.array(
        z.object({
          id: z.number().int(),
          act: z.string(),
          subject: z.string(),
          who: z.string(),
          askedMs: atMs,
          lapsesMs: atMs,
          state: z.enum(['open', 'approved', 'refused', 'lapsed']),
        }),
      ),
    }),
  }),
  audit: call({
    method: 'GET',
    path: '/api/v1/audit',
    summary: 'What persons did, newest first, 200 at a time',
    query: z.object({
      who: line.max(60).optional(),
      subject: line.max(200).optional(),
      fromMs: z.coerce.number().int().nonnegative().optional(),
      toMs: z.coerce.number().int().nonnegative().optional(),
      /** Only entries before this number. */
      before: z.coerce.number().int().positive().optional(),
    }),
    request: null,
    answer: z.object({
      entries: z.array(
        z.object({
          n: z.number().int(),
          atMs,
          who: z.string(),
          via: z.enum(['console', 'api', 'command']),
          act: z.string(),
          subject: z.string(),
          before: z.json(),
          after: z.json(),
        }),
      ),
      /** `before` of the next page; null: there is none. */
      next: z.number().int().nullable(),
    }),
  }),
};

/** The staff API as a table: its OpenAPI description is made from it. */
export const STAFF_API: readonly StaffCall[] = Object.values(STAFF_CALLS);
