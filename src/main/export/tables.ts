import writeXlsxFile from 'write-excel-file/node';
import type { SheetData } from 'write-excel-file/node';
import { shiftLineName } from '../../kiosk/words/shift-slip.ts';
import { shiftRef } from '../../shared/shift.ts';
import type { ClosedShift, Shift, ShiftSum } from '../../shared/shift.ts';
import { chinaTime } from '../../shared/time.ts';

/** The settlements as tables: for an accountant's spreadsheet. Sums are yuan with two places. */

/** A cell: a text, or a sum in fen. */
type Cell = string | { readonly fen: number } | { readonly count: number };
interface Table {
  readonly name: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

const yuan = (fen: number): string => {
  const digits = String(Math.abs(fen)).padStart(3, '0');
  return `${fen < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
};
const both = ({ count, fen }: ShiftSum): Cell[] => [{ count }, { fen }];

const SUMS = [
  ['上班在途', (s: Shift) => s.opening.transit],
  ['收款', (s: Shift) => s.captured],
  ['其中自动退回', (s: Shift) => s.extra],
  ['到账', (s: Shift) => s.delivered],
  ['其中上班收的到账', (s: Shift) => s.olderDelivered],
  ['退款', (s: Shift) => s.refunded],
  ['其中上班收的退款', (s: Shift) => s.olderRefunded],
  ['转待处理', (s: Shift) => s.parked],
  ['本班在途', (s: Shift) => s.closing.transit],
  ['上班待处理', (s: Shift) => s.opening.parked],
  ['人工退款', (s: Shift) => s.settled['refunded-by-hand']],
  ['人工补写', (s: Shift) => s.settled['delivered-by-hand']],
  ['无需处理', (s: Shift) => s.settled['nothing-due']],
  ['本班待处理', (s: Shift) => s.closing.parked],
  ['付款码冲正', (s: Shift) => s.reversed],
] as const;

/** @param named who closed a shift, and what he said: only where the file is sealed */
function tablesOf(shifts: readonly ClosedShift[], named: boolean): readonly Table[] {
  // Bare, a spreadsheet takes `1-12` for a day in January.
  const begin = (s: Shift): Cell[] => [`${shiftRef(s)} 班`];
  const lines = (name: string, of: 'services' | 'payments'): Table => ({
    name,
    head: ['班次', name, '收款笔数', '收款', '到账笔数', '到账', '退款笔数', '退款'],
    rows: shifts.flatMap(({ shift }) =>
      shift[of].map((line) => [
        ...begin(shift),
        shiftLineName(line.key),
        ...both(line.captured),
        ...both(line.delivered),
        ...both(line.refunded),
      ]),
    ),
  });
  return [
    {
      name: '班次',
      head: [
        '班次',
        '起',
        '止',
        '账本起',
        '账本止',
        ...SUMS.flatMap(([label]) => [`${label}笔数`, label]),
        '差额',
        '校验',
        ...(named ? ['结班人', '说明'] : []),
      ],
      rows: shifts.map(({ shift: s, closedMs, hash, who, why }) => [
        ...begin(s),
        s.firstMs === null ? '' : chinaTime(s.firstMs),
        chinaTime(closedMs),
        `纪元 ${s.from.epoch} 序号 ${s.from.seq + 1}`,
        `纪元 ${s.to.epoch} 序号 ${s.to.seq}`,
        ...SUMS.flatMap(([, of]) => both(of(s))),
        { fen: s.difference.transitFen + s.difference.parkedFen },
        hash,
        ...(named ? [who, why] : []),
      ]),
    },
    lines('业务', 'services'),
    lines('付款方式', 'payments'),
  ];
}

/**
 * A text as a spreadsheet shows it and never runs it: what would begin a formula there gets an
 * apostrophe before it (OWASP, CSV Injection).
 */
export const harmless = (text: string): string =>
  /^[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text;

/** RFC 4180: a field in quotes, and its quotes doubled, where it needs it. */
function field(cell: Cell): string {
  if (typeof cell !== 'string') return 'fen' in cell ? yuan(cell.fen) : String(cell.count);
  const text = harmless(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** All tables in one file, a blank line between; with a byte order mark, as spreadsheets want. */
export function shiftsCsv(shifts: readonly ClosedShift[], named: boolean): string {
  const table = ({ head, rows }: Table): string =>
    [head, ...rows].map((row) => row.map(field).join(',')).join('\r\n');
  return `\uFEFF${tablesOf(shifts, named).map(table).join('\r\n\r\n')}\r\n`;
}

/** A sheet for each table; sums are numbers with two places. */
export async function shiftsXlsx(shifts: readonly ClosedShift[], named: boolean): Promise<Buffer> {
  const sheets = tablesOf(shifts, named).map(({ name, head, rows }) => ({
    sheet: name,
    data: [
      head.map((value) => ({ value, fontWeight: 'bold' as const })),
      ...rows.map((row) =>
        row.map((cell) =>
          typeof cell === 'string'
            ? { value: harmless(cell), type: String }
            : 'fen' in cell
              ? { value: cell.fen / 100, type: Number, format: '0.00' }
              : { value: cell.count, type: Number, format: '0' },
        ),
      ),
    ] as SheetData,
  }));
  return writeXlsxFile(sheets).toBuffer();
}
