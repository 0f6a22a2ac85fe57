import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BillingClient } from '../../src/billing/types.ts';
import { createCentral } from '../../src/central/central.ts';
import { DEMO_DATA } from '../../src/demo/central-data.ts';
import { Journal } from '../../src/journal/journal.ts';
import type { ServiceState } from '../../src/kiosk/state/kiosk.ts';
import { Monitor } from '../../src/kiosk/watch/monitor.ts';
import { notSelling, outOfService } from '../../src/kiosk/watch/selling.ts';
import { DeviceRegistry } from '../../src/device/device.ts';
import { failure } from '../../src/shared/errors.ts';
import { issuedPolicySchema, policySchema } from '../../src/shared/policy.ts';
import type { Policy } from '../../src/shared/policy.ts';
import { err } from '../../src/shared/result.ts';
import { DAY_MS } from '../../src/shared/time.ts';
import { memoryStorage } from '../../src/simulation/memory-storage.ts';
import type { MemoryStorage } from '../../src/simulation/memory-storage.ts';
import { ManualClock } from '../support/clock.ts';
import { T0, World, seededRandom } from '../support/kiosk-world.ts';
import { openRoom, quickSigner } from '../unit/central/harness.ts';
import type { Room } from '../unit/central/harness.ts';

/**
 * Somebody on the line answers with a policy that central signed once: with the large offline cap
 * of last spring's storm, say. Or he cuts the line, and waits. The real central, client and
 * monitor.
 */
const HOUR_MS = 3_600_000;
/** Days go by in steps of an hour here, in which an answer comes: no clock is wrong for that. */
const POLICY: Policy = { ...DEMO_DATA.policy, version: 7, maxClockSkewMs: DAY_MS };

let room: Room;
/** What the man on the line does with central's answers; null: nothing. */
let inBetween: Partial<BillingClient> | null = null;
let boots = 0;
const running: { stop: () => void }[] = [];

interface Machine {
  readonly journal: Journal;
  readonly clock: ManualClock;
  readonly service: Partial<ServiceState>;
  readonly run: (ms: number, stepMs?: number) => Promise<void>;
}
function boot(disk: MemoryStorage, atMs: number, minPolicyVersion?: number): Machine {
  const clock = new ManualClock(atMs);
  const terminal = room.terminals[0] as Room['terminals'][number];
  const opened = Journal.open({
    dataDir: '',
    secondPath: '',
    storage: disk,
    terminalId: terminal.id,
    clock,
    random: seededRandom(`policy ${boots++}`),
    onFatal: () => undefined,
  });
  if (!opened.ok) throw new Error(opened.error.code);
  const journal = opened.value;
  const service: Partial<ServiceState> = {};
  const monitor = new Monitor({
    journal,
    billing: { ...terminal.client, ...inBetween },
    providers: [],
    devices: new DeviceRegistry([]),
    clock,
    log: () => undefined,
    probeTradeNo: 'PROBE',
    minPolicyVersion,
    onChange: (change) => Object.assign(service, change),
    onCentralUp: () => undefined,
    onCentralTime: (ms) => journal.setMeta('central_ms', String(ms)),
    onCommand: () => undefined,
    onJournaled: () => undefined,
    onEpoch: () => undefined,
  });
  monitor.start();
  running.push({
    stop: () => {
      monitor.stop();
      journal.close();
    },
  });
  const run = async (ms: number, stepMs = ms > HOUR_MS ? HOUR_MS : 5_000): Promise<void> => {
    for (let gone = 0; gone < ms; gone += stepMs) {
      clock.advance(stepMs);
      room.now += stepMs;
      for (let i = 0; i < 4; i++) await new Promise<void>((done) => setImmediate(done));
      // As the uploader does: nothing waits here.
      const { seq, hash } = journal.head;
      journal.acknowledge(1, seq, hash);
    }
  };
  return { journal, clock, service, run };
}
const off = (): void => {
  for (const machine of running.splice(0)) machine.stop();
};
/** The line is cut: nobody answers. */
const away = err(failure('BILL-0101', 'cut'));
const CUT: Partial<BillingClient> = {
  policy: () => Promise.resolve(away),
  time: () => Promise.resolve(away),
  commands: () => Promise.resolve(away),
};
/** What central signed under this version, `atMs`: whoever listened then has it. */
async function signedOnce(policy: Policy, atMs: number): Promise<Partial<BillingClient>> {
  const then = createCentral({
    ...DEMO_DATA,
    db: room.db,
    policy,
    policySigner: quickSigner('policy'),
    answerSigner: quickSigner('answers'),
    gatewaySigner: quickSigner('gateway'),
    now: () => atMs,
    terminals: [],
    claims: [],
  });
  await then.open();
  const [{ body, signature } = { body: '', signature: '' }] = await room.db.query<{
    body: string;
    signature: string;
  }>('SELECT body, signature FROM policy WHERE version = $1', [policy.version]);
  await then.close();
  const raw = JSON.stringify({ body, signature });
  const answer = (room.terminals[0] as Room['terminals'][number]).client.verifyPolicy(raw);
  return {
    policy: () =>
      Promise.resolve(answer.ok ? { ok: true, value: { policy: answer.value, raw } } : answer),
  };
}
const blocked = (m: Machine): string | null => m.service.blocked?.code ?? null;

