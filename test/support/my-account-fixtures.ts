import type {
  CardView,
  PurchaseView,
  Snapshot,
  SnapshotOf,
  UseView,
} from '../../src/shared/contract/index.ts';
import { lastMonths, METER_FAULTS } from '../../src/shared/my-account.ts';
import { typed } from './account-fixtures.ts';
import type { ScreenFixture, base } from './screens-fixtures.ts';

type Drawn = readonly [string, Snapshot, Partial<ScreenFixture>?];

const NOW_MS = Date.UTC(2026, 10, 22, 1, 26, 0);
const QUANTITIES = [
  3_120, 4_410, 5_260, 4_980, 3_900, 2_540, 1_720, 1_650, 2_010, 2_480, 3_300, 4_870,
];
const months = (
  quantities: readonly (number | null)[],
  over: Partial<UseView['months'][number]> = {},
) =>
  lastMonths(NOW_MS, 12).map((month, i) => ({
    month,
    quantity: quantities[i] ?? null,
    yearBefore: 2_400,
    estimated: false,
    ...over,
  }));

const use: UseView = {
  kind: 'gas',
  unit: 'm3',
  months: months(QUANTITIES),
  year: {
    since: '2026-01-01',
    counted: 'bought',
    quantity: 21_450,
    tiers: [
      { uptoQuantity: 36_000, priceE4: 26_500 },
      { uptoQuantity: 60_000, priceE4: 31_800 },
      { uptoQuantity: null, priceE4: 39_750 },
    ],
  },
  abnormal: null,
};
const ABNORMAL = { month: '2026-11', percent: 203, goesOn: true };
/** As much as central may tell. */
const LONGEST: UseView = {
  ...use,
  kind: 'heat',
  unit: 'kWh',
  months: months(
    QUANTITIES.map((q) => q * 1_000),
    { estimated: true },
  ),
  year: {
    since: '2026-07-15',
    counted: 'used',
    quantity: 99_123_456,
    tiers: [
      { uptoQuantity: 49_999_999, priceE4: 26_500 },
      { uptoQuantity: 199_999_999, priceE4: 31_800 },
      { uptoQuantity: null, priceE4: 39_750 },
    ],
  },
  abnormal: { month: '2026-10', percent: 12_345, goesOn: false },
};

const purchase = (over: Partial<PurchaseView>): PurchaseView => ({
  atMs: Date.UTC(2026, 10, 3, 2, 0, 0),
  kinds: ['card'],
  amountFen: 10_000,
  quantity: 3_773,
  unit: 'volume',
  count: 42,
  stands: 'written',
  orderRef: '0311 2209 2641',
  here: true,
  machine: '0311',
  ...over,
});
const PURCHASES: PurchaseView[] = [
  purchase({}),
  purchase({
    atMs: Date.UTC(2026, 8, 21, 2, 0, 0),
    amountFen: 20_000,
    quantity: 7_547,
    here: false,
    machine: '0399',
    orderRef: '0399 1204 1187',
  }),
  purchase({ amountFen: 5_000, quantity: 1_886, stands: 'refunded', orderRef: '0311 2101 5522' }),
];
const MANY: PurchaseView[] = Array.from({ length: 5 }, (_, i) =>
  purchase({
    orderRef: `0311 220${i} 2641`,
    amountFen: 10_000_000,
    quantity: null,
    count: null,
    kinds: ['gas', 'water', 'heat'],
    stands: 'at-meter',
    here: false,
  }),
);

