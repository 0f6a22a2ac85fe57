import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { policySchema } from '../../../src/shared/policy.ts';
import { CREDIT_POLICY, HEATED, HOUSEHOLD, IOT } from '../../support/credit-books.ts';
import { creditPolicy, POLICY, World } from '../../support/kiosk-world.ts';

/** Before a large sum the customer is asked once more, and nothing is reserved for the question. */
let w: World;
beforeEach(async () => {
  w = new World();
  w.policy = { ...creditPolicy(), confirmAboveFen: 50_000 };
  await w.start();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});
const choose = async (fen: number): Promise<void> => {
  await w.tap('choose-amount', fen);
  await w.until('a quote', () => w.shown('amount').quote?.amountFen === fen);
};
const orders = (): number => w.journal.orders().length;

describe('a large sum onto a card', () => {
  it('is shown with whose card it is and what is written; then it is paid like any other, once', async () => {
    await w.toAmount('golden');
    await choose(60_000);
    const { quote } = w.shown('amount');
    await w.tap('pay', 60_000);
    expect(w.shown('confirm-sum')).toMatchObject({
      holderMasked: expect.stringContaining('*') as string,
      number: '8800 **** 3921',
      amountFen: 60_000,
      goods: { quantity: quote?.quantity, unit: 'volume' },
      busy: false,
    });
    // Nothing was asked for, and nothing is held.
    expect(orders()).toBe(0);
    expect(w.pay.calls).toEqual([]);
    expect(w.central.claims.size).toBe(0);
    await w.tap('pay', 60_000);
    await w.untilCode();
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.order().sale.amountFen).toBe(60_000);
    expect(orders()).toBe(1);
    expect(w.pay.trades.size).toBe(1);
  });

  it('up to the figure is not asked about; nor any, where the policy says so', async () => {
    await w.toAmount('golden');
    await choose(50_000);
    await w.tap('pay', 50_000);
    await w.untilCode();
    await w.tap('cancel');
    await w.untilScreen('cancelled');
    await w.remove();
    await w.untilScreen('start');
    w.setService({ policy: { ...w.policy, confirmAboveFen: null } });
    await w.toAmount('golden');
    await choose(60_000);
    await w.tap('pay', 60_000);
    await w.untilCode();
  });

  it('goes back to the amount that was chosen, where another can be', async () => {
    await w.toAmount('golden');
    await choose(60_000);
    await w.tap('pay', 60_000);
    await w.tap('back');
    expect(w.shown('amount')).toMatchObject({ chosenFen: 60_000, busy: false, problem: null });
    await choose(10_000);
    await w.tap('pay', 10_000);
    await w.untilCode();
    expect(orders()).toBe(1);
  });

  it('a second tap on the amount’s button lands on nothing; nor does another sum’s', async () => {
    await w.toAmount('golden');
    await choose(60_000);
    const { revision } = w.snapshot;
    const twice = { type: 'pay', value: 60_000, screen: 'amount', revision } as const;
    w.kiosk.intent(twice);
    w.kiosk.intent(twice);
    await w.run(500);
    expect(w.screen).toBe('confirm-sum');
    await w.tap('pay', 10_000);
    await w.tap('choose-amount', 10_000);
    expect(w.shown('confirm-sum')).toMatchObject({ amountFen: 60_000, busy: false });
    const agreed = { ...twice, screen: 'confirm-sum', revision: w.snapshot.revision } as const;
    w.kiosk.intent(agreed);
    w.kiosk.intent(agreed);
    await w.untilCode();
    expect(orders()).toBe(1);
  });

  it('ends with its time, more of it can be had, and with the card', async () => {
    await w.toAmount('golden');
    await choose(60_000);
    await w.run(100_000);
    await w.tap('pay', 60_000);
    // What was left of the amount's own time would not do to read it.
    await w.run(85_000);
    expect(w.screen).toBe('confirm-sum');
    await w.tap('more-time');
    await w.run(55_000);
    expect(w.screen).toBe('confirm-sum');
    await w.untilScreen('take-card');
    await w.remove();
    await w.toAmount('golden');
    await choose(60_000);
    await w.tap('pay', 60_000);
    await w.remove();
    await w.untilScreen('start');
    expect(orders()).toBe(0);
  });

  it('is read over in the time of whoever listens', async () => {
    await w.tap('set-spoken', undefined, { value: true });
    await w.toAmount('golden');
    await choose(60_000);
    await w.run(350_000);
    await w.tap('pay', 60_000);
    await w.run(260_000);
    expect(w.screen).toBe('confirm-sum');
    await w.untilScreen('take-card');
    await w.remove();
  });

  it('is not disturbed by money that comes late for an order of before: that goes back, and this one is asked for', async () => {
    await w.toPay('golden', 10_000);
    const [first] = w.pay.trades.values();
    await w.tap('cancel');
    await w.untilScreen('cancelled');
    await w.remove();
    await w.untilScreen('start');
    await w.toAmount('golden');
    await choose(60_000);
    await w.tap('pay', 60_000);
    w.pay.pay(first, true);
    await w.run(20_000);
    expect(w.shown('confirm-sum').amountFen).toBe(60_000);
    expect(w.pay.keptFen()).toBe(0);
    await w.tap('pay', 60_000);
    await w.untilCode();
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.pay.keptFen()).toBe(60_000);
  });

  it('that cannot be had after all is said at the amount', async () => {
    await w.toAmount('golden');
    await choose(60_000);
    await w.tap('pay', 60_000);
    w.setService({ lineUp: false });
    await w.tap('pay', 60_000);
    await w.until('an answer', () => w.screen === 'amount');
    expect(w.shown('amount').problem).toBe('SALE-0111');
    expect(orders()).toBe(0);
  });
});

