import type { Journal } from '../../journal/journal.ts';
import type { ClosedShiftView, DaybookView, StickView } from '../../shared/contract/index.ts';
import { shiftDoubts, shiftRef } from '../../shared/shift.ts';
import type { ClosedShift, Shift } from '../../shared/shift.ts';

/** So many closed shifts are listed. */
const SHIFTS_SHOWN = 60;
/** Facts that one look at the open shift counts at the most: a tenth of a second. */
const COUNTED_AT_A_LOOK = 4_000;

type Compared = DaybookView['compared'];
type Books = Pick<Journal, 'openShift' | 'closedShifts' | 'comparedOn'>;

/**
 * Whether the bills of a shift's days were compared, and what was found: a bill is of a whole day,
 * and comes on the next one.
 */
export function comparedOf(journal: Books, { dates }: Shift): Compared {
  const days = dates.map((date) => journal.comparedOn(date));
  const persons = days.flat().reduce((n, { persons: found }) => n + found, 0);
  if (days.length === 0) return { state: 'none', persons };
  if (persons > 0) return { state: 'differs', persons };
  return { state: days.every((day) => day.length > 0) ? 'agrees' : 'waits', persons };
}

function closedView(journal: Books, { shift, who, why, closedMs }: ClosedShift): ClosedShiftView {
  const compared = comparedOf(journal, shift);
  return {
    ref: shiftRef(shift),
    number: shift.number,
    who,
    why,
    closedMs,
    capturedFen: shift.captured.fen,
    refundedFen: shift.refunded.fen,
    doubts: [...shiftDoubts(shift, compared.persons)],
    compared,
  };
}

/** The shift of this name, where it is among the last ones. */
export const closedByRef = (journal: Books, ref: string): ClosedShift | undefined =>
  journal.closedShifts(SHIFTS_SHOWN).find(({ shift }) => shiftRef(shift) === ref);

/** The settlements as the screen shows them. `ref` empty: the open shift. */
export function daybookOf(
  journal: Books,
  ref: string,
  stick: StickView | null,
  sealed: boolean,
): Omit<DaybookView, 'exporting'> {
  const last = journal.closedShifts(SHIFTS_SHOWN);
  const chosen = last.find(({ shift }) => shiftRef(shift) === ref);
  const shift = chosen?.shift ?? journal.openShift(COUNTED_AT_A_LOOK);
  const compared: Compared =
    shift === null ? { state: 'none', persons: 0 } : comparedOf(journal, shift);
  return {
    shift,
    closed: chosen === undefined ? null : closedView(journal, chosen),
    doubts: shift === null ? [] : [...shiftDoubts(shift, compared.persons)],
    compared,
    last: last.map((one) => closedView(journal, one)),
    stick,
    sealed,
  };
}
