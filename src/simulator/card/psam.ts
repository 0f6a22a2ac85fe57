import { bytesOf, hexOf } from './codec.ts';
import type { CardOutcome } from './cpu-card.ts';
import { cardKey, desBlock, desBlockInverse, tripleDesBlock } from './des.ts';

/**
 * A key of the PSAM's application, in hex. `usage`: low 5 bits the type, high 3 bits how often it
 * is diversified.
 */
export interface PsamKeyState {
  readonly usage: number;
  readonly id: number;
  readonly key: string;
}
export interface PsamState {
  /** File id of its one application. */
  readonly application: string;
  readonly keys: readonly PsamKeyState[];
  /**
   * P1 by which CIPHER DATA gives all 8 bytes of a MAC; absent: it gives 4 at most, as the
   * published command sets do.
   */
  readonly wholeMac?: number;
}

/** layouts.md, sample keys, where the reference profile looks for them (src/card/keys/psam.ts). */
export const SAMPLE_PSAM: PsamState = {
  application: 'DF01',
  keys: [
    { usage: 0x28, id: 0x01, key: '0F1E2D3C4B5A69788796A5B4C3D2E1F0' },
    { usage: 0x28, id: 0x02, key: '1032547698BADCFE0123456789ABCDEF' },
    { usage: 0x28, id: 0x03, key: '11223344556677888877665544332211' },
    { usage: 0x08, id: 0x01, key: '00112233445566778899AABBCCDDEEFF' },
  ],
};

/** T=0, as the meter cards'. */
const ATR = '3B6500009C02025053';
/** Type of a key that both encrypts and makes MACs. */
const TYPE_BOTH = 0x08;

class Refusal {
  readonly sw: number;
  constructor(sw: number) {
    this.sw = sw;
  }
}

/**
 * A PSAM, byte by byte: keys by usage and id, a register for the diversified one, encryption and
 * MAC with it. No command reads a key.
 */
export class Psam {
  readonly atr: Uint8Array = bytesOf(ATR);
  readonly transcript: string[] = [];
  readonly #state: PsamState;
  /** Answers from now on; less than 0: without end. */
  #left = -1;
  // Lost with power:
  #selected = false;
  #register: { readonly key: Uint8Array; readonly usage: number } | null = null;
  #waiting: Uint8Array | null = null;

  constructor(state: PsamState = SAMPLE_PSAM) {
    this.#state = state;
  }

  /** It answers so many commands more, then falls mute for good. */
  dieAfter(commands: number): void {
    this.#left = commands;
  }
  revive(): void {
    this.#left = -1;
  }

  insert(): void {
    this.powerOff();
  }
  remove(): void {
    this.powerOff();
  }
  reset(): Uint8Array | null {
    this.powerOff();
    return this.answerToReset();
  }
  answerToReset(): Uint8Array | null {
    return this.#left === 0 ? null : this.atr;
  }
  powerOff(): void {
    this.#selected = false;
    this.#register = null;
    this.#waiting = null;
  }

  process(apdu: Uint8Array): CardOutcome {
    if (this.#left === 0) return { kind: 'silent' };
    if (this.#left > 0) this.#left--;
    this.transcript.push(`=> ${hexOf(apdu)}`);
    let answer: Uint8Array;
    try {
      answer = Uint8Array.of(...this.#run(apdu), 0x90, 0x00);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      answer = Uint8Array.of(refusal.sw >> 8, refusal.sw & 0xff);
    }
    this.transcript.push(`<= ${hexOf(answer)}`);
    return { kind: 'answer', bytes: answer };
  }

  #run(apdu: Uint8Array): Uint8Array {
    const [cla, ins, p1, p2, lc] = apdu as unknown as [
      number,
      number,
      number,
      number,
      number | undefined,
    ];
    const waiting = this.#waiting;
    this.#waiting = null;
    if (cla === 0x00 && ins === 0xc0) {
      if (waiting === null) throw new Refusal(0x6985);
      if (lc !== waiting.length) throw new Refusal(0x6c00 | waiting.length);
      return waiting;
    }
    if (lc === undefined || apdu.length !== 5 + lc) throw new Refusal(0x6700);
    const data = apdu.slice(5);
    switch (hexOf(Uint8Array.of(cla, ins))) {
      case '00A4':
        if (p1 !== 0 || p2 !== 0) throw new Refusal(0x6a86);
        this.powerOff();
        if (hexOf(data) !== this.#state.application) throw new Refusal(0x6a82);
        this.#selected = true;
        return new Uint8Array(0);
      case '801A':
        return this.#deliver(p1, p2, data);
      case '80FA':
        this.#waiting = this.#cipher(p1, p2, data);
        throw new Refusal(0x6100 | this.#waiting.length);
      default:
        throw new Refusal(cla === 0x00 || cla === 0x80 ? 0x6d00 : 0x6e00);
    }
  }

  #deliver(usage: number, id: number, factor: Uint8Array): Uint8Array {
    this.#register = null;
    if (!this.#selected) throw new Refusal(0x6985);
    const found = this.#state.keys.find((k) => k.usage === usage && k.id === id);
    if (found === undefined) throw new Refusal(0x9403);
    if (factor.length !== 8 * (usage >> 5)) throw new Refusal(0x6700);
    let key = bytesOf(found.key);
    for (let at = 0; at < factor.length; at += 8) key = cardKey(key, factor.subarray(at, at + 8));
    this.#register = { key, usage };
    return new Uint8Array(0);
  }

  #cipher(p1: number, p2: number, data: Uint8Array): Uint8Array {
    const held = this.#register;
    // A key in the register serves one computation.
    this.#register = null;
    if (p2 !== 0) throw new Refusal(0x6a86);
    if (held === null) throw new Refusal(0x6985);
    if ((held.usage & 0x1f) !== TYPE_BOTH) throw new Refusal(0x6982);
    if (data.length === 0 || data.length % 8 !== 0) throw new Refusal(0x6700);
    if (p1 === 0x00)
      return Uint8Array.from(blocksOf(data).flatMap((b) => [...tripleDesBlock(held.key, b)]));
    const whole = p1 === this.#state.wholeMac;
    if (p1 !== 0x05 && !whole) throw new Refusal(0x6a86);
    if (data.length < 16) throw new Refusal(0x6700);
    const [start, ...rest] = blocksOf(data) as [Uint8Array, ...Uint8Array[]];
    const left = held.key.subarray(0, 8);
    const last = rest.reduce(
      (chain, block) =>
        desBlock(
          left,
          Uint8Array.from(chain, (b, i) => b ^ (block[i] as number)),
        ),
      start,
    );
    return desBlock(left, desBlockInverse(held.key.subarray(8, 16), last)).subarray(
      0,
      whole ? 8 : 4,
    );
  }
}

function blocksOf(data: Uint8Array): Uint8Array[] {
  return Array.from({ length: data.length / 8 }, (_, i) => data.subarray(8 * i, 8 * i + 8));
}
