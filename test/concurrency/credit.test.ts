import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { refundBar, voidReturned, holdPosting } from '../../src/central/gateway/bars.ts';
import { markReturned } from '../../src/central/gateway/receipts.ts';
import { tradeOf } from '../../src/central/gateway/rows.ts';
import { DbError } from '../../src/central/db/sql.ts';
import type { Db } from '../../src/central/db/sql.ts';
import { decideAct, proposeGrant, proposeMove } from '../../src/central/sale/credit-acts.ts';
import type { ActParts } from '../../src/central/sale/credit-acts.ts';
import { QUOTE_CLAIM_MS } from '../../src/central/sale/quotes.ts';
import type { CreditQuote } from '../../src/shared/sale.ts';
import { CreditTerminal, paidSale, saleOf } from '../support/credit.ts';
import { Cluster } from '../support/postgres.ts';
import { attemptOfOrder } from '../unit/central/harness.ts';
import type { SeedCreditAccount } from '../../src/central/fleet/seed.ts';
import { accountsOf, Company } from './company.ts';

/**
 * Sales without a card, two at once: one is held up between two of its statements, the other comes,
 * and then the first goes on.
 */
let cluster: Cluster;
let company: Company;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster.stop());
afterEach(() => company.close());

const METER = '3000000001';
const ACCOUNTS: readonly SeedCreditAccount[] = [
  {
    userNo: METER,
    holderName: '王国强',
    address: '清河路 12 号',
    topUp: { meterNo: 'M1', payee: 'house' },
    balanceFen: 1_860,
  },
  {
    userNo: '3000000002',
    holderName: '李梅',
    address: '人民路 8 号',
    topUp: { meterNo: 'M2', payee: 'house' },
    items: [{ item: 'G1', kind: 'gas', payee: 'house', period: '2026-05', principalFen: 3_445 }],
  },
];
const start = async (): Promise<void> => {
  company = await Company.open(cluster, {
    terminals: 2,
    accounts: accountsOf(1),
    creditAccounts: ACCOUNTS,
  });
};
const office = (i: number) => company.offices[i] as Company['offices'][number];
/** A terminal's line to one of the offices. */
const k = (i: number, at = i) =>
  new CreditTerminal(
    company.journals[i]?.terminalId ?? '',
    () => office(at).central,
    () => company.now,
  );
const bill = (id: string, i: number, at = i) =>
  k(i, at).quote({
    orderId: id,
    userNo: '3000000002',
    payee: 'house',
    lines: [{ item: 'G1', amountFen: 3_445 }],
    asOfMs: company.now,
  });
async function quoted(said: ReturnType<CreditTerminal['quote']>): Promise<CreditQuote> {
  const answer = await said;
  if (!answer.ok) throw new Error(answer.detail);
  return saleOf(answer.value.quote);
}
const topUp = (id: string, i: number): Promise<CreditQuote> =>
  quoted(
    k(i).quote({
      orderId: id,
      userNo: METER,
      payee: 'house',
      lines: [{ item: 'balance', amountFen: 5_000 }],
      asOfMs: company.now,
    }),
  );
const post = (id: string, sale: CreditQuote, i: number, at = i) =>
  k(i, at).post(id, paidSale(k(i).id, id, sale));
const balance = async (): Promise<number> =>
  Number(
    (
      await company.rows<{ b: string }>(
        `SELECT balance_fen AS b FROM credit_accounts WHERE user_no = '${METER}'`,
      )
    )[0]?.b,
  );
const BEFORE = 1_860;

describe('one bill', () => {
  it('is kept for one of two kiosks that ask for it at once', async () => {
    await start();
    const [a, b] = [company.orderId(0), company.orderId(1)];
    const gate = office(0).gate(/^INSERT INTO postings/);
    const first = bill(a, 0);
    await gate.reached;
    const second = bill(b, 1);
    expect(await company.blocked(second)).toBe(true);
    gate.open();
    expect([await first, await second]).toMatchObject([
      { ok: true },
      { ok: false, type: 'item-taken' },
    ]);
    expect(
      await company.rows('SELECT order_id FROM credit_items WHERE order_id IS NOT NULL'),
    ).toEqual([{ order_id: a }]);
  });

  it('whose quote ran out goes to who posts or quotes it first', async () => {
    await start();
    const [a, b] = [company.orderId(0), company.orderId(1)];
    const sale = await quoted(bill(a, 0));
    company.now += QUOTE_CLAIM_MS + 1;
    const gate = office(0).gate(/^UPDATE credit_items/);
    const first = post(a, sale, 0);
    await gate.reached;
    const second = bill(b, 1);
    expect(await company.blocked(second)).toBe(true);
    gate.open();
    expect([await first, await second]).toMatchObject([
      { ok: true, value: { state: 'posted' } },
      { ok: false, type: 'item-taken' },
    ]);
  });

  it('… and the other way about', async () => {
    await start();
    const [a, b] = [company.orderId(0), company.orderId(1)];
    const sale = await quoted(bill(a, 0));
    company.now += QUOTE_CLAIM_MS + 1;
    const gate = office(1).gate(/^UPDATE credit_items/);
    const second = bill(b, 1);
    await gate.reached;
    const first = post(a, sale, 0);
    expect(await company.blocked(first)).toBe(true);
    gate.open();
    expect([await second, await first]).toMatchObject([
      { ok: true },
      { ok: true, value: { state: 'refused', why: 'item-taken' } },
    ]);
  });
});

