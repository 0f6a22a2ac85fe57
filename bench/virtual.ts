import {
  VirtualReader,
  layoutRegistry,
  plCpuLayout,
  sampleKeyProvider,
} from '../src/card/index.ts';
import { stderrLog, systemClock, systemRandom } from '../src/main/ports.ts';
import { sampleCard } from '../src/simulator/card/catalogue.ts';
import { CardSlot } from '../src/simulator/vpcd/client.ts';
import { report } from './report.ts';

/** The golden card in a virtual reader, read and written: what the driver itself costs. */
export async function virtualBench(): Promise<void> {
  const keys = sampleKeyProvider('demo');
  if (!keys.ok) throw new Error(keys.error.code);
  const layout = plCpuLayout(keys.value);
  const registry = layoutRegistry([layout]);
  const reader = new VirtualReader({
    id: 'bench',
    host: '127.0.0.1',
    port: 0,
    clock: systemClock,
    log: stderrLog,
  });
  const slot = new CardSlot({
    host: '127.0.0.1',
    port: await reader.listening(),
    clock: systemClock,
  });
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
    const plan = layout.plan(read.value.reading, {
      orderId: `PL-000000000311-1-${i}`,
      quantity: 3773,
      date: '2026-11-22',
    });
    if (!plan.ok) throw new Error(plan.error.code);
    began = performance.now();
    const applied = await layout.apply(channel, plan.value);
    const reset = await channel.reset();
    const image = await layout.readImage(channel);
    writes.push(performance.now() - began);
    if (
      !applied.ok ||
      !reset.ok ||
      !image.ok ||
      layout.classify(plan.value, image.value) !== 'after'
    )
      throw new Error('the write failed');
    slot.remove();
  }
  report('card: read whole (virtual reader)', reads);
  report('card: write, reset, read back (virtual reader)', writes);
  await reader.close();
}
