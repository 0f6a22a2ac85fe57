import { describe, expect, it } from 'vitest';
import type { AttemptMoney, MoneyFact, MoneyKind } from '../../../src/journal/money-day.ts';
import { DEED_WORDS, DIFFERENCE_WORDS, todo } from '../../../src/kiosk/words/reconcile.ts';
import { compareDay, numbersIn } from '../../../src/kiosk/reconcile/compare.ts';
import { spanOf } from '../../../src/kiosk/reconcile/judge.ts';
import { DIFFERENCES } from '../../../src/kiosk/reconcile/report.ts';
import type { BillOf, DayReport } from '../../../src/kiosk/reconcile/report.ts';
import type { BillRow } from '../../../src/payment/types.ts';
import type { LedgerRow } from '../../../src/shared/central-api/index.ts';
import type { AttemptState, OrderState } from '../../../src/shared/order-rules.ts';
import { failure } from '../../../src/shared/errors.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { chinaDayMs } from '../../../src/shared/time.ts';

/** One day, compared by tables: what the bill, the journal and the ledger say, and what comes of it. */
const TERMINAL = '000000000311';
const DAY = '2026-11-22';
const NEXT = '2026-11-23';
const at = (clock: string, date = DAY): number =>
  chinaDayMs(date) + Date.parse(`1970-01-01T${clock}Z`);
const NOON = at('12:00:00');
const NO = `P${TERMINAL}E1N0001A1XAAAAA`;
const REFUND = `R${TERMINAL}E1N0001A1XAAAAA`;

interface Story {
  readonly state: AttemptState;
  readonly facts: readonly (readonly [kind: MoneyKind, ms: number, more?: Partial<MoneyFact>])[];
  readonly createdMs?: number;
  readonly orderState?: OrderState;
}
function attempt({
  state,
  facts,
  createdMs = NOON - 60_000,
  orderState = 'delivered',
}: Story): AttemptMoney {
  const full = facts.map(([kind, wallMs, more]): MoneyFact => ({
    kind,
    wallMs,
    orderId: 'o1',
    attemptId: 'o1/1',
    amountFen:
      kind === 'attempt-paid' || kind === 'order-paid' || kind === 'attempt-refunded'
        ? 10_000
        : null,
    reversed: false,
    how: null,
    sent: true,
    ...more,
  }));
  return {
    attempt: {
      attemptId: 'o1/1',
      orderId: 'o1',
      state,
      provider: 'wechat',
      outTradeNo: NO,
      outRefundNo: REFUND,
      amountFen: 10_000,
      expiresAtMs: createdMs + 180_000,
      shown: true,
      transactionId: null,
      taken: null,
      refundId: null,
      reason: null,
      settled: null,
      createdMs,
      updatedMs: full.at(-1)?.wallMs ?? createdMs,
    },
    orderState,
    facts: full,
  };
}
const row = (kind: BillRow['kind'], ms = NOON, over: Partial<BillRow> = {}): BillRow => ({
  kind,
  outTradeNo: NO,
  transactionId: 'T',
  outRefundNo: kind === 'refund' ? REFUND : '',
  amountFen: 10_000,
  atMs: ms,
  ...over,
});
const entry = (kind: LedgerRow['kind'], over: Partial<LedgerRow> = {}): LedgerRow => ({
  kind,
  orderId: 'o1',
  attemptId: 'o1/1',
  amountFen: 10_000,
  epoch: 1,
  seq: 1,
  atMs: NOON,
  ...over,
});
/** Without rows of ours it has other shops'. */
const bill = (...rows: BillRow[]): BillOf => ({ kind: 'bill', rows });

