import { cardSaleOf } from '../../../src/shared/sale.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { plPurseLayout, sampleKeyProvider } from '../../../src/card/index.ts';
import type { KeyProvider } from '../../../src/card/index.ts';
import type { ClaimAnswer } from '../../../src/shared/central-api/index.ts';
import { fromHex, toHex } from '../../../src/shared/bytes.ts';
import { failure } from '../../../src/shared/errors.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { Desk } from '../card/chips.ts';
import { must } from '../card/rig.ts';
import { T0, World } from '../../support/kiosk-world.ts';
import type { Motor } from '../../support/kiosk-world.ts';

/**
 * A key provider that fails where it matters, and purses that another terminal had in hand: what
 * becomes of the money.
 */
let w: World;
beforeEach(() => {
  w = new World(['golden', 'good', 'purse']);
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});
const gone = () => Promise.resolve(err(failure('CARD-0206', 'PSAM: CARD-0108')));
const refunds = (): number => [...w.pay.trades.values()].reduce((n, t) => n + t.refunds.size, 0);

describe('a key provider', () => {
  it.each(['golden', 'purse'])(
    'that is not there: %s is not sold to, and nobody paid',
    async (card) => {
      w.keys = (sample) => ({ ...sample, prove: gone });
      await w.start();
      await w.toAmount(card);
      await w.tap('choose-amount', 10_000);
      await w.until('a quote', () => w.shown('amount').quote !== null);
      await w.tap('pay', 10_000);
      await w.run(2_000);
      expect(w.screen).not.toBe('pay');
      expect(JSON.stringify(w.snapshot)).toContain('CARD-0206');
      expect(w.journal.orders()).toEqual([]);
      expect(w.pay.trades.size).toBe(0);
    },
  );

  it.each<[string, keyof KeyProvider]>([
    ['golden', 'externalAuth'],
    ['golden', 'updateMac'],
    ['purse', 'loadLeave'],
  ])(
    'that fails in the middle of the write of %s (%s): read back unwritten, refunded under the claim',
    async (card, verb) => {
      w.keys = (sample) => ({ ...sample, [verb]: gone });
      await w.start();
      const before = w.purchase(card);
      await w.toPay(card, 10_000);
      w.pay.pay();
      await w.until('refunded', () => w.state() === 'refunded/refunded');
      expect(w.purchase(card)).toEqual(before);
      expect(w.kinds().filter((k) => k === 'order-in-doubt' || k === 'order-refunding')).toEqual([
        'order-in-doubt',
        'order-refunding',
      ]);
      expect(refunds()).toBe(1);
    },
  );
});

describe('keys at central, where the payment is not known yet', () => {
  it('the customer is not told that he pulled his card out: it may be taken, and is written later', async () => {
    let known = false;
    const notYet = () => Promise.resolve(err(failure('BILL-0112', 'no evidence of the payment')));
    w.keys = (sample) => ({
      ...sample,
      externalAuth: (...a) => (known ? sample.externalAuth(...a) : notYet()),
    });
    const motor: Motor = { accepting: null, ejected: [], jams: 0 };
    w.slot.motor = motor;
    await w.start();
    await w.toPay('golden', 10_000);
    w.pay.pay();
    await w.untilScreen('in-doubt');
    await w.run(2_000);
    expect(w.order().writes).toBe(3);
    expect(w.shown('in-doubt').reason).toBe('central');
    expect(refunds()).toBe(0);
    // Nothing goes on by itself here, so a reader that holds the card has given it back.
    expect(motor.ejected).toHaveLength(1);
    await w.remove();
    expect(w.shown('in-doubt').reason).toBe('central');
    await w.run(120_000);
    known = true;
    await w.insert('golden');
    await w.untilScreen('done');
    expect(w.state()).toBe('delivered/paid');
  });
});

