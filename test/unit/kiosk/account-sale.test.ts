import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failure } from '../../../src/shared/errors.ts';
import { consentHash } from '../../../src/shared/grants.ts';
import { orderRefDigits } from '../../../src/shared/order-id.ts';
import { AHEAD, bill, CREDIT_POLICY, HEATED, HOUSEHOLD, IOT } from '../../support/credit-books.ts';
import { creditPolicy, POLICY, World } from '../../support/kiosk-world.ts';

let w: World;
beforeEach(async () => {
  w = new World();
  w.policy = creditPolicy();
  await w.start();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

const credit = () => w.central.credit;
const balance = (): number => credit().accounts.get(IOT)?.balanceFen ?? 0;

describe('an IoT meter', () => {
  it('is topped up: whose it is, how much, paid, credited; the customer leaves at once', async () => {
    await w.tap('open', 'top-up');
    expect(w.shown('user-no')).toMatchObject({ service: 'top-up', digits: 10, busy: false });
    await w.tap('enter-user-no', IOT);
    await w.untilScreen('is-it-you');
    expect(w.shown('is-it-you')).toMatchObject({ holderMasked: '李*华', userNo: IOT });
    await w.tap('its-me');
    expect(w.shown('top-up')).toMatchObject({ balanceFen: -1_234, chosenFen: null });
    await w.tap('choose-amount', 10_000);
    await w.tap('pay', 10_000);
    await w.untilCode();
    expect(w.shown('pay')).toMatchObject({
      amountFen: 10_000,
      credit: { userTail: '0333', kinds: ['balance'], company: { zh: '阜城燃气' } },
    });
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.state()).toBe('delivered/paid');
    expect(balance()).toBe(8_766);
    expect(w.shown('done')).toMatchObject({ cardOut: true, credit: { userTail: '0333' } });
    expect(w.kinds().slice(1)).toEqual([
      'credit-quoted',
      'attempt-creating',
      'attempt-pending',
      'attempt-paid',
      'order-paid',
      'credit-posting',
      'credit-posted',
      'slip-printed',
    ]);
    expect(w.printed.join('\n')).toContain('用户号尾号 0333');
    expect(w.printed.join('\n')).not.toContain(IOT);
    await w.untilScreen('start');
  });

  it('is not topped up by a sum out of bounds, nor where there is none', async () => {
    await w.toAccount('top-up', IOT);
    await w.tap('choose-amount', 900);
    expect(w.shown('top-up')).toMatchObject({ problem: 'SALE-0105', chosenFen: null });
    await w.tap('pay', 900);
    expect(w.screen).toBe('top-up');
    await w.tap('exit');
    await w.tap('open', 'top-up');
    await w.tap('enter-user-no', HOUSEHOLD);
    await w.until('an answer', () => w.shown('user-no').problem !== null);
    expect(w.shown('user-no').problem).toBe('SALE-0123');
    expect(credit().orders.size).toBe(0);
  });
});

describe('a top-up’s slip', () => {
  it('asked for by its number tells whether the meter has it, as central hears; else that it is credited', async () => {
    await w.toAccount('top-up', IOT);
    await w.tap('choose-amount', 10_000);
    await w.tap('pay', 10_000);
    await w.untilCode();
    w.pay.pay();
    await w.untilScreen('done');
    const ref = w.shown('done').orderRef.replaceAll(' ', '');
    const { orderId } = w.order();
    await w.tap('exit');
    const told = {
      orderId,
      terminalId: w.terminalId,
      state: 'delivered',
      amountFen: 10_000,
    } as const;
    const goods = { quantity: 10_000, unit: 'money', sale: 'credit' } as const;
    for (const meter of ['on-the-way', 'confirmed'] as const) {
      w.central.statuses = [{ ...told, ...goods, meter }];
      await w.tap('open', 'unfinished');
      await w.tap('find-order', ref);
      await w.until('answered', () => w.shown('order-status').state === 'delivered');
      expect(w.shown('order-status').meter).toBe(meter);
      await w.tap('exit');
    }
    // Another order under the same digits says nothing of this one.
    w.central.statuses = [{ ...told, ...goods, orderId: `${orderId}0`, meter: 'confirmed' }];
    await w.tap('open', 'unfinished');
    await w.tap('find-order', ref);
    await w.until('answered', () => w.shown('order-status').state === 'delivered');
    expect(w.shown('order-status').meter).toBeUndefined();
  });
});

describe('a household’s card instead of its number', () => {
  const CARDED = '1002203344';
  beforeEach(() => {
    const items = [bill('G-12', 'gas', 'house', 4_000)];
    credit().accounts.set(CARDED, { balanceFen: null, items });
  });

  it('opens its account, which is still to be confirmed; the card may be taken, and is sold nothing', async () => {
    await w.tap('open', 'bills');
    await w.insert('golden');
    await w.untilScreen('is-it-you');
    expect(w.shown('is-it-you').userNo).toBe(CARDED);
    await w.remove();
    expect(w.screen).toBe('is-it-you');
    await w.tap('its-me');
    await w.tap('pay', 4_000);
    await w.untilCode();
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.purchase('golden')).toMatchObject({ count: 41 });
    expect(credit().accounts.get(CARDED)?.items).toEqual([]);
  });

  it('left in while its bill is paid changes nothing', async () => {
    await w.tap('open', 'bills');
    await w.insert('golden');
    await w.untilScreen('is-it-you');
    await w.tap('its-me');
    await w.tap('pay', 4_000);
    await w.untilCode();
    await w.remove();
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.state()).toBe('delivered/paid');
  });

  it('is finished first where an order of its own was paid', async () => {
    await w.toPay('golden', 10_000);
    w.card('golden').arm({ kind: 'tear', at: 3, when: 'before', from: 'arming' });
    w.pay.pay();
    await w.untilScreen('in-doubt');
    await w.tap('leave');
    await w.untilScreen('start');
    await w.tap('open', 'bills');
    await w.insert('golden');
    await w.untilScreen('done');
    expect(w.purchase('golden')).toMatchObject({ count: 42 });
    expect(credit().orders.size).toBe(0);
  });

  it('without an account says so, and leaves the pad', async () => {
    await w.tap('open', 'bills');
    await w.insert('good');
    await w.until('an answer', () => w.shown('user-no').problem !== null);
    expect(w.shown('user-no').problem).toBe('SALE-0119');
    await w.remove();
    expect(w.shown('user-no').busy).toBe(false);
    expect(credit().orders.size).toBe(0);
  });
});

