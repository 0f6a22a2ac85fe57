import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import { intentSchema, paintedSchema } from '../../shared/contract/index.ts';
import type { Header, Snapshot } from '../../shared/contract/index.ts';
import { createBeatWatch } from '../shell/beat-watch.ts';
import type { BeatWatch } from '../shell/beat-watch.ts';
import { loadStaticFiles, saidClip, securityHeaders } from '../shell/static-files.ts';
import { createSupervisor } from '../shell/supervisor.ts';
import type { CoreCommand, CoreSupervisor, SupervisorTimings } from '../shell/supervisor.ts';

/** The largest message a page may send; an intent is a tenth of it. */
const MAX_MESSAGE_BYTES = 4 * 1024;
/** A page may send this many intents at once, and `INTENTS_PER_SECOND` for ever. */
const INTENT_BURST = 20;
const INTENTS_PER_SECOND = 10;
const MAX_PAGES = 16;
/** A few hundred snapshots. */
const MAX_UNREAD_BYTES = 4 << 20;
const HEARTBEAT_MS = 2_000;

const pageMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('intent'), intent: intentSchema }),
  z.object({ type: z.literal('painted'), ...paintedSchema.shape }),
]);

export interface BrowserShellOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** Folder of the built renderer. */
  readonly rendererDir: string;
  readonly core: CoreCommand;
  /** Per-start secret of the link; random unless given. */
  readonly token?: string;
  readonly demo?: boolean;
  readonly header?: Header;
  readonly log?: (line: string) => void;
  readonly timings?: Partial<SupervisorTimings>;
}

export interface BrowserShell {
  /** The one link that opens the kiosk, token included. */
  readonly url: string;
  readonly port: number;
  readonly supervisor: CoreSupervisor;
  /** Closes the pages and the port and stops the core. */
  close(): Promise<void>;
}

/** The port is in use by another process: says which (CONF-0102). */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
  readonly code = 'CONF-0102';
  readonly port: number;

  constructor(port: number) {
    super(
      `CONF-0102: port ${port} on 127.0.0.1 is in use by another process; choose another with --port`,
    );
    this.port = port;
  }
}

/**
 * Serves the kiosk to a Chromium on this machine, and to nothing else: loopback only, behind a
 * token, with `Host` and `Origin` checked so that another site open in the same browser can neither
 * read it nor speak to it.
 */
