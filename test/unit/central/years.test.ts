import { afterEach, describe, expect, it } from 'vitest';
import { MIGRATIONS } from '../../../src/central/db/migrations/index.ts';
import { migrate } from '../../../src/central/db/migrate.ts';
import { checkSeed } from '../../../src/central/fleet/seed.ts';
import type { SeedAccount, SeedTariff } from '../../../src/central/fleet/seed.ts';
import { QUOTE_CLAIM_MS } from '../../../src/central/sale/quotes.ts';
import { openFindings, settleFinding } from '../../../src/central/books/findings.ts';
import { anybody } from '../../../src/central/console/html.ts';
import { consoleData } from '../../../src/central/console/data.ts';
import { findingPage } from '../../../src/central/console/finding-pages.ts';
import { consolePage } from '../../../src/central/console/pages.ts';
import { DEMO_ACCOUNTS, DEMO_DATA, DEMO_TARIFFS } from '../../../src/demo/central-data.ts';
import type { Account, Quote } from '../../../src/shared/central-api/index.ts';
import { accountDigest, grantToken } from '../../../src/shared/grants.ts';
import { priceAmount } from '../../../src/shared/money.ts';
import { periodStart } from '../../../src/shared/periods.ts';
import { orderRefDigits } from '../../../src/shared/order-id.ts';
import { openDb, openRoom, QUICK_KEYS } from './harness.ts';
import type { Room, Terminal } from './harness.ts';

const china = (text: string): number => Date.parse(`${text}+08:00`);
const NEW_YEAR = china('2027-01-01T00:00:00');
const MINUTE = 60_000;
const DAY = 86_400_000;
const [GAS, ...OTHERS] = DEMO_TARIFFS as [SeedTariff, ...SeedTariff[]];
const [FIRST, SECOND] = DEMO_ACCOUNTS as [SeedAccount, SeedAccount];
const CARD = FIRST.cardNo;
/** 359.99 m³ in 2026: 0.01 m³ short of the second tier. */
const NEARLY: SeedAccount = { ...FIRST, yearQuantity: 35_999, countedMs: NEW_YEAR - 1 };
/** What ¥100 buys in the first tier, and with 359.99 m³ bought before. */
const FRESH = 3_773;
const LATE = 3_144;

let room: Room;
afterEach(() => room.close());
const t = (): Terminal => room.terminals[0] as Terminal;
const open = async (
  account: SeedAccount,
  tariffs: readonly SeedTariff[] = DEMO_TARIFFS,
  terminals = 1,
) => {
  room = await openRoom('sqlite', terminals, { accounts: [account, SECOND], tariffs });
};
async function told(): Promise<Account> {
  const answer = await t().client.account(CARD);
  if (!answer.ok) throw new Error(answer.error.code);
  return answer.value.account;
}
const ask = (orderId: string | null, asOfMs?: number, nextCount = 42) =>
  t().client.quote({
    orderId,
    cardNo: CARD,
    nextCount,
    amountFen: 10_000,
    ...(asOfMs === undefined ? {} : { asOfMs }),
  });
async function quoted(orderId: string | null, asOfMs?: number, nextCount = 42): Promise<Quote> {
  const answer = await ask(orderId, asOfMs, nextCount);
  if (!answer.ok) throw new Error(answer.error.detail ?? answer.error.code);
  return answer.value;
}
const order = (n: number): string => `PL-${t().id}-1-000${n}-7000`;
const reasons = async () =>
  (await room.db.query<{ reason: string }>('SELECT reason FROM quarantine')).map((r) => r.reason);
const used = async (startMs: number, counter = 'year') =>
  (
    await room.db.query<{ quantity: number }>(
      `SELECT quantity FROM account_use WHERE user_no = '${FIRST.userNo}' AND counter = '${counter}' AND start_ms = ${startMs}`,
    )
  )[0]?.quantity;

