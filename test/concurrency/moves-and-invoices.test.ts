import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { invoicesOf, standingBlue } from '../../src/central/invoices/rows.ts';
import { askBlue } from '../../src/central/invoices/ask.ts';
import { decideAct, proposeMove } from '../../src/central/sale/credit-acts.ts';
import { GRANT_BUDGET } from '../../src/central/sale/credit-grants.ts';
import { CreditTerminal, paidSale, receiptOf, saleOf } from '../support/credit.ts';
import { DEMO_POLICY } from '../../src/demo/central-data.ts';
import { FakeProvider, INVOICES } from '../support/invoices.ts';
import { Cluster } from '../support/postgres.ts';
import { attemptOfOrder, walletNumberOf } from '../unit/central/harness.ts';
import { accountsOf, Company } from './company.ts';

let cluster: Cluster;
let company: Company;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster.stop());
afterEach(() => company.close());
const office = (i: number) => company.offices[i] as Company['offices'][number];

it('an invoice that is asked for while a move is confirmed: one of the two', async () => {
  company = await Company.open(cluster, {
    terminals: 1,
    accounts: accountsOf(1),
    creditAccounts: [1, 2].map((n) => ({
      userNo: `300000000${n}`,
      holderName: '王国强',
      address: '清河路 12 号',
      topUp: { meterNo: `M${n}`, payee: 'house' },
    })),
    over: {
      invoices: { provider: new FakeProvider(), config: INVOICES },
      policy: { ...DEMO_POLICY, receipts: { url: 'https://r.example.com', invoice: true } },
    },
  });
  const orderId = company.orderId(0);
  const T = company.journal(0).terminalId;
  const k = new CreditTerminal(
    T,
    () => office(0).central,
    () => company.now,
  );
  const said = await k.quote({
    orderId,
    userNo: '3000000001',
    payee: 'house',
    lines: [{ item: 'balance', amountFen: 5_000 }],
    asOfMs: company.now,
  });
  if (!said.ok) throw new Error(said.detail);
  const sale = saleOf(said.value.quote);
  const posted = await k.post(orderId, paidSale(T, orderId, sale));
  if (!posted.ok || posted.value.state !== 'posted') throw new Error('not posted');
  const j = company.journal(0);
  const attempt = { attemptId: `${orderId}/1`, amountFen: 5_000 };
  j.add('credit-quoted', orderId, sale);
  j.add('attempt-creating', orderId, {
    ...attemptOfOrder(orderId),
    provider: 'gateway',
    amountFen: 5_000,
    expiresAtMs: 1_780_000_120_000,
  });
  j.add('attempt-paid', orderId, {
    ...attempt,
    transactionId: walletNumberOf(orderId),
    taken: true,
    evidence: receiptOf(T, orderId, 5_000),
  });
  j.add('order-paid', orderId, attempt);
  j.add('credit-posting', orderId, { attemptId: `${orderId}/1` });
  j.add('credit-posted', orderId, {
    reference: posted.value.reference,
    postedMs: posted.value.postedMs,
  });
  await company.upload(0);
  const by = {
    nowMs: company.now,
    outside: false,
    budget: GRANT_BUDGET,
    // As central has it (withoutInvoice).
    mayMove: async (tx: never, id: string) => standingBlue(await invoicesOf(tx, id)) === null,
  } as never;
  const a = await proposeMove(
    office(0).db,
    { orderId, toUser: '3000000002', items: [], who: '王芳', why: '看错' },
    by,
  );
  if (!a.ok) throw new Error(a.bar);
  const gate = office(0).gate(/^UPDATE credit_accounts/);
  const move = decideAct(
    office(0).db,
    { id: a.id, verdict: 'confirmed', who: '李强', why: 'x' },
    by,
  );
  await gate.reached;
  const blue = askBlue(
    office(1).db,
    orderId,
    { kind: 'person', name: '张', taxNo: null } as never,
    INVOICES,
    company.now,
  );
  const waits = await company.blocked(blue);
  gate.open();
  const [moved, asked] = await Promise.all([move, blue]);
  // One after the other: an invoice that comes after the move names the new account.
  expect(waits).toBe(true);
  if (asked.kind === 'asked' && moved.ok) expect(asked.row.body).toContain('02');
});
