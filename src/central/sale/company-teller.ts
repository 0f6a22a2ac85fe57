import type { CompanyPurchase } from '../../shared/company-accounts.ts';
import type { LogFn } from '../../shared/ports.ts';
import { select } from '../db/sets.ts';
import type { Db, Sql } from '../db/sql.ts';
import type { CompanyAccounts, CompanyBooks } from './company-accounts.ts';
import { COMPANY_PURCHASES } from './tables.ts';
import type { CompanyPurchaseRow } from './tables.ts';

const FIRST_LOOK_MS = 5_000;
const MAX_LOOK_MS = 3_600_000;
/** So many accounts are looked for at once, and told of side by side. */
const SWEEP_ACCOUNTS = 48;
const SIDE_BY_SIDE = 8;
/** So many purchases of an account in a row, and so many rounds before the others' turn. */
const SWEEP_PURCHASES = 20;
const SWEEP_ROUNDS = 100;

/**
 * Tells the company of purchases that are over: of each account in the order of their numbers, one
 * at a time, whichever process does it; each until it was heard. What it refuses is kept for staff,
 * and the next one is told. Goes on while there is something to tell and the company hears it: one
 * that does not answer is left alone until the next time. Never rejects for one of them.
 */
export async function tellPurchases(
  db: Db,
  company: CompanyAccounts,
  now: () => number,
  log?: LogFn,
): Promise<void> {
  for (let round = 0; round < SWEEP_ROUNDS; round++) {
    // An account's first one decides: the others wait behind it.
    const due = await db.query<{ user_no: string }>(
      `SELECT p.user_no FROM company_purchases p WHERE p.state = 'waiting' AND p.look_ms <= $1
         AND NOT EXISTS (SELECT 1 FROM company_purchases b WHERE b.user_no = p.user_no
           AND b.state = 'waiting' AND b.tell_no < p.tell_no)
       ORDER BY p.look_ms, p.user_no LIMIT ${SWEEP_ACCOUNTS}`,
      [now()],
    );
    for (let i = 0; i < due.length; i += SIDE_BY_SIDE) {
      const heard = await Promise.all(
        due.slice(i, i + SIDE_BY_SIDE).map(({ user_no }) => told(db, company, user_no, now, log)),
      );
      if (!heard.includes(true)) return;
    }
    if (due.length < SWEEP_ACCOUNTS) return;
  }
}

/** @returns whether the company heard one of the account's */
async function told(
  db: Db,
  company: CompanyAccounts,
  userNo: string,
  now: () => number,
  log: LogFn | undefined,
): Promise<boolean> {
  let heard = false;
  await db
    .alone(`company ${userNo}`, async () => {
      heard = await tellAccount(db, company, userNo, now);
    })
    .catch((cause: unknown) =>
      log?.('error', 'central', cause instanceof Error ? cause.message : String(cause), cause),
    );
  return heard;
}

/** @returns whether the company heard one of them */
async function tellAccount(
  db: Db,
  company: CompanyAccounts,
  userNo: string,
  now: () => number,
): Promise<boolean> {
  for (let n = 0; n < SWEEP_PURCHASES; n++) {
    const [next] = await select(
      db,
      COMPANY_PURCHASES,
      `user_no = $1 AND state = 'waiting' ORDER BY tell_no LIMIT 1`,
      [userNo],
    );
    if (next === undefined || next.look_ms > now()) return n > 0;
    const said = await company.book(JSON.parse(next.body) as CompanyPurchase);
    if (!(await keep(db, next, said, now()))) return n > 0 || said.state !== 'unknown';
  }
  return true;
}

/** @returns whether the next one may be told */
async function keep(
  db: Db,
  row: CompanyPurchaseRow,
  said: CompanyBooks,
  nowMs: number,
): Promise<boolean> {
  const at = [row.user_no, row.tell_no] as const;
  switch (said.state) {
    case 'booked':
      await db.query(
        `UPDATE company_purchases SET state = 'booked', voucher = $3, said = NULL
         WHERE user_no = $1 AND tell_no = $2 AND state = 'waiting'`,
        [...at, said.voucher],
      );
      return true;
    case 'refused':
      await db.query(
        `UPDATE company_purchases SET state = 'refused', said = $3
         WHERE user_no = $1 AND tell_no = $2 AND state = 'waiting'`,
        [...at, said.detail.slice(0, 300)],
      );
      return true;
    case 'early':
      // It has forgotten some that it had booked: from there on they are told again.
      if (said.expects < row.tell_no) {
        await db.query(
          `UPDATE company_purchases SET state = 'waiting', look_ms = 0, tries = 0
           WHERE user_no = $1 AND tell_no >= $2 AND tell_no < $3 AND state <> 'waiting'`,
          [row.user_no, said.expects, row.tell_no],
        );
        await later(db, row, `expects number ${said.expects}`, nowMs);
        return false;
      }
      await later(db, row, `expects number ${said.expects}, which is not known here`, nowMs);
      return false;
    case 'unknown':
      await later(db, row, said.detail, nowMs);
      return false;
    default:
      return said satisfies never;
  }
}

/** Twice as far away each time, within bounds: by central's own clock, whatever its kiosk's says. */
async function later(
  sql: Sql,
  row: CompanyPurchaseRow,
  said: string,
  nowMs: number,
): Promise<void> {
  const waitMs = Math.min(MAX_LOOK_MS, FIRST_LOOK_MS * 2 ** Math.min(row.tries, 20));
  await sql.query(
    `UPDATE company_purchases SET look_ms = $3, said = $4, tries = tries + 1
     WHERE user_no = $1 AND tell_no = $2`,
    [row.user_no, row.tell_no, nowMs + waitMs, said.slice(0, 300)],
  );
}

/** What staff looks at: refused ones, and those that have waited for long. */
export const openPurchases = (sql: Sql): Promise<readonly CompanyPurchaseRow[]> =>
  select(
    sql,
    COMPANY_PURCHASES,
    `state IN ('refused', 'waiting') ORDER BY state, made_ms, user_no, tell_no LIMIT 200`,
    [],
  );

/**
 * Staff entered a refused purchase at the company by hand: from now on its figures hold it.
 *
 * @returns false: it is not refused (any more)
 */
export const settlePurchase = async (
  sql: Sql,
  told: {
    readonly userNo: string;
    readonly tellNo: number;
    readonly who: string;
    readonly why: string;
  },
): Promise<boolean> =>
  (
    await sql.query(
      `UPDATE company_purchases SET state = 'settled', settled_who = $3, settled_why = $4
       WHERE user_no = $1 AND tell_no = $2 AND state = 'refused' RETURNING tell_no`,
      [told.userNo, told.tellNo, told.who, told.why],
    )
  ).length > 0;
