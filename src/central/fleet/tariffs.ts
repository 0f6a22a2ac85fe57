import { z } from 'zod';
import { canonicalJson } from '../../shared/canonical-json.ts';
import { checkTariff } from '../../shared/money.ts';
import type { TariffTier } from '../../shared/money.ts';
import { CALENDAR_YEAR, yearRuleSchema } from '../../shared/periods.ts';
import { MAX_TARIFFS } from '../../shared/policy.ts';
import { chinaDate, chinaDayMs, DAY_MS } from '../../shared/time.ts';
import { insertRows, select } from '../db/sets.ts';
import type { Script, Sql } from '../db/sql.ts';
import { announcedTariffs } from './policy.ts';
import { TARIFFS } from '../sale/tables.ts';
import type { TariffRow } from '../sale/tables.ts';

const decimals = (n: number) =>
  z.string().regex(new RegExp(`^\\d{1,9}(?:\\.\\d{1,${n}})?$`), `at most ${n} decimals, as text`);
const scaled = (text: string, n: number): number => {
  const [whole = '0', part = ''] = text.split('.');
  return Number(`${whole}${part.padEnd(n, '0')}`);
};

/** A version of a tariff as a file has it. Prices and bounds are texts: no float comes near them. */
export const tariffFileSchema = z.strictObject({
  tariffId: z.string().regex(/^[0-9A-Za-z._-]{1,40}$/),
  version: z.number().int().min(1).max(1_000_000),
  /**
   * From which day of China's calendar it holds for all who have an earlier version, from 0:00 on;
   * left out: only for accounts that name it.
   */
  from: z.string().optional(),
  /** With which day its year begins, `MM-DD`; left out: the calendar year. */
  yearBegins: yearRuleSchema.optional(),
  tiers: z
    .array(
      z.strictObject({
        /** Upper bound of the year's purchases in whole units, `240` or `240.50`; null: the last. */
        upto: decimals(2).nullable(),
        /** Yuan for one unit, `2.65`. */
        price: decimals(4),
      }),
    )
    .min(1)
    .max(20),
});
export type TariffFile = z.infer<typeof tariffFileSchema>;

/** What became of a version. */
export type TariffAdded =
  | { readonly kind: 'added'; readonly row: TariffRow }
  | { readonly kind: 'same' }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * Adds a version. One that is there is never changed: accounts were sold to by it, or it was
 * announced. A day that has begun is none to announce: kiosks have sold by the old price on it.
 */
export async function addTariff(tx: Script, file: TariffFile, nowMs: number): Promise<TariffAdded> {
  const refused = (why: string): TariffAdded => ({ kind: 'refused', why });
  const tiers: readonly TariffTier[] = file.tiers.map(({ upto, price }) => ({
    uptoQuantity: upto === null ? null : scaled(upto, 2),
    priceE4: scaled(price, 4),
  }));
  try {
    checkTariff(tiers);
  } catch (cause) {
    return refused(cause instanceof Error ? cause.message : String(cause));
  }
  const fromMs = file.from === undefined ? null : chinaDayMs(file.from);
  if (Number.isNaN(fromMs)) return refused(`from: ${file.from} is no day (YYYY-MM-DD)`);
  const row: TariffRow = {
    tariff_id: file.tariffId,
    version: file.version,
    tiers: JSON.stringify(tiers),
    from_ms: fromMs,
    year_begins: file.yearBegins ?? CALENDAR_YEAR,
  };
  // One adds at a time: what is compared here is not overtaken.
  await tx.query('UPDATE policy_head SET version = version WHERE head = 1');
  const versions = await tariffVersions(tx, file.tariffId);
  const old = versions.find((v) => v.version === file.version);
  if (old !== undefined)
    return canonicalJson({ ...old, tiers: JSON.parse(old.tiers) }) ===
      canonicalJson({ ...row, tiers })
      ? { kind: 'same' }
      : refused(
          `version ${file.version} is there, and another: add version ${newestOf(versions) + 1}`,
        );
  if (file.version <= newestOf(versions))
    return refused(
      `the newest version is ${newestOf(versions)}: add version ${newestOf(versions) + 1}`,
    );
  const lastMs = Math.max(0, ...versions.map((v) => v.from_ms ?? 0));
  if (fromMs !== null && versions.length === 0)
    return refused('from: the first version has none, it holds for the accounts that name it');
  if (fromMs !== null && fromMs <= nowMs)
    return refused(`from: ${file.from} has begun: the next day is ${chinaDate(nowMs + DAY_MS)}`);
  if (fromMs !== null && fromMs <= lastMs)
    return refused(`from: an earlier version holds from ${chinaDate(lastMs)} on`);
  if (fromMs !== null && (await announcedTariffs(tx, nowMs)).length >= MAX_TARIFFS)
    return refused(`no more than ${MAX_TARIFFS} versions are announced at once`);
  await insertRows(tx, TARIFFS, [row]);
  return { kind: 'added', row };
}

const newestOf = (versions: readonly TariffRow[]): number =>
  Math.max(0, ...versions.map((v) => v.version));

/** A tariff's versions, the oldest first; null: of all tariffs. */
export const tariffVersions = (sql: Sql, tariffId: string | null): Promise<readonly TariffRow[]> =>
  tariffId === null
    ? select(sql, TARIFFS, 'version > $1 ORDER BY tariff_id, version', [-1])
    : select(sql, TARIFFS, 'tariff_id = $1 ORDER BY version', [tariffId]);
