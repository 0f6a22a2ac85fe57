import type { KeyObject } from 'node:crypto';
import type { MeterFault, UseSource, UseUnit } from '../../shared/my-account.ts';
import { upsertRows } from '../db/sets.ts';
import type { RowOf } from '../db/sets.ts';
import type { Sql } from '../db/sql.ts';
import { hashedDigits } from './phones.ts';
import { ACCOUNT_METERS, METER_FAULT_ROWS } from './tables.ts';
import type { ACCOUNT_MONTHS } from './tables.ts';

/** One utility of a household as the company's own systems have it. */
export interface SeedUse {
  readonly kind: 'gas' | 'water' | 'heat';
  readonly unit: UseUnit;
  /** By whose tiers it counts; left out: its card's account says it, or it has none. */
  readonly tariff?: { readonly id: string; readonly version: number };
  /** `YYYY-MM`, 0.01 units, and where it is known from (left out: the meter). */
  readonly months: readonly {
    readonly month: string;
    readonly quantity: number;
    readonly source?: UseSource;
  }[];
  /** What its meter reports now. */
  readonly faults?: readonly { readonly fault: MeterFault; readonly sinceMs: number }[];
}
/** What a household uses, and by which digits it is known; its accounts come by themselves. */
export interface SeedHousehold {
  readonly userNo: string;
  /** The last four digits of the telephone number on record; left out: only its card opens it. */
  readonly phoneLast4?: string;
  readonly uses: readonly SeedUse[];
}

/**
 * @throws RangeError when a household or a utility stands there twice, or something is no month, no
 *   quantity or no four digits
 */
export function checkHouseholds(households: readonly SeedHousehold[]): void {
  const seen = new Set<string>();
  for (const { userNo, phoneLast4, uses } of households) {
    if (seen.has(userNo)) throw new RangeError(`the seed has household ${userNo} twice`);
    seen.add(userNo);
    if (phoneLast4 !== undefined && !/^\d{4}$/.test(phoneLast4))
      throw new RangeError(`household ${userNo}: not the last four digits`);
    if (new Set(uses.map((u) => u.kind)).size !== uses.length)
      throw new RangeError(`household ${userNo}: one utility twice`);
    for (const { month, quantity } of uses.flatMap((u) => u.months))
      if (
        !/^\d{4}-(?:0[1-9]|1[0-2])$/.test(month) ||
        !Number.isSafeInteger(quantity) ||
        quantity < 0
      )
        throw new RangeError(`household ${userNo}: no use of ${month}`);
  }
}

/**
 * Enters what the company's systems say of households. Central itself changes none of it, so what
 * comes later replaces what was there: a corrected month, other digits, a fault that is over.
 */
export async function enterHousehold(
  tx: Sql,
  household: SeedHousehold,
  keys: readonly KeyObject[],
): Promise<void> {
  const { userNo, phoneLast4, uses } = household;
  const digits = phoneLast4 === undefined ? null : hashedDigits(keys, userNo, phoneLast4);
  if (digits !== null)
    await tx.query(
      `INSERT INTO account_phones (user_no, last4) VALUES ($1, $2)
       ON CONFLICT (user_no) DO UPDATE SET last4 = EXCLUDED.last4`,
      [userNo, digits],
    );
  await upsertRows(
    tx,
    ACCOUNT_METERS,
    uses.map(({ kind, unit, tariff }) => ({
      user_no: userNo,
      kind,
      unit,
      tariff_id: tariff?.id ?? null,
      tariff_version: tariff?.version ?? null,
    })),
  );
  for (const { kind, months, faults = [] } of uses) {
    for (const m of months) await enterMonth(tx, userNo, kind, { source: 'meter', ...m });
    await tx.query('DELETE FROM meter_faults WHERE user_no = $1 AND kind = $2', [userNo, kind]);
    await upsertRows(
      tx,
      METER_FAULT_ROWS,
      faults.map(({ fault, sinceMs }) => ({ user_no: userNo, kind, fault, since_ms: sinceMs })),
    );
  }
}

/** What bills say of months, as a set; each account, kind and month once. */
export async function enterBilledMonths(
  tx: Sql,
  rows: readonly Omit<RowOf<typeof ACCOUNT_MONTHS>, 'source'>[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(
    `INSERT INTO account_months (user_no, kind, month, quantity, source)
     SELECT x.user_no, x.kind, x.month, x.quantity, 'bill'
     FROM json_to_recordset($1::json) AS x(user_no text, kind text, month text, quantity bigint)
     WHERE true
     ON CONFLICT (user_no, kind, month) DO UPDATE SET quantity = EXCLUDED.quantity,
       source = EXCLUDED.source
     WHERE account_months.source <> 'meter'`,
    [JSON.stringify(rows)],
  );
}

/** A month’s use; the meter’s own word is not replaced by a bill’s or a card’s. */
export async function enterMonth(
  tx: Sql,
  userNo: string,
  kind: SeedUse['kind'],
  {
    month,
    quantity,
    source,
  }: { readonly month: string; readonly quantity: number; readonly source: UseSource },
): Promise<void> {
  await tx.query(
    `INSERT INTO account_months (user_no, kind, month, quantity, source) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (user_no, kind, month) DO UPDATE SET quantity = EXCLUDED.quantity,
       source = EXCLUDED.source
     WHERE account_months.source <> 'meter' OR EXCLUDED.source = 'meter'`,
    [userNo, kind, month, quantity, source],
  );
}
