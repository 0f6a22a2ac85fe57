import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SeedCreditAccount } from '../../../src/central/fleet/seed.ts';
import type { CentralOptions } from '../../../src/central/central.ts';
import { creditAccount } from '../../../src/central/sale/credit-accounts.ts';
import { DEMO_CREDIT } from '../../../src/demo/credit-data.ts';
import { decideAct, proposeGrant, proposeMove } from '../../../src/central/sale/credit-acts.ts';
import type { ActBar, Acted, ActParts } from '../../../src/central/sale/credit-acts.ts';
import { GRANT_BUDGET } from '../../../src/central/sale/credit-grants.ts';
import { settlementOf } from '../../../src/central/sale/credit-office.ts';
import { DAY_MS, chinaDate } from '../../../src/shared/time.ts';
import { orderRefDigits } from '../../../src/shared/order-id.ts';
import { CreditTerminal, paidSale, saleOf } from '../../support/credit.ts';
import { ENGINES, openRoom } from './harness.ts';
import type { Room, Terminal } from './harness.ts';

const [A, B, C] = ['3000000001', '3000000002', '3000000003'] as const;
const gas = (item: string, principalFen: number, over: object = {}) => ({
  item,
  kind: 'gas' as const,
  payee: 'house',
  period: '2026-05',
  principalFen,
  ...over,
});
const ACCOUNTS: readonly SeedCreditAccount[] = [
  {
    userNo: A,
    holderName: '王国强',
    address: '清河路 12 号',
    topUp: { meterNo: 'M1', payee: 'house' },
    balanceFen: 700,
    items: [gas('GA', 5_000), gas('GA2', 3_000)],
  },
  {
    userNo: B,
    holderName: '李梅',
    address: '人民路 8 号',
    topUp: { meterNo: 'M2', payee: 'house' },
    items: [
      gas('GB', 5_000, { lateFee: { e5: 100, capFen: 500 }, dueDate: '2026-05-29' }),
      gas('GB2', 2_000),
      gas('GB3', 3_000),
      { ...gas('WB', 5_000), kind: 'water', payee: 'water' },
      gas('HB', 5_000, { consentText: 'heat-contract' }),
    ],
  },
  { userNo: C, holderName: '郑永安', address: '北京东路 66 号' },
];
const OPENING = 700;

/** Central with its accounts, and what a clerk and a customer do there. */
class Hall {
  readonly room: Room;
  #orders = 0;
  constructor(room: Room) {
    this.room = room;
  }
  get t(): Terminal {
    return this.room.terminals[0] as Terminal;
  }
  get k(): CreditTerminal {
    return new CreditTerminal(
      this.t.id,
      () => this.room.central,
      () => this.room.now,
    );
  }
  async posted(userNo: string, item: string, amountFen: number): Promise<string | null> {
    const orderId = `PL-${this.t.id}-1-${String(++this.#orders).padStart(4, '0')}-7000`;
    const said = await this.k.quote({
      orderId,
      userNo,
      payee: 'house',
      lines: [{ item, amountFen }],
      asOfMs: this.room.now,
    });
    if (!said.ok) return null;
    const sale = saleOf(said.value.quote);
    const word = await this.k.post(orderId, paidSale(this.t.id, orderId, sale));
    return word.ok && word.value.state === 'posted' ? orderId : null;
  }
  async order(userNo: string, item: string, amountFen: number): Promise<string> {
    const id = await this.posted(userNo, item, amountFen);
    if (id === null) throw new Error(`${item} of ${userNo} was not posted`);
    return id;
  }
  by(over: Partial<ActParts> = {}): ActParts {
    return {
      nowMs: this.room.now,
      outside: false,
      mayMove: () => Promise.resolve(true),
      budget: GRANT_BUDGET,
      ...over,
    };
  }
  ask(orderId: string, toUser: string, items: readonly string[] = [], over = {}): Promise<Acted> {
    const told = { orderId, toUser, items, who: '王芳', why: '顾客看错户号' };
    return proposeMove(this.room.db, told, this.by(over));
  }
  grant(userNo: string, amountFen: number, reference: string, over = {}): Promise<Acted> {
    const told = { userNo, amountFen, reference, who: '王芳', why: '旧表余 38.20' };
    return proposeGrant(this.room.db, told, this.by(over));
  }
  decide(id: number, verdict: 'confirmed' | 'refused' = 'confirmed', over = {}, who = '李强') {
    return decideAct(this.room.db, { id, verdict, who, why: '已核对' }, this.by(over));
  }
  async done(asked: Promise<Acted>): Promise<number> {
    const acted = await asked;
    if (!acted.ok) throw new Error(acted.bar);
    expect(await this.decide(acted.id)).toEqual(acted);
    return acted.id;
  }
  rows<R>(sql: string): Promise<readonly R[]> {
    return this.room.db.query<R>(sql);
  }
  async account(userNo: string): Promise<Record<string, number>> {
    const [row] = await this.rows<Record<string, unknown>>(
      `SELECT balance_fen, topped_count, topped_fen, on_the_way_fen FROM credit_accounts
       WHERE user_no = '${userNo}'`,
    );
    return Object.fromEntries(Object.entries(row ?? {}).map(([k, v]) => [k, Number(v)]));
  }
  async item(name: string): Promise<string> {
    const [row] = await this.rows<{ state: string; paid_by: string | null }>(
      `SELECT state, paid_by FROM credit_items WHERE item = '${name}'`,
    );
    return `${row?.state} ${row?.paid_by ?? ''}`.trim();
  }
}
const bar = (b: ActBar) => ({ ok: false, bar: b });
const idOf = async (asked: Promise<Acted>): Promise<number> => {
  const acted = await asked;
  if (!acted.ok) throw new Error(acted.bar);
  return acted.id;
};

