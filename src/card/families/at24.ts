import type { Failure } from '../../shared/errors.ts';
import type { Result } from '../../shared/result.ts';
import type { CardChannel, MemoryChip } from '../types.ts';
import { MemoryCard } from './memory-card.ts';

/**
 * AT24Cxx: bytes without a code or protection, addressed in one byte (C01–C16) or in two (C32,
 * C64). Readers are told which of the two kinds it is, and cannot find it out. A page is programmed
 * at once; a write that is cut may spoil all of it. Readers cut writes at 8 bytes unless they are
 * told of larger pages, and 8 divides every page, so they are not told: a wrong number would wrap
 * inside the chip.
 */
export const AT24_KINDS: readonly MemoryChip[] = ['AT24C16', 'AT24C64'];

/**
 * The largest page of the chips above: what must not be lost together stands in different pages of
 * this size [K: C32 and C64 have 32].
 */
export const AT24_LARGEST_PAGE = 32;

/** CARD-0103: the reader has no way to it, or says that it is of the other kind. */
export function openAt24(
  chip: MemoryChip,
  channel: CardChannel,
): Promise<Result<MemoryCard, Failure>> {
  return MemoryCard.open({ chip, tries: 0, set: 0 }, channel);
}
