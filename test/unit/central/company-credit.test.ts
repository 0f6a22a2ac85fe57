import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BookAnswer, BookPosting } from '../../../src/central/sale/account-book.ts';
import type { CompanyAccounts } from '../../../src/central/sale/company-accounts.ts';
import { companyFindings } from '../../../src/central/sale/company-findings.ts';
import { companyCreditAnswerSchema } from '../../../src/shared/company-accounts.ts';
import type { CompanyCreditAccount } from '../../../src/shared/company-accounts.ts';
import { CreditTerminal, paidSale, saleOf } from '../../support/credit.ts';
import { openRoom } from './harness.ts';
import type { Room } from './harness.ts';

/** A company that keeps accounts without a card, and its account book, which answers when told. */
const USER = '3000000001';
const bill = (item: string, principalFen: number): CompanyCreditAccount['items'][number] => ({
  item,
  kind: 'gas',
  payee: 'house',
  period: '2026-05',
  details: [],
  principalFen,
  dueDate: null,
  lateFee: null,
  consentText: null,
  debited: false,
});
const SEALING = generateKeyPairSync('x25519')
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();
let room: Room;
let terminal: CreditTerminal;
let told: CompanyCreditAccount | null;
let away: boolean;
let inBook: BookPosting[];
let bookSays: (posting: BookPosting) => BookAnswer;
let orders = 0;

beforeEach(async () => {
  away = false;
  inBook = [];
  bookSays = () => ({ kind: 'posted', voucher: 'V1' });
  const company: CompanyAccounts = {
    credit: true,
    byCard: () => Promise.resolve({ kind: 'nobody' }),
    byUser: (userNo) =>
      Promise.resolve(
        away
          ? { kind: 'unknown', detail: 'no answer' }
          : told === null || told.userNo !== userNo
            ? { kind: 'nobody' }
            : { kind: 'known', account: { ...told, asOfMs: room.now }, etag: null },
      ),
    book: () => Promise.resolve({ state: 'unknown', detail: '' }),
  };
  told = {
    userNo: USER,
    holderName: '王国强',
    address: '清河路 12 号',
    closed: false,
    topUp: null,
    prepayPayee: null,
    balanceFen: 0,
    items: [bill('G1', 5_000), bill('G2', 7_000)],
    asOfMs: 0,
  };
  room = await openRoom('sqlite', 1, {
    accountSource: company,
    requestKeys: [SEALING],
    households: [{ userNo: USER, phoneLast4: '6212', uses: [] }],
    accountBook: {
      manner: () => Promise.resolve('idempotent'),
      send: (posting) => {
        const said = bookSays(posting);
        if (said.kind === 'posted') inBook.push(posting);
        return Promise.resolve(said);
      },
      ask: () => Promise.resolve({ kind: 'unheard' }),
    },
  });
  terminal = new CreditTerminal(
    room.terminals[0]?.id ?? '',
    () => room.central,
    () => room.now,
  );
});
afterEach(() => room.close());

async function owed(): Promise<readonly (readonly [string, number])[]> {
  const said = await terminal.account(USER);
  if (!said.ok) throw new Error(said.detail);
  return said.value.account.items.map((i) => [i.item, i.dueFen] as const);
}
async function pay(item: string, amountFen: number) {
  const account = await terminal.account(USER);
  if (!account.ok) throw new Error(account.detail);
  const orderId = `PL-${terminal.id}-1-${String(++orders).padStart(4, '0')}-${7_000 + orders}`;
  const quote = await terminal.quote({
    orderId,
    userNo: USER,
    payee: 'house',
    lines: [{ item, amountFen }],
    asOfMs: account.value.account.asOfMs,
  });
  if (!quote.ok) return quote;
  return terminal.post(orderId, paidSale(terminal.id, orderId, saleOf(quote.value.quote)));
}
const later = (): void => void (room.now += 3_600_000);

