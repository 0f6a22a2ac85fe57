import { hash, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import Fastify from 'fastify';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import {
  CARD_NO,
  cardKeyRequestSchema,
  claimRequestSchema,
  epochRequestSchema,
  quoteRequestSchema,
  uploadRequestSchema,
} from '../shared/central-api/index.ts';
import type { Problem } from '../shared/central-api/index.ts';
import {
  ANSWER_SIGNATURE,
  answerText,
  attemptSchema,
  billSchema,
  chargeSchema,
  createSchema,
  refundSchema,
} from '../shared/gateway-api.ts';
import type { Failure } from '../shared/errors.ts';
import { policySchema } from '../shared/policy.ts';
import type { Policy } from '../shared/policy.ts';
import type { Signer, Verifier } from '../shared/ports.ts';
import { ed25519Verifier } from '../shared/signing.ts';
import { DAY_MS, chinaDate, chinaDayMs } from '../shared/time.ts';
import { accountByCard } from './sale/accounts.ts';
import { claim, commands } from './sale/claims.ts';
import { ordersByRef } from './sale/orders.ts';
import {
  consoleData,
  consolePage,
  epochPage,
  parkedPage,
  quarantinePage,
  reconcilePage,
} from './console/pages.ts';
import type { ConsoleData } from './console/pages.ts';
import { migrate } from './db/migrate.ts';
import type { Db } from './db/sql.ts';
import type { SeedAccount, SeedClaim, SeedTariff, SeedTerminal } from './fleet/seed.ts';
import { askEpoch, grantEpoch, grantedEpoch } from './books/epochs.ts';
import { mayTryAgain, NEEDS_REFERENCE, OUTCOMES, settleParked } from './gateway/settle.ts';
import { ingest } from './books/ingest.ts';
import { cardKey } from './sale/card-keys.ts';
import type { CardKeyPort } from './sale/card-keys.ts';
import { pacer } from './http/pacing.ts';
import type { Pacing } from './http/pacing.ts';
import { payPage } from './gateway/page.ts';
import { createPaymentGateway } from './gateway/gateway.ts';
import type { GatewayOptions } from './gateway/gateway.ts';
import { Refusal } from './http/problem.ts';
import { settleQuarantined } from './books/quarantine.ts';
import { quote, release } from './sale/quotes.ts';
import { ledgerOfDay, reconciledDay } from './books/reconcile.ts';
import { seed } from './fleet/seed.ts';

export interface CentralOptions {
  /** Open; whoever opened it closes it. */
  readonly db: Db;
  readonly port?: number;
  /** Loopback unless told: the console has no log-in of its own. */
  readonly host?: string;
  readonly policySigner: Signer;
  /**
   * Makes a terminal's verifier from its public key as registered; Ed25519 (SPKI) where not given.
   * Called once for each key.
   */
  readonly verifierOf?: (publicKeyPem: string) => Verifier;
  readonly now: () => number;
  readonly terminals: readonly SeedTerminal[];
  /** What a database begins with: what is in it already is never changed by a start. */
  readonly accounts: readonly SeedAccount[];
  readonly tariffs: readonly SeedTariff[];
  readonly claims: readonly SeedClaim[];
  readonly policy: Policy;
  /**
   * The company's card keys, for terminals that have none of their own; left out: none are kept
   * here.
   */
  readonly cardKeys?: CardKeyPort;
  /** How often terminals are told to upload. */
  readonly pacing?: Partial<Pacing>;
  /** The payment gateway; left out: this central takes no payments. */
  readonly payments?: Omit<GatewayOptions, 'paymentCodes'>;
}
/** A request without its transport. Header names in lower case. */
export interface CentralRequest {
  readonly method: string;
  /** Path and query, as signed. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
}
export interface CentralAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
export interface Central {
  /** Opens and migrates the database without listening; enough for `handle`. */
  readonly open: () => Promise<void>;
  /** `open`, and listens. */
  readonly start: () => Promise<{ readonly port: number; readonly baseUrl: string }>;
  /** One request without HTTP. Never rejects. */
  readonly handle: (request: CentralRequest) => Promise<CentralAnswer>;
  readonly close: () => Promise<void>;
  readonly port: () => number;
  readonly data: () => Promise<ConsoleData>;
  /**
   * A person grants a terminal the new epoch that it asks for. @returns the new epoch, null: it
   * asks for nothing
   */
  readonly grantEpoch: (terminalId: string) => Promise<number | null>;
  /** The gateway looks once at what is due, as it does by itself every few seconds. */
  readonly sweepPayments: () => Promise<void>;
}

/** How often the gateway looks at what is due. */
const SWEEP_EVERY_MS = 5_000;
/** A request older or newer than this is refused (docs: device authentication, 300 s). */
const WINDOW_MS = 300_000;
/**
 * A nonce is remembered for this long after its request's timestamp: a window more than it would be
 * taken, for the clocks of several processes.
 */
const NONCE_KEPT_MS = 2 * WINDOW_MS;
const NONCE = /^[\x21-\x7e]{1,64}$/;
/** How often each process lets go of nonces that are over. */
const PRUNE_EVERY_MS = 60_000;
const MAX_BODY_BYTES = 2 << 20;
/** 200 events are far below this; a body that inflates to more is not read. */
const MAX_INFLATED_BYTES = 8 << 20;
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)$/;
const line = z
  .string()
  .trim()
  .regex(/^\P{Cc}*$/u);
