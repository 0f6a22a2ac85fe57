import { USER_NO } from '../../shared/central-api/credit.ts';
import { MAX_LATE_FEE_E5 } from '../../shared/company-accounts.ts';
import { MAX_FEN, MAX_UNITS } from '../../shared/facts/bounds.ts';
import {
  anyOf,
  insertRows,
  list,
  nullable,
  select,
  table,
  text,
  updateRows,
  whole,
} from '../db/sets.ts';
import type { RowOf } from '../db/sets.ts';
import type { Script, Sql } from '../db/sql.ts';
import { CREDIT_ACCOUNTS, CREDIT_ITEMS } from '../sale/credit-tables.ts';
import type { CreditAccountRow, CreditItemRow } from '../sale/credit-tables.ts';
import { enterBilledMonths } from '../use/households.ts';
import { chunks, differing, into, narrowed } from './import-apply.ts';
import type { ImportPlan, Say, SubjectChange } from './import-apply.ts';
import {
  choiceColumn,
  dayColumn,
  decimalColumn,
  idColumn,
  readRows,
  textColumn,
  UTILITIES,
} from './import-columns.ts';
import type { ImportRow } from './import-columns.ts';
import type { ImportProblem, ImportTable } from './import-file.ts';

const user = idColumn(
  ['户号', '用户编号'],
  USER_NO,
  'a user number has 4 to 20 digits and letters',
);
const YUAN = { what: 'yuan', decimals: 2, max: MAX_FEN };
const payee = (otherwise?: string) => textColumn(['收款方'], 32, otherwise);
/** Columns of a file of accounts without a card: an IoT meter that is topped up, or bills. */
export const CREDIT_COLUMNS = {
  userNo: user,
  holderName: textColumn(['户名', '姓名'], 60),
  address: textColumn(['地址', '用气地址'], 120),
  state: choiceColumn(
    ['状态'],
    { normal: 'normal', 正常: 'normal', closed: 'closed', 销户: 'closed' } as const,
    'normal',
  ),
  meterNo: { ...idColumn(['表号'], /^[0-9A-Za-z-]{1,32}$/, 'a meter number'), otherwise: '' },
  payee: payee(''),
  balance: decimalColumn(['余额'], { ...YUAN, signed: true }, 0),
} as const;
type CreditRow = ImportRow<typeof CREDIT_COLUMNS>;

/** Columns of a file of bills. */
export const BILL_COLUMNS = {
  item: idColumn(
    ['账单号'],
    /^[0-9A-Za-z._-]{1,40}$/,
    'a bill’s number has 1 to 40 digits and letters',
  ),
  userNo: user,
  kind: choiceColumn(['类别'], UTILITIES),
  payee: payee(),
  period: textColumn(['账期'], 20),
  principal: decimalColumn(['金额', '本金'], YUAN),
  lateFee: decimalColumn(
    ['日滞纳金率'],
    { what: '‰ of the principal for each day', decimals: 2, max: MAX_LATE_FEE_E5 },
    0,
  ),
  lateFeeCap: decimalColumn(['滞纳金上限'], YUAN, 0),
  dueDate: dayColumn(['缴费期限', '到期日']),
  discount: decimalColumn(['优惠'], YUAN, 0),
  discountUntil: dayColumn(['优惠截止']),
  /** Units of the month that the period names. */
  quantity: decimalColumn<null>(
    ['用量'],
    { what: 'a quantity in units', decimals: 2, max: MAX_UNITS },
    null,
  ),
} as const;
type BillRow = ImportRow<typeof BILL_COLUMNS>;

const OWNED = table('credit_accounts', ['user_no'], {
  user_no: text(),
  holder_name: text(),
  address: text(),
  state: text<CreditAccountRow['state']>(),
  meter_no: nullable(text()),
  top_up_payee: nullable(text()),
});
type OwnedRow = RowOf<typeof OWNED>;
const OWNED_ITEM = table('credit_items', ['item'], {
  item: text(),
  kind: text<CreditItemRow['kind']>(),
  payee: text(),
  period: text(),
  principal_fen: whole,
  late_fee_e5: whole,
  late_fee_cap_fen: whole,
  due_date: nullable(text()),
  discount_fen: whole,
  discount_until: nullable(text()),
});
type OwnedItem = RowOf<typeof OWNED_ITEM>;

const orNull = (said: string | undefined, old: string | null): string | null =>
  said === undefined ? old : said === '' ? null : said;
const owned = (row: CreditRow, old: OwnedRow | undefined): OwnedRow => ({
  user_no: row.userNo as string,
  holder_name: row.holderName ?? old?.holder_name ?? '',
  address: row.address ?? old?.address ?? '',
  state: row.state ?? old?.state ?? 'normal',
  meter_no: orNull(row.meterNo, old?.meter_no ?? null),
  top_up_payee: orNull(row.payee, old?.top_up_payee ?? null),
});