interface Case {
  readonly journal?: AttemptMoney | readonly AttemptMoney[];
  readonly bills?: Readonly<Record<string, BillOf>>;
  readonly ledger?: readonly LedgerRow[] | null;
  readonly date?: string;
  readonly givenUp?: boolean;
}
function day({
  journal = [],
  bills = {},
  ledger = [],
  date = DAY,
  givenUp = false,
}: Case): DayReport {
  return compareDay({
    date,
    journal: {
      terminalId: TERMINAL,
      attempts: 'attempt' in journal ? [journal] : journal,
      keptFromMs: null,
    },
    providers: ['wechat'],
    bill: (provider, d) =>
      provider === 'wechat' ? (bills[d] ?? bill()) : { kind: 'not-configured' },
    ledger: ledger === null ? err(failure('BILL-0101')) : ok(ledger),
    givenUp,
  }).report;
}
const told = (c: Case): string[] =>
  day(c).differences.map((d) => `${d.type} ${d.did}${d.person ? ' person' : ''}`);

const SOLD = attempt({
  state: 'paid',
  facts: [
    ['attempt-paid', NOON],
    ['order-paid', NOON],
  ],
});
const REFUNDED = attempt({
  state: 'refunded',
  orderState: 'refunded',
  facts: [
    ['attempt-paid', NOON],
    ['order-paid', NOON],
    ['attempt-refunding', NOON + 1_000],
    ['attempt-refunded', NOON + 2_000],
  ],
});
const LATE = attempt({
  state: 'refunded',
  orderState: 'closed',
  facts: [
    ['attempt-closed', NOON],
    ['attempt-paid', NOON + 1_000],
    ['attempt-refunding', NOON + 1_000],
    ['attempt-refunded', NOON + 2_000],
  ],
});
const REVERSED = attempt({
  state: 'closed',
  orderState: 'closed',
  facts: [['attempt-closed', NOON, { reversed: true }]],
});
const ENDED = attempt({ state: 'closed', orderState: 'closed', facts: [['attempt-closed', NOON]] });

describe('a day on which all agree', () => {
  const cases: readonly [string, Case][] = [
    ['nothing happened', {}],
    [
      'a sale',
      { journal: SOLD, bills: { [DAY]: bill(row('payment')) }, ledger: [entry('captured')] },
    ],
    [
      'a sale and its refund',
      {
        journal: REFUNDED,
        bills: { [DAY]: bill(row('payment'), row('refund')) },
        ledger: [entry('captured'), entry('refunded')],
      },
    ],
    [
      'a late capture that refunded itself',
      {
        journal: LATE,
        bills: { [DAY]: bill(row('payment'), row('refund')) },
        ledger: [entry('captured-extra'), entry('refunded')],
      },
    ],
    [
      'a code payment that was taken back',
      { journal: REVERSED, bills: { [DAY]: bill(row('payment'), row('reversal')) } },
    ],
    [
      'taken back by the provider, which never said so to the kiosk',
      { journal: ENDED, bills: { [DAY]: bill(row('payment'), row('reversal')) } },
    ],
    ['ended unpaid', { journal: ENDED }],
    [
      'a refund that a person made, and said so',
      {
        journal: attempt({
          state: 'parked',
          orderState: 'parked',
          facts: [
            ['attempt-paid', NOON],
            ['order-paid', NOON],
            ['attempt-refunding', NOON],
            ['attempt-parked', NOON],
            ['parked-settled', NOON, { how: 'refunded-by-hand' }],
          ],
        }),
        bills: { [DAY]: bill(row('payment'), row('refund', NOON, { outRefundNo: 'HAND1' })) },
        ledger: [entry('captured'), entry('refunded')],
      },
    ],
    [
      'another terminal under the same merchant number',
      {
        bills: {
          [DAY]: bill(
            row('payment', NOON, { outTradeNo: 'P000000000312E1N0001A1XAAAAA' }),
            row('refund', NOON, { outTradeNo: 'SHOP-17', outRefundNo: 'x' }),
          ),
        },
      },
    ],
  ];
  it.each(cases)('%s', (_name, c) => {
    const report = day(c);
    expect(report.differences).toEqual([]);
    expect(report).toMatchObject({ complete: true, persons: 0 });
  });
  it('counts what is this terminal’s apart from what is not', () => {
    const report = day({
      journal: REFUNDED,
      bills: {
        [DAY]: bill(
          row('payment'),
          row('refund'),
          row('payment', NOON, { outTradeNo: 'P000000000312E1N0001A1XAAAAA', amountFen: 7 }),
        ),
      },
      ledger: [entry('captured'), entry('refunded')],
    });
    expect(report.providers).toEqual([
      {
        provider: 'wechat',
        bill: 'compared',
        complete: true,
        detail: null,
        payments: { count: 1, fen: 10_000 },
        refunds: { count: 1, fen: 10_000 },
        reversals: { count: 0, fen: 0 },
        others: { count: 1, fen: 7 },
      },
    ]);
  });
});

