import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTcpLine } from '../../../src/device/scanner/tcp-line.ts';
import { upsDevice } from '../../../src/device/ups/device.ts';
import { BACK_MS, LOST_MS, MainsWatch, SETTLE_MS } from '../../../src/device/ups/mains.ts';
import { NutUps, statusOf, wordsOf } from '../../../src/device/ups/nut.ts';
import type { UpsStatus } from '../../../src/device/ups/types.ts';
import { failure } from '../../../src/shared/errors.ts';
import type { Failure } from '../../../src/shared/errors.ts';
import { SimulatedUpsd } from '../../../src/simulator/ups/upsd.ts';
import { ManualClock } from '../../support/clock.ts';

/** A UPS through upsd: its bytes answered by the simulator, over TCP as always. */
const log = (): void => undefined;

describe('the words of upsd', () => {
  it('are split at blanks, with quotes and backslashes', () => {
    expect(wordsOf('VAR ups ups.status "OL CHRG"')).toEqual([
      'VAR',
      'ups',
      'ups.status',
      'OL CHRG',
    ]);
    expect(wordsOf(String.raw`VAR ups m "a \"b\" \\ c"`)).toEqual([
      'VAR',
      'ups',
      'm',
      'a "b" \\ c',
    ]);
    expect(wordsOf('END LIST VAR ups\r')).toEqual(['END', 'LIST', 'VAR', 'ups']);
    expect(wordsOf('VAR ups x ""')).toEqual(['VAR', 'ups', 'x', '']);
    expect(wordsOf('VAR ups x "open')).toBeNull();
    expect(wordsOf('')).toEqual([]);
  });

  it.each([
    ['OL', 'on', false],
    ['OL CHRG LB', 'on', false],
    ['OB DISCHRG', 'battery', false],
    ['OB DISCHRG LB', 'battery', true],
    ['FSD OL', 'battery', true],
    ['FSD OB LB', 'battery', true],
    ['OL BYPASS', 'on', false],
    ['OB CAL DISCHRG', 'on', false],
    ['OFF', 'unknown', false],
    ['', 'unknown', false],
    ['WAIT', 'unknown', false],
  ])('%j is %s, low: %s', (said, mains, low) => {
    expect(statusOf(new Map([['ups.status', said]]))).toMatchObject({ mains, low });
  });

  it('numbers are decimal with a dot; anything else is none', () => {
    const of = (charge: string): number | null =>
      statusOf(new Map([['battery.charge', charge]])).chargePercent;
    expect(['98', '98.5', '1e2', '0x10', '98,5', ''].map(of)).toEqual([
      98,
      98.5,
      null,
      null,
      null,
      null,
    ]);
  });
});

describe('over its connection', () => {
  const upsd = new SimulatedUpsd();
  let clock: ManualClock;
  let ups: NutUps;
  let port: number;
  beforeEach(async () => {
    clock = new ManualClock(1_000_000);
    Object.assign(upsd.condition, { mains: true, low: false, stale: false, driver: true });
    upsd.mute = false;
    port = await upsd.start(0);
    ups = new NutUps({ open: () => openTcpLine('127.0.0.1', port), name: 'ups', clock, log });
    await ups.look();
  });
  afterEach(async () => {
    await ups.close();
    await upsd.stop();
    expect(clock.pending()).toBe(0);
  });
  const now = async (): Promise<readonly [string, string | null]> => {
    await ups.look();
    return [ups.status().mains, ups.failure()?.detail ?? null];
  };

  it('it is asked for all variables at once, again and again, and says what changed', async () => {
    expect(ups.status()).toEqual({
      mains: 'on',
      low: false,
      replace: false,
      chargePercent: 100,
      runtimeS: 1_260,
      said: 'OL',
    });
    let heard = 0;
    const off = ups.onChange(() => (heard += 1));
    await ups.look();
    expect(heard).toBe(0);
    upsd.condition.mains = false;
    // The next question is due by itself.
    const told = new Promise<void>((done) => {
      const stop = ups.onChange(() => {
        stop();
        done();
      });
    });
    clock.advance(2_000);
    await told;
    expect([ups.status().mains, heard]).toEqual(['battery', 1]);
    off();
    expect(new Set(upsd.asked.filter((a) => a.startsWith('LIST')))).toEqual(
      new Set(['LIST VAR ups']),
    );
  });

  it.each([
    ['DATA-STALE', { stale: true }],
    ['DRIVER-NOT-CONNECTED', { driver: false }],
  ])(
    '%s: nobody knows, and that is not “on battery”; the connection stays',
    async (why, change) => {
      const reset = { stale: false, driver: true };
      Object.assign(upsd.condition, change);
      expect(await now()).toEqual(['unknown', why]);
      Object.assign(upsd.condition, reset);
      expect(await now()).toEqual(['on', null]);
    },
  );

  it('upsd is stopped and comes back; it is connected to anew', async () => {
    await upsd.stop();
    expect((await now())[0]).toBe('unknown');
    expect(ups.failure()?.code).toBe('DEV-0301');
    await upsd.start(port);
    expect(await now()).toEqual(['on', null]);
  });

  it('one that accepts and is silent is not waited for', async () => {
    upsd.mute = true;
    const asked = ups.look();
    await new Promise<void>((done) => setImmediate(done));
    clock.advance(5_000);
    await asked;
    expect([ups.status().mains, ups.failure()?.detail]).toEqual(['unknown', 'no answer']);
    upsd.mute = false;
    expect(await now()).toEqual(['on', null]);
  });

  it('a name that upsd does not know is said; a login is made where one is configured', async () => {
    const other = new NutUps({
      open: () => openTcpLine('127.0.0.1', port),
      name: 'hall',
      login: () => ({ username: 'kiosk', password: 'a "b"' }),
      clock,
      log,
    });
    upsd.asked.length = 0;
    await other.look();
    expect(other.failure()?.detail).toBe('UNKNOWN-UPS');
    expect(upsd.asked.slice(0, 3)).toEqual(['USERNAME kiosk', 'PASSWORD', 'LIST VAR hall']);
    await other.close();
  });

  it('as a device: evidence in its self-test, its battery as a consumable', async () => {
    const watch = new MainsWatch({ ups, clock, stopAfterMs: null });
    const device = upsDevice(ups, watch, clock);
    expect(await device.look()).toMatchObject({ state: 'online', usable: true, lastError: null });
    const test = await device.selfTest();
    expect(test.ok).toBe(true);
    expect(test.detail.zh).toMatch(/^市电正常 · 电量 100% · 可用 21 分钟 · OL，应答 \d+ 毫秒$/);
    Object.assign(upsd.condition, { mains: false, low: true, chargePercent: 8 });
    expect(await device.look()).toMatchObject({
      usable: true,
      halts: 'DEV-0303',
      consumables: [{ level: 'empty' }],
    });
    await upsd.stop();
    expect(await device.selfTest()).toMatchObject({ ok: false });
    watch.close();
  });
});

