import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { decideAct, proposeMove } from '../../../src/central/sale/credit-acts.ts';
import { lastPurchases } from '../../../src/central/use/purchases.ts';
import { GRANT_BUDGET } from '../../../src/central/sale/credit-grants.ts';
import { invoicesOf, standingBlue } from '../../../src/central/invoices/rows.ts';
import { DEMO_POLICY } from '../../../src/demo/central-data.ts';
import { InvoiceRoom } from './invoice-room.ts';

const PEM = generateKeyPairSync('x25519').privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;
const [X, Y] = ['3000000001', '3000000002'];
const open = () =>
  InvoiceRoom.open('sqlite', {
    requestKeys: [PEM],
    households: [
      { userNo: X, phoneLast4: '6212', uses: [] },
      { userNo: Y, phoneLast4: '1111', uses: [] },
    ],
    meterPlatform: {
      tell: () => Promise.resolve(null),
    },
    creditAccounts: [
      {
        userNo: X,
        holderName: '王国强',
        address: '清河路 12 号',
        topUp: { meterNo: 'M1', payee: 'house' },
      },
      {
        userNo: Y,
        holderName: '李小梅',
        address: '清河路 13 号',
        topUp: { meterNo: 'M2', payee: 'house' },
        items: [
          { item: 'GY', kind: 'gas', payee: 'house', period: '2026-05', principalFen: 5_000 },
        ],
      },
    ],
    policy: {
      ...DEMO_POLICY,
      myAccount: { abnormalPercent: 200, abnormalAbove: 500, byNumber: true, lookUps: 3 },
      receipts: { url: 'https://r.example.com', invoice: true },
    },
  });
async function move(i: InvoiceRoom, orderId: string, toUser: string, items: string[] = []) {
  const by = {
    nowMs: i.room.now,
    outside: false,
    budget: GRANT_BUDGET,
    mayMove: async (tx: never, id: string) => standingBlue(await invoicesOf(tx, id)) === null,
  };
  const a = await proposeMove(
    i.room.db,
    { orderId, toUser, items, who: '王芳', why: '看错' },
    by as never,
  );
  if (!a.ok) throw new Error(a.bar);
  const d = await decideAct(
    i.room.db,
    { id: a.id, verdict: 'confirmed', who: '李强', why: '核对' },
    by as never,
  );
  expect(d.ok).toBe(true);
}

it('after a move the wrong account’s holder still sees his account', async () => {
  const i = await open();
  const order = await i.credited([['balance', 5_000]]);
  const before = await i.terminal.client.myAccount({ by: 'number', userNo: X, last4: '6212' });
  expect(before.ok && before.value?.balance).toMatchObject({ fen: 5_000 });
  // The meter has confirmed the top-up already.
  await i.room.db.query(`UPDATE meter_commands SET state = 'done', done_ms = 1`);
  await i.room.db.query(`UPDATE credit_accounts SET on_the_way_fen = 0`);
  await move(i, order, Y);
  const after = await i.terminal.client.myAccount({ by: 'number', userNo: X, last4: '6212' });
  await i.close();
  expect(after).toMatchObject({ ok: true, value: { balance: { fen: 0, onTheWayFen: 0 } } });
});

it('a moved payment is nobody else’s to look at: among the purchases of the account that was meant only', async () => {
  const i = await open();
  const order = await i.credited([['balance', 5_000]]);
  await move(i, order, Y, ['GY']);
  const x = await i.terminal.client.myAccount({ by: 'number', userNo: X, last4: '6212' });
  expect(x.ok && x.value?.purchases).toEqual([]);
  // It is the purchase of the account that was meant, without the paper that names the other.
  const of = (userNo: string) => lastPurchases(i.room.db, userNo, (id) => `receipt of ${id}`);
  expect(await of(Y)).toMatchObject([
    { orderId: order, kinds: ['gas'], amountFen: 5_000, stands: 'credited', receipt: null },
  ]);
  await move(i, order, X);
  expect(await of(Y)).toEqual([]);
  expect(await of(X)).toMatchObject([{ orderId: order, receipt: `receipt of ${order}` }]);
  await i.close();
});

it('an invoice of a moved payment names the account and the goods where it stands', async () => {
  const i = await open();
  const order = await i.credited([['balance', 5_000]]);
  await move(i, order, Y, ['GY']);
  await i.make(order);
  const body = (await i.rows()).map((r) => JSON.parse(r.body));
  await i.close();
  expect(body).toHaveLength(1);
  for (const b of body) expect(b.remark).not.toContain(X.slice(-2));
  for (const b of body) expect(b.lines[0].tax.kind).toBe('taxed');
});

it('what is paid ahead is the balance that its account shows', async () => {
  const i = await open();
  await i.room.db.query(
    `UPDATE credit_accounts SET meter_no = NULL, balance_fen = 700 WHERE user_no = '${X}'`,
  );
  const seen = await i.terminal.client.myAccount({ by: 'number', userNo: X, last4: '6212' });
  await i.close();
  expect(seen).toMatchObject({ ok: true, value: { balance: { fen: 700, onTheWayFen: 0 } } });
});
