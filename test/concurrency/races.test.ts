import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../src/central/db/migrate.ts';
import { MIGRATIONS } from '../../src/central/db/migrations/index.ts';
import type { Db } from '../../src/central/db/sql.ts';
import { DEMO_DATA } from '../../src/demo/central-data.ts';
import { priceAmount } from '../../src/shared/money.ts';
import { settleQuarantined } from '../../src/central/books/quarantine.ts';
import { CLAIM_MS } from '../../src/shared/central-api/index.ts';
import type { Quote } from '../../src/shared/central-api/index.ts';
import { decideCardGrant, proposeCardGrant } from '../../src/central/sale/card-grants.ts';
import type { CardGranted, CardGrantParts } from '../../src/central/sale/card-grants.ts';
import { GRANT_BUDGET } from '../../src/central/sale/credit-grants.ts';
import { REFUND_BUDGET } from '../../src/central/sale/budgets.ts';
import { QUOTE_CLAIM_MS } from '../../src/central/sale/quotes.ts';
import { Cluster } from '../support/postgres.ts';
import { accountsOf, Company, COUNT, soldOffline } from './company.ts';
import { faults, open } from './invariants.ts';

/**
 * Two at once, step by step: one of them is held up between two of its statements, the other one
 * comes, and then the first goes on. Each test says what would happen if nobody waited.
 */
let cluster: Cluster;
let company: Company;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster.stop());
afterEach(async () => {
  await company.close();
});
const sound = async (): Promise<void> => {
  expect(await faults(company)).toEqual([]);
};
const office = (i: number) => company.offices[i] as Company['offices'][number];
/** Accounts of {@link accountsOf}: 4 of one card each, then one of two cards, 4 and 5. */
const start = async (terminals = 3): Promise<void> => {
  company = await Company.open(cluster, { terminals, accounts: accountsOf(4, 1) });
};
const TWIN = [4, 5] as const;

describe('quotes', () => {
  it('two kiosks ask for the two cards of one account: one order at a time', async () => {
    await start();
    const gate = office(0).gate(/^INSERT INTO quotes/);
    const first = company.quote(0, TWIN[0], company.orderId(0), 0);
    await gate.reached;
    const second = company.quote(1, TWIN[1], company.orderId(1), 1);
    expect(await company.blocked(second)).toBe(true);
    gate.open();
    expect([(await first).ok, await second]).toMatchObject([
      true,
      { ok: false, error: { code: 'SALE-0107' } },
    ]);
    await sound();
  });

  it('a claim that ran out goes to the one that asks first; its old holder’s renewal finds that', async () => {
    await start();
    const old = company.orderId(0);
    await company.quoted(0, 0, old);
    company.now += QUOTE_CLAIM_MS + 1;
    const gate = office(0).gate(/^INSERT INTO claims/);
    const renewed = company.quote(0, 0, old, 0);
    await gate.reached;
    const other = company.quote(1, 0, company.orderId(1), 1);
    await company.blocked(other);
    gate.open();
    const answers = [await renewed, await other];
    expect(answers.filter((a) => a.ok)).toHaveLength(1);
    await sound();
  });

  it('a quote that is given back while it is given leaves nothing behind', async () => {
    await start();
    const orderId = company.orderId(0);
    const gate = office(0).gate(/^INSERT INTO claims/);
    const given = company.quote(0, 0, orderId, 0);
    await gate.reached;
    const back = company.client(0, 1).release(orderId);
    expect(await company.blocked(back)).toBe(true);
    gate.open();
    expect((await given).ok).toBe(true);
    expect((await back).ok).toBe(true);
    expect(await company.rows('SELECT state FROM quotes')).toEqual([{ state: 'released' }]);
    expect(await company.rows('SELECT * FROM claims')).toEqual([]);
    expect(await company.rows('SELECT state FROM reserves')).toEqual([{ state: 'released' }]);
    await sound();
  });

  it('a release that overtakes its quote: the quote is refused, and nothing is held', async () => {
    await start();
    const orderId = company.orderId(0);
    const gate = office(1).gate(/^SELECT .* FROM quotes|^SELECT \* FROM quotes/);
    const back = company.client(0, 1).release(orderId);
    await gate.reached;
    const late = company.quote(0, 0, orderId, 0);
    expect(await company.blocked(late)).toBe(true);
    gate.open();
    expect((await back).ok).toBe(true);
    expect(await late).toMatchObject({ ok: false, error: { code: 'BILL-0102' } });
    expect(await company.rows('SELECT * FROM claims')).toEqual([]);
    expect(await company.rows('SELECT * FROM reserves')).toEqual([]);
    await sound();
  });
});

