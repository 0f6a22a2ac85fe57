import { z } from 'zod';
import { failure } from '../../shared/errors.ts';
import type { ErrorCode, Failure } from '../../shared/errors.ts';
import type { WalletAnswer } from '../../shared/evidence.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { formatYuan, parseYuan } from '../../shared/money.ts';
import type {
  AttemptRef,
  Capture,
  ChargeRequest,
  ChargeResult,
  CloseResult,
  CreateRequest,
  CreateResult,
  PaymentProvider,
  QueryResult,
  RefundQueryResult,
  RefundRequest,
  RefundResult,
  ReverseResult,
} from '../types.ts';
import { alipayBill } from './bill.ts';
import { readNotification } from './callback.ts';
import { beijing, createAlipayClient, keptAnswer } from './client.ts';
import type { AlipayPorts, AlipayProviderConfig, Exchange } from './client.ts';

export type { AlipayPorts, AlipayProviderConfig } from './client.ts';

/** Letters, digits and underscores, at most 64 (alipay.trade.* pages). */
const OUT_TRADE_NO = /^[0-9A-Za-z_]{1,64}$/;
const MAX_SUBJECT = 127;

/**
 * Definite refusals of a customer's code, by the sentence that the customer gets; every other
 * business refusal is the wallet's.
 */
const DECLINED: readonly (readonly [ErrorCode, readonly string[]])[] = [
  ['PAY-0403', ['ACQ.PAYMENT_AUTH_CODE_INVALID', 'ACQ.SOUNDWAVE_PARSER_FAIL']],
  ['PAY-0401', ['ACQ.BUYER_BALANCE_NOT_ENOUGH', 'ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH']],
];
/** The number exists already: what it is only the query tells. */
const THERE_BEFORE: ReadonlySet<string> = new Set([
  'ACQ.TRADE_HAS_SUCCESS',
  'ACQ.TRADE_HAS_CLOSE',
  'ACQ.TRADE_HAS_FINISHED',
  'ACQ.CONTEXT_INCONSISTENT',
]);

const money = z.string().transform((text, ctx) => {
  const fen = parseYuan(text);
  if (fen === null) ctx.addIssue({ code: 'custom', message: 'no amount in yuan' });
  return fen ?? 0;
});
const createdSchema = z.object({ out_trade_no: z.string(), qr_code: z.string().min(1).max(512) });
const tradeSchema = z.object({
  out_trade_no: z.string(),
  trade_no: z.string().min(1),
  trade_status: z.enum(['WAIT_BUYER_PAY', 'TRADE_SUCCESS', 'TRADE_FINISHED', 'TRADE_CLOSED']),
  total_amount: money,
  send_pay_date: z.string().optional(),
});
const paidSchema = z.object({
  out_trade_no: z.string(),
  trade_no: z.string().min(1),
  total_amount: money,
  gmt_payment: z.string().optional(),
});
const cancelSchema = z.object({
  out_trade_no: z.string(),
  retry_flag: z.enum(['Y', 'N']).optional(),
  action: z.enum(['close', 'refund']).optional(),
});
const refundSchema = z.object({
  out_trade_no: z.string(),
  trade_no: z.string().min(1),
  fund_change: z.enum(['Y', 'N']).optional(),
  refund_fee: money.optional(),
});
const refundQuerySchema = z.object({
  out_trade_no: z.string().optional(),
  trade_no: z.string().optional(),
  out_request_no: z.string().optional(),
  refund_amount: money.optional(),
  refund_status: z.string().optional(),
});

type Unknown = { readonly kind: 'unknown'; readonly failure: Failure };
const unknown = (f: Failure): Unknown => ({ kind: 'unknown', failure: f });
const misconfigured = (code: string): boolean =>
  /^(isv\.|isp\.|aop\.)/.test(code) ||
  [
    'ACQ.INVALID_PARAMETER',
    'ACQ.ACCESS_FORBIDDEN',
    'ACQ.EXIST_FORBIDDEN_WORD',
    'ACQ.PARTNER_ERROR',
  ].includes(code) ||
  /^4000[1236]$/.test(code);
/** China's local time as the answers write it. */
const atMs = (text: string | undefined): number | null => {
  const ms = text === undefined ? Number.NaN : Date.parse(`${text.replace(' ', 'T')}+08:00`);
  return Number.isNaN(ms) ? null : ms;
};

