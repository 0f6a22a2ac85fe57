import { expect, it } from 'vitest';
import { DeviceRegistry, isFitted, isUsable } from '../../../src/device/device.ts';
import { printerDevice } from '../../../src/device/printer/device.ts';
import { openTcpPrinter } from '../../../src/device/printer/tcp-line.ts';
import { scannerDevice } from '../../../src/device/scanner/device.ts';
import type { SlipLine } from '../../../src/device/printer/types.ts';
import { failure } from '../../../src/shared/errors.ts';
import type { Failure } from '../../../src/shared/errors.ts';
import { SimulatedPrinter } from '../../../src/simulator/printer/printer.ts';
import { systemClock } from '../../../src/main/ports.ts';
import { driver } from '../../support/printer-ends.ts';

/** Devices as staff and the service level see them: the printer's bytes answered by its simulator. */
const SLIP: readonly SlipLine[] = [{ kind: 'text', text: '自检' }];

it('a printer reports what it said last, and asks only when it is told to look', async () => {
  const simulated = new SimulatedPrinter();
  const port = await simulated.start(0);
  try {
    const clock = systemClock;
    const line = { open: () => openTcpPrinter('127.0.0.1', port), keeps: false };
    const printer = driver(line, 'generic-58', clock);
    const device = printerDevice(printer, clock, () => SLIP);
    expect(device.report()).toMatchObject({ usable: false, detail: { en: 'not asked yet' } });
    expect(await device.look()).toMatchObject({ state: 'online', usable: true, advice: null });
    simulated.condition.paper = 'low';
    expect(device.report().state).toBe('online');
    expect(await device.look()).toMatchObject({
      state: 'user-error',
      usable: true,
      consumables: [{ level: 'low' }],
      advice: { en: 'put in a new roll' },
    });
    expect((await device.selfTest()).ok).toBe(true);
    simulated.condition.paper = 'end';
    expect(await device.look()).toMatchObject({
      state: 'user-error',
      usable: false,
      consumables: [{ level: 'empty' }],
      lastError: 'DEV-0101',
    });
    expect(await device.selfTest()).toMatchObject({ ok: false });
    simulated.condition.paper = 'ok';
    simulated.condition.cutterJam = true;
    let told = 0;
    const off = device.onChange(() => told++);
    expect(await device.selfTest()).toMatchObject({ ok: false });
    off();
    // What a slip showed is said at once.
    expect([told, device.report().state, device.report().lastError]).toEqual([
      1,
      'hardware-error',
      'DEV-0101',
    ]);
    simulated.condition.cutterJam = false;
    simulated.condition.off = true;
    expect(await device.look()).toMatchObject({ state: 'offline', usable: false });
  } finally {
    await simulated.close();
  }
});

it('no printer is a device that is not there, and nothing has to be asked', async () => {
  const device = printerDevice(null, systemClock, () => SLIP);
  expect(await device.look()).toMatchObject({ state: 'no-device', usable: false });
  expect(await device.selfTest()).toMatchObject({ ok: false });
});

it('a scanner says by itself that its line went down and came back', () => {
  let down: Failure | null = null;
  const listeners: (() => void)[] = [];
  const device = scannerDevice({
    failure: () => down,
    onChange: (listener) => {
      listeners.push(listener);
      return () => void listeners.splice(listeners.indexOf(listener), 1);
    },
  });
  const registry = new DeviceRegistry([device]);
  const heard: boolean[] = [];
  const off = device.onChange(() => heard.push(isUsable(registry.reports(), 'scanner')));
  for (const f of [failure('DEV-0201'), null]) {
    down = f;
    for (const tell of listeners) tell();
  }
  off();
  expect(heard).toEqual([false, true]);
  expect(listeners).toEqual([]);
  expect([isFitted(registry.reports(), 'scanner'), isFitted(registry.reports(), 'x')]).toEqual([
    true,
    false,
  ]);
});

it('two devices with one name are a defect', () => {
  const twice = [scannerDevice(null), scannerDevice(null)];
  expect(() => new DeviceRegistry(twice)).toThrow('two devices are called scanner');
});
