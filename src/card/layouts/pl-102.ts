import { concatBytes, equalBytes } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { AT88SC102, erasedZone, openAt88Sc102 } from '../families/at88sc102.ts';
import type { MemoryCard } from '../families/memory-card.ts';
import type { KeyProvider } from '../keys/types.ts';
import { UNSEEN } from '../types.ts';
import type { CardChannel, CardLayout, StepsDone, WritePlan } from '../types.ts';
import { holdsVisit, METER_LENGTH } from './fields.ts';
import {
  BLOCK_LENGTH,
  blockOf,
  cardNoOf,
  checkIdentity,
  classifyTwoBlock,
  decodeTwoBlock,
  mayGoOn,
  newestSlot,
  planTwoBlock,
  sameTwoBlockCard,
  targetOf,
} from './two-block.ts';
import type { BlockSlot } from './two-block.ts';

/**
 * PL-102, AT88SC102 (docs/layouts/pl-102.md). The chip clears bits and erases whole zones only, so
 * a zone is a page of one purchase: zone 1 holds block A and the meter's answer to it, zone 2 block
 * B and its answer. Buying erases the older zone; the newer one, with all that is needed to read
 * the card, is never touched.
 */

export const PL_102 = 'PL-102';

const MARK = 0x53;
/** Within a zone, whose first 16 bytes stay erased: its access bits are among them. */
const BLOCK_AT = 0x10;
const METER_AT = 0x20;
const ZONES = [1, 2] as const;
const ERASED_BLOCK = new Uint8Array(BLOCK_LENGTH).fill(0xff);
/** What readers make up for chips without an answer to reset [K]. */
const ATR = Uint8Array.of(0x3b, 0x00);

interface Read {
  readonly card: MemoryCard;
  readonly image: Uint8Array;
  /** What stands behind blocks A and B for the meter. */
  readonly answers: readonly [Uint8Array, Uint8Array];
}

async function readCard(channel: CardChannel): Promise<Result<Read, Failure>> {
  const opened = await openAt88Sc102(channel);
  if (!opened.ok) return opened;
  const bytes = await opened.value.read(0, AT88SC102.zoneAt[2] + AT88SC102.zoneLength);
  if (!bytes.ok) return bytes;
  const part = (at: number, length: number): Uint8Array => bytes.value.slice(at, at + length);
  const identity = concatBytes(part(AT88SC102.issuerAt, 8), part(AT88SC102.protectedAt, 8));
  const customers = checkIdentity(identity, MARK);
  if (!customers.ok) return customers;
  const [a, b] = ZONES.map((zone) => part(AT88SC102.zoneAt[zone] + BLOCK_AT, BLOCK_LENGTH)) as [
    Uint8Array,
    Uint8Array,
  ];
  const answers = ZONES.map((zone) => part(AT88SC102.zoneAt[zone] + METER_AT, METER_LENGTH)) as [
    Uint8Array,
    Uint8Array,
  ];
  return ok({ card: opened.value, image: concatBytes(identity, a, b), answers });
}

/**
 * The meter's last answer that holds: behind the newest block once the meter has taken it, and
 * until then behind the older one.
 */
function lastAnswer({ image, answers }: Read): Result<Uint8Array, Failure> {
  const newest = newestSlot(image);
  if (!newest.ok) return newest;
  const here = answers[newest.value];
  const before = answers[newest.value === 0 ? 1 : 0];
  // A visit that was cut leaves a part of its answer: the purchase counts as not visited, and the
  // meter finishes.
  return ok(holdsVisit(here) || !holdsVisit(before) ? here : before);
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
  const cardNo = cardNoOf(write.before);
  const slot: BlockSlot = targetOf(write);
  const zone = ZONES[slot];
  const code = await keys.cardCode('AT88SC102', cardNo);
  if (!code.ok) return code;
  const key = await keys.cardCode(zone === 1 ? 'AT88SC102-EZ1' : 'AT88SC102-EZ2', cardNo);
  if (!key.ok) return key;
  const verified = await card.verify(code.value);
  if (!verified.ok) return verified;
  done(2);
  const empty = await erasedZone(card, zone, key.value);
  if (!empty.ok) return empty;
  done(3);

  const at = AT88SC102.zoneAt[zone] + BLOCK_AT;
  const want = blockOf(write.after, slot);
  // seq last: until then it is FF, which is none.
  const written = await card.writeSteps(
    [
      { at: at + 1, have: ERASED_BLOCK.subarray(1), want: want.subarray(1) },
      { at, have: ERASED_BLOCK.subarray(0, 1), want: want.subarray(0, 1) },
    ],
    (n) => done(3 + n),
  );
  // The zone may have been erased for it: nothing is as it was any more.
  return written.ok || written.error.code === 'CARD-0203'
    ? written
    : err(failure('CARD-0203', written.error.detail, written.error));
}

/** The reference AT88SC102 card. Its meters take any count that is greater than their own. */
export function pl102Layout(keys: KeyProvider): CardLayout {
  return {
    id: PL_102,
    acceptance: 'count-greater',
    mayBe: (atr) => equalBytes(atr, ATR),
    read: async (channel) => {
      const read = await readCard(channel);
      if (!read.ok) return read;
      // A card that could not be written to is said before anybody pays.
      const tries = await read.value.card.checkTries();
      if (!tries.ok) return tries;
      const answer = lastAnswer(read.value);
      return answer.ok ? decodeTwoBlock(PL_102, read.value.image, answer.value) : answer;
    },
    readImage: async (channel) => {
      const read = await readCard(channel);
      return read.ok ? ok(read.value.image) : read;
    },
    proveAuthority: async (reading) => {
      for (const code of ['AT88SC102', 'AT88SC102-EZ1', 'AT88SC102-EZ2'] as const) {
        const found = await keys.proveCode(code, cardNoOf(reading.image));
        if (!found.ok) return found;
      }
      return ok(undefined);
    },
    plan: (reading, purchase) =>
      planTwoBlock(reading, purchase, (block, seq, what) => [
        're-read 00–9B',
        'present the security code',
        `erase zone ${block === 'A' ? 1 : 2} with its key`,
        `block ${block}: ${what}, tag, crc`,
        `block ${block}: seq ${seq}`,
      ]),
    apply: (channel, write, _keep, done) => apply(keys, channel, write, done),
    classify: classifyTwoBlock,
    sameCard: sameTwoBlockCard,
  };
}
