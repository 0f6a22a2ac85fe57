import { afterEach, describe, expect, it } from 'vitest';
import { ed25519Verifier } from '../../../src/shared/signing.ts';
import { subjectOf, DECISIONS } from '../../../src/central/console/decisions.ts';
import type { Sql } from '../../../src/central/db/sql.ts';
import { setStatus } from '../../../src/central/fleet/status.ts';
import { auditing, auditOf, within } from '../../../src/central/staff/audit.ts';
import { LAPSES_MS, proposals } from '../../../src/central/staff/two-persons.ts';
import { disableStaff, resetStaff, setRoles } from '../../../src/central/staff/accounts.ts';
import { edKeys, ENGINES, openRoom } from './harness.ts';
import type { Room } from './harness.ts';
import { hiddenOf, member, openStaffRoom, random } from './staff-room.ts';
import type { Member } from './staff-room.ts';

let room: Room;
afterEach(async () => {
  await room.close();
});
const T = '000000000311';

/** A capture that the gateway could not hand back. */
const park = async (leg: string): Promise<void> => {
  await room.db.query(
    `INSERT INTO gateway_trades (terminal_id, out_trade_no, order_id, method, amount_fen, description,
       expires_ms, state, leg, created_ms)
     VALUES ($1, $2, $3, 'qr', 10000, 'gas', $4, 'open', $5, $4)`,
    [T, `P${leg}`, `PL-${leg}`, room.now, leg],
  );
  await room.db.query(
    `INSERT INTO gateway_legs (leg, terminal_id, out_trade_no, wallet, method, amount_fen,
       expires_ms, state, shown, reason, captured_fen, created_ms, changed_ms)
     VALUES ($1, $2, $3, 'wechat', 'qr', 10000, $4, 'parked', $5, 'refused', 10000, $4, $4)`,
    [leg, T, `P${leg}`, room.now, true],
  );
};
const settlements = () =>
  room.db.query<Record<string, unknown>>(
    'SELECT leg, outcome, reference, who FROM gateway_settlements ORDER BY entry_id',
  );
const propose = (by: Member, leg: string, over: Readonly<Record<string, string>> = {}) =>
  by.browser.fill(`/console/payment?leg=${leg}`, {
    outcome: 'refunded',
    reference: '4200-1',
    why: '商户平台已退',
    ...over,
  });
const idIn = (answer: { headers: Readonly<Record<string, string>> }): string =>
  answer.headers['location']?.split('id=')[1] ?? '';
const decide = (by: Member, id: string, verdict = 'confirmed') =>
  by.browser.fill(`/console/proposal?id=${id}`, { verdict, why: '核对过' });

