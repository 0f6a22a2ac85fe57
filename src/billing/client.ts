import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import {
  API_VERSION,
  accountAnswerSchema,
  cardKeyAnswerSchema,
  claimAnswerSchema,
  commandsAnswerSchema,
  creditAccountAnswerSchema,
  creditQuoteAnswerSchema,
  creditWordSchema,
  epochAnswerSchema,
  heartbeatAnswerSchema,
  ledgerAnswerSchema,
  orderStatusAnswerSchema,
  PROBLEM_PREFIX,
  problemSchema,
  quoteAnswerSchema,
  uploadAnswerSchema,
} from '../shared/central-api/index.ts';
import type {
  Account,
  ClaimAnswer,
  ClaimKind,
  CreditItem,
  CreditQuoteRequest,
  FirmCredit,
  Problem,
  ProblemType,
  Quote,
  QuoteRequest,
  UploadRequest,
} from '../shared/central-api/index.ts';
import { failure } from '../shared/errors.ts';
import type { ErrorCode, Failure } from '../shared/errors.ts';
import { httpPort, sendWithin } from '../shared/http.ts';
import type { HttpSend } from '../shared/http.ts';
import { headText } from '../shared/journal-hash.ts';
import { MICRO_PER_FEN, checkTariff } from '../shared/money.ts';
import { issuedPolicySchema, signedPolicySchema } from '../shared/policy.ts';
import type { IssuedPolicy } from '../shared/policy.ts';
import type { Clock, KeyId, Random, Signer } from '../shared/ports.ts';
import { err, ok } from '../shared/result.ts';
import type { Result } from '../shared/result.ts';
import { signText } from '../shared/signatures.ts';
import type { Keyring } from '../shared/signatures.ts';
import {
  ANSWER_KEY,
  ANSWER_SIGNATURE,
  signedAnswerText,
  signedHeaders,
} from '../shared/signed-request.ts';
import { myAccountClient } from './my-account.ts';
import { requestClient } from './requests.ts';
import type { BillingClient, CardKeyClient, UploadResult } from './types.ts';

export interface BillingClientOptions {
  readonly baseUrl: string;
  readonly terminalId: string;
  /** The terminal's own key. */
  readonly signer: Signer & KeyId;
  /** Central's policy key, and its next one. */
  readonly policyKeys: Keyring;
  /** Central's key for its answers, and its next one. */
  readonly answerKeys: Keyring;
  readonly clock: Clock;
  readonly random: Random;
  readonly timeoutMs: number;
  readonly fetch?: typeof fetch;
  /** Instead of `fetch`: the same exchange without the platform's request and response objects. */
  readonly send?: HttpSend;
  /** Bodies larger than this go as gzip; {@link COMPRESS_OVER_BYTES} where not given. */
  readonly compressOverBytes?: number;
}

/** Below this a body gains nothing from gzip. */
const COMPRESS_OVER_BYTES = 1024;

/** Central's refusals by problem type; a type that is not here (or not known) is a broken contract. */
const CODES: Record<ProblemType, ErrorCode> = {
  'unknown-card': 'SALE-0103',
  'hot-listed': 'SALE-0104',
  debt: 'SALE-0108',
  'count-mismatch': 'SALE-0102',
  claimed: 'SALE-0107',
  'over-limit': 'SALE-0105',
  'too-small': 'SALE-0105',
  'unit-mismatch': 'SALE-0113',
  'unknown-user': 'SALE-0119',
  'item-taken': 'SALE-0120',
  'contract-changed': 'SALE-0124',
  'unknown-terminal': 'BILL-0103',
  suspended: 'BILL-0103',
  revoked: 'BILL-0103',
  'too-many': 'BILL-0102',
  'bad-signature': 'BILL-0103',
  // Something on the way sent our request twice and kept the first one's answer: as unknown as no
  // answer, and asked again as a new request.
  replayed: 'BILL-0101',
  'bad-request': 'BILL-0102',
  'api-version': 'BILL-0102',
  fork: 'BILL-0104',
  'old-epoch': 'BILL-0104',
  gap: 'BILL-0102',
  'already-delivered': 'BILL-0106',
  'refund-claimed': 'BILL-0107',
  'counter-claimed': 'BILL-0110',
  'not-proven': 'BILL-0111',
  'not-in-doubt': 'BILL-0108',
  'key-refused': 'CARD-0206',
  'not-yet': 'BILL-0112',
  'card-refused': 'CARD-0201',
  // Its fact has not come, or names another: nothing to ask again for at once.
  'unknown-request': 'REQ-0103',
  'sealed-mismatch': 'REQ-0103',
  // No kiosk asks for it; `npx pilotlight enrol` reads it by itself.
  'code-refused': 'BILL-0103',
  // Central was started without one, and none was published yet.
  'no-policy': 'BILL-0101',
  internal: 'BILL-0101',
};
/** On a claim, `claimed` speaks of the write claim, not of a sale. */
const CLAIM_CODES: Record<ProblemType, ErrorCode> = { ...CODES, claimed: 'BILL-0105' };
const MAX_BODY_BYTES = 1 << 20;
const emptySchema = z.object({});
const timeSchema = z.object({ serverTimeMs: z.number().int().nonnegative() });

