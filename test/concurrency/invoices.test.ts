import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { CentralAnswer } from '../../src/central/http/request.ts';
import { DEMO_POLICY } from '../../src/demo/central-data.ts';
import { makeReceiptToken } from '../../src/shared/receipt-link.ts';
import { FakeProvider, INVOICES } from '../support/invoices.ts';
import { Cluster } from '../support/postgres.ts';
import { attemptOfOrder, quickSigner } from '../unit/central/harness.ts';
import { accountsOf, Company } from './company.ts';

/** Invoices, two phones at once, and money that leaves meanwhile; at two processes of central. */
let cluster: Cluster;
let company: Company;
let provider: FakeProvider;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster.stop());
afterEach(() => company.close());

/** @returns an order that is delivered, and told */
async function start(): Promise<string> {
  provider = new FakeProvider();
  company = await Company.open(cluster, {
    terminals: 1,
    accounts: accountsOf(1),
    over: {
      invoices: { provider, config: INVOICES },
      policy: { ...DEMO_POLICY, receipts: { url: 'https://r.example.com', invoice: true } },
    },
  });
  const { id, q } = await company.paid(0, 0);
  company.journal(0).delivered(id, q);
  await company.upload(0);
  return id;
}
const office = (i: number) => company.offices[i] as Company['offices'][number];
/** The last tap of a customer's, at one of the processes. */
const make = (orderId: string, name: string, at: number): Promise<CentralAnswer> =>
  office(at).central.handle({
    method: 'POST',
    target: `/r/${makeReceiptToken(quickSigner(company.journal(0).terminalId), orderId)}/invoice`,
    headers: {},
    body: Buffer.from(
      new URLSearchParams({ step: 'make', kind: 'person', name, tax: '' }).toString(),
    ),
  });
const states = async (): Promise<readonly string[]> =>
  (
    await company.rows<{ kind: string; state: string }>(
      'SELECT kind, state FROM invoices ORDER BY made_ms, request_id',
    )
  ).map((row) => `${row.kind} ${row.state}`);

it('two phones that ask at once have one invoice', async () => {
  const order = await start();
  const gate = office(0).gate(/^INSERT INTO invoices/);
  const first = make(order, '张小明', 0);
  await gate.reached;
  const second = make(order, '李秀英', 1);
  expect(await company.blocked(second)).toBe(true);
  gate.open();
  expect((await first).status).toBe(303);
  const later = await second;
  expect(later.status).toBe(409);
  expect(later.body).not.toContain('张小明');
  expect(await states()).toEqual(['blue issued']);
  expect(provider.standing().map((b) => b.buyer.name)).toEqual(['张小明']);
});

it('ten taps at both processes have one', async () => {
  const order = await start();
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, i) => make(order, `张${i}`, i % 2)),
  );
  expect(answers.filter((a) => a.status === 303).length).toBeGreaterThan(0);
  expect(await states()).toEqual(['blue issued']);
  expect(provider.standing()).toHaveLength(1);
});

it('both processes that look at once send a request once, and believe its end once', async () => {
  const order = await start();
  provider.mood = 'lose-answer';
  await make(order, '张小明', 0);
  company.now += 3_700_000;
  provider.mood = 'issue';
  await Promise.all([office(0).central.sweepPayments(), office(1).central.sweepPayments()]);
  expect(await states()).toEqual(['blue issued']);
  expect(provider.asked.filter((a) => a.startsWith('blue'))).toHaveLength(1);
});

it('money that is told to go back while it is asked for is seen, whoever was first', async () => {
  const order = await start();
  const gate = office(0).gate(/^INSERT INTO invoices/);
  const asked = make(order, '张小明', 0);
  await gate.reached;
  company.journal(0).add('attempt-refunded', order, {
    attemptId: attemptOfOrder(order).attemptId,
    refundId: 'F1',
    amountFen: 10_000,
  });
  const told = company.upload(0, 1);
  expect(await company.blocked(told)).toBe(true);
  gate.open();
  await Promise.all([asked, told]);
  for (let i = 0; i < 3; i++) {
    company.now += 3_700_000;
    await office(i % 2).central.sweepPayments();
  }
  expect(provider.standing()).toEqual([]);
  expect((await states()).filter((s) => s === 'blue issued')).toEqual([]);
});

it('… and the other way about', async () => {
  const order = await start();
  company.journal(0).add('attempt-refunded', order, {
    attemptId: attemptOfOrder(order).attemptId,
    refundId: 'F1',
    amountFen: 10_000,
  });
  const gate = office(1).gate(/^UPDATE invoices SET look_ms = 0/);
  const told = company.upload(0, 1);
  await gate.reached;
  const asked = make(order, '张小明', 0);
  expect(await company.blocked(asked)).toBe(true);
  gate.open();
  await told;
  expect((await asked).body).toContain('款已退回');
  expect(await states()).toEqual([]);
  expect(provider.taken.size).toBe(0);
});