describe('a purse', () => {
  it('is sold to, with its answers kept before CREDIT, and its TAC in the delivery', async () => {
    await w.start();
    await w.toPay('purse', 10_000);
    expect(w.shown('pay')).toMatchObject({ quantity: 10_000 });
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.kinds().filter((k) => k.startsWith('order'))).toEqual([
      'order-quoted',
      'order-paid',
      'order-delivering',
      'order-kept',
      'order-kept',
      'order-kept',
      'order-delivered',
    ]);
    const delivered = w.journal.story(w.order().orderId).find((e) => e.kind === 'order-delivered');
    expect(delivered?.body).toMatchObject({
      by: 'read-back',
      count: 42,
      proof: w.card('purse').purse?.state.proof?.tac,
    });
    expect(w.order().kept).toHaveLength(3);
    // The next purchase waits for the meter, and is sold after it.
    await w.remove();
    await w.insert('purse');
    await w.untilScreen('cannot-sell');
    await w.remove();
    w.visitMeter('purse');
    await w.until('uploaded', () => w.journal.unsent(1) === null);
    await w.toPay('purse', 5_000);
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.purchase('purse')).toEqual({ count: 43, cumulative: 220_000 });
  });

  /**
   * Torn out before CREDIT, and told to central; then another terminal loads the same amount under
   * the same number.
   */
  async function loadedElsewhere(): Promise<readonly string[]> {
    await w.start();
    await w.toPay('purse', 10_000);
    w.card('purse').arm({ kind: 'tear', at: 9, when: 'before', from: 'arming' });
    w.pay.pay();
    await w.untilScreen('in-doubt');
    await w.until('uploaded', () => w.journal.unsent(1) === null);
    const keys = must(sampleKeyProvider('demo'));
    const layout = plPurseLayout(keys, { terminalId: '000000000312', nowMs: () => T0 + 60_000 });
    const desk = new Desk(w.card('purse'));
    const channel = desk.insert();
    const kept: string[] = [];
    const plan = must(
      layout.plan(must(await layout.read(channel)), {
        orderId: w.order().orderId,
        quantity: 10_000,
        date: '2026-11-22',
      }),
    );
    must(
      await layout.apply(channel, plan, (record) => {
        kept.push(toHex(record));
        return Promise.resolve(ok(undefined));
      }),
    );
    desk.remove();
    return kept;
  }
  const claimWith = (kept: readonly string[]): ClaimAnswer => {
    const order = w.order();
    const { orderId, delivery } = order;
    if (delivery === null) throw new Error('no plan');
    const { cardNo, userNo, layout, unit, nextCount, amountFen, quantity, carriedAfterMicro, tag } =
      cardSaleOf(order);
    return {
      kind: 'write',
      ttlMs: 180_000,
      serverTimeMs: T0,
      order: {
        orderId,
        terminalId: '000000000311',
        cardNo,
        userNo,
        layout,
        unit,
        nextCount,
        amountFen,
        quantity,
        carriedAfterMicro,
        tag,
        cumulative: delivery.cumulative,
        before: delivery.before,
        after: delivery.after,
        plan: [...delivery.plan],
        kept: [...kept],
      },
    };
  };

  it('that another kiosk loaded for this order is known by what that one kept', async () => {
    const kept = await loadedElsewhere();
    w.central.claimAnswers.push(ok(claimWith(kept)));
    await w.insert('purse');
    await w.until('delivered', () => w.order().state === 'delivered');
    expect(refunds()).toBe(0);
  });

  it('that was loaded by nobody known under this order’s number is a person’s: never refunded by itself, never taken for ours', async () => {
    await loadedElsewhere();
    w.central.claimAnswers.push(ok(claimWith([])));
    await w.insert('purse');
    await w.until('parked', () => w.order().state === 'parked');
    expect(w.order()).toMatchObject({ reason: 'card-foreign', nextStep: 'counter' });
    expect(refunds()).toBe(0);
    // The card has one load more than this kiosk delivered: what the check of the books would call
    // wrong is the test's own.
    w.replaceCard('purse', {});
  });

  it('central away: it stays in doubt, and is not parked over what cannot be asked', async () => {
    const kept = await loadedElsewhere();
    w.central.away = true;
    await w.insert('purse');
    await w.run(60_000);
    expect(w.order().state).toBe('in-doubt');
    w.central.away = false;
    w.central.claimAnswers.push(ok(claimWith(kept)));
    await w.until('delivered', () => w.order().state === 'delivered');
  });

  describe('sold by another kiosk', () => {
    const THEIRS = 'PL-000000000999-1-0007-1234';
    const CARD = '8800003950';
    /** Their order in doubt, as central tells it. */
    async function theirs(kept: readonly string[] = []): Promise<ClaimAnswer> {
      const layout = plPurseLayout(must(sampleKeyProvider('demo')), {
        terminalId: '000000000999',
        nowMs: () => T0,
      });
      const desk = new Desk(w.card('purse'));
      const plan = must(
        layout.plan(must(await layout.read(desk.insert())), {
          orderId: THEIRS,
          quantity: 7_000,
          date: '2026-11-22',
        }),
      );
      desk.remove();
      w.central.foreignClaim.set(CARD, {
        orderId: THEIRS,
        terminalId: '000000000999',
        nextCount: 42,
        state: 'in-doubt',
      });
      return {
        kind: 'write',
        ttlMs: 180_000,
        serverTimeMs: T0,
        order: {
          orderId: THEIRS,
          terminalId: '000000000999',
          cardNo: CARD,
          userNo: '1002203350',
          layout: 'PL-PURSE',
          unit: 'money',
          nextCount: 42,
          amountFen: 7_000,
          quantity: 7_000,
          cumulative: plan.cumulative,
          carriedAfterMicro: 0,
          tag: toHex(plan.tag),
          before: toHex(plan.before),
          after: toHex(plan.after),
          plan: ['theirs'],
          kept: [...kept],
        },
      };
    }
    const facts = (): string[] => w.kinds().filter((k) => k.startsWith('assist'));
    const verdict = (): unknown =>
      (
        w.journal.story(THEIRS).findLast((e) => e.kind === 'assist-ended')?.body as
          | { verdict: string }
          | undefined
      )?.verdict;
    /** What was loaded is another kiosk's sale: the check of this one's books begins anew. */
    const notOurs = (): void => w.replaceCard('purse', {});

    it('is loaded here, with this terminal’s answers kept before CREDIT', async () => {
      await w.start();
      w.central.claimAnswers.push(ok(await theirs()));
      await w.insert('purse');
      await w.until(
        'delivered',
        () => w.screen === 'unfinished' && w.shown('unfinished').state === 'delivered',
      );
      expect(facts()).toEqual([
        'assist-writing',
        'assist-kept',
        'assist-kept',
        'assist-kept',
        'assist-ended',
      ]);
      expect(verdict()).toBe('after');
      expect(w.card('purse').purse?.state).toMatchObject({ balance: 7_000, onlineSeq: 42 });
      expect(w.card('purse').purse?.state.log[0]).toContain('000000000311');
      notOurs();
    });

    it('torn out after CREDIT: known, when it comes back, by what central holds of this kiosk', async () => {
      await w.start();
      const claim = await theirs();
      w.central.claimAnswers.push(ok(claim));
      // Nothing changes the card but CREDIT: it leaves before the answer is fetched.
      w.card('purse').onChange(() =>
        w.card('purse').arm({ kind: 'tear', at: 1, when: 'before', from: 'arming' }),
      );
      await w.insert('purse');
      await w.until('pulled', () => facts().includes('assist-kept') && w.slot.card === null);
      w.card('purse').onChange(() => undefined);
      w.card('purse').disarm();
      expect(w.card('purse').purse?.state.balance).toBe(7_000);
      const kept = w.journal
        .story(THEIRS)
        .filter((e) => e.kind === 'assist-kept')
        .map((e) => (e.body as { record: string }).record);
      expect(kept).toHaveLength(2);
      w.central.claimAnswers.push(
        ok({ ...claim, order: { ...(claim.order as NonNullable<ClaimAnswer['order']>), kept } }),
      );
      await w.insert('purse');
      await w.until('delivered', () => verdict() === 'after');
      expect(facts().filter((k) => k === 'assist-writing')).toHaveLength(1);
      notOurs();
    });

    it('loaded there, and nobody here knows: told as foreign, never as another purchase, and nothing is written', async () => {
      await w.start();
      const claim = await theirs();
      const layout = plPurseLayout(must(sampleKeyProvider('demo')), {
        terminalId: '000000000999',
        nowMs: () => T0,
      });
      const desk = new Desk(w.card('purse'));
      const channel = desk.insert();
      must(
        await layout.apply(
          channel,
          must(
            layout.plan(must(await layout.read(channel)), {
              orderId: THEIRS,
              quantity: 7_000,
              date: '2026-11-22',
            }),
          ),
          () => Promise.resolve(ok(undefined)),
        ),
      );
      desk.remove();
      w.central.claimAnswers.push(ok(claim));
      await w.insert('purse');
      await w.until('told', () => verdict() !== undefined);
      expect(verdict()).toBe('foreign');
      expect(facts()).toEqual(['assist-ended']);
      notOurs();
    });
  });

  it('an answer that comes when the order is not being written any more is not kept, and the card gets nothing', async () => {
    await w.start();
    await w.toPay('purse', 10_000);
    const { orderId } = w.order();
    expect(() =>
      w.journal.append([{ kind: 'order-kept', orderId, body: { insertion: 1, record: '01' } }]),
    ).toThrow(/illegal transition/);
    w.kiosk.dispatch({ type: 'keep', orderId, insertion: 1, record: '01', assist: false });
    w.kiosk.dispatch({ type: 'keep', orderId, insertion: 1, record: '01', assist: true });
    expect(w.kinds()).not.toContain('order-kept');
    expect(w.kinds()).not.toContain('assist-kept');
    expect(fromHex(cardSaleOf(w.order()).tag)).toHaveLength(4);
  });
});
