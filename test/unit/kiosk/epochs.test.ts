import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BillingClient } from '../../../src/billing/types.ts';
import { Journal } from '../../../src/journal/journal.ts';
import { memoryStorage } from '../../../src/simulation/memory-storage.ts';
import type { MemoryStorage } from '../../../src/simulation/memory-storage.ts';
import { Monitor } from '../../../src/kiosk/watch/monitor.ts';
import type { ServiceState } from '../../../src/kiosk/state/kiosk.ts';
import { Uploader } from '../../../src/kiosk/watch/uploader.ts';
import type { JournalEvent } from '../../../src/shared/facts/catalogue.ts';
import { failure } from '../../../src/shared/errors.ts';
import { DeviceRegistry } from '../../../src/device/device.ts';
import { err } from '../../../src/shared/result.ts';
import { ManualClock } from '../../support/clock.ts';
import { T0, World, scratchFolder, seededRandom } from '../../support/kiosk-world.ts';
import { openRoom } from '../central/harness.ts';
import type { Room } from '../central/harness.ts';

/**
 * A disk that is older than what central holds, a cloned one, a damaged one: the real journal,
 * uploader and monitor against the real central.
 */
let room: Room;
let boots = 0;
const running: { stop: () => void }[] = [];

interface Machine {
  readonly journal: Journal;
  readonly clock: ManualClock;
  service: Partial<ServiceState>;
  readonly heard: string[];
  readonly append: (n: number, what?: 'receipt' | 'refund') => void;
  readonly run: (ms: number, stepMs?: number) => Promise<void>;
  readonly stop: () => void;
}
function boot(disk: MemoryStorage): Machine {
  const clock = new ManualClock(T0);
  const random = seededRandom(`boot ${boots++}`);
  const terminal = room.terminals[0] as Room['terminals'][number];
  const opened = Journal.open({
    dataDir: '',
    secondPath: '',
    storage: disk,
    terminalId: terminal.id,
    clock,
    random,
    onFatal: () => undefined,
  });
  if (!opened.ok) throw new Error(opened.error.code);
  const journal = opened.value;
  const billing = terminal.client;
  let uploader: Uploader | null = null;
  const monitor = new Monitor({
    journal,
    billing,
    providers: [],
    devices: new DeviceRegistry([]),
    clock,
    log: () => undefined,
    probeTradeNo: 'PROBE',
    onChange: (change) => Object.assign(machine.service, change),
    onCentralUp: () => uploader?.centralIsBack(),
    onCentralTime: () => undefined,
    onCommand: () => undefined,
    onJournaled: () => undefined,
    onEpoch: () => uploader?.centralIsBack(),
  });
  uploader = new Uploader({
    journal,
    billing,
    clock,
    random,
    log: () => undefined,
    onReach: (up) => monitor.centralReached(up),
    onFork: (f) => monitor.forked(f),
    onHeard: (how) => machine.heard.push(how),
  });
  const upload = uploader;
  const machine: Machine = {
    journal,
    clock,
    service: {},
    heard: [],
    append: (n, what = 'receipt') => {
      for (let i = 0; i < n; i++)
        journal.append([
          { kind: 'slip-printed', orderId: null, body: { what, ok: true } } satisfies JournalEvent,
        ]);
      upload.kick();
    },
    run: async (ms, stepMs = 250) => {
      for (let gone = 0; gone < ms; gone += stepMs) {
        clock.advance(stepMs);
        room.now = Math.max(room.now, clock.nowMs());
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
    // What the first one told under the old epoch still fits; what central will not take of the
    // clone is kept and counted.
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
    await room.db.query(
      'UPDATE cursors SET last_seq = 3, last_hash = (SELECT hash FROM journal_events WHERE seq = 3)',
    );
    await room.db.query('DELETE FROM journal_events WHERE seq > 3');
    m.append(1);
    await m.run(60_000);
    expect(blocked(m)).toBe('BILL-0104');
    await room.central.grantEpoch(room.terminals[0]?.id ?? '');
    await m.run(120_000);
    expect([blocked(m), m.journal.epoch]).toEqual([null, 2]);
    expect(m.journal.unsent(1)).toBeNull();
  });

  it('an old disk that has nothing to tell says where it stands, and central tells it that it holds more', async () => {
    const disk = memoryStorage();
    let m = boot(disk);
    m.append(5);
    await m.run(5_000);
    const image = disk.image();
    m.append(5);
    await m.run(5_000);
    off(m);
    disk.restoreImage(image);
    m = boot(disk);
    expect(m.journal.unsent(1)).toBeNull();
    await m.run(30_000);
    expect(blocked(m)).toBe('BILL-0104');
    expect(m.heard).toContain('answered');
    // Nothing was forked at central: it is this disk that lacks.
    expect((await room.central.data()).terminals[0]?.alarm ?? null).toBeNull();
    await room.central.grantEpoch(room.terminals[0]?.id ?? '');
    await m.run(60_000);
    expect([blocked(m), m.journal.epoch]).toEqual([null, 2]);
  });

  it('a living clone of a quiet kiosk: seen within the hour, though neither has anything to tell; whoever is of an older epoch too', async () => {
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
    await one.run(5_000);
    await two.run(5_000);
    expect([blocked(one), blocked(two)]).toEqual([null, null]);
    one.append(2);
    await one.run(5_000);
    expect(blocked(two)).toBeNull();
    await two.run(3_600_000, 10_000);
    expect([blocked(one), blocked(two)]).toEqual([null, 'BILL-0104']);
    await room.central.grantEpoch(room.terminals[0]?.id ?? '');
    await two.run(120_000);
    expect([blocked(two), two.journal.epoch]).toEqual([null, 2]);
    // Its head is what central holds of epoch 1; but this terminal went on in epoch 2.
    await one.run(3_600_000, 10_000);
    expect(blocked(one)).toBe('BILL-0104');
  });

  it('an hour after hour of nothing to tell costs one exchange each, and is never a fork', async () => {
    const m = boot(memoryStorage());
    m.append(1);
    await m.run(60_000);
    const before = m.heard.length;
    await m.run(3 * 3_600_000, 10_000);
    expect(m.heard.slice(before)).toEqual(['answered', 'answered', 'answered']);
    expect(blocked(m)).toBeNull();
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
    expect(condition).toMatchObject({
      kind: 'restored',
      restoredSeq: seq,
      lostAfterSeq: null,
      accepted: false,
    });
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

  it('a backup that fails holds up neither the pruning nor the books, and is tried again soon', async () => {
    const disk = memoryStorage();
    const made = vi
      .spyOn(disk.backups, 'make')
      .mockRejectedValue(new Error('too little room: the copy takes 734 MB'));
    const m = boot(disk);
    const prune = vi.spyOn(m.journal, 'prune');
    await m.run(70_000);
    expect([made.mock.calls.length, prune.mock.calls.length]).toEqual([1, 1]);
    expect(m.journal.meta('backup_ms')).toBeNull();
    made.mockRestore();
    await m.run(600_000, 5_000);
    expect(disk.backups.list()).toHaveLength(1);
    expect(m.journal.meta('backup_ms')).not.toBeNull();
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

/**
 * A whole kiosk with its card and its provider, and the real central: what a journal that was put
 * back does with an order that another life of it ended.
 */
describe('an order of another life', () => {
  let w: World;
  let away = false;
  const worlds: World[] = [];
  const folders: string[] = [];

  /** The real central over a line that may be down, under the kiosk's own clock. */
  function lined(world: World): BillingClient {
    const { client } = room.terminals[0] as Room['terminals'][number];
    const over =
      <A extends unknown[], R>(call: (...args: A) => Promise<R>, gone: R) =>
      (...args: A): Promise<R> => {
        room.now = world.clock.nowMs();
        return away ? Promise.resolve(gone) : call(...args);
      };
    const no = err(failure('BILL-0101'));
    return {
      ...client,
      account: over(client.account, no),
      quote: over(client.quote, no),
      release: over(client.release, no),
      claim: over(client.claim, no),
      commands: over(client.commands, no),
      upload: over(client.upload, { kind: 'away', failure: failure('BILL-0101') }),
    };
  }
  function world(): World {
    const made = new World(['golden']);
    made.billing = lined(made);
    made.onFork = (f) => made.journal.needEpoch(f.detail ?? f.code);
    worlds.push(made);
    return made;
  }
  const putBack = (image: string, into: World): void => {
    for (const part of ['data', 'second']) {
      rmSync(join(into.folder, part), { recursive: true, force: true });
      cpSync(join(image, part), join(into.folder, part), { recursive: true });
    }
  };
  /** The disk as it stands; no process has it. */
  const imageOf = (of: World): string => {
    const folder = scratchFolder();
    folders.push(folder);
    cpSync(of.folder, folder, { recursive: true });
    return folder;
  };
  const refunds = (): number => [...w.pay.trades.values()].reduce((n, t) => n + t.refunds.size, 0);
  const count = (): number => w.purchase('golden').count;

  /** A sale whose process was cut right after the money was taken. @returns an image of its disk */
  async function cutWhenPaid(): Promise<string> {
    await w.start();
    await w.toPay();
    const append = w.journal.append.bind(w.journal);
    w.journal.append = (events) => {
      if (events.some((e) => e.kind === 'order-paid')) w.plan = { at: w.points.length + 2 };
      append(events);
    };
    w.pay.pay();
    await w.until('cut', () => !w.alive);
    w.journal.close();
    return imageOf(w);
  }
  async function delivered(): Promise<void> {
    await w.until('delivered', () => w.order().state === 'delivered');
    await w.until('told', () => w.journal.unsent(1) === null);
  }

  beforeEach(() => {
    away = false;
    w = world();
  });
  afterEach(async () => {
    for (const one of worlds.splice(0)) await one.close();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  it('delivered, and the disk put back to before: nothing is refunded or written before central is heard, then it ends as central knows it', async () => {
    const image = await cutWhenPaid();
    await w.start();
    await delivered();
    expect(count()).toBe(42);
    w.kill();
    w.journal.close();
    putBack(image, w);
    // The card in the slot shows another count than the order's: without central that alone would
    // refund it.
    await w.start();
    expect(w.order().state).toBe('paid');
    await w.run(400_000);
    expect([w.order().state, w.order().reason, refunds(), count()]).toEqual([
      'parked',
      'delivered-before',
      0,
      42,
    ]);
  });

  it('… likewise without its card, whose wait runs out', async () => {
    const image = await cutWhenPaid();
    await w.start();
    await delivered();
    w.kill();
    w.journal.close();
    putBack(image, w);
    await w.remove();
    await w.start();
    await w.run(600_000, 1_000);
    expect([w.order().state, w.order().reason, refunds()]).toEqual([
      'parked',
      'delivered-before',
      0,
    ]);
  });

  it('refunded, and the disk put back to before: the card that is in the slot is not written', async () => {
    const image = await cutWhenPaid();
    await w.remove();
    await w.start();
    await w.until('refunded', () => w.order().state === 'refunded');
    await w.until('told', () => w.journal.unsent(1) === null);
    w.kill();
    w.journal.close();
    putBack(image, w);
    w.slot.insert(w.card('golden'));
    await w.start();
    await w.run(60_000);
    expect([w.order().state, refunds(), count()]).toEqual(['refunded', 1, 41]);
  });

  it('interrupted before anything was told, then refunded elsewhere: the card that came back is not written unasked', async () => {
    await w.start();
    await w.toPay();
    const append = w.journal.append.bind(w.journal);
    w.journal.append = (events) => {
      if (events.some((e) => e.kind === 'order-delivering')) {
        away = true;
        w.plan = { at: w.points.length + 2 };
      }
      append(events);
    };
    w.pay.pay();
    await w.until('cut', () => !w.alive);
    w.journal.close();
    const image = imageOf(w);
    away = false;
    // The other life sees that nothing was written in three tries, and gives the money back.
    w.card('golden').arm({ kind: 'lie' });
    await w.start();
    for (let i = 0; i < 4 && w.order().state !== 'refunded'; i++) {
      w.card('golden').arm({ kind: 'lie' });
      await w.run(3_000);
      if (w.order().state === 'in-doubt' && !w.order().wantsRefund) {
        await w.remove();
        await w.insert('golden');
      }
    }
    await w.until('refunded', () => w.order().state === 'refunded');
    await w.until('told', () => w.journal.unsent(1) === null);
    w.card('golden').disarm();
    w.kill();
    w.journal.close();
    putBack(image, w);
    await w.start();
    await w.run(60_000);
    expect([w.order().state, refunds(), count()]).toEqual(['refunded', 1, 41]);
  });

  it('central is away: an honest customer is not kept waiting for long; the card is written after the hold', async () => {
    await cutWhenPaid();
    away = true;
    await w.start();
    await w.run(9_000);
    expect([w.order().state, w.screen]).toEqual(['paid', 'unfinished']);
    await w.run(3_000);
    expect([w.order().state, count()]).toEqual(['delivered', 42]);
  });

  it('central is away: a disk that was put back refunds after the wait (the risk that remains); with its answer late, not for longer than half a minute', async () => {
    const image = await cutWhenPaid();
    await w.start();
    await delivered();
    w.kill();
    w.journal.close();
    putBack(image, w);
    away = true;
    await w.start();
    await w.run(9_000);
    expect([w.order().state, refunds()]).toEqual(['paid', 0]);
    await w.run(5_000);
    expect([w.order().state, refunds()]).toEqual(['refunded', 1]);
  });

  it('central takes the line and never answers: bounded, whatever the wall clock does', async () => {
    await cutWhenPaid();
    w.billing = { ...lined(w), upload: () => new Promise(() => undefined) };
    await w.start();
    await w.run(29_000);
    expect(w.order().state).toBe('paid');
    await w.run(3_000);
    expect(w.order().state).toBe('delivered');
  });

  it('what is sold in this process is not held', async () => {
    w.billing = { ...lined(w), upload: () => new Promise(() => undefined) };
    await w.start();
    await w.toPay();
    w.pay.pay();
    await w.run(5_000);
    expect(w.order().state).toBe('delivered');
  });

  it('a refund that was begun before the start is asked for only once central was heard', async () => {
    await cutWhenPaid();
    await w.remove();
    await w.start();
    w.pay.next.refund.push(...Array.from({ length: 50 }, () => 'unsent' as const));
    await w.until('refunding', () => w.order().state === 'refunding');
    w.kill();
    w.pay.next.refund.length = 0;
    w.billing = { ...lined(w), upload: () => new Promise(() => undefined) };
    const before = w.pay.calls.filter((c) => c === 'refund').length;
    await w.start();
    await w.run(29_000);
    expect(w.pay.calls.filter((c) => c === 'refund')).toHaveLength(before);
    await w.run(5_000);
    expect([w.order().state, refunds()]).toEqual(['refunded', 1]);
  });

  it('a living clone: what the other machine delivered and told is not refunded here', async () => {
    const image = await cutWhenPaid();
    await w.start();
    await delivered();
    const other = world();
    other.pay = w.pay;
    other.cards.set('golden', w.card('golden'));
    await other.start();
    other.kill();
    other.journal.close();
    putBack(image, other);
    other.clock.advance(w.clock.monoMs());
    await w.remove();
    other.slot.insert(other.card('golden'));
    await other.start();
    await other.run(400_000);
    expect([other.order().state, other.order().reason, refunds(), count()]).toEqual([
      'parked',
      'delivered-before',
      0,
      42,
    ]);
    expect(w.order().state).toBe('delivered');
  });
});
