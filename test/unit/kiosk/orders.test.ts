import type { DeliveryEnds } from '../../../src/kiosk/delivery/delivery.ts';
import { cardSaleOf } from '../../../src/shared/sale.ts';
import { describe, expect, it } from 'vitest';
import type { AttemptRow, OrderRow } from '../../../src/journal/fold.ts';
import { plCpuLayout } from '../../../src/card/layouts/pl-cpu.ts';
import { sampleKeyProvider } from '../../../src/card/index.ts';
import type { CardReading } from '../../../src/card/types.ts';
import type { AdvanceContext } from '../../../src/kiosk/order/advance.ts';
import { onCall } from '../../../src/kiosk/order/answers.ts';
import { cardDelivery } from '../../../src/kiosk/delivery/card.ts';
import { advance, restsUntil } from '../../../src/kiosk/orders.ts';
import { MAX_WRITES, WAIT_CARD_MS } from '../../../src/kiosk/delivery/card.ts';
import { onClaimed } from '../../../src/kiosk/order/claims.ts';
import { NEW_RUN, NO_CLAIM } from '../../../src/kiosk/state/order.ts';
import type { Effect } from '../../../src/kiosk/state/kiosk.ts';
import type { CallResult, OpenOrder } from '../../../src/kiosk/state/order.ts';
import { CLAIM_USE_MS } from '../../../src/shared/central-api/index.ts';
import { failure } from '../../../src/shared/errors.ts';

/**
 * How orders move, without anything around them: one look at the rows, one answer of the world, and
 * what becomes durable by it.
 */
const ORDER: OrderRow = {
  orderId: 'PL-000000000311-1-0001-7391',
  state: 'collecting',
  sale: {
    kind: 'card',
    payee: 'house',
    cardNo: '8800003921',
    userNo: '1002203344',
    layout: 'PL-CPU',
    unit: 'volume',
    nextCount: 42,
    amountFen: 10_000,
    quantity: 3773,
    shares: [{ tier: 1, priceE4: 26_500, quantity: 3773, costMicro: 99_984_500 }],
    carriedUsedMicro: 0,
    carriedAfterMicro: 15_500,
    tariffId: 'gas',
    tariffVersion: 1,
    offline: false,
    tag: 'ADE6788A',
  },
  paidBy: null,
  delivery: null,
  writes: 0,
  reason: null,
  nextStep: null,
  wantsRefund: false,
  settled: null,
  createdMs: 0,
  updatedMs: 0,
};
const ATTEMPT: AttemptRow = {
  attemptId: `${ORDER.orderId}/1`,
  orderId: ORDER.orderId,
  state: 'pending',
  provider: 'wechat',
  outTradeNo: 'P1',
  outRefundNo: 'R1',
  amountFen: 10_000,
  expiresAtMs: 300_000,
  shown: true,
  transactionId: null,
  taken: null,
  refundId: null,
  reason: null,
  settled: null,
  createdMs: 0,
  updatedMs: 0,
};
const NOW = { nowMs: 60_000, monoMs: 60_000, terminalId: '000000000311' };

function durable(effects: readonly Effect[]): string[] {
  return effects.flatMap((e) =>
    e.do === 'journal' ? e.events.map((event) => event.kind) : [`not a fact: ${e.do}`],
  );
}
function answered(
  attempt: Partial<AttemptRow>,
  call: CallResult,
  run: Partial<typeof NEW_RUN> = {},
): { kinds: string[]; open: OpenOrder } {
  const row: AttemptRow = { ...ATTEMPT, ...attempt };
  const open: OpenOrder = {
    order: ORDER,
    attempts: [row],
    runs: new Map([[row.attemptId, { ...NEW_RUN, ...run, op: call.verb }]]),
    next: null,
    writing: false,
    progress: null,
    waitCardUntilMono: null,
    judgedInsertion: null,
    leaseMono: null,
    inherited: false,
    claim: NO_CLAIM,
    saw: null,
    notProven: false,
  };
  const r = onCall(open, row.attemptId, call, { ...NOW, closeMayHandBack: () => false });
  return { kinds: durable(r.effects), open: r.open };
}

