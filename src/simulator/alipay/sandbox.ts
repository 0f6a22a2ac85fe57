import { paidNotification } from './notification.ts';
import type { Callback } from '../wechat/callback.ts';
import { createPrivateKey, createPublicKey, createSign, createVerify } from 'node:crypto';
import type { Signer, Verifier } from '../../shared/ports.ts';
import { memoryBooks, openBooks } from '../payment-books.ts';
import type { Books, SandboxOrder, SandboxRefund } from '../payment-books.ts';
import { faultSwitches } from '../fault-switches.ts';
import type { CommonFaults } from '../fault-switches.ts';
import { jsonObject, sandboxServer } from '../sandbox-http.ts';
import type {
  SandboxAnswer,
  SandboxHandle,
  SandboxRequest,
  SandboxServer,
} from '../sandbox-http.ts';
import { zippedBill } from './bill.ts';

/** Keys, books and clock of the sandbox. */
export interface AlipaySandboxOptions {
  /** 0: any free port. */
  readonly port: number;
  /** Folder of the books; null: in memory. */
  readonly dataDir: string | null;
  /** Books that are open already, instead of `dataDir`'s. */
  readonly books?: Books;
  readonly appPublicKeyPem: string;
  readonly alipayPrivateKeyPem: string;
  readonly appId: string;
  /** Tells merchants of payments at their `notify_url`; left out: tells nobody. */
  readonly notify?: (url: string, notification: Callback) => void;
  /** Where bill files are fetched; left out: this sandbox's own port. */
  readonly publicUrl?: () => string;
  /** At the end of a bill's link, for whoever shares the address; left out: nothing. */
  readonly linkSuffix?: string;
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Instead of the real algorithm with the keys above, for the simulation. */
  readonly crypto?: { readonly appVerifier: Verifier; readonly alipaySigner: Signer };
}

export const ALIPAY_VERBS = [
  'create',
  'query',
  'cancel',
  'refund',
  'queryRefund',
  'charge',
  'bill',
  'billFile',
] as const;
export type AlipayVerb = (typeof ALIPAY_VERBS)[number];
/** Faults that count down, one answer each. */
const COUNTED = [
  'dropRequest',
  'dropAnswer',
  'error500',
  'error500Before',
  'systemError',
  'rateLimit',
  'tamperBody',
  'tamperSignature',
  'tamperTimestamp',
  'tamperNonce',
  'unsigned',
  'skew',
  'delay',
  'refundStuck',
  'notEnough',
  'refundRefused',
  'wrongAmount',
  'wrongOrder',
  'askPassword',
  'balanceShort',
  'riskRefused',
  'codeExpired',
  'retryCancel',
  'billNone',
  'billShops',
] as const;
export type AlipayFault = (typeof COUNTED)[number];
export type AlipayFaults = { readonly [K in AlipayFault]?: number } & CommonFaults<AlipayVerb>;
export type PayOutcome =
  | { readonly paid: true; readonly transactionId: string }
  | {
      readonly paid: false;
      readonly reason: 'unknown-code' | 'already-paid' | 'closed' | 'expired';
    };

/** The pretend phone and the fault switches. */
export interface AlipaySandboxControl {
  /** `late`: the money is taken although the trade is closed or its time is over. */
  readonly pay: (request: { readonly codeUrl: string; readonly late?: boolean }) => PayOutcome;
  /** The customer scans: from here a trade exists. */
  readonly scan: (request: { readonly codeUrl: string }) => { readonly scanned: boolean };
  readonly faults: (faults: AlipayFaults) => void;
  readonly releaseRefunds: () => void;
  readonly books: () => {
    readonly orders: readonly SandboxOrder[];
    readonly refunds: readonly SandboxRefund[];
  };
  readonly calls: () => Readonly<Record<AlipayVerb, number>>;
}
export interface AlipaySandbox extends SandboxServer {
  /** One request to the gateway without HTTP; `start` is not needed for it. */
  readonly handle: SandboxHandle;
  readonly control: AlipaySandboxControl;
}

