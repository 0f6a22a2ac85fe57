import Database from 'better-sqlite3';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../../src/journal/journal.ts';
import { SecondLog } from '../../../src/journal/second-log.ts';
import { readSecondLog } from '../../support/second-log.ts';
import type { JournalStorage } from '../../../src/journal/storage.ts';
import { scratchFolder } from '../../support/kiosk-world.ts';
import { Rig, TERMINAL, orderId, sale, step } from './rig.ts';

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
/** Sales 1…n and their close. */
const sell = (j: Journal, ...numbers: number[]): void => {
  for (const n of numbers) for (const e of sale(n)) j.append([e]);
};
const garbage = (path: string, from: number, to: number): void => {
  const bytes = readFileSync(path);
  bytes.fill(0x5a, from, to);
  writeFileSync(path, bytes);
};
const facts = (j: Journal): string[] =>
  j.orders().map((o) => `${o.orderId.slice(-9, -5)} ${o.state}`);
const restoredBody = (j: Journal): Record<string, unknown> | undefined => {
  const batch = j.unsent(200);
  return batch?.events.findLast((e) => e.kind === 'journal-restored')?.body as
    | Record<string, unknown>
    | undefined;
};
const edit = (sql: string): void => {
  const open = new Database(db());
  open.pragma('foreign_keys = OFF');
  const triggers = open
    .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    .all() as { name: string; sql: string }[];
  open.exec(
    `${triggers.map((t) => `DROP TRIGGER ${t.name};`).join('')} ${sql}; ${triggers.map((t) => t.sql).join(';')}`,
  );
  open.close();
};

