import { z } from 'zod';
import { httpPort, sendWithin } from '../../shared/http.ts';
import type { HttpSend } from '../../shared/http.ts';
import type { Clock } from '../../shared/ports.ts';
import type { BlueRequest, InvoiceAnswer, InvoiceProvider, RedReason } from './provider.ts';

/** Where the provider listens (docs/invoices.md). */
export interface HttpInvoicesOptions {
  /** `https://host:port`, with a path where it has one. */
  readonly baseUrl: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly secret: string;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly send?: HttpSend;
}

const MAX_BYTES = 1 << 16;
const answer = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('issued'),
    requestId: z.string(),
    number: z.string().regex(/^\d{20}$/),
    issuedMs: z.number().int().nonnegative(),
    // Opened by a customer's phone: nothing else than a page.
    url: z
      .url({ protocol: /^https$/ })
      .or(z.url({ protocol: /^http$/, hostname: /^127\.0\.0\.1$/ }))
      .pipe(z.string().max(1_000)),
    amountFen: z.number().int(),
    buyerName: z.string().max(200),
  }),
  z.object({
    state: z.literal('pending'),
    requestId: z.string(),
    detail: z.string().max(300).default(''),
  }),
  z.object({ state: z.literal('refused'), requestId: z.string(), reason: z.string().max(300) }),
  z.object({ state: z.literal('unheard'), requestId: z.string() }),
]);
/** The tax office's codes of the reasons (services.md section 6). */
const REASONS: Readonly<Record<RedReason, string>> = { title: '01', 'money-back': '02' };

/**
 * A provider behind HTTP. Only a whole answer with status 200 about the very id and sum says
 * anything; all else, a refusal of the request too, is unknown.
 */
export function httpInvoiceProvider(options: HttpInvoicesOptions): InvoiceProvider {
  const base = new URL(options.baseUrl);
  const send = httpPort(options);
  async function call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const told = await sendWithin(
      send,
      {
        method,
        origin: base.origin,
        target: `${base.pathname.replace(/\/+$/, '')}${path}`,
        headers: {
          authorization: `Bearer ${options.secret}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : Buffer.from(JSON.stringify(body), 'utf8'),
        maxBytes: MAX_BYTES,
      },
      options.clock,
      options.timeoutMs,
    );
    if (!told.ok) return told.error.said;
    if (told.value.status !== 200 || told.value.body === null) return `HTTP ${told.value.status}`;
    try {
      return JSON.parse(Buffer.from(told.value.body).toString('utf8')) as unknown;
    } catch {
      return 'no JSON';
    }
  }
  return {
    blue: async (request) =>
      said(await call('POST', '/invoices', { kind: 'blue', ...request }), request, false),
    red: async ({ ofRequest, number, reason, ...red }) =>
      said(
        await call('POST', '/invoices', {
          kind: 'red',
          ...red,
          of: { requestId: ofRequest, number },
          reason: REASONS[reason],
        }),
        red,
        false,
      ),
    query: async (asked) =>
      said(await call('GET', `/invoices/${encodeURIComponent(asked.requestId)}`), asked, true),
  };
}

/** @param asked whether it answers a question: only then an id may be unheard of */
function said(
  json: unknown,
  about: Pick<BlueRequest, 'requestId' | 'amountFen'>,
  asked: boolean,
): InvoiceAnswer {
  const read = answer.safeParse(json);
  if (!read.success)
    return { kind: 'unknown', detail: typeof json === 'string' ? json : 'not the promised form' };
  const { data } = read;
  if (data.requestId !== about.requestId) return { kind: 'unknown', detail: 'of another request' };
  switch (data.state) {
    case 'issued': {
      if (data.amountFen !== about.amountFen)
        return { kind: 'unknown', detail: `issued over another sum: ${data.amountFen} fen` };
      const { number, issuedMs, url, buyerName } = data;
      return { kind: 'issued', number, issuedMs, url, buyerName };
    }
    case 'pending':
      return { kind: 'pending', detail: data.detail };
    case 'refused':
      return { kind: 'refused', reason: data.reason };
    case 'unheard':
      return asked ? { kind: 'unheard' } : { kind: 'unknown', detail: 'not the promised form' };
    default:
      return data satisfies never;
  }
}
