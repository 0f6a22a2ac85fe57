import type { CodedChip } from './memory-card.ts';

/**
 * SLE4442 and SLE5542 (256 bytes, a code of three bytes, three tries) and SLE4428 and SLE5528 (1024
 * bytes, two bytes, eight tries), with their clones: cards.md 1.2 and 1.3.
 */
export type SleChip = 'SLE4442' | 'SLE4428';

export const SLE: Readonly<Record<SleChip, CodedChip>> = {
  SLE4442: { chip: 'SLE4442', tries: 0x07, set: 0 },
  SLE4428: { chip: 'SLE4428', tries: 0xff, set: 0 },
};
