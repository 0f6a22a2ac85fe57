import type { MeterFault, UseSource, UseUnit } from '../../shared/my-account.ts';
import { nullable, table, text, whole } from '../db/sets.ts';
import type { RowOf } from '../db/sets.ts';

type Kind = 'gas' | 'water' | 'heat';

/** A household's meter of one utility, and by whose tiers it counts. */
export const ACCOUNT_METERS = table('account_meters', ['user_no', 'kind'], {
  user_no: text(),
  kind: text<Kind>(),
  unit: text<UseUnit>(),
  /** Null: a card's account says it, or there are none. */
  tariff_id: nullable(text()),
  tariff_version: nullable(whole),
});
export type AccountMeterRow = RowOf<typeof ACCOUNT_METERS>;

/** A month's use, 0.01 units. */
export const ACCOUNT_MONTHS = table('account_months', ['user_no', 'kind', 'month'], {
  user_no: text(),
  kind: text<Kind>(),
  /** `YYYY-MM`. */
  month: text(),
  quantity: whole,
  source: text<UseSource>(),
});

/** What a meter reports now; what is over is not there any more. */
export const METER_FAULT_ROWS = table('meter_faults', ['user_no', 'kind', 'fault'], {
  user_no: text(),
  kind: text<Kind>(),
  fault: text<MeterFault>(),
  since_ms: whole,
});
