import { z } from 'zod';
import {
  companyAccountAnswerSchema,
  companyCreditAnswerSchema,
  companyPurchaseAnswerSchema,
  companySchema,
} from '../../shared/company-accounts.ts';
import type { CompanyAccount, CompanyPurchase } from '../../shared/company-accounts.ts';
import { cardNo } from '../../shared/central-api/base.ts';
import { sendWithin } from '../../shared/http.ts';
import type { HttpSend } from '../../shared/http.ts';
import { checkTariff } from '../../shared/money.ts';
import { makeOrderId } from '../../shared/order-id.ts';
import type { Clock, Random } from '../../shared/ports.ts';
import { must, runChecks } from '../check.ts';
import type { Check, Outcome } from '../check.ts';

/** What an integrator gives the suite: throw-away cards of a system that serves nobody else. */
export const accountsSuiteSchema = z.strictObject({
  secretFile: z.string().min(1),
  /** Three cards of three accounts that may be sold to, and bear what a run books on them. */
  cards: z.tuple([cardNo, cardNo, cardNo]),
  unknownCard: cardNo,
  /** A user number with bills; left out: the system keeps no accounts without a card. */
  creditUserNo: z.string().optional(),
  unknownUserNo: z.string().optional(),
});
/** See {@link accountsSuiteSchema}. */
export type AccountsSuiteConfig = z.infer<typeof accountsSuiteSchema>;

/** With what the suite is run. */
export interface AccountsSuiteParts {
  readonly url: string;
  readonly secret: string;
  readonly config: AccountsSuiteConfig;
  readonly send: HttpSend;
  readonly clock: Clock;
  readonly random: Random;
  readonly timeoutMs: number;
}

interface Reply {
  readonly status: number;
  readonly json: unknown;
  readonly etag: string | null;
  readonly told: string;
}

const MAX_BYTES = 1 << 20;
/** A throw-away kiosk's number. */
const TERMINAL = '000000000901';

class Billing {
  readonly config: AccountsSuiteConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly #parts: AccountsSuiteParts;
  #counter: number;
  constructor(parts: AccountsSuiteParts) {
    this.#parts = parts;
    this.config = parts.config;
    this.clock = parts.clock;
    this.random = parts.random;
    this.#counter = this.upTo(9_000_000) + 1;
  }

  upTo(n: number): number {
    return Buffer.from(this.random.bytes(6)).readUIntBE(0, 6) % n;
  }

