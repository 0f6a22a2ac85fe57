import type { CreditLine } from '../../shared/sale.ts';
import type { CreditActRow, HeldLine, PostingRow } from './credit-tables.ts';

/** Where an order's credit stands. */
export interface Held {
  readonly userNo: string;
  readonly lines: readonly HeldLine[];
}

/** Lines as an act keeps them. */
export const heldLines = (json: string): readonly HeldLine[] => JSON.parse(json) as HeldLine[];

/** By its posting, and by the newest move that counts. @param moves of this order, any states */
export function heldAt(posting: PostingRow, moves: readonly CreditActRow[]): Held {
  const last = moves.filter((m) => m.state === 'done').reduce(newer, null);
  return last === null
    ? {
        userNo: posting.user_no,
        lines: (JSON.parse(posting.lines) as readonly CreditLine[]).map(({ item, amountFen }) => ({
          item,
          amountFen,
        })),
      }
    : { userNo: last.to_user, lines: heldLines(last.to_lines) };
}
const newer = (a: CreditActRow | null, b: CreditActRow): CreditActRow =>
  a === null || b.id > a.id ? b : a;
