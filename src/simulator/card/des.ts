/**
 * DES (FIPS 46-3), written from the standard's tables, so that a simulated card and the driver that
 * talks to it do not share one mistake.
 */
const IP = [
  58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64,
  56, 48, 40, 32, 24, 16, 8, 57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53,
  45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7,
];
const FP = IP.map((_, i) => IP.indexOf(i + 1) + 1);
const P = [
  16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13,
  30, 6, 22, 11, 4, 25,
];
const PC1 = [
  57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60,
  52, 44, 36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21,
  13, 5, 28, 20, 12, 4,
];
const PC2 = [
  14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52,
  31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];
const SHIFTS = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];
const S = [
  'e4d12fb83a6c5907 0f74e2d1a6cb9538 41e8d62bfc973a50 fc8249175b3ea06d',
  'f18e6b34972dc05a 3d47f28ec01a69b5 0e7ba4d158c6932f d8a13f42b67c05e9',
  'a09e63f51dc7b428 d709346a285ecbf1 d6498f30b12c5ae7 1ad069874fe3b52c',
  '7de3069a1285bc4f d8b56f03472c1ae9 a690cb7df13e5284 3f06a1d8945bc72e',
  '2c417ab6853fd0e9 eb2c47d150fa3986 421bad78f9c5630e b8c71e2d6f09a453',
  'c1af92680d34e75b af427c9561de0b38 9ef528c3704a1db6 432c95fabe17608d',
  '4b2ef08d3c975a61 d0b7491ae35c2f86 14bdc37eaf680592 6bd814a7950fe23c',
  'd2846fb1a93e50c7 1fd8a374c56b0e92 7b419ce206adf358 21e74a8dfc90356b',
].map((box) => box.split(' ').map((row) => [...row].map((digit) => Number.parseInt(digit, 16))));

/** Two 32-bit halves, the standard's first bit highest. */
type Halves = readonly [number, number];

/**
 * A permutation of 64 bits (or a choice of some) as sums of what each byte of the input gives:
 * `[byte's place * 256 + byte]`.
 */
class Permutation {
  readonly #high = new Int32Array(8 * 256);
  readonly #low = new Int32Array(8 * 256);

  /**
   * `table[i]` is the number of the input bit, from 1, that becomes output bit i; the output fills
   * two words of `wordBits` from the right.
   */
  constructor(table: readonly number[], wordBits: number) {
    for (const [i, from] of table.entries()) {
      const word = i < wordBits ? this.#high : this.#low;
      const bit = 1 << (wordBits - 1 - (i % wordBits));
      const place = (from - 1) >> 3;
      for (let byte = 0; byte < 256; byte++)
        if ((byte & (0x80 >> ((from - 1) & 7))) !== 0)
          word[place * 256 + byte] = (word[place * 256 + byte] as number) | bit;
    }
  }

  of(block: Uint8Array): Halves {
    let high = 0;
    let low = 0;
    for (let place = 0; place < 8; place++) {
      const at = place * 256 + (block[place] as number);
      high |= this.#high[at] as number;
      low |= this.#low[at] as number;
    }
    return [high, low];
  }
}
const initial = new Permutation(IP, 32);
const final = new Permutation(FP, 32);
const choice1 = new Permutation(PC1, 28);

/** What box and its six bits give after the permutation P: `[box * 64 + six]`. */
const SP = Int32Array.from({ length: 8 * 64 }, (_, at) => {
  const box = at >> 6;
  const row = ((at >> 4) & 2) | (at & 1);
  const four = S[box]?.[row]?.[(at >> 1) & 15] as number;
  let word = 0;
  // Output bit i of the round comes from bit P[i] of the eight boxes' 32.
  for (const [i, from] of P.entries())
    if ((from - 1) >> 2 === box && (four & (8 >> ((from - 1) & 3))) !== 0) word |= 1 << (31 - i);
  return word;
});

/** Six bits for each of 8 boxes in each of 16 rounds. */
type Subkeys = Uint8Array;

