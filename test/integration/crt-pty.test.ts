import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CrtReader, openSerial } from '../../src/card/index.ts';
import type { SerialLine } from '../../src/card/readers/serial-line.ts';
import { CpuCard, counterRandom } from '../../src/simulator/card/cpu-card.ts';
import { issue } from '../../src/simulator/card/catalogue.ts';
import { CRT_571_MOVES, CrtDevice } from '../../src/simulator/reader/crt.ts';
import { crtSle4442 } from '../../src/simulator/reader/crt-memory.ts';
import { systemClock } from '../support/clock.ts';
import { golden4442, pl4442 } from '../unit/card/chips.ts';
import { cardIn, GOLDEN_PURCHASE, must, plCpu, until } from '../unit/card/rig.ts';

let folder: string;
let socat: ChildProcess;
let wire: SerialLine;
let device: CrtDevice;
let reader: CrtReader;

/** A pty pair: the driver's end and the device's. */
async function cable(): Promise<void> {
  socat = spawn(
    'socat',
    [
      `pty,raw,echo=0,link=${join(folder, 'kiosk')}`,
      `pty,raw,echo=0,link=${join(folder, 'device')}`,
    ],
    { stdio: 'ignore' },
  );
  while (!existsSync(join(folder, 'kiosk')) || !existsSync(join(folder, 'device')))
    await new Promise((done) => setTimeout(done, 20));
  wire = await openSerial(join(folder, 'device'), 38_400);
  wire.onData((bytes) => device.receive(bytes));
}
async function eventually(what: string, is: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (is()) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`not ${what}: ${device.transcript.slice(-8).join('\n')}`);
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-crt-'));
  device = new CrtDevice({
    clock: systemClock,
    firmware: 'CRT-571-F2 V1.10',
    move: CRT_571_MOVES,
    initKeep: 0x33,
    motionMs: 100,
    send: (bytes) => wire.write(bytes),
  });
  await cable();
  reader = new CrtReader({
    id: 'crt',
    path: join(folder, 'kiosk'),
    open: () => openSerial(join(folder, 'kiosk'), 38_400),
    clock: systemClock,
    log: () => undefined,
  });
});
afterEach(async () => {
  await reader.close();
  await wire.close();
  socat.kill();
  rmSync(folder, { recursive: true, force: true });
});

it('a CPU card and an SLE4442 through the motor reader, on a real serial port', async () => {
  for (const [layout, card] of [
    [
      plCpu,
      {
        kind: 'cpu',
        card: new CpuCard(
          issue({ cardNo: '8800003921', userNo: '1002203344', meterNo: '0260001577' }),
          counterRandom(1),
        ),
      },
    ],
    [pl4442, { kind: 'memory', card: crtSle4442(golden4442()) }],
  ] as const) {
    await eventually('open', () => device.entryOn);
    expect(device.offer(card)).toBe(true);
    const channel = await cardIn(reader);
    const reading = must(await layout.read(channel));
    expect(reading).toMatchObject({ cardNo: '8800003921', count: 41, visited: true });
    const plan = must(layout.plan(reading, GOLDEN_PURCHASE));
    must(await layout.apply(channel, plan));
    must(await channel.reset());
    expect(layout.classify(plan, must(await layout.readImage(channel)))).toBe('after');
    must(await reader.gate.eject());
    expect(reader.status().state).toBe('leaving');
    device.take();
    await until(reader, (s) => s.state === 'empty');
  }
  expect(device.motions).toEqual(['ic', 'gate', 'ic', 'gate']);
});

it('the cable is pulled and put back: usable again within 5 s', async () => {
  await eventually('open', () => device.entryOn);
  device.offer({ kind: 'memory', card: crtSle4442(golden4442()) });
  await cardIn(reader);
  socat.kill('SIGKILL');
  await until(reader, (s) => s.state === 'offline', 10_000);
  await wire.close();
  for (const end of ['kiosk', 'device']) rmSync(join(folder, end), { force: true });
  await cable();
  const back = performance.now();
  must(await pl4442.read(await cardIn(reader, 10_000)));
  expect(performance.now() - back).toBeLessThan(5_000);
});
