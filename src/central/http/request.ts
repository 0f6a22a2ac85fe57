import { gunzipSync } from 'node:zlib';
import type { z } from 'zod';
import type { Problem } from '../../shared/central-api/index.ts';
import { chinaDayMs } from '../../shared/time.ts';
import { DbError } from '../db/sql.ts';
import { Refusal } from './problem.ts';

/** A request without its transport. Header names in lower case. */
export interface CentralRequest {
  readonly method: string;
  /** Path and query, as signed. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
  /** The address that it came from; left out: it came over no door. */
  readonly source?: string;
}
/** What goes back for it. */
export interface CentralAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
/** One request, one answer; a refusal is an answer. Never rejects. */
export type Handle = (request: CentralRequest) => Promise<CentralAnswer>;

/** A body that inflates to more is not read; 200 events are far below this. */
const MAX_INFLATED_BYTES = 8 << 20;

/** A header's value; null: it is missing, or there several times. */
export function headerOf(request: CentralRequest, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' ? value : null;
}

/** The target's query. */
export function queryOf(request: CentralRequest): URLSearchParams {
  return new URLSearchParams(request.target.split('?')[1] ?? '');
}

/**
 * A day of China's calendar, `YYYY-MM-DD`.
 *
 * @throws a refusal where it is none
 */
export function dateOf(text: string): string {
  if (Number.isNaN(chinaDayMs(text))) throw new Refusal('bad-request', 'a date is YYYY-MM-DD');
  return text;
}

/** The body as it came, as a buffer over the same bytes. */
export function bytesOf({ body }: CentralRequest): Buffer {
  return Buffer.from(body.buffer, body.byteOffset, body.length);
}

/**
 * The JSON body as its schema has it.
 *
 * @throws a refusal where it is something else
 */
export function bodyOf<T>(request: CentralRequest, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(inflated(request).toString('utf8'));
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal('bad-request', 'not JSON');
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success)
    throw new Refusal(
      'bad-request',
      parsed.error.issues
        .map((i) => `${i.path.join('.')}: ${i.message}`)
        .join('; ')
        .slice(0, 500),
    );
  return parsed.data;
}

/** The body as meant, whatever it says. */
export const textOf = (request: CentralRequest): string =>
  inflated(request).toString('utf8').replaceAll('\0', '\uFFFD');

/** The body as meant; gzip is inflated up to a limit only. */
function inflated(request: CentralRequest): Buffer {
  const body = bytesOf(request);
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return body;
  if (encoding !== 'gzip')
    throw new Refusal('bad-request', 'only gzip is understood', { status: 415 });
  try {
    return gunzipSync(body, { maxOutputLength: MAX_INFLATED_BYTES });
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
      ? new Refusal('bad-request', `larger than ${MAX_INFLATED_BYTES} bytes when inflated`, {
          status: 413,
        })
      : new Refusal('bad-request', 'not gzip');
  }
}

/** A 200 answer with JSON. */
export function json(value: unknown): CentralAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(value),
  };
}

/** What is thrown where nothing has this name. */
export function noSuchResource(): Refusal {
  return new Refusal('bad-request', 'no such resource', { status: 404 });
}

/**
 * Whatever was thrown, as problem+json. What is nobody's refusal goes to the log: a database or
 * another company's system that is away, after which the same request may be made again (503), or a
 * defect.
 */
export function problemAnswer(cause: unknown): CentralAnswer {
  const refusal =
    cause instanceof Refusal
      ? cause
      : cause instanceof DbError
        ? new Refusal('internal', `the database is ${cause.kind}`, { status: 503 })
        : new Refusal('internal', 'see the log of the service');
  if (refusal.type === 'internal')
    process.stderr.write(
      `central: ${cause instanceof Error && !(cause instanceof DbError || cause instanceof Refusal) ? (cause.stack ?? cause.message) : String(cause)}\n`,
    );
  const problem: Problem = {
    type: `about:pilotlight/${refusal.type}`,
    title: refusal.type,
    status: refusal.status,
    detail: refusal.message,
    ...(refusal.expectedSeq === undefined ? {} : { expectedSeq: refusal.expectedSeq }),
  };
  return {
    status: refusal.status,
    headers: { 'content-type': 'application/problem+json; charset=utf-8' },
    body: JSON.stringify(problem),
  };
}
