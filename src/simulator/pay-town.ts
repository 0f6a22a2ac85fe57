import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AlipayFaults, AlipaySandbox } from './alipay/sandbox.ts';
import type { SandboxAnswer, SandboxFaults, WechatSandbox } from './wechat/sandbox.ts';

/** Both gateways behind one port, with one pretend phone for both (`/_control/…`), as the demo hall needs them. */
export interface PayTown {
  readonly start: () => Promise<{ readonly port: number }>;
  readonly close: () => Promise<void>;
}

const MAX_REQUEST_BYTES = 64 * 1024;
/** Which of the two a request is for. */
export const isAlipays = (path: string): boolean => path === '/gateway.do' || path.startsWith('/v3/alipay/') || path.startsWith('/alipay-bill/');
/** Alipay's codes: its own links, and payment codes that begin with 25 to 30. */
export const isAlipayCode = (codeUrl: string): boolean => codeUrl.startsWith('https://qr.alipay.com/') || /^auth:(2[5-9]|30)/.test(codeUrl);

export function createPayTown(port: number, wechat: WechatSandbox, alipay: AlipaySandbox): PayTown {
  const record = (body: Buffer): Record<string, unknown> | null => {
    try {
      const json: unknown = body.length === 0 ? {} : JSON.parse(body.toString('utf8'));
      return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Record<string, unknown>) : null;
    } catch {
      return null;
    }
  };

  function controlled(method: string, path: string, body: Buffer, res: ServerResponse): void {
    const reply = (status: number, value: unknown): void => void res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
    const json = record(body);
    if (json === null) return reply(400, { error: 'not a JSON object' });
    const codeUrl = typeof json['codeUrl'] === 'string' ? json['codeUrl'] : '';
    const ours = isAlipayCode(codeUrl);
    switch (`${method} ${path.slice('/_control'.length)}`) {
      case 'GET /books': {
        const [w, a] = [wechat.control.books(), alipay.control.books()];
        return reply(200, { orders: [...w.orders, ...a.orders].toSorted((x, y) => x.createdAtMs - y.createdAtMs), refunds: [...w.refunds, ...a.refunds] });
      }
      case 'POST /pay':
        return reply(200, ours ? alipay.control.pay({ codeUrl, late: json['late'] === true }) : wechat.control.pay({ codeUrl, late: json['late'] === true, fail: json['fail'] === true }));
      case 'POST /scan':
        return reply(200, ours ? alipay.control.scan({ codeUrl }) : wechat.control.scan({ codeUrl }));
      case 'POST /faults': {
        // `at` keeps a fault to one of the two.
        const { at, ...faults } = json;
        if (at !== 'alipay') wechat.control.faults(faults as SandboxFaults);
        if (at !== 'wechat') alipay.control.faults(faults as AlipayFaults);
        return reply(200, {});
      }
      case 'POST /release-refunds':
        wechat.control.releaseRefunds();
        alipay.control.releaseRefunds();
        return reply(200, {});
      case 'POST /mend-refunds':
        wechat.control.mendRefunds();
        return reply(200, {});
      default:
        return reply(404, { error: `no ${method} ${path}` });
    }
  }

  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_REQUEST_BYTES) req.destroy();
      else chunks.push(chunk);
    });
    req.on('error', () => undefined);
    req.on('end', () => {
      const body = Buffer.concat(chunks);
      const { pathname } = new URL(req.url ?? '/', 'http://town');
      if (pathname.startsWith('/_control/')) return controlled(req.method ?? '', pathname, body, res);
      const exchange = (isAlipays(pathname) ? alipay : wechat).handle({ method: req.method ?? '', target: req.url ?? '/', headers: req.headers, body });
      void (async () => {
        if (exchange.delayMs > 0) await sleep(exchange.delayMs);
        const answer: SandboxAnswer = exchange.answer(!res.destroyed);
        if (answer.dropped) req.socket.destroy();
        else res.writeHead(answer.status, { ...answer.headers }).end(answer.body.length === 0 ? undefined : answer.body);
      })().catch(() => res.destroy());
    });
  });
  return {
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, '127.0.0.1', () => {
          server.off('error', reject);
          resolve({ port: (server.address() as AddressInfo).port });
        });
      }),
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      await Promise.all([wechat.close(), alipay.close()]);
    },
  };
}
