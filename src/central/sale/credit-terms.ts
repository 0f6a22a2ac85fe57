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
  const { principal_fen: principalFen, due_date, discount_until } = item;
  const overdueDays =
    due_date === null
      ? 0
      : Math.max(0, Math.round((chinaDayMs(today) - chinaDayMs(due_date)) / DAY_MS));
  const fee = (BigInt(principalFen) * BigInt(item.late_fee_e5) * BigInt(overdueDays)) / E5;
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

/** Another order has the item at this moment. */
export const isKeptFor = (
  item: CreditItemRow,
  other: (orderId: string) => boolean,
  nowMs: number,
): boolean =>
  item.order_id !== null && other(item.order_id) && (item.reserved_until_ms ?? 0) > nowMs;