describe('every difference', () => {
  const cases: readonly [string, Case, readonly string[]][] = [
    [
      'captured under our number, unknown to the journal',
      { bills: { [DAY]: bill(row('payment')) } },
      ['captured-no-order nothing person'],
    ],
    [
      'captured and refunded under our number, unknown to the journal',
      { bills: { [DAY]: bill(row('payment'), row('refund')) } },
      ['captured-no-order nothing person', 'refund-unknown nothing person'],
    ],
    [
      'captured after it was closed, and the kiosk does not know yet',
      { journal: ENDED, bills: { [DAY]: bill(row('payment')) } },
      ['captured-no-order asks-again person'],
    ],
    [
      'captured where nobody could be asked any more',
      {
        journal: attempt({ state: 'parked', facts: [['attempt-parked', NOON]] }),
        bills: { [DAY]: bill(row('payment')) },
      },
      ['captured-no-order parked person'],
    ],
    [
      'still being asked about',
      { journal: attempt({ state: 'pending', facts: [] }), bills: { [DAY]: bill(row('payment')) } },
      ['not-yet asks-again'],
    ],
    [
      'paid, says the journal alone',
      { journal: SOLD, ledger: [entry('captured')] },
      ['order-not-captured nothing person'],
    ],
    [
      'another sum',
      {
        journal: SOLD,
        bills: { [DAY]: bill(row('payment', NOON, { amountFen: 9_999 })) },
        ledger: [entry('captured')],
      },
      ['amount-differs nothing person'],
    ],
    [
      'taken twice under one number',
      {
        journal: SOLD,
        bills: { [DAY]: bill(row('payment'), row('payment')) },
        ledger: [entry('captured')],
      },
      ['amount-differs nothing person'],
    ],
    [
      'another sum that is parked already, and told as it is',
      {
        journal: attempt({
          state: 'parked',
          facts: [['attempt-parked', NOON, { amountFen: 9_999 }]],
        }),
        bills: { [DAY]: bill(row('payment', NOON, { amountFen: 9_999 })) },
        ledger: [entry('captured-extra', { amountFen: 9_999 })],
      },
      [],
    ],
    [
      'refunded, says the journal alone',
      {
        journal: REFUNDED,
        bills: { [DAY]: bill(row('payment')) },
        ledger: [entry('captured'), entry('refunded')],
      },
      ['refund-missing nothing person'],
    ],
    [
      'a refund of another sum',
      {
        journal: REFUNDED,
        bills: { [DAY]: bill(row('payment'), row('refund', NOON, { amountFen: 1 })) },
        ledger: [entry('captured'), entry('refunded')],
      },
      ['amount-differs refunding person'],
    ],
    [
      'refunded by somebody else',
      {
        journal: SOLD,
        bills: { [DAY]: bill(row('payment'), row('refund', NOON, { outRefundNo: 'SHOP1' })) },
        ledger: [entry('captured')],
      },
      ['refund-unknown nothing person'],
    ],
    [
      'delivered, and taken back by the provider',
      {
        journal: SOLD,
        bills: { [DAY]: bill(row('payment'), row('reversal')) },
        ledger: [entry('captured')],
      },
      ['refund-unknown nothing person'],
    ],
    [
      'given up here and refunded there: not to be paid again',
      {
        journal: attempt({
          state: 'parked',
          facts: [
            ['attempt-paid', NOON],
            ['order-paid', NOON],
            ['attempt-refunding', NOON],
            ['attempt-parked', NOON],
          ],
        }),
        bills: { [DAY]: bill(row('payment'), row('refund')) },
        ledger: [entry('captured')],
      },
      ['refund-unknown parked person'],
    ],
    [
      'refunded by hand and by itself',
      {
        journal: attempt({
          state: 'parked',
          facts: [
            ['attempt-paid', NOON],
            ['order-paid', NOON],
            ['attempt-refunding', NOON],
            ['attempt-parked', NOON],
            ['parked-settled', NOON, { how: 'refunded-by-hand' }],
          ],
        }),
        bills: { [DAY]: bill(row('payment'), row('refund')) },
        ledger: [entry('captured')],
      },
      ['refund-unknown settled person'],
    ],
    [
      'taken back, says the journal alone',
      { journal: REVERSED, bills: { [DAY]: bill(row('payment')) } },
      ['reversed-but-paid asks-again person'],
    ],
    [
      'taken back, and the bill has neither',
      { journal: REVERSED },
      ['refund-missing nothing person'],
    ],
    [
      'taken back twice',
      {
        journal: REVERSED,
        bills: { [DAY]: bill(row('payment'), row('reversal'), row('reversal')) },
      },
      ['refund-unknown nothing person'],
    ],
    [
      'a refund under way',
      {
        journal: attempt({
          state: 'refunding',
          facts: [
            ['attempt-paid', NOON],
            ['order-paid', NOON],
            ['attempt-refunding', NOON],
          ],
        }),
        bills: { [DAY]: bill(row('payment')) },
        ledger: [entry('captured')],
      },
      ['not-yet refunding'],
    ],
    [
      'not in central’s ledger',
      { journal: SOLD, bills: { [DAY]: bill(row('payment')) } },
      ['ledger-missing nothing person'],
    ],
    [
      'not uploaded yet',
      {
        journal: attempt({
          state: 'paid',
          facts: [
            ['attempt-paid', NOON, { sent: false }],
            ['order-paid', NOON, { sent: false }],
          ],
        }),
        bills: { [DAY]: bill(row('payment')) },
      },
      ['not-yet uploads'],
    ],
    [
      'another sum in the ledger',
      {
        journal: SOLD,
        bills: { [DAY]: bill(row('payment')) },
        ledger: [entry('captured', { amountFen: 1 })],
      },
      ['ledger-differs nothing person'],
    ],
    [
      'given up here, and it did not arrive',
      {
        journal: attempt({
          state: 'parked',
          facts: [
            ['attempt-paid', NOON],
            ['order-paid', NOON],
            ['attempt-refunding', NOON],
            ['attempt-parked', NOON],
          ],
        }),
        bills: { [DAY]: bill(row('payment'), row('refund', NOON, { outcome: 'failed' })) },
        ledger: [entry('captured')],
      },
      ['refund-failed parked person'],
    ],
    [
      'did not arrive, and settled as nothing due',
      {
        journal: attempt({
          state: 'parked',
          facts: [
            ['attempt-paid', NOON],
            ['order-paid', NOON],
            ['attempt-refunding', NOON],
            ['attempt-parked', NOON],
            ['parked-settled', NOON, { how: 'nothing-due' }],
          ],
        }),
        bills: { [DAY]: bill(row('payment'), row('refund', NOON, { outcome: 'failed' })) },
        ledger: [entry('captured')],
      },
      ['refund-failed settled person'],
    ],
    [
      'did not arrive, and handed over by hand',
      {
        journal: attempt({
          state: 'parked',
          facts: [
            ['attempt-paid', NOON],
            ['order-paid', NOON],
            ['attempt-refunding', NOON],
            ['attempt-parked', NOON],
            ['parked-settled', NOON, { how: 'refunded-by-hand' }],
          ],
        }),
        bills: { [DAY]: bill(row('payment'), row('refund', NOON, { outcome: 'failed' })) },
        ledger: [entry('captured')],
      },
      [],
    ],
    [
      'no bill came on any day',
      {
        journal: SOLD,
        bills: { [DAY]: { kind: 'none' } },
        ledger: [entry('captured')],
        givenUp: true,
      },
      ['not-yet waits', 'bill-missing nothing person'],
    ],
    [
      'in the ledger, not in the journal',
      { ledger: [entry('refunded')] },
      ['ledger-differs nothing person'],
    ],
  ];
  it.each(cases)('%s', (_name, c, expected) => {
    expect(told(c)).toEqual(expected);
  });
  it('has its words: what it is, what the system does, what a person does', () => {
    const all = cases.flatMap(([, c]) => day(c).differences);
    expect(new Set(all.map((d) => d.type))).toEqual(new Set(DIFFERENCES));
    for (const d of all)
      for (const words of [DIFFERENCE_WORDS[d.type], DEED_WORDS[d.did], todo(d)])
        expect(words.zh.length > 3 && words.en.length > 8).toBe(true);
    for (const d of all) expect(todo(d).en === 'Nothing to do.').toBe(!d.person);
  });
});

