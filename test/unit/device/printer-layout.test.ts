import { describe, expect, it } from 'vitest';
import { AnswerReader } from '../../../src/device/printer/answers.ts';
import { encodeSlip } from '../../../src/device/printer/escpos.ts';
import { columnsOf, layOut, printable, wrap } from '../../../src/device/printer/layout.ts';
import { PRINTER_MODELS } from '../../../src/device/printer/models.ts';
import { receiptCode } from '../../../src/kiosk/words/receipt-code.ts';
import type { SlipAt } from '../../../src/kiosk/words/slip-base.ts';
import { keptSlip } from '../../../src/kiosk/words/slips.ts';
import { slipSvg } from '../../../src/simulator/printer/printer.ts';
import type { PrintedSlip } from '../../../src/simulator/printer/printer.ts';
import { QrStore } from '../../../src/simulator/printer/qr-store.ts';
import { simulated, withCodes } from '../../support/printer-ends.ts';

const MODEL = PRINTER_MODELS['generic-58'];
const PLAIN = { marked: false };

describe('a code', () => {
  const kept = (text: string): string =>
    Buffer.from(encodeSlip([{ kind: 'qr', text }], MODEL, PLAIN)).toString('hex');
  /** GS ( k, function 167. */
  const moduleOf = (text: string): number =>
    Number.parseInt(/1d286b03003143(..)/.exec(kept(text))?.[1] ?? '', 16);

  it('is as large as the paper takes it, white above and below, at the most six dots a module', () => {
    expect(moduleOf('https://q.example/0012')).toBe(6);
    // Version 9: 53 modules and four on each side, of 384 dots.
    expect(moduleOf('a'.repeat(180))).toBe(6);
    // Version 10: 57 and eight.
    expect(moduleOf('a'.repeat(181))).toBe(5);
    expect(moduleOf('a'.repeat(400))).toBe(4);
    // ESC J before the first function and behind the print: four modules of white.
    expect(kept('a'.repeat(181))).toMatch(/1b4a141d286b0400314132001d286b.*1d286b03003151301b4a14/);
  });

  it('a printer knows the values of the manual, and how wide it prints what was stored', () => {
    const store = new QrStore();
    const take = (...bytes: number[]) => store.take(Buffer.from(bytes));
    expect(take(49, 81, 48)).toBe('unknown');
    expect(take(48, 65, 50, 0)).toBe('unknown');
    expect(take(49, 65, 52, 0)).toBe('unknown');
    expect(take(49, 67, 0)).toBe('unknown');
    expect(take(49, 67, 17)).toBe('unknown');
    expect(take(49, 69, 52)).toBe('unknown');
    expect(take(49, 65, 50, 0)).toBeNull();
    expect(take(49, 67, 7)).toBeNull();
    expect(take(49, 69, 49)).toBeNull();
    expect(store.take(Buffer.from(`1P0${'a'.repeat(181)}`))).toBeNull();
    // Version 10 at level M: 57 modules of seven dots, wider than the paper's 384.
    expect(take(49, 81, 48)).toEqual({ text: 'a'.repeat(181), widthDots: 399 });
    expect(take(49, 90, 48)).toBe('unknown');
  });
});

describe('a printer’s bytes', () => {
  const read = (...bytes: number[]): unknown[] => new AnswerReader().push(bytes);

  it('are told apart by their fixed bits', () => {
    expect(read(0x12, 0x16, 0x1e)).toEqual(
      [0x12, 0x16, 0x1e].map((byte) => ({ kind: 'real-time', byte })),
    );
    expect(read(0x00, 0x0f)).toEqual([0x00, 0x0f].map((byte) => ({ kind: 'in-order', byte })));
    expect(read(0x14, 0x00, 0x00, 0x0f, 0x12)).toEqual([
      { kind: 'automatic', bytes: [0x14, 0x00, 0x00, 0x0f] },
      { kind: 'real-time', byte: 0x12 },
    ]);
    // XON, XOFF, and what no printer says.
    expect(read(0x11, 0x13, 0xff, 0x90)).toEqual([]);
  });

  it('a block from its header to NUL: a process number, an empty buffer, or neither', () => {
    const id = [0x37, 0x22, 0x30, 0x30, 0x30, 0x37, 0x00];
    expect(read(...id)).toEqual([{ kind: 'process', id: '0007' }]);
    expect(read(0x37, 0x25, 0x00)).toEqual([{ kind: 'cleared' }]);
    // XOFF in the middle; and what is unknown takes nothing along.
    expect(read(0x37, 0x22, 0x13, ...id.slice(2), 0x12)).toHaveLength(2);
    expect(read(0x37, 0x21, 0x40, 0x00, 0x12)).toEqual([{ kind: 'real-time', byte: 0x12 }]);
    expect(read(...Array.from({ length: 7 }, () => 0x37), 0x12)).toHaveLength(1);
    expect(read(0x37, 0x22, 0x30, 0x00, 0x12)).toHaveLength(1);
  });

  it('an automatic status may come in pieces, before an answer and after it', () => {
    const reader = new AnswerReader();
    expect(reader.push([0x12, 0x10])).toEqual([{ kind: 'real-time', byte: 0x12 }]);
    expect(reader.push([0x00, 0x0c])).toEqual([]);
    expect(reader.push([0x0f, 0x12])).toEqual([
      { kind: 'automatic', bytes: [0x10, 0x00, 0x0c, 0x0f] },
      { kind: 'real-time', byte: 0x12 },
    ]);
  });
});

