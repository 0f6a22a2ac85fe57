import { readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { PcscReader } from '../../src/card/index.ts';
import { pcscService } from '../../src/main/pcsc/service.ts';
import { CardSlot } from '../../src/simulator/vpcd/client.ts';
import { systemClock } from '../support/clock.ts';
import { preparePcscd } from '../support/pcscd.ts';
import type { Pcscd } from '../support/pcscd.ts';
import { childrenOf } from '../support/processes.ts';
import { acs, golden4442, pl4442 } from '../unit/card/chips.ts';
import { cardIn, codeOf, GOLDEN_PURCHASE, must, until } from '../unit/card/rig.ts';

const KILLS = 50;
const HOST_KILLS = 30;
const USABLE_MS = 5_000;

let pcscd: Pcscd;
let reader: PcscReader;
let slot: CardSlot;
beforeAll(async () => {
  pcscd = await preparePcscd();
  await pcscd.start();
});
beforeEach(() => {
  reader = new PcscReader({
    id: 'r',
    match: 'virtual pcd',
    model: 'acs',
    clock: systemClock,
    log: () => undefined,
    service: pcscService(systemClock, () => undefined),
  });
  slot = new CardSlot({ host: '127.0.0.1', port: pcscd.port, clock: systemClock });
});
afterEach(async () => {
  slot.remove();
  await until(reader, (s) => s.state === 'empty' || s.state === 'offline');
  await reader.close();
});
afterAll(async () => {
  await pcscd.stop();
});

const handles = (): number => readdirSync('/proc/self/fd').length;
const threads = (): number => readdirSync('/proc/self/task').length;
const megabytes = (): number => Math.round(process.memoryUsage().rss / 2 ** 20);
const hosts = (): readonly number[] => childrenOf('pcsc/main.ts');
const wait = (ms: number): Promise<void> =>
  new Promise((done) => {
    setTimeout(done, ms);
  });

/**
 * A purchase is under way while `kill` strikes, at another point each time; then the card is
 * finished.
 */
async function underLoad(
  kills: number,
  kill: (nth: number) => Promise<void>,
  revive: () => Promise<void>,
): Promise<void> {
  slot.insert(acs(golden4442()));
  const rows: string[] = [];
  let slowestMs = 0;
  let sold = 0;
  let warm: { handles: number; threads: number; megabytes: number } | null = null;
  for (let nth = 1; nth <= kills; nth++) {
    const first = await until(reader, (s) => s.state === 'present', 15_000);
    const channel = reader.open(first.insertion);
    const plan = must(
      pl4442.plan(must(await pl4442.read(channel)), {
        ...GOLDEN_PURCHASE,
        orderId: `PL-000000000311-1-${String(nth).padStart(4, '0')}`,
      }),
    );
    const writing = pl4442.apply(channel, plan);
    await kill(nth);
    await writing;
    await until(reader, (s) => s.state === 'offline', 15_000);
    await revive();
    const began = performance.now();
    const back = await until(reader, (s) => s.state === 'present', 15_000);
    expect(back.insertion, `kill ${nth}`).toBeGreaterThan(first.insertion);
    const again = reader.open(back.insertion);
    const verdict = pl4442.classify(plan, must(await pl4442.readImage(again)));
    slowestMs = Math.max(slowestMs, performance.now() - began);
    expect(['before', 'torn', 'after'], `kill ${nth}`).toContain(verdict);
    if (verdict !== 'after') must(await pl4442.apply(again, plan));
    sold++;
    expect(must(await pl4442.read(again)), `kill ${nth}`).toMatchObject({ count: 41 + sold });
    expect(hosts(), `kill ${nth}`).toHaveLength(1);
    if (nth % 10 === 0) {
      (globalThis as { gc?: () => void }).gc?.();
      rows.push(
        `after ${nth} kills: ${handles()} handles, ${threads()} threads, ${megabytes()} MB; in the PC/SC process ${readdirSync(`/proc/${hosts()[0] ?? 0}/fd`).length} handles`,
      );
      warm ??= { handles: handles(), threads: threads(), megabytes: megabytes() };
    }
  }
  console.log(`${rows.join('\n')}\nslowest to a card read again: ${Math.round(slowestMs)} ms`);
  expect(slowestMs).toBeLessThan(USABLE_MS);
  // From the tenth kill on: a leak of one for each kill would be twenty at the least.
  expect(handles() - (warm?.handles ?? 0)).toBeLessThanOrEqual(4);
  expect(threads() - (warm?.threads ?? 0)).toBeLessThan(10);
  expect(megabytes() - (warm?.megabytes ?? 0)).toBeLessThan(60);
}

it(`pcscd killed ${KILLS} times under load: the reader is usable within ${USABLE_MS / 1000} s each time, the card is whole, and handles, memory and threads do not grow`, async () => {
  await underLoad(
    KILLS,
    async (nth) => {
      await wait((nth * 7) % 60);
      await pcscd.kill();
    },
    () => pcscd.start(),
  );
}, 600_000);

it(`the PC/SC process killed ${HOST_KILLS} times under load: the same`, async () => {
  await underLoad(
    HOST_KILLS,
    async (nth) => {
      // A purchase waits half a second before its first change, and writes for some two.
      await wait((nth * 83) % 2_000);
      for (const pid of hosts()) process.kill(pid, 'SIGKILL');
    },
    () => Promise.resolve(),
  );
}, 600_000);

it('a service that hangs holds up neither this process nor its end: calls fail in time, and the reader comes back with the service', async () => {
  let longestMs = 0;
  let last = performance.now();
  const beat = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - last);
    last = performance.now();
  }, 20);
  try {
    slot.insert(acs(golden4442()));
    const channel = await cardIn(reader, 15_000);
    must(await pl4442.read(channel));
    const [host] = hosts();
    pcscd.hang();
    const began = performance.now();
    expect(codeOf(await pl4442.read(channel))).toBe('CARD-0108');
    expect(performance.now() - began).toBeLessThan(12_000);
    expect(reader.status().state).toBe('offline');
    // The process that was caught in the call is gone with the call; the next is caught in its
    // first, and goes too.
    await expect.poll(() => hosts().includes(host ?? 0)).toBe(false);
    await expect.poll(() => hosts().length, { timeout: 5_000 }).toBe(1);
    const [caught] = hosts();
    await expect.poll(() => hosts().includes(caught ?? 0), { timeout: 15_000 }).toBe(false);
    pcscd.resume();
    const resumed = performance.now();
    expect(must(await pl4442.read(await cardIn(reader, 15_000)))).toMatchObject({ count: 41 });
    expect(performance.now() - resumed).toBeLessThan(USABLE_MS);
    expect(hosts()).toHaveLength(1);
    expect(longestMs).toBeLessThan(1_000);
  } finally {
    pcscd.resume();
    clearInterval(beat);
  }
}, 120_000);

it('a PC/SC process that stands still is found out, and another takes its place', async () => {
  slot.insert(acs(golden4442()));
  const channel = await cardIn(reader, 15_000);
  must(await pl4442.read(channel));
  const [still] = hosts();
  process.kill(still ?? 0, 'SIGSTOP');
  await until(reader, (s) => s.state === 'offline', 15_000);
  await expect.poll(() => hosts().includes(still ?? 0)).toBe(false);
  must(await pl4442.read(await cardIn(reader, 10_000)));
}, 60_000);
