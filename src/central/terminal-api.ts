import type { KeyObject } from 'node:crypto';
import type { z } from 'zod';
import {
  API_VERSION,
  API_VERSION_HEADER,
  CARD_NO,
  cardKeyBodySchema,
  claimRequestSchema,
  epochRequestSchema,
  heartbeatSchema,
  myAccountRequestSchema,
  quoteRequestSchema,
  sealedPartSchema,
  uploadRequestSchema,
} from '../shared/central-api/index.ts';
import type { Failure } from '../shared/errors.ts';
import {
  attemptSchema,
  billSchema,
  chargeSchema,
  createSchema,
  querySchema,
  refundSchema,
} from '../shared/gateway-api.ts';
import type { GatewayVerb } from '../shared/gateway-api.ts';
import { maskName } from '../shared/mask.ts';
import { terminalOf } from '../shared/order-id.ts';
import type { Policy, SignedPolicy } from '../shared/policy.ts';
import {
  claimDigest,
  digestOfAccount,
  grantToken,
  quoteDigest,
  toldOfAccount,
} from '../shared/grants.ts';
import type { KeyId, Signer } from '../shared/ports.ts';
import { makeReceiptToken } from '../shared/receipt-link.ts';
import type { Keyring } from '../shared/signatures.ts';
import type { Grant } from '../shared/trust.ts';
import { creditRows } from './credit-api.ts';
import { askEpoch, grantedEpoch } from './books/epochs.ts';
import { ingest } from './books/ingest.ts';
import { ledgerOfDay } from './books/reconcile.ts';
import type { Trust } from './books/trust.ts';
import type { Db } from './db/sql.ts';
import type { PaymentGateway } from './gateway/types.ts';
import type { Enrolled } from '../shared/enrolment.ts';
import { enrolRoute } from './fleet/enrol-api.ts';
import { keepHeartbeat } from './fleet/heartbeats.ts';
import { keepEvidence, TOO_MANY } from './fleet/status.ts';
import { limiter } from './http/limits.ts';
import type { Counted } from './http/limits.ts';
import { Refusal } from './http/problem.ts';
import {
  bodyOf,
  dateOf,
  headerOf,
  json,
  noSuchResource,
  problemAnswer,
  queryOf,
  textOf,
} from './http/request.ts';
import type { CentralAnswer, CentralRequest } from './http/request.ts';
import type { Route } from './http/routes.ts';
import type { SignedBy, SignedExchange } from './http/signed.ts';
import { fullSlots, statusOf, takeSealed } from './requests/requests.ts';
import { accountByCard } from './sale/accounts.ts';
import type { RefundBudget } from './sale/budgets.ts';
import { cardKey } from './sale/card-keys.ts';
import type { CardKeyPort } from './sale/card-keys.ts';
import { claim, commands } from './sale/claims.ts';
import { ordersByRef } from './sale/orders.ts';
import type { AccountSource } from './sale/company-accounts.ts';
import type { BookSender } from './sale/credit-sender.ts';
import { quote, QUOTE_CLAIM_MS } from './sale/quotes.ts';
import { myAccount } from './use/my-account.ts';

export interface TerminalApiParts {
  readonly db: () => Db;
  readonly now: () => number;
  /** What a terminal goes by. @throws Refusal `no-policy` */
  readonly policyOf: (terminalId: string) => Promise<Policy>;
  /** As it is issued to this terminal now. */
  readonly signedPolicy: (terminalId: string) => Promise<SignedPolicy>;
  readonly keysOf: (publicKeyPem: string) => Keyring;
  readonly trust: Trust;
  /** Signs what central grants. */
  readonly grants: Signer & KeyId;
  readonly exchange: SignedExchange;
  /**
   * Called once for each batch.
   *
   * @returns what its terminal is told as `nextUploadAfterMs`
   */
  readonly pace: (nowMs: number) => number;
  /** What may go back on a reader's word; undefined: {@link REFUND_BUDGET}. */
  readonly refundBudget: RefundBudget | undefined;
  /** Undefined: no card keys are kept here. */
  readonly cardKeys: CardKeyPort | undefined;
  /** Null: credit is posted in central's own database. */
  readonly sender: BookSender | null;
  /** Where accounts come from. */
  readonly source: AccountSource;
  /** A platform tells meters of top-ups. */
  readonly meters: boolean;
  /** Open what identifies the customers of requests. */
  readonly requestKeys: readonly KeyObject[];
  /** Deletes what of requests is to be forgotten by now; costs nothing most of the time. */
  readonly forget: () => Promise<void>;
  /** Null: this central takes no payments. */
  readonly payments: PaymentGateway | null;
  /** Central's own, PEM (SPKI). Undefined: nobody is let in by a code. */
  readonly publicKeys: Enrolled['publicKeys'] | undefined;
}