/** A sale by an offline kiosk as of a moment, with `use` bought in that year before. */
function soldOffline(
  orderId: string,
  use: number,
  asOfMs: number,
  more: { tariff?: SeedTariff; granted?: number; grantedMs?: number; grant?: string } = {},
): Quote {
  const { tariff = GAS } = more;
  const priced = priceAmount(10_000, 0, use, tariff.tiers);
  const q: Quote = {
    orderId,
    cardNo: CARD,
    nextCount: 42,
    amountFen: 10_000,
    quantity: priced.quantity,
    shares: [...priced.shares],
    carriedUsedMicro: 0,
    carriedAfterMicro: priced.remainderMicro,
    tariffId: tariff.tariffId,
    tariffVersion: tariff.version,
    asOfMs,
    expiresAtMs: 0,
  };
  const { tariffId, version } = tariff;
  const terms = { cardNo: CARD, userNo: FIRST.userNo, tariffId };
  const given = grantToken(QUICK_KEYS.answers, {
    kind: 'account',
    terminalId: t().id,
    orderId: '',
    digest: accountDigest({ ...terms, tariffVersion: more.granted ?? version }),
    grantedMs: more.grantedMs ?? NEW_YEAR - 3_600_000,
  });
  const { grant = given } = more;
  t().journal.quoted(orderId, q, FIRST.userNo, { offline: true, asOfMs, grant });
  return q;
}
/** The wall clock that the journal's facts carry from here on. */
function wall(ms: number): void {
  const { journal } = t();
  const raw = journal.raw.bind(journal);
  const real = 1_780_000_000_000;
  journal.raw = (kind, orderId, body) => raw(kind, orderId, body, ms - real);
}

describe('the tariff year', () => {
  it('turns with the second of midnight in China', async () => {
    await open(NEARLY);
    room.now = NEW_YEAR - 1;
    expect((await told()).yearQuantity).toBe(35_999);
    expect((await quoted(null)).quantity).toBe(LATE);
    room.now = NEW_YEAR;
    expect(await told()).toMatchObject({ yearQuantity: 0, asOfMs: NEW_YEAR });
    expect((await quoted(null)).quantity).toBe(FRESH);
    expect((await quoted(order(1))).quantity).toBe(FRESH);
  });
  it('begins with the tariff’s own day', async () => {
    const gasYear = { ...GAS, yearBegins: '07-01' };
    const turn = china('2027-07-01T00:00:00');
    await open({ ...NEARLY, countedMs: NEW_YEAR }, [gasYear, ...OTHERS]);
    room.now = turn - 1;
    expect(await told()).toMatchObject({
      yearQuantity: 35_999,
      tariff: { yearBegins: '07-01' },
    });
    room.now = turn;
    expect((await quoted(null)).quantity).toBe(FRESH);
  });
  it('is the visit’s: what the screen showed before midnight is sold after it, for some minutes', async () => {
    await open(NEARLY);
    room.now = NEW_YEAR - 10_000;
    const { asOfMs } = await told();
    const shown = await quoted(null, asOfMs);
    room.now = NEW_YEAR + 5_000;
    expect(await quoted(order(1), asOfMs)).toMatchObject({ quantity: LATE, asOfMs });
    expect(shown.quantity).toBe(LATE);
    await t().client.release(order(1));
    room.now = NEW_YEAR + 11 * MINUTE;
    expect(await quoted(order(2), asOfMs)).toMatchObject({ quantity: FRESH, asOfMs: room.now });
  });
  it('keeps a firm quote while it is held, and does not take it up again once it ran out', async () => {
    await open(NEARLY);
    room.now = NEW_YEAR - MINUTE;
    const q = await quoted(order(1));
    expect(q.quantity).toBe(LATE);
    room.now += QUOTE_CLAIM_MS - 1;
    expect((await quoted(order(1))).quantity).toBe(LATE);
    room.now += 1;
    expect(await ask(order(1))).toMatchObject({ ok: false });
  });
  it('a quote that ran out within the year is taken up again', async () => {
    await open(NEARLY);
    room.now = NEW_YEAR + MINUTE;
    await quoted(order(1));
    room.now += QUOTE_CLAIM_MS;
    expect((await quoted(order(1))).expiresAtMs).toBe(room.now + QUOTE_CLAIM_MS);
  });
  it('counts a delivery into the year it was sold in, however late it is told', async () => {
    await open(NEARLY);
    room.now = NEW_YEAR - MINUTE;
    const q = await quoted(order(1), (await told()).asOfMs);
    const { journal } = t();
    journal.quoted(order(1), q, FIRST.userNo, { asOfMs: q.asOfMs });
    journal.paid(order(1), 10_000);
    journal.delivered(order(1), q);
    room.now = NEW_YEAR + 40 * MINUTE;
    expect(await t().upload()).toEqual([]);
    expect(await used(periodStart('01-01', NEW_YEAR - 1))).toBe(35_999 + LATE);
    expect(await told()).toMatchObject({ yearQuantity: 0, count: 42 });
    // With what the first one left over.
    expect((await quoted(null, undefined, 43)).quantity).toBe(FRESH + 1);
  });
  it('of a kiosk that names no moment is central’s own', async () => {
    await open(NEARLY);
    room.now = NEW_YEAR - MINUTE;
    const q = await quoted(order(1));
    expect('asOfMs' in q).toBe(false);
    const { journal } = t();
    journal.quoted(order(1), q, FIRST.userNo);
    journal.paid(order(1), 10_000);
    journal.delivered(order(1), q);
    room.now = NEW_YEAR + MINUTE;
    expect(await t().upload()).toEqual([]);
    expect(await used(periodStart('01-01', NEW_YEAR - 1))).toBe(35_999 + LATE);
  });
});

