// What each document of docs/api says beside its routes.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as central from '../../src/shared/central-api/index.ts';
import { TERMINAL_API } from '../../src/shared/central-api/routes.ts';
import { evidenceSchema } from '../../src/shared/evidence.ts';
import {
  COMPANY_API,
  companyAccountSchema,
  companyCreditAccountSchema,
} from '../../src/shared/company-accounts.ts';
import { EVENTS } from '../../src/shared/facts/catalogue.ts';
import { GATEWAY_API } from '../../src/shared/gateway-routes.ts';
import { consentSchema, creditLineSchema, creditQuoteSchema } from '../../src/shared/sale.ts';
import { openApi } from './openapi.mjs';

const { API_VERSION, PROBLEM_PREFIX, PROBLEM_STATUS, PROBLEMS } = central;

const SIGNING = `Each request is signed with the terminal's Ed25519 key over the UTF-8 text

\`\`\`
METHOD\\n
PATH?QUERY\\n
TIMESTAMP\\n
NONCE\\n
hex(SHA-256(body as sent))\\n
\`\`\`

where PATH?QUERY is the target exactly as it stands in the request line, TIMESTAMP is milliseconds since 1970 in digits (300 s to either side of the server's clock are taken), NONCE is 1–64 visible characters, another one for every try, and an empty body has the hash of nothing. A nonce that comes a second time is not carried out again: 409 \`replayed\`. It is on disk before anything is done for the request. A body may be gzip (\`Content-Encoding: gzip\`); the signature covers the bytes as sent.`;

const TERMINAL_ABOUT = `What a kiosk asks of central. ${SIGNING}

**Answers.** Each answer, refusals and the time included, carries \`Pilotlight-Signature\` (base64 of the Ed25519 signature by central's answer key) and \`Pilotlight-Key\` (first 16 hex digits of SHA-256 over the key's SPKI, DER) over

\`\`\`
PILOTLIGHT-ANSWER\\n
terminal id\\n
METHOD\\n
PATH?QUERY\\n
the request's nonce\\n
hex(SHA-256(request's body as sent))\\n
status\\n
hex(SHA-256(answer's body))\\n
\`\`\`

One that is not signed so counts as none. It is the answer to a request without \`Pilotlight-Terminal\` or \`Pilotlight-Nonce\` only that is not signed.

**Refusals** are RFC 9457 \`application/problem+json\`; \`type\` is \`${PROBLEM_PREFIX}<name>\` and stable, \`detail\` is for a person. Every request may be refused with \`bad-request\` (400; 404 for a resource that is not there, 409 for an order of another terminal or another request under a used id, 413 where it is too large, 415 for an encoding that is not gzip), \`api-version\`, \`bad-signature\`, \`unknown-terminal\`, \`revoked\`, \`replayed\` and \`internal\` (500; 503: the same may be asked again, as a new request).

**Idempotency.** Whatever changes something has a key that the terminal made: the order id of quotes, claims, postings; epoch and number of a fact; the number of a request. A terminal that heard no answer asks the same again under a new nonce and gets the same answer. An order's number is \`PL-<terminal>-<epoch>-<number>\`; another terminal's is refused.

**The journal.** Facts are numbered from 1 in each epoch. \`hash\` of a fact is hex SHA-256 over \`prevHash\` (its hex text) followed by canonical JSON (keys sorted, no white space) of {body, epoch, kind, orderId, seq, wallMs}. Before number 1 stands hex SHA-256 of canonical JSON of {epoch, terminalId}. \`headSig\` signs \`epoch:lastSeq:lastHash\` with the terminal's key. Central takes each fact once, in order: what it holds already is compared by hash and acknowledged again; a batch that begins too late is a \`gap\` with \`expectedSeq\`; another hash under a number that is held is a \`fork\`, which is kept and stops the terminal until a person grants a new epoch; a fact whose hash is not that of its contents is \`bad-request\`. The kinds of facts and the schemas of their bodies are under \`x-facts\`; what is not in a schema is kept and hashed all the same, and a kind that is not known is set aside, not refused.

**Tokens** (\`grant\`) are \`base64url(JSON).keyId.base64(signature)\` over \`PILOTLIGHT-GRANT\\n\` and the first part, by the answer key. A kiosk journals them with the facts that use them and reads nothing of them; central believes them when it has forgotten.

**Version.** \`Pilotlight-Api\` names the version that is spoken (this is ${API_VERSION}); left out it is 1, and a newer one is refused with \`api-version\`.`;

