import { Chip } from './chip.ts';
import { bytesOf, hexOf } from './codec.ts';

/**
 * Everything a Mifare Classic 1K keeps without power: 64 blocks of 16 bytes, in hex; the first
 * block begins with the UID.
 */
export interface MifareClassicState {
  readonly kind: 'mifare-classic';
  readonly blocks: string;
}

export type MifareKey = 'A' | 'B';
type Operation = 'read' | 'write' | 'increment' | 'decrement';
/** Which keys may. */
type Keys = '' | 'A' | 'B' | 'AB';

/** Data blocks by C1 C2 C3 [K]: read, write, increment, decrement (with transfer and restore). */
const DATA_ACCESS: readonly Readonly<Record<Operation, Keys>>[] = [
  { read: 'AB', write: 'AB', increment: 'AB', decrement: 'AB' },
  { read: 'AB', write: '', increment: '', decrement: 'AB' },
  { read: 'AB', write: '', increment: '', decrement: '' },
  { read: 'B', write: 'B', increment: '', decrement: '' },
  { read: 'AB', write: 'B', increment: '', decrement: '' },
  { read: 'B', write: '', increment: '', decrement: '' },
  { read: 'AB', write: 'B', increment: 'B', decrement: 'AB' },
  { read: '', write: '', increment: '', decrement: '' },
];

/**
 * Trailers by C1 C2 C3 [K]: who writes key A, reads and writes the access bits, reads and writes
 * key B. Key A is never read.
 */
const TRAILER_ACCESS: readonly {
  readonly keyA: Keys;
  readonly readBits: Keys;
  readonly bits: Keys;
  readonly readB: Keys;
  readonly keyB: Keys;
}[] = [
  { keyA: 'A', readBits: 'A', bits: '', readB: 'A', keyB: 'A' },
  { keyA: 'A', readBits: 'A', bits: 'A', readB: 'A', keyB: 'A' },
  { keyA: '', readBits: 'A', bits: '', readB: 'A', keyB: '' },
  { keyA: 'B', readBits: 'AB', bits: 'B', readB: '', keyB: 'B' },
  { keyA: 'B', readBits: 'AB', bits: '', readB: '', keyB: 'B' },
  { keyA: '', readBits: 'AB', bits: 'B', readB: '', keyB: '' },
  { keyA: '', readBits: 'AB', bits: '', readB: '', keyB: '' },
  { keyA: '', readBits: 'AB', bits: '', readB: '', keyB: '' },
];

const BLOCK = 16;
/** Erasing and writing one block, ms [K]. */
const BLOCK_MS = 6;
const INT_MIN = -0x8000_0000;
const INT_MAX = 0x7fff_ffff;

/** What a transfer writes. */
interface Register {
  readonly sector: number;
  readonly value: number;
  readonly address: number;
}

/**
 * A block that holds a value: v, ~v, v (4 bytes each, lowest first), then the address byte, ~,
 * itself, ~.
 */
export function valueBlock(value: number, address: number): Uint8Array {
  const out = new Uint8Array(BLOCK);
  const view = new DataView(out.buffer);
  view.setInt32(0, value, true);
  view.setInt32(4, ~value, true);
  view.setInt32(8, value, true);
  out.set([address, ~address & 0xff, address, ~address & 0xff], 12);
  return out;
}

/** The value of a block; null where its format does not hold. */
export function valueOf(
  block: Uint8Array,
): { readonly value: number; readonly address: number } | null {
  const value = new DataView(block.buffer, block.byteOffset, BLOCK).getInt32(0, true);
  const address = block[12] as number;
  return hexOf(block) === hexOf(valueBlock(value, address)) ? { value, address } : null;
}

/**
 * C1 C2 C3 (4 = C1) for a sector's blocks 0–3 from the access bytes; null where the inverted bits
 * do not agree.
 */
function conditions(trailer: Uint8Array): readonly number[] | null {
  const [b6, b7, b8] = [trailer[6], trailer[7], trailer[8]] as [number, number, number];
  const [c1, c2, c3] = [b7 >> 4, b8 & 0x0f, b8 >> 4];
  const [n1, n2, n3] = [b6 & 0x0f, b6 >> 4, b7 & 0x0f];
  if ((c1 ^ n1) !== 0x0f || (c2 ^ n2) !== 0x0f || (c3 ^ n3) !== 0x0f) return null;
  return [0, 1, 2, 3].map((i) => (((c1 >> i) & 1) << 2) | (((c2 >> i) & 1) << 1) | ((c3 >> i) & 1));
}

