import { afterEach, describe, expect, it } from 'vitest';
import { refuseUnpaid } from '../../src/central/sale/key-rights.ts';
import { makeAttemptIds } from '../../src/shared/order-id.ts';
import { QUICK_TRUST } from '../unit/central/harness.ts';
import { random, T, Town } from '../unit/central/gateway-town.ts';

/** Money that is on its way back before the gateway hears that it was there pays for nothing. */
let town: Town;
afterEach(() => town.close());
const ORDER = `PL-${T}-1-0001-4821`;
const AMOUNT_FEN = 10_000;
const RETURNED = 'the sale’s payment was handed back';

/** Whether a card’s key is given over what the terminal has in hand: null, or why not. */
async function keyFor(told: Awaited<ReturnType<Town['gateway']['query']>>): Promise<string | null> {
  const evidence = told.kind === 'paid' ? told.evidence : undefined;
  const sale = { orderId: ORDER, amountFen: AMOUNT_FEN, terminalId: T };
  return town.db
    .transaction((tx) =>
      refuseUnpaid(tx, QUICK_TRUST, sale, evidence && { evidence }, town.clock.nowMs()),
    )
    .then(
      () => null,
      (cause: unknown) => (cause as Error).message,
    );
}

describe('a refund that overtakes the news of its payment', () => {
  it('all but one fen at Alipay, which calls the trade paid on: no key over it', async () => {
    town = await Town.open();
    const { outTradeNo } = makeAttemptIds(ORDER, 1, random);
    const trade = { outTradeNo, amountFen: AMOUNT_FEN };
    const made = await town.gateway.create(T, {
      ...trade,
      orderId: ORDER,
      description: 'x',
      expiresAtMs: town.clock.nowMs() + 120_000,
    });
    if (made.kind !== 'pending') throw new Error(made.kind);
    const token = made.qrText.slice(made.qrText.lastIndexOf('/') + 1);
    const page = await town.gateway.openPage(token, 'alipay', '');
    if (page.kind !== 'go') throw new Error(page.kind);
    town.pay(page.url);
    const back = { ...trade, outRefundNo: 'R00001', refundFen: AMOUNT_FEN - 1, reason: 'x' };
    expect((await town.gateway.refund(T, back)).kind).toBe('done');
    expect(town.kept()).toBe(1);
    expect(await keyFor(await town.gateway.query(T, trade))).toBe(RETURNED);
  });

  it('a reversal that the wallet wants asked again: no key over what it takes back', async () => {
    town = await Town.open();
    const { outTradeNo } = makeAttemptIds(ORDER, 1, random);
    const trade = { outTradeNo, amountFen: AMOUNT_FEN, method: 'code' } as const;
    town.alipay.control.faults({ askPassword: 1 });
    const authCode = '281234567890123451';
    await town.gateway.charge(T, { ...trade, orderId: ORDER, description: 'x', authCode });
    expect(town.pay(`auth:${authCode}`)).toBe(true);
    town.alipay.control.faults({ retryCancel: 1 });
    expect((await town.gateway.reverse(T, trade)).kind).toBe('unknown');
    const told = await town.gateway.query(T, trade);
    const why = await keyFor(told);
    await town.sweepFor(300_000);
    expect([told.kind, town.kept()]).toEqual(['paid', 0]);
    expect(why).toBe(RETURNED);
  });

  it('what nobody asks back pays', async () => {
    town = await Town.open();
    const { outTradeNo } = makeAttemptIds(ORDER, 1, random);
    const trade = { outTradeNo, amountFen: AMOUNT_FEN, method: 'code' } as const;
    const authCode = '281234567890123451';
    await town.gateway.charge(T, { ...trade, orderId: ORDER, description: 'x', authCode });
    expect(await keyFor(await town.gateway.query(T, trade))).toBeNull();
  });
});
