import { z } from 'zod';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { WalletAnswer } from '../../shared/evidence.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type {
  AttemptRef,
  Capture,
  CloseResult,
  CreateRequest,
  CreateResult,
  PaymentProvider,
  QueryResult,
  RefundQueryResult,
  RefundRequest,
  RefundResult,
} from '../types.ts';
import {
  clip,
  isCode,
  MAX_DESCRIPTION,
  MISCONFIGURED,
  OUT_TRADE_NO,
  REFUSED,
  said,
  unknown,
} from './answers.ts';
import type { Answer } from './answers.ts';
import { wechatBill } from './bill.ts';
import { readCallback } from './callback.ts';
import { createWechatClient, keptBody } from './client.ts';
import type { WechatPorts, WechatProviderConfig } from './client.ts';
import { wechatBrowserPay } from './browser-pay.ts';
import type { OrderOf } from './browser-pay.ts';
import { wechatCodePay } from './code-pay.ts';

export type { WechatPorts, WechatProviderConfig } from './client.ts';

/**
 * Numbers: pay.weixin.qq.com doc 4012791877 (`out_trade_no` 6 to 32, `out_refund_no` to 64,
 * `description` to 127).
 */
const OUT_REFUND_NO = /^[0-9A-Za-z_\-|*@]{1,64}$/;
const MAX_REASON = 80;

const natural = z.number().int().nonnegative();
const createdSchema = z.object({ code_url: z.string().min(1).max(512) });
const tradeSchema = z.object({
  mchid: z.string(),
  out_trade_no: z.string(),
  appid: z.string().optional(),
  trade_state: z.enum([
    'SUCCESS',
    'REFUND',
    'NOTPAY',
    'CLOSED',
    'REVOKED',
    'USERPAYING',
    'PAYERROR',
  ]),
  transaction_id: z.string().optional(),
  success_time: z.string().optional(),
  amount: z.object({ total: natural.optional(), currency: z.string().optional() }).optional(),
});
const refundSchema = z.object({
  refund_id: z.string().min(1),
  out_refund_no: z.string(),
  out_trade_no: z.string(),
  status: z.enum(['SUCCESS', 'CLOSED', 'PROCESSING', 'ABNORMAL']),
  amount: z.object({ total: natural, refund: natural, currency: z.string().optional() }),
});
type Refund = z.infer<typeof refundSchema>;

/**
 * WeChat Pay API v3, Native: the customer scans a code on the screen. Nothing is retried inside.
 *
 * What may be asked again, with the same numbers and the same parameters: everything. `create`
 * gives a fresh code for the same order; `close` of a closed order says closed; `refund` under one
 * `outRefundNo` makes at most one refund (all by the provider's rules, docs 4012791877, 4012791881,
 * 4012556457).
 *
 * What a result does not say: `refused` from `create` speaks of this one request. The number may
 * still name an order that an earlier request made (its answer lost), so close and query it before
 * giving it up. A close is answered by 204 with no body: its signature does not name the order, so
 * the truth after a close is the next query.
 */
