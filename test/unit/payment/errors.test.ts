import { randomBytes } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { createAlipayProvider } from '../../../src/payment/alipay/provider.ts';
import type { PaymentProvider } from '../../../src/payment/types.ts';
import { createWechatProvider } from '../../../src/payment/wechat/provider.ts';
import type { HttpAnswer } from '../../../src/shared/http.ts';
import { ManualClock } from '../../support/clock.ts';
import { quickSigner } from '../central/harness.ts';

/**
 * The wallets' error tables (payments.md sections A and B), row by row: what each verb makes of a
 * signed answer with this status and this code. `refused` and what a query or a close says are
 * definite; everything else is asked again.
 */
const clock = new ManualClock(Date.parse('2026-11-22T12:00:00+08:00'));
const ports = { clock, random: { bytes: (n: number) => randomBytes(n) }, timeoutMs: 5_000 };
const no = { outTradeNo: 'P311E1N0001A1', amountFen: 10_000 };
const refund = { ...no, outRefundNo: 'R311E1N0001A1', refundFen: 10_000, reason: '退款' };
const VERBS = ['create', 'query', 'close', 'refund', 'queryRefund', 'charge', 'reverse'] as const;
type Verb = (typeof VERBS)[number];

async function told(p: PaymentProvider, verb: Verb): Promise<string> {
  const ask = {
    create: () => p.create({ ...no, description: '燃气', expiresAtMs: clock.nowMs() + 120_000 }),
    query: () => p.query(no),
    close: () => p.close(no),
    refund: () => p.refund(refund),
    queryRefund: () => p.queryRefund(refund),
    charge: () =>
      p.code?.charge({ ...no, method: 'code', authCode: '134567890123456789', description: 'x' }),
    reverse: () => p.code?.reverse({ ...no, method: 'code' }),
  } as const;
  const r = await ask[verb]();
  if (r === undefined) throw new Error('no code pay');
  return 'failure' in r ? `${r.kind} ${r.failure.code}` : r.kind;
}

let cases = 0;
afterAll(() => {
  console.log(`payment error tables: ${cases} cases`);
});
/**
 * One row: HTTP status, the code in one spelling or more, then what each verb comes to, in the
 * order of {@link VERBS}.
 */
type Row = readonly [http: number, codes: readonly string[], ...results: readonly string[]];

