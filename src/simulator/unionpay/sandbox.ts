import { createHash, createHmac, createSecretKey } from 'node:crypto';
import { faultSwitches } from '../fault-switches.ts';
import type { CommonFaults } from '../fault-switches.ts';
import { memoryBooks, openBooks } from '../payment-books.ts';
import type { Books, SandboxOrder, SandboxRefund } from '../payment-books.ts';
import { jsonObject, sandboxServer } from '../sandbox-http.ts';
import type {
  SandboxAnswer,
  SandboxExchange,
  SandboxHandle,
  SandboxServer,
} from '../sandbox-http.ts';

export interface UnionpaySandboxOptions {
  /** 0: any free port. */
  readonly port: number;
  /** Folder of the books; null or left out: in memory. */
  readonly dataDir?: string | null;
  /** Books that are open already, instead of `dataDir`'s. */
  readonly books?: Books;
  readonly appId: string;
  readonly appKey: string;
  readonly mid: string;
  readonly tid: string;
  readonly msgSrcId: string;
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
}
export const UNIONPAY_VERBS = [
  'get-qrcode',
  'query',
  'close-qrcode',
  'refund',
  'refund-query',
] as const;
export type UnionpayVerb = (typeof UNIONPAY_VERBS)[number];
/** Faults that count down, one answer each. */
const COUNTED = [
  'dropRequest',
  'dropAnswer',
  'error500',
  'error500Before',
  'rateLimit',
  'tamperBody',
  'tamperSignature',
  'tamperTimestamp',
  'tamperNonce',
  'unsigned',
  'skew',
  'delay',
  'notEnough',
  'refundStuck',
  'refundFails',
  'wrongAmount',
  'wrongOrder',
  'notSure',
] as const;
export type UnionpayFault = (typeof COUNTED)[number];
export type UnionpayFaults = {
  readonly [K in UnionpayFault]?: number;
} & CommonFaults<UnionpayVerb>;
export type UnionpayOutcome =
  | { readonly paid: true; readonly transactionId: string }
  | {
      readonly paid: false;
      readonly reason: 'unknown-code' | 'already-paid' | 'closed' | 'expired';
    };

export interface UnionpaySandbox extends SandboxServer {
  /** One request to the acquirer without HTTP; `start` is not needed for it. */
  readonly handle: SandboxHandle;
  readonly control: {
    /** `late`: the money is taken although the bill is closed or its time is over. */
    readonly pay: (request: {
      readonly codeUrl: string;
      readonly late?: boolean;
    }) => UnionpayOutcome;
    readonly faults: (faults: UnionpayFaults) => void;
    readonly releaseRefunds: () => void;
    readonly books: () => {
      readonly orders: readonly SandboxOrder[];
      readonly refunds: readonly SandboxRefund[];
    };
  };
}

