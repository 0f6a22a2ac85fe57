import {
  createHash,
  createPrivateKey,
  createPublicKey,
  createSign,
  createVerify,
} from 'node:crypto';
import type { Signer, Verifier } from '../../shared/ports.ts';
import { tradeBill } from './bill.ts';
import { OPENID_HEADER, prepayCode, wechatBrowser } from './browser.ts';
import { paidCallback } from './callback.ts';
import type { Callback } from './callback.ts';
import { memoryBooks, openBooks } from '../payment-books.ts';
import type { Books, SandboxOrder, SandboxRefund } from '../payment-books.ts';
import { faultSwitches } from '../fault-switches.ts';
import type { CommonFaults } from '../fault-switches.ts';
import { jsonObject, sandboxServer } from '../sandbox-http.ts';
import type {
  SandboxAnswer,
  SandboxControls,
  SandboxHandle,
  SandboxRequest,
  SandboxServer,
} from '../sandbox-http.ts';

export type { SandboxOrder, SandboxRefund } from '../payment-books.ts';
export { generateSandboxKeys } from './keys.ts';
export type { SandboxKeys } from './keys.ts';
export { OPENID_HEADER } from './browser.ts';

export interface WechatSandboxOptions {
  /** 0: any free port. */
  readonly port: number;
  /** Folder of the books; null: in memory, for as long as this object lives. */
  readonly dataDir: string | null;
  /** Books that are open already, instead of `dataDir`'s. */
  readonly books?: Books;
  readonly merchantPublicKeyPem: string;
  readonly platformPrivateKeyPem: string;
  readonly platformSerial: string;
  readonly mchid: string;
  readonly appid: string;
  /** Of the official account; left out: nobody pays in WeChat's own browser. */
  readonly appSecret?: string;
  /** Tells merchants of payments at their `notify_url`; left out: tells nobody. */
  readonly callbacks?: {
    readonly apiV3Key: string;
    readonly post: (url: string, callback: Callback) => void;
  };
  /** Where bill files are fetched; left out: this sandbox's own port. */
  readonly publicUrl?: () => string;
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Instead of the real algorithm with the keys above, for the simulation. */
  readonly crypto?: { readonly merchantVerifier: Verifier; readonly platformSigner: Signer };
}

export const SANDBOX_VERBS = [
  'create',
  'jsapi',
  'authorize',
  'token',
  'query',
  'close',
  'refund',
  'queryRefund',
  'charge',
  'reverse',
  'bill',
  'billFile',
] as const;
export type SandboxVerb = (typeof SANDBOX_VERBS)[number];

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
  'wrongSerial',
  'unsigned',
  'signTest',
  'skew',
  'delay',
  'refundStuck',
  'refundAbnormal',
  'notEnough',
  'wrongAmount',
  'wrongOrder',
  'askPassword',
  'balanceShort',
  'riskRefused',
  'codeExpired',
  'codeDead',
  'billHash',
  'billNone',
] as const;
export type CountedFault = (typeof COUNTED)[number];
/** `{dropAnswer: 2}` drops the next two answers after their effect. */
export type SandboxFaults = {
  readonly [K in CountedFault]?: number;
} & CommonFaults<SandboxVerb> & {
    /** Holds refunds in PROCESSING, ms. */
    readonly refundDelayMs?: number;
    /** A reversal of a paid order leaves it as it is so many times, though it is answered as done. */
    readonly reverseForgotten?: number;
  };

export type PayOutcome =
  | { readonly paid: true; readonly transactionId: string }
  | {
      readonly paid: false;
      readonly reason: 'unknown-code' | 'already-paid' | 'closed' | 'expired' | 'payerror';
    };

/** The pretend phone and the fault switches; also under `/_control` over HTTP. */
export interface WechatSandboxControl {
  /**
   * `late`: the provider takes the money although the order is closed or its time is over. `fail`:
   * the customer's payment fails (PAYERROR). `couponFen`: what of the sum a coupon pays.
   */
  readonly pay: (request: {
    readonly codeUrl: string;
    readonly late?: boolean;
    readonly fail?: boolean;
    readonly couponFen?: number;
  }) => PayOutcome;
  /**
   * WeChat around a page is handed an order (`getBrandWCPayRequest`): it looks at the merchant's
   * signature and at whose order it is.
   *
   * @returns the code by which `pay` pays it; null: WeChat refuses it
   */
  readonly invoke: (
    params: Readonly<Record<string, unknown>>,
    openid: string,
  ) => { readonly codeUrl: string | null };
  /** The customer has scanned and is typing the password: USERPAYING. */
  readonly scan: (request: { readonly codeUrl: string }) => { readonly scanned: boolean };
  readonly faults: (faults: SandboxFaults) => void;
  /** Ends stuck refunds. */
  readonly releaseRefunds: () => void;
  /**
   * The merchant hands every abnormal refund to another account (`apply-abnormal-refund`): under
   * its number it succeeds.
   */
  readonly mendRefunds: () => void;
  readonly books: () => {
    readonly orders: readonly SandboxOrder[];
    readonly refunds: readonly SandboxRefund[];
  };
  /** Requests answered or dropped so far, by call. */
  readonly calls: () => Readonly<Record<SandboxVerb, number>>;
}
export interface WechatSandbox extends SandboxServer {
  readonly appid: string;
  /** One request to the gateway without HTTP; `start` is not needed for it. */
  readonly handle: SandboxHandle;
  readonly control: WechatSandboxControl;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}