describe('bills', () => {
  it('of one payee are paid by one order, and the next payee’s after it in the same visit', async () => {
    await w.toAccount('bills', HOUSEHOLD);
    expect(w.shown('bills')).toMatchObject({ totalFen: 18_640, totalCount: 3, chosenFen: 14_080 });
    await w.tap('pay', 14_080);
    await w.untilCode();
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.shown('done').restFen).toBe(4_560);
    await w.tap('pay-next');
    await w.untilScreen('is-it-you');
    await w.tap('its-me');
    expect(w.shown('bills')).toMatchObject({ totalFen: 4_560, chosenFen: 4_560 });
    await w.tap('pay', 4_560);
    await w.untilCode();
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.shown('done').restFen).toBeUndefined();
    expect(credit().accounts.get(HOUSEHOLD)?.items).toEqual([]);
    const payees = w.journal.orders().map((o) => o.sale.payee);
    expect(payees.toSorted()).toEqual(['house', 'water']);
  });

  it('are ticked oldest first: a newer one with all older ones, and none newer than one that is taken off', async () => {
    await w.toAccount('bills', HOUSEHOLD);
    await w.tap('choose-bill', 'G-10');
    expect(w.shown('bills').chosenFen).toBe(5_070);
    await w.tap('choose-bill', 'G-09');
    expect(w.shown('bills').chosenFen).toBe(0);
    await w.tap('choose-bill', 'G-10');
    expect(w.shown('bills').chosenFen).toBe(14_080);
    await w.tap('choose-bill', 'W-10');
    expect(w.shown('bills').chosenFen).toBe(4_560);
    // Another sum than the one that is shown is agreed to by nobody.
    await w.tap('pay', 18_640);
    expect(w.screen).toBe('bills');
  });

  it('are paid in part, the oldest alone and within its bounds; the rest is owed from then on', async () => {
    await w.toAccount('bills', HOUSEHOLD);
    // Two are ticked: they are paid whole.
    expect(w.shown('bills').part).toBeUndefined();
    await w.tap('choose-amount', 3_000);
    expect(w.shown('bills').chosenFen).toBe(14_080);
    await w.tap('choose-bill', 'G-10');
    // Late fee 0.58, at least 10.00 of the bill, and not all of it.
    expect(w.shown('bills').part).toEqual({ minFen: 1_058, maxFen: 5_069, restFen: null });
    for (const fen of [1_057, 5_070]) {
      await w.tap('choose-amount', fen);
      expect(w.shown('bills')).toMatchObject({ chosenFen: 5_070, problem: 'SALE-0105' });
    }
    await w.tap('choose-amount', 3_000);
    expect(w.shown('bills')).toMatchObject({ chosenFen: 3_000, part: { restFen: 2_070 } });
    // The tick says: whole again.
    await w.tap('choose-bill', 'G-09');
    await w.tap('choose-bill', 'G-09');
    expect(w.shown('bills').chosenFen).toBe(5_070);
    await w.tap('choose-amount', 3_000);
    await w.tap('pay', 3_000);
    await w.untilCode();
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.shown('done').restFen).toBe(15_640);
    expect(w.printed.at(-1)).toMatch(/还欠.*20\.70/);
    const items = credit().accounts.get(HOUSEHOLD)?.items ?? [];
    expect(items[0]).toMatchObject({ item: 'G-09', principalFen: 2_070 });
    expect(w.pay.keptFen()).toBe(3_000);
  });

  it('that a part is refused of are not paid whole instead', async () => {
    await w.toAccount('bills', HOUSEHOLD);
    await w.tap('choose-bill', 'G-10');
    await w.tap('choose-amount', 3_000);
    const bills = { kinds: ['gas' as const, 'water' as const] };
    w.setService({ policy: { ...POLICY, credit: { ...CREDIT_POLICY, bills } } });
    await w.tap('pay', 3_000);
    expect(w.screen).toBe('bills');
    expect(w.shown('bills').chosenFen).toBe(5_070);
    expect(credit().orders.size).toBe(0);
  });

  it('of who owes nothing: money is paid ahead', async () => {
    await w.toAccount('bills', AHEAD);
    expect(w.shown('bills')).toMatchObject({ totalCount: 0, prepay: true });
    await w.tap('prepay');
    expect(w.shown('top-up')).toMatchObject({ prepay: true, balanceFen: 300, meterNo: '' });
    await w.tap('back');
    expect(w.screen).toBe('bills');
    await w.tap('prepay');
    await w.tap('choose-amount', 10_000);
    await w.tap('pay', 10_000);
    await w.untilCode();
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.printed.at(-1)).toContain('预存');
    expect(w.printed.at(-1)).not.toContain('表端');
    expect(credit().accounts.get(AHEAD)?.balanceFen).toBe(10_300);
  });

  it('of who owes something: nothing is paid ahead', async () => {
    const ahead = credit().accounts.get(AHEAD);
    if (ahead !== undefined) ahead.items = [bill('G-11', 'gas', 'house', 4_000)];
    await w.toAccount('bills', AHEAD);
    await w.tap('prepay');
    expect(w.screen).toBe('bills');
    expect(w.shown('bills').prepay).toBeUndefined();
  });

  it('paid elsewhere meanwhile: nothing is asked for, or the money goes back by itself', async () => {
    await w.toAccount('bills', HOUSEHOLD);
    const account = credit().accounts.get(HOUSEHOLD);
    const items = account?.items ?? [];
    if (account !== undefined) account.items = [];
    await w.tap('pay', 14_080);
    await w.until('an answer', () => w.shown('bills').problem !== null);
    expect(w.shown('bills').problem).toBe('SALE-0120');
    expect(w.pay.trades.size).toBe(0);
    if (account !== undefined) account.items = items;
    await w.tap('pay', 14_080);
    await w.untilCode();
    credit().next.push('item-taken');
    w.pay.pay();
    await w.until('refunded', () => w.state() === 'refunded/refunded');
    expect(w.pay.keptFen()).toBe(0);
    expect(w.shown('refunding')).toMatchObject({ state: 'refunded', reason: 'SALE-0122' });
    // Time to photograph the number.
    await w.tap('more-time');
    await w.run(50_000);
    expect(w.screen).toBe('refunding');
    expect(w.printed.at(-1)).toContain('没有入账');
  });

  it('two visitors at two machines pay one bill once', async () => {
    await w.toAccount('bills', HOUSEHOLD);
    const other = credit().quote(
      {
        orderId: 'PL-000000000312-1-1-1-1',
        userNo: HOUSEHOLD,
        payee: 'house',
        lines: [{ item: 'G-09', amountFen: 5_070 }],
        asOfMs: w.clock.nowMs(),
      },
      w.clock.nowMs(),
    );
    expect(other.ok).toBe(true);
    await w.tap('pay', 14_080);
    await w.until('an answer', () => w.shown('bills').problem !== null);
    expect(w.shown('bills').problem).toBe('SALE-0120');
  });
});

