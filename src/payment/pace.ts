import type { ProviderKind } from '../shared/contract/index.ts';

/**
 * How far a payment has come, as far as its provider's answers show it. `shown`: nobody is known to
 * have scanned the code · `scanned`: somebody has (Alipay makes the trade only then; at the gateway
 * the customer has tapped his wallet) · `paying`: the provider says that the customer is paying ·
 * `code`: we scanned the customer's code, and he types his password.
 */
export type PayStage = 'shown' | 'scanned' | 'paying' | 'code';

/** How often a payment is asked about that nobody hurries: the pace of before there was one. */
export const STEADY_MS = 2_000;

/** Whoever has scanned pays within this, or thinks about it: half of a minute has passed then. */
const HURRY_MS = 30_000;
/** A code that nobody used for so long is one that nobody stands before. */
const FRESH_MS = 90_000;

/**
 * After how long a wallet is asked again about one payment, ms: soon while the customer is about to
 * pay, steadily afterwards. It is bounded by what the wallets say of themselves (payments.md,
 * sections A and B):
 *
 * - A payment by code: WeChat wants 5–10 s between two questions, Alipay 3–5 s. Never sooner.
 * - A QR code: neither names a figure. WeChat lets 150 a second through at its strictest published
 *   limit (refunds), so that a hundred machines of one merchant may all ask once a second in the
 *   same minute; who asks more often is told so (429), and the caller then goes steadily.
 * - Alipay answers a question about a code that nobody has scanned with an error, and errors are what
 *   platforms count against a merchant: steadily, until it is scanned.
 * - An acquirer's limits (UnionPay's bills) stand in its contract: never more than one a second.
 *
 * @param forMs how long it has been at this stage
 */
export function askAgainMs(kind: ProviderKind, stage: PayStage, forMs: number): number {
  switch (stage) {
    case 'code':
      return kind === 'wechat' ? 5_000 : 3_000;
    case 'shown':
      return kind === 'wechat' && forMs < FRESH_MS ? 1_000 : STEADY_MS;
    case 'scanned':
    case 'paying':
      if (forMs >= HURRY_MS) return STEADY_MS;
      return kind === 'unionpay' ? 1_000 : 700;
    default:
      return stage satisfies never;
  }
}

/** What an answer says of the stage; the answers that end a payment have none. */
export function payStage(
  kind: ProviderKind,
  answer: 'pending' | 'paying' | 'not-found',
  byCode: boolean,
): PayStage {
  if (byCode) return 'code';
  if (answer === 'paying') return 'paying';
  return answer === 'pending' && kind === 'alipay' ? 'scanned' : 'shown';
}
