import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../src/main/ports.ts';
import { openPostgres } from '../../src/central/db/postgres.ts';
import type { PostgresOptions } from '../../src/central/db/postgres.ts';
import type { Db, Script } from '../../src/central/db/sql.ts';
import { Cluster } from '../support/postgres.ts';

/** What central builds on, asked of the server itself. */
let cluster: Cluster;
let database: string;
const dbs: Db[] = [];
const said: string[] = [];
beforeAll(async () => {
  cluster = await Cluster.start();
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ed25519',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=127.0.0.1',
    '-addext',
    'subjectAltName=IP:127.0.0.1',
    '-keyout',
    'key.pem',
    '-out',
    'cert.pem',
  );
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ed25519',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=other',
    '-keyout',
    'other-key.pem',
    '-out',
    'other.pem',
  );
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  database = await cluster.create();
  said.length = 0;
});
afterEach(async () => {
  await Promise.all(dbs.splice(0).map((db) => db.close()));
});
async function open(over: Partial<PostgresOptions> = {}): Promise<Db> {
  const db = await openPostgres({
    clock: systemClock,
    random: systemRandom,
    url: cluster.url(database),
    log: (message) => said.push(message),
    ...over,
  });
  dbs.push(db);
  return db;
}
const file = (name: string): string => join(cluster.user.folder, name);
function openssl(...args: readonly string[]): void {
  const r = spawnSync('openssl', args, { cwd: cluster.user.folder, encoding: 'utf8' });
  if (r.status !== 0) throw new Error(r.stderr);
  for (const name of args.filter((a) => a.endsWith('.pem'))) {
    cluster.user.give(file(name));
    chmodSync(file(name), 0o600);
  }
}
const pairs = async (db: Db): Promise<void> =>
  db.exec(
    "CREATE TABLE pairs (id text PRIMARY KEY, n bigint); INSERT INTO pairs VALUES ('a', 0), ('b', 0)",
  );
const raise = (sql: Script, id: string) =>
  sql.query('UPDATE pairs SET n = n + 1 WHERE id = $1', [id]);

describe('a transaction', () => {
  it('that met another one in a deadlock is begun again, and both count', async () => {
    const db = await open();
    await pairs(db);
    let met: () => void = () => undefined;
    let there = 0;
    const both = new Promise<void>((resolve) => (met = resolve));
    const inOrder = (...ids: readonly [string, string]) =>
      db.transaction(async (tx) => {
        await raise(tx, ids[0]);
        if (++there === 2) met();
        await both;
        await raise(tx, ids[1]);
      });
    await Promise.all([inOrder('a', 'b'), inOrder('b', 'a')]);
    expect(await db.query('SELECT n FROM pairs')).toEqual([{ n: 2 }, { n: 2 }]);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/begun again/);
  });

  it('that could not be put in a row with others is begun again', async () => {
    const db = await open();
    await pairs(db);
    let tries = 0;
    await db.transaction(async (tx) => {
      await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      await tx.query('SELECT n FROM pairs');
      if (++tries === 1) await raise(db, 'a');
      await raise(tx, 'a');
    });
    expect(tries).toBe(2);
    expect(await db.query(`SELECT n FROM pairs WHERE id = 'a'`)).toEqual([{ n: 2 }]);
  });

  it('in which a statement failed is never taken for committed', async () => {
    const db = await open();
    await pairs(db);
    const quiet = db.transaction(async (tx) => {
      await raise(tx, 'a');
      await tx.query('SELECT 1 / 0').catch(() => undefined);
    });
    await expect(quiet).rejects.toThrow('cannot be committed');
    expect(await db.query(`SELECT n FROM pairs WHERE id = 'a'`)).toEqual([{ n: 0 }]);
  });

  it('whose connection is lost counts not at all, and the next one has another connection', async () => {
    const db = await open({ connections: 1 });
    await pairs(db);
    const lost = db.transaction(async (tx) => {
      await raise(tx, 'a');
      const [me] = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await cluster.ask('SELECT pg_terminate_backend($1)', [me?.pid]);
      await raise(tx, 'b');
    });
    await expect(lost).rejects.toMatchObject({ name: 'DbError', kind: 'away' });
    await db.transaction((tx) => raise(tx, 'b'));
    expect(await db.query('SELECT id, n FROM pairs ORDER BY id')).toEqual([
      { id: 'a', n: 0 },
      { id: 'b', n: 1 },
    ]);
  });

  it('waits for nobody’s lock for ever, nor for a statement', async () => {
    const db = await open({ lockMs: 100, statementMs: 300 });
    await pairs(db);
    await db.transaction(async (tx) => {
      await raise(tx, 'a');
      await expect(raise(db, 'a')).rejects.toMatchObject({ name: 'DbError', kind: 'busy' });
    });
    await expect(db.query('SELECT pg_sleep(5)')).rejects.toMatchObject({ kind: 'busy' });
  });
});