describe('a contract', () => {
  it('is shown and agreed to before any money is asked for, and stands in the order', async () => {
    await w.toAccount('bills', HEATED);
    await w.tap('pay', 241_250);
    expect(w.shown('contract')).toMatchObject({ agreed: false, version: 3, amountFen: 241_250 });
    await w.tap('pay', 241_250);
    expect(w.shown('contract').agreed).toBe(false);
    expect(credit().orders.size).toBe(0);
    await w.tap('agree', true as unknown as string);
    // In another language it is another text.
    await w.tap('set-locale', 'en');
    expect(w.shown('contract').agreed).toBe(false);
    await w.tap('pay', 241_250);
    expect(w.screen).toBe('contract');
    expect(credit().orders.size).toBe(0);
    await w.tap('set-locale', 'zh-CN');
    await w.tap('agree', true as unknown as string);
    await w.tap('pay', 241_250);
    await w.untilCode();
    const { sale } = w.order();
    const [text] = CREDIT_POLICY.texts;
    expect(sale.kind === 'credit' ? sale.consent : null).toEqual({
      textId: 'heat-contract',
      version: 3,
      sha256: text === undefined ? '' : consentHash(text, 'zh-CN'),
      locale: 'zh-CN',
      atMs: expect.any(Number) as number,
    });
    w.pay.pay();
    await w.untilScreen('done');
    expect(credit().asked.at(-1)?.sale.consent?.textId).toBe('heat-contract');
  });

  it('whose words the policy changes is to be ticked again', async () => {
    await w.toAccount('bills', HEATED);
    await w.tap('pay', 241_250);
    await w.tap('agree', true as unknown as string);
    const points = [{ zh: '押金一万元。', en: 'A deposit of 10 000 yuan.' }];
    // Also where whoever changed them forgot to raise the version.
    for (const version of [3, 4]) {
      const texts = CREDIT_POLICY.texts.map((text) => ({ ...text, version, points }));
      w.setService({ policy: { ...POLICY, credit: { ...CREDIT_POLICY, texts } } });
      expect(w.shown('contract')).toMatchObject({ agreed: false, version });
      await w.tap('pay', 241_250);
      expect(w.screen).toBe('contract');
    }
    expect(credit().orders.size).toBe(0);
    await w.tap('agree', true as unknown as string);
    await w.tap('pay', 241_250);
    await w.untilCode();
    const { sale } = w.order();
    expect(sale.kind === 'credit' ? sale.consent?.version : null).toBe(4);
  });

  it('whose new words have not come here yet: that is said before anything is paid', async () => {
    credit().contract = '0'.repeat(64);
    await w.toAccount('bills', HEATED);
    await w.tap('pay', 241_250);
    await w.tap('agree', true as unknown as string);
    await w.tap('pay', 241_250);
    await w.until('an answer', () => w.shown('contract').problem !== null);
    expect(w.shown('contract').problem).toBe('SALE-0124');
    expect(credit().orders.size).toBe(0);
    const [text] = CREDIT_POLICY.texts;
    credit().contract = text === undefined ? '' : consentHash(text, 'zh-CN');
    await w.tap('pay', 241_250);
    await w.untilCode();
  });

  it('whose text goes away leaves bills that can be ticked', async () => {
    await w.toAccount('bills', HEATED);
    await w.tap('pay', 241_250);
    w.setService({ policy: { ...POLICY, credit: { ...CREDIT_POLICY, texts: [] } } });
    const [first] = w.shown('bills').groups[0]?.bills ?? [];
    await w.tap('choose-bill', first?.item);
    expect(w.shown('bills').chosenFen).not.toBe(241_250);
  });

  it('whose text is not in the policy sells nothing', async () => {
    w.setService({ policy: { ...POLICY, credit: { ...CREDIT_POLICY, texts: [] } } });
    await w.toAccount('bills', HEATED);
    await w.tap('pay', 241_250);
    expect(w.shown('bills').problem).toBe('SALE-0110');
    expect(credit().orders.size).toBe(0);
  });
});

