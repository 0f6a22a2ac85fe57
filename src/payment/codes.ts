import type { ProviderKind } from '../shared/contract/index.ts';
import type { Policy } from '../shared/policy.ts';

/** Whose payment codes have which digits. */
export type PaymentCodes = NonNullable<Policy['paymentCodes']>;

/**
 * WeChat: 18 digits, 10 to 15 first. Alipay: 16 to 24 digits, 25 to 30 first. UnionPay: 19 digits,
 * 62 first (payments.md sections A, B and C). Wallets change such rules now and then, so central's
 * policy may bring its own.
 */
export const PAYMENT_CODES: PaymentCodes = [
  { prefixes: ['10', '11', '12', '13', '14', '15'], digits: [18, 18], wallet: 'wechat' },
  { prefixes: ['25', '26', '27', '28', '29', '30'], digits: [16, 24], wallet: 'alipay' },
  { prefixes: ['62'], digits: [19, 19], wallet: 'unionpay' },
];

/**
 * Which provider a scanned code is charged with: its wallet's own where that is configured, else
 * the gateway, which takes every wallet's. Null: not a payment code, or nobody here takes it.
 */
export function whoTakes(
  code: string,
  table: PaymentCodes | undefined,
  providers: readonly ProviderKind[],
): ProviderKind | null {
  if (!/^\d{1,32}$/.test(code)) return null;
  const wallet = (table ?? PAYMENT_CODES).find(
    ({ prefixes, digits: [from, to] }) =>
      code.length >= from && code.length <= to && prefixes.some((p) => code.startsWith(p)),
  )?.wallet;
  if (wallet !== undefined && providers.includes(wallet)) return wallet;
  // e-CNY and others have codes of digits that no table here knows: whose they are the gateway
  // finds out.
  return providers.includes('gateway') && /^[0-9]{16,24}$/.test(code) ? 'gateway' : null;
}
