import type { Policy } from '../../shared/policy.ts';
import type { Keyring } from '../../shared/signatures.ts';
import type { Db } from '../db/sql.ts';
import { pageLimiter } from '../http/limits.ts';
import { headerOf } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { receiptPage, tooOften } from './page.ts';
import type { InvoiceHint } from './page.ts';
import { localeOf } from './shell.ts';
import { lookReceipt } from './receipt.ts';

/** The receipt's page, on the door that phones reach. */
export function receiptPages(o: {
  readonly db: () => Db;
  readonly now: () => number;
  readonly keysOf: (publicKeyPem: string) => Keyring;
  /** Central's own, that it has and had: its answers about an account carry receipts too. */
  readonly answerKeys: Keyring;
  /** By which policy an order's page is made; null: of none. */
  readonly policyOf: (orderId: string | null) => Promise<Policy>;
  /** How an order stands with its invoice; left out: this central makes none. */
  readonly invoiceHint?: ((orderId: string) => Promise<InvoiceHint | null>) | undefined;
}): readonly Route[] {
  const tooMany = pageLimiter();
  return [
    {
      method: 'GET',
      path: '/r/:token',
      answer: async (request, [token = '']) => {
        const locale = localeOf(headerOf(request, 'accept-language') ?? '');
        if (tooMany(token, request.source, false, o.now()))
          return tooOften(locale, (await o.policyOf(null)).hotline);
        const seen = await lookReceipt(o.db(), token, {
          nowMs: o.now(),
          keysOf: o.keysOf,
          answerKeys: o.answerKeys,
        });
        const hint =
          seen.kind === 'receipt' ? await o.invoiceHint?.(seen.receipt.orderId) : undefined;
        const policy = await o.policyOf(seen.kind === 'receipt' ? seen.receipt.orderId : null);
        return receiptPage(seen, policy, locale, { token, hint: hint ?? null });
      },
    },
  ];
}