beforeEach(async () => {
  room = await openRoom('sqlite', 1, { policy: POLICY, claims: [] });
  room.now = T0;
  inBetween = null;
});
afterEach(async () => {
  off();
  await room.close();
});

describe('a policy of before', () => {
  const generous: Policy = {
    ...POLICY,
    version: 6,
    offline: { ...POLICY.offline, capFen: 9_000_000 },
  };

  it('is not taken after the newer one: not by this process, nor by the next', async () => {
    const disk = memoryStorage();
    const old = await signedOnce(generous, T0);
    let m = boot(disk, T0);
    await m.run(600_000);
    expect(m.service.policy?.version).toBe(7);
    for (let start = 0; start < 2; start++) {
      off();
      inBetween = old;
      m = boot(disk, room.now);
      await m.run(1_200_000);
      expect(m.service.policy).toMatchObject({ version: 7, offline: POLICY.offline });
    }
  });

  it('nor by a journal that was restored, whose facts alone tell which was taken', async () => {
    const disk = memoryStorage();
    const old = await signedOnce(generous, T0);
    let m = boot(disk, T0);
    await m.run(600_000);
    // As a restore from the second log leaves it: facts, and nothing that was kept beside them.
    m.journal.setMeta('policy', '');
    off();
    inBetween = old;
    m = boot(disk, room.now);
    await m.run(1_200_000);
    expect(m.service.policy ?? null).toBeNull();
    inBetween = null;
    off();
    m = boot(disk, room.now);
    await m.run(60_000);
    expect(m.service.policy?.version).toBe(7);
    expect(blocked(m)).toBeNull();
  });

  it('sells nothing at a new machine whose terminal.json names the version', async () => {
    inBetween = await signedOnce(generous, T0);
    const m = boot(memoryStorage(), T0, 7);
    await m.run(600_000);
    expect(m.service.policy?.version).toBe(6);
    expect(blocked(m)).toBe('SALE-0118');
    off();
    inBetween = null;
    const honest = boot(memoryStorage(), room.now, 7);
    await honest.run(60_000);
    expect(blocked(honest)).toBeNull();
  });
});

