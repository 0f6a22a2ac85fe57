import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CrtReader,
  openSerial,
  plCpuLayout,
  psamKeyProvider,
  samPort,
} from '../../src/card/index.ts';
import type { SerialLine } from '../../src/card/readers/serial-line.ts';
import { sampleCard } from '../../src/simulator/card/catalogue.ts';
import { Psam } from '../../src/simulator/card/psam.ts';
import { CRT_571_MOVES, CrtDevice } from '../../src/simulator/reader/crt.ts';
import { OldCrtDevice } from '../../src/simulator/reader/crt-old.ts';
import type { CrtDeviceOptions } from '../../src/simulator/reader/crt.ts';
import { systemClock } from '../support/clock.ts';
import { GOLDEN_PURCHASE, must, plCpu, until } from '../unit/card/rig.ts';
import { LAYOUT_CASES } from './cards.ts';
import type { LayoutCase } from './cards.ts';
import { conformance } from './suite.ts';
import type { Bench } from './suite.ts';
import { Watch } from './watch.ts';

const wanted = process.env['PILOTLIGHT_LAYOUT'];
/** Those whose cards a motor reader takes. */
const cases: readonly (readonly [string, LayoutCase])[] = Object.entries(LAYOUT_CASES).filter(
  ([name, c]) => (wanted === undefined || wanted === name) && c.golden().crt !== undefined,
);

async function eventually(what: string, is: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (is()) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`not ${what}`);
}

/** The device at the far end of a cable. */
async function farEnd(
  far: string,
  more: Partial<CrtDeviceOptions> = {},
): Promise<{ readonly wire: SerialLine; readonly device: CrtDevice }> {
  const wire = await openSerial(far, 38_400);
  const device = new CrtDevice({
    clock: systemClock,
    firmware: 'CRT-571-F2 V1.10',
    move: CRT_571_MOVES,
    initKeep: 0x33,
    motionMs: 20,
    send: (bytes) => wire.write(bytes),
    ...more,
  });
  wire.onData((bytes) => device.receive(bytes));
  return { wire, device };
}

function onPty(name: string, c: LayoutCase): void {
  let folder: string;
  let socat: ChildProcess;
  let wire: SerialLine;
  let device: CrtDevice;
  let reader: CrtReader;
  let bench: Bench;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pilotlight-crt-'));
    const [kiosk, far] = [join(folder, 'kiosk'), join(folder, 'device')];
    socat = spawn('socat', [`pty,raw,echo=0,link=${kiosk}`, `pty,raw,echo=0,link=${far}`], {
      stdio: 'ignore',
    });
    await eventually('a cable', () => existsSync(kiosk) && existsSync(far));
    ({ wire, device } = await farEnd(far));
    reader = new CrtReader({
      id: 'crt',
      path: kiosk,
      open: () => openSerial(kiosk, 38_400),
      clock: systemClock,
      log: () => undefined,
    });
    const watch = new Watch();
    const remove = async (): Promise<void> => {
      device.wrench();
      await until(reader, (s) => s.state === 'empty');
    };
    bench = {
      every: 5,
      insert: async (card) => {
        watch.calm();
        await remove();
        await eventually('open', () => device.entryOn);
        device.offer(watch.crt(card));
        const status = await until(reader, (s) => s.state === 'present' || s.state === 'mute');
        return reader.open(status.insertion);
      },
      remove,
      tear: (_card, at, when) => watch.tear(at, when),
      exchanges: () => watch.count,
    };
  });
  afterEach(async () => {
    await reader.close();
    await wire.close();
    socat.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  conformance(name, c, () => bench);
}

for (const [name, c] of cases) {
  describe(`conformance of ${name}, through a motor reader on a pseudo-terminal`, () =>
    onPty(name, c));
}

if (wanted === undefined) {
  it('PL-CPU through an old CRT-310 (02 frames), on a pseudo-terminal', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pilotlight-crt-'));
    const [kiosk, far] = [join(folder, 'kiosk'), join(folder, 'device')];
    const socat = spawn('socat', [`pty,raw,echo=0,link=${kiosk}`, `pty,raw,echo=0,link=${far}`], {
      stdio: 'ignore',
    });
    await eventually('a cable', () => existsSync(kiosk) && existsSync(far));
    const wire = await openSerial(far, 9_600);
    const device = new OldCrtDevice({
      clock: systemClock,
      firmware: 'CRT-310-N V2.01',
      motionMs: 20,
      send: (bytes) => wire.write(bytes),
    });
    wire.onData((bytes) => device.receive(bytes));
    const reader = new CrtReader({
      id: 'crt',
      path: kiosk,
      dialect: '02',
      open: () => openSerial(kiosk, 9_600),
      clock: systemClock,
      log: () => undefined,
    });
    try {
      await eventually('open', () => device.open);
      device.offer(sampleCard('golden').make());
      const status = await until(reader, (s) => s.state === 'present');
      const channel = reader.open(status.insertion);
      const plan = must(plCpu.plan(must(await plCpu.read(channel)), GOLDEN_PURCHASE));
      must(await plCpu.apply(channel, plan));
      must(await channel.reset());
      expect(plCpu.classify(plan, must(await plCpu.readImage(channel)))).toBe('after');
      must(await reader.gate.eject());
      expect([reader.status().state, device.motions]).toEqual(['leaving', ['contacts', 'held']]);
    } finally {
      await reader.close();
      await wire.close();
      socat.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('PL-CPU with the PSAM in the motor reader’s own slot, on a pseudo-terminal', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pilotlight-crt-'));
    const [kiosk, far] = [join(folder, 'kiosk'), join(folder, 'device')];
    const socat = spawn('socat', [`pty,raw,echo=0,link=${kiosk}`, `pty,raw,echo=0,link=${far}`], {
      stdio: 'ignore',
    });
    await eventually('a cable', () => existsSync(kiosk) && existsSync(far));
    const { wire, device } = await farEnd(far, { sams: { 0: new Psam() } });
    const reader = new CrtReader({
      id: 'crt',
      path: kiosk,
      open: () => openSerial(kiosk, 38_400),
      clock: systemClock,
      log: () => undefined,
    });
    try {
      const layout = plCpuLayout(psamKeyProvider(samPort(() => reader, 0)));
      await eventually('open', () => device.entryOn);
      device.offer({ kind: 'cpu', card: sampleCard('golden').make() });
      const status = await until(reader, (s) => s.state === 'present');
      const channel = reader.open(status.insertion);
      const reading = must(await layout.read(channel));
      must(await layout.proveAuthority(reading));
      const plan = must(layout.plan(reading, GOLDEN_PURCHASE));
      must(await layout.apply(channel, plan));
      must(await channel.reset());
      expect(layout.classify(plan, must(await layout.readImage(channel)))).toBe('after');
    } finally {
      await reader.close();
      await wire.close();
      socat.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
