import { z } from 'zod';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { httpPort, sendWithin } from '../../shared/http.ts';
import type { HttpSend } from '../../shared/http.ts';
import type { Clock, Random } from '../../shared/ports.ts';
import { chinaDate, chinaTime } from '../../shared/time.ts';
import type {
  AttemptRef,
  CloseResult,
  CreateRequest,
  CreateResult,
  PaymentProvider,
  QueryResult,
  RefundQueryResult,
  RefundRequest,
  RefundResult,
} from '../types.ts';
import type { UnionpayRule } from './sign.ts';

/** Everything that names the merchant at the acquirer. */
export interface UnionpayProviderConfig {
  /** `https://api-mop.chinaums.com` in production. */
  readonly baseUrl: string;
  readonly rule: UnionpayRule;
  readonly mid: string;
  readonly tid: string;
  /** The acquirer's number of the message source; every number of ours begins with it. */
  readonly msgSrcId: string;
  readonly notifyUrl: string;
  /** Unconfirmed: no public page names the bills' refund query. */
  readonly refundQueryPath: string;
}
export interface UnionpayPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch?: typeof fetch;
  readonly send?: HttpSend;
  readonly timeoutMs: number;
}

/** payments.md section C. */
const PATHS = {
  create: '/v1/netpay/bills/get-qrcode',
  query: '/v1/netpay/bills/query',
  close: '/v1/netpay/bills/close-qrcode',
  refund: '/v1/netpay/bills/refund',
} as const;
const INST_MID = 'QRPAYDEFAULT';
/** What every wallet takes; with the source's four digits far below the acquirer's limit. */
const NUMBER = /^[0-9A-Za-z_]{6,32}$/;
const REFUND_NUMBER = /^[0-9A-Za-z_]{1,60}$/;
const MAX_BODY_BYTES = 1 << 20;
const MAX_DESCRIPTION = 127;
const DAY_MS = 86_400_000;
/**
 * A bill is known by its number and its day. The day is made from the end of its time, which is the
 * same at every retry, less this much: so it is the day of its making, or the one before.
 */
const BEFORE_END_MS = 600_000;
const dayOf = (expiresAtMs: number): string => chinaDate(expiresAtMs - BEFORE_END_MS);
/** How many days back a bill is looked for whose end is not told: each costs a request. */
const DAYS_LOOKED_AT = 3;

/**
 * The acquirer's codes by what they mean. Unconfirmed: they are from public clients, no table is
 * public. A code that is not here means that nothing is known.
 */
const CODES = {
  noBill: ['NO_ORDER', 'NO_BILL', 'BILL_NOT_EXIST', 'ORDER_NOT_EXIST'],
  there: ['DUP_ORDER', 'ORDER_DUPLICATE', 'DUP_BILL'],
  busy: [
    'INTERNAL_ERROR',
    'NO_SERVICE',
    'NET_ERROR',
    'TIMEOUT',
    'ORDER_PROCESSING',
    'SYSTEM_ERROR',
  ],
  config: [
    'BAD_REQUEST',
    'INVALID_PARAMETER',
    'NO_MERCHANT',
    'INACTIVE_MERCHANT',
    'ABNORMAL_REQUEST_TIME',
    'SIGN_ERROR',
    'AUTH_ERROR',
  ],
  no: [
    'OPERATION_NOT_ALLOWED',
    'INVALID_ORDER',
    'TARGET_FAIL',
    'REFUND_EXCEED',
    'ORDER_EXPIRED',
    'LIMIT_ERROR',
  ],
  merchantShort: ['BALANCE_NOT_ENOUGH'],
} as const;
type Meaning = keyof typeof CODES;

const natural = z.number().int().nonnegative();
/** Amounts come as numbers from some services and as text from others. */
const fen = z.union([
  natural,
  z
    .string()
    .regex(/^\d{1,12}$/)
    .transform(Number),
]);
const headSchema = z.object({ errCode: z.string(), errMsg: z.string().optional() });
const createdSchema = z.object({ billNo: z.string(), billQRCode: z.string().min(1).max(512) });
const billSchema = z.object({
  billNo: z.string(),
  mid: z.string().optional(),
  billStatus: z.enum(['UNPAID', 'PAID', 'REFUND', 'CLOSED', 'UNKNOWN']),
  totalAmount: fen,
  billQRCode: z.string().optional(),
  qrCodeId: z.string().optional(),
  billPayment: z
    .object({
      targetOrderId: z.string().optional(),
      paySeqId: z.string().optional(),
      payTime: z.string().optional(),
    })
    .optional(),
});
type Bill = z.infer<typeof billSchema>;
const refundSchema = z.object({
  billNo: z.string(),
  refundOrderId: z.string(),
  refundAmount: fen,
  refundStatus: z.enum(['SUCCESS', 'PROCESSING', 'UNKNOWN', 'FAIL']),
});