const GATEWAY_ABOUT = `What a kiosk asks of the payment gateway; docs/payment-gateway.md says what every verb promises. ${SIGNING}

**Answers.** A result comes with status 200, signed by the gateway's own key: \`Pilotlight-Signature\` over

\`\`\`
PILOTLIGHT-PAYMENT-ANSWER\\n
terminal id\\n
METHOD\\n
PATH\\n
the request's nonce\\n
status\\n
hex(SHA-256(answer's body))\\n
\`\`\`

Everything else (another status, a missing or wrong signature, another \`outTradeNo\`, another form) is *unknown* to a kiosk, and asked again with the same numbers. Definite results are only said on a wallet's verified word; \`unknown\` is never rounded.`;

const header = (name, description, schema = { type: 'string' }, required = true) => ({
  name,
  in: 'header',
  required,
  description,
  schema,
});
/** A request's signature: four headers, asked for together. */
const SECURITY = {
  terminal: {
    type: 'apiKey',
    in: 'header',
    name: 'Pilotlight-Terminal',
    description: 'The terminal’s id: whose key signed.',
  },
  timestamp: {
    type: 'apiKey',
    in: 'header',
    name: 'Pilotlight-Timestamp',
    description: 'Milliseconds since 1970, digits.',
  },
  nonce: {
    type: 'apiKey',
    in: 'header',
    name: 'Pilotlight-Nonce',
    description: '1 to 64 visible characters, another one for every try.',
  },
  signature: {
    type: 'apiKey',
    in: 'header',
    name: 'Pilotlight-Signature',
    description: 'Base64 of the Ed25519 signature over the text that the description names.',
  },
};
const SIGNED = { terminal: [], timestamp: [], nonce: [], signature: [] };
const ANSWER_HEADERS = {
  'Pilotlight-Signature': {
    description: 'Base64 of the signature over what binds the answer to its request.',
    schema: { type: 'string' },
  },
  'Pilotlight-Key': {
    description: 'The id of the key that signed.',
    schema: { type: 'string', pattern: '^[0-9a-f]{16}$' },
  },
};
/** What any signed request may be refused for. */
const ALWAYS = [
  'bad-request',
  'api-version',
  'bad-signature',
  'unknown-terminal',
  'revoked',
  'replayed',
  'internal',
];

/** Refusals by status: the names that come with it. */
function refusals(route) {
  const names = new Set([
    ...(route.open === true ? [] : ALWAYS),
    ...(route.problems ?? []),
    ...(route.sells === true ? ['suspended'] : []),
    ...(route.counted === true ? ['too-many'] : []),
  ]);
  const byStatus = Map.groupBy(names, (name) => PROBLEM_STATUS[name]);
  return Object.fromEntries(
    [...byStatus.entries()]
      .toSorted(([a], [b]) => a - b)
      .map(([status, of]) => [
        String(status),
        {
          description: of.map((name) => `\`${name}\``).join(', '),
          headers: ANSWER_HEADERS,
          content: {
            'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
          },
          'x-problems': of.map((name) => `${PROBLEM_PREFIX}${name}`),
        },
      ]),
  );
}

const NAMES = {
  Problem: central.problemSchema,
  Evidence: evidenceSchema,
};

/** The body of each kind of fact. A kind whose body is another's has a schema of its own here. */
const FACTS = Object.fromEntries(
  Object.entries(EVENTS).map(([kind, body]) => [`Fact.${kind}`, body.clone()]),
);

