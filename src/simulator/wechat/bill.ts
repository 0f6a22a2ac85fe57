import type { Books, SandboxOrder } from '../payment-books.ts';

const HEAD = [
  '交易时间',
  '公众账号ID',
  '商户号',
  '特约商户号',
  '设备号',
  '微信订单号',
  '商户订单号',
  '用户标识',
  '交易类型',
  '交易状态',
  '付款银行',
  '货币种类',
  '应结订单金额',
  '代金券金额',
  '微信退款单号',
  '商户退款单号',
  '退款金额',
  '充值券退款金额',
  '退款类型',
  '退款状态',
  '商品名称',
  '商户数据包',
  '手续费',
  '费率',
  '订单金额',
  '申请退款金额',
  '费率备注',
];
const TOTALS = [
  '总交易单数',
  '应结订单总金额',
  '退款总金额',
  '充值券退款总金额',
  '手续费总金额',
  '订单总金额',
  '申请退款总金额',
];
const yuan = (fen: number): string => (fen / 100).toFixed(2);
const time = (ms: number): string =>
  new Date(ms + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
const line = (cells: readonly string[]): string => cells.map((c) => `\`${c}`).join(',');

/**
 * The trade bill of a day (China's): a header, a row for each capture, refund and reversal, then
 * totals; money in yuan, a backtick before each cell, a byte-order mark (payments.md section A).
 * Null: nothing happened.
 */
export function tradeBill(books: Books, date: string): string | null {
  const from = Date.parse(`${date}T00:00:00+08:00`);
  const within = (ms: number | null | undefined): ms is number =>
    typeof ms === 'number' && ms >= from && ms < from + 86_400_000;
  const rows: {
    readonly atMs: number;
    readonly cells: readonly string[];
    readonly paid: number;
    readonly settled: number;
    readonly back: number;
    readonly sent: number;
  }[] = [];
  /** What of a sum was cash: a coupon pays its part of each refund too. */
  const cash = (o: SandboxOrder, fen: number): number =>
    fen - Math.round(((o.couponFen ?? 0) * fen) / Math.max(o.total, 1));
  const row = (
    o: SandboxOrder,
    atMs: number,
    state: string,
    paid: number,
    refund: {
      readonly id: string;
      readonly no: string;
      readonly fen: number;
      readonly status: string;
    } | null,
  ): void => {
    rows.push({
      atMs,
      paid,
      settled: cash(o, paid),
      back: refund?.fen ?? 0,
      sent: cash(o, refund?.fen ?? 0),
      cells: [
        time(atMs),
        o.appid,
        o.mchid,
        '0',
        '',
        o.transactionId ?? '',
        o.outTradeNo,
        'sandbox-payer',
        o.tradeType ?? 'NATIVE',
        state,
        'OTHERS',
        'CNY',
        yuan(cash(o, paid)),
        yuan(paid - cash(o, paid)),
        refund?.id ?? '0',
        refund?.no ?? '0',
        yuan(cash(o, refund?.fen ?? 0)),
        '0.00',
        refund === null ? '' : 'ORIGINAL',
        refund?.status ?? '',
        o.description,
        o.attach,
        '0.00000',
        '0.00%',
        yuan(paid),
        yuan(refund?.fen ?? 0),
        '',
      ],
    });
  };
  for (const o of books.orders.values()) {
    if (o.transactionId === null) continue;
    if (within(o.paidAtMs)) row(o, o.paidAtMs, 'SUCCESS', o.total, null);
    if (within(o.reversedAtMs))
      row(o, o.reversedAtMs, 'REVOKED', 0, {
        id: o.transactionId,
        no: o.outTradeNo,
        fen: o.total,
        status: 'SUCCESS',
      });
    for (const r of books.refundsOf(o.outTradeNo))
      if (within(r.createdAtMs))
        row(o, r.createdAtMs, 'REFUND', 0, {
          id: r.refundId,
          no: r.outRefundNo,
          fen: r.refund,
          status: r.status === 'ABNORMAL' ? 'CHANGE' : r.status,
        });
  }
  if (rows.length === 0) return null;
  rows.sort((a, b) => a.atMs - b.atMs);
  const total = (of: 'paid' | 'settled' | 'back' | 'sent'): string =>
    yuan(rows.reduce((n, r) => n + r[of], 0));
  const totals = [
    String(rows.length),
    total('settled'),
    total('sent'),
    '0.00',
    '0.00000',
    total('paid'),
    total('back'),
  ];
  return `\uFEFF${[HEAD.join(','), ...rows.map((r) => line(r.cells)), TOTALS.join(','), line(totals)].join('\r\n')}\r\n`;
}
