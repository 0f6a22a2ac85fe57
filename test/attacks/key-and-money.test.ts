import { afterEach, describe, expect, it } from 'vitest';
import { masterKeyProvider } from '../../src/card/keys/master.ts';
import { SAMPLE_KEYS } from '../../src/card/keys/sample.ts';
import type { Db } from '../../src/central/db/sql.ts';
import { refundBar } from '../../src/central/gateway/bars.ts';
import type { Trade } from '../../src/central/gateway/rows.ts';
import { REFUND_BUDGET } from '../../src/central/sale/budgets.ts';
import { toHex } from '../../src/shared/bytes.ts';
import type { CardKeyBody, Quote } from '../../src/shared/central-api/index.ts';
import { orderTag } from '../../src/shared/order-tag.ts';
import { accountsOf, COUNT } from '../concurrency/company.ts';
import { attemptOfOrder, openDb, openRoom } from '../unit/central/harness.ts';
import type { Engine, Room, Terminal } from '../unit/central/harness.ts';

/**
 * A thief pays, has the card's key computed at central, writes the card with a kiosk of his own
 * making, and tells central that nothing was written: gas, and the money back.
 */
const ACCOUNTS = accountsOf(6);
const FEN = 40_000;
let room: Room;
afterEach(() => room.close());
const t = (i: number): Terminal => room.terminals[i] as Terminal;
const account = (i: number) => ACCOUNTS[i] as (typeof ACCOUNTS)[number];
let orders = 0;
interface Sale {
  readonly id: string;
  readonly q: Quote;
}
async function start(on: Engine | Db = 'sqlite'): Promise<void> {
  room = await openRoom(on, 2, {
    accounts: ACCOUNTS,
    claims: [],
    cardKeys: masterKeyProvider('sample', SAMPLE_KEYS),
  });
}
async function quoted(i: number): Promise<Sale> {
  const id = `PL-${t(0).id}-1-${String(++orders).padStart(4, '0')}-7000`;
  const { cardNo } = account(i);
  const q = await t(0).client.quote({ orderId: id, cardNo, nextCount: COUNT + 1, amountFen: FEN });
  if (!q.ok) throw new Error(q.error.code);
  return { id, q: q.value };
}
const number = (value: number, bytes: number): string =>
  value
    .toString(16)
    .toUpperCase()
    .padStart(2 * bytes, '0');
/** The MAC by which the card takes the purchase: from here on the gas is the thief's. */
async function cardKey({ id, q }: Sale, n = 1): Promise<void> {
  const request: CardKeyBody = {
    verb: 'update-mac',
    s8: `000000${q.cardNo}`,
    challenge: '01020304',
    header: '04D6970015',
    record: `${number(q.nextCount, 2)}${number(q.quantity, 4)}${number(205_000 + q.quantity, 4)}260529${toHex(orderTag(id))}`,
    paid: { evidence: t(0).journal.receipt(id, q.amountFen, n) },
  };
  const answer = await t(0).client.cardKey(request);
  expect(answer.ok, JSON.stringify(answer)).toBe(true);
}
/** What the gateway would say to a refund of the order's `n`-th payment. */
const bar = ({ id }: Sale, n = 1) =>
  room.db.transaction((tx) =>
    refundBar(tx, { order_id: id, out_trade_no: attemptOfOrder(id, n).outTradeNo } as Trade),
  );
const refundClaim = ({ id, q }: Sale) =>
  t(0).client.claim(id, 'refund', q.cardNo, null, { unwritten: 'unexposed', writes: 0 });

