import type { CardReading } from '../../../card/types.ts';
import type { Account } from '../../../shared/central-api/index.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import type { Policy } from '../../../shared/policy.ts';

/**
 * Meter fault bits that stop a sale: 1 magnet (tampering), 2 leak. A low battery or a slow clock
 * does not.
 */
const STOPPING_FAULTS = 0b0000_0110;

/** Reasons that the card itself gives, before anybody is asked. Null: none. */
export function judgeCard(reading: CardReading): ErrorCode | null {
  if (reading.fresh) return 'CARD-0105';
  return null;
}

/**
 * Why this card may not be sold to, by the card and its account together. Null: it may. The order
 * of the checks is the order of what helps the customer most.
 */
export function judgeAccount(
  reading: CardReading,
  account: Account,
  policy: Policy,
): ErrorCode | null {
  // Before any money is taken: a counter helps, another try may lock the card.
  if (account.refusedKey !== undefined) return 'CARD-0201';
  if (account.state === 'hot-listed') return 'SALE-0104';
  if (
    reading.userNo !== account.userNo ||
    reading.kind !== account.kind ||
    reading.unit !== account.unit
  )
    return 'SALE-0113';
  if (reading.meter.meterNo !== account.meterNo) return 'SALE-0109';
  if (account.claim !== null) return 'SALE-0107';
  if (reading.count !== account.count) return 'SALE-0102';
  // What the card says was bought in all is what central lets be written on: seen before it is paid.
  if (account.unit === 'volume' && reading.cumulative !== account.cumulative) return 'SALE-0102';
  if (!reading.visited) return reading.meter.countTaken > reading.count ? 'SALE-0102' : 'SALE-0101';
  if ((reading.meter.faults & STOPPING_FAULTS) !== 0) return 'SALE-0112';
  if (account.state === 'debt') return 'SALE-0108';
  if (account.periodLeftQuantity === 0 || account.perPurchaseQuantity === 0) return 'SALE-0105';
  if (mostFen(reading, account, policy) < policy.minFen) return tooMuch(reading, account);
  return null;
}

/** What still fits under the meter's ceiling, in 0.01 units. */
export function ceilingRoom(reading: CardReading, account: Account): number {
  return Math.max(0, account.ceilingQuantity - reading.meter.remainingQuantity);
}

function limitOf(account: Account): number {
  return Math.min(
    account.perPurchaseQuantity ?? Number.MAX_SAFE_INTEGER,
    account.periodLeftQuantity ?? Number.MAX_SAFE_INTEGER,
  );
}

/** What stops a larger purchase: the meter's ceiling or a limit of the account. */
export function tooMuch(reading: CardReading, account: Account): 'SALE-0105' | 'SALE-0106' {
  return ceilingRoom(reading, account) <= limitOf(account) ? 'SALE-0106' : 'SALE-0105';
}

/** The most that may be bought now, in 0.01 units. */
export function roomQuantity(reading: CardReading, account: Account): number {
  return Math.min(ceilingRoom(reading, account), limitOf(account));
}

/**
 * The most money that surely fits (at the highest price it could meet, remainder included), in fen;
 * at most the policy's.
 */
export function mostFen(reading: CardReading, account: Account, policy: Policy): number {
  const room = roomQuantity(reading, account);
  if (room >= Number.MAX_SAFE_INTEGER / 1_000_000) return policy.maxFen;
  let left = room;
  let used = account.yearQuantity;
  let costMicro = 0;
  for (const tier of account.tariff.tiers) {
    const here =
      tier.uptoQuantity === null ? left : Math.max(0, Math.min(left, tier.uptoQuantity - used));
    costMicro += here * tier.priceE4;
    left -= here;
    used += here;
    if (left === 0) break;
  }
  return Math.min(
    policy.maxFen,
    Math.max(0, Math.floor((costMicro - account.carriedMicro) / 10_000)),
  );
}
