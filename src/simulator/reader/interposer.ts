import { hexOf } from '../card/codec.ts';
import type { SlotCard } from '../vpcd/client.ts';

/** What it does to a write. */
export interface Lie {
  /** Commands that change the card's purchases. */
  readonly isWrite: (apdu: Uint8Array) => boolean;
  /** Asked after each: the genuine card has what is wanted of it. That one “was refused”. */
  readonly enough: () => boolean;
  /** What the reader hears instead. */
  readonly says: Uint8Array;
}

/** By which commands each kind of card is written, and how each refuses one. */
export const LIES: Readonly<Record<'file' | 'purse' | 'memory', Omit<Lie, 'enough'>>> = {
  /** UPDATE BINARY under secure messaging. */
  file: { isWrite: (a) => a[0] === 0x04 && a[1] === 0xd6, says: Uint8Array.of(0x69, 0x88) },
  /** CREDIT FOR LOAD. */
  purse: { isWrite: (a) => a[0] === 0x80 && a[1] === 0x52, says: Uint8Array.of(0x93, 0x02) },
  /** A write of the ACS dialect. */
  memory: { isWrite: (a) => a[0] === 0xff && a[1] === 0xd0, says: Uint8Array.of(0x69, 0x82) },
};

/**
 * A thin chip between card and reader, held by the customer (an attacker's device; the driver over
 * it is the real one). It notes what the genuine card answers, lets the card be written, tells the
 * reader that it was refused, and from then on plays the old answers: the card “is as it was”.
 * Nothing is written any more then, whatever the reader sends.
 */
export class Interposer implements SlotCard {
  readonly #card: SlotCard;
  readonly #lie: Lie;
  /** Newest answers of before the lie: by command and the one before it, by command, by header. */
  readonly #answers = new Map<string, Uint8Array>();
  #before = '';
  #lying = false;

  constructor(card: SlotCard, lie: Lie) {
    this.#card = card;
    this.#lie = lie;
  }

  get lying(): boolean {
    return this.#lying;
  }

  insert(): void {
    this.#card.insert();
  }
  remove(): void {
    this.#card.remove();
  }
  reset(): Uint8Array | null {
    this.#before = '';
    return this.#card.reset();
  }
  answerToReset(): Uint8Array | null {
    return this.#card.answerToReset();
  }
  powerOff(): void {
    this.#before = '';
    this.#card.powerOff();
  }

  process(apdu: Uint8Array): ReturnType<SlotCard['process']> {
    const keys = this.#keys(apdu);
    this.#before = keys[1] ?? '';
    const write = this.#lie.isWrite(apdu);
    if (this.#lying) {
      if (write) return { kind: 'answer', bytes: this.#lie.says };
      const old = keys.map((key) => this.#answers.get(key)).find((bytes) => bytes !== undefined);
      return old === undefined ? this.#card.process(apdu) : { kind: 'answer', bytes: old };
    }
    const outcome = this.#card.process(apdu);
    if (write && this.#lie.enough()) {
      this.#lying = true;
      return { kind: 'answer', bytes: this.#lie.says };
    }
    if (outcome.kind === 'answer') for (const key of keys) this.#answers.set(key, outcome.bytes);
    return outcome;
  }

  /** The narrowest first. A command that fetches an answer (C0) is another one each time. */
  #keys(apdu: Uint8Array): readonly string[] {
    const whole = hexOf(apdu);
    const header = hexOf(apdu.subarray(0, 5));
    return [`${this.#before}>${whole}`, whole, `h${header}`];
  }
}