describe('a large sum to an account', () => {
  it('of an IoT meter: who, the end of the number, and back to the sum', async () => {
    await w.toAccount('top-up', IOT);
    await w.tap('choose-amount', 60_000);
    await w.tap('pay', 60_000);
    expect(w.shown('confirm-sum')).toMatchObject({
      holderMasked: '李*华',
      number: '0333',
      amountFen: 60_000,
      credit: { kinds: ['balance'], company: { zh: '阜城燃气' } },
    });
    await w.tap('not-me');
    await w.tap('its-me');
    expect(w.screen).toBe('confirm-sum');
    await w.tap('back');
    expect(w.shown('top-up').chosenFen).toBe(60_000);
    await w.tap('pay', 60_000);
    expect(w.central.credit.asked).toEqual([]);
    await w.tap('pay', 60_000);
    await w.untilCode();
    w.pay.pay();
    await w.untilScreen('done');
    expect(orders()).toBe(1);
  });

  it('that the policy takes from under the question is gone, and what is ticked next is not paid at once', async () => {
    const kinds = (...some: ('gas' | 'water')[]): Promise<void> => {
      const bills = { ...CREDIT_POLICY.bills, kinds: some };
      const credit = { ...CREDIT_POLICY, bills };
      w.setService({ policy: { ...w.policy, credit, confirmAboveFen: 4_500 } });
      return w.run(0);
    };
    await kinds('gas');
    await w.toAccount('bills', HOUSEHOLD);
    const { chosenFen } = w.shown('bills');
    await w.tap('pay', chosenFen);
    expect(w.screen).toBe('confirm-sum');
    await kinds('water');
    expect(w.shown('bills').chosenFen).toBe(0);
    await w.tap('pay', chosenFen);
    expect(w.screen).toBe('bills');
    await w.tap('choose-bill', 'W-10');
    expect(w.shown('bills').chosenFen).toBe(4_560);
    await kinds('water', 'gas');
    await w.tap('choose-bill', 'G-10');
    expect(w.shown('bills').chosenFen).toBe(chosenFen);
    await w.tap('pay', chosenFen);
    expect(w.screen).toBe('confirm-sum');
    expect(w.central.credit.asked).toEqual([]);
  });

  it('with a contract: read and agreed to first; in another language it is another text, and read again', async () => {
    await w.toAccount('bills', HEATED);
    const { chosenFen } = w.shown('bills');
    await w.tap('pay', chosenFen);
    await w.tap('agree', true as unknown as string);
    await w.tap('pay', chosenFen);
    expect(w.shown('confirm-sum')).toMatchObject({ amountFen: chosenFen });
    await w.tap('back');
    expect(w.shown('contract').agreed).toBe(true);
    await w.tap('pay', chosenFen);
    await w.tap('set-locale', 'en');
    await w.tap('pay', chosenFen);
    expect(w.shown('contract').agreed).toBe(false);
    await w.tap('agree', true as unknown as string);
    await w.tap('pay', chosenFen);
    expect(w.screen).toBe('confirm-sum');
    await w.tap('pay', chosenFen);
    await w.untilCode();
    expect(orders()).toBe(1);
  });
});

describe('the policy’s figure', () => {
  it('is 500 yuan where it is left out, off as null, and has bounds', () => {
    const { confirmAboveFen: _said, ...rest } = POLICY;
    expect(policySchema.parse(rest).confirmAboveFen).toBe(50_000);
    for (const good of [null, 5_000, 10_000_000])
      expect(policySchema.parse({ ...rest, confirmAboveFen: good }).confirmAboveFen).toBe(good);
    for (const bad of [0, 4_999, 10_000_001, 500.5, '500'])
      expect(policySchema.safeParse({ ...rest, confirmAboveFen: bad }).success).toBe(false);
  });
});