describe('a card’s key was given', () => {
  it('and nothing of it is told: the refund is one on a reader’s word, within the budget', async () => {
    await start();
    const sale = await quoted(0);
    await cardKey(sale);
    t(0).journal.quoted(sale.id, sale.q, account(0).userNo);
    t(0).journal.paid(sale.id, FEN);
    expect(await t(0).upload()).toEqual([]);
    expect(FEN).toBeGreaterThan(REFUND_BUDGET.accountFen);
    // “Nothing ever left the machine.”
    expect(await refundClaim(sale)).toMatchObject({ ok: false, error: { code: 'BILL-0111' } });
    expect(await bar(sale)).toBe('claimed-not');
  });

  it('and its refund is begun first: the claim comes no more cheaply', async () => {
    await start();
    const sale = await quoted(0);
    await cardKey(sale);
    const { journal } = t(0);
    journal.quoted(sale.id, sale.q, account(0).userNo);
    journal.paid(sale.id, FEN);
    const body = { attemptId: `${sale.id}/1`, failure: { code: 'CARD-0204' } };
    journal.add('order-refunding', sale.id, body);
    expect(await t(0).upload()).toEqual([]);
    expect(await bar(sale)).toBe('claimed-not');
    const claim = await refundClaim(sale);
    if (claim.ok) {
      const { grant } = claim.value;
      journal.add('order-refunding', sale.id, { ...body, grant });
      await t(0).upload();
    }
    expect(await bar(sale)).toBe('claimed-not');
    expect(claim).toMatchObject({ ok: false, error: { code: 'BILL-0111' } });
  });

  it('over one payment, and another is told as the one that was taken: neither goes back', async () => {
    await start();
    const sale = await quoted(0);
    await cardKey(sale);
    const { journal } = t(0);
    // Another order that stands on its word alone: so they are counted.
    const other = await quoted(1);
    for (const s of [sale, other]) {
      journal.quoted(s.id, s.q, account(s === sale ? 0 : 1).userNo);
      const { attemptId } = attemptOfOrder(s.id, 2);
      journal.add('attempt-paid', s.id, {
        attemptId,
        transactionId: 'made up',
        amountFen: FEN,
        taken: true,
      });
      journal.add('order-paid', s.id, { attemptId, amountFen: FEN });
    }
    await t(0).upload();
    expect(await room.db.query('SELECT 1 FROM orders WHERE unproven')).toHaveLength(2);
    expect(await bar(sale)).toBe('claimed-not');
    journal.delivered(sale.id, sale.q);
    await t(0).upload();
    expect(await bar(sale)).toBe('claimed-not');
  });

  it('over a second payment, after the one that was taken went back: it stays', async () => {
    await start();
    const sale = await quoted(0);
    const { journal } = t(0);
    journal.quoted(sale.id, sale.q, account(0).userNo);
    journal.paid(sale.id, FEN);
    expect(await t(0).upload()).toEqual([]);
    // The gateway hands the first one back: nothing is known to be written.
    expect(await bar(sale)).toBeNull();
    await room.db.query('UPDATE payment_evidence SET returned_ms = 1');
    await cardKey(sale, 2);
    expect(await bar(sale, 2)).toBe('claimed-not');
    journal.delivered(sale.id, sale.q);
    await t(0).upload();
    expect(await bar(sale, 2)).toBe('claimed-not');
  });

  it('at the very moment of the refund claim: one of the two finds the other', async () => {
    const db = await openDb('postgres');
    const sale: { now?: Sale; claim?: ReturnType<typeof refundClaim> } = {};
    /** In the middle of the key’s transaction: until the claim is through, or waits for it. */
    const meanwhile = async (): Promise<void> => {
      if (sale.now === undefined || sale.claim !== undefined) return;
      let through = false;
      sale.claim = refundClaim(sale.now);
      void sale.claim.finally(() => (through = true));
      const waits = () =>
        db.query(`SELECT 1 FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'`);
      while (!through && (await waits()).length === 0);
    };
    await start({
      ...db,
      transaction: (run) =>
        db.transaction((tx) =>
          run({
            exec: (text) => tx.exec(text),
            query: async (text, params) => {
              if (text.includes('INSERT INTO order_records')) await meanwhile();
              return tx.query(text, params);
            },
          }),
        ),
    });
    const one = await quoted(0);
    t(0).journal.quoted(one.id, one.q, account(0).userNo);
    t(0).journal.paid(one.id, FEN);
    expect(await t(0).upload()).toEqual([]);
    sale.now = one;
    await cardKey(one);
    expect(await sale.claim).toMatchObject({ ok: false, error: { code: 'BILL-0111' } });
    expect(await bar(one)).toBe('claimed-not');
  });
});
