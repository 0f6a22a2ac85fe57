import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock, systemRandom } from '../../src/main/ports.ts';
import { openPostgres } from '../../src/central/db/postgres.ts';
import { CLAIM_MS } from '../../src/shared/central-api/index.ts';
import { Cluster } from '../support/postgres.ts';
import { Unprivileged } from '../support/unprivileged.ts';
import { accountsOf, Company } from './company.ts';
import { faults, open } from './invariants.ts';
import { business, Kiosk, settleAll, Street } from './kiosk.ts';

/** What a database does to central: kiosks are told what is missing, and the books are whole. */
let company: Company;
beforeAll(() => {
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
});
const clusters: Cluster[] = [];
async function started(...options: Parameters<typeof Cluster.start>): Promise<Cluster> {
  const cluster = await Cluster.start(...options);
  clusters.push(cluster);
  return cluster;
}
afterEach(() => company.close());
afterAll(async () => {
  for (const cluster of clusters) await cluster.stop();
});
const whole = async (): Promise<void> => {
  expect(await faults(company)).toEqual([]);
  expect(await open(company)).toEqual([]);
};
/** A line to the server that ends the moment a COMMIT was answered, before anybody heard it. */
async function cutAtCommit(
  port: number,
): Promise<{ port: number; armed: boolean; cuts: number; close: () => void }> {
  const state = { port: 0, armed: false, cuts: 0, close: () => undefined as void };
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    let committing = false;
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    near.on('data', (chunk) => {
      if (state.armed && chunk.includes('COMMIT')) committing = true;
      far.write(chunk);
    });
    far.on('data', (chunk) => {
      if (!committing) return void near.write(chunk);
      state.cuts += 1;
      end();
    });
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.port = (server.address() as AddressInfo).port;
  state.close = () => void server.close();
  return state;
}

describe('a line that is cut between the commit and its answer', () => {
  it('is not known to have committed: asked again, it is the same', async () => {
    const cluster = await started();
    const line = await cutAtCommit(cluster.port);
    company = await Company.open(cluster, { offices: 1, terminals: 1, accounts: accountsOf(2) });
    const direct = company.offices.splice(0);
    const url = cluster.url(company.database).replace(`:${cluster.port}/`, `:${line.port}/`);
    const db = await openPostgres({ clock: systemClock, random: systemRandom, url });
    await company.addOffice(db);
    line.armed = true;
    const id = company.orderId(0);
    expect(await company.quote(0, 0, id)).toMatchObject({
      ok: false,
      error: { code: 'BILL-0101' },
    });
    line.armed = false;
    const q = await company.quoted(0, 0, id);
    const journal = company.journal(0);
    journal.quoted(id, q, company.account(0).userNo);
    journal.paid(id, q.amountFen);
    journal.delivered(id, q);
    line.armed = true;
    await expect(company.upload(0)).rejects.toThrow('away');
    line.armed = false;
    expect(await company.upload(0)).toEqual([]);
    expect(line.cuts).toBe(2);
    expect(
      await company.rows(`SELECT kind FROM ledger WHERE kind IN ('captured', 'delivered')`),
    ).toHaveLength(2);
    await whole();
    line.close();
    for (const { central, db: other } of direct) {
      await central.close();
      await other.close();
    }
  });
});

