import Database from 'better-sqlite3';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AttemptRow, OrderRow } from '../../src/journal/fold.ts';
import { Journal } from '../../src/journal/journal.ts';
import { verifyJournal } from '../../src/journal/verify.ts';
import type { JournalEvent } from '../../src/shared/facts/catalogue.ts';
import type { Clock } from '../../src/shared/ports.ts';
import { Disk } from './disk.ts';
import type { Fate } from './disk.ts';
import { record } from './recording.ts';
import type { Op } from './recording.ts';
import { TERMINAL } from './script.ts';

/**
 * Power cut at every operation of the real journal process on its disks: its writes, fsyncs,
 * truncations, unlinks and renames were recorded; here the disk is rebuilt as a power cut may leave
 * it, the journal is opened on it, and what had been acknowledged must be there. Fast: a seeded
 * sample of points. PILOTLIGHT_FULL=1: every point.
 */
const FULL = process.env['PILOTLIGHT_FULL'] === '1';
const POINTS = 160;
const SEED = Number(process.env['PILOTLIGHT_SEED'] ?? '20261122');

/** What the process said. */
type Mark =
  | {
      readonly ack: { readonly epoch: number; readonly seq: number; readonly hash: string };
      readonly events: readonly JournalEvent[];
    }
  | { readonly opened: string }
  | { readonly number: number }
  | { readonly spoiled: string }
  | { readonly pruned: { readonly events: number } | null }
  | { readonly began: boolean }
  | { readonly end: true };

interface Outcome {
  images: number;
  /** Acknowledged facts that were not there. */
  lost: number;
  /** Images on which the journal had to be restored before anything was spoiled on purpose. */
  restored: number;
  readonly violations: string[];
}

let root: string;
let ops: Op[];
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'pilotlight-powercut-'));
  ops = record(root);
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

