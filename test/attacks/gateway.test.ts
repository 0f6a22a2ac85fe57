import { afterEach, describe, expect, it } from 'vitest';
import { LEDGER } from '../../src/central/books/tables.ts';
import { insertRows } from '../../src/central/db/sets.ts';
import { letGo, mayHandBack, refundWaits } from '../../src/central/gateway/budgets.ts';
import type { Desk } from '../../src/central/gateway/desk.ts';
import { ORDERS } from '../../src/central/sale/tables.ts';
import type { OrderRow } from '../../src/central/sale/tables.ts';
import { makeAttemptIds } from '../../src/shared/order-id.ts';
import { random, T, Town } from '../unit/central/gateway-town.ts';

/** A thief with a terminal's key asks the gateway for money that is not his. */
let town: Town;
afterEach(() => town.close());
const ORDER = `PL-${T}-1-0001-4821`;
const AMOUNT_FEN = 10_000;

/** A trade of the order's `n`-th attempt, paid by WeChat or by the customer's own code. */
async function paid(n: number, method: 'qr' | 'code' = 'qr') {
  const { outTradeNo, attemptId } = makeAttemptIds(ORDER, n, random);
  const trade = { outTradeNo, amountFen: AMOUNT_FEN };
  const request = { ...trade, orderId: ORDER, description: 'x' };
  if (method === 'code') {
    await town.gateway.charge(T, { ...request, authCode: `28123456789012345${n}` });
    return { ...trade, attemptId };
  }
  const expiresAtMs = town.clock.nowMs() + 120_000;
  const made = await town.gateway.create(T, { ...request, expiresAtMs });
  if (made.kind !== 'pending') throw new Error(made.kind);
  const token = made.qrText.slice(made.qrText.lastIndexOf('/') + 1);
  const page = await town.gateway.openPage(token, 'wechat', '');
  if (page.kind !== 'go') throw new Error(page.kind);
  town.pay(page.url);
  expect((await town.gateway.query(T, trade)).kind).toBe('paid');
  return { ...trade, attemptId };
}
type Paid = Awaited<ReturnType<typeof paid>>;
/** What central's books know of the order, which took that attempt's money. */
async function booked(attemptId: string, over: Partial<OrderRow>): Promise<void> {
  const nothing = Object.fromEntries(Object.keys(ORDERS.columns).map((c) => [c, null]));
  const order = {
    ...nothing,
    order_id: ORDER,
    terminal_id: T,
    card_no: '8800003921',
    user_no: '1',
    sale: 'card',
    next_count: 42,
    amount_fen: AMOUNT_FEN,
    quantity: 3_773,
    carried_used_micro: 0,
    carried_after_micro: 0,
    offline: false,
    tag: '00',
    state: 'paid',
    money_taken: true,
    counter_claim: false,
    origin_delivered: false,
    unproven: false,
    as_of_ms: 0,
    year_start_ms: 0,
    judged: null,
    refund_granted: false,
    created_ms: 1,
    changed_ms: 1,
    ...over,
  };
  await insertRows(town.db, ORDERS, [order as unknown as OrderRow]);
  await insertRows(town.db, LEDGER, [
    {
      terminal_id: T,
      epoch: 1,
      seq: 1,
      order_id: ORDER,
      attempt_id: attemptId,
      user_no: '1',
      kind: 'captured',
      amount_fen: AMOUNT_FEN,
      quantity: 0,
      micro: 0,
      reference: null,
      at_ms: 1,
    },
  ]);
}
const refund = (trade: { outTradeNo: string }) =>
  town.gateway.refund(T, {
    outTradeNo: trade.outTradeNo,
    amountFen: AMOUNT_FEN,
    outRefundNo: `R${trade.outTradeNo}`,
    refundFen: AMOUNT_FEN,
    reason: 'x',
  });

describe('the money of an order that was delivered', () => {
  it('does not go back by a bare request, nor by a reversal', async () => {
    for (const method of ['qr', 'code'] as const) {
      town = await Town.open();
      const trade = await paid(1, method);
      await booked(trade.attemptId, { state: 'delivered', delivered_by: T });
      const told =
        method === 'qr'
          ? await refund(trade)
          : await town.gateway.reverse(T, { ...trade, method: 'code' });
      expect(told).toMatchObject({ kind: 'refused', failure: { code: 'PAY-0301' } });
      expect(town.kept()).toBe(AMOUNT_FEN);
      if (method === 'qr') await town.close();
    }
  });

  it('a second capture of it does: the order took the other one', async () => {
    town = await Town.open();
    const first = await paid(1);
    const second = await paid(2);
    await booked(first.attemptId, { state: 'delivered', delivered_by: T });
    expect((await refund(second)).kind).toBe('accepted');
    expect(await refund(first)).toMatchObject({ kind: 'refused' });
    expect(town.kept()).toBe(AMOUNT_FEN);
  });
});

