import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { headphonesDevice } from '../../../src/device/headphones/device.ts';
import { EvdevHeadphones } from '../../../src/device/headphones/evdev.ts';
import { openInputFile } from '../../../src/device/headphones/input-file.ts';
import { SimulatedJack } from '../../../src/simulator/headphones/jack.ts';
import { ManualClock } from '../../support/clock.ts';

let folder: string;
let clock: ManualClock;
let headphones: EvdevHeadphones | null = null;
const told: boolean[] = [];
const log: string[] = [];
/** The driver has looked once more, and the file system has answered. */
async function look(): Promise<void> {
  clock.advance(250);
  for (let n = 0; n < 20; n++) await new Promise((done) => setImmediate(done));
}
function listen(path: string): EvdevHeadphones {
  const made = new EvdevHeadphones({
    open: () => openInputFile(path),
    clock,
    log: (_level, _room, message) => void log.push(message),
  });
  made.onChange(() => told.push(made.plugged()));
  headphones = made;
  return made;
}
const until = async (what: () => boolean): Promise<void> => {
  for (let n = 0; n < 200 && !what(); n++) await look();
  expect(what()).toBe(true);
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-jack-'));
  clock = new ManualClock(0);
  told.length = 0;
  log.length = 0;
});
afterEach(async () => {
  await headphones?.close();
  headphones = null;
  rmSync(folder, { recursive: true });
});

describe('a jack of the sound card', () => {
  it('tells what is plugged in and pulled', async () => {
    const jack = new SimulatedJack(join(folder, 'jack'));
    const made = listen(join(folder, 'jack'));
    await until(() => made.failure() === null);
    expect(made.plugged()).toBe(false);
    jack.plug(true);
    await until(() => made.plugged());
    jack.plug(false);
    await until(() => !made.plugged());
    // In and out again between two looks is nothing that anybody heard of.
    const before = told.length;
    jack.plug(true);
    jack.plug(false);
    await look();
    expect(told).toHaveLength(before);
  });

  it('is read by a pipe without waiting in it, in whatever pieces its bytes come', async () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    const made = listen(path);
    await until(() => made.failure() === null);
    const pipe = openSync(path, 'w');
    // As the kernel writes them: a key of another kind, a microphone, headphones, the end.
    const event = (type: number, code: number, value: number): Buffer => {
      const bytes = Buffer.alloc(24, 0x5a);
      bytes.writeUInt16LE(type, 16);
      bytes.writeUInt16LE(code, 18);
      bytes.writeInt32LE(value, 20);
      return bytes;
    };
    const all = Buffer.concat([event(1, 2, 1), event(5, 4, 1), event(5, 2, 1), event(0, 0, 0)]);
    writeSync(pipe, all.subarray(0, 65));
    await look();
    expect(made.plugged()).toBe(false);
    writeSync(pipe, all.subarray(65));
    await until(() => made.plugged());
    closeSync(pipe);
    await look();
    expect(made.plugged()).toBe(true);
  });

  it('where the kernel lost events nothing counts as plugged in until it says so anew', async () => {
    const event = (type: number, code: number, value: number): Uint8Array => {
      const bytes = Buffer.alloc(24);
      bytes.set([type, 0, code, 0, value], 16);
      return bytes;
    };
    const bytes: Uint8Array[] = [event(5, 2, 1)];
    headphones = new EvdevHeadphones({
      open: () =>
        Promise.resolve({
          read: () => Promise.resolve(bytes.shift() ?? new Uint8Array()),
          close: () => Promise.resolve(),
        }),
      clock,
      log: () => undefined,
    });
    const made = headphones;
    await until(() => made.plugged());
    // SYN_DROPPED, and the end of a report: the pull was among what is gone.
    bytes.push(Buffer.concat([event(0, 3, 0), event(0, 0, 0)]));
    await until(() => !made.plugged());
    expect(made.failure()).toBeNull();
    bytes.push(Buffer.concat([event(0, 3, 0), event(5, 2, 1)]));
    await until(() => made.plugged());
  });

  it('a jack that is lost is as if it were pulled, and comes back by itself', async () => {
    const source = { gone: false, bytes: [] as Uint8Array[], opens: 0, closes: 0 };
    const made = new EvdevHeadphones({
      open: () => {
        source.opens += 1;
        return source.gone
          ? Promise.reject(new Error('no such device'))
          : Promise.resolve({
              read: () =>
                source.gone
                  ? Promise.reject(new Error('no such device'))
                  : Promise.resolve(source.bytes.shift() ?? new Uint8Array()),
              close: () => {
                source.closes += 1;
                return Promise.resolve();
              },
            });
      },
      clock,
      log: () => undefined,
    });
    headphones = made;
    const plug = Buffer.alloc(24);
    plug.set([5, 0, 2, 0, 1], 16);
    source.bytes.push(plug);
    await until(() => made.plugged());
    expect(headphonesDevice(made).report()).toMatchObject({ state: 'online', usable: true });
    source.gone = true;
    await until(() => !made.plugged());
    expect(made.failure()).toContain('no such device');
    expect(headphonesDevice(made).report()).toMatchObject({ state: 'offline', usable: false });
    expect(source.closes).toBe(1);
    clock.advance(10_000);
    await look();
    source.gone = false;
    clock.advance(10_000);
    await until(() => made.failure() === null);
    expect(made.plugged()).toBe(false);
    expect(source.opens).toBeGreaterThan(2);
  });
});
