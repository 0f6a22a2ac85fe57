import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../../src/journal/journal.ts';
import { memoryStorage } from '../../../src/journal/storage.ts';
import type { MemoryStorage } from '../../../src/journal/storage.ts';
import { Monitor } from '../../../src/kiosk/monitor.ts';
import type { ServiceState } from '../../../src/kiosk/state.ts';
import { Uploader } from '../../../src/kiosk/uploader.ts';
import type { JournalEvent } from '../../../src/shared/events.ts';
import { ok } from '../../../src/shared/result.ts';
import { ManualClock } from '../../support/clock.ts';
import { T0, seededRandom } from '../../support/kiosk-world.ts';
import { openRoom } from '../central/harness.ts';
import type { Room } from '../central/harness.ts';

/** A disk that is older than what central holds, a cloned one, a damaged one: the real journal, uploader and monitor against the real central. */
let room: Room;
let boots = 0;
const running: { stop: () => void }[] = [];

interface Machine {
  readonly journal: Journal;
  readonly clock: ManualClock;
  service: Partial<ServiceState>;
  readonly append: (n: number, what?: 'receipt' | 'refund') => void;
  readonly run: (ms: number) => Promise<void>;
  readonly stop: () => void;
}
function boot(disk: MemoryStorage): Machine {
  const clock = new ManualClock(T0);
  const random = seededRandom(`boot ${boots++}`);
  const terminal = room.terminals[0] as Room['terminals'][number];
  const opened = Journal.open({ dataDir: '', secondPath: '', storage: disk, terminalId: terminal.id, clock, random, onFatal: () => undefined });
  if (!opened.ok) throw new Error(opened.error.code);
  const journal = opened.value;
  const billing = terminal.client;
  let uploader: Uploader | null = null;
  const monitor = new Monitor({
    journal,
    billing,
    provider: undefined,
    printer: { status: () => Promise.resolve({ ready: true, paperLow: false, failure: null }), print: () => Promise.resolve(ok(undefined)), close: () => undefined },
    clock,
    log: () => undefined,
    probeTradeNo: 'PROBE',
    onChange: (change) => Object.assign(machine.service, change),
    onCentralUp: () => uploader?.centralIsBack(),
    onCommand: () => undefined,
    onEpoch: () => uploader?.centralIsBack(),
  });
  uploader = new Uploader({ journal, billing, clock, random, log: () => undefined, onReach: (up) => monitor.centralReached(up), onFork: (f) => monitor.forked(f) });
  const upload = uploader;
  const machine: Machine = {
    journal,
    clock,
    service: {},
    append: (n, what = 'receipt') => {
      for (let i = 0; i < n; i++) journal.append([{ kind: 'slip-printed', orderId: null, body: { what, ok: true } } satisfies JournalEvent]);
      upload.kick();
    },
    run: async (ms) => {
      for (let gone = 0; gone < ms; gone += 250) {
        clock.advance(250);
        for (let i = 0; i < 3; i++) await new Promise<void>((done) => setImmediate(done));
      }
    },
    stop: () => {
      monitor.stop();
      upload.stop();
      journal.close();
    },
  };
  room.now = T0;
  monitor.start();
  upload.kick();
  running.push(machine);
  return machine;
}
const blocked = (m: Machine): string | null => m.service.blocked?.code ?? null;

beforeEach(async () => {
  room = await openRoom('sqlite', 1);
});
afterEach(async () => {
  for (const m of running.splice(0)) m.stop();
  await room.close();
});
const off = (m: Machine): void => {
  running.splice(running.indexOf(m), 1);
  m.stop();
};

