import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decideCardGrant, proposeCardGrant } from '../../../src/central/sale/card-grants.ts';
import type {
  CardGrantBar,
  CardGranted,
  CardGrantParts,
} from '../../../src/central/sale/card-grants.ts';
import { decideAct, proposeGrant } from '../../../src/central/sale/credit-acts.ts';
import { GRANT_BUDGET } from '../../../src/central/sale/credit-grants.ts';
import { setStatus } from '../../../src/central/fleet/status.ts';
import { quoteFault } from '../../../src/kiosk/visit/card-sale/quote-check.ts';
import { QUOTE_CLAIM_MS } from '../../../src/central/sale/quotes.ts';
import type { SeedAccount, SeedCreditAccount } from '../../../src/central/fleet/seed.ts';
import type { Account, Quote } from '../../../src/shared/central-api/index.ts';
import { costOf, priceAmount } from '../../../src/shared/money.ts';
import { DAY_MS } from '../../../src/shared/time.ts';
import { ENGINES, openRoom } from './harness.ts';
import type { Room, Terminal } from './harness.ts';

const CARD = '8800003921';
const USER = '1002203344';
const IOT = '3000000001';
const seed = (cardNo: string, userNo: string, over: Partial<SeedAccount> = {}): SeedAccount => ({
  cardNo,
  userNo,
  holderName: '张小明',
  meterNo: '0260001577',
  kind: 'gas',
  unit: 'volume',
  state: 'normal',
  count: 41,
  cumulative: 205_000,
  yearQuantity: 36_500,
  carriedMicro: 15_500,
  ceilingQuantity: 100_000,
  perPurchaseQuantity: null,
  periodLeftQuantity: null,
  tariffId: 'gas-residential',
  tariffVersion: 1,
  ...over,
});
const ACCOUNTS: readonly SeedAccount[] = [
  seed(CARD, USER),
  seed('8800003922', '1002203322', { state: 'hot-listed' }),
  seed('8800003923', '1002203323', { kind: 'fuel', unit: 'money', tariffId: 'purse' }),
  seed('8800003925', '1002203325', { perPurchaseQuantity: 2_000 }),
  seed('8800003926', '1002203326', {
    periodLeftQuantity: 1_000,
    limit: { quantity: 5_000, every: 'month' },
  }),
];
const CREDIT: readonly SeedCreditAccount[] = [
  {
    userNo: IOT,
    holderName: '王国强',
    address: '清河路 12 号',
    topUp: { meterNo: 'M1', payee: 'house' },
  },
];

describe('what it cost', () => {
  it('buys the very same units again, whatever tier the household has come to', () => {
    const tier = fc.record({
      width: fc.integer({ min: 1, max: 5_000 }),
      priceE4: fc.integer({ min: 1, max: 99_999 }),
    });
    fc.assert(
      fc.property(
        fc.array(tier, { maxLength: 3 }),
        fc.integer({ min: 1, max: 99_999 }),
        fc.integer({ min: 1, max: 9_000 }),
        fc.integer({ min: 0, max: 20_000 }),
        (widths, last, quantity, bought) => {
          let upto = 0;
          const tiers = [
            ...widths.map(({ width, priceE4 }) => ({ uptoQuantity: (upto += width), priceE4 })),
            { uptoQuantity: null, priceE4: last },
          ];
          const year = Math.max(0, bought - quantity);
          const micro = costOf(quantity, year, tiers);
          expect(priceAmount(0, micro, year, tiers)).toMatchObject({
            quantity,
            remainderMicro: 0,
          });
        },
      ),
    );
  });
});

