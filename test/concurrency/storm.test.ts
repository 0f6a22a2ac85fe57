import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Cluster } from '../support/postgres.ts';
import { accountsOf, Company } from './company.ts';
import { faults, open } from './invariants.ts';
import { Kiosk, settleAll, Street } from './kiosk.ts';

/**
 * Many honest kiosks at once, at three centrals on one database, over few accounts; whatever is
 * killed under them, in the end the books are whole and nothing waits for a person.
 */
const FULL = process.env['PILOTLIGHT_FULL'] === '1';
const KIOSKS = 12;
const VISITS = FULL ? 250 : 14;

let cluster: Cluster;
let company: Company;
beforeAll(async () => {
  // Central says of each request that the database is away.
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  cluster = await Cluster.start();
});
afterAll(() => cluster.stop());
afterEach(() => company?.close());

/** What happened in all of them. */
const met = new Map<string, number>();
/** What must have happened; two wanted one count (SALE-0107), or one write (BILL-0105). */
const WANTED = [
  'delivered',
  'torn',
  'finished elsewhere',
  'refunded',
  'closed',
  'given back',
  'SALE-0107',
  'write BILL-0105',
];
const missing = (): readonly string[] => WANTED.filter((what) => (met.get(what) ?? 0) === 0);

async function rush(seed: number, trouble: () => Promise<void>): Promise<Street> {
  company = await Company.open(cluster, {
    offices: 3,
    terminals: KIOSKS,
    accounts: accountsOf(6, 3),
  });
  const street = new Street(company, seed);
  const kiosks = company.journals.map((_, i) => new Kiosk(street, i));
  let over = false;
  const troubled = (async () => {
    while (!over) await trouble();
  })();
  await Promise.all(
    kiosks.map(async (kiosk) => {
      for (let n = 0; n < VISITS; n++) {
        await kiosk.visit();
        if (street.random(2) === 0) await kiosk.assist();
        if (street.random(4) === 0) await kiosk.settle();
      }
    }),
  );
  over = true;
  await troubled;
  await settleAll(street, kiosks);
  expect(await faults(company)).toEqual([]);
  expect(await open(company)).toEqual([]);
  expect(await company.rows('SELECT * FROM claims WHERE expires_ms IS NULL')).toEqual([]);
  const [held] = await company.rows<{ n: string }>('SELECT COUNT(*) AS n FROM journal_events');
  expect(Number(held?.n)).toBe(company.journals.reduce((n, j) => n + j.events.length, 0));
  // Every card's count is what was delivered to it: nobody got gas, or lost it.
  const counts = await company.rows<{ card_no: string; n: string }>(
    `SELECT o.card_no, COUNT(*) AS n FROM orders o JOIN ledger l USING (order_id)
     WHERE l.kind = 'delivered' GROUP BY o.card_no`,
  );
  const delivered = new Map(counts.map((c) => [c.card_no, Number(c.n)]));
  for (const [i, card] of street.cards.entries()) {
    const { cardNo, count } = company.account(i);
    expect(card.count - count, cardNo).toBe(delivered.get(cardNo) ?? 0);
  }
  for (const [what, n] of Object.entries(street.seen)) met.set(what, (met.get(what) ?? 0) + n);
  return street;
}

describe('a rush', () => {
  it('of kiosks, nothing being wrong', async () => {
    const street = await rush(311, () => pause(20));
    expect(street.seen['asked again']).toBeUndefined();
  });

  it('while connections are cut, again and again', async () => {
    let cut = 0;
    const street = await rush(312, async () => {
      await pause(15);
      const gone = await company.rows(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = $1 AND pid <> pg_backend_pid() ORDER BY random() LIMIT 2`,
        [company.database],
      );
      cut += gone.length;
    });
    expect(cut).toBeGreaterThan(20);
    expect((street.seen['asked again'] ?? 0) + (street.seen['told again'] ?? 0)).toBeGreaterThan(0);
  });

  it('while the server is killed under them', async () => {
    let kills = 0;
    const street = await rush(313, async () => {
      await pause(FULL ? 2_000 : 150);
      if (!FULL && kills === 3) return;
      await cluster.kill();
      await cluster.up();
      kills++;
    });
    expect(kills).toBeGreaterThan(1);
    expect((street.seen['asked again'] ?? 0) + (street.seen['told again'] ?? 0)).toBeGreaterThan(0);
  });

  it('meets everything', async () => {
    // What meets what depends on the machine: where something was not met, another rush follows.
    for (let seed = 314; missing().length > 0 && seed < 320; seed++)
      await rush(seed, () => pause(20));
    expect(missing()).toEqual([]);
  });
});
