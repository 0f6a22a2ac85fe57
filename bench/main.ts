import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualReader, layoutRegistry, plCpuLayout, sampleKeyProvider } from '../src/card/index.ts';
import { Journal } from '../src/journal/journal.ts';
import { stderrLog, systemClock, systemRandom } from '../src/main/ports.ts';
import { sampleCard } from '../src/simulator/card/catalogue.ts';
import { CardSlot } from '../src/simulator/vpcd/client.ts';

/** npm run bench [-- journal|card]: how fast the parts are on this machine. Figures to read, not tests to pass. */
const wanted = process.argv.slice(2);
const quantile = (sorted: readonly number[], q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
function report(name: string, ms: number[]): void {
  const sorted = ms.toSorted((a, b) => a - b);
  const sum = ms.reduce((a, b) => a + b, 0);
  console.log(`${name.padEnd(44)} n=${String(ms.length).padStart(5)}  p50 ${quantile(sorted, 0.5).toFixed(2)} ms  p99 ${quantile(sorted, 0.99).toFixed(2)} ms  ${(1000 / (sum / ms.length)).toFixed(0)}/s`);
}

function journalBench(): void {
  const folder = mkdtempSync(join(tmpdir(), 'pilotlight-bench-'));
  const opened = Journal.open({ dataDir: join(folder, 'a'), secondPath: join(folder, 'b'), terminalId: '000000000311', clock: systemClock, random: systemRandom, onFatal: () => process.exit(1) });
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

async function cardBench(): Promise<void> {
  const keys = sampleKeyProvider('demo');
  if (!keys.ok) throw new Error(keys.error.code);
  const layout = plCpuLayout(keys.value);
  const registry = layoutRegistry([layout]);
  const reader = new VirtualReader({ id: 'bench', host: '127.0.0.1', port: 0, clock: systemClock, log: stderrLog });
  const slot = new CardSlot({ host: '127.0.0.1', port: await reader.listening(), clock: systemClock });
  const reads: number[] = [];
  const writes: number[] = [];
  for (let i = 0; i < 200; i++) {
    const card = sampleCard('golden').make(systemRandom);
    const present = new Promise<void>((done) => {
      const off = reader.onStatus((s) => {
        if (s.state === 'present') {
          off();
          done();
        }
      });
    });
    slot.insert(card);
    await present;
    const status = reader.status();
    if (status.state !== 'present') throw new Error(status.state);
    const channel = reader.open(status.insertion);
    let began = performance.now();
    const read = await registry.read(channel, status.atr);
    reads.push(performance.now() - began);
    if (!read.ok) throw new Error(read.error.code);
    const plan = layout.plan(read.value.reading, { orderId: `PL-000000000311-1-${i}`, quantity: 3773, date: '2026-11-22' });
    if (!plan.ok) throw new Error(plan.error.code);
    began = performance.now();
    const applied = await layout.apply(channel, plan.value);
    const reset = await channel.reset();
    const image = await layout.readImage(channel);
    writes.push(performance.now() - began);
    if (!applied.ok || !reset.ok || !image.ok || layout.classify(plan.value, image.value) !== 'after') throw new Error('the write failed');
    slot.remove();
  }
  report('card: read whole (virtual reader)', reads);
  report('card: write, reset, read back (virtual reader)', writes);
  await reader.close();
}

if (wanted.length === 0 || wanted.includes('journal')) journalBench();
if (wanted.length === 0 || wanted.includes('card')) await cardBench();