describe('the money of an invoice that stands', () => {
  it('waits for the red one, which is asked for; a second capture does not wait', async () => {
    for (const method of ['qr', 'code'] as const) {
      town = await Town.open();
      const trade = await paid(1, method);
      const second = await paid(2);
      await booked(trade.attemptId, { state: 'parked', refund_granted: true });
      await town.db.query(
        `INSERT INTO invoices (request_id, order_id, attempt_id, kind, state, amount_fen, body,
           number, made_ms) VALUES ('B', $1, $2, 'blue', 'issued', $3, '{}', '1', 1)`,
        [ORDER, trade.attemptId, AMOUNT_FEN],
      );
      const ask = () =>
        method === 'qr' ? refund(trade) : town.gateway.reverse(T, { ...trade, method: 'code' });
      for (let i = 0; i < 2; i++)
        expect(await ask()).toMatchObject({ kind: 'unknown', failure: { code: 'INV-0101' } });
      expect((await refund(second)).kind).toBe('accepted');
      expect(town.kept()).toBe(AMOUNT_FEN);
      expect(
        await town.db.query(`SELECT of_request, who, state FROM invoices WHERE kind = 'red'`),
      ).toEqual([{ of_request: 'B', who: 'central', state: 'asked' }]);
      await town.db.query(`UPDATE invoices SET state = 'reversed' WHERE kind = 'blue'`);
      expect(['accepted', 'reversed']).toContain((await ask()).kind);
      expect(town.kept()).toBe(0);
      if (method === 'qr') await town.close();
    }
  });
});

describe('the money of an order whose write has begun', () => {
  it('waits for the refund claim, which is one kiosk’s alone', async () => {
    for (const method of ['qr', 'code'] as const) {
      town = await Town.open();
      const trade = await paid(1, method);
      await booked(trade.attemptId, { state: 'in-doubt' });
      const ask = () =>
        method === 'qr' ? refund(trade) : town.gateway.reverse(T, { ...trade, method: 'code' });
      // Not refused: the claim may be on its way, and then it is asked again.
      expect((await ask()).kind).toBe('unknown');
      await town.db.query('UPDATE orders SET refund_claimed_ms = 1, counter_claim = true');
      expect((await ask()).kind).toBe('unknown');
      expect(town.kept()).toBe(AMOUNT_FEN);
      await town.db.query('UPDATE orders SET counter_claim = false, refund_granted = true');
      expect(['accepted', 'reversed']).toContain((await ask()).kind);
      expect(town.kept()).toBe(0);
      if (method === 'qr') await town.close();
    }
  });

  it('has begun with the card’s key, whatever is told of it', async () => {
    town = await Town.open();
    const trade = await paid(1);
    await booked(trade.attemptId, { state: 'paid' });
    const use = (granted: boolean) =>
      town.db.query(
        `INSERT INTO key_uses (terminal_id, order_id, card_no, verb, granted, at_ms)
         VALUES ($1, $2, '8800003921', 'code', $3, 1)`,
        [T, ORDER, granted],
      );
    await use(true);
    expect((await refund(trade)).kind).toBe('unknown');
    // What the terminal itself tells of a refund is no grant.
    await town.db.query(`UPDATE orders SET refund_claimed_ms = 1, state = 'refunding'`);
    expect((await refund(trade)).kind).toBe('unknown');
    await town.db.query('UPDATE orders SET refund_granted = true');
    expect((await refund(trade)).kind).toBe('accepted');
    await town.close();
    // Nothing of the order was told yet: the key was given over this payment all the same.
    town = await Town.open();
    const untold = await paid(1);
    await use(true);
    expect((await refund(untold)).kind).toBe('unknown');
    expect(
      (await town.gateway.reverse(T, { ...(await paid(2, 'code')), method: 'code' })).kind,
    ).toBe('unknown');
    await town.close();
    // One that was refused begins nothing.
    town = await Town.open();
    const other = await paid(1);
    await booked(other.attemptId, { state: 'paid' });
    await use(false);
    expect((await refund(other)).kind).toBe('accepted');
  });

  it('what the books do not know yet bars nothing: uploads may lag', async () => {
    town = await Town.open();
    const trade = await paid(1);
    expect((await refund(trade)).kind).toBe('accepted');
    expect(town.kept()).toBe(0);
  });
});