// ---- WeChat Pay v3 ----
const CONFIG = [
  'refused PAY-0204',
  'unknown PAY-0204',
  'unknown PAY-0204',
  'refused PAY-0301',
  'unknown PAY-0204',
  'refused PAY-0204',
  'unknown PAY-0204',
];
const BUSY = VERBS.map(() => 'unknown PAY-0203');
const WECHAT: readonly Row[] = [
  [400, ['PARAM_ERROR'], ...CONFIG],
  [400, ['INVALID_REQUEST'], ...CONFIG],
  [400, ['APPID_MCHID_NOT_MATCH'], ...CONFIG],
  [400, ['MCH_NOT_EXISTS'], ...CONFIG],
  [403, ['NO_AUTH', 'NOAUTH'], ...CONFIG],
  // A refund under a wrong key was not looked at: it is asked again once the key is right.
  [
    401,
    ['SIGN_ERROR', 'SIGNERROR'],
    'refused PAY-0204',
    'unknown PAY-0204',
    'unknown PAY-0204',
    'unknown PAY-0204',
    'unknown PAY-0204',
    'refused PAY-0204',
    'unknown PAY-0204',
  ],
  [
    400,
    ['ORDER_CLOSED', 'ORDERCLOSED'],
    'refused PAY-0102',
    'unknown PAY-0201',
    'closed',
    'refused PAY-0301',
    'unknown PAY-0201',
    'unknown PAY-0101',
    'reversed',
  ],
  [
    400,
    ['ORDER_PAID', 'ORDERPAID'],
    'paid',
    'unknown PAY-0201',
    'paid',
    'unknown PAY-0203',
    'unknown PAY-0201',
    'unknown PAY-0101',
    'unknown PAY-0203',
  ],
  [
    403,
    ['RULE_LIMIT', 'RULELIMIT'],
    'refused PAY-0102',
    'unknown PAY-0201',
    'unknown PAY-0201',
    'refused PAY-0301',
    'unknown PAY-0201',
    'refused PAY-0402',
    'unknown PAY-0203',
  ],
  [
    403,
    ['TRADE_ERROR', 'TRADEERROR'],
    'refused PAY-0102',
    'unknown PAY-0201',
    'unknown PAY-0201',
    'refused PAY-0301',
    'unknown PAY-0201',
    'refused PAY-0402',
    'refused PAY-0301',
  ],
  [
    403,
    ['ACCOUNT_ERROR', 'ACCOUNTERROR'],
    'refused PAY-0102',
    'unknown PAY-0201',
    'unknown PAY-0201',
    'refused PAY-0301',
    'unknown PAY-0201',
    'refused PAY-0402',
    'unknown PAY-0203',
  ],
  // On a refund it is the merchant's own balance: later, under the same number.
  [
    403,
    ['NOT_ENOUGH', 'NOTENOUGH'],
    'refused PAY-0102',
    'unknown PAY-0201',
    'unknown PAY-0201',
    'unknown PAY-0301',
    'unknown PAY-0201',
    'refused PAY-0401',
    'unknown PAY-0203',
  ],
  [
    403,
    ['OUT_TRADE_NO_USED'],
    'refused PAY-0102',
    'unknown PAY-0201',
    'unknown PAY-0201',
    'refused PAY-0301',
    'unknown PAY-0201',
    'unknown PAY-0101',
    'unknown PAY-0203',
  ],
  [
    404,
    ['ORDER_NOT_EXIST', 'ORDERNOTEXIST'],
    'unknown PAY-0101',
    'not-found',
    'not-found',
    'refused PAY-0301',
    'unknown PAY-0201',
    'unknown PAY-0101',
    'not-found',
  ],
  [
    404,
    ['RESOURCE_NOT_EXISTS'],
    'unknown PAY-0101',
    'unknown PAY-0201',
    'unknown PAY-0201',
    'refused PAY-0301',
    'not-found',
    'unknown PAY-0101',
    'unknown PAY-0203',
  ],
  [429, ['FREQUENCY_LIMITED', 'RATELIMIT_EXCEEDED'], ...BUSY],
  [500, ['SYSTEM_ERROR', 'SYSTEMERROR'], ...BUSY],
  [500, ['BANK_ERROR', 'BANKERROR'], ...BUSY],
  [502, [''], ...BUSY],
  // A code that no table has: nothing is concluded from it.
  [
    400,
    ['SOMETHING_NEW'],
    'unknown PAY-0101',
    'unknown PAY-0201',
    'unknown PAY-0201',
    'unknown PAY-0203',
    'unknown PAY-0201',
    'unknown PAY-0101',
    'unknown PAY-0203',
  ],
  // A code from the table under a status that is none of an error is no answer; only a reversal's
  // 200 needs no body.
  [
    200,
    ['ORDER_NOT_EXIST'],
    'unknown PAY-0201',
    'unknown PAY-0201',
    'unknown PAY-0201',
    'unknown PAY-0201',
    'unknown PAY-0201',
    'unknown PAY-0201',
    'reversed',
  ],
];

function wechat(status: number, body: unknown): PaymentProvider {
  const text = body === undefined ? '' : JSON.stringify(body);
  const timestamp = String(Math.floor(clock.nowMs() / 1000));
  const headers: Record<string, string> = {
    'wechatpay-timestamp': timestamp,
    'wechatpay-nonce': 'N',
    'wechatpay-serial': 'A',
    'wechatpay-signature': Buffer.from(
      quickSigner('p').sign(Buffer.from(`${timestamp}\nN\n${text}\n`)),
    ).toString('base64'),
  };
  const answer: HttpAnswer = {
    status,
    header: (name) => headers[name] ?? null,
    body: Buffer.from(text),
  };
  return createWechatProvider(
    {
      baseUrl: 'http://wechat',
      mchid: '1900000109',
      appid: 'wx1',
      merchantSerial: 'M',
      merchantSigner: quickSigner('m'),
      platformKeys: new Map([['A', quickSigner('p')]]),
      notifyUrl: 'https://pay.example.com/n',
      storeOutId: '1',
    },
    { ...ports, send: () => Promise.resolve(answer) },
  );
}

