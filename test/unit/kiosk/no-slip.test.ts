import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HEATED, HOUSEHOLD, IOT } from '../../support/credit-books.ts';
import { creditPolicy, World } from '../../support/kiosk-world.ts';

/**
 * Where no slip can be printed the customer agrees to that before money is asked for, whatever is
 * sold; and of a slip that came out in part it is said.
 */
let w: World;
beforeEach(async () => {
  w = new World();
  w.policy = {
    ...creditPolicy(),
    confirmAboveFen: 50_000,
    receipts: { url: 'https://r.example.com' },
  };
  w.receiptToken = (orderId) => orderId;
  await w.start();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});
const outOfPaper = async (yes = true): Promise<void> => {
  w.printerOk = !yes;
  w.setService({ devices: w.devices() });
  await w.run(0);
};
const choose = async (fen: number): Promise<void> => {
  await w.tap('choose-amount', fen);
  await w.until('a quote', () => w.shown('amount').quote?.amountFen === fen);
};
const orders = (): number => w.journal.orders().length;
/** The question is there, and nothing was begun for it. */
const isAsked = (amountFen: number, card: boolean): void => {
  expect(w.shown('no-slip')).toMatchObject({ amountFen, card, code: true, busy: false });
  expect(orders()).toBe(0);
  expect(w.pay.calls).toEqual([]);
  expect(w.central.credit.asked).toEqual([]);
};

describe('no slip can be printed', () => {
  it('onto a card: agreed to in one touch, and after paying the receipt’s code is there', async () => {
    await outOfPaper();
    await w.toAmount('golden');
    expect(w.shown('amount').printerReady).toBe(false);
    await choose(10_000);
    await w.tap('pay', 10_000);
    isAsked(10_000, true);
    await w.tap('pay', 10_000);
    await w.untilCode();
    w.pay.pay();
    await w.untilScreen('done');
    await w.remove();
    expect(w.shown('done')).toMatchObject({ receipt: 'none' });
    expect(w.shown('done').receiptUrl).toContain(w.order().orderId);
    expect(w.printed).toEqual([]);
  });

  it('he goes back, and is asked again; another sum, and he is asked for that', async () => {
    await outOfPaper();
    await w.toAmount('golden');
    await choose(10_000);
    await w.tap('pay', 10_000);
    // What is behind the question is not to be had while it is there.
    await w.tap('choose-amount', 20_000);
    isAsked(10_000, true);
    await w.tap('back');
    expect(w.shown('amount').chosenFen).toBe(10_000);
    await choose(20_000);
    await w.tap('pay', 20_000);
    isAsked(20_000, true);
    await w.tap('back');
    await outOfPaper(false);
    await w.tap('pay', 20_000);
    await w.untilCode();
    expect(orders()).toBe(1);
  });

  it('a roll that ends while he chooses: the tap before he was told pays nothing', async () => {
    await w.toAmount('golden');
    await choose(10_000);
    await outOfPaper();
    expect(w.shown('amount').printerReady).toBe(false);
    await w.tap('pay', 10_000);
    isAsked(10_000, true);
  });

  it('a roll that ends while the order is being made: he is asked before a code is shown', async () => {
    await w.toAmount('golden');
    await choose(10_000);
    w.kiosk.intent({
      type: 'pay',
      value: 10_000,
      screen: 'amount',
      revision: w.snapshot.revision,
    });
    await outOfPaper();
    await w.untilScreen('no-slip');
    isAsked(10_000, true);
    await w.tap('pay', 10_000);
    await w.untilCode();
    expect(orders()).toBe(1);
  });

  it('the same for a top-up: what was reserved goes back, and he is asked', async () => {
    await w.toAccount('top-up', IOT);
    await w.tap('choose-amount', 10_000);
    w.kiosk.intent({ type: 'pay', value: 10_000, screen: 'top-up', revision: w.snapshot.revision });
    await outOfPaper();
    await w.untilScreen('no-slip');
    expect([w.shown('no-slip').busy, orders(), w.pay.calls]).toEqual([false, 0, []]);
    await w.tap('pay', 10_000);
    await w.untilCode();
    expect(orders()).toBe(1);
  });

  it('a large sum is read over, and then he agrees', async () => {
    await outOfPaper();
    await w.toAmount('golden');
    await choose(60_000);
    await w.tap('pay', 60_000);
    expect(w.screen).toBe('confirm-sum');
    await w.tap('pay', 60_000);
    isAsked(60_000, true);
    await w.tap('back');
    expect(w.screen).toBe('amount');
  });

  it('what cannot be had after all is said at the amount, and he is asked anew', async () => {
    await outOfPaper();
    await w.toAmount('golden');
    await choose(10_000);
    await w.tap('pay', 10_000);
    w.setService({ lineUp: false });
    await w.tap('pay', 10_000);
    await w.until('an answer', () => w.screen === 'amount');
    expect(w.shown('amount').problem).toBe('SALE-0111');
    w.setService({ lineUp: true });
    await w.run(0);
    await w.tap('pay', 10_000);
    isAsked(10_000, true);
  });

  it('an IoT meter, bills, and a contract: the same question, last of all', async () => {
    await outOfPaper();
    await w.toAccount('top-up', IOT);
    await w.tap('choose-amount', 10_000);
    await w.tap('pay', 10_000);
    isAsked(10_000, false);
    await w.tap('choose-amount', 20_000);
    isAsked(10_000, false);
    await w.tap('exit');
    await w.untilScreen('start');
    await w.toAccount('bills', HOUSEHOLD);
    const { chosenFen } = w.shown('bills');
    await w.tap('pay', chosenFen);
    isAsked(chosenFen, false);
    await w.tap('back');
    expect(w.screen).toBe('bills');
    await w.tap('exit');
    await w.untilScreen('start');
    await w.toAccount('bills', HEATED);
    const heat = w.shown('bills').chosenFen;
    await w.tap('pay', heat);
    await w.tap('agree', true as unknown as string);
    await w.tap('pay', heat);
    await w.tap('pay', heat);
    isAsked(heat, false);
    await w.tap('pay', heat);
    await w.untilCode();
    expect(orders()).toBe(1);
  });
});

describe('a slip of which a part is out', () => {
  it('is said, is a fact, and is printed again on his touch', async () => {
    w.printsPartly = true;
    await w.toPay('golden');
    w.pay.pay();
    await w.untilScreen('done');
    await w.until('the printer', () => w.shown('done').receipt !== 'printing');
    expect(w.shown('done').receipt).toBe('partly');
    const slips = () =>
      w.journal
        .story(w.order().orderId)
        .filter((e) => e.kind === 'slip-printed')
        .map((e) => e.body);
    expect(slips()).toEqual([{ what: 'receipt', ok: false, partly: true }]);
    w.printsPartly = false;
    await w.tap('print');
    await w.until('the printer', () => w.shown('done').receipt === 'printed');
    expect(slips().at(-1)).toEqual({ what: 'receipt', ok: true });
    await w.remove();
  });
});