describe('a sale while the line was down', () => {
  it('in the new year is judged by the new year’s use, and counts into it', async () => {
    await open(NEARLY);
    wall(NEW_YEAR + 1_000);
    const q = soldOffline(order(1), 0, NEW_YEAR + 1_000);
    expect(q.quantity).toBe(FRESH);
    t().journal.paid(order(1), 10_000);
    t().journal.delivered(order(1), q);
    room.now = NEW_YEAR + 3_600_000;
    expect(await t().upload()).toEqual([]);
    expect(await used(NEW_YEAR)).toBe(FRESH);
  });
  it('in the old one by the old one’s, told in January', async () => {
    await open(NEARLY);
    wall(NEW_YEAR - 30 * MINUTE);
    soldOffline(order(1), 0, NEW_YEAR - 30 * MINUTE);
    room.now = NEW_YEAR + 3_600_000;
    await t().upload();
    expect(await reasons()).toEqual([expect.stringContaining('by the year’s tiers')]);
  });
  it('by clocks that differ by seconds may name either year', async () => {
    await open(NEARLY);
    // The kiosk's clock is behind; central had told of the account in the new year.
    wall(NEW_YEAR - 3_000);
    soldOffline(order(1), 0, NEW_YEAR + 1_000, { grantedMs: NEW_YEAR + 1_000 });
    // And ahead: it is told before central's own midnight.
    room.now = NEW_YEAR - 2_000;
    expect(await t().upload()).toEqual([]);
  });
  it('does not name a year to come, nor another than it was sold in', async () => {
    await open(NEARLY);
    wall(NEW_YEAR - 3_600_000);
    soldOffline(order(1), 0, NEW_YEAR, { grantedMs: NEW_YEAR - 7_200_000 });
    room.now = NEW_YEAR - 1_800_000;
    await t().upload();
    soldOffline(order(2), 0, NEW_YEAR, { grantedMs: NEW_YEAR - 7_200_000 });
    soldOffline(order(3), 0, china('2025-12-31T12:00'), { grantedMs: NEW_YEAR - 7_200_000 });
    room.now = NEW_YEAR + MINUTE;
    await t().upload();
    expect(await reasons()).toEqual([
      'priced as of a year to come',
      'priced as of another year than it was sold in',
      'priced as of a year before its account was told',
    ]);
  });
});

