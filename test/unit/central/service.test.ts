import { hash, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBillingClient } from '../../../src/billing/client.ts';
import { PACING, pacer } from '../../../src/central/http/pacing.ts';
import { isCounterClaimed, isRefundClaimed, lockOrder } from '../../../src/central/sale/orders.ts';
import { migrate } from '../../../src/central/db/migrate.ts';
import { MIGRATIONS } from '../../../src/central/db/migrations/index.ts';
import type { HttpRequest } from '../../../src/shared/http.ts';
import { Keyring } from '../../../src/shared/signatures.ts';
import { ENGINES, into, openDb, openHall, openRoom, quickSigner } from './harness.ts';
import type { Room, Terminal } from './harness.ts';
import { forged } from '../../support/forged.ts';

describe.each(ENGINES)('the service on %s', (engine) => {
  let room: Room;
  const t = (): Terminal => room.terminals[0] as Terminal;
  beforeAll(async () => {
    room = await openRoom(engine, 1);
  }, 60_000);
  afterAll(() => room.close());
  const get = (target: string, headers: Record<string, string> = {}) =>
    room.central.staff({ method: 'GET', target, headers, body: new Uint8Array(0) });
  const post = (
    target: string,
    form: Record<string, string>,
    headers: Record<string, string> = {},
  ) =>
    room.central.staff({
      method: 'POST',
      target,
      headers,
      body: Buffer.from(new URLSearchParams(form).toString()),
    });
  const tokenOf = (html: string): string =>
    /name="token" value="([0-9a-f]+)"/.exec(html)?.[1] ?? '';
  const errorsKept = (n: number): number => {
    const from = t().journal.events.length;
    for (let i = 0; i < n; i++) t().journal.raw('from-the-future', null, { i });
    return from + 1;
  };

  it('bodies: large ones go as gzip, signed as sent; a bomb, broken gzip and other encodings are refused', async () => {
    const seen: HttpRequest[] = [];
    let change: (r: HttpRequest) => HttpRequest = (r) => r;
    const client = createBillingClient({
      baseUrl: 'http://central',
      terminalId: t().id,
      signer: quickSigner(t().id),
      policyKeys: new Keyring(quickSigner('policy')),
      answerKeys: new Keyring(quickSigner('answers')),
      clock: { nowMs: () => room.now, monoMs: () => 0, after: () => () => undefined },
      random: { bytes: (n) => randomBytes(n) },
      timeoutMs: 1_000,
      send: (r) => {
        seen.push(r);
        return into(room.central)(change(r));
      },
    });
    for (let i = 0; i < 30; i++) t().journal.add('clock-step', null, { stepMs: i });
    const raw = JSON.stringify(t().journal.events).length;
    expect(await t().journal.send(client, 1)).toMatchObject({ kind: 'acked' });
    t().sent = 30;
    expect(seen[0]?.headers['Content-Encoding']).toBe('gzip');
    expect(seen[0]?.body?.length).toBeLessThan(raw / 2);
    t().journal.add('clock-step', null, { stepMs: 0 });
    expect(await t().journal.send(client, 31)).toMatchObject({ kind: 'acked' });
    t().sent = 31;
    expect(seen[1]?.headers['Content-Encoding']).toBeUndefined();

    // Another body than was signed, though it inflates to the same.
    change = (r) => ({ ...r, body: gzipSync(JSON.stringify({ epoch: 1 })) });
    // What central says to it is no answer to what was asked.
    expect(await t().journal.send(client, 1)).toMatchObject({
      kind: 'away',
      failure: { code: 'BILL-0101' },
    });

    /** What central says to these bytes, well signed. */
    const signed = async (bytes: Uint8Array, encoding: string): Promise<unknown> => {
      let said: unknown;
      const direct = createBillingClient({
        baseUrl: 'http://central',
        terminalId: t().id,
        signer: {
          keyId: '',
          sign: (covered) =>
            quickSigner(t().id).sign(
              Buffer.from(
                Buffer.from(covered)
                  .toString()
                  .replace(/[0-9a-f]{64}\n$/, `${hashOf(bytes)}\n`),
              ),
            ),
        },
        policyKeys: new Keyring(quickSigner('policy')),
        answerKeys: new Keyring(quickSigner('answers')),
        clock: { nowMs: () => room.now, monoMs: () => 0, after: () => () => undefined },
        random: { bytes: (n) => randomBytes(n) },
        timeoutMs: 1_000,
        send: async (r) => {
          const answer = await into(room.central)({
            ...r,
            headers: { ...r.headers, 'Content-Encoding': encoding },
            body: bytes,
          });
          said = JSON.parse(Buffer.from(answer.body ?? []).toString());
          return answer;
        },
      });
      await t().journal.send(direct, 1);
      return said;
    };
    expect(await signed(gzipSync(Buffer.alloc(64 << 20)), 'gzip')).toMatchObject({
      type: 'about:pilotlight/bad-request',
      detail: expect.stringContaining('when inflated') as string,
    });
    expect(await signed(Buffer.from('not gzip'), 'gzip')).toMatchObject({
      type: 'about:pilotlight/bad-request',
      detail: expect.stringContaining('not gzip') as string,
    });
    expect(await signed(Buffer.from('x'), 'br')).toMatchObject({
      type: 'about:pilotlight/bad-request',
      detail: expect.stringContaining('only gzip') as string,
    });
  });

  it('what is quarantined stays counted until a person settles it, on the console’s own form', async () => {
    const first = errorsKept(3);
    expect(await t().upload()).toEqual([first, first + 1, first + 2]);
    expect((await room.central.data()).quarantineOpen).toBe(3);
    const at = `terminal=${t().id}&epoch=1&seq=${first}`;
    const form = await get(`/console/quarantine?${at}`);
    expect(form.status).toBe(200);
    expect(form.body).toContain('from-the-future');
    const token = tokenOf(form.body);
    const fields = { terminal: t().id, epoch: '1', seq: String(first), who: '王', why: '核对无误' };
    expect((await post('/console/quarantine', fields)).status).toBe(403);
    expect((await post('/console/quarantine', { ...fields, token: forged(token) })).status).toBe(
      403,
    );
    expect(
      (await post('/console/quarantine', { ...fields, token }, { host: 'evil.example' })).status,
    ).toBe(403);
    expect(
      (
        await post(
          '/console/quarantine',
          { ...fields, token },
          { host: '127.0.0.1:80', origin: 'http://evil.example' },
        )
      ).status,
    ).toBe(403);
    expect((await get(`/console/quarantine?${at}`, { host: 'evil.example' })).status).toBe(403);
    for (const wrong of [
      { who: ' ' },
      { why: '' },
      { amount: '1,5', reference: 'x' },
      { amount: '1' },
      { reference: 'x' },
      { who: 'a\0' },
    ])
      expect(
        (await post('/console/quarantine', { ...fields, token, ...wrong })).status,
        JSON.stringify(wrong),
      ).toBe(400);
    expect((await room.central.data()).quarantineOpen).toBe(3);
    expect(
      await post(
        '/console/quarantine',
        { ...fields, token },
        { host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080' },
      ),
    ).toMatchObject({ status: 303, headers: { location: '/' } });
    expect((await post('/console/quarantine', { ...fields, token })).status).toBe(409);
    expect((await get(`/console/quarantine?${at}`)).status).toBe(404);
    expect((await room.central.data()).ledger.find((l) => l.kind === 'adjustment')).toBeUndefined();
    expect(
      (
        await post('/console/quarantine', {
          ...fields,
          seq: String(first + 1),
          token,
          amount: '-12.30',
          reference: 'V-7',
        })
      ).status,
    ).toBe(303);
    expect((await room.central.data()).ledger.find((l) => l.kind === 'adjustment')).toMatchObject({
      entries: 1,
      amountFen: -1_230,
    });
    expect(
      await room.db.query(
        'SELECT settled_who, settled_why, settled_ms FROM quarantine WHERE seq = $1',
        [first],
      ),
    ).toMatchObject([{ settled_who: '王', settled_why: '核对无误', settled_ms: room.now }]);
    const data = await room.central.data();
    expect(data.quarantineOpen).toBe(1);
    expect(data.quarantine.map((q) => q.seq)).toEqual([first + 2]);
  });

  it('an epoch is granted on the console', async () => {
    await t().client.requestEpoch({ epoch: 1, lastSeq: 9, lastHash: 'ff', why: '<b>restored</b>' });
    expect((await get('/')).body).toContain('申请中');
    const form = await get(`/console/epoch?terminal=${t().id}`);
    expect(form.body).toContain('&#60;b&#62;restored');
    expect(form.headers['content-security-policy']).toContain("form-action 'self'");
    const asked = /name="asked" value="([^"]+)"/.exec(form.body)?.[1] ?? '';
    const seen = { terminal: t().id, asked };
    expect((await post('/console/epoch', { ...seen, token: '' })).status).toBe(403);
    const token = tokenOf(form.body);
    expect((await post('/console/epoch', { terminal: t().id, token })).status).toBe(400);
    expect((await room.central.data()).terminals[0]?.epoch).toBe(1);
    expect((await post('/console/epoch', { ...seen, token })).status).toBe(303);
    expect((await room.central.data()).terminals[0]).toMatchObject({
      epoch: 2,
      epochRequest: null,
    });
    expect((await get('/console/epoch?terminal=nobody')).status).toBe(404);
  });

  it('answers the same by hand as over HTTP, and never rejects', async () => {
    for (const [method, target, status] of [
      ['GET', '/v1/time', 200],
      ['GET', '/v1/accounts/by-card/8800003921', 401],
      ['GET', '/nothing', 404],
      ['POST', '/', 404],
      ['GET', '/v1/orders/x/y/z/w', 404],
      ['GET', '/%E0%A4%A', 400],
      ['GET', '/%00', 404],
      ['DELETE', '/v1/quotes', 404],
    ] as const)
      expect(
        (await room.central.handle({ method, target, headers: {}, body: new Uint8Array(0) }))
          .status,
        target,
      ).toBe(status);
  });

  it('the ledger’s kinds are checked', async () => {
    const enter = (kind: string) =>
      room.db.query(
        `INSERT INTO ledger (terminal_id, epoch, seq, order_id, kind, at_ms) VALUES ('x', 1, 1, 'x', $1, 0)`,
        [kind],
      );
    await expect(enter('lost')).rejects.toMatchObject({ code: '23514' });
    await enter('parked');
    await expect(enter('parked')).rejects.toMatchObject({ code: '23505' });
  });
});

