import { genesisHash } from '../shared/journal-hash.ts';
import type { Anchor } from './records.ts';
import type { SecondScan } from './second-log.ts';

/** A second log that lacks more facts than one append could hold was not cut, but lost or changed. */
export const MOST_IN_ONE_APPEND = 8;

/** What is done to one epoch's second log, so that it holds what the database holds. */
export type Joining =
  | { readonly kind: 'fits' }
  /** The last append reached the database only. */
  | { readonly kind: 'extend'; readonly heldTo: number }
  /**
   * It lacks more, is not ours, or is not there: made anew. `why` for staff; null: nothing was lost
   * by it.
   */
  | { readonly kind: 'remake'; readonly why: string | null };

/** What the database holds of an epoch. */
export interface HeldEpoch {
  readonly epoch: number;
  /** Its last number; 0: no fact yet. */
  readonly last: number;
  /**
   * Where the database's facts of it begin: the anchor of a prune, or its genesis. The log may
   * begin before: it is shortened later than the database.
   */
  readonly from: Anchor;
  /** The hash of one fact; undefined: the database does not have it. */
  readonly hashAt: (seq: number) => string | undefined;
}

/**
 * The database is good and what counts: how one epoch's second log is brought to hold the same. The
 * last append may be in the database only (cut in between).
 */
export function joinLog(
  terminalId: string,
  { epoch, last, from, hashAt }: HeldEpoch,
  log: SecondScan,
): Joining {
  const { first, last: lastHeld } = log;
  const begins = log.anchor ?? { seq: 0, hash: genesisHash(terminalId, epoch) };
  const heldTo = lastHeld?.seq ?? begins.seq;
  // Behind the anchor at its end, or not ours: nothing of it joins the journal's facts.
  const joins =
    (first === null ||
      (log.chained && first.seq === begins.seq + 1 && first.prevHash === begins.hash)) &&
    begins.seq <= from.seq &&
    heldTo >= from.seq &&
    (lastHeld === null ? begins.hash === from.hash : hashAt(heldTo) === lastHeld.hash);
  const lacks = last - heldTo;
  const lost = lacks > MOST_IN_ONE_APPEND;
  if (!joins || (lost && (log.goodBytes > 0 || log.torn))) {
    if (last === 0) return { kind: 'remake', why: null };
    return {
      kind: 'remake',
      why: `epoch ${epoch}: ${joins ? `ended at ${heldTo} of ${last}` : 'did not join the journal'}`,
    };
  }
  if (lost) return { kind: 'remake', why: `epoch ${epoch}: was missing` };
  if (lacks > 0 || log.torn) return { kind: 'extend', heldTo };
  return { kind: 'fits' };
}