describe('looking up accounts', () => {
  it('is no directory: so many in two minutes, and the same words for every unknown number', async () => {
    await w.tap('open', 'bills');
    for (let n = 0; n < 5; n++) {
      await w.tap('enter-user-no', `900000000${n}`);
      await w.until('an answer', () => !w.shown('user-no').busy);
      expect(w.shown('user-no').problem).toBe('SALE-0119');
    }
    await w.tap('enter-user-no', HOUSEHOLD);
    expect(w.shown('user-no').problem).toBe('SALE-0121');
    // A new visit is no way around it.
    await w.tap('exit');
    await w.tap('open', 'bills');
    await w.tap('enter-user-no', HOUSEHOLD);
    expect(w.shown('user-no').problem).toBe('SALE-0121');
    await w.run(121_000, 1_000);
    if (w.screen === 'start') await w.tap('open', 'bills');
    await w.tap('enter-user-no', HOUSEHOLD);
    await w.untilScreen('is-it-you');
  });

  it('a service that the policy gave up meanwhile is not an unknown number', async () => {
    await w.tap('open', 'bills');
    const { credit: _gone, ...policy } = { ...POLICY, credit: CREDIT_POLICY };
    w.setService({ policy });
    await w.tap('enter-user-no', HOUSEHOLD);
    expect(w.shown('user-no').problem).toBe('SALE-0110');
  });

  it('takes the code of a bill: the number itself, or the one that a text has', async () => {
    await w.tap('open', 'bills');
    await w.scan(`https://pay.example.com/bill?no=${HOUSEHOLD}`);
    await w.untilScreen('is-it-you');
    expect(w.shown('is-it-you').userNo).toBe(HOUSEHOLD);
    await w.tap('not-me');
    await w.scan('12345 and 67890');
    expect(w.shown('user-no').problem).toBe('SALE-0119');
    // A payment code, held out too early, leaves the machine for nobody.
    const asked = w.points.filter((p) => p.includes('credit-account')).length;
    for (const code of ['134567890123456789', '281234567890123456']) {
      await w.scan(code);
      expect(w.shown('user-no')).toMatchObject({ problem: 'SALE-0119', busy: false });
    }
    expect(w.points.filter((p) => p.includes('credit-account'))).toHaveLength(asked);
  });

  it('an answer that comes after the customer went on is nobody’s', async () => {
    w.central.held = true;
    await w.tap('open', 'bills');
    await w.tap('enter-user-no', HOUSEHOLD);
    await w.tap('exit');
    await w.tap('open', 'bills');
    await w.tap('enter-user-no', HEATED);
    w.central.letGo();
    await w.untilScreen('is-it-you');
    expect(w.shown('is-it-you').userNo).toBe(HEATED);
  });
});

