import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Journal } from '../src/journal/journal.ts';
import { systemClock, systemRandom } from '../src/main/ports.ts';
import { report } from './report.ts';

/** One event at a time, durable in the database and in the second log before the next. */
export function journalBench(): void {
  const folder = mkdtempSync(join(tmpdir(), 'pilotlight-bench-'));
  const opened = Journal.open({
    dataDir: join(folder, 'a'),
    secondPath: join(folder, 'b'),
    terminalId: '000000000311',
    clock: systemClock,
    random: systemRandom,
    onFatal: () => process.exit(1),
  });
  if (!opened.ok) throw new Error(opened.error.code);
  const times: number[] = [];
  for (let i = 0; i < 2_000; i++) {
    const began = performance.now();
    opened.value.append([{ kind: 'clock-step', orderId: null, body: { stepMs: i } }]);
    times.push(performance.now() - began);
  }
  report('journal: one event, durable twice', times);
  opened.value.close();
  rmSync(folder, { recursive: true });
}
