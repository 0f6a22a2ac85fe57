import type { Account, Quote, QuoteRequest } from '../../../shared/central-api/index.ts';
import { MICRO_PER_FEN } from '../../../shared/money.ts';
import { tariffAt } from './standing.ts';

/**
 * What is wrong with a quote, by the account and the tariff that this kiosk was told itself; null:
 * nothing. Whoever sits on the line, or at central's place, could else sell any quantity for any
 * sum: the card would be written as it says.
 */
export function quoteFault(quote: Quote, asked: QuoteRequest, account: Account): string | null {
  if (
    quote.orderId !== asked.orderId ||
    quote.cardNo !== asked.cardNo ||
    quote.nextCount !== asked.nextCount ||
    quote.amountFen !== asked.amountFen
  )
    return 'the quote is for another request';
  const { tariffId, version, tiers } =
    quote.asOfMs === undefined ? account.tariff : tariffAt(account, quote.asOfMs);
  if (quote.tariffId !== tariffId || quote.tariffVersion !== version)
    return 'the quote is by another tariff than the account’s';
  const { shares, quantity, carriedUsedMicro: used, carriedAfterMicro: after } = quote;
  if (shares.some((s) => tiers[s.tier - 1]?.priceE4 !== s.priceE4))
    return 'a price of the quote is not the tariff’s';
  if (shares.some((s) => s.costMicro !== s.priceE4 * s.quantity))
    return 'a cost of the quote is not price × quantity';
  if (shares.reduce((sum, s) => sum + s.quantity, 0) !== quantity)
    return 'the quote’s shares are not its quantity';
  const cost = shares.reduce((sum, s) => sum + s.costMicro, 0);
  if (quote.amountFen * MICRO_PER_FEN + used - cost !== after)
    return 'the quote’s sum, cost and remainder do not agree';
  const dearest = Math.max(...tiers.map((tier) => tier.priceE4));
  if (after >= dearest) return 'the quote’s remainder would buy more';
  // What could not buy another 0.01 unit, and one more such that came while it was reserved; or
  // whatever the company's books brought along.
  if (used >= 2 * dearest && used > account.carriedMicro)
    return 'the quote spends more than is carried';
  return null;
}