describe('midnight', () => {
  const created = at('23:59:30');
  const factMs = at('00:00:01', NEXT);
  const late = attempt({
    state: 'paid',
    createdMs: created,
    facts: [
      ['attempt-paid', factMs],
      ['order-paid', factMs],
    ],
  });
  const bills = { [DAY]: bill(row('payment', at('23:59:59'))) };
  it('captured at 23:59:59, told at 00:00:01: right on both days', () => {
    expect(told({ journal: late, bills })).toEqual([]);
    expect(told({ journal: late, bills, date: NEXT, ledger: [entry('captured')] })).toEqual([]);
  });
  it('captured on neither day: said once, on the day of the fact', () => {
    expect(told({ journal: late })).toEqual([]);
    expect(told({ journal: late, date: NEXT, ledger: [entry('captured')] })).toEqual([
      'order-not-captured nothing person',
    ]);
  });
  it('the kiosk’s clock is a little ahead: judged when the next day’s bill is there', () => {
    const ahead = attempt({
      state: 'paid',
      createdMs: created,
      facts: [
        ['attempt-paid', at('23:59:58')],
        ['order-paid', at('23:59:58')],
      ],
    });
    const next = { [NEXT]: bill(row('payment', at('00:00:01', NEXT))) };
    expect(told({ journal: ahead, bills: next, ledger: [entry('captured')] })).toEqual([]);
    expect(told({ journal: ahead, bills: next, date: NEXT })).toEqual([]);
    expect(told({ journal: ahead, date: NEXT })).toEqual(['order-not-captured nothing person']);
  });
  it('taken back over midnight', () => {
    const over = attempt({
      state: 'closed',
      createdMs: created,
      facts: [['attempt-closed', at('00:00:20', NEXT), { reversed: true }]],
    });
    const both = {
      [DAY]: bill(row('payment', at('23:59:40'))),
      [NEXT]: bill(row('reversal', at('00:00:20', NEXT))),
    };
    expect(told({ journal: over, bills: { ...both, [NEXT]: { kind: 'later' } } })).toEqual([
      'not-yet waits',
    ]);
    expect(told({ journal: over, bills: both, date: NEXT })).toEqual([]);
    expect(told({ journal: over, bills: { [DAY]: both[DAY] }, date: NEXT })).toEqual([
      'reversed-but-paid asks-again person',
    ]);
  });
  it('ended over midnight, and a capture of before it that nobody knows', () => {
    const over = attempt({
      state: 'closed',
      createdMs: created,
      facts: [['attempt-closed', at('00:02:00', NEXT)]],
    });
    expect(told({ journal: over, bills, date: NEXT })).toEqual([
      'captured-no-order asks-again person',
    ]);
  });
  it('a refund whose day is the day after its asking', () => {
    const m = attempt({
      state: 'refunded',
      facts: [
        ['attempt-paid', NOON],
        ['order-paid', NOON],
        ['attempt-refunding', at('23:58:00')],
        ['attempt-refunded', at('00:03:00', NEXT)],
      ],
    });
    expect(
      told({
        journal: m,
        bills: { [DAY]: bill(row('payment'), row('refund', at('23:58:01'))) },
        date: NEXT,
        ledger: [entry('refunded')],
      }),
    ).toEqual([]);
    expect(
      told({
        journal: m,
        bills: { [NEXT]: bill(row('refund', at('00:02:59', NEXT))) },
        date: NEXT,
        ledger: [entry('refunded')],
      }),
    ).toEqual([]);
    expect(told({ journal: m, date: NEXT, ledger: [entry('refunded')] })).toEqual([
      'refund-missing nothing person',
    ]);
  });
  it('refunded days later', () => {
    const m = attempt({
      state: 'refunded',
      facts: [
        ['attempt-paid', NOON - 5 * 86_400_000],
        ['order-paid', NOON - 5 * 86_400_000],
        ['attempt-refunding', NOON],
        ['attempt-refunded', NOON],
      ],
      createdMs: NOON - 5 * 86_400_000,
    });
    expect(
      told({ journal: m, bills: { [DAY]: bill(row('refund')) }, ledger: [entry('refunded')] }),
    ).toEqual([]);
    expect(told({ journal: m, ledger: [entry('refunded')] })).toEqual([
      'refund-missing nothing person',
    ]);
  });
  it('the span that is read begins before midnight', () => {
    expect(spanOf(DAY)).toEqual({ fromMs: at('00:00:00') - 300_000, toMs: at('00:00:00', NEXT) });
  });
});