describe('a damaged journal', () => {
  it.each<[string, () => void]>([
    ['pages overwritten', () => garbage(db(), 4096, statSync(db()).size)],
    ['the first page overwritten', () => garbage(db(), 0, 4096)],
    ['cut short', () => truncateSync(db(), 8192)],
    [
      'no database any more',
      () => writeFileSync(db(), 'this is no database, and long enough to be looked at'.repeat(40)),
    ],
    ['empty', () => truncateSync(db(), 0)],
    ['gone', () => rmSync(db())],
    [
      'an event altered',
      () => edit("UPDATE events SET body = replace(body, '10001', '10009') WHERE seq = 4"),
    ],
    [
      'an event gone',
      () => edit('DELETE FROM events WHERE seq = 9; DELETE FROM outbox WHERE seq = 9'),
    ],
  ])('%s: brought back whole from the second log alone', (what, damage) => {
    let j = rig.open();
    sell(j, 1, 2);
    j.append(sale(3).slice(0, 5));
    const { head } = j;
    const counter = [j.nextOrderNumber(), j.nextOrderNumber(), j.nextOrderNumber()].at(
      -1,
    ) as number;
    rig.close();
    damage();
    const bytes = existsSync(db()) ? readFileSync(db()) : null;
    rig.clock.advance(5_000);
    j = rig.open();
    expect(facts(j)).toEqual(['0001 delivered', '0002 delivered', '0003 paid']);
    const aside = `damaged-${rig.clock.nowMs()}`;
    expect(j.condition()).toMatchObject({
      kind: 'restored',
      atMs: rig.clock.nowMs(),
      aside,
      restoredSeq: head.seq,
      lostAfterSeq: null,
      accepted: false,
      epochGranted: false,
    });
    expect(restoredBody(j)).toMatchObject({
      aside,
      backupSeq: 0,
      secondLogSeq: head.seq,
      restoredSeq: head.seq,
      lostAfterSeq: null,
    });
    expect(j.head).toMatchObject({ epoch: 1, seq: head.seq + 1 });
    // The damaged file is kept to the byte.
    if (bytes !== null)
      expect(readFileSync(join(rig.dataDir, aside, 'journal.db')).equals(bytes)).toBe(true);
    expect(j.nextOrderNumber()).toBeGreaterThan(what === 'gone' ? 0 : counter - 1);
    expect(j.unsent(1)?.fromSeq).toBe(1);
    expect(j.mayBeReported(orderId(1))).toBe(true);
    expect(rig.verify()).toEqual([]);
    // Nothing more happens at the next start.
    j = rig.open();
    expect([
      j.head.seq,
      j.condition().kind,
      readdirSync(rig.dataDir).filter((f) => f.startsWith('damaged')),
    ]).toEqual([head.seq + 1, 'restored', [aside]]);
    // A technician and central let it go on, in either order.
    expect(j.acceptDamage('t1', 'compared with central')).toBe(true);
    expect([j.acceptDamage('t1', 'again'), j.condition()]).toMatchObject([
      false,
      { accepted: true, epochGranted: false },
    ]);
    j = rig.open();
    expect(j.beginEpoch(2, 'restored')).toBe(true);
    expect(j.condition()).toEqual({ kind: 'good' });
    expect(rig.open().condition()).toEqual({ kind: 'good' });
    expect(rig.verify()).toEqual([]);
  });

  it('the epoch first, then the technician', () => {
    let j = rig.open();
    sell(j, 1);
    rig.close();
    rmSync(db());
    j = rig.open();
    j.beginEpoch(2, 'restored');
    expect(j.condition()).toMatchObject({ kind: 'restored', accepted: false, epochGranted: true });
    // A fork on top: the grant is used up.
    j.needEpoch('central holds another event');
    expect(j.condition()).toMatchObject({ kind: 'restored', epochGranted: false });
    j.beginEpoch(3, 'again');
    expect(j.acceptDamage('t', 'x')).toBe(true);
    expect(j.condition()).toEqual({ kind: 'good' });
  });

  it('backup and second log together; what central acknowledged by then stays acknowledged', async () => {
    let j = rig.open();
    sell(j, 1);
    j.acknowledge(1, 7, j.head.hash);
    j.setMeta('policy', 'kept');
    expect(await j.backup()).toMatchObject({ ok: true, value: { name: 'journal-1-7.db' } });
    sell(j, 2);
    rig.close();
    garbage(db(), 4096, statSync(db()).size);
    // The second disk was changed after the backup: its log begins in the middle.
    const lines = readFileSync(log(), 'utf8').split('\n');
    writeFileSync(log(), `${lines.slice(0, 2).join('\n')}\nxx\n${lines.slice(5).join('\n')}`);
    j = rig.open();
    expect(facts(j)).toEqual(['0001 delivered', '0002 delivered']);
    expect(j.unsent(100)).toMatchObject({ fromSeq: 8 });
    expect(restoredBody(j)).toMatchObject({
      backupSeq: 7,
      secondLogSeq: 14,
      restoredSeq: 14,
      lostAfterSeq: null,
    });
    expect(j.meta('policy')).toBe('kept');
    // The bad log was kept and made anew.
    expect(readSecondLog(log())).toMatchObject({ torn: false, badLines: 0 });
    expect(existsSync(join(rig.secondPath, `damaged-${rig.clock.nowMs()}`, 'second-1.log'))).toBe(
      true,
    );
    expect(rig.verify()).toEqual([]);
  });

  it('the backup alone: what is known to be missing is said, and no number is given again', async () => {
    let j = rig.open();
    sell(j, 1);
    j.nextOrderNumber();
    await j.backup();
    sell(j, 2);
    j.nextOrderNumber();
    rig.close();
    rmSync(db());
    // Only the very last facts are left of the second log.
    writeFileSync(log(), `xx\n${readFileSync(log(), 'utf8').split('\n').slice(12).join('\n')}`);
    j = rig.open();
    expect(facts(j)).toEqual(['0001 delivered']);
    expect(j.condition()).toMatchObject({ kind: 'restored', restoredSeq: 7, lostAfterSeq: 7 });
    expect(restoredBody(j)).toMatchObject({ backupSeq: 7, restoredSeq: 7, lostAfterSeq: 7 });
    expect(j.nextOrderNumber()).toBeGreaterThan(2);
    expect(j.mayBeReported(orderId(1))).toBe(true);
    expect(rig.verify()).toEqual([]);
  });

  it('a damaged newest backup is passed over', async () => {
    let j = rig.open();
    sell(j, 1);
    await j.backup();
    sell(j, 2);
    await j.backup();
    rig.close();
    rmSync(db());
    rmSync(log());
    garbage(join(rig.dataDir, 'backup', 'journal-1-14.db'), 4096, 9000);
    j = rig.open();
    expect(restoredBody(j)).toMatchObject({ backupSeq: 7, restoredSeq: 7, lostAfterSeq: null });
    expect(facts(j)).toEqual(['0001 delivered']);
  });

  it('what the damaged file still holds is used, from both ends', () => {
    let j = rig.open();
    for (let n = 1; n <= 40; n += 1) sell(j, n);
    rig.close();
    rmSync(log());
    // Rows and events are all there; an index is not.
    const open = new Database(db());
    const page = open
      .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'orders_by_card'")
      .pluck()
      .get() as number;
    open.close();
    garbage(db(), (page - 1) * 4096, page * 4096);
    j = rig.open();
    expect(j.orders().length).toBe(40);
    expect(j.condition()).toMatchObject({ kind: 'restored', restoredSeq: 280, lostAfterSeq: null });
    expect(rig.verify()).toEqual([]);
  });

  it('nothing at all to be had: JRNL-0107, everything left as it is', () => {
    sell(rig.open(), 1);
    rig.close();
    writeFileSync(db(), 'x'.repeat(20_000));
    rmSync(log());
    const before = readdirSync(rig.dataDir);
    const opened = rig.tryOpen();
    expect(opened.ok ? '' : opened.error.code).toBe('JRNL-0107');
    expect(readdirSync(rig.dataDir).toSorted()).toEqual(before.toSorted());
  });

  it('a second log that is ahead brings the journal up to date', () => {
    let j = rig.open();
    sell(j, 1);
    rig.close();
    cpSync(rig.dataDir, join(folder, 'old'), { recursive: true });
    j = rig.open();
    sell(j, 2);
    const { seq } = j.head;
    rig.close();
    rmSync(rig.dataDir, { recursive: true });
    renameSync(join(folder, 'old'), rig.dataDir);
    j = rig.open();
    expect(facts(j)).toEqual(['0001 delivered', '0002 delivered']);
    expect(j.condition()).toMatchObject({
      kind: 'restored',
      why: 'the second log is ahead: epoch 1, 14 > 7',
      restoredSeq: seq,
      lostAfterSeq: null,
    });
  });

  it('two stories under the same numbers: the longer one is kept, the other one set aside, and both are said', () => {
    let j = rig.open();
    sell(j, 1);
    rig.close();
    cpSync(rig.secondPath, join(folder, 'fork-second'), { recursive: true });
    cpSync(rig.dataDir, join(folder, 'fork-data'), { recursive: true });
    j = rig.open();
    sell(j, 2);
    j.append([step(1)]);
    rig.close();
    const other = new Rig(join(folder, 'other'));
    mkdirSync(other.folder);
    renameSync(join(folder, 'fork-data'), other.dataDir);
    renameSync(join(folder, 'fork-second'), other.secondPath);
    other.clock.advance(60_000);
    other.open().append(sale(2).slice(0, 4));
    other.close();
    cpSync(SecondLog.path(other.secondPath, 1), log());
    j = rig.open();
    expect(facts(j)).toEqual(['0001 delivered', '0002 delivered']);
    expect(j.condition()).toMatchObject({
      kind: 'restored',
      why: 'the second log differs at epoch 1, 11',
    });
    expect(
      readSecondLog(join(rig.secondPath, `damaged-${rig.clock.nowMs()}`, 'second-1.log')).events,
    ).toHaveLength(11);
    expect(rig.verify()).toEqual([]);
  });

  it('a bad line among what was pruned, and is still in the second log, takes nothing away', () => {
    let j = rig.open();
    sell(j, 1, 2);
    j.acknowledge(1, 14, j.head.hash);
    rig.clock.advance(10_000);
    sell(j, 3);
    expect(j.prune(5_000)).toEqual({ events: 14, orders: 2 });
    const { seq } = j.head;
    rig.close();
    garbage(log(), 600, 640);
    rmSync(db());
    j = rig.open();
    expect(j.condition()).toMatchObject({ kind: 'restored', restoredSeq: seq, lostAfterSeq: null });
    expect(facts(j)).toEqual(['0003 delivered']);
    expect(rig.verify()).toEqual([]);
  });

  it('with more orders than a call takes arguments: the numbers go on behind them all', async () => {
    let j = rig.open();
    sell(j, 1);
    await j.backup();
    rig.close();
    const backup = new Database(join(rig.dataDir, 'backup', 'journal-1-7.db'));
    backup.exec(`INSERT INTO orders
      WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
      SELECT id, state, account, card_no, amount_fen, waits, last_epoch, last_seq,
        json_object('orderId', id)
      FROM orders, (SELECT 'PL-${TERMINAL}-1-' || printf('%04d', i) || '-7391' id FROM n)`);
    backup.close();
    rmSync(db());
    j = rig.open();
    expect(j.condition()).toMatchObject({ kind: 'restored', restoredSeq: 7 });
    expect(j.nextOrderNumber()).toBeGreaterThan(200_000);
  });

  it('over several epochs, with an anchor', async () => {
    let j = rig.open();
    sell(j, 1, 2);
    j.beginEpoch(3, 'x');
    for (const e of sale(3, 3)) j.append([e]);
    for (let batch = j.unsent(100); batch !== null; batch = j.unsent(100))
      j.acknowledge(batch.epoch, batch.events.at(-1)?.seq ?? 0, batch.events.at(-1)?.hash ?? '');
    rig.clock.advance(10_000);
    for (const e of sale(4, 3)) j.append([e]);
    expect(j.prune(5_000)).toEqual({ events: 22, orders: 3 });
    await j.shortenSecondLogs();
    expect(readSecondLog(log(3)).anchor).toMatchObject({ epoch: 3, seq: 8, terminalId: TERMINAL });
    expect(existsSync(log(1))).toBe(false);
    for (const from of ['log', 'backup'] as const) {
      if (from === 'backup') await j.backup();
      rig.close();
      rmSync(db());
      rig.clock.advance(1);
      j = rig.open();
      expect(j.condition()).toMatchObject({ kind: 'restored', lostAfterSeq: null });
      expect(facts(j)).toEqual(['0004 delivered']);
      expect(rig.verify()).toEqual([]);
    }
    // Another terminal’s log is no source; this one begins anew, and keeps it.
    rig.close();
    rmSync(db());
    rmSync(join(rig.dataDir, 'backup'), { recursive: true });
    cpSync(log(3), log(1));
    rig.clock.advance(1);
    const other = rig.tryOpen('000000000312');
    expect(other).toMatchObject({ ok: true, value: { head: { seq: 0 } } });
    expect(readSecondLog(log(1))).toMatchObject({ anchor: null, events: [] });
    expect(
      readSecondLog(join(rig.secondPath, `damaged-${rig.clock.nowMs()}`, 'second-1.log')).anchor
        ?.terminalId,
    ).toBe(TERMINAL);
  });

  it.each(['a backup from before the prune', 'a second log that was not shortened yet'])(
    'a prune and %s: more comes back than was kept, and all of it is right',
    async (what) => {
      let j = rig.open();
      sell(j, 1, 2);
      j.acknowledge(1, 14, j.head.hash);
      const whole = readFileSync(log());
      if (what.includes('backup')) await j.backup();
      rig.clock.advance(10_000);
      sell(j, 3);
      expect(j.prune(5_000)).toEqual({ events: 14, orders: 2 });
      if (what.includes('backup')) await j.shortenSecondLogs();
      rig.close();
      rmSync(db());
      expect(readFileSync(log()).subarray(0, whole.length).equals(whole)).toBe(
        !what.includes('backup'),
      );
      j = rig.open();
      expect(facts(j)).toEqual(['0001 delivered', '0002 delivered', '0003 delivered']);
      expect(j.condition()).toMatchObject({
        kind: 'restored',
        restoredSeq: 23,
        lostAfterSeq: null,
      });
      expect(rig.verify()).toEqual([]);
      for (let batch = j.unsent(100); batch !== null; batch = j.unsent(100))
        j.acknowledge(batch.epoch, batch.events.at(-1)?.seq ?? 0, batch.events.at(-1)?.hash ?? '');
      rig.clock.advance(86_400_000);
      expect(j.prune(1)).toMatchObject({ orders: 3 });
      await j.shortenSecondLogs();
      expect([rig.verify(), readSecondLog(log()).anchor?.seq]).toEqual([[], 23]);
    },
  );

  it('a second log that alone is damaged, missing or another machine’s is set aside and made anew, and that is said', () => {
    const damages: (() => void)[] = [
      () => garbage(log(), 300, 340),
      () => rmSync(log()),
      () => {
        const other = new Rig(join(folder, `o${rig.clock.nowMs()}`));
        mkdirSync(other.folder);
        other.tryOpen('000000000999');
        const opened = other.tryOpen('000000000999');
        if (opened.ok) opened.value.append([step(1), step(2)]);
        other.close();
        cpSync(SecondLog.path(other.secondPath, 1), log());
      },
    ];
    sell(rig.open(), 1, 2);
    for (const damage of damages) {
      rig.close();
      damage();
      rig.clock.advance(1_000);
      const lost = !existsSync(log());
      const j = rig.open();
      expect(j.condition()).toEqual({ kind: 'good' });
      expect(j.unsent(200)?.events.at(-1)).toMatchObject({
        kind: 'maintenance-action',
        body: { who: 'core', action: 'second-log-remade', detail: `damaged-${rig.clock.nowMs()}` },
      });
      expect(existsSync(join(rig.secondPath, `damaged-${rig.clock.nowMs()}`))).toBe(!lost);
      expect(readSecondLog(log()).events.at(-1)?.hash).toBe(j.head.hash);
      expect(rig.verify()).toEqual([]);
    }
  });

  it('a journal of another terminal is refused, not restored', () => {
    sell(rig.open(), 1);
    rig.close();
    const other = rig.tryOpen('000000000312');
    expect(other.ok ? '' : other.error.code).toBe('JRNL-0101');
    expect(rig.open().head.seq).toBe(7);
  });
});

