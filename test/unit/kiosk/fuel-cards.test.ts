import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { World } from '../../support/kiosk-world.ts';

let w: World;
beforeEach(() => {
  w = new World(['fuel', 'golden']);
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

const balance = (): number | undefined => w.card('fuel').purse?.state.balance;

async function buy(fen: number): Promise<void> {
  await w.toPay('fuel', fen);
  w.pay.pay();
  await w.untilScreen('done');
}

describe('a refuelling card', () => {
  it('gets what was paid, shows its own balance, and is loaded again without a filling between', async () => {
    await w.start();
    await w.toAmount('fuel');
    expect(w.shown('amount').card).toMatchObject({
      kind: 'fuel',
      unit: 'money',
      remainingQuantity: 3_500,
      pendingQuantity: 0,
    });
    await w.remove();
    await w.untilScreen('start');
    await buy(10_000);
    expect(w.shown('done')).toMatchObject({ cardKind: 'fuel', quantity: 10_000, unit: 'money' });
    expect(balance()).toBe(13_500);
    await w.remove();
    await w.until('uploaded', () => w.journal.unsent(1) === null);
    await buy(5_000);
    expect(balance()).toBe(18_500);
    expect(w.journal.orders().map((o) => o.state)).toEqual(['delivered', 'delivered']);
  });

  it('that went to the pump between a tear and its return is known again: loaded once', async () => {
    await w.start();
    await w.toPay('fuel', 10_000);
    // The ninth APDU of the write is CREDIT FOR LOAD; the card left after it was carried out.
    w.card('fuel').arm({ kind: 'tear', at: 9, when: 'after', from: 'arming' });
    w.pay.pay();
    await w.untilScreen('in-doubt');
    expect(w.pump('fuel').visit('2611221230').credited).toBe(8_000);
    await w.insert('fuel');
    await w.untilScreen('done');
    expect(w.state()).toBe('delivered/paid');
    expect(balance()).toBe(3_500 + 10_000 - 8_000);
  });

  it('holds no more than its account lets it, whatever the policy allows', async () => {
    const { ceilingQuantity } = w.central.accounts.get('8800003951') ?? { ceilingQuantity: 0 };
    await w.start();
    await w.toAmount('fuel');
    expect(w.shown('amount').maxFen).toBe(ceilingQuantity - 3_500);
  });

  it('of another account’s kind is not sold to', async () => {
    const account = w.central.accounts.get('8800003951');
    if (account === undefined) throw new Error('no account');
    w.central.accounts.set('8800003951', { ...account, kind: 'gas' });
    await w.start();
    await w.insert('fuel');
    await w.untilScreen('cannot-sell');
    expect(w.shown('cannot-sell').reason).toBe('SALE-0113');
    expect(w.pay.trades.size).toBe(0);
  });

  it('has a slip that says what was paid and written, in the same figures', async () => {
    await w.start();
    await buy(10_000);
    await w.run(3_000);
    const paper = w.printed.join('\n');
    expect(paper).toContain('100.00 元');
    expect(paper).toContain('加气站');
    expect(paper).not.toMatch(/档|插入表|购气次/);
  });

  it.each(['2611221230', 'FFFFFFFFFF'])(
    'whose log has the date %s stops no machine',
    async (when) => {
      await w.start();
      w.pump('fuel').visit(when, 500);
      await w.toAmount('fuel');
      await w.remove();
      await w.untilScreen('start');
      await w.toAmount('golden');
    },
  );
});