const terminal = () =>
  openApi({
    title: 'Pilotlight terminal API',
    description: TERMINAL_ABOUT,
    routes: TERMINAL_API,
    names: {
      ...NAMES,
      Account: central.accountSchema,
      AccountAnswer: central.accountAnswerSchema,
      Tariff: central.tariffSchema,
      QuoteRequest: central.quoteRequestSchema,
      Quote: central.quoteSchema,
      QuoteAnswer: central.quoteAnswerSchema,
      ClaimRequest: central.claimRequestSchema,
      ClaimedOrder: central.claimedOrderSchema,
      ClaimAnswer: central.claimAnswerSchema,
      Command: central.commandSchema,
      CreditAccount: central.creditAccountSchema,
      CreditItem: central.creditItemSchema,
      CreditLine: creditLineSchema,
      CreditSale: creditQuoteSchema,
      Consent: consentSchema,
      CreditQuoteRequest: central.creditQuoteRequestSchema,
      CreditPostRequest: central.creditPostRequestSchema,
      CreditWord: central.creditWordSchema,
      Event: central.uploadEventSchema,
      Upload: central.uploadRequestSchema,
      UploadAnswer: central.uploadAnswerSchema,
      Heartbeat: central.heartbeatSchema,
      CardKeyRequest: central.cardKeyRequestSchema,
      MyAccount: central.myAccountSchema,
      RequestStatus: central.requestStatusSchema,
      ...FACTS,
    },
    security: SECURITY,
    secured: (route) => (route.open === true ? [{}, SIGNED] : [SIGNED]),
    parameters: () => [
      header(
        'Pilotlight-Api',
        'The version that is spoken.',
        { type: 'integer', minimum: 1 },
        false,
      ),
    ],
    answerHeaders: () => ANSWER_HEADERS,
    refusals,
    more: {
      'x-facts': Object.fromEntries(
        Object.keys(EVENTS).map((kind) => [kind, { $ref: `#/components/schemas/Fact.${kind}` }]),
      ),
      'x-problem-types': PROBLEMS.map((name) => ({
        type: `${PROBLEM_PREFIX}${name}`,
        status: PROBLEM_STATUS[name],
      })),
    },
  });

const gateway = () =>
  openApi({
    title: 'Pilotlight payment gateway',
    description: GATEWAY_ABOUT,
    routes: GATEWAY_API,
    names: NAMES,
    security: SECURITY,
    secured: () => [SIGNED],
    answerHeaders: () => ANSWER_HEADERS,
    answerSays: () => 'A result, signed.',
    refusals,
  });

const COMPANY_ABOUT = `What central asks of a company's own billing system, which keeps accounts, prices and bills (docs/external-accounts.md). JSON, \`Authorization: Bearer <secret>\`.

Only status 200 with a whole answer about the very thing that was asked says anything; all else (another status, a time-out, another form, another card or order, an \`asOfMs\` more than a minute from central's clock) is *unknown*: nothing is sold by it, and a purchase is told again. That nobody has a card is an answer with status 200.

Purchases of an account are told in the order of \`tellNo\`, 1, 2, 3 …, each until it was heard; the order id is the idempotency key. \`told\` in an account's answer says up to which number its figures hold them.`;

const externalAccounts = () =>
  openApi({
    title: 'Pilotlight external accounts',
    description: COMPANY_ABOUT,
    server: 'https://billing.example.com',
    routes: COMPANY_API,
    names: { Account: companyAccountSchema, CreditAccount: companyCreditAccountSchema },
    security: { secret: { type: 'http', scheme: 'bearer' } },
    secured: () => [{ secret: [] }],
    parameters: (route) =>
      route.path === '/accounts/by-card/:cardNo'
        ? [header('If-None-Match', 'The ETag of the answer that central keeps.', undefined, false)]
        : [],
    refusals: (route) => ({
      ...(route.path === '/accounts/by-card/:cardNo'
        ? { 304: { description: 'All of it still stands, now.' } }
        : {}),
      401: { description: 'Not the secret.' },
      default: { description: 'Says nothing: it is asked again.' },
    }),
  });

/**
 * The staff API is a table that stands with central's staff room: `{method, path, summary, roles,
 * request, answer}`.
 */
async function staff() {
  const table = new URL('../../src/central/staff/api-schemas.ts', import.meta.url);
  if (!existsSync(fileURLToPath(table))) return null;
  const { STAFF_API } = await import(table.href);
  return openApi({
    title: 'Pilotlight staff API',
    description:
      'What central’s staff pages can do, for a company’s own programs. Each request carries a token of a person or program with a role (`x-roles`); what is changed is in the audit under its name.',
    routes: STAFF_API,
    names: { Problem: central.problemSchema },
    security: { token: { type: 'http', scheme: 'bearer' } },
    secured: () => [{ token: [] }],
    refusals: () => ({
      default: {
        description: 'Refused.',
        content: {
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        },
      },
    }),
  });
}

/** Every document by the first part of its file's name. */
export async function documents() {
  const ofStaff = await staff();
  return {
    terminal: terminal(),
    'payment-gateway': gateway(),
    'external-accounts': externalAccounts(),
    ...(ofStaff === null ? {} : { staff: ofStaff }),
  };
}