describe('uploads', () => {
  it('the same batch over two lines counts once, and both are told so', async () => {
    await start();
    const { id, q } = await company.paid(0, 0);
    company.journal(0).delivered(id, q);
    const gate = office(0).gate(/^INSERT INTO journal_events/);
    const first = company.upload(0, 0);
    await gate.reached;
    const second = company.upload(0, 1);
    expect(await company.blocked(second)).toBe(true);
    gate.open();
    expect([await first, await second]).toEqual([[], []]);
    expect(
      await company.rows(`SELECT 1 FROM ledger WHERE kind IN ('captured', 'delivered')`),
    ).toHaveLength(2);
    await sound();
  });

  it('a customer buys again while the sale before is told: nobody has to begin again', async () => {
    await start();
    const { id, q } = await company.paid(0, 0);
    company.journal(0).delivered(id, q);
    await company.upload(0);
    company.journal(0).add('order-kept', id, { insertion: 1, record: '00FF' });
    // It holds the account, and is about to refer to its terminal.
    const gate = office(0).gate(/^INSERT INTO quotes/);
    const next = company.quote(0, 0, company.orderId(0), 0, COUNT + 2);
    await gate.reached;
    const told = company.upload(0, 1);
    expect(await company.blocked(told)).toBe(true);
    gate.open();
    expect((await next).ok).toBe(true);
    expect(await told).toEqual([]);
    expect(company.said).toEqual([]);
    await sound();
  });

  it('a delivery and the next quote: the account is read by one and then by the other', async () => {
    await start();
    const { id, q } = await company.paid(0, TWIN[0]);
    company.journal(0).delivered(id, q);
    const gate = office(0).gate(/^UPDATE accounts/);
    const told = company.upload(0, 0);
    await gate.reached;
    const quote = company.quote(1, TWIN[1], company.orderId(1), 1, COUNT + 2);
    expect(await company.blocked(quote)).toBe(true);
    gate.open();
    expect(await told).toEqual([]);
    expect((await quote).ok).toBe(true);
    await sound();
  });

  it('a kiosk’s word of another’s order, and that order itself: whichever waits is found', async () => {
    for (const ordersFirst of [true, false]) {
      await start();
      // Sold while the line was down: of its order central knows nothing yet.
      const id = company.orderId(0);
      const q = soldOffline(company.account(0), 1, id);
      tellTorn(id, q, 0);
      company.journal(1).assisted(company.journal(0).terminalId, id, q, 'after');
      const [one, two] = ordersFirst ? [0, 1] : [1, 0];
      // At the very end of its transaction: what it wrote is nobody else's to see yet.
      const gate = office(0).gate(/^UPDATE terminals SET last_upload_ms/);
      const first = company.upload(one, 0);
      await gate.reached;
      const second = company.upload(two, 1);
      expect(await company.blocked(second)).toBe(true);
      gate.open();
      expect([await first, await second]).toEqual([[], []]);
      expect(await open(company)).toEqual([]);
      expect(await company.rows('SELECT state, delivered_by FROM orders')).toEqual([
        { state: 'delivered', delivered_by: company.journal(1).terminalId },
      ]);
      await sound();
      if (ordersFirst) await company.close();
    }
  });

  it('a purchase that is told before the one that it follows waits for it, in the account’s row', async () => {
    await start();
    const { first, second } = await twoSales(company);
    const journal = company.journal(1);
    journal.quoted(second.id, second.q, company.account(0).userNo);
    journal.paid(second.id, second.q.amountFen);
    await company.upload(1);
    company.journal(0).paid(first.id, first.q.amountFen);
    company.journal(0).delivered(first.id, first.q);
    const gate = office(0).gate(/^UPDATE terminals SET last_upload_ms/);
    const frees = company.upload(0, 0);
    await gate.reached;
    // What it waits for is written, and nobody's to see yet.
    journal.delivered(second.id, second.q);
    const waits = company.upload(1, 1);
    expect(await company.blocked(waits)).toBe(true);
    gate.open();
    expect([await frees, await waits]).toEqual([[], []]);
    expect(await open(company)).toEqual([]);
    await sound();
  });

  /** Paid, torn in the write, and finished by another kiosk, as the order's own kiosk tells it. */
  function tellTorn(id: string, q: Quote, terminal: number): void {
    const journal = company.journal(terminal);
    journal.quoted(id, q, company.account(0).userNo, { offline: true });
    journal.paid(id, q.amountFen);
    journal.delivering(id, q);
    journal.inDoubt(id);
  }
});

