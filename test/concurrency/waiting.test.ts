import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { QUICK_TRUST } from '../unit/central/harness.ts';
import { giveUpWaiting } from '../../src/central/books/held.ts';
import type { Quote } from '../../src/shared/central-api/index.ts';
import { Cluster } from '../support/postgres.ts';
import { TestJournal } from '../unit/central/harness.ts';
import { accountsOf, Company, soldOffline } from './company.ts';
import { faults, open } from './invariants.ts';
import { business, Kiosk, settleAll, Street } from './kiosk.ts';

/** Facts that came too early, where several processes and persons meet over them. */
let cluster: Cluster;
let company: Company;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster.stop());
afterEach(() => company.close());
const start = async (): Promise<void> => {
  company = await Company.open(cluster, { terminals: 3, accounts: accountsOf(4, 1) });
};
const office = (i: number) => company.offices[i] as Company['offices'][number];
const held = () => company.held();
const quarantined = () =>
  company.rows<{ terminal_id: string; reason: string }>(
    'SELECT terminal_id, reason FROM quarantine ORDER BY terminal_id, seq',
  );
const sold = (terminal: number, n: number) => company.sellOffline(terminal, n);
const elsewhere = (terminal: number, { id, q }: { id: string; q: Quote }): number =>
  company.journal(terminal).add('order-delivered', id, {
    by: 'elsewhere',
    count: q.nextCount,
    quantity: q.quantity,
    cumulative: 205_000 + q.quantity,
  });

describe('facts that wait', () => {
  it('one that the database refuses takes nobody along who frees it', async () => {
    await start();
    const second = sold(1, 2);
    company.journal(1).delivered(second.id, second.q);
    const poison = company.journal(1).add('attempt-refunded', second.id, {
      attemptId: `${second.id}/2`,
      refundId: 'half\0',
      amountFen: 0,
    });
    expect(await company.upload(1)).toEqual([]);
    const first = sold(0, 1);
    company.journal(0).delivered(first.id, first.q);
    expect(await company.upload(0)).toEqual([]);
    expect(await held()).toEqual([]);
    expect(await company.rows('SELECT terminal_id, seq::integer AS seq FROM quarantine')).toEqual([
      { terminal_id: company.journal(1).terminalId, seq: poison },
    ]);
    expect(await company.rows(`SELECT state FROM orders`)).toEqual([
      { state: 'delivered' },
      { state: 'delivered' },
    ]);
    expect(await faults(company)).toEqual([]);
  });

  it('once one is given up, those behind it are taken', async () => {
    await start();
    const order = sold(0, 1);
    company.journal(0).delivering(order.id, order.q);
    company.journal(0).inDoubt(order.id);
    const seq = elsewhere(0, order);
    company.journal(0).add('order-parked', order.id, { reason: 'card-lost', nextStep: '' });
    await company.upload(0);
    expect(await held()).toHaveLength(2);
    const { terminalId } = company.journal(0);
    const fact = { terminalId, epoch: 1, seq, who: '王', why: '硬盘已毁' };
    expect(
      await giveUpWaiting(office(0).db, fact, { nowMs: company.now, trust: QUICK_TRUST }),
    ).toBe(true);
    expect(await held()).toEqual([]);
    expect(await company.rows('SELECT state FROM orders')).toEqual([{ state: 'parked' }]);
  });

  it('“delivered elsewhere” waits no longer than for the word of it, though the books cannot take that', async () => {
    await start();
    const torn = sold(0, 1);
    company.journal(0).delivering(torn.id, torn.q);
    company.journal(0).inDoubt(torn.id);
    elsewhere(0, torn);
    await company.upload(0);
    const rival = sold(1, 1);
    company.journal(1).delivered(rival.id, rival.q);
    await company.upload(1);
    expect(await held()).toHaveLength(1);
    company.journal(2).assisted(company.journal(0).terminalId, torn.id, torn.q, 'after');
    await company.upload(2);
    expect((await quarantined()).map((r) => r.reason)).toEqual([
      expect.stringContaining('ON THE CARD'),
    ]);
    expect(await held()).toEqual([]);
  });

  it('one is given up while it is taken: one of the two', async () => {
    await start();
    const second = sold(0, 2);
    company.journal(0).delivering(second.id, second.q);
    const seq = company
      .journal(1)
      .assisted(company.journal(0).terminalId, second.id, second.q, 'after');
    await company.upload(1);
    const person = office(0).gate(/^SELECT 1 FROM terminals/);
    const { terminalId } = company.journal(1);
    const fact = { terminalId, epoch: 1, seq, who: '王', why: '硬盘已毁' };
    const given = giveUpWaiting(office(0).db, fact, { nowMs: company.now, trust: QUICK_TRUST });
    await person.reached;
    // Now it waits for the account.
    await company.upload(0, 1);
    const first = sold(2, 1);
    company.journal(2).delivered(first.id, first.q);
    const taking = office(1).gate(/^INSERT INTO ledger/);
    const taken = company.upload(2, 1);
    await taking.reached;
    person.open();
    await company.blocked(given);
    taking.open();
    await taken;
    const delivered = await company.rows(
      `SELECT 1 FROM ledger WHERE kind = 'delivered' AND order_id = $1`,
      [second.id],
    );
    expect(delivered.length + (await quarantined()).length).toBe(1);
    expect(await given).toBe(delivered.length === 0);
  });

  it('one terminal cannot heap up more of them on an account than its neighbours can carry', async () => {
    await start();
    const id = company.orderId(0);
    const q = soldOffline(company.account(0), 1, id);
    for (let n = 0; n < 600; n++)
      company.journal(1).assisted(company.journal(0).terminalId, id, q, 'after');
    for (const from of [1, 201, 401])
      expect(await company.journal(1).send(company.client(1), from, from + 199)).toMatchObject({
        kind: 'acked',
      });
    expect((await held()).length).toBeLessThanOrEqual(200);
    expect((await held()).length + (await quarantined()).length).toBe(600);
  });
});

