import { readFileSync } from 'node:fs';
import type { Central } from '../src/central/central.ts';
import { openPglite } from '../src/central/db/pglite.ts';
import { openPostgres } from '../src/central/db/postgres.ts';
import { num } from '../src/central/db/sql.ts';
import type { Db } from '../src/central/db/sql.ts';
import type { SeedAccount } from '../src/central/fleet/seed.ts';
import { systemClock, systemRandom } from '../src/main/ports.ts';
import type { Figures, Run } from './central.ts';
import { account, company, insertAll, makeFloor, median, offlinePrice } from './central-company.ts';
import { FACTS_A_SALE, nextMinute } from './central-terminal.ts';
import type { Batch, BenchTerminal, SoldCard } from './central-terminal.ts';
import { LoadGenerator } from './load-generator.ts';

/**
 * One line of `bench -- central`, in a process of its own so that its memory is its own: a central
 * on the engine that it is told, terminals beside it, and rounds of floor and uploads.
 */

const TERMINALS = 8;
/** Sales of one terminal in one round. */
const SALES = 50;
/** Accounts of one terminal: their sales seldom meet. */
const OWN_ACCOUNTS = 500;
/** Facts of a full batch: what a kiosk sends at most (src/kiosk/watch/uploader.ts). */
const FULL = 100;
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);
/** Rounds that are thrown away at the beginning: code is compiled, caches fill. */
const WARM_UP = 1;

/** The `n`-th account of a terminal, or of all terminals (0). */
const accountOf = (terminal: number, n: number): SeedAccount => account(terminal * 100_000 + n);

class Bench {
  readonly #db: Db;
  readonly #central: Central;
  readonly #run: Run;
  readonly #terminals: readonly BenchTerminal[];
  readonly #cards: readonly (readonly SoldCard[])[];
  readonly #load: LoadGenerator;
  #baseUrl = '';
  #next = 0;
  #facts = 0;
  #sales = 0;
  #peakOwn = 0;
  #peakServer = 0;

  private constructor(db: Db, run: Run, load: LoadGenerator) {
    const ids = Array.from({ length: TERMINALS }, (_, i) => String(311 + i).padStart(12, '0'));
    const accounts = run.shared
      ? [Array.from({ length: SALES }, (_, n) => accountOf(0, n))]
      : ids.map((_, t) => Array.from({ length: OWN_ACCOUNTS }, (__, n) => accountOf(t + 1, n)));
    this.#db = db;
    this.#run = run;
    this.#load = load;
    this.#cards = accounts.map((of) => of.map((a) => ({ ...a })));
    const made = company(db, ids, accounts.flat());
    this.#central = made.central;
    this.#terminals = made.terminals;
  }

