import { afterEach, beforeEach, expect, it } from 'vitest';
import { AGREE, ModbusDoor } from '../../../src/device/door/modbus-door.ts';
import { doorDevice } from '../../../src/device/door/device.ts';
import { headphonesDevice } from '../../../src/device/headphones/device.ts';
import { ModbusJack } from '../../../src/device/headphones/modbus-jack.ts';
import { lampsDevice } from '../../../src/device/lamps/device.ts';
import { ModbusLamps } from '../../../src/device/lamps/modbus-lamps.ts';
import { ANSWER_MS, MISSES, ModbusBus, POLL_MS } from '../../../src/device/modbus/bus.ts';
import type { SerialLine } from '../../../src/device/modbus/types.ts';
import { SimulatedIo, crc } from '../../../src/simulator/modbus/slave.ts';
import { ManualClock } from '../../support/clock.ts';

/** Door, lamps and jack at a Modbus RTU module, whose bytes the simulator answers. */
const DOOR = { address: 0 };
const JACK = { address: 3 };
const LIT = { card: { address: 0 }, scanner: { address: 1, invert: true }, alarm: { address: 7 } };
const DARK = { card: false, scanner: false, printer: false, alarm: false };

let clock: ManualClock;
let io: SimulatedIo;
let bus: ModbusBus;
/** The cable: cut, nothing can be opened, and what was open is gone. */
let cable: { cut: boolean; lines: ((cause: unknown) => void)[]; opened: number };
let heard: Uint8Array[];

function open(): Promise<SerialLine> {
  if (cable.cut) return Promise.reject(new Error('no such port'));
  cable.opened += 1;
  const listeners: ((bytes: Uint8Array) => void)[] = [];
  return Promise.resolve({
    write: (bytes) => {
      heard.push(Uint8Array.from(bytes));
      const answer = io.hear(bytes);
      // In two pieces, as a serial port gives it.
      if (answer !== null)
        for (const piece of [answer.slice(0, 2), answer.slice(2)])
          for (const listener of listeners) listener(piece);
    },
    onData: (listener) => void listeners.push(listener),
    onClose: (listener) => void cable.lines.push(listener),
    close: () => Promise.resolve(),
  });
}
const flush = async (): Promise<void> => {
  for (let i = 0; i < 6; i++) await new Promise<void>((done) => setImmediate(done));
};
/** So many turns of the bus, each whole. */
async function turns(n: number, ms = POLL_MS): Promise<void> {
  for (let i = 0; i < n; i++) {
    clock.advance(ms);
    await flush();
  }
}

beforeEach(async () => {
  clock = new ManualClock(1_000_000);
  io = new SimulatedIo(7);
  io.inputs[0] = true;
  heard = [];
  cable = { cut: false, lines: [], opened: 0 };
  bus = new ModbusBus({
    open,
    unit: 7,
    inputs: [DOOR, JACK],
    outputs: Object.values(LIT),
    clock,
    log: () => undefined,
  });
  await flush();
});
afterEach(async () => {
  await bus.close();
  expect(clock.pending()).toBe(0);
});

it('the check of a frame is that of the specification’s example', () => {
  // MODBUS over Serial Line V1.02, 6.2.2: 02 07 gives 41 12.
  expect(crc(Uint8Array.of(0x02, 0x07))).toEqual([0x41, 0x12]);
});

it('what is read is read at once, five times a second; an output is written when it changes', async () => {
  expect([bus.failure(), bus.input(DOOR), bus.input(JACK)]).toEqual([null, true, false]);
  expect([...(heard[0] ?? [])].slice(0, 6)).toEqual([7, 2, 0, 0, 0, 4]);
  // Inverted, off is on.
  expect(io.coils.slice(0, 2)).toEqual([false, true]);
  heard.length = 0;
  await turns(5);
  expect(heard.map((f) => f[1])).toEqual([2, 2, 2, 2, 2]);
  bus.want(LIT.card, true);
  await turns(1);
  expect([io.coils[0], heard.at(-1)?.[1]]).toEqual([true, 5]);
  // A module that lost its power forgets; it is told anew before long.
  io.coils.fill(false);
  await turns(51);
  expect([io.coils[0], io.coils[1]]).toEqual([true, true]);
});

it('one answer that is garbled, and noise before it, is nothing; silence is offline, and back by itself', async () => {
  io.garbled = 1;
  io.noise = [0x00, 0x07];
  await turns(3);
  expect(bus.failure()).toBeNull();
  io.silent = true;
  await turns(2 * (MISSES + 1), ANSWER_MS);
  expect([bus.failure()?.code, bus.input(DOOR)]).toEqual(['DEV-0403', null]);
  heard.length = 0;
  await turns(50, 1_000);
  // More and more seldom.
  expect(heard.length).toBeLessThan(16);
  io.silent = false;
  await turns(20, 1_000);
  expect([bus.failure(), bus.input(DOOR)]).toEqual([null, true]);
});