const hashOf = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex');

describe('pacing', () => {
  it('a quiet central says the base; above its rate waits grow in proportion and fall again', () => {
    const pace = pacer({ idleMs: 2_000, batchesPerSecond: 10, maxMs: 60_000 });
    let now = 0;
    expect(pace(now)).toBe(2_000);
    for (let i = 0; i < 98; i++) expect(pace(now)).toBe(2_000);
    pace(now);
    for (let i = 100; i < 399; i++) pace(now);
    expect(pace(now)).toBe(8_000);
    now += 10_000;
    expect(pace(now)).toBe(8_000);
    now += 10_000;
    expect(pace(now)).toBe(2_000);
    for (let i = 0; i < 10_000; i++) pace(now);
    expect(pace(now)).toBe(60_000);
    now += 100_000;
    expect(pace(now)).toBe(2_000);
  });
  it('is told with each acknowledgement', async () => {
    const room = await openRoom('sqlite', 1, { pacing: { idleMs: 700, batchesPerSecond: 0.1 } });
    const t = room.terminals[0] as Terminal;
    const waits: number[] = [];
    for (let i = 0; i < 3; i++) {
      t.journal.add('clock-step', null, { stepMs: i });
      const r = await t.journal.send(t.client, i + 1);
      if (r.kind !== 'acked') throw new Error(r.kind);
      waits.push(r.answer.nextUploadAfterMs);
    }
    expect(waits).toEqual([700, 1_400, 2_100]);
    expect(PACING.idleMs).toBeGreaterThan(0);
    await room.close();
  });
});

