import { concatBytes, equalBytes } from '../../shared/bytes.ts';
import type { Failure } from '../../shared/errors.ts';
import { ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { AT88SC1608, openAt88Sc1608 } from '../families/at88sc1608.ts';
import type { MemoryCard } from '../families/memory-card.ts';
import type { KeyProvider } from '../keys/types.ts';
import { UNSEEN } from '../types.ts';
import type { CardChannel, CardLayout, StepsDone, WritePlan } from '../types.ts';
import { METER_LENGTH } from './fields.ts';
import {
  BLOCK_LENGTH,
  blockOf,
  blockSteps,
  cardNoOf,
  checkIdentity,
  classifyTwoBlock,
  decodeTwoBlock,
  IDENTITY_LENGTH,
  mayGoOn,
  planTwoBlock,
  sameTwoBlockCard,
  targetOf,
} from './two-block.ts';

/**
 * PL-1608, AT88SC1608 (docs/layouts/pl-1608.md): zone 0 identity, zone 1 the two purchase blocks, a
 * page of 16 bytes each, zone 2 the meter's area. All are read by everybody; each has its own
 * password for writing.
 */

export const PL_1608 = 'PL-1608';

const MARK = 0x54;
const IDENTITY_AT = 0;
const SALE_AT = AT88SC1608.zoneLength;
const METER_AT = 2 * AT88SC1608.zoneLength;
/** The password set that opens zone 1 for writing. */
const SALE_SET = 1;
/**
 * What readers make up for chips without an answer that they know [K], and what PC/SC part 3 would
 * make of this one's.
 */
const ATRS: readonly Uint8Array[] = [
  Uint8Array.of(0x3b, 0x00),
  concatBytes(Uint8Array.of(0x3b, 0x04), AT88SC1608.answer),
];

interface Read {
  readonly card: MemoryCard;
  readonly image: Uint8Array;
}

async function readCard(channel: CardChannel): Promise<Result<Read, Failure>> {
  const opened = await openAt88Sc1608(channel, SALE_SET);
  if (!opened.ok) return opened;
  const identity = await opened.value.read(IDENTITY_AT, IDENTITY_LENGTH);
  if (!identity.ok) return identity;
  const customers = checkIdentity(identity.value, MARK);
  if (!customers.ok) return customers;
  const blocks = await opened.value.read(SALE_AT, 2 * BLOCK_LENGTH);
  return blocks.ok
    ? ok({ card: opened.value, image: concatBytes(identity.value, blocks.value) })
    : blocks;
}

async function apply(
  keys: KeyProvider,
  channel: CardChannel,
  write: WritePlan,
  done: StepsDone = UNSEEN,
): Promise<Result<void, Failure>> {
  const read = await readCard(channel);
  if (!read.ok) return read;
  const { card, image } = read.value;
  const verdict = mayGoOn(write, image);
  if (!verdict.ok) return verdict;
  if (verdict.value === 'done') return ok(undefined);
  done(1);
  const password = await keys.cardCode('AT88SC1608', cardNoOf(write.before));
  if (!password.ok) return password;
  const verified = await card.verify(password.value);
  if (!verified.ok) return verified;
  done(2);
  const slot = targetOf(write);
  return card.writeSteps(
    blockSteps(SALE_AT + slot * BLOCK_LENGTH, blockOf(image, slot), blockOf(write.after, slot)),
    (n) => done(2 + n),
  );
}

/**
 * The reference AT88SC1608 card. Its meters take what the card's cumulative quantity has more than
 * their own.
 */
export function pl1608Layout(keys: KeyProvider): CardLayout {
  return {
    id: PL_1608,
    acceptance: 'cumulative',
    mayBe: (atr) => ATRS.some((known) => equalBytes(atr, known)),
    read: async (channel) => {
      const read = await readCard(channel);
      if (!read.ok) return read;
      const { card, image } = read.value;
      // A card that could not be written to is said before anybody pays.
      const tries = await card.checkTries();
      if (!tries.ok) return tries;
      const meter = await card.read(METER_AT, METER_LENGTH);
      return meter.ok ? decodeTwoBlock(PL_1608, image, meter.value) : meter;
    },
    readImage: async (channel) => {
      const read = await readCard(channel);
      return read.ok ? ok(read.value.image) : read;
    },
    proveAuthority: (reading) => keys.proveCode('AT88SC1608', cardNoOf(reading.image)),
    plan: (reading, purchase) =>
      planTwoBlock(reading, purchase, (block, seq, what) => [
        're-read zones 0 and 1',
        `present password ${SALE_SET}`,
        `block ${block}: seq 00`,
        `block ${block}: ${what}, tag, crc`,
        `block ${block}: seq ${seq}`,
      ]),
    apply: (channel, write, _keep, done) => apply(keys, channel, write, done),
    classify: classifyTwoBlock,
    sameCard: sameTwoBlockCard,
  };
}
