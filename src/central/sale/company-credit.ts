import type { CreditLine } from '../../shared/sale.ts';
import type { CompanyCreditAccount } from '../../shared/company-accounts.ts';
import { keepRows, select, updateRows } from '../db/sets.ts';
import type { Sql } from '../db/sql.ts';
import type { CompanyTrouble } from './company-findings.ts';
import { isKeptFor } from './credit-terms.ts';
import { CREDIT_ACCOUNTS, CREDIT_ITEMS, ELSEWHERE, POSTINGS } from './credit-tables.ts';
import type { CreditItemRow } from './credit-tables.ts';

/**
 * Brings an account and its bills to what the company says, under the account's lock. A bill that
 * was paid here stays paid, whatever an answer says that was made before: it is open nowhere again
 * under this number, and what a part paid of it is not asked for again. A bill that is kept for an
 * order at this moment is left alone; one that the company does not name any more is withdrawn.
 * While a payment of the account is on its way to the account book, or came there about when the
 * company looked, the answer may be from before it: then nothing is taken of it.
 *
 * @param account null: nobody has this number
 * @returns why it cannot be; then nothing was changed
 */
export async function takeCreditAccount(
  tx: Sql,
  userNo: string,
  account: CompanyCreditAccount | null,
  nowMs: number,
): Promise<CompanyTrouble | null> {
  const [was] = await select(tx, CREDIT_ACCOUNTS, 'user_no = $1 FOR NO KEY UPDATE', [userNo]);
  if (account === null) {
    if (was !== undefined)
      await tx.query(`UPDATE credit_accounts SET state = 'closed' WHERE user_no = $1`, [userNo]);
    return null;
  }
  if (was !== undefined && (await isMoving(tx, userNo, account.asOfMs))) return null;
  const held = await select(tx, CREDIT_ITEMS, 'user_no = $1 FOR NO KEY UPDATE', [userNo]);
  const named = await tx.query<{ item: string; user_no: string }>(
    `SELECT item, user_no FROM credit_items WHERE item IN
       (SELECT x.item FROM json_to_recordset($1::json) AS x(item text))`,
    [JSON.stringify(account.items.map(({ item }) => ({ item })))],
  );
  const others = named.find((row) => row.user_no !== userNo);
  if (others !== undefined)
    return {
      kind: 'bill-changed',
      detail: `账单 ${others.item}：公司答属于户号 ${userNo}，原属于 ${others.user_no}`,
    };
  const row = {
    user_no: userNo,
    holder_name: account.holderName,
    address: account.address,
    state: account.closed ? ('closed' as const) : ('normal' as const),
    meter_no: account.topUp?.meterNo ?? null,
    top_up_payee: account.topUp?.payee ?? account.prepayPayee,
    balance_fen: account.balanceFen,
    on_the_way_fen: was?.on_the_way_fen ?? 0,
    topped_count: was?.topped_count ?? 0,
    topped_fen: was?.topped_fen ?? 0,
  };
  await (was === undefined ? keepRows : updateRows)(tx, CREDIT_ACCOUNTS, [row]);
  await takeBills(tx, account, held, nowMs);
  return null;
}

/** So far may the company's clock and central's be apart, and then some. */
const APART_MS = 120_000;

const isMoving = async (tx: Sql, userNo: string, asOfMs: number): Promise<boolean> =>
  (
    await tx.query(
      `SELECT 1 FROM postings WHERE user_no = $1 AND (state = 'posting'
         OR (state = 'posted' AND ended_ms > $2)) LIMIT 1`,
      [userNo, asOfMs - APART_MS],
    )
  ).length > 0;

async function takeBills(
  tx: Sql,
  account: CompanyCreditAccount,
  held: readonly CreditItemRow[],
  nowMs: number,
): Promise<void> {
  const known = new Map(held.map((row) => [row.item, row]));
  const free = (row: CreditItemRow): boolean => !isKeptFor(row, () => true, nowMs);
  const told = account.items.map((item) => billOf(account.userNo, item));
  const rises = told.some((bill) => {
    const was = known.get(bill.item);
    return (
      was !== undefined &&
      was.late_since !== null &&
      (bill.principal_fen > was.principal_fen || bill.late_fee_cap_fen > was.late_fee_cap_fen)
    );
  });
  const parted = rises ? await partPaid(tx, account.userNo) : new Set<string>();
  await keepRows(
    tx,
    CREDIT_ITEMS,
    told.filter((bill) => !known.has(bill.item)),
  );
  await updateRows(
    tx,
    CREDIT_ITEMS,
    told.flatMap((bill) => {
      const was = known.get(bill.item);
      // What was paid by an order of ours stays paid; what is in somebody's hands is left alone.
      if (was === undefined || !free(was)) return [];
      if (was.state === 'paid' && was.paid_by !== ELSEWHERE) return [];
      const late_since = laterOf(bill.late_since, was.late_since);
      if (!parted.has(bill.item)) return [{ ...bill, late_since }];
      const principal_fen = Math.min(bill.principal_fen, was.principal_fen);
      const late_fee_cap_fen = Math.min(bill.late_fee_cap_fen, was.late_fee_cap_fen);
      return [{ ...bill, late_since, principal_fen, late_fee_cap_fen }];
    }),
  );
  const named = new Set(account.items.map(({ item }) => item));
  await updateRows(
    tx,
    CREDIT_ITEMS,
    held.flatMap((was) =>
      named.has(was.item) || !free(was) || (was.state !== 'open' && was.state !== 'debited')
        ? []
        : [{ ...was, state: 'withdrawn' as const }],
    ),
  );
}

/** Bills of which orders of ours paid a part. */
async function partPaid(tx: Sql, userNo: string): Promise<ReadonlySet<string>> {
  const posted = await select(tx, POSTINGS, `user_no = $1 AND state = 'posted'`, [userNo]);
  return new Set(
    posted
      .flatMap((posting) => JSON.parse(posting.lines) as CreditLine[])
      .flatMap((line) => (line.restFen === undefined ? [] : [line.item])),
  );
}

/** A fee that was paid here is not asked for again, whether the company knows the day or not. */
const laterOf = (a: string | null, b: string | null): string | null =>
  a === null || (b !== null && b > a) ? b : a;

const billOf = (userNo: string, item: CompanyCreditAccount['items'][number]): CreditItemRow => ({
  item: item.item,
  user_no: userNo,
  kind: item.kind,
  payee: item.payee,
  period: item.period,
  principal_fen: item.principalFen,
  late_fee_e5: item.lateFee?.e5 ?? 0,
  late_fee_cap_fen: Math.min(item.lateFee?.capFen ?? 0, item.principalFen),
  due_date: item.dueDate,
  discount_fen: 0,
  discount_until: null,
  late_since: item.lateFee?.paidTo ?? null,
  details: JSON.stringify(item.details),
  consent_text: item.consentText,
  state: item.debited ? 'debited' : 'open',
  order_id: null,
  reserved_until_ms: null,
  paid_by: null,
  paid_ms: null,
});
