import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openPostgres } from '../../src/central/db/postgres.ts';
import { sqlState } from '../../src/central/db/sql.ts';
import type { Db } from '../../src/central/db/sql.ts';
import { systemClock, systemRandom } from '../../src/main/ports.ts';
import { Cluster } from '../support/postgres.ts';

/** The one connection that keeps turns, when its line is bad. */
let cluster: Cluster;
let database: string;
const closing: (() => Promise<void> | void)[] = [];
beforeAll(async () => {
  cluster = await Cluster.start();
  database = await cluster.create();
});
afterAll(() => cluster.stop());
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});
async function opened(port = cluster.port): Promise<Db> {
  const db = await openPostgres({
    clock: systemClock,
    random: systemRandom,
    url: cluster.url(database).replace(`:${cluster.port}/`, `:${port}/`),
    statementMs: 200,
    connectMs: 300,
    aloneMs: 400,
  });
  closing.push(() => db.close());
  return db;
}
/** A line whose answers can be held back without a word, on the connections that are there. */
async function line(): Promise<{ port: number; said: string[]; mute: () => void }> {
  const said: string[] = [];
  const open: { near: Socket; mute: boolean }[] = [];
  const server = createServer((near) => {
    const far = connect(cluster.port, '127.0.0.1');
    const one = { near, mute: false };
    open.push(one);
    near.on('data', (chunk) => {
      said.push(chunk.toString('latin1'));
      far.write(chunk);
    });
    far.on('data', (chunk) => one.mute || near.write(chunk));
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    for (const { near } of open) near.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    said,
    mute: () => {
      for (const one of open) one.mute = true;
    },
  };
}

describe('a line that says nothing any more', () => {
  it('is left for another one', async () => {
    const { port, mute } = await line();
    const db = await opened(port);
    await db.alone('a', async () => undefined);
    mute();
    await expect(db.alone('b', async () => undefined)).rejects.toMatchObject({ name: 'DbError' });
    expect(await db.alone('c', async () => 'mine')).toBe('mine');
  });

  it('keeps no turn that nobody heard of', async () => {
    const { port, mute } = await line();
    const [db, other] = [await opened(port), await opened()];
    await db.alone('a', async () => undefined);
    mute();
    await expect(db.alone('b', async () => undefined)).rejects.toMatchObject({ name: 'DbError' });
    await expect.poll(() => other.alone('b', async () => 'mine').catch(() => 'busy')).toBe('mine');
  });
});

it('the server is told to look whether the process is still there', async () => {
  const { port, said } = await line();
  const db = await opened(port);
  await db.alone('a', async () => undefined);
  expect(said.join('')).toContain('SET tcp_keepalives_idle = 15');
});

it('a system’s error is no SQLSTATE', () => {
  expect(sqlState(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))).toBe('');
  expect(sqlState({ code: '40P01' })).toBe('40P01');
  expect(sqlState({ code: 'XX000' })).toBe('XX000');
});

it('a role without any rights but its database’s is enough', async () => {
  await cluster.ask('CREATE ROLE central LOGIN');
  await cluster.ask(`CREATE DATABASE plain OWNER central ENCODING 'UTF8' TEMPLATE template0`);
  const db = await openPostgres({
    clock: systemClock,
    random: systemRandom,
    url: cluster.url('plain').replace(/\/\/[^@]*@/, '//central@'),
  });
  closing.push(() => db.close());
  expect(await db.life()).toMatch(/^\d+\//);
});
