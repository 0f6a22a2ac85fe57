import type { CardOrder, OrderRow } from '../../../src/journal/fold.ts';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainHash } from '../../../src/journal/hash.ts';
import { linkProblem } from '../../../src/journal/inspect.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import { readSecondLog } from '../../support/second-log.ts';
import { memoryStorage } from '../../../src/simulation/memory-storage.ts';
import type { MemoryStorage } from '../../../src/simulation/memory-storage.ts';
import { canonicalJson } from '../../../src/shared/canonical-json.ts';
import { eventHash, genesisHash } from '../../../src/shared/journal-hash.ts';
import { scratchFolder } from '../../support/kiosk-world.ts';
import { Rig, TERMINAL, inDoubt, orderId, parked, sale, settled, step } from './rig.ts';

let folder: string;
beforeEach(() => {
  folder = scratchFolder();
});
let rig: Rig;
afterEach(() => {
  rig.close();
  rmSync(folder, { recursive: true, force: true });
});

const ackAll = (j: Journal): void => {
  for (;;) {
    const batch = j.unsent(100);
    const last = batch?.events.at(-1);
    if (batch === null || last === undefined) return;
    expect(j.acknowledge(batch.epoch, last.seq, last.hash)).toBe(true);
  }
};

it('the journal’s own hash is the shared one', () => {
  rig = new Rig(folder);
  const facts = { epoch: 3, seq: 7, kind: 'x"y', wallMs: 5, orderId: 'o\n' };
  for (const orderOf of [null, 'o\n']) {
    expect(chainHash('f0', { ...facts, orderId: orderOf, bodyJson: canonicalJson(sale(2)) })).toBe(
      eventHash('f0', { ...facts, orderId: orderOf, body: sale(2) }),
    );
  }
});

it('an epoch is joined to the end of the last one, by number and hash', () => {
  rig = new Rig(folder);
  const head = { epoch: 1, seq: 7, hash: 'a'.repeat(64) };
  const began = (body: object, seq = 1, epoch = 3, kind = 'epoch-began'): string | null =>
    linkProblem(
      head,
      { epoch, seq, kind, body: JSON.stringify(body), prev_hash: genesisHash(TERMINAL, epoch) },
      TERMINAL,
    );
  const right = { previousEpoch: 1, previousSeq: 7, previousHash: head.hash };
  expect(began(right)).toBeNull();
  for (const wrong of [
    { ...right, previousEpoch: 2 },
    { ...right, previousSeq: 6 },
    { ...right, previousHash: 'b'.repeat(64) },
  ])
    expect(began(wrong)).toContain(
      'event 1 of epoch 3: the hash chain breaks here: epoch 1 ended elsewhere',
    );
  expect([
    began(right, 2),
    began(right, 1, 3, 'core-started'),
    linkProblem(
      { ...head, epoch: 4 },
      { epoch: 3, seq: 1, kind: 'epoch-began', body: '{}', prev_hash: genesisHash(TERMINAL, 3) },
      TERMINAL,
    ),
  ]).toEqual(
    Array.from(
      { length: 3 },
      () => expect.stringContaining('the hash chain breaks here') as string,
    ),
  );
  expect(
    linkProblem(
      null,
      {
        epoch: 1,
        seq: 1,
        kind: 'core-started',
        body: '{}',
        prev_hash: genesisHash('000000000312', 1),
      },
      TERMINAL,
    ),
  ).toContain('breaks here');
});

