import Database from 'better-sqlite3';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../../src/journal/journal.ts';
import { ShiftTally, firstShift, nextShift, openMoney } from '../../../src/journal/shift.ts';
import type { JournalEvent } from '../../../src/shared/facts/catalogue.ts';
import { SecondLog } from '../../../src/journal/second-log.ts';
import { shiftHash } from '../../../src/shared/shift-hash.ts';
import { shiftDoubts, shiftImbalance, shiftRef } from '../../../src/shared/shift.ts';
import type { Shift } from '../../../src/shared/shift.ts';
import { DAY_MS } from '../../../src/shared/time.ts';
import { T0, scratchFolder, seededRandom } from '../../support/kiosk-world.ts';
import { Rig, orderId, parked, sale, settled } from './rig.ts';

let folder: string;
let rig: Rig;
beforeEach(() => {
  folder = scratchFolder();
  rig = new Rig(folder);
});
afterEach(() => {
  rig.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The facts of a sale up to, and with, the named one. */
const upTo = (n: number, kind: JournalEvent['kind'], epoch = 1): JournalEvent[] => {
  const facts = sale(n, epoch);
  return facts.slice(0, facts.findIndex((f) => f.kind === kind) + 1);
};
const after = (n: number, kind: JournalEvent['kind']): JournalEvent[] =>
  sale(n).slice(upTo(n, kind).length);
const id = (n: number): string => `${orderId(n)}/1`;
const fen = (n: number): number => 10_000 + n;
const attempt = (kind: string, n: number, rest: object = {}): JournalEvent =>
  ({ kind, orderId: orderId(n), body: { attemptId: id(n), ...rest } }) as JournalEvent;
const refunding = (n: number): JournalEvent[] => [
  {
    kind: 'order-refunding',
    orderId: orderId(n),
    body: { attemptId: id(n), failure: { code: 'CARD-0203' } },
  },
  attempt('attempt-refunding', n, { outRefundNo: `R${orderId(n)}`, amountFen: fen(n), why: 'x' }),
];
const refunded = (n: number): JournalEvent[] => [
  attempt('attempt-refunded', n, { refundId: 'F', amountFen: fen(n) }),
  attempt('order-refunded', n),
];

/** Both identities hold, and the rows say the same. */
function whole(s: Shift | null): Shift {
  if (s === null) throw new Error('it is still being counted');
  expect(shiftImbalance(s)).toEqual({ transit: 0, parked: 0 });
  expect(s.difference).toEqual({ transitFen: 0, parkedFen: 0 });
  expect(s.carried.goodsMicro + s.carried.afterMicro).toBe(
    s.carried.usedMicro +
      s.services.filter((l) => l.key.startsWith('card-')).reduce((n, l) => n + l.delivered.fen, 0) *
        10_000,
  );
  for (const lines of [s.services, s.payments])
    for (const of of ['captured', 'delivered', 'refunded', 'parked', 'transit'] as const)
      expect(lines.reduce((n, l) => n + l[of].fen, 0)).toBe(s[of].fen);
  return s;
}

describe('where the money of a shift goes', () => {
  it('counts what is delivered, handed back, parked and on its way', () => {
    const j = rig.open();
    j.append(sale(1));
    j.append(upTo(2, 'order-delivering'));
    j.append([...upTo(3, 'order-paid'), ...refunding(3), ...refunded(3)]);
    j.append([...upTo(4, 'order-delivering'), parked(4)]);
    j.append(upTo(5, 'attempt-pending'));
    const s = whole(j.openShift());
    expect(s).toMatchObject({
      number: 1,
      from: { epoch: 0, seq: 0 },
      captured: { count: 4, fen: fen(1) + fen(2) + fen(3) + fen(4) },
      delivered: { count: 1, fen: fen(1) },
      refunded: { count: 1, fen: fen(3) },
      parked: { count: 1, fen: fen(4) },
      closing: {
        transit: { count: 1, fen: fen(2) },
        parked: { count: 1, fen: fen(4) },
      },
      orders: { begun: 5, closed: 0, doubts: 0 },
      open: [
        { orderId: orderId(4), place: 'parked', fen: fen(4) },
        { orderId: orderId(2), place: 'transit', fen: fen(2) },
      ],
    });
    expect(s.services.map((l) => l.key)).toEqual(['card-gas']);
    expect(s.payments.map((l) => l.key)).toEqual(['wechat/qr']);
    expect(shiftDoubts(s)).toEqual(['parked']);
  });

  it('a later shift delivers, hands back and settles what an earlier one captured', () => {
    const j = rig.open();
    for (const n of [1, 2]) j.append(upTo(n, 'order-delivering'));
    j.append([...upTo(3, 'order-delivering'), parked(3)]);
    const first = whole(j.closeShift('张工', ''));
    j.append(after(1, 'order-delivering'));
    j.append([...refunding(2), ...refunded(2)]);
    j.append([settled(3)]);
    const second = whole(j.openShift());
    expect(second.opening).toEqual(first.closing);
    expect(second).toMatchObject({
      number: 2,
      captured: { count: 0, fen: 0 },
      delivered: { count: 1, fen: fen(1) },
      refunded: { count: 1, fen: fen(2) },
      olderDelivered: { count: 1, fen: fen(1) },
      olderRefunded: { count: 1, fen: fen(2) },
      settled: { 'refunded-by-hand': { count: 1, fen: fen(3) } },
      closing: { transit: { count: 0, fen: 0 }, parked: { count: 0, fen: 0 } },
    });
  });

  it('a late capture that no order takes is in transit until it went back; a parked refund that is asked for again is in transit again', () => {
    const j = rig.open();
    j.append(upTo(1, 'attempt-pending'));
    j.append([
      attempt('attempt-closing', 1, { why: 'expired' }),
      attempt('attempt-closed', 1),
      { kind: 'order-closed', orderId: orderId(1), body: { why: 'expired' } },
    ]);
    whole(j.closeShift('张工', ''));
    j.append([
      attempt('attempt-paid', 1, { transactionId: 'T1', amountFen: fen(1), taken: false }),
    ]);
    const late = whole(j.closeShift('张工', ''));
    expect(late).toMatchObject({
      extra: { count: 1, fen: fen(1) },
      closing: { transit: { count: 1, fen: fen(1) } },
    });
    j.append([
      attempt('attempt-refunding', 1, { outRefundNo: 'R', amountFen: fen(1), why: 'x' }),
      attempt('attempt-parked', 1, { reason: 'refund-refused', failure: { code: 'PAY-0301' } }),
    ]);
    const refused = whole(j.closeShift('张工', ''));
    expect(refused).toMatchObject({ parked: { fen: fen(1) }, transit: { fen: -fen(1) } });
    j.append([attempt('attempt-refund-retried', 1, { who: '张工', why: 'x' })]);
    expect(whole(j.openShift())).toMatchObject({
      parked: { count: -1, fen: -fen(1) },
      closing: { transit: { fen: fen(1) }, parked: { fen: 0 } },
    });
    j.append([attempt('attempt-refunded', 1, { refundId: 'F', amountFen: fen(1) })]);
    expect(whole(j.openShift())).toMatchObject({
      refunded: { fen: fen(1) },
      olderRefunded: { fen: fen(1) },
      closing: { transit: { fen: 0 }, parked: { fen: 0 } },
    });
  });

  it('a sum that the provider states otherwise is captured as stated; one that nobody knows is counted, not summed', () => {
    const j = rig.open();
    j.append([
      ...upTo(1, 'attempt-pending'),
      attempt('attempt-parked', 1, {
        reason: 'amount-differs',
        failure: { code: 'PAY-0204' },
        amountFen: 77,
      }),
    ]);
    j.append([
      ...upTo(2, 'attempt-pending'),
      attempt('attempt-parked', 2, { reason: 'no-provider', failure: { code: 'PAY-0204' } }),
    ]);
    const s = whole(j.openShift());
    expect(s).toMatchObject({
      captured: { count: 1, fen: 77 },
      closing: { parked: { count: 1, fen: 77 } },
      unknown: 1,
    });
    expect(shiftDoubts(s)).toEqual(['parked', 'unknown']);
  });

  it('splits a credit sale among what was paid for; a code that was taken back whole is beside the sums', () => {
    const j = rig.open();
    const line = (item: string, kind: 'gas' | 'heat', amountFen: number) => ({
      item,
      kind,
      period: '2026-10',
      amountFen,
      terms: { principalFen: amountFen, lateFeeFen: 0, discountFen: 0 },
    });
    j.append([
      {
        kind: 'credit-quoted',
        orderId: orderId(1),
        body: {
          userNo: '1002203344',
          payee: 'house',
          amountFen: fen(1),
          lines: [line('a', 'gas', 4_000), line('b', 'heat', fen(1) - 4_000)],
          expiresAtMs: T0,
        },
      },
      ...upTo(1, 'order-paid').slice(1),
      { kind: 'credit-posting', orderId: orderId(1), body: { attemptId: id(1) } },
      { kind: 'credit-posted', orderId: orderId(1), body: { reference: 'X', postedMs: T0 } },
    ]);
    j.append([
      ...upTo(2, 'attempt-pending').map((f) =>
        f.kind === 'attempt-creating' ? { ...f, body: { ...f.body, method: 'code' as const } } : f,
      ),
      attempt('attempt-closing', 2, { why: 'declined' }),
      attempt('attempt-closed', 2, { reversed: true }),
    ]);
    const s = whole(j.openShift());
    expect(s.services.map((l) => [l.key, l.delivered.fen])).toEqual([
      ['credit-gas', 4_000],
      ['credit-heat', fen(1) - 4_000],
    ]);
    expect(s.reversed).toEqual({ count: 1, fen: fen(2) });
    expect(s.captured.count).toBe(1);
  });
});

describe('a shift ends where the next begins', () => {
  it('by the journal’s numbers, whatever the clock says: midnight, set back, set forward, restarts', () => {
    let j = rig.open();
    const shifts: Shift[] = [];
    // 23:59 in China, midnight, a clock set back a year, one set forward ten.
    for (const [n, ms] of [
      [1, Date.parse('2026-11-22T15:59:59Z')],
      [2, Date.parse('2026-11-22T16:00:00Z')],
      [3, T0 - 365 * DAY_MS],
      [4, T0 + 3_650 * DAY_MS],
    ] as const) {
      rig.clock.step(ms - rig.clock.nowMs());
      j.append(upTo(n, 'order-delivering'));
      if (n > 1) j.append(after(n - 1, 'order-delivering'));
      j = rig.open();
      shifts.push(whole(j.closeShift('张工', '')));
    }
    for (const [at, s] of shifts.entries()) {
      if (at > 0) expect(s.from).toEqual(shifts[at - 1]?.to);
      expect(s.captured).toEqual({ count: 1, fen: fen(at + 1) });
    }
    expect(shifts[1]?.dates).toEqual(['2026-11-23']);
    rig.close();
    expect(rig.verify()).toEqual([]);
  });

  it('one of a journal without a fact is closed like any other, and has its number alone', () => {
    const j = rig.open();
    for (const number of [1, 2, 3]) expect(whole(j.closeShift('李工', '')).number).toBe(number);
    expect(rig.verify()).toEqual([]);
  });

  it('a closed one is the same after later facts, a restart, a restored journal in a new epoch, and when its facts are pruned', async () => {
    let j = rig.open();
    j.append([...sale(1), ...upTo(2, 'order-delivering')]);
    const first = whole(j.closeShift('张工', '试'));
    const kept = j.closedShifts(1)[0];
    expect(kept).toMatchObject({ shift: first, hash: shiftHash(first), who: '张工', why: '试' });
    j.append(after(2, 'order-delivering'));
    await j.backup();
    // The database is gone: backup and second log bring it back.
    rig.close();
    rmSync(Journal.file(rig.dataDir), { force: true });
    for (const part of ['-wal', '-shm']) rmSync(Journal.file(rig.dataDir) + part, { force: true });
    j = rig.open();
    expect(j.condition().kind).toBe('restored');
    expect(j.beginEpoch(2, 'restored')).toBe(true);
    expect(j.closedShifts(9)).toEqual([kept]);
    j.append(sale(3, 2));
    const second = whole(j.closeShift('李工', ''));
    expect(second).toMatchObject({
      number: 2,
      from: first.to,
      to: { epoch: 2 },
      olderDelivered: { count: 1, fen: fen(2) },
    });
    const both = j.closedShifts(9);
    rig.clock.step(500 * DAY_MS);
    j.append(sale(4, 2));
    for (let batch = j.unsent(100); batch !== null; batch = j.unsent(100))
      j.acknowledge(batch.epoch, batch.events.at(-1)?.seq ?? 0, batch.events.at(-1)?.hash ?? '');
    j.strand(1, 1);
    const pruned = j.prune(400 * DAY_MS);
    expect(pruned?.orders).toBeGreaterThan(2);
    // Nobody had closed what was about to be pruned.
    expect(j.closedShifts(9)).toEqual([
      expect.objectContaining({ who: 'core', shift: expect.objectContaining({ number: 3 }) }),
      ...both,
    ]);
    j.append(upTo(5, 'order-delivering', 2));
    expect(whole(j.openShift())).toMatchObject({
      number: 4,
      closing: { transit: { fen: fen(5) } },
    });
    rig.close();
    expect(rig.verify()).toEqual([]);
  });

  it('one that was lost with its facts is none, and the next of that number has another name', () => {
    const j = rig.open();
    j.append([...sale(1)]);
    whole(j.closeShift('张工', ''));
    const at = j.head.seq;
    rig.close();
    // The second log ends before it was closed, and the database is damaged.
    const log = SecondLog.path(rig.secondPath, 1);
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    writeFileSync(log, `${lines.slice(0, 3).join('\n')}\n`);
    const db = new Database(Journal.file(rig.dataDir));
    db.exec("INSERT INTO meta VALUES ('pruning', 'now')");
    db.exec('DELETE FROM outbox; DELETE FROM events WHERE seq > 3 OR seq = 2');
    db.exec("DELETE FROM meta WHERE key = 'pruning'");
    db.close();
    const again = rig.open();
    expect(again.condition().kind).toBe('restored');
    expect(again.head.seq).toBeLessThan(at);
    expect(again.closedShifts(9)).toEqual([]);
    expect(again.beginEpoch(2, 'restored')).toBe(true);
    const next = whole(again.closeShift('张工', ''));
    expect([next.number, next.from, shiftRef(next)]).toEqual([1, { epoch: 0, seq: 0 }, '2-1']);
  });

  it('is not pruned away before it is counted, and its last fact stays in the second log', () => {
    const j = rig.open();
    j.append(sale(1));
    for (let batch = j.unsent(100); batch !== null; batch = j.unsent(100))
      j.acknowledge(batch.epoch, batch.events.at(-1)?.seq ?? 0, batch.events.at(-1)?.hash ?? '');
    rig.clock.step(500 * DAY_MS);
    j.append(sale(2));
    expect(j.prune(400 * DAY_MS)).toMatchObject({ orders: 1 });
    rig.close();
    // All that is left is the second log.
    for (const part of ['', '-wal', '-shm'])
      rmSync(Journal.file(rig.dataDir) + part, { force: true });
    const again = rig.open();
    expect(again.closedShifts(9).map((c) => [c.shift.number, c.shift.captured.fen])).toEqual([
      [1, fen(1) + fen(2)],
    ]);
    expect(whole(again.openShift())).toMatchObject({ number: 2, captured: { count: 0 } });
  });

  it('counts a long one a piece at a time, to the same end', () => {
    const j = rig.open();
    for (let n = 1; n <= 30; n += 1) j.append(sale(n));
    let pieces = 0;
    while (j.openShift(10) === null) pieces += 1;
    expect(pieces).toBeGreaterThan(15);
    const once = whole(j.openShift());
    rig.close();
    expect(rig.open().openShift()).toEqual(once);
    expect(once.captured.count).toBe(30);
  });

  it('a statement that was changed on the disk is found', () => {
    const j = rig.open();
    j.append([...sale(1), ...upTo(2, 'order-delivering')]);
    whole(j.closeShift('张工', ''));
    j.append(after(2, 'order-delivering'));
    whole(j.closeShift('张工', ''));
    rig.close();
    const db = new Database(Journal.file(rig.dataDir));
    db.exec(`UPDATE shifts SET body = replace(body, '"who":"张工"', '"who":"李工"') WHERE seq =
      (SELECT max(seq) FROM shifts)`);
    db.close();
    expect(rig.verify().join()).toMatch(/shift 2.*not what its fact says/);
  });

  it('finds it where the rows hold money that no fact moved', () => {
    const j = rig.open();
    j.append(upTo(1, 'order-delivering'));
    rig.close();
    const db = new Database(Journal.file(rig.dataDir));
    db.exec(
      `UPDATE attempts SET row = json_set(row, '$.amountFen', json_extract(row, '$.amountFen') + 1)`,
    );
    db.close();
    const s = rig.open().openShift();
    expect(s?.difference.transitFen).toBe(1);
    expect(shiftDoubts(s as Shift)).toEqual(['books']);
  });
});

describe('any facts, cut anywhere', () => {
  it('each stretch balances, begins with what the last one ended with, and all of them come to the whole', () => {
    for (let seed = 1; seed <= 12; seed += 1) {
      const random = seededRandom(`shifts ${seed}`);
      const die = (sides: number): number => (random.bytes(1)[0] as number) % sides;
      const at = new Rig(`${folder}/${seed}`);
      const j = at.open();
      // Sales of which each goes on by a fact at a time, in any order among them.
      const waiting: JournalEvent[][] = Array.from({ length: 12 }, (_, i) => life(i + 1, die));
      for (let left = waiting.filter((w) => w.length > 0); left.length > 0;) {
        const one = left[die(left.length)] as JournalEvent[];
        j.append([one.shift() as JournalEvent]);
        left = waiting.filter((w) => w.length > 0);
      }
      at.close();
      const db = new Database(Journal.file(at.dataDir), { readonly: true });
      const head = db.prepare<[], number>('SELECT max(seq) FROM events').pluck().get() as number;
      const cuts = [...new Set(Array.from({ length: 6 }, () => 1 + die(head)))].toSorted(
        (a, b) => a - b,
      );
      const pieces: Shift[] = [];
      let begin = firstShift(null);
      for (const seq of [...cuts, head]) {
        const tally = new ShiftTally(db, begin);
        tally.advance({ epoch: 1, seq });
        const s = tally.statement({ transitFen: 0, parkedFen: 0, open: [] });
        expect(shiftImbalance(s)).toEqual({ transit: 0, parked: 0 });
        pieces.push(s);
        begin = nextShift(s);
      }
      const all = new ShiftTally(db, firstShift(null));
      all.advance({ epoch: 1, seq: head });
      const one = whole(all.statement(openMoney(db)));
      for (const of of ['captured', 'delivered', 'refunded', 'parked', 'transit'] as const)
        expect(pieces.reduce((n, s) => n + s[of].fen, 0)).toBe(one[of].fen);
      expect(pieces.at(-1)?.closing).toEqual(one.closing);
      db.close();
    }
  });
});

/** One of the lives that a sale may have. */
function life(n: number, die: (sides: number) => number): JournalEvent[] {
  const back = [...refunding(n), ...refunded(n)];
  const refused = attempt('attempt-parked', n, {
    reason: 'refund-refused',
    failure: { code: 'PAY-0301' },
  });
  return (
    [
      () => sale(n),
      () => upTo(n, 'order-delivering'),
      () => [...upTo(n, 'order-paid'), ...back],
      () => [...upTo(n, 'order-delivering'), parked(n)],
      () => [...upTo(n, 'order-delivering'), parked(n), settled(n)],
      () => [...upTo(n, 'order-delivering'), parked(n), ...after(n, 'order-delivering')],
      () => [...upTo(n, 'order-paid'), ...refunding(n), refused, parked(n)],
      () => [
        ...upTo(n, 'order-paid'),
        ...refunding(n),
        refused,
        parked(n),
        attempt('attempt-refund-retried', n, { who: 'x', why: 'y' }),
        ...refunded(n),
      ],
    ][die(8)] as () => JournalEvent[]
  )();
}