/** What a call came to, before either protocol words it. v2: 10000, 10003, 40004; v3: 200, 202, 400. */
type Outcome =
  | { readonly kind: 'done'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'going-on'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };
const refused = (code: string, message: string): Outcome => ({ kind: 'refused', code, message });

const VERB_OF: Readonly<Record<string, AlipayVerb>> = {
  'alipay.trade.precreate': 'create',
  'alipay.trade.pay': 'charge',
  'alipay.trade.query': 'query',
  'alipay.trade.cancel': 'cancel',
  'alipay.trade.refund': 'refund',
  'alipay.trade.fastpay.refund.query': 'queryRefund',
  'alipay.data.dataservice.bill.downloadurl.query': 'bill',
};
/** A precreated code is good for two hours, unless it was given less. */
const CODE_LIFE_MS = 2 * 3_600_000;
const CODE_PAY_LIFE_MS = 60_000;
/** Above this the wallet asks for its password. */
const PASSWORD_ABOVE_FEN = 100_000;
const WINDOW_MS = 300_000;
const BILL_LINK_MS = 30_000;

function realCrypto(keys: Pick<AlipaySandboxOptions, 'appPublicKeyPem' | 'alipayPrivateKeyPem'>): {
  appVerifier: Verifier;
  alipaySigner: Signer;
} {
  const appKey = createPublicKey(keys.appPublicKeyPem);
  const ownKey = createPrivateKey(keys.alipayPrivateKeyPem);
  return {
    appVerifier: {
      verify: (bytes, signature) =>
        createVerify('sha256WithRSAEncryption').update(bytes).verify(appKey, signature),
    },
    alipaySigner: {
      sign: (bytes) => createSign('sha256WithRSAEncryption').update(bytes).sign(ownKey),
    },
  };
}

/**
 * An Alipay gateway for demo and tests: protocols v3 and v2, signatures both ways, books on disk.
 * It shares no code with the adapter that it examines. A trade exists from the scan on; a cancel
 * leaves a mark under a number that has none yet, and nothing can be paid under it any more.
 */
