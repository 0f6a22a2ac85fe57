import { z } from 'zod';
import {
  companyAccountAnswerSchema,
  companyCreditAnswerSchema,
  companyPurchaseAnswerSchema,
} from '../../shared/company-accounts.ts';
import { httpPort, sendWithin } from '../../shared/http.ts';
import { checkTariff } from '../../shared/money.ts';
import { jsonOf } from '../http/json-port.ts';
import type { JsonPortOptions } from '../http/json-port.ts';
import type { CompanyAccounts } from './company-accounts.ts';

/** What a configuration says of a company's system that keeps the accounts. */
export const externalAccountsSchema = z.strictObject({
  kind: z.literal('external'),
  baseUrl: z.url({ protocol: /^https?$/ }),
  /** A file with the secret that is sent as `Authorization: Bearer …`. */
  secretFile: z.string().min(1),
  /** A customer waits at the machine: no answer within this is none. */
  timeoutMs: z.number().int().min(100).max(30_000).default(5_000),
  /** Accounts without a card are asked for there too; needs an account book. */
  credit: z.boolean().default(false),
  /** An answer that looked into its books longer ago is none (replicas lag, clocks differ). */
  maxAgeMs: z.number().int().min(1_000).max(600_000).default(60_000),
});
/** See {@link externalAccountsSchema}. */
export type ExternalAccountsConfig = z.infer<typeof externalAccountsSchema>;

/** A whole account with two hundred bills is far below it. */
const MAX_BYTES = 1 << 20;

interface Reply {
  readonly status: number;
  readonly json: unknown;
  readonly etag: string | null;
}

type Call = (
  method: 'GET' | 'POST',
  path: string,
  more?: { readonly body?: unknown; readonly etag?: string | null },
) => Promise<Reply | string>;

/** One exchange; a text: why it says nothing. */
function companyCall(options: JsonPortOptions): Call {
  const base = new URL(options.baseUrl);
  const send = httpPort(options);
  return async (method, path, more = {}) => {
    const told = await sendWithin(
      send,
      {
        method,
        origin: base.origin,
        target: `${base.pathname.replace(/\/+$/, '')}${path}`,
        headers: {
          authorization: `Bearer ${options.secret}`,
          accept: 'application/json',
          ...(more.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(more.etag == null ? {} : { 'if-none-match': more.etag }),
        },
        body: more.body === undefined ? null : Buffer.from(JSON.stringify(more.body), 'utf8'),
        maxBytes: MAX_BYTES,
      },
      options.clock,
      options.timeoutMs,
    );
    if (!told.ok) return told.error.said;
    const { status, body, header } = told.value;
    if (status === 304 && more.etag != null) return { status, json: null, etag: more.etag };
    if (status !== 200 || body === null) return `HTTP ${status}`;
    try {
      return { status, json: jsonOf(body), etag: header('etag') };
    } catch {
      return 'no JSON';
    }
  };
}

/** By HTTP (docs/external-accounts.md). */
export function httpCompanyAccounts(
  options: JsonPortOptions & { readonly credit?: boolean; readonly maxAgeMs?: number },
): CompanyAccounts {
  const call = companyCall(options);
  const { clock, credit = false, maxAgeMs = 60_000 } = options;
  const unknown = (detail: string) => ({ kind: 'unknown', detail }) as const;
  /** The company's clock may differ a little; its books may not be old. */
  const isOld = (asOfMs: number): boolean => Math.abs(clock.nowMs() - asOfMs) > maxAgeMs;

  return {
    credit,
    byCard: async (cardNo, etag) => {
      const reply = await call('GET', `/accounts/by-card/${encodeURIComponent(cardNo)}`, { etag });
      if (typeof reply === 'string') return unknown(reply);
      if (reply.status === 304) return { kind: 'unchanged' };
      const read = companyAccountAnswerSchema.safeParse(reply.json);
      if (!read.success) return unknown(`not the promised form: ${issue(read.error)}`);
      if (read.data.state === 'unknown')
        return read.data.cardNo === cardNo ? { kind: 'nobody' } : unknown('of another card');
      const { account } = read.data;
      if (account.cardNo !== cardNo) return unknown('of another card');
      if (isOld(account.asOfMs)) return unknown(`as of ${account.asOfMs}: too old, or to come`);
      try {
        for (const { tiers } of [account.tariff, ...account.announced.map((a) => a.tariff)])
          checkTariff(tiers);
      } catch (cause) {
        return unknown(`no tariff: ${cause instanceof Error ? cause.message : ''}`);
      }
      return { kind: 'known', account, etag: reply.etag };
    },
    byUser: async (userNo) => {
      const reply = await call('GET', `/credit-accounts/${encodeURIComponent(userNo)}`);
      if (typeof reply === 'string') return unknown(reply);
      const read = companyCreditAnswerSchema.safeParse(reply.json);
      if (!read.success) return unknown(`not the promised form: ${issue(read.error)}`);
      if (read.data.state === 'unknown')
        return read.data.userNo === userNo ? { kind: 'nobody' } : unknown('of another user');
      const { account } = read.data;
      if (account.userNo !== userNo) return unknown('of another user');
      if (isOld(account.asOfMs)) return unknown(`as of ${account.asOfMs}: too old, or to come`);
      return { kind: 'known', account, etag: null };
    },
    book: async (purchase) => {
      const { orderId, tellNo } = purchase;
      const path = `/purchases/${encodeURIComponent(orderId)}`;
      const reply = await call('POST', path, { body: purchase });
      if (typeof reply === 'string') return { state: 'unknown', detail: reply };
      const read = companyPurchaseAnswerSchema.safeParse(reply.json);
      if (!read.success)
        return { state: 'unknown', detail: `not the promised form: ${issue(read.error)}` };
      const { data } = read;
      if (data.orderId !== orderId) return { state: 'unknown', detail: 'of another order' };
      if (data.state !== 'early' && data.tellNo !== tellNo)
        return { state: 'unknown', detail: `under number ${data.tellNo}` };
      return data;
    },
  };
}

const issue = (error: z.ZodError): string =>
  `${error.issues[0]?.path.join('.') ?? ''} ${error.issues[0]?.message ?? ''}`.slice(0, 200);
