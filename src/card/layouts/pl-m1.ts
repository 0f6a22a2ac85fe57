import { concatBytes, fromHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { KeyProvider } from '../keys/types.ts';
import { UNSEEN } from '../types.ts';
import type { CardChannel, CardLayout, MifarePort, StepsDone, WritePlan } from '../types.ts';
import {
  blockAt,
  blockOf,
  cardNoOf,
  checkIdentity,
  classifyTwoBlock,
  decodeTwoBlock,
  mayGoOn,
  planTwoBlock,
  sameTwoBlockCard,
  targetOf,
} from './two-block.ts';

/**
 * PL-M1, Mifare Classic (docs/layouts/pl-m1.md): sector 1 identity, A, B; sector 2 the meter's
 * area.
 */

export const PL_M1 = 'PL-M1';

const MARK = 0x52;
const SALE_SECTOR = 1;
const METER_SECTOR = 2;
const IDENTITY_BLOCK = 4;
const PURCHASE_BLOCKS = [5, 6] as const;
const METER_BLOCKS = [8, 9] as const;
/** PC/SC part 3: storage card, Mifare Classic 1K; the last bytes are left open. */
const ATR_BEGINS = fromHex('3B8F8001804F0CA000000306030001');
/** The first 4 bytes of the UID make the keys. */
const UID_BYTES = 4;

interface Read {
  readonly port: MifarePort;
  readonly uid: Uint8Array;
  readonly image: Uint8Array;
}

async function authenticate(
  port: MifarePort,
  keys: KeyProvider,
  uid: Uint8Array,
  sector: number,
  which: 'A' | 'B',
  cardNo?: Uint8Array,
): Promise<Result<boolean, Failure>> {
  const key = await keys.sectorKey(uid, sector, which, cardNo);
  return key.ok ? port.authenticate(sector * 4, which, key.value) : key;
}

async function readImage(keys: KeyProvider, channel: CardChannel): Promise<Result<Read, Failure>> {
  const port = channel.mifare;
  if (port === null) return err(failure('CARD-0103', 'this reader does not speak to Mifare cards'));
  const uid = await port.uid();
  if (!uid.ok) return uid;
  const id = uid.value.slice(0, UID_BYTES);
  const opened = await authenticate(port, keys, id, SALE_SECTOR, 'A');
  if (!opened.ok) return opened;
  if (!opened.value) return err(failure('CARD-0103', 'sector 1 does not take our key'));
  const blocks: Uint8Array[] = [];
  for (const block of [IDENTITY_BLOCK, ...PURCHASE_BLOCKS]) {
    const read = await port.read(block);
    if (!read.ok) return read;
    blocks.push(read.value);
  }
  const image = concatBytes(...blocks);
  const customers = checkIdentity(image.subarray(0, blockAt(0)), MARK);
  return customers.ok ? ok({ port, uid: id, image }) : customers;
}

/**
 * One block is written at a time and by one command; while it is in flight its crc does not hold,
 * and the other is whole.
 */
async function apply(
  keys: KeyProvider,
  channel: CardChannel,
  write: WritePlan,
  done: StepsDone = UNSEEN,
): Promise<Result<void, Failure>> {
  const read = await readImage(keys, channel);
  if (!read.ok) return read;
  const { port, uid, image } = read.value;
  const verdict = mayGoOn(write, image);
  if (!verdict.ok) return verdict;
  if (verdict.value === 'done') return ok(undefined);
  done(1);
  const opened = await authenticate(port, keys, uid, SALE_SECTOR, 'B', cardNoOf(image));
  if (!opened.ok) return opened;
  if (!opened.value) return err(failure('CARD-0201', 'sector 1 does not take our key B'));
  done(2);
  const slot = targetOf(write);
  const written = await port.write(PURCHASE_BLOCKS[slot], blockOf(write.after, slot));
  if (written.ok) done(3);
  return written;
}

/** The reference Mifare Classic card. Acceptance rule: count exact. */
export function plM1Layout(keys: KeyProvider): CardLayout {
  return {
    id: PL_M1,
    acceptance: 'count-exact',
    mayBe: (atr) => ATR_BEGINS.every((b, i) => atr[i] === b),
    read: async (channel) => {
      const read = await readImage(keys, channel);
      if (!read.ok) return read;
      const { port, uid, image } = read.value;
      const opened = await authenticate(port, keys, uid, METER_SECTOR, 'A');
      if (!opened.ok) return opened;
      if (!opened.value) return err(failure('CARD-0104', 'sector 2 does not take our key'));
      const parts: Uint8Array[] = [];
      for (const block of METER_BLOCKS) {
        const part = await port.read(block);
        if (!part.ok) return part;
        parts.push(part.value);
      }
      return decodeTwoBlock(PL_M1, image, concatBytes(...parts));
    },
    readImage: async (channel) => {
      const read = await readImage(keys, channel);
      return read.ok ? ok(read.value.image) : read;
    },
    // The chip's own number is not in the image: that the provider answers is what can be shown
    // without the card.
    proveAuthority: () => keys.proveSector(),
    plan: (reading, purchase) =>
      planTwoBlock(reading, purchase, (block, seq, what) => [
        're-read sector 1',
        'authenticate with key B',
        `write block ${block}: seq ${seq}, ${what}, tag, crc`,
      ]),
    apply: (channel, write, _keep, done) => apply(keys, channel, write, done),
    classify: classifyTwoBlock,
    sameCard: sameTwoBlockCard,
  };
}