export async function startBrowserShell(options: BrowserShellOptions): Promise<BrowserShell> {
  const log = options.log ?? ((line: string): void => console.error(line));
  const files = loadStaticFiles(options.rendererDir);
  const token = options.token ?? randomBytes(24).toString('base64url');
  const headers = securityHeaders();
  let port = options.port;

  const server = createServer((request, response) => answer(request, response));
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    clientTracking: true,
  });

  // Listens before the core is started: a port that is taken must not leave a core behind.
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? new PortTakenError(options.port) : error),
    );
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address !== null && typeof address === 'object') port = address.port;
  const cookieName = `pilotlight-${port}`;
  const hosts = new Set([`127.0.0.1:${port}`, `localhost:${port}`]);

  const supervisor = createSupervisor({
    core: options.core,
    log,
    ...(options.header === undefined ? {} : { header: options.header }),
    ...(options.demo === undefined ? {} : { demo: options.demo }),
    ...(options.timings === undefined ? {} : { timings: options.timings }),
  });

  function send(
    response: ServerResponse,
    status: number,
    type: string,
    body: string | Buffer,
    extra: Readonly<Record<string, string>> = {},
    head = false,
  ): void {
    response.writeHead(status, {
      ...headers,
      'Content-Type': type,
      'Content-Length': String(Buffer.byteLength(body)),
      'Cache-Control': 'no-store',
      ...extra,
    });
    response.end(head ? undefined : body);
  }
  function plain(response: ServerResponse, status: number, text: string): void {
    send(response, status, 'text/plain; charset=utf-8', `${text}\n`);
  }
  function hasCookie(request: IncomingMessage): boolean {
    return (request.headers.cookie ?? '').split(';').some((part) => {
      const at = part.indexOf('=');
      return (
        at > 0 &&
        part.slice(0, at).trim() === cookieName &&
        sameSecret(part.slice(at + 1).trim(), token)
      );
    });
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    if (!hosts.has(request.headers.host ?? '')) return plain(response, 421, 'Not for this host.');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return plain(response, 405, 'Only GET.');
    const url = URL.parse(request.url ?? '/', `http://127.0.0.1:${port}`);
    if (url === null) return plain(response, 400, 'Bad address.');
    const given = url.searchParams.get('token');
    if (url.pathname === '/' && given !== null) {
      if (!sameSecret(given, token))
        return plain(
          response,
          401,
          '链接已失效，请用启动时打印的新链接。 / This link is not valid any more; use the one printed at start.',
        );
      // Away from the token at once, so that it stays in no history and no referrer.
      send(response, 303, 'text/plain; charset=utf-8', '', {
        Location: '/',
        'Set-Cookie': `${cookieName}=${token}; HttpOnly; SameSite=Strict; Path=/`,
      });
      return undefined;
    }
    if (!hasCookie(request))
      return plain(response, 401, '请用启动时打印的链接打开。 / Open the link printed at start.');
    const file = files.get(url.pathname) ?? saidClip(url.pathname, (id) => supervisor.clip(id));
    if (file === undefined) return plain(response, 404, 'Not found.');
    send(
      response,
      200,
      file.type,
      file.body,
      file.immutable ? { 'Cache-Control': 'private, max-age=31536000, immutable' } : {},
      request.method === 'HEAD',
    );
    return undefined;
  }

  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const refuse = (status: string): void => {
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    };
    const host = request.headers.host ?? '';
    if (request.url !== '/ws') return refuse('404 Not Found');
    if (!hosts.has(host)) return refuse('421 Misdirected Request');
    if (request.headers.origin !== `http://${host}`) return refuse('403 Forbidden');
    if (!hasCookie(request)) return refuse('401 Unauthorized');
    if (sockets.clients.size >= MAX_PAGES) return refuse('503 Service Unavailable');
    sockets.handleUpgrade(request, socket, head, (page) => serve(page));
    return undefined;
  });

  function serve(page: WebSocket): void {
    let allowance = INTENT_BURST;
    let filledAt = performance.now();
    const push = (message: unknown): void => {
      if (page.readyState !== page.OPEN) return;
      // A page that takes nothing any more gets no more: it loads itself anew.
      if (page.bufferedAmount > MAX_UNREAD_BYTES) page.terminate();
      else page.send(JSON.stringify(message));
    };
    const beat = watchFrames(push, log);
    const show = (snapshot: Snapshot): void => {
      beat.sent(snapshot.revision);
      push({ type: 'snapshot', snapshot });
    };
    const unsubscribe = supervisor.subscribe(show);
    const heartbeat = setInterval(() => push({ type: 'heartbeat' }), HEARTBEAT_MS);
    page.on('close', () => {
      unsubscribe();
      beat.stop();
      clearInterval(heartbeat);
    });
    page.on('error', (error) => log(`page: ${error.message}`));
    page.on('message', (data, isBinary) => {
      const now = performance.now();
      allowance = Math.min(
        INTENT_BURST,
        allowance + ((now - filledAt) / 1000) * INTENTS_PER_SECOND,
      );
      filledAt = now;
      if (allowance < 1) return page.close(1008, 'too many messages');
      allowance -= 1;
      const message = isBinary ? null : pageMessageSchema.safeParse(parseJson(String(data)));
      if (message === null || !message.success) {
        log('page: a message that is no intent; closing it');
        return page.close(1008, 'not an intent');
      }
      if (message.data.type === 'painted') beat.painted(message.data);
      else supervisor.send(message.data.intent);
      return undefined;
    });
    show(supervisor.current());
  }

  supervisor.start();
  let closing: Promise<void> | null = null;
  return {
    url: `http://127.0.0.1:${port}/?token=${token}`,
    port,
    supervisor,
    close() {
      closing ??= (async () => {
        // The core first: pages see it go and say so, rather than vanish.
        await supervisor.stop();
        for (const page of sockets.clients) page.terminate();
        sockets.close();
        server.closeAllConnections();
        await new Promise<void>((resolve) => server.close(() => resolve()));
      })();
      return closing;
    },
  };
}

/**
 * What this shell can do about a page that paints nothing: say so, and tell the page to load itself
 * anew, which it hears outside of what it draws. Only a page that has painted is waited for.
 */
function watchFrames(push: (message: unknown) => void, log: (line: string) => void): BeatWatch {
  const recover = (why: string): void => {
    log(`${why}; telling it to load itself anew`);
    push({ type: 'reload' });
  };
  const after = (ms: number, then: () => void): (() => void) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  };
  return createBeatWatch({ recover, after }, { fruitless: 0 });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Compares in constant time; hashing first makes lengths equal. */
function sameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