describe('a wallet behind the gateway that makes no bill', () => {
  it('its payments and refunds are in no bill: nobody is accused, and it is said how many', () => {
    for (const journal of [SOLD, REFUNDED]) {
      const ledger =
        journal === SOLD ? [entry('captured')] : [entry('captured'), entry('refunded')];
      const report = day({
        journal,
        bills: { [DAY]: { kind: 'bill', rows: [], unlisted: [NO] } },
        ledger,
      });
      expect(report.differences).toEqual([]);
      expect(report.providers[0]).toMatchObject({
        bill: 'compared',
        detail: '1 of a wallet without a bill',
        complete: true,
      });
      // Another one that is missing is missed as ever.
      expect(
        told({
          journal,
          bills: { [DAY]: { kind: 'bill', rows: [], unlisted: [`${NO}X`] } },
          ledger,
        }),
      ).not.toEqual([]);
    }
  });
});

describe('what cannot be compared now', () => {
  const f = failure('PAY-0203', 'STATEMENT_CREATING');
  it.each([
    ['not-ready', { kind: 'not-ready', failure: f }],
    ['unknown', { kind: 'unknown', failure: f }],
    ['not-ready', { kind: 'later' }],
  ] as const)('a bill that is %s accuses nobody, and the day is not complete', (state, of) => {
    const report = day({ journal: SOLD, bills: { [DAY]: of }, ledger: [entry('captured')] });
    expect(report).toMatchObject({
      complete: false,
      persons: 0,
      differences: [],
      providers: [{ bill: state }],
    });
  });
  it('a provider without bills is said, and does not hold the day up', () => {
    expect(
      day({
        journal: SOLD,
        bills: { [DAY]: { kind: 'not-offered' } },
        ledger: [entry('captured')],
      }),
    ).toMatchObject({ complete: true, differences: [], providers: [{ bill: 'not-offered' }] });
  });
  it('a provider that was taken out of the configuration', () => {
    const gone = { ...SOLD, attempt: { ...SOLD.attempt, provider: 'alipay' } };
    expect(day({ journal: gone, ledger: [entry('captured')] })).toMatchObject({
      complete: false,
      differences: [],
      providers: [{ provider: 'wechat' }, { provider: 'alipay', bill: 'not-configured' }],
    });
  });
  it('central away: the bill is compared all the same', () => {
    expect(day({ bills: { [DAY]: bill(row('payment')) }, ledger: null })).toMatchObject({
      complete: false,
      persons: 1,
      ledger: 'away',
    });
  });
  it('a neighbour’s bill that is missing is asked for, and until then nobody is accused', () => {
    const m = attempt({
      state: 'paid',
      createdMs: at('23:59:30'),
      facts: [
        ['attempt-paid', at('00:00:01', NEXT)],
        ['order-paid', at('00:00:01', NEXT)],
      ],
    });
    const input = {
      date: NEXT,
      journal: { terminalId: TERMINAL, attempts: [m], keptFromMs: null },
      providers: ['wechat'],
      ledger: ok([entry('captured')]),
    };
    const { wants, report } = compareDay({
      ...input,
      bill: (_p, d) => (d === NEXT ? { kind: 'none' } : { kind: 'later' }),
    });
    expect(wants).toEqual([{ provider: 'wechat', date: DAY }]);
    expect(report.differences.map((d) => d.type)).toEqual(['not-yet']);
    expect(report.complete).toBe(false);
  });
});

