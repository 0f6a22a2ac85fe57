import type { Clock } from './ports.ts';
import { err, ok } from './result.ts';
import type { Result } from './result.ts';

/**
 * One HTTP exchange as a port: what the clients of central and of the payment providers need, and
 * no more, so that the simulation can answer in the same process. Rejects when there is no answer;
 * any status is an answer.
 */
export type HttpSend = (request: HttpRequest) => Promise<HttpAnswer>;

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** `https://host:port`, without a path. */
  readonly origin: string;
  /** Path and query, as signed. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  /** A larger answer is not read. */
  readonly maxBytes: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}
/** What came back, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  /** @param name in lower case */
  readonly header: (name: string) => string | null;
  /** null: larger than `maxBytes`. */
  readonly body: Uint8Array | null;
}

/** The port over the platform's `fetch`; redirects are answers, never followed. */
export function fetchSend(fetchFn: typeof fetch): HttpSend {
  return async ({ method, origin, target, headers, body, maxBytes, signal }) => {
    const response = await fetchFn(`${origin}${target}`, {
      method,
      headers,
      redirect: 'manual',
      signal,
      ...(body === null ? {} : { body: body as Uint8Array<ArrayBuffer> }),
    });
    const header = (name: string): string | null => response.headers.get(name);
    if (Number(header('content-length') ?? '0') > maxBytes) {
      await response.body?.cancel();
      return { status: response.status, header, body: null };
    }
    return { status: response.status, header, body: await bounded(response, maxBytes) };
  };
}

/**
 * An answer's body, given up as soon as it is too large: one without an end would fill the memory.
 * Null: larger than `maxBytes`.
 */
async function bounded(response: Response, maxBytes: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done || value === undefined) return new Uint8Array(Buffer.concat(chunks));
    length += value.length;
    if (length > maxBytes) {
      await reader?.cancel();
      return null;
    }
    chunks.push(value);
  }
}

/** `send`, or the platform's fetch. */
export function httpPort(ports: {
  readonly send?: HttpSend | undefined;
  readonly fetch?: typeof fetch | undefined;
}): HttpSend {
  return ports.send ?? fetchSend(ports.fetch ?? fetch);
}

/**
 * Nobody answered: out of time, or the network's own words, with what it threw. It says nothing
 * about what the request did.
 */
export interface NoAnswer {
  readonly said: string;
  readonly cause: unknown;
}

/** Sends once and waits at most `timeoutMs`; any status is an answer. Never rejects, never retries. */
export function sendWithin(
  send: HttpSend,
  request: Omit<HttpRequest, 'signal'>,
  clock: Clock,
  timeoutMs: number,
): Promise<Result<HttpAnswer, NoAnswer>> {
  return new Promise((resolve) => {
    // Made only where the transport looks at it: most exchanges are never given up.
    let abort: AbortController | null = null;
    // This, and not the abort, is what ends the wait: a transport need not know how to be aborted.
    const cancel = clock.after(timeoutMs, () => {
      resolve(err({ said: `no answer within ${timeoutMs} ms`, cause: new Error('timed out') }));
      abort?.abort();
    });
    const failed = (cause: unknown): void => {
      cancel();
      resolve(err({ said: `network: ${causeText(cause)}`, cause }));
    };
    try {
      const sending = send({
        ...request,
        get signal() {
          return (abort ??= new AbortController()).signal;
        },
      });
      sending.then((answer) => {
        cancel();
        resolve(ok(answer));
      }, failed);
    } catch (cause) {
      failed(cause);
    }
  });
}

/** fetch throws "fetch failed" and keeps the reason one level down. */
function causeText(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const inner = cause.cause;
  return inner instanceof Error
    ? `${cause.message}: ${'code' in inner ? String(inner.code) : inner.message}`
    : cause.message;
}
