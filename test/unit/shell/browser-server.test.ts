import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { PortTakenError, startBrowserShell } from '../../../src/main/browser/server.ts';
import type { BrowserShell } from '../../../src/main/browser/server.ts';

let dir: string;
let shell: BrowserShell;
const TOKEN = 'correct-horse-battery-staple';

function options(port = 0, mode = 'ok'): Parameters<typeof startBrowserShell>[0] {
  return {
    port,
    rendererDir: dir,
    token: TOKEN,
    log: () => undefined,
    core: {
      nodePath: process.execPath,
      args: [path.resolve('test/support/fake-core.mjs'), mode],
    },
  };
}
beforeEach(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'browser-shell-'));
  mkdirSync(path.join(dir, 'assets'));
  writeFileSync(path.join(dir, 'index.html'), '<!doctype html><title>kiosk</title>');
  writeFileSync(path.join(dir, 'assets', 'a-1.js'), 'export {};');
  writeFileSync(path.join(dir, 'secret.key'), 'no');
  shell = await startBrowserShell(options());
});
afterEach(async () => {
  await shell.close();
  rmSync(dir, { recursive: true, force: true });
});

const cookie = (): string => `pilotlight-${shell.port}=${TOKEN}`;
function get(
  target: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: '127.0.0.1',
        port: shell.port,
        path: target,
        method,
        headers: { Host: `127.0.0.1:${shell.port}`, ...headers },
      },
      (answer) => {
        let body = '';
        answer.on('data', (chunk) => {
          body += String(chunk);
        });
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }),
        );
      },
    );
    call.on('error', reject);
    call.end();
  });
}
function open(headers: Record<string, string> = {}): Promise<{
  socket: WebSocket;
  messages: { type: string; snapshot?: { screen: string; locale: string; revision: number } }[];
}> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${shell.port}/ws`, {
      headers: { Cookie: cookie(), Origin: `http://127.0.0.1:${shell.port}`, ...headers },
    });
    const messages: {
      type: string;
      snapshot?: { screen: string; locale: string; revision: number };
    }[] = [];
    socket.on('message', (data) =>
      messages.push(JSON.parse(String(data)) as (typeof messages)[number]),
    );
    socket.on('open', () => resolve({ socket, messages }));
    socket.on('unexpected-response', (_request, response) =>
      reject(new Error(String(response.statusCode))),
    );
    socket.on('error', reject);
  });
}
async function until(what: () => boolean): Promise<void> {
  const end = Date.now() + 8_000;
  while (!what()) {
    if (Date.now() > end) throw new Error('not reached');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
const closeCode = (socket: WebSocket): Promise<number> =>
  new Promise((resolve) => socket.on('close', (code) => resolve(code)));

describe('browser shell: pages', () => {
  it('takes the token once, sets a strict cookie and leaves the address', async () => {
    const answer = await get(`/?token=${TOKEN}`);
    expect(answer.status).toBe(303);
    expect(answer.headers.location).toBe('/');
    expect(answer.headers['set-cookie']?.[0]).toBe(
      `${cookie()}; HttpOnly; SameSite=Strict; Path=/`,
    );
    expect((await get('/', { Cookie: cookie() })).body).toContain('kiosk');
  });

  it('gives nothing without the cookie or with a wrong one', async () => {
    for (const headers of [
      {},
      { Cookie: `pilotlight-${shell.port}=wrong` },
      { Cookie: `other=${TOKEN}` },
    ]) {
      const answer = await get('/', headers);
      expect(answer.status).toBe(401);
      expect(answer.body).not.toContain('kiosk');
    }
    expect((await get('/?token=wrong')).status).toBe(401);
    expect((await get('/assets/a-1.js')).status).toBe(401);
  });

  it('answers only to its own names', async () => {
    expect((await get('/', { Cookie: cookie(), Host: `localhost:${shell.port}` })).status).toBe(
      200,
    );
    for (const host of [
      'evil.example',
      `evil.example:${shell.port}`,
      '127.0.0.1',
      `127.0.0.1:${shell.port + 1}`,
    ])
      expect((await get('/', { Cookie: cookie(), Host: host })).status).toBe(421);
    expect(
      (await get(`/?token=${TOKEN}`, { Host: 'evil.example' })).headers['set-cookie'],
    ).toBeUndefined();
  });

  it('sends the strict headers with every answer', async () => {
    for (const answer of [
      await get('/', { Cookie: cookie() }),
      await get('/'),
      await get('/nothing', { Cookie: cookie() }),
    ]) {
      const csp = String(answer.headers['content-security-policy']);
      for (const part of [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
      ])
        expect(csp.split('; ')).toContain(part);
      expect(csp).not.toContain('unsafe');
      expect(answer.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      });
    }
  });

  it('serves a closed map', async () => {
    expect((await get('/assets/a-1.js', { Cookie: cookie() })).headers['cache-control']).toContain(
      'immutable',
    );
    for (const target of [
      '/secret.key',
      '/../package.json',
      '/assets/..%2f..%2fpackage.json',
      '//etc/passwd',
      '/assets/',
    ])
      expect((await get(target, { Cookie: cookie() })).status).toBe(404);
    expect((await get('/', { Cookie: cookie() }, 'POST')).status).toBe(405);
  });

  it('names a port that is taken and leaves no core behind', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const address = blocker.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(startBrowserShell(options(port))).rejects.toThrow(PortTakenError);
    await expect(startBrowserShell(options(port))).rejects.toThrow(String(port));
    blocker.close();
  });
});

