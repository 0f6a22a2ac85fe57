import { expect, it } from 'vitest';
import type { AccountBook, BookAnswer } from '../../../src/central/sale/account-book.ts';
import { CreditTerminal, paidSale, saleOf } from '../../support/credit.ts';
import type { CreditQuote } from '../../../src/shared/sale.ts';
import { CREDIT_POLICY } from '../../support/credit-books.ts';
import { DEMO_POLICY } from '../../../src/demo/central-data.ts';
import { openRoom } from './harness.ts';
import type { Room } from './harness.ts';

const T = '000000000311';
const U = '3000000002';
class Book implements AccountBook {
  readonly posted: string[] = [];
  lose = 0;
  how: 'queryable' | 'idempotent';
  constructor(how: 'queryable' | 'idempotent') {
    this.how = how;
  }
  manner = () => Promise.resolve(this.how);
  send = (p: { reference: string; amountFen: number }): Promise<BookAnswer> => {
    if (this.how === 'queryable' || !this.posted.includes(p.reference))
      this.posted.push(p.reference);
    if (this.lose-- > 0) return Promise.resolve({ kind: 'unknown', detail: 'lost' });
    return Promise.resolve({ kind: 'posted', voucher: `V-${p.reference}` } as BookAnswer);
  };
  ask = (p: { reference: string }): Promise<BookAnswer> =>
    Promise.resolve(
      this.posted.includes(p.reference)
        ? { kind: 'posted', voucher: `V-${p.reference}` }
        : { kind: 'unheard' },
    );
}
let room: Room;
const open = async (book: AccountBook) => {
  room = await openRoom('sqlite', 1, {
    creditAccounts: [
      {
        userNo: U,
        holderName: '李梅',
        address: '人民路 8 号',
        items: [
          { item: 'G1', kind: 'gas', payee: 'house', period: '2026-05', principalFen: 5_000 },
        ],
      },
    ],
    policy: { ...DEMO_POLICY, credit: CREDIT_POLICY },
    accountBook: book,
    clock: { nowMs: () => room.now, monoMs: () => room.now, after: () => () => undefined },
  });
};
const k = () =>
  new CreditTerminal(
    T,
    () => room.central,
    () => room.now,
  );
let n = 0;
async function quoted(amountFen: number, part = false): Promise<{ id: string; sale: CreditQuote }> {
  const id = `PL-${T}-1-${String(++n).padStart(4, '0')}-7000`;
  const said = await k().quote({
    orderId: id,
    userNo: U,
    payee: 'house',
    lines: [{ item: 'G1', amountFen, ...(part ? { part: true as const } : {}) }],
    asOfMs: room.now,
  });
  if (!said.ok) throw new Error(said.detail);
  return { id, sale: saleOf(said.value.quote) };
}
const post = async ({ id, sale }: { id: string; sale: CreditQuote }) => {
  const said = await k().post(id, paidSale(T, id, sale));
  return said.ok ? said.value.state : said.type;
};

for (const how of ['queryable', 'idempotent'] as const)
  it(`a rest that the book outside has (${how}) is not refused by a database that forgot its part`, async () => {
    const book = new Book(how);
    await open(book);
    const a = await quoted(2_000, true);
    expect(await post(a)).toBe('posted');
    const b = await quoted(3_000);
    book.lose = 1;
    expect(await post(b)).toBe('posting');
    expect(book.posted).toHaveLength(2);
    // The database goes on from a backup of the morning.
    await room.db.query('DELETE FROM postings');
    await room.db.query(
      `UPDATE credit_items SET state = 'open', principal_fen = 5000, late_since = NULL,
         order_id = NULL, reserved_until_ms = NULL, paid_by = NULL`,
    );
    const said = await post(b);
    await room.close();
    expect(said).not.toBe('refused');
  });

it('what a backup has as quoted is asked about before it is sent to a queryable book again', async () => {
  const book = new Book('queryable');
  await open(book);
  const a = await quoted(5_000);
  book.lose = 1;
  expect(await post(a)).toBe('posting');
  // The backup was made between the quote and the posting.
  await room.db.query(
    `UPDATE postings SET state = 'open', attempt_id = NULL, wallet_number = NULL, paid_ms = NULL,
       reference = NULL, posting_ms = NULL, book_manner = NULL, book_sent_ms = NULL, book_said = NULL,
       book_look_ms = NULL, consent = NULL`,
  );
  await room.db.query('DELETE FROM payment_evidence');
  room.now += 1_000;
  await room.db.query(`UPDATE database_lives SET since_ms = ${room.now}`);
  const said = await post(a);
  await room.close();
  expect(said).toBe('posted');
  expect(book.posted).toHaveLength(1);
});
