import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { CARD_NO, quoteRequestSchema, uploadRequestSchema } from '../shared/central-api.ts';
import type { Problem } from '../shared/central-api.ts';
import { policySchema } from '../shared/policy.ts';
import type { Policy } from '../shared/policy.ts';
import { accountByCard } from './accounts.ts';
import { consoleData, consolePage } from './console.ts';
import type { ConsoleData } from './console.ts';
import { migrate, openPglite } from './db.ts';
import type { Db } from './db.ts';
import { DEMO_ACCOUNTS, DEMO_CLAIMS, DEMO_POLICY, DEMO_TARIFFS } from './demo-data.ts';
import type { SeedAccount, SeedClaim, SeedTariff, SeedTerminal } from './demo-data.ts';
import { ingest } from './ingest.ts';
import { Refusal } from './problem.ts';
import { quote, release } from './quotes.ts';
import { seed } from './seed.ts';

export interface CentralOptions {
  /** A database that is open already (the caller closes it); else `dataDir`. */
  readonly db?: Db;
  /** Folder of the embedded database; null: in memory, for tests. */
  readonly dataDir?: string | null;
  readonly port: number;
  /** Loopback unless told: the console has no log-in of its own. */
  readonly host?: string;
  /** Ed25519, PEM (PKCS#8). */
  readonly policyPrivateKeyPem: string;
  readonly now: () => number;
  readonly terminals: readonly SeedTerminal[];
  /** The demo's data where not given. */
  readonly accounts?: readonly SeedAccount[];
  readonly tariffs?: readonly SeedTariff[];
  readonly claims?: readonly SeedClaim[];
  readonly policy?: Policy;
}
export interface Central {
  readonly start: () => Promise<{ readonly port: number; readonly baseUrl: string }>;
  readonly close: () => Promise<void>;
  readonly port: () => number;
  readonly data: () => Promise<ConsoleData>;
}

/** A request older or newer than this is refused (docs: device authentication, 300 s). */
const WINDOW_MS = 300_000;
const MAX_BODY_BYTES = 2 << 20;
const SIGNATURE_HEADERS = ['pilotlight-terminal', 'pilotlight-timestamp', 'pilotlight-nonce', 'pilotlight-signature'] as const;

