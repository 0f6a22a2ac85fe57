import { fork, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PcscReader } from '../src/card/index.ts';
import type { CardLayout, ReaderStatus } from '../src/card/index.ts';
import { recordPcsc } from '../src/card/readers/record.ts';
import { Transcript } from '../src/card/readers/transcript.ts';
import { pcscService } from '../src/main/pcsc/service.ts';
import { systemClock } from '../src/main/ports.ts';
import { sleep } from '../src/shared/ports.ts';
import { ok } from '../src/shared/result.ts';
import { LAYOUT_CASES } from '../test/conformance/cards.ts';
import { preparePcscd } from '../test/support/pcscd.ts';
import { quantile } from './report.ts';

/** Each round waits for pcscd's look at its virtual reader, 0.4 s, twice. */
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 15);
/** Rounds that are thrown away at the beginning: code is compiled, caches fill. */
const WARM_UP = 3;
/**
 * Between reading and writing the customer pays: longer than the driver's time for confirming an
 * insertion.
 */
const PAYING_MS = 700;
const TARGET = 1.1;
const PURCHASE = { orderId: 'PL-000000000311-1-0042', quantity: 3773, date: '2026-11-22' } as const;
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

interface Times {
  readonly read: number[];
  readonly write: number[];
}

/**
 * From a card's coming to its being read, and the purchase with its reset and read-back, over a
 * real pcscd; beside the floor, a C program that sends the very same exchanges over the same
 * pcscd.
 */
export async function cardBench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pilotlight-bench-'));
  const floor = join(folder, 'floor');
  const cc = spawnSync(
    'cc',
    ['-O2', '-Wall', '-I/usr/include/PCSC', '-o', floor, here('floor.c'), '-lpcsclite'],
    { encoding: 'utf8' },
  );
  if (cc.status !== 0)
    throw new Error(`cc: ${cc.stderr || String(cc.error)} (libpcsclite-dev is needed)`);
  const pcscd = await preparePcscd();
  await pcscd.start();
  console.log('over pcscd: median ms of the driver, of the floor, and their ratio\n');
  console.log(`${'layout'.padEnd(10)}  ${'come to read'.padEnd(23)}   purchase, reset, read back`);
  const host = fork(here('card-host.ts'), [String(pcscd.port)]);
  for (const [name, { layout, slow }] of Object.entries(LAYOUT_CASES)) {
    if (slow === true) continue;
    const script = join(folder, `${name}.txt`);
    const driver = await driverTimes(name, layout, host, script);
    const least = await floorTimes(floor, script, name, host);
    const cell = (ours: readonly number[], theirs: readonly number[]): string => {
      const [a, b] = [median(ours), median(theirs)];
      return `${a.toFixed(1).padStart(7)} ${b.toFixed(1).padStart(7)}  ${(a / b).toFixed(2)}${a / b <= TARGET ? '  ' : ' !'}`;
    };
    console.log(
      `${name.padEnd(10)}  ${cell(driver.read, least.read)}   ${cell(driver.write, least.write)}`,
    );
  }
  host.disconnect();
  await once(host, 'exit');
  await pcscd.stop();
  rmSync(folder, { recursive: true });
}

const median = (ms: readonly number[]): number =>
  quantile(
    ms.slice(WARM_UP).toSorted((a, b) => a - b),
    0.5,
  );

function came(
  reader: PcscReader,
  state: ReaderStatus['state'],
): Promise<{ readonly status: ReaderStatus; readonly at: number }> {
  return new Promise((resolve) => {
    const settle = (status: ReaderStatus): void => {
      if (status.state !== state) return;
      off();
      resolve({ status, at: performance.now() });
    };
    const off = reader.onStatus(settle);
    settle(reader.status());
  });
}

async function driverTimes(
  name: string,
  layout: CardLayout,
  host: ChildProcess,
  script: string,
): Promise<Times> {
  const lines: string[] = [];
  // Sample cards and sample keys: nothing to hide, and the floor needs every byte.
  const transcript = new Transcript((line) => void lines.push(line), false);
  const times: Times = { read: [], write: [] };
  const rounds = async (reader: PcscReader, n: number, into: Times | null): Promise<void> => {
    for (let i = 0; i < n; i++) {
      await came(reader, 'empty');
      host.send(name);
      const { status, at } = await came(reader, 'present');
      const channel = reader.open(status.insertion);
      const reading = await layout.read(channel);
      const read = performance.now();
      transcript.note('read');
      if (!reading.ok)
        throw new Error(`${name}: ${reading.error.code} ${reading.error.detail ?? ''}`);
      const plan = layout.plan(reading.value, PURCHASE);
      if (!plan.ok) throw new Error(plan.error.code);
      await sleep(systemClock, PAYING_MS);
      const began = performance.now();
      // A purse keeps what it was answered; on a disk that costs what `bench -- journal` says.
      const kept: Uint8Array[] = [];
      const applied = await layout.apply(channel, plan.value, (record) => {
        kept.push(record);
        return Promise.resolve(ok(undefined));
      });
      const reset = await channel.reset();
      const image = await layout.readImage(channel);
      const written = performance.now();
      transcript.note('written');
      if (
        !applied.ok ||
        !reset.ok ||
        !image.ok ||
        layout.classify({ ...plan.value, kept }, image.value) !== 'after'
      )
        throw new Error(`${name}: the write failed`);
      into?.read.push(read - at);
      into?.write.push(written - began);
      host.send('');
    }
    await came(reader, 'empty');
  };
  const recorded = recordPcsc(
    pcscService(systemClock, () => undefined),
    () => transcript,
  );
  const recording = new PcscReader({
    id: 'bench',
    match: 'virtual pcd',
    model: 'acs',
    clock: systemClock,
    log: () => undefined,
    service: recorded,
  });
  await rounds(recording, 1, null);
  await recording.close();
  writeFileSync(script, `${lines.join('\n')}\n`);
  const reader = new PcscReader({
    id: 'bench',
    match: 'virtual pcd',
    model: 'acs',
    clock: systemClock,
    log: () => undefined,
    service: pcscService(systemClock, () => undefined),
  });
  await rounds(reader, WARM_UP + ROUNDS, times);
  await reader.close();
  return times;
}

async function floorTimes(
  program: string,
  script: string,
  name: string,
  host: ChildProcess,
): Promise<Times> {
  const times: Times = { read: [], write: [] };
  const child = spawn(program, ['Virtual PCD 00 00', script, String(WARM_UP + ROUNDS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface(child.stdout)) {
    if (line === 'ready') host.send(name);
    else {
      const [read, write] = line.split(' ').map(Number);
      times.read.push((read ?? 0) / 1000);
      times.write.push((write ?? 0) / 1000);
      host.send('');
    }
  }
  if (times.read.length < WARM_UP + ROUNDS) throw new Error(`${name}: the floor stopped`);
  return times;
}