/** Each by its key; one that is there twice is a problem. */
function onceEach<R extends { readonly line: number }>(
  rows: readonly R[],
  column: string,
  keyOf: (row: R) => string,
  say: Say,
): ReadonlyMap<string, R> {
  const all = new Map<string, R>();
  for (const row of rows) {
    const before = all.get(keyOf(row));
    if (before === undefined) all.set(keyOf(row), row);
    else say(row.line, column, 'twice', `${keyOf(row)} is in line ${before.line}`);
  }
  return all;
}

/** What a file of accounts without a card would do to what is there. */
export async function planCredit(sql: Sql, file: ImportTable): Promise<ImportPlan> {
  const read = readRows(file, CREDIT_COLUMNS);
  const problems: ImportProblem[] = [...read.problems];
  const say = into(problems);
  const rows = onceEach(read.rows, 'userNo', (r) => r.userNo as string, say);
  const meters = read.rows.filter((r) => (r.meterNo ?? '') !== '');
  onceEach(meters, 'meterNo', (r) => r.meterNo as string, say);
  const old = new Map<string, CreditAccountRow>();
  for (const some of chunks([...rows.keys()]))
    for (const a of await select(sql, CREDIT_ACCOUNTS, `user_no ${anyOf('$1')}`, [list(some)]))
      old.set(a.user_no, a);
  for (const some of chunks(meters)) {
    const numbers = list(some.map((r) => r.meterNo as string));
    const byMeter = new Map(some.map((r) => [r.meterNo as string, r]));
    for (const a of await select(sql, CREDIT_ACCOUNTS, `meter_no ${anyOf('$1')}`, [numbers])) {
      const row = byMeter.get(a.meter_no as string);
      const gives = rows.get(a.user_no)?.meterNo ?? a.meter_no;
      if (row !== undefined && row.userNo !== a.user_no && gives === a.meter_no)
        say(
          row.line,
          'meterNo',
          'meter-of-another',
          `meter ${a.meter_no} is account ${a.user_no}’s`,
        );
    }
  }
  const added: CreditAccountRow[] = [];
  const changed: OwnedRow[] = [];
  const changes: SubjectChange[] = [];
  for (const [userNo, row] of rows) {
    const was = old.get(userNo);
    const then = owned(row, was);
    if (then.meter_no !== null && then.top_up_payee === null)
      say(row.line, 'payee', 'empty', 'a meter that is topped up has a payee');
    if (was === undefined) {
      added.push({
        ...then,
        balance_fen: row.balance ?? 0,
        on_the_way_fen: 0,
        topped_count: 0,
        topped_fen: 0,
      });
      continue;
    }
    const differs = differing(narrowed(OWNED.columns, was as OwnedRow), then);
    if (differs === null) continue;
    changed.push(then);
    changes.push({ subject: userNo, ...differs });
  }
  return {
    problems,
    added: added.length,
    changed: changed.length,
    unchanged: rows.size - added.length - changed.length,
    kept: 0,
    changes,
    apply: async (tx) => {
      await changeOwned(tx, changed);
      for (const some of chunks(added)) await insertRows(tx, CREDIT_ACCOUNTS, some);
    },
  };
}

async function changeOwned(tx: Script, changed: readonly OwnedRow[]): Promise<void> {
  const inOrder = changed.toSorted((a, b) => (a.user_no < b.user_no ? -1 : 1));
  // Meters that change hands within one file are taken from the one before they are given to the other.
  for (const some of chunks(inOrder)) {
    await tx.query(
      `SELECT user_no FROM credit_accounts WHERE user_no ${anyOf('$1')}
       ORDER BY user_no FOR NO KEY UPDATE`,
      [list(some.map((row) => row.user_no))],
    );
    await updateRows(
      tx,
      OWNED,
      some.map((row) => ({ ...row, meter_no: null })),
    );
  }
  for (const some of chunks(inOrder)) await updateRows(tx, OWNED, some);
}

const ownedItem = (row: BillRow, old: OwnedItem | undefined): OwnedItem => ({
  item: row.item as string,
  kind: row.kind as CreditItemRow['kind'],
  payee: row.payee as string,
  period: row.period as string,
  principal_fen: row.principal as number,
  // ‰ with two decimals in 1/100 000.
  late_fee_e5: row.lateFee ?? old?.late_fee_e5 ?? 0,
  late_fee_cap_fen: row.lateFeeCap ?? old?.late_fee_cap_fen ?? 0,
  due_date: row.dueDate === undefined ? (old?.due_date ?? null) : row.dueDate,
  discount_fen: row.discount ?? old?.discount_fen ?? 0,
  discount_until:
    row.discountUntil === undefined ? (old?.discount_until ?? null) : row.discountUntil,
});

/** Nobody has touched it: then its sum is still the file's. */
const isUntouched = (item: CreditItemRow): boolean =>
  item.state === 'open' && item.order_id === null && item.late_since === null;