export function createAlipaySandbox(options: AlipaySandboxOptions): AlipaySandbox {
  const { appVerifier, alipaySigner } = options.crypto ?? realCrypto(options);
  const books: Books =
    options.books ??
    (options.dataDir === null ? memoryBooks() : openBooks(options.dataDir, 'alipay'));
  const { now } = options;
  const hex = (n: number): string => Buffer.from(options.randomBytes(n)).toString('hex');
  const digits = (n: number): string =>
    [...options.randomBytes(n)].map((b) => String(b % 10)).join('');
  const { settings, take, set } = faultSwitches<AlipayFault, AlipayVerb, object>(COUNTED, {});
  const calls = Object.fromEntries(ALIPAY_VERBS.map((v) => [v, 0])) as Record<AlipayVerb, number>;

  const str = (v: unknown): string => (typeof v === 'string' ? v : '');
  const yuan = (fen: number): string => (fen / 100).toFixed(2);
  const fenOf = (text: unknown): number | null => {
    const m = /^(\d{1,9})(?:\.(\d{1,2}))?$/.exec(str(text));
    const fen = m === null ? 0 : Number(m[1]) * 100 + Number((m[2] ?? '').padEnd(2, '0'));
    return fen > 0 ? fen : null;
  };
  const local = (ms: number): string =>
    new Date(ms + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
  const isPaid = (o: SandboxOrder): boolean => o.state === 'SUCCESS' || o.state === 'REFUND';
  const exists = (o: SandboxOrder | undefined): o is SandboxOrder =>
    o !== undefined && (o.scannedAtMs !== undefined || o.tradeType !== undefined);
  const refundedFen = (o: SandboxOrder): number =>
    books.refundsOf(o.outTradeNo).reduce((n, r) => n + r.refund, 0);
  /** An unpaid trade ends with its time. */
  function settle(o: SandboxOrder | undefined): SandboxOrder | undefined {
    if (
      o === undefined ||
      (o.state !== 'NOTPAY' && o.state !== 'USERPAYING') ||
      now() <= o.expiresAtMs
    )
      return o;
    const over: SandboxOrder = { ...o, state: 'CLOSED' };
    books.putOrder(over);
    return over;
  }
  const wrongNumber = (biz: Readonly<Record<string, unknown>>): Outcome | null =>
    /^[0-9A-Za-z_]{1,64}$/.test(str(biz['out_trade_no']))
      ? null
      : refused('ACQ.INVALID_PARAMETER', '商户订单号不合规');

  function create(biz: Readonly<Record<string, unknown>>): Outcome {
    const outTradeNo = str(biz['out_trade_no']);
    const total = fenOf(biz['total_amount']);
    const subject = str(biz['subject']);
    if (total === null || subject === '' || subject.length > 256)
      return refused('ACQ.INVALID_PARAMETER', '参数无效');
    const expire =
      biz['time_expire'] === undefined
        ? now() + CODE_LIFE_MS
        : Date.parse(`${str(biz['time_expire']).replace(' ', 'T')}+08:00`);
    if (Number.isNaN(expire)) return refused('ACQ.INVALID_PARAMETER', 'time_expire不合规');
    const codeUrl = `https://qr.alipay.com/bax${hex(8)}`;
    const old = settle(books.orders.get(outTradeNo));
    if (old !== undefined) {
      if (isPaid(old)) return refused('ACQ.TRADE_HAS_SUCCESS', '交易已被支付');
      if (old.state === 'CLOSED' || old.state === 'REVOKED')
        return refused('ACQ.TRADE_HAS_CLOSE', '交易已经关闭');
      if (old.total !== total || old.description !== subject)
        return refused('ACQ.CONTEXT_INCONSISTENT', '交易信息被篡改');
      books.putOrder({ ...old, codeUrls: [...old.codeUrls, codeUrl] });
    } else
      books.putOrder({
        outTradeNo,
        appid: options.appId,
        mchid: '',
        description: subject,
        notifyUrl: str(biz['notify_url']),
        attach: '',
        total,
        expiresAtMs: Math.min(expire, now() + CODE_LIFE_MS),
        createdAtMs: now(),
        codeUrls: [codeUrl],
        state: 'NOTPAY',
        transactionId: null,
        paidAtMs: null,
        captures: 0,
      });
    return { kind: 'done', body: { out_trade_no: outTradeNo, qr_code: codeUrl } };
  }

  function query(outTradeNo: string, verb: AlipayVerb): Outcome {
    const o = settle(books.orders.get(outTradeNo));
    if (!exists(o)) return refused('ACQ.TRADE_NOT_EXIST', '交易不存在');
    const whole = o.state === 'REVOKED' || refundedFen(o) >= o.total;
    const status = isPaid(o)
      ? whole
        ? 'TRADE_CLOSED'
        : 'TRADE_SUCCESS'
      : o.state === 'CLOSED' || o.state === 'REVOKED' || o.state === 'PAYERROR'
        ? 'TRADE_CLOSED'
        : 'WAIT_BUYER_PAY';
    return {
      kind: 'done',
      body: {
        out_trade_no: take('wrongOrder', verb) ? `${o.outTradeNo}X`.slice(-64) : o.outTradeNo,
        trade_no: o.transactionId ?? `2026${digits(24)}`,
        trade_status: status,
        total_amount: yuan(take('wrongAmount', verb) ? o.total + 1 : o.total),
        buyer_logon_id: '138****0000',
        ...(o.paidAtMs === null
          ? {}
          : {
              send_pay_date: local(o.paidAtMs),
              receipt_amount: yuan(o.total),
              buyer_pay_amount: yuan(o.total),
            }),
      },
    };
  }

  function charge(biz: Readonly<Record<string, unknown>>): Outcome {
    const outTradeNo = str(biz['out_trade_no']);
    const total = fenOf(biz['total_amount']);
    const auth = str(biz['auth_code']);
    if (
      total === null ||
      str(biz['subject']) === '' ||
      str(biz['scene']) !== 'bar_code' ||
      str(biz['product_code']) !== 'FACE_TO_FACE_PAYMENT'
    )
      return refused('ACQ.INVALID_PARAMETER', '参数无效');
    const old = settle(books.orders.get(outTradeNo));
    if (old !== undefined) {
      if (isPaid(old)) return refused('ACQ.TRADE_HAS_SUCCESS', '交易已被支付');
      if (old.state === 'CLOSED' || old.state === 'REVOKED')
        return refused('ACQ.TRADE_HAS_CLOSE', '交易已经关闭');
      return refused('ACQ.CONTEXT_INCONSISTENT', '交易信息被篡改');
    }
    const code = `auth:${auth}`;
    if (
      !/^(2[5-9]|30)\d{14,22}$/.test(auth) ||
      books.orderByCode(code) !== undefined ||
      take('codeExpired', 'charge')
    )
      return refused('ACQ.PAYMENT_AUTH_CODE_INVALID', '支付失败，获取顾客账户信息失败');
    const order: SandboxOrder = {
      outTradeNo,
      appid: options.appId,
      mchid: '',
      description: str(biz['subject']),
      notifyUrl: '',
      attach: '',
      total,
      expiresAtMs: now() + CODE_PAY_LIFE_MS,
      createdAtMs: now(),
      codeUrls: [code],
      state: 'PAYERROR',
      transactionId: null,
      paidAtMs: null,
      captures: 0,
      tradeType: 'MICROPAY',
    };
    if (take('balanceShort', 'charge')) {
      books.putOrder(order);
      return refused('ACQ.BUYER_BALANCE_NOT_ENOUGH', '买家余额不足');
    }
    if (take('riskRefused', 'charge')) {
      books.putOrder(order);
      return refused('ACQ.PAYMENT_REQUEST_HAS_RISK', '支付有风险');
    }
    if (take('askPassword', 'charge') || total > PASSWORD_ABOVE_FEN) {
      books.putOrder({ ...order, state: 'USERPAYING' });
      return {
        kind: 'going-on',
        body: { out_trade_no: outTradeNo, buyer_logon_id: '138****0000' },
      };
    }
    books.putOrder({ ...order, state: 'NOTPAY' });
    control.pay({ codeUrl: code });
    const paid = books.orders.get(outTradeNo) as SandboxOrder;
    return {
      kind: 'done',
      body: {
        out_trade_no: outTradeNo,
        trade_no: paid.transactionId,
        total_amount: yuan(take('wrongAmount', 'charge') ? total + 1 : total),
        receipt_amount: yuan(total),
        gmt_payment: local(paid.paidAtMs ?? 0),
        buyer_logon_id: '138****0000',
      },
    };
  }

  function cancel(outTradeNo: string): Outcome {
    const o = settle(books.orders.get(outTradeNo));
    if (take('retryCancel', 'cancel'))
      return { kind: 'done', body: { out_trade_no: outTradeNo, retry_flag: 'Y' } };
    const mark: SandboxOrder = o ?? {
      outTradeNo,
      appid: options.appId,
      mchid: '',
      description: '',
      notifyUrl: '',
      attach: '',
      total: 0,
      expiresAtMs: now(),
      createdAtMs: now(),
      codeUrls: [],
      state: 'NOTPAY',
      transactionId: null,
      paidAtMs: null,
      captures: 0,
    };
    if (isPaid(mark)) {
      if (local(mark.paidAtMs ?? 0).slice(0, 10) !== local(now()).slice(0, 10))
        return refused('ACQ.TRADE_CANCEL_TIME_OUT', '超过撤销时间范围');
      if (refundedFen(mark) > 0) return refused('ACQ.REASON_TRADE_BEEN_REFUNDED', '交易已退款');
      books.putOrder({ ...mark, state: 'REVOKED', reversedAtMs: now() });
      return {
        kind: 'done',
        body: {
          out_trade_no: outTradeNo,
          trade_no: mark.transactionId,
          retry_flag: 'N',
          action: 'refund',
        },
      };
    }
    if (mark.state !== 'CLOSED' && mark.state !== 'REVOKED')
      books.putOrder({ ...mark, state: 'CLOSED' });
    return {
      kind: 'done',
      body: {
        out_trade_no: outTradeNo,
        retry_flag: 'N',
        ...(exists(o) ? { action: o.reversedAtMs === undefined ? 'close' : 'refund' } : {}),
      },
    };
  }

  function refund(biz: Readonly<Record<string, unknown>>): Outcome {
    const o = books.orders.get(str(biz['out_trade_no']));
    const value = fenOf(biz['refund_amount']);
    const outRefundNo = str(biz['out_request_no']);
    if (!exists(o)) return refused('ACQ.TRADE_NOT_EXIST', '交易不存在');
    if (value === null || outRefundNo === '') return refused('ACQ.INVALID_PARAMETER', '参数无效');
    if (!isPaid(o)) return refused('ACQ.TRADE_STATUS_ERROR', '交易状态不合法');
    const body = {
      out_trade_no: o.outTradeNo,
      trade_no: o.transactionId,
      refund_fee: yuan(refundedFen(o)),
      gmt_refund_pay: local(now()),
    };
    const old = books.refunds.get(outRefundNo);
    if (old !== undefined)
      return old.outTradeNo === o.outTradeNo && old.refund === value
        ? { kind: 'done', body: { ...body, fund_change: 'N' } }
        : refused('ACQ.DISCORDANT_REPEAT_REQUEST', '同一请求号金额不一致');
    if (refundedFen(o) + value > o.total)
      return refused('ACQ.REFUND_AMT_NOT_EQUAL_TOTAL', '退款金额超限');
    if (take('notEnough', 'refund'))
      return refused('ACQ.SELLER_BALANCE_NOT_ENOUGH', '卖家余额不足');
    if (take('refundRefused', 'refund')) return refused('ACQ.TRADE_HAS_FINISHED', '交易已完结');
    const stuck = take('refundStuck', 'refund');
    books.putRefund({
      outRefundNo,
      outTradeNo: o.outTradeNo,
      refundId: o.transactionId ?? '',
      refund: value,
      total: o.total,
      reason: str(biz['refund_reason']),
      status: stuck ? 'PROCESSING' : 'SUCCESS',
      createdAtMs: now(),
      readyAtMs: stuck ? null : now(),
      doneAtMs: stuck ? null : now(),
    });
    books.putOrder({ ...o, state: 'REFUND' });
    return {
      kind: 'done',
      body: { ...body, refund_fee: yuan(refundedFen(o)), fund_change: stuck ? 'N' : 'Y' },
    };
  }

  function queryRefund(biz: Readonly<Record<string, unknown>>): Outcome {
    const o = books.orders.get(str(biz['out_trade_no']));
    if (!exists(o)) return refused('ACQ.TRADE_NOT_EXIST', '交易不存在');
    const r = books.refunds.get(str(biz['out_request_no']));
    if (r === undefined || r.outTradeNo !== o.outTradeNo || r.status !== 'SUCCESS')
      return { kind: 'done', body: { out_trade_no: o.outTradeNo, trade_no: o.transactionId } };
    return {
      kind: 'done',
      body: {
        out_trade_no: o.outTradeNo,
        trade_no: o.transactionId,
        out_request_no: r.outRefundNo,
        refund_amount: yuan(r.refund),
        total_amount: yuan(o.total),
        refund_status: 'REFUND_SUCCESS',
      },
    };
  }

  const files = new Map<string, { readonly bytes: Buffer; readonly madeAtMs: number }>();
  function bill(biz: Readonly<Record<string, unknown>>): Outcome {
    const date = str(biz['bill_date']);
    if (str(biz['bill_type']) !== 'trade' || !/^\d{4}-\d\d-\d\d$/.test(date))
      return refused('isv.invalid-arguments', '参数无效');
    // The bill of a day is there by nine on the next.
    if (now() < Date.parse(`${date}T00:00:00+08:00`) + 33 * 3_600_000)
      return refused('isp.bill_not_ready', '账单未生成');
    const bytes = take('billNone', 'bill')
      ? null
      : zippedBill(books, date, take('billShops', 'bill'));
    if (bytes === null) return refused('isp.bill_not_exist', '账单不存在');
    const token = hex(16);
    files.set(token, { bytes, madeAtMs: now() });
    return {
      kind: 'done',
      body: {
        bill_download_url: `${options.publicUrl?.() ?? `http://127.0.0.1:${server.port()}`}/alipay-bill/download?token=${token}${options.linkSuffix ?? ''}`,
      },
    };
  }

  const control: AlipaySandboxControl = {
    pay: ({ codeUrl, late = false }) => {
      const o = settle(books.orderByCode(codeUrl));
      if (o === undefined) return { paid: false, reason: 'unknown-code' };
      if (isPaid(o) || o.reversedAtMs !== undefined) return { paid: false, reason: 'already-paid' };
      if (o.state === 'CLOSED' && !late)
        return { paid: false, reason: now() > o.expiresAtMs ? 'expired' : 'closed' };
      const transactionId = `2026112222001${digits(15)}`;
      const paid: SandboxOrder = {
        ...o,
        state: 'SUCCESS',
        scannedAtMs: o.scannedAtMs ?? now(),
        transactionId,
        paidAtMs: now(),
        captures: o.captures + 1,
      };
      books.putOrder(paid);
      if (o.notifyUrl !== '')
        options.notify?.(o.notifyUrl, paidNotification({ ...options, alipaySigner }, paid));
      return { paid: true, transactionId };
    },
    scan: ({ codeUrl }) => {
      const o = settle(books.orderByCode(codeUrl));
      if (o === undefined || o.state !== 'NOTPAY') return { scanned: false };
      books.putOrder({ ...o, scannedAtMs: o.scannedAtMs ?? now() });
      return { scanned: true };
    },
    faults: set,
    releaseRefunds: () => {
      for (const r of books.refunds.values())
        if (r.status === 'PROCESSING')
          books.putRefund({ ...r, status: 'SUCCESS', readyAtMs: now(), doneAtMs: now() });
    },
    books: () => ({ orders: [...books.orders.values()], refunds: [...books.refunds.values()] }),
    calls: () => ({ ...calls }),
  };

  // ---- the two protocols ----
  const header = (request: SandboxRequest, name: string): string => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : '';
  };
  const signed = (text: string): string =>
    Buffer.from(alipaySigner.sign(Buffer.from(text, 'utf8'))).toString('base64');
  const bent = (signature: string, verb: AlipayVerb): string =>
    take('tamperSignature', verb)
      ? `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
      : signature;

  interface Asked {
    readonly verb: AlipayVerb;
    readonly biz: Readonly<Record<string, unknown>> | null;
    /** Why the request itself is refused; null: its signature holds. */
    readonly wrong: string | null;
    readonly word: (outcome: Outcome, verb: AlipayVerb) => SandboxAnswer;
  }

  function askedV3(request: SandboxRequest, url: URL): Asked | null {
    const verb = VERB_OF[url.pathname.replace(/^\/v3\//, '').replaceAll('/', '.')];
    if (verb === undefined || request.method !== (verb === 'bill' ? 'GET' : 'POST')) return null;
    const authorization = header(request, 'authorization');
    const [, auth = '', sign = ''] =
      /^ALIPAY-SHA256withRSA (.*),sign=([^,]+)$/.exec(authorization) ?? [];
    const field = (name: string): string =>
      auth
        .split(',')
        .find((p) => p.startsWith(`${name}=`))
        ?.slice(name.length + 1) ?? '';
    const covered = Buffer.concat([
      Buffer.from(`${auth}\n${request.method}\n${request.target}\n`, 'utf8'),
      request.body,
      Buffer.from(`\n`, 'utf8'),
    ]);
    const wrong =
      field('app_id') !== options.appId
        ? 'app_id'
        : Math.abs(now() - Number(field('timestamp'))) > WINDOW_MS
          ? 'timestamp'
          : appVerifier.verify(covered, Buffer.from(sign, 'base64'))
            ? null
            : 'sign';
    return {
      verb,
      wrong,
      biz: verb === 'bill' ? Object.fromEntries(url.searchParams) : jsonObject(request.body),
      word: (outcome, of) => {
        let body = JSON.stringify(
          outcome.kind === 'refused'
            ? { code: outcome.code, message: outcome.message, links: [] }
            : outcome.body,
        );
        let timestamp = String(now() + (take('skew', of) ? settings.skewMs : 0));
        let nonce = hex(16);
        const signature = bent(signed(`${timestamp}\n${nonce}\n${body}\n`), of);
        if (take('tamperBody', of)) body = body.replace('"', ' "');
        if (take('tamperTimestamp', of)) timestamp = String(Number(timestamp) - 1);
        if (take('tamperNonce', of)) nonce = `${nonce}0`;
        return {
          dropped: false,
          status:
            outcome.kind === 'done'
              ? 200
              : outcome.kind === 'going-on'
                ? 202
                : outcome.code === 'isv.invalid-signature'
                  ? 401
                  : outcome.code === 'ACQ.SYSTEM_ERROR'
                    ? 500
                    : 400,
          headers: {
            'content-type': 'application/json;charset=utf-8',
            'alipay-trace-id': hex(16),
            ...(take('unsigned', of)
              ? {}
              : {
                  'alipay-timestamp': timestamp,
                  'alipay-nonce': nonce,
                  'alipay-signature': signature,
                }),
          },
          body: Buffer.from(body, 'utf8'),
        };
      },
    };
  }

  function askedV2(request: SandboxRequest, url: URL): Asked | null {
    if (url.pathname !== '/gateway.do' || request.method !== 'POST') return null;
    // Either part of a parameter list may be in the address or in the body.
    const all = new Map<string, string>([
      ...url.searchParams,
      ...new URLSearchParams(
        Buffer.from(request.body.buffer, request.body.byteOffset, request.body.length).toString(
          'utf8',
        ),
      ),
    ]);
    const api = all.get('method') ?? '';
    const verb = VERB_OF[api];
    if (verb === undefined) return null;
    const sign = all.get('sign') ?? '';
    const text = [...all]
      .filter(([k]) => k !== 'sign')
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => `${k}=${v}`)
      .join('&');
    const time = Date.parse(`${(all.get('timestamp') ?? '').replace(' ', 'T')}+08:00`);
    // v2 names the address beside the business; v3 within it.
    const told = (biz: Asked['biz'], common: ReadonlyMap<string, string>): Asked['biz'] =>
      biz === null ? null : { ...biz, notify_url: common.get('notify_url') ?? '' };
    const wrong =
      all.get('app_id') !== options.appId
        ? 'app_id'
        : all.get('sign_type') !== 'RSA2'
          ? 'sign_type'
          : Number.isNaN(time)
            ? 'timestamp'
            : appVerifier.verify(Buffer.from(text, 'utf8'), Buffer.from(sign, 'base64'))
              ? null
              : 'sign';
    return {
      verb,
      wrong,
      biz: told(jsonObject(Buffer.from(all.get('biz_content') ?? '', 'utf8')), all),
      word: (outcome, of) => {
        const inner = JSON.stringify(
          outcome.kind === 'refused'
            ? {
                code: outcome.code.startsWith('isv.')
                  ? '40002'
                  : outcome.code === 'ACQ.SYSTEM_ERROR'
                    ? '20000'
                    : '40004',
                msg: outcome.code.startsWith('isv.') ? 'Invalid Arguments' : 'Business Failed',
                sub_code: outcome.code,
                sub_msg: outcome.message,
              }
            : {
                code: outcome.kind === 'done' ? '10000' : '10003',
                msg: outcome.kind === 'done' ? 'Success' : ' order success pay inprocess',
                ...outcome.body,
              },
        );
        const signature = bent(signed(inner), of);
        const shown = take('tamperBody', of) ? inner.replace('"', ' "') : inner;
        return {
          dropped: false,
          status: 200,
          headers: { 'content-type': 'text/html;charset=utf-8' },
          body: Buffer.from(
            `{"${api.replaceAll('.', '_')}_response":${shown}${take('unsigned', of) ? '' : `,"sign":"${signature}"`}}`,
            'utf8',
          ),
        };
      },
    };
  }

  function carryOut({ verb, biz, wrong, word }: Asked, heard: boolean): SandboxAnswer {
    const outcome = ((): Outcome => {
      if (wrong !== null) return refused('isv.invalid-signature', `验签出错：${wrong}`);
      if (biz === null) return refused('isv.invalid-arguments', '参数无效');
      const number = verb === 'bill' ? null : wrongNumber(biz);
      if (number !== null) return number;
      if (take('systemError', verb)) return refused('ACQ.SYSTEM_ERROR', '系统错误');
      const no = str(biz['out_trade_no']);
      switch (verb) {
        case 'create':
          return create(biz);
        case 'query':
          return query(no, verb);
        case 'charge':
          return charge(biz);
        case 'cancel':
          return cancel(no);
        case 'refund':
          return refund(biz);
        case 'queryRefund':
          return queryRefund(biz);
        case 'bill':
        case 'billFile':
          return bill(biz);
      }
    })();
    // The client has given up: the next fault is meant for a client that listens.
    if (!heard || take('dropAnswer', verb)) return { dropped: true };
    if (take('error500', verb))
      return {
        dropped: false,
        status: 502,
        headers: { 'content-type': 'text/html' },
        body: Buffer.from(`<html>Bad Gateway</html>`, 'utf8'),
      };
    return word(outcome, verb);
  }

  const handle: SandboxHandle = (request) => {
    const url = new URL(request.target, 'http://sandbox');
    if (request.method === 'GET' && url.pathname === '/alipay-bill/download') {
      calls.billFile++;
      const file = files.get(url.searchParams.get('token') ?? '');
      const good = file !== undefined && now() - file.madeAtMs <= BILL_LINK_MS;
      return {
        delayMs: 0,
        answer: () => ({
          dropped: false,
          status: good ? 200 : 403,
          headers: { 'content-type': 'application/zip' },
          body: good ? file.bytes : new Uint8Array(0),
        }),
      };
    }
    const asked = askedV3(request, url) ?? askedV2(request, url);
    if (asked === null)
      return {
        delayMs: 0,
        answer: () => ({
          dropped: false,
          status: 404,
          headers: { 'content-type': 'application/json' },
          body: Buffer.from(`{"code":"isv.invalid-method","message":"没有这个接口"}`, 'utf8'),
        }),
      };
    const { verb } = asked;
    calls[verb]++;
    if (settings.down || take('dropRequest', verb))
      return { delayMs: 0, answer: () => ({ dropped: true }) };
    if (take('rateLimit', verb))
      return {
        delayMs: 0,
        answer: () => ({
          dropped: false,
          status: 429,
          headers: { 'content-type': 'text/html' },
          body: new Uint8Array(0),
        }),
      };
    if (take('error500Before', verb))
      return {
        delayMs: 0,
        answer: () => ({
          dropped: false,
          status: 500,
          headers: { 'content-type': 'text/html' },
          body: new Uint8Array(0),
        }),
      };
    return {
      delayMs: take('delay', verb) ? settings.delayMs : 0,
      answer: (heard = true) => carryOut(asked, heard),
    };
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
