import Database from 'better-sqlite3';
import {
  appendFileSync,
  cpSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IllegalTransition } from '../../../src/shared/order-rules.ts';
import { Journal } from '../../../src/journal/journal.ts';
import { SCHEMA_VERSION } from '../../../src/journal/schema.ts';
import { SecondLog } from '../../../src/journal/second-log.ts';
import { readSecondLog } from '../../support/second-log.ts';
import { verifyJournal } from '../../../src/journal/verify.ts';
import type { EventBody, JournalEvent } from '../../../src/shared/facts/catalogue.ts';
import { eventHash, genesisHash } from '../../../src/shared/journal-hash.ts';
import type { Failure } from '../../../src/shared/errors.ts';
import type { Result } from '../../../src/shared/result.ts';
import { ManualClock } from '../../support/clock.ts';
import { T0, scratchFolder, seededRandom } from '../../support/kiosk-world.ts';

const TERMINAL = '000000000311';
const ORDER = 'PL-000000000311-1-0001-7391';
const ATTEMPT = `${ORDER}/1`;
const QUOTED: JournalEvent = {
  kind: 'order-quoted',
  orderId: ORDER,
  body: {
    cardNo: '8800003921',
    userNo: '1002203344',
    layout: 'PL-CPU',
    unit: 'volume',
    nextCount: 42,
    amountFen: 10_000,
    quantity: 3773,
    shares: [],
    carriedUsedMicro: 0,
    carriedAfterMicro: 15_500,
    tariffId: 't',
    tariffVersion: 1,
    offline: false,
    tag: 'ADE6788A',
  },
};
const CREATING: JournalEvent = {
  kind: 'attempt-creating',
  orderId: ORDER,
  body: {
    attemptId: ATTEMPT,
    provider: 'wechat',
    outTradeNo: 'P1',
    outRefundNo: 'R1',
    amountFen: 10_000,
    expiresAtMs: T0 + 180_000,
  },
};
const PENDING: JournalEvent = {
  kind: 'attempt-pending',
  orderId: ORDER,
  body: { attemptId: ATTEMPT },
};
const PAID: JournalEvent = {
  kind: 'attempt-paid',
  orderId: ORDER,
  body: { attemptId: ATTEMPT, transactionId: 'T1', amountFen: 10_000, taken: true },
};
const ORDER_PAID: JournalEvent = {
  kind: 'order-paid',
  orderId: ORDER,
  body: { attemptId: ATTEMPT, amountFen: 10_000 },
};
const delivering = (after = 'BB'): JournalEvent => ({
  kind: 'order-delivering',
  orderId: ORDER,
  body: { insertion: 1, before: 'AA', after, cumulative: 208_773, plan: ['x'] },
});
const DELIVERED: JournalEvent = {
  kind: 'order-delivered',
  orderId: ORDER,
  body: { by: 'read-back', count: 42, quantity: 3773, cumulative: 208_773 },
};
const CLOSING: JournalEvent = {
  kind: 'attempt-closing',
  orderId: ORDER,
  body: { attemptId: ATTEMPT, why: 'customer' },
};
const closingFor = (why: EventBody<'attempt-closing'>['why']): JournalEvent => ({
  kind: 'attempt-closing',
  orderId: ORDER,
  body: { attemptId: ATTEMPT, why },
});
/** The same of the order's second attempt. */
const secondly = (event: JournalEvent, change: object = {}): JournalEvent =>
  ({ ...event, body: { ...event.body, attemptId: `${ATTEMPT}b`, ...change } }) as JournalEvent;
