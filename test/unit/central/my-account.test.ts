import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { CentralOptions } from '../../../src/central/central.ts';
import { knowsDigits } from '../../../src/central/use/phones.ts';
import type { SeedHousehold } from '../../../src/central/use/households.ts';
import { DEMO_POLICY } from '../../../src/demo/central-data.ts';
import type { MyAccount, MyAccountRequest, Quote } from '../../../src/shared/central-api/index.ts';
import { lastMonths, monthAfter } from '../../../src/shared/my-account.ts';
import { chinaDate, chinaDayMs, DAY_MS } from '../../../src/shared/time.ts';
import { ENGINES, openRoom, quickSigner } from './harness.ts';
import type { Engine, Room, Terminal } from './harness.ts';

/** What customers are told of their own accounts at central, and what nobody else is. */
const PEM = generateKeyPairSync('x25519').privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;
const CARD = '8800003921';
const CARD_USER = '1002203344';
const IOT = '2002203301';
const BILLS = '2002203308';
const NOW = 1_780_000_000_000; // 2026-05-29 in China
const THIS = chinaDate(NOW).slice(0, 7);

/** Two years up to now: 20.00 a month, and 45.00 in the month that goes on. */
const twoYears = Array.from({ length: 24 }, (_, i) => ({
  month: monthAfter(THIS, i - 23),
  quantity: i === 23 ? 4_500 : 2_000,
}));
const HOUSEHOLDS: readonly SeedHousehold[] = [
  {
    userNo: IOT,
    phoneLast4: '6212',
    uses: [
      {
        kind: 'gas',
        unit: 'm3',
        tariff: { id: 'gas-residential', version: 1 },
        months: twoYears,
        faults: [{ fault: 'battery', sinceMs: NOW - DAY_MS }],
      },
    ],
  },
  { userNo: CARD_USER, phoneLast4: '3344', uses: [] },
];

let room: Room;
const open = async (engine: Engine, over: Partial<CentralOptions> = {}): Promise<void> => {
  room = await openRoom(engine, 2, {
    requestKeys: [PEM],
    households: HOUSEHOLDS,
    creditAccounts: [
      {
        userNo: IOT,
        holderName: '王国强',
        address: '清河路 12 号',
        topUp: { meterNo: '0270004401', payee: 'house' },
        balanceFen: 1_860,
      },
      {
        userNo: BILLS,
        holderName: '孙小红',
        address: '幸福小区 8 栋',
        items: [
          {
            item: 'G1',
            kind: 'gas',
            payee: 'house',
            period: monthAfter(THIS, -1),
            principalFen: 5_300,
            quantity: 2_000,
          },
          {
            item: 'W1',
            kind: 'water',
            payee: 'water',
            period: monthAfter(THIS, -1),
            principalFen: 2_850,
            quantity: 1_000,
          },
        ],
      },
    ],
    policy: {
      ...DEMO_POLICY,
      myAccount: { abnormalPercent: 200, abnormalAbove: 500, byNumber: true, lookUps: 3 },
      receipts: { url: 'https://r.example.com' },
    },
    ...over,
  });
};
afterEach(() => room.close());
const t = (n: 0 | 1 = 0): Terminal => room.terminals[n] as Terminal;
const ask = async (asked: MyAccountRequest, by: 0 | 1 = 0): Promise<MyAccount | null> => {
  const told = await t(by).client.myAccount(asked);
  if (!told.ok) throw new Error(told.error.detail);
  return told.value;
};
const byNumber = (userNo: string, last4: string, by: 0 | 1 = 0) =>
  ask({ by: 'number', userNo, last4 }, by);
const seen = (visit: string, used: number, count = 41): void =>
  void t().journal.add('card-seen', null, {
    cardNo: CARD,
    layout: 'pl-cpu',
    count,
    cumulative: 205_000,
    tag: '00000000',
    taken: count,
    remaining: 1_842,
    used,
    visit,
  });