/** A request whose signature held. */
interface Call {
  readonly terminalId: string;
  readonly request: CentralRequest;
  /** What stands for the path's colon; no path here has two. */
  readonly part: string;
}
const UPLOADS = '/v1/journal';
type Row = readonly [
  method: Route['method'],
  path: string,
  answer: (call: Call) => Promise<unknown>,
  more?: {
    /** Part of a sale: not for a suspended terminal. */
    readonly sells?: boolean;
    /** What a thief could learn or lock by asking often. */
    readonly counted?: Counted;
  },
];

/**
 * A suspended terminal begins nothing, and ends what it began: it uploads, closes, and hands back.
 * A revoked one is refused; what it still uploads is kept beside the books.
 */
async function refuseStopped(
  { terminalId, status }: SignedBy,
  sells: boolean,
  keep: () => Promise<void>,
): Promise<void> {
  if (status === 'revoked') {
    await keep();
    throw new Refusal('revoked', `terminal ${terminalId} was revoked`);
  }
  if (status === 'suspended' && sells)
    throw new Refusal('suspended', `terminal ${terminalId} is suspended`);
}

/** A program that speaks a newer version of the API would be answered in words it misreads. */
function refuseNewer(request: CentralRequest): void {
  const spoken = headerOf(request, API_VERSION_HEADER) ?? '1';
  if (!/^[1-9]\d{0,5}$/.test(spoken) || Number(spoken) > API_VERSION)
    throw new Refusal('api-version', `this central speaks version ${API_VERSION} of the API`);
}

/**
 * What terminals ask for (src/shared/central-api): each request signed by its terminal, but for the
 * time, which anybody may know.
 */
