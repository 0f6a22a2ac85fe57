import type { PrintedLine } from './paper.ts';
import { QrStore } from './qr-store.ts';

/** What a command does to the paper and the line. */
export interface Mechanics {
  /** A row is on the paper. */
  readonly row: (line: PrintedLine) => void;
  readonly cut: () => void;
  /** GS e: what was cut is ejected, or drawn back. */
  readonly present: (way: 'ejected' | 'retracted') => void;
  readonly answer: (bytes: Uint8Array) => void;
  /** GS r 1. */
  readonly paperSensor: () => number;
  readonly automaticStatus: (on: boolean) => void;
  /** Bytes that no manual has, or that this printer cannot do. */
  readonly unknown: (what: string) => void;
}

/** Ended by NULs: a command that was cut, and nothing comes of it. */
const isCut = (data: Buffer): boolean => data.at(-1) === 0;

const hex = (b: Buffer, to: number): string => b.toString('hex', 0, to);

/** Takes the bytes of the receive buffer command by command, as Epson's reference has them. */
export class Interpreter {
  readonly #do: Mechanics;
  readonly #dots: number;
  #center = false;
  #double = false;
  #utf8 = false;
  #text: number[] = [];
  #qr = new QrStore();

  constructor(mechanics: Mechanics, dots: number) {
    this.#do = mechanics;
    this.#dots = dots;
  }

  /** ESC @: settings are those of before anything was sent, and the row that was begun is dropped. */
  reset(): void {
    this.#center = false;
    this.#double = false;
    this.#utf8 = false;
    this.#text = [];
    this.#qr = new QrStore();
  }

  /** Carries out one command or character; 0: more bytes are needed. */
  one(b: Buffer): number {
    const [c0 = 0] = b;
    switch (c0) {
      case 0x00:
        return 1;
      case 0x0a:
        this.#line();
        return 1;
      case 0x1b:
        return this.#esc(b);
      case 0x1c:
        return this.#fs(b);
      case 0x1d:
        return this.#gs(b);
      default:
        return this.#character(b);
    }
  }

  #line(): void {
    const text = new TextDecoder(this.#utf8 ? 'utf-8' : 'gb18030').decode(
      Uint8Array.from(this.#text),
    );
    this.#text = [];
    this.#do.row({ kind: 'text', text, center: this.#center, double: this.#double });
  }