describe('whose a number is', () => {
  it('is read from it; what tells nothing is looked up', () => {
    const of = (outTradeNo: string): BillRow => row('payment', NOON, { outTradeNo });
    expect(
      numbersIn(bill(of(NO), of(NO), of('P000000000312E1N0001A1XAAAAA'), of('SHOP-17')), TERMINAL),
    ).toEqual([NO, 'SHOP-17']);
    expect(numbersIn({ kind: 'none' }, TERMINAL)).toEqual([]);
  });
});

describe('a refund that a bill lists', () => {
  const types = (state: AttemptState, outcome: 'pending' | 'failed' | null): readonly string[] =>
    compareDay({
      date: DAY,
      journal: {
        terminalId: TERMINAL,
        keptFromMs: null,
        attempts: [
          attempt({
            state,
            facts: [
              ['attempt-paid', NOON],
              ['attempt-refunding', NOON + 1_000],
              state === 'refunded'
                ? ['attempt-refunded', NOON + 2_000]
                : ['attempt-parked', NOON + 2_000],
            ],
          }),
        ],
      },
      providers: ['wechat'],
      bill: () => bill(row('payment'), row('refund', NOON, outcome === null ? {} : { outcome })),
      ledger: err(failure('PAY-0203', 'not asked')),
    }).report.differences.map((d) => d.type);

  it('and that did not arrive, tells nobody that the money went back', () => {
    expect(types('parked', null)).toEqual(['refund-unknown']);
    expect(types('parked', 'failed')).toEqual(['refund-failed']);
    expect(types('parked', 'pending')).toEqual([]);
    expect(types('refunded', 'failed')).toEqual(['refund-failed']);
    expect(types('refunded', 'pending')).toEqual([]);
  });

  it('and that failed after an earlier bill had it under way, is no refund', () => {
    const report = day({
      date: NEXT,
      journal: attempt({
        state: 'refunded',
        orderState: 'refunded',
        facts: [
          ['attempt-paid', NOON],
          ['attempt-refunding', NOON + 1_000],
          ['attempt-refunded', at('12:00:00', NEXT)],
        ],
      }),
      bills: {
        [DAY]: bill(row('payment'), row('refund', NOON, { outcome: 'pending' })),
        [NEXT]: bill(row('refund', NOON, { outcome: 'failed' })),
      },
      ledger: [entry('refunded')],
    });
    expect(report.differences).toMatchObject([
      { type: 'refund-failed', person: true, did: 'nothing' },
    ]);
    expect(
      todo(report.differences[0] ?? { type: 'not-yet', did: 'nothing', person: false }).zh,
    ).toBe('没有到账，另行退给顾客。');
  });

  it('and that failed and then went back on the next day, waits for that day’s bill', () => {
    const journal = attempt({
      state: 'refunded',
      orderState: 'refunded',
      facts: [
        ['attempt-paid', NOON],
        ['order-paid', NOON],
        ['attempt-refunding', NOON + 1_000],
        ['attempt-refunded', at('12:00:00', NEXT)],
      ],
    });
    const bills = {
      [DAY]: bill(row('payment'), row('refund', NOON, { outcome: 'failed' })),
      [NEXT]: bill(row('refund', at('11:00:00', NEXT))),
    };
    expect(told({ journal, bills, ledger: [entry('captured')] })).toEqual(['not-yet waits']);
    expect(told({ date: NEXT, journal, bills, ledger: [entry('refunded')] })).toEqual([]);
  });
});

