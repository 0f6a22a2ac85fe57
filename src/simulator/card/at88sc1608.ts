import { Chip, cleared, noise, updated } from './chip.ts';
import { bytesOf, hexOf } from './codec.ts';

/** What is not confirmed about the chip: the places in the configuration zone [K, not in cards.md]. */
export interface At88Sc1608Settings {
  /** Access registers of user zones 0–7, one byte each. */
  readonly accessAt: number;
  /**
   * Password sets 0–7, 8 bytes each: attempts counter and password for writing, then the same for
   * reading.
   */
  readonly passwordsAt: number;
  /**
   * Bits of an access register; write and read password and authentication are wanted where their
   * bit is 0.
   */
  readonly writePassword: number;
  readonly readPassword: number;
  readonly authentication: number;
  /** Lowest bit of the 3 that name the password set. */
  readonly setShift: number;
  /** 0: the zone can never be changed again. */
  readonly modify: number;
  /** 0: bits go from 1 to 0 only. */
  readonly programOnly: number;
}

export const AT88SC1608_SETTINGS: At88Sc1608Settings = {
  accessAt: 0x20,
  passwordsAt: 0x40,
  writePassword: 0x80,
  readPassword: 0x40,
  authentication: 0x20,
  setShift: 2,
  modify: 0x02,
  programOnly: 0x01,
};

/** Everything an AT88SC1608 keeps without power, as JSON. All byte strings are hex. */
export interface At88Sc1608State {
  readonly kind: 'at88sc1608';
  /** 8 zones of 256 bytes, one after the other. */
  readonly user: string;
  /** 128 bytes; the first four are the answer to reset. */
  readonly config: string;
  /** True: personalisation is over; access registers can't be changed any more. */
  readonly personalised: boolean;
}

/** Which of a set's two passwords. */
export type PasswordUse = 'write' | 'read';
const PAGE = 16;
const PAGE_MS = 10;
const COUNTER_MS = 10;
const SECURE_SET = 7;

/**
 * An AT88SC1608: eight user zones behind passwords with eight tries each, pages of 16 bytes. Its
 * authentication (the chip's own cipher) is not simulated: a zone that wants it stays shut. What
 * may not be read reads as 00; what may not be written does not change.
 */
export class At88Sc1608 extends Chip {
  readonly #settings: At88Sc1608Settings;
  readonly #user: Uint8Array;
  readonly #config: Uint8Array;
  #personalised: boolean;
  // Lost with power:
  readonly #known = new Set<string>();

