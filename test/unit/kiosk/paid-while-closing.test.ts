import { afterEach, describe, expect, it } from 'vitest';
import { ASK_FIRST_MS } from '../../../src/kiosk/order/attempt-run.ts';
import { onCall } from '../../../src/kiosk/order/answers.ts';
import { NEW_RUN, NO_CLAIM } from '../../../src/kiosk/state/order.ts';
import type { AttemptRun, OpenOrder } from '../../../src/kiosk/state/order.ts';
import type { AttemptRow, OrderRow } from '../../../src/journal/fold.ts';
import { WAIT_CARD_MS } from '../../../src/kiosk/delivery/card.ts';
import type { ProviderKind } from '../../../src/shared/contract/index.ts';
import { POLICY, World } from '../../support/kiosk-world.ts';

/**
 * Paid in the moment in which its code is being closed: the order takes it where the customer still
 * wants it and nothing can hand it back, and in no other case; at every instant.
 */
let open: World[] = [];
async function world(...kinds: ProviderKind[]): Promise<World> {
  const w = new World();
  open.push(w);
  w.payWith = kinds.map((kind) => ({ kind, codes: false }));
  await w.start();
  return w;
}
afterEach(async () => {
  const closing = open;
  open = [];
  for (const w of closing) expect(await w.close()).toEqual([]);
});

/** What ends the code that is on the screen, and what the customer does afterwards. */
const ENDS: Readonly<
  Record<
    string,
    {
      readonly kinds: readonly ProviderKind[];
      /** Is it asked about once more before it is closed? */
      readonly asks: boolean;
      readonly first?: (w: World) => Promise<void>;
      readonly end: (w: World) => Promise<void>;
      readonly afterwards: (w: World) => Promise<void>;
    }
  >
> = {
  'the card is pulled out, WeChat': {
    kinds: ['wechat'],
    asks: true,
    end: (w) => w.remove(),
    afterwards: (w) => w.insert('golden'),
  },
  'the card is pulled out, Alipay': {
    kinds: ['alipay'],
    asks: true,
    end: (w) => w.remove(),
    afterwards: (w) => w.insert('golden'),
  },
  'another wallet is chosen': {
    kinds: ['wechat', 'alipay'],
    asks: false,
    end: (w) => w.tap('pay-with', 'alipay'),
    afterwards: async () => {},
  },
  'another wallet is chosen than Alipay': {
    kinds: ['alipay', 'wechat'],
    asks: false,
    end: (w) => w.tap('pay-with', 'wechat'),
    afterwards: async () => {},
  },
  'its time is over': {
    kinds: ['wechat'],
    asks: true,
    first: (w) => w.run(POLICY.payWindowMs - 1_000, 30_000),
    end: (w) => w.run(1_500),
    afterwards: async () => {},
  },
};

describe.each(Object.entries(ENDS))('%s', (_name, { kinds, asks, first, end, afterwards }) => {
  it('paid at every instant of it: written once, nothing goes back, nothing more is asked for', async () => {
    let tried = 0;
    for (let at = 1; ; at++) {
      const w = await world(...kinds);
      const before = w.purchase('golden').cumulative;
      await w.toPay();
      await first?.(w);
      const trade = w.pay.newest();
      let instants = 0;
      let paid = false;
      w.pay.onCall = () => {
        instants += 1;
        // As its wallet lets him: one that has closed it takes nothing.
        if (instants === at) paid = w.pay.pay(trade);
      };
      await end(w);
      await w.run(2_000);
      if (!paid) break;
      tried += 1;
      await afterwards(w);
      await w.untilScreen('done');
      expect(w.purchase('golden').cumulative - before).toBe(3_773);
      expect(w.state()).toBe('delivered/paid');
      expect([w.pay.trades.size, w.pay.keptFen()]).toEqual([1, 10_000]);
      expect(w.kinds().filter((k) => k === 'order-paid')).toHaveLength(1);
    }
    // Before and after a last question, where there is one, and before the close itself.
    expect(tried).toBe(asks ? 3 : 1);
  });
});

/** Pays as the first close is sent: whatever was asked before, it found nothing. */
function payAtClose(w: World): void {
  const trade = w.pay.newest();
  w.pay.onCall = (verb, when) => {
    if (verb === 'close' && when === 'before') w.pay.pay(trade);
  };
}

