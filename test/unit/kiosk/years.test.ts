import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { BillingClient } from '../../../src/billing/types.ts';
import type { CardReading } from '../../../src/card/types.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import { findAccount, quoteFor } from '../../../src/kiosk/visit/card-sale/quoting.ts';
import { quoteFault } from '../../../src/kiosk/visit/card-sale/quote-check.ts';
import { accountAt } from '../../../src/kiosk/visit/card-sale/standing.ts';
import { clockBeside, clockOf } from '../../../src/main/demo-clock.ts';
import { systemClock } from '../../../src/main/ports.ts';
import type {
  Account,
  Announced,
  Quote,
  QuoteRequest,
} from '../../../src/shared/central-api/index.ts';
import { failure } from '../../../src/shared/errors.ts';
import { VISIT_MS } from '../../../src/shared/periods.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { cardSaleOf } from '../../../src/shared/sale.ts';
import { chinaDate, DAY_MS } from '../../../src/shared/time.ts';
import { POLICY, World } from '../../support/kiosk-world.ts';

const china = (text: string): number => Date.parse(`${text}+08:00`);
const NEW_YEAR = china('2027-01-01T00:00:00');
const tiers = [
  { uptoQuantity: 36_000, priceE4: 26_500 },
  { uptoQuantity: null, priceE4: 31_800 },
];
const GAS: Account['tariff'] = { tariffId: 'gas', version: 1, tiers };
const DEARER: Account['tariff'] = {
  ...GAS,
  version: 2,
  tiers: [{ uptoQuantity: null, priceE4: 50_000 }],
};
const TOLD: Account = {
  cardNo: '8800003921',
  userNo: '1002203344',
  holderName: '张*明',
  meterNo: '0260001577',
  kind: 'gas',
  unit: 'volume',
  state: 'normal',
  count: 41,
  cumulative: 205_000,
  yearQuantity: 35_999,
  carriedMicro: 0,
  ceilingQuantity: 100_000,
  perPurchaseQuantity: null,
  periodLeftQuantity: 0,
  tariff: GAS,
  claim: null,
  limit: { quantity: 4_000, every: 'month' },
  asOfMs: NEW_YEAR - 30_000,
};
const READING = { cardNo: TOLD.cardNo, count: 41 } as CardReading;
const FRESH = 3_773;
const LATE = 3_144;

interface Own {
  readonly count: number;
  readonly quantity: number;
  readonly soldMs: number;
}
/** The account of a kiosk whose central is away (`null`) or answers, with own deliveries. */
async function found(
  nowMs: number,
  more: {
    answer?: Account;
    cached?: Account;
    fetchedMs?: number;
    own?: readonly Own[];
    tariffs?: readonly Announced[];
  } = {},
): Promise<Account> {
  const journal: Partial<Journal> = {
    meta: () => null,
    cacheAccount: () => undefined,
    cachedAccount: () => ({
      account: more.cached ?? TOLD,
      fetchedMs: more.fetchedMs ?? NEW_YEAR - 60_000,
    }),
    unsynced: () => ({ events: 0, oldestMs: null, soldFen: 0 }),
    soldOffline: () => false,
    deliveriesBeyond: () => [...(more.own ?? [])],
    unfinishedOfOtherCard: () => undefined,
  };
  const { answer } = more;
  const billing: Partial<BillingClient> = {
    account: () =>
      Promise.resolve(
        answer === undefined
          ? err(failure('BILL-0101'))
          : ok({ account: answer, serverTimeMs: nowMs }),
      ),
  };
  const result = await findAccount(
    billing as BillingClient,
    journal as Journal,
    more.tariffs === undefined ? POLICY : { ...POLICY, tariffs: [...more.tariffs] },
    '000000000311',
    TOLD.cardNo,
    nowMs,
  );
  if (!result.ok) throw new Error(result.error.code);
  return result.value.account;
}
async function offline(account: Account, nowMs: number, toldMs = account.asOfMs): Promise<Quote> {
  const billing = {} as BillingClient;
  const q = await quoteFor(billing, READING, account, true, 10_000, null, toldMs, nowMs);
  if (!q.ok) throw new Error(q.error.code);
  return q.value.quote;
}

