import { MONTHLY, CALENDAR_YEAR, periodStart, versionAt } from '../../shared/periods.ts';
import { MAX_COUNT, MAX_MICRO, MAX_UNITS } from '../../shared/facts/bounds.ts';
import { chinaDate, chinaDayMs } from '../../shared/time.ts';
import {
  anyOf,
  insertRows,
  keepRows,
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
import { ACCOUNT_USE, ACCOUNTS, TARIFFS } from '../sale/tables.ts';
import type { AccountRow, TariffRow, UseRow } from '../sale/tables.ts';
import { chunks, differing, into, narrowed } from './import-apply.ts';
import type { ImportPlan, Say, SubjectChange } from './import-apply.ts';
import {
  choiceColumn,
  dayColumn,
  decimalColumn,
  idColumn,
  periodColumn,
  readRows,
  textColumn,
  UTILITIES,
} from './import-columns.ts';
import type { ImportRow } from './import-columns.ts';
import type { ImportProblem, ImportTable } from './import-file.ts';

const USER = /^[0-9A-Za-z-]{1,32}$/;
const UNITS = { what: 'a quantity in units (m³, kWh, yuan)', decimals: 2, max: MAX_UNITS };
const quantity = (headings: readonly string[], otherwise?: number) =>
  decimalColumn(headings, UNITS, otherwise);
const WHOLE = { what: 'a whole number', decimals: 0, max: MAX_COUNT };

/**
 * Columns of a file of card accounts (decision 0064). The company's file says who an account is and
 * what it may buy, each time anew; what was counted and paid it says only of an account that is new
 * here.
 */
export const CARD_COLUMNS = {
  cardNo: idColumn(['卡号'], /^\d{10}$/, 'a card number has ten digits'),
  userNo: idColumn(['户号', '用户编号'], USER, 'a user number has 1 to 32 digits and letters'),
  holderName: textColumn(['户名', '姓名'], 60),
  meterNo: idColumn(['表号'], USER, 'a meter number has 1 to 32 digits and letters'),
  kind: choiceColumn(['类别', '气种'], {
    ...UTILITIES,
    fuel: 'fuel',
    加油: 'fuel',
    加气: 'fuel',
  } as const),
  unit: choiceColumn(
    ['计量方式'],
    { volume: 'volume', 气量: 'volume', 用量: 'volume', money: 'money', 金额: 'money' } as const,
    'volume',
  ),
  state: choiceColumn(
    ['状态'],
    {
      normal: 'normal',
      正常: 'normal',
      'hot-listed': 'hot-listed',
      挂失: 'hot-listed',
      黑名单: 'hot-listed',
      debt: 'debt',
      欠费: 'debt',
    } as const,
    'normal',
  ),
  tariffId: idColumn(['价格编号', '用气性质'], /^[0-9A-Za-z._-]{1,40}$/, 'a tariff’s name'),
  tariffVersion: decimalColumn(['价格版本'], WHOLE, 1),
  ceiling: quantity(['表上限', '表具上限']),
  perPurchase: decimalColumn<null>(['单次上限'], UNITS, null),
  limit: decimalColumn<null>(['限购量'], UNITS, null),
  limitEvery: periodColumn(['限购周期']),
  count: decimalColumn(['购买次数', '充值次数'], WHOLE, 0),
  cumulative: quantity(['累计购量'], 0),
  yearQuantity: quantity(['本年购量'], 0),
  limitUsed: quantity(['本期已购'], 0),
  carried: decimalColumn(['结转余额'], { what: 'yuan', decimals: 6, max: MAX_MICRO }, 0),
  countedOn: dayColumn(['统计日期']),
} as const;
type CardRow = ImportRow<typeof CARD_COLUMNS>;

/** The columns that are the company's, as an import writes them and nothing else. */
const OWNED = table('accounts', ['user_no'], {
  user_no: text(),
  holder_name: text(),
  meter_no: text(),
  state: text<AccountRow['state']>(),
  ceiling_quantity: whole,
  per_purchase_quantity: nullable(whole),
  limit_quantity: nullable(whole),
  limit_every: text(),
  tariff_id: text(),
  tariff_version: whole,
});
type OwnedRow = RowOf<typeof OWNED>;
const CARDS = table('cards', ['card_no'], { card_no: text(), user_no: text() });

/** What an account's row says by the company's columns; those that the file lacks stay as they are. */
const owned = (row: CardRow, old: OwnedRow | undefined): OwnedRow => ({
  user_no: row.userNo as string,
  holder_name: row.holderName ?? old?.holder_name ?? '',
  meter_no: row.meterNo ?? old?.meter_no ?? '',
  state: row.state ?? old?.state ?? 'normal',
  ceiling_quantity: row.ceiling ?? old?.ceiling_quantity ?? 0,
  per_purchase_quantity:
    row.perPurchase === undefined ? (old?.per_purchase_quantity ?? null) : row.perPurchase,
  limit_quantity: row.limit === undefined ? (old?.limit_quantity ?? null) : row.limit,
  limit_every: row.limitEvery ?? old?.limit_every ?? MONTHLY,
  tariff_id: row.tariffId ?? old?.tariff_id ?? '',
  tariff_version: row.tariffVersion ?? old?.tariff_version ?? 1,
});

/** An account that is new here, with what it brings along. */
const fresh = (row: CardRow): AccountRow => ({
  ...owned(row, undefined),
  kind: row.kind as AccountRow['kind'],
  unit: row.unit ?? 'volume',
  count: row.count ?? 0,
  cumulative: row.cumulative ?? 0,
  carried_micro: row.carried ?? 0,
  told_no: null,
});

/** What it bought in its tariff's year and its limit's period, each where it was counted. */
function useOf(row: CardRow, tariffs: readonly TariffRow[], nowMs: number): readonly UseRow[] {
  const day = row.countedOn ?? null;
  const ms = day === null ? nowMs : chinaDayMs(day);
  const versions = tariffs
    .filter((t) => t.tariff_id === row.tariffId)
    .map((t) => ({ ...t, fromMs: t.from_ms }));
  const year = versionAt(versions, row.tariffVersion ?? 1, ms)?.year_begins ?? CALENDAR_YEAR;
  const use = (counter: 'year' | 'limit', rule: string, n: number): UseRow => ({
    user_no: row.userNo as string,
    counter,
    start_ms: periodStart(rule, ms),
    quantity: n,
  });
  return [
    use('year', year, row.yearQuantity ?? 0),
    ...((row.limit ?? null) === null
      ? []
      : [use('limit', row.limitEvery ?? MONTHLY, row.limitUsed ?? 0)]),
  ];
}

interface Known {
  readonly accounts: ReadonlyMap<string, AccountRow>;
  /** By card: whose it is. */
  readonly cards: ReadonlyMap<string, string>;
  readonly tariffs: readonly TariffRow[];
}
async function known(sql: Sql, rows: readonly CardRow[]): Promise<Known> {
  const accounts = new Map<string, AccountRow>();
  const cards = new Map<string, string>();
  for (const some of chunks(rows)) {
    const users = list(some.map((r) => r.userNo as string));
    for (const a of await select(sql, ACCOUNTS, `user_no ${anyOf('$1')}`, [users]))
      accounts.set(a.user_no, a);
    const numbers = list(some.map((r) => r.cardNo as string));
    for (const c of await select(sql, CARDS, `card_no ${anyOf('$1')}`, [numbers]))
      cards.set(c.card_no, c.user_no);
  }
  return { accounts, cards, tariffs: await select(sql, TARIFFS, 'version > $1', [-1]) };
}

/** The file's rows by account: one with several cards has a line for each, alike but for the card. */
function byAccount(rows: readonly CardRow[], say: Say): ReadonlyMap<string, CardRow> {
  const first = new Map<string, CardRow>();
  const cards = new Map<string, number>();
  for (const row of rows) {
    const [userNo, cardNo] = [row.userNo as string, row.cardNo as string];
    const before = cards.get(cardNo);
    if (before !== undefined)
      say(row.line, 'cardNo', 'twice', `card ${cardNo} is in line ${before}`);
    cards.set(cardNo, row.line);
    const other = first.get(userNo);
    if (other === undefined) {
      first.set(userNo, row);
      continue;
    }
    const unlike = (Object.keys(CARD_COLUMNS) as (keyof CardRow)[]).find(
      (name) => name !== 'cardNo' && row[name] !== other[name],
    );
    if (unlike !== undefined)
      say(row.line, unlike, 'differs', `account ${userNo} has another value in line ${other.line}`);
  }
  return first;
}

/** What a file of card accounts would do to what is there. */
export async function planCards(sql: Sql, file: ImportTable, nowMs: number): Promise<ImportPlan> {
  const read = readRows(file, CARD_COLUMNS);
  const problems: ImportProblem[] = [...read.problems];
  const say = into(problems);
  const firsts = byAccount(read.rows, say);
  const { accounts, cards, tariffs } = await known(sql, read.rows);
  /** When each version begins; 0: it has no day. */
  const begins = new Map(tariffs.map((t) => [`${t.tariff_id} ${t.version}`, t.from_ms ?? 0]));
  for (const { line, cardNo = '', userNo } of read.rows) {
    const whose = cards.get(cardNo);
    if (whose !== undefined && whose !== userNo)
      say(line, 'cardNo', 'card-of-another', `card ${cardNo} is account ${whose}’s`);
  }
  const added: CardRow[] = [];
  const changed: OwnedRow[] = [];
  const changes: SubjectChange[] = [];
  for (const [userNo, row] of firsts) {
    const old = accounts.get(userNo);
    const then = owned(row, old);
    if (!begins.has(`${then.tariff_id} ${then.tariff_version}`))
      say(
        row.line,
        'tariffId',
        'unknown-tariff',
        `there is no ${then.tariff_id} version ${then.tariff_version}: central tariff add`,
      );
    if ((begins.get(`${then.tariff_id} ${then.tariff_version}`) ?? 0) > nowMs)
      say(
        row.line,
        'tariffVersion',
        'not-this',
        `version ${then.tariff_version} has not begun: name the one that holds, it goes over by itself`,
      );
    if ((row.countedOn ?? '') > chinaDate(nowMs))
      say(row.line, 'countedOn', 'not-this', `${row.countedOn} is a day to come`);
    if ((row.limitUsed ?? 0) > (row.limit ?? 0))
      say(row.line, 'limitUsed', 'not-this', 'more than the limit');
    if (old === undefined) {
      added.push(row);
      continue;
    }
    for (const name of ['kind', 'unit'] as const)
      if (row[name] !== undefined && row[name] !== old[name])
        say(row.line, name, 'fixed', `account ${userNo} is ${old[name]}, and stays so`);
    const differs = differing(narrowed(OWNED.columns, old as OwnedRow), then);
    if (differs === null) continue;
    changed.push(then);
    changes.push({ subject: userNo, ...differs });
  }
  const newCards = read.rows
    .filter((row) => !cards.has(row.cardNo as string))
    .map((row) => ({ card_no: row.cardNo as string, user_no: row.userNo as string }));
  for (const { card_no: card, user_no: userNo } of newCards)
    if (accounts.has(userNo))
      changes.push({ subject: `card ${card}`, before: {}, after: { user_no: userNo } });
  const touched = new Set([
    ...changed.map((c) => c.user_no),
    ...newCards.map((c) => c.user_no).filter((user) => accounts.has(user)),
  ]);
  return {
    problems,
    added: added.length,
    changed: touched.size,
    unchanged: firsts.size - added.length - touched.size,
    kept: 0,
    changes,
    apply: (tx) => apply(tx, { added, changed, newCards, tariffs }, nowMs),
  };
}

async function apply(
  tx: Script,
  {
    added,
    changed,
    newCards,
    tariffs,
  }: {
    readonly added: readonly CardRow[];
    readonly changed: readonly OwnedRow[];
    readonly newCards: readonly RowOf<typeof CARDS>[];
    readonly tariffs: readonly TariffRow[];
  },
  nowMs: number,
): Promise<void> {
  // Accounts are locked by their number everywhere; sales of the others go on meanwhile.
  const inOrder = changed.toSorted((a, b) => (a.user_no < b.user_no ? -1 : 1));
  for (const some of chunks(inOrder)) {
    await tx.query(
      `SELECT user_no FROM accounts WHERE user_no ${anyOf('$1')} ORDER BY user_no FOR NO KEY UPDATE`,
      [list(some.map((row) => row.user_no))],
    );
    await updateRows(tx, OWNED, some);
  }
  for (const some of chunks(added)) {
    await insertRows(tx, ACCOUNTS, some.map(fresh));
    await keepRows(
      tx,
      ACCOUNT_USE,
      some.flatMap((row) => useOf(row, tariffs, nowMs)),
    );
  }
  for (const some of chunks(newCards)) await insertRows(tx, CARDS, some);
}
