import {
  creditPostRequestSchema,
  creditQuoteRequestSchema,
  USER_NO,
} from '../shared/central-api/index.ts';
import type { CreditWord } from '../shared/central-api/index.ts';
import { creditDigest, notCreditedDigest, postedDigest } from '../shared/grants.ts';
import type { Policy } from '../shared/policy.ts';
import type { Grant } from '../shared/trust.ts';
import type { Trust } from './books/trust.ts';
import type { Db } from './db/sql.ts';
import { Refusal } from './http/problem.ts';
import { bodyOf } from './http/request.ts';
import type { CentralRequest } from './http/request.ts';
import type { Counted } from './http/limits.ts';
import type { Route } from './http/routes.ts';
import { creditAccount } from './sale/credit-accounts.ts';
import { creditWord, postCredit, voidCredit } from './sale/credit-posting.ts';
import type { Word } from './sale/credit-posting.ts';
import type { AccountSource } from './sale/company-accounts.ts';
import type { BookSender } from './sale/credit-sender.ts';
import { creditQuote } from './sale/credit-quotes.ts';
import { QUOTE_CLAIM_MS, release } from './sale/quotes.ts';

/** What sales without a card are answered with. */
export interface CreditApiParts {
  readonly db: () => Db;
  readonly now: () => number;
  /** What a terminal goes by. @throws Refusal `no-policy` */
  readonly policyOf: (terminalId: string) => Promise<Policy>;
  readonly trust: Trust;
  /** Null: credit is posted in central's own database. */
  readonly sender: BookSender | null;
  /** Where accounts come from. */
  readonly source: AccountSource;
  /** A platform tells meters of top-ups. */
  readonly meters: boolean;
  /** Signs what central grants; the same grant gives the same token. */
  readonly granted: (
    grant: Omit<Grant, 'id' | 'grantedMs'>,
    grantedMs?: number,
  ) => {
    readonly grant: string;
  };
}
/** One request of a terminal, and how it is let in (`terminal-api.ts`). */
type CreditRow = readonly [
  method: Route['method'],
  path: string,
  answer: (call: {
    readonly terminalId: string;
    readonly request: CentralRequest;
    readonly part: string;
  }) => Promise<unknown>,
  more?: { readonly sells?: boolean; readonly counted?: Counted },
];

/** Accounts, quotes and postings of what is sold without a card. */
export function creditRows(parts: CreditApiParts): readonly CreditRow[] {
  const { db, now, policyOf, trust, sender, meters } = parts;
  const at = () => ({ serverTimeMs: now() });
  const said = (terminalId: string, orderId: string, word: Word): CreditWord =>
    signedWord(parts, terminalId, orderId, word);
  return [
    [
      'GET',
      '/v1/credit/accounts/:user',
      async ({ terminalId, part: userNo }) => {
        if (!USER_NO.test(userNo)) throw new Refusal('bad-request', 'no user number');
        await parts.source.user(userNo);
        const { credit } = await policyOf(terminalId);
        const by = { credit, meters, nowMs: now() };
        return { account: await creditAccount(db(), userNo, by), ...at() };
      },
      { counted: 'look-up' },
    ],
    [
      'POST',
      '/v1/credit/quotes',
      async ({ terminalId, request: asked }) => {
        const request = bodyOf(asked, creditQuoteRequestSchema);
        await parts.source.user(request.userNo);
        const { orderId } = request;
        const { credit } = await policyOf(terminalId);
        const terms = await creditQuote(db(), {
          terminalId,
          request,
          credit,
          nowMs: now(),
          trust,
        });
        const digest = creditDigest(terms);
        // The same however often it is asked for.
        const grantedMs = terms.expiresAtMs - QUOTE_CLAIM_MS;
        const grant = parts.granted({ kind: 'quote', terminalId, orderId, digest }, grantedMs);
        return { quote: { orderId, ...terms, ...grant }, ...at() };
      },
      { sells: true, counted: 'quote' },
    ],
    [
      'POST',
      '/v1/credit/orders/:order/post',
      async ({ terminalId, request, part: orderId }) => {
        const asked = bodyOf(request, creditPostRequestSchema);
        const outside = sender !== null;
        const { credit } = await policyOf(terminalId);
        const by = { trust, credit, nowMs: now(), outside };
        const word = await postCredit(db(), terminalId, orderId, asked, by);
        if (word.state !== 'posting' || sender === null) return said(terminalId, orderId, word);
        await sender.deliver(orderId);
        return said(terminalId, orderId, await creditWord(db(), orderId));
      },
    ],
    [
      'POST',
      '/v1/credit/orders/:order/void',
      async ({ terminalId, part: orderId }) =>
        said(terminalId, orderId, await voidCredit(db(), terminalId, orderId, now())),
    ],
    [
      'POST',
      '/v1/quotes/:order/release',
      async ({ terminalId, part: orderId }) => {
        if (await isCardQuote(db(), orderId)) await release(db(), terminalId, orderId);
        else if (await isCredit(db(), orderId)) await voidCredit(db(), terminalId, orderId, now());
        else {
          // Never heard of, and of either kind: neither quote may come late.
          await release(db(), terminalId, orderId);
          if (!(await isCardQuote(db(), orderId)))
            await voidCredit(db(), terminalId, orderId, now());
        }
        return {};
      },
    ],
  ];
}

const isCardQuote = async (db: Db, orderId: string): Promise<boolean> =>
  (await db.query('SELECT 1 FROM quotes WHERE order_id = $1 AND answer IS NOT NULL', [orderId]))
    .length > 0;
const isCredit = async (db: Db, orderId: string): Promise<boolean> =>
  (await db.query(`SELECT 1 FROM postings WHERE order_id = $1 AND user_no <> ''`, [orderId]))
    .length > 0;

/** Central's word under its signature: granted when it was given, and so always the same. */
function signedWord(
  { now, granted }: CreditApiParts,
  terminalId: string,
  orderId: string,
  word: Word,
): CreditWord {
  const serverTimeMs = now();
  const of = { terminalId, orderId };
  switch (word.state) {
    case 'posting':
      return { state: 'posting', serverTimeMs };
    case 'posted': {
      const { reference, atMs: postedMs } = word;
      const digest = postedDigest({ reference, postedMs });
      return {
        state: 'posted',
        reference,
        postedMs,
        ...granted({ kind: 'credit', ...of, digest }, postedMs),
        serverTimeMs,
      };
    }
    case 'refused':
    case 'void': {
      const digest = notCreditedDigest(orderId);
      const grant = granted({ kind: 'void', ...of, digest }, word.atMs);
      return word.state === 'void'
        ? { state: 'void', ...grant, serverTimeMs }
        : { state: 'refused', why: word.why, ...grant, serverTimeMs };
    }
    default:
      return word satisfies never;
  }
}
