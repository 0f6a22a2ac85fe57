import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Mains } from '../../../src/device/ups/mains.ts';
import type { UpsStatus } from '../../../src/device/ups/types.ts';
import { PowerStop, REST_MS, UNKNOWN_MS } from '../../../src/main/core/power-stop.ts';
import { ManualClock } from '../../support/clock.ts';

/** The orderly stop at the end of the battery, and the start once the mains are back. */
let clock: ManualClock;
let mains: Mains;
let heard: UpsStatus['mains'];
let isAtRest: boolean;
let told: () => void;
let did: string[];
let power: PowerStop;
beforeEach(() => {
  clock = new ManualClock(0);
  mains = 'on';
  heard = 'on';
  isAtRest = true;
  did = [];
  power = new PowerStop({
    ups: {
      status: () => ({
        mains: heard,
        low: false,
        replace: false,
        chargePercent: null,
        runtimeS: null,
        said: '',
      }),
    },
    watch: {
      mains: () => mains,
      onChange: (listener) => {
        told = listener;
        return () => undefined;
      },
    },
    atRest: () => isAtRest,
    clock,
    log: () => undefined,
    stop: () => {
      did.push('stop');
      return Promise.resolve();
    },
    again: () => did.push('again'),
  });
});
afterEach(() => {
  power.close();
  expect(clock.pending()).toBe(0);
});
const hear = async (now: Mains, raw: UpsStatus['mains'] = now === 'on' ? 'on' : 'battery') => {
  mains = now;
  heard = raw;
  told();
  await Promise.resolve();
  await Promise.resolve();
};
const wait = async (ms: number): Promise<void> => {
  clock.advance(ms);
  await Promise.resolve();
  await Promise.resolve();
};

it('on battery nothing is stopped; at its end everything is, and begun again with the mains', async () => {
  await hear('battery');
  await wait(600_000);
  expect(did).toEqual([]);
  await hear('stop');
  expect(did).toEqual(['stop']);
  await wait(3_600_000);
  expect(did).toEqual(['stop']);
  await hear('on');
  expect(did).toEqual(['stop', 'again']);
});

it('what is in flight ends first, and for no longer than its time', async () => {
  isAtRest = false;
  await hear('stop');
  await wait(5_000);
  expect(did).toEqual([]);
  isAtRest = true;
  await wait(250);
  expect(did).toEqual(['stop']);
});

it('what does not end is as safe as at any cut: the time is over', async () => {
  isAtRest = false;
  await hear('stop');
  await wait(REST_MS - 1);
  expect(did).toEqual([]);
  await wait(250);
  expect(did).toEqual(['stop']);
});

it('mains that are back while it waits stop nothing', async () => {
  isAtRest = false;
  await hear('stop');
  await hear('on');
  isAtRest = true;
  await wait(60_000);
  expect(did).toEqual([]);
});

it('once stopped, a upsd that is away is its machine’s end; but not for ever', async () => {
  await hear('stop');
  await hear('on', 'unknown');
  await wait(UNKNOWN_MS - 1);
  expect(did).toEqual(['stop']);
  await wait(10_000);
  expect(did).toEqual(['stop', 'again']);
});
