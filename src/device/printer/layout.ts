import iconv from 'iconv-lite';
import type { SlipLine } from './types.ts';

/** Columns of 58 mm paper in font A (ESC/POS, 12 dots a column at 384 dots). */
export const COLUMNS = 32;
/** Printers call it GB18030 and have the letters of its two-byte part (GBK). */
const CODE_PAGE = 'gb18030';

/** One row as it stands on the paper: no wider than the paper, and of printable characters only. */
export type SlipRow =
  | {
      readonly kind: 'text';
      readonly text: string;
      readonly center: boolean;
      readonly double: boolean;
    }
  | { readonly kind: 'qr'; readonly text: string };

/** What is spelled where the code page has no character for it. */
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
]);
/** Stands for a letter that no printer has, as typesetters do (U+3013). */
const MISSING = '〓';
/** These do not begin a row: the letter before them comes along. */
const NOT_FIRST = /^[、，。；：！？）】》」』”％]/;

const encoded = (char: string): Buffer => iconv.encode(char, CODE_PAGE);

/** A character as the printer can print it; empty: control characters, which would be commands. */
function printableChar(char: string): string {
  if (/[\p{Cc}\p{Cf}\p{Mn}]/u.test(char)) return '';
  const { length } = encoded(char);
  // Four bytes are GB18030's, beyond GBK: printers read them as two odd characters.
  return length <= 2 && iconv.decode(encoded(char), CODE_PAGE) === char ? char : MISSING;
}

/**
 * The text in characters that the printer's code page has: some are spelled (m³ as 立方米), an
 * accent goes into its letter, and what cannot be printed is 〓. Never bytes by accident: no
 * control character is left, since a printer takes them for commands.
 */
export function printable(text: string): string {
  let spelled = text.normalize('NFC');
  for (const [from, to] of SPELLED) spelled = spelled.replaceAll(from, to);
  return [...spelled].map(printableChar).join('');
}

/**
 * Columns that a printable text takes. A printer takes the width from the code: one byte is half as
 * wide as two, so full-width punctuation, `·` and `×` take two columns like a Chinese character.
 */
export function columnsOf(text: string): number {
  return encoded(text).length;
}

/** Breaks at columns, never inside a character, and not before a closing punctuation. */
export function wrap(text: string, columns: number): string[] {
  const rows: string[] = [];
  let row: string[] = [];
  for (const char of text) {
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
export function layOut(slip: readonly SlipLine[], columns = COLUMNS): SlipRow[] {
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
