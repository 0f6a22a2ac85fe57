import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Account } from '../../../src/shared/central-api/index.ts';
import { issue } from '../../../src/simulator/card/catalogue.ts';
import { CpuCard, counterRandom } from '../../../src/simulator/card/cpu-card.ts';
import { World } from '../../support/kiosk-world.ts';

/**
 * A lost card came back, and its account has two now: one meter, one count, whichever card brings
 * the purchase. Central is away.
 */
const SECOND = '8800007777';
const USER = '1002203344';
let w: World;
beforeEach(async () => {
  w = new World();
  w.cards.set(
    'second',
    new CpuCard(issue({ cardNo: SECOND, userNo: USER, meterNo: '0260001577' }), counterRandom(7)),
  );
  const account = w.central.accounts.get('8800003921') as Account;
  w.central.accounts.set(SECOND, { ...account, cardNo: SECOND });
  await w.start();
  // Both are known from a day when the line was up.
  for (const id of ['golden', 'second']) {
    await w.toAmount(id);
    await w.remove();
    await w.run(2_000);
  }
  w.central.away = true;
  w.setService({ centralUp: false });
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});
const refused = async (code: string): Promise<void> => {
  await w.insert('second');
  await w.untilScreen('cannot-sell');
  expect(w.shown('cannot-sell').reason).toBe(code);
};

describe('the second card of an account, while central is away', () => {
  it('is sold to when nothing of the first is known to stand in the way', async () => {
    await w.toAmount('second');
  });

  it('is not sold to once the first was recharged here, until central knows of it', async () => {
    await w.toPay('golden');
    w.pay.pay();
    await w.untilScreen('done');
    await w.remove();
    await w.run(7_000);
    await refused('SALE-0110');
  });

  it('has a count that is behind once the first was recharged here after its own last answer', async () => {
    w.central.away = false;
    w.setService({ centralUp: true });
    await w.toPay('golden');
    w.pay.pay();
    await w.untilScreen('done');
    await w.remove();
    await w.run(7_000);
    w.central.away = true;
    w.setService({ centralUp: false });
    await refused('SALE-0102');
  });

  it('is not sold to while a write of the first is in doubt, nor after a restart', async () => {
    await w.toPay('golden');
    w.card('golden').arm({ kind: 'tear', at: 3, when: 'after', from: 'arming' });
    w.pay.pay();
    await w.until('in doubt', () => w.order().state === 'in-doubt');
    await w.run(130_000);
    await refused('SALE-0107');
    await w.remove();
    w.kill();
    await w.start();
    w.setService({ centralUp: false });
    await w.run(15_000);
    await refused('SALE-0107');
    // It may still be looked at.
    await w.remove();
    await w.run(1_000);
    await w.tap('open', 'query');
    await w.insert('second');
    await w.untilScreen('card-info');
    await w.remove();
    // The first one comes back, central too, and it is finished.
    w.card('golden').disarm();
    w.central.away = false;
    await w.insert('golden');
    await w.until('delivered', () => w.order().state === 'delivered');
  });

  it('waits while the payment for the first is being asked about, and goes on by itself', async () => {
    await w.toPay('golden');
    w.pay.down = true;
    await w.remove();
    await w.run(70_000);
    expect(w.order().state).toBe('collecting');
    await refused('SALE-0114');
    w.pay.down = false;
    await w.untilScreen('amount');
    expect(w.order().state).toBe('closed');
  });

  it('is not sold to over an order that waits for a person', async () => {
    await w.toPay('golden');
    w.card('golden').arm({ kind: 'tear', at: 3, when: 'after', from: 'arming' });
    w.pay.pay();
    await w.until('in doubt', () => w.order().state === 'in-doubt');
    w.journal.append([
      {
        kind: 'order-parked',
        orderId: w.order().orderId,
        body: { reason: 'card-foreign', nextStep: 'counter' },
      },
    ]);
    w.kill();
    await w.start();
    w.setService({ centralUp: false });
    await refused('SALE-0107');
    await w.remove();
    w.journal.append([
      {
        kind: 'parked-settled',
        orderId: w.order().orderId,
        body: {
          attemptId: null,
          how: 'refunded-by-hand',
          reference: 'X1',
          who: '李工',
          why: '已核对',
        },
      },
    ]);
    await w.run(7_000);
    await w.toAmount('second');
  });

  it('is sold to once the money of the first went back: nothing of it is on any card', async () => {
    await w.toPay('golden');
    const append = w.journal.append.bind(w.journal);
    w.journal.append = (events) => {
      if (events.some((e) => e.kind === 'order-paid')) w.plan = { at: w.points.length + 2 };
      append(events);
    };
    w.pay.pay();
    await w.until('cut', () => !w.alive);
    await w.remove();
    await w.start();
    w.setService({ centralUp: false });
    w.pay.next.refund.push(...Array.from({ length: 100 }, () => 'unsent' as const));
    await refused('SALE-0107');
    await w.remove();
    await w.until('refunding', () => w.order().state === 'refunding');
    await w.toAmount('second');
  });
});