describe('hand-backs in bulk, of orders of which nobody told anything', () => {
  /** So many payments that the thief's accomplices made, each for an order of its own. */
  async function payments(count: number, method: 'qr' | 'code' = 'qr') {
    const trades = [];
    for (let n = 1; n <= count; n++) trades.push(await paid(n, method));
    return trades;
  }
  const answerOf = (told: { kind: string; failure?: { code: string } }) =>
    told.failure?.code ?? told.kind;

  it('go as far as the terminal’s budget of a day; what is beyond waits, and is not lost', async () => {
    town = await Town.open();
    const trades = await payments(23);
    const told = [];
    for (const trade of trades) told.push(answerOf(await refund(trade)));
    expect(told.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 'accepted'));
    expect(told.slice(20)).toEqual(['PAY-0205', 'PAY-0205', 'PAY-0205']);
    expect(town.kept()).toBe(3 * AMOUNT_FEN);
    // Asked again and again it is the same, and says so to whoever asks for its standing.
    const [late, later, last] = trades.slice(20) as [Paid, Paid, Paid];
    expect(await refund(late)).toMatchObject({ kind: 'unknown' });
    expect(
      await town.gateway.queryRefund(T, {
        outTradeNo: late.outTradeNo,
        amountFen: AMOUNT_FEN,
        outRefundNo: `R${late.outTradeNo}`,
        refundFen: AMOUNT_FEN,
        reason: 'x',
      }),
    ).toMatchObject({ kind: 'unknown', failure: { code: 'PAY-0205' } });
    expect(await town.db.query('SELECT alarm FROM terminals')).toEqual([
      { alarm: 'TOO MANY: refund' },
    ]);
    expect(await refundWaits(town.db)).toHaveLength(3);
    // Two persons let one go; the others have the next day's budget.
    const go = { terminalId: T, number: `R${late.outTradeNo}`, who: '王', why: '核对过' };
    expect(await letGo(town.db, go, town.clock.nowMs())).toBe('asked');
    // He alone does not, however he spells himself: his friend may have the terminal's key.
    for (const who of ['王', ' 王。'])
      expect(await letGo(town.db, { ...go, who }, town.clock.nowMs())).toBe('same-person');
    expect((await refund(late)).kind).toBe('unknown');
    expect((await refundWaits(town.db))[0]?.asked).toEqual({ who: '王', why: '核对过' });
    expect(await letGo(town.db, { ...go, who: '李' }, town.clock.nowMs())).toBe('done');
    expect(await letGo(town.db, { ...go, who: '李' }, town.clock.nowMs())).toBe('gone');
    expect((await refund(late)).kind).toBe('accepted');
    expect((await refund(later)).kind).toBe('unknown');
    town.clock.advance(86_400_000);
    expect((await refund(later)).kind).toBe('accepted');
    expect((await refund(last)).kind).toBe('accepted');
    expect(town.kept()).toBe(0);
    expect(await refundWaits(town.db)).toEqual([]);
    // What is on its way is asked about without a second spending.
    expect((await refund(last)).kind).toBe('done');
    expect(await town.db.query('SELECT refunds FROM refund_days ORDER BY day')).toEqual([
      { refunds: 20 },
      { refunds: 2 },
    ]);
  });

  it('nor under a number that a person let go for another payment', async () => {
    town = await Town.open();
    const trades = await payments(22, 'qr');
    for (const trade of trades.slice(0, 20)) expect((await refund(trade)).kind).toBe('accepted');
    const [small, other] = trades.slice(20);
    if (small === undefined || other === undefined) throw new Error('no trade');
    const number = `R${small.outTradeNo}`;
    expect(answerOf(await refund(small))).toBe('PAY-0205');
    const go = { terminalId: T, number, who: '王', why: '核对过' };
    for (const who of ['王', '李']) await letGo(town.db, { ...go, who }, town.clock.nowMs());
    const swapped = await town.gateway.refund(T, {
      outTradeNo: other.outTradeNo,
      amountFen: AMOUNT_FEN,
      outRefundNo: number,
      refundFen: AMOUNT_FEN,
      reason: 'x',
    });
    expect(answerOf(swapped)).toBe('PAY-0205');
    expect(town.kept()).toBe(2 * AMOUNT_FEN);
    expect((await refund(small)).kind).toBe('accepted');
  });

  it('nor by reversals, told or not told of the payment', async () => {
    town = await Town.open();
    const trades = await payments(21, 'code');
    const told = [];
    for (const trade of trades)
      told.push(answerOf(await town.gateway.reverse(T, { ...trade, method: 'code' })));
    expect(told.filter((kind) => kind === 'reversed')).toHaveLength(20);
    expect(told.at(-1)).toBe('PAY-0205');
    expect(town.kept()).toBe(AMOUNT_FEN);
    // A customer types a password, and the gateway hears nothing of it.
    town.wechat.control.faults({ askPassword: 1 });
    const { outTradeNo } = makeAttemptIds(ORDER, 30, random);
    const request = { outTradeNo, amountFen: AMOUNT_FEN, orderId: ORDER, description: 'x' };
    const authCode = '134567890123456789';
    expect(await town.gateway.charge(T, { ...request, authCode })).toEqual({ kind: 'paying' });
    expect(town.pay(`auth:${authCode}`)).toBe(true);
    const late = { outTradeNo, amountFen: 1, method: 'code' as const };
    expect(answerOf(await town.gateway.reverse(T, late))).toBe('PAY-0205');
    expect(town.kept()).toBe(2 * AMOUNT_FEN);
  });

  it('by the sum as well as by the number, each terminal for itself', async () => {
    town = await Town.open();
    const told = await town.db.transaction(async (tx) => {
      const desk = { now: () => town.clock.nowMs() } as unknown as Desk;
      const ask = (terminalId: string, number: string, fen: number) =>
        mayHandBack(tx, desk, { terminalId, number, outTradeNo: number, fen });
      return [
        await ask(T, 'R1', 499_999),
        await ask(T, 'R2', 2),
        await ask(T, 'R3', 1),
        await ask('000000000312', 'R4', 500_000),
        await ask('000000000313', 'R5', 500_001),
      ];
    });
    expect(told).toEqual([true, false, true, true, false]);
  });
});