describe('a cached account', () => {
  it('of 31 December is not priced by last year’s use on 1 January', async () => {
    const before = await found(NEW_YEAR - 1);
    expect(before).toMatchObject({ yearQuantity: 35_999, periodLeftQuantity: 0 });
    expect((await offline(before, NEW_YEAR - 1)).quantity).toBe(LATE);
    const after = await found(NEW_YEAR);
    expect(after).toMatchObject({ yearQuantity: 0, periodLeftQuantity: 4_000, asOfMs: NEW_YEAR });
    expect(await offline(after, NEW_YEAR)).toMatchObject({ quantity: FRESH, asOfMs: NEW_YEAR });
  });
  it('of an older program stands as of when it was fetched', async () => {
    const { asOfMs: _none, limit: _no, ...cached } = TOLD;
    expect(await found(NEW_YEAR, { cached })).toMatchObject({
      yearQuantity: 0,
      periodLeftQuantity: 0,
    });
  });
  it('never goes back behind what central told, whatever the kiosk’s clock shows', async () => {
    const cached = { ...TOLD, yearQuantity: 0, asOfMs: NEW_YEAR + 1_000 };
    const account = await found(NEW_YEAR - 2_000, { cached });
    expect(account.asOfMs).toBe(NEW_YEAR + 1_000);
    expect(await offline(account, NEW_YEAR - 1_000)).toMatchObject({
      quantity: FRESH,
      asOfMs: NEW_YEAR + 1_000,
    });
  });
  it('follows an announced tariff from its day, and its year', async () => {
    const cached = { ...TOLD, announced: [{ fromMs: NEW_YEAR, tariff: DEARER }] };
    expect((await found(NEW_YEAR - 1, { cached })).tariff.version).toBe(1);
    const account = await found(NEW_YEAR, { cached });
    expect(account.tariff.version).toBe(2);
    expect(await offline(account, NEW_YEAR)).toMatchObject({ quantity: 2_000, tariffVersion: 2 });
    const gasYear = { ...TOLD, tariff: { ...GAS, yearBegins: '07-01' } };
    expect((await found(NEW_YEAR, { cached: gasYear })).yearQuantity).toBe(35_999);
  });
  it('follows a tariff that the policy announced since the card was last here', async () => {
    const others = {
      fromMs: NEW_YEAR - 5_000,
      tariff: { ...DEARER, tariffId: 'water', version: 9 },
    };
    const earlier = { fromMs: NEW_YEAR - 5_000, tariff: { ...DEARER, version: 1 } };
    const tariffs = [others, earlier, { fromMs: NEW_YEAR, tariff: DEARER }];
    expect((await found(NEW_YEAR - 1, { tariffs })).tariff).toEqual(GAS);
    const account = await found(NEW_YEAR, { tariffs });
    expect(account.tariff.version).toBe(2);
    expect(await offline(account, NEW_YEAR)).toMatchObject({ quantity: 2_000, tariffVersion: 2 });
    // The day was put off: the later word counts.
    const cached = { ...TOLD, announced: [{ fromMs: NEW_YEAR - 1, tariff: DEARER }] };
    expect((await found(NEW_YEAR - 1, { cached, tariffs })).tariff.version).toBe(1);
    expect((await found(NEW_YEAR - 1, { cached, tariffs: [others] })).tariff.version).toBe(2);
  });
  it('knows own deliveries by the year and the period that they were sold in', async () => {
    const own = [
      { count: 42, quantity: 100, soldMs: NEW_YEAR - 1 },
      { count: 43, quantity: 20, soldMs: NEW_YEAR },
    ];
    const after = { count: 43, cumulative: 205_120, yearQuantity: 20, periodLeftQuantity: 3_980 };
    expect(await found(NEW_YEAR, { own })).toMatchObject(after);
    const answer = { ...TOLD, yearQuantity: 0, periodLeftQuantity: 4_000, asOfMs: NEW_YEAR };
    expect(await found(NEW_YEAR, { own, answer })).toMatchObject(after);
    expect(await found(NEW_YEAR - 1, { own: own.slice(0, 1) })).toMatchObject({
      yearQuantity: 36_099,
    });
  });
});