describe.each(ENGINES)('a customer’s own account at central, on %s', (engine) => {
  it('is told masked: two years of use, the year’s tiers, faults and balance', async () => {
    await open(engine);
    const account = await byNumber(IOT, '6212');
    expect(account).toMatchObject({
      holderName: '王*强',
      userNo: IOT,
      balance: { fen: 1_860, onTheWayFen: 0 },
      meter: null,
      purchases: [],
      asOfMs: NOW,
    });
    const [use] = account?.uses ?? [];
    expect(use).toMatchObject({ kind: 'gas', unit: 'm3', faults: [{ fault: 'battery' }] });
    expect(use?.months.map((m) => m.month)).toEqual(lastMonths(NOW, 12));
    expect(use?.months.at(-1)).toEqual({
      month: THIS,
      quantity: 4_500,
      yearBefore: 2_000,
      estimated: false,
    });
    // January to April and this month: what was used, for nothing is bought.
    expect(use?.year).toMatchObject({ since: '2026-01-01', counted: 'used', quantity: 12_500 });
    expect(JSON.stringify(account)).not.toContain('王国强');
    expect(JSON.stringify(account)).not.toContain('6212');
  });

  it('begins its tariff’s year anew on the first day, and keeps the months before', async () => {
    await open(engine, { policy: { ...DEMO_POLICY, myAccount: OPEN } });
    room.now = chinaDayMs('2027-01-01') - 60_000;
    const before = (await byNumber(IOT, '6212'))?.uses[0];
    expect(before?.year).toMatchObject({ since: '2026-01-01', quantity: 12_500 });
    room.now += 120_000;
    const after = (await byNumber(IOT, '6212'))?.uses[0];
    expect(after?.year).toMatchObject({ since: '2027-01-01', quantity: 0 });
    expect(after?.months.at(-1)).toMatchObject({ month: '2027-01', quantity: null });
    expect(after?.months.find((m) => m.month === THIS)?.quantity).toBe(4_500);
  });

  it('counts a card’s year by what was bought, and shows what the card brought back', async () => {
    await open(engine);
    seen('2602010800', 100_000);
    seen('2603010800', 102_800);
    seen('2605150800', 110_300);
    // A meter whose clock runs years ahead, and one that wrote nothing, are no reading.
    seen('2905150800', 999_999);
    seen('0000000000', 999_999);
    await t().upload();
    const account = await ask({ by: 'card', cardNo: CARD });
    const [use] = account?.uses ?? [];
    expect(account).toMatchObject({ holderName: '张*明', balance: null });
    expect(account?.meter).toMatchObject({ remaining: 1_842, unit: 'volume' });
    expect(use?.year).toMatchObject({ counted: 'bought', quantity: 21_450 });
    const told = use?.months.filter((m) => m.quantity !== null) ?? [];
    expect(told.map((m) => m.month)).toEqual(['2026-03', '2026-04', '2026-05']);
    expect(told.every((m) => m.estimated)).toBe(true);
    expect(told[0]?.quantity).toBeGreaterThan(3_000);
    // However often it is put in: a row a month.
    const rows = await room.db.query('SELECT 1 FROM card_readings');
    expect(rows).toHaveLength(3);
  });

  it('takes months from bills that say how much they bill, each utility by itself', async () => {
    await open(engine, { households: [{ userNo: BILLS, phoneLast4: '8888', uses: [] }] });
    const account = await byNumber(BILLS, '8888');
    expect(account?.uses.map((u) => [u.kind, u.unit, u.year])).toEqual([
      ['gas', 'm3', null],
      ['water', 'm3', null],
    ]);
    expect(account?.uses.map((u) => u.months.at(-2)?.quantity)).toEqual([2_000, 1_000]);
    expect(account?.balance).toBeNull();
  });

  it('is brought up to date by a later import: a month corrected, a fault that is over', async () => {
    await open(engine);
    const { seed } = await import('../../../src/central/fleet/seed.ts');
    const [home] = HOUSEHOLDS as [SeedHousehold, ...SeedHousehold[]];
    const [gas] = home.uses as [SeedHousehold['uses'][number]];
    const months = [{ month: THIS, quantity: 3_300 }];
    const again = { ...home, uses: [{ ...gas, months, faults: [] }] };
    await seed(
      room.db,
      { terminals: [], tariffs: [], accounts: [], claims: [], households: [again] },
      NOW,
    );
    const use = (await byNumber(IOT, '6212'))?.uses[0];
    expect(use?.faults).toEqual([]);
    expect(use?.months.slice(-2).map((m) => m.quantity)).toEqual([2_000, 3_300]);
  });

  it('the last five purchases: how each stands, with a receipt that opens its page', async () => {
    await open(engine);
    const buy = async (n: number, ends: 'delivered' | 'refunding' | 'paid'): Promise<string> => {
      const orderId = `PL-${t().id}-1-000${n}-7391`;
      const said = await t().client.quote({
        orderId,
        cardNo: CARD,
        nextCount: 41 + n,
        amountFen: 10_000,
      });
      if (!said.ok) throw new Error(said.error.code);
      const quote: Quote = said.value;
      t().journal.quoted(orderId, quote, CARD_USER);
      t().journal.paid(orderId, 10_000);
      if (ends === 'delivered') t().journal.delivered(orderId, quote);
      await t().upload();
      return orderId;
    };
    const first = await buy(1, 'delivered');
    await buy(2, 'paid');
    const account = await ask({ by: 'card', cardNo: CARD }, 1);
    expect(account?.purchases.map((p) => [p.orderId === first, p.stands, p.count])).toEqual([
      [false, 'going-on', 43],
      [true, 'written', 42],
    ]);
    const token = account?.purchases[1]?.receipt ?? '';
    const page = await room.central.handle({
      method: 'GET',
      target: `/r/${token}`,
      headers: {},
      body: new Uint8Array(0),
    });
    expect(page.status).toBe(200);
    expect(page.body).toContain('已写入卡');
    // Another key's word opens nothing.
    const { makeReceiptToken } = await import('../../../src/shared/receipt-link.ts');
    const forged = makeReceiptToken(quickSigner('nobody'), first);
    const shut = await room.central.handle({
      method: 'GET',
      target: `/r/${forged}`,
      headers: {},
      body: new Uint8Array(0),
    });
    expect(shut.status).toBe(404);
    // A neighbour's look shows none of it.
    expect((await byNumber(IOT, '6212'))?.purchases).toEqual([]);
  });

  it('a neighbour’s number tells nothing: an unknown one and wrong digits are answered alike', async () => {
    await open(engine);
    expect(await byNumber(IOT, '0000')).toBeNull();
    expect(await byNumber('2009999999', '6212')).toBeNull();
    // Without digits on record nothing opens it but its card.
    expect(await byNumber('1002203322', '6212')).toBeNull();
    expect(await ask({ by: 'card', cardNo: '9999999999' })).toBeNull();
    expect(await byNumber(IOT, '6212')).not.toBeNull();
  });

  it('asks the database the same of an unknown number as of wrong digits', async () => {
    await open(engine);
    const { openingKey } = await import('../../../src/shared/sealed-box.ts');
    const keys = [openingKey(PEM)];
    const asked = async (userNo: string): Promise<readonly string[]> => {
      const statements: string[] = [];
      const sql = {
        query: <R>(text: string, params?: readonly unknown[]): Promise<readonly R[]> => {
          statements.push(text);
          return room.db.query<R>(text, params);
        },
      };
      expect(await knowsDigits(sql, keys, { userNo, last4: '0000' }, NOW)).toBe(false);
      return statements;
    };
    expect(await asked('2009999999')).toEqual(await asked(IOT));
  });

  it('whoever tries the digits gets nowhere: ten a day, then none is right until tomorrow', async () => {
    await open(engine);
    for (let n = 0; n < 10; n++) expect(await byNumber(IOT, String(1_000 + n))).toBeNull();
    expect(await byNumber(IOT, '6212', 1)).toBeNull();
    room.now += DAY_MS;
    expect(await byNumber(IOT, '6212', 1)).not.toBeNull();
    // Asking rightly spends nothing.
    for (let n = 0; n < 12; n++) expect(await byNumber(IOT, '6212', 1)).not.toBeNull();
  });

  it('keeps no digits that the database alone gives away, and knows them again under an older key', async () => {
    await open(engine);
    const kept = await room.db.query<{ last4: string }>('SELECT last4 FROM account_phones');
    expect(kept).toHaveLength(2);
    for (const { last4 } of kept) expect(last4).toMatch(/^[0-9a-f]{64}$/);
    const { openingKey } = await import('../../../src/shared/sealed-box.ts');
    const newer = generateKeyPairSync('x25519').privateKey;
    const who = { userNo: IOT, last4: '6212' };
    expect(await knowsDigits(room.db, [newer, openingKey(PEM)], who, NOW)).toBe(true);
    expect(await knowsDigits(room.db, [newer], who, NOW)).toBe(false);
    expect(await knowsDigits(room.db, [], who, NOW)).toBe(false);
  });

  it('is not shown where the policy does not, nor by number where it has only cards', async () => {
    await open(engine, { policy: DEMO_NONE });
    expect(await t().client.myAccount({ by: 'card', cardNo: CARD })).toMatchObject({ ok: false });
    await room.close();
    await open(engine, { policy: { ...DEMO_NONE, myAccount: { ...OPEN, byNumber: false } } });
    expect(await ask({ by: 'card', cardNo: CARD })).not.toBeNull();
    expect(await t().client.myAccount({ by: 'number', userNo: IOT, last4: '6212' })).toMatchObject({
      ok: false,
    });
  });
});

const OPEN = { abnormalPercent: 200, abnormalAbove: 500, byNumber: true, lookUps: 3 };
const { myAccount: _shown, ...DEMO_NONE } = DEMO_POLICY;