export function createWechatProvider(
  config: WechatProviderConfig,
  ports: WechatPorts,
): PaymentProvider {
  const client = createWechatClient(config, ports);
  const { apiV3Key, browser } = config;
  const tradePath = (outTradeNo: string): string =>
    `/v3/pay/transactions/out-trade-no/${encodeURIComponent(outTradeNo)}`;

  const order: OrderOf = async (path, request, more) => {
    if (!OUT_TRADE_NO.test(request.outTradeNo))
      return {
        kind: 'refused',
        failure: failure('PAY-0204', 'not sent: out_trade_no is not 6 to 32 allowed characters'),
      };
    if (!Number.isSafeInteger(request.amountFen) || request.amountFen <= 0)
      return {
        kind: 'refused',
        failure: failure('PAY-0204', 'not sent: the amount is not a positive number of fen'),
      };
    const x = await client.exchange('POST', path, {
      appid: config.appid,
      mchid: config.mchid,
      description: clip(request.description, MAX_DESCRIPTION),
      out_trade_no: request.outTradeNo,
      time_expire: rfc3339(request.expiresAtMs),
      notify_url: config.notifyUrl,
      amount: { total: request.amountFen, currency: 'CNY' },
      ...more,
    });
    if (x.kind !== 'answer')
      return unknown(
        x.kind === 'silent' ? failure('PAY-0101', x.failure.detail, x.failure.cause) : x.failure,
      );
    if (x.status === 200) return x;
    if (isCode(x, 'ORDER_PAID')) return { kind: 'paid' };
    if (isCode(x, ...MISCONFIGURED))
      return { kind: 'refused', failure: failure('PAY-0204', said(x)) };
    if (isCode(x, ...REFUSED)) return { kind: 'refused', failure: failure('PAY-0102', said(x)) };
    return unknown(failure('PAY-0101', said(x)));
  };

  async function create(request: CreateRequest): Promise<CreateResult> {
    const x = await order('/v3/pay/transactions/native', request, {});
    if (x.kind !== 'answer') return x;
    const parsed = createdSchema.safeParse(x.json);
    return parsed.success
      ? { kind: 'pending', qrText: parsed.data.code_url }
      : unknown(unusable(x, parsed.error));
  }

  async function query(attempt: AttemptRef): Promise<QueryResult> {
    const x = await client.exchange(
      'GET',
      `${tradePath(attempt.outTradeNo)}?mchid=${encodeURIComponent(config.mchid)}`,
      undefined,
    );
    if (x.kind !== 'answer') return unknown(x.failure);
    if (x.status === 404 && isCode(x, 'ORDER_NOT_EXIST')) return { kind: 'not-found' };
    if (x.status !== 200 && x.status !== 202)
      return unknown(failure(isCode(x, ...MISCONFIGURED) ? 'PAY-0204' : 'PAY-0201', said(x)));
    const parsed = tradeSchema.safeParse(x.json);
    if (!parsed.success) return unknown(unusable(x, parsed.error));
    const trade = parsed.data;
    if (trade.out_trade_no !== attempt.outTradeNo)
      return unknown(
        failure(
          'PAY-0201',
          `answer is about ${trade.out_trade_no}, asked about ${attempt.outTradeNo}`,
        ),
      );
    if (trade.mchid !== config.mchid)
      return unknown(failure('PAY-0201', `answer names merchant ${trade.mchid}`));
    if (trade.appid !== undefined && trade.appid !== config.appid)
      return unknown(failure('PAY-0201', `answer names appid ${trade.appid}`));
    const { total, currency } = trade.amount ?? {};
    // A captured sum that is not ours is passed on as it is: the kiosk takes no such money for an
    // order, and parks it for a person.
    const captured = trade.trade_state === 'SUCCESS';
    if (!captured && total !== undefined && total !== attempt.amountFen)
      return unknown(
        failure('PAY-0201', `answer says ${total} fen, asked for ${attempt.amountFen}`),
      );
    if (currency !== undefined && currency !== 'CNY')
      return unknown(failure('PAY-0201', `answer says currency ${currency}`));
    switch (trade.trade_state) {
      case 'SUCCESS':
      case 'REFUND': {
        if (total === undefined || !trade.transaction_id)
          return unknown(
            failure('PAY-0201', `${trade.trade_state} without amount or transaction_id`),
          );
        if (trade.trade_state === 'REFUND')
          return { kind: 'refunded', transactionId: trade.transaction_id, amountFen: total };
        const paidAt =
          trade.success_time === undefined ? Number.NaN : Date.parse(trade.success_time);
        return {
          kind: 'paid',
          transactionId: trade.transaction_id,
          amountFen: total,
          paidAtMs: Number.isNaN(paidAt) ? null : paidAt,
          evidence: x.sealed(),
        };
      }
      case 'USERPAYING':
        return { kind: 'paying' };
      // PAYERROR is one failed try of the customer's (no funds, wrong password). A Native order
      // stays open and may be tried again by the same code until its time ends or it is closed, so
      // it is not the end: close it to end it.
      case 'NOTPAY':
        return { kind: 'pending' };
      case 'PAYERROR':
        // A customer's code is good for one try.
        return { kind: attempt.method === 'code' ? 'closed' : 'pending' };
      case 'CLOSED':
      case 'REVOKED':
        return { kind: 'closed' };
      default:
        return trade.trade_state satisfies never;
    }
  }

  async function close(attempt: AttemptRef): Promise<CloseResult> {
    const x = await client.exchange('POST', `${tradePath(attempt.outTradeNo)}/close`, {
      mchid: config.mchid,
    });
    if (x.kind !== 'answer') return unknown(x.failure);
    if (x.status === 204 && x.empty) return { kind: 'closed' };
    if (isCode(x, 'ORDER_CLOSED')) return { kind: 'closed' };
    if (isCode(x, 'ORDER_PAID')) return { kind: 'paid' };
    if (x.status === 404 && isCode(x, 'ORDER_NOT_EXIST')) return { kind: 'not-found' };
    return unknown(failure(isCode(x, ...MISCONFIGURED) ? 'PAY-0204' : 'PAY-0201', said(x)));
  }

  async function refund(request: RefundRequest): Promise<RefundResult> {
    if (!OUT_REFUND_NO.test(request.outRefundNo))
      return {
        kind: 'refused',
        failure: failure('PAY-0301', 'not sent: out_refund_no is not 1 to 64 allowed characters'),
      };
    if (
      !Number.isSafeInteger(request.refundFen) ||
      request.refundFen <= 0 ||
      request.refundFen > request.amountFen
    )
      return {
        kind: 'refused',
        failure: failure('PAY-0301', 'not sent: the refund is not between 1 fen and the amount'),
      };
    const x = await client.exchange('POST', '/v3/refund/domestic/refunds', {
      out_trade_no: request.outTradeNo,
      out_refund_no: request.outRefundNo,
      reason: clip(request.reason, MAX_REASON),
      amount: { refund: request.refundFen, total: request.amountFen, currency: 'CNY' },
    });
    if (x.kind !== 'answer') return unknown(x.failure);
    if (x.status === 200) {
      const read = readRefund(x, request);
      if (!read.ok) return unknown(read.failure);
      switch (read.refund.status) {
        case 'SUCCESS':
          return { kind: 'done', refundId: read.refund.refund_id };
        case 'PROCESSING':
          return { kind: 'accepted', refundId: read.refund.refund_id };
        case 'ABNORMAL':
        case 'CLOSED':
          return { kind: 'refused', failure: abnormal(read.refund) };
        default:
          return read.refund.status satisfies never;
      }
    }
    // NOT_ENOUGH here is the merchant's own balance: nothing was refunded, and the same number
    // works once there is money (doc 4012556457). SIGN_ERROR is a wrong key or clock: nothing was
    // looked at. Both are asked again.
    if (isCode(x, 'NOT_ENOUGH'))
      return unknown(
        failure('PAY-0301', `merchant balance too low, asked again later: ${said(x)}`),
      );
    if (isCode(x, 'SIGN_ERROR')) return unknown(failure('PAY-0204', said(x)));
    if (
      isCode(
        x,
        ...MISCONFIGURED,
        ...REFUSED,
        'RESOURCE_NOT_EXISTS',
        'ORDER_NOT_EXIST',
        'USER_ACCOUNT_ABNORMAL',
      )
    )
      return { kind: 'refused', failure: failure('PAY-0301', said(x)) };
    return unknown(failure('PAY-0203', said(x)));
  }

  async function queryRefund(request: RefundRequest): Promise<RefundQueryResult> {
    const x = await client.exchange(
      'GET',
      `/v3/refund/domestic/refunds/${encodeURIComponent(request.outRefundNo)}`,
      undefined,
    );
    if (x.kind !== 'answer') return unknown(x.failure);
    if (x.status === 404 && isCode(x, 'RESOURCE_NOT_EXISTS', 'REFUND_NOT_EXIST'))
      return { kind: 'not-found' };
    if (x.status !== 200)
      return unknown(failure(isCode(x, ...MISCONFIGURED) ? 'PAY-0204' : 'PAY-0201', said(x)));
    const read = readRefund(x, request);
    if (!read.ok) return unknown(read.failure);
    switch (read.refund.status) {
      case 'SUCCESS':
        return {
          kind: 'done',
          refundId: read.refund.refund_id,
          refundFen: read.refund.amount.refund,
        };
      case 'PROCESSING':
        return { kind: 'processing', refundId: read.refund.refund_id };
      case 'ABNORMAL':
      case 'CLOSED':
        return { kind: 'abnormal', failure: abnormal(read.refund) };
      default:
        return read.refund.status satisfies never;
    }
  }

  return {
    kind: 'wechat',
    create,
    query,
    close,
    refund,
    queryRefund,
    code: wechatCodePay(config, client),
    ...(browser === undefined ? {} : { browser: wechatBrowserPay(config, browser, ports, order) }),
    downloadBill: (date) => wechatBill(client, date),
    readEvidence: (evidence) => readEvidence(config, evidence),
    ...(apiV3Key === undefined
      ? {}
      : {
          readCallback: (header, body) =>
            readCallback({ ...config, apiV3Key }, header, body, ports.clock.nowMs()),
        }),
  };
}

