import { storable } from '../db/sql.ts';
import { httpPort, sendWithin } from '../../shared/http.ts';
import type { HttpSend } from '../../shared/http.ts';
import type { Clock } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';

/** Another company's system behind HTTP: an account book, a platform, a provider of invoices. */
export interface JsonPortOptions {
  /** `https://host:port`, with a path where it has one. */
  readonly baseUrl: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly secret: string;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly send?: HttpSend;
}

/**
 * One exchange of JSON with such a system; never rejects. Only status 200 with a body of JSON is an
 * answer: everything else, a refusal of the request too, says nothing of what became of it. Failed:
 * why, for staff.
 */
export type JsonCall = (
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
) => Promise<Result<unknown, string>>;

/**
 * JSON from outside as central can keep it: PostgreSQL's text holds neither NUL nor half of a
 * character, and a text that it refuses would fail what has nothing to do with it.
 *
 * @throws SyntaxError where it is none
 */
export const jsonOf = (bytes: Uint8Array): unknown =>
  JSON.parse(Buffer.from(bytes).toString('utf8'), (_key, value: unknown) =>
    typeof value === 'string' ? storable(value) : value,
  );

/** @param maxBytes a larger answer is none */
export function jsonPort(options: JsonPortOptions, maxBytes: number): JsonCall {
  const base = new URL(options.baseUrl);
  const send = httpPort(options);
  return async (method, path, body) => {
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
        maxBytes,
      },
      options.clock,
      options.timeoutMs,
    );
    if (!told.ok) return err(told.error.said);
    if (told.value.status !== 200 || told.value.body === null)
      return err(`HTTP ${told.value.status}`);
    try {
      return ok(jsonOf(told.value.body));
    } catch {
      return err('no JSON');
    }
  };
}