  constructor(state: At88Sc1608State, settings: At88Sc1608Settings = AT88SC1608_SETTINGS) {
    super();
    this.#settings = settings;
    this.#user = bytesOf(state.user);
    this.#config = bytesOf(state.config);
    this.#personalised = state.personalised;
    if (this.#user.length !== 2048 || this.#config.length !== 128)
      throw new RangeError('an AT88SC1608 has 2048 + 128 bytes');
  }

  toJSON(): At88Sc1608State {
    return {
      kind: 'at88sc1608',
      user: hexOf(this.#user),
      config: hexOf(this.#config),
      personalised: this.#personalised,
    };
  }

  /** A user zone as it is: no command, no conditions. */
  peek(zone: number): Uint8Array {
    return this.#user.slice(zone * 256, zone * 256 + 256);
  }

  poke(zone: number, address: number, bytes: Uint8Array): void {
    this.#user.set(bytes, zone * 256 + address);
    this.changed();
  }

  /** The configuration zone as it is. */
  peekConfig(): Uint8Array {
    return this.#config.slice();
  }

  pokeConfig(address: number, bytes: Uint8Array): void {
    this.#config.set(bytes, address);
    this.changed();
  }

  /**
   * Reads within one zone, rolling over at its end.
   *
   * @throws Torn
   */
  readUser(zone: number, address: number, length: number): Uint8Array {
    return this.command(() =>
      Uint8Array.from({ length }, (_, i) =>
        this.#mayRead(zone) ? (this.#user[zone * 256 + ((address + i) & 0xff)] as number) : 0,
      ),
    );
  }

  /**
   * Writes into the page of `address`, wrapping in it.
   *
   * @throws Torn
   */
  writeUser(zone: number, address: number, bytes: Uint8Array): void {
    this.command(() => {
      const register = this.#register(zone);
      if (!this.#mayWrite(zone)) return;
      const onlyClears = (register & this.#settings.programOnly) === 0;
      this.#writePage(this.#user, zone * 256 + (address & 0xff), bytes, 'user', onlyClears);
    });
  }

  /** @throws Torn */
  readConfig(address: number, length: number): Uint8Array {
    return this.command(() =>
      Uint8Array.from({ length }, (_, i) => {
        const at = (address + i) & 0x7f;
        return this.#mayReadConfig(at) ? (this.#config[at] as number) : 0;
      }),
    );
  }

  /**
   * Attempts counters are the chip's own. Passwords need their set's write password or the secure
   * code, all else the secure code before personalisation is over.
   *
   * @throws Torn
   */
  writeConfig(address: number, bytes: Uint8Array): void {
    this.command(() => {
      if (!bytes.some((_, i) => !this.#mayWriteConfig((address + i) & 0x7f)))
        this.#writePage(this.#config, address & 0x7f, bytes, 'inner', false);
    });
  }

  /**
   * Presents a password; true when it was right. A try is spent before it compares and given back
   * after.
   *
   * @throws Torn
   */
  verify(set: number, use: PasswordUse, password: Uint8Array): boolean {
    return this.command(() => {
      const at = this.#passwordAt(set, use);
      const tries = this.#config[at] as number;
      if (tries === 0) return false;
      this.change('inner', COUNTER_MS, (left) => {
        this.#config[at] = cleared(tries, tries & (tries - 1), left);
      });
      const isRight = hexOf(password) === hexOf(this.#config.subarray(at + 1, at + 4));
      if (!isRight) {
        this.#known.delete(`${set} ${use}`);
        return false;
      }
      const spent = this.#config[at] as number;
      this.change('inner', COUNTER_MS, (left) => {
        this.#config[at] = updated(spent, 0xff, left);
      });
      this.#known.add(`${set} ${use}`);
      return true;
    });
  }

  /**
   * The attempts counter of a password: FF whole, 00 locked.
   *
   * @throws Torn
   */
  tries(set: number, use: PasswordUse): number {
    return this.readConfig(this.#passwordAt(set, use), 1)[0] as number;
  }

  /**
   * Ends personalisation for ever (fuses); needs the secure code.
   *
   * @throws Torn
   */
  personalise(): void {
    this.command(() => {
      if (this.#personalised || !this.#knows(SECURE_SET, 'write')) return;
      this.change('inner', PAGE_MS, (left) => {
        this.#personalised = left === 'new' || left === 'partial';
      });
    });
  }

  protected answerToReset(): Uint8Array {
    return this.#config.slice(0, 4);
  }

  protected forget(): void {
    this.#known.clear();
  }

  #passwordAt(set: number, use: PasswordUse): number {
    return this.#settings.passwordsAt + 8 * (set & 7) + (use === 'write' ? 0 : 4);
  }

  #knows(set: number, use: PasswordUse): boolean {
    return this.#known.has(`${set} ${use}`);
  }

  #register(zone: number): number {
    return this.#config[this.#settings.accessAt + zone] as number;
  }

  #mayRead(zone: number): boolean {
    const register = this.#register(zone);
    const set = (register >> this.#settings.setShift) & 7;
    if ((register & this.#settings.authentication) === 0) return false;
    return (
      (register & this.#settings.readPassword) !== 0 ||
      this.#knows(set, 'read') ||
      this.#knows(set, 'write')
    );
  }

  #mayWrite(zone: number): boolean {
    const register = this.#register(zone);
    const set = (register >> this.#settings.setShift) & 7;
    if (
      (register & this.#settings.authentication) === 0 ||
      (register & this.#settings.modify) === 0
    )
      return false;
    return (register & this.#settings.writePassword) !== 0 || this.#knows(set, 'write');
  }

  /**
   * The password set at an address of the configuration zone, and whether it is a counter; null:
   * none.
   */
  #setAt(at: number): { readonly set: number; readonly isCounter: boolean } | null {
    const offset = at - this.#settings.passwordsAt;
    return offset < 0 || offset >= 64 ? null : { set: offset >> 3, isCounter: (offset & 3) === 0 };
  }

  #mayReadConfig(at: number): boolean {
    const found = this.#setAt(at);
    return (
      found === null ||
      found.isCounter ||
      this.#knows(found.set, 'write') ||
      this.#knows(SECURE_SET, 'write')
    );
  }

  #mayWriteConfig(at: number): boolean {
    const found = this.#setAt(at);
    if (found === null) return !this.#personalised && this.#knows(SECURE_SET, 'write');
    return (
      !found.isCounter &&
      (this.#knows(found.set, 'write') || (!this.#personalised && this.#knows(SECURE_SET, 'write')))
    );
  }

  #writePage(
    memory: Uint8Array,
    address: number,
    bytes: Uint8Array,
    kind: 'user' | 'inner',
    onlyClears: boolean,
  ): void {
    const start = address - (address % PAGE);
    const loaded = new Map<number, number>();
    for (const [i, byte] of bytes.entries()) loaded.set(start + ((address + i) % PAGE), byte);
    const cells = [...loaded].toSorted(([a], [b]) => a - b);
    this.changePage(
      kind,
      PAGE_MS,
      cells.map(([at, byte]) => {
        const old = memory[at] as number;
        return (left) => {
          memory[at] = onlyClears ? cleared(old, byte, left) : updated(old, byte, left);
        };
      }),
      () => noise(memory.subarray(start, start + PAGE)),
    );
  }
}

/** A chip as its factory delivers it: open zones, all passwords FFFFFF but the secure code. */
export function blank1608(
  secureCode: string,
  settings: At88Sc1608Settings = AT88SC1608_SETTINGS,
): At88Sc1608State {
  const config = new Uint8Array(128).fill(0xff);
  config.set(bytesOf('2CAA55A0'));
  config.set(bytesOf(secureCode), settings.passwordsAt + 8 * SECURE_SET + 1);
  return {
    kind: 'at88sc1608',
    user: 'FF'.repeat(2048),
    config: hexOf(config),
    personalised: false,
  };
}
