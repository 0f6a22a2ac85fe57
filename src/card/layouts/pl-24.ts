import { concatBytes, equalBytes } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { AT24_KINDS, AT24_LARGEST_PAGE, openAt24 } from '../families/at24.ts';
import type { MemoryCard } from '../families/memory-card.ts';
import type { KeyProvider } from '../keys/types.ts';
import { UNSEEN } from '../types.ts';
import type { CardChannel, CardLayout, MemoryChip, StepsDone, WritePlan } from '../types.ts';
import { damaged, METER_LENGTH } from './fields.ts';
import {
  BLOCK_LENGTH,
  blockOf,
  blockSteps,
  cardNoOf,
  checkIdentity,
  classifyTwoBlock,
  decodeTwoBlock,
  IDENTITY_LENGTH,
  isValidBlock,
  mayGoOn,
  planTwoBlock,
  sameTwoBlockCard,
  targetOf,
  withoutSeq,
} from './two-block.ts';
import type { BlockSlot } from './two-block.ts';

/**
 * PL-24, AT24C01 to C64 (docs/layouts/pl-24.md): identity, block A, block B and the meter's area in
 * a page of 32 bytes each, the largest that these chips have. The chip keeps nobody from writing:
 * behind each block stands a MAC over identity and block, without which it does not count.
 */

export const PL_24 = 'PL-24';

const MARK = 0x55;
const MAC_LENGTH = 8;
const SLOT_LENGTH = BLOCK_LENGTH + MAC_LENGTH;
const PAGE = AT24_LARGEST_PAGE;
const slotAt = (slot: BlockSlot): number => PAGE * (1 + slot);
const METER_AT = 3 * PAGE;
/** All of it, and all that the smallest chip has. */
const READ_LENGTH = METER_AT + METER_LENGTH;
/** What readers make up for chips without an answer to reset [K]. */
const ATR = Uint8Array.of(0x3b, 0x00);

interface Read {
  readonly card: MemoryCard;
  readonly bytes: Uint8Array;
  /**
   * Identity and the two blocks, without their MACs; a block whose MAC does not hold has no seq in
   * it.
   */
  readonly image: Uint8Array;
  /** A block is whole in itself, and its MAC is not of this card. */
  readonly forged: string | null;
}

/** What a block's proof is over. */
const proven = (identity: Uint8Array, block: Uint8Array): Uint8Array =>
  concatBytes(identity, block);

async function readAs(
  chip: MemoryChip,
  keys: KeyProvider,
  channel: CardChannel,
): Promise<Result<Read, Failure>> {
  const opened = await openAt24(chip, channel);
  if (!opened.ok) return opened;
  const all = await opened.value.read(0, READ_LENGTH);
  if (!all.ok) return all;
  const bytes = all.value;
  const identity = bytes.slice(0, IDENTITY_LENGTH);
  const customers = checkIdentity(identity, MARK);
  if (!customers.ok) return customers;
  const blocks: Uint8Array[] = ([0, 1] as const).map((slot) =>
    bytes.slice(slotAt(slot), slotAt(slot) + BLOCK_LENGTH),
  );
  const whole = ([0, 1] as const).filter((slot) =>
    isValidBlock(concatBytes(identity, ...blocks), slot),
  );
  const judged = await keys.checkBlocks(
    cardNoOf(identity),
    whole.map((slot) => ({
      data: proven(identity, blocks[slot] as Uint8Array),
      mac: bytes.slice(slotAt(slot) + BLOCK_LENGTH, slotAt(slot) + SLOT_LENGTH),
    })),
  );
  if (!judged.ok) return judged;
  let forged: string | null = null;
  for (const [i, slot] of whole.entries()) {
    if (judged.value[i] === true) continue;
    forged = `the MAC of block ${slot === 0 ? 'A' : 'B'} does not hold`;
    blocks[slot] = withoutSeq(blocks[slot] as Uint8Array);
  }
  return ok({ card: opened.value, bytes, image: concatBytes(identity, ...blocks), forged });
}

/** As either kind of AT24. What the first says of the card stands, unless only the second knows it. */
async function readCard(keys: KeyProvider, channel: CardChannel): Promise<Result<Read, Failure>> {
  let first: Failure | null = null;
  for (const chip of AT24_KINDS) {
    const read = await readAs(chip, keys, channel);
    // Spoken to as the other kind, a chip may answer with anything: only a card that is ours, or no
    // card at all, ends it.
    if (read.ok || !(TELLS_NOTHING as readonly string[]).includes(read.error.code)) return read;
    first = first === null || first.code === 'CARD-0103' ? read.error : first;
  }
  return err(first ?? failure('CARD-0103'));
}
/** Another card, blank, broken, or an answer that was none. */
const TELLS_NOTHING = ['CARD-0103', 'CARD-0104', 'CARD-0105', 'CARD-0106'] as const;

async function apply(
  keys: KeyProvider,
  channel: CardChannel,
  write: WritePlan,
  done: StepsDone = UNSEEN,
): Promise<Result<void, Failure>> {
  const read = await readCard(keys, channel);
  if (!read.ok) return read;
  const { card, bytes, image } = read.value;
  const verdict = mayGoOn(write, image);
  if (!verdict.ok) return verdict;
  if (verdict.value === 'done') return ok(undefined);
  done(1);
  const slot = targetOf(write);
  const want = blockOf(write.after, slot);
  const identity = write.before.subarray(0, IDENTITY_LENGTH);
  const mac = await keys.blockMac(cardNoOf(identity), proven(identity, want));
  if (!mac.ok) return mac;
  const at = slotAt(slot);
  return card.writeSteps(
    blockSteps(at, bytes.subarray(at, at + SLOT_LENGTH), concatBytes(want, mac.value)),
    (n) => done(1 + n),
  );
}

/** The reference AT24 card. Acceptance rule: count exact. */
export function pl24Layout(keys: KeyProvider): CardLayout {
  return {
    id: PL_24,
    acceptance: 'count-exact',
    mayBe: (atr) => equalBytes(atr, ATR),
    read: async (channel) => {
      const read = await readCard(keys, channel);
      if (!read.ok) return read;
      const { bytes, image, forged } = read.value;
      return forged === null
        ? decodeTwoBlock(PL_24, image, bytes.slice(METER_AT, METER_AT + METER_LENGTH))
        : damaged(forged);
    },
    readImage: async (channel) => {
      const read = await readCard(keys, channel);
      return read.ok ? ok(read.value.image) : read;
    },
    proveAuthority: (reading) => keys.proveBlock(cardNoOf(reading.image)),
    plan: (reading, purchase) =>
      planTwoBlock(reading, purchase, (block, seq, what) => [
        're-read 00–7F',
        `block ${block}: seq 00`,
        `block ${block}: ${what}, tag, crc, MAC`,
        `block ${block}: seq ${seq}`,
      ]),
    apply: (channel, write, _keep, done) => apply(keys, channel, write, done),
    classify: classifyTwoBlock,
    sameCard: sameTwoBlockCard,
  };
}
