import { parse } from 'csv-parse/sync';
import iconv from 'iconv-lite';
import { readSheet } from 'read-excel-file/node';

/** A cell as its file has it. */
export interface Cell {
  /** Exactly as written: a number too, never by way of a float. */
  readonly text: string;
  /** What a spreadsheet took it for; a CSV has texts only. */
  readonly as: 'text' | 'number' | 'date';
}
/** A file's table: headings, and rows with the line (or the sheet's row) that each begins in. */
export interface ImportTable {
  readonly headings: readonly string[];
  readonly rows: readonly { readonly line: number; readonly cells: readonly Cell[] }[];
}
/** What is wrong with a file, a line or a cell; `code` is stable. */
export interface ImportProblem {
  /** 1 is the headings'; 0: the file as a whole. */
  readonly line: number;
  /** A column's name; empty: the line as a whole. */
  readonly column: string;
  readonly code: ImportCode;
  readonly detail: string;
}
/** Stable; docs/fleet.md has them with what to do. */
export type ImportCode =
  | 'not-readable'
  | 'encoding'
  | 'no-rows'
  | 'unknown-column'
  | 'column-twice'
  | 'missing-column'
  | 'cells'
  | 'empty'
  | 'lost-zeros'
  | 'formula'
  | 'not-this'
  | 'twice'
  | 'differs'
  | 'card-of-another'
  | 'meter-of-another'
  | 'fixed'
  | 'unknown-tariff'
  | 'unknown-user';

/** A file larger than this is no table of accounts. */
const MAX_BYTES = 256 << 20;

/** Reads CSV (UTF-8 with or without its mark, UTF-16 with it, GBK and GB 18030) or XLSX. */
export async function readTable(bytes: Uint8Array): Promise<ImportTable | ImportProblem> {
  const bad = (code: ImportCode, detail: string): ImportProblem => ({
    line: 0,
    column: '',
    code,
    detail,
  });
  if (bytes.length > MAX_BYTES) return bad('not-readable', `more than ${MAX_BYTES} bytes`);
  try {
    // A zip begins so (APPNOTE.TXT, 4.3.7), and XLSX is one.
    const isZip = Buffer.from(bytes.subarray(0, 4)).toString('latin1') === 'PK\u0003\u0004';
    if (isZip) return await readXlsx(bytes);
    const text = decoded(bytes);
    return text === null
      ? bad('encoding', 'neither UTF-8 nor GB 18030: save it as “CSV UTF-8”')
      : readCsv(text);
  } catch (cause) {
    return bad('not-readable', cause instanceof Error ? cause.message : String(cause));
  }
}

function decoded(bytes: Uint8Array): string | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (buffer[0] === 0xff && buffer[1] === 0xfe) return new TextDecoder('utf-16le').decode(buffer);
  if (buffer[0] === 0xfe && buffer[1] === 0xff) return new TextDecoder('utf-16be').decode(buffer);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer);
  } catch {
    const text = iconv.decode(buffer, 'gb18030');
    return text.includes('\ufffd') || text.includes('\0') ? null : text;
  }
}

interface CsvRow {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}
function readCsv(text: string): ImportTable {
  const [first = ''] = text.split(/[\r\n]/, 1);
  const rows = parse(text, {
    // Excel writes tabs into “Unicode text”, and semicolons where the comma is for decimals.
    delimiter: [',', '\t', ';', '，'].find((d) => first.includes(d)) ?? ',',
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: false,
    info: true,
  }) as unknown as readonly CsvRow[];
  /** A CR LF in quotes is counted twice by csv-parse, here and in all lines behind it. */
  let twice = 0;
  const breaks = (record: readonly string[], pattern: RegExp): number =>
    record.reduce((n, cell) => n + (cell.match(pattern)?.length ?? 0), 0);
  return tableOf(
    rows.map(({ record, info }) => {
      twice += breaks(record, /\r\n/g);
      return {
        // `lines` is where a record ends; one with line breaks in quotes began before.
        line: info.lines - twice - breaks(record, /\r\n|\r|\n/g),
        cells: record.map((cell): Cell => ({ text: cell, as: 'text' })),
      };
    }),
  );
}

/** A number as the sheet's XML has it. */
class SheetNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
async function readXlsx(bytes: Uint8Array): Promise<ImportTable> {
  const data = (await readSheet(Buffer.from(bytes), {
    trim: false,
    parseNumber: (text: string) => new SheetNumber(text),
  } as never)) as unknown as readonly (readonly unknown[])[];
  return tableOf(
    data.map((row, i) => ({
      line: i + 1,
      cells: row.map((value): Cell => {
        if (value instanceof SheetNumber) return { text: plain(value.text), as: 'number' };
        if (value instanceof Date) return { text: value.toISOString().slice(0, 10), as: 'date' };
        return { text: value === null || value === undefined ? '' : String(value), as: 'text' };
      }),
    })),
  );
}

/**
 * Excel keeps 17 digits of a double and an exponent: 0.1 may stand as 0.10000000000000001, and a
 * card's number as 8.800003921E9. The shortest text of the same double is what the person typed.
 */
const plain = (text: string): string =>
  Number.isFinite(Number(text))
    ? Number(text).toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 20 })
    : text;

/** Rows without anything in them are left out, wherever they are. */
function tableOf(all: ImportTable['rows']): ImportTable {
  const rows = all.filter(({ cells }) => cells.some(({ text }) => text.trim() !== ''));
  return {
    headings: (rows[0]?.cells ?? []).map(({ text }) => text),
    rows: rows.slice(1),
  };
}
