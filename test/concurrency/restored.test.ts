import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from '../support/postgres.ts';
import { accountsOf, Company } from './company.ts';

/** No refund claim where central may know less than a card does. */
let cluster: Cluster;
let company: Company;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster.stop());
afterEach(() => company.close());
const start = async (terminals = 3): Promise<void> => {
  company = await Company.open(cluster, { terminals, accounts: accountsOf(4, 1) });
};
const office = (i: number) => company.offices[i] as Company['offices'][number];
const DAY_MS = 24 * 3_600_000;
const held = () => company.held();
const sold = (terminal: number, n: number) => company.sellOffline(terminal, n);
describe('a refund claim', () => {
  it('is not granted beside a delivery that waits: its own kiosk’s, which forgot it, or another’s', async () => {
    await start();
    const own = sold(0, 2);
    company.journal(0).delivered(own.id, own.q);
    await company.upload(0);
    const read = sold(1, 3);
    company.journal(1).delivering(read.id, read.q);
    company.journal(1).inDoubt(read.id);
    await company.upload(1);
    company.journal(2).assisted(company.journal(1).terminalId, read.id, read.q, 'after');
    await company.upload(2);
    expect(await held()).toHaveLength(2);
    for (const [terminal, { id, q }] of [
      [0, own],
      [1, read],
    ] as const)
      expect(await company.client(terminal).claim(id, 'refund', q.cardNo)).toMatchObject({
        ok: false,
      });
  });

  it('waits for every kiosk after a backup was put back that is older than a day', async () => {
    await start();
    const { id, q } = await company.inDoubt(0, 0);
    await company.upload(1);
    company.now += 2 * DAY_MS;
    const front = office(0);
    const restored = { ...front.db, life: () => Promise.resolve('another') };
    company.offices.splice(0, 1);
    const last = company.offices.length;
    await company.addOffice(restored);
    await company.upload(0, last);
    const claim = () => company.client(0, last).claim(id, 'refund', q.cardNo);
    expect(await claim()).toMatchObject({ ok: false, error: { code: 'BILL-0105' } });
    await company.upload(1, last);
    expect(await claim()).toMatchObject({ ok: true });
    await front.central.close();
  });

  it('a dump that was put back on the same server is another history', async () => {
    await start(1);
    const before = await office(0).db.life();
    const file = `${cluster.dataDir}/dump`;
    cluster.run('pg_dump', ['-Fc', '-f', file, cluster.url(company.database)]);
    expect(await office(0).db.life()).toBe(before);
    cluster.run('pg_restore', ['--clean', '-d', cluster.url(company.database), file]);
    expect(await office(0).db.life()).not.toBe(before);
  });
});