describe('the tiles', () => {
  const tiles = (): readonly string[] => w.shown('start').tiles;
  it('are there only where the service works', () => {
    expect(tiles()).toEqual(['top-up', 'bills', 'query', 'unfinished']);
    w.setService({ centralUp: false });
    expect(tiles()).toEqual(['query', 'unfinished']);
    w.setService({ centralUp: true, lineUp: false });
    expect(tiles()).toEqual(['query', 'unfinished']);
    w.setService({ lineUp: true, policy: POLICY });
    expect(tiles()).toEqual(['query', 'unfinished']);
    const { topUp: _none, ...rest } = CREDIT_POLICY;
    w.setService({ policy: { ...POLICY, credit: rest } });
    expect(tiles()).toEqual(['bills', 'query', 'unfinished']);
    w.setService({ blocked: failure('JRNL-0104') });
    expect(w.screen).not.toBe('bills');
  });
});

describe('paid, and then', () => {
  it('the answer is lost: asked again under the same number, credited once', async () => {
    await w.toCreditPay(IOT);
    credit().next.push('lost', 'unsent');
    w.pay.pay();
    await w.untilScreen('in-doubt');
    expect(w.shown('in-doubt').reason).toBe('posting');
    await w.untilScreen('done');
    expect(balance()).toBe(8_766);
    expect(credit().posts.get(w.order().orderId)).toBe(3);
    expect(w.printed.some((p) => p.includes('正在入账'))).toBe(true);
  });

  it('central is away: it is finished when it is back, whoever stands there', async () => {
    await w.toCreditPay(IOT);
    w.central.away = true;
    w.pay.pay();
    await w.untilScreen('in-doubt');
    const ref = w.order().orderId;
    await w.tap('leave');
    await w.untilScreen('start');
    await w.run(3_600_000, 10_000);
    expect(w.order().state).toBe('in-doubt');
    expect(w.pay.keptFen()).toBe(10_000);
    w.central.away = false;
    await w.until('posted', () => w.order().state === 'delivered');
    expect(w.order().orderId).toBe(ref);
    expect(balance()).toBe(8_766);
  });

  it('central is still posting: nothing is concluded, and no money goes back', async () => {
    await w.toCreditPay(IOT);
    credit().next.push(...Array.from({ length: 20 }, () => 'posting' as const));
    w.pay.pay();
    await w.run(120_000, 1_000);
    expect(w.state()).toBe('in-doubt/paid');
    await w.until('posted', () => w.order().state === 'delivered', 600_000);
  });

  it('its payment is never believed: central makes it void, and the money goes back', async () => {
    await w.toCreditPay(IOT);
    credit().next.push(...Array.from({ length: 40 }, () => 'not-proven' as const));
    w.pay.pay();
    await w.until('asked', () => w.order().state === 'in-doubt');
    await w.run(60_000, 1_000);
    expect(w.state()).toBe('in-doubt/paid');
    await w.until('refunded', () => w.state() === 'refunded/refunded', 900_000);
    expect(credit().orders.get(w.order().orderId)?.word?.state).toBe('void');
    expect(balance()).toBe(-1_234);
    expect(w.pay.keptFen()).toBe(0);
  });

  it('central does not believe it right after an outage: that is no reason to give it up', async () => {
    await w.toCreditPay(IOT);
    w.central.away = true;
    w.pay.pay();
    await w.untilScreen('in-doubt');
    await w.run(900_000, 5_000);
    credit().next.push('not-proven');
    w.central.away = false;
    const over = (): boolean => ['delivered', 'refunded'].includes(w.order().state);
    await w.until('over', over, 900_000);
    expect(w.order().state).toBe('delivered');
    expect(balance()).toBe(8_766);
  });

  it('refused for good: the money goes back under central’s word, and the customer is told both ways', async () => {
    await w.toCreditPay(IOT);
    credit().next.push('account');
    w.pay.pay();
    await w.untilScreen('refunding');
    await w.until('refunded', () => w.state() === 'refunded/refunded');
    const told = w.journal.story(w.order().orderId).find((e) => e.kind === 'order-refunding');
    expect(told?.body).toMatchObject({ grant: `void.${w.order().orderId}` });
    expect(w.printed.at(-1)).toContain('退款凭条');
    expect(w.journal.findByRef(w.shown('refunding').orderRef)?.state).toBe('refunded');
  });

  it('the core is killed in the middle: the next one asks, and credits once', async () => {
    await w.toCreditPay(IOT);
    credit().next.push('lost');
    w.pay.pay();
    await w.until('asked', () => credit().posts.size > 0);
    w.kill();
    await w.start();
    await w.until('posted', () => w.order().state === 'delivered');
    expect(balance()).toBe(8_766);
  });
});

