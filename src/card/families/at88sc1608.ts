import { equalBytes, toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { CardChannel } from '../types.ts';
import { MemoryCard } from './memory-card.ts';

/**
 * What is not confirmed about the AT88SC1608, in one place [K]. To be checked against the sheet of
 * the chip that is used.
 */
export const AT88SC1608 = {
  /** The first bytes of its configuration zone, with which it also answers to reset. */
  answer: Uint8Array.of(0x2c, 0xaa, 0x55, 0xa0),
  /**
   * Attempts counter of the first set's write password in the configuration zone; each set has 8
   * bytes.
   */
  countersAt: 0x40,
  setLength: 8,
  /** Bytes of a zone, and so the step between zones in an address. */
  zoneLength: 0x100,
} as const;

/** Eight tries (cards.md 1.1), a bit each. */
const TRIES = 0xff;

/**
 * An AT88SC1608, to be opened with the write password of this set. CARD-0103: it does not answer as
 * one.
 */
export async function openAt88Sc1608(
  channel: CardChannel,
  set: number,
): Promise<Result<MemoryCard, Failure>> {
  const opened = await MemoryCard.open({ chip: 'AT88SC1608', tries: TRIES, set }, channel);
  if (!opened.ok) return opened;
  const answer = await opened.value.read(0, AT88SC1608.answer.length, 'config');
  // A chip of another kind may answer a reader that was told of this one with an error.
  if (!answer.ok)
    return answer.error.code === 'CARD-0106'
      ? err(failure('CARD-0103', answer.error.detail, answer.error))
      : answer;
  return equalBytes(answer.value, AT88SC1608.answer)
    ? opened
    : err(failure('CARD-0103', `configuration ${toHex(answer.value)} is not an AT88SC1608's`));
}