const settlementSchema = z.object({
  terminal: line.min(1),
  epoch: z.coerce.number().int().nonnegative(),
  seq: z.coerce.number().int().nonnegative(),
  who: line.min(1).max(60),
  why: line.min(1).max(300),
  amount: z
    .string()
    .trim()
    .regex(/^(?:-?\d{1,9}(?:\.\d{1,2})?)?$/)
    .default(''),
  reference: line.max(100).default(''),
});
/** What a person says about a capture that the gateway could not hand back. */
const parkedSchema = z.object({
  leg: line.min(1).max(40),
  outcome: z.enum(OUTCOMES),
  reference: line.max(100).default(''),
  who: line.min(1).max(60),
  why: line.min(1).max(300),
});
const SIGNATURE_HEADERS = [
  'pilotlight-terminal',
  'pilotlight-timestamp',
  'pilotlight-nonce',
  'pilotlight-signature',
] as const;

/**
 * The reference central billing service: API of src/shared/central-api/index.ts, and a console page
 * for staff at `/`.
 */
export function createCentral(options: CentralOptions): Central {
  const { now } = options;
  const policy = policySchema.parse(options.policy);
  const policyBody = JSON.stringify(policy);
  const policySignature = Buffer.from(
    options.policySigner.sign(Buffer.from(policyBody, 'utf8')),
  ).toString('base64');
  const pace = pacer(options.pacing);
  const verifierFor = cached(options.verifierOf ?? ed25519Verifier);
  let opened: Db | null = null;
  let prunedMs = Number.NEGATIVE_INFINITY;
  const db = (): Db => {
    if (opened === null) throw new Refusal('internal', 'not started');
    return opened;
  };
  const payments =
    options.payments === undefined
      ? null
      : createPaymentGateway(db, { ...options.payments, paymentCodes: policy.paymentCodes });
  let stopSweeping: () => void = () => undefined;
  let sweeping: Promise<void> = Promise.resolve();
  let closed = false;
  /** At once after a start, for what was cut; then again and again. */
  function keepSweeping(): void {
    if (payments === null || closed) return;
    sweeping = payments
      .sweep()
      .catch(
        (cause: unknown) =>
          void process.stderr.write(
            `central: gateway: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}\n`,
          ),
      )
      .then(() => {
        if (!closed)
          stopSweeping =
            options.payments?.clock.after(SWEEP_EVERY_MS, keepSweeping) ?? stopSweeping;
      });
  }

  /**
   * Checks the request's signature, and that it comes for the first time: that is on disk before
   * anything is done for it. An honest terminal makes a nonce for every try, so what is refused
   * here was carried out before, or is not its own.
   *
   * @returns the terminal that made it
   */
  async function signedBy(request: CentralRequest): Promise<string> {
    const [terminalId, timestamp, nonce, signature] = SIGNATURE_HEADERS.map(
      (h) => request.headers[h],
    );
    if (
      typeof terminalId !== 'string' ||
      typeof timestamp !== 'string' ||
      typeof nonce !== 'string' ||
      typeof signature !== 'string'
    )
      throw new Refusal('bad-signature', 'signature headers missing');
    if (!/^\d{1,16}$/.test(timestamp) || Math.abs(now() - Number(timestamp)) > WINDOW_MS)
      throw new Refusal('bad-signature', 'timestamp outside the window of 300 s');
    const row = (
      await db().query<{ public_key: string }>(
        'SELECT public_key FROM terminals WHERE terminal_id = $1',
        [terminalId],
      )
    )[0];
    if (row === undefined) throw new Refusal('unknown-terminal', 'this terminal is not registered');
    const covered = `${request.method}\n${request.target}\n${timestamp}\n${nonce}\n${hash('sha256', request.body, 'hex')}\n`;
    if (
      !verifierFor(row.public_key).verify(
        Buffer.from(covered, 'utf8'),
        Buffer.from(signature, 'base64'),
      )
    )
      throw new Refusal('bad-signature', 'the signature does not match');
    await remember(terminalId, nonce, Number(timestamp));
    return terminalId;
  }

  /** Only after the signature: nobody else can use a terminal's nonces up. */
  async function remember(terminalId: string, nonce: string, timestampMs: number): Promise<void> {
    if (!NONCE.test(nonce))
      throw new Refusal('bad-signature', 'a nonce has 1 to 64 visible characters');
    const first = await db().query(
      'INSERT INTO nonces (terminal_id, nonce, until_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING nonce',
      [terminalId, nonce, timestampMs + NONCE_KEPT_MS],
    );
    if (first.length === 0)
      throw new Refusal('replayed', 'this very request was carried out before');
    if (Math.abs(now() - prunedMs) < PRUNE_EVERY_MS) return;
    prunedMs = now();
    await db().query('DELETE FROM nonces WHERE until_ms < $1', [prunedMs]);
  }

  const json = (value: unknown): CentralAnswer => ({
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(value),
  });

  async function route(request: CentralRequest): Promise<CentralAnswer> {
    const path = request.target.split('?', 1)[0] ?? '';
    const [, first = '', second = '', third = '', fourth = '', ...rest] = path
      .split('/')
      .map(decoded);
    const what = `${request.method} /${first}/${second}`;
    const no = (): never => {
      throw new Refusal('bad-request', 'no such resource', { status: 404 });
    };
    if (rest.length > 0) return no();
    switch (what) {
      case 'GET //':
        return path === '/' ? html(consolePage(await consoleData(db(), now()), now())) : no();
      case 'GET /console/data.json':
        return json(await consoleData(db(), now()));
      case 'GET /console/quarantine':
      case 'GET /console/epoch':
      case 'GET /console/payment':
        return consoleForm(request, second);
      case 'GET /console/reconcile': {
        refuseStrangers(request);
        const date =
          new URLSearchParams(request.target.split('?')[1] ?? '').get('date') ??
          chinaDate(now() - DAY_MS);
        if (Number.isNaN(chinaDayMs(date)))
          throw new Refusal('bad-request', 'a date is YYYY-MM-DD');
        return html(reconcilePage(date, await reconciledDay(db(), date)));
      }
      case 'POST /console/quarantine':
      case 'POST /console/epoch':
      case 'POST /console/payment':
        return consolePost(request, second);
      case 'GET /v1/time':
        return third === '' ? json({ serverTimeMs: now() }) : no();
      case 'GET /v1/policy':
        await signedBy(request);
        return json({ body: policyBody, signature: policySignature });
      case 'GET /v1/accounts': {
        if (third !== 'by-card') return no();
        await signedBy(request);
        if (!CARD_NO.test(fourth)) throw new Refusal('bad-request', 'a card number has ten digits');
        const account = await accountByCard(db(), fourth, now(), false);
        if (account === null) throw new Refusal('unknown-card', 'no account has this card');
        return json({ account, serverTimeMs: now() });
      }
      case 'POST /v1/quotes': {
        const terminalId = await signedBy(request);
        if (third === '')
          return json({
            quote: await quote(
              db(),
              terminalId,
              bodyOf(request, quoteRequestSchema),
              policy,
              now(),
            ),
            serverTimeMs: now(),
          });
        if (fourth !== 'release') return no();
        await release(db(), terminalId, third);
        return json({});
      }
      case 'POST /v1/journal': {
        const terminalId = await signedBy(request);
        return json(
          await ingest(db(), terminalId, bodyOf(request, uploadRequestSchema), {
            nowMs: now(),
            verifierFor,
            nextUploadAfterMs: pace(now()),
          }),
        );
      }
      case 'POST /v1/orders': {
        if (fourth !== 'claim') return no();
        const terminalId = await signedBy(request);
        return json(
          await claim(db(), terminalId, third, bodyOf(request, claimRequestSchema), now()),
        );
      }
      case 'GET /v1/orders': {
        if (third !== 'by-ref') return no();
        await signedBy(request);
        return json({ orders: await ordersByRef(db(), fourth), serverTimeMs: now() });
      }
      case 'POST /v1/keys': {
        if (third !== '') return no();
        const terminalId = await signedBy(request);
        return json(
          await cardKey(
            db(),
            options.cardKeys,
            terminalId,
            bodyOf(request, cardKeyRequestSchema),
            now(),
          ),
        );
      }
      case 'GET /v1/ledger': {
        if (third !== '') return no();
        const terminalId = await signedBy(request);
        const date = new URLSearchParams(request.target.split('?')[1] ?? '').get('date') ?? '';
        if (Number.isNaN(chinaDayMs(date)))
          throw new Refusal('bad-request', 'a date is YYYY-MM-DD');
        return json({ date, rows: await ledgerOfDay(db(), terminalId, date), serverTimeMs: now() });
      }
      case 'GET /v1/commands': {
        if (third !== '') return no();
        const terminalId = await signedBy(request);
        return json({
          commands: await commands(db(), terminalId),
          epoch: await grantedEpoch(db(), terminalId, false),
          serverTimeMs: now(),
        });
      }
      case 'POST /v1/epochs': {
        if (third !== '') return no();
        const terminalId = await signedBy(request);
        return json({
          granted: await askEpoch(db(), terminalId, bodyOf(request, epochRequestSchema), now()),
          serverTimeMs: now(),
        });
      }
      case 'POST /pay/notify': {
        // The wallets' own way to answer: 204 well, `{code, message}` otherwise (payments.md
        // section A). They ask again after any other status.
        const header = (name: string): string | null => {
          const value = request.headers[name];
          return typeof value === 'string' ? value : null;
        };
        const heard =
          fourth === '' && payments !== null
            ? await payments.hear(third, header, request.body)
            : 'none';
        if (heard === 'none') return no();
        return heard.ok
          ? { status: 204, headers: {}, body: '' }
          : {
              status: 401,
              headers: { 'content-type': 'application/json; charset=utf-8' },
              body: JSON.stringify({ code: 'FAIL', message: '签名或内容不可信' }),
            };
      }
      case 'POST /v1/payments': {
        if (payments === null || fourth !== '') return no();
        const terminalId = await signedBy(request);
        return signedAnswer(
          request,
          terminalId,
          await payment(terminalId, third, request).catch(problemAnswer),
        );
      }
      case `GET /q/${second}`: {
        if (payments === null || third !== '') return no();
        const agent = request.headers['user-agent'];
        return payPage(
          await payments.openPage(
            second,
            new URLSearchParams(request.target.split('?')[1] ?? '').get('wallet'),
            typeof agent === 'string' ? agent : '',
          ),
        );
      }
      default:
        return no();
    }
  }

  async function payment(
    terminalId: string,
    verb: string,
    request: CentralRequest,
  ): Promise<CentralAnswer> {
    if (payments === null) throw new Refusal('bad-request', 'no such resource', { status: 404 });
    const gateway = payments;
    const told = async <T extends { readonly outTradeNo: string }>(
      schema: z.ZodType<T>,
      call: (terminalId: string, body: T) => Promise<unknown>,
    ): Promise<CentralAnswer> => {
      const body = bodyOf(request, schema);
      return json({
        outTradeNo: body.outTradeNo,
        result: withoutCauses(await call(terminalId, body)),
      });
    };
    switch (verb) {
      case 'create':
        return told(createSchema, gateway.create);
      case 'query':
        return told(attemptSchema, gateway.query);
      case 'close':
        return told(attemptSchema, gateway.close);
      case 'refund':
        return told(refundSchema, gateway.refund);
      case 'query-refund':
        return told(refundSchema, gateway.queryRefund);
      case 'charge':
        return told(chargeSchema, gateway.charge);
      case 'reverse':
        return told(attemptSchema, gateway.reverse);
      case 'bill': {
        const { date } = bodyOf(request, billSchema);
        return json({
          outTradeNo: date,
          result: withoutCauses(await gateway.bill(terminalId, date)),
        });
      }
      default:
        throw new Refusal('bad-request', 'no such resource', { status: 404 });
    }
  }

  /** An answer about money says by its signature that it is central's, and to which request. */
  function signedAnswer(
    request: CentralRequest,
    terminalId: string,
    answer: CentralAnswer,
  ): CentralAnswer {
    const covered = answerText(
      terminalId,
      request.method,
      request.target,
      String(request.headers['pilotlight-nonce']),
      answer.status,
      Buffer.from(answer.body, 'utf8'),
    );
    return {
      ...answer,
      headers: {
        ...answer.headers,
        [ANSWER_SIGNATURE]: Buffer.from(
          options.policySigner.sign(Buffer.from(covered, 'utf8')),
        ).toString('base64'),
      },
    };
  }

  const html = (body: string): CentralAnswer => ({
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
      'cache-control': 'no-store',
    },
    body,
  });
  // Only who can read the console's pages knows it: another site's page can make a browser post a
  // form here, not read one.
  const formToken = hash(
    'sha256',
    options.policySigner.sign(Buffer.from('pilotlight console form', 'utf8')),
    'hex',
  );

  /**
   * A name that leads here from outside (DNS rebinding) must not make a strange page the console's
   * own.
   */
  function refuseStrangers(request: CentralRequest): void {
    const { host, origin } = request.headers;
    const here = options.host ?? '127.0.0.1';
    if (
      typeof host === 'string' &&
      LOOPBACK.test(here) &&
      !LOOPBACK.test(host.replace(/:\d+$/, ''))
    )
      throw new Refusal('bad-request', 'the console is for this machine only', { status: 403 });
    if (
      request.method === 'POST' &&
      typeof origin === 'string' &&
      origin !== `http://${String(host)}` &&
      origin !== `https://${String(host)}`
    )
      throw new Refusal('bad-request', 'the form came from another page', { status: 403 });
  }

  async function consoleForm(request: CentralRequest, what: string): Promise<CentralAnswer> {
    refuseStrangers(request);
    const query = new URLSearchParams(request.target.split('?')[1] ?? '');
    const data = await consoleData(db(), now());
    if (what === 'epoch') {
      const terminal = data.terminals.find((t) => t.terminalId === query.get('terminal'));
      if (terminal !== undefined) return html(epochPage(terminal, formToken));
    } else if (what === 'payment') {
      const parked = data.parkedCaptures.find((p) => p.leg === query.get('leg'));
      if (parked !== undefined)
        return html(
          parkedPage(
            parked,
            OUTCOMES.filter(
              (o) => o !== 'again' || mayTryAgain(parked.amountFen, parked.capturedFen),
            ),
            formToken,
          ),
        );
    } else {
      const fact = data.quarantine.find(
        (q) =>
          q.terminalId === query.get('terminal') &&
          String(q.epoch) === query.get('epoch') &&
          String(q.seq) === query.get('seq'),
      );
      if (fact !== undefined) return html(quarantinePage(fact, formToken));
    }
    throw new Refusal('bad-request', 'no such resource', { status: 404 });
  }

  async function consolePost(request: CentralRequest, what: string): Promise<CentralAnswer> {
    refuseStrangers(request);
    const form = Object.fromEntries(
      new URLSearchParams(
        Buffer.from(request.body.buffer, request.body.byteOffset, request.body.length).toString(
          'utf8',
        ),
      ),
    );
    if (!sameText(form['token'] ?? '', formToken))
      throw new Refusal('bad-request', 'the form is not this console’s', { status: 403 });
    if (what === 'epoch') await grantEpoch(db(), form['terminal'] ?? '', now());
    else if (what === 'payment') {
      const told = filled(form, parkedSchema);
      if (NEEDS_REFERENCE.includes(told.outcome) && told.reference === '')
        throw new Refusal('bad-request', 'money that was handed back has a reference');
      const done = await settleParked(db(), told, now());
      if (done !== 'done')
        throw new Refusal(
          'bad-request',
          done === 'gone'
            ? 'settled already, or not parked'
            : 'the gateway cannot hand this one back',
          { status: 409 },
        );
    } else {
      const { terminal, epoch, seq, who, why, amount, reference } = filled(form, settlementSchema);
      if ((amount === '') !== (reference === ''))
        throw new Refusal('bad-request', 'an adjustment has an amount and a reference');
      const adjustment =
        amount === '' ? null : { amountFen: Math.round(Number(amount) * 100), reference };
      if (
        !(await settleQuarantined(
          db(),
          { terminalId: terminal, epoch, seq, who, why, adjustment },
          now(),
        ))
      )
        throw new Refusal('bad-request', 'settled already, or not there', { status: 409 });
    }
    return { status: 303, headers: { location: '/' }, body: '' };
  }

  async function handle(request: CentralRequest): Promise<CentralAnswer> {
    try {
      return await route(request);
    } catch (cause) {
      return problemAnswer(cause);
    }
  }

  async function open(): Promise<void> {
    if (opened !== null) return;
    const database = options.db;
    await migrate(database);
    await seed(database, {
      terminals: options.terminals,
      accounts: options.accounts,
      tariffs: options.tariffs,
      claims: options.claims,
    });
    await database.query(
      'INSERT INTO policy (version, body, signature) VALUES ($1, $2, $3) ON CONFLICT (version) DO UPDATE SET body = EXCLUDED.body, signature = EXCLUDED.signature',
      [policy.version, policyBody, policySignature],
    );
    opened = database;
    closed = false;
    keepSweeping();
  }

  let port = options.port ?? 0;
  let app: FastifyInstance | null = null;
  return {
    open,
    start: async () => {
      await open();
      const host = options.host ?? '127.0.0.1';
      app = httpEnd(handle);
      await app.listen({ port: options.port ?? 0, host });
      port = (app.server.address() as AddressInfo).port;
      return { port, baseUrl: `http://${host.includes(':') ? `[${host}]` : host}:${port}` };
    },
    handle,
    close: async () => {
      closed = true;
      stopSweeping();
      await app?.close();
      await sweeping;
      opened = null;
    },
    port: () => port,
    data: () => consoleData(db(), now()),
    grantEpoch: (terminalId) => grantEpoch(db(), terminalId, now()),
    sweepPayments: async () => payments?.sweep(),
  };
}

