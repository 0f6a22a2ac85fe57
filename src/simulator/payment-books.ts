import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

export type TradeState =
  | 'NOTPAY'
  | 'USERPAYING'
  | 'PAYERROR'
  | 'SUCCESS'
  | 'REFUND'
  | 'CLOSED'
  | 'REVOKED';
export type RefundStatus = 'PROCESSING' | 'SUCCESS' | 'ABNORMAL' | 'CLOSED';

/**
 * One order in a sandbox's books: by QR code, or by the customer's code. States have WeChat's
 * names; a reversed one is REVOKED at either.
 */
export interface SandboxOrder {
  readonly outTradeNo: string;
  readonly appid: string;
  readonly mchid: string;
  readonly description: string;
  readonly notifyUrl: string;
  readonly attach: string;
  readonly total: number;
  readonly expiresAtMs: number;
  readonly createdAtMs: number;
  readonly codeUrls: readonly string[];
  readonly state: TradeState;
  readonly transactionId: string | null;
  readonly paidAtMs: number | null;
  /** How often money was taken for it: more than 1 would be the sandbox's own fault. */
  readonly captures: number;
  /**
   * Absent: NATIVE. MICROPAY: its one `codeUrls` entry is `auth:` and the customer's code. JSAPI:
   * they are `prepay:` and the prepay ids.
   */
  readonly tradeType?: 'MICROPAY' | 'JSAPI';
  /** JSAPI: who alone can pay it. */
  readonly openid?: string;
  /** Alipay: the QR code was scanned, so that a trade exists. */
  readonly scannedAtMs?: number;
  /** What of the sum a coupon paid, in fen. */
  readonly couponFen?: number;
  /** A paid one that was reversed: its whole sum went back then. */
  readonly reversedAtMs?: number;
}
export interface SandboxRefund {
  readonly outRefundNo: string;
  readonly outTradeNo: string;
  readonly refundId: string;
  readonly refund: number;
  readonly total: number;
  readonly reason: string;
  readonly status: RefundStatus;
  readonly createdAtMs: number;
  /** When PROCESSING becomes SUCCESS; null: stuck until released. */
  readonly readyAtMs: number | null;
  readonly doneAtMs: number | null;
}
/** What a sandbox keeps: its orders and refunds. */
export interface Books {
  readonly orders: ReadonlyMap<string, SandboxOrder>;
  readonly refunds: ReadonlyMap<string, SandboxRefund>;
  readonly orderByCode: (codeUrl: string) => SandboxOrder | undefined;
  /** Every refund of one order. */
  readonly refundsOf: (outTradeNo: string) => readonly SandboxRefund[];
  readonly putOrder: (order: SandboxOrder) => void;
  readonly putRefund: (refund: SandboxRefund) => void;
  readonly close: () => void;
}

type Line = { readonly order: SandboxOrder } | { readonly refund: SandboxRefund };

/** Books in memory only: they live as long as this object. */
export function memoryBooks(): Books {
  return booksOver(
    () => undefined,
    () => undefined,
  );
}

/**
 * The books: JSON lines, the last line of a number counts, each line on the disk before anything is
 * answered. A half line at the end (power cut) is cut off.
 */
export function openBooks(
  dataDir: string,
  name: 'wechat' | 'alipay' | 'unionpay' = 'wechat',
): Books {
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, `${name}-books.jsonl`);
  const fd = openSync(file, 'a+');
  const bytes = readFileSync(file);
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end < bytes.length) ftruncateSync(fd, end);
  let reading = true;
  const append = (row: Line): void => {
    if (reading) return;
    const line = Buffer.from(`${JSON.stringify(row)}\n`, 'utf8');
    let at = 0;
    while (at < line.length) at += writeSync(fd, line, at);
    fsyncSync(fd);
  };
  const books = booksOver(append, () => closeSync(fd));
  for (const line of bytes.subarray(0, end).toString('utf8').split('\n')) {
    if (line === '') continue;
    const row = JSON.parse(line) as { order?: SandboxOrder; refund?: SandboxRefund };
    if (row.order !== undefined) books.putOrder(row.order);
    if (row.refund !== undefined) books.putRefund(row.refund);
  }
  reading = false;
  return books;
}

/** @param append keeps a row before it counts */
function booksOver(append: (row: Line) => void, end: () => void): Books {
  const orders = new Map<string, SandboxOrder>();
  const refunds = new Map<string, SandboxRefund>();
  const codes = new Map<string, string>();
  const refundNos = new Map<string, Set<string>>();
  let open = true;
  return {
    orders,
    refunds,
    orderByCode: (codeUrl) => {
      const no = codes.get(codeUrl);
      return no === undefined ? undefined : orders.get(no);
    },
    refundsOf: (outTradeNo) =>
      [...(refundNos.get(outTradeNo) ?? [])].flatMap((no) => refunds.get(no) ?? []),
    putOrder: (order) => {
      append({ order });
      orders.set(order.outTradeNo, order);
      for (const code of order.codeUrls) codes.set(code, order.outTradeNo);
    },
    putRefund: (refund) => {
      append({ refund });
      refunds.set(refund.outRefundNo, refund);
      const of = refundNos.get(refund.outTradeNo);
      if (of === undefined) refundNos.set(refund.outTradeNo, new Set([refund.outRefundNo]));
      else of.add(refund.outRefundNo);
    },
    close: () => {
      if (open) end();
      open = false;
    },
  };
}
