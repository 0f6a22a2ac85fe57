import Database from 'better-sqlite3';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal, MIN_FREE_BYTES } from '../../../src/journal/journal.ts';
import { initial } from '../../../src/journal/migrations/0001-initial.ts';
import { schemaDigest } from '../../../src/journal/schema.ts';
import { SecondLog } from '../../../src/journal/second-log.ts';
import { readSecondLog } from '../../support/second-log.ts';
import type { LoggedEvent } from '../../../src/journal/records.ts';
import { BALLAST_BYTES, FULL_FREE_BYTES, fileStorage } from '../../../src/journal/storage.ts';
import { memoryStorage } from '../../../src/simulation/memory-storage.ts';
import type { JournalStorage } from '../../../src/journal/storage.ts';
import { verifyJournal, whileLogsStay } from '../../../src/journal/verify.ts';
import type { JournalEvent } from '../../../src/shared/facts/catalogue.ts';
import { canonicalJson } from '../../../src/shared/canonical-json.ts';
import { eventHash, genesisHash } from '../../../src/shared/journal-hash.ts';
import { T0, scratchFolder } from '../../support/kiosk-world.ts';
import { Rig, TERMINAL, inDoubt, orderId, parked, sale, settled, step } from './rig.ts';

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
const db = (): string => Journal.file(rig.dataDir);
const log = (epoch = 1): string => SecondLog.path(rig.secondPath, epoch);
const ackAll = (j: Journal): void => {
  for (let batch = j.unsent(100); batch !== null; batch = j.unsent(100))
    j.acknowledge(batch.epoch, batch.events.at(-1)?.seq ?? 0, batch.events.at(-1)?.hash ?? '');
};

describe('migration 0002', () => {
  it('keys facts by epoch, keeps the outbox, and makes the rows anew with the fields of today', () => {
    rig.files().lock();
    const old = new Database(db());
    old.exec(initial.sql);
    const meta = old.prepare('INSERT INTO meta VALUES (?, ?)');
    for (const [k, v] of [
      ['terminal_id', TERMINAL],
      ['epoch', '1'],
      ['order_counter', '2'],
      ['policy', 'p'],
    ])
      meta.run(k, v);
    old.pragma('user_version = 1');
    meta.run('schema_digest', schemaDigest(old));
    let prev = genesisHash(TERMINAL, 1);
    const events = [...sale(1), ...sale(2).slice(0, 6), inDoubt(2)];
    const logged: LoggedEvent[] = [];
    for (const [i, e] of events.entries()) {
      const facts = {
        epoch: 1,
        seq: i + 1,
        kind: e.kind,
        wallMs: T0 + i,
        orderId: e.orderId,
        body: e.body,
      };
      const hash = eventHash(prev, facts);
      old
        .prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
        .run(i + 1, 1, e.kind, T0 + i, 5, 'boot', e.orderId, canonicalJson(e.body), prev, hash);
      if (i >= 4) old.prepare('INSERT INTO outbox VALUES (?)').run(i + 1);
      logged.push({ ...facts, prevHash: prev, hash });
      prev = hash;
    }
    SecondLog.rewrite(rig.secondPath, 1, null, logged);
    // A row of version 1 has neither wantsRefund nor settled.
    old
      .prepare("INSERT INTO orders VALUES (?, 'delivered', '8800003921', 10001, 7, '{}')")
      .run(orderId(1));
    old.close();
    rmSync(join(rig.dataDir, 'core.lock'), { force: true });

    const j = rig.open();
    expect([j.epoch, j.head, j.nextOrderNumber(), j.meta('policy')]).toEqual([
      1,
      { epoch: 1, seq: 14, hash: prev },
      3,
      'p',
    ]);
    expect(j.order(orderId(1))).toMatchObject({
      state: 'delivered',
      settled: null,
      wantsRefund: false,
    });
    expect(j.order(orderId(2))).toMatchObject({ state: 'in-doubt', wantsRefund: false });
    expect(j.attempt(`${orderId(1)}/1`)).toMatchObject({ state: 'paid', settled: null });
    expect(j.unsent(100)).toMatchObject({ epoch: 1, fromSeq: 5 });
    expect(j.condition()).toEqual({ kind: 'good' });
    expect(rig.verify()).toEqual([]);
  });
});

