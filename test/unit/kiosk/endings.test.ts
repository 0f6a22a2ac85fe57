import { cardSaleOf } from '../../../src/shared/sale.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { orderFacts, standingOf } from '../../../src/kiosk/words/standing.ts';
import { ASK_FIRST_MS, UNKNOWN_GIVE_UP_MS } from '../../../src/kiosk/order/attempt-run.ts';
import { WAIT_CARD_MS } from '../../../src/kiosk/delivery/card.ts';
import type { AttemptRow } from '../../../src/journal/fold.ts';
import { failure } from '../../../src/shared/errors.ts';
import { err } from '../../../src/shared/result.ts';
import { slipLines } from '../../../src/kiosk/words/slips.ts';
import type { OpenOrder } from '../../../src/kiosk/state/order.ts';
import { header } from '../../support/screens-fixtures.ts';
import { POLICY, World } from '../../support/kiosk-world.ts';

const SLIP_AT = { header, hotline: '95158', nowMs: 1_780_000_000_000 } as const;

/**
 * Every way an order can end. After each the books of provider, journal and card are compared,
 * attempt by attempt.
 */
let w: World;
beforeEach(async () => {
  w = new World();
  await w.start();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

const rise = (id: string, of: { cumulative: number }): number =>
  w.purchase(id).cumulative - of.cumulative;
const refunds = (): number => [...w.pay.trades.values()].reduce((n, t) => n + t.refunds.size, 0);

describe('a slip', () => {
  it('says where, when, by what and under which numbers, and thanks; in the language of the visit', async () => {
    await w.toPay('golden', 10_000);
    w.pay.pay();
    await w.untilScreen('done');
    const zh = w.printed.at(-1) ?? '';
    const { transactionId, outTradeNo } = w.attempts()[0] as AttemptRow;
    for (const part of ['购气凭条', '地点', '机器编号', '付款方式', '已写入卡', '谢谢'])
      expect(zh).toContain(part);
    expect(zh).toContain(`支付平台单号 ${transactionId}`);
    expect(zh).toContain(`商户单号 ${outTradeNo}`);
    await w.remove();
    await w.run(60_000);
    w.visitMeter('golden');
    await w.tap('set-locale', 'en');
    await w.toPay('golden', 5_000);
    w.pay.pay();
    await w.untilScreen('done');
    const en = w.printed.at(-1) ?? '';
    expect(en).toContain('Receipt');
    expect(en).not.toMatch(/[\u4e00-\u9fff]/);
  });
});

describe('a receipt', () => {
  it('names the payment that the order took, not one that went back', async () => {
    await w.toPay('golden', 10_000);
    w.pay.pay();
    await w.untilScreen('done');
    const open = w.order();
    const [paid] = w.attempts();
    if (paid === undefined) throw new Error('no attempt');
    const back = { ...paid, attemptId: `${open.orderId}/0`, transactionId: 'BACK', taken: false };
    const lines = slipLines(
      { order: open, attempts: [back, paid] } as unknown as OpenOrder,
      'receipt',
      { ...SLIP_AT, locale: 'zh-CN' },
    );
    const texts = lines.flatMap((l) => (l.kind === 'text' ? [l.text] : []));
    expect(texts).toContain(`支付平台单号 ${paid.transactionId}`);
    expect(texts.join()).not.toContain('BACK');
  });
});

describe('a sale', () => {
  it('is delivered, with every screen in its turn', async () => {
    const before = w.purchase('golden');
    await w.toPay('golden', 10_000);
    expect(w.shown('pay')).toMatchObject({
      amountFen: 10_000,
      quantity: 3773,
      qrText: w.pay.newest().qrText,
      cancelOffered: true,
    });
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.shown('done')).toMatchObject({
      quantity: 3773,
      count: 42,
      cardOut: false,
      receipt: 'printed',
      carriedAfterMicro: 15_500,
      deadlineMs: null,
    });
    expect(rise('golden', before)).toBe(3773);
    await w.run(60_000);
    expect(w.screen).toBe('done');
    await w.remove();
    expect(w.shown('done').cardOut).toBe(true);
    await w.run(30_500);
    expect(w.screen).toBe('start');
    expect(w.screens).toEqual(['start', 'reading', 'amount', 'pay', 'writing', 'done', 'start']);
    expect(w.kinds().filter((k) => k.startsWith('order') || k.startsWith('attempt'))).toEqual([
      'order-quoted',
      'attempt-creating',
      'attempt-pending',
      'attempt-paid',
      'order-paid',
      'order-delivering',
      'order-delivered',
    ]);
    await w.until('uploaded', () => w.journal.unsent(1) === null);
    expect(w.central.accounts.get('8800003921')).toMatchObject({
      count: 42,
      cumulative: before.cumulative + 3773,
    });
  });

  it('is cancelled', async () => {
    await w.toPay();
    await w.tap('cancel');
    await w.untilScreen('cancelled');
    expect(w.state()).toBe('closed/closed');
    await w.run(8_500);
    expect(w.screen).toBe('take-card');
    await w.remove();
    expect(w.screen).toBe('start');
  });

  it('expires', async () => {
    await w.toPay();
    await w.run(POLICY.payWindowMs);
    await w.untilScreen('cancelled', 20_000);
    expect(w.order()).toMatchObject({ state: 'closed', reason: 'expired' });
  });

  it('expires with the card in: it is said, and it can be bought again without taking the card out', async () => {
    await w.toPay();
    await w.run(POLICY.payWindowMs);
    await w.untilScreen('cancelled', 20_000);
    expect(w.shown('cancelled').again).toBe(true);
    // Long enough for somebody who looked at the phone.
    await w.run(55_000);
    expect(w.screen).toBe('cancelled');
    await w.tap('more-time');
    await w.untilScreen('amount');
    await w.tap('choose-amount', 10_000);
    await w.until('a quote', () => w.shown('amount').quote !== null);
    await w.tap('pay', 10_000);
    await w.untilScreen('pay');
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.journal.orders().map((o) => o.state)).toEqual(['closed', 'delivered']);
    expect([...w.pay.trades.values()].filter((t) => t.state === 'paid')).toHaveLength(1);
  });

  it('expires and the card is taken: nothing is offered any more', async () => {
    await w.toPay();
    await w.run(POLICY.payWindowMs);
    await w.untilScreen('cancelled', 20_000);
    await w.remove();
    expect(w.screen === 'cancelled' ? w.shown('cancelled').again : false).toBe(false);
    // Nor where the customer ended it himself.
    await w.run(70_000);
    await w.toPay();
    await w.tap('cancel');
    await w.untilScreen('cancelled');
    expect(w.shown('cancelled').again).toBe(false);
  });

  it('a card that is taken too early is answered in words, for a moment', async () => {
    await w.toAmount('golden');
    await w.remove();
    expect(w.shown('start').word).toBe('card-taken');
    await w.run(9_000);
    expect(w.shown('start').word).toBe('card-taken');
    await w.run(2_000);
    expect(w.shown('start').word).toBeNull();
    w.central.held = true;
    await w.insert('golden');
    expect(w.screen).toBe('reading');
    await w.remove();
    w.central.held = false;
    expect(w.shown('start').word).toBe('card-too-soon');
    // The next card ends it.
    await w.toAmount('good');
    await w.tap('exit');
    await w.untilScreen('take-card');
    await w.remove();
    expect(w.shown('start').word).toBeNull();
  });

  it('a core that begins anew while somebody pays says so; one that does not, does not', async () => {
    await w.toPay();
    w.kill();
    await w.remove();
    await w.start();
    expect(w.shown('start').word).toBe('restarted');
    await w.run(181_000);
    expect(w.shown('start').word).toBeNull();
    w.kill();
    await w.start();
    expect(w.shown('start').word).toBeNull();
  });

  it('ends when the card is taken from the pay screen', async () => {
    await w.toPay();
    await w.remove();
    await w.untilScreen('cancelled');
    expect(w.order()).toMatchObject({ state: 'closed', reason: 'card-removed' });
  });

  it('cancel holds while its screen does, though a notice changed under the finger', async () => {
    await w.toPay();
    const { revision } = w.snapshot;
    await w.tap('set-locale', 'en');
    expect(w.snapshot).toMatchObject({ screen: 'pay', locale: 'en' });
    expect(w.snapshot.revision).toBeGreaterThan(revision);
    w.kiosk.intent({ type: 'cancel', screen: 'pay', revision });
    await w.untilScreen('cancelled');
    w.kiosk.intent({ type: 'exit', screen: 'cancelled', revision });
    await w.run(500);
    expect(w.screen).toBe('cancelled');
  });

  it('one order, whatever is tapped twice, and no tap of an earlier screen counts', async () => {
    await w.toAmount('golden');
    const early = w.snapshot.revision;
    await w.tap('choose-amount', 10_000);
    await w.until('a quote', () => w.shown('amount').quote !== null);
    w.kiosk.intent({ type: 'pay', value: 10_000, screen: 'amount', revision: early });
    await w.run(500);
    expect(w.journal.orders()).toHaveLength(0);
    const { revision } = w.snapshot;
    w.kiosk.intent({ type: 'pay', value: 10_000, screen: 'amount', revision });
    w.kiosk.intent({ type: 'pay', value: 10_000, screen: 'amount', revision });
    await w.untilScreen('pay');
    w.kiosk.intent({ type: 'cancel', screen: 'amount', revision });
    await w.run(5_000);
    expect(w.journal.orders()).toHaveLength(1);
    expect(w.pay.trades.size).toBe(1);
    expect(w.shown('pay').state).toBe('waiting');
  });

  it('the card leaves during the firm quote: the quote is given back, no order', async () => {
    await w.toAmount('golden');
    await w.tap('choose-amount', 10_000);
    await w.until('a quote', () => w.shown('amount').quote !== null);
    w.central.held = true;
    await w.tap('pay', 10_000);
    await w.remove();
    expect(w.screen).toBe('start');
    w.central.letGo();
    await w.run(1_000);
    expect(w.journal.orders()).toEqual([]);
    expect(w.central.firm).toHaveLength(1);
    expect(w.central.released).toEqual(w.central.firm);
    await w.toPay('golden', 5_000);
    expect(w.shown('pay').amountFen).toBe(5_000);
  });

  it('central goes away during the firm quote: nothing is asked for', async () => {
    await w.toAmount('golden');
    await w.tap('choose-amount', 10_000);
    await w.until('a quote', () => w.shown('amount').quote !== null);
    w.central.away = true;
    await w.tap('pay', 10_000);
    await w.run(500);
    expect(w.shown('amount')).toMatchObject({ problem: 'SALE-0110', busy: false });
    expect(w.pay.trades.size).toBe(0);
  });
});

