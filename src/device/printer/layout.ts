import iconv from 'iconv-lite';
import type { PrinterModel } from './models.ts';
import type { SlipLine } from './types.ts';

/**
 * The characters that printers have: those of GBK as it was first used (code page 936). What of
 * later additions, of GB18030's four bytes, or of Unicode beyond them a printer has, no manual at
 * hand says.
 */
const REPERTOIRE = 'cp936';

/** One row as it stands on the paper: no wider than the paper, and of printable characters only. */
export type SlipRow =
  | {
      readonly kind: 'text';
      readonly text: string;
      readonly center: boolean;
      readonly double: boolean;
    }
  | { readonly kind: 'qr'; readonly text: string };

/** What is spelled where printers have no character for it. */
const SPELLED: ReadonlyMap<string, string> = new Map([
  ['m³', '立方米'],
  ['³', '3'],
  ['²', '2'],
  ['¥', '￥'],
  ['‑', '-'],
  ['–', '-'],
  ['\u00A0', ' '],
  ['\t', ' '],
  ['’', "'"],
  ['€', 'EUR'],
]);
/** These do not begin a row: the letter before them comes along. */
const NOT_FIRST = /^[、，。；：！？）】》」』”％]/;
/** A character's number is one piece. */
const PIECES = /\[U\+[0-9A-F]{4,6}\]|./gsu;

const encoded = (char: string): Buffer => iconv.encode(char, REPERTOIRE);

/** A character as a printer can print it; empty: control characters, which would be commands. */
function printableChar(char: string): string {
  if (/[\p{Cc}\p{Cf}\p{Mn}]/u.test(char)) return '';
  const code = encoded(char);
  const has = code.length === 2 || (code[0] as number) < 0x80;
  if (has && iconv.decode(code, REPERTOIRE) === char) return char;
  return `[U+${(char.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}]`;
}

/**
 * The text in characters that printers have: some are spelled (m³ as 立方米), an accent goes into
 * its letter, and one that no printer has is told by its number in Unicode, by which a clerk finds
 * it: `[U+2CB4E]` for a surname of the supplementary planes. Never another character, and never
 * bytes by accident: no control character is left, since a printer takes them for commands.
 */
export function printable(text: string): string {
  let spelled = text.normalize('NFC');
  for (const [from, to] of SPELLED) spelled = spelled.replaceAll(from, to);
  return [...spelled].map(printableChar).join('');
}

/**
 * Columns that a printable text takes. A printer takes the width from the character's set: one byte
 * of GBK is half as wide as two, so full-width punctuation, `·` and `×` take two columns like a
 * Chinese character.
 */
export function columnsOf(text: string): number {
  return encoded(text).length;
}

/** Breaks at columns, never inside a character, and not before a closing punctuation. */
export function wrap(text: string, columns: number): string[] {
  const rows: string[] = [];
  let row: string[] = [];
  for (const char of text.match(PIECES) ?? []) {
    if (columnsOf(row.join('')) + columnsOf(char) > columns) {
      const kept = NOT_FIRST.test(char) && row.length > 1 ? row.splice(-1) : [];
      rows.push(row.join(''));
      row = kept;
    }
    row.push(char);
  }
  rows.push(row.join(''));
  return rows;
}

/**
 * The slip as the rows that come out of the printer. Bytes and pictures are both made of this one
 * description.
 */
export function layOut(
  slip: readonly SlipLine[],
  { columns }: Pick<PrinterModel, 'columns'>,
): SlipRow[] {
  const row = (text: string, center = false, double = false): SlipRow => ({
    kind: 'text',
    text,
    center,
    double,
  });
  return slip.flatMap((line): SlipRow[] => {
    switch (line.kind) {
      case 'text': {
        const double = line.size === 'double';
        return wrap(printable(line.text), double ? Math.floor(columns / 2) : columns).map((text) =>
          row(text, line.align === 'center', double),
        );
      }
      case 'pair': {
        const [label, value] = [printable(line.label), printable(line.value)];
        const gap = columns - columnsOf(label) - columnsOf(value);
        if (gap >= 1) return [row(label + ' '.repeat(gap) + value)];
        return [...wrap(label, columns), ...wrap(value, columns)].map((text) => row(text));
      }
      case 'rule':
        return [row('-'.repeat(columns))];
      case 'qr':
        return [{ kind: 'qr', text: line.text }];
    }
  });
}
