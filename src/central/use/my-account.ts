import type { KeyObject } from 'node:crypto';
import type { MyAccount, MyAccountRequest, UtilityUse } from '../../shared/central-api/index.ts';
import { maskName } from '../../shared/mask.ts';
import { lastMonths, monthAfter, SHOWN_MONTHS } from '../../shared/my-account.ts';
import type { UseUnit } from '../../shared/my-account.ts';
import type { TariffTier } from '../../shared/money.ts';
import { periodStart, versionAt } from '../../shared/periods.ts';
import { chinaDate } from '../../shared/time.ts';
import { select } from '../db/sets.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { accountByCard } from '../sale/accounts.ts';
import type { AccountSource } from '../sale/company-accounts.ts';
import { CREDIT_ACCOUNTS } from '../sale/credit-tables.ts';
import { TARIFFS } from '../sale/tables.ts';
import { knowsDigits } from './phones.ts';
import { lastPurchases } from './purchases.ts';
import { monthsOfReadings } from './readings.ts';
import type { Reading } from './readings.ts';
import { ACCOUNT_METERS, ACCOUNT_MONTHS, METER_FAULT_ROWS } from './tables.ts';
import type { AccountMeterRow } from './tables.ts';

/** By what an account is told. */
export interface MyAccountParts {
  readonly nowMs: number;
  /** Make the hash of the digits on record, the newest first. */
  readonly keys: readonly KeyObject[];
  /** Meters are told of top-ups: what they have not confirmed is on its way. */
  readonly meters: boolean;
  /** An order's receipt by central's own signature; null: there are no such pages. */
  readonly receiptOf: (orderId: string) => string | null;
  /** Where accounts come from: asked before anything is told of one. */
  readonly source: Pick<AccountSource, 'card' | 'user'>;
}

type CardAccount = NonNullable<Awaited<ReturnType<typeof accountByCard>>>;

/**
 * What the holder of a card, or of a user number and its digits, is told of his own account. Only
 * reads, but for the count of wrong digits.
 *
 * @returns null: no such account, or not those digits; the same is asked of the database for both
 */
export async function myAccount(
  sql: Sql,
  asked: MyAccountRequest,
  parts: MyAccountParts,
): Promise<MyAccount | null> {
  const { nowMs } = parts;
  if (asked.by === 'number') {
    const { userNo, last4 } = asked;
    // Nothing more is asked for either: what there is of an account takes its time.
    if (!(await knowsDigits(sql, parts.keys, { userNo, last4 }, nowMs))) return null;
  }
  const cardNo = await broughtCard(sql, asked, parts.source);
  const card = await accountByCard(sql, cardNo, nowMs, false);
  const userNo = asked.by === 'card' ? (card?.userNo ?? '') : asked.userNo;
  if (userNo !== '') await parts.source.user(userNo);
  const [credit] = await select(sql, CREDIT_ACCOUNTS, `user_no = $1 AND state = 'normal'`, [
    userNo,
  ]);
  const readings = await readingsOf(sql, cardNo);
  const uses = await usesOf(sql, userNo, card, readings, nowMs);
  const purchases = await lastPurchases(sql, userNo, parts.receiptOf);
  if (card === null && credit === undefined) return null;
  const last = readings.at(-1);
  return {
    holderName: maskName(card?.holderName ?? credit?.holder_name ?? ''),
    userNo,
    uses: [...uses],
    balance:
      // An IoT meter's, or what was paid ahead for bills.
      credit === undefined || credit.top_up_payee === null
        ? null
        : {
            fen: credit.balance_fen,
            // What was taken back and not confirmed is below zero, and told to nobody.
            onTheWayFen: parts.meters ? Math.max(0, credit.on_the_way_fen) : 0,
          },
    meter:
      // A refuelling card has no meter: its money is on the card.
      card === null || card.kind === 'fuel' || last === undefined
        ? null
        : { remaining: last.remaining, unit: card.unit, atMs: last.visitMs },
    purchases: [...purchases],
    asOfMs: nowMs,
  };
}

/** The card that is told of, as its source has it now; empty: there is none. */
async function broughtCard(
  sql: Sql,
  asked: MyAccountRequest,
  source: MyAccountParts['source'],
): Promise<string> {
  const cardNo = asked.by === 'card' ? asked.cardNo : await cardOf(sql, asked.userNo);
  try {
    if (cardNo !== '') await source.card(cardNo);
    return cardNo;
  } catch (cause) {
    // A household goes on without a card that the company gave up.
    if (asked.by === 'number' && cause instanceof Refusal && cause.type === 'unknown-card')
      return '';
    throw cause;
  }
}

/** The card of a user number that its meter wrote to last; empty: it has none. */
async function cardOf(sql: Sql, userNo: string): Promise<string> {
  const rows = await sql.query<{ card_no: string }>(
    `SELECT c.card_no FROM cards c WHERE c.user_no = $1 ORDER BY COALESCE((SELECT MAX(r.visit_ms)
       FROM card_readings r WHERE r.card_no = c.card_no), 0) DESC, c.card_no LIMIT 1`,
    [userNo],
  );
  return rows[0]?.card_no ?? '';
}

