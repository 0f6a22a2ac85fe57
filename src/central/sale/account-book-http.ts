import { z } from 'zod';
import { httpPort, sendWithin } from '../../shared/http.ts';
import type { HttpSend } from '../../shared/http.ts';
import type { Clock } from '../../shared/ports.ts';
import { BOOK_MANNERS } from './account-book.ts';
import type { AccountBook, BookAnswer } from './account-book.ts';

/** Where the company's system listens (docs/credit.md). */
export interface HttpBookOptions {
  /** `https://host:port`, with a path where it has one. */
  readonly baseUrl: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly secret: string;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly send?: HttpSend;
}

const MAX_BYTES = 1 << 16;
const declared = z.object({ version: z.literal(1), manner: z.enum(BOOK_MANNERS) });
const answer = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('posted'),
    reference: z.string(),
    amountFen: z.number().int(),
    voucher: z.string().min(1).max(64),
  }),
  z.object({
    state: z.literal('refused'),
    reference: z.string(),
    detail: z.string().max(300).default(''),
  }),
  z.object({ state: z.literal('unheard'), reference: z.string() }),
]);

/**
 * A company's account book behind HTTP. Only a whole answer with status 200 about the very
 * reference says anything; all else, a refusal of the request too, is unknown.
 */
export function httpAccountBook(options: HttpBookOptions): AccountBook {
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
  type About = Parameters<AccountBook['ask']>[0];
  function said(json: unknown, { reference, amountFen }: About): BookAnswer {
    const read = answer.safeParse(json);
    if (!read.success)
      return { kind: 'unknown', detail: typeof json === 'string' ? json : 'not the promised form' };
    const { data } = read;
    if (data.reference !== reference) return { kind: 'unknown', detail: 'of another reference' };
    switch (data.state) {
      case 'posted':
        if (data.amountFen !== amountFen)
          return { kind: 'unknown', detail: `posted another sum: ${data.amountFen} fen` };
        return { kind: 'posted', voucher: data.voucher };
      case 'refused':
        return { kind: 'refused', detail: data.detail };
      case 'unheard':
        return { kind: 'unheard' };
      default:
        return data satisfies never;
    }
  }
  return {
    manner: async () => declared.safeParse(await call('GET', '/book')).data?.manner ?? null,
    send: async (posting) => said(await call('POST', '/postings', posting), posting),
    ask: async (about) =>
      said(await call('GET', `/postings/${encodeURIComponent(about.reference)}`), about),
  };
}