describe.each(ENGINES)('a payment for a wrong account on %s', (engine) => {
  let hall: Hall;
  const open = async (over: Partial<CentralOptions> = {}): Promise<void> => {
    hall = new Hall(await openRoom(engine, 1, { creditAccounts: ACCOUNTS, ...over }));
  };
  beforeEach(() => open(), 60_000);
  afterEach(() => hall.room.close());

  it('goes to the account that was meant once another person confirms it, and both meters hear their totals', async () => {
    const id = await hall.order(A, 'balance', 5_000);
    const act = await idOf(hall.ask(id, B));
    expect(await hall.account(A)).toMatchObject({ balance_fen: 5_700, topped_count: 1 });
    expect(await hall.decide(act)).toEqual({ ok: true, id: act });
    expect(await hall.account(A)).toEqual({
      balance_fen: 700,
      topped_count: 2,
      topped_fen: 0,
      on_the_way_fen: 0,
    });
    expect(await hall.account(B)).toEqual({
      balance_fen: 5_000,
      topped_count: 1,
      topped_fen: 5_000,
      on_the_way_fen: 5_000,
    });
    const commands = await hall.rows(
      'SELECT meter_no, count, total_fen, order_id FROM meter_commands ORDER BY meter_no, count',
    );
    expect(commands.map((c) => Object.values(c as object).map(String))).toEqual([
      ['M1', '1', '5000', id],
      ['M1', '2', '0', `A${act}-out`],
      ['M2', '1', '5000', `A${act}-in`],
    ]);
    expect(await hall.decide(act)).toEqual(bar('gone'));
    expect(await hall.account(B)).toMatchObject({ balance_fen: 5_000 });
  });

  it('is moved by nobody alone, under whatever spelling of his name', async () => {
    const id = await hall.order(A, 'balance', 5_000);
    const act = await idOf(hall.ask(id, B));
    for (const who of ['王芳', '王 芳', ' 王芳。'])
      expect(await hall.decide(act, 'confirmed', {}, who)).toEqual(bar('same-person'));
    expect(await hall.account(B)).toMatchObject({ balance_fen: 0 });
    // Who asked may take it back.
    expect(await hall.decide(act, 'refused', {}, '王芳')).toMatchObject({ ok: true });
    expect(await hall.decide(act)).toEqual(bar('gone'));
    expect(await hall.account(A)).toMatchObject({ balance_fen: 5_700 });
  });

  it('pays the bills that are named, of one payee and for the very sum; the wrong one is owed again', async () => {
    const id = await hall.order(A, 'GA', 5_000);
    for (const [items, why] of [
      [['GB2'], 'other-sum'],
      [['GB2', 'GB2', 'GB3'], 'item-taken'],
      [['GA2'], 'item-taken'],
      [['none'], 'item-taken'],
      [['WB'], 'other-payee'],
      [['HB'], 'needs-consent'],
    ] as const)
      expect(await hall.ask(id, B, items)).toEqual(bar(why));
    await hall.done(hall.ask(id, B, ['GB2', 'GB3']));
    expect([await hall.item('GA'), await hall.item('GB2'), await hall.item('GB3')]).toEqual([
      'open',
      `paid ${id}`,
      `paid ${id}`,
    ]);
    // The household that owes it pays it: nothing of the old order is in the way.
    const own = await hall.order(A, 'GA', 5_000);
    expect(await hall.item('GA')).toBe(`paid ${own}`);
  });

  it('counts for bills what they came to when the wallet took it: no late fee for the office’s time', async () => {
    const id = await hall.order(A, 'GA', 5_000);
    hall.room.now += 20 * DAY_MS;
    await hall.done(hall.ask(id, B, ['GB']));
    expect(await hall.item('GB')).toBe(`paid ${id}`);
  });

  it('is moved no further than it is still there', async () => {
    const id = await hall.order(A, 'balance', 5_000);
    expect(await hall.ask(id, A)).toEqual(bar('same-account'));
    expect(await hall.ask(id, C)).toEqual(bar('no-balance'));
    expect(await hall.ask(id, '9999999999')).toEqual(bar('no-account'));
    expect(await hall.ask('PL-000000000311-1-0999-7000', B)).toEqual(bar('not-posted'));
    const open = `PL-${hall.t.id}-1-0700-7000`;
    const lines = [{ item: 'balance', amountFen: 5_000 }];
    await hall.k.quote({ orderId: open, userNo: A, payee: 'house', lines, asOfMs: hall.room.now });
    expect(await hall.ask(open, B)).toEqual(bar('not-posted'));
    const act = await idOf(hall.ask(id, B));
    expect(await hall.ask(id, B)).toEqual(bar('asked-already'));
    // The household has burnt some of it meanwhile.
    await hall.room.db.query(
      `UPDATE credit_accounts SET balance_fen = 4999 WHERE user_no = '${A}'`,
    );
    expect(await hall.decide(act)).toEqual(bar('spent'));
    expect(await hall.account(B)).toMatchObject({ balance_fen: 0 });
    await hall.room.db.query(
      `UPDATE credit_accounts SET balance_fen = 5000 WHERE user_no = '${A}'`,
    );
    expect(await hall.decide(act)).toMatchObject({ ok: true });
    expect(await hall.account(A)).toMatchObject({ balance_fen: 0 });
  });

  it('is not moved where its bill was settled otherwise, or what it would pay was', async () => {
    const id = await hall.order(A, 'GA', 5_000);
    const act = await idOf(hall.ask(id, B, ['GB']));
    const other = await hall.order(B, 'GB', 5_000);
    expect(await hall.decide(act)).toEqual(bar('item-taken'));
    expect(await hall.item('GB')).toBe(`paid ${other}`);
    await hall.room.db.query(`UPDATE credit_items SET paid_by = 'elsewhere' WHERE item = 'GA'`);
    expect(await hall.ask(id, B)).toEqual(bar('built-on'));
  });

  it('is not taken from under a bill that is being paid or debited', async () => {
    const id = await hall.order(A, 'GA', 5_000);
    const kept = await hall.k.quote({
      orderId: `PL-${hall.t.id}-1-0900-7000`,
      userNo: B,
      payee: 'house',
      lines: [{ item: 'GB', amountFen: 5_000 }],
      asOfMs: hall.room.now,
    });
    expect(kept.ok).toBe(true);
    expect(await hall.ask(id, B, ['GB'])).toEqual(bar('item-taken'));
    await hall.room.db.query(
      `UPDATE credit_items SET state = 'debited', order_id = NULL WHERE item = 'GB'`,
    );
    expect(await hall.ask(id, B, ['GB'])).toEqual(bar('item-taken'));
  });

  it('waits for papers that name the old account, when it is asked for and when it is confirmed', async () => {
    const id = await hall.order(A, 'balance', 5_000);
    const seen: string[] = [];
    const barred = (_tx: unknown, orderId: string) => {
      seen.push(orderId);
      return Promise.resolve(false);
    };
    expect(await hall.ask(id, B, [], { mayMove: barred })).toEqual(bar('papers'));
    const act = await idOf(hall.ask(id, B));
    expect(await hall.decide(act, 'confirmed', { mayMove: barred })).toEqual(bar('papers'));
    expect(seen).toEqual([id, id]);
    expect(await hall.account(B)).toMatchObject({ balance_fen: 0 });
  });

  it('is told as nothing on its way where the meter has yet to hear that it was taken back', async () => {
    const id = await hall.order(A, 'balance', 5_000);
    await hall.room.db.query(`UPDATE meter_commands SET state = 'done'`);
    await hall.room.db.query(`UPDATE credit_accounts SET on_the_way_fen = 0`);
    await hall.done(hall.ask(id, B));
    expect(await hall.account(A)).toMatchObject({ on_the_way_fen: -5_000 });
    const { topUp } = await creditAccount(hall.room.db, A, {
      credit: DEMO_CREDIT,
      meters: true,
      nowMs: hall.room.now,
    });
    expect(topUp).toMatchObject({ balanceFen: 700, onTheWayFen: 0 });
  });

  it('can be moved once more, from where it stands by now', async () => {
    const id = await hall.order(A, 'balance', 5_000);
    await hall.done(hall.ask(id, B));
    expect(await hall.ask(id, B)).toEqual(bar('same-account'));
    await hall.done(hall.ask(id, A, ['GA']));
    expect(await hall.account(B)).toMatchObject({ balance_fen: 0, topped_fen: 0 });
    expect(await hall.item('GA')).toBe(`paid ${id}`);
  });

  it('changes no payee’s day: the order is posted once, by its own payment', async () => {
    const id = await hall.order(A, 'balance', 5_000);
    const day = chinaDate(hall.room.now);
    const before = await settlementOf(hall.room.db, day);
    hall.room.now += DAY_MS;
    await hall.done(hall.ask(id, B));
    expect((await settlementOf(hall.room.db, day)).days).toEqual(before.days);
    expect((await settlementOf(hall.room.db, chinaDate(hall.room.now))).days).toEqual([]);
    // Its kiosk asks again, and hears what it heard.
    const said = await hall.k.void(id);
    expect(said).toMatchObject({ value: { state: 'posted' } });
  });

  it('is told with the order’s number while it stands at another account than the customer named', async () => {
    const id = `PL-${hall.t.id}-1-0800-7000`;
    const lines = [{ item: 'balance', amountFen: 5_000 }];
    const asked = { orderId: id, userNo: A, payee: 'house', lines, asOfMs: hall.room.now };
    const said = await hall.k.quote(asked);
    if (!said.ok) throw new Error(said.detail);
    const sale = saleOf(said.value.quote);
    const word = await hall.k.post(id, paidSale(hall.t.id, id, sale));
    if (!word.ok || word.value.state !== 'posted') throw new Error('not posted');
    await hall.done(hall.ask(id, B));
    const { journal } = hall.t;
    journal.add('credit-quoted', id, sale);
    journal.paid(id, sale.amountFen);
    journal.add('credit-posting', id, { attemptId: `${id}/1` });
    const { reference, postedMs, grant } = word.value;
    journal.add('credit-posted', id, { reference, postedMs, grant });
    // Its kiosk tells of the delivery after it was moved: the books take it as ever.
    expect(await hall.t.upload()).toEqual([]);
    expect(await hall.account(B)).toMatchObject({ balance_fen: 5_000, topped_count: 1 });
    const moved = async () => {
      const told = await hall.t.client.ordersByRef(orderRefDigits(id) ?? '');
      return told.ok ? [told.value[0]?.state, told.value[0]?.moved] : told;
    };
    expect(await moved()).toEqual(['delivered', true]);
    await hall.done(hall.ask(id, A));
    expect(await moved()).toEqual(['delivered', undefined]);
  });

  it('is asked for and confirmed at the console, each with the code of what bars it', async () => {
    const id = await hall.order(A, 'balance', 5_000);
    const staff = (method: 'GET' | 'POST', target: string, form: Record<string, string> = {}) =>
      hall.room.central.staff({
        method,
        target,
        headers: {},
        body: Buffer.from(new URLSearchParams(form).toString()),
      });
    const { body } = await staff('GET', '/console/credit/acts');
    const token = /name="token" value="([0-9a-f]+)"/.exec(body)?.[1] ?? '';
    const by = { token, who: '王芳', why: '顾客看错户号' };
    const no = await staff('POST', '/console/credit/move', { ...by, order: id, to: C });
    expect([no.status, no.body]).toMatchObject([409, expect.stringContaining('no-balance')]);
    expect(
      (await staff('POST', '/console/credit/move', { ...by, token: '', order: id, to: B })).status,
    ).toBe(403);
    expect((await staff('POST', '/console/credit/move', { ...by, order: id, to: B })).status).toBe(
      303,
    );
    const grant = { ...by, user: B, yuan: '38.20', reference: 'HB-1' };
    expect((await staff('POST', '/console/credit/grant', grant)).status).toBe(303);
    const waiting = (await staff('GET', '/console/credit/acts')).body;
    const ids = [...waiting.matchAll(/act\?id=(\d+)/g)].map((m) => m[1] ?? '');
    expect(ids).toHaveLength(2);
    for (const act of ids) {
      expect((await staff('GET', `/console/credit/act?id=${act}`)).body).toContain('王芳');
      const decided = { token, id: act, verdict: 'confirmed', who: '李强', why: '已核对' };
      const same = await staff('POST', '/console/credit/act', { ...decided, who: '王芳' });
      expect(same.body).toContain('same-person');
      expect((await staff('POST', '/console/credit/act', decided)).status).toBe(303);
    }
    expect(await hall.account(B)).toMatchObject({ balance_fen: 8_820 });
    const page = (await staff('GET', `/console/credit?user=${B}`)).body;
    expect(page).toContain('已核准（李强');
    const day = (await staff('GET', `/console/credit/settlement?date=${chinaDate(hall.room.now)}`))
      .body;
    expect(day).toContain('<td>house</td><td>1</td><td>50.00</td>');
    expect(day).toContain('HB-1');
    expect((await staff('GET', '/console/credit/act?id=99')).status).toBe(404);
  });

  it('is left to the company’s own system where that is the account book', async () => {
    const id = await hall.order(A, 'balance', 5_000);
    expect(await hall.ask(id, B, [], { outside: true })).toEqual(bar('book-outside'));
    expect(await hall.grant(B, 100, 'W1', { outside: true })).toEqual(bar('book-outside'));
    const act = await idOf(hall.ask(id, B));
    expect(await hall.decide(act, 'confirmed', { outside: true })).toEqual(bar('book-outside'));
  });

  it('is told at the machine to both, in the words of each', async () => {
    const id = await hall.order(A, 'balance', 5_000);
    await hall.done(hall.ask(id, B));
    const told = async (userNo: string) => {
      const said = await hall.k.account(userNo);
      return said.ok ? said.value.account.corrections : null;
    };
    const at = { amountFen: 5_000, atMs: hall.room.now };
    expect(await told(A)).toEqual([{ what: 'moved-out', ...at }]);
    expect(await told(B)).toEqual([{ what: 'moved-in', ...at }]);
    expect(await told(C)).toBeUndefined();
    hall.room.now += 91 * DAY_MS;
    expect(await told(A)).toBeUndefined();
  });
});

