import { parse } from 'csv-parse/sync';
import iconv from 'iconv-lite';
import { z } from 'zod';
import { failure } from '../../shared/errors.ts';
import { parseYuan } from '../../shared/money.ts';
import { unzip } from '../../shared/zip.ts';
import type { BillResult, BillRow } from '../types.ts';
import type { AlipayClient } from './client.ts';

const linkSchema = z.object({ bill_download_url: z.string().max(2_048) });
const MAX_BILL_BYTES = 256 << 20;
/** Numbers that kiosks (shared/order-id.ts) and the gateway (central/gateway/legs.ts) make. */
const OURS = /^(P\d{12}E|G[0-9A-Fa-f]{26}$)/;

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
    return details === undefined
      ? { kind: 'unknown', failure: failure('PAY-0201', 'bill: no details in the archive') }
      : parseDetails(details);
  } catch (cause) {
    return {
      kind: 'unknown',
      failure: failure(
        'PAY-0201',
        `bill: ${cause instanceof Error ? cause.message : String(cause)}`,
        cause,
      ),
    };
  }
}

/**
 * Reads the details: lines with # around, a header, rows with a tab behind each cell. A refund's
 * row names our refund number (退款批次号/请求号) and a negative sum; a cancel's refund has the trade's own
 * number there or nothing.
 */
export function parseDetails(text: string): BillResult {
  const bad = (why: string): BillResult => ({
    kind: 'unknown',
    failure: failure('PAY-0201', `bill: ${why}`),
  });
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const head = lines.findIndex((l) => !l.startsWith('#') && l.includes('业务类型'));
  const names = (lines[head] ?? '').split(',').map((n) => n.trim());
  const column = (name: string): number => names.findIndex((n) => n.startsWith(name));
  const at = {
    transaction: column('支付宝交易号'),
    trade: column('商户订单号'),
    type: column('业务类型'),
    done: column('完成时间'),
    sum: column('订单金额'),
    refundNo: column('退款批次号'),
  };
  if (Object.values(at).some((n) => n < 0)) return bad('columns missing');
  const rows: BillRow[] = [];
  const body = lines.slice(head + 1).filter((l) => l !== '' && !l.startsWith('#'));
  const table = body.map((line) => cellsOf(line, names.length, at.done));
  for (const [n, cells] of table.entries()) {
    const cell = (i: number): string => cells?.[i] ?? '';
    const type = cell(at.type);
    const amountFen = parseYuan(cell(at.sum).replace(/^-/, ''));
    const ms = Date.parse(`${cell(at.done).replace(' ', 'T')}+08:00`);
    if (
      (type !== '交易' && type !== '退款') ||
      amountFen === null ||
      Number.isNaN(ms) ||
      cell(at.trade) === ''
    ) {
      // Numbers of this product are letters and digits that kiosks or the gateway make: a row of
      // another shop's is none of its business, whatever it holds.
      const trade = (body[n] ?? '').split(',')[at.trade]?.trim() ?? '';
      if (OURS.test(trade)) return bad(`row of ${trade}`);
      continue;
    }
    const refundNo = cell(at.refundNo);
    rows.push({
      kind:
        type === '交易'
          ? 'payment'
          : refundNo === '' || refundNo === cell(at.trade)
            ? 'reversal'
            : 'refund',
      outTradeNo: cell(at.trade),
      transactionId: cell(at.transaction),
      outRefundNo: type === '退款' && refundNo !== cell(at.trade) ? refundNo : '',
      amountFen,
      atMs: ms,
    });
  }
  // The two totals stand on lines of their own; sums of money stand between.
  const paid = /^#交易合计：(\d+)笔/m.exec(text);
  const back = /^#.*退款合计：(\d+)笔/m.exec(text);
  if (paid === null || back === null) return bad('totals missing');
  const count = Number(paid[1]) + Number(back[1]);
  return count === body.length
    ? { kind: 'bill', rows }
    : bad(`${body.length} rows, its total says ${count}`);
}

/**
 * A row's cells as many as the header's. Free text may hold commas that nobody quotes: where there
 * are too many cells, those in front of the times are 商品名称 (before 创建时间). Null: not readable.
 */
function cellsOf(line: string, columns: number, doneAt: number): readonly string[] | null {
  const [cells = []] = parse(line, {
    relax_column_count: true,
    quote: null,
    trim: true,
  }) as string[][];
  const extra = cells.length - columns;
  if (extra < 0) return null;
  const time = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/;
  for (let k = 0; k <= extra; k++)
    if (time.test(cells[doneAt + k] ?? '') && time.test(cells[doneAt - 1 + k] ?? ''))
      return [
        ...cells.slice(0, doneAt - 2),
        cells.slice(doneAt - 2, doneAt - 1 + k).join(','),
        ...cells.slice(doneAt - 1 + k),
      ];
  return null;
}