function subkeys(key: Uint8Array): Subkeys {
  const out = new Uint8Array(16 * 8);
  let [c, d] = choice1.of(key);
  for (const [r, n] of SHIFTS.entries()) {
    c = ((c << n) | (c >>> (28 - n))) & 0xfffffff;
    d = ((d << n) | (d >>> (28 - n))) & 0xfffffff;
    for (const [i, from] of PC2.entries()) {
      const bit = from <= 28 ? (c >>> (28 - from)) & 1 : (d >>> (56 - from)) & 1;
      const at = r * 8 + Math.trunc(i / 6);
      out[at] = ((out[at] as number) << 1) | bit;
    }
  }
  return out;
}

/** Keys that were used of late: a card's session uses few. */
const ready = new Map<string, Subkeys>();
const MOST_READY = 512;
function subkeysOf(key: Uint8Array): Subkeys {
  const name = String.fromCharCode(...key);
  let have = ready.get(name);
  if (have === undefined) {
    have = subkeys(key);
    if (ready.size >= MOST_READY) ready.clear();
    ready.set(name, have);
  }
  return have;
}

/** `backwards`: the rounds' keys in the opposite order, which is the inverse. */
function crypt(keys: Subkeys, block: Uint8Array, backwards: boolean): Uint8Array {
  let [left, right] = initial.of(block);
  for (let r = 0; r < 16; r++) {
    const at = (backwards ? 15 - r : r) * 8;
    let mixed = 0;
    for (let box = 0; box < 8; box++) {
      // E: each box sees its four bits and one neighbour on either side, around the ends.
      const turn = 4 * box + 5;
      const six =
        (turn >= 32
          ? (right << (turn - 32)) | (right >>> (64 - turn))
          : (right << turn) | (right >>> (32 - turn))) & 0x3f;
      mixed |= SP[box * 64 + (six ^ (keys[at + box] as number))] as number;
    }
    [left, right] = [right, left ^ mixed];
  }
  const swapped = new Uint8Array(8);
  const view = new DataView(swapped.buffer);
  view.setInt32(0, right);
  view.setInt32(4, left);
  const [high, low] = final.of(swapped);
  view.setInt32(0, high);
  view.setInt32(4, low);
  return swapped;
}

/** One 8-byte block under one 8-byte key. */
export function desBlock(key: Uint8Array, block: Uint8Array): Uint8Array {
  return crypt(subkeysOf(key), block, false);
}

/** The inverse of {@link desBlock}. */
export function desBlockInverse(key: Uint8Array, block: Uint8Array): Uint8Array {
  return crypt(subkeysOf(key), block, true);
}

/** Two-key triple DES of one block: encrypt left, decrypt right, encrypt left. */
export function tripleDesBlock(key: Uint8Array, block: Uint8Array): Uint8Array {
  const left = key.subarray(0, 8);
  return desBlock(left, desBlockInverse(key.subarray(8, 16), desBlock(left, block)));
}

/** Retail MAC (ISO/IEC 9797-1 algorithm 3, padding method 2), all 8 bytes. */
export function macOf(key: Uint8Array, start: Uint8Array, message: readonly number[]): Uint8Array {
  const padded = [...message, 0x80];
  while (padded.length % 8 !== 0) padded.push(0);
  const left = key.subarray(0, 8);
  let chain = start;
  for (let at = 0; at < padded.length; at += 8)
    chain = desBlock(
      left,
      Uint8Array.from(chain, (b, i) => b ^ (padded[at + i] as number)),
    );
  return desBlock(left, desBlockInverse(key.subarray(8, 16), chain));
}

/** A card's own 16-byte key from a master key and the last 8 bytes of its serial. */
export function cardKey(master: Uint8Array, serialTail: Uint8Array): Uint8Array {
  const key = new Uint8Array(16);
  key.set(tripleDesBlock(master, serialTail), 0);
  key.set(
    tripleDesBlock(
      master,
      Uint8Array.from(serialTail, (b) => b ^ 0xff),
    ),
    8,
  );
  return key;
}
