import type { Announced, Tariff } from '../../shared/central-api/index.ts';
import type { TariffTier } from '../../shared/money.ts';
import { CALENDAR_YEAR, periodStart, versionAt } from '../../shared/periods.ts';
import type { AccountRow, TariffRow, UseRow } from './tables.ts';

/** How an account stands at a moment: its tariff, and what it bought in that moment's periods. */
export interface Standing {
  readonly tariff: TariffRow;
  readonly yearStartMs: number;
  /** 0.01 units bought in the tariff year. */
  readonly yearQuantity: number;
  /** What may still be bought in the limit period, 0.01 units; null: no limit. */
  readonly leftQuantity: number | null;
  /** When the limit period began, with a limit or without. */
  readonly limitStartMs: number;
}

const dated = (rows: readonly TariffRow[], tariffId: string) =>
  rows.filter((t) => t.tariff_id === tariffId).map((row) => ({ ...row, fromMs: row.from_ms }));

/** @throws Error where the account's own tariff is not among the rows: the schema forbids it */
export function standingAt(
  account: AccountRow,
  tariffs: readonly TariffRow[],
  uses: readonly UseRow[],
  ms: number,
): Standing {
  const tariff = versionAt(dated(tariffs, account.tariff_id), account.tariff_version, ms);
  if (tariff === undefined) throw new Error(`account ${account.user_no} has no tariff`);
  const yearStartMs = periodStart(tariff.year_begins, ms);
  const limitStartMs = periodStart(account.limit_every, ms);
  return {
    tariff,
    yearStartMs,
    yearQuantity: usedIn(uses, account.user_no, 'year', yearStartMs),
    leftQuantity:
      account.limit_quantity === null
        ? null
        : Math.max(
            0,
            account.limit_quantity - usedIn(uses, account.user_no, 'limit', limitStartMs),
          ),
    limitStartMs,
  };
}

/** What an account bought in the period that began then, 0.01 units. */
export const usedIn = (
  uses: readonly UseRow[],
  userNo: string,
  counter: UseRow['counter'],
  startMs: number,
): number =>
  uses.find((u) => u.user_no === userNo && u.counter === counter && u.start_ms === startMs)
    ?.quantity ?? 0;

/** As many announced versions are told at once as a cached account may live to see. */
const ANNOUNCED = 4;

/** The versions that will hold after this moment, the next one first. */
export const announcedAfter = (
  tariffs: readonly TariffRow[],
  holds: TariffRow,
  ms: number,
): readonly Announced[] =>
  dated(tariffs, holds.tariff_id)
    .flatMap((row) =>
      row.fromMs !== null && row.fromMs > ms && row.version > holds.version
        ? [{ fromMs: row.fromMs, tariff: toldTariff(row) }]
        : [],
    )
    .toSorted((a, b) => a.fromMs - b.fromMs)
    .slice(0, ANNOUNCED);

/** A tariff as terminals are told it: the calendar year goes without saying. */
export const toldTariff = (row: TariffRow): Tariff => ({
  tariffId: row.tariff_id,
  version: row.version,
  tiers: JSON.parse(row.tiers) as TariffTier[],
  ...(row.year_begins === CALENDAR_YEAR ? {} : { yearBegins: row.year_begins }),
});