describe('a posting', () => {
  it('that is asked for twice at once credits once, and says one thing', async () => {
    await start();
    const id = company.orderId(0);
    const sale = await topUp(id, 0);
    const gate = office(0).gate(/^UPDATE credit_accounts/);
    const first = post(id, sale, 0);
    await gate.reached;
    const second = post(id, sale, 0, 1);
    expect(await company.blocked(second)).toBe(true);
    gate.open();
    const word = await first;
    expect(word).toMatchObject({ ok: true, value: { state: 'posted' } });
    expect(await second).toEqual(word);
    expect(await balance()).toBe(BEFORE + 5_000);
  });

  it('of two orders for one meter at once: both are in its balance', async () => {
    await start();
    const [a, b] = [company.orderId(0), company.orderId(1)];
    const sales = [await topUp(a, 0), await topUp(b, 1)];
    const gate = office(0).gate(/^UPDATE credit_accounts/);
    const first = post(a, sales[0] as CreditQuote, 0);
    await gate.reached;
    const second = post(b, sales[1] as CreditQuote, 1);
    expect(await company.blocked(second)).toBe(true);
    gate.open();
    expect([await first, await second]).toMatchObject([
      { value: { state: 'posted' } },
      { value: { state: 'posted' } },
    ]);
    expect(await balance()).toBe(BEFORE + 10_000);
  });

  it('and its giving up: the first one is the last word', async () => {
    await start();
    for (const [gateAt, posts] of [
      [/^UPDATE credit_accounts/, true],
      [/^UPDATE postings/, false],
    ] as const) {
      const id = company.orderId(0);
      const sale = await topUp(id, 0);
      const had = await balance();
      const gate = office(0).gate(gateAt);
      const first = posts ? post(id, sale, 0) : k(0).void(id);
      await gate.reached;
      const second = posts ? k(0, 1).void(id) : post(id, sale, 0, 1);
      expect(await company.blocked(second)).toBe(true);
      gate.open();
      const word = await first;
      expect(word).toMatchObject({ value: { state: posts ? 'posted' : 'void' } });
      expect(await second).toEqual(word);
      expect(await balance()).toBe(had + (posts ? 5_000 : 0));
    }
  });

  it('an id that is given up while its quote is under way: the quote is refused', async () => {
    await start();
    const id = company.orderId(0);
    const gate = office(0).gate(/^SELECT .* FROM postings WHERE order_id = \$1$/);
    const late = topUp(id, 0);
    const over = late.catch((cause: unknown) => String(cause));
    await gate.reached;
    const word = k(0, 1).void(id);
    expect(await company.blocked(word)).toBe(true);
    gate.open();
    expect(await word).toMatchObject({ value: { state: 'void' } });
    // Given before it was given up: what it was given for is over.
    expect(await post(id, await late, 0)).toMatchObject({ value: { state: 'void' } });
    expect(await over).toMatchObject({ userNo: METER });
    expect(await balance()).toBe(BEFORE);
  });

  it('whose answer is lost with the connection is told again by another office', async () => {
    await start();
    const id = company.orderId(0);
    const sale = await topUp(id, 0);
    const inner = await company.connect();
    const cut: Db = {
      ...inner,
      transaction: async (run) => {
        const value = await inner.transaction(run);
        if ((value as { state?: unknown } | null)?.state === 'posted')
          throw new DbError('away', 'the connection is gone');
        return value;
      },
    };
    await company.addOffice(cut);
    expect(await post(id, sale, 0, 2)).toMatchObject({ ok: false, status: 503 });
    const word = await post(id, sale, 0, 1);
    expect(word).toMatchObject({ ok: true, value: { state: 'posted' } });
    expect(await k(0, 0).void(id)).toEqual(word);
    expect(await balance()).toBe(BEFORE + 5_000);
  });
});

