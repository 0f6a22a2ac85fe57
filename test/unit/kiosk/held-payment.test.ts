import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HeldQuery } from '../../support/kiosk-world.ts';
import { World } from '../../support/kiosk-world.ts';
import { failure } from '../../../src/shared/errors.ts';

/** The kiosk asks by a question that the gateway holds (decision 0046), and never waits for it. */
let w: World;
const QR = { kind: 'gateway', codes: true } as const;
beforeEach(async () => {
  w = new World();
  w.payWith = [QR];
  w.pay.holding = [];
  await w.start();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});
const holds = (): HeldQuery[] => w.pay.holding ?? [];
const newest = (): HeldQuery => holds().at(-1) as HeldQuery;
const attempts = (): string[] => w.journal.attemptsOf(w.order().orderId).map((a) => a.state);
const queries = (): number => w.pay.calls.filter((c) => c === 'query').length;
const cut = { kind: 'unknown', failure: failure('PAY-0202', 'cut') } as const;

describe('a held question', () => {
  it('is the only one while it lasts, names what is known, and ends in the writing at once', async () => {
    await w.toPay('golden', 10_000);
    expect(holds()).toHaveLength(1);
    expect(newest()).toMatchObject({ known: 'pending', waitMs: 10_000 });
    await w.run(9_000);
    expect(queries()).toBe(0);
    w.pay.pay();
    newest().answer();
    await w.run(250);
    expect(attempts()).toEqual(['paid']);
    await w.untilScreen('done');
    expect(holds()).toHaveLength(1);
  });

  it('that brought no news in all its time is followed by the next, without a pause', async () => {
    await w.toPay('golden', 10_000);
    await w.run(10_000);
    newest().answer();
    await w.run(0);
    expect(holds()).toHaveLength(2);
    // Captured between the two: the next one's first look tells it.
    w.pay.pay();
    newest().answer();
    await w.untilScreen('done');
  });

  it('tells that the customer is paying; what is known then is another thing', async () => {
    await w.toPay('golden', 10_000);
    w.pay.newest().state = 'paying';
    newest().answer();
    await w.run(0);
    expect(w.shown('pay')).toMatchObject({ state: 'paying' });
    expect(newest().known).toBe('paying');
    w.pay.pay();
    newest().answer();
    await w.untilScreen('done');
  });

  it('does not delay a cancel, and says nothing any more afterwards', async () => {
    await w.toPay('golden', 10_000);
    const held = newest();
    await w.tap('cancel');
    await w.run(250);
    expect(w.pay.calls.filter((c) => c === 'close')).toHaveLength(1);
    expect(attempts()).toEqual(['closed']);
    // Late, and a capture at that: what was asked in its place counts. Money that comes is found and goes back.
    w.pay.pay(w.pay.newest(), true);
    held.answer();
    await w.run(0);
    expect(attempts()).toEqual(['closed']);
    await w.run(60_000);
    expect(attempts()).toEqual(['refunded']);
  });

  it('does not delay the end of the code, nor the card that is taken', async () => {
    await w.toPay('golden', 10_000);
    const held = newest();
    const from = w.pay.calls.length;
    await w.remove();
    await w.run(500);
    expect(w.pay.calls.slice(from, from + 2)).toEqual(['query', 'close']);
    held.answer();
    await w.run(0);
    expect(attempts()).toEqual(['closed']);
  });

  it('is given up at the end of the code, and the last question is a plain one', async () => {
    await w.toPay('golden', 10_000);
    const until = w.journal.attemptsOf(w.order().orderId)[0]?.expiresAtMs ?? 0;
    while (w.clock.nowMs() < until - 11_000) {
      await w.run(10_000);
      newest().answer();
    }
    await w.run(until - w.clock.nowMs() - 500);
    expect(w.pay.calls.filter((c) => c === 'close')).toEqual([]);
    const from = w.pay.calls.length;
    await w.run(1_500);
    expect(w.pay.calls.slice(from).filter((c) => c === 'close')).toHaveLength(1);
    expect(attempts()).toEqual(['closed']);
  });

  it('does not delay the answer to a customer who says that he has paid', async () => {
    await w.toPay('golden', 10_000);
    await w.tap('check-payment');
    await w.run(250);
    expect(w.shown('pay').lastCheck).toBe('not-paid');
    expect(queries()).toBe(1);
    // And the next one is held again.
    expect(holds()).toHaveLength(2);
    w.pay.pay();
    await w.tap('check-payment');
    await w.untilScreen('done');
  });

  it('does not delay the customer’s own code, which is another attempt', async () => {
    await w.toPay('golden', 10_000);
    const held = newest();
    await w.scan('134567890123456789');
    await w.untilScreen('done');
    held.answer();
    await w.run(0);
    expect(attempts()).toEqual(['closed', 'paid']);
  });

  it('that is cut is followed by a plain one, and the next is held for half the time, in the end none', async () => {
    await w.toPay('golden', 10_000);
    const waits: number[] = [];
    for (let n = 0; n < 12; n++) {
      const held = newest();
      if (waits.length === holds().length) break;
      waits.push(held.waitMs);
      await w.run(held.waitMs / 4);
      const before = queries();
      held.answer(cut);
      await w.run(1_000);
      expect(queries()).toBeGreaterThan(before);
      // The line is well: nobody is told otherwise.
      expect(w.shown('pay')).toMatchObject({ state: 'waiting' });
    }
    expect(waits).toEqual([10_000, 5_000, 2_500]);
    // From here on as before: at the steady pace.
    const before = queries();
    await w.run(20_000);
    expect(queries() - before).toBeGreaterThanOrEqual(9);
    expect(queries() - before).toBeLessThanOrEqual(11);
    w.pay.pay();
    await w.untilScreen('done');
  });

  it('that a gateway of before answers at once is asked at the steady pace', async () => {
    await w.toPay('golden', 10_000);
    for (let n = 0; n < 40; n++) {
      newest().answer();
      await w.run(250);
    }
    expect(holds().length).toBeGreaterThanOrEqual(5);
    expect(holds().length).toBeLessThanOrEqual(7);
  });

  it('about a payment that the gateway does not know is answered at once, and asked at its pace', async () => {
    await w.toPay('golden', 10_000);
    for (let n = 0; n < 100; n++) {
      newest().answer({ kind: 'not-found' });
      await w.run(100);
    }
    expect(holds().length).toBeGreaterThanOrEqual(5);
    expect(holds().length).toBeLessThanOrEqual(7);
    w.pay.pay();
    newest().answer();
    await w.untilScreen('done');
  });

  it.each(['not-found', 'paying'] as const)(
    'of a customer’s code looks at the wallet no sooner than it bears: %s',
    async (kind) => {
      await w.toPay('golden', 10_000);
      w.pay.wallet = 'asks-password';
      const before = holds().length;
      const at: number[] = [];
      await w.scan('134567890123456789');
      for (let n = 0; n < 200; n++) {
        if (holds().length > before + at.length) at.push(w.clock.monoMs());
        newest().answer({ kind });
        await w.run(100);
      }
      expect(at.length).toBeGreaterThanOrEqual(4);
      for (const [n, ms] of at.entries())
        expect(ms - (at[n - 1] ?? -Infinity)).toBeGreaterThanOrEqual(3_000);
    },
  );

  it('is one for the machine: a payment that goes on behind a new visit is asked about plainly', async () => {
    await w.toPay('golden', 10_000);
    w.pay.newest().state = 'paying';
    newest().answer();
    await w.run(0);
    const held = holds().length;
    await w.remove();
    await w.run(30_000);
    newest().answer();
    await w.run(10_000);
    expect(holds()).toHaveLength(held);
    expect(queries()).toBeGreaterThan(2);
    w.pay.pay();
    await w.run(10_000);
    expect(attempts()).toEqual(['paid']);
  });

  it('is begun anew after a restart in the middle of it', async () => {
    await w.toPay('golden', 10_000);
    w.pay.pay();
    w.kill();
    await w.start();
    await w.run(30_000);
    expect(attempts()[0]).toMatch(/paid|refund/);
  });
});
