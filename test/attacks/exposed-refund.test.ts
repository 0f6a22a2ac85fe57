import { afterEach, describe, expect, it } from 'vitest';
import { masterKeyProvider } from '../../src/card/keys/master.ts';
import { SAMPLE_KEYS } from '../../src/card/keys/sample.ts';
import type { CentralOptions } from '../../src/central/central.ts';
import { REFUND_BUDGET } from '../../src/central/sale/budgets.ts';
import { toHex } from '../../src/shared/bytes.ts';
import type { Quote } from '../../src/shared/central-api/index.ts';
import { orderTag } from '../../src/shared/order-tag.ts';
import type { Unwritten } from '../../src/shared/trust.ts';
import { accountsOf, COUNT, soldOffline } from '../concurrency/company.ts';
import { attemptOfOrder, openRoom } from '../unit/central/harness.ts';
import type { Room, Terminal } from '../unit/central/harness.ts';

/**
 * A thief with one terminal's key and an accomplice's card. What was carried out once, in a
 * simulated town: he paid ¥500, wrote the card with what central computed, said that nothing ever
 * left his machine (or that the card proved it), and had his ¥500 back; as often as he liked.
 */
const ACCOUNTS = accountsOf(6);
let room: Room;
afterEach(() => room.close());
const t = (): Terminal => room.terminals[0] as Terminal;
const account = (i: number) => ACCOUNTS[i] as (typeof ACCOUNTS)[number];
let orders = 0;

interface Sale {
  readonly id: string;
  readonly i: number;
  readonly q: Quote;
}
async function paid(i: number, amountFen: number): Promise<Sale> {
  const id = `PL-${t().id}-1-${String(++orders).padStart(4, '0')}-7000`;
  const { cardNo, userNo } = account(i);
  const q = await t().client.quote({ orderId: id, cardNo, nextCount: COUNT + 1, amountFen });
  if (!q.ok) throw new Error(q.error.code);
  t().journal.quoted(id, q.value, userNo);
  t().journal.paid(id, amountFen);
  await t().upload();
  return { id, i, q: q.value };
}
async function start(over: Partial<CentralOptions> = {}): Promise<void> {
  room = await openRoom('sqlite', 1, {
    accounts: ACCOUNTS,
    claims: [],
    cardKeys: masterKeyProvider('sample', SAMPLE_KEYS),
    ...over,
  });
}
/** The card is written: central computed what that takes. */
async function written({ i, id, q }: Sale): Promise<void> {
  const number = (value: number, bytes: number): string =>
    value
      .toString(16)
      .toUpperCase()
      .padStart(2 * bytes, '0');
  const s8 = `000000${account(i).cardNo}`;
  const { client } = t();
  const auth = await client.cardKey({ verb: 'external-auth', s8, challenge: '00'.repeat(8) });
  const mac = await client.cardKey({
    verb: 'update-mac',
    s8,
    challenge: '01020304',
    header: '04D6970015',
    record: `${number(COUNT + 1, 2)}${number(q.quantity, 4)}${number(
      account(i).cumulative + q.quantity,
      4,
    )}260529${toHex(orderTag(id))}`,
  });
  if (!auth.ok || !mac.ok) throw new Error('no keys for a paid sale');
}
/** A purse is loaded: central computed its leave. */
const loaded = ({ i, id }: Sale): Promise<unknown> =>
  room.db.query(
    `INSERT INTO key_uses (terminal_id, order_id, card_no, verb, granted, why, at_ms)
     VALUES ($1, $2, $3, 'load-leave', true, NULL, $4)`,
    [t().id, id, account(i).cardNo, room.now],
  );
const refund = async (sale: Sale, unwritten: Unwritten): Promise<string> => {
  const told = { unwritten, writes: 0 };
  const { client } = t();
  const said = await client.claim(sale.id, 'refund', account(sale.i).cardNo, null, told);
  return said.ok ? 'granted' : said.error.code;
};

describe('a terminal that central computed a card’s keys for', () => {
  it('is not believed that nothing left it, nor that a file’s card proved anything', async () => {
    await start();
    for (const [i, word] of (['unexposed', 'proven'] as const).entries()) {
      const sale = await paid(i, REFUND_BUDGET.accountFen + 10_000);
      await written(sale);
      expect(await refund(sale, word), word).toBe('BILL-0111');
    }
    // Below the budget one goes back, as on any reader's word; and is counted.
    const small = await paid(2, 10_000);
    await written(small);
    expect(await refund(small, 'unexposed')).toBe('granted');
    expect((await room.central.data()).unprovenRefunds.map((r) => r.orderId)).toContain(small.id);
    // Where nothing was computed, nothing is on the card.
    expect(await refund(await paid(3, 50_000), 'unexposed')).toBe('granted');
  });

  it('is believed a purse’s proof for so much a day only', async () => {
    await start();
    const said: string[] = [];
    for (let i = 0; i < 3; i++) {
      const sale = await paid(i, 50_000);
      await loaded(sale);
      said.push(await refund(sale, 'proven'));
    }
    expect(said).toEqual(['granted', 'granted', 'BILL-0111']);
  });

  it('is not paid for by a larger sale under the same count that nobody else knows of', async () => {
    await start({ refundBudget: { ...REFUND_BUDGET, accountFen: 5_000 } });
    const sale = await paid(0, 10_000);
    await written(sale);
    const id = `PL-${t().id}-1-${String(++orders).padStart(4, '0')}-7000`;
    const { journal } = t();
    const q = soldOffline(account(0), 1, id);
    journal.quoted(id, q, account(0).userNo, { offline: true });
    const { amountFen } = q;
    const attempt = attemptOfOrder(id);
    const { attemptId } = attempt;
    journal.add('attempt-creating', id, {
      ...attempt,
      provider: 'gateway',
      amountFen,
      expiresAtMs: 1,
    });
    journal.add('attempt-paid', id, { attemptId, transactionId: '4200', amountFen, taken: true });
    journal.add('order-paid', id, { attemptId, amountFen });
    journal.delivered(id, q);
    await t().upload();
    const told = await room.db.query(
      'SELECT 1 FROM orders WHERE order_id = $1 AND money_taken AND unproven AND delivered_by = $2',
      [id, t().id],
    );
    expect(told).toHaveLength(1);
    expect(await refund(sale, 'unproven')).toBe('BILL-0111');
  });
});
