import { Chip, cleared, updated } from './chip.ts';
import { bytesOf, hexOf } from './codec.ts';

/** Everything an SLE4428 keeps without power, as JSON. All byte strings are hex. */
export interface Sle4428State {
  readonly kind: 'sle4428';
  /**
   * 1024 bytes: the first four are the answer to reset, 1021 is the error counter, 1022 and 1023
   * the code.
   */
  readonly main: string;
  /** 128 bytes, bit 0 of the first for address 0; a 0 protects for ever. */
  readonly protection: string;
}

/**
 * The chip's own commands. They pass between reader and chip only, and are background knowledge [K
 * in cards.md]: no driver of the kiosk ever sends one.
 */
export const UPDATE_AND_PROTECT = 0x31;
export const UPDATE = 0x33;
export const PROTECT = 0x30;
export const READ_WITH_BITS = 0x0c;
export const READ = 0x0e;
export const WRITE_COUNTER = 0x32;
export const VERIFY = 0x0d;

export const COUNTER_ADDRESS = 1021;
export const CODE_ADDRESS = 1022;
const SIZE = 1024;
const STEP_MS = 2.5;
const NOTHING = new Uint8Array(0);

/**
 * An SLE4428 (or SLE5528), command by command. Like the SLE4442 it never says no, and erases before
 * each byte it writes.
 */
export class Sle4428 extends Chip {
  readonly #main: Uint8Array;
  readonly #protection: Uint8Array;
  // Lost with power:
  #verified = false;
  /**
   * The bytes of the code that compared since a bit of the counter was cleared; null: none was, or
   * one was wrong.
   */
  #compared: Set<number> | null = null;

  constructor(state: Sle4428State) {
    super();
    this.#main = bytesOf(state.main);
    this.#protection = bytesOf(state.protection);
    if (this.#main.length !== SIZE || this.#protection.length !== SIZE / 8)
      throw new RangeError('an SLE4428 has 1024 + 128 bytes');
  }

  toJSON(): Sle4428State {
    return { kind: 'sle4428', main: hexOf(this.#main), protection: hexOf(this.#protection) };
  }

  get verified(): boolean {
    return this.#verified;
  }

  /** All 1024 bytes as they are: no command, no conditions. */
  peek(): Uint8Array {
    return this.#main.slice();
  }

  poke(address: number, bytes: Uint8Array): void {
    this.#main.set(bytes, address);
    this.changed();
  }

  /**
   * One command of the chip's own protocol.
   *
   * @returns READ: memory from the address to its end; READ_WITH_BITS: the same, a byte of 0
   *   (protected) or 1 behind each; else nothing
   * @throws Torn
   */
  send(control: number, address: number, data = 0): Uint8Array {
    return this.command(() => this.#carryOut(control, address & 0x3ff, data & 0xff));
  }

  protected answerToReset(): Uint8Array {
    return this.#main.slice(0, 4);
  }

  protected forget(): void {
    this.#verified = false;
    this.#compared = null;
  }

  #carryOut(control: number, address: number, data: number): Uint8Array {
    switch (control) {
      case READ:
        return this.#visible().slice(address);
      case READ_WITH_BITS:
        return Uint8Array.from(
          [...this.#visible().subarray(address)].flatMap((byte, i) => [
            byte,
            this.#isProtected(address + i) ? 0 : 1,
          ]),
        );
      case UPDATE:
      case UPDATE_AND_PROTECT:
        this.#update(address, data);
        if (control === UPDATE_AND_PROTECT) this.#protect(address, data);
        return NOTHING;
      case PROTECT:
        this.#protect(address, data);
        return NOTHING;
      case WRITE_COUNTER:
        if (address === COUNTER_ADDRESS) this.#writeCounter(data);
        return NOTHING;
      case VERIFY:
        this.#compare(address, data);
        return NOTHING;
      default:
        return NOTHING;
    }
  }

  #visible(): Uint8Array {
    const out = this.#main.slice();
    if (!this.#verified) out.fill(0, CODE_ADDRESS);
    return out;
  }

  #isProtected(address: number): boolean {
    return ((this.#protection[address >> 3] as number) & (1 << (address & 7))) === 0;
  }

  #update(address: number, data: number): void {
    if (!this.#verified || this.#isProtected(address)) return;
    const old = this.#main[address] as number;
    this.change(address < COUNTER_ADDRESS ? 'user' : 'inner', 2 * STEP_MS, (left) => {
      this.#main[address] = updated(old, data, left);
    });
  }

  /** The counter and the code can't be protected: such a card could never be written to again. */
  #protect(address: number, data: number): void {
    if (
      !this.#verified ||
      address >= COUNTER_ADDRESS ||
      this.#main[address] !== data ||
      this.#isProtected(address)
    )
      return;
    const at = address >> 3;
    const old = this.#protection[at] as number;
    this.change('inner', STEP_MS, (left) => {
      this.#protection[at] = cleared(old, old & ~(1 << (address & 7)), left);
    });
  }

  #writeCounter(data: number): void {
    const old = this.#main[COUNTER_ADDRESS] as number;
    if ((old & ~data) === 0) return;
    this.change('inner', STEP_MS, (left) => {
      this.#main[COUNTER_ADDRESS] = cleared(old, data, left);
    });
    // A new try. Whether an earlier one still counts beside it is not confirmed; that it does not
    // is the harder case.
    this.#verified = false;
    this.#compared = new Set();
  }

  #compare(address: number, data: number): void {
    if (this.#compared === null || address < CODE_ADDRESS) return;
    if (this.#main[address] !== data) {
      this.#compared = null;
      return;
    }
    this.#compared.add(address);
    if (this.#compared.size < 2) return;
    this.#verified = true;
    this.#compared = null;
  }
}

/**
 * A chip as its factory delivers it: code FFFF; bytes 0–7 and 21–26 fixed (cards.md 1.3), all else
 * erased.
 */
export function blank4428(): Sle4428State {
  const protection = new Uint8Array(SIZE / 8).fill(0xff);
  for (const address of [0, 1, 2, 3, 4, 5, 6, 7, 21, 22, 23, 24, 25, 26])
    protection[address >> 3] = (protection[address >> 3] as number) & ~(1 << (address & 7));
  return {
    kind: 'sle4428',
    main: `92231091${'FF'.repeat(SIZE - 4)}`,
    protection: hexOf(protection),
  };
}