export function terminalApi(parts: TerminalApiParts): readonly Route[] {
  const { db, now, policyOf, keysOf, trust, exchange, payments } = parts;
  const limit = limiter(async (terminalId, what) => {
    await db().query('UPDATE terminals SET alarm = $2 WHERE terminal_id = $1 AND alarm IS NULL', [
      terminalId,
      `${TOO_MANY}${what}`,
    ]);
  });
  const at = () => ({ serverTimeMs: now() });
  const granted = (grant: Omit<Grant, 'id' | 'grantedMs'>, grantedMs = now()) => ({
    grant: grantToken(parts.grants, { ...grant, grantedMs }),
  });
  const rows: readonly Row[] = [
    [
      'GET',
      '/v1/policy',
      async ({ terminalId }) => {
        await parts.forget();
        return parts.signedPolicy(terminalId);
      },
    ],
    ...requestRows(parts),
    myAccountRow(parts),
    [
      'GET',
      '/v1/accounts/by-card/:card',
      async ({ terminalId, part: cardNo }) => {
        if (!CARD_NO.test(cardNo)) throw new Refusal('bad-request', 'a card number has ten digits');
        await parts.source.card(cardNo);
        const account = await accountByCard(db(), cardNo, now(), false);
        if (account === null) throw new Refusal('unknown-card', 'no account has this card');
        // Whose card it is, its holder knows; a terminal's key opens no register of names.
        const digest = digestOfAccount(account);
        const told = toldOfAccount(account);
        const grant = granted({
          kind: 'account',
          terminalId,
          orderId: '',
          digest,
          ...(told === undefined ? {} : { told }),
        });
        return {
          account: { ...account, ...grant, holderName: maskName(account.holderName) },
          ...at(),
        };
      },
      { counted: 'look-up' },
    ],
    [
      'POST',
      '/v1/quotes',
      async ({ terminalId, request }) => {
        const asked = bodyOf(request, quoteRequestSchema);
        await parts.source.card(asked.cardNo);
        const policy = await policyOf(terminalId);
        const promised = await quote(db(), terminalId, asked, policy, now());
        const { orderId } = promised;
        if (orderId === null) return { quote: promised, ...at() };
        const digest = quoteDigest(promised);
        // The same however often it is asked for.
        const grantedMs = promised.expiresAtMs - QUOTE_CLAIM_MS;
        const grant = granted({ kind: 'quote', terminalId, orderId, digest }, grantedMs);
        return { quote: { ...promised, ...grant }, ...at() };
      },
      { sells: true, counted: 'quote' },
    ],
    ...creditRows({
      db,
      now,
      policyOf,
      trust,
      sender: parts.sender,
      source: parts.source,
      meters: parts.meters,
      granted,
    }),
    [
      'POST',
      UPLOADS,
      ({ terminalId, request }) =>
        ingest(db(), terminalId, bodyOf(request, uploadRequestSchema), {
          nowMs: now(),
          keysOf,
          trust,
          nextUploadAfterMs: parts.pace(now()),
        }),
    ],
    [
      'POST',
      '/v1/orders/:order/claim',
      async ({ terminalId, request, part: orderId }) => {
        const asked = bodyOf(request, claimRequestSchema);
        const answer = await claim(db(), terminalId, orderId, asked, now(), parts.refundBudget);
        const digest = claimDigest(asked.cardNo);
        const kind = `${answer.kind}-claim` as const;
        return {
          ...answer,
          ...granted({ kind, terminalId, orderId, digest }, answer.serverTimeMs),
        };
      },
      { counted: 'claim' },
    ],
    [
      'GET',
      '/v1/orders/by-ref/:ref',
      async ({ part: ref }) => ({ orders: await ordersByRef(db(), ref, parts.meters), ...at() }),
      { counted: 'look-up' },
    ],
    [
      'POST',
      '/v1/keys',
      ({ terminalId, request }) =>
        cardKey(
          { db: db(), keys: parts.cardKeys, trust, nowMs: now() },
          terminalId,
          bodyOf(request, cardKeyBodySchema),
        ),
      { sells: true, counted: 'key' },
    ],
    [
      'GET',
      '/v1/ledger',
      async ({ terminalId, request }) => {
        const date = dateOf(queryOf(request).get('date') ?? '');
        return { date, rows: await ledgerOfDay(db(), terminalId, date), ...at() };
      },
    ],
    [
      'POST',
      '/v1/heartbeat',
      async ({ terminalId, request }) => {
        await keepHeartbeat(db(), terminalId, bodyOf(request, heartbeatSchema), now());
        return at();
      },
    ],
    [
      'GET',
      '/v1/commands',
      async ({ terminalId }) => ({
        commands: await commands(db(), terminalId),
        epoch: await grantedEpoch(db(), terminalId, false),
        ...at(),
      }),
    ],
    [
      'POST',
      '/v1/epochs',
      async ({ terminalId, request }) => ({
        granted: await askEpoch(db(), terminalId, bodyOf(request, epochRequestSchema), now()),
        ...at(),
      }),
    ],
  ];
  return [
    {
      method: 'GET',
      path: '/v1/time',
      answer: (request) => Promise.resolve(exchange.signedAnswer(request, json(at()))),
    },
    ...rows.map(([method, path, answer, more = {}]): Route => ({
      method,
      path,
      answer: async (request, [part = '']) => {
        const answered = async (): Promise<CentralAnswer> => {
          const signed = await exchange.signedBy(request);
          const { terminalId } = signed;
          refuseNewer(request);
          await refuseStopped(signed, more.sells === true, async () => {
            if (path === UPLOADS) await keepEvidence(db(), terminalId, textOf(request), now());
          });
          if (more.counted !== undefined) await limit(terminalId, more.counted, now());
          return json(await answer({ terminalId, request, part }));
        };
        // A refusal is believed like any answer: it is signed like one.
        return exchange.signedAnswer(request, await answered().catch(problemAnswer));
      },
    })),
    ...(parts.publicKeys === undefined
      ? []
      : [enrolRoute({ db, now, publicKeys: parts.publicKeys })]),
    ...(payments === null ? [] : [paymentRoute(payments, exchange)]),
  ];
}

