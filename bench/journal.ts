import Database from 'better-sqlite3';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Journal } from '../src/journal/journal.ts';
import { SecondLog } from '../src/journal/second-log.ts';
import { systemClock, systemRandom } from '../src/main/ports.ts';
import { quantile, report } from './report.ts';

function open(folder: string): Journal {
  const opened = Journal.open({
    dataDir: join(folder, 'a'),
    secondPath: join(folder, 'b'),
    terminalId: '000000000311',
    clock: systemClock,
    random: systemRandom,
    onFatal: () => process.exit(1),
  });
  if (!opened.ok) throw new Error(opened.error.code);
  return opened.value;
}

/** One event at a time, durable in the database and in the second log before the next. */
function appends(): void {
  const folder = mkdtempSync(join(tmpdir(), 'pilotlight-bench-'));
  const journal = open(folder);
  const times: number[] = [];
  for (let i = 0; i < 2_000; i++) {
    const began = performance.now();
    journal.append([{ kind: 'clock-step', orderId: null, body: { stepMs: i } }]);
    times.push(performance.now() - began);
  }
  report('journal: one event, durable twice', times);
  journal.close();
  rmSync(folder, { recursive: true });
}

/** As long as a sale's facts are on the average. */
const WHY = 'x'.repeat(300);
const AT_ONCE = 1_000;
const OPENINGS = 5;

/** A start: both copies of the facts are looked through, however many years they hold. */
function openings(facts: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'pilotlight-bench-'));
  let journal = open(folder);
  for (let n = 0; n < facts; n += AT_ONCE)
    journal.append(
      Array.from({ length: AT_ONCE }, (_, i) => ({
        kind: 'maintenance-action' as const,
        orderId: null,
        body: { who: 'core' as const, action: 'measure', why: WHY, detail: String(n + i) },
      })),
    );
  journal.close();
  const [took, floor]: [number[], number[]] = [[], []];
  for (let n = 0; n < OPENINGS; n++) {
    const began = performance.now();
    crc32(readFileSync(SecondLog.path(join(folder, 'b'), 1)));
    const db = new Database(Journal.file(join(folder, 'a')), { readonly: true });
    db.pragma('quick_check(1)');
    db.close();
    const between = performance.now();
    journal = open(folder);
    took.push(performance.now() - between);
    floor.push(between - began);
    journal.close();
  }
  const [own, least] = [took, floor].map((ms) =>
    quantile(
      ms.toSorted((a, b) => a - b),
      0.5,
    ),
  ) as [number, number];
  console.log(
    `${`journal: a start on ${facts} facts`.padEnd(44)} ${own.toFixed(0)} ms, ${(own / least).toFixed(2)} of the floor (${least.toFixed(0)} ms: both files read, checksum and quick_check)`,
  );
  rmSync(folder, { recursive: true });
}

/** What the journal costs: a fact, and a start after weeks, months and a year. */
export function journalBench(): void {
  appends();
  for (const facts of [20_000, 100_000, 500_000]) openings(facts);
}