describe('the card pulled out as he pays', () => {
  it('he is told that his payment has arrived and that the card is to be put back, and until when', async () => {
    const w = await world('wechat');
    await w.toPay();
    payAtClose(w);
    await w.remove();
    await w.untilScreen('in-doubt');
    expect(w.kinds()).toContain('attempt-closing');
    const { reason, deadlineMs, nowMs } = w.shown('in-doubt');
    expect(reason).toBe('paid');
    expect((deadlineMs ?? 0) - nowMs).toBeGreaterThan(WAIT_CARD_MS - 2_000);
    await w.run(1_000);
    expect(w.printed.map((paper) => JSON.stringify(paper)).at(-1)).toContain('还没有写卡');
    // It is no time of the screen's that he could have more of.
    await w.run(WAIT_CARD_MS - 15_000);
    await w.tap('more-time');
    expect(w.shown('in-doubt').deadlineMs).toBe(deadlineMs);
    await w.insert('golden');
    await w.untilScreen('done');
    expect(w.pay.keptFen()).toBe(10_000);
  });

  it('while that is asked the screen says to put it back, and once it is back that it is being cancelled', async () => {
    const w = await world('wechat');
    await w.toPay();
    w.pay.down = true;
    await w.remove();
    expect(w.shown('pay').state).toBe('card-out');
    await w.insert('golden');
    expect(w.shown('pay').state).toBe('closing');
    w.pay.down = false;
    await w.untilScreen('cancelled');
  });

  it('and never put back: the money goes back, once', async () => {
    const w = await world('wechat');
    await w.toPay();
    payAtClose(w);
    await w.remove();
    await w.until('paid', () => w.state() === 'paid/paid');
    await w.run(WAIT_CARD_MS + 10_000);
    expect(w.state()).toBe('refunded/refunded');
    expect(w.pay.newest().refunds.size).toBe(1);
  });

  it('and another card put in: its own visit; his own, put in within the time, is written', async () => {
    const w = await world('wechat');
    await w.toPay();
    payAtClose(w);
    await w.remove();
    const id = w.order().orderId;
    await w.until('paid', () => w.journal.order(id)?.state === 'paid');
    await w.insert('good');
    await w.untilScreen('amount');
    await w.remove();
    await w.insert('golden');
    await w.untilScreen('done');
    expect(w.journal.order(id)?.state).toBe('delivered');
  });

  it('asked about once more before it is closed: a line that fails just then closes nothing, and the answer counts', async () => {
    const w = await world('alipay');
    await w.toPay();
    w.pay.pay();
    w.pay.next.query.push('lost', 'unsent');
    await w.remove();
    await w.until('paid', () => w.state() === 'paid/paid');
    expect(w.pay.calls).not.toContain('close');
  });
});

describe('what goes back all the same', () => {
  it('what the customer cancelled himself', async () => {
    const w = await world('wechat');
    await w.toPay();
    payAtClose(w);
    await w.tap('cancel');
    await w.until('refunded', () => w.state() === 'closed/refunded');
    expect(w.pay.keptFen()).toBe(0);
  });

  it.each(['under-way', 'lost'] as const)(
    'what a close may yet hand back, since it was sent and never answered (%s)',
    async (mishap) => {
      const w = await world('alipay');
      const before = w.purchase('golden').cumulative;
      await w.toPay();
      const trade = w.pay.newest();
      w.pay.next.close.push(mishap);
      w.pay.onCall = (verb, when) => {
        // `late`: what a close that did arrive met.
        if (verb === 'close' && when === 'after') w.pay.pay(trade, true);
      };
      await w.remove();
      await w.insert('golden');
      await w.until('over', () => w.settled());
      // Whatever is still under way meets no payment that counts.
      w.pay.land();
      await w.run(10_000);
      expect(w.state()).toBe('closed/refunded');
      expect(w.pay.keptFen()).toBe(0);
      expect(w.purchase('golden').cumulative).toBe(before);
    },
  );

  it('the same where another wallet was chosen: that one is not asked for any more', async () => {
    const w = await world('alipay', 'wechat');
    await w.toPay();
    w.pay.next.close.push('under-way');
    payAtClose(w);
    await w.tap('pay-with', 'wechat');
    await w.until('refunded', () => w.state() === 'closed/refunded');
    expect(w.pay.trades.size).toBe(1);
  });

  it('the same at a wallet whose close never moves money: written', async () => {
    const w = await world('wechat');
    await w.toPay();
    w.pay.next.close.push('unsent');
    payAtClose(w);
    await w.remove();
    await w.insert('golden');
    await w.untilScreen('done');
    expect(w.pay.keptFen()).toBe(10_000);
  });

  it.each(['wechat', 'alipay'] as const)(
    'after a restart in the middle of it nobody knows what was sent: %s',
    async (kind) => {
      const w = await world(kind);
      await w.toPay();
      w.pay.next.close.push('unsent');
      await w.remove();
      await w.until('closing', () => w.pay.calls.includes('close'));
      w.kill();
      w.pay.pay();
      await w.insert('golden');
      await w.start();
      await w.until('over', () => w.settled());
      expect(w.state()).toBe(kind === 'wechat' ? 'delivered/paid' : 'closed/refunded');
    },
  );

  it('what comes for the first code once the second is on the screen: one is taken, one goes back', async () => {
    const w = await world('wechat', 'alipay');
    await w.toPay();
    const first = w.pay.newest();
    await w.tap('pay-with', 'alipay');
    await w.until(
      'the second',
      () => w.pay.trades.size === 2 && w.shown('pay').state === 'waiting',
    );
    w.pay.pay(first, true);
    w.pay.pay();
    await w.untilScreen('done');
    await w.until('refunded', () => w.attempts().some((a) => a.state === 'refunded'));
    const taken = w.attempts().map((a) => [a.provider, a.state, a.taken]);
    expect(taken).toEqual([
      ['wechat', 'refunded', false],
      ['alipay', 'paid', true],
    ]);
    expect(w.pay.keptFen()).toBe(10_000);
  });
});

