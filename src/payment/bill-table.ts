import { failure } from '../shared/errors.ts';
import type { BillResult, BillRow } from './types.ts';
import { isOwnNumber } from './own-numbers.ts';

/** One record of a provider's bill, as far as it can be read. */
export type BillRecord =
  | { readonly kind: 'row'; readonly row: BillRow }
  /** Well formed, and it moved no money. */
  | { readonly kind: 'idle' }
  /** `cells`: what can be made out, to see whose it is. */
  | { readonly kind: 'unreadable'; readonly cells: readonly string[] };

/**
 * A bill out of its records. It is all there when each record that its total counts is one that was
 * read, or may be in one that was not: free text of any shop's trade can break a record, and takes
 * nothing from the others. A number of this product in a record that cannot be read is `awaited`.
 *
 * @param count as the bill's own total says
 */
export function billOf(records: readonly BillRecord[], count: number): BillResult {
  const unreadable = records.filter((r) => r.kind === 'unreadable');
  if (!(records.length - unreadable.length <= count && count <= records.length))
    return badBill(`${records.length} rows, its total says ${count}`);
  const awaited = [...new Set(unreadable.flatMap((r) => r.cells.filter(isOwnNumber)))];
  return {
    kind: 'bill',
    rows: records.flatMap((r) => (r.kind === 'row' ? [r.row] : [])),
    ...(awaited.length === 0
      ? {}
      : { awaited, failure: failure('PAY-0201', `bill: row of ${awaited.join(', ')}`) }),
  };
}

/** A bill that cannot be used, and why, for a technician. */
export function badBill(why: string, cause?: unknown): BillResult {
  return { kind: 'unknown', failure: failure('PAY-0201', `bill: ${why}`, cause) };
}