  static async open(db: Db, run: Run): Promise<Bench> {
    const bench = new Bench(db, run, await LoadGenerator.start());
    bench.#baseUrl = (await bench.#central.start()).terminals.baseUrl;
    await makeFloor(db);
    for (const t of bench.#terminals) t.connect(bench.#central);
    return bench;
  }

  /** Floor and uploads of one size, in turns; the medians of the rounds. */
  async measure(size: number): Promise<Figures> {
    const floor: number[] = [];
    const taken: number[] = [];
    this.#peakOwn = this.#peakServer = 0;
    for (let round = 0; round < WARM_UP + ROUNDS; round++) {
      const batches = await this.#sold(size);
      const facts = batches.flat().reduce((sum, b) => sum + b.rows.length, 0);
      // Who begins takes turns too.
      for (const what of round % 2 === 0 ? ['floor', 'taken'] : ['taken', 'floor']) {
        const { connections } = this.#run;
        const ms =
          what === 'floor'
            ? await insertAll(this.#db, connections, batches)
            : await this.#load.upload(this.#baseUrl, connections, batches);
        this.#look();
        if (round >= WARM_UP) (what === 'floor' ? floor : taken).push(facts / (ms / 1000));
      }
      this.#facts += facts;
    }
    return {
      rowsPerSecond: median(floor),
      factsPerSecond: median(taken),
      salesPerSecond: median(taken) / FACTS_A_SALE,
      ratio: median(taken.map((rate, i) => rate / (floor[i] as number))),
      ownMiB: this.#peakOwn / 2 ** 20,
      serverMiB: this.#run.server === null ? null : this.#peakServer / 2 ** 20,
    };
  }

  /** A round's sales, quoted, hashed and signed, terminal by terminal. */
  async #sold(size: number): Promise<readonly (readonly Batch[])[]> {
    nextMinute();
    if (this.#run.shared) this.#sellShared();
    else
      for (const [t, terminal] of this.#terminals.entries()) {
        const own = this.#cards[t] as readonly SoldCard[];
        for (let n = 0; n < SALES; n++)
          await terminal.sell(own[(this.#next + n) % OWN_ACCOUNTS] as SoldCard);
      }
    this.#next += SALES;
    this.#sales += TERMINALS * SALES;
    return Promise.all(this.#terminals.map((t) => t.record(size)));
  }

  /**
   * Every terminal sells once to every card: at each step another one, so that a card's purchases
   * follow each other from terminal to terminal. Where one is uploaded before the one that it
   * builds on, it waits in the books.
   */
  #sellShared(): void {
    const cards = this.#cards[0] as readonly SoldCard[];
    const apart = Math.floor(SALES / TERMINALS);
    for (let step = 0; step < SALES; step++)
      for (const [t, terminal] of this.#terminals.entries())
        terminal.sellOffline(cards[(step + t * apart) % SALES] as SoldCard, offlinePrice());
  }

  /** At the end of each round: to ask for the server's memory takes time. */
  #look(): void {
    this.#peakOwn = Math.max(this.#peakOwn, process.memoryUsage.rss());
    if (this.#run.server !== null)
      this.#peakServer = Math.max(this.#peakServer, memoryOf(this.#run.server));
  }

  /** A bench whose facts were set aside measures nothing. */
  async check(): Promise<void> {
    const count = async (from: string): Promise<number> =>
      num((await this.#db.query<{ n: unknown }>(`SELECT count(*) AS n FROM ${from}`))[0]?.n);
    const wanted: readonly (readonly [string, number])[] = [
      ['journal_events', this.#facts],
      ['bench_floor', this.#facts],
      [`orders WHERE state = 'delivered'`, this.#sales],
      [`ledger WHERE kind = 'captured'`, this.#sales],
      [`ledger WHERE kind = 'delivered'`, this.#sales],
      [`reserves WHERE state = 'held'`, 0],
      ['claims', 0],
      ['quarantine', 0],
      ['held_facts', 0],
    ];
    for (const [from, n] of wanted) {
      const there = await count(from);
      if (there !== n) throw new Error(`the books are wrong: ${there} of ${from}, not ${n}`);
    }
  }

  async close(): Promise<void> {
    this.#load.stop();
    await this.#central.close();
    await this.#db.close();
  }
}

/** The server and its children; memory that they share is counted once (Linux’s Pss). */
function memoryOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
  let kiB = 0;
  for (const process of [String(pid), ...children.filter((c) => c.trim() !== '')])
    try {
      kiB += Number(
        /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${process}/smaps_rollup`, 'utf8'))?.[1],
      );
    } catch {
      // It ended meanwhile.
    }
  return kiB * 1024;
}

const run = JSON.parse(process.argv[2] ?? '') as Run;
const bench = await Bench.open(
  run.dataDir === null
    ? await openPostgres({
        clock: systemClock,
        random: systemRandom,
        url: run.url ?? '',
        connections: run.connections,
        log: (line) => void process.stderr.write(`${line}\n`),
      })
    : await openPglite(run.dataDir),
  run,
);
try {
  for (const [batch, size] of [
    ['one sale', FACTS_A_SALE],
    ['full', FULL],
  ] as const)
    process.send?.({ batch, figures: await bench.measure(size) });
  await bench.check();
} finally {
  await bench.close();
}
process.disconnect();