function dice(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const marksOf = (op: Op): Mark[] =>
  op.op !== 'mark'
    ? []
    : op.text
        .split('\n')
        .filter((l) => l !== '')
        .map((l) => JSON.parse(l) as Mark);

interface Money {
  captured: number;
  delivered: number;
  refunded: number;
}
/** What the acknowledged facts say of one order, counted here and not by the journal's fold. */
function moneyOf(events: readonly JournalEvent[]): Map<string, Money> {
  const orders = new Map<string, Money>();
  for (const e of events) {
    if (e.orderId === null) continue;
    const m = orders.get(e.orderId) ?? { captured: 0, delivered: 0, refunded: 0 };
    orders.set(e.orderId, m);
    if (e.kind === 'attempt-paid') m.captured += e.body.amountFen;
    if (e.kind === 'attempt-refunded') m.refunded += e.body.amountFen;
    if (e.kind === 'order-delivered') m.delivered += m.captured;
  }
  return orders;
}

const clock: Clock = {
  nowMs: () => 1_795_999_000_000,
  monoMs: () => 0,
  after: () => () => undefined,
};

interface Placed {
  readonly epoch: number;
  readonly seq: number;
  readonly event: JournalEvent;
}
interface Known {
  readonly acks: readonly { readonly epoch: number; readonly seq: number; readonly hash: string }[];
  readonly events: readonly Placed[];
  readonly number: number;
  readonly spoiled: boolean;
  /** The next append was under way: it may be there or not. */
  readonly next: readonly JournalEvent[];
}

/** Opens the journal on one image and compares it with what had been acknowledged. */
function check(folder: string, known: Known, name: string, outcome: Outcome): void {
  const [data, second] = [join(folder, 'data'), join(folder, 'second')];
  mkdirSync(data, { recursive: true });
  mkdirSync(second, { recursive: true });
  const bad = (what: string): void => void outcome.violations.push(`${name}: ${what}`);
  const opened = Journal.open({
    dataDir: data,
    secondPath: second,
    terminalId: TERMINAL,
    clock,
    random: { bytes: (n) => new Uint8Array(n).fill(9) },
    onFatal: (f) => bad(`fatal ${f.code}`),
  });
  if (!opened.ok) {
    outcome.lost += known.acks.length;
    bad(
      `does not open: ${opened.error.code} ${opened.error.detail ?? ''} ${String(opened.error.cause)}`,
    );
    return;
  }
  const journal = opened.value;
  if (journal.condition().kind === 'restored' && !known.spoiled) outcome.restored += 1;
  const next = journal.nextOrderNumber();
  if (next <= known.number) bad(`order number ${next} was given out before`);
  journal.close();

  const { problems } = verifyJournal(data, second);
  if (problems.length > 0) bad(problems.join('; '));
  const db = new Database(Journal.file(data), { readonly: true });
  const hashes = new Map(
    (
      db.prepare('SELECT epoch, seq, hash FROM events').all() as {
        epoch: number;
        seq: number;
        hash: string;
      }[]
    ).map((r) => [`${r.epoch}:${r.seq}`, r.hash]),
  );
  const anchor = JSON.parse(
    (db.prepare("SELECT value FROM meta WHERE key = 'anchor'").pluck().get() as
      | string
      | undefined) ?? '{"epoch":0,"seq":0}',
  ) as { epoch: number; seq: number };
  const parse = <T>(table: string): T[] =>
    (db.prepare(`SELECT row FROM ${table}`).pluck().all() as string[]).map(
      (r) => JSON.parse(r) as T,
    );
  const [orders, attempts] = [parse<OrderRow>('orders'), parse<AttemptRow>('attempts')];
  const behindAnchor = (at: { readonly epoch: number; readonly seq: number }): boolean =>
    at.epoch < anchor.epoch || (at.epoch === anchor.epoch && at.seq <= anchor.seq);
  db.close();

  for (const a of known.acks) {
    if (!behindAnchor(a) && hashes.get(`${a.epoch}:${a.seq}`) !== a.hash) {
      outcome.lost += 1;
      bad(`acknowledged ${a.epoch}:${a.seq} is not there`);
    }
  }
  // Money, order by order: as acknowledged, or with the append that was under way.
  const [acknowledged, possible] = [
    moneyOf(known.events.map((e) => e.event)),
    moneyOf([...known.events.map((e) => e.event), ...known.next]),
  ];
  const same = (a: Money | undefined, b: Money): boolean =>
    a !== undefined &&
    a.captured === b.captured &&
    a.delivered === b.delivered &&
    a.refunded === b.refunded;
  for (const o of orders) {
    const own = attempts.filter((a) => a.orderId === o.orderId);
    const captured = own
      .filter((a) => a.transactionId !== null)
      .reduce((sum, a) => sum + a.amountFen, 0);
    const found: Money = {
      captured,
      delivered: o.state === 'delivered' ? captured : 0,
      refunded: own.filter((a) => a.state === 'refunded').reduce((sum, a) => sum + a.amountFen, 0),
    };
    if (!same(acknowledged.get(o.orderId), found) && !same(possible.get(o.orderId), found))
      bad(`money of ${o.orderId}: ${JSON.stringify(found)}`);
  }
  for (const id of acknowledged.keys()) {
    const pruned = known.events.every((e) => e.event.orderId !== id || behindAnchor(e));
    if (!pruned && !orders.some((o) => o.orderId === id)) bad(`order ${id} is gone`);
  }
}

/** Cuts the power after each chosen number of operations. */
function replay(options: {
  readonly points: number | null;
  readonly syncs?: (path: string) => boolean;
  readonly fates: readonly Fate[];
  /** Also at every change of names. */
  readonly names?: boolean;
}): Outcome {
  const random = dice(SEED);
  const disk = new Disk(root);
  const outcome: Outcome = { images: 0, lost: 0, restored: 0, violations: [] };
  const work = ops.map((op, i) => ({ op, i })).filter(({ op }) => op.op !== 'mark');
  // Half of a sample stands at syncs and at changes of names, where the disk's promises change.
  const edges = work.filter(
    ({ op }) => op.op === 'sync' || op.op === 'rename' || op.op === 'unlink' || op.op === 'create',
  );
  const chosen = new Set<number>();
  const rare = new Set<number>();
  if (options.points === null) for (const { i } of work) chosen.add(i);
  else {
    // Names change seldom, and that is where restores, backups and prunes are cut: always, and just
    // after.
    if (options.names) {
      for (const [at, { op, i }] of work.entries()) {
        if (op.op !== 'rename' && op.op !== 'unlink') continue;
        for (const near of [i, work[at + 1]?.i]) if (near !== undefined) rare.add(near);
      }
    }
    const { points } = options;
    while (chosen.size < points) {
      const from = chosen.size % 2 === 0 ? edges : work;
      const at = Math.floor(random() * from.length);
      chosen.add((from[at] as { i: number }).i);
      // So that a small set of edges cannot hold the loop.
      chosen.add((work[Math.floor(random() * work.length)] as { i: number }).i);
    }
  }
  for (const i of rare) chosen.add(i);
  const marks = ops.map(marksOf);
  const said = marks.flatMap((list, i) => list.map((mark) => ({ i, mark })));
  const acks: Known['acks'][number][] = [];
  const events: Placed[] = [];
  let number = 0;
  let spoiled = false;
  ops.forEach((op, i) => {
    disk.apply(op, op.op !== 'sync' || (options.syncs?.(op.path) ?? true));
    for (const mark of marks[i] ?? []) {
      if ('ack' in mark) {
        acks.push(mark.ack);
        for (const [n, event] of mark.events.entries())
          events.push({
            epoch: mark.ack.epoch,
            seq: mark.ack.seq - mark.events.length + 1 + n,
            event,
          });
      } else if ('number' in mark) number = mark.number;
      else if ('spoiled' in mark) spoiled = true;
    }
    if (!chosen.has(i)) return;
    const next = said.find((s) => s.i > i && 'ack' in s.mark)?.mark;
    const known: Known = {
      acks,
      events,
      number,
      spoiled,
      next: next !== undefined && 'ack' in next ? next.events : [],
    };
    for (const fate of options.fates) {
      const folder = join(root, 'image');
      rmSync(folder, { recursive: true, force: true });
      disk.image(folder, fate, random);
      outcome.images += 1;
      check(
        folder,
        known,
        `after operation ${i} of ${ops.length} (${op.op}), unsynced ${fate}`,
        outcome,
      );
    }
  });
  return outcome;
}

describe('power cut replay', () => {
  it('the recording holds every kind of operation that the journal does', () => {
    const kinds = Map.groupBy(ops, (op) => op.op);
    for (const kind of ['create', 'write', 'truncate', 'sync', 'unlink', 'rename', 'mark'] as const)
      expect(kinds.get(kind)?.length ?? 0, kind).toBeGreaterThan(0);
    const said = ops.flatMap(marksOf);
    expect(said.filter((m) => 'ack' in m).length).toBeGreaterThan(80);
    expect(said.filter((m) => 'opened' in m)).toEqual([
      { opened: 'good' },
      { opened: 'good' },
      { opened: 'good' },
      { opened: 'restored' },
    ]);
    expect(said.find((m) => 'pruned' in m)).toMatchObject({
      pruned: { events: expect.any(Number) as number },
    });
    expect(said.at(-1)).toEqual({ end: true });
    expect(existsSync(join(root, 'data', 'backup'))).toBe(true);
  });

  it('nothing takes a name before its bytes are on disk, and no old file is left beside a new database', () => {
    const unsynced = new Set<string>();
    let movedAside = 0;
    let renamed = 0;
    const wrong: string[] = [];
    for (const op of ops) {
      if (op.op === 'write' || op.op === 'truncate') unsynced.add(op.path);
      else if (op.op === 'sync') {
        unsynced.delete(op.path);
        if (op.path === join(root, 'data')) movedAside = 0;
      } else if (op.op === 'rename') {
        const aside = op.to.includes('/damaged-');
        if (aside) movedAside += 1;
        else {
          renamed += 1;
          if (unsynced.has(op.from)) wrong.push(`${op.from} was renamed before it was synced`);
          if (op.to === Journal.file(join(root, 'data')) && movedAside > 0)
            wrong.push('the damaged files were not away for certain');
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(renamed).toBeGreaterThanOrEqual(5);
  });

  it(
    'loses no acknowledged fact, at any point, whatever became of what was not synced',
    { timeout: FULL ? 3_600_000 : 120_000 },
    () => {
      const outcome = replay({
        points: FULL ? null : POINTS,
        names: true,
        fates: FULL ? ['kept', 'dropped', 'torn', 'torn', 'torn'] : ['dropped', 'torn', 'torn'],
      });
      console.log(
        `power cut: ${outcome.images} images, ${outcome.lost} acknowledged facts lost, ${outcome.restored} restored though nothing was spoiled`,
      );
      expect(outcome.violations).toEqual([]);
      expect(outcome).toMatchObject({ lost: 0, restored: 0 });
      expect(outcome.images).toBeGreaterThanOrEqual(450);
    },
  );

  describe('can fail', () => {
    it('with no fsync at all, facts are lost', () => {
      const outcome = replay({ points: 40, fates: ['torn'], syncs: () => false });
      console.log(
        `without fsync: ${outcome.images} images, ${outcome.lost} acknowledged facts lost`,
      );
      expect(outcome.lost).toBeGreaterThan(0);
    });
    it('with neither the WAL nor the second log synced, facts are lost; with either, none is', () => {
      const wal = (path: string): boolean => path.endsWith('-wal');
      const second = (path: string): boolean => path.startsWith(join(root, 'second'));
      const neither = replay({
        points: 40,
        fates: ['dropped'],
        syncs: (path) => !wal(path) && !second(path),
      });
      const noWal = replay({ points: 40, fates: ['dropped'], syncs: (path) => !wal(path) });
      const noSecond = replay({ points: 40, fates: ['dropped'], syncs: (path) => !second(path) });
      console.log(
        `without either: ${neither.lost} lost; WAL not synced: ${noWal.lost}, ${noWal.restored} restored; second log not synced: ${noSecond.lost}`,
      );
      expect(neither.lost).toBeGreaterThan(0);
      expect([noWal.lost, noSecond.lost]).toEqual([0, 0]);
      expect(noWal.restored).toBeGreaterThan(0);
    });
  });
});
