import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Purchase } from '../../../src/shared/central-api/index.ts';
import type { HeldPolicy } from '../../../src/shared/policy.ts';
import type { MyAccountPolicy } from '../../../src/shared/policy-my-account.ts';
import { makeReceiptToken } from '../../../src/shared/receipt-link.ts';
import { quickSigner } from '../central/harness.ts';
import { CREDIT_POLICY, IOT } from '../../support/credit-books.ts';
import { POLICY, World } from '../../support/kiosk-world.ts';
import { gasUse, monthsOf, PURCHASE } from '../../support/my-account-books.ts';

/** A customer looks at his own account: by his card, or by a number and four digits. */
const RULES: MyAccountPolicy = {
  abnormalPercent: 200,
  abnormalAbove: 500,
  byNumber: true,
  lookUps: 3,
};
const SHOWS: HeldPolicy = {
  ...POLICY,
  credit: CREDIT_POLICY,
  myAccount: RULES,
  info: { emergency: '0558-2197777', outages: [], prices: [], papers: [] },
};

let w: World;
const start = async (policy: HeldPolicy = SHOWS): Promise<void> => {
  w = new World();
  w.policy = policy;
  await w.start();
};
beforeEach(() => start());
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

const userNo = (): string => w.central.accounts.get(CARD)?.userNo ?? '';
const CARD = '8800003921';
const shown = () => w.shown('my-account');
/** An order of this machine's as central tells it, once it was told of it. */
const toldBack = (over: Partial<Purchase> = {}): Purchase => {
  const { orderId, createdMs: atMs, sale } = w.order();
  const of = { orderId, terminalId: w.terminalId, atMs, amountFen: sale.amountFen };
  return { ...PURCHASE, ...of, ...over };
};
/** The card of `golden` is looked at. */
const look = async (card = 'golden'): Promise<void> => {
  await w.tap('open', 'my-account');
  await w.insert(card);
  await w.untilScreen('my-account');
};
const type = async (number: string, last4: string): Promise<void> => {
  await w.tap('my-look', number, { last4 });
  await w.until('an answer', () => w.screen !== 'my-account-no' || !w.shown('my-account-no').busy);
};

describe('by the card', () => {
  it('shows use, tiers and purchases of its account; the card goes back at the end', async () => {
    w.central.mine.add(userNo(), '6212', {
      uses: [gasUse(w.clock.nowMs())],
      purchases: [PURCHASE],
    });
    expect(w.shown('start').tiles).toContain('my-account');
    expect(w.shown('start').tiles).not.toContain('query');
    await look();
    expect(shown()).toMatchObject({
      page: 'use',
      pages: ['use', 'card', 'purchases'],
      holderMasked: '张*明',
      numberMasked: '8800 **** 3921',
      away: false,
      faults: [],
      use: { kind: 'gas', abnormal: null, year: { quantity: 21_450 } },
    });
    expect(w.needs.card).toBe('in');
    await w.tap('my-page', 'card');
    expect(shown().card?.view).toMatchObject({ pendingQuantity: 0 });
    await w.tap('my-page', 'purchases');
    expect(shown().purchases).toMatchObject([
      { orderRef: '0399 0007 4242', here: false, machine: '0399', stands: 'written' },
    ]);
    await w.tap('exit');
    expect(w.screen).toBe('take-card');
    await w.remove();
    await w.untilScreen('start');
    // The next one sees nothing of it.
    expect(w.describe()).not.toContain('张*明');
  });

  it('the card pulled in the middle of it ends it', async () => {
    await look();
    await w.remove();
    await w.untilScreen('start');
  });

  it('nobody there: it closes by itself, and the card is asked for', async () => {
    await look();
    await w.run(95_000);
    expect(w.screen).toBe('take-card');
  });

  it('goes on to a recharge of the same card', async () => {
    await look();
    expect(shown().recharge).toBe(true);
    await w.tap('recharge');
    await w.untilScreen('amount');
    w.setService({ lineUp: false });
    await w.tap('exit');
    await w.remove();
    await w.untilScreen('start');
    await look();
    expect(shown().recharge).toBe(false);
    await w.tap('recharge');
    expect(w.screen).toBe('my-account');
  });

  it('without the policy’s switch it is what it was', async () => {
    await w.close();
    await start(POLICY);
    expect(w.shown('start').tiles).toContain('query');
    await w.tap('open', 'query');
    expect(w.shown('insert-card').byNumber).toBeUndefined();
    await w.insert('golden');
    await w.untilScreen('card-info');
    expect(w.central.mine.asked).toEqual([]);
  });

  it('what the meter wrote back, and what the company knows of it, each once and the urgent first', async () => {
    w.central.mine.add(userNo(), '6212', {
      uses: [
        gasUse(w.clock.nowMs(), {
          faults: [
            { fault: 'battery', sinceMs: 5 },
            { fault: 'leak', sinceMs: 7 },
          ],
        }),
      ],
    });
    // Bits 0 battery, 1 magnet (docs/layouts), and the valve is shut.
    w.meterFaults('golden', 0b11, true);
    await look();
    expect(shown().faults).toEqual([
      { kind: 'gas', fault: 'leak', sinceMs: 7 },
      { kind: 'gas', fault: 'valve', sinceMs: null },
      { kind: 'gas', fault: 'battery', sinceMs: 5 },
      { kind: 'gas', fault: 'magnet', sinceMs: null },
    ]);
    expect(shown().emergency).toBe('0558-2197777');
  });

  it('abnormal use is said from the policy’s factor on', async () => {
    const quantities = [...Array.from({ length: 11 }, () => 2_000), 4_100];
    w.central.mine.add(userNo(), '6212', {
      uses: [gasUse(w.clock.nowMs(), { months: monthsOf(w.clock.nowMs(), quantities) })],
    });
    await look();
    expect(shown().use?.abnormal).toMatchObject({ percent: 205, goesOn: true });
    w.setService({ policy: { ...SHOWS, myAccount: { ...RULES, abnormalPercent: 206 } } });
    expect(shown().use?.abnormal).toBeNull();
  });
});