describe('a restore that is cut', () => {
  /** The real files, with the process gone before the `n`-th call that changes something. */
  function cutAt(n: number): { storage: JournalStorage; calls: string[] } {
    const real = rig.files();
    const calls: string[] = [];
    const may = (what: string): void => {
      calls.push(what);
      if (calls.length === n) throw new Error(`cut at ${what}`);
    };
    return {
      calls,
      storage: {
        ...real,
        build: (base, fill) => {
          may('build');
          real.build(base, (fresh) => {
            fill(fresh);
            may('built, not closed');
          });
          may('built');
        },
        swap: (aside) => {
          may('swap');
          real.swap(aside);
          may('swapped');
        },
        second: {
          ...real.second,
          rewrite: (...args) => {
            may('rewrite');
            real.second.rewrite(...args);
          },
          setAside: (...args) => {
            may('set aside');
            real.second.setAside(...args);
            may('was set aside');
          },
        },
      },
    };
  }
  const prepare = (): number => {
    const j = rig.open();
    sell(j, 1, 2);
    rig.close();
    garbage(db(), 4096, statSync(db()).size);
    const lines = readFileSync(log(), 'utf8').split('\n');
    // The last line but one is bad: the log has to be made anew as well.
    writeFileSync(log(), `${lines.slice(0, 2).join('\n')}\n${lines.slice(2).join('\n')}xx\n`);
    return 14;
  };

  it.each([1, 2, 3, 4, 5])('before its step %i: the next start ends it, once', (n) => {
    prepare();
    const { storage, calls } = cutAt(n);
    const cut = rig.tryOpen(TERMINAL, storage);
    expect(cut.ok).toBe(false);
    expect(calls).toHaveLength(n);
    rig.clock.advance(1_000);
    const j = rig.open();
    expect(facts(j)).toEqual(['0001 delivered', '0002 delivered']);
    expect(j.condition()).toMatchObject({ kind: 'restored', restoredSeq: 14 });
    expect(j.unsent(100)?.events.filter((e) => e.kind === 'journal-restored')).toHaveLength(1);
    expect(readdirSync(rig.dataDir).filter((f) => f.startsWith('damaged'))).toHaveLength(1);
    expect(readdirSync(rig.dataDir).filter((f) => f.startsWith('restore'))).toEqual([]);
    expect(rig.verify()).toEqual([]);
  });

  it.each(['nothing moved', 'half moved', 'all moved', 'in place'])(
    'inside the swap (%s): the files that belong together come together',
    (at) => {
      sell(rig.open(), 1, 2);
      rig.close();
      cpSync(rig.dataDir, join(folder, 'whole'), { recursive: true });
      rmSync(db());
      rig.clock.advance(1_000);
      sell(rig.open(), 3);
      rig.close();
      // As the swap leaves it when it is cut: the built file beside, the plan on disk, the old
      // files in between.
      const aside = join(rig.dataDir, 'damaged-77');
      writeFileSync(join(rig.dataDir, 'restore.json'), JSON.stringify({ aside: 'damaged-77' }));
      const old = (part: string): string => `old ${part}`;
      if (at !== 'in place') {
        renameSync(db(), join(rig.dataDir, 'restored.db'));
        mkdirSync(aside, { recursive: true });
        writeFileSync(at === 'nothing moved' ? db() : join(aside, 'journal.db'), old('db'));
        writeFileSync(
          at === 'all moved' ? join(aside, 'journal.db-wal') : `${db()}-wal`,
          old('wal'),
        );
      }
      const j = rig.open();
      expect(facts(j)).toEqual(['0001 delivered', '0002 delivered', '0003 delivered']);
      expect(existsSync(join(rig.dataDir, 'restore.json'))).toBe(false);
      if (at !== 'in place')
        expect([
          readFileSync(join(aside, 'journal.db'), 'utf8'),
          readFileSync(join(aside, 'journal.db-wal'), 'utf8'),
        ]).toEqual(['old db', 'old wal']);
      expect(rig.verify()).toEqual([]);
    },
  );
});
