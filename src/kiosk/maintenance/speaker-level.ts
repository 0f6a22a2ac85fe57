import type { Journal } from '../../journal/journal.ts';

/** Key of the journal's meta table. */
const LEVEL = 'speaker.level';
type Notes = Pick<Journal, 'meta' | 'setMeta'>;

/** How loud the machine speaks, percent, as a technician set it; null: as the policy has it. */
export function keptSpeakerLevel(journal: Pick<Notes, 'meta'>): number | null {
  const kept = journal.meta(LEVEL) ?? '';
  return /^(?:\d{1,2}|100)$/.test(kept) ? Number(kept) : null;
}

/**
 * It stays so, over restarts.
 *
 * @throws RangeError when it is no whole percent from 0 to 100: a defect of whoever asks
 */
export function keepSpeakerLevel(journal: Pick<Notes, 'setMeta'>, level: number | null): void {
  if (level !== null && (!Number.isInteger(level) || level < 0 || level > 100))
    throw new RangeError(`no level: ${level}`);
  journal.setMeta(LEVEL, level === null ? '' : String(level));
}
