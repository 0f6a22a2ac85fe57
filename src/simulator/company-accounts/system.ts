import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** An account as this company keeps it: its own counters, without what central is yet to tell. */
export interface SimAccount {
  readonly cardNo: string;
  readonly userNo: string;
  readonly holderName: string;
  readonly meterNo: string;
  readonly kind: string;
  readonly unit: string;
  readonly state: string;
  readonly count: number;
  readonly cumulative: number;
  readonly yearQuantity: number;
  readonly ceilingQuantity: number;
  readonly perPurchaseQuantity: number | null;
  readonly limit: {
    readonly quantity: number;
    readonly every: string;
    readonly left: number;
  } | null;
  readonly tariff: unknown;
  readonly announced: readonly unknown[];
}

/** How it misbehaves, until it is told otherwise. */
export const SIM_FAULTS = [
  'none',
  /** It does what it is asked, and nobody hears of it. */
  'lost-answer',
  /** It does nothing, and nobody hears of it. */
  'silent',
  'error-500',
  'not-json',
  /** JSON of another form. */
  'other-form',
  /** About another card, or another order, than was asked. */
  'other-thing',
  /** By its books of an hour ago. */
  'old-books',
  /** A purchase that it cannot book. */
  'refuses',
] as const;
export type SimFault = (typeof SIM_FAULTS)[number];

/** One purchase in its books. */
export interface SimPurchase {
  readonly orderId: string;
  readonly userNo: string;
  readonly cardNo: string;
  readonly tellNo: number;
  readonly what: string;
  readonly quantity: number;
  readonly amountFen: number;
  readonly outcome: 'booked' | 'refused';
  readonly voucher: string;
}

export interface CompanySystemOptions {
  readonly secret: string;
  readonly now: () => number;
  readonly accounts: readonly SimAccount[];
  /** Where purchases are kept, a line each, synced before they are answered; null: in memory. */
  readonly file: string | null;
  readonly creditAccounts?: readonly Readonly<Record<string, unknown>>[];
  /** Called when a purchase is in its books, and nobody has heard of it. */
  readonly booked?: () => void;
}

/** A company's own billing system, as central meets one (docs/external-accounts.md). */
export interface CompanySystem {
  /** What is in its books, in the order of booking. */
  readonly purchases: () => readonly SimPurchase[];
  /** What it was asked: `GET /accounts/by-card/…`. */
  readonly asked: string[];
  fault: SimFault;
  /** Its own people change an account: a sale at the counter, a price. */
  readonly change: (cardNo: string, over: Partial<SimAccount>) => void;
  /** It goes on from a backup: the last purchases are forgotten. */
  readonly forget: (last: number) => void;
  readonly bills: (userNo: string, over: Readonly<Record<string, unknown>>) => void;
  readonly listen: (port?: number) => Promise<number>;
  readonly close: () => Promise<void>;
}