describe('the epoch of a journal', () => {
  it('an old disk: central holds more than it; nothing is sold until a person at central grants a new epoch', async () => {
    const disk = memoryStorage();
    let m = boot(disk);
    m.append(5);
    await m.run(5_000);
    const image = disk.image();
    m.append(5);
    await m.run(5_000);
    expect(m.journal.unsent(1)).toBeNull();
    off(m);
    disk.restoreImage(image);
    m = boot(disk);
    m.append(1);
    await m.run(30_000);
    expect(blocked(m)).toBe('BILL-0104');
    await m.run(300_000);
    expect(blocked(m)).toBe('BILL-0104');
    off(m);
    // A restart does not make it good.
    m = boot(disk);
    await m.run(20_000);
    expect(blocked(m)).toBe('BILL-0104');
    expect(await room.central.grantEpoch(room.terminals[0]?.id ?? '')).toBe(2);
    await m.run(60_000);
    expect(blocked(m)).toBeNull();
    expect(m.journal.epoch).toBe(2);
    m.append(3);
    await m.run(10_000);
    expect(m.journal.unsent(1)).toBeNull();
    expect(m.journal.verify()).toMatchObject({ ok: true });
  });

  it('a cloned disk: the second of the two to tell is stopped until it has an epoch of its own', async () => {
    const disk = memoryStorage();
    let one = boot(disk);
    one.append(3);
    await one.run(5_000);
    const clone = memoryStorage();
    const image = disk.image();
    off(one);
    clone.restoreImage(image);
    one = boot(disk);
    const two = boot(clone);
    one.append(2);
    await one.run(10_000);
    two.append(1, 'refund');
    await two.run(10_000);
    expect([blocked(one), blocked(two)]).toEqual([null, 'BILL-0104']);
    expect((await room.db.query('SELECT 1 FROM forked_events')).length).toBeGreaterThan(0);
    await room.central.grantEpoch(room.terminals[0]?.id ?? '');
    await two.run(60_000);
    expect([blocked(two), two.journal.epoch]).toEqual([null, 2]);
    // What the first one told under the old epoch still fits; what central will not take of the clone is kept and counted.
    one.append(1);
    await one.run(10_000);
    expect(one.journal.unsent(1)).toBeNull();
    expect(two.journal.stranded().events).toBeGreaterThan(0);
  });

  it('a cloned disk that is far ahead of what central holds: what it writes after the fork does not stop what the new epoch brings', async () => {
    const disk = memoryStorage();
    let one = boot(disk);
    one.append(3);
    await one.run(5_000);
    const clone = memoryStorage();
    const image = disk.image();
    off(one);
    clone.restoreImage(image);
    one = boot(disk);
    const two = boot(clone);
    one.append(1);
    await one.run(10_000);
    two.append(20, 'refund');
    await two.run(10_000);
    expect(blocked(two)).toBe('BILL-0104');
    // An order in flight goes on while nothing new is sold.
    two.append(1, 'refund');
    await two.run(10_000);
    await room.central.grantEpoch(room.terminals[0]?.id ?? '');
    await two.run(120_000);
    expect([blocked(two), two.journal.epoch]).toEqual([null, 2]);
    expect(two.journal.unsent(1)).toBeNull();
    expect(await room.db.query('SELECT 1 FROM journal_events WHERE epoch = 2')).not.toEqual([]);
  });

  it('central was set back to before what this disk still holds: told as a fork, not asked for ever', async () => {
    const disk = memoryStorage();
    const m = boot(disk);
    m.append(6);
    await m.run(5_000);
    m.clock.advance(3_600_000);
    room.now = m.clock.nowMs();
    m.append(1);
    await m.run(5_000);
    expect(m.journal.prune(60_000)).not.toBeNull();
    await m.run(5_000);
    await room.db.query('UPDATE cursors SET last_seq = 3, last_hash = (SELECT hash FROM journal_events WHERE seq = 3)');
    await room.db.query('DELETE FROM journal_events WHERE seq > 3');
    m.append(1);
    await m.run(60_000);
    expect(blocked(m)).toBe('BILL-0104');
    await room.central.grantEpoch(room.terminals[0]?.id ?? '');
    await m.run(120_000);
    expect([blocked(m), m.journal.epoch]).toEqual([null, 2]);
    expect(m.journal.unsent(1)).toBeNull();
  });

  it('a lost database: restored from the second log, stopped until a technician has accepted and central has granted', async () => {
    const disk = memoryStorage();
    let m = boot(disk);
    m.append(8);
    await m.run(5_000);
    const seq = m.journal.head.seq;
    off(m);
    disk.wipe('database');
    m = boot(disk);
    await m.run(20_000);
    expect(blocked(m)).toBe('JRNL-0106');
    const condition = m.journal.condition();
    expect(condition).toMatchObject({ kind: 'restored', restoredSeq: seq, lostAfterSeq: null, accepted: false });
    m.journal.acceptDamage('李工', '已核对');
    await m.run(15_000);
    expect(blocked(m)).toBe('BILL-0109');
    await room.central.grantEpoch(room.terminals[0]?.id ?? '');
    await m.run(60_000);
    expect(blocked(m)).toBeNull();
    expect(m.journal.unsent(1)).toBeNull();
    expect((await room.central.data()).quarantineOpen).toBe(0);
  });

  it('a backup each day, verified; room kept for what is in flight', async () => {
    const disk = memoryStorage();
    const m = boot(disk);
    m.append(3);
    await m.run(50_000);
    expect(disk.backups.list()).toEqual([]);
    await m.run(20_000);
    expect(disk.backups.list()).toHaveLength(1);
    expect(disk.ballast.held()).toBe(true);
    const first = disk.backups.list()[0];
    m.append(1);
    for (let hours = 0; hours < 25; hours++) {
      m.clock.advance(3_600_000);
      await m.run(500);
    }
    expect(disk.backups.list()[0]).not.toBe(first);
    expect(m.journal.verify()).toMatchObject({ ok: true });
  });

  it('hardly any room: selling stops before the disk is full, and goes on by itself', async () => {
    const disk = memoryStorage();
    const m = boot(disk);
    await m.run(1_000);
    expect(blocked(m)).toBeNull();
    disk.free = 100 * 1024 * 1024;
    await m.run(15_000);
    expect(blocked(m)).toBe('JRNL-0104');
    // What is in flight still finishes, from the room that was kept for it.
    disk.free = 1024;
    m.append(1);
    disk.free = 8 * 1024 ** 3;
    await m.run(15_000);
    expect(blocked(m)).toBeNull();
  });
});
