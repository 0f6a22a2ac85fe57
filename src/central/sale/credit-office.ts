import { linesOf } from '../books/load-credit.ts';
import type { CreditLine } from '../../shared/sale.ts';
import { chinaDayMs, DAY_MS } from '../../shared/time.ts';
import { anyOf, list, select } from '../db/sets.ts';
import { num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { CREDIT_ACCOUNTS, CREDIT_ITEMS, ELSEWHERE, POSTINGS } from './credit-tables.ts';
import type { CreditAccountRow, CreditActRow, CreditItemRow, PostingRow } from './credit-tables.ts';
import { actsOf } from './credit-corrections.ts';

/**
 * What staff says of an item. `paid`: at a counter, by phone or by debit · `debited`: a bank's
 * debit is under way · `open`: the debit failed · `withdrawn`: it was billed by mistake.
 */
export const ITEM_WORDS = ['paid', 'debited', 'open', 'withdrawn'] as const;
export type ItemWord = (typeof ITEM_WORDS)[number];
/** From which states an item comes to each by staff's word; what was paid stays paid. */
export const ITEM_FROM: Readonly<Record<ItemWord, readonly CreditItemRow['state'][]>> = {
  paid: ['open', 'debited'],
  debited: ['open'],
  open: ['debited'],
  withdrawn: ['open'],
};

export interface ItemChange {
  readonly item: string;
  readonly word: ItemWord;
  /** The receipt's number; of `paid` it is never empty. */
  readonly reference: string;
  /** The bill's principal as it was seen, fen; left out: nobody looked. */
  readonly principalFen?: number | undefined;
  readonly who: string;
  readonly why: string;
}

/**
 * Staff's word on an item. One that is just being paid at a machine may be said to be paid: that
 * order is refused then and its money goes back; but no debit begins beside it.
 *
 * @returns null, or why not
 */
export async function changeItem(
  db: Db,
  told: ItemChange,
  nowMs: number,
): Promise<'gone' | 'no-step' | 'other-sum' | 'being-paid' | null> {
  const [known] = await select(db, CREDIT_ITEMS, 'item = $1', [told.item]);
  if (known === undefined) return 'gone';
  return db.transaction(async (tx) => {
    await tx.query('SELECT 1 FROM credit_accounts WHERE user_no = $1 FOR NO KEY UPDATE', [
      known.user_no,
    ]);
    const [item] = await select(tx, CREDIT_ITEMS, 'item = $1 FOR NO KEY UPDATE', [told.item]);
    if (item === undefined || !ITEM_FROM[told.word].includes(item.state)) return 'no-step';
    // What was agreed to is the bill as it was seen: an import, or a payment of a part, changes it.
    if (told.principalFen !== undefined && told.principalFen !== item.principal_fen)
      return 'other-sum';
    const kept = item.order_id !== null && (item.reserved_until_ms ?? 0) > nowMs;
    if (kept && told.word === 'debited') return 'being-paid';
    const paid = told.word === 'paid';
    await tx.query(
      `UPDATE credit_items SET state = $2, paid_by = $3, paid_ms = $4, order_id = NULL,
         reserved_until_ms = NULL WHERE item = $1`,
      [told.item, told.word, paid ? ELSEWHERE : null, paid ? nowMs : null],
    );
    await tx.query(
      `INSERT INTO credit_item_changes (item, was, state, reference, who, why, at_ms)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [told.item, item.state, told.word, told.reference, told.who, told.why, nowMs],
    );
    return null;
  });
}

/** An account as staff sees it. */
export interface OfficeAccount {
  readonly account: CreditAccountRow;
  readonly items: readonly CreditItemRow[];
  /** The newest first. */
  readonly postings: readonly PostingRow[];
  /** What two persons did to it, the newest first. */
  readonly acts: readonly CreditActRow[];
}
/** Null: no such user number. */
export async function officeAccount(sql: Sql, userNo: string): Promise<OfficeAccount | null> {
  const [account] = await select(sql, CREDIT_ACCOUNTS, 'user_no = $1', [userNo]);
  if (account === undefined) return null;
  return {
    account,
    items: await select(sql, CREDIT_ITEMS, 'user_no = $1 ORDER BY period DESC, item LIMIT 200', [
      userNo,
    ]),
    postings: await select(
      sql,
      POSTINGS,
      'user_no = $1 ORDER BY opened_ms DESC, order_id DESC LIMIT 100',
      [userNo],
    ),
    acts: await actsOf(sql, userNo),
  };
}

/** One payee's day at one merchant account: what is settled with it, by kind. */
export interface PayeeDay {
  readonly payee: string;
  /** Who holds the money: another one's where that collects for the payee. */
  readonly merchant: string;
  readonly postings: number;
  readonly fen: number;
  /** Of it what the ledger has as delivered; the rest a kiosk has yet to tell. */
  readonly toldFen: number;
  readonly kinds: Readonly<Partial<Record<CreditLine['kind'], number>>>;
}
type Tally = {
  -readonly [K in Exclude<keyof PayeeDay, 'payee' | 'merchant' | 'kinds'>]: PayeeDay[K];
} & {
  readonly kinds: Record<string, number>;
  readonly payee: string;
  readonly merchant: string;
};
/** What was posted on a China day, by payee; and each posting of it, oldest first. */
export async function settlementOf(
  sql: Sql,
  date: string,
): Promise<{ readonly days: readonly PayeeDay[]; readonly postings: readonly PostingRow[] }> {
  const fromMs = chinaDayMs(date);
  const span = [fromMs, fromMs + DAY_MS];
  const postings = await select(
    sql,
    POSTINGS,
    `state = 'posted' AND ended_ms >= $1 AND ended_ms < $2 ORDER BY ended_ms, order_id`,
    span,
  );
  const told = await sql.query<{ order_id: string; fen: unknown }>(
    `SELECT order_id, SUM(amount_fen) AS fen FROM ledger
     WHERE kind = 'delivered' AND order_id ${anyOf('$1')} GROUP BY order_id`,
    [list(postings.map((p) => p.order_id))],
  );
  const toldOf = new Map(told.map((t) => [t.order_id, num(t.fen)]));
  const days = new Map<string, Tally>();
  for (const posting of postings) {
    const { payee, merchant } = posting;
    const key = `${payee}\n${merchant}`;
    const day = days.get(key) ?? { payee, merchant, postings: 0, fen: 0, toldFen: 0, kinds: {} };
    day.postings += 1;
    day.fen += posting.amount_fen;
    day.toldFen += toldOf.get(posting.order_id) ?? 0;
    for (const { kind, amountFen } of linesOf(posting))
      day.kinds[kind] = (day.kinds[kind] ?? 0) + amountFen;
    days.set(key, day);
  }
  return {
    days: [...days.values()].toSorted(
      (a, b) => a.payee.localeCompare(b.payee) || a.merchant.localeCompare(b.merchant),
    ),
    postings,
  };
}

/** Credit orders that are not over, oldest first: `posting` ones wait for an account book. */
export const openPostings = async (
  sql: Sql,
): Promise<{ readonly postings: readonly PostingRow[]; readonly count: number }> => {
  const [all] = await sql.query<{ n: unknown }>(
    `SELECT COUNT(*) AS n FROM postings WHERE state IN ('open', 'posting')`,
  );
  return {
    postings: await select(
      sql,
      POSTINGS,
      `state IN ('open', 'posting') ORDER BY opened_ms, order_id LIMIT 100`,
      [],
    ),
    count: num(all?.n),
  };
};