describe.each(ENGINES)('what stood in a changed meter on %s', (engine) => {
  let hall: Hall;
  beforeEach(async () => {
    hall = new Hall(await openRoom(engine, 1, { creditAccounts: ACCOUNTS }));
  }, 60_000);
  afterEach(() => hall.room.close());

  it('is granted once by two persons, under the work order, and told to the new meter', async () => {
    const act = await idOf(hall.grant(B, 3_820, 'HB-1'));
    expect(await hall.account(B)).toMatchObject({ balance_fen: 0 });
    expect(await hall.decide(act, 'confirmed', {}, '王芳')).toEqual(bar('same-person'));
    expect(await hall.grant(B, 3_820, 'HB-1')).toEqual(bar('asked-already'));
    expect(await hall.decide(act)).toMatchObject({ ok: true });
    expect(await hall.decide(act)).toEqual(bar('gone'));
    expect(await hall.grant(B, 3_820, 'HB-1')).toEqual(bar('asked-already'));
    expect(await hall.account(B)).toEqual({
      balance_fen: 3_820,
      topped_count: 1,
      topped_fen: 3_820,
      on_the_way_fen: 3_820,
    });
    const said = await hall.k.account(B);
    expect(said.ok && said.value.account.corrections?.[0]?.what).toBe('granted');
    // It is nobody's money: no day has it.
    expect((await settlementOf(hall.room.db, chinaDate(hall.room.now))).days).toEqual([]);
  });

  it('is granted to no account without a meter, and within the year’s and the day’s budget', async () => {
    expect(await hall.grant(C, 100, 'W0')).toEqual(bar('no-balance'));
    expect(await hall.grant('9999999999', 100, 'W0')).toEqual(bar('no-account'));
    const budget = { accountFen: 5_000, dayFen: 6_000 };
    expect(await hall.grant(A, 5_001, 'W1', { budget })).toEqual(bar('over-account'));
    const [a, b, c] = [
      await idOf(hall.grant(A, 5_000, 'W2', { budget })),
      await idOf(hall.grant(A, 1, 'W3', { budget })),
      await idOf(hall.grant(B, 1_001, 'W4', { budget })),
    ];
    expect(await hall.decide(a, 'confirmed', { budget })).toMatchObject({ ok: true });
    expect(await hall.decide(b, 'confirmed', { budget })).toEqual(bar('over-account'));
    expect(await hall.decide(c, 'confirmed', { budget })).toEqual(bar('over-day'));
    expect(await hall.account(B)).toMatchObject({ balance_fen: 0 });
    hall.room.now += DAY_MS;
    expect(await hall.decide(c, 'confirmed', { budget })).toMatchObject({ ok: true });
    hall.room.now += 365 * DAY_MS;
    expect(await hall.decide(b, 'confirmed', { budget })).toMatchObject({ ok: true });
  });

  it('a work order whose grant was refused may be asked for again', async () => {
    const act = await idOf(hall.grant(B, 3_820, 'HB-1'));
    expect(await hall.decide(act, 'refused')).toMatchObject({ ok: true });
    await hall.done(hall.grant(B, 3_000, 'HB-1'));
    expect(await hall.account(B)).toMatchObject({ balance_fen: 3_000 });
  });
});