/** Three access bytes from C1 C2 C3 of a sector's blocks 0–3, in hex: for whoever issues cards. */
export function accessHex(blocks: readonly [number, number, number, number]): string {
  const column = (bit: number): number =>
    blocks.reduce((sum, c, i) => sum | (((c >> bit) & 1) << i), 0);
  const [c1, c2, c3] = [column(2), column(1), column(0)];
  const inverted = (c: number): number => ~c & 0x0f;
  return hexOf(
    Uint8Array.of((inverted(c2) << 4) | inverted(c1), (c1 << 4) | inverted(c3), (c3 << 4) | c2),
  );
}

/**
 * A Mifare Classic 1K as its reader sees it through the radio (the cipher itself is the reader's
 * affair and not simulated). Authentication is for one sector and lost with every failure. There is
 * no counter of wrong keys. A sector whose access bits do not agree with their inverses is shut for
 * ever. A block is written whole: a cut leaves it old, erased, half written (its first 8 bytes) or
 * new.
 */
export class MifareClassic extends Chip {
  readonly #blocks: Uint8Array;
  // Lost with the field:
  #open: { readonly sector: number; readonly key: MifareKey } | null = null;
  #register: Register | null = null;

  constructor(state: MifareClassicState) {
    super();
    this.#blocks = bytesOf(state.blocks);
    if (this.#blocks.length !== 64 * BLOCK)
      throw new RangeError('a Mifare Classic 1K has 64 blocks');
  }

  toJSON(): MifareClassicState {
    return { kind: 'mifare-classic', blocks: hexOf(this.#blocks) };
  }

  get uid(): Uint8Array {
    return this.#blocks.slice(0, 4);
  }

  /** A block as it is: no command, no conditions. */
  peek(block: number): Uint8Array {
    return this.#blocks.slice(block * BLOCK, (block + 1) * BLOCK);
  }

  poke(block: number, bytes: Uint8Array): void {
    this.#blocks.set(bytes, block * BLOCK);
    this.changed();
  }

  /**
   * Opens a block's sector; false: wrong key, or no such block.
   *
   * @throws Torn
   */
  authenticate(block: number, key: MifareKey, value: Uint8Array): boolean {
    return this.command(() => {
      this.#lose();
      if (block < 0 || block > 63) return false;
      const sector = block >> 2;
      const trailer = this.peek(sector * 4 + 3);
      const wanted = key === 'A' ? trailer.subarray(0, 6) : trailer.subarray(10);
      if (hexOf(value) !== hexOf(wanted)) return false;
      this.#open = { sector, key };
      return true;
    });
  }

  /**
   * The block as it may be read: key A as zeros, and of a trailer only what may be; null: refused.
   *
   * @throws Torn
   */
  read(block: number): Uint8Array | null {
    return this.command(() => {
      if ((block & 3) !== 3) return this.#may(block, 'read') ? this.peek(block) : this.#refuse();
      const access = this.#trailerAccess(block);
      if (access === null) return this.#refuse();
      const trailer = this.peek(block);
      trailer.fill(0, 0, 6);
      if (!this.#holds(access.readBits)) trailer.fill(0, 6, 10);
      if (!this.#holds(access.readB)) trailer.fill(0, 10);
      return trailer;
    });
  }

  /**
   * False: refused. Of a trailer, the parts that may not be written stay as they are [K].
   *
   * @throws Torn
   */
  write(block: number, data: Uint8Array): boolean {
    return this.command(() => {
      if (data.length !== BLOCK || block === 0) return this.#deny();
      if ((block & 3) !== 3) {
        if (!this.#may(block, 'write')) return this.#deny();
        this.#store(block, data);
        return true;
      }
      const access = this.#trailerAccess(block);
      if (access === null) return this.#deny();
      const parts = [
        [access.keyA, 0, 6],
        [access.bits, 6, 10],
        [access.keyB, 10, 16],
      ] as const;
      if (!parts.some(([keys]) => this.#holds(keys))) return this.#deny();
      const next = this.peek(block);
      for (const [keys, from, to] of parts)
        if (this.#holds(keys)) next.set(data.subarray(from, to), from);
      this.#store(block, next);
      return true;
    });
  }

  /**
   * The value of a block plus or minus an amount into the register, to be written by `transfer`.
   * False: refused (no right, no value block, past 32 bits).
   *
   * @throws Torn
   */
  add(block: number, operation: 'increment' | 'decrement', amount: number): boolean {
    return this.command(() => {
      const found = this.#valueAt(block, operation);
      const value = (found?.value ?? 0) + (operation === 'increment' ? amount : -amount);
      if (found === null || amount < 0 || value < INT_MIN || value > INT_MAX) return this.#deny();
      this.#register = { sector: block >> 2, value, address: found.address };
      return true;
    });
  }

  /**
   * The value of a block into the register. False: refused.
   *
   * @throws Torn
   */
  restore(block: number): boolean {
    return this.command(() => {
      const found = this.#valueAt(block, 'decrement');
      if (found === null) return this.#deny();
      this.#register = { sector: block >> 2, ...found };
      return true;
    });
  }

  /**
   * The register into a block of the same sector. False: refused.
   *
   * @throws Torn
   */
  transfer(block: number): boolean {
    return this.command(() => {
      const register = this.#register;
      if (register === null || register.sector !== block >> 2 || !this.#may(block, 'decrement'))
        return this.#deny();
      this.#store(block, valueBlock(register.value, register.address));
      return true;
    });
  }

  protected answerToReset(): Uint8Array {
    return new Uint8Array(0);
  }

  protected forget(): void {
    this.#lose();
  }

  #lose(): void {
    this.#open = null;
    this.#register = null;
  }

  #refuse(): null {
    this.#lose();
    return null;
  }

  #deny(): false {
    this.#lose();
    return false;
  }

  #holds(keys: Keys): boolean {
    return this.#open !== null && keys.includes(this.#open.key);
  }

  /** C1 C2 C3 of a block whose sector is open with a key that counts; null: none. */
  #condition(block: number): number | null {
    if (this.#open === null || this.#open.sector !== block >> 2) return null;
    const all = conditions(this.peek(block | 3));
    if (all === null) return null;
    // A key B that can be read is data, not a key.
    if (this.#open.key === 'B' && TRAILER_ACCESS[all[3] as number]?.readB !== '') return null;
    return all[block & 3] as number;
  }

  #may(block: number, operation: Operation): boolean {
    if ((block & 3) === 3 || (block === 0 && operation !== 'read')) return false;
    const condition = this.#condition(block);
    return (
      condition !== null &&
      this.#holds((DATA_ACCESS[condition] as (typeof DATA_ACCESS)[number])[operation])
    );
  }

  #trailerAccess(block: number): (typeof TRAILER_ACCESS)[number] | null {
    const condition = this.#condition(block);
    return condition === null ? null : (TRAILER_ACCESS[condition] ?? null);
  }

  #valueAt(
    block: number,
    operation: Operation,
  ): { readonly value: number; readonly address: number } | null {
    return this.#may(block, operation) ? valueOf(this.peek(block)) : null;
  }

  #store(block: number, next: Uint8Array): void {
    const old = this.peek(block);
    const data = next.slice();
    this.change('user', BLOCK_MS, (left) => {
      const half = Uint8Array.from(data, (byte, i) => (i < 8 ? byte : 0xff));
      const result = { old, ff: new Uint8Array(BLOCK).fill(0xff), partial: half, new: data }[left];
      this.#blocks.set(result, block * BLOCK);
    });
  }
}

/** A card as its factory delivers it: all keys FFFFFFFFFFFF, access FF0780 69, data zeros. */
export function blankMifare(uid: string): MifareClassicState {
  const bytes = bytesOf(uid);
  const check = bytes.reduce((sum, byte) => sum ^ byte, 0);
  const first = `${hexOf(bytes)}${hexOf(Uint8Array.of(check))}0804006263646566676869`;
  const trailer = `${'FF'.repeat(6)}FF078069${'FF'.repeat(6)}`;
  const data = '00'.repeat(BLOCK);
  return {
    kind: 'mifare-classic',
    blocks: first + data + data + trailer + (data + data + data + trailer).repeat(15),
  };
}