describe('a period’s limit', () => {
  const limited: SeedAccount = {
    ...NEARLY,
    yearQuantity: 0,
    limit: { quantity: 4_000, every: 'month' },
    periodLeftQuantity: 0,
  };
  it('that is used up opens again with its next period', async () => {
    await open(limited);
    room.now = NEW_YEAR - 1;
    expect(await told()).toMatchObject({ periodLeftQuantity: 0, limit: limited.limit });
    expect(await ask(null)).toMatchObject({ ok: false, error: { code: 'SALE-0105' } });
    room.now = NEW_YEAR;
    expect((await told()).periodLeftQuantity).toBe(4_000);
    const q = await quoted(order(1), NEW_YEAR);
    const { journal } = t();
    journal.quoted(order(1), q, FIRST.userNo, { asOfMs: NEW_YEAR });
    journal.paid(order(1), 10_000);
    journal.delivered(order(1), q);
    expect(await t().upload()).toEqual([]);
    expect((await told()).periodLeftQuantity).toBe(4_000 - FRESH);
    room.now = china('2027-02-01T00:00:00');
    expect((await told()).periodLeftQuantity).toBe(4_000);
  });
  it('without a period of its own is each month’s', async () => {
    const { limit: _none, ...bare } = limited;
    await open({ ...bare, periodLeftQuantity: 5_000 });
    room.now = NEW_YEAR;
    expect(await told()).toMatchObject({
      periodLeftQuantity: 5_000,
      limit: { quantity: 5_000, every: 'month' },
    });
  });
});

