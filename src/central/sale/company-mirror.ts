import { canonicalJson } from '../../shared/canonical-json.ts';
import type { Tariff } from '../../shared/central-api/index.ts';
import type { CompanyAccount } from '../../shared/company-accounts.ts';
import { CALENDAR_YEAR, MONTHLY, periodStart } from '../../shared/periods.ts';
import { anyOf, keepRows, list, select, updateRows, upsertRows } from '../db/sets.ts';
import { numOrNull } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import type { CompanyTrouble } from './company-findings.ts';
import { keepAnswer } from './company-answers.ts';
import type { Said } from './company-answers.ts';
import { ACCOUNT_USE, ACCOUNTS, COMPANY_PURCHASES } from './tables.ts';
import type { AccountRow, CompanyPurchaseRow } from './tables.ts';

/** Of what central sold, as far as the company's figures do not hold it. */
interface Pending {
  readonly count: number;
  readonly quantity: number;
  readonly inPeriod: (of: (purchase: CompanyPurchaseRow) => number, startMs: number) => number;
}

/**
 * Brings an account to what the company says of it, under its lock. The company's figures hold all
 * that it was told up to `told`; what central sold and numbered after that is added to them, and
 * what the company refused to book: it is on the card all the same. So no purchase is counted twice
 * or not at all, whatever was told, heard or lost meanwhile. An answer that is older than one
 * before changes nothing.
 *
 * @returns why it cannot be; then nothing was changed
 */
export async function takeAccount(
  tx: Sql,
  told: CompanyAccount,
  said: Said,
  nowMs: number,
): Promise<CompanyTrouble | null> {
  const moved = await otherAccount(tx, told);
  if (moved !== null) return moved;
  const [was] = await select(tx, ACCOUNTS, 'user_no = $1 FOR NO KEY UPDATE', [told.userNo]);
  const changed = await tariffTrouble(tx, told);
  if (changed !== null) return changed;
  if (was !== undefined && (was.kind !== told.kind || was.unit !== told.unit))
    return {
      kind: 'other-kind',
      detail: `户号 ${told.userNo}：公司答 ${told.kind}/${told.unit}，原为 ${was.kind}/${was.unit}`,
    };
  const tellNo = was?.told_no ?? 0;
  if (told.told > tellNo)
    return {
      kind: 'forgotten-here',
      detail: `户号 ${told.userNo}：公司已收到 ${told.told} 笔，本中心只有 ${tellNo} 笔；等自助机补传`,
    };
  const purchases = await select(
    tx,
    COMPANY_PURCHASES,
    'user_no = $1 AND (tell_no > $2 OR state = $3)',
    [told.userNo, told.told, 'refused'],
  );
  const pending = pendingOf(purchases);
  const count = told.count + pending.count;
  const floor = await knownCount(tx, told.userNo, was);
  if (count < floor)
    return {
      kind: 'count-behind',
      detail: `户号 ${told.userNo}：公司的次数加未入账的是 ${count}，卡上已写到 ${floor}`,
    };
  if (!(await keepAnswer(tx, told, said, nowMs))) return null;
  await keepTariffs(tx, told);
  const row = rowOf(told, was, pending);
  // Of two that ask for a new one at once, one makes it.
  if (was === undefined) await keepRows(tx, ACCOUNTS, [row]);
  else
    await updateRows(tx, ACCOUNTS, [
      (await isSelling(tx, told.userNo, nowMs)) ? without(row, was) : row,
    ]);
  await tx.query('INSERT INTO cards (card_no, user_no) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    told.cardNo,
    told.userNo,
  ]);
  await upsertRows(tx, ACCOUNT_USE, usesOf(told, pending));
  // A company that goes on from a backup has forgotten what it had booked, or refused: it is told
  // again.
  await tx.query(
    `UPDATE company_purchases SET state = 'waiting', look_ms = 0, tries = 0
     WHERE user_no = $1 AND tell_no > $2 AND state <> 'waiting'`,
    [told.userNo, told.told],
  );
  return null;
}

/** A card is one account's: whoever says otherwise is asked by a person first. */
async function otherAccount(tx: Sql, told: CompanyAccount): Promise<CompanyTrouble | null> {
  const [card] = await tx.query<{ user_no: string }>(
    'SELECT user_no FROM cards WHERE card_no = $1',
    [told.cardNo],
  );
  return card === undefined || card.user_no === told.userNo
    ? null
    : {
        kind: 'card-moved',
        detail: `卡 ${told.cardNo}：公司答属于户号 ${told.userNo}，原属于 ${card.user_no}`,
      };
}

const allTariffs = (
  told: CompanyAccount,
): readonly { readonly fromMs: number | null; readonly tariff: Tariff }[] => [
  { fromMs: null, tariff: told.tariff },
  ...told.announced,
];
const yearOf = (tariff: Tariff): string => tariff.yearBegins ?? CALENDAR_YEAR;