describe('an answer', () => {
  const unknown = { kind: 'unknown', failure: failure('PAY-0202', 'no answer') } as const;
  const asked: readonly (readonly [AttemptRow['state'], boolean, CallResult])[] = [
    ['creating', false, { verb: 'create', result: unknown }],
    ['pending', true, { verb: 'query', result: unknown }],
    ['closing', true, { verb: 'query', result: unknown }],
    ['closing', false, { verb: 'query', result: unknown }],
    ['closed', true, { verb: 'query', result: unknown }],
    ['closing', true, { verb: 'close', result: unknown }],
    ['closing', false, { verb: 'close', result: unknown }],
    ['refunding', true, { verb: 'refund', result: unknown }],
    ['refunding', true, { verb: 'query-refund', result: unknown }],
  ];
  it.each(asked)(
    'that is unknown changes nothing durable and is asked for again: %s, shown %s, %o',
    (state, shown, call) => {
      const { kinds, open } = answered({ state, shown }, call, {
        closeAccepted: true,
        refundAccepted: true,
      });
      expect(kinds).toEqual([]);
      const run = open.runs.get(ATTEMPT.attemptId);
      expect(run).toMatchObject({ op: null, fails: 1, closeAccepted: true, refundAccepted: true });
      expect(run?.retryAtMono).toBeGreaterThan(NOW.monoMs);
    },
  );

  it('“closed” to a close is believed only when the trade is asked about and says so', () => {
    const { kinds, open } = answered(
      { state: 'closing' },
      { verb: 'close', result: { kind: 'closed' } },
    );
    expect(kinds).toEqual([]);
    expect(open.runs.get(ATTEMPT.attemptId)?.closeAccepted).toBe(true);
    expect(
      answered({ state: 'closing' }, { verb: 'query', result: { kind: 'closed' } }).kinds,
    ).toEqual(['attempt-closed']);
  });

  it('“no such trade” to a code that was shown ends it only after an accepted close', () => {
    expect(
      answered({ state: 'pending' }, { verb: 'query', result: { kind: 'not-found' } }).kinds,
    ).toEqual([]);
    expect(
      answered({ state: 'closing' }, { verb: 'query', result: { kind: 'not-found' } }).kinds,
    ).toEqual([]);
    expect(
      answered({ state: 'closing' }, { verb: 'close', result: { kind: 'not-found' } }).kinds,
    ).toEqual([]);
    expect(
      answered(
        { state: 'closing' },
        { verb: 'query', result: { kind: 'not-found' } },
        { closeAccepted: true },
      ).kinds,
    ).toEqual(['attempt-closed']);
    expect(
      answered({ state: 'closing', shown: false }, { verb: 'close', result: { kind: 'not-found' } })
        .kinds,
    ).toEqual(['attempt-closed']);
  });

  it('“accepted” or “done” to a refund is no refund yet: only the refund’s own record is', () => {
    for (const kind of ['accepted', 'done'] as const)
      expect(
        answered({ state: 'refunding' }, { verb: 'refund', result: { kind, refundId: 'F1' } })
          .kinds,
      ).toEqual([]);
    expect(
      answered(
        { state: 'refunding' },
        { verb: 'query-refund', result: { kind: 'not-found' } },
        { refundAccepted: true },
      ).kinds,
    ).toEqual([]);
    expect(
      answered(
        { state: 'refunding' },
        { verb: 'query-refund', result: { kind: 'done', refundId: 'F1', refundFen: 10_000 } },
      ).kinds,
    ).toEqual(['attempt-refunded']);
  });

  it('“paid” is the order’s while it is being collected and not closed; anything later goes back with the same fact', () => {
    const paid = (amountFen: number) =>
      ({
        verb: 'query',
        result: { kind: 'paid', transactionId: 'T1', amountFen, paidAtMs: null },
      }) as const;
    expect(answered({ state: 'pending' }, paid(10_000)).kinds).toEqual([
      'attempt-paid',
      'order-paid',
    ]);
    for (const gone of [
      { state: 'closed', reason: 'expired' },
      { state: 'closing', reason: 'customer' },
      { state: 'closing', reason: 'create-refused' },
      { state: 'closing', reason: 'expired', shown: false },
    ] as const)
      expect(answered(gone, paid(10_000)).kinds).toEqual(['attempt-paid', 'attempt-refunding']);
    for (const state of ['pending', 'closing', 'closed'] as const)
      expect(answered({ state }, paid(9_999)).kinds).toEqual(['attempt-parked']);
  });
});