describe('what follows for the machine', () => {
  const clock = new ManualClock(0);
  let status: Pick<UpsStatus, 'mains' | 'low'>;
  let down: Failure | null;
  let tell: () => void;
  let watch: MainsWatch;
  const said: string[] = [];
  const begin = (stopAfterMs: number | null = null): void => {
    status = { mains: 'on', low: false };
    down = null;
    said.length = 0;
    watch = new MainsWatch({
      ups: {
        status: () => ({
          ...status,
          replace: false,
          chargePercent: null,
          runtimeS: null,
          said: '',
        }),
        failure: () => down,
        onChange: (listener) => {
          tell = listener;
          return () => undefined;
        },
      },
      clock,
      stopAfterMs,
    });
    watch.onChange(() => said.push(watch.mains()));
  };
  const hear = (mains: UpsStatus['mains'], low = false): void => {
    status = { mains, low };
    down = mains === 'unknown' ? failure('DEV-0301') : null;
    tell();
  };
  afterEach(() => watch.close());

  it('a flicker is nothing; what lasts stops what is new, and is waited out when it is over', () => {
    begin();
    hear('battery');
    clock.advance(SETTLE_MS - 1);
    hear('on');
    clock.advance(60_000);
    expect(said).toEqual([]);
    hear('battery');
    clock.advance(SETTLE_MS);
    hear('on');
    clock.advance(BACK_MS - 1);
    hear('battery');
    hear('on');
    clock.advance(BACK_MS - 1);
    expect(said).toEqual(['battery']);
    clock.advance(1);
    expect(said).toEqual(['battery', 'on']);
  });

  it('a low battery stops at once, and only the mains undo it', () => {
    begin();
    hear('battery', true);
    hear('battery', false);
    expect(said).toEqual(['stop']);
    hear('on');
    clock.advance(BACK_MS);
    expect(said).toEqual(['stop', 'on']);
  });

  it('so long on battery is enough, where a time is configured', () => {
    begin(300_000);
    hear('battery');
    clock.advance(299_999);
    expect(said).toEqual(['battery']);
    clock.advance(1);
    expect(said).toEqual(['battery', 'stop']);
  });

  it('what nobody knows stops nothing; but who was on battery is believed for a minute', () => {
    begin();
    hear('unknown');
    clock.advance(3_600_000);
    expect(said).toEqual([]);
    hear('battery');
    clock.advance(SETTLE_MS);
    hear('unknown');
    clock.advance(LOST_MS - 1);
    expect(said).toEqual(['battery']);
    clock.advance(1);
    expect(said).toEqual(['battery', 'on']);
  });

  it('is heard again after a silence: it is back once it was so for its own while, and no later', () => {
    begin();
    hear('battery');
    clock.advance(SETTLE_MS);
    hear('unknown');
    clock.advance(2 * BACK_MS);
    hear('on');
    clock.advance(BACK_MS - 1);
    expect(said).toEqual(['battery']);
    clock.advance(1);
    expect(said).toEqual(['battery', 'on']);
  });

  it('comes and goes out of hearing for ever: not on battery for a minute is enough', () => {
    begin();
    hear('battery');
    clock.advance(SETTLE_MS);
    for (let ms = 0; ms < LOST_MS; ms += BACK_MS) {
      hear(ms % (2 * BACK_MS) === 0 ? 'on' : 'unknown');
      expect(said).toEqual(['battery']);
      clock.advance(BACK_MS - 1);
      hear('unknown');
      clock.advance(1);
    }
    expect(said).toEqual(['battery', 'on']);
  });

  it('flaps every second: nobody is stopped by it, and the battery’s own word is heard', () => {
    begin(60_000);
    for (let n = 0; n < 100; n++) {
      hear(n % 2 === 0 ? 'battery' : 'on');
      clock.advance(1_000);
    }
    expect(said).toEqual([]);
    hear('battery', true);
    expect(said).toEqual(['stop']);
  });
});
