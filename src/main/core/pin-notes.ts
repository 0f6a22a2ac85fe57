import type { PinNotes } from '../../card/index.ts';
import type { Journal } from '../../journal/journal.ts';

/**
 * Tries at the PINs of cards that do not tell them, beside the facts in the journal's file: so that
 * no restart of this kiosk spends what an earlier life of it had left. Another kiosk does not know
 * of them; the doctor says so where PINs are presented blind.
 */

/** So many cards are remembered, the newest. */
const REMEMBERED = 1_000;

type Ports = Pick<Journal, 'meta' | 'setMeta'>;
type Row = readonly [cardNo: string, left: number];

const rows = (journal: Ports): readonly Row[] =>
  JSON.parse(journal.meta('blind_pins') ?? '[]') as Row[];

/**
 * The notes of a kiosk's journal.
 *
 * @param journal null: it is not open, and nothing can be kept
 */
export function pinNotes(journal: () => Ports | null): PinNotes {
  return {
    left: (cardNo) => {
      const open = journal();
      return open === null ? 0 : (rows(open).find(([of]) => of === cardNo)?.[1] ?? null);
    },
    keep: (cardNo, left) => {
      const open = journal();
      if (open === null) return false;
      const others = rows(open).filter(([of]) => of !== cardNo);
      const all = left === null ? others : [...others, [cardNo, left] as const];
      try {
        open.setMeta('blind_pins', JSON.stringify(all.slice(-REMEMBERED)));
        return true;
      } catch {
        // The journal says by itself why it cannot be written.
        return false;
      }
    },
  };
}

/**
 * A kiosk that asks its cards again has no use for what it counted: staff who have set a card's
 * tries back start it so once.
 */
export function forgetPins(journal: Ports): void {
  if (journal.meta('blind_pins') !== null) journal.setMeta('blind_pins', '[]');
}
