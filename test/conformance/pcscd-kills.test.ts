import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PcscReader } from '../../src/card/index.ts';
import { CardSlot } from '../../src/simulator/vpcd/client.ts';
import { systemClock } from '../support/clock.ts';
import { preparePcscd } from '../support/pcscd.ts';
import type { Pcscd } from '../support/pcscd.ts';
import { acs, golden4442, pl4442 } from '../unit/card/chips.ts';
import { GOLDEN_PURCHASE, must, until } from '../unit/card/rig.ts';

const KILLS = 50;
const USABLE_MS = 5_000;

let pcscd: Pcscd;
beforeAll(async () => {
  pcscd = await preparePcscd();
  await pcscd.start();
});
afterAll(async () => {
  await pcscd.stop();
});

const handles = (): number => readdirSync('/proc/self/fd').length;
const threads = (): number => readdirSync('/proc/self/task').length;
const megabytes = (): number => Math.round(process.memoryUsage().rss / 2 ** 20);

it(`pcscd killed ${KILLS} times under load: the reader is usable within ${USABLE_MS / 1000} s each time, the card is whole, and memory and threads do not grow`, async () => {
  const reader = new PcscReader({ id: 'r', match: 'virtual pcd', model: 'acs', clock: systemClock, log: () => undefined });
  const slot = new CardSlot({ host: '127.0.0.1', port: pcscd.port, clock: systemClock });
  const chip = golden4442();
  slot.insert(acs(chip));
  const rows: string[] = [];
  const slowest = { ms: 0 };
  let sold = 0;
  let warm: { handles: number; threads: number; megabytes: number } | null = null;
  for (let kill = 1; kill <= KILLS; kill++) {
    const first = await until(reader, (s) => s.state === 'present', 15_000);
    const channel = reader.open(first.insertion);
    const plan = must(pl4442.plan(must(await pl4442.read(channel)), { ...GOLDEN_PURCHASE, orderId: `PL-000000000311-1-${String(kill).padStart(4, '0')}` }));
    // Load: the card is written while the service dies, at another point each time.
    const writing = pl4442.apply(channel, plan);
    await new Promise((done) => setTimeout(done, (kill * 7) % 60));
    await pcscd.kill();
    await writing;
    await until(reader, (s) => s.state === 'offline', 15_000);
    await pcscd.start();
    const began = performance.now();
    const back = await until(reader, (s) => s.state === 'present', 15_000);
    const again = reader.open(back.insertion);
    const verdict = pl4442.classify(plan, must(await pl4442.readImage(again)));
    slowest.ms = Math.max(slowest.ms, performance.now() - began);
    expect(['before', 'torn', 'after'], `kill ${kill}`).toContain(verdict);
    if (verdict !== 'after') must(await pl4442.apply(again, plan));
    sold++;
    expect(must(await pl4442.read(again)), `kill ${kill}`).toMatchObject({ count: 41 + sold });
    if (kill % 10 === 0) {
      (globalThis as { gc?: () => void }).gc?.();
      rows.push(`after ${kill} kills: ${handles()} handles, ${threads()} threads, ${megabytes()} MB`);
      warm ??= { handles: handles(), threads: threads(), megabytes: megabytes() };
    }
  }
  console.log(`${rows.join('\n')}\nslowest to a card read again: ${Math.round(slowest.ms)} ms`);
  expect(slowest.ms).toBeLessThan(USABLE_MS);
  // pcsc-lite keeps the socket of each context whose service died (SCardReleaseContext gives up before it closes it): two
  // for each death, ours and the monitor's. More would be our own.
  expect(handles() - (warm?.handles ?? 0)).toBeLessThanOrEqual(2 * (KILLS - 10));
  // From the tenth kill on: a leak of one for each kill would be forty.
  expect(threads() - (warm?.threads ?? 0)).toBeLessThan(10);
  expect(megabytes() - (warm?.megabytes ?? 0)).toBeLessThan(60);
  slot.remove();
  await until(reader, (s) => s.state === 'empty' || s.state === 'offline');
  await reader.close();
}, 600_000);
