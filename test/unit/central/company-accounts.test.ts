import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitingCounts } from '../../../src/central/console/waiting-counts.ts';
import { httpCompanyAccounts } from '../../../src/central/sale/company-accounts-http.ts';
import type { CompanyAccounts } from '../../../src/central/sale/company-accounts.ts';
import { companyFindings } from '../../../src/central/sale/company-findings.ts';
import { openPurchases } from '../../../src/central/sale/company-teller.ts';
import { look } from '../../../src/central/staff/alarms/rules.ts';
import type { Quote } from '../../../src/shared/central-api/index.ts';
import type { Clock } from '../../../src/shared/ports.ts';
import { createCompanySystem } from '../../../src/simulator/company-accounts/system.ts';
import type {
  CompanySystem,
  SimAccount,
  SimFault,
} from '../../../src/simulator/company-accounts/system.ts';
import { openRoom } from './harness.ts';
import type { Engine, Room, Terminal } from './harness.ts';

const TIERS = [
  { uptoQuantity: 36_000, priceE4: 26_500 },
  { uptoQuantity: null, priceE4: 31_800 },
];
const TARIFF = { tariffId: 'company-gas', version: 1, tiers: TIERS };
const account = (n: number, over: Partial<SimAccount> = {}): SimAccount => ({
  cardNo: `880000500${n}`,
  userNo: `100220500${n}`,
  holderName: '王小明',
  meterNo: `M500${n}`,
  kind: 'gas',
  unit: 'volume',
  state: 'normal',
  count: 12,
  cumulative: 60_000,
  yearQuantity: 5_000,
  ceilingQuantity: 100_000,
  perPurchaseQuantity: null,
  limit: null,
  tariff: TARIFF,
  announced: [],
  ...over,
});
const CARD = account(1).cardNo;
const USER = account(1).userNo;

let dir: string;
let room: Room;
let company: CompanySystem;
let port: number;
let clock: Clock;
let counter: number;
/** So far the company's clock is behind central's, ms. */
let behindMs = 0;
/** What an answer of the company's waits for on its way. */
let onTheWay: (kind: string) => Promise<void> = () => Promise.resolve();
const t = (i = 0): Terminal => room.terminals[i] as Terminal;

const source = (): CompanyAccounts =>
  httpCompanyAccounts({
    baseUrl: `http://127.0.0.1:${port}`,
    secret: 's3',
    clock,
    // Longer than a busy machine's pauses: only a system that is silent is waited for so long.
    timeoutMs: 1_000,
  });
