import { equalBytes, toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { MemoryCard } from '../families/memory-card.ts';
import { SLE } from '../families/sle.ts';
import type { SleChip } from '../families/sle.ts';
import type { KeyProvider } from '../keys/types.ts';
import { UNSEEN } from '../types.ts';
import type { CardChannel, CardLayout, StepsDone, WritePlan } from '../types.ts';
import { METER_LENGTH } from './fields.ts';
import {
  blockAt,
  blockOf,
  blockSteps,
  cardNoOf,
  checkIdentity,
  classifyTwoBlock,
  decodeTwoBlock,
  IMAGE_LENGTH,
  mayGoOn,
  planTwoBlock,
  sameTwoBlockCard,
  targetOf,
} from './two-block.ts';

/**
 * PL-4442 and PL-4428 (docs/layouts): the same map on two chips. Identity 20–2F, blocks 30–4F,
 * limits 50–5B, meter 60–7F; the chips differ in their factory area and their code.
 */

export const PL_4442 = 'PL-4442';
export const PL_4428 = 'PL-4428';

const IMAGE_AT = 0x20;
const METER_AT = 0x60;
/** Factory area to the meter's area, read in one go. */
const READ_LENGTH = METER_AT + METER_LENGTH;

interface Variant {
  readonly id: string;
  readonly chip: SleChip;
  /** How the factory area begins; the chip answers to reset with it (cards.md 1.1). */
  readonly factory: Uint8Array;
  readonly mark: number;
}
const VARIANTS = {
  [PL_4442]: {
    id: PL_4442,
    chip: 'SLE4442',
    factory: Uint8Array.of(0xa2, 0x13, 0x10, 0x91),
    mark: 0x50,
  },
  [PL_4428]: {
    id: PL_4428,
    chip: 'SLE4428',
    factory: Uint8Array.of(0x92, 0x23, 0x10, 0x91),
    mark: 0x51,
  },
} as const satisfies Record<string, Variant>;

interface Read {
  readonly card: MemoryCard;
  readonly image: Uint8Array;
  readonly meter: Uint8Array;
}

async function readCard(variant: Variant, channel: CardChannel): Promise<Result<Read, Failure>> {
  const opened = await MemoryCard.open(SLE[variant.chip], channel);
  if (!opened.ok) return opened;
  const bytes = await opened.value.read(0, READ_LENGTH);
  if (!bytes.ok) return bytes;
  const factory = bytes.value.subarray(0, variant.factory.length);
  if (!equalBytes(factory, variant.factory))
    return err(failure('CARD-0103', `factory area ${toHex(factory)}`));
  const image = bytes.value.slice(IMAGE_AT, IMAGE_AT + IMAGE_LENGTH);
  const customers = checkIdentity(image.subarray(0, blockAt(0)), variant.mark);
  return customers.ok
    ? ok({ card: opened.value, image, meter: bytes.value.slice(METER_AT, METER_AT + METER_LENGTH) })
    : customers;
}

async function apply(
  variant: Variant,
  keys: KeyProvider,
  channel: CardChannel,
  write: WritePlan,
  done: StepsDone = UNSEEN,
): Promise<Result<void, Failure>> {
  const read = await readCard(variant, channel);
  if (!read.ok) return read;
  const { card, image } = read.value;
  const verdict = mayGoOn(write, image);
  if (!verdict.ok) return verdict;
  if (verdict.value === 'done') return ok(undefined);
  done(1);
  const code = await keys.cardCode(variant.chip, cardNoOf(write.before));
  if (!code.ok) return code;
  const verified = await card.verify(code.value);
  if (!verified.ok) return verified;
  done(2);
  const slot = targetOf(write);
  return card.writeSteps(
    blockSteps(IMAGE_AT + blockAt(slot), blockOf(image, slot), blockOf(write.after, slot)),
    (n) => done(2 + n),
  );
}

function sleLayout(variant: Variant, keys: KeyProvider): CardLayout {
  return {
    id: variant.id,
    acceptance: 'count-exact',
    // Readers give these chips the ATR that PC/SC part 3 makes of their four bytes (cards.md 1.1).
    mayBe: (atr) => equalBytes(atr, Uint8Array.of(0x3b, 0x04, ...variant.factory)),
    read: async (channel) => {
      const read = await readCard(variant, channel);
      if (!read.ok) return read;
      // A card that could not be written to is said before anybody pays.
      const tries = await read.value.card.checkTries();
      return tries.ok ? decodeTwoBlock(variant.id, read.value.image, read.value.meter) : tries;
    },
    readImage: async (channel) => {
      const read = await readCard(variant, channel);
      return read.ok ? ok(read.value.image) : read;
    },
    proveAuthority: (reading) => keys.proveCode(variant.chip, cardNoOf(reading.image)),
    plan: (reading, purchase) =>
      planTwoBlock(reading, purchase, (block, seq, what) => [
        're-read 00–7F',
        'present the code',
        `block ${block}: seq 00`,
        `block ${block}: ${what}, tag, crc`,
        `block ${block}: seq ${seq}`,
      ]),
    apply: (channel, write, _keep, done) => apply(variant, keys, channel, write, done),
    classify: classifyTwoBlock,
    sameCard: sameTwoBlockCard,
  };
}

/** The reference SLE4442 card (docs/layouts/pl-4442.md). Acceptance rule: count exact. */
export const pl4442Layout = (keys: KeyProvider): CardLayout => sleLayout(VARIANTS[PL_4442], keys);
/** The reference SLE4428 card (docs/layouts/pl-4428.md). Acceptance rule: count exact. */
export const pl4428Layout = (keys: KeyProvider): CardLayout => sleLayout(VARIANTS[PL_4428], keys);
