import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { listen } from '../../src/central/http/listen.ts';
import { json } from '../../src/central/http/request.ts';
import { quoteFault } from '../../src/kiosk/visit/card-sale/quote-check.ts';
import { priceAmount } from '../../src/shared/money.ts';
import type { Account, Quote } from '../../src/shared/central-api/index.ts';
import { accountsOf, COUNT, soldOffline } from '../concurrency/company.ts';
import { PAYMENT_CODES, whoTakes } from '../../src/payment/codes.ts';
import { fetchSend } from '../../src/shared/http.ts';
import { policySchema } from '../../src/shared/policy.ts';
import { DEMO_DATA } from '../../src/demo/central-data.ts';

/** Somebody sits on the line, or at its other end. */
describe('an answer without an end', () => {
  /** What is read of a server's answer, at most `maxBytes`. */
  async function read(answer: RequestListener, maxBytes: number): Promise<Uint8Array | null> {
    const server = createServer(answer);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { body } = await fetchSend(fetch)({
        method: 'GET',
        origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        target: '/',
        headers: {},
        body: null,
        maxBytes,
        signal: new AbortController().signal,
      });
      return body;
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it('is given up as soon as it is too large', async () => {
    const ALL = 256 << 20;
    let sent = 0;
    const piece = Buffer.alloc(1 << 16);
    const endless: RequestListener = (_request, response) => {
      const more = (): void => {
        while (sent < ALL) {
          sent += piece.length;
          if (!response.write(piece)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    };
    expect(await read(endless, 1 << 20)).toBeNull();
    expect(sent).toBeLessThan(ALL / 4);
  });

  it('one that is not too large is read whole', async () => {
    const whole = Buffer.alloc(300_000, 7);
    const body = await read((_request, response) => void response.end(whole), whole.length);
    expect(Buffer.from(body ?? []).equals(whole)).toBe(true);
  });
});

describe('a request that never ends', () => {
  it('holds its connection for a while and no longer', async () => {
    const door = await listen(() => Promise.resolve(json({})), { requestMs: 200 });
    const socket = connect(door.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nslow');
    let said = '';
    socket.setEncoding('utf8').on('data', (text: string) => (said += text));
    await once(socket, 'close');
    expect(said).toContain('408');
    await door.close();
  }, 10_000);
});

describe('a table of payment codes', () => {
  it('is of first digits and lengths: none can make a kiosk hang', () => {
    const policy = { ...DEMO_DATA.policy };
    const table = (line: unknown) =>
      policySchema.safeParse({ ...policy, paymentCodes: [line] }).success;
    expect(table({ prefixes: ['62'], digits: [19, 19], wallet: 'unionpay' })).toBe(true);
    for (const line of [
      { pattern: '^(1{1,40}){1,40}$', wallet: 'wechat' },
      { prefixes: ['6.'], digits: [19, 19], wallet: 'wechat' },
      { prefixes: [], digits: [19, 19], wallet: 'wechat' },
      { prefixes: ['62'], digits: [20, 19], wallet: 'wechat' },
      { prefixes: ['62'], digits: [1, 900], wallet: 'wechat' },
    ])
      expect(table(line), JSON.stringify(line)).toBe(false);
  });

  it('each wallet’s own codes, to the digit', () => {
    const takers = ['wechat', 'alipay', 'unionpay'] as const;
    const whose = (code: string) => whoTakes(code, PAYMENT_CODES, takers);
    expect(whose('134567890123456789')).toBe('wechat');
    expect(whose('164567890123456789')).toBeNull();
    expect(whose('13456789012345678')).toBeNull();
    expect(whose('2812345678901234')).toBe('alipay');
    expect(whose('281234567890123')).toBeNull();
    expect(whose('300000000000000000000000')).toBe('alipay');
    expect(whose('3000000000000000000000000')).toBeNull();
    expect(whose('6212345678901234567')).toBe('unionpay');
    expect(whose('62123456789012345678')).toBeNull();
    expect(whose('13456789012345678x')).toBeNull();
  });
});

describe('a quote that is not by the tariff', () => {
  const [model] = accountsOf(1) as [ReturnType<typeof accountsOf>[number]];
  const tiers = [
    { uptoQuantity: 36_000, priceE4: 26_500 },
    { uptoQuantity: null, priceE4: 31_800 },
  ];
  const account: Account = {
    ...model,
    holderName: '李*国',
    tariff: { tariffId: model.tariffId, version: model.tariffVersion, tiers },
    claim: null,
  };
  const asked = { orderId: 'PL-1', cardNo: model.cardNo, nextCount: COUNT + 1, amountFen: 5_000 };
  const honest: Quote = { ...soldOffline(model, 1, 'PL-1'), ...priced(5_000, 15_500) };
  function priced(amountFen: number, carriedUsedMicro: number) {
    const p = priceAmount(amountFen, carriedUsedMicro, 35_000, tiers);
    return {
      amountFen,
      quantity: p.quantity,
      shares: [...p.shares],
      carriedUsedMicro,
      carriedAfterMicro: p.remainderMicro,
    };
  }

  it('what the company’s books brought along may be spent, however much', () => {
    const rich = { ...account, carriedMicro: 500_000 };
    const quote = { ...honest, ...priced(5_000, 500_000) };
    expect(quoteFault(quote, asked, rich)).toBeNull();
    expect(quoteFault(quote, asked, account)).not.toBeNull();
  });

  it('an honest one over two tiers is taken', () => {
    expect(honest.shares).toHaveLength(2);
    expect(quoteFault(honest, asked, account)).toBeNull();
  });

  it('¥50 never becomes 833 m³, however the sums are made to agree', () => {
    const [first, second] = honest.shares as [Quote['shares'][number], Quote['shares'][number]];
    const all = 5_000 * 10_000 + 15_500;
    const one = (share: Partial<Quote['shares'][number]>, over: Partial<Quote> = {}): Quote => {
      const s = { ...first, ...share };
      const made = { ...s, costMicro: s.priceE4 * s.quantity };
      const rest = all - made.costMicro;
      return {
        ...honest,
        shares: [made],
        quantity: made.quantity,
        carriedAfterMicro: rest,
        ...over,
      };
    };
    const forged: readonly Quote[] = [
      one({ priceE4: 0, quantity: 83_300 }),
      one({ priceE4: 600, quantity: 83_300 }),
      one({ priceE4: 600, quantity: 83_340 }),
      one({ tier: 3, priceE4: 600, quantity: 83_340 }),
      one({ quantity: 1 }),
      { ...honest, shares: [{ ...first, costMicro: 1 }, second] },
      { ...honest, quantity: 83_300 },
      { ...honest, carriedAfterMicro: honest.carriedAfterMicro + 1 },
      { ...honest, ...priced(5_000, 2_000_000_000) },
      { ...honest, tariffVersion: honest.tariffVersion + 1 },
      { ...honest, amountFen: 4_900 },
      { ...honest, nextCount: COUNT + 2 },
      { ...honest, cardNo: '8800003921' },
      { ...honest, orderId: 'PL-2' },
    ];
    for (const quote of forged)
      expect(quoteFault(quote, asked, account), JSON.stringify(quote)).not.toBeNull();
  });
});