describe('turns', () => {
  it('are one process’s after another', async () => {
    const [one, two] = [await open(), await open()];
    const order: string[] = [];
    let go: () => void = () => undefined;
    const first = one.alone('trade 1', async () => {
      order.push('first');
      await new Promise<void>((resolve) => (go = resolve));
      order.push('first is over');
    });
    await expect.poll(() => order.length).toBe(1);
    const second = two.alone('trade 1', async () => void order.push('second'));
    await two.alone('trade 2', async () => void order.push('another'));
    go();
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'another', 'first is over', 'second']);
  });

  it('are let go by a process that is gone, and not waited for for ever', async () => {
    const [one, two] = [await open(), await open({ aloneMs: 60 })];
    let go: () => void = () => undefined;
    let begun = false;
    const held = one.alone('trade 1', () => {
      begun = true;
      return new Promise<void>((resolve) => (go = resolve));
    });
    await expect.poll(() => begun).toBe(true);
    await expect(two.alone('trade 1', async () => undefined)).rejects.toMatchObject({
      kind: 'busy',
    });
    await cluster.ask(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'pilotlight central turns' AND datname = $1
         AND EXISTS (SELECT 1 FROM pg_locks l WHERE l.pid = pg_stat_activity.pid
           AND l.locktype = 'advisory')`,
      [database],
    );
    expect(await two.alone('trade 1', async () => 'mine')).toBe('mine');
    go();
    await held;
    expect(await one.alone('trade 1', async () => 'again')).toBe('again');
  });
});

describe('a server', () => {
  it('that forgets at a power cut, only reads, or is too far away for a bare line is refused', async () => {
    await cluster.ask(`ALTER DATABASE ${database} SET synchronous_commit = off`);
    await expect(open()).rejects.toThrow('synchronous_commit is off');
    await expect(open({ mayForget: true })).resolves.toBeDefined();
    await cluster.ask(`ALTER DATABASE ${database} SET default_transaction_read_only = on`);
    await expect(open()).rejects.toThrow('read-only');
    for (const url of ['postgres://x@db.example.com/y', 'postgres://x@10.0.0.7/y?sslmode=require'])
      await expect(open({ url })).rejects.toThrow('sslmode=verify-full');
    await expect(open({ url: 'not an address' })).rejects.toThrow('no postgres:// URL');
    await expect(open({ url: 'postgres://x@127.0.0.1:1/y' })).rejects.toMatchObject({
      kind: 'away',
    });
  });

  it('is known by its certificate', async () => {
    await cluster.ask(`ALTER SYSTEM SET ssl_cert_file = '${file('cert.pem')}'`);
    await cluster.ask(`ALTER SYSTEM SET ssl_key_file = '${file('key.pem')}'`);
    await cluster.ask('ALTER SYSTEM SET ssl = on');
    await cluster.ask('SELECT pg_reload_conf()');
    const url = (ca: string): string =>
      cluster.url(database, `?sslmode=verify-full&sslrootcert=${encodeURIComponent(file(ca))}`);
    let db: Db | undefined;
    await expect.poll(async () => (db = await open({ url: url('cert.pem') }))).toBeDefined();
    expect(await db?.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')).toEqual([
      { ssl: true },
    ]);
    await expect(open({ url: url('other.pem') })).rejects.toMatchObject({ kind: 'away' });
  });
});
