/** How the frames of a dialect are told from what lies between them. */
export interface FrameForm {
  readonly stx: number;
  /** Bytes up to and with the length, which is the last two of them, high byte first. */
  readonly head: number;
  /** What a length may be; any other is noise. */
  readonly minLength: number;
  readonly maxLength: number;
  /** Bytes after what the length counts. */
  readonly tail: number;
}

/** What a line's bytes come to. */
export type Piece =
  /** A frame of its length, whatever is in it. */
  | { readonly kind: 'frame'; readonly bytes: Uint8Array }
  /** A byte outside of frames. */
  | { readonly kind: 'single'; readonly byte: number }
  /** What began as a frame and is none. */
  | { readonly kind: 'noise'; readonly detail: string };

/**
 * Cuts a line's bytes by length, however they come in pieces. Each byte costs the same, whatever
 * came before it, and no more than one frame is kept: a line that never ends costs no more than a
 * line that speaks.
 */
export class FrameCutter {
  readonly #form: FrameForm;
  readonly #frame: Uint8Array;
  #length = 0;
  /** Of the whole frame, once its head is here. */
  #end = 0;

  constructor(form: FrameForm) {
    this.#form = form;
    this.#frame = new Uint8Array(form.head + form.maxLength + form.tail);
  }

  /**
   * Forgets a frame that stopped in the middle.
   *
   * @returns how many bytes were thrown away
   */
  reset(): number {
    const n = this.#length;
    this.#length = 0;
    return n;
  }

  /** Each piece as it is whole, in order. */
  *push(bytes: Uint8Array): Generator<Piece> {
    const { stx, head, minLength, maxLength, tail } = this.#form;
    const frame = this.#frame;
    for (const byte of bytes) {
      if (this.#length === 0 && byte !== stx) {
        yield { kind: 'single', byte };
        continue;
      }
      frame[this.#length++] = byte;
      if (this.#length === head) {
        const length = ((frame[head - 2] as number) << 8) | byte;
        this.#end = head + length + tail;
        if (length >= minLength && length <= maxLength) continue;
        // Not a beginning after all. The rest of its head may be one: less than a head, so nothing
        // more is to be judged in it.
        this.#length = 0;
        yield { kind: 'noise', detail: `length ${length}` };
        for (let at = 1; at < head; at++) {
          const again = frame[at] as number;
          if (this.#length === 0 && again !== stx) yield { kind: 'single', byte: again };
          else frame[this.#length++] = again;
        }
      } else if (this.#length > head && this.#length === this.#end) {
        this.#length = 0;
        yield { kind: 'frame', bytes: frame.slice(0, this.#end) };
      }
    }
  }
}

/**
 * What came and was not looked at yet: nobody waits for it, or one thing at a time is done with it.
 * Of a line that never ends only the newest is kept.
 */
export class Waiting<T> {
  readonly #most: number;
  #kept: T[] = [];

  constructor(most = 64) {
    this.#most = most;
  }
  put(one: T): void {
    if (this.#kept.length >= this.#most) this.#kept.shift();
    this.#kept.push(one);
  }
  take(): T | undefined {
    return this.#kept.shift();
  }
  forget(): void {
    this.#kept = [];
  }
}