  #character(b: Buffer): number {
    const [c0 = 0] = b;
    if (c0 < 0x20) {
      this.#do.unknown(hex(b, 1));
      return 1;
    }
    // The second byte of a Chinese character may look like anything.
    const length = c0 < 0x81 ? 1 : !this.#utf8 ? 2 : c0 >= 0xf0 ? 4 : c0 >= 0xe0 ? 3 : 2;
    if (b.length < length) return 0;
    this.#text.push(...b.subarray(0, length));
    return length;
  }

  #esc(b: Buffer): number {
    const [, c1, c2] = b;
    if (c1 === undefined) return 0;
    if (c1 === 0x40) {
      this.reset();
      return 2;
    }
    if (c1 === 0x69) {
      this.#do.cut();
      return 2;
    }
    // ESC NUL is no command.
    if (c1 === 0x00) return 2;
    if (c2 === undefined) return 0;
    if (c1 === 0x61) this.#center = c2 === 1;
    else if (c1 !== 0x64 && c1 !== 0x4a) this.#do.unknown(hex(b, 3));
    return 3;
  }

  #fs(b: Buffer): number {
    const [, c1, c2, c3, c4] = b;
    if (c1 === undefined) return 0;
    if (c1 === 0x26 || c1 === 0x2e || c1 === 0x00) return 2;
    if (c2 === undefined) return 0;
    if (c1 === 0x28) return this.#block(b, c3, c4, (data) => this.#fsBlock(c2, data));
    if (c1 === 0x57) this.#double = c2 === 1;
    else this.#do.unknown(hex(b, 3));
    return 3;
  }

  /** FS ( C: 48 the encoding, 60 which font comes first. */
  #fsBlock(letter: number, data: Buffer): void {
    const [fn, m, a] = data;
    if (letter === 0x43 && fn === 0x30 && data.length === 2) this.#utf8 = m === 2 || m === 0x32;
    else if (
      !(letter === 0x43 && fn === 0x3c && (m === 0 || m === 1) && a === 0x14) &&
      !isCut(data)
    )
      this.#do.unknown(`1c28${letter.toString(16)} ${hex(data, 4)}`);
  }

  #gs(b: Buffer): number {
    const [, c1, c2, c3, c4] = b;
    if (c1 === undefined) return 0;
    // GS FF and GS F8h: to the next black mark; GS NUL is no command.
    if (c1 === 0x0c || c1 === 0xf8 || c1 === 0x00) return 2;
    if (c2 === undefined) return 0;
    if (c1 === 0x28) return this.#block(b, c3, c4, (data) => this.#gsBlock(c2, data));
    if (c1 === 0x76) return this.#picture(b);
    if (c1 === 0x56 && c2 >= 0x41 && c3 === undefined) return 0;
    if (c1 === 0x21) this.#double = c2 !== 0;
    else if (c1 === 0x72 && c2 === 1) this.#do.answer(Uint8Array.of(this.#do.paperSensor()));
    else if (c1 === 0x61) this.#do.automaticStatus(c2 !== 0);
    else if (c1 === 0x65 && (c2 === 5 || c2 === 2))
      this.#do.present(c2 === 5 ? 'ejected' : 'retracted');
    else if (c1 === 0x56) {
      this.#do.cut();
      return c2 >= 0x41 ? 4 : 3;
    } else if (c2 !== 0) this.#do.unknown(hex(b, 3));
    return 3;
  }

  /** `( letter pL pH`, and so many bytes. */
  #block(
    b: Buffer,
    low: number | undefined,
    high: number | undefined,
    then: (data: Buffer) => void,
  ): number {
    if (low === undefined || high === undefined) return 0;
    const end = 5 + low + high * 256;
    if (b.length < end) return 0;
    if (end > 5) then(b.subarray(5, end));
    return end;
  }

  #gsBlock(letter: number, data: Buffer): void {
    if (letter === 0x6b) {
      this.#symbol(data);
      return;
    }
    const [fn, m] = data;
    if (letter === 0x48 && fn === 0x30 && m === 0x30 && data.length === 6)
      this.#do.answer(Uint8Array.of(0x37, 0x22, ...data.subarray(2), 0));
    else if (!isCut(data)) this.#do.unknown(`1d28${letter.toString(16)} ${hex(data, 4)}`);
  }

  /** GS ( k. A symbol that the paper is too narrow for is not printed, as with real ones. */
  #symbol(data: Buffer): void {
    const printed = this.#qr.take(data);
    if (printed === 'unknown' && isCut(data)) return;
    if (printed === 'unknown') this.#do.unknown(`1d286b ${hex(data, 4)}`);
    else if (printed !== null && printed.widthDots > this.#dots)
      this.#do.unknown(`a code of ${printed.widthDots} dots`);
    else if (printed !== null) this.#do.row({ kind: 'qr', text: printed.text });
  }

  /** GS v 0 m xL xH yL yH: a picture in bytes across and dots down. */
  #picture(b: Buffer): number {
    if (b.length < 8) return 0;
    const [, , zero, m, xL = 0, xH = 0, yL = 0, yH = 0] = b;
    const [width, height] = [xL + xH * 256, yL + yH * 256];
    if (zero === 0x00) return 3;
    if (zero !== 0x30 || m !== 0 || width * 8 > this.#dots) {
      this.#do.unknown(hex(b, 8));
      return 8;
    }
    const end = 8 + width * height;
    if (b.length < end) return 0;
    const rows = Array.from({ length: height }, (_, y) =>
      Uint8Array.from(b.subarray(8 + y * width, 8 + (y + 1) * width)),
    );
    if (height > 0) this.#do.row({ kind: 'picture', width: width * 8, rows, center: this.#center });
    return end;
  }
}