type Unknown = { readonly kind: 'unknown'; readonly failure: Failure };
type Exchange =
  | { readonly kind: 'done'; readonly json: unknown }
  | { readonly kind: Meaning; readonly said: string }
  | Unknown;
const unknown = (f: Failure): Unknown => ({ kind: 'unknown', failure: f });

/**
 * UnionPay's QR code through its acquirer's bills (ChinaUMS; payments.md section C): one code that
 * every wallet of the acquirer pays. Nothing is retried inside. The acquirer's code pay is another
 * contract with other numbers, and not here: who shows a code pays with WeChat, Alipay, or not.
 */
export function createUnionpayProvider(
  config: UnionpayProviderConfig,
  ports: UnionpayPorts,
): PaymentProvider {
  const send = httpPort(ports);
  const base = new URL(config.baseUrl);
  const prefix = base.pathname.replace(/\/+$/, '');
  const billNoOf = (outTradeNo: string): string => `${config.msgSrcId}${outTradeNo}`;

  async function exchange(path: string, biz: Readonly<Record<string, unknown>>): Promise<Exchange> {
    const nowMs = ports.clock.nowMs();
    const nonce = (): string => Buffer.from(ports.random.bytes(16)).toString('hex');
    const body = Buffer.from(
      JSON.stringify({
        msgId: nonce(),
        requestTimestamp: chinaTime(nowMs),
        mid: config.mid,
        tid: config.tid,
        instMid: INST_MID,
        ...biz,
      }),
      'utf8',
    );
    const headers = {
      Authorization: config.rule.authorization(body, nowMs, nonce()),
      Accept: 'application/json',
      'Content-Type': 'application/json; charset=utf-8',
      'User-Agent': 'Pilotlight',
    };
    const sent = await sendWithin(
      send,
      {
        method: 'POST',
        origin: base.origin,
        target: `${prefix}${path}`,
        headers,
        body,
        maxBytes: MAX_BODY_BYTES,
      },
      ports.clock,
      ports.timeoutMs,
    );
    if (!sent.ok) return unknown(failure('PAY-0202', sent.error.said, sent.error.cause));
    const answer = sent.value;
    const { status } = answer;
    if (status === 429 || status >= 500) return unknown(failure('PAY-0203', `HTTP ${status}`));
    if (answer.body === null)
      return unknown(
        failure('PAY-0201', `HTTP ${status}: answer larger than ${MAX_BODY_BYTES} bytes`),
      );
    const bytes = Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.length);
    const doubt = config.rule.whyNotTrusted(answer.header, bytes, ports.clock.nowMs());
    if (doubt !== null)
      return unknown(failure('PAY-0201', `HTTP ${status} not believed: ${doubt}`));
    const json = parse(bytes.toString('utf8'));
    const head = headSchema.safeParse(json);
    if (!head.success)
      return unknown(
        failure(
          status === 401 || status === 403 ? 'PAY-0204' : 'PAY-0201',
          `HTTP ${status}: not the promised form`,
          head.error,
        ),
      );
    const { errCode, errMsg } = head.data;
    if (status === 200 && errCode === 'SUCCESS') return { kind: 'done', json };
    const said = `HTTP ${status} ${errCode.slice(0, 64)}${errMsg === undefined ? '' : `: ${errMsg.slice(0, 200)}`}`;
    const meaning = (Object.keys(CODES) as Meaning[]).find((m) =>
      CODES[m].some((c) => c === errCode),
    );
    return meaning === undefined ? unknown(failure('PAY-0201', said)) : { kind: meaning, said };
  }

  /** What an answer that is no success comes to where it is nothing definite. */
  function open(x: Exclude<Exchange, { kind: 'done' }>): Unknown {
    if (x.kind === 'unknown') return x;
    return unknown(
      failure(
        x.kind === 'busy' ? 'PAY-0203' : x.kind === 'config' ? 'PAY-0204' : 'PAY-0201',
        x.said,
      ),
    );
  }
  function read<T extends { billNo: string }>(
    x: Extract<Exchange, { kind: 'done' }>,
    schema: z.ZodType<T>,
    outTradeNo: string,
  ): T | Unknown {
    const parsed = schema.safeParse(x.json);
    if (!parsed.success)
      return unknown(
        failure(
          'PAY-0201',
          `not the promised form (${parsed.error.issues[0]?.path.join('.') ?? ''})`,
          parsed.error,
        ),
      );
    return parsed.data.billNo === billNoOf(outTradeNo)
      ? parsed.data
      : unknown(
          failure(
            'PAY-0201',
            `answer is about ${parsed.data.billNo}, asked about ${billNoOf(outTradeNo)}`,
          ),
        );
  }

  /** The bill and its day; where the day is not known, looked for from today back. */
  async function find({
    outTradeNo,
    expiresAtMs,
  }: AttemptRef): Promise<{ readonly bill: Bill; readonly billDate: string } | 'none' | Unknown> {
    const days =
      expiresAtMs === undefined
        ? Array.from({ length: DAYS_LOOKED_AT }, (_, back) =>
            chinaDate(ports.clock.nowMs() - back * DAY_MS),
          )
        : [dayOf(expiresAtMs)];
    for (const billDate of days) {
      const x = await exchange(PATHS.query, { billNo: billNoOf(outTradeNo), billDate });
      if (x.kind === 'noBill') continue;
      if (x.kind !== 'done') return open(x);
      const bill = read(x, billSchema, outTradeNo);
      if ('kind' in bill) return bill;
      if (bill.mid !== undefined && bill.mid !== config.mid)
        return unknown(failure('PAY-0201', `answer names merchant ${bill.mid}`));
      return { bill, billDate };
    }
    return 'none';
  }

  async function create(request: CreateRequest): Promise<CreateResult> {
    if (!NUMBER.test(request.outTradeNo))
      return {
        kind: 'refused',
        failure: failure(
          'PAY-0204',
          'not sent: out_trade_no is not 6 to 32 letters, digits and underscores',
        ),
      };
    if (!Number.isSafeInteger(request.amountFen) || request.amountFen <= 0)
      return {
        kind: 'refused',
        failure: failure('PAY-0204', 'not sent: the amount is not a positive number of fen'),
      };
    const x = await exchange(PATHS.create, {
      billNo: billNoOf(request.outTradeNo),
      billDate: dayOf(request.expiresAtMs),
      billDesc: clip(request.description, MAX_DESCRIPTION),
      totalAmount: request.amountFen,
      expireTime: chinaTime(request.expiresAtMs),
      notifyUrl: config.notifyUrl,
    });
    switch (x.kind) {
      case 'done': {
        const made = read(x, createdSchema, request.outTradeNo);
        return 'kind' in made ? made : { kind: 'pending', qrText: made.billQRCode };
      }
      case 'there':
        return madeBefore(request, x.said);
      case 'config':
        return { kind: 'refused', failure: failure('PAY-0204', x.said) };
      case 'no':
        return { kind: 'refused', failure: failure('PAY-0102', x.said) };
      case 'unknown':
        return x.failure.code === 'PAY-0202'
          ? unknown(failure('PAY-0101', x.failure.detail, x.failure.cause))
          : x;
      case 'noBill':
      case 'busy':
      case 'merchantShort':
        return open(x);
      default:
        return x satisfies never;
    }
  }

  /** The number stands for a bill already: what that is decides. */
  async function madeBefore(request: CreateRequest, said: string): Promise<CreateResult> {
    const found = await find(request);
    if (found === 'none') return unknown(failure('PAY-0101', said));
    if ('kind' in found) return found;
    const { bill } = found;
    if (bill.billStatus === 'PAID') return { kind: 'paid' };
    if (bill.billStatus !== 'UNPAID' || bill.totalAmount !== request.amountFen)
      return {
        kind: 'refused',
        failure: failure('PAY-0102', `${said}; ${bill.billStatus}, ${bill.totalAmount} fen`),
      };
    return bill.billQRCode === undefined
      ? unknown(failure('PAY-0101', 'the bill’s code was not told'))
      : { kind: 'pending', qrText: bill.billQRCode };
  }

  async function query(attempt: AttemptRef): Promise<QueryResult> {
    const found = await find(attempt);
    if (found === 'none') return { kind: 'not-found' };
    if ('kind' in found) return found;
    const { billStatus, totalAmount, billPayment } = found.bill;
    switch (billStatus) {
      case 'PAID':
      case 'REFUND': {
        const transactionId = billPayment?.targetOrderId ?? billPayment?.paySeqId;
        if (transactionId === undefined || transactionId === '')
          return unknown(failure('PAY-0201', `${billStatus} without the payment’s number`));
        if (billStatus === 'REFUND')
          return { kind: 'refunded', transactionId, amountFen: totalAmount };
        const paidAt = Date.parse(`${(billPayment?.payTime ?? '').replace(' ', 'T')}+08:00`);
        // A captured sum that is not ours is passed on as it is: the kiosk parks it for a person.
        return {
          kind: 'paid',
          transactionId,
          amountFen: totalAmount,
          paidAtMs: Number.isNaN(paidAt) ? null : paidAt,
        };
      }
      case 'UNPAID':
        return totalAmount === attempt.amountFen
          ? { kind: 'pending' }
          : unknown(
              failure('PAY-0201', `answer says ${totalAmount} fen, asked for ${attempt.amountFen}`),
            );
      case 'CLOSED':
        return { kind: 'closed' };
      case 'UNKNOWN':
        return unknown(failure('PAY-0203', 'the acquirer does not know yet'));
      default:
        return billStatus satisfies never;
    }
  }

  async function close(attempt: AttemptRef): Promise<CloseResult> {
    const found = await find(attempt);
    if (found === 'none') return { kind: 'not-found' };
    if ('kind' in found) return found;
    const { bill } = found;
    if (bill.billStatus === 'PAID' || bill.billStatus === 'REFUND') return { kind: 'paid' };
    if (bill.billStatus === 'CLOSED') return { kind: 'closed' };
    // Only the code is closed; it is named by its own number, which the link holds where the answer
    // does not say it.
    const qrCodeId =
      bill.qrCodeId ?? URL.parse(bill.billQRCode ?? '')?.searchParams.get('id') ?? '';
    if (qrCodeId === '') return unknown(failure('PAY-0201', 'the code’s number was not told'));
    const x = await exchange(PATHS.close, { qrCodeId });
    return x.kind === 'done' ? { kind: 'closed' } : open(x);
  }

  async function refund(request: RefundRequest): Promise<RefundResult> {
    const no = (why: string): RefundResult => ({
      kind: 'refused',
      failure: failure('PAY-0301', why),
    });
    if (!REFUND_NUMBER.test(request.outRefundNo))
      return no('not sent: out_refund_no is not 1 to 60 letters, digits and underscores');
    if (
      !Number.isSafeInteger(request.refundFen) ||
      request.refundFen <= 0 ||
      request.refundFen > request.amountFen
    )
      return no('not sent: the refund is not between 1 fen and the amount');
    const found = await find(request);
    if (found === 'none') return no('no such bill');
    if ('kind' in found) return found;
    const x = await exchange(PATHS.refund, {
      billNo: billNoOf(request.outTradeNo),
      billDate: found.billDate,
      refundOrderId: billNoOf(request.outRefundNo),
      refundAmount: request.refundFen,
    });
    switch (x.kind) {
      case 'done': {
        const r = read(x, refundSchema, request.outTradeNo);
        if ('kind' in r) return r;
        const wrong = notThis(r, request);
        if (wrong !== null) return unknown(wrong);
        if (r.refundStatus === 'SUCCESS') return { kind: 'done', refundId: r.refundOrderId };
        if (r.refundStatus === 'PROCESSING') return { kind: 'accepted', refundId: r.refundOrderId };
        return r.refundStatus === 'FAIL'
          ? no(`refund ${r.refundOrderId} failed`)
          : unknown(failure('PAY-0203', 'the acquirer does not know yet'));
      }
      // The number was taken before: its query tells what became of it.
      case 'there':
        return { kind: 'accepted', refundId: billNoOf(request.outRefundNo) };
      case 'no':
      case 'noBill':
        return no(x.said);
      // The merchant's own balance: nothing was refunded, and the same number works once there is
      // money.
      case 'merchantShort':
        return unknown(
          failure('PAY-0301', `merchant balance too low, asked again later: ${x.said}`),
        );
      case 'config':
      case 'busy':
      case 'unknown':
        return open(x);
      default:
        return x satisfies never;
    }
  }

  async function queryRefund(request: RefundRequest): Promise<RefundQueryResult> {
    const x = await exchange(config.refundQueryPath, {
      billNo: billNoOf(request.outTradeNo),
      refundOrderId: billNoOf(request.outRefundNo),
    });
    if (x.kind === 'noBill') return { kind: 'not-found' };
    if (x.kind !== 'done') return open(x);
    const r = read(x, refundSchema, request.outTradeNo);
    if ('kind' in r) return r;
    const wrong = notThis(r, request);
    if (wrong !== null) return unknown(wrong);
    switch (r.refundStatus) {
      case 'SUCCESS':
        return { kind: 'done', refundId: r.refundOrderId, refundFen: r.refundAmount };
      case 'PROCESSING':
        return { kind: 'processing', refundId: r.refundOrderId };
      case 'FAIL':
        return {
          kind: 'abnormal',
          failure: failure('PAY-0301', `refund ${r.refundOrderId} failed`),
        };
      case 'UNKNOWN':
        return unknown(failure('PAY-0203', 'the acquirer does not know yet'));
      default:
        return r.refundStatus satisfies never;
    }
  }
  const notThis = (r: z.infer<typeof refundSchema>, request: RefundRequest): Failure | null =>
    r.refundOrderId === billNoOf(request.outRefundNo) && r.refundAmount === request.refundFen
      ? null
      : failure('PAY-0201', `answer is about refund ${r.refundOrderId} of ${r.refundAmount} fen`);

  return { kind: 'unionpay', create, query, close, refund, queryRefund, provesNothing: true };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The first characters, never half a surrogate pair. */
function clip(text: string, max: number): string {
  let out = '';
  for (const ch of text) {
    if (out.length + ch.length > max) break;
    out += ch;
  }
  return out;
}