/** What may happen around an order, in any order. */
const event = fc.oneof(
  fc.record({
    do: fc.constant('pay' as const),
    user: fc.constantFrom(A, B),
    item: fc.constantFrom('balance', 'balance', 'GA', 'GB2', 'GA2', 'GB3'),
  }),
  fc.record({
    do: fc.constant('move' as const),
    order: fc.nat(3),
    to: fc.constantFrom(A, B, C),
    items: fc.subarray(['GA', 'GA2', 'GB2', 'GB3'], { maxLength: 2 }),
    only: fc.constantFrom(true, true, false),
  }),
  fc.record({ do: fc.constant('grant' as const), user: fc.constantFrom(A, B), n: fc.nat(3) }),
  fc.record({
    do: fc.constant('decide' as const),
    act: fc.nat(3),
    verdict: fc.constantFrom('confirmed' as const, 'confirmed' as const, 'refused' as const),
  }),
  fc.record({
    do: fc.constant('spend' as const),
    user: fc.constantFrom(A, B),
    fen: fc.constantFrom(500, 4_000),
  }),
  fc.record({ do: fc.constant('confirm-meter' as const), user: fc.constantFrom(A, B) }),
);
/** Two are paid for one household before anything else happens. */
const BEGUN = [
  { do: 'pay', user: A, item: 'balance' },
  { do: 'pay', user: A, item: 'GA' },
] as const;
const DUE: Readonly<Record<string, number>> = {
  balance: 5_000,
  GA: 5_000,
  GA2: 3_000,
  GB2: 2_000,
  GB3: 3_000,
};