describe('a disk that is full', () => {
  const user = new Unprivileged();
  const dataDir = join(user.folder, 'disk', 'data');
  mkdirSync(join(user.folder, 'disk'));
  /** Root may give a server a small disk of its own. */
  const mounted =
    spawnSync('mount', [
      '-t',
      'tmpfs',
      '-o',
      'size=80m,mode=0777',
      'tmpfs',
      join(user.folder, 'disk'),
    ]).status === 0;
  afterAll(() => {
    if (mounted) spawnSync('umount', ['-l', join(user.folder, 'disk')]);
    user.dispose();
  });

  it.skipIf(!mounted)(
    'nothing is acknowledged that is not held, and with room again it goes on',
    async () => {
      const cluster = await started(
        { dataDir, settings: ['max_wal_size = 32MB', 'min_wal_size = 32MB', 'wal_recycle = off'] },
        user,
      );
      company = await Company.open(cluster, { offices: 2, terminals: 4, accounts: accountsOf(8) });
      const street = new Street(company, 411);
      const kiosks = company.journals.map((_, i) => new Kiosk(street, i));
      await business(kiosks, 3);
      const { bavail, bsize } = statfsSync(join(user.folder, 'disk'));
      const ballast = join(user.folder, 'disk', 'ballast');
      writeFileSync(ballast, Buffer.alloc(bavail * bsize));
      // Facts of some size: the files of the tables have to grow.
      const journal = company.journal(0);
      for (let n = 0; n < 400; n++)
        journal.raw('clock-step', null, { stepMs: 1, why: String(n).repeat(2_000) });
      let told = false;
      const telling = (kiosks[0] as Kiosk).tell().then(() => (told = true));
      await expect.poll(() => street.seen['told again'] ?? 0).toBeGreaterThan(2);
      rmSync(ballast);
      // A server that could not write its log has ended, and is started again.
      for (; !told; await pause(20)) await cluster.revive();
      await telling;
      await business(kiosks, 3);
      await settleAll(street, kiosks);
      await whole();
    },
  );
});

describe('a standby that is promoted, the last second being lost', () => {
  it('kiosks are told what is missing and tell it again; no refund meanwhile that another one’s write could meet', async () => {
    const primary = await started({ settings: ['wal_level = replica'] });
    company = await Company.open(primary, { offices: 2, terminals: 6, accounts: accountsOf(8, 2) });
    const street = new Street(company, 511);
    const kiosks = company.journals.map((_, i) => new Kiosk(street, i));
    const torn = { ...(await company.inDoubt(0, 0)), account: 0, kiosk: 0 };
    const itsCard = street.cards[0] as Street['cards'][number];
    itsCard.taken = true;
    await business(kiosks, 4);

    const dataDir = join(primary.user.folder, 'standby');
    mkdirSync(dataDir, { mode: 0o700 });
    primary.user.give(dataDir);
    primary.run('pg_basebackup', [
      '--pgdata',
      dataDir,
      '--checkpoint',
      'fast',
      '--write-recovery-conf',
      '--wal-method',
      'stream',
      '--dbname',
      primary.url('postgres'),
      '--no-sync',
    ]);
    const standby = await started({ dataDir, made: true }, primary.user);
    const [{ lsn } = { lsn: '' }] = await primary.ask<{ lsn: string }>(
      'SELECT pg_current_wal_lsn()::text AS lsn',
    );
    await expect
      .poll(
        async () =>
          (await standby.ask('SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS there', [lsn]))[0],
      )
      .toEqual({ there: true });
    // From here on nothing reaches it any more, and everything is acknowledged.
    await standby.ask(`ALTER SYSTEM SET primary_conninfo = ''`);
    await standby.ask('SELECT pg_reload_conf()');
    await expect.poll(() => standby.ask('SELECT 1 FROM pg_stat_wal_receiver')).toEqual([]);
    await business(kiosks, 4);
    const facts = company.journals.reduce((n, j) => n + j.events.length, 0);
    const [held] = await company.rows<{ n: string }>('SELECT COUNT(*) AS n FROM journal_events');
    expect(Number(held?.n)).toBe(facts);

    await primary.kill();
    await standby.ask('SELECT pg_promote()');
    await company.move(standby);
    const [left] = await company.rows<{ n: string }>('SELECT COUNT(*) AS n FROM journal_events');
    expect(Number(left?.n)).toBeLessThan(facts);
    // Another kiosk's write claim on it, and its word, may be among what is lost.
    company.now += CLAIM_MS + 1;
    await company.upload(0);
    const write = await company.client(0).claim(torn.id, 'write', torn.q.cardNo);
    expect(write.ok).toBe(true);
    const since = write.ok ? write.value.serverTimeMs : 0;
    expect(await company.client(0).claim(torn.id, 'refund', torn.q.cardNo, since)).toMatchObject({
      ok: false,
      error: { code: 'BILL-0105' },
    });
    street.doubts.push(torn);
    itsCard.taken = false;
    await business(kiosks, 2);
    await settleAll(street, kiosks);
    expect(street.seen['told what is missing']).toBeGreaterThan(0);
    await whole();
  });
});
