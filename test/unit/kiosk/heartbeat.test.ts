import { fleetOf } from '../../../src/central/fleet/terminals.ts';
import type { HeldPolicy } from '../../../src/shared/policy.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Heartbeats, beatOf } from '../../../src/kiosk/watch/heartbeat.ts';
import type { HeartbeatOptions } from '../../../src/kiosk/watch/heartbeat.ts';
import type { ServiceLevel } from '../../../src/kiosk/watch/selling.ts';
import { heartbeatSchema } from '../../../src/shared/central-api/index.ts';
import type { Heartbeat } from '../../../src/shared/central-api/index.ts';
import { failure } from '../../../src/shared/errors.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { ManualClock } from '../../support/clock.ts';
import { ENGINES, openRoom } from '../central/harness.ts';
import type { Room } from '../central/harness.ts';

/** How a machine tells central how it stands: once a minute, and nothing hangs on it. */
const WORDS = { zh: '凭条纸', en: 'paper' };
const parts = (
  clock: ManualClock,
  level: () => ServiceLevel = () => ({ level: 'in-service' }),
): Omit<HeartbeatOptions, 'billing'> => ({
  journal: {
    freeBytes: () => 7_000_000_000,
    unsynced: () => ({ events: 3, oldestMs: 5, soldFen: 0 }),
  },
  clock,
  log: () => undefined,
  version: '1.2.3',
  level,
  service: () => ({
    devices: [
      {
        id: 'printer',
        name: WORDS,
        state: 'user-error',
        usable: true,
        detail: WORDS,
        advice: null,
        consumables: [{ name: WORDS, level: 'low' }],
        lastError: null,
        sinceMs: 9,
      },
    ],
    clockSkewMs: -40,
  }),
});

it('is sent once a minute; one that is refused, or lost, changes nothing', async () => {
  const clock = new ManualClock(1_000);
  const sent: Heartbeat[] = [];
  const logged: string[] = [];
  const answers = [ok(undefined), err(failure('BILL-0102')), err(failure('BILL-0102'))];
  const beats = new Heartbeats({
    ...parts(clock),
    log: (_level, _room, message) => logged.push(message),
    billing: {
      heartbeat: (beat) => {
        sent.push(beat);
        return Promise.resolve(answers[sent.length - 1] ?? ok(undefined));
      },
    },
  });
  for (let s = 0; s < 245; s += 5) {
    clock.advance(5_000);
    await Promise.resolve();
    await Promise.resolve();
  }
  expect(sent.map((b) => b.atMs)).toEqual([6_000, 66_000, 126_000, 186_000, 246_000]);
  // An old central is heard refusing once, and not each minute.
  expect(logged.length).toBe(1);
  beats.stop();
  clock.advance(600_000);
  expect([sent.length, clock.pending()]).toEqual([5, 0]);
});

it('says why it is out of service, and what it goes on without', () => {
  const clock = new ManualClock(1_000);
  const of = (level: ServiceLevel): Heartbeat => beatOf(parts(clock, () => level));
  expect(of({ level: 'out-of-service', reason: 'DEV-0401' })).toMatchObject({
    level: 'out-of-service',
    codes: ['DEV-0401'],
  });
  const lacks = [{ code: 'DEV-0301' as const, shown: null }];
  expect(of({ level: 'degraded', lacks }).codes).toEqual(['DEV-0301']);
  expect(of({ level: 'maintenance' }).codes).toEqual([]);
  expect(heartbeatSchema.parse(of({ level: 'in-service' }))).toEqual(of({ level: 'in-service' }));
});

describe.each(ENGINES)('central on %s', (engine) => {
  let room: Room;
  beforeAll(async () => {
    room = await openRoom(engine, 2);
  }, 60_000);
  afterAll(() => room.close());
  const page = async (target: string): Promise<string> =>
    (await room.central.staff({ method: 'GET', target, headers: {}, body: new Uint8Array(0) }))
      .body;

  it('keeps the last one of each terminal, and shows it to staff; silence is shown too', async () => {
    const terminal = room.terminals[0] as Room['terminals'][number];
    const beat = beatOf(parts(new ManualClock(room.now)));
    expect(await terminal.client.heartbeat(beat)).toEqual(ok(undefined));
    const out: Heartbeat = { ...beat, level: 'out-of-service', codes: ['DEV-0401'] };
    expect((await terminal.client.heartbeat(out)).ok).toBe(true);
    const shown = await page('/');
    expect(shown).toContain('停用</span>');
    expect(shown).toContain('DEV-0401 正在维护');
    expect(shown).toContain('1 台终端失联或停用');
    const own = await page(`/console/terminal?terminal=${terminal.id}`);
    expect(own).toContain('1.2.3');
    expect(own).toContain('凭条纸 不足');
    room.now += 300_001;
    expect(await page('/')).toContain('失联（最后：停用）');
  });

  it('says by which policy it goes; an older kiosk does not, and is heard all the same', async () => {
    const terminal = room.terminals[0] as Room['terminals'][number];
    const given = parts(new ManualClock(room.now));
    const policy = { version: 7 } as HeldPolicy;
    const beat = beatOf({ ...given, service: () => ({ ...given.service(), policy }) });
    expect((await terminal.client.heartbeat(beat)).ok).toBe(true);
    const heard = async () =>
      (await fleetOf(room.db, room.now)).find((t) => t.terminalId === terminal.id)?.heard?.beat;
    expect((await heard())?.policyVersion).toBe(7);
    const { policyVersion: _new, ...older } = beat;
    expect((await terminal.client.heartbeat(older)).ok).toBe(true);
    expect(await heard()).toEqual(older);
  });

  it('refuses what is no heartbeat', async () => {
    const terminal = room.terminals[1] as Room['terminals'][number];
    const beat = beatOf(parts(new ManualClock(room.now)));
    const answer = await terminal.client.heartbeat({
      ...beat,
      level: 'asleep',
    } as unknown as Heartbeat);
    expect(answer).toMatchObject({ ok: false, error: { code: 'BILL-0102' } });
  });
});
