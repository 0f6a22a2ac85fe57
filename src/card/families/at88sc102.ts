import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { CardChannel } from '../types.ts';
import { MemoryCard } from './memory-card.ts';
import type { CodedChip } from './memory-card.ts';

/**
 * What is not confirmed about the AT88SC102, in one place (cards.md 1.4 and section 8 mark the map
 * [K]). To be checked against the sheet of the chip that is used. Byte addresses are bit addresses
 * / 8.
 */
export const AT88SC102 = {
  /** Fabrication zone, programmed by the factory: a chip that answers has something in it. */
  fabricationAt: 0x00,
  fabricationLength: 2,
  /** Issuer zone, 8 bytes: fixed for ever once the card is personalised. */
  issuerAt: 0x02,
  /** Security code, 16 bits. */
  codeAt: 0x0a,
  /** Its attempts counter; the tries are its first bits. */
  counterAt: 0x0c,
  /** Code-protected zone, 8 bytes: read by everybody, written with the security code. */
  protectedAt: 0x0e,
  /**
   * Application zones, 64 bytes each. The first two bits of each say whether it may be written and
   * be read by everybody: 1.
   */
  zoneAt: { 1: 0x16, 2: 0x5c },
  zoneLength: 64,
  /** Erase keys of a personalised card (security level 2), which erase their whole zone. */
  eraseKeyAt: { 1: 0x56, 2: 0x9c },
  eraseKeyLength: { 1: 6, 2: 4 },
  /**
   * The sheets disagree: 4 tries (2008) or 8 (1999). The smaller number is safe with either chip:
   * no try is spent that may not be there.
   */
  triesMask: 0xf0,
} as const;

const isAll = (bytes: Uint8Array, value: number): boolean => bytes.every((b) => b === value);

const CODED: CodedChip = { chip: 'AT88SC102', tries: AT88SC102.triesMask, set: 0 };

/**
 * An AT88SC102 that answers. CARD-0103: none does. No ATR names this chip, and a reader may be
 * content to power whatever it holds: the factory's zone tells.
 */
export async function openAt88Sc102(channel: CardChannel): Promise<Result<MemoryCard, Failure>> {
  const opened = await MemoryCard.open(CODED, channel);
  if (!opened.ok) return opened;
  const factory = await opened.value.read(AT88SC102.fabricationAt, AT88SC102.fabricationLength);
  // A chip of another kind may answer a reader that was told of this one with an error.
  if (!factory.ok)
    return factory.error.code === 'CARD-0106'
      ? err(failure('CARD-0103', factory.error.detail, factory.error))
      : factory;
  return isAll(factory.value, 0xff) || isAll(factory.value, 0x00)
    ? err(failure('CARD-0103', 'no AT88SC102 answers'))
    : opened;
}

/**
 * Erases a zone that is not, and looks whether it happened: the chip does not say. CARD-0201: it
 * did not (another key, or a card that is not personalised).
 */
export async function erasedZone(
  card: MemoryCard,
  zone: 1 | 2,
  key: Uint8Array,
): Promise<Result<void, Failure>> {
  const at = AT88SC102.zoneAt[zone];
  const before = await card.read(at, AT88SC102.zoneLength);
  if (!before.ok) return before;
  if (isAll(before.value, 0xff)) return ok(undefined);
  const erased = await card.eraseZone(zone, key);
  if (!erased.ok) return erased;
  const now = await card.read(at, AT88SC102.zoneLength);
  if (!now.ok) return err(failure('CARD-0203', now.error.detail, now.error));
  if (isAll(now.value, 0xff)) return ok(undefined);
  const untouched = now.value.every((b, i) => b === before.value[i]);
  return err(failure(untouched ? 'CARD-0201' : 'CARD-0203', `zone ${zone} was not erased`));
}