describe('accounts without a card that a company keeps', () => {
  it('are told as it says now: new bills, other sums, withdrawn ones, and a number that nobody has', async () => {
    expect(await owed()).toEqual([
      ['G1', 5_000],
      ['G2', 7_000],
    ]);
    told = { ...(told as CompanyCreditAccount), items: [bill('G2', 6_000), bill('G3', 100)] };
    expect(await owed()).toEqual([
      ['G2', 6_000],
      ['G3', 100],
    ]);
    told = null;
    expect(await terminal.account(USER)).toMatchObject({ ok: false, type: 'unknown-user' });
  });

  it('a holder who looks at his own account is told its balance of now, or nothing', async () => {
    const look = () =>
      room.terminals[0]?.client.myAccount({ by: 'number', userNo: USER, last4: '6212' });
    const topUp = { payee: 'house', meterNo: '0270004401' };
    told = { ...(told as CompanyCreditAccount), topUp, balanceFen: 1_000 };
    expect(await look()).toMatchObject({
      ok: true,
      value: { balance: { fen: 1_000 } },
    });
    told = { ...told, balanceFen: 700 };
    expect(await look()).toMatchObject({ ok: true, value: { balance: { fen: 700 } } });
    away = true;
    expect(await look()).toMatchObject({ ok: false });
  });

  it('an answer that names a bill twice says nothing', () => {
    const answer = (...items: CompanyCreditAccount['items']) =>
      companyCreditAnswerSchema.safeParse({ state: 'known', account: { ...told, items } });
    expect(answer(bill('G1', 100), bill('G2', 100)).success).toBe(true);
    expect(answer(bill('G1', 100), bill('G1', 9_000)).success).toBe(false);
  });

  it('nothing is told or quoted while it does not answer', async () => {
    await owed();
    away = true;
    expect(await terminal.account(USER)).toMatchObject({ ok: false, status: 503 });
  });

  it('a bill that was paid here stays paid, whatever an answer of before says', async () => {
    expect(await pay('G1', 5_000)).toMatchObject({ ok: true, value: { state: 'posted' } });
    expect(inBook.map((p) => p.amountFen)).toEqual([5_000]);
    // The company's answer still has it: from books of a moment before, and (wrongly) for ever.
    expect(await owed()).toEqual([['G2', 7_000]]);
    later();
    expect(await owed()).toEqual([['G2', 7_000]]);
    expect(await pay('G1', 5_000)).toMatchObject({ ok: false, type: 'item-taken' });
    expect(inBook).toHaveLength(1);
  });

  it('the late fee that a part paid is not asked for again, though the company says nothing of it', async () => {
    const late = (principalFen: number): CompanyCreditAccount['items'][number] => ({
      ...bill('G1', principalFen),
      dueDate: '2026-05-01',
      lateFee: { e5: 50, capFen: 2_000, paidTo: null },
    });
    told = { ...(told as CompanyCreditAccount), items: [late(10_000)] };
    const [[, dueFen] = ['', 0]] = await owed();
    expect(dueFen).toBe(10_140);
    const account = await terminal.account(USER);
    if (!account.ok) throw new Error(account.detail);
    const orderId = `PL-${terminal.id}-1-0700-7700`;
    const quote = await terminal.quote({
      orderId,
      userNo: USER,
      payee: 'house',
      lines: [{ item: 'G1', amountFen: 4_140, part: true }],
      asOfMs: account.value.account.asOfMs,
    });
    if (!quote.ok) throw new Error(quote.detail);
    await terminal.post(orderId, paidSale(terminal.id, orderId, saleOf(quote.value.quote)));
    expect(inBook.map((p) => p.amountFen)).toEqual([4_140]);
    told = { ...told, items: [late(6_000)] };
    later();
    expect(await owed()).toEqual([['G1', 6_000]]);
    // It goes on from a backup, or withdraws the bill and names it again: the part stays paid.
    told = { ...told, items: [late(10_000)] };
    expect(await owed()).toEqual([['G1', 6_000]]);
    told = { ...told, items: [] };
    expect(await owed()).toEqual([]);
    told = { ...told, items: [late(10_000), bill('G2', 8_000)] };
    expect(await owed()).toEqual([
      ['G1', 6_000],
      ['G2', 8_000],
    ]);
    // The fee goes on from the day of the part, and both parts of it are within its cap.
    room.now += 400 * 86_400_000;
    expect(await owed()).toContainEqual(['G1', 6_000 + (400 * 6_000 * 50) / 100_000]);
    room.now += 700 * 86_400_000;
    expect(await owed()).toContainEqual(['G1', 6_000 + 2_000 - 140]);
  });

  it('while a posting is under way nothing of an answer is taken, and the bill is nobody else’s', async () => {
    bookSays = () => ({ kind: 'unknown', detail: 'lost' });
    expect(await pay('G1', 5_000)).toMatchObject({ ok: true, value: { state: 'posting' } });
    told = { ...(told as CompanyCreditAccount), items: [bill('G1', 9_000)] };
    expect((await owed()).map(([item]) => item)).not.toContain('G1');
    bookSays = () => ({ kind: 'posted', voucher: 'V2' });
    later();
    await room.central.sweepPayments();
    expect(inBook.map((p) => p.amountFen)).toEqual([5_000]);
    later();
    expect(await owed()).toEqual([]);
  });

  it('a bill that is kept for an order keeps its terms; another account’s bill is refused and shown', async () => {
    const account = await terminal.account(USER);
    if (!account.ok) throw new Error(account.detail);
    const orderId = `PL-${terminal.id}-1-0800-7800`;
    const quote = await terminal.quote({
      orderId,
      userNo: USER,
      payee: 'house',
      lines: [{ item: 'G1', amountFen: 5_000 }],
      asOfMs: account.value.account.asOfMs,
    });
    if (!quote.ok) throw new Error(quote.detail);
    told = { ...(told as CompanyCreditAccount), items: [bill('G1', 8_000), bill('G2', 7_000)] };
    await owed();
    const posted = await terminal.post(
      orderId,
      paidSale(terminal.id, orderId, saleOf(quote.value.quote)),
    );
    expect(posted).toMatchObject({ ok: true, value: { state: 'posted' } });
    expect(inBook[0]?.amountFen).toBe(5_000);

    later();
    told = { ...told, userNo: '3000000002', items: [bill('G2', 1)] };
    expect(await terminal.account('3000000002')).toMatchObject({ ok: false, status: 503 });
    expect((await companyFindings(room.db)).map((f) => f.kind)).toEqual(['bill-changed']);
  });
});