describe('a visit over midnight', () => {
  it('is sold as of what it was shown, and as of now where that is long ago', async () => {
    const account = await found(NEW_YEAR - 5_000);
    expect((await offline(account, NEW_YEAR + 5_000)).quantity).toBe(LATE);
    expect((await offline(account, NEW_YEAR + VISIT_MS)).quantity).toBe(FRESH);
  });
  it('names its moment to central', async () => {
    const asked: QuoteRequest[] = [];
    const billing: Partial<BillingClient> = {
      quote: (request) => {
        asked.push(request);
        return Promise.resolve(err(failure('SALE-0105')));
      },
    };
    const ask = (account: Account) =>
      quoteFor(
        billing as BillingClient,
        READING,
        account,
        false,
        10_000,
        null,
        account.asOfMs,
        NEW_YEAR,
      );
    await ask(TOLD);
    const { asOfMs: _none, ...older } = TOLD;
    await ask(older);
    expect(asked.map((r) => r.asOfMs)).toEqual([TOLD.asOfMs, undefined]);
    expect(asked.map((r) => 'asOfMs' in r)).toEqual([true, false]);
  });
  it('a quote is by the tariff that holds at the moment it names', () => {
    const account = { ...TOLD, announced: [{ fromMs: NEW_YEAR, tariff: DEARER }] };
    const asked = { orderId: null, cardNo: TOLD.cardNo, nextCount: 42, amountFen: 10_000 };
    const quote = (asOfMs: number): Quote => ({
      ...asked,
      quantity: 2_000,
      shares: [{ tier: 1, priceE4: 50_000, quantity: 2_000, costMicro: 100_000_000 }],
      carriedUsedMicro: 0,
      carriedAfterMicro: 0,
      tariffId: 'gas',
      tariffVersion: 2,
      asOfMs,
      expiresAtMs: 0,
    });
    expect(quoteFault(quote(NEW_YEAR), asked, account)).toBeNull();
    expect(quoteFault(quote(NEW_YEAR - 1), asked, account)).toContain('another tariff');
    expect(quoteFault(quote(NEW_YEAR), asked, TOLD)).toContain('another tariff');
  });
});

it('a later year’s rule begins its own count', () => {
  const announced = [{ fromMs: NEW_YEAR, tariff: { ...DEARER, yearBegins: '07-01' } }];
  const at = accountAt({ ...TOLD, announced }, NEW_YEAR - 1, NEW_YEAR);
  expect(at.yearQuantity).toBe(0);
});

describe('a whole kiosk', () => {
  let w: World;
  afterEach(async () => {
    expect(await w.close()).toEqual([]);
  });
  it('whose line is down over the turn sells by the new year, and says so in its fact', async () => {
    w = new World();
    w.policy = { ...POLICY, offline: { ...POLICY.offline, accountMaxAgeMs: DAY_MS } };
    await w.start();
    const account = w.central.accounts.get(TOLD.cardNo);
    if (account === undefined) throw new Error('no account');
    const start = w.clock.nowMs();
    w.central.accounts.set(TOLD.cardNo, {
      ...account,
      yearQuantity: 35_999,
      periodLeftQuantity: 0,
      limit: { quantity: 4_000, every: chinaDate(start + DAY_MS).slice(5) },
      tariff: { ...account.tariff, yearBegins: chinaDate(start + DAY_MS).slice(5) },
      asOfMs: start,
    });
    await w.insert('golden');
    await w.untilScreen('cannot-sell');
    expect(w.shown('cannot-sell').reason).toBe('SALE-0105');
    await w.remove();
    w.central.away = true;
    // It is evening.
    await w.run(5 * 3_600_000);
    await w.toPay('golden', 10_000);
    const sale = cardSaleOf(w.order());
    expect(sale).toMatchObject({ offline: true, quantity: FRESH });
    expect(sale.asOfMs).toBeGreaterThan(start);
    w.pay.pay();
    await w.untilScreen('done');
    await w.remove();
  });
});

it('a demo’s clock is set by a file while it runs, a production kiosk’s never', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pilotlight-clock-'));
  const file = join(folder, 'clock-shift-ms');
  let monoMs = 0;
  const machine = { ...systemClock, nowMs: () => 1_000_000 + monoMs, monoMs: () => monoMs };
  const by = (mode: 'demo' | 'production') =>
    clockOf({ PILOTLIGHT_CLOCK_FILE: file }, mode, machine);
  try {
    // There is none yet: nobody has set it.
    const demo = by('demo');
    if (!demo.ok) throw new Error(demo.error.code);
    const after = (ms: number): number => {
      monoMs += ms;
      return demo.value.nowMs() - monoMs - 1_000_000;
    };
    expect(after(0)).toBe(0);
    writeFileSync(file, String(DAY_MS));
    expect(after(1_000)).toBe(DAY_MS);
    // Half written by hand: it goes on as it went.
    writeFileSync(file, '');
    expect(after(1_000)).toBe(DAY_MS);
    writeFileSync(file, String(2 * DAY_MS));
    expect(after(1_000)).toBe(2 * DAY_MS);
    expect(by('production')).toMatchObject({ ok: false, error: { code: 'CONF-0101' } });
    // A command beside the hall goes by its clock, beside a kiosk that sells never.
    const beside = (mode: string): number =>
      clockBeside({ config: { mode }, baseDir: folder }, machine).nowMs() - machine.nowMs();
    expect(beside('demo')).toBe(2 * DAY_MS);
    expect(beside('production')).toBe(0);
    writeFileSync(file, 'x');
    expect(beside('demo')).toBe(0);
    expect(by('demo')).toMatchObject({ ok: false, error: { code: 'CONF-0101' } });
    expect(clockOf({}, 'production')).toEqual(ok(systemClock));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