/** What sales were priced by stays what it was: another price is another version. */
async function tariffTrouble(tx: Sql, told: CompanyAccount): Promise<CompanyTrouble | null> {
  for (const { tariff } of allTariffs(told)) {
    const [known] = await tx.query<{ tiers: string; year_begins: string }>(
      'SELECT tiers, year_begins FROM tariffs WHERE tariff_id = $1 AND version = $2',
      [tariff.tariffId, tariff.version],
    );
    if (
      known !== undefined &&
      (canonicalJson(JSON.parse(known.tiers)) !== canonicalJson(tariff.tiers) ||
        known.year_begins !== yearOf(tariff))
    )
      return {
        kind: 'tariff-changed',
        detail: `价格 ${tariff.tariffId} 第 ${tariff.version} 版的阶梯或年度与原来不同；改价须另出一版`,
      };
    if (tariff.tariffId !== told.tariff.tariffId)
      return {
        kind: 'tariff-changed',
        detail: `户号 ${told.userNo} 用价格 ${told.tariff.tariffId}，预告的却是 ${tariff.tariffId}`,
      };
  }
  return null;
}

/**
 * What is announced holds from its day; what is not announced any more never will. Rows that
 * everybody's prices stand in are touched only where something is new.
 */
async function keepTariffs(tx: Sql, told: CompanyAccount): Promise<void> {
  for (const { fromMs, tariff } of allTariffs(told)) {
    const key = [tariff.tariffId, tariff.version] as const;
    const known = await tx.query<{ from_ms: unknown }>(
      'SELECT from_ms FROM tariffs WHERE tariff_id = $1 AND version = $2',
      key,
    );
    if (known[0] === undefined)
      await tx.query(
        `INSERT INTO tariffs (tariff_id, version, tiers, from_ms, year_begins)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
        [...key, JSON.stringify(tariff.tiers), fromMs, yearOf(tariff)],
      );
    else if (fromMs !== null && numOrNull(known[0].from_ms) !== fromMs)
      await tx.query('UPDATE tariffs SET from_ms = $3 WHERE tariff_id = $1 AND version = $2', [
        ...key,
        fromMs,
      ]);
  }
  const { tariffId, version } = told.tariff;
  const announced = told.announced.map((a) => String(a.tariff.version));
  await tx.query(
    `UPDATE tariffs SET from_ms = NULL WHERE tariff_id = $1 AND version > $2
     AND from_ms IS NOT NULL AND NOT (CAST(version AS text) ${anyOf('$3')})`,
    [tariffId, version, list(announced)],
  );
}

/** What the company is told by and by. */
function pendingOf(purchases: readonly CompanyPurchaseRow[]): Pending {
  const sum = (of: (p: CompanyPurchaseRow) => number): number =>
    purchases.reduce((all, p) => all + of(p), 0);
  return {
    count: sum((p) => p.counts),
    quantity: sum((p) => p.quantity),
    inPeriod: (start, startMs) => sum((p) => (start(p) === startMs ? p.quantity : 0)),
  };
}

/**
 * Below this no count may fall: so many are on the card by kiosks' journals. An account that was
 * central's own begins with what central counted.
 */
async function knownCount(tx: Sql, userNo: string, was: AccountRow | undefined): Promise<number> {
  const [row] = await tx.query<{ n: unknown }>(
    `SELECT MAX(next_count) AS n FROM orders WHERE user_no = $1 AND sale = 'card'
     AND state = 'delivered'`,
    [userNo],
  );
  return Math.max(numOrNull(row?.n) ?? 0, was?.told_no === null ? was.count : 0);
}

function rowOf(told: CompanyAccount, was: AccountRow | undefined, pending: Pending): AccountRow {
  return {
    user_no: told.userNo,
    holder_name: told.holderName,
    meter_no: told.meterNo,
    kind: told.kind,
    unit: told.unit,
    state: told.state,
    count: told.count + pending.count,
    cumulative: told.cumulative + pending.quantity,
    // Less than 0.01 unit, or a grant of two persons here: central's own.
    carried_micro: was?.carried_micro ?? 0,
    ceiling_quantity: told.ceilingQuantity,
    per_purchase_quantity: told.perPurchaseQuantity,
    limit_quantity: told.limit?.quantity ?? null,
    limit_every: told.limit?.every ?? MONTHLY,
    tariff_id: told.tariff.tariffId,
    tariff_version: told.tariff.version,
    told_no: was?.told_no ?? 0,
  };
}

/** Somebody holds the account's next count: it does not move under his order. */
async function isSelling(tx: Sql, userNo: string, nowMs: number): Promise<boolean> {
  const held = await tx.query(
    `SELECT 1 FROM claims c JOIN cards k ON k.card_no = c.card_no WHERE k.user_no = $1
     AND (c.expires_ms IS NULL OR c.expires_ms > $2) LIMIT 1`,
    [userNo, nowMs],
  );
  return held.length > 0;
}
const without = (row: AccountRow, was: AccountRow): AccountRow => ({
  ...row,
  count: was.count,
  cumulative: was.cumulative,
});

/** Year and limit as the company counts them, with what it is told by and by. */
function usesOf(told: CompanyAccount, pending: Pending) {
  const { userNo: user_no, asOfMs, limit } = told;
  const year = periodStart(yearOf(told.tariff), asOfMs);
  const rows = [
    {
      user_no,
      counter: 'year' as const,
      start_ms: year,
      quantity: told.yearQuantity + pending.inPeriod((p) => p.year_start_ms, year),
    },
  ];
  if (limit === null) return rows;
  const start = periodStart(limit.every, asOfMs);
  return [
    ...rows,
    {
      user_no,
      counter: 'limit' as const,
      start_ms: start,
      quantity:
        limit.quantity -
        limit.left +
        pending.inPeriod((p) => periodStart(limit.every, p.priced_ms), start),
    },
  ];
}