describe('not paid', () => {
  it('cancelled: central’s reservation goes back, and a late capture too', async () => {
    await w.toCreditPay(IOT);
    await w.tap('cancel');
    await w.until('closed', () => w.state() === 'closed/closed');
    await w.until('void', () => credit().orders.get(w.order().orderId)?.word?.state === 'void');
    w.pay.pay(w.pay.newest(), true);
    await w.until('refunded', () => w.state() === 'closed/refunded');
    expect(w.pay.keptFen()).toBe(0);
    expect(balance()).toBe(-1_234);
  });

  it('a card that is put in while it is paid for changes nothing', async () => {
    await w.toCreditPay(IOT);
    expect(w.needs).toEqual({ card: 'shut', scanner: true });
    await w.insert('golden');
    expect(w.screen).toBe('pay');
    w.pay.pay();
    await w.untilScreen('done');
    expect(balance()).toBe(8_766);
    await w.untilScreen('take-card');
    await w.remove();
    await w.untilScreen('start');
  });

  it('a quote that comes after the customer left is given back', async () => {
    await w.toAccount('top-up', IOT);
    await w.tap('choose-amount', 10_000);
    w.central.held = true;
    await w.tap('pay', 10_000);
    // Somebody puts a card in while central thinks.
    await w.insert('golden');
    w.central.letGo();
    await w.untilScreen('amount');
    expect(w.journal.orders()).toEqual([]);
    await w.until('given back', () => [...credit().orders.values()].at(0)?.word?.state === 'void');
    await w.remove();
  });

  it('a quote that ends before the code is not paid for', async () => {
    credit().quoteMs = 60_000;
    await w.toAccount('top-up', IOT);
    await w.tap('choose-amount', 10_000);
    await w.tap('pay', 10_000);
    await w.until('an answer', () => w.shown('top-up').problem !== null);
    expect(w.shown('top-up').problem).toBe('BILL-0102');
    await w.until('given back', () => [...credit().orders.values()].at(0)?.word?.state === 'void');
  });

  it('a quote that comes late is taken up', async () => {
    await w.toAccount('top-up', IOT);
    await w.tap('choose-amount', 10_000);
    w.central.held = true;
    await w.tap('pay', 10_000);
    await w.run(121_000, 1_000);
    expect(w.screen).toBe('top-up');
    w.central.letGo();
    await w.untilCode();
    await w.tap('cancel');
    await w.untilScreen('start');
  });
});