describe('moves and grants among payments, in any order', () => {
  it('conserve money: each order stands at one place, and meters are told what accounts have', async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 4, maxLength: 24 }), async (more) => {
        const hall = new Hall(await openRoom('sqlite', 1, { creditAccounts: ACCOUNTS }));
        const orders: string[] = [];
        const acts: number[] = [];
        let spent = 0;
        const note = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);
        const kept = (acted: Acted, what: string) => {
          note(acted.ok ? what : acted.bar);
          return acted.ok ? acted.id : null;
        };
        const events = [...BEGUN, ...more];
        for (const e of events) {
          if (e.do === 'pay') {
            const id = await hall.posted(e.user, e.item, DUE[e.item] ?? 0);
            if (id !== null) orders.push(id);
          } else if (e.do === 'move') {
            const id = kept(
              await hall.ask(orders[e.order] ?? 'x', e.to, e.only ? [] : e.items),
              'asked',
            );
            if (id !== null) acts.push(id);
          } else if (e.do === 'grant') {
            const id = kept(await hall.grant(e.user, 1_000, `W${e.n}`), 'granted');
            if (id !== null) acts.push(id);
          } else if (e.do === 'decide')
            kept(await hall.decide(acts[e.act] ?? 999, e.verdict), e.verdict);
          else if (e.do === 'spend') {
            spent += e.fen;
            await hall.room.db.query(
              `UPDATE credit_accounts SET balance_fen = balance_fen - ${e.fen} WHERE user_no = '${e.user}'`,
            );
          } else {
            await hall.room.db.query(
              `UPDATE credit_accounts SET on_the_way_fen = on_the_way_fen -
                 (SELECT COALESCE(SUM(amount_fen), 0) FROM meter_commands m
                  WHERE m.user_no = '${e.user}' AND m.state <> 'done') WHERE user_no = '${e.user}'`,
            );
            await hall.room.db.query(
              `UPDATE meter_commands SET state = 'done' WHERE user_no = '${e.user}'`,
            );
          }
          await conserved(hall, orders, spent);
        }
        await hall.room.close();
      }),
      { numRuns: 150 },
    );
    for (const what of ['asked', 'granted', 'confirmed', 'refused', 'spent', 'gone'])
      expect(seen.get(what) ?? 0, what).toBeGreaterThan(0);
  }, 60_000);
});

