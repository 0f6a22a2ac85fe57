import type { KeyObject } from 'node:crypto';
import { canonicalJson } from '../../shared/canonical-json.ts';
import type { CreditItem } from '../../shared/central-api/index.ts';
import { checkTariff } from '../../shared/money.ts';
import type { TariffTier } from '../../shared/money.ts';
import {
  CALENDAR_YEAR,
  isPeriodRule,
  MONTHLY,
  periodStart,
  versionAt,
} from '../../shared/periods.ts';
import type { PeriodRule } from '../../shared/periods.ts';
import { chinaDayMs } from '../../shared/time.ts';
import { keepRows } from '../db/sets.ts';
import type { Db, Sql } from '../db/sql.ts';
import { CREDIT_ACCOUNTS, CREDIT_ITEMS } from '../sale/credit-tables.ts';
import { ACCOUNT_USE } from '../sale/tables.ts';
import { checkHouseholds, enterHousehold, enterMonth } from '../use/households.ts';
import type { SeedHousehold } from '../use/households.ts';

/** Prices by tiers; one more version is one more row. */
export interface SeedTariff {
  readonly tariffId: string;
  readonly version: number;
  readonly tiers: readonly TariffTier[];
  /**
   * From when it holds for every account that names an earlier version; announced, where that is to
   * come. Left out: only for accounts that name it.
   */
  readonly fromMs?: number;
  /** With which day its year begins, `MM-DD`; left out: the calendar year. */
  readonly yearBegins?: PeriodRule;
}
/** An account and its card, as they stand when central first hears of them. Quantities in 0.01 unit. */
export interface SeedAccount {
  readonly cardNo: string;
  readonly userNo: string;
  readonly holderName: string;
  readonly meterNo: string;
  readonly kind: 'gas' | 'water' | 'heat' | 'fuel';
  readonly unit: 'volume' | 'money';
  readonly state: 'normal' | 'hot-listed' | 'debt';
  readonly count: number;
  readonly cumulative: number;
  /** Bought in the tariff year that lies around `countedMs`. */
  readonly yearQuantity: number;
  readonly carriedMicro: number;
  readonly ceilingQuantity: number;
  readonly perPurchaseQuantity: number | null;
  /** What is left of the limit in its period around `countedMs`; null: no limit. */
  readonly periodLeftQuantity: number | null;
  /** What each period of the limit begins with; left out: each month with what is left. */
  readonly limit?: { readonly quantity: number; readonly every: PeriodRule };
  /** When year and limit were counted; left out: when central first hears of the account. */
  readonly countedMs?: number;
  readonly tariffId: string;
  readonly tariffVersion: number;
}
/** A claim that another terminal's paid order holds. */
export interface SeedClaim {
  readonly cardNo: string;
  readonly nextCount: number;
  readonly orderId: string;
  readonly terminalId: string;
}
/** A terminal that is let in. */
export interface SeedTerminal {
  readonly terminalId: string;
  /** Ed25519, PEM (SPKI). */
  readonly publicKeyPem: string;
  /** The journal epoch that is granted; 1 where not given. */
  readonly epoch?: number;
}

/** An account that is credited without a card, with what it owes. */
export interface SeedCreditAccount {
  readonly userNo: string;
  readonly holderName: string;
  readonly address: string;
  /** An IoT meter that is topped up for a payee; left out: none. */
  readonly topUp?: { readonly meterNo: string; readonly payee: string };
  /** Money is paid ahead to this payee, for bills to come; left out: it is not. */
  readonly prepay?: { readonly payee: string };
  /** Below zero: owed; left out: 0. */
  readonly balanceFen?: number;
  readonly items?: readonly SeedCreditItem[];
}
/** A bill or a season's fee, fen; see `CREDIT_ITEMS`. */
export interface SeedCreditItem {
  readonly item: string;
  readonly kind: 'gas' | 'water' | 'heat';
  readonly payee: string;
  readonly period: string;
  readonly principalFen: number;
  /** For each day behind the due date, in 1/100 000 of the principal, up to the cap. */
  readonly lateFee?: { readonly e5: number; readonly capFen: number };
  readonly dueDate?: string;
  readonly discount?: { readonly fen: number; readonly until: string };
  readonly details?: CreditItem['details'];
  /** What it bills of the month that `period` names, 0.01 units; left out: it does not say. */
  readonly quantity?: number;
  readonly consentText?: string;
  /** A bank's debit is under way; left out: open. */
  readonly state?: 'open' | 'debited';
}