describe.each(ENGINES)('a grant to a card household, on %s', (engine) => {
  let room: Room;
  let orders = 0;
  beforeEach(async () => {
    room = await openRoom(engine, 2, { accounts: ACCOUNTS, creditAccounts: CREDIT });
  });
  afterEach(() => room.close());
  const t = (): Terminal => room.terminals[0] as Terminal;
  const by = (over: Partial<CardGrantParts> = {}): CardGrantParts => ({
    nowMs: room.now,
    budget: GRANT_BUDGET,
    minFen: 1_000,
    ...over,
  });
  const ask = (
    number: string,
    quantity: number,
    reference: string,
    over = {},
  ): Promise<CardGranted> =>
    proposeCardGrant(
      room.db,
      { number, quantity, reference, who: '王芳', why: '旧表余 12.30' },
      by(over),
    );
  const decide = (
    id: number,
    who = '李强',
    verdict: 'confirmed' | 'refused' = 'confirmed',
    over = {},
  ): Promise<CardGranted> =>
    decideCardGrant(room.db, { id, verdict, who, why: '已核对' }, by(over));
  const granted = async (number: string, quantity: number, reference: string): Promise<number> => {
    const asked = await ask(number, quantity, reference);
    if (!asked.ok) throw new Error(asked.bar);
    expect(await decide(asked.id)).toEqual(asked);
    return asked.id;
  };
  const barred = async (made: Promise<CardGranted>): Promise<CardGrantBar | null> => {
    const said = await made;
    return said.ok ? null : said.bar;
  };
  const account = async (cardNo = CARD): Promise<Account> => {
    const said = await t().client.account(cardNo);
    if (!said.ok) throw new Error(said.error.code);
    return said.value.account;
  };
  const quoted = async (
    amountFen: number,
    nextCount: number,
  ): Promise<{ id: string; q: Quote }> => {
    const id = `PL-${t().id}-1-${String(++orders).padStart(4, '0')}-7000`;
    const said = await t().client.quote({ orderId: id, cardNo: CARD, nextCount, amountFen });
    if (!said.ok) throw new Error(said.error.code);
    return { id, q: said.value };
  };

  it('comes with the next purchase: the same units, one tier or two, and once', async () => {
    const before = await account();
    // 36 500 of the year is 500 into the second tier: 1 230 units are bought back across it.
    await granted(CARD, 1_230, 'HB-7');
    const micro = 730 * 26_500 + 500 * 31_800;
    expect(await account()).toMatchObject({
      carriedMicro: before.carriedMicro + micro,
      yearQuantity: before.yearQuantity - 1_230,
      granted: { quantity: 1_230, atMs: room.now, waits: true },
    });
    const plain = priceAmount(10_000, 15_500, 36_500, before.tariff.tiers);
    const { id, q } = await quoted(10_000, 42);
    expect(q.quantity).toBe(plain.quantity + 1_230);
    expect(q.carriedUsedMicro).toBe(before.carriedMicro + micro);
    const j = t().journal;
    j.quoted(id, q, USER);
    j.paid(id, 10_000);
    j.delivered(id, q);
    room.now += 60_000;
    expect(await t().upload()).toEqual([]);
    const after = await account();
    expect(after).toMatchObject({
      carriedMicro: plain.remainderMicro,
      cumulative: before.cumulative + plain.quantity + 1_230,
      // The year has what was paid for since, and not the same gas twice.
      yearQuantity: before.yearQuantity + plain.quantity,
      granted: { quantity: 1_230, waits: false },
    });
    const next = await quoted(10_000, 43);
    expect(next.q.carriedUsedMicro).toBe(plain.remainderMicro);
  });

  it('waits on where a purchase comes to nothing, and is told for a season', async () => {
    await granted(CARD, 1_230, 'HB-7');
    const { carriedMicro } = await account();
    const { id } = await quoted(10_000, 42);
    expect((await account()).carriedMicro).toBe(0);
    expect(await t().client.release(id)).toMatchObject({ ok: true });
    expect(await account()).toMatchObject({ carriedMicro, granted: { waits: true } });
    room.now += 91 * DAY_MS;
    const later = await account();
    expect(later.carriedMicro).toBe(carriedMicro);
    expect(later.granted).toBeUndefined();
  });

  it('needs two persons, and is decided once', async () => {
    const asked = await ask(USER, 1_230, 'HB-7');
    if (!asked.ok) throw new Error(asked.bar);
    expect((await account()).granted).toBeUndefined();
    expect(await barred(decide(asked.id, '王 芳'))).toBe('same-person');
    const both = await Promise.all([decide(asked.id), decide(asked.id, '赵敏')]);
    expect(both.filter((b) => b.ok)).toHaveLength(1);
    expect(await barred(decide(asked.id, '赵敏', 'refused'))).toBe('gone');
    expect(await barred(decide(99))).toBe('gone');
    expect((await account()).carriedMicro).toBe(15_500 + 730 * 26_500 + 500 * 31_800);
  });

  it('that is refused never happened; its work order may be asked for again', async () => {
    const before = await account();
    const asked = await ask(CARD, 1_230, 'HB-7');
    expect(await barred(ask(CARD, 500, 'HB-7'))).toBe('asked-already');
    // One person may refuse his own.
    expect(await decide(asked.ok ? asked.id : 0, '王芳', 'refused')).toMatchObject({ ok: true });
    expect(await account()).toEqual(before);
    await granted(CARD, 500, 'HB-7');
    expect(await barred(ask(CARD, 500, 'HB-7'))).toBe('asked-already');
  });

  it('a work order grants once, to a card or to an IoT account', async () => {
    const iot = {
      nowMs: room.now,
      outside: false,
      mayMove: () => Promise.resolve(true),
      budget: GRANT_BUDGET,
    };
    const said = { who: '王芳', why: '旧表余 38.20' };
    const first = await proposeGrant(
      room.db,
      { userNo: IOT, amountFen: 3_820, reference: 'HB-1', ...said },
      iot,
    );
    expect(await barred(ask(CARD, 500, 'HB-1'))).toBe('asked-already');
    await decideAct(
      room.db,
      { id: first.ok ? first.id : 0, verdict: 'refused', who: '李强', why: '重复' },
      iot,
    );
    const card = await ask(CARD, 500, 'HB-1');
    expect(card.ok).toBe(true);
    expect(
      await proposeGrant(
        room.db,
        { userNo: IOT, amountFen: 3_820, reference: 'HB-1', ...said },
        iot,
      ),
    ).toEqual({
      ok: false,
      bar: 'asked-already',
    });
  });

  it('goes to no card that is lost, has no meter, or could not take it', async () => {
    expect(await barred(ask('9999999999', 500, 'HB-1'))).toBe('no-account');
    expect(await barred(ask('1002203322', 500, 'HB-1'))).toBe('no-account');
    expect(await barred(ask('1002203323', 500, 'HB-1'))).toBe('no-meter');
    // The smallest purchase goes with it: 10 yuan are some 3 units.
    expect(await barred(ask('1002203325', 1_700, 'HB-1'))).toBe('too-much');
    expect(await barred(ask('1002203325', 1_600, 'HB-1'))).toBeNull();
    // The limit's period counts what was lost no more; what is beyond it still is.
    expect(await barred(ask('1002203326', 4_900, 'HB-2'))).toBe('too-much');
    expect(await barred(ask('1002203326', 2_000, 'HB-2'))).toBeNull();
    expect(await barred(ask(CARD, 100_000, 'HB-3'))).not.toBeNull();
  });

  it('frees the limit’s period of what was bought and lost', async () => {
    const before = (await account('8800003926')).periodLeftQuantity ?? 0;
    await granted('8800003926', 2_000, 'HB-2');
    expect((await account('8800003926')).periodLeftQuantity).toBe(before + 2_000);
  });

  it('has budgets of the account’s year and of everybody’s day', async () => {
    const budget = { accountFen: 5_000, dayFen: 6_000 };
    const asked = await ask(CARD, 1_230, 'HB-1', { budget });
    expect(await decide(asked.ok ? asked.id : 0, '李强', 'confirmed', { budget })).toMatchObject({
      ok: true,
    });
    expect(await barred(ask(CARD, 1_000, 'HB-2', { budget }))).toBe('over-account');
    const other = await ask('1002203326', 1_230, 'HB-3', { budget });
    const id = other.ok ? other.id : 0;
    expect(await barred(decide(id, '李强', 'confirmed', { budget }))).toBe('over-day');
    room.now += DAY_MS;
    expect(await decide(id, '李强', 'confirmed', { budget })).toMatchObject({ ok: true });
    room.now += 366 * DAY_MS;
    expect(await barred(ask(CARD, 1_000, 'HB-2', { budget }))).toBeNull();
  });

  it('comes back where the machine that quoted it is gone', async () => {
    await granted(CARD, 1_230, 'HB-7');
    const { q } = await quoted(1_000, 42);
    await setStatus(
      room.db,
      { terminalId: t().id, status: 'revoked', who: '王芳', why: '烧毁' },
      room.now,
    );
    const other = room.terminals[1] as Terminal;
    const again = (n: number) =>
      other.client.quote({
        orderId: `PL-${other.id}-1-000${n}-7000`,
        cardNo: CARD,
        nextCount: 42,
        amountFen: 1_000,
      });
    // Its claim lives: it may yet be paid.
    expect(await again(1)).toMatchObject({ ok: false });
    room.now += QUOTE_CLAIM_MS + 1;
    // Who asks before is told of it: the machine checks the quote by what it was told.
    const told = await other.client.account(CARD);
    if (!told.ok) throw new Error(told.error.code);
    expect(told.value.account).toMatchObject({
      carriedMicro: q.carriedUsedMicro,
      granted: { waits: true },
    });
    const asked = { orderId: null, cardNo: CARD, nextCount: 42, amountFen: 1_000 };
    const seen = await other.client.quote(asked);
    if (!seen.ok) throw new Error(seen.error.code);
    expect(quoteFault(seen.value, asked, told.value.account)).toBeNull();
    expect(await again(2)).toMatchObject({
      ok: true,
      value: { carriedUsedMicro: q.carriedUsedMicro },
    });
    // And of one that lives, nobody.
    const held = await other.client.account(CARD);
    expect(held).toMatchObject({ ok: true, value: { account: { carriedMicro: 0 } } });
  });

  it('is written in parts where one purchase may not take all of it', async () => {
    const card = '8800003925';
    await granted(card, 1_600, 'HB-1');
    const of = (n: number, nextCount: number) =>
      t().client.quote({
        orderId: `PL-${t().id}-1-900${n}-7000`,
        cardNo: card,
        nextCount,
        amountFen: 1_000,
      });
    expect(await of(1, 42)).toMatchObject({ ok: true });
    // A second one, while a customer stands before the first.
    await granted(card, 1_600, 'HB-2');
    await t().client.release(`PL-${t().id}-1-9001-7000`);
    const first = await of(2, 42);
    if (!first.ok) throw new Error(first.error.code);
    expect(first.value.quantity).toBe(2_000);
    const left = (await account(card)).carriedMicro;
    expect(left).toBeGreaterThan(0);
    // Not beyond what may be bought at once without it either.
    expect(await t().client.release(`PL-${t().id}-1-9002-7000`)).toMatchObject({ ok: true });
    room.now += 366 * DAY_MS;
    expect(await of(3, 42)).toMatchObject({ ok: true, value: { quantity: 2_000 } });
  });

  it('waits while a part of it is still to come', async () => {
    const card = '8800003925';
    await granted(card, 1_600, 'HB-1');
    // The second one comes while a customer stands before the first, and is left.
    const left = `PL-${t().id}-1-9009-7000`;
    const of = { cardNo: card, amountFen: 1_000 };
    expect(await t().client.quote({ ...of, orderId: left, nextCount: 42 })).toMatchObject({
      ok: true,
    });
    await granted(card, 1_600, 'HB-2');
    await t().client.release(left);
    const buy = async (n: number, nextCount: number): Promise<Account> => {
      const orderId = `PL-${t().id}-1-900${n}-7000`;
      const q = await t().client.quote({ ...of, orderId, nextCount });
      if (!q.ok) throw new Error(q.error.code);
      const j = t().journal;
      j.quoted(orderId, q.value, '1002203325');
      j.paid(orderId, 1_000);
      j.delivered(orderId, q.value);
      room.now += 60_000;
      expect(await t().upload()).toEqual([]);
      return account(card);
    };
    expect(await buy(1, 42)).toMatchObject({ count: 42, granted: { waits: true } });
    expect(await buy(2, 43)).toMatchObject({ count: 43, granted: { waits: false } });
  });

  it('that a purchase spent and a restored database forgot is believed by its quote', async () => {
    await granted(CARD, 1_230, 'HB-7');
    const { id, q } = await quoted(10_000, 42);
    const j = t().journal;
    j.quoted(id, q, USER);
    j.paid(id, 10_000);
    j.delivered(id, q);
    for (const table of ['card_grants', 'reserves', 'claims', 'quotes', 'credit_grant_days'])
      await room.db.query(`DELETE FROM ${table}`);
    await room.db.query('UPDATE accounts SET carried_micro = 15500 WHERE user_no = $1', [USER]);
    expect(await t().upload()).toEqual([]);
    expect(await account()).toMatchObject({ count: 42, carriedMicro: q.carriedAfterMicro });
  });

  it('of which an offline sale was told is known by that, where the database forgot it', async () => {
    await granted(CARD, 1_230, 'HB-7');
    const a = await account();
    const priced = priceAmount(10_000, 0, a.yearQuantity, a.tariff.tiers);
    const id = `PL-${t().id}-1-7001-7000`;
    const q: Quote = {
      orderId: id,
      cardNo: CARD,
      nextCount: 42,
      amountFen: 10_000,
      quantity: priced.quantity,
      shares: [...priced.shares],
      carriedUsedMicro: 0,
      carriedAfterMicro: priced.remainderMicro,
      tariffId: a.tariff.tariffId,
      tariffVersion: a.tariff.version,
      expiresAtMs: 0,
    };
    const j = t().journal;
    j.quoted(id, q, USER, { offline: true, asOfMs: room.now, grant: a.grant ?? '' });
    j.paid(id, 10_000);
    j.delivered(id, q);
    await room.db.query('DELETE FROM card_grants');
    await room.db.query('UPDATE accounts SET carried_micro = 0 WHERE user_no = $1', [USER]);
    await room.db.query(
      `UPDATE account_use SET quantity = 36500 WHERE counter = 'year' AND user_no = $1`,
      [USER],
    );
    expect(await t().upload()).toEqual([]);
    expect(await account()).toMatchObject({ count: 42 });
  });

  it('whose confirmation is refused spends nothing of the day', async () => {
    const asked = await ask(CARD, 1_230, 'HB-9');
    const iot = await proposeGrant(
      room.db,
      { userNo: IOT, amountFen: 2_000, reference: 'HB-8', who: '赵敏', why: '旧表余额' },
      {
        nowMs: room.now,
        outside: false,
        mayMove: () => Promise.resolve(true),
        budget: GRANT_BUDGET,
      },
    );
    expect(iot.ok).toBe(true);
    // As two clerks who ask at once leave it: neither saw the other's.
    await room.db.query(`UPDATE credit_acts SET reference = 'HB-9'`);
    expect(await barred(decide(asked.ok ? asked.id : 0))).toBe('asked-already');
    const spent = await room.db.query(
      'SELECT granted_fen FROM credit_grant_days WHERE granted_fen > 0',
    );
    expect(spent).toEqual([]);
  });

  it('is asked for by a number that is one household’s only', async () => {
    await room.db.query('UPDATE cards SET card_no = $1 WHERE card_no = $2', [USER, '8800003926']);
    expect(await barred(ask(USER, 500, 'HB-1'))).toBe('two-accounts');
    expect(await barred(ask(CARD, 500, 'HB-1'))).toBeNull();
  });
});