type KeptReading = Reading & { readonly remaining: number };

async function readingsOf(sql: Sql, cardNo: string): Promise<readonly KeptReading[]> {
  const rows = await sql.query<{ visit_ms: unknown; used: unknown; remaining: unknown }>(
    `SELECT visit_ms, used, remaining FROM card_readings WHERE card_no = $1
     ORDER BY visit_ms DESC LIMIT 36`,
    [cardNo],
  );
  return rows
    .map((r) => ({ visitMs: num(r.visit_ms), used: num(r.used), remaining: num(r.remaining) }))
    .toReversed();
}

/** Every utility of which something is known, gas first. */
async function usesOf(
  sql: Sql,
  userNo: string,
  card: CardAccount | null,
  readings: readonly Reading[],
  nowMs: number,
): Promise<readonly UtilityUse[]> {
  const meters = await select(sql, ACCOUNT_METERS, 'user_no = $1', [userNo]);
  // The year before the last twelve, and the month that goes on.
  const oldest = monthAfter(chinaDate(nowMs).slice(0, 7), 1 - 2 * SHOWN_MONTHS);
  const months = await select(sql, ACCOUNT_MONTHS, 'user_no = $1 AND month >= $2', [
    userNo,
    oldest,
  ]);
  const faults = await select(sql, METER_FAULT_ROWS, 'user_no = $1 ORDER BY fault', [userNo]);
  const tariffs = await select(
    sql,
    TARIFFS,
    `tariff_id IN (SELECT tariff_id FROM account_meters WHERE user_no = $1) ORDER BY version`,
    [userNo],
  );
  const estimates = monthsOfReadings(readings, nowMs);
  const kinds = (['gas', 'water', 'heat'] as const).filter(
    (kind) => card?.kind === kind || [...meters, ...months].some((row) => row.kind === kind),
  );
  return kinds.map((kind) => {
    const meter = meters.find((m) => m.kind === kind);
    const ownCard = card?.kind === kind ? card : null;
    const read = new Map(
      months.flatMap((m) => (m.kind === kind ? [[m.month, m.quantity] as const] : [])),
    );
    const guessed = ownCard === null ? new Map<string, number>() : estimates;
    const at = (month: string): number | null => read.get(month) ?? guessed.get(month) ?? null;
    const isGuess = (month: string): boolean => !read.has(month) && guessed.has(month);
    return {
      kind,
      unit: unitOf(kind, meter, ownCard),
      months: lastMonths(nowMs, SHOWN_MONTHS).map((month) => {
        const before = monthAfter(month, -SHOWN_MONTHS);
        return {
          month,
          quantity: at(month),
          yearBefore: at(before),
          estimated: isGuess(month) || isGuess(before),
        };
      }),
      year: yearOf({ card: ownCard, meter, tariffs, read, nowMs }),
      faults: faults
        .filter((f) => f.kind === kind)
        .map((f) => ({ fault: f.fault, sinceMs: f.since_ms })),
    };
  });
}

const unitOf = (
  kind: UtilityUse['kind'],
  meter: AccountMeterRow | undefined,
  card: CardAccount | null,
): UseUnit => meter?.unit ?? (card?.unit === 'money' ? 'yuan' : kind === 'heat' ? 'kWh' : 'm3');

/**
 * Where the tariff's year stands. A card's counts what was bought, as it is priced; without a card
 * it is what was used in its months, from the first whole month of the year on.
 */
function yearOf({
  card,
  meter,
  tariffs,
  read,
  nowMs,
}: {
  readonly card: CardAccount | null;
  readonly meter: AccountMeterRow | undefined;
  readonly tariffs: readonly {
    readonly tariff_id: string;
    readonly version: number;
    readonly from_ms: number | null;
    readonly tiers: string;
    readonly year_begins: string;
  }[];
  readonly read: ReadonlyMap<string, number>;
  readonly nowMs: number;
}): UtilityUse['year'] {
  if (card !== null) {
    const { tiers, yearBegins = '01-01' } = card.tariff;
    // One price is no tier; a purse's meter prices what is used.
    if (tiers.length < 2) return null;
    const since = chinaDate(periodStart(yearBegins, nowMs));
    return { since, counted: 'bought', quantity: card.yearQuantity, tiers };
  }
  if (meter?.tariff_id == null || meter.tariff_version === null) return null;
  const own = tariffs
    .filter((t) => t.tariff_id === meter.tariff_id)
    .map((t) => ({ ...t, fromMs: t.from_ms }));
  const tariff = versionAt(own, meter.tariff_version, nowMs);
  if (tariff === undefined) return null;
  const since = chinaDate(periodStart(tariff.year_begins, nowMs));
  const quantity = [...read]
    .filter(([month]) => `${month}-01` >= since)
    .reduce((sum, [, used]) => sum + used, 0);
  const tiers = JSON.parse(tariff.tiers) as TariffTier[];
  if (tiers.length < 2) return null;
  return { since, counted: 'used', quantity, tiers };
}