describe('migration 0004', () => {
  /**
   * A journal as version 3 wrote it, with everything that can be open: sales 1 and 2 pruned, 3
   * delivered and untold, 4 in doubt, 5 parked and settled, 6 closed and paid late, 7 with a card's
   * answer kept, 8 refunding.
   */
  const ofVersion3 = (): void => {
    for (const folder of [rig.dataDir, rig.secondPath]) mkdirSync(folder, { recursive: true });
    const kept = (name: string): Buffer =>
      gunzipSync(readFileSync(new URL(`./v3/${name}.gz`, import.meta.url)));
    writeFileSync(db(), kept('journal.db'));
    writeFileSync(log(), kept('second-1.log'));
  };

  it('opens a journal of version 3: the same rows, a sale in the place of the quote', () => {
    ofVersion3();
    const old = new Database(db(), { readonly: true });
    const rowsOf = (from: Database.Database, table: string): Record<string, unknown>[] =>
      from
        .prepare<[], string>(`SELECT row FROM ${table}`)
        .pluck()
        .all()
        .map((row) => JSON.parse(row) as Record<string, unknown>);
    const orders = rowsOf(old, 'orders');
    const attempts = rowsOf(old, 'attempts');
    const facts = old.prepare('SELECT * FROM events ORDER BY epoch, seq').all();
    old.close();
    expect(orders).toHaveLength(6);

    const j = rig.open();
    expect(rig.verify()).toEqual([]);
    expect(j.order(orderId(4))).toMatchObject({ state: 'in-doubt', sale: { kind: 'card' } });
    j.append([{ ...sale(4).at(-1)! }]);
    expect(j.order(orderId(4))?.state).toBe('delivered');
    rig.close();
    const now = new Database(db(), { readonly: true });
    const { length } = facts;
    expect(now.prepare('SELECT * FROM events ORDER BY epoch, seq LIMIT ?').all(length)).toEqual(
      facts,
    );
    expect(rowsOf(now, 'attempts')).toEqual(attempts);
    const unchanged = (row: Record<string, unknown>): boolean => row['orderId'] !== orderId(4);
    expect(rowsOf(now, 'orders').filter(unchanged)).toEqual(
      orders.filter(unchanged).map(({ quote, ...row }) => ({
        ...row,
        sale: { kind: 'card', payee: 'house', ...(quote as object) },
      })),
    );
    now.close();
  });

  it('finds orders by their account', () => {
    ofVersion3();
    const j = rig.open();
    expect(j.unfinishedOfOtherCard('1002203344', '8800007777')?.orderId).toBe(orderId(4));
    expect(j.unfinishedOfOtherCard('1002203344', '8800003921')).toBeUndefined();
    expect(j.unfinishedOfOtherCard('1002203345', '8800007777')).toBeUndefined();
    rig.close();
    const now = new Database(db(), { readonly: true });
    const plan = now
      .prepare("EXPLAIN QUERY PLAN SELECT row FROM orders WHERE account = 'x' AND card_no <> 'y'")
      .all() as { detail: string }[];
    expect(plan.map((p) => p.detail).join()).toContain('orders_by_account');
    now.close();
  });
});

