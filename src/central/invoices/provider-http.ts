import { z } from 'zod';
import type { Result } from '../../shared/result.ts';
import { jsonPort } from '../http/json-port.ts';
import type { JsonPortOptions } from '../http/json-port.ts';
import type { BlueRequest, InvoiceAnswer, InvoiceProvider, RedReason } from './provider.ts';

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
 * A provider behind HTTP (docs/invoices.md). Only a whole answer with status 200 about the very id
 * and sum says anything; all else, a refusal of the request too, is unknown.
 */
export function httpInvoiceProvider(options: JsonPortOptions): InvoiceProvider {
  const call = jsonPort(options, MAX_BYTES);
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
  json: Result<unknown, string>,
  about: Pick<BlueRequest, 'requestId' | 'amountFen'>,
  asked: boolean,
): InvoiceAnswer {
  if (!json.ok) return { kind: 'unknown', detail: json.error };
  const read = answer.safeParse(json.value);
  if (!read.success) return { kind: 'unknown', detail: 'not the promised form' };
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
