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
  { pattern: '^1[0-5][0-9]{16}$', wallet: 'wechat' },
  { pattern: '^(2[5-9]|30)[0-9]{14,22}$', wallet: 'alipay' },
  { pattern: '^62[0-9]{17}$', wallet: 'unionpay' },
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
  const wallet = (table ?? PAYMENT_CODES).find((line) =>
    new RegExp(line.pattern, 'u').test(code),
  )?.wallet;
  if (wallet !== undefined && providers.includes(wallet)) return wallet;
  // e-CNY and others have codes of digits that no table here knows: whose they are the gateway
  // finds out.
  return providers.includes('gateway') && /^[0-9]{16,24}$/.test(code) ? 'gateway' : null;
}