describe('a sale that is no card write', () => {
  const id = orderId(1);
  const attemptId = `${id}/1`;
  const quoted: JournalEvent = {
    kind: 'credit-quoted',
    orderId: id,
    body: {
      userNo: '3001',
      payee: 'water',
      amountFen: 10_001,
      expiresAtMs: 1_800_000_000_000,
      lines: [
        {
          item: 'G-2026-10',
          kind: 'gas',
          period: '2026-10',
          amountFen: 10_001,
          terms: { principalFen: 9_950, lateFeeFen: 51, discountFen: 0 },
        },
      ],
    },
  };

  it('stands in the journal from quote to posting, without a card, a layout or a count', () => {
    const j = rig.open();
    j.append([quoted, ...sale(1).slice(1, 5)]);
    expect(j.order(id)).toMatchObject({ state: 'paid', sale: { kind: 'credit', payee: 'water' } });
    expect(() => j.append(sale(1).slice(5, 6))).toThrow('for a credit sale');
    j.append([{ kind: 'credit-posting', orderId: id, body: { attemptId } }]);
    expect(j.order(id)?.state).toBe('delivering');
    j.append([{ kind: 'credit-posted', orderId: id, body: { reference: 'B7', postedMs: T0 } }]);
    expect(j.order(id)?.state).toBe('delivered');
    expect(rig.verify()).toEqual([]);
  });

  it('a card sale is not posted to an account', () => {
    const j = rig.open();
    j.append(sale(1).slice(0, 5));
    expect(() => j.append([{ kind: 'credit-posting', orderId: id, body: { attemptId } }])).toThrow(
      'not posted',
    );
  });
});

describe('facts cannot be taken back', () => {
  it('neither changed nor deleted through SQL', () => {
    rig.open().append([step(1), step(2)]);
    rig.close();
    const open = new Database(db());
    open.pragma('foreign_keys = OFF');
    expect(() => open.exec("UPDATE events SET body = '{}'")).toThrow('append-only');
    expect(() => open.exec('DELETE FROM events')).toThrow('append-only');
    open.close();
  });
});

describe('backup', () => {
  it('is named after its head, verified, and the newest two are kept', async () => {
    const j = rig.open();
    const names: string[] = [];
    for (const n of [1, 2, 3]) {
      j.append(sale(n));
      const made = await j.backup();
      if (made.ok) names.push(made.value.name);
    }
    expect(names).toEqual(['journal-1-7.db', 'journal-1-14.db', 'journal-1-21.db']);
    expect(readdirSync(join(rig.dataDir, 'backup')).toSorted()).toEqual([
      'journal-1-14.db',
      'journal-1-21.db',
    ]);
    const copy = new Database(join(rig.dataDir, 'backup', 'journal-1-21.db'), { readonly: true });
    expect([
      copy.pragma('journal_mode', { simple: true }),
      copy.prepare('SELECT count(*) FROM events').pluck().get(),
    ]).toEqual(['delete', 21]);
    copy.close();
  });
  it('takes what is appended while it runs, or ends before it', async () => {
    const j = rig.open();
    for (let n = 1; n <= 60; n += 1) for (const e of sale(n)) j.append([e]);
    const running = j.backup();
    for (const e of sale(61)) j.append([e]);
    const made = await running;
    expect(made.ok && /^journal-1-42[0-7]\.db$/.test(made.value.name)).toBe(true);
    expect(rig.verify()).toEqual([]);
  });
  it('that is cut off by the end of the journal is none, and nothing is left of it', async () => {
    const j = rig.open();
    for (let n = 1; n <= 150; n += 1) j.append(sale(n));
    const running = j.backup();
    rig.close();
    expect((await running).ok).toBe(false);
    expect(rig.files().backups.list()).toEqual([]);
    expect((await rig.open().backup()).ok).toBe(true);
  });
  it('of a chain that is broken is none', async () => {
    const j = rig.open();
    j.append(sale(1));
    const real = rig.files();
    rig.close();
    const open = new Database(db());
    const trigger = open
      .prepare("SELECT sql FROM sqlite_schema WHERE name = 'events_append_only_update'")
      .pluck()
      .get() as string;
    open.close();
    // Altered behind the journal's back while it runs.
    const k = rig.open();
    const other = new Database(db());
    other.exec(
      `DROP TRIGGER events_append_only_update; UPDATE events SET wall_ms = 1 WHERE seq = 3; ${trigger}`,
    );
    other.close();
    const made = await k.backup();
    expect(made.ok ? '' : String(made.error.cause)).toContain(
      'event 3: the hash chain breaks here',
    );
    expect(real.backups.list()).toEqual([]);
  });
});

