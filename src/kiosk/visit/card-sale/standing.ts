import type { Account, Announced, Tariff } from '../../../shared/central-api/index.ts';
import { CALENDAR_YEAR, periodStart, versionAt } from '../../../shared/periods.ts';

/** The tariff that holds at a moment, by what central told and announced. */
export function tariffAt({ tariff, announced = [] }: Account, ms: number): Tariff {
  const versions = [
    { version: tariff.version, fromMs: null, tariff },
    ...announced.map((a) => ({ version: a.tariff.version, ...a })),
  ];
  return versionAt(versions, tariff.version, ms)?.tariff ?? tariff;
}

/**
 * A cached account with what central announced to every kiosk since: whoever keeps a card at home
 * for weeks buys by the price that this machine has known of for as long. Of one version the later
 * word holds, which is the policy's.
 */
export function withAnnounced(account: Account, told: readonly Announced[]): Account {
  const { tariffId, version } = account.tariff;
  const later = told.filter((a) => a.tariff.tariffId === tariffId && a.tariff.version > version);
  if (later.length === 0) return account;
  const earlier = (account.announced ?? []).filter(
    (a) => !later.some((l) => l.tariff.version === a.tariff.version),
  );
  const announced = [...earlier, ...later].toSorted((a, b) => a.fromMs - b.fromMs);
  return { ...account, announced };
}

const yearOf = (tariff: Tariff, ms: number): number =>
  periodStart(tariff.yearBegins ?? CALENDAR_YEAR, ms);

/** Do two moments lie in one tariff year of the account, each by the tariff that holds then? */
export const sameYear = (account: Account, one: number, other: number): boolean =>
  yearOf(tariffAt(account, one), one) === yearOf(tariffAt(account, other), other);

/** … and in one period of its limit? What is told without periods ends with none. */
export const sameLimit = ({ limit }: Account, one: number, other: number): boolean =>
  limit === undefined || periodStart(limit.every, one) === periodStart(limit.every, other);

/**
 * An account as it stands at a later moment than the one it was told as of: in a new year nothing
 * is bought yet, a new period of the limit begins with all of it, and an announced tariff holds
 * from its day. Never as of an earlier moment, whatever the kiosk's clock says: central knew of the
 * turn.
 */
export function accountAt(account: Account, toldMs: number, nowMs: number): Account {
  const asOfMs = Math.max(toldMs, nowMs);
  const { limit } = account;
  return {
    ...account,
    tariff: tariffAt(account, asOfMs),
    yearQuantity: sameYear(account, toldMs, asOfMs) ? account.yearQuantity : 0,
    periodLeftQuantity:
      limit === undefined || sameLimit(account, toldMs, asOfMs)
        ? account.periodLeftQuantity
        : limit.quantity,
    asOfMs,
  };
}
