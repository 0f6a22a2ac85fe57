import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { httpInvoiceProvider } from '../../src/central/invoices/provider-http.ts';
import type { BlueRequest, InvoiceProvider } from '../../src/central/invoices/provider.ts';
import { systemClock } from '../../src/main/ports.ts';
import { INVOICES } from '../support/invoices.ts';
import { openRoom } from '../unit/central/harness.ts';
import { InvoiceRoom } from '../unit/central/invoice-room.ts';

/**
 * The provider of invoices, a process of its own that is killed between taking a request and
 * answering it, loses its answers and takes its time; and central that dies between what it stores
 * and what it sends. What is in the provider's file is what was issued.
 */
let dir: string;
let r: InvoiceRoom;
let child: ChildProcess | null = null;
let port = 0;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'pilotlight-invoices-'));
  r = await InvoiceRoom.open('sqlite', { invoices: { provider, config: INVOICES } });
});
afterEach(async () => {
  await stop();
  await r.close();
  rmSync(dir, { recursive: true, force: true });
  port = 0;
});

async function start(more: readonly string[] = []): Promise<void> {
  const args = ['--file', file(), '--secret', 's3', '--port', String(port)];
  const server = spawn(process.execPath, ['src/simulator/invoices/server.ts', ...args, ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child = server;
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  port = Number(line.toString());
}
async function stop(): Promise<void> {
  const was = child;
  child = null;
  if (was === null || was.exitCode !== null || was.signalCode !== null) return;
  was.kill('SIGKILL');
  await once(was, 'exit');
}
const file = (): string => join(dir, 'invoices.jsonl');
interface Line {
  readonly requestId: string;
  readonly state: string;
  readonly kind: string;
}
/** What the provider's file says of each request at last. */
const issued = (): readonly Line[] => {
  if (!existsSync(file())) return [];
  const lines = readFileSync(file(), 'utf8').split('\n').filter(Boolean);
  const last = new Map<string, Line>();
  for (const text of lines) {
    const line = JSON.parse(text) as Line;
    last.set(line.requestId, line);
  }
  return [...last.values()].filter((line) => line.state === 'issued');
};
const http = (secret = 's3'): InvoiceProvider =>
  httpInvoiceProvider({
    baseUrl: `http://127.0.0.1:${port === 0 ? 1 : port}`,
    secret,
    clock: systemClock,
    timeoutMs: 2_000,
  });
/** Its port changes with its first life. */
const provider: InvoiceProvider = {
  blue: (request) => http().blue(request),
  red: (request) => http().red(request),
  query: (asked) => http().query(asked),
};

it('issues at once, takes back, and issues anew', async () => {
  await start();
  const order = await r.sold();
  await r.make(order);
  expect(await r.states()).toEqual(['B1 issued']);
  const [row] = await r.rows();
  const picture = await fetch(row?.url ?? '');
  expect(picture.headers.get('content-type')).toBe('application/pdf');
  expect(Buffer.from(await picture.arrayBuffer()).toString('latin1')).toContain(row?.number);
  await r.reversed(`${order}-B1`);
  await r.make(order, '李秀英');
  expect(await r.states()).toEqual(['B1 reversed', 'R1 issued', 'B2 issued']);
  expect(issued().map((line) => line.kind)).toEqual(['blue', 'red', 'blue']);
});

it.each([
  ['is killed before it took it', ['--fault', 'die-before']],
  ['is killed when it had issued it', ['--fault', 'die-after']],
  ['loses its answer', ['--answers', 'lose']],
])('%s: the same id, one invoice', async (_name, more) => {
  await start(more);
  const order = await r.sold();
  await r.make(order);
  expect(await r.states()).toEqual(['B1 asked']);
  expect((await r.page(order)).body).toContain('正在开发票');
  await stop();
  await start();
  await r.later();
  expect(await r.states()).toEqual(['B1 issued']);
  expect(issued()).toHaveLength(1);
});

it.each(['die-before', 'die-after'])(
  'a red one whose provider “%s”: taken back once',
  async (fault) => {
    await start();
    const order = await r.sold();
    await r.make(order);
    await stop();
    await start(['--fault', fault]);
    await r.reversed(`${order}-B1`);
    expect(await r.states()).toEqual(['B1 issued', 'R1 asked']);
    await stop();
    await start();
    await r.later();
    expect(await r.states()).toEqual(['B1 reversed', 'R1 issued']);
    expect(issued().map((line) => line.kind)).toEqual(['blue', 'red']);
  },
);

it('takes its time, refuses, and is away', async () => {
  const [slow, bad, away] = [await r.sold(), await r.sold(), await r.sold()];
  await r.make(away);
  await start(['--answers', 'never']);
  await r.make(slow);
  const how = (answers: string): Promise<unknown> =>
    fetch(`http://127.0.0.1:${port}/_control`, {
      method: 'POST',
      body: JSON.stringify({ answers }),
    });
  await r.later();
  expect(await r.states()).toEqual(['B1 pending', 'B1 pending']);
  await how('refuse');
  await r.make(bad);
  expect((await r.page(bad)).body).toContain('购方名称与税号不符');
  await how('at-once');
  await r.later();
  expect(
    issued()
      .map((line) => line.requestId)
      .toSorted(),
  ).toEqual([`${slow}-B1`, `${away}-B1`].toSorted());
});

describe('central', () => {
  it('that dies after it stored that it sends, and before it does, has one invoice', async () => {
    await start();
    await r.close();
    let dead = true;
    const dying: InvoiceProvider = {
      ...provider,
      blue: (request) => (dead ? new Promise(() => undefined) : provider.blue(request)),
    };
    r = await InvoiceRoom.open('sqlite', { invoices: { provider: dying, config: INVOICES } });
    const order = await r.sold();
    void r.make(order);
    while ((await r.rows()).every((row) => row.sent_ms === null))
      await new Promise((resolve) => setImmediate(resolve));
    dead = false;
    const { db, now } = r.room;
    // Another process on the same database.
    const again = await openRoom({ ...db, close: () => Promise.resolve() }, 1, {
      invoices: { provider, config: INVOICES },
    });
    again.now = now + 3_700_000;
    await again.central.sweepPayments();
    expect(await r.states()).toEqual(['B1 issued']);
    expect(issued()).toHaveLength(1);
    await again.close();
  });

  it('believes no other answer than one about the very id and sum, by the right secret', async () => {
    await start();
    const request: BlueRequest = {
      requestId: 'B1',
      amountFen: 100,
      askedMs: 1,
      buyer: { kind: 'person', name: '个人', taxNo: null },
      seller: { name: '甲', taxNo: '91350100M000100Y43' },
      lines: [],
      remark: '',
    };
    expect(await http('wrong').blue(request)).toMatchObject({ kind: 'unknown' });
    expect(await http().query(request)).toEqual({ kind: 'unheard' });
    expect(await http().blue(request)).toMatchObject({ kind: 'issued', buyerName: '个人' });
    const right = {
      state: 'issued',
      requestId: 'B1',
      number: '1'.repeat(20),
      issuedMs: 1,
      url: 'https://i.example.com/1.pdf',
      amountFen: 100,
      buyerName: '个人',
    };
    const lying = (body: unknown): InvoiceProvider =>
      httpInvoiceProvider({
        baseUrl: 'http://provider/v1',
        secret: '',
        clock: systemClock,
        timeoutMs: 1_000,
        send: () =>
          Promise.resolve({
            status: 200,
            header: () => null,
            body: Buffer.from(JSON.stringify(body)),
          }),
      });
    expect(await lying(right).query(request)).toMatchObject({ kind: 'issued' });
    for (const wrong of [
      { ...right, requestId: 'B2' },
      { ...right, amountFen: 99 },
      { ...right, number: '1'.repeat(19) },
      { ...right, url: 'javascript:alert(1)' },
      { ...right, url: 'http://i.example.com/1.pdf' },
      { state: 'ok', requestId: 'B1' },
    ]) {
      expect(await lying(wrong).blue(request)).toMatchObject({ kind: 'unknown' });
      expect(await lying(wrong).query(request)).toMatchObject({ kind: 'unknown' });
    }
    // Said to what was sent, it would be a promise to send again under another id.
    expect(await lying({ state: 'unheard', requestId: 'B1' }).blue(request)).toMatchObject({
      kind: 'unknown',
    });
  });
});
