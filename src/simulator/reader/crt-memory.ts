import { Torn } from '../card/chip.ts';
import * as sle4442 from '../card/sle4442.ts';
import type { Sle4442 } from '../card/sle4442.ts';
import type { CrtMemoryCard } from './crt.ts';
import { presentTo } from './slot.ts';

/** Inner status words of the reader's memory-card operations (cards.md 5.1). */
const OK = [0x90, 0x00];
const FAILED = [0x6f, 0x00];
const KEY_WRONG = [0x6f, 0x01];
const KEY_LOCKED = [0x6f, 0x02];
const BAD_LENGTH = [0x6b, 0x00];
const BAD_ADDRESS = [0x67, 0x00];

/** An SLE4442 as a CRT reader clocks it: the operations of cards.md 5.1 (CM 53, PM 33). */
export function crtSle4442(chip: Sle4442): CrtMemoryCard {
  const run = (command: Uint8Array): readonly number[] => {
    const [, ins = 0, p1 = 0, p2 = 0, p3 = 0] = command;
    const data = command.slice(5);
    if (ins === 0xb0) {
      const length = p3 === 0 ? 256 : p3;
      if (p1 === 0x00) return p2 + length > 256 ? BAD_LENGTH : [...chip.send(sle4442.READ_MAIN, p2).subarray(0, length), ...OK];
      if (p1 === 0x01) return [...chip.send(sle4442.READ_PROTECTION, 0), ...OK];
      if (p1 === 0x02) return [...chip.send(sle4442.READ_SECURITY, 0), ...OK];
      return BAD_ADDRESS;
    }
    if (ins === 0xd0 && p1 === 0x00) {
      if (data.length !== p3 || p2 + p3 > 256) return BAD_LENGTH;
      for (const [i, byte] of data.entries()) chip.send(sle4442.UPDATE_MAIN, p2 + i, byte);
      // This reader compares what it wrote.
      return chip.send(sle4442.READ_MAIN, p2).subarray(0, p3).every((b, i) => b === data[i]) ? OK : FAILED;
    }
    if (ins === 0x20 && p1 === 0x03) {
      if (data.length !== 3) return BAD_LENGTH;
      const counter = (): number => chip.send(sle4442.READ_SECURITY, 0)[0] ?? 0;
      const left = presentTo(
        counter,
        (spent) => void chip.send(sle4442.UPDATE_SECURITY, 0, spent),
        () => {
          for (const [i, byte] of data.entries()) chip.send(sle4442.COMPARE, i + 1, byte);
        },
        () => void chip.send(sle4442.UPDATE_SECURITY, 0, 0xff),
      );
      return left === 0x07 ? OK : left === 0 ? KEY_LOCKED : KEY_WRONG;
    }
    return BAD_ADDRESS;
  };
  return {
    kind: 'SLE4442',
    insert: () => undefined,
    remove: () => chip.powerOff(),
    reset: () => chip.powerOn(),
    powerOff: () => chip.powerOff(),
    operate: (command) => {
      try {
        return Uint8Array.from(run(command));
      } catch (error) {
        if (error instanceof Torn) return null;
        throw error;
      }
    },
  };
}