describe('creating the payment', () => {
  it('no answer at first: asked again under the same number', async () => {
    w.pay.next.create.push('lost', 'unsent');
    const before = w.purchase('golden');
    await w.toPay();
    expect(w.pay.trades.size).toBe(1);
    expect(w.pay.newest().creates).toBe(2);
    w.pay.pay();
    await w.untilScreen('done');
    expect(rise('golden', before)).toBe(3773);
  });
  it('refused: closed, not charged', async () => {
    w.pay.next.create.push('refused');
    await w.toAmount('golden');
    await w.tap('choose-amount', 10_000);
    await w.until('a quote', () => w.shown('amount').quote !== null);
    await w.tap('pay', 10_000);
    await w.until('closed', () => w.order().state === 'closed');
    expect(w.shown('cannot-sell').reason).toBe('PAY-0102');
    expect(w.order()).toMatchObject({ state: 'closed', reason: 'create-refused' });
  });
  it('never answered: given up after a minute, closed when the line is back', async () => {
    await w.toAmount('golden');
    await w.tap('choose-amount', 10_000);
    await w.until('a quote', () => w.shown('amount').quote !== null);
    w.pay.down = true;
    await w.tap('pay', 10_000);
    await w.run(UNKNOWN_GIVE_UP_MS + 1_000);
    expect(w.shown('in-doubt').reason).toBe('payment');
    await w.run(POLICY.payWindowMs);
    w.pay.down = false;
    await w.until('closed', () => w.state() === 'closed/closed');
    expect(w.pay.trades.size).toBe(0);
  });
  it('cancelled while it is unknown, and the answer made an order: it is closed at the provider', async () => {
    w.pay.next.create.push('lost');
    await w.toAmount('golden');
    await w.tap('choose-amount', 10_000);
    await w.until('a quote', () => w.shown('amount').quote !== null);
    await w.tap('pay', 10_000);
    await w.tap('cancel');
    await w.untilScreen('cancelled');
    expect(w.pay.newest().state).toBe('closed');
    expect(w.state()).toBe('closed/closed');
  });
});