it('a card whose account is in debt: the debt is paid first, and the card recharged in the same visit', async () => {
  const cardNo = '8800003921';
  const account = w.central.accounts.get(cardNo);
  if (account === undefined) throw new Error('no account');
  w.central.accounts.set(cardNo, { ...account, state: 'debt' });
  credit().accounts.set(account.userNo, {
    balanceFen: null,
    items: [bill('D-1', 'gas', 'house', 2_650)],
  });
  await w.insert('golden');
  await w.untilScreen('cannot-sell');
  expect(w.shown('cannot-sell')).toMatchObject({ reason: 'SALE-0108', payDebt: true });
  expect(w.needs.card).toBe('in');
  await w.tap('pay-debt');
  // The card says whose account it is.
  await w.untilScreen('bills');
  expect(w.shown('bills')).toMatchObject({ chosenFen: 2_650, totalCount: 1 });
  await w.tap('pay', 2_650);
  await w.untilCode();
  expect(w.needs.card).toBe('in');
  w.pay.pay();
  await w.untilScreen('done');
  expect(w.shown('done').recharge).toBe(true);
  w.central.accounts.set(cardNo, account);
  await w.tap('recharge');
  await w.untilScreen('amount');
  await w.remove();
});

it('a card in debt is told where to go while nothing can be posted', async () => {
  const account = w.central.accounts.get('8800003921');
  if (account !== undefined) w.central.accounts.set('8800003921', { ...account, state: 'debt' });
  w.setService({ policy: POLICY });
  await w.insert('golden');
  await w.untilScreen('cannot-sell');
  expect(w.shown('cannot-sell').payDebt).toBeUndefined();
  await w.tap('pay-debt');
  expect(w.screen).toBe('cannot-sell');
  await w.remove();
});

it('what central cannot believe is not offered: a wallet whose answers prove nothing', async () => {
  w.payWith = [
    { kind: 'unionpay', codes: false },
    { kind: 'wechat', codes: false },
  ];
  await w.start();
  await w.toCreditPay(IOT);
  expect(w.shown('pay')).toMatchObject({ provider: 'wechat', choices: ['wechat'] });
  await w.tap('pay-with', 'unionpay');
  expect(w.shown('pay').provider).toBe('wechat');
});

