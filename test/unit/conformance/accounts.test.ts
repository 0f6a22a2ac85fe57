import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ACCOUNTS_CHECKS, runAccountsSuite } from '../../../src/conformance/accounts/suite.ts';
import { fetchSend } from '../../../src/shared/http.ts';
import type { Outcome } from '../../../src/conformance/check.ts';
import { createCompanySystem } from '../../../src/simulator/company-accounts/system.ts';
import type { CompanySystem } from '../../../src/simulator/company-accounts/system.ts';
import { systemClock } from '../../../src/main/ports.ts';

const CARDS = ['8800006001', '8800006002', '8800006003'] as const;
const TARIFF = { tariffId: 'gas', version: 1, tiers: [{ uptoQuantity: null, priceE4: 26_500 }] };

let company: CompanySystem;
let port: number;
let proxy: Server | null = null;
beforeEach(async () => {
  company = createCompanySystem({
    secret: 's3',
    now: () => Date.now(),
    file: null,
    accounts: CARDS.map((cardNo, i) => ({
      cardNo,
      userNo: `200220600${i}`,
      holderName: '李梅',
      meterNo: `M${i}`,
      kind: 'gas',
      unit: 'volume',
      state: 'normal',
      count: i,
      cumulative: 1_000 * i,
      yearQuantity: 0,
      ceilingQuantity: 100_000,
      perPurchaseQuantity: null,
      limit: null,
      tariff: TARIFF,
      announced: [],
    })),
    creditAccounts: [
      {
        userNo: '2002206009',
        holderName: '王强',
        address: '清河路 12 号',
        closed: false,
        topUp: null,
        prepayPayee: null,
        balanceFen: 0,
        items: [],
      },
    ],
  });
  port = await company.listen();
});
afterEach(async () => {
  proxy?.closeAllConnections();
  proxy?.close();
  proxy = null;
  await company.close();
});

const run = (at = port): Promise<readonly Outcome[]> =>
  runAccountsSuite(
    {
      url: `http://127.0.0.1:${at}`,
      secret: 's3',
      config: {
        secretFile: 'secret',
        cards: [...CARDS],
        unknownCard: '8800006999',
        creditUserNo: '2002206009',
        unknownUserNo: '2002206999',
      },
      send: fetchSend(fetch),
      clock: systemClock,
      random: { bytes: (n) => randomBytes(n) },
      timeoutMs: 5_000,
    },
    {},
  );
const failed = (outcomes: readonly Outcome[]): readonly string[] =>
  outcomes.filter((o) => o.result === 'failed').map((o) => o.id);

interface Exchange {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
/** What stands before the sample system and does one thing wrong. */
async function wrong(
  answer: (
    asked: Exchange,
    honest: (over?: Partial<Exchange>) => Promise<{ status: number; text: string; etag: string }>,
  ) => Promise<{ status: number; text: string; etag?: string }>,
): Promise<number> {
  proxy = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const asked: Exchange = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: Object.fromEntries(
          Object.entries(request.headers).filter(
            (h): h is [string, string] =>
              typeof h[1] === 'string' && !/^(?:host|connection|content-length)$/.test(h[0]),
          ),
        ),
        body: Buffer.concat(chunks).toString('utf8'),
      };
      const honest = async (over: Partial<Exchange> = {}) => {
        const { method, url, headers, body } = { ...asked, ...over };
        const reply = await fetch(`http://127.0.0.1:${port}${url}`, {
          method,
          headers,
          ...(method === 'GET' ? {} : { body }),
        });
        return {
          status: reply.status,
          text: await reply.text(),
          etag: reply.headers.get('etag') ?? '',
        };
      };
      void answer(asked, honest).then(({ status, text, etag }) => {
        response.writeHead(status, etag ? { etag } : {});
        response.end(status === 304 ? undefined : text);
      });
    });
  });
  proxy.listen(0, '127.0.0.1');
  await new Promise((resolve) => proxy?.once('listening', resolve));
  return (proxy.address() as AddressInfo).port;
}

describe('the conformance suite of a company’s billing system', () => {
  it('the sample system passes it, and again with what the first run left', async () => {
    for (let i = 0; i < 2; i++) {
      const outcomes = await run();
      expect(outcomes.filter((o) => o.result !== 'passed')).toEqual([]);
      expect(outcomes).toHaveLength(ACCOUNTS_CHECKS.length);
    }
  });

  it('books a purchase that is told again once more: caught by PUR-02', async () => {
    const at = await wrong(async (asked, honest) => {
      const reply = await honest();
      if (asked.method === 'POST' && reply.text.includes('"booked"')) {
        const { cardNo } = JSON.parse(asked.body) as { cardNo: string };
        const seen = company.asked.filter((a) => a === `POST ${asked.url}`).length;
        if (seen > 1) {
          const now = (await honest({ method: 'GET', url: `/accounts/by-card/${cardNo}` })).text;
          const { account } = JSON.parse(now) as { account: { count: number } };
          company.change(cardNo, { count: account.count });
        }
      }
      return reply;
    });
    expect(failed(await run(at))).toContain('PUR-02');
  });

  it('takes a purchase before its turn: caught by PUR-04', async () => {
    const at = await wrong(async (asked, honest) => {
      const reply = await honest();
      if (!reply.text.includes('"early"')) return reply;
      const { orderId, tellNo } = JSON.parse(asked.body) as { orderId: string; tellNo: number };
      const text = JSON.stringify({ state: 'booked', orderId, tellNo, voucher: 'V' });
      return { status: 200, text };
    });
    expect(failed(await run(at))).toEqual(['PUR-04']);
  });

  it('says unchanged of an account that changed: caught by ACC-03', async () => {
    const at = await wrong(async (asked, honest) => {
      const etag = asked.headers['if-none-match'];
      return etag === undefined ? honest() : { status: 304, text: '', etag };
    });
    expect(failed(await run(at))).toEqual(['ACC-03']);
  });

  it('answers from books of an hour ago: caught by ACC-01', async () => {
    company.fault = 'old-books';
    expect(failed(await run())).toContain('ACC-01');
  });

  it('tells anybody: caught by COM-02', async () => {
    const at = await wrong((asked, honest) =>
      honest({ headers: { ...asked.headers, authorization: 'Bearer s3' } }),
    );
    expect(failed(await run(at))).toEqual(['COM-02']);
  });

  it('does not count what it booked: caught by PUR-01', async () => {
    const kept = new Map<string, string>();
    const at = await wrong(async (asked, honest) => {
      const reply = await honest({ headers: { ...asked.headers, 'if-none-match': '' } });
      if (asked.method !== 'GET' || reply.status !== 200) return reply;
      const first = kept.get(asked.url) ?? reply.text;
      kept.set(asked.url, first);
      const text = first.replace(/"asOfMs":\d+/, `"asOfMs":${Date.now()}`);
      return { status: 200, text };
    });
    expect(failed(await run(at))).toContain('PUR-01');
  });
});
