import { genesisHash } from '../shared/journal-hash.ts';
import type { Anchor } from './records.ts';
import type { SecondContents } from './second-log.ts';

/** A second log that lacks more facts than one append could hold was not cut, but lost or changed. */
export const MOST_IN_ONE_APPEND = 8;

/** What is done to one epoch's second log, so that it holds what the database holds. */
export type Joining =
  | { readonly kind: 'fits' }
  /** The last append reached the database only. `lost`: more is missing than a cut explains. */
  | { readonly kind: 'extend'; readonly heldTo: number; readonly lost: boolean }
  /** A prune was cut before the log was shortened. */
  | { readonly kind: 'shorten' }
  /** It lacks more, or is not ours: made anew. `why` for staff; null: nothing was lost by it. */
  | { readonly kind: 'remake'; readonly why: string | null };

/** What the database holds of an epoch. */
export interface HeldEpoch {
  readonly epoch: number;
  /** Its last number; 0: no fact yet. */
  readonly last: number;
  /** Where the database's facts of it begin: the anchor of a prune, or its genesis. */
  readonly from: Anchor;
  /** The hash of one fact; undefined: the database does not have it. */
  readonly hashAt: (seq: number) => string | undefined;
}

/** Is each line the next one of the one before? */
function isChain(log: SecondContents, begins: { seq: number; hash: string }): boolean {
  let { seq, hash } = begins;
  return log.events.every((e) => {
    const fits = e.seq === ++seq && e.prevHash === hash;
    hash = e.hash;
    return fits;
  });
}

/**
 * The database is good and what counts: how one epoch's second log is brought to hold the same. The
 * last append may be in the database only (cut in between).
 *
 * @param checkLines false: what the log holds is known to be whole (memory)
 */
export function joinLog(
  terminalId: string,
  { epoch, last, from, hashAt }: HeldEpoch,
  log: SecondContents,
  checkLines: boolean,
): Joining {
  const lastHeld = log.events.at(-1);
  const begins = log.anchor ?? { seq: 0, hash: genesisHash(terminalId, epoch) };
  const heldTo = lastHeld?.seq ?? begins.seq;
  // Behind the anchor at its end, or not ours: nothing of it joins the journal's facts.
  const joins =
    (!checkLines || isChain(log, begins)) &&
    begins.seq <= from.seq &&
    heldTo >= from.seq &&
    (lastHeld === undefined ? begins.hash === from.hash : hashAt(heldTo) === lastHeld.hash);
  const lacks = last - heldTo;
  const lost = lacks > MOST_IN_ONE_APPEND;
  if (!joins || (lost && (log.goodBytes > 0 || log.torn))) {
    if (last === 0) return { kind: 'remake', why: null };
    return {
      kind: 'remake',
      why: `epoch ${epoch}: ${joins ? `ended at ${heldTo} of ${last}` : 'did not join the journal'}`,
    };
  }
  if (begins.seq < from.seq) return { kind: 'shorten' };
  if (lacks > 0 || log.torn) return { kind: 'extend', heldTo, lost };
  return { kind: 'fits' };
}
