import { parse } from 'csv-parse/sync';
import iconv from 'iconv-lite';
import { z } from 'zod';
import { failure } from '../../shared/errors.ts';
import { parseYuan } from '../../shared/money.ts';
import { unzip } from '../../shared/zip.ts';
import { badBill, billOf } from '../bill-table.ts';
import type { BillRecord } from '../bill-table.ts';
import type { BillResult } from '../types.ts';
import type { AlipayClient } from './client.ts';

const linkSchema = z.object({ bill_download_url: z.string().max(2_048) });
const MAX_BILL_BYTES = 256 << 20;
/** Columns of free text: names of goods, shops, people. They may hold commas that nobody quotes. */
const FREE = ['商品名称', '门店名称', '操作员', '对方账户', '券名称', '备注'];
/** A row with more commas too many is not read: there would be too many ways to read it. */
const MOST_COMMAS = 12;
const TIME = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/;
const MONEY = /^-?\d+(\.\d{1,2})?$/;

/**
 * The trade bill of a day: a signed link, then a ZIP with two GBK files, the details and their
 * summary (`alipay.data.dataservice.bill.downloadurl.query`). The file itself is neither signed nor
 * hashed: it counts as what the line delivered, so production needs https (load.ts).
 */
export async function alipayBill(client: AlipayClient, date: string): Promise<BillResult> {
  const x = await client.call('alipay.data.dataservice.bill.downloadurl.query', {
    bill_type: 'trade',
    bill_date: date,
  });
  if (x.kind === 'refused') {
    // The names that the page gives for "no bill of that day" and "not made yet".
    if (x.code === 'isp.bill_not_exist' || x.code === 'BILL_NOT_EXIST') return { kind: 'none' };
    if (x.code === 'isp.bill_not_ready' || x.code === 'BILL_NOT_READY')
      return { kind: 'not-ready', failure: failure('PAY-0203', x.said) };
    return { kind: 'unknown', failure: failure('PAY-0204', x.said) };
  }
  if (x.kind !== 'done')
    return {
      kind: 'unknown',
      failure: x.kind === 'going-on' ? failure('PAY-0201', 'a bill that is going on') : x.failure,
    };
  const link = linkSchema.safeParse(x.json);
  if (!link.success)
    return {
      kind: 'unknown',
      failure: failure('PAY-0201', 'the bill’s link is not of the promised form', link.error),
    };
  const file = await client.download(link.data.bill_download_url);
  if (file.kind !== 'file') return { kind: 'unknown', failure: file.failure };
  try {
    const texts = unzip(file.bytes, MAX_BILL_BYTES).map((entry) =>
      iconv.decode(entry.bytes, 'gb18030'),
    );
    const details = texts.find((text) => text.includes('业务类型') && text.includes('商户订单号'));
    return details === undefined ? badBill('no details in the archive') : parseDetails(details);
  } catch (cause) {
    return badBill(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/**
 * Reads the details: lines with # around, a header, rows with a tab behind each cell. A refund's
 * row names our refund number (退款批次号/请求号) and a negative sum; a cancel's refund has the trade's own
 * number there or nothing. Only what went back has a row: there is no status column.
 */
export function parseDetails(text: string): BillResult {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const head = lines.findIndex((l) => !l.startsWith('#') && l.includes('业务类型'));
  const names = (lines[head] ?? '').split(',').map((n) => n.trim());
  const column = (name: string): number => names.findIndex((n) => n.startsWith(name));
  const at: Columns = {
    transaction: column('支付宝交易号'),
    trade: column('商户订单号'),
    type: column('业务类型'),
    done: column('完成时间'),
    sum: column('订单金额'),
    refundNo: column('退款批次号'),
  };
  if (Object.values(at).some((n) => n < 0)) return badBill('columns missing');
  // The two totals stand on lines of their own; sums of money stand between.
  const paid = /^#交易合计：(\d+)笔/m.exec(text);
  const back = /^#.*退款合计：(\d+)笔/m.exec(text);
  if (paid === null || back === null) return badBill('totals missing');
  const body = lines.slice(head + 1).filter((l) => l !== '' && !l.startsWith('#'));
  return billOf(
    whole(body, names.length, at.type).map((cells) => recordOf(cells, names, at)),
    Number(paid[1]) + Number(back[1]),
  );
}

const isType = (cell: string | undefined): boolean => cell === '交易' || cell === '退款';

interface Columns {
  readonly transaction: number;
  readonly trade: number;
  readonly type: number;
  readonly done: number;
  readonly sum: number;
  readonly refundNo: number;
}

/**
 * The cells of each row. Nothing is quoted in this file, so quotes are text. A line break in free
 * text cuts a row in two: what follows a row with too few cells and does not begin as rows do is
 * its other half.
 */
function whole(lines: readonly string[], columns: number, typeAt: number): string[][] {
  const table: string[][] = parse(lines.join('\n'), {
    relax_column_count: true,
    quote: null,
    trim: true,
    record_delimiter: '\n',
  });
  const rows: string[][] = [];
  for (const cells of table) {
    const last = rows.at(-1);
    if (last !== undefined && last.length < columns && !isType(cells[typeAt]))
      rows.push([
        ...(rows.pop() ?? []).slice(0, -1),
        `${last.at(-1) ?? ''} ${cells[0] ?? ''}`,
        ...cells.slice(1),
      ]);
    else rows.push(cells);
  }
  return rows;
}

function recordOf(raw: readonly string[], names: readonly string[], at: Columns): BillRecord {
  const unreadable = { kind: 'unreadable', cells: raw } as const;
  const cells = aligned(raw, names, at);
  if (cells === null) return unreadable;
  const cell = (i: number): string => cells[i] ?? '';
  const type = cell(at.type);
  const amountFen = parseYuan(cell(at.sum).replace(/^-/, ''));
  const atMs = Date.parse(`${cell(at.done).replace(' ', 'T')}+08:00`);
  const trade = cell(at.trade);
  if (!isType(type) || amountFen === null || Number.isNaN(atMs) || trade === '') return unreadable;
  const refundNo = cell(at.refundNo);
  const isOwnRefund = type === '退款' && refundNo !== '' && refundNo !== trade;
  return {
    kind: 'row',
    row: {
      kind: type === '交易' ? 'payment' : isOwnRefund ? 'refund' : 'reversal',
      outTradeNo: trade,
      transactionId: cell(at.transaction),
      outRefundNo: isOwnRefund ? refundNo : '',
      amountFen,
      atMs,
    },
  };
}

/**
 * A row's cells as many as the header's. Those too many are commas in columns of free text: every
 * way to hand them out under which times are times and sums are sums must read the same, or the row
 * is not readable (null).
 */
function aligned(
  raw: readonly string[],
  names: readonly string[],
  at: Columns,
): readonly string[] | null {
  const extra = raw.length - names.length;
  if (extra === 0) return raw;
  if (extra < 0 || extra > MOST_COMMAS) return null;
  const fits = (cell: string, name: string): boolean =>
    name.endsWith('时间')
      ? TIME.test(cell)
      : name.endsWith('（元）')
        ? cell === '' || MONEY.test(cell)
        : true;
  const read = (cells: readonly string[]): string =>
    JSON.stringify(Object.values(at).map((n) => cells[n]));
  let found: readonly string[] | null = null;
  let unequal = false;
  const place = (cells: readonly string[], from: number, left: number): void => {
    const n = cells.length;
    const name = names[n];
    if (unequal) return;
    if (name === undefined) {
      if (left > 0) return;
      if (found !== null && read(found) !== read(cells)) unequal = true;
      found ??= cells;
      return;
    }
    const most = FREE.some((free) => name.startsWith(free)) ? left : 0;
    for (let k = 0; k <= most; k++) {
      const cell = raw.slice(from, from + k + 1).join(',');
      if (fits(cell, name)) place([...cells, cell], from + k + 1, left - k);
    }
  };
  place([], 0, extra);
  return unequal ? null : found;
}