describe('the payment', () => {
  it('comes after cancelling: goes back once, under its own number', async () => {
    await w.toPay();
    await w.tap('cancel');
    await w.untilScreen('cancelled');
    const trade = w.pay.newest();
    w.pay.pay(trade, true);
    w.pay.next.refund.push('lost');
    w.pay.next.queryRefund.push('unsent');
    await w.until('refunded', () => w.state() === 'closed/refunded');
    expect([...trade.refunds.keys()]).toEqual([w.attempt().outRefundNo]);
  });

  it('comes after hours: still found', async () => {
    await w.toPay();
    await w.tap('cancel');
    await w.untilScreen('cancelled');
    await w.remove();
    await w.run(5 * 3_600_000);
    w.pay.pay(w.pay.newest(), true);
    await w.run(1_200_000);
    expect(w.state()).toBe('closed/refunded');
  });

  it('comes after the wall clock was set forward by more than a day: still found', async () => {
    await w.toPay();
    await w.tap('cancel');
    await w.untilScreen('cancelled');
    await w.remove();
    w.clock.step(30 * 3_600_000);
    await w.run(1_200_000);
    w.pay.pay(w.pay.newest(), true);
    await w.run(1_200_000);
    expect(w.state()).toBe('closed/refunded');
  });

  it('comes after a restart under a clock that was set forward: found, since central’s time was kept', async () => {
    w.kiosk.centralTime(w.clock.nowMs());
    await w.toPay();
    await w.tap('cancel');
    await w.untilScreen('cancelled');
    await w.remove();
    w.kill();
    w.clock.step(30 * 3_600_000);
    await w.start();
    await w.run(60_000);
    w.pay.pay(w.pay.newest(), true);
    await w.run(1_200_000);
    expect(w.state()).toBe('closed/refunded');
  });

  it('is no longer asked about once a day has passed: by what went by here, or by central’s clock', async () => {
    const asked = async (ms: number): Promise<number> => {
      const before = w.pay.calls.length;
      await w.run(ms);
      return w.pay.calls.length - before;
    };
    const cancelled = async (): Promise<void> => {
      await w.toPay();
      await w.tap('cancel');
      await w.untilScreen('cancelled');
      await w.remove();
      await w.run(60_000);
    };
    await w.run(1_000);
    await cancelled();
    expect(await asked(24 * 3_600_000)).toBeGreaterThan(100);
    await w.run(2 * 3_600_000);
    expect(await asked(3_600_000)).toBe(0);
    await cancelled();
    const soldMs = w.clock.nowMs();
    w.kill();
    await w.start();
    await w.run(1_000);
    expect(await asked(3_600_000)).toBeGreaterThan(3);
    // The machine's clock says little; central's says that it is two days later.
    w.kiosk.centralTime(soldMs + 48 * 3_600_000);
    await w.run(1_200_000);
    expect(await asked(3_600_000)).toBe(0);
  });

  it('is made while it is being closed: goes back, and the screen says so', async () => {
    await w.toPay();
    w.pay.next.close.push('unsent');
    await w.tap('cancel');
    w.pay.pay();
    await w.untilScreen('refunding');
    await w.until('refunded', () => w.state() === 'closed/refunded');
    expect(w.shown('refunding').state).toBe('refunded');
  });

  it('goes back beyond the terminal’s day: the customer hears that staff look first, and not of minutes', async () => {
    await w.toPay();
    w.pay.next.close.push('unsent');
    await w.tap('cancel');
    w.pay.next.refund.push(...Array.from({ length: 3 }, () => 'beyond' as const));
    w.pay.pay();
    await w.untilScreen('refunding');
    await w.until('staff look', () => w.shown('refunding').reason === 'PAY-0205');
    expect(w.shown('refunding').state).toBe('parked');
    await w.until('its paper says so', () =>
      w.printed.some((paper) => JSON.stringify(paper).includes('工作人员核对，之后原路退回')),
    );
    expect(w.state()).toBe('closed/refunding');
    // It is asked for all the while, and goes once they let it.
    await w.until('refunded', () => w.state() === 'closed/refunded');
    expect(refunds()).toBe(1);
  });

  it('cannot be asked about for a minute, and another card is in by then: its money goes back by itself', async () => {
    const before = w.purchase('golden');
    await w.toPay();
    w.pay.pay();
    w.pay.down = true;
    await w.run(UNKNOWN_GIVE_UP_MS + 4_000);
    expect(w.shown('in-doubt')).toMatchObject({ reason: 'payment', slip: 'printed' });
    await w.remove();
    await w.insert('golden');
    await w.until('not sold to twice', () => w.screen === 'cannot-sell');
    expect(w.shown('cannot-sell').reason).toBe('SALE-0114');
    await w.remove();
    await w.toAmount('good');
    w.pay.down = false;
    await w.until(
      'refunded',
      () => w.journal.attemptsOf(w.order().orderId).at(-1)?.state === 'refunded',
    );
    expect(w.state()).toBe('refunded/refunded');
    expect(rise('golden', before)).toBe(0);
  });

  /** The line is cut after the phone paid, for longer than the customer is kept waiting. */
  const cutAfterPaying = async (): Promise<void> => {
    await w.toPay();
    w.pay.pay();
    w.pay.down = true;
    await w.run(UNKNOWN_GIVE_UP_MS + 7_000);
    expect(w.shown('in-doubt').reason).toBe('payment');
  };

  it('paid, the line cut for 67 s, the card still in: it is written, and no money goes back', async () => {
    const before = w.purchase('golden');
    await cutAfterPaying();
    w.pay.down = false;
    await w.untilScreen('done');
    expect(rise('golden', before)).toBe(3_773);
    expect(w.state()).toBe('delivered/paid');
    expect(w.pay.keptFen()).toBe(10_000);
  });

  it('paid, the line cut, the card taken and put back before it is mended: written', async () => {
    const before = w.purchase('golden');
    await cutAfterPaying();
    await w.remove();
    await w.insert('golden');
    await w.until('asked to wait', () => w.screen === 'cannot-sell');
    expect(w.shown('cannot-sell').reason).toBe('SALE-0114');
    w.pay.down = false;
    await w.untilScreen('done');
    expect(rise('golden', before)).toBe(3_773);
    expect(w.pay.keptFen()).toBe(10_000);
  });

  it('paid, the line cut, the card put back within its time after it is mended: asked for, and written', async () => {
    const before = w.purchase('golden');
    await cutAfterPaying();
    await w.remove();
    w.pay.down = false;
    await w.until('paid', () => w.state() === 'paid/paid');
    expect(w.shown('in-doubt').reason).toBe('paid');
    await w.run(60_000);
    await w.insert('golden');
    await w.untilScreen('done');
    expect(rise('golden', before)).toBe(3_773);
    expect(w.pay.keptFen()).toBe(10_000);
  });

  it('paid, the line cut, the card never put back: the money goes back, and then nothing is written', async () => {
    const before = w.purchase('golden');
    await cutAfterPaying();
    await w.remove();
    w.pay.down = false;
    await w.until('refunded', () => w.state() === 'refunded/refunded');
    await w.insert('golden');
    await w.run(5_000);
    expect(rise('golden', before)).toBe(0);
    expect(w.pay.keptFen()).toBe(0);
  });

  it('paid, the line cut, and the card pulled out while nobody knew: put back, it is written', async () => {
    const before = w.purchase('golden');
    await w.toPay();
    w.pay.pay();
    w.pay.down = true;
    await w.run(10_000);
    await w.remove();
    await w.insert('golden');
    await w.run(1_000);
    w.pay.down = false;
    await w.untilScreen('done');
    expect(rise('golden', before)).toBe(3_773);
    expect(w.pay.keptFen()).toBe(10_000);
  });

  it('cancelled by the customer while nobody knew, and paid: it goes back', async () => {
    const before = w.purchase('golden');
    await w.toPay();
    w.pay.pay();
    w.pay.down = true;
    await w.run(10_000);
    await w.tap('cancel');
    w.pay.down = false;
    await w.until('refunded', () => w.attempt().state === 'refunded');
    expect(rise('golden', before)).toBe(0);
    expect(w.pay.keptFen()).toBe(0);
  });

  it('silent beyond all waiting: it is closed, and money that is found then goes back', async () => {
    await cutAfterPaying();
    await w.remove();
    await w.run(POLICY.payWindowMs + ASK_FIRST_MS);
    expect(w.state()).toBe('collecting/closing');
    w.pay.down = false;
    await w.until('refunded', () => w.state() === 'closed/refunded');
    expect(w.pay.keptFen()).toBe(0);
  });

  it('the code nears its end: a new one is had for a tap, the old one is closed first, and one payment is taken', async () => {
    const before = w.purchase('golden');
    await w.toPay();
    expect(w.shown('pay').newCodeOffered).toBe(true);
    const old = w.pay.newest();
    await w.tap('more-time');
    expect(w.pay.trades.size).toBe(1);
    await w.run(POLICY.payWindowMs - 15_000);
    await w.tap('more-time');
    await w.until(
      'a new code',
      () => w.pay.trades.size === 2 && w.shown('pay').state === 'waiting',
    );
    expect(old.state).toBe('closed');
    const { qrText, deadlineMs, nowMs } = w.shown('pay');
    expect(qrText).toBe(w.pay.newest().qrText);
    expect((deadlineMs ?? 0) - nowMs).toBeGreaterThan(POLICY.payWindowMs - 10_000);
    w.pay.pay();
    await w.untilScreen('done');
    // Money for the old code that comes after all goes back.
    w.pay.pay(old, true);
    await w.until('refunded', () => w.attempts().some((a) => a.state === 'refunded'));
    expect(rise('golden', before)).toBe(3_773);
    expect(w.pay.keptFen()).toBe(10_000);
  });

  it('the old code is paid as the new one is asked for: nothing more is asked for, and it is written', async () => {
    const before = w.purchase('golden');
    await w.toPay();
    await w.run(POLICY.payWindowMs - 15_000);
    w.pay.pay();
    await w.tap('more-time');
    await w.untilScreen('done');
    expect(w.pay.trades.size).toBe(1);
    expect(rise('golden', before)).toBe(3_773);
    expect(w.pay.keptFen()).toBe(10_000);
  });

  it('the line fails for a while and comes back: nothing is lost', async () => {
    await w.toPay();
    w.pay.pay();
    w.pay.down = true;
    await w.run(30_000);
    expect(w.shown('pay').state).toBe('unknown');
    w.pay.down = false;
    await w.untilScreen('done');
  });

  it('the line fails while the customer is paying: given up too, and written once it is known', async () => {
    await w.toPay();
    w.pay.newest().state = 'paying';
    await w.until('paying', () => w.shown('pay').state === 'paying');
    expect(w.shown('pay').cancelOffered).toBe(false);
    w.pay.down = true;
    w.pay.pay();
    await w.run(UNKNOWN_GIVE_UP_MS + 4_000);
    expect(w.shown('in-doubt').reason).toBe('payment');
    w.pay.down = false;
    await w.untilScreen('done');
  });

  it('scanned and walked away: ends after the window, not never', async () => {
    await w.toPay();
    w.pay.newest().state = 'paying';
    await w.until('paying', () => w.shown('pay').state === 'paying');
    await w.remove();
    await w.run(60_000);
    expect(w.screen).toBe('pay');
    await w.run(POLICY.payWindowMs);
    await w.until('closed', () => w.state() === 'closed/closed');
    await w.untilScreen('start');
  });

  it('an accepted close that the provider does not carry out lets the customer go', async () => {
    await w.toPay();
    const trade = w.pay.newest();
    Object.defineProperty(trade, 'state', {
      get: () => 'notpay',
      set: (_state: string) => {},
      configurable: true,
    });
    await w.tap('cancel');
    await w.run(UNKNOWN_GIVE_UP_MS + 5_000);
    expect(w.shown('in-doubt').reason).toBe('payment');
    Object.defineProperty(trade, 'state', { value: 'closed', writable: true });
    await w.until('closed', () => w.state() === 'closed/closed');
  });

  it('of another sum than asked: parked for a person', async () => {
    await w.toPay();
    w.pay.saysFen = 9_999;
    w.pay.pay();
    await w.until('parked', () => w.state() === 'parked/parked');
    expect(w.order()).toMatchObject({ reason: 'amount-differs', nextStep: 'counter' });
    // Central books what was captured, and what a person hands back.
    expect(
      w.journal.story(w.order().orderId).find((e) => e.kind === 'attempt-parked')?.body,
    ).toMatchObject({ amountFen: 9_999 });
    expect(w.shown('refunding').state).toBe('parked');
    expect(refunds()).toBe(0);
  });

  it('is asked about at once when the customer says so', async () => {
    await w.toPay();
    await w.run(250);
    const asked = w.pay.calls.length;
    await w.tap('check-payment');
    expect(w.shown('pay').lastCheck).toBe('not-paid');
    expect(w.pay.calls.length).toBeGreaterThan(asked);
  });

  it('is made while the core restarts, the card inside: written', async () => {
    const before = w.purchase('golden');
    await w.toPay();
    w.kill();
    w.pay.pay();
    await w.start();
    await w.untilScreen('done');
    expect(rise('golden', before)).toBe(3773);
  });
});

