import type { OrderState } from './order-rules.ts';
import { chinaDate } from './time.ts';

/** What a household uses, month by month, and what its meter says of itself. No zod: screens use it. */

/**
 * What a meter reports. battery: low · magnet: it felt one · leak: gas or water runs away · flow:
 * it flowed without a pause, or faster than it may · clock: its clock is wrong · valve: it is
 * shut.
 */
export const METER_FAULTS = ['battery', 'magnet', 'leak', 'flow', 'clock', 'valve'] as const;
export type MeterFault = (typeof METER_FAULTS)[number];

/** The unit in which use is told, 0.01 of it; `yuan`: a purse's meter counts money. */
export const USE_UNITS = ['m3', 'GJ', 'kWh', 'yuan'] as const;
export type UseUnit = (typeof USE_UNITS)[number];

/** Where a month's use is known from: the meter's platform, a bill, a card's read-back. */
export const USE_SOURCES = ['meter', 'bill', 'card'] as const;
export type UseSource = (typeof USE_SOURCES)[number];

/** So many months are shown. */
export const SHOWN_MONTHS = 12;

/** One month's use, 0.01 units; null: not known. */
export interface MonthUse {
  /** `2026-11`, by China's calendar. */
  readonly month: string;
  readonly quantity: number | null;
  /** The same month of the year before. */
  readonly yearBefore: number | null;
  /** Worked out between two looks at the meter, not read at the month's end. */
  readonly estimated: boolean;
}

/** `2026-11` and -2: `2026-09`. */
export function monthAfter(month: string, months: number): string {
  const [year = 0, m = 1] = month.split('-').map(Number);
  const at = year * 12 + (m - 1) + months;
  return `${String(Math.floor(at / 12)).padStart(4, '0')}-${String((at % 12) + 1).padStart(2, '0')}`;
}

/** The last months, oldest first; the last one is the month of this moment. */
export function lastMonths(nowMs: number, count: number): readonly string[] {
  const now = chinaDate(nowMs).slice(0, 7);
  return Array.from({ length: count }, (_, i) => monthAfter(now, i + 1 - count));
}

/** From when use counts as abnormal (policy's `myAccount`). */
export interface AbnormalRule {
  /** At least so many percent of the same month of the year before; 200: twice as much. */
  readonly abnormalPercent: number;
  /** And at least so much above it, 0.01 units: a holiday home’s first cubic metre is no alarm. */
  readonly abnormalAbove: number;
}

/**
 * The newest month whose use is abnormal: this one, although it is not over, or the last whole one.
 * What was only estimated alarms nobody, and neither does a year before that is not known.
 *
 * @returns null: there is none
 */
export function abnormalMonth(months: readonly MonthUse[], rule: AbnormalRule): MonthUse | null {
  const isAbnormal = ({ quantity, yearBefore, estimated }: MonthUse): boolean =>
    !estimated &&
    quantity !== null &&
    yearBefore !== null &&
    yearBefore > 0 &&
    quantity * 100 >= yearBefore * rule.abnormalPercent &&
    quantity - yearBefore >= rule.abnormalAbove;
  return months.slice(-2).findLast(isAbnormal) ?? null;
}

/** Where the year's quantity stands among the tiers. */
export interface TierStanding {
  /** From 1. */
  readonly tier: number;
  /** What is left of it, 0.01 units; null: the last one has no end. */
  readonly left: number | null;
}

/** What is used up exactly lies in the tier; the next unit is the next tier's. */
export function tierStanding(
  quantity: number,
  tiers: readonly { readonly uptoQuantity: number | null }[],
): TierStanding | null {
  const at = tiers.findIndex((t) => t.uptoQuantity === null || quantity < t.uptoQuantity);
  const tier = tiers[at];
  if (tier === undefined) return null;
  return {
    tier: at + 1,
    left: tier.uptoQuantity === null ? null : tier.uptoQuantity - quantity,
  };
}

/**
 * How a purchase stands, as its customer hears it. written: on the card · credited: on the account
 * · at-meter: the meter has confirmed it · going-on: paid, and not done yet · refunding, refunded:
 * its money · staff: a person decides.
 */
export const PURCHASE_STANDS = [
  'written',
  'credited',
  'at-meter',
  'going-on',
  'refunding',
  'refunded',
  'staff',
] as const;
export type PurchaseStands = (typeof PURCHASE_STANDS)[number];

/**
 * What an order's state means to its customer.
 *
 * @param credit it is posted to an account; else written to a card
 * @returns null: nothing was bought
 */
export function standsOf(state: OrderState, credit: boolean): PurchaseStands | null {
  switch (state) {
    case 'quoted':
    case 'collecting':
    case 'closed':
      return null;
    case 'delivered':
      return credit ? 'credited' : 'written';
    case 'refunding':
    case 'refunded':
      return state;
    case 'parked':
      return 'staff';
    case 'paid':
    case 'delivering':
    case 'in-doubt':
      return 'going-on';
  }
}

/** So many of the last purchases are shown. */
export const SHOWN_PURCHASES = 5;
