import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { BillingClient } from '../../../src/billing/types.ts';
import { DeviceRegistry } from '../../../src/device/device.ts';
import { Journal } from '../../../src/journal/journal.ts';
import { Heartbeats } from '../../../src/kiosk/watch/heartbeat.ts';
import { Monitor } from '../../../src/kiosk/watch/monitor.ts';
import { failure } from '../../../src/shared/errors.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { ManualClock } from '../../support/clock.ts';
import { World, scratchFolder, seededRandom } from '../../support/kiosk-world.ts';

/**
 * After the orderly stop of an empty battery the process lives on, its journal closed, and waits
 * for the mains: what was asked before and is answered then (the router is dark too, so that
 * everything ends in a time-out) ends nothing.
 */
const rejected: unknown[] = [];
const note = (cause: unknown): void => void rejected.push(cause);
afterEach(() => void process.off('unhandledRejection', note));

/** Rejections are told once the microtasks are over. */
const settled = (): Promise<void> => new Promise((done) => void setImmediate(done));

it('what was asked of central is answered after the stop', async () => {
  process.on('unhandledRejection', note);
  const folder = scratchFolder();
  const clock = new ManualClock(1_795_348_800_000);
  const opened = Journal.open({
    dataDir: join(folder, 'data'),
    secondPath: join(folder, 'second'),
    terminalId: 'K-0001',
    clock,
    random: seededRandom('stopped'),
    onFatal: () => undefined,
  });
  if (!opened.ok) throw new Error(opened.error.code);
  const journal = opened.value;
  const answers: (() => void)[] = [];
  const away = (): Promise<unknown> =>
    new Promise((done) => void answers.push(() => done(err(failure('BILL-0101')))));
  const offered = { policy: { version: 1, expiresAtMs: clock.nowMs() + 1 }, raw: '{}' };
  const billing = {
    time: away,
    policy: () => new Promise((done) => void answers.push(() => done(ok(offered)))),
    commands: away,
    heartbeat: away,
  } as unknown as BillingClient;
  const said: string[] = [];
  const monitor = new Monitor({
    journal,
    billing,
    providers: [],
    devices: new DeviceRegistry([]),
    clock,
    log: () => undefined,
    probeTradeNo: 'PROBE',
    onChange: () => void said.push('change'),
    onCentralUp: () => void said.push('up'),
    onCentralTime: () => void said.push('time'),
    onCommand: () => undefined,
    onJournaled: () => undefined,
    onEpoch: () => undefined,
  });
  const beats = new Heartbeats({
    billing,
    journal,
    clock,
    log: () => undefined,
    version: 'test',
    level: () => ({ level: 'in-service' }),
    service: () => ({ devices: [], clockSkewMs: null }),
  });
  monitor.start();
  clock.advance(5_000);
  expect(answers.length).toBeGreaterThanOrEqual(4);
  monitor.stop();
  beats.stop();
  journal.close();
  said.length = 0;
  for (const answer of answers) answer();
  await settled();
  expect([rejected, said, clock.pending()]).toEqual([[], [], 0]);
});

it('an order was being made: it is given back at the next start', async () => {
  process.on('unhandledRejection', note);
  const w = new World();
  await w.start();
  await w.toAmount('golden');
  await w.tap('choose-amount', 10_000);
  await w.until('a quote', () => w.shown('amount').quote !== null);
  const { revision } = w.snapshot;
  w.kiosk.intent({ type: 'pay', value: 10_000, screen: 'amount', revision });
  w.kiosk.stop();
  w.journal.close();
  await settled();
  await settled();
  expect(rejected).toEqual([]);
});