/**
 * Alipay: precreate for QR codes, pay for the customer's code, one meaning for protocol v3 and v2
 * (payments.md section B). Nothing is retried inside.
 *
 * A precreated code is no trade until somebody scans it, so `query` says not-found meanwhile.
 * `close` looks first and then cancels: a cancel leaves a mark under the number even where no trade
 * exists, and, should the payment land in between, hands it back whole (`refunded` with `whole` at
 * the next query).
 */
export function createAlipayProvider(
  config: AlipayProviderConfig,
  ports: AlipayPorts,
): PaymentProvider {
  const client = createAlipayClient(config, ports);

  /** The answer in the promised form, about this trade; otherwise why nothing may be concluded. */
  function read<T extends { out_trade_no?: string | undefined }>(
    x: Exclude<Exchange, { kind: 'refused' }>,
    schema: z.ZodType<T>,
    outTradeNo: string,
  ): T | Failure {
    if (x.kind !== 'done' && x.kind !== 'going-on') return x.failure;
    const parsed = schema.safeParse(x.json);
    if (!parsed.success)
      return failure(
        'PAY-0201',
        `signed, but not the promised form (${parsed.error.issues[0]?.path.join('.') ?? ''})`,
        parsed.error,
      );
    if (parsed.data.out_trade_no !== undefined && parsed.data.out_trade_no !== outTradeNo)
      return failure(
        'PAY-0201',
        `answer is about ${parsed.data.out_trade_no}, asked about ${outTradeNo}`,
      );
    return parsed.data;
  }
  const isFailure = (x: object): x is Failure => 'code' in x;
  const unsendable = (r: AttemptRef): Failure | null => {
    if (!OUT_TRADE_NO.test(r.outTradeNo))
      return failure(
        'PAY-0204',
        'not sent: out_trade_no is not 1 to 64 letters, digits and underscores',
      );
    return Number.isSafeInteger(r.amountFen) && r.amountFen > 0
      ? null
      : failure('PAY-0204', 'not sent: the amount is not a positive number of fen');
  };

  async function create(request: CreateRequest): Promise<CreateResult> {
    const wrong = unsendable(request);
    if (wrong !== null) return { kind: 'refused', failure: wrong };
    const x = await client.call('alipay.trade.precreate', {
      out_trade_no: request.outTradeNo,
      total_amount: formatYuan(request.amountFen),
      subject: clip(request.description),
      product_code: 'FACE_TO_FACE_PAYMENT',
      // No trade exists before the scan, so the code itself must not outlive the sale.
      time_expire: beijing(request.expiresAtMs),
      qr_code_timeout_express: `${Math.max(1, Math.ceil((request.expiresAtMs - ports.clock.nowMs()) / 60_000))}m`,
    });
    if (x.kind === 'refused') {
      if (x.code === 'ACQ.TRADE_HAS_SUCCESS') return { kind: 'paid' };
      return {
        kind: 'refused',
        failure: failure(misconfigured(x.code) ? 'PAY-0204' : 'PAY-0102', x.said),
      };
    }
    const r = read(x, createdSchema, request.outTradeNo);
    if (isFailure(r))
      return unknown(x.kind === 'silent' ? failure('PAY-0101', r.detail, r.cause) : r);
    return { kind: 'pending', qrText: r.qr_code };
  }

  async function query(attempt: AttemptRef): Promise<QueryResult> {
    const x = await client.call('alipay.trade.query', { out_trade_no: attempt.outTradeNo });
    if (x.kind === 'refused')
      return x.code === 'ACQ.TRADE_NOT_EXIST'
        ? { kind: 'not-found' }
        : unknown(failure(misconfigured(x.code) ? 'PAY-0204' : 'PAY-0201', x.said));
    const r = read(x, tradeSchema, attempt.outTradeNo);
    if (isFailure(r)) return unknown(r);
    switch (r.trade_status) {
      case 'WAIT_BUYER_PAY':
        if (r.total_amount !== attempt.amountFen)
          return unknown(
            failure(
              'PAY-0201',
              `answer says ${r.total_amount} fen, asked for ${attempt.amountFen}`,
            ),
          );
        // Who scanned our code may still turn away; who showed theirs is typing a password.
        return { kind: attempt.method === 'code' ? 'paying' : 'pending' };
      case 'TRADE_SUCCESS':
      case 'TRADE_FINISHED':
        return {
          kind: 'paid',
          transactionId: r.trade_no,
          amountFen: r.total_amount,
          paidAtMs: atMs(r.send_pay_date),
          ...(x.kind === 'done' ? { evidence: x.sealed() } : {}),
        };
      case 'TRADE_CLOSED':
        // Closed with a date of payment: handed back whole.
        return r.send_pay_date === undefined
          ? { kind: 'closed' }
          : { kind: 'refunded', transactionId: r.trade_no, amountFen: r.total_amount, whole: true };
      default:
        return r.trade_status satisfies never;
    }
  }

  async function cancel(outTradeNo: string): Promise<ReverseResult> {
    const x = await client.call('alipay.trade.cancel', { out_trade_no: outTradeNo });
    if (x.kind === 'refused') {
      if (x.code === 'ACQ.TRADE_NOT_EXIST') return { kind: 'not-found' };
      if (misconfigured(x.code)) return unknown(failure('PAY-0204', x.said));
      // Past the day in which a cancel is allowed, or settled for good: only a refund is left.
      return { kind: 'refused', failure: failure('PAY-0301', x.said) };
    }
    const r = read(x, cancelSchema, outTradeNo);
    if (isFailure(r)) return unknown(r);
    if (r.retry_flag === 'Y') return unknown(failure('PAY-0203', 'cancel: asked to try again'));
    return { kind: 'reversed', refunded: r.action === undefined ? null : r.action === 'refund' };
  }

  async function close(attempt: AttemptRef): Promise<CloseResult> {
    // A payment that is there already is not to be undone by our cancel: it may still count for the
    // order.
    const seen = await query(attempt);
    if (seen.kind === 'unknown') return seen;
    if (seen.kind === 'paid' || seen.kind === 'refunded') return { kind: 'paid' };
    if (seen.kind === 'closed') return { kind: 'closed' };
    const r = await cancel(attempt.outTradeNo);
    switch (r.kind) {
      case 'reversed':
        return { kind: 'closed' };
      case 'not-found':
        return r;
      case 'refused':
      case 'unknown':
        return unknown(r.failure);
      default:
        return r satisfies never;
    }
  }

  async function charge(request: ChargeRequest): Promise<ChargeResult> {
    const wrong = unsendable(request);
    if (wrong !== null) return { kind: 'refused', failure: wrong };
    const x = await client.call('alipay.trade.pay', {
      out_trade_no: request.outTradeNo,
      scene: 'bar_code',
      auth_code: request.authCode,
      product_code: 'FACE_TO_FACE_PAYMENT',
      total_amount: formatYuan(request.amountFen),
      subject: clip(request.description),
      // The shortest there is; the kiosk cancels sooner.
      timeout_express: '1m',
      store_id: config.storeId,
    });
    if (x.kind === 'refused') {
      if (THERE_BEFORE.has(x.code)) return unknown(failure('PAY-0101', x.said));
      if (misconfigured(x.code)) return { kind: 'refused', failure: failure('PAY-0204', x.said) };
      return {
        kind: 'refused',
        failure: failure(
          DECLINED.find(([, codes]) => codes.includes(x.code))?.[0] ?? 'PAY-0402',
          x.said,
        ),
      };
    }
    if (x.kind === 'going-on') return { kind: 'paying' };
    const r = read(x, paidSchema, request.outTradeNo);
    if (isFailure(r))
      return unknown(x.kind === 'silent' ? failure('PAY-0101', r.detail, r.cause) : r);
    return {
      kind: 'paid',
      transactionId: r.trade_no,
      amountFen: r.total_amount,
      paidAtMs: atMs(r.gmt_payment),
      ...(x.kind === 'done' ? { evidence: x.sealed() } : {}),
    };
  }

  async function refund(request: RefundRequest): Promise<RefundResult> {
    if (
      !Number.isSafeInteger(request.refundFen) ||
      request.refundFen <= 0 ||
      request.refundFen > request.amountFen
    )
      return {
        kind: 'refused',
        failure: failure('PAY-0301', 'not sent: the refund is not between 1 fen and the amount'),
      };
    const x = await client.call('alipay.trade.refund', {
      out_trade_no: request.outTradeNo,
      refund_amount: formatYuan(request.refundFen),
      out_request_no: request.outRefundNo,
      refund_reason: request.reason.slice(0, 80),
    });
    if (x.kind === 'refused') {
      // The merchant's own balance: nothing was refunded, and the same number works once there is
      // money.
      if (x.code === 'ACQ.SELLER_BALANCE_NOT_ENOUGH')
        return unknown(
          failure('PAY-0301', `merchant balance too low, asked again later: ${x.said}`),
        );
      if (misconfigured(x.code)) return unknown(failure('PAY-0204', x.said));
      return { kind: 'refused', failure: failure('PAY-0301', x.said) };
    }
    const r = read(x, refundSchema, request.outTradeNo);
    if (isFailure(r)) return unknown(r);
    // `fund_change` N on a repeat is no failure: the query under the same number tells.
    return { kind: r.fund_change === 'Y' ? 'done' : 'accepted', refundId: r.trade_no };
  }

  async function queryRefund(request: RefundRequest): Promise<RefundQueryResult> {
    const x = await client.call('alipay.trade.fastpay.refund.query', {
      out_trade_no: request.outTradeNo,
      out_request_no: request.outRefundNo,
    });
    if (x.kind === 'refused')
      return x.code === 'ACQ.TRADE_NOT_EXIST'
        ? { kind: 'not-found' }
        : unknown(failure(misconfigured(x.code) ? 'PAY-0204' : 'PAY-0201', x.said));
    const r = read(x, refundQuerySchema, request.outTradeNo);
    if (isFailure(r)) return unknown(r);
    // "Success" says that the query worked. The refund is done only where the answer has it.
    if (r.out_request_no === undefined || r.refund_amount === undefined)
      return { kind: 'not-found' };
    if (r.out_request_no !== request.outRefundNo)
      return unknown(failure('PAY-0201', `answer is about refund ${r.out_request_no}`));
    if (r.refund_status !== undefined && r.refund_status !== 'REFUND_SUCCESS')
      return { kind: 'processing', refundId: r.trade_no ?? '' };
    if (r.refund_amount !== request.refundFen)
      return unknown(
        failure('PAY-0201', `answer says ${r.refund_amount} fen, asked for ${request.refundFen}`),
      );
    return {
      kind: 'done',
      refundId: r.trade_no ?? request.outRefundNo,
      refundFen: r.refund_amount,
    };
  }

  return {
    kind: 'alipay',
    ...(config.notifyUrl === undefined
      ? {}
      : { readCallback: (_header, body) => readNotification(config, body) }),
    create,
    query,
    close,
    refund,
    queryRefund,
    code: { charge, reverse: (attempt) => cancel(attempt.outTradeNo), reverseAfterMs: 0 },
    // It is a cancel (payments.md section B).
    closeMayHandBack: true,
    unseenBeforeScan: true,
    downloadBill: (date) => alipayBill(client, date),
    readEvidence: (evidence) => readEvidence(config, evidence),
  };
}

