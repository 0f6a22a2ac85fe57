import { beforeEach, expect, it } from 'vitest';
import { DeviceRegistry } from '../../../src/device/device.ts';
import type { Device, DeviceReport } from '../../../src/device/device.ts';
import {
  DeviceFacts,
  MOST,
  QUIET_MS,
  SETTLED_MS,
  WINDOW_MS,
  changeOf,
  noteDevices,
} from '../../../src/kiosk/watch/device-facts.ts';
import type { EventBody } from '../../../src/shared/facts/catalogue.ts';
import { ManualClock } from '../../support/clock.ts';

/** Which changes of a device become facts: those that last, each once, and few of one that flaps. */
const WORDS = { zh: '', en: '' };
const WELL: DeviceReport = {
  state: 'online',
  usable: true,
  detail: WORDS,
  advice: null,
  consumables: [],
  lastError: null,
};
const OPEN: DeviceReport = {
  ...WELL,
  state: 'user-error',
  lastError: 'DEV-0401',
  halts: 'DEV-0401',
};
const AWAY: DeviceReport = { ...WELL, state: 'offline', usable: false, lastError: 'DEV-0402' };

let clock: ManualClock;
let now: DeviceReport;
let registry: DeviceRegistry;
let told: EventBody<'device-changed'>[];
let facts: DeviceFacts;
const notes = new Map<string, string>();
const journal = {
  meta: (key: string) => notes.get(key) ?? null,
  setMeta: (key: string, value: string) => void notes.set(key, value),
};
const start = (): void => {
  facts = new DeviceFacts({
    devices: registry,
    journal,
    clock,
    tell: (change) => {
      told.push(change);
      noteDevices(journal, [{ kind: 'device-changed', orderId: null, body: change }]);
    },
  });
};
const is = (report: DeviceReport, forMs = SETTLED_MS): void => {
  now = report;
  facts.look(registry.reports());
  clock.advance(forMs);
};
beforeEach(() => {
  clock = new ManualClock(1_000_000);
  now = WELL;
  told = [];
  notes.clear();
  const door: Device = {
    id: 'door',
    name: WORDS,
    report: () => now,
    look: () => Promise.resolve(now),
    selfTest: () => Promise.resolve({ ok: true, detail: WORDS }),
    onChange: () => () => undefined,
  };
  registry = new DeviceRegistry([door], clock);
  start();
});

it('well is no news; what lasts is told once, and so is its end', () => {
  is(WELL);
  is(OPEN, SETTLED_MS - 1);
  is(OPEN);
  is(OPEN, 60_000);
  is(AWAY);
  is(WELL);
  expect(told.map((t) => [t.state, t.code])).toEqual([
    ['user-error', 'DEV-0401'],
    ['offline', 'DEV-0402'],
    ['online', null],
  ]);
});

it('what is over at once is not told, nor what no driver has asked yet', () => {
  is(OPEN, SETTLED_MS - 1);
  is(WELL, 60_000);
  is({ ...AWAY, lastError: null }, 60_000);
  expect(told).toEqual([]);
});

it('since when it stands so is kept by the registry', () => {
  expect(registry.reports()[0]?.sinceMs).toBe(1_000_000);
  clock.step(5_000);
  now = { ...WELL, detail: { zh: '别的', en: 'other words' } };
  expect(registry.reports()[0]?.sinceMs).toBe(1_000_000);
  now = OPEN;
  expect(registry.reports()[0]?.sinceMs).toBe(1_005_000);
});

it('a restart tells nothing again, and what changed meanwhile', () => {
  is(OPEN);
  start();
  is(OPEN, 60_000);
  expect(told.length).toBe(1);
  start();
  is(WELL);
  expect(told.map((t) => t.code)).toEqual(['DEV-0401', null]);
  notes.set('device.states', 'no JSON');
  start();
  is(OPEN);
  expect(told.length).toBe(3);
});

it('a door that flaps all day writes few facts, and the last word is the true one', () => {
  // Two hours, less a moment.
  for (let i = 0; i < 718; i++) is(i % 2 === 0 ? OPEN : WELL, 10_000);
  expect(told.length).toBe(2 * MOST);
  is(OPEN, QUIET_MS - 1);
  expect(told.length).toBe(2 * MOST);
  is(OPEN, 1);
  expect(told.length).toBe(2 * MOST + 1);
  expect(told.at(-1)).toMatchObject({ code: 'DEV-0401', untold: 350 });
  // An hour later it is believed as quickly as ever.
  clock.advance(WINDOW_MS);
  is(WELL);
  expect(told.length).toBe(2 * MOST + 2);
});

it('one card that does not answer is no fact of the reader’s; paper that runs out is one of the printer’s', () => {
  const of = (report: DeviceReport) => changeOf({ id: 'printer', name: WORDS, ...report });
  expect(of({ ...WELL, state: 'user-error', lastError: 'CARD-0101' })).toMatchObject({
    state: 'online',
    code: null,
  });
  const low = { ...WELL, consumables: [{ name: WORDS, level: 'low' as const }] };
  expect(of(low)).toMatchObject({ state: 'user-error', usable: true, code: null });
});