/** What a database begins with. */
export interface Seed {
  readonly terminals: readonly SeedTerminal[];
  readonly tariffs: readonly SeedTariff[];
  readonly accounts: readonly SeedAccount[];
  readonly claims: readonly SeedClaim[];
  /** What is sold without a card; left out: nothing. */
  readonly creditAccounts?: readonly SeedCreditAccount[];
  /** What households use; left out: nothing is known of it. */
  readonly households?: readonly SeedHousehold[];
}

/** @throws RangeError when two rows of a seed have one key: one of them would never be there */
function refuseTwice<T>(what: string, rows: readonly T[], key: (row: T) => string): void {
  const seen = new Set<string>();
  for (const row of rows) {
    const k = key(row);
    if (seen.has(k)) throw new RangeError(`the seed has ${what} ${k} twice`);
    seen.add(k);
  }
}

/**
 * A seed is asked for what collides in it before it meets a database, where `ON CONFLICT` is for
 * the restart only and cannot tell the two apart. An account with several cards is a row for each
 * card, alike but for the card.
 *
 * @throws RangeError when two rows have one key, two accounts one user number, or a tariff or the
 *   rule of a period is none
 */
export function checkSeed({
  terminals,
  tariffs,
  accounts,
  claims,
  creditAccounts = [],
  households = [],
}: Seed): void {
  checkHouseholds(households);
  for (const t of tariffs) {
    checkTariff(t.tiers);
    const { yearBegins = CALENDAR_YEAR } = t;
    if (!isPeriodRule(yearBegins) || yearBegins === MONTHLY)
      throw new RangeError(`no year begins with ${yearBegins}`);
  }
  for (const { limit, periodLeftQuantity: left, userNo } of accounts)
    if (
      limit !== undefined &&
      (!isPeriodRule(limit.every) || left === null || left > limit.quantity)
    )
      throw new RangeError(`account ${userNo}: what is left is not of its limit`);
  refuseTwice('terminal', terminals, (t) => t.terminalId);
  refuseTwice('tariff', tariffs, (t) => `${t.tariffId} version ${t.version}`);
  refuseTwice('card', accounts, (a) => a.cardNo);
  refuseTwice('a claim on card', claims, (c) => c.cardNo);
  refuseTwice('credit account', creditAccounts, (c) => c.userNo);
  const items = creditAccounts.flatMap((c) => c.items ?? []);
  refuseTwice('item', items, (i) => i.item);
  for (const { item, principalFen, lateFee, dueDate, discount } of items) {
    if (lateFee !== undefined && (dueDate === undefined || lateFee.capFen > principalFen))
      throw new RangeError(`item ${item}: a late fee without a due date, or above its principal`);
    for (const day of [dueDate, discount?.until])
      if (day !== undefined && Number.isNaN(chinaDayMs(day)))
        throw new RangeError(`item ${item}: no day: ${day}`);
  }
  const byUser = new Map<string, string>();
  for (const a of accounts) {
    const body = canonicalJson({ ...a, cardNo: null });
    if ((byUser.get(a.userNo) ?? body) !== body)
      throw new RangeError(`the seed has two accounts with user number ${a.userNo}`);
    byUser.set(a.userNo, body);
  }
}

/**
 * Adds what is not there yet; what is there is never changed: a restart must not set an account
 * back.
 *
 * @param phoneKeys make the hash of telephone digits; none: no account is found by its number
 * @throws RangeError when the seed collides with itself ({@link checkSeed})
 */