describe('a tariff that was announced', () => {
  const dearer: SeedTariff = {
    ...GAS,
    version: 2,
    tiers: GAS.tiers.map((tier) => ({ ...tier, priceE4: tier.priceE4 * 2 })),
    fromMs: NEW_YEAR,
  };
  const tariffs = [GAS, dearer, ...OTHERS];
  const fresh: SeedAccount = { ...NEARLY, yearQuantity: 0 };
  it('holds from its day, is told before, and not for a visit that began before', async () => {
    await open(fresh, tariffs);
    room.now = NEW_YEAR - 1;
    const before = await told();
    expect(before).toMatchObject({
      tariff: { version: 1 },
      announced: [{ fromMs: NEW_YEAR, tariff: { version: 2 } }],
    });
    expect(await quoted(null)).toMatchObject({ quantity: FRESH, tariffVersion: 1 });
    room.now = NEW_YEAR;
    expect(await quoted(null)).toMatchObject({ quantity: 1_886, tariffVersion: 2 });
    expect(await quoted(null, before.asOfMs)).toMatchObject({ tariffVersion: 1 });
    const after = await told();
    expect(after.tariff.version).toBe(2);
    expect('announced' in after).toBe(false);
  });
  it('travels with the policy too, for cards that are at home, until no cached account is older', async () => {
    await open(fresh, tariffs);
    const announced = async (): Promise<readonly number[]> => {
      const answer = await t().client.policy();
      if (!answer.ok) throw new Error(answer.error.detail ?? answer.error.code);
      return (answer.value.policy.tariffs ?? []).map((a) => a.tariff.version);
    };
    room.now = NEW_YEAR - 30 * DAY;
    expect(await announced()).toEqual([2]);
    room.now = NEW_YEAR + 31 * DAY - 1;
    expect(await announced()).toEqual([2]);
    room.now = NEW_YEAR + 31 * DAY;
    expect(await announced()).toEqual([]);
    // What is announced within the hour is told within the hour.
    await room.db.query('UPDATE tariffs SET from_ms = $1 WHERE version = 2', [room.now + 1]);
    expect(await announced()).toEqual([2]);
  });
  describe('and a kiosk that was cut off before', () => {
    const sell = (grantedBy: Account, tariff: SeedTariff, asOfMs: number): Quote => {
      const q = soldOffline(order(1), 0, asOfMs, { tariff, grant: grantedBy.grant ?? '' });
      t().journal.paid(order(1), 10_000);
      t().journal.delivered(order(1), q);
      return q;
    };
    const announce = (tariff: SeedTariff) =>
      room.db.query(
        `INSERT INTO tariffs (tariff_id, version, tiers, from_ms, year_begins)
         VALUES ($1, $2, $3, $4, '01-01')`,
        [tariff.tariffId, tariff.version, JSON.stringify(tariff.tiers), tariff.fromMs ?? null],
      );
    it('sells by the price that it was told: the books take that, and say so', async () => {
      await open(fresh);
      room.now = NEW_YEAR - 3_600_000;
      const before = await told();
      await announce(dearer);
      wall(NEW_YEAR + MINUTE);
      sell(before, GAS, NEW_YEAR + MINUTE);
      room.now = NEW_YEAR + 2 * MINUTE;
      expect(await t().upload()).toEqual([]);
      expect(await used(NEW_YEAR)).toBe(FRESH);
      expect(await found()).toEqual([`${order(1)} tariff-announced-since`]);
    });
    it('before that price begins there is nothing to say', async () => {
      await open(fresh);
      room.now = NEW_YEAR - 3_600_000;
      const before = await told();
      await announce(dearer);
      wall(NEW_YEAR - MINUTE);
      sell(before, GAS, NEW_YEAR - MINUTE);
      room.now = NEW_YEAR + MINUTE;
      expect(await t().upload()).toEqual([]);
      expect(await found()).toEqual([]);
    });
    it('but was told of it: sold by the old price it is set aside', async () => {
      await open(fresh, tariffs);
      room.now = NEW_YEAR - 3_600_000;
      const before = await told();
      wall(NEW_YEAR + MINUTE);
      sell(before, GAS, NEW_YEAR + MINUTE);
      room.now = NEW_YEAR + 2 * MINUTE;
      await t().upload();
      expect((await reasons())[0]).toBe('sold by version 1; version 2 had been announced');
      expect(await found()).toEqual([]);
    });
    it('and the day was put off since: it sold by what it was told', async () => {
      await open(fresh, tariffs);
      room.now = NEW_YEAR - 3_600_000;
      const before = await told();
      await room.db.query('UPDATE tariffs SET from_ms = $1 WHERE version = 2', [NEW_YEAR + DAY]);
      wall(NEW_YEAR + MINUTE);
      sell(before, dearer, NEW_YEAR + MINUTE);
      room.now = NEW_YEAR + 2 * MINUTE;
      expect(await t().upload()).toEqual([]);
      expect(await found()).toEqual([`${order(1)} tariff-announced-since`]);
    });
  });
  it('sells offline from its day by the earlier one’s answer, and not before', async () => {
    await open(fresh, tariffs);
    wall(NEW_YEAR + MINUTE);
    soldOffline(order(1), 0, NEW_YEAR + MINUTE, { tariff: dearer, granted: 1 });
    room.now = NEW_YEAR + 2 * MINUTE;
    expect(await t().upload()).toEqual([]);
    soldOffline(order(2), 0, NEW_YEAR - 1, { tariff: dearer, granted: 1 });
    await t().upload();
    expect(await reasons()).toEqual(['central told of no such account and tariff']);
  });
});

/** What the books found, and what a person is to look at. */
const found = async (): Promise<string[]> =>
  (
    await room.db.query<{ order_id: string; reason: string; accuses: boolean }>(
      'SELECT order_id, reason, accuses FROM sale_findings ORDER BY order_id, reason',
    )
  ).map((f) => `${f.order_id} ${f.reason}${f.accuses ? ' accused' : ''}`);