describe.each(['files', 'memory'] as const)('epochs on %s', (kind) => {
  const verify = (j: Journal): readonly string[] => j.verify().problems;
  beforeEach(() => {
    rig = new Rig(folder, kind === 'memory' ? memoryStorage() : null);
  });

  it('a new epoch begins with where the last one ended; chain, numbers and orders go on', () => {
    let j = rig.open();
    for (const e of sale(1)) j.append([e]);
    expect(j.nextOrderNumber()).toBe(1);
    const old = j.head;
    expect(j.beginEpoch(1, 'x')).toBe(false);
    expect(j.head).toEqual(old);
    expect(j.beginEpoch(3, 'restored disk')).toBe(true);
    expect([j.epoch, j.head.seq]).toEqual([3, 1]);
    expect(j.nextOrderNumber()).toBe(2);
    for (const e of sale(2, 3)) j.append([e]);
    j = rig.open();
    expect([j.epoch, j.head.seq, j.nextOrderNumber()]).toEqual([3, 8, 3]);
    expect(j.order(orderId(1))?.state).toBe('delivered');
    const first = j.unsent(100);
    expect([first?.epoch, first?.fromSeq, first?.events.length, first?.prevHash]).toEqual([
      1,
      1,
      7,
      genesisHash(TERMINAL, 1),
    ]);
    expect(j.acknowledge(1, 7, 'f'.repeat(64))).toBe(false);
    expect(j.acknowledge(1, 7, old.hash)).toBe(true);
    const second = j.unsent(3);
    expect([second?.epoch, second?.fromSeq, second?.prevHash]).toEqual([
      3,
      1,
      genesisHash(TERMINAL, 3),
    ]);
    expect(second?.events[0]?.body).toEqual({
      previousEpoch: 1,
      previousSeq: 7,
      previousHash: old.hash,
      why: 'restored disk',
    });
    expect(j.resendFrom(1, 7)).toBe(true);
    expect(j.unsent(100)?.epoch).toBe(1);
    expect(verify(j)).toEqual([]);
  });

  it('stranded facts are kept, counted, not sent, and their orders are said again in the next epoch, once', () => {
    let j = rig.open();
    for (const e of sale(1)) j.append([e]);
    ackAll(j);
    for (const e of sale(2).slice(0, 5)) j.append([e]);
    j.append([step(1)]);
    j.needEpoch('central holds another event 8');
    expect(j.strand(1, 8)).toBe(6);
    expect(j.strand(1, 8)).toBe(0);
    expect(j.stranded()).toEqual({ events: 6, orders: 1 });
    expect([j.unsent(100), j.unsynced().events]).toEqual([null, 0]);
    // What central refused before is no answer to its asking again.
    expect(j.resendFrom(1, 8)).toBe(false);
    expect(j.unsent(100)).toBeNull();
    expect(j.condition()).toMatchObject({ kind: 'forked', epochGranted: false });
    j = rig.open();
    expect(j.condition()).toMatchObject({ kind: 'forked', why: 'central holds another event 8' });
    expect(j.beginEpoch(2, 'fork')).toBe(true);
    expect(j.condition()).toEqual({ kind: 'good' });
    const batch = j.unsent(100);
    expect(batch?.events.map((e) => [e.kind, e.orderId])).toEqual([
      ['epoch-began', null],
      ['order-restated', orderId(2)],
    ]);
    // As this kind of fact always said a card's order: its quote, and no word of a sale.
    const { sale: sold, ...row } = cardOrder(j.order(orderId(2)));
    const { kind: _kind, payee: _payee, ...quote } = sold;
    expect(batch?.events[1]?.body).toEqual({
      order: { ...row, quote },
      attempts: j.attemptsOf(orderId(2)),
    });
    j = rig.open();
    j.append(sale(2).slice(5));
    expect(j.order(orderId(2))?.state).toBe('delivered');
    // Central lets go of the old epoch only later: what it will never take is said then.
    for (const e of sale(3, 2).slice(0, 2)) j.append([e]);
    expect(j.beginEpoch(4, 'again')).toBe(true);
    expect(j.unsent(100)?.epoch).toBe(2);
    expect(j.strand(2, 1)).toBeGreaterThan(0);
    expect(j.unsent(100)?.events.map((e) => e.kind)).toEqual([
      'epoch-began',
      'order-restated',
      'order-restated',
    ]);
    expect(j.beginEpoch(5, 'and again')).toBe(true);
    expect(j.strand(4, 1)).toBe(3);
    expect(verify(j)).toEqual([]);
  });

  it('what is sent has no hole: facts on both sides of stranded ones are never one batch', () => {
    const j = rig.open();
    for (let n = 0; n < 9; n++)
      j.append([{ kind: 'clock-step', orderId: null, body: { stepMs: n } }]);
    j.acknowledge(1, 5, j.unsent(5)?.events.at(-1)?.hash ?? '');
    j.strand(1, 6);
    j.append([{ kind: 'clock-step', orderId: null, body: { stepMs: 10 } }]);
    expect(j.resendFrom(1, 4)).toBe(true);
    expect(j.unsent(100)?.events.map((e) => e.seq)).toEqual([4, 5]);
  });

  it('what may have been told to central is known across restarts', () => {
    let j = rig.open();
    for (const e of [...sale(1).slice(0, 6), ...sale(2).slice(0, 6), inDoubt(2)]) j.append([e]);
    expect([
      j.mayBeReported(orderId(1)),
      j.mayBeReported(orderId(2)),
      j.mayBeReported('none'),
    ]).toEqual([false, false, false]);
    j.noteSent(1, 5);
    expect(j.mayBeReported(orderId(1))).toBe(false);
    j.noteSent(1, 6);
    j.noteSent(1, 2);
    expect([j.mayBeReported(orderId(1)), j.mayBeReported(orderId(2))]).toEqual([true, false]);
    j = rig.open();
    expect([j.mayBeReported(orderId(1)), j.mayBeReported(orderId(2))]).toEqual([true, false]);
    // Another epoch's numbers say nothing about this one's.
    j.beginEpoch(2, 'x');
    j.noteSent(2, 1);
    expect(j.mayBeReported(orderId(2))).toBe(false);
    j.noteSent(1, 13);
    expect(j.mayBeReported(orderId(2))).toBe(true);
  });

  it('in a forked journal every order may have gone on elsewhere; a later one not', () => {
    const j = rig.open();
    for (const e of sale(1).slice(0, 5)) j.append([e]);
    expect(j.mayBeReported(orderId(1))).toBe(false);
    j.needEpoch('fork');
    for (const e of sale(2).slice(0, 5)) j.append([e]);
    expect([j.mayBeReported(orderId(1)), j.mayBeReported(orderId(2))]).toEqual([true, false]);
  });

  it('a log that lies there under the new epoch’s number is not written over', () => {
    const storage = rig.storage ?? rig.files();
    rig.open().append([step(1)]);
    const foreign = [...storage.second.facts(1)];
    storage.second.rewrite(2, null, foreign);
    const j = rig.open();
    expect(j.beginEpoch(2, 'x')).toBe(true);
    expect([...storage.second.facts(2)].map((e) => e.kind)).toEqual(['epoch-began']);
    if (kind === 'files')
      expect(
        readSecondLog(join(rig.secondPath, `damaged-${rig.clock.nowMs()}`, 'second-2.log')).events,
      ).toEqual(foreign);
    expect(j.verify().problems).toEqual([]);
  });

  it('lists what a technician needs, and finds by reference', () => {
    const j = rig.open();
    for (const n of [1, 2, 3, 4, 5]) {
      const facts = sale(n);
      j.append(
        n === 2
          ? [...facts.slice(0, 5), parked(2)]
          : n === 3
            ? facts.slice(0, 5)
            : n === 4
              ? [...facts.slice(0, 5), parked(4), settled(4)]
              : facts,
      );
    }
    expect(j.recentOrders(10).map((o) => o.orderId)).toEqual(
      [2, 3, 5, 4, 1].map((n) => orderId(n)),
    );
    expect(j.recentOrders(2).map((o) => o.orderId)).toEqual([orderId(2), orderId(3)]);
    expect(j.story(orderId(3)).map((s) => s.kind)).toEqual(
      sale(3)
        .slice(0, 5)
        .map((e) => e.kind),
    );
    expect(j.story(orderId(3))[4]).toEqual({
      atMs: rig.clock.nowMs(),
      kind: 'order-paid',
      body: { attemptId: `${orderId(3)}/1`, amountFen: 10_003 },
    });
    expect(j.findByRef('0311 0003 7391')?.orderId).toBe(orderId(3));
    expect(j.findByRef('031100057391')?.orderId).toBe(orderId(5));
    for (const none of ['0312 0003 7391', '0311 0003 7392', '0311 0033 7391', '', '%', '0311'])
      expect(j.findByRef(none)).toBeUndefined();
    expect(j.openOrders().map((o) => o.orderId)).toEqual([orderId(3)]);
    expect(verify(j)).toEqual([]);
  });
});

