import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err } from '../../shared/result.ts';
import type { CardChannel } from '../types.ts';

/**
 * Commands that leave a card as it is, by class and instruction. A wrong entry here could put one
 * card's purchase on another (decision 0018), so what is not listed counts as a change.
 */
const READING: ReadonlySet<number> = new Set([
  0x00_a4,
  0x00_b0,
  0x00_b2,
  0x00_84,
  0x00_c0, // SELECT, READ BINARY, READ RECORD, GET CHALLENGE, GET RESPONSE
  0x80_5c, // GET BALANCE
  0xff_a4,
  0xff_b0,
  0xff_b1,
  0xff_b2,
  0xff_3a,
  0xff_ca, // pseudo-APDUs: card type, read, counter, protection (two dialects), UID
  0xff_82,
  0xff_86, // a contactless reader's key, and opening a sector with it
]);

/** True: whatever card is there, this command leaves it as it is, its counters of tries included. */
export function changesNothing(apdu: Uint8Array): boolean {
  return READING.has(((apdu[0] ?? 0) << 8) | (apdu[1] ?? 0));
}

/**
 * A channel over which a card can be read and not be changed: nothing is written, no code, PIN or
 * key is presented, whatever a layout asks for (CARD-0202, and nothing was sent).
 */
export function readOnlyChannel(channel: CardChannel): CardChannel {
  const { memory } = channel;
  const refuse = (what: string): Promise<{ readonly ok: false; readonly error: Failure }> =>
    Promise.resolve(err(failure('CARD-0202', `${what}: not sent, this channel only reads`)));
  return {
    insertion: channel.insertion,
    transmit: (apdu) => (changesNothing(apdu) ? channel.transmit(apdu) : refuse('command')),
    reset: () => channel.reset(),
    memory:
      memory === null
        ? null
        : {
            select: (chip) => memory.select(chip),
            read: (chip, area, at, length) => memory.read(chip, area, at, length),
            counter: (chip, set) => memory.counter(chip, set),
            write: () => refuse('write'),
            present: () => refuse('code'),
            eraseZone: () => refuse('erasing'),
          },
    // Its blocks open to a key only.
    mifare: null,
  };
}