/** Central's clock, and real time for time-outs. */
const clockOf = (now: () => number): Clock => ({
  nowMs: now,
  monoMs: () => performance.now(),
  after: (ms, fn) => {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
});

async function open(engine: Engine = 'sqlite', accounts = [account(1), account(2)]): Promise<void> {
  counter = 0;
  let now = (): number => 1_780_000_000_000;
  clock = clockOf(() => now());
  company = createCompanySystem({
    secret: 's3',
    now: () => now() - behindMs,
    accounts,
    file: path.join(dir, 'company.jsonl'),
  });
  port = await company.listen();
  room = await openRoom(engine, 2, {
    accounts: [],
    claims: [],
    tariffs: [],
    accountSource: {
      credit: false,
      byCard: async (...args) => {
        const said = await source().byCard(...args);
        await onTheWay(said.kind);
        return said;
      },
      byUser: (...args) => source().byUser(...args),
      book: (...args) => source().book(...args),
    },
  });
  now = () => room.now;
}
/** The company's process ends, and comes again with its file. */
async function restartCompany(): Promise<void> {
  await company.close();
  const { fault: _was } = company;
  company = createCompanySystem({
    secret: 's3',
    now: () => room.now,
    accounts: [account(1), account(2)],
    file: path.join(dir, 'company.jsonl'),
  });
  port = await company.listen();
}
beforeEach(() => {
  behindMs = 0;
  onTheWay = () => Promise.resolve();
  dir = mkdtempSync(path.join(tmpdir(), 'pilotlight-company-'));
});
afterEach(async () => {
  await room.close();
  await company.close();
  rmSync(dir, { recursive: true, force: true });
});

const told = async (cardNo = CARD, i = 0) => t(i).client.account(cardNo);
async function known(cardNo = CARD) {
  const answer = await told(cardNo);
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
  return answer.value.account;
}
async function quoted(i = 0, cardNo = CARD, amountFen = 5_000): Promise<Quote> {
  const { count } = await known(cardNo);
  const orderId = `PL-${t(i).id}-1-${String(++counter).padStart(4, '0')}-${7_000 + counter}`;
  const q = await t(i).client.quote({ orderId, cardNo, nextCount: count + 1, amountFen });
  if (!q.ok) throw new Error(JSON.stringify(q.error));
  return q.value;
}
async function sold(i = 0, cardNo = CARD, amountFen = 5_000): Promise<Quote> {
  const q = await quoted(i, cardNo, amountFen);
  const { journal } = t(i);
  journal.quoted(q.orderId ?? '', q, cardNo === CARD ? USER : account(2).userNo);
  journal.paid(q.orderId ?? '', amountFen);
  journal.delivered(q.orderId ?? '', q);
  expect(await t(i).upload()).toEqual([]);
  return q;
}
const booked = () =>
  company.purchases().map(({ orderId, tellNo, what }) => [orderId, tellNo, what]);
const states = async () =>
  (
    await room.db.query<{ tell_no: unknown; state: string }>(
      'SELECT tell_no, state FROM company_purchases ORDER BY user_no, tell_no',
    )
  ).map((r) => `${Number(r.tell_no)} ${r.state}`);
const findings = async () => (await companyFindings(room.db)).map((f) => f.kind);

/** What the first page says that waits of it, and what the alarm is measured by. */
const waits = async () => [
  (await waitingCounts(room.db, room.now)).find(({ kind }) => kind === 'company')?.count,
  (await look(room.db, room.now)).get('CROSS-CHECK')?.[0]?.measure,
];

const host = { host: '127.0.0.1' };
async function staffPage(target: string): Promise<string> {
  const answer = await room.central.staff({
    method: 'GET',
    target,
    headers: host,
    body: new Uint8Array(0),
  });
  expect([target, answer.status]).toEqual([target, 200]);
  return answer.body;
}
const decided = async (target: string, form: URLSearchParams): Promise<number> =>
  (
    await room.central.staff({
      method: 'POST',
      target,
      headers: { ...host, 'content-type': 'application/x-www-form-urlencoded' },
      body: Buffer.from(form.toString()),
    })
  ).status;

describe.each(['postgres', 'sqlite'] as const)('accounts that a company keeps, on %s', (engine) => {
  it('are sold to whatever its texts hold: one that no database keeps stops no customer', async () => {
    await open(engine, [account(1, { holderName: '王\0小\ud800', meterNo: 'M\0' })]);
    await sold();
    expect(await known()).toMatchObject({ userNo: USER, meterNo: 'M\uFFFD', count: 13 });
  });

  it('are told, priced, sold to and told of, and nobody counts anything twice', async () => {
    await open(engine);
    expect(await known()).toMatchObject({
      userNo: USER,
      holderName: '王*明',
      count: 12,
      cumulative: 60_000,
      yearQuantity: 5_000,
      tariff: TARIFF,
    });
    const q = await sold();
    expect(q.quantity).toBe(1886);
    // Not told yet: the company still says 12, and central adds what is on its way.
    expect(await known()).toMatchObject({ count: 13, cumulative: 61_886, yearQuantity: 6_886 });
    await room.central.sweepPayments();
    expect(booked()).toEqual([[q.orderId, 1, 'delivered']]);
    // Told: the company says 13 itself.
    expect(await known()).toMatchObject({ count: 13, cumulative: 61_886, yearQuantity: 6_886 });
    await room.central.sweepPayments();
    expect(company.purchases()).toHaveLength(1);
    expect(await states()).toEqual(['1 booked']);
    const again = await sold(1);
    expect(await known()).toMatchObject({ count: 14 });
    await room.central.sweepPayments();
    expect(booked()).toEqual([
      [q.orderId, 1, 'delivered'],
      [again.orderId, 2, 'delivered'],
    ]);
    expect(await known()).toMatchObject({ count: 14 });
  });
});

describe('accounts that a company keeps', () => {
  it('a card that it does not know is told so; one that it cannot tell of is not', async () => {
    await open();
    expect(await told('8800005999')).toMatchObject({ ok: false, error: { code: 'SALE-0103' } });
    await company.close();
    expect(await told()).toMatchObject({ ok: false, error: { code: 'BILL-0101' } });
    await restartCompany();
    expect((await known()).count).toBe(12);
  });

  it.each<SimFault>([
    'silent',
    'lost-answer',
    'error-500',
    'not-json',
    'other-form',
    'other-thing',
    'old-books',
  ])(
    '%s: nothing is told or quoted by a guess, what was sold is told once it answers, once',
    async (fault) => {
      await open();
      const q = await sold();
      company.fault = fault;
      expect(await told()).toMatchObject({ ok: false, error: { code: 'BILL-0101' } });
      const asked = await t().client.quote({
        orderId: `PL-${t().id}-1-0900-7900`,
        cardNo: CARD,
        nextCount: 14,
        amountFen: 5_000,
      });
      expect(asked).toMatchObject({ ok: false, error: { code: 'BILL-0101' } });
      await room.central.sweepPayments();
      // A system whose books are old or whose answer is lost has booked it all the same.
      const heard = fault === 'old-books' ? 'booked' : 'waiting';
      expect(await states()).toEqual([`1 ${heard}`]);
      expect(company.purchases()).toHaveLength(
        ['lost-answer', 'other-thing', 'old-books'].includes(fault) ? 1 : 0,
      );
      company.fault = 'none';
      room.now += 3_600_000;
      await room.central.sweepPayments();
      expect(booked()).toEqual([[q.orderId, 1, 'delivered']]);
      expect(await states()).toEqual(['1 booked']);
      expect((await known()).count).toBe(13);
    },
  );

  it('it ends between booking and answering, and goes on from its file: nothing is booked twice', async () => {
    await open();
    const orders = [(await sold()).orderId, (await sold(1)).orderId];
    company.fault = 'lost-answer';
    await room.central.sweepPayments();
    expect(company.purchases()).toHaveLength(1);
    await restartCompany();
    expect(company.purchases()).toHaveLength(1);
    // Between the two the figures hold what was heard and what was not, each once.
    expect((await known()).count).toBe(14);
    room.now += 3_600_000;
    await room.central.sweepPayments();
    expect(booked().map(([id]) => id)).toEqual(orders);
    expect((await known()).count).toBe(14);
  });

  it('it goes on from a backup, and is told again what it forgot', async () => {
    await open();
    for (let i = 0; i < 3; i++) {
      await sold(i % 2);
      await room.central.sweepPayments();
    }
    expect(company.purchases()).toHaveLength(3);
    company.forget(2);
    // Counts do not fall: what it forgot is on the card, and is told again.
    expect((await known()).count).toBe(15);
    expect(await states()).toEqual(['1 booked', '2 waiting', '3 waiting']);
    await room.central.sweepPayments();
    expect(company.purchases().map((p) => p.tellNo)).toEqual([1, 2, 3]);
    expect((await known()).count).toBe(15);
  });

  it('it forgot, and nobody looked the card up since: the next purchase finds it out', async () => {
    await open();
    for (let i = 0; i < 2; i++) {
      await sold(i);
      await room.central.sweepPayments();
    }
    const q = await sold();
    company.forget(2);
    await room.central.sweepPayments();
    expect(await states()).toEqual(['1 waiting', '2 waiting', '3 waiting']);
    room.now += 3_600_000;
    await room.central.sweepPayments();
    expect(company.purchases().map((p) => p.tellNo)).toEqual([1, 2, 3]);
    expect(company.purchases().at(-1)?.orderId).toBe(q.orderId);
  });

  it('it forgot what it had refused: that is told again too, and stands in nobody’s way', async () => {
    await open();
    await sold();
    company.fault = 'refuses';
    await room.central.sweepPayments();
    company.fault = 'none';
    company.forget(1);
    const q = await sold(1);
    await room.central.sweepPayments();
    room.now += 3_600_000;
    await room.central.sweepPayments();
    expect(await states()).toEqual(['1 booked', '2 booked']);
    expect(company.purchases().at(-1)?.orderId).toBe(q.orderId);
    expect((await known()).count).toBe(14);
  });

  it('sales at its counters move the count; a wrong count heals with the next right one', async () => {
    await open();
    await sold();
    company.change(CARD, { count: 15 });
    expect((await known()).count).toBe(16);
    company.change(CARD, { count: 12 });
    expect((await known()).count).toBe(13);
  });

  it('a count below what is on the card sells nothing, and is shown to staff until it is right', async () => {
    await open();
    await sold();
    await room.central.sweepPayments();
    company.change(CARD, { count: 11 });
    expect(await told()).toMatchObject({ ok: false, error: { code: 'BILL-0101' } });
    expect(await findings()).toEqual(['count-behind']);
    expect(await waits()).toEqual([1, 1]);
    company.change(CARD, { count: 12 });
    expect((await known()).count).toBe(13);
    expect(await findings()).toEqual([]);
    expect(await waits()).toEqual([0, 0]);
    // So is what it will never book.
    company.fault = 'refuses';
    await sold();
    await room.central.sweepPayments();
    expect(await waits()).toEqual([1, 1]);
  });

  it('another price under the same version, another unit, or another account of a card sells nothing', async () => {
    await open();
    await known();
    const cheap = { ...TARIFF, tiers: [{ uptoQuantity: null, priceE4: 1 }] };
    for (const [over, kind] of [
      [{ tariff: cheap }, 'tariff-changed'],
      [{ tariff: TARIFF, unit: 'money' }, 'other-kind'],
      [{ unit: 'volume', userNo: account(2).userNo }, 'card-moved'],
    ] as const) {
      company.change(CARD, over);
      expect(await told()).toMatchObject({ ok: false, error: { code: 'BILL-0101' } });
      expect(await findings()).toContain(kind);
    }
    company.change(CARD, { userNo: USER });
    expect(await known()).toMatchObject({ userNo: USER, tariff: TARIFF });
    expect(await findings()).toEqual([]);
  });

  it('a new version sells at its price; what is announced holds from its day, and what is withdrawn never', async () => {
    await open();
    await known();
    const fromMs = room.now + 1_000_000;
    const next = { ...TARIFF, version: 2, tiers: [{ uptoQuantity: null, priceE4: 50_000 }] };
    company.change(CARD, { announced: [{ fromMs, tariff: next }] });
    expect((await known()).announced).toEqual([{ fromMs, tariff: next }]);
    company.change(CARD, { announced: [] });
    expect((await known()).announced).toBeUndefined();
    room.now = fromMs + 1;
    expect((await known()).tariff.version).toBe(1);
    company.change(CARD, { tariff: next });
    expect((await quoted()).quantity).toBe(1_000);
  });

  it('a purchase that it refuses for ever is shown to staff; the next is told, and the count stays right', async () => {
    await open();
    const bad = await sold();
    company.fault = 'refuses';
    await room.central.sweepPayments();
    company.fault = 'none';
    expect(await states()).toEqual(['1 refused']);
    expect((await openPurchases(room.db)).map((p) => [p.order_id, p.said])).toEqual([
      [bad.orderId, 'the account is closed'],
    ]);
    // It is on the card, whatever the company says of it.
    expect((await known()).count).toBe(13);
    await sold(1);
    await room.central.sweepPayments();
    expect(await states()).toEqual(['1 refused', '2 booked']);
    expect((await known()).count).toBe(14);
    // Staff see it, enter it at the company by hand, and say so: its own count has it, and central
    // adds it no more.
    const list = await staffPage('/console/company');
    expect(list).toContain('公司不收');
    const link = /href="(\/console\/company\/purchase[^"]+)"/.exec(list)?.[1] ?? '';
    const form = await staffPage(link.replaceAll('&amp;', '&'));
    expect(form).toContain(bad.orderId);
    company.change(CARD, { count: 13 });
    const token = /name="token" value="([^"]+)"/.exec(form)?.[1] ?? '';
    const body = new URLSearchParams({ token, user: USER, no: '1', who: '张会计', why: '补记' });
    expect(await decided('/console/company/purchase', body)).toBe(303);
    expect(await decided('/console/company/purchase', body)).toBe(409);
    expect(await states()).toEqual(['1 settled', '2 booked']);
    expect((await known()).count).toBe(14);
  });

  it('an order that is refunded is told too, and moves no count', async () => {
    await open();
    const q = await quoted();
    const id = q.orderId ?? '';
    const { journal } = t();
    journal.quoted(id, q, USER);
    journal.paid(id, q.amountFen);
    journal.delivering(id, q);
    expect(await t().upload()).toEqual([]);
    const claim = await t().client.claim(id, 'refund', CARD, undefined, {
      unwritten: 'unexposed',
      writes: 1,
    });
    if (!claim.ok) throw new Error(JSON.stringify(claim.error));
    const attemptId = `${id}/1`;
    journal.add('order-refunding', id, {
      attemptId,
      failure: { code: 'CARD-0203' },
      grant: journal.refundClaim(id, CARD),
    });
    journal.add('attempt-refunded', id, { attemptId, refundId: 'R', amountFen: q.amountFen });
    journal.add('order-refunded', id, { attemptId });
    expect(await t().upload()).toEqual([]);
    await room.central.sweepPayments();
    expect(booked()).toEqual([[id, 1, 'refunded']]);
    expect((await known()).count).toBe(12);
  });

  it('this database forgot purchases: nothing is sold to the account until they are told again', async () => {
    await open();
    await sold();
    await room.central.sweepPayments();
    await room.db.query('UPDATE accounts SET told_no = 0, count = 12 WHERE user_no = $1', [USER]);
    await room.db.query('DELETE FROM company_purchases');
    expect(await told()).toMatchObject({ ok: false, error: { code: 'BILL-0101' } });
    expect(await findings()).toEqual(['forgotten-here']);
  });

  it('a limit holds by what the company counted and what it is told by and by, each once', async () => {
    const limit = { quantity: 3_000, every: 'month', left: 3_000 };
    await open('sqlite', [account(1, { limit }), account(2)]);
    await sold();
    expect(await known()).toMatchObject({ periodLeftQuantity: 1_114, limit: { quantity: 3_000 } });
    await room.central.sweepPayments();
    expect(await known()).toMatchObject({ periodLeftQuantity: 1_114 });
    const asked = await t().client.quote({
      orderId: `PL-${t().id}-1-0901-7901`,
      cardNo: CARD,
      nextCount: 14,
      amountFen: 5_000,
    });
    expect(asked).toMatchObject({ ok: false, error: { code: 'SALE-0105' } });
  });

  it('a card that two kiosks ask for at once for the first time is one account; nothing waits longer by a kiosk’s dead clock', async () => {
    await open('postgres');
    const both = await Promise.all([told(CARD, 0), told(CARD, 1), told(CARD, 0), told(CARD, 1)]);
    expect(both.map((a) => a.ok)).toEqual([true, true, true, true]);
    const q = await quoted();
    t().journal.quoted(q.orderId ?? '', q, USER);
    t().journal.paid(q.orderId ?? '', q.amountFen);
    t().journal.raw('order-delivering', q.orderId, {
      insertion: 1,
      before: '',
      after: '',
      cumulative: 0,
      plan: [],
    });
    const body = { by: 'read-back', count: q.nextCount, quantity: q.quantity, cumulative: 0 };
    t().journal.raw('order-delivered', q.orderId, body, -1_700_000_000_000);
    expect(await t().upload()).toEqual([]);
    company.fault = 'error-500';
    await room.central.sweepPayments();
    company.fault = 'none';
    room.now += 5_000;
    await room.central.sweepPayments();
    expect(booked()).toEqual([[q.orderId, 1, 'delivered']]);
  });

  it('a count does not move under an order that holds it', async () => {
    await open();
    const q = await quoted();
    company.change(CARD, { count: 20 });
    expect(await known()).toMatchObject({ count: 12, claim: { orderId: q.orderId } });
    t().journal.quoted(q.orderId ?? '', q, USER);
    t().journal.paid(q.orderId ?? '', q.amountFen);
    t().journal.delivered(q.orderId ?? '', q);
    expect(await t().upload()).toEqual([]);
    expect((await known()).count).toBe(21);
  });

  it('two kiosks look a card up while it is told of: every answer has the same count', async () => {
    await open('postgres');
    await sold();
    const answers = await Promise.all([
      known(),
      room.central.sweepPayments().then(() => known()),
      known(),
      room.central.sweepPayments().then(() => known()),
    ]);
    expect(answers.map((a) => a.count)).toEqual([13, 13, 13, 13]);
    expect(company.purchases()).toHaveLength(1);
  });

  it('an answer that stands is not sent again: 304, and as of now', async () => {
    await open();
    await known();
    room.now += 7_200_000;
    expect(await known()).toMatchObject({ count: 12, asOfMs: room.now });
  });

  it('what it says after a 304 counts, though its clock is behind central’s', async () => {
    await open();
    behindMs = 30_000;
    await known();
    room.now += 7_200_000;
    await known();
    // Stopped at its counter, and sold to there.
    company.change(CARD, { state: 'hot-listed', count: 13 });
    room.now += 1_000;
    expect(await known()).toMatchObject({ state: 'hot-listed', count: 13 });
  });

  it('a 304 that is overtaken on its way by a newer answer brings nothing back', async () => {
    await open();
    await known();
    let arrives = (): void => undefined;
    const late = new Promise<void>((done) => (arrives = done));
    let stands = (): void => undefined;
    const stood = new Promise<void>((done) => (stands = done));
    onTheWay = (kind) => {
      if (kind !== 'unchanged') return Promise.resolve();
      stands();
      return late;
    };
    const first = known();
    await stood;
    room.now += 1_000;
    company.change(CARD, { state: 'hot-listed', count: 13 });
    expect(await known()).toMatchObject({ state: 'hot-listed', count: 13 });
    room.now += 1_000;
    arrives();
    expect(await first).toMatchObject({ state: 'hot-listed', count: 13 });
  });

  it('the two accounts wait for nobody but themselves', async () => {
    await open();
    await sold(0);
    company.fault = 'error-500';
    await room.central.sweepPayments();
    company.fault = 'none';
    const other = await sold(1, account(2).cardNo);
    await room.central.sweepPayments();
    expect(booked()).toEqual([[other.orderId, 1, 'delivered']]);
  });

  it('central is killed with purchases untold, and another process tells each once', async () => {
    await open();
    const first = await sold();
    company.fault = 'lost-answer';
    await room.central.sweepPayments();
    company.fault = 'none';
    // Another life of central on the same database.
    await room.central.close();
    await room.central.open();
    room.now += 3_600_000;
    await Promise.all([room.central.sweepPayments(), room.central.sweepPayments()]);
    expect(booked()).toEqual([[first.orderId, 1, 'delivered']]);
  });
});
