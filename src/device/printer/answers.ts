import { failure } from '../../shared/errors.ts';
import type { PrinterStatus, PrinterTrouble } from './types.ts';

const bytes = (...b: number[]): Uint8Array => Uint8Array.from(b);

/**
 * DLE EOT n, real-time status (Epson): 1 printer, 2 offline cause, 3 error cause, 4 paper. Answered
 * at once, before the data in front of it is printed.
 */
export const STATUS_REQUESTS: readonly Uint8Array[] = [1, 2, 3, 4].map((n) => bytes(0x10, 4, n));
/**
 * GS r 1, paper sensor status (Epson): answered in the order of the data, so only after all in
 * front of it was printed.
 */
export const PAPER_SENSOR_REQUEST = bytes(0x1d, 0x72, 0x01);
/** GS ( H, function 48: answered with these four characters once what stands before is printed. */
export const processIdRequest = (id: string): Uint8Array =>
  bytes(0x1d, 0x28, 0x48, 6, 0, 0x30, 0x30, ...new TextEncoder().encode(id));
/** DLE DC4, function 8, Clear buffer(s): in real time, and answered when they are empty. */
export const CLEAR_REQUEST = bytes(0x10, 0x14, 8, 1, 3, 20, 1, 6, 2, 8);

/** What a printer says, taken apart. */
export type PrinterAnswer =
  /** To DLE EOT: one byte each, in the order of the requests. */
  | { readonly kind: 'real-time'; readonly byte: number }
  /** To GS r: what stood before it is printed. */
  | { readonly kind: 'in-order'; readonly byte: number }
  /** To GS ( H: what stood before this number is printed. */
  | { readonly kind: 'process'; readonly id: string }
  /** To DLE DC4 8: it has forgotten what it was sent. */
  | { readonly kind: 'cleared' }
  /** Automatic status (GS a): four bytes, unasked, at any time. */
  | { readonly kind: 'automatic'; readonly bytes: readonly number[] };

const [XON, XOFF, HEADER, PROCESS, CLEARED] = [0x11, 0x13, 0x37, 0x22, 0x25];
/** Header, identifier, four characters, NUL. */
const LONGEST_BLOCK = 7;

/**
 * Takes a printer's bytes apart by their fixed bits (Epson): DLE EOT has bits 1 and 4 set, 0 and 7
 * clear; an automatic status begins with bit 4 set and 0, 1, 7 clear, and three bytes with 4 and 7
 * clear follow; GS r has 4 and 7 clear; a block goes from 37h to NUL. XON and XOFF may stand
 * anywhere, within a block too. Everything else is no answer.
 */
export class AnswerReader {
  #automatic: number[] = [];
  #block: number[] = [];

  /** The answers that these bytes complete. */
  push(chunk: Iterable<number>): PrinterAnswer[] {
    const found: PrinterAnswer[] = [];
    for (const byte of chunk) {
      const one = byte === XON || byte === XOFF ? null : this.#take(byte);
      if (one !== null) found.push(one);
    }
    return found;
  }

  #take(byte: number): PrinterAnswer | null {
    if (this.#block.length > 0) return this.#inBlock(byte);
    if (this.#automatic.length > 0 && (byte & 0x90) === 0) {
      this.#automatic.push(byte);
      if (this.#automatic.length < 4) return null;
      const whole = this.#automatic;
      this.#automatic = [];
      return { kind: 'automatic', bytes: whole };
    }
    if (byte === HEADER) {
      this.#block = [byte];
      return null;
    }
    if ((byte & 0x93) === 0x12) return { kind: 'real-time', byte };
    if ((byte & 0x93) === 0x10) {
      this.#automatic = [byte];
      return null;
    }
    return (byte & 0x90) === 0 ? { kind: 'in-order', byte } : null;
  }

  #inBlock(byte: number): PrinterAnswer | null {
    this.#block.push(byte);
    if (byte !== 0 && this.#block.length < LONGEST_BLOCK) return null;
    const [, identifier, ...rest] = this.#block;
    this.#block = [];
    if (byte !== 0) return null;
    if (identifier === CLEARED && rest.length === 1) return { kind: 'cleared' };
    return identifier === PROCESS && rest.length === 5
      ? { kind: 'process', id: String.fromCodePoint(...rest.slice(0, 4)) }
      : null;
  }
}

/** What is said of each trouble to technicians, in the failure's detail. */
const TOLD: Readonly<Record<PrinterTrouble, string>> = {
  'paper-end': 'paper end',
  'cover-open': 'cover open',
  cutter: 'cutter error',
  overheated: 'print head too hot',
  error: 'printer error',
  offline: 'offline',
  silent: 'no status answer',
  unreachable: 'not reachable',
  held: 'paper of an earlier slip is still in it',
  'none-fitted': 'no printer configured',
};

/** A printer that cannot print, DEV-0101. */
export const troubled = (
  trouble: PrinterTrouble,
  detail: string = TOLD[trouble],
  cause?: unknown,
): PrinterStatus => ({
  ready: false,
  paperLow: false,
  trouble,
  failure: failure('DEV-0101', detail, cause),
});

/**
 * Judges the four real-time bytes (Epson, DLE EOT). Error cause: bit 2 a recoverable error (SNBC: a
 * paper jam), 3 the cutter, 5 unrecoverable, 6 one that ends by itself, which is the head's heat.
 */
export function judgeStatus(answer: readonly number[]): PrinterStatus {
  const [printer, offline, error, paper] = answer;
  if (printer === undefined || offline === undefined || error === undefined || paper === undefined)
    return troubled('silent');
  if ((paper & 0x60) !== 0) return troubled('paper-end');
  if ((offline & 0x04) !== 0) return troubled('cover-open');
  if ((error & 0x08) !== 0) return troubled('cutter');
  if ((error & 0x40) !== 0) return troubled('overheated');
  if ((error & 0x24) !== 0 || (offline & 0x40) !== 0) return troubled('error');
  if ((printer & 0x08) !== 0) return troubled('offline');
  return { ready: true, paperLow: (paper & 0x0c) !== 0, trouble: null, failure: null };
}
