import type { AttemptRef, PaymentProvider, QueryResult } from '../../payment/types.ts';
import { describeFailure, failure } from '../../shared/errors.ts';
import { maskCardNo } from '../../shared/mask.ts';
import { formatYuan } from '../../shared/money.ts';
import { never } from '../../shared/result.ts';
import type { Effect } from '../state/kiosk.ts';
import type { CallResult, HeldCall } from '../state/order.ts';
import type { KioskOptions } from './options.ts';

type Call = Extract<Effect, { do: 'call' }>;

/**
 * Asks the attempt's provider, under the numbers that are durable for it. Never rejects; what was
 * not understood or not heard is `unknown`.
 */
export async function callProvider(
  { providers, header, log }: Pick<KioskOptions, 'providers' | 'header' | 'log'>,
  call: Call,
): Promise<CallResult> {
  const { attempt, verb } = call;
  const provider = providers.find((p) => p.kind === attempt.provider);
  if (provider === undefined) {
    const why = failure('PAY-0204', `no provider ${attempt.provider} is configured`);
    return { verb, result: { kind: 'unknown', failure: why } };
  }
  const called = await ask(provider, call, header);
  if ('failure' in called.result)
    log('warn', 'payment', `${verb}: ${describeFailure(called.result.failure)}`, {
      outTradeNo: attempt.outTradeNo,
    });
  return called;
}

async function ask(
  provider: PaymentProvider,
  call: Call,
  header: KioskOptions['header'],
): Promise<CallResult> {
  const { attempt, verb, orderId, payee, authCode } = call;
  const { outTradeNo, amountFen, expiresAtMs } = attempt;
  const method = attempt.method === undefined ? {} : { method: attempt.method };
  const ref = { outTradeNo, amountFen, expiresAtMs, ...method };
  const description = `${header.brand.zh} 充值 ${formatYuan(amountFen)} 元`;
  const noCodes = failure('PAY-0204', `${attempt.provider} takes no payment codes`);
  const refund = {
    ...ref,
    outRefundNo: attempt.outRefundNo,
    refundFen: amountFen,
    reason: '充值未完成，原路退回',
  };
  const { code } = provider;
  switch (verb) {
    case 'create':
      return {
        verb,
        result: await provider.create({
          ...ref,
          description,
          orderId,
          payee,
          expiresAtMs,
          page: {
            hall: `${header.site.zh} ${header.terminalName.zh}`.trim(),
            card: call.cardNo === null ? null : maskCardNo(call.cardNo),
          },
        }),
      };
    case 'charge':
      if (code === undefined || authCode === undefined)
        return { verb, result: { kind: 'refused', failure: noCodes } };
      return {
        verb,
        result: await code.charge({
          ...ref,
          orderId,
          payee,
          method: 'code',
          authCode,
          description,
        }),
      };
    case 'reverse':
      if (code === undefined) return { verb, result: { kind: 'unknown', failure: noCodes } };
      return { verb, result: await code.reverse(ref) };
    case 'query':
      if (call.hold === undefined) return { verb, result: await provider.query(ref) };
      return { verb, hold: call.hold.no, result: await held(provider, ref, call.hold) };
    case 'close':
      return { verb, result: await provider.close(ref) };
    case 'refund':
      return { verb, result: await provider.refund(refund) };
    case 'query-refund':
      return { verb, result: await provider.queryRefund(refund) };
    default:
      return never(verb);
  }
}

/** A provider that holds nothing is asked plainly. */
function held(provider: PaymentProvider, ref: AttemptRef, hold: HeldCall): Promise<QueryResult> {
  return provider.hold?.(ref, hold) ?? provider.query(ref);
}