const cardOrder = (order: OrderRow | undefined): CardOrder => order as CardOrder;

describe('the memory’s faults', () => {
  let disk: MemoryStorage;
  beforeEach(() => {
    disk = memoryStorage();
    rig = new Rig(folder, disk);
  });

  it('a reopened journal sees exactly the last durable commit', () => {
    let j = rig.open();
    j.append([step(1)]);
    disk.failNext = 'full';
    expect(() => j.append([step(2)])).toThrow('full');
    expect(rig.fatal).toEqual(['JRNL-0101']);
    expect(() => j.append([step(3)])).toThrow('closed after a write error');
    expect(() => j.setMeta('opened', 'b')).toThrow('closed after a write error');
    j = rig.open();
    expect(j.head.seq).toBe(1);
    disk.failNext = 'lost';
    expect(() => j.append([step(2)])).toThrow('I/O');
    expect(rig.open().head.seq).toBe(1);
    disk.failNext = 'kept';
    j = rig.open();
    expect(() => j.append([step(2), step(3)])).toThrow('EIO');
    j = rig.open();
    expect([j.head.seq, j.verify().problems]).toEqual([3, []]);
    disk.tearSecondLog = true;
    expect(() => j.append([step(4)])).toThrow('EIO');
    expect([[...disk.second.facts(1)].length, disk.tearSecondLog]).toEqual([3, false]);
    j = rig.open();
    expect([j.head.seq, [...disk.second.facts(1)].length, j.verify().problems]).toEqual([4, 4, []]);
    j.append([step(5)]);
    expect(j.verify().problems).toEqual([]);
  });

  it('an error in a batch takes the whole batch, rows included', () => {
    const j = rig.open();
    j.append(sale(1).slice(0, 2));
    disk.failNext = 'full';
    expect(() => j.append([sale(1)[2] as never])).toThrow('full');
    expect(rig.open().attempt(`${orderId(1)}/1`)?.state).toBe('creating');
  });

  it('an old image beside the newer second log is brought up to date; a whole old image is not seen here', () => {
    let j = rig.open();
    j.append(sale(1).slice(0, 3));
    const old = disk.image();
    for (const e of sale(1).slice(3)) j.append([e]);
    expect(() => {
      disk.wipe();
    }).toThrow('in use');
    rig.close();
    disk.restoreImage(old, 'database');
    j = rig.open();
    expect(j.order(orderId(1))?.state).toBe('delivered');
    expect(j.condition()).toMatchObject({
      kind: 'restored',
      restoredSeq: 7,
      lostAfterSeq: null,
      accepted: false,
      epochGranted: false,
    });
    // Nothing can be missing, so nothing need be feared of orders; but what was written may have
    // been told.
    expect(j.mayBeReported(orderId(1))).toBe(true);
    rig.close();
    disk.restoreImage(old);
    j = rig.open();
    expect([j.condition().kind, j.head.seq]).toEqual(['good', 3]);
    rig.close();
    // A clone: the same image in two machines.
    const other = memoryStorage();
    other.restoreImage(disk.image());
    const clone = new Rig(folder, other);
    clone.open().append([step(9)]);
    j = rig.open();
    j.append([step(8)]);
    expect(j.head.hash).not.toBe(clone.open().head.hash);
    clone.close();
  });

  it('losing the database loses no fact while the second log is whole; losing both is a new machine', () => {
    let j = rig.open();
    for (const e of [...sale(1), ...sale(2).slice(0, 5)]) j.append([e]);
    j.beginEpoch(2, 'x');
    j.nextOrderNumber();
    rig.close();
    disk.wipe('database');
    j = rig.open();
    expect([j.epoch, j.orders().map((o) => o.state)]).toEqual([2, ['delivered', 'paid']]);
    expect(j.condition()).toMatchObject({ kind: 'restored', why: 'the database is missing' });
    expect(j.verify().problems).toEqual([]);
    rig.close();
    disk.wipe();
    expect(rig.open().head.seq).toBe(0);
  });
});
