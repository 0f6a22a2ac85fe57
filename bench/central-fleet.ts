import type { Central } from '../src/central/central.ts';
import { openPostgres } from '../src/central/db/postgres.ts';
import type { Db } from '../src/central/db/sql.ts';
import { systemClock, systemRandom } from '../src/main/ports.ts';
import { Cluster } from '../test/support/postgres.ts';
import { account, company, insertAll, makeFloor, median, offlinePrice } from './central-company.ts';
import { FACTS_A_SALE } from './central-terminal.ts';
import type { Batch, BenchTerminal, SoldCard } from './central-terminal.ts';
import { LoadGenerator } from './load-generator.ts';

/** How many terminals there are; each has been heard before, and has an account of its own. */
const FLEETS = [10, 100, 1_000, 10_000];
/** Uploads of a round, one sale each, by terminals in turn. */
const UPLOADS = 200;
const CONNECTIONS = 8;
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);

/**
 * What one terminal costs central as the fleet grows: the same number of uploads, of one sale each,
 * from fleets of ten to ten thousand terminals, beside the floor of central.ts in the same run.
 */
export async function fleetBench(): Promise<void> {
  console.log('central: one upload of one sale, by how many terminals there are; medians\n');
  console.log('terminals   uploads/s   ms each   floor ms   ratio   to the smallest fleet');
  const cluster = await Cluster.start();
  let smallest: number | null = null;
  try {
    for (const size of FLEETS) {
      const db = await openPostgres({
        clock: systemClock,
        random: systemRandom,
        url: cluster.url(await cluster.create()),
        connections: CONNECTIONS,
      });
      try {
        const { takenMs, floorMs } = await measure(db, size);
        smallest ??= takenMs;
        console.log(
          `${String(size).padStart(9)}   ${(1000 / takenMs).toFixed(0).padStart(9)}   ${takenMs.toFixed(2).padStart(7)}   ${floorMs.toFixed(2).padStart(8)}   ${(floorMs / takenMs).toFixed(2).padStart(5)}   ${(takenMs / smallest).toFixed(2).padStart(6)}`,
        );
      } finally {
        await db.close();
      }
    }
  } finally {
    await cluster.stop();
  }
}

/** Of one fleet: how long an upload takes, and its floor, ms; each with as many at a time. */
async function measure(
  db: Db,
  size: number,
): Promise<{ readonly takenMs: number; readonly floorMs: number }> {
  const ids = Array.from({ length: size }, (_, i) => String(1_000 + i).padStart(12, '0'));
  const accounts = ids.map((_, n) => account(n));
  const { central, terminals } = company(db, ids, accounts);
  const cards: readonly SoldCard[] = accounts.map((a) => ({ ...a }));
  const load = await LoadGenerator.start();
  try {
    const { terminals: door } = await central.start();
    await makeFloor(db);
    await beforehand(central, terminals, cards);
    // As the server does by itself in time; a fleet does not come within a minute.
    await db.exec('ANALYZE');
    const taken: number[] = [];
    const floor: number[] = [];
    let next = 0;
    for (let round = 0; round <= ROUNDS; round++) {
      const some = new Map<number, Batch[]>();
      for (let n = 0; n < UPLOADS; n++, next++) {
        // In steps that meet every terminal, and not those first that came first.
        const at = (next * 7_919) % size;
        const terminal = terminals[at] as BenchTerminal;
        terminal.sellOffline(cards[at] as SoldCard, offlinePrice());
        some.set(at, [...(some.get(at) ?? []), ...(await terminal.record(FACTS_A_SALE))]);
      }
      const batches = [...some.values()];
      const both = [
        async () => floor.push(await insertAll(db, CONNECTIONS, batches)),
        async () => taken.push(await load.upload(door.baseUrl, CONNECTIONS, batches)),
      ];
      for (const one of round % 2 === 0 ? both : both.toReversed()) await one();
    }
    // The first round is thrown away: code is compiled, caches fill.
    const each = (ms: readonly number[]): number => median(ms.slice(1)) / UPLOADS;
    return { takenMs: each(taken), floorMs: each(floor) };
  } finally {
    load.stop();
    await central.close();
  }
}

/** Every terminal has sold and told once. */
async function beforehand(
  central: Central,
  terminals: readonly BenchTerminal[],
  cards: readonly SoldCard[],
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (let n = next++; n < terminals.length; n = next++) {
        const terminal = terminals[n] as BenchTerminal;
        terminal.sellOffline(cards[n] as SoldCard, offlinePrice());
        for (const { request } of await terminal.record(FACTS_A_SALE)) {
          const { status, body } = await central.handle(request);
          if (status !== 200) throw new Error(`central answered ${status} ${body}`);
        }
      }
    }),
  );
}