describe.each(ENGINES)('what moves money or keys takes two persons, on %s', (engine) => {
  it('money: one proposes and nothing is changed; another one approves, once, and both stand in the books and the audit', async () => {
    room = await openStaffRoom(engine);
    const li = await member(room, '李雷', 'finance');
    const wang = await member(room, '王芳', 'finance');
    const clerk = await member(room, '小赵', 'clerk');
    await park('L1');
    // What cannot be done is not proposed.
    expect((await propose(li, 'L1', { reference: '' })).status).toBe(400);
    expect((await propose(li, 'L1', { outcome: 'gone' })).status).toBe(400);
    expect(await settlements()).toEqual([]);
    const asked = await propose(li, 'L1');
    const id = idIn(asked);
    expect(asked.headers['location']).toBe(`/console/proposal?id=${id}`);
    expect(await settlements()).toEqual([]);
    // The same is not proposed twice, in other words by another person either.
    expect((await propose(wang, 'L1', { why: '别的话' })).status).toBe(409);
    // Not by himself, not by one without the role, not for a person who says that he is another.
    expect((await decide(li, id)).status).toBe(409);
    expect((await li.browser.get(`/console/proposal?id=${id}`)).body).not.toContain('confirmed');
    expect((await decide(clerk, id)).status).toBe(403);
    const shown = await li.browser.get(`/console/proposal?id=${id}`);
    const forged = { ...hiddenOf(shown.body, '/console/proposal'), verdict: 'confirmed', why: 'x' };
    expect((await li.browser.send('/console/proposal', { ...forged, who: '王芳' })).status).toBe(
      409,
    );
    expect(await settlements()).toEqual([]);
    const form = {
      ...hiddenOf((await wang.browser.get(`/console/proposal?id=${id}`)).body, '/console/proposal'),
      verdict: 'confirmed',
      why: '核对过',
    };
    const both = await Promise.all([
      wang.browser.send('/console/proposal', form),
      wang.browser.send('/console/proposal', form),
    ]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([303, 409]);
    expect(await settlements()).toEqual([
      { leg: 'L1', outcome: 'refunded', reference: '4200-1', who: '李雷＋王芳' },
    ]);
    expect(
      (await auditOf(room.db, { subject: 'L1' }, 10)).map(({ who, act }) => [who, act]),
    ).toEqual([
      ['王芳', 'approved'],
      ['李雷＋王芳', 'parked-capture'],
      ['李雷', 'proposed'],
    ]);
  });

  it('what was refused, taken back, lapsed, or is no longer true changes nothing', async () => {
    room = await openStaffRoom(engine);
    const li = await member(room, '李雷', 'finance');
    const wang = await member(room, '王芳', 'finance');
    for (const leg of ['L1', 'L2', 'L3', 'L4']) await park(leg);
    const [one, two, three, four] = [
      idIn(await propose(li, 'L1')),
      idIn(await propose(li, 'L2')),
      idIn(await propose(li, 'L3')),
      idIn(await propose(li, 'L4')),
    ];
    expect((await decide(wang, one, 'refused')).status).toBe(303);
    expect((await decide(li, two, 'refused')).status).toBe(303);
    // It may be proposed anew.
    expect(idIn(await propose(wang, 'L2'))).not.toBe('');
    // Meanwhile the gateway handed it back: the act refuses, the proposal stays open.
    await room.db.query(`UPDATE gateway_legs SET state = 'refunded' WHERE leg = 'L3'`);
    expect((await decide(wang, three)).status).toBe(409);
    expect((await proposals(room.db, room.now)).find((p) => String(p.id) === three)?.state).toBe(
      'open',
    );
    room.now += LAPSES_MS;
    const again = await member(room, '孙浩', 'finance');
    expect((await decide(again, four)).status).toBe(409);
    expect(
      (await proposals(room.db, room.now)).map(({ id, state }) => [String(id), state]),
    ).toEqual(
      expect.arrayContaining([
        [one, 'refused'],
        [two, 'refused'],
        [three, 'lapsed'],
        [four, 'lapsed'],
      ]),
    );
    expect(await settlements()).toEqual([]);
  });

  it('what was proposed by one whose role was taken, or who began anew, is not carried out', async () => {
    room = await openStaffRoom(engine);
    const li = await member(room, '李雷', 'finance');
    const wang = await member(room, '王芳', 'finance');
    const sun = await member(room, '孙浩', 'finance');
    for (const leg of ['L1', 'L2']) await park(leg);
    const [one, two] = [idIn(await propose(li, 'L1')), idIn(await propose(sun, 'L2'))];
    const by = { who: 'root', via: 'command', nowMs: room.now } as const;
    await setRoles(room.db, '李雷', ['viewer'], by);
    await resetStaff(room.db, '孙浩', by, random);
    const refused = await decide(wang, one);
    expect([refused.status, refused.body]).toEqual([
      409,
      expect.stringContaining('proposer-role-missing'),
    ]);
    expect((await decide(wang, two)).status).toBe(403);
    expect(await settlements()).toEqual([]);
    expect(
      (await proposals(room.db, room.now)).map(({ id, state }) => [String(id), state]),
    ).toEqual([
      [one, 'open'],
      [two, 'lapsed'],
    ]);
    // The other one may say that it is not to be, and it may be proposed anew.
    expect((await decide(wang, one, 'refused')).status).toBe(303);
    expect(idIn(await propose(wang, 'L1'))).not.toBe('');
  });

  it('a first word in a row of its own is taken back with the role that it was said by', async () => {
    room = await openStaffRoom(engine);
    for (const name of ['李雷', '王芳']) {
      await member(room, name, 'finance', 'clerk');
      await room.db.query(
        `INSERT INTO refund_waits (terminal_id, number, out_trade_no, fen, since_ms, asked_who,
           asked_why) VALUES ($1, $2, 'P', 100, 1, $3, 'x')`,
        [T, `N-${name}`, name],
      );
      await room.db.query(
        `INSERT INTO card_grants (user_no, quantity, micro, reference, state, asked_who, asked_why,
           asked_ms) SELECT user_no, 1, 1, $1, 'asked', $2, 'x', 1 FROM accounts
         ORDER BY user_no LIMIT 1`,
        [`R-${name}`, name],
      );
    }
    await room.db.query(
      `INSERT INTO refund_waits (terminal_id, number, out_trade_no, fen, since_ms, asked_who,
         asked_why, allowed_ms, who, why) VALUES ($1, 'N-done', 'P', 100, 1, '李雷', 'x', 2, '王芳', 'y')`,
      [T],
    );
    const words = async () => ({
      waits: (
        await room.db.query<{ asked_who: string | null }>(
          'SELECT asked_who FROM refund_waits ORDER BY number',
        )
      ).map((r) => r.asked_who),
      grants: (
        await room.db.query<{ state: string }>('SELECT state FROM card_grants ORDER BY reference')
      ).map((r) => r.state),
    });
    const by = { who: 'root', via: 'command', nowMs: room.now } as const;
    const before = await words();
    expect(before.waits.filter((who) => who === '李雷')).toHaveLength(2);
    // A clerk proposes grants, and lets no refund go.
    await setRoles(room.db, '李雷', ['clerk'], by);
    const clerk = await words();
    expect(clerk.grants).toEqual(['asked', 'asked']);
    // What two persons decided stays, and so does another one's word.
    expect([...new Set(clerk.waits)]).toHaveLength(3);
    expect(clerk.waits).toEqual(expect.arrayContaining(['李雷', '王芳', null]));
    await setRoles(room.db, '李雷', ['viewer'], by);
    expect(new Set((await words()).grants)).toEqual(new Set(['asked', 'refused']));
    await resetStaff(room.db, '王芳', by, random);
    expect(await words()).toEqual({
      waits: expect.arrayContaining([null, null, '李雷']),
      grants: ['refused', 'refused'],
    });
  });

  it('keys: a new key, an epoch and a terminal’s return wait for the second person; to stop one does not', async () => {
    room = await openStaffRoom(engine, 2, { verifierOf: ed25519Verifier });
    const li = await member(room, '李雷', 'engineer');
    const wang = await member(room, '王芳', 'administrator');
    const row = async () =>
      (
        await room.db.query<Record<string, unknown>>(
          'SELECT status, next_key, epoch FROM terminals WHERE terminal_id = $1',
          [T],
        )
      )[0];
    const page = `/console/terminal?terminal=${T}`;
    const { publicKeyPem: key } = edKeys();
    const keyed = await li.browser.fill(page, { key, hours: '72', why: '换盘' }, '/console/key');
    expect(keyed.headers['location']).toContain('/console/proposal');
    expect((await row())?.['next_key']).toBeNull();
    expect((await decide(wang, idIn(keyed))).status).toBe(303);
    expect((await row())?.['next_key']).toBe(key);

    await room.db.query(
      `INSERT INTO epoch_requests (terminal_id, epoch, last_seq, last_hash, why, at_ms)
       VALUES ($1, 1, 0, 'x', 'restored', $2)`,
      [T, room.now],
    );
    const other = await li.browser.fill(`/console/epoch?terminal=${T}`, {});
    // Whoever has its key asks for something else before the second person has looked.
    await room.db.query('UPDATE epoch_requests SET epoch = 900000, last_seq = 7');
    expect((await decide(wang, idIn(other))).status).toBe(409);
    expect(Number((await row())?.['epoch'])).toBe(1);
    await room.db.query('UPDATE epoch_requests SET epoch = 1, last_seq = 3');
    const epoch = await li.browser.fill(`/console/epoch?terminal=${T}`, {});
    expect(Number((await row())?.['epoch'])).toBe(1);
    expect((await wang.browser.get(`/console/proposal?id=${idIn(epoch)}`)).body).toContain('1/3 x');
    expect((await decide(wang, idIn(epoch))).status).toBe(303);
    expect(Number((await row())?.['epoch'])).toBe(2);

    await li.browser.fill(page, { status: 'suspended', why: '查' });
    expect((await row())?.['status']).toBe('suspended');
    const back = await li.browser.fill(page, { status: 'active', why: '好了' });
    expect((await row())?.['status']).toBe('suspended');
    // With other roles nobody approves; and what a disabled person proposed is over.
    await setRoles(room.db, '王芳', ['viewer'], { who: 'root', via: 'command', nowMs: room.now });
    expect((await decide(wang, idIn(back))).status).not.toBe(200);
    expect((await row())?.['status']).toBe('suspended');
    await disableStaff(room.db, '李雷', { who: 'root', via: 'command', nowMs: room.now });
    expect(
      (await proposals(room.db, room.now)).find(({ id }) => String(id) === idIn(back)),
    ).toMatchObject({ state: 'lapsed' });
  });

  it('a fact that is settled with money waits for the second person, without money it does not', async () => {
    room = await openStaffRoom(engine);
    const li = await member(room, '李雷', 'finance');
    const wang = await member(room, '王芳', 'finance');
    for (const seq of [1, 2])
      await room.db.query(
        `INSERT INTO quarantine (terminal_id, epoch, seq, kind, reason, at_ms)
         VALUES ($1, 1, $2, 'order-paid', 'unknown', $3)`,
        [T, seq, room.now],
      );
    const open = async (): Promise<number> =>
      (await room.db.query('SELECT 1 FROM quarantine WHERE settled_ms IS NULL')).length;
    const page = (seq: number): string => `/console/quarantine?terminal=${T}&epoch=1&seq=${seq}`;
    await li.browser.fill(page(1), { why: '重复上传' });
    expect(await open()).toBe(1);
    // A field that the form has not is neither shown nor carried out, nor makes it another thing.
    const fields = { why: '补记', amount: '-12.50', reference: 'TZ-1' };
    const money = await li.browser.fill(page(2), { ...fields, 说明: '主管已批准' });
    expect((await li.browser.fill(page(2), { ...fields, amount: ' -12.50 ', x: '1' })).status).toBe(
      409,
    );
    expect((await wang.browser.get(money.headers['location'] ?? '')).body).not.toContain('主管');
    // Money is approved by finance, whoever may settle facts.
    const engineer = await member(room, '孙浩', 'engineer');
    expect((await decide(engineer, idIn(money))).status).toBe(403);
    expect(await open()).toBe(1);
    await decide(wang, idIn(money));
    expect(await open()).toBe(0);
    const ledger = await room.db.query<{ amount_fen: unknown }>(
      `SELECT amount_fen FROM ledger WHERE kind = 'adjustment'`,
    );
    expect(ledger.map((l) => Number(l.amount_fen))).toEqual([-1_250]);
  });

  it('every decision says what it is about by statements that this database knows', async () => {
    room = await openStaffRoom(engine);
    const form = {
      terminal: T,
      epoch: '1',
      seq: '2',
      leg: 'L1',
      piece: 'P1',
      number: '1',
      order: 'PL-1',
      card: '1',
      uid: '1',
      reason: 'x',
      item: '1',
      meter: '1',
      count: '1',
      user: '1',
      reference: '1',
      id: '1',
      no: '1',
      request: '1',
    };
    for (const decision of Object.values(DECISIONS)) {
      const state = await decision.state(room.db, form);
      expect(() => JSON.stringify(state)).not.toThrow();
      expect(subjectOf(decision, form).length).toBe(
        decision.about.map((field) => form[field as keyof typeof form]).join(' ').length,
      );
      for (const field of decision.about) expect(Object.keys(form)).toContain(field);
    }
    expect(new Set(Object.values(DECISIONS).map(({ act }) => act)).size).toBe(
      Object.keys(DECISIONS).length,
    );
  });

  it('the audit is written in the transaction that it tells of, and never changed', async () => {
    room = await openRoom(engine);
    const entry = { atMs: room.now, who: '李', via: 'console', act: 'x', subject: T } as const;
    const state = (sql: Sql) =>
      sql.query('SELECT status FROM terminals WHERE terminal_id = $1', [T]);
    const change = { terminalId: T, status: 'suspended', who: '李', why: 'x' } as const;
    // Undone with what it tells of.
    await expect(
      room.db.transaction(async (tx) => {
        await setStatus(auditing(within(room.db, tx), entry, state), change, room.now);
        throw new Error('cut');
      }),
    ).rejects.toThrow('cut');
    expect(await auditOf(room.db, {}, 5)).toEqual([]);
    expect(await setStatus(auditing(room.db, entry, state), change, room.now)).toBe(true);
    // What changes nothing is no decision.
    expect(await setStatus(auditing(room.db, entry, state), change, room.now)).toBe(false);
    expect(await auditOf(room.db, {}, 5)).toEqual([
      {
        n: expect.any(Number) as number,
        ...entry,
        before: [{ status: 'active' }],
        after: [{ status: 'suspended' }],
      },
    ]);
    for (const sql of ['UPDATE audit SET who = who', 'DELETE FROM audit'])
      await expect(room.db.query(sql)).rejects.toThrow('append-only');
    // Where nobody logs in the form says who it is, and the audit has that.
    const page = await room.central.staff({
      method: 'GET',
      target: `/console/terminal?terminal=${T}`,
      headers: { host: '127.0.0.1' },
      body: new Uint8Array(0),
    });
    expect(page.body).toContain('name="who"');
    const fields = { ...hiddenOf(page.body, '/console/terminal'), who: '张工', status: 'active' };
    const done = await room.central.staff({
      method: 'POST',
      target: '/console/terminal',
      headers: { host: '127.0.0.1' },
      body: Buffer.from(new URLSearchParams({ ...fields, why: '好了' }).toString()),
    });
    expect(done.status).toBe(303);
    expect((await auditOf(room.db, { who: '张工' }, 5))[0]).toMatchObject({
      act: 'terminal-status',
      after: [{ status: 'active' }],
    });
  });
});

describe('whatever a person decides is in the audit', () => {
  it('a blank around what the form names hides nothing', async () => {
    room = await openStaffRoom('sqlite');
    const li = await member(room, '李雷', 'engineer');
    const page = `/console/terminal?terminal=${T}`;
    for (const [terminal, status] of [
      [` ${T}`, 'suspended'],
      [`${T}\u3000`, 'revoked'],
    ] as const)
      expect(
        (await li.browser.fill(page, { terminal, status, why: '查' }, '/console/terminal')).status,
      ).toBe(303);
    const lines = await auditOf(room.db, { who: '李雷', subject: T }, 10);
    expect(lines.map(({ act, before, after }) => [act, before, after])).toEqual([
      [
        'terminal-status',
        [expect.objectContaining({ status: 'suspended' })],
        [expect.objectContaining({ status: 'revoked' })],
      ],
      [
        'terminal-status',
        [expect.objectContaining({ status: 'active' })],
        [expect.objectContaining({ status: 'suspended' })],
      ],
    ]);
  });

  it('what changes nothing that is shown is written down too', async () => {
    room = await openStaffRoom('sqlite');
    const li = await member(room, '李雷', 'finance');
    expect((await li.browser.fill('/console/evidence', { why: '再核' })).status).toBe(303);
    expect(
      (await auditOf(room.db, { who: '李雷' }, 10)).map(({ act, before }) => [act, before]),
    ).toContainEqual(['evidence', null]);
  });
});