describe('browser shell: socket', () => {
  it('sends the snapshot at once and passes intents to the core, for several pages', async () => {
    const one = await open();
    const two = await open();
    await until(() => one.messages.at(-1)?.snapshot?.screen === 'start' && two.messages.length > 0);
    const revision = one.messages.at(-1)?.snapshot?.revision ?? 0;
    one.socket.send(
      JSON.stringify({
        type: 'intent',
        intent: { type: 'set-locale', value: 'en', screen: 'start', revision },
      }),
    );
    await until(() =>
      [one, two].every((page) =>
        page.messages.some((message) => message.snapshot?.locale === 'en'),
      ),
    );
    one.socket.close();
    two.socket.close();
  });

  it('refuses a foreign origin, none, a foreign host and a missing cookie', async () => {
    await expect(open({ Origin: 'http://evil.example' })).rejects.toThrow('403');
    await expect(open({ Origin: '' })).rejects.toThrow('403');
    await expect(open({ Origin: `http://localhost:${shell.port}` })).rejects.toThrow('403');
    await expect(open({ Host: 'evil.example', Origin: 'http://evil.example' })).rejects.toThrow(
      '421',
    );
    await expect(open({ Cookie: '' })).rejects.toThrow('401');
  });

  it('closes a page that sends anything but an intent', async () => {
    for (const bad of [
      '{',
      '[]',
      '{"type":"hello"}',
      JSON.stringify({
        type: 'intent',
        intent: { type: 'pay', value: -1, screen: 'amount', revision: 1 },
      }),
      JSON.stringify({ type: 'shutdown' }),
    ]) {
      const { socket } = await open();
      const code = closeCode(socket);
      socket.send(bad);
      expect(await code, bad).toBe(1008);
    }
    const binary = await open();
    const code = closeCode(binary.socket);
    binary.socket.send(Buffer.from('{}'));
    expect(await code).toBe(1008);
  });

  it('lets go of a page that reads nothing any more, and of no other', async () => {
    await shell.close();
    shell = await startBrowserShell(options(0, 'flood'));
    const [stuck, other] = [await open(), await open()];
    await until(() => other.messages.some((m) => m.snapshot?.screen === 'start'));
    const gone = closeCode(stuck.socket);
    stuck.socket.pause();
    const { revision } = other.messages.at(-1)?.snapshot ?? { revision: 0 };
    other.socket.send(
      JSON.stringify({
        type: 'intent',
        intent: { type: 'set-locale', value: 'en', screen: 'start', revision },
      }),
    );
    await until(() => other.messages.filter((m) => m.snapshot?.locale === 'en').length > 0);
    expect(other.messages.length).toBeGreaterThan(200);
    stuck.socket.resume();
    expect(await gone).toBe(1006);
    expect(stuck.messages.length).toBeLessThan(200);
    other.socket.close();
  }, 20_000);

  it('closes a page that sends too much at once', async () => {
    const { socket } = await open();
    const big = closeCode(socket);
    socket.send('x'.repeat(5_000));
    expect(await big).toBe(1009);
    const flood = await open();
    const code = closeCode(flood.socket);
    for (let i = 0; i < 60; i += 1)
      flood.socket.send(
        JSON.stringify({
          type: 'intent',
          intent: { type: 'more-time', screen: 'amount', revision: 1 },
        }),
      );
    expect(await code).toBe(1008);
  });
});
