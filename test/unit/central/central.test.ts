import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Account, Quote } from '../../../src/shared/central-api/index.ts';
import { createBillingClient } from '../../../src/billing/client.ts';
import { DEMO_ACCOUNTS } from '../../../src/demo/central-data.ts';
import { Keyring } from '../../../src/shared/signatures.ts';
import { ed25519Signer, ed25519Verifier } from '../../../src/shared/signing.ts';
import { ENGINES, openHall } from './harness.ts';
import type { Hall } from './harness.ts';

describe.each(ENGINES)('central on %s', (engine) => {
  /** Without the token, which has the time in it. */
  const unsigned = (account: Account) => ({ ...account, grant: undefined, asOfMs: undefined });
  let hall: Hall;
  const at = (i: 0 | 1): Hall['terminals'][number] =>
    hall.terminals[i] as Hall['terminals'][number];
  let orders = 0;
  const nextOrder = (i = 0): string =>
    `PL-00000000031${1 + i}-1-T${String(++orders).padStart(4, '0')}`;
  const account = async (cardNo: string): Promise<Account> => {
    const a = await at(0).client.account(cardNo);
    if (!a.ok) throw new Error(JSON.stringify(a.error));
    return a.value.account;
  };
  const firm = async (
    orderId: string,
    cardNo: string,
    nextCount: number,
    amountFen = 10_000,
    i: 0 | 1 = 0,
  ): Promise<Quote> => {
    const q = await at(i).client.quote({ orderId, cardNo, nextCount, amountFen });
    if (!q.ok) throw new Error(JSON.stringify(q.error));
    return q.value;
  };
  /** Uploads what terminal 0 has not uploaded yet. */
  let sent = 0;
  const upload = async (): Promise<readonly number[]> => {
    const result = await at(0).journal.send(at(0).client, sent + 1);
    if (result.kind !== 'acked') throw new Error(JSON.stringify(result));
    sent = result.answer.ackSeq;
    return result.answer.quarantined;
  };
  const reasons = async (seqs: readonly number[]): Promise<string> =>
    (await hall.central.data()).quarantine
      .filter((q) => seqs.includes(q.seq))
      .map((q) => q.reason)
      .join(' | ');

  beforeAll(async () => {
    hall = await openHall(engine);
  }, 60_000);
  afterAll(() => hall.close());

  describe('quotes', () => {
    it('golden: ¥100.00 at 2.65 buys 37.73 m³ and carries 0.0155 yuan; the next purchase uses it', async () => {
      const j = at(0).journal;
      const first = nextOrder();
      const q = await firm(first, '8800003921', 42);
      expect(q).toMatchObject({
        quantity: 3773,
        carriedUsedMicro: 0,
        carriedAfterMicro: 15_500,
        shares: [{ tier: 1, priceE4: 26_500, quantity: 3773, costMicro: 99_984_500 }],
      });
      j.quoted(first, q, '1002203344');
      j.paid(first, 10_000);
      j.delivered(first, q);
      expect(await upload()).toEqual([]);
      expect(await account('8800003921')).toMatchObject({
        count: 42,
        cumulative: 208_773,
        yearQuantity: 25_223,
        carriedMicro: 15_500,
        claim: null,
      });

      const second = nextOrder();
      const r = await firm(second, '8800003921', 43);
      expect(r).toMatchObject({
        quantity: 3774,
        carriedUsedMicro: 15_500,
        carriedAfterMicro: 100_000_000 + 15_500 - 3774 * 26_500,
      });
      expect(await account('8800003921')).toMatchObject({
        carriedMicro: 0,
        claim: { orderId: second },
      });
      j.quoted(second, r, '1002203344');
      j.paid(second, 10_000);
      j.delivered(second, r);
      expect(await upload()).toEqual([]);
      expect(await account('8800003921')).toMatchObject({
        count: 43,
        carriedMicro: r.carriedAfterMicro,
      });
      const ledger = (await hall.central.data()).ledger;
      expect(ledger.find((l) => l.kind === 'captured')).toMatchObject({
        entries: 2,
        amountFen: 20_000,
      });
      expect(ledger.find((l) => l.kind === 'delivered')).toMatchObject({
        entries: 2,
        quantity: 3773 + 3774,
      });
    });

    it('a preview changes nothing; a firm quote is the same however often it is asked for, and another request is refused', async () => {
      const before = await account('8800003934');
      expect(
        await at(0).client.quote({
          orderId: null,
          cardNo: '8800003934',
          nextCount: 42,
          amountFen: 5_000,
        }),
      ).toMatchObject({ ok: true });
      expect(unsigned(await account('8800003934'))).toEqual(unsigned(before));
      const id = nextOrder();
      const q = await firm(id, '8800003934', 42, 5_000);
      expect(await firm(id, '8800003934', 42, 5_000)).toEqual(q);
      expect(
        await at(0).client.quote({
          orderId: id,
          cardNo: '8800003934',
          nextCount: 42,
          amountFen: 6_000,
        }),
      ).toMatchObject({ ok: false, error: { code: 'BILL-0102' } });
      expect(
        await at(1).client.quote({
          orderId: nextOrder(1),
          cardNo: '8800003934',
          nextCount: 42,
          amountFen: 5_000,
        }),
      ).toMatchObject({ ok: false, error: { code: 'SALE-0107' } });
      expect(
        await at(1).client.quote({
          orderId: id,
          cardNo: '8800003934',
          nextCount: 42,
          amountFen: 5_000,
        }),
      ).toMatchObject({ ok: false, error: { code: 'BILL-0102' } });
      expect(await at(0).client.release(id)).toMatchObject({ ok: true });
      expect(await at(0).client.release(id)).toMatchObject({ ok: true });
      expect(unsigned(await account('8800003934'))).toEqual(unsigned(before));
      expect(
        await at(0).client.quote({
          orderId: id,
          cardNo: '8800003934',
          nextCount: 42,
          amountFen: 5_000,
        }),
      ).toMatchObject({ ok: false });
    });

    it.each([
      ['8800003924', 42, 10_000, 'SALE-0103'],
      ['8800003925', 42, 10_000, 'SALE-0104'],
      ['8800003929', 42, 10_000, 'SALE-0108'],
      ['8800003923', 42, 10_000, 'SALE-0102'],
      ['8800003926', 42, 10_000, 'SALE-0105'],
      ['8800003928', 42, 10_000, 'SALE-0107'],
      ['8800003922', 42, 900, 'SALE-0105'],
      ['8800003922', 42, 100_001, 'SALE-0105'],
    ])(
      'card %s count %i, %i fen: %s, by preview and by firm quote',
      async (cardNo, nextCount, amountFen, code) => {
        for (const orderId of [null, nextOrder()])
          expect(await at(0).client.quote({ orderId, cardNo, nextCount, amountFen })).toMatchObject(
            { ok: false, error: { code } },
          );
      },
    );

    it('two terminals at one card: one claim', async () => {
      const results = await Promise.all(
        [0, 1].map((i) =>
          at(i as 0 | 1).client.quote({
            orderId: nextOrder(i),
            cardNo: '8800003931',
            nextCount: 42,
            amountFen: 10_000,
          }),
        ),
      );
      expect(results.filter((r) => r.ok)).toHaveLength(1);
      expect(results.find((r) => !r.ok)).toMatchObject({ error: { code: 'SALE-0107' } });
    });

    it('an unpaid claim runs out after 30 minutes; a paid one never does, nor is it given back', async () => {
      const dead = nextOrder();
      await firm(dead, '8800003922', 42);
      hall.clock.shift(29 * 60_000);
      expect((await account('8800003922')).claim).toMatchObject({ orderId: dead });
      hall.clock.shift(2 * 60_000);
      expect((await account('8800003922')).claim).toBeNull();
      const again = await firm(dead, '8800003922', 42);
      expect(again.quantity).toBe(3773);
      hall.clock.shift(31 * 60_000);
      const live = nextOrder();
      const q = await firm(live, '8800003922', 42);
      expect(
        await at(0).client.quote({
          orderId: dead,
          cardNo: '8800003922',
          nextCount: 42,
          amountFen: 10_000,
        }),
      ).toMatchObject({ ok: false, error: { code: 'SALE-0107' } });
      at(0).journal.quoted(live, q, '1002203322');
      at(0).journal.paid(live, 10_000);
      expect(await upload()).toEqual([]);
      hall.clock.shift(400 * 24 * 3_600_000);
      expect((await account('8800003922')).claim).toMatchObject({ orderId: live });
      expect(await at(0).client.release(live)).toMatchObject({
        ok: false,
        error: { code: 'SALE-0107' },
      });
      at(0).journal.add('order-refunding', live, {
        attemptId: `${live}/1`,
        failure: { code: 'CARD-0203' },
      });
      at(0).journal.add('attempt-refunded', live, {
        attemptId: `${live}/1`,
        refundId: '503',
        amountFen: 10_000,
      });
      at(0).journal.add('order-refunded', live, { attemptId: `${live}/1` });
      expect(await upload()).toEqual([]);
      expect(await account('8800003922')).toMatchObject({
        claim: null,
        count: 41,
        cumulative: 205_000,
      });
    });

    it('a release that overtakes its quote leaves no claim behind', async () => {
      const id = nextOrder();
      expect(await at(0).client.release(id)).toMatchObject({ ok: true });
      expect(
        await at(0).client.quote({
          orderId: id,
          cardNo: '8800003933',
          nextCount: 42,
          amountFen: 10_000,
        }),
      ).toMatchObject({ ok: false });
      expect((await account('8800003933')).claim).toBeNull();
    });

    it('the reserve comes back when the order fails, and is spent once when it does not', async () => {
      const j = at(0).journal;
      const one = nextOrder();
      const q1 = await firm(one, '8800003935', 42);
      expect(q1.shares).toEqual([
        { tier: 1, priceE4: 28_500, quantity: 3508, costMicro: 99_978_000 },
      ]);
      j.quoted(one, q1, '1002203335');
      j.paid(one, 10_000);
      j.delivered(one, q1);
      await upload();
      const carried = (await account('8800003935')).carriedMicro;
      expect(carried).toBe(22_000);
      const failed = nextOrder();
      const q2 = await firm(failed, '8800003935', 43);
      expect((await account('8800003935')).carriedMicro).toBe(0);
      j.quoted(failed, q2, '1002203335');
      j.add('order-closed', failed, { why: 'customer' });
      expect(await upload()).toEqual([]);
      expect(await account('8800003935')).toMatchObject({ carriedMicro: carried, claim: null });
      // The quote's request, sent twice and come late, does not take the card again.
      expect(
        await at(0).client.quote({
          orderId: failed,
          cardNo: '8800003935',
          nextCount: 43,
          amountFen: q2.amountFen,
        }),
      ).toMatchObject({ ok: false });
      expect((await account('8800003935')).claim).toBeNull();
      expect(await at(0).client.release(failed)).toMatchObject({ ok: true });
      expect((await account('8800003935')).carriedMicro).toBe(carried);
    });
  });

  describe('upload', () => {
    it('takes each event once, whatever is sent again; a gap says where to go on; a fork stops', async () => {
      const t = at(0);
      const j = t.journal;
      const id = nextOrder();
      const before = await account('8800003932');
      const q = await firm(id, '8800003932', 1);
      const start = j.events.length;
      j.quoted(id, q, '1002203332');
      j.paid(id, 10_000);
      j.delivered(id, q);
      const end = j.events.length;
      expect(await j.send(t.client, start + 3)).toEqual({ kind: 'gap', expectedSeq: start + 1 });
      expect(await j.send(t.client, start + 1, start + 2)).toMatchObject({
        kind: 'acked',
        answer: { ackSeq: start + 2 },
      });
      for (let i = 0; i < 3; i++)
        expect(await j.send(t.client, start + 1)).toMatchObject({
          kind: 'acked',
          answer: { ackSeq: end, ackHash: j.hashAt(end) },
        });
      // An older part again is acknowledged with the newest number.
      expect(await j.send(t.client, 1, 2)).toMatchObject({
        kind: 'acked',
        answer: { ackSeq: end },
      });
      await Promise.all([j.send(t.client, start + 1), j.send(t.client, 1)]);
      expect(await account('8800003932')).toMatchObject({
        count: 1,
        cumulative: q.quantity,
        yearQuantity: before.yearQuantity + q.quantity,
        carriedMicro: 15_500,
      });
      sent = end;

      const forked = Object.assign(Object.create(Object.getPrototypeOf(j) as object) as typeof j, {
        terminalId: j.terminalId,
        epoch: 1,
        events: j.events.slice(0, end - 1),
      });
      forked.add('core-started', null, { version: '0', node: '24', recoveredOrders: 0 });
      expect(await forked.send(t.client, end)).toMatchObject({
        kind: 'fork',
        failure: { code: 'BILL-0104' },
      });
      forked.add('core-started', null, { version: '0', node: '24', recoveredOrders: 0 });
      expect(await forked.send(t.client, end + 1)).toMatchObject({ kind: 'fork' });
      const terminal = (await hall.central.data()).terminals.find(
        (x) => x.terminalId === t.terminalId,
      );
      expect(terminal).toMatchObject({
        lastSeq: end,
        alarm: expect.stringContaining('FORK') as string,
      });
    });

    it('refuses a chain that does not hold, a wrong head signature, another epoch', async () => {
      const j = at(0).journal;
      j.add('policy-taken', null, { version: 1 });
      await upload();
      j.add('policy-taken', null, { version: 1 });
      const events = j.events.slice(sent);
      const prevHash = j.hashAt(sent);
      expect(
        await at(0).client.upload({
          epoch: 1,
          fromSeq: sent + 1,
          prevHash,
          events: events.map((e) => ({ ...e, body: { version: 2 } })),
        }),
      ).toMatchObject({ kind: 'refused', failure: { code: 'BILL-0102' } });
      // The request is signed well, the head of the journal is not.
      const own = ed25519Signer(at(0).keys.privateKeyPem);
      const headless = createBillingClient({
        baseUrl: hall.baseUrl,
        terminalId: at(0).terminalId,
        signer: {
          keyId: own.keyId,
          sign: (bytes) =>
            own.sign(/^\d+:\d+:/.test(Buffer.from(bytes).toString()) ? Buffer.from('x') : bytes),
        },
        policyKeys: new Keyring(ed25519Verifier(hall.policyKeys.publicKeyPem)),
        answerKeys: new Keyring(ed25519Verifier(hall.answerKeys.publicKeyPem)),
        clock: hall.clock,
        random: { bytes: (n) => randomBytes(n) },
        timeoutMs: 10_000,
      });
      expect(
        await headless.upload({ epoch: 1, fromSeq: sent + 1, prevHash, events }),
      ).toMatchObject({ kind: 'refused', failure: { code: 'BILL-0103' } });
      expect(
        await at(0).client.upload({ epoch: 2, fromSeq: sent + 1, prevHash, events }),
      ).toMatchObject({ kind: 'refused', failure: { code: 'BILL-0104' } });
      expect(
        await at(1).client.upload({ epoch: 1, fromSeq: sent + 1, prevHash, events }),
      ).toMatchObject({ kind: 'gap', expectedSeq: 1 });
      expect(await upload()).toEqual([]);
    });

    it('sets aside what it cannot use, acknowledges it, and goes on', async () => {
      const j = at(0).journal;
      const bad = [
        j.raw('from-the-future', null, { a: 1 }),
        j.raw('clock-step', null, { stepMs: 'far' }),
        j.add('order-paid', 'PL-unknown', { attemptId: 'x', amountFen: 1 }),
        j.raw('core-started', 'nul\0', { version: '\0', node: '', recoveredOrders: -1 }),
        j.raw('order-closed', null, { why: 'x' }),
        j.raw('toString', null, {}),
      ];
      const good = j.add('clock-step', null, { stepMs: -5 });
      expect(await upload()).toEqual(bad);
      expect(sent).toBe(good);
      expect((await hall.central.data()).quarantine.map((q) => q.seq)).toEqual(
        expect.arrayContaining(bad),
      );
    });

    it('an order delivered twice, at the wrong count, or before it was paid moves nothing', async () => {
      const j = at(0).journal;
      const id = nextOrder();
      const q = await firm(id, '8800003927', 42);
      j.quoted(id, q, '1002203327');
      const early = j.delivered(id, q);
      const seqs = await upload();
      expect(seqs).toContain(early);
      expect(await reasons([early])).toContain('before it was paid');
      j.paid(id, 10_000);
      j.delivered(id, q);
      expect(await upload()).toEqual([]);
      const after = await account('8800003927');
      const twice = j.add('order-delivered', id, {
        by: 'later-read',
        count: 42,
        quantity: q.quantity,
        cumulative: 0,
      });
      const paidTwice = j.add('order-paid', id, { attemptId: `${id}/1`, amountFen: 10_000 });
      expect(await upload()).toEqual([twice, paidTwice]);
      expect(unsigned(await account('8800003927'))).toEqual(unsigned(after));
      expect(after.count).toBe(42);

      const stale = nextOrder();
      j.quoted(stale, { ...q, carriedUsedMicro: 0 }, '1002203327', { offline: true });
      j.paid(stale, 10_000);
      j.delivered(stale, q);
      const conflict = j.events.length;
      expect(await upload()).toEqual([conflict]);
      expect(await reasons([conflict])).toContain('count is 42');
      expect(unsigned(await account('8800003927'))).toEqual({
        ...unsigned(after),
        claim: { orderId: stale, terminalId: at(0).terminalId, nextCount: 42, state: 'delivering' },
      });
      expect(
        (await hall.central.data()).ledger.find((l) => l.kind === 'captured')?.entries,
      ).toBeGreaterThan(0);
    });

    it('offline sales claim, carry their remainder, and never spend a carried one', async () => {
      const j = at(0).journal;
      const shares = [{ tier: 1, priceE4: 26_500, quantity: 3773, costMicro: 99_984_500 }];
      const q: Quote = {
        orderId: null,
        cardNo: '8800003933',
        nextCount: 42,
        amountFen: 10_000,
        quantity: 3773,
        shares,
        carriedUsedMicro: 0,
        carriedAfterMicro: 15_500,
        tariffId: 'gas-residential',
        tariffVersion: 1,
        expiresAtMs: 0,
      };
      const greedy = nextOrder();
      j.quoted(greedy, { ...q, carriedUsedMicro: 100, carriedAfterMicro: 15_600 }, '1002203333', {
        offline: true,
      });
      const first = j.events.length;
      const wrongSum = nextOrder();
      j.quoted(wrongSum, { ...q, carriedAfterMicro: 15_501 }, '1002203333', { offline: true });
      expect(await upload()).toEqual([first, first + 1]);
      const id = nextOrder();
      j.quoted(id, q, '1002203333', { offline: true });
      expect(await upload()).toEqual([]);
      expect((await account('8800003933')).claim).toMatchObject({ orderId: id });
      expect(
        await at(1).client.quote({
          orderId: nextOrder(1),
          cardNo: '8800003933',
          nextCount: 42,
          amountFen: 10_000,
        }),
      ).toMatchObject({ ok: false, error: { code: 'SALE-0107' } });
      j.paid(id, 10_000);
      j.delivered(id, q);
      expect(await upload()).toEqual([]);
      expect(await account('8800003933')).toMatchObject({
        count: 42,
        carriedMicro: 15_500,
        claim: null,
      });
    });

    it('extra captures and refunds stand in the ledger once each', async () => {
      const j = at(0).journal;
      const id = nextOrder();
      const q = await firm(id, '8800003934', 42);
      j.quoted(id, q, '1002203334');
      j.paid(id, 10_000);
      j.add('attempt-paid', id, {
        attemptId: `${id}/2`,
        transactionId: '4201',
        amountFen: 10_000,
        taken: false,
      });
      j.add('attempt-refunded', id, { attemptId: `${id}/2`, refundId: '503', amountFen: 10_000 });
      j.delivered(id, q);
      expect(await upload()).toEqual([]);
      const again = j.add('attempt-refunded', id, {
        attemptId: `${id}/2`,
        refundId: '503',
        amountFen: 10_000,
      });
      expect(await upload()).toEqual([again]);
      const rows = await hall.db.query<{ kind: string }>(
        'SELECT kind FROM ledger WHERE order_id = $1 ORDER BY entry_id',
        [id],
      );
      expect(rows.map((r) => r.kind)).toEqual([
        'captured',
        'captured-extra',
        'refunded',
        'delivered',
        'carried',
      ]);
      await expect(hall.db.query('DELETE FROM ledger')).rejects.toThrow('append-only');
      await expect(hall.db.query('UPDATE ledger SET amount_fen = 0')).rejects.toThrow(
        'append-only',
      );
    });

    it('a fact counts whole or not at all', async () => {
      const j = at(0).journal;
      const id = nextOrder();
      const q = await firm(id, '8800003930', 42);
      j.quoted(id, q, '1002203330');
      const parked = { attemptId: `${id}/1`, reason: 'PAY-0107', failure: { code: 'PAY-0107' } };
      j.add('attempt-parked', id, parked);
      // Its capture would be entered first, and then the second parking is refused.
      const again = j.add('attempt-parked', id, { ...parked, amountFen: 9_000 });
      expect(await upload()).toEqual([again]);
      expect(await reasons([again])).toContain('‘parked’ stands in the ledger already');
      const rows = await hall.db.query<{ kind: string }>(
        'SELECT kind FROM ledger WHERE order_id = $1',
        [id],
      );
      expect(rows.map((r) => r.kind)).toEqual(['parked']);
    });

    it('what the database itself refuses is one fact’s fault, not of those beside it', async () => {
      const j = at(0).journal;
      const id = nextOrder();
      const q = await firm(id, '8800003922', 42);
      j.quoted(id, q, '1002203322');
      j.paid(id, 10_000);
      const nul = j.add('attempt-paid', id, {
        attemptId: `${id}/2`,
        transactionId: '42\0',
        amountFen: 10_000,
        taken: false,
      });
      j.delivered(id, q);
      // SQLite holds such a text.
      expect(await upload()).toEqual(engine === 'postgres' ? [nul] : []);
      if (engine === 'postgres') expect(await reasons([nul])).toMatch(/^22/);
      expect(await account('8800003922')).toMatchObject({ count: 42, claim: null });
      expect(
        await hall.db.query('SELECT state FROM orders WHERE order_id = $1', [id]),
      ).toMatchObject([{ state: 'delivered' }]);
    });

    it('a terminal cannot speak of another terminal’s order', async () => {
      const id = nextOrder();
      const q = await firm(id, '8800003934', 43);
      at(0).journal.quoted(id, q, '1002203334');
      await upload();
      const j = at(1).journal;
      j.paid(id, 10_000);
      expect(await j.send(at(1).client, 1)).toMatchObject({
        kind: 'acked',
        answer: { quarantined: [1, 2, 3] },
      });
      expect(await at(1).client.release(id)).toMatchObject({ ok: false });
      expect((await account('8800003934')).claim).toMatchObject({ orderId: id });
    });
  });

  describe('the service', () => {
    it('shows a console with masked names', async () => {
      const page = await (await fetch(`${hall.consoleUrl}/`)).text();
      expect(page).toContain('长明 · 收费中心');
      expect(page).toContain('张*明');
      expect(page).not.toContain('张小明');
      const data = (await (await fetch(`${hall.consoleUrl}/console/data.json`)).json()) as {
        accounts: unknown[];
      };
      expect(data.accounts).toHaveLength(DEMO_ACCOUNTS.length);
    });

    it('refuses unsigned requests as problem+json, and tells the time to anyone', async () => {
      const res = await fetch(`${hall.baseUrl}/v1/accounts/by-card/8800003921`);
      expect(res.status).toBe(401);
      expect(res.headers.get('content-type')).toContain('application/problem+json');
      expect(await res.json()).toMatchObject({
        type: 'about:pilotlight/bad-signature',
        status: 401,
      });
      expect((await fetch(`${hall.baseUrl}/v1/time`)).status).toBe(200);
      expect((await fetch(`${hall.baseUrl}/nothing`)).status).toBe(404);
    });
  });
});
