import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A request without its transport. Header names in lower case. */
export interface SandboxRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
}
/**
 * `dropped`: the line breaks without an answer (whether the request had its effect before is the
 * fault's matter).
 */
export type SandboxAnswer =
  | { readonly dropped: true }
  | {
      readonly dropped: false;
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Uint8Array;
    };
/**
 * The request took its way; after `delayMs` call `answer` once: only then does it have its effect,
 * as on a slow line.
 */
export interface SandboxExchange {
  readonly delayMs: number;
  /**
   * @param heard false: the client has given up; the effect is the same, but no fault is used up on
   *   an answer that nobody hears
   */
  readonly answer: (heard?: boolean) => SandboxAnswer;
}
export type SandboxHandle = (request: SandboxRequest) => SandboxExchange;
/**
 * The pretend phone and the fault switches, under `/_control/` for those in other processes.
 *
 * @param what method and path below `/_control`, e.g. `POST /pay`
 * @param json the body; `{}` where there is none
 * @returns what is answered as JSON; undefined: there is no such thing
 */
export type SandboxControls = (what: string, json: Readonly<Record<string, unknown>>) => unknown;

export interface SandboxServer {
  readonly start: () => Promise<{ readonly port: number; readonly baseUrl: string }>;
  /** Open requests are cut off. */
  readonly close: () => Promise<void>;
  /** The one that it listens at; before `start` the one that it was given. */
  readonly port: () => number;
}

/** Far above what any wallet's request has. */
const MAX_REQUEST_BYTES = 64 * 1024;

/** A body that is one JSON object; null: it is not. An empty body is an empty object. */
export function jsonObject(body: Uint8Array): Readonly<Record<string, unknown>> | null {
  if (body.length === 0) return {};
  try {
    const json: unknown = JSON.parse(
      Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8'),
    );
    return typeof json === 'object' && json !== null && !Array.isArray(json)
      ? (json as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/**
 * The HTTP end of a payment sandbox, on loopback. What an answer says is the sandbox's affair; here
 * it is only sent, late or not at all where it says so.
 *
 * @param port 0: any free one
 */
export function sandboxServer(
  port: number,
  handle: SandboxHandle,
  controls?: SandboxControls,
): SandboxServer {
  async function answered(req: IncomingMessage, res: ServerResponse, body: Buffer): Promise<void> {
    const target = req.url ?? '/';
    const { pathname } = new URL(target, 'http://sandbox');
    if (controls !== undefined && pathname.startsWith('/_control/'))
      return controlled(`${req.method} ${pathname.slice('/_control'.length)}`, res, body, controls);
    const exchange = handle({ method: req.method ?? '', target, headers: req.headers, body });
    if (exchange.delayMs > 0) await sleep(exchange.delayMs);
    const answer = exchange.answer(!res.destroyed);
    if (answer.dropped) req.socket.destroy();
    // 204 has no body, and no length of one.
    else if (answer.status === 204) res.writeHead(204, { ...answer.headers }).end();
    else
      res
        .writeHead(answer.status, {
          ...answer.headers,
          'content-length': String(answer.body.length),
        })
        .end(answer.body);
  }
  function controlled(
    what: string,
    res: ServerResponse,
    body: Buffer,
    decide: SandboxControls,
  ): void {
    const reply = (status: number, value: unknown): void =>
      void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    const json = jsonObject(body);
    if (json === null) return reply(400, { error: 'not a JSON object' });
    const said = decide(what, json);
    return said === undefined ? reply(404, { error: `no ${what}` }) : reply(200, said);
  }

  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_REQUEST_BYTES) req.destroy();
      else chunks.push(chunk);
    });
    req.on('error', () => undefined);
    req.on('end', () => void answered(req, res, Buffer.concat(chunks)).catch(() => res.destroy()));
  });
  let at = port;
  return {
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, '127.0.0.1', () => {
          server.off('error', reject);
          at = (server.address() as AddressInfo).port;
          resolve({ port: at, baseUrl: `http://127.0.0.1:${at}` });
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    port: () => at,
  };
}
