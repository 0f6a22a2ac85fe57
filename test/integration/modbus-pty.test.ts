import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openSerial } from '../../src/card/index.ts';
import type { SerialLine } from '../../src/card/readers/serial-line.ts';
import { ModbusDoor } from '../../src/device/door/modbus-door.ts';
import { ModbusLamps } from '../../src/device/lamps/modbus-lamps.ts';
import { ModbusBus } from '../../src/device/modbus/bus.ts';
import { SimulatedIo } from '../../src/simulator/modbus/slave.ts';
import { systemClock } from '../support/clock.ts';

/** Door and lamps over a real serial line: serialport and modbus-serial on a pseudo-terminal. */
let folder: string;
let socat: ChildProcess;
let wire: SerialLine | null;
let bus: ModbusBus;
const io = new SimulatedIo(1);
const DOOR = { address: 0 };
const LAMP = { address: 2 };

async function eventually(what: string, is: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (is()) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`not ${what}: ${bus.failure()?.detail ?? 'the module answers'}`);
}
async function cable(): Promise<void> {
  const ends = ['kiosk', 'module'].map((end) => join(folder, end));
  socat = spawn(
    'socat',
    ends.map((end) => `pty,raw,echo=0,link=${end}`),
    { stdio: 'ignore' },
  );
  while (!ends.every((end) => existsSync(end))) await new Promise((done) => setTimeout(done, 20));
  const module = await openSerial(join(folder, 'module'), 9_600);
  module.onData((bytes) => {
    const answer = io.hear(bytes);
    if (answer !== null) module.write(answer);
  });
  wire = module;
}
async function pull(): Promise<void> {
  await wire?.close();
  wire = null;
  const over = new Promise((done) => socat.once('exit', done));
  socat.kill();
  await over;
  for (const end of ['kiosk', 'module']) rmSync(join(folder, end), { force: true });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-modbus-'));
  io.inputs[0] = true;
  await cable();
  bus = new ModbusBus({
    open: () => openSerial(join(folder, 'kiosk'), 9_600),
    unit: 1,
    inputs: [DOOR],
    outputs: [LAMP],
    clock: systemClock,
    log: () => undefined,
  });
});
afterEach(async () => {
  await bus.close();
  await pull();
  rmSync(folder, { recursive: true, force: true });
});

it('the door opens and shuts, a lamp is lit and read back, and a cable that is pulled comes back', async () => {
  const door = new ModbusDoor(bus, DOOR);
  const lamps = new ModbusLamps(bus, { card: LAMP });
  await eventually('shut', () => door.state() === 'closed');
  io.inputs[0] = false;
  await eventually('open', () => door.state() === 'open');
  lamps.show({ card: true, scanner: false, printer: false, alarm: false });
  await eventually('lit', () => io.coils[LAMP.address] === true);
  expect(await lamps.prove('card')).toBe(true);
  await pull();
  await eventually('away', () => bus.failure() !== null);
  // Nobody closed it.
  expect(door.state()).toBe('open');
  io.inputs[0] = true;
  await cable();
  await eventually('shut again', () => door.state() === 'closed');
  await door.close();
});
