import type { z } from 'zod';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import {
  answerText,
  billAnswer,
  chargeAnswer,
  closeAnswer,
  createAnswer,
  GATEWAY_PATH,
  GATEWAY_REFUND_NO,
  GATEWAY_TRADE_NO,
  MAX_HALL,
  queryAnswer,
  queryRefundAnswer,
  refundAnswer,
  reverseAnswer,
} from '../../shared/gateway-api.ts';
import type { GatewayVerb } from '../../shared/gateway-api.ts';
import { httpPort, sendWithin } from '../../shared/http.ts';
import type { HttpSend } from '../../shared/http.ts';
import type { Clock, KeyId, Random, Signer } from '../../shared/ports.ts';
import type { Keyring } from '../../shared/signatures.ts';
import { ANSWER_KEY, ANSWER_SIGNATURE, signedHeaders } from '../../shared/signed-request.ts';
import type {
  AttemptRef,
  ChargeRequest,
  CreateRequest,
  PaymentProvider,
  RefundRequest,
} from '../types.ts';

/**
 * The gateway holds the merchants' keys; the kiosk has its own device key, and the gateway's public
 * one.
 */
export interface GatewayProviderConfig {
  readonly baseUrl: string;
  readonly terminalId: string;
  /** The terminal's own key. */
  readonly signer: Signer & KeyId;
  /** The key that signs the gateway's answers, and its next one. */
  readonly answerKeys: Keyring;
}
export interface GatewayPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch?: typeof fetch;
  readonly send?: HttpSend;
  readonly timeoutMs: number;
}

/** A terminal's day of some thousand payments. */
const MAX_BODY_BYTES = 8 << 20;
const MAX_DESCRIPTION = 127;
const MAX_REASON = 80;
/**
 * The strictest wallet's rule (WeChat; payments.md section A): which wallet a code belonged to the
 * gateway knows.
 */
const REVERSE_AFTER_MS = 15_000;

type Unknown = { readonly kind: 'unknown'; readonly failure: Failure };
const unknown = (f: Failure): Unknown => ({ kind: 'unknown', failure: f });

/**
 * The payment gateway of docs/payment-gateway.md: one QR code for every wallet. Nothing is retried
 * inside.
 */
