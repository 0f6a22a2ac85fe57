import { afterEach, describe, expect, it } from 'vitest';
import { LEDGER } from '../../src/central/books/tables.ts';
import { insertRows } from '../../src/central/db/sets.ts';
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
/** What central's books know of the order, which took that attempt's money. */
async function booked(attemptId: string, over: Partial<OrderRow>): Promise<void> {
  const nothing = Object.fromEntries(Object.keys(ORDERS.columns).map((c) => [c, null]));
  const order = {
    ...nothing,
    order_id: ORDER,
    terminal_id: T,
    card_no: '8800003921',
    user_no: '1',
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
      await town.db.query('UPDATE orders SET counter_claim = false');
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
    await town.db.query('UPDATE orders SET refund_claimed_ms = 1');
    expect((await refund(trade)).kind).toBe('accepted');
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