const keys = sampleKeyProvider('demo');
if (!keys.ok) throw new Error(keys.error.code);
const LAYOUT = plCpuLayout(keys.value);
const CARD: CardReading = {
  layout: 'PL-CPU',
  cardNo: cardSaleOf(ORDER).cardNo,
  userNo: ORDER.sale.userNo,
  kind: 'gas',
  unit: 'volume',
  region: 1,
  count: 41,
  lastQuantity: 5000,
  cumulative: 205_000,
  tag: new Uint8Array(4).fill(1),
  meter: { visited: true } as CardReading['meter'],
  visited: true,
  fresh: false,
  unfinished: false,
  image: new Uint8Array(63).fill(7),
};
function paidOrder(change: Partial<OpenOrder> = {}): OpenOrder {
  const row: AttemptRow = { ...ATTEMPT, state: 'paid', taken: true, transactionId: 'T1' };
  return {
    order: { ...ORDER, state: 'paid', paidBy: row.attemptId },
    attempts: [row],
    runs: new Map(),
    next: null,
    writing: false,
    progress: null,
    waitCardUntilMono: null,
    judgedInsertion: null,
    leaseMono: null,
    inherited: false,
    claim: NO_CLAIM,
    saw: null,
    notProven: false,
    ...change,
  };
}
const looking = (change: Partial<AdvanceContext>): AdvanceContext => ({
  ...NOW,
  wanted: false,
  closeWhy: 'recovery',
  card: null,
  cardFree: true,
  layout: () => LAYOUT,
  businessDate: () => '2026-11-22',
  mayBeReported: () => false,
  heldUntilMono: null,
  mayAskAgain: true,
  attemptIds: (orderId, n) => ({
    attemptId: `${orderId}/${n}`,
    outTradeNo: `P${n}`,
    outRefundNo: `R${n}`,
  }),
  payWindowMs: 180_000,
  reverseAfterMs: () => 15_000,
  hasProvider: () => true,
  holds: () => false,
  ...change,
});
const doing = (effects: readonly Effect[]): string[] =>
  effects.flatMap((e) =>
    e.do === 'journal'
      ? e.events.map((event) => event.kind)
      : [e.do === 'claim' ? `${e.kind} claim` : e.do === 'call' ? e.verb : e.do],
  );

describe('an attempt', () => {
  const waiting = (
    attempt: Partial<AttemptRow>,
    context: Partial<AdvanceContext> = {},
  ): string[] => {
    const row: AttemptRow = { ...ATTEMPT, ...attempt };
    return doing(
      advance({ ...paidOrder(), order: ORDER, attempts: [row] }, looking(context)).effects,
    );
  };
  it('is closed or refunded at the provider only once that is durable', () => {
    expect(waiting({ state: 'pending' }, { wanted: true })).toEqual(['query']);
    expect(waiting({ state: 'pending' }, { closeWhy: 'customer' })).toEqual(['attempt-closing']);
    expect(waiting({ state: 'creating', shown: false }, { closeWhy: 'customer' })).toEqual([
      'attempt-closing',
    ]);
    expect(waiting({ state: 'closing' })).toEqual(['close']);
    expect(waiting({ state: 'paid', taken: false })).toEqual(['attempt-refunding']);
    expect(waiting({ state: 'refunding', taken: false })).toEqual(['refund', 'order-closed']);
  });
  it.each([
    ['expired', { wanted: true, nowMs: ATTEMPT.expiresAtMs }],
    ['its card taken out', { closeWhy: 'card-removed' }],
    ['nobody there', { closeWhy: 'recovery' }],
  ] as const)('is asked about once more before it is closed, %s: at once', (_what, context) => {
    const row: AttemptRow = { ...ATTEMPT, state: 'pending' };
    const at = looking(context);
    const look = (run: Partial<typeof NEW_RUN>) =>
      advance(
        {
          ...paidOrder(),
          order: ORDER,
          attempts: [row],
          runs: new Map([[row.attemptId, { ...NEW_RUN, ...run }]]),
        },
        at,
      );
    // Not when the next question would have been due, and not a second time.
    const asked = look({ answers: 3, retryAtMono: at.monoMs + 2_000 });
    expect(doing(asked.effects)).toEqual(['query']);
    expect(asked.open.runs.get(row.attemptId)?.askedLast).toBe(true);
    expect(doing(look({ op: 'query', answers: 3, askedLast: true }).effects)).toEqual([]);
    expect(doing(look({ answers: 4, askedLast: true }).effects)).toEqual(['attempt-closing']);
    // One that is on its way is waited for, and was asked before.
    const under = look({ op: 'query', answers: 3 });
    expect([doing(under.effects), under.open.runs.get(row.attemptId)?.askedLast]).toEqual([
      [],
      false,
    ]);
    // Without an answer it is asked again, when it is due.
    const silent = { answers: 3, askedLast: true, unknownSinceMono: 0 };
    expect(doing(look(silent).effects)).toEqual(['query']);
    expect(doing(look({ ...silent, retryAtMono: at.monoMs + 1 }).effects)).toEqual([]);
  });
  it('that was shown and closed is still asked about', () => {
    expect(waiting({ state: 'closed' })).toEqual(['query', 'order-closed']);
    expect(waiting({ state: 'closed', shown: false })).toEqual(['order-closed']);
  });
});

describe('a payment that its provider shows as handed back', () => {
  const told = (attempt: Partial<AttemptRow>, whole: boolean): string[] => {
    const result = {
      kind: 'refunded',
      transactionId: 'T1',
      amountFen: ATTEMPT.amountFen,
      ...(whole ? { whole: true as const } : {}),
    } as const;
    return answered(attempt, { verb: 'query', result }).kinds;
  };
  it('whole, before anybody here closed it: the gateway had left it for another wallet, and nothing is due', () => {
    expect(told({ state: 'pending', shown: true }, true)).toEqual(['attempt-closed']);
  });
  it('in part, or by hand: a person looks', () => {
    expect(told({ state: 'pending', shown: true }, false)).toEqual([
      'attempt-paid',
      'attempt-parked',
    ]);
    expect(told({ state: 'pending', shown: true, method: 'code' }, true)).toEqual([
      'attempt-paid',
      'attempt-parked',
    ]);
  });
});