describe('a posting and the hand-back of its payment', () => {
  it('are one or the other, whoever comes first', async () => {
    await start();
    for (const posts of [true, false]) {
      const id = company.orderId(0);
      const sale = await topUp(id, 0);
      const had = await balance();
      const { outTradeNo } = attemptOfOrder(id);
      const { id: terminalId } = k(0);
      await office(0).db.query(
        `INSERT INTO gateway_trades (terminal_id, out_trade_no, method, amount_fen, description,
           expires_ms, state, created_ms, order_id) VALUES ($1, $2, 'qr', 5000, '', 1, 'open', 1, $3)`,
        [terminalId, outTradeNo, id],
      );
      // As `refund` does it, in its one transaction.
      const handBack = (at: number): Promise<string> =>
        office(at).db.transaction(async (tx) => {
          await holdPosting(tx, terminalId, outTradeNo);
          const trade = await tradeOf(tx, terminalId, outTradeNo, true);
          if (trade === null) return 'none';
          const bar = await refundBar(tx, trade);
          if (bar !== null) return bar;
          await markReturned(tx, trade, company.now);
          await voidReturned(tx, trade, company.now);
          return 'back';
        });
      const gate = office(0).gate(posts ? /^UPDATE credit_accounts/ : /^UPDATE payment_evidence/);
      const first = posts ? post(id, sale, 0) : handBack(0);
      await gate.reached;
      const second = posts ? handBack(1) : post(id, sale, 0, 1);
      expect(await company.blocked(second)).toBe(true);
      gate.open();
      expect([await first, await second]).toMatchObject(
        posts
          ? [{ value: { state: 'posted' } }, 'delivered']
          : ['back', { value: { state: 'void' } }],
      );
      expect(await balance()).toBe(had + (posts ? 5_000 : 0));
    }
  });
});