describe('prune', () => {
  const DAY = 86_400_000;
  it('deletes only what is acknowledged, old, and of orders that are wholly among it and need nobody', async () => {
    const j = rig.open();
    const day = (...events: Parameters<Journal['append']>[0][]): void => {
      for (const e of events) j.append(e);
      rig.clock.advance(DAY);
    };
    day([step(1)], sale(1), sale(2).slice(0, 5));
    expect(j.prune(0)).toBeNull();
    ackAll(j);
    expect(j.prune(2 * DAY)).toBeNull();
    // Up to the first fact of order 2, which is open.
    expect(j.prune(DAY / 2)).toEqual({ events: 8, orders: 1 });
    expect(j.order(orderId(1))).toBeUndefined();
    expect(j.orders().map((o) => o.orderId)).toEqual([orderId(2)]);
    expect(rig.verify()).toEqual([]);
    day([parked(2)], sale(3));
    ackAll(j);
    expect(j.prune(0)).toBeNull();
    // Settled by a person, but with its last fact too young.
    day([settled(2)], [step(2)]);
    ackAll(j);
    expect(j.prune(1.5 * DAY)).toBeNull();
    day([step(3)]);
    ackAll(j);
    expect(j.prune(DAY / 2)).toMatchObject({ orders: 2 });
    expect(j.orders()).toEqual([]);
    expect(rig.verify()).toEqual([]);
    await j.shortenSecondLogs();
    expect(rig.verify()).toEqual([]);
    expect(readSecondLog(log()).anchor?.seq).toBeGreaterThan(8);
    const { first, last } = {
      first: readSecondLog(log()).events[0],
      last: readSecondLog(log()).events.at(-1),
    };
    expect([first?.seq, last?.hash]).toEqual([
      (readSecondLog(log()).anchor?.seq ?? 0) + 1,
      j.head.hash,
    ]);
    // It goes on, and is whole after a start.
    const k = rig.open();
    k.append(sale(4));
    expect([k.head.seq > 20, rig.verify()]).toEqual([true, []]);
    expect(rig.open().condition()).toEqual({ kind: 'good' });
  });
  it('a closed attempt that is still asked about keeps its order', () => {
    const j = rig.open();
    const id = orderId(1);
    const attemptId = `${id}/1`;
    j.append([
      ...sale(1).slice(0, 3),
      { kind: 'attempt-closing', orderId: id, body: { attemptId, why: 'customer' } },
      { kind: 'attempt-closed', orderId: id, body: { attemptId } },
      { kind: 'order-closed', orderId: id, body: { why: 'customer' } },
    ]);
    ackAll(j);
    rig.clock.advance(3_600_000);
    expect(j.prune(0)).toBeNull();
    rig.clock.advance(DAY);
    j.append([step(1)]);
    ackAll(j);
    expect(j.prune(0)).toEqual({ events: 6, orders: 1 });
  });
  it('stranded facts, and all behind them, stay', () => {
    const j = rig.open();
    j.append(sale(1));
    ackAll(j);
    j.append(sale(2));
    j.strand(1, 8);
    j.beginEpoch(2, 'x');
    ackAll(j);
    rig.clock.advance(10 * DAY);
    expect(j.prune(DAY)).toEqual({ events: 7, orders: 1 });
    ackAll(j);
    rig.clock.advance(10 * DAY);
    expect(j.prune(DAY)).toBeNull();
    expect(rig.verify()).toEqual([]);
  });
  it('central that asks from before the anchor cannot be served; the anchor itself is known', () => {
    const j = rig.open();
    j.append(sale(1));
    const { hash } = j.head;
    ackAll(j);
    j.append([step(1)]);
    rig.clock.advance(DAY);
    j.append([step(2)]);
    j.acknowledge(1, 8, readSecondLog(log()).events[7]?.hash ?? '');
    expect(j.prune(DAY / 2)).toEqual({ events: 8, orders: 1 });
    expect([j.resendFrom(1, 8), j.resendFrom(1, 9)]).toEqual([false, true]);
    expect([j.acknowledge(1, 7, hash), j.acknowledge(1, 8, 'f'.repeat(64))]).toEqual([
      false,
      false,
    ]);
    expect(j.unsent(1)?.fromSeq).toBe(9);
  });
  /** Two orders and two steps, of which the orders are pruned and still in the second log. */
  function prunedJournal(): Journal {
    const j = rig.open();
    for (const n of [1, 2]) j.append(sale(n));
    ackAll(j);
    rig.clock.advance(DAY);
    j.append([step(1)]);
    expect(j.prune(DAY / 2)).toEqual({ events: 14, orders: 2 });
    return j;
  }
  const anchored = { anchor: { epoch: 1, seq: 14, terminalId: TERMINAL } };

  it('the second log is shortened beside the journal: what is appended meanwhile is in it', async () => {
    const j = prunedJournal();
    const shortening = j.shortenSecondLogs();
    j.append(sale(3));
    await Promise.all([shortening, j.shortenSecondLogs()]);
    j.append(sale(4));
    expect(readSecondLog(log())).toMatchObject({ ...anchored, torn: false });
    expect([readSecondLog(log()).events.length, rig.verify()]).toEqual([17, []]);
    const again = rig.open();
    expect([again.head.seq, again.condition(), rig.verify()]).toEqual([31, { kind: 'good' }, []]);
  });
  it('a check beside it is made again where the log was exchanged under it, and not else', async () => {
    const j = prunedJournal();
    let checks = 0;
    const bad = () => ({ ok: false, checks: ++checks });
    expect(whileLogsStay(rig.secondPath, bad)).toEqual({ ok: false, checks: 1 });
    const copy = await rig.files().second.shorter(1, {
      ...anchored.anchor,
      hash: readSecondLog(log()).events[13]?.hash ?? '',
    });
    const exchanged = () => {
      if (checks++ === 1) copy.finish();
      return verifyJournal(rig.dataDir, rig.secondPath).ok && checks > 2
        ? { ok: true, checks }
        : { ok: false, checks };
    };
    expect(whileLogsStay(rig.secondPath, exchanged)).toEqual({ ok: true, checks: 3 });
    expect(j.head.seq).toBe(17);
  });
  it('it is not copied for little', async () => {
    const j = prunedJournal();
    for (let n = 3; n < 24; n++) j.append(sale(n));
    await j.shortenSecondLogs();
    expect(readSecondLog(log()).anchor).toBeNull();
  });
  it('cut while it was copied: as long as it was, and nothing of the copy stays', async () => {
    const j = prunedJournal();
    const shortening = j.shortenSecondLogs();
    rig.close();
    await shortening;
    writeFileSync(`${log()}.new`, 'half a copy');
    const again = rig.open();
    expect([existsSync(`${log()}.new`), readSecondLog(log()).anchor]).toEqual([false, null]);
    expect([again.head.seq, again.condition(), rig.verify()]).toEqual([17, { kind: 'good' }, []]);
    await again.shortenSecondLogs();
    expect([readSecondLog(log()).anchor?.seq, rig.verify()]).toEqual([14, []]);
  });
  it('where a copy would take the room that selling needs, none is made', async () => {
    prunedJournal();
    rig.close();
    const size = statSync(log()).size;
    let free = MIN_FREE_BYTES;
    const k = rig.open(fileStorage(rig.dataDir, rig.secondPath, () => free));
    await expect(k.shortenSecondLogs()).rejects.toThrow('too little room');
    expect([existsSync(`${log()}.new`), readSecondLog(log()).anchor]).toEqual([false, null]);
    free += size;
    await k.shortenSecondLogs();
    expect([readSecondLog(log()).anchor?.seq, rig.verify()]).toEqual([14, []]);
  });
  it('a copy that cannot be made, or not be put in place', async () => {
    prunedJournal();
    rig.close();
    const eio = (): never => {
      throw Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' });
    };
    const real = rig.files();
    let shorter: typeof real.second.shorter = () => Promise.reject(new Error('ENOSPC'));
    const second = {
      ...real.second,
      shorter: (...at: Parameters<typeof shorter>) => shorter(...at),
    };
    const k = rig.open({ ...real, second });
    await expect(k.shortenSecondLogs()).rejects.toThrow('ENOSPC');
    k.append([step(2)]);
    expect([rig.fatal, rig.verify()]).toEqual([[], []]);
    shorter = () => Promise.resolve({ finish: eio, drop: () => undefined });
    await expect(k.shortenSecondLogs()).rejects.toThrow('EIO');
    expect(rig.fatal).toEqual(['JRNL-0108']);
    const again = rig.open();
    expect([again.head.seq, again.condition(), rig.verify()]).toEqual([18, { kind: 'good' }, []]);
  });
  it('an order that is over stops none, however many facts it spans; one that is not over does', () => {
    const j = rig.open();
    const steps = (n: number): void => {
      for (let i = 0; i < n; i += 500) j.append(Array.from({ length: 500 }, () => step(i)));
    };
    j.append([step(0), ...sale(1).slice(0, 5), parked(1)]);
    steps(11_000);
    ackAll(j);
    rig.clock.advance(DAY);
    expect(j.prune(DAY / 2)).toEqual({ events: 1, orders: 0 });
    expect(j.prune(DAY / 2)).toBeNull();
    j.append([settled(1)]);
    steps(1_000);
    ackAll(j);
    rig.clock.advance(DAY);
    j.append([step(0)]);
    ackAll(j);
    // As far as had to be looked, and then as ever.
    expect(j.prune(DAY / 2)).toMatchObject({ orders: 1 });
    while (j.prune(DAY / 2) !== null);
    expect([j.orders(), rig.verify()]).toEqual([[], []]);
  });
  it('of an epoch that was pruned to its last fact there may be no log to shorten', async () => {
    const j = rig.open();
    j.append(sale(1));
    j.beginEpoch(2, 'x');
    ackAll(j);
    rig.clock.advance(DAY);
    j.append([step(1)]);
    expect(j.prune(DAY / 2)).not.toBeNull();
    rig.close();
    rmSync(log());
    const k = rig.open();
    await k.shortenSecondLogs();
    expect(rig.verify()).toEqual([]);
  });
  it('no more than a fraction of a second’s work goes at once, and all of it in the end', () => {
    const j = rig.open();
    for (let n = 1; n <= 2_000; n++) j.append(Array.from({ length: 6 }, () => step(n)));
    ackAll(j);
    rig.clock.advance(DAY);
    j.append([step(0)]);
    ackAll(j);
    const went: number[] = [];
    for (let now = j.prune(DAY / 2); now !== null; now = j.prune(DAY / 2)) went.push(now.events);
    expect(went).toEqual([5_000, 5_000, 2_000]);
    expect(rig.verify()).toEqual([]);
  });
  it('verify knows an anchor that was altered', () => {
    const j = rig.open();
    j.append(sale(1));
    ackAll(j);
    rig.clock.advance(DAY);
    j.append([step(1)]);
    expect(j.prune(DAY / 2)).toEqual({ events: 7, orders: 1 });
    rig.close();
    const open = new Database(db());
    const text = open
      .prepare("SELECT value FROM meta WHERE key = 'anchor'")
      .pluck()
      .get() as string;
    open
      .prepare("UPDATE meta SET value = ? WHERE key = 'anchor'")
      .run(text.replace('"seq":7', '"seq":6'));
    open.close();
    expect(rig.verify()[0]).toBe('event 8: the hash chain breaks here');
  });
});