describe('a quote that no order came of', () => {
  it.each(['BILL-0101', 'BILL-0102', 'BILL-0103'] as const)(
    'is given back until central spoke of it: %s first, then heard, with no other word from central between',
    async (code) => {
      w.central.claims.set('PL-000000000311-1-0900-0001', { cardNo: '8800003921' });
      w.journal.setMeta('quoting', 'PL-000000000311-1-0900-0001');
      w.central.releaseAnswers.push(err(failure(code)), err(failure(code)));
      w.kill();
      await w.start();
      await w.run(1_000);
      expect([w.central.releaseAnswers.length, w.central.released]).toEqual([1, []]);
      await w.run(900_000);
      expect(w.central.released).toEqual(['PL-000000000311-1-0900-0001']);
      // Once.
      await w.run(1_200_000);
      expect(w.central.released).toHaveLength(1);
      await w.toAmount('golden');
    },
  );
  it('and that central keeps, since its order took money, is not asked about for ever', async () => {
    w.central.kept.add('PL-000000000311-1-0900-0001');
    w.journal.setMeta('quoting', 'PL-000000000311-1-0900-0001');
    w.kill();
    await w.start();
    await w.run(1_000);
    expect(w.journal.meta('releasing')).toBe('[]');
  });
});

describe('a payment whose provider was taken out of the configuration', () => {
  const restartWithout = async (): Promise<void> => {
    w.kill();
    w.providerGone = true;
    await w.start();
  };
  it('is parked with a named next step: nobody can be asked about it any more', async () => {
    await w.toPay();
    w.pay.pay();
    await restartWithout();
    await w.until('parked', () => w.state() === 'parked/parked');
    await w.remove();
    expect(w.order().reason).toBe('no-provider');
    expect(standingOf(w.order(), w.attempts(), false).actions).toEqual([
      'settle-refunded-by-hand',
      'settle-delivered-by-hand',
      'settle-nothing-due',
    ]);
  });
  it('and whose code nobody ever saw is closed', async () => {
    w.pay.next.create.push('unsent');
    await w.toAmount('golden');
    await w.tap('choose-amount', 10_000);
    await w.until('a quote', () => w.shown('amount').quote !== null);
    await w.tap('pay', 10_000);
    await w.until('an order', () => w.journal.orders().length === 1);
    expect(w.attempt().state).toBe('creating');
    await restartWithout();
    await w.until('closed', () => w.state() === 'closed/closed');
  });
  it('and that was being refunded is asked for again once it is configured again', async () => {
    await w.toPay();
    await w.tap('cancel');
    await w.untilScreen('cancelled');
    w.pay.next.refund.push(...Array.from({ length: 20 }, () => 'unsent' as const));
    w.pay.pay(w.pay.newest(), true);
    await w.until('refunding', () => w.attempt().state === 'refunding');
    await restartWithout();
    await w.until('parked', () => w.attempt().state === 'parked');
    w.pay.next.refund.length = 0;
    w.kill();
    w.providerGone = false;
    await w.start();
    const events = orderFacts(w.order(), w.attempts(), 'retry-refund', '李工', '已恢复', '');
    w.journal.append(events ?? []);
    w.kill();
    await w.start();
    await w.until('refunded', () => w.state() === 'closed/refunded');
  });
});