const CLOSED: JournalEvent = {
  kind: 'attempt-closed',
  orderId: ORDER,
  body: { attemptId: ATTEMPT },
};
const REFUNDING: JournalEvent = {
  kind: 'attempt-refunding',
  orderId: ORDER,
  body: { attemptId: ATTEMPT, outRefundNo: 'R1', amountFen: 10_000, why: 'x' },
};
const REFUNDED: JournalEvent = {
  kind: 'attempt-refunded',
  orderId: ORDER,
  body: { attemptId: ATTEMPT, refundId: 'F1', amountFen: 10_000 },
};
const ORDER_REFUNDING: JournalEvent = {
  kind: 'order-refunding',
  orderId: ORDER,
  body: { attemptId: ATTEMPT, failure: { code: 'CARD-0204' } },
};
const ORDER_REFUNDED: JournalEvent = {
  kind: 'order-refunded',
  orderId: ORDER,
  body: { attemptId: ATTEMPT },
};
const IN_DOUBT: JournalEvent = {
  kind: 'order-in-doubt',
  orderId: ORDER,
  body: { failure: { code: 'CARD-0203' } },
};
const SALE = [QUOTED, CREATING, PENDING, PAID, ORDER_PAID, delivering(), DELIVERED];

let folder: string;
const clock = new ManualClock(T0);
const open = (where = folder, terminalId = TERMINAL): Result<Journal, Failure> =>
  Journal.open({
    dataDir: join(where, 'data'),
    secondPath: join(where, 'second'),
    terminalId,
    clock,
    random: seededRandom('journal'),
    onFatal: (f) => fatal.push(f.code),
  });
const must = (r: Result<Journal, Failure>): Journal => {
  if (!r.ok) throw new Error(`${r.error.code} ${r.error.detail ?? ''}`);
  journals.push(r.value);
  return r.value;
};
const codeOf = (r: Result<Journal, Failure>): string => {
  if (r.ok) r.value.close();
  return r.ok ? 'ok' : r.error.code;
};
const verify = (where = folder): readonly string[] =>
  verifyJournal(join(where, 'data'), join(where, 'second')).problems;
const secondFile = (where = folder): string => SecondLog.path(join(where, 'second'), 1);
const dbFile = (where = folder): string => Journal.file(join(where, 'data'));
let journals: Journal[] = [];
let fatal: string[] = [];
const close = (j: Journal): void => {
  journals = journals.filter((k) => k !== j);
  j.close();
};

