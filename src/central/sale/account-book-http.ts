import { z } from 'zod';
import type { Result } from '../../shared/result.ts';
import { jsonPort } from '../http/json-port.ts';
import type { JsonPortOptions } from '../http/json-port.ts';
import { BOOK_MANNERS } from './account-book.ts';
import type { AccountBook, BookAnswer } from './account-book.ts';

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
 * A company's account book behind HTTP (docs/credit.md). Only a whole answer with status 200 about
 * the very reference says anything; all else, a refusal of the request too, is unknown.
 */
export function httpAccountBook(options: JsonPortOptions): AccountBook {
  const call = jsonPort(options, MAX_BYTES);
  type About = Parameters<AccountBook['ask']>[0];
  function said(json: Result<unknown, string>, { reference, amountFen }: About): BookAnswer {
    if (!json.ok) return { kind: 'unknown', detail: json.error };
    const read = answer.safeParse(json.value);
    if (!read.success) return { kind: 'unknown', detail: 'not the promised form' };
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
    manner: async () => {
      const json = await call('GET', '/book');
      return json.ok ? (declared.safeParse(json.value).data?.manner ?? null) : null;
    },
    send: async (posting) => said(await call('POST', '/postings', posting), posting),
    ask: async (about) =>
      said(await call('GET', `/postings/${encodeURIComponent(about.reference)}`), about),
  };
}
