import type { z } from 'zod';
import {
  API_VERSION,
  API_VERSION_HEADER,
  CARD_NO,
  cardKeyRequestSchema,
  claimRequestSchema,
  epochRequestSchema,
  quoteRequestSchema,
  uploadRequestSchema,
} from '../shared/central-api/index.ts';
import type { Failure } from '../shared/errors.ts';
import {
  attemptSchema,
  billSchema,
  chargeSchema,
  createSchema,
  refundSchema,
} from '../shared/gateway-api.ts';
import type { GatewayVerb } from '../shared/gateway-api.ts';
import type { Policy, SignedPolicy } from '../shared/policy.ts';
import type { Keyring } from '../shared/signatures.ts';
import { askEpoch, grantedEpoch } from './books/epochs.ts';
import { ingest } from './books/ingest.ts';
import { ledgerOfDay } from './books/reconcile.ts';
import type { Db } from './db/sql.ts';
import type { PaymentGateway } from './gateway/types.ts';
import { Refusal } from './http/problem.ts';
import {
  bodyOf,
  dateOf,
  headerOf,
  json,
  noSuchResource,
  problemAnswer,
  queryOf,
} from './http/request.ts';
import type { CentralAnswer, CentralRequest } from './http/request.ts';
import type { Route } from './http/routes.ts';
import type { SignedExchange } from './http/signed.ts';
import { accountByCard } from './sale/accounts.ts';
import { cardKey } from './sale/card-keys.ts';
import type { CardKeyPort } from './sale/card-keys.ts';
import { claim, commands } from './sale/claims.ts';
import { ordersByRef } from './sale/orders.ts';
import { quote, release } from './sale/quotes.ts';

export interface TerminalApiParts {
  readonly db: () => Db;
  readonly now: () => number;
  readonly policy: Policy;
  readonly signedPolicy: SignedPolicy;
  readonly keysOf: (publicKeyPem: string) => Keyring;
  readonly exchange: SignedExchange;
  /**
   * Called once for each batch.
   *
   * @returns what its terminal is told as `nextUploadAfterMs`
   */
  readonly pace: (nowMs: number) => number;
  /** Undefined: no card keys are kept here. */
  readonly cardKeys: CardKeyPort | undefined;
  /** Null: this central takes no payments. */
  readonly payments: PaymentGateway | null;
}

/** A request whose signature held. */
interface Call {
  readonly terminalId: string;
  readonly request: CentralRequest;
  /** What stands for the path's colon; no path here has two. */
  readonly part: string;
}
type Row = readonly [
  method: Route['method'],
  path: string,
  answer: (call: Call) => Promise<unknown>,
];

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
  const { db, now, policy, keysOf, exchange, payments } = parts;
  const at = () => ({ serverTimeMs: now() });
  const rows: readonly Row[] = [
    ['GET', '/v1/policy', () => Promise.resolve(parts.signedPolicy)],
    [
      'GET',
      '/v1/accounts/by-card/:card',
      async ({ part: cardNo }) => {
        if (!CARD_NO.test(cardNo)) throw new Refusal('bad-request', 'a card number has ten digits');
        const account = await accountByCard(db(), cardNo, now(), false);
        if (account === null) throw new Refusal('unknown-card', 'no account has this card');
        return { account, ...at() };
      },
    ],
    [
      'POST',
      '/v1/quotes',
      async ({ terminalId, request }) => {
        const asked = bodyOf(request, quoteRequestSchema);
        return { quote: await quote(db(), terminalId, asked, policy, now()), ...at() };
      },
    ],
    [
      'POST',
      '/v1/quotes/:order/release',
      async ({ terminalId, part: orderId }) => {
        await release(db(), terminalId, orderId);
        return {};
      },
    ],
    [
      'POST',
      '/v1/journal',
      ({ terminalId, request }) =>
        ingest(db(), terminalId, bodyOf(request, uploadRequestSchema), {
          nowMs: now(),
          keysOf,
          nextUploadAfterMs: parts.pace(now()),
        }),
    ],
    [
      'POST',
      '/v1/orders/:order/claim',
      ({ terminalId, request, part: orderId }) =>
        claim(db(), terminalId, orderId, bodyOf(request, claimRequestSchema), now()),
    ],
    [
      'GET',
      '/v1/orders/by-ref/:ref',
      async ({ part: ref }) => ({ orders: await ordersByRef(db(), ref), ...at() }),
    ],
    [
      'POST',
      '/v1/keys',
      ({ terminalId, request }) =>
        cardKey(db(), parts.cardKeys, terminalId, bodyOf(request, cardKeyRequestSchema), now()),
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
    { method: 'GET', path: '/v1/time', answer: () => Promise.resolve(json(at())) },
    ...rows.map(([method, path, answer]): Route => ({
      method,
      path,
      answer: async (request, [part = '']) => {
        const terminalId = await exchange.signedBy(request);
        refuseNewer(request);
        return json(await answer({ terminalId, request, part }));
      },
    })),
    ...(payments === null ? [] : [paymentRoute(payments, exchange)]),
  ];
}

/** The payment gateway's verbs: asked and answered under signatures (docs/payment-gateway.md). */
function paymentRoute(gateway: PaymentGateway, exchange: SignedExchange): Route {
  type Answerer = (terminalId: string, request: CentralRequest) => Promise<CentralAnswer>;
  const told =
    <T extends { readonly outTradeNo: string }>(
      schema: z.ZodType<T>,
      call: (terminalId: string, body: T) => Promise<unknown>,
    ): Answerer =>
    async (terminalId, request) => {
      const body = bodyOf(request, schema);
      const result = withoutCauses(await call(terminalId, body));
      return json({ outTradeNo: body.outTradeNo, result });
    };
  const verbs: Readonly<Record<GatewayVerb, Answerer>> = {
    create: told(createSchema, gateway.create),
    query: told(attemptSchema, gateway.query),
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
      const terminalId = await exchange.signedBy(request);
      const answer = await answered(verb, terminalId, request).catch(problemAnswer);
      return exchange.signedAnswer(request, terminalId, answer);
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