describe('an act of two persons', () => {
  const by = (at: number): ActParts => ({
    nowMs: company.now + at,
    outside: false,
    mayMove: () => Promise.resolve(true),
    budget: { accountFen: 5_000, dayFen: 5_000 },
  });
  const OTHER = '3000000002';
  const balances = async (): Promise<readonly number[]> =>
    (
      await company.rows<{ b: string }>(
        'SELECT balance_fen AS b FROM credit_accounts ORDER BY user_no',
      )
    ).map((row) => Number(row.b));
  const move = (at: number, orderId: string, toUser = OTHER, items: readonly string[] = []) =>
    proposeMove(office(at).db, { orderId, toUser, items, who: '甲', why: '付错户' }, by(at));
  const decide = (at: number, id: number, verdict: 'confirmed' | 'refused' = 'confirmed') =>
    decideAct(office(at).db, { id, verdict, who: `乙${at}`, why: '已核对' }, by(at));
  const topped = async (): Promise<string> => {
    const id = company.orderId(0);
    await post(id, await topUp(id, 0), 0);
    return id;
  };
  const idOf = async (acted: ReturnType<typeof move>): Promise<number> => {
    const said = await acted;
    if (!said.ok) throw new Error(said.bar);
    return said.id;
  };

  it('that two confirm at once is done once', async () => {
    await start();
    const act = await idOf(move(0, await topped()));
    const gate = office(0).gate(/^UPDATE credit_accounts/);
    const first = decide(0, act);
    await gate.reached;
    const second = decide(1, act);
    expect(await company.blocked(second)).toBe(true);
    gate.open();
    expect([await first, await second]).toEqual([
      { ok: true, id: act },
      { ok: false, bar: 'gone' },
    ]);
    expect(await balances()).toEqual([BEFORE, 5_000]);
    const told = { userNo: OTHER, amountFen: 900, reference: 'W0', who: '甲', why: '换表余量' };
    const grant = await idOf(proposeGrant(office(0).db, told, by(0)));
    const held = office(0).gate(/^UPDATE credit_accounts/);
    const one = decide(0, grant);
    await held.reached;
    const other = decide(1, grant);
    expect(await company.blocked(other)).toBe(true);
    held.open();
    expect([await one, await other]).toEqual([
      { ok: true, id: grant },
      { ok: false, bar: 'gone' },
    ]);
    expect(await balances()).toEqual([BEFORE, 5_900]);
  });

  it('that one confirms while another refuses it is one of both', async () => {
    await start();
    const act = await idOf(move(0, await topped()));
    const gate = office(0).gate(/^UPDATE credit_acts/);
    const first = decide(0, act);
    await gate.reached;
    const second = decide(1, act, 'refused');
    expect(await company.blocked(second)).toBe(true);
    gate.open();
    expect([await first, await second]).toEqual([
      { ok: true, id: act },
      { ok: false, bar: 'gone' },
    ]);
    expect(await balances()).toEqual([BEFORE, 5_000]);
  });

  it('is proposed once for an order, by two who propose at once', async () => {
    await start();
    const id = await topped();
    const gate = office(0).gate(/^INSERT INTO credit_acts/);
    const first = move(0, id);
    await gate.reached;
    const second = move(1, id);
    expect(await company.blocked(second)).toBe(true);
    gate.open();
    expect([await first, await second]).toMatchObject([
      { ok: true },
      { ok: false, bar: 'asked-already' },
    ]);
  });

  it('that moves a payment meets one that is just being posted to the same account: both are in it', async () => {
    await start();
    const act = await idOf(move(0, await topped()));
    const next = company.orderId(1);
    const sale = await topUp(next, 1);
    const gate = office(0).gate(/^UPDATE credit_accounts/);
    const first = decide(0, act);
    await gate.reached;
    const second = post(next, sale, 1);
    expect(await company.blocked(second)).toBe(true);
    gate.open();
    expect(await first).toMatchObject({ ok: true });
    expect(await second).toMatchObject({ value: { state: 'posted' } });
    expect(await balances()).toEqual([BEFORE + 5_000, 5_000]);
    expect(
      await company.rows(
        `SELECT total_fen FROM meter_commands WHERE meter_no = 'M1' ORDER BY count DESC LIMIT 1`,
      ),
    ).toEqual([{ total_fen: '5000' }]);
  });

  it('leaves a bill to a kiosk that is quoting it at this moment', async () => {
    await start();
    const id = await topped();
    await company.rows(`UPDATE credit_items SET principal_fen = 5000 WHERE item = 'G1'`);
    const act = await idOf(move(0, id, OTHER, ['G1']));
    const gate = office(1).gate(/^UPDATE credit_items/);
    const quoting = k(1).quote({
      orderId: company.orderId(1),
      userNo: OTHER,
      payee: 'house',
      lines: [{ item: 'G1', amountFen: 5_000 }],
      asOfMs: company.now,
    });
    await gate.reached;
    const moving = decide(0, act);
    expect(await company.blocked(moving)).toBe(true);
    gate.open();
    expect(await quoting).toMatchObject({ ok: true });
    expect(await moving).toEqual({ ok: false, bar: 'item-taken' });
    expect(await balances()).toEqual([BEFORE + 5_000, 0]);
  });

  it('two moves across: neither waits for the other for ever', async () => {
    await start();
    const [one, two] = [await topped(), company.orderId(1)];
    const sale = await quoted(
      k(1).quote({
        orderId: two,
        userNo: OTHER,
        payee: 'house',
        lines: [{ item: 'balance', amountFen: 5_000 }],
        asOfMs: company.now,
      }),
    );
    await post(two, sale, 1);
    const [there, back] = [await idOf(move(0, one)), await idOf(move(1, two, METER))];
    const gate = office(0).gate(/^SELECT .* FROM postings .* FOR NO KEY UPDATE/);
    const first = decide(0, there);
    await gate.reached;
    const second = decide(1, back);
    expect(await company.blocked(second)).toBe(true);
    gate.open();
    expect([await first, await second]).toMatchObject([{ ok: true }, { ok: true }]);
    expect(await balances()).toEqual([BEFORE + 5_000, 5_000]);
  });

  it('grants of one day, confirmed at once for two accounts, keep within its budget', async () => {
    await start();
    const grant = (userNo: string, reference: string) =>
      proposeGrant(
        office(0).db,
        { userNo, amountFen: 3_000, reference, who: '甲', why: '换表余量' },
        by(0),
      );
    const [a, b] = [await idOf(grant(METER, 'W1')), await idOf(grant(OTHER, 'W2'))];
    const gate = office(0).gate(/^UPDATE credit_accounts/);
    const first = decide(0, a);
    await gate.reached;
    const second = decide(1, b);
    expect(await company.blocked(second)).toBe(true);
    gate.open();
    expect([await first, await second]).toEqual([
      { ok: true, id: a },
      { ok: false, bar: 'over-day' },
    ]);
    expect(await balances()).toEqual([BEFORE + 3_000, 0]);
  });
});