describe('paid', () => {
  it('the card was pulled before the write and comes back: written', async () => {
    const before = w.purchase('golden');
    await w.toPay();
    w.pay.newest().state = 'paying';
    await w.until('paying', () => w.shown('pay').state === 'paying');
    await w.remove();
    w.pay.pay();
    await w.untilScreen('in-doubt');
    expect(w.shown('in-doubt').reason).toBe('paid');
    await w.run(60_000);
    await w.insert('golden');
    await w.untilScreen('done');
    expect(rise('golden', before)).toBe(3773);
  });

  it('the card never comes back: the money does', async () => {
    await w.toPay();
    w.pay.newest().state = 'paying';
    await w.until('paying', () => w.shown('pay').state === 'paying');
    await w.remove();
    w.pay.pay();
    await w.until('paid', () => w.state() === 'paid/paid');
    await w.run(WAIT_CARD_MS - 5_000);
    expect(w.state()).toBe('paid/paid');
    await w.run(10_000);
    expect(w.state()).toBe('refunded/refunded');
    expect(w.shown('refunding')).toMatchObject({ state: 'refunded', reason: 'CARD-0203' });
    expect(refunds()).toBe(1);
  });

  it.each(['before', 'after'] as const)('torn out %s the update: written once', async (when) => {
    const before = w.purchase('golden');
    await w.toPay();
    w.card('golden').arm({ kind: 'tear', at: 9, when, from: 'arming' });
    w.pay.pay();
    await w.untilScreen('in-doubt');
    expect(rise('golden', before)).toBe(when === 'after' ? 3773 : 0);
    await w.insert('golden');
    await w.untilScreen('done');
    expect(rise('golden', before)).toBe(3773);
    expect(w.order().writes).toBe(when === 'after' ? 1 : 2);
  });

  /** Every screen from now on, as text. */
  const record = (): string[] => {
    const shown: string[] = [];
    w.onShow = (s) => shown.push(JSON.stringify(s));
    return shown;
  };

  it('in doubt, and another card is put in: its own visit, in which nothing is shown of the first; the right one is written', async () => {
    const before = { golden: w.purchase('golden'), good: w.purchase('good') };
    await w.toPay();
    w.card('golden').arm({ kind: 'tear', at: 9, when: 'before', from: 'arming' });
    w.pay.pay();
    await w.untilScreen('in-doubt');
    const { orderRef: first } = w.shown('in-doubt');
    const shown = record();
    await w.insert('good');
    await w.untilScreen('amount');
    // At once: what was shown before is not what he sees while his card is read.
    expect(JSON.parse(shown[0] as string)).toMatchObject({ screen: 'reading', stage: 'card' });
    // He buys, and takes his card; what tore stands as it stood.
    await w.tap('choose-amount', 5_000);
    await w.until('a quote', () => w.shown('amount').quote !== null);
    await w.tap('pay', 5_000);
    await w.until('the code', () => w.screen === 'pay' && w.shown('pay').state === 'waiting');
    w.pay.pay();
    await w.untilScreen('done');
    await w.remove();
    await w.untilScreen('start');
    expect(shown.filter((s) => s.includes(first))).toEqual([]);
    expect(rise('golden', before.golden)).toBe(0);
    expect(rise('good', before.good)).toBeGreaterThan(0);
    await w.insert('golden');
    await w.untilScreen('done');
    expect(rise('golden', before.golden)).toBe(3_773);
  });

  it('in doubt, and a card that cannot be read: nothing of the order is shown to whoever put it in', async () => {
    await w.toPay();
    w.card('golden').arm({ kind: 'tear', at: 9, when: 'before', from: 'arming' });
    w.pay.pay();
    await w.untilScreen('in-doubt');
    const { orderRef: first } = w.shown('in-doubt');
    const shown = record();
    w.card('good').arm({ kind: 'tear', at: 1, when: 'before', from: 'arming' });
    await w.insert('good');
    await w.until('let go', () => w.screen !== 'reading');
    expect(shown.filter((s) => s.includes(first) && !s.includes('in-doubt'))).toEqual([]);
  });

  it('paid, its card taken before the write, and another one put in: the order waits for its own for its time, then its money goes back', async () => {
    await w.toPay();
    w.pay.down = true;
    w.pay.pay();
    await w.run(UNKNOWN_GIVE_UP_MS + 4_000);
    await w.remove();
    w.pay.down = false;
    const id = w.order().orderId;
    await w.until('paid', () => w.journal.order(id)?.state === 'paid');
    await w.insert('good');
    await w.untilScreen('amount');
    await w.run(60_000);
    expect(w.journal.order(id)?.state).toBe('paid');
    await w.until('refunded', () => w.journal.order(id)?.state === 'refunded');
  });

  it('the card pulled out while the payment is closed, and another one put in: its own visit', async () => {
    await w.toPay();
    w.pay.next.close.push('lost', 'lost', 'lost');
    await w.remove();
    expect(w.shown('pay').state).toBe('card-out');
    const { orderRef: first } = w.shown('pay');
    const shown = record();
    await w.insert('good');
    await w.untilScreen('amount');
    expect(shown.filter((s) => s.includes(first))).toEqual([]);
    await w.until('closed', () => w.order().state === 'closed');
  });

  it('in doubt, left for days: other customers are served, and the card is finished when it comes', async () => {
    const before = w.purchase('golden');
    await w.toPay();
    w.card('golden').arm({ kind: 'tear', at: 9, when: 'before', from: 'arming' });
    w.pay.pay();
    await w.untilScreen('in-doubt');
    await w.tap('leave');
    expect(w.screen).toBe('start');
    await w.toPay('good', 5_000);
    w.pay.pay();
    await w.untilScreen('done');
    await w.remove();
    await w.run(3 * 86_400_000, 60_000);
    expect(
      w.journal
        .orders()
        .map((o) => o.state)
        .toSorted(),
    ).toEqual(['delivered', 'in-doubt']);
    w.kill();
    await w.start();
    await w.insert('golden');
    await w.untilScreen('done');
    expect(rise('golden', before)).toBe(3773);
  });

  it('9000 and nothing stored, once: written at the next try', async () => {
    await w.toPay();
    w.card('golden').arm({ kind: 'lie' });
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.order().writes).toBe(2);
  });

  it('9000 and nothing stored, always: tried three times, then refunded', async () => {
    const before = w.purchase('golden');
    await w.toPay();
    for (let i = 0; i < 9; i++) w.card('golden').arm({ kind: 'lie' });
    w.pay.pay();
    await w.until('refunded', () => w.state() === 'refunded/refunded');
    expect(w.order()).toMatchObject({ writes: 3, reason: 'CARD-0204' });
    expect(rise('golden', before)).toBe(0);
    expect(w.screen).toBe('refunding');
  });

  it('the card refuses the key: refunded, and its tries are not used up', async () => {
    w.replaceCard('golden', { authKey: '00112233445566778899AABBCCDDEEFF' });
    await w.toPay();
    w.pay.pay();
    await w.until('refunded', () => w.state() === 'refunded/refunded');
    expect(w.order()).toMatchObject({ writes: 1, reason: 'CARD-0201' });
    expect(w.card('golden').toJSON().authTries).toBe(2);
  });

  it('cards that refuse the key are left alone for a while, queries go on; nobody else’s card is', async () => {
    const wrong = { authKey: '00112233445566778899AABBCCDDEEFF' };
    w.replaceCard('golden', wrong);
    w.replaceCard('water', wrong);
    for (const id of ['golden', 'water'] as const) {
      await w.toPay(id);
      w.pay.pay();
      await w.untilScreen('refunding');
      await w.until('refunded', () => w.state().startsWith('refunded/'));
      await w.remove();
      await w.untilScreen('start', 60_000);
    }
    await w.insert('golden');
    await w.untilScreen('cannot-sell');
    expect(w.shown('cannot-sell').reason).toBe('CARD-0201');
    await w.remove();
    await w.untilScreen('start');
    await w.tap('open', 'query');
    await w.insert('golden');
    await w.untilScreen('card-info');
    await w.remove();
    await w.untilScreen('start', 60_000);
    // Two forged cards of the same layout, and no restart.
    await w.toPay('good');
    w.pay.pay();
    await w.untilScreen('done');
    await w.remove();
    // Not by time: a person at central looks at it.
    await w.run(600_000);
    await w.insert('golden');
    await w.untilScreen('cannot-sell');
    await w.remove();
    await w.untilScreen('start');
    w.central.clearKey('8800003921');
    await w.toAmount('golden');
  });

  it('the card changed elsewhere while in doubt: parked with its next step', async () => {
    await w.toPay();
    w.card('golden').arm({ kind: 'tear', at: 9, when: 'before', from: 'arming' });
    w.pay.pay();
    await w.untilScreen('in-doubt');
    const record = w.card('golden').peek('17') as Uint8Array;
    record[16] = 0x5a;
    w.card('golden').poke('17', record);
    await w.insert('golden');
    await w.until('parked', () => w.order().state === 'parked');
    expect(w.order()).toMatchObject({ reason: 'card-foreign', nextStep: 'counter' });
    expect(w.screen).toBe('refunding');
    expect(refunds()).toBe(0);
  });

  it('the reader is lost during the visit and comes back with the card inside', async () => {
    const before = w.purchase('golden');
    await w.toPay();
    w.pay.newest().state = 'paying';
    await w.until('paying', () => w.shown('pay').state === 'paying');
    w.slot.offline(true);
    w.pay.pay();
    await w.until('paid', () => w.state() === 'paid/paid');
    await w.run(10_000);
    w.slot.offline(false);
    await w.untilScreen('done');
    expect(rise('golden', before)).toBe(3773);
  });
});

