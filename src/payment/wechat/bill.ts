import { createHash } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { failure } from '../../shared/errors.ts';
import { parseYuan } from '../../shared/money.ts';
import { badBill, billOf } from '../bill-table.ts';
import type { BillRecord } from '../bill-table.ts';
import type { BillResult, BillRow } from '../types.ts';
import { isCode, said, unknown } from './answers.ts';
import type { WechatClient } from './client.ts';

const linkSchema = z.object({
  hash_type: z.literal('SHA1'),
  hash_value: z.string().regex(/^[0-9a-fA-F]{40}$/),
  download_url: z.string().max(2_048),
});

/**
 * The trade bill of a day: a signed link, then an unsigned file that must have the hash of the
 * signed answer (`GET /v3/bill/tradebill`, payments.md section A). It is ready after 10:00 of the
 * next day.
 */
export async function wechatBill(client: WechatClient, date: string): Promise<BillResult> {
  const x = await client.exchange(
    'GET',
    `/v3/bill/tradebill?bill_date=${encodeURIComponent(date)}&bill_type=ALL`,
    undefined,
  );
  if (x.kind !== 'answer') return unknown(x.failure);
  if (isCode(x, 'NO_STATEMENT_EXIST')) return { kind: 'none' };
  if (isCode(x, 'STATEMENT_CREATING'))
    return { kind: 'not-ready', failure: failure('PAY-0203', said(x)) };
  if (x.status !== 200) return unknown(failure('PAY-0204', said(x)));
  const link = linkSchema.safeParse(x.json);
  if (!link.success)
    return unknown(failure('PAY-0201', 'the bill’s link is not of the promised form', link.error));
  const file = await client.download(link.data.download_url);
  if (file.kind !== 'file') return unknown(file.failure);
  if (createHash('sha1').update(file.bytes).digest('hex') !== link.data.hash_value.toLowerCase())
    return unknown(failure('PAY-0201', 'the bill file has not the hash that was promised'));
  return parseTradeBill(file.bytes.toString('utf8'));
}

/**
 * Reads a trade bill by its column names: a header, rows of cells with a backtick before each, a
 * totals header and a totals row. A bill that does not add up is unknown; so is one without the sum
 * of the order or of what was applied for, since those without are smaller by a coupon.
 */
export function parseTradeBill(text: string): BillResult {
  const whole = text.replace(/^\uFEFF/, '');
  const begin = whole.indexOf('\n`');
  const end = whole.lastIndexOf('\n总交易单数');
  const names = (whole.split(/\r?\n/, 1)[0] ?? '').split(',');
  const at = (name: string): number => names.indexOf(name);
  const columns: Columns = {
    time: at('交易时间'),
    transaction: at('微信订单号'),
    trade: at('商户订单号'),
    state: at('交易状态'),
    refundNo: at('商户退款单号'),
    refund: at('申请退款金额'),
    status: at('退款状态'),
    paid: at('订单金额'),
  };
  if (Object.values(columns).some((n) => n < 0)) return badBill('columns missing');
  if (end < 0) return badBill('totals missing');
  const records =
    begin < 0 || begin > end ? [] : tableOf(whole.slice(begin + 2, end).replace(/\r$/, ''));
  const totals = tableOf(/^.*\r?\n`?(.*)/.exec(whole.slice(end + 1))?.[1] ?? '');
  return billOf(
    records.map((cells) =>
      cells.length === names.length ? recordOf(cells, columns) : { kind: 'unreadable', cells },
    ),
    Number(totals[0]?.[0] ?? Number.NaN),
  );
}

interface Columns {
  readonly time: number;
  readonly transaction: number;
  readonly trade: number;
  readonly state: number;
  readonly refundNo: number;
  readonly refund: number;
  readonly status: number;
  readonly paid: number;
}

/**
 * Rows of cells, the first backtick already taken away. A cell ends where a comma and the next
 * cell's backtick stand, a row where a line break and a backtick do: commas, quotes and line breaks
 * inside are text.
 */
function tableOf(text: string): string[][] {
  return parse(text, {
    delimiter: ',`',
    record_delimiter: ['\r\n`', '\n`'],
    quote: null,
    relax_column_count: true,
  });
}

function recordOf(cells: readonly string[], columns: Columns): BillRecord {
  const cell = (n: number): string => cells[n] ?? '';
  const state = cell(columns.state);
  const atMs = Date.parse(`${cell(columns.time).replace(' ', 'T')}+08:00`);
  const back = state === 'REFUND' || state === 'REVOKED';
  // As payments count with the order's sum, refunds do with what was applied for.
  const amountFen = parseYuan(cell(back ? columns.refund : columns.paid));
  if (
    (state !== 'SUCCESS' && !back) ||
    amountFen === null ||
    Number.isNaN(atMs) ||
    cell(columns.trade) === ''
  )
    return { kind: 'unreadable', cells };
  // A reversal of an unpaid order hands nothing back.
  if (state === 'REVOKED' && amountFen === 0) return { kind: 'idle' };
  return {
    kind: 'row',
    row: {
      kind: state === 'SUCCESS' ? 'payment' : state === 'REFUND' ? 'refund' : 'reversal',
      outTradeNo: cell(columns.trade),
      transactionId: cell(columns.transaction),
      outRefundNo: state === 'REFUND' ? cell(columns.refundNo) : '',
      amountFen,
      atMs,
      ...(back ? outcomeOf(state, cell(columns.status)) : {}),
    },
  };
}

/**
 * What became of money that was to go back (退款状态). `CHANGE`: the payer's account took it not, the
 * merchant must hand it over otherwise. A word that is not known proves no refund.
 */
function outcomeOf(state: string, status: string): Pick<BillRow, 'outcome'> {
  if (status === 'SUCCESS' || (state === 'REVOKED' && status === '')) return {};
  return { outcome: status === 'CHANGE' || status === 'FAIL' ? 'failed' : 'pending' };
}
