import { Torn } from '../card/chip.ts';
import { AT24_SIZES } from '../card/at24.ts';
import type { At24 } from '../card/at24.ts';
import * as sle4428 from '../card/sle4428.ts';
import type { Sle4428 } from '../card/sle4428.ts';
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
      if (p1 === 0x00)
        return p2 + length > 256
          ? BAD_LENGTH
          : [...chip.send(sle4442.READ_MAIN, p2).subarray(0, length), ...OK];
      if (p1 === 0x01) return [...chip.send(sle4442.READ_PROTECTION, 0), ...OK];
      if (p1 === 0x02) return [...chip.send(sle4442.READ_SECURITY, 0), ...OK];
      return BAD_ADDRESS;
    }
    if (ins === 0xd0 && p1 === 0x00) {
      if (data.length !== p3 || p2 + p3 > 256) return BAD_LENGTH;
      for (const [i, byte] of data.entries()) chip.send(sle4442.UPDATE_MAIN, p2 + i, byte);
      // This reader compares what it wrote.
      return chip
        .send(sle4442.READ_MAIN, p2)
        .subarray(0, p3)
        .every((b, i) => b === data[i])
        ? OK
        : FAILED;
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
  return { kind: 'SLE4442', ...held(chip, run) };
}

/** What is the same for every chip: power, and that a torn card does not answer. */
function held(
  chip: Pick<Sle4442, 'powerOn' | 'powerOff'>,
  run: (command: Uint8Array) => readonly number[],
): Omit<CrtMemoryCard, 'kind'> {
  return {
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

/** An SLE4428 as a CRT reader clocks it (CM 53, PM 34); the address has two bytes. */
export function crtSle4428(chip: Sle4428): CrtMemoryCard {
  const run = (command: Uint8Array): readonly number[] => {
    const [, ins = 0, p1 = 0, p2 = 0, p3 = 0] = command;
    const data = command.slice(5);
    const address = p1 * 256 + p2;
    if (ins === 0xb0) {
      if (p1 > 0x03) return BAD_ADDRESS;
      const length = p3 === 0 ? 256 : p3;
      return address + length > 1024
        ? BAD_LENGTH
        : [...chip.send(sle4428.READ, address).subarray(0, length), ...OK];
    }
    if (ins === 0xd0) {
      if (p1 > 0x03) return BAD_ADDRESS;
      if (data.length !== p3 || address + p3 > 1024) return BAD_LENGTH;
      for (const [i, byte] of data.entries()) chip.send(sle4428.UPDATE, address + i, byte);
      // This reader compares what it wrote.
      return chip
        .send(sle4428.READ, address)
        .subarray(0, p3)
        .every((b, i) => b === data[i])
        ? OK
        : FAILED;
    }
    if (ins === 0x20 && p1 === 0x00 && p2 === 0x00) {
      if (data.length !== 2) return BAD_LENGTH;
      const left = presentTo(
        () => chip.send(sle4428.READ, sle4428.COUNTER_ADDRESS)[0] ?? 0,
        (spent) => void chip.send(sle4428.WRITE_COUNTER, sle4428.COUNTER_ADDRESS, spent),
        () => {
          for (const [i, byte] of data.entries())
            chip.send(sle4428.VERIFY, sle4428.CODE_ADDRESS + i, byte);
        },
        () => void chip.send(sle4428.UPDATE, sle4428.COUNTER_ADDRESS, 0xff),
      );
      return left === 0xff ? OK : left === 0 ? KEY_LOCKED : KEY_WRONG;
    }
    return BAD_ADDRESS;
  };
  return { kind: 'SLE4428', ...held(chip, run) };
}

/** Pages in which this reader writes, whatever the chip: 8 divides them all. */
const I2C_PAGE = 8;
/** Types from here on are addressed in two bytes. */
const I2C_LARGE_FROM = 0x35;

/**
 * An AT24Cxx as a CRT reader clocks it (CM 54); what its data are is unconfirmed [K]. A chip that
 * is addressed as the other kind answers with nothing of its own and stores nothing.
 */
export function crtAt24(chip: At24): CrtMemoryCard {
  const isLarge = AT24_SIZES[chip.type].size > 2048;
  let isTold = false;
  const run = (command: Uint8Array): readonly number[] => {
    const [, ins = 0, p1 = 0, p2 = 0, p3 = 0] = command;
    const data = command.slice(5);
    const address = p1 * 256 + p2;
    const length = ins === 0xb0 && p3 === 0 ? 256 : p3;
    if (ins !== 0xb0 && ins !== 0xd0) return BAD_ADDRESS;
    if (address + length > chip.size || (ins === 0xd0 && data.length !== p3)) return BAD_LENGTH;
    if (ins === 0xb0)
      return isTold
        ? [...chip.read(address, length), ...OK]
        : [...new Uint8Array(length).fill(0xff), ...OK];
    for (let at = 0; isTold && at < data.length;) {
      const end = Math.min(data.length, at + I2C_PAGE - ((address + at) % I2C_PAGE));
      chip.write(address + at, data.slice(at, end));
      at = end;
    }
    return OK;
  };
  return {
    kind: 'AT24',
    ...held(chip, run),
    power: (type) => {
      isTold = isLarge === type >= I2C_LARGE_FROM;
      return chip.powerOn() !== null;
    },
  };
}
