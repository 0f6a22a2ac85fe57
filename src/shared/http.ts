/**
 * One HTTP exchange as a port: what the clients of central and of the payment providers need, and no more, so that
 * the simulation can answer in the same process. Rejects when there is no answer; any status is an answer.
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
    const response = await fetchFn(`${origin}${target}`, { method, headers, redirect: 'manual', signal, ...(body === null ? {} : { body: body as Uint8Array<ArrayBuffer> }) });
    const header = (name: string): string | null => response.headers.get(name);
    if (Number(header('content-length') ?? '0') > maxBytes) {
      await response.body?.cancel();
      return { status: response.status, header, body: null };
    }
    const bytes = new Uint8Array(await response.arrayBuffer());
    return { status: response.status, header, body: bytes.length > maxBytes ? null : bytes };
  };
}

/** `send`, or the platform's fetch. */
export function httpPort(ports: { readonly send?: HttpSend | undefined; readonly fetch?: typeof fetch | undefined }): HttpSend {
  return ports.send ?? fetchSend(ports.fetch ?? fetch);
}
