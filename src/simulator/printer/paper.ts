/** Dots as a printer puts them: rows of `width` booleans. */
export interface PrintedPicture {
  readonly kind: 'picture';
  /** In dots, white at the edges included. */
  readonly width: number;
  readonly rows: readonly Uint8Array[];
  readonly center: boolean;
}

/** What came out of the printer, line by line. */
export type PrintedLine =
  | {
      readonly kind: 'text';
      readonly text: string;
      readonly center: boolean;
      readonly double: boolean;
    }
  | { readonly kind: 'qr'; readonly text: string }
  | PrintedPicture;

/** A piece of paper that was cut off. */
export interface PrintedSlip {
  readonly number: number;
  readonly lines: readonly PrintedLine[];
  /** How it came out; a slip that was drawn back reached nobody. */
  readonly way: 'cut' | 'ejected' | 'retracted';
  /** Across the paper. */
  readonly dots: number;
}

/** Dots of a column: font A. */
const COLUMN = 12;
const MARGIN = 14;

/** Where each character of a row begins: its set is its width, ASCII or not. */
function places(
  line: Extract<PrintedLine, { kind: 'text' }>,
  dots: number,
): { char: string; at: number }[] {
  const column = line.double ? 2 * COLUMN : COLUMN;
  let at = 0;
  const found = [...line.text].map((char) => {
    const here = { char, at };
    at += column * ((char.codePointAt(0) as number) < 0x80 ? 1 : 2);
    return here;
  });
  const left = line.center ? Math.max(0, (dots - at) / 2) : 0;
  return found.map((one) => ({ ...one, at: one.at + left }));
}

/** The black dots of a picture as one path, run by run. */
function dotsOf(picture: PrintedPicture, left: number, top: number): string {
  const runs: string[] = [];
  picture.rows.forEach((row, y) => {
    let from = -1;
    for (let x = 0; x <= picture.width; x++) {
      const black = x < picture.width && ((row[x >> 3] as number) & (0x80 >> (x & 7))) !== 0;
      if (black && from < 0) from = x;
      if (!black && from >= 0) {
        runs.push(`M${left + from} ${top + y}h${x - from}v1h${from - x}z`);
        from = -1;
      }
    }
  });
  return `<path d="${runs.join('')}"/>`;
}

/** The slip as a picture (SVG): black on paper, each character and dot where the printer puts it. */
export function slipSvg(slip: PrintedSlip): string {
  const { dots } = slip;
  let y = 12;
  const parts: string[] = [];
  const escape = (s: string): string =>
    s.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/ /g, '\u00A0');
  for (const line of slip.lines) {
    if (line.kind === 'qr') {
      parts.push(
        `<text x="${dots / 2 + MARGIN}" y="${y + 18}" text-anchor="middle" font-size="14" data-qr="${escape(line.text)}">[二维码] ${escape(line.text.slice(0, 40))}</text>`,
      );
      y += 30;
      continue;
    }
    if (line.kind === 'picture') {
      const left = MARGIN + (line.center ? Math.floor((dots - line.width) / 2) : 0);
      parts.push(dotsOf(line, left, y));
      y += line.rows.length;
      continue;
    }
    const size = line.double ? 46 : 23;
    y += size;
    const all = places(line, dots);
    if (all.length > 0)
      parts.push(
        `<text x="${all.map((one) => one.at + MARGIN).join(' ')}" y="${y}" font-size="${size}">${escape(all.map((one) => one.char).join(''))}</text>`,
      );
    y += line.double ? 8 : 7;
  }
  const width = dots + 2 * MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y + 16}" viewBox="0 0 ${width} ${y + 16}"><rect width="100%" height="100%" fill="#fffdf6"/><g fill="#1a1a1a" font-family="'Noto Sans Mono CJK SC','Noto Sans CJK SC',monospace">${parts.join('')}</g></svg>`;
}