describe('a batch of which one fact is refused', () => {
  it('takes accounts in the same order as everybody: nobody has to begin again', async () => {
    await start();
    const one = await company.paid(0, 1);
    const two = await company.paid(0, 0);
    const journal = company.journal(0);
    journal.add('order-kept', one.id, { insertion: 1, record: '00FF' });
    journal.add('attempt-refunded', one.id, {
      attemptId: `${one.id}/2`,
      refundId: 'half\0',
      amountFen: 0,
    });
    journal.add('order-kept', two.id, { insertion: 1, record: '00FF' });
    // Between two facts of it, which are posted one by one: the first one's account is its own.
    let savepoints = 0;
    const third = { test: (sql: string) => sql.startsWith('SAVEPOINT') && ++savepoints === 3 };
    const gate = office(0).gate(third as unknown as RegExp);
    const slow = company.upload(0, 0);
    await gate.reached;
    // As an upload of another terminal's about both would.
    const whole = office(1).db.transaction(async (tx) => {
      for (const i of [0, 1])
        await tx.query('SELECT 1 FROM accounts WHERE user_no = $1 FOR NO KEY UPDATE', [
          company.account(i).userNo,
        ]);
    });
    await company.blocked(whole);
    gate.open();
    expect(await slow).toHaveLength(1);
    await whole;
    expect(company.said).toEqual([]);
    expect(await faults(company)).toEqual([]);
  });
});

it('an older epoch’s facts do not wait for what a newer one says of them', async () => {
  await start();
  const old = sold(0, 1);
  const journal = company.journal(0);
  const { terminalId } = journal;
  await company.client(0).requestEpoch({
    epoch: 1,
    lastSeq: 0,
    lastHash: journal.hashAt(0),
    why: 'restored',
  });
  expect(await office(0).central.grantEpoch(terminalId)).toBe(2);
  const later = new TestJournal(terminalId, 2);
  later.assisted(terminalId, old.id, old.q, 'torn');
  expect(await later.send(company.client(0), 1)).toMatchObject({ kind: 'acked' });
  expect(await held()).toHaveLength(1);
  await company.upload(0);
  expect(await company.rows('SELECT state FROM orders')).toEqual([{ state: 'paid' }]);
  expect(await held()).toEqual([]);
});

it('a terminal that takes another one’s order number for a sale of its own does not get it', async () => {
  await start();
  const id = company.orderId(0);
  const q = await company.quoted(0, 0, id);
  // Its number is told to whoever asks for the account.
  const seen = await company.client(1).account(q.cardNo);
  expect(seen.ok && seen.value.account.claim?.orderId).toBe(id);
  company.journal(1).quoted(id, q, company.account(0).userNo);
  expect(await company.upload(1)).toEqual([1]);
  company.journal(0).quoted(id, q, company.account(0).userNo);
  company.journal(0).paid(id, q.amountFen);
  expect(await company.upload(0)).toEqual([]);
  expect(await faults(company)).toEqual([]);
});

it('letting go of old nonces is nobody’s refusal', async () => {
  await start();
  const { db } = office(0);
  await company.addOffice({
    ...db,
    query: (sql, params) =>
      sql.startsWith('DELETE FROM nonces')
        ? Promise.reject(Object.assign(new Error('deadlock detected'), { code: '40P01' }))
        : db.query(sql, params),
  });
  expect(await company.client(0, 2).account(company.account(0).cardNo)).toMatchObject({ ok: true });
  await company.offices.pop()?.central.close();
});

it('one connection is enough: nothing asks the pool inside a transaction', async () => {
  company = await Company.open(cluster, {
    offices: 2,
    terminals: 4,
    accounts: accountsOf(8, 2),
    connections: 1,
  });
  const street = new Street(company, 77);
  const kiosks = company.journals.map((_, i) => new Kiosk(street, i));
  await business(kiosks, 3);
  await settleAll(street, kiosks);
  for (const { central } of company.offices) await central.data();
  expect(street.seen['asked again']).toBeUndefined();
  expect(await faults(company)).toEqual([]);
  expect(await open(company)).toEqual([]);
});