/**
 * See `PaymentProvider.readEvidence`. The answer to a query names the trade's status; the one to a
 * code payment does not, and has the time of the payment only where it was paid (10000).
 */
function readEvidence(
  { protocol, alipayKey }: AlipayProviderConfig,
  evidence: WalletAnswer,
): Result<Capture, 'unknown-key' | 'not-proven'> {
  const said = keptAnswer(evidence, protocol, alipayKey);
  const trade = tradeSchema.safeParse(said).data;
  const paid =
    trade === undefined
      ? z
          .object({ gmt_payment: z.string().min(1), trade_status: z.never().optional() })
          .safeParse(said).success
      : trade.trade_status === 'TRADE_SUCCESS' || trade.trade_status === 'TRADE_FINISHED';
  const capture = paidSchema.safeParse(said).data;
  return paid && capture !== undefined
    ? ok({
        outTradeNo: capture.out_trade_no,
        transactionId: capture.trade_no,
        amountFen: capture.total_amount,
        paidMs: atMs(trade?.send_pay_date ?? capture.gmt_payment),
      })
    : err('not-proven');
}

/** The first characters, never half a surrogate pair. */
function clip(text: string): string {
  let out = '';
  for (const ch of text) {
    if (out.length + ch.length > MAX_SUBJECT) break;
    out += ch;
  }
  return out;
}
