import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AnswerReader, encodeSlip, judgeStatus } from '../../../src/device/printer/escpos.ts';
import { COLUMNS, columnsOf, layOut, printable, wrap } from '../../../src/device/printer/layout.ts';
import { TcpPrinter } from '../../../src/device/printer/tcp.ts';
import type { SlipLine } from '../../../src/device/printer/types.ts';
import { systemClock } from '../../../src/main/ports.ts';
import { SimulatedPrinter, slipSvg } from '../../../src/simulator/printer/printer.ts';
import { QrStore } from '../../../src/simulator/printer/qr-store.ts';
import type { PrintedSlip } from '../../../src/simulator/printer/printer.ts';
import { until } from '../../support/hall.ts';

const SLIP: readonly SlipLine[] = [
  { kind: 'text', text: '阜城燃气', align: 'center', size: 'double' },
  { kind: 'text', text: '购气凭条', align: 'center' },
  { kind: 'rule' },
  { kind: 'pair', label: '订单号', value: '0012·4471' },
  { kind: 'pair', label: '已写入卡', value: '37.73 m³' },
  { kind: 'text', text: '请回家后将卡插入表，听到提示音再拔出。若表不响，请拨打热线。' },
  { kind: 'qr', text: 'https://q.example/0012' },
];

let paper: SimulatedPrinter;
let printer: TcpPrinter;
beforeEach(async () => {
  paper = new SimulatedPrinter();
  printer = new TcpPrinter('127.0.0.1', await paper.start(0), systemClock);
});
afterEach(() => paper.close());

describe('printed means printed', () => {
  it('the whole slip, as it was laid out, and only then', async () => {
    expect(await printer.print(SLIP)).toEqual({ ok: true, value: undefined });
    expect(paper.slips[0]?.lines).toEqual(layOut(SLIP));
    expect(paper.unknown).toEqual([]);
  });

  it('paper that ends in the middle: not printed, though the data were taken', async () => {
    paper.condition.rowsLeft = 4;
    const printed = await printer.print(SLIP);
    expect(printed).toMatchObject({
      ok: false,
      error: { code: 'DEV-0101', detail: 'paper end, in the middle of a slip' },
    });
    expect(paper.slips).toHaveLength(0);
    // A new roll: it prints what it held, as real ones do, and nothing is printed twice by us.
    paper.condition.paper = 'ok';
    await until('the rest', () => paper.slips.length > 0);
    expect(await printer.print(SLIP)).toMatchObject({ ok: true });
    expect(paper.slips.map((s) => s.lines.length)).toEqual([
      layOut(SLIP).length,
      layOut(SLIP).length,
    ]);
  });

  it('the cover opened in the middle, and switched off in the middle', async () => {
    paper.condition.coverOpen = false;
    paper.condition.rowsLeft = 2;
    const printing = printer.print(SLIP);
    await until('the end of the paper', () => paper.condition.paper === 'end');
    paper.condition.coverOpen = true;
    expect(await printing).toMatchObject({ ok: false });
    paper.condition.coverOpen = false;
    paper.condition.paper = 'end';
    paper.powerOff();
    paper.condition.paper = 'ok';
    expect(paper.slips).toHaveLength(0);
    expect(await printer.print(SLIP)).toMatchObject({ ok: true });
    expect(paper.slips).toHaveLength(1);
  });

  it('without paper nothing is sent: it would come out before the next customer', async () => {
    paper.condition.paper = 'end';
    expect(await printer.print(SLIP)).toMatchObject({ ok: false, error: { detail: 'paper end' } });
    paper.condition.paper = 'ok';
    expect(await printer.status()).toMatchObject({ ready: true });
    expect(paper.slips).toHaveLength(0);
  });

  it('automatic status on: ready, low, out, and printing all the same', async () => {
    paper.condition.automaticStatus = true;
    expect(await printer.status()).toMatchObject({ ready: true, paperLow: false });
    paper.condition.paper = 'low';
    expect(await printer.status()).toMatchObject({ ready: true, paperLow: true });
    expect(await printer.print(SLIP)).toMatchObject({ ok: true });
    paper.condition.paper = 'end';
    expect(await printer.status()).toMatchObject({
      ready: false,
      failure: { detail: 'paper end' },
    });
  });
});

