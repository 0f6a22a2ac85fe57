import type { EventBody } from '../../shared/facts/catalogue.ts';
import { accountDigest } from '../../shared/grants.ts';
import { priceAmount } from '../../shared/money.ts';
import type { TariffTier } from '../../shared/money.ts';
import { CALENDAR_YEAR, periodStart, versionAt } from '../../shared/periods.ts';
import type { PeriodRule } from '../../shared/periods.ts';
import { DAY_MS } from '../../shared/time.ts';
import type { Grant, ToldAccount } from '../../shared/trust.ts';
import { usedIn } from '../sale/standing.ts';
import { Unusable } from './books.ts';
import type { Books, Place } from './books.ts';

/**
 * A sale that a kiosk made while the line was down: by the account answer that it names, as of the
 * moment that it names. What its kiosk could know it is held to; what it could not know is said,
 * and is nobody's fault ({@link Judged}, findings.ts).
 */

/** No policy lets an account be sold to for so long after central told of it. */
export const MAX_ACCOUNT_AGE_MS = 40 * DAY_MS;

/** What is found of an offline sale when it is told; its delivery says what of that matters. */
export interface Judged {
  /** The most that its kiosk could know might be bought, 0.01 units. Left out: no bound was told. */
  readonly room?: number;
  /** It sold by a version that another one had followed, announced after the kiosk's last answer. */
  readonly tariff?: { readonly sold: number; readonly held: number };
}

/** When the tariff year began that a sale counts into. */
export function yearStartOf(books: Books, body: EventBody<'order-quoted'>, asOfMs: number): number {
  const tariff = books.tariffs.get(`${body.tariffId}\n${body.tariffVersion}`);
  return periodStart(tariff?.year_begins ?? CALENDAR_YEAR, asOfMs);
}

/**
 * A sale offline is priced by the tariff that central told of its account, or announced with it,
 * whatever it is now.
 *
 * @returns as of which moment it was priced, and what its delivery will be held to
 */
export function judgeOffline(
  books: Books,
  at: Place,
  body: EventBody<'order-quoted'>,
): { readonly asOfMs: number; readonly judged: Judged } {
  const by = accountGrant(books, at, body);
  if (by === null) throw new Unusable('central told of no such account and tariff');
  const { grantedMs, told } = by.grant;
  // A clock that is dead says nothing: only an age that a sound one shows counts.
  if (at.wallMs <= at.nowMs && at.wallMs - grantedMs > MAX_ACCOUNT_AGE_MS)
    throw new Unusable('the account answer was too old to sell by');
  const tariff = books.tariffs.get(`${body.tariffId}\n${body.tariffVersion}`);
  if (tariff === undefined) throw new Unusable('the tariff is not known here');
  const tiers = JSON.parse(tariff.tiers) as TariffTier[];
  const dearest = Math.max(...tiers.map((tier) => tier.priceE4));
  if (body.shares.some((s) => tiers[s.tier - 1]?.priceE4 !== s.priceE4))
    throw new Unusable('a share’s price is not the tariff’s');
  if (body.carriedAfterMicro >= dearest)
    throw new Unusable('what is left over would have bought more');
  const asOfMs = soldMs(at, body, tariff.year_begins, grantedMs);
  refuseTooCheap(books, body, tiers, { asOfMs, told });
  const other = versionsApart(books, body, by, asOfMs);
  const room = told === undefined ? null : knownRoom(books, at, body, told, asOfMs);
  const judged = {
    ...(room === null ? {} : { room }),
    ...(other === null ? {} : { tariff: other }),
  };
  return { asOfMs, judged };
}

/** The account answer that a sale names, and for which version of its tariff central gave it. */
interface ByAnswer {
  readonly grant: Grant;
  readonly version: number;
}

/**
 * What central told of the account that a sale was priced by; null: it told nothing of the kind. Of
 * a version that was announced there is no grant of its own: any earlier one's will do, once its
 * day has come by what was told with it, or by the tariff as it is now.
 */
function accountGrant(books: Books, at: Place, body: EventBody<'order-quoted'>): ByAnswer | null {
  const grantOf = (tariffVersion: number): ByAnswer | null => {
    const digest = accountDigest({ ...body, tariffVersion });
    const what = { kind: 'account', terminalId: at.terminalId, orderId: '', digest } as const;
    const grant = at.trust.grant(body.grant, what);
    return grant === null ? null : { grant, version: tariffVersion };
  };
  const own = grantOf(body.tariffVersion);
  if (own !== null) return own;
  const begun = (fromMs: number | null | undefined): boolean =>
    fromMs != null && fromMs <= (body.asOfMs ?? 0);
  const sold = books.tariffs.get(`${body.tariffId}\n${body.tariffVersion}`);
  for (const { tariff_id, version } of books.tariffs.all()) {
    if (tariff_id !== body.tariffId || version >= body.tariffVersion) continue;
    const earlier = grantOf(version);
    if (earlier === null) continue;
    const announced = earlier.grant.told?.announced?.find((a) => a.version === body.tariffVersion);
    return begun(announced?.fromMs) || begun(sold?.from_ms) ? earlier : null;
  }
  return null;
}