describe('with central away', () => {
  it('the card tells what it knows, and this machine what was bought with that very card', async () => {
    await w.toPay('golden');
    w.pay.pay();
    await w.untilScreen('done');
    await w.remove();
    await w.untilScreen('start');
    w.central.away = true;
    w.setService({ centralUp: false });
    await look();
    expect(shown()).toMatchObject({
      away: true,
      page: 'card',
      pages: ['card', 'purchases'],
      use: null,
      purchases: [{ here: true, stands: 'written', amountFen: 10_000, kinds: ['card'] }],
    });
    await w.tap('exit');
    await w.remove();
    await w.untilScreen('start');
    await look('good');
    expect(shown().purchases).toEqual([]);
    expect(w.central.mine.asked).toEqual([]);
  });

  it('which it notices only now: the same, once the answer does not come', async () => {
    w.central.away = true;
    await look();
    expect(shown()).toMatchObject({ away: true, page: 'card' });
  });

  it('is not said of a card that central does not know', async () => {
    w.central.accounts.delete(CARD);
    await look();
    expect(shown()).toMatchObject({ away: false, page: 'card', holderMasked: '', purchases: [] });
  });

  it('a number opens nothing, and is not asked for', async () => {
    w.setService({ centralUp: false });
    await w.tap('open', 'my-account');
    expect(w.shown('insert-card').byNumber).toBeUndefined();
    await w.tap('my-number');
    expect(w.screen).toBe('insert-card');
  });
});

