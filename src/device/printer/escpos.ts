import iconv from 'iconv-lite';
import { encode as encode2d } from 'uqr';
import { concatBytes } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import { layOut } from './layout.ts';
import type { PrinterStatus, SlipLine } from './types.ts';

const bytes = (...b: number[]): Uint8Array => Uint8Array.from(b);
// Epson ESC/POS command reference
const INIT = bytes(0x1b, 0x40);
const KANJI_ON = bytes(0x1c, 0x26);
const FEED_CUT = bytes(0x1b, 0x64, 0x04, 0x1d, 0x56, 0x42, 0x00);
const align = (center: boolean): Uint8Array => bytes(0x1b, 0x61, center ? 1 : 0);
/** GS ! sizes ASCII, FS W sizes Chinese characters. */
const size = (double: boolean): Uint8Array =>
  bytes(0x1d, 0x21, double ? 0x11 : 0x00, 0x1c, 0x57, double ? 1 : 0);
const encode = (text: string): Uint8Array => new Uint8Array(iconv.encode(`${text}\n`, 'gb18030'));

/** Dots across 58 mm paper (203 dpi), the widest module, and the white that scanners need. */
const PAPER_DOTS = 384;
const MODULE_DOTS = 6;
const QUIET_MODULES = 4;

/**
 * A code as wide as the paper takes it, at the most six dots a module, with its quiet zone: a
 * printer leaves out a symbol that is wider than the paper, and puts no white above or below it.
 * GS ( k, functions 165 (model 2), 167 (module), 169 (level M), 180 (store), 181 (print); ESC J.
 */
function qr(text: string): Uint8Array {
  const data = new TextEncoder().encode(text);
  const length = data.length + 3;
  const modules = encode2d(text, { ecc: 'M', border: QUIET_MODULES }).size;
  const dots = Math.max(1, Math.min(MODULE_DOTS, Math.floor(PAPER_DOTS / modules)));
  const quiet = bytes(0x1b, 0x4a, QUIET_MODULES * dots);
  return concatBytes(
    quiet,
    bytes(0x1d, 0x28, 0x6b, 0x04, 0x00, 0x31, 0x41, 0x32, 0x00),
    bytes(0x1d, 0x28, 0x6b, 0x03, 0x00, 0x31, 0x43, dots),
    bytes(0x1d, 0x28, 0x6b, 0x03, 0x00, 0x31, 0x45, 0x31),
    bytes(0x1d, 0x28, 0x6b, length & 0xff, length >> 8, 0x31, 0x50, 0x30),
    data,
    bytes(0x1d, 0x28, 0x6b, 0x03, 0x00, 0x31, 0x51, 0x30),
    quiet,
  );
}

/** The slip as ESC/POS bytes, GB18030, cut at the end. */
export function encodeSlip(slip: readonly SlipLine[]): Uint8Array {
  const parts: Uint8Array[] = [INIT, KANJI_ON];
  for (const row of layOut(slip))
    if (row.kind === 'qr') parts.push(align(true), qr(row.text));
    else parts.push(align(row.center), size(row.double), encode(row.text), size(false));
  parts.push(FEED_CUT);
  return concatBytes(...parts);
}

/**
 * DLE EOT n, real-time status (Epson): 1 printer, 2 offline cause, 4 paper. Answered at once,
 * before the data in front of it is printed.
 */
export const STATUS_REQUESTS = [1, 2, 4].map((n) => bytes(0x10, 0x04, n));
/**
 * GS r 1, paper sensor status (Epson): answered in the order of the data, so only after all in
 * front of it was printed.
 */
export const PRINTED_REQUEST = bytes(0x1d, 0x72, 0x01);

/** What a printer says, taken apart. */
export type PrinterAnswer =
  /** To DLE EOT: one byte each, in the order of the requests. */
  | { readonly kind: 'real-time'; readonly byte: number }
  /** To GS r: what stood before it is printed. */
  | { readonly kind: 'in-order'; readonly byte: number }
  /** Automatic status (GS a): four bytes, unasked, at any time. */
  | { readonly kind: 'automatic'; readonly bytes: readonly number[] };

/**
 * Takes a printer's bytes apart by their fixed bits (Epson): DLE EOT has bits 1 and 4 set, 0 and 7
 * clear; an automatic status begins with bit 4 set and 0, 1, 7 clear, and three bytes with 4 and 7
 * clear follow; GS r has 4 and 7 clear. Everything else, XON and XOFF among it, is no answer.
 */
export class AnswerReader {
  #automatic: number[] = [];

  /** The answers that these bytes complete. */
  push(chunk: Iterable<number>): PrinterAnswer[] {
    const found: PrinterAnswer[] = [];
    for (const byte of chunk) {
      if (this.#automatic.length > 0 && (byte & 0x90) === 0) {
        this.#automatic.push(byte);
        if (this.#automatic.length < 4) continue;
        found.push({ kind: 'automatic', bytes: this.#automatic });
        this.#automatic = [];
      } else if ((byte & 0x93) === 0x12) found.push({ kind: 'real-time', byte });
      else if ((byte & 0x93) === 0x10) this.#automatic = [byte];
      else if ((byte & 0x90) === 0) found.push({ kind: 'in-order', byte });
    }
    return found;
  }
}

/** Judges the three real-time bytes. */
export function judgeStatus(answer: readonly number[]): PrinterStatus {
  const down = (detail: string): PrinterStatus => ({
    ready: false,
    paperLow: false,
    failure: failure('DEV-0101', detail),
  });
  const [printer, offline, paper] = answer;
  if (printer === undefined || offline === undefined || paper === undefined)
    return down('no status answer');
  if ((paper & 0x60) !== 0) return down('paper end');
  if ((offline & 0x04) !== 0) return down('cover open');
  if ((offline & 0x40) !== 0) return down('printer error');
  if ((printer & 0x08) !== 0) return down('offline');
  return { ready: true, paperLow: (paper & 0x0c) !== 0, failure: null };
}