describe('a code', () => {
  const kept = (text: string): string =>
    Buffer.from(encodeSlip([{ kind: 'qr', text }])).toString('hex');
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

  it('comes out of the printer whole', async () => {
    const text = `https://pay.example.com/r/${'a'.repeat(150)}`;
    expect(await printer.print([{ kind: 'qr', text }])).toMatchObject({ ok: true });
    expect(paper.slips[0]?.lines).toEqual([{ kind: 'qr', text }]);
    expect(paper.unknown).toEqual([]);
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

  it('an automatic status may come in pieces, before an answer and after it', () => {
    const reader = new AnswerReader();
    expect(reader.push([0x12, 0x10])).toEqual([{ kind: 'real-time', byte: 0x12 }]);
    expect(reader.push([0x00, 0x0c])).toEqual([]);
    expect(reader.push([0x0f, 0x12])).toEqual([
      { kind: 'automatic', bytes: [0x10, 0x00, 0x0c, 0x0f] },
      { kind: 'real-time', byte: 0x12 },
    ]);
  });

  it.each([
    ['well', [0x12, 0x12, 0x12], null, false],
    ['low', [0x12, 0x12, 0x1e], null, true],
    ['out', [0x1a, 0x32, 0x72], 'paper end', false],
    ['open', [0x1a, 0x16, 0x12], 'cover open', false],
    ['broken', [0x1a, 0x52, 0x12], 'printer error', false],
    ['off line', [0x1a, 0x12, 0x12], 'offline', false],
    ['silent', [0x12], 'no status answer', false],
  ])('%s', (_what, bytes, detail, paperLow) => {
    const status = judgeStatus(bytes);
    expect([status.ready, status.paperLow, status.failure?.detail ?? null]).toEqual([
      detail === null,
      paperLow,
      detail,
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
    const rows = layOut([
      { kind: 'text', text: odd.repeat(4) },
      { kind: 'text', text: odd, size: 'double' },
      { kind: 'pair', label: odd, value: odd },
      { kind: 'pair', label: '时间·', value: '2026-11-22 09:26:00' },
    ]);
    for (const row of rows)
      expect(columnsOf(row.text)).toBeLessThanOrEqual(
        row.kind === 'text' && row.double ? COLUMNS / 2 : COLUMNS,
      );
    expect(columnsOf(rows.at(-1)?.text ?? '')).toBe(COLUMNS);
  });

  it('a row does not begin with a closing punctuation', () => {
    for (const row of wrap('请回家后将卡插入表中听到提示音，再拔出，谢谢。', 10))
      expect(row).not.toMatch(/^[，。]/);
    expect(wrap('一二三四，五', 8)).toEqual(['一二三', '四，五']);
  });

  it('what the code page has not is spelled or marked, on purpose', () => {
    expect(printable('37.73 m³')).toBe('37.73 立方米');
    expect(printable('¥100')).toBe('￥100');
    expect(printable('张𬭎先生')).toBe('张〓先生');
    expect(printable('ok 😀 €')).toBe('ok 〓 €');
    expect(printable('cafe\u0301')).toBe('café');
  });

  it('no text is a command: control characters are left out', async () => {
    const evil = '电话\u001B@\u0010\u0004\u0001\u001DV\u0000号码\u200B';
    expect(printable(evil)).toBe('电话@V号码');
    await printer.print([{ kind: 'text', text: evil }]);
    expect(paper.unknown).toEqual([]);
    expect(paper.slips.map((s) => s.lines.length)).toEqual([1]);
  });

  it('the picture has each character where the printer puts it', () => {
    const [line] = layOut([{ kind: 'pair', label: '金额', value: '9' }]);
    const svg = slipSvg({ number: 1, lines: [line] } as PrintedSlip);
    const places = /<text x="([^"]*)"/.exec(svg)?.[1]?.split(' ').map(Number) ?? [];
    // Two wide ones, then narrow ones to the last column; the margin is 14 dots.
    expect([places[0], places[1], places[2], places.at(-1)]).toEqual([14, 38, 62, 14 + 31 * 12]);
    expect(svg).toContain('9</text>');
  });

  it('the bytes are GBK', () => {
    const hex = Buffer.from(encodeSlip([{ kind: 'text', text: '气·m³' }])).toString('hex');
    expect(hex).toContain('c6f8a1a4c1a2b7bdc3d70a');
  });
});
