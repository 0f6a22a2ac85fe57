import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Cluster } from '../test/support/postgres.ts';

/** What central-run.ts is told. */
export interface Run {
  /** PGlite's folder; null: PostgreSQL. */
  readonly dataDir: string | null;
  /** PostgreSQL's database. */
  readonly url: string | null;
  /** PostgreSQL's own process. */
  readonly server: number | null;
  /** Of the pool; as many terminals upload at once. */
  readonly connections: number;
  /** All terminals sell to the same cards. */
  readonly shared: boolean;
}
/** What it found: medians of its rounds, and the most memory that was seen in them. */
export interface Figures {
  /** The floor. */
  readonly rowsPerSecond: number;
  readonly factsPerSecond: number;
  readonly salesPerSecond: number;
  /** Facts to rows; the median of each round's own. */
  readonly ratio: number;
  readonly ownMiB: number;
  /** Null: the database is in the process itself. */
  readonly serverMiB: number | null;
}

/** The aim, of the floor. */
const TARGET = 0.2;

/**
 * How fast central takes facts: signed uploads of whole sales, recorded beforehand, sent over HTTP
 * by a process of its own on the same machine, beside the **floor**, which inserts the same facts
 * into a table like `journal_events`, each by a statement of its own, in transactions of as many
 * rows as a batch has facts, over the same connections. Both end on the disk.
 */
export async function centralBench(): Promise<void> {
  console.log('central: facts taken in a second, of the floor’s rows; medians\n');
  console.log(
    'engine                   batch       rows/s  facts/s  sales/s  ratio    MiB  server',
  );
  const cluster = await Cluster.start();
  try {
    const server = Number(
      readFileSync(join(cluster.dataDir, 'postmaster.pid'), 'utf8').split('\n')[0],
    );
    for (const [connections, shared] of [
      [1, false],
      [4, false],
      [8, false],
      [8, true],
    ] as const) {
      const url = cluster.url(await cluster.create());
      await show(`PostgreSQL, ${connections}${shared ? ', shared' : ''}`, {
        dataDir: null,
        url,
        server,
        connections,
        shared,
      });
    }
  } finally {
    await cluster.stop();
  }
  const folder = mkdtempSync(join(tmpdir(), 'pilotlight-bench-'));
  try {
    await show('PGlite', {
      dataDir: join(folder, 'central'),
      url: null,
      server: null,
      connections: 1,
      shared: false,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One run, in a process of its own; its lines as they come. */
async function show(name: string, run: Run): Promise<void> {
  const child = fork(fileURLToPath(new URL('central-run.ts', import.meta.url)), [
    JSON.stringify(run),
  ]);
  child.on('message', (line) => {
    const { batch, figures } = line as { readonly batch: string; readonly figures: Figures };
    const { rowsPerSecond, factsPerSecond, salesPerSecond, ratio, ownMiB, serverMiB } = figures;
    const cells = [rowsPerSecond, factsPerSecond, salesPerSecond].map((n) =>
      n.toFixed(0).padStart(7),
    );
    console.log(
      `${name.padEnd(24)} ${batch.padEnd(10)} ${cells.join('  ')}   ${ratio.toFixed(2)}${ratio >= TARGET ? '  ' : ' !'} ${ownMiB.toFixed(0).padStart(5)}   ${serverMiB === null ? '    –' : serverMiB.toFixed(0).padStart(5)}`,
    );
  });
  await ended(child);
}

/** Ends with it; an interrupt reaches it too, so that what this began is stopped all the same. */
async function ended(child: ChildProcess): Promise<void> {
  const stop = (): void => void child.kill();
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const [code] = (await once(child, 'exit')) as [number | null];
  process.off('SIGINT', stop).off('SIGTERM', stop);
  if (code !== 0) throw new Error('the run failed');
}
