/**
 * Money is integer fen (0.01 yuan). A price is integer 1/10 000 yuan for one whole unit (m³ or
 * kWh). Quantity is an integer of 0.01 units. A remainder is integer micro-yuan (10⁻⁶ yuan): price
 * × quantity is exactly that, so nothing is ever rounded but the quantity, and that downwards.
 */
export const MICRO_PER_FEN = 10_000;

/** One step of a tiered tariff: the price holds for yearly use up to and including `uptoQuantity`. */
export interface TariffTier {
  /** Upper bound of the tier in 0.01 units of the year's purchases; null for the last, open tier. */
  readonly uptoQuantity: number | null;
  /** Price of one whole unit, in 1/10 000 yuan. */
  readonly priceE4: number;
}

/** What a part of a purchase cost in one tier. */
export interface TierShare {
  /** 1-based tier number. */
  readonly tier: number;
  readonly priceE4: number;
  /** 0.01 units. */
  readonly quantity: number;
  readonly costMicro: number;
}

export interface Priced {
  /** 0.01 units, rounded down. */
  readonly quantity: number;
  readonly shares: readonly TierShare[];
  readonly costMicro: number;
  /** What could not buy another 0.01 unit, in micro-yuan; carried to the account. */
  readonly remainderMicro: number;
}

/**
 * How much a sum buys: integer arithmetic, tier by tier, quantity rounded down, the remainder kept
 * exactly.
 *
 * @param amountFen what the customer pays
 * @param carriedMicro what the account brings from earlier purchases (0 when offline)
 * @param yearQuantity what the account bought this tariff year so far, in 0.01 units
 */
export function priceAmount(
  amountFen: number,
  carriedMicro: number,
  yearQuantity: number,
  tiers: readonly TariffTier[],
): Priced {
  assertNatural(amountFen, 'amountFen');
  assertNatural(carriedMicro, 'carriedMicro');
  assertNatural(yearQuantity, 'yearQuantity');
  checkTariff(tiers);
  let left = amountFen * MICRO_PER_FEN + carriedMicro;
  let used = yearQuantity;
  let quantity = 0;
  let costMicro = 0;
  const shares: TierShare[] = [];
  for (const [index, tier] of tiers.entries()) {
    const room = tier.uptoQuantity === null ? Number.MAX_SAFE_INTEGER : tier.uptoQuantity - used;
    if (room <= 0) continue;
    const canBuy = Math.min(Math.floor(left / tier.priceE4), room);
    if (canBuy > 0) {
      const cost = canBuy * tier.priceE4;
      shares.push({ tier: index + 1, priceE4: tier.priceE4, quantity: canBuy, costMicro: cost });
      left -= cost;
      used += canBuy;
      quantity += canBuy;
      costMicro += cost;
    }
    if (canBuy < room) break;
  }
  return { quantity, shares, costMicro, remainderMicro: left };
}

/** What `quantity` cost one who has bought `from` in the tariff's year, 10⁻⁶ yuan. */
export function costOf(quantity: number, from: number, tiers: readonly TariffTier[]): number {
  let left = quantity;
  let at = from;
  let micro = 0;
  for (const { uptoQuantity, priceE4 } of tiers) {
    const room = uptoQuantity === null ? left : Math.max(0, uptoQuantity - at);
    const here = Math.min(left, room);
    micro += here * priceE4;
    at += here;
    left -= here;
  }
  return micro;
}

/** @throws RangeError when tiers are not rising, not positive, or the last is not open. */
export function checkTariff(tiers: readonly TariffTier[]): void {
  let previous = 0;
  for (const [index, tier] of tiers.entries()) {
    assertNatural(tier.priceE4, 'priceE4');
    if (tier.priceE4 === 0) throw new RangeError('a tier needs a price');
    const last = index === tiers.length - 1;
    if (last !== (tier.uptoQuantity === null)) throw new RangeError('only the last tier is open');
    if (tier.uptoQuantity !== null) {
      if (tier.uptoQuantity <= previous) throw new RangeError('tiers must rise');
      previous = tier.uptoQuantity;
    }
  }
  if (tiers.length === 0) throw new RangeError('a tariff needs a tier');
}

/** @throws RangeError unless `value` is an integer from 0 to 2^53-1. */
export function assertNatural(value: number, name: string): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${name} is not a natural number: ${value}`);
}

/**
 * `12.30`, `12.3` or `12` yuan in fen; null: not such an amount, or more than a safe integer of
 * fen.
 */
export function parseYuan(text: string): number | null {
  const m = /^(\d{1,13})(?:\.(\d{1,2}))?$/.exec(text);
  return m === null ? null : Number(m[1]) * 100 + Number((m[2] ?? '').padEnd(2, '0'));
}

/** `10000` → `"100.00"`. */
export function formatYuan(amountFen: number): string {
  const sign = amountFen < 0 ? '-' : '';
  const a = Math.abs(amountFen);
  return `${sign}${Math.floor(a / 100)}.${String(a % 100).padStart(2, '0')}`;
}

/** 0.01 units as text: `3773` → `"37.73"`. */
export function formatQuantity(quantity: number): string {
  return formatYuan(quantity);
}

/** Micro-yuan as yuan with at least two and at most six decimals: `15500` → `"0.0155"`. */
export function formatMicroYuan(micro: number): string {
  const sign = micro < 0 ? '-' : '';
  const a = Math.abs(micro);
  const decimals = String(a % 1_000_000)
    .padStart(6, '0')
    .replace(/0{1,4}$/, '');
  return `${sign}${Math.floor(a / 1_000_000)}.${decimals}`;
}

/** A price in 1/10 000 yuan as yuan: `26500` → `"2.65"`. */
export function formatPrice(priceE4: number): string {
  return formatMicroYuan(priceE4 * 100);
}