beforeEach(() => {
  folder = scratchFolder();
  fatal = [];
});
afterEach(() => {
  for (const j of journals.splice(0)) j.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('append and fold', () => {
  it('folds a sale, chained, in both places, and uploadable', () => {
    const j = must(open());
    for (const e of SALE) j.append([e]);
    expect(j.order(ORDER)).toMatchObject({
      state: 'delivered',
      paidBy: ATTEMPT,
      writes: 1,
      delivery: { before: 'AA', after: 'BB' },
    });
    expect(j.attempt(ATTEMPT)).toMatchObject({
      state: 'paid',
      taken: true,
      shown: true,
      transactionId: 'T1',
    });
    const { events } = readSecondLog(secondFile());
    expect(events.map((e) => e.kind)).toEqual(SALE.map((e) => e.kind));
    let prev = genesisHash(TERMINAL, 1);
    for (const e of events) {
      const { hash, prevHash, ...facts } = e;
      expect(prevHash).toBe(prev);
      expect(hash).toBe(eventHash(prev, facts));
      prev = hash;
    }
    expect(j.head).toEqual({ epoch: 1, seq: 7, hash: prev });
    expect(j.unsent(100)?.events.map((e) => e.hash)).toEqual(events.map((e) => e.hash));
    expect(verify()).toEqual([]);
  });

  const start: Readonly<Record<string, readonly JournalEvent[]>> = {
    nothing: [],
    quoted: [QUOTED],
    creating: [QUOTED, CREATING],
    pending: [QUOTED, CREATING, PENDING],
    closing: [QUOTED, CREATING, PENDING, CLOSING],
    closed: [QUOTED, CREATING, PENDING, CLOSING, CLOSED],
    'closing by code': [
      QUOTED,
      { ...CREATING, body: { ...CREATING.body, method: 'code' } },
      PENDING,
      closingFor('expired'),
    ],
    'closing unshown': [QUOTED, CREATING, closingFor('card-removed')],
    // No kiosk comes to it: the next attempt begins when the one before it is closed.
    'closing beside a paid one': [
      QUOTED,
      CREATING,
      PENDING,
      secondly(CREATING, { outTradeNo: 'P2', outRefundNo: 'R2' }),
      secondly(PENDING),
      secondly(closingFor('switched')),
      PAID,
      ORDER_PAID,
    ],
    paid: [QUOTED, CREATING, PENDING, PAID, ORDER_PAID],
    delivering: [QUOTED, CREATING, PENDING, PAID, ORDER_PAID, delivering()],
    delivered: SALE,
    refunded: [
      QUOTED,
      CREATING,
      PENDING,
      PAID,
      ORDER_PAID,
      ORDER_REFUNDING,
      REFUNDING,
      REFUNDED,
      ORDER_REFUNDED,
    ],
  };
  it.each(['card-removed', 'expired', 'recovery', 'switched'] as const)(
    'takes the capture of a code that is being closed (%s), and it is closed no more',
    (why) => {
      const j = must(open());
      j.append([QUOTED]);
      j.append([CREATING]);
      j.append([PENDING]);
      j.append([closingFor(why)]);
      expect(j.attempt(ATTEMPT)).toMatchObject({ state: 'closing', reason: why });
      j.append([PAID, ORDER_PAID]);
      expect(j.attempt(ATTEMPT)).toMatchObject({ state: 'paid', taken: true, reason: null });
      expect(j.order(ORDER)).toMatchObject({ state: 'paid', paidBy: ATTEMPT });
      expect(() => j.append([CLOSED])).toThrow(IllegalTransition);
      expect(verify()).toEqual([]);
    },
  );

  it.each<[string, string, JournalEvent]>([
    ['nothing', 'an attempt without an order', CREATING],
    ['nothing', 'paid without an order', ORDER_PAID],
    ['quoted', 'quoted twice', QUOTED],
    ['quoted', 'delivering before paid', delivering()],
    ['creating', 'the same attempt twice', CREATING],
    ['creating', 'captured before it was shown', PAID],
    ['creating', 'closed without closing', CLOSED],
    ['pending', 'order paid without a captured attempt', ORDER_PAID],
    ['pending', 'another sum captured', { ...PAID, body: { ...PAID.body, amountFen: 9_999 } }],
    ['pending', 'a refund of nothing', REFUNDING],
    ['closing', 'taken while the customer’s cancelling is carried out', PAID],
    ['closing by code', 'taken while it is taken back', PAID],
    ['closing unshown', 'taken though nobody saw its code', PAID],
    [
      'closing beside a paid one',
      'a second capture taken',
      { ...PAID, body: { ...PAID.body, attemptId: `${ATTEMPT}b` } },
    ],
    ['closed', 'taken after closing', PAID],
    ['paid', 'captured twice', PAID],
    ['paid', 'closed though paid', { kind: 'order-closed', orderId: ORDER, body: { why: 'x' } }],
    ['paid', 'delivered without a write', DELIVERED],
    ['paid', 'refunded without asking', REFUNDED],
    ['delivering', 'a second plan while the first is open', delivering('CC')],
    ['delivered', 'refund of a delivered order', ORDER_REFUNDING],
    ['delivered', 'delivered twice', DELIVERED],
    ['delivered', 'written again', delivering()],
    ['refunded', 'refunded twice', REFUNDED],
    ['refunded', 'delivered after the refund', DELIVERED],
    ['refunded', 'written after the refund', delivering()],
  ])('from %s: %s is refused, and nothing is written', (from, _what, event) => {
    const j = must(open());
    for (const e of start[from] ?? []) j.append([e]);
    const before = {
      head: j.head,
      rows: [j.order(ORDER), j.attempt(ATTEMPT)],
      second: statSync(secondFile()).size,
    };
    // Even in one batch with a fact that is all right.
    expect(() =>
      j.append([{ kind: 'clock-step', orderId: null, body: { stepMs: 1 } }, event]),
    ).toThrow(IllegalTransition);
    expect({
      head: j.head,
      rows: [j.order(ORDER), j.attempt(ATTEMPT)],
      second: statSync(secondFile()).size,
    }).toEqual(before);
    expect(fatal).toEqual([]);
    j.append([{ kind: 'clock-step', orderId: null, body: { stepMs: 2 } }]);
    expect(verify()).toEqual([]);
  });

  it('a batch that ends in a refused fact leaves no row as the facts before it would have made it', () => {
    const j = must(open());
    j.append([QUOTED, CREATING]);
    expect(() => j.append([PENDING, CREATING])).toThrow(IllegalTransition);
    expect([j.order(ORDER)?.state, j.attempt(ATTEMPT)?.state]).toEqual(['collecting', 'creating']);
    expect(() => j.append([PAID])).toThrow(IllegalTransition);
    j.append([PENDING]);
    expect(verify()).toEqual([]);
  });

  it('a body that the catalogue does not know is refused', () => {
    const j = must(open());
    expect(() => j.append([{ ...QUOTED, body: { ...QUOTED.body, amountFen: 0.5 } }])).toThrow();
    expect(j.head.seq).toBe(0);
  });

  it('in doubt may be written again by another plan, or be delivered by a later read', () => {
    const j = must(open());
    for (const e of [...(start['delivering'] ?? []), IN_DOUBT, delivering('CC'), IN_DOUBT])
      j.append([e]);
    j.append([{ ...DELIVERED, body: { ...DELIVERED.body, by: 'later-read' } }]);
    expect(j.order(ORDER)).toMatchObject({ state: 'delivered', writes: 2 });
  });

  it('events cannot be changed through SQL', () => {
    const j = must(open());
    j.append([QUOTED]);
    close(j);
    const db = new Database(dbFile());
    expect(() => db.exec("UPDATE events SET body = '{}'")).toThrow('append-only');
    db.close();
  });
});

describe('opening', () => {
  it('is durable and exclusive', () => {
    const j = must(open());
    expect(codeOf(open())).toBe('JRNL-0101');
    close(j);
    expect(codeOf(open())).toBe('ok');
    expect(codeOf(open(folder, '000000000312'))).toBe('JRNL-0101');
  });

  it('synchronous=FULL is read back after the first write', () => {
    const asked: string[] = [];
    const own = Object.getOwnPropertyDescriptor(Database.prototype, 'pragma') as PropertyDescriptor;
    const ask = own.value as (
      this: Database.Database,
      source: string,
      options?: Database.PragmaOptions,
    ) => unknown;
    Object.defineProperty(Database.prototype, 'pragma', {
      ...own,
      value(this: Database.Database, source: string, options?: Database.PragmaOptions) {
        asked.push(source);
        return source === 'synchronous' ? 1 : ask.call(this, source, options);
      },
    });
    try {
      expect(codeOf(open())).toBe('JRNL-0105');
    } finally {
      Object.defineProperty(Database.prototype, 'pragma', own);
    }
    expect(asked.indexOf('synchronous = FULL')).toBeLessThan(asked.indexOf('synchronous'));
    expect(codeOf(open())).toBe('ok');
  });

  /** The files as they stand, as after a power cut: nothing was closed. */
  const cut = (): string => {
    const copy = join(folder, 'cut');
    cpSync(join(folder, 'data'), join(copy, 'data'), {
      recursive: true,
      filter: (f) => !f.includes('core.lock'),
    });
    cpSync(join(folder, 'second'), join(copy, 'second'), { recursive: true });
    return copy;
  };
  it('after a cut: everything appended is there, and the last facts are joined to the second log', () => {
    const j = must(open());
    for (const e of SALE) j.append([e]);
    const copy = cut();
    expect(existsSync(`${dbFile(copy)}-wal`)).toBe(true);
    const lines = readFileSync(secondFile(copy), 'utf8').split('\n');
    writeFileSync(secondFile(copy), `${lines.slice(0, 5).join('\n')}\n`);
    const k = must(open(copy));
    expect(k.order(ORDER)?.state).toBe('delivered');
    // The same events; the order of a body's keys is not part of them.
    expect(readSecondLog(secondFile(copy)).events).toEqual(readSecondLog(secondFile()).events);
    expect(verify(copy)).toEqual([]);
  });
  it('a torn tail of the second log is cut off and written again', () => {
    const j = must(open());
    for (const e of SALE) j.append([e]);
    const copy = cut();
    const whole = readFileSync(secondFile(copy));
    writeFileSync(secondFile(copy), whole.subarray(0, whole.length - 40));
    expect(readSecondLog(secondFile(copy)).torn).toBe(true);
    must(open(copy));
    expect(readSecondLog(secondFile(copy))).toMatchObject({
      torn: false,
      events: readSecondLog(secondFile()).events,
    });
  });
  it('a newer or altered schema, or another database, is refused and left alone', () => {
    close(must(open()));
    const change = (sql: string): void => {
      const db = new Database(dbFile());
      db.exec(sql);
      db.close();
    };
    change('PRAGMA user_version = 99');
    expect(codeOf(open())).toBe('JRNL-0102');
    change(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    expect(codeOf(open())).toBe('ok');
    change('DROP TRIGGER events_append_only_update');
    expect(codeOf(open())).toBe('JRNL-0102');
    rmSync(folder, { recursive: true });
    const j = must(open());
    close(j);
    change('PRAGMA user_version = 0');
    expect(codeOf(open())).toBe('JRNL-0102');
  });
  it('an order number is never given twice, whatever is cut', () => {
    const j = must(open());
    expect([j.nextOrderNumber(), j.nextOrderNumber()]).toEqual([1, 2]);
    expect(must(open(cut())).nextOrderNumber()).toBe(3);
  });
});

describe('verify names the first bad place', () => {
  const sale = (): void => {
    const j = must(open());
    for (const e of SALE) j.append([e]);
    close(j);
  };
  const tamper = (sql: string): void => {
    const db = new Database(dbFile());
    db.pragma('foreign_keys = OFF');
    const triggers = db
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
      .all() as { name: string; sql: string }[];
    db.exec(
      `${triggers.map((t) => `DROP TRIGGER ${t.name};`).join('')} ${sql}; ${triggers.map((t) => t.sql).join(';')}`,
    );
    db.close();
  };
  beforeEach(sale);
  it('an altered body', () => {
    tamper("UPDATE events SET body = replace(body, '10000', '10001') WHERE seq = 4");
    expect(verify()[0]).toBe('event 4: the hash chain breaks here');
  });
  it('an altered time', () => {
    tamper('UPDATE events SET wall_ms = wall_ms + 1 WHERE seq = 2');
    expect(verify()[0]).toBe('event 2: the hash chain breaks here');
  });
  it('an altered order row', () => {
    tamper(`UPDATE orders SET row = replace(row, '"quantity":3773', '"quantity":9999')`);
    expect(verify()).toEqual([`orders ${ORDER}: the row is not what its events say`]);
  });
  it('an altered attempt state', () => {
    tamper("UPDATE attempts SET state = 'refunded'");
    expect(verify()).toEqual([`attempts ${ATTEMPT}: the row is not what its events say`]);
  });
  it('a removed event, in the middle and at the end', () => {
    tamper('DELETE FROM events WHERE seq = 3; DELETE FROM outbox WHERE seq = 3');
    expect(verify()[0]).toBe('event 4: the hash chain breaks here');
    rmSync(folder, { recursive: true });
    sale();
    const j = must(open());
    j.append([{ kind: 'slip-printed', orderId: ORDER, body: { what: 'receipt', ok: true } }]);
    close(j);
    expect(verify()).toEqual([]);
    tamper('DELETE FROM events WHERE seq = 8; DELETE FROM outbox WHERE seq = 8');
    expect(verify()).toEqual(['second log: ends at 8, the journal already at 7']);
  });
  it('an outbox entry without its event', () => {
    tamper('INSERT INTO outbox (epoch, seq) VALUES (1, 99)');
    expect(verify()).toContain('outbox 99: no such event');
  });
  it('an altered line of the second log, with or without its checksum', () => {
    const lines = readFileSync(secondFile(), 'utf8').split('\n');
    const line = (lines[3] as string).replace('10000', '10001');
    writeFileSync(secondFile(), [...lines.slice(0, 3), line, ...lines.slice(4)].join('\n'));
    expect(verify()).toEqual(['second log: line 4 fails its checksum']);
    const json = line.slice(9);
    writeFileSync(
      secondFile(),
      [
        ...lines.slice(0, 3),
        `${crc32(json).toString(16).padStart(8, '0')} ${json}`,
        ...lines.slice(4),
      ].join('\n'),
    );
    expect(verify()).toEqual(['second log: line 4 is not event 4']);
    writeFileSync(secondFile(), [...lines.slice(0, 3), ...lines.slice(4)].join('\n'));
    expect(verify()).toEqual(['second log: line 4 is not event 4']);
  });
  it('half a line at the end is no alteration; a missing log is', () => {
    appendFileSync(secondFile(), 'deadbeef {"epo');
    expect(verify()).toEqual([]);
    rmSync(secondFile());
    expect(verify()).toEqual(['the second log is missing']);
    expect(verifyJournal(join(folder, 'elsewhere'), null)).toMatchObject({ ok: false, events: 0 });
  });
  it('beside a running core', () => {
    const j = must(open());
    expect(verify()).toEqual([]);
    j.append([{ kind: 'slip-printed', orderId: ORDER, body: { what: 'receipt', ok: true } }]);
    expect(verifyJournal(join(folder, 'data'), join(folder, 'second'))).toMatchObject({
      ok: true,
      events: 8,
      orders: 1,
      attempts: 1,
      unsent: 8,
      headHash: j.head.hash,
    });
  });
});

describe('the outbox', () => {
  it('is sent in order, acknowledged by hash, and sent again from where central asks', () => {
    const j = must(open());
    for (const e of SALE) j.append([e]);
    expect(j.unsynced()).toEqual({ events: 7, oldestMs: clock.nowMs(), soldFen: 10_000 });
    expect(j.deliveriesBeyond('1002203344', 41, 'unacknowledged')).toEqual([
      { count: 42, quantity: 3773, soldMs: clock.nowMs() },
    ]);
    const batch = j.unsent(3);
    expect(batch).toMatchObject({ fromSeq: 1, prevHash: genesisHash(TERMINAL, 1) });
    const third = batch?.events.at(-1);
    expect(j.acknowledge(1, 3, 'f'.repeat(64))).toBe(false);
    expect(j.acknowledge(1, 99, third?.hash ?? '')).toBe(false);
    expect(j.unsynced().events).toBe(7);
    expect(j.acknowledge(1, 3, third?.hash ?? '')).toBe(true);
    expect(j.unsent(100)).toMatchObject({ fromSeq: 4, prevHash: third?.hash });
    expect(j.acknowledge(1, 7, j.head.hash)).toBe(true);
    expect(j.unsent(100)).toBeNull();
    expect(j.unsynced()).toEqual({ events: 0, oldestMs: null, soldFen: 0 });
    expect([
      j.deliveriesBeyond('1002203344', 41, 'unacknowledged').length,
      j.deliveriesBeyond('1002203344', 41, 'all').length,
      j.deliveriesBeyond('1002203344', 42, 'all').length,
    ]).toEqual([0, 1, 0]);
    j.resendFrom(1, 6);
    j.resendFrom(1, 6);
    expect(j.unsent(100)?.events.map((e) => e.seq)).toEqual([6, 7]);
    expect(verify()).toEqual([]);
  });
  it('open orders are those that hold, or could still receive, money', () => {
    const j = must(open());
    for (const e of [
      QUOTED,
      CREATING,
      PENDING,
      CLOSING,
      CLOSED,
      { kind: 'order-closed', orderId: ORDER, body: { why: 'customer' } } as JournalEvent,
    ])
      j.append([e]);
    expect(j.openOrders().map((o) => o.state)).toEqual(['closed']);
    clock.advance(26 * 3_600_000);
    expect(j.openOrders()).toEqual([]);
    j.append([{ ...PAID, body: { ...PAID.body, taken: false } }]);
    expect(j.openOrders()).toHaveLength(1);
    j.append([REFUNDING]);
    expect(j.openOrders()).toHaveLength(1);
    j.append([REFUNDED]);
    expect(j.openOrders()).toEqual([]);
  });
});