describe('a machine’s own wallets', () => {
  it('take no other company’s bill: that is said before anything is quoted or asked for', async () => {
    w.collectsFor = ['house'];
    await w.start();
    await w.toAccount('bills', HOUSEHOLD);
    await w.tap('pay', 14_080);
    await w.untilCode();
    w.pay.pay();
    await w.untilScreen('done');
    await w.tap('pay-next');
    await w.untilScreen('is-it-you');
    await w.tap('its-me');
    const before = w.kinds().length;
    await w.tap('pay', 4_560);
    await w.until('an answer', () => w.shown('bills').problem !== null);
    expect(w.shown('bills').problem).toBe('SALE-0125');
    expect(w.kinds()).toHaveLength(before);
    expect(credit().orders.size).toBe(1);
  });

  it('are not said to be another company’s while only the gateway’s line is down', async () => {
    w.collectsFor = ['house'];
    w.payWith = [
      { kind: 'gateway', codes: true },
      { kind: 'wechat', codes: true },
    ];
    await w.start();
    const account = credit().accounts.get(HOUSEHOLD);
    if (account === undefined) throw new Error('no account');
    const items = account.items.filter((i) => i.payee === 'water');
    credit().accounts.set(HOUSEHOLD, { ...account, items });
    await w.toAccount('bills', HOUSEHOLD);
    w.setService({ linesDown: ['gateway'] });
    await w.tap('pay', 4_560);
    await w.run(0);
    expect(w.shown('bills').problem).toBe('SALE-0111');
  });

  it('leave another company’s code to the gateway, whose merchant it is then', async () => {
    w.collectsFor = ['house'];
    w.payWith = [
      { kind: 'gateway', codes: true },
      { kind: 'wechat', codes: true },
    ];
    await w.start();
    const account = credit().accounts.get(HOUSEHOLD);
    if (account === undefined) throw new Error('no account');
    const items = account.items.filter((i) => i.payee === 'water');
    credit().accounts.set(HOUSEHOLD, { ...account, items });
    await w.toAccount('bills', HOUSEHOLD);
    await w.tap('pay', 4_560);
    await w.untilCode();
    await w.scan('134567890123456780');
    const attempts = () => w.journal.attemptsOf(w.order().orderId).map((a) => a.provider);
    await w.until('another attempt', () => attempts().length > 1);
    expect(attempts()).toEqual(['gateway', 'gateway']);
  });
});

describe('what the company corrected', () => {
  it('is told on the account’s own screen, the newest of it', async () => {
    const told = { what: 'moved-in', amountFen: 5_000, atMs: 1_780_000_000_000 } as const;
    credit().corrections.set(IOT, [told, { ...told, what: 'granted' }]);
    await w.toAccount('top-up', IOT);
    expect(w.shown('top-up').corrected).toEqual(told);
    await w.tap('exit');
    credit().corrections.set(HOUSEHOLD, [{ ...told, what: 'moved-out' }]);
    await w.toAccount('bills', HOUSEHOLD);
    expect(w.shown('bills').corrected).toMatchObject({ what: 'moved-out' });
  });

  it('is told with the order’s number, which this machine’s own journal does not know', async () => {
    await w.toCreditPay(IOT);
    w.pay.pay();
    await w.untilScreen('done');
    await w.untilScreen('start');
    const orderId = [...credit().orders.keys()][0] ?? '';
    w.central.statuses = [
      {
        orderId,
        terminalId: '',
        state: 'delivered',
        amountFen: 10_000,
        quantity: 10_000,
        unit: 'money',
        sale: 'credit',
        moved: true,
      },
    ];
    const asked = async () => {
      await w.tap('open', 'unfinished');
      await w.tap('find-order', orderRefDigits(orderId) ?? '');
      await w.until(
        'an answer',
        () => w.screen === 'order-status' && w.shown('order-status').state !== 'asking',
      );
      const { state, moved } = w.shown('order-status');
      await w.tap('exit');
      return [state, moved];
    };
    expect(await asked()).toEqual(['delivered', true]);
    // Without central it is told as the journal has it.
    w.central.away = true;
    expect(await asked()).toEqual(['delivered', undefined]);
  });
});