describe('the books judge an offline sale’s quantity by what its kiosk could know', () => {
  const SOLD_MS = NEW_YEAR + 5 * MINUTE;
  /** So much is left of January's limit at `asOfMs`, as central told this kiosk then. */
  async function left(
    quantity: number,
    more: Partial<SeedAccount> = {},
    tariffs: readonly SeedTariff[] = DEMO_TARIFFS,
    terminals = 1,
  ): Promise<Account> {
    await open(
      {
        ...NEARLY,
        yearQuantity: 0,
        countedMs: NEW_YEAR,
        limit: { quantity: 4_000, every: 'month' },
        periodLeftQuantity: quantity,
        ...more,
      },
      tariffs,
      terminals,
    );
    room.now = NEW_YEAR;
    return told();
  }
  /** Sold offline by that answer for ¥100 as of a moment, paid and written. */
  function sold(
    account: Account,
    n: number,
    asOfMs: number,
    more: { use?: number; nextCount?: number; terminal?: Terminal; tariff?: SeedTariff } = {},
  ): Quote {
    const { use = 0, nextCount = 42, terminal = t(), tariff = GAS } = more;
    const priced = priceAmount(10_000, 0, use, tariff.tiers);
    const orderId = `PL-${terminal.id}-1-000${n}-7000`;
    const q: Quote = {
      orderId,
      cardNo: CARD,
      nextCount,
      amountFen: 10_000,
      quantity: priced.quantity,
      shares: [...priced.shares],
      carriedUsedMicro: 0,
      carriedAfterMicro: priced.remainderMicro,
      tariffId: tariff.tariffId,
      tariffVersion: tariff.version,
      asOfMs,
      expiresAtMs: 0,
    };
    const { journal } = terminal;
    const { grant } = account;
    if (grant === undefined) throw new Error('no grant');
    journal.quoted(orderId, q, FIRST.userNo, { offline: true, asOfMs, grant });
    journal.paid(orderId, 10_000);
    journal.delivered(orderId, q);
    return q;
  }

  it('within it nothing is found', async () => {
    const account = await left(FRESH);
    wall(SOLD_MS);
    sold(account, 1, SOLD_MS);
    room.now = SOLD_MS + 3 * DAY;
    expect(await t().upload()).toEqual([]);
    expect(await used(NEW_YEAR, 'limit')).toBe(4_000);
    expect(await found()).toEqual([]);
  });

  it('beyond it: counted in full, and a person is to look at the terminal', async () => {
    const account = await left(FRESH - 1);
    wall(SOLD_MS);
    sold(account, 1, SOLD_MS);
    room.now = SOLD_MS + MINUTE;
    expect(await t().upload()).toEqual([]);
    // The gas is on the card: the books carry it.
    expect(await told()).toMatchObject({ count: 42, periodLeftQuantity: 0 });
    expect(await used(NEW_YEAR, 'limit')).toBe(4_001);
    expect(await found()).toEqual([`${order(1)} over-known-limit accused`]);
    expect(await reasons()).toEqual([]);
  });

  it('beyond what is let at once: likewise', async () => {
    const account = await left(4_000, { perPurchaseQuantity: FRESH - 1 });
    wall(SOLD_MS);
    sold(account, 1, SOLD_MS);
    room.now = SOLD_MS + MINUTE;
    expect(await t().upload()).toEqual([]);
    expect(await found()).toEqual([`${order(1)} over-known-limit accused`]);
  });

  it('that is not delivered is not found', async () => {
    const account = await left(0);
    wall(SOLD_MS);
    const priced = priceAmount(10_000, 0, 0, GAS.tiers);
    t().journal.quoted(
      order(1),
      {
        orderId: order(1),
        cardNo: CARD,
        nextCount: 42,
        amountFen: 10_000,
        quantity: priced.quantity,
        shares: [...priced.shares],
        carriedUsedMicro: 0,
        carriedAfterMicro: priced.remainderMicro,
        tariffId: GAS.tariffId,
        tariffVersion: GAS.version,
        asOfMs: SOLD_MS,
        expiresAtMs: 0,
      },
      FIRST.userNo,
      { offline: true, asOfMs: SOLD_MS, grant: account.grant ?? '' },
    );
    t().journal.add('order-closed', order(1), { why: 'expired' });
    room.now = SOLD_MS + MINUTE;
    expect(await t().upload()).toEqual([]);
    expect(await found()).toEqual([]);
  });

  it('a period that began since begins with all of it; the one it was told in does not', async () => {
    const account = await left(0);
    const february = china('2027-02-01T00:00:00');
    wall(february + MINUTE);
    sold(account, 1, february + MINUTE);
    room.now = february + 2 * MINUTE;
    expect(await t().upload()).toEqual([]);
    expect(await used(february, 'limit')).toBe(FRESH);
    expect(await found()).toEqual([]);
  });

  it('its own deliveries since that answer are known to it, told before or in the same upload', async () => {
    for (const together of [false, true]) {
      const account = await left(FRESH + FRESH - 1, { limit: { quantity: 9_000, every: 'month' } });
      wall(SOLD_MS);
      sold(account, 1, SOLD_MS);
      if (!together) {
        room.now = SOLD_MS + MINUTE;
        expect(await t().upload()).toEqual([]);
      }
      sold(account, 2, SOLD_MS + MINUTE, { use: FRESH, nextCount: 43 });
      room.now = SOLD_MS + 2 * MINUTE;
      expect(await t().upload()).toEqual([]);
      expect(await found()).toEqual([`${order(2)} over-known-limit accused`]);
      if (!together) await room.close();
    }
  });

  it('passed only because another kiosk sold meanwhile: recorded, and nobody is accused', async () => {
    await left(4_000, {}, DEMO_TARIFFS, 2);
    const other = room.terminals[1] as Terminal;
    const answer = await other.client.account(CARD);
    if (!answer.ok) throw new Error(answer.error.code);
    const theirs = answer.value.account;
    // This one sells online first; the other one, cut off, knows nothing of it.
    const q = await quoted(order(1), NEW_YEAR);
    t().journal.quoted(order(1), q, FIRST.userNo, { asOfMs: NEW_YEAR });
    t().journal.paid(order(1), 10_000);
    t().journal.delivered(order(1), q);
    expect(await t().upload()).toEqual([]);
    sold(theirs, 2, SOLD_MS, { use: FRESH, nextCount: 43, terminal: other });
    room.now = SOLD_MS + MINUTE;
    expect(await other.upload()).toEqual([]);
    expect(await used(NEW_YEAR, 'limit')).toBe(2 * FRESH);
    expect(await found()).toEqual([`PL-${other.id}-1-0002-7000 over-limit-since`]);
  });

  it('the console shows what is found until a person has looked; only what accuses calls for one', async () => {
    const account = await left(0);
    wall(SOLD_MS);
    sold(account, 1, SOLD_MS);
    room.now = SOLD_MS + MINUTE;
    await t().upload();
    const data = await consoleData(room.db, room.now);
    expect(data.findings).toMatchObject([
      { orderId: order(1), reason: 'over-known-limit', accuses: true, terminalId: t().id },
    ]);
    expect(consolePage(data, room.now, anybody('x'))).toContain('1 笔超限成交待查');
    const [finding] = data.findings;
    if (finding === undefined) throw new Error('none');
    expect(findingPage(finding, anybody('x'))).toContain('终端当时知道最多可售 0');
    const mild = { ...data, findings: [{ ...finding, accuses: false }] };
    expect(consolePage(mild, room.now, anybody('x'))).not.toContain('笔超限成交待查');
    const said = { orderId: order(1), reason: 'over-known-limit', who: '李', why: '查过' };
    expect(await settleFinding(room.db, { ...said, reason: 'over-limit-since' }, 1)).toBe(false);
    expect(await settleFinding(room.db, said, 1)).toBe(true);
    expect(await settleFinding(room.db, said, 1)).toBe(false);
    expect(await openFindings(room.db)).toEqual([]);
  });
});