export async function seed(
  db: Db,
  all: Seed,
  nowMs: number,
  phoneKeys: readonly KeyObject[] = [],
): Promise<void> {
  checkSeed(all);
  const { terminals, tariffs, accounts, claims } = all;
  await db.transaction(async (tx) => {
    for (const t of terminals)
      await tx.query(
        `INSERT INTO terminals (terminal_id, public_key, epoch) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING`,
        [t.terminalId, t.publicKeyPem, t.epoch ?? 1],
      );
    for (const t of tariffs)
      await tx.query(
        `INSERT INTO tariffs (tariff_id, version, tiers, from_ms, year_begins)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
        [
          t.tariffId,
          t.version,
          JSON.stringify(t.tiers),
          t.fromMs ?? null,
          t.yearBegins ?? CALENDAR_YEAR,
        ],
      );
    // Of several processes that start at once one finds no account and adds them.
    const none = (await tx.query('SELECT 1 FROM accounts LIMIT 1')).length === 0;
    let fresh = false;
    for (const a of accounts) {
      const added = await tx.query(
        `INSERT INTO accounts (user_no, holder_name, meter_no, kind, unit, state, count, cumulative,
           carried_micro, ceiling_quantity, per_purchase_quantity, limit_quantity, limit_every,
           tariff_id, tariff_version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
           ON CONFLICT DO NOTHING RETURNING user_no`,
        [
          a.userNo,
          a.holderName,
          a.meterNo,
          a.kind,
          a.unit,
          a.state,
          a.count,
          a.cumulative,
          a.carriedMicro,
          a.ceilingQuantity,
          a.perPurchaseQuantity,
          a.limit?.quantity ?? a.periodLeftQuantity,
          a.limit?.every ?? MONTHLY,
          a.tariffId,
          a.tariffVersion,
        ],
      );
      fresh ||= none && added.length > 0;
      if (added.length > 0) await enterUse(tx, a, tariffs, nowMs);
      await tx.query(
        'INSERT INTO cards (card_no, user_no) VALUES ($1, $2) ON CONFLICT DO NOTHING',
        [a.cardNo, a.userNo],
      );
    }
    for (const c of all.creditAccounts ?? []) await enterCredit(tx, c);
    for (const h of all.households ?? []) await enterHousehold(tx, h, phoneKeys);
    // A claim that was settled since must not come back with a restart.
    if (fresh)
      for (const c of claims)
        await tx.query(
          `INSERT INTO claims (card_no, next_count, order_id, terminal_id, expires_ms)
           VALUES ($1, $2, $3, $4, NULL) ON CONFLICT DO NOTHING`,
          [c.cardNo, c.nextCount, c.orderId, c.terminalId],
        );
  });
}

/** What an account brings along of its year and of its limit, each in the period it was counted. */
async function enterUse(
  tx: Sql,
  a: SeedAccount,
  tariffs: readonly SeedTariff[],
  nowMs: number,
): Promise<void> {
  const countedMs = a.countedMs ?? nowMs;
  const versions = tariffs
    .filter((t) => t.tariffId === a.tariffId)
    .map((t) => ({ ...t, fromMs: t.fromMs ?? null }));
  const tariff = versionAt(versions, a.tariffVersion, countedMs);
  const use = (counter: 'year' | 'limit', rule: PeriodRule, quantity: number) => ({
    user_no: a.userNo,
    counter,
    start_ms: periodStart(rule, countedMs),
    quantity,
  });
  const rows = [use('year', tariff?.yearBegins ?? CALENDAR_YEAR, a.yearQuantity)];
  if (a.limit !== undefined)
    rows.push(use('limit', a.limit.every, a.limit.quantity - (a.periodLeftQuantity ?? 0)));
  await keepRows(tx, ACCOUNT_USE, rows);
}

/** One that is there already stays as it is, and so does each of its items. */
async function enterCredit(tx: Sql, c: SeedCreditAccount): Promise<void> {
  await keepRows(tx, CREDIT_ACCOUNTS, [
    {
      user_no: c.userNo,
      holder_name: c.holderName,
      address: c.address,
      state: 'normal',
      meter_no: c.topUp?.meterNo ?? null,
      top_up_payee: (c.topUp ?? c.prepay)?.payee ?? null,
      balance_fen: c.balanceFen ?? 0,
      on_the_way_fen: 0,
      topped_count: 0,
      topped_fen: 0,
    },
  ]);
  await keepRows(
    tx,
    CREDIT_ITEMS,
    (c.items ?? []).map((i) => ({
      item: i.item,
      user_no: c.userNo,
      kind: i.kind,
      payee: i.payee,
      period: i.period,
      principal_fen: i.principalFen,
      late_fee_e5: i.lateFee?.e5 ?? 0,
      late_fee_cap_fen: i.lateFee?.capFen ?? 0,
      due_date: i.dueDate ?? null,
      discount_fen: i.discount?.fen ?? 0,
      discount_until: i.discount?.until ?? null,
      late_since: null,
      details: JSON.stringify(i.details ?? []),
      consent_text: i.consentText ?? null,
      state: i.state ?? 'open',
      order_id: null,
      reserved_until_ms: null,
      paid_by: null,
      paid_ms: null,
    })),
  );
  for (const { kind, period, quantity } of c.items ?? [])
    if (quantity !== undefined && /^\d{4}-(?:0[1-9]|1[0-2])$/.test(period))
      await enterMonth(tx, c.userNo, kind, { month: period, quantity, source: 'bill' });
}