describe('by number', () => {
  const open = async (): Promise<void> => {
    await w.tap('open', 'my-account');
    expect(w.shown('insert-card').byNumber).toBe(true);
    await w.tap('my-number');
    expect(w.screen).toBe('my-account-no');
  };

  it('shows no order of this machine that central was told of and does not list: it was moved to another', async () => {
    await w.toCreditPay(IOT);
    w.pay.pay();
    await w.untilScreen('done');
    await w.untilScreen('start');
    await w.until('told', () => w.journal.isTold(w.order().orderId));
    w.central.mine.add(IOT, '6212');
    await open();
    await type(IOT, '6212');
    expect(shown().purchases).toEqual([]);
  });

  it('with the last four digits of the telephone: the account, and orders of this machine', async () => {
    await w.toCreditPay(IOT);
    w.pay.pay();
    await w.untilScreen('done');
    await w.untilScreen('start');
    w.central.mine.add(IOT, '6212', {
      holderName: '李*华',
      uses: [gasUse(w.clock.nowMs()), gasUse(w.clock.nowMs(), { kind: 'water', year: null })],
      balance: { fen: 8_766, onTheWayFen: 0 },
      purchases: [toldBack({ kinds: ['balance'], quantity: null, stands: 'credited' })],
    });
    await w.until('told', () => w.journal.isTold(w.order().orderId));
    await open();
    await type(IOT, '6212');
    expect(shown()).toMatchObject({
      byCard: false,
      card: null,
      recharge: false,
      pages: ['use', 'purchases'],
      kinds: ['gas', 'water'],
      balance: { fen: 8_766 },
      purchases: [{ here: true, stands: 'credited', kinds: ['balance'], quantity: null }],
    });
    // No card is held, and none is looked for.
    expect(w.needs).toEqual({ card: 'out', scanner: false });
    await w.tap('my-kind', 1);
    expect(shown().use?.kind).toBe('water');
    // Nothing whole of whose it is.
    expect(w.describe()).not.toContain(IOT);
    expect(w.describe()).not.toContain('6212');
  });

  it('a neighbour’s number and an unknown one are told alike', async () => {
    w.central.mine.add(IOT, '6212', { uses: [gasUse(w.clock.nowMs())] });
    await open();
    await type(IOT, '0000');
    const wrong = w.shown('my-account-no');
    await w.run(121_000);
    await open();
    await type('2009999999', '6212');
    const unknown = w.shown('my-account-no');
    expect(wrong.problem).toBe('SALE-0140');
    expect(unknown.problem).toBe(wrong.problem);
  });

  it('is no directory: so many tries in two minutes, whoever stands there', async () => {
    w.central.mine.add(IOT, '6212');
    await open();
    for (const digits of ['0001', '0002', '0003']) await type(IOT, digits);
    await type(IOT, '6212');
    expect(w.shown('my-account-no').problem).toBe('SALE-0121');
    await w.tap('exit');
    await open();
    await type(IOT, '6212');
    expect(w.shown('my-account-no').problem).toBe('SALE-0121');
    expect(w.central.mine.asked).toHaveLength(3);
    // The same budget as the account sale's, which has a number of its own.
    await w.tap('exit');
    await w.run(121_000);
    await open();
    await type(IOT, '6212');
    expect(w.screen).toBe('my-account');
  });

  it('central goes away meanwhile: it says so, and nothing of this machine’s orders', async () => {
    await w.toCreditPay(IOT);
    w.pay.pay();
    await w.untilScreen('done');
    await w.untilScreen('start');
    await open();
    w.central.away = true;
    await type(IOT, '6212');
    expect(w.shown('my-account-no').problem).toBe('BILL-0101');
  });

  it('a card that is found after all is read, not bought with', async () => {
    await open();
    await w.insert('golden');
    await w.untilScreen('my-account');
    expect(shown().byCard).toBe(true);
  });

  it('an answer to an earlier question opens nothing', async () => {
    w.central.mine.add(IOT, '6212', { uses: [gasUse(w.clock.nowMs())] });
    w.central.held = true;
    await open();
    await w.tap('my-look', IOT, { last4: '6212' });
    await w.tap('exit');
    // The next one types his own, wrongly, while the answer to the one before is on its way.
    await open();
    await w.tap('my-look', '2009999999', { last4: '0000' });
    w.central.letGo();
    await w.run(1_000);
    expect(w.shown('my-account-no').problem).toBe('SALE-0140');
    expect(w.screens).not.toContain('my-account');
    await w.tap('exit');
    expect(w.screen).toBe('start');
  });
});