/** What a file of bills would do to what is there. */
export async function planBills(sql: Sql, file: ImportTable): Promise<ImportPlan> {
  const read = readRows(file, BILL_COLUMNS);
  const problems: ImportProblem[] = [...read.problems];
  const say = into(problems);
  const rows = onceEach(read.rows, 'item', (r) => r.item as string, say);
  const old = new Map<string, CreditItemRow>();
  const users = new Set<string>();
  for (const some of chunks([...rows.values()])) {
    const items = list(some.map((r) => r.item as string));
    for (const i of await select(sql, CREDIT_ITEMS, `item ${anyOf('$1')}`, [items]))
      old.set(i.item, i);
    const owners = list(some.map((r) => r.userNo as string));
    for (const a of await select(sql, CREDIT_ACCOUNTS, `user_no ${anyOf('$1')}`, [owners]))
      users.add(a.user_no);
  }
  const added: CreditItemRow[] = [];
  const changed: OwnedItem[] = [];
  const changes: SubjectChange[] = [];
  let kept = 0;
  for (const [item, row] of rows) {
    const was = old.get(item);
    const then = ownedItem(row, was);
    const { line, userNo = '' } = row;
    if (!users.has(userNo)) say(line, 'userNo', 'unknown-user', `there is no account ${userNo}`);
    if (was !== undefined && was.user_no !== userNo)
      say(line, 'userNo', 'fixed', `bill ${item} is account ${was.user_no}’s`);
    if (then.principal_fen === 0) say(line, 'principal', 'not-this', 'nothing to pay');
    if (
      then.late_fee_e5 > 0 &&
      (then.due_date === null || then.late_fee_cap_fen > then.principal_fen)
    )
      say(
        line,
        'lateFee',
        'not-this',
        'a late fee needs a due date, and its cap is at most the principal',
      );
    if (
      then.discount_fen > 0 &&
      (then.discount_until === null || then.discount_fen >= then.principal_fen)
    )
      say(
        line,
        'discount',
        'not-this',
        'a discount needs its last day, and leaves something to pay',
      );
    if (was === undefined) {
      added.push({ ...NEW_ITEM, ...then, user_no: userNo });
      continue;
    }
    const differs = differing(narrowed(OWNED_ITEM.columns, was as OwnedItem), then);
    if (differs === null) continue;
    if (!isUntouched(was)) {
      kept += 1;
      continue;
    }
    changed.push(then);
    changes.push({ subject: `bill ${item}`, ...differs });
  }
  return {
    problems,
    added: added.length,
    changed: changed.length,
    unchanged: rows.size - added.length - changed.length - kept,
    kept,
    changes,
    apply: async (tx) => {
      await applyBills(tx, added, changed);
      for (const some of chunks(monthsIn([...rows.values()]))) await enterBilledMonths(tx, some);
    },
  };
}

/** What is used in a month is what all of its bills say. */
function monthsIn(rows: readonly BillRow[]) {
  const months = new Map<string, Parameters<typeof enterBilledMonths>[1][number]>();
  for (const { userNo = '', kind = 'gas', period = '', quantity = null } of rows) {
    if (quantity === null || !/^\d{4}-(?:0[1-9]|1[0-2])$/.test(period)) continue;
    const key = `${userNo} ${kind} ${period}`;
    const before = months.get(key)?.quantity ?? 0;
    months.set(key, { user_no: userNo, kind, month: period, quantity: before + quantity });
  }
  return [...months.values()];
}

const NEW_ITEM = {
  late_since: null,
  details: '[]',
  consent_text: null,
  state: 'open',
  order_id: null,
  reserved_until_ms: null,
  paid_by: null,
  paid_ms: null,
} as const;

async function applyBills(
  tx: Script,
  added: readonly CreditItemRow[],
  changed: readonly OwnedItem[],
): Promise<void> {
  for (const some of chunks(changed)) {
    // A quote of this very moment goes first: a bill is changed by what locks its account.
    await tx.query(
      `SELECT user_no FROM credit_accounts WHERE user_no IN
         (SELECT user_no FROM credit_items WHERE item ${anyOf('$1')})
       ORDER BY user_no FOR NO KEY UPDATE`,
      [list(some.map((row) => row.item))],
    );
    const free = await select(
      tx,
      CREDIT_ITEMS,
      `item ${anyOf('$1')} AND state = 'open' AND order_id IS NULL AND late_since IS NULL`,
      [list(some.map((row) => row.item))],
    );
    const still = new Set(free.map((row) => row.item));
    if (some.some((row) => !still.has(row.item)))
      throw new ImportOvertaken('a bill of the file is being paid at this moment');
    await updateRows(tx, OWNED_ITEM, some);
  }
  for (const some of chunks(added)) await insertRows(tx, CREDIT_ITEMS, some);
}

/** What was planned is not so any more; nothing was changed, and it may be done again. */
export class ImportOvertaken extends Error {}