describe('claims', () => {
  it('a write claim and a refund claim at once: one of them', async () => {
    await start();
    const { id, q } = await company.inDoubt(0, 0);
    company.now += CLAIM_MS + 1;
    const gate = office(0).gate(/^UPDATE orders SET write_terminal/);
    const write = company.client(1, 0).claim(id, 'write', q.cardNo);
    await gate.reached;
    const refund = company.client(0, 1).claim(id, 'refund', q.cardNo);
    expect(await company.blocked(refund)).toBe(true);
    gate.open();
    expect([(await write).ok, (await refund).ok]).toEqual([true, false]);
    await sound();
  });

  it('two refunds on a reader’s word at once, and a budget for one: one of them', async () => {
    const refundBudget = { ...REFUND_BUDGET, terminalDayFen: 10_000 };
    company = await Company.open(cluster, { terminals: 1, accounts: accountsOf(4), refundBudget });
    const [a, b] = [await company.inDoubt(0, 0), await company.inDoubt(0, 1)];
    company.now += CLAIM_MS + 1;
    const gate = office(0).gate(/^INSERT INTO unproven_refunds/);
    const first = company.client(0, 0).claim(a.id, 'refund', a.q.cardNo);
    await gate.reached;
    const second = company.client(0, 1).claim(b.id, 'refund', b.q.cardNo);
    expect(await company.blocked(second)).toBe(true);
    gate.open();
    expect([await first, await second]).toMatchObject([
      { ok: true },
      { ok: false, error: { code: 'BILL-0111' } },
    ]);
    await sound();
  });

  it('a write claim is not forgotten by facts that were read before it', async () => {
    await start();
    const { id, q } = await company.inDoubt(0, 0);
    company.now += CLAIM_MS + 1;
    const journal = company.journal(0);
    journal.add('order-kept', id, { insertion: 1, record: '00FF' });
    const gate = office(0).gate(/^UPDATE orders SET/);
    const told = company.upload(0, 0);
    await gate.reached;
    const write = company.client(1, 1).claim(id, 'write', q.cardNo);
    expect(await company.blocked(write)).toBe(true);
    gate.open();
    await told;
    expect((await write).ok).toBe(true);
    expect(await company.client(0, 1).claim(id, 'refund', q.cardNo)).toMatchObject({ ok: false });
    await sound();
  });
});

describe('persons', () => {
  it('two of them grant a new epoch at once: one epoch', async () => {
    await start();
    const journal = company.journal(0);
    await company.client(0).requestEpoch({
      epoch: 1,
      lastSeq: 0,
      lastHash: journal.hashAt(0),
      why: 'restored',
    });
    const gate = office(0).gate(/^UPDATE terminals SET epoch/);
    const first = office(0).central.grantEpoch(journal.terminalId);
    await gate.reached;
    const second = office(1).central.grantEpoch(journal.terminalId);
    expect(await company.blocked(second)).toBe(true);
    gate.open();
    expect([await first, await second]).toEqual([2, null]);
  });

  it('two of them settle a fact at once: one adjustment', async () => {
    await start();
    const journal = company.journal(0);
    journal.paid('PL-unknown', 100);
    const [seq] = (await company.upload(0)) as [number];
    const settlement = {
      terminalId: journal.terminalId,
      epoch: 1,
      seq,
      who: '王',
      why: '核对',
      adjustment: { amountFen: 100, reference: '7' },
    };
    const gate = office(0).gate(/^INSERT INTO ledger/);
    const first = settleQuarantined(office(0).db, settlement, company.now);
    await gate.reached;
    const second = settleQuarantined(office(1).db, settlement, company.now);
    expect(await company.blocked(second)).toBe(true);
    gate.open();
    expect([await first, await second]).toEqual([true, false]);
    expect(await company.rows('SELECT 1 FROM ledger')).toHaveLength(1);
  });
});

describe('processes that start at once', () => {
  it('bring an empty database to this version together', async () => {
    company = await Company.open(cluster, { offices: 0 });
    const dbs: Db[] = await Promise.all(Array.from({ length: 4 }, () => company.connect()));
    await Promise.all(dbs.map((db) => migrate(db)));
    const made = await company.rows<{ number: number }>('SELECT number FROM schema_migrations');
    expect(made.map((m) => m.number)).toEqual(MIGRATIONS.map((_, i) => i + 1));
    await Promise.all(dbs.map((db) => db.close()));
    await Promise.all([1, 2, 3].map(() => company.addOffice()));
    expect(await company.rows('SELECT 1 FROM accounts')).toHaveLength(24);
  });
});