describe('the migration to claims and epochs', () => {
  it('carries cursors, orders and their plans over', async () => {
    const db = await openDb('postgres');
    await db.exec(
      'CREATE TABLE schema_migrations (number integer PRIMARY KEY, name text NOT NULL)',
    );
    await db.exec(
      `BEGIN; ${MIGRATIONS[0]?.sql}; INSERT INTO schema_migrations VALUES (1, 'initial'); COMMIT;`,
    );
    await db.query(
      `INSERT INTO terminals (terminal_id, public_key, epoch, last_seq, last_hash) VALUES ('000000000311', 'pem', 2, 17, 'aa')`,
    );
    const order = (id: string, state: string) =>
      db.query(
        `INSERT INTO orders (order_id, terminal_id, card_no, user_no, next_count, amount_fen, quantity, carried_used_micro, carried_after_micro, offline, tag, state, money_taken, created_ms, changed_ms) VALUES ($1, '000000000311', '8800003921', '1', 42, 100, 1, 0, 0, false, '00', $2, true, 1, 1)`,
        [id, state],
      );
    await order('PL-000000000311-1-0007-4821', 'in-doubt');
    await order('PL-000000000311-1-0008-4822', 'delivered');
    const event = (seq: number, kind: string, orderId: string, body: unknown) =>
      db.query(`INSERT INTO journal_events VALUES ('000000000311', 1, $1, $2, 0, $3, $4, 'h', 0)`, [
        seq,
        kind,
        orderId,
        JSON.stringify(body),
      ]);
    await event(1, 'order-quoted', 'PL-000000000311-1-0007-4821', {
      layout: 'pl-cpu',
      unit: 'money',
    });
    await event(2, 'order-delivering', 'PL-000000000311-1-0007-4821', {
      before: 'AA',
      after: 'BB',
      cumulative: 5,
      plan: ['1'],
    });
    await event(3, 'order-delivering', 'PL-000000000311-1-0007-4821', {
      before: 'AA',
      after: 'CC',
      cumulative: 6,
      plan: ['1', '2'],
    });
    await migrate(db);
    expect(await db.query('SELECT epoch, last_seq, last_hash FROM cursors')).toEqual([
      { epoch: 2, last_seq: 17, last_hash: 'aa' },
    ]);
    expect(await db.query('SELECT * FROM orders ORDER BY order_id')).toMatchObject([
      {
        ref: '031100074821',
        layout: 'pl-cpu',
        unit: 'money',
        before_image: 'AA',
        after_image: 'CC',
        cumulative: 6,
        delivered_by: null,
        origin_delivered: false,
      },
      { ref: '031100084822', layout: null, delivered_by: '000000000311', origin_delivered: true },
    ]);
    const plan =
      (await db.query<{ plan: string }>('SELECT plan FROM orders ORDER BY order_id'))[0]?.plan ??
      '';
    expect(JSON.parse(plan)).toEqual(['1', '2']);
    await expect(migrate(db)).resolves.toBeUndefined();
    await db.close();
  }, 60_000);
});

