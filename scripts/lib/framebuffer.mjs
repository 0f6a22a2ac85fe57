// Looks at a screen as Xvfb keeps it (-fbdir: an XWD file), and tells letters from the boxes that stand for letters
// that no font has.
import { readFileSync, writeFileSync } from 'node:fs';

/** Glyphs of a line of text are between these, in pixels; what is larger is a picture or a panel. */
const MIN_HEIGHT = 12;
const MAX_HEIGHT = 120;
/** Each glyph is compared as so many cells a side. */
const CELLS = 12;

/**
 * X.h's XWDFileHeader: 25 numbers of 32 bits, the high byte first, then the window's name and the
 * colours.
 */
function readXwd(file) {
  const bytes = readFileSync(file);
  const word = (at) => bytes.readUInt32BE(at * 4);
  const [headerSize, width, height, order, bits, line, colours] = [0, 4, 5, 7, 11, 12, 19].map(
    word,
  );
  const start = headerSize + colours * 12;
  const grey = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = start + y * line + x * (bits / 8);
      // Only the byte order of a pixel depends on the machine; the mean of three does not.
      const from = order === 0 ? at : at + (bits === 32 ? 1 : 0);
      grey[y * width + x] = (bytes[from] + bytes[from + 1] + bytes[from + 2]) / 3;
    }
  return { width, height, grey };
}

/** Runs of true in a row of answers, as [from, to). */
function runs(length, is) {
  const found = [];
  let from = -1;
  for (let i = 0; i <= length; i++) {
    const on = i < length && is(i);
    if (on && from < 0) from = i;
    if (!on && from >= 0) {
      found.push([from, i]);
      from = -1;
    }
  }
  return found;
}

/**
 * Glyphs of the screen: connected strokes, joined where one stands above or inside another as the
 * parts of a Chinese character do.
 */
function glyphs({ width, height, grey }) {
  // A stroke differs from the pixel's ground, which is the commonest grey of its row's neighbourhood.
  const edge = new Uint8Array(width * height);
  for (let y = 1; y < height; y++)
    for (let x = 1; x < width; x++) {
      const at = y * width + x;
      if (Math.abs(grey[at] - grey[at - 1]) > 40 || Math.abs(grey[at] - grey[at - width]) > 40)
        edge[at] = 1;
    }
  const lines = [];
  // Bands of rows with edges; within a band, bands of columns.
  for (const [top, bottom] of runs(height, (y) => {
    let count = 0;
    for (let x = 0; x < width; x++) count += edge[y * width + x];
    return count > 3;
  })) {
    if (bottom - top < MIN_HEIGHT || bottom - top > MAX_HEIGHT) continue;
    const columns = runs(width, (x) => {
      for (let y = top; y < bottom; y++) if (edge[y * width + x] === 1) return true;
      return false;
    });
    lines.push(...columns.map(([left, right]) => ({ left, right, top, bottom })));
  }
  return lines
    .filter((b) => b.right - b.left >= MIN_HEIGHT / 2 && b.right - b.left <= MAX_HEIGHT)
    .map((b) => {
      const shape = [];
      for (let cy = 0; cy < CELLS; cy++)
        for (let cx = 0; cx < CELLS; cx++) {
          const x = Math.floor(b.left + ((cx + 0.5) * (b.right - b.left)) / CELLS);
          const y = Math.floor(b.top + ((cy + 0.5) * (b.bottom - b.top)) / CELLS);
          let on = 0;
          for (let dy = -1; dy <= 1; dy++)
            for (let dx = -1; dx <= 1; dx++) on |= edge[(y + dy) * width + x + dx] ?? 0;
          shape.push(on);
        }
      return shape.join('');
    });
}

/**
 * How many glyphs a screen shows, how many different ones, and how often the commonest. Boxes for
 * missing letters are all the same.
 */
export function lookAtScreen(file) {
  const screen = readXwd(file);
  const all = glyphs(screen);
  const counts = new Map();
  for (const shape of all) counts.set(shape, (counts.get(shape) ?? 0) + 1);
  return {
    glyphs: all.length,
    shapes: counts.size,
    commonest: Math.max(0, ...counts.values()),
    save: (to) =>
      writeFileSync(
        to,
        Buffer.concat([Buffer.from(`P5\n${screen.width} ${screen.height}\n255\n`), screen.grey]),
      ),
  };
}