/** Bills whose day is another one are other bills; the books know them by both. */
const keyOf = (billNo: string, billDate: string): string => `${billNo}@${billDate}`;
const china = (ms: number): string =>
  new Date(ms + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
const WINDOW_MS = 300_000;

/**
 * An acquirer of the ChinaUMS kind for demo and tests: bills by number and day, one code for each,
 * OPEN-BODY-SIG both ways. It shares no code with the adapter that it examines. What the real one
 * does beyond payments.md section C is not public; where it is not known, this one does what makes
 * the adapter's life hard (a second request for one bill is refused, a refund's number is taken
 * once).
 */
export function createUnionpaySandbox(options: UnionpaySandboxOptions): UnionpaySandbox {
  const { now } = options;
  const books: Books =
    options.books ??
    (options.dataDir == null ? memoryBooks() : openBooks(options.dataDir, 'unionpay'));
  const hex = (n: number): string => Buffer.from(options.randomBytes(n)).toString('hex');
  const { settings, take, set } = faultSwitches<UnionpayFault, UnionpayVerb, object>(COUNTED, {});
  const appKey = createSecretKey(options.appKey, 'utf8');
  const mac = (timestamp: string, nonce: string, body: Uint8Array): string =>
    createHmac('sha256', appKey)
      .update(options.appId + timestamp + nonce + createHash('sha256').update(body).digest('hex'))
      .digest('base64');
  const digits = (ms: number): string => china(ms).replace(/\D/g, '');
  const refuse = (errCode: string, errMsg: string): Record<string, unknown> => ({
    errCode,
    errMsg,
  });
  const str = (v: unknown): string => (typeof v === 'string' ? v : '');

  function settled(key: string): SandboxOrder | undefined {
    const o = books.orders.get(key);
    if (o === undefined || o.state !== 'NOTPAY' || now() <= o.expiresAtMs) return o;
    const over: SandboxOrder = { ...o, state: 'CLOSED' };
    books.putOrder(over);
    return over;
  }
  const shown = (o: SandboxOrder): Record<string, unknown> => {
    const [billNo = '', billDate = ''] = o.outTradeNo.split('@');
    const url = o.codeUrls[0] ?? '';
    return {
      errCode: 'SUCCESS',
      mid: options.mid,
      tid: options.tid,
      billNo,
      billDate,
      totalAmount: o.total,
      billQRCode: url,
      qrCodeId: new URL(url).searchParams.get('id'),
      billStatus:
        o.state === 'SUCCESS'
          ? 'PAID'
          : o.state === 'REFUND'
            ? 'REFUND'
            : o.state === 'NOTPAY'
              ? 'UNPAID'
              : 'CLOSED',
      ...(o.transactionId === null
        ? {}
        : {
            billPayment: {
              status: 'TRADE_SUCCESS',
              targetOrderId: o.transactionId,
              payTime: china(o.paidAtMs ?? 0),
              totalAmount: o.total,
              targetSys: 'UAC',
            },
          }),
    };
  };
  const refundShown = (r: SandboxRefund): Record<string, unknown> => ({
    errCode: 'SUCCESS',
    billNo: r.outTradeNo.split('@')[0],
    refundOrderId: r.outRefundNo,
    refundAmount: r.refund,
    refundStatus:
      r.status === 'SUCCESS' ? 'SUCCESS' : r.status === 'PROCESSING' ? 'PROCESSING' : 'FAIL',
  });

  function carryOut(
    path: UnionpayVerb,
    json: Readonly<Record<string, unknown>>,
  ): Record<string, unknown> {
    if (
      json['mid'] !== options.mid ||
      json['tid'] !== options.tid ||
      json['instMid'] !== 'QRPAYDEFAULT'
    )
      return refuse('NO_MERCHANT', '商户不存在');
    const billNo = str(json['billNo']);
    const billDate = str(json['billDate']);
    const key = keyOf(billNo, billDate);
    switch (path) {
      case 'get-qrcode': {
        const total = json['totalAmount'];
        const expiresAtMs = Date.parse(`${str(json['expireTime']).replace(' ', 'T')}+08:00`);
        if (
          !billNo.startsWith(options.msgSrcId) ||
          !/^\d{4}-\d\d-\d\d$/.test(billDate) ||
          typeof total !== 'number' ||
          !Number.isSafeInteger(total) ||
          total <= 0 ||
          Number.isNaN(expiresAtMs)
        )
          return refuse('BAD_REQUEST', '参数错误');
        if (settled(key) !== undefined) return refuse('DUP_ORDER', '账单号重复');
        const order: SandboxOrder = {
          outTradeNo: key,
          appid: options.appId,
          mchid: options.mid,
          description: str(json['billDesc']),
          notifyUrl: str(json['notifyUrl']),
          attach: '',
          total,
          expiresAtMs,
          createdAtMs: now(),
          codeUrls: [`https://qr.chinaums.com/bills/qrCode.do?id=${options.msgSrcId}${hex(12)}`],
          state: 'NOTPAY',
          transactionId: null,
          paidAtMs: null,
          captures: 0,
        };
        books.putOrder(order);
        return shown(order);
      }
      case 'query': {
        const o = settled(key);
        if (o === undefined) return refuse('NO_ORDER', '账单不存在');
        const said = shown(o);
        if (take('notSure', path)) return { ...said, billStatus: 'UNKNOWN' };
        if (take('wrongOrder', path)) return { ...said, billNo: `${billNo}X` };
        return take('wrongAmount', path) ? { ...said, totalAmount: o.total + 1 } : said;
      }
      case 'close-qrcode': {
        const o = [...books.orders.values()].find((x) =>
          x.codeUrls.some((u) => new URL(u).searchParams.get('id') === json['qrCodeId']),
        );
        if (o === undefined) return refuse('NO_ORDER', '二维码不存在');
        if (o.state === 'SUCCESS' || o.state === 'REFUND')
          return refuse('OPERATION_NOT_ALLOWED', '账单已支付');
        books.putOrder({ ...o, state: 'CLOSED' });
        return { errCode: 'SUCCESS', qrCodeId: json['qrCodeId'] };
      }
      case 'refund': {
        const o = settled(key);
        const value = json['refundAmount'];
        const outRefundNo = str(json['refundOrderId']);
        if (o === undefined) return refuse('NO_ORDER', '账单不存在');
        if (typeof value !== 'number' || value <= 0 || !outRefundNo.startsWith(options.msgSrcId))
          return refuse('BAD_REQUEST', '参数错误');
        if (books.refunds.has(outRefundNo)) return refuse('DUP_ORDER', '退款单号重复');
        if (o.state !== 'SUCCESS' && o.state !== 'REFUND')
          return refuse('OPERATION_NOT_ALLOWED', '账单未支付');
        if (books.refundsOf(key).reduce((n, r) => n + r.refund, 0) + value > o.total)
          return refuse('REFUND_EXCEED', '超过可退金额');
        if (take('notEnough', path)) return refuse('BALANCE_NOT_ENOUGH', '商户余额不足');
        const stuck = take('refundStuck', path);
        const row: SandboxRefund = {
          outRefundNo,
          outTradeNo: key,
          refundId: outRefundNo,
          refund: value,
          total: o.total,
          reason: '',
          status: stuck ? 'PROCESSING' : take('refundFails', path) ? 'ABNORMAL' : 'SUCCESS',
          createdAtMs: now(),
          readyAtMs: stuck ? null : now(),
          doneAtMs: stuck ? null : now(),
        };
        books.putRefund(row);
        books.putOrder({ ...o, state: 'REFUND' });
        return refundShown(row);
      }
      case 'refund-query': {
        const r = books.refunds.get(str(json['refundOrderId']));
        return r === undefined ? refuse('NO_ORDER', '退款不存在') : refundShown(r);
      }
    }
  }

  const handle: SandboxHandle = (request) => {
    const html = (status: number): SandboxAnswer => ({
      dropped: false,
      status,
      headers: { 'content-type': 'text/html' },
      body: Buffer.from(`<html>`),
    });
    const verb = UNIONPAY_VERBS.find((v) => request.target === `/v1/netpay/bills/${v}`);
    if (verb === undefined) return { delayMs: 0, answer: () => html(404) };
    const at = (answer: (heard?: boolean) => SandboxAnswer, delayMs = 0): SandboxExchange => ({
      delayMs,
      answer,
    });
    if (settings.down || take('dropRequest', verb)) return at(() => ({ dropped: true }));
    if (take('rateLimit', verb)) return at(() => html(429));
    if (take('error500Before', verb)) return at(() => html(500));
    const delayMs = take('delay', verb) ? settings.delayMs : 0;
    return at((heard = true) => {
      const authorization = request.headers['authorization'];
      const parts =
        /^OPEN-BODY-SIG AppId="([^"]*)", Timestamp="(\d{14})", Nonce="([^"]*)", Signature="([^"]*)"$/.exec(
          typeof authorization === 'string' ? authorization : '',
        );
      const [, appId, timestamp = '', nonce = '', signature] = parts ?? [];
      const sentMs = Date.parse(
        `${timestamp.replace(/(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/, '$1-$2-$3T$4:$5:$6')}+08:00`,
      );
      const good =
        parts !== null &&
        appId === options.appId &&
        Math.abs(now() - sentMs) <= WINDOW_MS &&
        signature === mac(timestamp, nonce, request.body);
      const said = good
        ? carryOut(verb, jsonObject(request.body) ?? {})
        : refuse('SIGN_ERROR', '验签失败');
      if (!heard || take('dropAnswer', verb)) return { dropped: true };
      if (take('error500', verb)) return html(502);
      let body = Buffer.from(JSON.stringify(said), 'utf8');
      let time = digits(now() + (take('skew', verb) ? -WINDOW_MS - 5_000 : 0));
      let word = hex(16);
      let sign = mac(time, word, body);
      if (take('tamperBody', verb))
        body = Buffer.from(body.toString('utf8').replace('"', ' "'), 'utf8');
      if (take('tamperTimestamp', verb)) time = digits(now() - 1_000);
      if (take('tamperNonce', verb)) word = `${word}0`;
      if (take('tamperSignature', verb))
        sign = `${sign.startsWith('A') ? 'B' : 'A'}${sign.slice(1)}`;
      const bare = take('unsigned', verb);
      return {
        dropped: false,
        status: good ? 200 : 401,
        headers: {
          'content-type': 'application/json;charset=utf-8',
          ...(bare
            ? {}
            : {
                authorization: `OPEN-BODY-SIG AppId="${options.appId}", Timestamp="${time}", Nonce="${word}", Signature="${sign}"`,
              }),
        },
        body,
      };
    }, delayMs);
  };

  const control: UnionpaySandbox['control'] = {
    pay: ({ codeUrl, late = false }) => {
      const found = books.orderByCode(codeUrl);
      const o = found === undefined ? undefined : settled(found.outTradeNo);
      if (o === undefined) return { paid: false, reason: 'unknown-code' };
      if (o.state === 'SUCCESS' || o.state === 'REFUND')
        return { paid: false, reason: 'already-paid' };
      if (o.state !== 'NOTPAY' && !late)
        return { paid: false, reason: now() > o.expiresAtMs ? 'expired' : 'closed' };
      const transactionId = `20261122${hex(8)}`;
      books.putOrder({
        ...o,
        state: 'SUCCESS',
        transactionId,
        paidAtMs: now(),
        captures: o.captures + 1,
      });
      return { paid: true, transactionId };
    },
    faults: set,
    releaseRefunds: () => {
      for (const r of books.refunds.values())
        if (r.status === 'PROCESSING')
          books.putRefund({ ...r, status: 'SUCCESS', readyAtMs: now(), doneAtMs: now() });
    },
    books: () => ({ orders: [...books.orders.values()], refunds: [...books.refunds.values()] }),
  };

  const server: SandboxServer = sandboxServer(options.port, handle);
  return {
    ...server,
    close: async () => {
      await server.close();
      books.close();
    },
    handle,
    control,
  };
}