/** A body that is sent as it is, without a signature (bill files have none). */
class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
const refuse = (status: number, code: string, message: string): Answer => ({
  status,
  body: { code, message },
});

/**
 * A code is good for two hours, and `time_expire` nearer than a minute is moved to a minute (doc
 * 4012791877).
 */
const CODE_LIFE_MS = 2 * 3_600_000;
const SHORTEST_LIFE_MS = 60_000;
/** A code payment waits for the customer's password for so long (payments.md section A). */
const CODE_PAY_LIFE_MS = 45_000;
/** Above ¥1,000 the wallet always asks for the password (doc 4013634893). */
const PASSWORD_ABOVE_FEN = 100_000;
/** Reversal: not before 15 s, not after 7 days (doc code-payment-v3/direct/reverse). */
const REVERSE_AFTER_MS = 15_000;
const REVERSE_LIFE_MS = 7 * 86_400_000;
/** A bill's download link (the newer rule; the older one is 30 s). */
const BILL_LINK_MS = 5 * 60_000;
const WINDOW_S = 300;

/**
 * SHA256withRSA by the other interface of node:crypto than the adapter's, so that the two do not
 * share one mistake.
 */
function realCrypto(
  keys: Pick<WechatSandboxOptions, 'merchantPublicKeyPem' | 'platformPrivateKeyPem'>,
): { merchantVerifier: Verifier; platformSigner: Signer } {
  const merchantKey = createPublicKey(keys.merchantPublicKeyPem);
  const platformKey = createPrivateKey(keys.platformPrivateKeyPem);
  return {
    merchantVerifier: {
      verify: (bytes, signature) =>
        createVerify('sha256WithRSAEncryption').update(bytes).verify(merchantKey, signature),
    },
    platformSigner: {
      sign: (bytes) => createSign('sha256WithRSAEncryption').update(bytes).sign(platformKey),
    },
  };
}

/**
 * A WeChat Pay v3 gateway for demo and tests: real paths, real signatures both ways, books on disk.
 * It shares no code with the adapter that it examines.
 */
