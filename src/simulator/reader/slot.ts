import { Torn } from '../card/chip.ts';
import type { MemoryChip } from '../card/chip.ts';
import { bytesOf, hexOf } from '../card/codec.ts';
import type { SlotCard } from '../vpcd/client.ts';

const TRANSCRIPT_LIMIT = 4_000;

/** A status word instead of data. */
export class Status {
  readonly sw: number;
  constructor(sw: number) {
    this.sw = sw;
  }
}

/** A short command APDU: header, then either Le or Lc and data. */
export interface Command {
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  /** The fifth byte: Le where there is no data, else its length; null: there is none. */
  readonly p3: number | null;
  readonly data: Uint8Array;
}

/** The bits that are set: tries left in a counter that is written down bit by bit. */
export function onesIn(counter: number): number {
  let count = 0;
  for (let rest = counter; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** The counter without its lowest set bit: how readers spend a try. */
export function lessOneBit(counter: number): number {
  return counter & (counter - 1);
}

/**
 * A memory chip in a reader, as PC/SC sees the two: the reader answers pseudo-APDUs and clocks the
 * chip for them. What the reader itself knows lives until the card leaves or is reset, as each
 * reader says.
 */
export abstract class ReaderSlot implements SlotCard {
  /** `=> command`, `<= answer` and `-- event` lines, oldest first. */
  readonly transcript: string[] = [];
  /** False: no transcript is kept (long simulations). */
  recording = true;
  readonly #chip: MemoryChip;
  #atr: Uint8Array | null = null;

  constructor(chip: MemoryChip) {
    this.#chip = chip;
  }

  insert(): void {
    this.#note('-- inserted');
    this.forgetCard();
    this.forgetSession();
    this.power();
  }

  remove(): void {
    this.#note('-- removed');
    this.#chip.powerOff();
    this.#atr = null;
    this.forgetSession();
    this.forgetCard();
  }

  reset(): Uint8Array | null {
    this.#note('-- reset');
    this.forgetSession();
    this.power();
    return this.#atr;
  }

  answerToReset(): Uint8Array | null {
    return this.#atr;
  }

  powerOff(): void {
    this.forgetSession();
    this.#chip.powerOff();
  }

  process(
    apdu: Uint8Array,
  ):
    | { readonly kind: 'answer'; readonly bytes: Uint8Array }
    | { readonly kind: 'torn' }
    | { readonly kind: 'silent' } {
    if (this.#atr === null) return { kind: 'silent' };
    if (this.recording) this.#note(`=> ${hexOf(apdu)}`);
    let answer: Uint8Array;
    try {
      answer = Uint8Array.of(...this.run(this.#parse(apdu)), 0x90, 0x00);
    } catch (error) {
      if (error instanceof Torn) {
        // Without power, or mute: nobody answers, and nobody left.
        if (!this.#chip.torn) return { kind: 'silent' };
        this.#note('-- torn');
        this.forgetSession();
        return { kind: 'torn' };
      }
      if (!(error instanceof Status)) throw error;
      answer = Uint8Array.of(error.sw >> 8, error.sw & 0xff);
    }
    if (this.recording) this.#note(`<= ${hexOf(answer)}`);
    return { kind: 'answer', bytes: answer };
  }

  /**
   * Power on or reset of the chip.
   *
   * @returns its own answer to reset; null: mute
   */
  protected power(): Uint8Array | null {
    const chipAtr = this.#chip.powerOn();
    this.#atr = chipAtr === null ? null : this.atrOf(chipAtr);
    return chipAtr;
  }

  /** What the reader gives as ATR for a chip with that answer to reset. */
  protected abstract atrOf(chipAtr: Uint8Array): Uint8Array;
  /** Carries out one command; data before 9000, or a Status. */
  protected abstract run(command: Command): Uint8Array;
  /** Lost with every reset and power-off. */
  protected abstract forgetSession(): void;
  /** Lost when the card leaves. */
  protected forgetCard(): void {
    // Most readers keep nothing.
  }

  #parse(apdu: Uint8Array): Command {
    if (apdu.length < 4) throw new Status(0x6700);
    const [cla, ins, p1, p2] = apdu as unknown as [number, number, number, number];
    if (cla !== 0xff) throw new Status(0x6e00);
    const p3 = apdu.length > 4 ? (apdu[4] as number) : null;
    const data = apdu.slice(5);
    // The old form of authenticating (88) has its key type where the length belongs.
    if (data.length > 0 && data.length !== p3 && ins !== 0x88) throw new Status(0x6700);
    return { ins, p1, p2, p3, data };
  }

  #note(line: string): void {
    if (!this.recording) return;
    this.transcript.push(line);
    if (this.transcript.length > TRANSCRIPT_LIMIT)
      this.transcript.splice(0, this.transcript.length - TRANSCRIPT_LIMIT);
  }
}

/** `3B 04` and the chip's four bytes; a reader's own `3B 00` for chips that give none. */
export function synchronousAtr(chipAtr: Uint8Array): Uint8Array {
  return chipAtr.length === 0 ? bytesOf('3B00') : Uint8Array.of(0x3b, 0x04, ...chipAtr);
}

/**
 * The presenting of an SLE chip's code as readers do it: spend a try, compare, restore.
 *
 * @returns the error counter afterwards
 */
export function presentTo(
  read: () => number,
  spend: (counter: number) => void,
  compare: () => void,
  restore: () => void,
): number {
  const counter = read();
  if (counter === 0) return 0;
  spend(lessOneBit(counter));
  compare();
  restore();
  return read();
}