describe('WeChat Pay’s error table', () => {
  for (const [http, codes, ...results] of WECHAT) {
    for (const code of codes) {
      it(`${http} ${code}`, async () => {
        for (const [i, verb] of VERBS.entries()) {
          expect(
            await told(wechat(http, code === '' ? undefined : { code, message: '…' }), verb),
            verb,
          ).toBe(results[i]);
          cases += 1;
        }
      });
    }
  }
  it('202 USERPAYING, and every state of a trade', async () => {
    const trade = (trade_state: string) => ({
      mchid: '1900000109',
      appid: 'wx1',
      out_trade_no: no.outTradeNo,
      trade_state,
      ...(['SUCCESS', 'REFUND'].includes(trade_state)
        ? { transaction_id: '4200', success_time: '2026-11-22T12:00:00+08:00' }
        : {}),
      amount: { total: 10_000, currency: 'CNY' },
    });
    expect(await told(wechat(202, trade('USERPAYING')), 'charge')).toBe('paying');
    for (const [state, kind] of [
      ['SUCCESS', 'paid'],
      ['REFUND', 'refunded'],
      ['NOTPAY', 'pending'],
      ['CLOSED', 'closed'],
      ['REVOKED', 'closed'],
      ['USERPAYING', 'paying'],
      ['PAYERROR', 'pending'],
      ['NEW_STATE', 'unknown PAY-0201'],
    ] as const) {
      expect(await told(wechat(200, trade(state)), 'query'), state).toBe(kind);
      cases += 1;
    }
    expect((await wechat(200, trade('PAYERROR')).query({ ...no, method: 'code' })).kind).toBe(
      'closed',
    );
    const back = (status: string) => ({
      refund_id: '5000',
      out_refund_no: refund.outRefundNo,
      out_trade_no: no.outTradeNo,
      status,
      amount: { total: 10_000, refund: 10_000, currency: 'CNY' },
    });
    for (const [status, made, asked] of [
      ['SUCCESS', 'done', 'done'],
      ['PROCESSING', 'accepted', 'processing'],
      ['ABNORMAL', 'refused PAY-0301', 'abnormal PAY-0301'],
      ['CLOSED', 'refused PAY-0301', 'abnormal PAY-0301'],
    ] as const) {
      expect(await told(wechat(200, back(status)), 'refund'), status).toBe(made);
      expect(await told(wechat(200, back(status)), 'queryRefund'), status).toBe(asked);
      cases += 2;
    }
  });
});

// ---- Alipay ----
const WRONG = [
  'refused PAY-0204',
  'unknown PAY-0204',
  'unknown PAY-0204',
  'unknown PAY-0204',
  'unknown PAY-0204',
  'refused PAY-0204',
  'unknown PAY-0204',
];
const OTHER = {
  create: 'refused PAY-0102',
  query: 'unknown PAY-0201',
  close: 'unknown PAY-0201',
  refund: 'refused PAY-0301',
  queryRefund: 'unknown PAY-0201',
  charge: 'refused PAY-0402',
  reverse: 'refused PAY-0301',
} as const;
const but = (over: Partial<Record<Verb, string>> = {}): readonly string[] =>
  VERBS.map((v) => over[v] ?? OTHER[v]);
/** v2's first number for the same code stands in the first place. */
const ALIPAY: readonly Row[] = [
  [20000, ['isp.unknow-error', 'aop.ACQ.SYSTEM_ERROR'], ...BUSY],
  [40004, ['ACQ.SYSTEM_ERROR'], ...BUSY],
  [40004, ['ACQ.TRADE_HAS_SUCCESS'], ...but({ create: 'paid', charge: 'unknown PAY-0101' })],
  [
    40004,
    ['ACQ.TRADE_HAS_CLOSE', 'ACQ.CONTEXT_INCONSISTENT'],
    ...but({ charge: 'unknown PAY-0101' }),
  ],
  [
    40004,
    ['ACQ.TRADE_NOT_EXIST'],
    ...but({
      query: 'not-found',
      close: 'not-found',
      queryRefund: 'not-found',
      reverse: 'not-found',
    }),
  ],
  [40004, ['ACQ.PAYMENT_AUTH_CODE_INVALID'], ...but({ charge: 'refused PAY-0403' })],
  [
    40004,
    ['ACQ.BUYER_BALANCE_NOT_ENOUGH', 'ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH'],
    ...but({ charge: 'refused PAY-0401' }),
  ],
  [40004, ['ACQ.PAYMENT_REQUEST_HAS_RISK', 'ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR'], ...but()],
  [40004, ['ACQ.SELLER_BALANCE_NOT_ENOUGH'], ...but({ refund: 'unknown PAY-0301' })],
  [
    40004,
    [
      'ACQ.TRADE_CANCEL_TIME_OUT',
      'ACQ.REASON_TRADE_BEEN_REFUNDED',
      'ACQ.DISCORDANT_REPEAT_REQUEST',
    ],
    ...but(),
  ],
  [40004, ['ACQ.INVALID_PARAMETER', 'ACQ.ACCESS_FORBIDDEN', 'ACQ.PARTNER_ERROR'], ...WRONG],
  [40002, ['isv.invalid-signature', 'isv.invalid-app-id'], ...WRONG],
  [40006, ['isv.insufficient-isv-permissions'], ...WRONG],
];
const APIS: Readonly<Record<string, string>> = {
  precreate: 'alipay_trade_precreate',
  pay: 'alipay_trade_pay',
  query: 'alipay_trade_query',
  cancel: 'alipay_trade_cancel',
  refund: 'alipay_trade_refund',
};