/** Two purchases of account 0 in a row, sold by terminals 0 and 1; central forgot the second quote. */
export async function twoSales(
  at: Company,
): Promise<Record<'first' | 'second', { id: string; q: Quote }>> {
  const first = { id: at.orderId(0), q: {} as Quote };
  first.q = await at.quoted(0, 0, first.id);
  at.journal(0).quoted(first.id, first.q, at.account(0).userNo);
  const used = first.q.carriedAfterMicro;
  const tariff = DEMO_DATA.tariffs.find((t) => t.tariffId === first.q.tariffId);
  const priced = priceAmount(first.q.amountFen, used, first.q.quantity, tariff?.tiers ?? []);
  const q: Quote = {
    ...first.q,
    nextCount: first.q.nextCount + 1,
    quantity: priced.quantity,
    shares: [...priced.shares],
    carriedUsedMicro: used,
    carriedAfterMicro: priced.remainderMicro,
  };
  const id = at.orderId(1);
  const grant = at.journal(1).quoteGrant(id, q);
  return { first, second: { id, q: { ...q, grant } } };
}

describe('a grant to a card household', () => {
  const by = (): CardGrantParts => ({ nowMs: company.now, budget: GRANT_BUDGET, minFen: 1_000 });
  const asked = async (quantity = 500): Promise<number> => {
    const told = { number: company.account(0).userNo, quantity, reference: 'HB-1' };
    const said = await proposeCardGrant(
      office(0).db,
      { ...told, who: '王芳', why: '旧表余量' },
      by(),
    );
    if (!said.ok) throw new Error(said.bar);
    return said.id;
  };
  const confirm = (i: number, id: number): Promise<CardGranted> =>
    decideCardGrant(office(i).db, { id, verdict: 'confirmed', who: '李强', why: '核对过' }, by());
  const carried = async (): Promise<number> => {
    const [row] = await company.rows<{ micro: unknown }>(
      'SELECT carried_micro AS micro FROM accounts WHERE user_no = $1',
      [company.account(0).userNo],
    );
    return Number(row?.micro);
  };
  const year = async (): Promise<number> => {
    const [row] = await company.rows<{ quantity: unknown }>(
      `SELECT SUM(quantity) AS quantity FROM account_use WHERE user_no = $1 AND counter = 'year'`,
      [company.account(0).userNo],
    );
    return Number(row?.quantity);
  };
  const worth = async (id: number): Promise<number> => {
    const [row] = await company.rows<{ micro: unknown }>(
      'SELECT micro FROM card_grants WHERE id = $1',
      [id],
    );
    return Number(row?.micro);
  };

  it('that two confirm at once is given once', async () => {
    await start();
    const [before, id] = [await carried(), await asked()];
    const gate = office(0).gate(/^UPDATE accounts SET carried/);
    const first = confirm(0, id);
    await gate.reached;
    const second = confirm(1, id);
    expect(await company.blocked(second)).toBe(true);
    gate.open();
    expect([await first, await second]).toEqual([
      { ok: true, id },
      { ok: false, bar: 'gone' },
    ]);
    expect(await carried()).toBe(before + (await worth(id)));
    await sound();
  });

  it('and a quote at once: it is in the quote, or free after it', async () => {
    await start();
    const [before, id] = [await carried(), await asked()];
    const gate = office(0).gate(/^UPDATE accounts SET carried/);
    const granted = confirm(0, id);
    await gate.reached;
    const quote = company.quoted(0, 0, company.orderId(0), 1);
    expect(await company.blocked(quote)).toBe(true);
    gate.open();
    expect(await granted).toEqual({ ok: true, id });
    expect((await quote).carriedUsedMicro).toBe(before + (await worth(id)));
    expect(await carried()).toBe(0);
    await sound();
  });

  it('and a delivery at once: the year has what was bought, and not what was lost', async () => {
    // The purchase leads into the second tier, and what was lost is of that one.
    const accounts = accountsOf(4, 1).map((a) => ({ ...a, yearQuantity: 35_000 }));
    company = await Company.open(cluster, { terminals: 3, accounts });
    const { id: order, q } = await company.paid(0, 0);
    const [use, id] = [await year(), await asked()];
    company.journal(0).delivered(order, q);
    const gate = office(0).gate(/account_use/);
    const told = company.upload(0);
    await gate.reached;
    const granted = confirm(1, id);
    expect(await company.blocked(granted)).toBe(true);
    gate.open();
    expect(await told).toEqual([]);
    expect(await granted).toEqual({ ok: true, id });
    expect(await year()).toBe(use + q.quantity - 500);
    expect(await worth(id)).toBe(500 * 31_800);
    expect(await carried()).toBe(q.carriedAfterMicro + (await worth(id)));
    await sound();
  });
});