describe('the answer “paid” to a code that is being closed', () => {
  const ATTEMPT: AttemptRow = {
    attemptId: 'O/1',
    orderId: 'O',
    state: 'closing',
    provider: 'wechat',
    outTradeNo: 'P1',
    outRefundNo: 'R1',
    amountFen: 10_000,
    expiresAtMs: 300_000,
    shown: true,
    transactionId: null,
    taken: null,
    refundId: null,
    reason: 'switched',
    settled: null,
    createdMs: 0,
    updatedMs: 0,
  };
  const ORDER = {
    orderId: 'O',
    state: 'collecting',
    sale: { kind: 'card', amountFen: 10_000 },
    paidBy: null,
  } as unknown as OrderRow;
  const NOW = { nowMs: 60_000, monoMs: 60_000, terminalId: 'T', closeMayHandBack: () => true };

  function told(
    run: Partial<AttemptRun>,
    {
      now = {},
      order = {},
      others = [],
    }: {
      now?: Partial<typeof NOW>;
      order?: Partial<OrderRow>;
      others?: readonly AttemptRow[];
    } = {},
  ): { readonly taken: boolean; readonly open: OpenOrder } {
    const before: OpenOrder = {
      order: { ...ORDER, ...order },
      attempts: [ATTEMPT, ...others],
      runs: new Map([[ATTEMPT.attemptId, { ...NEW_RUN, op: 'query', ...run }]]),
      next: { provider: 'alipay', authCode: '281234567890123456' },
      writing: false,
      progress: null,
      waitCardUntilMono: null,
      judgedInsertion: null,
      leaseMono: null,
      inherited: false,
      claim: NO_CLAIM,
      notProven: false,
      saw: null,
    };
    const { effects, open: after } = onCall(
      before,
      ATTEMPT.attemptId,
      {
        verb: 'query',
        result: { kind: 'paid', transactionId: 'T1', amountFen: 10_000, paidAtMs: null },
      },
      { ...NOW, ...now },
    );
    const facts = effects.flatMap((e) => (e.do === 'journal' ? e.events : []));
    const kinds = facts.map((f) => f.kind);
    const taken = kinds.includes('order-paid');
    expect(kinds).toEqual(['attempt-paid', taken ? 'order-paid' : 'attempt-refunding']);
    return { taken, open: after };
  }
  const quiet = { closeUnderWay: false };

  it('is the order’s, and what was chosen instead is forgotten with its code', () => {
    const { taken, open: after } = told(quiet);
    expect(taken).toBe(true);
    expect(after.next).toBeNull();
  });
  it('goes back while a close is under way that may hand it back, at such a wallet only', () => {
    expect(told({}).taken).toBe(false);
    expect(told({}, { now: { closeMayHandBack: () => false } }).taken).toBe(true);
  });
  it('goes back once nobody can still be there, to the millisecond', () => {
    const end = ATTEMPT.expiresAtMs + ASK_FIRST_MS;
    expect(told(quiet, { now: { nowMs: end - 1 } }).taken).toBe(true);
    expect(told(quiet, { now: { nowMs: end } }).taken).toBe(false);
  });
  it('goes back where the order has its money, or gave up', () => {
    expect(told(quiet, { order: { state: 'paid', paidBy: 'O/2' } }).taken).toBe(false);
    expect(told(quiet, { order: { state: 'closed' } }).taken).toBe(false);
  });
  it.each(['creating', 'pending', 'closing'] as const)(
    'goes back beside another one that may still be captured (%s)',
    (state) => {
      const other = { ...ATTEMPT, attemptId: 'O/2', state };
      expect(told(quiet, { others: [other] }).taken).toBe(false);
      expect(told(quiet, { others: [{ ...other, state: 'closed' }] }).taken).toBe(true);
    },
  );
});