/** What terminals ask and tell of requests, besides the facts that make them. */
function requestRows({ db, now, policyOf, requestKeys }: TerminalApiParts): readonly Row[] {
  return [
    [
      'GET',
      '/v1/request-slots',
      async ({ terminalId, request }) => {
        const category = queryOf(request).get('category') ?? '';
        const { requests } = await policyOf(terminalId);
        return {
          full: await fullSlots(db(), requests, category, now()),
          serverTimeMs: now(),
        };
      },
      { counted: 'look-up' },
    ],
    [
      'GET',
      '/v1/requests/:ref',
      async ({ part: ref, request }) => {
        const last4 = queryOf(request).get('last4') ?? '';
        if (!/^\d{12,16}$/.test(ref) || !/^\d{4}$/.test(last4))
          throw new Refusal('bad-request', 'the digits of a slip, and the last four of the phone');
        const told = await statusOf(db(), requestKeys, { ref, last4 }, now());
        return { request: told, serverTimeMs: now() };
      },
      { counted: 'request' },
    ],
    [
      'POST',
      '/v1/requests/:number/sealed',
      async ({ terminalId, request, part: number }) => {
        const { sealed } = bodyOf(request, sealedPartSchema);
        await takeSealed(db(), terminalId, number, sealed, now());
        return { taken: true, serverTimeMs: now() };
      },
    ],
  ];
}

/** A customer looks at his own account: what he used, bought, and what his meter reports. */
function myAccountRow(all: TerminalApiParts): Row {
  const { db, now, policyOf, requestKeys, meters, grants, source } = all;
  return [
    'POST',
    '/v1/my-account',
    async ({ terminalId, request }) => {
      const asked = bodyOf(request, myAccountRequestSchema);
      const { myAccount: rules, receipts } = await policyOf(terminalId);
      const receiptOf = (orderId: string): string | null =>
        receipts === undefined ? null : makeReceiptToken(grants, orderId);
      if (rules === undefined || (asked.by === 'number' && !rules.byNumber))
        throw new Refusal('bad-request', 'accounts are not shown so here', { status: 409 });
      const parts = { nowMs: now(), keys: requestKeys, meters, receiptOf, source };
      return { account: await myAccount(db(), asked, parts), serverTimeMs: now() };
    },
    { counted: 'my-account' },
  ];
}

/** Verbs under which a customer's money begins to move. */
const BEGINS: ReadonlySet<string> = new Set<GatewayVerb>(['create', 'charge']);

/** The payment gateway's verbs: asked and answered under signatures (docs/payment-gateway.md). */
function paymentRoute(gateway: PaymentGateway, exchange: SignedExchange): Route {
  type Answerer = (terminalId: string, request: CentralRequest) => Promise<CentralAnswer>;
  const told =
    <T extends { readonly outTradeNo: string; readonly orderId?: string | undefined }>(
      schema: z.ZodType<T>,
      call: (terminalId: string, body: T) => Promise<unknown>,
    ): Answerer =>
    async (terminalId, request) => {
      const body = bodyOf(request, schema);
      if (body.orderId !== undefined && terminalOf(body.orderId) !== terminalId)
        throw new Refusal('bad-request', 'the order id is another terminal’s', { status: 409 });
      const result = withoutCauses(await call(terminalId, body));
      return json({ outTradeNo: body.outTradeNo, result });
    };
  const verbs: Readonly<Record<GatewayVerb, Answerer>> = {
    create: told(createSchema, gateway.create),
    query: told(querySchema, gateway.query),
    close: told(attemptSchema, gateway.close),
    refund: told(refundSchema, gateway.refund),
    'query-refund': told(refundSchema, gateway.queryRefund),
    charge: told(chargeSchema, gateway.charge),
    reverse: told(attemptSchema, gateway.reverse),
    bill: async (terminalId, request) => {
      const { date } = bodyOf(request, billSchema);
      return json({
        outTradeNo: date,
        result: withoutCauses(await gateway.bill(terminalId, date)),
      });
    },
  };
  const answered: (verb: string, ...call: Parameters<Answerer>) => Promise<CentralAnswer> = async (
    verb,
    terminalId,
    request,
  ) => {
    if (!Object.hasOwn(verbs, verb)) throw noSuchResource();
    return verbs[verb as GatewayVerb](terminalId, request);
  };
  return {
    method: 'POST',
    path: '/v1/payments/:verb',
    answer: async (request, [verb = '']) => {
      const signed = await exchange.signedBy(request);
      const { terminalId } = signed;
      const answer = await refuseStopped(signed, BEGINS.has(verb), () => Promise.resolve())
        .then(() => answered(verb, terminalId, request))
        .catch(problemAnswer);
      return exchange.paymentAnswer(request, terminalId, answer);
    },
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
