import type { CardReading } from '../../card/types.ts';
import type { Account } from '../../shared/central-api/index.ts';
import type { CardView } from '../../shared/contract/index.ts';
import { maskCardNo, maskName } from '../../shared/mask.ts';

/** The meter's `YYMMDDhhmm` as a date that a person reads: `2511150830` → `2025-11-15`. */
export function dateOf(visit: string): string {
  const d = /^(\d\d)(\d\d)(\d\d)/.exec(visit);
  return d === null ? visit : `20${d[1]}-${d[2]}-${d[3]}`;
}

/** A card as a customer is shown it; without its account where central could not be asked. */
export function cardView(reading: CardReading, account: Account | null): CardView {
  const tiers = account?.tariff.tiers ?? [];
  const index =
    account === null
      ? -1
      : tiers.findIndex((t) => t.uptoQuantity === null || account.yearQuantity < t.uptoQuantity);
  const tier = tiers[index];
  return {
    holderMasked: account === null ? '' : maskName(account.holderName),
    cardMasked: maskCardNo(reading.cardNo),
    kind: reading.kind,
    unit: reading.unit,
    count: reading.count,
    pendingQuantity: reading.visited ? 0 : reading.lastQuantity,
    remainingQuantity: reading.meter.remainingQuantity,
    yearQuantity: account?.yearQuantity ?? null,
    tierPriceE4: tier?.priceE4 ?? null,
    tierUptoQuantity: tier?.uptoQuantity ?? null,
    tierNumber: tier === undefined ? null : index + 1,
    ...(account?.granted === undefined
      ? {}
      : { granted: { quantity: account.granted.quantity, waits: account.granted.waits } }),
  };
}
