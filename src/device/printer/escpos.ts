import iconv from 'iconv-lite';
import { encode as encode2d } from 'uqr';
import { concatBytes } from '../../shared/bytes.ts';
import { layOut } from './layout.ts';
import type { SlipRow } from './layout.ts';
import type { PrinterModel } from './models.ts';
import type { SlipLine } from './types.ts';

const bytes = (...b: number[]): Uint8Array => Uint8Array.from(b);
// Epson ESC/POS command reference
/** ESC @, and GS a 0: it says nothing that it was not asked for. */
const INIT = bytes(0x1b, 0x40, 0x1d, 0x61, 0x00);
/** FS &: codes of two bytes are Chinese characters. */
const KANJI_ON = bytes(0x1c, 0x26);
/** FS ( C, function 48: text is UTF-8; function 60: behind ASCII, simplified Chinese comes first. */
const UTF8_ON = bytes(0x1c, 0x28, 0x43, 2, 0, 0x30, 0x32, 0x1c, 0x28, 0x43, 3, 0, 0x3c, 1, 0x14);
const align = (center: boolean): Uint8Array => bytes(0x1b, 0x61, center ? 1 : 0);
/** GS ! sizes ASCII, FS W sizes Chinese characters. */
const size = (double: boolean): Uint8Array =>
  bytes(0x1d, 0x21, double ? 0x11 : 0x00, 0x1c, 0x57, double ? 1 : 0);
/** ESC d: so many lines bring the last row past the cutter. */
const FEED = bytes(0x1b, 0x64, 0x04);
/** GS V with feed to the cutter (65 full, 66 partial), and ESC i. */
const CUTS: Readonly<Record<PrinterModel['cut'], Uint8Array>> = {
  none: bytes(),
  partial: bytes(0x1d, 0x56, 0x42, 0x00),
  full: bytes(0x1d, 0x56, 0x41, 0x00),
  'esc-i': bytes(0x1b, 0x69),
};

/** The widest module of a code, in dots, and the white that scanners need, in modules. */
const MODULE_DOTS = 6;
const QUIET_MODULES = 4;

/** A code as wide as the paper takes it, at the most six dots a module, with its quiet zone. */
const moduleDots = (modules: number, { dots }: PrinterModel): number =>
  Math.max(1, Math.min(MODULE_DOTS, Math.floor(dots / modules)));

/**
 * A code that the printer draws: it leaves out a symbol that is wider than the paper, and puts no
 * white above or below it. GS ( k, functions 165 (model 2), 167 (module), 169 (level M), 180
 * (store), 181 (print); ESC J.
 */
function qrCommand(text: string, model: PrinterModel): Uint8Array {
  const data = new TextEncoder().encode(text);
  const length = data.length + 3;
  const dots = moduleDots(encode2d(text, { ecc: 'M', border: QUIET_MODULES }).size, model);
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

/** Rows of dots in one picture: few enough that a cut command is soon over. */
const BAND_DOTS = 24;

/**
 * The same code as pictures (GS v 0), its quiet zone in them. No module is a single dot wide, so
 * that no two bytes of it read as a real-time command.
 */
function qrRaster(text: string, model: PrinterModel): Uint8Array {
  const { data, size: modules } = encode2d(text, { ecc: 'M', border: QUIET_MODULES });
  const dots = moduleDots(modules, model);
  const width = Math.ceil((modules * dots) / 8);
  const rows = data.flatMap((line) => {
    const row = new Uint8Array(width);
    for (let x = 0; x < modules * dots; x++)
      if (line[Math.floor(x / dots)] === true)
        row[x >> 3] = (row[x >> 3] as number) | (0x80 >> (x & 7));
    return Array.from({ length: dots }, () => row);
  });
  const parts: Uint8Array[] = [];
  for (let at = 0; at < rows.length; at += BAND_DOTS) {
    const band = rows.slice(at, at + BAND_DOTS);
    parts.push(bytes(0x1d, 0x76, 0x30, 0, width & 0xff, width >> 8, band.length, 0), ...band);
  }
  return concatBytes(...parts);
}

function rowBytes(row: SlipRow, model: PrinterModel): Uint8Array {
  if (row.kind === 'qr')
    return concatBytes(
      align(true),
      model.qr === 'command' ? qrCommand(row.text, model) : qrRaster(row.text, model),
    );
  const text = `${row.text}\n`;
  const encoded =
    model.text === 'gbk'
      ? new Uint8Array(iconv.encode(text, 'cp936'))
      : new TextEncoder().encode(text);
  return concatBytes(align(row.center), size(row.double), encoded, size(false));
}

/** How the paper goes, beside the model. */
export interface PaperKind {
  /** Marks on the back, to which each slip is fed before it is cut. */
  readonly marked: boolean;
}

/** Cut, and where there is a presenter, out to the customer. */
function cutBytes(
  model: PrinterModel,
  { marked }: PaperKind,
  out: 'eject' | 'retract',
): Uint8Array {
  const mark = marked ? bytes(...(model.blackMark ?? [])) : bytes();
  return concatBytes(FEED, mark, CUTS[model.cut], bytes(...(model.presenter?.[out] ?? [])));
}

const begin = (model: PrinterModel): Uint8Array =>
  concatBytes(INIT, model.text === 'utf-8' ? UTF8_ON : KANJI_ON);

/**
 * The slip as ESC/POS bytes, cut at the end.
 *
 * @param number stands under the last line; undefined: nothing does
 */
export function encodeSlip(
  slip: readonly SlipLine[],
  model: PrinterModel,
  paper: PaperKind,
  number?: string,
): Uint8Array {
  const whole: readonly SlipLine[] =
    number === undefined
      ? slip
      : [...slip, { kind: 'text', text: `—— ${number} ——`, align: 'center' }];
  return concatBytes(
    begin(model),
    ...layOut(whole, model).map((row) => rowBytes(row, model)),
    cutBytes(model, paper, 'eject'),
  );
}

/**
 * More than any command that a slip is made of has bytes: a picture's band, or a code's text. So
 * many NULs end whichever command a slip was cut in; a printer does nothing about the others.
 */
const LONGEST_COMMAND = 2_048;

/**
 * What separates the next slip from one that nobody saw the end of: NULs that end a command which
 * was cut in the middle, ESC @, which drops the row that was begun, words that make what hangs
 * there void, and a cut.
 *
 * @param begun false: nobody knows of a slip before, and only the cut is made
 */
export function encodeParting(model: PrinterModel, paper: PaperKind, begun: boolean): Uint8Array {
  const words: readonly SlipLine[] = begun
    ? [
        { kind: 'rule' },
        { kind: 'text', text: '以上凭条未打完，作废', align: 'center' },
        { kind: 'text', text: 'VOID: not printed whole', align: 'center' },
      ]
    : [];
  return concatBytes(
    new Uint8Array(LONGEST_COMMAND),
    begin(model),
    ...layOut(words, model).map((row) => rowBytes(row, model)),
    cutBytes(model, paper, 'retract'),
  );
}