describe('an order that rests', () => {
  it('is passed by exactly where a look at it would say the same: nothing to do, and when to look again', () => {
    let rested = 0;
    let looked = 0;
    for (const state of [
      'quoted',
      'collecting',
      'paid',
      'delivering',
      'in-doubt',
      'delivered',
      'closed',
      'refunding',
      'refunded',
      'parked',
    ] as const)
      for (const attempt of [
        'creating',
        'pending',
        'closing',
        'closed',
        'paid',
        'refunding',
        'refunded',
        'parked',
      ] as const)
        for (const method of [undefined, 'code'] as const)
          for (const shown of [true, false])
            for (const taken of [null, true, false])
              for (const op of [null, 'query'] as const)
                for (const retryAtMono of [0, NOW.monoMs, NOW.monoMs + 1, NOW.monoMs + 9_000])
                  for (const heldUntilMono of [null, NOW.monoMs + 50]) {
                    const row: AttemptRow = {
                      ...ATTEMPT,
                      state: attempt,
                      shown,
                      taken,
                      ...(method === undefined ? {} : { method }),
                    };
                    const open = paidOrder({
                      order: { ...ORDER, state },
                      attempts: [row, { ...row, attemptId: 'second', state: 'closed' }],
                      runs: new Map([
                        [row.attemptId, { ...NEW_RUN, op, retryAtMono }],
                        ['second', { ...NEW_RUN, retryAtMono: NOW.monoMs + 5_000 }],
                      ]),
                    });
                    const rests = restsUntil(open, NOW.monoMs);
                    if (rests === undefined) {
                      looked++;
                      continue;
                    }
                    rested++;
                    expect(advance(open, looking({ heldUntilMono }))).toEqual({
                      open,
                      effects: [],
                      wakeAtMono: rests,
                    });
                  }
    expect(rested).toBeGreaterThan(500);
    expect(looked).toBeGreaterThan(rested);
  });
});

describe('a paid order whose write was never begun here', () => {
  const card = { insertion: 3, reading: CARD, begunMono: NOW.monoMs };
  const late = { waitCardUntilMono: NOW.monoMs - 1 };
  it('is written, or refunded, without asking anybody', () => {
    expect(doing(advance(paidOrder(), looking({ card })).effects)).toEqual([
      'order-delivering',
      'write',
    ]);
    expect(doing(advance(paidOrder(late), looking({})).effects)).toEqual([
      'order-refunding',
      'attempt-refunding',
    ]);
    expect(advance(paidOrder(), looking({})).open.waitCardUntilMono).toBe(
      NOW.monoMs + WAIT_CARD_MS,
    );
  });
  it('but in a journal of which facts may be missing central is asked first, and its claim is kept to', () => {
    const mayBeReported = (): boolean => true;
    expect(doing(advance(paidOrder(), looking({ card, mayBeReported })).effects)).toEqual([
      'write claim',
    ]);
    expect(doing(advance(paidOrder(late), looking({ mayBeReported })).effects)).toEqual([
      'refund claim',
    ]);
    const held = (kind: 'write' | 'refund', untilMono: number): Partial<OpenOrder> => ({
      ...late,
      claim: { ...NO_CLAIM, held: { kind, untilMono, grantedMs: 77, heardMono: 0 } },
    });
    expect(
      doing(
        advance(paidOrder(held('write', NOW.monoMs + 1)), looking({ card, mayBeReported })).effects,
      ),
    ).toEqual(['order-delivering', 'write']);
    expect(
      doing(
        advance(paidOrder(held('write', NOW.monoMs)), looking({ card, mayBeReported })).effects,
      ),
    ).toEqual(['write claim']);
    expect(
      doing(advance(paidOrder(held('refund', Infinity)), looking({ mayBeReported })).effects),
    ).toEqual(['order-refunding', 'attempt-refunding']);
  });
  it('is written to its own card only, and only where its count is next', () => {
    expect(
      doing(
        advance(
          paidOrder(),
          looking({ card: { ...card, reading: { ...CARD, cardNo: '8800003922' } } }),
        ).effects,
      ),
    ).toEqual([]);
    expect(
      doing(
        advance(paidOrder(), looking({ card: { ...card, reading: { ...CARD, userNo: '1' } } }))
          .effects,
      ),
    ).toEqual(['order-refunding', 'attempt-refunding']);
    expect(
      doing(
        advance(paidOrder(), looking({ card: { ...card, reading: { ...CARD, count: 42 } } }))
          .effects,
      ),
    ).toEqual(['order-refunding', 'attempt-refunding']);
  });
});