  async ask(
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply> {
    const { url, send, clock, timeoutMs, secret } = this.#parts;
    const base = new URL(url);
    const reply = await sendWithin(
      send,
      {
        method,
        origin: base.origin,
        target: `${base.pathname.replace(/\/+$/, '')}${path}`,
        headers: {
          authorization: `Bearer ${secret}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        body: body === undefined ? null : Buffer.from(JSON.stringify(body)),
        maxBytes: MAX_BYTES,
      },
      clock,
      timeoutMs,
    );
    if (!reply.ok) throw new Error(`no answer to ${method} ${path}: ${reply.error.said}`);
    const text = Buffer.from(reply.value.body ?? new Uint8Array(0)).toString('utf8');
    let json: unknown = null;
    try {
      json = JSON.parse(text);
    } catch {
      // Whoever asked says so.
    }
    const { status, header } = reply.value;
    return { status, json, etag: header('etag'), told: `${status} ${text.slice(0, 200)}` };
  }

  async account(card: string): Promise<CompanyAccount> {
    const reply = await this.ask('GET', `/accounts/by-card/${card}`);
    const said = companyAccountAnswerSchema.safeParse(reply.json);
    must(reply.status === 200 && said.success, () =>
      said.success ? reply.told : `${reply.told}: ${z.prettifyError(said.error)}`,
    );
    must(said.data.state === 'known', `card ${card} is not known`);
    return said.data.account;
  }

  /** The account's next purchase, of a quantity that nobody could know before. */
  async purchase(card: string, over: Partial<CompanyPurchase> = {}): Promise<CompanyPurchase> {
    const { userNo, told, count } = await this.account(card);
    const nowMs = Math.floor(this.clock.nowMs());
    return {
      orderId: makeOrderId(TERMINAL, 1, this.#counter++, this.random),
      userNo,
      cardNo: card,
      tellNo: told + 1,
      what: 'delivered',
      count: count + 1,
      amountFen: 1_000 + this.upTo(5_000),
      quantity: 100 + this.upTo(900),
      pricedMs: nowMs,
      endedMs: nowMs,
      terminalId: TERMINAL,
      proven: true,
      ...over,
    };
  }
  book(purchase: CompanyPurchase): Promise<Reply> {
    return this.ask('POST', `/purchases/${purchase.orderId}`, purchase);
  }
}

/** What a booking says. @throws NotKept where it is of another form, or another order's */
function said(purchase: CompanyPurchase, reply: Reply) {
  const read = companyPurchaseAnswerSchema.safeParse(reply.json);
  must(
    reply.status === 200 && read.success && read.data.orderId === purchase.orderId,
    `no answer about order ${purchase.orderId}: ${reply.told}`,
  );
  return read.data;
}
function bookedAs(purchase: CompanyPurchase, reply: Reply): string {
  const word = said(purchase, reply);
  must(
    word.state === 'booked' && word.tellNo === purchase.tellNo,
    `expected booked under ${purchase.tellNo}, came ${reply.told}`,
  );
  return word.voucher;
}
/** What of an account a purchase moves. */
const figures = ({ count, cumulative, yearQuantity, told }: CompanyAccount) =>
  JSON.stringify({ count, cumulative, yearQuantity, told });

/** What a company's billing system promises (docs/external-accounts.md). */
export const ACCOUNTS_CHECKS: readonly Check<Billing>[] = [
  {
    id: 'COM-01',
    says: 'The system says which version it speaks, and whether it keeps accounts without a card.',
    run: async (b) => {
      const reply = await b.ask('GET', '/company');
      const read = companySchema.safeParse(reply.json);
      must(reply.status === 200 && read.success, `no declaration: ${reply.told}`);
      must(
        read.data.credit === (b.config.creditUserNo !== undefined),
        `credit: ${read.data.credit}, and the file says otherwise`,
      );
    },
  },
  {
    id: 'COM-02',
    says: 'Whoever does not have the secret is told nothing.',
    run: async (b) => {
      const [card] = b.config.cards;
      for (const authorization of ['', 'Bearer wrong', 'Basic eDp5']) {
        const reply = await b.ask('GET', `/accounts/by-card/${card}`, undefined, { authorization });
        must(
          reply.status === 401 || reply.status === 403,
          `with “${authorization}”: ${reply.told}`,
        );
        must(!reply.told.includes(card), 'the refusal names the card');
      }
    },
  },
  {
    id: 'ACC-01',
    says: 'The account of each card is whole, of that card, as of now, with a tariff that can be computed by.',
    run: async (b) => {
      const users = new Set<string>();
      for (const card of b.config.cards) {
        const account = await b.account(card);
        must(account.cardNo === card, `asked for ${card}, told of ${account.cardNo}`);
        const offMs = Math.abs(account.asOfMs - b.clock.nowMs());
        must(offMs < 60_000, `as of ${account.asOfMs}, ${Math.round(offMs)} ms from this clock`);
        for (const { tiers } of [account.tariff, ...account.announced.map((a) => a.tariff)])
          checkTariff(tiers);
        users.add(account.userNo);
      }
      must(users.size === 3, 'the three cards are of less than three accounts');
    },
  },
  {
    id: 'ACC-02',
    says: 'A card that nobody has is an answer, not an error.',
    run: async (b) => {
      const reply = await b.ask('GET', `/accounts/by-card/${b.config.unknownCard}`);
      const read = companyAccountAnswerSchema.safeParse(reply.json);
      must(
        reply.status === 200 && read.success && read.data.state === 'unknown',
        `expected unknown, came ${reply.told}`,
      );
      must(read.data.cardNo === b.config.unknownCard, `of another card: ${reply.told}`);
    },
  },
  {
    id: 'ACC-03',
    says: 'Where an ETag is given, 304 stands for an account that did not change, and for none that did.',
    run: async (b) => {
      const [card] = b.config.cards;
      const path = `/accounts/by-card/${card}`;
      const { etag } = await b.ask('GET', path);
      if (etag === null) return;
      const same = await b.ask('GET', path, undefined, { 'if-none-match': etag });
      must(same.status === 304 || same.status === 200, `came ${same.told}`);
      bookedAs(...(await booking(b, card)));
      const changed = await b.ask('GET', path, undefined, { 'if-none-match': etag });
      must(changed.status === 200, `a purchase was booked since, and it says ${changed.told}`);
    },
  },
  {
    id: 'PUR-01',
    says: 'A purchase is booked: count, cumulative and year rise by it, and its number is told.',
    run: async (b) => {
      const [card] = b.config.cards;
      const before = await b.account(card);
      const [purchase, reply] = await booking(b, card);
      bookedAs(purchase, reply);
      const want = figures({
        ...before,
        count: before.count + 1,
        cumulative: before.cumulative + purchase.quantity,
        yearQuantity: before.yearQuantity + purchase.quantity,
        told: before.told + 1,
      });
      const after = figures(await b.account(card));
      must(after === want, `expected ${want}, came ${after}`);
    },
  },
  {
    id: 'PUR-02',
    says: 'Told again, twice at once too, it is booked once, and the same voucher is answered.',
    run: async (b) => {
      const [, card] = b.config.cards;
      const purchase = await b.purchase(card);
      const first = await Promise.all([b.book(purchase), b.book(purchase), b.book(purchase)]);
      const vouchers = first.map((reply) => bookedAs(purchase, reply));
      vouchers.push(bookedAs(purchase, await b.book(purchase)));
      must(new Set(vouchers).size === 1, `vouchers ${vouchers.join(', ')}`);
      const { count, told } = await b.account(card);
      must(
        count === purchase.count && told === purchase.tellNo,
        `count ${count} and told ${told} after one purchase, expected ${purchase.count} and ${purchase.tellNo}`,
      );
    },
  },
  {
    id: 'PUR-03',
    says: 'Under a known order id nothing else is booked.',
    run: async (b) => {
      const [, card] = b.config.cards;
      const [purchase, reply] = await booking(b, card);
      bookedAs(purchase, reply);
      const before = figures(await b.account(card));
      const other = { ...purchase, amountFen: purchase.amountFen + 100, quantity: 1 };
      const answer = await b.book(other);
      must(
        answer.status !== 200 ||
          said(other, answer).state !== 'booked' ||
          figures(await b.account(card)) === before,
        'it was booked as well',
      );
      must(figures(await b.account(card)) === before, 'the account moved');
    },
  },
  {
    id: 'PUR-04',
    says: 'One that comes before its turn is not booked: early, with the number that is expected.',
    run: async (b) => {
      const [, , card] = b.config.cards;
      const before = await b.account(card);
      const purchase = await b.purchase(card, { tellNo: before.told + 2 });
      const reply = await b.book(purchase);
      const word = said(purchase, reply);
      must(
        word.state === 'early' && word.expects === before.told + 1,
        `expected early from ${before.told + 1}, came ${reply.told}`,
      );
      const after = figures(await b.account(card));
      must(after === figures(before), `the account moved to ${after}`);
    },
  },
  {
    id: 'PUR-05',
    says: 'A refund takes its number and moves no count.',
    run: async (b) => {
      const [, , card] = b.config.cards;
      const before = await b.account(card);
      const purchase = await b.purchase(card, { what: 'refunded', quantity: 0 });
      bookedAs(purchase, await b.book(purchase));
      const want = figures({ ...before, told: before.told + 1 });
      const after = figures(await b.account(card));
      must(after === want, `expected ${want}, came ${after}`);
    },
  },
  {
    id: 'PUR-06',
    says: 'A body of another form, or about another order than the path names, is booked nowhere.',
    run: async (b) => {
      const [card] = b.config.cards;
      const before = figures(await b.account(card));
      const purchase = await b.purchase(card);
      for (const body of [
        {},
        [],
        { ...purchase, quantity: -1 },
        { ...purchase, orderId: 'PL-1' },
      ]) {
        const reply = await b.ask('POST', `/purchases/${purchase.orderId}`, body);
        const read = companyPurchaseAnswerSchema.safeParse(reply.json);
        must(
          reply.status !== 200 || (read.success && read.data.state !== 'booked'),
          `it was taken: ${JSON.stringify(body).slice(0, 80)}`,
        );
      }
      const after = figures(await b.account(card));
      must(after === before, `the account moved to ${after}`);
    },
  },
  {
    id: 'CRE-01',
    says: 'An account without a card is told whole, as of now; a number that nobody has is an answer.',
    needs: ['credit'],
    run: async (b) => {
      const { creditUserNo = '', unknownUserNo = '' } = b.config;
      const reply = await b.ask('GET', `/credit-accounts/${creditUserNo}`);
      const read = companyCreditAnswerSchema.safeParse(reply.json);
      must(
        reply.status === 200 && read.success && read.data.state === 'known',
        () => `no account: ${reply.told}${read.success ? '' : z.prettifyError(read.error)}`,
      );
      const { userNo, asOfMs, items } = read.data.account;
      must(userNo === creditUserNo, `asked for ${creditUserNo}, told of ${userNo}`);
      must(Math.abs(asOfMs - b.clock.nowMs()) < 60_000, `as of ${asOfMs}`);
      must(new Set(items.map((i) => i.item)).size === items.length, 'two bills have one number');
      if (unknownUserNo === '') return;
      const none = await b.ask('GET', `/credit-accounts/${unknownUserNo}`);
      const said2 = companyCreditAnswerSchema.safeParse(none.json);
      must(
        none.status === 200 && said2.success && said2.data.state === 'unknown',
        `expected unknown, came ${none.told}`,
      );
    },
  },
];

async function booking(b: Billing, card: string): Promise<readonly [CompanyPurchase, Reply]> {
  const purchase = await b.purchase(card);
  return [purchase, await b.book(purchase)];
}

/** Runs the suite against a company's billing system. */
export function runAccountsSuite(
  parts: AccountsSuiteParts,
  {
    only,
    heard,
  }: { readonly only?: readonly string[] | undefined; readonly heard?: (o: Outcome) => void },
): Promise<readonly Outcome[]> {
  const offered = new Set(parts.config.creditUserNo === undefined ? [] : ['credit']);
  const checks =
    only === undefined
      ? ACCOUNTS_CHECKS
      : ACCOUNTS_CHECKS.filter(({ id }) => only.includes(id.split('-', 1)[0] ?? ''));
  return runChecks(checks, new Billing(parts), offered, parts.clock, heard);
}