export function createWechatSandbox(options: WechatSandboxOptions): WechatSandbox {
  const { merchantVerifier, platformSigner } = options.crypto ?? realCrypto(options);
  const books: Books =
    options.books ?? (options.dataDir === null ? memoryBooks() : openBooks(options.dataDir));
  const { now } = options;
  const hex = (n: number): string => Buffer.from(options.randomBytes(n)).toString('hex');
  const digits = (n: number): string =>
    [...options.randomBytes(n)].map((b) => String(b % 10)).join('');

  const { settings, take, set } = faultSwitches<
    CountedFault,
    SandboxVerb,
    { refundDelayMs: number; reverseForgotten: number }
  >(COUNTED, { refundDelayMs: 0, reverseForgotten: 0 });
  const calls: Record<SandboxVerb, number> = {
    create: 0,
    jsapi: 0,
    authorize: 0,
    token: 0,
    query: 0,
    close: 0,
    refund: 0,
    queryRefund: 0,
    charge: 0,
    reverse: 0,
    bill: 0,
    billFile: 0,
  };

  // ---- the books' rules ----
  const isPaid = (o: SandboxOrder): boolean => o.state === 'SUCCESS' || o.state === 'REFUND';
  const byCode = (codeUrl: string): SandboxOrder | undefined => books.orderByCode(codeUrl);
  const str = (v: unknown): string => (typeof v === 'string' ? v : '');
  const rec = (v: unknown): Record<string, unknown> =>
    typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : {};
  const iso = (ms: number): string =>
    `${new Date(ms + 8 * 3_600_000).toISOString().slice(0, 19)}+08:00`;

  /** Native gives a code, JSAPI an id for one payer: under one number there is one kind of order. */
  function create(json: Record<string, unknown>, kind: 'NATIVE' | 'JSAPI' = 'NATIVE'): Answer {
    const openid = str(rec(json['payer'])['openid']);
    if (kind === 'JSAPI' && openid === '') return refuse(400, 'PARAM_ERROR', 'openid不能为空');
    const amount = rec(json['amount']);
    const total = amount['total'];
    const outTradeNo = str(json['out_trade_no']);
    const description = str(json['description']);
    const notifyUrl = str(json['notify_url']);
    const attach = str(json['attach']);
    if (str(json['mchid']) !== options.mchid || str(json['appid']) !== options.appid)
      return refuse(400, 'APPID_MCHID_NOT_MATCH', 'appid与mchid不匹配');
    if (!/^[0-9A-Za-z_\-|*]{6,32}$/.test(outTradeNo))
      return refuse(400, 'PARAM_ERROR', '商户订单号不合规');
    if (description === '' || description.length > 127)
      return refuse(400, 'PARAM_ERROR', '商品描述长度须为1至127');
    if (!/^https?:\/\/[^?]+$/.test(notifyUrl) || notifyUrl.length > 255)
      return refuse(400, 'PARAM_ERROR', '通知地址不合规');
    if (typeof total !== 'number' || !Number.isSafeInteger(total) || total <= 0)
      return refuse(400, 'PARAM_ERROR', '金额须为正整数分');
    if (amount['currency'] !== undefined && amount['currency'] !== 'CNY')
      return refuse(400, 'PARAM_ERROR', '只支持CNY');
    const asked = json['time_expire'];
    if (
      asked !== undefined &&
      (typeof asked !== 'string' ||
        !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/.test(asked) ||
        Number.isNaN(Date.parse(asked)))
    )
      return refuse(400, 'PARAM_ERROR', 'time_expire须为带时区的RFC3339');
    const prepayId = `wx${hex(17)}`;
    const codeUrl =
      kind === 'JSAPI' ? prepayCode(prepayId) : `weixin://wxpay/bizpayurl?pr=${hex(6)}`;
    const old = books.orders.get(outTradeNo);
    if (old !== undefined) {
      if (isPaid(old)) return refuse(400, 'ORDER_PAID', '该订单已支付');
      if (old.state === 'CLOSED') return refuse(400, 'ORDER_CLOSED', '该订单已关闭');
      // time_expire is fixed by the first request; what else differs makes it another order under a
      // used number.
      if (
        old.total !== total ||
        old.description !== description ||
        old.notifyUrl !== notifyUrl ||
        old.attach !== attach ||
        (old.tradeType ?? 'NATIVE') !== kind ||
        (old.openid ?? '') !== openid
      )
        return refuse(403, 'OUT_TRADE_NO_USED', '商户订单号重复');
      books.putOrder({ ...old, codeUrls: [...old.codeUrls, codeUrl] });
    } else {
      const expiresAtMs =
        asked === undefined
          ? now() + CODE_LIFE_MS
          : Math.max(Date.parse(asked), now() + SHORTEST_LIFE_MS);
      books.putOrder({
        outTradeNo,
        appid: options.appid,
        mchid: options.mchid,
        description,
        notifyUrl,
        attach,
        total,
        expiresAtMs,
        createdAtMs: now(),
        codeUrls: [codeUrl],
        state: 'NOTPAY',
        transactionId: null,
        paidAtMs: null,
        captures: 0,
        ...(kind === 'JSAPI' ? { tradeType: kind, openid } : {}),
      });
    }
    return {
      status: 200,
      body: kind === 'JSAPI' ? { prepay_id: prepayId } : { code_url: codeUrl },
    };
  }

  const STATE_TEXT: Record<SandboxOrder['state'], string> = {
    NOTPAY: '订单未支付',
    USERPAYING: '用户支付中',
    PAYERROR: '支付失败',
    SUCCESS: '支付成功',
    REFUND: '转入退款',
    CLOSED: '订单已关闭',
    REVOKED: '订单已撤销',
  };

  function query(outTradeNo: string, mchid: string, verb: SandboxVerb): Answer {
    if (mchid !== options.mchid) return refuse(400, 'PARAM_ERROR', 'mchid与签名商户不一致');
    const o = settleCode(books.orders.get(outTradeNo));
    if (o === undefined) return refuse(404, 'ORDER_NOT_EXIST', '订单不存在');
    const total = take('wrongAmount', verb) ? o.total + 1 : o.total;
    const base = {
      appid: o.appid,
      mchid: o.mchid,
      out_trade_no: take('wrongOrder', verb) ? `${o.outTradeNo}X`.slice(-32) : o.outTradeNo,
      attach: o.attach,
      trade_state: o.state,
      trade_state_desc: STATE_TEXT[o.state],
    };
    if (!isPaid(o)) return { status: 200, body: { ...base, amount: { total, currency: 'CNY' } } };
    return {
      status: 200,
      body: {
        ...base,
        transaction_id: o.transactionId,
        trade_type: o.tradeType ?? 'NATIVE',
        bank_type: 'OTHERS',
        success_time: iso(o.paidAtMs ?? 0),
        payer: { openid: o.openid ?? 'sandbox-payer' },
        amount: {
          total,
          payer_total: o.total - (o.couponFen ?? 0),
          currency: 'CNY',
          payer_currency: 'CNY',
        },
      },
    };
  }

  function closeOrder(outTradeNo: string, json: Record<string, unknown>): Answer {
    if (str(json['mchid']) !== options.mchid)
      return refuse(400, 'PARAM_ERROR', 'mchid与签名商户不一致');
    const o = books.orders.get(outTradeNo);
    if (o === undefined) return refuse(404, 'ORDER_NOT_EXIST', '订单不存在');
    if (o.tradeType === 'MICROPAY') return refuse(400, 'INVALID_REQUEST', '付款码订单请用撤销接口');
    if (isPaid(o)) return refuse(400, 'ORDER_PAID', '该订单已支付');
    if (o.state === 'CLOSED') return refuse(400, 'ORDER_CLOSED', '该订单已关闭');
    books.putOrder({ ...o, state: 'CLOSED' });
    return { status: 204, body: undefined };
  }

  /** A code payment that nobody confirms is withdrawn by the platform after its time. */
  function settleCode(o: SandboxOrder | undefined): SandboxOrder | undefined {
    if (
      o?.tradeType !== 'MICROPAY' ||
      o.state !== 'USERPAYING' ||
      now() - o.createdAtMs <= CODE_PAY_LIFE_MS
    )
      return o;
    const revoked: SandboxOrder = { ...o, state: 'REVOKED' };
    books.putOrder(revoked);
    return revoked;
  }

  function charge(json: Record<string, unknown>): Answer {
    const amount = rec(json['amount']);
    const total = amount['total'];
    const outTradeNo = str(json['out_trade_no']);
    const description = str(json['description']);
    const authCode = str(rec(json['payer'])['auth_code']);
    const store = rec(rec(json['scene_info'])['store_info']);
    if (str(json['mchid']) !== options.mchid || str(json['appid']) !== options.appid)
      return refuse(400, 'APPID_MCHID_NOT_MATCH', 'appid与mchid不匹配');
    if (!/^[0-9A-Za-z_\-|*]{6,32}$/.test(outTradeNo))
      return refuse(400, 'PARAM_ERROR', '商户订单号不合规');
    if (description === '' || description.length > 127)
      return refuse(400, 'PARAM_ERROR', '商品描述长度须为1至127');
    if (typeof total !== 'number' || !Number.isSafeInteger(total) || total <= 0)
      return refuse(400, 'PARAM_ERROR', '金额须为正整数分');
    if (amount['currency'] !== undefined && amount['currency'] !== 'CNY')
      return refuse(400, 'PARAM_ERROR', '只支持CNY');
    if (str(store['id']) === '' && str(store['out_id']) === '')
      return refuse(400, 'PARAM_ERROR', 'store_info须有id或out_id');
    if (!/^1[0-5][0-9]{16}$/.test(authCode)) return refuse(400, 'AUTH_CODE_INVALID', '付款码无效');
    const old = books.orders.get(outTradeNo);
    if (old !== undefined) {
      if (isPaid(old)) return refuse(400, 'ORDER_PAID', '该订单已支付');
      if (old.state === 'CLOSED' || old.state === 'REVOKED')
        return refuse(400, 'ORDER_CLOSED', '该订单已关闭');
      return refuse(403, 'OUT_TRADE_NO_USED', '商户订单号重复');
    }
    const code = `auth:${authCode}`;
    if (byCode(code) !== undefined || take('codeExpired', 'charge'))
      return refuse(400, 'AUTH_CODE_EXPIRED', '付款码已过期，请刷新');
    const order: SandboxOrder = {
      outTradeNo,
      appid: options.appid,
      mchid: options.mchid,
      description,
      notifyUrl: '',
      attach: str(json['attach']),
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
      return refuse(403, 'NOT_ENOUGH', '用户余额不足');
    }
    if (take('riskRefused', 'charge')) {
      books.putOrder(order);
      return refuse(403, 'RULE_LIMIT', '该笔交易超出风控限制');
    }
    if (take('codeDead', 'charge')) return refuse(403, 'ACCOUNT_ERROR', '付款账户异常');
    if (take('askPassword', 'charge') || total > PASSWORD_ABOVE_FEN) {
      books.putOrder({ ...order, state: 'USERPAYING' });
      return {
        status: 202,
        body: {
          appid: order.appid,
          mchid: order.mchid,
          out_trade_no: outTradeNo,
          trade_type: 'MICROPAY',
          trade_state: 'USERPAYING',
          trade_state_desc: STATE_TEXT.USERPAYING,
        },
      };
    }
    books.putOrder({ ...order, state: 'NOTPAY' });
    control.pay({ codeUrl: code });
    return query(outTradeNo, options.mchid, 'charge');
  }

  function reverse(outTradeNo: string, json: Record<string, unknown>): Answer {
    if (str(json['mchid']) !== options.mchid || str(json['appid']) !== options.appid)
      return refuse(400, 'APPID_MCHID_NOT_MATCH', 'appid与mchid不匹配');
    const o = settleCode(books.orders.get(outTradeNo));
    if (o === undefined) return refuse(404, 'ORDER_NOT_EXIST', '订单不存在');
    if (o.tradeType !== 'MICROPAY') return refuse(400, 'INVALID_REQUEST', '只有付款码订单可以撤销');
    if (o.state === 'REFUND') return refuse(403, 'TRADE_ERROR', '订单已退款，不能撤销');
    if (now() - o.createdAtMs < REVERSE_AFTER_MS)
      return refuse(403, 'RULE_LIMIT', '支付后15秒内不能撤销');
    if (now() - o.createdAtMs > REVERSE_LIFE_MS)
      return refuse(403, 'REVERSE_EXPIRE', '订单已超过可撤销的期限');
    if (o.state === 'SUCCESS' && settings.reverseForgotten > 0) settings.reverseForgotten--;
    else if (o.state !== 'REVOKED')
      books.putOrder({
        ...o,
        state: 'REVOKED',
        ...(o.state === 'SUCCESS' ? { reversedAtMs: now() } : {}),
      });
    return { status: 200, body: { out_trade_no: outTradeNo } };
  }

  /** The day's bill as a file; its link is good for a while. */
  const files = new Map<string, { readonly text: string; readonly madeAtMs: number }>();
  function bill(url: URL): Answer {
    const date = url.searchParams.get('bill_date') ?? '';
    const type = url.searchParams.get('bill_type') ?? 'ALL';
    if (!/^\d{4}-\d\d-\d\d$/.test(date) || type !== 'ALL')
      return refuse(400, 'PARAM_ERROR', '账单日期或类型不合规');
    const readyAtMs = Date.parse(`${date}T00:00:00+08:00`) + 34 * 3_600_000;
    if (now() < readyAtMs) return refuse(400, 'STATEMENT_CREATING', '账单生成中');
    const text = take('billNone', 'bill') ? null : tradeBill(books, date);
    if (text === null) return refuse(400, 'NO_STATEMENT_EXIST', '账单文件不存在');
    const token = hex(16);
    files.set(token, { text, madeAtMs: now() });
    const hash = createHash('sha1')
      .update(take('billHash', 'bill') ? `${text} ` : text)
      .digest('hex');
    return {
      status: 200,
      body: {
        hash_type: 'SHA1',
        hash_value: hash,
        download_url: `${options.publicUrl?.() ?? `http://127.0.0.1:${server.port()}`}/v3/billdownload/file?token=${token}`,
      },
    };
  }
  function billFile(url: URL): Answer {
    const file = files.get(url.searchParams.get('token') ?? '');
    if (file === undefined || now() - file.madeAtMs > BILL_LINK_MS)
      return refuse(400, 'INVALID_REQUEST', '下载链接已失效');
    return { status: 200, body: new Raw(file.text) };
  }

  /** PROCESSING becomes SUCCESS when its time has come. */
  function settle(r: SandboxRefund): SandboxRefund {
    if (r.status !== 'PROCESSING' || r.readyAtMs === null || r.readyAtMs > now()) return r;
    const done: SandboxRefund = { ...r, status: 'SUCCESS', doneAtMs: now() };
    books.putRefund(done);
    return done;
  }
  const refundBody = (r: SandboxRefund): unknown => ({
    refund_id: r.refundId,
    out_refund_no: r.outRefundNo,
    transaction_id: books.orders.get(r.outTradeNo)?.transactionId,
    out_trade_no: r.outTradeNo,
    channel: 'ORIGINAL',
    user_received_account: '支付用户零钱',
    ...(r.doneAtMs === null ? {} : { success_time: iso(r.doneAtMs) }),
    create_time: iso(r.createdAtMs),
    status: r.status,
    funds_account: 'AVAILABLE',
    amount: {
      total: r.total,
      refund: r.refund,
      payer_total: r.total,
      payer_refund: r.refund,
      settlement_refund: r.refund,
      settlement_total: r.total,
      discount_refund: 0,
      currency: 'CNY',
    },
  });

  function refund(json: Record<string, unknown>): Answer {
    const amount = rec(json['amount']);
    const outRefundNo = str(json['out_refund_no']);
    const value = amount['refund'];
    if (!/^[0-9A-Za-z_\-|*@]{1,64}$/.test(outRefundNo))
      return refuse(400, 'PARAM_ERROR', '商户退款单号不合规');
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value <= 0)
      return refuse(400, 'PARAM_ERROR', '退款金额须为正整数分');
    if (amount['currency'] !== 'CNY') return refuse(400, 'PARAM_ERROR', 'currency须为CNY');
    const o =
      json['out_trade_no'] === undefined
        ? [...books.orders.values()].find(
            (x) => x.transactionId !== null && x.transactionId === json['transaction_id'],
          )
        : books.orders.get(str(json['out_trade_no']));
    if (o === undefined) return refuse(404, 'RESOURCE_NOT_EXISTS', '订单不存在');
    if (!isPaid(o)) return refuse(400, 'INVALID_REQUEST', '订单未支付，不能退款');
    if (amount['total'] !== o.total)
      return refuse(400, 'INVALID_REQUEST', '订单金额与原订单不一致');
    const old = books.refunds.get(outRefundNo);
    if (old !== undefined) {
      if (old.outTradeNo !== o.outTradeNo || old.refund !== value)
        return refuse(400, 'INVALID_REQUEST', '退款单号已用于其他退款');
      return { status: 200, body: refundBody(settle(old)) };
    }
    const before = books
      .refundsOf(o.outTradeNo)
      .filter((r) => r.status !== 'CLOSED')
      .reduce((sum, r) => sum + r.refund, 0);
    if (before + value > o.total) return refuse(400, 'INVALID_REQUEST', '累计退款金额大于订单金额');
    if (take('notEnough', 'refund')) return refuse(403, 'NOT_ENOUGH', '商户可用余额不足');
    const stuck = take('refundStuck', 'refund');
    const row: SandboxRefund = {
      outRefundNo,
      outTradeNo: o.outTradeNo,
      refundId: `503${digits(25)}`,
      refund: value,
      total: o.total,
      reason: str(json['reason']),
      status: take('refundAbnormal', 'refund') ? 'ABNORMAL' : 'PROCESSING',
      createdAtMs: now(),
      readyAtMs: stuck ? null : now() + settings.refundDelayMs,
      doneAtMs: null,
    };
    books.putRefund(row);
    books.putOrder({ ...o, state: 'REFUND' });
    return { status: 200, body: refundBody(row) };
  }

  function queryRefund(outRefundNo: string): Answer {
    const r = books.refunds.get(outRefundNo);
    return r === undefined
      ? refuse(404, 'RESOURCE_NOT_EXISTS', '退款单不存在')
      : { status: 200, body: refundBody(settle(r)) };
  }

  const browser = wechatBrowser({
    ...options,
    hex,
    merchantVerifier,
    payerOf: (codeUrl) => byCode(codeUrl)?.openid,
  });

  // ---- the pretend phone ----
  const control: WechatSandboxControl = {
    pay: ({ codeUrl, late = false, fail = false, couponFen }) => {
      const o = byCode(codeUrl);
      if (o === undefined) return { paid: false, reason: 'unknown-code' };
      if (isPaid(o) || o.reversedAtMs !== undefined) return { paid: false, reason: 'already-paid' };
      if ((o.state === 'CLOSED' || o.state === 'REVOKED') && !late)
        return { paid: false, reason: 'closed' };
      if (now() > o.expiresAtMs && !late) return { paid: false, reason: 'expired' };
      if (fail) {
        books.putOrder({ ...o, state: 'PAYERROR' });
        return { paid: false, reason: 'payerror' };
      }
      const transactionId = `420000${digits(22)}`;
      const paid: SandboxOrder = {
        ...o,
        state: 'SUCCESS',
        transactionId,
        paidAtMs: now(),
        captures: o.captures + 1,
        ...(couponFen === undefined ? {} : { couponFen }),
      };
      books.putOrder(paid);
      // A customer's own code names no address (the real call has none).
      if (options.callbacks !== undefined && o.notifyUrl !== '')
        options.callbacks.post(
          o.notifyUrl,
          paidCallback({ ...options, platformSigner, apiV3Key: options.callbacks.apiV3Key }, paid),
        );
      return { paid: true, transactionId };
    },
    scan: ({ codeUrl }) => {
      const o = byCode(codeUrl);
      if (
        o === undefined ||
        (o.state !== 'NOTPAY' && o.state !== 'PAYERROR') ||
        o.tradeType === 'MICROPAY' ||
        now() > o.expiresAtMs
      )
        return { scanned: false };
      books.putOrder({ ...o, state: 'USERPAYING' });
      return { scanned: true };
    },
    invoke: (params, openid) => ({ codeUrl: browser.invoke(params, openid) }),
    faults: set,
    releaseRefunds: () => {
      for (const r of books.refunds.values())
        if (r.status === 'PROCESSING' && r.readyAtMs === null)
          books.putRefund({ ...r, readyAtMs: now() });
    },
    mendRefunds: () => {
      for (const r of books.refunds.values())
        if (r.status === 'ABNORMAL')
          books.putRefund({ ...r, status: 'PROCESSING', readyAtMs: now() });
    },
    books: () => ({ orders: [...books.orders.values()], refunds: [...books.refunds.values()] }),
    calls: () => ({ ...calls }),
  };

  // ---- the gateway ----

  const headerOf = (request: SandboxRequest, name: string): string => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : '';
  };
  function whyRequestRefused(request: SandboxRequest): string | null {
    const header = /^WECHATPAY2-SHA256-RSA2048 (.+)$/.exec(headerOf(request, 'authorization'))?.[1];
    if (header === undefined) return 'Authorization缺失或类型不符';
    const fields = new Map(
      [...header.matchAll(/(\w+)="([^"]*)"/g)].map((m) => [m[1] as string, m[2] as string]),
    );
    const timestamp = fields.get('timestamp') ?? '';
    if (fields.get('mchid') !== options.mchid) return '商户号不存在';
    if (!/^\d+$/.test(timestamp) || Math.abs(now() / 1000 - Number(timestamp)) > WINDOW_S)
      return '时间戳超出5分钟';
    const covered = Buffer.concat([
      Buffer.from(
        `${request.method}\n${request.target}\n${timestamp}\n${fields.get('nonce_str') ?? ''}\n`,
        'utf8',
      ),
      request.body,
      Buffer.from(`\n`, 'utf8'),
    ]);
    return merchantVerifier.verify(covered, Buffer.from(fields.get('signature') ?? '', 'base64'))
      ? null
      : '签名错误，请检查签名串与密钥';
  }

  function signed(answer: Answer, verb: SandboxVerb, heard: boolean): SandboxAnswer {
    // The client has given up (a delayed answer): the next fault is meant for a client that
    // listens.
    if (!heard) return { dropped: true };
    if (answer.body instanceof Raw)
      return {
        dropped: false,
        status: answer.status,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: Buffer.from(answer.body.text, 'utf8'),
      };
    let body = answer.body === undefined ? '' : JSON.stringify(answer.body);
    let timestamp = String(Math.floor((now() + (take('skew', verb) ? settings.skewMs : 0)) / 1000));
    let nonce = hex(16);
    let signature = Buffer.from(
      platformSigner.sign(Buffer.from(`${timestamp}\n${nonce}\n${body}\n`, 'utf8')),
    ).toString('base64');
    let serial = options.platformSerial;
    if (take('tamperBody', verb)) body = body === '' ? ' ' : body.replace('"', ' "');
    if (take('tamperSignature', verb))
      signature = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    // As the real gateway's probes of merchants that do not verify.
    if (take('signTest', verb)) signature = `WECHATPAY/SIGNTEST/${signature}`;
    if (take('tamperTimestamp', verb)) timestamp = String(Number(timestamp) - 1);
    if (take('tamperNonce', verb)) nonce = `${nonce}0`;
    if (take('wrongSerial', verb)) serial = `${serial}F`;
    const noBody = answer.status === 204;
    const bytes = noBody ? new Uint8Array(0) : Buffer.from(body, 'utf8');
    const headers: Record<string, string> = { 'request-id': hex(16) };
    if (!noBody) {
      headers['content-type'] = 'application/json; charset=utf-8';
      headers['content-length'] = String(bytes.length);
    }
    if (!take('unsigned', verb)) {
      headers['wechatpay-timestamp'] = timestamp;
      headers['wechatpay-nonce'] = nonce;
      headers['wechatpay-signature'] = signature;
      headers['wechatpay-serial'] = serial;
      headers['wechatpay-signature-type'] = 'WECHATPAY2-SHA256-RSA2048';
    }
    return { dropped: false, status: answer.status, headers, body: bytes };
  }

  function route(method: string, url: URL): { verb: SandboxVerb; no: string } | null {
    const path = url.pathname;
    if (method === 'POST' && path === '/v3/pay/transactions/native')
      return { verb: 'create', no: '' };
    if (method === 'POST' && path === '/v3/pay/transactions/jsapi')
      return { verb: 'jsapi', no: '' };
    if (method === 'GET' && path === '/connect/oauth2/authorize')
      return { verb: 'authorize', no: '' };
    if (method === 'GET' && path === '/sns/oauth2/access_token') return { verb: 'token', no: '' };
    if (method === 'POST' && path === '/v3/refund/domestic/refunds')
      return { verb: 'refund', no: '' };
    if (method === 'POST' && path === '/v3/pay/transactions/codepay')
      return { verb: 'charge', no: '' };
    const reversing = /^\/v3\/pay\/transactions\/out-trade-no\/([^/]+)\/reverse$/.exec(path)?.[1];
    if (method === 'POST' && reversing !== undefined)
      return { verb: 'reverse', no: decodeURIComponent(reversing) };
    if (method === 'GET' && path === '/v3/bill/tradebill') return { verb: 'bill', no: '' };
    if (method === 'GET' && path === '/v3/billdownload/file') return { verb: 'billFile', no: '' };
    const refundNo = /^\/v3\/refund\/domestic\/refunds\/([^/]+)$/.exec(path)?.[1];
    if (method === 'GET' && refundNo !== undefined)
      return { verb: 'queryRefund', no: decodeURIComponent(refundNo) };
    const closing = /^\/v3\/pay\/transactions\/out-trade-no\/([^/]+)\/close$/.exec(path)?.[1];
    if (method === 'POST' && closing !== undefined)
      return { verb: 'close', no: decodeURIComponent(closing) };
    const asked = /^\/v3\/pay\/transactions\/out-trade-no\/([^/]+)$/.exec(path)?.[1];
    if (method === 'GET' && asked !== undefined)
      return { verb: 'query', no: decodeURIComponent(asked) };
    return null;
  }

  const DROPPED: SandboxAnswer = { dropped: true };
  const handle: SandboxHandle = (request) => {
    const url = new URL(request.target, 'http://sandbox');
    const to = route(request.method, url);
    if (to === null)
      return {
        delayMs: 0,
        answer: () => ({
          dropped: false,
          status: 404,
          headers: { 'content-type': 'application/json' },
          body: Buffer.from(`{"code":"NOT_FOUND","message":"没有这个接口"}`, 'utf8'),
        }),
      };
    const { verb, no } = to;
    calls[verb]++;
    if (settings.down || take('dropRequest', verb)) return { delayMs: 0, answer: () => DROPPED };
    return {
      delayMs: take('delay', verb) ? settings.delayMs : 0,
      answer: (heard = true) => carryOut(request, url, verb, no, heard),
    };
  };

  function carryOut(
    request: SandboxRequest,
    url: URL,
    verb: SandboxVerb,
    no: string,
    heard: boolean,
  ): SandboxAnswer {
    // The merchant's signatures have no part in these two.
    if (verb === 'authorize' || verb === 'token') {
      const answer =
        verb === 'authorize'
          ? browser.authorize(url, headerOf(request, OPENID_HEADER) || 'sandbox-payer')
          : browser.exchangeCode(url);
      return take('dropAnswer', verb) ? DROPPED : answer;
    }
    const refused = whyRequestRefused(request);
    if (refused !== null) return signed(refuse(401, 'SIGN_ERROR', refused), verb, heard);
    if (take('rateLimit', verb))
      return signed(refuse(429, 'FREQUENCY_LIMITED', '频率超限'), verb, heard);
    if (take('error500Before', verb))
      return signed(refuse(500, 'SYSTEM_ERROR', '系统错误'), verb, heard);
    const json = jsonObject(request.body);
    if (json === null) return signed(refuse(400, 'PARAM_ERROR', '请求不是JSON'), verb, heard);
    const answer = ((): Answer => {
      switch (verb) {
        case 'create':
          return create(json);
        case 'jsapi':
          return create(json, 'JSAPI');
        case 'query':
          return query(no, url.searchParams.get('mchid') ?? '', verb);
        case 'close':
          return closeOrder(no, json);
        case 'refund':
          return refund(json);
        case 'queryRefund':
          return queryRefund(no);
        case 'charge':
          return charge(json);
        case 'reverse':
          return reverse(no, json);
        case 'bill':
          return bill(url);
        case 'billFile':
          return billFile(url);
      }
    })();
    if (take('dropAnswer', verb)) return DROPPED;
    return signed(
      take('error500', verb) ? refuse(500, 'SYSTEM_ERROR', '系统错误') : answer,
      verb,
      heard,
    );
  }

  // ---- HTTP ----
  const controls: SandboxControls = (what, json) => {
    const codeUrl = str(json['codeUrl']);
    switch (what) {
      case 'GET /books':
        return control.books();
      case 'POST /pay':
        return control.pay({ codeUrl, late: json['late'] === true, fail: json['fail'] === true });
      case 'POST /scan':
        return control.scan({ codeUrl });
      case 'POST /invoke':
        return control.invoke(rec(json['params']), str(json['openid']));
      case 'POST /faults':
        control.faults(json);
        return {};
      case 'POST /release-refunds':
        control.releaseRefunds();
        return {};
      case 'POST /mend-refunds':
        control.mendRefunds();
        return {};
      default:
        return undefined;
    }
  };
  const server: SandboxServer = sandboxServer(options.port, handle, controls);
  return {
    ...server,
    appid: options.appid,
    close: async () => {
      await server.close();
      books.close();
    },
    handle,
    control,
  };
}