describe('a policy that is over', () => {
  it('sells nothing, though nobody hears of it: the line was cut, or answers what it said once', async () => {
    for (const thief of [CUT, { ...(await signedOnce(POLICY, T0)) }]) {
      const disk = memoryStorage();
      inBetween = null;
      room.now = T0;
      let m = boot(disk, T0);
      await m.run(60_000);
      expect(blocked(m)).toBeNull();
      off();
      inBetween = thief;
      m = boot(disk, room.now);
      await m.run(29 * DAY_MS);
      expect(blocked(m)).toBeNull();
      await m.run(2 * DAY_MS);
      expect(blocked(m)).toBe('SALE-0118');
      expect(notSelling({ service: m.service as ServiceState })).toBe('SALE-0118');
      // Cards are still read, orders end, facts go up: only selling stops.
      const reader = { state: 'empty', insertion: 0, failure: null, sinceMs: 0 } as const;
      expect(outOfService({ service: m.service as ServiceState, reader })).toBeNull();
      off();
      // Central is heard again, and nobody has to come.
      inBetween = null;
      m = boot(disk, room.now);
      await m.run(60_000);
      expect(blocked(m)).toBeNull();
      off();
    }
  });

  it('is renewed in time for whoever hears central, and no fact is written for it', async () => {
    const m = boot(memoryStorage(), T0);
    await m.run(60_000);
    const facts = m.journal.head.seq;
    await m.run(61 * DAY_MS);
    expect(blocked(m)).toBeNull();
    expect(m.journal.head.seq).toBe(facts);
  }, 60_000);

  it('does not come back to life with a clock that was set back', async () => {
    const disk = memoryStorage();
    let m = boot(disk, T0);
    await m.run(60_000);
    // Central was heard until the end, and said the time; what it said of the policy was held back.
    off();
    inBetween = { policy: CUT.policy as BillingClient['policy'] };
    m = boot(disk, room.now);
    await m.run(31 * DAY_MS);
    expect(blocked(m)).toBe('SALE-0118');
    off();
    inBetween = CUT;
    m = boot(disk, 0);
    await m.run(60_000);
    expect(blocked(m)).toBe('SALE-0118');
  });

  it('a clock that is dead stops no honest kiosk once central is heard', async () => {
    const disk = memoryStorage();
    for (const dead of [0, T0 + 4_000 * DAY_MS]) {
      inBetween = null;
      room.now = T0;
      const m = boot(disk, dead);
      await m.run(60_000);
      // The clock itself is said, as ever; the policy is as good as it is.
      expect(blocked(m)).toBe('CORE-0102');
      off();
      const mended = boot(disk, room.now);
      await mended.run(60_000);
      expect(blocked(mended)).toBeNull();
      off();
    }
  });

  it('ends nothing that was begun: what was paid is written, and what cannot be goes back', async () => {
    const w = new World();
    await w.start();
    await w.toPay();
    w.setService({ blocked: failure('SALE-0118') });
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.state()).toBe('delivered/paid');
    await w.remove();
    await w.run(7_000);
    await w.insert('good');
    await w.untilScreen('cannot-sell');
    expect(w.shown('cannot-sell').reason).toBe('SALE-0118');
    await w.until('uploaded', () => w.journal.unsent(1) === null);
    expect(w.moneyProblems()).toEqual([]);
    w.setService({ blocked: null });
    await w.remove();
    await w.run(7_000);
    await w.toPay('good');
    await w.tap('cancel');
    w.setService({ blocked: failure('SALE-0118') });
    await w.untilScreen('cancelled');
    w.pay.pay(w.pay.newest(), true);
    await w.run(1_200_000);
    expect(w.state()).toBe('closed/refunded');
    expect(w.moneyProblems()).toEqual([]);
  });
});

describe('a policy without measure', () => {
  it('is refused whoever signed it', () => {
    const { offline, unsynced } = POLICY;
    const BIG = 10 ** 15;
    const absurd: readonly Partial<Record<keyof Policy, unknown>>[] = [
      { offline: { ...offline, capFen: BIG } },
      { offline: { ...offline, capFen: -1 } },
      { offline: { ...offline, accountMaxAgeMs: 365 * DAY_MS } },
      { unsynced: { ...unsynced, maxFen: BIG } },
      { unsynced: { ...unsynced, maxEvents: BIG } },
      { unsynced: { ...unsynced, maxAgeMs: 365 * DAY_MS } },
      { maxFen: BIG },
      { minFen: 0 },
      { minFen: POLICY.maxFen + 1 },
      { presetsFen: [0] },
      { presetsFen: Array.from({ length: 1_000 }, () => 100) },
      { payWindowMs: 0 },
      { payWindowMs: DAY_MS },
      { maxClockSkewMs: 400 * DAY_MS },
      { retentionDays: 1 },
      { version: BIG },
      { hotline: '9'.repeat(10_000) },
      { sites: Array.from({ length: 5_000 }, () => ({ name: '', detail: '' })) },
    ];
    expect(policySchema.safeParse(POLICY).success).toBe(true);
    for (const change of absurd)
      expect(
        policySchema.safeParse({ ...POLICY, ...change }).success,
        JSON.stringify(change).slice(0, 100),
      ).toBe(false);
    // One without an end is none.
    expect(issuedPolicySchema.safeParse(POLICY).success).toBe(false);
    expect(issuedPolicySchema.safeParse({ ...POLICY, expiresAtMs: T0 }).success).toBe(true);
  });
});
