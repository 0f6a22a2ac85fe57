import { z } from 'zod';
import { jsonPort } from '../http/json-port.ts';
import type { JsonPortOptions } from '../http/json-port.ts';

/** One message. */
export interface Sms {
  /** Ours: the platform sends it once, however often it is told. */
  readonly id: string;
  /** Eleven digits. */
  readonly to: string;
  readonly text: string;
}
/**
 * What became of a message. `unheard`: the platform was never told of it · `unknown`: no answer
 * that means anything.
 */
export type SmsSaid =
  | { readonly kind: 'accepted' | 'unheard' | 'unknown' }
  | { readonly kind: 'refused'; readonly detail: string };
/** What somebody answered to one of our messages. */
export interface SmsReply {
  /** Counts up, over all replies. */
  readonly seq: number;
  readonly from: string;
  readonly text: string;
  readonly atMs: number;
}
/** The platform that sends messages (docs/services.md). Nothing here rejects. */
export interface SmsPlatform {
  readonly send: (sms: Sms) => Promise<SmsSaid>;
  readonly ask: (id: string) => Promise<SmsSaid>;
  /** What came after this one, in order; null: no answer. */
  readonly replies: (afterSeq: number) => Promise<readonly SmsReply[] | null>;
}

/** 200 answers of the longest messages that there are. */
const MAX_BYTES = 1 << 20;
const said = z.object({
  id: z.string(),
  state: z.enum(['accepted', 'refused', 'unheard']),
  detail: z.string().max(300).default(''),
});
const heard = z.object({
  replies: z
    .array(
      z.object({
        seq: z.number().int().positive(),
        // What anybody wrote, however long: one answer must not hide the others.
        from: z.string(),
        text: z.string().transform((text) => text.slice(0, 300)),
        atMs: z.number().int().nonnegative(),
      }),
    )
    .max(200),
});

/** A message platform behind HTTP (docs/services.md). */
export function httpSmsPlatform(options: JsonPortOptions): SmsPlatform {
  const call = jsonPort(options, MAX_BYTES);
  async function ask<T>(
    method: 'GET' | 'POST',
    path: string,
    schema: z.ZodType<T>,
    body?: unknown,
  ): Promise<T | null> {
    const told = await call(method, path, body);
    return told.ok ? (schema.safeParse(told.value).data ?? null) : null;
  }
  const became = (id: string, told: z.infer<typeof said> | null): SmsSaid => {
    if (told?.id !== id) return { kind: 'unknown' };
    const { state, detail } = told;
    return state === 'refused' ? { kind: 'refused', detail } : { kind: state };
  };
  return {
    send: async ({ id, to, text }) => {
      const told = became(id, await ask('POST', '/messages', said, { id, to, text }));
      // Who is just told of it cannot say that he never was.
      return told.kind === 'unheard' ? { kind: 'unknown' } : told;
    },
    ask: async (id) => became(id, await ask('GET', `/messages/${encodeURIComponent(id)}`, said)),
    replies: async (afterSeq) =>
      (await ask('GET', `/replies?after=${afterSeq}`, heard))?.replies ?? null,
  };
}
