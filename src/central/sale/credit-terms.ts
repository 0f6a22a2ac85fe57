import { chinaDate, chinaDayMs, DAY_MS } from '../../shared/time.ts';
import type { CreditItemRow } from './credit-tables.ts';

/** What an item comes to at a moment, fen. */
export interface Terms {
  readonly principalFen: number;
  readonly lateFeeFen: number;
  readonly discountFen: number;
  /** Principal + late fee − discount. */
  readonly dueFen: number;
  /** Whole days of China's calendar behind the due date; 0: not yet. */
  readonly overdueDays: number;
}

const E5 = 100_000n;

/**
 * An item's terms at a moment: simple interest by day, rounded down to the fen and never above its
 * cap; the discount to the end of its last day.
 */
export function termsAt(item: CreditItemRow, ms: number): Terms {
  const today = chinaDate(ms);
  const { principal_fen: principalFen, due_date, discount_until, late_since } = item;
  const overdueDays = daysBehind(due_date, today);
  // A part paid the fee until then; from there on the rest bears its own.
  const feeDays =
    late_since === null ? overdueDays : Math.min(overdueDays, daysBehind(late_since, today));
  const fee = (BigInt(principalFen) * BigInt(item.late_fee_e5) * BigInt(feeDays)) / E5;
  const cap = BigInt(item.late_fee_cap_fen);
  const lateFeeFen = Number(fee < cap ? fee : cap);
  const discountFen = discount_until !== null && today <= discount_until ? item.discount_fen : 0;
  return {
    principalFen,
    lateFeeFen,
    discountFen,
    dueFen: principalFen + lateFeeFen - discountFen,
    overdueDays,
  };
}

/** Whole days of the calendar from a day to today; 0 where there is none, or it is to come. */
const daysBehind = (day: string | null, today: string): number =>
  day === null ? 0 : Math.max(0, Math.round((chinaDayMs(today) - chinaDayMs(day)) / DAY_MS));

/** What a part of the bill pays: its late fee first (as 民法典 561 has it), then of its principal. */
export function partOf(
  { principalFen, lateFeeFen, dueFen }: Terms,
  amountFen: number,
): { readonly principalFen: number; readonly restFen: number } | null {
  const paid = amountFen - lateFeeFen;
  return paid > 0 && paid < principalFen && amountFen < dueFen
    ? { principalFen: paid, restFen: principalFen - paid }
    : null;
}

/** Another order has the item at this moment. */
export const isKeptFor = (
  item: CreditItemRow,
  other: (orderId: string) => boolean,
  nowMs: number,
): boolean =>
  item.order_id !== null && other(item.order_id) && (item.reserved_until_ms ?? 0) > nowMs;