/**
 * A kiosk that names moments follows what was announced to it. A version that was announced after
 * its last answer it cannot know: it is held to the price that it was told, and both are said.
 *
 * @returns null: it sold by the version that held
 * @throws Unusable where it had been told of the version that it did not sell by
 */
function versionsApart(
  books: Books,
  body: EventBody<'order-quoted'>,
  { grant, version }: ByAnswer,
  asOfMs: number,
): NonNullable<Judged['tariff']> | null {
  const sold = body.tariffVersion;
  const rows = books.tariffs.all().filter((t) => t.tariff_id === body.tariffId);
  const dated = rows.map((t) => ({ version: t.version, fromMs: t.from_ms }));
  const held = versionAt(dated, version, asOfMs)?.version ?? sold;
  if (held === sold) return null;
  const announced = grant.told?.announced ?? [];
  const known = versionAt([{ version, fromMs: null }, ...announced], version, asOfMs)?.version;
  if (body.asOfMs !== undefined && known !== sold && announced.length > 0)
    throw new Unusable(`sold by version ${sold}; version ${known ?? version} had been announced`);
  return { sold, held };
}

/**
 * The most that its kiosk could know might be bought: by the limit as it was told, in the period
 * that the sale is in, less what it delivered itself in that period since; and in one purchase.
 * Null: it was told of no bound.
 */
function knownRoom(
  books: Books,
  { terminalId }: Place,
  { userNo, nextCount }: EventBody<'order-quoted'>,
  { asOfMs: toldMs, count, limit, perPurchase }: ToldAccount,
  asOfMs: number,
): number | null {
  const bounds: number[] = perPurchase === undefined ? [] : [perPurchase];
  if (limit !== undefined) {
    const start = periodStart(limit.every, asOfMs);
    const own = books.orders
      .all()
      .filter(
        (o) =>
          o.user_no === userNo &&
          o.terminal_id === terminalId &&
          o.origin_delivered &&
          o.next_count > count &&
          o.next_count < nextCount &&
          periodStart(limit.every, o.as_of_ms) === start,
      )
      .reduce((sum, o) => sum + o.quantity, 0);
    // A period that began since begins with all of it; never one that was over when it was told.
    const left = start > periodStart(limit.every, toldMs) ? limit.quantity : limit.left;
    bounds.push(Math.max(0, left - own));
  }
  return bounds.length === 0 ? null : Math.min(...bounds);
}

/**
 * A year's turn is met by two clocks: for so long before and after it the sale may name the old
 * year or the new one.
 */
const TURN_MS = 15 * 60_000;

/**
 * As of which moment an offline sale was priced: as it says, and of an older program when it was
 * told; not before central told of the account, whatever a dead clock says.
 *
 * @throws Unusable where it names a year to come, or another one than its own clock shows: a new
 *   year's first tier is not had in the old one
 */
function soldMs(
  at: Place,
  { asOfMs }: EventBody<'order-quoted'>,
  rule: PeriodRule,
  grantedMs: number,
): number {
  const wallMs = Math.min(Math.max(at.wallMs, grantedMs), Math.max(at.nowMs, grantedMs));
  if (asOfMs === undefined) return wallMs;
  const year = periodStart(rule, asOfMs);
  if (year > periodStart(rule, at.nowMs + TURN_MS))
    throw new Unusable('priced as of a year to come');
  if (year < periodStart(rule, grantedMs - TURN_MS))
    throw new Unusable('priced as of a year before its account was told');
  // A clock that is ahead of central's says nothing.
  if (at.wallMs > at.nowMs + TURN_MS) return asOfMs;
  const near = [wallMs - TURN_MS, wallMs, wallMs + TURN_MS];
  if (!near.some((ms) => periodStart(rule, ms) === year))
    throw new Unusable('priced as of another year than it was sold in');
  return asOfMs;
}

/**
 * Where every purchase before it is told, the kiosk knew as much as central of what was bought in
 * the year that it sold in (one that heard of no turn took the year before for it, which is no
 * less): it gave no more for the money than central would have. What central told of the year under
 * its signature counts where it has more now, since a grant of then may be forgotten.
 */
function refuseTooCheap(
  books: Books,
  body: EventBody<'order-quoted'>,
  tiers: readonly TariffTier[],
  { asOfMs, told }: { readonly asOfMs: number; readonly told: ToldAccount | undefined },
): void {
  const account = books.accounts.get(body.userNo);
  if (account?.count !== body.nextCount - 1) return;
  const year = yearStartOf(books, body, asOfMs);
  const counted = usedIn(books.use.all(), body.userNo, 'year', year);
  const sameYear = told !== undefined && yearStartOf(books, body, told.asOfMs) === year;
  const then = sameYear && told.count === account.count ? told.year : undefined;
  const used = Math.min(counted, then ?? counted);
  const most = priceAmount(body.amountFen, 0, used, tiers).quantity;
  if (body.quantity > most)
    throw new Unusable(`${body.quantity} for ${body.amountFen} fen; by the year’s tiers ${most}`);
}
