import { Chip, noise, updated } from './chip.ts';
import { bytesOf, hexOf } from './codec.ts';

export type At24Type = 'c01' | 'c02' | 'c04' | 'c08' | 'c16' | 'c32' | 'c64';

/**
 * Size and page in bytes (cards.md 1.1 has the pages as background knowledge [K]; some makers' C01
 * and C02 differ).
 */
export const AT24_SIZES: Readonly<
  Record<At24Type, { readonly size: number; readonly page: number }>
> = {
  c01: { size: 128, page: 8 },
  c02: { size: 256, page: 8 },
  c04: { size: 512, page: 16 },
  c08: { size: 1024, page: 16 },
  c16: { size: 2048, page: 16 },
  c32: { size: 4096, page: 32 },
  c64: { size: 8192, page: 32 },
};

/** Everything an AT24Cxx keeps: its bytes, in hex. */
export interface At24State {
  readonly kind: 'at24';
  readonly type: At24Type;
  readonly main: string;
}

/** A page takes as long as a byte, ms [K: 5–10]. */
const WRITE_MS = 5;

/**
 * An AT24Cxx: no code, no protection, no answer to reset. A write past the end of a page goes on at
 * the page's start; a read past the end of the chip goes on at address 0. A page is programmed at
 * once: each of its bytes counts as one change, and a cut in one of them leaves those before it new
 * and those behind it as the fault's `rest` says, so that any mix can be asked for, or noise in all
 * of the page.
 */
export class At24 extends Chip {
  readonly type: At24Type;
  readonly #main: Uint8Array;

  constructor(state: At24State) {
    super();
    this.type = state.type;
    this.#main = bytesOf(state.main);
    if (this.#main.length !== AT24_SIZES[state.type].size)
      throw new RangeError(
        `an AT24${state.type.toUpperCase()} has ${AT24_SIZES[state.type].size} bytes`,
      );
  }

  toJSON(): At24State {
    return { kind: 'at24', type: this.type, main: hexOf(this.#main) };
  }

  get size(): number {
    return this.#main.length;
  }

  peek(): Uint8Array {
    return this.#main.slice();
  }

  poke(address: number, bytes: Uint8Array): void {
    this.#main.set(bytes, address);
    this.changed();
  }

  /** @throws Torn */
  read(address: number, length: number): Uint8Array {
    return this.command(() =>
      Uint8Array.from({ length }, (_, i) => this.#main[(address + i) % this.size] as number),
    );
  }

  /**
   * One write: the bytes go into the page of `address`, wrapping in it; of more than a page the
   * last come out on top.
   *
   * @throws Torn
   */
  write(address: number, bytes: Uint8Array): void {
    this.command(() => {
      const { page } = AT24_SIZES[this.type];
      const start = (address % this.size) - (address % page);
      const loaded = new Map<number, number>();
      for (const [i, byte] of bytes.entries()) loaded.set(start + ((address + i) % page), byte);
      const cells = [...loaded].toSorted(([a], [b]) => a - b);
      this.changePage(
        'user',
        WRITE_MS,
        cells.map(([at, byte]) => {
          const old = this.#main[at] as number;
          return (left) => {
            this.#main[at] = updated(old, byte, left);
          };
        }),
        () => noise(this.#main.subarray(start, start + page)),
      );
    });
  }

  protected answerToReset(): Uint8Array {
    return new Uint8Array(0);
  }

  protected forget(): void {
    // Nothing lives without silicon.
  }
}

/** A chip as its factory delivers it: all erased. */
export function blankAt24(type: At24Type): At24State {
  return { kind: 'at24', type, main: 'FF'.repeat(AT24_SIZES[type].size) };
}