/** The HTTP end: it hands every request to `handle`, its body as the bytes that came. */
function httpEnd(handle: (request: CentralRequest) => Promise<CentralAnswer>): FastifyInstance {
  const app = Fastify({
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
  });
  app.removeAllContentTypeParsers();
  // Signatures cover the bytes as they came; JSON is read after.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  const send = (reply: FastifyReply, answer: CentralAnswer): FastifyReply =>
    reply
      .code(answer.status)
      .headers({ ...answer.headers })
      .send(answer.body);
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
      }),
    ),
  );
  return app;
}

function cached<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    let value = made.get(key);
    if (value === undefined) made.set(key, (value = make(key)));
    return value;
  };
}

/** A failure's raw cause stays here: it may name hosts, and is no JSON. */
function withoutCauses(result: unknown): unknown {
  if (typeof result !== 'object' || result === null || !('failure' in result)) return result;
  const { code, detail } = result.failure as Failure;
  return {
    ...result,
    failure: { code, ...(detail === undefined ? {} : { detail: detail.slice(0, 500) }) },
  };
}

/** A form's fields as meant. */
function filled<T>(form: Readonly<Record<string, string>>, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(form);
  if (!parsed.success)
    throw new Refusal(
      'bad-request',
      parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; '),
    );
  return parsed.data;
}

function sameText(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8')];
  return x.length === y.length && timingSafeEqual(x, y);
}

/** A path's part as meant; one that cannot be decoded names nothing. */
function decoded(part: string): string {
  if (!part.includes('%')) return part;
  let text: string;
  try {
    text = decodeURIComponent(part);
  } catch {
    throw new Refusal('bad-request', 'the path is not UTF-8');
  }
  // PostgreSQL text cannot hold it, so nothing has such a name.
  if (text.includes('\0')) throw new Refusal('bad-request', 'no such resource', { status: 404 });
  return text;
}

function bodyOf<T>(request: CentralRequest, schema: z.ZodType<T>): T {
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

/** The body as meant; gzip is inflated up to a limit only. */
function inflated(request: CentralRequest): Buffer {
  const body = Buffer.from(request.body.buffer, request.body.byteOffset, request.body.length);
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

function problemAnswer(cause: unknown): CentralAnswer {
  const refusal =
    cause instanceof Refusal ? cause : new Refusal('internal', 'see the log of the service');
  if (refusal.type === 'internal')
    process.stderr.write(
      `central: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}\n`,
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
