import iconv from 'iconv-lite';
import { concatBytes } from '../../shared/bytes.ts';
import type { PrinterStatus, SlipLine } from './types.ts';
import { failure } from '../../shared/errors.ts';

/** Columns of 58 mm paper in font A (ESC/POS, 12 dots a column at 384 dots). */
export const COLUMNS = 32;

const bytes = (...b: number[]): Uint8Array => Uint8Array.from(b);
// Epson ESC/POS command reference
const INIT = bytes(0x1b, 0x40);
const KANJI_ON = bytes(0x1c, 0x26);
const FEED_CUT = bytes(0x1b, 0x64, 0x04, 0x1d, 0x56, 0x42, 0x00);
const align = (a: 'left' | 'center'): Uint8Array => bytes(0x1b, 0x61, a === 'center' ? 1 : 0);
/** GS ! sizes ASCII, FS W sizes Chinese characters. */
const size = (s: 'normal' | 'double'): Uint8Array =>
  bytes(0x1d, 0x21, s === 'double' ? 0x11 : 0x00, 0x1c, 0x57, s === 'double' ? 1 : 0);

/** Columns that a text takes: a Chinese (full-width) character takes two. */
export function columnsOf(text: string): number {
  let n = 0;
  for (const c of text) n += (c.codePointAt(0) as number) > 0x2e7f ? 2 : 1;
  return n;
}

/** Breaks at columns, never inside a character. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const c of text) {
    if (columnsOf(line) + columnsOf(c) > columns) {
      lines.push(line);
      line = '';
    }
    line += c;
  }
  lines.push(line);
  return lines;
}

function encode(text: string): Uint8Array {
  return new Uint8Array(iconv.encode(`${text}\n`, 'gb18030'));
}

/** GS ( k: model 2, module size 6, level M, store, print. */
function qr(text: string): Uint8Array {
  const data = new TextEncoder().encode(text);
  const length = data.length + 3;
  return concatBytes(
    bytes(0x1d, 0x28, 0x6b, 0x04, 0x00, 0x31, 0x41, 0x32, 0x00),
    bytes(0x1d, 0x28, 0x6b, 0x03, 0x00, 0x31, 0x43, 0x06),
    bytes(0x1d, 0x28, 0x6b, 0x03, 0x00, 0x31, 0x45, 0x31),
    bytes(0x1d, 0x28, 0x6b, length & 0xff, length >> 8, 0x31, 0x50, 0x30),
    data,
    bytes(0x1d, 0x28, 0x6b, 0x03, 0x00, 0x31, 0x51, 0x30, 0x0a),
  );
}

/** The slip as ESC/POS bytes, GB18030, cut at the end. */
export function encodeSlip(slip: readonly SlipLine[]): Uint8Array {
  const parts: Uint8Array[] = [INIT, KANJI_ON];
  for (const l of slip) {
    switch (l.kind) {
      case 'text': {
        const s = l.size ?? 'normal';
        parts.push(
          align(l.align ?? 'left'),
          size(s),
          ...wrap(l.text, s === 'double' ? COLUMNS / 2 : COLUMNS).map(encode),
          size('normal'),
        );
        break;
      }
      case 'pair': {
        const gap = COLUMNS - columnsOf(l.label) - columnsOf(l.value);
        parts.push(align('left'));
        if (gap >= 1) parts.push(encode(l.label + ' '.repeat(gap) + l.value));
        else parts.push(encode(l.label), ...wrap(l.value, COLUMNS).map(encode));
        break;
      }
      case 'rule':
        parts.push(align('left'), encode('-'.repeat(COLUMNS)));
        break;
      case 'qr':
        parts.push(align('center'), qr(l.text));
        break;
    }
  }
  parts.push(FEED_CUT);
  return concatBytes(...parts);
}

/** DLE EOT n, real-time status (Epson): 1 printer, 2 offline cause, 4 paper. */
export const STATUS_REQUESTS = [1, 2, 4].map((n) => bytes(0x10, 0x04, n));

/**
 * Judges the three status bytes. Bits 1 and 4 are fixed ones, 0 and 7 fixed zeros: anything else is
 * noise.
 */
export function judgeStatus(answer: readonly number[]): PrinterStatus {
  const down = (detail: string): PrinterStatus => ({
    ready: false,
    paperLow: false,
    failure: failure('DEV-0101', detail),
  });
  const [printer, offline, paper] = answer;
  if (printer === undefined || offline === undefined || paper === undefined)
    return down('no status answer');
  for (const b of [printer, offline, paper])
    if ((b & 0x93) !== 0x12) return down(`not a status byte: ${b.toString(16)}`);
  if ((paper & 0x60) !== 0) return down('paper end');
  if ((offline & 0x04) !== 0) return down('cover open');
  if ((offline & 0x40) !== 0) return down('printer error');
  if ((printer & 0x08) !== 0) return down('offline');
  return { ready: true, paperLow: (paper & 0x0c) !== 0, failure: null };
}