describe('an order in doubt', () => {
  const card = { insertion: 3, reading: CARD, begunMono: NOW.monoMs };
  const planned = LAYOUT.plan(CARD, { orderId: ORDER.orderId, quantity: 3773, date: '2026-11-22' });
  if (!planned.ok) throw new Error(planned.error.detail);
  const { value: plan } = planned;
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();
  const doubt = (order: Partial<OrderRow>, change: Partial<OpenOrder> = {}): OpenOrder => {
    const paid = paidOrder(change);
    return {
      ...paid,
      order: {
        ...paid.order,
        state: 'in-doubt',
        writes: 1,
        sale: { ...cardSaleOf(ORDER), tag: hex(plan.tag) },
        delivery: {
          insertion: 2,
          before: hex(plan.before),
          after: hex(plan.after),
          cumulative: plan.cumulative,
          plan: [...plan.steps],
        },
        ...order,
      },
    };
  };
  const mayBeReported = (): boolean => true;

  it('is written again under a lease or claim that still holds, and asks for one otherwise', () => {
    const go = ['order-delivering', 'write'];
    expect(doing(advance(doubt({}), looking({ card })).effects)).toEqual(go);
    expect(doing(advance(doubt({}), looking({ card, mayBeReported })).effects)).toEqual([
      'write claim',
    ]);
    expect(
      doing(
        advance(
          doubt({}, { leaseMono: NOW.monoMs - CLAIM_USE_MS + 1 }),
          looking({ card, mayBeReported }),
        ).effects,
      ),
    ).toEqual(go);
    expect(
      doing(
        advance(
          doubt({}, { leaseMono: NOW.monoMs - CLAIM_USE_MS }),
          looking({ card, mayBeReported }),
        ).effects,
      ),
    ).toEqual(['write claim']);
    const held = (untilMono: number): Partial<OpenOrder> => ({
      claim: { ...NO_CLAIM, held: { kind: 'write', untilMono, grantedMs: 77, heardMono: 0 } },
    });
    expect(
      doing(advance(doubt({}, held(NOW.monoMs + 1)), looking({ card, mayBeReported })).effects),
    ).toEqual(go);
    expect(
      doing(advance(doubt({}, held(NOW.monoMs)), looking({ card, mayBeReported })).effects),
    ).toEqual(['write claim']);
  });
  it('is judged once in one insertion', () => {
    expect(doing(advance(doubt({}, { judgedInsertion: 3 }), looking({ card })).effects)).toEqual(
      [],
    );
    expect(doing(advance(doubt({}, { judgedInsertion: 2 }), looking({ card })).effects)).toEqual([
      'order-delivering',
      'write',
    ]);
  });
  it('whose money shall go back is not written, whatever lease or claim is left, and is refunded under the refund claim only', () => {
    for (const change of [
      {},
      { leaseMono: NOW.monoMs },
      {
        claim: {
          ...NO_CLAIM,
          held: { kind: 'write', untilMono: Infinity, grantedMs: 77, heardMono: 0 },
        },
      },
    ] as const)
      expect(
        doing(advance(doubt({ wantsRefund: true }, change), looking({ card })).effects),
      ).toEqual(['refund claim']);
    expect(
      doing(
        advance(
          doubt(
            { wantsRefund: true },
            {
              claim: {
                ...NO_CLAIM,
                held: { kind: 'refund', untilMono: Infinity, grantedMs: 77, heardMono: 0 },
              },
            },
          ),
          looking({ card }),
        ).effects,
      ),
    ).toEqual(['order-refunding', 'attempt-refunding']);
  });
  const doubts = (effects: readonly Effect[]): (string | undefined)[] =>
    effects.flatMap((e) =>
      e.do === 'journal'
        ? e.events.map((event) =>
            event.kind === 'order-in-doubt'
              ? event.body.wants
              : event.kind === 'order-parked'
                ? event.body.reason
                : event.kind,
          )
        : [],
    );
  const claim = (change: Partial<OpenOrder['claim']>): Partial<OpenOrder> => ({
    claim: { ...NO_CLAIM, ...change },
  });
  const held = (kind: 'write' | 'refund' | 'counter') =>
    claim({ held: { kind, untilMono: Infinity, grantedMs: 77, heardMono: 0 } });
  const refused = (code: 'BILL-0105' | 'BILL-0107' | 'BILL-0110') =>
    claim({ failure: failure(code) });
  const torn = looking({
    card,
    mayBeReported,
    layout: () => ({ ...LAYOUT, classify: () => 'torn' }),
  });
  const LOST = { nextStep: 'counter' } as const;
  it('whose card will not come back is parked under the counter claim only, and refunded under a refund claim that was granted first', () => {
    expect(doing(advance(doubt(LOST, { leaseMono: NOW.monoMs }), looking({})).effects)).toEqual([
      'counter claim',
    ]);
    expect(doing(advance(doubt(LOST, held('write')), looking({ mayBeReported })).effects)).toEqual([
      'counter claim',
    ]);
    expect(doubts(advance(doubt(LOST, held('counter')), looking({})).effects)).toEqual([
      'card-lost',
    ]);
    expect(doubts(advance(doubt(LOST, held('refund')), looking({})).effects)).toEqual(['refund']);
  });
  it('whose lost card comes back torn is finished under a write claim, and never by a lease or beside a counter claim', () => {
    expect(doing(advance(doubt(LOST, { leaseMono: NOW.monoMs }), torn).effects)).toEqual([
      'write claim',
    ]);
    expect(doing(advance(doubt(LOST), { ...torn, mayBeReported: () => false }).effects)).toEqual([
      'write claim',
    ]);
    expect(doing(advance(doubt(LOST, refused('BILL-0105')), torn).effects)).toEqual([
      'write claim',
    ]);
    expect(doing(advance(doubt(LOST, held('write')), torn).effects)).toEqual([
      'order-delivering',
      'write',
    ]);
    expect(doubts(advance(doubt(LOST, held('counter')), torn).effects)).toEqual(['card-lost']);
    // The write claim was refused over our own counter claim, whose answer was lost.
    expect(doing(advance(doubt(LOST, refused('BILL-0110')), torn).effects)).toEqual([
      'counter claim',
    ]);
  });
  it('whose lost card comes back unwritten is asked about, also under the counter claim; what was not proven stays with a person', () => {
    const counter = doubt(LOST, held('counter'));
    expect(doing(advance(counter, looking({ card })).effects)).toEqual(['refund claim']);
    expect(doubts(advance({ ...counter, notProven: true }, looking({ card })).effects)).toEqual([
      'card-lost',
    ]);
    expect(doubts(advance(doubt(LOST), looking({ card })).effects)).toEqual(['refund']);
    // A counter claim says nothing of a card that was looked at before it and is away now.
    expect(
      doing(advance(doubt({ wantsRefund: true }, held('counter')), looking({})).effects),
    ).toEqual(['refund claim']);
    expect(
      doubts(advance(doubt({ wantsRefund: true }, refused('BILL-0110')), looking({})).effects),
    ).toEqual(['counter']);
    expect(
      doing(advance(doubt({ wantsRefund: true }, refused('BILL-0110')), looking({ card })).effects),
    ).toEqual(['counter claim']);
  });
  it('says of its refund claim that it looked at the card only where it is here unwritten, under our own write claim', () => {
    const looked = (open: OpenOrder, context: AdvanceContext): unknown =>
      advance(open, context).effects.flatMap((e) =>
        e.do === 'claim' ? [`${e.kind} ${String(e.claimMs)}`] : [e.do],
      );
    const wants = { wantsRefund: true };
    expect(looked(doubt(wants, held('write')), looking({ card }))).toEqual(['refund 77']);
    expect(looked(doubt(wants), looking({ card }))).toEqual(['refund null']);
    // Pulled out again, torn or not: what was granted is no look.
    expect(looked(doubt(wants, held('write')), looking({}))).toEqual(['refund null']);
    expect(looked(doubt(wants), torn)).toEqual(['write null']);
  });
  it('whose card lies in the slot still is looked at again for central, by itself, and only by a read that is later than the claim', () => {
    const looked = (open: OpenOrder, context: AdvanceContext): unknown =>
      advance(open, context).effects.flatMap((e) =>
        e.do === 'claim' ? [`${e.kind} ${String(e.claimMs)}`] : [e.do],
      );
    const wants = { wantsRefund: true };
    const judged = { judgedInsertion: card.insertion };
    const early = { ...card, begunMono: NOW.monoMs - 1 };
    for (const kind of ['write', 'counter'] as const) {
      const heard = claim({
        held: { kind, untilMono: Infinity, grantedMs: 77, heardMono: NOW.monoMs },
      });
      for (const change of [heard, { ...heard, ...judged }]) {
        expect(looked(doubt(wants, change), looking({ card: early }))).toEqual(['read-card']);
        expect(looked(doubt(wants, change), looking({ card }))).toEqual(['refund 77']);
        // It is being read: that is waited for, unless it was seen under this claim already.
        expect(looked(doubt(wants, change), looking({ cardFree: false }))).toEqual([]);
        const saw = { claimMs: 77, proven: false };
        expect(looked(doubt(wants, { ...change, saw }), looking({ cardFree: false }))).toEqual([
          'refund 77',
        ]);
      }
    }
    // What another kiosk never told, or our own counter claim, stands in the way of the money.
    expect(looked(doubt(wants, { ...refused('BILL-0105'), ...judged }), looking({ card }))).toEqual(
      ['write null'],
    );
    expect(looked(doubt(wants, { ...refused('BILL-0110'), ...judged }), looking({ card }))).toEqual(
      ['counter null'],
    );
    // No reason to look again: the line, a person's turn, an order that wants no money back, a card
    // that is not as it was.
    expect(
      looked(
        doubt(wants, { ...claim({ failure: failure('BILL-0101') }), ...judged }),
        looking({ card }),
      ),
    ).toEqual(['refund null']);
    expect(
      looked(
        doubt(wants, { ...claim({ failure: failure('BILL-0111') }), ...judged }),
        looking({ card }),
      ),
    ).toEqual(['refund null']);
    expect(looked(doubt({}, { ...held('write'), ...judged }), looking({ card }))).toEqual([]);
    expect(looked(doubt(wants, { ...refused('BILL-0105'), ...judged }), torn)).toEqual([
      'refund null',
    ]);
  });
  it('whose own write was refused names that look as long as it may count, and no longer than until the next write', () => {
    const ended = (change: Partial<OpenOrder>, unwritten: 'proven' | 'unproven' = 'unproven') =>
      cardDelivery.ended(
        doubt({ state: 'delivering' }, { ...change, writing: true }),
        {
          layout: LAYOUT,
          applied: { ok: false, error: failure('CARD-0202') },
          image: { ok: true, value: CARD.image },
          unwritten,
          lookedMono: NOW.monoMs,
        },
        NOW,
      ).open.saw;
    const heard = (heardMono: number, kind: 'write' | 'counter' = 'write') =>
      claim({ held: { kind, untilMono: Infinity, grantedMs: 77, heardMono } });
    expect(ended(heard(NOW.monoMs))).toEqual({ claimMs: 77, proven: false });
    expect(ended(heard(NOW.monoMs), 'proven')).toEqual({ claimMs: 77, proven: true });
    // Without a claim, or under one that was heard while the card was being read.
    expect(ended({})).toBeNull();
    expect(ended(heard(NOW.monoMs + 1))).toBeNull();
    const saw = { claimMs: 77, proven: true };
    const asked = (change: Partial<OpenOrder>): readonly unknown[] =>
      advance(doubt({ wantsRefund: true }, { saw, ...change }), looking({})).effects.flatMap(
        (e): unknown[] => (e.do === 'claim' ? [e.kind, e.claimMs, e.sure?.proven] : [e.do]),
      );
    // The card is gone: also after an answer that was lost.
    expect(asked(heard(0))).toEqual(['refund', 77, true]);
    expect(asked(claim({ failure: failure('BILL-0101') }))).toEqual(['refund', 77, true]);
    const again = advance(doubt({}, { saw }), looking({ card }));
    expect(doing(again.effects)).toEqual(['order-delivering', 'write']);
    expect(again.open.saw).toBeNull();
  });
  it('asks ever more slowly where a look at the card does not get the money back', () => {
    const answer = (open: OpenOrder, kind: 'write' | 'refund', granted: boolean): OpenOrder =>
      onClaimed(
        open,
        {
          type: 'claimed',
          orderId: ORDER.orderId,
          kind,
          askedMono: 0,
          told: true,
          result: granted
            ? { ok: true, value: { kind, ttlMs: 180_000, order: null, serverTimeMs: 77 } }
            : { ok: false, error: failure('BILL-0105') },
        },
        NOW,
      ).open;
    let open = doubt({ wantsRefund: true });
    const waits: number[] = [];
    for (let round = 0; round < 8; round++) {
      open = answer(answer(open, 'refund', false), 'write', true);
      expect(open.claim.retryAtMono).toBe(0);
      open = answer(open, 'refund', false);
      waits.push(open.claim.retryAtMono - NOW.monoMs);
    }
    expect(waits.slice(0, 3)).toEqual([1_000, 4_000, 16_000]);
    expect(waits.at(-1)).toBe(30_000);
  });
  it('torn, and a claim that ends all writing is being asked for: nothing is written before the answer', () => {
    const asking = { ...held('write').claim, asking: true } as OpenOrder['claim'];
    for (const wish of [{ wantsRefund: true }, LOST]) {
      expect(doing(advance(doubt(wish, { claim: asking }), torn).effects)).toEqual([]);
      expect(doing(advance(doubt(wish, held('write')), torn).effects)).toEqual([
        'order-delivering',
        'write',
      ]);
    }
    // Refused since the refund claim stands: that one ends it, not the card.
    expect(
      doing(advance(doubt({ wantsRefund: true }, refused('BILL-0107')), torn).effects),
    ).toEqual(['refund claim']);
  });
  it('learns of its own final claim of an earlier life', () => {
    const answer = (open: OpenOrder, kind: 'write' | 'counter', code: 'BILL-0107' | 'BILL-0110') =>
      doubts(
        onClaimed(
          open,
          {
            type: 'claimed',
            orderId: ORDER.orderId,
            kind,
            askedMono: 0,
            told: true,
            result: { ok: false, error: failure(code) },
          },
          NOW,
        ).effects,
      );
    expect(answer(doubt({}), 'write', 'BILL-0110')).toEqual(['counter']);
    expect(answer(doubt({}), 'write', 'BILL-0107')).toEqual(['refund']);
    expect(answer(doubt(LOST), 'counter', 'BILL-0107')).toEqual(['refund']);
    expect(answer(doubt(LOST), 'write', 'BILL-0110')).toEqual([]);
    expect(answer(doubt({ wantsRefund: true }), 'write', 'BILL-0110')).toEqual([]);
    // A journal that calls it paid only: it was written in a life that is not on this disk.
    for (const context of [{}, { card }])
      expect(
        doubts(
          advance(paidOrder(refused('BILL-0110')), looking({ ...context, mayBeReported })).effects,
        ),
      ).toEqual(['card-lost']);
  });
  it('that stored nothing in all its tries goes back', () => {
    expect(doing(advance(doubt({ writes: MAX_WRITES }), looking({ card })).effects)).toEqual([
      'order-in-doubt',
    ]);
  });
  it('cut by a restart says so and nothing else; read back whole it is delivered, unread it stays in doubt', () => {
    const writing = (change: Partial<OpenOrder>): OpenOrder =>
      doubt({ state: 'delivering' }, change);
    expect(doing(advance(writing({}), looking({ card })).effects)).toEqual(['order-in-doubt']);
    const done = { ok: true, value: undefined } as const;
    const torn = { ok: false, error: failure('CARD-0102') } as const;
    const end = (
      applied: typeof done | typeof torn,
      image: { ok: true; value: Uint8Array } | typeof torn,
    ): string[] =>
      doing(
        cardDelivery.ended(
          writing({ writing: true }),
          {
            layout: LAYOUT,
            applied,
            image,
            unwritten: 'unproven',
            lookedMono: NOW.monoMs,
          },
          NOW,
        ).effects,
      );
    for (const applied of [done, torn]) {
      expect(end(applied, { ok: true, value: plan.after })).toEqual(['order-delivered']);
      expect(end(applied, { ok: true, value: plan.before })).toEqual(['order-in-doubt']);
      expect(end(applied, torn)).toEqual(['order-in-doubt']);
    }
  });
  it('a key provider that fails says nothing of the card: half a write stays in doubt, only one that is read back unwritten goes back', () => {
    const gone = { ok: false, error: failure('CARD-0206') } as const;
    const open = doubt({ state: 'delivering' }, { writing: true });
    const end = (layout: typeof LAYOUT, image: DeliveryEnds['card']['image']) =>
      cardDelivery
        .ended(open, { layout, applied: gone, image, unwritten: 'unproven', lookedMono: 0 }, NOW)
        .effects.flatMap((e) => (e.do === 'journal' ? e.events.map((event) => event.body) : []));
    const read = { ok: true, value: plan.before } as const;
    expect(end(LAYOUT, read)).toMatchObject([{ wants: 'refund' }]);
    for (const [layout, image] of [
      [{ ...LAYOUT, classify: () => 'torn' as const }, read],
      [LAYOUT, { ok: false, error: failure('CARD-0102') } as const],
    ] as const) {
      const [body] = end(layout, image);
      expect(body).toMatchObject({ failure: { code: 'CARD-0206' } });
      expect(body).not.toHaveProperty('wants');
    }
  });

  it('a paid order of a sale that this program does not deliver goes to a person', () => {
    const { sale: _card, ...rest } = ORDER;
    // As a journal that a newer program wrote may have it.
    const sale = {
      kind: 'token',
      payee: 'house',
      amountFen: 10_000,
    } as unknown as OrderRow['sale'];
    const order: OrderRow = {
      ...rest,
      state: 'paid',
      paidBy: ATTEMPT.attemptId,
      sale,
    };
    const paid: AttemptRow = { ...ATTEMPT, state: 'paid', taken: true };
    expect(advance({ ...paidOrder(), order, attempts: [paid] }, looking({})).effects).toMatchObject(
      [{ events: [{ kind: 'order-parked', body: { reason: 'no-delivery' } }] }],
    );
  });

  it('nothing is certain of a write that was begun', () => {
    const never = paidOrder();
    expect(cardDelivery.certainlyNothing(never)).toBe('unexposed');
    const begun = {
      ...paidOrder(),
      order: { ...ORDER, state: 'in-doubt' as const, writes: 1 },
    };
    expect(cardDelivery.certainlyNothing(begun)).toBe('unproven');
  });
});
