import type { CardChannel, MemoryCardPort } from '../types.ts';

/**
 * Whether a card took our key or code, as it is said on its channel: every layout (and every
 * maker's program) is watched in one place.
 */

/** A try was spent. `left`: so many are; null: the card does not tell. */
export interface SpentTry {
  readonly left: number | null;
}

/** The last try is never spent by a machine: one more mistake would end the card. */
const LEAST_TRIES = 2;

/** True: a key or code may not be presented to a card that refused it so. */
export function mustNotTry({ left }: SpentTry): boolean {
  return left === null || left < LEAST_TRIES;
}

/** INS of ISO 7816-4 by which a secret is presented, and a wrong one costs a try. */
const VERIFY = 0x20;
const EXTERNAL_AUTHENTICATE = 0x82;
/** VERIFY without data only asks how many tries are left. */
const HEADER_LENGTH = 5;
const SW_BLOCKED = 0x6983;

/** What an answer to this command says of the tries; undefined: nothing. */
function triesBy(apdu: Uint8Array, answer: Uint8Array): SpentTry | null | undefined {
  const ins = apdu[1];
  if ((ins !== VERIFY && ins !== EXTERNAL_AUTHENTICATE) || apdu.length <= HEADER_LENGTH)
    return undefined;
  const sw = ((answer.at(-2) ?? 0) << 8) | (answer.at(-1) ?? 0);
  if (sw === 0x9000) return null;
  // 63Cx: x tries are left (ISO 7816-4); 6983: none.
  if ((sw & 0xfff0) === 0x63c0) return { left: sw & 0x0f };
  return sw === SW_BLOCKED ? { left: 0 } : undefined;
}

/**
 * The same channel, and what it has shown so far: the try that was spent last, or null where none
 * was, or a key was taken since.
 */
export function watchTries(channel: CardChannel): {
  readonly channel: CardChannel;
  readonly spent: () => SpentTry | null;
} {
  let spent: SpentTry | null = null;
  const { memory } = channel;
  return {
    spent: () => spent,
    channel: {
      insertion: channel.insertion,
      transmit: async (apdu, bound) => {
        const answer = await channel.transmit(apdu, bound);
        const said = answer.ok ? triesBy(apdu, answer.value) : undefined;
        if (said !== undefined) spent = said;
        return answer;
      },
      reset: () => channel.reset(),
      memory: memory === null ? null : watched(memory, (said) => (spent = said)),
      // It keeps no count of tries.
      mifare: channel.mifare,
    },
  };
}

function watched(memory: MemoryCardPort, say: (spent: SpentTry | null) => void): MemoryCardPort {
  return {
    select: (chip) => memory.select(chip),
    read: (chip, area, at, length) => memory.read(chip, area, at, length),
    write: (chip, area, at, bytes) => memory.write(chip, area, at, bytes),
    counter: (chip, set) => memory.counter(chip, set),
    eraseZone: (chip, zone, key) => memory.eraseZone(chip, zone, key),
    present: async (chip, code, set) => {
      const outcome = await memory.present(chip, code, set);
      // Each chip counts in its own way, and some readers do not show it.
      if (outcome.ok) say(outcome.value.verified ? null : { left: null });
      return outcome;
    },
  };
}