it('an answer that comes too late is not the next one’s', async () => {
  const late: (() => void)[] = [];
  const own = new ModbusBus({
    open: () =>
      Promise.resolve({
        write: (bytes) => {
          const answer = io.hear(bytes);
          if (answer !== null) late.push(() => told?.(answer));
        },
        onData: (listener) => {
          told = listener;
        },
        onClose: () => undefined,
        close: () => Promise.resolve(),
      }),
    unit: 7,
    inputs: [DOOR],
    outputs: [],
    clock,
    log: () => undefined,
  });
  let told: ((bytes: Uint8Array) => void) | null = null;
  await flush();
  clock.advance(ANSWER_MS);
  await flush();
  io.inputs[0] = false;
  late[0]?.();
  await flush();
  expect(own.input(DOOR)).toBeNull();
  await own.close();
});

it('a cable that is pulled is offline at once, and opened anew when it is back', async () => {
  cable.cut = true;
  for (const gone of cable.lines.splice(0)) gone(new Error('pulled'));
  await turns(2);
  expect(bus.failure()?.detail).toBe('no such port');
  cable.cut = false;
  await turns(10, 1_000);
  expect([bus.failure(), cable.opened]).toEqual([null, 2]);
});

it('what the module refuses is said by its exception', async () => {
  io.inputs.length = 2;
  await turns(MISSES + 1);
  expect(bus.failure()?.detail).toMatch(/^Modbus exception 2/);
});

it('the door: a contact that bounces is waited out; a cut wire is an open door', async () => {
  const door = new ModbusDoor(bus, DOOR);
  const device = doorDevice(door, clock);
  const said: string[] = [];
  door.onChange(() => said.push(door.state()));
  expect(device.report()).toMatchObject({ usable: false, lastError: 'DEV-0402' });
  await turns(AGREE);
  expect(device.report()).toMatchObject({ state: 'online', usable: true });
  io.inputs[0] = false;
  await turns(AGREE - 1);
  io.inputs[0] = true;
  await turns(1);
  io.inputs[0] = false;
  await turns(AGREE - 1);
  expect(said).toEqual(['closed']);
  await turns(1);
  expect(device.report()).toMatchObject({ usable: true, halts: 'DEV-0401' });
  expect((await device.selfTest()).detail.zh).toMatch(/^门磁：开着，\d+ 毫秒$/);
  io.inputs[0] = true;
  await turns(AGREE);
  expect(said).toEqual(['closed', 'open', 'closed']);
  await door.close();
});

it('a line that is cut behind an open door closes nothing; behind a closed one nobody knows', async () => {
  const door = new ModbusDoor(bus, DOOR);
  io.inputs[0] = false;
  await turns(AGREE);
  expect(door.state()).toBe('open');
  io.silent = true;
  await turns(2 * (MISSES + 1), ANSWER_MS);
  expect([bus.input(DOOR), door.state()]).toEqual([null, 'open']);
  io.silent = false;
  io.inputs[0] = true;
  await turns(20, 1_000);
  expect(door.state()).toBe('closed');
  io.silent = true;
  await turns(2 * (MISSES + 1), ANSWER_MS);
  expect(door.state()).toBe('unknown');
  await door.close();
});

it('lamps are shown as they are told, and proven by reading back; the alarm is one of them', async () => {
  const lamps = new ModbusLamps(bus, LIT);
  expect(lamps.fitted).toEqual(['card', 'scanner', 'alarm']);
  lamps.show({ ...DARK, card: true, alarm: true });
  await turns(1);
  expect([io.coils[0], io.coils[1], io.coils[7]]).toEqual([true, true, true]);
  lamps.show({ ...DARK, scanner: true });
  await turns(1);
  expect([io.coils[0], io.coils[1], io.coils[7]]).toEqual([false, false, false]);
  const device = lampsDevice(lamps);
  expect(await device.selfTest()).toMatchObject({ ok: true, detail: { en: /^3 outputs/ } });
  await turns(1);
  // As they were.
  expect([io.coils[0], io.coils[1], io.coils[7]]).toEqual([false, false, false]);
  io.silent = true;
  const test = device.selfTest();
  for (let i = 0; i < 40; i++) {
    clock.advance(ANSWER_MS);
    await flush();
  }
  expect(await test).toMatchObject({
    ok: false,
    detail: { zh: '没有接通：卡口灯、扫码口灯、报警' },
  });
});

it('the jack tells plug and pull, and counts as pulled where it cannot be read', async () => {
  const jack = new ModbusJack(bus, JACK);
  const said: boolean[] = [];
  jack.onChange(() => said.push(jack.plugged()));
  io.inputs[3] = true;
  await turns(2);
  io.silent = true;
  await turns(2 * (MISSES + 1), ANSWER_MS);
  expect(said).toEqual([true, false]);
  expect(headphonesDevice(jack).report()).toMatchObject({ state: 'offline', usable: false });
});
