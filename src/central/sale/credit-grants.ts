import { DAY_MS, chinaDate } from '../../shared/time.ts';
import { topUp } from '../books/postings.ts';
import type { Books } from '../books/books.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import type { CreditAccountRow } from './credit-tables.ts';

/**
 * What stood in a meter that was changed is granted to its account again (补气): by two persons,
 * under the work order of the change, within a budget.
 */

/** What may be granted, in fen. */
export interface GrantBudget {
  /** To one account in 365 days: about a household's winter. */
  readonly accountFen: number;
  /** To all of them on one China day. */
  readonly dayFen: number;
}
/** ¥2 000 an account and year, ¥5 000 a day. */
export const GRANT_BUDGET: GrantBudget = { accountFen: 200_000, dayFen: 500_000 };
/** … a year of the budgets. */
export const YEAR_MS = 365 * DAY_MS;

/** Why nothing is granted so. Stable: docs/credit.md names each. */
export const GRANT_BARS = [
  /** No such account, or it is closed. */
  'no-account',
  /** It has no meter whose balance is topped up. */
  'no-balance',
  /** The account had its share of this year. */
  'over-account',
  /** All accounts had theirs today: tomorrow it can be confirmed. */
  'over-day',
] as const;
export type GrantBar = (typeof GRANT_BARS)[number];

/** What is granted to whom. */
export interface Grant {
  readonly account: CreditAccountRow | undefined;
  readonly amountFen: number;
}

/** Why it cannot be granted; null: it can, and the account's row is locked by the caller. */
export async function grantBar(
  tx: Sql,
  { account, amountFen }: Grant,
  budget: GrantBudget,
  nowMs: number,
): Promise<GrantBar | null> {
  if (account?.state !== 'normal') return 'no-account';
  if (account.meter_no === null || account.top_up_payee === null) return 'no-balance';
  if (!Number.isSafeInteger(account.balance_fen + amountFen)) return 'no-balance';
  const [year] = await tx.query<{ fen: unknown }>(
    `SELECT COALESCE(SUM(amount_fen), 0) AS fen FROM credit_acts
     WHERE to_user = $1 AND kind = 'grant' AND state = 'done' AND decided_ms > $2`,
    [account.user_no, nowMs - YEAR_MS],
  );
  return num(year?.fen ?? 0) + amountFen > budget.accountFen ? 'over-account' : null;
}

/** Is there a grant under this work order at an IoT account, or does one wait? */
export const grantedToIot = async (tx: Sql, reference: string): Promise<boolean> =>
  (
    await tx.query(
      `SELECT 1 FROM credit_acts WHERE kind = 'grant' AND state <> 'refused' AND reference = $1`,
      [reference],
    )
  ).length > 0;
/** … or to a card household? One work order grants once, wherever. */
export const grantedToCard = async (tx: Sql, reference: string): Promise<boolean> =>
  (
    await tx.query(`SELECT 1 FROM card_grants WHERE state <> 'refused' AND reference = $1`, [
      reference,
    ])
  ).length > 0;

/**
 * Spends of the day's budget, by one statement that asks whether it is enough.
 *
 * @returns false: it is not, and nothing was spent
 */
export async function spendDay(
  tx: Sql,
  amountFen: number,
  budget: GrantBudget,
  nowMs: number,
): Promise<boolean> {
  const day = chinaDate(nowMs);
  await tx.query(
    'INSERT INTO credit_grant_days (day, granted_fen) VALUES ($1, 0) ON CONFLICT DO NOTHING',
    [day],
  );
  const spent = await tx.query(
    `UPDATE credit_grant_days SET granted_fen = granted_fen + $2
     WHERE day = $1 AND granted_fen <= $3 RETURNING day`,
    [day, amountFen, budget.dayFen - amountFen],
  );
  return spent.length > 0;
}

/** Into the balance, and to the meter by its new total. {@link grantBar} is asked before. */
export function enterGrant(
  books: Books,
  account: CreditAccountRow,
  act: { readonly id: number; readonly amountFen: number; readonly nowMs: number },
): void {
  topUp(books, account, { cause: `A${act.id}`, amountFen: act.amountFen, nowMs: act.nowMs });
}