it('a seed whose year or limit is none is refused', async () => {
  await open(NEARLY);
  const all = { ...DEMO_DATA, terminals: [], claims: [] };
  const year = (yearBegins: string) => () =>
    checkSeed({ ...all, tariffs: [{ ...GAS, yearBegins }] });
  expect(year('02-29')).toThrow('no year begins with 02-29');
  expect(year('month')).toThrow(RangeError);
  const limit = (left: number | null, every: string) => () =>
    checkSeed({
      ...all,
      accounts: [{ ...FIRST, periodLeftQuantity: left, limit: { quantity: 5, every } }],
    });
  expect(limit(6, 'month')).toThrow(RangeError);
  expect(limit(null, 'month')).toThrow(RangeError);
  expect(limit(5, 'week')).toThrow(RangeError);
  expect(limit(5, '04-01')).not.toThrow();
});

it('books from before are carried over: this year’s purchases by the ledger, a limit as a month’s', async () => {
  room = await openRoom('sqlite', 1);
  const db = await openDb('postgres');
  const mine = MIGRATIONS.findIndex((m) => m.name === 'tariff days');
  await db.exec('CREATE TABLE schema_migrations (number integer PRIMARY KEY, name text NOT NULL);');
  for (const [i, { name, sql }] of MIGRATIONS.slice(0, mine).entries())
    await db.exec(`${sql}; INSERT INTO schema_migrations VALUES (${i + 1}, '${name}');`);
  const [{ now } = { now: 0 }] = await db.query<{ now: unknown }>(
    'SELECT (EXTRACT(EPOCH FROM now()) * 1000)::bigint AS now',
  );
  const nowMs = Number(now);
  const year = periodStart('01-01', nowMs);
  await db.exec(`INSERT INTO tariffs VALUES ('gas', 1, '[]');`);
  for (const [user, used, left] of [
    ['since', 9_000, 'NULL'],
    ['before', 9_000, '700'],
  ])
    await db.exec(
      `INSERT INTO accounts VALUES ('${user}', 'x', 'm', 'gas', 'volume', 'normal', 1, 1, ${used}, 0, 1, NULL, ${left}, 'gas', 1);`,
    );
  const line = (user: string, atMs: number, quantity: number) =>
    db.exec(
      `INSERT INTO ledger (terminal_id, epoch, seq, order_id, user_no, kind, quantity, at_ms) VALUES ('t', 1, ${quantity}, 'o${quantity}', '${user}', 'delivered', ${quantity}, ${atMs});`,
    );
  await line('since', nowMs, 100);
  await line('before', year - 1, 800);
  await line('before', nowMs, 300);
  await db.exec(
    `INSERT INTO orders (order_id, terminal_id, card_no, user_no, next_count, amount_fen, quantity, carried_used_micro, carried_after_micro, offline, tag, state, created_ms, changed_ms, ref) VALUES ('PL-000000000311-1-0001-7000', 't', 'c', 'since', 1, 1, 1, 0, 0, false, 'a', 'paid', ${year - 1}, 1, '${orderRefDigits('PL-000000000311-1-0001-7000')}');`,
  );
  await migrate(db);
  const rows = async (sql: string) =>
    (await db.query<Record<string, unknown>>(sql)).map((r) => Object.values(r).map(String));
  expect(
    await rows('SELECT user_no, counter, start_ms, quantity FROM account_use ORDER BY 1, 2'),
  ).toEqual([
    ['before', 'limit', String(periodStart('month', nowMs)), '300'],
    ['before', 'year', String(year), '300'],
    ['since', 'year', String(year), '9000'],
  ]);
  expect(
    await rows('SELECT user_no, limit_quantity, limit_every FROM accounts ORDER BY 1'),
  ).toEqual([
    ['before', '1000', 'month'],
    ['since', 'null', 'month'],
  ]);
  expect(await rows('SELECT as_of_ms, year_start_ms FROM orders')).toEqual([
    [String(year - 1), String(periodStart('01-01', year - 1))],
  ]);
  await db.close();
});