describe('the refund', () => {
  const toRefund = async (): Promise<void> => {
    await w.toPay();
    await w.tap('cancel');
    await w.untilScreen('cancelled');
    w.pay.pay(w.pay.newest(), true);
  };
  it('gets no answer many times: asked again under one number', async () => {
    for (let i = 0; i < 5; i++) w.pay.next.refund.push(i % 2 === 0 ? 'lost' : 'unsent');
    await toRefund();
    await w.until('refunded', () => w.state() === 'closed/refunded', 400_000);
    expect(refunds()).toBe(1);
  });
  it('takes its time at the provider', async () => {
    w.pay.refundState = 'processing';
    await toRefund();
    await w.run(300_000);
    expect(w.state()).toBe('closed/refunding');
    w.kill();
    await w.start();
    w.pay.finishRefunds();
    await w.until('refunded', () => w.state() === 'closed/refunded');
    expect(refunds()).toBe(1);
  });
  it('is refused: parked in plain sight', async () => {
    w.pay.next.refund.push('refused');
    await toRefund();
    await w.until('parked', () => w.state() === 'closed/parked');
    expect(w.attempt().reason).toBe('refund-refused');
  });
  it('becomes abnormal: the order is parked with its next step', async () => {
    w.pay.refundState = 'processing';
    await w.toPay();
    for (let i = 0; i < 9; i++) w.card('golden').arm({ kind: 'lie' });
    w.pay.pay();
    await w.until('refunding', () => w.state() === 'refunding/refunding');
    await w.run(3_000);
    for (const r of w.pay.newest().refunds.values()) r.state = 'abnormal';
    await w.until('parked', () => w.state() === 'parked/parked');
    expect(w.order()).toMatchObject({ reason: 'refund-abnormal', nextStep: 'refund-by-hand' });
    expect(w.shown('refunding').state).toBe('parked');
  });
});