/** Money that was paid or granted is in balances and bills, once each. */
async function conserved(hall: Hall, orders: readonly string[], spent: number): Promise<void> {
  const sum = async (sql: string): Promise<number> =>
    Number((await hall.rows<{ n: unknown }>(sql))[0]?.n ?? 0);
  const granted = await sum(
    `SELECT SUM(amount_fen) AS n FROM credit_acts WHERE kind = 'grant' AND state = 'done'`,
  );
  const paid = await sum(`SELECT SUM(amount_fen) AS n FROM postings WHERE state = 'posted'`);
  const bills = await sum(`SELECT SUM(principal_fen) AS n FROM credit_items WHERE state = 'paid'`);
  const balances = await sum('SELECT SUM(balance_fen) AS n FROM credit_accounts');
  expect(balances + bills).toBe(OPENING + paid + granted - spent);
  expect(await sum(`SELECT COUNT(*) AS n FROM postings WHERE state = 'posted'`)).toBe(
    orders.length,
  );
  for (const [userNo, meter] of [
    [A, 'M1'],
    [B, 'M2'],
  ] as const) {
    const account = await hall.account(userNo);
    const commands = await hall.rows<{
      count: unknown;
      total_fen: unknown;
      amount_fen: unknown;
      state: string;
    }>(
      `SELECT count, total_fen, amount_fen, state FROM meter_commands WHERE meter_no = '${meter}' ORDER BY count`,
    );
    let total = 0;
    for (const [i, c] of commands.entries()) {
      total += Number(c.amount_fen);
      expect([Number(c.count), Number(c.total_fen)]).toEqual([i + 1, total]);
    }
    expect([account['topped_count'], account['topped_fen']]).toEqual([commands.length, total]);
    expect(account['on_the_way_fen']).toBe(
      commands.reduce((n, c) => n + (c.state === 'done' ? 0 : Number(c.amount_fen)), 0),
    );
  }
}