describe('a slip’s columns', () => {
  it('a character of two bytes is two columns wide, full-width punctuation too', () => {
    expect(['a', '气', '，', '·', '×', '“', '…', '—', '￥'].map(columnsOf)).toEqual([
      1, 2, 2, 2, 2, 2, 2, 2, 2,
    ]);
  });

  it('no row is wider than the paper, whatever is written', () => {
    const odd = '“自助·缴费”——请收好…（24小时）×3，';
    const rows = layOut(
      [
        { kind: 'text', text: odd.repeat(4) },
        { kind: 'text', text: odd, size: 'double' },
        { kind: 'pair', label: odd, value: odd },
        { kind: 'pair', label: '时间·', value: '2026-11-22 09:26:00' },
      ],
      MODEL,
    );
    for (const row of rows)
      expect(columnsOf(row.text)).toBeLessThanOrEqual(
        row.kind === 'text' && row.double ? MODEL.columns / 2 : MODEL.columns,
      );
    expect(columnsOf(rows.at(-1)?.text ?? '')).toBe(MODEL.columns);
  });

  it('a row does not begin with a closing punctuation', () => {
    for (const row of wrap('请回家后将卡插入表中听到提示音，再拔出，谢谢。', 10))
      expect(row).not.toMatch(/^[，。]/);
    expect(wrap('一二三四，五', 8)).toEqual(['一二三', '四，五']);
  });

  it('what no printer has is spelled, or told by its number', () => {
    expect(printable('37.73 m³')).toBe('37.73 立方米');
    expect(printable('¥100')).toBe('￥100');
    expect(printable('ok 😀 €')).toBe('ok [U+1F600] EUR');
    expect(printable('cafe\u0301')).toBe('café');
  });

  it.each([
    ['龑', '龑'],
    ['𬭎', '[U+2CB4E]'],
    ['䶮', '[U+4DAE]'],
    ['㛃', '[U+36C3]'],
  ])('the surname %s is printed, or its number by which a clerk finds it', (char, printed) => {
    const rows = layOut([{ kind: 'pair', label: '户名', value: `张${char}` }], MODEL);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.text).toContain(`张${printed}`);
    // One piece: it stands on one row, whole.
    for (let columns = 10; columns < 20; columns++)
      expect(wrap(printable(`户名是张${char}先生`), columns).join('|')).toContain(printed);
  });

  it('no text is a command: control characters are left out', () => {
    const evil = '电话\u001B@\u0010\u0004\u0001\u001DV\u0000号码\u200B';
    expect(printable(evil)).toBe('电话@V号码');
  });

  it('the picture has each character where the printer puts it', () => {
    const [line] = layOut([{ kind: 'pair', label: '金额', value: '9' }], MODEL);
    const svg = slipSvg({ number: 1, lines: [line], way: 'cut', dots: 384 } as PrintedSlip);
    const places = /<text x="([^"]*)"/.exec(svg)?.[1]?.split(' ').map(Number) ?? [];
    // Two wide ones, then narrow ones to the last column; the margin is 14 dots.
    expect([places[0], places[1], places[2], places.at(-1)]).toEqual([14, 38, 62, 14 + 31 * 12]);
    expect(svg).toContain('9</text>');
  });

  it('the bytes are GBK', () => {
    const hex = Buffer.from(encodeSlip([{ kind: 'text', text: '气·m³' }], MODEL, PLAIN)).toString(
      'hex',
    );
    expect(hex).toContain('c6f8a1a4c1a2b7bdc3d70a');
  });
});

describe('one description, golden bytes and golden pictures', () => {
  const at: SlipAt = {
    header: {
      brand: { zh: '阜城燃气', en: 'Fucheng Gas' },
      site: { zh: '幸福路营业厅', en: 'Xingfu Road hall' },
      terminalName: { zh: '03号机', en: 'No. 3' },
      terminalId: '031100420003',
      panel: null,
    },
    hotline: '96777',
    nowMs: Date.UTC(2026, 10, 29, 4, 0, 0),
    locale: 'zh-CN',
  };
  const url = 'https://pay.example.com/r/abcDEF0123456789abcDEF0123456789abcDEF';
  const slip = [
    ...keptSlip('8800003921', at),
    ...receiptCode(url, true, (zh) => zh),
    { kind: 'pair', label: '户名', value: '张𬭎' } as const,
  ];

  it.each(['generic-58', 'unicode-80'] as const)('%s', async (name) => {
    const model = PRINTER_MODELS[name];
    const bytes = Buffer.from(encodeSlip(slip, model, PLAIN, '0311 0042 7391'));
    const hex = bytes.toString('hex').replace(/(.{96})/g, '$1\n');
    await expect(`${hex}\n`).toMatchFileSnapshot(`golden/slip-${name}.hex`);
    // What the printer understood of them, drawn.
    const paper = simulated(name);
    const end = paper.plug(
      () => undefined,
      () => undefined,
    );
    end.receive(bytes);
    expect(paper.unknown).toEqual([]);
    const [printed] = paper.slips;
    if (printed === undefined) throw new Error('nothing was cut');
    await expect(`${slipSvg(printed)}\n`).toMatchFileSnapshot(`golden/slip-${name}.svg`);
    // By either way the code is the one of the description, quiet zone and all.
    expect(withCodes(printed.lines, [url]).filter((l) => l.kind === 'qr')).toEqual([
      { kind: 'qr', text: url },
    ]);
  });
});