export function createGatewayProvider(
  config: GatewayProviderConfig,
  ports: GatewayPorts,
): PaymentProvider {
  const send = httpPort(ports);
  const base = new URL(config.baseUrl);
  const prefix = base.pathname.replace(/\/+$/, '');

  /** One exchange: what a signed answer says about `subject`, or why nothing is known. */
  async function ask<T>(
    verb: GatewayVerb,
    body: Readonly<Record<string, unknown>>,
    subject: string,
    schema: z.ZodType<{ outTradeNo: string; result: T }>,
    waitMs = 0,
  ): Promise<T | Unknown> {
    const target = `${prefix}${GATEWAY_PATH}${verb}`;
    const bytes = Buffer.from(JSON.stringify(body), 'utf8');
    const timestamp = String(Math.floor(ports.clock.nowMs()));
    const nonce = Buffer.from(ports.random.bytes(16)).toString('hex');
    const headers = {
      Accept: 'application/json',
      'Content-Type': 'application/json',
      ...signedHeaders(config.terminalId, config.signer, {
        method: 'POST',
        target,
        timestamp,
        nonce,
        body: bytes,
      }),
    };
    const sent = await sendWithin(
      send,
      {
        method: 'POST',
        origin: base.origin,
        target,
        headers,
        body: bytes,
        maxBytes: MAX_BODY_BYTES,
      },
      ports.clock,
      waitMs + ports.timeoutMs,
    );
    if (!sent.ok) return unknown(failure('PAY-0202', sent.error.said, sent.error.cause));
    const answer = sent.value;
    const { status } = answer;
    if (status === 429 || status >= 500) return unknown(failure('PAY-0203', `HTTP ${status}`));
    if (answer.body === null)
      return unknown(
        failure('PAY-0201', `HTTP ${status}: answer larger than ${MAX_BODY_BYTES} bytes`),
      );
    const said = Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.length);
    // Central does not know us, or not what we ask: somebody has to look at the configuration.
    // Nothing is concluded from it, so it needs no signature.
    if (status >= 400)
      return unknown(
        failure(
          status === 409 ? 'PAY-0203' : 'PAY-0204',
          `HTTP ${status}: ${said.toString('utf8').slice(0, 200)}`,
        ),
      );
    const wrong = config.answerKeys.disbelief(
      answerText(config.terminalId, 'POST', target, nonce, status, said),
      {
        signature: answer.header(ANSWER_SIGNATURE) ?? '',
        keyId: answer.header(ANSWER_KEY) ?? undefined,
      },
    );
    if (wrong !== null)
      return unknown(failure('PAY-0201', `HTTP ${status} not believed: ${wrong}`));
    const parsed = schema.safeParse(status === 200 ? parse(said.toString('utf8')) : undefined);
    if (!parsed.success)
      return unknown(
        failure(
          'PAY-0201',
          `HTTP ${status}: signed, but not the promised form (${parsed.error.issues[0]?.path.join('.') ?? ''})`,
          parsed.error,
        ),
      );
    if (parsed.data.outTradeNo !== subject)
      return unknown(
        failure('PAY-0201', `answer is about ${parsed.data.outTradeNo}, asked about ${subject}`),
      );
    return parsed.data.result;
  }

  const unsendable = (r: AttemptRef): Failure | null => {
    if (!GATEWAY_TRADE_NO.test(r.outTradeNo))
      return failure(
        'PAY-0204',
        'not sent: out_trade_no is not 6 to 32 letters, digits and underscores',
      );
    return Number.isSafeInteger(r.amountFen) && r.amountFen > 0
      ? null
      : failure('PAY-0204', 'not sent: the amount is not a positive number of fen');
  };
  const attempt = ({ outTradeNo, amountFen, method }: AttemptRef) => ({
    outTradeNo,
    amountFen,
    ...(method === undefined ? {} : { method }),
  });
  const ordered = ({ orderId, payee }: CreateRequest | ChargeRequest) => ({
    ...(orderId === undefined ? {} : { orderId }),
    ...(payee === undefined ? {} : { payee }),
  });
  const named = ({ page }: CreateRequest) =>
    page === undefined
      ? {}
      : {
          hall: clip(page.hall, MAX_HALL),
          ...(page.card === null ? {} : { card: page.card }),
        };
  const refundBody = (r: RefundRequest) => ({
    ...attempt(r),
    outRefundNo: r.outRefundNo,
    refundFen: r.refundFen,
    reason: clip(r.reason, MAX_REASON),
  });

  async function create(request: CreateRequest) {
    const wrong = unsendable(request);
    if (wrong !== null) return { kind: 'refused', failure: wrong } as const;
    const r = await ask(
      'create',
      {
        ...ordered(request),
        outTradeNo: request.outTradeNo,
        amountFen: request.amountFen,
        description: clip(request.description, MAX_DESCRIPTION),
        expiresAtMs: Math.floor(request.expiresAtMs),
        ...named(request),
      },
      request.outTradeNo,
      createAnswer,
    );
    return r.kind === 'unknown' && r.failure.code === 'PAY-0202'
      ? unknown(failure('PAY-0101', r.failure.detail, r.failure.cause))
      : r;
  }
  async function charge(request: ChargeRequest) {
    const wrong = unsendable(request);
    if (wrong !== null) return { kind: 'refused', failure: wrong } as const;
    const r = await ask(
      'charge',
      {
        ...ordered(request),
        outTradeNo: request.outTradeNo,
        amountFen: request.amountFen,
        description: clip(request.description, MAX_DESCRIPTION),
        authCode: request.authCode,
      },
      request.outTradeNo,
      chargeAnswer,
    );
    return r.kind === 'unknown' && r.failure.code === 'PAY-0202'
      ? unknown(failure('PAY-0101', r.failure.detail, r.failure.cause))
      : r;
  }
  async function refund(request: RefundRequest) {
    if (!GATEWAY_REFUND_NO.test(request.outRefundNo))
      return {
        kind: 'refused',
        failure: failure(
          'PAY-0301',
          'not sent: out_refund_no is not 1 to 64 letters, digits and underscores',
        ),
      } as const;
    if (
      !Number.isSafeInteger(request.refundFen) ||
      request.refundFen <= 0 ||
      request.refundFen > request.amountFen
    )
      return {
        kind: 'refused',
        failure: failure('PAY-0301', 'not sent: the refund is not between 1 fen and the amount'),
      } as const;
    return ask('refund', refundBody(request), request.outTradeNo, refundAnswer);
  }
  async function queryRefund(request: RefundRequest) {
    const r = await ask('query-refund', refundBody(request), request.outTradeNo, queryRefundAnswer);
    return r.kind === 'done' && r.refundFen !== request.refundFen
      ? unknown(
          failure('PAY-0201', `answer says ${r.refundFen} fen, asked for ${request.refundFen}`),
        )
      : r;
  }

  return {
    kind: 'gateway',
    create,
    query: (a) => ask('query', attempt(a), a.outTradeNo, queryAnswer),
    hold: (a, { waitMs, known }) =>
      ask('query', { ...attempt(a), waitMs, known }, a.outTradeNo, queryAnswer, waitMs),
    close: (a) => ask('close', attempt(a), a.outTradeNo, closeAnswer),
    refund,
    queryRefund,
    code: {
      charge,
      reverse: (a) =>
        ask('reverse', { ...attempt(a), method: 'code' }, a.outTradeNo, reverseAnswer),
      reverseAfterMs: REVERSE_AFTER_MS,
    },
    // Alipay may be the wallet behind it.
    closeMayHandBack: true,
    downloadBill: (date) => ask('bill', { date }, date, billAnswer),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The first characters without control characters, never half a surrogate pair. */
function clip(text: string, max: number): string {
  let out = '';
  for (const ch of text.replace(/\p{Cc}/gu, ' ')) {
    if (out.length + ch.length > max) break;
    out += ch;
  }
  return out;
}