describe('central away', () => {
  const knownThenAway = async (): Promise<void> => {
    await w.toAmount('golden');
    await w.remove();
    w.central.away = true;
  };
  it('sells to a card whose account is cached', async () => {
    await knownThenAway();
    await w.toPay();
    expect(cardSaleOf(w.order())).toMatchObject({ offline: true, carriedUsedMicro: 0 });
    w.pay.pay();
    await w.untilScreen('done');
    w.central.away = false;
    await w.until('uploaded', () => w.journal.unsent(1) === null);
    expect(w.central.accounts.get('8800003921')).toMatchObject({ count: 42 });
  });
  it('sells to an account once until central has heard of it, and then on', async () => {
    await knownThenAway();
    await w.toPay('golden', 10_000);
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.purchase('golden').count).toBe(42);
    await w.remove();
    w.visitMeter('golden');
    await w.run(7_000);
    await w.insert('golden');
    await w.untilScreen('cannot-sell');
    expect(w.shown('cannot-sell').reason).toBe('SALE-0110');
    await w.remove();
    await w.run(7_000);
    w.central.away = false;
    await w.until('uploaded', () => w.journal.unsent(1) === null);
    await w.toPay('golden', 10_000);
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.purchase('golden').count).toBe(43);
  });
  it('does not sell to a card it does not know, nor from a cache that is too old', async () => {
    await knownThenAway();
    await w.insert('good');
    await w.untilScreen('cannot-sell');
    expect(w.shown('cannot-sell').reason).toBe('SALE-0110');
    await w.remove();
    await w.run(POLICY.offline.accountMaxAgeMs + 60_000);
    await w.insert('golden');
    await w.untilScreen('cannot-sell');
    expect(w.shown('cannot-sell').reason).toBe('SALE-0110');
  });
  it('the offline cap is the most: not passed by the last sale', async () => {
    w.policy = { ...POLICY, offline: { ...POLICY.offline, capFen: 15_000 } };
    w.setService({ policy: w.policy });
    await w.toAmount('good');
    await w.remove();
    await knownThenAway();
    await w.toPay('golden', 10_000);
    w.pay.pay();
    await w.untilScreen('done');
    await w.remove();
    await w.run(7_000);
    await w.toAmount('good');
    await w.tap('choose-amount', 10_000);
    await w.until('a quote', () => w.shown('amount').quote !== null);
    await w.tap('pay', 10_000);
    await w.run(500);
    expect(w.shown('amount').problem).toBe('SALE-0110');
    await w.tap('choose-amount', 5_000);
    await w.until('a quote', () => w.shown('amount').quote !== null);
    await w.tap('pay', 5_000);
    await w.untilScreen('pay');
    w.pay.pay();
    await w.untilScreen('done');
    await w.remove();
    await w.run(7_000);
    await w.insert('good');
    await w.untilScreen('cannot-sell');
    expect(w.shown('cannot-sell').reason).toBe('SALE-0110');
  });
});

