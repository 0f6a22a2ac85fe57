import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { listen } from '../../src/central/http/listen.ts';
import { json } from '../../src/central/http/request.ts';
import { PAYMENT_CODES, whoTakes } from '../../src/payment/codes.ts';
import { fetchSend } from '../../src/shared/http.ts';
import { policySchema } from '../../src/shared/policy.ts';
import { DEMO_DATA } from '../../src/demo/central-data.ts';

/** Somebody sits on the line, or at its other end. */
describe('an answer without an end', () => {
  it('is given up as soon as it is too large', async () => {
    const ALL = 256 << 20;
    let sent = 0;
    const piece = Buffer.alloc(1 << 16);
    const server = createServer((_request, response) => {
      const more = (): void => {
        while (sent < ALL) {
          sent += piece.length;
          if (!response.write(piece)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const answer = await fetchSend(fetch)({
      method: 'GET',
      origin: `http://127.0.0.1:${port}`,
      target: '/',
      headers: {},
      body: null,
      maxBytes: 1 << 20,
      signal: new AbortController().signal,
    });
    expect(answer.body).toBeNull();
    expect(sent).toBeLessThan(ALL / 4);
    server.closeAllConnections();
    server.close();
  });

  it('one that is not too large is read whole', async () => {
    const body = Buffer.alloc(300_000, 7);
    const server = createServer((_request, response) => void response.end(body));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const answer = await fetchSend(fetch)({
      method: 'GET',
      origin: `http://127.0.0.1:${port}`,
      target: '/',
      headers: {},
      body: null,
      maxBytes: body.length,
      signal: new AbortController().signal,
    });
    expect(Buffer.from(answer.body ?? []).equals(body)).toBe(true);
    server.close();
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