interface Reply {
  readonly ok: boolean;
  readonly status: number;
  readonly json: unknown;
}

/**
 * Client of the central billing API over HTTP, each request signed with the terminal's key, and
 * each answer believed only under central's. Nothing is retried.
 */
export function createBillingClient(options: BillingClientOptions): BillingClient & CardKeyClient {
  const { clock, random } = options;
  const base = new URL(options.baseUrl);
  const prefix = base.pathname.replace(/\/+$/, '');
  const send = httpPort(options);
  const compressOver = options.compressOverBytes ?? COMPRESS_OVER_BYTES;

  async function call(
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
  ): Promise<Result<Reply, Failure>> {
    const target = `${prefix}${path}`;
    const text = body === undefined ? '' : JSON.stringify(body);
    const plain = Buffer.from(text, 'utf8');
    const zipped = plain.length > compressOver;
    const bytes = zipped ? gzipSync(plain) : plain;
    const timestamp = String(Math.floor(clock.nowMs()));
    const nonce = Buffer.from(random.bytes(16)).toString('hex');
    const headers: Record<string, string> = {
      Accept: 'application/json, application/problem+json',
      'Pilotlight-Api': String(API_VERSION),
      ...signedHeaders(options.terminalId, options.signer, {
        method,
        target,
        timestamp,
        nonce,
        body: bytes,
      }),
    };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (zipped) headers['Content-Encoding'] = 'gzip';
    const sent = await sendWithin(
      send,
      {
        method,
        origin: base.origin,
        target,
        headers,
        body: body === undefined ? null : bytes,
        maxBytes: MAX_BODY_BYTES,
      },
      clock,
      options.timeoutMs,
    );
    if (!sent.ok) return err(failure('BILL-0101', sent.error.said, sent.error.cause));
    const answer = sent.value;
    if (answer.body === null)
      return err(
        failure('BILL-0102', `HTTP ${answer.status}: answer larger than ${MAX_BODY_BYTES} bytes`),
      );
    const said = Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.length);
    const { status } = answer;
    const { terminalId } = options;
    const mark = { terminalId, method, target, nonce, asked: bytes, status, body: said };
    const wrong = options.answerKeys.disbelief(signedAnswerText(mark), {
      signature: answer.header(ANSWER_SIGNATURE) ?? '',
      keyId: answer.header(ANSWER_KEY) ?? undefined,
    });
    // A proxy's error page, or somebody on the line: central was not heard, whatever it says.
    if (wrong !== null)
      return err(failure('BILL-0101', `HTTP ${status} not believed as central’s: ${wrong}`));
    try {
      return ok({ ok: status === 200, status, json: JSON.parse(said.toString('utf8')) as unknown });
    } catch (cause) {
      return err(failure('BILL-0102', `HTTP ${status}: not JSON`, cause));
    }
  }

  function problemOf(
    reply: Reply,
    codes: Record<ProblemType, ErrorCode> = CODES,
  ): {
    readonly type: ProblemType | null;
    readonly problem: Problem | null;
    readonly failure: Failure;
  } {
    const parsed = problemSchema.safeParse(reply.json);
    const name =
      parsed.success && parsed.data.type.startsWith(PROBLEM_PREFIX)
        ? parsed.data.type.slice(PROBLEM_PREFIX.length)
        : '';
    if (!parsed.success || !Object.hasOwn(CODES, name)) {
      return {
        type: null,
        problem: null,
        failure: failure(
          reply.status >= 500 ? 'BILL-0101' : 'BILL-0102',
          `HTTP ${reply.status}: not a known problem`,
        ),
      };
    }
    const type = name as ProblemType;
    return {
      type,
      problem: parsed.data,
      failure: failure(
        codes[type],
        `${type}${parsed.data.detail === undefined ? '' : `: ${parsed.data.detail}`}`,
      ),
    };
  }

  async function ask<T>(
    method: 'GET' | 'POST',
    path: string,
    schema: z.ZodType<T>,
    body?: unknown,
    codes: Record<ProblemType, ErrorCode> = CODES,
  ): Promise<Result<T, Failure>> {
    const reply = await call(method, path, body);
    if (!reply.ok) return reply;
    if (!reply.value.ok) return err(problemOf(reply.value, codes).failure);
    const parsed = schema.safeParse(reply.value.json);
    return parsed.success
      ? ok(parsed.data)
      : err(
          failure(
            'BILL-0102',
            `${path}: ${parsed.error.issues[0]?.path.join('.') ?? ''} ${parsed.error.issues[0]?.message ?? ''}`,
            parsed.error,
          ),
        );
  }

  function verifyPolicy(raw: string): Result<IssuedPolicy, Failure> {
    let json: unknown;
    try {
      json = JSON.parse(raw);
    } catch (cause) {
      return err(failure('BILL-0102', 'the signed policy is not JSON', cause));
    }
    const signed = signedPolicySchema.safeParse(json);
    if (!signed.success)
      return err(failure('BILL-0102', 'the signed policy has another form', signed.error));
    const wrong = options.policyKeys.disbelief(signed.data.body, signed.data);
    if (wrong !== null) return err(failure('BILL-0102', `the policy’s ${wrong}`));
    try {
      const parsed = issuedPolicySchema.safeParse(JSON.parse(signed.data.body));
      return parsed.success
        ? ok(parsed.data)
        : err(
            failure(
              'BILL-0102',
              `policy: ${parsed.error.issues[0]?.path.join('.') ?? ''} ${parsed.error.issues[0]?.message ?? ''}`,
              parsed.error,
            ),
          );
    } catch (cause) {
      return err(failure('BILL-0102', 'the policy is not JSON', cause));
    }
  }

  return {
    account: async (cardNo) => {
      const answer = await ask(
        'GET',
        `/v1/accounts/by-card/${encodeURIComponent(cardNo)}`,
        accountAnswerSchema,
      );
      if (!answer.ok) return answer;
      const wrong = accountProblem(answer.value.account, cardNo);
      return wrong === null ? answer : err(failure('BILL-0102', wrong));
    },
    quote: async (request) => {
      const answer = await ask('POST', '/v1/quotes', quoteAnswerSchema, request);
      if (!answer.ok) return answer;
      const wrong = quoteProblem(answer.value.quote, request);
      return wrong === null ? ok(answer.value.quote) : err(failure('BILL-0102', wrong));
    },
    heartbeat: async (beat) => {
      const answer = await ask('POST', '/v1/heartbeat', heartbeatAnswerSchema, beat);
      return answer.ok ? ok(undefined) : answer;
    },
    release: async (orderId) => {
      const answer = await ask(
        'POST',
        `/v1/quotes/${encodeURIComponent(orderId)}/release`,
        emptySchema,
        {},
      );
      return answer.ok ? ok(undefined) : answer;
    },
    claim: async (orderId, kind, cardNo, claimMs = null, sure = null) => {
      const answer = await ask(
        'POST',
        `/v1/orders/${encodeURIComponent(orderId)}/claim`,
        claimAnswerSchema,
        { kind, cardNo, ...(claimMs === null ? {} : { claimMs }), ...sure },
        CLAIM_CODES,
      );
      if (!answer.ok) return answer;
      const wrong = claimProblem(answer.value, orderId, kind, cardNo);
      return wrong === null ? answer : err(failure('BILL-0102', wrong));
    },
    creditAccount: async (userNo) => {
      const path = `/v1/credit/accounts/${encodeURIComponent(userNo)}`;
      const answer = await ask('GET', path, creditAccountAnswerSchema);
      if (!answer.ok) return answer;
      const { account } = answer.value;
      return account.userNo === userNo && account.items.every(isSum)
        ? ok(account)
        : err(failure('BILL-0102', 'another account, or a sum that is not that of its parts'));
    },
    creditQuote: async (request) => {
      const answer = await ask('POST', '/v1/credit/quotes', creditQuoteAnswerSchema, request);
      if (!answer.ok) return answer;
      const wrong = creditQuoteProblem(answer.value.quote, request);
      return wrong === null ? ok(answer.value.quote) : err(failure('BILL-0102', wrong));
    },
    creditPost: (orderId, request) =>
      ask('POST', creditPath(orderId, 'post'), creditWordSchema, request),
    creditVoid: (orderId) => ask('POST', creditPath(orderId, 'void'), creditWordSchema, {}),
    cardKey: (request) => ask('POST', '/v1/keys', cardKeyAnswerSchema, request),
    commands: () => ask('GET', '/v1/commands', commandsAnswerSchema),
    requestEpoch: async (request) => {
      const answer = await ask('POST', '/v1/epochs', epochAnswerSchema, request);
      if (!answer.ok) return answer;
      const { granted } = answer.value;
      return granted === null || granted > request.epoch
        ? ok(granted)
        : err(failure('BILL-0102', `granted epoch ${granted} is not after ${request.epoch}`));
    },
    ordersByRef: async (ref) => {
      const answer = await ask(
        'GET',
        `/v1/orders/by-ref/${encodeURIComponent(ref)}`,
        orderStatusAnswerSchema,
      );
      return answer.ok ? ok(answer.value.orders) : answer;
    },
    ledger: async (date) => {
      const answer = await ask(
        'GET',
        `/v1/ledger?date=${encodeURIComponent(date)}`,
        ledgerAnswerSchema,
      );
      if (!answer.ok) return answer;
      return answer.value.date === date
        ? ok(answer.value.rows)
        : err(failure('BILL-0102', `the ledger of ${answer.value.date}, asked for ${date}`));
    },
    requests: requestClient(ask),
    myAccount: myAccountClient(ask),
    upload: async (request): Promise<UploadResult> => {
      const last = request.events.at(-1) ?? { seq: request.fromSeq - 1, hash: request.prevHash };
      const head = headText(request.epoch, last.seq, last.hash);
      const headSig = signText(options.signer, head).signature;
      const full: UploadRequest = { ...request, headSig };
      const reply = await call('POST', '/v1/journal', full);
      if (!reply.ok)
        return reply.error.code === 'BILL-0101'
          ? { kind: 'away', failure: reply.error }
          : { kind: 'refused', failure: reply.error };
      if (!reply.value.ok) {
        const { type, problem, failure: f } = problemOf(reply.value);
        if (type === 'gap' && problem?.expectedSeq !== undefined)
          return { kind: 'gap', expectedSeq: problem.expectedSeq };
        if (type === 'fork') return { kind: 'fork', failure: f };
        return f.code === 'BILL-0101'
          ? { kind: 'away', failure: f }
          : { kind: 'refused', failure: f };
      }
      const parsed = uploadAnswerSchema.safeParse(reply.value.json);
      if (!parsed.success)
        return {
          kind: 'refused',
          failure: failure('BILL-0102', 'the upload’s answer has another form', parsed.error),
        };
      // An acknowledgement that does not name what was sent acknowledges nothing.
      if (parsed.data.ackSeq < last.seq)
        return {
          kind: 'refused',
          failure: failure(
            'BILL-0102',
            `acknowledged ${parsed.data.ackSeq}, sent up to ${last.seq}`,
          ),
        };
      if (parsed.data.ackSeq === last.seq && parsed.data.ackHash !== last.hash)
        return {
          kind: 'fork',
          failure: failure('BILL-0104', `central acknowledges ${last.seq} with another hash`),
        };
      return { kind: 'acked', answer: parsed.data };
    },
    policy: async () => {
      const answer = await ask('GET', '/v1/policy', signedPolicySchema);
      if (!answer.ok) return answer;
      // With the id of its key, or the next key's policy would be lost at the next start.
      const raw = JSON.stringify(answer.value);
      const policy = verifyPolicy(raw);
      return policy.ok ? ok({ policy: policy.value, raw }) : policy;
    },
    verifyPolicy,
    time: async () => {
      const begin = clock.monoMs();
      const answer = await ask('GET', '/v1/time', timeSchema);
      return answer.ok
        ? ok({ serverTimeMs: answer.value.serverTimeMs, roundTripMs: clock.monoMs() - begin })
        : answer;
    },
  };
}