describe('the migration to counter claims', () => {
  it('takes every final claim that stands for a refund claim', async () => {
    const db = await openDb('postgres');
    await db.exec(
      'CREATE TABLE schema_migrations (number integer PRIMARY KEY, name text NOT NULL)',
    );
    for (const [i, m] of MIGRATIONS.slice(0, 3).entries())
      await db.exec(
        `BEGIN; ${m.sql}; INSERT INTO schema_migrations VALUES (${i + 1}, '${m.name}'); COMMIT;`,
      );
    await db.query(
      `INSERT INTO terminals (terminal_id, public_key, epoch) VALUES ('000000000311', 'pem', 1)`,
    );
    await db.query(
      `INSERT INTO orders (order_id, terminal_id, card_no, user_no, next_count, amount_fen, quantity, carried_used_micro, carried_after_micro, offline, tag, state, money_taken, created_ms, changed_ms, refund_claimed_ms) VALUES ('PL-000000000311-1-0007-4821', '000000000311', '8800003921', '1', 42, 100, 1, 0, 0, false, '00', 'in-doubt', true, 1, 1, 7)`,
    );
    await migrate(db);
    const order = await db.transaction((tx) => lockOrder(tx, 'PL-000000000311-1-0007-4821'));
    expect(order).toMatchObject({ refund_claimed_ms: 7, counter_claim: false });
    expect(order !== null && isRefundClaimed(order) && !isCounterClaimed(order)).toBe(true);
    await db.close();
  }, 60_000);
});

describe('over HTTP', () => {
  it('gzip, claims, commands, epochs and references go through the thin layer as they are', async () => {
    const hall = await openHall('sqlite');
    const t = hall.terminals[0] as (typeof hall.terminals)[number];
    for (let i = 0; i < 40; i++) t.journal.add('clock-step', null, { stepMs: i });
    expect(await t.journal.send(t.client, 1)).toMatchObject({
      kind: 'acked',
      answer: { ackSeq: 40 },
    });
    expect(await t.client.claim('PL-none/..%', 'write', '8800003921')).toMatchObject({
      ok: false,
      error: { code: 'BILL-0108' },
    });
    expect(await t.client.commands()).toMatchObject({
      ok: true,
      value: { commands: [], epoch: 1 },
    });
    expect(await t.client.requestEpoch({ epoch: 1, lastSeq: 40, lastHash: 'x', why: 'y' })).toEqual(
      { ok: true, value: null },
    );
    expect(await t.client.ordersByRef('031100010001')).toEqual({ ok: true, value: [] });
    const large = await fetch(`${hall.baseUrl}/v1/journal`, {
      method: 'POST',
      body: Buffer.alloc(3 << 20),
    });
    expect(large.status).toBe(413);
    expect(await large.json()).toMatchObject({ type: 'about:pilotlight/bad-request' });
    await hall.close();
  });
});