describe('the visit', () => {
  it('times out on the amounts: the card is to be taken', async () => {
    await w.toAmount('golden');
    await w.run(121_000);
    expect(w.screen).toBe('take-card');
    await w.run(60_000);
    expect(w.screen).toBe('take-card');
    await w.remove();
    expect(w.screen).toBe('start');
  });
  it('no printer: the screens say so and the sale goes on', async () => {
    w.printerOk = false;
    w.setService({ devices: w.devices() });
    await w.toPay();
    expect(w.screen).toBe('pay');
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.shown('done').receipt).toBe('none');
    expect(w.printed).toEqual([]);
  });
  it('the kiosk sells nothing while it must not', async () => {
    w.setService({ lineUp: false });
    await w.insert('golden');
    await w.untilScreen('cannot-sell');
    expect(w.shown('cannot-sell').reason).toBe('SALE-0111');
  });
  it('nor what comes in between: no card is taken, and a visit that got as far as the amounts ends there', async () => {
    const blocked = failure('JRNL-0104', 'the disk is nearly full');
    w.setService({ blocked });
    await w.insert('golden');
    await w.untilScreen('cannot-sell');
    expect(w.shown('cannot-sell').reason).toBe('JRNL-0104');
    await w.remove();
    w.setService({ blocked: null });
    await w.toAmount('golden');
    await w.tap('choose-amount', 10_000);
    await w.until('a quote', () => w.shown('amount').quote !== null);
    w.setService({ blocked });
    await w.tap('pay', 10_000);
    await w.until('refused', () => w.shown('amount').problem === 'JRNL-0104');
    expect([w.central.firm, w.journal.orders(), w.pay.calls]).toEqual([[], [], []]);
  });
  it('two orders of one card: the first one’s late money goes back, the second is delivered', async () => {
    const before = w.purchase('golden');
    await w.toPay('golden', 10_000);
    const first = w.pay.newest();
    await w.tap('cancel');
    await w.untilScreen('cancelled');
    await w.remove();
    await w.untilScreen('start');
    await w.toPay('golden', 5_000);
    w.pay.pay(first, true);
    w.pay.pay();
    await w.untilScreen('done');
    await w.until('the first refunded', () => w.attempts().some((a) => a.state === 'refunded'));
    expect(
      w
        .attempts()
        .map((a) => a.state)
        .toSorted(),
    ).toEqual(['paid', 'refunded']);
    expect(rise('golden', before)).toBe(1886);
  });
});