/** The reference central billing service: API of src/shared/central-api.ts, and a console page for staff at `/`. */
export function createCentral(options: CentralOptions): Central {
  const { now } = options;
  const policy = policySchema.parse(options.policy ?? DEMO_POLICY);
  const policyBody = JSON.stringify(policy);
  const policySignature = sign(null, Buffer.from(policyBody, 'utf8'), createPrivateKey(options.policyPrivateKeyPem)).toString('base64');
  let opened: Db | null = null;
  const db = (): Db => {
    if (opened === null) throw new Refusal('internal', 'not started');
    return opened;
  };

  const app = Fastify({ bodyLimit: MAX_BODY_BYTES, forceCloseConnections: true, routerOptions: { maxParamLength: 200 } });
  app.removeAllContentTypeParsers();
  // Signatures cover the bytes as they came; JSON is read after.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  app.setErrorHandler((error, _request, reply) => {
    const status = (error as { statusCode?: unknown }).statusCode;
    const refusal = error instanceof Refusal ? error : typeof status === 'number' && status < 500 ? new Refusal('bad-request', String((error as { message?: unknown }).message), { status }) : new Refusal('internal', 'see the log of the service');
    const problem: Problem = {
      type: `about:pilotlight/${refusal.type}`,
      title: refusal.type,
      status: refusal.status,
      detail: refusal.message,
      ...(refusal.expectedSeq === undefined ? {} : { expectedSeq: refusal.expectedSeq }),
    };
    if (refusal.type === 'internal') process.stderr.write(`central: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return reply.code(refusal.status).type('application/problem+json').send(problem);
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).type('application/problem+json').send({ type: 'about:pilotlight/bad-request', title: 'bad-request', status: 404, detail: 'no such resource' } satisfies Problem));

  /** Checks the request's signature. @returns the terminal that made it */
  async function signedBy(request: FastifyRequest): Promise<string> {
    const [terminalId, timestamp, nonce, signature] = SIGNATURE_HEADERS.map((h) => request.headers[h]);
    if (typeof terminalId !== 'string' || typeof timestamp !== 'string' || typeof nonce !== 'string' || typeof signature !== 'string') throw new Refusal('bad-signature', 'signature headers missing');
    if (!/^\d{1,16}$/.test(timestamp) || Math.abs(now() - Number(timestamp)) > WINDOW_MS) throw new Refusal('bad-signature', 'timestamp outside the window of 300 s');
    const row = (await db().query<{ public_key: string }>('SELECT public_key FROM terminals WHERE terminal_id = $1', [terminalId]))[0];
    if (row === undefined) throw new Refusal('unknown-terminal', 'this terminal is not registered');
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const covered = `${request.method}\n${request.raw.url}\n${timestamp}\n${nonce}\n${createHash('sha256').update(body).digest('hex')}\n`;
    if (!verify(null, Buffer.from(covered, 'utf8'), createPublicKey(row.public_key), Buffer.from(signature, 'base64'))) throw new Refusal('bad-signature', 'the signature does not match');
    return terminalId;
  }

  function bodyOf<T>(request: FastifyRequest, schema: z.ZodType<T>): T {
    let json: unknown;
    try {
      json = JSON.parse(Buffer.isBuffer(request.body) ? request.body.toString('utf8') : '');
    } catch {
      throw new Refusal('bad-request', 'not JSON');
    }
    const parsed = schema.safeParse(json);
    if (!parsed.success) throw new Refusal('bad-request', parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ').slice(0, 500));
    return parsed.data;
  }

  app.get('/v1/time', () => ({ serverTimeMs: now() }));
  app.get('/v1/policy', async (request) => {
    await signedBy(request);
    return { body: policyBody, signature: policySignature };
  });
  app.get<{ Params: { cardNo: string } }>('/v1/accounts/by-card/:cardNo', async (request) => {
    await signedBy(request);
    if (!CARD_NO.test(request.params.cardNo)) throw new Refusal('bad-request', 'a card number has ten digits');
    const account = await accountByCard(db(), request.params.cardNo, now(), false);
    if (account === null) throw new Refusal('unknown-card', 'no account has this card');
    return { account, serverTimeMs: now() };
  });
  app.post('/v1/quotes', async (request) => {
    const terminalId = await signedBy(request);
    return { quote: await quote(db(), terminalId, bodyOf(request, quoteRequestSchema), policy, now()), serverTimeMs: now() };
  });
  app.post<{ Params: { orderId: string } }>('/v1/quotes/:orderId/release', async (request) => {
    const terminalId = await signedBy(request);
    await release(db(), terminalId, request.params.orderId);
    return {};
  });
  app.post('/v1/journal', async (request) => {
    const terminalId = await signedBy(request);
    return ingest(db(), terminalId, bodyOf(request, uploadRequestSchema), now());
  });
  app.get('/console/data.json', () => consoleData(db(), now()));
  app.get('/', async (_request, reply) => reply.type('text/html; charset=utf-8').header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'").send(consolePage(await consoleData(db(), now()), now())));

  let port = options.port;
  return {
    start: async () => {
      opened = options.db ?? (await openPglite(options.dataDir ?? null));
      await migrate(opened);
      await seed(opened, {
        terminals: options.terminals,
        accounts: options.accounts ?? DEMO_ACCOUNTS,
        tariffs: options.tariffs ?? DEMO_TARIFFS,
        claims: options.claims ?? (options.accounts === undefined ? DEMO_CLAIMS : []),
      });
      await opened.query('INSERT INTO policy (version, body, signature) VALUES ($1, $2, $3) ON CONFLICT (version) DO UPDATE SET body = EXCLUDED.body, signature = EXCLUDED.signature', [policy.version, policyBody, policySignature]);
      const host = options.host ?? '127.0.0.1';
      await app.listen({ port: options.port, host });
      port = (app.server.address() as AddressInfo).port;
      return { port, baseUrl: `http://${host.includes(':') ? `[${host}]` : host}:${port}` };
    },
    close: async () => {
      await app.close();
      if (options.db === undefined) await opened?.close();
      opened = null;
    },
    port: () => port,
    data: () => consoleData(db(), now()),
  };
}
