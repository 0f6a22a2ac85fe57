import { createHash } from 'node:crypto';
import { z } from 'zod';
import { failure } from '../../shared/errors.ts';
import { parseYuan } from '../../shared/money.ts';
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
 * totals header and a totals row. Anything that does not add up makes the bill unknown: a bill that
 * is half read would accuse orders.
 */
export function parseTradeBill(text: string): BillResult {
  const bad = (why: string): BillResult => unknown(failure('PAY-0201', `bill: ${why}`));
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((l) => l !== '');
  const names = (lines[0] ?? '').split(',');
  const at = (name: string): number => names.indexOf(name);
  const columns = {
    time: at('交易时间'),
    transaction: at('微信订单号'),
    trade: at('商户订单号'),
    state: at('交易状态'),
    refundNo: at('商户退款单号'),
    refund: at('退款金额'),
    paid: at('订单金额'),
  };
  const settled = at('应结订单金额');
  if (Object.values(columns).some((n) => n < 0) && !(columns.paid < 0 && settled >= 0))
    return bad('columns missing');
  const paidAt = columns.paid < 0 ? settled : columns.paid;
  // As payments count with the order's sum, refunds do with what was asked for: coupons make the
  // settled sum smaller. Older bills lack the column.
  const asked = at('申请退款金额');
  const status = at('退款状态');
  const refundAt = asked < 0 ? columns.refund : asked;
  const rows: BillRow[] = [];
  let end = 1;
  for (; lines[end]?.startsWith('`') === true; end++) {
    const cells = (lines[end] as string).slice(1).split(',`');
    const cell = (n: number): string => cells[n] ?? '';
    const state = cell(columns.state);
    const atMs = Date.parse(`${cell(columns.time).replace(' ', 'T')}+08:00`);
    const back = state === 'REFUND' || state === 'REVOKED';
    if (state !== 'SUCCESS' && !back) return bad(`state ${state}`);
    const amountFen = parseYuan(cell(back ? refundAt : paidAt));
    if (amountFen === null || Number.isNaN(atMs) || cell(columns.trade) === '')
      return bad(`row ${end}`);
    // A reversal of an unpaid order hands nothing back.
    if (state === 'REVOKED' && amountFen === 0) continue;
    rows.push({
      kind: state === 'SUCCESS' ? 'payment' : state === 'REFUND' ? 'refund' : 'reversal',
      outTradeNo: cell(columns.trade),
      transactionId: cell(columns.transaction),
      outRefundNo: state === 'REFUND' ? cell(columns.refundNo) : '',
      amountFen,
      atMs,
      ...(back ? outcomeOf(state, cell(status)) : {}),
    });
  }
  const count = Number((lines[end + 1] ?? '').slice(1).split(',`')[0]);
  if (count !== end - 1)
    return bad(
      `${end - 1} rows, its total says ${lines[end + 1] === undefined ? 'nothing' : count}`,
    );
  return { kind: 'bill', rows };
}

/**
 * What became of money that was to go back (退款状态). `CHANGE`: the payer's account took it not, the
 * merchant must hand it over otherwise. A word that is not known proves no refund.
 */
function outcomeOf(state: string, status: string): Pick<BillRow, 'outcome'> {
  if (status === 'SUCCESS' || (state === 'REVOKED' && status === '')) return {};
  return { outcome: status === 'CHANGE' || status === 'FAIL' ? 'failed' : 'pending' };
}