describe('verify', () => {
  it('names an event that holds more than the catalogue, and what looks like a payment code', () => {
    const j = rig.open();
    j.append([
      {
        kind: 'maintenance-action',
        orderId: null,
        body: { who: 't', action: 'x', why: 'code 1', detail: '134567890123456789' },
      },
    ]);
    expect(rig.verify()).toEqual(['event 1: holds what looks like a payment code or a key']);
  });
});

describe('space', () => {
  it('ample, low, full: the ballast goes when there is no other room', () => {
    const disk = memoryStorage();
    const r = new Rig(folder, disk);
    const j = r.open();
    disk.free = MIN_FREE_BYTES + BALLAST_BYTES;
    j.keepBallast();
    expect(disk.ballast.held()).toBe(false);
    disk.free += 1;
    j.keepBallast();
    expect([disk.ballast.held(), disk.free, j.space()]).toEqual([
      true,
      MIN_FREE_BYTES + 1,
      'ample',
    ]);
    j.keepBallast();
    expect(disk.free).toBe(MIN_FREE_BYTES + 1);
    disk.free = MIN_FREE_BYTES - 1;
    expect([j.space(), disk.ballast.held()]).toEqual(['low', true]);
    disk.free = FULL_FREE_BYTES - 1;
    expect([j.space(), disk.ballast.held()]).toEqual(['full', false]);
    expect([j.space(), j.freeBytes()]).toEqual(['low', FULL_FREE_BYTES - 1 + BALLAST_BYTES]);
    r.close();
  });

  it('the ballast is a file that really takes its room', () => {
    const j = rig.open();
    j.keepBallast();
    const file = statSync(join(rig.dataDir, 'ballast'));
    expect(file.size).toBe(BALLAST_BYTES);
    expect(file.blocks * 512).toBeGreaterThanOrEqual(BALLAST_BYTES);
  });

  it('SQLITE_FULL is fatal, loses nothing that was acknowledged, and what is in flight ends once there is room', () => {
    const real = rig.files();
    let pages = 1_000_000;
    const small: JournalStorage = {
      ...real,
      open: () => {
        const opened = real.open();
        opened.pragma(`max_page_count = ${pages}`);
        return opened;
      },
    };
    let j = rig.open(small);
    for (const e of sale(1).slice(0, 5)) j.append([e]);
    rig.close();
    pages = Math.ceil(statSync(db()).size / 4096);
    j = rig.open(small);
    let acknowledged = 5;
    const fill = (): void => {
      for (;;) {
        j.append([step(acknowledged)]);
        acknowledged += 1;
      }
    };
    expect(fill).toThrow('full');
    expect(rig.fatal).toEqual(['JRNL-0101']);
    expect(() => j.append([step(1)])).toThrow('closed after a write error');
    j = rig.open(small);
    expect(j.head.seq).toBe(acknowledged);
    expect(j.order(orderId(1))?.state).toBe('paid');
    expect(() => j.append([step(1)])).toThrow('full');
    // The ballast given up: there is room again.
    pages += 64;
    j = rig.open(small);
    for (const e of sale(1).slice(5)) j.append([e]);
    expect(j.order(orderId(1))?.state).toBe('delivered');
    expect(rig.verify()).toEqual([]);
  });

  it('no room to open: the ballast is given up and it is tried once more', () => {
    const j = rig.open();
    j.append(sale(1));
    rig.close();
    writeFileSync(join(rig.dataDir, 'ballast'), 'x');
    const real = rig.files();
    const tight: JournalStorage = {
      ...real,
      open: () => {
        if (existsSync(join(rig.dataDir, 'ballast')))
          throw new Database.SqliteError('database or disk is full', 'SQLITE_FULL');
        return real.open();
      },
    };
    expect(rig.open(tight).order(orderId(1))?.state).toBe('delivered');
    expect(existsSync(join(rig.dataDir, 'ballast'))).toBe(false);
    rig.close();
    const none: JournalStorage = {
      ...real,
      open: () => {
        throw new Database.SqliteError('database or disk is full', 'SQLITE_FULL');
      },
    };
    const opened = rig.tryOpen(TERMINAL, none);
    expect(opened.ok ? '' : opened.error.code).toBe('JRNL-0101');
  });

  it('a second log that cannot be written ends the process; its facts are joined at the next start', () => {
    const real = rig.files();
    let broken = false;
    const bad: JournalStorage = {
      ...real,
      second: {
        ...real.second,
        open: (epoch, good) => {
          const writer = real.second.open(epoch, good);
          return {
            close: () => {
              writer.close();
            },
            append: (events) => {
              if (broken) throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' });
              writer.append(events);
            },
          };
        },
      },
    };
    const j = rig.open(bad);
    j.append([step(1)]);
    broken = true;
    expect(() => j.append([step(2)])).toThrow('EIO');
    expect(() => j.append([step(3)])).toThrow('closed after a write error');
    expect(rig.fatal).toEqual(['JRNL-0108']);
    const k = rig.open();
    expect([k.head.seq, readSecondLog(log()).events.length, rig.verify()]).toEqual([2, 2, []]);
  });
});