describe('a refund that a bill had as failed', () => {
  it('is judged with the day that says it is done', () => {
    const journal = attempt({
      state: 'refunded',
      orderState: 'refunded',
      facts: [
        ['attempt-paid', NOON],
        ['attempt-refunding', NOON + 1_000],
        ['attempt-refunded', at('12:00:00', NEXT)],
      ],
    });
    const bills = { [DAY]: bill(row('payment'), row('refund', NOON, { outcome: 'failed' })) };
    const types = (date: string): string[] =>
      day({ date, journal, bills, ledger: date === DAY ? [] : [entry('refunded')] })
        .differences.map((d) => d.type)
        .filter((t) => !t.startsWith('ledger'));
    expect(types(DAY)).toEqual(['not-yet']);
    expect(types(NEXT)).toEqual(['refund-failed']);
  });
});

describe('“no bill” against money of this journal', () => {
  const none: BillOf = { kind: 'none' };
  const compare = (journal: AttemptMoney, of: BillOf, givenUp = false): DayReport =>
    compareDay({
      date: DAY,
      journal: { terminalId: TERMINAL, attempts: [journal], keptFromMs: null },
      providers: ['wechat'],
      bill: () => of,
      ledger: ok([]),
      givenUp,
    }).report;
  const ofBill = (r: DayReport): string[] =>
    r.differences.filter((d) => !d.type.startsWith('ledger')).map((d) => d.type);

  it.each([
    ['captured', SOLD, 1],
    ['refunded', REFUNDED, 2],
  ] as const)('that was %s: nobody is accused, and it is asked for again', (_what, journal, n) => {
    const report = compare(journal, none);
    expect(ofBill(report)).toEqual(Array<string>(n).fill('not-yet'));
    expect(report.providers).toMatchObject([{ bill: 'not-ready', complete: false }]);
    expect(report.providers[0]?.detail).toContain('nothing happened');
    // After the days of asking a person looks, once, for all of it.
    const last = compare(journal, none, true);
    expect(last.differences.find((d) => d.type === 'bill-missing')).toMatchObject({
      person: true,
      journalFen: n * 10_000,
    });
    expect(last.providers).toMatchObject([{ complete: true }]);
    expect(ofBill(last).filter((t) => t === 'bill-missing')).toHaveLength(1);
  });

  it('is believed where there was none', () => {
    const unpaid = attempt({ state: 'closed', facts: [['attempt-closed', NOON]] });
    const report = compare(unpaid, none);
    expect(ofBill(report)).toEqual([]);
    expect(report.providers).toMatchObject([{ bill: 'nothing', complete: true }]);
  });

  it.each(['unknown', 'not-ready'] as const)('a bill that stays %s is a person’s too', (kind) => {
    const of: BillOf = { kind, failure: failure('PAY-0203', 'x') };
    expect(ofBill(compare(SOLD, of))).toEqual([]);
    expect(compare(SOLD, of, true).differences).toContainEqual(
      expect.objectContaining({ type: 'bill-missing', person: true, journalFen: 10_000 }),
    );
    expect(compare(SOLD, of, true).providers).toMatchObject([{ bill: kind, complete: true }]);
  });

  it('of one wallet behind the gateway: its own are not accused, the others’ are compared', () => {
    const awaited = { kind: 'bill', rows: [], unlisted: [NO], awaited: [NO] } as const;
    expect(ofBill(compare(SOLD, awaited))).toEqual(['not-yet']);
    expect(compare(SOLD, awaited).providers).toMatchObject([{ bill: 'compared', complete: false }]);
    // A row that cannot be read holds its day up even if nothing was looked for.
    const unread = { ...awaited, failure: failure('PAY-0201', 'bill: row of x') };
    const unpaid = attempt({ state: 'closed', facts: [] });
    expect(compare(unpaid, unread).providers).toMatchObject([
      { complete: false, detail: '1 not told yet: bill: row of x' },
    ]);
    expect(compare(unpaid, awaited).providers).toMatchObject([{ complete: true }]);
    expect(ofBill(compare(unpaid, unread, true))).toEqual(['bill-missing']);
    const others = { ...unread, awaited: ['P000000000312E1N0001A1XAAAAA'], unlisted: [] };
    expect(ofBill(compare(SOLD, others))).toEqual(['order-not-captured']);
  });
});