/** @param say what the answer holds: a code, or a body that is done, or not over */
function alipay(
  protocol: 'v3' | 'v2',
  say:
    | { readonly number: number; readonly code: string }
    | { readonly done: object }
    | { readonly goingOn: object },
): PaymentProvider {
  const signed = (text: string): string =>
    Buffer.from(quickSigner('a').sign(Buffer.from(text))).toString('base64');
  return createAlipayProvider(
    {
      baseUrl: 'http://alipay',
      appId: '2021000000000311',
      appSigner: quickSigner('m'),
      alipayKey: quickSigner('a'),
      protocol,
      storeId: '1',
    },
    {
      ...ports,
      send: ({ target, body }) => {
        if (protocol === 'v3') {
          const text = JSON.stringify(
            'code' in say
              ? { code: say.code, message: '…' }
              : 'done' in say
                ? say.done
                : say.goingOn,
          );
          const headers: Record<string, string> = {
            'alipay-timestamp': String(clock.nowMs()),
            'alipay-nonce': 'N',
            'alipay-signature': signed(`${clock.nowMs()}\nN\n${text}\n`),
          };
          return Promise.resolve({
            status: 'code' in say ? 400 : 'done' in say ? 200 : 202,
            header: (name) => headers[name] ?? null,
            body: Buffer.from(text),
          });
        }
        const sent = `${target}&${Buffer.from(body ?? []).toString('utf8')}`;
        const method = /method=alipay\.([a-z.]+)/.exec(sent)?.[1] ?? '';
        const name =
          method === 'trade.fastpay.refund.query'
            ? 'alipay_trade_fastpay_refund_query'
            : (APIS[method.replace('trade.', '')] ?? 'alipay_unknown');
        const inner = JSON.stringify(
          'code' in say
            ? { code: String(say.number), msg: '…', sub_code: say.code, sub_msg: '…' }
            : {
                code: 'done' in say ? '10000' : '10003',
                msg: '…',
                ...('done' in say ? say.done : say.goingOn),
              },
        );
        return Promise.resolve({
          status: 200,
          header: () => null,
          body: Buffer.from(`{"${name}_response":${inner},"sign":"${signed(inner)}"}`),
        });
      },
    },
  );
}

describe.each(['v3', 'v2'] as const)('Alipay’s error table, %s', (protocol) => {
  for (const [number, codes, ...results] of ALIPAY) {
    for (const code of codes) {
      it(`${number} ${code}`, async () => {
        for (const [i, verb] of VERBS.entries()) {
          expect(await told(alipay(protocol, { number, code }), verb), verb).toBe(results[i]);
          cases += 1;
        }
      });
    }
  }
  it('10003, and every state of a trade', async () => {
    expect(
      await told(alipay(protocol, { goingOn: { out_trade_no: no.outTradeNo } }), 'charge'),
    ).toBe('paying');
    const trade = (trade_status: string, paid: boolean) => ({
      out_trade_no: no.outTradeNo,
      trade_no: '2026',
      trade_status,
      total_amount: '100.00',
      ...(paid ? { send_pay_date: '2026-11-22 12:00:00' } : {}),
    });
    for (const [status, paid, kind] of [
      ['WAIT_BUYER_PAY', false, 'pending'],
      ['TRADE_SUCCESS', true, 'paid'],
      ['TRADE_FINISHED', true, 'paid'],
      ['TRADE_CLOSED', false, 'closed'],
      ['TRADE_CLOSED', true, 'refunded'],
      ['NEW', false, 'unknown PAY-0201'],
    ] as const) {
      expect(await told(alipay(protocol, { done: trade(status, paid) }), 'query'), status).toBe(
        kind,
      );
      cases += 1;
    }
    for (const [body, kind] of [
      [{ retry_flag: 'Y' }, 'unknown PAY-0203'],
      [{ retry_flag: 'N', action: 'close' }, 'reversed'],
      [{ retry_flag: 'N', action: 'refund' }, 'reversed'],
    ] as const) {
      expect(
        await told(alipay(protocol, { done: { out_trade_no: no.outTradeNo, ...body } }), 'reverse'),
      ).toBe(kind);
      cases += 1;
    }
    // A repeat says that no money moved now; and a refund query that works is no refund.
    for (const [change, kind] of [
      ['Y', 'done'],
      ['N', 'accepted'],
    ] as const)
      expect(
        await told(
          alipay(protocol, {
            done: {
              out_trade_no: no.outTradeNo,
              trade_no: '2026',
              fund_change: change,
              refund_fee: '100.00',
            },
          }),
          'refund',
        ),
      ).toBe(kind);
    expect(
      await told(
        alipay(protocol, { done: { out_trade_no: no.outTradeNo, trade_no: '2026' } }),
        'queryRefund',
      ),
    ).toBe('not-found');
    expect(
      await told(
        alipay(protocol, {
          done: {
            out_trade_no: no.outTradeNo,
            trade_no: '2026',
            out_request_no: refund.outRefundNo,
            refund_amount: '100.00',
            refund_status: 'REFUND_SUCCESS',
          },
        }),
        'queryRefund',
      ),
    ).toBe('done');
    cases += 5;
  });
});