/** The screens of a customer's own account. */
export function myAccountFixtures(
  b: ReturnType<typeof base>,
  card: CardView,
  inSeconds: (seconds: number) => number,
): readonly Drawn[] {
  const deadlineMs = inSeconds(81);
  const no: SnapshotOf<'my-account-no'> = {
    ...b,
    screen: 'my-account-no',
    digits: 10,
    hint: { zh: '印在缴费单右上角，10 位数字。', en: 'Ten digits, at the top right of the bill.' },
    busy: false,
    problem: null,
    deadlineMs,
  };
  const mine: SnapshotOf<'my-account'> = {
    ...b,
    screen: 'my-account',
    holderMasked: '张*明',
    numberMasked: '8800 **** 3921',
    byCard: true,
    away: false,
    pages: ['use', 'card', 'purchases'],
    page: 'use',
    card: { view: card, lastVisit: '2026-11-18', taken: 41 },
    balance: null,
    meter: null,
    kinds: ['gas'],
    use,
    faults: [],
    purchases: PURCHASES,
    order: null,
    slip: 'none',
    canPrint: true,
    recharge: true,
    emergency: '0558-2197777',
    deadlineMs,
  };
  const byNumber: SnapshotOf<'my-account'> = {
    ...mine,
    numberMasked: '2002 **** 01',
    byCard: false,
    pages: ['use', 'purchases'],
    card: null,
    balance: { fen: 1_860, onTheWayFen: 0 },
    recharge: false,
  };
  const order = { ...(PURCHASES[0] as PurchaseView), receiptUrl: RECEIPT };
  const faults = METER_FAULTS.map((fault) => ({ kind: 'gas' as const, fault, sinceMs: null }));
  return [
    ['by-number', { ...b, screen: 'insert-card', purpose: 'query', byNumber: true, deadlineMs }],
    ['number', no, { taps: typed('200220'), checkOnly: true }],
    [
      'digits',
      no,
      { taps: [...typed('2002203301'), '[data-intent="my-number-typed"]', ...typed('62')] },
    ],
    ['not-found', { ...no, problem: 'SALE-0140' }],
    ['too-many', { ...no, problem: 'SALE-0121' }, { checkOnly: true }],
    ['asking', { ...no, busy: true }, { checkOnly: true }],
    ['use', mine, { checkOnly: true }],
    ['abnormal', { ...mine, use: { ...use, abnormal: ABNORMAL } }],
    ['fault', { ...mine, faults: faults.filter((f) => f.fault === 'leak') }, { checkOnly: true }],
    ['iot', { ...byNumber, faults: [{ kind: 'gas', fault: 'battery', sinceMs: null }] }],
    [
      'heat',
      {
        ...byNumber,
        kinds: ['water', 'heat'],
        balance: null,
        use: {
          ...use,
          kind: 'heat',
          unit: 'GJ',
          months: months([1_240, 1_610, 1_580, 900, 0, 0, 0, 0, 0, 0, 0, 310]),
          year: null,
        },
      },
    ],
    [
      'longest',
      {
        ...byNumber,
        kinds: ['gas', 'water', 'heat'],
        use: LONGEST,
        balance: { fen: -99_999_999, onTheWayFen: 99_999_999 },
        meter: { remaining: 99_999_999, unit: 'volume', atMs: NOW_MS },
        slip: 'failed',
      },
    ],
    ['no-use', { ...byNumber, use: null, kinds: [] }, { checkOnly: true }],
    ['card', { ...mine, page: 'card', canPrint: false }],
    [
      'card-faults',
      { ...mine, page: 'card', faults: faults.filter((f) => f.fault !== 'battery') },
      { checkOnly: true },
    ],
    [
      'away',
      { ...mine, away: true, page: 'card', pages: ['card', 'purchases'], use: null, kinds: [] },
    ],
    ['purchases', { ...mine, page: 'purchases', canPrint: false }],
    [
      'purchases-longest',
      { ...mine, away: true, page: 'purchases', pages: ['card', 'purchases'], purchases: MANY },
    ],
    ['no-purchases', { ...mine, page: 'purchases', purchases: [] }, { checkOnly: true }],
    ['order', { ...mine, page: 'purchases', order }],
    [
      'order-longest',
      {
        ...mine,
        page: 'purchases',
        slip: 'printed',
        order: { ...(MANY[0] as PurchaseView), receiptUrl: RECEIPT },
      },
    ],
    [
      'copy',
      {
        ...b,
        screen: 'order-status',
        state: 'delivered',
        orderRef: '0311 2209 2641',
        amountFen: 10_000,
        quantity: 3_773,
        unit: 'volume',
        copy: { slip: 'printed', can: true },
        receiptUrl: RECEIPT,
        deadlineMs,
      },
    ],
  ];
}

const RECEIPT = `https://pay.example.com/r/000000000311-1-2209-2641.${'Aa0_'.repeat(21)}Aa`;
