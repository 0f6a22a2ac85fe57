import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openSerial } from '../../../src/card/index.ts';
import { makeScanner } from '../../../src/main/core/devices.ts';
import { scannerSchema } from '../../../src/shared/config/peripherals.ts';
import type { Scanner } from '../../../src/device/scanner/types.ts';
import { SimulatedScanner } from '../../../src/simulator/scanner/scanner.ts';
import { systemClock } from '../../support/clock.ts';
import { until } from '../../support/hall.ts';

/** A serial scanner end to end: its simulator's bytes, a pseudo-terminal, serialport, the driver. */
const CODE = '134567890123456789';
let folder: string;
let socat: ChildProcess;
let device: SimulatedScanner;
let far: Awaited<ReturnType<typeof openSerial>> | null = null;
let scanner: Scanner | null = null;
const logged: string[] = [];

async function plug(): Promise<void> {
  const [kiosk, other] = [join(folder, 'ttyS0'), join(folder, 'device')];
  socat = spawn('socat', [`pty,raw,echo=0,link=${kiosk}`, `pty,raw,echo=0,link=${other}`], {
    stdio: 'ignore',
  });
  await until('the pty', () => existsSync(kiosk) && existsSync(other));
  const line = await openSerial(other, 9_600);
  far = line;
  line.onData(device.plug(line.write));
}
const fitted = async (config: object): Promise<Scanner> => {
  const parsed = scannerSchema.parse({ kind: 'serial', path: join(folder, 'ttyS0'), ...config });
  const made = makeScanner(parsed, systemClock, (_level, _room, text, detail) => {
    logged.push(text, JSON.stringify(detail));
  });
  if (made === null || made === 'keyboard') throw new Error('no scanner');
  scanner = made;
  await until('its line', () => made.failure() === null);
  return made;
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-scanner-'));
  device = new SimulatedScanner();
  await plug();
});
afterEach(async () => {
  await scanner?.close();
  await far?.close();
  socat.kill();
  rmSync(folder, { recursive: true, force: true });
  // Whatever happened, of a code nothing was written down.
  expect(logged.join()).not.toContain(CODE.slice(0, 6));
});

it('each way of framing, without any configuration', async () => {
  const looking = await fitted({});
  const codes: string[] = [];
  looking.onCode((code) => codes.push(code));
  looking.look(true);
  const ways = ['\r', '\n', '\r\n', '\t', '\u001D', '\u0003', ''];
  for (const [at, suffix] of ways.entries()) {
    for (const prefix of ['', ']Q1', '\u0002']) {
      const before = codes.length;
      device.framing = { prefix, suffix };
      expect(device.show(CODE)).toBe(true);
      await until('the code', () => codes.length > before);
    }
    expect(codes).toHaveLength(3 * (at + 1));
  }
  expect(new Set(codes)).toEqual(new Set([CODE]));
});

it('a trigger model reads while it is told to look, and again once its cable is back', async () => {
  device.trigger = { on: [0x16, 0x54, 0x0d], off: [0x16, 0x55, 0x0d] };
  const looking = await fitted({ model: 'honeywell', prefix: 'K1', suffix: 'GS' });
  device.framing = { prefix: 'K1', suffix: '\u001D' };
  const codes: string[] = [];
  looking.onCode((code) => codes.push(code));
  expect(device.show(CODE)).toBe(false);
  looking.look(true);
  await until('its light', () => device.looks);
  expect(device.show(CODE)).toBe(true);
  await until('the code', () => codes.length === 1);
  looking.look(false);
  await until('dark', () => !device.looks);
  expect(codes).toEqual([CODE]);
});