/** It speaks by itself, and reads what central sends with a codec of its own. */
export function createCompanySystem(options: CompanySystemOptions): CompanySystem {
  const { secret, now, file } = options;
  const accounts = new Map(options.accounts.map((a) => [a.cardNo, a]));
  const credit = new Map(
    (options.creditAccounts ?? []).map((a) => [String(a['userNo']), a] as const),
  );
  let booked: SimPurchase[] = file === null ? [] : readBooks(file);
  const asked: string[] = [];

  function keep(purchase: SimPurchase): void {
    if (file !== null) appendLine(file, JSON.stringify(purchase));
    booked.push(purchase);
    options.booked?.();
  }
  const of = (userNo: string): readonly SimPurchase[] => booked.filter((p) => p.userNo === userNo);
  const told = (userNo: string): number => Math.max(0, ...of(userNo).map((p) => p.tellNo));

  function accountOf(cardNo: string): object {
    const a = accounts.get(cardNo);
    if (a === undefined) return { state: 'unknown', cardNo };
    const delivered = of(a.userNo).filter((p) => p.outcome === 'booked' && p.what === 'delivered');
    const bought = delivered.reduce((sum, p) => sum + p.quantity, 0);
    const account = {
      ...a,
      count: a.count + delivered.length,
      cumulative: a.cumulative + bought,
      yearQuantity: a.yearQuantity + bought,
      limit: a.limit === null ? null : { ...a.limit, left: Math.max(0, a.limit.left - bought) },
      told: told(a.userNo),
      asOfMs: system.fault === 'old-books' ? now() - 3_600_000 : now(),
    };
    return { state: 'known', account };
  }

  function book(orderId: string, text: string): readonly [number, object] {
    const body = JSON.parse(text) as Partial<SimPurchase>;
    const { userNo, cardNo, tellNo, what, quantity, amountFen } = body;
    if (
      body.orderId !== orderId ||
      typeof userNo !== 'string' ||
      typeof cardNo !== 'string' ||
      typeof tellNo !== 'number' ||
      typeof what !== 'string' ||
      typeof quantity !== 'number' ||
      typeof amountFen !== 'number' ||
      quantity < 0 ||
      amountFen < 0
    )
      return [400, { error: 'no purchase' }];
    const known = booked.find((p) => p.orderId === orderId);
    if (known !== undefined)
      return known.userNo === userNo && known.amountFen === amountFen && known.what === what
        ? [200, saidOf(known)]
        : [409, { error: 'the order is another purchase' }];
    const expects = told(userNo) + 1;
    if (tellNo > expects) return [200, { state: 'early', orderId, expects }];
    const outcome = system.fault === 'refuses' ? ('refused' as const) : ('booked' as const);
    const voucher = `V${booked.length + 1}`;
    const purchase = {
      orderId,
      userNo,
      cardNo,
      tellNo,
      what,
      quantity,
      amountFen,
      outcome,
      voucher,
    };
    keep(purchase);
    return [200, saidOf(purchase)];
  }

  function answer(request: IncomingMessage, text: string, response: ServerResponse): void {
    const { method = '', url = '/' } = request;
    asked.push(`${method} ${url}`);
    if (request.headers.authorization !== `Bearer ${secret}`)
      return say(response, 401, { error: 'who is this' });
    const { fault } = system;
    if (fault === 'silent') return;
    if (fault === 'error-500') return say(response, 500, { error: 'out of order' });
    if (fault === 'not-json') return void response.end('<html>maintenance</html>');
    if (fault === 'other-form') return say(response, 200, { ok: true, data: {} });
    const [status, body] = done(method, url, text);
    if (fault === 'lost-answer') return;
    const etag = `"${createHash('sha256').update(JSON.stringify(body, skipTime)).digest('hex').slice(0, 16)}"`;
    if (method === 'GET' && request.headers['if-none-match'] === etag && fault === 'none') {
      response.writeHead(304, { etag });
      return void response.end();
    }
    say(response, status, fault === 'other-thing' ? another(body) : body, etag);
  }

  function done(method: string, url: string, text: string): readonly [number, object] {
    const [, what, id = ''] =
      /^\/(company|accounts\/by-card|purchases|credit-accounts)(?:\/(.+))?$/.exec(url) ?? [
        null,
        '',
        '',
      ];
    if (method === 'GET' && what === 'company')
      return [200, { version: 1, credit: credit.size > 0 }];
    if (method === 'GET' && what === 'accounts/by-card')
      return [200, accountOf(decodeURIComponent(id))];
    if (method === 'POST' && what === 'purchases') return book(decodeURIComponent(id), text);
    if (method === 'GET' && what === 'credit-accounts') {
      const userNo = decodeURIComponent(id);
      const account = credit.get(userNo);
      return account === undefined
        ? [200, { state: 'unknown', userNo }]
        : [200, { state: 'known', account: { ...account, asOfMs: now() } }];
    }
    return [404, { error: 'nothing' }];
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      try {
        answer(request, Buffer.concat(chunks).toString('utf8'), response);
      } catch {
        say(response, 400, { error: 'not understood' });
      }
    });
  });
  const system: CompanySystem = {
    purchases: () => booked,
    asked,
    fault: 'none',
    change: (cardNo, over) => {
      const was = accounts.get(cardNo);
      if (was !== undefined) accounts.set(cardNo, { ...was, ...over });
    },
    forget: (last) => {
      booked = booked.slice(0, Math.max(0, booked.length - last));
    },
    bills: (userNo, over) => void credit.set(userNo, { ...credit.get(userNo), ...over }),
    listen: (port = 0) =>
      new Promise((resolve) => {
        server.listen(port, '127.0.0.1', () => {
          const address = server.address();
          resolve(typeof address === 'object' ? (address?.port ?? 0) : 0);
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return system;
}

const saidOf = ({ outcome, orderId, tellNo, voucher }: SimPurchase): object =>
  outcome === 'booked'
    ? { state: 'booked', orderId, tellNo, voucher }
    : { state: 'refused', orderId, tellNo, detail: 'the account is closed' };

/** What changes with each look is no part of what an ETag stands for. */
const skipTime = (key: string, value: unknown): unknown => (key === 'asOfMs' ? undefined : value);

/** The same about somebody else. */
function another(body: object): object {
  const text = JSON.stringify(body);
  return JSON.parse(
    text
      .replaceAll(/"cardNo":"\d+"/g, '"cardNo":"8800009999"')
      .replaceAll(/"orderId":"[^"]+"/g, '"orderId":"PL-0-1-1-1"')
      .replaceAll(/"userNo":"[^"]+"/g, '"userNo":"9999999999"'),
  ) as object;
}

function say(response: ServerResponse, status: number, body: object, etag?: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(etag === undefined ? {} : { etag }),
  });
  response.end(JSON.stringify(body));
}

const readBooks = (file: string): SimPurchase[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as SimPurchase]))
    : [];

function appendLine(file: string, line: string): void {
  const fd = openSync(file, 'a');
  writeSync(fd, `${line}\n`);
  fsyncSync(fd);
  closeSync(fd);
}
