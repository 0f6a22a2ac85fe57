import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { UploadEvent } from '../../../src/shared/central-api/index.ts';
import type { ConsoleData } from '../../../src/central/console/data.ts';
import { ENGINES, TestJournal, openRoom } from './harness.ts';
import type { Room, Terminal } from './harness.ts';

describe.each(ENGINES)('epochs on %s', (engine) => {
  let room: Room;
  let base = -2;
  // Two terminals of its own for each test.
  const t = (i: number): Terminal => room.terminals[base + i] as Terminal;
  beforeAll(async () => {
    room = await openRoom(engine, 20);
  }, 60_000);
  afterAll(() => room.close());
  beforeEach(() => {
    base += 2;
  });

  const started = (j: TestJournal, n = 1): void => {
    for (let i = 0; i < n; i++)
      j.add('core-started', null, { version: '1', node: '24', recoveredOrders: 0 });
  };
  /** The same disk, copied as it stands. */
  const cloned = (j: TestJournal): TestJournal => {
    const copy = new TestJournal(j.terminalId, j.epoch);
    copy.events.push(...j.events);
    return copy;
  };
  const ask = async (epoch: number): Promise<number | null> => {
    const r = await t(0).client.requestEpoch({
      epoch,
      lastSeq: 3,
      lastHash: 'ab',
      why: 'restored from backup',
    });
    if (!r.ok) throw new Error(JSON.stringify(r.error));
    return r.value;
  };
  const granted = async (): Promise<number> => {
    const r = await t(0).client.commands();
    if (!r.ok) throw new Error(JSON.stringify(r.error));
    return r.value.epoch;
  };
  const terminal = async (i = 0): Promise<ConsoleData['terminals'][number]> =>
    (await room.central.data()).terminals.find(
      (x) => x.terminalId === t(i).id,
    ) as ConsoleData['terminals'][number];
  const mine = <T extends { readonly terminalId: string }>(rows: readonly T[]): readonly T[] =>
    rows.filter((r) => r.terminalId === t(0).id);

  it('a journal that only says where it stands is told what is held; only another hash is a fork, and a newer epoch in use refuses it', async () => {
    const j = t(0).journal;
    started(j, 5);
    await t(0).upload();
    const said = (of: TestJournal, seq: number, prevHash = of.hashAt(seq)) =>
      t(0).client.upload({ epoch: of.epoch, fromSeq: seq + 1, prevHash, events: [] });
    const held = (await terminal()).lastSeq;
    expect(await said(j, 5)).toMatchObject({
      kind: 'acked',
      answer: { ackSeq: 5, ackHash: j.hashAt(5), quarantined: [] },
    });
    // An old image; or a word that was long under way: nothing is made of it here.
    expect(await said(j, 3)).toMatchObject({
      kind: 'acked',
      answer: { ackSeq: 5, ackHash: j.hashAt(5) },
    });
    expect(await said(j, 0)).toMatchObject({ kind: 'acked', answer: { ackSeq: 5 } });
    expect((await terminal()).alarm).toBeNull();
    started(j, 2);
    expect(await said(j, 7)).toEqual({ kind: 'gap', expectedSeq: 6 });
    expect((await terminal()).lastSeq).toBe(held);
    expect(await said(j, 4, 'ab'.repeat(32))).toMatchObject({ kind: 'fork' });
    expect((await terminal()).alarm).toMatch(/^FORK/);
    expect(
      await t(0).client.upload({ epoch: 1, fromSeq: 0, prevHash: j.hashAt(5), events: [] }),
    ).toMatchObject({ kind: 'refused', failure: { code: 'BILL-0102' } });

    await ask(1);
    await room.central.grantEpoch(t(0).id);
    // Granted, and nobody writes it yet.
    expect(await said(j, 5)).toMatchObject({ kind: 'acked' });
    const fresh = new TestJournal(t(0).id, 2);
    fresh.add('epoch-began', null, {
      previousEpoch: 1,
      previousSeq: 5,
      previousHash: j.hashAt(5),
      why: 'x',
    });
    expect(await fresh.send(t(0).client, 1)).toMatchObject({ kind: 'acked' });
    expect(await said(j, 5)).toMatchObject({ kind: 'refused', failure: { code: 'BILL-0104' } });
    expect((await terminal()).alarm).toBeNull();
    // What it still has to tell is taken all the same.
    expect(await j.send(t(0).client, 6)).toMatchObject({ kind: 'acked', answer: { ackSeq: 7 } });
    expect(await said(fresh, 1)).toMatchObject({ kind: 'acked' });
  });

  it('nothing is granted without a person; asked again after the grant it is the same number, until the new epoch is used', async () => {
    started(t(0).journal, 3);
    await t(0).upload();
    expect(await ask(1)).toBeNull();
    expect(await ask(1)).toBeNull();
    expect(await granted()).toBe(1);
    expect(await terminal()).toMatchObject({
      epoch: 1,
      lastSeq: 3,
      epochRequest: { epoch: 1, lastSeq: 3, why: 'restored from backup' },
    });
    expect(await room.central.grantEpoch(t(0).id)).toBe(2);
    expect(await room.central.grantEpoch(t(0).id)).toBeNull();
    expect(await terminal()).toMatchObject({ epoch: 2, lastSeq: 0, epochRequest: null });
    expect(await ask(1)).toBe(2);
    expect(await ask(1)).toBe(2);
    expect(await granted()).toBe(2);

    const old = t(0).journal;
    const fresh = new TestJournal(t(0).id, 2);
    const from = old.events.at(-1) as UploadEvent;
    fresh.add('epoch-began', null, {
      previousEpoch: 1,
      previousSeq: from.seq,
      previousHash: from.hash,
      why: 'restored',
    });
    expect(await fresh.send(t(0).client, 1)).toMatchObject({
      kind: 'acked',
      answer: { ackSeq: 1, quarantined: [] },
    });
    // A second clone with the old epoch, after the grant was used.
    expect(await ask(1)).toBeNull();
    expect((await terminal()).epochRequest).toMatchObject({ epoch: 1 });
    expect(await room.central.grantEpoch(t(0).id)).toBe(3);
    expect(await ask(1)).toBe(3);
    expect(await ask(2)).toBe(3);
    expect(mine((await room.central.data()).notes)).toMatchObject([
      { kind: 'epoch-began', epoch: 2, body: expect.stringContaining('"centralSeq":3') as string },
    ]);
  });

  it('an older epoch is still taken where it goes on; an epoch that nobody granted is not', async () => {
    started(t(0).journal, 2);
    await t(0).upload();
    await ask(1);
    await room.central.grantEpoch(t(0).id);
    const fresh = new TestJournal(t(0).id, 2);
    started(fresh, 2);
    expect(await fresh.send(t(0).client, 1)).toMatchObject({
      kind: 'acked',
      answer: { ackSeq: 2 },
    });
    started(t(0).journal, 2);
    expect(await t(0).upload()).toEqual([]);
    expect(await fresh.send(t(0).client, 1)).toMatchObject({
      kind: 'acked',
      answer: { ackSeq: 2, ackHash: fresh.hashAt(2) },
    });
    expect(await terminal()).toMatchObject({ epoch: 2, lastSeq: 2 });
    const greedy = new TestJournal(t(0).id, 3);
    started(greedy);
    expect(await greedy.send(t(0).client, 1)).toMatchObject({
      kind: 'refused',
      failure: { code: 'BILL-0104' },
    });
    const gap = new TestJournal(t(0).id, 1);
    started(gap, 6);
    expect(await gap.send(t(0).client, 6)).toEqual({ kind: 'gap', expectedSeq: 5 });
  });

  it('a clone under the same epoch is a fork: alarm, and its facts are kept, each once', async () => {
    const j = t(0).journal;
    started(j, 2);
    await t(0).upload();
    const clone = cloned(j);
    started(j, 1);
    await t(0).upload();
    clone.add('clock-step', null, { stepMs: 7 });
    clone.add('clock-step', null, { stepMs: 8 });
    for (let i = 0; i < 2; i++)
      expect(await clone.send(t(0).client, 2)).toMatchObject({
        kind: 'fork',
        failure: { code: 'BILL-0104' },
      });
    expect(await clone.send(t(0).client, 4)).toMatchObject({ kind: 'fork' });
    expect(await terminal()).toMatchObject({
      forked: 2,
      alarm: expect.stringContaining('FORK: epoch 1') as string,
    });
    expect(
      await room.db.query(
        'SELECT seq, kind, body, hash FROM forked_events WHERE terminal_id = $1 ORDER BY seq',
        [t(0).id],
      ),
    ).toMatchObject([
      { seq: 3, kind: 'clock-step', body: '{"stepMs":7}', hash: clone.hashAt(3) },
      { seq: 4, kind: 'clock-step', body: '{"stepMs":8}', hash: clone.hashAt(4) },
    ]);
    // The first disk goes on: it is the one that central knows.
    started(j, 1);
    expect(await t(0).upload()).toEqual([]);
    await ask(1);
    await room.central.grantEpoch(t(0).id);
    expect((await terminal()).alarm).toBeNull();
  });

  it('forked facts are bounded', async () => {
    started(t(0).journal, 1);
    await t(0).upload();
    for (let block = 0; block < 100; block++) {
      await room.db.query(
        `INSERT INTO forked_events (terminal_id, epoch, seq, hash, kind, wall_ms, body, received_ms) VALUES ${Array.from({ length: 100 }, (_, i) => `('${t(0).id}', 1, ${10 + block * 100 + i}, 'x', 'k', 0, '{}', 0)`).join(', ')}`,
      );
    }
    const clone = new TestJournal(t(0).id, 1);
    clone.add('clock-step', null, { stepMs: 7 });
    expect(await clone.send(t(0).client, 1)).toMatchObject({ kind: 'fork' });
    expect((await terminal()).forked).toBe(10_000);
    const other = new TestJournal(t(1).id, 1);
    started(other);
    await other.send(t(1).client, 1);
    const otherClone = new TestJournal(t(1).id, 1);
    otherClone.add('clock-step', null, { stepMs: 7 });
    expect(await otherClone.send(t(1).client, 1)).toMatchObject({ kind: 'fork' });
    expect((await terminal(1)).forked).toBe(1);
  });

  it('two clones that begin the same granted epoch: the second is a fork', async () => {
    started(t(0).journal);
    await t(0).upload();
    await ask(1);
    await room.central.grantEpoch(t(0).id);
    expect([await ask(1), await ask(1)]).toEqual([2, 2]);
    const [a, b] = [new TestJournal(t(0).id, 2), new TestJournal(t(0).id, 2)];
    started(a);
    b.add('clock-step', null, { stepMs: 1 });
    expect(await a.send(t(0).client, 1)).toMatchObject({ kind: 'acked' });
    expect(await b.send(t(0).client, 1)).toMatchObject({ kind: 'fork' });
  });

  it('a quote that the old disk forgot is given back when the new epoch begins; one of the new epoch, or with an order, is not', async () => {
    const cards = ['8800003921', '8800003922', '8800003927'] as const;
    const ids = [
      `PL-${t(0).id}-1-0001-0000`,
      `PL-${t(0).id}-1-0002-0000`,
      `PL-${t(0).id}-2-0003-0000`,
    ] as const;
    const q = await Promise.all(
      ids.map((orderId, i) =>
        t(0).client.quote({ orderId, cardNo: cards[i] ?? '', nextCount: 42, amountFen: 10_000 }),
      ),
    );
    const second = q[1];
    if (second?.ok !== true) throw new Error(JSON.stringify(q));
    t(0).journal.quoted(ids[1], second.value, '1002203322');
    await t(0).upload();
    await ask(1);
    await room.central.grantEpoch(t(0).id);
    const fresh = new TestJournal(t(0).id, 2);
    fresh.add('epoch-began', null, {
      previousEpoch: 1,
      previousSeq: 1,
      previousHash: 'x',
      why: 'restored',
    });
    expect(await fresh.send(t(0).client, 1)).toMatchObject({
      kind: 'acked',
      answer: { quarantined: [] },
    });
    const claims = await Promise.all(
      cards.map(async (c) => {
        const a = await t(0).client.account(c);
        return a.ok ? (a.value.account.claim?.orderId ?? null) : a.error.code;
      }),
    );
    expect(claims).toEqual([null, ids[1], ids[2]]);
    expect(
      await t(0).client.quote({
        orderId: ids[0],
        cardNo: cards[0],
        nextCount: 42,
        amountFen: 10_000,
      }),
    ).toMatchObject({ ok: false });
  });

  it('a disk that is ahead of central’s own grant (central restored) gets one beyond both', async () => {
    expect(await ask(7)).toBeNull();
    expect(await room.central.grantEpoch(t(0).id)).toBe(8);
    expect(await ask(7)).toBe(8);
    expect(await room.central.grantEpoch(t(1).id)).toBeNull();
    await expect(room.central.grantEpoch('nobody')).rejects.toThrow();
  });

  it('restored, damage accepted, restated: alarm, notes, quarantine', async () => {
    const j = t(0).journal;
    j.add('journal-restored', null, {
      aside: '/x',
      why: 'hash chain',
      backupSeq: 3,
      secondLogSeq: 5,
      restoredSeq: 5,
      lostAfterSeq: 5,
    });
    expect(await t(0).upload()).toEqual([]);
    expect((await terminal()).alarm).toBe('RESTORED: hash chain; lost after 5');
    j.add('damage-accepted', null, { who: 'wang', why: 'checked' });
    const restated = j.add('order-restated', `PL-${t(0).id}-1-0001-0000`, {
      order: { a: 1 },
      attempts: [],
    });
    expect(await t(0).upload()).toEqual([restated]);
    expect((await terminal()).alarm).toBeNull();
    const data = await room.central.data();
    expect(mine(data.notes).map((n) => n.kind)).toEqual(['damage-accepted', 'journal-restored']);
    expect(mine(data.quarantine)).toMatchObject([
      {
        seq: restated,
        reason: 'restated after a fork or restore: compare',
        body: expect.stringContaining('"a":1') as string,
      },
    ]);
  });
});