const creditPath = (orderId: string, verb: 'post' | 'void'): string =>
  `/v1/credit/orders/${encodeURIComponent(orderId)}/${verb}`;

/** Is what is due the sum of its parts? */
const isSum = (i: CreditItem): boolean =>
  i.dueFen === i.principalFen + i.lateFeeFen - i.discountFen && i.dueFen > 0;

/** A credit quote must be the one asked for, to the fen of each line. */
function creditQuoteProblem(quote: FirmCredit, request: CreditQuoteRequest): string | null {
  const { orderId, userNo, payee, lines } = request;
  if (quote.orderId !== orderId || quote.userNo !== userNo || quote.payee !== payee)
    return 'the quote answers another request';
  if (quote.lines.length !== lines.length) return 'the quote has other lines';
  for (const [i, line] of quote.lines.entries()) {
    const { principalFen, lateFeeFen, discountFen } = line.terms;
    if (line.item !== lines[i]?.item || line.amountFen !== lines[i]?.amountFen)
      return `line ${i + 1} is not the one asked for`;
    if (principalFen + lateFeeFen - discountFen !== line.amountFen)
      return `line ${i + 1} is not the sum of its terms`;
  }
  return quote.lines.reduce((sum, line) => sum + line.amountFen, 0) === quote.amountFen
    ? null
    : 'the lines do not add up';
}

