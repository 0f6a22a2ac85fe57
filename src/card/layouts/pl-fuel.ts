import { ok } from '../../shared/result.ts';
import type { KeyProvider } from '../keys/types.ts';
import type { CardLayout, CardReading } from '../types.ts';
import { bcd } from './fields.ts';
import { APPLICATION_TYPES } from './pl-cpu.ts';
import { purseLayout } from './pl-purse.ts';
import type { PurseOptions, PurseUse } from './pl-purse.ts';

/**
 * A refuelling card (CNG 加气卡, docs/layouts/pl-fuel.md): the purse of PL-PURSE, of which a filling
 * station's pump takes a part at each visit. No meter writes to it, so nothing must happen between
 * two loads.
 */

export const PL_FUEL = 'PL-FUEL';

/** SFI 16, the kind's byte (docs/layouts/pl-fuel.md). */
const KINDS: readonly (CardReading['kind'] | undefined)[] = [
  undefined,
  undefined,
  undefined,
  undefined,
  'fuel',
];
/** In place of a meter's number: there is none. The account at central has the same. */
const NO_METER = '0000000000';

const PUMP: PurseUse = {
  id: PL_FUEL,
  applicationType: APPLICATION_TYPES.fuel,
  kinds: KINDS,
  spent: (_channel, { count, balance, debit }) =>
    Promise.resolve(
      ok({
        // What was spent at pumps is on no card: only this much is sure to have been loaded.
        cumulative: balance,
        meter: {
          visited: debit !== null,
          countTaken: count,
          remainingQuantity: balance,
          cumulativeUsed: 0,
          // The log's date and time are YYYYMMDDhhmmss; a pump's clock, or a blank record, may be none.
          lastVisit: (debit === null ? null : bcd(debit.when)?.slice(2, 12)) ?? NO_METER,
          valveClosed: false,
          faults: 0,
          meterNo: NO_METER,
        },
        visited: true,
        fresh: false,
      }),
    ),
};

/** A refuelling card. Acceptance rule: the pump takes what it needs of the purse. */
export const plFuelLayout = (keys: KeyProvider, options: PurseOptions): CardLayout =>
  purseLayout(keys, options, PUMP);