/** See `PaymentProvider.readEvidence`; only the answer to a query or a code payment says SUCCESS. */
function readEvidence(
  { mchid, appid, platformKeys }: WechatProviderConfig,
  evidence: WalletAnswer,
): Result<Capture, 'unknown-key' | 'not-proven'> {
  const body = keptBody(evidence, platformKeys);
  if (!body.ok) return body;
  const trade = tradeSchema.safeParse(jsonOf(body.value)).data;
  const { total, currency } = trade?.amount ?? {};
  const paidMs = Date.parse(trade?.success_time ?? '');
  return trade?.trade_state === 'SUCCESS' &&
    trade.mchid === mchid &&
    (trade.appid === undefined || trade.appid === appid) &&
    (currency === undefined || currency === 'CNY') &&
    total !== undefined &&
    trade.transaction_id
    ? ok({
        outTradeNo: trade.out_trade_no,
        transactionId: trade.transaction_id,
        amountFen: total,
        paidMs: Number.isNaN(paidMs) ? null : paidMs,
      })
    : err('not-proven');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const unusable = (x: Answer, error: z.ZodError): Failure =>
  failure(
    'PAY-0201',
    `HTTP ${x.status}: signed, but not the promised form (${error.issues[0]?.path.join('.') ?? ''})`,
    error,
  );

/**
 * ABNORMAL: the payer's card or account is dead. CLOSED: the refund was given up. A person must
 * hand the money back.
 */
const abnormal = (refund: Refund): Failure =>
  failure('PAY-0301', `refund ${refund.refund_id} is ${refund.status}`);

function readRefund(
  x: Answer,
  request: RefundRequest,
):
  | { readonly ok: true; readonly refund: Refund }
  | { readonly ok: false; readonly failure: Failure } {
  const parsed = refundSchema.safeParse(x.json);
  if (!parsed.success) return { ok: false, failure: unusable(x, parsed.error) };
  const r = parsed.data;
  if (r.out_refund_no !== request.outRefundNo || r.out_trade_no !== request.outTradeNo)
    return {
      ok: false,
      failure: failure(
        'PAY-0201',
        `answer is about refund ${r.out_refund_no} of ${r.out_trade_no}`,
      ),
    };
  if (r.amount.refund !== request.refundFen || r.amount.total !== request.amountFen)
    return {
      ok: false,
      failure: failure(
        'PAY-0201',
        `answer says ${r.amount.refund} of ${r.amount.total} fen, asked for ${request.refundFen} of ${request.amountFen}`,
      ),
    };
  if (r.amount.currency !== undefined && r.amount.currency !== 'CNY')
    return { ok: false, failure: failure('PAY-0201', `answer says currency ${r.amount.currency}`) };
  return { ok: true, refund: r };
}

/** `time_expire` is RFC 3339 with a zone; China has one zone and no summer time. */
function rfc3339(ms: number): string {
  return `${new Date(ms + 8 * 3_600_000).toISOString().slice(0, 19)}+08:00`;
}