/** A claim must be for what was asked, and a write claim's order the one asked for. */
function claimProblem(
  answer: ClaimAnswer,
  orderId: string,
  kind: ClaimKind,
  cardNo: string,
): string | null {
  if (answer.kind !== kind) return `asked for a ${kind} claim, got a ${answer.kind} claim`;
  if (answer.order !== null && (answer.order.orderId !== orderId || answer.order.cardNo !== cardNo))
    return 'the claim is on another order';
  return null;
}

/** What makes a well-formed account unusable. */
function accountProblem(account: Account, cardNo: string): string | null {
  if (account.cardNo !== cardNo) return 'the account is another card’s';
  try {
    checkTariff(account.tariff.tiers);
    return null;
  } catch (cause) {
    return `tariff: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}

/** A quote must be the one asked for, and its arithmetic must close to the last micro-yuan. */
function quoteProblem(quote: Quote, request: QuoteRequest): string | null {
  if (
    quote.orderId !== request.orderId ||
    quote.cardNo !== request.cardNo ||
    quote.nextCount !== request.nextCount ||
    quote.amountFen !== request.amountFen
  )
    return 'the quote answers another request';
  if (quote.shares.some((s) => s.costMicro !== s.priceE4 * s.quantity))
    return 'a share’s cost is not price × quantity';
  if (quote.shares.reduce((sum, s) => sum + s.quantity, 0) !== quote.quantity)
    return 'the shares do not add up to the quantity';
  const cost = quote.shares.reduce((sum, s) => sum + s.costMicro, 0);
  return quote.amountFen * MICRO_PER_FEN + quote.carriedUsedMicro - cost === quote.carriedAfterMicro
    ? null
    : 'amount + carried − cost is not the remainder';
}
