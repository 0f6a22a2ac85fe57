import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCentral } from '../../../src/central/central.ts';
import type { Central } from '../../../src/central/central.ts';
import type { OpenDoor } from '../../../src/central/http/listen.ts';
import { DEMO_DATA } from '../../../src/demo/central-data.ts';
import { quickSigner } from './harness.ts';
import { random, T, Town } from './gateway-town.ts';

describe('the three doors', () => {
  let town: Town;
  let central: Central;
  let doors: Record<'terminals' | 'pages' | 'staff', OpenDoor>;
  const make = (listen: Parameters<typeof createCentral>[0]['listen'] = {}): Central =>
    createCentral({
      db: town.db,
      ...DEMO_DATA,
      listen,
      policySigner: quickSigner('policy'),
      answerSigner: quickSigner('answers'),
      gatewaySigner: quickSigner('gateway'),
      verifierOf: quickSigner,
      now: () => town.clock.nowMs(),
      terminals: [{ terminalId: T, publicKeyPem: T }],
      payments: {
        wallets: town.wallets,
        publicUrl: 'https://pay.example.com',
        clock: { nowMs: () => town.clock.nowMs(), monoMs: () => 0, after: () => () => undefined },
        random,
      },
    });
  beforeAll(async () => {
    town = await Town.open();
    central = make();
    doors = await central.start();
  });
  afterAll(async () => {
    await central.close();
    await town.close();
  });
  const status = async (
    door: OpenDoor,
    path: string,
    init: Parameters<typeof fetch>[1] = {},
  ): Promise<number> =>
    (await fetch(`${door.baseUrl}${path}`, { ...init, redirect: 'manual' })).status;

  it('have ports of their own, and each answers what is its own alone', async () => {
    const { terminals, pages, staff } = doors;
    expect(new Set([terminals.port, pages.port, staff.port]).size).toBe(3);
    const post = { method: 'POST', body: '{}' };
    for (const [own, path, here, init] of [
      [terminals, '/v1/time', 200, {}],
      [terminals, '/v1/policy', 401, {}],
      [terminals, '/v1/payments/create', 401, post],
      [pages, '/q/nobody', 404, {}],
      [pages, '/pay/notify/wechat', 401, post],
      [staff, '/', 200, {}],
      [staff, '/console/data.json', 200, {}],
      [staff, '/console/epoch', 403, post],
    ] as const)
      for (const door of [terminals, pages, staff])
        expect(await status(door, path, init), `${path} at ${door.port}`).toBe(
          door === own ? here : 404,
        );
    // That one 404 is the page's own.
    expect(await (await fetch(`${pages.baseUrl}/q/nobody`)).text()).toContain('没有这笔付款');
  });

  it('without a gateway nothing is public', async () => {
    const other = createCentral({
      db: town.db,
      ...DEMO_DATA,
      policySigner: quickSigner('policy'),
      answerSigner: quickSigner('answers'),
      gatewaySigner: quickSigner('gateway'),
      now: () => town.clock.nowMs(),
      terminals: [],
    });
    const { pages, terminals } = await other.start();
    expect(await status(pages, '/q/nobody')).toBe(404);
    expect(await (await fetch(`${pages.baseUrl}/q/nobody`)).json()).toMatchObject({ status: 404 });
    expect(await status(terminals, '/v1/payments/create', { method: 'POST' })).toBe(404);
    await other.close();
  });

  it('every page of the console refuses whoever comes under a strange name', async () => {
    for (const target of ['/', '/console/data.json', '/console/reconcile', '/console/epoch'])
      expect(
        await central.staff({
          method: 'GET',
          target,
          headers: { host: 'evil.example' },
          body: new Uint8Array(0),
        }),
      ).toMatchObject({ status: 403 });
  });

  it('staff’s pages listen to no network: nothing opens then, and the reason has a name', async () => {
    const first = createServer();
    await new Promise<void>((done) => first.listen(0, '127.0.0.1', done));
    const free = (first.address() as AddressInfo).port;
    await new Promise((done) => first.close(done));
    for (const host of ['0.0.0.0', '::', '192.168.1.7', 'central.example', '127.0.0.1.example']) {
      const other = make({ terminals: { port: free }, staff: { host } });
      await expect(other.start(), host).rejects.toMatchObject({ code: 'STAFF_NOT_LOOPBACK' });
      await expect(fetch(`http://127.0.0.1:${free}/v1/time`)).rejects.toThrow();
      await other.close();
    }
    const here = make({ staff: { host: 'localhost' } });
    await here.start();
    await here.close();
    await central.open();
  });

  it('where one cannot listen none stays open', async () => {
    const taken = createServer();
    await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
    const { port } = taken.address() as AddressInfo;
    const first = createServer();
    await new Promise<void>((done) => first.listen(0, '127.0.0.1', done));
    const free = (first.address() as AddressInfo).port;
    await new Promise((done) => first.close(done));
    const other = make({ terminals: { port: free }, staff: { port } });
    await expect(other.start()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expect(fetch(`http://127.0.0.1:${free}/v1/time`)).rejects.toThrow();
    await other.close();
    await new Promise((done) => taken.close(done));
  });
});
