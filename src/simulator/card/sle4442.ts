import { Chip, cleared, erased, updated } from './chip.ts';
import { bytesOf, hexOf } from './codec.ts';

/** Everything an SLE4442 keeps without power, as JSON. All byte strings are hex. */
export interface Sle4442State {
  readonly kind: 'sle4442';
  /** 256 bytes; the first four are the answer to reset. */
  readonly main: string;
  /** 4 bytes, bit 0 of the first for address 0; a 0 protects for ever. */
  readonly protection: string;
  /** Error counter (bits 0–2), then the code (PSC), 3 bytes. */
  readonly security: string;
}

/** The chip's own commands (cards.md 1.2). */
export const READ_MAIN = 0x30;
export const READ_SECURITY = 0x31;
export const COMPARE = 0x33;
export const READ_PROTECTION = 0x34;
export const UPDATE_MAIN = 0x38;
export const UPDATE_SECURITY = 0x39;
export const WRITE_PROTECTION = 0x3c;

/** Erase and write take as long each (cards.md 1.1). */
const STEP_MS = 2.5;
const FULL_COUNTER = 0x07;
const NOTHING = new Uint8Array(0);

/**
 * An SLE4442 (or SLE5542), command by command. It never says no: a command that it may not carry
 * out changes nothing, and only reading back tells. A byte update always erases and then writes,
 * also where a clever chip would need one of the two only: that is the harder case for whoever
 * writes to it.
 */
export class Sle4442 extends Chip {
  readonly #main: Uint8Array;
  readonly #protection: Uint8Array;
  readonly #security: Uint8Array;
  // Lost with power:
  #verified = false;
  /**
   * The bytes of the code that compared since a bit of the counter was cleared; null: none was, or
   * one was wrong.
   */
  #compared: Set<number> | null = null;

  constructor(state: Sle4442State) {
    super();
    this.#main = bytesOf(state.main);
    this.#protection = bytesOf(state.protection);
    this.#security = bytesOf(state.security);
    if (this.#main.length !== 256 || this.#protection.length !== 4 || this.#security.length !== 4)
      throw new RangeError('an SLE4442 has 256 + 4 + 4 bytes');
  }

  toJSON(): Sle4442State {
    return {
      kind: 'sle4442',
      main: hexOf(this.#main),
      protection: hexOf(this.#protection),
      security: hexOf(this.#security),
    };
  }

  /** True while the code counts as presented. */
  get verified(): boolean {
    return this.#verified;
  }

  /** The main memory as it is, for tests and the dock: no command, no conditions. */
  peek(): Uint8Array {
    return this.#main.slice();
  }

  /** Changes the main memory from outside: a spoilt or forged card. */
  poke(address: number, bytes: Uint8Array): void {
    this.#main.set(bytes, address);
    this.changed();
  }

  /**
   * One command of the chip's own protocol: control byte, address, data.
   *
   * @returns what the chip puts out: main memory from the address to its end, the 4 bytes of the
   *   other two, or nothing
   * @throws Torn
   */
  send(control: number, address: number, data = 0): Uint8Array {
    return this.command(() => this.#carryOut(control, address & 0xff, data & 0xff));
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
      case READ_MAIN:
        return this.#main.slice(address);
      case READ_PROTECTION:
        return this.#protection.slice();
      case READ_SECURITY:
        return Uint8Array.of(
          this.#counter(),
          ...(this.#verified ? this.#security.subarray(1) : [0, 0, 0]),
        );
      case COMPARE:
        this.#compare(address, data);
        return NOTHING;
      case UPDATE_MAIN:
        if (this.#verified && !this.#isProtected(address))
          this.#update('user', this.#main, address, data);
        return NOTHING;
      case UPDATE_SECURITY:
        if ((address & 3) === 0) this.#updateCounter(data & FULL_COUNTER);
        else if (this.#verified) this.#update('inner', this.#security, address & 3, data);
        return NOTHING;
      case WRITE_PROTECTION:
        this.#protect(address, data);
        return NOTHING;
      default:
        return NOTHING;
    }
  }

  #counter(): number {
    return (this.#security[0] as number) & FULL_COUNTER;
  }

  #isProtected(address: number): boolean {
    return (
      address < 32 && ((this.#protection[address >> 3] as number) & (1 << (address & 7))) === 0
    );
  }

  #update(kind: 'user' | 'inner', memory: Uint8Array, address: number, data: number): void {
    const old = memory[address] as number;
    this.change(kind, 2 * STEP_MS, (left) => {
      memory[address] = updated(old, data, left);
    });
  }

  /** Anybody may clear bits; only who knows the code may erase, which is how knowing it shows. */
  #updateCounter(data: number): void {
    const old = this.#counter();
    if (this.#verified && (data & ~old) !== 0) {
      this.change('inner', STEP_MS, (left) => {
        this.#security[0] = erased(old, FULL_COUNTER, left);
      });
    }
    const now = this.#counter();
    if ((now & ~data) === 0) return;
    this.change('inner', STEP_MS, (left) => {
      this.#security[0] = cleared(now, data, left);
    });
    // A new try. Whether an earlier one still counts beside it is not confirmed; that it does not
    // is the harder case.
    this.#verified = false;
    this.#compared = new Set();
  }

  #compare(address: number, data: number): void {
    const at = address & 3;
    if (this.#compared === null || at === 0) return;
    if (this.#security[at] !== data) {
      this.#compared = null;
      return;
    }
    this.#compared.add(at);
    if (this.#compared.size < 3) return;
    this.#verified = true;
    this.#compared = null;
  }

  /** The bit is written only where the byte is as told. */
  #protect(address: number, data: number): void {
    if (
      !this.#verified ||
      address >= 32 ||
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
}

/**
 * A chip as its factory delivers it: code FFFFFF, the answer to reset protected, all else erased.
 * Which of the first 32 bytes a factory protects beyond those four is not confirmed.
 */
export function blank4442(): Sle4442State {
  return {
    kind: 'sle4442',
    main: `A2131091${'FF'.repeat(252)}`,
    protection: 'F0FFFFFF',
    security: '07FFFFFF',
  };
}
