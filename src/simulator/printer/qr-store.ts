/** Bytes that a symbol of versions 1 to 20 holds at level L, M, Q, H (ISO/IEC 18004, table 7). */
const BYTES: Readonly<Record<string, readonly number[]>> = {
  L: [
    17, 32, 53, 78, 106, 134, 154, 192, 230, 271, 321, 367, 425, 458, 520, 586, 644, 718, 792, 858,
  ],
  M: [
    14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412, 450, 504, 560, 624, 666,
  ],
  Q: [11, 20, 32, 46, 60, 74, 86, 108, 130, 151, 177, 203, 241, 258, 292, 322, 364, 394, 442, 482],
  H: [7, 14, 24, 34, 44, 58, 64, 84, 98, 119, 137, 155, 177, 194, 220, 250, 280, 310, 338, 382],
};
/** `n` of function 169: 48 to 51. */
const LEVELS = ['L', 'M', 'Q', 'H'];

/** A symbol that is to be printed. */
export interface PrintedSymbol {
  readonly text: string;
  /** Without its quiet zone, which a printer does not make. */
  readonly widthDots: number;
}

/**
 * The two-dimensional code's part of a printer (Epson, GS ( k with cn = 49): what was set and
 * stored, until it is printed.
 */
export class QrStore {
  #module = 3;
  #level = 'L';
  #data: Buffer | null = null;

  /**
   * One function with its parameters, from `cn` on.
   *
   * @returns what it prints; null: nothing; `unknown`: no printer has this function or value
   */
  take(data: Buffer): PrintedSymbol | null | 'unknown' {
    const [cn, fn, n = -1, n2] = data;
    if (cn !== 49) return 'unknown';
    if (fn === 65)
      return data.length === 4 && (n === 49 || n === 50) && n2 === 0 ? null : 'unknown';
    if (fn === 67 && data.length === 3 && n >= 1 && n <= 16) {
      this.#module = n;
      return null;
    }
    const level = LEVELS[n - 48];
    if (fn === 69 && data.length === 3 && level !== undefined) {
      this.#level = level;
      return null;
    }
    if (fn === 80 && n === 48 && data.length > 3) {
      this.#data = Buffer.from(data.subarray(3));
      return null;
    }
    return fn === 81 && n === 48 && data.length === 3 ? this.#print() : 'unknown';
  }

  #print(): PrintedSymbol | 'unknown' {
    const held = this.#data;
    if (held === null) return 'unknown';
    const version = (BYTES[this.#level] ?? []).findIndex((most) => held.length <= most) + 1;
    if (version === 0) return 'unknown';
    return { text: held.toString('utf8'), widthDots: (17 + 4 * version) * this.#module };
  }
}