describe('on paper', () => {
  it('the year: twelve months and the tier, masked', async () => {
    w.central.mine.add(userNo(), '6212', { uses: [gasUse(w.clock.nowMs())] });
    await look();
    expect(shown().canPrint).toBe(true);
    await w.tap('print');
    await w.until('printed', () => shown().slip === 'printed');
    const slip = w.printed.at(-1) ?? '';
    expect(slip).toContain('近 12 个月用气');
    expect(slip).toContain('21.00');
    expect(slip).toContain('离下一档还有 145.50');
    expect(slip).toContain('8800 **** 3921');
    expect(slip).not.toContain(CARD);
  });

  it('a copy of a slip is marked as one, makes no order, and comes so often', async () => {
    w.central.mine.add(userNo(), '6212', { purchases: [PURCHASE] });
    const orders = w.journal.orders().length;
    await look();
    await w.tap('my-page', 'purchases');
    await w.tap('my-order', 0);
    expect(shown().order).toMatchObject({ orderRef: '0399 0007 4242' });
    for (let n = 0; n < 6; n++) {
      await w.tap('print');
      await w.run(1_000);
    }
    expect(w.printed).toHaveLength(4);
    expect(shown().canPrint).toBe(false);
    expect(w.printed[0]).toContain('补打凭条 COPY');
    expect(w.printed[0]).toContain('不能再次充值或退款');
    expect(w.printed[0]).toContain('200.00 元');
    expect(w.printed[0]).toContain('75.47 立方米');
    expect(w.journal.orders()).toHaveLength(orders);
    await w.tap('back');
    expect(shown().order).toBeNull();
  });

  it('the receipt’s code: of this machine by its own key, of another by central’s', async () => {
    await w.close();
    w = new World();
    w.policy = { ...SHOWS, receipts: { url: 'https://r.example.com' } };
    const signed = (orderId: string): string => makeReceiptToken(quickSigner('t'), orderId);
    w.receiptToken = signed;
    await w.start();
    await w.toPay('golden');
    w.pay.pay();
    await w.untilScreen('done');
    await w.remove();
    await w.untilScreen('start');
    const { orderId } = w.order();
    w.central.mine.add(userNo(), '6212', { purchases: [toldBack(), PURCHASE] });
    await look();
    const urls = [];
    for (const n of [0, 1]) {
      await w.tap('my-order', n);
      urls.push(shown().order?.receiptUrl);
    }
    // The newer one first.
    expect(urls).toEqual([
      `https://r.example.com/r/${signed(orderId)}`,
      `https://r.example.com/r/${PURCHASE.receipt}`,
    ]);
    await w.tap('print');
    await w.until('printed', () => shown().slip === 'printed');
    expect(w.codes.at(-1)).toBe(urls[1]);
  });

  it('the printer out: it says so, and offers none', async () => {
    w.central.mine.add(userNo(), '6212', { uses: [gasUse(w.clock.nowMs())] });
    await look();
    w.printerOk = false;
    await w.tap('print');
    await w.until('said', () => shown().slip === 'failed');
    w.setService({ devices: w.devices() });
    expect(shown().canPrint).toBe(false);
  });

  it('by the reference of a slip: a copy of it, and none of what nobody paid for', async () => {
    await w.toPay('golden');
    w.pay.pay();
    await w.untilScreen('done');
    await w.remove();
    await w.untilScreen('start');
    const printed = w.printed.length;
    const [, terminal = '', , counter = '', random = ''] = w.order().orderId.split('-');
    await w.tap('open', 'unfinished');
    await w.tap('find-order', `${terminal.slice(-4)}${counter}${random}`);
    await w.until('found', () => w.shown('order-status').state === 'delivered');
    for (let n = 0; n < 4; n++) {
      await w.tap('print');
      await w.run(500);
    }
    expect(w.printed).toHaveLength(printed + 2);
    expect(w.printed.at(-1)).toContain('补打凭条 COPY');
    expect(w.shown('order-status').copy).toEqual({ slip: 'printed', can: false });
    expect(w.journal.orders()).toHaveLength(1);
    await w.tap('exit');
    await w.toPay('good');
    await w.tap('cancel');
    await w.untilScreen('cancelled');
    await w.remove();
    await w.untilScreen('start');
    const [, , , second = '', last = ''] = w.order().orderId.split('-');
    await w.tap('open', 'unfinished');
    await w.tap('find-order', `${terminal.slice(-4)}${second}${last}`);
    await w.until('found', () => w.shown('order-status').state === 'closed');
    expect(w.shown('order-status').copy).toBeUndefined();
    await w.tap('print');
    expect(w.printed).toHaveLength(printed + 2);
  });
});
