import { z } from 'zod';
import { failure } from '../../shared/errors.ts';
import type { ChargeRequest, ChargeResult, CodePay, ReverseResult } from '../types.ts';
import {
  clip,
  isCode,
  MAX_DESCRIPTION,
  MISCONFIGURED,
  notMade,
  OUT_TRADE_NO,
  said,
  unknown,
} from './answers.ts';
import type { WechatClient, WechatProviderConfig } from './client.ts';

/** A reversal is taken 15 s after the charge at the earliest (doc code-payment-v3/direct/reverse). */
const REVERSE_AFTER_MS = 15_000;

/**
 * Definite refusals of a code, by the sentence that the customer gets. The first line's names are
 * not in the public v3 table (payments.md section A lists the others); v2 says AUTHCODEEXPIRE,
 * AUTH_CODE_ERROR and AUTH_CODE_INVALID.
 */
const DECLINED = [
  ['PAY-0403', ['AUTH_CODE_EXPIRED', 'AUTH_CODE_EXPIRE', 'AUTH_CODE_ERROR', 'AUTH_CODE_INVALID']],
  ['PAY-0401', ['NOT_ENOUGH']],
  [
    'PAY-0402',
    [
      'RULE_LIMIT',
      'TRADE_ERROR',
      'ACCOUNT_ERROR',
      'USER_ACCOUNT_ABNORMAL',
      'NOT_SUPPORT_CARD',
      'NOT_SUPORT_CARD',
    ],
  ],
] as const;

const tradeSchema = z.object({
  mchid: z.string(),
  out_trade_no: z.string(),
  trade_state: z.string(),
  transaction_id: z.string().optional(),
  success_time: z.string().optional(),
  amount: z
    .object({ total: z.number().int().nonnegative().optional(), currency: z.string().optional() })
    .optional(),
});

/**
 * Payment by the customer's code: `POST /v3/pay/transactions/codepay` and `…/reverse` (payments.md
 * section A).
 */
export function wechatCodePay(config: WechatProviderConfig, client: WechatClient): CodePay {
  async function charge(request: ChargeRequest): Promise<ChargeResult> {
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
    const x = await client.exchange('POST', '/v3/pay/transactions/codepay', {
      appid: config.appid,
      mchid: config.mchid,
      description: clip(request.description, MAX_DESCRIPTION),
      out_trade_no: request.outTradeNo,
      amount: { total: request.amountFen, currency: 'CNY' },
      payer: { auth_code: request.authCode },
      scene_info: { store_info: { out_id: config.storeOutId } },
    });
    if (x.kind !== 'answer') return unknown(notMade(x));
    // 202: the payer is typing the password; an answer like any other, and signed.
    if (x.status === 200 || x.status === 202) {
      const parsed = tradeSchema.safeParse(x.json);
      const trade = parsed.success ? parsed.data : null;
      if (
        trade === null ||
        trade.out_trade_no !== request.outTradeNo ||
        trade.mchid !== config.mchid
      )
        return unknown(
          failure('PAY-0201', `HTTP ${x.status}: the answer is not about this payment`),
        );
      if (trade.trade_state === 'USERPAYING') return { kind: 'paying' };
      const { total, currency } = trade.amount ?? {};
      if (
        trade.trade_state !== 'SUCCESS' ||
        total === undefined ||
        !trade.transaction_id ||
        (currency !== undefined && currency !== 'CNY')
      )
        return unknown(failure('PAY-0201', `HTTP ${x.status}: ${trade.trade_state}`));
      const paidAt = trade.success_time === undefined ? Number.NaN : Date.parse(trade.success_time);
      return {
        kind: 'paid',
        transactionId: trade.transaction_id,
        amountFen: total,
        paidAtMs: Number.isNaN(paidAt) ? null : paidAt,
        evidence: x.sealed(),
      };
    }
    for (const [code, names] of DECLINED)
      if (isCode(x, ...names)) return { kind: 'refused', failure: failure(code, said(x)) };
    if (isCode(x, ...MISCONFIGURED))
      return { kind: 'refused', failure: failure('PAY-0204', said(x)) };
    // ORDER_PAID, ORDER_CLOSED, OUT_TRADE_NO_USED: this number was there before; the query tells
    // what it is.
    return unknown(failure('PAY-0101', said(x)));
  }

  async function reverse({ outTradeNo }: { readonly outTradeNo: string }): Promise<ReverseResult> {
    const x = await client.exchange(
      'POST',
      `/v3/pay/transactions/out-trade-no/${encodeURIComponent(outTradeNo)}/reverse`,
      { appid: config.appid, mchid: config.mchid },
    );
    if (x.kind !== 'answer') return unknown(x.failure);
    // The public pages show both; whether money went back is for the query and the bill to say.
    if (x.status === 200 || x.status === 204) return { kind: 'reversed', refunded: null };
    if (isCode(x, 'ORDER_CLOSED')) return { kind: 'reversed', refunded: false };
    if (x.status === 404 && isCode(x, 'ORDER_NOT_EXIST')) return { kind: 'not-found' };
    // v2's name for "older than seven days"; TRADE_ERROR: a refund exists already.
    if (isCode(x, 'REVERSE_EXPIRE', 'TRADE_ERROR'))
      return { kind: 'refused', failure: failure('PAY-0301', said(x)) };
    return unknown(failure(isCode(x, ...MISCONFIGURED) ? 'PAY-0204' : 'PAY-0203', said(x)));
  }

  return { charge, reverse, reverseAfterMs: REVERSE_AFTER_MS };
}
