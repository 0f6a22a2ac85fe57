import { MAX_CODE, bareCode, isFraming } from '../../shared/scanned.ts';

/** How a scanner was set up to frame its codes; left out: whatever it does is understood. */
export interface ScannerFraming {
  readonly prefix?: string | undefined;
  /** A control character's name, `none`, or `text:` with characters. */
  readonly suffix?: string | undefined;
}

/** What scanners send behind a code (cards.md 5.3; TAB for forms), and before the next (STX … ETX). */
const [CR, LF, TAB, STX, ETX, GS] = [0x0d, 0x0a, 0x09, 0x02, 0x03, 0x1d];
/** Which bytes end a code at once. Where CR LF is set up, CR does, and LF ends nothing. */
const ENDS: Readonly<Record<string, readonly number[]>> = {
  CR: [CR],
  LF: [LF],
  CRLF: [CR],
  TAB: [TAB],
  GS: [GS],
  ETX: [ETX],
  none: [],
};
const LEARNED = [CR, LF, TAB];
const PRINTABLE = /^text:(.*)$/s;

/** What a run of bytes was. `readable`: so many of its bytes could have been a code's. */
export type Framed =
  | { readonly kind: 'code'; readonly code: string }
  | { readonly kind: 'noise'; readonly readable: number };

/**
 * Cuts a scanner's bytes into codes, and takes off what is none of them: control characters at the
 * edges, the symbology identifier, the prefix and suffix that it was set up with. A run with
 * anything else in it, or without its prefix, is noise, whole.
 */
export class FrameReader {
  readonly #prefix: string;
  readonly #suffix: string;
  readonly #ends: ReadonlySet<number>;
  #text = '';
  /** Framing came behind the code: nothing more belongs to it. */
  #edge = false;
  #noise = false;

  constructor({ prefix, suffix }: ScannerFraming) {
    this.#prefix = prefix ?? '';
    this.#suffix = PRINTABLE.exec(suffix ?? '')?.[1] ?? '';
    this.#ends = new Set(this.#suffix === '' ? (ENDS[suffix ?? ''] ?? LEARNED) : []);
  }

  /** Something came that is not ended yet. */
  get begun(): boolean {
    return this.#text !== '' || this.#noise;
  }

  /** The runs that these bytes end. */
  push(bytes: Iterable<number>): Framed[] {
    const found: (Framed | null)[] = [];
    for (const byte of bytes)
      if (this.#ends.has(byte)) found.push(this.end());
      // The next code's beginning ends one that came without an end of its own.
      else if (byte === STX && this.#text !== '') found.push(this.end());
      else {
        this.#add(byte);
        if (this.#suffix !== '' && this.#text.endsWith(this.#suffix)) found.push(this.end());
      }
    return found.filter((one) => one !== null);
  }

  /** What came so far is over: the line was quiet. */
  end(): Framed | null {
    const framed = this.#text;
    const noise = this.#noise;
    this.forget();
    const code = this.#bare(framed);
    if (noise || (code === null && framed !== ''))
      return { kind: 'noise', readable: framed.length };
    return code === null || code === '' ? null : { kind: 'code', code };
  }

  forget(): void {
    this.#text = '';
    this.#edge = false;
    this.#noise = false;
  }

  #add(byte: number): void {
    if (byte === CR || byte === LF || isFraming(byte)) this.#edge = this.#text !== '';
    else if (this.#edge) {
      // Framing with more behind it: at the beginning of another code, or the line garbles.
      this.#noise = true;
    } else if (byte < 0x20 || byte > 0x7e || this.#text.length >= MAX_CODE) this.#noise = true;
    else this.#text += String.fromCodePoint(byte);
  }

  /**
   * Without symbology, prefix and suffix, in whichever order a scanner puts the former; null: not
   * its.
   */
  #bare(framed: string): string | null {
    const end = framed.endsWith(this.#suffix) ? framed.length - this.#suffix.length : -1;
    if (end < 0) return null;
    const text = bareCode(framed.slice(0, end));
    if (!text.startsWith(this.#prefix)) return null;
    return bareCode(text.slice(this.#prefix.length));
  }
}
