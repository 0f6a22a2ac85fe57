/**
 * DES (FIPS 46-3), written from the standard's tables, so that a simulated card and the driver that talks to it do
 * not share one mistake.
 */
type Bits = number[];

const IP = [58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32, 24, 16, 8, 57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7];
const FP = IP.map((_, i) => IP.indexOf(i + 1) + 1);
const E = Array.from({ length: 8 }, (_, g) => Array.from({ length: 6 }, (__, i) => ((4 * g + i + 31) % 32) + 1)).flat();
const P = [16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25];
const PC1 = [57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4];
const PC2 = [14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32];
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

function toBits(bytes: Uint8Array): Bits {
  return [...bytes].flatMap((b) => [7, 6, 5, 4, 3, 2, 1, 0].map((i) => (b >> i) & 1));
}

function toBytes(bits: Bits): Uint8Array {
  const out = new Uint8Array(bits.length / 8);
  bits.forEach((bit, i) => {
    out[i >> 3] = ((out[i >> 3] as number) << 1) | bit;
  });
  return out;
}

function permute(bits: Bits, table: readonly number[]): Bits {
  return table.map((from) => bits[from - 1] as number);
}

function xor(a: Bits, b: Bits): Bits {
  return a.map((bit, i) => bit ^ (b[i] as number));
}

function subkeys(key: Uint8Array): Bits[] {
  let cd = permute(toBits(key), PC1);
  return SHIFTS.map((n) => {
    const rotate = (half: Bits): Bits => [...half.slice(n), ...half.slice(0, n)];
    cd = [...rotate(cd.slice(0, 28)), ...rotate(cd.slice(28))];
    return permute(cd, PC2);
  });
}

function round(right: Bits, subkey: Bits): Bits {
  const mixed = xor(permute(right, E), subkey);
  const out: Bits = [];
  for (let box = 0; box < 8; box++) {
    const six = mixed.slice(6 * box, 6 * box + 6) as [number, number, number, number, number, number];
    const row = 2 * six[0] + six[5];
    const column = 8 * six[1] + 4 * six[2] + 2 * six[3] + six[4];
    const four = S[box]?.[row]?.[column] as number;
    out.push((four >> 3) & 1, (four >> 2) & 1, (four >> 1) & 1, four & 1);
  }
  return permute(out, P);
}

function crypt(keys: readonly Bits[], block: Uint8Array): Uint8Array {
  const bits = permute(toBits(block), IP);
  let left = bits.slice(0, 32);
  let right = bits.slice(32);
  for (const key of keys) [left, right] = [right, xor(left, round(right, key))];
  return toBytes(permute([...right, ...left], FP));
}

/** One 8-byte block under one 8-byte key. */
export function desBlock(key: Uint8Array, block: Uint8Array): Uint8Array {
  return crypt(subkeys(key), block);
}

/** The inverse of {@link desBlock}. */
export function desBlockInverse(key: Uint8Array, block: Uint8Array): Uint8Array {
  return crypt(subkeys(key).toReversed(), block);
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
  for (let at = 0; at < padded.length; at += 8) chain = desBlock(left, Uint8Array.from(chain, (b, i) => b ^ (padded[at + i] as number)));
  return desBlock(left, desBlockInverse(key.subarray(8, 16), chain));
}

/** A card's own 16-byte key from a master key and the last 8 bytes of its serial. */
export function cardKey(master: Uint8Array, serialTail: Uint8Array): Uint8Array {
  const key = new Uint8Array(16);
  key.set(tripleDesBlock(master, serialTail), 0);
  key.set(tripleDesBlock(master, Uint8Array.from(serialTail, (b) => b ^ 0xff)), 8);
  return key;
}
