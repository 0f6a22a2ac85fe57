import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Refusal } from './problem.ts';
import { problemAnswer } from './request.ts';
import type { CentralAnswer, Handle } from './request.ts';

/** Where one door of the service listens. */
export interface Listening {
  /** 0 where not given: any free one. */
  readonly port?: number;
  /** Loopback where not given. */
  readonly host?: string;
  /** How long a request may take to come in, ms; {@link REQUEST_MS} where not given. */
  readonly requestMs?: number;
  /**
   * Name of the header in which the one proxy before this door tells for whom it asks; its last
   * entry is the proxy's own, and counts. Left out: the socket's other end is whom we speak to, and
   * no header is believed.
   */
  readonly proxyHeader?: string;
}
/** A door that is open. */
export interface OpenDoor {
  readonly port: number;
  readonly baseUrl: string;
  readonly close: () => Promise<void>;
}

/** What every door is open to unless told otherwise. */
export const LOOPBACK_HOST = '127.0.0.1';

/** The code of the error when {@link onLoopback} refuses. */
export const NOT_LOOPBACK = 'STAFF_NOT_LOOPBACK';

/**
 * A door without a log-in is for whoever may use this machine, and nobody else.
 *
 * @throws with the code {@link NOT_LOOPBACK} where it would listen to a network
 */
export function onLoopback(listening: Listening | undefined): Listening {
  const host = listening?.host ?? LOOPBACK_HOST;
  if (!/^(?:127(?:\.\d{1,3}){3}|localhost|::1)$/.test(host))
    throw Object.assign(
      new Error(
        `where staff do not log in their pages listen on loopback only, not on ${host}: give central "staff" (docs/central-staff.md), or reach them by ssh -L`,
      ),
      { code: NOT_LOOPBACK },
    );
  return { ...listening, host };
}

const MAX_BODY_BYTES = 2 << 20;
/** Who sends a request byte by byte holds a connection for no longer than this. */
const REQUEST_MS = 30_000;
/** A connection on which nothing moves is closed after this; longer than a wallet may take. */
const QUIET_MS = 120_000;

/**
 * Opens a door. Rejects where the port is taken.
 *
 * @param always headers of every answer, also of what is refused before `handle` hears of it
 */
export async function listen(
  handle: Handle,
  { port: wanted = 0, host = LOOPBACK_HOST, requestMs = REQUEST_MS, proxyHeader }: Listening,
  always: Readonly<Record<string, string>> = {},
): Promise<OpenDoor> {
  const app = httpEnd(handle, requestMs, proxyHeader?.toLowerCase(), always);
  await app.listen({ port: wanted, host });
  const { port } = app.server.address() as AddressInfo;
  return {
    port,
    baseUrl: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    close: () => app.close(),
  };
}

/** Whom a request is counted by. */
function sourceOf({ headers, socket }: IncomingMessage, proxyHeader: string | undefined): string {
  const told = proxyHeader === undefined ? undefined : headers[proxyHeader];
  const last = (Array.isArray(told) ? told.join() : told)?.split(',').at(-1)?.trim();
  return last === undefined || last === '' ? (socket.remoteAddress ?? '') : last;
}

/** The HTTP end: it hands every request to `handle`, its body as the bytes that came. */
function httpEnd(
  handle: Handle,
  requestMs: number,
  proxyHeader: string | undefined,
  always: Readonly<Record<string, string>>,
): FastifyInstance {
  const send = (reply: FastifyReply, answer: CentralAnswer): FastifyReply =>
    reply
      .code(answer.status)
      .headers({ ...always, ...answer.headers })
      .send(answer.body);
  const app = Fastify({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: requestMs,
    connectionTimeout: QUIET_MS,
    http: { headersTimeout: requestMs, connectionsCheckingInterval: Math.ceil(requestMs / 4) },
    // What is under way is answered; whoever waits no longer ends the process.
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    // A path that cannot be decoded comes to no handler, but is refused in our words all the same.
    frameworkErrors: (_error, _request, reply) =>
      void send(
        reply as FastifyReply,
        problemAnswer(new Refusal('bad-request', 'the path is not UTF-8')),
      ),
  });
  app.removeAllContentTypeParsers();
  // Signatures cover the bytes as they came; JSON is read after.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  // Only what Fastify itself refuses: a body that is too large or broken off.
  app.setErrorHandler((error, _request, reply) => {
    const status = (error as { statusCode?: unknown }).statusCode;
    return send(
      reply,
      problemAnswer(
        typeof status === 'number' && status < 500
          ? new Refusal('bad-request', String((error as { message?: unknown }).message), { status })
          : error,
      ),
    );
  });
  app.all('*', async (request, reply) =>
    send(
      reply,
      await handle({
        method: request.method,
        target: request.raw.url ?? '/',
        headers: request.headers,
        body: Buffer.isBuffer(request.body) ? request.body : new Uint8Array(0),
        source: sourceOf(request.raw, proxyHeader),
      }),
    ),
  );
  return app;
}
